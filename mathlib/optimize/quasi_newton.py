"""``theta -= eta M gradient``, with an M that is fixed (gradient descent), implied (conjugate gradients) or learned.

M stands for H^-1, of unit [theta]**2 / [l]. A fixed one is a choice of units; a learned one takes them from the loss:
the change y of the gradient over a step s shows H s = y, so M y = s is asked of it.
"""

from collections import deque

import numpy as np

from mathlib.door import one_of
from mathlib.optimize.line_search import along, falls, strong_wolfe, trial
from mathlib.optimize.method import method
from mathlib.optimize.objective import Objective, Step, dot, largest, norm, times

EPS = np.finfo(float).eps
STUCK = (
    "no better point was found along the direction of search: rounding hides the rest, or the loss has a kink here."
    " Instead: a larger tol, or see what check_grad(loss, theta) says"
)


@method
def gradient_descent(f, theta, eta=None, M0=None, line_search=strong_wolfe):
    """Gradient descent ``theta -= eta M0 gradient``, with a fixed eta, or one that is searched for in each step.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
    theta0 : float or array of floats, of any shape
    eta : positive float, or None
        Its unit is that of theta**2 / l where M0 is the identity, so that no default could be right: None searches.
    M0 : (n, n) array, symmetric positive definite, over theta's n components
    line_search : a function of `mathlib.optimize.line_search`

    Yields
    ------
    Step
        theta0 first, each before the update made from it. With a fixed eta it never ends.

    Raises
    ------
    TypeError, ValueError
        theta0 is not of floats or not finite, eta not positive and finite, M0 not positive definite
    FloatingPointError
        the loss or its gradient is not finite where it is needed

    References
    ----------
    Cauchy, A. (1847).

    Examples
    --------
    >>> path = gradient_descent(lambda x: np.sum(x**2), np.array([1.0, 2.0]), eta=0.25)
    >>> next(path).theta, next(path).theta
    (array([1., 2.]), array([0.5, 1. ]))
    """
    step, size = f.at(theta), None
    while eta is not None or not f.stalled(step):
        yield step
        if eta is not None:
            step = f.at(along(step, -times(M0, step.gradient), eta))
            continue
        d = -times(M0, step.gradient) if M0 is not None else downhill(step)
        new = line_search(f, step, d, first_eta(step, d, M0) if size is None else size)
        if new is step:
            return STUCK
        size = 2 * largest(new.theta - step.theta) / largest(d)
        step = new
    return STUCK


def nearly_exact(f, step, d, eta=1.0, c2=0.01):
    """`strong_wolfe` until the slope is a hundredth; an eta that is right by luck is made exact where l is quadratic.

    Later etas come from the slopes at earlier ones and are exact there; one step that is not spoils the conjugacy of
    all directions that follow (Crowder, H. P. and Wolfe, P. 1972).
    """
    f = Objective.of(f)
    n, slope0 = f.n_loss, dot(step.gradient, d)
    new = strong_wolfe(f, step, d, eta, c2=c2)
    if new is step or f.n_loss > n + 1:
        return new
    slope = dot(new.gradient, d)
    second = trial(f, step, d, eta * slope0 / (slope0 - slope)) if abs(slope) > -1e-4 * slope0 else None
    return second if second and abs(dot(second.gradient, d)) < abs(slope) and falls(f, step, second, d, eta) else new


@method
def conjugate_gradient(f, theta, beta="hager_zhang", M0=None, line_search=nearly_exact):
    """Conjugate gradients: each direction is ``d = -M0 gradient + beta d``.

    Where a gradient is not orthogonal to the last one (up to a tenth of its square), as it is on a quadratic loss, they
    start anew, with ``-M0 gradient`` (Powell, M. J. D. 1977; Nocedal, J. and Wright, S. J. 2006, section 5.2).

    Parameters
    ----------
    loss, theta0, line_search : as for `gradient_descent`
        The default is `nearly_exact`, so that the directions stay conjugate. On a quadratic loss it takes two
        gradients a step.
    M0 : as there; the preconditioner
    beta : "hager_zhang", "polak_ribiere" (not below zero) or "fletcher_reeves"
        On a quadratic loss all directions are the same: linear conjugate gradients, which end after n steps. (Shanno's
        memoryless BFGS of 1978, which also goes by this name, is `lbfgs` with m = 2.)

    Yields
    ------
    Step
        It ends where no direction leads to a better point.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As for `gradient_descent`; ValueError for a beta that does not exist

    References
    ----------
    Hestenes, M. R. and Stiefel, E. (1952); Fletcher, R. and Reeves, C. M. (1964); Polak, E. and Ribière, G. (1969);
    Hager, W. W. and Zhang, H. (2005).

    Examples
    --------
    >>> *_, last = conjugate_gradient(lambda x: x[0] ** 2 + 9 * x[1] ** 2, np.ones(2))
    >>> bool(np.max(np.abs(last.theta)) < 1e-15)
    True
    """
    one_of(BETAS, beta=beta)
    step = f.at(theta)
    # The unit of all gradients, so that no square leaves the range.
    unit = (largest(step.gradient) or 1.0) if M0 is None else 1.0
    g = step.gradient / unit
    z = times(M0, g)
    d = -z
    eta = first_eta(step, d, M0)
    while not f.stalled(step):
        yield step
        new = line_search(f, step, d, eta)
        if new is step:  # once more, from the start
            d = -z
            new = line_search(f, step, d, first_eta(step, d, M0))
        if new is step:
            return STUCK
        g, g0 = new.gradient / unit, g
        z, z0 = times(M0, g), z
        s, before = new.theta - step.theta, d
        orthogonal = abs(dot(g, z0)) < 0.1 * dot(g, z)  # as on a quadratic loss
        d = -z + BETAS[beta](g, z, g0, z0, d) * d if orthogonal else -z
        eta = largest(s) / largest(before)
        eta *= dot(g0, before) / (dot(g, d) or 1.0)  # the same fall as in the last step
        if not dot(g, d) < 0:
            d, eta = -z, first_eta(new, -z, M0)
        step = new
    return STUCK


# The beta from the new and the old gradient g and g0, z = M0 g, z0 = M0 g0, and the old direction d.


def fletcher_reeves(g, z, g0, z0, d):
    """``g . z / g0 . z0`` (1964)."""
    return dot(g, z) / dot(g0, z0)


def polak_ribiere(g, z, g0, z0, d):
    """``y . z / g0 . z0`` with y = g - g0 (1969), and a restart where it is negative."""
    return max(0.0, dot(g - g0, z) / dot(g0, z0))


def hager_zhang(g, z, g0, z0, d):
    """``(y - 2 d (y . M0 y / d . y)) . g / d . y``, kept above a multiple of ``d . g0 / d . d`` (2005)."""
    y, dy = g - g0, dot(g - g0, d)
    if dy <= 0:  # the search has not seen positive curvature: a restart
        return 0.0
    beta = (dot(y, z) - 2 * dot(y, z - z0) * dot(d, g) / dy) / dy
    return max(beta, 0.4 * dot(d, g0) / dot(d, d))


BETAS = {
    "hager_zhang": hager_zhang,
    "polak_ribiere": polak_ribiere,
    "fletcher_reeves": fletcher_reeves,
}


@method
def bfgs(f, theta, M0=None, line_search=strong_wolfe):
    """BFGS: ``theta -= eta M gradient``, and M learns from each step the curvature along it.

    Parameters
    ----------
    loss, theta0, line_search : as for `gradient_descent`
    M0 : (n, n) array, the first M
        Without it, the first step is along the gradient, and M starts as ``4 s . s / s . y`` times the identity: rather
        too large, since a search corrects that in a step, while a small M has to learn direction by direction.

    Yields
    ------
    Step
        `step.M` is the matrix (n, n) of M over theta's components (None until it is known). It ends where no
        better point is found.

    References
    ----------
    Broyden, C. G.; Fletcher, R.; Goldfarb, D.; Shanno, D. F. (1970); Nocedal, J. and Wright, S. J. (2006), chapter 6.

    Examples
    --------
    >>> from mathlib.optimize.line_search import exact
    >>> steps = list(bfgs(lambda x: x[0] ** 2 + 4 * x[1] ** 2, np.ones(2), line_search=exact))
    >>> steps[2].M.round(12)  # after two exact steps
    array([[0.5  , 0.   ],
           [0.   , 0.125]])
    """
    step, M = f.at(theta), M0
    while not f.stalled(step):
        yield Step(step.theta, step.loss, step.gradient, M)
        M, d = directed(M, step)
        new = line_search(f, step, d, first_eta(step, d, M))
        if new is step:
            return STUCK
        s, y = difference(new.theta, step.theta), difference(new.gradient, step.gradient)
        M = update(M if M is not None else generous(s, y) * np.eye(s.size), s, y)
        step = new
    return STUCK


def downhill(step):
    """The direction against the gradient, with a largest component of 1: a slope along it does not overflow."""
    return -step.gradient / (largest(step.gradient) or 1.0)


def directed(M, step):
    """M, and the direction ``-M gradient``; without M, or where rounding has made it indefinite, the gradient's."""
    if M is not None:
        d = -times(M, step.gradient)
        if dot(step.gradient, d) < 0:
            return M, d
    return None, downhill(step)


def difference(a, b):
    """A - b over all components, in float64: M is of the size of s / y, which float32 may not hold."""
    return np.ravel(np.asarray(a, float) - b)


def update(M, s, y):
    """The symmetric matrix nearest to M, in the norm that its inverse sets, with ``M y = s``; O(n²).

    ``M + (1 + y . M y / s . y) s s^T / s . y - (M y s^T + s (M y)^T) / s . y``. It stays positive definite if s . y is
    positive; where the search left it otherwise, s is damped: moved towards M y (Powell, M. J. D. 1978).

    >>> update(np.eye(2), np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    array([[0.5, 0. ],
           [0. , 1. ]])
    """
    My = M @ y
    sy, yMy = dot(s, y), dot(y, My)
    if sy <= EPS * norm(s) * norm(y):
        t = 0.8 * yMy / (yMy - sy) if yMy > sy else 0.0
        s = t * s + (1 - t) * My
        sy = dot(s, y)
    if not sy > 0:
        return M
    A = np.outer(s / sy, (1 + yMy / sy) / 2 * s - My)
    return M + (A + A.T)


def generous(s, y):
    """Four times the size of H^-1 that a step along the gradient shows, without overflow."""
    unit = s / largest(s)
    sy = dot(unit, y)
    return 4 * dot(unit, unit) * largest(s) / sy if sy > 0 else largest(s) / (largest(y) or 1.0)


def scaling(s, y):
    """The size of H^-1 along a step, ``s . y / y . y``, without overflow."""
    unit = y / largest(y)
    return dot(s, unit) / dot(unit, unit) / largest(y)


def first_eta(step, d, M=None):
    """The first eta to try: 1 if an M has the scale, else a step of theta's size at most.

    And at most ``2 l / |slope|``, which would end at the minimum of a quadratic with the minimum zero.
    """
    slope = dot(step.gradient, d)
    if M is not None or not slope:
        return 1.0
    fall = abs(2 * float(step.loss) / slope)
    size = max(largest(step.theta) / largest(d), 1e-3 * fall)  # a theta near zero has no size
    return min(size or fall, fall or size) or 1.0


@method
def lbfgs(f, theta, m=20, M0=None, line_search=strong_wolfe):
    """BFGS of limited memory: M is made anew from the last m pairs (s, y), in O(m n).

    Parameters
    ----------
    loss, theta0, M0, line_search : as for `bfgs`
    m : int
        With m of at least the number of steps, and the same M0 given, it is BFGS.

    Yields
    ------
    Step
        `step.M` is an operator with `@`, and `step.M.pairs` are the (s, y) that it is made of.

    References
    ----------
    Nocedal, J. (1980); Liu, D. C. and Nocedal, J. (1989).

    Examples
    --------
    >>> path = lbfgs(lambda x: np.sum(np.cosh(x)), np.array([1.0, 2.0]), m=1)
    >>> _, step = next(path), next(path)
    >>> (s, y), = step.M.pairs
    >>> np.allclose(step.M @ y, s)
    True
    """
    step, pairs = f.at(theta), deque(maxlen=m)
    while not f.stalled(step):
        M = Pairs(list(pairs), M0) if pairs else M0
        yield Step(step.theta, step.loss, step.gradient, M)
        M, d = directed(M, step)
        new = line_search(f, step, d, first_eta(step, d, M))
        if new is step:
            return STUCK
        s, y = difference(new.theta, step.theta), difference(new.gradient, step.gradient)
        if dot(s, y) > EPS * norm(s) * norm(y):
            pairs.append((s, y))
        step = new
    return STUCK


class Pairs:
    """M as L-BFGS knows it: pairs (s, y), oldest first, on M0; without one, on the size that the newest pair shows."""

    def __init__(self, pairs, M0=None):
        self.pairs, self.M0 = pairs, M0

    def __matmul__(self, g):
        """The two loops: down the pairs, M0, and up again."""
        alphas = []
        for s, y in reversed(self.pairs):
            alphas.append(dot(s, g) / dot(s, y))
            g = g - alphas[-1] * y
        r = scaling(*self.pairs[-1]) * g if self.M0 is None else self.M0 @ g
        for s, y in self.pairs:
            r = r + (alphas.pop() - dot(y, r) / dot(s, y)) * s
        return r
