"""Checks of chapter 7-1, on analytic functions."""

import numpy as np

from mathlib.exercises import Exercises, compare, evaluate

check = Exercises()

check.formula(
    "ex-reciprocal",
    "-1/(x + 1j*y)**2",
    {
        "1/(x + 1j*y)**2": "the sign is wrong: along the real line 1/x falls",
        "(y**2 - x**2 - 2j*x*y)/(x**2 + y**2)**2": "this is u_x + i u_y: the second part is v_x, and v is -y/r",
        "-1/(x**2 + y**2)": "this is -1/|z|^2: it is real, and v_x is not zero",
        "(y**2 - x**2)/(x**2 + y**2)**2": "this is u_x alone: i v_x is missing",
        "1/(x + 1j*y)": "this is the function itself, not its derivative",
    },
)

check.formula(
    "ex-number-matrices",
    "4 + 5.5j",
    {
        "4 - 5.5j": "the sign of the imaginary part is wrong: beta stands below, and -beta above",
        "1 - 3j": "the parts are multiplied one by one: each matrix has both of them in both of its rows",
        "-2 + 5.5j": "i squared is -1: the product of the imaginary parts enters the real part with a minus",
        "2.5 + 2j": "this is the sum of the two numbers",
        "-2 + 6.5j": "the first matrix is M(2 - i): the sign of its beta is minus",
    },
)

check.formula(
    "ex-singular-values",
    "1/(1 - 2*s)",
    {
        "1 - 2*s": "this is the smaller over the larger",
        "(1 + s)/(1 - s)": "s is |b| over |a| + |b|, not over |a|",
        "1/(1 - s)": "this is (|a| + |b|)/|a|: the smaller singular value is |a| - |b|",
        "(1 - s)/s": "this is |a|/|b|: take their sum and their difference",
    },
    s=np.linspace(0.05, 0.45, 9),
)


@check.code("ex-make-it-analytic")
def make_it_analytic(analytic_abs, analytic_norm, analytic_var):
    x, v = np.array([-1.5, 0.5, 2.0, -0.2]), np.array([1.0, -2.0, 0.5, 0.25])
    slope = lambda f: np.imag(f(x + 2.0**-50 * 1j * v)) * 2.0**50  # noqa: E731
    lost = "the imaginary part of `{}` is lost: some function in it returns floats, or conjugates"
    size, centered = np.sqrt(x @ x), x - np.mean(x)

    what = "`analytic_abs` of a real array"
    compare(analytic_abs(x), np.abs(x), [(x, "`analytic_abs` does not change the sign of negative numbers")], what=what)
    half = "`analytic_abs` has the slope 1 at negative numbers: there it is -1, as for -z"
    mistakes = [(0 * x, lost.format("analytic_abs")), (v, half)]
    compare(slope(analytic_abs), np.sign(x) * v, mistakes, what="the slope of `analytic_abs`")

    squares = "`analytic_norm` returns the sum of squares: a root is missing"
    total = "`analytic_norm` adds up the absolute values: the Euclidean norm adds up squares"
    mistakes = [(x @ x, squares), (np.sum(np.abs(x)), total)]
    compare(analytic_norm(x), size, mistakes, what="`analytic_norm` of a real vector")
    mistakes = [(0.0, lost.format("analytic_norm"))]
    compare(slope(analytic_norm), x @ v / size, mistakes, what="the slope of `analytic_norm`")

    mistakes = [
        (np.var(x, ddof=1), "`analytic_var` divides by n - 1, and `np.var` by n"),
        (np.sum(centered**2), "`analytic_var` is a sum: `np.var` is a mean"),
        (np.mean(x**2), "`analytic_var` is the mean of the squares: subtract the mean first"),
        (np.std(x), "`analytic_var` is a standard deviation: no root is needed"),
    ]
    compare(analytic_var(x), np.var(x), mistakes, what="`analytic_var` of a real vector")
    mistakes = [(0.0, lost.format("analytic_var"))]
    compare(slope(analytic_var), 2 * np.mean(centered * v), mistakes, what="the slope of `analytic_var`")


@check.code("ex-cauchy-circle")
def cauchy_circle(derivatives, largest_r):
    f = lambda z: 10 * np.exp(0.5 * z) + z**4  # noqa: E731
    x, r, n = 0.5, 0.5, np.arange(6)
    factorials = np.array([1, 1, 2, 6, 24, 120])
    right = 10 * np.exp(0.5 * x) * 0.5**n + [x**4, 4 * x**3, 12 * x**2, 24 * x, 24, 0]
    mean = np.where(n == 0, right, 0)
    what = "for 10 exp(z/2) + z⁴ at 1/2, with r = 1/2, the array"
    mistakes = [
        (right / factorials, "these are the coefficients of the Taylor series: the factorials are missing"),
        (right * r**n, "the means are not divided by r^n: try a radius other than 1"),
        (right * r**n / factorials, "these are the means: the factorials and the powers of r are missing"),
        (right * 64, "it is 64 times too much: a mean is a sum over m points, divided by m"),
        (mean, "all but f itself is zero: the exponential has to turn against phi, with a minus"),
        (right[1:], "f itself is missing: begin at n = 0"),
        (right[:5], "the fifth derivative is missing: there are six numbers, from n = 0 to 5"),
        (right[5], "this is the fifth derivative alone: return all six numbers"),
    ]
    compare(derivatives(f, x, r), right, mistakes, atol=1e-8, what=what)
    compare(derivatives(f, x, 1.0, 32), right, atol=1e-8, what="with r = 1 and m = 32, the array")

    compare(
        evaluate(str(largest_r), {}),
        np.pi / 2,
        [
            (np.pi, "`largest_r` is too large: the zeros of cosh lie half as far from 0"),
            (np.pi / 4, "`largest_r` is smaller than it has to be: the zeros of cosh lie twice as far from 0"),
            (2.0, "with r = 2 the circle has two poles inside"),
            (1.0, "r = 1 is safe, and a larger circle is, too"),
        ],
        rtol=1e-3,
        otherwise="`largest_r` is not the distance from 0 to the nearest pole of tanh",
    )
