"""Line searches: how far to go along a direction.

Each is a function ``search(loss, step, d, eta=1.0)``: from a `Step` along a direction of descent d, with eta tried
first, to a better `Step`: of smaller loss, or of the same and with a smaller gradient. Where it finds none, as in a
flat region, it gives `step` itself back. A point where the loss or its gradient is NaN or infinite is never taken.
"""

import math

import numpy as np

from mathlib.hessian import hvp
from mathlib.optimize.objective import Objective, dot, largest


def armijo(loss, step, d, eta=1.0, c1=1e-4):
    """Halve eta until the loss falls by a fraction of what its slope promises: by ``-c1 eta dl[d]`` at least.

    Source: Armijo, L. (1966).

    >>> f = Objective(lambda x: x**4)
    >>> armijo(f, f.at(1.0), -1.0, eta=4.0).theta
    0.0
    """
    f, slope = Objective.of(loss), descent(step, d)
    while slope and np.any(step.theta + eta * d != step.theta):
        new = trial(f, step, d, eta)
        if new and better(new, step) and new.loss <= step.loss + c1 * eta * slope:
            return new
        eta /= 2
    return step


def exact(loss, step, d, eta=1.0):
    """The stationary point along d of the quadratic model: ``eta = -dl[d] / d . H d``, exact where l is quadratic.

    The eta given is not used. It costs one Hessian-vector product; where the curvature is not positive there is no
    such point, and `step` comes back.
    """
    f, slope = Objective.of(loss), descent(step, d)
    curvature = dot(d, hvp(f, step.theta, d))
    new = trial(f, step, d, -slope / curvature) if slope and curvature > 0 else None
    return new if new and better(new, step) else step


def strong_wolfe(loss, step, d, eta=1.0, c1=1e-4, c2=0.9, trials=40):
    """Find an eta that fulfils Armijo's condition, and where the slope is flatter: ``|slope| <= c2 |slope0|``.

    It brackets such an eta and narrows the bracket by cubic interpolation; a point that is not finite is an end
    of the bracket. Sources: Moré, J. J. and Thuente, D. J. (1994); Nocedal, J. and Wright, S. J. (2006), section 3.5.

    >>> f = Objective(lambda x: x**4)
    >>> bool(abs(strong_wolfe(f, f.at(1.0), -1.0, eta=0.01, c2=0.1).gradient) <= 0.4)
    True
    """
    f, slope0 = Objective.of(loss), descent(step, d)
    low, high, best = (0.0, step.loss, slope0), (math.inf, math.inf, math.nan), step
    for _ in range(trials if slope0 else 0):
        new = trial(f, step, d, eta)
        point = (eta, new.loss, dot(new.gradient, d)) if new else (eta, math.inf, math.nan)
        if not point[1] <= step.loss + c1 * eta * slope0 or (point[1] >= low[1] and low[0] > 0):
            high = point
        elif abs(point[2]) <= -c2 * slope0:
            return new if better(new, step) else best
        else:
            high = low if point[2] * (high[0] - low[0]) >= 0 else high
            low, best = point, new if better(new, best) else best
        eta = interpolate(low, high)
        if np.all(step.theta + eta * d == step.theta + low[0] * d):
            break
    return best


def descent(step, d):
    """The slope along d, which must not be positive."""
    slope = dot(step.gradient, d)
    if not slope <= 0:
        raise ValueError(f"the slope along d is {slope}: a direction of descent is needed. Instead: -d, or -gradient.")
    return slope


def better(new, old):
    """Whether the loss has fallen, or is the same to the last bit and the gradient smaller."""
    return new.loss < old.loss or (new.loss == old.loss and largest(new.gradient) < largest(old.gradient))


def trial(f, step, d, eta):
    """The step at theta + eta d, or None where loss or gradient is not finite."""
    theta = step.theta + eta * d
    try:
        return f.at(theta) if np.all(np.isfinite(theta)) else None
    except FloatingPointError:
        return None


def interpolate(low, high):
    """The minimum of the cubic that has these values and slopes, kept inside of the bracket, or 4 times further."""
    (a, la, sa), (b, lb, sb) = low, high
    if b == math.inf:
        return 4 * a
    with np.errstate(all="ignore"):
        if math.isfinite(lb):
            t = sa + sb - 3 * (lb - la) / (b - a)
            root = np.sqrt(np.float64(t) ** 2 - sa * sb) * np.sign(b - a)
            eta = b - (b - a) * (sb + root - t) / (sb - sa + 2 * root)
        else:
            eta = a
    edge = 0.1 * abs(b - a)
    if not np.isfinite(eta):
        return (a + b) / 2
    return float(np.clip(eta, min(a, b) + edge, max(a, b) - edge))
