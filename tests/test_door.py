"""The door: bad arguments of every public function get a message that names them, and good ones their meaning.

Each function is called with right arguments, of which one at a time is replaced by each member of a zoo. Either the
call has a result, or mathlib itself raises a TypeError or a ValueError; NumPy's and Python's own errors from deep
inside, which name what the caller never wrote, are faults.
"""

import importlib
import itertools
import traceback

import numpy as np
import pytest

import mathlib
from mathlib import curvature, nn, norms, optimize, spaces, stochastic
from mathlib.backprop import ConstantLossWarning, Graph

tools = importlib.import_module("mathlib.hessian")  # its name is the function's too


class Thing:
    """An object of no meaning here."""


ZOO = {
    "none": None,
    "word": "abc",
    "digit": "2",
    "bytes": b"ab",
    "true": True,
    "minus one": -1,
    "zero": 0,
    "three": 3,
    "fraction": 2.5,
    "negative": -2.5,
    "nan": np.nan,
    "infinity": np.inf,
    "complex": 1j,
    "list": [1.0, 2.0],
    "empty list": [],
    "rows": [[1.0, 2.0], [3.0, 4.0]],
    "ragged": [[1.0], [1.0, 2.0]],
    "dict": {"a": np.ones(2)},
    "layers": (np.ones((2, 2)), np.ones(2)),
    "set": {1.0, 2.0},
    "range": range(2),
    "half": np.ones(2, np.float16),
    "long": np.ones(2, np.longdouble),
    "integers": np.ones(2, int),
    "booleans": np.ones(2, bool),
    "complexes": np.ones(2, complex),
    "objects": np.array([1.0, None], object),
    "words": np.array(["a", "b"]),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "with nan": np.array([1.0, np.nan]),
    "three numbers": np.ones(3),
    "matrix": np.ones((2, 2)),
    "no numbers": np.ones(0),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "thing": Thing(),
    "gives none": lambda *a: None,
    "gives a list": lambda x, *a: [x, x],
    "gives a word": lambda *a: "word",
}

THETA, X, Y = np.array([1.0, 2.0]), np.ones((6, 2)), np.ones(6)
IMAGES, FILTERS, LABELS = np.ones((1, 4, 4, 1)), np.ones((2, 2, 1, 1)), np.zeros(6, int)


def cubes(x):
    return np.sum(x**3)


def misfit(theta, X, y):
    return np.sum(theta**2) * np.sum(X) + np.sum(y)


def surprise(W):
    return nn.softmax_cross_entropy(nn.dense(X, W, 0.0), LABELS)


def steps(method):
    """Two steps of a stochastic method; its stream of losses ends only with the test."""
    return lambda *args: list(itertools.islice(method(*args), 2))


LOSSES = itertools.repeat(cubes)
SURPRISES, WEIGHTS = itertools.repeat(surprise), np.eye(2)
H = mathlib.hessian(cubes, THETA)
COMPOSED = curvature.Composed(np.exp, np.sum)
FORM = curvature.gauss_newton(np.exp, cubes, THETA)
E = spaces.VectorSpace(2).basis()
POINT, COVECTOR = E.vector([1.0, 2.0]), E.covector([3.0, 4.0])
G, A = E.inner_product([[2.0, 0.0], [0.0, 1.0]]), E.linear_map([[2.0, 0.0], [0.0, 1.0]])
VECTOR, UNRAVEL = nn.ravel([np.eye(2)])

CALLS = {
    "grad": (lambda f, x: mathlib.grad(f)(x), cubes, THETA),
    "value_and_grad": (lambda f, x: mathlib.value_and_grad(f)(x), cubes, THETA),
    "vjp": (lambda f, x, w: mathlib.vjp(f, x)[1](w), np.exp, THETA, THETA),
    "jvp": (mathlib.jvp, cubes, THETA, THETA),
    "complex_step": (mathlib.complex_step, cubes, THETA, THETA, 2.0**-50),
    "forward_difference": (mathlib.forward_difference, cubes, THETA, THETA, 1e-6),
    "central_difference": (mathlib.central_difference, cubes, THETA, THETA, 1e-6),
    "hvp": (mathlib.hvp, cubes, THETA, THETA, "dual"),
    "grad_and_hvp": (mathlib.grad_and_hvp, cubes, THETA, THETA),
    "hessian": (lambda f, x: mathlib.hessian(f, x).dense(), cubes, THETA),
    "H @ v": (H.__matmul__, THETA),
    "matvec": (H.matvec, THETA),
    "quadratic": (H.quadratic, THETA, THETA),
    "gauss_newton": (lambda f, g, x: curvature.gauss_newton(f, g, x).dense(), np.exp, np.sum, THETA),
    "fisher": (lambda f, g, x: curvature.fisher(f, g, x).dense(), np.exp, "normal", THETA),
    "empirical_fisher": (lambda f, g, x: curvature.empirical_fisher(f, g, x).dense(), np.exp, np.sum, THETA),
    "Composed": (curvature.Composed, np.exp, np.sum),
    "G @ v": (FORM.__matmul__, THETA),
    "G.solve": (FORM.solve, THETA, 1.0),
    "Gauss-Newton steps": (steps(optimize.gauss_newton), COMPOSED, THETA, 1.0, 1.0, False),
    "natural gradient": (steps(optimize.natural_gradient), COMPOSED, THETA, 1.0, 1.0, False, "normal"),
    "gradient_descent": (steps(optimize.gradient_descent), cubes, THETA, 0.1, np.eye(2)),
    "modified": (steps(optimize.modified_newton), cubes, THETA, 1e-8),
    "newton_cg": (steps(optimize.newton_cg), cubes, THETA, 0.5, None),
    "bfgs": (steps(optimize.bfgs), cubes, THETA, np.eye(2)),
    "lbfgs": (steps(optimize.lbfgs), cubes, THETA, 5, np.eye(2)),
    "cg": (steps(optimize.conjugate_gradient), cubes, THETA, "hager_zhang", np.eye(2)),
    "check_grad": (mathlib.check_grad, cubes, THETA, 1, 1, 0),
    "Dual": (mathlib.Dual, THETA, THETA),
    "Graph": (Graph, cubes, THETA),
    "lanczos": (tools.lanczos, H, 2, 0),
    "spectral_density": (tools.spectral_density, H, THETA, 0.1, 2, 2, 0),
    "hutchinson_trace": (tools.hutchinson_trace, H, 3, 0),
    "hutchinson_diagonal": (tools.hutchinson_diagonal, H, 3, 0),
    "minibatches": (lambda *a: next(stochastic.minibatches(*a)), misfit, (X, Y), 2, 0, 0),
    "data": (lambda X, y: next(stochastic.minibatches(misfit, (X, y), 1)), X, Y),
    "linear_decay": (lambda eta, n, t: stochastic.linear_decay(eta, n)(t), 0.5, 4, 1),
    "cosine": (lambda eta, n, t: stochastic.cosine(eta, n)(t), 0.5, 4, 1),
    "gradient_noise": (stochastic.gradient_noise, misfit, (X, Y), THETA, 1),
    "gradient_drift": (stochastic.gradient_drift, misfit, (X, Y), THETA, 0.1, THETA),
    "sgd": (steps(stochastic.sgd), LOSSES, THETA, 1e-2),
    "momentum": (steps(stochastic.momentum), LOSSES, THETA, 1e-2, 0.9, False),
    "adam": (steps(stochastic.adam), LOSSES, THETA, 1e-2, 0.9, 0.99, 1e-8, True, False),
    "second_order_adam": (steps(stochastic.second_order_adam), LOSSES, THETA, 1e-2, 0.9, 0.9, False),
    "hessian_corrected_momentum": (steps(stochastic.hessian_corrected_momentum), LOSSES, THETA, 1e-2, 0.1),
    "smd": (steps(stochastic.smd), LOSSES, THETA, 1e-2, 0.05, 0.9),
    "hypergradient": (steps(stochastic.hypergradient), LOSSES, THETA, 1e-3, 0.9, 0.99, 0.9, 0.2),
    "carried_drift": (steps(stochastic.carried_drift), LOSSES, THETA, 1e-3, 0.9, 0.99, 0.9, 0.99, 0.01, 1.0, 20),
    "shampoo": (steps(stochastic.shampoo), LOSSES, THETA, 1e-2, None, 0.0, 0.99, False, 0.25, 1e-12),
    "kfac": (steps(stochastic.kfac), SURPRISES, WEIGHTS, 0.1, None, "exact", 0.0, 0.95, 1e-3, True, 1, "refused", 0),
    "factors": (stochastic.factors, surprise, WEIGHTS, None, "exact", 0),
    "steepest_descent": (steps(stochastic.steepest_descent), LOSSES, THETA, 1e-2, norms.Max(), 0.9),
    "sign_descent": (steps(stochastic.sign_descent), LOSSES, THETA, 1e-2, 0.9),
    "muon": (steps(stochastic.muon), LOSSES, THETA, 1e-2, 0.9, True, 5, False, 0.9, 0.9, 1e-8, None),
    "length": (norms.Euclidean(), THETA),
    "dual length": (norms.Max().dual, THETA),
    "steepest": (norms.RMS().steepest, THETA),
    "Spectral": (lambda iterations, g: norms.Spectral(iterations).departure(g), 5, np.eye(2)),
    "RMS": (lambda iterations, g: norms.RMS(iterations).steepest(g), 5, np.eye(2)),
    "Weighted": (lambda M, d: norms.Weighted(M)(d), np.eye(2), THETA),
    "Network": (lambda *a: norms.Network(*a).dual(THETA), [(2,)], [norms.Max()], [1.0]),
    "soap": (steps(stochastic.soap), LOSSES, THETA, 1e-3, [(2,)], 0.9, 0.99, 1e-8, 10),
    "sophia": (steps(stochastic.sophia), LOSSES, THETA, 1e-3, 0.9, 0.99, 0.01, 1e-12, 10, 0),
    "adahessian": (steps(stochastic.adahessian), LOSSES, THETA, 0.1, 0.9, 0.99, 1e-4, 1.0, 1, 0),
    "adamw": (steps(stochastic.adamw), LOSSES, THETA, 1e-2, 0.9, 0.99, 1e-8, 1e-2),
    "cdat": (steps(stochastic.cdat), LOSSES, THETA, 1.0, 2.0, 0.9, 0.99, 0.9, True),
    "schedule_free": (steps(stochastic.schedule_free), LOSSES, THETA, 1e-2, 0.9, 0.99, 1e-8, True),
    "prodigy": (steps(stochastic.prodigy), LOSSES, THETA, 1.0, 0.9, 0.99, 1e-8, 1e-3, False),
    "averaged_adam": (steps(stochastic.averaged_adam), LOSSES, THETA, 0.3, 0.9, 0.99, 1e-8, 0.005, 2, None),
    "VectorSpace": (spaces.VectorSpace, 2),
    "vector": (E.vector, [1.0, 2.0]),
    "covector": (E.covector, [1.0, 2.0]),
    "change": (E.change, np.eye(2)),
    "coordinates": (E.coordinates, POINT),
    "linear_map": (E.linear_map, np.eye(2)),
    "form": (E.form, np.eye(2)),
    "inner_product": (E.inner_product, np.eye(2)),
    "pullback": (lambda f: E.pullback(f)(THETA), lambda x: np.sum(E.coordinates(x))),
    "differential": (spaces.differential, lambda x: np.sum(E.coordinates(x)), POINT),
    "second_differential": (spaces.second_differential, lambda x: np.sum(E.coordinates(x) ** 2), POINT),
    "basis_matching": (spaces.basis_matching, COVECTOR, POINT),
    "pairing": (COVECTOR, POINT),
    "sum": (lambda a: POINT + a, POINT),
    "multiple": (lambda a: (POINT * a, a * A), 2.0),
    "quotient": (lambda a: POINT / a, 2.0),
    "map": (A, POINT),
    "chain": (lambda a: A @ a, A),
    "solve": (A.solve, POINT),
    "norm": (G.norm, POINT),
    "ravel": (nn.ravel, [np.eye(2)]),
    "unravel": (UNRAVEL, VECTOR),
    "pad": (nn.pad, IMAGES, 1),
    "conv2d_shape": (nn.conv2d_shape, 4, 4, 2, 0, 1),
    "conv2d": (nn.conv2d, IMAGES, FILTERS, 0, 1),
    "max_pool": (nn.max_pool, IMAGES, 2, 2),
    "relu": (nn.relu, THETA),
    "softplus": (nn.softplus, THETA),
    "dense": (nn.dense, X, np.eye(2), THETA),
    "attention": (nn.attention, X, X, X, True),
    "softmax_cross_entropy": (nn.softmax_cross_entropy, X, LABELS, "nats"),
    "accuracy": (nn.accuracy, X, LABELS),
    "mlp": (nn.mlp, [2, 2], np.tanh, 0),
    "cnn": (nn.cnn, (8, 8, 1), (2,), 3, 2, 3, 0, 0),
}


@pytest.mark.filterwarnings("ignore")  # a zero division has NumPy's warning, and a value
@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_looked_at(name):
    call, *right = CALLS[name]
    call(*right)
    faults = []
    for i, (animal, wrong) in itertools.product(range(len(right)), ZOO.items()):
        arguments = [*right[:i], wrong, *right[i + 1 :]]
        try:
            call(*arguments)
        except (TypeError, ValueError, FloatingPointError) as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            ours = "mathlib" in place.filename and place.line.startswith("raise") and len(str(error)) > 25
            if not ours:
                faults.append(f"{animal} as argument {i}: {type(error).__name__}: {error}")
        except Exception as error:
            faults.append(f"{animal} as argument {i}: {type(error).__name__}: {error}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mathlib.hvp(cubes, THETA, np.ma.array(THETA, mask=[True, False])), r"v is masked.*filled"),
        (lambda: mathlib.grad(cubes)([[1.0], [1.0, 2.0]]), r"theta is a list of rows.*mathlib\.nn\.ravel\(theta\)"),
        (lambda: next(stochastic.sgd(LOSSES, THETA, 0.1 + 0.1j)), "eta is of type complex128: real numbers"),
        (lambda: next(stochastic.sgd(LOSSES, THETA, lambda t: "0.1")), "eta is of type <U3: real numbers"),
        (lambda: next(stochastic.adam(LOSSES, THETA, published="no")), "published is a str: True or False"),
        (lambda: next(stochastic.adam(LOSSES, THETA, beta2="0.9")), "beta2 is of type <U3: real numbers"),
        (lambda: stochastic.minibatches(misfit, (X, Y), 2.0), r"batch_size is 2\.0: an integer of at least 1"),
        (lambda: stochastic.minibatches(misfit, (X, Y), True), "batch_size is True: an integer"),
        (lambda: stochastic.minibatches(3, (X, Y)), "a function is needed, and a int came"),
        (lambda: tools.hutchinson_trace(np.eye(2)), "H is a ndarray.*aslinearoperator"),
        (lambda: optimize.gauss_newton(np.exp, np.sum, THETA), r"theta0 is a function.*Composed\(output, loss\)"),
        (lambda: mathlib.check_grad(cubes, THETA, order=np.ones(2)), "order is a ndarray: 1 or 2"),
        (lambda: nn.dense(X, np.eye(3), 0.0), r"x has shape \(6, 2\), W \(3, 3\)"),
    ],
)
def test_what_once_passed_or_failed_deep_inside_says_what_is_needed(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_the_seed_none_is_a_new_seed_each_time():
    rows = np.arange(1000.0)

    def order():
        losses = stochastic.minibatches(lambda theta, X: theta * X, (rows,), batch_size=500, seed=None)
        return np.concatenate([next(losses)(1.0), next(losses)(1.0)])

    one, other = order(), order()
    assert np.array_equal(np.sort(one), rows)  # of one epoch: its halves have one seed
    assert not np.array_equal(one, other)


def test_a_schedule_takes_what_a_step_size_can_be():
    assert stochastic.linear_decay([1.0, 2.0], 4)(2).tolist() == [0.5, 1.0]
    assert isinstance(stochastic.cosine(0.5, 4)(np.int64(1)), float)


def test_a_theta_without_components_has_an_empty_hessian():
    assert mathlib.hessian(cubes, np.ones(0)).dense().shape == (0, 0)


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f, x: mathlib.grad(f)(x),
        lambda f, x: mathlib.value_and_grad(f)(x),
        lambda f, x: mathlib.hvp(f, x, x),
        lambda f, x: mathlib.hvp(f, x, x, "complex_step"),
        lambda f, x: mathlib.hvp(f, x, x, "double_backprop"),
        lambda f, x: mathlib.grad_and_hvp(f, x, x),
        lambda f, x: mathlib.hessian(f, x),
    ],
)
def test_the_warning_of_a_constant_loss_names_the_line_that_asked(derivative):
    with pytest.warns(ConstantLossWarning) as seen:
        derivative(lambda x: 3.0, THETA)
    assert {warning.filename for warning in seen} == {__file__}
