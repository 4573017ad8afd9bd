"""The Hessian: its products by four routes, the recorded operator, and what products alone can tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator, cg, eigsh, minres

from mathlib import UnsupportedError, complex_step, grad, grad_and_hvp, hessian, hvp, jvp
from mathlib.hessian import hutchinson_diagonal, hutchinson_trace, lanczos, spectral_density
from mathlib.nn import mlp, softmax_cross_entropy

ROUTES = ("dual", "complex_step", "double_backprop", "finite_difference")
EXACT = ROUTES[:3]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def loss(x):
    return np.sum(np.sin(x) * np.flip(x)) + np.log(np.sum(np.exp(x))) + np.sum(x[..., :1] * x**2)


def by_differences(loss, theta):
    """The matrix of H by differences of the gradient, extrapolated; a column a coordinate."""
    columns = []
    for e in np.eye(theta.size).reshape(-1, *theta.shape):
        one, two = ((grad(loss)(theta + h * e) - grad(loss)(theta - h * e)) / (2 * h) for h in (2.0**-12, 2.0**-11))
        columns.append(np.ravel((4 * one - two) / 3))
    return np.stack(columns, -1)


# ---------------------------------------------------------------------------------------- the four routes


@pytest.mark.parametrize("method", ["dual", "double_backprop"])
@pytest.mark.parametrize(("power", "product"), [(1, [0.0, 0.0]), (3, [6.0, 12.0])])
def test_a_product_can_be_differentiated_by_what_its_loss_knows(method, power, product):
    theta, v = np.array([1.0, 2.0]), np.ones(2)

    def along(c):
        return hvp(lambda x: c * np.sum(x**power), theta, v, method)

    value, tangent = jvp(along, 2.0, 1.0)
    np.testing.assert_array_equal(tangent, product)
    np.testing.assert_array_equal(value, np.multiply(2, product))
    assert grad(lambda c: np.sum(along(c)))(2.0) == np.sum(product)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 1, 2)])
def test_every_route_gives_the_matrix_s_product(shape):
    theta, v = normal(*shape)[()], normal(*shape, seed=1)[()]
    f = loss if shape else lambda x: loss(np.reshape(x, 1))
    exact = np.reshape(by_differences(f, np.asarray(theta)) @ np.ravel(v), shape)
    for method in ROUTES:
        product = hvp(f, theta, v, method)
        assert np.shape(product) == shape
        np.testing.assert_allclose(product, exact, rtol=0, atol=1e-8, err_msg=method)
        if method in EXACT:
            np.testing.assert_allclose(product, hvp(f, theta, v), rtol=1e-13, atol=1e-14, err_msg=method)
    g, product = grad_and_hvp(f, theta, v)
    np.testing.assert_allclose(g, grad(f)(theta), rtol=1e-14, atol=1e-15)
    assert np.array_equal(product, hvp(f, theta, v))
    assert hvp(f, theta, v, "finite_difference").dtype == np.float64


def relative(a, exact):
    return float(np.linalg.norm(a - exact) / np.linalg.norm(exact))


def by_hand(theta, v, X, Y, shapes):
    """Loss, gradient and H v of a tanh network with softmax cross-entropy, in the precision of its arguments."""
    (m, n), (k,), (n2, c), (c2,) = shapes

    def parts(t):
        cuts = np.cumsum([0, m * n, k, n2 * c, c2])
        return [t[a:b].reshape(s) for a, b, s in zip(cuts[:-1], cuts[1:], shapes, strict=True)]

    (W1, b1, W2, b2), (V1, d1, V2, d2) = parts(theta), parts(v)
    h, dh = np.tanh(X @ W1 + b1), X @ V1 + d1
    s = 1 - h * h
    dh = s * dh
    z, dz = h @ W2 + b2, dh @ W2 + h @ V2 + d2
    p = np.exp(z - z.max(1, keepdims=True))
    total = p.sum(1, keepdims=True)
    value = np.mean(np.log(total[:, 0]) + z.max(1) - np.sum(Y * z, 1))
    p = p / total
    dp = p * (dz - np.sum(p * dz, 1, keepdims=True))
    e, de = (p - Y) / len(X), dp / len(X)
    back, dback = e @ W2.T, de @ W2.T + e @ V2.T
    a, da = s * back, s * dback - 2 * h * dh * back
    g = [X.T @ a, a.sum(0), h.T @ e, e.sum(0)]
    Hv = [X.T @ da, da.sum(0), dh.T @ e + h.T @ de, de.sum(0)]
    return value, *(np.concatenate([np.ravel(part) for part in parts]) for parts in (g, Hv))


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 2e-19, reason="long double has no more digits here")
@pytest.mark.parametrize("seed", range(5))
def test_every_exact_route_is_right_to_1e_15(seed):
    sizes = (20, 30, 10)
    theta, model = mlp(sizes, seed=seed)
    rng = np.random.default_rng(seed)
    X, labels, v = rng.standard_normal((32, 20)), rng.integers(0, 10, 32), rng.standard_normal(theta.size)
    shapes = [(20, 30), (30,), (30, 10), (10,)]
    Y = np.eye(10)[labels]
    value, g, Hv = by_hand(*(a.astype(np.longdouble) for a in (theta, v, X, Y)), shapes)

    def loss(theta):
        return softmax_cross_entropy(model(theta, X), labels)

    assert loss(theta) == pytest.approx(float(value), rel=1e-14)
    assert relative(grad(loss)(theta), g) <= 1e-15
    for method in EXACT:
        assert relative(hvp(loss, theta, v, method), Hv) <= 1e-15, method
    assert relative(grad_and_hvp(loss, theta, v)[1], Hv) <= 1e-15
    assert relative(hessian(loss, theta) @ v, Hv) <= 1e-15
    assert 1e-14 < relative(hvp(loss, theta, v, "finite_difference"), Hv) < 1e-8


@pytest.mark.parametrize("method", ROUTES)
def test_inputs_are_refused_at_the_door(method):
    def product(theta, v):
        return hvp(loss, theta, v, method)

    x = np.ones(3)
    for theta, v, error, says in (
        (x, np.ones(2), ValueError, r"v has shape \(2,\) and theta \(3,\)"),
        (x, 1.0, ValueError, r"v has shape \(\)"),
        (x, None, ValueError, r"v=np\.ones_like\(theta\)"),
        (x, np.array([1.0, np.nan, 0.0]), ValueError, "v has a NaN or an infinity"),
        (x, np.array([1.0, 1j, 0.0]), TypeError, "complex128"),
        (np.array([1.0, np.inf, 0.0]), x, ValueError, "theta has a NaN or an infinity"),
        (np.arange(3), x, TypeError, r"theta\.astype\(float\)"),
    ):
        with pytest.raises(error, match=says):
            product(theta, v)
    with pytest.raises(ValueError, match="only a scalar"):
        hvp(np.sin, x, x, method)
    kept = x.copy()
    product(x, x)[...] = 7.0
    assert np.array_equal(x, kept)


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"method is 'Dual': 'dual' or 'complex_step'.* is needed"):
        hvp(loss, np.ones(3), np.ones(3), "Dual")


def test_an_integer_direction_is_a_direction():
    theta, v = normal(3), np.array([1, 0, -2])
    for product in (*(hvp(loss, theta, v, m) for m in EXACT), hessian(loss, theta) @ v):
        np.testing.assert_allclose(product, hvp(loss, theta, v.astype(float)), rtol=1e-14)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-3, 1e6, 1e30])
def test_a_product_s_size_is_the_direction_s(size):
    # A step of fixed size times a long direction would leave the reach of first-order arithmetic.
    theta, v = normal(4), normal(4, seed=1)
    exact = size * hvp(loss, theta, v)
    H = hessian(loss, theta)
    for method in EXACT:
        np.testing.assert_allclose(hvp(loss, theta, size * v, method), exact, rtol=1e-13, err_msg=method)
    np.testing.assert_allclose(H @ (size * v), exact, rtol=1e-13)


@pytest.mark.parametrize("method", ["dual", "double_backprop", "finite_difference"])
def test_a_product_can_be_differentiated_by_what_it_depends_on(method):
    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])

    def product(a, v):
        return hvp(lambda x: a**2 * np.sum(x**3), x, v, method)

    near = {"rtol": 1e-6 if method == "finite_difference" else 1e-14}
    np.testing.assert_allclose(jvp(lambda a: product(a, v), 1.5, 1.0)[1], 18 * x * v, **near)
    np.testing.assert_allclose(complex_step(lambda a: product(a, v), 1.5), 18 * x * v, **near)
    np.testing.assert_allclose(grad(lambda a: np.sum(product(a, v)))(1.5), np.sum(18 * x * v), **near)
    np.testing.assert_allclose(jvp(lambda v: product(1.5, v), v, v)[1], 13.5 * x * v, **near)
    np.testing.assert_allclose(grad(lambda v: np.sum(product(1.5, v)))(v), 13.5 * x, **near)


def test_what_cannot_be_differentiated_again_is_refused():
    x = np.array([1.0, 2.0])

    def loss(a):
        return lambda x: a**2 * np.sum(x**3)

    for again in (lambda f: jvp(f, 1.5, 1.0), lambda f: grad(f)(1.5), lambda f: complex_step(f, 1.5)):
        for product in (
            lambda a: np.sum(hvp(loss(a), x, x, "complex_step")),
            lambda a: np.sum(hessian(loss(a), x) @ x),
            lambda a: np.sum(hessian(loss(1.0), a * x) @ x),
            lambda a: np.sum(hessian(loss(1.0), x) @ (a * x)),
        ):
            with pytest.raises(UnsupportedError, match="Instead: "):
                again(product)


# --------------------------------------------------------------------------------------------- the operator


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 1, 2)])
def test_the_operator_is_its_matrix(shape):
    theta = normal(*shape)
    H, n = hessian(loss, theta), theta.size
    M = H.dense()
    assert H.shape == M.shape == (n, n)
    assert H.dtype == M.dtype == np.float64
    np.testing.assert_allclose(M, by_differences(loss, theta), rtol=0, atol=1e-8)
    np.testing.assert_allclose(M, M.T, rtol=0, atol=1e-14)
    columns = [np.ravel(hvp(loss, theta, e.reshape(shape))) for e in np.eye(n)]
    np.testing.assert_allclose(M, np.stack(columns, -1), rtol=0, atol=1e-14)
    u, v = normal(*shape, seed=1), normal(*shape, seed=2)
    assert H.quadratic(u, v) == pytest.approx(np.ravel(u) @ M @ np.ravel(v), rel=1e-13)
    np.testing.assert_allclose(H.matvec(np.ravel(v)), M @ np.ravel(v), rtol=1e-13)
    assert np.array_equal(H.matvec(np.ravel(v)), np.ravel(H @ v))
    np.testing.assert_allclose(H.rmatvec(np.ravel(v)), M.T @ np.ravel(v), rtol=1e-13)
    assert H.value == pytest.approx(loss(theta), rel=1e-14)
    np.testing.assert_allclose(H.gradient, grad(loss)(theta), rtol=1e-14)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_a_block_is_multiplied_column_by_column(shape, k):
    theta = normal(*shape)[()]
    H = hessian(lambda x: np.sum(x**4) + np.sum(x) ** 2, theta)
    block = normal(*shape, k, seed=1)
    product = H @ block
    assert product.shape == (*shape, k)
    for j in range(k):
        np.testing.assert_allclose(product[..., j], H @ block[..., j], rtol=1e-13)  # sums of another order


def test_a_square_theta_s_block_is_told_from_a_vector():
    theta = normal(3, 3)
    H = hessian(loss, theta)
    np.testing.assert_allclose(np.reshape(H @ np.reshape(np.eye(9), (3, 3, 9)), (9, 9)), H.dense(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (2,), (3, 2, 1), (2, 3)])
def test_a_vector_of_another_shape_is_refused(shape):
    H = hessian(loss, np.ones((3, 2)))
    if shape == (3, 2, 1):
        assert (H @ np.ones(shape)).shape == shape
        return
    with pytest.raises(ValueError, match=r"v has shape .* and theta \(3, 2\): .* one axis longer"):
        H @ np.ones(shape)


def test_a_bad_vector_is_refused():
    H = hessian(loss, np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        H @ np.array([1.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="NaN"):
        H @ np.array([[1.0], [np.inf], [0.0]])
    with pytest.raises(TypeError, match="complex"):
        H @ np.array([1.0, 1j, 0.0])
    with pytest.raises(UnsupportedError):
        hessian(lambda x: np.sum(np.asarray(x)), np.ones(3))


def test_a_matrix_too_large_to_hold_is_refused():
    H = hessian(lambda x: np.sum(x**2), np.ones(20_001))
    with pytest.raises(ValueError, match=r"20001 x 20001.*H @ v"):
        H.dense()


def test_what_the_user_changes_later_does_not_change_the_operator():
    theta, v = normal(2000), normal(2000, seed=1)
    W = normal(50, 6, seed=2)
    for f in (loss, lambda t: np.sum(np.sin(np.reshape(t, (40, 50)) @ W)), lambda t: np.sum(t[:1000] * t[1000:]) ** 2):
        point = theta.copy()
        H = hessian(f, point)
        before, g = H @ v, H.gradient.copy()
        point[...] = 0.0
        result = H @ v
        assert np.array_equal(result, before)
        result[...] = 0.0
        assert np.array_equal(H @ v, before)
        assert np.array_equal(H.gradient, g)


def test_the_direction_is_not_changed():
    v = normal(3)
    v.flags.writeable = False
    kept = v.copy()
    (hessian(np.sum, np.ones(3)) @ v)[...] = 1.0
    (hessian(lambda x: np.vdot(x, x) / 2, np.ones(3)) @ v)[...] = 1.0
    assert np.array_equal(v, kept)


def test_float32_stays_float32():
    theta = normal(40, 50).astype(np.float32)
    H = hessian(lambda x: np.sum(np.tanh(x[:20] @ x[20:].T) ** 2), theta)
    assert (
        H.dtype == (H @ np.ones((40, 50))).dtype == (H @ np.ones((40, 50, 2))).dtype == H.gradient.dtype == np.float32
    )


def test_data_of_more_precision_leave_the_hessian_theta_s():
    theta, X = normal(6).astype(np.float32), normal(50, 6)

    def loss(theta):
        return np.mean(np.tanh(X @ theta) ** 2)

    H = hessian(loss, theta)
    products = [H @ theta, *(hvp(loss, theta, theta, m) for m in EXACT), H.gradient, grad(loss)(theta)]
    assert all(p.dtype == np.float32 for p in products)
    exact = hvp(loss, theta.astype(float), theta.astype(float))
    for product in products[:4]:
        assert relative(product.astype(float), exact) < 1e-6


def test_one_axis_may_be_empty():
    H = hessian(lambda x: np.sum(x**2), np.ones((0, 2)))
    assert (H @ np.ones((0, 2))).shape == (0, 2)
    assert H.shape == (0, 0)
    assert H.quadratic(np.ones((0, 2)), np.ones((0, 2))) == 0


# ------------------------------------------------------------------------------------------------- scipy


@pytest.fixture(scope="module")
def positive():
    """A positive definite Hessian, of a loss of a matrix, and its matrix."""
    H = hessian(lambda x: np.sum(np.cosh(x)) + np.sum((x @ np.ones(4)) ** 2) + np.sum(x**2), normal(3, 4))
    return H, H.dense()


@pytest.mark.parametrize("solve", [cg, minres])
def test_scipy_s_solvers_take_the_operator_as_it_is(solve, positive):
    H, M = positive
    b = normal(12, seed=1)
    x, info = solve(H, b, rtol=1e-12)
    assert info == 0
    np.testing.assert_allclose(x, np.linalg.solve(M, b), rtol=1e-8, atol=1e-10)


def test_scipy_s_eigensolver_takes_the_operator_as_it_is(positive):
    H, M = positive
    np.testing.assert_allclose(np.sort(eigsh(H, k=3)[0]), np.linalg.eigvalsh(M)[-3:], rtol=1e-10)
    operator = aslinearoperator(H)
    np.testing.assert_allclose(operator @ np.eye(12), M, rtol=0, atol=1e-13)
    np.testing.assert_allclose(operator.rmatvec(np.ones(12)), M @ np.ones(12), rtol=1e-13)


# ----------------------------------------------------------------------------- what products alone can tell


class Matrix:
    """A symmetric matrix as an operator."""

    def __init__(self, M):
        self.M, self.shape, self.products = M, M.shape, 0

    def matvec(self, x):
        self.products += 1
        return self.M @ x


def symmetric(eigenvalues, seed=0):
    Q = np.linalg.qr(normal(len(eigenvalues), len(eigenvalues), seed=seed))[0]
    return Q @ np.diag(eigenvalues) @ Q.T


def start(n, seed):
    q = np.random.default_rng(seed).standard_normal(n)
    return q / np.linalg.norm(q)


@given(st.integers(2, 30), st.integers(1, 8), st.integers(0, 1000))
def test_lanczos_is_gauss_quadrature_exact_below_degree_2k(n, k, seed):
    M = symmetric(np.random.default_rng(seed).uniform(-1, 1, n))
    k = min(k, n)
    values, weights = lanczos(Matrix(M), k, seed=seed)
    q = start(n, seed)
    assert np.sum(weights) == pytest.approx(1.0, rel=1e-12)
    assert np.all(weights >= 0)
    power = q
    for degree in range(2 * k):
        exact = q @ power  # q . M**degree q
        assert np.sum(weights * values**degree) == pytest.approx(exact, rel=1e-9, abs=1e-12), degree
        power = M @ power


def test_lanczos_is_not_exact_at_degree_2k():
    M = symmetric(np.linspace(-1, 1, 20))
    values, weights = lanczos(Matrix(M), 3, seed=1)
    q = start(20, 1)
    assert abs(np.sum(weights * values**6) - q @ np.linalg.matrix_power(M, 6) @ q) > 1e-4


def test_lanczos_finds_the_extreme_eigenvalues_first():
    eigenvalues = np.concatenate([[-5.0], np.linspace(-1, 1, 198), [10.0]])
    operator = Matrix(symmetric(eigenvalues))
    values, _ = lanczos(operator, 20)
    assert operator.products == 20
    assert values[0] == pytest.approx(-5.0, rel=1e-10)
    assert values[-1] == pytest.approx(10.0, rel=1e-10)
    assert np.all(np.abs(values[1:-1]) < 1.1)


def test_lanczos_stays_orthogonal_and_makes_no_ghosts():
    # Without orthogonalization the largest eigenvalue appears again and again.
    eigenvalues = np.concatenate([np.linspace(0, 1, 90), 10.0 ** np.arange(1, 11)])
    values, _ = lanczos(Matrix(symmetric(eigenvalues)), 100)
    np.testing.assert_allclose(values, np.sort(eigenvalues), rtol=0, atol=1e-4)


def test_lanczos_stops_in_an_invariant_subspace():
    values, weights = lanczos(Matrix(symmetric([1.0, 1.0, 1.0, 3.0, 3.0])), 5)
    np.testing.assert_allclose(values, [1.0, 3.0], rtol=1e-12)
    assert np.sum(weights) == pytest.approx(1.0)
    values, _ = lanczos(Matrix(np.zeros((3, 3))), 3)
    assert np.array_equal(values, [0.0])


def test_the_density_has_integral_one_and_the_eigenvalues_mean():
    eigenvalues = np.random.default_rng(1).uniform(-2, 3, 400)
    x = np.linspace(-6, 7, 4001)
    density = spectral_density(Matrix(symmetric(eigenvalues)), x, 0.2, steps=40, samples=8)
    dx = x[1] - x[0]
    assert np.all(density >= 0)
    assert np.sum(density) * dx == pytest.approx(1.0, abs=1e-8)
    exact = np.mean(np.exp(-0.5 * ((x[:, None] - eigenvalues) / 0.2) ** 2), -1) / (0.2 * np.sqrt(2 * np.pi))
    # Eight starting vectors of 400 numbers know a share of the spectrum to about 1 / sqrt(3200).
    assert np.sum(np.abs(density - exact)) * dx < 0.15


def test_hutchinson_is_exact_for_a_diagonal_hessian():
    theta = normal(2, 3)
    H = hessian(lambda x: np.sum(x**4), theta)
    assert hutchinson_trace(H, 5)[0] == pytest.approx(np.sum(12 * theta**2), rel=1e-14)
    assert hutchinson_trace(H, 5)[1] < 1e-12
    np.testing.assert_allclose(hutchinson_diagonal(H, 3), np.ravel(12 * theta**2), rtol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_hutchinson_is_unbiased(seed):
    H = hessian(loss, normal(6, seed=seed))
    M = H.dense()
    trace, error = hutchinson_trace(H, 400, seed)
    off = M - np.diag(np.diag(M))
    assert abs(trace - np.trace(M)) <= 4 * error
    # The variance of z . M z over random signs is 2 sum of M_ij**2 off the diagonal; of (z * M z)_i, its row's.
    assert error == pytest.approx(np.sqrt(2 * np.sum(off**2) / 400), rel=0.2)
    assert np.all(abs(hutchinson_diagonal(H, 400, seed) - np.diag(M)) <= 4 * np.sqrt(np.sum(off**2, 1) / 400))


def test_inside_of_another_differentiation_hvp_is_the_way():
    x = np.ones(2)
    H = hessian(lambda t: np.sum(t**3), x)
    for program in (
        lambda c: hessian(lambda t: c * np.sum(t**3), x) @ x,
        lambda c: hessian(lambda t: np.sum(t**3), c * x) @ x,
        lambda c: H @ (c * x),
    ):
        with pytest.raises(UnsupportedError, match="Instead: hvp"):
            jvp(program, 2.0, 1.0)


def test_a_quadratic_form_takes_two_directions():
    with pytest.raises(ValueError, match=r"\(3, 1\)"):
        hessian(lambda t: np.sum(t**3), np.ones(3)).quadratic(np.ones((3, 1)), np.ones(3))


def test_a_hessian_says_what_it_is():
    H = hessian(lambda t: np.sum(t**3), np.ones((2, 3)))
    assert repr(H).startswith("<a Hessian, 6 x 6, at a theta of shape (2, 3): ")
