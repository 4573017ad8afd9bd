"""Rows of the table: what is linear in all of its arrays. Sums, changes of shape, indexing, joining and cutting."""

import math
import operator

import numpy as np

from mathlib.arithmetic import Number, composite, multilinear, primitive, unbroadcast, unsupported


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
def pad(x, /, pad_width, mode="constant", *, constant_values=0, end_values=0, stat_length=None, reflect_type="even"):
    if isinstance(pad_width, dict):  # NumPy 2.2
        pad_width = [pad_width.get(i, pad_width.get(i - x.ndim, 0)) for i in range(x.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    if mode in MOVING and reflect_type == "even":
        return np.take(x, np.pad(np.arange(x.size).reshape(x.shape), widths, mode))
    if mode == "constant" and type(constant_values) is int and constant_values == 0:
        inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))
        return assemble([x], [inside], tuple(n + sum(w) for n, w in zip(x.shape, widths, strict=True)))
    options = {"constant": constant_values, "linear_ramp": end_values} | dict.fromkeys(STATISTICS, stat_length)
    if mode not in options:
        reason = f"mode={mode!r} with reflect_type={reflect_type!r} has no rule"
        raise unsupported(np.pad, [x], reason, "mode='constant', or np.concatenate")
    option = options[mode]
    pairs = [(option, option)] * x.ndim if np.ndim(option) == 0 else np.broadcast_to(option, (x.ndim, 2))
    for axis, (width, pair) in enumerate(zip(widths, pairs, strict=True)):
        x = np.moveaxis(x, axis, 0)
        ends = [padding(mode, end, n, p) for end, n, p in zip((x, np.flip(x, 0)), width, pair, strict=True)]
        x = np.moveaxis(np.concatenate([ends[0], x, np.flip(ends[1], 0)]), 0, axis)
    return x


MOVING = {"edge", "reflect", "symmetric", "wrap"}
STATISTICS = {"mean": np.mean, "median": np.median, "maximum": np.max, "minimum": np.min}


def in_type_of(x, a):
    """A constant in the type of x, as a function writes it into an array of this type."""
    return a if isinstance(a, Number) else np.asarray(a, x.dtype)


def padding(mode, x, n, option):
    """The n rows before x: a constant, a ramp from it to the first row, or a statistic of so many of the first rows."""
    if mode in STATISTICS:
        rows = STATISTICS[mode](x if option is None else x[:option], axis=0, keepdims=True)
        return np.broadcast_to(rows, (n, *x.shape[1:]))
    option = in_type_of(x, option)
    if mode == "constant":
        return np.broadcast_to(option, (n, *x.shape[1:]))
    ramp = np.reshape(np.arange(n, dtype=x.dtype) / max(n, 1), (n,) + (1,) * (x.ndim - 1))
    return option + ramp * (x[:1] - option)
