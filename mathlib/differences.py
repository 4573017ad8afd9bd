"""First derivatives along a direction: by dual numbers, by a complex step, by differences; and a check of them all.

Every function here takes f, a point x and a direction v of x's shape, and gives df(x)[v], the derivative of
f(x + t v) by t at t = 0, of the shape of f(x). Its unit is [f] [v] / [x].
"""

import numpy as np

from mathlib.dual import Complex, Dual, floating, is_finite
from mathlib.primitives import Number, Run, UnsupportedError, real_value


def jvp(f, x, v):
    """The value and the directional derivative ``(f(x), df(x)[v])``, by dual numbers: f(x + v eps), exactly.

    Parameters
    ----------
    f : a program of NumPy functions
        Its value is one array, of any shape.
    x : float or array of floats
    v : the same, of x's shape
        The direction. The derivative's unit is [f] [v] / [x], its shape that of f(x).

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
    """
    x, v = point_and_direction(x, v)

    return run_on(lambda run: Dual._of(x, v, run), f)


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
    if not 0 < eps < 1:
        raise ValueError(f"eps is {eps}: a step between 0 and 1 is needed. Instead: eps=2**-50.")
    x, v = point_and_direction(x, v)
    if isinstance(x, Number) or isinstance(v, Number):
        raise UnsupportedError("complex_step cannot differentiate a derivative. Instead: jvp inside of jvp.")
    _, imaginary = run_on(lambda run: Complex(x, v * x.dtype.type(eps), run), f)
    return imaginary / imaginary.dtype.type(eps)


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
    x, v = point_and_direction(x, v)
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
    x, v = point_and_direction(x, v)
    h = step(x, v, h, 1 / 3)
    return (real_run(f, x + h * v) - real_run(f, x - h * v)) / (2 * h)


def check_grad(loss, theta, order=1, directions=3, seed=0):
    """Check the derivatives of a loss by dual numbers against central differences, along random directions.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
    theta : float or array of floats
    order : 1 or 2
        1 checks dl(theta)[v]; 2 checks u H v, by nested dual numbers against differences of the first derivative.
    directions, seed : int
        How many random directions, and from which seed.

    Raises
    ------
    AssertionError
        they differ by more than the differences' own error; the message names the worst coordinate
    ValueError
        another order, or a loss that is not a scalar

    Examples
    --------
    >>> check_grad(lambda x: np.sum(np.sin(x) ** 2), np.array([0.3, 1.0, -2.0]), order=2)
    """
    if order not in (1, 2):
        raise ValueError(f"order is {order}: 1 (the gradient) or 2 (the Hessian) is needed.")
    theta = point_and_direction(theta, np.ones_like(theta))[0]
    if np.shape(value := real_run(loss, theta)) != ():
        raise ValueError(f"the loss has shape {np.shape(value)}: a scalar is needed. Instead: np.sum or np.mean of it.")
    rng = np.random.default_rng(seed)
    tolerance = np.finfo(theta.dtype).eps ** (3 / 8)
    for _ in range(directions):
        u, v = rng.standard_normal((2, *theta.shape)).astype(theta.dtype)
        f = loss if order == 1 else lambda x, u=u: jvp(loss, x, u)[1]

        def disagreement(v, f=f):
            exact, approximate = jvp(f, theta, v)[1], central_difference(f, theta, v)
            return abs(exact - approximate), exact, approximate

        error, exact, approximate = disagreement(v)
        if error > tolerance * max(abs(exact), abs(approximate), abs(value)):
            i = worst_coordinate(lambda v: disagreement(v)[0], theta)
            _, exact, approximate = disagreement(unit(theta, i))
            raise AssertionError(
                f"the derivative of order {order} along theta{list(i) if i else ''} is {exact} by dual numbers and"
                f" {approximate} by central differences: a rule is wrong, or the loss has a kink there."
            )


def unit(x, i):
    """The unit vector along coordinate i, of x's shape."""
    e = np.zeros_like(x)
    e[i] = 1
    return e[()]


def worst_coordinate(error, x):
    """The coordinate along which `error(v)` is large, by halving the coordinates that v has."""
    places = np.arange(np.size(x))
    while len(places) > 1:
        halves = np.array_split(places, 2)
        along = [np.isin(np.arange(np.size(x)), half).reshape(np.shape(x)).astype(x.dtype) for half in halves]
        places = halves[int(error(along[1]) > error(along[0]))]
    return tuple(int(i) for i in np.unravel_index(places[0], np.shape(x)))


def point_and_direction(x, v):
    """Check x and v at the door, and copy them: no result is a view of an input."""
    if isinstance(x, (bool, int)):
        raise TypeError(
            f"x is of type {type(x).__name__}: a derivative needs floating-point numbers. Instead: float(x)."
        )
    x = floating(x, "x")
    if v is None and np.shape(x):
        raise ValueError(
            f"x has shape {np.shape(x)}: a direction v of this shape is needed. Instead: v=np.ones_like(x)."
        )
    v = 1 if v is None else v
    if not isinstance(v, Number):
        if np.asarray(v).dtype.kind not in "fiu":
            raise TypeError(f"v is of type {np.asarray(v).dtype}: a direction of real numbers is needed.")
        v = np.array(v, dtype=x.dtype)[()]
    if np.shape(v) != np.shape(x):
        raise ValueError(f"v has shape {np.shape(v)} and x {np.shape(x)}: they must be equal.")
    for name, a in (("x", x), ("v", v)):
        if not is_finite(a):
            raise ValueError(f"{name} has a NaN or an infinity in it: a finite point and direction are needed.")
    return (x if isinstance(x, Number) else np.array(x)[()]), v


def step(x, v, h, power):
    """The step h, or the default: eps**power of x's precision, on the scale of x and v."""
    if h is None:
        size, length = (np.max(np.abs(real_value(a)), initial=0.0) for a in (x, v))
        h = np.finfo(x.dtype).eps ** power * max(1.0, size) / (length or 1.0)
        return 2.0 ** round(np.log2(h))
    if not 0 < h < np.inf:
        raise ValueError(f"h is {h}: a positive, finite step is needed. Instead: h=2**-26 (forward), 2**-17 (central).")
    return h


def real_run(f, x):
    """f(x) on plain floats: one array, all finite."""
    y = array_result(f(x))
    if not is_finite(y):
        raise FloatingPointError("f is NaN or infinite at x or a step away from it: no difference can be formed.")
    return y


def array_result(y):
    """Refuse what is not one array of real numbers."""
    if isinstance(y, Number):
        y.run.check()
        return y
    if y is None or isinstance(y, (list, tuple, dict)):
        raise TypeError(f"f returned a {type(y).__name__}: one array is needed. Instead: return np.stack([...]).")
    y = np.asarray(y)[()]
    if y.dtype.kind not in "biuf":
        raise TypeError(f"f returned {y.dtype}: real numbers are needed. Instead: return an array of floats.")
    return y


def run_on(start, f):
    """Run f on the number that `start(run)` makes: value and tangent, finite, or where they ceased to be."""

    def attempt(run):
        try:
            with np.errstate(all="ignore"):
                return array_result(f(start(run)))
        except (TypeError, ValueError) as error:
            # NumPy reports a refused conversion as its own "setting an array element with a sequence".
            if isinstance(error.__cause__, UnsupportedError):
                raise error.__cause__ from None
            raise
        finally:
            run.alive = False

    y = attempt(run := Run())
    if not is_finite(y):
        origin = getattr(attempt(Run(trace=True)), "origin", None) or "a constant"
        raise FloatingPointError(f"f or its derivative is NaN or infinite. It ceased to be finite at {origin}.")
    if isinstance(y, Number) and y.run is run:
        return y.parts
    return y, np.zeros_like(y, dtype=np.result_type(y, np.float16))[()]
