"""First derivatives along a direction: by dual numbers, by a complex step, by differences; and a check of them all.

Every function here takes f, a point x and a direction v of x's shape, and gives df(x)[v], the derivative of
f(x + t v) by t at t = 0, of the shape of f(x). Its unit is [f] [v] / [x].
"""

import math

import numpy as np

from mathlib.arithmetic import Number, Run, UnsupportedError, real_value
from mathlib.door import (
    columns_of,
    in_range,
    is_block,
    is_finite,
    point_and_direction,
    program,
    real,
    real_run,
    run_program,
)
from mathlib.dual import Complex, Dual


def jvp(f, x, v):
    """The value and the directional derivative ``(f(x), df(x)[v])``, by dual numbers: f(x + v eps), exactly.

    Parameters
    ----------
    f : a program of NumPy functions
        Its value is one array, of any shape.
    x : float or array of floats
    v : the same, of x's shape
        The direction. The derivative's unit is [f] [v] / [x], its shape that of f(x). With one axis more, the last,
        it is a block of directions: f runs once, and the derivatives lie along a last axis, too.

    Raises
    ------
    TypeError
        x is not of floats, or f does not return one array
    ValueError
        x or v is not finite, or their shapes differ
    UnsupportedError
        f uses a function without a rule, or would lose the derivative
    FloatingPointError
        the result is NaN or infinite; the message says where it arose

    References
    ----------
    Clifford, W. K. (1873); Wengert, R. E. (1964).

    Examples
    --------
    >>> jvp(lambda x: np.sin(x[0]) * x[1], np.array([0.0, 2.0]), np.array([1.0, 0.0]))
    (np.float64(0.0), np.float64(2.0))
    >>> jvp(lambda x: np.sin(x[0]) * x[1], np.array([0.0, 2.0]), np.eye(2))  # all partial derivatives
    (np.float64(0.0), array([2., 0.]))
    """
    program(f)
    x, v = point_and_direction(x, v, "x", block=True)
    return block_run(f, x, v) if is_block(x, v) else run_on(Dual._of, f, x, v)


def complex_step(f, x, v=None, eps=2.0**-50):
    """The directional derivative ``df(x)[v] = Im f(x + i eps v) / eps``; for a scalar x and no v, f'(x).

    There is no subtraction, so no cancellation: eps can be so small that its square is below the last bit, and with
    eps a power of two the division changes only the exponent. f receives a guarded complex number, on which every
    function means what it means on the reals, or raises.

    Parameters
    ----------
    f, x, v : as for `jvp`
    eps : float in (0, 1)

    Raises
    ------
    NonAnalyticError
        f uses a function that has no meaning on these numbers
    TypeError, ValueError, FloatingPointError
        As for `jvp`; ValueError also for an eps outside (0, 1)

    References
    ----------
    Lyness, J. N. and Moler, C. B. (1967); Squire, W. and Trapp, G. (1998).

    Examples
    --------
    >>> complex_step(np.exp, 0.0)
    np.float64(1.0)
    >>> complex_step(lambda x: np.abs(x) ** 3, -2.0)
    np.float64(-12.0)
    """
    if not 0 < real(eps, "eps") < 1:
        raise ValueError(f"eps is {eps}: a step between 0 and 1 is needed. Instead: eps=2**-50.")
    program(f)
    x, v = point_and_direction(x, v, "x")
    if isinstance(x, Number) or isinstance(v, Number):
        raise UnsupportedError("complex_step cannot differentiate a derivative. Instead: jvp inside of jvp.")
    y, imaginary, clean = tangent_of(Complex._of, f, x, v, complex_step_along(v, eps))
    if clean and is_finite(y) and is_finite(imaginary):
        return imaginary
    # So short a step has left the range of the numbers: they follow a long one to first order.
    return run_on(Complex._of, f, x, v)[1]


def complex_step_along(v, eps):
    """The step eps, times a power of two if v is very short or long, so that eps v neither underflows nor shows."""
    if v.dtype.type(eps) == 0:
        raise ValueError(
            f"the step {eps} is zero in {v.dtype}. Instead: a theta of float32 or float64, or dual numbers."
        )
    if not 2.0**-40 < np.vdot(v, v) < 2.0**40:
        largest = float(np.max(np.abs(v), initial=0.0))
        if 0 < largest < math.inf:
            eps = max(math.ldexp(eps, -math.frexp(largest)[1]), float(np.finfo(v.dtype).tiny))
    return v.dtype.type(eps)


def forward_difference(f, x, v=None, h=None):
    """The forward difference ``(f(x + h v) - f(x)) / h``, an approximation of df(x)[v].

    Its error is h f''/2 from the formula and about ``2**-53 f / h`` from cancellation: at best about 1e-8.

    Parameters
    ----------
    f, x, v : as for `jvp`; without v, x is a scalar and the result approximates f'(x)
    h : positive float
        The default is about ``2**-26 max(1, max|x|) / max|v|``, where the two errors are alike.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As for `jvp`; ValueError also for an h that is not positive

    References
    ----------
    Nocedal, J. and Wright, S. J. (2006), section 8.1.

    Examples
    --------
    >>> bool(abs(forward_difference(np.exp, 0.0) - 1) < 1e-7)
    True
    """
    program(f)
    x, v = point_and_direction(x, v, "x")
    h = step(x, v, h, 1 / 2)
    return (real_run(f, x + h * v) - real_run(f, x)) / h


def central_difference(f, x, v=None, h=None):
    """The central difference ``(f(x + h v) - f(x - h v)) / (2 h)``, an approximation of df(x)[v].

    Its error is ``h**2 f''' / 6`` from the formula and about ``2**-53 f / h`` from cancellation: at best about 1e-11.

    Parameters
    ----------
    f, x, v : as for `jvp`; without v, x is a scalar and the result approximates f'(x)
    h : positive float
        The default is about ``2**-17 max(1, max|x|) / max|v|``, where the two errors are alike.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As for `jvp`; ValueError also for an h that is not positive

    References
    ----------
    Nocedal, J. and Wright, S. J. (2006), section 8.1.

    Examples
    --------
    >>> bool(abs(central_difference(np.exp, 0.0) - 1) < 1e-9)
    True
    """
    program(f)
    x, v = point_and_direction(x, v, "x")
    h = step(x, v, h, 1 / 3)
    return (real_run(f, x + h * v) - real_run(f, x - h * v)) / (2 * h)


def step(x, v, h, power):
    """The step h, or the default: eps**power of x's precision, on the scale of x and v."""
    if h is None:
        size, length = (np.max(np.abs(real_value(a)), initial=0.0) for a in (x, v))
        h = np.finfo(x.dtype).eps ** power * max(1.0, size) / (length or 1.0)
        return 2.0 ** round(np.log2(h))
    if not 0 < real(h, "h") < np.inf:
        raise ValueError(f"h is {h}: a positive, finite step is needed. Instead: h=2**-26 (forward), 2**-17 (central).")
    return h


def run_on(number, f, x, v):
    """The value of f on x, and its derivative along v by such numbers; finite, or where they ceased to be."""
    y = None

    def derive(size):
        nonlocal y
        y, dy, clean = tangent_of(number, f, x, v, size)
        return [dy], not clean

    dy = in_range(derive, v.dtype)
    if dy is None or not is_finite(y):
        run = Run(trace=True)
        origin = getattr(run_program(f, number(x, v, run)), "origin", None) or "a constant"
        raise FloatingPointError(f"f or its derivative is NaN or infinite. It ceased to be finite at {origin}.")
    return y, dy[0]


def block_run(f, x, v):
    """The value of f on x, and its derivatives along a block of directions, or along each where that leaves the range.

    The value alone tells whether f is finite at all, of no directions, too.
    """
    y, dy, clean = tangent_of(Dual._of, f, x, v, 1, block=True)
    if not is_finite(y):
        run_on(Dual._of, f, x, np.zeros(x.shape, x.dtype)[()])
    if (clean and is_finite(dy)) or not v.shape[-1]:
        return y, dy
    return y, np.stack([run_on(Dual._of, f, x, column)[1] for column in columns_of(v)], -1)


def tangent_of(number, f, x, v, size, block=False):
    """The value of f on number(x, size v), its tangent over the size, and whether no digit was lost to underflow."""
    run, lost = Run(block=block), []
    with np.errstate(over="ignore"):
        v = v if size == 1 else v * size
    y = run_program(f, number(x, v, run), lost)
    if not (isinstance(y, Number) and y.run is run):
        return y, np.zeros(np.shape(y) + v.shape[np.ndim(x) :], np.result_type(y, np.float16))[()], True
    y, dy = y.parts
    with np.errstate(over="ignore"):  # it is looked at next
        return y, dy if size == 1 else dy / dy.dtype.type(size), not lost
