"""Blocks: how rows of the table take k tangents at once, which lie along an axis of their own, the last.

A rule is a function ``(y, values, tangents, *other arguments)``, where a tangent is None or of its value's shape and
k; it gives one of y's shape and k. Elementwise rows and matrix products need none. A row without a rule takes the
tangents one by one.
"""

import math
import operator

import numpy as np

from mathlib.arithmetic import TABLE, block_times, times_block, width
from mathlib.primitives import products  # noqa: F401, its rows come first
from mathlib.primitives.linear_algebra import det_slope, inverse, logabsdet
from mathlib.primitives.reductions import axes_of, standing
from mathlib.primitives.shapes import assemble, part


def of_all(*functions):
    """Decorate the block rule of functions."""

    def add(rule):
        for function in functions:
            TABLE[function].block = rule
        return rule

    return add


def of_one(*functions):
    """Decorate the block rule ``(y, t, x, *other arguments)`` of functions of one array."""

    def add(rule):
        of_all(*functions)(lambda y, values, tangents, *rest, **kwargs: rule(y, *tangents, *values, *rest, **kwargs))
        return rule

    return add


def columns(t):
    """The block of an array, as a matrix with a column a tangent."""
    return np.reshape(t, (math.prod(t.shape[:-1]), t.shape[-1]))


def in_last_axis(*functions):
    """Add the block rule of functions of one array that do the same with each number in its last axis."""
    for function in functions:

        def rule(y, t, x, *args, function=function):
            together = np.reshape(t, (*t.shape[:-2], t.shape[-2] * t.shape[-1]))
            return np.reshape(function(together, *args), (*y.shape, t.shape[-1]))

        of_one(function)(rule)


def paired(a, t):
    """The block of sums of a times each tangent."""
    return np.reshape(a, (math.prod(np.shape(a)),)) @ columns(t)


def filled(y, values, tangents):
    """The tangents, zeros where there is none."""
    k = width(tangents)
    return [np.zeros((*np.shape(a), k), y.dtype) if t is None else t for a, t in zip(values, tangents, strict=True)]


# -------------------------------------------------------------------------------- sums and shapes


@of_one(np.sum)
def sums(y, t, x, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    return np.sum(t, axes_of(x, axis), keepdims=keepdims, where=masked(where))


@of_one(np.mean)
def means(y, t, x, axis=None, dtype=None, out=None, keepdims=False, where=True):
    return np.mean(t, axes_of(x, axis), keepdims=keepdims, where=masked(where))


def masked(where):
    """A choice of elements, the same for each tangent."""
    return where if where is True else np.expand_dims(where, -1)


@of_one(np.cumsum)
def cumsums(y, t, x, axis=None, dtype=None, out=None):
    return np.cumsum(columns(t), 0) if axis is None or not x.ndim else np.cumsum(t, axis % x.ndim)


@of_one(np.reshape, np.ravel, np.squeeze, np.expand_dims, np.copy)
def reshaped(y, t, x, *args, **kwargs):
    return np.reshape(t, (*y.shape, t.shape[-1]))


of_one(np.broadcast_to)(lambda y, t, x, *args, **kwargs: np.broadcast_to(t, (*y.shape, t.shape[-1])))


@of_one(np.transpose)
def transposed(y, t, x, axes=None):
    return np.transpose(t, (*(range(x.ndim)[::-1] if axes is None else (i % x.ndim for i in axes)), x.ndim))


of_one(np.matrix_transpose, np.linalg.matrix_transpose)(lambda y, t, x: np.swapaxes(t, -3, -2))
of_one(np.swapaxes)(lambda y, t, x, axis1, axis2: np.swapaxes(t, axis1 % x.ndim, axis2 % x.ndim))
of_one(np.moveaxis)(lambda y, t, x, source, destination: np.moveaxis(t, axes_of(x, source), axes_of(x, destination)))
of_one(np.flip)(lambda y, t, x, axis=None: np.flip(t, axes_of(x, axis)))


# ------------------------------------------------------------------ indexing, joining and cutting


def gathered(function):
    """The rule of a function that only moves elements: it is run once on their numbers, 0 meaning nowhere."""

    def rule(y, t, x, *args, **kwargs):
        places = function(np.arange(1, math.prod(x.shape) + 1).reshape(x.shape), *args, **kwargs)
        return np.take(np.concatenate([np.zeros((1, t.shape[-1]), t.dtype), columns(t)]), places, axis=0)

    return rule


for gather in (np.take_along_axis, np.diagonal, np.linalg.diagonal, np.diag, np.tril, np.triu):
    of_one(gather)(gathered(gather))
for gather in (np.fliplr, np.flipud, np.rot90, np.roll, np.repeat, np.tile):
    of_one(gather)(gathered(gather))


@of_one(np.take)
def taken(y, t, x, indices, axis=None, out=None, mode="raise"):
    t, axis = (columns(t), 0) if axis is None or not x.ndim else (t, axis % x.ndim)
    return np.take(t, indices, axis=axis, mode=mode)


def before_last(key):
    """The key that leaves one more axis, the last, alone."""
    keys = key if type(key) is tuple else (key,)
    return (*keys, slice(None)) if any(k is ... for k in keys) else key


of_one(operator.getitem)(lambda y, t, x, key: t[before_last(key)])
of_one(part)(lambda y, t, x, start, shape: np.reshape(t[start : start + math.prod(shape)], (*shape, t.shape[-1])))


@of_all(assemble)
def assembled(y, values, tangents, keys, shape):
    there = [(t, before_last(key)) for t, key in zip(tangents, keys, strict=True) if t is not None]
    dy = assemble([t for t, _ in there], [key for _, key in there], (*shape, width(tangents)))
    return dy if dy.dtype == y.dtype else dy.astype(y.dtype)


@of_all(np.concatenate)
def concatenated(y, values, tangents, axis=0):
    tangents = filled(y, values, tangents)
    return np.concatenate(list(map(columns, tangents)) if axis is None else tangents, (axis or 0) % y.ndim)


of_all(np.stack)(lambda y, values, tangents, axis=0: np.stack(filled(y, values, tangents), axis % y.ndim))


@of_all(np.where)
def chosen(y, values, tangents, where):
    a, b = (np.zeros((), y.dtype) if t is None else t for t in tangents)
    dy = np.where(masked(where), a, b)
    shape = *y.shape, width(tangents)
    return dy if dy.shape == shape else np.broadcast_to(dy, shape)


# --------------------------------------------------------------------------------------- products


@of_all(np.vdot)
def dots(y, values, tangents):
    (a, b), (da, db) = values, tangents
    if da is None:
        return paired(a, db)
    return paired(b, da) if db is None else paired(b, da) + paired(a, db)


@of_all(np.einsum)
def sums_of_products(y, values, tangents, subscripts, **options):
    terms, arrow, result = subscripts.replace(" ", "").partition("->")
    if not arrow:
        result = "..." * ("." in terms) + "".join(sorted(c for c in set(terms) - {",", "."} if terms.count(c) == 1))
    terms, new = terms.split(","), next(c for c in "zyxwvutsrqponmlkjihgfedcba" if c not in terms)
    dy = None
    for i, t in enumerate(tangents):
        if t is not None:
            letters = ",".join([*terms[:i], terms[i] + new, *terms[i + 1 :]]) + "->" + result + new
            term = np.einsum(letters, *values[:i], t, *values[i + 1 :], **options)
            dy = term if dy is None else dy + term
    return dy


# ----------------------------------------------------------------------------------- general rows


@of_one(np.max, np.amax, np.min, np.amin)
def extrema(y, t, x, axis=None, out=None, keepdims=False):
    stands, count = standing(y, x, axis, keepdims)
    return np.sum(t * (stands / count)[..., None], axes_of(x, axis), keepdims=keepdims)


of_one(np.linalg.inv)(lambda y, t, a: -block_times(times_block(y, t, 2), y, 2))
of_one(np.linalg.det)(lambda y, t, a: np.sum(t * det_slope(y, a)[..., None], (-3, -2)))
of_one(logabsdet)(lambda y, t, a: np.sum(t * inverse(y, a).mT[..., None], (-3, -2)))


@of_all(np.linalg.solve)
def solutions(y, values, tangents):
    """From A y = b: A dy = db - dA y, the right sides of all tangents as one matrix."""
    (a, b), (da, db) = values, tangents
    right, vectors = 0 if db is None else db, np.ndim(b) == 1
    if da is not None:
        right = right - (block_times(da, y[..., None], 2)[..., 0, :] if vectors else block_times(da, y, 2))
    if vectors:
        return np.linalg.solve(a, right)
    *_, p, k = right.shape
    dy = np.linalg.solve(a, np.reshape(right, (*right.shape[:-2], p * k)))
    return np.reshape(dy, (*dy.shape[:-1], p, k))
