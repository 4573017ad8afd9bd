"""Checks of chapter 8-1, on norms and the steps that they name."""

import numpy as np

from mathlib.exercises import Exercises, compare, require
from mathlib.norms import Euclidean, Max, Spectral, Weighted

check = Exercises()


@check.code("ex-three-sizes")
def three_sizes(gains, step):
    euclid, largest, spectral = np.sqrt([10, 36, 18])
    mistakes = [
        ([euclid, 2, spectral], "2 is the length of G by the largest entry: the gain is the dual norm, of all entries"),
        ([euclid, largest, np.sqrt(8)], "the spectral norm's dual adds up all singular values, not the largest alone"),
        ([euclid, largest, 10], "these are the squares of the singular values, added up"),
        ([10, largest, spectral], "the root is missing in Euclid's"),
        ([euclid, largest, largest], "the singular values are the lengths of the rows, here"),
    ]
    compare(gains, [euclid, largest, spectral], mistakes, rtol=1e-2, what="the three gains")
    G, root = np.array([[2.0, 2.0], [1.0, -1.0]]), np.sqrt(2)
    mistakes = [
        (G / euclid, "this is the steepest step by Euclid"),
        (np.sign(G), "this is the steepest step by the largest entry: its spectral norm is not one"),
        (G / np.sqrt(8), "its spectral norm is one, but its smaller singular value can still be made larger"),
        (np.eye(2), "this is U: multiply by V^T"),
    ]
    compare(step, np.array([[1, 1], [1, -1]]) / root, mistakes, rtol=1e-2, what="the spectral norm's step")


@check.code("ex-p-norm")
def p_norm(steepest_by_p, dual_by_p):
    g, p = np.array([2.0, -1.0, 0.5]), 3.0
    q = p / (p - 1)
    right = np.sign(g) * np.abs(g) ** (q - 1)
    length = np.sum(np.abs(right) ** p) ** (1 / p)
    by_p = np.sum(np.abs(g) ** p) ** (1 / p)
    other = np.sign(g) * np.abs(g) ** (p - 1)
    mistakes = [
        (right, "its length is not one: divide by it"),
        (np.abs(right) / length, "the signs are lost: it has to go along g"),
        (g / by_p, "this is g over its p-length: other steps of length one gain more, unless p is 2"),
        (other / np.sum(np.abs(other) ** p) ** (1 / p), "the exponent is q - 1 with 1/p + 1/q = 1, and not p - 1"),
        (g / np.linalg.norm(g), "this is the steepest step for p = 2"),
        (right / np.linalg.norm(right), "its length is one for p = 2: divide by its p-length"),
    ]
    compare(steepest_by_p(g.copy(), p), right / length, mistakes, rtol=1e-6, what="the step for p = 3")
    mistakes = [
        (by_p, "this is the p-length of g: the dual norm has q in the place of p"),
        (np.sum(np.abs(g) ** q), "the q-th root is missing"),
        (np.sum(np.abs(g)), "this is the dual norm for p = ∞"),
    ]
    compare(dual_by_p(g.copy(), p), np.sum(np.abs(g) ** q) ** (1 / q), mistakes, rtol=1e-6, what="the gain for p = 3")


@check.code("ex-longer-step")
def longer_step(descend):
    g, eta = np.array([3.0, -1.0, 0.5]), 0.1
    for norm in (Max(), Euclidean(), Weighted(np.diag([1.0, 2.0, 4.0]))):
        d, size, name = norm.steepest(g), norm.dual(g), type(norm).__name__
        mistakes = [
            (eta * size * d, "it climbs: the step goes against the steepest one"),
            (-eta * d, "it has the length eta: the dual norm of g is missing"),
            (-eta * norm(g) * d, "`norm(g)` is the length of a step: a gradient's size is `norm.dual(g)`"),
            (-eta * g, "this is gradient descent, whatever the norm"),
            (-size * d, "eta is missing"),
            (-eta / 2 * size * d, "without the half: at the least value the length is eta times the dual norm"),
            (-eta * size**2 * d, "the dual norm stands in it once, not squared"),
        ]
        compare(descend(norm, g.copy(), eta), -eta * size * d, mistakes, rtol=1e-6, what=f"the step for {name}()")


@check.code("ex-cubic-iteration")
def cubic_iteration(polar, needed):
    G = np.array([[2.0, 1.0, 0.0], [0.5, 1.0, -1.0]])

    def iterated(k, start, a=1.5, b=-0.5):
        X = start
        for _ in range(k):
            X = a * X + b * X @ X.T @ X
        return X

    start = G / np.linalg.norm(G)
    mistakes = [
        (iterated(2, G), "it starts from G itself: singular values above 1.7 run away. Divide G by its length first"),
        (iterated(1, start), "it stops one iteration early"),
        (iterated(3, start), "it makes one iteration too many"),
        (iterated(2, start, 3.4445, -4.775), "these are two of Jordan's coefficients: they are 3/2 and -1/2"),
        (iterated(2, start, 1.5, 0.5), "the cubic term is subtracted"),
        (start, "nothing was iterated"),
    ]
    compare(polar(G.copy(), 2), iterated(2, start), mistakes, rtol=1e-6, what="two iterations on a 2 x 3 matrix")
    near = np.max(np.abs(polar(G.copy(), 40) - Spectral().steepest(G)))
    require(near < 1e-9, f"after forty iterations it is still {near:.1g} from U V^T")
    x, right = 0.01, 0
    while x <= 0.9:
        x, right = 1.5 * x - 0.5 * x**3, right + 1
    mistakes = [
        (right - 1, "one more: after so many it is not yet above 0.9"),
        (right + 1, "one fewer: it is above 0.9 before"),
    ]
    compare(needed, right, mistakes, otherwise="iterate 1.5 x - 0.5 x^3 from 0.01, and count")


check.formula(
    "ex-layer-factor/factor",
    "sqrt(n/m)",
    {
        "sqrt(m/n)": "this is the RMS norm of U V^T itself: the factor makes it one",
        "n/m": "the root is missing",
        "m/n": "this is the square of the RMS norm of U V^T",
        "1": "the spectral norm of U V^T is one, its RMS norm is not",
    },
)
check.formula(
    "ex-layer-factor/entries",
    "sqrt(n)/m",
    {
        "1/sqrt(m)": "this is so without the factor, or for a square layer",
        "n/m**2": "the root is missing",
        "1/m": "U V^T has n singular values of one, and not a single one",
        "n/sqrt(m)": "this is the root of the sum: the mean is over m n entries",
    },
)


@check.code("ex-layer-factor")
def layer_factor(factor, entries):
    check.checks["ex-layer-factor/factor"](factor)
    check.checks["ex-layer-factor/entries"](entries)


@check.code("ex-longest-row")
def longest_row(norm):
    g = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    compare(
        norm(g.copy()),
        5.0,
        [
            (7.0, "the norm of a step is the longest row: the sum is the dual's"),
            (np.sqrt(29), "this is Euclid's length"),
        ],
        what="the length of a step",
    )
    mistakes = [
        (5.0, "the longest row alone: every row may be of length one, and each gains its own length"),
        (np.sqrt(29), "this is Euclid's length: the gains of the rows add up"),
        (9.0, "it adds up entries: within a row the length is Euclid's"),
    ]
    compare(norm.dual(g.copy()), 7.0, mistakes, what="the dual norm")
    with np.errstate(all="ignore"):
        step = norm.steepest(g.copy())
    require(not np.any(np.isnan(np.asarray(step, float))), "a row of zeros becomes NaN: it should stay where it is")
    right = np.array([[0.6, 0.8], [0.0, 0.0], [0.0, -1.0]])
    mistakes = [
        (g / 5, "every row may be as long as the longest: the third can gain more"),
        (g / np.sqrt(29), "this is Euclid's steepest step"),
        (np.sign(g), "within a row the length is Euclid's, and not the largest entry"),
        ([[0.6, 0.8], [0, 0], [0, 0]], "the third row can gain too, at no cost"),
    ]
    compare(step, right, mistakes, what="the steepest step")
