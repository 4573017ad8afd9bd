"""Does an optimizer depend on units and on coordinates? It is run twice, and its two paths are compared."""

from itertools import islice
from typing import NamedTuple

import numpy as np

NATS_IN_BITS = 1 / np.log(2)


class Invariance(NamedTuple):
    """What `check_invariance` found: true if the two paths are one.

    `gap` is the largest distance between them, over the length of the first (no unit); `path` and `other` hold their
    points in the first coordinates, (steps + 1, n). `reason` is why a run ended early, or "".
    """

    same: bool
    gap: float
    path: np.ndarray
    other: np.ndarray
    reason: str = ""

    def __bool__(self):
        return self.same


def check_invariance(method, loss, theta0, P=None, unit=1.0, steps=10, other=None, tol=1e-6):
    """Run an optimizer in two bases, or with the loss in two units, and say whether its paths are the same path.

    In the coordinates alpha, ``theta = P alpha``, the loss is ``unit * loss(P alpha)``. A method whose steps mean
    something without coordinates takes the corresponding path there: ``theta_t = P alpha_t`` at every step.

    Parameters
    ----------
    method : a function of a loss and a start, which yields steps with an array `theta`
        Any method of `mathlib.optimize`, or one of your own.
    loss : a program of NumPy functions with a scalar value
    theta0 : array of floats, (n,)
    P : array (n, n)
        The columns are the new basis in the old one; left out, the basis stays.
    unit : positive float
        What one unit of the loss is in the new one: 1 / log(2) from nats to bits.
    steps : int
    other : like `method`
        The method as it is to be run there, if it has something that must change with the basis: its initial metric.
    tol : float
        The gap from which paths are different.

    Returns
    -------
    Invariance

    Raises
    ------
    ValueError
        P has another shape, is not finite or nearly singular, or unit is not a positive number

    References
    ----------
    Nocedal, J. and Wright, S. J. (2006), section 2.2, on invariance under scaling.

    Examples
    --------
    >>> class Step:
    ...     def __init__(self, theta):
    ...         self.theta = theta
    >>> def descent(loss, theta):
    ...     from mathlib import grad
    ...     while True:
    ...         yield Step(theta)
    ...         theta = theta - 0.1 * grad(loss)(theta)
    >>> bowl, start = lambda x: np.sum(np.cosh(x)), np.array([1.0, 2.0])
    >>> bool(check_invariance(descent, bowl, start, P=[[0.0, 1.0], [1.0, 0.0]]))
    True
    >>> bool(check_invariance(descent, bowl, start, unit=1 / np.log(2)))
    False
    """
    theta0 = np.asarray(theta0, float)
    n = theta0.size
    P = np.eye(n) if P is None else np.asarray(P, float)
    if theta0.ndim != 1 or P.shape != (n, n):
        raise ValueError(f"theta0 has shape {theta0.shape} and P {P.shape}: (n,) and (n, n) are needed.")
    if not np.all(np.isfinite(P)) or not np.linalg.cond(P) < 1e8:
        raise ValueError("P is singular or nearly so, or not finite: rounding alone would part the paths.")
    if not 0 < unit < np.inf:
        raise ValueError(f"unit is {unit}: a positive number is needed.")
    path, ended = run(method, loss, theta0, steps)
    there, ended_there = run(other or method, lambda alpha: unit * loss(P @ alpha), np.linalg.solve(P, theta0), steps)
    there = there @ P.T
    common = min(len(path), len(there))
    length = np.sum(np.linalg.norm(np.diff(path, axis=0), axis=1)) or 1.0
    gap = float(np.max(np.abs(path[:common] - there[:common]))) / length
    same = gap <= tol and len(path) == len(there)
    return Invariance(bool(same), gap, path, there, ended or ended_there)


def run(method, loss, theta0, steps):
    """The first points of a method's path, and why it ended early."""
    path = []
    try:
        for step in islice(method(loss, theta0), steps + 1):
            path.append(np.array(step.theta))
    except (ArithmeticError, np.linalg.LinAlgError, ValueError) as error:
        if not path:
            raise
        return np.array(path), str(error)
    return np.array(path), ""


def changes(n, seed=0):
    """Four changes of basis, by name: coordinates rescaled, permuted, rotated, and sheared.

    >>> [name for name, P in changes(3).items() if not np.allclose(P @ P.T, np.eye(3))]
    ['rescaled', 'sheared']
    """
    rng = np.random.default_rng(seed)
    rotation, triangle = np.linalg.qr(rng.standard_normal((n, n)))
    return {
        "rescaled": np.diag(np.geomspace(0.25, 4.0, n)),
        "permuted": np.eye(n)[np.roll(np.arange(n), 1)],
        "rotated": rotation * np.sign(np.diag(triangle)),
        "sheared": np.eye(n) + np.triu(rng.uniform(0.5, 1.5, (n, n)), 1),
    }


def truth_table(methods, loss, theta0, unit=NATS_IN_BITS, bases=None, **options):
    """What each method depends on: `check_invariance` for a change of the loss's unit and for each of `changes`.

    `methods` gives each name a method, or a pair: the method, and a function of P and unit that gives the method as it
    is to be run in the new coordinates. The result gives each name a dict, of "loss unit" and of the changes' names, of
    `Invariance`. A change of the unit alone has the identity for P. `bases` has other changes of basis in the place of
    `changes`: a matrix for each name.
    """
    bases = changes(len(theta0)) if bases is None else bases
    columns = {"loss unit": (np.eye(len(theta0)), unit)} | {name: (P, 1.0) for name, P in bases.items()}
    table = {}
    for name, method in methods.items():
        method, transformed = method if isinstance(method, tuple) else (method, lambda P, unit, method=method: method)
        table[name] = {
            column: check_invariance(method, loss, theta0, P, unit, other=transformed(P, unit), **options)
            for column, (P, unit) in columns.items()
        }
    return table
