"""Every stochastic method, norm and form of curvature, swept with what a stranger would try."""

import inspect
import io
import re
import threading
import warnings
from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest

from mathlib import compiled, optimize, stochastic, value_and_grad
from mathlib.curvature import Composed, empirical_fisher, fisher, gauss_newton
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
    "averaged_adam": [{"decay": 0.0}],
    "carried_drift": [{"every": 2}],
}
NAMES = [
    name
    for name in stochastic.__all__
    if inspect.isfunction(f := getattr(stochastic, name))
    and {"losses", "theta0"} <= set(inspect.signature(f).parameters)
]
METHODS = {f"{name} {way}": partial(getattr(stochastic, name), **way) for name in NAMES for way in WAYS.get(name, [{}])}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
on_any_loss = pytest.mark.parametrize(
    "method",
    [m for m in METHODS.values() if m.func is not stochastic.kfac],
    ids=[n for n in METHODS if "kfac" not in n],
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
    theta0 = np.random.default_rng(0).standard_normal(shape)
    if 0 in shape and method.func is stochastic.steepest_descent:  # no step is of length 1
        with pytest.raises(ValueError, match="at least one number is needed"):
            run(method, bowls(), theta0, 5)
        return
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


def until_it_fails(steps):
    """The steps, and what the error says that ends them, if one does."""
    path = []
    try:
        path.extend(steps)
    except FloatingPointError as error:
        return path, str(error)
    return path, None


@on_any_loss
@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_any_size_make_a_finite_step_or_an_error(method, scale, dtype):
    theta0 = np.random.default_rng(0).standard_normal((2, 3)).astype(dtype)
    path, error = until_it_fails(islice(method(bowls(dtype(scale)), theta0), 5))
    assert all(np.all(np.isfinite(a)) for step in path[:-1] for a in arrays_of(step).values())
    assert error is None if scale < 1 else error is None or re.match("step .* Instead: a smaller eta", error)


SQUARED = [
    n for n in METHODS if n.split()[0] in ("adamw", "prodigy", "hypergradient", "carried_drift", "averaged_adam")
]
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


def test_a_factor_that_overflows_is_named():
    with pytest.raises(FloatingPointError, match=r"step 0: a factor overflows"):
        run(stochastic.shampoo, repeat(lambda W: 1e200 * np.sum(W)), np.ones((2, 2)), 1)


@every_method
def test_every_method_ends_at_the_minimum_of_a_convex_loss_as_its_steps_decay(method):
    """Of a cross entropy with a ridge, to a hundredth of what there was to gain; of K-FAC damping sees the ridge."""
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((20, 3)), rng.integers(0, 3, 20)

    def loss(W):
        return softmax_cross_entropy(X @ W, y) + 0.2 * np.sum(W**2)

    [*_, best] = run(stochastic.sgd, repeat(loss), np.zeros((3, 3)), 200, eta=1.0)
    damping = {"damping": 1.0} if method.func is stochastic.kfac else {}
    path = run(method, repeat(loss), rng.standard_normal((3, 3)), 120, eta=cosine(0.3, 120), **damping)
    end = loss(path[-1].carried["x"]) if method.func is stochastic.schedule_free else path[-1].loss
    assert end - best.loss < 1e-2 * (path[0].loss - best.loss)


# ------------------------------------------------------------------------------------------- what is refused


@every_method
def test_a_state_of_another_kind_is_refused(method):
    loss, data, theta0, unravel = network("mlp")
    state = run(method, minibatches(loss, data, 5), theta0, 3, unravel, eta=0.01)[-1].state

    def resumed(**wrong):
        return run(method, minibatches(loss, data, 5), state | wrong, 1, unravel, eta=0.01)

    for name in sorted(set(state) - {"t"}):
        for wrong in (None, "a", True, np.asarray(state[name]) * 1j, np.array([None])):
            with pytest.raises(TypeError, match=rf"theta0('s {name})? is of type"):
                resumed(**{name: wrong})
        for wrong in (np.full(np.shape(state[name]), np.nan), np.full(np.shape(state[name]), -np.inf)):
            with pytest.raises(ValueError, match=f"theta0('s {name})? has a NaN or an infinity"):
                resumed(**{name: wrong})
        if name != "theta":
            with pytest.raises(ValueError, match=rf"theta0's {name} has shape \(5, 1\): \(.*\) is needed"):
                resumed(**{name: np.ones((5, 1))})
            with pytest.raises(ValueError, match="state of another method"):
                run(method, minibatches(loss, data, 5), {k: a for k, a in state.items() if k != name}, 1, unravel)
    for t in (None, "1", 1j, [1], True):
        with pytest.raises((TypeError, ValueError), match=r"theta0's t is "):
            resumed(t=t)
    for t in (np.inf, np.nan, -1, 0.5):
        with pytest.raises(ValueError, match=r"theta0's t is .*: a whole number of steps, at least 0"):
            resumed(t=t)
    assert len(resumed()) == 1


@pytest.mark.parametrize("method", [stochastic.soap, stochastic.shampoo])
def test_a_state_of_other_blocks_of_the_same_size_is_refused(method):
    theta0 = np.random.default_rng(0).standard_normal(16)
    loss = lambda x: np.sum(np.cosh(x)) + np.sum(x) ** 2  # noqa: E731
    state = run(method, repeat(loss), theta0, 4, [(2, 3), (5, 2)])[-1].state
    with pytest.raises(ValueError, match=r"theta0's \w+ holds matrices that are not symmetric: it is of other blocks"):
        run(method, repeat(loss), state, 1, [(5, 2), (2, 3)])
    with pytest.raises(ValueError, match=r"theta0's \w+ has shape"):
        run(method, repeat(loss), state, 1, [(6,), (10,)])


@pytest.mark.parametrize("blocks", [[(26.0,)], [("a",)], [(-1, -26)], [26], [(2, None)], (26,), np.ones((1, 1)), {}])
@pytest.mark.parametrize("method", [stochastic.muon, stochastic.soap, stochastic.shampoo, stochastic.kfac])
def test_what_are_no_shapes_are_no_blocks(method, blocks):
    with pytest.raises(TypeError, match=r"blocks is a \w+: .* or a list of shapes, is needed"):
        method(bowls(), np.ones(26), blocks=blocks)
    with pytest.raises(TypeError, match=r"blocks is a \w+: .* or a list of shapes is needed"):
        Network(blocks, Max())


@pytest.mark.parametrize("model", [mlp([3, 4, 2])[1], cnn((4, 4, 1), (2,), F=3, stride=1, classes=2)[1]])
def test_a_network_s_unravel_says_its_layers(model):
    shapes = model.unravel.shapes
    theta = np.arange(float(sum(int(np.prod(shape)) for shape in shapes)))
    parts = model.unravel(theta)
    assert [part.shape for part in parts] == shapes
    assert np.array_equal(np.concatenate([part.ravel() for part in parts]), theta)
    with pytest.raises(ValueError, match=r"theta has shape"):
        model.unravel(theta[1:])


# -------------------------------------------------------------------------------------------------- norms


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
@pytest.mark.parametrize("norm", [Spectral(), Spectral(5), RMS(), Weighted(np.eye(4))])
def test_floats_that_numpy_does_not_decompose_are_refused(norm, dtype):
    g = np.eye(2, dtype=dtype)
    for call in (norm, norm.dual, norm.steepest):
        with pytest.raises(TypeError, match=rf"[dg] is of type {np.dtype(dtype)}: float32 or float64 is needed"):
            call(g)
    for simple in (Euclidean(), Max()):
        assert simple.steepest(g).dtype == dtype


def test_a_layer_without_weights_is_refused_before_it_is_used():
    for shape in ((0,), (0, 3), (3, 0)):
        with pytest.raises(ValueError, match=r"layer 1 has shape \(.*\): at least one number is needed"):
            Network([(2, 2), shape], RMS())


def test_lists_views_and_arrays_that_cannot_be_written_are_as_good_as_others():
    G = np.random.default_rng(0).standard_normal((6, 8))
    fixed = G.copy()
    fixed.flags.writeable = False
    for norm in (Euclidean(), Max(), Spectral(), Spectral(5), RMS(), Weighted(np.diag(np.arange(1.0, 13.0)))):
        view = G[::2, ::-2]
        expected = norm.steepest(np.ascontiguousarray(view))
        for same in (view, np.asfortranarray(view), view.tolist(), fixed[::2, ::-2], view.astype(">f8")):
            np.testing.assert_allclose(norm.steepest(same), expected, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(norm.dual(same), norm.dual(view), rtol=1e-12)
    assert np.array_equal(G, fixed)


# ---------------------------------------------------------------------------------------------- curvature

X = np.random.default_rng(0).standard_normal((5, 2))
Y = np.random.default_rng(1).standard_normal((5, 3))
FORMS = {
    "gauss_newton": lambda output, y: gauss_newton(output, lambda z: np.mean((z - y) ** 4), np.ones((2, 3))),
    "normal": lambda output, y: fisher(output, "normal", np.ones((2, 3))),
    "fisher": lambda output, y: fisher(output, lambda z: softmax_cross_entropy(z, abs(y) > 9), np.ones((2, 3))),
    "empirical": lambda output, y: empirical_fisher(output, lambda z: np.mean((z - y) ** 4), np.ones((2, 3))),
}


@pytest.mark.parametrize("way", [lambda f: f, compiled], ids=["plain", "compiled"])
@pytest.mark.parametrize("name", ["gauss_newton", "normal", "empirical"])
def test_data_that_change_later_do_not_show(name, way):
    inputs, targets, V = X.copy(), Y.copy(), np.ones((2, 3, 40))
    G = FORMS[name](way(lambda W: np.tanh(inputs @ W)), targets)
    before = G @ V, G.dense(), G.solve(np.ones((2, 3)), 1.0)
    inputs[:] = targets[:] = 7.0
    G.z[...] = 7.0
    for a, b in zip(before, (G @ V, G.dense(), G.solve(np.ones((2, 3)), 1.0)), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 1, 3)])
def test_a_theta_of_any_shape_has_a_form(shape):
    theta, a = np.full(shape, 0.5)[()], np.arange(1.0, 6.0)
    sizes = np.arange(1.0, np.size(theta) + 1).reshape(shape)
    output = lambda t: a * (1 + np.sum(sizes * t**2))  # noqa: E731
    J = np.outer(a, np.ravel(2 * sizes * theta))
    r = 2 * (output(theta) - 1)  # of each example's loss by z
    expected = [2 / 5 * J.T @ J, J.T @ J / 5, (J.T * r**2) @ J / 5]
    loss = lambda z: np.mean((z - 1) ** 2)  # noqa: E731
    forms = gauss_newton(output, loss, theta), fisher(output, "normal", theta), empirical_fisher(output, loss, theta)
    for G, M in zip(forms, expected, strict=True):
        np.testing.assert_allclose(G.dense(), M, rtol=1e-12)
        for k in (0, 1, 40):
            assert (G @ np.ones((*shape, k))).shape == (*shape, k)
        d = G.solve(np.ones(shape), 1.0)
        np.testing.assert_allclose(G @ d + d, np.ones(shape), rtol=1e-9)


def test_threads_share_an_operator():
    theta, model = mlp([2, 4, 3])
    G = gauss_newton(lambda t: model(t, X), lambda z: np.mean((z - Y) ** 2), theta)
    V = np.random.default_rng(0).standard_normal((theta.size, 40))
    expected, wrong = [G @ v for v in V.T], []

    def work():
        for v, Gv in zip(V.T, expected, strict=True):
            if not np.array_equal(G @ v, Gv):
                wrong.append(v)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_form_that_is_negative_is_no_singular_one():
    G = gauss_newton(lambda t: t, lambda z: np.sum(z**2 * np.array([1.0, -1.0])), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError, match="G is negative along a vector: the loss is not convex in z"):
        G.solve(np.array([0.0, 1.0]))
    np.testing.assert_allclose(G.solve(np.array([0.0, 1.0]), damping=4.0), [0.0, 0.5])


COMPOSED = Composed(np.exp, np.sum)


@pytest.mark.parametrize("method", [optimize.gauss_newton, optimize.natural_gradient])
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"eta": "1"}, TypeError, "eta is of type"),
        ({"eta": None}, TypeError, "eta is of type NoneType"),
        ({"eta": np.ones(2)}, ValueError, r"eta has shape \(2,\): one number is needed"),
        ({"damping": [1.0]}, ValueError, r"damping has shape \(1,\): one number"),
        ({"damping": True}, TypeError, "damping is of type bool"),
        ({"damping": 1.0, "adapt": "yes"}, TypeError, "adapt is 'yes': True or False is needed"),
        ({"damping": 1.0, "adapt": 1}, TypeError, "adapt is 1: True or False is needed"),
    ],
)
def test_options_of_the_methods_are_checked_before_the_first_step(method, options, kind, message):
    with pytest.raises(kind, match=message):
        method(COMPOSED, np.ones(2), **options)


def test_a_region_of_trust_has_a_positive_radius():
    """A negative one would turn the step around."""
    for radius in (-1.0, 0.0, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"radius is .*: a positive, finite length is needed"):
            optimize.newton_cg(COMPOSED, np.ones(2), radius=radius)


def damped_by_hand(seed, eta, seen):
    """Follow an adapted damping with dense matrices, and note by which factors it changes."""
    rng = np.random.default_rng(seed)
    A, b, theta0 = rng.standard_normal((6, 3)), rng.standard_normal(6), 2 * rng.standard_normal(3)
    output = lambda t: np.sin(A @ t) + 0.3 * (A @ t) ** 2  # noqa: E731
    loss, damping, expected = Composed(output, lambda z: np.mean((z - b) ** 2) / 2), 0.01, theta0
    for step in islice(optimize.gauss_newton(loss, theta0, eta, damping, adapt=True), 12):
        theta = step.theta
        np.testing.assert_allclose(theta, expected, rtol=1e-6, atol=1e-8)
        J = (np.cos(A @ theta) + 0.6 * (A @ theta))[:, None] * A
        G, g = J.T @ J / 6, J.T @ (output(theta) - b) / 6
        for _ in range(20):
            d = -eta * np.linalg.solve(G + damping * np.eye(3), g)
            if loss(theta + d) < loss(theta) + 1e-4 * g @ d:
                break
            damping *= 8
            seen.add(8)
        expected = theta + d
        gain = (loss(expected) - loss(theta)) / (g @ d + d @ G @ d / (2 * eta))
        factor = 2 / 3 if gain > 0.75 else 3 / 2 if gain < 0.25 else 1
        damping *= factor
        seen.add(factor)


def test_the_damping_follows_what_the_model_promised():
    seen = set()
    for seed in range(8):
        damped_by_hand(seed, 1.0, seen)
        damped_by_hand(seed, 0.5, seen)
    assert seen == {2 / 3, 1, 3 / 2, 8}
