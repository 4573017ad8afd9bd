"""The text of a program: it is the program, it can be read, and it needs no package."""

import ast
import inspect

import numpy as np
import pytest
from programs import LINEAR, SMOOTH, each
from scipy.sparse import csr_array

from mathlib import UnsupportedError, grad, hvp, nn, source, value_and_grad


def run(text):
    """The last function of a text, alone in the world; and its arguments."""
    place = {}
    exec(compile(text, "<text>", "exec"), place)
    name = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)][-1]
    return place[name], list(inspect.signature(place[name]).parameters)


TEXTS = [case for case in each(LINEAR) + each(SMOOTH) if "sparse" not in case.id and "special" not in case.id]


@pytest.mark.parametrize(("program", "shape"), TEXTS)
def test_the_text_of_every_row_s_gradient_is_its_gradient(program, shape):
    x = np.random.default_rng(4).standard_normal(shape)[()]
    weights = np.random.default_rng(8).uniform(0.5, 1.5, np.shape(program(x)))
    loss = lambda x: np.sum(weights * np.sin(program(x)))  # noqa: E731
    text, again = (source(grad(loss), x) for _ in range(2))
    assert "mathlib" not in text
    assert text == again
    f, names = run(text)
    if names == ["x"] or names == ["x", "weights"]:
        given = (weights,) if len(names) > 1 else ()
        np.testing.assert_allclose(f(x, *given), grad(loss)(x), rtol=1e-11, atol=1e-12)


def test_a_sparse_constant_has_no_text():
    S = csr_array(np.eye(3))
    with pytest.raises(UnsupportedError, match=r"csr_array .*Instead: .*toarray"):
        source(grad(lambda x: np.sum((S @ x) ** 2)), np.ones(3))


def network():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 5)), rng.integers(0, 3, 9)
    theta, unravel = nn.ravel([rng.normal(size=s) for s in ((5, 6), (6,), (6, 3), (3,))])

    def loss(theta):
        W1, b1, W2, b2 = unravel(theta)
        a = np.tanh(X @ W1 + b1)
        logits = a @ W2 + b2
        return nn.softmax_cross_entropy(logits, y)

    return loss, theta, X, y


def test_a_gradient_reads_like_the_program():
    loss, theta, X, y = network()
    text = source(grad(loss), theta)
    f, names = run(text)
    assert f.__name__ == "gradient"
    assert names == ["theta", "X", "y"]
    for line in ("W1 = theta[0:30].reshape(5, 6)  # (5, 6)", "logits = a @ W2 + b2  # (9, 3)", "d_a = d_logits @ W2.T"):
        assert line in text
    for k in (1.0, 0.5):
        np.testing.assert_allclose(f(k * theta, X, y), grad(loss)(k * theta), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(f(theta, X[::-1], y[::-1]), grad(loss)(theta), rtol=1e-12, atol=1e-15)
    assert max(map(len, text.splitlines())) < 160


def test_products_and_both_are_programs_too():
    loss, theta, X, y = network()
    v = np.cos(np.arange(theta.size))
    f, names = run(source(lambda theta, v: hvp(loss, theta, v), theta, v))
    assert names == ["theta", "v", "X", "y"]
    np.testing.assert_allclose(f(theta, v, X, y), hvp(loss, theta, v), rtol=1e-11, atol=1e-14)
    f, _ = run(source(value_and_grad(loss), theta))
    value, gradient = f(theta, X, y)
    np.testing.assert_allclose(value, loss(theta), rtol=1e-14)
    np.testing.assert_allclose(gradient, grad(loss)(theta), rtol=1e-12, atol=1e-15)


def test_helpers_are_printed():
    rng = np.random.default_rng(0)
    theta, model = nn.cnn((8, 8, 1), (2, 3), F=3, stride=2, classes=3, padding=1)
    images = rng.normal(size=(4, 8, 8, 1))
    text = source(grad(lambda theta: np.sum(nn.max_pool(np.sin(theta), 2) ** 2)), images)
    np.testing.assert_allclose(run(text)[0](images), grad(lambda t: np.sum(nn.max_pool(np.sin(t), 2) ** 2))(images))
    loss = lambda theta: np.sum(model(theta, images) ** 2)  # noqa: E731
    text = source(grad(loss), theta)
    assert "def overlap_add(" in text
    np.testing.assert_allclose(run(text)[0](theta, images), grad(loss)(theta), rtol=1e-12, atol=1e-14)


def test_a_branch_is_an_assertion():
    text = source(grad(lambda x: np.sum(x**2) if x[0] > 0 else np.sum(x)), np.ones(3))
    assert "assert x[0] > 0" in text
    f, _ = run(text)
    assert np.array_equal(f(np.array([2.0, 1.0, 0.0])), [4.0, 2.0, 0.0])
    with pytest.raises(AssertionError):
        f(-np.ones(3))


def test_the_passes_are_shown_one_after_the_other():
    loss, theta, *_ = network()
    text = source(grad(loss), theta, passes=True)
    sizes = [
        int(line.split()[-2]) for line in text.splitlines() if line.startswith("# ") and line.endswith("operations")
    ]
    assert len(sizes) > 4
    assert sizes[-1] < sizes[0]


def test_what_stands_outside_stands_there_again():
    loss, theta, X, _ = network()
    before = inspect.getclosurevars(loss).nonlocals["X"]

    def fails(theta):
        return np.sum(np.spacing(theta @ np.ones(57))) + loss(theta)

    source(grad(loss), theta)
    with pytest.raises(TypeError):
        source(grad(fails), theta)
    assert inspect.getclosurevars(loss).nonlocals["X"] is before is X
