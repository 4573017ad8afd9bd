"""Checks of chapter 8-2, on Gauss-Newton and Fisher forms."""

import numpy as np

from mathlib import hessian
from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-two-terms")
def two_terms(G, H):
    right_G, right_H = np.ones((2, 2)), np.array([[1.0, -1.0], [-1.0, -1.0]])
    mistakes = [
        (right_H, "this is H: G has only the first term"),
        (4 * right_G, "B is the second derivative of the loss by z, which is 1: the slope does not enter"),
        (np.array([1.0, 1.0]), "this is J: G is J^T B J, two rows and two columns"),
        (2.0, "this is J J^T, a number: G is J^T B J, two rows and two columns"),
    ]
    compare(G, right_G, mistakes, rtol=1e-6, what="G")
    mistakes = [
        (right_G, "this is G: the second term is missing"),
        (right_H - right_G, "this is the second term alone"),
        (2 * right_G - right_H, "the slope of the loss by z is z - 3 = -2, with its sign"),
        (right_G + np.array([[0, 1], [1, 1]]), "the curvature of z is still to be multiplied by the slope of the loss"),
        (right_G - np.array([[0, 2], [2, 0]]), "theta_1 e^theta_2 curves along theta_2, too"),
    ]
    compare(H, right_H, mistakes, rtol=1e-6, what="H")


check.formula(
    "ex-counts",
    "exp(z)",
    {
        "exp(-z)": "this is the information by the mean, 1/m: by z it is another number",
        "exp(2*z)": "this is the square of the mean: the variance of y is its mean",
        "-exp(z)": "the information is never negative: it is the second derivative of minus the logarithm",
        "1": "the variance of a count is not one: it is its mean",
        "z": "the mean is e^z, and not z",
    },
)


@check.code("ex-gauss-newton-product")
def form_product(form_product):
    def output(theta):
        return np.stack([theta[0] * theta[1], np.sin(theta[2]), theta[0] + theta[2] ** 2])

    def loss(z):
        return np.exp(z[0]) + z[1] ** 2 * z[2] + np.sum(z**2)

    theta, u, v = np.array([0.4, -0.7, 1.1]), np.array([1.0, 2.0, -1.0]), np.array([0.5, -1.0, 3.0])
    J = np.array([[-0.7, 0.4, 0.0], [0.0, 0.0, np.cos(1.1)], [1.0, 0.0, 2.2]])
    z = output(theta)
    B, H = hessian(loss, z).dense(), hessian(lambda theta: loss(output(theta)), theta).dense()
    right = u @ J.T @ B @ J @ v
    mistakes = [
        (u @ H @ v, "this is u . H v, with the curvature of the output: G has not"),
        (u @ J.T @ J @ v, "this is (J u) . (J v): the Hessian of the loss by z is missing between them"),
        (u @ J.T @ B @ J @ u, "this is u . G u: the second vector is v"),
        (v @ J.T @ B @ J @ v, "this is v . G v: the first vector is u"),
        (B @ J @ v, "this is B J v, a covector of outputs: pair it with J u"),
        (J.T @ B @ J @ v, "this is G v, a covector: pair it with u"),
        (hessian(loss, theta).quadratic(J @ u, J @ v), "the Hessian of the loss is needed at z, and not at theta"),
    ]
    compare(form_product(output, loss, u.copy(), v.copy(), theta.copy()), right, mistakes, rtol=1e-6, what="u . G v")


@check.code("ex-two-fishers")
def two_fishers(two_fishers):
    J = np.array([[1.0, 0.5, -1.0, 0.0], [0.0, 2.0, 1.0, -0.5], [-1.5, 1.0, 0.0, 1.0]])
    p, label = np.array([0.2, 0.5, 0.3]), 2
    scores = (p - np.eye(3)) @ J
    F = J.T @ (np.diag(p) - np.outer(p, p)) @ J
    E = np.outer(scores[label], scores[label])
    found = two_fishers(J.copy(), p.copy(), label)
    require(isinstance(found, (tuple, list)) and len(found) == 2, "two matrices are needed: return F, E")
    mistakes = [
        (E, "F and E are the wrong way round, or F has only the data's label: it averages over all of them"),
        (scores.T @ scores, "each label counts with its probability: this is the plain sum over labels"),
        (scores.T @ scores / 3, "the labels do not have equal probabilities: they have p's"),
        (J.T @ J, "this is the form of a normal distribution: between J^T and J stands diag p - p p^T"),
        (J.T @ np.diag(p) @ J, "p p^T is missing: the gradients are J^T (p - e_y), and not J^T e_y"),
        (np.zeros((4, 4)), "the products come first, then the mean: the mean of the gradients themselves is zero"),
        (np.diag(p) - np.outer(p, p), "this is the form of the logits: theta's is J^T times it times J"),
    ]
    compare(found[0], F, mistakes, rtol=1e-6, what="F")
    residual = p - np.eye(3)[label]
    mistakes = [
        (F, "this is F: E has the data's label alone"),
        (scores[label], "this is the gradient: E is its product with itself, a matrix"),
        (scores[label] @ scores[label], "this is a number, g . g: E is the matrix g g^T"),
        (p[label] * E, "E does not know the label's probability: it is not multiplied by it"),
        (np.outer(residual, residual), "this is in the logits: the gradient by theta is J^T (p - e_y)"),
    ]
    compare(found[1], E, mistakes, rtol=1e-6, what="E")


@check.code("ex-marquardt")
def marquardt(marquardt, regained):
    G, g, lam = np.array([[2.0, 1.0, 0.0], [1.0, 5.0, -1.0], [0.0, -1.0, 0.3]]), np.array([1.0, -2.0, 0.5]), 0.4
    D = np.diag(np.diag(G))
    right = -np.linalg.solve(G + lam * D, g)
    mistakes = [
        (-right, "this climbs: the step is minus the solution"),
        (-np.linalg.solve(G + lam * np.eye(3), g), "this is Levenberg's step, with I in the place of diag G"),
        (-np.linalg.solve(G, g), "lam is not in it: this is the step without damping"),
        (-np.linalg.solve(lam * D, g), "G is missing beside its diagonal"),
        (-np.linalg.solve(G + D, g), "lam is missing before the diagonal"),
        (-np.linalg.solve(G + lam * np.diag(G), g), "np.diag(G) is a vector: make a matrix of it by np.diag once more"),
        (-np.linalg.inv(G + lam * D), "this is the map: apply it to g"),
    ]
    compare(marquardt(G.copy(), g.copy(), lam), right, mistakes, rtol=1e-6, what="the step")
    columns = {"loss unit", "rescaled", "sheared"}
    require(
        not isinstance(regained, str) and set(regained) <= columns, f"a list of some of {sorted(columns)} is needed"
    )
    require("sheared" not in regained, "try a shear: the diagonal of P^T G P then has G's other entries in it")
    require("rescaled" in regained, "try a diagonal P: the diagonal of P G P is P diag(G) P, as a form's is")
    require("loss unit" in regained, "G and its diagonal grow with the unit alike: what of g, and what of the step?")
