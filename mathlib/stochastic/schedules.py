"""Step sizes that depend on t."""

import math

import numpy as np

from mathlib.door import real, reals


def linear_decay(eta, steps):
    """The schedule ``eta (1 - t / steps)``, 0 from t = steps on; eta is a float or an array of theta's shape.

    >>> [linear_decay(0.5, 4)(t) for t in (0, 1, 4, 5)]
    [0.5, 0.375, 0.0, 0.0]
    """
    return schedule(eta, steps, lambda s: 1 - s)


def cosine(eta, steps):
    """The schedule ``eta (1 + cos(pi t / steps)) / 2``, 0 from t = steps on (Loshchilov, I. and Hutter, F. 2017).

    >>> [round(cosine(0.5, 4)(t), 3) for t in (0, 1, 4, 5)]
    [0.5, 0.427, 0.0, 0.0]
    """
    return schedule(eta, steps, lambda s: (1 + math.cos(math.pi * s)) / 2)


def schedule(eta, steps, shape):
    """Eta times a function of s, the part of the steps that is over."""
    eta = eta if isinstance(eta, float) else reals(eta, "eta")
    if not 0 < real(steps, "steps") < math.inf:
        raise ValueError(f"steps is {steps}: a positive, finite number is needed.")
    return lambda t: eta * shape(min(real(t, "t") / steps, 1.0))


def step_sizes(eta, theta):
    """Eta as a function of t, in theta's precision: a number or an array is checked now, a schedule at every step."""

    def at(t):
        value = np.array(reals(eta(t) if callable(eta) else eta, "eta"), theta.dtype)[()]
        if value.shape not in ((), theta.shape):
            raise ValueError(f"eta has shape {value.shape} at step {t}: () or theta's, {theta.shape}, is needed.")
        if not (np.all((value >= 0) & (value < np.inf)) and (callable(eta) or np.any(value))):
            raise ValueError(f"eta is {value} at step {t}: a positive, finite step size is needed. Instead: eta=1e-2.")
        return value

    constant = None if callable(eta) else at(0)
    return at if callable(eta) else lambda t: constant
