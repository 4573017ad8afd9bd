"""What every method shares: a step, and a loss that counts its evaluations."""

import math
from dataclasses import dataclass

import numpy as np

from mathlib.arithmetic import Number
from mathlib.backprop import Node, value_and_grad
from mathlib.hessian import Hessian, hvp


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

    def __post_init__(self):
        for a in (self.theta, self.gradient):  # the method goes on from them: who changes one gets an error
            if isinstance(a, np.ndarray):
                a.flags.writeable = False


def planned(name, *counts):
    """The program that a compiled loss has by this name, counted; None of other losses."""

    def program(self):
        f = getattr(self.loss, name, None)

        def run(*arguments):
            for count in counts:
                setattr(self, count, getattr(self, count) + 1)
            answer = f(*arguments)
            self.constant = self.loss.constant
            return answer

        return run if f else None

    return property(program)


class Objective:
    """A loss that counts what is asked of it: ``n_loss``, ``n_grad``, ``n_hvp``; it is called like the loss itself.

    A run of the loss is counted by the numbers that it runs on: plain ones are an evaluation; nodes an evaluation and
    a gradient; nodes on dual or complex numbers a Hessian-vector product. Each `H @ v` counts, each recording of an H
    is an evaluation and a gradient.

    >>> f = Objective(lambda x: x**2)
    >>> f.at(3.0).gradient, f.hessian(3.0) @ 1.0, (f.n_loss, f.n_grad, f.n_hvp)
    (np.float64(6.0), np.float64(2.0), (2, 2, 1))
    """

    def __init__(self, loss):
        self.loss = loss
        self.n_loss = self.n_grad = self.n_hvp = 0
        self.records = False  # whether a step has its Hessian
        self.constant = False  # whether the last run of the loss never met theta
        self.size = 0.0  # of the path's losses, slowly forgotten
        self.lowest = self.smallest = math.inf
        self.idle = 0

    @classmethod
    def of(cls, loss):
        """The loss itself, if it counts already."""
        return loss if isinstance(loss, Objective) else cls(loss)

    def __call__(self, theta):
        if isinstance(theta, Node) and not isinstance(theta.value, (np.ndarray, np.generic, Node)):
            self.n_hvp += 1
        else:
            self.n_loss += 1
            self.n_grad += isinstance(theta, Node)
        value = self.loss(theta)
        self.constant = isinstance(theta, Number) and not isinstance(value, Number)
        return value

    value_and_grad, hvp = planned("value_and_grad", "n_loss", "n_grad"), planned("hvp", "n_hvp")
    recorded, reading = planned("linearized", "n_loss", "n_grad"), planned("reading")

    @property
    def linearized(self):
        """The same for the products of a Hessian; those of a block belong to the same recording."""
        return self.recorded and (lambda theta, k=(): self.loss.linearized(theta, k) if k else self.recorded(theta))

    def at(self, theta):
        """The step at theta; a FloatingPointError where loss or gradient is not finite."""
        if self.records:
            H = self.hessian(theta)
            return Step(theta, H.value, H.gradient, H=H)
        return Step(theta, *value_and_grad(self)(theta))

    def hessian(self, theta):
        """The Hessian at theta, whose products are counted."""
        return CountedHessian(self, theta)

    def curvature(self, step, d):
        """The curvature ``d . H d`` at a step, of unit [l] [d]**2 / [theta]**2."""
        return dot(d, hvp(self, step.theta, d))

    def stalled(self, step, patience=50):
        """Whether so many steps have brought no smaller loss, nor where rounding hides it a smaller gradient."""
        size = largest(step.gradient)
        self.size = max(abs(float(step.loss)), 0.99 * self.size)
        if step.loss < self.lowest - self.doubt(step.loss):
            self.lowest, self.smallest, self.idle = step.loss, size, 0
        elif size < 0.99 * self.smallest:
            self.smallest, self.idle = size, 0
        else:
            self.idle += 1
        return self.idle > patience

    def doubt(self, loss):
        """Differences of losses that tell less than the gradients do: some roundings of what a loss is the sum of.

        Its terms may be larger than it is: where 4 - 4 is left they are still 4, as the losses on the way there were.
        """
        eps = float(np.finfo(np.asarray(loss).dtype).eps)
        return max(eps ** (2 / 3) * abs(float(loss)), 100 * eps * self.size)

    def better(self, new, old):
        """Whether the loss has fallen or, where rounding would hide that, the gradient is smaller."""
        change, doubt = new.loss - old.loss, self.doubt(old.loss)
        return change < -doubt or (change <= doubt and largest(new.gradient) < largest(old.gradient))


def solve(H, g):
    """The vector ``H^-1 g``, in theta's shape; a singular H is a LinAlgError that says what to do."""
    H = H.dense()
    size = np.sqrt(np.max(np.abs(H), axis=0, initial=0.0))  # so that the units of theta's components do not matter
    if not np.all(size > 0) or np.linalg.cond(H / size / size[:, None]) > 1 / (len(H) * np.finfo(H.dtype).eps):
        raise np.linalg.LinAlgError(
            "the Hessian is singular here: the quadratic model has no single stationary point. Instead:"
            " damped_newton, modified_newton or newton_cg; or a term such as 1e-6 * np.sum(theta**2) in the loss."
        )
    return np.reshape(np.linalg.solve(H / size[:, None] / size, np.ravel(g) / size) / size, np.shape(g))[()]


class CountedHessian(Hessian):
    """The Hessian of an `Objective`; with its inverse, where the matrix is affordable."""

    solve = solve

    def __matmul__(self, v):
        self.loss.n_hvp += math.prod(np.shape(v)[len(self.theta_shape) :])  # of a block, as many as it has columns
        return super().__matmul__(v)


def dot(u, v):
    """The pairing of a covector and a vector, over all components, added up in float64."""
    return float(np.vdot(np.asarray(u, float), np.asarray(v, float)))


def norm(a):
    """The length, without overflow."""
    size = largest(a)
    return size * math.sqrt(dot(a / size, a / size)) if size else 0.0


def largest(a):
    """The largest component, in size."""
    return float(np.max(np.abs(a), initial=0.0))


def times(M, g):
    """The vector ``M g`` in g's shape; None is the identity."""
    return g if M is None else np.reshape(M @ np.ravel(g), np.shape(g))[()]
