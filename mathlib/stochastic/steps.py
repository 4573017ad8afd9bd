"""What every method shares: a step, the checks at its door, and how it begins."""

import functools
import inspect
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mathlib.arithmetic import real_value
from mathlib.door import entropy, finite, floats, is_finite, real, reals, whole
from mathlib.hessian import grad_and_hvp
from mathlib.stochastic.blocks import Blocks
from mathlib.stochastic.schedules import step_sizes

RANGES = {"alpha": "(0, 1]", "sigma": "(0, inf)", "d0": "(0, inf)"}
STREAM = "Instead: itertools.repeat(loss), or minibatches(loss, (X, y))."


@dataclass(frozen=True, eq=False)
class Step:
    """A step at theta_t, before the update ``theta - eta ⊙ gradient_estimate`` is made from it.

    `loss` and `gradient` are l_t's at theta, of units [l] and [l] / [theta]. `gradient_estimate` (the slides' g_hat)
    has theta's shape, and so has `drift_estimate`, where a method keeps one. `carried` is what else it remembers.
    `move`, of theta's unit and shape, is what a method adds to theta that makes a vector of its estimate otherwise.
    """

    t: int
    theta: np.ndarray
    loss: float
    gradient: np.ndarray
    eta: object
    gradient_estimate: np.ndarray
    drift_estimate: np.ndarray = None
    carried: dict = field(default_factory=dict)
    move: np.ndarray = None

    @property
    def state(self):
        """What the next step starts from, to the bit: for theta0's place, and for ``np.savez(file, **step.state)``."""
        theta = self.theta - self.eta * self.gradient_estimate if self.move is None else self.theta + self.move
        return {"t": self.t + 1, "theta": theta, **self.carried}


def method(body):
    """A method from its generator ``body(losses, theta0, eta, ...)``, with the arguments checked before it starts.

    For losses the body receives triples (t, l_t, eta_t), for theta0 what `begin` reads.
    """
    signature = inspect.signature(body)

    @functools.wraps(body)
    def checked(*args, **options):
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        given, theta0 = bound.arguments, bound.arguments["theta0"]
        for name, parameter in signature.parameters.items():
            if type(parameter.default) is float and name != "eta":
                given[name] = x = real(given[name], name)  # of Python: it leaves float32 as it is
                memory = name.startswith(("beta", "lam"))
                needed = RANGES.get(name, "[0, 1)" if memory else "[0, inf)")
                inside = {"(0, 1]": 0 < x <= 1, "(0, inf)": 0 < x < math.inf, "[0, 1)": 0 <= x < 1}
                if not inside.get(needed, 0 <= x < math.inf):
                    raise ValueError(f"{name} is {x}: a number in {needed} is needed.")
            if name == "seed":
                given[name] = entropy(given[name])
            elif type(parameter.default) is int:
                whole(1, **{name: given[name]})
            if type(parameter.default) is bool and not isinstance(given[name], (bool, np.bool)):
                raise TypeError(f"{name} is a {type(given[name]).__name__}: True or False is needed.")
        state = theta0 if isinstance(theta0, Mapping) else {"t": 0, "theta": theta0}
        if not {"t", "theta"} <= set(state):
            raise ValueError(f"theta0 holds {sorted(state)}: an array, or the state of a step, is needed.")
        theta, t = floats(state["theta"], "theta0"), reals(state["t"], "theta0's t")
        if np.ndim(t) or not (0 <= t < math.inf and t == int(t)):
            raise ValueError(f"theta0's t is {t}: a whole number of steps, at least 0, is needed.")
        finite(theta0=theta)
        if "blocks" in given:
            Blocks(given["blocks"], theta)  # it says what does not fit
        if not hasattr(given["losses"], "__iter__"):
            what = "one loss" if callable(given["losses"]) else f"a {type(given['losses']).__name__}"
            raise TypeError(f"losses is {what}: a stream is needed, with a loss for each step. {STREAM}")
        given["losses"] = numbered(given["losses"], int(t), step_sizes(given["eta"], theta))
        arrays = {name: reals(a, f"theta0's {name}") for name, a in state.items() if name != "t"}
        copies = {name: np.array(a, theta.dtype)[()] for name, a in arrays.items()}  # later changes must not show
        given["theta0"] = {"t": int(t), **copies}
        return guarded(body(*bound.args, **bound.kwargs), int(t))

    return checked


def numbered(losses, t, eta):
    """The triples (t, l_t, eta_t)."""
    for l_t in losses:
        if not callable(l_t):
            raise TypeError(f"step {t}: the stream holds a {type(l_t).__name__}, no function of theta. {STREAM}")
        yield t, l_t, eta(t)
        t += 1
    raise ValueError(f"step {t}: the stream of losses is exhausted. {STREAM} And itertools.islice(steps, n).")


def guarded(steps, start):
    """The steps; a numerical error says at which one it arose."""
    step = None
    for t in itertools.count(start):
        with np.errstate(all="ignore"):
            try:
                step = next(steps)
                finite(theta=step.theta)
                lost = [name for name, a in step.carried.items() if not is_finite(a)]
                if lost:
                    raise FloatingPointError(f"{lost[0]} is NaN or infinite: a number on the way to it overflows.")
            except (FloatingPointError, ValueError) as error:
                diverged = step and not is_finite(step.state["theta"])
                if not diverged and not isinstance(error, FloatingPointError):
                    raise
                what = "theta is not finite." if diverged else error
                raise FloatingPointError(f"step {t}: {what} Instead: a smaller eta, or other data for l_t.") from error
        yield step


def begin(state, *estimates, **starts):
    """Theta and what a method remembers: estimates of zeros and other starts at first; later what the state holds.

    A start of None stands for an array of theta's shape that is not yet set.
    """
    theta = state["theta"]
    start = dict.fromkeys(estimates, np.zeros_like(theta)[()]) | starts
    if set(state) != {"t", "theta", *(start if state["t"] else ())}:
        raise ValueError(f"theta0 is the state of another method, with {sorted(state)}. Instead: its state['theta'].")
    for name in [name for name in state if name in start]:
        a, needed = state[name], theta.shape if start[name] is None else np.shape(start[name])
        if np.shape(a) != needed:
            raise ValueError(f"theta0's {name} has shape {np.shape(a)}: {needed} is needed, as for this theta.")
        finite(**{f"theta0's {name}": a})
    return theta, *(state.get(name, value) for name, value in start.items())


def corrected(beta, t):
    """The beta that takes the start at zero out of an estimate: as if ``g_hat / (1 - beta**(t + 1))`` were used."""
    return beta * (1 - beta**t) / (1 - beta ** (t + 1))


def value_grad_hvp(loss, theta, v):
    """The loss, its gradient and H v, in one pass of dual numbers; of a compiled loss, by its programs."""
    if hasattr(loss, "grad_and_hvp"):
        return loss(theta), *grad_and_hvp(loss, theta, v)
    values = []

    def noted(theta):
        y = loss(theta)
        values.append(real_value(y))
        return y

    g, Hv = grad_and_hvp(noted, theta, v)
    return values[-1], g, Hv
