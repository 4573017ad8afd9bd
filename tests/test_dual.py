"""The laws of first-order polynomial arithmetic, of nesting, and of the guarded complex numbers."""

import copy
import threading

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathlib import Dual, EscapedError, UnsupportedError, complex_step, jvp
from mathlib.dual import Complex

# Small integers multiply and add without rounding: the axioms hold exactly, or not at all.
whole = st.integers(-1000, 1000).map(float)
duals = st.builds(Dual, whole, whole)
reals = st.floats(-3, 3)


def coefficients(x):
    return float(x.value), float(x.tangent)


def same(x, y):
    return coefficients(x) == coefficients(y)


@given(duals, duals, duals)
def test_dual_numbers_are_a_commutative_ring(x, y, z):
    zero, one = Dual(0.0, 0.0), Dual(1.0, 0.0)
    assert same(x + y, y + x)
    assert same((x + y) + z, x + (y + z))
    assert same(x + zero, x)
    assert same(x + (-x), zero)
    assert same(x * y, y * x)
    assert same((x * y) * z, x * (y * z))
    assert same(x * one, x)
    assert same(x * (y + z), x * y + x * z)
    assert same(x - y, x + (-y))


@given(whole, whole)
def test_epsilon_squared_is_zero_so_epsilon_has_no_inverse(a, b):
    assert same(Dual(0.0, a) * Dual(0.0, b), Dual(0.0, 0.0))
    with np.errstate(all="ignore"):
        inverse = 1 / Dual(0.0, 1.0)
    assert not inverse.finite()


@given(duals, duals)
def test_the_product_is_the_slide_s_polynomial(x, y):
    (a, b), (c, d) = coefficients(x), coefficients(y)
    assert coefficients(x * y) == (a * c, a * d + b * c)


@given(duals, duals)
def test_dual_numbers_multiply_as_two_by_two_matrices(x, y):
    def matrix(z):
        a, b = coefficients(z)
        return np.array([[a, b], [0.0, a]])

    assert np.array_equal(matrix(x * y), matrix(x) @ matrix(y))


@given(reals, reals, st.floats(0.1, 3))
def test_chain_product_and_quotient_rules(x, v, y):
    dsin, dexp = jvp(np.sin, x, v)[1], jvp(np.exp, x, v)[1]
    sin, exp = np.sin(x), np.exp(x)
    tight = {"rtol": 2.0**-50, "atol": 2.0**-50}  # a few roundings of numbers of size 10
    np.testing.assert_allclose(jvp(lambda x: np.sin(np.exp(x)), x, v)[1], jvp(np.sin, exp, dexp)[1], **tight)
    np.testing.assert_allclose(jvp(lambda x: np.sin(x) * np.exp(x), x, v)[1], dsin * exp + sin * dexp, **tight)
    np.testing.assert_allclose(
        jvp(lambda x: np.sin(x) / (y + np.exp(x)), x, v)[1],
        (dsin * (y + exp) - sin * dexp) / (y + exp) ** 2,
        **tight,
    )


@given(st.integers(0, 2**32 - 1), reals, reals)
def test_the_derivative_is_linear_in_the_direction(seed, a, b):
    x, u, v = np.random.default_rng(seed).standard_normal((3, 4))

    def f(x):
        return np.sin(x) * np.sum(x * x) + np.linalg.norm(x)

    for route in (lambda v: jvp(f, x, v)[1], lambda v: complex_step(f, x, v)):
        np.testing.assert_allclose(route(a * u + b * v), a * route(u) + b * route(v), rtol=0, atol=1e-12)


PROGRAMS = [
    lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3),
    lambda x: np.tanh(x) * np.log1p(x * x) - 1 / (1 + np.exp(-x)),
    lambda x: np.sinh(x) ** 2 - np.cosh(x) ** 2 * np.arctan(x),
    lambda x: (x**5 - 3 * x**2 + 1) / (2 + np.cos(3 * x)),
    lambda x: np.sqrt(1 + x**4) - np.arcsinh(np.exp(np.sin(x))),
]


@pytest.mark.parametrize("f", PROGRAMS)
@given(x=st.floats(0.1, 1.5))
def test_dual_and_complex_step_agree_to_the_last_bits_and_with_mpmath(f, x):
    mp.mp.dps = 40
    names = ("exp", "sqrt", "sin", "cos", "tanh", "log1p", "sinh", "cosh", "arctan", "arcsinh")
    multiprecision = {name: getattr(mp, {"arctan": "atan", "arcsinh": "asinh"}.get(name, name)) for name in names}
    g = type(f)(f.__code__, {"np": type("mpmath", (), multiprecision)})
    exact = float(mp.diff(g, mp.mpf(x)))
    scale = abs(exact) + abs(float(f(x)))
    dual, step = jvp(f, x, 1.0)[1], complex_step(f, x)
    assert abs(dual - step) <= 32 * 2.0**-53 * scale  # a dozen operations, each of a unit or two in the last place
    assert abs(dual - exact) <= 32 * 2.0**-53 * scale


def test_squire_and_trapp_s_function_to_a_few_units_in_the_last_place():
    """Four of them: exp, sin and cos are right to a unit, more or less, and which one hangs on the processor."""
    mp.mp.dps = 40
    exact = mp.diff(lambda x: mp.exp(x) / mp.sqrt(mp.sin(x) ** 3 + mp.cos(x) ** 3), mp.mpf(1.5))
    for answer in (complex_step(PROGRAMS[0], 1.5), jvp(PROGRAMS[0], 1.5, 1.0)[1]):
        assert abs(mp.mpf(float(answer)) - exact) <= 4 * np.spacing(answer)


# ------------------------------------------------------------------------------------------- nesting


def derivative(f):
    return lambda x: jvp(f, x, 1.0)[1]


@pytest.mark.parametrize("order", range(6))
def test_derivatives_nest_to_any_depth(order):
    f, exact = (lambda x: x**5), 1.0
    for k in range(order):
        f, exact = derivative(f), exact * (5 - k)
    assert f(2.0) == exact * 2.0 ** (5 - order)


def test_perturbations_are_not_confused():
    # d/dx [x d/dy (x + y)] = d/dx [x] = 1; with one shared epsilon it would be 2 (Siskind and Pearlmutter 2005).
    assert jvp(lambda x: x * jvp(lambda y: x + y, 1.0, 1.0)[1], 1.0, 1.0)[1] == 1.0
    # The inner function returns the outer number: it does not depend on y at all.
    assert jvp(lambda x: jvp(lambda y: x, 1.0, 1.0)[1] + x * x, 3.0, 1.0)[1] == 6.0


@given(reals, reals)
def test_mixed_second_derivatives_are_symmetric(x, y):
    def f(x, y):
        return np.sin(x * y) * np.exp(x - y)

    xy = jvp(lambda x: jvp(lambda y: f(x, y), y, 1.0)[1], x, 1.0)[1]
    yx = jvp(lambda y: jvp(lambda x: f(x, y), x, 1.0)[1], y, 1.0)[1]
    assert abs(xy - yx) <= 2.0**-44 * (1 + np.exp(x - y) * (1 + x * x) * (1 + y * y))


def test_the_direction_may_be_differentiated_too():
    assert jvp(lambda v: jvp(np.sin, 0.0, v * v)[1], 3.0, 1.0)[1] == 6.0


def test_dual_over_complex_is_a_second_derivative():
    assert complex_step(derivative(lambda x: x**4), 2.0) == 48.0


def test_complex_over_dual_is_refused():
    with pytest.raises(UnsupportedError, match="second derivative"):
        jvp(lambda x: complex_step(lambda y: x * y, 2.0), 1.0, 1.0)
    with pytest.raises(UnsupportedError, match="jvp inside of jvp"):
        jvp(lambda x: complex_step(np.sin, x), 1.0, 1.0)


@pytest.mark.parametrize("route", [lambda f: jvp(f, 1.0, 1.0), lambda f: complex_step(f, 1.0)], ids=["dual", "complex"])
def test_an_escaped_number_raises(route):
    escaped = []
    route(lambda x: escaped.append(x) or x)
    for use in (
        lambda: escaped[0] + 1.0,
        lambda: escaped[0] > 0,
        lambda: jvp(lambda y: y * escaped[0], 1.0, 1.0),
        lambda: jvp(lambda y: escaped[0], 1.0, 1.0),
    ):
        with pytest.raises(EscapedError, match="escaped"):
            use()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_keeps_its_derivative(copied):
    assert jvp(lambda x: copied(x) * x, 3.0, 1.0)[1] == 6.0
    assert complex_step(lambda x: copied(x) * x, 3.0) == 6.0


def test_threads_do_not_interfere():
    answers = {}

    def work(k):
        for _ in range(200):
            answers.setdefault(k, set()).add(float(jvp(lambda x: jvp(lambda y: x * y**k, x, 1.0)[1], 2.0, 1.0)[1]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    # d/dx of x k x**(k-1) = k x**k is k**2 x**(k-1)
    assert answers == {k: {k**2 * 2.0 ** (k - 1)} for k in range(1, 5)}


# ------------------------------------------------------------------------------------- dual numbers


def test_a_dual_of_arrays_broadcasts_and_keeps_its_shape():
    x = Dual(np.ones((3, 1)), np.ones((3, 1)))
    y = x * np.arange(4.0) + 1
    assert y.shape == y.value.shape == y.tangent.shape == (3, 4)
    assert np.array_equal(y.tangent, np.broadcast_to(np.arange(4.0), (3, 4)))
    assert len(x) == 3
    assert [row.shape for row in x] == [(1,)] * 3
    assert f"{Dual(0.5, 1.0):.1f}" == "0.5"


@pytest.mark.parametrize(
    ("value", "tangent", "error", "says"),
    [
        (np.array([1, 2]), np.array([1.0, 2.0]), TypeError, r"value\.astype\(float\)"),
        (np.ones(2), np.array([1, 2]), TypeError, r"tangent\.astype\(float\)"),
        (np.ones(2), np.ones(3), ValueError, "broadcast_to"),
        (1.0 + 2j, 1.0, TypeError, "complex128"),
        (True, 1.0, TypeError, "bool"),
    ],
)
def test_what_is_no_dual_number_is_refused(value, tangent, error, says):
    with pytest.raises(error, match=says):
        Dual(value, tangent)


def test_python_s_integers_are_exact_coefficients():
    assert coefficients(Dual(2, 3) * Dual(4, 5)) == (8.0, 22.0)


def test_in_place_addition_rebinds_a_scalar_as_numpy_s_scalars_do():
    def f(x):
        total = x[0]
        for a in x[1:]:
            total += a * a
        return total

    assert jvp(f, np.array([1.0, 2.0, 3.0]), np.ones(3)) == (14.0, 11.0)


def test_a_complex_number_prints_what_it_is():
    assert repr(Complex(1.0, 0.5)) == "Complex(np.complex128(1+0.5j))"
    assert repr(Dual(np.ones(1), np.zeros(1))) == "Dual(array([1.]), array([0.]))"


def test_branches_go_by_the_real_value():
    def f(x):
        y = 0.0 * x
        while y < 2.0:
            y = y + x * x
        return y if y > 2.5 else -y

    x = 0.9
    assert jvp(f, x, 1.0)[0] == f(x)
    assert jvp(f, x, 1.0)[1] == pytest.approx(complex_step(f, x), rel=1e-14)
