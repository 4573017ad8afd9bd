"""The laws of printed programs: the text alone is the function, names what the user named, and says what it asks."""

import re
import sys

import numpy as np
import pytest
from programs import LINEAR, ORACLE, SMOOTH, each
from programs_decompositions import SMOOTH as DECOMPOSITIONS
from test_compiler import NETWORKS, X3, cubic, in_domain, near, network, outcome, points, scalar

from mathlib import UnsupportedError, compiled, grad, grad_and_hvp, hessian, hvp, jvp, source, value_and_grad
from mathlib.arithmetic import TABLE, general, name_of, primitive
from mathlib.nn import mlp

# What a text does not say yet: helper functions that name constants of their modules, or refuse by the package's means.
HELPED = {np.sinc, np.quantile, np.nanquantile, np.linspace, np.linalg.norm, np.linalg.matrix_norm, *DECOMPOSITIONS}
PROGRAMS = {f: programs for f, programs in (LINEAR | SMOOTH).items() if f not in HELPED}


def function(text, outside=None):
    """The last function of a text that is run in an empty namespace, with what it reads from outside."""
    space = {}
    exec(compile(text, "<a printed program>", "exec"), space)
    f = space[re.findall(r"^def (\w+)", text, re.M)[-1]]
    code = f.__code__
    names = code.co_varnames[: code.co_argcount]
    return lambda *args: f(*args, **{k: outside[k] for k in names[len(args) :]})


def reads(*functions):
    """The variables that functions read from outside, by name."""
    known = {}
    for f in functions:
        known |= vars(sys.modules[f.__module__]) if getattr(f, "__module__", None) in sys.modules else {}
    for f in functions:
        cells = getattr(f, "__closure__", None) or ()
        known |= {k: c.cell_contents for k, c in zip(f.__code__.co_freevars if cells else (), cells, strict=True)}
    return known


def law(f, cases, outside=None):
    """The text of f at the first case does what f does, at every case; it needs nothing of the package."""
    text = source(f, *cases[0])
    assert text == source(f, *cases[0])
    assert max(map(len, text.splitlines())) < 400
    g = function(text, outside)
    for case in cases:
        kept = [a.tobytes() for a in case]
        try:
            answer = g(*case)
        except AssertionError:  # a branch that goes another way
            assert case is not cases[0]
            continue
        a, b = f(*case), answer
        for p, q in zip(a, b, strict=True) if type(a) is tuple else [(a, b)]:
            near(np.asarray(p), np.asarray(q))
        assert [a.tobytes() for a in case] == kept
    return text


def row_laws(program, xs, alone=True):
    loss = scalar(program, xs[0])
    v = np.random.default_rng(3).standard_normal(np.shape(xs[0]))[()]
    outside = reads(program, loss)
    texts = [law(loss, [(x,) for x in xs], outside), law(grad(loss), [(x,) for x in xs], outside)]
    texts.append(law(lambda theta, v: hvp(loss, theta, v), [(x, v) for x in xs], outside))
    assert not alone or not any("mathlib" in text for text in texts)


@pytest.mark.parametrize(("program", "shape"), each(PROGRAMS))
def test_the_text_of_a_row_is_the_row(program, shape):
    row_laws(program, points(shape))


@pytest.mark.parametrize("f", [f for f in ORACLE if f not in HELPED and "log_ndtr" not in str(f)], ids=name_of)
def test_the_text_of_an_elementwise_row_is_the_row(f):
    if "ndtri_exp" in str(f):
        return
    n, xs = in_domain(f)
    row_laws(lambda x: f(*(x[i] for i in range(n))), xs)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_text_of_a_network_is_the_network(name):
    loss, theta, X, y = network(name)
    other = (theta / 2, X[::-1].copy(), np.flip(y).copy())
    outside = {"p": (y[:, None] == np.arange(3)).astype(float)}
    for f in (loss, grad(loss), value_and_grad(loss)):
        text = source(f, theta, X, y)
        assert "mathlib" not in text
        g = function(text, outside)
        a, b = f(theta, X, y), g(theta, X, y)
        for p, q in zip(a, b, strict=True) if type(a) is tuple else [(a, b)]:
            near(np.asarray(p), np.asarray(q))
        assert isinstance(outcome(g, *other), (np.ndarray, np.generic, tuple))


def test_the_text_has_the_user_s_names_shapes_and_adjoints():
    theta0, _ = mlp([4, 3, 2])

    def loss(theta, X):
        W = theta[:12].reshape(4, 3)
        hidden = np.tanh(X @ W)
        score = np.sum(hidden, axis=1)
        return np.mean(score**2)

    X = np.random.default_rng(0).standard_normal((5, 4))
    text = law(grad(loss), [(theta0, X), (2 * theta0, X + 1)])
    for part in (
        "def gradient(theta, X):",
        "hidden = np.tanh(",
        "W = theta[:12].reshape(4, 3)  # (4, 3)",
        "import numpy as np",
    ):
        assert part in text
    assert re.search(r"^\s+d_(hidden|score|W) = ", text, re.M)
    text = law(lambda theta, v: hvp(lambda t: loss(t, X), theta, v), [(theta0, theta0)], {"X": X})
    assert "hidden_dot" in text


def test_a_branch_is_an_assertion():
    def loss(x):
        if x[0] > 0:
            return np.sum(x**2)
        return np.sum(x**3)

    text = source(grad(loss), X3)
    assert re.search(r"^    assert x\[0\] > 0  # in loss, line \d+$", text, re.M)
    g = function(text)
    near(grad(loss)(X3), g(X3))
    with pytest.raises(AssertionError):
        g(-X3)


@pytest.mark.parametrize("convert", [float, int, "item", "tolist", bool])
def test_a_number_that_leaves_the_program_is_an_assertion(convert):
    def loss(x, k):
        left = getattr(k, convert)() if isinstance(convert, str) else convert(k)
        return np.sum(x) * left

    g = function(source(loss, X3, np.array(2.0)))
    assert g(X3, np.array(2.0)) == loss(X3, np.array(2.0))
    if convert is not bool:
        with pytest.raises(AssertionError):
            g(X3, np.array(3.0))


def test_what_stands_outside_is_an_argument_or_written_out():
    large, small = np.random.default_rng(0).standard_normal((2, 30, 3))[:, :, 0]
    small = small[:3]

    def loss(x):
        return np.sum(np.outer(large, x * small) * np.eye(30)[:, :3] + np.arange(3) + np.full(3, np.inf) * 0.0 * 1)

    def plain(x):
        return np.sum(np.outer(large, x * small) * np.eye(30)[:, :3] + np.arange(3))

    text = source(plain, X3)
    assert "large" in text.split("def ")[1].split(":")[0]
    assert "np.arange(3)" in text or "[0, 1, 2]" in text
    near(
        np.asarray(plain(X3)), np.asarray(function(text, {"large": large, "small": small, "c1": np.eye(30)[:, :3]})(X3))
    )
    assert outcome(source, loss, X3)


def test_passes_are_shown_one_after_the_other():
    text = source(grad(cubic), X3, passes=True)
    counts = [int(n) for n in re.findall(r"^# \w+: (\d+) operations$", text, re.M)]
    assert len(counts) > 2
    assert counts == sorted(counts, reverse=True)
    for part in re.split(r"^# .*\n", text, flags=re.M)[1:]:
        near(grad(cubic)(X3), function(part)(X3))


def test_a_program_that_fails_leaves_the_closure_as_it_was():
    w = np.arange(3.0)

    def loss(x):
        y = x * w
        if y.shape == (3,):
            raise ValueError("on the way")
        return np.sum(y)

    kept = w
    with pytest.raises(ValueError, match="on the way"):
        source(grad(loss), X3)
    assert w is kept
    assert loss.__closure__[0].cell_contents is kept
    assert sys.getprofile() is None


def test_a_compiled_loss_and_a_hessian_s_products_are_printed():
    near(cubic(X3), function(source(compiled(cubic), X3))(X3))
    text = law(lambda theta, v: grad_and_hvp(cubic, theta, v), [(X3, X3), (-X3, X3)])
    assert text.count("return") == 1
    law(lambda theta, v: jvp(grad(cubic), theta, v)[1], [(X3, X3), (-X3, X3)])
    law(lambda theta, V: hvp(cubic, theta, V), [(X3, np.eye(3))])
    with pytest.raises(UnsupportedError):
        source(lambda theta, v: hessian(cubic, theta) @ v, X3, X3)


@primitive
def cube(x):
    return x * x * x


def test_a_row_of_the_user_s_is_printed_with_the_program():
    general(cube, lambda y, x, dx: 3 * x * x * dx, transposes=(lambda g, y, x: g * 3 * x * x,))
    try:
        text = law(grad(lambda x: np.sum(cube(x) * x)), [(X3,), (-X3,)])
    finally:
        del TABLE[cube]
    assert "def cube(x):" in text


@pytest.mark.parametrize("theta", [0.3, np.float64(0.3), np.float32(0.3), np.ones((2, 1, 3)), np.ones(0)], ids=repr)
def test_theta_of_any_kind(theta):
    def loss(t):
        return np.sum(np.sin(t) ** 2 * t)

    near(np.asarray(grad(loss)(theta)), np.asarray(function(source(grad(loss), theta))(np.asarray(theta)[()])))


@pytest.mark.parametrize(("f", "theta", "error"), [
    (3, X3, TypeError), (cubic, np.arange(3), TypeError), (grad(lambda t: t), X3, ValueError),
    (grad(lambda t: np.sum(np.spacing(t))), X3, UnsupportedError),
])  # fmt: skip
def test_errors_are_the_program_s(f, theta, error):
    with pytest.raises(error):
        source(f, theta)


def test_a_function_of_numpy_s_under_another_name_is_named():
    x = np.array([0.3, 0.0, 1.2])
    place = {}
    exec(source(grad(lambda x: np.sum(np.sinc(x) ** 2)), x), place)
    np.testing.assert_allclose(place["gradient"](x), grad(lambda x: np.sum(np.sinc(x) ** 2))(x), rtol=1e-12)
