"""Fourier transforms of real arrays, held to the plain complex program, and the pair that stands for its result."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import NonAnalyticError, UnsupportedError, check_grad, complex_step, grad, hessian, hvp, jvp, vjp
from mathlib.arithmetic import name_of
from mathlib.primitives.fourier import Pair

rng = np.random.default_rng(3)
NORMS = [None, "backward", "ortho", "forward"]
FILTER = rng.standard_normal(5) + 1j * rng.standard_normal(5)


def linear_map(function, shape):
    """The matrix of a linear program, a column a unit vector: of the plain complex program, parts stacked."""
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([flat(function(u)) for u in units], -1)


def flat(z):
    return np.concatenate([np.ravel(z.real), np.ravel(z.imag)])


@settings(max_examples=40)
@given(
    name=st.sampled_from(["rfft", "fft", "ifft", "ihfft", "irfft", "hfft"]),
    length=st.integers(1, 9),
    n=st.none() | st.integers(1, 12),
    axis=st.sampled_from([0, 1, -1]),
    norm=st.sampled_from(NORMS),
)
def test_a_transform_of_any_length_is_its_matrix_and_the_pullback_its_transpose(name, length, n, axis, norm):
    shape = (length, 2) if axis == 0 else (2, length)
    if name in ("irfft", "hfft") and n is None and length == 1:
        n = 1

    def transform(x):
        return getattr(np.fft, name)(x, n, axis, norm)

    matrix = linear_map(transform, shape)
    x, v = rng.standard_normal((2, *shape))
    y, pullback = vjp(lambda x: joined(transform(x)), x)
    w = rng.standard_normal(y.shape)
    near = {"rtol": 0, "atol": 1e-13 * length * 12}  # sums of so many terms of size 1
    np.testing.assert_allclose(y, flat(transform(x)), **near)
    np.testing.assert_allclose(pullback(w).ravel(), matrix.T @ w, **near)
    for tangent in (jvp, complex_step):
        answer = tangent(lambda x: joined(transform(x)), x, v)
        np.testing.assert_allclose(answer[1] if tangent is jvp else answer, matrix @ v.ravel(), **near)


def joined(z):
    """The parts in one vector, as `flat` has them; a real result has none that is imaginary."""
    real, imag = (z.real, z.imag) if isinstance(z, Pair) else (z, np.zeros_like(z))
    return np.concatenate([np.ravel(real), np.ravel(imag)])


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [7, 8])
def test_parseval(n, norm):
    x, v = rng.standard_normal((2, n))
    scale = {None: n, "backward": n, "ortho": 1, "forward": 1 / n}[norm]

    def power(x):
        return np.sum(np.abs(np.fft.fft(x, norm=norm)) ** 2)

    np.testing.assert_allclose(grad(power)(x), 2 * scale * x, rtol=1e-13)
    for method in ("dual", "complex_step", "double_backprop"):
        np.testing.assert_allclose(hvp(power, x, v, method), 2 * scale * v, rtol=1e-12)
    np.testing.assert_allclose(hessian(power, x) @ v, 2 * scale * v, rtol=1e-12)


def convolution(x):
    """A circular convolution by the theorem."""
    return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(np.sin(x)), len(x))


# Programs that run on plain complex arrays, too: sums of powers make the second derivative one.
PROGRAMS = {
    "spectral filter": lambda x: np.fft.irfft(FILTER * np.fft.rfft(x)),
    "filter of odd length": lambda x: np.fft.irfft(FILTER[:4] * np.fft.rfft(x[:7]), 7),
    "learned filter": lambda x: np.fft.irfft(x[:5] * np.fft.rfft(x)),
    "convolution": convolution,
    "amplitudes": lambda x: abs(np.fft.rfft(x)),
    "phases": lambda x: np.angle(np.fft.rfft(x)[1:-1]),
    "phases in degrees": lambda x: np.angle(np.fft.fft(x)[1:3], deg=True) / 100,
    "power spectrum": lambda x: (np.fft.rfft(x) * np.conj(np.fft.rfft(x))).real,
    "cross spectrum": lambda x: (np.fft.rfft(x) * np.fft.rfft(x**2).conj()).imag,
    "deconvolution": lambda x: np.fft.irfft(np.fft.rfft(x) / (FILTER + np.fft.rfft(x))),
    "quotient": lambda x: (1j / np.fft.rfft(x)).sum().real,
    "sums": lambda x: (3 - np.fft.rfft(x) + 1j - np.fft.rfft(x) / 2).imag,
    "derivative": lambda x: np.fft.ifft(2j * np.pi * np.fft.fftfreq(8) * np.fft.fft(x)).real,
    "powers": lambda x: (np.fft.rfft(x) ** 3 - np.square(+np.fft.rfft(x))).imag,
    "products": lambda x: (np.outer(FILTER, FILTER) @ np.fft.rfft(x)).real + (np.fft.rfft(x) @ x[:5]).imag,
    "scalar products": lambda x: np.vdot(np.fft.rfft(x), np.fft.rfft(x**2)).imag,
    "elements": lambda x: np.fft.rfft(x)[2].real * np.sum(np.fft.fft(x)[1::2].imag),
    "loop": lambda x: sum(abs(z) for z in np.fft.rfft(x)),
    "joined": lambda x: np.concatenate([np.fft.rfft(x), FILTER, x]).mean().real + np.stack([np.fft.fft(x), x]).imag,
    "chosen": lambda x: np.fft.irfft(np.where(np.arange(5) < 3, np.fft.rfft(x), 0.0)),
    "shapes": lambda x: np.fft.fft(x).reshape(2, 4).T.sum(0).imag + np.real(np.fft.fftshift(np.fft.fft(x)))[:2],
    "two axes": lambda x: np.fft.irfft2(FILTER[:3] * np.fft.rfft2(x.reshape(2, 4)), (2, 4)),
    "all axes": lambda x: np.fft.ifftn(np.fft.fftn(x.reshape(2, 2, 2), norm="ortho") ** 2).real,
    "some axes": lambda x: np.imag(np.fft.rfftn(x.reshape(2, 2, 2), s=(3, 5), axes=(2, 0))),
    "back along axes": lambda x: np.fft.irfftn(np.fft.rfftn(x.reshape(2, 4)) / 2, s=(3, 4), axes=(0, 1)),
    "Hermitian": lambda x: np.fft.hfft(np.fft.ihfft(x) * FILTER, 7),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_complex_arrays(name):
    program = PROGRAMS[name]
    x = rng.standard_normal(8)
    plain = program(x)
    value, tangent = jvp(program, x, x)
    assert np.shape(value) == np.shape(plain)
    np.testing.assert_allclose(value, plain, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(complex_step(program, x, x), tangent, rtol=1e-12, atol=1e-13)
    check_grad(lambda x: np.sum(np.sin(program(x))), x, order=2)


def test_a_modulus_has_the_derivative_0_at_0():
    x = np.ones(6)  # all but one component is 0
    np.testing.assert_allclose(grad(lambda x: np.sum(abs(np.fft.rfft(x)) ** 2))(x), 12.0, rtol=1e-14)
    np.testing.assert_allclose(jvp(lambda x: abs(np.fft.rfft(x)), x, np.arange(6.0))[1], [15, 0, 0, 0], atol=1e-13)


def test_float32_stays_float32():
    x = rng.standard_normal(8).astype(np.float32)

    def loss(x):
        z = 1j * np.fft.rfft(x) + 2
        return np.sum(np.fft.irfft(z * 0.5) ** 2) + np.sum(np.abs(z))

    g = grad(loss)(x)
    assert g.dtype == jvp(loss, x, x)[1].dtype == np.float32
    np.testing.assert_allclose(g, grad(loss)(x.astype(float)), rtol=1e-4, atol=1e-5)


def test_frequencies_of_a_sampling_that_is_differentiated():
    np.testing.assert_allclose(jvp(lambda d: np.fft.fftfreq(5, d), 2.0, 1.0)[1], -np.fft.fftfreq(5) / 4)
    np.testing.assert_allclose(jvp(lambda d: np.fft.rfftfreq(5, d), 2.0, 1.0)[1], -np.fft.rfftfreq(5) / 4)


def test_a_pair_describes_itself():
    def program(x):
        z = np.fft.rfft(x.reshape(2, 4))
        assert z.shape == np.shape(z) == (2, 3)
        assert (
            (z.ndim, z.size, len(z), z.dtype) == (np.ndim(z), np.size(z), 2, np.complex128) == (2, 6, 2, np.complex128)
        )
        assert np.iscomplexobj(z) and not np.isrealobj(z)  # noqa: PT018
        assert repr(z).startswith("Pair(Dual(")
        return z.real

    jvp(program, rng.standard_normal(8), np.ones(8))


def in_place(z):
    z *= 2.0
    return z


def assign(z):
    z[0] = 0.0
    return z


class Series:
    """An operand with rules of its own."""

    def __radd__(self, other):
        return NotImplemented

    def to_numpy(self):
        return np.ones(5)


REFUSED = [
    (np.exp, "np.exp", ".real and .imag"),
    (lambda z: z**0.5, "np.power", ".real and .imag"),
    (lambda z: z**z, "np.power", ".real and .imag"),
    (lambda z: 2.0**z, "np.power", ".real and .imag"),
    (lambda z: z.real**z, "np.power", ".real and .imag"),
    (np.sort, "np.sort", ".real and .imag"),
    (lambda z: z > 0, "np.greater", ".real and .imag"),
    (lambda z: z == z, "np.equal", ".real and .imag"),
    (np.add.reduce, "np.add", ".real and .imag"),
    (np.fft.rfft, "np.fft.rfft", ".real and .imag"),
    (lambda z: np.outer(z.real, z), "np.outer", ".real"),
    (np.asarray, "np.asarray", "NumPy functions"),
    (lambda z: np.add(z, z, out=np.zeros(5, complex)), "np.add", "build a new array"),
    (in_place, "np.multiply", "build a new array"),
    (assign, "x[i] = ...", "build a new array"),
    (lambda z: 1.0 if z else 0.0, "bool", "np.abs"),
    (lambda z: z * Series(), "np.multiply", "a.to_numpy()"),
]


@pytest.mark.parametrize(("program", "name", "instead"), REFUSED)
def test_what_a_pair_has_not_is_refused_by_name(program, name, instead):
    x = rng.standard_normal(8)
    for route, error in ((jvp, UnsupportedError), (complex_step, NonAnalyticError)):
        with pytest.raises(error) as caught:
            route(lambda x: program(np.fft.rfft(x)), x, x)
        message = str(caught.value)
        assert message.startswith(name), message
        assert instead in message.split("Instead: ")[1], message
        assert "line " in message


def test_a_sum_of_pairs_has_no_initial_number():
    with pytest.raises(TypeError, match="initial"):
        jvp(lambda x: np.sum(np.fft.rfft(x), initial=1.0).imag, np.ones(4), np.ones(4))


@pytest.mark.parametrize("convert", [float, complex, hash, operator.index])
def test_a_pair_is_no_number(convert):
    with pytest.raises(TypeError):
        jvp(lambda x: convert(np.fft.rfft(x)[0]), np.ones(4), np.ones(4))


def test_a_loss_is_not_complex():
    with pytest.raises(TypeError, match=r"Instead: return np\.stack\(\[y\.real, y\.imag\]\)"):
        jvp(np.fft.rfft, np.ones(4), np.ones(4))
    with pytest.raises(TypeError, match="one array of real numbers"):
        grad(lambda x: np.fft.fft(x)[0])(np.ones(4))


@pytest.mark.parametrize("function", [np.fft.rfft, np.fft.irfft, np.fft.fft, np.fft.hfft], ids=name_of)
def test_a_wrong_norm_or_length_is_numpy_s_error(function):
    for options in ({"norm": "wrong"}, {"n": 0}):
        with pytest.raises(ValueError, match=r"norm|Invalid number"):
            jvp(lambda x, options=options: function(x, **options).real, np.ones(4), np.ones(4))
    with pytest.raises(UnsupportedError, match="out= is not differentiated"):
        jvp(lambda x: function(x, out=np.zeros(4, complex)), np.ones(4), np.ones(4))
