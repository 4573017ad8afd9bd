"""The laws of Gauss-Newton and Fisher forms, and of the methods that step by them."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import UnsupportedError, compiled, grad, hessian, jvp
from mathlib.curvature import Composed, empirical_fisher, fisher, gauss_newton
from mathlib.hessian import hutchinson_trace, lanczos
from mathlib.invariance import changes, check_invariance, truth_table
from mathlib.nn import cnn, mlp, softmax_cross_entropy
from mathlib.optimize import gauss_newton as gauss_newton_steps
from mathlib.optimize import minimize, natural_gradient, newton

few = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 10_000)
close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-11)  # sums of some dozens of terms of order one


def network(seed, N=5, K=3, unit="nats", activation=np.tanh):
    """A small random network: output, softmax cross-entropy in z, and a theta where nothing is special."""
    rng = np.random.default_rng(seed)
    theta, model = mlp([2, int(rng.integers(1, 4)), K], activation, seed)
    X, y = rng.standard_normal((N, 2)), rng.integers(0, K, N)
    theta = theta + 0.5 * rng.standard_normal(theta.shape)
    return (lambda t: model(t, X)), (lambda z: softmax_cross_entropy(z, y, unit=unit)), theta


def squares(seed, N=5, K=3):
    targets = np.random.default_rng([seed, 1]).standard_normal((N, K))
    return lambda z: np.sum((z - targets) ** 2) / (2 * N)


def jacobian(output, theta):
    """dz/dtheta, (components of z, n), from a block of dual numbers."""
    z, J = jvp(output, theta, np.eye(theta.size))
    return z, J.reshape(z.size, theta.size)


# -------------------------------------------------------------------------------------------- the forms


@few
@given(seeds, st.sampled_from(["nats", "bits", "squares"]))
def test_gauss_newton_is_made_of_the_jacobian_and_the_hessian_of_the_loss(seed, kind):
    output, loss, theta = network(seed, unit=kind if kind != "squares" else "nats")
    loss = squares(seed) if kind == "squares" else loss
    z, J = jacobian(output, theta)
    G = gauss_newton(output, loss, theta)
    close(G.dense(), J.T @ hessian(loss, z).dense() @ J)
    close(G.gradient, grad(lambda t: loss(output(t)))(theta))
    close(G.value, loss(z))
    close(G.z, z)


@few
@given(seeds)
def test_gauss_newton_is_the_hessian_of_a_linear_model_and_where_no_residual_is(seed):
    output, loss, theta = network(seed)
    _, J = jacobian(output, theta)

    def linear(t):
        return np.reshape(J @ t, (5, 3))

    close(gauss_newton(linear, loss, theta).dense(), hessian(lambda t: loss(linear(t)), theta).dense())
    there = output(theta)

    def residuals(z):
        return np.mean((z - there) ** 2)

    H = hessian(lambda t: residuals(output(t)), theta)
    close(gauss_newton(output, residuals, theta).dense(), H.dense())
    assert (
        np.max(np.abs(gauss_newton(output, loss, theta).dense() - hessian(Composed(output, loss), theta).dense()))
        > 1e-6
    )


@few
@given(seeds)
def test_what_gauss_newton_lacks_is_the_curvature_of_the_output_weighted_by_the_slope(seed):
    output, loss, theta = network(seed)
    slope = grad(loss)(output(theta))
    second = hessian(lambda t: np.sum(slope * output(t)), theta)
    H = hessian(Composed(output, loss), theta)
    close(H.dense(), gauss_newton(output, loss, theta).dense() + second.dense())


@few
@given(seeds)
def test_fisher_is_the_covariance_of_scores_under_the_models_own_labels(seed):
    output, loss, theta = network(seed)
    z, J = jacobian(output, theta)
    J = J.reshape(5, 3, -1)
    expected = np.zeros((theta.size, theta.size))
    for row, Ji in zip(z, J, strict=True):
        p = np.exp(row) / np.sum(np.exp(row))
        for k in range(3):
            score = Ji.T @ (np.eye(3)[k] - p)
            expected += p[k] * np.outer(score, score) / 5
    close(fisher(output, loss, theta).dense(), expected)
    close(fisher(output, "categorical", theta).dense(), expected)


@few
@given(seeds)
def test_fisher_is_gauss_newton_in_nats_and_has_no_unit_of_the_loss(seed):
    output, nats, theta = network(seed)
    bits = network(seed, unit="bits")[1]
    F = fisher(output, nats, theta)
    close(gauss_newton(output, nats, theta).dense(), F.dense())
    close(gauss_newton(output, bits, theta).dense() * np.log(2), F.dense())
    close(fisher(output, bits, theta).dense(), F.dense())
    close(fisher(output, lambda z: 7 * bits(z) + 3, theta).dense(), F.dense())
    close(fisher(output, bits, theta).gradient * np.log(2), F.gradient)
    close(fisher(output, "normal", theta).dense(), gauss_newton(output, squares(seed), theta).dense())


def test_fisher_finds_the_logits_that_the_loss_makes_of_z():
    output, loss, theta = network(3)
    twice = fisher(output, lambda z: loss(2 * z), theta)
    close(twice.dense(), fisher(lambda t: 2 * output(t), "categorical", theta).dense())


def test_fisher_of_a_sure_model_does_not_cancel():
    z = np.array([[40.0, 0.0, 0.0]])
    F = fisher(lambda t: t, "categorical", z).dense()
    p = np.exp(-40.0)
    assert abs(F[0, 0] / (2 * p) - 1) < 1e-12  # 1 - p(0) is 2 exp(-40), far below the last bit of 1
    assert abs(F[0, 1] / -p - 1) < 1e-12


@few
@given(seeds)
def test_empirical_fisher_is_the_mean_of_gradients_of_single_examples(seed):
    rng = np.random.default_rng(seed)
    theta, model = mlp([2, 3, 3], seed=seed)
    X, y = rng.standard_normal((6, 2)), rng.integers(0, 3, 6)
    expected = np.zeros((theta.size, theta.size))
    for i in range(6):
        g = grad(lambda t, i=i: softmax_cross_entropy(model(t, X[i : i + 1]), y[i : i + 1]))(theta)
        expected += np.outer(g, g) / 6
    E = empirical_fisher(lambda t: model(t, X), lambda z: softmax_cross_entropy(z, y), theta)
    close(E.dense(), expected)
    close(E.gradient, grad(lambda t: softmax_cross_entropy(model(t, X), y))(theta))
    assert np.linalg.matrix_rank(E.dense(), tol=1e-9) <= 6


def test_empirical_fisher_becomes_the_fisher_where_the_model_is_the_truth():
    output, _, theta = network(1, N=3)
    p = np.exp(output(theta))
    p = p / p.sum(axis=1, keepdims=True)
    F, rng, samples = fisher(output, "categorical", theta).dense(), np.random.default_rng(0), 20_000
    # Many labels of each input at once: N examples are the inputs, repeated.
    y = np.concatenate([rng.choice(3, samples, p=row) for row in p])

    def repeated(t):
        return np.repeat(output(t), samples, axis=0)

    E = empirical_fisher(repeated, lambda z: softmax_cross_entropy(z, y), theta).dense()
    off = np.linalg.norm(E - F) / np.linalg.norm(F)
    assert off < 0.05  # 60,000 labels: about 1 / sqrt(60,000) times a few
    wrong = np.concatenate([rng.choice(3, samples) for _ in p])
    E = empirical_fisher(repeated, lambda z: softmax_cross_entropy(z, wrong), theta).dense()
    assert np.linalg.norm(E - F) / np.linalg.norm(F) > 0.1


MAKERS = {
    "gauss_newton": lambda seed: (gauss_newton, *network(seed)),
    "squares": lambda seed: (gauss_newton, network(seed)[0], squares(seed), network(seed)[2]),
    "fisher": lambda seed: (fisher, *network(seed)),
    "normal": lambda seed: (fisher, network(seed)[0], "normal", network(seed)[2]),
    "empirical": lambda seed: (empirical_fisher, *network(seed)),
}


@few
@given(seeds, st.sampled_from(sorted(MAKERS)))
def test_each_is_symmetric_positive_semidefinite_and_multiplies_blocks(seed, name):
    make, output, loss, theta = MAKERS[name](seed)
    G, rng = make(output, loss, theta), np.random.default_rng(seed)
    M = G.dense()
    close(M, M.T)
    assert np.linalg.eigvalsh(M)[0] > -1e-12 * np.trace(M)
    V = rng.standard_normal((theta.size, 4))
    close(G @ V, M @ V)
    close(V[:, 0] @ G, M @ V[:, 0])
    close(G.matvec(V[:, 1]), M @ V[:, 1])
    close(G.quadratic(V[:, 0], V[:, 1]), V[:, 0] @ M @ V[:, 1])
    assert (G @ V[:, :0]).shape == (theta.size, 0)
    assert np.asarray(G).shape == G.shape == (theta.size, theta.size)


@few
@given(seeds, st.sampled_from(sorted(MAKERS)))
def test_each_follows_a_change_of_basis_as_a_form(seed, name):
    make, output, loss, theta = MAKERS[name](seed)
    M = make(output, loss, theta).dense()
    for P in changes(theta.size, seed).values():
        there = make(lambda a, P=P: output(P @ a), loss, np.linalg.solve(P, theta)).dense()
        size = np.linalg.norm(P.T @ M @ P)
        np.testing.assert_allclose(there, P.T @ M @ P, rtol=1e-8, atol=1e-9 * size)


def test_a_theta_of_any_shape_and_a_network_of_convolutions():
    W, X = np.ones((2, 3)) / 3, np.random.default_rng(0).standard_normal((4, 2))
    G = gauss_newton(lambda W: np.tanh(X @ W), squares(0, 4), W)
    flat = gauss_newton(lambda w: np.tanh(X @ np.reshape(w, (2, 3))), squares(0, 4), W.ravel())
    close(G.dense(), flat.dense())
    close((G @ np.ones((2, 3, 2)))[..., 1], np.reshape(flat @ np.ones(6), (2, 3)))
    assert gauss_newton(lambda t: t**2, lambda z: z**2, 3.0) @ 1.0 == 72.0
    theta, model = cnn((4, 4, 1), (2,), F=3, stride=1, classes=3)
    images, y = np.random.default_rng(1).standard_normal((3, 4, 4, 1)), np.array([0, 1, 2])
    G = gauss_newton(lambda t: model(t, images), lambda z: softmax_cross_entropy(z, y), theta)
    z, J = jacobian(lambda t: model(t, images), theta)
    B = hessian(lambda z: softmax_cross_entropy(z, y), z).dense()
    close(G.dense(), J.T @ B @ J)


@pytest.mark.parametrize("make", [gauss_newton, fisher, empirical_fisher])
def test_compiled_parts_give_the_same(make):
    output, loss, theta = network(5)
    plain = make(output, loss, theta).dense()
    close(make(compiled(output), compiled(loss), theta).dense(), plain)
    close(make(output, compiled(loss), theta) @ theta, plain @ theta)


@pytest.mark.parametrize("make", [gauss_newton, fisher, empirical_fisher])
def test_float32_stays_and_agrees(make):
    theta, model = mlp([2, 3, 3])
    X, y = np.random.default_rng(2).standard_normal((5, 2)).astype(np.float32), np.array([0, 1, 2, 1, 0])

    def at(theta):
        X_ = X.astype(theta.dtype)
        return make(lambda t: model(t, X_), lambda z: softmax_cross_entropy(z, y), theta)

    narrow = theta.astype(np.float32)
    G, wide = at(narrow), at(narrow.astype(float))
    assert G.dtype == G.z.dtype == (G @ narrow).dtype == G.gradient.dtype == G.dense().dtype == np.float32
    np.testing.assert_allclose(G.dense(), wide.dense(), rtol=1e-4, atol=1e-5)  # some dozens of roundings of 6e-8
    assert G.solve(narrow, damping=1.0).dtype == np.float32
    np.testing.assert_allclose(G.solve(narrow, damping=1.0), wide.solve(narrow, damping=1.0), rtol=1e-3, atol=1e-4)


def test_krylov_methods_take_it_and_scipy_too():
    sparse = pytest.importorskip("scipy.sparse.linalg")
    output, loss, theta = network(4)
    G = gauss_newton(output, loss, theta)
    M = G.dense()
    assert abs(lanczos(G, theta.size)[0][-1] / np.linalg.eigvalsh(M)[-1] - 1) < 1e-8
    mean, error = hutchinson_trace(G, 200)
    assert abs(mean - np.trace(M)) < 5 * error
    close(sparse.aslinearoperator(G).matvec(theta), M @ theta)


def test_products_of_very_long_and_very_short_vectors_stay_exact():
    output, loss, theta = network(6)
    G = gauss_newton(output, loss, theta)
    for size in (1e-300, 1e-160, 1e160, 1e300):
        np.testing.assert_allclose(G @ (size * theta) / size, G @ theta, rtol=1e-9)
        np.testing.assert_allclose(G @ (size * np.eye(theta.size)) / size, G.dense(), rtol=1e-9, atol=1e-12)


def test_later_changes_and_inputs_do_not_show():
    output, loss, theta = network(7)
    G = gauss_newton(output, loss, theta)
    before, v = G @ np.ones_like(theta), np.ones_like(theta)
    kept = theta.copy()
    theta += 1
    close(G @ v, before)
    assert np.all(v == 1)
    assert np.all(theta == kept + 1)


# -------------------------------------------------------------------------------------------- solve


@few
@given(seeds, st.floats(1e-3, 10.0), st.sampled_from(sorted(MAKERS)))
def test_solve_solves(seed, damping, name):
    make, output, loss, theta = MAKERS[name](seed)
    G, g = make(output, loss, theta), np.random.default_rng(seed).standard_normal(theta.shape)
    expected = np.linalg.solve(G.dense() + damping * np.eye(theta.size), g)
    np.testing.assert_allclose(G.solve(g, damping), expected, rtol=1e-6, atol=1e-6 * np.max(np.abs(expected)))


@few
@given(seeds)
def test_where_the_form_is_singular_the_gradient_is_solved_for_and_else_an_error_says_it(seed):
    output, loss, theta = network(seed, N=3)
    G = gauss_newton(output, loss, theta)  # adding the same number to all logits changes nothing
    d = G.solve(G.gradient)
    size = np.linalg.norm(G.gradient)
    assert np.linalg.norm(G @ d - G.gradient) < 1e-9 * size
    null = np.concatenate([np.zeros(theta.size - 3), np.ones(3)])
    assert np.linalg.norm(G @ null) < 1e-12
    assert abs(d @ null) < 1e-6 * np.linalg.norm(d)  # the shortest one
    with pytest.raises(np.linalg.LinAlgError, match=r"G \+ damping I is singular.*Instead: a larger damping"):
        G.solve(null)
    assert np.all(G.solve(0 * null) == 0)


def test_a_loss_that_is_not_convex_in_z_is_named_where_its_form_is_to_be_solved():
    G = gauss_newton(lambda t: 2 * t, lambda z: z[0] ** 2 - z[1] ** 2, np.ones(2))
    assert G.quadratic(np.ones(2), np.ones(2)) == 0
    with pytest.raises(np.linalg.LinAlgError, match="negative along a vector: the loss is not convex in z"):
        G.solve(np.array([1.0, 2.0]))
    close(G.solve(np.array([1.0, 2.0]), damping=16.0), np.array([1 / 24, 2 / 8]))


# -------------------------------------------------------------------------------------------- the door


def ones(t):
    return np.ones(3)


BAD = [
    (lambda: gauss_newton(3, np.sum, np.ones(2)), TypeError, "a function is needed"),
    (lambda: gauss_newton(np.exp, "categorical", np.ones(2)), TypeError, "a function is needed"),
    (lambda: gauss_newton(np.exp, np.sum, np.ones(2, int)), TypeError, "floating-point"),
    (lambda: gauss_newton(np.exp, np.sum, np.array([1.0, np.nan])), ValueError, "theta"),
    (lambda: gauss_newton(np.log, np.sum, np.array([1.0, 0.0])), FloatingPointError, "ceased to be finite"),
    (lambda: gauss_newton(np.exp, lambda z: z, np.ones(2)), ValueError, "only a scalar"),
    (lambda: gauss_newton(ones, np.sum, np.ones(2)), ValueError, "does not depend on theta"),
    (lambda: empirical_fisher(np.sum, lambda z: z**2, np.ones(2)), ValueError, "a first axis of examples"),
    (lambda: fisher(np.sum, "normal", np.ones(2)), ValueError, "a first axis of examples"),
    (lambda: fisher(np.exp, "categorical", np.ones(2)), ValueError, r"logits \(N, K\) are needed"),
    (lambda: fisher(np.exp, "poisson", np.ones(2)), ValueError, "'categorical' or 'normal'"),
    (lambda: fisher(np.exp, lambda z: np.sum(z**2), np.ones(2)), ValueError, "'categorical', theta.*'normal'"),
    (lambda: fisher(np.exp, 3, np.ones(2)), TypeError, "a function is needed"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_what_does_not_fit_is_refused_with_what_would(call, kind, message):
    with np.errstate(all="ignore"), pytest.raises(kind, match=message):
        call()


def test_a_loss_that_is_more_than_a_cross_entropy_does_not_say_a_distribution():
    output, loss, theta = network(8)
    for other in (lambda z: loss(z) + np.sum(z**2), lambda z: loss(z) + loss(2 * z), lambda z: loss(z) * np.sum(z)):
        with pytest.raises(ValueError, match="not a softmax cross-entropy alone"):
            fisher(output, other, theta)


def test_bad_vectors_are_refused():
    G = gauss_newton(lambda t: t**2, lambda z: np.sum(z**2), np.ones(2))
    for bad in (np.ones(3), np.array([1.0, np.inf]), np.ones((2, 2, 2))):
        with pytest.raises(ValueError, match="v "):
            G @ bad
    for bad in (np.ones(3), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="g "):
            G.solve(bad)
    for bad in (-1.0, np.ones(2), np.nan, np.inf):
        with pytest.raises(ValueError, match="damping"):
            G.solve(np.ones(2), bad)
    with pytest.raises(UnsupportedError, match="records plain numbers"):
        grad(lambda v: np.sum(G @ v))(np.ones(2))
    with pytest.raises(UnsupportedError, match="records plain numbers"):
        grad(lambda t: np.sum(gauss_newton(np.exp, np.sum, t).gradient))(np.ones(2))


# -------------------------------------------------------------------------------------------- the methods


def coin(seed):
    """A model without a direction in which nothing changes: two logits of two parameters, and labels of both kinds."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, 2)), np.arange(8) % 2

    def output(theta):
        z = np.tanh(X @ theta)
        return np.stack([z, -z], axis=1)

    return output, (lambda z: softmax_cross_entropy(z, y)), 0.5 * rng.standard_normal(2)


def points(steps, k):
    return np.array([step.theta for step in itertools.islice(steps, k)])


def test_the_steps_are_what_the_forms_say():
    output, loss, theta = network(9)
    composed = Composed(output, loss)
    G, g = gauss_newton(output, loss, theta).dense(), grad(composed)(theta)
    for steps, eta in ((gauss_newton_steps, 0.5), (natural_gradient, 2.0)):
        path = points(steps(composed, theta, eta=eta, damping=0.1), 2)
        np.testing.assert_allclose(path[1] - theta, -eta * np.linalg.solve(G + 0.1 * np.eye(theta.size), g), rtol=1e-7)
    np.testing.assert_allclose(
        points(gauss_newton_steps(compiled(composed), theta, damping=0.1), 3),
        points(gauss_newton_steps(composed, theta, damping=0.1), 3),
        rtol=1e-8,
        atol=1e-9,
    )


def test_a_linear_least_squares_problem_takes_one_step():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 4)), rng.standard_normal(20)
    loss = Composed(lambda w: X @ w, lambda z: np.mean((z - y) ** 2) / 2)
    best = np.linalg.lstsq(X, y)[0]
    np.testing.assert_allclose(points(gauss_newton_steps(loss, np.zeros(4)), 2)[1], best, rtol=1e-9)
    np.testing.assert_allclose(points(natural_gradient(loss, np.zeros(4), family="normal"), 2)[1], best, rtol=1e-9)
    result = minimize(gauss_newton_steps, loss, np.zeros(4), tol=1e-9)
    assert result.converged
    assert result.n_steps == 1
    assert result.n_hvp > 0


@few
@given(st.integers(0, 1000))
def test_adapted_damping_descends_every_time(seed):
    output, loss, theta = network(seed)
    losses = [s.loss for s in itertools.islice(gauss_newton_steps(Composed(output, loss), theta, 1.0, 1e-3, True), 8)]
    assert np.all(np.diff(losses) <= 1e-12)


def test_adapted_damping_shrinks_by_two_thirds_where_the_model_is_right():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((20, 4)), rng.standard_normal(20)
    loss = Composed(lambda w: X @ w, lambda z: np.mean((z - y) ** 2) / 2)
    theta, damping, G = np.zeros(4), 0.5, X.T @ X / 20
    for found in points(gauss_newton_steps(loss, theta, damping=damping, adapt=True), 5):
        np.testing.assert_allclose(found, theta, rtol=1e-8, atol=1e-10)
        theta = theta - np.linalg.solve(G + damping * np.eye(4), X.T @ (X @ theta - y) / 20)
        damping *= 2 / 3


def test_adapted_damping_grows_where_the_loss_would_rise():
    loss = Composed(lambda t: np.stack([t + 1, t - 1 - 2 * t**2]), lambda z: np.vdot(z, z) / 2)
    start, damping = 0.5, 0.1
    g, G = grad(loss)(start), gauss_newton(loss.output, loss.loss, start) @ 1.0
    while loss(start - g / (G + damping)) > loss(start) - 1e-4 * g**2 / (G + damping):
        damping *= 8
    assert damping > 0.1
    found = points(gauss_newton_steps(loss, start, damping=0.1, adapt=True), 2)[1]
    np.testing.assert_allclose(found, start - g / (G + damping), rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_least_squares_end_where_scipy_s_levenberg_marquardt_ends(seed):
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 2, 30)
    y = 2 * np.exp(-1.5 * x) + 0.5 + 0.05 * rng.standard_normal(30)

    def output(theta):
        return theta[0] * np.exp(theta[1] * x) + theta[2]

    loss = Composed(output, lambda z: np.mean((z - y) ** 2) / 2)
    result = minimize(gauss_newton_steps, loss, np.array([1.0, -1.0, 0.0]), damping=1e-2, adapt=True)
    theirs = optimize.least_squares(lambda t: output(t) - y, np.array([1.0, -1.0, 0.0]), method="lm", xtol=1e-12)
    assert result.converged
    np.testing.assert_allclose(result.theta, theirs.x, rtol=1e-5)


@pytest.mark.parametrize("steps", [gauss_newton_steps, natural_gradient])
def test_steps_keep_the_precision_and_the_shape_and_leave_the_start_alone(steps):
    X, y = np.random.default_rng(0).standard_normal((6, 2)), np.array([0, 1, 2, 0, 1, 2])
    W = np.full((2, 3), 0.1, np.float32)
    X32 = X.astype(np.float32)
    loss = Composed(lambda W: X32 @ W, lambda z: softmax_cross_entropy(z, y))
    path = list(itertools.islice(steps(loss, W, damping=0.5), 3))
    assert all(step.theta.dtype == step.gradient.dtype == np.float32 for step in path)
    assert path[2].theta.shape == (2, 3)
    np.testing.assert_array_equal(W, np.full((2, 3), 0.1, np.float32))
    wide = points(steps(Composed(lambda W: X @ W, loss.loss), W.astype(float), damping=0.5), 3)
    np.testing.assert_allclose(path[2].theta, wide[2], rtol=1e-3, atol=1e-4)  # systems are solved to 2e-5 in float32


def test_a_step_to_where_the_loss_is_not_finite_is_an_error_and_with_adapted_damping_is_not_made():
    loss = Composed(lambda t: np.log(t), lambda z: np.sum((z - 1) ** 2))
    start = np.array([20.0])  # the full step goes to 20 (1 - 2) < 0
    with np.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="ceased to be finite"):
            points(gauss_newton_steps(loss, start), 2)
        result = minimize(partial(gauss_newton_steps, damping=1e-6, adapt=True), loss, start)
    assert result.converged
    np.testing.assert_allclose(result.theta, np.e, rtol=1e-6)


def test_scipy_hides_the_parts_of_a_loss_and_is_told_so():
    optimize = pytest.importorskip("scipy.optimize")
    loss = Composed(lambda t: np.stack([t[0] - 1, 10 * (t[1] - t[0] ** 2)]), lambda z: np.vdot(z, z))
    options = {"damping": 1e-2, "adapt": True}
    with pytest.raises(TypeError, match=r"knows the model's output.*Composed\(output, loss\)"):
        optimize.minimize(loss, np.array([-1.2, 1.0]), method=gauss_newton_steps, options=options)
    result = minimize(gauss_newton_steps, loss, np.array([-1.2, 1.0]), **options)
    assert result.converged
    np.testing.assert_allclose(result.theta, [1, 1], rtol=1e-6)


ROWS = {
    # loss unit, rescaled, permuted, rotated, sheared
    "newton": (True, True, True, True, True),
    "gauss-newton": (True, True, True, True, True),
    "natural gradient": (False, True, True, True, True),
    "gauss-newton, damped": (False, False, True, True, False),
    "natural gradient, damped": (False, False, True, True, False),
    "gauss-newton, damping adapted": (False, False, True, True, False),
}


def trial(steps, output, loss, **options):
    """A method, and how it is run in other coordinates and units: of the loss's parts there."""

    def there(P, unit):
        moved = Composed(lambda a: output(P @ a), lambda z: unit * loss(z))
        return lambda _, alpha: steps(moved, alpha, **options)

    return (lambda _, theta: steps(Composed(output, loss), theta, **options)), there


@pytest.mark.parametrize("seed", range(6))
def test_the_truth_table_of_invariances(seed):
    output, loss, theta = coin(seed)
    methods = {
        "newton": newton,
        "gauss-newton": trial(gauss_newton_steps, output, loss, eta=0.5),
        "natural gradient": trial(natural_gradient, output, loss, eta=0.5),
        "gauss-newton, damped": trial(gauss_newton_steps, output, loss, eta=0.5, damping=0.3),
        "natural gradient, damped": trial(natural_gradient, output, loss, eta=0.5, damping=0.3),
        "gauss-newton, damping adapted": trial(gauss_newton_steps, output, loss, damping=0.3, adapt=True),
    }
    table = truth_table(methods, Composed(output, loss), theta, steps=4)
    found = {name: tuple(map(bool, row.values())) for name, row in table.items()}
    assert found == ROWS


def test_under_curved_coordinates_the_natural_gradient_keeps_its_path_only_as_steps_get_small():
    output, loss, theta = coin(3)

    def gap(k):
        """Between the ends of k steps of length 1/k, in theta and in alpha with theta = sinh(alpha)."""
        here = points(natural_gradient(Composed(output, loss), theta, eta=1 / k), k + 1)[-1]
        there = Composed(lambda a: output(np.sinh(a)), loss)
        return np.linalg.norm(np.sinh(points(natural_gradient(there, np.arcsinh(theta), eta=1 / k), k + 1)[-1]) - here)

    gaps = [gap(k) for k in (4, 16, 64)]
    assert gaps[0] > 1e-4
    ratios = np.divide(gaps[:-1], gaps[1:])
    assert np.all((ratios > 3) & (ratios < 5.5))  # of first order: four times the steps, a fourth of the gap


def test_a_direction_that_changes_nothing_gets_a_step_that_depends_on_the_basis():
    output, loss, theta = network(3)
    P = changes(theta.size, 3)["sheared"]
    G, there = gauss_newton(output, loss, theta), gauss_newton(lambda a: output(P @ a), loss, np.linalg.solve(P, theta))
    d, moved = G.solve(G.gradient), P @ there.solve(there.gradient)
    assert np.linalg.norm(moved - d) > 1e-3 * np.linalg.norm(d)
    np.testing.assert_allclose(G @ moved, G @ d, rtol=1e-6, atol=1e-8 * np.linalg.norm(G.gradient))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda f, t: gauss_newton_steps(lambda t: np.sum(t**2), t), TypeError, r"Composed\(output, loss\)"),
        (lambda f, t: gauss_newton_steps(f, t, eta=2.0), ValueError, "eta is"),
        (lambda f, t: gauss_newton_steps(f, t, damping=-1.0), ValueError, "damping is"),
        (lambda f, t: natural_gradient(f, t, damping=np.nan), ValueError, "damping is"),
        (lambda f, t: natural_gradient(f, t, adapt=True), ValueError, "damping is 0"),
        (lambda f, t: natural_gradient(f, t, family="poisson"), ValueError, "'categorical' or 'normal'"),
        (lambda f, t: natural_gradient(Composed(f.output, np.sum), t), ValueError, "not a softmax cross-entropy"),
        (lambda f, t: gauss_newton_steps(f, np.array([1, 2])), TypeError, "floating-point"),
        (lambda f, t: Composed(3, np.sum), TypeError, "a function is needed"),
    ],
)
def test_the_methods_refuse_what_does_not_fit(call, kind, message):
    output, loss, theta = coin(0)
    with pytest.raises(kind, match=message):
        list(itertools.islice(call(Composed(output, loss), theta), 2))


def test_check_invariance_is_not_blind():
    output, loss, theta = coin(1)
    method, _ = trial(gauss_newton_steps, output, loss, eta=0.5)
    # The old parts run in the new coordinates: another path.
    assert not check_invariance(method, Composed(output, loss), theta, P=np.diag([0.5, 3.0]), steps=3)
