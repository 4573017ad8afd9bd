"""Losses of any size: quadratics of a given spectrum, Rosenbrock's valley, logistic regression, a network."""

import numpy as np

from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.problems.data import digits


def rosenbrock(theta):
    """The chain of Rosenbrock's valleys: ``sum of 100 (x[i+1] - x[i]**2)**2 + (1 - x[i])**2``; zero at (1, ..., 1).

    From 4 components on it has a second minimum, near (-1, 1, ..., 1) and close to 4.
    Sources: Rosenbrock, H. H. (1960); Shang, Y.-W. and Qiu, Y.-H. (2006).

    >>> rosenbrock(np.array([-1.2, 1.0])).round(12)
    np.float64(24.2)
    """
    return np.sum(100 * (theta[1:] - theta[:-1] ** 2) ** 2 + (1 - theta[:-1]) ** 2)


def quadratic(eigenvalues, seed=0):
    """A quadratic ``x . H x / 2 - b . x`` whose H has these eigenvalues: the loss, H and the stationary point H^-1 b.

    The eigenvectors are random, and so is the stationary point; a zero among the eigenvalues is a ValueError.

    >>> loss, H, solution = quadratic([1.0, 100.0])
    >>> np.linalg.eigvalsh(H).round(9), np.allclose(H @ solution, 0) or loss(solution) < 0
    (array([  1., 100.]), np.True_)
    """
    eigenvalues = np.asarray(eigenvalues, float)
    if not np.all(eigenvalues):
        raise ValueError("an eigenvalue is zero: the quadratic has no single stationary point.")
    rng, n = np.random.default_rng(seed), len(eigenvalues)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = Q * eigenvalues @ Q.T
    H, solution = (H + H.T) / 2, rng.standard_normal(n)
    b = H @ solution
    return lambda x: np.vdot(x, H @ x) / 2 - np.vdot(b, x), H, solution


def logistic_regression(m=5000, n=200, condition=1.0, ridge=1e-4, seed=0):
    """Regularized logistic regression of m random examples: ``mean log(1 + exp(-y X w)) + ridge w . w / 2``.

    The n features' scales fall from 1 to 1 / `condition`, so that the Hessian's condition is about its square.
    Returned are the loss and the start, zeros.

    >>> loss, w = logistic_regression(100, 3)
    >>> loss(w).round(12)  # log 2
    np.float64(0.69314718056)
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n)) * np.geomspace(1, 1 / condition, n)
    y = np.where(X @ rng.standard_normal(n) + rng.logistic(size=m) > 0, 1.0, -1.0)
    yX = y[:, None] * X

    def loss(w):
        return np.sum(np.logaddexp(0, -(yX @ w))) / m + ridge * np.vdot(w, w) / 2

    return loss, np.zeros(n)


def digits_network(hidden=16, ridge=1e-3, seed=0):
    """A small tanh network on all training digits at once: the loss, with weight decay, and the start.

    >>> loss, theta = digits_network()
    >>> theta.shape
    (1210,)
    """
    X, y, _, _ = digits(seed)
    theta, model = mlp([64, hidden, 10], seed=seed)
    X = X.reshape(len(X), 64)

    def loss(theta):
        return softmax_cross_entropy(model(theta, X), y) + ridge * np.vdot(theta, theta) / 2

    return loss, theta
