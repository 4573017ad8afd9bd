"""The door of each method: what it asks of its arguments, and who calls it."""

import functools
import inspect
import math

import numpy as np

from mathlib.door import finite, floats, program, real, shown, whole
from mathlib.optimize.objective import Objective, largest
from mathlib.optimize.scipy_protocol import SCIPY, for_scipy


def method(generator):
    """A method from its generator ``body(f, theta, ...)``, with the arguments checked before it starts.

    f is the loss as an `Objective`, theta a checked copy of the start. SciPy calls a method with keywords of its own
    and wants a result; it gets one.
    """
    parameters = inspect.signature(generator).parameters

    @functools.wraps(generator)
    def checked(loss, theta0, *args, **options):
        if options.keys() >= SCIPY:
            return for_scipy(checked, loss, theta0, **options)
        program(loss)
        if callable(theta0):
            raise TypeError(
                "theta0 is a function: a start of floats is needed. Instead, for a model's output and a loss of it:"
                " mathlib.curvature.Composed(output, loss), and then theta0."
            )
        bound = inspect.signature(generator).bind(loss, theta0, *args, **options)
        given, theta = bound.arguments, np.array(floats(theta0, "theta0"))[()]
        finite(theta0=theta)
        for name, value in given.items():
            default = parameters[name].default
            if type(default) is float or (name in ("eta", "radius") and value is not None):
                given[name] = real(value, name)
            if type(default) is bool and not isinstance(value, (bool, np.bool)):
                raise TypeError(f"{name} is {shown(value)}: True or False is needed.")
            if type(default) is int:
                whole(1, **{name: value})
        if (radius := given.get("radius")) is not None and not 0 < radius < math.inf:
            raise ValueError(f"radius is {radius}: a positive, finite length is needed, of theta's unit.")
        if (eta := given.get("eta")) is not None and not 0 < eta < math.inf:
            raise ValueError(f"eta is {eta}: a positive, finite step size is needed.")
        if given.get("M0") is not None:
            given["M0"] = metric(given["M0"], theta.size)
        given["f"], given["theta"] = Objective.of(loss), theta
        return generator(*bound.args, **bound.kwargs)

    checked.__signature__ = inspect.Signature(
        [p.replace(name={"f": "loss", "theta": "theta0"}.get(n, n)) for n, p in parameters.items()]
    )
    return checked


def metric(M0, n):
    """Check an initial M: symmetric positive definite, on theta's n components."""
    M0 = np.array(floats(M0, "M0"))
    if M0.shape != (n, n):
        raise ValueError(
            f"M0 has shape {M0.shape}: {(n, n)} is needed, a row and a column for each component of theta."
        )
    if largest(M0 - M0.T) > 1e-10 * largest(M0) or np.min(np.linalg.eigvalsh(M0)) <= 0:
        raise ValueError("M0 is not symmetric positive definite. Instead: np.linalg.inv(P.T @ P), or A @ A.T.")
    return (M0 + M0.T) / 2
