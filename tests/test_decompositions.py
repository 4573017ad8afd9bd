"""Eigenvalues, singular values, factors and least squares: by mpmath and SciPy, and where they are refused."""

import mpmath as mp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import extrapolated_difference
from test_grids import agree, row
from test_reverse import adjoint, second_order_law

from mathlib import UnsupportedError, compiled, complex_step, grad, hessian, hvp, jvp, vjp
from mathlib.primitives import cho_solve, expm, solve_triangular
from mathlib.primitives.decompositions import SCIPY_LINALG

L = np.linalg
SEEDS = st.integers(0, 2**32 - 1)


def R(*shape, seed=0):
    """Normal numbers, the same for the same shape and seed."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def joined(factors):
    return np.concatenate([np.ravel(a) for a in factors])


def numbers(a):
    """The numbers of a matrix of mpmath's, in order of rows, as an array of objects."""
    return np.array([a[i, j] for i in range(a.rows) for j in range(a.cols)])


def signed(v, like):
    """The columns of v with the signs of those of `like`."""
    v = v.copy()
    for j in range(v.cols):
        if sum(v[i, j] * like[i, j] for i in range(v.rows)) < 0:
            for i in range(v.rows):
                v[i, j] = -v[i, j]
    return v


def exact_eigh(a, like):
    """The joined eigenvalues and eigenvectors of the matrix in the lower triangle, with the signs of NumPy's."""
    n = a.rows
    w, v = mp.eigsy(mp.matrix(n, n) + mp.matrix([[a[max(i, j), min(i, j)] for j in range(n)] for i in range(n)]))
    return np.concatenate([np.array(list(w)), numbers(signed(v, L.eigh(like)[1]))])


def exact_svd(a, like):
    u, s, vh = mp.svd_r(a)
    plain = L.svd(like, full_matrices=False)
    u, v = signed(u, plain.U), signed(vh.T, plain.Vh.T)
    return np.concatenate([numbers(u), np.array(list(s)), numbers(v.T)])


def exact_qr(a, like):
    q, r = mp.qr(a, mode="skinny")
    signs = mp.diag([1 if (q.T * mp.matrix(L.qr(like).Q.tolist()))[i, i] > 0 else -1 for i in range(a.cols)])
    return np.concatenate([numbers(q * signs), numbers(signs * r)])


def exact_eig(a, like):
    w, v = mp.eig(a)
    plain = L.eig(like)
    order = [min(range(a.rows), key=lambda i: abs(w[i] - x)) for x in plain.eigenvalues.real]
    columns = [mp.matrix([mp.re(v[i, k]) for i in range(a.rows)]) for k in order]
    columns = [c / mp.norm(c) for c in columns]
    v = mp.matrix([[c[i] for c in columns] for i in range(a.rows)])
    return np.concatenate([np.array([mp.re(w[k]) for k in order]), numbers(signed(v, plain.eigenvectors.real))])


def exact_roots(p, like):
    found = mp.polyroots(list(p), maxsteps=200, extraprec=200)
    return np.array([min((mp.re(r) for r in found), key=lambda r: abs(r - y)) for y in np.roots(like.ravel())])


def spectrum(n, m=None):
    return 2 * np.eye(n, m) * np.arange(1, (m or n) + 1)


# A program of NumPy's, the same of mpmath's, and where to take its derivatives: near this matrix.
EXACT = {
    "eigh": (lambda a: joined(L.eigh(a)), exact_eigh, spectrum(4)),
    "eigvalsh": (L.eigvalsh, lambda a, like: exact_eigh(a, like)[:4], spectrum(4)),
    "svd": (lambda a: joined(L.svd(a, full_matrices=False)), exact_svd, spectrum(4, 3)),
    "svd of a square": (lambda a: joined(L.svd(a)), exact_svd, spectrum(3)),
    "svd of a wide matrix": (lambda a: joined(L.svd(a, full_matrices=False)), exact_svd, spectrum(2, 4)),
    "qr": (lambda a: joined(L.qr(a)), exact_qr, spectrum(4, 3)),
    "cholesky": (
        lambda a: L.cholesky(a @ a.T),
        lambda a, like: numbers(mp.cholesky(a * a.T)),
        spectrum(3),
    ),
    "eig": (lambda a: joined(L.eig(a)), exact_eig, spectrum(3)),
    "pinv": (L.pinv, lambda a, like: numbers((a.T * a) ** -1 * a.T), spectrum(4, 2)),
    "pinv of a wide matrix": (L.pinv, lambda a, like: numbers(a.T * (a * a.T) ** -1), spectrum(2, 4)),
    "norm 2": (lambda a: L.norm(a, 2), lambda a, like: max(mp.svd_r(a, compute_uv=False)), spectrum(4, 3)),
    "norm -2": (lambda a: L.norm(a, -2), lambda a, like: min(mp.svd_r(a, compute_uv=False)), spectrum(4, 3)),
    "norm nuc": (lambda a: L.norm(a, "nuc"), lambda a, like: sum(mp.svd_r(a, compute_uv=False)), spectrum(3, 4)),
    "cond": (L.cond, lambda a, like: mp.fdiv(*np.sort(list(mp.svd_r(a, compute_uv=False)))[[-1, 0]]), spectrum(3)),
    "expm": (expm, lambda a, like: numbers(mp.expm(a)), np.zeros((3, 3))),
    "roots": (lambda a: np.roots(np.ravel(a)), exact_roots, np.poly([-3.0, 0.0, 1.0, 4.0])[None]),
}


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_first_and_second_derivatives_agree_with_mpmath(name, seed):
    program, oracle, near = EXACT[name]
    x, v = 0.3 * np.random.default_rng(seed).uniform(-1, 1, (2, *near.shape))
    x = x + near
    h = mp.mpf(10) ** -10

    def shifted(k):
        return oracle(mp.matrix(x.tolist()) + k * h * mp.matrix(v.tolist()), x)

    before, here, after = map(shifted, (-1, 0, 1))
    first = np.array((after - before) / (2 * h), float).ravel()  # by 40 digits, right to 20
    second = np.array((after - 2 * here + before) / h**2, float).ravel()
    value, tangent = jvp(program, x, v)
    curvature = jvp(lambda x: jvp(program, x, v)[1], x, v)[1]
    # A dozen matrix products and solutions of condition about 10, of numbers of about 1.
    np.testing.assert_allclose(np.ravel(value), np.array(here, float).ravel(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.ravel(tangent), first, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(np.ravel(curvature), second, rtol=1e-9, atol=1e-9)


@settings(max_examples=25)
@given(seed=SEEDS)
def test_vectors_keep_their_length_and_what_they_factor(seed):
    A, dA = np.random.default_rng(seed).standard_normal((2, 4, 4))
    S = (dA + dA.T) / 2
    w, V = L.eigh(A + A.T)
    dw, dV = (jvp(lambda a, i=i: L.eigh(a)[i], A + A.T, S)[1] for i in (0, 1))
    scale = 1 + np.max(np.abs(dV)) + np.max(np.abs(dw))
    np.testing.assert_allclose(V.T @ dV + dV.T @ V, 0, atol=1e-12 * scale)
    np.testing.assert_allclose(np.diagonal(V.T @ dV), 0, atol=1e-12 * scale)
    np.testing.assert_allclose(dV * w @ V.T + V * dw @ V.T + V * w @ dV.T, S, atol=1e-12 * scale)


def test_only_the_triangle_that_numpy_reads_has_a_gradient():
    A = near(4, 4)
    for f in (lambda a: L.eigvalsh(a)[1], lambda a: np.sum(L.eigh(a).eigenvectors[0]), lambda a: np.sum(L.cholesky(a))):
        assert not np.any(np.triu(grad(f)(A), 1))
    for f in (lambda a: L.eigvalsh(a, "U")[1], lambda a: np.sum(L.cholesky(a, upper=True)[0])):
        assert not np.any(np.tril(grad(f)(A), -1))
    A[0, 1:] = np.nan  # it is not read
    dA = np.ones((4, 4))
    assert np.all(np.isfinite(grad(lambda t: L.eigvalsh(np.where(np.tri(4, dtype=bool), A + t * dA, A))[2])(0.5)))


# --------------------------------------------------------------------------------------- the refusals


def rotation(rng, n):
    return L.qr(rng.standard_normal((n, n)))[0]


REFUSED = [
    (lambda a: joined(L.eigh(a)), "np.linalg.eigh", "eigenvalues are equal"),
    (L.eigvalsh, "np.linalg.eigvalsh", "eigenvalues are equal"),
    (L.eigvals, "np.linalg.eigvals", "eigenvalues are equal"),
    (lambda a: joined(L.eig(a)), "np.linalg.eig", "eigenvalues are equal"),
    (lambda a: joined(L.svd(a)), "np.linalg.svd", "singular values are equal"),
    (L.svdvals, "np.linalg.svdvals", "singular values are equal"),
    (lambda a: L.svd(a, compute_uv=False), "np.linalg.svd", "singular values are equal"),
    (lambda a: L.norm(a, 2), "np.linalg.norm", "place of the largest"),
    (lambda a: L.cond(a), "np.linalg.cond", "place of the largest"),
]
SINGULAR = [
    (L.svdvals, "np.linalg.svdvals", "a singular value is 0"),
    (lambda a: L.norm(a, "nuc"), "np.linalg.norm", "a singular value is 0"),
    (lambda a: L.norm(a, -2), "np.linalg.norm", "a singular value is 0"),
    (L.cond, "np.linalg.cond", "a singular value is 0"),
    (L.pinv, "np.linalg.pinv", "the rank is not full"),
    (lambda a: L.pinv(a, hermitian=True), "np.linalg.pinv", "the rank is not full"),
    (lambda a: L.lstsq(a, np.ones(3))[0], "np.linalg.lstsq", "the rank is not full"),
    (lambda a: joined(L.qr(a)), "np.linalg.qr", "linearly dependent"),
]


def is_refused(program, A, name, reason):
    v = np.ones_like(A)
    for route in (
        lambda: jvp(program, A, v),
        lambda: complex_step(program, A, v),
        lambda: vjp(program, A),
        lambda: hvp(lambda a: np.sum(program(a)), A, v),
    ):
        with pytest.raises(UnsupportedError) as caught:
            route()
        message = str(caught.value)
        assert message.startswith(f"{name}: "), message
        assert reason in message, message
        assert "line " in message, message
        assert "Instead: " in message, message


@pytest.mark.parametrize(("program", "name", "reason"), REFUSED)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, size=st.sampled_from([1e-8, 1.0, 1e6]))
def test_equal_values_are_refused(program, name, reason, seed, size):
    Q = rotation(np.random.default_rng(seed), 3)
    is_refused(program, size * (Q * [1.0, 3.0, 3.0]) @ Q.T, name, reason)
    is_refused(program, size * np.eye(3), name, reason)


@pytest.mark.parametrize(("program", "name", "reason"), SINGULAR)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, size=st.sampled_from([1e-8, 1.0, 1e6]))
def test_singular_matrices_are_refused(program, name, reason, seed, size):
    Q = rotation(np.random.default_rng(seed), 3)
    is_refused(program, size * (Q * [1.0, 2.0, 0.0]) @ Q.T, name, reason)
    is_refused(program, np.zeros((3, 3)), name, reason)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_a_defective_matrix_is_refused(seed):
    Q = rotation(np.random.default_rng(seed), 3)
    jordan = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    for A in (jordan, Q @ jordan @ Q.T):  # rounding makes of the double eigenvalue two, real or complex
        with pytest.raises(UnsupportedError, match=r"np\.linalg\.eig.*(equal|complex)"):
            jvp(lambda a: L.eig(a).eigenvectors, A, Q)


@pytest.mark.parametrize(
    "p", [[1.0, -2.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [1.0, 0.0, 0.0], np.poly([1, 1, 3])]
)
def test_roots_without_a_derivative_are_refused(p):
    for program in (np.roots, lambda p: np.roots(0.7 * p)):
        is_refused(program, np.array(p, float), "np.roots", "")


def test_other_refusals_say_what_to_write():
    square, tall = near(3, 3), near(5, 3)
    is_refused(lambda a: L.svd(a)[0], tall, "np.linalg.svd", "not determined")
    is_refused(lambda a: L.qr(a, "complete")[0], tall, "np.linalg.qr", "not determined")
    is_refused(lambda a: L.qr(a, "raw")[0], tall, "np.linalg.qr", "mode='raw'")
    is_refused(lambda a: L.svd(a, hermitian=True)[0], square, "np.linalg.svd", "hermitian=")
    is_refused(lambda a: np.poly(a), square, "np.poly", "given roots")
    is_refused(lambda a: L.eigvals(a), np.array([[0.0, 1.0], [-1.0, 0.0]]), "np.linalg.eigvals", "complex")
    is_refused(lambda a: L.pinv(a, rcond=0.9), tall, "np.linalg.pinv", "the rank")
    with pytest.raises(ValueError, match="UPLO is 'X'"):
        jvp(lambda a: L.eigvalsh(a, "X"), square, square)
    for shape in ((3,), (2, 3), (1, 3)):
        with pytest.raises(L.LinAlgError, match="square"):
            jvp(L.eigvalsh, np.ones(shape), np.ones(shape))
    is_refused(L.cholesky, np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]]), "np.linalg.cholesky", "singular to rounding")
    small = np.diag([1.0, 1e-30])  # singular only by its units
    np.testing.assert_allclose(jvp(L.cholesky, small, small)[1], np.sqrt(small) / 2, rtol=1e-14)
    for program in (L.cholesky, lambda a: L.cond(a, 1)):
        with pytest.raises(L.LinAlgError):
            jvp(program, np.zeros((2, 2)), np.ones((2, 2)))


def test_eigenvalues_are_real_numbers_whatever_numpy_calls_them():
    def loss(a):
        w, v = L.eig(a)
        return np.sum(L.eigvals(a) ** 3 * w * v[0] ** 2)

    def cubes(a):
        return np.sum(L.eigvals(a) ** 3)

    def real(a):
        w, v = (y.real for y in L.eig(a))
        return np.sum(np.real(L.eigvals(a)) ** 3 * w * v[0] ** 2)

    A, V = near(4, 4), R(4, 4)
    exact = grad(real)(A), hvp(real, A, V)
    numeric = extrapolated_difference(real, A, V, 2.0**-14)
    np.testing.assert_allclose(np.vdot(exact[0], V), numeric, rtol=1e-7)
    np.testing.assert_allclose(jvp(loss, A, V)[1], numeric, rtol=1e-7)
    for g, h in zip((grad(loss)(A), hvp(loss, A, V)), exact, strict=True):
        assert g.dtype == float
        np.testing.assert_allclose(g, h, rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(grad(compiled(cubes))(A), grad(cubes)(A), rtol=1e-11)
    for f in (loss, compiled(cubes)):
        with pytest.raises(UnsupportedError, match="complex ones"):
            grad(f)(np.array([[0.0, 1.0], [-1.0, 0.0]]))


# ----------------------------------------------------------------- smooth where others coincide


def test_the_spectral_norm_is_smooth_where_its_singular_value_alone_is_apart():
    rng = np.random.default_rng(5)
    x, v, u = rng.standard_normal((3, 4))
    second_order_law(lambda x: L.norm(np.outer(x, x[:3]), 2), x, u, v)
    Q = rotation(rng, 4)
    A = (Q * [5.0, 2.0, 2.0, 0.0]) @ Q.T
    U, V = rng.standard_normal((2, 4, 4))
    second_order_law(lambda a: L.norm(a, 2), A, U, V)


def test_the_nuclear_norm_is_smooth_where_singular_values_coincide():
    rng = np.random.default_rng(6)
    Q, U, V = rotation(rng, 4), *rng.standard_normal((2, 4, 4))
    np.testing.assert_allclose(grad(lambda a: L.norm(a, "nuc"))(Q), Q, atol=1e-14)
    second_order_law(lambda a: L.norm(a, "nuc"), Q, U, V)
    second_order_law(lambda a: L.norm(a, "nuc"), Q[:, :2], U[:, :2], V[:, :2])
    third = jvp(lambda a: jvp(lambda a: jvp(lambda a: L.norm(a, "nuc"), a, V)[1], a, V)[1], Q, V)[1]
    h = 2.0**-10
    around = [jvp(lambda a: jvp(lambda a: L.norm(a, "nuc"), a, V)[1], Q + k * h * V, V)[1] for k in (-1, 1)]
    assert third == pytest.approx((around[1] - around[0]) / (2 * h), rel=1e-4)


def test_the_sum_of_equal_eigenvalues_is_to_be_written_as_a_trace():
    A = np.diag([1.0, 1.0, 2.0])
    with pytest.raises(UnsupportedError, match="trace"):
        grad(lambda a: np.sum(L.eigvalsh(a)))(A)
    np.testing.assert_array_equal(grad(np.trace)(A), np.eye(3))


# ------------------------------------------------------------------------------------- least squares


def test_least_squares_give_what_numpy_gives():
    for shape, right in (((5, 3), (5,)), ((5, 3), (5, 2)), ((3, 5), (3,)), ((3, 3), (3, 1)), ((1, 1), (1,))):
        a, b = R(*shape), R(*right)
        x, residuals, rank, s = L.lstsq(a, b)
        for i, exact in enumerate((x, residuals)):
            value = jvp(lambda a, b=b, i=i: L.lstsq(a, b)[i], a, a)[0]
            assert value.shape == exact.shape
            np.testing.assert_allclose(value, exact, rtol=1e-11, atol=1e-12)
        assert jvp(lambda a, b=b: L.lstsq(a, b)[2], a, a)[0] == rank
        assert np.array_equal(jvp(lambda b, a=a: L.lstsq(a, b)[3], b, b)[0], s)  # of a constant matrix


@pytest.mark.parametrize("use", [np.sum, lambda s: s, lambda s: s[0], lambda s: s > 0, lambda s: -s, np.zeros_like])
def test_the_singular_values_of_least_squares_are_withheld(use):
    is_refused(lambda a: use(L.lstsq(a, np.ones(4))[3]), R(4, 2), "np.linalg.lstsq", "np.linalg.svdvals")


def test_no_derivative_is_lost_at_a_minimum_of_least_squares():
    a, b = near(6, 3), R(6)
    residual = grad(lambda a: np.sum(L.lstsq(a, b)[1]))(a)
    x = L.lstsq(a, b)[0]
    np.testing.assert_allclose(residual, -2 * np.outer(b - a @ x, x), rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------------ the grids of JAX


def near(*shape):
    return 0.3 * R(*shape) + 2 * np.eye(*shape[-2:]) * np.arange(1, shape[-1] + 1)


def of(function, *which):
    """The squares of all of the results, or of those numbered: LAPACK's signs may differ a step away."""

    def program(*args, **options):
        y = function(*args, **options)
        return joined([y[i] for i in which] if which else y).real ** 2  # NumPy 2.5 calls all eigenvalues complex

    program.__qualname__ = function.__name__
    return program


SQUARE = [near(1, 1), near(4, 4), near(2, 3, 3), near(2, 1, 3, 3), near(6, 6)]
SHAPES = [near(1, 1), near(1, 4), near(4, 1), near(3, 3), near(6, 3), near(3, 5), near(2, 4, 3), near(2, 2, 5)]
APART = [near(2, 2), near(2, 3), near(3, 2), near(2, 4, 3)]
GRID = [
    row(of(L.eigh), SQUARE, UPLO=["L", "U", "l"]),
    row(L.eigvalsh, SQUARE, UPLO=["L", "U"]),
    row(of(L.eig), SQUARE),
    row(lambda a: L.eigvals(a).real, SQUARE),
    row(of(L.svd), SHAPES, full_matrices=[False]),
    row(of(L.svd), [*APART, near(1, 2), near(2, 1)], full_matrices=[True]),
    row(L.svd, SHAPES, compute_uv=[False], full_matrices=[False, True]),
    row(L.svdvals, SHAPES),
    row(L.cholesky, [a @ a.mT for a in SQUARE], upper=[False, True]),
    row(of(L.qr), SHAPES, mode=["reduced"]),
    row(L.qr, SHAPES, mode=["r"]),
    row(of(L.qr), [*APART, near(3, 5), near(2, 2, 5)], mode=["complete"]),
    row(L.pinv, SHAPES, rcond=[None, 1e-3]),
    row(L.pinv, SHAPES[:3], rtol=[None, 1e-3]),
    row(L.pinv, SQUARE, hermitian=[True]),
    row(of(L.lstsq, 0, 1), [near(5, 3), near(4, 1)], [R(5), R(5, 2), R(4)], rcond=[None, -1, 1e-3]),
    row(of(L.lstsq, 0), [near(3, 5), near(3, 3), near(1, 1)], [R(3), R(3, 2), R(1)]),
    row(L.cond, SQUARE, [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"]),
    row(L.cond, SHAPES, [None, 2, -2]),
    row(L.norm, [near(6, 5), near(3, 3), near(1, 2)], ["nuc", 2, -2, "fro", 1], keepdims=[False, True]),
    row(L.norm, [R(4, 5, 3)], ["nuc", 2, -2], axis=[(0, 1), (2, 0), (-2, -1)], keepdims=[False, True]),
    row(L.matrix_norm, SHAPES, ord=["nuc", 2, -2], keepdims=[False, True]),
    row(L.tensorinv, [near(6, 6).reshape(2, 3, 6), near(6, 6).reshape(6, 2, 3)], ind=[1, 2]),
    row(L.tensorsolve, [R(2, 3, 6), R(3, 2, 6)], [R(2, 3), R(3, 2)]),
    row(L.tensorsolve, [R(2, 4, 4, 2)], [R(4, 2)], axes=[(0, 2)]),
    row(np.roots, [np.poly([1.0, 2.0]), np.poly([0.0, -2.0, 3.0]), np.array([2.0, 1.0])]),
    row(np.poly, [R(3), R(1)]),
    row(expm, [R(1, 1), R(3, 3), R(2, 3, 3), np.zeros((2, 2)), 20 * R(2, 2)]),
]


@pytest.mark.parametrize(("function", "arguments", "options"), GRID)
def test_the_grids_of_other_libraries(function, arguments, options):
    agree(function, arguments, options)


EMPTY = [(L.eigvalsh, (0, 0)), (L.eigvalsh, (0, 3, 3)), (lambda a: L.eigh(a)[1], (0, 0)), (L.eigvals, (0, 2, 2))]
EMPTY += [(lambda a: L.svd(a, False)[2], (0, 3)), (lambda a: L.svd(a)[0], (1, 0)), (L.svdvals, (2, 0)), (expm, (0, 0))]
EMPTY += [(L.pinv, (0, 3)), (L.pinv, (3, 0)), (L.cholesky, (0, 0)), (lambda a: L.qr(a)[1], (3, 0)), (L.cond, (0, 2, 2))]
EMPTY += [(lambda a: L.norm(a, "nuc"), (0, 3)), (lambda a: L.norm(a, 2, axis=(1, 2)), (0, 3, 3)), (np.roots, (1,))]


@pytest.mark.parametrize(("program", "shape"), EMPTY)
def test_empty_arrays_have_empty_derivatives(program, shape):
    x, exact = np.zeros(shape), program(np.zeros(shape))
    value, tangent = jvp(program, x, x)
    assert np.array_equal(value, exact)
    assert tangent.shape == np.shape(exact)
    assert np.array_equal(vjp(program, x)[1](value), x)


FLOAT32 = [L.eigvalsh, lambda a: joined(L.eigh(a)), lambda a: joined(L.eig(a)), L.eigvals, lambda a: joined(L.svd(a))]
FLOAT32 += [L.svdvals, L.cholesky, lambda a: joined(L.qr(a)), L.pinv, lambda a: L.lstsq(a, a[0])[0], L.cond, expm]
FLOAT32 += [lambda a: L.norm(a, 2), lambda a: L.norm(a, "nuc"), lambda a: np.poly(a[0])]
FLOAT32 += [lambda a: np.roots(np.poly(np.arange(3.0)).astype(np.float32) + 0.01 * a[0, 0])]


@pytest.mark.parametrize("program", FLOAT32)
def test_float32_stays_float32(program):
    A = spectrum(3) + 0.3 * np.random.default_rng(2).standard_normal((3, 3))
    A, single = A.astype(np.float32).astype(float), A.astype(np.float32)
    for x in (A, single):
        y, dy = jvp(program, x, np.ones((3, 3)))
        g = grad(lambda a: np.sum(np.sin(program(a))))(x)
        h = hvp(lambda a: np.sum(np.sin(program(a))), x, np.ones((3, 3)))
        assert {y.dtype, dy.dtype, g.dtype, h.dtype} == {x.dtype}
        if x is A:
            exact = dy, g, h
    for a, b in zip((dy, g, h), exact, strict=True):  # a condition of 10, to the fourth power
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3 * max(1, np.max(np.abs(b))))


# ---------------------------------------------------------------------------- what SciPy's users write


@settings(max_examples=25)
@given(seed=SEEDS, size=st.sampled_from([0.0, 1e-9, 0.1, 1.0, 10.0]), n=st.integers(1, 6))
def test_the_exponential_is_scipy_s_and_its_derivative_frechet_s(seed, size, n):
    A, V, W = np.random.default_rng(seed).standard_normal((3, n, n))
    A = A * size / np.sqrt(n)
    y, exact = scipy.linalg.expm_frechet(A, V)
    for step in (1.0, 2.0**60, 2.0**-60):  # the direction's size does not show
        value, tangent = jvp(expm, A, V * step)
        np.testing.assert_allclose(value, scipy.linalg.expm(A), rtol=1e-11, atol=1e-12 * np.max(np.abs(y)))
        np.testing.assert_allclose(tangent / step, exact, rtol=1e-11, atol=1e-12 * np.max(np.abs(exact)))
    adjoint(expm, A, V, W)


def test_the_exponential_of_a_stack_halves_each_matrix_as_it_needs():
    A = np.stack([1e-7 * R(3, 3), 30 * R(3, 3, seed=1)])
    small = expm(A)[0]
    np.testing.assert_allclose(small - np.eye(3), scipy.linalg.expm(A[0]) - np.eye(3), rtol=0, atol=3e-16)
    np.testing.assert_allclose(expm([[0, 1], [0, 0]]), [[1, 1], [0, 1]])
    with pytest.raises(ValueError, match="NaN or an infinity"):
        expm(np.array([[np.nan]]))


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("right", [(3,), (3, 2)])
def test_triangular_solutions_are_scipy_s(lower, right):
    a, b = R(3, 3) + 3 * np.eye(3), R(*right)
    for trans in (0, 1, "N", "T"):
        for unit in (False, True):
            options = {"trans": trans, "lower": lower, "unit_diagonal": unit}
            exact = scipy.linalg.solve_triangular(a, b, **options)
            np.testing.assert_allclose(solve_triangular(a, b, **options), exact, rtol=1e-12)
            for program, x in (
                (lambda a, o=options: solve_triangular(a, b, **o), a),
                (lambda b, o=options: solve_triangular(a, b, **o), b),
            ):
                v = R(*x.shape, seed=1)
                near = {"rtol": 1e-8, "atol": 1e-9}
                np.testing.assert_allclose(jvp(program, x, v)[1], extrapolated_difference(program, x, v), **near)
                adjoint(program, x, v)
    factor = scipy.linalg.cho_factor(spectrum(3) + 0.1, lower=lower)
    np.testing.assert_allclose(cho_solve(factor, b), scipy.linalg.cho_solve(factor, b), rtol=1e-12)
    with pytest.raises(ValueError, match="trans is 3"):
        solve_triangular(a, b, trans=3)


def test_a_cholesky_factor_solves_as_the_matrix_does():
    a, b, v = spectrum(3) + 0.1, R(3), R(3, 3, seed=1)

    def solved(a):
        return cho_solve((L.cholesky(a), True), b)

    np.testing.assert_allclose(jvp(solved, a, v + v.T)[1], jvp(lambda a: L.solve(a, b), a, v + v.T)[1], rtol=1e-11)
    second_order_law(lambda a: np.sum(solved(a) ** 2), a, v.T, v)


@pytest.mark.parametrize("name", SCIPY_LINALG)
def test_a_replacement_of_scipy_s_function_exists(name):
    module, _, function = name.rpartition(".")
    assert module == "scipy.linalg"
    assert callable(getattr(scipy.linalg, function))
    space = {"np": np, "mathlib": __import__("mathlib"), "a": np.eye(2)}
    assert eval(SCIPY_LINALG[name], space) is not None
    if function != "block_diag":
        with pytest.raises(UnsupportedError, match="Instead: "):
            jvp(lambda a: getattr(scipy.linalg, function)(*[a] * (2 if function in TWO else 1)), np.eye(2), np.eye(2))


TWO = {"solve", "solve_triangular", "lstsq", "cho_solve"}


def test_a_program_of_several_decompositions_has_a_hessian():
    A = near(3, 3)

    def loss(a):
        s = a @ a.T
        w, v = L.eigh(s)
        return np.sum(np.log(w) * v[0] ** 2) + L.slogdet(s)[1] + L.norm(a, 2) + np.sum(L.svd(a).U[:, 0] ** 3)

    second_order_law(loss, A, R(3, 3, seed=1), R(3, 3, seed=2))
    H = hessian(loss, A)
    V, W = R(3, 3, seed=1), R(3, 3, seed=2)
    assert np.vdot(W, H @ V) == pytest.approx(np.vdot(V, H @ W), rel=1e-10)
