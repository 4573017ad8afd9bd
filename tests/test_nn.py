"""The laws of networks: each layer against loops over its formula, in every arithmetic."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathlib import Dual, UnsupportedError, check_grad, complex_step, grad_and_hvp, jvp
from mathlib.backprop import grad, vjp
from mathlib.dual import Complex
from mathlib.nn import (
    accuracy,
    attention,
    cnn,
    conv2d,
    conv2d_shape,
    cross_entropy,
    dense,
    max_pool,
    mlp,
    overlap_add,
    pad,
    ravel,
    relu,
    softmax_cross_entropy,
    softplus,
    windows,
)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def whole(rng, *shape):
    """Small whole numbers: their sums and products are exact, in any order."""
    return rng.integers(-9, 10, shape).astype(float)


def six_loops(L, f, p, s):
    """The slide's sum, a product at a time; beside the image there is nothing to add."""
    (N, H, W, C), (F, _, _, K) = L.shape, f.shape
    # Each place at which a window fits is found by trying.
    places = [[x for x in range(0, size + 2 * p, s) if x + F <= size + 2 * p] for size in (H, W)]
    y = np.zeros((N, len(places[0]), len(places[1]), K))
    for (i, x), (j, z) in itertools.product(enumerate(places[0]), enumerate(places[1])):
        for k, u, v, c in itertools.product(range(K), range(F), range(F), range(C)):
            if 0 <= x + u - p < H and 0 <= z + v - p < W:
                y[:, i, j, k] += f[u, v, c, k] * L[:, x + u - p, z + v - p, c]
    return y


@st.composite
def convolutions(draw, least=0):
    """Images, filters, padding and stride that fit; images may be wider than high, and the batch empty."""
    p, s, F = draw(st.integers(0, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    H, W = (draw(st.integers(max(1, F - 2 * p), 7)) for _ in "HW")
    N, C, K = draw(st.integers(least, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return whole(rng, N, H, W, C), whole(rng, F, F, C, K), p, s, rng


# --------------------------------------------------------------------------------------- convolutions


@given(convolutions())
def test_convolution_is_the_slide_s_sum(case):
    L, f, p, s, _ = case
    y = conv2d(L, f, padding=p, stride=s)
    assert np.array_equal(y, six_loops(L, f, p, s))
    assert y.shape[1:3] == conv2d_shape(*L.shape[1:3], len(f), p, s)


@given(convolutions())
def test_convolution_is_bilinear_in_every_arithmetic(case):
    L, f, p, s, rng = case
    dL, df = whole(rng, *L.shape), whole(rng, *f.shape)
    exact = six_loops(dL, f, p, s) + six_loops(L, df, p, s)

    def program(t):
        return conv2d(L + t * dL, f + t * df, p, s)

    y, dy = jvp(program, 0.0, 1.0)
    assert np.array_equal(y, six_loops(L, f, p, s))
    assert np.array_equal(dy, exact)
    assert np.array_equal(complex_step(program, 0.0), exact)
    # The second derivative is twice the product of both changes.
    second = jvp(lambda t: jvp(program, t, 1.0)[1], 0.0, 1.0)[1]
    assert np.array_equal(second, 2 * six_loops(dL, df, p, s))


@given(convolutions())
def test_convolution_backwards_is_the_transpose(case):
    L, f, p, s, rng = case
    dL, df = whole(rng, *L.shape), whole(rng, *f.shape)
    y, back_to_images = vjp(lambda L: conv2d(L, f, p, s), L)
    _, back_to_filters = vjp(lambda f: conv2d(L, f, p, s), f)
    w = whole(rng, *y.shape)
    assert np.sum(back_to_images(w) * dL) == np.sum(w * six_loops(dL, f, p, s))
    assert np.sum(back_to_filters(w) * df) == np.sum(w * six_loops(L, df, p, s))


ARITHMETICS = {
    "float": lambda a, b: a,
    "dual": Dual,
    "complex": lambda a, b: Complex(a, b * 2.0**-50),
}


def parts(x):
    return getattr(x, "parts", (x,))


@pytest.mark.parametrize("number", ARITHMETICS.values(), ids=ARITHMETICS)
@given(convolutions())
def test_windows_and_overlap_add_are_transposes(number, case):
    L, f, _, s, rng = case
    F = min(len(f), *L.shape[1:3])
    L = number(L, whole(rng, *L.shape))
    w = windows(L, F, s)
    g = whole(rng, *w.shape)
    backwards = overlap_add(number(g, g), L.shape, s)
    for seen, a in zip(parts(w), parts(L), strict=True):
        for x, y, u, v in np.ndindex(seen.shape[1:5]):
            assert np.array_equal(seen[:, x, y, u, v], a[:, s * x + u, s * y + v])
        assert np.sum(seen * g) == np.sum(a * parts(backwards)[0])


@given(convolutions(least=1))
def test_each_primitive_backwards_agrees_with_its_tangent(case):
    L, f, p, s, rng = case
    F = min(len(f), *L.shape[1:3])
    seen = windows(L, F, s)
    for program, x in [
        (lambda L: pad(L, p), L),
        (lambda L: windows(L, F, s), L),
        (lambda w: overlap_add(w, L.shape, s), seen),
        (relu, L),
    ]:
        v = whole(rng, *x.shape)
        y, pullback = vjp(program, x)
        w = whole(rng, *y.shape)
        assert np.sum(pullback(w) * v) == np.sum(w * jvp(program, x, v)[1])
        # And the pullback, a program again, has this pullback's transpose.
        assert np.array_equal(jvp(lambda w, f=program, x=x: vjp(f, x)[1](w), w, w)[1], pullback(w))


@given(convolutions())
def test_padding_is_zeros_around_the_image(case):
    L, _, p, _, rng = case
    dL = whole(rng, *L.shape)
    around = ((0, 0), (p, p), (p, p), (0, 0))
    for value, exact in zip(jvp(lambda L: pad(L, p), L, dL), (L, dL), strict=True):
        assert np.array_equal(value, np.pad(exact, around))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 9), st.integers(0, 4), st.integers(1, 6))
def test_the_shape_counts_the_places_at_which_a_window_fits(H, W, F, p, s):
    places = [sum(x + F <= size + 2 * p for x in range(0, size + 2 * p, s)) for size in (H, W)]
    if 0 in places:
        with pytest.raises(ValueError, match="does not fit"):
            conv2d_shape(H, W, F, p, s)
    else:
        assert conv2d_shape(H, W, F, p, s) == tuple(places)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((5, 5, 3, 0, 0), ValueError, "stride is 0"),
        ((5, 5, 3, -1, 1), ValueError, "padding is -1"),
        ((5, 5, 0, 0, 1), ValueError, "F is 0"),
        ((0, 5, 1, 1, 1), ValueError, "H is 0"),
        ((5, 0, 1, 1, 1), ValueError, "W is 0"),
        ((5, 2, 3, 0, 1), ValueError, "3 x 3 does not fit into 5 x 2"),
        ((5, 5, 3, 0, 1.0), TypeError, "integer"),
        ((5, 5, 3.0, 0, 1), TypeError, "integer"),
        ((5, 5, 3, "same", 1), TypeError, "integer"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        conv2d_shape(*arguments)
    H, W, F, p, s = arguments
    if type(F) is int and F:
        with pytest.raises(error, match=message):
            conv2d(np.zeros((1, H, W, 1)), np.zeros((F, F, 1, 1)), p, s)


@pytest.mark.parametrize(
    ("L", "f"),
    [((5, 5, 1), (3, 3, 1, 1)), ((1, 5, 5, 1), (3, 3)), ((1, 5, 5, 1), (3, 2, 1, 1)), ((1, 5, 5, 2), (3, 3, 1, 2))],
)
def test_images_and_filters_that_do_not_fit_are_refused_by_their_shapes(L, f):
    with pytest.raises(ValueError, match=r"\(N, H, W, C\)") as error:
        conv2d(np.zeros(L), np.zeros(f))
    assert str(L) in str(error.value)
    assert str(f) in str(error.value)


# -------------------------------------------------------------------------------------------- pooling


@given(convolutions(least=1))
def test_pooling_takes_the_largest_of_each_window_and_shares_ties(case):
    L, f, _, s, rng = case
    L, F = np.sign(L), min(len(f), *L.shape[1:3])  # nothing but -1, 0 and 1: nearly every window has a tie
    dL = whole(rng, *L.shape)
    y, dy = jvp(lambda L: max_pool(L, F, s), L, dL)
    back = np.zeros_like(L)
    for n, i, j, c in np.ndindex(y.shape):
        here = (n, slice(s * i, s * i + F), slice(s * j, s * j + F), c)
        ties = L[here] == L[here].max()
        assert y[n, i, j, c] == L[here].max()
        np.testing.assert_allclose(dy[n, i, j, c], dL[here][ties].mean(), rtol=0, atol=1e-14)
        back[here] += ties / ties.sum()
    np.testing.assert_allclose(complex_step(lambda L: max_pool(L, F, s), L, dL), dy, rtol=0, atol=1e-14)
    np.testing.assert_allclose(grad(lambda L: np.sum(max_pool(L, F, s)))(L), back, rtol=0, atol=1e-14)


def test_pooling_steps_by_its_window_unless_told_otherwise():
    L = random(2, 7, 6, 3)
    assert max_pool(L, 3).shape == (2, 2, 2, 3)
    assert np.array_equal(max_pool(L, 3), max_pool(L, 3, 3))


def test_pooling_refuses_what_is_no_image():
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(N, H, W, C\)"):
        max_pool(np.zeros((4, 4)), 2)
    with pytest.raises(ValueError, match="does not fit"):
        max_pool(np.zeros((1, 4, 4, 1)), 5)


# ---------------------------------------------------------------------------------------- activations


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_relu_has_derivative_zero_at_the_kink_from_both_sides(sign):
    x = np.array([-2.0, -0.0, 0.0, 3.0])
    v = sign * np.ones(4)
    slope = np.array([0.0, 0.0, 0.0, 1.0])
    assert np.array_equal(jvp(relu, x, v)[1], slope * v)
    assert np.array_equal(complex_step(relu, x, v), slope * v)
    assert np.array_equal(vjp(relu, x)[1](v), slope * v)
    assert np.array_equal(relu(x), [0, 0, 0, 3])


@given(st.floats(-600, 600))
def test_softplus_agrees_with_mpmath(x):
    mp.mp.dps = 40
    exact, slope = mp.log1p(mp.exp(x)), 1 / (1 + mp.exp(-mp.mpf(x)))
    assert abs(mp.mpf(float(softplus(x))) - exact) <= 4 * mp.mpf(2) ** -52 * exact
    for derivative in (jvp(softplus, x, 1.0)[1], complex_step(softplus, x), grad(softplus)(x)):
        # exp(x - y) has the absolute error of its exponent: |x| units in the last place.
        assert abs(mp.mpf(float(derivative)) - slope) <= (4 + abs(x)) * mp.mpf(2) ** -52 * slope


def test_softplus_neither_overflows_nor_vanishes_too_early():
    assert np.array_equal(softplus(np.array([1e4, -1e4])), [1e4, 0.0])
    assert softplus(-700.0) == pytest.approx(np.exp(-700.0), rel=1e-14)  # logaddexp has an exp of its own


@given(st.integers(0, 2**32 - 1))
def test_dense_is_a_sum_of_products(seed):
    rng = np.random.default_rng(seed)
    x, W, b = whole(rng, 3, 4), whole(rng, 4, 2), whole(rng, 2)
    exact = [[sum(x[n, i] * W[i, j] for i in range(4)) + b[j] for j in range(2)] for n in range(3)]
    assert np.array_equal(dense(x, W, b), exact)


# ------------------------------------------------------------------------------------------ attention


@given(st.integers(0, 2**32), st.booleans(), st.integers(1, 5))
def test_attention_is_a_mean_of_values_weighted_by_how_keys_fit(seed, causal, T):
    rng = np.random.default_rng(seed)
    Q, K, V = (rng.standard_normal((2, T, n)) for n in (3, 3, 4))
    y = attention(Q, K, V, causal)
    for n, t in itertools.product(range(2), range(T)):
        seen = t + 1 if causal else T
        weights = np.exp([sum(Q[n, t] * K[n, s]) / math.sqrt(3) for s in range(seen)])
        expected = sum(w * V[n, s] for s, w in enumerate(weights)) / sum(weights)
        np.testing.assert_allclose(y[n, t], expected, rtol=1e-10, atol=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_causal_attention_does_not_read_what_comes_later(seed, t):
    rng = np.random.default_rng(seed)
    Q, K, V, *others = (rng.standard_normal((5, 3)) for _ in range(6))
    changed = [np.concatenate([a[:t], b[t:]]) for a, b in zip((Q, K, V), others, strict=True)]
    np.testing.assert_allclose(attention(*changed)[:t], attention(Q, K, V)[:t], rtol=1e-12)


def test_attention_stands_scores_of_any_size():
    large = 1e3 * np.eye(3)
    np.testing.assert_allclose(attention(large, large, np.eye(3)), np.eye(3))


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_differentiated_alike_by_every_route(causal):
    def loss(theta):
        return np.sum(attention(*np.reshape(theta, (3, 2, 4, 2)), causal) ** 2)

    theta, v = random(48), random(48, seed=1)
    check_grad(loss, theta)
    g, Hv = grad_and_hvp(loss, theta, v)
    assert np.vdot(g, v) == pytest.approx(complex_step(loss, theta, v), rel=1e-10)
    np.testing.assert_allclose(Hv, complex_step(grad(loss), theta, v), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "causal", "message"),
    [
        (((3, 2), (3, 4), (3, 2)), True, r"Q has shape \(3, 2\), K \(3, 4\)"),
        (((3, 2), (4, 2), (3, 2)), False, r"\(\.\.\., S, d\) and \(\.\.\., S, e\) are needed"),
        (((2,), (3, 2), (3, 2)), False, r"Q has shape \(2,\)"),
        (((3, 2), (4, 2), (4, 2)), True, "3 queries and 4 keys.*causal=False"),
    ],
)
def test_what_attention_cannot_compare_is_refused(shapes, causal, message):
    with pytest.raises(ValueError, match=message):
        attention(*map(np.ones, shapes), causal=causal)


# --------------------------------------------------------------------------------------------- losses

LOGITS = st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=5).map(np.array)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def labels(logits):
    return np.arange(len(logits)) % logits.shape[1]


@given(LOGITS)
def test_cross_entropy_agrees_with_mpmath(logits):
    mp.mp.dps = 40
    y = labels(logits)
    terms = [mp.log(sum(mp.exp(z) for z in row)) - row[k] for row, k in zip(logits.tolist(), y, strict=True)]
    exact = sum(terms) / len(terms)
    assert abs(float(softmax_cross_entropy(logits, y) - exact)) <= 8 * 2.0**-52 * (1 + np.ptp(logits))


@given(LOGITS, st.floats(-1e4, 1e4))
def test_cross_entropy_does_not_see_a_shift_of_each_example(logits, shift):
    y = labels(logits)
    shifts = shift * (1 + np.arange(len(logits)))[:, None]
    shifted = softmax_cross_entropy(logits + shifts, y)
    np.testing.assert_allclose(shifted, softmax_cross_entropy(logits, y), rtol=1e-12, atol=1e-10)


@given(LOGITS)
def test_a_nat_is_log_2_of_e_bits(logits):
    y = labels(logits)
    nats, bits = (softmax_cross_entropy(logits, y, unit) for unit in ("nats", "bits"))
    np.testing.assert_allclose(bits, nats / np.log(2), rtol=2.0**-50)
    assert softmax_cross_entropy(np.zeros((2, 8)), np.array([0, 7]), unit="bits") == pytest.approx(3, rel=2.0**-50)


@given(LOGITS)
def test_the_derivatives_are_those_of_the_textbook(logits):
    y, p = labels(logits), softmax(logits)
    v = random(*logits.shape)
    slope = (p - np.eye(3)[y]) / len(y)
    curvature = p * (v - np.sum(p * v, axis=1, keepdims=True)) / len(y)  # (diag p - p p^T) v

    def loss(z):
        return softmax_cross_entropy(z, y)

    for directional in (jvp(loss, logits, v)[1], complex_step(loss, logits, v)):
        np.testing.assert_allclose(directional, np.sum(slope * v), rtol=0, atol=1e-14)
    np.testing.assert_allclose(grad(loss)(logits), slope, rtol=0, atol=1e-15)
    np.testing.assert_allclose(jvp(grad(loss), logits, v)[1], curvature, rtol=0, atol=1e-14)


@given(LOGITS)
def test_the_cross_entropy_s_row_has_the_derivatives_of_its_formula(logits):
    """For weights of any sum: those of probabilities are 1 only to five digits."""
    p, v = abs(random(*logits.shape)), random(*logits.shape)

    def formula(z):
        return np.sum(p * (np.log(np.sum(np.exp(z), axis=1, keepdims=True)) - z))

    def row(z):
        return cross_entropy(z, p)

    for derivative in (jvp, grad_and_hvp):
        for ours, exact in zip(derivative(row, logits, v), derivative(formula, logits, v), strict=True):
            np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-12 * (1 + np.ptp(logits)) * len(logits))


@given(LOGITS, st.floats(0, 1))
def test_cross_entropy_is_linear_in_the_targets_and_smallest_at_them(logits, a):
    y, q = np.eye(3)[labels(logits)], softmax(logits)
    mixed = softmax_cross_entropy(logits, a * y + (1 - a) * q)
    pure = [softmax_cross_entropy(logits, p) for p in (y, q)]
    np.testing.assert_allclose(mixed, a * pure[0] + (1 - a) * pure[1], rtol=1e-12, atol=1e-14)
    assert pure[0] == softmax_cross_entropy(logits, labels(logits))
    other = softmax_cross_entropy(logits[:, ::-1], q)
    assert pure[1] <= other * (1 + 1e-14)


def test_cross_entropy_stands_logits_of_any_size():
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    assert softmax_cross_entropy(logits, np.array([1, 1])) == (2e4 + math.log(3)) / 2
    assert np.all(np.isfinite(grad(lambda z: softmax_cross_entropy(z, np.array([1, 1])))(logits)))


def test_a_nan_in_the_logits_stays_visible():
    logits = np.array([[0.0, np.nan], [0.0, 1.0]])
    assert np.isnan(softmax_cross_entropy(logits, np.array([0, 1])))
    assert np.isnan(relu(np.nan))
    assert np.isnan(max_pool(np.full((1, 2, 2, 1), np.nan), 2))


@pytest.mark.parametrize(
    ("shape", "y", "message"),
    [
        ((0, 3), np.zeros(0, int), r"\(0, 3\).*at least one example"),
        ((3,), np.zeros(3, int), r"\(3,\).*\(N, K\)"),
        ((2, 3), [0, 3], "0 to 3: labels from 0 to 2"),
        ((2, 3), [-1, 0], "-1 to 0: labels from 0 to 2"),
        ((2, 3), [0, 1, 2], r"\(3,\).*integer labels \(2,\)"),
        ((2, 3), [0.0, 1.0], "float64.*integer labels"),
        ((2, 3), [True, False], "bool.*integer labels"),
        ((2, 3), np.ones((3, 2)) / 2, r"\(3, 2\).*probabilities \(2, 3\)"),
        ((2, 3), np.ones((2, 3)), "sum to 1"),
        ((2, 3), [[-1.0, 1.0, 1.0], [0.0, 0.0, 1.0]], "negative"),
        ((2, 3), [[np.nan, 0.0, 1.0], [0.0, 0.0, 1.0]], "probabilities are needed"),
    ],
)
@pytest.mark.parametrize("loss", [softmax_cross_entropy, accuracy])
def test_targets_that_do_not_fit_are_refused(loss, shape, y, message):
    with pytest.raises(ValueError, match=message):
        loss(np.zeros(shape), y)


def test_another_unit_is_refused():
    with pytest.raises(ValueError, match=r"'hartleys'.*'nats' or 'bits'"):
        softmax_cross_entropy(np.zeros((1, 2)), np.array([0]), unit="hartleys")


def test_the_targets_are_constants():
    p = np.full((1, 2), 0.5)
    with pytest.raises(UnsupportedError, match="asarray"):
        jvp(lambda p: softmax_cross_entropy(np.zeros((1, 2)), p), p, p)


def test_accuracy_counts_and_has_no_derivative():
    logits, y = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 3.0]]), np.array([0, 1, 1, 1])
    assert accuracy(logits, y) == accuracy(logits, np.eye(2)[y]) == 0.75
    assert jvp(lambda z: accuracy(z, y), logits, logits) == (0.75, 0.0)


# ------------------------------------------------------------------------------- parameters and models


@given(st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=4))
def test_unravel_undoes_ravel_and_its_derivative_is_itself(shapes):
    arrays = [random(*shape, seed=i) if shape else np.array(float(i)) for i, shape in enumerate(shapes)]
    theta, unravel = ravel(arrays)
    assert theta.shape == (sum(a.size for a in arrays),)
    for a, b in zip(arrays, unravel(theta), strict=True):
        assert np.array_equal(a, b)
        assert a.shape == b.shape
    v = random(*theta.shape, seed=9)

    def program(theta):
        return ravel(unravel(theta))[0]

    assert np.array_equal(jvp(program, theta, v)[1], v)
    assert np.array_equal(complex_step(program, theta, v), v)
    assert np.array_equal(vjp(program, theta)[1](v), v)


def test_ravel_copies_and_unravel_does_not():
    W = np.ones((2, 3))
    theta, unravel = ravel([W, W])
    theta[:] = 0
    assert W.all()
    assert all(np.shares_memory(part, theta) for part in unravel(theta))
    b = np.ones(3)
    assert not np.shares_memory(ravel([b])[0], b)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "a list of arrays"),
        (np.zeros(3), "a list of arrays"),
        ([np.zeros(2), np.zeros(2, int)], "int64.*floats"),
        ([np.zeros(2, complex)], "complex128.*floats"),
        ([np.zeros(2, bool)], "bool.*floats"),
    ],
)
def test_what_is_no_list_of_floats_is_refused(arrays, message):
    with pytest.raises(TypeError, match=message):
        ravel(arrays)


@pytest.mark.parametrize("theta", [np.zeros(4), np.zeros(6), np.zeros((5, 1))])
def test_unravel_refuses_another_size_and_names_the_shapes(theta):
    _, unravel = ravel([np.zeros((2, 2)), np.zeros(1)])
    with pytest.raises(ValueError, match=r"\(5,\) is needed, for arrays of shapes \[\(2, 2\), \(1,\)\]"):
        unravel(theta)


MODELS = {
    "mlp": (lambda: mlp([6, 5, 4]), (3, 6)),
    "mlp softplus": (lambda: mlp((6, 4), activation=softplus), (3, 6)),
    "cnn": (lambda: cnn((7, 6, 2), channels=(3, 4), F=3, stride=2, classes=4, padding=1), (3, 7, 6, 2)),
    "cnn without convolutions": (lambda: cnn((2, 2, 1), channels=(), classes=4), (3, 2, 2, 1)),
}


@pytest.mark.parametrize(("build", "shape"), MODELS.values(), ids=MODELS)
def test_models_are_differentiated_alike_by_every_route(build, shape):
    theta, model = build()
    theta = theta + 0.1 * random(*theta.shape, seed=1)  # biases that are not zero, no unit at its kink
    X, y, v = random(*shape), np.array([3, 0, 2]), random(*theta.shape, seed=2)

    def loss(theta):
        return softmax_cross_entropy(model(theta, X), y)

    assert model(theta, X).shape == (3, 4)
    check_grad(loss, theta, order=2)
    slope = jvp(loss, theta, v)[1]
    np.testing.assert_allclose(complex_step(loss, theta, v), slope, rtol=1e-13)
    np.testing.assert_allclose(grad(loss)(theta) @ v, slope, rtol=1e-13)
    nested = jvp(lambda t: jvp(loss, t, v)[1], theta, v)[1]
    np.testing.assert_allclose(jvp(grad(loss), theta, v)[1] @ v, nested, rtol=1e-12)
    # Nor is theta the only variable: the images are, too.
    dX = random(*shape, seed=3)
    slope = jvp(lambda X: np.sum(model(theta, X) ** 2), X, dX)[1]
    np.testing.assert_allclose(np.sum(grad(lambda X: np.sum(model(theta, X) ** 2))(X) * dX), slope, rtol=1e-13)


def test_models_are_the_layers_that_they_say():
    theta, model = mlp([6, 5, 4], activation=softplus)
    theta, X = random(*theta.shape), random(3, 6)
    W, b, V, c = theta[:30].reshape(6, 5), theta[30:35], theta[35:55].reshape(5, 4), theta[55:]
    np.testing.assert_allclose(model(theta, X), np.log1p(np.exp(X @ W + b)) @ V + c, rtol=1e-12)

    theta, model = cnn((7, 6, 2), channels=(3,), F=3, stride=2, classes=4, padding=1)
    theta, X = random(*theta.shape), random(3, 7, 6, 2)
    f, b, V, c = theta[:54].reshape(3, 3, 2, 3), theta[54:57], theta[57:-4].reshape(36, 4), theta[-4:]
    np.testing.assert_allclose(
        model(theta, X), np.maximum(six_loops(X, f, 1, 2) + b, 0).reshape(3, 36) @ V + c, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(("build", "shape"), MODELS.values(), ids=MODELS)
def test_models_refuse_another_input_and_name_both_shapes(build, shape):
    theta, model = build()
    needed = r"\(N, " + ", ".join(map(str, shape[1:])) + r"\) is needed"
    for wrong in (shape[1:], (*shape[:-1], shape[-1] + 1), (*shape, 1), ()):
        with pytest.raises(ValueError, match=needed) as error:
            model(theta, np.zeros(wrong))
        assert f"X has shape {wrong}" in str(error.value)


@pytest.mark.parametrize("build", [lambda seed: mlp([300, 200, 10], seed=seed), lambda seed: cnn(seed=seed)])
def test_weights_are_drawn_by_the_seed(build):
    assert np.array_equal(build(0)[0], build(0)[0])
    assert not np.array_equal(build(0)[0], build(1)[0])


def test_weights_have_the_variance_that_is_promised():
    W = mlp([300, 200, 10])[0][: 300 * 200]
    assert np.var(W) == pytest.approx(2 / 500, rel=0.03)
    f = cnn(channels=(8, 64), F=5)[0][5 * 5 * 8 + 8 :][: 5 * 5 * 8 * 64]
    assert np.var(f) == pytest.approx(2 / (5 * 5 * 8), rel=0.06)


def test_a_network_that_leaves_no_window_is_refused():
    with pytest.raises(ValueError, match="5 x 5 does not fit into 2 x 2"):
        cnn(input_shape=(8, 8, 1))


# --------------------------------------------------------------------------------------------- inputs

PROGRAMS = {
    "pad": lambda x: pad(x, 1),
    "windows": lambda x: windows(x, 2, 1),
    "overlap_add": lambda x: overlap_add(windows(x, 2, 1), x.shape, 1),
    "conv2d": lambda x: conv2d(x, x[:1, :2, :2].transpose(1, 2, 3, 0), padding=1, stride=2),
    "max_pool": lambda x: max_pool(x, 2),
    "relu": relu,
    "softplus": softplus,
    "dense": lambda x: dense(x[0, 0], x[0, 0, :3].T, x[0, 0, 0, :3]),
    "softmax_cross_entropy": lambda x: softmax_cross_entropy(x[0, 0], [2, 1, 0, 2]),
    "ravel": lambda x: ravel([x, x])[0],
    "cnn": lambda x: cnn((4, 4, 3), channels=(2,), F=3)[1](np.ones(86, x.dtype), x),
}
LAYOUTS = {
    "Fortran": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.transpose(3, 1, 0, 2)).transpose(2, 1, 3, 0),
    "strided": lambda x: np.repeat(x, 2, axis=2)[:, :, ::2],
    "reversed": lambda x: x[:, ::-1, :, ::-1].copy()[:, ::-1, :, ::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_layout_in_memory_makes_no_difference_and_nothing_is_changed(program, layout):
    plain = random(2, 4, 4, 3)
    x = layout(plain)
    assert not x.flags.c_contiguous
    x.flags.writeable = False
    y = program(x)
    np.testing.assert_allclose(y, program(plain), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(jvp(program, x, x)[1], jvp(program, plain, plain)[1], rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(vjp(program, x)[1](y), vjp(program, plain)[1](y), rtol=1e-13, atol=1e-14)
    assert np.array_equal(x, plain)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_float32_stays_float32(program):
    x = random(2, 4, 4, 3).astype(np.float32)
    y, pullback = vjp(program, x)
    for result in (y, *jvp(program, x, x), complex_step(program, x, x), pullback(y), program(x)):
        assert result.dtype == np.float32


@pytest.mark.parametrize("name", ["pad", "windows", "overlap_add", "max_pool", "relu", "softplus", "ravel", "cnn"])
def test_an_empty_batch_gives_an_empty_result(name):
    x = np.zeros((0, 4, 4, 3))
    y, pullback = vjp(PROGRAMS[name], x)
    assert y.size == 0
    assert y.shape[1:] == PROGRAMS[name](np.zeros((2, 4, 4, 3))).shape[1:]
    assert pullback(y).shape == x.shape


def test_no_result_is_a_view_of_an_input():
    x = random(2, 4, 4, 3)
    for name in ("pad", "windows", "max_pool", "relu", "ravel"):
        assert not np.shares_memory(PROGRAMS[name](x), x)
