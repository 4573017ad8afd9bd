"""Rows of the table: extrema, products, norms and statistics of an array."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from mathlib.arithmetic import TABLE, General, Multilinear, Number, composite, general, operand, real_value, unsupported
from mathlib.primitives.decompositions import spectral_norm
from mathlib.primitives.shapes import assemble, spread


class Started:
    """A reduction whose `initial` is one number more; `fill` stands for those that `where` leaves out."""

    def __call__(self, args, kwargs):
        if "initial" not in kwargs and len(args) <= 4:
            return super().__call__(args, kwargs)
        x, options = with_names(self.signature[0], args, kwargs)
        if (initial := options.pop("initial", None)) is None:
            return super().__call__((x,), options)
        initial = initial if isinstance(initial, Number) else np.asarray(initial, x.dtype)[()]
        if (where := options.pop("where", True)) is not True:
            x = np.where(where, x, self.fill)
        if not np.size(x):
            return np.sum(x, **options) + initial
        return self.joins(super().__call__((x,), options), initial)


def with_names(names, args, kwargs):
    """The first argument of a call, and the others that say something by their names."""
    options = dict(zip(names, args, strict=False)) | kwargs
    return options.pop(names[0]), {k: v for k, v in options.items() if v is not np._NoValue}


class Sum(Started, Multilinear):
    """The sum."""

    joins, fill = np.add, 0


class Extremum(Started, General):
    """The maximum, or the minimum."""

    def __init__(self, function, joins, fill):
        super().__init__(function, extremum_tangent, transposes=(extremum_back,))
        self.joins, self.fill = joins, fill


TABLE[np.sum] = Sum(np.sum, transposes=(spread,))


def standing(y, x, axis, keepdims):
    """Where an extremum stands, and how many share it, in the shape of x."""
    stands = real_value(x) == real_value(y if np.ndim(y) == np.ndim(x) or axis is None else np.expand_dims(y, axis))
    return stands, np.sum(stands, axis, keepdims=True, dtype=x.dtype)


def extremum_tangent(y, x, dx, axis=None, out=None, keepdims=False):
    """The tangent where the extremum stands; ties share it equally."""
    stands, count = standing(y, x, axis, keepdims)
    return np.sum(dx * (stands / count), axis, keepdims=keepdims)


def extremum_back(g, y, x, axis=None, out=None, keepdims=False):
    """G where the extremum stands; ties share it equally."""
    stands, count = standing(y, x, axis, keepdims)
    return spread(g, x, axis, keepdims=keepdims) * (stands / count)


for extremum in (np.max, np.amax):
    TABLE[extremum] = Extremum(extremum, np.maximum, -math.inf)
for extremum in (np.min, np.amin):
    TABLE[extremum] = Extremum(extremum, np.minimum, math.inf)


def power_of_two(y, e):
    """The powers 2**e in y's precision, constants."""
    return np.ldexp(np.ones(np.shape(e), y.dtype), e)


def scaled(y, exponents):
    """The numbers y 2**exponents again, with y near 1: added apart, exponents do not leave the range."""
    most = np.finfo(y.dtype).maxexp - 2
    e = np.clip(np.frexp(real_value(y))[1], -most, most)
    return y * power_of_two(y, -e), exponents + e


def unscaled(y, e):
    """The numbers y 2**e, in two steps: no half leaves the range where the whole does not."""
    return y * power_of_two(y, e // 2) * power_of_two(y, e - e // 2)


def product_by_halves(y):
    """The product along the first axis: no division, so that it is right where factors are zero."""
    exponents = 0
    while True:
        y, exponents = scaled(y, exponents)
        if len(y) < 2:
            return unscaled(y[0], exponents[0])
        half = len(y) // 2
        y = np.concatenate([y[:half] * y[half : 2 * half], y[2 * half :]])
        exponents = np.concatenate([exponents[:half] + exponents[half : 2 * half], exponents[2 * half :]])


def scan(join, arrays):
    """What joins the first k numbers, for each k along the first axis: of neighbours first, then of every second.

    The arrays together hold the numbers. Source: R. E. Ladner and M. J. Fischer (1980).
    """
    n = len(arrays[0])
    if n < 2:
        return arrays
    odd = scan(join, join([a[:-1:2] for a in arrays], [a[1::2] for a in arrays]))
    even = join([a[: (n - 1) // 2] for a in odd], [a[2::2] for a in arrays])
    places = [slice(0, 1), slice(2, None, 2), slice(1, None, 2)]
    return [assemble([a[:1], b, c], places, np.shape(a)) for a, b, c in zip(arrays, even, odd, strict=True)]


def accumulation(function):
    """The program of ``function.accumulate``, for an associative function."""

    def accumulate(x, /, axis=0):
        return np.moveaxis(scan(lambda a, b: [function(a[0], b[0])], [np.moveaxis(x, axis, 0)])[0], 0, axis)

    return accumulate


def segmentwise(reduction):
    """The program of ``reduceat``, for a reduction."""

    def reduceat(x, /, indices, axis=0):
        x = np.moveaxis(x, axis, 0)
        np.add.reduceat(np.zeros(len(x)), np.asarray(indices))  # it knows which are none
        ends = [*indices[1:], len(x)]
        return np.moveaxis(
            np.stack([reduction(x[i : max(i + 1, j)], 0) for i, j in zip(indices, ends, strict=True)]), 0, axis
        )

    return reduceat


for associative in (np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot):
    composite(associative.accumulate)(accumulation(associative))
for associative in (np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2):
    composite(associative.reduceat)(segmentwise(associative.reduce))


@composite(np.cumprod)
def cumprod(x, /, axis=None):
    x, axis = (np.ravel(x), 0) if axis is None else (x, axis)
    return np.multiply.accumulate(x, axis)


@composite(np.multiply.accumulate)
def accumulated_product(x, /, axis=0):
    x = np.moveaxis(x, axis, 0)
    y, e = scan(lambda a, b: scaled(a[0] * b[0], a[1] + b[1]), scaled(x, 0))
    return np.moveaxis(unscaled(y, e), 0, axis)


def cumulative(function, x, axis, include_initial, start):
    """The function along the axis, which only a vector need not name; with the empty one before it."""
    if axis is None and np.ndim(x) != 1:
        raise ValueError(f"x has {np.ndim(x)} dimensions: an axis is needed.")
    y, axis = function(x, axis or 0), axis or 0
    first = [np.full_like(np.take(real_value(y), [0], axis), start)] if include_initial else []
    return np.concatenate([*first, y], axis)


if hasattr(np, "cumulative_sum"):  # NumPy 2.1

    @composite(np.cumulative_sum)
    def cumulative_sum(x, /, *, axis=None, include_initial=False):
        return cumulative(np.cumsum, x, axis, include_initial, 0)

    @composite(np.cumulative_prod)
    def cumulative_prod(x, /, *, axis=None, include_initial=False):
        return cumulative(np.cumprod, x, axis, include_initial, 1)


def softmax_tangent(power):
    """The tangent of the logarithm of a sum of powers: the mean of the tangents, weighted by their powers."""
    return lambda y, x, dx, axis=0, keepdims=False: np.sum(
        power(x - spread(y, x, axis, keepdims=keepdims)) * dx, axis, keepdims=keepdims
    )


def softmax_back(power):
    """The transpose: g, weighted so."""
    return lambda g, y, x, axis=0, keepdims=False: (
        spread(g, x, axis, keepdims=keepdims) * power(x - spread(y, x, axis, keepdims=keepdims))
    )


for add_powers, power in ((np.logaddexp, np.exp), (np.logaddexp2, np.exp2)):
    general(add_powers.reduce, softmax_tangent(power), transposes=(softmax_back(power),))


def axes_of(x, axis):
    """The axes that a reduction takes, as numbers from 0; NumPy takes axis 0 of a number, too."""
    axes = normalize_axis_tuple(range(np.ndim(x)) if axis is None else axis, max(np.ndim(x), 1))
    return axes if np.ndim(x) else ()


def reduced_first(x, axis):
    """The array with the axes that a reduction takes, of any number, as one: the first."""
    axes = axes_of(x, axis)
    x = np.moveaxis(x, axes, range(len(axes)))
    return np.reshape(x, (math.prod(x.shape[: len(axes)]), *x.shape[len(axes) :]))


def kept(y, x, axis):
    """The result of a reduction of x, with its axes of length one."""
    axes = axes_of(x, axis)
    return np.reshape(y, [1 if i in axes else n for i, n in enumerate(np.shape(x))])


@composite(np.prod)
def prod(x, /, axis=None, keepdims=False, initial=None, where=True):
    y = reduced_first(x if where is True else np.where(where, x, np.ones_like(x)), axis)
    y = product_by_halves(y) if len(y) else np.ones(y.shape[1:], y.dtype)[()]
    y = kept(y, x, axis) if keepdims else y
    return y if initial is None else y * (initial if isinstance(initial, Number) else np.asarray(initial, y.dtype)[()])


@composite(np.diff)
def diff(x, /, n=1, axis=-1, prepend=None, append=None):
    if n < 0:
        raise ValueError(f"n is {n}: a difference of order 0 or more is needed.")
    if n == 0:
        return x
    x = np.moveaxis(x, axis, -1)
    if prepend is not None or append is not None:
        x = np.concatenate([end_of(x, prepend, axis), x, end_of(x, append, axis)], -1)
    for _ in range(n):
        x = x[..., 1:] - x[..., :-1]
    return np.moveaxis(x, -1, axis)


def end_of(x, end, axis):
    """What `np.diff` puts at an end of x, whose last axis it is: nothing, one number, or an array."""
    if end is None:
        return x[..., :0]
    return np.moveaxis(end, axis, -1) if np.ndim(end) else np.broadcast_to(end, (*x.shape[:-1], 1))


@composite(np.var)
def var(x, /, axis=None, *, ddof=0, correction=None, keepdims=False, where=True, mean=None):
    d = x - (np.mean(x, axis, keepdims=True, where=where) if mean is None else mean)
    total = np.sum(d * d, axis, keepdims=keepdims, where=where)
    count = np.sum(np.broadcast_to(where, d.shape), axis, keepdims=keepdims, dtype=d.dtype)
    return total / np.maximum(count - (ddof if correction is None else correction), 0)


@composite(np.std)
def std(x, /, axis=None, *, ddof=0, correction=None, keepdims=False, where=True, mean=None):
    correction = ddof if correction is None else correction
    return np.sqrt(var(x, axis, ddof=correction, keepdims=keepdims, where=where, mean=mean))


ORDERS = 1, -1, math.inf, -math.inf


def check_order(function, x, ord, known):
    """Refuse a norm of an order without a rule."""
    if ord not in known:
        reason, instead = f"ord={ord!r} of this shape has no rule", "ord=2 or 1 of vectors, ord='fro' or 1 of matrices"
        raise unsupported(function, [x], reason, instead)


@composite(np.linalg.vector_norm)
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    if np.size(x) == 0:
        return np.sum(x, axis, keepdims=keepdims)  # no kink at 0, of no numbers
    if ord in (2, None):
        return np.sqrt(np.sum(x * x, axis, keepdims=keepdims))
    if ord in (math.inf, -math.inf):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    check_order(np.linalg.vector_norm, x, ord, () if isinstance(ord, str) or ord == 0 else (ord,))
    return np.sum(np.abs(x) ** ord, axis, keepdims=keepdims) ** (1 / ord)


@composite(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    if ord == "fro" or np.size(x) == 0:
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    check_order(np.linalg.matrix_norm, x, ord, ("fro", "nuc", 2, -2, *ORDERS))
    if ord in (2, -2, "nuc"):
        y = spectral_norm(np.linalg.norm, x, ord)
        return y[..., None, None] if keepdims else y
    sums = np.sum(np.abs(x), -2 if abs(ord) == 1 else -1, keepdims=True)
    return (np.max if ord > 0 else np.min)(sums, axis=(-2, -1), keepdims=keepdims)


@composite(np.linalg.norm)
def norm(x, /, ord=None, axis=None, keepdims=False):
    if ord is None:
        return vector_norm(x, axis=axis, keepdims=keepdims)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) == 1:
        check_order(np.linalg.norm, x, ord, () if isinstance(ord, str) or ord == 0 else (ord,))
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    check_order(np.linalg.norm, x, ord, ("fro", "nuc", 2, -2, *ORDERS))
    y = matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord=ord)
    return kept(y, x, axes) if keepdims else y


@composite(np.sort)
def sort(x, /, axis=-1, kind=None, *, stable=None):
    if axis is None:
        x, axis = np.ravel(x), -1
    stable = True if kind is None else stable  # else the processor decides which of equal numbers comes first
    return np.take_along_axis(x, np.argsort(real_value(x), axis, kind, stable=stable), axis)


@composite(np.median)
def median(x, /, axis=None, overwrite_input=False, keepdims=False):
    y = np.sort(reduced_first(x, axis), axis=0)
    y = np.where(np.isnan(y[-1]), y[-1], (y[(len(y) - 1) // 2] + y[len(y) // 2]) / 2)  # a NaN comes last
    return kept(y, x, axis) if keepdims else y


@composite(np.ptp)
def ptp(x, /, axis=None, keepdims=False):
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


@composite(np.average)
def average(x, /, axis=None, weights=None, *, keepdims=False):
    if weights is None:
        return np.mean(x, axis, keepdims=keepdims)
    weights = operand(np.average, weights, [x])
    if not isinstance(weights, Number):
        weights = np.asarray(weights, np.result_type(x.dtype, weights))
    if np.shape(weights) != np.shape(x):
        axes = axes_of(x, axis)
        if axis is None or np.shape(weights) != tuple(x.shape[i] for i in axes):
            raise ValueError(
                f"weights of shape {np.shape(weights)} fit neither the array's, {x.shape}, nor its axes {axis}."
            )
        shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
        weights = np.broadcast_to(np.reshape(np.transpose(weights, np.argsort(axes)), shape), x.shape)
    return np.sum(x * weights, axis, keepdims=keepdims) / np.sum(weights, axis, keepdims=keepdims)


@composite(np.polyval)
def polyval(p, x, /):
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


@composite(np.trapezoid)
def trapezoid(y, /, x=None, dx=1.0, axis=-1):
    y = np.moveaxis(y, axis, -1)
    dx = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2, -1)
