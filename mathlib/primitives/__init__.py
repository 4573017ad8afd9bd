"""The one table of derivative rules: every row serves every arithmetic, forward and reverse.

A row is one line where the mathematics is. What the kinds of row mean, and how to add one, says
`mathlib.arithmetic`. The rooms hold, in this order:

==================  ==========================================================================================
``elementary``      functions of one or two numbers
``shapes``          what is linear in all of its arrays: sums, changes of shape, indexing, joining and cutting
``products``        what is linear in each of its arrays
``linear_algebra``  inverses, determinants, solutions
``decompositions``  eigenvalues, singular values, triangular and orthogonal factors, least squares
``reductions``      extrema, products, norms, statistics
``sparse``          products with a sparse matrix of SciPy's
``statistics``      quantiles, covariances, what passes over a NaN; calculus of tables of numbers, polynomials
``fourier``         real Fourier transforms, and the pair that stands for a complex array
``constants``       what has no derivative
``arrays``          what creates, joins, cuts and moves arrays; arrays of objects
``blocks``          how many tangents go through a row at once
==================  ==========================================================================================

Not imported here: ``special``, the functions of `scipy.special`, which the first of them that meets a Number brings,
and ``replacements``, what to write for what SciPy does not dispatch. NumPy alone is needed.
"""

from mathlib.arithmetic import TABLE, composite, discrete, elementwise, general, multilinear, primitive
from mathlib.primitives import arrays, blocks, constants, fourier, products, reductions, sparse, statistics  # noqa: F401  # noqa: F401, I001, they read what the others have put into the table
from mathlib.primitives.decompositions import cho_solve, expm, solve_triangular
from mathlib.primitives.elementary import gap, one_minus_square, sech2, sigmoid
from mathlib.primitives.linear_algebra import cofactors, cofactors_along, logabsdet
from mathlib.primitives.shapes import Piece, assemble, deposit, is_basic, part

__all__ = ["TABLE", "composite", "discrete", "elementwise", "general", "multilinear", "primitive"]
__all__ += ["Piece", "assemble", "cho_solve", "cofactors", "cofactors_along", "deposit", "expm", "gap", "is_basic"]
__all__ += ["logabsdet", "one_minus_square", "part", "sech2", "sigmoid", "solve_triangular"]
