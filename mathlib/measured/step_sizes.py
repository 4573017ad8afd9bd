"""One run of the experiment with step sizes: which rules there are, what a run is, and what its budget pays for.

A run is a method on one of the first twelve problems of `mathlib.problems.NOISY`, with a step size from 1e-5 to 10 and
a seed for everything that is random. It ends when its budget is used up, counted in gradients on a minibatch: a
Hessian-vector product that comes with its gradient costs as many of them as was measured. The outcome is the loss on
all data at the end, clipped to the starting loss (nobody keeps what is worse, or diverged) and to a millionth of it
(solved).

The table was made when all seeds held the same examples out and learnt all tumours: of the problems with data, only
rows of seed 0, tumours excepted, can be made again.
"""

from functools import partial
from itertools import islice

import numpy as np

from mathlib import stochastic as s
from mathlib.problems import NOISY

ETAS = [float(f"{eta:.2g}") for eta in np.geomspace(1e-5, 10, 13)]
BUDGETS = {
    name: 500 if name.startswith(("quadratic", "logistic")) else 2000 for name in islice(NOISY, 12)
} | dict.fromkeys(("cnn", "autoencoder", "tumours"), 1000)
NEVER = 10**9

# Each method, and how many steps share a product: None, where there is none.
METHODS = {
    "sgd": (s.sgd, None),
    "momentum": (s.momentum, None),
    "Adam": (partial(s.adam, published=True), None),
    "Adam, beta2 0.99": (partial(s.adam, published=True, beta2=0.99), None),
    "hypergradient": (s.hypergradient, None),
    "carried drift": (s.carried_drift, 20),
    "carried drift, no slope": (partial(s.carried_drift, gamma=0.0), 20),
    "carried drift, one product": (partial(s.carried_drift, gamma=0.0, every=NEVER), NEVER),
}
RULES = {name: (*method, False) for name, method in METHODS.items()}
RULES |= {f"{name}, decay": (*method, True) for name, method in METHODS.items()}
RULES |= {
    "second-order Adam": (s.second_order_adam, 1, False),
    "Hessian-corrected momentum": (s.hessian_corrected_momentum, 1, False),
    "SMD": (s.smd, 1, False),
}


def steps_within(budget, every, cost):
    """The number of steps that a budget pays for: a gradient each, products, and one gradient for a first direction."""
    if every is None:
        return budget
    work = lambda n: n + (cost - 1) * -(-n // every) + (every > 1)  # noqa: E731
    return next(n for n in range(budget, -1, -1) if work(n) <= budget)


def run(key, costs):
    """The row of a run: `key` and the loss.

    `key` is (problem, rule, eta, seed); `costs` has, by problem and route, the cost of a product in gradients.
    """
    problem, rule, eta, seed = key
    (loss, theta0, losses, *_), (method, every, decay) = NOISY[problem](seed), RULES[rule]
    route = "second-order Adam" if rule == "second-order Adam" else "dual"
    n = steps_within(BUDGETS[problem], every, costs[problem][route])
    start = loss(theta0)
    try:
        steps = method(losses(), theta0, s.linear_decay(eta, n) if decay else eta)
        end = float(loss(next(islice(steps, n, None)).theta))
    except FloatingPointError:
        end = np.inf
    return [*key, f"{np.clip(np.nan_to_num(end, nan=np.inf), 1e-6 * start, start):.4g}"]
