"""A text to learn, and a small model that reads it character by character."""

import gzip
from functools import cache
from importlib.resources import files

import numpy as np

from mathlib.door import entropy
from mathlib.nn import attention, checked, dense, ravel, relu
from mathlib.problems.data import read_only

CONTEXT = 32


@cache
def alphabet_and_text():
    """The characters that occur, in order, and the text, as the number of each of its characters.

    It is Ecclesiastes and Proverbs in the translation of 1611, a verse a line, in small letters; in the public domain.
    """
    text = gzip.decompress((files(__package__) / "proverbs.txt.gz").read_bytes()).decode()
    characters, numbers = np.unique(list(text), return_inverse=True)
    return "".join(characters), read_only(numbers)[0]


@cache
def sequences(test=0.05):
    """The text in pieces of 32 characters, and the character that follows each: ``X, Y, X_test, Y_test``.

    All are of shape (n, 32); the end of the text is there to test on.
    """
    text = alphabet_and_text()[1]
    n = (len(text) - 1) // CONTEXT
    X, Y = (np.reshape(text[start : start + n * CONTEXT], (n, CONTEXT)) for start in (0, 1))
    learnt = n - round(test * n)
    return read_only(X[:learnt], Y[:learnt], X[learnt:], Y[learnt:])


def transformer(symbols, width=40, heads=2, hidden=160, context=CONTEXT, seed=0):
    """One layer of causal attention and a relu network, both beside the identity: ``theta0`` and ``model(theta, X)``.

    X (N, context) holds whole numbers below `symbols`; the logits (N context, symbols) are those of the next ones.
    What attention, network and the last layer read is divided by its root mean square. The start is as for `nn.mlp`.
    Sources: Vaswani, A. et al. (2017), arXiv 1706.03762; Zhang, B. and Sennrich, R. (2019), arXiv 1910.07467.
    """
    d, rng = width, np.random.default_rng(entropy(seed))
    shapes = [(symbols, d), (context, d), (d, d), (d, d), (d, d), (d, d)]
    shapes += [(d, hidden), (hidden,), (hidden, d), (d,), (d, symbols), (symbols,)]
    theta0, unravel = ravel([glorot(rng, shape) for shape in shapes])

    def model(theta, X):
        E, P, Q, K, V, O, W, b, U, c, R, e = unravel(theta)  # noqa: E741
        X = checked(X, (context,))

        def by_head(x):
            return np.swapaxes(np.reshape(x, (len(X), context, heads, d // heads)), 1, 2)

        one_hot = (X[..., np.newaxis] == np.arange(symbols)).astype(E.dtype)
        x = np.reshape(np.reshape(one_hot, (-1, symbols)) @ E, (*X.shape, d)) + P
        x = np.reshape(x, (-1, d))
        y = normalized(x)
        mixed = attention(by_head(y @ Q), by_head(y @ K), by_head(y @ V), causal=True)
        x = x + np.reshape(np.swapaxes(mixed, 1, 2), (-1, d)) @ O
        x = x + dense(relu(dense(normalized(x), W, b)), U, c)
        return dense(normalized(x), R, e)

    model.unravel = unravel
    return theta0, model


def glorot(rng, shape):
    """Weights of variance 2 / (inputs + outputs); zeros for a bias."""
    return rng.normal(0, np.sqrt(2 / sum(shape)), shape) if len(shape) > 1 else np.zeros(shape)


def normalized(x, eps=1e-6):
    """Each row over its root mean square."""
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
