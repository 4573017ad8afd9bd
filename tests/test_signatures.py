"""Every call that NumPy's own signatures allow is right, or refused by the function's name and the argument's.

The calls are generated: each parameter by position and by name, each default given in words, axes negative and in
tuples, arrays of no to three dimensions and empty ones.
"""

import inspect
import itertools
import re

import numpy as np
import pytest
from programs import extrapolated_difference

from mathlib import UnsupportedError, complex_step, grad, jvp
from mathlib.arithmetic import TABLE, Composite, name_of
from mathlib.nn import ravel

rng = np.random.default_rng(5)
SHAPES = ((), (4,), (3, 4), (2, 3, 4), (0, 3))
SQUARE, MASK = (3, 3), np.array([True, False, True, True])


def each(*shapes, **required):
    """Calls with an array of each of these shapes, and arguments that must be given."""
    return [((shape,), required) for shape in shapes]


def pair(*pairs, **required):
    return [(shapes, required) for shapes in pairs]


def several(*functions, calls):
    return dict.fromkeys(functions, calls)


# The arrays' shapes, and what else each function needs; a list of shapes is a list of arrays.
CALLS = {
    **several(np.sum, np.mean, np.prod, np.max, np.min, np.ptp, np.median, np.var, np.std, calls=each(*SHAPES)),
    **several(np.average, np.linalg.norm, np.linalg.vector_norm, np.cumsum, calls=each(*SHAPES)),
    **several(np.sort, np.squeeze, np.ravel, np.copy, np.flip, np.transpose, np.real, np.diff, calls=each(*SHAPES)),
    **several(np.atleast_1d, np.atleast_2d, np.broadcast_arrays, calls=each(*SHAPES)),
    **several(np.trace, np.diagonal, np.linalg.trace, np.linalg.diagonal, calls=each(SQUARE, (2, 3, 3))),
    **several(np.linalg.matrix_norm, np.linalg.inv, np.linalg.det, np.tril, np.triu, calls=each(SQUARE, (2, 3, 3))),
    **several(np.rot90, np.fliplr, np.flipud, np.matrix_transpose, calls=each((2, 3), (2, 3, 4))),
    **several(np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, calls=[([(2, 3), (2, 3)], {})]),
    **several(np.dot, np.inner, calls=pair(((4,), (4,)), ((3, 4), (4,)), ((), (3,)))),
    **several(np.outer, np.linalg.outer, np.kron, np.convolve, np.correlate, calls=pair(((4,), (3,)))),
    **several(np.vdot, np.vecdot, np.linalg.vecdot, calls=pair(((4,), (4,)))),
    **several(np.matmul, np.linalg.matmul, calls=pair(((3, 4), (4, 2)))),
    **several(np.tensordot, np.linalg.tensordot, calls=pair(((2, 3), (3, 2)))),
    **several(np.cross, np.linalg.cross, calls=pair(((4, 3), (4, 3)), (SQUARE, SQUARE))),
    **several(np.add, np.multiply, np.maximum, np.power, calls=pair(((3, 4), (4,)))),
    **several(np.exp, np.abs, calls=each((3, 4))),
    **several(np.split, np.array_split, calls=each((4, 6), indices_or_sections=2)),
    np.clip: each(*SHAPES, a_min=-0.2, a_max=0.9) + each((3, 4)),
    np.linalg.matrix_transpose: each((2, 3), (2, 3, 4)),
    np.column_stack: [([(2, 3), (2, 3)], {}), ([(2,), (2,)], {})],
    np.linalg.multi_dot: [([(2, 3), (3, 4), (4, 2)], {})],
    np.diag: each((3,), SQUARE),
    np.reshape: each((3, 4), shape=(2, -1)) + each((3, 4), newshape=(6, 2)),
    np.expand_dims: each((3, 4), axis=1) + each((3, 4), axis=(0, -1)),
    np.broadcast_to: each((4,), shape=(3, 4)),
    np.swapaxes: each((2, 3, 4), axis1=0, axis2=-1),
    np.moveaxis: each((2, 3, 4), source=(0, 1), destination=(-1, 0)),
    np.roll: each((3, 4), shift=2),
    np.repeat: each((3, 4), repeats=2),
    np.tile: each((3, 4), reps=(2, 1)),
    np.take: each((3, 4), indices=[0, 2, 0]),
    np.take_along_axis: each((3, 4), indices=np.array([[1], [0], [3]]), axis=1),
    np.append: pair(((2, 3), (2, 3)), ((2,), ())),
    np.pad: each((2, 3), pad_width=1) + each((2, 3), pad_width=((0, 1), (2, 0))),
    np.full_like: each((2, 3), fill_value=2.0),
    np.linalg.matrix_power: each(SQUARE, n=3),
    np.trapezoid: each((4,), (3, 4)) + pair(((4,), (4,))),
    np.polyval: pair(((3,), (4,)), ((3,), ())),
    np.linalg.solve: pair((SQUARE, (3,)), (SQUARE, SQUARE)),
    **several(np.linalg.eigh, np.linalg.eigvalsh, np.linalg.cond, calls=each(SQUARE)),
    **several(np.linalg.svd, np.linalg.svdvals, np.linalg.qr, np.linalg.pinv, calls=each(SQUARE, (4, 3), (3, 4))),
    np.linalg.tensorinv: each((2, 3, 6), (4, 2, 2), ind=1) + each((2, 3, 6), ind=2),
    np.linalg.tensorsolve: pair(((2, 3, 6), (2, 3)), ((2, 4, 4, 2), (4, 2))),
    np.poly: each((4,), (1,)),
    **several(np.ediff1d, np.nan_to_num, np.real_if_close, np.unique, np.unique_values, calls=each((4,), (3, 4))),
    **several(np.trim_zeros, np.vander, calls=each((4,))),
    **several(np.atleast_3d, calls=each(*SHAPES)),
    **several(np.hsplit, np.vsplit, np.dsplit, calls=each((2, 4, 6), indices_or_sections=2)),
    **several(*([np.unstack] if hasattr(np, "unstack") else []), calls=each((3, 4))),
    **several(np.linspace, np.logspace, calls=pair(((), ()), ((3,), (2, 3)))),
    np.meshgrid: pair(((3,), (4,))),
    np.insert: each((3, 4), obj=1, values=0.5),
    np.astype: each((3, 4), dtype=float),
    np.block: [([(2, 3), (2, 3)], {})],
}
# Statistics, the calculus of tables, polynomials, Fourier transforms.
OF_NAN = np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmedian, np.nanmean, np.nanvar, np.nanstd
CALLS |= {
    **several(*OF_NAN, np.nancumsum, np.nancumprod, np.cumprod, np.unwrap, np.ediff1d, calls=each((4,), (3, 4))),
    np.gradient: each((4,), (3,), axis=0) + each((3, 4), axis=1),
    **several(*(getattr(np, f"cumulative_{f}", None) for f in ("sum", "prod")), calls=each((4,), (3, 4))),
    **several(np.quantile, np.nanquantile, calls=each((4,), (3, 4), q=0.3) + each((3, 4), q=[0.2, 0.9])),
    **several(np.percentile, np.nanpercentile, calls=each((4,), (3, 4), q=30) + each((3, 4), q=[20, 90.0])),
    **several(np.polyadd, np.polysub, np.polymul, calls=pair(((4,), (3,)))),
    **several(np.polyder, np.polyint, np.poly, np.vander, calls=each((4,))),
    **several(np.fft.irfft, np.fft.hfft, np.fft.irfft2, np.fft.irfftn, calls=each((4, 3))),
    **several(np.fft.fftshift, np.fft.ifftshift, np.real_if_close, calls=each((4,), (3, 4))),
    np.partition: each((4,), (3, 4), kth=1),
    np.cov: each((4,), (3, 4)) + pair(((3, 4), (4,))),
    np.corrcoef: each((3, 4)) + pair(((3, 4), (4,))),
    np.interp: each((4,), xp=[-1.3, 0.1, 2.0], fp=[0.3, -0.2, 1.0]),
    np.polyfit: pair(((4,), (4,)), deg=1),
    np.piecewise: each((4,), condlist=[MASK], funclist=[np.sin, 2.0]),
}
CALLS.pop(None, None)  # what is of a newer NumPy
PADS = "constant", "edge", "reflect", "mean", "empty"
FACTORS = "reduced", "complete", "r", "raw"
# What is tried for a parameter of this name, besides its default.
CHOICES = {
    "axis": [None, 0, -1, 1, (0, 1), (-1, 0), (2, 0), ()],
    "axes": [None, (1, 0), (-1, 0), 1, ([0], [1])],
    "keepdims": [True, False, np.True_],
    "out": [None],
    "dtype": [None, float, np.dtype("f8"), np.float32, int],
    "where": [True, MASK],
    "initial": [np._NoValue, 1.5],
    "ddof": [0, 1],
    "correction": [0, 1.0],
    "order": [None, "C", "K", "A", "F"],
    "ord": [None, 1, -1, 2, 3, -2, 0.5, np.inf, -np.inf, "fro", "nuc", 0],
    "weights": [None, rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, (3, 4))],
    "returned": [False, True],
    "overwrite_input": [False, True],
    "kind": [None, "stable"],
    "stable": [None, True],
    "n": [0, 1, 2],
    "prepend": [0.5, np.ones((3, 1))],
    "append": [0.5, np.ones((3, 2))],
    "offset": [0, 1, -1],
    "axis1": [0, -1], "axis2": [1, -2],
    "axisa": [0, -1], "axisb": [0, -1], "axisc": [0, -1],
    "k": [0, 1, -1], "m": [0],
    "subok": [False, True],
    "casting": ["same_kind", "unsafe"],
    "mode": ["raise", "wrap", "clip", "full", "same", "valid", *PADS, *FACTORS],
    "reflect_type": ["even", "odd"],
    "num": [1, 3], "endpoint": [True, False], "retstep": [False], "base": [10.0, 2.0],
    "to_begin": [None, [0.5]], "nan": [0.0, 1.0], "copy": [True, None, False],
    "indexing": ["xy", "ij"], "sparse": [False, True],
    "N": [None, 2], "increasing": [False, True], "trim": ["f", "b"],
    "return_index": [False], "equal_nan": [True, False], "sorted": [True],
    "a_min": [None, -0.2], "a_max": [None, 0.2], "min": [None, -0.2], "max": [None, 0.2],
    "dx": [1.0, 0.5], "x": [None, np.linspace(0, 1, 4) ** 2],
    "constant_values": [0, 1.5],
    "method": ["linear"], "mean": [np._NoValue, np.float64(0.3)],
    "optimize": [False, True],
    "UPLO": ["L", "U", "l"], "p": [None, 1, -2, "nuc"],
    "full_matrices": [True, False], "compute_uv": [True, False], "hermitian": [False, True],
    "rcond": [None, -1, 1e-3], "rtol": [None, 1e-3],
}  # fmt: skip


def call_of(function, lists, count, style, required, options):
    """A call of the function on its arrays: these by position or by name, the rest by name or by position."""
    names = parameters_of(function)

    def call(arrays):
        given = [list(arrays)] if lists else list(arrays)
        keywords = required | options
        if style == "names":
            named = dict(zip(names, given, strict=False))
            return function(**named, **keywords)
        if style == "positions":  # every option in its place, with the defaults before it
            defaults = {p.name: p.default for p in inspect.signature(function).parameters.values()}
            last = max(names.index(k) for k in keywords)
            given += [keywords[k] if k in keywords else defaults[k] for k in names[len(given) : last + 1]]
            return function(*given)
        return function(*given, **keywords)

    return call


def parameters_of(function):
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # a function in C, before NumPy 2.4
        return []


def calls(function):
    """Every generated call: its text, the program of one vector, that vector, and the names of its options."""
    names = parameters_of(function)
    for shapes, required in CALLS[function]:
        lists, count = isinstance(shapes, list), 1 if isinstance(shapes, list) else len(shapes)
        known = [n for n in names[count:] if n in CHOICES and n not in required]
        known += ["constant_values"] if function is np.pad else []
        single = [{n: v} for n in known for v in CHOICES[n]]
        double = [{"axis": axis, n: CHOICES[n][-1]} for n in known if "axis" in known for axis in (-1, (0, 1))]
        arrays = [rng.uniform(0.2, 1.5, s) * rng.choice([-1, 1], s) for s in shapes]
        if function is np.power:
            arrays = [abs(a) for a in arrays]
        if next(iter(shapes))[-2:] == SQUARE:
            arrays[0] = arrays[0] + 3 * np.eye(3)
        theta, unravel = ravel(arrays)
        for options, style in itertools.product([{}, *single, *double], ("plain", "names", "positions")):
            if style == "positions" and not (required or options):
                continue
            call = call_of(function, lists, count, style, required, options)
            yield f"{style} {shapes} {required | options}", lambda t, c=call, u=unravel: first(c(u(t))), theta, options


def first(y):
    """An array of several results: of a split the last part."""
    return y[-1] if isinstance(y, (list, tuple)) else y


def attempt(program, theta):
    """The plain program's value, or None where NumPy itself refuses the call."""
    try:
        with np.errstate(all="ignore"):
            y = program(theta.copy())
    except Exception:
        return None
    return y if isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind == "f" and np.all(np.isfinite(y)) else None


def right_or_refused(function, text, program, theta, options):
    """Whether the call is right in every arithmetic: 1; or refused: 0; None where NumPy refuses it itself."""
    y = attempt(program, theta)
    if y is None or (function in (np.std, np.nanstd) and not np.all(y)):  # it has a kink at 0
        return None
    v = np.random.default_rng(1).standard_normal(theta.shape)
    try:
        value, tangent = jvp(program, theta, v)
        step = complex_step(program, theta, v)
        gradient = grad(lambda t: np.sum(program(t)))(theta)
    except UnsupportedError as error:
        message = str(error)
        assert options, (text, message)  # without any, all are right
        reason = "|".join(rf"argument {name}=|{name}='?{re.escape(str(value))}" for name, value in options.items())
        reason += "|only order C|weights must have|has no rule|no derivative rule"
        form = rf"[\w.]+: .*({reason}).* \(in \w+, line \d+.*\)\. Instead: .+\."
        assert re.fullmatch(form, message), (text, message)
        return 0
    with np.errstate(all="ignore"):
        exact = extrapolated_difference(program, theta, v)
    where = {"err_msg": f"{name_of(function)} {text}"}
    assert np.shape(tangent) == np.shape(y), text
    np.testing.assert_allclose(value, y, rtol=1e-6 if y.dtype == np.float32 else 1e-13, atol=1e-14, **where)
    if y.dtype == np.float64 and np.all(np.isfinite(exact)):
        near = {"rtol": 1e-6, "atol": 1e-7, **where}
        np.testing.assert_allclose(tangent, exact, **near)
        np.testing.assert_allclose(step, exact, **near)
        np.testing.assert_allclose(np.vdot(gradient, v), np.sum(exact), **near)
    return 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", CALLS, ids=name_of)
def test_every_call_by_numpy_s_signature_is_right_or_refused(function):
    assert 1 in [right_or_refused(function, *call) for call in calls(function)]


def test_every_composite_is_called():
    left = {f for f, row in TABLE.items() if isinstance(row, Composite)} - set(CALLS)
    # tests/programs.py has these, and those of two results, or of complex ones, and the methods of ufuncs.
    others = {np.linalg.slogdet, np.select, np.conj, np.conjugate, np.frexp, np.modf, np.divmod}
    others |= {np.linalg.cholesky, np.linalg.eig, np.linalg.eigvals, np.linalg.lstsq, np.roots}
    others |= {np.bincount, np.histogram, np.geomspace, np.choose}
    others |= {f for f in left if f.__name__ in ("accumulate", "reduceat") or name_of(f).startswith("np.fft")}
    assert left <= {*others, getattr(np, "matvec", None), getattr(np, "vecmat", None)}


# What a method needs; those not named here are called with every option that the function of their name has.
NEEDED = {
    "repeat": [(2,), (2, 0)],
    "take": [([0, 2],), ([0, 2], 1)],
    "reshape": [(-1,), (4, 3), ((4, 3),), (2, -1)],
    "transpose": [(), (1, 0), ((1, 0),), (None,)],
    "swapaxes": [(0, 1)],
    "dot": [(np.ones(4),), (np.ones((4, 2)),), (2.0,)],
    "astype": [(float,), ("f8",), (int,), (np.float32,)],
    "compress": [([True, False, True], 0)],
    "choose": [([1.0, 2.0],)],
    "searchsorted": [(0.5,)],
    "item": [(0,), (1, 2)],
    "round": [(), (1,)],
    "partition": [(1,)],
    "argpartition": [(1,)],
    "getfield": [(float,)],
    "setfield": [(1.0, float)],
    "view": [(float,)],
    "fill": [(1.0,)],
    "put": [(0, 1.0)],
    "resize": [((4, 3),)],
}
FOREIGN = {"tofile", "dump", "dumps", "setflags", "to_device"}  # of files and memory


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in dir(np.ndarray) if not n.startswith("_") and n not in FOREIGN])
def test_every_attribute_of_an_array_is_right_or_refused(name):
    x = (np.random.default_rng(3).permutation(12).reshape(3, 4) + 2.2) / 10  # away from where `round` jumps
    v = np.random.default_rng(4).standard_normal((3, 4))
    known = [n for n in parameters_of(getattr(np, name, None))[1:] if n in CHOICES] if hasattr(np, name) else []
    calls = [(args, {}) for args in NEEDED.get(name, [()])]
    if name not in NEEDED:
        calls += [((), {n: choice}) for n in known for choice in CHOICES[n]]
        calls += [((choice,), {}) for choice in CHOICES["axis"] if "axis" in known[:1]]
    for args, options in calls:

        def program(x, args=args, options=options):
            y = getattr(x, name)
            return y(*args, **options) if callable(y) else y

        y = attempt(program, x)
        if name == "std" and y is not None and not np.all(y):
            continue  # it has a kink at 0
        try:
            value, tangent = jvp(program, x, v)
        except UnsupportedError as error:
            message = str(error)
            assert "Instead: " in message
            continue
        except (TypeError, ValueError, AttributeError):
            assert y is None, (args, options)  # an integer, say, or what NumPy itself refuses
            continue
        if y is not None:
            exact = extrapolated_difference(program, x, v)
            np.testing.assert_allclose(value, y, rtol=1e-13)
            np.testing.assert_allclose(tangent, exact, rtol=1e-6, atol=1e-7, err_msg=f"{name} {args} {options}")
