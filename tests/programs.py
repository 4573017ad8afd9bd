"""Programs that use every row of the table, and derivatives of them that owe nothing to it."""

import operator
import types
import warnings

import mpmath as mp
import numpy as np
import programs_arrays
import programs_decompositions
import programs_scipy
import programs_statistics
import pytest

from mathlib.arithmetic import name_of
from mathlib.primitives import (
    TABLE,
    assemble,
    cofactors,
    cofactors_along,
    gap,
    logabsdet,
    one_minus_square,
    part,
    sech2,
    sigmoid,
)

mp.mp.dps = 40


LIBRARIES = {"numpy", "scipy", "_operator", "mathlib"}


def rows(kind):
    """The rows of a kind, without those that `mathlib.nn` adds, whose own tests see to them, and those of readers."""
    return [f for f in TABLE if isinstance(TABLE[f], kind) and is_library_s(f)]


def is_library_s(f):
    """Whether a function is of NumPy, SciPy or this package; functions in C may not say whose they are."""
    module = getattr(f, "__module__", None) or ("" if isinstance(f, types.FunctionType) else "numpy")
    return module.partition(".")[0] in LIBRARIES and module != "mathlib.nn"


def sign(x):
    return mp.sign(x)


# For each elementwise row: mpmath's derivatives (by differentiating mpmath's function, or known), on an interval.
BOTH, POSITIVE, UNIT, ABOVE = (-3.0, 3.0), (0.05, 5.0), (-0.98, 0.98), (1.05, 6.0)
ORACLE = {
    np.add: (lambda a, b: a + b, BOTH),
    np.subtract: (lambda a, b: a - b, BOTH),
    np.multiply: (lambda a, b: a * b, BOTH),
    np.divide: (lambda a, b: a / b, POSITIVE),
    np.negative: (lambda x: -x, BOTH),
    np.positive: (lambda x: x, BOTH),
    np.reciprocal: (lambda x: 1 / x, POSITIVE),
    np.square: (lambda x: x * x, BOTH),
    one_minus_square: (lambda x: 1 - x * x, BOTH),
    sech2: (lambda x: mp.sech(x) ** 2, (-30.0, 30.0)),
    sigmoid: (lambda x: 1 / (1 + mp.exp(-x)), (-30.0, 30.0)),
    gap: (lambda a, b: a - b, BOTH),
    np.power: (mp.power, POSITIVE),
    np.float_power: (mp.power, POSITIVE),
    operator.pow: (mp.power, POSITIVE),
    np.sqrt: (mp.sqrt, POSITIVE),
    np.cbrt: (mp.cbrt, POSITIVE),
    np.exp: (mp.exp, BOTH),
    np.exp2: (lambda x: mp.power(2, x), BOTH),
    np.expm1: (mp.expm1, BOTH),
    np.log: (mp.log, POSITIVE),
    np.log2: (lambda x: mp.log(x, 2), POSITIVE),
    np.log10: (mp.log10, POSITIVE),
    np.log1p: (mp.log1p, POSITIVE),
    np.logaddexp: (lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), BOTH),
    np.logaddexp2: (lambda a, b: mp.log(mp.power(2, a) + mp.power(2, b), 2), BOTH),
    np.sin: (mp.sin, BOTH),
    np.cos: (mp.cos, BOTH),
    np.tan: (mp.tan, (-1.5, 1.5)),
    np.arcsin: (mp.asin, UNIT),
    np.arccos: (mp.acos, UNIT),
    np.arctan: (mp.atan, BOTH),
    np.arctan2: (mp.atan2, POSITIVE),
    np.hypot: (mp.hypot, POSITIVE),
    np.sinh: (mp.sinh, BOTH),
    np.cosh: (mp.cosh, BOTH),
    np.tanh: (mp.tanh, (-30.0, 30.0)),
    np.arcsinh: (mp.asinh, BOTH),
    np.arccosh: (mp.acosh, ABOVE),
    np.arctanh: (mp.atanh, UNIT),
    np.deg2rad: (mp.radians, BOTH),
    np.radians: (mp.radians, BOTH),
    np.rad2deg: (mp.degrees, BOTH),
    np.degrees: (mp.degrees, BOTH),
    np.absolute: (abs, BOTH),
    np.fabs: (abs, BOTH),
    np.maximum: (max, BOTH),
    np.fmax: (max, BOTH),
    np.minimum: (min, BOTH),
    np.fmin: (min, BOTH),
    np.copysign: (lambda a, s: abs(a) * sign(s), BOTH),
    np.heaviside: (lambda x, h: mp.mpf(x > 0), BOTH),
    np.remainder: (lambda a, b: a - b * mp.floor(a / b), POSITIVE),
    np.fmod: (lambda a, b: a - b * mp.floor(a / b), POSITIVE),
}


A, B = np.random.default_rng(1).standard_normal((2, 3, 3))
C = np.random.default_rng(2).standard_normal((2, 3, 4))
# Programs of one array of the given shape, affine in it, for the multilinear rows and the composites of them.
LINEAR = {
    np.sum: [(lambda x: np.sum(x), (3, 4)), (lambda x: x.sum(axis=1, keepdims=True), (3, 4)), (np.sum, (0,))],
    np.mean: [(lambda x: np.mean(x, axis=(0, 2)), (2, 3, 4)), (lambda x: x.mean(), (3,))],
    np.cumsum: [(lambda x: np.cumsum(x, axis=0), (3, 2)), (lambda x: np.add.accumulate(x), (4,))],
    np.trace: [(np.trace, (3, 3)), (lambda x: x.trace(), (2, 2))],
    np.diagonal: [(lambda x: np.diagonal(x, 1), (3, 3))],
    np.diag: [(np.diag, (3,)), (np.diag, (3, 3))],
    np.diff: [(lambda x: np.diff(x, n=2), (6,))],
    np.tril: [(np.tril, (3, 3))],
    np.triu: [(lambda x: np.triu(x, 1), (3, 3))],
    np.reshape: [(lambda x: np.reshape(x, (4, 3)), (3, 4)), (lambda x: x.reshape(2, -1), (3, 4))],
    np.ravel: [(np.ravel, (2, 3)), (lambda x: x.flatten(), (2, 3))],
    np.transpose: [(lambda x: np.transpose(x, (1, 2, 0)), (2, 3, 4)), (lambda x: x.T, (2, 3)),
                   (lambda x: x.transpose(1, 0), (2, 3)), (lambda x: x.transpose(), (2, 3))],
    np.matrix_transpose: [(np.matrix_transpose, (2, 3, 4)), (lambda x: x.mT, (2, 3))],
    np.swapaxes: [(lambda x: x.swapaxes(0, 2), (2, 3, 4))],
    np.moveaxis: [(lambda x: np.moveaxis(x, 0, -1), (2, 3, 4))],
    np.expand_dims: [(lambda x: np.expand_dims(x, 1), (2, 3))],
    np.squeeze: [(lambda x: x.squeeze(), (2, 1, 3))],
    np.broadcast_to: [(lambda x: np.broadcast_to(x, (4, 3)), (3,))],
    np.flip: [(np.flip, (2, 3))],
    np.fliplr: [(np.fliplr, (2, 3))],
    np.flipud: [(np.flipud, (2, 3))],
    np.rot90: [(np.rot90, (2, 3))],
    np.roll: [(lambda x: np.roll(x, 1, axis=1), (2, 3))],
    np.repeat: [(lambda x: x.repeat(2, axis=0), (2, 3))],
    np.tile: [(lambda x: np.tile(x, (2, 2)), (2, 3))],
    np.take: [(lambda x: x.take([0, 2, 0], axis=1), (2, 3))],
    np.take_along_axis: [(lambda x: np.take_along_axis(x, np.array([[1], [0]]), 1), (2, 3))],
    np.copy: [(lambda x: x.copy(), (3,)), (np.copy, (3,))],
    operator.getitem: [(lambda x: x[1:, ::-1], (3, 4)), (lambda x: x[[0, 0, 2]], (3,)), (lambda x: x[None, ..., 0], (3, 4)),
                       (lambda x: x[np.array([True, False, True])], (3,)), (lambda x: x[1, 2], (3, 4))],
    part: [(lambda x: part(x, 1, (2, 3)), (8,))],
    assemble: [(lambda x: assemble([x, 2 * x[:2]], [slice(1, 4), [0, 0]], (5,)), (3,))],
    np.linalg.trace: [(np.linalg.trace, (2, 3, 3))],
    np.linalg.diagonal: [(np.linalg.diagonal, (2, 3, 3))],
    np.linalg.matrix_transpose: [(np.linalg.matrix_transpose, (2, 3))],
    np.concatenate: [(lambda x: np.concatenate([x, 2 * x, A], axis=1), (3, 2)), (lambda x: np.concatenate([x[0], x[1]]), (2, 2))],
    np.stack: [
        (lambda x: np.stack([x, np.zeros(3), x], axis=1), (3,)), (lambda x: np.stack([x[0], 1.0, x[2]]), (3,))],
    np.vstack: [(lambda x: np.vstack([x, A]), (3,))],
    np.hstack: [(lambda x: np.hstack([A, x]), (3, 2))],
    np.dstack: [(lambda x: np.dstack([x, A]), (3, 3))],
    np.column_stack: [(lambda x: np.column_stack([x, A]), (3,))],
    np.where: [(lambda x: np.where(A > 0, x, B), (3, 3)), (lambda x: np.where(A > 0, 0.0, x), (3,))],
    np.dot: [(lambda x: A.dot(B) @ x, (3,)), (lambda x: x.dot(A), (3,)), (lambda x: np.dot(A, x), (3,))],
    np.matmul: [(lambda x: A @ x, (3, 2)), (lambda x: x @ C, (2, 5, 3)), (lambda x: x @ A, (3,))],
    np.inner: [(lambda x: np.inner(A, x), (3,))],
    np.outer: [(lambda x: np.outer(x, A[0]), (4,)), (lambda x: np.multiply.outer(x, A), (2,))],
    np.tensordot: [(lambda x: np.tensordot(x, C, axes=([0], [1])), (3, 2))],
    np.kron: [(lambda x: np.kron(A, x), (2, 2))],
    np.cross: [(lambda x: np.cross(x, A[0]), (4, 3))],
    np.vdot: [(lambda x: np.vdot(x, A), (3, 3))],
    np.linalg.matmul: [(lambda x: np.linalg.matmul(x, A), (2, 3))],
    np.linalg.outer: [(lambda x: np.linalg.outer(A[0], x), (2,))],
    np.linalg.tensordot: [(lambda x: np.linalg.tensordot(x, C, axes=1), (2,))],
    np.linalg.cross: [(lambda x: np.linalg.cross(x, A[0]), (3,))],
    np.vecdot: [(lambda x: np.vecdot(x, A), (3, 3))],
    np.linalg.vecdot: [(lambda x: np.linalg.vecdot(A, x), (3,))],
    np.convolve: [(lambda x: np.convolve(x, A[0]), (5,))],
    np.correlate: [(lambda x: np.correlate(A[0], x), (2,))],
    **({np.matvec: [(lambda x: np.matvec(A, x), (3,))], np.vecmat: [(lambda x: np.vecmat(x, A), (3,))]} if hasattr(np, "matvec") else {}),
    np.einsum: [(lambda x: np.einsum("ij,jk,k->i", A, B, x), (3,)), (lambda x: np.einsum("ii", x), (3, 3))],
}  # fmt: skip


def spd(x):
    return x @ x.T + 3 * np.eye(len(x))


# Programs that are not linear: general and composite rows, quadratic uses of the bilinear ones, methods.
C3 = np.stack([3 * np.eye(3) + A, 4 * np.eye(3) - A, 5 * np.eye(3)])
SMOOTH = {
    np.linalg.inv: [(lambda x: np.linalg.inv(spd(x)), (3, 3))],
    cofactors: [],  # the derivatives of the determinant, and tested as such
    cofactors_along: [],
    np.linalg.det: [(lambda x: np.linalg.det(x), (3, 3)), (np.linalg.det, (2, 3, 3))],
    np.linalg.solve: [(lambda x: np.linalg.solve(3 * np.eye(3) + x, A[0]), (2, 3, 3)), (lambda x: np.linalg.solve(C3, x) ** 2, (3,)),
                      (lambda x: np.linalg.solve(spd(x), x[0]), (3, 3)), (lambda x: np.linalg.solve(spd(A), x), (3, 2)),
                      (lambda x: np.linalg.solve(x, A), (3, 3))],
    logabsdet: [(lambda x: logabsdet(x), (3, 3))],
    np.max: [(lambda x: np.max(x, axis=1), (3, 4)), (lambda x: x.max(), (5,)), (lambda x: np.maximum.reduce(x), (4, 2)),
             (lambda x: x.max(axis=(0, 1), keepdims=True), (2, 3))],
    np.amax: [(lambda x: np.amax(x, axis=0), (3, 2))],
    np.amin: [(lambda x: np.amin(x), (3,))],
    np.min: [(lambda x: np.min(x, axis=0, keepdims=True), (3, 4)), (lambda x: x.min(), (2, 2))],
    np.prod: [(np.prod, (4,)), (lambda x: x.prod(axis=1), (2, 3)), (lambda x: np.prod(x, axis=0, keepdims=True), (2, 3)),
              (lambda x: np.multiply.reduce(x * np.array([0.0, 1.0, 2.0])), (3,))],
    np.linalg.slogdet: [(lambda x: np.linalg.slogdet(x).logabsdet, (3, 3))],
    np.real: [(lambda x: np.real(x) * x.real, (3,))],
    np.conj: [(lambda x: np.conj(x) * x, (3,))],
    np.conjugate: [(lambda x: x.conjugate() * x, (3,))],
    np.var: [(lambda x: np.var(x, axis=1, ddof=1), (3, 4)), (lambda x: x.var(keepdims=True), (4,))],
    np.std: [(lambda x: x.std(axis=0), (3, 4)), (np.std, (2, 3))],
    np.linalg.norm: [(np.linalg.norm, (4,)), (lambda x: np.linalg.norm(x, axis=1), (3, 4)), (np.linalg.norm, (3, 3)),
                     (lambda x: np.linalg.norm(x, 1), (4,)), (lambda x: np.linalg.norm(x, np.inf), (4,)),
                     (lambda x: np.linalg.norm(x, 3), (4,)), (lambda x: np.linalg.norm(x, -np.inf, axis=0), (3, 2)),
                     (lambda x: np.linalg.norm(x, 2), (3, 4)), (lambda x: np.linalg.norm(x, "nuc", axis=(0, 2), keepdims=True), (2, 3, 4)),
                     (lambda x: np.linalg.norm(x, -2, axis=(1, 0)), (3, 2, 2))],
    np.linalg.vector_norm: [(lambda x: np.linalg.vector_norm(x), (4,))],
    np.linalg.matrix_norm: [(lambda x: np.linalg.matrix_norm(x), (3, 2)),
                            (lambda x: np.linalg.matrix_norm(x, ord="nuc"), (2, 3, 3))],
    np.clip: [(lambda x: np.clip(x, -0.5, 0.5), (6,)), (lambda x: x.clip(min=0.1), (5,)), (lambda x: np.clip(A, x, None), (3,))],
    np.sort: [(lambda x: np.sort(x, axis=0), (4, 2)), (lambda x: np.sort(x, axis=None), (2, 2))],
    np.median: [(np.median, (4,)), (lambda x: np.median(x, axis=1), (2, 5)), (lambda x: np.median(x, keepdims=True), (3, 2))],
    np.ptp: [(np.ptp, (5,))],
    np.average: [(lambda x: np.average(x, weights=x**2), (4,)), (lambda x: np.average(x, axis=0), (3, 2))],
    np.polyval: [(lambda x: np.polyval(x, 0.7), (4,)), (lambda x: np.polyval([1.0, -2.0, 3.0], x), (3,))],
    np.split: [(lambda x: np.split(x, 2)[1] ** 2, (4, 2))],
    np.array_split: [(lambda x: np.array_split(x, [1, 2], axis=1)[2] ** 2, (2, 5))],
    np.broadcast_arrays: [(lambda x: np.multiply(*np.broadcast_arrays(x, x[:1])), (3, 2))],
    np.full_like: [(lambda x: np.full_like(x, 2.0) * x, (3,))],
    np.pad: [(lambda x: np.pad(x, 1) ** 2, (2, 3)), (lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0) ** 2, (2, 2))],
    np.atleast_1d: [(lambda x: np.atleast_1d(x) ** 2, ())],
    np.atleast_2d: [(lambda x: np.atleast_2d(x) ** 2, (3,)), (lambda x: np.atleast_2d(x) ** 2, (2, 2))],
    np.append: [(lambda x: np.append(x, x**2), (2, 2)), (lambda x: np.append(x, A, axis=1) ** 2, (3, 2))],
    np.trapezoid: [(lambda x: np.trapezoid(x, x**3), (5,)), (lambda x: np.trapezoid(x**2, dx=0.5, axis=0), (4, 2))],
    np.linalg.matrix_power: [(lambda x: np.linalg.matrix_power(x, 3), (3, 3)), (lambda x: np.linalg.matrix_power(spd(x), -2), (2, 2)),
                             (lambda x: np.linalg.matrix_power(x, 0) * x, (2, 2))],
    np.select: [(lambda x: np.select([A[0] > 0, A[0] > -1], [x, x**2], 3.0), (3,))],
    np.linalg.multi_dot: [(lambda x: np.linalg.multi_dot([x, A, x]), (3, 3))],
}  # fmt: skip

for room in (programs_arrays, programs_decompositions, programs_scipy, programs_statistics):
    ORACLE |= room.ORACLE
    LINEAR |= room.LINEAR
    SMOOTH |= room.SMOOTH


def each(programs):
    """One case a program, named by its row."""
    cases = [(f, i, case) for f in programs for i, case in enumerate(programs[f])]
    return [pytest.param(*case, id=f"{name_of(f)}-{i}") for f, i, case in cases]


SHAPES_OF_CALL = {
    "f(x)": lambda f, x: f(x),
    "f(x, x*x)": lambda f, x: f(x, x * x),
    "f(x, 0.7)": lambda f, x: f(x, 0.7),
    "f(c, x)": lambda f, x: f(np.full(np.shape(x), 0.7)[()], x),
    "f(x, axis=0)": lambda f, x: f(x, axis=0),
    "f(x, 1)": lambda f, x: f(x, 1),
    "f([x, x*x])": lambda f, x: f([x, x * x]),
    "f(x > c, x, 1)": lambda f, x: f(x > 0.5, x, 1.0),
    "f(x, 1, float)": lambda f, x: f(x, 1, float),
    "f(x, 'F')": lambda f, x: f(x, "F"),
    "f(x, n, 'F')": lambda f, x: f(x, (np.size(x),), "F"),
    "f(x, axis=0, keepdims=True)": lambda f, x: f(x, axis=0, keepdims=True),
    "f([x > c], [x])": lambda f, x: f([x > 0.5], [x * x]),
    "f(x, [0, 0])": lambda f, x: f(x, [0, 0]),
    "f(stack)": lambda f, x: f(np.stack([x, x * x])),
    "f(stack, axis=-1)": lambda f, x: f(np.stack([x, x * x]), axis=-1),
    "f(x, c, x)": lambda f, x: f(x, np.full(np.shape(x), 0.7)[()], x),
}
# Functions of files and settings, those that change their argument, and one whose values are left to chance.
NOT_A_PROGRAM = {"save", "savetxt", "savez", "savez_compressed", "load", "fromfile", "info", "show_config"}
NOT_A_PROGRAM |= {"show_runtime", "set_printoptions", "seterr", "seterrcall", "setbufsize", "test", "empty_like"}
NOT_A_PROGRAM |= {"put", "place", "copyto", "putmask", "fill_diagonal", "put_along_axis", "from_dlpack", "frombuffer"}


def public_functions():
    for module in (np, np.linalg, np.fft):
        for name in sorted(set(dir(module)) - NOT_A_PROGRAM):
            f = getattr(module, name)
            if not name.startswith("_") and callable(f) and not isinstance(f, type):
                yield pytest.param(f, id=f"{module.__name__}.{name}")


def extrapolated_difference(program, x, v, h=2.0**-13):
    """df(x)[v] by Richardson's extrapolation of central differences: error h**4, roundings 2**-53 / h."""

    def central(h):
        return (program(x + h * v) - program(x - h * v)) / (2 * h)

    return (4 * central(h) - central(2 * h)) / 3


def sweep(f):
    """Every way to call f that runs on plain floats and gives floats: (call, program, x, v, its derivative)."""
    rng = np.random.default_rng(147)  # with it the matrices x and x * x are well conditioned, to be inverted
    for shape in ((), (4,), (3, 3)):
        x, v = rng.uniform(0.2, 0.9, shape)[()], rng.standard_normal(shape)[()]
        x = x + 0.1 * np.eye(3) if shape == (3, 3) else x
        for call, with_arguments in SHAPES_OF_CALL.items():

            def program(x, with_arguments=with_arguments):
                return with_arguments(f, x)

            def floats(x, program=program):
                y = np.asarray(program(x))
                if y.dtype.kind != "f":
                    raise TypeError
                return y

            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    exact = extrapolated_difference(floats, x, v)
                except Exception:
                    continue
            if np.all(np.isfinite(exact)):
                yield call, program, x, v, exact
