"""Methods that read gradients: SGD, momentum, Adam, AdamW."""

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.stochastic.steps import Step, begin, corrected, method


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
    >>> import itertools
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

    >>> import itertools
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

    >>> import itertools
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


@method
def adamw(losses, theta0, eta=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, decay=1e-2):
    """Published Adam with decoupled weight decay: ``theta -= eta (g_hat / (sqrt(v_hat) + eps) + decay theta)``.

    Added to the loss, the decay's gradient would be divided by ``sqrt(v_hat)`` too. decay is of unit 1 / [theta], as
    it is multiplied by eta, which is what libraries do; the paper's own decay is multiplied by the schedule alone, and
    a pure number. The rest is as for `adam`. Source: Loshchilov, I. and Hutter, F. (2019), arXiv 1711.05101.

    >>> import itertools
    >>> path = adamw(itertools.repeat(lambda x: x**2), 1.0, eta=0.25, decay=1.0)
    >>> [round(float(step.theta), 6) for step in itertools.islice(path, 2)]
    [1.0, 0.5]
    """
    theta, g_hat, v_hat = begin(theta0, "g_hat", "v_hat")
    for t, l_t, eta in losses:
        b1, b2 = (corrected(b, t) for b in (beta1, beta2))
        loss, g = value_and_grad(l_t)(theta)
        g_hat, v_hat = b1 * g_hat + (1 - b1) * g, b2 * v_hat + (1 - b2) * g**2
        shrink, eta = eta * decay * theta, eta / (np.sqrt(v_hat) + eps)
        move = -eta * g_hat - shrink
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat, "v_hat": v_hat}, move=move)
        theta = theta + move
