"""Steepest steps: methods that make a vector of the gradient by a norm, and go as far as eta says."""

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.door import refuse_type
from mathlib.stochastic.blocks import Blocks, as_matrix
from mathlib.stochastic.steps import Step, begin, corrected, method

A, B, C = 3.4445, -4.7750, 2.0315  # of Jordan's Newton-Schulz iteration


def orthogonal(G):
    """``U V^T`` of the compact singular value decomposition: G with each singular value that is not 0 set to 1."""
    refuse_type(G, "a matrix")
    G = scaled(G)
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    kept = s > np.max(s, initial=0) * max(G.shape) * np.finfo(G.dtype).eps
    return U[:, kept] @ Vt[kept]


def newton_schulz(G, iterations):
    """Nearly `orthogonal`: each singular value x of ``G / |G|`` becomes ``A x + B x^3 + C x^5``, again and again.

    Products of matrices alone, on the shorter side. Source: Jordan, K. et al. (2024).
    """
    X = scaled(G)
    X = X / np.maximum(np.linalg.norm(X), np.finfo(G.dtype).tiny)
    X = X.T if len(X) > len(X.T) else X
    for _ in range(iterations):
        S = X @ X.T
        X = A * X + (B * S + C * S @ S) @ X
    return X if X.shape == G.shape else X.T


def scaled(G):
    """G over its largest entry: no square overflows, and none is lost."""
    return G / np.maximum(np.max(abs(G), initial=0), np.finfo(G.dtype).tiny)


@method
def steepest_descent(losses, theta0, eta=1e-2, norm=None, beta1=0.0):
    """Steepest descent in a norm: ``theta -= eta norm.steepest(g_hat)``, each step as long as eta says.

    `norm` is one of `mathlib.norms`: the step is the one that g_hat takes for steepest among all of length eta, and eta
    is measured as the norm is. g_hat is `momentum`'s, with beta1 = 0 the gradient; the rest is as for `sgd`. A
    TypeError says that norm is none. Source: Bernstein, J. and Newhouse, L. (2024), arXiv 2409.20325.

    >>> import itertools
    >>> from mathlib.norms import Euclidean
    >>> losses = itertools.repeat(lambda x: np.sum(x**2))
    >>> path = steepest_descent(losses, np.array([3.0, 4.0]), eta=1.0, norm=Euclidean())
    >>> [step.theta.round(3).tolist() for step in itertools.islice(path, 2)]
    [[3.0, 4.0], [2.4, 3.2]]
    """
    if not hasattr(norm, "steepest"):
        raise TypeError(f"norm is a {type(norm).__name__}: a norm is needed. Instead: norm=mathlib.norms.Euclidean().")
    theta, g_hat = begin(theta0, "g_hat")
    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        g_hat = beta1 * g_hat + (1 - beta1) * g
        move = -eta * norm.steepest(g_hat)
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat}, move=move)
        theta = theta + move


@method
def sign_descent(losses, theta0, eta=1e-3, beta1=0.0):
    """The sign of the gradient, ``theta -= eta ⊙ sign(g_hat)``: steepest where a step is as long as its largest entry.

    eta is of unit [theta]; g_hat is `momentum`'s, with beta1 = 0 the gradient (signSGD), else Signum. Published Adam
    without its averages is this. The rest is as for `sgd`. Source: Bernstein, J. et al. (2018), arXiv 1802.04434.

    >>> import itertools
    >>> path = sign_descent(itertools.repeat(lambda x: np.sum(x**2)), np.array([1.0, -8.0]), eta=0.25)
    >>> [step.theta.tolist() for step in itertools.islice(path, 3)]
    [[1.0, -8.0], [0.75, -7.75], [0.5, -7.5]]
    """
    theta, g_hat = begin(theta0, "g_hat")
    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        g_hat = beta1 * g_hat + (1 - beta1) * g
        move = -eta * np.sign(g_hat)
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat}, move=move)
        theta = theta + move


@method
def muon(
    losses,
    theta0,
    eta=2e-2,
    beta1=0.95,
    nesterov=True,
    iterations=5,
    exact=False,
    beta1_vectors=0.9,
    beta2=0.95,
    eps=1e-10,
    blocks=None,
):
    """Muon: each matrix moves by its momentum made orthogonal, each vector by published Adam.

    ``W -= eta sqrt(max(1, outputs / inputs)) O`` with O from `momentum`'s g_hat, or where `nesterov` from ``beta1 g_hat
    + (1 - beta1) gradient``, by Jordan's Newton-Schulz `iterations`, which leave singular values between 0.7 and 1.2
    where they were not too small; with `exact`, by the singular value decomposition: the steepest step of the spectral
    norm. W is (inputs, outputs), as for ``X @ W``, and a filter (F, F, C, C') has F F C inputs. eta is of unit [theta];
    an array gives vectors another one, as in the published code. A momentum of 0 moves nothing.

    `blocks` says which entries of theta are a matrix (see `Blocks`; a network's ``model.unravel``). Vectors have Adam's
    memories `beta1_vectors` and beta2, with the averages' start divided out, and its eps, of unit [l] / [theta]. There
    is no weight decay. These are the conventions of Jordan's code and of pytorch_optimizer; Optax weighs the two terms
    of Nesterov's momentum differently. The rest is as for `sgd`. Source: Jordan, K. et al. (2024).

    >>> import itertools
    >>> path = muon(itertools.repeat(lambda W: np.sum(W**2)), 3 * np.eye(2), eta=0.5, exact=True)
    >>> [step.theta.round(6).tolist() for step in itertools.islice(path, 2)]
    [[[3.0, 0.0], [0.0, 3.0]], [[2.5, 0.0], [0.0, 2.5]]]
    """
    theta, g_hat, v_hat = begin(theta0, "g_hat", "v_hat")
    layers = Blocks(blocks, theta)
    is_matrix = layers.joined([np.full(shape, len(shape) > 1) for shape in layers.shapes]) > 0

    def direction(m, scaled_m):
        if m.ndim < 2:
            return scaled_m
        M = as_matrix(m)
        O = orthogonal(M) if exact else newton_schulz(M, iterations)  # noqa: E741
        return np.reshape(O, m.shape) * max(1, M.shape[1] / max(1, M.shape[0])) ** 0.5

    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        b1 = np.where(is_matrix, beta1, corrected(beta1_vectors, t)).astype(theta.dtype)
        b2 = corrected(beta2, t)
        g_hat, v_hat = b1 * g_hat + (1 - b1) * g, b2 * v_hat + (1 - b2) * np.where(is_matrix, 0, g) ** 2
        m = b1 * g_hat + (1 - b1) * g if nesterov else g_hat
        pairs = zip(layers(m), layers(g_hat / (np.sqrt(v_hat) + eps)), strict=True)
        move = -eta * layers.joined([direction(*pair) for pair in pairs])
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat, "v_hat": v_hat}, move=move)
        theta = theta + move
