"""The judge of invariance, held to methods whose answer is known by a line of algebra."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mathlib import grad, hessian
from mathlib.invariance import changes, check_invariance, truth_table


def descent(loss, theta, M=None, eta=0.05):
    while True:
        yield SimpleNamespace(theta=theta)
        g = grad(loss)(theta)
        theta = theta - eta * (g if M is None else M @ g)


def newton(loss, theta):
    while True:
        yield SimpleNamespace(theta=theta)
        theta = theta - np.linalg.solve(hessian(loss, theta).dense(), grad(loss)(theta))


def signs(loss, theta, eta=0.05):
    while True:
        yield SimpleNamespace(theta=theta)
        theta = theta - eta * np.sign(grad(loss)(theta))


def bowl(theta):
    """Convex, and not a quadratic, so that nothing arrives in one step."""
    return np.sum(np.cosh(theta)) + 0.5 * np.sum(theta) ** 2


START = np.array([1.0, -0.7, 0.4])


@st.composite
def matrices(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    P = rng.standard_normal((3, 3))
    assume(np.linalg.cond(P) < 30)
    return P


@given(matrices(), st.sampled_from([0.5, 1.4427, 100.0]))
def test_newton_keeps_its_path_and_descent_does_not(P, unit):
    assert check_invariance(newton, bowl, START, P, unit)
    assert not check_invariance(descent, bowl, START, P)
    assert not check_invariance(descent, bowl, START, unit=unit)


@given(matrices(), st.sampled_from([0.5, 1.4427, 100.0]))
def test_descent_keeps_its_path_where_its_metric_is_transformed(P, unit):
    """M is a map from V* to V: P^-1 M P^-T in the new basis, over the unit."""
    Q = np.linalg.inv(P)
    found = check_invariance(
        descent, bowl, START, P, unit, other=lambda loss, theta: descent(loss, theta, Q @ Q.T / unit), tol=1e-9
    )
    assert found, found.gap


def test_the_table_knows_what_each_method_depends_on():
    methods = {"newton": newton, "descent": descent, "signs": signs}
    methods["descent, transformed"] = (
        descent,
        lambda P, unit: lambda loss, theta: descent(loss, theta, np.linalg.inv(P.T @ P) / unit),
    )
    table = truth_table(methods, bowl, START)
    held = {name: [column for column, found in row.items() if found] for name, row in table.items()}
    every = ["loss unit", "rescaled", "permuted", "rotated", "sheared"]
    assert held == {
        "newton": every,
        "descent, transformed": every,
        "descent": ["permuted", "rotated"],
        "signs": ["loss unit", "permuted"],
    }


def test_changes_are_what_they_are_called():
    P = changes(4, seed=1)
    eye = np.eye(4)
    assert np.count_nonzero(P["rescaled"]) == 4
    assert sorted(P["permuted"].tolist()) == sorted(eye.tolist())
    np.testing.assert_allclose(P["rotated"] @ P["rotated"].T, eye, atol=1e-14)
    assert np.linalg.matrix_rank(P["sheared"]) == 4
    assert not np.allclose(P["sheared"], np.diag(np.diag(P["sheared"])))


def test_the_paths_are_told_in_the_first_coordinates():
    P = changes(3)["sheared"]
    found = check_invariance(newton, bowl, START, P, steps=4)
    assert found.path.shape == found.other.shape == (5, 3)
    np.testing.assert_array_equal(found.path[0], START)
    np.testing.assert_allclose(found.other, found.path, atol=1e-10)
    assert found.gap < 1e-10


def test_a_run_that_ends_early_says_why():
    def fails(loss, theta):
        yield SimpleNamespace(theta=theta)
        yield SimpleNamespace(theta=theta - 1.0)
        raise FloatingPointError("the loss is NaN at step 2")

    found = check_invariance(fails, bowl, START, steps=5)
    assert (len(found.path), found.reason) == (2, "the loss is NaN at step 2")

    def only_there(loss, theta):
        yield SimpleNamespace(theta=theta)

    assert not check_invariance(newton, bowl, START, steps=5, other=only_there), "one path is longer than the other"


def test_errors_at_the_start_are_not_hidden():
    def wrong(loss, theta):
        raise ValueError("eta is negative")
        yield

    with pytest.raises(ValueError, match="eta is negative"):
        check_invariance(wrong, bowl, START)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"P": np.eye(2)}, r"P \(2, 2\)"),
        ({"P": np.ones((3, 3))}, "singular"),
        ({"P": np.full((3, 3), np.nan)}, "not finite"),
        ({"unit": 0.0}, "unit is 0"),
        ({"unit": np.inf}, "unit is inf"),
        ({"unit": -1.0}, "unit is -1"),
    ],
)
def test_what_does_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        check_invariance(newton, bowl, START, **options)
    with pytest.raises(ValueError, match="theta0 has shape"):
        check_invariance(newton, bowl, np.ones((2, 2)))


def test_inputs_are_not_changed():
    start, P = START.copy(), changes(3)["sheared"]
    before = P.copy()
    check_invariance(newton, bowl, start, P)
    np.testing.assert_array_equal(start, START)
    np.testing.assert_array_equal(P, before)
