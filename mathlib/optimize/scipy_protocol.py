"""The methods as `scipy.optimize.minimize(fun, x0, method=...)` calls them: its names in, its result out."""

import inspect

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.optimize.minimize import minimize
from mathlib.optimize.objective import Objective, Step, dot, largest, solve

SCIPY = {"jac", "hess", "hessp", "bounds", "constraints"}  # how SciPy's call is told from a reader's


class Given(Objective):
    """A loss with the derivatives that its user gives: SciPy's fun, jac, hess and hessp.

    Each gets a copy of x, and of what it returns a copy is kept, so that it may change the one and use the other again.
    Without a jac, fun is differentiated; without hess and hessp, products are central differences of the gradient.
    """

    def __init__(self, fun, args=(), jac=None, hess=None, hessp=None):
        super().__init__((lambda x: fun(x, *args)) if args else fun)
        self.args, self.jac, self.hess, self.hessp = args, jac, hess, hessp

    def at(self, theta):
        value, gradient = self.value_and_gradient(theta)
        return Step(theta, value, gradient, H=self.hessian(theta) if self.records else None)

    def value_and_gradient(self, theta):
        """The loss, a float, and its gradient, of theta's shape; a FloatingPointError where they are not finite."""
        if self.jac is None:
            return value_and_grad(self)(theta)
        value, gradient = np.asarray(self(np.array(theta))), self.gradient(theta)
        if value.size != 1:
            raise ValueError(f"fun returned an array of shape {value.shape}: a scalar is needed. Instead: its np.sum.")
        self.constant = False
        if not (np.all(np.isfinite(value)) and np.all(np.isfinite(gradient))):
            raise FloatingPointError("the loss or its gradient is NaN or infinite.")
        return float(value.item()), gradient

    def gradient(self, theta):
        """The gradient alone."""
        if self.jac is None:
            return value_and_grad(self)(theta)[1]
        self.n_grad += 1
        gradient = np.array(self.jac(np.array(theta), *self.args), float)
        if gradient.shape != np.shape(theta):
            raise ValueError(
                f"jac returned an array of shape {gradient.shape}: that of x, {np.shape(theta)}, is needed."
            )
        return gradient

    def hessian(self, theta):
        return GivenHessian(self, theta)

    def curvature(self, step, d):
        return dot(d, self.hessian(step.theta) @ d)


class GivenHessian:
    """The Hessian that a user of SciPy gives, as a matrix or by its products, or that his gradients show."""

    solve = solve

    def __init__(self, f, theta):
        self.f, self.theta, self.shape, self.matrix = f, theta, (np.size(theta),) * 2, None
        if f.hess is not None:
            f.n_hvp += 1
            matrix = f.hess(np.array(theta), *f.args)
            self.matrix = np.array(matrix.toarray() if hasattr(matrix, "toarray") else matrix, float)
            if self.matrix.shape != self.shape:
                raise ValueError(f"hess returned an array of shape {self.matrix.shape}: {self.shape} is needed.")

    @property
    def value(self):
        """The loss."""
        return self.step.loss

    @property
    def gradient(self):
        """The gradient."""
        return self.step.gradient

    @property
    def step(self):
        """The loss and the gradient here."""
        return Step(self.theta, *self.f.value_and_gradient(self.theta))

    def __matmul__(self, v):
        if self.matrix is not None:
            return self.matrix @ v
        self.f.n_hvp += 1
        if self.f.hessp is not None:
            return np.array(self.f.hessp(np.array(self.theta), np.array(v), *self.f.args), float)
        h = np.finfo(float).eps ** (1 / 3) * max(1.0, largest(self.theta)) / (largest(v) or 1.0)
        return (self.f.gradient(self.theta + h * v) - self.f.gradient(self.theta - h * v)) / (2 * h)

    def dense(self):
        """The matrix."""
        H = self.matrix if self.matrix is not None else np.stack([self @ e for e in np.eye(self.shape[0])], -1)
        return (H + H.T) / 2


def for_scipy(
    method,
    fun,
    x0,
    args=(),
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    callback=None,
    tol=1e-8,
    maxiter=1000,
    disp=False,
    return_all=False,
    **options,
):
    """A method run on SciPy's arguments; an `OptimizeResult`.

    A jac, a hess or a hessp is used if given; without a jac, fun is differentiated. The options are `gtol` or `tol`,
    `maxiter`, `disp`, `return_all`, and the method's own. A callback gets x, or with the one argument
    `intermediate_result` an `OptimizeResult`, after each step; its StopIteration ends the run.
    """
    from scipy.optimize import OptimizeResult

    if bounds is not None or np.size(constraints):
        raise ValueError("bounds and constraints are for other methods: this one minimizes over all of theta.")
    if hess is not None and not callable(hess):
        if hess not in ("2-point", "3-point", "cs"):
            raise ValueError(f"hess is {hess!r}: a function is needed. Instead: method=bfgs or lbfgs, which learn it.")
        hess = None
    own = set(inspect.signature(method).parameters) - {"loss", "theta0"}
    tol = options.pop("gtol", tol)
    if unknown := set(options) - own:
        known = sorted({"gtol", "maxiter", "disp", "return_all"} | own)
        raise TypeError(f"{method.__name__} has no option {', '.join(sorted(unknown))}. Instead: {', '.join(known)}.")

    report = callback
    if callback is not None and set(inspect.signature(callback).parameters) == {"intermediate_result"}:

        def report(x, step):
            callback(intermediate_result=OptimizeResult(x=x, fun=step.loss, jac=np.array(step.gradient)))

    elif callback is not None:

        def report(x, step):
            callback(x)

    started = iter([False])  # SciPy does not report the start
    x0 = np.array(x0, float) if np.asarray(x0).dtype.kind in "iub" else x0
    given = Given(fun, args, jac, hess, hessp) if (jac, hess, hessp) != (None,) * 3 else None
    f = given or Objective((lambda x: fun(x, *args)) if args else fun)
    r = minimize(
        method,
        f,
        x0,
        tol=tol,
        max_steps=maxiter,
        callback=report and (lambda step: next(started, True) and report(np.array(step.theta), step)),
        **options,
    )
    if disp:
        print(r)
    stopped = "callback" in r.message
    result = OptimizeResult(
        x=r.theta,
        fun=r.loss,
        jac=r.gradient,
        success=r.converged,
        status=0 if r.converged else 99 if stopped else 1,
        message=r.message,
        nit=r.n_steps,
        nfev=r.n_loss,
        njev=r.n_grad,
        nhev=r.n_hvp,
    )
    if return_all:
        result.allvecs = [step.theta for step in r.history]
    return result
