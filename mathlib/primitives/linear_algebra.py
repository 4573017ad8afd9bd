"""Rows of the table: inverses, determinants and solutions of linear equations."""

import numpy as np

from mathlib.arithmetic import composite, general, primitive, real_value, unbroadcast, unsupported

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


@composite(np.linalg.slogdet)
def slogdet(a, /):
    plain = np.linalg.slogdet(real_value(a))
    return type(plain)(plain.sign, logabsdet(a))


@composite(np.linalg.matrix_power)
def matrix_power(a, /, n):
    y = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    for _ in range(abs(n)):
        y = y @ a
    return np.linalg.inv(y) if n < 0 else y
