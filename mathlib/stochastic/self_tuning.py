"""Methods that set their own step size: by the curvature along it, by an average, or by the distance they have gone."""

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.hessian import hessian
from mathlib.stochastic.steps import Step, begin, corrected, method


@method
def cdat(losses, theta0, eta=1.0, sigma=2.0, beta1=0.0, beta2=0.999, beta3=0.0, adam=False):
    """Curvature dynamics aware tuning: ``theta += eta sigma (n / d) u``, by the curvature along its direction u.

    With ``n = max(-g . u, 0)`` and ``d = |u . H u|``, n / d is the step along u that is the minimum of a quadratic
    loss; so sigma is a target for the drift over the gradient along u: 1 is "greedy", and 2 "on edge", where the loss
    of a quadratic is what it was. u is the direction of a method without a step size: minus `momentum`'s g_hat, which
    is the gradient for beta1 = 0, and with ``adam=True`` that over Adam's ``sqrt(v_hat)``, both corrected for their
    start. beta3, in [0, 1), is the memory of n and of d, each averaged by itself, for losses of minibatches. eta is a
    pure number: 1, or a schedule.

    Where the curvature along u is negative the step is as long as if it were positive, and where u climbs it is none.
    The paper adds a small number to d; here a zero of d, with n positive, is a FloatingPointError. The rest is as for
    `sgd`. Source: Roulet, V. et al. (2024), arXiv 2407.06183.

    >>> import itertools
    >>> losses = itertools.repeat(lambda x: np.sum(np.array([1.0, 4.0]) * x**2) / 2)
    >>> [round(float(step.loss), 6) for step in itertools.islice(cdat(losses, np.ones(2), sigma=1.0), 3)]
    [2.5, 0.276923, 0.030675]
    """
    theta, g_hat, v_hat, n, d = begin(theta0, "g_hat", "v_hat", n=0.0, d=0.0)
    for t, l_t, eta in losses:
        H = hessian(l_t, theta)
        b1, b2 = (corrected(b, t) for b in (beta1, beta2))
        g_hat = b1 * g_hat + (1 - b1) * H.gradient
        v_hat = b2 * v_hat + (1 - b2) * H.gradient**2 if adam else v_hat
        D = np.sqrt(v_hat) + 1e-8 if adam else 1
        u = -g_hat / D
        n = beta3 * n + (1 - beta3) * np.maximum(-np.vdot(H.gradient, u), 0)
        d = beta3 * d + (1 - beta3) * abs(np.vdot(u, H @ u))
        if n > 0 and not d > 0:
            raise FloatingPointError(f"the curvature along the direction is {d}: no step reaches the target.")
        eta = eta * sigma * n / (d if d > 0 else 1) / D
        carried = {"g_hat": g_hat, "v_hat": v_hat, "n": n, "d": d}
        yield Step(t, theta, H.value, H.gradient, eta, g_hat, carried=carried)
        theta = theta - eta * g_hat


@method
def schedule_free(losses, theta0, eta=2.5e-3, beta1=0.9, beta2=0.999, eps=1e-8, adam=True):
    """Schedule-free learning: steps of z, their average x, and gradients at ``y = (1 - beta1) z + beta1 x``.

    ``z -= eta g(y)``, and ``x = (1 - c) x + c z`` with ``c = eta**2 / (sum of eta**2 so far)``: the mean of the z's for
    a constant eta, in which a warm-up weighs little. `theta` of a step is y, where its loss and gradient
    are; the result is x, which the step before has made: ``step.carried["x"]`` of the last step. beta1 = 0 is the
    average of SGD's path, kept aside. With ``adam=True`` eta, of theta's unit, is divided by Adam's ``sqrt(v_hat) +
    eps``; otherwise it has `sgd`'s unit, [theta]**2 / [l]. The rest is as for `sgd`.
    Source: Defazio, A. et al. (2024), arXiv 2405.15682.

    >>> import itertools
    >>> path = schedule_free(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, beta1=0.5, adam=False)
    >>> [(float(step.carried["z"]), float(step.carried["x"])) for step in itertools.islice(path, 2)]
    [(0.5, 0.5), (0.25, 0.375)]
    """
    theta, v_hat, weights, z, x = begin(theta0, "v_hat", "weights", z=None, x=None)
    z, x = (theta if a is None else a for a in (z, x))
    tiny = np.finfo(theta.dtype).tiny
    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        if adam:
            b2 = corrected(beta2, t)
            v_hat = b2 * v_hat + (1 - b2) * g**2
        D = np.sqrt(v_hat) + eps if adam else 1
        z = z - eta / D * g
        weights = weights + eta**2
        c = eta**2 / (weights + tiny)
        x = (1 - c) * x + c * z
        move = (1 - beta1) * z + beta1 * x - theta
        carried = {"v_hat": v_hat, "z": z, "x": x, "weights": weights}
        yield Step(t, theta, loss, g, eta / D, g, carried=carried, move=move)
        theta = theta + move


@method
def prodigy(losses, theta0, eta=1.0, beta1=0.9, beta2=0.999, eps=1e-8, d0=1e-6, bias_correction=False):
    """Prodigy: Adam whose step size is d, a growing lower estimate of the distance from theta0 to the solution.

    ``d = max(d, r / sum |s|)``, with averages ``r = b r + (1 - b) d**2 (eta ⊙ g) . (theta0 - theta)`` and ``s = b s +
    (1 - b) d**2 eta ⊙ g``, b = sqrt(beta2); ``theta -= eta d m / (sqrt(v) + d eps)``, where m and v are Adam's averages
    of d g and its square, without bias correction but where it is asked for (then eta has the factor that makes it).
    d is of theta's unit; d0 is the first one, meant to be too small. eta is a pure number: 1, or a schedule. The rest
    is as for `sgd`. Source: Mishchenko, K. and Defazio, A. (2023), arXiv 2306.06101.

    >>> import itertools
    >>> path = prodigy(itertools.repeat(lambda x: np.sum(x**2)), np.ones(2))
    >>> bool(next(itertools.islice(path, 200, None)).loss < 1e-2)
    True
    """
    theta, m, v, s, start, r, d = begin(theta0, "m", "v", "s", start=None, r=0.0, d=d0)
    start, b, tiny = theta if start is None else start, beta2**0.5, np.finfo(theta.dtype).tiny
    for t, l_t, eta in losses:
        if bias_correction:
            eta = eta * (1 - beta2 ** (t + 1)) ** 0.5 / (1 - beta1 ** (t + 1))
        loss, g = value_and_grad(l_t)(theta)
        m, v = beta1 * m + (1 - beta1) * d * g, beta2 * v + (1 - beta2) * (d * g) ** 2
        r = b * r + (1 - b) * d**2 * np.vdot(eta * g, start - theta)
        s = b * s + (1 - b) * d**2 * eta * g
        eta = eta * d / (np.sqrt(v) + d * eps)
        d = np.maximum(d, r / (np.sum(abs(s)) + tiny))
        carried = {"m": m, "v": v, "s": s, "start": start, "r": r, "d": d}
        yield Step(t, theta, loss, g, eta, m, carried=carried)
        theta = theta - eta * m
