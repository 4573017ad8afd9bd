"""Second-order optimization on plain NumPy programs: the map of the house.

A loss is a plain NumPy program; it is differentiated by running that same program on another kind of number.

==  ===============  =====================================================================================
0   ``primitives``   the one table of derivative rules, and the dispatch that every arithmetic shares
1   ``dual``         dual numbers a + b eps, and the guarded complex numbers of complex step
2   ``differences``  jvp, complex step, forward and central differences, and a check of them all
5   ``show``         the book's moving figures (it needs matplotlib and ipywidgets; import it by name)
==  ===============  =====================================================================================

A module imports only from floors below its own.

>>> f = lambda x: x**3
>>> complex_step(f, 2.0), jvp(f, 2.0, 1.0)
(np.float64(12.0), (np.float64(8.0), np.float64(12.0)))
"""

from mathlib.differences import central_difference, check_grad, complex_step, forward_difference, jvp
from mathlib.dual import Dual
from mathlib.primitives import EscapedError, NonAnalyticError, UnsupportedError

__version__ = "0.1.0"
__all__ = [
    "Dual",
    "EscapedError",
    "NonAnalyticError",
    "UnsupportedError",
    "central_difference",
    "check_grad",
    "complex_step",
    "forward_difference",
    "jvp",
]
