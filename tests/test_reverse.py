"""Every row of the table read backwards, to the third order, in every arithmetic."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from programs import LINEAR, ORACLE, SMOOTH, each, extrapolated_difference, public_functions, sweep
from programs_scipy import ULPS as LOOSE

from mathlib import complex_step, grad, grad_and_hvp, hessian, hvp, jvp, vjp
from mathlib.arithmetic import name_of
from mathlib.primitives import TABLE

EXACT = ("dual", "complex_step", "double_backprop")


def draw(shape, seed, n=2):
    """Some arrays of this shape; numbers, if it is ()."""
    return [a[()] for a in np.random.default_rng(seed).standard_normal((n, *shape))]


def scalar(program, x):
    """A loss made of a program: a form of its result that is nowhere linear."""
    w = np.random.default_rng(8).uniform(0.5, 1.5, np.shape(program(x)))
    return lambda x: np.sum(w * np.sin(program(x)))


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
@settings(max_examples=15)
@given(data=st.data())
def test_an_elementwise_row_s_gradient_agrees_with_mpmath(function, data):
    oracle, interval = ORACLE[function]
    n = len(TABLE[function].partials)
    x = np.array(data.draw(st.lists(st.floats(*interval), min_size=n, max_size=n)))
    assume(min(abs(x)) > 1e-3 and (n == 1 or abs(x[0] - x[1]) > 1e-3))
    assume(function not in (np.remainder, np.fmod) or abs(x[0] / x[1] - round(x[0] / x[1])) > 1e-6)
    point, unit = tuple(map(mp.mpf, x)), np.eye(n, dtype=int).tolist()
    for answer, e in zip(grad(lambda x: function(*(x[i] for i in range(n))))(x), unit, strict=True):
        exact = mp.diff(oracle, point, tuple(e))
        slack = 1 if function is np.tanh else 0  # its partial 1 - y**2 has the last bit of 1
        assert abs(mp.mpf(float(answer)) - exact) <= LOOSE.get(function, 8) * mp.mpf(2) ** -52 * (abs(exact) + slack)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
@settings(max_examples=10)
@given(data=st.data())
def test_an_elementwise_row_s_transpose_undoes_broadcasting(function, data):
    n, (low, high) = len(TABLE[function].partials), ORACLE[function][1]
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=3, max_side=3, min_side=0))
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    xs = [rng.uniform(low, high, s)[()] for s in shapes.input_shapes]
    w = rng.standard_normal(shapes.result_shape)[()]
    for i, x in enumerate(xs):
        v = rng.standard_normal(np.shape(x))[()]

        def program(x, i=i):
            return function(*xs[:i], x, *xs[i + 1 :])

        adjoint(program, x, v, w)


def adjoint(program, x, v, w=None):
    """<w, J v> = <J^T w, v>; the values and shapes are the program's."""
    y, pullback = vjp(program, x)
    value, tangent = jvp(program, x, v)
    assert np.array_equal(y, value)
    w = np.random.default_rng(9).standard_normal(np.shape(y))[()] if w is None else w
    back = pullback(w)
    assert np.shape(back) == np.shape(x)
    assert back.dtype == x.dtype
    terms = np.sum(np.abs(w * tangent)) + np.sum(np.abs(back * v))
    assert abs(np.sum(w * tangent) - np.sum(back * v)) <= 2.0**-44 * terms


@pytest.mark.parametrize(("program", "shape"), each(LINEAR | SMOOTH))
def test_the_pullback_is_the_transpose_of_the_tangent(program, shape):
    x, v = draw(shape, 4)
    adjoint(program, x, v)
    loss = scalar(program, x)
    tangent = jvp(loss, x, v)[1]
    assert np.sum(grad(loss)(x) * v) == pytest.approx(tangent, rel=1e-11, abs=1e-12)


def test_heaviside_s_value_at_0_has_a_derivative():
    assert grad(lambda h: np.heaviside(0.0, h))(0.3) == jvp(lambda h: np.heaviside(0.0, h), 0.3, 1.0)[1] == 1.0
    assert grad(lambda x: np.heaviside(x, 0.3))(0.0) == 0.0


def second_order_law(loss, x, u, v):
    """Every route to H v agrees with nested dual numbers and with differences of the gradient."""
    curvature = jvp(lambda x: jvp(loss, x, v)[1], x, u)[1]
    difference = extrapolated_difference(grad(loss), x, v)
    products = [hvp(loss, x, v, method) for method in EXACT]
    products += [grad_and_hvp(loss, x, v)[1], hessian(loss, x) @ v, jvp(grad(loss), x, v)[1]]
    products += [complex_step(grad(loss), x, v)]
    products += [grad(lambda x: jvp(loss, x, v)[1])(x)]  # the reverse mode over dual numbers inside
    size = np.max(np.abs(difference), initial=0.0)
    for product in products:
        assert np.shape(product) == np.shape(x)
        np.testing.assert_allclose(product, products[0], rtol=0, atol=1e-11 * (1 + size))
        np.testing.assert_allclose(product, difference, rtol=0, atol=2e-8 * (1 + size))
        assert np.sum(product * u) == pytest.approx(curvature, rel=1e-10, abs=1e-11 * (1 + size))


@pytest.mark.parametrize(("program", "shape"), each(LINEAR | SMOOTH))
def test_all_routes_to_the_second_derivative_agree(program, shape):
    x, u, v = draw(shape, 4, 3)
    second_order_law(scalar(program, x), x, u, v)


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_all_routes_to_an_elementwise_row_s_second_derivative_agree(function):
    n, (low, high) = len(TABLE[function].partials), ORACLE[function][1]
    rng = np.random.default_rng(10)
    x = rng.uniform(low + 0.1, high - 0.1, (n, 5))
    u, v = rng.standard_normal((2, n, 5))
    second_order_law(scalar(lambda x: function(*(x[i] for i in range(n))), x), x, u, v)


@pytest.mark.parametrize(("program", "shape"), each(LINEAR | SMOOTH))
def test_third_derivatives_agree_however_the_arithmetics_are_nested(program, shape):
    x, u, v, w = draw(shape, 4, 4)
    loss = scalar(program, x)

    def along(f, v):
        return lambda x: jvp(f, x, v)[1]

    exact = along(along(along(loss, u), v), w)(x)
    for third in (
        jvp(lambda x: np.sum(u * hvp(loss, x, v)), x, w)[1],
        np.sum(w * grad(lambda x: np.sum(u * hvp(loss, x, v)))(x)),
        np.sum(w * grad(lambda x: np.sum(v * grad(lambda x: np.sum(u * grad(loss)(x)))(x)))(x)),
        np.sum(w * hvp(along(loss, u), x, v)),
        np.sum(w * hvp(along(loss, u), x, v, "complex_step")),
        np.sum(w * (hessian(lambda x: np.sum(u * grad(loss)(x)), x) @ v)),
    ):
        assert third == pytest.approx(exact, rel=1e-9, abs=1e-10)


def joined(y):
    """An array of objects as one number; np.sin of such a one refuses constants in it."""
    return np.reshape(np.stack(y.ravel().tolist()), y.shape) if isinstance(y, np.ndarray) and y.dtype.hasobject else y


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", list(public_functions()))
def test_every_public_function_of_numpy_is_right_or_refused_in_reverse(f):
    for call, program, x, v, exact in sweep(f):
        w = np.random.default_rng(11).standard_normal(np.shape(exact))
        try:
            answer = np.sum(vjp(program, x)[1](w[()]) * v)
        except (TypeError, FloatingPointError, ValueError):
            continue
        np.testing.assert_allclose(answer, np.sum(w * exact), rtol=1e-7, atol=1e-7, err_msg=call)

        def loss(x, program=program, w=w):
            return np.sum(np.multiply(w, np.sin(joined(program(x)))))

        def slope(x, loss=loss, v=v):
            return jvp(loss, x, v)[1]

        exact = extrapolated_difference(slope, x, v, 2.0**-15)
        for route in EXACT:
            answer = np.sum(v * hvp(loss, x, v, route))
            np.testing.assert_allclose(answer, exact, rtol=1e-6, atol=1e-6, err_msg=f"{call}, {route}")
        np.testing.assert_allclose(np.sum(v * (hessian(loss, x) @ v)), exact, rtol=1e-6, atol=1e-6, err_msg=call)


# What makes, copies or describes an array, or writes a file.
UNCALLED = {
    "__new__",
    "__init__",
    "__class__",
    "__class_getitem__",
    "__init_subclass__",
    "__subclasshook__",
    "tofile",
    "dump",
}
ARGUMENTS = [(), (0,), (1,), (-1,), (2,), (None,), ("F",), (float,), ([0, 0],), ((-1,),), ((0, 1),), (0, 1), (1, 0, 1)]
ARGUMENTS += [(0.3, 0.7), (np.ones((3, 3)),), (-1, 1), (9, "F"), ((1, 0),), (1, float), (0, None, None, 1), (1, 1, 1)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in dir(np.ndarray) if callable(getattr(np.ndarray, n)) and n not in UNCALLED])
def test_every_method_of_an_array_is_right_or_refused(name):
    x, v = np.random.default_rng(13).uniform(0.2, 0.9, (2, 3, 3))
    for args in ARGUMENTS:
        for options in ({}, {"axis": 1}, {"keepdims": True}, {"order": "F"}, {"dtype": float}):

            def program(x, args=args, options=options):
                return getattr(x, name)(*args, **options)

            def floats(x, program=program):
                y = np.asarray(program(x.copy()))
                if y.dtype.kind != "f":
                    raise TypeError
                return y

            try:
                exact = extrapolated_difference(floats, x, v)
            except Exception:
                continue
            if not np.all(np.isfinite(exact)):
                continue
            w = np.random.default_rng(14).standard_normal(np.shape(exact))[()]
            routes = [(lambda f: jvp(f, x, v)[1], exact), (lambda f: complex_step(f, x, v), exact)]
            routes += [(lambda f, w=w: np.sum(vjp(f, x)[1](w) * v), np.sum(w * exact))]
            for route, expected in routes:
                try:
                    answer = route(program)
                except (TypeError, AttributeError, ValueError):
                    continue
                np.testing.assert_allclose(answer, expected, rtol=1e-8, atol=1e-8, err_msg=f"{args} {options}")
