"""Data to learn from, loaded offline."""

from importlib.resources import as_file, files

import numpy as np


def digits(seed=0, test=0.25):
    """Images of handwritten digits: ``X_train, y_train, X_test, y_test``, split by a seed.

    X is (n, 8, 8, 1), its grey levels from 0 (paper) to 1 (ink), without a unit; y holds the digits, (n,). Of the 1797
    images a fraction `test` becomes X_test; a ValueError says that `test` is not between 0 and 1. Source: Alpaydin, E.
    and Kaynak, C. (1998).

    >>> [a.shape for a in digits()]
    [(1348, 8, 8, 1), (1348,), (449, 8, 8, 1), (449,)]
    """
    if not 0 < test < 1:
        raise ValueError(f"test is {test}: a fraction between 0 and 1 is needed.")
    X, y = table("digits")
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order].reshape(-1, 8, 8, 1) / 16, y[order]
    n = len(y) - round(test * len(y))
    return X[:n], y[:n], X[n:], y[n:]


def table(name):
    """The rows of a table that lies beside this file: ``X, y``, the last column as whole numbers.

    ``digits`` and ``tumours`` are those of the UCI Machine Learning Repository (CC BY 4.0) that scikit-learn has.
    """
    with as_file(files(__package__) / f"{name}.csv.gz") as path:
        rows = np.loadtxt(path, delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(int)
