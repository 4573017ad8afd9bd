"""Rows of the table: products, linear in each of their arrays, and what is made of them."""

import math
import string

import numpy as np

from mathlib.arithmetic import TABLE, Multilinear, Product, composite, multilinear, unbroadcast, unsupported
from mathlib.primitives.shapes import assemble


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
    if [np.shape(a)[i] for i in first] != [np.shape(b)[i] for i in last]:
        raise ValueError(f"axes {first} of {np.shape(a)} and {last} of {np.shape(b)} are not of the same lengths.")
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


@composite(np.cross)
def cross(a, b, /, axisa=-1, axisb=-1, axisc=-1, axis=None):
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    np.cross(*(np.zeros(v.shape[-1]) for v in (a, b)))  # NumPy refuses: from 2.5 on, vectors in a plane as well
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (np.concatenate([v, np.zeros_like(v[..., :1])], -1) if v.shape[-1] == 2 else v for v in (a, b))
    i, j = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., i] * b[..., j] - a[..., j] * b[..., i], -1, axisc)


@composite(np.linalg.cross)
def cross_in_space(a, b, /, *, axis=-1):
    np.linalg.cross(*(np.zeros(np.shape(v)) for v in (a, b)), axis=axis)
    return np.cross(a, b, axis=axis)


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


def in_letters(args):
    """The arguments of `np.einsum` with all its sum in letters, where it has lists of axes, dots, or no result."""
    if isinstance(args[0], str) and "->" in args[0] and not {" ", "."} & set(args[0]):
        return args
    if not isinstance(args[0], str):
        lists = [*args[1::2], *(args[-1:] if len(args) % 2 else ())]
        names = ["".join("..." if k is ... else LETTERS[k] for k in axes) for axes in lists]
        count = len(args) // 2
        args = (",".join(names[:count]) + "->".join(["", *names[count:]]), *args[: 2 * count : 2])
    terms, arrow, result = args[0].replace(" ", "").partition("->")
    free = "".join(c for c in reversed(LETTERS) if c not in args[0])
    dots = [np.ndim(a) - len(t) + 3 if "." in t else 0 for t, a in zip(terms.split(","), args[1:], strict=True)]
    if not arrow:
        result = "..." + "".join(sorted(c for c in set(terms) - {",", "."} if terms.count(c) == 1))
    elif max(dots) > 0 and "..." not in result:
        raise ValueError("einsum: the dots of the arrays must stand in the result, too.")
    written = [t.replace("...", free[max(dots) - n : max(dots)]) for t, n in zip(terms.split(","), dots, strict=True)]
    return (",".join(written) + "->" + result.replace("...", free[: max(dots)]), *args[1:])


LETTERS = string.ascii_uppercase + string.ascii_lowercase


class Einsum(Multilinear):
    """A sum of products, whose rules read it in letters."""

    def __call__(self, args, kwargs):
        return super().__call__(in_letters(args), kwargs)


def einsum_back(i):
    """The transpose of `np.einsum` in its operand i: a sum again, with the letters of g and operand i exchanged."""

    def transpose(g, *args, **kwargs):
        subscripts, values = args[-1], args[:-1]
        terms, _, result = subscripts.partition("->")
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


TABLE[np.einsum] = Einsum(np.einsum, slice(1, None), transposes=[einsum_back(i) for i in range(32)])


@composite(np.trace)
def trace(x, /, offset=0, axis1=0, axis2=1):
    return np.sum(np.diagonal(x, offset, axis1, axis2), -1)


@composite(np.linalg.trace)
def matrix_trace(x, /, offset=0):
    return np.trace(x, offset, -2, -1)


@composite(np.linalg.multi_dot)
def multi_dot(arrays, /):
    y, *others = arrays
    for a in others:
        y = np.dot(y, a)
    return y
