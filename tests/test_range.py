"""Elementwise rows over the whole range of the floating-point numbers, where an intermediate result may leave it."""

import contextlib
import operator

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from mathlib import grad, hessian, hvp, jvp
from mathlib.arithmetic import name_of
from mathlib.differences import complex_step

a, b = sp.symbols("a b", real=True)
UNARY = {
    np.reciprocal: 1 / a,
    np.square: a**2,
    np.sqrt: sp.sqrt(a),
    np.exp: sp.exp(a),
    np.exp2: sp.Integer(2) ** a,
    np.expm1: sp.exp(a) - 1,
    np.log: sp.log(a),
    np.log2: sp.log(a) / sp.log(2),
    np.log10: sp.log(a) / sp.log(10),
    np.log1p: sp.log(1 + a),
    np.sin: sp.sin(a),
    np.cos: sp.cos(a),
    np.tan: sp.tan(a),
    np.arcsin: sp.asin(a),
    np.arccos: sp.acos(a),
    np.arctan: sp.atan(a),
    np.sinh: sp.sinh(a),
    np.cosh: sp.cosh(a),
    np.tanh: 1 - 2 / (1 + sp.exp(2 * a)),
    np.arcsinh: sp.asinh(a),
    np.arccosh: sp.acosh(a),
    np.arctanh: sp.atanh(a),
}
POWERS = {p: a ** sp.Rational(p) for p in (-3, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3)}
BINARY = {
    np.multiply: a * b,
    np.divide: a / b,
    np.hypot: sp.sqrt(a**2 + b**2),
    np.arctan2: sp.atan2(a, b),
    np.logaddexp: sp.log(sp.exp(a) + sp.exp(b)),
    np.logaddexp2: sp.log(2**a + 2**b) / sp.log(2),
    operator.pow: a**b,
}
ONE = [(f, lambda x, f=f: f(x), e) for f, e in UNARY.items()]
ONE += [(f"x**{p}", lambda x, p=p: x**p, e) for p, e in POWERS.items()]


def names(cases):
    return [c[0] if isinstance(c[0], str) else name_of(c[0]) for c in cases]


def exact(expressions, *values):
    """Sympy's expressions at floating-point numbers, by mpmath with digits to spare."""
    with mp.workdps(400):
        functions = [sp.lambdify((a, b)[: len(values)], e, "mpmath") for e in expressions]
        return [f(*(mp.mpf(float(x)) for x in values)) for f in functions]


def numbers(dtype, n, seed=0, lowest="smallest_subnormal"):
    """Numbers of both signs, of every exponent that there is, and some near one."""
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    lowest = np.log2(float(getattr(info, lowest)))
    exponents = np.linspace(lowest, info.maxexp - 1, n) + rng.uniform(0, 1, n)
    near_one = rng.uniform(-4, 4, n // 2)
    return np.concatenate([np.exp2(np.minimum(exponents, info.maxexp - 1e-3)), near_one]).astype(dtype) * rng.choice(
        [-1, 1], n + n // 2
    ).astype(dtype)


def agrees(answer, truth, spread, dtype, ulps):
    """Whether a number is right to some units of the last place of itself, of `spread`, or of the smallest number."""
    info = np.finfo(dtype)
    error = abs(mp.mpf(float(answer)) - truth)
    return error <= ulps * float(info.eps) * (abs(truth) + spread) + ulps * mp.mpf(float(info.smallest_subnormal))


def in_range(truth, dtype):
    return mp.isfinite(truth) and not mp.im(truth) and abs(truth) < float(np.finfo(dtype).max) / 4


def first_order(f, x):
    one = np.ones_like(x)
    return {"dual": jvp(f, x, one)[1], "complex step": complex_step(f, x, one), "reverse": grad(f)(x)}


def second_order(f, x, v):
    """H v by each route that finds it."""
    routes = {m: lambda m=m: hvp(f, x, v, method=m) for m in ("dual", "complex_step", "double_backprop")}
    routes["hessian"] = lambda: hessian(f, x) @ v
    found = {}
    for name, route in routes.items():
        with contextlib.suppress(FloatingPointError):  # a number on the way is out of range: said, not silent
            found[name] = route()
    return found


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "f", "expression"), ONE, ids=names(ONE))
def test_two_derivatives_of_one_argument(name, f, expression, dtype):
    wanted = [sp.diff(expression, a, k) for k in (1, 2)]
    tried = found = 0
    for x in numbers(dtype, 24):
        with np.errstate(all="ignore"):
            if not np.isfinite(f(x)):
                continue
        slope, bend = exact(wanted, x)
        if not in_range(slope, dtype):
            continue
        tried += 1
        for route, answer in first_order(f, x).items():
            assert agrees(answer, slope, 0, dtype, 8), (route, x, answer, slope)
        spread = abs(slope / mp.mpf(float(x)))
        if in_range(bend, dtype) and in_range(spread, dtype):
            answers = second_order(f, x, np.ones_like(x))
            found += len(answers) > 3
            for route, answer in answers.items():
                assert agrees(answer, bend, spread, dtype, 16), (route, x, answer, bend)
    assert tried > 5
    assert found > tried / 3


TWO = [(f, lambda z, f=f: f(z[0], z[1]), e) for f, e in BINARY.items()]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "f", "expression"), TWO, ids=names(TWO))
def test_two_derivatives_of_two_arguments(name, f, expression, dtype):
    variables = (a, b)
    wanted = [sp.diff(expression, s) for s in variables]
    wanted += [sp.diff(expression, s, t) for s in variables for t in variables]
    grid = numbers(dtype, 5, seed=1, lowest="tiny")  # the hypotenuse of subnormal numbers has no digits itself
    tried = found = 0
    for z in np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2):
        with np.errstate(all="ignore"):
            if not np.isfinite(f(z)):
                continue
        try:
            truth = exact(wanted, *z)
        except (ZeroDivisionError, OverflowError):
            continue
        slopes, bends = truth[:2], truth[2:]
        if not all(in_range(s, dtype) for s in slopes):
            continue
        tried += 1
        for k, e in enumerate(np.eye(2, dtype=dtype)):
            for route, answer in {
                "dual": jvp(f, z, e)[1],
                "complex": complex_step(f, z, e),
                "reverse": grad(f)(z)[k],
            }.items():
                assert agrees(answer, slopes[k], 0, dtype, 8), (route, z, k, answer, slopes[k])
        # What a relative error of the gradient, or of theta, makes of the second derivatives.
        spread = [
            [abs(slopes[i] / mp.mpf(float(z[j]))) + abs(slopes[j] / mp.mpf(float(z[i]))) for j in (0, 1)]
            for i in (0, 1)
        ]
        if not all(in_range(x, dtype) for x in bends + spread[0] + spread[1]):
            continue
        for k, e in enumerate(np.eye(2, dtype=dtype)):
            answers = second_order(f, z, e)
            found += len(answers) > 2
            for route, answer in answers.items():
                for i in (0, 1):
                    assert agrees(answer[i], bends[2 * i + k], spread[i][k], dtype, 16), (route, z, i, k, answer, bends)
    assert tried > 5
    assert found > tried / 3
