"""K-FAC and Shampoo: against loops over examples, where their curvature is exact, symmetries, errors, resumption."""

from functools import partial
from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import compiled, grad
from mathlib.invariance import changes
from mathlib.nn import cnn, dense, mlp, ravel, relu, softmax_cross_entropy
from mathlib.show.drawings.kronecker import gap
from mathlib.stochastic import factors, kfac, minibatches, shampoo

SEEDS = st.integers(0, 2**32 - 1)


def same(a, b, rtol=1e-10):
    """Equal up to the rounding of some hundred operations, of numbers that are not much smaller than the largest."""
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(b)))


def softmax(z):
    p = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return p / np.sum(p, axis=-1, keepdims=True)


def network(seed, sizes=(3, 4, 2), N=5, activation=np.tanh):
    """A network, with biases that are not zero, its loss on some data, and these."""
    rng = np.random.default_rng(seed)
    theta, model = mlp(sizes, activation, seed % 1000)
    theta = theta + 0.3 * rng.standard_normal(theta.shape)
    X, y = rng.standard_normal((N, sizes[0])), rng.integers(0, sizes[-1], N)
    return theta, model, (lambda theta: softmax_cross_entropy(model(theta, X), y)), X, y


def fisher(theta, model, X):
    """The Fisher information, by one gradient for each example and target."""
    F = 0
    for x in X:
        for k, p in enumerate(softmax(model(theta, x[None]))[0]):
            g = grad(lambda theta, x=x, k=k: softmax_cross_entropy(model(theta, x[None]), np.array([k])))(theta)
            F = F + p * np.outer(g, g) / len(X)
    return F


def block(F, entries):
    return F[np.ix_(entries.ravel(), entries.ravel())]


# ----------------------------------------------------------------------------------------- factors


@given(SEEDS, st.booleans())
def test_the_product_of_the_factors_is_the_fisher_information_of_one_example(seed, turned):
    """Of every layer; also where the program has the examples in columns."""
    theta, model, _, X, y = network(seed, N=1)
    _, unravel = ravel([np.zeros(shape) for shape in model.unravel.shapes])

    def in_columns(theta):
        V, b, W, c = unravel(theta)
        hidden = np.tanh(V.T @ X.T + b[:, None])
        return softmax_cross_entropy((np.transpose(W) @ hidden + c[:, None]).T, y)

    loss = in_columns if turned else lambda theta: softmax_cross_entropy(model(theta, X), y)
    F, layers = fisher(theta, model, X), factors(loss, theta, model.unravel)
    assert [layer.entries.shape for layer in layers] == [(4, 4), (5, 2)]
    assert sorted(np.concatenate([layer.entries.ravel() for layer in layers])) == list(range(len(theta)))
    for A, G, entries in layers:
        same(np.kron(A, G), block(F, entries))


@given(SEEDS)
def test_it_is_exact_where_output_gradients_do_not_depend_on_inputs(seed):
    """At W = 0 every example has the same model; a step away from it, it is not."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((7, 3)), rng.integers(0, 4, 7)
    theta, model = mlp([3, 4])
    for at, exact in ((0 * theta, True), (rng.standard_normal(theta.shape), False)):
        [(A, G, entries)] = factors(lambda theta: softmax_cross_entropy(model(theta, X), y), at)
        F = block(fisher(at, model, X), entries)
        error = np.linalg.norm(np.kron(A, G) - F) / np.linalg.norm(F)
        assert error < 1e-12 if exact else error > 1e-3


def by_hand(theta, model, X, targets, y=None, u=None):
    """The factors of a network of two layers, by a loop over examples and backpropagation on paper."""
    V, b, W, c = model.unravel(theta)
    sums = [0.0] * 4
    for n, x in enumerate(X):
        h = np.tanh(x @ V + b)
        p = softmax(h @ W + c)
        k = y[n] if targets == "empirical" else np.searchsorted(np.cumsum(p), u[n]) if targets == "sampled" else None
        for label, weight in enumerate(p) if targets == "exact" else [(k, 1.0)]:
            e = p - (np.arange(len(p)) == label)
            d = (W @ e) * (1 - h**2)
            sums[1], sums[3] = sums[1] + weight * np.outer(d, d), sums[3] + weight * np.outer(e, e)
        sums[0], sums[2] = sums[0] + np.outer([*x, 1], [*x, 1]), sums[2] + np.outer([*h, 1], [*h, 1])
    return [a / len(X) for a in sums]


TARGETS = pytest.mark.parametrize("targets", ["sampled", "exact", "empirical"])


@TARGETS
@given(seed=SEEDS)
def test_the_factors_by_hand(targets, seed):
    theta, model, loss, X, y = network(seed)
    first, second = factors(loss, theta, model.unravel, targets, seed=seed)
    u = np.random.default_rng(seed).random(len(X))
    for found, expected in zip([*first[:2], *second[:2]], by_hand(theta, model, X, targets, y, u), strict=True):
        same(found, expected)
        assert np.min(np.linalg.eigvalsh(found)) > -1e-12 * np.max(found)
        same(found, found.T)


def test_sampled_targets_are_on_average_exact_and_empirical_ones_are_not():
    theta, _, loss, _, _ = network(0)
    exact, empirical = (factors(loss, theta, targets=targets)[0].G for targets in ("exact", "empirical"))
    draws = np.array([factors(loss, theta, targets="sampled", seed=seed)[0].G for seed in range(400)])
    noise = np.std(draws, axis=0) / np.sqrt(len(draws))
    assert np.all(abs(np.mean(draws, axis=0) - exact) < 5 * noise)
    assert np.max(abs(empirical - exact) / noise) > 20


@given(SEEDS)
def test_a_convolution_is_a_layer_of_windows(seed):
    """By a loop over windows; where there is one window only, the factors are exact for one example."""
    rng = np.random.default_rng(seed)
    theta, model = cnn((3, 4, 2), channels=(3,), F=2, stride=1, classes=2, seed=seed % 1000)
    theta, X, y = theta + 0.1 * rng.standard_normal(theta.shape), rng.standard_normal((4, 3, 4, 2)), np.arange(4) % 2
    A, G, entries = factors(lambda theta: softmax_cross_entropy(model(theta, X), y), theta, model.unravel)[0]
    f, c, V, b = model.unravel(theta)
    A_sum = G_sum = 0
    for x in X:
        places = [(i, j) for i in range(2) for j in range(3)]
        windows = np.array([np.append(x[i : i + 2, j : j + 2].ravel(), 1) for i, j in places])
        z = windows @ np.vstack([f.reshape(8, 3), c])
        p = softmax(np.maximum(z, 0).ravel() @ V + b)
        for k, weight in enumerate(p):
            g = (V @ (p - (np.arange(2) == k))).reshape(6, 3) * (z > 0)
            G_sum = G_sum + weight * g.T @ g / 6 / len(X)
        A_sum = A_sum + windows.T @ windows / len(X)
    same(A, A_sum)
    same(G, G_sum)
    one, model = cnn((2, 2, 2), channels=(3,), F=2, stride=1, classes=2, seed=seed % 1000)
    X = rng.standard_normal((1, 2, 2, 2))
    for A, G, entries in factors(lambda theta: softmax_cross_entropy(model(theta, X), y[:1]), one, model.unravel):
        same(np.kron(A, G), block(fisher(one, model, X), entries))


def test_a_bias_without_a_layer_of_its_own_is_none():
    X, y = np.ones((3, 2)), np.array([0, 1, 1])
    theta, unravel = ravel([np.ones((2, 2)), np.ones(2), np.ones((2, 2))])

    def tied(theta):  # one bias for two layers
        W, b, V = unravel(theta)
        return softmax_cross_entropy(np.tanh(X @ W + b) @ V + b, y)

    def scaled(theta):  # the product is used twice
        W, b, V = unravel(theta)
        z = X @ W
        return softmax_cross_entropy((z + b) * z @ V, y)

    def outside(theta):
        W, b, V = unravel(theta)
        return softmax_cross_entropy(np.tanh(X @ W) @ V + np.exp(b), y)

    for loss in tied, scaled, outside:
        with pytest.raises(
            ValueError, match=r"block 1 of theta, of shape \(2,\), is not all in a layer.*Instead: other"
        ):
            factors(loss, theta, unravel)
        path = kfac(repeat(loss), theta, blocks=unravel, others="gradient", targets="exact")
        step = next(path)
        same(step.move[4:6], -0.1 * step.gradient[4:6])
        assert [f.entries.shape for f in factors(lambda W, X=X: softmax_cross_entropy(X @ W, y), np.ones((2, 2)))]


def test_weights_in_two_products_are_no_layer():
    X, y = np.ones((3, 2)), np.array([0, 1, 1])
    for loss in (
        lambda W: softmax_cross_entropy(np.tanh(X @ W) @ W, y),
        lambda W: softmax_cross_entropy(X @ W @ W, y),
        lambda W: softmax_cross_entropy(X @ np.exp(W), y),
        lambda W: softmax_cross_entropy(X @ (W[:1] + W), y),
        lambda W: softmax_cross_entropy(X @ W[[0, 0]], y),
    ):
        with pytest.raises(ValueError, match=r"block 0 of theta.*not all in a layer"):
            factors(loss, np.eye(2))


def test_a_ridge_is_in_the_gradient_alone():
    theta, _, loss, _, _ = network(1)
    for plain, ridged in zip(
        factors(loss, theta), factors(lambda theta: loss(theta) + np.vdot(theta, theta), theta), strict=True
    ):
        same(ridged.A, plain.A)
        same(ridged.G, plain.G)


# ------------------------------------------------------------------------------------------- K-FAC


@given(SEEDS, st.floats(1e-3, 10))
def test_with_one_example_k_fac_is_the_damped_natural_gradient(seed, damping):
    rng = np.random.default_rng(seed)
    theta, model = mlp([3, 4], seed=seed % 1000)
    X, y = rng.standard_normal((1, 3)), rng.integers(0, 4, 1)
    loss = lambda theta: softmax_cross_entropy(model(theta, X), y)  # noqa: E731
    step = next(kfac(repeat(loss), theta, 0.5, model.unravel, "exact", damping=damping, factored=False))
    F = fisher(theta, model, X)
    natural = np.linalg.solve(F + damping * np.eye(len(theta)), step.gradient)
    same(step.move, -0.5 * natural, rtol=1e-9)


@TARGETS
@settings(max_examples=20)
@given(seed=SEEDS, factored=st.booleans(), every=st.integers(1, 3), beta1=st.sampled_from([0.0, 0.5]))
def test_k_fac_by_hand(targets, seed, factored, every, beta1):
    """Ten steps of a loop: factors by loops over examples, averages as weighted sums, damped inverses by solving."""
    theta, model, loss, X, y = network(seed)
    beta2, damping, eta = 0.9, 0.03, 0.1
    history, m = [], 0
    options = {"targets": targets, "beta1": beta1, "beta2": beta2, "damping": damping, "every": every, "seed": seed}
    path = kfac(repeat(loss), theta, eta, model.unravel, factored=factored, **options)
    for t, step in enumerate(islice(path, 10)):
        theta = step.theta
        if t % every == 0:
            u = np.random.default_rng([seed, t]).random(len(X))
            history.append(by_hand(theta, model, X, targets, y, u))
        ages = beta2 ** np.arange(len(history))[::-1]
        A1, G1, A2, G2 = (np.tensordot(ages / np.sum(ages), [h[k] for h in history], 1) for k in range(4))
        m = beta1 * m + (1 - beta1) * grad(loss)(theta)
        V, b, W, c = model.unravel(m / (1 - beta1 ** (t + 1)))
        moves = []
        for D, A, G in ((np.vstack([V, b]), A1, G1), (np.vstack([W, c]), A2, G2)):
            M, n = D.shape
            if factored:
                pi = np.sqrt(np.trace(A) / M / (np.trace(G) / n))
                A, G = A + pi * np.sqrt(damping) * np.eye(M), G + np.sqrt(damping) / pi * np.eye(n)
                move = np.linalg.solve(A, np.linalg.solve(G, D.T).T)
            else:
                move = np.linalg.solve(np.kron(A, G) + damping * np.eye(M * n), D.ravel()).reshape(M, n)
            moves += [-eta * move[:-1].ravel(), -eta * move[-1]]
        same(step.move, np.concatenate(moves), rtol=1e-8)


def test_a_compiled_loss_has_the_same_layers():
    theta, model, _, X, y = network(2, N=20)
    loss = lambda theta, X, y: softmax_cross_entropy(model(theta, X), y)  # noqa: E731
    paths = [
        islice(kfac(minibatches(f, (X, y), 5), theta, blocks=model.unravel, damping=0.1), 10)
        for f in (loss, compiled(loss))
    ]
    for plain, fast in zip(*paths, strict=True):
        same(fast.theta, plain.theta, rtol=1e-8)
    assert len(factors(compiled(lambda theta: loss(theta, X, y)), theta)) == 2


# What leaves K-FAC's path as it is: a layer in other coordinates, on either side. Damping and Shampoo see lengths.
@pytest.mark.parametrize("side", ["inputs", "outputs"])
@pytest.mark.parametrize("name", ["rescaled", "permuted", "rotated", "sheared"])
def test_what_k_fac_and_shampoo_depend_on(name, side):
    P, Q = (changes(3)[name], np.eye(4)) if side == "inputs" else (np.eye(3), changes(4)[name])
    natural = partial(gap, kfac, P, Q, targets="exact", eta=0.2)
    assert natural(damping=0.0) < 1e-8
    for other in (
        natural(damping=0.1),
        natural(damping=0.1, factored=False),
        gap(shampoo, P, Q, eta=0.02),
        gap(shampoo, P, Q, eta=0.02, exponent=0.5, averaged=True),
    ):
        assert other < 1e-8 if name in ("permuted", "rotated") else other > 1e-3


def test_which_of_them_the_loss_s_unit_changes():
    P, Q, bits = np.eye(3), np.eye(4), 1 / np.log(2)
    assert gap(kfac, P, Q, bits, targets="exact", eta=0.2, damping=0.0) > 0.03
    assert gap(kfac, P, Q, bits, targets="empirical", eta=0.2, damping=0.01) > 0.03
    assert gap(shampoo, P, Q, bits, eta=0.02, exponent=0.5) > 0.03
    assert gap(shampoo, P, Q, bits, eta=0.02) < 1e-6  # eps has the gradient's unit, squared


# ----------------------------------------------------------------------------------------- Shampoo


def power(S, p):
    """A power of a positive definite matrix by its singular values, not its eigenvalues."""
    U, s, Vt = np.linalg.svd(S)
    return U * s**p @ Vt


@given(SEEDS, st.booleans(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.25, 0.5]))
def test_shampoo_by_hand(seed, averaged, beta1, exponent):
    """Ten steps; sums with eps I in them from the start, averages as weighted sums with eps I added."""
    rng = np.random.default_rng(seed)
    theta, unravel = ravel([rng.standard_normal(shape) for shape in ((3, 4), (4,), (2, 2, 1, 3))])
    target, eps, beta2 = rng.standard_normal(theta.shape), 0.01, 0.9
    loss = lambda theta: np.sum(np.cosh(theta - target)) + np.sum(theta) ** 2 / 2  # noqa: E731
    options = {"beta1": beta1, "beta2": beta2, "averaged": averaged, "exponent": exponent, "eps": eps}
    gradients, m = [], 0
    for t, step in enumerate(islice(shampoo(repeat(loss), theta, 0.1, unravel, **options), 10)):
        gradients.append(grad(loss)(step.theta))
        m = beta1 * m + (1 - beta1) * gradients[-1]
        ages = beta2 ** np.arange(t, -1, -1) if averaged else np.ones(t + 1)
        ages = ages / np.sum(ages) if averaged else ages
        moves = []
        for k, M in enumerate(unravel(m / (1 - beta1 ** (t + 1)))):
            Gs = [unravel(g)[k] for g in gradients]
            if M.ndim == 1:
                H = sum(a * np.outer(g, g) for a, g in zip(ages, Gs, strict=True)) + eps * np.eye(len(M))
                moves.append(power(H, -0.5) @ M)
                continue
            Gs, M = [g.reshape(-1, g.shape[-1]) for g in Gs], M.reshape(-1, M.shape[-1])
            L = sum(a * g @ g.T for a, g in zip(ages, Gs, strict=True)) + eps * np.eye(len(M))
            R = sum(a * g.T @ g for a, g in zip(ages, Gs, strict=True)) + eps * np.eye(M.shape[1])
            moves.append((power(L, -exponent) @ M @ power(R, -exponent)).ravel())
        same(step.move, -0.1 * np.concatenate(moves), rtol=1e-8)


@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
def test_shampoo_s_first_step_has_all_singular_values_one(seed, m, n):
    """-eta U V^T, of G = U S V^T: the steepest step of spectral norm eta."""
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((m, n))
    step = next(shampoo(repeat(lambda W: np.sum(G * W)), np.zeros((m, n)), eta=0.5))
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    # eps, 1e-12, is added to s**2; what is left of the null space of a factor is the root of rounding.
    np.testing.assert_allclose(step.move, -0.5 * U @ Vt, atol=1e-6 + 1e-11 / np.min(s) ** 2)


@given(SEEDS)
def test_shampoo_turns_with_either_side_of_a_matrix(seed):
    rng = np.random.default_rng(seed)
    B, (P, _), (Q, _) = rng.standard_normal((3, 4)), *(np.linalg.qr(rng.standard_normal((n, n))) for n in (3, 4))
    loss = lambda W: np.sum((W @ W.T) ** 2) / 4 + np.sum(np.tanh(W) * B)  # noqa: E731
    W0 = rng.standard_normal((3, 4))
    here = islice(shampoo(repeat(loss), W0, 0.1, eps=0.1), 5)
    there = islice(shampoo(repeat(lambda W: loss(P.T @ W @ Q.T)), P @ W0 @ Q, 0.1, eps=0.1), 5)
    for a, b in zip(here, there, strict=True):
        same(b.theta, P @ a.theta @ Q, rtol=1e-8)


# ------------------------------------------------------------------------- precision, resumption, errors


METHODS = {
    "shampoo": shampoo,
    "shampoo, averaged": partial(shampoo, averaged=True, beta1=0.9),
    "kfac": kfac,
    "kfac, stale": partial(kfac, every=3, beta1=0.9),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@every_method
def test_a_network_is_resumed_to_the_bit(method):
    theta, model, _, X, y = network(3, N=20)
    loss = compiled(lambda theta, X, y: softmax_cross_entropy(model(theta, X), y))
    before = theta.copy()

    def steps(theta0, start=0):
        return method(minibatches(loss, (X, y), 5, 0, start), theta0, 0.05, model.unravel)

    path = list(islice(steps(theta), 8))
    for stop in 1, 2, 3, 5:
        for whole, resumed in zip(path[stop:], steps(path[stop - 1].state, stop), strict=False):
            assert resumed.t == whole.t
            for name in ("theta", "gradient", "move", *whole.carried):
                a, b = (step.carried.get(name, getattr(step, name, None)) for step in (whole, resumed))
                assert np.array_equal(a, b)
    assert np.array_equal(theta, before)


@every_method
def test_single_precision_stays(method):
    theta, model, _, X, y = network(4)
    X = X.astype(np.float32)
    loss = lambda theta: softmax_cross_entropy(model(theta, X), y)  # noqa: E731
    for step in islice(method(repeat(loss), theta.astype(np.float32), 0.05, model.unravel), 5):
        assert {a.dtype for a in (step.theta, step.move, *step.carried.values())} == {np.dtype(np.float32)}


@every_method
def test_a_state_that_does_not_fit_is_refused(method):
    theta, model, loss, _, _ = network(5)
    state = next(method(repeat(loss), theta, 0.05, model.unravel)).state
    for name in set(state) - {"t", "theta"}:
        for wrong in (np.ones(3), np.full(state[name].shape, np.nan)):
            with pytest.raises(ValueError, match=f"theta0's {name} has "):
                next(method(repeat(loss), state | {name: wrong}, 0.05, model.unravel))
    with pytest.raises(ValueError, match="blocks is for"):
        next(method(repeat(loss), theta, 0.05, mlp([3, 3])[1].unravel))
    with pytest.raises(TypeError, match="blocks is a"):
        next(method(repeat(loss), theta, 0.05, 3))


def test_a_singular_factor_is_an_error_and_not_a_step():
    theta, model, loss, _, _ = network(6, N=2)
    with pytest.raises(FloatingPointError, match=r"step 0: a factor is singular to rounding.*eps above 0"):
        next(shampoo(repeat(loss), theta, 0.05, model.unravel, eps=0.0))
    with pytest.raises(FloatingPointError, match="step 0: a factor is singular to rounding"):
        next(shampoo(repeat(loss), theta, 0.05, model.unravel, exponent=0.5, eps=1e-20))
    for factored in True, False:
        with pytest.raises(
            FloatingPointError, match=r"A kron G of a layer .* is singular to rounding.*damping above 0"
        ):
            next(kfac(repeat(loss), theta, 0.05, model.unravel, damping=0.0, factored=factored))


def test_a_gradient_whose_square_overflows_is_an_error():
    with pytest.raises(FloatingPointError, match="step 0: a factor overflows"):
        next(shampoo(repeat(lambda W: np.sum(1e200 * W)), np.zeros((2, 2))))
    X = np.array([[1.0, 1e200]])
    with pytest.raises(FloatingPointError, match="a Kronecker factor is NaN or infinite"):
        next(kfac(repeat(lambda W: softmax_cross_entropy(X @ W, np.array([0]))), np.zeros((2, 2))))


def test_what_has_no_targets_to_draw_is_refused():
    X, y = np.ones((3, 2)), np.ones((3, 2))
    squares = lambda W: np.mean((X @ W - y) ** 2)  # noqa: E731
    for targets in "sampled", "exact":
        with pytest.raises(
            ValueError, match=f"targets is '{targets}': the loss needs one softmax_cross_entropy.*and has 0"
        ):
            factors(squares, np.eye(2), targets=targets)
    [(A, G, _)] = factors(squares, np.eye(2), targets="empirical")
    same(A, np.ones((2, 2)))
    assert G.shape == (2, 2)
    with pytest.raises(ValueError, match="targets is 'true': 'sampled' or 'exact' or 'empirical' is needed"):
        factors(squares, np.eye(2), targets="true")
    with pytest.raises(ValueError, match="others is 'skip'"):
        next(kfac(repeat(squares), np.eye(2), others="skip"))
    aside = lambda W: softmax_cross_entropy(X @ W[:, :2], np.zeros(3, int)) + np.sum(X @ W[:, 2:])  # noqa: E731
    with pytest.raises(ValueError, match=r"does not depend on a layer of shape \(2, 2\)"):
        factors(aside, np.ones((2, 4)))


def test_a_loss_with_other_layers_is_refused():
    X, y = np.ones((3, 2)), np.zeros(3, int)
    theta, (W, V) = np.ones(8), (slice(0, 4), slice(4, 8))
    ways = [
        lambda theta, W=W, V=V: softmax_cross_entropy(X @ theta[W].reshape(2, 2) @ theta[V].reshape(2, 2), y)
        for W, V in ((W, V), (V, W))
    ]
    with pytest.raises(ValueError, match="step 1: the loss has other layers than the first"):
        list(islice(kfac(ways, theta, targets="exact"), 2))


def test_rows_that_belong_to_no_example_are_refused():
    X, Z, y = np.ones((3, 2)), np.ones((4, 2)), np.zeros(3, int)
    loss = lambda theta: softmax_cross_entropy(X @ theta[:, :2] + np.mean(relu(Z @ theta[:, 2:])), y)  # noqa: E731
    with pytest.raises(ValueError, match="a product has 4 rows for 3 examples"):
        factors(loss, np.ones((2, 4)))


def test_a_layer_may_be_one_vector_of_weights_or_one_example():
    x, X = np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    [(A, G, entries)] = factors(lambda w: np.mean(np.cosh(X @ w[:2] + w[2])), np.zeros(3) + 0.5, targets="empirical")
    same(A, np.mean([np.outer([*x, 1], [*x, 1]) for x in X], axis=0))
    same(G, [[np.mean(np.sinh(X @ [0.5, 0.5] + 0.5) ** 2)]])
    assert entries.tolist() == [[0], [1], [2]]
    [(A, G, entries)] = factors(
        lambda W: np.sum(np.cosh(W[:, :2] @ x + W[:, 2])), np.zeros((2, 3)), targets="empirical"
    )
    same(A, np.outer([*x, 1], [*x, 1]))
    assert entries.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert dense(x, np.eye(2), x).shape == (2,)


@given(SEEDS, st.integers(1, 4), st.booleans())
def test_rows_that_another_product_sums_over_are_no_examples(seed, n, empirical):
    """Also where there are as many of them as examples, on both sides, and behind a nonlinearity."""
    rng = np.random.default_rng(seed)
    X, D, y = rng.standard_normal((3 * n, 3)), rng.standard_normal((3, 3)), rng.integers(0, 3, 3 * n)
    targets = "empirical" if empirical else "exact"
    for loss in (
        lambda W: softmax_cross_entropy(X @ (D @ W), y),
        lambda W: softmax_cross_entropy(X @ np.tanh(D @ W + 1.0), y),
        lambda W: softmax_cross_entropy(((W @ D) @ X.T).T, y),
        lambda W: softmax_cross_entropy(X @ np.reshape(np.reshape(D @ W, -1), (3, 3)), y),
    ):
        with pytest.raises(ValueError, match=r"a product has|summed over in another product.*\(X @ D\) @ W"):
            factors(loss, np.ones((3, 3)), targets=targets)
    fine = factors(lambda W: softmax_cross_entropy((X @ D) @ W, y), np.ones((3, 3)), targets=targets)
    same(fine[0].A, (X @ D).T @ (X @ D) / (3 * n))
    t = rng.standard_normal(3 * n)  # a sum of squares may be a product, too
    [(A, _, _)] = factors(lambda w: np.sum((r := X @ w - t) @ r) / (3 * n), np.ones(3), targets="empirical")
    same(A, X.T @ X / (3 * n))


def test_the_examples_are_the_rows_of_the_logits():
    """Where a mean over T windows makes the logits, no product has as few rows as there are examples."""
    rng = np.random.default_rng(0)
    windows, y = rng.standard_normal((4, 5, 2)), rng.integers(0, 3, 4)
    [(A, G, _)] = factors(lambda W: softmax_cross_entropy(np.mean(windows @ W, axis=1), y), np.ones((2, 3)))
    same(A, np.sum([w.T @ w for w in windows], axis=0) / 4)
    same(G, (np.eye(3) / 3 - 1 / 9) / 25)  # every row's gradient is a fifth of its example's
