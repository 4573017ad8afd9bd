"""Methods that set their own step size: by hand, exact line minima, averages, layers, units, and failures."""

import math
from functools import partial
from itertools import islice, pairwise, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import compiled, grad, hvp
from mathlib.nn import mlp, ravel, softmax_cross_entropy
from mathlib.stochastic import (
    adam,
    adamw,
    averaged_adam,
    cdat,
    linear_decay,
    minibatches,
    prodigy,
    schedule_free,
    sgd,
)

SEEDS = st.integers(0, 2**32 - 1)


def bowl(seed, n=4):
    """A quadratic with a minimum, of any condition up to a hundred or so: the loss, H, and a start."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = Q * 10 ** rng.uniform(-1, 1, n) @ Q.T
    b = rng.standard_normal(n)
    return lambda x: x @ ((H + H.T) / 2 @ x) / 2 - b @ x, (H + H.T) / 2, rng.standard_normal(n)


def batches(seed):
    """A stream of smooth convex losses that differ, and a start."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)

    def loss(w, X, y):
        return np.mean(np.logaddexp(X @ w - y, y - X @ w)) + 0.1 * w @ w

    return lambda: minibatches(loss, (X, y), 4, 0), rng.standard_normal(3)


def path(method, losses, theta0, steps=12):
    return list(islice(method(losses, theta0), steps))


# --------------------------------------------------------------------------------------------------- CDAT


@given(SEEDS, st.floats(0.1, 3), st.sampled_from([(0.0, False), (0.9, False), (0.9, True)]))
def test_the_drift_over_the_gradient_along_the_step_is_sigma(seed, sigma, base):
    """On any loss, where the curvature is positive: it is read at theta."""
    loss, H, theta0 = bowl(seed)
    beta1, adam_like = base
    for step in path(partial(cdat, sigma=sigma, beta1=beta1, adam=adam_like), repeat(loss), theta0):
        u = -step.eta * step.gradient_estimate
        slope = -step.gradient @ u
        if slope > 1e-8 * (u @ H @ u):  # a momentum that climbs is left standing, see below
            np.testing.assert_allclose(u @ H @ u / slope, sigma, rtol=1e-9)


@given(SEEDS)
def test_greedy_is_the_exact_line_minimum(seed):
    """The next gradient has no part along the last direction: Cauchy's steepest descent of 1847."""
    loss, H, theta0 = bowl(seed)
    steps = path(partial(cdat, sigma=1.0), repeat(loss), theta0)
    for before, after in pairwise(steps):
        assert after.loss <= before.loss + 1e-12 * abs(before.loss)
        g = before.gradient
        assert abs(g @ after.gradient) <= 1e-9 * (g @ g)
        np.testing.assert_allclose(before.eta, g @ g / (g @ H @ g), rtol=1e-9)


@given(SEEDS, st.floats(0.05, 2.5))
def test_on_edge_the_loss_of_a_quadratic_is_what_it_was(seed, sigma):
    """The fall is ``sigma (2 - sigma)`` times that to the minimum of the line, whatever sigma."""
    loss, H, theta0 = bowl(seed)
    for s, expected in ((2.0, 0.0), (sigma, sigma * (2 - sigma))):
        step, after = path(partial(cdat, sigma=s), repeat(loss), theta0, 2)
        greatest = (step.gradient @ step.gradient) ** 2 / (step.gradient @ H @ step.gradient) / 2
        np.testing.assert_allclose((step.loss - after.loss) / greatest, expected, atol=1e-7)


@given(SEEDS, st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.9]), st.booleans())
def test_cdat_by_hand(seed, beta1, beta3, adam_like):
    stream, theta0 = batches(seed)
    m = v = n = d = 0
    losses = stream()
    for step in path(partial(cdat, sigma=0.5, beta1=beta1, beta3=beta3, adam=adam_like), stream(), theta0, 6):
        l_t, t = next(losses), step.t
        g = grad(l_t)(step.theta)
        m, v = beta1 * m + (1 - beta1) * g, 0.999 * v + 0.001 * g**2
        root = np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8 if adam_like else 1.0
        u = -m / (1 - beta1 ** (t + 1)) / root
        n = beta3 * n + (1 - beta3) * max(-g @ u, 0)
        d = beta3 * d + (1 - beta3) * abs(u @ hvp(l_t, step.theta, u))
        np.testing.assert_allclose(-step.eta * step.gradient_estimate, 0.5 * n / d * u, rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("adam_like", [False, True])
def test_where_the_curvature_is_negative_the_step_is_as_long_as_if_it_were_positive(adam_like):
    for sign in (1, -1):
        step = next(cdat(repeat(lambda x, sign=sign: sign * np.sum(x**2) / 2), np.ones(3), adam=adam_like))
        np.testing.assert_allclose(-step.eta * step.gradient_estimate, -2 * sign * np.ones(3), rtol=1e-7)


def test_where_there_is_no_curvature_no_step_reaches_the_target():
    with pytest.raises(FloatingPointError, match=r"step 0: the curvature along the direction is 0\.0: no step"):
        next(cdat(repeat(np.sum), np.ones(3)))
    averaged = cdat(iter([lambda x: np.sum(x**2), np.sum]), np.ones(3), beta3=0.5)  # it is only the mean that counts
    assert [step.t for step in islice(averaged, 2)] == [0, 1]


def test_a_direction_that_climbs_is_not_followed():
    losses = [lambda x: x**2 / 2, lambda x: x**2 / 2 - x]  # the second gradient has another sign, and is smaller
    first, second = islice(cdat(losses, 1.0, sigma=0.5, beta1=0.9), 2)
    assert first.eta > 0
    assert second.gradient * second.gradient_estimate < 0
    assert second.eta == 0


@given(SEEDS, st.sampled_from([0.1, 7.0, 1e4]), st.booleans())
def test_cdat_does_not_ask_for_the_loss_s_unit(seed, unit, adam_like):
    stream, theta0 = batches(seed)
    method = partial(cdat, sigma=0.5, beta1=0.5, beta3=0.9, adam=adam_like)
    inches = (lambda w, l_t=l_t: unit * l_t(w) for l_t in stream())
    for a, b in zip(path(method, stream(), theta0), path(method, inches, theta0), strict=True):
        np.testing.assert_allclose(b.theta, a.theta, rtol=1e-4, atol=1e-4)  # Adam's eps has the gradient's unit


def test_eta_is_a_schedule_of_sigma():
    loss, _, theta0 = bowl(0)
    a = path(partial(cdat, eta=linear_decay(1.0, 10)), repeat(loss), theta0, 8)
    for step in a:
        now = next(cdat(repeat(loss), step.theta, sigma=2.0 * (1 - step.t / 10)))
        np.testing.assert_allclose(step.eta, now.eta, rtol=1e-12)


# ------------------------------------------------------------------------------------------- schedule-free


ETAS = st.sampled_from([0.1, np.array([0.1, 0.0, 0.3]), lambda t: 0.05 * min(t + 1, 4), linear_decay(0.2, 10)])


@given(SEEDS, ETAS, st.floats(0, 0.99), st.booleans())
def test_x_is_the_stated_average_of_z_and_theta_lies_between(seed, eta, beta1, adam_like):
    stream, theta0 = batches(seed)
    steps = path(partial(schedule_free, eta=eta, beta1=beta1, adam=adam_like), stream(), theta0)
    zs, weights, losses = [], [], stream()
    y = z = theta0
    for step in steps:
        np.testing.assert_allclose(step.theta, y, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(step.gradient, grad(next(losses))(step.theta), rtol=1e-9, atol=1e-12)
        z = z - step.eta * step.gradient
        np.testing.assert_allclose(step.carried["z"], z, rtol=1e-12, atol=1e-12)
        zs.append(z)
        weights.append(np.broadcast_to((eta(step.t) if callable(eta) else eta) ** 2, (3,)))
        total = np.sum(weights, axis=0)
        x = np.where(total, np.sum(np.multiply(weights, zs), axis=0) / np.where(total, total, 1), theta0)
        np.testing.assert_allclose(step.carried["x"], x, rtol=1e-11, atol=1e-12)
        y = (1 - beta1) * z + beta1 * x


@given(SEEDS)
def test_the_step_of_z_is_adam_s_without_momentum(seed):
    stream, theta0 = batches(seed)
    of_adam = path(partial(adam, eta=0.05, beta1=0.0, published=True), stream(), theta0)
    for step, same in zip(path(partial(schedule_free, eta=0.05, beta1=0.0), stream(), theta0), of_adam, strict=True):
        np.testing.assert_allclose(step.theta, same.theta, rtol=1e-10, atol=1e-12)  # with beta1 = 0, y is z


def test_without_beta1_it_is_the_average_of_a_path_kept_aside():
    loss, _, theta0 = bowl(3)
    free = path(partial(schedule_free, eta=0.02, beta1=0.0, adam=False), repeat(loss), theta0)
    plain = path(partial(sgd, eta=0.02), repeat(loss), theta0, 13)
    np.testing.assert_allclose(free[-1].carried["x"], np.mean([s.theta for s in plain[1:]], axis=0), rtol=1e-10)


# --------------------------------------------------------------------------------------------- averaged Adam


def layered(seed, order=(0, 1, 2, 3), inputs=None):
    """A loss of two matrices and their biases, joined in some order: the loss, a start, and its shapes."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((6, 3)), rng.integers(0, 2, 6)
    parts = [rng.standard_normal(shape) for shape in ((3, 4), (4,), (4, 2), (2,))]
    if inputs is not None:
        X, parts[0] = X[:, inputs], parts[0][inputs]
    theta0, unravel = ravel([parts[i] for i in order])

    def loss(theta):
        by_name = dict(zip(order, unravel(theta), strict=True))
        return softmax_cross_entropy(np.tanh(X @ by_name[0] + by_name[1]) @ by_name[2] + by_name[3], y)

    return loss, theta0, unravel


@given(SEEDS, st.sampled_from([0.3, linear_decay(0.3, 20)]))
def test_each_layer_moves_as_published_adam_with_its_share_of_eta(seed, eta):
    loss, theta0, unravel = layered(seed)
    share = np.repeat([1 / (2 * 3**0.5), 1 / 4, 1 / 4, 1 / (2 * 2**0.5)], [12, 4, 8, 2])
    at = (lambda t: eta(t) * share) if callable(eta) else eta * share
    shared = path(partial(averaged_adam, eta=eta, decay=0.0, blocks=unravel), repeat(loss), theta0)
    plain = path(partial(adam, eta=at, beta2=0.99, published=True), repeat(loss), theta0)
    for step, same in zip(shared, plain, strict=True):
        np.testing.assert_allclose(step.theta, same.theta, rtol=1e-9, atol=1e-10)


@given(SEEDS, st.floats(0, 2))
def test_its_decay_is_of_matrices_alone_and_not_shared(seed, decay):
    loss, theta0, unravel = layered(seed)
    for step in path(partial(averaged_adam, eta=0.1, decay=decay, blocks=unravel), repeat(loss), theta0):
        shrunk = unravel(step.move + step.eta * step.gradient_estimate)
        for part, W in zip(shrunk, unravel(step.theta), strict=True):
            np.testing.assert_allclose(part, -0.1 * decay * W if W.ndim > 1 else 0 * W, rtol=1e-9, atol=1e-12)


@given(SEEDS, st.integers(1, 9))
def test_its_x_weighs_theta_by_how_late_it_is(seed, power):
    """As often as one chooses `power` of t + power."""
    stream, theta0 = batches(seed)
    steps = path(partial(averaged_adam, power=power), stream(), theta0)
    weights = [math.comb(step.t + power, power) for step in steps]
    thetas = [step.state["theta"] for step in steps]
    for n, step in enumerate(steps, 1):
        np.testing.assert_allclose(step.carried["x"], np.average(thetas[:n], axis=0, weights=weights[:n]), rtol=1e-10)


@given(SEEDS)
def test_the_weights_into_a_unit_move_by_no_more_than_eta_over_layers_at_first(seed):
    loss, theta0, unravel = layered(seed)
    step = next(averaged_adam(repeat(loss), theta0, decay=0.0, blocks=unravel))
    for moved in unravel(step.move):
        lengths = np.linalg.norm(moved.reshape(-1, moved.shape[-1] if moved.ndim > 1 else 1), axis=0)
        assert np.all(lengths <= 0.3 / 2 * (1 + 1e-9))


@given(SEEDS, st.permutations(range(4)), st.permutations(range(3)))
def test_neither_the_order_of_layers_nor_that_of_inputs_matters(seed, order, inputs):
    loss, theta0, unravel = layered(seed)
    other_loss, other0, other_unravel = layered(seed, order, inputs)
    [*_, step] = path(partial(averaged_adam, blocks=unravel), repeat(loss), theta0)
    [*_, other] = path(partial(averaged_adam, blocks=other_unravel), repeat(other_loss), other0)
    parts = unravel(step.carried["x"])
    parts[0] = parts[0][list(inputs)]
    for i, part in zip(order, other_unravel(other.carried["x"]), strict=True):
        np.testing.assert_allclose(part, parts[i], rtol=1e-6, atol=1e-7)


@given(SEEDS, st.sampled_from([1e-3, 7.0, 1e4]))
def test_averaged_adam_does_not_ask_for_the_loss_s_unit(seed, unit):
    stream, theta0 = batches(seed)
    method = partial(averaged_adam, eps=0.0)
    inches = (lambda w, l_t=l_t: unit * l_t(w) for l_t in stream())
    for a, b in zip(path(method, stream(), theta0), path(method, inches, theta0), strict=True):
        np.testing.assert_allclose(b.carried["x"], a.carried["x"], rtol=1e-9, atol=1e-10)


def test_a_gradient_of_zero_moves_nothing_and_a_hill_is_left():
    flat = path(averaged_adam, repeat(lambda x: 0 * np.sum(x)), np.ones(3))
    assert all(np.array_equal(step.theta, np.ones(3)) and np.all(step.carried["x"] == 1) for step in flat)
    hill = path(averaged_adam, repeat(lambda x: -np.sum(x**2)), np.ones(3))
    assert all(after.loss < before.loss for before, after in pairwise(hill))


def test_averaged_adam_refuses_layers_that_do_not_fit():
    with pytest.raises(ValueError, match="theta has shape"):
        next(averaged_adam(repeat(np.sum), np.ones(5), blocks=[(2, 2), (2,)]))
    with pytest.raises(ValueError, match="power is 0"):
        next(averaged_adam(repeat(np.sum), np.ones(5), power=0))


# ------------------------------------------------------------------------------------------------- Prodigy


@given(SEEDS, st.sampled_from([1.0, linear_decay(1.0, 20)]), st.sampled_from([1e-3, 0.1]), st.booleans())
def test_prodigy_by_hand(seed, eta, d0, corrects):
    stream, theta0 = batches(seed)
    m, v, s, r, d = 0, 0, 0, 0, d0
    losses = stream()
    for step in path(partial(prodigy, eta=eta, d0=d0, bias_correction=corrects), stream(), theta0):
        t, g = step.t, grad(next(losses))(step.theta)
        gamma = eta(t) if callable(eta) else eta
        gamma *= np.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1)) if corrects else 1
        m, v = 0.9 * m + 0.1 * d * g, 0.999 * v + 0.001 * d**2 * g**2
        r = np.sqrt(0.999) * r + gamma * d**2 * (g @ (theta0 - step.theta))  # without 1 - b: the quotient has none
        s = np.sqrt(0.999) * s + gamma * d**2 * g
        np.testing.assert_allclose(
            step.eta * step.gradient_estimate, gamma * d * m / (np.sqrt(v) + d * 1e-8), rtol=1e-6, atol=1e-12
        )
        d = max(d, r / np.sum(abs(s)))
        np.testing.assert_allclose(step.carried["d"], d, rtol=1e-8)


@given(SEEDS, st.sampled_from([1e-3, 30.0, 1e4]))
def test_prodigy_does_not_ask_for_units_but_d0_has_theta_s(seed, unit):
    stream, theta0 = batches(seed)
    steps = path(partial(prodigy, d0=1e-3, eps=0.0), stream(), theta0, 30)
    other_loss = (lambda w, l_t=l_t: unit * l_t(w) for l_t in stream())
    other_theta = (lambda w, l_t=l_t: l_t(w / unit) for l_t in stream())
    again = path(partial(prodigy, d0=1e-3, eps=0.0), other_loss, theta0, 30)
    scaled = path(partial(prodigy, d0=1e-3 * unit, eps=0.0), other_theta, theta0 * unit, 30)
    for a, b, c in zip(steps, again, scaled, strict=True):
        np.testing.assert_allclose(b.theta, a.theta, rtol=1e-6, atol=1e-7)  # 30 steps pass on each other's rounding
        np.testing.assert_allclose(c.theta / unit, a.theta, rtol=1e-6, atol=1e-7)


@given(SEEDS)
def test_d_never_falls_and_stays_below_the_distance_on_a_convex_loss(seed):
    """The lower bound of the paper's theory, along the maximum norm, as long as the gradients are averaged plainly."""
    loss, H, theta0 = bowl(seed)
    solution = theta0 - np.linalg.solve(H, grad(loss)(theta0))
    far = np.max(abs(solution - theta0))
    distances = [s.carried["d"] for s in path(partial(prodigy, d0=1e-6), repeat(loss), theta0, 200)]
    assert all(a <= b for a, b in pairwise(distances))
    assert distances[-1] <= far * (1 + 1e-9)


@settings(max_examples=15)
@given(SEEDS)
def test_prodigy_forgets_a_d0_that_is_too_small(seed):
    loss, _, theta0 = bowl(seed)
    ends = [path(partial(prodigy, d0=d0), repeat(loss), theta0, 500)[-1].carried["d"] for d0 in (1e-8, 1e-6, 1e-4)]
    assert max(ends) < 10 * min(ends)


# --------------------------------------------------------------------------------------------------- AdamW


@given(SEEDS, ETAS)
def test_adamw_without_decay_is_published_adam(seed, eta):
    stream, theta0 = batches(seed)
    other = path(partial(adam, eta=eta, published=True), stream(), theta0)
    for step, same in zip(path(partial(adamw, eta=eta, decay=0.0), stream(), theta0), other, strict=True):
        np.testing.assert_allclose(step.theta, same.theta, rtol=1e-9, atol=1e-12)


@given(SEEDS, ETAS, st.floats(0, 2))
def test_decay_is_decoupled(seed, eta, decay):
    """Theta shrinks by ``eta decay theta``, and the averages do not know of it."""
    stream, theta0 = batches(seed)
    m = v = 0
    for before, after in pairwise(path(partial(adamw, eta=eta, decay=decay), stream(), theta0)):
        t, g = before.t, before.gradient
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        root = np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8
        now = eta(t) if callable(eta) else eta
        expected = (1 - now * decay) * before.theta - now * m / (1 - 0.9 ** (t + 1)) / root
        np.testing.assert_allclose(after.theta, expected, rtol=1e-9, atol=1e-12)


# -------------------------------------------------------------------------------------------- all of them


METHODS = {
    "adamw": adamw,
    "cdat": partial(cdat, sigma=0.5, beta3=0.9),
    "cdat with adam": partial(cdat, sigma=0.5, beta1=0.9, beta3=0.9, adam=True),
    "schedule-free": partial(schedule_free, adam=False),
    "schedule-free adam": schedule_free,
    "averaged adam": averaged_adam,
    "prodigy": partial(prodigy, d0=0.01),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_compiled_loss_has_the_same_path(method):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.integers(0, 2, 20)
    theta0, model = mlp([3, 4, 2], seed=0)

    def loss(theta, X, y):
        return softmax_cross_entropy(model(theta, X), y)

    plain, quick = (path(method, minibatches(f, (X, y), 5), theta0, 8) for f in (loss, compiled(loss)))
    for a, b in zip(plain, quick, strict=True):
        np.testing.assert_allclose(b.theta, a.theta, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_nan_in_a_state_is_refused(method):
    losses = repeat(lambda x: np.sum(np.cosh(x)))
    state = next(method(losses, np.ones(2))).state
    for name in set(state) - {"t"}:
        with pytest.raises(ValueError, match=f"theta0.*{name if name != 'theta' else ''}.* NaN"):
            next(method(losses, state | {name: np.nan * state[name]}))


@pytest.mark.parametrize("options", [{"sigma": 0.0}, {"sigma": -1.0}, {"sigma": np.inf}, {"beta3": 1.0}, {"adam": 1}])
def test_cdat_s_options_are_checked(options):
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(options))} is"):
        cdat(repeat(np.sum), np.ones(2), **options)


@pytest.mark.parametrize("d0", [0.0, -1.0, np.nan])
def test_prodigy_s_first_d_is_positive(d0):
    with pytest.raises(ValueError, match=r"d0 is .*: a number in \(0, inf\)"):
        prodigy(repeat(np.sum), np.ones(2), d0=d0)
