"""The edge of stability: its laws, against simulations and matrices, and the table, against a rerun."""

from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import central_difference, compiled, grad, hessian
from mathlib.measured import edge, facts, table
from mathlib.nn import mlp
from mathlib.problems import quadratic
from mathlib.stochastic import momentum, sgd

ROWS = table("edge")


def bowl(x):
    return x**2 / 2


def valley(theta, k=0.2, c=2.25):
    """Steeper across, the farther along, with a minimum that is too steep for steps of 1."""
    x, y = theta
    return y * x**2 / 2 + k * (c - y) ** 2 / 2


# ── the threshold ──


def companion(beta, a):
    """The map (theta, g_hat) of momentum on h theta**2 / 2, with a = eta h and g_hat in units of h."""
    return np.array([[1 - a * (1 - beta), -a * beta], [1 - beta, beta]])


@given(st.floats(0, 0.95), st.one_of(st.floats(0.05, 0.98), st.floats(1.02, 3)))
def test_momentum_shrinks_an_error_just_below_its_threshold(beta, part):
    roots = np.linalg.eigvals(companion(beta, part * 2 * (1 + beta) / (1 - beta)))
    assert (np.max(abs(roots)) < 1) == (part < 1)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([0.0, 0.5, 0.8, 0.9]), st.sampled_from([0.9, 1.1]), st.floats(0.1, 10))
def test_so_it_does_when_it_is_run(beta, part, h):
    eta = part * 2 * (1 + beta) / (1 - beta) / h
    path = islice(momentum(repeat(lambda x: h * bowl(x)), 1.0, eta, beta1=beta), 100)
    ends = [abs(step.theta) for step in path][-2:]
    assert (max(ends) < 0.2) == (part < 1)
    assert (max(ends) > 1e3) == (part > 1)


def test_the_threshold_is_2_without_momentum_and_38_for_nine_tenths():
    for beta, edge_of in ((0.0, 2), (0.5, 6), (0.8, 18), (0.9, 38)):
        assert np.isclose(min(np.linalg.eigvals(companion(beta, edge_of)).real), -1)
    assert edge.EDGES == {"gradient descent": 2, "momentum": 38, "Adam": 38, "SGD": 2}


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.95, 1.05]))
def test_with_a_step_size_for_each_component_the_threshold_is_that_of_the_scaled_hessian(seed, part):
    rng = np.random.default_rng(seed)
    loss, _, solution = quadratic(rng.uniform(0.5, 5, 5), seed)
    eta = rng.uniform(0.1, 1, 5)
    eta *= part * 38 / edge.sharpness(loss, np.zeros(5), eta, 5)
    path = momentum(repeat(loss), solution + rng.standard_normal(5), eta)
    far = [np.linalg.norm(step.theta - solution) for step in islice(path, 201)]
    assert (far[-1] < 0.01 * far[0]) == (part < 1)
    assert (far[-1] > 100 * far[0]) == (part > 1)


# ── the sharpness ──


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_the_sharpness_has_no_units(seed):
    rng = np.random.default_rng(seed)
    loss, H, _ = quadratic(rng.uniform(-1, 5, 6), seed)
    eta, unit = rng.uniform(0.1, 1, 6), np.exp(rng.uniform(-3, 3, 6))
    ratio = edge.sharpness(loss, np.zeros(6), eta, 6)
    scaled = edge.sharpness(lambda z: loss(z * unit), np.zeros(6), eta / unit**2, 6)
    direct = np.linalg.eigvals(np.diag(eta) @ H).real.max()
    assert np.allclose([ratio, scaled], direct, rtol=1e-7)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_the_gradient_of_the_sharpness_is_that_of_the_eigenvalue(seed):
    rng = np.random.default_rng(seed)
    theta0, model = mlp([3, 4, 2], seed=seed)
    X, Y = rng.standard_normal((10, 3)), rng.standard_normal((10, 2))

    def loss(theta):
        return np.sum((model(theta, X) - Y) ** 2)

    values, vectors = np.linalg.eigh(hessian(loss, theta0).dense())
    v = rng.standard_normal(theta0.size)

    def eigenvalue(t):
        return np.linalg.eigvalsh(hessian(loss, theta0 + t * v).dense())[-1]

    found = edge.gradient_of_sharpness(loss, theta0, vectors[:, -1]) @ v
    if values[-1] - values[-2] > 0.3:  # else the difference sees the other eigenvalue too
        assert np.isclose(found, central_difference(eigenvalue, 0.0, 1.0), rtol=1e-3, atol=1e-3)


def test_the_batch_sharpness_of_a_batch_of_all_images_is_the_curvature_along_the_gradient():
    net = edge.network(n=edge.BATCH)
    g, H = grad(net.loss)(net.theta0), hessian(net.loss, net.theta0).dense()
    found = edge.batch_sharpness(net, net.theta0, 0.3, seed=1, batches=3)
    assert np.isclose(found, 0.3 * g @ H @ g / (g @ g), rtol=1e-7)
    assert found < edge.sharpness(net.loss, net.theta0, 0.3)


# ── the cycle, and the flow ──


def test_beyond_the_edge_a_valley_makes_a_cycle_of_two():
    r = np.sqrt(2 * 0.2 * (2.25 - 2))
    path = [step.theta for step in islice(sgd(repeat(valley), np.array([r, 2.0]), 1.0), 5)]
    for t, theta in enumerate(path):
        assert np.allclose(theta, [(-1) ** t * r, 2], atol=1e-12)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.01, 0.2), st.floats(1.7, 2.2))
def test_gradient_descent_turns_back_from_the_minimum_and_comes_to_that_cycle(x, y):
    path = [step.theta for step in islice(sgd(repeat(valley), np.array([x, y]), 1.0), 400)]
    assert np.allclose(np.abs(path[-1]), [np.sqrt(0.1), 2], atol=1e-4)
    assert valley(np.array([0.0, 2.25])) == 0 < valley(path[-1])


def test_the_central_flow_stops_at_the_edge_where_the_gradient_flow_goes_on():
    start = np.array([0.0, 1.5])
    whole = list(islice(edge.central_flow(compiled(valley), start, 1.0), 60))
    central, S = whole[-1]
    flow = list(islice(edge.gradient_flow(valley, start, 1.0), 60))[-1]
    assert np.isclose(S, 2, atol=0.02)
    known = 2.25 - 0.75 * np.exp(-0.2 * np.arange(60))  # the gradient flow, along y
    assert np.allclose(central, [0, 2], atol=0.02)
    assert np.allclose(flow, [0, 2.25], atol=1e-4)
    assert np.allclose([theta[1] for theta, _ in whole], np.minimum(known, 2), atol=0.03)
    late = [step.theta for step in islice(sgd(repeat(valley), np.array([0.05, 1.5]), 1.0), 200, 400)]
    assert np.allclose(np.mean(late, axis=0), [0, 2], atol=1e-3)


def test_at_the_edge_the_central_flow_is_projected_to_where_the_sharpness_stays():
    loss, theta0, *_ = edge.network(n=20)
    eta = 2.02 / edge.sharpness(loss, theta0, 1.0, 40)
    [(theta, ratio), (after, _)] = islice(edge.central_flow(loss, theta0, eta, substeps=1), 2)
    H = hessian(loss, theta)
    [S, *_], U = edge.top(H, np.random.default_rng(1).standard_normal((theta.size, 2)), 300)
    dS = edge.gradient_of_sharpness(loss, theta, U[:, 0])
    g, n = grad(loss)(theta), dS / np.linalg.norm(dS)
    assert np.allclose([eta * S, ratio], 2.02, rtol=1e-6)
    along = (after - theta) @ n
    across = after - theta - along * n
    assert np.allclose(across, -eta * (g - (g @ n) * n), rtol=1e-5, atol=1e-8)
    # Along grad S it goes down by a quarter of the excess, or by more where the gradient does.
    excess = (S - 2 / eta) / 4 / np.linalg.norm(dS)
    assert np.isclose(along, -max(excess, eta * (g @ n)), rtol=1e-5)


def test_below_the_edge_the_central_flow_is_the_gradient_flow():
    start = np.array([0.5, 1.2])
    central = [theta for theta, _ in islice(edge.central_flow(valley, start, 1.0, substeps=8), 3)]
    assert np.allclose(central, list(islice(edge.gradient_flow(valley, start, 1.0), 3)), rtol=1e-12)


# ── the table ──


def test_the_table_has_every_run():
    keys = [(row["rule"], row["cost"], float(row["eta"]), int(row["seed"])) for row in ROWS]
    assert keys == [(*run, seed) for run in edge.RUNS for seed in range(10)]
    assert {(row["seed"], row["t"]) for row in table("edge_flows")} == {
        (str(seed), str(t)) for seed in range(10) if seed != 4 for t in range(20, edge.STRETCH + 1, 20)
    }
    late = next(row for row in ROWS if (row["rule"], row["eta"], row["seed"]) == ("gradient descent", "0.3", "4"))
    assert float(late["peak"]) < 2  # so it has no flows
    assert facts("edge")["minutes"] < 15


@pytest.mark.parametrize("k", [21, 80, 121])
def test_a_row_of_the_table_is_a_rerun(k):
    old = ROWS[k]
    new = edge.run((old["rule"], old["cost"], float(old["eta"]), int(old["seed"])))
    assert np.isclose(float(new["start"]), float(old["start"]), rtol=0.02)
    # A run amplifies the last bit of a sum, but not out of the band in which it stays.
    assert np.isclose(float(new["late"]), float(old["late"]), rtol=0.1)


def test_a_stretch_of_the_flows_is_a_rerun():
    old = next(row for row in table("edge_flows") if row["seed"] == "1")
    [new] = edge.flows(1, stretch=20)
    for name in ("edge", "central edge", "central", "moved"):
        assert np.isclose(float(new[name]), float(old[name]), rtol=0.05)


def test_what_diverges_is_a_row_too():
    row = edge.run(("gradient descent", "squared", 9.0, 0), steps=120)
    assert row["late"] == row["train"] == "inf"
    assert float(row["start"]) > 2
