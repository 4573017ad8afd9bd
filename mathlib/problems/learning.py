"""What learns from data, as a problem with noise: networks, on batches, tested on examples that are held out."""

from collections import namedtuple
from functools import cache, partial

import numpy as np

from mathlib.compiler import compiled
from mathlib.door import one_of
from mathlib.nn import accuracy, softmax_cross_entropy
from mathlib.stochastic import minibatches

ENGINES = {"compiled": compiled, "recorded": lambda loss: loss}

NoisyProblem = namedtuple("NoisyProblem", "loss theta0 losses unravel test errors", defaults=[None] * 3)


def learner(network, data, batch_size, resampled=0.0, ridge=0.0):
    """The problem, as a function of a seed, in which a network learns from batches of some data.

    ``network(seed=seed)`` is theta0 and a model, ``data(seed)`` is X, y, X_test, y_test. Of the labels to learn from, a
    part `resampled` is drawn anew.
    """

    @cache
    def program():
        """The loss on a batch, which is the same for each seed, by engine: it is traced once, for all runs."""
        _, model = network(seed=0)

        def loss(theta, X, y):
            return surprise(model(theta, X), y) + penalty(theta)

        return {name: engine(loss) for name, engine in ENGINES.items()}

    def penalty(theta):
        return ridge / 2 * np.vdot(theta, theta) if ridge else 0.0

    def problem(seed, engine="compiled"):
        one_of(ENGINES, engine=engine)
        (theta0, model), (X, y, X_test, y_test) = network(seed=seed), data(seed)
        if resampled:
            y = drawn_anew(y, resampled, seed)

        def loss(theta):
            return surprise(outputs(model, theta, X), y) + penalty(theta)

        def test(theta):
            return surprise(outputs(model, theta, X_test), y_test)

        def errors(theta):
            return 1 - accuracy(outputs(model, theta, X_test), np.ravel(y_test))

        losses = partial(minibatches, program()[engine], (X, y), batch_size, seed)
        return NoisyProblem(loss, theta0, losses, model.unravel, test, errors if has_classes(y) else None)

    return problem


def has_classes(y):
    return y.dtype.kind != "f"


def surprise(outputs, y):
    """The cross entropy of labels, one or several for each example; of numbers, half the squared distance: means."""
    if has_classes(y):
        return softmax_cross_entropy(outputs, np.ravel(y))
    return np.sum((outputs - y) ** 2) / (2 * len(y))


def outputs(model, theta, X, size=128):
    """The model's outputs for many examples, a few at a time, whose arrays fit into the processor's cache."""
    return np.concatenate([model(theta, X[i : i + size]) for i in range(0, len(X), size)])


def drawn_anew(y, part, seed):
    """The labels, a part of which is drawn at random from all ten."""
    rng = np.random.default_rng([seed, 2])
    return np.where(rng.random(len(y)) < part, rng.integers(0, 10, len(y)), y)
