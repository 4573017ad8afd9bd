"""Gauss-Newton and the natural gradient: ``theta -= eta B^-1 gradient`` with a form B that is never negative.

B follows a change of basis as a form does, so an undamped step is the same vector in every basis. The loss is a
`mathlib.curvature.Composed` of a model's output and a loss of it, or `compiled` from one. `minimize` of this wing
drives them; SciPy's hands a function of its own to a method, which hides the two parts.
"""

import math

import numpy as np

from mathlib import curvature
from mathlib.curvature import Composed, plain
from mathlib.door import shown
from mathlib.optimize.line_search import TRIALS, falls, trial
from mathlib.optimize.method import method
from mathlib.optimize.objective import Step, dot
from mathlib.optimize.quasi_newton import STUCK


@method
def gauss_newton(f, theta, eta=1.0, damping=0.0, adapt=False):
    """The method of Gauss and Newton, ``theta -= eta (G + damping I)^-1 gradient``.

    G is `mathlib.curvature.gauss_newton` at theta. Undamped, with a G that is not singular, the path is the same in
    every basis and for every unit of the loss; damping depends on both.

    Parameters
    ----------
    loss : a `mathlib.curvature.Composed` of an output and a loss that is convex in it, or compiled from one
    theta0 : float or array of floats, of any shape
    eta : float in (0, 1], without a unit
    damping : float of at least 0, in the unit [l] / [theta]**2
    adapt : bool
        Whether `damping` is only the first: it grows eightfold until the loss falls, then by 3/2 where the loss fell by
        less than 1/4 of what the quadratic model had promised, and shrinks by 2/3 where by more than 3/4.

    Yields
    ------
    Step
        theta0 first, each before the update made from it; `H` is G. It ends only with `adapt`, where no damping leads
        to a better point.

    Raises
    ------
    LinAlgError
        G + damping I is singular for this gradient; the message says what to do
    TypeError, ValueError, FloatingPointError
        As for `newton`; TypeError for a loss that is not composed, ValueError for an eta or a damping out of range

    References
    ----------
    Gauss, C. F. (1809); Levenberg, K. (1944); Marquardt, D. W. (1963); Schraudolph, N. N. (2002); Martens, J. (2010).

    Examples
    --------
    >>> from mathlib.curvature import Composed
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> loss = Composed(lambda theta: np.exp(theta * x), lambda z: np.mean((z - np.exp(x / 2)) ** 2))
    >>> for _, step in zip(range(6), gauss_newton(loss, 0.0)):
    ...     pass
    >>> step.theta.round(6)
    np.float64(0.5)
    """
    if eta > 1:
        raise ValueError(f"eta is {eta}: a fraction of the step, in (0, 1], is needed.")
    return (yield from descend(f, theta, curvature.gauss_newton, eta, damping, adapt))


@method
def natural_gradient(f, theta, eta=1.0, damping=0.0, adapt=False, family=None):
    """The natural gradient, ``theta -= eta (F + damping I)^-1 gradient``.

    F is `mathlib.curvature.fisher` at theta. Undamped, with an F that is not singular, the path is the same in every
    basis; in the limit of small steps in all coordinates, curved ones too. eta has the unit 1 / [l].

    Parameters
    ----------
    loss, theta0, adapt : as for `gauss_newton`
    eta : positive float, in the unit 1 / [l]
        With 1, and a loss that is a softmax cross-entropy in nats, the step is that of `gauss_newton`.
    damping : float of at least 0, in the unit 1 / [theta]**2
    family : "categorical" or "normal"
        The model's distribution, see `mathlib.curvature.fisher`; None: what the loss says.

    Yields
    ------
    Step
        As for `gauss_newton`; `H` is F, of unit 1 / [theta]**2.

    Raises
    ------
    LinAlgError, TypeError, ValueError, FloatingPointError
        As for `gauss_newton`; ValueError for a loss that does not say which distribution the model is

    References
    ----------
    Amari, S. (1998); Martens, J. (2020).

    Examples
    --------
    >>> from mathlib.curvature import Composed
    >>> from mathlib.nn import softmax_cross_entropy
    >>> X, y = np.array([[1.0], [1.0], [1.0]]), np.array([0, 0, 1])
    >>> loss = Composed(
    ...     lambda w: X * np.stack([w, 0 * w]), lambda z: softmax_cross_entropy(z, y)
    ... )  # the log-odds of a coin
    >>> for _, step in zip(range(6), natural_gradient(loss, 0.0)):
    ...     pass
    >>> np.exp(step.theta).round(6)
    np.float64(2.0)
    """
    if family is not None and (not isinstance(family, str) or family not in curvature.FAMILIES):
        raise ValueError(f"family is {shown(family)}: 'categorical' or 'normal', or None, is needed.")

    def form(output, loss, theta):
        return curvature.fisher(output, family or loss, theta)

    return (yield from descend(f, theta, form, eta, damping, adapt))


def descend(f, theta, form, eta, damping, adapt):
    """Steps to the minimum of ``g . d + d . (B + damping I) d / (2 eta)``, with this form for B."""
    if not 0 <= damping < math.inf:
        raise ValueError(f"damping is {damping}: a finite number of at least 0 is needed, in the unit of the form.")
    if adapt and not damping:
        raise ValueError("damping is 0: what adapts grows and shrinks by factors. Instead: damping=1.0.")
    step = f.at(theta)
    while not (adapt and f.stalled(step)):
        B = counted(f, form, step.theta)
        yield Step(step.theta, step.loss, step.gradient, H=B)
        for _ in range(TRIALS if adapt else 1):
            d = -eta * B.solve(step.gradient, damping)
            new = trial(f, step, d, 1.0) if adapt else f.at(step.theta + d)
            if not adapt or (new and falls(f, step, new, d, 1.0)):
                break
            damping *= 8
        else:
            return STUCK
        if adapt:
            promised = dot(step.gradient, d) + dot(d, B @ d) / (2 * eta)
            gain = (new.loss - step.loss) / promised if promised else 1.0
            damping *= 2 / 3 if gain > 0.75 else 3 / 2 if gain < 0.25 else 1
        step = new
    return STUCK


def counted(f, form, theta):
    """The form of a composed loss at theta; its recording and its products are counted as those of a Hessian."""
    loss = plain(f.loss)
    if not isinstance(loss, Composed):
        raise TypeError(
            f"the loss is a {type(loss).__name__}: one that knows the model's output is needed. Instead:"
            " mathlib.curvature.Composed(output, loss), with output from theta to z, and loss from z to a number."
        )
    B = form(loss.output, loss.loss, theta)
    f.n_loss, f.n_grad, middle = f.n_loss + 1, f.n_grad + 1, B.middle

    def counting(dz):
        f.n_hvp += math.prod(np.shape(dz)[np.ndim(B.z) :])
        return middle(dz)

    B.middle = counting
    return B
