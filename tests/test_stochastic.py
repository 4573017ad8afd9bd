"""Stochastic methods: their streams, recursions by hand, laws of noise and drift, errors, and how they are resumed."""

from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathlib.stochastic import adam, cosine, linear_decay, minibatches, momentum, sgd

SEEDS = st.integers(0, 2**32 - 1)


class Quadratics:
    """Random quadratic losses ``theta.A_t theta / 2 - b_t.theta``, a new one at each step, with known derivatives."""

    def __init__(self, seed, n=4, dtype=np.float64, shape=None):
        rng = np.random.default_rng(seed)
        halves = rng.standard_normal((12, n, n))
        self.A = (halves @ halves.swapaxes(1, 2) / n).astype(dtype)
        self.b = rng.standard_normal((12, n)).astype(dtype)
        self.theta0 = rng.standard_normal(shape or n).astype(dtype)

    def __iter__(self):
        for A, b in zip(self.A, self.b, strict=True):
            yield lambda theta, A=A, b=b: (np.reshape(theta, -1) @ A / 2 - b) @ np.reshape(theta, -1)

    def gradient(self, t, theta):
        return (self.A[t] @ theta.ravel() - self.b[t]).reshape(theta.shape)

    def product(self, t, v):
        return (self.A[t] @ v.ravel()).reshape(v.shape)


@given(SEEDS)
def test_sgd_by_hand(seed):
    q = Quadratics(seed)
    theta = q.theta0
    for t, step in enumerate(islice(sgd(q, theta, eta=0.1), 12)):
        np.testing.assert_allclose(step.theta, theta, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(step.gradient, q.gradient(t, theta), rtol=1e-12, atol=1e-12)
        theta = theta - 0.1 * q.gradient(t, theta)


@given(SEEDS, st.floats(0, 0.99))
def test_momentum_by_hand_and_adam_as_the_slides_review_it(seed, beta1):
    q = Quadratics(seed)
    theta, g_hat = q.theta0, 0
    slides = adam(q, theta, eta=0.1, beta1=beta1)
    for t, step in enumerate(islice(momentum(q, theta, eta=0.1, beta1=beta1), 12)):
        g_hat = beta1 * g_hat + (1 - beta1) * q.gradient(t, theta)
        np.testing.assert_allclose(step.theta, theta, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(step.gradient_estimate, g_hat, rtol=1e-12, atol=1e-12)
        assert np.array_equal(next(slides).theta, step.theta)
        theta = theta - 0.1 * g_hat


@given(SEEDS, st.floats(0, 0.99), st.floats(0, 0.999))
def test_adam_as_published_by_hand(seed, beta1, beta2):
    q = Quadratics(seed)
    theta, m, v = q.theta0, 0, 0
    for t, step in enumerate(islice(adam(q, theta, 0.1, beta1, beta2, published=True), 12)):
        np.testing.assert_allclose(step.theta, theta, rtol=1e-7, atol=1e-9)  # early g / sqrt(g**2) amplify rounding
        g = q.gradient(t, step.theta)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        theta = step.theta - 0.1 * (m / (1 - beta1 ** (t + 1))) / (np.sqrt(v / (1 - beta2 ** (t + 1))) + 1e-8)


@given(st.integers(1, 40), st.data(), SEEDS)
def test_every_epoch_visits_every_example_once(n, data, seed):
    batch_size = data.draw(st.integers(1, n))
    X = np.arange(float(n))
    per_epoch = -(-n // batch_size)
    losses = minibatches(lambda theta, X, y: list(zip(X, y, strict=True)), (X, -X), batch_size, seed)
    batches = [l_t(None) for l_t in islice(losses, 2 * per_epoch)]
    for epoch in batches[:per_epoch], batches[per_epoch:]:
        assert sorted(x for batch in epoch for x, _ in batch) == list(X)
        assert all(y == -x for batch in epoch for x, y in batch)
        assert [len(batch) for batch in epoch[:-1]] == [batch_size] * (per_epoch - 1)
    for start in range(2 * per_epoch):
        again = minibatches(lambda theta, X, y: list(zip(X, y, strict=True)), (X, -X), batch_size, seed, start)
        assert next(again)(None) == batches[start]


def test_schedules():
    half = np.array([1.0, 0.5])
    for schedule in linear_decay, cosine:
        eta = schedule(half, 10)
        assert np.array_equal(eta(0), half)
        np.testing.assert_allclose(eta(5), half / 2, rtol=1e-15)
        assert np.array_equal(eta(10), 0 * half)
        assert np.array_equal(eta(99), 0 * half)
    path = list(islice(sgd(repeat(lambda x: np.sum(x)), np.zeros(2), linear_decay(half, 4)), 5))
    np.testing.assert_allclose(path[-1].theta, -half * (1 + 0.75 + 0.5 + 0.25), rtol=1e-15)


def test_one_loss_is_not_a_stream():
    with pytest.raises(TypeError, match=r"itertools\.repeat\(loss\)"):
        sgd(lambda x: x**2, 1.0)
