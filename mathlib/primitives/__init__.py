"""The one table of derivative rules: every row serves every arithmetic, forward and reverse.

A row is one line where the mathematics is. What the kinds of row mean, and how to add one, says
`mathlib.arithmetic`. The rooms hold, in this order:

==================  ==========================================================================================
``elementary``      functions of one or two numbers
``shapes``          what is linear in all of its arrays: sums, changes of shape, indexing, joining and cutting
``products``        what is linear in each of its arrays
``linear_algebra``  inverses, determinants, solutions
``reductions``      extrema, products, norms, statistics
``constants``       what has no derivative
``arrays``          what creates, joins, cuts and moves arrays; arrays of objects
==================  ==========================================================================================
"""

from mathlib.arithmetic import TABLE, composite, discrete, elementwise, general, multilinear, primitive
from mathlib.primitives import arrays, constants, products, reductions  # noqa: F401, they fill the table
from mathlib.primitives.elementary import gap, one_minus_square, sech2, sigmoid
from mathlib.primitives.linear_algebra import cofactors, cofactors_along, logabsdet
from mathlib.primitives.shapes import Piece, assemble, deposit, part

__all__ = ["TABLE", "composite", "discrete", "elementwise", "general", "multilinear", "primitive"]
__all__ += ["Piece", "assemble", "cofactors", "cofactors_along", "deposit", "gap", "logabsdet"]
__all__ += ["one_minus_square", "part", "sech2", "sigmoid"]
