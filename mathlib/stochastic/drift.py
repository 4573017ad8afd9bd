"""Methods that ask how the gradient changes along their way: the drift, or the slope in the step size."""

import math

import numpy as np

from mathlib.backprop import grad, value_and_grad
from mathlib.hessian import hessian
from mathlib.stochastic.steps import Step, begin, corrected, method, value_grad_hvp


@method
def second_order_adam(losses, theta0, eta=1e-2, beta1=0.9, beta3=0.9, bias_correction=False):
    """The lecture's second-order Adam, to the letter: `momentum`, and beside it an estimate of the gradient's drift.

    ``drift_hat = beta3 drift_hat + (1 - beta3) H_t (eta ⊙ g_hat)``, of the gradient's unit, is what a step takes from
    the gradient, to first order. The lecture expects it to help in setting eta, without saying how: nothing depends on
    it here, and `carried_drift` is our answer. The product needs this step's g_hat: so `hessian` records the gradient
    and runs the recording along ``eta ⊙ g_hat``. Sources: McAllester, D. (2017); Pearlmutter, B. A. (1994).

    >>> import itertools
    >>> path = second_order_adam(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, beta1=0.5, beta3=0.5)
    >>> [float(step.drift_estimate) for step in itertools.islice(path, 3)]
    [0.25, 0.4375, 0.484375]
    """
    theta, g_hat, drift_hat = begin(theta0, "g_hat", "drift_hat")
    for t, l_t, eta in losses:
        b1, b3 = (corrected(b, t) if bias_correction else b for b in (beta1, beta3))
        H = hessian(l_t, theta)
        g_hat = b1 * g_hat + (1 - b1) * H.gradient
        drift_hat = b3 * drift_hat + (1 - b3) * (H @ (eta * g_hat))
        yield Step(t, theta, H.value, H.gradient, eta, g_hat, drift_hat, {"g_hat": g_hat, "drift_hat": drift_hat})
        theta = theta - eta * g_hat


@method
def hessian_corrected_momentum(losses, theta0, eta=1e-2, alpha=0.1):
    """Momentum brought to the present point: ``m = (1 - alpha)(m + H_t d) + alpha gradient``, ``theta -= eta ⊙ m``.

    d is the last step, ``theta_t - theta_{t-1}``; m starts at the first gradient; alpha is in (0, 1]. On a noiseless
    quadratic m is the gradient at every step. The paper's methods also clip m, or divide it by its length. The rest is
    as for `sgd`. Source: Tran, H. and Cutkosky, A. (2022), arXiv 2103.03265.

    >>> import itertools
    >>> path = hessian_corrected_momentum(itertools.repeat(lambda x: x**2), 1.0, eta=0.25)
    >>> [float(step.gradient_estimate) for step in itertools.islice(path, 3)]
    [2.0, 1.0, 0.5]
    """
    theta, d, m = begin(theta0, "d", m=None)
    for t, l_t, eta in losses:
        loss, g, Hd = value_grad_hvp(l_t, theta, d)
        m = g if m is None else (1 - alpha) * (m + Hd) + alpha * g
        d = -eta * m
        yield Step(t, theta, loss, g, eta, m, carried={"m": m, "d": d})
        theta = theta + d


@method
def smd(losses, theta0, eta=1e-2, mu=0.05, lam=0.99):
    """Stochastic meta-descent: each coordinate's step size descends the loss too; the rest is as for `sgd`.

    v is the derivative of theta by the logarithm of the step sizes ``eta ⊙ p``, where p is multiplied by ``max(1/2,
    1 - mu v ⊙ gradient)``: ``v = lam v - eta ⊙ p ⊙ (gradient + lam H_t v)``. mu is of unit 1 / [l]; lam, in [0, 1), is
    the memory of v. Source: Schraudolph, N. N. (2002).

    >>> import itertools
    >>> path = smd(itertools.repeat(lambda x: x**2), 1.0, eta=0.1, mu=0.5)
    >>> [round(float(step.eta), 6) for step in itertools.islice(path, 3)]
    [0.1, 0.116, 0.140065]
    """
    theta, v, log_p = begin(theta0, "v", "log_p")
    for t, l_t, eta in losses:
        loss, g, Hv = value_grad_hvp(l_t, theta, v)
        log_p = log_p + np.log(np.maximum(0.5, 1 - mu * v * g))
        eta = eta * np.exp(log_p)
        v = lam * v - eta * (g + lam * Hv)
        yield Step(t, theta, loss, g, eta, g, carried={"v": v, "log_p": log_p})
        theta = theta - eta * g


@method
def hypergradient(losses, theta0, eta=1e-3, beta1=0.9, beta2=0.999, beta3=0.9, gamma=0.2):
    """Published Adam with ``p eta`` for eta, where the slope along the last step sets p: no Hessian.

    ``x = -gradient . d``, with Adam's last direction d, is the slope of l_t in p by the last step alone: ln p moves by
    gamma against ``x / rms(x)``, three times that at most. beta3, in [0, 1), is the memory of x**2; the rest is as for
    `adam`. Source: Baydin, A. G. et al. (2018); that x is divided by its size is ours.

    >>> import itertools
    >>> path = hypergradient(itertools.repeat(lambda x: np.sum(x**2)), np.ones(2), eta=1e-5)
    >>> bool(next(itertools.islice(path, 300, None)).loss < 1e-4)
    True
    """
    theta, g_hat, v_hat, d, x2, log_p = begin(theta0, "g_hat", "v_hat", "d", x2=0.0, log_p=0.0)
    tiny = np.finfo(theta.dtype).tiny
    for t, l_t, eta in losses:
        b1, b2, b3 = (corrected(b, t) for b in (beta1, beta2, beta3))
        loss, g = value_and_grad(l_t)(theta)
        x = -np.vdot(g, d)
        x2 = b3 * x2 + (1 - b3) * x**2
        log_p = log_p - gamma * np.clip(x / np.sqrt(x2 + tiny), -3, 3)
        g_hat, v_hat = b1 * g_hat + (1 - b1) * g, b2 * v_hat + (1 - b2) * g**2
        D = np.sqrt(v_hat) + 1e-8
        d, eta = g_hat / D, np.exp(log_p) * eta / D
        carried = {"g_hat": g_hat, "v_hat": v_hat, "d": d, "x2": x2, "log_p": log_p}
        yield Step(t, theta, loss, g, eta, g_hat, carried=carried)
        theta = theta - eta * g_hat


@method
def carried_drift(
    losses, theta0, eta=1e-3, beta1=0.9, beta2=0.99, beta3=0.9, lam=0.999, gamma=0.01, guard=1.0, every=20
):
    """Published Adam with ``p eta`` for eta, where the drift sets p: a rule of this project, not the lecture's.

    w is the derivative of theta by ln p, carried along from step to step, and `drift_estimate` that of the gradient:
    ``c D ⊙ w``, with Adam's ``D = sqrt(v_hat)`` and the curvature ``c = w . H_t w / (w . (D ⊙ w))``, read in each step
    that `every` divides; ln c falls by gamma a step at most. ``p eta c`` is the drift over the gradient, a pure number:
    1 where a step along w ends in the minimum. p starts where it is `guard`, along Adam's first direction, and falls
    where it is more. And ln p grows by gamma ``-mean(x) / rms(x)`` where that is positive: ``x = gradient . w`` is the
    slope of l_t in ln p, on a batch that w has not seen. It is not asked when to shrink p, for it thinks of the next
    step alone: that is left to the guard, and to a schedule, of which only the falls count: the guard takes a rise
    back. eta is a first guess only where the first curvature is not positive. beta2 is smaller than Adam's: D has to
    keep up with a growing p.

    beta3 and lam, in [0, 1), are the memories of x and x**2, and of w; the rest is as for `adam`. w is a scalar
    form of `smd`'s v, and while ``p eta c`` is near 1, little more than the last step.
    ``gamma=0`` with an `every` beyond the run's length keeps the first p: one product, ever.

    >>> import itertools
    >>> path = carried_drift(itertools.repeat(lambda x: np.sum(x**2)), np.ones(2), eta=1e-5)
    >>> bool(next(itertools.islice(path, 100, None)).loss < 1e-4)
    True
    """
    start = dict.fromkeys(("x1", "x2", "log_p", "c"), 0.0)
    theta, g_hat, v_hat, w, x1, x2, log_p, c = begin(theta0, "g_hat", "v_hat", "w", **start)
    tiny = np.finfo(theta.dtype).tiny
    for t, l_t, eta in losses:
        b1, b2, b3 = (corrected(b, t) for b in (beta1, beta2, beta3))
        if t % every:
            loss, g = value_and_grad(l_t)(theta)
        else:
            u = w if t else np.sign(grad(l_t)(theta))  # Adam's first direction
            loss, g, Hu = value_grad_hvp(l_t, theta, u)
        g_hat, v_hat = b1 * g_hat + (1 - b1) * g, b2 * v_hat + (1 - b2) * g**2
        D = np.sqrt(v_hat) + 1e-8
        if t % every == 0:
            c = np.maximum(np.vdot(u, Hu) / (np.sum(D * u**2) + tiny), c * math.exp(-gamma * every))
        x = np.vdot(g, w)
        x1, x2 = b3 * x1 + (1 - b3) * x, b3 * x2 + (1 - b3) * x**2
        highest = np.log(guard / np.maximum(c * np.max(eta), tiny))
        grown = log_p + gamma * np.maximum(0, -x1 / np.sqrt(x2 + tiny))
        log_p = highest if t == 0 and c > 0 else np.minimum(highest, grown)
        eta = np.exp(log_p) * eta / D
        drift_hat = c * D * w
        w = lam * w - eta * (g_hat + drift_hat)
        carried = {"g_hat": g_hat, "v_hat": v_hat, "w": w, "x1": x1, "x2": x2, "log_p": log_p, "c": c}
        yield Step(t, theta, loss, g, eta, g_hat, drift_hat, carried)
        theta = theta - eta * g_hat
