"""The door: what every function asks of its arguments, and of what a program returns.

Each check says what was needed, what came, and what to do instead.
"""

import math
import operator
import re
import traceback

import numpy as np

from mathlib.arithmetic import (
    IN_ONE_ARRAY,
    INSIDE,
    LIBRARIES,
    Number,
    UnsupportedError,
    has_rules,
    holds_numbers,
    operand,
    place,
    plain_form,
    type_of,
    underflows,
)


def program(f, *wrong):
    """Check that f can be called, and that nothing else came with it."""
    if not callable(f):
        raise TypeError(
            f"a function is needed, and a {type(f).__name__} came. Instead: grad(f)(theta), or lambda x: ..."
        )
    if wrong:
        raise TypeError(
            f"one function is needed, and {wrong[0]!r} came with it. Instead, for the derivative by another argument:"
            " grad(lambda b: f(a, b))(b)."
        )


def with_data(loss, data, options):
    """The loss as a function of theta alone."""
    if bind := getattr(loss, "bind", None):
        return bind(data, options) if data or options else loss
    return (lambda theta: loss(theta, *data, **options)) if data or options else loss


def floats(x, name):
    """Check that a point is of floats."""
    if isinstance(x, dict) or (isinstance(x, (list, tuple)) and any(np.ndim(a) for a in x if is_array(a))):
        values = f"list({name}.values())" if isinstance(x, dict) else name
        raise TypeError(
            f"{name} is a {type(x).__name__} of arrays: one array is needed. Instead: theta, unravel ="
            f" mathlib.nn.ravel({values}), and unravel(theta) in the loss; or np.array({name})."
        )
    if isinstance(x, (bool, int)):
        raise TypeError(
            f"{name} is of type {type(x).__name__}: a derivative needs floating-point numbers. Instead: float({name})."
        )
    return floating(x, name)


def is_array(a):
    """Whether a is an array already, of any arithmetic."""
    return isinstance(a, (np.ndarray, Number))


def floating(a, name):
    """Give `a` as a floating-point array; Python's own numbers are converted, integer arrays refused."""
    if isinstance(a, Number):
        return a
    listed = isinstance(a, (list, tuple))
    a = np.float64(a) if isinstance(a, (int, float)) and not isinstance(a, bool) else array(a, name)
    if a.dtype.kind != "f":
        instead = (
            "two real arrays"
            if a.dtype.kind == "c"
            else f"np.array({name}, float)"
            if listed or a.dtype.kind not in "biuf"
            else f"{name}.astype(float)"
        )
        raise TypeError(
            f"{name} is of type {a.dtype}: a derivative needs real floating-point numbers. Instead: {instead}."
        )
    return a if a.ndim else a[()]


def array(a, name):
    """Give `a` as one array, of any arithmetic and type."""
    if isinstance(a, Number):
        return a
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError(f"{name} is masked: all its numbers are needed. Instead: {name}.filled(0.0).")
    try:
        a = np.asarray(a)
        return operand(name, a, a.flat) if holds_numbers(a) else a
    except ValueError:
        raise TypeError(
            f"{name} is a {type(a).__name__} of rows of different shapes: one array is needed. Instead: np.concatenate,"
            f" or mathlib.nn.ravel({name})."
        ) from None


def reals(a, name):
    """Give `a` as an array of real numbers, whole ones too."""
    a = array(a, name)
    if a.dtype.kind not in "fiu":
        what = type(a[()]).__name__ if a.dtype.kind == "O" and not a.ndim else a.dtype
        raise TypeError(f"{name} is of type {what}: real numbers are needed. Instead: np.array({name}, float).")
    return a if isinstance(a, Number) else a[()]


def refuse_type(a, name):
    """Refuse floats that NumPy has no decompositions of."""
    if a.dtype.type not in (np.float32, np.float64):
        raise TypeError(
            f"{name} is of type {a.dtype}: float32 or float64 is needed, for NumPy decomposes no other matrices."
            " Instead: theta.astype(float)."
        )


def real(x, name):
    """Give x as one number of Python's."""
    x = reals(x, name)
    if np.shape(x) != ():
        raise ValueError(f"{name} has shape {np.shape(x)}: one number is needed.")
    return float(x)


def whole(least=0, **numbers):
    """Refuse what is no integer of at least `least`."""
    for name, k in numbers.items():
        needed = f"an integer of at least {least} is needed."
        if isinstance(k, (bool, np.bool)) or not hasattr(k, "__index__") or np.shape(k) != ():
            raise TypeError(f"{name} is {shown(k)}: {needed}")
        if k < least:
            raise ValueError(f"{name} is {k}: {needed}")


def one_of(choices, **given):
    """Refuse what is none of the choices."""
    for name, a in given.items():
        if not isinstance(a, (str, int, np.integer)) or a not in choices:
            raise ValueError(f"{name} is {shown(a)}: {' or '.join(map(repr, choices))} is needed.")


def shown(a):
    """How a message shows an argument: a number or a word as it is, all else by its type."""
    return repr(a) if a is None or isinstance(a, (str, bool, int, float, complex)) else f"a {type(a).__name__}"


def entropy(seed):
    """The seed as an integer; for None, one that nobody has used."""
    if seed is None:
        return np.random.SeedSequence().entropy
    whole(seed=seed)
    return operator.index(seed)


def direction(x, v, name, block=False):
    """Check the types of a point and of a direction of its shape, and give v the point's precision.

    With `block`, v may have one axis more, the last: a block of directions.
    """
    x = floats(x, name)
    if v is None and np.shape(x):
        raise ValueError(
            f"{name} has shape {np.shape(x)}: a direction v of this shape is needed. Instead: v=np.ones_like({name})."
        )
    v = reals(1 if v is None else v, "v")
    if not isinstance(v, Number):
        v = np.asarray(v, dtype=x.dtype)[()]
    finite(v=v)
    if np.shape(v) != np.shape(x) and not (block and is_block(x, v)):
        longer = ", or v one axis longer (a block)" if block else ""
        raise ValueError(f"v has shape {np.shape(v)} and {name} {np.shape(x)}: they must be equal{longer}.")
    return x, v


def is_block(x, v):
    """Whether v is a block of directions at x: of x's shape and one axis more, the last."""
    return np.ndim(v) == np.ndim(x) + 1 and np.shape(v)[:-1] == np.shape(x)


def columns_of(v):
    """The directions in a block."""
    return [v[..., j] for j in range(v.shape[-1])]


def point_and_direction(x, v, name, block=False):
    """Check x and v at the door, and copy them: no result is a view of an input, and f may change what it gets."""
    finite(**{name: floats(x, name)})
    x, v = direction(x, v, name, block)
    return tuple(a if isinstance(a, Number) else np.array(a)[()] for a in (x, v))


def finite(**arrays):
    """Refuse a point or a direction with a NaN or an infinity in it."""
    for name, a in arrays.items():
        if not is_finite(a):
            raise ValueError(f"{name} has a NaN or an infinity in it: finite numbers are needed.")


def is_finite(a):
    """Whether all of a, of any arithmetic, is finite."""
    if isinstance(a, Number):
        return a.finite()
    # One quick product tells, unless it overflows by itself.
    return math.isfinite(np.vdot(a, a)) or bool(np.all(np.isfinite(a)))


def in_range(derive, dtype):
    """The arrays of a derivative, also where a number on the way to it is out of range: it is linear in its start.

    ``derive(size)`` starts from that size, and gives the arrays over the size, and whether digits were lost to
    underflow. Each element is that of the largest start from which it is finite; a smaller start must lose nothing.
    None, if some are finite from none.
    """
    arrays, lost = first = derive(1)
    if not lost and all(map(is_finite, arrays)):
        return arrays
    best, top = None, np.finfo(dtype).maxexp
    for exponent in (top - 4, top // 2, 0, -top // 2, 24 - top)[0 if lost else 2 :]:
        arrays, lost = derive(np.ldexp(dtype.type(1), exponent)) if exponent else first
        if exponent < 0 and lost:
            break
        best = arrays if best is None else [finite_of(a, b) for a, b in zip(best, arrays, strict=True)]
        if all(map(is_finite, best)):
            return best
    return None


def finite_of(a, other):
    """The array a where it is finite, else the other one."""
    if is_finite(a) or isinstance(a, Number) or isinstance(other, Number):
        return a if is_finite(a) else other
    return np.where(np.isfinite(a), a, other)[()]


def array_result(y):
    """Refuse what is not one array of real numbers."""
    if isinstance(y, Number):
        y.run.check()
        return y
    if y is None or isinstance(y, (list, tuple, dict)):
        raise TypeError(f"f returned a {type(y).__name__}: one array is needed. Instead: return np.stack([...]).")
    if has_rules(y):
        instead = plain_form(y, "y")
        raise TypeError(f"f returned a {type_of(y)}: one array of real numbers is needed. Instead: return {instead}.")
    a = np.asarray(y)
    if holds_numbers(a):
        return array_result(operand("return", a, a.flat))
    if a.dtype.kind not in "biuf":
        what = a.dtype if isinstance(y, (np.ndarray, np.generic)) else f"a {type_of(y)}"
        instead = "np.stack([...])" if a.dtype == object and a.ndim else "an array of floats"
        raise TypeError(f"f returned {what}: real numbers are needed. Instead: return {instead}.")
    return a[()]


# What NumPy says of an array of objects that it cannot calculate with.
OF_OBJECTS = re.compile(
    r"dtype\('O'\)|type object is unsupported|dtype\[object_\]|no callable \w+ method|not supported for the input types"
    r"|object has no attribute '(arctan2|hypot|fmod)'"
)


def refuse_objects(error, kind):
    """Raise an error of this kind, if NumPy could not calculate with an array of objects that are Numbers."""
    steps = list(traceback.walk_tb(error.__traceback__))
    told = OF_OBJECTS.search(str(error)) or any(map(holds_numbers, steps[-1][0].f_locals.values()))
    if told and not isinstance(error, UnsupportedError):
        own = [step for step in steps if not step[0].f_code.co_filename.startswith((*INSIDE, *LIBRARIES))]
        where = place(*(own or steps)[-1])
        message = f"np.array of differentiated numbers: {error} ({where}). Instead: {IN_ONE_ARRAY}."
        raise kind(message) from error


def run_program(f, number, lost=None):
    """f(number), one array; the number's run ends with it, and `lost` grows where digits are lost to underflow."""
    try:
        with underflows() as seen:
            y = array_result(f(number))
        if lost is not None:
            lost += seen
        return y
    except (TypeError, ValueError, AttributeError) as error:
        # NumPy reports a refused conversion as its own "setting an array element with a sequence".
        if isinstance(error.__cause__, UnsupportedError):
            raise error.__cause__ from None
        refuse_objects(error, type(number).error)
        raise
    finally:
        number.run.alive = False


def real_run(f, x):
    """f(x) on plain floats: one array, all finite."""
    y = array_result(f(x))
    if not is_finite(y):
        raise FloatingPointError("f is NaN or infinite at x or a step away from it: no difference can be formed.")
    return y
