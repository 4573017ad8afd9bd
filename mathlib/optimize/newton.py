"""Newton's method and its kin: ``theta -= eta H^-1 gradient``, where the quadratic model of the loss is stationary."""

import math

import numpy as np

from mathlib.optimize.line_search import strong_wolfe
from mathlib.optimize.objective import Step, dot, largest, method, times
from mathlib.optimize.quasi_newton import STUCK


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
    np.linalg.LinAlgError
        H is singular; the message says what to do
    TypeError, ValueError, FloatingPointError
        As for `gradient_descent`; ValueError for an eta outside of (0, 1]

    References
    ----------
    Newton, I. (1669); Simpson, T. (1740); Nocedal, J. and Wright, S. J. (2006), section 3.3.

    Examples
    --------
    >>> path = newton(lambda x: x[0] ** 2 + 9 * x[1] ** 2, np.ones(2))
    >>> next(path).theta, next(path).theta
    (array([1., 1.]), array([0., 0.]))
    """
    if eta > 1:
        raise ValueError(f"eta is {eta}: a fraction of Newton's step, in (0, 1], is needed.")
    while True:
        H = f.hessian(theta)
        yield Step(theta, H.value, H.gradient)
        theta = theta - eta * H.solve(H.gradient)


@method
def modified_newton(f, theta, floor=1e-8, line_search=strong_wolfe):
    """Newton's method with ``|H|`` for H: eigenvalues without their sign, and not below `floor` of the largest.

    So d is a direction of descent, away from saddles too. |H| depends on the basis, unlike H.

    Parameters
    ----------
    loss, theta0 : as for `newton`
    floor : float
    line_search : a function of `mathlib.optimize.line_search`

    References
    ----------
    Greenstadt, J. (1967); Dauphin, Y. et al. (2014).

    Examples
    --------
    >>> *_, last = modified_newton(lambda x: np.sum(x**4 - x**2), np.array([0.1, -0.1]))
    >>> (2 * last.theta**2).round(6)
    array([1., 1.])
    """
    H = f.hessian(theta)
    step = Step(theta, H.value, H.gradient)
    while True:
        yield step
        values, Q = np.linalg.eigh(H.dense())
        values = np.maximum(np.abs(values), floor * largest(values))
        if not largest(values):
            values = values + 1
        d = -times(Q / values @ Q.T, step.gradient)
        new = line_search(f, step, d)
        if new is step:
            return STUCK
        step, H = new, f.hessian(new.theta)


@method
def newton_cg(f, theta, forcing=0.5, line_search=strong_wolfe):
    """Newton's method without a matrix: ``H d = -gradient`` is solved by conjugate gradients, as far as it pays.

    Parameters
    ----------
    loss, theta0 : as for `newton`
    forcing : float in (0, 1)
    line_search : a function of `mathlib.optimize.line_search`

    References
    ----------
    Dembo, R. S., Eisenstat, S. C. and Steihaug, T. (1982); Steihaug, T. (1983).

    Examples
    --------
    >>> *_, last = newton_cg(lambda x: np.sum(np.cosh(x)), np.array([1.0, 2.0]))
    >>> bool(largest(last.gradient) < 1e-8)
    True
    """
    H = f.hessian(theta)
    step, first = Step(theta, H.value, H.gradient), largest(H.gradient)
    while True:
        yield step
        d = truncated_cg(
            H, step.gradient, min(forcing, math.sqrt(largest(step.gradient) / first)) if first else forcing
        )
        new = line_search(f, step, d)
        if new is step:
            return STUCK
        step, H = new, f.hessian(new.theta)


def truncated_cg(H, g, tol):
    """A d with ``|H d + g| <= tol |g|``, by conjugate gradients; where curvature is not positive they end.

    What they have until then is a direction of descent; at first it is -g.
    """
    d, r = np.zeros_like(g), -g
    p, rr = r, dot(r, r)
    stop = tol**2 * rr
    for _ in range(20 * np.size(g)):
        Hp = H @ p
        curvature = dot(p, Hp)
        if curvature <= 0:
            return d if np.any(d) else p
        alpha = rr / curvature
        d, r = d + alpha * p, r - alpha * Hp
        rr, old = dot(r, r), rr
        if rr <= stop:
            break
        p = r + rr / old * p
    return d
