"""Stochastic methods: at every step the loss is another one, l_t, and so is its gradient.

A method is a generator of steps, made of a stream of losses, and its body reads like the slide. All step in the same
way: ``theta -= eta ⊙ g_hat``, with `eta` and `gradient_estimate` of the `Step`; what differs is how these two are made.
"""

import functools
import inspect
import itertools
import math
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mathlib.arithmetic import real_value
from mathlib.backprop import grad, value_and_grad
from mathlib.door import array, direction, entropy, finite, floats, is_finite, program, real, reals, whole, with_data
from mathlib.hessian import grad_and_hvp, hessian, hvp

STREAM = "Instead: itertools.repeat(loss), or minibatches(loss, (X, y))."


def minibatches(loss, data, batch_size=64, seed=0, start=0):
    """The stream l_0, l_1, ... of losses on minibatches, ``l_t(theta) = loss(theta, X[rows], y[rows])``; it has no end.

    Every epoch visits every example once, in a new order; its last batch is smaller where the batches don't divide the
    data. l_t depends on nothing but the seed and t, so that ``start=step.t + 1`` goes on after a step; the seed None
    stands for one that nobody has used. The loss is a mean over examples, data a tuple of arrays, (n, ...) each; a
    TypeError or a ValueError says what does not fit. Sources: Robbins, H. and Monro, S. (1951); Bottou, L. (2009), on
    orders without replacement.

    >>> losses = minibatches(lambda theta, X: np.mean((theta - X) ** 2), (np.arange(4.0),), batch_size=2)
    >>> next(losses)(0.0) + next(losses)(0.0)  # an epoch: (0 + 1 + 4 + 9) / 2
    np.float64(7.0)
    """
    program(loss)
    arrays, n = examples(data)
    whole(1, batch_size=batch_size)
    whole(start=start)
    seed = entropy(seed)
    if batch_size > n:
        raise ValueError(f"batch_size is {batch_size}, larger than the data. Instead: at most {n}, all examples.")
    per_epoch = -(-n // batch_size)

    def stream(order=None):
        for t in itertools.count(start):
            epoch, k = divmod(t, per_epoch)
            if k == 0 or order is None:
                order = np.random.default_rng([seed, epoch]).permutation(n)
            yield on(order[k * batch_size : (k + 1) * batch_size], loss, arrays)

    return stream()


def examples(data):
    """The arrays of some data, and how many examples they hold."""
    if not isinstance(data, (tuple, list)):
        raise TypeError(f"data is a {type(data).__name__}: a tuple of arrays is needed. Instead: (X, y), or (X,).")
    arrays = [array(a, "an array of data") for a in data]
    lengths = {a.shape[:1] for a in arrays}
    if len(lengths) != 1 or not max(lengths) > (0,):
        raise ValueError(f"data has shapes {[a.shape for a in arrays]}: (n, ...) of one n > 0 is needed, or no batch.")
    return arrays, len(arrays[0])


def on(rows, loss, arrays):
    """The loss on some rows of the data, a function of theta."""
    return with_data(loss, [a[rows] for a in arrays], {})


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


@dataclass(frozen=True, eq=False)
class Step:
    """A step at theta_t, before the update ``theta - eta ⊙ gradient_estimate`` is made from it.

    `loss` and `gradient` are l_t's at theta, of units [l] and [l] / [theta]. `gradient_estimate` (the slides' g_hat)
    has theta's shape, and so has `drift_estimate`, where a method keeps one. `carried` is what else it remembers.
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
        """What the next step starts from, to the bit: for theta0's place, and for ``np.savez(file, **step.state)``."""
        return {"t": self.t + 1, "theta": self.theta - self.eta * self.gradient_estimate, **self.carried}


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
                if not (0 < x <= 1 if name == "alpha" else 0 <= x < (1 if memory else math.inf)):
                    needed = "(0, 1]" if name == "alpha" else "[0, 1)" if memory else "[0, inf)"
                    raise ValueError(f"{name} is {x}: a number in {needed} is needed.")
            if type(parameter.default) is int:
                whole(1, **{name: given[name]})
            if type(parameter.default) is bool and not isinstance(given[name], (bool, np.bool)):
                raise TypeError(f"{name} is a {type(given[name]).__name__}: True or False is needed.")
        state = theta0 if isinstance(theta0, Mapping) else {"t": 0, "theta": theta0}
        if not {"t", "theta"} <= set(state):
            raise ValueError(f"theta0 holds {sorted(state)}: an array, or the state of a step, is needed.")
        theta, t = floats(state["theta"], "theta0"), np.array(state["t"])[()]
        if not (np.ndim(t) == 0 and t >= 0 and t == int(t)):
            raise ValueError(f"theta0's t is {t}: a whole number of steps, at least 0, is needed.")
        finite(theta0=theta)
        if not hasattr(given["losses"], "__iter__"):
            what = "one loss" if callable(given["losses"]) else f"a {type(given['losses']).__name__}"
            raise TypeError(f"losses is {what}: a stream is needed, with a loss for each step. {STREAM}")
        given["losses"] = numbered(given["losses"], int(t), step_sizes(given["eta"], theta))
        given["theta0"] = {name: np.array(a)[()] for name, a in state.items()}  # later changes must not show
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
            except (FloatingPointError, ValueError) as error:
                diverged = step and not is_finite(step.state["theta"])
                if not diverged and not isinstance(error, FloatingPointError):
                    raise
                what = "theta is not finite." if diverged else error
                raise FloatingPointError(f"step {t}: {what} Instead: a smaller eta, or other data for l_t.") from error
        yield step


def begin(state, *estimates, **numbers):
    """Theta and what a method remembers: at the start estimates of zeros, and numbers; later what the state holds."""
    theta = state["theta"]
    start = dict.fromkeys(estimates, np.zeros_like(theta)[()]) | numbers
    if set(state) != {"t", "theta", *(start if state["t"] else ())}:
        raise ValueError(f"theta0 is the state of another method, with {sorted(state)}. Instead: its state['theta'].")
    for name, a in state.items():
        if np.shape(a) not in ((), theta.shape):
            raise ValueError(f"theta0's {name} has shape {np.shape(a)}: () or theta's, {theta.shape}, is needed.")
    return theta, *(state.get(name, value) for name, value in start.items())


def corrected(beta, t):
    """The beta that takes the start at zero out of an estimate: as if ``g_hat / (1 - beta**(t + 1))`` were used."""
    return beta * (1 - beta**t) / (1 - beta ** (t + 1))


@method
def sgd(losses, theta0, eta=1e-2):
    """Stochastic gradient descent ``theta -= eta ⊙ gradient``, a `Step` at a time, theta0 first, without an end.

    Source: Robbins, H. and Monro, S. (1951).

    Parameters
    ----------
    losses : iterable of functions of theta
        The stream l_0, l_1, ...: `minibatches`, or ``itertools.repeat(loss)`` for one loss at every step.
    theta0 : float or array of floats, of any shape
        Or the `state` of a step, after which the method goes on; the stream must go on there too.
    eta : float, array of theta's shape, or function of t
        The step size, of unit [theta]**2 / [l]. `linear_decay` and `cosine` make functions of t.

    Raises
    ------
    TypeError, ValueError
        losses is no stream, or exhausted; theta0 is not of floats, not finite, or the state of another method; eta is
        negative or not finite, or, but for a schedule, nowhere positive; another number is out of its range
    FloatingPointError
        l_t, its gradient or theta is NaN or infinite; the message names the step

    Examples
    --------
    >>> path = sgd(itertools.repeat(lambda x: x**2), 1.0, eta=0.25)
    >>> [float(step.theta) for step in itertools.islice(path, 3)]
    [1.0, 0.5, 0.25]
    """
    [theta] = begin(theta0)
    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        yield Step(t, theta, loss, g, eta, g)
        theta = theta - eta * g


@method
def momentum(losses, theta0, eta=1e-2, beta1=0.9, bias_correction=False):
    """Momentum: ``g_hat = beta1 g_hat + (1 - beta1) gradient``, ``theta -= eta ⊙ g_hat``; the rest is as for `sgd`.

    It remembers 1 / (1 - beta1) gradients. g_hat starts at 0; with `bias_correction`, its weight in g_hat is divided
    out. Polyak's ``m = beta1 m + gradient`` is ``g_hat / (1 - beta1)``. Source: Polyak, B. T. (1964).

    >>> path = momentum(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, beta1=0.5)
    >>> [float(step.theta) for step in itertools.islice(path, 3)]
    [1.0, 0.75, 0.4375]
    """
    theta, g_hat = begin(theta0, "g_hat")
    for t, l_t, eta in losses:
        b1 = corrected(beta1, t) if bias_correction else beta1
        loss, g = value_and_grad(l_t)(theta)
        g_hat = b1 * g_hat + (1 - b1) * g
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat})
        theta = theta - eta * g_hat


@method
def adam(losses, theta0, eta=1e-2, beta1=0.9, beta2=0.999, eps=1e-8, published=False, bias_correction=False):
    """Adam as the lecture reviews it or, with ``published=True``, as it was published; the rest is as for `momentum`.

    The lecture's review keeps ``theta -= eta ⊙ g_hat``, which is `momentum`, and leaves eta_i open. Published Adam sets
    it to ``eta / (sqrt(v_hat_i) + eps)``, with ``v_hat = beta2 v_hat + (1 - beta2) gradient**2`` and bias correction of
    both estimates: its eta has theta's unit, eps the gradient's. Source: Kingma, D. P. and Ba, J. (2015).

    >>> path = adam(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, published=True)
    >>> [round(float(step.theta), 6) for step in itertools.islice(path, 2)]
    [1.0, 0.75]
    """
    theta, g_hat, v_hat = begin(theta0, "g_hat", "v_hat")
    for t, l_t, eta in losses:
        b1, b2 = (corrected(b, t) if published or bias_correction else b for b in (beta1, beta2))
        loss, g = value_and_grad(l_t)(theta)
        g_hat = b1 * g_hat + (1 - b1) * g
        if published:
            v_hat = b2 * v_hat + (1 - b2) * g**2
            eta = eta / (np.sqrt(v_hat) + eps)
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat, "v_hat": v_hat})
        theta = theta - eta * g_hat


def value_grad_hvp(loss, theta, v):
    """The loss, its gradient and H v, in one pass of dual numbers."""
    values = []

    def noted(theta):
        y = loss(theta)
        values.append(real_value(y))
        return y

    g, Hv = grad_and_hvp(noted, theta, v)
    return values[-1], g, Hv


@method
def second_order_adam(losses, theta0, eta=1e-2, beta1=0.9, beta3=0.9, bias_correction=False):
    """The lecture's second-order Adam, to the letter: `momentum`, and beside it an estimate of the gradient's drift.

    ``drift_hat = beta3 drift_hat + (1 - beta3) H_t (eta ⊙ g_hat)``, of the gradient's unit, is what a step takes from
    the gradient, to first order. The lecture expects it to help in setting eta, without saying how: nothing depends on
    it here, and `carried_drift` is our answer. The product needs this step's g_hat: so `hessian` records the gradient
    and runs the recording along ``eta ⊙ g_hat``. Sources: McAllester, D. (2017); Pearlmutter, B. A. (1994).

    >>> path = second_order_adam(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, beta1=0.5, beta3=0.5)
    >>> [float(step.drift_estimate) for step in itertools.islice(path, 3)]
    [0.25, 0.4375, 0.484375]
    """
    theta, g_hat, drift_hat = begin(theta0, "g_hat", "drift_hat")
    for t, l_t, eta in losses:
        b1, b3 = (corrected(b, t) if bias_correction else b for b in (beta1, beta3))
        H = hessian(l_t, theta)
        g_hat = b1 * g_hat + (1 - b1) * H.gradient
        drift_hat = b3 * drift_hat + (1 - b3) * (H @ (eta * g_hat))
        yield Step(t, theta, H.value, H.gradient, eta, g_hat, drift_hat, {"g_hat": g_hat, "drift_hat": drift_hat})
        theta = theta - eta * g_hat


@method
def hessian_corrected_momentum(losses, theta0, eta=1e-2, alpha=0.1):
    """Momentum brought to the present point: ``m = (1 - alpha)(m + H_t d) + alpha gradient``, ``theta -= eta ⊙ m``.

    d is the last step, ``theta_t - theta_{t-1}``; m starts at the first gradient; alpha is in (0, 1]. On a noiseless
    quadratic m is the gradient at every step. The paper's methods also clip m, or divide it by its length. The rest is
    as for `sgd`. Source: Tran, H. and Cutkosky, A. (2022), arXiv 2103.03265.

    >>> path = hessian_corrected_momentum(itertools.repeat(lambda x: x**2), 1.0, eta=0.25)
    >>> [float(step.gradient_estimate) for step in itertools.islice(path, 3)]
    [2.0, 1.0, 0.5]
    """
    theta, d, m = begin(theta0, "d", m=None)
    for t, l_t, eta in losses:
        loss, g, Hd = value_grad_hvp(l_t, theta, d)
        m = g if m is None else (1 - alpha) * (m + Hd) + alpha * g
        d = -eta * m
        yield Step(t, theta, loss, g, eta, m, carried={"m": m, "d": d})
        theta = theta + d


@method
def smd(losses, theta0, eta=1e-2, mu=0.05, lam=0.99):
    """Stochastic meta-descent: each coordinate's step size descends the loss too; the rest is as for `sgd`.

    v is the derivative of theta by the logarithm of the step sizes ``eta ⊙ p``, where p is multiplied by ``max(1/2,
    1 - mu v ⊙ gradient)``: ``v = lam v - eta ⊙ p ⊙ (gradient + lam H_t v)``. mu is of unit 1 / [l]; lam, in [0, 1), is
    the memory of v. Source: Schraudolph, N. N. (2002).

    >>> path = smd(itertools.repeat(lambda x: x**2), 1.0, eta=0.1, mu=0.5)
    >>> [round(float(step.eta), 6) for step in itertools.islice(path, 3)]
    [0.1, 0.116, 0.140065]
    """
    theta, v, log_p = begin(theta0, "v", "log_p")
    for t, l_t, eta in losses:
        loss, g, Hv = value_grad_hvp(l_t, theta, v)
        log_p = log_p + np.log(np.maximum(0.5, 1 - mu * v * g))
        eta = eta * np.exp(log_p)
        v = lam * v - eta * (g + lam * Hv)
        yield Step(t, theta, loss, g, eta, g, carried={"v": v, "log_p": log_p})
        theta = theta - eta * g


@method
def hypergradient(losses, theta0, eta=1e-3, beta1=0.9, beta2=0.999, beta3=0.9, gamma=0.2):
    """Published Adam with ``p eta`` for eta, where the slope along the last step sets p: no Hessian.

    ``x = -gradient . d``, with Adam's last direction d, is the slope of l_t in p by the last step alone: ln p moves by
    gamma against ``x / rms(x)``, three times that at most. beta3, in [0, 1), is the memory of x**2; the rest is as for
    `adam`. Source: Baydin, A. G. et al. (2018); that x is divided by its size is ours.

    >>> path = hypergradient(itertools.repeat(lambda x: np.sum(x**2)), np.ones(2), eta=1e-5)
    >>> bool(next(itertools.islice(path, 300, None)).loss < 1e-4)
    True
    """
    theta, g_hat, v_hat, d, x2, log_p = begin(theta0, "g_hat", "v_hat", "d", x2=0.0, log_p=0.0)
    tiny = np.finfo(theta.dtype).tiny
    for t, l_t, eta in losses:
        b1, b2, b3 = (corrected(b, t) for b in (beta1, beta2, beta3))
        loss, g = value_and_grad(l_t)(theta)
        x = -np.vdot(g, d)
        x2 = b3 * x2 + (1 - b3) * x**2
        log_p = log_p - gamma * np.clip(x / np.sqrt(x2 + tiny), -3, 3)
        g_hat, v_hat = b1 * g_hat + (1 - b1) * g, b2 * v_hat + (1 - b2) * g**2
        D = np.sqrt(v_hat) + 1e-8
        d, eta = g_hat / D, np.exp(log_p) * eta / D
        carried = {"g_hat": g_hat, "v_hat": v_hat, "d": d, "x2": x2, "log_p": log_p}
        yield Step(t, theta, loss, g, eta, g_hat, carried=carried)
        theta = theta - eta * g_hat


@method
def carried_drift(
    losses, theta0, eta=1e-3, beta1=0.9, beta2=0.99, beta3=0.9, lam=0.999, gamma=0.01, guard=1.0, every=20
):
    """Published Adam with ``p eta`` for eta, where the drift sets p: a rule of this project, not the lecture's.

    w is the derivative of theta by ln p, carried along from step to step, and `drift_estimate` that of the gradient:
    ``c D ⊙ w``, with Adam's ``D = sqrt(v_hat)`` and the curvature ``c = w . H_t w / (w . (D ⊙ w))``, read in each step
    that `every` divides; ln c falls by gamma a step at most. ``p eta c`` is the drift over the gradient, a pure number:
    1 where a step along w ends in the minimum. p starts where it is `guard`, along Adam's first direction, and falls
    where it is more. And ln p grows by gamma ``-mean(x) / rms(x)`` where that is positive: ``x = gradient . w`` is the
    slope of l_t in ln p, on a batch that w has not seen. It is not asked when to shrink p, for it thinks of the next
    step alone: that is left to the guard, and to a schedule, of which only the falls count: the guard takes a rise
    back. eta is a first guess only where the first curvature is not positive. beta2 is smaller than Adam's: D has to
    keep up with a growing p.

    beta3 and lam, in [0, 1), are the memories of x and x**2, and of w; the rest is as for `adam`. w is a scalar
    form of `smd`'s v, and while ``p eta c`` is near 1, little more than the last step.
    ``gamma=0`` with an `every` beyond the run's length keeps the first p: one product, ever.

    >>> path = carried_drift(itertools.repeat(lambda x: np.sum(x**2)), np.ones(2), eta=1e-5)
    >>> bool(next(itertools.islice(path, 100, None)).loss < 1e-4)
    True
    """
    start = dict.fromkeys(("x1", "x2", "log_p", "c"), 0.0)
    theta, g_hat, v_hat, w, x1, x2, log_p, c = begin(theta0, "g_hat", "v_hat", "w", **start)
    tiny = np.finfo(theta.dtype).tiny
    for t, l_t, eta in losses:
        b1, b2, b3 = (corrected(b, t) for b in (beta1, beta2, beta3))
        if t % every:
            loss, g = value_and_grad(l_t)(theta)
        else:
            u = w if t else np.sign(grad(l_t)(theta))  # Adam's first direction
            loss, g, Hu = value_grad_hvp(l_t, theta, u)
        g_hat, v_hat = b1 * g_hat + (1 - b1) * g, b2 * v_hat + (1 - b2) * g**2
        D = np.sqrt(v_hat) + 1e-8
        if t % every == 0:
            c = np.maximum(np.vdot(u, Hu) / (np.sum(D * u**2) + tiny), c * math.exp(-gamma * every))
        x = np.vdot(g, w)
        x1, x2 = b3 * x1 + (1 - b3) * x, b3 * x2 + (1 - b3) * x**2
        highest = np.log(guard / np.maximum(c * np.max(eta), tiny))
        grown = log_p + gamma * np.maximum(0, -x1 / np.sqrt(x2 + tiny))
        log_p = highest if t == 0 and c > 0 else np.minimum(highest, grown)
        eta = np.exp(log_p) * eta / D
        drift_hat = c * D * w
        w = lam * w - eta * (g_hat + drift_hat)
        carried = {"g_hat": g_hat, "v_hat": v_hat, "w": w, "x1": x1, "x2": x2, "log_p": log_p, "c": c}
        yield Step(t, theta, loss, g, eta, g_hat, drift_hat, carried)
        theta = theta - eta * g_hat


GradientNoise = namedtuple("GradientNoise", "gradient variance signal_to_noise critical_batch_size")
GradientDrift = namedtuple("GradientDrift", "drift average measured")


def gradient_noise(loss, data, theta, batch_size=1):
    """How a minibatch's gradient differs from that on all data: exactly, from the gradient of each of the n examples.

    Loss, data, errors and how a batch of B is drawn are those of `minibatches`. The result has the `gradient` on all
    data; the `variance` of each component of the estimate, ``sigma_i**2 / B (n - B) / (n - 1)``, of theta's shape; the
    `signal_to_noise`, ``sum(gradient**2) / sum(variance)``; and the `critical_batch_size` ``sum(sigma**2) /
    sum(gradient**2)``, from which on the signal is the larger. The last two depend on coordinates, not on the loss's
    unit. Sources: McCandlish, S. et al. (2018); Cochran, W. G. (1977), on drawing without replacement.

    >>> gradient_noise(lambda theta, X: np.mean((theta - X) ** 2) / 2, (np.array([1.0, 3.0]),), 0.0)[1:]
    (np.float64(1.0), np.float64(4.0), np.float64(0.25))
    """
    (arrays, n), theta, mean, spread = examples(data), floats(theta, "theta"), 0.0, 0.0
    program(loss)
    finite(theta=theta)
    whole(1, batch_size=batch_size)
    if batch_size > n:
        raise ValueError(f"batch_size is {batch_size}: an integer from 1 to {n}, the number of examples, is needed.")
    for i in range(n):  # Welford's update: no difference of large sums
        off = grad(on(slice(i, i + 1), loss, arrays))(theta) - mean
        mean = mean + off / (i + 1)
        spread = spread + off**2 * (i / (i + 1))
    signal, sigma2 = np.sum(mean**2), spread / n
    variance = sigma2 / batch_size * (n - batch_size) / max(n - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return GradientNoise(mean, variance, signal / np.sum(variance), np.sum(sigma2) / signal)


def gradient_drift(loss, data, theta, eta, g_hat):
    """The drift of the gradient under the step ``theta - eta ⊙ g_hat``: predicted in two ways, and measured.

    Loss and data are those of `minibatches`, eta a number or an array; errors are those of `hvp`. The result has the
    `drift` ``H (eta ⊙ g_hat)``, H of the loss on all data; the `average` over examples i of ``H_i (eta ⊙ g_hat)``, the
    same covector; and, `measured`, by how much the gradient on all data falls, which differs by third derivatives, in
    the square of eta. All are of the gradient's unit and theta's shape. Source: McAllester, D. (2017).

    >>> cubes = lambda theta, X: np.mean((theta - X) ** 3)
    >>> gradient_drift(cubes, (np.array([0.0, 2.0]),), 2.0, eta=0.125, g_hat=1.0)
    GradientDrift(drift=np.float64(0.75), average=np.float64(0.75), measured=np.float64(0.703125))
    """
    program(loss)
    (arrays, n), (theta, g_hat) = examples(data), direction(theta, g_hat, "theta")
    v, full = step_sizes(eta, theta)(0) * g_hat, on(slice(None), loss, arrays)
    average = sum(hvp(on(slice(i, i + 1), loss, arrays), theta, v) for i in range(n)) / n
    return GradientDrift(hvp(full, theta, v), average, grad(full)(theta) - grad(full)(theta - v))
