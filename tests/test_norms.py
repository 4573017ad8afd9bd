"""Norms: their laws, against what defines them, and the methods that step by them."""

from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mathlib import compiled, grad
from mathlib.invariance import truth_table
from mathlib.nn import mlp, ravel, softmax_cross_entropy
from mathlib.norms import RMS, Euclidean, Max, Network, Spectral, Weighted
from mathlib.spaces import VectorSpace
from mathlib.stochastic import adam, minibatches, muon, sgd, sign_descent, steepest_descent
from mathlib.stochastic.steepest import newton_schulz, orthogonal

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5)


def metric(n, rng):
    """A positive definite matrix with a condition number below 100."""
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    return Q * rng.uniform(0.1, 5, n) @ Q.T


def layers(m, n):
    """Norms of all kinds on three layers, of which each shows in the largest."""
    return Network([(m, n), (n,), (2, 2, m, n)], [RMS(), Max(), Spectral()], scales=[0.5, 1.0, 2.0])


NORMS = {
    "Euclid": lambda m, n, rng: (Euclidean(), (m, n)),
    "max": lambda m, n, rng: (Max(), (m, n)),
    "weighted": lambda m, n, rng: (Weighted(metric(m * n, rng)), (m, n)),
    "spectral": lambda m, n, rng: (Spectral(), (m, n)),
    "spectral of filters": lambda m, n, rng: (Spectral(), (2, 2, m, n)),
    "RMS of a vector": lambda m, n, rng: (RMS(), (n,)),
    "RMS to RMS": lambda m, n, rng: (RMS(), (m, n)),
    "network": lambda m, n, rng: (layers(m, n), (m * n + n + 4 * m * n,)),
}
every_norm = pytest.mark.parametrize("kind", NORMS)


def drawn(kind, seed, m, n, members=2):
    """A norm, and random arrays of its shape."""
    rng = np.random.default_rng(seed)
    norm, shape = NORMS[kind](m, n, rng)
    return norm, *rng.standard_normal((members, *shape))


def close(a, b):
    """Equal up to the rounding of some dozen operations, and of a solution with a metric's condition number."""
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


# -------------------------------------------------------------------------------- what a norm is, and its dual


@every_norm
@given(SEEDS, SIZES, SIZES, st.floats(-1e3, 1e3))
def test_a_norm_is_one(kind, seed, m, n, c):
    norm, d, e = drawn(kind, seed, m, n)
    for length in norm, norm.dual:
        assert length(d) > 0
        assert length(0 * d) == 0
        close(length(c * d), abs(c) * length(d))
        assert length(d + e) <= (length(d) + length(e)) * (1 + 1e-12)


@every_norm
@given(SEEDS, SIZES, SIZES)
def test_the_steepest_step_is_of_length_one_and_gains_the_dual_norm(kind, seed, m, n):
    norm, g, _ = drawn(kind, seed, m, n)
    d = norm.steepest(g)
    assert d.shape == g.shape
    close(norm(d), 1)
    close(np.sum(g * d), norm.dual(g))
    close(norm.steepest(7e3 * g), d)


@every_norm
@given(SEEDS, SIZES, SIZES)
def test_no_step_gains_more(kind, seed, m, n):
    norm, g, *steps = drawn(kind, seed, m, n, members=20)
    steps += [norm.steepest(g) + 1e-3 * d for d in steps]  # and none nearby
    for d in steps:
        assert np.sum(g * d) <= norm(d) * norm.dual(g) * (1 + 1e-12)


@every_norm
@given(SEEDS, SIZES, SIZES)
def test_the_steepest_step_is_the_gradient_of_the_dual_norm(kind, seed, m, n):
    norm, g, _ = drawn(kind, seed, m, n)
    if "spectral" in kind or kind in ("RMS to RMS", "network"):
        s = np.linalg.svd(g[: m * n].reshape(m, n) if g.ndim == 1 else g.reshape(-1, n), compute_uv=False)
        assume(s[-1] > 1e-3)  # else there is a kink
    np.testing.assert_allclose(grad(norm.dual)(g), norm.steepest(g), atol=1e-8)


@every_norm
@given(SEEDS, SIZES, SIZES)
def test_the_dual_of_the_dual_is_the_norm(kind, seed, m, n):
    """The covector that is the derivative of the norm at d has size 1, and d is among the steepest steps for it."""
    norm, d, _ = drawn(kind, seed, m, n)
    g = grad(norm)(d)
    np.testing.assert_allclose(norm.dual(g), 1, rtol=1e-8)
    np.testing.assert_allclose(np.sum(g * d), norm(d), rtol=1e-8)


@given(SEEDS, SIZES, SIZES)
def test_the_spectral_norm_is_the_gain_of_the_layer(seed, m, n):
    """From its definition, on many inputs and on the best one."""
    rng = np.random.default_rng(seed)
    W, X = rng.standard_normal((m, n)), rng.standard_normal((50, m))
    X = np.concatenate([X, np.linalg.svd(W)[0].T])

    def rms(X):
        return np.sqrt(np.mean(X**2, axis=1))

    close(np.max(np.linalg.norm(X @ W, axis=1) / np.linalg.norm(X, axis=1)), Spectral()(W))
    close(np.max(rms(X @ W) / rms(X)), RMS()(W))
    close(rms(W), [RMS()(row) for row in W])
    filters = rng.standard_normal((2, 2, m, n))
    close(RMS()(filters), RMS()(filters.reshape(-1, n)))


# ------------------------------------------------------------------------------------------- its isometries


@given(SEEDS, SIZES, SIZES)
def test_steepest_steps_turn_with_the_norm_s_own_isometries(seed, m, n):
    rng = np.random.default_rng(seed)
    G, M = rng.standard_normal((m, n)), metric(m, rng)
    U, V = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (m, n))
    signs, order = rng.choice([-1.0, 1.0], (m, n)), rng.permutation(m * n)
    shuffle = lambda A: np.reshape(np.ravel(signs * A)[order], (m, n))  # noqa: E731
    for norm in Euclidean(), Spectral(), RMS():
        close(norm.steepest(U @ G @ V), U @ norm.steepest(G) @ V)
        close(norm(U @ G @ V), norm(G))
    for norm in Euclidean(), Max():
        close(norm.steepest(shuffle(G)), shuffle(norm.steepest(G)))
    # Q with Q^T M Q = M: what is orthogonal in M's own basis. A covector goes by its inverse, transposed.
    L, g = np.linalg.cholesky(M), G[:, 0]
    Q = np.linalg.solve(L.T, U @ L.T)
    norm = Weighted(M)
    close(norm(Q @ g), norm(g))
    np.testing.assert_allclose(norm.steepest(np.linalg.solve(Q.T, g)), Q @ norm.steepest(g), rtol=1e-7, atol=1e-8)


def test_a_turn_of_the_axes_is_no_isometry_of_max_nor_a_scaling_of_any():
    G, turn = np.array([[3.0, 1.0], [0.5, 2.0]]), np.array([[0.6, -0.8], [0.8, 0.6]])
    assert not np.allclose(Max().steepest(turn @ G), turn @ Max().steepest(G))
    for norm in Euclidean(), Max(), Spectral():
        D = np.diag([1.0, 3.0])  # W = D W' has the gradient D G
        assert not np.allclose(D @ norm.steepest(D @ G) * norm(D), norm.steepest(G), atol=0.1)


@given(SEEDS, SIZES)
def test_a_metric_s_steepest_step_is_sharp(seed, n):
    rng = np.random.default_rng(seed)
    M, g, e = metric(n, rng), rng.standard_normal(n), VectorSpace(n).basis()
    G = e.inner_product(M)
    sharp = G.sharp(e.covector(g))
    close(Weighted(M).steepest(g), e.coordinates(sharp / G.norm(sharp)))
    close(Weighted(M).dual(g), G.norm(sharp))
    close(Weighted(np.eye(n)).steepest(g), Euclidean().steepest(g))


@every_norm
@given(SEEDS, SIZES, SIZES, st.floats(0.01, 10))
def test_descent_by_a_squared_norm_goes_as_far_as_the_dual_norm_says(kind, seed, m, n, eta):
    """The least of g(d) + norm(d)^2 / (2 eta) is at -eta dual(g) steepest(g), and is -eta dual(g)^2 / 2."""
    norm, g, *steps = drawn(kind, seed, m, n, members=8)

    def model(d):
        return np.sum(g * d) + norm(d) ** 2 / (2 * eta)

    best = -eta * norm.dual(g) * norm.steepest(g)
    close(model(best), -eta * norm.dual(g) ** 2 / 2)
    for d in [*steps, *(best + 1e-2 * d for d in steps)]:
        assert model(d) >= model(best) - 1e-9 * abs(model(best))


# ----------------------------------------------------------------- where there is more than one steepest step


@every_norm
def test_a_zero_covector_has_no_direction(kind):
    norm, g, _ = drawn(kind, 0, 3, 4)
    assert not np.any(norm.steepest(0 * g))
    assert norm.dual(0 * g) == 0


@given(SEEDS, SIZES, SIZES, st.data())
def test_a_gradient_of_low_rank_moves_its_own_directions_alone(seed, m, n, data):
    rank = data.draw(st.integers(1, min(m, n)))
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((k, rank)))[0] for k in (m, n))
    G = U * rng.uniform(1, 2, rank) @ V.T
    close(Spectral().steepest(G), U @ V.T)
    close(np.sum(G * Spectral().steepest(G)), Spectral().dual(G))


def test_zeros_stay_where_they_say_nothing():
    assert Max().steepest(np.array([2.0, 0.0, -1e-300])).tolist() == [1, 0, -1]
    norm = Network([(2, 2), (2,)], Euclidean(), scales=[1.0, 4.0])
    close(norm.steepest(np.array([0.0, 0, 0, 0, 3, 4])), [0, 0, 0, 0, 0.15, 0.2])
    close(norm.steepest(np.array([0.0, 0, 0, 2, 3, 4])), [0, 0, 0, 1, 0.15, 0.2])


@every_norm
@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_no_square_overflows_and_none_is_lost(kind, size):
    norm, g, _ = drawn(kind, 1, 3, 4)
    close(norm.steepest(size * g), norm.steepest(g))
    close(norm(size * g) / size, norm(g))
    close(norm.dual(size * g) / size, norm.dual(g))


@every_norm
def test_precision_stays_and_nothing_is_changed(kind):
    norm, g, _ = drawn(kind, 1, 3, 4)
    g = g.astype(np.float32)
    before = g.copy()
    assert norm.steepest(g).dtype == norm(g).dtype == norm.dual(g).dtype == np.float32
    np.testing.assert_allclose(norm(norm.steepest(g)), 1, rtol=1e-5)
    assert np.array_equal(g, before)


# ------------------------------------------------------------------------------------------- Newton and Schulz


def odd(x, iterations):
    """What the iteration does to a singular value."""
    for _ in range(iterations):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return x


@given(SEEDS, SIZES, SIZES, st.integers(1, 8))
def test_newton_schulz_changes_singular_values_alone_and_each_as_its_polynomial_says(seed, m, n, iterations):
    G = np.random.default_rng(seed).standard_normal((m, n))
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    become = odd(s / np.linalg.norm(s), iterations)
    np.testing.assert_allclose(newton_schulz(G, iterations), U * become @ Vt, atol=1e-9)
    norm = Spectral(iterations)
    close(norm.steepest(G), newton_schulz(G, iterations))
    assume(s[-1] > 1e-9)  # else of smaller rank
    np.testing.assert_allclose(norm.departure(G), np.max(abs(become - 1)), atol=1e-9)
    assert Spectral().departure(G) < 1e-12


def test_five_iterations_leave_a_third_from_a_hundredth_of_the_length_on():
    x = odd(np.linspace(0.01, 1, 100_000), 5)
    assert 0.65 < np.min(x) < 0.75
    assert 1.1 < np.max(x) < 1.25
    assert odd(1e-4, 5) < 0.1  # and what is smaller is left behind


def test_a_matrix_of_zeros_stays_one():
    assert not np.any(newton_schulz(np.zeros((2, 3)), 5))
    assert not np.any(orthogonal(np.zeros((2, 3))))
    assert Spectral(5).departure(np.zeros((2, 3))) == 0


# ------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Spectral()(np.ones(3)), r"d has shape \(3,\): a matrix .* Instead: RMS\(\) or Euclidean\(\)"),
        (lambda: Spectral(5).steepest(np.ones((2, 2, 2))), r"g has shape \(2, 2, 2\): a matrix"),
        (lambda: RMS().dual(np.ones((2, 2, 2))), "a matrix"),
        (lambda: Spectral(0), "iterations is 0: an integer of at least 1"),
        (lambda: Euclidean()(np.ones(3, int)), "d is of type int64: a derivative needs real floating"),
        (lambda: Max().dual(np.array([1.0, np.nan])), "g has a NaN or an infinity"),
        (lambda: Spectral().steepest(np.full((2, 2), np.inf)), "g has a NaN or an infinity"),
        (lambda: Euclidean().steepest(np.ones((0, 3))), r"g has shape \(0, 3\): at least one number"),
        (lambda: Weighted(np.eye(2))(np.ones(3)), r"d has shape \(3,\) and M \(2, 2\): they must fit"),
        (lambda: Weighted(np.ones(3)), r"M has shape \(3,\): a square matrix"),
        (lambda: Weighted([[1.0, 2.0], [0.0, 5.0]]), r"M is not symmetric.*\(M \+ M.T\) / 2"),
        (lambda: Weighted(-np.eye(2)), "M has eigenvalues from -1 to -1: positive ones"),
        (lambda: Weighted(np.diag([1.0, 1e-13])), "M has eigenvalues from 1e-13 to 1.*damping"),
        (lambda: Weighted(np.zeros((2, 2))), "M has eigenvalues from 0 to 0"),
        (lambda: Weighted([[1.0, np.nan], [np.nan, 1.0]]), "M has a NaN"),
        (lambda: Network(3, Max()), r"blocks is a int: model\.unravel"),
        (lambda: Network([(2,)], "max"), "norms is a str: a norm, or a list of norms"),
        (lambda: Network([(2,), (3,)], [Max()]), "there are 1 norms and 2 scales: 2 are needed"),
        (lambda: Network([(2,)], Max(), [1.0, 2.0]), "there are 1 norms and 2 scales: 1 are needed"),
        (lambda: Network([(2,)], Max(), 0.0), r"scales holds 0\.0: positive"),
        (lambda: Network([(2, 2), (2,)], Spectral()), r"layer 1 has shape \(2,\): a matrix"),
        (lambda: Network([(2, 2), (2,)], RMS())(np.ones(5)), r"theta has shape \(5,\).*they must fit"),
        (lambda: grad(lambda g: np.sum(Max().steepest(g)))(np.ones(2)), "steepest is not differentiated"),
        (
            lambda: next(steepest_descent(repeat(np.sum), np.ones(2))),
            r"norm is a NoneType: .*mathlib\.norms\.Euclidean",
        ),
        (lambda: next(steepest_descent(repeat(np.sum), np.ones(2), norm=Spectral())), "a matrix"),
        (lambda: next(muon(repeat(np.sum), np.ones(5), blocks=[(2, 2), (2,)])), "theta has shape"),
        (lambda: next(muon(repeat(np.sum), np.ones(5), blocks="all")), "blocks is a str"),
        (lambda: next(muon(repeat(np.sum), np.ones(5), iterations=0)), "iterations is 0"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_metric_is_a_copy():
    M = np.eye(2)
    norm = Weighted(M)
    M[0, 0] = np.nan
    assert norm(np.ones(2)) == np.sqrt(2)


# ------------------------------------------------------------------------------- the methods that step by a norm


def network(seed=0):
    """A small network's loss, its start and the shapes of its layers."""
    rng = np.random.default_rng(seed)
    theta, model = mlp([5, 4, 3], seed=seed)
    data = rng.standard_normal((20, 5)), rng.integers(0, 3, 20)
    return lambda theta, X, y: softmax_cross_entropy(model(theta, X), y), data, theta, model.unravel


@given(st.integers(0, 50), st.sampled_from([0.0, 0.9]))
def test_sign_descent_is_steepest_in_the_largest_entry(seed, beta1):
    loss, data, theta, _ = network(seed)
    streams = [minibatches(loss, data, 5, seed) for _ in range(2)]
    paths = sign_descent(streams[0], theta, 0.1, beta1), steepest_descent(streams[1], theta, 0.1, Max(), beta1)
    for a, b in islice(zip(*paths, strict=True), 4):
        close(a.theta, b.theta)


@given(st.integers(0, 50))
def test_sign_descent_is_published_adam_without_averages(seed):
    loss, data, theta, _ = network(seed)
    signs = sign_descent(minibatches(loss, data, 5), theta, 0.1)
    without = adam(minibatches(loss, data, 5), theta, 0.1, beta1=0.0, beta2=0.0, eps=0.0, published=True)
    for a, b in islice(zip(signs, without, strict=True), 4):
        close(a.theta, b.theta)


@given(st.integers(0, 50), st.booleans(), st.floats(0, 0.99))
def test_muon_s_step_is_the_spectral_norm_s_steepest(seed, nesterov, beta1):
    loss, data, theta, unravel = network(seed)
    path = muon(minibatches(loss, data, 5), theta, 0.1, beta1, nesterov, exact=True, blocks=unravel)
    g_hat = 0
    for step in islice(path, 4):
        g = step.gradient
        g_hat = beta1 * g_hat + (1 - beta1) * g
        m = beta1 * g_hat + (1 - beta1) * g if nesterov else g_hat
        for part, moved in zip(unravel(m)[::2], unravel(step.move)[::2], strict=True):
            close(moved, -0.1 * Spectral().steepest(part))  # no layer of ours has more outputs than inputs
        first = unravel(step.move)[0]  # the last one's gradient is singular: a softmax's sums to 0 over the classes
        close(first.T @ first, 0.01 * np.eye(first.shape[1]))
    wide = next(muon(repeat(lambda W: np.sum(W**3)), np.array([[1.0, 2.0, 3.0]]), 0.5, exact=True))
    close(np.linalg.norm(wide.move), 0.5 * np.sqrt(3))


@given(st.integers(0, 50))
def test_muon_moves_vectors_as_published_adam(seed):
    _, data, theta, unravel = network(seed)

    def of_biases(theta, *data):
        W, b, V, c = unravel(theta)
        return np.sum((b - data[0][0, :4]) ** 4) + np.sum((c - data[0][1, :3]) ** 2) + 0 * np.sum(W) * np.sum(V)

    options = {"beta2": 0.95, "eps": 1e-10}
    paths = (
        muon(minibatches(of_biases, data, 5), theta, 0.1, blocks=unravel, **options),
        adam(minibatches(of_biases, data, 5), theta, 0.1, beta1=0.9, published=True, **options),
    )
    for a, b in islice(zip(*paths, strict=True), 5):
        close(a.theta, b.theta)
    assert not np.array_equal(a.theta, theta)


@pytest.mark.parametrize("exact", [False, True])
def test_muon_goes_on_to_the_bit_with_layers_and_on_compiled_losses(exact):
    loss, data, theta, unravel = network()
    fast = compiled(loss)

    def steps(theta, start=0):
        return muon(minibatches(fast, data, 5, start=start), theta, 0.05, exact=exact, blocks=unravel)

    path = list(islice(steps(theta), 6))
    for whole, resumed in zip(path[3:], steps(path[2].state, 3), strict=False):
        assert np.array_equal(whole.theta, resumed.theta)
        assert np.array_equal(whole.move, resumed.move)
    slow = muon(minibatches(loss, data, 5), theta, 0.05, exact=exact, blocks=unravel)
    for a, b in zip(path, slow, strict=False):
        np.testing.assert_allclose(a.theta, b.theta, atol=1e-8)


def test_muon_takes_a_step_size_for_each_layer_and_keeps_float32():
    loss, data, theta, unravel = network()
    eta = ravel([np.full(shape, 0.02 if len(shape) > 1 else 0.0) for shape in unravel.shapes])[0]
    step = next(muon(minibatches(loss, data, 5), theta.astype(np.float32), eta, blocks=unravel))
    assert step.move.dtype == step.carried["g_hat"].dtype == np.float32
    assert [bool(np.any(part)) for part in unravel(step.move)] == [True, False, True, False]


# ------------------------------------------------------------------------------------- units and coordinates

ROWS = {
    #                     loss unit, turned inputs, turned outputs, permuted, rescaled inputs
    "SGD": (None, [False, True, True, True, False]),
    "Euclid": (Euclidean(), [True, True, True, True, False]),
    "max": (Max(), [True, False, False, True, False]),
    "spectral": (Spectral(), [True, True, True, True, False]),
    "RMS to RMS": (RMS(), [True, True, True, True, False]),
}


def bases(m, n, seed=0):
    """Changes of basis of m inputs and n outputs: ``W = P W'`` or ``W' P``, on the ravelled W."""
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (m, n))
    return {
        "turned inputs": np.kron(U, np.eye(n)),
        "turned outputs": np.kron(np.eye(m), V),
        "permuted": np.kron(np.eye(m)[::-1], np.eye(n)[::-1]),
        "rescaled inputs": np.kron(np.diag(np.geomspace(0.5, 2, m)), np.eye(n)),
    }


def test_what_each_norm_s_step_depends_on():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((12, 4)), rng.standard_normal((12, 3))
    loss = lambda w: np.mean(np.cosh(X @ np.reshape(w, (4, 3)) - Y))  # noqa: E731

    def by(norm):
        whole = Network([(4, 3)], norm)
        return lambda f, x: steepest_descent(repeat(f), x, eta=0.05, norm=whole)

    methods = {name: by(norm) for name, (norm, _) in ROWS.items() if norm}
    methods |= {"SGD": lambda f, x: sgd(repeat(f), x, eta=0.05)}
    methods |= {"Muon": lambda f, x: muon(repeat(f), x, eta=0.05, blocks=[(4, 3)])}
    table = truth_table(methods, loss, rng.standard_normal(12), bases=bases(4, 3), steps=8)
    found = {name: [bool(same) for same in row.values()] for name, row in table.items()}
    columns = ["loss unit", "turned inputs", "turned outputs", "permuted", "rescaled inputs"]
    assert list(table["SGD"]) == columns
    assert found == {name: row for name, (_, row) in ROWS.items()} | {"Muon": [True, True, True, True, False]}
    # No path that differs does so by rounding.
    assert min(same.gap for row in table.values() for same in row.values() if not same) > 1e-3
