"""Checks of chapter 8-5, on the edge of stability."""

import numpy as np

from mathlib import grad, hessian, hvp
from mathlib.exercises import Exercises, compare, require

check = Exercises()

check.formula(
    "ex-polyak-edge",
    "2 + 2*beta",
    {
        "2*(1 + beta)/(1 - beta)": "this is the threshold of the average; here no 1 - beta stands before the gradient",
        "2*(1 - beta)/(1 + beta)": "beta allows a larger step, not a smaller one; and no 1 - beta stands in the update",
        "2*(1 - beta)": "put mu = -1 into the characteristic equation: 1 + trace + beta = 0",
        "2": "without momentum, yes",
        "1 + beta": "the trace is 1 + beta - a; where does the root -1 appear?",
    },
)

check.formula(
    "ex-two-steps",
    "2*k*(c - 2/eta)",
    {
        "k*(c - 2/eta)": "the push of the oscillation is half of its square",
        "2*k*(2/eta - c)": "the sign: the oscillation is there where c is above the edge",
        "sqrt(2*k*(c - 2/eta))": "this is r, and its square was asked for",
        "2*k*(c - 2)": "this is for eta = 1",
        "2*k*eta*(c - 2/eta)": "both pushes are multiplied by eta, so that it cancels",
    },
    c=(2.2, 2.7, 3.1),
    eta=(1.1, 1.3, 1.6),
)

check.formula(
    "ex-nesterov-edge",
    "(2 + 2*beta)/(1 + 2*beta)",
    {
        "2 + 2*beta": "this is Polyak's; Nesterov's gradient is read beta v further on",
        "2*(1 + beta)/(1 - beta)": "this is that of the average; compare the characteristic equations",
        "(2 + 2*beta)/(1 + beta)": "the determinant has a factor 1 - a, too: at mu = -1, 1 + (1 + 2 beta)(1 - a) = 0",
        "1/(1 + 2*beta)": "there is a 1 to be added: solve 1 + (1 + 2 beta)(1 - a) = 0 for a",
    },
)


def a_loss(q):
    """A valley of three parameters, steeper across the farther along."""
    x, y, z = q
    return y * x**2 / 2 + 0.3 * (3 - y) ** 2 + (z - x / 2) ** 2 / 4 + np.exp(z / 4) * x


def eigenpair(loss, theta, which=-1):
    values, vectors = np.linalg.eigh(hessian(loss, theta).dense())
    return values[which], vectors[:, which]


def slope(loss, theta, u):
    return grad(lambda q: np.vdot(u, hvp(loss, q, u)))(theta)


@check.code("ex-sharpness-gradient")
def sharpness_gradient(sharpness_gradient):
    for theta in (np.array([0.2, 2.0, -3.0]), np.array([1.5, 2.5, 0.3])):
        S, u = eigenpair(a_loss, theta)
        right = slope(a_loss, theta, u)
        mistakes = [
            (2 * right, "`sharpness_gradient` is twice the gradient: is u of length 1?"),
            (S * u, "H u is S u, the slope of the loss's gradient; the third derivative is missing"),
            (slope(a_loss, theta, eigenpair(a_loss, theta, 0)[1]), "this is the smallest eigenvalue's gradient"),
            (slope(a_loss, theta, S * u), "u has to be of length 1: the product counts it twice"),
            (slope(a_loss, theta, np.ones(3)), "u has to be the eigenvector, not just any direction"),
            (-right, "the sign is wrong"),
        ]
        what = "`sharpness_gradient`"
        compare(sharpness_gradient(a_loss, theta.copy()), right, mistakes, rtol=1e-4, atol=1e-5, what=what)


@check.code("ex-own-units")
def own_units(own_units):
    theta, eta = np.array([1.5, 2.5, 0.3]), np.array([0.1, 0.7, 0.3])
    H = hessian(a_loss, theta).dense()

    def largest(M):
        return np.linalg.eigvals(M).real.max()

    mistakes = [
        (largest(H), "`own_units` has to use eta"),
        (largest(np.diag(eta) @ H @ np.diag(eta)), "eta stands on both sides, where its root should"),
        (
            largest(H / np.sqrt(np.outer(eta, eta))),
            "theta is sqrt(eta) z, so H is multiplied by the roots, not divided",
        ),
        (eta.max() * largest(H), "the largest step size need not go with the steepest direction"),
        (eta.mean() * largest(H), "each component has a step size of its own, and not their mean"),
        (np.max(eta * np.diag(H)), "H is not diagonal"),
    ]
    value = own_units(a_loss, theta.copy(), eta.copy())
    compare(value, largest(np.diag(eta) @ H), mistakes, rtol=1e-4, what="`own_units`")
    value = own_units(a_loss, theta.copy(), np.full(3, 0.2))
    compare(value, 0.2 * largest(H), rtol=1e-4, what="`own_units` with one step size for all")


@check.code("ex-penalty")
def penalty(penalty):
    clipped = False
    for theta in (np.array([0.2, 2.0, -3.0]), np.array([1.5, 2.5, 0.3]), np.array([0.5, 1.6, -2.0])):
        u, g = eigenpair(a_loss, theta)[1], grad(a_loss)(theta)
        dS = slope(a_loss, theta, u)
        free = -2 * (g @ dS) / (dS @ dS)
        clipped = clipped or free < 0
        mistakes = [
            (free, "where descent lowers the sharpness anyway, there is no oscillation: sigma squared is 0 then"),
            (max(0.0, free / 2), "a half stands before sigma squared in the flow"),
            (max(0.0, -free), "the sign: it is needed where descent raises the sharpness, where g . grad S < 0"),
            (max(0.0, free * np.sqrt(dS @ dS)), "it is divided by the square of grad S, not by its length"),
            (np.sqrt(max(0.0, free)), "this is sigma, and its square was asked for"),
        ]
        compare(penalty(a_loss, theta.copy()), max(0.0, free), mistakes, rtol=1e-4, atol=1e-9, what="`penalty`")
    require(clipped, "a point where the sharpness falls is missing from this check")
