"""One run of the experiment with Kronecker factors: which methods there are, what is tuned, what a run is.

A run learns the digits by a tanh network, from minibatches of 64, with a step size that falls linearly to 0. The
protocol, made before the data: each method has twelve settings, four step sizes with three values of another option
that matters to it (plain SGD: twelve step sizes). That setting is taken whose training loss at the end, on all
training data, is least on average over the seeds of `TUNING`; it is judged on those of `JUDGING`, which are others,
by training and by test loss. A seed makes the split into training and test data, the start, and the order of the
batches. Where a run diverges, its loss is log 10, that of a model that knows nothing. "Adam, default" is not tuned;
"Adam, long" has `LONGER` times as many steps. The grids are the second: of the first, most settings that were taken
stood at an edge, and these were moved that way once, before all was run again.
"""

from functools import partial
from itertools import islice, product

import numpy as np

from mathlib import stochastic as s
from mathlib.compiler import compiled
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.problems import digits

TUNING, JUDGING = range(3), range(100, 110)
STEPS, LONGER = 200, 8
SIZES = {"wide": [64, 32, 10], "deep": [64, 16, 16, 16, 16, 10]}
MEMORIES = (0.6, 0.8, 0.9)
FINE = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
ADAM = partial(s.adam, published=True)

# Each method, whether it asks for blocks, its step sizes, and the values of its other option.
METHODS = {
    "SGD": (s.momentum, False, FINE, "beta1", (0.0,)),
    "momentum": (s.momentum, False, (0.3, 1.0, 3.0, 10.0), "beta1", MEMORIES),
    "Adam": (ADAM, False, (1e-2, 3e-2, 1e-1, 3e-1), "beta1", MEMORIES),
    "Muon": (s.muon, True, (3e-2, 1e-1, 3e-1, 1.0), "beta1", MEMORIES),
    "Shampoo": (partial(s.shampoo, beta1=0.9), True, (0.3, 1.0, 3.0, 10.0), "eps", (1e-6, 1e-4, 1e-2)),
    "Shampoo, averaged": (
        partial(s.shampoo, beta1=0.9, averaged=True, beta2=0.95),
        True,
        (3e-2, 1e-1, 3e-1, 1.0),
        "eps",
        (1e-8, 1e-6, 1e-4),
    ),
    "K-FAC": (partial(s.kfac, beta1=0.9), True, (0.03, 0.1, 0.3, 1.0), "damping", (1e-4, 1e-3, 1e-2)),
    "K-FAC, empirical": (
        partial(s.kfac, beta1=0.9, targets="empirical"),
        True,
        (0.003, 0.01, 0.03, 0.1),
        "damping",
        (1e-6, 1e-5, 1e-4),
    ),
    "K-FAC, every 20th": (
        partial(s.kfac, beta1=0.9, every=20),
        True,
        (0.03, 0.1, 0.3, 1.0),
        "damping",
        (3e-4, 3e-3, 3e-2),
    ),
    "Adam, default": (ADAM, False, (1e-3,), "beta1", (0.9,)),
    "Adam, long": (ADAM, False, (3e-3, 1e-2, 3e-2, 1e-1), "beta1", MEMORIES),
}


def settings(method):
    """The settings of a method: pairs of a step size and a value of its other option."""
    _, _, etas, _, values = METHODS[method]
    return list(product(etas, values))


def problem(name, seed):
    """The start, the blocks, the stream of losses, and the loss on all training and all test data."""
    X, y, X_test, y_test = digits(seed)
    X, X_test = (np.reshape(images, (-1, 64)) for images in (X, X_test))
    theta0, model = mlp(SIZES[name], seed=seed)
    loss = compiled(lambda theta, X, y: softmax_cross_entropy(model(theta, X), y))
    losses = s.minibatches(loss, (X, y), 64, seed)
    return theta0, model.unravel, losses, lambda theta: (loss(theta, X, y), loss(theta, X_test, y_test))


def steps_of(key):
    """The steps of a run."""
    name, method, eta, other, seed = key
    theta0, unravel, losses, _ = problem(name, seed)
    step, asks, _, option, _ = METHODS[method]
    return step(
        losses, theta0, s.linear_decay(eta, length(method)), **({"blocks": unravel} if asks else {}), **{option: other}
    )


def length(method):
    """How many steps a run has."""
    return LONGER * STEPS if method.endswith("long") else STEPS


def run(key):
    """The row of a run: `key`, which is (problem, method, eta, other, seed), and training and test loss at the end."""
    name, method, _, _, seed = key
    try:
        end = next(islice(steps_of(key), length(method), None)).theta
        losses = np.nan_to_num(problem(name, seed)[3](end), nan=np.inf)
    except FloatingPointError:
        losses = [np.inf, np.inf]
    return [*key, *(f"{min(loss, np.log(10)):.4g}" for loss in losses)]
