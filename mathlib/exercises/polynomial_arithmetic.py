"""Checks of chapter 5-2, on polynomials that forget the square of eps."""

import numpy as np

from mathlib import jvp
from mathlib.exercises import Exercises, compare

check = Exercises()

check.formula(
    "ex-quotient",
    "(b*c - a*d) / c**2",
    {
        "b/d": "a quotient is not taken part by part: multiply both sides of the fraction by c - d eps",
        "(b*c + a*d) / c**2": "the numerator is multiplied by c - d eps, with a minus",
        "(b*c - a*d) / c": "the denominator becomes c**2",
        "(a*d - b*c) / c**2": "the sign: b stands in the numerator, so it counts positively",
    },
)

check.formula(
    "ex-matrix",
    "n * a**(n - 1) * b",
    {
        "n * a**(n - 1)": "b is missing: the tangent goes in linearly",
        "a**(n - 1) * b": "there are n places at which the b can be taken",
        "n * a**n * b": "one of the n factors gives b in place of a, so a is left n - 1 times",
        "b**n": "powers of a matrix are not powers of its entries",
    },
    n=range(2, 9),
)


@check.code("ex-logistic")
def logistic(exp, reciprocal):
    micro = exp.__globals__["Micro"]  # the class that the answer was written for
    x, y = exp(micro(0.7, 3.0)), reciprocal(micro(4.0, 3.0))
    e = np.exp(0.7)
    compare(
        (x.a, x.b),
        (e, 3 * e),
        [
            ((e, e), "`exp` forgets b: the derivative is multiplied by the slope that came in"),
            ((e, np.exp(3.0)), "`exp` takes the exponential of the slope; the chain rule multiplies"),
            ((e, 3.0), "`exp` hands the slope on; it has to be multiplied by the derivative, e to the a"),
        ],
        what="`exp` of 0.7 + 3 eps",
    )
    compare(
        (y.a, y.b),
        (0.25, -3 / 16),
        [
            ((0.25, 3 / 16), "the slope of `reciprocal` has the wrong sign: 1/x falls"),
            ((0.25, 1 / 3), "`reciprocal` is not taken part by part"),
            ((0.25, -3 / 4), "the derivative of 1/x is -1/x**2"),
            ((0.25, -1 / 16), "`reciprocal` forgets b: the derivative is multiplied by the slope that came in"),
        ],
        what="`reciprocal` of 4 + 3 eps",
    )
    s = reciprocal(1 + exp(-1 * micro(0.7, 1.0)))
    compare(s.b, s.a * (1 - s.a), what="the slope of the logistic function at 0.7")


@check.code("ex-newton")
def newton(newton):
    quartic = lambda x: x**4 / 4 - x**2 + x / 4  # noqa: E731
    _, top, minimum = np.sort(np.roots([1, 0, -2, 0.25]).real)  # where its slope is 0
    zero = max(np.roots([0.25, 0, -1, 0.25, 0]).real)
    found = newton(quartic, 2.0)
    one_step = 2.0 - 4.25 / 10
    compare(
        found,
        minimum,
        [
            (one_step, "it stops after one step: repeat until the slope is below 1e-12 in size"),
            (zero, "this is where the function is 0, and not its slope: divide f' by f''"),
        ],
        rtol=1e-6,
        what="from 2, the point",
    )
    compare(
        newton(quartic, 0.0),
        top,
        [(minimum, "from 0 it went to the valley: take the step as it is, even where the curvature is negative")],
        rtol=1e-6,
        what="from 0, the point",
    )
    cosine = newton(np.cos, 3.0)
    compare(
        cosine,
        np.pi,
        [(3.0, "it never ran: the slope may be negative, so take its size")],
        what="from 3, for cos, the point",
    )


@check.code("ex-warm-start")
def warm_start(kepler):
    def equation(E, e):
        return E - e * np.sin(E)

    for E, e, start in ((1.5, 0.8, "another start"), (1.5, 0.8, "the solution"), (0.9, 0.5, "the solution")):
        M, first = equation(E, e), E if start == "the solution" else 2.5
        compare(kepler(M, first, e), E, rtol=1e-8, what="the solution")
        slope = jvp(lambda M, first=first, e=e: kepler(M, first, e), M, 1.0)[1]
        right = 1 / (1 - e * np.cos(E))
        mistakes = [
            (0.0, f"started at {start} the derivative is 0: the loop isn't entered, and E does not depend on M"),
            (1 / (1 - 0.8 * np.cos(E)), "the argument e is not used in the last step"),
        ]
        compare(slope, right, mistakes, rtol=1e-6, what=f"the derivative, started at {start},")


@check.code("ex-levels")
def levels(levelled):
    compare(
        levelled(lambda x: x * x * 3.0 + 1.0, 2.0),
        12.0,
        [(0.0, "a derivative that is not nested is 0: is the result's slope taken at the right level?")],
        what="a derivative that is not nested",
    )
    compare(
        levelled(lambda x: x * levelled(lambda y: x + y, 1.0), 1.0),
        1.0,
        [(2.0, "it confuses the two eps: the inner derivative takes the outer slope for its own")],
        what="the nested derivative",
    )
    compare(
        levelled(lambda x: levelled(lambda t: t * t * t, x), 2.0),
        12.0,
        [
            (0.0, "a second derivative is 0: the point of the inner one may itself be of a lower level"),
            (6.0, "a second derivative is half of it"),
        ],
        what="the second derivative of the cube at 2",
    )
    compare(
        levelled(lambda x: levelled(lambda y: 5.0, x), 1.0),
        0.0,
        [(5.0, "a constant has the derivative 0")],
        what="the derivative of a constant",
    )
