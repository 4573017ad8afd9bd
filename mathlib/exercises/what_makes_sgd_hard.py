"""Checks of chapter 1-2, on what makes SGD hard."""

import numpy as np

from mathlib.exercises import Exercises, compare

check = Exercises()

check.formula(
    "ex-long-valley",
    "1 / log((kappa + 1)/(kappa - 1))",
    {
        "kappa/2": "this is what it is like for large kappa; the formula for every kappa is asked for",
        "log((kappa + 1)/(kappa - 1))": "this is what one step adds to the logarithm; e is reached after one over it",
        "1 / log((kappa - 1)/(kappa + 1))": "the share is below 1 and its logarithm negative: the sign is wrong",
        "-1 / log(1 - 1/kappa)": "this is for eta = 1/h_max, which is shorter than the best step",
        "(kappa + 1)/(kappa - 1)": "after t steps the share is that of one step to the power t: take logarithms",
    },
    kappa=range(2, 40),
)

check.formula(
    "ex-slope-left",
    "1 - eta*(h1*g1**2 + h2*g2**2) / (g1**2 + g2**2)",
    {
        "1 - eta*(h1 + h2)": "the slope along the step weighs each h by the square of its g",
        "(h1*g1**2 + h2*g2**2) / (g1**2 + g2**2)": "this is what is lost for each unit of eta; asked is what is left",
        "eta*(h1*g1**2 + h2*g2**2) / (g1**2 + g2**2)": "this is the share that is lost; asked is what is left",
        "1 + eta*(h1*g1**2 + h2*g2**2) / (g1**2 + g2**2)": "the step goes against the gradient, which shrinks",
        "1 - eta*(h1*g1 + h2*g2) / (g1 + g2)": "the pairing of the gradient with the step has squares in it",
    },
)

check.formula(
    "ex-half-the-data",
    "100*n / (n + 99)",
    {
        "100": "this is the number for drawing with replacement; without, the factor (n - B)/(n - 1) helps",
        "100*n / (n + 100)": "the factor is (n - B)/(n - 1): a single example keeps all of its variance",
        "91": "this is the number for n = 1001; a formula in n is needed",
        "n / 100": "the variance falls with B, whatever n is: solve (n - B) / (B (n - 1)) = 1/100",
    },
    n=range(200, 2000, 7),
)

check.formula(
    "ex-critical-batch",
    "1 / (h * (1 + Bc/B))",
    {
        "1 / h": "this is the best step without noise; the mean of |g_hat|² is larger than |g|²",
        "B / (h * Bc)": "the mean of |g_hat|² is |g|² plus the variance, not the variance alone",
        "(1 + Bc/B) / h": "it is the other way round: with more noise the step has to be shorter",
        "1 / (h * (1 + B/Bc))": "the variance is in proportion to Bc/B: a larger batch has less of it",
    },
    B=range(2, 40),
)

check.formula(
    "ex-best-memory",
    "(sigma**2 / (4 * a**2 * eta**2)) ** (1/3)",
    {
        "(sigma**2 / (2 * a**2 * eta**2)) ** (1/3)": "the derivative of a² eta² k² has a factor 2",
        "(sigma**2 / (a**2 * eta**2)) ** (1/3)": "for a long memory the first term is sigma²/2k, with the 2",
        "(sigma**2 / (2 * a**2 * eta**2)) ** (1/2)": "the terms are of the orders 1/k and k²: a cube root comes out",
        "1 - (4 * a**2 * eta**2 / sigma**2) ** (1/3)": "this is beta_1; k = 1/(1 - beta_1) is asked for",
    },
)


@check.code("ex-average-iterates")
def average_iterates(mean_iterate):
    slopes = np.random.default_rng(3).standard_normal((40, 3))
    start, eta, settle, steps = np.array([5.0, -3.0, 2.0]), 0.3, 8, 20

    def losses():
        for b in slopes:
            yield lambda theta, b=b: np.sum(theta**2 / 2 + b * theta)

    path, gradients = [start], []
    for b in slopes:
        gradients.append(path[-1] + b)
        path.append(path[-1] - eta * gradients[-1])
    path = np.array(path)
    right = np.mean(path[settle : settle + steps], axis=0)
    compare(
        mean_iterate(losses(), start.copy(), eta, settle, steps),
        right,
        [
            (np.mean(path[: settle + steps], axis=0), "the time of settling is in the mean"),
            (np.mean(path[:steps], axis=0), "the time of settling is in the mean, and the steps after it are not"),
            (path[settle + steps - 1], "this is the last iterate; its mean over the steps is asked for"),
            (np.mean(gradients[settle : settle + steps], axis=0), "these are gradients, and not iterates"),
            (np.mean(path[settle:steps], axis=0), "`steps` counts from the end of the settling"),
            (np.sum(path[settle : settle + steps], axis=0), "this is the sum, not the mean"),
            (np.mean(right), "every coordinate has a mean of its own: `axis=0`"),
        ],
        what="the mean iterate",
    )
