"""A basis in which the gradient and a direction are the same numbers: where there is one, and how good it can be."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mathlib.spaces import VectorSpace, basis_matching

seeds = st.integers(0, 10**6)
dimensions = st.integers(1, 6)


def pair(n, seed):
    """A basis, a covector and a vector on which it is positive, the angle between them in it, and random numbers."""
    rng = np.random.default_rng(seed)
    e = VectorSpace(n).basis()
    w, a = rng.standard_normal((2, n)) * 10.0 ** rng.uniform(-3, 3, (2, 1))
    a = a * np.sign(w @ a)
    cosine = w @ a / (np.linalg.norm(w) * np.linalg.norm(a))
    assume(cosine > 1e-3)  # nearer to level, the tests below would need other tolerances
    return e, e.covector(w), e.vector(a), np.arccos(min(cosine, 1)), rng


def columns(e, b):
    return np.stack([e.coordinates(v) for v in b], axis=1)


@given(dimensions, seeds)
def test_where_g_is_positive_on_d_both_have_the_same_coordinates(n, seed):
    _, g, d, _, _ = pair(n, seed)
    b = basis_matching(g, d)
    c = b.coordinates(g)
    np.testing.assert_allclose(b.coordinates(d), c, rtol=0, atol=1e-11 * np.linalg.norm(c))
    np.testing.assert_allclose(c @ c, g(d), rtol=1e-11)


@given(dimensions, seeds)
def test_the_inner_product_of_the_basis_makes_d_of_g(n, seed):
    e, g, d, _, _ = pair(n, seed)
    M = basis_matching(g, d).inner_product().inverse
    found = e.coordinates(M(g))
    np.testing.assert_allclose(found, e.coordinates(d), rtol=0, atol=1e-8 * np.linalg.norm(found))


@given(dimensions, seeds)
def test_without_growth_there_is_no_such_basis(n, seed):
    _, g, d, _, _ = pair(n, seed)
    with pytest.raises(ValueError, match=r"g\(d\) is -"):
        basis_matching(g, -d)
    with pytest.raises(ValueError, match=r"g\(d\) is 0"):
        basis_matching(g, 0 * d)
    with pytest.raises(TypeError, match="a covector and a vector are needed"):
        basis_matching(d, g)


@given(st.integers(2, 6), seeds)
def test_no_basis_that_matches_has_a_smaller_condition_number(n, seed):
    e, g, d, phi, rng = pair(n, seed)
    b = basis_matching(g, d)
    best = np.linalg.cond(columns(e, b))
    np.testing.assert_allclose(best, np.tan(np.pi / 4 + phi / 2), rtol=1e-6)
    c = b.coordinates(g)
    level = np.linalg.svd(c[None])[2][1:].T  # vectors on which g vanishes, in b's coordinates
    for _ in range(5):
        Q = np.outer(c, c) / (c @ c) + level @ rng.standard_normal((n - 1, n - 1)) @ level.T
        other = columns(e, b) @ Q  # Q^T c = c = Q c, so it matches too
        np.testing.assert_allclose(other.T @ e.coordinates(g), c, rtol=0, atol=1e-9 * np.linalg.norm(c))
        assert np.linalg.cond(other) > best * (1 - 1e-6)


@pytest.mark.parametrize("power", range(1, 12))
def test_next_to_level_the_coordinates_agree_as_far_as_the_condition_number_lets_them(power):
    e = VectorSpace(3).basis()
    g, d = e.covector([1.0, 0.0, 0.0]), e.vector([10.0**-power, 0.6, 0.8])
    b = basis_matching(g, d)
    c = b.coordinates(g)
    assert np.linalg.norm(b.coordinates(d) - c) <= 1e-15 * np.linalg.cond(columns(e, b)) * np.linalg.norm(c)


def test_a_direction_too_nearly_level_is_refused():
    e = VectorSpace(2).basis()
    with pytest.raises(ValueError, match=r"g\(d\) is 1e-13.*the condition number is"):
        basis_matching(e.covector([1.0, 0.0]), e.vector([1e-13, 1.0]))


@given(dimensions, seeds)
def test_no_direction_is_steeper_than_the_sharp_of_the_gradient(n, seed):
    e, g, _, _, rng = pair(n, seed)
    A = rng.standard_normal((n, n)) + 3 * np.eye(n)
    G = e.inner_product(A @ A.T)
    steepest = G.sharp(g)
    best = g(steepest / G.norm(steepest))
    np.testing.assert_allclose(best, np.sqrt(g(steepest)), rtol=1e-6)
    for a in rng.standard_normal((50, n)):
        x = e.vector(a)
        assert g(x / G.norm(x)) <= best * (1 + 1e-6)
