"""Derivatives to order three where a rule has a guard: at zeros, integers, ties, infinities and NaN, by every route."""

import functools
import itertools
import math
import operator

import numpy as np
import pytest
import sympy as sp

from mathlib import UnsupportedError, complex_step, grad, hessian, hvp, jvp
from mathlib.nn import softmax_cross_entropy

a, b = sp.symbols("a b", real=True)
POINTS = [sp.Rational(p) for p in ("0", "1", "-1", "2", "1/2", "-3")]
INF, NAN = math.inf, math.nan


def along(f, v):
    return lambda x: jvp(f, x, v)[1]


def into(f, v):
    return lambda x: np.vdot(grad(f)(x), v)


def product(f, u, v, method):
    return lambda x: np.vdot(hvp(f, x, u, method=method), v)


def form(f, u, v):
    return lambda x: hessian(f, x).quadratic(u, v)


def step(f, v):
    return lambda x: complex_step(f, x, v)


def routes(f, *directions):
    """The derivative of f along one to three directions: by dual numbers, a complex step, nodes, nested."""
    u, v, w = (*directions, None, None)[:3]
    if len(directions) == 1:
        return {"dual": along(f, u), "complex": step(f, u), "reverse": into(f, u)}
    if len(directions) == 2:
        two = {m: product(f, u, v, m) for m in ("dual", "complex_step", "double_backprop")}
        return two | {
            "hessian": form(f, u, v),
            "dual of dual": along(along(f, u), v),
            "dual of reverse": along(into(f, u), v),
            "reverse of dual": into(along(f, u), v),
            "complex of dual": step(along(f, u), v),
        }
    return {
        "dual of dual of dual": along(along(along(f, u), v), w),
        "reverse of reverse of reverse": into(into(into(f, u), v), w),
        "reverse of dual of reverse": into(along(into(f, u), v), w),
        "dual of hvp": along(product(f, u, v, "dual"), w),
        "complex hvp of dual": product(along(f, u), v, w, "complex_step"),
        "hessian of reverse": form(into(f, u), v, w),
    }


def exact(expression, symbols, point):
    """Sympy's value at a point as a float; None where there is none."""
    value = expression.subs(dict(zip(symbols, point, strict=True)))
    if value.has(sp.nan, sp.zoo, sp.oo) or not value.is_number or not value.is_real:
        return None
    return float(value)


def square_matrix(*rows):
    return np.stack([np.stack(row) for row in rows])


# Programs of one number, and what they are. Each is smooth at the points, or has no derivative there.
ONE = {f"x**{p}": (lambda x, p=p: x**p, a ** sp.Rational(p)) for p in (0, 1, 2, 3, 4, -1, -2, 0.0, 0.5, 1.5, 2.0, 2.5)}
ONE |= {
    f"np.{f.__name__}": (f, e)
    for f, e in {
        np.reciprocal: 1 / a,
        np.sqrt: sp.sqrt(a),
        np.log: sp.log(a),
        np.log1p: sp.log(1 + a),
        np.expm1: sp.exp(a) - 1,
        np.tan: sp.tan(a),
        np.arcsin: sp.asin(a),
        np.arccos: sp.acos(a),
        np.arctan: sp.atan(a),
        np.tanh: sp.tanh(a),
        np.arcsinh: sp.asinh(a),
        np.arccosh: sp.acosh(a),
        np.arctanh: sp.atanh(a),
    }.items()
}
ONE |= {
    "powers 0 to 4": (lambda x: np.sum(x ** np.arange(5)), 1 + a + a**2 + a**3 + a**4),
    "float powers 0 to 3": (lambda x: np.sum(np.float_power(x, [0.0, 1.0, 2.0, 3.0])), 1 + a + a**2 + a**3),
    "1**x": (lambda x: 1.0**x, 0 * a + 1),
    "x x**0": (lambda x: x * x**0, a),
    "prod with a zero": (lambda x: np.prod(np.stack([x, x, 0.0])), 0 * a),
    "prod through zero": (lambda x: np.prod(np.stack([x, x, x - 1])), a * a * (a - 1)),
    "polyval": (lambda x: np.polyval([1.0, 2.0, 0.0, 3.0], x), a**3 + 2 * a**2 + 3),
    "hypot with a constant": (lambda x: np.hypot(x, 3.0), sp.sqrt(a**2 + 9)),
    "logaddexp of equals": (lambda x: np.logaddexp(x, x), a + sp.log(2)),
    "logaddexp2 of equals": (lambda x: np.logaddexp2(x, x), a + 1),
    "logaddexp with -inf": (lambda x: np.logaddexp(-INF, np.logaddexp(x, -INF)) ** 3, a**3),
    "maximum of equals": (lambda x: np.maximum(x, x) ** 3, a**3),
    "max of equals": (lambda x: np.max(np.stack([x, x, x])) ** 3, a**3),
    "median of equals": (lambda x: np.median(np.stack([x, x, x])) ** 3, a**3),
    "sort with inf": (lambda x: np.sort(np.stack([INF, x]))[0] ** 3, a**3),
    "fmax over NaN": (lambda x: np.fmax(x, NAN) ** 3, a**3),
    "fmin over NaN": (lambda x: np.fmin(NAN, x) ** 3, a**3),
    "clip at infinities": (lambda x: np.clip(x, -INF, INF) ** 3, a**3),
    "where over NaN": (lambda x: np.where(x < 5, x**3, NAN), a**3),
    "where over a hidden log": (lambda x: np.where(x > 5, np.log(np.where(x > 5, x, 1.0)), x**3), a**3),
    "abs away from 0": (lambda x: np.abs(x**3 - 100), 100 - a**3),
    "remainder": (lambda x: np.remainder(x**3 + 50.25, 100.0), a**3 + sp.Rational(201, 4)),
    "var of equals": (lambda x: np.var(np.stack([x, 1.0, 1.0])), sp.Rational(2, 9) * (a - 1) ** 2),
    "power of a singular matrix": (
        lambda x: np.linalg.matrix_power(square_matrix([x, x], [x, x]), 3)[0, 0], 4 * a**3,
    ),
    "solve with a zero": (lambda x: np.linalg.solve(square_matrix([x + 5, x], [x, x + 7]), np.zeros(2))[0] + x, a),
}  # fmt: skip
TWO = {
    "a**b": (operator.pow, a**b),
    "np.power": (np.power, a**b),
    "divide": (np.divide, a / b),
    "hypot": (np.hypot, sp.sqrt(a**2 + b**2)),
    "arctan2": (np.arctan2, sp.atan2(a, b)),
    "logaddexp": (np.logaddexp, sp.log(sp.exp(a) + sp.exp(b))),
}
# Along an axis a derivative may exist where the function has none: it is refused, or right.
PARTIAL = {"a**b", "np.power", "hypot", "arctan2"}


@functools.cache
def derivatives(expression, symbols, order):
    return {
        i: sp.diff(expression, *(symbols[k] for k in i)) for i in itertools.product(range(len(symbols)), repeat=order)
    }


def check(f, expression, symbols, points, orders, may_refuse=False):
    right = 0
    for point in itertools.product(points, repeat=len(symbols)):
        x = np.array([float(p) for p in point])
        with np.errstate(all="ignore"):
            if not np.isfinite(f(x)):
                continue
        for order in orders:
            for i, derivative in derivatives(expression, symbols, order).items():
                truth = exact(derivative, symbols, point)
                for name, route in routes(f, *(np.eye(len(x))[k] for k in i)).items():
                    where = point, i, name
                    try:
                        answer = route(x)
                    except FloatingPointError:
                        assert truth is None or may_refuse, where
                        continue
                    if truth is not None:
                        right += 1
                        assert abs(answer - truth) <= 1e-9 * (1 + abs(truth)), (*where, answer, truth)
                    else:
                        assert may_refuse, (*where, answer)
    assert right > 15


@pytest.mark.filterwarnings("ignore:the loss does not depend")  # nor does the gradient of a linear function
@pytest.mark.parametrize("name", ONE)
def test_three_derivatives_at_special_points(name):
    f, expression = ONE[name]
    check(lambda x: f(x[0]), expression, (a,), POINTS, (1, 2, 3))


@pytest.mark.parametrize("name", TWO)
def test_mixed_derivatives_at_special_points(name):
    f, expression = TWO[name]
    check(lambda x: f(x[0], x[1]), expression, (a, b), [sp.Integer(p) for p in (0, 1, -1, 23)], (1, 2), name in PARTIAL)


def test_the_mixed_derivative_of_a_power_at_the_exponent_zero():
    x = np.array([23.0, 0.0])
    exact = np.array([[0.0, 1 / 23], [1 / 23, math.log(23) ** 2]])
    np.testing.assert_allclose(hessian(lambda z: z[0] ** z[1], x).dense(), exact, rtol=1e-15)


# ------------------------------------------------------------------------------- infinite constants

Z = np.array([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]])
MASK, LABELS = np.array([[True, False, True], [True, True, False]]), np.array([0, 1])


def shifted(z):
    z = np.where(MASK, z, -INF)
    return z - np.max(z, axis=1, keepdims=True)


def by_hand(z):
    logits = shifted(z)
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - logits[np.arange(2), LABELS])


def of_softmax(z):
    e = np.exp(shifted(z))
    return -np.mean(np.log((e / np.sum(e, axis=1, keepdims=True))[np.arange(2), LABELS]))


def by_logaddexp(z):
    z = np.where(MASK, z, -INF)
    total = np.logaddexp(np.logaddexp(z[:, 0], z[:, 1]), z[:, 2])
    return np.mean(total - z[np.arange(2), LABELS])


def masked(z):
    return softmax_cross_entropy(np.where(MASK, z, -INF), LABELS)


def masked_by_a_sum(z):
    return softmax_cross_entropy(z + np.where(MASK, 0.0, -INF), np.eye(3)[LABELS])


@pytest.mark.parametrize("loss", [by_hand, of_softmax, by_logaddexp, masked, masked_by_a_sum])
def test_a_masked_logit_has_no_probability_and_no_derivative(loss):
    e = np.where(MASK, np.exp(Z), 0.0)
    p, v = e / e.sum(1, keepdims=True), np.random.default_rng(0).standard_normal(Z.shape)
    g, Hv = (p - np.eye(3)[LABELS]) / 2, (p * v - p * (p * v).sum(1, keepdims=True)) / 2
    np.testing.assert_allclose(grad(loss)(Z), g, atol=1e-15)
    np.testing.assert_allclose(jvp(loss, Z, v)[1], np.vdot(g, v), rtol=1e-14)
    np.testing.assert_allclose(complex_step(loss, Z, v), np.vdot(g, v), rtol=1e-14)
    for method in ("dual", "complex_step", "double_backprop"):
        np.testing.assert_allclose(hvp(loss, Z, v, method=method), Hv, atol=1e-15)
    np.testing.assert_allclose(hessian(loss, Z) @ v, Hv, atol=1e-15)


def test_a_derivative_that_a_where_hides_is_told_of_the_inner_one():
    with pytest.raises(FloatingPointError, match=r"np\.log.*inner np\.where"):
        grad(lambda x: np.where(x > 0, np.log(x), 0.0))(0.0)


# ------------------------------------------------------------------------------ out of range, and back

CHAINS = [  # a program, a point for each precision, its first and second derivative
    (lambda x: np.arcsinh(np.exp(x)), 400.0, 50.0, 1.0, 0.0),
    (lambda x: np.arccosh(np.cosh(x)), 700.0, 80.0, 1.0, 0.0),
    (lambda x: np.log(np.exp(-x)), 700.0, 80.0, -1.0, 0.0),
    (lambda x: np.log(np.sqrt(np.exp(-x))), 700.0, 80.0, -0.5, 0.0),
    (lambda x: np.log(np.cbrt(np.exp(-x))), 700.0, 80.0, -1 / 3, 0.0),
    (lambda x: np.log(np.exp(x) ** -1.0), 700.0, 80.0, -1.0, 0.0),
    (lambda x: np.log(1 / np.cosh(x)), 700.0, 80.0, -1.0, 0.0),
    (lambda x: np.log(np.log1p(np.exp(-x))), 700.0, 80.0, -1.0, 0.0),
    (lambda x: np.log(np.hypot(np.exp(x), np.exp(x))), 600.0, 80.0, 1.0, 0.0),
    (lambda x: np.arctan2(np.exp(x), np.exp(2 * x - 1)), 1.0, 1.0, -0.5, 0.0),
    (lambda x: np.log(1 / np.cosh(x) ** 2), 300.0, 40.0, -2.0, 0.0),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("chain", range(len(CHAINS)))
def test_a_number_on_the_way_may_leave_the_range(chain, dtype):
    f, double, single, slope, bend = CHAINS[chain]
    x, one = dtype(double if dtype is np.float64 else single), dtype(1)
    near = {"rtol": 40 * np.finfo(dtype).eps * abs(x), "atol": 40 * np.finfo(dtype).eps}
    for answer in (jvp(f, x, one)[1], complex_step(f, x), grad(f)(x)):
        assert answer.dtype == dtype
        np.testing.assert_allclose(answer, slope, **near)
    for method in ("dual", "complex_step", "double_backprop"):
        np.testing.assert_allclose(hvp(f, x, one, method=method), bend, **near)
    np.testing.assert_allclose(hessian(f, x) @ one, bend, **near)


@pytest.mark.parametrize(
    ("dtype", "x"), [(np.float64, 400.0), (np.float64, 600.0), (np.float32, 50.0), (np.float32, 80.0)]
)
def test_the_way_back_starts_from_a_size_that_arrives(dtype, x):
    x = np.dtype(dtype).type(x)  # the gradient by exp(x) is exp(-2x), too small; by x it is exp(-x)
    for answer in (grad(lambda x: np.arctan(np.exp(x)))(x), jvp(lambda x: np.arctan(np.exp(x)), x, 1)[1]):
        np.testing.assert_allclose(answer, math.exp(-x), rtol=40 * np.finfo(dtype).eps * x)
    # Here it is too large; the components beside it keep their digits.
    large = np.array([1e-200, 2.0])
    np.testing.assert_allclose(grad(lambda x: np.sum(1 / (1 / x)))(large), 1, rtol=1e-14)
    np.testing.assert_allclose(jvp(lambda x: 1 / (1 / x), large, np.ones(2))[1], 1, rtol=1e-14)


def test_what_no_start_brings_into_range_is_refused():
    with pytest.raises(FloatingPointError, match=r"np\.reciprocal"):
        grad(np.reciprocal)(1e-300)
    with pytest.raises(FloatingPointError):
        complex_step(np.reciprocal, 1e-300)


@pytest.mark.parametrize(("dtype", "large"), [(np.float64, 1e200), (np.float32, 1e30)])
def test_a_product_s_halves_may_leave_the_range(dtype, large):
    x = np.array([large, 1 / large, large, 1 / large, -2], dtype)
    near = {"rtol": 20 * np.finfo(dtype).eps}
    np.testing.assert_allclose(jvp(np.prod, x, x)[1], -10, **near)
    np.testing.assert_allclose(grad(np.prod)(x), -2 / x, **near)
    np.testing.assert_allclose(hessian(np.prod, x) @ x, -8 / x, **near)
    x[0] = 0
    np.testing.assert_allclose(grad(np.prod)(x), [-2 / large, 0, 0, 0, 0], **near)


def test_determinants_of_scaled_and_batched_singular_matrices():
    A = np.stack([np.ones((2, 2)), np.eye(2), np.zeros((2, 2)), 1e-100 * np.ones((2, 2))])
    exact = [[[1, -1], [-1, 1]], np.eye(2), np.zeros((2, 2)), 1e-100 * np.array([[1, -1], [-1, 1]])]
    np.testing.assert_allclose(grad(lambda A: np.sum(np.linalg.det(A)))(A), exact, rtol=1e-12, atol=1e-115)
    assert grad(np.linalg.det)(np.zeros((1, 1))) == 1
    with pytest.raises(UnsupportedError, match="two derivatives"):
        jvp(along(along(np.linalg.det, np.eye(2)), np.eye(2)), np.ones((2, 2)), np.eye(2))
