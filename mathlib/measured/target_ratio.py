"""One run of the experiment with target ratios: CDAT's sigma against batch sizes, and fixed rules beside it.

A run trains a small network on 512 digits, from a start and in an order of batches that its seed gives, on the squared
error or the cross-entropy. It ends after STEPS steps, and three times as many for a method without Hessian-vector
products, in rows of their own. The outcome is the loss on all 512, and on the 449 of the test set, each clipped to what
it was at the start (nobody keeps what is worse, or diverged).

On minibatches CDAT averages numerator and denominator over about ten steps; on all examples it does so in rows of their
own, "CDAT averaged". Seeds from 0 to 7 judge; seeds from 8 to 11 are there to choose a sigma, or SGD's eta, by.
"""

from functools import cache, partial
from itertools import islice

import numpy as np

from mathlib import compiled
from mathlib import stochastic as s
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.problems import digits

STEPS, EXAMPLES = 300, 512
LOSSES = ("squared error", "cross-entropy")
SIZES = (8, 32, 128, 512)
CONTEST = 32
JUDGES, TUNERS = tuple(range(8)), tuple(range(8, 12))
SIGMAS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
ETAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def targets(name, sigma, memory, **options):
    """CDAT, with a memory of so much of numerator and denominator."""
    return name, lambda losses, theta, steps: s.cdat(losses, theta, sigma=sigma, beta3=memory, **options)


def rules(batch_size):
    """The methods by name, each a function of losses, a start and the number of steps."""
    memory = 0.0 if batch_size == EXAMPLES else 0.9
    found = dict(targets(f"CDAT {sigma}", sigma, memory) for sigma in SIGMAS)
    found |= dict(targets(f"CDAT Adam {sigma}", sigma, memory, beta1=0.9, adam=True) for sigma in SIGMAS)
    if batch_size == EXAMPLES:
        found |= dict(targets(f"CDAT averaged {sigma}", sigma, 0.9) for sigma in SIGMAS[1:-1])
    found |= {f"SGD {eta}": lambda losses, theta, steps, eta=eta: s.sgd(losses, theta, eta) for eta in ETAS}
    fixed = {
        "Adam": (partial(s.adam, published=True), 1e-3),
        "carried drift": (s.carried_drift, 1e-3),
        "schedule-free": (s.schedule_free, 2.5e-3),
        "Prodigy": (s.prodigy, 1.0),
    }
    for name, (method, eta) in fixed.items():
        found[name] = lambda losses, theta, steps, method=method, eta=eta: method(losses, theta, eta)
        if name != "schedule-free":
            found[f"{name}, decay"] = lambda losses, theta, steps, method=method, eta=eta: method(
                losses, theta, s.linear_decay(eta, steps)
            )
    return found


@cache
def problem(loss, seed):
    """The loss of some examples, compiled; the examples and those of the test set; the start."""
    X, y, X_test, y_test = digits(seed)
    theta, model = mlp([64, 16, 10], seed=seed)

    def squared(theta, X, Y):
        return np.sum((model(theta, X) - Y) ** 2) / (2 * len(X))

    def entropy(theta, X, y):
        return softmax_cross_entropy(model(theta, X), y)

    labels = (np.eye(10)[y], np.eye(10)[y_test]) if loss == "squared error" else (y, y_test)
    train, test = ((X.reshape(len(X), 64), y) for X, y in zip((X, X_test), labels, strict=True))
    return compiled(squared if loss == "squared error" else entropy), tuple(a[:EXAMPLES] for a in train), test, theta


def keys():
    """What a row is of: (loss, batch size, method, steps, seed).

    On batches of CONTEST all methods meet, and all seeds; on the others there are CDAT, and the seeds that judge.
    """
    for loss in LOSSES:
        for size in SIZES:
            for name in rules(size):
                if size != CONTEST and not name.startswith("CDAT"):
                    continue
                seeds = JUDGES + (TUNERS if size == CONTEST and name.startswith(("CDAT", "SGD")) else ())
                for steps in (STEPS,) if name.startswith(("CDAT", "carried")) else (STEPS, 3 * STEPS):
                    yield from ((loss, size, name, steps, seed) for seed in seeds)


def run(key):
    """The row of a run: its key, and the two losses."""
    loss, size, name, steps, seed = key
    f, train, test, theta0 = problem(loss, seed)
    found = [(float(f(theta0, *train)), float(f(theta0, *test)))]
    try:
        path = rules(size)[name](s.minibatches(f, train, size, seed), theta0, steps)
        end = next(islice((result(step) for step in path), steps - 1, None))
        found.append((float(f(end, *train)), float(f(end, *test))))
    except FloatingPointError:
        found.append(found[0])
    return [*key, *(f"{value:.4g}" for value in np.nanmin(found, axis=0))]


def result(step):
    """What a method would hand over after a step: its average, where it keeps one."""
    return step.carried["x"] if "weights" in step.carried else step.state["theta"]
