"""Checks of chapter 5-1, on the complex step."""

import numpy as np

from mathlib.exercises import Exercises, compare, require

check = Exercises()

check.formula(
    "ex-cube",
    "12 - eps**2",
    {
        "12": "this is the exact slope; the complex step has an error, which you are asked for",
        "12 + eps**2": "i cubed is -i, so the last term has the other sign",
        "12*eps - eps**3": "this is the imaginary part; it still has to be divided by eps",
        "8 - 6*eps**2": "this is the real part; the slope is in the imaginary one",
    },
)

check.formula(
    "ex-central",
    "(3*u*f/f3)**(1/3)",
    {
        "(6*u*f/f3)**(1/3)": "the roundings are divided by 2h, not by h",
        "(3*u*f/f3)**(1/2)": "the truncation error is of the order of h squared, so a cube root comes out",
        "(1.5*u*f/f3)**(1/3)": "there are two roundings, one for each value of f",
        "2*sqrt(u*f/f3)": "this is the step of the forward difference; here the even terms of the series cancel",
    },
)


def cubic(p):
    """A map from 2 to 3 numbers, so that rows and columns cannot be confused."""
    return np.stack([p[0] ** 2 * p[1], np.sin(p[1]), p[0] - 3 * p[1]])


@check.code("ex-jacobian")
def jacobian(jacobian):
    x = np.array([2.0, 0.7])
    right = np.array([[2 * x[0] * x[1], x[0] ** 2], [0, np.cos(x[1])], [1, -3]])
    mistakes = [
        (right.T, "it is transposed: a step along one coordinate gives a column, one number for each result"),
        (right.sum(axis=1), "a step along (1, ..., 1) adds the columns up: take the coordinates one by one"),
        (right * 2.0**-50, "the imaginary parts still have to be divided by the step"),
    ]
    compare(jacobian(cubic, x), right, mistakes, what="the Jacobian of a map from 2 to 3 numbers")


@check.code("ex-mend")
def mend(abs_analytic, norm_analytic):
    slope = lambda f, x, v: np.imag(f(x + 2.0**-50 * 1j * v)) / 2.0**-50  # noqa: E731
    compare(
        [abs_analytic(x + 0j) for x in (-2.0, 3.0)],
        [2.0, 3.0],
        [([-2.0, 3.0], "`abs_analytic` returns -2 for -2: on the left half-plane it is -z")],
        what="`abs_analytic` of (-2, 3)",
    )
    compare(
        [slope(abs_analytic, x, 1.0) for x in (-2.0, 3.0)],
        [-1.0, 1.0],
        [
            ([0.0, 0.0], "the imaginary part of `abs_analytic` is lost: no `np.abs`, no `.real` in its result"),
            ([1.0, 1.0], "at x = -2 the slope of `abs_analytic` is -1: the imaginary part changes its sign too"),
        ],
        what="the slope of `abs_analytic` at (-2, 3)",
    )
    compare(norm_analytic(np.array([3.0, 4.0]) + 0j), 5.0, [(25.0, "a root is missing")], what="the norm of (3, 4)")
    compare(
        slope(norm_analytic, np.array([3.0, 4.0]), np.array([1.0, 0.0])),
        0.6,
        [(0.0, "the imaginary part of `norm_analytic` is lost: a conjugate or an absolute value is in it")],
        what="the slope of `norm_analytic` at (3, 4) along the first coordinate",
    )


@check.code("ex-float32")
def single_precision(single_step, largest_eps):
    slope = single_step(np.exp, 0.5, 2.0**-20)
    kind = np.asarray(slope).dtype
    require(kind == np.float32, f"the slope has the type {kind}: some constant is not in single precision")
    why = "at eps = 2^-20 the slope has lost all its bits"
    compare(slope, np.exp(0.5), [(0.0, why)], rtol=1e-6, what="the slope of exp at 1/2")
    require(
        largest_eps != 2.0**-12,
        "2^-12 is a little too large: its square times |f'''/6f'| has to be below 2^-24",
    )
    compare(
        np.log2(largest_eps),
        -13.0,
        [
            (-24.0, "eps itself may be larger than 2^-24: it is its square that counts"),
            (-14.0, "2^-14 is small enough, but it is not the largest one"),
            (-27.0, "this is for double precision, with 2^-53: the bound is 2^-24 here"),
        ],
        otherwise="this is not the largest power of two whose square times |f'''/6f'| is below 2^-24",
    )


@check.code("ex-second")
def second(second_by_step, second_by_circle):
    f, x = (lambda z: np.exp(0.3 * z) * 10), 1.0
    right = 0.9 * np.exp(0.3)
    compare(
        second_by_step(f, x, 2.0**-10),
        right,
        [
            (-right, "`second_by_step` has the wrong sign: f(x) comes first, the real part is subtracted"),
            (right / 2, "`second_by_step` is half of it: the real part holds f''/2"),
            (right * 2.0**-20, "`second_by_step` is not divided by the square of eps"),
        ],
        rtol=1e-5,
        what="`second_by_step` of 10 exp(0.3 x) at 1",
    )
    compare(
        second_by_circle(f, x),
        right,
        [
            (right / 2, "`second_by_circle` is half of it: the mean is r²/2 f''"),
            (right / 8, "`second_by_circle` is not divided by r²/2"),
            (right / 4, "`second_by_circle` is not divided by r²"),
            (3 * np.exp(0.3), "`second_by_circle` gives f': take omega^(-2k)"),
        ],
        what="`second_by_circle` of 10 exp(0.3 x) at 1",
    )
    compare(second_by_circle(f, x, n=32, r=0.25), right, what="`second_by_circle` with n = 32 and r = 1/4")
