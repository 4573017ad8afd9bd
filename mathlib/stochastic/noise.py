"""The noise of a minibatch's gradient, and the drift of the gradient under a step."""

from collections import namedtuple

import numpy as np

from mathlib.backprop import grad
from mathlib.door import direction, finite, floats, program, whole
from mathlib.hessian import hvp
from mathlib.stochastic.schedules import step_sizes
from mathlib.stochastic.streams import examples, on

GradientNoise = namedtuple("GradientNoise", "gradient variance signal_to_noise critical_batch_size")


GradientDrift = namedtuple("GradientDrift", "drift average measured")


def gradient_noise(loss, data, theta, batch_size=1):
    """How a minibatch's gradient differs from that on all data: exactly, from the gradient of each of the n examples.

    Loss, data, errors and how a batch of B is drawn are those of `minibatches`. The result has the `gradient` on all
    data; the `variance` of each component of the estimate, ``sigma_i**2 / B (n - B) / (n - 1)``, of theta's shape; the
    `signal_to_noise`, ``sum(gradient**2) / sum(variance)``; and the `critical_batch_size` ``sum(sigma**2) /
    sum(gradient**2)``, from which on the signal is the larger. The last two depend on coordinates, not on the loss's
    unit. Sources: McCandlish, S. et al. (2018); Cochran, W. G. (1977), on drawing without replacement.

    >>> gradient_noise(lambda theta, X: np.mean((theta - X) ** 2) / 2, (np.array([1.0, 3.0]),), 0.0)[1:]
    (np.float64(1.0), np.float64(4.0), np.float64(0.25))
    """
    (arrays, n), theta, mean, spread = examples(data), floats(theta, "theta"), 0.0, 0.0
    program(loss)
    finite(theta=theta)
    whole(1, batch_size=batch_size)
    if batch_size > n:
        raise ValueError(f"batch_size is {batch_size}: an integer from 1 to {n}, the number of examples, is needed.")
    for i in range(n):  # Welford's update: no difference of large sums
        off = grad(on(slice(i, i + 1), loss, arrays))(theta) - mean
        mean = mean + off / (i + 1)
        spread = spread + off**2 * (i / (i + 1))
    signal, sigma2 = np.sum(mean**2), spread / n
    variance = sigma2 / batch_size * (n - batch_size) / max(n - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return GradientNoise(mean, variance, signal / np.sum(variance), np.sum(sigma2) / signal)


def gradient_drift(loss, data, theta, eta, g_hat):
    """The drift of the gradient under the step ``theta - eta ⊙ g_hat``: predicted in two ways, and measured.

    Loss and data are those of `minibatches`, eta a number or an array; errors are those of `hvp`. The result has the
    `drift` ``H (eta ⊙ g_hat)``, H of the loss on all data; the `average` over examples i of ``H_i (eta ⊙ g_hat)``, the
    same covector; and, `measured`, by how much the gradient on all data falls, which differs by third derivatives, in
    the square of eta. All are of the gradient's unit and theta's shape. Source: McAllester, D. (2017).

    >>> cubes = lambda theta, X: np.mean((theta - X) ** 3)
    >>> gradient_drift(cubes, (np.array([0.0, 2.0]),), 2.0, eta=0.125, g_hat=1.0)
    GradientDrift(drift=np.float64(0.75), average=np.float64(0.75), measured=np.float64(0.703125))
    """
    program(loss)
    (arrays, n), (theta, g_hat) = examples(data), direction(theta, g_hat, "theta")
    v, full = step_sizes(eta, theta)(0) * g_hat, on(slice(None), loss, arrays)
    average = sum(hvp(on(slice(i, i + 1), loss, arrays), theta, v) for i in range(n)) / n
    return GradientDrift(hvp(full, theta, v), average, grad(full)(theta) - grad(full)(theta - v))
