"""Checks of chapter 6-1, on Adam and the drift of the gradient."""

import numpy as np

from mathlib import grad, hvp
from mathlib.exercises import Exercises, compare

check = Exercises()

check.formula(
    "ex-mean-drift",
    "16",
    {
        "1/16": "it is the other way round: an example of a small batch counts more",
        "22": "that many batches there are; compare 1/4 with 1/64",
        "1": "each batch counts the same, so an example of a batch of 4 counts more",
    },
)

check.formula(
    "ex-ratio-one",
    "1 - eta*h",
    {
        "eta*h": "this is r, the share of the error that the step takes away",
        "1 + eta*h": "the step goes down: its sign is a minus",
        "1 - eta": "the gradient is h times the error",
        "1 - eta/h": "the gradient is h times the error, not the error divided by h",
    },
)

check.formula(
    "ex-steady-drift",
    "beta / (1 - beta) * gdot",
    {
        "gdot / (1 - beta)": "put S_t = S_(t-1) into the equation: a beta stands before the bracket",
        "beta * gdot": "this is S after one step; solve S = beta (S + gdot)",
        "beta / (1 + beta) * gdot": "check the sign when you bring S to one side",
        "beta / (1 - beta)": "it is in proportion to the drift: gdot is missing",
    },
)


@check.code("ex-two-laws")
def two_laws(exponent, halfway):
    for p in (2, 3):
        compare(
            exponent(lambda c, p=p: 5 * c**p),
            p,
            [
                (-p, "`exponent` has the wrong sign: the gap of the larger step stands above"),
                (p * np.log(2), "`exponent` has to divide by log 2, or take `np.log2`"),
                (2**p, "`exponent` is the quotient itself; take its logarithm to base 2"),
                (np.log2(5 * 0.25**p), "`exponent` needs the quotient of two gaps"),
            ],
            what=f"`exponent` of 5 c**{p}",
        )
    loss, theta, d = (lambda q: np.sum(np.exp(q) * q[0])), np.array([0.3, -0.2]), np.array([0.4, 0.1])
    compare(
        halfway(loss, theta, d),
        hvp(loss, theta - d / 2, d),
        [
            (hvp(loss, theta, d), "`halfway` takes the Hessian at the start"),
            (hvp(loss, theta - d, d), "`halfway` takes the Hessian at the end of the step"),
            (hvp(loss, theta + d / 2, d), "`halfway` goes the wrong way: the step ends at theta - d"),
            (
                hvp(loss, theta - d / 2, d / 2),
                "`halfway` multiplies half of d; the Hessian is halfway, the step is whole",
            ),
            (grad(loss)(theta) - grad(loss)(theta - d), "this is the fall of the gradient itself, not a product"),
        ],
        what="`halfway`",
    )


@check.code("ex-forecast")
def forecast(forecast):
    h, c = np.array([0.5, 2.0, 3.0]), np.array([1.0, -1.0, 0.5])
    loss = lambda q: np.sum(h * (q - c) ** 2) / 2 + 0.1 * np.sum(q**3)  # noqa: E731
    theta, g_hat = np.array([0.2, 0.7, -0.4]), np.array([1.0, 0.5, -2.0])

    def foretold(k, eta=0.3, beta1=0.9, late=False, new=True, moving=False):
        q, m, g = theta, g_hat, grad(loss)(theta)
        for _ in range(k):
            before, m = m, beta1 * m + (1 - beta1) * g
            step = eta * (before if late else m)
            g = grad(loss)(q - step) if moving else g - hvp(loss, theta, step)
            q = q - step
        return g if new else grad(loss)(theta)

    mistakes = [
        (foretold(5, late=True), "the step is taken with the new g_hat, which has seen the gradient already"),
        (foretold(5, new=False), "the gradient is never updated"),
        (foretold(5, moving=True), "this is the true run; the forecast knows H at theta alone"),
        (foretold(4), "it goes k - 1 steps"),
        (foretold(6), "it goes k + 1 steps"),
        (foretold(5, eta=-0.3), "the gradient falls by H times the step: the sign is a minus"),
    ]
    compare(forecast(loss, theta.copy(), g_hat.copy(), 5), foretold(5), mistakes, rtol=1e-7, what="the forecast")
    compare(
        forecast(loss, theta.copy(), g_hat.copy(), 3, eta=0.1, beta1=0.5),
        foretold(3, eta=0.1, beta1=0.5),
        [(foretold(3), "the arguments eta and beta1 are not used")],
        rtol=1e-7,
        what="the forecast with eta = 0.1 and beta1 = 0.5",
    )
