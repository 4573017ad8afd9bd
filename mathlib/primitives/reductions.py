"""Rows of the table: extrema, products, norms and statistics of an array."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from mathlib.arithmetic import Number, composite, general, operand, real_value, unsupported
from mathlib.primitives.shapes import spread


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


for extremum in (np.max, np.amax, np.min, np.amin):
    general(extremum, extremum_tangent, transposes=(extremum_back,))


def power_of_two(y, e):
    """The powers 2**e in y's precision, constants."""
    return np.ldexp(np.ones(np.shape(e), y.dtype), e)


def product_by_halves(y):
    """The product along the first axis: no division, so that it is right where factors are zero.

    The exponents are added apart, so that no half leaves the range where the whole does not.
    """
    most, exponents = np.finfo(y.dtype).maxexp - 2, 0
    while True:
        e = np.clip(np.frexp(real_value(y))[1], -most, most)
        y, exponents = y * power_of_two(y, -e), exponents + e
        if len(y) < 2:
            e = exponents[0]
            return y[0] * power_of_two(y, e // 2) * power_of_two(y, e - e // 2)
        half = len(y) // 2
        y = np.concatenate([y[:half] * y[half : 2 * half], y[2 * half :]])
        exponents = np.concatenate([exponents[:half] + exponents[half : 2 * half], exponents[2 * half :]])


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
def prod(x, /, axis=None, keepdims=False):
    y = reduced_first(x, axis)
    y = product_by_halves(y) if len(y) else np.ones(y.shape[1:], y.dtype)[()]
    return kept(y, x, axis) if keepdims else y


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
    return total / (count - (ddof if correction is None else correction))


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
    check_order(np.linalg.matrix_norm, x, ord, ("fro", *ORDERS))
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
    check_order(np.linalg.norm, x, ord, ("fro", *ORDERS))
    y = matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord=ord)
    return kept(y, x, axes) if keepdims else y


@composite(np.sort)
def sort(x, /, axis=-1, kind=None, *, stable=None):
    if axis is None:
        x, axis = np.ravel(x), -1
    return np.take_along_axis(x, np.argsort(real_value(x), axis, kind, stable=stable), axis)


@composite(np.median)
def median(x, /, axis=None, overwrite_input=False, keepdims=False):
    y = np.sort(reduced_first(x, axis), axis=0)
    y = (y[(len(y) - 1) // 2] + y[len(y) // 2]) / 2
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
