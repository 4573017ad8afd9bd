"""Second-order optimization on plain NumPy programs: the map of the house.

A loss is a plain NumPy program; it is differentiated by running that same program on another kind of number.

==  ===============  ===============================================================================================
0   ``arithmetic``   what every arithmetic shares: kinds of derivative rule, dispatch, what a number is
0   ``primitives``   the one table of derivative rules, a folder
0   ``door``         what every function asks of its arguments, and of what a program returns
1   ``dual``         dual numbers a + b eps, and the guarded complex numbers of complex step
1   ``nn``           layers, losses and two small networks (import it by name)
2   ``differences``  jvp, complex step, forward and central differences
3   ``backprop``     nodes on a tape: gradients, transposed Jacobians, graphs
4   ``hessian``      Hessian-vector products by every route, the Hessian as an operator
4   ``curvature``    Gauss-Newton and Fisher forms of a composed loss (import it by name)
4   ``compiler``     a loss and its derivatives as straight-line NumPy, to be run and to be read; a folder
5   ``check``        every derivative against an independent one
5   ``spaces``       vectors, covectors, bases, forms; differentials without coordinates (import it by name)
5   ``optimize``     Newton and quasi-Newton methods as generators of steps, and what drives them (import it by name)
5   ``stochastic``   minibatches, SGD, Adam, and what came since; noise and drift of the gradient: a wing (import it by
                     name)
5   ``norms``        norms on layers, their dual norms, and the steepest step of each (import it by name)
6   ``invariance``   whether an optimizer depends on units and on coordinates (import it by name)
6   ``problems``     data, and problems to test a method on (import it by name)
6   ``exercises``    checks of the book's exercises, a module a chapter (import it by name)
6   ``measured``     tables that were measured once, which the book reads (import it by name)
6   ``show``         the book's moving figures, the drawings in a folder of their own (it needs matplotlib and
                     ipywidgets; import it by name)
==  ===============  ===============================================================================================

A module imports only from floors below its own, or from one above it in this list.

>>> f = lambda x: x**3
>>> complex_step(f, 2.0), jvp(f, 2.0, 1.0), grad(f)(2.0), hvp(f, 2.0, 1.0)
(np.float64(12.0), (np.float64(8.0), np.float64(12.0)), np.float64(12.0), np.float64(12.0))
"""

from mathlib import primitives  # noqa: F401, it fills the table
from mathlib.arithmetic import EscapedError, NonAnalyticError, UnsupportedError
from mathlib.backprop import ConstantLossWarning, grad, value_and_grad, vjp
from mathlib.check import check_grad
from mathlib.compiler import compiled, source
from mathlib.differences import central_difference, complex_step, forward_difference, jvp
from mathlib.dual import Dual
from mathlib.hessian import grad_and_hvp, hessian, hvp

__version__ = "1.0.0"
__all__ = [
    "ConstantLossWarning",
    "Dual",
    "EscapedError",
    "NonAnalyticError",
    "UnsupportedError",
    "central_difference",
    "check_grad",
    "compiled",
    "complex_step",
    "forward_difference",
    "grad",
    "grad_and_hvp",
    "hessian",
    "hvp",
    "jvp",
    "source",
    "value_and_grad",
    "vjp",
]
