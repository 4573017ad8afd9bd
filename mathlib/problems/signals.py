"""Signals that are made, not measured: MNIST-1D."""

from functools import cache

import numpy as np

from mathlib.problems.data import read_only, split

# The ten shapes, as the reference implementation has them (Apache License 2.0).
TEMPLATES = """
5 6   6.5 6.75 7   7    7    7   6.75 6.5 6   5
5 3   3   3.4  3.8 4.2  4.6  5   5.4  5.8 5   5
5 6   6.5 6.5  6   5.25 4.75 4   3.5  3.5 4   5
5 6   6.5 6.5  6   5    5    6   6.5  6.5 6   5
5 4.4 3.8 3.2  2.6 2.6  5    5   5    5   5   5
5 3   3   3    3   5    6    6.5 6.5  6   4.5 5
5 4   3.5 3.25 3   3    3    3   3.25 3.5 4   5
5 7   7   6.6  6.2 5.8  5.4  5   4.6  4.2 5   5
5 4   3.5 3.5  4   5    5    4   3.5  3.5 4   5
5 4   3.5 3.5  4   5    5    5   5    4.7 4.3 5
"""
LENGTH, PADDING, SAMPLES = 72, (36, 60), 40


def mnist_1d(seed=0, test=0.2):
    """MNIST-1D, 5000 signals of ten shapes, made up: ``X_train, y_train, X_test, y_test``, split by a seed.

    X is (n, 40), of mean 0 and standard deviation 1 over all signals, without a unit; y holds the shapes, (n,). A shape
    is dilated, scaled and shifted at random; noise fills the rest, and a random slope is added. The signals are always
    the same; a fraction `test` becomes X_test, and a ValueError says that `test` is not between 0 and 1.
    Source: Greydanus, S. and Kobak, D. (2024), arXiv 2011.14439.

    >>> [a.shape for a in mnist_1d()]
    [(4000, 40), (4000,), (1000, 40), (1000,)]
    """
    return split(*signals(), seed, test)


@cache
def signals(n=5000, seed=42):
    """All signals (n, 40), standardized as a whole, and their shapes (n,)."""
    rng = np.random.default_rng(seed)
    y, u = np.arange(n) % 10, rng.random((2, n, 1))
    shapes = templates()[y]
    width = shapes.shape[1]
    padded = np.pad(shapes, ((0, 0), (0, LENGTH - width)))
    last = width - 1 + rng.integers(PADDING[0], PADDING[1] + 1, (n, 1))
    places = np.linspace(0, 1, LENGTH) * last  # dilated: all up to the last sample becomes 72 samples
    X = between(padded, places) * (1 + 0.4 * (u[0] - 0.5))
    shifted = (np.arange(LENGTH) - rng.integers(0, 48, (n, 1))) % LENGTH
    X, of_shape = (np.take_along_axis(a, shifted, axis=1) for a in (X, places < width))
    X = np.where(of_shape, X, smooth(0.25 * rng.standard_normal(X.shape)))
    X = X + 0.02 * rng.standard_normal(X.shape) - 0.75 * (u[1] - 0.5) * np.linspace(-0.5, 0.5, LENGTH)
    X = between(X, np.broadcast_to(np.linspace(0, LENGTH - 1, SAMPLES), (n, SAMPLES)))
    return read_only((X - X.mean()) / X.std(), y)


def templates():
    """The ten shapes (10, 12): of standard deviation 1/6, each from 0."""
    T = np.array([row.split() for row in TEMPLATES.strip().splitlines()], float)
    T = T / T.std(axis=1, keepdims=True)
    return (T - T[:, :1]) / 6


def between(X, places):
    """Each row of X at places that need not be whole, by straight lines."""
    i = np.minimum(places.astype(int), X.shape[1] - 2)
    left, right = (np.take_along_axis(X, j, axis=1) for j in (i, i + 1))
    return left + (places - i) * (right - left)


def smooth(X, sigma=2, reach=8):
    """Each row, averaged with weights of a Gaussian; beyond the ends it is reflected."""
    weights = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    reflected = np.pad(X, ((0, 0), (reach, reach)), "symmetric")
    return np.lib.stride_tricks.sliding_window_view(reflected, len(weights), axis=1) @ (weights / weights.sum())
