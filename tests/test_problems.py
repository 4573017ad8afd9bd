"""The data: what it is, that it is split as promised, and that a network learns from it."""

import sys

import numpy as np
import pytest

from mathlib.backprop import value_and_grad
from mathlib.nn import accuracy, cnn, softmax_cross_entropy
from mathlib.problems import digits


def test_digits_are_grey_images_and_whole_labels():
    X, y, X_test, y_test = digits()
    assert X.shape == (1348, 8, 8, 1)
    assert X_test.shape == (449, 8, 8, 1)
    assert X.dtype == float
    assert (X.min(), X.max()) == (0, 1)
    assert y.dtype.kind == "i"
    assert set(y) == set(y_test) == set(range(10))


def test_the_split_keeps_every_image_once_with_its_label():
    from sklearn.datasets import load_digits

    def rows(X, y):
        return sorted(map(tuple, np.column_stack([X.reshape(-1, 64), y])))

    X, y, X_test, y_test = digits(seed=3, test=0.1)
    raw, labels = load_digits(return_X_y=True)
    assert len(y_test) == 180
    assert rows(np.concatenate([X, X_test]), np.concatenate([y, y_test])) == rows(raw / 16, labels)


def test_the_seed_makes_the_split():
    for a, b in zip(digits(seed=1), digits(seed=1), strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(digits(seed=1)[1], digits(seed=2)[1])


@pytest.mark.parametrize("test", [0, 1, -0.5, 300, float("nan")])
def test_another_fraction_is_refused(test):
    with pytest.raises(ValueError, match="a fraction between 0 and 1"):
        digits(test=test)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install .*mathlib-second-order\[problems\]"):
        digits()


def test_a_small_network_learns_the_digits():
    X, y, X_test, y_test = digits()
    theta, model = cnn((8, 8, 1), channels=(4, 8), F=3, stride=1)
    rng, momentum = np.random.default_rng(0), 0.0
    before = accuracy(model(theta, X_test), y_test)
    for _ in range(300):
        i = rng.choice(len(y), 64, replace=False)
        _, g = value_and_grad(lambda theta, i=i: softmax_cross_entropy(model(theta, X[i]), y[i]))(theta)
        momentum = 0.9 * momentum + g
        theta = theta - 0.05 * momentum
    assert before < 0.3
    assert accuracy(model(theta, X_test), y_test) > 0.95
