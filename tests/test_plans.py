"""Compiled losses against the same losses as they are: every row, every route, and what must not go unnoticed."""

import functools
import gc
import itertools
import pickle
import random
import re
import threading
import time
import types
import weakref

import numpy as np
import pytest
from programs import LINEAR, ORACLE, SMOOTH, each

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
    nn,
    value_and_grad,
    vjp,
)
from mathlib.arithmetic import TABLE, name_of
from mathlib.optimize import bfgs, lbfgs, minimize, newton, newton_cg
from mathlib.primitives import primitive
from mathlib.stochastic import adam, hessian_corrected_momentum, minibatches, second_order_adam

X3 = np.array([0.3, -0.7, 1.2])

# Products of matrices may add up in another order than without a plan, sums of them too; nothing else does.
CLOSE = {"rtol": 1e-11, "atol": 1e-12}

ROUTES = {
    "value": lambda f, x, v: f(x),
    "gradient": lambda f, x, v: value_and_grad(f)(x)[1],
    "product": hvp,
    "both": lambda f, x, v: np.stack(grad_and_hvp(f, x, v)),
    "operator": lambda f, x, v: hessian(f, x) @ v,
    "block": lambda f, x, v: hessian(f, x) @ np.stack([v, x], -1),
    "block at once": lambda f, x, v: hvp(f, x, np.stack([v, x, v + x], -1)),
    "tangent": lambda f, x, v: jvp(f, x, v)[1],
    "pullback": lambda f, x, v: vjp(f, x)[1](np.float64(2.0)),
    "complex step": complex_step,
    "outside": lambda f, x, v: grad(lambda t: 2 * f(t) ** 2)(x),
    "within": lambda f, x, v: grad(compiled(lambda t: 2 * f(t) ** 2))(x),
}
DEEPER = {
    "double backprop": lambda f, x, v: hvp(f, x, v, "double_backprop"),
    "third": lambda f, x, v: jvp(lambda z: hvp(f, z, v), x, x)[1],
    "gradient of a gradient": lambda f, x, v: grad(lambda z: np.sum(v * grad(f)(z)))(x),
}


def scalar(program, x):
    """A loss made of a program of any shape."""
    weights = np.random.default_rng(8).uniform(0.5, 1.5, np.shape(program(x)))
    return lambda x: np.sum(weights * np.sin(program(x)))


def agree(loss, points, routes, v=None):
    """Whether a compiled loss answers as the loss does, at each point, by each route; by the second call too."""
    fast = compiled(loss)
    for x in points:
        v = np.cos(np.arange(np.size(x))).reshape(np.shape(x))[()] + 0.1 * x if v is None else v
        for name, route in routes.items():
            with np.errstate(all="ignore"):
                exact, answers = route(loss, x, v), [route(fast, x, v) for _ in range(2)]
            for answer in answers:
                assert np.shape(answer) == np.shape(exact), name
                np.testing.assert_allclose(answer, exact, **CLOSE, err_msg=name)


@pytest.mark.parametrize(("program", "shape"), each(LINEAR) + each(SMOOTH))
def test_every_row_answers_in_a_plan_as_without(program, shape):
    points = [a[()] for a in np.random.default_rng(4).standard_normal((2, *shape))]
    agree(scalar(program, points[0]), [*points, points[0]], ROUTES)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_every_elementwise_row_answers_in_a_plan_as_without(function):
    n, (low, high) = len(TABLE[function].partials), ORACLE[function][1]
    rng = np.random.default_rng(10)
    points = [rng.uniform(low + 0.1, high - 0.1, (n, 5)) for _ in range(2)]
    agree(scalar(lambda x: function(*(x[i] for i in range(n))), points[0]), points, ROUTES)


def networks():
    rng = np.random.default_rng(0)
    X, y, images = rng.normal(size=(7, 4)), rng.integers(0, 3, 7), rng.normal(size=(3, 6, 6, 1))
    theta, model = nn.mlp([4, 5, 3])
    yield theta, lambda t: nn.softmax_cross_entropy(model(t, X), y)
    theta, relu = nn.mlp([4, 5, 5, 1], nn.relu)
    yield theta, lambda t: np.mean((relu(t, X) - y[:, None]) ** 2) + 1e-2 * np.vdot(t, t)
    theta, cnn = nn.cnn((6, 6, 1), (2, 3), F=3, stride=1, classes=3, padding=1)
    yield theta, lambda t: nn.softmax_cross_entropy(cnn(t, images), y[:3], unit="bits")
    yield np.array([0.3, -0.2, 0.7]), lambda t: np.tanh(t[0] * t[1] + t[2]) * np.sin(t[1]) / (1 + t[2] ** 2)
    yield np.float64(0.4), lambda t: np.exp(-(t**2)) * np.log1p(t)


@pytest.mark.parametrize("case", [*networks()], ids=["tanh", "relu", "cnn", "numbers", "one number"])
def test_networks_answer_in_a_plan_as_without(case):
    theta, loss = case
    agree(loss, [theta, theta + 0.1, 0.5 * theta], ROUTES | DEEPER)
    check_grad(compiled(loss), theta + 0.05, order=2)


def test_the_bits_of_a_gradient_are_those_without_a_plan():
    theta, model = nn.mlp([4, 5, 3])
    X = np.random.default_rng(0).normal(size=(7, 4))
    f = lambda t: np.mean(model(t, X) ** 2) + np.sum(np.exp(-t) / (1 + t * t))  # noqa: E731
    np.testing.assert_allclose(grad(compiled(f))(theta), grad(f)(theta), rtol=1e-14, atol=1e-16)


def test_float32_stays_float32():
    x = X3.astype(np.float32)
    f = lambda t: np.sum(np.sin(t) ** 2) * np.mean(t) + t[0] * t[1]  # noqa: E731
    for route in (lambda f: f(x), lambda f: grad(f)(x), lambda f: hvp(f, x, x), lambda f: hessian(f, x) @ x):
        answer = route(compiled(f))
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, route(f), rtol=1e-5)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (1, 1), (0, 3), (2, 3)])
def test_shapes(shape):
    x = np.random.default_rng(0).standard_normal(shape)[()]
    f = lambda t: np.sum(np.sin(t) * t) + np.sum(t) ** 2  # noqa: E731
    agree(f, [x], {k: ROUTES[k] for k in ("value", "gradient", "product", "operator", "block")})


def test_any_memory_layout_will_do_and_inputs_stay_as_they_are():
    big = np.random.default_rng(0).standard_normal((70, 60))
    f = lambda t: np.sum(np.sin(t) @ np.ones(t.shape[1]))  # noqa: E731
    for a in (big, np.asfortranarray(big), np.repeat(big, 2, -1)[:, ::2], big[::-1], big.T, big[:3, :4].T):
        fast, before = compiled(f), a.copy()
        np.testing.assert_allclose(grad(fast)(a), grad(f)(a), rtol=1e-14)
        assert np.array_equal(a, before)


def test_an_answer_is_new():
    fast = compiled(lambda t: np.sum(t**3))
    for x in (X3, np.linspace(0, 1, 5000)):
        first = grad(fast)(x)
        kept = first.copy()
        grad(fast)(2 * x)
        assert np.array_equal(first, kept)
        first[:] = 0
        np.testing.assert_allclose(grad(fast)(x), kept)


# ------------------------------------------------------------------------------------------- data


def test_data_may_change_from_call_to_call():
    fast = compiled(lambda t, X, y, *, ridge=0.0: np.mean((X @ t - y) ** 2) + ridge * np.vdot(t, t))
    for seed in range(3):
        X, y = np.random.default_rng(seed).normal(size=(5, 3)), np.arange(5.0) + seed
        for ridge in (0.0, 0.1, 0.2):
            exact = 2 * X.T @ (X @ X3 - y) / 5 + 2 * ridge * X3
            np.testing.assert_allclose(grad(fast)(X3, X, y, ridge=ridge), exact, rtol=1e-13)
    assert sum(map(len, fast.plans.values())) == 1


def test_labels_and_structures_are_data():
    theta, model = nn.mlp([4, 3])
    loss = lambda t, data: nn.softmax_cross_entropy(model(t, data["X"]), data["y"])  # noqa: E731
    fast = compiled(loss)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        data = {"X": rng.normal(size=(6, 4)), "y": rng.integers(0, 3, 6)}
        np.testing.assert_allclose(grad(fast)(theta, data), grad(loss)(theta, data), rtol=1e-13, atol=1e-16)
    assert sum(map(len, fast.plans.values())) == 1
    with pytest.raises(ValueError, match="labels from 0 to 2"):
        grad(fast)(theta, data | {"y": data["y"] + 3})


@pytest.mark.parametrize("method", [adam, second_order_adam, hessian_corrected_momentum])
def test_minibatches_replay_plans_on_the_same_path(method):
    theta, model = nn.mlp([4, 5, 3])
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    loss = lambda t, X, y: nn.softmax_cross_entropy(model(t, X), y)  # noqa: E731
    fast = compiled(loss)
    ends = [list(itertools.islice(method(minibatches(f, (X, y), 5), theta, eta=1e-2), 9))[-1] for f in (loss, fast)]
    np.testing.assert_allclose(ends[1].theta, ends[0].theta, rtol=1e-9, atol=1e-12)
    assert 1 <= sum(map(len, fast.plans.values())) <= 3


@pytest.mark.parametrize("method", [bfgs, lbfgs, newton, newton_cg])
def test_optimizers_run_plans_and_count_the_same(method):
    f = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)  # noqa: E731
    fast = compiled(f)
    plain, planned = (minimize(method, g, np.array([0.8, 0.9, 1.1]), max_steps=20) for g in (f, fast))
    np.testing.assert_allclose(planned.theta, plain.theta, rtol=1e-6)
    for count in ("n_steps", "n_loss", "n_grad"):
        assert getattr(planned, count) == getattr(plain, count)
    assert fast.plans


# ------------------------------------------------------------------------------------- never silent


def count(x):
    n = 0
    while x > 1:
        x, n = x / 2, n + 1
    return x * n


BRANCHES = {
    "if": lambda t: np.sum(t**2) if t[0] > 0 else np.sum(t**3),
    "loop": lambda t: count(t[0] ** 2 + 5) + np.sum(t),
    "mask": lambda t: np.sum(t[t > 0] ** 2),
    "where": lambda t: np.sum(np.where(t > 0, t, t**2)),
    "nonzero": lambda t: np.sum(t[np.nonzero(t > 0)]) ** 2,
    "any": lambda t: np.sum(t) if np.any(t > 1) else np.sum(t**2),
    "argmax": lambda t: t[np.argmax(t)] ** 3 + np.sum(t),
    "sort": lambda t: np.sum(np.sort(t) * np.arange(3)),
    "len": lambda t: np.sum(t) * len(t[t > 0.5]),
    "max": lambda t: np.max(t) * np.min(t),
    "python's max": lambda t: max(t[0], t[1]) ** 2 + np.sum(t),
}


@pytest.mark.parametrize("loss", BRANCHES.values(), ids=list(BRANCHES))
def test_another_outcome_is_seen(loss):
    fast = compiled(loss)
    for x in (X3, -X3, 2 * X3, X3[::-1].copy(), X3, np.array([1.0, 2.0, 3.0]), np.array([-1.0, -2.0, 0.1])):
        np.testing.assert_allclose(fast(x), loss(x), rtol=1e-13)
        np.testing.assert_allclose(grad(fast)(x), grad(loss)(x), rtol=1e-13)
        np.testing.assert_allclose(hessian(fast, x) @ X3, hessian(loss, x) @ X3, rtol=1e-13, atol=1e-15)


def test_a_program_that_always_goes_another_way_is_refused_with_its_line():
    fast = compiled(lambda t: np.sum(t) * float(t[0]))
    with pytest.raises(UnsupportedError, match=r"goes another way at each call .*line \d+"):
        [fast(X3 + k) for k in range(40)]


RNG, SEEN, CALLS = np.random.default_rng(0), [], types.SimpleNamespace(n=0)


def notes(t):
    SEEN.append(1)
    return np.sum(t)


def counts(t):
    CALLS.n += 1
    return np.sum(t)


EFFECTS = {
    "np.random": lambda t: np.sum(t) * np.random.normal(),  # noqa: NPY002
    "random": lambda t: np.sum(t) * random.random(),
    "a generator": lambda t: np.sum(t) * RNG.normal(),
    "a new generator": lambda t: np.sum(t) * np.random.default_rng().normal(),
    "print": lambda t: (print("."), np.sum(t))[1],
    "open": lambda t: (open(__file__).close(), np.sum(t))[1],  # noqa: PTH123
    "time": lambda t: np.sum(t) * time.time(),
    "a list": notes,
    "a counter": counts,
}


@pytest.mark.parametrize("program", EFFECTS.values(), ids=list(EFFECTS))
def test_what_does_more_than_to_calculate_is_refused(program):
    with pytest.raises(UnsupportedError, match="Instead: do"):
        grad(compiled(program))(X3)


class Model:
    scale = 2.0

    def __init__(self):
        self.w = np.ones(3)

    def loss(self, t):
        return np.sum(t * self.w) * self.scale * FACTOR

    def __call__(self, t):
        return self.loss(t) ** 2


FACTOR, W, NESTED, MODEL, LARGE = 3.0, np.ones(3), {"a": [np.ones(3), 1.0]}, Model(), np.ones(10**5)


def with_default(t, w=W):
    return np.sum(t * w)


def raise_factor():
    global FACTOR
    FACTOR += 1


def closure():
    k = 1.0

    def f(t):
        return np.sum(t) * k

    def step():
        nonlocal k
        k += 1

    return f, step


CHANGES = {
    "an array": (lambda t: np.sum(t * W), lambda: W.__imul__(2)),
    "a large array": (lambda t: np.sum(t) * np.sum(LARGE), lambda: LARGE.__iadd__(1)),
    "a number": (lambda t: np.sum(t) * FACTOR, raise_factor),
    "a list": (lambda t: np.sum(t * NESTED["a"][0]) * NESTED["a"][1], lambda: NESTED["a"].__setitem__(1, 5.0)),
    "an array in it": (lambda t: np.sum(t * NESTED["a"][0]), lambda: NESTED["a"][0].__iadd__(1)),
    "a method": (MODEL.loss, lambda: MODEL.w.__iadd__(1)),
    "an object": (MODEL, raise_factor),
    "a class": (MODEL.loss, lambda: setattr(Model, "scale", Model.scale + 1)),
    "a default": (with_default, lambda: W.__iadd__(1)),
    "a partial": (functools.partial(lambda w, t: np.sum(w * t), W), lambda: W.__iadd__(1)),
    "a variable": closure(),
}


@pytest.mark.parametrize(("program", "change"), CHANGES.values(), ids=list(CHANGES))
def test_what_changes_outside_is_seen(program, change):
    fast = compiled(program)
    for _ in range(4):
        np.testing.assert_allclose(fast(X3), program(X3), rtol=1e-13)
        np.testing.assert_allclose(grad(fast)(X3), grad(program)(X3), rtol=1e-13)
        change()


def test_a_closure_s_variable_is_read_again():
    f, step = closure()
    fast = compiled(f)
    for k in (1.0, 2.0, 3.0):
        assert grad(fast)(X3)[0] == k
        step()


WRONG = {
    "shape": (lambda t: t**2, X3),
    "nan": (lambda t: np.sum(t), np.array([np.nan, 1.0])),
    "whole numbers": (lambda t: np.sum(t), np.arange(3)),
    "infinite": (lambda t: np.sum(np.exp(t)), np.array([1e4, 0.0])),
    "outside": (lambda t: np.sum(np.log(t)), -np.ones(2)),
    "refused": (lambda t: np.sum(np.spacing(t)), X3),
}


@pytest.mark.parametrize(("loss", "x"), WRONG.values(), ids=list(WRONG))
def test_errors_are_those_without_a_plan(loss, x):
    errors = []
    for f in (loss, compiled(loss)):
        with pytest.raises((TypeError, ValueError, ArithmeticError)) as caught, np.errstate(all="ignore"):
            grad(f)(x)
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]


RANGE = {
    "underflow on the way back": (lambda t: (t[0] * 1e-170) ** 2 * 1e300, [1.0, 2.0]),
    "the same of arrays": (lambda t: np.sum((t * 1e-170) ** 2) * 1e300, [1.0, 2.0]),
    "overflow on the way": (lambda t: np.sum(t * 1e-200) * 1e-200 * 1e300, [1.0, 2.0]),
    "a slope too small": (lambda t: t[0] * 1e-310 * 1e300, [0.3, 0.4]),
    "saturated": (lambda t: np.tanh(t[0]) * np.tanh(t[1]), [20.0, 400.0]),
    "powers": (lambda t: t[0] ** t[1], [1e-200, 2.0]),
}


@pytest.mark.parametrize(("loss", "x"), RANGE.values(), ids=list(RANGE))
def test_out_of_range_the_loss_itself_answers(loss, x):
    fast, x = compiled(loss), np.array(x)
    with np.errstate(all="ignore"):
        grad(fast)(np.array([0.5, 0.25]))
        np.testing.assert_allclose(grad(fast)(x), grad(loss)(x), rtol=1e-12)


# ------------------------------------------------------------------------------------- sharing


def test_threads_share_a_program():
    theta, model = nn.mlp([6, 7, 1])
    X = np.random.default_rng(0).normal(size=(9, 6))
    loss = lambda t: np.mean(model(t, X) ** 2)  # noqa: E731
    fast, wrong = compiled(loss), []
    points = [theta + 0.1 * k for k in range(8)]
    exact = [grad(loss)(x) for x in points]
    H = hessian(fast, theta)
    products = [hessian(loss, theta) @ x for x in points]

    def work(k):
        for _ in range(50):
            same = np.allclose(grad(fast)(points[k]), exact[k], rtol=1e-12, atol=1e-14)
            if not same or not np.allclose(H @ points[k], products[k], rtol=1e-11, atol=1e-13):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def cube(t):
    return np.sum(t**3)


def test_a_compiled_loss_travels_as_the_loss_does():
    fast = compiled(cube)
    grad(fast)(X3)
    again = pickle.loads(pickle.dumps(fast))
    np.testing.assert_allclose(grad(again)(X3), 3 * X3**2)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(compiled(lambda t: np.sum(t)))


def test_compiled_of_compiled_is_the_same_and_memory_goes_with_it():
    a = np.ones(3)

    def loss(t):
        return np.sum(a * t**2)

    fast = compiled(loss)
    assert compiled(fast) is fast
    grad(fast)(X3)
    gone = weakref.ref(fast)
    del fast
    gc.collect()
    assert gone() is None


def test_a_program_may_call_itself():
    @compiled
    def f(t, depth=3):
        return np.sum(np.sin(t)) if depth == 0 else 2 * f(t, depth=depth - 1)

    np.testing.assert_allclose(f(X3), 8 * np.sum(np.sin(X3)))
    np.testing.assert_allclose(grad(f)(X3), 8 * np.cos(X3), rtol=1e-14)


def test_a_row_of_one_s_own_is_called_in_a_plan():
    saved = dict(TABLE)
    try:

        @primitive
        def cubed(x):
            return np.asarray(x) ** 3

        from mathlib.primitives import general

        general(cubed, lambda y, x, dx: 3 * x * x * dx, transposes=(lambda g, y, x: g * 3 * x * x,))
        fast = compiled(lambda t: np.sum(cubed(t)))
        for x in (X3, 2 * X3, -X3):
            np.testing.assert_allclose(grad(fast)(x), 3 * x**2, rtol=1e-14)
            np.testing.assert_allclose(fast(x), np.sum(x**3), rtol=1e-14)
    finally:
        TABLE.clear()
        TABLE.update(saved)


def test_long_elementwise_chains_go_piece_by_piece():
    n = 2**18 + 1000
    c = np.random.default_rng(0).normal(size=n)
    loss = lambda x: np.sum(np.tanh(x * c + 1) * np.exp(-np.square(x)) + np.sin(x * 2) / (1 + x * x))  # noqa: E731
    fast = compiled(loss)
    for x in (c, c[::-1].copy()):
        np.testing.assert_allclose(grad(fast)(x), grad(loss)(x), rtol=1e-12, atol=1e-15)
    [plan] = next(iter(fast.plans.values()))
    assert re.search(r"for p0, .* in zip\(", plan.writer.text)
