"""The methods as `scipy.optimize.minimize(fun, x0, method=...)` calls them: its names in, its result out."""

import inspect
from functools import partial

import numpy as np

from mathlib.arithmetic import UnsupportedError
from mathlib.backprop import value_and_grad
from mathlib.optimize.line_search import strong_wolfe
from mathlib.optimize.minimize import minimize
from mathlib.optimize.objective import Objective, Step, dot, largest, solve

SCIPY = {"jac", "hess", "hessp", "bounds", "constraints"}  # how SciPy's call is told from a reader's


def scalar(value):
    """What fun returned as a number; SciPy also takes an array of one element."""
    if value is None or np.size(value) != 1:
        what = "None" if value is None else f"an array of shape {np.shape(value)}"
        raise ValueError(f"fun returned {what}: a scalar is needed. Instead: its np.sum, or a return.")
    return np.reshape(value, ())


def whole(n):
    """A number of steps, which SciPy also takes as a float; None is the default."""
    if n is None:
        return 1000
    if isinstance(n, (bool, str)) or not np.isreal(n) or n != int(n):
        raise TypeError(f"maxiter is {n!r}: an integer is needed. Instead: options={{'maxiter': 1000}}.")
    return int(n)


class Given(Objective):
    """A loss with the derivatives that its user gives: SciPy's fun, jac, hess and hessp.

    Each gets a copy of x, and of what it returns a copy is kept, so that it may change the one and use the other again.
    Without a jac, fun is differentiated; without hess and hessp, products are central differences of the gradient.
    """

    def __init__(self, fun, args=(), jac=None, hess=None, hessp=None):
        super().__init__(lambda x: scalar(fun(x, *args)))
        self.args, self.jac, self.hess, self.hessp = args, jac, hess, hessp

    def at(self, theta):
        value, gradient = self.value_and_gradient(theta)
        return Step(theta, value, gradient, H=self.hessian(theta) if self.records else None)

    def value_and_gradient(self, theta):
        """The loss, a float, and its gradient, of theta's shape; a FloatingPointError where they are not finite."""
        if self.jac is None:
            return value_and_grad(self)(theta)
        value, gradient = float(self(np.array(theta))), self.gradient(theta)
        self.constant = False
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            raise FloatingPointError("the loss or its gradient is NaN or infinite.")
        return value, gradient

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
            dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
            if hasattr(matrix, "matvec"):  # a linear operator
                dense = matrix @ np.eye(*self.shape)
            self.matrix = np.array(dense, float)
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
            product = np.array(self.f.hessp(np.array(self.theta), np.array(v), *self.f.args), float)
            if product.shape != np.shape(v):
                raise ValueError(f"hessp returned an array of shape {product.shape}: {np.shape(v)} is needed.")
            return product
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
    `maxiter`, `disp`, `return_all`, `c1` and `c2` for the strong Wolfe conditions, `hess_inv0` for M0, and the method's
    own. A callback gets x, or with the one argument `intermediate_result` an `OptimizeResult`, after each step; its
    StopIteration ends the run. A loss that is not finite at the start is a result without success.
    """
    from scipy.optimize import OptimizeResult

    if bounds is not None or np.size(constraints):
        raise ValueError("bounds and constraints are for other methods: this one minimizes over all of theta.")
    if isinstance(hess, type) or (hess is not None and not callable(hess)):
        if not isinstance(hess, str) or hess not in ("2-point", "3-point", "cs"):
            raise ValueError(f"hess is {hess!r}: a function is needed. Instead: method=bfgs or lbfgs, which learn it.")
        hess = None
    own = set(inspect.signature(method).parameters) - {"loss", "theta0"}
    tol, maxiter = options.pop("gtol", tol), whole(maxiter)
    if "hess_inv0" in options and "M0" in own:
        options["M0"] = options.pop("hess_inv0")
    if options.keys() & {"c1", "c2"} and "line_search" in own:
        c = {"c1": 1e-4, "c2": 0.9} | {k: options.pop(k) for k in ("c1", "c2") if k in options}
        if not 0 < c["c1"] < c["c2"] < 1:
            raise ValueError(f"'c1' and 'c2' do not satisfy '0 < c1 < c2 < 1': they are {c['c1']} and {c['c2']}.")
        options["line_search"] = partial(strong_wolfe, **c)
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
    given = any(g is not None for g in (jac, hess, hessp))
    f = Given(fun, args, jac, hess, hessp) if given else Objective(lambda x: scalar(fun(x, *args)))
    watch = report and (lambda step: next(started, True) and report(np.array(step.theta), step))
    try:
        r = minimize(method, f, x0, tol=tol, max_steps=maxiter, callback=watch, **options)
    except FloatingPointError as error:
        counts = {"nit": 0, "nfev": f.n_loss, "njev": f.n_grad, "nhev": f.n_hvp}
        nan = np.full(np.shape(x0), np.nan)
        return OptimizeResult(x=x0, fun=np.nan, jac=nan, success=False, status=2, message=str(error), **counts)
    except UnsupportedError as error:
        if jac is None:
            error.add_note("Or give its gradient: scipy.optimize.minimize(..., jac=...).")
        raise
    if disp:
        print(r)
    stopped = "callback" in r.message
    result = OptimizeResult(
        x=r.theta,
        fun=r.loss,
        jac=r.gradient,
        success=r.converged,
        status=0 if r.converged else 99 if stopped else 1,
        message="`callback` raised `StopIteration`." if stopped else r.message,
        nit=r.n_steps,
        nfev=r.n_loss,
        njev=r.n_grad,
        nhev=r.n_hvp,
    )
    if return_all:
        result.allvecs = [step.theta for step in r.history]
    return result
