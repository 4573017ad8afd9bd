"""Checks of chapter 1-1, a review of convolutional networks."""

from functools import partial

import numpy as np

from mathlib import grad
from mathlib.exercises import Exercises, compare, require
from mathlib.nn import conv2d, conv2d_shape

check = Exercises()

check.formula(
    "ex-same-size",
    "(F - 1)/2",
    {
        "F - 1": "this is the padding at both ends together",
        "F/2": "the + 1 of the shape is missing",
        "(F + 1)/2": "the + 1 of the shape stands on the side of H: bring it to the other one",
        "(F - 1)/4": "H has p zeros at each end, so 2p of them",
    },
    F=range(1, 12, 2),
)


@check.code("ex-parameters")
def parameters(counts):
    compare(
        counts,
        [208, 1168, 2570],
        [
            ([200, 1152, 2560], "these are the filters and weights; the biases are parameters, too"),
            ([208, 160, 2570], "a filter of the second layer has 3 · 3 weights for each of the 8 channels below"),
            ([208, 1168, 10250], "the second layer has stride 2: it leaves 4 × 4 numbers of each channel"),
            ([208, 1168, 170], "the dense layer takes every number below, and not one for each channel"),
            (3946, "this is the sum; the three layers are asked for"),
        ],
        what="the list of the three counts",
    )


@check.code("ex-conv-matrix")
def conv_matrix(conv_matrix):
    f, H, W = np.array([[1.0, 2.0, -4.0], [0.5, 3.0, 7.0], [-2.0, 6.0, 5.0]]), 5, 6
    right = matrix(f, H, W, 1, 2)
    mistakes = [
        (right.T, "it is transposed: a pixel is a column, a number of the result a row"),
        (matrix(f[::-1, ::-1], H, W, 1, 2), "the filter is mirrored"),
        (matrix(f.T, H, W, 1, 2), "the filter is transposed"),
        (matrix(f, H, W, 0, 2), "`p` is not used"),
        (matrix(f, H, W, 1, 1), "`s` is not used"),
        (matrix(f, H, W, 0, 1), "`p` and `s` are not used"),
        (right.reshape(-1, H, W).swapaxes(1, 2).reshape(len(right), -1), "the pixels are not in the order of `ravel`"),
    ]
    compare(conv_matrix(f.copy(), H, W, 1, 2), right, mistakes, what="the matrix for 5 × 6 pixels, p = 1 and s = 2")
    compare(conv_matrix(f.copy(), H, W), matrix(f, H, W, 0, 1), what="the matrix for p = 0 and s = 1")


def matrix(f, H, W, p, s):
    """The matrix of a convolution, entry by entry."""
    F, (rows, columns) = len(f), conv2d_shape(H, W, len(f), p, s)
    M = np.zeros((rows, columns, H + 2 * p, W + 2 * p))
    for x, y in np.ndindex(rows, columns):
        M[x, y, s * x : s * x + F, s * y : s * y + F] = f
    return M[:, :, p : p + H, p : p + W].reshape(rows * columns, H * W)


@check.code("ex-adjoint")
def adjoint(first_row):
    compare(
        first_row,
        [1, 1, 2, 1, 2, 1, 1],
        [
            ([1] * 7, "windows overlap, and what they put back adds up"),
            ([1, 2, 3, 3, 3, 2, 1], "this is for stride 1"),
            ([2, 2, 4, 2, 4, 2, 2], "this is a row that two rows of windows cover; the first is in one"),
            ([1, 1, 0.5, 1, 0.5, 1, 1], "T adds; it does not take the mean"),
        ],
        what="the first row",
        otherwise="count the windows that cover each of the seven pixels: they begin at 0, 2 and 4",
    )


@check.code("ex-polynomials")
def polynomials(product):
    rng = np.random.default_rng(2)
    a, b = rng.integers(1, 9, (4, 5)).astype(float), rng.integers(1, 9, (3, 3)).astype(float)

    def convolved(b, padding):
        return conv2d(a[np.newaxis, :, :, np.newaxis], b[:, :, np.newaxis, np.newaxis], padding)[0, :, :, 0]

    turned = b[::-1, ::-1]
    right = convolved(turned, 2)
    compare(
        product(a.copy(), b.copy()),
        right,
        [
            (convolved(b, 2), "b is not turned: the indices of a and b have to run against each other"),
            (convolved(b[::-1], 2), "b is reversed along x alone: half a turn reverses both axes"),
            (convolved(b[:, ::-1], 2), "b is reversed along y alone: half a turn reverses both axes"),
            (convolved(np.rot90(b), 2), "a quarter turn of b; half a turn is needed"),
            (convolved(b.T, 2), "this transposes b; half a turn is needed"),
            (convolved(turned, 0), "the padding is missing: windows that overlap a in one entry count, too"),
            (convolved(turned, 1), "the padding is too small: windows that overlap a in one entry count, too"),
            (convolved(b, 0), "the padding is missing, and b is not turned"),
            (right[np.newaxis, :, :, np.newaxis], "the axes of one picture and one channel are still there"),
        ],
        what="the product of polynomials with 4 × 5 and 3 × 3 coefficients",
    )


@check.code("ex-frozen")
def frozen(train_last):
    centers, start = np.random.default_rng(4).standard_normal((3, 5)), np.arange(1.0, 6.0)
    losses = [partial(lambda theta, c: np.sum((theta - c) ** 2) + np.prod(theta) / 50, c=c) for c in centers]

    def trained(mask, used=losses, eta=0.1):
        theta = start
        for loss in used:
            theta = theta - eta * mask * grad(loss)(theta)
        return theta

    last = np.array([0, 0, 0, 1, 1])
    right = trained(last)
    compare(
        train_last(start.copy(), iter(losses), 0.1, 2),
        right,
        [
            (start, "nothing has moved"),
            (trained(np.ones(5)), "all parameters have moved"),
            (trained(1 - last), "the last ones are frozen, and the others have moved"),
            (trained(last[::-1]), "the first `free` parameters have moved, not the last"),
            (trained(last, losses[:1]), "this is the first step: one for each of the losses is needed"),
            (trained(last, eta=-0.1), "it goes uphill"),
            (
                start - 0.1 * last * sum(grad(loss)(start) for loss in losses),
                "every step needs the gradient where it begins",
            ),
            (right[-2:], "all parameters are to be returned, the frozen ones, too"),
        ],
        what="theta",
    )
    require(np.shape(train_last(start.copy(), iter(losses), 0.1, 5)) == (5,), "with all parameters free, theta is lost")
