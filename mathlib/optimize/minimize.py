"""`minimize` drives a method: when to stop, what to keep, what to say."""

from dataclasses import dataclass, replace

import numpy as np

from mathlib.optimize.objective import Objective, largest

UNBOUNDED = 1e30


@dataclass(frozen=True, eq=False)
class Result:
    """What `minimize` found; `history` has a `Step` for each point, without M."""

    theta: np.ndarray
    loss: float
    gradient: np.ndarray
    converged: bool
    message: str
    n_steps: int
    n_loss: int
    n_grad: int
    n_hvp: int
    history: list

    def __repr__(self):
        return (
            f"{self.message}\nloss {self.loss:.6g}, largest gradient {largest(self.gradient):.3g}; {self.n_steps}"
            f" steps, {self.n_loss} losses, {self.n_grad} gradients, {self.n_hvp} Hessian-vector products"
        )


def minimize(method, loss, theta0, tol=1e-8, max_steps=500, callback=None, progress=False, **options):
    """Run a method until the gradient's largest component is at most `tol`, and say how it went.

    Parameters
    ----------
    method : `gradient_descent`, `newton`, `bfgs`, ..., or any function ``(loss, theta0, **options)`` that yields steps
        A step has `theta`, `loss` and `gradient`. What the generator returns is the reason why it ended.
    loss : a program of NumPy functions with a scalar value
    theta0 : float or array of floats, of any shape
    tol : float
        Of the gradient's unit.
    max_steps : int
    callback : a function of the step
        A true value stops.
    progress : bool
        Show a bar (it needs tqdm).
    **options : for the method

    Returns
    -------
    Result
        The last point if it `converged`, else the best. `n_loss`, `n_grad` and `n_hvp` count what was evaluated.
        An interrupt from the keyboard ends the run, and its best point is returned.

    Raises
    ------
    TypeError, ValueError, FloatingPointError, LinAlgError
        As the method does; FloatingPointError if the loss or its gradient is not finite at the start

    Examples
    --------
    >>> from mathlib.optimize import bfgs
    >>> result = minimize(bfgs, lambda x: np.sum((x - 1) ** 4 + x**2), np.zeros(3))
    >>> result.converged, result.theta.round(6)
    (True, array([0.410245, 0.410245, 0.410245]))
    """
    f = Objective.of(loss)
    history, best, converged, message = [], None, False, None
    bar = progress_bar(max_steps) if progress else None
    try:
        for step in said(method(f, theta0, **options)):
            if isinstance(step, str):
                message = step
                break
            step = replace(step, M=None) if getattr(step, "M", None) is not None else step
            history.append(step)
            best = step if best is None or step.loss < best.loss else best
            size = largest(step.gradient)
            if bar is not None:
                bar.set_postfix_str(f"loss {step.loss:.6g}, gradient {size:.2g}", refresh=False)
                bar.update(len(history) > 1)
            if size <= tol:
                best, converged = step, True
                message = f"Converged: the gradient's largest component, {size:.3g}, is at most tol = {tol:g}."
            elif step.loss < -UNBOUNDED * scale(history[0]):
                message = f"Not converged: the loss has fallen to {step.loss:.3g}, and seems to have no minimum."
            elif len(history) > max_steps:
                message = (
                    f"Not converged: {max_steps} steps are done, and the gradient's largest component is {size:.3g}."
                    " Instead: a larger max_steps, or another method."
                )
            if callback is not None and callback(step) and message is None:
                message = "Not converged: the callback stopped it."
            if message:
                break
    except KeyboardInterrupt:
        if best is None:
            raise
        message = f"Not converged: interrupted after {len(history) - 1} steps; this is the best point so far."
    except FloatingPointError as error:
        if best is None:
            raise
        message = f"Not converged: after {len(history) - 1} steps {error} Instead: a smaller eta, or a line search."
    finally:
        if bar is not None:
            bar.close()
    if best is None:
        raise ValueError("the method yielded no step: it must yield theta0 first.")
    return Result(
        best.theta, best.loss, best.gradient, converged, message, len(history) - 1, f.n_loss, f.n_grad, f.n_hvp, history
    )


def said(steps):
    """The steps, and at last, as text, why there are no more."""
    reason = yield from steps
    reason = reason or "the method ended"
    yield f"Not converged: {reason}."


def scale(start):
    """What is an ordinary size of the loss: its first value, or what its slope makes over theta's length."""
    return max(1.0, abs(start.loss), largest(start.gradient) * max(1.0, largest(start.theta)))


def progress_bar(total):
    """A bar of tqdm."""
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm, which is missing. Instead: pip install tqdm.") from error
    return tqdm(total=total, unit="step")


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
    maxiter=500,
    disp=False,
    **options,
):
    """A method as `scipy.optimize.minimize(fun, x0, method=...)` calls it: SciPy's names in, its result out.

    A `jac` is used if given; without one, fun is differentiated. Its options are the method's, `gtol` and `maxiter`.
    """
    from scipy.optimize import OptimizeResult

    if bounds is not None or len(constraints):
        raise ValueError("bounds and constraints are for other methods: this one minimizes over all of theta.")
    jac = (lambda x: jac_given(x, *args)) if callable(jac_given := jac) else None
    f = Objective((lambda x: fun(x, *args)) if args else fun, jac)
    tol = options.pop("gtol", tol)
    r = minimize(
        method, f, x0, tol=tol, max_steps=maxiter, callback=callback and (lambda s: callback(s.theta)), **options
    )
    if disp:
        print(r)
    return OptimizeResult(
        x=r.theta,
        fun=r.loss,
        jac=r.gradient,
        success=r.converged,
        status=0 if r.converged else 1,
        message=r.message,
        nit=r.n_steps,
        nfev=r.n_loss,
        njev=r.n_grad,
        nhev=r.n_hvp,
    )
