"""Backpropagation: what it refuses, what it keeps, nesting, memory, threads, and gradients that gather in slices."""

import contextlib
import functools
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathlib import (
    ConstantLossWarning,
    EscapedError,
    UnsupportedError,
    complex_step,
    grad,
    hessian,
    hvp,
    jvp,
    value_and_grad,
    vjp,
)
from mathlib.backprop import Graph, kept, record
from mathlib.dual import Complex, Dual
from mathlib.nn import relu

EXACT = ("dual", "complex_step", "double_backprop")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# ------------------------------------------------------------------------------------- values and shapes


def test_the_value_is_the_plain_program_s():
    x = normal(3, 4)

    def loss(x):
        return np.sum(np.tanh(x) ** 2) / np.linalg.norm(x)

    value, g = value_and_grad(loss)(x)
    assert value == pytest.approx(loss(x), rel=4e-16)
    assert np.array_equal(g, grad(loss)(x))
    assert isinstance(value, np.float64)


def test_a_number_has_a_number_for_a_gradient():
    for theta in (2.0, np.float64(2.0), np.array(2.0)):
        for g in (grad(lambda x: x**3)(theta), vjp(lambda x: x**3, theta)[1](1.0), hvp(lambda x: x**3, theta, 1.0)):
            assert isinstance(g, np.float64)
            assert g == 12.0


@pytest.mark.parametrize("theta", [2.0, np.float32(2.0)])
def test_theta_itself_is_a_loss(theta):
    answers = [*value_and_grad(lambda x: x)(theta), vjp(lambda x: x, theta)[1](np.ones_like(theta)[()])]
    assert answers == [2.0, 1.0, 1.0]
    assert grad(lambda x: x[()])(theta) == grad(lambda x: x.reshape(()))(theta) == 1.0
    for method in EXACT:
        assert hvp(lambda x: x, theta, 1.0, method) == 0.0
    assert hessian(lambda x: x, theta) @ 1.0 == 0.0
    assert hessian(lambda x: x, theta).gradient == 1.0
    assert jvp(grad(lambda x: x), theta, 1.0) == (1.0, 0.0)
    assert grad(lambda x: x * grad(lambda y: y)(x))(theta) == 1.0
    assert grad(lambda x: grad(lambda y: x)(theta) + x)(theta) == 1.0


@pytest.mark.filterwarnings("ignore::mathlib.ConstantLossWarning")
@pytest.mark.parametrize("theta", [1.5, normal(3), normal(2, 0), normal(2, 3).astype(np.float32)])
def test_a_loss_that_ignores_theta_has_gradient_zero(theta):
    for loss in (lambda x: 3.0, lambda x: 3, lambda x: np.sum(np.zeros_like(x)), lambda x: np.sum(np.sign(x))):
        value, g = value_and_grad(loss)(theta)
        answers = [g, *(hvp(loss, theta, theta, m) for m in EXACT), hessian(loss, theta) @ theta]
        assert value == loss(theta)
        for answer in answers:
            assert np.array_equal(answer, np.zeros_like(theta))
            assert answer.dtype == np.asarray(theta).dtype
        assert np.array_equal(vjp(lambda x: np.ones(2), theta)[1](np.ones(2)), np.zeros_like(theta))


def test_a_loss_that_ignores_theta_gets_a_warning():
    cache = {}

    def loss(x):
        if "value" not in cache:
            cache["value"] = float(np.sum(np.ones(2)))
        return cache["value"]

    theta = np.ones(2)
    routes = [lambda: grad(loss)(theta), lambda: value_and_grad(loss)(theta), lambda: hessian(loss, theta)]
    routes += [lambda m=m: hvp(loss, theta, theta, m) for m in EXACT]
    for route in routes:
        with pytest.warns(ConstantLossWarning, match="does not depend on theta.*anew in each call"):
            route()


def test_a_loss_that_returns_an_earlier_run_s_number_is_refused():
    @functools.lru_cache
    def square(_):
        return held[0] ** 2

    def loss(x):
        held[:] = [x]
        return square(0)

    held = []
    assert grad(loss)(3.0) == 6.0
    with pytest.raises(EscapedError):
        grad(loss)(3.0)


def test_a_linear_loss_has_hessian_zero():
    c, x = normal(4), normal(4, seed=1)

    def loss(x):
        return np.vdot(c, x) + x[0] + np.sum(x)

    assert np.array_equal(grad(loss)(x), c + np.array([2.0, 1.0, 1.0, 1.0]))
    for answer in (*(hvp(loss, x, x, m) for m in EXACT), hessian(loss, x) @ x, hessian(loss, x).dense()):
        assert not np.any(answer)


def test_the_pullback_can_be_called_again_and_changes_nothing():
    x, c = normal(3), normal(3, seed=1)
    pullback = vjp(lambda x: c * x, x)[1]
    w = np.array([1.0, 0.0, 2.0])
    first = pullback(w)
    first[...] = 7.0
    x[...] = 5.0
    assert np.array_equal(pullback(w), c * w)
    assert np.array_equal(w, [1.0, 0.0, 2.0])
    identity = vjp(lambda x: x, w)[1]
    identity(w)[...] = 9.0
    assert np.array_equal(w, [1.0, 0.0, 2.0])


@pytest.mark.parametrize("loss", [np.sum, lambda x: np.vdot(C3, x), lambda x: x[1], lambda x: np.sum(C3 * x[::-1])])
def test_a_gradient_is_the_caller_s_own_array(loss):
    kept = C3.copy()
    for g in (grad(loss)(np.ones(3)), hvp(loss, np.ones(3), np.ones(3)), hessian(loss, np.ones(3)) @ np.ones(3)):
        g[...] = 5.0
    assert np.array_equal(C3, kept)


C3 = np.array([1.0, 2.0, 3.0])


# --------------------------------------------------------------------------------- the pairing, and kinks


def test_reverse_over_complex_is_bilinear_and_never_conjugated():
    z = Complex(np.array([1.0, 2.0]), np.array([3.0, -4.0]))
    g = grad(lambda x: np.sum(x * x) / 2)(z)
    assert np.array_equal(g.z, z.z)
    pullback = vjp(lambda x: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x, np.ones(2))[1]
    w = Complex(np.array([1.0, 2.0]), np.array([-5.0, 7.0]))
    plain, turned = pullback(w), pullback(Complex(-w.parts[1], w.parts[0]))  # of i w
    assert np.array_equal(plain.z, np.array([[1.0, 3.0], [2.0, 4.0]]) @ w.z)
    assert np.array_equal(turned.z, 1j * plain.z)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("kink", "slope"),
    [
        (np.abs, 0.0),
        (relu, 0.0),
        (lambda x: np.maximum(x, 0.0), 0.5),
        (lambda x: np.minimum(0.0, x), 0.5),
        (lambda x: np.clip(x, 0.0, 1.0), 0.5),
        (lambda x: np.max(np.stack([x, -x, 0.0])), 0.0),
        (lambda x: np.max(np.stack([x, 2 * x, 0.0])), 1.0),
        (lambda x: np.sqrt(x * x + 0.0 * np.abs(x) + 1) * np.sign(x), 0.0),
    ],
)
def test_kinks_have_stated_values_in_reverse_and_from_both_sides(kink, slope, side):
    assert grad(kink)(0.0) == slope
    for method in EXACT:  # (x k(x))'' = 2 k'(x) at 0, where k'' is taken as 0
        assert hvp(lambda x: x * kink(x), 0.0, side, method) == 2 * slope * side
    assert hessian(lambda x: x * kink(x), 0.0) @ side == 2 * slope * side


def test_ties_share_equally_at_both_orders():
    x = np.array([[2.0, 1.0, 2.0], [2.0, 0.0, -1.0]])
    assert np.array_equal(grad(np.max)(x), (x == 2) / 3)
    assert np.array_equal(grad(lambda x: np.sum(np.max(x, axis=1)))(x), [[0.5, 0, 0.5], [1, 0, 0]])
    assert np.array_equal(grad(lambda x: np.sum(np.maximum(x, 2.0)))(x), (x == 2) / 2)
    expected = 2 * np.sum((x == 2) / 3 * x) * (x == 2) / 3
    for method in EXACT:
        np.testing.assert_allclose(hvp(lambda x: np.max(x) ** 2, x, x, method), expected, rtol=1e-14)


# ------------------------------------------------------------- gradients that gather in slices of theta

X = normal(50, 6, seed=5)


def cut(theta, *slices):
    """The sum of squares of some matrices, slices of theta, times X."""
    return sum(np.sum(np.sin(np.reshape(theta[s], (-1, 50)) @ X)) for s in slices)


def many(theta, n):
    """One half in so many places that a small counter of them would overflow, the other in a product."""
    return sum(np.sum(np.sin(theta[:1000] * (k / n))) for k in range(n)) + cut(theta, slice(1000, 2000))


W = slice(0, 1000)
OF_A_VECTOR = {
    "side by side": lambda t: cut(t, slice(0, 1000), slice(1000, 2000)),
    "a gap": lambda t: cut(t, slice(0, 500), slice(1500, 2000)),
    "overlapping": lambda t: cut(t, slice(0, 1000), slice(500, 1500)),
    "nested": lambda t: cut(t, slice(0, 2000), slice(500, 1000)),
    "interleaved": lambda t: cut(t, slice(0, None, 2), slice(1, None, 2)),
    "strided and whole": lambda t: cut(t, slice(0, None, 4), slice(None)),
    "backwards": lambda t: cut(t, slice(None, None, -1)),
    "half backwards": lambda t: cut(t, slice(0, 1000), slice(None, 999, -1)),
    "every other": lambda t: cut(t, slice(None, None, 2)),
    "reversed": lambda t: cut(t, slice(None, None, -1), slice(999, None, -1)),
    "twice": lambda t: cut(t, W, W),
    "one view twice": lambda t: (lambda A: np.sum(np.sin(A @ X) * np.cos(A @ X)))(np.reshape(t[W], (20, 50))),
    "a view and its sum": lambda t: (lambda A: np.sum(np.sin(A @ X)) + np.sum(A) ** 2)(np.reshape(t[W], (20, 50))),
    "both sides": lambda t: np.sum(np.sin(np.reshape(t[W], (20, 50)) @ np.reshape(t[1000:], (50, 20)))),
    "both sides, one slice": lambda t: np.sum(np.sin(np.reshape(t[W], (20, 50)) @ np.reshape(t[W], (50, 20)))),
    "a sum of slices": lambda t: np.sum(np.sin((np.reshape(t[:1000], (20, 50)) + np.reshape(t[1000:], (20, 50))) @ X)),
    "a sum and a slice": lambda t: (
        np.sum(np.sin((np.reshape(t[W], (20, 50)) + np.reshape(t[1000:], (20, 50))) @ X)) + cut(t, W)
    ),
    "a bias": lambda t: np.sum(np.sin(normal(100, 50) + t[:50])) + np.sum(np.cos(normal(10, 10, 50) * t[25:75])),
    "one number for many": lambda t: np.sum(np.sin(normal(100, 50) * t[7:8])) + np.sum(np.cos(normal(100, 50) * t[8])),
    "a square": lambda t: (lambda A: np.sum(np.sin(A @ A)))(np.reshape(t[:1600], (40, 40))),
    "transposed": lambda t: np.sum(np.sin(X.T @ np.reshape(t[W], (20, 50)).T)),
    "linear": lambda t: np.sum(np.reshape(t[W], (20, 50)) @ X) + cut(t, slice(1000, 2000)),
    "linear, the right factor": lambda t: np.sum(X.T @ np.reshape(t[W], (50, 20))) + cut(t, slice(1000, 2000)),
    "only linear": lambda t: np.sum(np.reshape(t[W], (20, 50)) @ X) + np.sum(X.T @ np.reshape(t[1000:], (50, 20))),
    "the right factor": lambda t: np.sum(np.sin(X.T @ np.reshape(t[W], (50, 20)))),
    "slices of slices": lambda t: cut(t[200:1800][100:1100], slice(0, 500), slice(500, 1000)),
    "fancy with repeats": lambda t: cut(t[np.arange(1000) // 2], slice(None)) + t[[3, 3, 3]].sum() ** 2,
    "fancy and products": lambda t: cut(t, W) + np.sum(t[[0, 0, 7, 1500]] ** 3),
    "boolean": lambda t: np.sum(t[MASK] ** 3) + cut(t, W),
    "elements": lambda t: cut(t, W) + t[0] * t[1] * t[-1] + t[1500] ** 2,
    "one element, many times": lambda t: cut(t, slice(1000, 2000)) + t[3] * t[3] * t[3] + t[3],
    "new axes": lambda t: cut(t[None][0], W) + np.sum(t[:, None] * t[:5]),
    "the whole theta too": lambda t: cut(t, W, slice(1000, 2000)) + np.sum(t**2) / 2,
    "the whole theta first": lambda t: np.sum(t**2) / 2 + cut(t, W, slice(1000, 2000)),
    "weight decay of a part": lambda t: cut(t, W) + 0.1 * np.sum(np.square(t[W])),
    "an empty slice": lambda t: cut(t, W, slice(5, 5)) + np.sum(t[7:7] ** 2),
    "unused": lambda t: cut(t, W) + 0.0 * len(np.reshape(t[1000:], (20, 50)) @ X),
    "used by what is unused": lambda t: (np.reshape(t[1000:], (20, 50)) @ X, cut(t, W))[1],
    "a constant's": lambda t: cut(t, W) + np.sum(np.sign(np.reshape(t[1000:], (20, 50)) @ X)),
    "through other functions": lambda t: cut(np.flip(t) * np.tanh(t), W) + cut(t, W),
    "130 times": lambda t: many(t, 130),
    "257 times": lambda t: many(t, 257),
    "a product of a product": lambda t: np.sum(np.reshape(t[:400], (8, 50)) @ (X @ np.reshape(t[1600:1996], (6, 66)))),
}
MASK = normal(2000, seed=3) > 0
OF_A_MATRIX = {
    "whole": lambda t: np.sum(np.sin(t @ X)),
    "whole, the right factor": lambda t: np.sum(np.sin(X[:40].T @ t)),
    "whole and decay": lambda t: np.sum(np.sin(t @ X)) + np.sum(t * t),
    "rows": lambda t: np.sum(np.sin(t[:20] @ X)) + np.sum(np.cos(t[20:] @ X)),
    "columns": lambda t: np.sum(np.sin(t[:, :25] @ X[:25])) + np.sum(np.cos(t[:, 25:] @ X[:25])),
    "overlapping rows": lambda t: np.sum(np.sin(t[:30] @ X)) + np.sum(np.cos(t[10:] @ X)),
    "a row and a column": lambda t: np.sum(np.sin(t[3] @ X)) + np.sum(t[:, 4] ** 3) + t[3, 4] ** 2,
    "with its transpose": lambda t: np.sum(np.sin(t @ t.T)),
    "flattened": lambda t: cut(np.ravel(t), W) + np.sum(np.sin(t @ X)),
    "a block": lambda t: np.sum(np.sin(t[5:25, 10:] @ X[:40])) + t[0, 0] ** 2 + np.sum(t[10:12, 20:] ** 3),
}
LAYOUTS = {"C": np.copy, "strided": lambda x: np.repeat(x, 2, -1)[..., ::2], "Fortran": np.asfortranarray}
SLICED = [(f, (2000,), k, layout) for k, f in OF_A_VECTOR.items() for layout in ("C", "strided")]
SLICED += [(f, (40, 50), k, layout) for k, f in OF_A_MATRIX.items() for layout in LAYOUTS]


def poisoned(shape, dtype=float):
    """Memory that was not set."""
    return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 0, dtype)


@patch.object(np, "empty", poisoned)
def gathers(loss, theta, v):
    """Gradients and products by every route are those of a program with no view of theta, and of the tangents."""

    def apart(theta):
        return loss(theta * 1.0)  # the slices' gradients arrive at a new array, and are assembled there

    g, exact = vjp(loss, theta)[1](1.0), jvp(grad(apart), theta, v)[1]
    scale = 1 + np.max(np.abs(exact), initial=0.0)
    near = {"rtol": 1e-12, "atol": 1e-12 * scale}
    assert np.sum(g * v) == pytest.approx(jvp(loss, theta, v)[1], rel=1e-10, abs=1e-10)
    for answer in (grad(loss)(theta), grad(apart)(theta), jvp(grad(loss), theta, v)[0], hessian(loss, theta).gradient):
        np.testing.assert_allclose(answer, g, rtol=1e-12, atol=1e-12)
    for method in EXACT:
        np.testing.assert_allclose(hvp(loss, theta, v, method), exact, **near, err_msg=method)
    H = hessian(loss, theta)
    for _ in range(2):
        np.testing.assert_allclose(H @ v, exact, **near)
    np.testing.assert_allclose(hessian(apart, theta) @ v, exact, **near)


@pytest.mark.parametrize(
    ("loss", "shape", "name", "layout"), SLICED, ids=[f"{k}, {layout}" for _, _, k, layout in SLICED]
)
def test_gradients_gather_in_slices_of_theta(loss, shape, name, layout):
    theta, v = LAYOUTS[layout](normal(*shape, seed=1) / 5), normal(*shape, seed=2)
    gathers(loss, theta, v)


@given(
    st.sampled_from([40, 1200]),
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from([1, 1, 1, 2, -1, -3]), st.integers(0, 5)),
        max_size=6,
    ),
    st.integers(0, 2**32 - 1),
)
def test_gradients_gather_in_any_slices(n, pieces, seed):
    def loss(theta):
        total = 0.1 * np.sum(np.sin(theta)) if seed % 2 else 0.0 * theta[0]
        for start, stop, stride, use in pieces:
            part = theta[:: 1 if stride > 0 else -1][int(start * n) : int(stop * n) : abs(stride)]
            rows = np.reshape(part[: len(part) // 2 * 2], (2, -1))
            match use:
                case 0:
                    total = total + np.sum(part**3)
                case 1 | 2:
                    total = total + np.sum(np.tanh(rows @ np.ones((rows.shape[1], 2))))
                case 3:
                    total = total + np.sum(np.tanh(np.ones((3, 2)) @ rows))
                case 4:
                    total = total + np.sum(np.tanh(rows @ rows.T))
                case 5:
                    total = total + np.sum(np.sin(part[np.arange(len(part)) // 2]))
        return total

    theta, v = np.random.default_rng(seed).uniform(-1, 1, (2, n))
    gathers(loss, theta, v)


# -------------------------------------------------------------------------------------------- the door


@pytest.mark.parametrize(
    ("theta", "error", "says"),
    [
        (2, TypeError, r"float\(theta\)"),
        (True, TypeError, r"float\(theta\)"),
        (np.arange(3), TypeError, r"theta\.astype\(float\)"),
        (np.ones(2, complex), TypeError, "complex128"),
        ([object()], TypeError, "object"),
        (np.ma.masked_array([1.0, 2.0], [0, 1]), TypeError, r"theta\.filled"),
        (np.array([1.0, np.nan]), ValueError, "theta has a NaN"),
        (np.inf, ValueError, "theta has a NaN or an infinity"),
    ],
)
def test_bad_parameters_are_refused(theta, error, says):
    for route in (grad(np.sum), value_and_grad(np.sum), lambda t: hessian(np.sum, t), lambda t: hvp(np.sum, t, t)):
        with pytest.raises(error, match=says):
            route(theta)


@pytest.mark.parametrize("result", [None, (1.0, 2.0), {}, "one", 1j])
def test_a_loss_is_a_real_number(result):
    for route in (grad, lambda f: lambda t: hessian(f, t), lambda f: lambda t: hvp(f, t, t)):
        with pytest.raises(TypeError, match=r"np\.stack|real numbers are needed"):
            route(lambda x: result)(np.ones(2))


@pytest.mark.parametrize("loss", [lambda x: x, lambda x: x[:1], lambda x: np.ones(2), lambda x: np.ones((1, 1)) * x[0]])
def test_a_loss_that_is_no_scalar_is_refused(loss):
    for route in (grad, lambda f: lambda t: hessian(f, t), lambda f: lambda t: hvp(f, t, t)):
        with pytest.raises(ValueError, match=r"only a scalar has a gradient.*np\.sum or np\.mean of it, or vjp"):
            route(loss)(np.ones(2))


def test_a_covector_has_the_value_s_shape_and_is_of_floats():
    pullback = vjp(np.sin, np.ones(3))[1]
    with pytest.raises(ValueError, match=r"\(2,\) and f\(x\) \(3,\)"):
        pullback(np.ones(2))
    with pytest.raises(TypeError, match="astype"):
        pullback(np.ones(3, int))


def in_place(x):
    y = 2 * x
    y[0] = 1.0
    return np.sum(y)


def in_place_sum(x):
    total = np.zeros(2)
    for row in x:
        total += row
    return np.sum(total)


def filled(x):
    out = np.zeros(2)
    for i in range(2):
        out[i] = np.sum(x[i])
    return np.sum(out)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (
            in_place,
            r"x\[i\] = \.\.\.: an array is not changed in place.*in in_place, line \d+: `y\[0\] = 1\.0`.*np\.where",
        ),
        (in_place_sum, r"np\.add: an array is not changed in place.*`total \+= row`.*y = x \+ dx"),
        (filled, r"float: a plain number would lose the derivative.*`out\[i\] = .*np\.stack"),
        (lambda x: np.sum(x * np.ma.masked_array(np.eye(2), np.eye(2))), r"np\.multiply: a MaskedArray.*np\.where"),
        (lambda x: np.sum(x * np.eye(2).view(np.matrix)), r"np\.multiply: a matrix has rules of its own.*np\.asarray"),
        (lambda x: np.sum(np.asarray(x)), r"np\.asarray: a plain number would lose the derivative.*stay in NumPy"),
    ],
)
def test_what_would_lose_the_derivative_says_what_to_write(loss, says):
    routes = [grad, lambda f: lambda t: hessian(f, t)]
    routes += [lambda f, m=m: lambda t: hvp(f, t, t, m) for m in EXACT]
    for route in routes:
        with pytest.raises(UnsupportedError, match=says):
            route(loss)(np.ones((2, 2)))


LISTS = {
    "x * [..]": lambda x, c: np.sum(x * c * x[0]),
    "[..] * x": lambda x, c: np.sum(c * x[1]),
    "x @ [[..]]": lambda x, c: np.sum(x @ [c, c] * x),
    "[[..]] @ x": lambda x, c: np.sum(([c, c] @ x) ** 2),
    "[..] ** x": lambda x, c: np.sum(c ** x[0]) + np.sum(x[0] ** c),
    "dot": lambda x, c: np.dot(x, c) ** 2 + np.dot(c, x),
    "maximum": lambda x, c: np.sum(np.maximum(x[0], c) * x),
    "where": lambda x, c: np.sum(np.where([True, False], x, c) ** 2),
    "convolve": lambda x, c: np.sum(np.convolve(c, x) ** 2),
    "concatenate": lambda x, c: np.sum(np.concatenate([x, c]) ** 2),
    "einsum": lambda x, c: np.einsum("i,i,i", x, c, x),
    "solve": lambda x, c: np.sum(np.linalg.solve([c, c[::-1]], x) ** 2),
    "tuples": lambda x, c: np.sum(np.add(x, tuple(c)) * tuple(c) * x),
}


@pytest.mark.parametrize("loss", LISTS.values(), ids=LISTS)
def test_a_list_is_as_good_a_constant_as_an_array(loss):
    x, v = np.array([1.5, 0.5]), np.array([1.0, -2.0])
    plain, listed = (lambda x, c=c: loss(x, c) for c in (np.array([1.0, 3.0]), [1.0, 3.0]))
    assert np.array_equal(grad(listed)(x), grad(plain)(x))
    assert jvp(listed, x, v) == jvp(plain, x, v)
    assert complex_step(listed, x, v) == complex_step(plain, x, v)
    for method in EXACT:
        assert np.array_equal(hvp(listed, x, v, method), hvp(plain, x, v, method))
    assert np.array_equal(hessian(listed, x) @ v, hessian(plain, x) @ v)


def test_a_function_without_a_reverse_rule_says_how_to_add_it():
    from mathlib.primitives import TABLE, general, primitive

    @primitive
    def cube(x):
        return x**3

    general(cube, lambda y, x, dx: 3 * x**2 * dx)
    try:
        assert jvp(cube, 2.0, 1.0) == (8.0, 12.0)
        with pytest.raises(UnsupportedError, match=r"cube.*reverse mode.*transposes="):
            grad(cube)(2.0)
    finally:
        del TABLE[cube]


def test_not_a_number_is_reported_where_it_arose():
    def loss(x):
        y = x - 1.0
        z = np.log(y)
        return np.sum(z * x)

    def kinked(x):
        r = np.sqrt(x)
        return np.sum(r)

    everywhere = [grad, lambda f: lambda t: hessian(f, t), *(lambda f, m=m: lambda t: hvp(f, t, t, m) for m in EXACT)]
    for route in everywhere:
        with pytest.raises(
            FloatingPointError, match=r"loss is NaN or inf.*np\.log in loss, line \d+: `z = np\.log\(y\)`"
        ):
            route(loss)(np.array([2.0, 0.5]))
        with pytest.raises(
            FloatingPointError, match=r"NaN or inf.*np\.sqrt.* in kinked, line \d+: `r = np\.sqrt\(x\)`"
        ):
            route(kinked)(np.array([1.0, 0.0]))
        with pytest.raises(FloatingPointError, match=r"NaN or infinite.*np\.exp"):
            route(lambda x: np.sum(np.exp(x)))(np.full(2, 800.0))
    with pytest.raises(FloatingPointError, match="constant"):
        grad(lambda x: np.nan)(1.0)
    for route in (*everywhere[2:], lambda f: lambda t: hessian(f, t) @ t):
        with pytest.raises(FloatingPointError, match=r"NaN or infinite.*pow"):  # the second derivative alone
            route(lambda x: np.sum(x**1.5))(np.array([0.0, 1.0]))


def test_a_pullback_reports_where_it_ceased_to_be_finite():
    pullback = vjp(lambda x: np.sqrt(x) * 2.0, np.array([1.0, 0.0]))[1]
    with pytest.raises(FloatingPointError, match=r"derivative of np\.sqrt, in <lambda>, line \d+"):
        pullback(np.ones(2))
    with pytest.raises(ValueError, match="w has a NaN"):
        pullback(np.array([np.nan, 1.0]))


def test_what_is_not_selected_may_be_nan():
    x = np.array([0.0, 4.0])

    def loss(x):
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0) ** 3)

    np.testing.assert_allclose(grad(loss)(x), [0.0, 3.0], rtol=1e-14)
    np.testing.assert_allclose(hvp(loss, x, np.ones(2)), [0.0, 0.375], rtol=1e-14)


# ------------------------------------------------------------------------------------------- nesting


MODES = {"reverse": lambda f, x: grad(f)(x), "dual": lambda f, x: jvp(f, x, 1.0)[1]}


@pytest.mark.parametrize("inner", MODES.values(), ids=MODES)
@pytest.mark.parametrize("outer", MODES.values(), ids=MODES)
def test_perturbations_are_not_confused(outer, inner):
    # d/dx [x d/dy (x + y)] = 1, not 2 (Siskind and Pearlmutter 2005), whichever modes are nested.
    assert outer(lambda x: x * inner(lambda y: x + y, 1.0), 1.0) == 1.0
    assert outer(lambda x: inner(lambda y: x, 1.0) + x * x, 3.0) == 6.0
    assert outer(lambda x: inner(lambda y: x * x * y * y, 3.0), 2.0) == 24.0
    assert outer(lambda x: x * inner(lambda y: y * inner(lambda z: x * y * z, 5.0), 3.0), 2.0) == 24.0


def test_a_hyperparameter_of_the_gradient_can_be_differentiated():
    x, v = normal(4, seed=1), normal(4, seed=2)

    def loss(decay):
        return lambda x: np.sum(np.tanh(x)) + decay**2 * np.sum(x**3)

    np.testing.assert_allclose(jvp(lambda a: grad(loss(a))(x), 1.5, 1.0)[1], 2 * 1.5 * 3 * x**2, rtol=1e-13)
    np.testing.assert_allclose(complex_step(lambda a: grad(loss(a))(x), 1.5), 2 * 1.5 * 3 * x**2, rtol=1e-13)
    expected = np.sum(2 * 1.5 * 6 * x * v)
    for method in ("dual", "double_backprop"):
        by_grad = grad(lambda a, m=method: np.sum(hvp(loss(a), x, v, m)))(1.5)
        by_jvp = jvp(lambda a, m=method: np.sum(hvp(loss(a), x, v, m)), 1.5, 1.0)[1]
        assert by_grad == pytest.approx(expected, rel=1e-12)
        assert by_jvp == pytest.approx(expected, rel=1e-12)
    assert hvp(lambda a: np.sum(grad(loss(a))(x)), 1.5, 1.0) == pytest.approx(np.sum(6 * x**2), rel=1e-12)


def test_a_step_of_descent_can_be_differentiated():
    def after(eta):
        x = np.array([1.0, -2.0])
        for _ in range(3):
            x = x - eta * grad(lambda x: np.sum(x**4) / 4)(x)
        return np.sum(x**2)

    slope = (after(0.1 + 2**-20) - after(0.1 - 2**-20)) / 2**-19
    for answer in (grad(after)(0.1), jvp(after, 0.1, 1.0)[1]):
        assert answer == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("order", range(1, 6))
def test_gradients_nest_to_any_depth(order):
    f, exact = (lambda x: x**5), 1.0
    for k in range(order):
        f, exact = grad(f), exact * (5 - k)
    assert f(2.0) == pytest.approx(exact * 2.0 ** (5 - order), rel=1e-14)


def test_an_escaped_node_raises():
    escaped = []
    grad(lambda x: escaped.append(x * 2) or np.sum(x))(np.ones(2))
    for use in (
        lambda: escaped[0] + 1.0,
        lambda: escaped[0] > 0,
        lambda: grad(lambda y: np.sum(y * escaped[0]))(np.ones(2)),
    ):
        with pytest.raises(EscapedError, match="escaped"):
            use()
    with pytest.raises(EscapedError, match="escaped"):
        grad(lambda y: np.sum(escaped[0]))(np.ones(2))


def test_hand_made_numbers_have_gradients_too():
    x = Dual(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    g = grad(lambda x: np.sum(x**3))(x)
    assert np.array_equal(g.value, [3.0, 12.0])
    assert np.array_equal(g.tangent, [6.0, 0.0])


# ------------------------------------------------------------------------- depth, memory, threads, graphs


def test_a_hundred_thousand_nodes():
    def by_loop(x):
        total = 0.0
        for _ in range(33_334):
            total = np.sin(total) + x * x  # three nodes
        return total

    def by_elements(x):
        total = x[0]
        for i in range(1, 50_000):
            total = total + x[i]
        return total

    assert np.isfinite(grad(by_loop)(0.5))
    assert np.array_equal(grad(by_elements)(normal(50_000)), np.ones(50_000))


def test_a_deep_loss_s_hessian():
    def loss(x):
        y = x
        for _ in range(1_000):
            y = y + 1e-3 * np.sin(y)
        return np.sum(y * y)

    x, v = normal(2), np.ones(2)
    np.testing.assert_allclose(hessian(loss, x) @ v, hvp(loss, x, v), rtol=1e-12)


@pytest.mark.parametrize(
    "route",
    [
        lambda f, x: grad(f)(x),
        lambda f, x: vjp(f, x)[1](1.0),
        lambda f, x: jvp(f, x, x),
        *(lambda f, x, m=m: hvp(f, x, x, m) for m in EXACT),
        lambda f, x: hessian(f, x) @ x,
        lambda f, x: grad(lambda x: np.sum(grad(f)(x) ** 2))(x),
    ],
)
def test_memory_is_freed_with_the_graph(route):
    class Tracked(np.ndarray):
        pass

    watched = []

    def loss(x, fail=False):
        constant = normal(3).view(Tracked)
        watched.append(weakref.ref(constant))
        y = np.sum(np.tanh(x * constant) ** 2)
        if fail:
            raise RuntimeError("the loss failed")
        return y

    gc.collect()
    gc.disable()
    try:
        route(loss, np.ones(3))
        assert watched
        assert not any(r() is not None for r in watched)
        with contextlib.suppress(RuntimeError):
            route(lambda x: loss(x, fail=True), np.ones(3))
        assert not any(r() is not None for r in watched)
    finally:
        gc.enable()


def in_threads(work, n=4):
    """Whatever `work(k)` gives, for k = 0, ..., n - 1 at the same time."""
    results, barrier = [None] * n, threading.Barrier(n)

    def run(k):
        barrier.wait()
        results[k] = work(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return results


def network(theta):
    A, B = np.reshape(theta[:600], (20, 30)), np.reshape(theta[600:1200], (30, 20))
    return np.sum(np.tanh(np.tanh(X[:20, :4].T @ A) @ B) ** 2)


def test_threads_do_not_interfere():
    theta, vs = normal(1200), normal(4, 1200, seed=1)
    H = hessian(network, theta)
    alone = [(H @ v, grad(network)(v), hvp(network, theta, v)) for v in vs]

    def work(k):
        return [(H @ vs[k], grad(network)(vs[k]), hvp(network, theta, vs[k])) for _ in range(30)]

    for k, results in enumerate(in_threads(work)):
        for result in results:
            assert all(np.array_equal(a, b) for a, b in zip(result, alone[k], strict=True))


def test_a_node_of_another_thread_s_run_is_refused_once_that_run_has_ended():
    def work(k):
        kept = []
        grad(lambda x: kept.append(x) or np.sum(x * k))(np.ones(2))
        return kept[0]

    for node in in_threads(work, 2):
        with pytest.raises(EscapedError):
            node + 1.0


def test_the_graph_lists_what_the_result_needs():
    text = str(Graph(lambda x: (np.cos(x), np.sum(np.exp(x) * np.array([1.0, 2.0])))[1], np.ones(2)))
    assert "cos" not in text
    assert [line.split(" = ")[0] for line in text.splitlines()] == ["%0", "%1", "%2", "%3"]
    assert "array(2,)" in text
    with pytest.raises(ValueError, match="has no graph"):
        Graph(lambda x: 1.0, 1.0)


# ------------------------------------------------------------------------------ data that change


def doubled(x):
    c, total = np.linspace(1, 2, x.size), 0.0
    for _ in range(2):
        total = total + np.mean((c * x) ** 2)
        c *= 2
    return total


def refilled(x):
    buffer, total = np.zeros(x.size), 0.0
    for k in (1, 2):
        buffer[:] = k
        total = total + np.tanh(x @ buffer)
    return total


def through_an_owner(x):
    rows = np.ones((2, x.size))
    y = np.mean(np.tanh(rows[0] * x))
    rows += 1
    return y


def masked_again(x):
    mask = np.arange(x.size) % 2 == 0
    y = np.mean(np.where(mask, x, 0.0))
    np.logical_not(mask, out=mask)
    return y + np.mean(np.where(mask, x**2, 0.0))


def reordered(x):
    order = np.arange(x.size)
    y = np.mean(x[order] * np.sin(np.arange(x.size)))
    order += 1
    return y


CHANGES = [doubled, refilled, through_an_owner, masked_again, reordered]


def relisted(x):
    i, y = [0, 0], 0.0
    for k in range(3):
        i[0], i[1] = k, -k
        y = y + np.sum(np.sin(x[i])) + np.sum(np.cos(x[slice(np.array(k), None)]))
    i.clear()
    return y


def through_a_view_of_a_locked_view(x):
    base = np.ones(x.size)
    locked = base[:]
    locked.flags.writeable = False
    y = np.tanh(x @ locked)
    base *= 2
    return y


def in_one_place_of_many(x):
    c = np.ones(x.size)
    y = np.tanh(x @ c)
    c[1] = 3.0  # the sum of its words, and nearly all samples, could stay the same
    c[2] = 1.0
    return y + x @ c


CHANGES += [relisted, through_a_view_of_a_locked_view, in_one_place_of_many]


@pytest.mark.parametrize("n", [6, 5000])
@pytest.mark.parametrize("loss", CHANGES)
def test_data_are_read_as_they_were(loss, n):
    x, v = normal(n) / n, normal(n, seed=1)
    slope, curvature = jvp(loss, x, v)[1], jvp(lambda x: jvp(loss, x, v)[1], x, v)[1]
    assert grad(loss)(x) @ v == pytest.approx(slope, rel=1e-11)
    assert vjp(loss, x)[1](1.0) @ v == pytest.approx(slope, rel=1e-11)
    scale = np.linalg.norm(v) ** 2  # terms of both signs: relative to their size
    assert hessian(loss, x).quadratic(v, v) == pytest.approx(curvature, rel=1e-11, abs=1e-14 * scale)
    for method in EXACT:
        assert hvp(loss, x, v, method) @ v == pytest.approx(curvature, rel=1e-11, abs=1e-14 * scale)


def test_a_frozen_array_is_not_copied():
    data = np.ones(5000)
    data.flags.writeable = False
    assert kept(data, {}) is data
    assert kept(data[1:], {}).base is not None
    assert kept(np.frombuffer(b"12345678"), {}).base is not None
    data.flags.writeable = True
    view = data[:]
    view.flags.writeable = False
    assert kept(view, {}).base is None


def test_theta_changed_in_place_by_the_program_is_read_as_it_was():
    theta = np.array([1.0, 2.0])

    def loss(x):
        y = np.sum(x**3)
        theta[:] = 7.0
        return y

    np.testing.assert_allclose(hvp(loss, theta, np.ones(2)), [6.0, 12.0], rtol=1e-15)
    theta[:] = 1.0, 2.0
    np.testing.assert_allclose(hessian(loss, theta) @ np.ones(2), [6.0, 12.0], rtol=1e-15)


@pytest.mark.parametrize("n", [3, 5000])
def test_what_no_rule_reads_may_change(n):
    def loss(x):
        c, total = np.ones(n), 0.0
        for _ in range(3):
            total = total + np.sum(np.sin(x + c))
            c += 1
        return total

    x = normal(n)
    np.testing.assert_allclose(grad(loss)(x), sum(np.cos(x + k) for k in (1, 2, 3)), rtol=1e-12)


@pytest.mark.parametrize("n", [3, 5000])
def test_later_changes_of_the_data_do_not_show(n):
    X, t = normal(4, n), normal(n, seed=1)
    H, (y, pullback) = hessian(lambda t: np.sum(np.tanh(X @ t)), t), vjp(lambda t: np.tanh(X @ t), t)
    Hv, w = H @ t, pullback(np.ones(4))
    X *= 0.5
    y -= 1.0
    np.testing.assert_array_equal(H @ t, Hv)
    np.testing.assert_array_equal(pullback(np.ones(4)), w)


def test_threads_share_their_data():
    X, x = normal(400, 5), np.ones(5)

    def work(k):
        rows = X[100 * k : 100 * (k + 1)]
        for _ in range(100):
            g = grad(lambda t: np.sum(np.tanh(rows @ t) ** 2))(x)
        assert rows.flags.writeable
        return g

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, range(4)))
    for g, alone in zip(together, map(work, range(4)), strict=True):
        np.testing.assert_array_equal(g, alone)


@pytest.mark.parametrize(
    "dtype", [float, np.float32, np.longdouble, complex, int, bool, np.float16, "U3", "S5", "M8[D]"]
)
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::2],
        lambda a: a[:, ::-1],
        lambda a: np.broadcast_to(a[0], (80, 70)),
        lambda a: a.reshape(10, 8, 70).transpose(2, 0, 1),
    ],
)
def test_of_a_constant_that_stays_as_it_is_a_tape_holds_one_copy(view, dtype):
    base, copies = np.arange(80 * 70).reshape(80, 70).astype(dtype), {}
    copy = kept(view(base), copies)
    assert kept(view(base), copies) is copy
    assert not np.shares_memory(copy, base)
    before = view(base).copy()
    base[:] = base[::-1, ::-1].copy()  # the same numbers in other places
    after = kept(view(base), copies)
    assert np.array_equal(copy, before)
    assert np.array_equal(after, view(base))


def test_a_recurrence_holds_its_matrix_once():
    W = np.eye(100)

    def loss(x):
        for _ in range(50):
            x = np.tanh(W @ x)
        return np.sum(x)

    tape = record(loss, np.ones(100))[1]
    matrices = {id(a) for _, _, _, values, _, _ in tape for a in values if np.shape(a) == W.shape}
    assert len(matrices) == 1
