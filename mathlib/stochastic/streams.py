"""The stream of losses: minibatches of some data."""

import itertools

import numpy as np

from mathlib.door import array, entropy, program, whole, with_data


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
