"""`minimize` drives a method: when to stop, what to keep, what to say."""

import inspect
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from mathlib.door import program
from mathlib.optimize.objective import Objective, largest

UNBOUNDED = 1e30


@dataclass(frozen=True, eq=False)
class Result:
    """What `minimize` found; `history` has a `Step` for each point, without M and H. It can be pickled."""

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


def minimize(method, loss, theta0, tol=1e-8, max_steps=1000, callback=None, progress=False, **options):
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
        True, or a StopIteration, ends the run.
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
    TypeError, ValueError
        a tol, a max_steps or a callback's result that is none
    TypeError, ValueError, FloatingPointError, LinAlgError
        As the method does; FloatingPointError and LinAlgError only at the start: later, they end the run

    Examples
    --------
    >>> from mathlib.optimize import bfgs
    >>> result = minimize(bfgs, lambda x: np.sum((x - 1) ** 4 + x**2), np.zeros(3))
    >>> result.converged, result.theta.round(6)
    (True, array([0.410245, 0.410245, 0.410245]))
    """
    if not isinstance(tol, (int, float, np.number)) or isinstance(tol, bool):
        raise TypeError(f"tol is {tol!r}: a number of at least 0 is needed, of the gradient's unit. Instead: tol=1e-8.")
    if not tol >= 0:
        raise ValueError(f"tol is {tol}: a number of at least 0 is needed, of the gradient's unit.")
    if not isinstance(max_steps, (int, np.integer)):
        raise TypeError(f"max_steps is {max_steps!r}: an integer of at least 0 is needed. Instead: max_steps=1000.")
    if max_steps < 0:
        raise ValueError(f"max_steps is {max_steps}: an integer of at least 0 is needed.")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is {callback!r}: a function of the step is needed.")
    if not inspect.isgeneratorfunction(inspect.unwrap(method)) and not callable(loss):
        raise TypeError(f"the method is {method!r} and the loss {loss!r}. Instead: minimize(method, loss, theta0).")
    program(method)
    f = Objective.of(loss)
    history, best, converged, message = [], None, False, None
    bar = progress_bar(max_steps) if progress else None
    try:
        for step in said(method(f, theta0, **options)):
            if isinstance(step, str):
                message = step
                break
            step = bare(step)
            history.append(step)
            best = step if best is None or f.better(step, best) else best
            size = largest(step.gradient)
            if bar is not None:
                bar.set_postfix_str(f"loss {step.loss:.6g}, gradient {size:.2g}", refresh=False)
                bar.update(len(history) > 1)
            if f.constant:
                message = "Not converged: the loss does not depend on theta. Instead: calculate it anew in each call."
            elif size <= tol:
                best, converged = step, True
                message = f"Converged: the gradient's largest component, {size:.3g}, is at most tol = {tol:g}."
            elif step.loss < -UNBOUNDED * scale(history[0]):
                message = f"Not converged: the loss has fallen to {step.loss:.3g}, and seems to have no minimum."
            elif len(history) > max_steps:
                message = (
                    f"Not converged: {max_steps} steps are done, and the gradient's largest component is {size:.3g}."
                    " Instead: a larger max_steps, or another method."
                )
            if callback is not None and stops(callback, step) and message is None:
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
    except np.linalg.LinAlgError as error:
        if len(history) < 2:
            raise
        message = f"Not converged: after {len(history) - 1} steps {error}"
    finally:
        if bar is not None:
            bar.close()
    if best is None:
        raise ValueError("the method yielded no step: it must yield theta0 first.")
    return Result(
        np.array(best.theta)[()],
        best.loss,
        np.array(best.gradient)[()],
        converged,
        message,
        len(history) - 1,
        f.n_loss,
        f.n_grad,
        f.n_hvp,
        history,
    )


def bare(step):
    """A step without M and H, which hold a matrix or a tape."""
    heavy = {name: None for name in ("M", "H") if getattr(step, name, None) is not None}
    return replace(step, **heavy) if heavy else step


def stops(callback, step):
    """Whether the callback ends the run."""
    try:
        answer = callback(step)
    except StopIteration:
        return True
    if np.ndim(answer):
        raise TypeError(
            f"the callback returned an array of shape {np.shape(answer)}: True, to stop, or None is needed."
        )
    return bool(answer)


def said(steps):
    """The steps, and at last, as text, why there are no more."""
    if not isinstance(steps, Generator):
        raise TypeError(
            f"the method returned a {type(steps).__name__}: a generator of steps is needed. Instead: yield."
        )
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
