"""Arrays of objects that np.array makes of single numbers: right in every arithmetic, or refused."""

import math
import re

import numpy as np
import pytest
from programs import SHAPES_OF_CALL, extrapolated_difference, public_functions

from mathlib import NonAnalyticError, UnsupportedError, complex_step, grad, hessian, hvp, jvp, vjp

X, V = np.array([0.53, 0.27, 0.81]), np.array([0.3, -0.7, 1.1])


def rotation(t):
    return np.array([[np.cos(t), -np.sin(t), 0.0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])


# A program with np.array, and the same one with np.stack.
JOINED = {
    "pair": (lambda x: np.array([x[0], x[1] ** 2]), lambda x: np.stack([x[0], x[1] ** 2])),
    "asarray": (lambda x: np.asarray([x[0], 2.0]) ** 2, lambda x: np.stack([x[0], 2.0]) ** 2),
    "tuple": (lambda x: np.array((x[0], 1, x[2])), lambda x: np.stack([x[0], 1, x[2]])),
    "one": (lambda x: np.array(x[0]) * x[1], lambda x: x[0] * x[1]),
    "rows": (lambda x: np.array([[x[0], x[1]], [x[2], 1.0]]) @ x[:2],
             lambda x: np.stack([x[:2] @ x[:2], x[2] * x[0] + x[1]])),
    "rotation": (lambda x: rotation(x[0]) @ np.array([x[1], x[2], 1]),
                 lambda x: np.stack([np.cos(x[0]) * x[1] - np.sin(x[0]) * x[2],
                                 np.sin(x[0]) * x[1] + np.cos(x[0]) * x[2], 1])),
    "functions": (lambda x: np.exp(np.sin(np.array([x[0], x[1] * x[2]]))),
        lambda x: np.exp(np.sin(np.stack([x[0], x[1] * x[2]])))),
    "two arguments": (lambda x: np.arctan2(np.array([x[0], x[1]]), 2.0), lambda x: np.arctan2(x[:2], 2.0)),
    "sum": (lambda x: np.sum(np.array([[x[0], 3], [x[1], x[2]]]), axis=0), lambda x: np.stack([x[0] + x[1], 3 + x[2]])),
    "dot": (lambda x: np.dot(np.array([x[0], x[1]]), np.array([x[1], x[2]])), lambda x: x[0] * x[1] + x[1] * x[2]),
    "norm": (lambda x: np.linalg.norm(np.array([x[0], x[1], 2.0])), lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2 + 4)),
    "sort": (lambda x: np.sort(np.array([x[0], x[1], 0.4]))[:2], lambda x: np.stack([x[1], 0.4])),
    "extremum": (lambda x: np.maximum(np.array([x[0], x[1]]), 0.4), lambda x: np.stack([x[0], 0.4])),
    "absolute": (lambda x: np.abs(np.array([-x[0], x[1]])), lambda x: x[:2] * 1.0),
    "where": (lambda x: np.where(np.array([x[0], x[1]]) > 0.4, x[:2], np.array([x[2], x[2] ** 2])),
              lambda x: np.stack([x[0], x[2] ** 2])),
    "einsum": (lambda x: np.einsum("i,j->ij", np.array([x[0], x[1]]), x), lambda x: np.outer(x[:2], x)),
    "stacked": (lambda x: np.stack([np.array([x[0], 1.0]), x[1:]]), lambda x: np.stack([np.stack([x[0], 1.0]), x[1:]])),
    "concatenated": (lambda x: np.concatenate([np.array([x[0]]), x]), lambda x: np.stack([x[0], *x])),
    "solve": (lambda x: np.linalg.solve(np.array([[x[0], 2.0], [1.0, x[1]]]), x[1:]),
              lambda x: np.linalg.solve(np.stack([np.stack([x[0], 2.0]), np.stack([1.0, x[1]])]), x[1:])),
    "r_": (lambda x: np.r_[x, 1.0, x[0] ** 2], lambda x: np.stack([*x, 1.0, x[0] ** 2])),
    "r_ of rows": (lambda x: np.r_[np.outer(x, x), np.ones((1, 3))] ** 2,
        lambda x: np.concatenate([np.outer(x, x), np.ones((1, 3))]) ** 2),
    "c_": (lambda x: np.c_[x, x**2, np.ones(3)] @ x, lambda x: np.stack([x, x**2, np.ones(3)], 1) @ x),
    "full": (lambda x: np.full(3, x[0]) * x, lambda x: x[0] * x),
    "fromfunction": (lambda x: np.fromfunction(lambda i: x[0] ** i, (3,)), lambda x: x[0] ** np.arange(3.0)),
    "fromiter": (lambda x: np.fromiter((t**2 for t in x), object), lambda x: x**2),
    "vectorize": (lambda x: np.vectorize(lambda t: t * x[0])(np.arange(3.0)), lambda x: x[0] * np.arange(3.0)),
    "filled": (lambda x: filled(x), lambda x: np.stack([x[0] ** 2, 0.0])),
    "an inner theta": (lambda x: grad(lambda y: np.sum(y**3) * x[2])(np.array([x[0], x[1]])),
        lambda x: 3 * x[:2] ** 2 * x[2]),
    "an inner direction": (lambda x: jvp(lambda y: y**3, np.ones(2), np.array([x[0], 1.0]))[1],
        lambda x: np.stack([3 * x[0], 3.0])),
}  # fmt: skip


def filled(x):
    y = np.zeros(2, object)
    y[0] = x[0] * x[0]
    return y


@pytest.mark.parametrize(("program", "stacked"), JOINED.values(), ids=JOINED)
def test_np_array_of_numbers_means_their_stack(program, stacked):
    exact = extrapolated_difference(lambda x: np.asarray(program(x), float), X, V)
    for f in (program, stacked):
        value, tangent = jvp(f, X, V)
        np.testing.assert_allclose(value, np.asarray(program(X), float), rtol=1e-14)
        np.testing.assert_allclose(tangent, exact, rtol=1e-9, atol=1e-10)
    w = np.random.default_rng(1).standard_normal(exact.shape)
    assert np.vdot(vjp(program, X)[1](w[()]), V) == pytest.approx(np.vdot(w, exact), rel=1e-9, abs=1e-10)

    def losses(x):
        return (np.sum(np.sin(np.multiply(w, f(x)) + np.zeros_like(w) * x[0])) for f in (program, stacked))

    loss, other = lambda x: next(losses(x)), lambda x: list(losses(x))[1]
    if not {"grad", "jvp"} & set(program.__code__.co_names):  # a complex number carries no second derivative
        np.testing.assert_allclose(complex_step(program, X, V), exact, rtol=1e-9, atol=1e-10)
        for method in ("dual", "complex_step", "double_backprop"):
            np.testing.assert_allclose(hvp(loss, X, V, method), hvp(other, X, V), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(hessian(loss, X).dense(), hessian(other, X).dense(), rtol=1e-11, atol=1e-12)
    third = (jvp(lambda x, f=f: hvp(f, x, V), X, V)[1] for f in (loss, other))
    np.testing.assert_allclose(*third, rtol=1e-10, atol=1e-11)


def store(x):
    y = np.zeros(2)
    y[:] = x[0]


def store_array(x):
    y = np.zeros(2)
    y[:] = np.array([x[0], x[1]])


def add_array(x):
    y = np.zeros(2)
    y += np.array([x[0], x[1]])


def tied(x):
    return np.array([x[0], 0.2, x[0] * 1.0])


NAN = np.float64(np.nan)
REFUSED = [
    (lambda x: np.array([x, x]), "np.asarray"),
    (np.asarray, "np.asarray"),
    (lambda x: np.array(x[0], float), "float"),
    (lambda x: np.array([x[0], x[1]], float), "float"),
    (lambda x: np.array([x[0], x[1]]).astype(float), "float"),
    (lambda x: np.array([x[0], x[1]]).astype(int), "int"),
    (lambda x: np.float64(x[0]), "float"),
    (lambda x: math.sin(np.array(x[0])), "float"),
    (lambda x: np.fromiter(x, float), "float"),
    (lambda x: np.zeros(2).fill(x[0]), "float"),
    (store, "float"),
    (store_array, "float"),
    (add_array, "np.array of"),
    (lambda x: np.linalg.solve(np.array([[x[0], 1.0], [2.0, x[1]]]), np.ones(2)), "np.array of"),
    (lambda x: np.linalg.inv(np.array([[x[0], 1.0], [2.0, x[1]]])), "np.array of"),
    (lambda x: np.sin(np.array([x[0], 1.0])), "np.array of"),
    (lambda x: np.arctan2(np.array([1.0, x[0]]), 2.0), "np.array of"),
    (lambda x: np.logaddexp(np.array([x[0], x[1]]), 2.0), "np.array of"),
    (lambda x: np.isfinite(np.array([x[0], x[1]])), "np.array of"),
    (lambda x: np.interp(np.array([x[0], x[1]]), [0, 1], [0, 1]), "np.array of"),
    (lambda x: np.mean(np.array([x[0], x[1]])), "np.mean"),
    (lambda x: np.array([x[0], x[1]]).std(), "np.std"),
    (lambda x: np.array([x[0], 1j]) @ x[:2], "np.matmul"),
    # The ties of an extremum share the derivative, and a NaN passes through it: no comparison says so.
    (lambda x: np.max(tied(x)), "np.maximum or the like"),
    (lambda x: np.min(-tied(x)), "np.maximum or the like"),
    (lambda x: np.maximum(tied(x), X[0]), "np.maximum or the like"),
    (lambda x: np.fmin(X[0], tied(x)), "np.maximum or the like"),
    (lambda x: np.clip(tied(x), 0, X[0]), "np.maximum or the like"),
    (lambda x: np.ptp(tied(x)), "np.maximum or the like"),
    (lambda x: np.maximum(np.array([x[0] * NAN, x[1]]), 0.0), "np.maximum or the like"),
    (lambda x: np.max(np.array([x[0], NAN])), "np.maximum or the like"),
    (lambda x: np.max(np.array([X[0], x[0]])), "np.maximum or the like"),
    (lambda x: np.maximum(np.array([X[0], 0.0], object), tied(x)[:2]), "np.maximum or the like"),
    (lambda x: np.max(np.array([NAN, x[0]])), "np.maximum or the like"),
    (lambda x: np.sort(np.array([x[1], x[0] * NAN])), "np.maximum or the like"),
    (lambda x: x[np.argmax(np.array([x[0] * NAN, x[1]]))], "np.maximum or the like"),
]


@pytest.mark.parametrize(("program", "name"), REFUSED)
def test_an_array_of_objects_that_would_lose_the_derivative_is_refused(program, name):
    for route, error in (
        (jvp, UnsupportedError),
        (complex_step, NonAnalyticError),
    ):
        with pytest.raises(error) as caught:
            route(program, X, V)
        message = str(caught.value)
        assert message.startswith(name), message
        assert " line " in message, message
        assert "np.stack" in message.split("Instead: ")[1] or name in ("int", "np.matmul"), message


def test_equal_numbers_are_compared_where_the_program_itself_does():
    def f(x):
        y = tied(x)
        a, b = x[0], x[0] * 1.0
        same = (
            a >= b,
            a <= b,
            a > b,
            0 <= a <= b,
            x[0] * NAN < 1,
            max(a, b) is a,
            X[0] >= a,
            np.greater_equal(a, X[0]),
        )
        assert same == (True, True, False, True, False, True, True, True)
        assert (y >= y).all()
        return np.sum(np.sort(y)) + x[np.argmax(y)]

    np.testing.assert_array_equal(grad(f)(X), [3, 0, 0])


LEFT_OUT = np.fromstring, np.partition  # one reads memory, the other leaves the order of most numbers to chance
# What tells a tie apart from its neighbours has no derivative there.
AT_TIES = {"intersect1d", "setdiff1d", "setxor1d", "union1d", "unique", "unique_values", "in1d"}
ARRAYS = {
    "numbers": lambda x: [x[0], x[1] * x[2]],
    "and constants": lambda x: [x[0], 0.55, 2, x[1]],
    "matrix": lambda x: [[x[0], x[1]], [x[2], 1.0]],
    "tied": lambda x: [x[0], x[1], x[0] * 1.0],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", [f for f in public_functions() if f.values[0] not in LEFT_OUT])
def test_every_public_function_of_numpy_on_an_array_of_objects_is_right_or_refused(f):
    for name, rows in ARRAYS.items():
        for call, with_arguments in SHAPES_OF_CALL.items():
            if call == "f(x, c, x)" and isinstance(f, np.ufunc):  # it would write to its third argument
                continue

            def program(x, rows=rows, with_arguments=with_arguments):
                return with_arguments(f, np.array(rows(x)))

            def stacked(x, rows=rows, with_arguments=with_arguments):
                return with_arguments(f, np.stack([np.stack(r) if type(r) is list else r for r in rows(x)]))

            def floats(x, program=program):
                y = np.asarray(program(x))
                if y.dtype.kind != "f":
                    raise TypeError
                return y

            try:
                with np.errstate(all="ignore"):
                    y, exact = floats(X), extrapolated_difference(floats, X, V)
                value, tangent = jvp(program, X, V)
                step, w = complex_step(program, X, V), np.random.default_rng(2).standard_normal(y.shape)
                back = np.vdot(vjp(program, X)[1](w[()]), V)
            except Exception:
                continue
            if name == "tied":
                if f.__name__ in AT_TIES:
                    continue
                try:  # the same choice as without objects
                    exact = jvp(stacked, X, V)[1]
                except UnsupportedError:
                    continue
            if call == "f(x, [0, 0])" and f is np.partition:  # it leaves the order of the others to chance
                continue
            np.testing.assert_allclose(value, y, rtol=1e-12, err_msg=call)
            np.testing.assert_allclose(tangent, exact, rtol=1e-7, atol=1e-8, err_msg=call)
            np.testing.assert_allclose(step, exact, rtol=1e-7, atol=1e-8, err_msg=call)
            assert back == pytest.approx(np.vdot(w, exact), rel=1e-7, abs=1e-8), call


@pytest.mark.parametrize("kth", range(4))
def test_a_partition_of_an_array_of_objects_has_one_number_in_its_place_and_the_smaller_ones_before_it(kth):
    def program(x):
        p = np.partition(np.array([x[0], 0.55, 2, x[1]]), kth)
        return np.stack([p[kth], np.sum(p[:kth] ** 2), np.sum(p[kth + 1 :] ** 3)])

    def in_order(x):
        p = np.stack([x[1], x[0], 0.55, 2])
        return np.stack([p[kth], np.sum(p[:kth] ** 2), np.sum(p[kth + 1 :] ** 3)])

    value, tangent = jvp(in_order, X, V)
    for v, t in (jvp(program, X, V), (program(X), complex_step(program, X, V))):
        np.testing.assert_allclose(v, value, rtol=1e-12)
        np.testing.assert_allclose(t, tangent, rtol=1e-12, atol=1e-12)
    w = np.array([0.3, -1.2, 0.7])
    np.testing.assert_allclose(vjp(program, X)[1](w), vjp(in_order, X)[1](w), rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
@pytest.mark.parametrize("components", [(2, 2), (2, 3), (3, 2)])
def test_a_cross_product_of_vectors_in_a_plane(components):
    rng = np.random.default_rng(4)
    a, b = (rng.standard_normal((4, n)) for n in components)
    with pytest.raises(ValueError, match="3-dimensional"):
        jvp(lambda x: np.linalg.cross(x, b), a, a)
    try:
        c = np.cross(a, b)
    except ValueError as error:  # from NumPy 2.5 on
        with pytest.raises(ValueError, match=re.escape(str(error))):
            jvp(lambda x: np.cross(x, b), a, a)
        return
    for value, tangent in (jvp(lambda x: np.cross(x, b), a, a), jvp(lambda x: np.cross(a, x), b, b)):
        np.testing.assert_allclose(value, c, rtol=1e-14)
        np.testing.assert_allclose(tangent, c, rtol=1e-14)
    w = np.random.default_rng(0).standard_normal(c.shape)
    np.testing.assert_allclose(np.vdot(vjp(lambda x: np.cross(x, b), a)[1](w), a), np.vdot(w, c), rtol=1e-13)
    product = hvp(lambda x: np.vdot(w, np.cross(x, x[..., :1] * b)), a, a)  # of a quadratic form
    np.testing.assert_allclose(np.vdot(product, a), 2 * np.vdot(w, np.cross(a, a[..., :1] * b)), rtol=1e-12)


@pytest.mark.parametrize("product", [np.tensordot, np.linalg.tensordot])
@pytest.mark.parametrize("axes", [2, ([0], [1]), ([0, 1], [0, 1]), ([-1], [-1])])
def test_a_sum_over_axes_of_other_lengths_is_refused_as_by_numpy(product, axes):
    a, b = np.ones((2, 3)), np.ones((3, 4) if axes == ([0], [1]) else (3, 2))
    with pytest.raises(ValueError, match="shape-mismatch"):
        product(a, b, axes=axes)
    for program in (lambda x: product(x, b, axes=axes), lambda x: product(a, x[0, 0] * b, axes=axes)):
        with pytest.raises(ValueError, match="not of the same lengths"):
            jvp(program, a, a)


PIECES = {
    "two": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda t: -(t**3), lambda t: t**2]),
    "otherwise": lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [np.exp, np.sin, lambda t: t * t[0]]),
    "outside of the domain": lambda x: np.piecewise(x, [x > 0], [np.log, 0.0]),
    "constants": lambda x: np.piecewise(x, x < 0, [1, 2]) * x,
    "overlapping": lambda x: np.piecewise(x, [x > -1, x > 0], [np.sum, lambda t: t**2 + np.sum(t)]),
    "arguments": lambda x: np.piecewise(x, [x > 0], [lambda t, a, b: a * t**b, lambda t, a, b: b * t], 2.0, b=3),
    "nowhere": lambda x: np.piecewise(x, [x > 10], [np.log, np.square]),
}


@pytest.mark.parametrize("program", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize(
    "x", [np.array([-1.2, 0.3, 0.7, -0.4, 1.5]), np.array([[0.2, -0.3], [1.0, -2.0]]), np.float64(0.4)]
)
def test_a_function_in_pieces(program, x):
    if np.ndim(x) != 1 and program is PIECES["constants"]:
        return
    v, w = np.random.default_rng(3).standard_normal((2, *np.shape(x)))
    v, w = v[()], w[()]
    exact = extrapolated_difference(program, x, v)
    value, tangent = jvp(program, x, v)
    np.testing.assert_allclose(value, program(x), rtol=1e-14)
    np.testing.assert_allclose(tangent, exact, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(complex_step(program, x, v), exact, rtol=1e-9, atol=1e-10)
    assert np.vdot(vjp(program, x)[1](w), v) == pytest.approx(np.vdot(w, exact), rel=1e-9, abs=1e-9)

    def loss(x):
        return np.sum(w * np.sin(program(x)))

    curvature = extrapolated_difference(grad(loss), x, v)
    for method in ("dual", "complex_step", "double_backprop"):
        np.testing.assert_allclose(hvp(loss, x, v, method), curvature, rtol=1e-8, atol=1e-8)
    assert grad(loss)(np.float32(x)).dtype == np.float32


@pytest.mark.parametrize(
    "program",
    [
        lambda x: np.linspace(x, 1, 3),
        lambda x: np.logspace(x, 1, 3),
        lambda x: np.pad(x, 2, mode="mean"),
        lambda x: np.pad(x, 2, mode="linear_ramp", end_values=1.5),
        lambda x: np.insert(x, 1, 2.0),
        lambda x: np.nan_to_num(x, nan=1.0),
        lambda x: np.where(x > 0, x, 0.5),
        lambda x: np.ediff1d(x, 0.5),
        lambda x: np.choose([0, 1, 0], [x, np.float32(2)]),
        lambda x: np.meshgrid(x, x)[0],
    ],
)
def test_float32_stays_float32(program):
    x = np.array([0.5, -1.5, 2.0], np.float32)
    value, tangent = jvp(program, x, x)
    assert value.dtype == tangent.dtype == program(x).dtype == np.float32
    assert grad(lambda x: np.sum(program(x)))(x).dtype == np.float32


def test_the_ends_of_a_geometric_sequence_may_be_far_apart():
    x, t = np.array([1e-200, 1e250]), np.linspace(0, 1, 4)
    value, tangent = jvp(lambda x: np.geomspace(x[0], x[1], 4), x, np.array([0.0, 1.0]))
    np.testing.assert_allclose(value, np.geomspace(*x, 4), rtol=1e-12)  # powers of numbers of so many digits
    np.testing.assert_allclose(tangent, t * value / x[1], rtol=1e-12)
    slopes = grad(lambda x: np.sum(np.log(np.geomspace(x[0], x[1], 4))))(x)
    np.testing.assert_allclose(slopes, np.sum([1 - t, t], axis=1) / x, rtol=1e-12)


def test_numbers_that_are_replaced_have_no_derivative():
    x = np.array([1.0, np.inf, -np.inf, np.nan])

    def program(t):
        return np.nan_to_num(x + np.array([1.0, 0, 0, 0]) * t, nan=7.0, posinf=8.0)

    value, tangent = jvp(program, 2.0, 1.0)
    np.testing.assert_array_equal(value, [3.0, 8.0, -np.finfo(float).max, 7.0])
    np.testing.assert_array_equal(tangent, [1, 0, 0, 0])
    assert grad(lambda t: np.sum(program(t)[[0, 1, 3]]))(2.0) == 1


def test_an_operator_over_axes_and_along_one_may_be_any_program():
    x, v = np.random.default_rng(5).standard_normal((2, 3, 4))

    def program(x):
        rows = np.apply_along_axis(lambda t, k: np.array([t[0] * t[1], np.sum(t) ** k]), 1, x, k=2)
        return np.sum(np.apply_over_axes(np.max, np.sin(x), [1])) * rows

    exact = extrapolated_difference(program, x, v)
    np.testing.assert_allclose(jvp(program, x, v)[1], exact, rtol=1e-9, atol=1e-10)
    w = np.ones_like(exact)
    assert np.vdot(vjp(program, x)[1](w), v) == pytest.approx(np.sum(exact), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.7])
@pytest.mark.parametrize("mode", ["constant", "linear_ramp"])
def test_a_padding_may_depend_on_theta_also_where_it_is_zero(value, mode):
    option, x = {"constant": "constant_values", "linear_ramp": "end_values"}[mode], np.arange(1.0, 5).reshape(2, 2)
    y = np.pad(x, 2, mode, **{option: 1.0}) - np.pad(x, 2, mode, **{option: 0.0})  # it is affine in the value
    for given in (lambda c: c, lambda c: (c, c), lambda c: [[c, c], [c, c]], lambda c: np.array([c, c])):

        def padded(c, given=given):
            return np.pad(x + 0 * c, 2, mode, **{option: given(c)})

        np.testing.assert_allclose(jvp(padded, value, 1.0)[1], y)
        w = np.random.default_rng(0).standard_normal(y.shape)
        assert vjp(padded, value)[1](w) == pytest.approx(np.vdot(w, y), rel=1e-13)
