"""Data to learn from, loaded offline."""

import numpy as np


def digits(seed=0, test=0.25):
    """Images of handwritten digits: ``X_train, y_train, X_test, y_test``, split by a seed.

    X is (n, 8, 8, 1), its grey levels from 0 (paper) to 1 (ink), without a unit; y holds the digits, (n,). Of the 1797
    images a fraction `test` becomes X_test. They come with scikit-learn: an ImportError says how to install it, and a
    ValueError that `test` is not between 0 and 1. Source: Alpaydin, E. and Kaynak, C. (1998).

    >>> [a.shape for a in digits()]
    [(1348, 8, 8, 1), (1348,), (449, 8, 8, 1), (449,)]
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        install = 'pip install "mathlib-second-order[problems]", or pip install scikit-learn'
        raise ImportError(f"The digits come with scikit-learn, which is missing. Instead: {install}.") from error
    if not 0 < test < 1:
        raise ValueError(f"test is {test}: a fraction between 0 and 1 is needed.")
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order].reshape(-1, 8, 8, 1) / 16, y[order]
    n = len(y) - round(test * len(y))
    return X[:n], y[:n], X[n:], y[n:]
