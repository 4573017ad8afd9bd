"""Checks of chapter 4-2, on Hessian-vector products."""

import numpy as np

from mathlib import hvp
from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-quadratic-product")
def quadratic_product(product):
    compare(
        product,
        [42, 34],
        [
            ([72, 31], "this is A v: theta stands on both sides of A, and each side has a derivative"),
            ([12, 37], "this is the product with the transpose: theta stands on both sides of A"),
            ([84, 68], "it is twice as much: the 1/2 of the loss is left"),
            ([36, 15.5], "this is A v / 2: the other side of A gives a contribution, too"),
            (382, "this is v . H v: the product alone has two components"),
        ],
        otherwise="differentiate along u, then along v: where does u stand in what is left?",
    )


check.formula(
    "ex-one-layer",
    "x**2 * (1 - p**2) * (1 - p**2 - 2*p*(p - y))",
    {
        "x**2 * (1 - p**2)**2": "line 4 has a second term: phi'' times the tangent of Z times the adjoint of A'",
        "x**2 * (1 - p**2) * (1 - p**2 + 2*p*(p - y))": "phi'' has a minus: it is -2 p (1 - p^2)",
        "x * (1 - p**2) * (1 - p**2 - 2*p*(p - y))": "a factor x is missing: the tangent of Z is x, and line 6 has one",
        "x**2 * (1 - p**2 - 2*p*(p - y))": "a factor 1 - p^2 is missing: both terms of line 4 have it",
        "x * (1 - p**2) * (p - y)": "this is the gradient, l'(w): follow its tangents",
    },
)


@check.code("ex-nonconstant-direction")
def along_gradient(along_gradient):
    f = lambda x: x[0] ** 2 * x[1] + np.sin(x[2]) * x[1]  # noqa: E731
    a, b, c = x = np.array([1.0, 2.0, 0.5])
    g = np.array([2 * a * b, a**2 + np.sin(c), b * np.cos(c)])
    H = np.array([[2 * b, 2 * a, 0], [2 * a, 0, np.cos(c)], [0, np.cos(c), -np.sin(c) * b]])
    compare(
        along_gradient(f, x),
        H @ g,
        [
            (2 * H @ g, "it is twice as much: the direction moves with theta, and has to be held fixed"),
            (
                H @ g / np.linalg.norm(g),
                "it is divided by |g|: pair the gradient with itself, not with a unit vector, and take no root",
            ),
            (H.sum(axis=0), "this is the product with (1, ..., 1): the components of the gradient are added up"),
            (g, "this is the gradient itself: its pairing with the direction is still to be differentiated"),
            (g @ g, "this is the pairing; its gradient is needed"),
        ],
        rtol=1e-6,
        what="for x₁²x₂ + x₂ sin x₃, the product",
    )


@check.code("ex-gauss-newton")
def gauss_newton(gauss_newton):
    c = lambda z: np.exp(z[0] - z[1]) + z[1] ** 2  # noqa: E731
    f = lambda x: np.stack([x[0] * x[1] + x[2], x[0] * np.sin(x[2])])  # noqa: E731
    theta, v = np.array([0.5, -1.0, 0.8]), np.array([1.0, 0.3, -2.0])
    J = np.array([[theta[1], theta[0], 1], [np.sin(theta[2]), 0, theta[0] * np.cos(theta[2])]])
    z = f(theta)
    slope = np.exp(z[0] - z[1])
    curvature = np.array([[slope, -slope], [-slope, slope + 2]])
    right = J.T @ curvature @ J @ v
    compare(
        gauss_newton(c, f, theta, v),
        right,
        [
            (hvp(lambda theta: c(f(theta)), theta, v), "this is H v, which has the second derivatives of f as well"),
            (J.T @ J @ v, "the curvature of c is missing: this is the transposed Jacobian times the Jacobian"),
            (
                curvature @ J @ v,
                "what it returns belongs to the logits: the transposed Jacobian is still to be applied",
            ),
            (J @ v, "this is J v: two factors are still to be applied"),
            (J.T @ [slope, 2 * z[1] - slope], "this is the gradient: c enters with its second derivatives"),
            (v @ right, "this is v . G v: G v itself is needed"),
        ],
        rtol=1e-6,
        what="for f from 3 to 2 numbers, G v",
    )


check.formula(
    "ex-trace-variance",
    "2*n*(n - 1)",
    {
        "2*n**2": "the diagonal does not vary: a sign squared is 1",
        "n*(n - 1)": "H_ij and H_ji go with the same product of signs: the two add up before they are squared",
        "4*n*(n - 1)": "the pairs i, j and j, i are one term: the sum of 4 H_ij^2 is over i < j alone",
        "sqrt(2*n*(n - 1))": "this is the standard deviation",
        "n": "this is the mean, the trace",
    },
    n=range(2, 9),
)


@check.code("ex-newton-cg")
def newton_step(newton_step):
    S = np.array([[4.0, 1, 0, 0], [1, 3, 1, 0], [0, 1, 2, -1], [0, 0, -1, 3]])
    loss = lambda x: x @ S @ x / 2 + np.sum(x**3) / 3  # noqa: E731
    x, damping = np.array([0.5, -0.3, 0.8, 0.2]), 0.7
    g, H = S @ x + x**2, S + 2 * np.diag(x)
    solution = lambda damping: -np.linalg.solve(H + damping * np.eye(4), g)  # noqa: E731
    d = newton_step(loss, x, damping)
    require(not (isinstance(d, tuple) and len(d) == 2), "it is a pair: `cg` returns the solution and a flag")
    compare(
        d,
        solution(damping),
        [
            (-solution(damping), "the step has the wrong sign: it goes uphill"),
            (solution(0.0), "the damping is missing: this is the solution for H alone"),
            (solution(0.05), "the damping is 0.05 whatever the argument says"),
            (solution(-damping), "the damping is subtracted from H: it has to be added"),
            (x + solution(damping), "this is theta + d: the step d alone is needed"),
            (-g, "this is a gradient step: H is not used"),
        ],
        rtol=1e-3,
        atol=1e-4,
        what="the step for a loss of 4 numbers",
    )
