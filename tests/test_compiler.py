"""The laws of compiled losses: they are the losses, in every derivative, and see or refuse what a trace would miss."""

import collections
import functools
import gc
import itertools
import operator
import pickle
import random
import threading
import time
import types
import weakref

import numpy as np
import pytest
import scipy.sparse
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from programs import LINEAR, ORACLE, SMOOTH, each
from test_random_programs import cases

from mathlib import (
    UnsupportedError,
    check_grad,
    compiled,
    complex_step,
    grad,
    grad_and_hvp,
    hessian,
    hvp,
    jvp,
    value_and_grad,
    vjp,
)
from mathlib.arithmetic import TABLE, elementwise, general, name_of, primitive
from mathlib.compiler import Compiled
from mathlib.nn import cnn, conv2d, max_pool, mlp, softmax_cross_entropy
from mathlib.optimize import bfgs, damped_newton, lbfgs, minimize, modified_newton, newton, newton_cg
from mathlib.stochastic import adam, minibatches, momentum, sgd

X3 = np.array([0.3, -0.7, 1.2])
# A plan does what the loss does, but adds in another order where parts of a gradient are put together, where products
# are joined, and in H v, whose products are those of the recorded gradient: some roundings of the largest term.
ROUNDINGS = {np.dtype(float): 1e-11, np.dtype(np.float32): 1e-4}


def near(a, b):
    assert np.shape(a) == np.shape(b)
    assert a.dtype == b.dtype
    tolerance = ROUNDINGS[b.dtype]
    np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * np.max(np.abs(a), initial=0.0))


def outcome(route, *args):
    """What a route gives, or the error that it raises."""
    try:
        with np.errstate(all="ignore"):
            return route(*args)
    except Exception as error:
        return type(error), str(error)


def agree(route, plain, fast):
    """The same answer, or the same error."""
    a, b = outcome(route, plain), outcome(route, fast)
    errors = [y if isinstance(y, tuple) and isinstance(y[0], type) else None for y in (a, b)]
    if any(errors):
        assert errors[0] == errors[1]
    elif isinstance(a, tuple):
        for p, q in zip(a, b, strict=True):
            near(np.asarray(p), np.asarray(q))
    else:
        near(np.asarray(a), np.asarray(b))


def calls(x, v, V):
    """Every way to ask a loss for its derivatives at x."""
    return {
        "value": lambda f: f(x),
        "value_and_grad": lambda f: value_and_grad(f)(x),
        "grad": lambda f: grad(f)(x),
        "hvp": lambda f: hvp(f, x, v),
        "hvp of a block": lambda f: hvp(f, x, V),
        "grad_and_hvp": lambda f: grad_and_hvp(f, x, v),
        "H @ v": lambda f: hessian(f, x) @ v,
        "H @ V": lambda f: hessian(f, x) @ V,
    }


def scalar(program, x):
    """A loss made of a program, nowhere linear, of x's precision."""
    w = np.random.default_rng(8).uniform(0.5, 1.5, np.shape(program(x))).astype(x.dtype)
    return lambda x: np.sum(w * np.sin(program(x)))


def plans(fast):
    return sum(map(len, fast.plans.values()))


# ---------------------------------------------------------------------------------- every row, every derivative


def rows_agree(program, points, routes=None):
    loss = scalar(program, points[0])
    fast = compiled(loss)
    rng = np.random.default_rng(3)
    for x in (*points, points[0]):
        v, V = (rng.standard_normal((*np.shape(x), *k)).astype(x.dtype)[()] for k in ((), (3,)))
        for route in (calls(x, v, V) if routes is None else routes(x, v)).values():
            agree(route, loss, fast)


def points(shape, dtype=float):
    return [a[()] for a in np.random.default_rng(4).standard_normal((2, *shape)).astype(dtype)]


def in_domain(function, dtype=float):
    n, (low, high) = len(TABLE[function].partials), ORACLE[function][1]
    rng = np.random.default_rng(10)
    return n, [rng.uniform(low + 0.1, high - 0.1, (n, 5)).astype(dtype) for _ in range(2)]


# NumPy 2.5 gives a pair of complex arrays, real or not, which a compiled program refuses.
COMPLEX = {np.linalg.eig} if np.iscomplexobj(np.linalg.eig(np.eye(2))[0]) else set()


@pytest.mark.parametrize(("program", "shape"), each({f: a for f, a in (LINEAR | SMOOTH).items() if f not in COMPLEX}))
def test_a_row_compiled_is_the_row(program, shape):
    rows_agree(program, points(shape))


def test_a_pair_of_complex_arrays_is_refused_in_a_compiled_program():
    fast, theta = compiled(lambda a: np.sum(np.linalg.eig(a)[0].real)), np.diag([1.0, 2.0])
    if not COMPLEX:
        assert fast(theta) == pytest.approx(3)
        return
    with pytest.raises(UnsupportedError, match=r"complex128 .*: real numbers are needed"):
        fast(theta)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_an_elementwise_row_compiled_is_the_row(function):
    n, xs = in_domain(function)
    rows_agree(lambda x: function(*(x[i] for i in range(n))), xs)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_an_elementwise_row_of_numbers_without_axes_is_the_row(function):
    n, xs = in_domain(function)
    rows_agree(lambda x: function(*(x[i, 0] for i in range(n))), xs)


def in_float32(x, v):
    known = calls(x, v, None)
    return {k: known[k] for k in ("value_and_grad", "hvp", "H @ v")}


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_an_elementwise_row_of_float32_is_the_row(function):
    n, xs = in_domain(function, np.float32)
    rows_agree(lambda x: function(*(x[i] for i in range(n))), xs, in_float32)


NETWORKS = ["mlp", "cnn", "max_pool"]


def network(name, dtype=float):
    """A loss of theta, and data, and theta; smaller data; targets are labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 12)
    if name == "mlp":
        theta, model = mlp([6, 5, 3])
        X = rng.standard_normal((12, 6))
    elif name == "cnn":
        theta, model = cnn((8, 8, 1), (2, 3), F=3, classes=3)
        X = rng.standard_normal((12, 8, 8, 1))
    else:
        theta, X = rng.standard_normal(27), rng.standard_normal((12, 6, 6, 1))

        def model(theta, X):
            return np.sum(max_pool(conv2d(X, np.reshape(theta, (3, 3, 1, 3)), 1), 2), axis=(1, 2))

    return lambda theta, X, y: softmax_cross_entropy(model(theta, X), y), theta.astype(dtype), X.astype(dtype), y


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_compiled_is_the_network(name, dtype):
    loss, theta, X, y = network(name, dtype)
    fast = compiled(loss)
    for data in ((X, y), (X[:5], y[:5]), (X[::-1], np.flip(y)), (X, y)):
        agree(lambda f, data=data: f(theta, *data), loss, fast)
        agree(lambda f, data=data: value_and_grad(f)(theta, *data), loss, fast)
        agree(lambda f, data=data: grad(f)(theta, X=data[0], y=data[1]), loss, fast)
    assert plans(fast) == 6  # for two sizes: the values, gradients by place, by name; other labels need no new ones

    def closed(theta):
        return loss(theta, X, y)

    rows_agree(closed, [theta, theta / 2])


@given(cases())
@settings(max_examples=60)
def test_a_random_program_compiled_is_the_program(case):
    loss, theta, u, v = case
    kept = theta.tobytes(), v.tobytes()
    fast = compiled(loss)
    V = np.stack([u, v], -1)
    for x in (theta, u, theta):
        for route in calls(x, v, V).values():
            agree(route, loss, fast)
    assert (theta.tobytes(), v.tobytes()) == kept


@given(cases())
@settings(max_examples=40)
def test_a_random_program_of_float32_compiled_is_the_program(case):
    loss, theta, _, v = (np.float32(a) if isinstance(a, np.ndarray) else a for a in case)
    fast = compiled(loss)
    for answer in (grad(fast)(theta), hvp(fast, theta, v), hessian(fast, theta) @ v, grad_and_hvp(fast, theta, v)[1]):
        assert answer.dtype == np.float32
        assert answer.shape == theta.shape
    near(grad(loss)(theta), grad(fast)(theta))


def cubic(theta):
    return np.sum(theta**3 * np.sin(theta))


def by_numbers(theta):
    return theta[0] ** 3 * np.sin(theta[1]) / (2 + theta[2] ** 2) + np.exp(theta[0]) * theta[1]


def by_products(theta):
    A = np.outer(theta, theta) + 3 * np.eye(3)
    return np.linalg.slogdet(A)[1] + theta @ np.linalg.solve(A, theta)


@pytest.mark.parametrize("loss", [cubic, by_numbers, by_products])
def test_every_route_and_every_nesting_agrees(loss):
    fast, (u, v) = compiled(loss), np.random.default_rng(1).standard_normal((2, 3))
    routes = [lambda f, m=m: hvp(f, X3, v, m) for m in ("dual", "complex_step", "double_backprop")]
    routes += [
        lambda f: jvp(f, X3, v),
        lambda f: jvp(f, X3, np.eye(3)),
        lambda f: vjp(f, X3)[1](2.0),
        lambda f: complex_step(f, X3, v),
        lambda f: hessian(f, X3).dense(),
        lambda f: hessian(f, X3).quadratic(u, v),
        lambda f: jvp(grad(f), X3, v),
        lambda f: jvp(lambda x: hvp(f, x, v), X3, u),
        lambda f: grad(lambda x: np.sum(v * grad(f)(x)))(X3),
        lambda f: grad(lambda x: np.sum(u * hvp(f, x, v)))(X3),
        lambda f: grad(lambda x: 2 * f(x) ** 2)(X3),
        lambda f: hvp(lambda x: 2 * f(np.sin(x)) ** 2, X3, v),
        lambda f: hessian(lambda x: f(x) + f(2 * x), X3) @ v,
        lambda f: grad(compiled(lambda x: 2 * f(x) ** 2))(X3),
        lambda f: hvp(compiled(lambda x: f(x) + f(np.cos(x))), X3, v),
        lambda f: compiled(grad(f))(X3),
        lambda f: compiled(lambda x, v: hvp(f, x, v))(X3, v),
        lambda f: jvp(compiled(grad(f)), X3, v),
    ]
    for route in routes:
        agree(route, loss, fast)
    near(hvp(loss, X3, v), hvp(fast, X3, v))
    np.testing.assert_allclose(hvp(fast, X3, v, "finite_difference"), hvp(loss, X3, v), rtol=1e-6)
    check_grad(fast, X3, order=2)


def test_a_recursive_loss_is_compiled():
    def power(x, n):
        return x if n == 0 else x * np.sin(power(x, n - 1))

    near(grad(lambda x: power(x, 4))(0.7), grad(compiled(lambda x: power(x, 4)))(0.7))


def test_where_no_sum_is_reordered_the_bits_are_the_same():
    theta = np.random.default_rng(0).standard_normal(1000)

    def loss(theta):
        return np.sum(np.exp(np.sin(theta)) / (1 + theta**2))

    assert compiled(loss)(theta) == loss(theta)
    assert np.array_equal(grad(compiled(loss))(theta), grad(loss)(theta))


# ---------------------------------------------------------------------------------- arguments and results


@pytest.mark.parametrize("shape", [(), (0,), (1,), (1, 1), (0, 3), (2, 0), (2, 3), (2, 1, 3)])
def test_theta_of_any_shape(shape):
    rows_agree(lambda t: np.sin(t) * t + np.sum(t), points(shape))
    rows_agree(lambda t: np.sin(t) * t + np.sum(t), points(shape, np.float32))
    loss = scalar(np.cos, np.zeros(shape)[()])
    for k in (0, 1, 2, 33):
        V = np.ones((*shape, k))
        agree(lambda f, V=V: hvp(f, np.ones(shape)[()], V), loss, compiled(loss))
        agree(lambda f, V=V: hessian(f, np.ones(shape)[()]) @ V, loss, compiled(loss))


@pytest.mark.parametrize("theta", [0.3, np.float64(0.3), np.array(0.3), np.float32(0.3)], ids=repr)
def test_theta_without_axes(theta):
    fast = compiled(lambda t: np.sin(t) ** 2 * t)
    for route in (lambda f: f(theta), lambda f: value_and_grad(f)(theta), lambda f: hvp(f, theta, 1.0)):
        agree(route, fast.f, fast)
    assert type(grad(fast)(theta)) is type(grad(fast.f)(theta))


LAYOUTS = [np.asfortranarray, lambda a: np.repeat(a, 2, -1)[:, ::2], lambda a: a[::-1, ::-1], lambda a: a.T.copy().T]


@pytest.mark.parametrize("size", [4, 70])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_layout_are_read_and_not_written(layout, size):
    theta, X = (layout(a) for a in np.random.default_rng(0).standard_normal((2, size, size)))
    theta.flags.writeable = X.flags.writeable = False
    kept = theta.tobytes(), X.tobytes()

    def loss(theta, X):
        return np.sum(np.tanh(theta @ X) * X.T + np.sin(theta))

    fast = compiled(loss)
    for _ in range(2):
        agree(lambda f: value_and_grad(f)(theta, X), loss, fast)
        agree(lambda f: hvp(lambda t: f(t, X), theta, X), loss, fast)
    assert (theta.tobytes(), X.tobytes()) == kept


@pytest.mark.parametrize("size", [3, 5000])
def test_only_what_nobody_can_write_to_is_not_compared(size):
    data = np.ones(size)
    view = data[:]
    view.flags.writeable = False
    theta = np.ones(size)
    fast = compiled(lambda t: np.sum(view * t**2))
    np.testing.assert_array_equal(grad(fast)(theta), 2 * theta)
    data[-1] = 3
    np.testing.assert_array_equal(grad(fast)(theta), 2 * data)
    assert len(fast.watch.arrays) == 1
    data.flags.writeable = False
    again = compiled(fast.f)
    np.testing.assert_array_equal(grad(again)(theta), 2 * data)
    assert again.watch.arrays == []


@pytest.mark.parametrize("size", [3, 5000])
def test_results_are_new_arrays_that_stay(size):
    theta = np.random.default_rng(0).standard_normal(size)
    fast = compiled(lambda t: np.sum(np.sin(t) ** 2))
    same = compiled(lambda t: t)
    H = hessian(fast, theta)
    asked = [
        lambda t: grad(fast)(t),
        lambda t: hvp(fast, t, t),
        lambda t: grad_and_hvp(fast, t, t)[0],
        lambda t: H @ t,
        same,
    ]
    for ask in asked:
        first = ask(theta)
        kept = first.copy()
        second = ask(2 * theta)
        assert not np.may_share_memory(first, theta)
        assert not np.may_share_memory(first, second)
        assert np.array_equal(first, kept)
        first[...] = 0.0
        assert np.array_equal(ask(2 * theta), second)
    np.testing.assert_allclose(H.gradient, np.sin(2 * theta), rtol=1e-14)


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("loss", "first", "second"),
    [
        (lambda t, d: np.sum(t * d[0]) + d[1], (X3, 2.0), (X3 + 1, 3.0)),
        (lambda t, d: np.sum(t * d["a"]["b"]) * d["c"][0], {"a": {"b": X3}, "c": [2.0]}, {"a": {"b": -X3}, "c": [3.0]}),
        (lambda t, d: np.sum(t * d.a) * d.b, Pair(X3, 2.0), Pair(2 * X3, 3.0)),
        (lambda t, d: np.sum(t) * d, 2.0, 3.0),
        (lambda t, d: np.sum(t * d), np.float32(2), np.float32(3)),
        (lambda t, d: np.sum(t * d), np.arange(3), np.arange(3) * 2),
        (lambda t, d: np.sum(t * (d + 200)), np.arange(3, dtype=np.uint8), np.arange(50, 53, dtype=np.uint8)),
        (lambda t, d: np.sum(t[d]), np.array([0, 1, 1]), np.array([2, 2, 0])),
        (lambda t, d: np.sum(t[d] ** 2), np.array([True, False, True]), np.array([False, True, False])),
        (lambda t, d: t[d[0]] * 2.0, np.array([0]), np.array([2])),
        (lambda t, d: np.sum(t[d[0] :] ** 2), np.array([0]), np.array([2])),
        (lambda t, d: np.sum(t[: int(d[0])] ** 2), np.array([1]), np.array([2])),
        (lambda t, d: np.sum(np.take(t, d)), np.array([0, 1, 1, 0]), np.array([2, 2, 0, 1])),
        (lambda t, d: np.sum((d[:, None] == np.arange(3)) @ t), np.array([0, 1]), np.array([2, 2])),
        (lambda t, d: np.sum(t) * len(d[d > 0]), np.array([1.0, -1]), np.array([1.0, 2])),
        (lambda t, d: np.sum(t) * len(np.unique(d)), np.array([1.0, 1]), np.array([1.0, 2])),
        (lambda t, d: np.sum(t) * np.nonzero(d)[0].size, np.array([1.0, 0]), np.array([1.0, 2])),
        (lambda t, d: np.mean(t[0] * d[d > 0]), np.array([1.0, -1]), np.array([1.0, 2])),
        (lambda t, d: np.sum(t) * np.squeeze(d[d > 0]).sum(), np.array([1.0, -1]), np.array([1.0, 2])),
        (lambda t, d: np.sum(np.bincount(d, weights=t, minlength=4) ** 2), np.array([0, 1, 1]), np.array([3, 3, 0])),
        (lambda t, d: sum(t[i] ** 2 for i in d), np.array([0, 1]), np.array([2, 1])),
        (lambda t, d: sum(t[0] * k for k in range(d)), 3, 4),
        (lambda t, d: np.sum(t) * {"a": 2.0, "b": 3.0}[d], "a", "b"),
        (lambda t, d: np.sum(t) * (2.0 if d == "a" else 3.0), np.str_("a"), "b"),
        (lambda t, d: np.sum(d(t)), np.sin, np.cos),
        (lambda t, d: np.sum(d(t)), lambda t: t**2, lambda t: t**3),
        (lambda t, d: np.sum(t) * (2.0 if d is None else d), None, 3.0),
        (lambda t, d: np.sum(t[d]), slice(1, 2), slice(0, 2)),
        (lambda t, d: np.sum(t * d), np.array([1.0, np.nan, 2.0]) * 0 + 1, np.ones(3)),
        (lambda t, d: np.sum(t) * (2.0 if float(d) != float(d) else 3.0), np.array(np.nan), np.array(1.0)),
        (lambda t, d: np.copysign(np.sum(t), float(d)), np.array(0.0), np.array(-0.0)),
    ],
)
def test_data_of_any_kind(loss, first, second):
    fast = compiled(loss)
    for d in (first, second, first, second):
        agree(lambda f, d=d: f(X3, d), loss, fast)
        agree(lambda f, d=d: value_and_grad(f)(X3, d), loss, fast)
        agree(lambda f, d=d: value_and_grad(f)(-X3, d=d), loss, fast)


@pytest.mark.parametrize(
    "data",
    [
        np.array([1j]),
        np.complex128(1),
        np.array(["a"]),
        np.array([object()]),
        {1, 2},
        np.ma.masked_array([1.0], [True]),
        scipy.sparse.csr_array(np.eye(3)),
    ],
    ids=lambda data: type(data).__name__,
)
def test_data_without_real_numbers_are_refused_by_their_type(data):
    with pytest.raises((TypeError, UnsupportedError), match=r"came|from outside"):
        compiled(lambda t, d: np.sum(t))(X3, data)


HALF = np.linspace(0.1, 3, 7).astype(np.float16)


@pytest.mark.parametrize(
    ("loss", "data"),
    [
        (lambda t, d: t[0] * (d[0] + d[1]), np.array([200, 100], np.uint8)),
        (lambda t, d: np.sum(t) * (d[1] - d[0]), np.array([200, 100], np.uint8)),
        (lambda t, d: np.sum(t) * np.sum(d * (d > 2).sum()), np.array([200, 100, 3], np.uint8)),
        (lambda t, d: t[0] * (d[0] * d[0]), np.array([2**40, 3])),
        (lambda t, d: t[0] * np.reciprocal(d[0]), np.array([2, 3])),
        (lambda t, d: t[0] * d[0] ** d[1], np.array([2, 3])),
        (lambda t, d: np.sum(t[0] * d), HALF),
        (lambda t, d: t[0] * (d[0] * d[1]), HALF),
        (lambda t, d: t[0] * np.mean(d), HALF),
        (lambda t, d: t[0] * ((t[0] > 0) + (t[2] > 0)), HALF),
        (lambda t, d: np.sum(t) * ((t[0] > 0) + (t[2] > 0)), HALF),
    ],
)
def test_whole_numbers_halves_and_truths_are_added_as_numpy_adds_them(loss, data):
    agree(lambda f: value_and_grad(f)(X3, data), loss, compiled(loss))
    agree(lambda f: f(X3, data), loss, compiled(loss))


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize(
    "loss",
    [
        lambda t: np.sum(np.sin(t[1:3]) ** 2),
        lambda t: np.sum(np.sin(t[1:3]) ** 2) + np.sum(np.outer(t[3:], t[:2])),
        lambda t: np.sum(np.sin(np.diff(t, n=2))),
        lambda t: sum(np.sum(t[:2] * np.tanh(t[2]) ** k) for k in range(300)),
        lambda t: sum(t[0] * np.tanh(t[1]) ** k for k in range(260)),
        lambda t: np.sum(t[np.array([[0, 0], [1, 3]])] ** 2) + t[2],
        lambda t: np.sum(t[[0, 1, 2, 3, 4]] ** 2) + np.sum(t[::2] * t[::-2]),
    ],
)
def test_parts_of_theta_with_gaps_and_overlaps_are_added_up(loss, dtype):
    rows_agree(loss, points((5,), dtype))


ERRORS = [
    *(np.arange(3), 3, True, [1.0, 2.0], "a", None, 1 + 2j, np.array([1j]), {"a": 1.0}, [np.ones(2), np.ones(3)]),
    *(np.array([np.nan, 1.0]), np.array([np.inf, 1.0]), np.array(["a"]), np.array([-1.0, 2.0]), np.ones((2, 2))),
]


@pytest.mark.parametrize("theta", ERRORS, ids=repr)
def test_a_wrong_theta_raises_what_the_loss_raises(theta):
    def loss(t):
        return np.sum(np.log(t)) + np.sum(np.ones(2) * t)

    for fast in (compiled(loss), warm(loss, np.array([1.0, 2.0]))):
        for route in (lambda f: value_and_grad(f)(theta), lambda f: hvp(f, theta, theta), lambda f: hessian(f, theta)):
            agree(lambda f, route=route: route(f) and 0.0, loss, fast)


def warm(loss, theta):
    """The compiled loss, which has plans already."""
    fast = compiled(loss)
    fast(theta), grad(fast)(theta), hvp(fast, theta, theta), hessian(fast, theta)
    return fast


@pytest.mark.parametrize(
    "v",
    [
        *(np.ones(2), np.ones((3, 2, 2)), 1.0, np.array([np.nan, 1, 2]), np.ones(3, int), np.ones(3, np.float32)),
        *([1, 2, 3], np.ones(3) * 1j, "a", None, np.ones((3, 0))),
    ],
    ids=repr,
)
def test_a_wrong_direction_raises_what_the_loss_raises(v):
    for route in (lambda f: hvp(f, X3, v), lambda f: grad_and_hvp(f, X3, v), lambda f: hessian(f, X3) @ v):
        agree(route, cubic, compiled(cubic))
        agree(route, cubic, warm(cubic, X3))


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: t**2,
        lambda t: (t, t),
        lambda t: None,
        lambda t: "a",
        lambda t: t[7],
        lambda t: np.ones(4) + t,
        lambda t: np.sum(t) * 1j,
        lambda t: float(t[0]),
        lambda t: np.spacing(t)[0],
        lambda t: undefined(t),  # noqa: F821
        lambda t, u: t,
    ],
)
def test_a_wrong_loss_raises_what_it_raises_uncompiled(loss):
    for route in (lambda f: grad(f)(X3), lambda f: hvp(f, X3, X3)):
        agree(route, loss, compiled(loss))


RANGE = [
    (lambda t: np.sum(np.exp(t)), [[710.0, 1], [709.7, 1], [-745.0, 1], [-1000, 1]]),
    (lambda t: np.sum(t * 1e-200) * 1e-200 * 1e300, [[1.0, 2]]),
    (lambda t: np.sum((t * 1e-170) ** 2) * 1e300, [[1.0, 2]]),
    (lambda t: (t[0] * 1e-170) ** 2 * 1e300, [[1.0, 2]]),
    (lambda t: np.sum((t * 1e170) ** 2) * 1e-300, [[1.0, 2]]),
    (lambda t: np.sqrt(np.sum(t**2)), [[1e-170, 2e-170], [1e170, 1e170], [0.0, 0.0]]),
    (lambda t: np.sqrt(t[0] ** 2 + t[1] ** 2), [[1e-170, 2e-170], [1e170, 1e170], [0.0, 0.0]]),
    (lambda t: t[0] * 1e-310 * 1e300, [[1.0, 2], [0.3, 0.4]]),
    (lambda t: np.sum(1 / t), [[1e-310, 1], [0.0, 1], [1e308, 1]]),
    (lambda t: np.sum(np.log(t)), [[5e-324, 1], [0, 1.0], [-1, 1.0]]),
    (lambda t: t[0] / t[1], [[1, 1e-320], [1e-300, 1e300], [1e300, 1e-300], [0.0, 0.0]]),
    (lambda t: t[0] ** t[1], [[1e-200, 2.0], [0.0, 0.0], [0.0, 2.0], [-1.0, 2.0], [1e200, 2.0]]),
    (lambda t: np.sum(np.tanh(t)), [[20.0, 400.0], [800.0, 0.0]]),
    (lambda t: np.tanh(t[0]) * np.tanh(t[1]), [[20.0, 400.0], [19.0, 18.0]]),
    (lambda t: np.sum(np.exp(-(t**2))) * np.sum(t) * 1e-290 * 1e290, [[26.0, 27.0], [1.0, 2.0]]),
    (lambda t: np.sum(t) * np.exp(-(t[0] ** 2)) * t[1] * 1e-290 * 1e290, [[26.0, 27.0], [1.0, 2.0]]),
    (lambda t: np.hypot(t[0], t[1]), [[1e-310, 1e-309], [1e300, 1e300]]),
]


@pytest.mark.parametrize(("loss", "at"), RANGE)
def test_beyond_the_range_the_loss_itself_answers(loss, at):
    at = np.array(at, float)
    for x, first in itertools.product(at, at):
        fast = compiled(loss)
        outcome(lambda first=first, fast=fast: grad(fast)(first))
        outcome(lambda first=first, fast=fast: hessian(fast, first) @ np.ones(2))
        routes = [lambda f, v=v, x=x: hvp(f, x, v) for v in (np.ones(2), np.full(2, 1e-200), np.full(2, 1e200))]
        routes += [lambda f, x=x: f(x), lambda f, x=x: value_and_grad(f)(x), lambda f, x=x: hessian(f, x) @ np.ones(2)]
        for route in routes:
            agree(route, loss, fast)


# ---------------------------------------------------------------------------------- branches and outcomes


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: np.sum(t**2) if t[0] > 0 else np.sum(t**3),
        lambda t: np.sum(t**2) if np.all(t > 0) and t[1] < 5 else np.sum(np.sin(t)),
        lambda t: max(t) * min(t),
        lambda t: sorted(t)[1] ** 2,
        lambda t: np.sum(t[t > 0] ** 2) / max(len(t[t > 0]), 1),
        lambda t: np.sum(np.unique(np.sign(t))) * np.sum(t),
        lambda t: t[np.argmax(t)] ** 2,
        lambda t: np.sum(t[np.argsort(t)] * np.arange(3)),
        lambda t: np.sum(np.where(t > 0, t, t**2)),
        lambda t: np.sum(t) * np.linalg.matrix_rank(np.outer(t, t) + np.diag(t > 0)),
        lambda t: halved(t),
    ],
)
def test_another_outcome_is_another_program(loss):
    fast = compiled(loss)
    for x in (X3, -X3, X3 + 2, 50 * X3, X3, -X3, -X3 - 2, X3 / 100):
        agree(lambda f, x=x: f(x), loss, fast)
        agree(lambda f, x=x: value_and_grad(f)(x), loss, fast)
        agree(lambda f, x=x: hvp(f, x, X3), loss, fast)
        agree(lambda f, x=x: hessian(f, x) @ X3, loss, fast)


def halved(t):
    """A loop whose number of rounds depends on theta."""
    while np.sum(t**2) > 1:
        t = t / 2
    return np.sum(np.sin(t))


@pytest.mark.parametrize("convert", [float, int, operator.index, "item", "tolist", "format"])
def test_a_number_that_leaves_the_trace_is_compared_and_at_last_refused(convert):
    def loss(t, d):
        if convert == "format":
            return np.sum(t) * len(f"{d[0]:d}" * 2)
        left = getattr(d[0], convert)() if isinstance(convert, str) else convert(d[0])
        return np.sum(t) * left

    fast = compiled(loss)
    for k in (1, 22, 333, 1):
        agree(lambda f, k=k: f(X3, np.array([k])), loss, fast)
        agree(lambda f, k=k: value_and_grad(f)(X3, np.array([k])), loss, fast)

    def always_another():
        for k in range(18):
            fast(X3, np.array([10**k if convert == "format" else k]))

    with pytest.raises(UnsupportedError, match=r"goes another way at each call.*in loss, line"):
        always_another()


def test_an_array_of_single_numbers_stays_in_the_trace():
    def loss(t, d):
        return np.sum(t) * np.asarray(d[0]) + np.sum(np.array([t[0], t[1] * d[0]]) ** 2)

    fast = compiled(loss)
    for k in range(20):
        agree(lambda f, k=k: f(X3 + k, np.array([k])), loss, fast)
        agree(lambda f, k=k: value_and_grad(f)(X3 + k, np.array([k])), loss, fast)
    assert plans(fast) == 2


def test_a_caught_error_is_refused():
    def loss(t):
        try:
            return np.sum(np.linalg.cholesky(np.eye(3) * t[0]) * t[0])
        except np.linalg.LinAlgError:
            return np.sum(t)

    for ask in (lambda f: f(-X3), lambda f: grad(f)(-X3)):
        with pytest.raises(UnsupportedError, match=r"goes on after an error of .*in loss, line"):
            ask(compiled(loss))
    fast = compiled(loss)
    for x in (X3, -X3, X3):  # traced where there is none, the loss itself answers for the other case
        agree(lambda f, x=x: f(x), loss, fast)


# ---------------------------------------------------------------------------------- what stands outside

NUMBER, ARRAY = 1.0, np.ones(3)
LIST, NESTED, DEQUE, SET = [1.0, np.ones(3)], {"a": {"b": np.ones(3)}, None: 1.0}, collections.deque([1.0, 2.0]), {1}
SPACE, SPARSE = types.SimpleNamespace(c=1.0), scipy.sparse.csr_array(np.eye(3))
MODULE = types.ModuleType("a_module_of_the_user_s")
exec("C = 1.0\nD = {'a': 1.0}\ndef f(t): return C * t.sum() * D['a']\nclass K:\n    c = 1.0\n", MODULE.__dict__)


class Model:
    """A model with everything that a class can have."""

    weight = 2.0
    __slots__ = ("__dict__", "__weakref__", "slot")

    def __init__(self):
        self.w, self.slot, self.n, self.rng = np.ones(3), 1.0, 0, np.random.default_rng(0)

    @property
    def scale(self):
        return NUMBER * self.slot

    @staticmethod
    def fixed(t):
        return NUMBER * np.sum(t)

    @classmethod
    def of_class(cls, t):
        return cls.weight * np.sum(t)

    def inner(self, t):
        return NUMBER * np.sum(t)

    def loss(self, t):
        return np.sum(t * self.w) * self.weight + self.inner(t)

    __call__ = loss

    def draws(self, t):
        return np.sum(t) * self.rng.normal()

    def counts(self, t):
        self.n += 1
        return np.sum(t)

    def notes(self, t):
        self.last = 1.0
        return np.sum(t)


MODEL = Model()


def with_defaults(t, w=np.ones(3), *, k=np.ones(3)):  # noqa: B008, what is to be tested
    return np.sum(t * w * k)


def with_attribute(t):
    return np.sum(t) * with_attribute.c


with_attribute.c = 1.0


def wrapped(f):
    @functools.wraps(f)
    def inner(t):
        return f(t)

    return inner


def more():
    global NUMBER
    NUMBER += 1


def cell():
    k = 1.0

    def loss(t):
        return np.sum(t) * k

    def change():
        nonlocal k
        k += 1

    return loss, change


W = np.ones(3)
SEEN = {
    "a global number": (lambda t: np.sum(t) * NUMBER, more),
    "in a function that is called": (wrapped(wrapped(lambda t: np.sum(t) * NUMBER)), more),
    "an array in place": (lambda t: np.sum(t * ARRAY), lambda: ARRAY.__imul__(2)),
    "an element of a list": (lambda t: np.sum(t) * LIST[0], lambda: LIST.__setitem__(0, LIST[0] + 1)),
    "an array in a list": (lambda t: np.sum(t * LIST[1]), lambda: LIST[1].__iadd__(1)),
    "the length of a list": (lambda t: np.sum(t) * len(LIST), lambda: LIST.append(1)),
    "a nested dict": (lambda t: np.sum(t * NESTED["a"]["b"]), lambda: NESTED["a"].update(b=NESTED["a"]["b"] * 2)),
    "a key None": (lambda t: np.sum(t) * NESTED[None], lambda: NESTED.update({None: NESTED[None] + 1})),
    "a deque": (lambda t: np.sum(t) * DEQUE[0], lambda: DEQUE.rotate(1)),
    "a set": (lambda t: np.sum(t) * len(SET), lambda: SET.add(len(SET) + 5)),
    "a namespace": (lambda t: np.sum(t) * SPACE.c, lambda: setattr(SPACE, "c", SPACE.c + 1)),
    "a sparse matrix": (lambda t: np.sum((SPARSE @ t) ** 2), lambda: SPARSE.data.__imul__(2)),
    "a module's number": (lambda t: np.sum(t) * MODULE.C, lambda: setattr(MODULE, "C", MODULE.C + 1)),
    "a module's function": (lambda t: MODULE.f(t), lambda: setattr(MODULE, "C", MODULE.C + 1)),
    "a module's dict": (lambda t: MODULE.f(t), lambda: MODULE.D.update(a=MODULE.D["a"] + 1)),
    "a module's class": (lambda t: np.sum(t) * MODULE.K.c, lambda: setattr(MODULE.K, "c", MODULE.K.c + 1)),
    "an object's array": (MODEL.loss, lambda: MODEL.w.__iadd__(1)),
    "a class's attribute": (MODEL.loss, lambda: setattr(Model, "weight", Model.weight + 1)),
    "a method's global": (MODEL.loss, more),
    "a callable object": (MODEL, lambda: MODEL.w.__iadd__(1)),
    "a callable object's class": (MODEL, more),
    "a slot": (lambda t: np.sum(t) * MODEL.slot, lambda: setattr(MODEL, "slot", MODEL.slot + 1)),
    "a property": (lambda t: np.sum(t) * MODEL.scale, more),
    "a static method": (lambda t: MODEL.fixed(t), more),
    "a class method": (lambda t: Model.of_class(t), lambda: setattr(Model, "weight", Model.weight + 1)),
    "a class": (lambda t: np.sum(t) * Model.weight, lambda: setattr(Model, "weight", Model.weight + 1)),
    "a default": (with_defaults, lambda: with_defaults.__defaults__[0].__iadd__(1)),
    "a default by name": (with_defaults, lambda: with_defaults.__kwdefaults__["k"].__iadd__(1)),
    "a partial function": (functools.partial(lambda w, t: np.sum(w * t), W), lambda: W.__iadd__(1)),
    "a function's attribute": (with_attribute, lambda: setattr(with_attribute, "c", with_attribute.c + 1)),
    "a closure": cell(),
    "the sign of a zero": (lambda t: np.sum(np.copysign(t, W * 0.0 * SPACE.c)), lambda: setattr(SPACE, "c", -SPACE.c)),
    "a function's new text": (lambda t: MODEL.w[0] * np.sum(t), lambda: setattr(MODEL, "w", MODEL.w * 3)),
}


@pytest.mark.parametrize(("loss", "change"), SEEN.values(), ids=SEEN)
def test_what_changes_outside_is_seen_at_the_next_call(loss, change):
    fast = compiled(loss)
    for _ in range(4):
        agree(lambda f: f(X3), loss, fast)
        agree(lambda f: value_and_grad(f)(X3), loss, fast)
        agree(lambda f: hvp(f, X3, X3), loss, fast)
        change()


def test_many_changes_are_taken_if_there_are_calls_between_and_refused_if_not():
    fast = compiled(lambda t: np.sum(t) * NUMBER)
    for _ in range(40):
        for _ in range(2):
            agree(lambda f: f(X3), fast.f, fast)
        more()

    def always_another():
        for _ in range(20):
            fast(X3)
            more()

    with pytest.raises(UnsupportedError, match=r"NUMBER, which the program .* is another one at each call"):
        always_another()


COUNT, LOG, CACHE, IN_PLACE = 0, [], {}, np.ones(3)
DRAWN, ITERATOR, COUNTER = np.random.default_rng(0), iter([1.0] * 9), itertools.count(1)


def counts_a_global(t):
    global COUNT
    COUNT += 1
    return np.sum(t)


def leaves_a_global(t):
    global LEFT
    LEFT = t
    return np.sum(t)


def counts_itself(t):
    counts_itself.n += 1
    return np.sum(t)


counts_itself.n = 0


def remembers(t):
    if "y" not in CACHE:
        CACHE["y"] = np.sum(t)
    return CACHE["y"]


def writes_in_place(t):
    IN_PLACE[:] = IN_PLACE + 1
    return np.sum(t * IN_PLACE)


def counter():
    n = 0

    def loss(t):
        nonlocal n
        n += 1
        return np.sum(t)

    return loss


def prints(t):
    print("never more than once")
    return np.sum(t)


REFUSED = {
    "draws by np.random": (lambda t: np.sum(t) * np.random.normal(), "draws random numbers"),  # noqa: NPY002
    "draws by random": (lambda t: np.sum(t) * random.random(), "draws random numbers"),
    "chooses by random": (lambda t: np.sum(t) * random.choice([1.0, 2.0]), "draws random numbers"),
    "starts random anew": (lambda t: (random.seed(3), np.sum(t))[1], "draws random numbers"),
    "draws by its generator": (lambda t: np.sum(t) * DRAWN.normal(), "changes DRAWN"),
    "draws by a new generator": (lambda t: np.sum(t) * np.random.default_rng().normal(), "draws random numbers"),
    "branches by chance": (lambda t: np.sum(t) * (np.random.default_rng().random() < 0.5), "draws random numbers"),
    "draws by its object's": (MODEL.draws, "changes .*rng"),
    "counts its calls": (MODEL.counts, r"changes .*\.n,"),
    "notes something": (MODEL.notes, "changes "),
    "asks for the time": (lambda t: np.sum(t) * time.time(), "asks for the time"),
    "measures time": (lambda t: np.sum(t) * time.perf_counter(), "asks for the time"),
    "prints": (prints, "prints"),
    "prints by another one": (lambda t: prints(t), "prints"),
    "opens": (lambda t: (open(__file__).close(), np.sum(t))[1], "opens a file"),  # noqa: PTH123
    "appends": (lambda t: (LOG.append(1), np.sum(t))[1], "changes LOG"),
    "counts globally": (counts_a_global, "changes COUNT"),
    "leaves a global": (leaves_a_global, "changes LEFT"),
    "counts itself": (counts_itself, "changes counts_itself.n"),
    "counts in a closure": (counter(), "changes n,"),
    "remembers": (remembers, "changes CACHE"),
    "writes in place": (writes_in_place, "changes IN_PLACE"),
    "reads an iterator": (lambda t: np.sum(t) * next(ITERATOR), "reads ITERATOR from outside"),
    "reads a counter": (lambda t: np.sum(t) * next(COUNTER), "reads COUNTER from outside"),
    "reads masked numbers": (lambda t: np.sum(t * MASKED.filled(0.0)), "reads MASKED from outside"),
}
MASKED = np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0])


@pytest.mark.parametrize(("loss", "does"), REFUSED.values(), ids=REFUSED)
def test_a_program_that_does_more_than_to_calculate_is_refused(loss, does):
    with pytest.raises(UnsupportedError, match=does):
        grad(compiled(loss))(X3)


def test_another_thread_may_draw_random_numbers():
    end = threading.Event()

    def draw():
        while not end.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(10):
            assert np.array_equal(grad(compiled(lambda t: np.sum(t**2)))(X3), 2 * X3)
    finally:
        end.set()
        thread.join()


@pytest.mark.parametrize("change", [lambda d: d.append(1.0), lambda d: d.__setitem__(0, 5.0)])
def test_a_program_that_changes_its_arguments_is_refused(change):
    with pytest.raises(UnsupportedError, match=r"changes its arguments|in place"):
        compiled(lambda t, d: (change(d), np.sum(t))[1])(X3, [X3, 2])


STORES = {
    "an element": lambda t, b: t.__setitem__(0, 1.0),
    "copyto": lambda t, b: np.copyto(b, t),
    "out=": lambda t, b: np.sin(t, out=b),
    "out= of a sum": lambda t, b: np.cumsum(t, out=b),
    "out by place": lambda t, b: np.cumsum(t, 0, None, b),
    "ufunc.at": lambda t, b: np.add.at(b, [0, 0, 1], t),
    "put": lambda t, b: np.put(b, [0, 1, 2], t),
    "place": lambda t, b: np.place(b, b == 0, t),
    "+=": lambda t, b: b.__iadd__(t),
}


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_a_store_is_refused(store):
    def loss(t):
        b = np.zeros(3)
        store(t, b)
        return np.sum(b * t)

    with pytest.raises(UnsupportedError, match=r"in place.*in .*line.*Instead"):
        compiled(loss)(X3)


def test_a_constant_that_the_program_changes_later_is_what_it_was():
    def loss(t):
        b = np.zeros(3)
        y = t * np.broadcast_to(b, (2, 3)) + t**2
        b[:] = 1
        return np.sum(y)

    for x in (X3, 2 * X3):
        agree(lambda f, x=x: value_and_grad(f)(x), loss, compiled(loss))


@pytest.mark.parametrize("call", [np.apply_along_axis, np.piecewise])
def test_a_function_that_a_call_would_call_is_refused(call):
    def loss(t):
        w = t[0]
        if call is np.piecewise:
            return np.sum(np.piecewise(t, [t > 0], [lambda r: r * w, lambda r: -r]))
        return np.sum(np.apply_along_axis(lambda r: r * w, 0, t))

    fast = compiled(loss)
    for x in (X3, 2 * X3):
        answer = outcome(fast, x)
        assert (isinstance(answer, tuple) and answer[0] is UnsupportedError) or np.isclose(answer, loss(x), rtol=1e-14)


# ---------------------------------------------------------------------------------- methods


@pytest.fixture
def tracings(monkeypatch):
    """How many traces are made."""
    made, traced = [], Compiled.traced

    def counted(self, *args):
        made.append(self)
        return traced(self, *args)

    monkeypatch.setattr(Compiled, "traced", counted)
    return made


@pytest.mark.parametrize("method", [sgd, momentum, adam])
def test_minibatches_of_a_compiled_loss_replay_its_plans(method, tracings):
    loss, theta, X, y = network("mlp")
    paths = []
    for f in (compiled(loss), loss):
        steps = method(minibatches(f, (X, y), batch_size=5), theta, eta=0.05)
        paths.append([step.theta for step in itertools.islice(steps, 20)])
    assert len(tracings) == 2  # batches of 5 and, at the end of an epoch, of 2
    for a, b in zip(*paths, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("method", [bfgs, lbfgs, newton, damped_newton, modified_newton, newton_cg])
def test_a_minimization_of_a_compiled_loss_is_the_same_and_counts_the_same(method, tracings):
    x = np.array([-1.2, 1.0, -1.2, 1.0])
    plain, fast = (minimize(method, f, x, max_steps=80) for f in (rosenbrock, compiled(rosenbrock)))
    assert 0 < len(tracings) <= 4
    assert (plain.n_loss, plain.n_grad, plain.n_hvp, plain.n_steps) == (
        fast.n_loss,
        fast.n_grad,
        fast.n_hvp,
        fast.n_steps,
    )
    assert plain.message == fast.message
    np.testing.assert_allclose(fast.theta, plain.theta, rtol=1e-7)


def test_a_compiled_loss_is_compiled_once():
    fast = compiled(cubic)
    assert compiled(fast) is fast
    assert fast.__name__ == "cubic"
    assert "no plans yet" in repr(fast)
    grad(fast)(X3)
    assert "1 plan" in repr(fast)
    with pytest.raises(TypeError, match="a function is needed"):
        compiled(3)


def test_a_shape_or_a_precision_is_a_plan_of_its_own(tracings):
    fast = compiled(cubic)
    for x in (X3, np.ones(4), X3.astype(np.float32), np.ones((3, 1)), 2 * X3, np.zeros(4)):
        agree(lambda f, x=x: grad(f)(x), cubic, fast)
    assert len(tracings) == 4


def test_a_hessian_keeps_its_point_and_its_program():
    w = np.ones(3)
    fast = compiled(lambda t: np.sum(w * t**3))
    theta = X3.copy()
    H = hessian(fast, theta)
    first = H @ X3
    theta[:] = 0.0
    w[:] = 5.0
    assert np.array_equal(H @ X3, first)
    np.testing.assert_allclose(H @ np.eye(3), np.diag(6 * X3), rtol=1e-14)
    np.testing.assert_allclose(hessian(fast, X3) @ X3, 5 * first, rtol=1e-14)


# ---------------------------------------------------------------------------------- threads, memory, pickles


def test_threads_share_a_compiled_loss_and_a_hessian():
    loss, theta, X, y = network("mlp")
    fast, wrong = compiled(loss), []
    H = hessian(compiled(lambda t: loss(t, X, y)), theta)
    points = [theta * (1 + k / 8) for k in range(8)]
    expected = [(grad(loss)(x, X, y), hvp(lambda t: loss(t, X, y), theta, x)) for x in points]

    def work(k):
        for _ in range(20):
            g, Hv = grad(fast)(points[k], X, y), H @ points[k]
            if not (np.allclose(g, expected[k][0], rtol=1e-9) and np.allclose(Hv, expected[k][1], rtol=1e-9)):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_loss_that_asks_itself_is_answered():
    def outer(t):
        return np.sum(t * np.sum(grad(inner)(X3))) + inner(t)

    inner = compiled(cubic)
    agree(lambda f: value_and_grad(f)(X3), outer, compiled(outer))


def test_pickles():
    grad(fast := compiled(rosenbrock))(X3)
    again = pickle.loads(pickle.dumps(fast))
    assert again.f is rosenbrock
    assert np.array_equal(grad(again)(X3), grad(fast)(X3))
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        pickle.dumps(compiled(lambda t: t))


def test_what_is_deleted_is_gone():
    def model_s(model):
        return lambda t: np.sum(t * model.w)

    model = Model()
    loss = model_s(model)
    fast = compiled(loss)
    grad(fast)(X3), hvp(fast, X3, X3), fast(X3)
    H = hessian(fast, X3)
    H @ X3
    held = [weakref.ref(loss), weakref.ref(fast), weakref.ref(model)]
    del fast, loss, model, H
    gc.collect()
    assert [ref() for ref in held] == [None] * 3


# ---------------------------------------------------------------------------------- rows of the user's, of SciPy's


@primitive
def cube(x):
    return x * x * x


def test_rows_of_the_user_s_and_of_scipy_s():
    general(cube, lambda y, x, dx: 3 * x * x * dx, transposes=(lambda g, y, x: g * 3 * x * x,))
    elementwise(np.spacing, 0.0)
    try:
        rows_agree(lambda t: cube(t) + np.spacing(t) + scipy.special.erf(t) + SPARSE @ t, points((3,)))
    finally:
        del TABLE[cube], TABLE[np.spacing]


@given(hnp.arrays(float, st.integers(1, 5), elements=st.floats(-3, 3)))
@settings(max_examples=40)
def test_any_numbers(x):
    for loss in (cubic, lambda t: np.sum(np.maximum(t, 0.5) * np.abs(t)), lambda t: np.prod(t) * np.linalg.norm(t + 4)):
        agree(lambda f: value_and_grad(f)(x), loss, compiled(loss))
        agree(lambda f: hvp(f, x, np.ones_like(x)), loss, compiled(loss))


def test_long_elementwise_chains_go_piece_by_piece():
    c = np.random.default_rng(0).normal(size=2**18 + 1000)
    loss = lambda x: np.sum(np.tanh(x * c + 1) * np.exp(-np.square(x)) + np.sin(x * 2) / (1 + x * x))  # noqa: E731
    fast = compiled(loss)
    for x in (c, c[::-1].copy()):
        # The same functions of the same numbers: no sum is another one.
        np.testing.assert_allclose(grad(fast)(x), grad(loss)(x), rtol=1e-14, atol=1e-16)
    [[plan]] = fast.plans.values()
    assert " in zip(" in plan.writer.text
