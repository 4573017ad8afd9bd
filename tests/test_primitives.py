"""Every row of the table, in every arithmetic, against an oracle of another kind."""

import operator
import pickle
import warnings

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mathlib import NonAnalyticError, UnsupportedError, complex_step, jvp
from mathlib.primitives import TABLE, Composite, Discrete, Elementwise, General, Multilinear, logabsdet, name_of

mp.mp.dps = 40

# A partial derivative is a few roundings of well-conditioned pieces; NumPy's own functions add theirs.
ULPS = 8


def rows(kind):
    return [function for function, row in TABLE.items() if isinstance(row, kind)]


def sign(x):
    return mp.sign(x)


# For each elementwise row: mpmath's derivatives (by differentiating mpmath's function, or known), on an interval.
BOTH, POSITIVE, UNIT, ABOVE = (-3.0, 3.0), (0.05, 5.0), (-0.98, 0.98), (1.05, 6.0)
ORACLE = {
    np.add: (lambda a, b: a + b, BOTH),
    np.subtract: (lambda a, b: a - b, BOTH),
    np.multiply: (lambda a, b: a * b, BOTH),
    np.divide: (lambda a, b: a / b, POSITIVE),
    np.negative: (lambda x: -x, BOTH),
    np.positive: (lambda x: x, BOTH),
    np.reciprocal: (lambda x: 1 / x, POSITIVE),
    np.square: (lambda x: x * x, BOTH),
    np.power: (mp.power, POSITIVE),
    np.float_power: (mp.power, POSITIVE),
    operator.pow: (mp.power, POSITIVE),
    np.sqrt: (mp.sqrt, POSITIVE),
    np.cbrt: (mp.cbrt, POSITIVE),
    np.exp: (mp.exp, BOTH),
    np.exp2: (lambda x: mp.power(2, x), BOTH),
    np.expm1: (mp.expm1, BOTH),
    np.log: (mp.log, POSITIVE),
    np.log2: (lambda x: mp.log(x, 2), POSITIVE),
    np.log10: (mp.log10, POSITIVE),
    np.log1p: (mp.log1p, POSITIVE),
    np.logaddexp: (lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), BOTH),
    np.logaddexp2: (lambda a, b: mp.log(mp.power(2, a) + mp.power(2, b), 2), BOTH),
    np.sin: (mp.sin, BOTH),
    np.cos: (mp.cos, BOTH),
    np.tan: (mp.tan, (-1.5, 1.5)),
    np.arcsin: (mp.asin, UNIT),
    np.arccos: (mp.acos, UNIT),
    np.arctan: (mp.atan, BOTH),
    np.arctan2: (mp.atan2, POSITIVE),
    np.hypot: (mp.hypot, POSITIVE),
    np.sinh: (mp.sinh, BOTH),
    np.cosh: (mp.cosh, BOTH),
    np.tanh: (mp.tanh, (-30.0, 30.0)),
    np.arcsinh: (mp.asinh, BOTH),
    np.arccosh: (mp.acosh, ABOVE),
    np.arctanh: (mp.atanh, UNIT),
    np.deg2rad: (mp.radians, BOTH),
    np.radians: (mp.radians, BOTH),
    np.rad2deg: (mp.degrees, BOTH),
    np.degrees: (mp.degrees, BOTH),
    np.absolute: (abs, BOTH),
    np.fabs: (abs, BOTH),
    np.maximum: (max, BOTH),
    np.fmax: (max, BOTH),
    np.minimum: (min, BOTH),
    np.fmin: (min, BOTH),
    np.copysign: (lambda a, s: abs(a) * sign(s), BOTH),
    np.remainder: (lambda a, b: a - b * mp.floor(a / b), POSITIVE),
    np.fmod: (lambda a, b: a - b * mp.floor(a / b), POSITIVE),
}


def test_every_elementwise_row_has_an_oracle():
    assert set(rows(Elementwise)) == set(ORACLE)


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

    def program(x):
        return function(*(x[i] for i in range(n)))

    for answer in (jvp(program, x, v)[1], complex_step(program, x, v)):
        assert abs(mp.mpf(float(answer)) - exact) <= ULPS * mp.mpf(2) ** -52 * condition + mp.mpf(2) ** -1070


@pytest.mark.parametrize("function", ORACLE, ids=name_of)
def test_the_value_is_the_plain_program_s_bit_for_bit(function):
    n, interval = len(TABLE[function].partials), ORACLE[function][1]
    x = np.random.default_rng(0).uniform(*interval, size=(n, 50))
    assert np.array_equal(jvp(lambda x: function(*x), x, x)[0], function(*x))


A, B = np.random.default_rng(1).standard_normal((2, 3, 3))
C = np.random.default_rng(2).standard_normal((2, 3, 4))
# For each multilinear row: programs of one array of the given shape.
LINEAR = {
    np.sum: [(lambda x: np.sum(x), (3, 4)), (lambda x: x.sum(axis=1, keepdims=True), (3, 4)), (np.sum, (0,))],
    np.mean: [(lambda x: np.mean(x, axis=(0, 2)), (2, 3, 4)), (lambda x: x.mean(), (3,))],
    np.cumsum: [(lambda x: np.cumsum(x, axis=0), (3, 2)), (lambda x: np.add.accumulate(x), (4,))],
    np.trace: [(np.trace, (3, 3)), (lambda x: x.trace(), (2, 2))],
    np.diagonal: [(lambda x: np.diagonal(x, 1), (3, 3))],
    np.diag: [(np.diag, (3,)), (np.diag, (3, 3))],
    np.diff: [(lambda x: np.diff(x, n=2), (6,))],
    np.tril: [(np.tril, (3, 3))],
    np.triu: [(lambda x: np.triu(x, 1), (3, 3))],
    np.reshape: [(lambda x: np.reshape(x, (4, 3)), (3, 4)), (lambda x: x.reshape(2, -1), (3, 4))],
    np.ravel: [(np.ravel, (2, 3)), (lambda x: x.flatten(), (2, 3))],
    np.transpose: [(lambda x: np.transpose(x, (1, 2, 0)), (2, 3, 4)), (lambda x: x.T, (2, 3)),
                   (lambda x: x.transpose(1, 0), (2, 3)), (lambda x: x.transpose(), (2, 3))],
    np.matrix_transpose: [(np.matrix_transpose, (2, 3, 4)), (lambda x: x.mT, (2, 3))],
    np.swapaxes: [(lambda x: x.swapaxes(0, 2), (2, 3, 4))],
    np.moveaxis: [(lambda x: np.moveaxis(x, 0, -1), (2, 3, 4))],
    np.expand_dims: [(lambda x: np.expand_dims(x, 1), (2, 3))],
    np.squeeze: [(lambda x: x.squeeze(), (2, 1, 3))],
    np.broadcast_to: [(lambda x: np.broadcast_to(x, (4, 3)), (3,))],
    np.flip: [(np.flip, (2, 3))],
    np.fliplr: [(np.fliplr, (2, 3))],
    np.flipud: [(np.flipud, (2, 3))],
    np.rot90: [(np.rot90, (2, 3))],
    np.roll: [(lambda x: np.roll(x, 1, axis=1), (2, 3))],
    np.repeat: [(lambda x: x.repeat(2, axis=0), (2, 3))],
    np.tile: [(lambda x: np.tile(x, (2, 2)), (2, 3))],
    np.take: [(lambda x: x.take([0, 2, 0], axis=1), (2, 3))],
    np.take_along_axis: [(lambda x: np.take_along_axis(x, np.array([[1], [0]]), 1), (2, 3))],
    np.copy: [(lambda x: x.copy(), (3,)), (np.copy, (3,))],
    operator.getitem: [(lambda x: x[1:, ::-1], (3, 4)), (lambda x: x[[0, 0, 2]], (3,)), (lambda x: x[None, ..., 0], (3, 4)),
                       (lambda x: x[np.array([True, False, True])], (3,)), (lambda x: x[1, 2], (3, 4))],
    np.linalg.trace: [(np.linalg.trace, (2, 3, 3))],
    np.linalg.diagonal: [(np.linalg.diagonal, (2, 3, 3))],
    np.linalg.matrix_transpose: [(np.linalg.matrix_transpose, (2, 3))],
    np.concatenate: [(lambda x: np.concatenate([x, 2 * x, A], axis=1), (3, 2)), (lambda x: np.concatenate([x[0], x[1]]), (2, 2))],
    np.stack: [
        (lambda x: np.stack([x, np.zeros(3), x], axis=1), (3,)), (lambda x: np.stack([x[0], 1.0, x[2]]), (3,))],
    np.vstack: [(lambda x: np.vstack([x, A]), (3,))],
    np.hstack: [(lambda x: np.hstack([A, x]), (3, 2))],
    np.dstack: [(lambda x: np.dstack([x, A]), (3, 3))],
    np.column_stack: [(lambda x: np.column_stack([x, A]), (3,))],
    np.where: [(lambda x: np.where(A > 0, x, B), (3, 3)), (lambda x: np.where(A > 0, 0.0, x), (3,))],
    np.dot: [(lambda x: A.dot(B) @ x, (3,)), (lambda x: x.dot(A), (3,)), (lambda x: np.dot(A, x), (3,))],
    np.matmul: [(lambda x: A @ x, (3, 2)), (lambda x: x @ C, (2, 5, 3)), (lambda x: x @ A, (3,))],
    np.inner: [(lambda x: np.inner(A, x), (3,))],
    np.outer: [(lambda x: np.outer(x, A[0]), (4,)), (lambda x: np.multiply.outer(x, A), (2,))],
    np.tensordot: [(lambda x: np.tensordot(x, C, axes=([0], [1])), (3, 2))],
    np.kron: [(lambda x: np.kron(A, x), (2, 2))],
    np.cross: [(lambda x: np.cross(x, A[0]), (4, 3))],
    np.vdot: [(lambda x: np.vdot(x, A), (3, 3))],
    np.linalg.matmul: [(lambda x: np.linalg.matmul(x, A), (2, 3))],
    np.linalg.outer: [(lambda x: np.linalg.outer(A[0], x), (2,))],
    np.linalg.tensordot: [(lambda x: np.linalg.tensordot(x, C, axes=1), (2,))],
    np.linalg.cross: [(lambda x: np.linalg.cross(x, A[0]), (3,))],
    np.vecdot: [(lambda x: np.vecdot(x, A), (3, 3))],
    np.linalg.vecdot: [(lambda x: np.linalg.vecdot(A, x), (3,))],
    np.convolve: [(lambda x: np.convolve(x, A[0]), (5,))],
    np.correlate: [(lambda x: np.correlate(A[0], x), (2,))],
    **({np.matvec: [(lambda x: np.matvec(A, x), (3,))], np.vecmat: [(lambda x: np.vecmat(x, A), (3,))]} if hasattr(np, "matvec") else {}),
    np.einsum: [(lambda x: np.einsum("ij,jk,k->i", A, B, x), (3,)), (lambda x: np.einsum("ii", x), (3, 3))],
}  # fmt: skip


def test_every_multilinear_row_has_a_program():
    assert set(rows(Multilinear)) == set(LINEAR)


def each(programs):
    """One case a program, named by its row."""
    cases = [(f, i, case) for f in programs for i, case in enumerate(programs[f])]
    return [pytest.param(*case, id=f"{name_of(f)}-{i}") for f, i, case in cases]


@pytest.mark.parametrize(("program", "shape"), each(LINEAR))
def test_an_affine_program_s_tangent_is_its_difference(program, shape):
    x, v = np.random.default_rng(3).standard_normal((2, *shape))
    if not shape:
        x, v = np.float64(x), np.float64(v)
    # Of an affine function the central difference with step 1 is exact, but for roundings.
    exact = (program(x + v) - program(x - v)) / 2
    value, tangent = jvp(program, x, v)
    assert np.array_equal(value, program(x))
    for answer in (tangent, complex_step(program, x, v)):
        assert answer.shape == exact.shape
        np.testing.assert_allclose(answer, exact, rtol=0, atol=1e-14)


def spd(x):
    return x @ x.T + 3 * np.eye(len(x))


# Programs that are not linear: general and composite rows, quadratic uses of the bilinear ones, methods.
SMOOTH = {
    np.linalg.inv: [(lambda x: np.linalg.inv(spd(x)), (3, 3))],
    np.linalg.det: [(lambda x: np.linalg.det(x), (3, 3)), (np.linalg.det, (2, 3, 3))],
    np.linalg.solve: [(lambda x: np.linalg.solve(spd(x), x[0]), (3, 3)), (lambda x: np.linalg.solve(spd(A), x), (3, 2)),
                      (lambda x: np.linalg.solve(x, A), (3, 3))],
    logabsdet: [(lambda x: logabsdet(x), (3, 3))],
    np.max: [(lambda x: np.max(x, axis=1), (3, 4)), (lambda x: x.max(), (5,)), (lambda x: np.maximum.reduce(x), (4, 2)),
             (lambda x: x.max(axis=(0, 1), keepdims=True), (2, 3))],
    np.amax: [(lambda x: np.amax(x, axis=0), (3, 2))],
    np.amin: [(lambda x: np.amin(x), (3,))],
    np.min: [(lambda x: np.min(x, axis=0, keepdims=True), (3, 4)), (lambda x: x.min(), (2, 2))],
    np.prod: [(np.prod, (4,)), (lambda x: x.prod(axis=1), (2, 3)), (lambda x: np.prod(x, axis=0, keepdims=True), (2, 3)),
              (lambda x: np.multiply.reduce(x * np.array([0.0, 1.0, 2.0])), (3,))],
    np.linalg.slogdet: [(lambda x: np.linalg.slogdet(x).logabsdet, (3, 3))],
    np.real: [(lambda x: np.real(x) * x.real, (3,))],
    np.conj: [(lambda x: np.conj(x) * x, (3,))],
    np.conjugate: [(lambda x: x.conjugate() * x, (3,))],
    np.var: [(lambda x: np.var(x, axis=1, ddof=1), (3, 4)), (lambda x: x.var(keepdims=True), (4,))],
    np.std: [(lambda x: x.std(axis=0), (3, 4)), (np.std, (2, 3))],
    np.linalg.norm: [(np.linalg.norm, (4,)), (lambda x: np.linalg.norm(x, axis=1), (3, 4)), (np.linalg.norm, (3, 3)),
                     (lambda x: np.linalg.norm(x, 1), (4,)), (lambda x: np.linalg.norm(x, np.inf), (4,)),
                     (lambda x: np.linalg.norm(x, 3), (4,)), (lambda x: np.linalg.norm(x, -np.inf, axis=0), (3, 2))],
    np.linalg.vector_norm: [(lambda x: np.linalg.vector_norm(x), (4,))],
    np.linalg.matrix_norm: [(lambda x: np.linalg.matrix_norm(x), (3, 2))],
    np.clip: [(lambda x: np.clip(x, -0.5, 0.5), (6,)), (lambda x: x.clip(min=0.1), (5,)), (lambda x: np.clip(A, x, None), (3,))],
    np.sort: [(lambda x: np.sort(x, axis=0), (4, 2)), (lambda x: np.sort(x, axis=None), (2, 2))],
    np.median: [(np.median, (4,)), (lambda x: np.median(x, axis=1), (2, 5)), (lambda x: np.median(x, keepdims=True), (3, 2))],
    np.ptp: [(np.ptp, (5,))],
    np.average: [(lambda x: np.average(x, weights=x**2), (4,)), (lambda x: np.average(x, axis=0), (3, 2))],
    np.polyval: [(lambda x: np.polyval(x, 0.7), (4,)), (lambda x: np.polyval([1.0, -2.0, 3.0], x), (3,))],
    np.split: [(lambda x: np.split(x, 2)[1] ** 2, (4, 2))],
    np.array_split: [(lambda x: np.array_split(x, [1, 2], axis=1)[2] ** 2, (2, 5))],
    np.broadcast_arrays: [(lambda x: np.multiply(*np.broadcast_arrays(x, x[:1])), (3, 2))],
    np.full_like: [(lambda x: np.full_like(x, 2.0) * x, (3,))],
    np.pad: [(lambda x: np.pad(x, 1) ** 2, (2, 3)), (lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0) ** 2, (2, 2))],
    np.atleast_1d: [(lambda x: np.atleast_1d(x) ** 2, ())],
    np.atleast_2d: [(lambda x: np.atleast_2d(x) ** 2, (3,)), (lambda x: np.atleast_2d(x) ** 2, (2, 2))],
    np.append: [(lambda x: np.append(x, x**2), (2, 2)), (lambda x: np.append(x, A, axis=1) ** 2, (3, 2))],
    np.trapezoid: [(lambda x: np.trapezoid(x, x**3), (5,)), (lambda x: np.trapezoid(x**2, dx=0.5, axis=0), (4, 2))],
    np.linalg.matrix_power: [(lambda x: np.linalg.matrix_power(x, 3), (3, 3)), (lambda x: np.linalg.matrix_power(spd(x), -2), (2, 2)),
                             (lambda x: np.linalg.matrix_power(x, 0) * x, (2, 2))],
    np.select: [(lambda x: np.select([A[0] > 0, A[0] > -1], [x, x**2], 3.0), (3,))],
    np.linalg.multi_dot: [(lambda x: np.linalg.multi_dot([x, A, x]), (3, 3))],
}  # fmt: skip


def test_every_general_and_composite_row_has_a_program():
    assert set(rows((General, Composite))) == set(SMOOTH)


@pytest.mark.parametrize(("program", "shape"), each(SMOOTH))
def test_a_program_s_tangent_agrees_with_differences(program, shape):
    x, v = np.random.default_rng(4).standard_normal((2, *shape))
    x, v = x[()], v[()]
    h = 2.0**-13  # Richardson's extrapolation of central differences: error h**4, roundings 2**-53 / h

    def central(h):
        return (program(x + h * v) - program(x - h * v)) / (2 * h)

    exact = (4 * central(h) - central(2 * h)) / 3
    value, tangent = jvp(program, x, v)
    np.testing.assert_allclose(value, program(x), rtol=1e-14, atol=1e-15)
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


REFUSED = [
    (np.sinc, "np.sinc", "np.sin"),
    (np.fft.fft, "np.fft.fft", "add a rule"),
    (lambda x: np.linalg.eigh(np.outer(x, x)), "np.linalg.eigh", "add a rule"),
    (np.cumprod, "np.cumprod", "np.cumsum"),
    (lambda x: np.linalg.norm(np.outer(x, x), 2), "np.linalg.norm", "fro"),
    (lambda x: np.pad(x, 1, mode="edge"), "np.pad", "constant"),
    (lambda x: np.average(np.outer(x, x), axis=0, weights=x), "np.average", "broadcast"),
    (lambda x: np.sum(x, out=np.zeros(())), "np.sum", "leave it out"),
    (lambda x: np.sum(x, dtype=np.float32), "np.sum", "leave it out"),
    (lambda x: np.sum(x, initial=1.0), "np.sum", "leave it out"),
    (lambda x: np.exp(x, where=np.array([True, False, True])), "np.exp", "leave it out"),
    (lambda x: np.max(x, where=np.array([True, False, True]), initial=0.0), "np.max", "leave it out"),
    (lambda x: np.exp(x, out=np.zeros(3)), "np.exp", "np.where"),
    (lambda x: np.sum(a=x), "np.sum", "position"),
    (lambda x: np.where(x), "np.where", "position"),
    (lambda x: np.add.at(x, 0, 1.0), "np.add.at", "np.stack"),
    (lambda x: divmod(x, 2.0), "np.divmod", "add a rule"),
    (lambda x: float(x[0]), "float", "np.stack"),
    (lambda x: int(x[0]), "int", "np.trunc"),
    (lambda x: complex(x[0]), "complex", "np.stack"),
    (lambda x: [1, 2][x[0]], "index", "integer"),
    (lambda x: x.item(), "item", "x[i, j]"),
    (lambda x: x.tolist(), "tolist", "np.stack"),
    (lambda x: x.view(np.float32), "view", "np.stack"),
    (lambda x: x.astype(np.float32), "astype", "cast theta"),
    (np.asarray, "np.asarray", "np.stack"),
    (lambda x: np.array([x[0], x[1]]), "np.asarray", "np.stack"),
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
        return np.sinc(y)

    with pytest.raises(UnsupportedError, match=r"in program, line \d+: `return np.sinc\(y\)`"):
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


SHAPES_OF_CALL = {
    "f(x)": lambda f, x: f(x),
    "f(x, x*x)": lambda f, x: f(x, x * x),
    "f(x, 0.7)": lambda f, x: f(x, 0.7),
    "f(c, x)": lambda f, x: f(np.full(np.shape(x), 0.7)[()], x),
    "f(x, axis=0)": lambda f, x: f(x, axis=0),
    "f(x, 1)": lambda f, x: f(x, 1),
    "f([x, x*x])": lambda f, x: f([x, x * x]),
    "f(x > c, x, 1)": lambda f, x: f(x > 0.5, x, 1.0),
    "f(x, c, x)": lambda f, x: f(x, np.full(np.shape(x), 0.7)[()], x),
}
# Functions of files and settings, those that change their argument, and one whose values are left to chance.
NOT_A_PROGRAM = {"save", "savetxt", "savez", "savez_compressed", "load", "fromfile", "info", "show_config"}
NOT_A_PROGRAM |= {"show_runtime", "set_printoptions", "seterr", "seterrcall", "setbufsize", "test", "empty_like"}
NOT_A_PROGRAM |= {"put", "place", "copyto", "putmask", "fill_diagonal", "put_along_axis", "from_dlpack", "frombuffer"}


def public_functions():
    for module in (np, np.linalg, np.fft):
        for name in sorted(set(dir(module)) - NOT_A_PROGRAM):
            f = getattr(module, name)
            if not name.startswith("_") and callable(f) and not isinstance(f, type):
                yield pytest.param(f, id=f"{module.__name__}.{name}")


def extrapolated_difference(program, x, v):
    """df(x)[v] by differences, or None where the program does not run on plain floats or gives no floats."""

    def central(h):
        up, down = (np.asarray(program(x + t * v)) for t in (h, -h))
        return (up - down) / (2 * h) if up.dtype.kind == down.dtype.kind == "f" else None

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return (4 * central(2.0**-14) - central(2.0**-13)) / 3
        except Exception:
            return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", list(public_functions()))
def test_every_public_function_of_numpy_is_right_or_refused(f):
    rng = np.random.default_rng(7)
    for shape in ((), (4,), (3, 3)):
        # Differences of an inverse lose digits with its condition number.
        x, v = rng.uniform(0.2, 0.9, shape)[()], rng.standard_normal(shape)[()]
        x = x + 0.1 * np.eye(3) if shape == (3, 3) else x
        for call, with_arguments in SHAPES_OF_CALL.items():

            def program(x, with_arguments=with_arguments):
                return with_arguments(f, x)

            exact = extrapolated_difference(program, x, v)
            if exact is None or not np.all(np.isfinite(exact)):
                continue
            for route in (lambda f, x, v: jvp(f, x, v)[1], complex_step):
                try:
                    answer = route(program, x, v)
                except (TypeError, FloatingPointError, ValueError):
                    continue
                assert np.shape(answer) == np.shape(exact), call
                np.testing.assert_allclose(answer, exact, rtol=1e-7, atol=1e-7, err_msg=call)
