"""Rows of the table: the special functions of SciPy, and programs of them in place of what SciPy does not dispatch.

Not a part of the table until a program uses SciPy: this room is entered with the first of its functions that meets a
Number. Derivatives are functions that have rows again, so that there are derivatives of any order; what SciPy has no
accurate function for (the derivative by the order of a Bessel function) is refused. Formulas: NIST Digital Library of
Mathematical Functions (2010).

SciPy's own `logsumexp`, `stats.norm.logpdf` and the like make plain arrays of their arguments. The programs below have
their meaning and their arguments' names, and take plain arrays, too.
"""

import math

import numpy as np
from scipy import special
from scipy.special import _ufuncs, psi

from mathlib.arithmetic import (
    REPLACEMENT,
    TABLE,
    Elementwise,
    Number,
    Over,
    elementwise,
    general,
    is_differentiated,
    operand,
    primitive,
    real_value,
    unsupported,
)
from mathlib.primitives.elementary import LN2, LN10

PI, SQRT2, SQRTPI, SQRT2PI = math.pi, math.sqrt(2.0), math.sqrt(math.pi), math.sqrt(2 * math.pi)
zeta = _ufuncs._zeta  # what scipy.special.zeta(x, q) calls


class Ordered(Elementwise):
    """A ufunc whose first arguments, of these names, are constants; with its slope by the last."""

    def __init__(self, function, *names, slope):
        super().__init__(function, *(0 for _ in names), slope)
        self.names = names

    def run(self, arrays, rest, kwargs):
        for name, a in zip(self.names, arrays, strict=False):
            if is_differentiated(a):
                reason, instead = f"by its argument {name} it has no derivative rule", f"a constant {name}"
                raise unsupported(self.function, arrays, reason, instead)
        return super().run(arrays, rest, kwargs)


def ordered(function, *names_and_slope):
    """Add a row of this kind to the table."""
    *names, slope = names_and_slope
    TABLE[function] = Ordered(function, *names, slope=slope)


# ------------------------------------------------------------------------------- gamma and its relatives

elementwise(special.gammaln, lambda _, x: psi(x))
elementwise(special.loggamma, lambda _, x: psi(x))
elementwise(special.gamma, lambda y, x: y * psi(x))
elementwise(special.rgamma, lambda y, x: rgamma_slope(y, x))
elementwise(psi, lambda _, x: zeta(2, x))
ordered(zeta, "x", lambda _, x, q: -x * zeta(x + 1, q))
elementwise(
    special.beta,
    lambda y, a, b: y * (psi(a) - psi(a + b)),
    lambda y, a, b: y * (psi(b) - psi(a + b)),
)
elementwise(special.betaln, lambda _, a, b: psi(a) - psi(a + b), lambda _, a, b: psi(b) - psi(a + b))
elementwise(
    special.binom,
    lambda y, n, k: y * (psi(n + 1) - psi(n - k + 1)),
    lambda y, n, k: y * (psi(n - k + 1) - psi(k + 1)),
)
elementwise(special.poch, lambda y, z, m: y * (psi(z + m) - psi(z)), lambda y, z, m: y * psi(z + m))
ordered(special.gammainc, "a", lambda _, a, x: gamma_density(x, a))
ordered(special.gammaincc, "a", lambda _, a, x: -gamma_density(x, a))
ordered(special.gammaincinv, "a", lambda y, a, p: Over(gamma_density(y, a)))
ordered(special.gammainccinv, "a", lambda y, a, p: (Over(gamma_density(y, a)), -1))
ordered(special.betainc, "a", "b", lambda _, a, b, x: beta_density(x, a, b))
ordered(special.betaincc, "a", "b", lambda _, a, b, x: -beta_density(x, a, b))
ordered(special.betaincinv, "a", "b", lambda y, a, b, p: Over(beta_density(y, a, b)))
ordered(special.betainccinv, "a", "b", lambda y, a, b, p: (Over(beta_density(y, a, b)), -1))


def rgamma_slope(y, x):
    """The derivative of y = 1 / gamma(x), ``-y psi(x)``, where gamma has no pole."""
    if np.any((real_value(x) <= 0) & (real_value(x) == np.floor(real_value(x)))):
        raise unsupported(special.rgamma, [x], "at a pole of gamma it has no derivative rule", "x away from 0, -1, ...")
    return -y * psi(x)


def gamma_density(x, a):
    """The density ``x**(a - 1) exp(-x) / gamma(a)``."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def beta_density(x, a, b):
    """The density ``x**(a - 1) (1 - x)**(b - 1) / beta(a, b)``."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


# --------------------------------------------------------------------------- the error function and the normal law

elementwise(special.erf, lambda _, x: 2 / SQRTPI * np.exp(-x * x))
elementwise(special.erfc, lambda _, x: -2 / SQRTPI * np.exp(-x * x))
elementwise(special.erfi, lambda _, x: 2 / SQRTPI * np.exp(x * x))
elementwise(special.erfcx, lambda _, x: -2 * erfc_integral(x, 1))
elementwise(special.erfinv, lambda y: SQRTPI / 2 * np.exp(y * y))
elementwise(special.erfcinv, lambda y: -SQRTPI / 2 * np.exp(y * y))
elementwise(special.ndtr, lambda _, x: norm_pdf(x))
elementwise(special.log_ndtr, lambda _, x: mills(x))
elementwise(special.ndtri, lambda y: SQRT2PI * np.exp(y * y / 2))
elementwise(special.ndtri_exp, lambda y: Over(mills(y)))
elementwise(
    special.owens_t,
    lambda _, h, a: -norm_pdf(h) * special.erf(a * h / SQRT2) / 2,
    lambda _, h, a: np.exp(-h * h * (1 + a * a) / 2) / (2 * PI * (1 + a * a)),
)


def mills(x):
    """The slope of log_ndtr, density over distribution; from `erfcx` on the left, where both vanish."""
    left = real_value(x) < 0
    tail = math.sqrt(2 / PI) / special.erfcx(np.where(left, -x, 0) / SQRT2)
    right = np.where(left, 0, x)
    return np.where(left, tail, norm_pdf(right) / special.ndtr(right))[()]


FAR = 6.5  # from here on the asymptotic series has the last bit, and before it the recurrence most of them


@primitive
def erfc_integral(x, n):
    """The n-th integral of erfc from x to infinity, times exp(x**2): the n-th derivative of erfcx, over (-2)**n n!.

    Its recurrence, ``2 n y_n = y_(n-2) - 2 x y_(n-1)``, cancels for large x. Source: DLMF 7.18.
    """
    near, far = np.minimum(x, FAR), np.maximum(x, FAR)
    last, y = 2 / SQRTPI + 0 * near, special.erfcx(near)
    for k in range(1, n + 1):
        last, y = y, (last - 2 * near * y) / (2 * k)
    ratio, term, total = 1 / (4 * far * far), 1.0, 1.0
    for m in range(1, 24):
        term = term * -(2 * m + n) * (2 * m + n - 1) / m * ratio
        total = total + term
    series = 2 / SQRTPI * (2 * far) ** (-n - 1) * total
    return np.where(x < FAR, y, series)[()]


general(
    erfc_integral,
    lambda y, x, dx, n: dx * (-2 * (n + 1) * erfc_integral(x, n + 1)),
    transposes=(lambda g, y, x, n: g * (-2 * (n + 1) * erfc_integral(x, n + 1)),),
)


# ------------------------------------------------------------------------------- logistic and logarithmic functions

elementwise(special.expit, lambda y, x: y * special.expit(-x))
elementwise(special.log_expit, lambda _, x: special.expit(-x))
elementwise(special.logit, lambda _, p: (Over(p), Over(1 - p)))
elementwise(special.xlogy, lambda _, a, b: np.log(b), lambda _, a, b: a / nonzero(a, b))
elementwise(special.xlog1py, lambda _, a, b: np.log1p(b), lambda _, a, b: a / nonzero(a, 1 + b))
elementwise(special.entr, lambda _, x: -np.log(x) - 1)
elementwise(special.rel_entr, lambda _, a, b: np.log(a / b) + 1, lambda _, a, b: -a / b)
elementwise(special.kl_div, lambda _, a, b: np.log(a / b), lambda _, a, b: (b - a) / b)
elementwise(special.exprel, lambda _, x: special.hyp1f1(2, 3, x) / 2)
REPLACEMENT[_ufuncs._lambertw] = "scipy.special.wrightomega(np.log(x)), which is W(x) of a positive x"
elementwise(special.wrightomega, lambda y: (y, Over(1 + y)))
elementwise(special.boxcox, lambda _, x, p: boxcox_slope(np.log(x), p), lambda _, x, p: boxcox_bend(np.log(x), p))
elementwise(special.boxcox1p, lambda _, x, p: boxcox_slope(np.log1p(x), p), lambda _, x, p: boxcox_bend(np.log1p(x), p))
elementwise(special.pseudo_huber, lambda _, d, r: huber_root(d, r)[1], lambda _, d, r: r / huber_root(d, r)[0])
elementwise(
    special.huber,
    lambda _, d, r: np.maximum(np.abs(r) - d, 0),
    lambda _, d, r: np.minimum(np.maximum(r, -d), d),
)


def nonzero(a, b):
    """What divides a: b, and 1 where a constant a is 0, as ``0 log b`` is 0 for all b."""
    return b if isinstance(a, Number) else np.where((a == 0) & (real_value(b) == 0), 1, b)


def boxcox_slope(t, p):
    """The derivative of ``(x**p - 1) / p`` by x, with t = log x."""
    return np.exp((p - 1) * t)


def boxcox_bend(t, p):
    """The derivative of ``(x**p - 1) / p = t exprel(p t)``, t = log x, by p."""
    return t * t * special.hyp1f1(2, 3, p * t) / 2


def huber_root(d, r):
    """The root s = sqrt(1 + (r / d)**2), and the derivative of ``d**2 (s - 1)`` by d."""
    t = r / d
    s = np.hypot(1, t)
    return s, d * (t * t / (1 + s)) ** 2 / s


# what SciPy has of its own, though NumPy has it
elementwise(special.exp2, lambda y: LN2 * y)
elementwise(special.exp10, lambda y: LN10 * y)
elementwise(special.expm1, lambda _, x: np.exp(x))
elementwise(special.log1p, lambda _, x: Over(1 + x))
elementwise(special.cbrt, lambda y: (Over(y), Over(y), 1 / 3))
elementwise(special.cosm1, lambda _, x: -np.sin(x))
elementwise(special.sindg, lambda _, x: PI / 180 * special.cosdg(x))
elementwise(special.cosdg, lambda _, x: -PI / 180 * special.sindg(x))
elementwise(special.tandg, lambda y: PI / 180 * (1 + y * y))
elementwise(special.cotdg, lambda y: -PI / 180 * (1 + y * y))

# ------------------------------------------------------------------------------------------ Bessel functions

elementwise(special.j0, lambda _, x: -special.j1(x))
elementwise(special.y0, lambda _, x: -special.y1(x))
elementwise(special.i0, lambda _, x: special.i1(x))
elementwise(special.k0, lambda _, x: -special.k1(x))
elementwise(special.j1, lambda _, x: (special.j0(x) - special.jv(2, x)) / 2)
elementwise(special.y1, lambda _, x: (special.y0(x) - special.yv(2, x)) / 2)
elementwise(special.i1, lambda _, x: (special.i0(x) + special.iv(2, x)) / 2)
elementwise(special.k1, lambda _, x: -(special.k0(x) + special.kv(2, x)) / 2)
elementwise(special.i0e, lambda y, x: special.i1e(x) - np.sign(x) * y)
elementwise(special.k0e, lambda y, x: y - special.k1e(x))
elementwise(special.i1e, lambda y, x: (special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * y)
elementwise(special.k1e, lambda y, x: y - (special.k0e(x) + special.kve(2, x)) / 2)
ordered(special.jv, "v", lambda _, v, x: (special.jv(v - 1, x) - special.jv(v + 1, x)) / 2)
for bessel in (special.yv, special.yn):
    ordered(bessel, "v", lambda _, v, x: (special.yv(v - 1, x) - special.yv(v + 1, x)) / 2)
ordered(special.iv, "v", lambda _, v, x: (special.iv(v - 1, x) + special.iv(v + 1, x)) / 2)
for bessel in (special.kv, special.kn):
    ordered(bessel, "v", lambda _, v, x: -(special.kv(v - 1, x) + special.kv(v + 1, x)) / 2)
ordered(special.ive, "v", lambda y, v, x: (special.ive(v - 1, x) + special.ive(v + 1, x)) / 2 - np.sign(x) * y)
ordered(special.kve, "v", lambda y, v, x: y - (special.kve(v - 1, x) + special.kve(v + 1, x)) / 2)

# --------------------------------------------------------------- integrals, hypergeometric functions, polynomials

elementwise(special.exp1, lambda _, x: (np.exp(-x), Over(x), -1))
elementwise(special.expi, lambda _, x: (np.exp(x), Over(x)))
elementwise(special.spence, lambda _, x: (Over(special.exprel(np.log(x))), -1))
elementwise(special.ellipk, lambda _, m: PI / 8 * special.hyp2f1(1.5, 1.5, 2, m))
elementwise(special.ellipe, lambda _, m: -PI / 8 * special.hyp2f1(0.5, 1.5, 2, m))
ordered(special.hyp0f1, "v", lambda _, v, x: special.hyp0f1(v + 1, x) / v)
ordered(special.hyp1f1, "a", "b", lambda _, a, b, x: a / b * special.hyp1f1(a + 1, b + 1, x))
ordered(special.hyp2f1, "a", "b", "c", lambda _, a, b, c, x: a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, x))
ordered(special.eval_legendre, "n", lambda _, n, x: (n + 1) / 2 * special.eval_jacobi(n - 1, 1, 1, x))
ordered(special.eval_chebyt, "n", lambda _, n, x: n * special.eval_chebyu(n - 1, x))
ordered(special.eval_chebyu, "n", lambda _, n, x: 2 * special.eval_gegenbauer(n - 1, 2, x))
ordered(special.eval_hermite, "n", lambda _, n, x: 2 * n * special.eval_hermite(np.maximum(n - 1, 0), x))
ordered(special.eval_hermitenorm, "n", lambda _, n, x: n * special.eval_hermitenorm(np.maximum(n - 1, 0), x))
ordered(special.eval_laguerre, "n", lambda _, n, x: -special.eval_genlaguerre(n - 1, 1, x))
ordered(special.eval_genlaguerre, "n", "alpha", lambda _, n, a, x: -special.eval_genlaguerre(n - 1, a + 1, x))
ordered(special.eval_gegenbauer, "n", "alpha", lambda _, n, a, x: 2 * a * special.eval_gegenbauer(n - 1, a + 1, x))
ordered(
    special.eval_jacobi,
    "n",
    "alpha",
    "beta",
    lambda _, n, a, b, x: (n + a + b + 1) / 2 * special.eval_jacobi(n - 1, a + 1, b + 1, x),
)


# ------------------------------------------------------------- sums of exponentials, and functions of an order


def floats(name, *arrays):
    """The arguments of a program as Numbers or plain arrays of floats; what has rules of its own is refused."""
    arrays = [operand(name, a, arrays) for a in arrays]
    dtype = np.result_type(0.0, *(getattr(a, "dtype", a) for a in arrays))
    return [a if getattr(a, "dtype", np.dtype(bool)).kind == "f" else np.asarray(a, dtype)[()] for a in arrays]


def peak(a, axis):
    """The largest number along the axes, a constant, to be taken out of a sum of exponentials; 0 if it is infinite."""
    a = np.max(real_value(a), axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(a), a, 0)


def logsumexp(a, axis=None, b=None, keepdims=False):
    """The logarithm of a sum of exponentials, ``log sum b exp(a)``, along axes.

    >>> round(logsumexp([1000.0, 1000.0]), 6)
    np.float64(1000.693147)
    """
    a, b = np.broadcast_arrays(*floats("logsumexp", a, 1.0 if b is None else b))
    top = peak(a, axis)
    y = np.log(np.sum(b * np.exp(a - top), axis, keepdims=keepdims))
    return y + (top if keepdims else np.squeeze(top, axis))


def softmax(x, axis=None):
    """The exponentials over their sum along axes, ``exp(x) / sum exp(x)``.

    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    (x,) = floats("softmax", x)
    e = np.exp(x - peak(x, axis))
    return e / np.sum(e, axis, keepdims=True)


def log_softmax(x, axis=None):
    """The logarithm of `softmax`, ``x - log sum exp(x)``.

    >>> log_softmax([0.0, 1000.0])
    array([-1000.,     0.])
    """
    (x,) = floats("log_softmax", x)
    return x - logsumexp(x, axis, keepdims=True)


def polygamma(n, x):
    """The n-th derivative of the digamma function, ``(-1)**(n + 1) n! zeta(n + 1, x)``; n is a constant integer.

    >>> round(polygamma(1, 1.0), 6)  # pi**2 / 6
    np.float64(1.644934)
    """
    (x,) = floats("polygamma", x)
    if isinstance(n, Number) or n != int(n) or n < 0:
        raise unsupported("polygamma", [n, x], "the order is no integer from 0", "a constant order: 0, 1, 2, ...")
    return psi(x) if n == 0 else (-1) ** (int(n) + 1) * math.factorial(int(n)) * zeta(int(n) + 1, x)


def multigammaln(a, d):
    """The logarithm of the gamma function of d dimensions, ``d (d - 1) / 4 log pi + sum_j gammaln(a - j / 2)``, j < d.

    >>> multigammaln(3.0, 1) == special.gammaln(3.0)
    np.True_
    """
    (a,) = floats("multigammaln", a)
    return d * (d - 1) / 4 * math.log(PI) + sum(special.gammaln(a - j / 2) for j in range(d))


# --------------------------------------------------------------------------------------------------- densities


def standard(name, x, loc, scale, *shapes):
    """The standard variable ``(x - loc) / scale``, the scale, and the other parameters, of floats."""
    x, loc, scale, *shapes = floats(name, x, loc, scale, *shapes)
    return (x - loc) / scale, scale, *shapes


def supported(inside, logpdf, z, safe):
    """The logarithm of a density, -inf outside of its support; there it is calculated at a safe point."""
    return np.where(inside, logpdf(np.where(inside, z, safe)), -np.inf)[()]


def norm_logpdf(x, loc=0.0, scale=1.0):
    """The logarithm of the normal density: ``-z**2 / 2 - log(scale sqrt(2 pi))``, z = (x - loc) / scale.

    >>> round(norm_logpdf(0.0), 6)
    np.float64(-0.918939)
    """
    z, scale = standard("norm_logpdf", x, loc, scale)
    return -z * z / 2 - np.log(scale) - math.log(SQRT2PI)


def norm_pdf(x, loc=0.0, scale=1.0):
    """The normal density, ``exp(-z**2 / 2) / (scale sqrt(2 pi))``, z = (x - loc) / scale.

    >>> round(norm_pdf(0.0), 6)
    np.float64(0.398942)
    """
    z, scale = standard("norm_pdf", x, loc, scale)
    return np.exp(-z * z / 2) / SQRT2PI / scale


def norm_cdf(x, loc=0.0, scale=1.0):
    """The normal distribution function, ``(1 + erf(z / sqrt(2))) / 2``, z = (x - loc) / scale.

    >>> norm_cdf(0.0)
    np.float64(0.5)
    """
    return special.ndtr(standard("norm_cdf", x, loc, scale)[0])


def norm_sf(x, loc=0.0, scale=1.0):
    """The probability above x, ``1 - norm_cdf(x)``, with its digits where it is small.

    >>> norm_sf(0.0)
    np.float64(0.5)
    """
    return special.ndtr(-standard("norm_sf", x, loc, scale)[0])


def norm_logcdf(x, loc=0.0, scale=1.0):
    """The logarithm of the normal distribution function, with its digits in the left tail.

    >>> round(norm_logcdf(-40.0), 6)
    np.float64(-804.608442)
    """
    return special.log_ndtr(standard("norm_logcdf", x, loc, scale)[0])


def norm_logsf(x, loc=0.0, scale=1.0):
    """The logarithm of the probability above x, with its digits in the right tail.

    >>> round(norm_logsf(40.0), 6)
    np.float64(-804.608442)
    """
    return special.log_ndtr(-standard("norm_logsf", x, loc, scale)[0])


def norm_ppf(q, loc=0.0, scale=1.0):
    """The inverse of `norm_cdf`: ``loc + scale ndtri(q)``.

    >>> norm_ppf(0.5)
    np.float64(0.0)
    """
    q, loc, scale = floats("norm_ppf", q, loc, scale)
    return loc + scale * special.ndtri(q)


def t_logpdf(x, df, loc=0.0, scale=1.0):
    """The logarithm of Student's density, proportional to ``(1 + z**2 / df)**(-(df + 1) / 2)``.

    >>> round(t_logpdf(0.0, 1.0), 6)  # -log pi
    np.float64(-1.14473)
    """
    z, scale, df = standard("t_logpdf", x, loc, scale, df)
    front = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - np.log(PI * df) / 2
    return front - (df + 1) / 2 * np.log1p(z * z / df) - np.log(scale)


def cauchy_logpdf(x, loc=0.0, scale=1.0):
    """The logarithm of Cauchy's density, ``-log(pi scale (1 + z**2))``.

    >>> round(cauchy_logpdf(0.0), 6)
    np.float64(-1.14473)
    """
    z, scale = standard("cauchy_logpdf", x, loc, scale)
    return -np.log1p(z * z) - np.log(scale) - math.log(PI)


def logistic_logpdf(x, loc=0.0, scale=1.0):
    """The logarithm of the logistic density, ``-z - 2 log(1 + exp(-z)) - log scale``.

    >>> round(logistic_logpdf(0.0), 6)
    np.float64(-1.386294)
    """
    z, scale = standard("logistic_logpdf", x, loc, scale)
    return special.log_expit(z) + special.log_expit(-z) - np.log(scale)


def laplace_logpdf(x, loc=0.0, scale=1.0):
    """The logarithm of Laplace's density, ``-|z| - log(2 scale)``.

    >>> round(laplace_logpdf(2.0), 6)
    np.float64(-2.693147)
    """
    z, scale = standard("laplace_logpdf", x, loc, scale)
    return -np.abs(z) - np.log(2 * scale)


def expon_logpdf(x, loc=0.0, scale=1.0):
    """The logarithm of the exponential density, ``-z - log scale`` for z >= 0.

    >>> expon_logpdf([2.0, -2.0])
    array([ -2., -inf])
    """
    z, scale = standard("expon_logpdf", x, loc, scale)
    return supported(z >= 0, lambda z: -z, z, 0) - np.log(scale)


def uniform_logpdf(x, loc=0.0, scale=1.0):
    """The logarithm of the uniform density, ``-log scale`` for 0 <= z <= 1.

    >>> uniform_logpdf([0.5, 2.0])
    array([  0., -inf])
    """
    z, scale = standard("uniform_logpdf", x, loc, scale)
    return supported((z >= 0) & (z <= 1), lambda z: 0 * z, z, 0) - np.log(scale)


def gamma_logpdf(x, a, loc=0.0, scale=1.0):
    """The logarithm of the gamma density, ``(a - 1) log z - z - gammaln(a) - log scale`` for z >= 0.

    >>> gamma_logpdf(2.0, 1.0)
    np.float64(-2.0)
    """
    z, scale, a = standard("gamma_logpdf", x, loc, scale, a)
    return supported(z >= 0, lambda z: special.xlogy(a - 1, z) - z, z, 1) - special.gammaln(a) - np.log(scale)


def chi2_logpdf(x, df, loc=0.0, scale=1.0):
    """The logarithm of the density of chi-square: a gamma density with a = df / 2, twice as wide.

    >>> round(chi2_logpdf(2.0, 2.0), 6)
    np.float64(-1.693147)
    """
    (df, scale) = floats("chi2_logpdf", df, scale)
    return gamma_logpdf(x, df / 2, loc, 2 * scale)


def lognorm_logpdf(x, s, loc=0.0, scale=1.0):
    """The logarithm of the density of the exponential of a normal number of deviation s.

    It is ``-(log z)**2 / (2 s**2) - log(s z sqrt(2 pi) scale)`` for z = (x - loc) / scale > 0.

    >>> round(lognorm_logpdf(1.0, 1.0), 6)
    np.float64(-0.918939)
    """
    z, scale, s = standard("lognorm_logpdf", x, loc, scale, s)
    return supported(z > 0, lambda z: norm_logpdf(np.log(z), 0.0, s) - np.log(z), z, 1) - np.log(scale)


def beta_logpdf(x, a, b, loc=0.0, scale=1.0):
    """The logarithm of the beta density.

    It is ``(a - 1) log z + (b - 1) log(1 - z) - betaln(a, b) - log scale`` for 0 <= z = (x - loc) / scale <= 1.

    >>> beta_logpdf(0.3, 1.0, 1.0)
    np.float64(0.0)
    """
    z, scale, a, b = standard("beta_logpdf", x, loc, scale, a, b)
    inside = (z >= 0) & (z <= 1)
    y = supported(inside, lambda z: special.xlogy(a - 1, z) + special.xlog1py(b - 1, -z), z, 0.5)
    return y - special.betaln(a, b) - np.log(scale)


def counts(name, k, *parameters):
    """Counts, which are constants, and the parameters of a distribution of them, of floats."""
    if is_differentiated(k):
        raise unsupported(name, [k], "a count has no derivative", "constant counts")
    return floats(name, k, *parameters)


def poisson_logpmf(k, mu, loc=0):
    """The logarithm of Poisson's probability, ``k log mu - mu - log k!``, of counts k - loc.

    >>> poisson_logpmf([0, 0.5], 2.0)
    array([ -2., -inf])
    """
    k, mu, loc = counts("poisson_logpmf", k, mu, loc)
    k = k - loc
    inside = (k >= 0) & (k == np.floor(k))
    return supported(inside, lambda k: special.xlogy(k, mu) - mu - special.gammaln(k + 1), k, 0)


def binom_logpmf(k, n, p, loc=0):
    """The logarithm of the binomial probability, ``log C(n, k) + k log p + (n - k) log(1 - p)``, of counts k - loc.

    >>> round(binom_logpmf(1, 2, 0.5), 6)
    np.float64(-0.693147)
    """
    k, n, p, loc = counts("binom_logpmf", k, n, p, loc)
    k = k - loc
    inside = (k >= 0) & (k <= n) & (k == np.floor(k))

    def logpmf(k):
        choices = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
        return choices + special.xlogy(k, p) + special.xlog1py(n - k, -p)

    return supported(inside, logpmf, k, 0)


def bernoulli_logpmf(k, p, loc=0):
    """The logarithm of the probability of an outcome 0 or 1: ``log p`` of 1, ``log(1 - p)`` of 0.

    >>> bernoulli_logpmf([0, 1], 0.25)
    array([-0.28768207, -1.38629436])
    """
    return binom_logpmf(k, 1, p, loc)


def dirichlet_logpdf(x, alpha):
    """The logarithm of Dirichlet's density, ``sum (alpha - 1) log x - sum gammaln(alpha) + gammaln(sum alpha)``.

    The numbers of x, along the first axis as for SciPy, add up to 1.

    >>> dirichlet_logpdf([0.5, 0.5], [1.0, 1.0])
    np.float64(0.0)
    """
    x, alpha = floats("dirichlet_logpdf", x, alpha)
    front = special.gammaln(np.sum(alpha)) - np.sum(special.gammaln(alpha))
    return front + np.sum(np.transpose(special.xlogy(alpha - 1, np.transpose(x))), 0)


def multivariate_normal_logpdf(x, mean=None, cov=1.0):
    """The logarithm of the normal density in d dimensions: ``-(z . cov^-1 z + log det cov + d log(2 pi)) / 2``.

    Here z = x - mean. The last axis of x is that of the d components, unless d = 1; the axes of the result of length
    1 are left out, as SciPy does. cov is a matrix, the d numbers of its diagonal, or one number.

    >>> round(multivariate_normal_logpdf([0.0, 0.0], cov=[[1.0, 0.0], [0.0, 1.0]]), 6)  # -log(2 pi)
    np.float64(-1.837877)
    """
    x, mean, cov = floats("multivariate_normal_logpdf", x, 0.0 if mean is None else mean, cov)
    d = np.size(mean) if np.ndim(mean) else len(cov) if np.ndim(cov) == 2 else 1
    x = x if np.ndim(x) > (d == 1) else x[..., None]
    if np.shape(x)[-1:] != (d,) or np.shape(cov) not in ((), (d,), (d, d)):
        raise ValueError(f"x has shape {np.shape(x)} and cov {np.shape(cov)}, but there are {d} components.")
    cov = cov if np.ndim(cov) == 2 else cov * np.eye(d, dtype=cov.dtype)
    try:
        np.linalg.cholesky(real_value(cov))
    except np.linalg.LinAlgError:
        raise ValueError("cov is not positive definite, so that there is no density.") from None
    z = np.reshape(x - mean, (-1, d))
    squares = np.reshape(np.sum(z * np.linalg.solve(cov, z.T).T, -1), np.shape(x)[:-1])
    return np.squeeze(-(squares + np.linalg.slogdet(cov)[1] + d * math.log(2 * PI)) / 2)[()]
