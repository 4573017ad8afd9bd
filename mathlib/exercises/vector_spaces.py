"""Checks of chapter 2-2, on vector spaces and coordinates."""

import numpy as np

from mathlib.exercises import Exercises, compare, require
from mathlib.spaces import VectorSpace

check = Exercises()

check.formula(
    "ex-coordinates-by-hand",
    "(p - q)/2",
    {
        "(p + q)/2": "this is the first coordinate",
        "(q - p)/2": "the sign is wrong: b_1 has the same two numbers, so subtract the second equation from the first",
        "p - q": "the difference of the equations is twice the second coordinate",
        "2": "this is the coordinate of (5, 1); the one of a general (p, q) is asked for",
    },
)

check.formula(
    "ex-polynomial-coordinates",
    "p1 + 2*h*p2",
    {
        "p1 - 2*h*p2": "this multiplies by P; coordinates go by its inverse",
        "p1 + h*p2": "t² is (t - h)² + 2h (t - h) + h²: a factor is missing",
        "p1": "t² has a part along t - h, too",
        "2*p2": "this is p''; the second coordinate is a value of p'",
    },
)


@check.code("ex-scaled-basis")
def scaled_basis(condition_and_error):
    turn = np.array([0.3, 0.3 + 2.0**-20])
    parallel, scaled = np.array([np.cos(turn), np.sin(turn)]), np.diag([1, 2.0**-39])
    alphas = 2.0**20 * np.random.default_rng(5).standard_normal((101, 2))
    answers = [condition_and_error(P.copy(), alphas.copy()) for P in (scaled, parallel)]
    for pair in answers:
        require(pair is not None, "it returns None: is a `return` missing?")
        fits = np.ndim(pair) < 2 and np.size(pair) == 2
        require(fits, "two numbers are needed: the condition number, and one error for all of the alphas")
    (condition, error), (condition_parallel, error_parallel) = answers
    compare(
        [condition, condition_parallel],
        [2.0**39, 2.0**21],
        [
            ([2.0**-39, 2.0**-20], "this is the determinant; `np.linalg.cond` is the condition number"),
            ([2.0**-39, 2.0**-21], "this is one over the condition number"),
            ([1.0, 2.0**0.5], "this is the norm of P; its inverse has one, too"),
        ],
        rtol=0.25,
        what="the condition number, for diag(1, 2^-39) and for unit vectors at an angle of 2^-20,",
    )
    require(
        error_parallel > 1e-14,
        "at an angle of 2^-20 coordinates lose digits, and yours do not: compare coordinates, and not vectors",
    )
    require(error_parallel < 0.01, "the coordinates that come back are not in the basis that made the vector")
    require(error_parallel < 1e-8, "the error is relative: divide by the length of the coordinates given")
    require(error < 1e-14, "with diag(1, 2^-39) no digit is lost on the way there and back")


@check.code("ex-step-and-basis")
def step_and_basis(step_from_zero):
    e = VectorSpace(3).basis().change([[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.3, 0.0, 1.0]])
    slope, P = np.array([1.0, -2.0, 3.0]), np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [0.5, 0.0, 1.0]])

    def loss(theta):
        xi = e.coordinates(theta)
        return np.sum(slope * xi + np.exp(xi) - xi)

    right = -0.1 * P @ P.T @ slope
    compare(
        step_from_zero(loss, e, P.copy()),
        right,
        [
            (-right, "it goes uphill"),
            (-0.1 * P.T @ slope, "these are the coordinates in the basis of the step; those in `e` are asked for"),
            (-0.1 * slope, "this is the step in `e`; the gradient has to be the one in the basis changed by P"),
            (-0.1 * P @ slope, "the gradient is the one in `e`; take the one of the pullback to the changed basis"),
            (-0.1 * np.linalg.solve(P, P.T @ slope), "the basis goes by P: `basis.vector` makes a vector of the step"),
        ],
        what="the step",
    )
    compare(
        step_from_zero(loss, e, P.copy(), 0.25),
        2.5 * right,
        [(right, "`eta` is not used")],
        what="the step with eta = 0.25",
    )


@check.code("ex-any-length")
def any_length(long_basis):
    require(np.shape(long_basis) == (2, 2), "two vectors of two numbers are needed")
    u, v = np.array([3.0, 1.0]), np.array([1.0, -1.0])
    P = np.transpose(np.array(long_basis, float))
    require(np.linalg.cond(P) < 1e12, "these two vectors are dependent, so they are no basis")
    length = lambda P, x: np.linalg.norm(np.linalg.solve(P, x))  # noqa: E731
    ratio = lambda P: length(P, u) / length(P, v)  # noqa: E731
    turned = np.isclose(ratio(P.T), 10) and not np.isclose(ratio(P), 10)
    require(not turned, "b_1 and b_2 stand in the columns: write b_1, then b_2")
    mistakes = [(0.1, "the wrong way round: here v is ten times as long as u")]
    compare(ratio(P), 10.0, mistakes, rtol=1e-6, otherwise=f"here u is {ratio(P):.4g} times as long as v")
