"""Methods that divide by the diagonal of the Hessian, as Hutchinson's products show it."""

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.door import is_finite
from mathlib.stochastic.steps import Step, begin, corrected, method, value_grad_hvp


@method
def sophia(losses, theta0, eta=1e-3, beta1=0.96, beta2=0.99, gamma=0.01, eps=1e-12, every=10, seed=0):
    """Sophia-H: momentum over the Hessian's diagonal, clipped: ``theta -= eta ⊙ clip(m / max(gamma h, eps), 1)``.

    ``m = beta1 m + (1 - beta1) gradient``; in each step that `every` divides, ``h = beta2 h + (1 - beta2) z ⊙ (H_t z)``
    with random signs z. Both start at 0, and nothing corrects for it. No component moves by more than its eta; where h
    is not positive, it moves by all of it. Elsewhere, and unclipped, the step is ``eta / gamma`` times Newton's with
    the diagonal alone.

    eta is measured in [theta], gamma in 1 / [theta], eps in [l] / [theta]. z depends on the `seed` and on t alone. The
    rest is as for `momentum`; a FloatingPointError says where z ⊙ (H z) overflows. Source: Liu, H. et al. (2023), arXiv
    2305.14342; there z is normal, which adds noise (signs are exact where H is diagonal), and there is weight decay.

    >>> import itertools
    >>> path = sophia(itertools.repeat(lambda x: np.sum(x**2)), np.array([1.0, 2.0]), eta=0.5, beta1=0.0, gamma=100.0)
    >>> [step.theta.round(12).tolist() for step in itertools.islice(path, 3)]
    [[1.0, 2.0], [0.5, 1.5], [0.25, 1.0]]
    """
    theta, m, h = begin(theta0, "m", "h")
    for t, l_t, eta in losses:
        loss, g, diagonal = hutchinson(l_t, theta, seed, t) if t % every == 0 else (*value_and_grad(l_t)(theta), None)
        m = beta1 * m + (1 - beta1) * g
        h = h if diagonal is None else beta2 * h + (1 - beta2) * diagonal
        move = -eta * np.clip(m / np.maximum(gamma * h, eps), -1, 1)
        yield Step(t, theta, loss, g, eta, m, carried={"m": m, "h": h}, move=move)
        theta = theta + move


@method
def adahessian(losses, theta0, eta=0.15, beta1=0.9, beta2=0.999, eps=1e-4, hessian_power=1.0, every=1, seed=0):
    """AdaHessian: published Adam with the Hessian's diagonal in the place of the gradient's size.

    ``theta -= eta ⊙ m / (sqrt(h2)**hessian_power + eps)`` with ``m = beta1 m + (1 - beta1) gradient`` and, in each step
    that `every` divides, ``h2 = beta2 h2 + (1 - beta2) (z ⊙ (H_t z))**2``, z random signs; the start at zero is taken
    out of both. The sign of the curvature is lost in the square.

    With ``hessian_power=1`` eta is a pure number and eps measured in [l] / [theta]**2; in general sqrt(h2)**power over
    eta has the unit [l] / [theta]**2. z depends on the `seed` and on t alone. The rest is as for `adam`; a
    FloatingPointError says where (z ⊙ (H z))**2 overflows. Source: Yao, Z. et al. (2021), arXiv 2006.00719; there the
    diagonal is also averaged over neighbouring weights, as those of a filter, which this leaves out.

    >>> import itertools
    >>> path = adahessian(itertools.repeat(lambda x: x[0] ** 2 + 50 * x[1] ** 2), np.ones(2), eta=0.5, eps=0.0)
    >>> [step.theta.round(12).tolist() for step in itertools.islice(path, 2)]
    [[1.0, 1.0], [0.5, 0.5]]
    """
    theta, m, h2 = begin(theta0, "m", "h2")
    for t, l_t, eta in losses:
        loss, g, diagonal = hutchinson(l_t, theta, seed, t) if t % every == 0 else (*value_and_grad(l_t)(theta), None)
        b1, b2 = corrected(beta1, t), corrected(beta2, t // every)
        m = b1 * m + (1 - b1) * g
        h2 = h2 if diagonal is None else b2 * h2 + (1 - b2) * diagonal**2
        if not is_finite(h2):
            raise FloatingPointError("the square of z ⊙ (H z) overflows.")
        eta = eta / (np.sqrt(h2) ** hessian_power + eps)
        yield Step(t, theta, loss, g, eta, m, carried={"m": m, "h2": h2})
        theta = theta - eta * m


def hutchinson(loss, theta, seed, t):
    """The loss, its gradient, and one sample of the diagonal of H, ``z ⊙ (H z)`` for signs z."""
    z = np.random.default_rng([seed, t]).choice([-1.0, 1.0], theta.shape).astype(theta.dtype)
    value, g, Hz = value_grad_hvp(loss, theta, z)
    return value, g, z * Hz
