"""Laws of vector spaces, their duals and their maps: none of them depends on the basis in which it is checked."""

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from mathlib import forward_difference, grad, hessian, jvp
from mathlib.spaces import (
    BilinearForm,
    Covector,
    LinearMap,
    Vector,
    VectorSpace,
    basis_matching,
    differential,
    second_differential,
)

# Coordinates are solved for, with condition numbers up to 1e3: a dozen digits are left of the sixteen. Twice, or
# through an inner product (its condition number is the square), eight are.
DIGITS, TWICE = 1e-11, 1e-8
NUMBERS = st.integers(-80, 80).map(lambda k: k / 8)


@st.composite
def bases(draw):
    """A space, a basis of it, another one, the matrix between them, and a source of random numbers."""
    n, rng = draw(st.integers(1, 4)), np.random.default_rng(draw(st.integers(0, 2**32)))
    P = rng.standard_normal((n, n)) * draw(st.sampled_from([1e-3, 1.0, 1e3]))
    assume(np.linalg.cond(P) < 1e3)
    e = VectorSpace(n).basis()
    return e, e.change(P), P, rng


def agree(actual, desired, tol=DIGITS):
    """Equal up to tol, on the scale of the largest number in them."""
    scale = max(np.max(np.abs(actual)), np.max(np.abs(desired)))
    np.testing.assert_allclose(actual, desired, rtol=0, atol=tol * scale)


def close(basis, a, b, tol=DIGITS):
    agree(basis.coordinates(a), basis.coordinates(b), tol)


def smooth(e, rng):
    """A random smooth function on the space, written in one basis."""
    A, w = rng.standard_normal((2, e.space.dimension, e.space.dimension))
    return lambda x: np.sum(np.sin(A @ e.coordinates(x)) * w[0]) + np.sum(e.coordinates(x) ** 4)


# ── the axioms, of V and of its dual ──


@pytest.mark.parametrize("make", ["vector", "covector"])
@given(bases(), NUMBERS, NUMBERS)
def test_the_axioms_of_a_vector_space(make, setting, s, t):
    e, b, _, rng = setting
    x, y, z = (getattr(e, make)(a) for a in rng.standard_normal((3, e.space.dimension)))
    assert x + y == y + x
    close(e, (x + y) + z, x + (y + z))
    assert x - x == 0.0 * x
    assert x + 0.0 * y == x
    assert x + -x == 0.0 * x
    close(e, s * (x + y), s * x + s * y)
    close(e, (s + t) * x, s * x + t * x)
    close(e, s * (t * x), (s * t) * x)
    assert 1.0 * x == x
    close(e, x / 4.0, 0.25 * x)
    close(e, getattr(b, make)(b.coordinates(x)), x)


@given(bases(), NUMBERS)
def test_the_pairing_is_bilinear_and_the_same_in_every_basis(setting, s):
    e, b, _, rng = setting
    x, y = map(e.vector, rng.standard_normal((2, e.space.dimension)))
    g, h = map(e.covector, rng.standard_normal((2, e.space.dimension)))
    agree((g + s * h)(x), g(x) + s * h(x))
    agree(g(x + s * y), g(x) + s * g(y))
    agree(b.coordinates(g) @ b.coordinates(x), g(x))
    assert x(g) == g(x)  # x is an element of (V*)*


def test_the_dual_of_the_dual_is_the_space():
    V = VectorSpace(3)
    assert V.dual.dual is V
    e = V.basis()
    assert e.dual.dual.space is V
    g = e.dual.vector([1.0, 2.0, 3.0])
    assert isinstance(g, Covector)
    assert g == e.covector([1.0, 2.0, 3.0])
    assert isinstance(e.dual.covector([1.0, 2.0, 3.0]), Vector)


@given(bases())
def test_the_dual_basis_reads_coordinates(setting):
    e, b, _, rng = setting
    n = e.space.dimension
    agree([[g(x) for x in b] for g in b.dual], np.eye(n))
    x = e.vector(rng.standard_normal(n))
    agree([g(x) for g in b.dual], b.coordinates(x))
    agree(b.dual.dual.coordinates(x), b.coordinates(x))


# ── a change of basis ──


@given(bases())
def test_vectors_and_covectors_transform_oppositely_and_forms_by_both(setting):
    e, b, P, rng = setting
    n = e.space.dimension
    alpha, gamma, h = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal((n, n))
    agree(P @ b.coordinates(e.vector(alpha)), alpha)
    agree(b.coordinates(e.covector(gamma)), P.T @ gamma)
    agree(b.coordinates(e.form(h)), P.T @ h @ P, TWICE)
    A = e.linear_map(h)
    agree(P @ b.coordinates(A), h @ P, TWICE)
    M = e.linear_map(h, source=e.space.dual, target=e.space)
    agree(P @ b.coordinates(M) @ P.T, h, TWICE)


@given(bases())
def test_changes_of_basis_compose(setting):
    e, b, P, rng = setting
    x = e.vector(rng.standard_normal(e.space.dimension))
    close(e, e.change(P @ P).vector(np.ones(len(P))), b.change(P).vector(np.ones(len(P))))
    agree(b.change(np.linalg.inv(P)).coordinates(x), e.coordinates(x), TWICE)


@given(bases())
def test_the_basis_vectors_are_the_columns(setting):
    e, b, P, _ = setting
    agree(np.stack([e.coordinates(x) for x in b], 1), P, 1e-14)


# ── differentials ──


@given(bases())
def test_the_differential_is_the_limit_and_has_partial_derivatives_for_coordinates(setting):
    e, b, _, rng = setting
    f = smooth(e, rng)
    x, dx = map(e.vector, rng.standard_normal((2, e.space.dimension)))
    g = differential(f, x)
    # The slide's limit, by differences: half of their digits are lost to cancellation.
    secant = forward_difference(lambda eps: f(x + eps * dx), 0.0)
    agree(g(dx), secant, 1e-5)
    agree(g(dx), jvp(lambda eps: f(x + dx * eps), 0.0, 1.0)[1])
    agree(g(dx), grad(lambda eps: f(x + eps * dx))(0.0))
    back = grad(b.pullback(f))(b.coordinates(x))  # backpropagation in the other basis
    agree(b.coordinates(g), back, TWICE)


@given(bases())
def test_three_computations_of_the_hessian_agree_and_it_is_symmetric(setting):
    e, b, _, rng = setting
    f = smooth(e, rng)
    x, u, v = map(e.vector, rng.standard_normal((3, e.space.dimension)))
    H = second_differential(f, x)
    by_the_slide = differential(lambda x: differential(f, x)(u), x)(v)
    along_both = jvp(lambda s: jvp(lambda t: f(x + u * t + v * s), 0.0, 1.0)[1], 0.0, 1.0)[1]
    agree(H(u, v), by_the_slide)
    agree(H(u, v), along_both)
    agree(H(u, v), H(v, u))
    agree(H(u)(v), H(u, v))
    dense = hessian(b.pullback(f), b.coordinates(x)).dense()  # recorded backpropagation in the other basis
    agree(b.coordinates(H), dense, TWICE)


@given(bases())
def test_newton_steps_to_the_same_point_in_every_basis(setting):
    e, b, P, rng = setting
    n = e.space.dimension
    f = smooth(e, rng)
    x = e.vector(rng.standard_normal(n))
    H = second_differential(f, x)
    assume(np.linalg.cond(e.coordinates(H)) < 1e3)
    step = x - H.solve(differential(f, x))
    there, alpha = b.pullback(f), b.coordinates(x)
    in_coordinates = alpha - np.linalg.solve(hessian(there, alpha).dense(), grad(there)(alpha))
    agree(P @ in_coordinates, e.coordinates(step), 1e-7)


def test_the_differential_is_sympys():
    a, b = sympy.symbols("a b")
    expression = sympy.exp(a * b) * sympy.sin(a)
    at = {a: 0.3, b: -0.7}
    e = VectorSpace(2).basis()

    def f(x):
        alpha = e.coordinates(x)
        return np.exp(alpha[0] * alpha[1]) * np.sin(alpha[0])

    x = e.vector(list(at.values()))
    first = [float(expression.diff(s).subs(at)) for s in (a, b)]
    second = [[float(expression.diff(s, t).subs(at)) for t in (a, b)] for s in (a, b)]
    agree(e.coordinates(differential(f, x)), first, 1e-14)
    agree(e.coordinates(second_differential(f, x)), second, 1e-14)


# ── maps ──


@given(bases())
def test_maps_compose_transpose_and_invert(setting):
    e, _, _, rng = setting
    n = e.space.dimension
    a, h = rng.standard_normal((2, n, n)) + 4 * np.eye(n)
    assume(max(map(np.linalg.cond, (a, h))) < 1e3)
    A, H = e.linear_map(a), e.form(h)
    x, y = map(e.vector, rng.standard_normal((2, n)))
    g = e.covector(rng.standard_normal(n))
    close(e, (H @ A)(x), H(A(x)))
    agree(A.transpose(g)(x), g(A(x)))
    agree(H.transpose(x)(y), H(y, x))
    close(e, A.inverse(A(x)), x)
    close(e, H.solve(H(x)), x)
    close(e, H.inverse(g), H.solve(g))
    close(e, (H + 2.0 * H - H)(x), 2.0 * H(x))
    close(e, (A + A)(x), 2.0 * A(x))
    assert (H.source, H.target) == (H.inverse.target, H.inverse.source) == (e.space, e.space.dual)


@given(bases())
def test_an_inner_product_maps_both_ways(setting):
    e, b, _, rng = setting
    n = e.space.dimension
    G = b.inner_product()
    x, g = e.vector(rng.standard_normal(n)), e.covector(rng.standard_normal(n))
    agree([[G(u, v) for v in b] for u in b], np.eye(n), TWICE)
    agree(e.coordinates(G.sharp(G.flat(x))), e.coordinates(x), TWICE)
    agree(e.coordinates(G.flat(G.sharp(g))), e.coordinates(g), TWICE)
    agree(G.norm(x), np.linalg.norm(b.coordinates(x)), TWICE)
    agree(b.coordinates(G.sharp(g)), b.coordinates(g), TWICE)


# ── at the door ──

V, W = VectorSpace(2), VectorSpace(2, "W")
E = V.basis()
X, G = E.vector([1.0, 2.0]), E.covector([3.0, 4.0])
H = E.form([[1.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: X - 0.1 * G,
            r"vector of V and a covector of V\* cannot be subtracted. A map from V\* to V is missing",
        ),
        (lambda: G + X, r"cannot be added. A map from V\* to V is missing"),
        (lambda: X == G, "cannot be compared"),
        (lambda: X + W.basis().vector([1.0, 2.0]), "a vector of V and a vector of W cannot be added"),
        (lambda: X + np.ones(2), r"an array of shape \(2,\) cannot be added"),
        (lambda: np.ones(2) + X, r"an array of shape \(2,\) cannot be added"),
        (lambda: 1 - X, "the int 1 cannot be subtracted"),
        (lambda: np.ones(2) * X, r"multiplied by a real number, and got an array of shape \(2,\)"),
        (lambda: X * G, r"multiplied by a real number, and got a covector of V\*"),
        (lambda: X * 1j, "multiplied by a real number, and got the complex 1j"),
        (lambda: X / X, "divided by a real number"),
        (lambda: X(X), r"paired with an element of V\*"),
        (lambda: G(G), "paired with an element of V, and"),
        (lambda: G(np.ones(2)), r"and got an array of shape \(2,\)"),
        (lambda: np.asarray(X), "no coordinates until a basis is named"),
        (lambda: np.linalg.norm(X), "no coordinates until a basis is named"),
        (lambda: W.basis().coordinates(X), "a basis of W, and has no coordinates for V"),
        (lambda: E.coordinates([1.0, 2.0]), "a list of 2 has no coordinates"),
        (lambda: H(G), r"takes an element of V, and got a covector of V\*"),
        (lambda: H.solve(X), r"solved for an element of V\*, and got a vector of V"),
        (lambda: H @ H, r"a map from V to V\* cannot follow a map from V to V\*"),
        (lambda: H + H.inverse, "cannot be added"),
        (lambda: H - 1.0, "cannot be added"),
        (lambda: E.vector([1.0j, 1.0]), "coordinates is of type complex128: real numbers are needed"),
        (lambda: differential(np.sum, np.ones(2)), "a point is a vector"),
        (lambda: differential(lambda x: 1.0, G), r"x is a covector of V\*"),
        (lambda: basis_matching(X, G), "a covector and a vector are needed"),
        (lambda: basis_matching(G, np.ones(2)), "a covector and a vector are needed"),
    ],
)
def test_what_does_not_type_check(wrong, message):
    with pytest.raises(TypeError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: VectorSpace(0), "positive integer"),
        (lambda: VectorSpace(2.0), "positive integer"),
        (lambda: E.vector([1.0]), r"shape \(1,\)"),
        (lambda: E.covector(np.eye(2)), r"shape \(2, 2\)"),
        (lambda: E.change(np.ones((2, 2))), "the condition number is"),
        (lambda: E.change([[1.0, 1.0], [1.0, 1.0 + 1e-13]]), "the condition number is"),
        (lambda: E.change(np.ones(2)), r"\(2, 2\) is needed"),
        (lambda: E.change([[np.nan, 0.0], [0.0, 1.0]]), "a NaN"),
        (lambda: E.form(np.zeros((2, 2))).solve(G), "singular"),
        (lambda: E.linear_map(np.zeros((2, 2))).inverse, "singular"),
        (lambda: E.inner_product([[0.0, 1.0], [1.0, 0.0]]), "positive definite"),
        (lambda: E.inner_product([[1.0, 1.0], [0.0, 1.0]]), "symmetric"),
        (lambda: E.inner_product([[1e-9, 1e-9], [0.0, 1e-9]]), "symmetric"),
        (lambda: differential(E.coordinates, X), "only a scalar"),
        (lambda: differential(lambda x: x, X), "only a scalar"),
        (lambda: basis_matching(G, E.vector([4.0, -3.0 + 1e-14])), r"g\(d\) is"),
    ],
)
def test_what_does_not_fit(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_nothing_shows_coordinates_unasked():
    for a in (X, G, H, E, E.inner_product()):
        assert not any(c in repr(a) for c in "134.["), repr(a)
    assert (repr(V), repr(V.dual)) == ("VectorSpace(2, 'V')", "VectorSpace(2, 'V').dual")


def test_inputs_are_not_kept():
    alpha = np.array([1.0, 2.0])
    x = E.vector(alpha)
    alpha[0] = 5.0
    assert E.coordinates(x).tolist() == [1.0, 2.0]
    read = E.coordinates(x)
    read[0] = 7.0
    assert E.coordinates(x).tolist() == [1.0, 2.0]


def test_sums_and_multiples_of_forms_are_forms():
    assert type(H + H) is type(2.0 * H) is BilinearForm
    assert type(H @ H.inverse) is LinearMap
