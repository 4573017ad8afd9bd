"""Checks of chapter 8-3, on Kronecker factors."""

import numpy as np

from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-two-sides")
def two_sides(divided):
    A, G, D = np.diag([1.0, 2.0]), np.array([[2.0, 1.0], [1.0, 1.0]]), np.array([[3.0, 2.0], [2.0, 4.0]])
    inverse_A, inverse_G = np.linalg.inv(A), np.linalg.inv(G)
    mistakes = [
        (inverse_A @ D, "only the inputs' side is divided: G^-1 is still to come, from the right"),
        (D @ inverse_G, "only the outputs' side is divided: A^-1 is still to come, from the left"),
        (inverse_G @ D @ inverse_A, "A and G are on the wrong sides: A is of the rows, the inputs"),
        (A @ D @ G, "this multiplies: the step divides by both factors"),
        (-inverse_A @ D @ inverse_G, "the minus sign was to be left out"),
    ]
    compare(divided, inverse_A @ D @ inverse_G, mistakes, rtol=1e-6, otherwise="it is not A^-1 D G^-1")


parts = Exercises()
parts.formula(
    "true_fisher",
    "p * (1 - p)",
    {
        "(1 - p)**2": "the Fisher information is the mean over both targets: this has the label alone",
        "p**2 + (1 - p)**2": "the two squares are to be weighed by the probabilities of their targets",
        "p * (1 - p)**2": "the other target is missing, which has the probability 1 - p",
    },
    p=(0.2, 0.3, 0.4, 0.6, 0.7, 0.9),
)
parts.formula(
    "empirical_one",
    "(1 - p)**2",
    {
        "p * (1 - p)": "the empirical one takes the label alone, and draws no target",
        "p**2": "this is the square at the other target",
        "1 - p": "this is the gradient: it is still to be squared",
        "p * (1 - p)**2": "the label is not drawn, so nothing is weighed by its probability",
    },
    p=(0.2, 0.3, 0.4, 0.6, 0.7, 0.9),
)
parts.formula(
    "ratio",
    "(1 - p) / p",
    {"p / (1 - p)": "it is the other way round: the empirical one over the true one"},
    p=(0.2, 0.3, 0.4, 0.6, 0.7, 0.9),
)


@check.code("ex-two-classes")
def two_classes(true_fisher, empirical_one, ratio):
    for name, answer in (("true_fisher", true_fisher), ("empirical_one", empirical_one), ("ratio", ratio)):
        verdict = parts(name, answer)
        require(verdict.state == "right", f"`{name}`: {verdict.text}")


@check.code("ex-layer-factors")
def layer_factors(layer_factors):
    rng = np.random.default_rng(1)
    a, e = rng.standard_normal((6, 3)), rng.standard_normal((6, 2)) / 6
    pair = layer_factors(a.copy(), e.copy())
    require(isinstance(pair, (tuple, list)) and len(pair) == 2, "two matrices are needed, A and G")
    A, G = pair
    one = np.hstack([a, np.ones((6, 1))])
    mistakes = [
        (a.T @ a / 6, "the bias is missing: append a column of ones to the inputs"),
        (one.T @ one, "A is the sum over examples, and the mean is needed"),
        (one @ one.T / 6, "A has a row for each example: it needs one for each input"),
        (np.hstack([np.ones((6, 1)), a]).T @ np.hstack([np.ones((6, 1)), a]) / 6, "the bias comes last, not first"),
        (np.outer(one.mean(axis=0), one.mean(axis=0)), "multiply first, then take the mean over the examples"),
    ]
    compare(A, one.T @ one / 6, mistakes, rtol=1e-6, what="A for six examples")
    mistakes = [
        (e.T @ e / 6, "e is the gradient of the mean: an example's own is N times as large"),
        (e.T @ e, "e is the gradient of the mean: with N e for each example, the mean of the squares is N times this"),
        (36 * e.T @ e, "G is the sum over examples, and the mean is needed"),
        (e @ e.T * 6, "G has a row for each example: it needs one for each output"),
    ]
    compare(G, 6 * e.T @ e, mistakes, rtol=1e-6, what="G for six examples")


@check.code("ex-shampoo-step")
def shampoo_step(shampoo_step):
    rng = np.random.default_rng(1)
    D = rng.standard_normal((3, 2))
    halves = rng.standard_normal((3, 3)), rng.standard_normal((2, 2))
    L, R = (half @ half.T + np.eye(len(half)) for half in halves)

    def power(S, p):
        values, Q = np.linalg.eigh(S)
        return Q * values**p @ Q.T

    right = power(L, -0.25) @ D @ power(R, -0.25)
    mistakes = [
        (power(L, -0.5) @ D @ power(R, -0.5), "the power is -1/4 on each side, and not -1/2"),
        (power(L, -1) @ D @ power(R, -1), "these are the inverses: the power is -1/4 on each side"),
        (power(L, 0.25) @ D @ power(R, 0.25), "the sign of the power is missing: it divides"),
        (power(L, -0.25) @ D, "the right side is missing"),
        (-right, "the minus sign belongs to the update, not to this matrix"),
    ]
    with np.errstate(all="ignore"):
        mistakes.append((L**-0.25 @ D @ R**-0.25, "this is the power of each entry: a power of a matrix is needed"))
    known = [(wrong, why) for wrong, why in mistakes if np.all(np.isfinite(wrong))]
    with np.errstate(all="ignore"):
        step = shampoo_step(D.copy(), L.copy(), R.copy())
    compare(step, right, known, rtol=1e-6, what="the step for a 3 x 2 matrix")


@check.code("ex-nearest-product")
def nearest(nearest):
    rng = np.random.default_rng(1)
    m, n = 3, 2
    half = rng.standard_normal((6, 6))
    F = half @ half.T

    def best(R, m, n):
        U, s, Vt = np.linalg.svd(R)
        return np.kron(s[0] * U[:, 0].reshape(m, m), Vt[0].reshape(n, n))

    right = best(F.reshape(m, n, m, n).swapaxes(1, 2).reshape(9, 4), m, n)
    T = F.reshape(m, n, m, n)
    L, R = np.einsum("ikjk->ij", T), np.einsum("ikil->kl", T)
    values, Q = np.linalg.eigh(F)
    mistakes = [
        (np.kron(L, R) / np.trace(F), "this is one step of the power method: near, but not the nearest"),
        (np.kron(L, R), "L and R are too large together, by the trace, and only near to the best"),
        (
            values[-1] * np.outer(Q[:, -1], Q[:, -1]),
            "this is F's own best matrix of rank one: rearrange its entries first",
        ),
        (F, "this is F itself, and no Kronecker product"),
        (right / np.linalg.norm(right), "the first singular value is missing"),
        (best(F.reshape(9, 4), m, n), "the axes are not swapped: the row of R(F) is a pair of inputs"),
    ]
    compare(nearest(F.copy(), m, n), right, mistakes, rtol=1e-6, what="the product nearest to a 6 x 6 matrix")
