"""Rows of the table: elementary functions, one partial derivative an argument."""

import functools
import math
import operator

import numpy as np

from mathlib.arithmetic import (
    Number,
    Over,
    composite,
    elementwise,
    general,
    multilinear,
    primitive,
    real_value,
    unbroadcast,
)

LN2, LN10 = math.log(2.0), math.log(10.0)

elementwise(np.add, 1, 1)
elementwise(np.subtract, 1, -1)
elementwise(np.negative, -1)
elementwise(np.positive, 1)
elementwise(np.multiply, lambda _, a, b: b, lambda _, a, b: a)
elementwise(np.divide, lambda _, a, b: Over(b), lambda y, a, b: (Over(b), -y))
elementwise(np.reciprocal, lambda y: (y, -y))
elementwise(np.square, lambda _, x: 2 * x)
# NumPy's complex power loses digits (p log x of them), so complex step uses these partials.
for power in (np.power, np.float_power, operator.pow):
    elementwise(power, lambda y, x, p: power_slope(y, x, p), lambda y, x, p: power_log(y, x))
elementwise(np.sqrt, lambda y: (Over(y), 0.5), radius=lambda x: x)
elementwise(np.cbrt, lambda y: (Over(y), Over(y), 1 / 3))
elementwise(np.exp, lambda y: y, radius=1.0)
elementwise(np.exp2, lambda y: LN2 * y)
elementwise(np.expm1, lambda _, x: np.exp(x), radius=1.0)
elementwise(np.log, lambda _, x: Over(x), radius=lambda x: x)
elementwise(np.log2, lambda _, x: (Over(x), 1 / LN2))
elementwise(np.log10, lambda _, x: (Over(x), 1 / LN10))
elementwise(np.log1p, lambda _, x: Over(1 + x))
elementwise(np.logaddexp, lambda _, a, b: sigmoid(gap(a, b)), lambda _, a, b: sigmoid(gap(b, a)))
elementwise(np.logaddexp2, lambda _, a, b: sigmoid(LN2 * gap(a, b)), lambda _, a, b: sigmoid(LN2 * gap(b, a)))
elementwise(np.sin, lambda _, x: np.cos(x), radius=1.0)
elementwise(np.cos, lambda _, x: -np.sin(x), radius=1.0)
elementwise(np.tan, lambda y: 1 + y * y, radius=lambda x: abs(np.cos(x)))
elementwise(np.arcsin, lambda _, x: Over(np.sqrt(one_minus_square(x))), radius=lambda x: 1 - abs(x))
elementwise(np.arccos, lambda _, x: (Over(np.sqrt(one_minus_square(x))), -1), radius=lambda x: 1 - abs(x))
elementwise(np.arctan, lambda _, x: (Over(h := np.hypot(1, x)), Over(h)), radius=1.0)
elementwise(
    np.arctan2,
    lambda _, a, b: (Over(r := np.hypot(a, b)), b / r),
    lambda _, a, b: (Over(r := np.hypot(a, b)), -(a / r)),
)
elementwise(np.hypot, lambda y, a, b: a / y, lambda y, a, b: b / y)
elementwise(np.sinh, lambda _, x: np.cosh(x), radius=1.0)
elementwise(np.cosh, lambda _, x: np.sinh(x), radius=1.0)
elementwise(np.tanh, lambda _, x: sech2(x))
elementwise(np.arcsinh, lambda _, x: Over(np.hypot(1, x)), radius=1.0)
elementwise(np.arccosh, lambda _, x: (Over(np.sqrt(x - 1)), Over(np.sqrt(x + 1))), radius=lambda x: x - 1)
elementwise(np.arctanh, lambda _, x: Over(one_minus_square(x)), radius=lambda x: 1 - abs(x))
for degrees_to_radians in (np.deg2rad, np.radians):
    elementwise(degrees_to_radians, math.pi / 180)
for radians_to_degrees in (np.rad2deg, np.degrees):
    elementwise(radians_to_degrees, 180 / math.pi)
# Kinks: |x|' = 0 at 0; where two arguments tie, each has half the derivative. A function that smooths a kink again
# has its first derivative there, not its second: of abs(x)**2 at 0 that is 0, of x**2 it is 2.
for absolute in (np.absolute, np.fabs):
    elementwise(absolute, lambda _, x: np.sign(x))
elementwise(np.maximum, lambda _, a, b: share(a > b, a == b), lambda _, a, b: share(b > a, a == b))
elementwise(np.minimum, lambda _, a, b: share(a < b, a == b), lambda _, a, b: share(b < a, a == b))
for larger, above in ((np.fmax, np.greater), (np.fmin, np.less)):  # these pass over a NaN
    elementwise(
        larger,
        lambda _, a, b, above=above: share(above(a, b) | np.isnan(b), a == b),
        lambda _, a, b, above=above: share(above(b, a) | np.isnan(a), a == b),
    )
elementwise(np.copysign, lambda _, a, s: np.sign(a) * np.copysign(1, s), 0)
elementwise(np.heaviside, 0, lambda _, x, h: np.equal(x, 0).astype(np.float16))
for modulo in (np.remainder, np.fmod):  # y = a - n b, and a / b can round up to the next n
    elementwise(modulo, 1, lambda y, a, b: -np.rint((a - y) / b))
elementwise(np.nextafter, 1, 0)
multilinear(np.ldexp, transposes=(lambda g, x, e: unbroadcast(np.ldexp(g, e), np.shape(x)),))
elementwise(np.sinc, lambda _, x: (sinc_slope(x, 1), math.pi))
elementwise(np.i0, lambda _, x: bessel_slope(x, 1))


def power_slope(y, x, p):
    """The derivative of y = x**p by x: ``p x**(p - 1)``, or from y where p < 1, as that power may leave the range.

    A constant p = 0 is taken as the exponent 1 of the slope, since 0 * x**-1 would be 0 * inf at x = 0.
    """
    if isinstance(p, Number):
        return p * x ** (p - 1)
    direct = (p >= 1) | (p == 0)
    if np.all(direct):
        return p * x ** (p - 1 + (p == 0))
    if np.all((p > 0) & (p < 1)):
        return p * (y / x)
    if not np.any(direct):
        return p * y, Over(x)
    slope = p * x ** np.where(direct, p - 1 + (p == 0), 0)
    return np.where(direct, slope, p * y), Over(np.where(direct, 1, x))


def power_log(y, x):
    """The derivative of y = x**p by p: ``y log x``, and 0 for 0**p, unless x too is differentiated further."""
    if isinstance(x, Number):
        return y * np.log(x)
    x = np.asarray(x, y.dtype)  # a logarithm of integers has the precision of their width
    return y * np.log(np.where((x == 0) & (real_value(y) == 0), 1, x))


@primitive
def one_minus_square(x):
    """The polynomial ``1 - x**2``; a row, as the slopes of its factors, -1 and 1, would cancel where x is tiny."""
    return (1 - x) * (1 + x)


@primitive
def sech2(x):
    """The slope of tanh, 1 / cosh(x)**2; 1 - tanh(x)**2 would lose its digits where tanh saturates."""
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


@primitive
def sigmoid(x):
    """The logistic function, 1 / (1 + exp(-x))."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


@primitive
def gap(a, b):
    """The difference a - b, and 0 of equal infinities."""
    return np.where(a == b, 0, a - b)


elementwise(one_minus_square, lambda _, x: -2 * x)
elementwise(sech2, lambda y, x: -2 * np.tanh(x) * y)
elementwise(sigmoid, lambda y, x: y * sigmoid(-x))
elementwise(gap, 1, -1)


def share(wins, ties):
    """1 where an argument wins, a half where it ties, else 0; as float16, so that float32 stays float32."""
    return wins.astype(np.float16) + ties * np.float16(0.5)


legendre = functools.cache(np.polynomial.legendre.leggauss)


@primitive
def sinc_slope(x, n):
    """The n-th derivative of sin(t) / t at t = pi x: the integral of u**n times that of cos at t u, for u in [0, 1].

    By quadrature: the derivative written out cancels where t is small. It is used where t is beyond 2 n.
    """
    t = math.pi * np.asarray(x, float)
    near = np.abs(t) < 2 * n + 8
    inside, outside = np.where(near, t, 0), np.where(near, 1, t)
    u, w = legendre(n + 16)
    u = (1 + u) / 2
    integral = sum(wi / 2 * ui**n * cosine(n, inside * ui) for ui, wi in zip(u, w, strict=True))
    terms = ((-1) ** k * math.perm(n, k) * cosine(n - k - 1, outside) / outside ** (k + 1) for k in range(n + 1))
    return np.where(near, integral, sum(terms)).astype(x.dtype)[()]


def cosine(n, t):
    """The n-th derivative of the cosine."""
    wave = np.sin(t) if n % 2 else np.cos(t)
    return -wave if n % 4 in (1, 2) else wave


general(
    sinc_slope,
    lambda y, x, dx, n: math.pi * sinc_slope(x, n + 1) * dx,
    transposes=(lambda g, y, x, n: g * math.pi * sinc_slope(x, n + 1),),
)


@primitive
def bessel_slope(x, n):
    """The n-th derivative of I0: the mean of u**n times that of cosh at x u, for u = cos(angle).

    The mean over equal angles converges like I(256, x), which is below the last bit wherever I0 is finite.
    """
    t, wave = np.asarray(x, float), np.sinh if n % 2 else np.cosh
    u = np.cos((np.arange(64 + n) + 0.5) * (math.pi / (128 + 2 * n)))
    return np.asarray(sum(ui**n * wave(t * ui) for ui in u) / len(u)).astype(x.dtype)[()]


general(
    bessel_slope,
    lambda y, x, dx, n: bessel_slope(x, n + 1) * dx,
    transposes=(lambda g, y, x, n: g * bessel_slope(x, n + 1),),
)


@composite(np.real, np.conj, np.conjugate)
def identity(x, /):
    return x


@composite(np.real_if_close)
def real_if_close(x, /, tol=100):
    return x


@composite(np.modf)
def modf(x, /):
    whole = np.trunc(x)
    return x - whole, whole


@composite(np.divmod)
def floor_and_remainder(a, b, /):
    return np.floor_divide(a, b), np.remainder(a, b)


@composite(np.frexp)
def frexp(x, /):
    exponent = np.frexp(real_value(x))[1]
    return np.ldexp(x, -exponent), exponent


@composite(np.clip)
def clip(x, /, a_min=None, a_max=None, *, min=None, max=None):
    low, high = a_min if min is None else min, a_max if max is None else max
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)
