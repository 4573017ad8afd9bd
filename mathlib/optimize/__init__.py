"""Minimization of plain NumPy losses: the map of this wing.

=================  ===================================================================================
``objective``      `Step`, and a loss that counts its evaluations
``line_search``    how far to go: `armijo`, `strong_wolfe`, `exact`
``minimize``       `minimize` drives any method, also your own generator of steps
``scipy_protocol`` what `scipy.optimize.minimize(method=...)` gives and wants
``method``         the checks at the door of each method
``quasi_newton``   `gradient_descent`, `conjugate_gradient`, `bfgs`, `lbfgs`: M fixed, implied, learned
``newton``         `newton`, `damped_newton`, `modified_newton`, `newton_cg`
``gauss_newton``   `gauss_newton`, `natural_gradient`, of losses that know the model's output
=================  ===================================================================================

A method is a generator: it yields a `Step` with theta, loss and gradient, then makes the next theta from it.

>>> import numpy as np
>>> loss = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
>>> for step in newton(loss, np.array([-1.2, 1.0])):
...     if np.max(np.abs(step.gradient)) < 1e-8:
...         break
>>> step.theta.round(6)
array([1., 1.])
>>> minimize(bfgs, loss, np.array([-1.2, 1.0])).theta.round(6)
array([1., 1.])
"""

from mathlib.optimize.gauss_newton import gauss_newton, natural_gradient
from mathlib.optimize.line_search import armijo, exact, strong_wolfe
from mathlib.optimize.minimize import Result, minimize
from mathlib.optimize.newton import damped_newton, modified_newton, newton, newton_cg
from mathlib.optimize.objective import Objective, Step
from mathlib.optimize.quasi_newton import bfgs, conjugate_gradient, gradient_descent, lbfgs

__all__ = [
    "Objective",
    "Result",
    "Step",
    "armijo",
    "bfgs",
    "conjugate_gradient",
    "damped_newton",
    "exact",
    "gauss_newton",
    "gradient_descent",
    "lbfgs",
    "minimize",
    "modified_newton",
    "natural_gradient",
    "newton",
    "newton_cg",
    "strong_wolfe",
]
