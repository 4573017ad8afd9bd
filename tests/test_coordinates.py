"""Coordinates: they exist, are unique, move against the basis, and keep to their space."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathlib import grad
from mathlib.show.drawings.bases import draw_coordinates, draw_longer
from mathlib.spaces import VectorSpace

mpl.use("agg")

# Bases have condition numbers up to 100, so that a product of two may cost four of sixteen digits.
TOLERANCE = {"rtol": 1e-11, "atol": 1e-11}


@st.composite
def changes(draw, count=1):
    """Changes of basis of one dimension, and a source of random numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 6))

    def change():
        left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
        return left * 10 ** rng.uniform(-1, 1, n) @ right

    return rng, *(change() for _ in range(count))


@given(changes())
def test_coordinates_exist_and_give_the_vector_back(drawn):
    rng, P = drawn
    e = VectorSpace(len(P)).basis()
    b, xi = e.change(P), rng.standard_normal(len(P))
    alpha = b.coordinates(e.vector(xi))
    terms = [number * vector for number, vector in zip(alpha, b, strict=True)]
    assert np.allclose(e.coordinates(sum(terms[1:], terms[0])), xi, **TOLERANCE)


@given(changes())
def test_coordinates_are_unique(drawn):
    rng, P = drawn
    b, alpha = VectorSpace(len(P)).basis().change(P), rng.standard_normal(len(P))
    assert np.allclose(b.coordinates(b.vector(alpha)), alpha, **TOLERANCE)
    other = alpha.copy()
    other[rng.integers(len(P))] += 1e-6
    assert b.vector(other) != b.vector(alpha)


@given(changes(count=2))
def test_coordinates_change_by_the_inverse_and_changes_compose(drawn):
    rng, P, Q = drawn
    e = VectorSpace(len(P)).basis()
    x = e.vector(rng.standard_normal(len(P)))
    c = e.change(P).change(Q)
    assert np.allclose(e.change(P).coordinates(x), np.linalg.inv(P) @ e.coordinates(x), **TOLERANCE)
    assert np.allclose(c.coordinates(x), e.change(P @ Q).coordinates(x), **TOLERANCE)
    assert np.allclose(c.coordinates(x), np.linalg.inv(Q) @ np.linalg.inv(P) @ e.coordinates(x), **TOLERANCE)


@given(changes(), st.floats(0.01, 100))
def test_a_longer_basis_vector_has_a_smaller_coordinate_and_the_others_keep_theirs(drawn, s):
    rng, P = drawn
    b = VectorSpace(len(P)).basis().change(P)
    stretch = np.ones(len(P))
    stretch[rng.integers(len(P))] = s
    alpha = rng.standard_normal(len(P))
    assert np.allclose(b.change(np.diag(stretch)).coordinates(b.vector(alpha)), alpha / stretch, **TOLERANCE)


@given(changes())
def test_dependent_vectors_are_refused(drawn):
    rng, P = drawn
    n = len(P)
    dependent = P.copy()
    dependent[:, -1] = P[:, :-1] @ rng.standard_normal(n - 1)
    with pytest.raises(ValueError, match="condition number"):
        VectorSpace(n).basis().change(dependent)


@given(changes())
def test_a_function_has_the_same_value_at_a_vector_in_every_basis(drawn):
    rng, P = drawn
    e = VectorSpace(len(P)).basis()
    b, center = e.change(P), rng.standard_normal(len(P))

    def f(x):
        return np.sum(np.tanh(e.coordinates(x) - center) ** 2)

    x = e.vector(rng.standard_normal(len(P)))
    assert np.isclose(b.pullback(f)(b.coordinates(x)), f(x), rtol=1e-10)
    # ... and the pullback is a program that can be differentiated: by the chain rule, P^T grad f.
    there, here = grad(b.pullback(f))(b.coordinates(x)), grad(e.pullback(f))(e.coordinates(x))
    assert np.allclose(there, P.T @ here, rtol=1e-9, atol=1e-9)


def test_the_figure_walks_along_the_basis_to_the_tip():
    P, x = np.array([[1.0, 0.5], [0.2, 1.0]]), np.array([1.6, 1.2])
    ax = draw_coordinates(P, x).axes[0]
    dashed, dotted = (line.get_xydata() for line in ax.lines[2:4])
    alpha = np.linalg.solve(P, x)
    assert np.allclose(dashed, [[0, 0], alpha[0] * P[:, 0]])
    assert np.allclose(dotted[1], x)
    assert np.allclose(dotted[1] - dotted[0], alpha[1] * P[:, 1])


def test_the_figure_s_curve_holds_the_arrows_with_coordinates_as_long_as_u():
    P, u = np.array([[1.0, 0.5], [0.0, 1.0]]), np.array([1.5, 1.5])
    curve = draw_longer(P, u, np.array([1.0, 0.0])).axes[0].lines[0].get_xydata()
    lengths = np.linalg.norm(np.linalg.solve(P, curve.T), axis=0)
    assert np.allclose(lengths, np.linalg.norm(np.linalg.solve(P, u)))
