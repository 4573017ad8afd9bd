"""Rows of the table: what creates, joins, cuts and moves arrays; and arrays of objects that are Numbers."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.stride_tricks import sliding_window_view

from mathlib.arithmetic import (
    REBUILD,
    STORE,
    TABLE,
    Number,
    Order,
    Row,
    as_method,
    composite,
    discrete,
    multilinear,
    operand,
    real_value,
    unsupported,
)
from mathlib.primitives import constants, elementary  # noqa: F401, they fill the table
from mathlib.primitives.shapes import assemble, in_type_of, parts, ungather

# On an array of objects, as np.array([x[0], x[1]]) is, NumPy's functions call methods of the elements.
for function in TABLE:
    by_method = isinstance(function, np.ufunc) and (function.nin == 1 or function in (np.arctan2, np.hypot, np.fmod))
    if by_method and not hasattr(Number, function.__name__):
        setattr(Number, function.__name__, as_method(function))

TABLE.update({function: Order(function) for function in (np.less, np.less_equal, np.greater, np.greater_equal)})
discrete(np.argwhere, np.argpartition, np.isin, np.digitize, np.lexsort, np.array_equiv, np.einsum_path)
discrete(np.iscomplex, np.isreal, np.isneginf, np.isposinf, np.common_type, np.min_scalar_type)
discrete(np.tril_indices_from, np.triu_indices_from, np.diag_indices_from)
discrete(np.array2string, np.array_repr, np.array_str)


class Refused(Row):
    """A function that no differentiated number can go through, and what to write instead."""

    def __init__(self, function, reason, instead):
        super().__init__(function)
        self.reason, self.instead = reason, instead

    def __call__(self, args, kwargs):
        raise unsupported(self.function, [*args, *kwargs.values()], self.reason, self.instead)


for function, instead in {
    np.copyto: "np.where(where, src, dst), or np.broadcast_to(src, dst.shape)",
    np.place: "np.where(mask, values, x)",
    np.putmask: "np.where(mask, values, x)",
    np.put: REBUILD,
    np.put_along_axis: REBUILD,
    np.fill_diagonal: "np.where(np.eye(n) > 0, value, A)",
}.items():
    TABLE[function] = Refused(function, STORE, instead)
TABLE[np.ix_] = Refused(np.ix_, "an index does not come from theta", "index with integers: np.ix_([0, 2], [1])")


# -------------------------------------------------------------------------------------------- moving

for moving in (np.rollaxis, np.delete, np.resize, np.diagflat, sliding_window_view):
    multilinear(moving, transposes=(ungather(moving),))
for choosing in (np.compress, np.extract):
    chosen = ungather(
        lambda x, condition, *axis, choosing=choosing, **options: choosing(condition, x, *axis, **options)
    )
    multilinear(choosing, slots=slice(1, 2), transposes=(chosen,))
Number.argpartition = as_method(np.argpartition)
Number.compress = lambda self, condition, axis=None: np.compress(condition, self, axis)


def moved(function, *arrays):
    """What a function that only moves elements makes of several arrays: it is run once on their numbers."""
    ends = np.cumsum([np.size(a) for a in arrays])
    places = function(
        *(np.arange(end - np.size(a), end).reshape(np.shape(a)) for a, end in zip(arrays, ends, strict=True))
    )
    return np.take(np.concatenate([np.ravel(a) for a in arrays]), places)


@composite(np.insert)
def insert(x, /, obj, values, axis=None):
    values = in_type_of(x, operand(np.insert, values, [x]))
    if x.dtype.kind != "f":
        raise unsupported(np.insert, [values], f"an array of {x.dtype} would cut them to its type", "x.astype(float)")
    return moved(lambda x, values: np.insert(x, obj, values, axis), x, values)


@composite(np.choose)
def choose(a, choices, mode="raise"):
    return moved(lambda *numbers: np.choose(real_value(a), numbers, mode=mode), *choices)


@composite(np.block)
def block(arrays):
    leaves = []

    def collect(a):
        if type(a) is list:
            return [collect(b) for b in a]
        leaves.append(a)
        return len(leaves) - 1

    places = collect(arrays)

    def fill(place, numbers):
        return [fill(p, numbers) for p in place] if type(place) is list else numbers[place]

    return moved(lambda *numbers: np.block(fill(places, numbers)), *leaves)


@composite(np.trim_zeros)
def trim_zeros(x, /, trim="fb"):
    if np.ndim(x) != 1:
        raise unsupported(np.trim_zeros, [x], "it has a rule for vectors", "a slice of the array")
    there = np.flatnonzero(real_value(x))
    first, last = (there[0], there[-1]) if len(there) else (len(x), -1)
    return x[first if "f" in trim.lower() else 0 : last + 1 if "b" in trim.lower() else len(x)]


@composite(np.atleast_3d)
def atleast_3d(*arrays):
    arrays = tuple(
        x if np.ndim(x) > 2 else x[:, :, None] if np.ndim(x) == 2 else np.reshape(x, (1, -1, 1)) for x in arrays
    )
    return arrays if len(arrays) > 1 else arrays[0]


def cut(x, split, indices_or_sections):
    """The parts of x, as a function that only cuts makes them."""
    return [np.take(x, places) for places in split(np.arange(np.size(x)).reshape(np.shape(x)), indices_or_sections)]


@composite(np.hsplit)
def hsplit(x, /, indices_or_sections):
    return cut(x, np.hsplit, indices_or_sections)


@composite(np.vsplit)
def vsplit(x, /, indices_or_sections):
    return cut(x, np.vsplit, indices_or_sections)


@composite(np.dsplit)
def dsplit(x, /, indices_or_sections):
    return cut(x, np.dsplit, indices_or_sections)


@composite(*((np.unstack,) if hasattr(np, "unstack") else ()))  # NumPy 2.1
def unstack(x, /, *, axis=0):
    return tuple(parts(x, range(x.shape[axis]), axis))


@composite(np.unique)
def unique(x, /, return_index=False, return_inverse=False, return_counts=False, *, sorted=True):
    plain = np.unique(real_value(x), True, True, True)
    if len(plain[0]) != np.size(x):
        reason = "of equal numbers it makes one, which has no derivative"
        raise unsupported(np.unique, [x], reason, "x[index], with the index of np.unique of plain numbers")
    y = np.ravel(x)[plain[1]]
    more = [a for a, wanted in zip(plain[1:], (return_index, return_inverse, return_counts), strict=True) if wanted]
    return (y, *more) if more else y


@composite(np.unique_values)
def unique_values(x, /):
    return np.unique(x)


# ------------------------------------------------------------------------------------------ creating


def steps(start, stop, num, endpoint):
    """The parts of the way from start to stop that a sequence has gone, along a new first axis."""
    t = np.linspace(0, 1, num, endpoint, dtype=np.result_type(start, stop, 1.0))
    return np.reshape(t, (-1,) + (1,) * max(np.ndim(start), np.ndim(stop)))


@composite(np.linspace)
def linspace(start, stop, /, num=50, endpoint=True, retstep=False, axis=0):
    y = np.moveaxis(start + steps(start, stop, num, endpoint) * (stop - start), 0, axis)
    return (y, (stop - start) / (num - 1 if endpoint else num)) if retstep else y


@composite(np.logspace)
def logspace(start, stop, /, num=50, endpoint=True, base=10.0, axis=0):
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return base ** np.linspace(start, stop, num, endpoint, axis=axis)


@composite(np.geomspace)
def geomspace(start, stop, /, num=50, endpoint=True, axis=0):
    if np.any(np.sign(start) * np.sign(stop) != 1):
        raise unsupported(np.geomspace, [start, stop], "its ends have different signs, or are zero", "ends of one sign")
    t = steps(start, stop, num, endpoint)
    return np.moveaxis(np.sign(start) * np.abs(start) ** (1 - t) * np.abs(stop) ** t, 0, axis)


@composite(np.meshgrid)
def meshgrid(*arrays, sparse=False, indexing="xy", copy=True):
    numbers = np.meshgrid(*(np.arange(np.size(a)) for a in arrays), sparse=sparse, indexing=indexing)
    return tuple(np.ravel(a)[places] for a, places in zip(arrays, numbers, strict=True))


@composite(np.vander)
def vander(x, /, N=None, increasing=False):
    powers = np.arange(len(x) if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


@composite(np.ediff1d)
def ediff1d(x, /, to_end=None, to_begin=None):
    begin, end = ([] if a is None else operand(np.ediff1d, a, [x]) for a in (to_begin, to_end))
    return np.concatenate([np.ravel(in_type_of(x, a)) for a in (begin, np.diff(np.ravel(x)), end)])


@composite(np.nan_to_num)
def nan_to_num(x, /, *, nan=0.0, posinf=None, neginf=None):
    largest, plain = np.finfo(x.dtype).max, real_value(x)
    x = np.where(np.isnan(plain), nan, x)
    x = np.where(np.isposinf(plain), largest if posinf is None else posinf, x)
    return np.where(np.isneginf(plain), -largest if neginf is None else neginf, x)


@composite(np.astype)
def astype(x, /, dtype, *, copy=True):
    return x.astype(dtype)


# ---------------------------------------------------------------------------------------- applying


class Applied(Row):
    """A function of NumPy's that calls a function of the program's: it runs as this program."""

    def __init__(self, function, program):
        super().__init__(function)
        self.program = program

    def __call__(self, args, kwargs):
        return self.program(*args, **kwargs)


def applied(function):
    """Decorate the program that stands for a function that calls another one."""

    def add(program):
        TABLE[function] = Applied(function, program)
        return program

    return add


@applied(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    axis = normalize_axis_index(axis, np.ndim(arr))
    x = np.moveaxis(arr, axis, -1)
    rows = [func1d(row, *args, **kwargs) for row in np.reshape(x, (-1, x.shape[-1]))]
    y = np.stack(rows)
    n = np.ndim(y) - 1
    y = np.reshape(y, x.shape[:-1] + y.shape[1:])
    return np.moveaxis(y, range(y.ndim - n, y.ndim), range(axis, axis + n))


@applied(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    for axis in np.atleast_1d(axes).tolist():
        y = func(a, axis)
        a = y if np.ndim(y) == np.ndim(a) else np.expand_dims(y, axis % np.ndim(a))
    return a


@applied(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    shape, x = np.shape(x), np.atleast_1d(x)
    if np.isscalar(condlist) or (shape and not isinstance(condlist[0], (list, np.ndarray))):  # one, not in a list
        condlist = [condlist]
    where = [np.reshape(np.asarray(real_value(c), bool), x.shape) for c in condlist]
    if len(funclist) == len(where) + 1:
        where.append(~np.any(where, axis=0))
    elif len(funclist) != len(where):
        raise ValueError(
            f"with {len(where)} condition(s), either {len(where)} or {len(where) + 1} functions are expected"
        )
    values, places = [np.zeros(x.shape, x.dtype)], [...]
    later = np.zeros(x.shape, bool)  # where conditions overlap, the last one holds
    for c, f in reversed(list(zip(where, funclist, strict=True))):
        y = operand(np.piecewise, f(x[c], *args, **kw) if callable(f) else f, [x])
        y = np.broadcast_to(in_type_of(x, y), (np.count_nonzero(c),))
        values.append(y[~later[c]])
        places.append(c & ~later)
        later |= c
    return np.reshape(assemble(values, places, x.shape), shape)
