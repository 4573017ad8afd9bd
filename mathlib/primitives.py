"""The one table of derivative rules: every row serves every arithmetic, forward and reverse.

A row is one line where the mathematics is. What the kinds of row mean, and how to add one, says
`mathlib.arithmetic`.
"""

import math
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from mathlib.arithmetic import (
    TABLE,
    Number,
    Over,
    Product,
    composite,
    discrete,
    elementwise,
    general,
    multilinear,
    operand,
    primitive,
    real_value,
    unbroadcast,
    unsupported,
)

__all__ = ["TABLE", "composite", "discrete", "elementwise", "general", "multilinear", "primitive"]

LN2, LN10 = math.log(2.0), math.log(10.0)

elementwise(np.add, 1, 1)
elementwise(np.subtract, 1, -1)
elementwise(np.negative, -1)
elementwise(np.positive, 1)
elementwise(np.multiply, lambda _, a, b: b, lambda _, a, b: a)
elementwise(np.divide, lambda _, a, b: Over(b), lambda y, a, b: (Over(b), -y))
elementwise(np.reciprocal, lambda y: (y, -y))
elementwise(np.square, lambda _, x: 2 * x)
# NumPy's complex power loses digits (p log x of them), so complex step uses these partials.
for power in (np.power, np.float_power, operator.pow):
    elementwise(power, lambda y, x, p: power_slope(y, x, p), lambda y, x, p: power_log(y, x))
elementwise(np.sqrt, lambda y: (Over(y), 0.5), radius=lambda x: x)
elementwise(np.cbrt, lambda y: (Over(y), Over(y), 1 / 3))
elementwise(np.exp, lambda y: y, radius=1.0)
elementwise(np.exp2, lambda y: LN2 * y)
elementwise(np.expm1, lambda _, x: np.exp(x), radius=1.0)
elementwise(np.log, lambda _, x: Over(x), radius=lambda x: x)
elementwise(np.log2, lambda _, x: (Over(x), 1 / LN2))
elementwise(np.log10, lambda _, x: (Over(x), 1 / LN10))
elementwise(np.log1p, lambda _, x: Over(1 + x))
elementwise(np.logaddexp, lambda _, a, b: sigmoid(gap(a, b)), lambda _, a, b: sigmoid(gap(b, a)))
elementwise(np.logaddexp2, lambda _, a, b: sigmoid(LN2 * gap(a, b)), lambda _, a, b: sigmoid(LN2 * gap(b, a)))
elementwise(np.sin, lambda _, x: np.cos(x), radius=1.0)
elementwise(np.cos, lambda _, x: -np.sin(x), radius=1.0)
elementwise(np.tan, lambda y: 1 + y * y, radius=lambda x: abs(np.cos(x)))
elementwise(np.arcsin, lambda _, x: Over(np.sqrt(one_minus_square(x))), radius=lambda x: 1 - abs(x))
elementwise(np.arccos, lambda _, x: (Over(np.sqrt(one_minus_square(x))), -1), radius=lambda x: 1 - abs(x))
elementwise(np.arctan, lambda _, x: (Over(h := np.hypot(1, x)), Over(h)), radius=1.0)
elementwise(
    np.arctan2,
    lambda _, a, b: (Over(r := np.hypot(a, b)), b / r),
    lambda _, a, b: (Over(r := np.hypot(a, b)), -(a / r)),
)
elementwise(np.hypot, lambda y, a, b: a / y, lambda y, a, b: b / y)
elementwise(np.sinh, lambda _, x: np.cosh(x), radius=1.0)
elementwise(np.cosh, lambda _, x: np.sinh(x), radius=1.0)
elementwise(np.tanh, lambda _, x: sech2(x))
elementwise(np.arcsinh, lambda _, x: Over(np.hypot(1, x)), radius=1.0)
elementwise(np.arccosh, lambda _, x: (Over(np.sqrt(x - 1)), Over(np.sqrt(x + 1))), radius=lambda x: x - 1)
elementwise(np.arctanh, lambda _, x: Over(one_minus_square(x)), radius=lambda x: 1 - abs(x))
for degrees_to_radians in (np.deg2rad, np.radians):
    elementwise(degrees_to_radians, math.pi / 180)
for radians_to_degrees in (np.rad2deg, np.degrees):
    elementwise(radians_to_degrees, 180 / math.pi)

# Kinks: |x|' = 0 at 0; where two arguments tie, each has half the derivative. A function that smooths a kink again
# has its first derivative there, not its second: of abs(x)**2 at 0 that is 0, of x**2 it is 2.
for absolute in (np.absolute, np.fabs):
    elementwise(absolute, lambda _, x: np.sign(x))
elementwise(np.maximum, lambda _, a, b: share(a > b, a == b), lambda _, a, b: share(b > a, a == b))
elementwise(np.minimum, lambda _, a, b: share(a < b, a == b), lambda _, a, b: share(b < a, a == b))
for larger, above in ((np.fmax, np.greater), (np.fmin, np.less)):  # these pass over a NaN
    elementwise(
        larger,
        lambda _, a, b, above=above: share(above(a, b) | np.isnan(b), a == b),
        lambda _, a, b, above=above: share(above(b, a) | np.isnan(a), a == b),
    )
elementwise(np.copysign, lambda _, a, s: np.sign(a) * np.copysign(1, s), 0)
elementwise(np.heaviside, 0, lambda _, x, h: np.equal(x, 0).astype(np.float16))
for modulo in (np.remainder, np.fmod):  # y = a - n b, and a / b can round up to the next n
    elementwise(modulo, 1, lambda y, a, b: -np.rint((a - y) / b))


def power_slope(y, x, p):
    """The derivative of y = x**p by x: ``p x**(p - 1)``, or from y where p < 1, as that power may leave the range.

    A constant p = 0 is taken as the exponent 1 of the slope, since 0 * x**-1 would be 0 * inf at x = 0.
    """
    if isinstance(p, Number):
        return p * x ** (p - 1)
    direct = (p >= 1) | (p == 0)
    if np.all(direct):
        return p * x ** (p - 1 + (p == 0))
    if np.all((p > 0) & (p < 1)):
        return p * (y / x)
    if not np.any(direct):
        return p * y, Over(x)
    slope = p * x ** np.where(direct, p - 1 + (p == 0), 0)
    return np.where(direct, slope, p * y), Over(np.where(direct, 1, x))


def power_log(y, x):
    """The derivative of y = x**p by p: ``y log x``, and 0 for 0**p, unless x too is differentiated further."""
    if isinstance(x, Number):
        return y * np.log(x)
    x = np.asarray(x, y.dtype)  # a logarithm of integers has the precision of their width
    return y * np.log(np.where((x == 0) & (real_value(y) == 0), 1, x))


@primitive
def one_minus_square(x):
    """The polynomial ``1 - x**2``; a row, as the slopes of its factors, -1 and 1, would cancel where x is tiny."""
    return (1 - x) * (1 + x)


@primitive
def sech2(x):
    """The slope of tanh, 1 / cosh(x)**2; 1 - tanh(x)**2 would lose its digits where tanh saturates."""
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


@primitive
def sigmoid(x):
    """The logistic function, 1 / (1 + exp(-x))."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


@primitive
def gap(a, b):
    """The difference a - b, and 0 of equal infinities."""
    return np.where(a == b, 0, a - b)


elementwise(one_minus_square, lambda _, x: -2 * x)
elementwise(sech2, lambda y, x: -2 * np.tanh(x) * y)
elementwise(sigmoid, lambda y, x: y * sigmoid(-x))
elementwise(gap, 1, -1)


def share(wins, ties):
    """1 where an argument wins, a half where it ties, else 0; as float16, so that float32 stays float32."""
    return wins.astype(np.float16) + ties * np.float16(0.5)


# ------------------------------------------------------------------------------------- linear in all


def spread(g, x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The transpose of a sum: g, repeated along the axes that were summed."""
    if axis is not None and not keepdims and x.ndim:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape) if where is True else np.where(where, g, np.zeros(x.shape, x.dtype))


def spread_mean(g, x, axis=None, dtype=None, out=None, keepdims=False, where=True):
    """The transpose of a mean."""
    if where is True:
        return spread(g / (np.size(x) / max(np.size(g), 1)), x, axis, keepdims=keepdims)
    count = np.sum(np.broadcast_to(where, np.shape(x)), axis, keepdims=keepdims, dtype=g.dtype)
    return spread(g / count, x, axis, keepdims=keepdims, where=where)


def restore(g, x, *args, **kwargs):
    """The transpose of a change of shape: x's shape again."""
    return g if g.shape == x.shape else np.reshape(g, x.shape)


def cumsum_back(g, x, axis=None, dtype=None, out=None):
    """The transpose of a cumulative sum: one from the other end."""
    g = np.flip(np.cumsum(np.flip(g, axis or 0), axis or 0), axis or 0)
    return np.reshape(g, np.shape(x))


def is_basic(key):
    """Whether indexing by `key` gives a view, which names no element twice."""
    keys = key if type(key) is tuple else (key,)
    return all(k is None or k is ... or isinstance(k, (int, np.integer, slice)) for k in keys)


def deposit(y, key, part):
    """Add a part to the array y at its key, also where the key names an element twice."""
    if is_basic(key):
        y[key] += part
    else:
        np.add.at(y, key, part)


@primitive
def assemble(parts, keys, shape):
    """The array of this shape with each part added at its key: the transpose of indexing, of several at once."""
    y = np.zeros(shape, np.result_type(*parts))
    for part, key in zip(parts, keys, strict=True):
        deposit(y, key, part)
    return y


class Piece:
    """A contribution to the elements at `key` alone; the reverse mode joins all pieces of an array at once."""

    def __init__(self, g, x, key):
        self.g, self.key = g, key


@primitive
def part(x, start, shape):
    """The elements of a vector from `start` on, in this shape: a view."""
    return x[start : start + math.prod(shape)].reshape(shape)


def part_back(g, x, start, shape):
    """The transpose of taking a part."""
    return Piece(g if g.ndim == 1 else np.reshape(g, -1), x, slice(start, start + math.prod(shape)))


def ungather(function):
    """The transpose of a function that only moves elements: it is run once on their numbers, 0 meaning nowhere."""

    def transpose(g, x, *args, **kwargs):
        numbers = np.arange(1, np.size(x) + 1).reshape(np.shape(x))
        places = function(numbers, *args, **kwargs)
        return np.reshape(assemble([g], [places], (np.size(x) + 1,))[1:], np.shape(x))

    return transpose


multilinear(np.sum, transposes=(spread,))
multilinear(np.mean, transposes=(spread_mean,))
multilinear(np.cumsum, transposes=(cumsum_back,))
multilinear(np.reshape, np.ravel, np.squeeze, np.expand_dims, np.copy, transposes=(restore,))
multilinear(np.broadcast_to, transposes=(lambda g, x, *args, **kwargs: unbroadcast(g, np.shape(x)),))
multilinear(
    np.transpose,
    transposes=(
        lambda g, x, axes=None: np.transpose(g, None if axes is None else np.argsort(np.arange(g.ndim)[list(axes)])),
    ),
)
multilinear(np.matrix_transpose, np.linalg.matrix_transpose, transposes=(lambda g, x: np.matrix_transpose(g),))
multilinear(np.swapaxes, transposes=(lambda g, x, axis1, axis2: np.swapaxes(g, axis1, axis2),))
multilinear(np.moveaxis, transposes=(lambda g, x, source, destination: np.moveaxis(g, destination, source),))
multilinear(np.flip, transposes=(lambda g, x, axis=None: np.flip(g, axis),))
for gather in (np.take, np.take_along_axis, np.diagonal, np.linalg.diagonal, np.diag, np.tril, np.triu):
    multilinear(gather, transposes=(ungather(gather),))
for gather in (np.fliplr, np.flipud, np.rot90, np.roll, np.repeat, np.tile):
    multilinear(gather, transposes=(ungather(gather),))
multilinear(operator.getitem, transposes=(Piece,))
multilinear(part, transposes=(part_back,))
multilinear(assemble, listed=True, transposes=(lambda g, parts, keys, shape: [g[key] for key in keys],))


def unconcatenate(g, arrays, axis=0):
    """The transpose of joining: cut again."""
    if axis is None:
        ends = np.cumsum([np.size(a) for a in arrays])
        return [np.reshape(g[end - np.size(a) : end], np.shape(a)) for a, end in zip(arrays, ends, strict=True)]
    ends = np.cumsum([np.shape(a)[axis] for a in arrays])
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, slice(end - np.shape(a)[axis], end))] for a, end in zip(arrays, ends, strict=True)]


multilinear(np.concatenate, listed=True, transposes=(unconcatenate,))
multilinear(np.stack, listed=True, transposes=(lambda g, arrays, axis=0: list(np.moveaxis(g, axis, 0)),))
multilinear(
    np.where,
    slots=slice(1, 3),
    joint=True,
    transposes=(
        lambda g, a, b, chosen: unbroadcast(np.where(chosen, g, np.zeros_like(g)), np.shape(a)),
        lambda g, a, b, chosen: unbroadcast(np.where(chosen, np.zeros_like(g), g), np.shape(b)),
    ),
)

# ------------------------------------------------------------------------------------ linear in each


def matrices(g, a, b):
    """The operands of a product and its result, vectors as matrices of one row or column."""
    if np.ndim(b) == 1:
        b, g = b[:, None], g[..., None]
    if np.ndim(a) == 1:
        a, g = a[None, :], g[..., None, :]
    return g, a, b


def matmul_left(g, a, b):
    """The gradient with respect to A: g B^T."""
    if a.ndim == 2 == b.ndim:
        return g @ b.mT
    if a.ndim == 1 == b.ndim:
        return g * b
    g, a2, b2 = matrices(g, a, b)
    return np.reshape(unbroadcast(g @ b2.mT, np.shape(a2)), np.shape(a))


def matmul_right(g, a, b):
    """The gradient with respect to B: A^T g."""
    if a.ndim == 2 == b.ndim:
        return a.mT @ g
    if a.ndim == 1 == b.ndim:
        return g * a
    g, a2, b2 = matrices(g, a, b)
    return np.reshape(unbroadcast(a2.mT @ g, np.shape(b2)), np.shape(b))


for product in (np.matmul, np.linalg.matmul):
    TABLE[product] = Product(product, slice(0, 2), transposes=(matmul_left, matmul_right))


multilinear(
    np.vdot,
    slots=slice(0, 2),
    transposes=(lambda g, a, b: g * np.reshape(b, a.shape), lambda g, a, b: g * np.reshape(a, b.shape)),
)


@composite(np.tensordot, np.linalg.tensordot)
def tensordot(a, b, /, axes=2):
    if isinstance(axes, (int, np.integer)):
        axes = (range(np.ndim(a) - axes, np.ndim(a)), range(axes))
    first, last = ([i % np.ndim(x) for i in np.atleast_1d(k)] for x, k in zip((a, b), axes, strict=True))
    kept_a = [i for i in range(np.ndim(a)) if i not in first]
    kept_b = [i for i in range(np.ndim(b)) if i not in last]
    shape = [np.shape(a)[i] for i in kept_a] + [np.shape(b)[i] for i in kept_b]
    n = math.prod(np.shape(a)[i] for i in first)
    rows = np.reshape(np.transpose(a, kept_a + first), (-1, n) if n else (math.prod(shape[: len(kept_a)]), 0))
    columns = np.reshape(np.transpose(b, last + kept_b), (n, -1) if n else (0, math.prod(shape[len(kept_a) :])))
    return np.reshape(rows @ columns, shape)


@composite(np.dot)
def dot(a, b, /):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if np.ndim(b) <= 2 else np.tensordot(a, b, ([-1], [-2]))


@composite(np.inner)
def inner(a, b, /):
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, ([-1], [-1]))


@composite(np.outer, np.linalg.outer)
def outer(a, b, /):
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@composite(np.vecdot, np.linalg.vecdot)
def vecdot(a, b, /, axis=-1):
    return np.sum(a * b, axis)


@composite(*((np.matvec,) if hasattr(np, "matvec") else ()))  # NumPy 2.2
def matvec(a, x, /):
    return (a @ x[..., None])[..., 0]


@composite(*((np.vecmat,) if hasattr(np, "vecmat") else ()))
def vecmat(x, a, /):
    return (x[..., None, :] @ a)[..., 0, :]


@composite(np.kron)
def kron(a, b, /):
    n = max(np.ndim(a), np.ndim(b))
    a, b = (np.reshape(x, (1,) * (n - np.ndim(x)) + np.shape(x)) for x in (a, b))
    y = np.reshape(a, [k for m in a.shape for k in (m, 1)]) * np.reshape(b, [k for m in b.shape for k in (1, m)])
    return np.reshape(y, np.multiply(a.shape, b.shape).tolist())


@composite(np.cross, np.linalg.cross)
def cross(a, b, /, axisa=-1, axisb=-1, axisc=-1, axis=None):
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise unsupported(np.cross, [a, b], "it has a rule for vectors of 3 components", "a[0] * b[1] - a[1] * b[0]")
    i, j = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., i] * b[..., j] - a[..., j] * b[..., i], -1, axisc)


@composite(np.convolve)
def convolve(a, v, /, mode="full"):
    a, v = sorted([np.reshape(a, -1), np.reshape(v, -1)], key=len, reverse=True)
    n, m = len(a), len(v)
    modes = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}
    if mode not in modes:
        raise unsupported(np.convolve, [a, v], f"mode={mode!r} has no rule", "mode='full', 'same' or 'valid'")
    first, size = modes[mode]
    padded = np.concatenate([np.zeros(m - 1, a.dtype), a, np.zeros(m - 1, a.dtype)])
    return padded[np.arange(first, first + size)[:, None] + np.arange(m)] @ np.flip(v)


@composite(np.correlate)
def correlate(a, v, /, mode="valid"):
    if np.size(v) > np.size(a):
        return np.flip(np.correlate(v, a, mode))
    return np.convolve(a, np.flip(v), mode)


def einsum_back(i):
    """The transpose of `np.einsum` in its operand i: a sum again, with the letters of g and operand i exchanged."""

    def transpose(g, *args, **kwargs):
        subscripts, values = args[-1], args[:-1]
        if not isinstance(subscripts, str):
            reason, instead = "lists of axes have no rule for the reverse mode", 'letters: np.einsum("ij,j->i", A, x)'
            raise unsupported(np.einsum, values, reason, instead)
        if "." in subscripts:
            raise unsupported(np.einsum, values, "with ... it has no rule for the reverse mode", "write all letters")
        terms, _, result = subscripts.replace(" ", "").partition("->")
        if "->" not in subscripts:
            result = "".join(sorted(c for c in set(terms) - {","} if terms.count(c) == 1))
        terms = terms.split(",")
        mine, shape = terms[i], np.shape(values[i])
        others = [(t, v) for j, (t, v) in enumerate(zip(terms, values, strict=True)) if j != i]
        letters = sorted(set(mine), key=mine.index)
        known = [c for c in letters if c in result or any(c in t for t, _ in others)]
        y = np.einsum(",".join([result, *(t for t, _ in others)]) + "->" + "".join(known), g, *(v for _, v in others))
        sizes = [shape[mine.index(c)] for c in letters]
        there = iter(np.shape(y))
        y = np.reshape(y, [next(there) if c in known else 1 for c in letters])
        alone = tuple(k for k, n in enumerate(sizes) if n == 1)  # where other operands may have repeated it
        y = np.broadcast_to(np.sum(y, alone, keepdims=True) if alone else y, sizes)
        if len(letters) == len(mine):
            return y
        grid = np.indices(sizes)  # a repeated letter runs along a diagonal
        return assemble([y], [tuple(grid[letters.index(c)] for c in mine)], shape)

    return transpose


multilinear(np.einsum, slots=slice(1, None), transposes=[einsum_back(i) for i in range(32)])

# ----------------------------------------------------------------------------------- rules of their own

general(
    np.linalg.inv,
    lambda y, a, da: -y @ da @ y,
    transposes=(lambda g, y, a: -y.mT @ g @ y.mT,),
)


@primitive
def cofactors(a):
    """The matrix of cofactors, the derivative of the determinant: det(A) A^-T, also where A is singular.

    With A = U S V^T it is ``det(U V^T) U diag(products of the others of S) V^T``.
    """
    u, s, vh, sign = turned(a)
    return sign * (u * others(s)) @ vh


def turned(a):
    """The singular value decomposition, and the determinant of its rotations."""
    u, s, vh = np.linalg.svd(a)
    return u, s, vh, np.linalg.det(u @ vh)[..., None, None]


def others(s):
    """For each number along the last axis, as a row, the product of all others; without a division by zero."""
    n = s.shape[-1]
    return np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1)[..., None, :] if n else s[..., None, :]


@primitive
def cofactors_along(a, da):
    """The derivative of the cofactors along dA, linear in it.

    In the rotated coordinates it is ``(trace(E) 1 - E)^T``, each component times the product of the other two rows' S.
    """
    u, s, vh, sign = turned(a)
    E, n = u.mT @ da @ vh.mT, s.shape[-1]
    pairs = np.stack([others(np.delete(s, i, -1))[..., 0, :] for i in range(n)], -2) if n > 1 else s[..., :0]
    y = np.zeros_like(E)
    for i in range(n):
        for k, j in enumerate(j for j in range(n) if j != i):
            y[..., i, i] += E[..., j, j] * pairs[..., i, k]
            y[..., i, j] = -E[..., j, i] * pairs[..., i, k]
    return sign * u @ y @ vh


def third_derivative(*args):
    reason = "of a singular matrix the determinant has rules for two derivatives"
    raise unsupported(np.linalg.det, args, reason, "the determinant written out as sums of products")


general(cofactors, lambda y, a, da: cofactors_along(a, da), transposes=(lambda g, y, a: cofactors_along(a, g),))
general(cofactors_along, third_derivative, slots=slice(0, 2), transposes=(third_derivative, third_derivative))


def det_slope(y, a):
    """The derivative of y = det A by A."""
    s = np.linalg.svd(real_value(a), compute_uv=False)
    if s.size and np.min(s[..., -1] / np.where(s[..., 0] > 0, s[..., 0], 1)) > s.shape[-1] * np.finfo(s.dtype).eps:
        return y[..., None, None] * np.linalg.inv(a).mT
    return cofactors(a)


general(
    np.linalg.det,
    lambda y, a, da: np.sum(det_slope(y, a) * da, (-2, -1)),
    transposes=(lambda g, y, a: g[..., None, None] * det_slope(y, a),),
)


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


def solve_columns(a, b, vectors):
    """The solutions for b, matrices, or for `vectors` in its last axis."""
    return np.linalg.solve(a, b[..., None])[..., 0] if vectors else np.linalg.solve(a, b)


def solve_tangent(y, a, b, da, db):
    """From A y = b: A dy = db - dA y."""
    vectors = np.ndim(b) == 1
    right = 0 if db is None else db
    if da is not None:
        right = right - ((da @ y[..., None])[..., 0] if vectors else da @ y)
    return np.broadcast_to(solve_columns(a, right, vectors), y.shape)


def solve_left(g, y, a, b):
    """-(A^-T g) y^T."""
    vectors = np.ndim(b) == 1
    w = solve_columns(a.mT, g, vectors)
    w, y = (w[..., None], y[..., None]) if vectors else (w, y)
    return unbroadcast(-w @ y.mT, np.shape(a))


def solve_right(g, y, a, b):
    """A^-T g."""
    return unbroadcast(solve_columns(a.mT, g, np.ndim(b) == 1), np.shape(b))


general(np.linalg.solve, solve_tangent, slots=slice(0, 2), transposes=(solve_left, solve_right))


@primitive
def logabsdet(a):
    """The logarithm of |det a|."""
    return np.linalg.slogdet(a)[1]


def inverse(y, a):
    """The inverse of A, where y = log |det A| is finite."""
    if not np.all(np.isfinite(real_value(y))):
        reason = "the matrix is singular, so that log |det A| has no derivative"
        raise unsupported(np.linalg.slogdet, [a, y], reason, "np.linalg.det, or A + a multiple of np.eye(n)")
    return np.linalg.inv(a)


general(
    logabsdet,
    lambda y, a, da: np.sum(inverse(y, a).mT * da, (-2, -1)),
    transposes=(lambda g, y, a: g[..., None, None] * inverse(y, a).mT,),
)

# ------------------------------------------------------------------------------------------ programs


@composite(np.trace)
def trace(x, /, offset=0, axis1=0, axis2=1):
    return np.sum(np.diagonal(x, offset, axis1, axis2), -1)


@composite(np.linalg.trace)
def matrix_trace(x, /, offset=0):
    return np.trace(x, offset, -2, -1)


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


@composite(np.vstack)
def vstack(arrays, /):
    return np.concatenate([np.atleast_2d(a) for a in arrays])


@composite(np.hstack)
def hstack(arrays, /):
    arrays = [np.atleast_1d(a) for a in arrays]
    return np.concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@composite(np.column_stack)
def column_stack(arrays, /):
    return np.concatenate([a if np.ndim(a) == 2 else np.reshape(a, (-1, 1)) for a in arrays], 1)


@composite(np.dstack)
def dstack(arrays, /):
    arrays = [np.atleast_2d(a) for a in arrays]
    return np.concatenate([a[..., None] if a.ndim == 2 else a for a in arrays], 2)


@composite(np.linalg.slogdet)
def slogdet(a, /):
    plain = np.linalg.slogdet(real_value(a))
    return type(plain)(plain.sign, logabsdet(a))


@composite(np.real, np.conj, np.conjugate)
def identity(x, /):
    return x


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


@composite(np.clip)
def clip(x, /, a_min=None, a_max=None, *, min=None, max=None):
    low, high = a_min if min is None else min, a_max if max is None else max
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


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
        raise unsupported(np.average, [x], "weights must have the shape of the array", "broadcast the weights first")
    return np.sum(x * weights, axis, keepdims=keepdims) / np.sum(weights, axis, keepdims=keepdims)


@composite(np.polyval)
def polyval(p, x, /):
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


def parts(x, places, axis):
    """The parts of x at these places along an axis."""
    return [np.take(x, i, axis=axis) for i in places]


@composite(np.array_split)
def array_split(x, /, indices_or_sections, axis=0):
    return parts(x, np.array_split(np.arange(x.shape[axis]), indices_or_sections), axis)


@composite(np.split)
def split(x, /, indices_or_sections, axis=0):
    return parts(x, np.split(np.arange(x.shape[axis]), indices_or_sections), axis)


@composite(np.atleast_1d)
def atleast_1d(*arrays):
    arrays = tuple(x if np.ndim(x) else np.reshape(x, (1,)) for x in arrays)
    return arrays if len(arrays) > 1 else arrays[0]


@composite(np.atleast_2d)
def atleast_2d(*arrays):
    arrays = tuple(x if np.ndim(x) > 1 else np.reshape(x, (1, -1)) for x in arrays)
    return arrays if len(arrays) > 1 else arrays[0]


@composite(np.append)
def append(x, y, /, axis=None):
    return np.concatenate([x, y], axis)


@composite(np.trapezoid)
def trapezoid(y, /, x=None, dx=1.0, axis=-1):
    y = np.moveaxis(y, axis, -1)
    dx = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2, -1)


@composite(np.linalg.matrix_power)
def matrix_power(a, /, n):
    y = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    for _ in range(abs(n)):
        y = y @ a
    return np.linalg.inv(y) if n < 0 else y


@composite(np.select)
def select(condlist, choicelist, default=0):
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = np.where(condition, choice, y)
    return y


@composite(np.broadcast_arrays)
def broadcast_arrays(*arrays):
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@composite(np.full_like)
def full_like(x, /, fill_value):
    return np.zeros_like(x) + fill_value


@composite(np.pad)
def pad(x, /, pad_width, mode="constant", *, constant_values=0):
    if mode != "constant":
        raise unsupported(np.pad, [x], f"mode={mode!r} has no rule", "mode='constant' has, and np.concatenate")
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))
    y = assemble([x], [inside], tuple(n + sum(w) for n, w in zip(x.shape, widths, strict=True)))
    if np.any(constant_values):
        edge = np.pad(np.zeros(x.shape, x.dtype), pad_width, constant_values=constant_values)
        y = y + edge
    return y


@composite(np.linalg.multi_dot)
def multi_dot(arrays, /):
    y, *others = arrays
    for a in others:
        y = np.dot(y, a)
    return y


discrete(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)
discrete(np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.isfinite, np.isnan, np.isinf, np.signbit)
discrete(np.sign, np.floor, np.ceil, np.rint, np.trunc, np.fix, np.round, np.around, np.floor_divide)
discrete(np.argmax, np.argmin, np.argsort, np.nonzero, np.count_nonzero, np.flatnonzero, np.searchsorted)
discrete(np.any, np.all, np.allclose, np.isclose, np.array_equal, np.shape, np.ndim, np.size)
discrete(np.zeros_like, np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast)
