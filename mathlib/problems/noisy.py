"""Problems with noise, to try a stochastic method on: a loss, a start, and a stream of noisy losses.

`NOISY` maps a name to a function of a seed. Six are quadratics of 50 dimensions, of condition 1e2 or 1e4, with noise 0,
0.1 or 1 in the gradient; five learn the digits: a logistic regression; a network in which a tenth of the labels is
drawn anew, so that these can only be learnt by heart; the same with true labels and larger batches; a
convolutional network; an autoencoder. The last is a relu network on tumours, from 30 measurements of each. A network's
`unravel` lists its layers, as the methods for matrices want them; a quadratic's is None: theta is one block.

>>> problem = NOISY["quadratic 1e2 0.1"](seed=0)
>>> l_t = next(problem.losses())
>>> bool(l_t(problem.theta0) != problem.loss(problem.theta0))
True
"""

from collections import namedtuple
from functools import cache, partial

import numpy as np

from mathlib.compiler import compiled
from mathlib.nn import cnn, mlp, relu, softmax_cross_entropy
from mathlib.problems.data import digits, table
from mathlib.stochastic import minibatches

NoisyProblem = namedtuple("NoisyProblem", "loss theta0 losses unravel", defaults=[None])


def noisy_quadratic(condition, noise, seed, n=50):
    """``theta . H theta / 2 + b_t . theta``: at the start 1/2 for each eigenvector; noise is the rms length of b_t."""
    rng = np.random.default_rng(seed)
    eigenvalues, Q = np.geomspace(1 / condition, 1, n), np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = Q * eigenvalues @ Q.T
    theta0, zero = Q @ (rng.standard_normal(n) / np.sqrt(eigenvalues)), np.zeros(n)

    def loss(theta, b=zero):
        return np.vdot(theta, H @ theta) / 2 + np.vdot(b, theta)

    def losses():
        noises = np.random.default_rng([seed, 1])
        while True:
            yield partial(loss, b=noise / np.sqrt(n) * noises.standard_normal(n))

    return NoisyProblem(loss, theta0, losses)


def on_digits(network, batch_size, seed, resampled=0.0, ridge=0.0):
    """A network (theta0, model) that learns the digits, of which a part has its label drawn anew."""
    (theta0, model), (X, y), rng = network, training_digits(), np.random.default_rng([seed, 2])
    y = np.where(rng.random(len(y)) < resampled, rng.integers(0, 10, len(y)), y)

    def loss(theta, X=X, y=y):
        return softmax_cross_entropy(model(theta, X), y) + ridge / 2 * np.vdot(theta, theta)

    losses = partial(minibatches, compiled(loss), read_only(X, y), batch_size, seed)
    return NoisyProblem(loss, theta0, losses, model.unravel)


@cache
def training_digits():
    """The images and labels of `digits` that are there to learn from."""
    return read_only(*digits()[:2])


def read_only(*arrays):
    """The arrays, which nobody can change from now on: a compiled loss need not look whether somebody has."""
    for a in arrays:
        a.flags.writeable = False
    return arrays


def flat(network):
    """The network on images as rows."""
    theta0, model = network

    def of_images(theta, X):
        return model(theta, np.reshape(X, (len(X), -1)))

    of_images.unravel = model.unravel
    return theta0, of_images


def logistic(seed):
    """Logistic regression with a ridge, from zero; batches of 32."""
    theta0, model = flat(mlp([64, 10]))
    return on_digits((np.zeros_like(theta0), model), 32, seed, ridge=1e-3)


def network_noisy(seed):
    """A network of 64 hidden units, a tenth of the labels drawn anew; batches of 32."""
    return on_digits(flat(mlp([64, 64, 10], seed=seed)), 32, seed, resampled=0.1)


def network_clean(seed):
    """The same network with true labels; batches of 128."""
    return on_digits(flat(mlp([64, 64, 10], seed=seed)), 128, seed)


def convolutional(seed):
    """A network of two convolutions, with true labels; batches of 32."""
    return on_digits(cnn((8, 8, 1), channels=(8, 16), F=3, padding=1, seed=seed), 32, seed)


def autoencoder(seed):
    """A network that gives back an image through 16 hidden units; batches of 32."""
    theta0, model = mlp([64, 16, 64], seed=seed)
    X = np.reshape(training_digits()[0], (-1, 64))

    def loss(theta, X=X):
        return np.mean(np.sum((model(theta, X) - X) ** 2, axis=1)) / 2

    return NoisyProblem(loss, theta0, partial(minibatches, compiled(loss), read_only(X), 32, seed), model.unravel)


def tumours(seed):
    """A relu network that tells benign tumours from others; batches of 16."""
    (theta0, model), (X, y) = mlp([30, 32, 32, 2], relu, seed), standardized_tumours()

    def loss(theta, X=X, y=y):
        return softmax_cross_entropy(model(theta, X), y)

    return NoisyProblem(loss, theta0, partial(minibatches, compiled(loss), read_only(X, y), 16, seed), model.unravel)


@cache
def standardized_tumours():
    """Measurements of breast tumours, each of mean 0 and variance 1, and whether they are benign.

    Source: Wolberg, W. et al. (1993).
    """
    X, y = table("tumours")
    return read_only((X - X.mean(axis=0)) / X.std(axis=0), y)


NOISY = {
    f"quadratic {condition} {noise}": partial(noisy_quadratic, float(condition), float(noise))
    for condition in ("1e2", "1e4")
    for noise in ("0", "0.1", "1")
} | {
    "logistic": logistic,
    "network noisy": network_noisy,
    "network clean": network_clean,
    "cnn": convolutional,
    "autoencoder": autoencoder,
    "tumours": tumours,
}
