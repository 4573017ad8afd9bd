"""The rows of SciPy's functions, the programs in place of those that do not dispatch, and sparse products."""

import re
import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.spatial.distance
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import extrapolated_difference
from programs_scipy import ORACLE, ORDERED, S
from scipy import special
from test_reverse import adjoint, scalar, second_order_law

from mathlib import NonAnalyticError, UnsupportedError, check_grad, complex_step, grad, hessian, hvp, jvp, vjp
from mathlib.arithmetic import name_of
from mathlib.primitives import special as ours
from mathlib.primitives.replacements import PROGRAMS, SCIPY

X, V = np.array([0.3, 0.7, 1.1]), np.array([1.0, -0.5, 0.25])


def slopes(f, x):
    """The derivative of an elementwise program, by each first-order route."""
    one = np.ones_like(x)
    return jvp(f, x, one)[1], complex_step(f, x, one), vjp(f, x)[1](one)


def along(f, v):
    return lambda x: jvp(f, x, v)[1]


# ----------------------------------------------------------------------------------------------- rows


def test_the_package_and_its_gradients_do_without_scipy_until_a_program_uses_it():
    program = "import sys, mathlib, numpy as np; mathlib.grad(lambda x: np.sum(np.exp(x) @ x))(np.ones(2))\n"
    program += "assert not any(name.startswith('scipy') for name in sys.modules)\n"
    program += "from scipy.special import erf\nassert 'mathlib.primitives.special' not in sys.modules\n"
    program += "assert abs(mathlib.grad(erf)(0.0) - 2 / np.pi**0.5) < 1e-15"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize("function", ORDERED, ids=name_of)
@settings(max_examples=8)
@given(data=st.data())
def test_a_row_of_constant_orders_agrees_with_mpmath_to_order_two(function, data):
    oracle, orders, interval = ORDERED[function]
    first, x = data.draw(st.sampled_from(orders)), data.draw(st.floats(*interval))

    def exact(n):
        return float(mp.diff(lambda x: oracle(*first, x), mp.mpf(x), n))

    # The difference of two Bessel functions loses what it has less than they: by that much of the value and slope.
    size = abs(exact(0)) + abs(exact(1)) + abs(exact(2)) + 1e-300
    program = lambda x: function(*first, x)  # noqa: E731
    for slope in slopes(program, np.array([x])):
        assert abs(slope[0] - exact(1)) <= 2.0**-42 * size
    assert abs(jvp(along(program, 1.0), x, 1.0)[1] - exact(2)) <= 2.0**-40 * size


@pytest.mark.parametrize("function", ORDERED, ids=name_of)
def test_all_routes_to_the_second_derivative_of_a_row_of_constant_orders_agree(function):
    _, orders, (low, high) = ORDERED[function]
    rng = np.random.default_rng(1)
    x, u, v = rng.uniform(low + 0.3 * (high - low), high - 0.1 * (high - low), 4), *rng.standard_normal((2, 4))
    for first in orders:
        program = lambda x, first=first: function(*first, x)  # noqa: E731
        adjoint(program, x, v)
        second_order_law(scalar(program, x), x, u, v)


@pytest.mark.parametrize("function", [*ORACLE, *ORDERED], ids=name_of)
def test_third_derivatives_agree_and_float32_stays(function):
    if function in ORACLE:
        n, (low, high), first = function.nin, ORACLE[function][1], ()
    else:
        n, (low, high), first = 1, ORDERED[function][2], ORDERED[function][1][-1]
    x, u, v, w = np.random.default_rng(2).uniform(size=(4, n, 3))
    x = low + (0.3 + 0.4 * x) * (high - low)

    def loss(x):
        return np.sum(np.sin(function(*first, *(x[i] for i in range(n)))))

    exact = jvp(along(along(loss, u), v), x, w)[1]
    size = np.sum(np.abs(exact)) + 1
    for third in (
        np.sum(w * grad(lambda x: np.sum(u * hvp(loss, x, v)))(x)),
        np.sum(w * grad(lambda x: np.sum(v * grad(lambda x: np.sum(u * grad(loss)(x)))(x)))(x)),
        np.sum(w * (hessian(lambda x: np.sum(u * grad(loss)(x)), x) @ v)),
    ):
        assert third == pytest.approx(exact, rel=1e-8, abs=1e-8 * size)
    small = x.astype(np.float32)  # of which SciPy itself makes float64, beside some constants
    value, slope = jvp(loss, small, u.astype(np.float32))
    assert value.dtype == slope.dtype == loss(small).dtype
    assert grad(loss)(small).dtype == np.float32


@pytest.mark.parametrize("function", ORDERED, ids=name_of)
def test_a_derivative_by_the_order_is_refused_by_its_name(function):
    first = ORDERED[function][1][-1]
    for i in range(len(first)):
        args = [*first, 0.5]

        def program(x, i=i, args=args):
            return function(*args[:i], x, *args[i + 1 :])

        x = float(args[i])
        for route in (
            grad(program),
            lambda x, f=program: jvp(f, x, 1.0),
            lambda x, f=program: jvp(along(f, 1.0), x, 1.0),
        ):
            with pytest.raises(
                UnsupportedError, match=rf"^{re.escape(name_of(function))}: by its argument .*in program, line"
            ):
                route(x)
        with pytest.raises(NonAnalyticError, match="by its argument"):
            complex_step(program, x, 1.0)


@pytest.mark.parametrize("x", [-1e8, -1e4, -300.0, -40.0, -8.0, 0.0, 8.0, 40.0, 300.0])
def test_log_ndtr_has_its_slope_and_curvature_in_both_tails(x):
    """With z = |x| large: slope z + 1/z - ..., curvature -1 + 1/z**2 - ... on the left; 0 on the right."""
    with mp.workdps(60):
        a = mp.mpf(x)
        density = mp.exp(-a * a / 2) / mp.sqrt(2 * mp.pi)
        # Laplace's continued fraction where mpmath's erfc would underflow its own exponents
        slope = density / (mp.erfc(-a / mp.sqrt(2)) / 2) if x > -1e3 else -a - 1 / a + 2 / a**3
        curvature = -slope * (a + slope) if x > -1e3 else -1 + 1 / a**2
    slope, curvature = float(slope), float(curvature)
    for answer in slopes(special.log_ndtr, np.array([x])):
        assert answer[0] == pytest.approx(slope, rel=1e-12, abs=1e-300)
    for method in ("dual", "complex_step", "double_backprop"):
        answer = hvp(special.log_ndtr, x, 1.0, method=method)
        assert answer == pytest.approx(curvature, rel=1e-11 if abs(x) < 1e3 else 1e-8, abs=1e-300)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("x", [-20.0, -1.0, 0.0, 1.0, 3.0, 6.4, 6.6, 20.0, 1e5, 1e20])
def test_the_derivatives_of_erfcx_do_not_cancel_in_its_tail(x, n):
    with mp.workdps(80 if x < 1e3 else 30):
        f = lambda x: mp.exp(x * x) * mp.erfc(x)  # noqa: E731
        known = {1: -1, 2: 2, 3: -6}[n] / (mp.sqrt(mp.pi) * mp.mpf(x) ** (n + 1)) if x >= 1e3 else mp.diff(f, x, n)
    answer = special.erfcx
    for _ in range(n):
        answer = along(answer, 1.0)
    assert answer(x) == pytest.approx(float(known), rel=1e-9)


@pytest.mark.parametrize(
    ("program", "x", "slope", "curvature"),
    [
        (special.exprel, 0.0, 1 / 2, 1 / 3),
        (special.spence, 1.0, -1.0, 0.5),
        (special.ellipk, 0.0, np.pi / 8, np.pi / 2 * 9 / 32),
        (special.ellipe, 0.0, -np.pi / 8, -np.pi / 2 * 3 / 32),
        (special.j1, 0.0, 0.5, 0.0),
        (special.i1, 0.0, 0.5, 0.0),
        (lambda x: special.jv(0, x), 0.0, 0.0, -0.5),
        (lambda x: special.xlogy(0.0, x), 0.0, 0.0, 0.0),
        (lambda x: special.xlog1py(0.0, x), -1.0, 0.0, 0.0),
        (lambda x: special.boxcox(2.0, x), 0.0, np.log(2) ** 2 / 2, np.log(2) ** 3 / 3),
        (lambda x: special.gammainc(1.0, x), 0.0, 1.0, -1.0),
        (lambda x: special.pseudo_huber(1.0, x), 0.0, 0.0, 1.0),
        (lambda x: special.huber(1.0, x), 0.5, 0.5, 1.0),
        (lambda x: special.huber(1.0, x), -2.0, -1.0, 0.0),
        (special.gammaln, -0.5, float(mp.digamma(-0.5)), float(mp.polygamma(1, -0.5))),
        (special.gamma, -1.5, float(mp.diff(mp.gamma, -1.5)), float(mp.diff(mp.gamma, -1.5, 2))),
    ],
)
def test_slope_and_curvature_at_an_awkward_point(program, x, slope, curvature):
    for answer in (jvp(program, x, 1.0)[1], complex_step(program, x, 1.0), grad(program)(x)):
        assert answer == pytest.approx(slope, rel=1e-13, abs=1e-15)
    for method in ("dual", "complex_step", "double_backprop"):
        assert hvp(program, x, 1.0, method=method) == pytest.approx(curvature, rel=1e-12, abs=1e-14)


def test_the_reciprocal_of_gamma_is_refused_at_its_zeros():
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.rgamma: at a pole"):
        grad(lambda x: np.sum(special.rgamma(x)))(np.array([0.5, -2.0]))


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (special.lambertw, r"scipy\.special\.lambertw: .*wrightomega\(np\.log\(x\)\)"),
        (special.zeta, r"scipy\.special\.zeta: .*add a rule"),
        (special.dawsn, r"scipy\.special\.dawsn: .*add a rule"),
        (lambda x: special.sici(x)[0], r"scipy\.special\.sici: .*add a rule"),
        (lambda x: special.polygamma(1, x), r"scipy\.special\.polygamma: .*special\.polygamma"),
        (lambda x: ours.polygamma(x, 2.0), r"polygamma: the order"),
        (lambda x: ours.poisson_logpmf(x, 2.0), r"poisson_logpmf: a count"),
    ],
)
def test_a_function_without_a_row_is_refused_by_its_name(program, says):
    with pytest.raises(UnsupportedError, match=f"^{says}"):
        grad(lambda x: np.sum(program(x)))(X + 1)


def test_a_function_written_in_ufuncs_needs_no_row():
    for program, slope in (
        (special.softplus, special.expit),
        (lambda x: special.zeta(2, x), lambda x: -2 * special.zeta(3, x)),
    ):
        np.testing.assert_allclose(grad(lambda x, f=program: np.sum(f(x)))(X), slope(X), rtol=1e-14)


# ------------------------------------------------------------------------------------------- programs

A, COUNTS, K = np.array([[0.3, 0.7, 1.1], [2.0, -1.0, 0.4]]), np.array([0.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0])
COV = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.0]])
LAWS = {  # a call of SciPy's and of ours: each with positive numbers in the place of every parameter
    **{("norm", m): (X, 0.2, 1.3) for m in PROGRAMS["norm"] if m != "ppf"},
    ("norm", "ppf"): (X / 2, 0.2, 1.3),
    ("t", "logpdf"): (X, 3.5, 0.2, 1.3),
    ("cauchy", "logpdf"): (X, 0.2, 1.3),
    ("logistic", "logpdf"): (X, 0.2, 1.3),
    ("laplace", "logpdf"): (X, 0.25, 1.3),
    ("expon", "logpdf"): (X, 0.2, 1.3),
    ("uniform", "logpdf"): (X, 0.2, 1.3),
    ("gamma", "logpdf"): (X, 2.5, 0.2, 1.3),
    ("chi2", "logpdf"): (X, 3.5, 0.2, 1.3),
    ("lognorm", "logpdf"): (X, 0.7, 0.2, 1.3),
    ("beta", "logpdf"): (X, 2.5, 1.5, 0.2, 1.3),
    ("poisson", "logpmf"): (COUNTS, X),
    ("binom", "logpmf"): (COUNTS, K, X / 2),
    ("bernoulli", "logpmf"): (np.array([0.0, 1.0, 1.0]), X / 2),
    ("dirichlet", "logpdf"): (np.array([0.2, 0.5, 0.3]), X),
    ("multivariate_normal", "logpdf"): (A, X, COV),
}


@pytest.mark.parametrize("law", LAWS, ids=".".join)
def test_a_density_is_scipy_s_with_derivatives_by_every_parameter(law):
    args, theirs, mine = LAWS[law], getattr(getattr(scipy.stats, law[0]), law[1]), getattr(ours, "_".join(law))
    np.testing.assert_allclose(mine(*args), theirs(*args), rtol=1e-13, atol=1e-14)
    assert np.shape(mine(*args)) == np.shape(theirs(*args))
    for i, a in enumerate(args):
        if law[1] == "logpmf" and i == 0:
            continue

        def program(x, i=i):
            return mine(*args[:i], x, *args[i + 1 :])

        def plain(x, i=i):
            return (
                mine(*args[:i], x, *args[i + 1 :])
                if law[0] in ("dirichlet", "binom")
                else theirs(*args[:i], x, *args[i + 1 :])
            )

        v = np.random.default_rng(i).uniform(-1, 1, np.shape(a))[()]
        v = (v + v.T) / 2 if np.ndim(v) == 2 and np.shape(v) == (3, 3) else v
        exact = extrapolated_difference(plain, a, v)
        np.testing.assert_allclose(jvp(program, a, v)[1], exact, rtol=1e-7, atol=1e-8)
        adjoint(program, np.asarray(a)[()], v)
        check_grad(lambda x, f=program: np.sum(np.sin(f(x))), a, order=2)


@pytest.mark.parametrize("law", LAWS, ids=".".join)
def test_a_density_of_float32_is_one(law):
    args = [np.asarray(a, np.float32) for a in LAWS[law]]
    assert getattr(ours, "_".join(law))(*args).dtype == np.float32


def test_a_default_does_not_widen_float32():
    small = X.astype(np.float32)
    for y in (ours.norm_logpdf(small), ours.norm_ppf(small / 2), ours.t_logpdf(small, 3), ours.expon_logpdf(small)):
        assert y.dtype == np.float32
    for y in (ours.logsumexp(small), ours.softmax(small), ours.polygamma(1, small), ours.multigammaln(small + 3, 2)):
        assert y.dtype == np.float32


@pytest.mark.parametrize("law", ["expon", "uniform", "gamma", "chi2", "lognorm", "beta"])
def test_a_density_has_slope_0_outside_of_its_support(law):
    shapes = {"gamma": (2.5,), "chi2": (3.5,), "lognorm": (0.7,), "beta": (2.5, 1.5)}.get(law, ())
    mine, theirs, x = getattr(ours, f"{law}_logpdf"), getattr(scipy.stats, law).logpdf, np.array([-1.0, 0.5, -2.0])
    np.testing.assert_allclose(mine(x, *shapes), theirs(x, *shapes), rtol=1e-14)
    slope = grad(lambda x: np.sum(np.where(x > 0, mine(x, *shapes), 0.0)))(x)
    assert slope[0] == slope[2] == 0.0
    assert np.isfinite(slope[1])


def test_counts_that_no_law_gives_have_probability_0():
    for law, k, parameters in (
        ("poisson", [0, 0.5, -1, 2], (2.0,)),
        ("binom", [0, 1.5, 4, 3], (3, 0.3)),
        ("bernoulli", [0, 1, 2, -1], (0.3,)),
    ):
        mine, theirs = getattr(ours, f"{law}_logpmf"), getattr(scipy.stats, law).logpmf
        np.testing.assert_allclose(mine(k, *parameters), theirs(k, *parameters), rtol=1e-13)
    assert grad(lambda p: ours.bernoulli_logpmf(0, p))(0.0) == -1.0
    assert grad(lambda mu: ours.poisson_logpmf(0, mu))(0.0) == -1.0


@pytest.mark.parametrize("cov", [2.0, np.array([1.0, 2.0, 0.5]), COV])
@pytest.mark.parametrize("x", [X, A, A[None]])
def test_a_normal_density_in_three_dimensions_has_scipy_s_shapes(x, cov):
    for mean in (X, np.zeros(3)):
        wanted = scipy.stats.multivariate_normal.logpdf(x, mean, cov)
        mine = ours.multivariate_normal_logpdf(x, mean, cov)
        np.testing.assert_allclose(mine, wanted, rtol=1e-13)
        assert np.shape(mine) == np.shape(wanted)


def test_a_normal_density_in_one_dimension_and_its_errors():
    for x in (0.3, X):
        np.testing.assert_allclose(
            ours.multivariate_normal_logpdf(x), scipy.stats.multivariate_normal.logpdf(x), rtol=1e-14
        )
    for cov in (-COV, np.ones((3, 3))):
        with pytest.raises(ValueError, match="not positive definite"):
            grad(lambda x, cov=cov: ours.multivariate_normal_logpdf(x, np.zeros(3), cov))(X)
    with pytest.raises(ValueError, match="there are 2 components"):
        ours.multivariate_normal_logpdf(X, np.zeros(2), np.eye(2))


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("b", [None, np.array([0.5, 2.0, 1.0])])
def test_a_sum_of_exponentials_is_scipy_s_on_every_axis(axis, keepdims, b):
    def program(x):
        return ours.logsumexp(x, axis=axis, b=b, keepdims=keepdims)

    for shift in (0.0, 1000.0, -1000.0):
        wanted = special.logsumexp(A + shift, axis=axis, b=b, keepdims=keepdims)
        np.testing.assert_allclose(program(A + shift), wanted, rtol=1e-14)
        assert np.shape(program(A + shift)) == np.shape(wanted)
        v = np.random.default_rng(0).standard_normal(A.shape)
        np.testing.assert_allclose(jvp(program, A + shift, v)[1], jvp(program, A, v)[1], rtol=1e-11)
    np.testing.assert_allclose(jvp(program, A, v)[1], extrapolated_difference(program, A, v), rtol=1e-8)
    check_grad(lambda x: np.sum(np.sin(program(x))), A, order=2)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_softmax_is_scipy_s_on_every_axis(name, axis):
    mine, theirs = getattr(ours, name), getattr(special, name)
    for shift in (0.0, 1000.0):
        np.testing.assert_allclose(mine(A + shift, axis), theirs(A + shift, axis), rtol=1e-12)
    v = np.random.default_rng(0).standard_normal(A.shape)
    exact = extrapolated_difference(lambda x: theirs(x, axis), A, v)
    np.testing.assert_allclose(jvp(lambda x: mine(x, axis), A, v)[1], exact, rtol=1e-7, atol=1e-9)
    check_grad(lambda x: np.sum(np.sin(mine(x, axis))), A, order=2)


def test_the_derivative_of_a_sum_of_exponentials_is_softmax_also_where_numbers_tie():
    x = np.array([1.0, 1.0, -1e300, 0.0])
    np.testing.assert_allclose(jvp(ours.logsumexp, x, np.eye(4)[0])[1], special.softmax(x)[0], rtol=1e-15)
    np.testing.assert_allclose(grad(ours.logsumexp)(X), special.softmax(X), rtol=1e-15)
    np.testing.assert_allclose(grad(lambda b: ours.logsumexp(X, b=b))(V + 2), np.exp(X) / np.sum((V + 2) * np.exp(X)))


@pytest.mark.parametrize("n", range(4))
def test_polygamma_is_the_derivative_of_the_one_before(n):
    np.testing.assert_allclose(ours.polygamma(n, X), special.polygamma(n, X), rtol=1e-14)
    for slope in slopes(lambda x: ours.polygamma(n, x), X):
        np.testing.assert_allclose(slope, special.polygamma(n + 1, X), rtol=1e-13)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_gamma_function_of_several_dimensions_is_scipy_s(d):
    np.testing.assert_allclose(ours.multigammaln(X + 2, d), special.multigammaln(X + 2, d), rtol=1e-14)
    check_grad(lambda x: np.sum(ours.multigammaln(x, d)), X + 2, order=2)


def test_programs_take_lists_and_refuse_what_has_rules_of_its_own():
    assert ours.norm_logpdf([1, 2]).dtype == float
    assert grad(lambda x: ours.logsumexp([x[0], x[1], 0.0]))(X).shape == (3,)
    with pytest.raises(UnsupportedError, match=r"logsumexp: a scipy\.csr_array has rules"):
        grad(lambda x: ours.logsumexp(x, b=scipy.sparse.csr_array(np.eye(3))))(X)


# -------------------------------------------------------------------------------------------- refusals

REFUSED = {
    "scipy.special.logsumexp": special.logsumexp,
    "scipy.special.softmax": special.softmax,
    "scipy.special.log_softmax": special.log_softmax,
    "scipy.special.multigammaln": lambda x: special.multigammaln(x + 3, 2),
    "scipy.special.polygamma": lambda x: special.polygamma(1, x),
    "scipy.special.factorial": special.factorial,
    "scipy.special.comb": lambda x: special.comb(x, 2),
    "scipy.special.perm": lambda x: special.perm(x, 2),
    "scipy.special.spherical_jn": lambda x: special.spherical_jn(1, x),
    "scipy.stats.norm.logpdf": scipy.stats.norm.logpdf,
    "scipy.stats.norm.pdf": scipy.stats.norm.pdf,
    "scipy.stats.norm.cdf": lambda x: scipy.stats.norm.cdf(0.0, x),
    "scipy.stats.norm.sf": lambda x: scipy.stats.norm(0.5).sf(x),
    "scipy.stats.t.logpdf": lambda x: scipy.stats.t.logpdf(1.0, x),
    "scipy.stats.t.pdf": lambda x: scipy.stats.t.pdf(x, 3),
    "scipy.stats.poisson.logpmf": lambda x: scipy.stats.poisson.logpmf(2, x),
    "scipy.stats.multivariate_normal.logpdf": scipy.stats.multivariate_normal.logpdf,
    "scipy.stats.dirichlet.logpdf": lambda x: scipy.stats.dirichlet.logpdf(x / np.sum(x), [1.0, 2.0, 3.0]),
    "scipy.stats.zscore": scipy.stats.zscore,
    "scipy.stats.gmean": scipy.stats.gmean,
    "scipy.stats.entropy": scipy.stats.entropy,
    "scipy.signal.convolve": lambda x: scipy.signal.convolve(x, [1.0, 2.0]),
    "scipy.integrate.trapezoid": scipy.integrate.trapezoid,
    "scipy.spatial.distance.cdist": lambda x: scipy.spatial.distance.cdist(x[:, None], x[:, None]),
    "scipy.sparse.linalg.spsolve": lambda x: scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(COV), x),
}
NAMED = {  # without a replacement of their own
    "scipy.stats.weibull_min.logpdf": lambda x: scipy.stats.weibull_min.logpdf(x, 2.0),
    "scipy.stats.iqr": scipy.stats.iqr,
    "scipy.linalg.toeplitz": scipy.linalg.toeplitz,
    "scipy.linalg.cholesky": lambda x: scipy.linalg.cholesky(np.outer(x, x) + np.eye(3)),
    "scipy.interpolate.CubicSpline": lambda x: scipy.interpolate.CubicSpline([0.0, 1.0, 2.0], x)(0.5),
    "scipy.ndimage.gaussian_filter": lambda x: scipy.ndimage.gaussian_filter(x, 1.0),
    "scipy.fft.dct": scipy.fft.dct,
}


@pytest.mark.parametrize("name", [*REFUSED, *NAMED])
def test_a_function_that_makes_plain_arrays_is_refused_with_what_to_write(name):
    program = (REFUSED | NAMED)[name]
    program(X)

    def loss(x):
        return np.sum(program(x))

    for route in (grad(loss), lambda x: jvp(loss, x, V), lambda x: complex_step(loss, x, V), lambda x: hvp(loss, x, V)):
        with pytest.raises(UnsupportedError, match=f"^{re.escape(name)}: it makes a plain array") as caught:
            route(X)
        assert "line " in str(caught.value)
        assert SCIPY.get(name, "Instead: ") in str(caught.value)


def test_every_replacement_of_ours_exists():
    for instead in SCIPY.values():
        if "mathlib.primitives.special." in instead:
            assert callable(getattr(ours, instead.rpartition(".")[2]))


# ---------------------------------------------------------------------------------------------- sparse


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dia", "lil"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_a_product_with_a_sparse_matrix_is_that_with_its_array(form, kind):
    sparse = getattr(scipy.sparse, f"{form}_{kind}")(S)
    dense, x, y = S.toarray(), np.random.default_rng(0).standard_normal(3), np.random.default_rng(1).standard_normal(4)
    for program, plain, at in (
        (lambda x: sparse @ x, lambda x: dense @ x, x),
        (lambda x: x @ sparse, lambda x: x @ dense, y),
        (lambda x: sparse.T @ (sparse @ x), lambda x: dense.T @ (dense @ x), x),
        (lambda x: sparse @ np.outer(x, x[:2]), lambda x: dense @ np.outer(x, x[:2]), x),
    ):
        v = np.random.default_rng(2).standard_normal(at.shape)
        np.testing.assert_allclose(jvp(program, at, v)[1], jvp(plain, at, v)[1], rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(complex_step(program, at, v), complex_step(plain, at, v), rtol=1e-14, atol=1e-15)
        mine, wanted = scalar(program, at), scalar(plain, at)
        np.testing.assert_allclose(grad(mine)(at), grad(wanted)(at), rtol=1e-13, atol=1e-14)
        for method in ("dual", "complex_step", "double_backprop"):
            np.testing.assert_allclose(hvp(mine, at, v, method), hvp(wanted, at, v, method), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(hessian(mine, at).dense(), hessian(wanted, at).dense(), rtol=1e-12, atol=1e-13)
    T = sparse.copy()
    assert grad(lambda x: np.sum(sparse @ x))(x).dtype == float
    assert (sparse != T).nnz == 0  # it is not changed


def test_a_sparse_matrix_that_changes_after_its_product_leaves_the_gradient_as_it_was():
    sparse, x = S.copy(), X.copy()

    def program(x):
        y = sparse @ x
        sparse.data *= 2
        return y

    _, pullback = vjp(program, x)
    np.testing.assert_allclose(pullback(np.ones(4)), S.toarray().sum(0), rtol=1e-15)
    sparse.indices[:] = 0
    np.testing.assert_allclose(pullback(np.ones(4)), S.toarray().sum(0), rtol=1e-15)


def test_a_product_with_a_sparse_matrix_keeps_float32_and_takes_integers():
    for dtype in (np.float32, np.int64, bool):
        sparse, x = S.astype(dtype), X.astype(np.float32)
        assert grad(lambda x, s=sparse: np.sum(s @ x))(x).dtype == np.float32
        np.testing.assert_allclose(grad(lambda x, s=sparse: np.sum(s @ x))(X), sparse.toarray().sum(0), rtol=1e-6)


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (lambda x: S * x, r"csr_array has rules .*a\.toarray\(\), or a @ x"),
        (lambda x: scipy.sparse.csr_matrix(S) * x, r"np\.multiply: .*csr_matrix has rules .*a\.toarray\(\), or a @ x"),
        (lambda x: x * S, r"np\.multiply: .*csr_array has rules .*a\.toarray\(\), or a @ x"),
        (lambda x: S + x, r"np\.add: .*csr_array has rules"),
        (lambda x: S @ [x[0], x[1], 1.0], r"rules of its own|np\.stack"),
        (lambda x: S.multiply(x), r"csr_array has rules"),
        (lambda x: S.tocoo().dot(x), r"coo_array has rules .*a @ x"),
        (lambda x: np.dot(S, x), r"np\.dot: .*csr_array has rules .*a @ x"),
        (lambda x: scipy.sparse.coo_array(X) @ x, r"np\.matmul: a sparse array of 1 axes .*a\.toarray\(\)"),
        (lambda x: (S * 1j) @ x, r"np\.matmul: a complex number"),
    ],
)
def test_what_a_sparse_matrix_does_else_is_refused(program, says):
    with pytest.raises(UnsupportedError, match=says):
        grad(lambda x: np.sum(program(x)))(X)


@pytest.mark.parametrize(
    "program", [lambda x: S @ x[0], lambda x: S @ x[:2], lambda x: x @ S, lambda x: S @ x[None, None]]
)
def test_a_product_that_scipy_does_not_take_is_its_error(program):
    for f in (program, grad(lambda x: np.sum(program(x)))):
        with pytest.raises(ValueError, match=r"matmul|dimension|Scalar"):
            f(X)
