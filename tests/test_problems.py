"""The data: what it is, that it is split as promised, and that a network learns from it."""

import numpy as np
import pytest

from mathlib.backprop import value_and_grad
from mathlib.check import check_grad
from mathlib.nn import accuracy, cnn, softmax_cross_entropy
from mathlib.optimize import damped_newton, minimize
from mathlib.problems import PROBLEMS, digits, digits_network, logistic_regression, quadratic, rosenbrock
from mathlib.problems.data import table


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


def test_the_tables_are_those_of_scikit_learn():
    from sklearn.datasets import load_breast_cancer, load_digits

    for name, load in (("digits", load_digits), ("tumours", load_breast_cancer)):
        for ours, theirs in zip(table(name), load(return_X_y=True), strict=True):
            np.testing.assert_array_equal(ours, theirs)


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


# ---------------------------------------------------------------- the problems of Moré, Garbow and Hillstrom (1981)


def test_all_35_problems_are_there():
    assert len({name.rstrip("0123456789 ") if name[0] in "WC" else name for name in PROBLEMS}) == 35


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_gradient_of_a_problem_is_right(name):
    problem = PROBLEMS[name]
    size = np.where(problem.start == 0, 1, np.abs(problem.start))  # Meyer's components differ by 200,000
    check_grad(lambda u: problem.loss(size * u), problem.start / size)
    r = problem.residuals(problem.start)
    assert problem.loss(problem.start) == pytest.approx(np.sum(r**2), rel=1e-14)
    assert len(r) >= len(problem.start)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_published_minimum_is_found_from_the_standard_start(name):
    problem = PROBLEMS[name]
    result = minimize(damped_newton, problem.loss, problem.start, tol=1e-7, max_steps=3000)
    near = [abs(result.loss - minimum) <= max(1e-5 * minimum, 1e-9) for minimum in problem.minima]
    assert any(near), (result.loss, problem.minima, result.message)


MINIMIZERS = {
    "Rosenbrock": [1, 1],
    "Freudenstein and Roth": [5, 4],
    "Brown badly scaled": [1e6, 2e-6],
    "Beale": [3, 0.5],
    "helical valley": [1, 0, 0],
    "Gulf research": [50, 25, 1.5],
    "box three-dimensional": [1, 10, 1],
    "Powell singular": np.zeros(4),
    "Wood": np.ones(4),
    "Biggs EXP6": [1, 10, 1, 5, 4, 3],
    "extended Rosenbrock": np.ones(10),
    "variably dimensioned": np.ones(10),
    "trigonometric": np.zeros(10),
    "Brown almost linear": np.ones(10),
}


@pytest.mark.parametrize(("name", "exact"), MINIMIZERS.items())
def test_the_published_minimizer_is_one(name, exact):
    assert PROBLEMS[name].loss(np.array(exact, float)) == pytest.approx(0, abs=1e-15)


def test_losses_of_any_size_are_what_they_say():
    for loss, theta in (logistic_regression(50, 4), logistic_regression(50, 4, condition=10.0), digits_network(4)):
        check_grad(loss, theta + 0.1, order=2)
    loss, H, solution = quadratic([1.0, -2.0, 5.0], seed=1)
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [-2, 1, 5], rtol=1e-12)
    np.testing.assert_allclose(value_and_grad(loss)(solution)[1], 0, atol=1e-12)
    with pytest.raises(ValueError, match="eigenvalue is zero"):
        quadratic([1.0, 0.0])
    assert rosenbrock(np.ones(7)) == 0
