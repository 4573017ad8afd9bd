"""Checks of chapter 2-4, on directions and the maps that make them of a gradient."""

import numpy as np

from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-basis-by-hand")
def basis_by_hand(in_basis, b_1, b_2):
    u, d = np.array([0.6, 0.8]), np.array([2.0, 1.0])
    mistakes = [
        (10 * u, "the root of g(d) is missing: the sum of the squares has to be g(d)"),
        (u, "these have the length 1: the sum of the squares has to be g(d)"),
        (5 * u, "these are the coordinates of g in e"),
        (d, "these are the coordinates of d in e"),
    ]
    otherwise = "it is not a multiple of u whose squares add up to g(d)"
    compare(in_basis, np.sqrt(10) * u, mistakes, rtol=1e-3, otherwise=otherwise)
    level, root = np.eye(2) - np.outer(u, u), np.sqrt(10)
    P = (np.sqrt(5) * level + np.outer(d, u)) / root
    mistakes = [
        (P.T * root, "b_1 and b_2 still have to be divided by the root of g(d)"),
        (P.T / root, "b_1 and b_2 are divided by g(d), and not by its root"),
        (P, "these are the rows of P: the basis are its columns"),
        (P.T[::-1], "b_1 and b_2 are the wrong way round"),
        ((5 * level + np.outer(u, d)) / root, "|d| is not 5: that is its square"),
    ]
    compare([b_1, b_2], P.T, mistakes, rtol=1e-3, otherwise="b_1 and b_2 are not the columns of P")


@check.code("ex-max-norm")
def max_norm(steepest_in_square, inner_product_for):
    g = np.array([-0.5, 2.0])
    sign = np.sign(g)
    mistakes = [
        (-sign, "it is the steepest step down: the steepest one has the largest g(x)"),
        (np.array([0.0, 1.0]), "the other coordinate still can add to g(x): the step stays of length one"),
        (g / 2, "the first coordinate can be larger in size: the step stays in the square"),
        (g / np.linalg.norm(g), "this is the steepest step in the round ball of e, and its length is not one"),
        (g, "its length is not one: it is the largest coordinate in size"),
    ]
    what = "the steepest step for g = (-0.5, 2)"
    compare(steepest_in_square(g.copy()), sign, mistakes, rtol=1e-6, what=what)
    G = inner_product_for(g.copy())
    require(G is not None, "the inner product is None: is a `return` missing?")
    require(np.shape(G) == (2, 2), f"the inner product has the shape {np.shape(G)}, and (2, 2) is needed")
    G = np.asarray(G, float)
    require(np.allclose(G, G.T, rtol=1e-6), "the inner product's matrix is not symmetric")
    require(
        np.all(np.linalg.eigvalsh(G) > 0),
        "the inner product's matrix is not positive definite: it has to be, whatever the signs of g",
    )
    d = np.linalg.solve(G, g)
    d = d / max(abs(d))
    mistakes = [
        (g / 2, "in this inner product g itself is steepest: G takes the step to g, in each coordinate"),
        (g * abs(g) / 4, "this is the inverse of G: G takes the step to g, and not g to the step"),
    ]
    what = "the direction that is steepest in your inner product, made of length one,"
    compare(d, sign, mistakes, rtol=1e-6, what=what)


@check.code("ex-fisher-definition")
def fisher_definition(fisher):
    x, theta = np.array([-1.5, -0.4, 0.3, 0.9, 2.0]), np.array([1.2, 0.7])
    predict = lambda theta: theta[0] * np.tanh(theta[1] * x)  # noqa: E731
    tanh = np.tanh(0.7 * x)
    J = np.stack([tanh, 1.2 * x * (1 - tanh**2)], axis=1)
    right = J.T @ J / 5
    mistakes = [
        (right * 5, "it is the sum over the inputs: F is the mean"),
        (right * 2, "the two values of y have the probability one half each"),
        (right / 2, "it is half of it: the variance of y - f is one"),
        (np.outer(J.mean(axis=0), J.mean(axis=0)), "multiply first, then take the mean over the inputs"),
        (J @ J.T / 5, "its rows and columns are the inputs: they have to be the parameters"),
        (J @ J.T, "its rows and columns are the inputs: they have to be the parameters"),
        (np.diag(np.diag(right)), "F has entries beside the diagonal: it takes two vectors, u and v"),
        (np.zeros((2, 2)), "y is drawn from the model with its noise, so y - f is not zero"),
    ]
    compare(fisher(predict, theta.copy()), right, mistakes, rtol=1e-5, what="F for two parameters and five inputs")


@check.code("ex-n-pairs")
def n_pairs(inverse_hessian, superfluous):
    H = np.array([[3.0, 1.0, 0.0, 0.0], [1.0, 2.0, -1.0, 0.0], [0.0, -1.0, 4.0, 0.5], [0.0, 0.0, 0.5, 1.0]])
    S = np.array([[1.0, 2.0, 0.0, 1.0], [-1.0, 1.0, 3.0, 0.0], [0.0, 4.0, 1.0, 0.0], [0.0, 0.0, 0.0, 2.0]])
    Y, right = H @ S, np.linalg.inv(H)
    mistakes = [
        (H, "this is H: M takes the changes to the steps"),
        (np.linalg.solve(Y, S), "the inverse of Y stands on the wrong side: M Y = S"),
        (np.linalg.solve(Y, S).T, "it takes rows to rows: the pairs are the columns"),
        (S @ Y.T, "Y^T is not the inverse of Y"),
        (np.linalg.solve(S, Y), "this is S^-1 Y: M takes the changes to the steps, M Y = S"),
    ]
    compare(inverse_hessian(S.copy(), Y.copy()), right, mistakes, rtol=1e-6, what="M from four pairs")
    mistakes = [
        (10, "this is how many are needed: the others can be done without"),
        (12, "one pair gives four numbers, and a symmetric M has more free entries than that"),
        (0, "a symmetric M has fewer than sixteen free entries"),
    ]
    why = "how many entries of a symmetric 4 x 4 matrix can be chosen, and how many numbers has Y?"
    compare(superfluous, 6, mistakes, otherwise=why)
