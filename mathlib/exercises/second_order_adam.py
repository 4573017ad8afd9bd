"""Checks of chapter 6-2, on second-order Adam."""

from itertools import islice

import numpy as np

from mathlib.exercises import Exercises, compare, require

check = Exercises()

check.formula(
    "ex-nine-steps",
    "beta / (1 - beta)",
    {
        "1 / (1 - beta)": "this is the memory; the latest gradient is 0 steps old, so the delay is a step shorter",
        "(1 - beta) / beta": "it is upside down: a larger beta remembers longer",
        "beta": "put g_0 - (t - tau) delta into the rule, on both sides, and solve for tau",
    },
)

check.formula(
    "ex-nesterov",
    "2*(1 + beta) / ((1 - beta)*(1 + 2*beta))",
    {
        "2*(1 + beta) / (1 - beta)": "this is the edge of momentum without the correction",
        "2": "this is the edge of the whole correction; Nesterov takes the share 1 - beta",
        "2*(1 - beta) / ((1 + beta)*(1 + 2*beta))": "a larger beta makes it more stable: check the sign at z = -1",
    },
)

check.formula(
    "ex-noisy-step",
    "g**2 / (g**2 + sigma**2/B) / L",
    {
        "1 / L": "this is Newton's step, the best one without noise",
        "B * g**2 / (sigma**2 * L)": "so it is where noise dominates; the mean square is g² + sigma²/B",
        "g**2 / (g**2 + sigma**2) / L": "a batch of B has a variance of sigma²/B",
        "(g**2 + sigma**2/B) / g**2 / L": "it is upside down: noise makes the step shorter",
        "g / (g + sigma/sqrt(B)) / L": "squares add up, not standard deviations",
    },
    B=range(2, 40),
)


@check.code("ex-lecture-drift")
def lecture_drift(fed_back):
    rng = np.random.default_rng(5)
    curvatures, slopes = rng.uniform(0.5, 2.0, (12, 3)), rng.standard_normal((12, 3))
    theta, eta = np.array([1.0, -2.0, 0.5]), 0.3

    def losses():
        for a, b in zip(curvatures, slopes, strict=True):
            yield lambda theta, a=a, b=b: np.sum(a * theta**2 / 2 + b * theta)

    def estimates(beta, start=True, late=True, factor=True, of_estimate=True):
        q, g_hat, drift, found = theta, None if start else 0.0, 0.0, []
        for a, b in zip(curvatures, slopes, strict=True):
            g = a * q + b
            g_hat = beta * (g if g_hat is None else g_hat) + (1 - beta) * g
            scale = beta / (1 - beta) if factor else 1.0
            estimate = g_hat - scale * drift
            drift = beta * drift + (1 - beta) * a * eta * (estimate if of_estimate else g_hat)
            if not late:
                estimate = g_hat - scale * drift
            found.append(estimate)
            q = q - eta * estimate
        return np.array(found[:8])

    steps = list(islice(fed_back(losses(), theta.copy(), eta, beta=0.8), 8))
    require(len(steps) == 8, f"it ended after {len(steps)} of twelve losses: one step is yielded for each")
    require(
        all(len(step) == 3 for step in steps), "three things are yielded: theta, the estimate, the batch's gradient"
    )
    compare(steps[0][0], theta, what="the first theta", otherwise="the first theta is the start, before any step")
    compare(
        [estimate for _, estimate, _ in steps],
        estimates(0.8),
        [
            (estimates(0.8, start=False), "the estimate starts at the first gradient, not at 0"),
            (estimates(0.8, late=False), "the drift is that of the step before: it is updated after the estimate"),
            (estimates(0.8, factor=False), "the drift is multiplied by beta/(1 - beta)"),
            (
                estimates(0.8, of_estimate=False),
                "the drift is H_t times the step that is taken, eta times the estimate",
            ),
            (estimates(0.9), "the argument beta is not used"),
        ],
        rtol=1e-7,
        what="the estimates",
    )
    thetas, gradients = (np.array([step[i] for step in steps]) for i in (0, 2))
    compare(gradients, curvatures[:8] * thetas + slopes[:8], what="the batches' gradients")
