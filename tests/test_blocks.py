"""Blocks of tangents: k directions in one pass are k passes of one, in every row of the table."""

import numpy as np
import pytest
import test_random_programs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from programs import LINEAR, ORACLE, SMOOTH, each, public_functions, sweep
from test_grids import CONSTANT, ELEMENTWISE, INDEXED, PRODUCTS, REDUCED, SHAPED, cases, sums

from mathlib import UnsupportedError, complex_step, grad, grad_and_hvp, hessian, hvp, jvp, vjp
from mathlib.arithmetic import name_of
from mathlib.nn import cnn, mlp, overlap_add, softmax_cross_entropy
from mathlib.nn import pad as pad_images
from mathlib.primitives import TABLE, general, multilinear, primitive

# A block's sums run in another order than one tangent's.
NEAR = {"rtol": 1e-12, "atol": 1e-12}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def stacked(derivative, V):
    """The derivatives along each direction of a block, one by one."""
    return np.stack([derivative(V[..., j]) for j in range(V.shape[-1])], -1)


def first_order_law(program, x, V, **near):
    """A block of tangents is its columns'."""
    value, tangents = jvp(program, x, V)
    exact = stacked(lambda v: jvp(program, x, v)[1], V)
    assert tangents.shape == exact.shape == (*np.shape(value), V.shape[-1])
    assert tangents.dtype == exact.dtype
    np.testing.assert_allclose(value, jvp(program, x, V[..., 0])[0], rtol=1e-15)
    np.testing.assert_allclose(tangents, exact, **NEAR | near)


def scalar(program, x):
    """A loss made of a program: a form of its result that is nowhere linear."""
    w = np.random.default_rng(8).uniform(0.5, 1.5, np.shape(program(x)))
    return lambda x: np.sum(w * np.sin(program(x)))


def second_order_law(loss, x, V, **near):
    """Every block of products is its columns'."""
    exact = stacked(lambda v: hvp(loss, x, v), V)
    near = {"rtol": 0, "atol": 1e-12 * (1 + np.max(np.abs(exact), initial=0.0))} | near
    g, HV = grad_and_hvp(loss, x, V)
    np.testing.assert_allclose(g, grad(loss)(x), rtol=1e-13, atol=1e-13)
    products = [HV, hvp(loss, x, V), hessian(loss, x) @ V, jvp(grad(loss), x, V)[1]]
    for product in products:
        assert product.shape == V.shape
        assert product.dtype == x.dtype
        np.testing.assert_allclose(product, exact, **near)


# ---------------------------------------------------------------------------------------- every row


@pytest.mark.parametrize(("program", "shape"), each(LINEAR | SMOOTH))
def test_a_row_takes_a_block_as_its_columns(program, shape):
    x, V = normal(*shape, seed=4)[()], normal(*shape, 3, seed=5)
    first_order_law(program, x, V)
    second_order_law(scalar(program, x), x, V)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
@settings(max_examples=15)
@given(data=st.data())
def test_an_elementwise_row_broadcasts_blocks_as_arrays(function, data):
    n, (low, high) = len(TABLE[function].partials), ORACLE[function][1]
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=3, max_side=3, min_side=0))
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    xs = [rng.uniform(low + 0.1, high - 0.1, s)[()] for s in shapes.input_shapes]
    k = data.draw(st.integers(1, 3))
    for i, x in enumerate(xs):
        V = rng.standard_normal((*np.shape(x), k))
        first_order_law(lambda x, i=i: function(*xs[:i], x, *xs[i + 1 :]), x, V)
    if n == 2:
        t, V = rng.uniform(0.5, 1.5), rng.standard_normal(k)
        first_order_law(lambda t: function(t * xs[0], t * xs[1]), t, V, atol=1e-10)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_an_elementwise_row_s_second_derivatives_come_in_blocks(function):
    n, (low, high) = len(TABLE[function].partials), ORACLE[function][1]
    x, V = np.random.default_rng(10).uniform(low + 0.1, high - 0.1, (n, 5)), normal(n, 5, 3)
    second_order_law(scalar(lambda x: function(*(x[i] for i in range(n))), x), x, V)


@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:Mean of empty", CONSTANT)
@pytest.mark.parametrize(
    ("function", "arguments", "options"), [*ELEMENTWISE, *REDUCED, *SHAPED, *PRODUCTS, *sums(), *INDEXED]
)
def test_every_option_is_one_for_blocks(function, arguments, options):
    tried = 0
    with np.errstate(all="ignore"):
        for values, program, theta in cases(function, arguments, options):
            tried += 1
            V = normal(*theta.shape, 2, seed=tried)
            try:
                exact = stacked(lambda v, program=program, theta=theta: jvp(program, theta, v)[1], V)
            except FloatingPointError:  # np.std has a kink at 0
                continue
            np.testing.assert_allclose(jvp(program, theta, V)[1], exact, err_msg=str(values), **NEAR)
    assert tried


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", list(public_functions()))
def test_what_numpy_s_functions_do_with_a_tangent_they_do_with_a_block(f):
    for call, program, x, v, _ in sweep(f):
        V = np.stack([v, -2 * v, v + 1], -1)
        try:
            exact = stacked(lambda v, program=program, x=x: jvp(program, x, v)[1], V)
        except (TypeError, FloatingPointError, ValueError):
            continue
        np.testing.assert_allclose(jvp(program, x, V)[1], exact, err_msg=call, **NEAR)


@given(test_random_programs.cases(), st.booleans())
def test_a_random_program_takes_a_block_as_its_columns(case, single):
    loss, theta, u, v = (np.float32(a) if single and not callable(a) else a for a in case)
    V, tolerance = np.stack([u, v, u - v], -1), 1e-4 if single else 1e-11
    slopes, products = jvp(loss, theta, V)[1], hvp(loss, theta, V)
    exact = stacked(lambda v: jvp(loss, theta, v)[1], V), stacked(lambda v: hvp(loss, theta, v), V)
    second = stacked(lambda w: stacked(lambda v: np.sum(v * hvp(loss, theta, w)), V), V)
    nested = jvp(lambda x: jvp(loss, x, V)[1], theta, V)[1]
    pairs = (slopes, exact[0]), (products, exact[1]), (hessian(loss, theta) @ V, exact[1]), (nested, second)
    for answer, expected in pairs:
        assert answer.dtype == (np.float32 if single else np.float64)
        scale = 1 + np.max(np.abs(expected), initial=0.0)
        np.testing.assert_allclose(answer, expected, rtol=0, atol=tolerance * scale)


# ------------------------------------------------------------------------------------- rows of one's own


def test_a_row_that_knows_nothing_of_blocks_takes_one_tangent_after_the_other(table):
    @primitive
    def swirl(x):
        return np.roll(x, 1, axis=-1) * 2

    @primitive
    def cube(x):
        return np.asarray(x) ** 3

    multilinear(swirl, transposes=(lambda g, x: np.roll(g, -1, axis=-1) * 2,))
    general(cube, lambda y, x, dx: 3 * x**2 * dx, transposes=(lambda g, y, x: g * 3 * x**2,))
    x, V = normal(3, 2), normal(3, 2, 4, seed=1)
    first_order_law(lambda x: cube(swirl(x)), x, V)
    second_order_law(lambda x: np.sum(cube(swirl(x)) * x), x, V)
    assert jvp(lambda x: cube(swirl(x)), x, V[..., :0])[1].shape == (3, 2, 0)


# ------------------------------------------------------------------------------------------------- laws


def loss(x):
    return np.sum(np.sin(x) * np.flip(x)) + np.log(np.sum(np.exp(x))) + np.sum(x[..., :1] * x**2)


METHODS = ("dual", "complex_step", "double_backprop")


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 1, 2), (0, 2)])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_a_block_has_the_shape_of_theta_and_one_axis_more(shape, k):
    x, V = normal(*shape)[()], normal(*shape, k, seed=1)

    def f(x):
        return loss(np.reshape(x, (1,))) if shape == () else loss(x) if np.size(x) else np.sum(x**2)

    products = [hvp(f, x, V, m) for m in METHODS] + [grad_and_hvp(f, x, V)[1], hessian(f, x) @ V]
    for product in products:
        assert product.shape == V.shape
        for j in range(k):
            np.testing.assert_allclose(product[..., j], hvp(f, x, V[..., j]), **NEAR)
    value, slopes = jvp(f, x, V)
    assert value == pytest.approx(f(x), rel=1e-14)
    np.testing.assert_allclose(slopes, [jvp(f, x, V[..., j])[1] for j in range(k)], **NEAR)
    central = hvp(f, x, V, "finite_difference")
    np.testing.assert_allclose(central, products[0], rtol=0, atol=1e-7)


@given(st.integers(0, 2**32 - 1))
def test_a_block_is_linear(seed):
    x, V, A = normal(4, seed=seed), normal(4, 3, seed=seed + 1), normal(3, 5, seed=seed + 2)
    for of in (lambda V: jvp(lambda x: np.outer(np.tanh(x), x), x, V)[1], lambda V: hvp(loss, x, V)):
        exact = of(V) @ A
        np.testing.assert_allclose(of(V @ A), exact, rtol=0, atol=1e-13 * (1 + np.abs(exact).max()))


def test_the_unit_vectors_give_the_matrix():
    x = normal(3, 4)
    H = hessian(loss, x)
    unit = np.reshape(np.eye(12), (3, 4, 12))
    for product in (H @ unit, hvp(loss, x, unit)):
        np.testing.assert_allclose(np.reshape(product, (12, 12)), H.dense(), **NEAR)
    np.testing.assert_allclose(jvp(loss, x, unit)[1], np.ravel(grad(loss)(x)), **NEAR)


def test_a_program_runs_once_for_a_block():
    runs = []

    def counted(x):
        runs.append(x)
        return loss(x)

    x, V = normal(4), normal(4, 7, seed=1)
    for of in (jvp, hvp, grad_and_hvp):
        runs.clear()
        of(counted, x, V)
        assert len(runs) == 1


def test_neither_the_point_nor_the_block_is_changed_or_given_back():
    x, V = normal(4), normal(4, 3, seed=1)
    kept_x, kept_V = x.copy(), V.copy()
    H = hessian(lambda x: np.vdot(x, x) / 2, x)
    for result in (jvp(lambda x: x, x, V)[1], hvp(loss, x, V), H @ V, H.dense()):
        result[...] = 7.0
    assert np.array_equal(x, kept_x)
    assert np.array_equal(V, kept_V)


def test_what_does_not_depend_on_theta_has_a_block_of_zeros():
    x, V = normal(4), normal(4, 3)
    value, tangents = jvp(lambda x: np.sign(x) + np.ones((2, 4)), x, V)
    assert value.shape == (2, 4)
    assert np.array_equal(tangents, np.zeros((2, 4, 3)))
    for f in (np.sum, lambda x: np.sum(np.sign(x))):
        with pytest.warns(UserWarning, match="does not depend") if f is not np.sum else np.errstate():
            assert np.array_equal(hvp(f, x, V), np.zeros((4, 3)))
    assert np.array_equal(hessian(np.sum, x) @ V, np.zeros((4, 3)))


def test_float32_stays_float32():
    x, V = normal(6, 5).astype(np.float32), normal(6, 5, 4, seed=1).astype(np.float32)

    def program(x):
        y = np.where(np.sign(x[:3]) > 0, x[:3], 0.0) @ x[3:].T
        solved = np.linalg.solve(3 * np.eye(3, dtype=x.dtype) + y, y[0])
        return np.concatenate([np.tanh(y) / 2, np.stack([np.max(y, 0), solved])])

    def scalar(x):
        return np.sum(program(x) ** 2)

    results = [jvp(scalar, x, V)[1], hvp(scalar, x, V), hessian(scalar, x) @ V, hessian(scalar, x).dense()]
    assert [r.dtype for r in results] == [np.float32] * 4
    exact = hvp(scalar, x.astype(float), V.astype(float))
    for product in results[1:3]:
        np.testing.assert_allclose(product, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


# ---------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("seed", range(3))
def test_a_network_s_products_come_in_blocks(seed):
    rng = np.random.default_rng(seed)
    theta, model = mlp((6, 8, 5, 3), seed=seed)
    X, labels = rng.standard_normal((20, 6)), rng.integers(0, 3, 20)
    V = rng.standard_normal((theta.size, 9))
    second_order_law(lambda theta: softmax_cross_entropy(model(theta, X), labels), theta, V)


@pytest.mark.parametrize("padding", [0, 1])
def test_a_convolution_s_products_come_in_blocks(padding):
    rng = np.random.default_rng(padding)
    theta, model = cnn((7, 7, 2), channels=(3, 2), F=2, stride=2, classes=3, padding=padding)
    X, labels = rng.standard_normal((4, 7, 7, 2)), rng.integers(0, 3, 4)
    V = rng.standard_normal((theta.size, 5))
    second_order_law(lambda theta: softmax_cross_entropy(np.tanh(model(theta, X)), labels), theta, V)
    W = rng.standard_normal((*X.shape, 3))
    second_order_law(lambda X: np.sum(np.tanh(model(theta, pad_images(X, 1)[:, :7, :7])) ** 3), X, W)


def test_windows_that_are_added_up_come_in_blocks():
    w, V = normal(2, 3, 3, 2, 2, 2), normal(2, 3, 3, 2, 2, 2, 3, seed=1)
    first_order_law(lambda w: overlap_add(w, (2, 4, 4, 2), 1) ** 2, w, V)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 100])
def test_the_matrix_is_made_of_as_many_blocks_as_it_needs(n):
    x = normal(n)
    M = hessian(lambda x: np.sum(np.cosh(x)) + np.sum(x) ** 4, x).dense()
    np.testing.assert_allclose(M, np.diag(np.cosh(x)) + 12 * np.sum(x) ** 2, rtol=1e-12, atol=1e-12)


def test_the_blocks_of_a_large_program_are_narrow():
    X = normal(10**6, 2)
    H = hessian(lambda x: np.mean(np.tanh(X @ x) ** 2), normal(2))
    assert H.together == 2  # 16 MB an array
    np.testing.assert_allclose(H @ np.eye(2)[:, [0, 1, 0]], H.dense()[:, [0, 1, 0]], **NEAR)
    np.testing.assert_allclose(H.dense(), H.dense().T, rtol=1e-12, atol=1e-12)


# ----------------------------------------------------------------------------------------------- nesting


def test_blocks_of_blocks_are_all_second_derivatives():
    x, V, W = normal(4), normal(4, 3, seed=1), normal(4, 2, seed=2)
    exact = V.T @ hessian(loss, x).dense() @ W
    np.testing.assert_allclose(jvp(lambda x: jvp(loss, x, V)[1], x, W)[1], exact, **NEAR)
    np.testing.assert_allclose(jvp(lambda x: jvp(loss, x, V[:, 0])[1], x, W)[1], exact[0], **NEAR)
    np.testing.assert_allclose(jvp(lambda x: jvp(loss, x, V)[1], x, W[:, 0])[1], exact[:, 0], **NEAR)
    pulled = np.stack([vjp(lambda x: jvp(loss, x, V)[1], x)[1](e) for e in np.eye(3)])
    np.testing.assert_allclose(pulled @ W, exact, **NEAR)


@pytest.mark.parametrize(("program", "shape"), each(LINEAR | SMOOTH))
def test_third_derivatives_come_in_blocks_however_they_are_nested(program, shape):
    x, V, W = normal(*shape, seed=4)[()], normal(*shape, 2, seed=5), normal(*shape, 2, seed=6)
    f = scalar(program, x)
    u = normal(*shape, seed=7)[()]
    exact = stacked(lambda w: stacked(lambda v: jvp(lambda x: jvp(lambda x: jvp(f, x, u)[1], x, v)[1], x, w)[1], V), W)
    over_V = (*range(np.ndim(x)),)
    for third in (
        jvp(lambda x: jvp(lambda x: jvp(f, x, u)[1], x, V)[1], x, W)[1],
        jvp(lambda x: np.sum(u[..., None] * hvp(f, x, V), over_V), x, W)[1],
        np.tensordot(V, hvp(lambda x: jvp(f, x, u)[1], x, W), (over_V, over_V)),
        np.tensordot(V, hessian(lambda x: np.sum(u * grad(f)(x)), x) @ W, (over_V, over_V)),
    ):
        near = {"rtol": 1e-9, "atol": 1e-10 * (1 + np.abs(exact).max())}
        np.testing.assert_allclose(third, exact, **near)
    total = hvp(lambda x: np.sum(jvp(f, x, V)[1]), x, W)
    single = stacked(lambda w: hvp(lambda x: jvp(f, x, np.sum(V, -1))[1], x, w), W)
    np.testing.assert_allclose(total, single, rtol=1e-9, atol=1e-10 * (1 + np.max(np.abs(single), initial=0.0)))


def test_a_block_can_be_differentiated_by_what_it_depends_on():
    x, V, D = np.array([1.0, 2.0]), normal(2, 3), normal(2, 3, seed=1)

    def product(a, V):
        return hvp(lambda x: a**2 * np.sum(x**3), x, V)

    exact = 6 * x[:, None] * V
    np.testing.assert_allclose(jvp(lambda a: product(a, V), 1.5, 1.0)[1], 3 * exact, rtol=1e-14)
    np.testing.assert_allclose(jvp(lambda a: product(a, V), 1.5, np.ones(2))[1], 3 * exact[..., None] + np.zeros(2))
    np.testing.assert_allclose(complex_step(lambda a: product(a, V), 1.5), 3 * exact, rtol=1e-14)
    np.testing.assert_allclose(grad(lambda a: np.sum(product(a, V)))(1.5), 3 * np.sum(exact), rtol=1e-13)
    np.testing.assert_allclose(jvp(lambda V: product(1.5, V), V, D)[1], 13.5 * x[:, None] * D, rtol=1e-14)
    np.testing.assert_allclose(grad(lambda V: np.sum(D * product(1.5, V)))(V), 13.5 * x[:, None] * D, rtol=1e-14)


def test_the_gradient_of_what_a_block_s_number_enters_is_a_block():
    x, V = normal(4), normal(4, 3, seed=1)

    def inner(c):
        return grad(lambda y: np.sum(np.sin(y * c)))(np.ones(4))  # the inner theta is plain

    first_order_law(inner, x, V)
    pulled = vjp(lambda c: jvp(inner, c, V)[1], x)[1](np.ones((4, 3)))
    np.testing.assert_allclose(pulled, grad(lambda c: np.sum(jvp(inner, c, np.sum(V, 1))[1]))(x), **NEAR)


# ------------------------------------------------------------------------------------ range and refusals


@pytest.mark.parametrize("sizes", [(1e-200, 1.0, 1e200), (1e300, 1e-300, 0.0)])
def test_directions_of_all_sizes_share_a_block(sizes):
    x = normal(4)
    V = normal(4, 3, seed=1) * sizes
    for of in (
        lambda V: jvp(lambda x: np.tanh(x) * x, x, V)[1],
        lambda V: hvp(loss, x, V),
        lambda V: grad_and_hvp(loss, x, V)[1],
        lambda V: hessian(loss, x) @ V,
    ):
        exact = stacked(of, V)
        size = np.max(np.abs(exact), 0)
        assert np.all(np.abs(of(V) - exact) <= 1e-13 * size)


def test_a_direction_that_leaves_the_range_on_the_way_does_not_spoil_its_block():
    # Each direction alone needs a start of its own: one slope is lost on the way, the other overflows there.
    def f(x):
        return np.stack([1e-200 * (1e-200 * x[0]) * 1e200, 1e200 * (1e200 * x[1]) * 1e-200])

    x, V = np.array([1e250, 1e-250]), np.array([[1.0, 1e200, 0.0], [0.0, 0.0, 1.0]])
    exact = np.array([[1e-200, 1.0, 0.0], [0.0, 0.0, 1e200]])
    np.testing.assert_allclose(jvp(f, x, V)[1], exact, rtol=1e-13)

    def loss(x):
        return 1e200 * (1e-150 * x[0]) ** 2 + x[1] ** 2

    x, V = np.array([1e50, 1.0]), np.diag([1e290, 1e-200])
    exact = np.diag([2e190, 2e-200])
    for product in (hvp(loss, x, V), grad_and_hvp(loss, x, V)[1], hessian(loss, x) @ V):
        np.testing.assert_allclose(product, exact, rtol=1e-13)


def test_a_block_that_is_not_finite_says_where():
    V = np.eye(2)
    for of in (
        lambda: jvp(lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0]), V),
        lambda: jvp(lambda x: np.sum(1 / x), np.array([0.0, 1.0]), V[:, :0]),
        lambda: hvp(lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0]), V),
        lambda: hvp(lambda x: np.sum(x**1.5), np.array([0.0, 1.0]), V),
        lambda: hessian(lambda x: np.sum(x**1.5), np.array([0.0, 1.0])) @ V,
    ):
        with pytest.raises(FloatingPointError, match="line "):
            of()


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 2), (4,)])
def test_a_block_of_another_shape_is_refused(shape):
    x = np.ones(3)
    for of in (lambda V: jvp(loss, x, V), lambda V: hvp(loss, x, V), lambda V: grad_and_hvp(loss, x, V)):
        with pytest.raises(ValueError, match=r"v has shape .* and (x|theta) \(3,\): .* one axis longer \(a block\)"):
            of(np.ones(shape))


def test_a_block_of_no_numbers_is_refused():
    x, V = np.ones(3), np.ones((3, 2))
    V[1, 1] = np.nan
    for of in (lambda V: jvp(loss, x, V), lambda V: hvp(loss, x, V), lambda V: hessian(loss, x) @ V):
        with pytest.raises(ValueError, match="v has a NaN or an infinity"):
            of(V)
        with pytest.raises(TypeError, match="complex128"):
            of(V * 1j)


def test_what_has_no_derivative_has_none_in_a_block():
    with pytest.raises(UnsupportedError, match=r"np\.spacing.*line \d+"):
        jvp(lambda x: np.spacing(x), np.ones(3), np.ones((3, 2)))
