"""Checks of chapter 8-6, on steps that read the curvature."""

import numpy as np

from mathlib.exercises import Exercises, compare, require

check = Exercises()

check.formula(
    "ex-greedy-step",
    "(a**2 + b**2) / (h*a**2 + k*b**2)",
    {
        "(h*a**2 + k*b**2) / (a**2 + b**2)": "it is upside down: steeper curvature makes the step shorter",
        "2*(a**2 + b**2) / (h*a**2 + k*b**2)": "this is the step on edge, twice as long",
        "(a + b) / (h*a + k*b)": "g . u and u . Hu are sums of products: each coordinate of g comes twice",
        "(a**2 + b**2) / (h**2*a**2 + k**2*b**2)": "H comes once in u . Hu; this is the length of Hu, squared",
        "-(a**2 + b**2) / (h*a**2 + k*b**2)": "u is -g already, so that s is positive",
    },
)

check.formula(
    "ex-target-with-cubic",
    "4*c*n**3 / (3*d**3)",
    {
        "c*n**3 / (6*d**3)": "this is the cubic term of the greedy step; on edge s is twice as long",
        "4*c*n**3 / (3*d**3) - n**2/(2*d)": "the quadratic part is back at its height: it changes by 0",
        "8*c*n**3 / d**3": "the third derivative has 1/6 before it",
        "0": "this is so without c",
    },
)

check.formula(
    "ex-missed-target",
    "s*(1 + v/(B*q))",
    {
        "s*q / (q + v/B)": "it is upside down: all examples see less slope than the batch does, so the ratio grows",
        "s*(1 + v/q)": "the noise of a batch of B has a variance of v/B",
        "s": "the batch's own slope holds e . e, which no other example confirms",
        "s*v/(B*q)": "this is what comes from the noise alone; g's own part is missing",
        "s*(1 + sqrt(v/(B*q)))": "squares add up, and e . g has mean zero",
        "1 + v/(B*q)": "the target s is missing",
    },
    B=range(2, 40),
)


@check.code("ex-step-of-cdat")
def step_of_cdat(step):
    def up(theta):
        return np.sum(np.array([1.0, 3.0]) * theta**2) / 2 + theta[0] * theta[1]

    def down(theta):
        return -np.sum(np.array([2.0, 1.0]) * theta**2) / 2 + 0.1 * theta[0]

    theta = np.array([1.0, -0.5])
    for loss, H, b in ((up, [[1.0, 1.0], [1.0, 3.0]], [0, 0]), (down, [[-2.0, 0.0], [0.0, -1.0]], [0.1, 0])):
        start = theta.copy()
        g = np.array(H) @ theta + b
        d = g @ np.array(H) @ g
        for sigma in (1.0, 1.7):
            found = step(loss, start, sigma)
            require(np.array_equal(start, theta), "it changes the theta that it was given")
            right = theta - sigma * (g @ g) / abs(d) * g
            uphill = theta + sigma * (g @ g) / abs(d) * g
            if d > 0:
                mistakes = [(uphill, "it goes uphill: u is minus the gradient")]
            else:
                mistakes = [
                    (uphill, "where the curvature is negative it goes uphill: take its size"),
                    (theta, "where the curvature is negative it stands still: take the curvature's size"),
                ]
            if sigma != 1:
                mistakes.append((theta - (g @ g) / abs(d) * g, "the target sigma is not used"))
            mistakes += [
                (-sigma * (g @ g) / abs(d) * g, "this is the step: the next theta is asked for"),
                (theta - sigma * np.sqrt(g @ g) / abs(d) * g, "n is g . g, without a root"),
                (theta - sigma * abs(d) / (g @ g) * g, "n/d is upside down"),
            ]
            compare(found, right, mistakes, rtol=1e-9, what="the next theta")


@check.code("ex-weighted-average")
def weighted_average(averages):
    rng = np.random.default_rng(3)
    zs, etas = rng.standard_normal((7, 2)), 0.1 * np.minimum(np.arange(1, 8), 4) / 4

    def weighted(w, zs=zs):
        return np.cumsum(w[:, None] * zs, axis=0) / np.cumsum(w)[:, None]

    plain, decayed = weighted(np.ones(7)), [zs[0]]
    for z, eta in zip(zs[1:], etas[1:], strict=True):
        decayed.append((1 - eta**2) * decayed[-1] + eta**2 * z)
    compare(
        averages(zs.copy(), etas.copy()),
        weighted(etas**2),
        [
            (plain, "every z has the same weight here; each has that of its eta squared"),
            (weighted(etas), "the weights are the squares of the etas"),
            (decayed, "c is eta squared over the sum of all squares so far"),
            (weighted(etas**2)[-1], "an average after each step is asked for, and this is the last one"),
            (np.cumsum(etas[:, None] ** 2 * zs, axis=0), "it is not divided by the sum of the weights"),
        ],
        what="the averages",
    )
