"""The routes to a directional derivative: their errors, their agreement, and what they refuse at the door."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mathlib import central_difference, complex_step, forward_difference, hvp, jvp

ROUTES = {
    "dual": lambda f, x, v: jvp(f, x, v)[1],
    "complex_step": complex_step,
    "forward": forward_difference,
    "central": central_difference,
}
EXACT = [ROUTES["dual"], ROUTES["complex_step"]]
every_route = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def wave(x):
    return np.sin(x) + np.sum(x * x)


@every_route
@given(shape=shapes, seed=st.integers(0, 2**32 - 1))
def test_every_route_gives_the_derivative_in_every_shape(route, shape, seed):
    x, v = np.random.default_rng(seed).standard_normal((2, *shape))
    exact = np.cos(x) * v + 2 * np.sum(x * v)
    answer = route(wave, x[()], v[()])
    assert np.shape(answer) == shape
    # The forward difference has half the digits; central ones two thirds; sums reach about 30.
    tolerance = {forward_difference: 1e-5, central_difference: 1e-7}.get(route, 1e-13)
    np.testing.assert_allclose(answer, exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize("route", EXACT)
@pytest.mark.parametrize("x", [1e-90, 1e-20, 1e-8, 1.0, 1e8, 1e100])
def test_complex_step_is_right_on_every_scale(route, x):
    # A fixed eps = 2**-50 dwarfs a small x: its square would be seen in products and near singularities.
    for f, slope in (
        (lambda x: x * x * x, 3 * x * x),
        (lambda x: 1 / x, -1 / x**2),
        (np.sqrt, 0.5 / np.sqrt(x)),
        (np.log, 1 / x),
        (lambda x: x**2.5, 2.5 * x**1.5),
        (np.square, 2 * x),
    ):
        with np.errstate(over="ignore"):
            if not np.isfinite(slope):
                continue
        assert route(f, x, 1.0) == pytest.approx(slope, rel=1e-14, abs=0)


def test_complex_step_is_linear_in_huge_directions():
    for size in (1.0, 1e6, 1e12):
        answer = complex_step(lambda x: np.exp(x) * x * np.sin(x), 1.0, size)
        assert answer == pytest.approx(size * complex_step(lambda x: np.exp(x) * x * np.sin(x), 1.0), rel=1e-14)


def test_a_product_s_square_of_epsilon_cannot_turn_a_branch():
    assert complex_step(lambda x: np.where(x * x >= 0, x, -x), 0.0) == 1.0


def test_near_a_branch_point_the_slope_is_right_or_refused():
    assert complex_step(np.arccos, 1 - 1e-15) == pytest.approx(jvp(np.arccos, 1 - 1e-15, 1.0)[1], rel=1e-14)
    nearly = np.pi / 2
    assert complex_step(np.tan, nearly) == pytest.approx(1 / np.cos(nearly) ** 2, rel=1e-14)
    for f, x in ((np.sqrt, 0.0), (np.log, -1.0), (np.arcsin, 2.0), (np.sqrt, -4.0), (lambda x: x**0.5, -1.0)):
        for route in EXACT:
            with pytest.raises(FloatingPointError):
                route(f, x, 1.0)


def test_a_value_that_is_not_selected_may_be_nan():
    for route in EXACT:
        x = np.array([-1.0, 4.0])
        assert np.array_equal(route(lambda x: np.where(x > 0, np.sqrt(x), 0.0), x, np.ones(2)), [0.0, 0.25])


@pytest.mark.parametrize("route", EXACT)
def test_nan_and_infinity_are_reported_where_they_arose(route):
    def program(x):
        y = x - 1.0
        z = np.log(y)
        return z + np.sum(x)

    with pytest.raises(FloatingPointError, match=r"np\.log in program, line \d+: `z = np\.log\(y\)`"):
        route(program, np.array([2.0, 0.5]), np.ones(2))
    with pytest.raises(FloatingPointError, match=r"np\.exp in "):
        route(lambda x: 1 + np.exp(x), 1000.0, 1.0)
    with pytest.raises(FloatingPointError, match=r"np\.sqrt in "):
        route(np.sqrt, 0.0, 1.0)
    with pytest.raises(FloatingPointError, match="constant"):
        route(lambda x: np.float64("nan"), 0.0, 1.0)


@pytest.mark.parametrize("route", [forward_difference, central_difference])
def test_differences_refuse_what_is_not_finite(route):
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="NaN or infinite"):
        route(np.log, -1.0)


@every_route
@pytest.mark.parametrize(
    ("x", "v", "error", "says"),
    [
        (2, 1.0, TypeError, r"float\(x\)"),
        (True, 1.0, TypeError, r"float\(x\)"),
        (np.array([1, 2]), np.ones(2), TypeError, r"x\.astype\(float\)"),
        (np.array([1 + 2j]), np.ones(1), TypeError, "complex128"),
        (np.ones(2), np.ones(3), ValueError, r"\(3,\) and x \(2,\)"),
        (np.ones(2), None, ValueError, r"v=np\.ones_like\(x\)"),
        (np.ones(2), np.array([1j, 0]), TypeError, "real numbers"),
        (np.array([1.0, np.nan]), np.ones(2), ValueError, "x has a NaN"),
        (np.ones(2), np.array([np.inf, 1.0]), ValueError, "v has a NaN"),
        ("one", 1.0, TypeError, "<U3"),
    ],
)
def test_bad_points_and_directions_are_refused_at_the_door(route, x, v, error, says):
    with pytest.raises(error, match=says):
        route(np.sum, x, v)


@every_route
@pytest.mark.parametrize("result", [None, (1.0, 2.0), [1.0], {}])
def test_f_returns_one_array(route, result):
    with pytest.raises(TypeError, match=r"np\.stack"):
        route(lambda x: result, 1.0, 1.0)


@every_route
@pytest.mark.parametrize("result", [1j, "one", np.array([object()])])
def test_f_returns_real_numbers(route, result):
    with pytest.raises(TypeError, match="real numbers are needed"):
        route(lambda x: result, 1.0, 1.0)


@pytest.mark.parametrize("h", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("route", [forward_difference, central_difference])
def test_a_step_is_positive_and_finite(route, h):
    with pytest.raises(ValueError, match="positive, finite step"):
        route(np.sin, 1.0, h=h)


@pytest.mark.parametrize("eps", [0.0, -1.0, 1.0, np.nan])
def test_eps_lies_between_zero_and_one(eps):
    with pytest.raises(ValueError, match=r"eps=2\*\*-50"):
        complex_step(np.sin, 1.0, eps=eps)


@every_route
def test_inputs_are_not_mutated_nor_returned(route):
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    kept = x.copy(), v.copy()
    answer = route(lambda x: x, x, v)
    answer[...] = -1
    value = jvp(lambda x: x, x, v)[0]
    value[...] = -1
    assert np.array_equal(x, kept[0])
    assert np.array_equal(v, kept[1])


@every_route
def test_awkward_layouts(route):
    x = np.arange(12.0).reshape(3, 4) / 10
    for y in (np.asfortranarray(x), x[:, ::2], x.T, x[::-1], np.broadcast_to(x[0], (3, 4))):
        frozen = y.view()
        frozen.flags.writeable = False
        np.testing.assert_allclose(
            route(wave, frozen, np.ones(y.shape)), route(wave, y.copy(), np.ones(y.shape)), rtol=1e-7
        )


@every_route
def test_a_function_that_ignores_x_has_derivative_zero(route):
    answer = route(lambda x: np.ones(3), np.ones(2), np.ones(2))
    assert np.array_equal(answer, np.zeros(3))


def test_the_step_without_a_direction_is_the_derivative():
    for f in (complex_step, forward_difference, central_difference):
        assert f(lambda x: x**3, 2.0) == pytest.approx(12.0, rel=1e-6)


def test_the_forward_difference_is_the_textbook_s():
    h = 2.0**-10
    assert forward_difference(np.exp, 1.0, h=h) == (np.exp(1 + h) - np.exp(1.0)) / h
    assert central_difference(np.exp, 1.0, h=h) == (np.exp(1 + h) - np.exp(1 - h)) / (2 * h)


def test_division_by_a_power_of_two_changes_the_exponent_alone():
    x = np.random.default_rng(0).standard_normal(1000)
    assert np.array_equal(np.frexp(x)[0], np.frexp(x / 2.0**-50)[0])


def test_float32_uses_its_own_precision():
    x = np.float32(0.5)
    assert complex_step(np.exp, x).dtype == np.float32
    assert abs(complex_step(np.exp, x) - np.exp(0.5)) < 2e-7
    assert abs(forward_difference(np.exp, x) - np.exp(0.5)) < 1e-2
    assert abs(central_difference(np.exp, x) - np.exp(0.5)) < 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-32, 1e-12, 1.0, 1e12, 1e30])
def test_the_step_suits_a_direction_of_any_length(dtype, size):
    x, v = np.array([0.3, 0.7], dtype), np.array([1.0, -2.0]).astype(dtype) * dtype(size)

    def loss(x):
        return np.sum(np.sin(x) ** 3)

    near = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(complex_step(loss, x, v), jvp(loss, x, v)[1], **near)
    np.testing.assert_allclose(hvp(loss, x, v, "complex_step"), hvp(loss, x, v), **near)


def test_a_step_that_is_zero_is_refused():
    x = np.ones(2, np.float16)
    for route in (lambda: complex_step(np.sum, x, x), lambda: hvp(np.sum, x, x, "complex_step")):
        with pytest.raises(ValueError, match="zero in float16"):
            route()
