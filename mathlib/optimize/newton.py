"""Newton's method and its kin: ``theta -= eta H^-1 gradient``, where the quadratic model of the loss is stationary."""

import math

import numpy as np

from mathlib.optimize.line_search import TRIALS, armijo, falls, trial
from mathlib.optimize.method import method
from mathlib.optimize.objective import Step, dot, largest, norm, times
from mathlib.optimize.quasi_newton import STUCK, first_eta


@method
def newton(f, theta, eta=1.0):
    """Newton's method ``theta -= eta H^-1 gradient``.

    It goes to a stationary point of the quadratic model, whether minimum, saddle or maximum.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
    theta0 : float or array of floats, of any shape
    eta : float in (0, 1], without a unit
        Below 1 the step is damped.

    Yields
    ------
    Step
        theta0 first, each before the update made from it. It does not end.

    Raises
    ------
    LinAlgError
        H is singular; the message says what to do
    TypeError, ValueError, FloatingPointError
        As for `gradient_descent`; ValueError for an eta outside of (0, 1]

    References
    ----------
    Newton, I. (1669); Simpson, T. (1740); Nocedal, J. and Wright, S. J. (2006), section 3.3.

    Examples
    --------
    >>> path = newton(lambda x: x[0] ** 2 + 9 * x[1] ** 2, np.ones(2))
    >>> next(path).theta, next(path).theta.round(12) + 0.0
    (array([1., 1.]), array([0., 0.]))
    """
    if eta > 1:
        raise ValueError(f"eta is {eta}: a fraction of Newton's step, in (0, 1], is needed.")
    while True:
        H = f.hessian(theta)
        yield Step(theta, H.value, H.gradient)
        theta = theta - eta * H.solve(H.gradient)


@method
def damped_newton(f, theta, damping=1e-3):
    """Newton's method with ``H + damping I`` for H, where the damping follows the success of its steps.

    It grows until the matrix is positive definite and the step leads to a better point, and shrinks where the quadratic
    model predicted the loss well. The longer it is, the more the step is one along the gradient.

    Parameters
    ----------
    loss, theta0 : as for `newton`
    damping : positive float
        The first one, as a fraction of H's largest eigenvalue.

    Yields
    ------
    Step
        It ends where no damping leads to a better point.

    References
    ----------
    Levenberg, K. (1944); Marquardt, D. W. (1963); Goldfeld, S. M., Quandt, R. E. and Trotter, H. F. (1966).

    Examples
    --------
    >>> *_, last = damped_newton(lambda x: np.sum(x**4 - x**2), np.array([0.1, -0.1]))
    >>> (2 * last.theta**2).round(6)
    array([1., 1.])
    """
    if not 0 < damping < math.inf:
        raise ValueError(f"damping is {damping}: a positive, finite number is needed.")
    f.records = True
    step = f.at(theta)
    while not f.stalled(step):
        yield step
        values, Q = np.linalg.eigh(np.asarray(step.H.dense(), float))
        g = Q.T @ np.ravel(step.gradient)
        top = largest(values) or 1 / first_eta(step, step.gradient)
        damping = max(damping, 1e-16)
        for _ in range(TRIALS):
            shifted = np.maximum(values, 0) + damping * top if values[0] > 0 else values - values[0] + damping * top
            s = -g / shifted
            d = np.reshape(Q @ s, np.shape(theta))[()]
            new = trial(f, step, d, 1.0)
            if new and falls(f, step, new, d, 1.0):
                break
            damping *= 8
        else:
            return STUCK
        gain = (new.loss - step.loss) / (dot(g, s) + dot(s, values * s) / 2)
        damping *= 1 / 8 if gain > 0.75 else 4 if gain < 0.25 else 1
        step = new
    return STUCK


@method
def modified_newton(f, theta, floor=1e-8, line_search=armijo):
    """Newton's method with ``|H|`` for H: eigenvalues without their sign, and not below `floor` of the largest.

    So d is a direction of descent, away from saddles too. ``|H|`` depends on the basis, unlike H.

    Parameters
    ----------
    loss, theta0 : as for `newton`
    floor : float in (0, 1)
    line_search : a function of `mathlib.optimize.line_search`

    Yields
    ------
    Step
        It ends where no better point is found.

    References
    ----------
    Greenstadt, J. (1967); Dauphin, Y. et al. (2014).

    Examples
    --------
    >>> *_, last = modified_newton(lambda x: np.sum(x**4 - x**2), np.array([0.1, -0.1]))
    >>> (2 * last.theta**2).round(6)
    array([1., 1.])
    """
    f.records = True
    step = f.at(theta)
    while not f.stalled(step):
        yield step
        values, Q = np.linalg.eigh(np.asarray(step.H.dense(), float))
        # Where H is zero, the gradient and the loss have a scale.
        values = (
            np.maximum(np.abs(values), floor * largest(values))
            if np.any(values)
            else 1 / first_eta(step, step.gradient)
        )
        d = -times(Q / values @ Q.T, step.gradient)
        new = line_search(f, step, d)
        if new is step:
            return STUCK
        step = new
    return STUCK


@method
def newton_cg(f, theta, forcing=0.5, radius=None, line_search=armijo):
    """Newton's method without a matrix: ``H d = -gradient`` is solved by conjugate gradients, as far as it pays.

    They stop at a residual of a fraction of the gradient (the forcing term), which shrinks with it, so that the order
    of convergence is 3/2; or at a length `radius`, to which they go at once where the curvature is negative.

    Parameters
    ----------
    loss, theta0 : as for `newton`
    forcing : float in (0, 1)
        The largest fraction; it is ``min(forcing, sqrt(|g| / |g0|))``.
    radius : positive float, of theta's unit
        The first one; then it follows the success of the steps. The default is theta's length, or the step along the
        gradient that would halve a quadratic loss with the minimum zero, whichever is longer.
    line_search : a function of `mathlib.optimize.line_search`

    Yields
    ------
    Step
        It ends where no better point is found.

    References
    ----------
    Dembo, R. S., Eisenstat, S. C. and Steihaug, T. (1982); Steihaug, T. (1983); Nocedal, J. and Yuan, Y. (1998).

    Examples
    --------
    >>> *_, last = newton_cg(lambda x: np.sum(np.cosh(x)), np.array([1.0, 2.0]))
    >>> bool(largest(last.gradient) < 1e-8)
    True
    """
    if not 0 < forcing < 1:
        raise ValueError(f"forcing is {forcing}: a fraction between 0 and 1 is needed.")
    f.records = True
    step, first = f.at(theta), None
    radius = radius or first_radius(step)
    while not f.stalled(step):
        yield step
        first = first or norm(step.gradient)
        tol = min(forcing, math.sqrt(norm(step.gradient) / first)) if first else forcing
        d, r = steihaug(step.H, step.gradient, tol, radius)
        new = line_search(f, step, d)
        if new is step:
            return STUCK
        gain = (new.loss - step.loss) / (dot(step.gradient, d) - dot(r, d)) * 2
        radius = next_radius(radius, gain, norm(d), norm(new.theta - step.theta))
        step = new
    return STUCK


def first_radius(step):
    """The length of theta, or of the step ``2 l / |g|``; where both are zero, of that to the model's minimum."""
    g = step.gradient
    size = norm(g)
    if radius := max(norm(step.theta), 2 * abs(step.loss) / size if size else 0.0):
        return radius
    curvature = abs(dot(g / size, step.H @ (g / size))) if size else 0.0
    return size / curvature if curvature else 1.0


def steihaug(H, g, tol, radius):
    """A d with ``|H d + g| <= tol |g|`` by conjugate gradients, or as long as the radius; and ``r = -g - H d``."""
    size = norm(g) or 1.0  # the system is solved for g / size, in float64, so that no square overflows
    r = -np.float64(1) * g / size
    d = np.zeros_like(r)
    p, rr = r, dot(r, r)
    stop = tol**2 * rr
    for _ in range(20 * np.size(g)):
        Hp = np.float64(1) * (H @ p)
        curvature = dot(p, Hp)
        alpha, edge = rr / curvature if curvature > 0 else math.inf, to_edge(d, p, radius / size)
        if alpha >= edge:
            return size * (d + edge * p), size * (r - edge * Hp)
        d, r = d + alpha * p, r - alpha * Hp
        rr, old = dot(r, r), rr
        if rr <= stop:
            break
        p = r + rr / old * p
    return size * d, size * r


def to_edge(d, p, radius):
    """The positive t where ``|d + t p|`` is the radius."""
    size = norm(p) or 1.0
    d, p = d / radius, p / size
    dp = dot(d, p)
    return radius / size * (math.sqrt(max(dp**2 + 1 - dot(d, d), 0.0)) - dp)


def next_radius(radius, gain, wanted, gone):
    """The radius after a step of length `gone` along a d of length `wanted`, by its gain over the model's."""
    if gone < 0.99 * wanted:
        return gone
    if gain < 0.25:
        return wanted / 2
    return 2 * radius if gain > 0.75 and wanted > 0.99 * radius else radius
