"""Programs and derivatives of the rows of `mathlib.primitives.decompositions`: see `programs.py`."""

import numpy as np

from mathlib.primitives import decompositions as d
from mathlib.primitives import expm


def spread(x):
    """Matrices with well-separated real eigenvalues and singular values, near diagonal ones."""
    n, m = x.shape[-2:]
    return 0.3 * x + 2 * np.eye(n, m) * np.arange(1, m + 1)


def spd(x):
    return x @ x.mT + 3 * np.eye(x.shape[-2])


def joined(factors):
    return np.concatenate([np.ravel(a) for a in factors])


def squared(factors):
    """The factors, squared, as the signs of LAPACK's vectors may differ a step away."""
    return joined(factors) ** 2


C = np.random.default_rng(3).standard_normal((4, 3))
ORACLE, LINEAR = {}, {}
SMOOTH = {
    d.eigen: [],  # the rows that the programs below are made of
    d.real_eigen: [],
    d.singular_system: [],
    d.singular_value: [],
    d.singular_pair: [],
    d.symmetric_sylvester: [],
    d.polar_factor: [],
    d.nuclear_norm: [],
    d.normal: [],
    d.lower_factor: [],
    d.orthogonal_factors: [],
    d.pseudoinverse: [],
    d.real_roots: [],
    np.linalg.eigh: [
        (lambda x: squared(np.linalg.eigh(x)), (4, 4)),
        (lambda x: np.linalg.eigh(spread(x), "U").eigenvectors ** 2, (2, 3, 3)),
        (lambda x: np.linalg.eigh(x)[0], (2, 3, 3)),
    ],
    np.linalg.eigvalsh: [(np.linalg.eigvalsh, (3, 3)), (lambda x: np.linalg.eigvalsh(x, UPLO="U"), (2, 3, 3))],
    # real numbers all, which NumPy 2.5 calls complex
    np.linalg.eig: [(lambda x: squared(np.linalg.eig(spread(x))).real, shape) for shape in ((3, 3), (2, 3, 3))],
    np.linalg.eigvals: [(lambda x: np.linalg.eigvals(spread(x)).real, shape) for shape in ((3, 3), (2, 4, 4))],
    np.linalg.svd: [
        (lambda x: squared(np.linalg.svd(spread(x))), (3, 3)),
        (lambda x: squared(np.linalg.svd(spread(x), full_matrices=False)), (2, 5, 3)),
        (lambda x: squared(np.linalg.svd(spread(x), False)), (3, 5)),
        (lambda x: squared(np.linalg.svd(spread(x))), (4, 3)),
        (lambda x: squared(np.linalg.svd(spread(x))), (2, 2, 3)),
        (lambda x: np.linalg.svd(spread(x), compute_uv=False), (2, 4, 3)),
    ],
    np.linalg.svdvals: [(lambda x: np.linalg.svdvals(spread(x)), (2, 3, 3))],
    np.linalg.cond: [
        (np.linalg.cond, (3, 3)),
        (lambda x: np.linalg.cond(spread(x), -2), (2, 4, 3)),
        (lambda x: np.linalg.cond(spread(x), 1), (2, 3, 3)),
        (lambda x: np.linalg.cond(spread(x), "nuc"), (3, 3)),
    ],
    np.linalg.cholesky: [
        (lambda x: np.linalg.cholesky(spd(x)), (3, 3)),
        (lambda x: np.linalg.cholesky(3 * np.eye(3) + 0.3 * x), (2, 3, 3)),
        (lambda x: np.linalg.cholesky(4 * np.eye(3) + 0.3 * x, upper=True), (3, 3)),
    ],
    np.linalg.qr: [
        (lambda x: joined(np.linalg.qr(spread(x))), (2, 4, 3)),
        (lambda x: joined(np.linalg.qr(spread(x))), (3, 5)),
        (lambda x: joined(np.linalg.qr(spread(x), "complete")), (3, 3)),
        (lambda x: joined(np.linalg.qr(spread(x), "complete")), (4, 3)),
        (lambda x: np.linalg.qr(spread(x), mode="r"), (2, 3, 4)),
    ],
    np.linalg.pinv: [
        (lambda x: np.linalg.pinv(spread(x)), (2, 5, 3)),
        (lambda x: np.linalg.pinv(spread(x)), (2, 4)),
        (lambda x: np.linalg.pinv(spread(x), hermitian=True), (3, 3)),
    ],
    np.linalg.lstsq: [
        (lambda x: np.linalg.lstsq(spread(x), C[:, 0])[0], (4, 3)),
        (lambda x: joined(np.linalg.lstsq(spread(x), C @ x[0])[:2]), (4, 3)),
        (lambda x: joined(np.linalg.lstsq(C, x)[:2]), (4, 2)),
        (lambda x: np.linalg.lstsq(spread(x), C[:2])[0], (2, 3)),
    ],
    np.linalg.tensorinv: [(np.linalg.tensorinv, (2, 3, 6)), (lambda x: np.linalg.tensorinv(x, 1), (4, 2, 2))],
    np.linalg.tensorsolve: [
        (lambda x: np.linalg.tensorsolve(x, x[..., 0] ** 2), (2, 3, 6)),
        (lambda x: np.linalg.tensorsolve(x, C[:, :2], axes=(0, 2)), (2, 4, 4, 2)),
    ],
    np.roots: [(lambda x: np.roots(np.poly(2 * np.arange(4.0)) + 0.05 * x), (5,))],
    np.poly: [(np.poly, (4,)), (np.poly, (1,))],
    expm: [(expm, (3, 3)), (lambda x: expm(np.stack([0.01 * x, 5 * x])), (3, 3))],
}  # fmt: skip
