"""Stochastic methods: the loss is another one at every step, l_t, and with it the gradient.

Every method is a generator of steps, of a stream of losses, and its body reads like the slide. A step's update is
always ``theta - eta ⊙ g_hat``: `step.theta`, `step.eta` and `step.gradient_estimate`.
"""

import functools
import inspect
import itertools
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.differences import finite, floats
from mathlib.dual import is_finite

# ------------------------------------------------------------------------------------- the stream of losses


def minibatches(loss, data, batch_size=64, seed=0, start=0):
    """The stream l_0, l_1, ... of losses on minibatches, without an end: each is a function of theta.

    Every epoch visits every example once, in a new order; its last batch is smaller if the batches don't divide the
    data. ``l_t(theta) = loss(theta, X[rows], y[rows])``, and l_t depends on seed and t alone.

    Parameters
    ----------
    loss : a program of NumPy functions
        ``loss(theta, X, y)``, a mean over examples, so that l_t estimates the loss on all data.
    data : tuple of arrays, (n, ...) each
    batch_size : int from 1 to n
    seed : int
    start : int
        The first t: ``start=step.t + 1`` goes on after a step.

    Yields
    ------
    functions of theta

    Raises
    ------
    TypeError
        data is not a tuple of arrays, or a number is not an integer
    ValueError
        the arrays differ in length, or are empty; batch_size, seed or start is out of range

    References
    ----------
    Robbins, H. and Monro, S. (1951); Bottou, L. (2009), on orders without replacement.

    Examples
    --------
    >>> mean = lambda theta, X: np.mean((theta - X) ** 2)
    >>> losses = minibatches(mean, (np.array([1.0, 2.0, 3.0, 4.0]),), batch_size=2)
    >>> next(losses)(0.0) + next(losses)(0.0)  # an epoch: (1 + 4 + 9 + 16) / 2
    np.float64(15.0)
    """
    arrays, n = examples(data)
    least = {"batch_size": 1, "seed": 0, "start": 0}
    for (name, low), k in zip(least.items(), (batch_size, seed, start), strict=True):
        if operator.index(k) < low:
            raise ValueError(f"{name} is {k}: an integer of at least {low} is needed.")
    if batch_size > n:
        raise ValueError(f"batch_size is {batch_size}, larger than the data: {n} examples. Instead: batch_size={n}.")
    per_epoch = math.ceil(n / batch_size)

    def stream(order=None):
        for t in itertools.count(start):
            epoch, k = divmod(t, per_epoch)
            if k == 0 or order is None:
                order = np.random.default_rng([seed, epoch]).permutation(n)
            yield restricted(loss, arrays, order[k * batch_size : (k + 1) * batch_size])

    return stream()


def examples(data):
    """The arrays of some data, and how many examples they hold."""
    if not isinstance(data, (tuple, list)) or not data:
        raise TypeError(
            f"data is of type {type(data).__name__}: a tuple of arrays is needed. Instead: (X, y), or (X,)."
        )
    arrays = [np.asarray(a) for a in data]
    if any(a.ndim == 0 or len(a) != len(arrays[0]) for a in arrays):
        raise ValueError(f"data holds arrays of shapes {[a.shape for a in arrays]}: (n, ...) is needed for each.")
    if not len(arrays[0]):
        raise ValueError("data holds no example: a batch would be empty.")
    return arrays, len(arrays[0])


def restricted(loss, arrays, rows):
    """The loss on some rows of the data, a function of theta."""
    batch = [a[rows] for a in arrays]
    return lambda theta: loss(theta, *batch)


# ----------------------------------------------------------------------------------------------- schedules


def linear_decay(eta, steps):
    """The step size that falls from eta to 0 in a straight line, over so many steps: ``eta (1 - t / steps)``.

    eta is a float or an array of theta's shape. From t = steps on it stays 0.

    >>> [linear_decay(0.5, 4)(t) for t in (0, 1, 4, 5)]
    [0.5, 0.375, 0.0, 0.0]
    """
    return lambda t: eta * (1 - min(t / steps, 1))


def cosine(eta, steps):
    """The step size that falls from eta to 0 along half a wave: ``eta (1 + cos(pi t / steps)) / 2``, then stays 0.

    eta is a float or an array of theta's shape. Source: Loshchilov, I. and Hutter, F. (2017).

    >>> [round(cosine(0.5, 4)(t), 3) for t in (0, 1, 4, 5)]
    [0.5, 0.427, 0.0, 0.0]
    """
    return lambda t: eta * (1 + math.cos(math.pi * min(t / steps, 1))) / 2


def step_sizes(eta, theta):
    """Eta as a function of t, of theta's precision: from a number, an array or a function; checked wherever it is."""

    def checked(value, when="", zero_too=False):
        value = np.asarray(value, theta.dtype)[()]
        if value.shape not in ((), theta.shape):
            raise ValueError(f"eta has shape {value.shape}{when}: () or theta's, {theta.shape}, is needed.")
        if not (np.all(np.isfinite(value)) and np.all(value >= 0) and (zero_too or np.any(value > 0))):
            raise ValueError(f"eta is {value}{when}: a positive, finite step size is needed. Instead: eta=1e-2.")
        return value

    if callable(eta):
        return lambda t: checked(eta(t), f" at step {t}", zero_too=True)
    constant = checked(eta)
    return lambda t: constant


# ----------------------------------------------------------------------------- what every method shares


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a method, at theta_t, before the update ``theta - eta ⊙ gradient_estimate`` made from it.

    `loss` and `gradient` are those of l_t at theta, of units [l] and [l] / [theta]; `gradient_estimate` is g_hat, and
    `drift_estimate` the running estimate of the gradient's drift, both of theta's shape, where the method keeps one;
    `eta` is the step size, a number or an array of theta's shape. `carried` holds what else the method remembers.
    """

    t: int
    theta: np.ndarray
    loss: float
    gradient: np.ndarray
    eta: object
    gradient_estimate: np.ndarray
    drift_estimate: np.ndarray = None
    carried: dict = field(default_factory=dict)

    @property
    def state(self):
        """All that the next step starts from, as a dict of arrays: give it to the method in theta0's place.

        ``np.savez(file, **step.state)`` saves it, ``np.load(file)`` brings it back, to the bit.
        """
        return {"t": self.t + 1, "theta": self.theta - self.eta * self.gradient_estimate, **self.carried}


def method(body):
    """A method from its generator ``body(losses, theta0, eta, ...)``, with the arguments checked before it starts.

    In losses' place the body receives triples (t, l_t, eta_t), in theta0's a state.
    """
    signature = inspect.signature(body)

    @functools.wraps(body)
    def checked(*args, **options):
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        given = bound.arguments
        for name, parameter in signature.parameters.items():
            if type(parameter.default) is float and name != "eta":
                given[name] = float(given[name])
        for name in {"beta1", "beta2", "beta3", "lam"} & set(given):
            if not 0 <= given[name] < 1:
                raise ValueError(f"{name} is {given[name]}: a number in [0, 1) is needed.")
        state = given["theta0"] if isinstance(given["theta0"], Mapping) else {"t": 0, "theta": given["theta0"]}
        if not {"t", "theta"} <= set(state):
            raise ValueError(f"theta0 holds {sorted(state)}: an array, or the state of a step, is needed.")
        theta = floats(state["theta"], "theta0")
        finite(theta0=theta)
        given["losses"] = numbered(given["losses"], step_sizes(given["eta"], theta), t := int(state["t"]))
        given["theta0"] = {name: np.array(a)[()] for name, a in state.items()}  # later changes of it must not show
        return guarded(body(*bound.args, **bound.kwargs), t)

    return checked


def numbered(losses, eta, t):
    """The stream as triples (t, l_t, eta_t), each checked when its step comes."""
    instead = "Instead: itertools.repeat(loss), or minibatches(loss, (X, y))."
    if not hasattr(losses, "__iter__"):
        what = "one loss" if callable(losses) else f"of type {type(losses).__name__}"
        raise TypeError(f"losses is {what}: a stream of losses, one for each step, is needed. {instead}")

    def triples(t):
        for l_t in losses:
            if not callable(l_t):
                raise TypeError(f"step {t}: the stream holds a {type(l_t).__name__}, no function of theta. {instead}")
            yield t, l_t, eta(t)
            t += 1
        raise ValueError(
            f"step {t}: the stream of losses has ended. Instead: one without an end, as `minibatches` or"
            " itertools.repeat(loss), and itertools.islice(steps, n) for n steps."
        )

    return triples(t)


def guarded(steps, t):
    """The steps of a method, its numerical errors with the step and a remedy."""
    step = None
    while True:
        try:
            with np.errstate(all="ignore"):
                step = next(steps)
        except (FloatingPointError, ValueError) as error:
            overflow = step is not None and not is_finite(step.state["theta"])
            if not overflow and not isinstance(error, FloatingPointError):
                raise
            what = "theta is not finite." if overflow else error
            raise FloatingPointError(
                f"step {t}: {what} Instead: a smaller eta; or mend the data of this l_t."
            ) from error
        yield step
        t += 1


def begin(state, *names):
    """Theta, and the estimates that a method remembers: at the start 0, later as the state has them."""
    if unknown := set(state) - {"t", "theta", *names}:
        raise ValueError(f"theta0 is the state of another method: it holds {sorted(unknown)}.")
    return state["theta"], *(state.get(name, 0.0) for name in names)


def memory(beta, t, bias_correction):
    """The beta of step t. With bias correction the estimate is the weighted mean of what it has seen, not of a 0 too.

    ``g_hat = b g_hat + (1 - b) g`` with this b is Kingma and Ba's ``g_hat / (1 - beta**(t + 1))``.
    """
    return beta * (1 - beta**t) / (1 - beta ** (t + 1)) if bias_correction else beta


# ---------------------------------------------------------------------------------- methods of first order


@method
def sgd(losses, theta0, eta=1e-2):
    """Stochastic gradient descent ``theta -= eta ⊙ gradient of l_t``.

    Parameters
    ----------
    losses : iterable of functions of theta
        The stream l_0, l_1, ...: `minibatches`, or ``itertools.repeat(loss)`` for one loss at every step.
    theta0 : float or array of floats, of any shape
        Or the `state` of a step, from which the method goes on, if the stream goes on from there too.
    eta : float, array of theta's shape, or function of t
        The step size, of unit [theta]**2 / [l]; `linear_decay` and `cosine` make functions of t.

    Yields
    ------
    Step
        theta0 first, each before the update made from it. It does not end.

    Raises
    ------
    TypeError
        losses is one loss, or theta0 is not of floats
    ValueError
        eta is negative, zero everywhere or not finite, or of another shape; theta0 is not finite; the stream has ended
    FloatingPointError
        l_t or its gradient is NaN or infinite; the message names the step

    References
    ----------
    Robbins, H. and Monro, S. (1951).

    Examples
    --------
    >>> path = sgd(itertools.repeat(lambda x: x**2), 1.0, eta=0.25)
    >>> [float(step.theta) for step in itertools.islice(path, 3)]
    [1.0, 0.5, 0.25]
    """
    (theta,) = begin(theta0)
    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        yield Step(t, theta, loss, g, eta, g)
        theta = theta - eta * g


@method
def momentum(losses, theta0, eta=1e-2, beta1=0.9, bias_correction=False):
    """Momentum: steps along a running average of gradients, ``theta -= eta ⊙ g_hat``.

    ``g_hat = beta1 g_hat + (1 - beta1) gradient``. Polyak's ``m = beta1 m + gradient`` is ``g_hat / (1 - beta1)``:
    the same path with eta (1 - beta1) for eta.

    Parameters
    ----------
    losses, theta0, eta : as for `sgd`
    beta1 : float in [0, 1)
        The memory; about 1 / (1 - beta1) steps.
    bias_correction : bool
        Whether g_hat is divided by the weight ``1 - beta1**(t + 1)`` of what it has seen, for it starts at 0.

    References
    ----------
    Polyak, B. T. (1964).

    Examples
    --------
    >>> path = momentum(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, beta1=0.5)
    >>> [float(step.theta) for step in itertools.islice(path, 3)]
    [1.0, 0.75, 0.4375]
    """
    theta, g_hat = begin(theta0, "g_hat")
    for t, l_t, eta in losses:
        b1 = memory(beta1, t, bias_correction)
        loss, g = value_and_grad(l_t)(theta)
        g_hat = b1 * g_hat + (1 - b1) * g
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat})
        theta = theta - eta * g_hat


@method
def adam(losses, theta0, eta=1e-2, beta1=0.9, beta2=0.999, eps=1e-8, published=False, bias_correction=False):
    """Adam as the lecture reviews it or, with ``published=True``, as Kingma and Ba published it.

    The lecture keeps what is first order in it: ``theta -= eta ⊙ g_hat``, which is `momentum`, and leaves open how
    each eta_i is set. Published Adam sets it by a running average of squares,
    ``v_hat = beta2 v_hat + (1 - beta2) gradient**2``, to ``eta / (sqrt(v_hat) + eps)``, with bias correction of both.
    So its eta has theta's unit, where the lecture's has [theta]**2 / [l].

    Parameters
    ----------
    losses, theta0, eta, beta1, bias_correction : as for `momentum`
    published : bool
    beta2, eps : float
        Of the published form alone: the memory of squares, and a gradient too small to matter, of unit [l] / [theta].

    References
    ----------
    Kingma, D. P. and Ba, J. (2015).

    Examples
    --------
    >>> path = adam(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, published=True)
    >>> [round(float(step.theta), 6) for step in itertools.islice(path, 2)]
    [1.0, 0.75]
    """
    theta, g_hat, v_hat = begin(theta0, "g_hat", "v_hat")
    for t, l_t, eta in losses:
        b1, b2 = (memory(b, t, published or bias_correction) for b in (beta1, beta2))
        loss, g = value_and_grad(l_t)(theta)
        g_hat = b1 * g_hat + (1 - b1) * g
        if published:
            v_hat = b2 * v_hat + (1 - b2) * g**2
            eta = eta / (np.sqrt(v_hat) + eps)
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat, "v_hat": v_hat})
        theta = theta - eta * g_hat
