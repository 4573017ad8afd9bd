"""Checks of chapter 4-1, on backpropagation."""

import numpy as np

from mathlib import grad, hvp
from mathlib.exercises import Exercises, compare, require
from mathlib.primitives import TABLE

check = Exercises()


@check.code("ex-cumsum")
def cumulative_sums(pulled_back):
    compare(
        pulled_back,
        [111, 110, 100],
        [
            ([1, 11, 111], "this is the cumulative sum itself; its transpose collects what each v_j takes part in"),
            ([100, 110, 111], "the sums are right, in the wrong order: v_1 takes part in all of them"),
            ([1, 9, 90], "these are differences, the inverse and not the transpose"),
        ],
        otherwise="each v_j takes part in the sums from the j-th on: collect their w",
    )


@check.code("ex-row")
def row(logistic):
    s = 1 / (1 + np.exp(-0.7))
    first = s * (1 - s)
    compare(logistic(0.7), s, [(1 - s, "the exponent has a minus")], what="the logistic function at 0.7")
    require(logistic in TABLE, "it has no row in the table: @primitive above it, and a line `elementwise(...)` below")
    compare(
        grad(logistic)(0.7),
        first,
        [
            (0.7 * (1 - 0.7), "the partial derivative takes the result first: in `lambda y, x: ...`, y is the result"),
            (s, "the derivative is y (1 - y), not y"),
            (-first, "the derivative has the wrong sign: the function grows"),
        ],
        what="its derivative at 0.7",
    )
    compare(
        hvp(logistic, 0.7, 1.0),
        first * (1 - 2 * s),
        [(0.0, "the second derivative is 0: the rule does not depend on y or x")],
        what="its second derivative at 0.7",
    )


@check.code("ex-convolution")
def convolution(back):
    f, x, g = np.array([2.0, -1.0, 5.0]), np.array([1.0, 4.0, -2.0, 3.0, 0.5]), np.array([1.0, 10.0, 100.0])
    size = len(g)
    right_f = np.array([g @ x[u : u + size] for u in range(len(f))])
    right_x = np.convolve(g, f)
    kept = [a.copy() for a in (g, f, x)]
    sent = back(g, f, x)
    require(isinstance(sent, tuple | list) and len(sent) == 2, "two arrays are needed: what goes to f, and what to x")
    to_f, to_x = sent
    compare(to_f, right_f, [(right_f[::-1], "what goes to f is the wrong way round")], what="what goes to f")
    overwritten = np.zeros(len(x))
    for u in range(len(f)):
        overwritten[u : u + size] = f[u] * g
    compare(
        to_x,
        right_x,
        [
            (overwritten, "contributions to one x overwrite each other: they add"),
            (np.convolve(g, f[::-1]), "what goes to x has the filter reversed: f_u goes to x_(k + u)"),
            (np.correlate(x, g), "what goes to x is what should go to f"),
        ],
        what="what goes to x",
    )
    for before, after in zip(kept, (g, f, x), strict=True):
        require(np.array_equal(before, after), "it changes its arguments: add into arrays of your own")


@check.code("ex-hessian-rows")
def hessian_by_rows(hessian_by_rows):
    f = lambda x: x[0] ** 2 * x[1] + np.sin(x[2]) * x[1]  # noqa: E731
    a, b, c = x = np.array([1.0, 2.0, 0.5])
    right = np.array([[2 * b, 2 * a, 0], [2 * a, 0, np.cos(c)], [0, np.cos(c), -np.sin(c) * b]])
    compare(
        hessian_by_rows(f, x),
        right,
        [
            (right.sum(axis=0), "the rows are added up: take the gradient of one component at a time"),
            (np.diag(right), "this is the diagonal alone"),
            (np.diag(np.diag(right)), "this is the diagonal alone"),
            (np.outer(grad(f)(x), grad(f)(x)), "this is the gradient times itself, and not its derivative"),
        ],
        what="the Hessian of x₁²x₂ + x₂ sin x₃",
    )


@check.code("ex-checkpoints")
def checkpoints(least_k, checkpointed):
    compare(
        least_k,
        8,
        [
            (1, "with k = 1 all 64 states are kept, as without checkpoints"),
            (64, "with k = 64 one stretch holds all 64 states"),
            (32, "half of the passes: its stretch alone holds 32 states"),
            (16, "T/k and k are to be equal, or nearly so"),
        ],
        otherwise="T/k + k is least elsewhere",
    )
    passes, y = 6, np.array([0.3, -0.2, 0.5])
    W = np.array([[0.5, 1.0, 0.0], [-1.0, 0.3, 0.2], [0.4, 0.0, 0.8]])

    def step(y):
        counted.append(isinstance(y, np.ndarray))
        return np.tanh(W @ y)

    def value(y, passes):
        for _ in range(passes):
            y = np.tanh(W @ y)
        return np.sum(y)

    counted = []
    slopes = [grad(lambda y, n=n: value(y, n))(y) for n in (passes, 2, 4)]
    compare(
        checkpointed(step, y, passes, 2),
        slopes[0],
        [
            (slopes[1], "it walks back through one stretch only"),
            (slopes[2], "one stretch is left out: the walk back starts at the last checkpoint before the end"),
        ],
        what="the gradient for six passes with k = 2",
    )
    runs = len(counted)
    require(runs > passes, "no pass is run again: keep every k-th state alone, and run each stretch once more")
    for k in (1, 3, 6):
        compare(checkpointed(step, y, passes, k), slopes[0], what=f"the gradient for six passes with k = {k}")
