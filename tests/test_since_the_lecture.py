"""Every stochastic method, norm and form of curvature, swept with what a stranger would try."""

import inspect
import io
import threading
import warnings
from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest

from mathlib import compiled, stochastic, value_and_grad
from mathlib.curvature import empirical_fisher, fisher, gauss_newton
from mathlib.nn import cnn, mlp, ravel, softmax_cross_entropy
from mathlib.norms import RMS, Euclidean, Max, Network, Spectral, Weighted
from mathlib.stochastic import cosine, minibatches

# Every public method, so that none can be left out, in each of its ways.
WAYS = {
    "adam": [{}, {"published": True}],
    "momentum": [{}, {"bias_correction": True}],
    "muon": [{}, {"exact": True}, {"nesterov": False}],
    "steepest_descent": [{"norm": Euclidean()}],
    "soap": [{"every": 2}],
    "sophia": [{"every": 2}],
    "adamw": [{"decay": 0.0}],
    "adahessian": [{"every": 2, "hessian_power": 0.5}],
    "shampoo": [{}, {"averaged": True, "beta1": 0.5, "eps": 1e-6}],
    "kfac": [{"every": 2}, {"factored": False, "targets": "empirical", "others": "gradient", "beta1": 0.5}],
    "cdat": [{"sigma": 0.5}, {"sigma": 0.5, "adam": True, "beta1": 0.5, "beta3": 0.5}],
    "schedule_free": [{}, {"adam": False}],
    "prodigy": [{"d0": 0.1}, {"d0": 0.1, "bias_correction": True}],
    "carried_drift": [{"every": 2}],
}
NAMES = [
    name
    for name in stochastic.__all__
    if inspect.isfunction(f := getattr(stochastic, name)) and {"losses", "theta0"} <= set(inspect.signature(f).parameters)
]
METHODS = {
    f"{name} {way}": partial(getattr(stochastic, name), **way) for name in NAMES for way in WAYS.get(name, [{}])
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
on_any_loss = pytest.mark.parametrize(
    "method", [m for m in METHODS.values() if m.func is not stochastic.kfac], ids=[n for n in METHODS if "kfac" not in n]
)


def run(method, losses, theta0, steps, unravel=None, **options):
    """The first steps, with theta's blocks where the method asks for them."""
    if "blocks" in inspect.signature(method).parameters:
        options["blocks"] = unravel
    return list(islice(method(losses, theta0, **options), steps))


def network(kind):
    """A small network's loss of parameters and data, the data, a start, and its unravel."""
    rng = np.random.default_rng(0)
    if kind == "cnn":
        (theta, model), X = cnn((4, 4, 1), (2,), F=3, stride=1, classes=2), rng.standard_normal((12, 4, 4, 1))
    else:
        (theta, model), X = mlp([3, 4, 2]), rng.standard_normal((12, 3))
    y = rng.integers(0, 2, 12)
    return (lambda theta, X, y: softmax_cross_entropy(model(theta, X), y)), (X, y), theta, model.unravel


def arrays_of(step):
    """All numbers of a step, by name."""
    fields = ("theta", "loss", "gradient", "eta", "gradient_estimate", "drift_estimate", "move")
    named = {name: getattr(step, name) for name in fields} | step.carried | {"next theta": step.state["theta"]}
    return {name: a for name, a in named.items() if a is not None}


def same_to_the_bit(a, b):
    a, b = arrays_of(a), arrays_of(b)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# ------------------------------------------------------------------------------------------- what a step is


@every_method
@pytest.mark.parametrize("kind", ["mlp", "cnn", "compiled"])
def test_a_run_says_the_truth_changes_nothing_and_goes_on_to_the_bit(method, kind):
    loss, data, theta0, unravel = network(kind)
    used, before = (compiled(loss) if kind == "compiled" else loss), theta0.copy()

    def steps(theta0, start, count):
        return run(method, minibatches(used, data, 5, start=start), theta0, count, unravel, eta=cosine(0.02, 20))

    path, copies = [], []
    options = {"blocks": unravel} if "blocks" in inspect.signature(method).parameters else {}
    for step in islice(method(minibatches(used, data, 5), theta0, eta=cosine(0.02, 20), **options), 6):
        path.append(step)
        copies.append({name: np.copy(a) for name, a in arrays_of(step).items()})
    assert np.array_equal(path[0].theta, theta0)
    for step, copy, l_t in zip(path, copies, minibatches(loss, data, 5), strict=False):
        assert all(np.array_equal(a, copy[name]) for name, a in arrays_of(step).items())  # later steps change nothing
        value, g = value_and_grad(l_t)(step.theta)
        np.testing.assert_allclose(step.loss, value, rtol=1e-9)
        np.testing.assert_allclose(step.gradient, g, atol=1e-9)
    assert all(map(same_to_the_bit, path, steps(theta0, 0, 6)))  # the same seed, the same path
    for stop in range(1, 5):
        file = io.BytesIO()
        np.savez(file, **path[stop - 1].state)
        file.seek(0)
        state = dict(np.load(file))
        saved = {name: a.copy() for name, a in state.items()}
        assert all(map(same_to_the_bit, path[stop:], steps(state, stop, 2)))
        assert all(np.array_equal(a, saved[name]) for name, a in state.items())
    assert np.array_equal(theta0, before)


@every_method
def test_single_precision_stays_in_all_that_is_carried(method):
    loss, (X, y), theta0, unravel = network("mlp")
    data, etas = (X.astype(np.float32), y), (0.02, np.full(theta0.shape, 0.02), cosine(0.02, 20), np.float64(0.02))
    for eta in etas:
        for step in run(method, minibatches(loss, data, 5), theta0.astype(np.float32), 4, unravel, eta=eta):
            assert {name: a.dtype for name, a in arrays_of(step).items() if a.dtype != np.float32} == {}
    wide = {name: np.asarray(a, float) for name, a in step.state.items() if name != "theta"}
    narrow = run(method, minibatches(loss, data, 5), wide | {"theta": step.state["theta"]}, 2, unravel, eta=0.02)
    assert {a.dtype for step in narrow for a in arrays_of(step).values()} == {np.dtype(np.float32)}


# -------------------------------------------------------------------------------------- gradients at the edge


def bowls(scale=1.0):
    return repeat(lambda x: scale * np.sum(np.cosh(x)))


@on_any_loss
def test_zeros_at_the_start_are_no_trouble(method):
    losses = [lambda x: 0.0 * np.sum(x)] * 2 + [lambda x: np.sum(np.cosh(x))] * 3
    *still, first, _, moved = run(method, losses, np.ones((2, 3)), 5)
    assert all(np.array_equal(step.theta, first.theta) for step in still)
    assert np.all(moved.theta < 1)
    assert np.all(np.isfinite(moved.state["theta"]))


@on_any_loss
def test_a_constant_loss_moves_nothing(method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the loss is constant
        path = run(method, repeat(lambda x: 3.0), np.ones(3), 4)
    assert all(np.array_equal(step.state["theta"], np.ones(3)) for step in path)


SHAPES = [(), (1,), (1, 1), (1, 4), (4, 1), (1, 1, 1, 1), (2, 2, 1, 3), (0,), (0, 3), (2, 0)]


@on_any_loss
@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_a_column_a_number_or_nothing_is_a_theta(method, shape):
    if 0 in shape and method.func is stochastic.steepest_descent:
        pytest.skip("there is no vector of length 1")
    theta0 = np.random.default_rng(0).standard_normal(shape)
    path = run(method, bowls(), theta0, 5)
    assert path[-1].state["theta"].shape == shape
    assert np.all(np.isfinite(path[-1].state["theta"]))
    assert min(step.loss for step in path) < path[0].loss or 0 in shape


@on_any_loss
def test_layers_may_be_empty_or_of_one_number(method):
    rng = np.random.default_rng(0)
    shapes = [(2, 2), (0, 3), (1,), (3, 0), (0,), (2, 2, 1, 1), (1, 4), ()]
    theta0, unravel = ravel([rng.standard_normal(shape) for shape in shapes])
    path = run(method, bowls(), theta0, 5, unravel)
    assert path[-1].loss < path[0].loss
    assert np.all(np.isfinite(path[-1].state["theta"]))


@on_any_loss
@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_any_size_make_a_finite_step_or_an_error(method, scale, dtype):
    theta0 = np.random.default_rng(0).standard_normal((2, 3)).astype(dtype)
    try:
        path = run(method, bowls(dtype(scale)), theta0, 5)
    except FloatingPointError as error:
        assert scale > 1 and str(error).startswith("step ") and "Instead: a smaller eta" in str(error)  # noqa: PT018
    else:
        for step in path:
            assert all(np.all(np.isfinite(a)) for a in arrays_of(step).values())


SQUARED = [n for n in METHODS if n.split()[0] in ("adamw", "prodigy", "hypergradient", "carried_drift")]
SQUARED += ["adam {'published': True}", "schedule_free {}"]


@pytest.mark.parametrize("name", SQUARED)
def test_squares_that_overflow_are_no_silent_standstill(name):
    """An infinite v_hat would divide every later step to nothing."""
    with pytest.raises(FloatingPointError, match=r"step 1: v\w* is NaN or infinite: .* overflows"):
        run(METHODS[name], [np.sum, lambda x: 1e200 * np.sum(x), np.sum], np.ones(3), 3)


def test_a_matrix_asks_muon_for_no_square():
    path = run(stochastic.muon, repeat(lambda W: 1e200 * np.sum(W**2)), np.eye(2), 3, eta=0.1)
    assert np.all(np.isfinite(path[-1].move))
    assert np.all(path[-1].carried["v_hat"] == 0)
