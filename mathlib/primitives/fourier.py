"""Rows of the table: Fourier transforms of real arrays, and the pair of real arrays that stands for a complex one.

A transform is linear in the real and in the imaginary part, and its transpose is the inverse transform with the other
scale (`SWAPPED`), so that two real rows, each the other's transpose, serve them all.
"""

import operator

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from mathlib.arithmetic import (
    KEEP,
    LOSES,
    REBUILD,
    STORE,
    Number,
    Several,
    composite,
    has_rules,
    multilinear,
    primitive,
    refuse_rules,
    unsupported,
)

SWAPPED = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


@primitive
def rfft_parts(x, n, axis, norm):
    """The real and the imaginary part of `np.fft.rfft`, stacked; the axis is counted from the end."""
    y = np.fft.rfft(x, n, axis, norm)
    return np.stack([y.real, y.imag])


@primitive
def irfft_parts(z, n, axis, norm):
    """`np.fft.irfft` of stacked parts."""
    return np.fft.irfft(z[0] + 1j * z[1], n, axis, norm)


@primitive
def fft_parts(z, n, axis, norm, inverse):
    """The parts of `np.fft.fft`, or of its inverse, of stacked parts."""
    y = (np.fft.ifft if inverse else np.fft.fft)(z[0] + 1j * z[1], n, axis, norm)
    return np.stack([y.real, y.imag])


def resized(x, n, axis):
    """The array with n numbers along the axis: cut, or with zeros behind it, as a transform takes it."""
    before = n - x.shape[axis]
    if before > 0:
        zeros = np.zeros([before if i == x.ndim + axis else k for i, k in enumerate(x.shape)], x.dtype)
        return np.concatenate([x, zeros], axis)
    return x[(..., slice(n), *(slice(None),) * (-1 - axis))]


def doubled(z, n, axis, factor):
    """A spectrum of n real numbers times a factor at the frequencies that stand for their negatives, too."""
    k = np.arange(n // 2 + 1)
    weights = np.where((k == 0) | (2 * k == n), 1, factor).astype(z.dtype)
    return z * np.reshape(weights, (-1,) + (1,) * (-1 - axis))


multilinear(
    rfft_parts,
    transposes=(
        lambda g, x, n, axis, norm: resized(
            irfft_parts(doubled(g, n, axis, 0.5), n, axis, SWAPPED[norm]), x.shape[axis], axis
        ),
    ),
)
multilinear(
    irfft_parts,
    transposes=(
        lambda g, z, n, axis, norm: resized(
            doubled(rfft_parts(g, n, axis, SWAPPED[norm]), n, axis, 2), z.shape[axis], axis
        ),
    ),
)
multilinear(
    fft_parts,
    transposes=(
        lambda g, z, n, axis, norm, inverse: resized(
            fft_parts(g, n, axis, SWAPPED[norm], not inverse), z.shape[axis], axis
        ),
    ),
)


# -------------------------------------------------------------------------------------- the pair


class Pair(Several, NDArrayOperatorsMixin):
    """The real and the imaginary part of a complex array, as two real ones: what a Fourier transform gives.

    It has the sums, products and quotients of complex arrays, `abs`, `conj`, `np.angle`, indexing and what moves
    elements; every other function refuses it.

    >>> from mathlib import grad
    >>> grad(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2))(np.array([1.0, 2.0, 0.0]))
    array([6., 9., 3.])
    """

    __slots__ = ("parts",)

    def __init__(self, real, imag):
        self.parts = real, imag

    real = property(lambda self: self.parts[0])
    imag = property(lambda self: self.parts[1])
    shape = property(operator.attrgetter("real.shape"))
    ndim = property(operator.attrgetter("real.ndim"))
    size = property(operator.attrgetter("real.size"))
    dtype = property(lambda self: np.result_type(self.real.dtype, np.complex64))
    T = property(lambda self: np.transpose(self))

    def __len__(self):
        return len(self.real)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        return Pair(self.real[key], self.imag[key])

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if "out" in kwargs:
            raise unsupported(ufunc, self.parts, STORE, REBUILD)
        if method != "__call__" or kwargs:
            refuse_pair(ufunc, args)
        return self.__array_function__(ufunc, (), args, {})

    def __array_function__(self, function, types, args, kwargs):
        if (program := PROGRAMS.get(function)) is None:
            refuse_pair(function, args)
        for a in args:
            if not isinstance(a, (Number, Pair)) and has_rules(a):
                refuse_rules(function, self.parts, a)
        return program(*args, **kwargs)

    def conj(self):
        """See `np.conj`."""
        return np.conj(self)

    def sum(self, *args, **options):
        """See `np.sum`."""
        return np.sum(self, *args, **options)

    def mean(self, *args, **options):
        """See `np.mean`."""
        return np.mean(self, *args, **options)

    def reshape(self, *shape):
        """See `np.reshape`."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def __array__(self, *args, **options):
        raise unsupported("np.asarray", self.parts, LOSES, KEEP)

    def __setitem__(self, key, value):
        raise unsupported("x[i] = ...", self.parts, STORE, REBUILD)

    def __bool__(self):
        raise unsupported("bool", self.parts, "a complex number is not ordered", "compare its np.abs")

    conjugate = conj
    __hash__ = None

    def __repr__(self):
        return f"Pair({self.real!r}, {self.imag!r})"


def refuse_pair(function, args):
    """Refuse what a pair has not."""
    numbers = [part for a in args if isinstance(a, Pair) for part in a.parts]
    reason = "it has no rule for the pair of real arrays that stands for a complex one"
    raise unsupported(function, numbers, reason, "calculate with its .real and .imag")


def pair(a):
    """The pair that stands for a, a complex or a real array of any arithmetic."""
    if isinstance(a, Pair) or type(a) in (int, float, complex):
        return a
    a = a if isinstance(a, Number) else np.asarray(a)
    return Pair(a, np.zeros_like(a)) if is_real(a) else Pair(a.real, a.imag)


def is_real(a):
    """Whether a is a real array, neither a pair nor complex."""
    return isinstance(a, Number) or (not isinstance(a, Pair) and np.asarray(a).dtype.kind != "c")


def modulus(z):
    """The modulus; at 0, its kink, it has the derivative 0."""
    zero = (z.real == 0) & (z.imag == 0)
    return np.where(zero, 0, np.hypot(np.where(zero, 1, z.real), z.imag))


def both(function):
    """The program of a function that is linear, on each part of one pair or of several."""

    def program(*args, **kwargs):
        pairs = [pair(a) for a in args]
        return Pair(*(function(*(getattr(a, part) for a in pairs), **kwargs) for part in ("real", "imag")))

    return program


def on_parts(function):
    """The program of a function that is linear in its first argument: it runs on each part."""
    return lambda a, *args, **kwargs: Pair(*(function(part, *args, **kwargs) for part in a.parts))


def on_axes(function):
    """The program of a reduction: its other options are not linear, or not those of complex arrays."""
    return lambda a, axis=None, *, keepdims=False: Pair(*(function(part, axis, keepdims=keepdims) for part in a.parts))


def on_lists(function):
    """The program of a function that joins arrays."""

    def program(arrays, *args, **kwargs):
        pairs = [pair(a) for a in arrays]
        parts = [a.real for a in pairs], [a.imag for a in pairs]
        return Pair(*(function(part, *args, **kwargs) for part in parts))

    return program


def bilinear(function):
    """The program of a product."""

    def program(a, b):
        if is_real(b):
            return Pair(function(a.real, b), function(a.imag, b))
        if is_real(a):
            return Pair(function(a, b.real), function(a, b.imag))
        a, b = pair(a), pair(b)
        real = function(a.real, b.real) - function(a.imag, b.imag)
        return Pair(real, function(a.real, b.imag) + function(a.imag, b.real))

    return program


def quotient(a, b):
    if is_real(b):
        return Pair(a.real / b, a.imag / b)
    b = pair(b)
    size = np.hypot(b.real, b.imag)
    return a * Pair(b.real / size, -(b.imag / size)) / size


def power(a, p):
    if type(p) is not int or p < 1:
        refuse_pair(np.power, [a, p])
    return a if p == 1 else a * power(a, p - 1)


def angle(z, deg=False):
    y = np.arctan2(z.imag, z.real)
    return np.rad2deg(y) if deg else y


PROGRAMS = {
    **{f: both(f) for f in (np.add, np.subtract, np.negative, np.positive)},
    **{f: bilinear(f) for f in (np.multiply, np.matmul)},
    **{f: on_lists(f) for f in (np.concatenate, np.stack)},
    **{f: on_axes(f) for f in (np.sum, np.mean)},
    **{f: on_parts(f) for f in (np.cumsum, np.copy, np.take, np.roll, np.flip, np.broadcast_to, np.reshape)},
    **{f: on_parts(f) for f in (np.ravel, np.squeeze, np.expand_dims)},
    **{f: on_parts(f) for f in (np.transpose, np.swapaxes, np.moveaxis, np.fft.fftshift, np.fft.ifftshift)},
    np.where: lambda condition, a, b: both(lambda a, b: np.where(condition, a, b))(a, b),
    np.divide: quotient,
    np.power: power,
    np.square: lambda z: z * z,
    np.absolute: modulus,
    np.angle: angle,
    np.conjugate: lambda z: Pair(z.real, -z.imag),
    np.real: lambda z: z.real,
    np.imag: lambda z: z.imag,
    np.shape: lambda z: z.shape,
    np.ndim: lambda z: z.ndim,
    np.size: lambda z: z.size,
    np.iscomplexobj: lambda z: True,
    np.isrealobj: lambda z: False,
    np.vdot: lambda a, b: np.sum(np.conj(np.ravel(pair(a))) * np.ravel(pair(b))),
}


# ------------------------------------------------------------------------------ the transforms


def transform(*functions):
    """Decorate a program of a real array or a pair."""

    def add(program):
        PROGRAMS.update(dict.fromkeys(functions, program))
        return composite(*functions)(program)

    return add


def parts_and_axis(a, axis):
    """The parts of a pair or a real array, stacked, and the axis from their end."""
    z = pair(a)
    return np.stack(np.broadcast_arrays(z.real, z.imag)), axis - z.ndim if axis >= 0 else axis


@composite(np.fft.rfft)
def rfft(a, /, n=None, axis=-1, norm=None):
    return Pair(*rfft_parts(a, a.shape[axis] if n is None else n, axis - a.ndim if axis >= 0 else axis, norm))


@transform(np.fft.irfft)
def irfft(a, /, n=None, axis=-1, norm=None):
    z, axis = parts_and_axis(a, axis)
    return irfft_parts(z, 2 * (z.shape[axis] - 1) if n is None else n, axis, norm)


def complex_transform(inverse):
    """The program of `np.fft.fft`, or of its inverse."""

    def program(a, /, n=None, axis=-1, norm=None):
        z, axis = parts_and_axis(a, axis)
        return Pair(*fft_parts(z, z.shape[axis] if n is None else n, axis, norm, inverse))

    return program


transform(np.fft.fft)(complex_transform(inverse=False))
transform(np.fft.ifft)(complex_transform(inverse=True))


@transform(np.fft.hfft)
def hfft(a, /, n=None, axis=-1, norm=None):
    return np.fft.irfft(np.conj(a), n, axis, SWAPPED.get(norm, norm))


@composite(np.fft.ihfft)
def ihfft(a, /, n=None, axis=-1, norm=None):
    return np.conj(np.fft.rfft(a, n, axis, SWAPPED.get(norm, norm)))


def over_axes(first, others, last, axes):
    """The program of a transform along several axes: of `first` along the last one, or in the end of `last`."""

    def program(a, /, s=None, axes=axes, norm=None):
        if axes is None:
            axes = range(a.ndim) if s is None else range(-len(s), 0)
        s = [None] * len(axes) if s is None else [a.shape[i] if n == -1 else n for n, i in zip(s, axes, strict=True)]
        *before, (n, axis) = zip(s, axes, strict=True)
        a = first(a, n, axis, norm) if first else a
        for k, i in before:
            a = others(a, k, i, norm)
        return last(a, n, axis, norm) if last else a

    return program


fft, ifft = np.fft.fft, np.fft.ifft
for axes, name in (((-2, -1), "2"), (None, "n")):
    composite(getattr(np.fft, f"rfft{name}"))(over_axes(np.fft.rfft, fft, None, axes))
    transform(getattr(np.fft, f"irfft{name}"))(over_axes(None, ifft, np.fft.irfft, axes))
    transform(getattr(np.fft, f"fft{name}"))(over_axes(fft, fft, None, axes))
    transform(getattr(np.fft, f"ifft{name}"))(over_axes(ifft, ifft, None, axes))


@composite(np.fft.fftshift)
def fftshift(x, /, axes=None):
    axes = np.atleast_1d(range(x.ndim) if axes is None else axes).tolist()
    return np.roll(x, [x.shape[i] // 2 for i in axes], axes)


@composite(np.fft.ifftshift)
def ifftshift(x, /, axes=None):
    axes = np.atleast_1d(range(x.ndim) if axes is None else axes).tolist()
    return np.roll(x, [-(x.shape[i] // 2) for i in axes], axes)
