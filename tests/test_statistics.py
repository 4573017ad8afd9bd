"""Statistics, accumulations, the calculus of tables and polynomials where they are degenerate, and what is refused."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import extrapolated_difference

from mathlib import UnsupportedError, check_grad, complex_step, grad, hessian, jvp, vjp
from mathlib.arithmetic import name_of
from mathlib.primitives.elementary import bessel_slope, sinc_slope

rng = np.random.default_rng(8)
METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
]
METHODS += ["linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest"]
NAN = math.nan


def gradient(program, x):
    """The gradient of a program of one number, checked against a complex step."""
    g, v = grad(program)(x), np.random.default_rng(1).standard_normal(np.shape(x))
    np.testing.assert_allclose(complex_step(program, x, v), np.vdot(g, v), rtol=1e-11, atol=1e-12)
    return g


# ------------------------------------------------------------------------------------ elementary


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("t", [0.0, 1e-300, 1e-8, 0.01, 1.0, 3.0, 7.9, 8.1, 13.0, 24.1, 300.0])
def test_derivatives_of_sinc(n, t):
    x = np.float64(t / math.pi)
    wave = (mp.cos, lambda t: -mp.sin(t), lambda t: -mp.cos(t), mp.sin)[n % 4]
    with mp.workdps(30):
        exact = mp.quad(lambda u: u**n * wave(mp.mpf(math.pi * x) * u), mp.linspace(0, 1, 3 + int(t / 10)))
    assert abs(sinc_slope(x, n) - exact) <= 2e-15  # rounding errors of a mean of numbers below 1
    if 1e-9 < t < 1:  # there no term has another sign
        assert abs(sinc_slope(x, n) - exact) <= 1e-14 * abs(exact)


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("x", [0.0, 1e-8, -0.3, 1.0, -20.0, 700.0])
def test_derivatives_of_i0(n, x):
    with mp.workdps(30):
        exact = mp.quad(lambda a: mp.cos(a) ** n * mp.exp(x * mp.cos(a)), mp.linspace(0, mp.pi, 12)) / mp.pi
    exact = 0 if x == 0 and n % 2 else exact
    assert abs(bessel_slope(np.float64(x), n) - exact) <= (4 + abs(x)) * 1e-15 * abs(exact)


def test_sinc_at_0_to_the_fourth_order():
    orders = [np.sinc]
    for _ in range(4):
        orders.append(lambda x, f=orders[-1]: jvp(f, x, 1.0)[1])
    values = [f(0.0) for f in orders[1:]]
    np.testing.assert_allclose(values, [0, -(math.pi**2) / 3, 0, math.pi**4 / 5], atol=1e-13)
    H = hessian(lambda x: np.sum(np.sinc(x)), np.zeros(2))
    np.testing.assert_allclose(H @ np.ones(2), -(math.pi**2) / 3, rtol=1e-13)
    check_grad(lambda x: np.sum(np.i0(x) * np.sinc(x)), np.array([0.0, 0.4, -2.0]), order=2)


def test_parts_of_a_number():
    x = np.array([5.0, -0.75, 0.0, 1e300, 1e-300])
    (m, slope), e = jvp(lambda x: np.frexp(x)[0], x, np.ones(5)), np.frexp(x)[1]
    np.testing.assert_array_equal(np.ldexp(m, e), x)
    np.testing.assert_array_equal(slope, np.ldexp(1.0, -e))
    assert jvp(lambda x: np.frexp(x)[0] * np.frexp(x)[1], 5.0, 1.0) == (0.625 * 3, 3 / 8)
    assert jvp(lambda x: sum(np.modf(x)), -2.5, 1.0) == (-2.5, 1.0)
    assert jvp(lambda x: divmod(x, 2.0)[0] * divmod(x, 2.0)[1], 5.5, 1.0) == (3.0, 2.0)
    assert jvp(lambda x: np.divmod(7.0, x)[1], 2.0, 1.0) == (1.0, -3.0)
    assert grad(lambda x: np.sum(np.ldexp(x, [[1], [-2]])))(3.0) == 2.25
    assert jvp(lambda x: np.nextafter(x, 9.0) * x, 2.0, 1.0) == (np.nextafter(2.0, 9.0) * 2, np.nextafter(2.0, 9.0) + 2)


# ----------------------------------------------------------------------- reductions, accumulations


def test_an_initial_number_is_one_more():
    x, w = np.array([3.0, 1.0, 2.0]), np.array([True, False, True])
    assert grad(lambda a: np.sum(x * a, initial=a))(2.0) == 7.0
    assert grad(lambda a: np.prod(x * a, initial=a, where=w))(2.0) == 3 * 6 * 4.0
    assert grad(lambda a: np.max(x + a, initial=2 * a, where=~w))(2.0) == 2.0
    assert grad(lambda a: np.min(x + a, initial=2 * a, where=w))(2.0) == 1.5  # a tie: half of each
    assert grad(lambda a: np.maximum.reduce(x + a, initial=9 * a))(2.0) == 9.0
    assert grad(lambda a: np.max(a * np.zeros(0), initial=a))(2.0) == 1.0
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.max(x, 0, initial=0.0)))(-x.reshape(3, 1)), np.zeros((3, 1)))


def products(x):
    """The gradient of the sum of cumulative products, by its definition."""
    g = np.zeros_like(x)
    for k, j in itertools.product(range(len(x)), repeat=2):
        if j <= k:
            g[j] += np.prod(np.delete(x[: k + 1], j))
    return g


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0.0, 1.0, -2.0, 0.5, 3.0]), min_size=1, max_size=9))
def test_cumulative_products_where_factors_are_zero(x):
    x = np.array(x)
    np.testing.assert_array_equal(jvp(np.cumprod, x, x)[0], np.cumprod(x))
    np.testing.assert_allclose(gradient(lambda x: np.sum(np.cumprod(x)), x), products(x), rtol=1e-13)


def test_cumulative_products_whose_factors_leave_the_range_together():
    for x in np.array([[1.0, 1e-300, 1e200, 1e200], [1e300, 1.0, 1e-200, 1e-200]]):
        value, slope = jvp(lambda t, x=x: np.cumprod(t * x), 1.0, 1.0)
        np.testing.assert_allclose(value, np.cumprod(x), rtol=1e-14)
        np.testing.assert_allclose(slope, np.cumprod(x) * np.arange(1, 5), rtol=1e-14)


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 13])
def test_accumulations_are_the_function_applied_again_and_again(function, n):
    x, w = rng.standard_normal((2, n))

    def accumulate(x):
        y = [x[0]]
        for number in x[1:]:
            y.append(function(y[-1], number))
        return np.stack(y)

    def segments(x):
        return np.stack([accumulate(x[: max(n // 2, 1)])[-1], accumulate(x[n // 2 :])[-1]])

    pairs = [(function.accumulate, accumulate)]
    if function is not np.hypot:
        pairs += [(function.reduce, lambda x: accumulate(x)[-1])]
        pairs += [(lambda x: function.reduceat(x, [0, n // 2]), segments)]
    for short, long in pairs:
        np.testing.assert_allclose(jvp(short, x, w)[0], long(x), rtol=1e-14)
        scale = np.arange(1, 1 + np.size(long(x)))
        g = [gradient(lambda x, f=f, scale=scale: np.sum(scale * f(x) ** 2), x) for f in (short, long)]
        np.testing.assert_allclose(*g, rtol=1e-12, atol=1e-14)


def test_ties_of_a_running_maximum_share_it():
    slopes = vjp(np.maximum.accumulate, np.array([1.0, 1.0, 0.0, 1.0]))[1]
    for k in range(4):
        g = slopes(np.eye(4)[k])
        assert g[2] == 0
        assert sum(g) == 1
        assert min(g) >= 0


def test_logaddexp_over_an_array_does_not_overflow():
    x = np.array([[1000.0, 1000.0 + math.log(3)], [-1000.0, -1000.0]])
    np.testing.assert_allclose(gradient(lambda x: np.sum(np.logaddexp.reduce(x, 1)), x), [[0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(grad(lambda x: np.logaddexp.reduce(x, None))(x)[0], [0.25, 0.75])


# ----------------------------------------------------------------------------- what is not a number


MISSING = np.array([[1.0, NAN, 3.0, -2.0], [NAN, 0.5, 0.25, 4.0], [2.0, -1.0, 7.0, 5.0]])
OF_NAN = {
    np.nansum: np.sum,
    np.nanprod: np.prod,
    np.nanmean: np.mean,
    np.nanvar: np.var,
    np.nanstd: np.std,
    np.nanmax: np.max,
    np.nanmin: np.min,
    np.nanmedian: np.median,
    (lambda x: np.nanquantile(x, [0.3, 0.8])): lambda x: np.quantile(x, [0.3, 0.8]),
    (lambda x: np.nanpercentile(x, 10.0, method="hazen")): lambda x: np.percentile(x, 10.0, method="hazen"),
}


@pytest.mark.parametrize("function", OF_NAN, ids=name_of)
def test_a_missing_number_is_as_if_it_were_not_there(function):
    for x in MISSING:
        known = ~np.isnan(x)

        hidden = np.where(known, 0, x)
        g = gradient(lambda x, hidden=hidden: np.sum(function(x + hidden) ** 2), np.where(known, x, 0))
        np.testing.assert_allclose(g[known], gradient(lambda x: np.sum(OF_NAN[function](x) ** 2), x[known]), rtol=1e-13)
        assert not np.any(g[~known])


@pytest.mark.parametrize("f", [np.nanmax, np.nanmin, np.nanmedian, np.nanmean, np.nanvar], ids=name_of)
@pytest.mark.filterwarnings("ignore")
def test_of_nothing_there_is_no_statistic(f):
    with pytest.raises(FloatingPointError):
        jvp(lambda x: f(x * np.array([[NAN, NAN], [1.0, 2.0]]), axis=1), np.ones(2), np.ones(2))


@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, 0.2), lambda x: np.percentile(x, 0, method="lower")])
def test_an_order_statistic_of_a_nan_is_nan(f):
    with pytest.raises(FloatingPointError):
        jvp(lambda x: f(x + np.array([0.0, NAN, 0.0])), np.ones(3), np.ones(3))


def test_positions_are_constants():
    x = np.array([1.0, 5.0, 3.0])
    hidden = np.array([0.0, NAN, 0.0])
    assert jvp(lambda x: x[np.nanargmax(x + hidden)] * x[np.nanargmin(x + hidden)], x, np.ones(3))[1] == 4.0
    np.testing.assert_array_equal(grad(lambda x: x[np.argpartition(x, 1)[1]] ** 2)(x), [0, 0, 6])
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * np.digitize(x, [2.0, 4.0])))(x), [0, 2, 1])


@given(n=st.integers(1, 300), distinct=st.integers(1, 5), seed=st.integers(0, 1000), dtype=st.sampled_from("fd"))
def test_equal_numbers_are_sorted_in_the_order_in_which_they_came_whatever_the_processor(n, distinct, seed, dtype):
    rng = np.random.default_rng(seed)
    x, v, kth = rng.integers(distinct, size=n).astype(dtype), np.arange(n, dtype=dtype), rng.integers(n)
    order = sorted(range(n), key=lambda i: x[i])
    np.testing.assert_array_equal(jvp(np.sort, x, v)[1], order)
    assert jvp(lambda x: np.partition(x, kth)[kth], x, v)[1] == order[kth]


# --------------------------------------------------------------------------------------- quantiles


@settings(max_examples=60)
@given(
    method=st.sampled_from(METHODS),
    n=st.integers(1, 8),
    q=st.lists(st.floats(0, 1), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)
def test_quantiles_of_every_method_are_numpy_s_and_their_derivatives_those_of_the_sorted(method, n, q, seed):
    x = np.random.default_rng(seed).permutation(3 * n)[: 2 * n].reshape(n, 2) / 3
    for f in (np.quantile, np.nanquantile):
        value, tangent = jvp(lambda x, f=f: f(x, q, axis=0, method=method), x, x)
        np.testing.assert_allclose(value, f(x, q, axis=0, method=method), rtol=1e-14, atol=1e-14)
        np.testing.assert_allclose(tangent, value, rtol=1e-13, atol=1e-13)  # it is homogeneous of degree 1
    weights = vjp(lambda x: np.quantile(x, q[0], axis=0, method=method), x)[1](np.ones(2))
    assert np.allclose(np.sum(weights, 0), 1)  # and moves with x
    assert np.max(np.count_nonzero(weights, 0)) <= 2


def test_the_derivative_of_a_quantile_by_its_level():
    x = np.array([4.0, 0.0, 1.0, 2.5])
    np.testing.assert_allclose(grad(lambda q: np.sum(np.quantile(x, q)))(np.array([0.1, 0.5, 0.9])), [3, 4.5, 4.5])
    assert jvp(lambda q: np.percentile(x, q), 50.0, 1.0)[1] == pytest.approx(0.045)
    assert jvp(lambda q: np.quantile(x, q), 1.0, 1.0)[1] == 4.5
    assert jvp(lambda q: np.nanquantile(np.append(x, NAN), q), 0.1, 1.0)[1] == pytest.approx(3.0)
    for q in (-0.1, 1.1):
        with pytest.raises(ValueError, match="outside"):
            jvp(lambda x, q=q: np.quantile(x, q), x, x)


# ----------------------------------------------------------------------- variances and covariances


@pytest.mark.filterwarnings("ignore")
def test_there_are_no_degrees_of_freedom_below_0():
    for program in (lambda x: np.var(x, ddof=3), lambda x: np.cov(x, ddof=3), lambda x: np.nanvar(x, ddof=2)):
        with pytest.raises(FloatingPointError):
            jvp(program, np.array([1.0, 2.0]), np.ones(2))


def test_a_perfect_correlation_has_its_second_derivative():
    x = np.array([1.0, 2.0, 4.0])

    def correlation(t):
        return np.corrcoef(x, x + t * np.array([1.0, -1.0, 1.0]))[0, 1]

    second = jvp(lambda t: jvp(correlation, t, 1.0)[1], 0.0, 1.0)[1]
    plain = extrapolated_difference(lambda t: jvp(correlation, t, 1.0)[1], 0.0, 1.0)
    assert second == pytest.approx(plain, rel=1e-7)
    assert second < -0.1


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), density=st.booleans(), uniform=st.booleans())
def test_a_histogram_is_linear_in_its_weights(seed, density, uniform):
    draw = np.random.default_rng(seed)
    x, w, v = draw.integers(0, 9, 12) / 2, draw.uniform(0.5, 2, 12), draw.standard_normal(12)
    bins, limits = (4, (0.5, 3.5)) if uniform else ([0.0, 0.5, 2.0, 3.5], None)

    def program(w):
        return np.histogram(x, bins, limits, density, w)[0]

    value, tangent = jvp(program, w, v)
    np.testing.assert_allclose(value, program(w), rtol=1e-13)
    np.testing.assert_allclose(tangent, extrapolated_difference(program, w, v), rtol=1e-7, atol=1e-7)
    counts = jvp(lambda x: x[:3] * np.histogram(x, bins, limits)[0][:3], x, np.ones(12))[1]
    np.testing.assert_array_equal(counts, np.histogram(x, bins, limits)[0][:3])


# ---------------------------------------------------------------------------------------- calculus


def test_interpolation_at_its_knots():
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, -2.0])
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    value, slope = jvp(lambda x: np.interp(x, xp, fp), x, np.ones(7))
    np.testing.assert_array_equal(value, np.interp(x, xp, fp))
    np.testing.assert_array_equal(slope, [0, 1, 1, -2, -2, 0, 0])
    rows = vjp(lambda fp: np.interp(x, xp, fp), fp)[1](np.ones(7))
    np.testing.assert_array_equal(rows, [2.5, 2.0, 2.5])
    assert jvp(lambda y: np.interp(-1.0, xp, fp * y, left=y**2, right=0.0), 3.0, 1.0)[1] == 6.0
    np.testing.assert_array_equal(grad(lambda fp: np.interp(0.3, [2.0], fp))(np.array([5.0])), [1.0])
    jump = jvp(lambda x: np.interp(x, [0.0, 1.0, 1.0], fp), np.array([0.5, 1.0, 1.5]), np.ones(3))
    np.testing.assert_array_equal(jump, [[1.5, -2.0, -2.0], [1.0, 0.0, 0.0]])


def test_gradients_are_exact_of_parabolas():
    x = np.array([0.0, 0.5, 2.0, 2.25])
    for f in (lambda c, x: c * x**2, lambda c, x: c * x * x):
        value, slope = jvp(lambda c, f=f: np.gradient(f(c, x), x, edge_order=2), 3.0, 1.0)
        np.testing.assert_allclose([value, slope], [6 * x, 2 * x], rtol=1e-13, atol=1e-14)
    far = jvp(lambda f: np.gradient(f, 1e8 + x), (x**2).astype(np.float32), np.ones(4))[0]
    np.testing.assert_allclose(far, np.gradient(x**2, x), rtol=1e-6)  # the differences are taken first
    by_x = jvp(lambda t: np.gradient(x**2, x * t, edge_order=2), 1.0, 1.0)[1]
    np.testing.assert_allclose(by_x, -2 * x, rtol=1e-13, atol=1e-14)
    f = rng.standard_normal((3, 4))
    for got, plain in zip(jvp_all(lambda f: np.gradient(f, 0.5, x), f), np.gradient(f, 0.5, x), strict=True):
        np.testing.assert_allclose(got, plain, rtol=1e-13, atol=1e-14)


def jvp_all(program, x):
    """The tangents along x of each result."""
    return [jvp(lambda x, i=i: program(x)[i], x, x)[1] for i in range(len(program(x)))]


def test_pieces():
    x = np.array([-2.0, 0.0, 3.0, 5.0])

    def program(x):
        return np.piecewise(x, [x > 4, x > 1, x < 0], [np.log, lambda x: x**2, 7.0, lambda x: 3 * x])

    value, slope = jvp(program, x, np.ones(4))
    np.testing.assert_array_equal(value, program(x))
    np.testing.assert_allclose(slope, [0, 3, 6, 10])
    np.testing.assert_allclose(gradient(lambda x: np.sum(program(x)), x), slope)
    assert jvp(lambda x: np.piecewise(x, x > 0, [np.square, np.exp]), 3.0, 1.0)[1] == 6.0


# -------------------------------------------------------------------------------------- polynomials


def test_polynomials_differentiate_by_their_coefficients_and_zeros():
    zeros = np.array([1.0, 1.0, -2.0])
    np.testing.assert_array_equal(jvp(np.poly, zeros, np.ones(3))[0], np.poly(zeros))
    np.testing.assert_array_equal(jvp(np.poly, zeros, np.array([0.0, 0.0, 1.0]))[1], -np.append(0, np.poly([1, 1])))
    p = np.array([2.0, 0.0, -1.0])
    assert jvp(lambda p: np.polyval(np.polyder(np.polyint(p)), 3.0), p, p) == (17.0, 17.0)
    np.testing.assert_array_equal(
        jvp(lambda k: np.polyint(6 + 0 * k[None], 2, k=np.stack([1.0, k])), 3.0, 1.0), [[3, 1, 3], [0, 0, 1]]
    )
    assert jvp(lambda p: np.polymul([0.0, 0.0], p), p, p)[0].shape == np.polymul([0.0, 0.0], p).shape
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.vander(x)[:, -1]) + x[0])(np.zeros(2)), [1, 0])


@pytest.mark.parametrize("degree", [3, 9])
def test_a_fit_of_high_degree_keeps_its_digits(degree):
    x, y = np.linspace(0, 1, 25), rng.standard_normal(25)
    value, pullback = vjp(lambda y: np.polyval(np.polyfit(x, y, degree), x), y)
    projection, _ = np.linalg.qr(np.vander(2 * x - 1, degree + 1))
    np.testing.assert_allclose(value, projection @ (projection.T @ y), atol=1e-8)  # degree 9 has a condition of 1e7
    np.testing.assert_allclose(pullback(y), value, atol=1e-8)


def test_fits_by_their_points():
    x, y, w = np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0]), np.array([1.0, 2.0, 0.5, 1.0])
    check_grad(lambda x: np.sum(np.polyfit(x, y, 2) ** 2), x, order=2)
    check_grad(lambda w: np.sum(np.polyfit(x, y, 1, w=w) ** 2), w, order=2)
    check_grad(lambda y: np.sum(np.polyfit(x, np.stack([y, y * y], 1), 1, w=w) ** 3), y, order=2)


# ----------------------------------------------------------------------------------------- refusals


STEP = np.arange(3.0)
REFUSED = [
    (lambda x: np.quantile(x, 0.3, method="inverted_cdf", weights=[1, 2, 1]), "np.quantile", "leave it out"),
    (lambda x: np.quantile(STEP, x / 9, method="lower"), "np.quantile", "linear"),
    (lambda x: np.bincount(x), "np.bincount", "weights="),
    (lambda x: np.histogram(x, 4)[0], "np.histogram", "bins="),
    (lambda x: np.histogram(STEP, x)[0], "np.histogram", "bins="),
    (lambda x: np.histogram2d(x, x)[0], "np.histogram2d", "np.bincount"),
    (lambda x: np.polymul(x - 1, x), "np.polymul", "np.convolve"),
    (lambda x: np.poly(np.outer(x, x)), "np.poly", "np.linalg.det"),
    (lambda x: np.polydiv(x, [1.0, 2.0])[0], "np.polydiv", "add a rule"),
    (lambda x: np.polyfit(np.ones(3), x, 1), "np.polyfit", "a lower degree"),
    (lambda x: np.polyfit(STEP, x, 1, full=True), "np.polyfit", "leave it out"),
    (lambda x: np.ldexp(1.0, x), "np.ldexp", "constants"),
    (lambda x: np.add.reduceat(STEP, x), "np.asarray", "np.stack"),
    (lambda x: np.subtract.reduce(x), "np.subtract.reduce", "NumPy functions"),
    (lambda x: np.divide.accumulate(x), "np.divide.accumulate", "NumPy functions"),
    (lambda x: np.logaddexp.reduce(x, initial=0.0), "np.logaddexp.reduce", "combine"),
    (lambda x: np.nanmax(x, where=x > 1), "np.max", "leave it out"),
    (lambda x: np.sort_complex(x), "np.sort_complex", "np.sort(x)"),
    (lambda x: np.spacing(x), "np.spacing", "add a rule"),
]


@pytest.mark.parametrize(("program", "name", "instead"), REFUSED)
def test_what_has_no_derivative_is_refused_by_name(program, name, instead):
    x = np.array([1.0, 2.0, 3.0])
    for route in (lambda: jvp(program, x, x), lambda: grad(lambda x: np.sum(program(x)))(x)):
        with pytest.raises(UnsupportedError) as caught:
            route()
        message = str(caught.value)
        assert message.startswith(f"{name}:"), message
        assert instead in message.split("Instead: ")[1], message


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (lambda x: np.gradient(x, edge_order=3), ValueError),
        (lambda x: np.gradient(x[:2], edge_order=2), ValueError),
        (lambda x: np.gradient(x, [0.0, 1.0]), ValueError),
        (lambda x: np.gradient(x, 1.0, 2.0), TypeError),
        (lambda x: np.add.reduceat(x, [0, 3]), IndexError),
        (lambda x: np.polyder(x, -1), ValueError),
        (lambda x: np.cov(x.reshape(3, 1, 1)), ValueError),
        (lambda x: np.quantile(x, 0.5, method="none"), ValueError),
    ],
)
def test_a_wrong_call_is_wrong_here_too(program, error):
    for x in (np.arange(3.0), None):
        with pytest.raises(error):
            program(x) if x is not None else jvp(program, np.arange(3.0), np.ones(3))


# ------------------------------------------------------------------------------------------ float32


SINGLE = np.array([1.0, 2.0, 4.0, 3.0], np.float32)
OF_SINGLE = [
    lambda x: np.quantile(x, [0.3, 0.4]),
    lambda x: np.cov(x, x**2, aweights=[1.0, 2.0, 1.0, 1.0]),
    lambda x: np.interp(x, SINGLE[:3], SINGLE[1:], period=3.0),
    lambda x: np.gradient(x, 2.0),
    lambda x: np.cumprod(x) + np.nanmax(x, initial=0.5) + np.nanmean(x) + np.sum(x, initial=np.float64(1.0)),
    lambda x: np.polyfit(SINGLE, x, 1, w=[1.0, 2.0, 1.0, 1.0]),
    lambda x: np.polyder(np.polyint(x, 2), 2) + np.poly(x)[1:],
    lambda x: np.histogram([0, 1, 2, 3], 4, weights=x, density=True)[0] + np.bincount([0, 1, 1, 3], x),
    lambda x: np.piecewise(x, [x > 2], [np.sin, 1]) + np.where(x > 2, x, 0.5) + np.ediff1d(x, [1.0]),
    lambda x: np.sinc(x) + np.i0(x) + np.ldexp(x, [1, 2, 3, 4]) + np.frexp(x)[0] + np.logaddexp.reduce(x),
]


@pytest.mark.parametrize("program", OF_SINGLE)
def test_float32_stays_float32(program):
    value, tangent = jvp(program, SINGLE, SINGLE)
    g = vjp(program, SINGLE)[1](np.ones_like(value))
    assert {a.dtype for a in (value, tangent, complex_step(program, SINGLE, SINGLE), g)} == {np.dtype("f4")}
    exact = jvp(program, SINGLE.astype(float), SINGLE.astype(float))
    np.testing.assert_allclose([value, tangent], exact, rtol=1e-4, atol=1e-4)
