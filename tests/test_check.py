"""check_grad: it accepts right derivatives, finds wrong ones in either mode, and names the coordinate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import NonAnalyticError, check_grad, jvp
from mathlib.arithmetic import real_value
from mathlib.nn import relu
from mathlib.primitives import elementwise, general, multilinear, primitive


def loss(theta):
    return np.sum(np.tanh(theta) ** 2) + np.log(np.sum(np.exp(theta)))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("theta", [0.3, np.array([0.1, -2.0, 3.0]), np.ones((2, 3)), np.ones(2, np.float32)])
def test_right_derivatives_are_accepted(order, theta):
    check_grad(loss, theta, order=order)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("order", [1, 2])
def test_the_unit_of_the_loss_makes_no_difference(order, scale):
    check_grad(lambda x: scale * loss(x), np.array([0.1, -2.0, 3.0]), order=order)


# Derivatives that are 0, or smaller, by the cancelling of larger terms: of c, which sum to 0, and of what is symmetric.
CANCELLING = {
    "a sum": lambda x, c, t: sum(a * x[0] for a in c),
    "a sum beside a square": lambda x, c, t: sum(a * x[0] for a in c) + x[1] ** 2,
    "an array": lambda x, c, t: np.sum(c * x[0]) + np.sin(x[1]),
    "symmetric": lambda x, c, t: sum(np.sum(np.exp(-((x[1] * (points - x[2])) ** 2))) for points in (t, -t)),
    "less its mean": lambda x, c, t: np.sum(x - np.mean(x)),
    "a curve less its mean": lambda x, c, t: np.sum(np.sin(x) - np.mean(np.sin(x))),
    "normalized": lambda x, c, t: np.log(np.sum(np.exp(x) / np.sum(np.exp(x)))),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("program", CANCELLING.values(), ids=CANCELLING)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_terms_that_cancel_are_no_error(program, order, seed, scale):
    rng = np.random.default_rng(seed)
    c, t = rng.standard_normal(6), rng.uniform(0.5, 3, 6)
    c[-1] = -np.sum(c[:-1])
    check_grad(lambda x: scale * program(x, c, t), np.array([rng.standard_normal(), 1.3, 0.0]), order=order, seed=seed)


def test_a_wrong_partial_is_found_and_its_coordinate_named(table):
    elementwise(np.sin, lambda y, x: -np.cos(x))
    with pytest.raises(
        AssertionError, match=r"theta\[1, 2\] is -1\.0 by backprop.* -1\.0 by dual numbers and (0\.99|1\.0)"
    ):
        check_grad(lambda x: np.sum(x * x) + np.sin(x[1, 2]), np.zeros((2, 3)))


def test_a_wrong_second_derivative_is_found(table):
    elementwise(np.sin, lambda y, x: np.cos(real_value(x)))  # right, but a constant
    check_grad(lambda x: np.sum(np.sin(x)), np.ones(3))
    with pytest.raises(AssertionError, match=r"the Hessian-vector product along theta\[0\]"):
        check_grad(lambda x: np.sin(x[0]) + np.sum(x * x), np.ones(3), order=2)


def test_a_wrong_transpose_alone_is_found(table):
    @primitive
    def twice(x):
        return 2 * x

    multilinear(twice, transposes=(lambda g, x: 3 * g,))
    assert jvp(twice, 1.0, 1.0)[1] == 2.0
    for order in (1, 2):
        with pytest.raises(AssertionError, match=r"theta\[3\] is"):
            check_grad(lambda x: np.sum(x[:3] ** 2) + twice(x[3]) ** 2, np.arange(1.0, 6.0), order=order)


def test_a_wrong_tangent_alone_is_found(table):
    @primitive
    def cube(x):
        return x * x * x

    general(cube, lambda y, x, dx: 2 * x * x * dx, transposes=(lambda g, y, x: g * 3 * x * x,))
    with pytest.raises(AssertionError, match=r"theta is 12\.0 by backprop.* 8\.0 by dual numbers and 12\.0"):
        check_grad(cube, 2.0)


def test_a_kink_is_named_as_a_possible_cause():
    with pytest.raises(AssertionError, match="kink"):
        check_grad(lambda x: np.sum(relu(x)), np.zeros(2))


def test_the_door():
    with pytest.raises(ValueError, match="scalar"):
        check_grad(np.sin, np.ones(2))
    with pytest.raises(ValueError, match="order is 3"):
        check_grad(loss, np.ones(2), order=3)
    with pytest.raises(TypeError, match="astype"):
        check_grad(loss, np.ones(2, int))
    with pytest.raises(NonAnalyticError):
        check_grad(lambda x: np.sum(np.imag(x)), np.ones(2))


PROGRAMS = [
    lambda z: np.sum(np.sin(z) ** 2) + np.prod(np.cos(z)),
    lambda z: np.log(np.sum(np.exp(z))) + np.sum(z[:-1] * z[1:]),
    lambda z: np.sum((z[1:] - z[:-1] ** 2) ** 2) + np.exp(z[0]),
    lambda z: np.linalg.norm(z - 3) + np.tanh(z[0] * z[-1]),
    lambda z: np.sum(np.logaddexp(z, 0)) + 7,
]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("program", PROGRAMS)
def test_right_derivatives_are_accepted_whatever_the_units_of_the_components(program, order):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        units, z = 10.0 ** rng.uniform(-12, 12, 4), rng.standard_normal(4)
        offset = rng.choice([0.0, 1.0, -1e3])
        check_grad(lambda x, u=units, c=offset: program(x / u - c), units * (z + offset), order=order, seed=seed)


@pytest.mark.parametrize("factor", [1.01, 0.0, -1.0, 1e-6, 1e6])
def test_a_wrong_rule_is_found_in_every_component_whatever_its_unit(table, factor):
    @primitive
    def wrong(x):
        return x * x

    elementwise(wrong, lambda y, x: 2 * x * factor)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        units, i = 10.0 ** rng.uniform(-12, 12, 4), rng.integers(4)
        theta = units * rng.uniform(0.5, 2, 4)

        def loss(x, u=units, i=i):
            z = x / u
            return np.sum(np.sin(z)) + wrong(z[i])

        with pytest.raises(AssertionError, match=rf"theta\[{i}\]"):
            check_grad(loss, theta, seed=seed)


def test_a_wrong_rule_is_found_beside_larger_components(table):
    @primitive
    def wrong(x):
        return x * x

    elementwise(wrong, lambda y, x: 2.02 * x)
    for size in 10.0 ** np.arange(0, 7):
        with pytest.raises(AssertionError, match=r"theta\[1\]"):
            check_grad(
                lambda x, s=size: s * np.sum(np.sin(x)) + wrong(x[1]) - s * np.sin(x[1]), np.array([1.0, 1.2, 0.7])
            )


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "program",
    [
        lambda z: np.sum(np.sin(50 * z)),  # it turns often within a step of length 1
        lambda z: np.sum(1 / (1 + z**2)),  # and is flat far from here
        lambda z: np.linalg.norm(z),
        lambda z: z[0] ** 2 + 1e-9 * np.sin(z[1]) + 1e-12 * z[2] ** 3,
        lambda z: np.sum(np.exp(z)) + 1e6,
        lambda z: np.sum(np.abs(z) * np.log(np.abs(z) + 1e-3)),
    ],
)
def test_a_right_derivative_is_accepted_where_long_steps_tell_nothing(program, order):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        units = 10.0 ** rng.integers(-12, 13, 4)
        z = rng.standard_normal(4) * (1e-3 if seed % 3 == 0 else 1.0)
        unit = 10.0 ** rng.integers(-12, 13)
        check_grad(lambda x, u=units, c=unit: c * program(x / u), units * z, order=order, seed=seed)


@pytest.mark.parametrize("factor", [1.01, 0.0, -1.0])
def test_backprop_that_differs_from_dual_numbers_is_found_in_a_term_near_rounding(table, factor):
    @primitive
    def wrong(x):
        return np.sin(x)

    general(wrong, lambda y, x, dx: np.cos(x) * dx, transposes=(lambda g, y, x: factor * g * np.cos(x),))
    for small in 10.0 ** np.arange(-12, 1):
        with pytest.raises(AssertionError, match=r"theta\[1\]"):
            check_grad(lambda x, s=small: np.sum(x[::2] ** 2) + s * wrong(x[1]), np.array([1e6, 0.4, 1e-6]))
