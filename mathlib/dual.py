"""Two arithmetics that carry a first derivative along: dual numbers, and guarded complex numbers.

``Dual`` is the ring of first-order polynomials a + b eps with eps**2 = 0 (Clifford 1873). ``Complex`` is what
``complex_step`` hands to a function: NumPy's complex numbers, in which everything means what it means on the reals.
"""

import operator

import numpy as np

from mathlib.arithmetic import Elementwise, NonAnalyticError, Number, Run, unsupported
from mathlib.door import floating, is_finite

# Hand-made dual numbers belong to no differentiation: they share the lowest level.
FREE = Run()
FREE.level = 0

# The square of an imaginary part this far below its real part is below the real part's last bit.
SMALL = 2.0**-27


class Dual(Number):
    """A first-order polynomial ``a + b eps``, ``eps**2 = 0``, with array coefficients.

    ``(a + b eps)(a' + b' eps) = a a' + (a b' + a' b) eps``, and ``f(a + b eps) = f(a) + f'(a) b eps`` for each NumPy
    function f that has a rule. Dual numbers broadcast, slice and reduce as the arrays that they stand for. Those of a
    block of directions carry a tangent for each, ``a + sum_j b_j eps_j``, along one axis more, the last.

    Parameters
    ----------
    value, tangent : float or array of floats, of one shape
        The coefficients; they may be Dual again (nesting). The tangent's unit is [value] / [eps].

    Raises
    ------
    TypeError
        a coefficient is not of floats
    ValueError
        the shapes differ

    References
    ----------
    Clifford, W. K. (1873).

    Examples
    --------
    >>> x = Dual(3.0, 1.0)
    >>> x * x
    Dual(9.0, 6.0)
    >>> np.sin(Dual(0.0, 1.0)) / 2
    Dual(0.0, 0.5)
    """

    __slots__ = ("tangent", "value")

    def __init__(self, value, tangent) -> None:
        value, tangent = floating(value, "value"), floating(tangent, "tangent")
        if np.shape(value) != np.shape(tangent):
            raise ValueError(
                f"value has shape {np.shape(value)} and tangent {np.shape(tangent)}: they must be equal."
                " Instead: np.broadcast_to(tangent, np.shape(value))."
            )
        self.value, self.tangent, self.run = value, tangent, FREE

    @classmethod
    def _of(cls, value, tangent, run):
        """The result of an operation, whose shapes agree by construction."""
        new = cls.__new__(cls)
        new.value, new.tangent, new.run = value, tangent, run
        return new

    parts = property(operator.attrgetter("value", "tangent"))

    def finite(self):
        """Whether both coefficients are finite."""
        return is_finite(self.value) and is_finite(self.tangent)

    def apply(self, rule, arrays, rest, kwargs):
        """Run one row of the table on first-order polynomials of this run."""
        run = self.run
        values, tangents = [], []
        for a in arrays:
            if type(a) is Dual and a.run is run:
                values.append(a.value)
                tangents.append(a.tangent)
            else:
                values.append(a)
                tangents.append(None)
        new = Dual.__new__(Dual)
        new.value = y = rule.evaluate(values, rest, kwargs)
        push = rule.tangents if run.block else rule.tangent
        new.tangent, new.run = push(y, values, tangents, rest, kwargs), run
        if run.trace:
            self.follow(new, rule, arrays)
        return new

    def __repr__(self):
        show = [repr(c) if isinstance(c, Number) or np.ndim(c) else repr(float(c)) for c in (self.value, self.tangent)]
        return f"Dual({show[0]}, {show[1]})"


Dual.primal = Dual.value  # the slot itself: a property in Python would be slower


def join(real, imaginary):
    """The complex array of two real ones (1j * inf would put a NaN in the real part)."""
    z = np.empty(np.shape(real), np.result_type(real, imaginary, np.complex64))
    z.real, z.imag = real, imaginary
    return z[()]


class Complex(Number):
    """A guarded complex number: a real array with a small imaginary part that carries a derivative.

    Analytic functions are NumPy's own complex versions. `real` and `conj` are the identity, `abs`, `maximum`, `sort`
    and comparisons go by the real part, products are bilinear; what has no such meaning raises `NonAnalyticError`.
    Where eps**2 would show (near a singularity, in a product of two imaginary parts) the real function and its
    first-order term are used instead. Source: J. N. Lyness and C. B. Moler (1967).

    >>> z = Complex(np.array([3.0, 4.0]), np.array([2.0**-50, 0.0]))
    >>> np.linalg.norm(z).z.imag * 2**50
    np.float64(0.6)
    """

    __slots__ = ("parts",)
    error = NonAnalyticError

    def __init__(self, real, imaginary, run=FREE):
        self.parts = floating(real, "real"), floating(imaginary, "imaginary")
        self.run = run

    @classmethod
    def _of(cls, real, imaginary, run):
        """The result of an operation, whose shapes agree by construction."""
        new = cls.__new__(cls)
        new.parts, new.run = (real, imaginary), run
        return new

    # The parts are kept apart: a real operand stays real in a product, and matrix products need whole rows.
    z = property(lambda self: join(*self.parts))
    primal = property(lambda self: self.parts[0])

    def finite(self):
        """Whether both parts are finite."""
        return is_finite(self.parts[0]) and is_finite(self.parts[1])

    def apply(self, rule, arrays, rest, kwargs):
        """Run one row of the table on complex numbers, or on real and imaginary parts to first order."""
        values, tangents = [], []
        for a in arrays:
            if isinstance(a, Number):
                if a.run is not self.run:
                    reason = "a complex number cannot carry a second derivative"
                    raise unsupported(rule.function, [self], reason, "nest jvp in jvp, or jvp in complex_step")
                values.append(a.parts[0])
                tangents.append(a.parts[1])
            else:
                values.append(a)
                tangents.append(None)
        if isinstance(rule, Elementwise) and native(rule, values, tangents):
            z = rule.function(*(a.z if isinstance(a, Complex) else a for a in arrays))
            y, dy = (np.ascontiguousarray(part)[()] if z.ndim else part for part in (z.real, z.imag))
        else:
            y = rule.evaluate(values, rest, kwargs)
            dy = rule.tangent(y, values, tangents, rest, kwargs)
        new = Complex._of(y, dy, self.run)
        if self.run.trace:
            self.follow(new, rule, arrays)
        return new

    def __repr__(self):
        return f"Complex({self.z!r})"


def native(rule, values, tangents):
    """Whether NumPy's complex version of a row is right to the last bit here."""
    if None in rule.radius:
        return False
    radii = (r(*values) if callable(r) else r for r in rule.radius)
    return all(t is None or np.all(abs(t) <= SMALL * r) for t, r in zip(tangents, radii, strict=True))
