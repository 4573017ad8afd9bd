"""What meets a differentiated number: a plain number or array, what NumPy makes one of, or a clear refusal.

Every kind of operand is tried on both sides of operators and functions, in every arithmetic. What is no plain array
but means one gives the derivatives that its array of float64 gives.
"""

import array
import datetime
import operator
import re
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pint
import pytest
import scipy.sparse
import sympy
from scipy.sparse.linalg import aslinearoperator

from mathlib import UnsupportedError, complex_step, grad, hessian, hvp, jvp
from mathlib.arithmetic import Number, name_of
from mathlib.primitives import TABLE, composite, multilinear, primitive

X, V = np.array([0.3, 0.7, 1.1]), np.array([1.0, -0.5, 0.25])
C, M = np.array([0.5, 1.5, 2.5]), np.eye(3) + np.arange(9.0).reshape(3, 3) / 10
WIDTHS = "?bhilqBHILQefdg"


class ArrayLike:
    """What NumPy converts, and has no arithmetic of its own."""

    def __array__(self, dtype=None, copy=None):
        return C


class Series:
    """A stand-in for a pandas Series."""

    __module__ = "pandas"

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        raise AssertionError("it should not be asked")

    def __add__(self, other):
        return self

    __radd__ = __mul__ = __rmul__ = __add__

    def to_numpy(self):
        return C


class Tensor:
    """A stand-in for a tensor of another library."""

    shape = (3,)

    def __array__(self, dtype=None, copy=None):
        return C

    def __float__(self):
        return 1.0

    def __add__(self, other):
        return NotImplemented

    __radd__ = __mul__ = __rmul__ = __add__


def halves(*numbers):
    return np.array([Fraction(n, 2) for n in numbers], object)


CONSTANTS = {  # and the array of floats that each means
    "list": ([0.5, 1.5, 2.5], C),
    "tuple": ((0.5, 1.5, 2.5), C),
    "range": (range(1, 4), np.arange(1.0, 4)),
    "memoryview": (memoryview(C), C),
    "array.array": (array.array("d", C), C),
    "array-like": (ArrayLike(), C),
    "record array": (C.view(np.recarray), C),
    "mask": (C > 1, np.array([0.0, 1.0, 1.0])),
    "Fraction": (Fraction(1, 2), 0.5),
    "Fractions": (halves(1, 3, 5), C),
    "a Fraction in an array": (np.array(Fraction(1, 2), object), 0.5),
    "list of Fractions": ([Fraction(1, 2), 1.5, 2], np.array([0.5, 1.5, 2])),
    "sympy.Rational": (sympy.Rational(1, 2), 0.5),
    "sympy.Float": (sympy.Float(0.5), 0.5),
    "mpmath.mpf": (mpmath.mpf("0.5"), 0.5),
    "large integer": (2**70, 2.0**70),
    "large integers": (np.array([2**70, 1, 2], object), np.array([2.0**70, 1, 2])),
    "nested list": (M.tolist(), M),
    **{f"array {c}": (np.array([1, 2, 3], c), np.array([1, 2, 3], c).astype(float)) for c in WIDTHS},
    **{f"scalar {c}": (np.array(3, c)[()], float(np.array(3, c))) for c in WIDTHS},
    "0-d": (np.array(2.5), 2.5),
    "empty": ([], np.zeros(0)),
}
units = pint.UnitRegistry()
REFUSED = {  # and what the error says of each
    "csr_array": (scipy.sparse.csr_array(M), r"scipy\.cs[rc]_array has rules of its own.*a\.toarray\(\), or a @ x"),
    "csr_matrix": (scipy.sparse.csr_matrix(M), r"scipy\.cs[rc]_matrix has rules of its own.*a\.toarray\(\), or a @ x"),
    "dia_array": (scipy.sparse.dia_array(M), r"scipy\.(dia|coo)_array has rules of its own.*a\.toarray\(\), or a @ x"),
    "linear operator": (aslinearoperator(M), r"scipy\.\w+ has rules of its own.*np\.asarray\(a\)"),
    "Series": (Series(), r"pandas\.Series has rules of its own.*a\.to_numpy\(\)"),
    "Tensor": (Tensor(), r"Tensor has rules of its own.*np\.asarray\(a\)"),
    "matrix": (np.matrix(M), r"a matrix has rules of its own.*np\.asarray\(a\)"),
    "masked": (np.ma.masked_array(C, [0, 1, 0]), r"a MaskedArray has rules of its own.*np\.where for the mask"),
    "Quantity": (units.Quantity(C, "m"), r"pint\.Quantity has rules of its own.*a\.magnitude"),
    "Decimal": (Decimal("0.5"), r"decimal\.Decimal has rules of its own.*float\(a\)"),
    "Decimals": (np.array([Decimal(1)] * 3, object), r"decimal\.Decimal has rules of its own.*float\(a\)"),
    "list of Series": ([Series(), Series(), Series()], r"pandas\.Series has rules of its own.*a\.to_numpy\(\)"),
    "sympy.pi": (sympy.pi, r"sympy\.Pi has rules of its own.*float\(a\)"),
    "datetime": (datetime.datetime(2026, 1, 1), r"datetime\.datetime has rules of its own"),
    "datetime64": (np.array(["2020", "2021", "2022"], "M8[Y]"), r"datetime64.* is no array of real numbers"),
    "timedelta64": (np.timedelta64(3, "D"), r"timedelta64 is no array of real numbers"),
    "complex": (1 + 2j, r"a complex number meets one that stands for a real.*two real arrays"),
    "complex array": (C * 1j, r"a complex number meets one that stands for a real.*two real arrays"),
    "str": ("abc", r"a str is no array of real numbers"),
    "strings": (np.array(["a", "b", "c"]), r"an array of <U1 is no array of real numbers"),
    "None": (None, r"a NoneType is no array of real numbers"),
    "set": ({1.0, 2.0}, r"a set is no array of real numbers"),
    "structured": (np.zeros(3, [("a", float)]), r"is no array of real numbers"),
}
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul]
FUNCTIONS = {
    **{f.__name__: f for f in OPERATORS},
    **{f.__name__: f for f in (np.multiply, np.maximum, np.arctan2, np.logaddexp, np.hypot, np.matmul)},
    **{f.__name__: f for f in (np.dot, np.inner, np.outer, np.vdot, np.convolve, np.kron, np.append)},
    "where": lambda a, b: np.where(C > 1, a, b),
    "concatenate": lambda a, b: np.concatenate([a, b]),
    "stack": lambda a, b: np.stack([a, b]),
    "hstack": lambda a, b: np.hstack([a, b]),
    "einsum": lambda a, b: np.einsum("i,i->i", a, b),
    "tensordot": lambda a, b: np.tensordot(a, b, 1),
}
ROUTES = {
    "jvp": lambda f, loss: jvp(f, X, V)[1],
    "value": lambda f, loss: jvp(f, X, V)[0],
    "complex_step": lambda f, loss: complex_step(f, X, V),
    "grad": lambda f, loss: grad(loss)(X),
    "double_backprop": lambda f, loss: hvp(loss, X, V, method="double_backprop"),
    "hessian": lambda f, loss: hessian(loss, X) @ V,
}


def sides(function, a):
    """The program with the operand on either side."""
    return (lambda x: function(x, a)), (lambda x: function(a, x))


def taken(f):
    """Whether plain NumPy makes real numbers of this program."""
    try:
        with np.errstate(all="ignore"):
            return np.all(np.isfinite(np.asarray(f(X)).astype(float)))
    except Exception:
        return False


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CONSTANTS)
def test_a_constant_that_numpy_takes_means_its_array_of_floats(kind):
    a, plain = CONSTANTS[kind]
    tried = 0
    for name, function in FUNCTIONS.items():
        for left, (f, g) in enumerate(zip(sides(function, a), sides(function, plain), strict=True)):
            if not taken(f) or not taken(g) or (left and kind.startswith("sympy")):  # sympy asks for a float itself
                continue
            tried += 1
            for route, result in ROUTES.items():
                y, wanted = (result(h, lambda x, h=h: np.sum(np.tanh(h(x)))) for h in (f, g))
                assert np.asarray(y).dtype.kind == "f"
                np.testing.assert_allclose(y, wanted, rtol=1e-13, atol=1e-15, err_msg=f"{name}, {route}")
    assert tried >= 8 or kind == "empty"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", REFUSED)
def test_an_operand_with_rules_of_its_own_is_refused_by_its_type(kind):
    a, says = REFUSED[kind]
    told = 0
    for name, function in FUNCTIONS.items():
        if hasattr(a, "tocsr") and "matmul" in name:  # it has a row
            continue
        for f in sides(function, a)[: 1 if kind in ("Quantity", "Series") else 2]:  # on the left its own rules run
            for result in ROUTES.values():
                try:
                    result(f, lambda x, f=f: np.sum(np.tanh(f(x))))
                except UnsupportedError as error:
                    message = str(error)
                    assert "in <lambda>, line" in message, (name, message)  # a line of this file
                    told += bool(re.search(says, message))
                except (TypeError, ValueError, NotImplementedError, AttributeError):
                    assert not taken(f), name
                else:
                    raise AssertionError(f"{name} takes a {kind}")
    assert told > 40


def test_a_rule_for_an_operand_with_rules_of_its_own_takes_two_lines():
    L = aslinearoperator(M)

    @primitive
    def product(L, x):
        return L @ x

    multilinear(product, slots=slice(1, 2), transposes=(lambda g, x, L: product(L.T, g),))
    try:
        for route in ROUTES.values():
            y, wanted = (
                route(f, lambda x, f=f: np.sum(np.tanh(f(x)))) for f in (lambda x: product(L, x), M.__matmul__)
            )
            np.testing.assert_allclose(y, wanted, rtol=1e-13)
    finally:
        del TABLE[product]


def test_a_quantity_holds_a_number_within_a_program_and_is_told_of_when_it_is_returned():
    length = units.Quantity(2.0, "m")
    assert grad(lambda x: np.sum((length * x).to("cm").magnitude))(X) == pytest.approx([200.0] * 3)
    with pytest.raises(TypeError, match=r"returned a pint\.Quantity.*return y\.magnitude"):
        jvp(lambda x: length * x, X, V)
    with pytest.raises(UnsupportedError, match=r"pint\.Quantity has rules of its own.*a\.magnitude"):
        jvp(lambda x: x * length, X, V)


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.sin, "a ufunc.*array of floats"),
        ({1.0}, "a set.*array of floats"),
        (halves(1, 3), r"object.*np\.stack\(\[\.\.\.\]\)"),
        ("abc", "a str.*array of floats"),
        (1j, "a complex.*array of floats"),
        (Series(), r"a pandas\.Series.*y\.to_numpy\(\)"),
        (scipy.sparse.csr_array(M), r"a scipy\.csr_array.*y\.toarray\(\)"),
        (Decimal(1), r"a decimal\.Decimal.*float\(y\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_result_that_is_no_array_of_real_numbers_is_refused_by_its_type(y, says):
    for route in (lambda f: jvp(f, X, V), lambda f: complex_step(f, X, V), lambda f: grad(f)(X)):
        with pytest.raises(TypeError, match=f"returned {says}"):
            route(lambda x: y)


def test_numbers_may_stand_in_lists():
    def listed(x):
        return np.multiply(x, [x[0], 1.0, x[2]]) + np.where(C > 1, x, [x[1], x[1], 0.0])

    def joined(x):
        return x * np.stack([x[0], 1.0, x[2]]) + np.where(C > 1, x, np.stack([x[1], x[1], 0.0]))

    for route in ROUTES.values():
        y, wanted = (route(f, lambda x, f=f: np.sum(np.tanh(f(x)))) for f in (listed, joined))
        np.testing.assert_allclose(y, wanted, rtol=1e-14)


@pytest.mark.parametrize("function", [np.mean, np.median, np.std, np.gradient])
def test_a_list_of_numbers_alone_is_refused_by_the_function_s_name(function):
    for given in (lambda x: [x[0], x[1]], lambda x: (x[0], 1.0)):
        with pytest.raises(UnsupportedError, match=rf"{name_of(function)}: .* \(in <lambda>.*np\.stack\(\[\.\.\.\]\)"):
            grad(lambda x, given=given: np.sum(function(given(x))))(X)


def test_an_object_array_of_numbers_is_joined_where_it_meets_one():
    def boxed(x):
        a = np.empty(2, object)
        a[0], a[1] = x[0] * x[1], 2.0
        return np.sum(x[:2] * a)

    np.testing.assert_allclose(grad(boxed)(X), grad(lambda x: x[0] * x[0] * x[1] + 2 * x[1])(X), rtol=1e-15)
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.array([x[0], x[1]], dtype=object)))(X), [1, 1, 0])


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@pytest.mark.parametrize("a", [C, 0.7, Fraction(7, 10), [0.5, 0.7, 2.0], "abc", None])
def test_a_comparison_is_that_of_the_real_values(compare, a):
    seen = []

    def f(x):
        for left, right in ((x, a), (a, x)):
            try:
                seen.append(compare(left, right))
            except TypeError as error:
                seen.append(type(error))
        return x

    f(X)
    grad(lambda x: np.sum(f(x)))(X)
    for ours, plain in zip(seen[2:], seen[:2], strict=True):
        assert type(ours) is type(plain)
        assert np.array_equal(ours, plain)


@pytest.mark.parametrize("code", WIDTHS)
def test_a_narrow_constant_does_not_narrow_the_derivative(code):
    c = np.array([1, 0, 7], code)
    for function in (np.divide, np.power, np.arctan2, np.hypot, np.logaddexp, np.remainder, np.copysign, np.fmin):
        for f, g in zip(sides(function, c), sides(function, c.astype(float)), strict=True):
            if taken(f):
                np.testing.assert_allclose(jvp(f, X, V)[1], jvp(g, X, V)[1], rtol=1e-14)
                both = (grad(lambda x, h=h: np.sum(np.sin(h(x))))(X) for h in (f, g))
                np.testing.assert_allclose(*both, rtol=1e-14)


@pytest.mark.parametrize("arrays", ["x, /", "x"])
def test_a_user_adds_a_program_of_other_rows(arrays):
    program = eval(f"lambda {arrays}, axis=None: np.sum(x * x, axis)", {"np": np})
    own = TABLE[np.nansum]
    composite(np.nansum)(program)
    try:
        assert np.array_equal(grad(lambda x: np.nansum(x, axis=0))(X), 2 * X)
    finally:
        TABLE[np.nansum] = own


def test_an_array_that_leaves_numbers_to_us_keeps_its_own_rules_elsewhere():
    class Counting(np.ndarray):
        calls = 0

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            if any(isinstance(a, Number) for a in inputs):
                return NotImplemented
            Counting.calls += 1
            return getattr(ufunc, method)(*(np.asarray(a) for a in inputs), **kwargs)

    constant = np.arange(1.0, 4.0).view(Counting)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(np.sin(x * constant)))(X), constant * np.cos(X * np.asarray(constant))
    )
    assert Counting.calls > 1
