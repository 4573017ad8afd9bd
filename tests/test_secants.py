"""Changes of the gradient over a step: of one batch, which estimate H s, and of two batches, which do not."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mathlib import grad, hvp
from mathlib.nn import softplus
from mathlib.stochastic import gradient_noise, minibatches

seeds = st.integers(0, 10**6)


def random_problem(seed, n=5):
    """A strictly convex loss, its data, a point and a step."""
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((n, 3)), rng.integers(0, 2, n)

    def loss(theta, X, odd):
        z = X @ theta
        return np.mean(softplus(z) - odd * z) + 0.05 * np.sum(theta**2)

    return loss, data, *rng.standard_normal((2, 3))


@given(seeds, st.sampled_from([1, 2]))
def test_two_batches_have_a_noise_floor_and_one_batch_has_none(seed, B):
    """The squared errors over every way to draw two batches from an epoch, against the chapter's theorem."""
    loss, (X, odd), theta, s = random_problem(seed)
    n = len(X)

    def after(theta, *batch):
        return loss(theta + s, *batch)

    def change(theta, *batch):
        return after(theta, *batch) - loss(theta, *batch)

    noise = [gradient_noise(random_loss, (X, odd), theta) for random_loss in (loss, after, change)]
    S0, S1, Sy = (n / (n - 1) * np.sum(each.variance) for each in noise)
    two, one = [], []
    for order in permutations(range(n), 2 * B):
        first, second = list(order[:B]), list(order[B:])
        before, then = (grad(lambda q, rows=rows: loss(q, X[rows], odd[rows])) for rows in (first, second))
        two.append(np.sum((then(theta + s) - before(theta) - noise[2].gradient) ** 2))
        one.append(np.sum((before(theta + s) - before(theta) - noise[2].gradient) ** 2))
    assert np.isclose(np.mean(two), (S0 + S1) / B - Sy / n, rtol=1e-10, atol=1e-14)
    assert np.isclose(np.mean(one), Sy / B - Sy / n, rtol=1e-10, atol=1e-14)


@given(seeds, st.integers(1, 5))
def test_one_batch_of_a_convex_loss_fulfils_the_curvature_condition_and_tends_to_its_product(seed, B):
    loss, data, theta, s = random_problem(seed)
    l_t = next(minibatches(loss, data, B, seed))
    assert s @ (grad(l_t)(theta + s) - grad(l_t)(theta)) >= 0.1 * (s @ s) * (1 - 1e-12)
    h = 2.0**-20  # the error is of third derivatives times h, and of rounding over h
    secant = (grad(l_t)(theta + h * s) - grad(l_t)(theta)) / h
    assert np.allclose(secant, hvp(l_t, theta, s), rtol=1e-4, atol=1e-4)
