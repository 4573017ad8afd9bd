"""What every method shares: a step, a loss that counts its evaluations, and the door through which arguments come."""

import functools
import inspect
import math
from dataclasses import dataclass

import numpy as np

from mathlib.backprop import Node, value_and_grad
from mathlib.door import finite, floats
from mathlib.hessian import Hessian


@dataclass(frozen=True, eq=False)
class Step:
    """A point of a method's path: theta, and the loss and the gradient there, before the update made from them.

    `M` is the estimate of H^-1 that makes this update, where the method keeps one: it acts on theta's components, as
    an (n, n) array (`bfgs`) or as an operator with `@` (`lbfgs`). `H` is the Hessian, where the method uses it.
    """

    theta: np.ndarray
    loss: float
    gradient: np.ndarray
    M: object = None
    H: object = None


class Objective:
    """A loss that counts what is asked of it: ``n_loss``, ``n_grad``, ``n_hvp``; it is called like the loss itself.

    A run of the loss is counted by the numbers that it runs on: plain ones are an evaluation; nodes an evaluation and
    a gradient; nodes on dual or complex numbers a Hessian-vector product. Each `H @ v` counts, each recording of an H
    is an evaluation and a gradient.

    >>> f = Objective(lambda x: x**2)
    >>> f.at(3.0).gradient, f.hessian(3.0) @ 1.0, (f.n_loss, f.n_grad, f.n_hvp)
    (np.float64(6.0), np.float64(2.0), (2, 2, 1))
    """

    def __init__(self, loss, jac=None):
        self.loss, self.jac = loss, jac
        self.n_loss = self.n_grad = self.n_hvp = 0
        self.records = False  # whether a step has its Hessian

    @classmethod
    def of(cls, loss):
        """The loss itself, if it counts already."""
        return loss if isinstance(loss, cls) else cls(loss)

    def __call__(self, theta):
        if isinstance(theta, Node) and not isinstance(theta.value, (np.ndarray, np.generic, Node)):
            self.n_hvp += 1
        else:
            self.n_loss += 1
            self.n_grad += isinstance(theta, Node)
        return self.loss(theta)

    def at(self, theta):
        """The step at theta; a FloatingPointError where loss or gradient is not finite."""
        if self.records:
            H = self.hessian(theta)
            return Step(theta, H.value, H.gradient, H=H)
        if self.jac is None:
            return Step(theta, *value_and_grad(self)(theta))
        value, gradient = self(theta), np.asarray(self.jac(theta), float)
        self.n_grad += 1
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            raise FloatingPointError("the loss or its gradient is NaN or infinite.")
        return Step(theta, value, gradient)

    def hessian(self, theta):
        """The Hessian at theta, whose products are counted."""
        return CountedHessian(self, theta)


class CountedHessian(Hessian):
    """The Hessian of an `Objective`; with its inverse, where the matrix is affordable."""

    def __matmul__(self, v):
        self.loss.n_hvp += np.ndim(v) == len(self.theta_shape)  # a block comes back, column by column
        return super().__matmul__(v)

    def solve(self, g):
        """The vector ``H^-1 g``, in theta's shape; a singular H is a LinAlgError that says what to do."""
        H = self.dense()
        size = np.sqrt(np.max(np.abs(H), axis=0, initial=0.0))  # so that the units of theta's components do not matter
        if not np.all(size > 0) or np.linalg.cond(H / size / size[:, None]) > 1 / (len(H) * np.finfo(H.dtype).eps):
            raise np.linalg.LinAlgError(
                "the Hessian is singular here: the quadratic model has no single stationary point. Instead:"
                " damped_newton, modified_newton or newton_cg; or a term such as 1e-6 * np.sum(theta**2) in the loss."
            )
        return np.reshape(np.linalg.solve(H / size[:, None] / size, np.ravel(g) / size) / size, np.shape(g))[()]


def dot(u, v):
    """The pairing of a covector and a vector, over all components."""
    return float(np.vdot(u, v))


def largest(a):
    """The largest component, in size."""
    return float(np.max(np.abs(a), initial=0.0))


def times(M, g):
    """The vector ``M g`` in g's shape; None is the identity."""
    return g if M is None else np.reshape(M @ np.ravel(g), np.shape(g))[()]


def method(generator):
    """A method from its generator ``body(f, theta, ...)``, with the arguments checked before it starts.

    f is the loss as an `Objective`, theta a checked copy of the start. SciPy calls a method with keywords of its own
    and wants a result; it gets one.
    """
    parameters = inspect.signature(generator).parameters

    @functools.wraps(generator)
    def checked(loss, theta0, *args, **options):
        if "hessp" in options and "constraints" in options:
            from mathlib.optimize.minimize import for_scipy

            return for_scipy(checked, loss, theta0, *args, **options)
        given = inspect.signature(generator).bind(loss, theta0, *args, **options).arguments
        theta = np.array(floats(theta0, "theta0"))[()]
        finite(theta0=theta)
        if (eta := given.get("eta")) is not None and not 0 < eta < math.inf:
            raise ValueError(f"eta is {eta}: a positive, finite step size is needed.")
        if given.get("M0") is not None:
            options = {**options, "M0": metric(given["M0"], theta.size)}
        return generator(Objective.of(loss), theta, *args, **options)

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
