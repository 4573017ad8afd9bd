"""Checks of chapter 2-3, on the gradient as a dual vector."""

import numpy as np

from mathlib.exercises import Exercises, compare, require
from mathlib.spaces import VectorSpace

check = Exercises()


@check.code("ex-opposite-ways")
def opposite_ways(x_in_b, g_in_b, pairing):
    mistakes = [
        ([7, 1], "these are the coordinates in e of the vector that has (3, 1) in b: it is the other way, P^-1 (3, 1)"),
        ([6, 4], "this is P^T (3, 1), the rule for covectors: write x as a sum of b_1 and b_2"),
        ([1.5, -0.5], "this is the transpose of P^-1 on (3, 1): the columns of P are the new basis"),
        ([4, 7], "this is the covector: the vector comes first"),
    ]
    compare(x_in_b, [1, 1], mistakes, rtol=1e-6, otherwise="this times b_1 and b_2 does not add up to 3 e_1 + e_2")
    mistakes = [
        ([9, 5], "this is P (2, 5): put b_1 and b_2 into g"),
        ([-1.5, 5], "this is P^-1 (2, 5), the rule for vectors: put b_1 and b_2 into g"),
        ([1, 4], "this is P^-T (2, 5): it leads from b to e, put b_1 and b_2 into g"),
    ]
    compare(g_in_b, [4, 7], mistakes, rtol=1e-6, otherwise="these are not g(b_1) and g(b_2): g is linear")
    why = "the pairing is the sum of the products of the coordinates, in e and in b the same"
    compare(pairing, 11, rtol=1e-6, what="the pairing", otherwise=why)


@check.code("ex-degree-one")
def degree_one(letters):
    chosen = set("".join(letters).lower()) - set(" ,()")
    require("a" not in chosen, "(a) is 0 along both axes and 1/2 along (1, 1): it is not linear")
    require("c" not in chosen, "(c) is 1 along both axes, and along (1, 1) it is not 2")
    require("b" in chosen, "look at (b) again: it is linear, and so it is its own gradient")
    require("d" in chosen, "look at (d) again: is there a simpler way to write the bracket?")
    require(chosen == {"b", "d"}, "the letters are a, b, c and d")


@check.code("ex-dual-basis")
def dual_basis(dual_basis, rebuilt):
    P = np.array([[2.0, 1.0, 0.0], [-1.0, 1.0, 3.0], [0.0, 4.0, 1.0]])
    inverse = np.linalg.inv(P)
    mistakes = [
        (inverse.T, "it is transposed: row i times column j of P has to be 1 if i = j and else 0"),
        (P, "these are the coordinates of b, and not of its dual basis"),
        (P.T, "this is right only for a basis of orthogonal vectors of length 1: row i times column j of P is not 0"),
        (P.T / np.sum(P**2, axis=0)[:, None], "row i times column i of P is 1, but row i times column j is not 0"),
    ]
    compare(dual_basis(P.copy()), inverse, mistakes, what="the dual basis of three vectors")
    gamma = np.array([2.0, -3.0, 0.5])
    values = gamma @ P
    mistakes = [
        (inverse @ values, "`rebuilt` adds up the columns of the dual basis's matrix: the b^i are its rows"),
        (values @ P, "`rebuilt` goes from e to b: g is the sum of values[i] b^i"),
        (P @ values, "`rebuilt` adds up the b_i, which are vectors: g is the sum of values[i] b^i"),
        (values, "`rebuilt` returns the values themselves, which are the coordinates in b"),
    ]
    compare(rebuilt(P.copy(), values.copy()), gamma, mistakes, what="the rebuilt covector")


@check.code("ex-right-angle")
def right_angle(degrees_between, limit_for_large_s):
    gamma = np.array([1.0, 2.0])
    angle = lambda x: np.degrees(np.arctan2(x[1], x[0]))  # noqa: E731
    right, first, other = (angle(gamma) - angle([f, 2.0]) for f in (4.0, 2.0, 0.25))
    values = degrees_between(2.0, gamma.copy()), degrees_between(1.0, gamma.copy())
    require(None not in values, "the angle is None: is a `return` missing?")
    mistakes = [
        ([first, 0.0], "the numbers of g in b are P^T gamma, but as a vector they are P P^T gamma in e"),
        ([abs(other), 0.0], "P has come in by its inverse: the numbers of g in b are P^T gamma"),
        ([abs(angle(gamma) - angle([0.5, 2.0])), 0.0], "P has come in by its inverse, and only once"),
        (np.radians([right, 0.0]), "this is in radians: degrees are needed"),
        ([angle([4.0, 2.0]), angle(gamma)], "this is the angle of the arrow of b: take the one between both arrows"),
    ]
    what = "the angle for gamma = (1, 2) and s = 2 and 1"
    compare(np.abs(values), [right, 0.0], mistakes, rtol=1e-6, atol=1e-5, what=what)
    mistakes = [
        (0.0, "the arrow of b turns to the first axis; that of e does not turn with it"),
        (90.0, "the arrow of e is not on the second axis for gamma = (1, 1)"),
        (np.pi / 4, "this is in radians: degrees are needed"),
    ]
    why = "to which axis does the arrow of b turn, and how far from it is (1, 1)?"
    compare(abs(float(limit_for_large_s)), 45.0, mistakes, rtol=1e-3, otherwise=why)


@check.code("ex-how-good")
def how_good(measured_power):
    e = VectorSpace(2).basis()
    x, v = e.vector([0.0, 0.0]), e.vector([0.7, -1.2])
    g = e.covector([3.0, 0.0])

    def cubic(x):
        p, q = e.coordinates(x)
        return 3 * p + p * q**2

    mistakes = [
        (2.0, "this is the power for the quotient, which is divided by eps: the prediction is not"),
        (1.0, "the linear part is still in it: subtract f(x) and eps g(v)"),
        (-3.0, "it has the wrong sign: the error falls with eps"),
        (3 * np.log(2), "take the logarithm of the ratio of the errors over that of the eps"),
        (8.0, "this is how many times smaller the error gets: which power of 2 is it?"),
    ]
    what = "the power for 3p + p q^2 at the origin"
    compare(measured_power(cubic, g, x, v, 2.0**-6), 3.0, mistakes, rtol=0.01, what=what)

    def square(x):
        p, q = e.coordinates(x)
        return 3 * p + (p - q) ** 2

    what = "the power for 3p + (p - q)^2 at the origin"
    compare(measured_power(square, g, x, v, 2.0**-6), 2.0, rtol=0.01, what=what)
