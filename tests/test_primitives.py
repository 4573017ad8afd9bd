"""Every row of the table, in every arithmetic, against an oracle of another kind."""

import inspect
import pickle

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from programs import LINEAR, ORACLE, SMOOTH, each, extrapolated_difference, public_functions, rows, sweep
from programs_scipy import ORDERED
from programs_scipy import ULPS as LOOSE
from scipy.special import expit, xlogy

from mathlib import NonAnalyticError, UnsupportedError, check_grad, complex_step, grad, hessian, hvp, jvp, vjp
from mathlib.arithmetic import Composite, Discrete, Elementwise, General, Multilinear, name_of
from mathlib.primitives import TABLE, elementwise, general, multilinear, primitive

# A partial derivative is a few roundings of well-conditioned pieces; NumPy's own functions add theirs.
ULPS = 8


def test_every_elementwise_row_has_an_oracle():
    assert set(rows(Elementwise)) == set(ORACLE) | set(ORDERED)


def directional(f, x, v):
    """df(x)[v] and its condition: the sum of the moduli of its terms, by mpmath at 40 digits."""
    terms = [mp.diff(f, tuple(map(mp.mpf, x)), tuple(int(i == j) for j in range(len(x)))) * v[i] for i in range(len(x))]
    return sum(terms), sum(map(abs, terms))


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
@settings(max_examples=25)
@given(data=st.data())
def test_elementwise_agrees_with_mpmath_to_the_last_bits(function, data):
    oracle, interval = ORACLE[function]
    n = len(TABLE[function].partials)
    x = np.array(data.draw(st.lists(st.floats(*interval), min_size=n, max_size=n)))
    v = np.array(data.draw(st.lists(st.floats(0.1, 2.0), min_size=n, max_size=n)))
    # Away from kinks and the jumps of a remainder, which mpmath's differences would straddle.
    assume(min(abs(x)) > 1e-3 and (n == 1 or abs(x[0] - x[1]) > 1e-3))
    assume(function not in (np.remainder, np.fmod) or abs(x[0] / x[1] - round(x[0] / x[1])) > 1e-6)
    exact, condition = directional(oracle, x, v)
    if function is np.tanh:  # its partial 1 - y**2 has the last bit of 1
        condition += v[0]

    def program(x):
        return function(*(x[i] for i in range(n)))

    for answer in (jvp(program, x, v)[1], complex_step(program, x, v)):
        assert (
            abs(mp.mpf(float(answer)) - exact)
            <= LOOSE.get(function, ULPS) * mp.mpf(2) ** -52 * condition + mp.mpf(2) ** -1070
        )


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_the_value_is_the_plain_program_s_bit_for_bit(function):
    n, interval = len(TABLE[function].partials), ORACLE[function][1]
    x = np.random.default_rng(0).uniform(*interval, size=(n, 50))
    assert np.array_equal(jvp(lambda x: function(*x), x, x)[0], function(*x))


def test_every_other_row_has_a_program():
    assert set(rows((Multilinear, General, Composite))) == set(LINEAR) | set(SMOOTH)
    assert not set(LINEAR) & set(SMOOTH)


@pytest.mark.parametrize(("program", "shape"), each(LINEAR))
def test_an_affine_program_s_tangent_is_its_difference(program, shape):
    x, v = np.random.default_rng(3).standard_normal((2, *shape))
    if not shape:
        x, v = np.float64(x), np.float64(v)
    # Of an affine function the central difference with step 1 is exact, but for roundings.
    exact = (program(x + v) - program(x - v)) / 2
    value, tangent = jvp(program, x, v)
    np.testing.assert_allclose(value, program(x), rtol=0, atol=1e-14)
    for answer in (tangent, complex_step(program, x, v)):
        assert answer.shape == exact.shape
        np.testing.assert_allclose(answer, exact, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("program", "shape"), each(SMOOTH))
def test_a_program_s_tangent_agrees_with_differences(program, shape):
    x, v = np.random.default_rng(4).standard_normal((2, *shape))
    x, v = x[()], v[()]
    exact = extrapolated_difference(program, x, v)
    value, tangent = jvp(program, x, v)
    # a hundred roundings: a kernel of BLAS, or another way to least squares, costs some of them
    np.testing.assert_allclose(value, program(x), rtol=1e-13, atol=1e-14)
    for answer in (tangent, complex_step(program, x, v)):
        assert answer.shape == np.shape(exact)
        np.testing.assert_allclose(answer, exact, rtol=1e-9, atol=1e-9)


DISCRETE_PROGRAMS = {
    np.sign: lambda x: np.sign(x) * x,
    np.floor: lambda x: np.floor(x) * x,
    np.argmax: lambda x: x[np.argmax(x)] ** 2,
    np.argsort: lambda x: x[np.argsort(x)] ** 2,
    np.greater: lambda x: np.where(x > 0, x**2, -x),
    np.isfinite: lambda x: np.where(np.isfinite(x), x, 0.0) ** 2,
    np.zeros_like: lambda x: np.zeros_like(x) + np.ones_like(x) * x,
    np.round: lambda x: np.round(x, 1) * x,
    np.count_nonzero: lambda x: np.count_nonzero(x > 0) * x,
    np.any: lambda x: x * np.any(x > 0) + x.all() * x,
    np.iscomplexobj: lambda x: x if np.isrealobj(x) and not np.iscomplexobj(x) else 1j * x,
    np.argwhere: lambda x: x[np.argwhere(x > 0)[:, 0]] ** 2,
    np.isin: lambda x: np.where(np.isin(x, [0.5]), 1.0, x**2),
    np.digitize: lambda x: np.digitize(x, [0.0, 1.0]) * x,
    np.lexsort: lambda x: x[np.lexsort((x, x > 0))] ** 2,
    np.argpartition: lambda x: x[np.argpartition(x, 2)[2]] * x[x.argpartition(1)[1]],
    np.isreal: lambda x: np.where(np.isreal(x) & ~np.iscomplex(x) & ~np.isposinf(x) & ~np.isneginf(x), x**2, 1.0),
    np.triu_indices_from: lambda x: np.outer(x, x)[np.triu_indices_from(np.outer(x, x), 1)],
    np.array_str: lambda x: x * len(np.array2string(np.round(x) * 0)) + 0 * len(np.array_str(x)),
    np.size: lambda x: x * np.size(x) + np.ndim(x) + np.shape(x)[0] + len(x) + x.size + x.ndim,
}


@pytest.mark.parametrize("function", DISCRETE_PROGRAMS, ids=name_of)
def test_a_discrete_function_is_a_constant_of_the_real_values(function):
    assert isinstance(TABLE[function], Discrete)
    x, v = np.random.default_rng(5).standard_normal((2, 6))
    program, h = DISCRETE_PROGRAMS[function], 2.0**-20
    exact = (program(x + h * v) - program(x - h * v)) / (2 * h)
    for answer in (jvp(program, x, v)[1], complex_step(program, x, v)):
        np.testing.assert_allclose(answer, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("route", [lambda f, x, v: jvp(f, x, v)[1], complex_step], ids=["dual", "complex"])
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("program", "slope"),
    [
        (np.abs, 0.0),
        (lambda x: np.maximum(x, 0.0), 0.5),
        (lambda x: np.minimum(0.0, x), 0.5),
        (lambda x: np.max(np.stack([x, -x, 0.0])), 0.0),
        (lambda x: np.max(np.stack([x, 0.0])), 0.5),
        (lambda x: np.clip(x, 0.0, 1.0), 0.5),
        (np.sign, 0.0),
    ],
)
def test_kinks_have_stated_values_on_both_sides(route, side, program, slope):
    assert route(program, 0.0, side) == slope * side


@pytest.mark.parametrize("route", [lambda f, x: jvp(f, x, 1.0)[1], complex_step], ids=["dual", "complex"])
@pytest.mark.parametrize(
    ("program", "x", "slope"),
    [
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**3, -2.0, 12.0),
        (lambda x: x**-1, -2.0, -0.25),
        (lambda x: 0.0**x, 2.0, 0.0),
        (lambda x: np.prod(np.stack([x, x, 0.0])), 3.0, 0.0),
        (lambda x: np.prod(np.stack([x, 0.0 * x + 2, x])), 3.0, 12.0),
    ],
)
def test_powers_and_products_at_their_awkward_points(route, program, x, slope):
    assert route(program, x) == slope


# In NumPy 2.1.0 by name alone.
ORDER_BY_PLACE = inspect.signature(np.reshape).parameters["order"].kind is not inspect.Parameter.KEYWORD_ONLY
REFUSED = [
    (lambda x: np.max(x, where=np.array([True, False, True])), "np.max", "leave it out"),
    (lambda x: np.linalg.norm(np.outer(x, x), 3), "np.linalg.norm", "fro"),
    (lambda x: np.linalg.qr(np.outer(x, x), "raw"), "np.linalg.qr", "'complete'"),
    (lambda x: np.linalg.svd(np.outer(x, x), hermitian=True), "np.linalg.svd", "leave it out"),
    (lambda x: np.pad(x, 1, mode="reflect", reflect_type="odd"), "np.pad", "constant"),
    (lambda x: np.pad(x, 1, mode="empty"), "np.pad", "constant"),
    (lambda x: np.unique(np.stack([x[0], x[0], 1.0])), "np.unique", "x[index]"),
    (lambda x: np.geomspace(x[0], -x[1]), "np.geomspace", "one sign"),
    (lambda x: np.insert(np.arange(3), 0, x[0]), "np.insert", "astype(float)"),
    (lambda x: np.trim_zeros(np.outer(x, x)), "np.trim_zeros", "slice"),
    (lambda x: np.ix_(x), "np.ix_", "integers"),
    (lambda x: np.put(x, 0, 1.0), "np.put", "np.where"),
    (lambda x: np.put(np.zeros(3), 0, x[0]), "np.put", "np.where"),
    (lambda x: np.place(x, x > 1, [0.0]), "np.place", "np.where(mask"),
    (lambda x: np.putmask(x, x > 1, 0.0), "np.putmask", "np.where(mask"),
    (lambda x: np.put_along_axis(x, np.array([0]), 1.0, 0), "np.put_along_axis", "np.where"),
    (lambda x: np.copyto(np.zeros(3), x), "np.copyto", "np.broadcast_to"),
    (lambda x: np.full_like(np.zeros(3), x[0]), "np.copyto", "np.broadcast_to"),
    (lambda x: np.fill_diagonal(np.outer(x, x), 0.0), "np.fill_diagonal", "np.where(np.eye"),
    (lambda x: np.arange(x[0]), "float", "np.stack"),
    (lambda x: np.full(2, x), "np.asarray", "np.stack"),
    (lambda x: np.ascontiguousarray(x), "np.asarray", "np.stack"),
    (lambda x: np.require(x, float), "np.asarray", "np.stack"),
    (lambda x: np.broadcast(x, x), "np.asarray", "np.stack"),
    (lambda x: np.astype(x, np.float32), "astype", "cast theta"),
    (lambda x: np.sum(x, out=np.zeros(())), "np.sum", "leave it out"),
    (lambda x: np.sum(x, dtype=np.float32), "np.sum", "leave it out"),
    (lambda x: np.exp(x, where=np.array([True, False, True])), "np.exp", "leave it out"),
    (lambda x: np.exp(x, out=np.zeros(3)), "np.exp", "np.where"),
    (lambda x: np.where(x), "np.where", "position"),
    (lambda x: np.ravel(x, "F"), "np.ravel", "x.T"),
    (lambda x: x.flatten("A"), "np.ravel", "x.T"),
    *([(lambda x: np.reshape(x, (3, 1), "F"), "np.reshape", "x.T")] if ORDER_BY_PLACE else []),
    (lambda x: x.reshape(3, 1, order="F"), "np.reshape", "leave it out"),
    (lambda x: np.add.at(x, 0, 1.0), "np.add.at", "np.stack"),
    (lambda x: float(x[0]), "float", "np.stack"),
    (lambda x: int(x[0]), "int", "np.trunc"),
    (lambda x: complex(x[0]), "complex", "np.stack"),
    (lambda x: [1, 2][x[0]], "index", "integer"),
    (lambda x: x.item(), "item", "x[i, j]"),
    (lambda x: x.tolist(), "tolist", "np.stack"),
    (lambda x: x.view(np.float32), "view", "np.stack"),
    (lambda x: x.astype(np.float32), "astype", "cast theta"),
    (np.asarray, "np.asarray", "np.stack"),
    (lambda x: np.array([x, x]), "np.asarray", "np.stack"),
    (lambda x: np.array([x[0], x[1]], float), "float", "np.stack"),
    (lambda x: x.sort(), "sort", "np.sort"),
    (lambda x: x.fill(0.0), "in-place", "np.where"),
    (np.imag, "np.imag", "leave it out"),
    (lambda x: x.imag, "np.imag", "leave it out"),
    (np.angle, "np.angle", "np.arctan2"),
]


REFUSED += [
    (lambda x: np.real(np.exp(1j * x)), "np.multiply", "two real arrays"),
    (lambda x: np.abs(x + np.array([0, 0, 1j])), "np.add", "two real arrays"),
    (lambda x: np.stack([x[0], 1j]), "np.stack", "two real arrays"),
    (pickle.dumps, "pickle", "plain arrays"),
]


def change(x):
    x += 1.0
    return x


def assign(x):
    x[0] = 1.0
    return x


def add_into(x):
    total = np.zeros(3)
    total += x
    return total


def store(x):
    out = np.zeros(3)
    out[0] = x[0]
    return out


def store_all(x):
    out = np.zeros(3)
    out[:] = x
    return out


REFUSED += [(change, "np.add", "np.where"), (assign, "x[i] = ...", "np.where"), (add_into, "np.add", "np.where")]
REFUSED += [(store, "float", "np.stack"), (store_all, "np.asarray", "np.stack")]


@pytest.mark.parametrize(("program", "name", "instead"), REFUSED)
def test_what_would_lose_the_derivative_is_refused_by_name(program, name, instead):
    x = np.array([1.0, 2.0, 3.0])
    for route, error in (
        (lambda: jvp(program, x, x), UnsupportedError),
        (lambda: complex_step(program, x, x), NonAnalyticError),
    ):
        with pytest.raises(error) as caught:
            route()
        message = str(caught.value)
        assert message.startswith(name), message
        assert instead in message.split("Instead: ")[1], message
        assert "line " in message, message


def test_an_error_names_the_caller_s_line():
    def program(x):
        y = x + 1
        return np.spacing(y)

    with pytest.raises(UnsupportedError, match=r"in program, line \d+: `return np.spacing\(y\)`"):
        jvp(program, 1.0, 1.0)


@pytest.mark.parametrize("route", [lambda f, x, v: jvp(f, x, v)[1], complex_step], ids=["dual", "complex"])
def test_float32_stays_float32(route):
    x = np.array([0.5, 1.5], np.float32)

    def program(x):
        return (
            np.sum(np.maximum(2.0 * np.tanh(x) ** 3, 0.1) / (1 + np.sqrt(x)))
            + np.max(x)
            + np.linalg.norm(x) * np.exp2(x[0])
        )

    answer = route(program, x, np.ones(2))
    assert answer.dtype == np.float32
    exact = route(program, x.astype(float), np.ones(2))
    assert abs(answer - exact) <= 1e-6 * abs(exact)  # float32 has 6e-8, a dozen operations


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", list(public_functions()))
def test_every_public_function_of_numpy_is_right_or_refused(f):
    for call, program, x, v, exact in sweep(f):
        for route in (lambda f, x, v: jvp(f, x, v)[1], complex_step):
            try:
                answer = route(program, x, v)
            except (TypeError, FloatingPointError, ValueError):
                continue
            assert np.shape(answer) == np.shape(exact), call
            np.testing.assert_allclose(answer, exact, rtol=1e-7, atol=1e-7, err_msg=call)


# ------------------------------------------------------------------------------------ rows of one's own


def every_mode(program, x, v, slope, curvature):
    """All first derivatives along v, and all second ones, are these."""

    def loss(x):
        return np.sum(program(x))

    for answer in (jvp(program, x, v)[1], complex_step(program, x, v), vjp(program, x)[1](np.ones_like(x)) * v):
        np.testing.assert_allclose(answer, slope * v, rtol=1e-14)
    for method in ("dual", "complex_step", "double_backprop"):
        np.testing.assert_allclose(hvp(loss, x, v, method), curvature * v, rtol=1e-13)
    np.testing.assert_allclose(hessian(loss, x) @ v, curvature * v, rtol=1e-13)
    check_grad(loss, x, order=2)


def test_a_user_adds_a_ufunc_in_one_line(table):
    del table[expit]
    x, v = np.array([-1.0, 0.5, 2.0]), np.array([1.0, 2.0, -3.0])
    with pytest.raises(UnsupportedError, match=r"elementwise\(function, lambda y, x: dy/dx\)"):
        grad(lambda x: np.sum(expit(x)))(x)
    elementwise(expit, lambda y: y * (1 - y))
    y = expit(x)
    every_mode(expit, x, v, y * (1 - y), y * (1 - y) * (1 - 2 * y))


def test_a_user_adds_a_function_of_two_arguments(table):
    elementwise(xlogy, lambda y, a, b: np.log(b), lambda y, a, b: a / b)
    x, v = np.array([1.0, 0.5, 2.0]), np.array([1.0, 2.0, -3.0])
    every_mode(lambda x: xlogy(x, x), x, v, np.log(x) + 1, 1 / x)
    every_mode(lambda x: xlogy(2.0, x), x, v, 2 / x, -2 / x**2)


def test_a_user_adds_a_linear_function_in_two_lines(table):
    @primitive
    def swirl(x):
        return np.roll(x, 1) * 2

    multilinear(swirl, transposes=(lambda g, x: np.roll(g, -1) * 2,))
    x, v = np.array([1.0, 0.5, 2.0]), np.array([1.0, 2.0, -3.0])
    np.testing.assert_array_equal(jvp(swirl, x, v)[1], swirl(v))
    np.testing.assert_array_equal(complex_step(swirl, x, v), swirl(v))
    np.testing.assert_array_equal(grad(lambda x: np.vdot(v, swirl(x)))(x), np.roll(v, -1) * 2)
    check_grad(lambda x: np.sum(swirl(x) ** 3), x, order=2)


def test_a_user_adds_a_general_function_in_two_lines(table):
    @primitive
    def cube(x):
        return np.asarray(x) ** 3  # what no Number could go through

    general(cube, lambda y, x, dx: 3 * x**2 * dx, transposes=(lambda g, y, x: g * 3 * x**2,))
    x, v = np.array([1.0, 0.5, 2.0]), np.array([1.0, 2.0, -3.0])
    every_mode(cube, x, v, 3 * x**2, 6 * x)


@pytest.mark.parametrize("partial", [np.cos, lambda x: np.cos(x), lambda t: 2.0])
def test_a_partial_of_one_argument_that_is_not_the_result_is_refused(table, partial):
    del table[expit]
    with pytest.raises(TypeError, match="lambda y, x"):
        elementwise(expit, partial)
    assert expit not in table


def minors(A):
    """The matrix of cofactors from determinants of smaller matrices, expanded by a row."""

    def det(A):
        return sum((-1) ** j * A[0, j] * det(np.delete(A[1:], j, 1)) for j in range(len(A))) if len(A) else 1.0

    n = len(A)
    return np.array([[(-1) ** (i + j) * det(np.delete(np.delete(A, i, 0), j, 1)) for j in range(n)] for i in range(n)])


@pytest.mark.parametrize("rank", range(5))
def test_the_gradient_of_a_determinant_is_the_adjugate_of_any_matrix(rank):
    rng = np.random.default_rng(rank)
    A = rng.standard_normal((4, rank)) @ rng.standard_normal((rank, 4))
    U, V = rng.standard_normal((2, 4, 4))
    np.testing.assert_allclose(grad(np.linalg.det)(A), minors(A), atol=1e-12)
    # In each direction the determinant is a polynomial of degree 4: differences of the minors are exact.
    exact = (8 * (minors(A + U / 2) - minors(A - U / 2)) - (minors(A + U) - minors(A - U))) / 6
    for method in ("dual", "complex_step", "double_backprop"):
        np.testing.assert_allclose(hvp(np.linalg.det, A, U, method=method), exact, atol=1e-11)
    np.testing.assert_allclose(hessian(np.linalg.det, A) @ U, exact, atol=1e-11)
    mixed = jvp(lambda A: jvp(np.linalg.det, A, U)[1], A, V)[1]
    np.testing.assert_allclose(mixed, np.vdot(exact, V), atol=1e-11)


def test_a_singular_matrix_has_no_log_determinant():
    with pytest.raises(UnsupportedError, match=r"singular.*np\.linalg\.det"):
        grad(lambda A: np.exp(np.linalg.slogdet(A)[1]))(np.zeros((2, 2)))
