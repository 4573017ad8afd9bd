"""Checks of chapter 2-5, on the Hessian without coordinates."""

from itertools import islice

import numpy as np

from mathlib import grad, hessian
from mathlib.exercises import Exercises, compare, require

check = Exercises()

check.formula(
    "ex-determinant-unit",
    "p**2 * q**2",
    {
        "p * q": "every entry of the matrix takes two basis vectors, so each factor comes in twice",
        "1 / (p*q)**2": "a form is put to longer vectors and gives larger numbers: it is the other way round",
        "1": "the determinant of a map stays the same; this is a form",
        "p**2 + q**2": "the determinant is multiplied by both factors, not by their sum",
    },
)


@check.code("ex-type-check")
def type_check(letters):
    chosen = set("".join(letters).lower()) - set(" ,()")
    require("d" not in chosen, "(d) subtracts a covector from a vector")
    require("e" not in chosen, "in (e) both slots of H take vectors, and g is a covector")
    require("g" not in chosen, "in (g) the first H makes a covector, and the second takes a vector")
    for letter, what in {
        "a": "M(g) is a vector, and may be subtracted from x",
        "b": "M(g) is a vector, and g makes a number of it",
        "c": "H(u) is a covector, as g is",
        "f": "H leads from V to V*, and M back",
        "h": "g(u) is a number, and H(u) a covector",
    }.items():
        require(letter in chosen, f"look at ({letter}) again: {what}")
    require(chosen == set("abcfh"), "the letters are those from a to h")


@check.code("ex-inertia")
def inertia(inertia):
    a, b = np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 1.0], [0.0, 1.0, 2.0]]), np.array([[-2.0, 1.0], [1.0, -3.0]])
    c = np.array([[-1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 3.0, 0.0], [0.0, 3.0, 2.0, 1.0], [2.0, 0.0, 1.0, 1.0]])
    for H in (b, a, c):
        n, diagonal = len(H), np.diag(H)
        minors = np.array([np.linalg.det(H[:k, :k]) for k in range(1, n + 1)])
        pivots = minors / np.array([1.0, *minors[:-1]])
        positive = np.sum(pivots > 0)
        mistakes = [
            ((n - positive, positive), "the positive ones come first"),
            ((np.sum(diagonal > 0), np.sum(diagonal < 0)), "these are the signs on the diagonal, before any step"),
            ((np.sum(minors > 0), np.sum(minors < 0)), "the determinants' signs are those of products of the pivots"),
        ]
        kept = H.copy()
        counts = inertia(H)
        require(np.array_equal(H, kept), "it changes its argument")
        compare(counts, (positive, n - positive), mistakes, what=f"the pair for a matrix of {n} rows")


@check.code("ex-round-bowl")
def round_bowl(round_basis):
    for H in (np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 2.0]])):
        C, kept = np.linalg.cholesky(H), H.copy()
        w, U = np.linalg.eigh(H)
        mistakes = [
            (C, "its columns make the form less round: the inverse of this factor is needed"),
            (C.T, "its columns make the form less round: the inverse of this factor is needed"),
            (np.linalg.inv(C), "the inverse of the factor has to be transposed: the columns of P are the basis"),
            (
                np.linalg.inv(H),
                "this is the whole inverse; P occurs twice in P.T H P, so something like a root is needed",
            ),
            (U, "these are the eigenvectors: the matrix is diagonal in them, and not yet the identity"),
            (U * np.sqrt(w), "each eigenvector is to be divided by the root of its eigenvalue, not multiplied"),
            (U / w, "each eigenvector is to be divided by the root of its eigenvalue, not by the eigenvalue"),
        ]
        P = round_basis(H)
        require(np.shape(P) == H.shape, f"P has to have the shape {H.shape}, and {np.shape(P)} came")
        require(np.array_equal(H, kept), "it changes its argument")
        known = [(wrong.T @ H @ wrong, why) for wrong, why in mistakes]
        compare(np.transpose(P) @ H @ P, np.eye(len(H)), known, what="P.T H P")


@check.code("ex-own-optimizer")
def own_optimizer(fixed_length):
    exponents, start = np.array([[1.0, 1.0], [1.0, -1.5], [-1.5, 0.2]]), np.array([0.9, -0.4])
    loss = lambda theta: np.sum(np.exp(exponents @ theta))  # noqa: E731
    steps = list(islice(fixed_length(loss, start.copy(), eta=0.2), 4))
    require(len(steps) == 4, f"it ended after {len(steps)} steps: a generator of steps goes on without end")
    path = np.array([step.theta for step in steps])
    lengths = {
        "right": lambda g, d, H: np.sqrt(g @ d),
        "the root in the denominator is missing": lambda g, d, H: g @ d,
        "the step is divided by its length; its size in the form's own norm is the root of dl[H^-1 dl]": (
            lambda g, d, H: np.linalg.norm(d)
        ),
        "the step is divided by the gradient's length, which needs coordinates": lambda g, d, H: np.linalg.norm(g),
        "it goes uphill: the step has a minus": lambda g, d, H: -np.sqrt(g @ d),
        "this is Newton's method: nothing fixes the length of its step": lambda g, d, H: 1.0,
        "the covector is put to itself: the root is of dl[H^-1 dl], g @ d": lambda g, d, H: np.sqrt(g @ g),
        "under the root is dl[H^-1 dl], without another H": lambda g, d, H: np.sqrt(g @ H @ g),
    }
    paths = {why: reference(loss, start, length) for why, length in lengths.items()}
    compare(path, paths.pop("right"), [(wrong, why) for why, wrong in paths.items()], rtol=1e-7, what="the path")


def reference(loss, theta, length):
    """The first four points of the method, with its step divided by some length."""
    path = [theta]
    for _ in range(3):
        H, g = hessian(loss, path[-1]).dense(), grad(loss)(path[-1])
        d = np.linalg.solve(H, g)
        path.append(path[-1] - 0.2 * d / length(g, d, H))
    return np.array(path)
