"""Rows of the table: eigenvalues, singular values, triangular and orthogonal factors, least squares, functions of them.

The vectors have NumPy's signs; their derivatives are those of vectors that keep their length. What numbers that
coincide have no derivative of is refused where the program asks for it.
"""

import math

import numpy as np

from mathlib.arithmetic import (
    Number,
    Run,
    composite,
    discrete,
    general,
    is_differentiated,
    primitive,
    real_value,
    unsupported,
)

discrete(np.linalg.matrix_rank)

EigResult, EighResult, SVDResult, QRResult = (
    type(f(np.eye(1))) for f in (np.linalg.eig, np.linalg.eigh, np.linalg.svd, np.linalg.qr)
)
# Numbers this many roundings apart, of a matrix of one row, are equal: none of the digits of their difference is right.
ROUNDINGS = 16
APART = "a smooth function of the whole matrix (trace, det, solve, norm), or a matrix whose values are apart"


def identity_like(a):
    """The identity matrix of a's last axis, in its precision."""
    return np.eye(a.shape[-1], dtype=a.dtype)


def rounding(n, size):
    """What n numbers of this size may have lost together."""
    return ROUNDINGS * n * np.finfo(size.dtype).eps * size


def apart(function, values, error, what):
    """Refuse numbers in order, along the last axis, of which two are equal within their error."""
    if np.any(np.diff(values) <= error):
        reason = f"two {what} are equal, and one by one they have no derivative there"
        raise unsupported(function, [], reason, APART)


def reciprocal_gaps(w):
    """The matrix 1 / (w_j - w_i), with zeros on its diagonal."""
    one = identity_like(w)
    return (1 - one) / (w[..., None, :] - w[..., :, None] + one)


def from_diagonal(w):
    """The diagonal matrices of vectors in the last axis."""
    return w[..., None, :] * identity_like(w)


# ------------------------------------------------------------------------------------- eigenvalues


def mirrored(a, uplo="L"):
    """The symmetric matrix that LAPACK reads: one triangle, lower (L) or upper (U), stands for both."""
    if np.ndim(a) < 2 or a.shape[-2] != a.shape[-1]:
        raise np.linalg.LinAlgError(f"square matrices are needed, and the shape is {np.shape(a)}.")
    if uplo not in ("L", "U"):
        raise ValueError(f"UPLO is {uplo!r}: 'L' or 'U' is needed.")
    lower = np.tri(a.shape[-1], dtype=bool)
    return np.where(lower if uplo == "L" else lower.T, a, a.mT)


@primitive
def eigen(a, uplo, function):
    """The eigenvalues w of a symmetric matrix, a row, and below it the eigenvectors V, in columns.

    ``dw = diag E`` and ``dV = V (F * E)`` with ``E = V^T dA V`` and ``F_ij = 1 / (w_j - w_i)``.
    """
    w, v = np.linalg.eigh(a, uplo)
    apart(function, w, rounding(w.shape[-1], np.max(np.abs(w), -1, initial=0, keepdims=True)), "eigenvalues")
    return np.concatenate([w[..., None, :], v], -2)


def eigen_tangent(y, a, da, uplo, function):
    """The row dw over dV."""
    w, v = y[..., 0, :], y[..., 1:, :]
    e = v.mT @ da @ v
    return np.concatenate([np.linalg.diagonal(e)[..., None, :], v @ (reciprocal_gaps(w) * e)], -2)


def eigen_back(g, y, a, uplo, function):
    """V (diag(gw) + F * V^T gV) V^T."""
    w, v = y[..., 0, :], y[..., 1:, :]
    return v @ (from_diagonal(g[..., 0, :]) + reciprocal_gaps(w) * (v.mT @ g[..., 1:, :])) @ v.mT


general(eigen, eigen_tangent, transposes=(eigen_back,))


def symmetric_eigen(function, a, uplo):
    """The joined eigenvalues and eigenvectors of the symmetric matrix that stands in one triangle of a."""
    uplo = str(uplo).upper()
    return eigen(mirrored(a, uplo), uplo, function)


@composite(np.linalg.eigh)
def eigh(a, /, UPLO="L"):
    y = symmetric_eigen(np.linalg.eigh, a, UPLO)
    return EighResult(y[..., 0, :], y[..., 1:, :])


@composite(np.linalg.eigvalsh)
def eigvalsh(a, /, UPLO="L"):
    return symmetric_eigen(np.linalg.eigvalsh, a, UPLO)[..., 0, :]


def real_spectrum(function, w):
    """Eigenvalues or roots as real numbers, which NumPy 2.5 calls complex all the same; refuse those that are not."""
    if np.any(np.imag(w)):
        reason = "complex ones are among its values, and only real numbers are differentiated"
        raise unsupported(function, [], reason, "coefficients: np.trace(A), np.linalg.det(A), powers of A")
    return np.real(w)


@primitive
def real_eigen(a, function):
    """The real eigenvalues w of a matrix, a row, and below it the eigenvectors V, columns of length 1.

    ``dw = diag E`` and ``dV = V (F * E)``, less its part along V, with ``E = V^-1 dA V``. By the theorem of Bauer and
    Fike (1960), rounding moves the eigenvalues by up to cond(V) of the rounding of A.
    """
    w, v = np.linalg.eig(a)
    w, v = real_spectrum(function, w), np.real(v)
    if function is np.linalg.eigvals:  # LAPACK may find them in another order where it is not asked for the vectors
        places = np.argsort(np.argsort(np.real(np.linalg.eigvals(a)), -1), -1)
        order = np.take_along_axis(np.argsort(w, -1), places, -1)[..., None, :]
        w, v = np.take_along_axis(w, order[..., 0, :], -1), np.take_along_axis(v, order, -1)
    if w.shape[-1] > 1:
        size = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.cond(v)
        apart(function, np.sort(w), rounding(w.shape[-1], size)[..., None], "eigenvalues")
    return np.concatenate([w[..., None, :], v], -2)


def across(v, dv):
    """The part of dV across V, column by column."""
    return dv - v * np.sum(v * dv, -2, keepdims=True)


def real_eigen_tangent(y, a, da, function):
    """The row dw over dV."""
    w, v = y[..., 0, :], y[..., 1:, :]
    e = np.linalg.solve(v, da @ v)
    return np.concatenate([np.linalg.diagonal(e)[..., None, :], across(v, v @ (reciprocal_gaps(w) * e))], -2)


def real_eigen_back(g, y, a, function):
    """V^-T (diag(gw) + F * V^T gV) V^T, with the part of gV across V."""
    w, v = y[..., 0, :], y[..., 1:, :]
    ge = from_diagonal(g[..., 0, :]) + reciprocal_gaps(w) * (v.mT @ across(v, g[..., 1:, :]))
    return np.linalg.solve(v.mT, ge @ v.mT)


general(real_eigen, real_eigen_tangent, transposes=(real_eigen_back,))


@composite(np.linalg.eig)
def eig(a, /):
    y = real_eigen(a, np.linalg.eig)
    return EigResult(y[..., 0, :], y[..., 1:, :])


@composite(np.linalg.eigvals)
def eigvals(a, /):
    return real_eigen(a, np.linalg.eigvals)[..., 0, :]


# --------------------------------------------------------------------------------- singular values


def no_kink(function, s, shape, k=-1):
    """The rounding of singular values; refuse where the k-th is 0 within it, as it has a kink there."""
    error = rounding(max(shape[-2:]), s[..., :1])
    if np.any(s[..., k] <= error[..., 0]):
        reason = "a singular value is 0, where it is not smooth"
        raise unsupported(function, [], reason, APART)
    return error


@primitive
def singular_system(a, function):
    """The reduced singular value decomposition U diag(s) V^T: U over the row s over V.

    With ``P = U^T dA V``, split into its symmetric and antisymmetric halves:
    ``U^T dU, V^T dV = ((P + P^T)_ij / (s_j - s_i) ± (P - P^T)_ij / (s_j + s_i)) / 2``.
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    if s.size:
        apart(function, -s, no_kink(function, s, a.shape), "singular values")
    return np.concatenate([u, s[..., None, :], vh.mT], -2)


def parts(y, a):
    """U, s and V of a joined decomposition of a."""
    m = a.shape[-2]
    return y[..., :m, :], y[..., m, :], y[..., m + 1 :, :]


def reciprocal_sums(s):
    """The matrix 1 / (s_j + s_i)."""
    return 1 / (s[..., None, :] + s[..., :, None])


def beside(u, x):
    """The part of x outside of the space that the columns of U span."""
    return x - u @ (u.mT @ x)


def singular_tangent(y, a, da, function):
    """The tangents of U, s and V, joined."""
    u, s, v = parts(y, a)
    p = u.mT @ da @ v
    even, odd = reciprocal_gaps(s) * (p + p.mT) / 2, reciprocal_sums(s) * (p - p.mT) / 2
    du, dv = u @ (even + odd), v @ (even - odd)
    if a.shape[-2] > a.shape[-1]:
        du = du + beside(u, da @ v / s[..., None, :])
    if a.shape[-2] < a.shape[-1]:
        dv = dv + beside(v, da.mT @ u / s[..., None, :])
    return np.concatenate([du, np.linalg.diagonal(p)[..., None, :], dv], -2)


def singular_back(g, y, a, function):
    """The transpose of `singular_tangent`."""
    (u, s, v), (gu, gs, gv) = parts(y, a), parts(g, a)
    turn_u, turn_v = u.mT @ gu, v.mT @ gv
    even, odd = reciprocal_gaps(s) * (turn_u + turn_v) / 2, reciprocal_sums(s) * (turn_u - turn_v) / 2
    ga = u @ (from_diagonal(gs) + even + even.mT + odd - odd.mT) @ v.mT
    if a.shape[-2] > a.shape[-1]:
        ga = ga + beside(u, gu) / s[..., None, :] @ v.mT
    if a.shape[-2] < a.shape[-1]:
        ga = ga + u @ (beside(v, gv) / s[..., None, :]).mT
    return ga


general(singular_system, singular_tangent, transposes=(singular_back,))


@primitive
def normal(q):
    """The unit vector, a column, orthogonal to the columns of Q, one fewer than its rows: dn = -Q dQ^T n."""
    return np.linalg.qr(q, "complete")[0][..., -1:]


general(normal, lambda y, q, dq: -q @ (dq.mT @ y), transposes=(lambda g, y, q: -y @ (g.mT @ q),))


def completed(function, q, full):
    """The orthonormal columns of Q, and what `full` has beyond them: none or one, which Q fixes but for its sign."""
    if full.shape == q.shape:
        return q
    if full.shape[-1] > q.shape[-1] + 1:
        reason = "the columns that complete an orthogonal matrix are not determined, so that they have no derivative"
        instead = "mode='reduced'" if function is np.linalg.qr else "full_matrices=False"
        raise unsupported(function, [q], reason, instead)
    y = np.concatenate([q, normal(q)], -1)
    return y * np.sign(np.sum(real_value(y) * full, -2, keepdims=True))


@composite(np.linalg.svd)
def svd(a, /, full_matrices=True, compute_uv=True):
    u, s, v = parts(singular_system(a, np.linalg.svd), a)
    if not compute_uv:
        return s
    if full_matrices:
        full = np.linalg.svd(real_value(a))
        u, v = completed(np.linalg.svd, u, full.U), completed(np.linalg.svd, v, full.Vh.mT)
    return SVDResult(u, s, v.mT)


@composite(np.linalg.svdvals)
def svdvals(a, /):
    return parts(singular_system(a, np.linalg.svdvals), a)[1]


@primitive
def singular_value(a, k, function):
    """The k-th singular value, where it differs from all others: ds = u^T dA v."""
    s = np.linalg.svd(a, compute_uv=False)
    error, one = no_kink(function, s, a.shape, k), s[..., [k]]
    if np.any(np.abs(np.delete(s, k, -1) - one) <= error):
        which = "largest" if k == 0 else "smallest"
        raise unsupported(function, [], f"two singular values share the place of the {which}", APART)
    return one[..., 0]


@primitive
def singular_pair(a, k):
    """The k-th singular vectors u and v, joined.

    ``[[s, -A], [-A^T, s]] [du; dv] + ds [u; v] = [dA v; dA^T u]``, and [du; dv] is orthogonal to [u; v]: a bordered
    system, regular also where other singular values coincide.
    """
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([u[..., :, k], vh[..., k, :]], -1)


def columns(y, a):
    """U and v of a joined pair, columns."""
    m = a.shape[-2]
    return y[..., :m, None], y[..., m:, None]


def solve_bordered(a, y, r):
    """The solution of the bordered system, symmetric, for the joined pair y and a right-hand side r, without ds."""
    u, v = columns(y, a)
    s = u.mT @ a @ v
    rows = [s * identity_like(a.mT), -a, u], [-a.mT, s * identity_like(a), v], [u.mT, v.mT, np.zeros_like(s)]
    matrix = np.concatenate([np.concatenate(row, -1) for row in rows], -2)
    return columns(np.linalg.solve(matrix, np.concatenate([r, np.zeros_like(s)], -2))[..., :-1, 0], a)


def pair_tangent(y, a, da, k):
    """The tangents of u and v, joined."""
    u, v = columns(y, a)
    du, dv = solve_bordered(a, y, np.concatenate([da @ v, da.mT @ u], -2))
    return np.concatenate([du, dv], -2)[..., 0]


def pair_back(g, y, a, k):
    """The transpose of `pair_tangent`."""
    (u, v), (gu, gv) = columns(y, a), solve_bordered(a, y, g[..., None])
    return gu @ v.mT + u @ gv.mT


def value_slope(a, k):
    """The derivative u v^T of the k-th singular value."""
    u, v = columns(singular_pair(a, k), a)
    return u @ v.mT


general(singular_pair, pair_tangent, transposes=(pair_back,))
general(
    singular_value,
    lambda y, a, da, k, function: np.sum(value_slope(a, k) * da, (-2, -1)),
    transposes=(lambda g, y, a, k, function: g[..., None, None] * value_slope(a, k),),
)


@primitive
def symmetric_sylvester(h, c):
    """The solution Z of H Z + Z H = C, for a symmetric positive H."""
    w, v = np.linalg.eigh(h)
    return v @ (v.mT @ c @ v * reciprocal_sums(w)) @ v.mT


def sylvester_tangent(y, h, c, dh, dc):
    """From H Z + Z H = C: dZ solves it for dC - dH Z - Z dH."""
    right = 0 if dc is None else dc
    return symmetric_sylvester(h, right if dh is None else right - dh @ y - y @ dh)


def sylvester_left(g, y, h, c):
    """-(X Z^T + Z^T X) for the solution X of g."""
    x = symmetric_sylvester(h, g)
    return -(x @ y.mT + y.mT @ x)


general(
    symmetric_sylvester,
    sylvester_tangent,
    slots=slice(0, 2),
    transposes=(sylvester_left, lambda g, y, h, c: symmetric_sylvester(h, g)),
)


@primitive
def polar_factor(a):
    """The orthonormal factor P = U V^T of A = P H, H symmetric positive, also where singular values coincide.

    ``dP = P Z + (1 - P P^T) dA H^-1`` with ``H Z + Z H = P^T dA - dA^T P``. Source: C. Kenney and A. J. Laub (1991).
    """
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return u @ vh


def polar_tangent(y, a, da):
    """The tangent of P."""
    h, e = y.mT @ a, y.mT @ da
    dy = y @ symmetric_sylvester(h, e - e.mT)
    return dy + np.linalg.solve(h.mT, beside(y, da).mT).mT if a.shape[-2] > a.shape[-1] else dy


def polar_back(g, y, a):
    """The transpose of `polar_tangent`."""
    h = y.mT @ a
    x = symmetric_sylvester(h, y.mT @ g)
    ga = y @ (x - x.mT)
    return ga + np.linalg.solve(h, beside(y, g).mT).mT if a.shape[-2] > a.shape[-1] else ga


general(polar_factor, polar_tangent, transposes=(polar_back,))


@primitive
def nuclear_norm(a):
    """The sum of the singular values, of a matrix of no fewer rows than columns; its derivative is the polar factor."""
    s = np.linalg.svd(a, compute_uv=False)
    no_kink(np.linalg.norm, s, a.shape)
    return np.sum(s, -1)


general(
    nuclear_norm,
    lambda y, a, da: np.sum(polar_factor(a) * da, (-2, -1)),
    transposes=(lambda g, y, a: g[..., None, None] * polar_factor(a),),
)


def spectral_norm(function, a, ord):
    """The largest (2) or smallest (-2) singular value, or the sum of all ("nuc")."""
    if ord == "nuc":
        return nuclear_norm(a.mT if a.shape[-2] < a.shape[-1] else a)
    return singular_value(a, 0 if ord == 2 else -1, function)


@composite(np.linalg.cond)
def cond(x, /, p=None):
    if p in (None, 2, -2):
        ratio = spectral_norm(np.linalg.cond, x, 2) / spectral_norm(np.linalg.cond, x, -2)
        return 1 / ratio if p == -2 else ratio
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


# ------------------------------------------------------------------------------------------ factors


@primitive
def lower_factor(a):
    """The lower factor of A = L L^T, symmetric: dL = L half(L^-1 dA L^-T)."""
    y = np.linalg.cholesky(a)
    if np.any(np.linalg.diagonal(y) ** 2 <= rounding(a.shape[-1], np.linalg.diagonal(a))):
        reason = "the matrix is singular to rounding, so that its factor has no derivative"
        raise unsupported(np.linalg.cholesky, [], reason, "A + a multiple of np.eye(n)")
    return y


def half(x):
    """The lower triangle, with half of the diagonal."""
    return np.tril(x) - from_diagonal(np.linalg.diagonal(x)) / 2


general(
    lower_factor,
    lambda y, a, da: y @ half(np.linalg.solve(y, np.linalg.solve(y, da).mT)),
    transposes=(lambda g, y, a: np.linalg.solve(y.mT, np.linalg.solve(y.mT, half(y.mT @ g).mT).mT),),
)


@composite(np.linalg.cholesky)
def cholesky(a, /, *, upper=False):
    y = lower_factor(mirrored(a, "U" if upper else "L"))
    return y.mT if upper else y


@primitive
def orthogonal_factors(a):
    """The factors of A = Q R, of no fewer rows than columns: Q over R.

    With ``C = dA R^-1`` and ``T = upper(Q^T C)``, which adds the lower triangle's mirror image: ``dQ = C - Q T`` and
    ``dR = T R``.
    """
    q, r = np.linalg.qr(a)
    if np.any(np.abs(np.linalg.diagonal(r)) <= rounding(a.shape[-2], np.linalg.norm(a, axis=-2))):
        reason = "the columns are linearly dependent, so that the factors have no derivative"
        raise unsupported(np.linalg.qr, [], reason, "fewer columns, or np.linalg.svd of a matrix of full rank")
    return np.concatenate([q, r], -2)


def factors_tangent(y, a, da):
    """The tangents of Q and R, joined."""
    q, r = y[..., : a.shape[-2], :], y[..., a.shape[-2] :, :]
    c = np.linalg.solve(r.mT, da.mT).mT
    m = q.mT @ c
    t = np.triu(m) + np.tril(m, -1).mT
    return np.concatenate([c - q @ t, t @ r], -2)


def factors_back(g, y, a):
    """The transpose of `factors_tangent`."""
    (q, r), (gq, gr) = ((z[..., : a.shape[-2], :], z[..., a.shape[-2] :, :]) for z in (y, g))
    gt = gr @ r.mT - q.mT @ gq
    return np.linalg.solve(r, (gq + q @ (np.triu(gt) + np.triu(gt, 1).mT)).mT).mT


general(orthogonal_factors, factors_tangent, transposes=(factors_back,))


@composite(np.linalg.qr)
def qr(a, /, mode="reduced"):
    if mode not in ("reduced", "complete", "r"):
        raise unsupported(np.linalg.qr, [a], f"mode={mode!r} has no rule", "mode='reduced', 'complete' or 'r'")
    m, n = a.shape[-2:]
    y = orthogonal_factors(a[..., : min(m, n)])
    q, r = y[..., :m, :], y[..., m:, :]
    if m < n:
        r = np.concatenate([r, q.mT @ a[..., m:]], -1)
    if mode == "complete":
        q = completed(np.linalg.qr, q, np.linalg.qr(real_value(a), "complete").Q)
        r = np.concatenate([r, np.zeros((*r.shape[:-2], q.shape[-1] - r.shape[-2], n), r.dtype)], -2)
    return r if mode == "r" else QRResult(q, r)


# ------------------------------------------------------------------------------------ least squares


def full_rank(function, numbers, rank, a):
    """Refuse a matrix of less than full rank: by an inverse of another rank the pseudoinverse jumps."""
    if np.any(rank < min(a.shape[-2:])):
        reason = "the rank is not full, so that a small change of the matrix makes a jump"
        instead = "a ridge: np.linalg.solve(A.T @ A + c * np.eye(n), A.T @ b)"
        raise unsupported(function, numbers, reason, instead)


@primitive
def pseudoinverse(a, function):
    """The left inverse P = (A^T A)^-1 A^T of a matrix of full rank, of no fewer rows than columns.

    ``dP = -P dA P + P P^T dA^T (1 - A P)``. Source: G. H. Golub and V. Pereyra (1973).
    """
    full_rank(function, [], np.linalg.matrix_rank(a) if np.size(a) else 0, a)
    return np.linalg.pinv(a)


general(
    pseudoinverse,
    lambda y, a, da, function: -y @ da @ y + y @ (y.mT @ (da.mT - da.mT @ a @ y)),
    transposes=(lambda g, y, a, function: (g.mT - a @ (y @ g.mT)) @ y @ y.mT - y.mT @ g @ y.mT,),
)


def inverse_of_full_rank(function, a):
    """The pseudoinverse, of wide matrices too."""
    return pseudoinverse(a.mT, function).mT if a.shape[-2] < a.shape[-1] else pseudoinverse(a, function)


@composite(np.linalg.pinv)
def pinv(a, /, rcond=None, hermitian=False, *, rtol=None):
    a = mirrored(a) if hermitian else a
    if (cut := rcond if rtol is None else rtol) is not None:
        full_rank(np.linalg.pinv, [a], np.linalg.matrix_rank(real_value(a), rtol=cut) if np.size(a) else 0, a)
    return inverse_of_full_rank(np.linalg.pinv, a)


class Withholding(Run):
    """The run of a number that has no derivative in its place: any use of it is refused."""

    def __init__(self, *why):
        super().__init__()
        self.alive, self.why = False, why

    def check(self):
        raise unsupported(*self.why)


class Withheld(Number):
    """One of several results, of which the derivative is to be asked elsewhere."""

    __slots__ = ("primal",)

    def __init__(self, primal, *why):
        self.primal, self.run = primal, Withholding(*why)


@composite(np.linalg.lstsq)
def lstsq(a, b, /, rcond=None):
    _, residuals, rank, s = np.linalg.lstsq(real_value(a), real_value(b), rcond)
    full_rank(np.linalg.lstsq, [a, b], rank, a)
    x = inverse_of_full_rank(np.linalg.lstsq, a) @ b
    if residuals.size:
        r = np.reshape(b - a @ x, (len(a), -1))
        residuals = np.sum(r * r, 0)
    if is_differentiated(a):
        reason, instead = "its singular values carry no derivative", "np.linalg.svdvals(A)"
        s = Withheld(s, np.linalg.lstsq, [a], reason, instead)
    return x, residuals, rank, s


@composite(np.linalg.tensorinv)
def tensorinv(a, /, ind=2):
    if ind <= 0:
        raise ValueError(f"ind is {ind}: the number of the first axes of the inverse is needed, 1 or more.")
    rows, after = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(after), -1))), after + rows)


@composite(np.linalg.tensorsolve)
def tensorsolve(a, b, /, axes=None):
    if axes is not None:
        a = np.moveaxis(a, axes, range(-len(axes), 0))
    shape = a.shape[np.ndim(b) :]
    return np.reshape(np.linalg.solve(np.reshape(a, (-1, math.prod(shape))), np.ravel(b)), shape)


# -------------------------------------------------------------------------------------- polynomials


@primitive
def real_roots(p):
    """The roots of a polynomial, all real: dr = -dp(r) / p'(r)."""
    y = np.roots(p)
    if len(y) < len(p) - 1:
        reason = "a polynomial with a leading coefficient of 0 has a root that goes to infinity"
        raise unsupported(np.roots, [], reason, "leave out the coefficient")
    y = real_spectrum(np.roots, y)
    powers, slope = powers_and_slope(y, p)
    order = np.argsort(y)
    size = np.where(slope == 0, np.inf, np.abs(powers) @ np.abs(p) / np.abs(slope))[order]
    apart(np.roots, y[order], rounding(len(p), np.maximum(size[1:], size[:-1])), "roots")
    return y


def powers_and_slope(y, p):
    """The powers of the roots y, one row each, and the derivative of the polynomial p there."""
    degrees = np.arange(len(p) - 1, -1, -1, dtype=p.dtype)
    powers = y[:, None] ** degrees
    return powers, powers[:, 1:] @ (p * degrees)[:-1]


def roots_tangent(y, p, dp):
    """The tangent -dp(r) / p'(r)."""
    powers, slope = powers_and_slope(y, p)
    return -(powers @ dp) / slope


def roots_back(g, y, p):
    """The transpose of `roots_tangent`."""
    powers, slope = powers_and_slope(y, p)
    return -(powers.T @ (g / slope))


general(real_roots, roots_tangent, transposes=(roots_back,))


@composite(np.roots)
def roots(p, /):
    return real_roots(p)


# ------------------------------------------------------------------- what SciPy has and NumPy has not

# The coefficients of Padé's approximant of order 13, and the norm up to which it is exact to float64's last bit.
PADE = [64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600]
PADE += [670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1]
PADE_RADIUS = 5.371920351148152


@primitive
def expm(a):
    """The exponential of square matrices, ``1 + A + A^2 / 2 + ...``, by scaling and squaring.

    Its derivative along dA is a block of another one: ``expm([[A, dA], [0, A]])``. Source: N. J. Higham (2005);
    R. Mathias (1996).

    >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]]))
    array([[1., 1.],
           [0., 1.]])
    """
    a = np.asarray(a)
    a = a if a.dtype.kind == "f" else a.astype(float)
    norm = np.max(np.sum(np.abs(a), -2), -1, initial=0.0)
    if not np.all(np.isfinite(norm)):
        raise ValueError("the matrix has a NaN or an infinity in it: finite numbers are needed.")
    halvings = np.maximum(np.frexp(norm / PADE_RADIUS)[1], 0)
    a = np.ldexp(a, -halvings[..., None, None])
    square, power, even, odd = a @ a, identity_like(a), 0, 0
    for k in range(0, len(PADE), 2):
        even, odd, power = even + PADE[k] * power, odd + PADE[k + 1] * power, power @ square
    y = np.linalg.solve(even - a @ odd, even + a @ odd)
    for i in range(np.max(halvings, initial=0)):
        again = halvings > i
        y[again] = y[again] @ y[again]
    return y


def expm_along(a, da):
    """The derivative of the exponential along dA, scaled so that A settles how often it is halved."""
    size = np.max(np.abs(real_value(da)), initial=0)
    scale = np.ldexp(np.ones((), da.dtype), np.frexp(size)[1])[()] if 0 < size < np.inf else 1
    n, zero = a.shape[-1], np.zeros(np.broadcast_shapes(a.shape, da.shape), a.dtype)
    block = np.concatenate([np.concatenate([a, da / scale], -1), np.concatenate([zero, a], -1)], -2)
    return expm(block)[..., :n, n:] * scale


general(expm, lambda y, a, da: expm_along(a, da), transposes=(lambda g, y, a: expm_along(a.mT, g),))


def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False):
    """The solution of T x = b (trans=0) or T^T x = b (1), for one triangle T of a, as SciPy's function of this name.

    >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([2.0, 9.0]), lower=True)
    array([1., 2.])
    """
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(f"trans is {trans!r}: 0, 1, 'N' or 'T' is needed.")
    if unit_diagonal:
        a = (np.tril(a, -1) if lower else np.triu(a, 1)) + identity_like(a)
    else:
        a = np.tril(a) if lower else np.triu(a)
    return np.linalg.solve(a if trans in (0, "N") else a.mT, b)


def cho_solve(c_and_lower, b):
    """The solution of A x = b from a Cholesky factor of A and whether it is the lower one, as SciPy's of this name.

    >>> cho_solve((np.array([[2.0, 0.0], [1.0, 1.0]]), True), np.array([4.0, 4.0]))
    array([0., 2.])
    """
    c, lower = c_and_lower
    return solve_triangular(c, solve_triangular(c, b, trans=not lower, lower=lower), trans=bool(lower), lower=lower)


# What to write for SciPy's functions, which make a plain array of what they get before anything else.
SCIPY_LINALG = {
    "scipy.linalg.inv": "np.linalg.inv",
    "scipy.linalg.solve": "np.linalg.solve",
    "scipy.linalg.det": "np.linalg.det",
    "scipy.linalg.norm": "np.linalg.norm",
    "scipy.linalg.pinv": "np.linalg.pinv",
    "scipy.linalg.lstsq": "np.linalg.lstsq",
    "scipy.linalg.eig": "np.linalg.eig",
    "scipy.linalg.eigvals": "np.linalg.eigvals",
    "scipy.linalg.eigh": "np.linalg.eigh",
    "scipy.linalg.eigvalsh": "np.linalg.eigvalsh",
    "scipy.linalg.svd": "np.linalg.svd",
    "scipy.linalg.svdvals": "np.linalg.svdvals",
    "scipy.linalg.qr": "np.linalg.qr",
    "scipy.linalg.cholesky": "np.linalg.cholesky(a, upper=True)",
    "scipy.linalg.cho_factor": "np.linalg.cholesky(a), True",
    "scipy.linalg.cho_solve": "mathlib.primitives.cho_solve",
    "scipy.linalg.solve_triangular": "mathlib.primitives.solve_triangular",
    "scipy.linalg.expm": "mathlib.primitives.expm",
    "scipy.linalg.block_diag": "np.concatenate",
}
