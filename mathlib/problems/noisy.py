"""Problems with noise, to try a stochastic method on: a loss, a start, and a stream of noisy losses.

`NOISY` maps a name to a function of a seed, which decides the start, the batches, what is drawn anew of the labels, and
which of the data are held out. A `NoisyProblem` has

`loss`, `theta0`, `losses`
    the loss on all that there is to learn from, the start, and a function that gives the stream
`unravel`
    a network's lists its layers, as the methods for matrices want them; None: theta is one block
`test`, `errors`
    the loss and the part of wrong classes on examples that are held out, with true labels; errors is None where there
    are no classes, and a quadratic's test is its loss

Six are quadratics of 50 dimensions, of condition 1e2 or 1e4, with noise 0, 0.1 or 1 in the gradient. Five learn the
digits: a logistic regression; a network in which a tenth of the labels is drawn anew, so that these can only be learnt
by heart; the same with true labels and larger batches; a convolutional network; an autoencoder. The tumours are told
apart by a relu network, from 30 measurements of each. Six networks, narrow and wide, read MNIST's digits, and two
the signals of MNIST-1D; where they are "noisy", a tenth (32x3) or a fifth of the labels is drawn anew. The last one,
with attention, predicts the characters of a text.

The losses are compiled, once for all seeds; with ``engine="recorded"`` they are plain functions.

>>> problem = NOISY["quadratic 1e2 0.1"](seed=0)
>>> l_t = next(problem.losses())
>>> bool(l_t(problem.theta0) != problem.loss(problem.theta0))
True
"""

from functools import cache, partial

import numpy as np

from mathlib.door import one_of, with_data
from mathlib.nn import cnn, mlp, relu
from mathlib.problems.data import digits, mnist, split, table
from mathlib.problems.language import alphabet_and_text, sequences, transformer
from mathlib.problems.learning import ENGINES, NoisyProblem, learner
from mathlib.problems.signals import mnist_1d


def noisy_quadratic(condition, noise, seed, engine="compiled", n=50):
    """``theta . H theta / 2 + b_t . theta``: at the start 1/2 for each eigenvector; noise is the rms length of b_t."""
    one_of(ENGINES, engine=engine)
    rng = np.random.default_rng(seed)
    eigenvalues, Q = np.geomspace(1 / condition, 1, n), np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = Q * eigenvalues @ Q.T
    theta0 = Q @ (rng.standard_normal(n) / np.sqrt(eigenvalues))
    loss = partial(quadratic_form, H=H, b=np.zeros(n))

    def losses():
        noises = np.random.default_rng([seed, 1])
        while True:
            b_t = noise / np.sqrt(n) * noises.standard_normal(n)
            yield with_data(quadratic_program(engine), (H, b_t), {})

    return NoisyProblem(loss, theta0, losses, test=loss)


def quadratic_form(theta, H, b):
    return np.vdot(theta, H @ theta) / 2 + np.vdot(b, theta)


@cache
def quadratic_program(engine):
    """The form, which is the same for each seed: it is traced once, for all runs."""
    return ENGINES[engine](quadratic_form)


def from_zero(sizes, seed):
    """The network, with all its weights 0."""
    theta0, model = mlp(sizes, seed=seed)
    return np.zeros_like(theta0), model


def rows(data):
    """The data with each image as a row."""

    def flat(seed):
        X, y, X_test, y_test = data(seed)
        return np.reshape(X, (len(X), -1)), y, np.reshape(X_test, (len(X_test), -1)), y_test

    return flat


def to_give_back(data):
    """The data, each its own target."""

    def pairs(seed):
        X, _, X_test, _ = data(seed)
        return X, X, X_test, X_test

    return pairs


def tumours(seed):
    """Measurements of breast tumours, of mean 0 and variance 1 where one learns from them, and whether they are benign.

    Source: Wolberg, W. et al. (1993).
    """
    X, y, X_test, y_test = split(*table("tumours"), seed, test=0.25)
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    return (X - mean) / deviation, y, (X_test - mean) / deviation, y_test


def characters(seed):
    """The text, which is the same for each seed."""
    return sequences()


def reader(seed):
    return transformer(len(alphabet_and_text()[0]), seed=seed)


QUADRATICS = {
    f"quadratic {condition} {noise}": partial(noisy_quadratic, float(condition), float(noise))
    for condition in ("1e2", "1e4")
    for noise in ("0", "0.1", "1")
}
DIGITS, MNIST = rows(digits), rows(mnist)
ONE_HIDDEN = partial(mlp, [64, 64, 10])

NOISY = QUADRATICS | {
    "logistic": learner(partial(from_zero, [64, 10]), DIGITS, 32, ridge=1e-3),
    "network noisy": learner(ONE_HIDDEN, DIGITS, 32, resampled=0.1),
    "network clean": learner(ONE_HIDDEN, DIGITS, 128),
    "cnn": learner(partial(cnn, (8, 8, 1), channels=(8, 16), F=3, padding=1), digits, 32),
    "autoencoder": learner(partial(mlp, [64, 16, 64]), to_give_back(DIGITS), 32),
    "tumours": learner(partial(mlp, [30, 32, 32, 2], relu), tumours, 16),
    "mnist 32x1": learner(partial(mlp, [196, 32, 10]), MNIST, 32),
    "mnist 128x3 noisy": learner(partial(mlp, [196, 128, 128, 128, 10]), MNIST, 256, resampled=0.2),
    "mnist 512x1": learner(partial(mlp, [196, 512, 10]), MNIST, 32),
    "mnist 256x3 noisy": learner(partial(mlp, [196, 256, 256, 256, 10], relu), MNIST, 256, resampled=0.2),
    "mnist 32x3 noisy": learner(partial(mlp, [196, 32, 32, 32, 10]), MNIST, 32, resampled=0.1),
    "mnist cnn": learner(partial(cnn, (14, 14, 1), channels=(8, 32), F=3, padding=1), mnist, 32),
    "signals": learner(partial(mlp, [40, 100, 100, 10]), mnist_1d, 32),
    "signals wide noisy": learner(partial(mlp, [40, 256, 256, 10], relu), mnist_1d, 256, resampled=0.2),
    "characters": learner(reader, characters, 16),
}
