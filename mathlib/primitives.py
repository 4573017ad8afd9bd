"""The one table of derivative rules, and the dispatch that every arithmetic shares.

A loss is a plain NumPy program. Run on a `Number` (a dual number, a guarded complex number) instead of a
`float64` array, each NumPy call in it arrives here, through NumPy's own protocols (`__array_ufunc__`,
`__array_function__`), and is looked up in ``TABLE``. A row is of one of five kinds:

elementwise
    partial derivatives, one an argument: functions of the result y and the arguments, or plain numbers
multilinear
    no rule at all: its tangent is the function itself, one argument at a time
general
    a rule for its tangent
composite
    no rule either: a program of the other rows
discrete
    no derivative: comparisons, `argmax`, `sign`, shapes; it sees real values and returns plain arrays

The rules are written in NumPy calls, so they run on Numbers again: that is what nesting is.
Products are bilinear: no rule has a conjugate in it.
"""

import itertools
import linecache
import math
import operator
import sys
from pathlib import Path

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

INSIDE = (str(Path(__file__).parent), str(Path(np.__file__).parent))


class UnsupportedError(TypeError):
    """An operation with no derivative rule, or one that would lose the derivative in silence."""


class NonAnalyticError(UnsupportedError):
    """An operation that has no meaning on the complex numbers that stand for reals."""


class EscapedError(RuntimeError):
    """A Number used after the differentiation that made it had ended."""


def caller():
    """Say where in the user's program the current operation stands: "in f, line 3: `return np.abs(z)`"."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(INSIDE):
        frame = frame.f_back
    name, line, file = frame.f_code.co_name, frame.f_lineno, frame.f_code.co_filename
    code = linecache.getline(file, line).strip()
    return f"in {name}, line {line}" + (f": `{code}`" if code else "")


def name_of(function):
    """The name a reader would write: "np.linalg.solve"."""
    module = getattr(function, "__module__", None) or "numpy"
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", repr(function))
    return name if module in ("_operator", "builtins") else f"{module.replace('numpy', 'np', 1)}.{name}"


# ---------------------------------------------------------------------------------------------- rows


class Rule:
    """One row of the table: a function, and which of its positional arguments are arrays.

    `slots` is the slice of positional arguments that are differentiated; with `listed`, they come as one
    list in the first argument, as `np.concatenate` takes them.
    """

    refused = frozenset({"out", "dtype", "casting", "initial", "order", "subok"})

    def __init__(self, function, slots=slice(0, 1), listed=False):
        self.function, self.slots, self.listed = function, slots, listed

    def arrays(self, args):
        """The differentiated arguments, in order."""
        return tuple(args[0]) if self.listed else args[self.slots]

    def rest(self, args):
        """The other positional arguments."""
        if self.listed:
            return args[1:]
        start = self.slots.start or 0
        return args[:start] + args[start + len(self.arrays(args)) :]

    def evaluate(self, args, kwargs, arrays):
        """Call the function with `arrays` in the places of its differentiated arguments."""
        if self.listed:
            return self.function(list(arrays), *args[1:], **kwargs)
        start = self.slots.start or 0
        return self.function(*args[:start], *arrays, *args[start + len(arrays) :], **kwargs)

    def push(self, args, kwargs, values, tangents):
        """The value and its tangent at `values` along `tangents` (None: a constant)."""
        y = self.evaluate(args, kwargs, values)
        return y, self.tangent(args, kwargs, y, values, tangents)

    def __call__(self, args, kwargs):
        """Run the row on the highest arithmetic among its arguments: the innermost differentiation."""
        arrays = self.arrays(args)
        numbers = [a for a in arrays if isinstance(a, Number)]
        stray = [a for a in (*self.rest(args), *kwargs.values()) if isinstance(a, Number)]
        if stray or not numbers:
            raise unsupported(
                self.function,
                stray or args,
                "a differentiated number stands where the rule takes a constant",
                "pass arrays by position, constants as plain arrays",
            )
        if bad := [k for k, v in kwargs.items() if k in self.refused and v is not None]:
            raise unsupported(self.function, numbers, f"the argument {bad[0]}= is not differentiated", "leave it out")
        for a in arrays:
            if isinstance(a, Number):
                a.run.check()
            elif np.iscomplexobj(a):
                raise unsupported(
                    self.function,
                    numbers,
                    "a complex number meets one that stands for a real",
                    "calculate with the real and the imaginary part, as two real arrays",
                )
        top = max(numbers, key=lambda a: a.run.level)
        return top.apply(self, args, kwargs, arrays)


class Elementwise(Rule):
    """A ufunc with a partial derivative for each argument.

    `radius` serves complex step: within 2**-27 of it, an imaginary part's square is below the last bit of the
    real part, and NumPy's own complex version is used; beyond (at a singularity, or for None, where NumPy's
    complex version is missing or inaccurate) the real function and the partials are.
    """

    refused = Rule.refused | {"where"}

    def __init__(self, function, *partials, radius=1.0):
        super().__init__(function, slice(None))
        self.partials = partials
        self.radius = radius if isinstance(radius, tuple) else (radius,) * len(partials)

    def tangent(self, args, kwargs, y, values, tangents):
        dy = None
        for p, t in zip(self.partials, tangents, strict=True):
            if t is not None:
                term = (p(y, *values) if callable(p) else p) * t
                dy = term if dy is None else dy + term
        dy = dy if np.shape(dy) == np.shape(y) else np.broadcast_to(dy, np.shape(y))
        return dy if dy.dtype == y.dtype else dy.astype(y.dtype)


class Multilinear(Rule):
    """A function that is linear in each of its arrays; `joint`: in all of them together."""

    def __init__(self, function, slots=slice(0, 1), listed=False, joint=False):
        super().__init__(function, slots, listed)
        self.joint = joint or listed

    def tangent(self, args, kwargs, y, values, tangents):
        if self.joint:
            zeros = (np.zeros_like(v) if t is None else t for v, t in zip(values, tangents, strict=True))
            return self.evaluate(args, kwargs, tuple(zeros))
        terms = [
            self.evaluate(args, kwargs, (*values[:i], t, *values[i + 1 :]))
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return sum(terms[1:], start=terms[0])


class General(Rule):
    """A function with a rule of its own: ``rule(y, *values, *tangents, *other arguments)`` is the tangent of y."""

    refused = Rule.refused | {"where"}

    def __init__(self, function, rule, slots=slice(0, 1)):
        super().__init__(function, slots)
        self.rule = rule

    def tangent(self, args, kwargs, y, values, tangents):
        return self.rule(y, *values, *tangents, *self.rest(args), **kwargs)


class Composite:
    """A function written as a program of other rows."""

    def __init__(self, program):
        self.program = program

    def __call__(self, args, kwargs):
        if kwargs.pop("out", None) is not None:
            raise unsupported(self.program, args, "the argument out= is not differentiated", "leave it out")
        return self.program(*args, **kwargs)


class Discrete:
    """A function whose result carries no derivative: it sees the real values."""

    def __init__(self, function):
        self.function = function

    def __call__(self, args, kwargs):
        return self.function(*map(real_value, args), **{k: real_value(v) for k, v in kwargs.items()})


def real_value(x):
    """The plain real array that x stands for, at any depth of nesting; also inside lists and tuples."""
    while isinstance(x, Number):
        x.run.check()
        x = x.primal
    return type(x)(map(real_value, x)) if type(x) in (list, tuple) else x


# ----------------------------------------------------------------------------------------- the table

TABLE = {}


def elementwise(function, *partials, radius=1.0):
    """Add a ufunc to the table, with one partial derivative an argument.

    Each partial is a function of the result y and the arguments, or a plain number. ``radius`` says where complex
    step can use NumPy's own complex version (see `Elementwise`); with None it uses the partials.

    >>> from mathlib import jvp
    >>> elementwise(np.spacing, 0.0, radius=None)
    >>> jvp(lambda x: x + np.spacing(x), 1.0, 1.0)[1]
    np.float64(1.0)
    >>> del TABLE[np.spacing]
    """
    TABLE[function] = Elementwise(function, *partials, radius=radius)


def multilinear(*functions, slots=slice(0, 1), listed=False, joint=False):
    """Add functions that are linear in each array argument: they need no rule."""
    for function in functions:
        TABLE[function] = Multilinear(function, slots, listed, joint)


def general(function, rule, slots=slice(0, 1)):
    """Add a function with a rule: from y, the arrays and their tangents to the tangent of y."""
    TABLE[function] = General(function, rule, slots)


def composite(*functions):
    """Decorate the program, of other rows, that stands for `functions`."""

    def add(program):
        TABLE.update(dict.fromkeys(functions, Composite(program)))
        return program

    return add


def discrete(*functions):
    """Add functions without a derivative: they see real values and return plain arrays."""
    for function in functions:
        TABLE[function] = Discrete(function)


LN2, LN10 = math.log(2.0), math.log(10.0)
INF = math.inf

elementwise(np.add, 1, 1, radius=INF)
elementwise(np.subtract, 1, -1, radius=INF)
elementwise(np.negative, -1, radius=INF)
elementwise(np.positive, 1, radius=INF)
elementwise(np.multiply, lambda y, a, b: b, lambda y, a, b: a, radius=(lambda a, b: abs(a), lambda a, b: abs(b)))
elementwise(np.divide, lambda y, a, b: 1 / b, lambda y, a, b: -y / b, radius=(INF, lambda a, b: abs(b)))
elementwise(np.reciprocal, lambda y, x: -y * y, radius=lambda x: abs(x))
elementwise(np.square, lambda y, x: 2 * x, radius=lambda x: abs(x))
# Where p = 0 the exponent p - 1 is taken as 0, as p * x**-1 would be 0 * inf at x = 0; likewise 0**p in p.
# NumPy's complex power loses digits (p log x of them), so complex step uses these partials.
for power in (np.power, np.float_power, operator.pow):
    elementwise(
        power,
        lambda y, x, p: p * x ** (p - 1 + (p == 0)),
        lambda y, x, p: y * np.log(x + (y == 0)),
        radius=None,
    )
elementwise(np.sqrt, lambda y, x: 0.5 / y, radius=lambda x: x)
elementwise(np.cbrt, lambda y, x: 1 / (3 * y * y), radius=None)
elementwise(np.exp, lambda y, x: y)
elementwise(np.exp2, lambda y, x: LN2 * y, radius=None)
elementwise(np.expm1, lambda y, x: np.exp(x))
elementwise(np.log, lambda y, x: 1 / x, radius=lambda x: x)
elementwise(np.log2, lambda y, x: 1 / (LN2 * x), radius=None)
elementwise(np.log10, lambda y, x: 1 / (LN10 * x), radius=None)
elementwise(np.log1p, lambda y, x: 1 / (1 + x), radius=None)
elementwise(np.logaddexp, lambda y, a, b: np.exp(a - y), lambda y, a, b: np.exp(b - y), radius=None)
elementwise(np.logaddexp2, lambda y, a, b: np.exp2(a - y), lambda y, a, b: np.exp2(b - y), radius=None)
elementwise(np.sin, lambda y, x: np.cos(x))
elementwise(np.cos, lambda y, x: -np.sin(x))
elementwise(np.tan, lambda y, x: 1 + y * y, radius=lambda x: abs(np.cos(x)))
elementwise(np.arcsin, lambda y, x: 1 / np.sqrt((1 - x) * (1 + x)), radius=lambda x: 1 - abs(x))
elementwise(np.arccos, lambda y, x: -1 / np.sqrt((1 - x) * (1 + x)), radius=lambda x: 1 - abs(x))
elementwise(np.arctan, lambda y, x: 1 / (1 + x * x))
elementwise(np.arctan2, lambda y, a, b: b / (a * a + b * b), lambda y, a, b: -a / (a * a + b * b), radius=None)
elementwise(np.hypot, lambda y, a, b: a / y, lambda y, a, b: b / y, radius=None)
elementwise(np.sinh, lambda y, x: np.cosh(x))
elementwise(np.cosh, lambda y, x: np.sinh(x))
# 1 - y**2 would lose every digit where tanh saturates.
elementwise(np.tanh, lambda y, x: 1 / np.square(np.cosh(x)))
elementwise(np.arcsinh, lambda y, x: 1 / np.sqrt(1 + x * x))
elementwise(np.arccosh, lambda y, x: 1 / np.sqrt((x - 1) * (x + 1)), radius=lambda x: x - 1)
elementwise(np.arctanh, lambda y, x: 1 / ((1 - x) * (1 + x)), radius=lambda x: 1 - abs(x))
for degrees_to_radians in (np.deg2rad, np.radians):
    elementwise(degrees_to_radians, math.pi / 180, radius=None)
for radians_to_degrees in (np.rad2deg, np.degrees):
    elementwise(radians_to_degrees, 180 / math.pi, radius=None)

# Kinks: |x|' = 0 at 0; where two arguments tie, each has half the derivative.
for absolute in (np.absolute, np.fabs):
    elementwise(absolute, lambda y, x: np.sign(x), radius=None)
for largest in (np.maximum, np.fmax):
    elementwise(largest, lambda y, a, b: share(a > b, a == b), lambda y, a, b: share(b > a, a == b), radius=None)
for smallest in (np.minimum, np.fmin):
    elementwise(smallest, lambda y, a, b: share(a < b, a == b), lambda y, a, b: share(b < a, a == b), radius=None)
elementwise(np.copysign, lambda y, a, s: np.sign(a) * np.copysign(1, s), 0, radius=None)
elementwise(np.remainder, 1, lambda y, a, b: -np.floor(a / b), radius=None)
elementwise(np.fmod, 1, lambda y, a, b: -np.trunc(a / b), radius=None)


def share(wins, ties):
    """1 where an argument wins, a half where it ties, else 0; as float16, so that float32 stays float32."""
    return wins.astype(np.float16) + ties * np.float16(0.5)


multilinear(np.sum, np.mean, np.cumsum, np.trace, np.diagonal, np.diag, np.diff, np.tril, np.triu)
multilinear(np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.expand_dims)
multilinear(np.squeeze, np.broadcast_to, np.flip, np.fliplr, np.flipud, np.rot90, np.roll, np.repeat, np.tile)
multilinear(np.take, np.take_along_axis, np.copy, operator.getitem)
multilinear(np.linalg.trace, np.linalg.diagonal, np.linalg.matrix_transpose)
multilinear(np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, listed=True)
multilinear(np.where, slots=slice(1, 3), joint=True)
multilinear(np.dot, np.matmul, np.inner, np.outer, np.tensordot, np.kron, np.cross, np.vdot, slots=slice(0, 2))
multilinear(np.linalg.matmul, np.linalg.outer, np.linalg.tensordot, np.linalg.cross, slots=slice(0, 2))
multilinear(np.vecdot, np.linalg.vecdot, np.convolve, np.correlate, slots=slice(0, 2))
if hasattr(np, "matvec"):  # NumPy 2.2
    multilinear(np.matvec, np.vecmat, slots=slice(0, 2))
multilinear(np.einsum, slots=slice(1, None))

general(np.linalg.inv, lambda y, a, da: -y @ da @ y)
general(np.linalg.det, lambda y, a, da: y * np.trace(np.linalg.solve(a, da), axis1=-2, axis2=-1))


def extremum_tangent(y, x, dx, axis=None, keepdims=False):
    """The tangent where the extremum stands; ties share it equally."""
    stands = x == (y if keepdims or axis is None else np.expand_dims(y, axis))
    return np.sum(dx * stands, axis, keepdims=keepdims) / np.sum(stands, axis, keepdims=keepdims, dtype=dx.dtype)


for extremum in (np.max, np.amax, np.min, np.amin):
    general(extremum, extremum_tangent)


def prod_tangent(y, x, dx, axis=None, keepdims=False):
    """The product rule, a factor at a time (right where factors are zero, too)."""
    if axis is None:
        return np.reshape(prod_tangent(y, np.ravel(x), np.ravel(dx), 0), np.shape(y))
    p, dp = 1.0, 0.0
    for a, da in zip(np.moveaxis(x, axis, 0), np.moveaxis(dx, axis, 0), strict=True):
        p, dp = p * a, dp * a + p * da
    return np.reshape(dp + np.zeros_like(y), np.shape(y))


general(np.prod, prod_tangent)


def solve_tangent(y, a, b, da, db):
    """From A y = b: A dy = db - dA y."""
    right = 0 if db is None else db
    return np.linalg.solve(a, right if da is None else right - da @ y)


general(np.linalg.solve, solve_tangent, slots=slice(0, 2))


def logabsdet(a):
    """The logarithm of |det a|."""
    return dispatch(logabsdet, a) if isinstance(a, Number) else np.linalg.slogdet(a)[1]


general(logabsdet, lambda y, a, da: np.trace(np.linalg.solve(a, da), axis1=-2, axis2=-1))


@composite(np.linalg.slogdet)
def slogdet(a):
    plain = np.linalg.slogdet(real_value(a))
    return type(plain)(plain.sign, logabsdet(a))


@composite(np.real, np.conj, np.conjugate)
def identity(x):
    return x


@composite(np.var)
def var(x, axis=None, *, ddof=0, correction=None, keepdims=False):
    d = x - np.mean(x, axis, keepdims=True)
    total = np.sum(d * d, axis, keepdims=keepdims)
    return total / (d.size / max(np.size(total), 1) - (ddof if correction is None else correction))


@composite(np.std)
def std(x, axis=None, **options):
    return np.sqrt(np.var(x, axis, **options))


@composite(np.linalg.norm, np.linalg.vector_norm, np.linalg.matrix_norm)
def norm(x, ord=None, axis=None, keepdims=False):
    if ord in (None, "fro") or (ord == 2 and (isinstance(axis, int) or (axis is None and x.ndim == 1))):
        return np.sqrt(np.sum(x * x, axis, keepdims=keepdims))
    if x.ndim == 1 or isinstance(axis, int):
        if ord in (math.inf, -math.inf):
            return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
        if isinstance(ord, (int, float)) and ord > 0:
            return np.sum(np.abs(x) ** ord, axis, keepdims=keepdims) ** (1 / ord)
    raise unsupported(np.linalg.norm, [x], f"ord={ord!r} of this shape has no rule", "vector norms and 'fro' have")


@composite(np.clip)
def clip(x, a_min=None, a_max=None, *, min=None, max=None):
    low, high = a_min if min is None else min, a_max if max is None else max
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@composite(np.sort)
def sort(x, axis=-1, **options):
    if axis is None:
        x, axis = np.ravel(x), -1
    return np.take_along_axis(x, np.argsort(real_value(x), axis, **options), axis)


@composite(np.median)
def median(x, axis=None, keepdims=False):
    n = np.size(x) if axis is None else np.shape(x)[axis]
    middle = np.take(np.sort(x, axis), [(n - 1) // 2, n // 2], axis=0 if axis is None else axis)
    y = np.mean(middle, axis, keepdims=keepdims and axis is not None)
    return np.reshape(y, (1,) * np.ndim(x)) if keepdims and axis is None else y


@composite(np.ptp)
def ptp(x, axis=None, keepdims=False):
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


@composite(np.average)
def average(x, axis=None, weights=None):
    if weights is None:
        return np.mean(x, axis)
    if np.shape(weights) != np.shape(x):
        raise unsupported(np.average, [x], "weights must have the shape of the array", "broadcast the weights first")
    return np.sum(x * weights, axis) / np.sum(weights, axis)


@composite(np.polyval)
def polyval(p, x):
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


@composite(np.split, np.array_split)
def split(x, sections, axis=0):
    return [np.take(x, i, axis=axis) for i in np.array_split(np.arange(x.shape[axis]), sections)]


@composite(np.atleast_1d)
def atleast_1d(x):
    return x if np.ndim(x) else np.reshape(x, (1,))


@composite(np.atleast_2d)
def atleast_2d(x):
    return x if np.ndim(x) > 1 else np.reshape(x, (1, -1))


@composite(np.append)
def append(x, y, axis=None):
    return np.concatenate([np.ravel(x), np.ravel(y)] if axis is None else [x, y], axis or 0)


@composite(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = np.moveaxis(y, axis, -1)
    dx = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2, -1)


@composite(np.linalg.matrix_power)
def matrix_power(a, n):
    y = np.eye(a.shape[-1], dtype=a.dtype)
    for _ in range(abs(n)):
        y = y @ a
    return np.linalg.inv(y) if n < 0 else y


@composite(np.select)
def select(condlist, choicelist, default=0.0):
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = np.where(condition, choice, y)
    return y


@composite(np.broadcast_arrays)
def broadcast_arrays(*arrays):
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@composite(np.full_like)
def full_like(x, fill_value):
    return np.zeros_like(x) + fill_value


@composite(np.pad)
def pad(x, pad_width, mode="constant", constant_values=0):
    if mode != "constant":
        raise unsupported(np.pad, [x], f"mode={mode!r} has no rule", "mode='constant' has, and np.concatenate")
    for axis, (before, after) in enumerate(np.broadcast_to(pad_width, (x.ndim, 2))):
        ends = [np.full((*x.shape[:axis], n, *x.shape[axis + 1 :]), constant_values, x.dtype) for n in (before, after)]
        x = np.concatenate([ends[0], x, ends[1]], axis)
    return x


@composite(np.linalg.multi_dot)
def multi_dot(arrays):
    y, *others = arrays
    for a in others:
        y = np.dot(y, a)
    return y


discrete(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)
discrete(np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.isfinite, np.isnan, np.isinf, np.signbit)
discrete(np.sign, np.floor, np.ceil, np.rint, np.trunc, np.fix, np.round, np.around, np.heaviside, np.floor_divide)
discrete(np.argmax, np.argmin, np.argsort, np.nonzero, np.count_nonzero, np.flatnonzero, np.searchsorted)
discrete(np.any, np.all, np.allclose, np.isclose, np.array_equal, np.shape, np.ndim, np.size)
discrete(np.zeros_like, np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast)

# What a real program that asks for these wants is not settled by its real meaning.
NONANALYTIC = {
    np.imag: (
        "the imaginary part carries the derivative",
        "a real program has no imaginary part: leave it out",
    ),
    np.angle: ("the angle of a complex number has no complex derivative", "np.arctan2(y, x), or np.sign(x)"),
}
REPLACEMENT = {
    np.cumprod: "np.exp(np.cumsum(np.log(x))) for positive x",
    np.sinc: "np.sin(np.pi * x) / (np.pi * x) away from 0",
    np.linalg.eigvalsh: "a Krylov method on H @ v",
}


# ------------------------------------------------------------------------------------------ dispatch


def unsupported(function, numbers, reason, instead):
    """The error for a function that cannot be differentiated: its name, the reason, where, what to write."""
    kind = next((type(a).error for a in numbers if isinstance(a, Number)), UnsupportedError)
    if function in NONANALYTIC:
        kind = NonAnalyticError
    name = function if isinstance(function, str) else name_of(function)
    return kind(f"{name}: {reason} ({caller()}). Instead: {instead}.")


def dispatch(function, *args, **kwargs):
    """Look `function` up in the table and run its row."""
    row = TABLE.get(function)
    if row is None:
        reason, instead = NONANALYTIC.get(
            function,
            (
                "there is no derivative rule for it",
                REPLACEMENT.get(
                    function,
                    "write it in NumPy functions that have one, or add a rule:"
                    " mathlib.primitives.elementwise(function, partial)",
                ),
            ),
        )
        listed = [a for group in args if isinstance(group, (list, tuple)) for a in group]
        raise unsupported(function, [*args, *listed], reason, instead)
    return row(args, kwargs)


class Run:
    """One differentiation: its level (a later run is an inner one) and whether it still runs.

    With `trace`, its Numbers remember where they first ceased to be finite.
    """

    levels = itertools.count(1)

    def __init__(self, trace=False):
        self.level, self.trace, self.alive = next(self.levels), trace, True

    def check(self):
        """Refuse a Number whose differentiation has ended."""
        if not self.alive:
            raise EscapedError(
                f"a number escaped from the differentiation that made it ({caller()})."
                " Instead: return what you need from the function that you differentiate."
            )


REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
REDUCTIONS |= {np.logical_and: np.all, np.logical_or: np.any}


def refuse(name, reason, instead):
    """A method that raises: it would lose the derivative."""

    def method(self, *args, **kwargs):
        raise unsupported(name, [self], reason, instead)

    return method


def as_method(function):
    """A method that calls the NumPy function of the same name."""

    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.__doc__ = f"See `{name_of(function)}`."
    return method


LOSES = "a plain number would lose the derivative"
KEEP = "stay in NumPy functions; np.stack([...]) joins numbers into an array"
STORE = "an array is not changed in place while it is differentiated"
REBUILD = "build a new array: y = x + dx, np.where, np.concatenate, np.stack"


class Number(NDArrayOperatorsMixin):
    """An array in another arithmetic. It behaves as the real array that it stands for, or refuses.

    It is not an ndarray, so that nothing can convert it in silence: `float(x)`, `np.asarray(x)`, `x.item()`, a
    store into a float array and every function outside of the table raise, and say what to write instead.

    A subclass has `primal` (the value, in the next arithmetic below), `parts` (value and tangent), `run`, `error`
    (what it raises where it refuses) and `apply(rule, args, kwargs, arrays)`.
    """

    __slots__ = ("origin", "run")
    error = UnsupportedError

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if (out := kwargs.pop("out", None)) is not None and not (out[0] is self and self.ndim == 0):
            raise unsupported(ufunc, [self], STORE, REBUILD)
        if method == "__call__":
            return dispatch(ufunc, *args, **kwargs)
        if method == "reduce" and ufunc in REDUCTIONS:
            return REDUCTIONS[ufunc](*args, **{"axis": 0} | kwargs)
        if method == "accumulate" and ufunc is np.add:
            return np.cumsum(*args, **{"axis": 0} | kwargs)
        if method == "outer":
            a, b = args
            return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
        raise unsupported(f"{name_of(ufunc)}.{method}", [self], "there is no derivative rule for it", KEEP)

    def __array_function__(self, function, types, args, kwargs):
        return dispatch(function, *args, **kwargs)

    def follow(self, result, rule, arrays):
        """In a tracing run, let `result` remember where it first ceased to be finite."""
        result.origin = None
        if self.run.trace and not result.finite():
            earlier = (a.origin for a in arrays if isinstance(a, Number) and a.origin)
            result.origin = next(earlier, f"{name_of(rule.function)} {caller()}")
        return result

    shape = property(lambda self: np.shape(self.primal))
    ndim = property(lambda self: np.ndim(self.primal))
    size = property(lambda self: np.size(self.primal))
    dtype = property(lambda self: self.primal.dtype)
    T = property(np.transpose)
    mT = property(np.matrix_transpose)  # noqa: N815, NumPy's name
    real = property(lambda self: self)
    imag = property(lambda self: np.imag(self))

    def __len__(self):
        return len(self.primal)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(real_value(self))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self  # it is never changed, and a copy of its run would be another run

    def __format__(self, spec):
        return format(real_value(self), spec)

    def __getitem__(self, key):
        return dispatch(operator.getitem, self, key)

    def __pow__(self, p):
        return dispatch(operator.pow, self, p)

    def __rpow__(self, x):
        return dispatch(operator.pow, x, self)

    def __round__(self, digits=0):
        return np.round(self, digits)

    def reshape(self, *shape, **options):
        """See `np.reshape`."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes):
        """See `np.transpose`."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def astype(self, dtype, **options):
        """The number itself, if `dtype` is its own: another precision would be another derivative."""
        if np.dtype(dtype) == self.dtype:
            return self
        raise unsupported("astype", [self], f"from {self.dtype} to {np.dtype(dtype)} it has no rule", "cast theta")

    sum, mean, var, std, prod = map(as_method, (np.sum, np.mean, np.var, np.std, np.prod))
    max, min, ptp, clip, round = map(as_method, (np.max, np.min, np.ptp, np.clip, np.round))
    dot, trace, diagonal, cumsum, take = map(as_method, (np.dot, np.trace, np.diagonal, np.cumsum, np.take))
    ravel, squeeze, swapaxes, repeat = map(as_method, (np.ravel, np.squeeze, np.swapaxes, np.repeat))
    flatten, copy, conj, conjugate = map(as_method, (np.ravel, np.copy, np.conj, np.conjugate))
    argmax, argmin, argsort, nonzero = map(as_method, (np.argmax, np.argmin, np.argsort, np.nonzero))
    any, all = map(as_method, (np.any, np.all))

    __array__ = refuse("np.asarray", LOSES, KEEP)
    __float__ = refuse("float", LOSES, KEEP)
    __int__ = refuse("int", LOSES, "np.trunc(x)")
    __index__ = refuse("index", LOSES, "index with an integer that does not come from theta")
    __complex__ = refuse("complex", LOSES, KEEP)
    item = refuse("item", LOSES, "x[i, j], which keeps it")
    tolist = refuse("tolist", LOSES, KEEP)
    view = refuse("view", "the bytes of a number in another arithmetic mean something else", KEEP)
    sort = refuse("sort", STORE, "np.sort(x)")
    __reduce__ = refuse("pickle", "a number has a meaning only within its differentiation", "store plain arrays")
    __setitem__ = refuse("x[i] = ...", STORE, REBUILD)
    fill = put = resize = refuse("in-place change", STORE, REBUILD)
