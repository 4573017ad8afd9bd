"""Stochastic methods: their streams, recursions by hand, laws of noise and drift, errors, and how they are resumed."""

import inspect
import io
import re
from functools import partial
from itertools import combinations, islice, pairwise, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import Dual, grad, hvp, jvp
from mathlib.invariance import truth_table
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.norms import Euclidean
from mathlib.stochastic import (
    adahessian,
    adam,
    adamw,
    averaged_adam,
    carried_drift,
    cdat,
    cosine,
    gradient_drift,
    gradient_noise,
    hessian_corrected_momentum,
    hypergradient,
    kfac,
    linear_decay,
    minibatches,
    momentum,
    muon,
    prodigy,
    schedule_free,
    second_order_adam,
    sgd,
    shampoo,
    sign_descent,
    smd,
    soap,
    sophia,
    steepest_descent,
)

METHODS = {
    "sgd": sgd,
    "momentum": momentum,
    "adam of the slides": adam,
    "adam": partial(adam, published=True),
    "second-order adam": second_order_adam,
    "corrected momentum": hessian_corrected_momentum,
    "smd": smd,
    "hypergradient": hypergradient,
    "carried drift": carried_drift,
    "shampoo": shampoo,
    "k-fac": partial(kfac, targets="empirical", others="gradient"),
    "sign descent": sign_descent,
    "steepest descent": partial(steepest_descent, norm=Euclidean()),
    "muon": muon,
    "muon, exactly": partial(muon, exact=True),
    "soap": soap,
    "sophia": sophia,
    "adahessian": adahessian,
    "adamw": adamw,
    "cdat": partial(cdat, sigma=0.5),
    "cdat with adam": partial(cdat, sigma=1.0, beta1=0.9, beta3=0.9, adam=True),
    "schedule-free": partial(schedule_free, adam=False),
    "schedule-free adam": schedule_free,
    "prodigy": partial(prodigy, d0=0.1),
    "averaged adam": averaged_adam,
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)

SEEDS = st.integers(0, 2**32 - 1)
MEMORIES = st.floats(0, 0.99)
# Step sizes as a number, an array and a schedule, all as a function of t and theta.
ETAS = st.sampled_from(
    [
        (0.1, lambda t: 0.1),
        (np.array([[0.1, 0.2], [0.0, 0.05]]), lambda t: np.array([[0.1, 0.2], [0.0, 0.05]])),
        (linear_decay(0.2, 10), lambda t: 0.2 * max(1 - t / 10, 0)),
    ]
)
T = 6  # steps, and losses of a stream


class Quadratics:
    """A stream of random quadratic losses ``theta.A_t theta / 2 - b_t.theta``, whose derivatives are known."""

    def __init__(self, seed, shape=(2, 2), dtype=np.float64):
        rng = np.random.default_rng(seed)
        n = int(np.prod(shape))
        halves = rng.standard_normal((T, n, n))
        self.A = (halves @ halves.swapaxes(1, 2) / n).astype(dtype)
        self.b = rng.standard_normal((T, n)).astype(dtype)
        self.theta0 = rng.standard_normal(shape).astype(dtype)[()]

    def __iter__(self):
        for A, b in zip(self.A, self.b, strict=True):
            yield lambda theta, A=A, b=b: (np.reshape(theta, -1) @ A / 2 - b) @ np.reshape(theta, -1)

    def gradient(self, t, theta):
        return self.product(t, theta) - np.reshape(self.b[t], theta.shape)

    def product(self, t, v):
        return np.reshape(self.A[t] @ np.ravel(v), np.shape(v))

    def steps(self, method, *args, **options):
        return enumerate(islice(method(self, self.theta0, *args, **options), T))


def same(a, b):
    """Equal up to the rounding of some dozen operations on numbers around 1."""
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------------------ the recursions


@given(SEEDS, ETAS)
def test_sgd_by_hand(seed, etas):
    q, (eta, at) = Quadratics(seed), etas
    theta = q.theta0
    for t, step in q.steps(sgd, eta):
        g = q.gradient(t, theta)
        assert step.t == t
        same(step.theta, theta)
        same(step.gradient, g)
        same(step.gradient_estimate, g)
        same(step.loss, np.vdot(theta, q.product(t, theta)) / 2 - q.b[t] @ theta.ravel())
        theta = theta - at(t) * g


@given(SEEDS, ETAS, MEMORIES, MEMORIES, st.booleans())
def test_second_order_adam_to_the_letter(seed, etas, beta1, beta3, corrected):
    q, (eta, at) = Quadratics(seed), etas
    theta, g_sum, drift_sum = q.theta0, 0, 0
    for t, step in q.steps(second_order_adam, eta, beta1, beta3, bias_correction=corrected):
        c1, c3 = (1 - beta1 ** (t + 1), 1 - beta3 ** (t + 1)) if corrected else (1, 1)
        g_sum = beta1 * g_sum + (1 - beta1) * q.gradient(t, theta)
        g_hat = g_sum / c1
        drift_sum = beta3 * drift_sum + (1 - beta3) * q.product(t, at(t) * g_hat)
        same(step.theta, theta)
        same(step.gradient, q.gradient(t, theta))
        same(step.gradient_estimate, g_hat)
        same(step.drift_estimate, drift_sum / c3)
        theta = theta - at(t) * g_hat


@given(SEEDS, ETAS, MEMORIES, st.booleans())
def test_momentum_is_adam_as_the_slides_review_it_and_what_second_order_adam_does(seed, etas, beta1, corrected):
    q, options = Quadratics(seed), {"eta": etas[0], "beta1": beta1, "bias_correction": corrected}
    paths = [[step for _, step in q.steps(method, **options)] for method in (momentum, adam, second_order_adam)]
    for a, b, c in zip(*paths, strict=True):
        assert np.array_equal(a.theta, b.theta)
        assert np.array_equal(a.gradient_estimate, b.gradient_estimate)
        same(a.theta, c.theta)  # another route to the gradient


@given(SEEDS, MEMORIES)
def test_polyak_s_momentum_has_the_same_path(seed, beta1):
    q = Quadratics(seed)
    theta, m = q.theta0, 0
    for t, step in q.steps(momentum, 0.1, beta1):
        same(step.theta, theta)
        m = beta1 * m + q.gradient(t, theta)
        theta = theta - 0.1 * (1 - beta1) * m


@given(SEEDS, ETAS, MEMORIES, st.floats(0, 0.999))
def test_adam_as_published_by_hand(seed, etas, beta1, beta2):
    q, (eta, at) = Quadratics(seed), etas
    theta, m, v = q.theta0, 0, 0
    for t, step in q.steps(adam, eta, beta1, beta2, published=True):
        same(step.theta, theta)
        g = q.gradient(t, step.theta)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1 ** (t + 1)), v / (1 - beta2 ** (t + 1))
        # From the step's own theta: g / sqrt(g**2) makes the rounding of a small g large.
        theta = step.theta - at(t) * m_hat / (np.sqrt(v_hat) + 1e-8)
        same(step.gradient_estimate, m_hat)


@given(SEEDS, ETAS, st.floats(0.01, 1))
def test_corrected_momentum_by_hand(seed, etas, alpha):
    q, (eta, at) = Quadratics(seed), etas
    theta = before = q.theta0
    m = q.gradient(0, theta)
    for t, step in q.steps(hessian_corrected_momentum, eta, alpha):
        if t:
            m = (1 - alpha) * (m + q.product(t, theta - before)) + alpha * q.gradient(t, theta)
        same(step.theta, theta)
        same(step.gradient_estimate, m)
        before, theta = theta, theta - at(t) * m


@given(SEEDS, st.floats(0.01, 1))
def test_corrected_momentum_is_the_gradient_on_a_noiseless_quadratic(seed, alpha):
    q = Quadratics(seed)
    for step in islice(hessian_corrected_momentum(repeat(next(iter(q))), q.theta0, 0.1, alpha), 30):
        same(step.gradient_estimate, q.gradient(0, step.theta))


@given(SEEDS, ETAS, st.floats(0, 0.5), MEMORIES)
def test_smd_by_hand(seed, etas, mu, lam):
    q, (eta, at) = Quadratics(seed), etas
    theta, p, v = q.theta0, np.ones((2, 2)), np.zeros((2, 2))
    for t, step in q.steps(smd, eta, mu, lam):
        delta = -q.gradient(t, theta)
        p = p * np.maximum(0.5, 1 + mu * v * delta)
        v = lam * v + at(t) * p * (delta - lam * q.product(t, v))
        same(step.theta, theta)
        same(step.eta, at(t) * p)
        theta = theta + at(t) * p * delta


@given(SEEDS)
def test_smd_carries_the_derivative_of_theta_by_the_logarithm_of_eta(seed):
    losses = [lambda x, a=a: np.sum(np.cosh(x - a)) for a in np.random.default_rng(seed).standard_normal((6, 3))]
    step = list(islice(smd(losses, np.zeros(3), eta=0.1, mu=0.0, lam=np.nextafter(1, 0)), 6))[-1]

    def end(log_eta):
        theta = np.zeros(3)
        for l_t in losses:
            theta = theta - np.exp(log_eta) * grad(l_t)(theta)
        return theta

    same(step.carried["v"], jvp(end, np.log(0.1), 1.0)[1])


@every_method
@settings(max_examples=20)
@given(seed=SEEDS, etas=ETAS)
def test_every_update_is_eta_times_the_estimate(method, seed, etas):
    q = Quadratics(seed)
    path = [step for _, step in q.steps(method, etas[0])]
    assert np.array_equal(path[0].theta, q.theta0)
    for t, step in enumerate(path[:-1]):
        assert step.t == t
        assert np.array_equal(path[t + 1].theta, step.state["theta"])
        move = -step.eta * step.gradient_estimate if step.move is None else step.move
        same(path[t + 1].theta, step.theta + move)
        same(step.gradient, q.gradient(t, step.theta))


@given(SEEDS, ETAS, MEMORIES, MEMORIES, st.sampled_from([0.1, 0.5]))
def test_hypergradient_by_hand(seed, etas, beta1, beta2, gamma):
    """With sums that are divided by their weights, as published Adam has them."""
    q, (eta, at) = Quadratics(seed), etas
    m = v = d = np.zeros((2, 2))
    x2 = log_p = 0.0
    for t, step in q.steps(hypergradient, eta, beta1, beta2, gamma=gamma):
        theta = step.theta  # its own: g / sqrt(g**2) makes the rounding of a small g large
        g = q.gradient(t, theta)
        x = -np.sum(g * d)
        x2 = 0.9 * x2 + 0.1 * x**2
        log_p -= gamma * np.clip(x / np.sqrt(x2 / (1 - 0.9 ** (t + 1))), -3, 3) if t else 0
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        root = np.sqrt(v / (1 - beta2 ** (t + 1))) + 1e-8
        d = m / (1 - beta1 ** (t + 1)) / root
        np.testing.assert_allclose(step.eta, np.exp(log_p) * at(t) / root, rtol=1e-8)
        log_p, d = float(step.carried["log_p"]), step.carried["d"]


@given(SEEDS, ETAS, MEMORIES, MEMORIES, st.sampled_from([0.5, 0.99]), st.sampled_from([0.1, 1.0]), st.integers(1, 4))
def test_carried_drift_by_hand(seed, etas, beta1, beta2, lam, guard, every):
    """With sums that are divided by their weights, as published Adam has them, and every step from the last one's."""
    q, (eta, at) = Quadratics(seed), etas
    m = v = w = np.zeros((2, 2))
    x1 = x2 = log_p = c = 0.0
    for t, step in q.steps(carried_drift, eta, beta1, beta2, lam=lam, gamma=0.3, guard=guard, every=every):
        g, u = q.gradient(t, step.theta), w if t else np.sign(q.gradient(t, step.theta))
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        D = np.sqrt(v / (1 - beta2 ** (t + 1))) + 1e-8
        if t % every == 0:
            c = max(np.sum(u * q.product(t, u)) / np.sum(u * D * u), c * np.exp(-0.3) ** every)
        x1, x2 = 0.9 * x1 + 0.1 * np.sum(g * w), 0.9 * x2 + 0.1 * np.sum(g * w) ** 2
        highest = guard / (c * np.max(at(t)))
        if t == 0:
            p = highest
        else:
            downhill = -x1 / np.sqrt(x2 * (1 - 0.9 ** (t + 1)))  # each over its weights
            p = min(np.exp(log_p + 0.3 * max(downhill, 0)), highest)
        d = m / (1 - beta1 ** (t + 1)) / D
        np.testing.assert_allclose(step.eta * step.gradient_estimate, p * at(t) * d, rtol=1e-8)
        np.testing.assert_allclose(step.drift_estimate, c * D * w, rtol=1e-8)
        w = step.carried["w"]
        np.testing.assert_allclose(w, lam * u * (t > 0) - p * at(t) * (d + c * u * (t > 0)), rtol=1e-6, atol=1e-12)
        log_p, x1, x2, c = (float(step.carried[name]) for name in ("log_p", "x1", "x2", "c"))
        x1, x2 = (x * (1 - 0.9 ** (t + 1)) for x in (x1, x2))  # the sums of these averages


def test_carried_drift_asks_for_no_starting_eta():
    loss = lambda x: np.sum(np.geomspace(0.01, 1, 20) * x**2)  # noqa: E731
    starts = (1e-5, 1e-3, 1e-1)

    def losses():
        rng = np.random.default_rng(0)
        while True:
            b = 0.01 * rng.standard_normal(20)
            yield lambda x, b=b: loss(x) + np.sum(b * x)

    def ends(method):
        return [loss(next(islice(method(losses(), np.ones(20), eta), 600, None)).theta) for eta in starts]

    carried, slope_alone, published = ends(carried_drift), ends(hypergradient), ends(METHODS["adam"])
    np.testing.assert_allclose(carried, carried[0], rtol=1e-6)  # but for rounding
    assert max(slope_alone) < 5 * min(slope_alone)
    assert max(published) > 100 * min(published)


@pytest.mark.parametrize("loss", [lambda x: -np.sum(x**2), np.sum], ids=["hill", "plane"])
def test_where_the_first_curvature_is_not_positive_eta_is_the_first_step_size(loss):
    step = next(carried_drift(repeat(loss), np.ones(3), eta=0.125))
    np.testing.assert_allclose(step.eta * abs(step.gradient_estimate), 0.125, rtol=1e-7)


def test_the_guard_takes_back_the_rise_of_a_schedule():
    loss = lambda x: np.sum(np.geomspace(0.01, 1, 5) * x**2)  # noqa: E731
    warm_up = lambda t: 1e-3 * min(t + 1, 10)  # noqa: E731
    paths = [islice(carried_drift(repeat(loss), np.ones(5), eta), 30) for eta in (1e-2, warm_up)]
    for constant, rising in zip(*paths, strict=True):
        same(rising.theta, constant.theta)


@settings(max_examples=20)
@given(SEEDS, st.floats(0.1, 2), st.floats(1e-6, 1e3))
def test_carried_drift_obeys_its_guard(seed, guard, eta):
    """The drift along w over what Adam's step takes from the gradient there: ``eta w.Hw / w.Dw``, here with eta / D."""
    loss = next(iter(Quadratics(seed, (5,))))
    path = islice(carried_drift(repeat(loss), np.ones(5), eta=eta, guard=guard, every=1), 30)
    for before, step in pairwise(path):
        w = before.carried["w"]
        assert np.vdot(w, hvp(loss, step.theta, w)) <= guard * np.sum(w**2 / step.eta) * (1 + 1e-9)


def test_products_are_as_rare_as_every_says():
    kinds = []

    def loss(x):
        kinds.append("product" if isinstance(x.value, Dual) else "gradient")
        return np.sum(np.cosh(x))

    for _ in islice(carried_drift(repeat(loss), np.ones(3), every=3), 7):
        pass
    assert kinds == ["gradient", "product", *["gradient", "gradient", "product"] * 2]


# ------------------------------------------------------------------------------------------------ streams


def rows(theta, *arrays):
    """No loss: it tells which examples it got."""
    return list(zip(*arrays, strict=True))


@given(st.integers(1, 40), st.data(), SEEDS)
def test_every_epoch_visits_every_example_once(n, data, seed):
    batch_size = data.draw(st.integers(1, n))
    X, per_epoch = np.arange(float(n)), -(-n // batch_size)
    batches = [l_t(None) for l_t in islice(minibatches(rows, (X, -X), batch_size, seed), 2 * per_epoch)]
    for epoch in batches[:per_epoch], batches[per_epoch:]:
        assert sorted(x for batch in epoch for x, _ in batch) == list(X)
        assert all(y == -x for batch in epoch for x, y in batch)
        assert [len(batch) for batch in epoch[:-1]] == [batch_size] * (per_epoch - 1)
    for start in range(2 * per_epoch):
        assert next(minibatches(rows, (X, -X), batch_size, seed, start))(None) == batches[start]


def test_a_seed_makes_the_stream_and_each_epoch_has_its_order():
    X = np.arange(50.0)
    a, again, other = (list(islice(minibatches(rows, (X,), 50, seed), 2)) for seed in (1, 1, 2))
    assert [l_t(None) for l_t in a] == [l_t(None) for l_t in again]
    assert a[0](None) != a[1](None)
    assert a[0](None) != other[0](None)
    assert a[0](None) == a[0](None)  # a loss stays the same loss


def test_schedules():
    half = np.array([1.0, 0.5])
    for decay in linear_decay, cosine:
        eta = decay(half, 10)
        assert np.array_equal(eta(0), half)
        same(eta(5), half / 2)
        assert np.array_equal(eta(10), 0 * half)
        assert np.array_equal(eta(99), 0 * half)
        with pytest.raises(ValueError, match="steps is 0"):
            decay(0.1, 0)


@every_method
def test_a_schedule_at_zero_stands_still(method):
    path = list(islice(method(repeat(lambda x: np.sum(x**2)), np.ones(2), linear_decay(0.1, 3)), 8))
    assert not np.array_equal(path[3].theta, path[0].theta)
    assert np.array_equal(path[3].theta, path[7].theta)


@every_method
def test_at_a_stationary_point_every_method_stands_still(method):
    for loss in (lambda x: np.sum(x**2), lambda x: -np.sum(x**2), lambda x: np.prod(x) ** 2):
        for step in islice(method(repeat(loss), np.zeros(2), eta=np.array([0.0, 0.1])), 20):
            assert np.array_equal(step.theta, np.zeros(2))


# --------------------------------------------------------------------------------------- laws of the noise


@given(SEEDS, st.integers(2, 7), st.data())
def test_gradient_noise_is_that_of_all_minibatches(seed, n, data):
    batch_size = data.draw(st.integers(1, n - 1))
    rng = np.random.default_rng(seed)
    X, theta = rng.standard_normal((n, 2, 3)), rng.standard_normal((2, 3))

    def loss(theta, X):
        return np.sum(np.mean(np.cosh(theta - X), axis=0))

    noise = gradient_noise(loss, (X,), theta, batch_size)
    estimates = [grad(loss_on(loss, X[list(some)]))(theta) for some in combinations(range(n), batch_size)]
    same(noise.gradient, grad(loss_on(loss, X))(theta))
    same(noise.gradient, np.mean(estimates, axis=0))
    same(noise.variance, np.var(estimates, axis=0))
    same(noise.signal_to_noise * np.sum(np.var(estimates, axis=0)), np.sum(noise.gradient**2))
    # Drawn with replacement, a batch of the critical size has as much noise as signal.
    single = gradient_noise(loss, (X,), theta)
    same(noise.critical_batch_size, np.sum(single.variance) / np.sum(single.gradient**2))
    # Neither ratio depends on the loss's unit.
    bits = gradient_noise(lambda theta, X: 1.4427 * loss(theta, X), (X,), theta, batch_size)
    same(bits[2:], noise[2:])


def loss_on(loss, *arrays):
    return lambda theta: loss(theta, *arrays)


def test_all_data_are_a_gradient_without_noise():
    noise = gradient_noise(lambda theta, X: np.mean((theta - X) ** 2), (np.arange(3.0),), 5.0, batch_size=3)
    assert (noise.variance, noise.signal_to_noise) == (0, np.inf)


@pytest.mark.parametrize("eta", [0.1, 0.8])
def test_sgd_s_stationary_distribution_on_a_quadratic(eta):
    """In H's basis ``S_ij = eta C_ij / (h_i + h_j - eta h_i h_j)``: from S = (1 - eta H) S (1 - eta H) + eta**2 C."""
    rng = np.random.default_rng(0)
    h, half = np.array([0.5, 2.0]), np.array([[1.0, 0.0], [0.8, 0.6]])
    chains = 20_000

    def losses():
        while True:
            b = rng.standard_normal((chains, 2)) @ half.T
            yield lambda theta, b=b: np.sum(theta * (h * theta / 2 + b))

    C = half @ half.T
    S = eta * C / (h[:, None] + h - eta * np.outer(h, h))
    path = islice(sgd(losses(), np.zeros((chains, 2)), eta), 200, 400, 20)
    samples = [step.theta.T @ step.theta / chains for step in path]
    # 10 times 20,000 samples, partly correlated: a covariance is known to about half a per cent of the variances.
    assert np.max(abs(np.mean(samples, axis=0) - S)) < 0.02 * np.max(S)
    assert np.max(abs(S - eta * C / (h[:, None] + h))) > 0.02 * np.max(S)  # the limit of small eta is another one


# --------------------------------------------------------------------------------------- laws of the drift


def network(seed=0, n=12):
    rng = np.random.default_rng(seed)
    theta, model = mlp([3, 4, 2], seed=seed)
    data = rng.standard_normal((n, 3)), rng.integers(0, 2, n)
    return lambda theta, X, y: softmax_cross_entropy(model(theta, X), y), data, theta, rng.standard_normal(theta.shape)


@given(st.integers(0, 50), st.floats(0.1, 3))
def test_drift_is_linear_and_the_mean_of_the_examples_drifts(seed, c):
    loss, data, theta, g_hat = network(seed)
    eta = np.random.default_rng(seed).uniform(0.1, 1, theta.shape)
    drift = gradient_drift(loss, data, theta, eta, g_hat)
    other = gradient_drift(loss, data, theta, 1.0, theta)
    same(drift.average, drift.drift)
    same(gradient_drift(loss, data, theta, 1.0, eta * g_hat).drift, drift.drift)
    same(gradient_drift(loss, data, theta, 1.0, c * eta * g_hat + theta).drift, c * drift.drift + other.drift)
    # Minibatches of one size that visit every example once have the same mean.
    batches = islice(minibatches(loss, data, batch_size=4), 3)
    same(np.mean([jvp(grad(l_t), theta, eta * g_hat)[1] for l_t in batches], axis=0), drift.drift)


@given(st.integers(0, 50))
def test_measured_drift_differs_in_second_order_of_eta(seed):
    loss, data, theta, g_hat = network(seed)

    def error(eta):
        drift = gradient_drift(loss, data, theta, eta, g_hat)
        return np.linalg.norm(drift.measured - drift.drift)

    assert 3.5 < error(2e-3) / error(1e-3) < 4.5


def test_the_estimate_of_drift_is_what_the_step_changes():
    q = Quadratics(0)
    loss = next(iter(q))
    path = list(islice(second_order_adam(repeat(loss), q.theta0, 0.1, beta1=0.9, beta3=0.0), 20))
    for before, step in pairwise(path):
        same(before.gradient - step.gradient, before.drift_estimate)


# ------------------------------------------------------------------------------------- units and coordinates


def test_what_the_methods_depend_on():
    def loss(x):
        return np.sum(np.cosh(x - np.array([0.3, -0.2, 0.5]))) + 0.5 * np.sum(x) ** 2

    methods = {name: lambda f, x, m=m: m(repeat(f), x, eta=0.02) for name, m in METHODS.items()}
    del methods["k-fac"]  # it would take the product P @ alpha, in the other coordinates, for a layer
    methods["sgd, eta changed too"] = (
        methods["sgd"],
        lambda P, unit: lambda f, x: sgd(repeat(f), x, eta=0.02 / unit * np.sum(np.linalg.inv(P) ** 2, axis=1)),
    )
    table = truth_table(methods, loss, np.array([1.0, -2.0, 0.5]), steps=20)
    found = {name: [bool(same) for same in row.values()] for name, row in table.items()}
    #  loss unit, rescaled, permuted, rotated, sheared
    lengths = [False, False, True, True, False]
    coordinates = [False, False, True, False, False]
    assert list(next(iter(table.values()))) == ["loss unit", "rescaled", "permuted", "rotated", "sheared"]
    assert found == {
        "sgd": lengths,
        "momentum": lengths,
        "adam of the slides": lengths,
        "adam": [True, False, True, False, False],
        "second-order adam": lengths,
        "corrected momentum": lengths,
        "smd": coordinates,
        "hypergradient": [True, False, True, False, False],
        "carried drift": [True, False, True, False, False],
        "shampoo": [True, False, True, True, False],
        "sign descent": [True, False, True, False, False],
        "steepest descent": [True, False, True, True, False],
        "muon": [True, False, True, False, False],  # of a vector: Adam
        "muon, exactly": [True, False, True, False, False],
        "soap": [True, False, True, False, False],  # a vector has no sides: it is Adam
        "sophia": [True, False, True, False, False],  # all clipped here, it moves by signs
        "adahessian": [False, False, False, False, False],  # eps is of another size beside the Hessian
        "adamw": [True, False, True, False, False],
        "cdat": [True, False, True, True, False],
        "cdat with adam": [True, False, True, False, False],
        "schedule-free": lengths,
        "schedule-free adam": [True, False, True, False, False],
        "prodigy": [True, False, True, False, False],
        "averaged adam": [True, False, True, False, False],
        "sgd, eta changed too": [True, True, True, True, False],
    }


# ------------------------------------------------------------------------------------------- any array


@every_method
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 1, 2)])
def test_shape_and_precision_stay(method, shape, dtype):
    q = Quadratics(0, shape, dtype)
    before = np.copy(q.theta0)
    for eta in 0.1, np.float64(0.1), np.full(shape, 0.1), cosine(0.1, 5):
        for _, step in q.steps(method, eta, **{"beta1": np.float64(0.5)} if "beta1" in options_of(method) else {}):
            arrays = [step.theta, step.gradient, step.gradient_estimate, *step.carried.values()]
            assert {np.asarray(a).dtype for a in arrays} == {np.dtype(dtype)}
            assert all(np.shape(a) == shape for a in arrays[:3])
            assert step.drift_estimate is None or step.drift_estimate.dtype == dtype
    assert np.array_equal(q.theta0, before)


def options_of(method):
    return inspect.signature(method).parameters


@every_method
def test_a_step_runs_its_loss_once(method):
    runs = []

    def loss(x):
        runs.append(1)
        return np.sum(np.cosh(x))

    first = 2 if method is carried_drift else 1  # its first direction is made of a gradient
    every = 1
    if method is METHODS["k-fac"]:  # it reads the program besides, at first to find the layers
        first, every = 3, 2
    for n, _ in enumerate(islice(method(repeat(loss), np.ones(3)), 5)):
        assert len(runs) == first + every * n


resumable = METHODS | {
    "drift carried over two steps": partial(carried_drift, every=2),
    "soap, two refreshes": partial(soap, every=2),
    "soap of two blocks": partial(soap, blocks=[(2, 1), (1,)], every=2),
    "sophia over two steps": partial(sophia, every=2),
    "adahessian over two steps": partial(adahessian, every=2),
}


@pytest.mark.parametrize("method", resumable.values(), ids=resumable)
@settings(max_examples=20)
@given(seed=SEEDS, stop=st.integers(1, T - 1))
def test_a_saved_run_goes_on_to_the_bit(method, seed, stop):
    rng = np.random.default_rng(seed)
    X, y, theta0 = rng.standard_normal((10, 3)), rng.standard_normal(10), rng.standard_normal(3)

    def steps(theta0, start):
        losses = minibatches(lambda w, X, y: np.mean(np.logaddexp(X @ w - y, y - X @ w)), (X, y), 4, seed, start)
        return method(losses, theta0, cosine(0.05, 15))

    path = list(islice(steps(theta0, 0), T))
    file = io.BytesIO()
    np.savez(file, **path[stop - 1].state)
    file.seek(0)
    state = np.load(file)
    for whole, resumed in zip(path[stop:], steps(state, stop), strict=False):
        assert resumed.t == whole.t
        assert resumed.loss == whole.loss
        for name in ("theta", "gradient", "gradient_estimate", "drift_estimate", "eta", "move"):
            assert np.array_equal(getattr(resumed, name), getattr(whole, name))


# ------------------------------------------------------------------------------------------------ errors


@every_method
def test_an_error_names_the_step(method):
    def fine(x):
        return np.sum(x**2)

    def losses(bad):
        yield from [fine] * 3
        yield bad

    def run(bad, theta0=1.0, eta=0.1):
        return list(islice(method(losses(bad), np.full(2, theta0), eta), 4))

    for bad in (lambda x: np.nan * np.sum(x), lambda x: np.sum(np.log(-(x**2))), lambda x: np.sum(x**2) * np.inf):
        with pytest.raises(FloatingPointError, match=r"step 3: .*NaN or infinite.* Instead: a smaller eta"):
            run(bad)
    with pytest.raises(FloatingPointError, match=r"step 3: .*NaN or infinite"):
        run(lambda x: np.sum(np.sqrt(x - x)))  # 0, with an infinite derivative
    with pytest.raises(ValueError, match="only a scalar"):
        run(lambda x: x)
    with pytest.raises(TypeError, match="step 3: the stream holds a int"):
        run(3)
    with pytest.raises(ValueError, match=r"step 2: the stream of losses is exhausted\. Instead: itertools"):
        list(method([fine] * 2, 1.0))
    with pytest.raises(ValueError, match="step 0: the stream"):
        list(method(iter([]), 1.0))
    with pytest.raises(ValueError, match=r"eta is -0.1 at step 2"):
        list(islice(method(repeat(fine), 1.0, lambda t: 0.1 - 0.1 * t), 4))


@pytest.mark.parametrize("lowest", [-np.inf, -1.2e308])  # from there on, loss and gradient are finite at -inf
def test_a_theta_that_overflows_is_named(lowest):
    steps = sgd(repeat(lambda x: np.sum(np.maximum(x, lowest))), np.array([-1e308]), eta=1e308)
    next(steps)
    with pytest.raises(FloatingPointError, match="step 1: theta is not finite"):
        next(steps)


@every_method
def test_bad_arguments_are_refused_before_the_first_step(method):
    losses = repeat(lambda x: np.sum(x**2))
    for eta in (0, 0.0, -1e-3, np.nan, np.inf, np.zeros(2), np.array([0.1, -0.1]), np.array([0.1, np.nan])):
        with pytest.raises(ValueError, match=r"eta is .* a positive, finite step size is needed"):
            method(losses, np.ones(2), eta)
    with pytest.raises(ValueError, match="eta has shape"):
        method(losses, np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match=r"losses is one loss: a stream is needed.*Instead: itertools\.repeat\(loss\)"):
        method(lambda x: np.sum(x**2), np.ones(2))
    with pytest.raises(TypeError, match="float"):
        method(losses, np.ones(2, int))
    with pytest.raises(ValueError, match="theta0 has a NaN"):
        method(losses, np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="the state of a step"):
        method(losses, {"theta": np.ones(2)})
    for t in (-1, 2.5, np.nan, np.ones(2)):
        with pytest.raises(ValueError, match=r"theta0's t is .*: a whole number of steps, at least 0"):
            method(losses, {"t": t, "theta": np.ones(2)})
    with pytest.raises(ValueError, match="state of another method"):
        next(method(losses, {"t": 1, "theta": np.ones(2), "z": np.ones(2)}))
    other = METHODS["momentum" if method is sgd else "sgd"]
    with pytest.raises(ValueError, match="state of another method"):
        next(method(losses, next(other(losses, np.ones(2))).state))
    state = next(method(losses, np.ones(2))).state
    for name in sorted(set(state) - {"t", "theta"}):
        needed = re.escape(str(np.shape(state[name])))
        with pytest.raises(ValueError, match=rf"theta0's {name} has shape \(2, 2\): {needed} is needed"):
            next(method(losses, state | {name: np.ones((2, 2))}))
        if np.size(state[name]):
            with pytest.raises(ValueError, match=f"theta0's {name} has a NaN"):
                next(method(losses, state | {name: np.full_like(state[name], np.nan)}))
    bad = {"alpha": (0, -0.1, 1.1, np.nan), "mu": (-1, np.inf), "gamma": (-1, np.nan), "guard": (-1,), "eps": (-1,)}
    bad |= dict.fromkeys(("beta1", "beta1_vectors", "beta2", "beta3", "lam"), (-0.1, 1.0, np.nan))
    bad |= {"hessian_power": (-1, np.inf)}
    bad = {
        "alpha": (0, -0.1, 1.1, np.nan),
        "sigma": (0, -1, np.inf),
        "d0": (0, np.nan),
        "decay": (-1,),
        "mu": (-1, np.inf),
        "gamma": (-1, np.nan),
        "guard": (-1,),
        "eps": (-1,),
    }
    bad |= dict.fromkeys(("beta1", "beta2", "beta3", "lam"), (-0.1, 1.0, np.nan))
    for name in set(bad) & set(options_of(method)):
        for value in bad[name]:
            with pytest.raises(ValueError, match=f"{name} is .*: a number in"):
                method(losses, np.ones(2), **{name: value})
    if "every" in options_of(method):
        with pytest.raises(ValueError, match="every is 0: an integer of at least 1"):
            method(losses, np.ones(2), every=0)
        with pytest.raises(TypeError):
            method(losses, np.ones(2), every=1.5)


def test_data_that_make_no_batches_are_refused():
    X, y = np.ones((5, 2)), np.ones(5)
    for data, match in (((X, y[:4]), "shapes"), ((X[:0], y[:0]), "shapes"), ((X, 1.0), "shapes"), ((), "shapes")):
        for measure in (partial(minibatches, batch_size=1), partial(gradient_noise, theta=1.0)):
            with pytest.raises(ValueError, match=match):
                measure(np.sum, data)
    with pytest.raises(TypeError, match="a tuple of arrays"):
        minibatches(np.sum, X)
    for options, match in (
        ({"batch_size": 6}, "batch_size is 6, larger than the data. Instead: at most 5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2, "seed": -1}, "seed is -1"),
        ({"batch_size": 2, "start": -1}, "start is -1"),
    ):
        with pytest.raises(ValueError, match=match):
            minibatches(np.sum, (X, y), **options)
    for batch_size in (0, 6):
        with pytest.raises(ValueError, match=f"batch_size is {batch_size}"):
            gradient_noise(np.sum, (X, y), 1.0, batch_size)
    with pytest.raises(TypeError):
        minibatches(np.sum, (X, y), batch_size=2.5)
