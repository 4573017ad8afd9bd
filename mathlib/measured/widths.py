"""One run of the experiment with widths: which methods there are, what a run is, and how step sizes are chosen.

A network of two hidden layers of one width learns `mathlib.problems.digits`, for a few steps, in single precision; a
seed makes its start, the split of the data and the minibatches. The outcome is the loss on the images to train on and
on those to test on, both clipped to twice that of a guess: from there on the step is too long.
"""

from itertools import islice

import numpy as np

from mathlib import compiled, nn, norms, problems
from mathlib import stochastic as s

WIDTHS = [16, 32, 64, 128, 256, 512]
SEEDS, JUDGES = range(6), range(6, 12)  # to choose step sizes by, and to judge them
STEPS, BATCH = 20, 128
WORST = 2 * np.log(10)


def of_layers(matrices, vectors, start=False):
    """Steepest descent in the largest of the layers' norms; with `start`, from matrices made of length one."""

    def method(losses, theta, eta, unravel):
        kinds = [matrices if len(shape) > 1 else vectors for shape in unravel.shapes]
        if start:
            parts = unravel(theta)
            theta, _ = nn.ravel([W / (norm(W) or 1) for norm, W in zip(kinds, parts, strict=True)])
        return s.steepest_descent(losses, theta, eta, norms.Network(unravel, kinds))

    return method


def of_theta(method, **options):
    """A method that does not ask which layers there are."""
    return lambda losses, theta, eta, unravel: method(losses, theta, eta, **options)


METHODS = {
    "SGD": of_theta(s.sgd),
    "Adam": of_theta(s.adam, published=True),
    "Euclid": of_theta(s.steepest_descent, norm=norms.Euclidean()),
    "max": of_theta(s.sign_descent),
    "spectral": of_layers(norms.Spectral(iterations=5), norms.Euclidean()),
    "RMS": of_layers(norms.RMS(iterations=5), norms.RMS()),
    "RMS, start": of_layers(norms.RMS(iterations=5), norms.RMS(), start=True),
}
# Twelve step sizes for each method, a factor of two apart: the same at all widths.
FIRST = {"SGD": -8, "Adam": -13, "Euclid": -8, "max": -14, "spectral": -9, "RMS": -8, "RMS, start": -8}
ETAS = {name: [2.0**k for k in range(first, first + 12)] for name, first in FIRST.items()}


def run(key):
    """The row of a run: `key`, which is (method, width, eta, seed), and its two losses."""
    name, width, eta, seed = key
    X, y, X_test, y_test = problems.digits(seed)
    X, X_test = (np.reshape(a, (len(a), -1)).astype(np.float32) for a in (X, X_test))
    theta, model = nn.mlp([64, width, width, 10], seed=seed)
    loss = lambda theta, X, y: nn.softmax_cross_entropy(model(theta, X), y)  # noqa: E731
    losses = s.minibatches(compiled(loss), (X, y), BATCH, seed)
    try:
        steps = METHODS[name](losses, theta.astype(np.float32), eta, model.unravel)
        theta = next(islice(steps, STEPS, None)).theta
        ends = [float(loss(theta, *data)) for data in ((X, y), (X_test, y_test))]
    except FloatingPointError:
        ends = [np.inf, np.inf]
    return [*key, *(f"{min(end, WORST):.4g}" for end in np.nan_to_num(ends, nan=np.inf))]


def best(rows):
    """The step size with the least mean loss of training, by (method, width), over the rows with seeds of `SEEDS`."""
    ends = {}
    for name, width, eta, seed, train, _ in rows:
        if int(seed) in SEEDS:
            ends.setdefault((name, int(width)), {}).setdefault(float(eta), []).append(float(train))
    return {key: min(by_eta, key=lambda eta: np.mean(by_eta[eta])) for key, by_eta in ends.items()}
