"""Theta as the blocks of its layers: a method for matrices reads their shapes from `unravel`."""

import math
from itertools import accumulate

import numpy as np


class Blocks:
    """The blocks of a theta: ``blocks(theta)`` lists them, in their shapes; ``blocks.joined(list)`` is a theta again.

    `unravel` is what `mathlib.nn.ravel` gave beside theta (a network of `mathlib.nn` has it as ``model.unravel``), or a
    list of shapes; None stands for one block, theta as it is. A ValueError says that they do not fit theta.

    >>> blocks = Blocks([(2, 2), (2,)], np.arange(6.0))
    >>> blocks(np.arange(6.0))[1], blocks.joined([np.eye(2), np.zeros(2)])
    (array([4., 5.]), array([1., 0., 0., 1., 0., 0.]))
    """

    def __init__(self, unravel, theta):
        self.shape, self.dtype = theta.shape, theta.dtype
        shapes = [theta.shape] if unravel is None else getattr(unravel, "shapes", unravel)
        if not isinstance(shapes, (list, tuple)) or not all(map(is_shape, shapes)):
            raise TypeError(
                f"blocks is a {type(unravel).__name__}: the function beside theta in `theta, unravel = ravel([W, b])`,"
                " model.unravel of a network, or a list of shapes, is needed."
            )
        self.shapes = list(shapes)
        self.ends = list(accumulate(map(math.prod, self.shapes), initial=0))
        if unravel is not None and theta.shape != (self.ends[-1],):
            raise ValueError(
                f"theta has shape {theta.shape} and blocks is for {(self.ends[-1],)}, arrays of shapes {self.shapes}:"
                " they must fit. Instead: the unravel that came with this theta."
            )

    def __call__(self, theta):
        flat = np.ravel(theta)
        starts = zip(self.ends, self.ends[1:], self.shapes, strict=False)
        return [np.reshape(flat[start:end], shape) for start, end, shape in starts]

    def joined(self, parts):
        """One array of theta's shape from one for each block."""
        flat = np.concatenate([np.zeros(0, self.dtype), *map(np.ravel, parts)])
        return np.reshape(flat, self.shape).astype(self.dtype, copy=False)


def is_shape(shape):
    """Whether it is a tuple of sizes."""
    return isinstance(shape, tuple) and all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape)


def as_matrix(W):
    """A block as a matrix, outputs last: a filter (F, F, C, C') has F F C rows."""
    return np.reshape(W, (math.prod(W.shape[:-1]), W.shape[-1]))


def refuse_asymmetric(squares, **held):
    """Refuse what a state holds for symmetric matrices where they are not: it is of other blocks."""
    for name, a in held.items():
        if not all(np.allclose(S, S.T, atol=1e-5 * np.max(abs(S), initial=0)) for S in squares(a)):
            raise ValueError(
                f"theta0's {name} holds matrices that are not symmetric: it is of other blocks. Instead: the blocks of"
                " the run that it comes from."
            )
