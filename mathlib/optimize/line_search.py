"""Line searches: how far to go along a direction.

Each is a function ``search(loss, step, d, eta=1.0)``: from a `Step` along a direction of descent d, with eta tried
first, to a better `Step`: of smaller loss or, where rounding hides the difference of the losses, of a flatter slope
along d (the approximate Wolfe conditions of Hager, W. W. and Zhang, H. 2005). Where it finds none, as in a flat region,
it gives `step` itself back. A point where the loss or its gradient is NaN or infinite is never taken. No search
evaluates the loss more than `TRIALS` times.
"""

import math

import numpy as np

from mathlib.optimize.objective import Objective, dot

TRIALS = 40


def armijo(loss, step, d, eta=1.0, c1=1e-4):
    """Shorten eta until the loss falls by a fraction of what its slope promises: by ``-c1 eta dl[d]`` at least.

    The next eta is where a parabola through what is known has its minimum, between a tenth and a half of the last one.
    Sources: Armijo, L. (1966); Nocedal, J. and Wright, S. J. (2006), section 3.5.

    >>> f = Objective(lambda x: x**2)
    >>> armijo(f, f.at(1.0), -1.0, eta=4.0).theta
    np.float64(0.0)
    """
    f, slope = Objective.of(loss), descent(step, d)
    for _ in range(TRIALS if slope else 0):
        if np.all(along(step, d, eta) == step.theta):
            break
        new = trial(f, step, d, eta)
        rise = new.loss - step.loss if new else math.inf
        if new and falls(f, step, new, d, eta, c1):
            return new
        bend = rise - eta * slope  # half of the curvature along d, times eta**2
        eta *= min(max(-eta * slope / (2 * bend), 0.1), 0.5) if 0 < bend < math.inf else 0.5
    return step


def exact(loss, step, d, eta=1.0):
    """The stationary point along d of the quadratic model: ``eta = -dl[d] / d . H d``, exact where l is quadratic.

    The eta given is not used. It costs one Hessian-vector product; where the curvature is not positive there is no
    such point, and `step` comes back.
    """
    f, slope = Objective.of(loss), descent(step, d)
    curvature = f.curvature(step, d)
    eta = -slope / curvature if slope and curvature > 0 else 0.0
    new = trial(f, step, d, eta) if eta else None
    return new if new and falls(f, step, new, d, eta) else step


def strong_wolfe(loss, step, d, eta=1.0, c1=1e-4, c2=0.9):
    """Find an eta that fulfils Armijo's condition, and where the slope is flatter: ``|slope| <= c2 |slope0|``.

    It brackets such an eta and narrows the bracket by cubic interpolation; a point that is not finite is an end
    of the bracket. Where the losses are the same up to rounding, their slopes decide.
    Sources: Moré, J. J. and Thuente, D. J. (1994); Hager, W. W. and Zhang, H. (2005); Nocedal, J. and Wright, S. J.
    (2006), section 3.5.

    >>> f = Objective(lambda x: x**4)
    >>> bool(abs(strong_wolfe(f, f.at(1.0), -1.0, eta=0.01, c2=0.1).gradient) <= 0.4)
    True
    """
    f, slope0 = Objective.of(loss), descent(step, d)
    low, high, best = (0.0, step.loss, slope0), (math.inf, math.inf, math.nan), step
    last = low
    for _ in range(TRIALS if slope0 else 0):
        new = trial(f, step, d, eta)
        value, slope = (new.loss, dot(new.gradient, d)) if new else (math.inf, math.nan)
        same = abs(value - step.loss) <= f.doubt(step.loss) and slope <= (2 * c1 - 1) * slope0
        fallen, width = value <= step.loss + c1 * eta * slope0, abs(high[0] - low[0])
        if not (fallen or same) or (value >= low[1] and low[0] > 0 and not same):
            high = (eta, value, slope)
        else:
            if abs(slope) <= -c2 * slope0:
                return new
            best = new if f.better(new, best) else best
            high = low if slope * (high[0] - low[0]) >= 0 else high
            last, low = low, (eta, value, slope)
        slow = abs(high[0] - low[0]) > 0.66 * width
        eta = (
            extrapolate(last, low)
            if high[0] == math.inf
            else (low[0] + high[0]) / 2
            if slow
            else interpolate(low, high, f.doubt(step.loss))
        )
        if np.all(along(step, d, eta) == along(step, d, low[0])):
            break
    return best


def descent(step, d):
    """The slope along d, which must not be positive."""
    slope = dot(step.gradient, d)
    if not slope <= 0:
        raise ValueError(f"the slope along d is {slope}: a direction of descent is needed. Instead: -d, or -gradient.")
    return slope


def falls(f, step, new, d, eta, c1=1e-4):
    """Whether the loss falls as Armijo asks or, where rounding hides that, the slope along d becomes flatter."""
    slope, change = dot(step.gradient, d), new.loss - step.loss
    flatter = abs(dot(new.gradient, d)) <= (2 * c1 - 1) * slope
    return change <= c1 * eta * slope or (abs(change) <= f.doubt(step.loss) and flatter)


def along(step, d, eta):
    """The point theta + eta d, calculated in float64: in float32 eta alone may be out of range."""
    with np.errstate(over="ignore"):
        return (step.theta + np.float64(eta) * d).astype(np.asarray(step.theta).dtype)


def trial(f, step, d, eta):
    """The step at theta + eta d, or None where loss or gradient is not finite."""
    theta = along(step, d, eta)
    try:
        return f.at(theta) if np.all(np.isfinite(theta)) else None
    except FloatingPointError:
        return None


def extrapolate(last, low):
    """Where the slopes at two points, a line through them, would be zero: from a hundredth to ten times further."""
    (a, _, sa), (b, _, sb) = last, low
    step = sb * (b - a) / (sa - sb) if sa < sb else math.inf
    return b + (b - a) * min(max(step / (b - a), 0.01), 9.0)


def interpolate(low, high, doubt):
    """The minimum of the cubic that has these values and slopes, kept inside of the bracket.

    Where rounding hides the difference of the values, of the parabola that has these slopes.
    """
    (a, la, sa), (b, lb, sb) = low, high
    with np.errstate(all="ignore"):
        if abs(lb - la) <= doubt and sa * sb < 0:
            eta = a + (b - a) * sa / (sa - sb)
        elif math.isfinite(lb):
            t = sa + sb - 3 * (lb - la) / (b - a)
            root = np.sqrt(np.float64(t) ** 2 - sa * sb) * np.sign(b - a)
            eta = b - (b - a) * (sb + root - t) / (sb - sa + 2 * root)
        else:
            eta = a
    edge = (0.01 if math.isfinite(lb) else 0.1) * abs(b - a)
    if not np.isfinite(eta):
        return (a + b) / 2
    return float(np.clip(eta, min(a, b) + edge, max(a, b) - edge))
