"""Vectors, covectors and bilinear forms without coordinates: what can be added, paired and solved, and what cannot.

A `VectorSpace` has no preferred basis. A `Vector` x and a `Covector` g (a linear map from vectors to numbers, an
element of the dual space V*) show their coordinates only to a `Basis`, and no operation mixes the two: a gradient is a
covector, a step is a vector, and it takes a map from V* to V to make one of the other. Source: Halmos, P. R. (1942).
"""

import numpy as np

from mathlib.arithmetic import Number
from mathlib.differences import jvp
from mathlib.door import array_result, finite, program, reals
from mathlib.hessian import hvp

# From here on a coordinate has fewer than four digits left of its sixteen.
WORST_CONDITION = 1e12


class VectorSpace:
    """A real vector space of finite dimension. Two of them are never the same, whatever their dimension.

    `dual` is V*, the space of linear maps from V to the reals; its dual is V again. A dimension that is not a positive
    integer is a ValueError.

    >>> V = VectorSpace(2)
    >>> e = V.basis()
    >>> x, g = e.vector([1.0, 2.0]), e.covector([3.0, 4.0])
    >>> g(x), x(g), V.dual.dual is V
    (np.float64(11.0), np.float64(11.0), True)
    >>> x - 0.1 * g
    Traceback (most recent call last):
    TypeError: a vector of V and a covector of V* cannot be subtracted. A map from V* to V is missing: an inner
    product's sharp(g), a Hessian's solve(g), or a preconditioner.
    """

    def __init__(self, dimension, name="V"):
        if not isinstance(dimension, (int, np.integer)) or dimension < 1:
            raise ValueError(f"dimension is {dimension!r}: a positive integer is needed.")
        self.dimension, self.name = int(dimension), name
        self.dual = DualSpace(self)

    def basis(self):
        """Choose a basis: this one is as arbitrary as every other, which `Basis.change` makes of it."""
        return Basis(self, np.eye(self.dimension))

    def element(self, components):
        """The vector with these components in the basis that nobody sees."""
        return Vector(self, components)

    def __repr__(self):
        return f"{type(self).__name__}({self.dimension}, {self.name!r})"


class DualSpace(VectorSpace):
    """The space V* of linear maps from V to the reals. Made with V, and found as ``V.dual``."""

    def __init__(self, dual):
        self.dimension, self.name, self.dual = dual.dimension, f"{dual.name}*", dual

    def basis(self):
        """The dual basis of V's."""
        return self.dual.basis().dual

    def element(self, components):
        """The covector with these components in the basis that nobody sees."""
        return Covector(self, components)

    def __repr__(self):
        return f"{self.dual!r}.dual"


# ------------------------------------------------------------------------- vectors and covectors


class Element:
    """What vectors and covectors share: an element of a space, which adds to its like and is multiplied by numbers."""

    __array_ufunc__ = None  # an array times a vector has no meaning
    __hash__ = None

    def __init__(self, space, components):
        self.space, self._components = space, components

    def _like(self, other, verb):
        """The components of other, if it is of the same space."""
        if isinstance(other, Element) and other.space is self.space:
            return other._components
        raise TypeError(f"{kind(self)} and {kind(other)} cannot be {verb}.{missing(self, other)}")

    def __add__(self, other):
        return self.space.element(self._components + self._like(other, "added"))

    def __sub__(self, other):
        return self.space.element(self._components - self._like(other, "subtracted"))

    def __radd__(self, other):
        self._like(other, "added")

    def __rsub__(self, other):
        self._like(other, "subtracted")

    def __mul__(self, number):
        return self.space.element(self._components * scalar(self, number, "multiplied by"))

    __rmul__ = __mul__

    def __truediv__(self, number):
        return self.space.element(self._components / scalar(self, number, "divided by"))

    def __neg__(self):
        return self.space.element(-self._components)

    def __eq__(self, other):
        return np.array_equal(self._components, self._like(other, "compared"))

    def __call__(self, other):
        """The pairing g(x) of a covector and a vector, a number of unit [g] [x]: bilinear, the same in every basis."""
        if not isinstance(other, Element) or other.space is not self.space.dual:
            raise TypeError(f"{kind(self)} is paired with an element of {self.space.dual.name}, and got {kind(other)}.")
        return self._components @ other._components

    def __array__(self, *args, **kwargs):
        raise TypeError(f"{kind(self)} has no coordinates until a basis is named. Instead: basis.coordinates(x).")

    def __repr__(self):
        return f"<{kind(self)}, of dimension {self.space.dimension}>"


class Vector(Element):
    """An element of a vector space: a point, or a step from one to another. A basis makes it: ``e.vector([1.0, 2.0])``.

    Vectors of one space are added and multiplied by numbers; a vector paired with a covector gives a number. Everything
    else is a TypeError that says which spaces met. Its unit is [x].
    """


class Covector(Element):
    """A linear map from vectors to numbers, ``g(x)``: a gradient is one. A basis makes it: ``e.covector([3.0, 4.0])``.

    Its unit is the number's over the vector's, [l] / [x] for the gradient of l. It adds to covectors alone.
    """


def kind(a):
    """How an error message names a."""
    if isinstance(a, Element):
        return f"a {type(a).__name__.lower()} of {a.space.name}"
    if isinstance(a, LinearMap):
        return f"a map from {a.source.name} to {a.target.name}"
    if isinstance(a, (list, tuple)):
        return f"a {type(a).__name__} of {len(a)}"
    shape = getattr(a, "shape", ())
    return f"an array of shape {shape}" if shape else f"the {type(a).__name__} {a}"


def missing(a, b):
    """What has to be there before a vector and a covector can meet."""
    if isinstance(a, Element) and isinstance(b, Element) and a.space is b.space.dual:
        V = a.space if isinstance(a, Vector) else b.space
        return (
            f" A map from {V.dual.name} to {V.name} is missing: an inner product's sharp(g), a Hessian's solve(g),"
            " or a preconditioner."
        )
    return ""


def scalar(a, number, verb):
    """Check that a number is one."""
    fits = isinstance(number, (int, float, np.floating, np.integer, np.ndarray, Number)) and np.shape(number) == ()
    if not fits or np.asarray(getattr(number, "primal", number)).dtype.kind not in "fiu":
        raise TypeError(f"{kind(a)} is {verb} a real number, and got {kind(number)}.")
    return number


# --------------------------------------------------------------------------------------- bases


class Basis:
    """A basis of a vector space: it gives a vector, a covector or a map its coordinates, and takes them back.

    ``x = sum_i alpha_i b_i`` has the coordinates alpha; a covector g has ``g(b_i)``, and a bilinear form H has
    ``H(b_i, b_j)``. When a basis changes by P (its columns are the new basis in the old), vectors' coordinates change
    by the inverse of P, covectors' by its transpose, and forms become ``P^T H P``. `VectorSpace.basis` makes the first.

    >>> e = VectorSpace(2).basis()
    >>> b = e.change([[2.0, 1.0], [0.0, 1.0]])
    >>> x, g = e.vector([3.0, 1.0]), e.covector([1.0, 0.0])
    >>> b.coordinates(x), b.coordinates(g)
    (array([1., 1.]), array([2., 1.]))
    >>> np.isclose(b.coordinates(g) @ b.coordinates(x), g(x))
    np.True_
    """

    def __init__(self, space, frame):
        self.space, self._frame = space, frame

    def change(self, P):
        """The basis with ``b_j = sum_i P_ij e_i``: the columns of P are the new basis in the old one.

        A P of another shape, or not finite, is a ValueError; so is a result that is not a basis, or so nearly none that
        coordinates would have lost twelve digits: the message has the condition number.
        """
        frame = self._frame @ self._matrix(P)
        condition = np.linalg.cond(frame)
        if not condition < WORST_CONDITION:
            raise ValueError(
                f"these vectors are not a basis, or too nearly none: the condition number is {condition:.3g}, and less"
                f" than {WORST_CONDITION:.0e} is needed. Instead: vectors that are further from dependent."
            )
        return Basis(self.space, frame)

    def _matrix(self, a):
        a, n = np.array(reals(a, "the matrix"), float), self.space.dimension
        if a.shape != (n, n):
            raise ValueError(f"the matrix has shape {a.shape}: {(n, n)} is needed, a row and a column a basis vector.")
        if not np.all(np.isfinite(a)):
            raise ValueError("the matrix has a NaN or an infinity in it: finite numbers are needed.")
        return a

    def _numbers(self, a):
        a = reals(a, "coordinates")
        a = a if isinstance(a, Number) else np.asarray(a, float)
        if a.shape != (self.space.dimension,):
            raise ValueError(f"the coordinates have shape {a.shape}: {(self.space.dimension,)} is needed.")
        finite(coordinates=a)
        return a

    @property
    def dual(self):
        """The basis of V* with ``e^i(e_j) = 1 if i == j else 0``; its dual is this one again."""
        return Basis(self.space.dual, np.linalg.inv(self._frame).T)

    def _frame_of(self, space):
        """The frame in which elements of this basis's space, or of its dual, have their coordinates."""
        if space is self.space:
            return self._frame
        if space is self.space.dual:
            return np.linalg.inv(self._frame).T
        raise TypeError(f"this is a basis of {self.space.name}, and has no coordinates for {space.name}.")

    def __iter__(self):
        """The basis vectors."""
        return map(self.space.element, self._frame.T)

    def vector(self, coordinates):
        """``sum_i alpha_i b_i``, for coordinates of any arithmetic; a TypeError or ValueError if they don't fit."""
        return self.space.element(self._frame @ self._numbers(coordinates))

    def covector(self, coordinates):
        """The linear map g with ``g(b_i)`` as given."""
        return self.dual.vector(coordinates)

    def coordinates(self, a):
        """The numbers that stand for a vector, a covector or a linear map in this basis, as an array."""
        if isinstance(a, LinearMap):
            return np.linalg.solve(self._frame_of(a.target), a._matrix @ self._frame_of(a.source))
        if not isinstance(a, Element):
            raise TypeError(f"{kind(a)} has no coordinates in a basis: vectors, covectors and linear maps have.")
        if a.space is self.space.dual:
            return self._frame.T @ a._components
        return np.linalg.solve(self._frame_of(a.space), a._components)

    def linear_map(self, matrix, source=None, target=None):
        """The map with this matrix in this basis, from V or V* to V or V* (`source` and `target`; V if left out)."""
        source, target = (self.space if s is None else s for s in (source, target))
        return LinearMap(
            source, target, self._frame_of(target) @ self._matrix(matrix) @ np.linalg.inv(self._frame_of(source))
        )

    def form(self, matrix):
        """The bilinear form with ``H(b_i, b_j)`` as given."""
        return BilinearForm(self.space, self.linear_map(matrix, target=self.space.dual)._matrix)

    def inner_product(self, matrix=None):
        """The inner product with ``G(b_i, b_j)`` as given; left out: the one in which this basis is orthonormal."""
        matrix = np.eye(self.space.dimension) if matrix is None else matrix
        return InnerProduct(self.space, self.linear_map(matrix, target=self.space.dual)._matrix)

    def pullback(self, f):
        """The function of coordinates, ``alpha -> f(sum_i alpha_i b_i)``, that every method on arrays can take."""
        program(f)
        return lambda alpha: f(self.vector(alpha))

    def __repr__(self):
        return f"<a basis of {self.space.name}, of dimension {self.space.dimension}>"


# ----------------------------------------------------------------------------------- linear maps


class LinearMap:
    """A linear map between V and V*, in either direction or within one of them. `Basis.linear_map` makes it.

    ``A(x)``, sums, multiples, ``A @ B`` (first B), `inverse`, and `transpose`, the map of the dual spaces with
    ``(A^T g)(x) = g(A x)``. What does not fit is a TypeError, a singular map's inverse a ValueError.

    >>> e = VectorSpace(2).basis()
    >>> A = e.linear_map([[0.0, 1.0], [0.0, 0.0]])
    >>> e.coordinates(A(e.vector([1.0, 2.0]))), e.coordinates(A.transpose(e.covector([1.0, 2.0])))
    (array([2., 0.]), array([0., 1.]))
    """

    __array_ufunc__ = None

    def __init__(self, source, target, matrix):
        self.source, self.target, self._matrix = source, target, matrix

    def __call__(self, x):
        if not isinstance(x, Element) or x.space is not self.source:
            raise TypeError(f"{kind(self)} takes an element of {self.source.name}, and got {kind(x)}.")
        return self.target.element(self._matrix @ x._components)

    def _with(self, matrix):
        """A map between the same spaces."""
        return BilinearForm(self.source, matrix) if isinstance(self, BilinearForm) else self._plain(matrix)

    def _plain(self, matrix):
        return LinearMap(self.source, self.target, matrix)

    def __add__(self, other):
        fits = isinstance(other, LinearMap) and (other.source, other.target) == (self.source, self.target)
        if not fits:
            raise TypeError(f"{kind(self)} and {kind(other)} cannot be added.")
        return self._with(self._matrix + other._matrix)

    def __sub__(self, other):
        return self + -1 * other if isinstance(other, LinearMap) else self + other

    def __mul__(self, number):
        return self._with(self._matrix * scalar(self, number, "multiplied by"))

    __rmul__ = __mul__

    def __matmul__(self, other):
        if not isinstance(other, LinearMap) or other.target is not self.source:
            raise TypeError(f"{kind(self)} cannot follow {kind(other)}.")
        return LinearMap(other.source, self.target, self._matrix @ other._matrix)

    @property
    def transpose(self):
        """The map of the dual spaces, target* to source*."""
        return LinearMap(self.target.dual, self.source.dual, self._matrix.T)

    @property
    def inverse(self):
        """The inverse map; a ValueError if there is none."""
        return LinearMap(self.target, self.source, np.linalg.inv(self._regular()))

    def solve(self, y):
        """The x with ``A(x) = y``; a ValueError if the map is singular, a TypeError if y is of another space."""
        if not isinstance(y, Element) or y.space is not self.target:
            raise TypeError(f"{kind(self)} is solved for an element of {self.target.name}, and got {kind(y)}.")
        return self.source.element(np.linalg.solve(self._regular(), y._components))

    def _regular(self):
        if not np.linalg.cond(self._matrix) < 1 / np.finfo(float).eps:
            raise ValueError(
                f"{kind(self)} is singular: it has no inverse. Instead: add a multiple of an inner product,"
                " as in (H + 0.1 * G).solve(g)."
            )
        return self._matrix

    def __repr__(self):
        return f"<{kind(self)}, of dimension {self.source.dimension}>"


class BilinearForm(LinearMap):
    """A function of two vectors, linear in each: ``H(u, v)`` is a number, and ``H(u)`` the covector that awaits v.

    So it is a map from V to V*, and where that is regular, ``H.solve(g)`` is the vector u with ``H(u) = g``. The second
    differential of l is one, of unit [l] / [x]**2; so is an inner product.

    >>> e = VectorSpace(2).basis()
    >>> H = e.form([[2.0, 0.0], [0.0, 4.0]])
    >>> H(e.vector([1.0, 1.0]), e.vector([1.0, 2.0]))
    np.float64(10.0)
    >>> e.coordinates(H.solve(e.covector([2.0, 2.0])))
    array([1. , 0.5])
    """

    def __init__(self, space, matrix):
        super().__init__(space, space.dual, matrix)

    def __call__(self, u, v=None):
        return super().__call__(u) if v is None else super().__call__(u)(v)


class InnerProduct(BilinearForm):
    """A symmetric positive definite form G: a choice of lengths and angles, and so of maps between V and V*.

    ``flat(x)`` is the covector ``G(x, .)`` and ``sharp(g)`` the vector whose flat is g: what is usually meant by the
    vector of a gradient. Another form is a ValueError. `Basis.inner_product` makes it.

    >>> e = VectorSpace(2).basis()
    >>> G = e.inner_product([[4.0, 0.0], [0.0, 1.0]])
    >>> e.coordinates(G.sharp(e.covector([4.0, 1.0]))), G.norm(e.vector([1.0, 0.0]))
    (array([1., 1.]), np.float64(2.0))
    """

    def __init__(self, space, matrix):
        super().__init__(space, (matrix + matrix.T) / 2)
        skew = np.max(np.abs(matrix - matrix.T)) > 1e-8 * np.max(np.abs(matrix))  # more than a change of basis rounds
        if skew or np.linalg.eigvalsh(self._matrix)[0] <= 0:
            raise ValueError("an inner product is symmetric and positive definite, and this form is not.")

    flat = BilinearForm.__call__
    sharp = BilinearForm.solve

    def norm(self, x):
        """The length of a vector, ``sqrt(G(x, x))``."""
        return np.sqrt(self(x, x))


# ---------------------------------------------------------------------------------- differentials


def on_components(f, x):
    """The function f of a vector as one of its components, which must give a scalar."""
    program(f)
    if not isinstance(x, Vector):
        raise TypeError(f"x is {kind(x)}: a point is a vector. Instead: basis.vector([...]).")

    def of_components(a):
        y = f(x.space.element(a))
        if isinstance(y, Element) or np.shape(array_result(y)) != ():
            raise ValueError(f"f returned {kind(y)}: only a scalar has a differential here.")
        return y

    return of_components


def differential(f, x):
    """The differential of f at x, a covector: ``df(x)[dx]`` is the coefficient of eps in ``f(x + dx eps)``.

    Parameters
    ----------
    f : a function of a `Vector` with a scalar value
        As ``lambda x: loss(e.coordinates(x))``: it may name any basis.
    x : Vector

    Returns
    -------
    Covector
        No basis is in it. Its unit is [f] / [x]. It costs a pass of dual numbers a dimension.

    Raises
    ------
    TypeError, ValueError, UnsupportedError, FloatingPointError
        x is not a Vector, f not a scalar; else as for `jvp`

    References
    ----------
    Fréchet, M. (1911); Clifford, W. K. (1873).

    Examples
    --------
    >>> e = VectorSpace(2).basis()
    >>> f = lambda x: np.prod(e.coordinates(x))
    >>> g = differential(f, e.vector([3.0, 4.0]))
    >>> g(e.vector([1.0, 0.0])), e.coordinates(g)
    (np.float64(4.0), array([4., 3.]))
    """
    along = on_components(f, x)
    return Covector(x.space.dual, np.stack([jvp(along, x._components, e)[1] for e in np.eye(x.space.dimension)]))


def second_differential(f, x):
    """The second differential of f at x, a symmetric bilinear form: ``H(u, v) = d(df . u) . v``, the Hessian.

    Parameters and errors are those of `differential`. The result is a map from V to V*, of unit [f] / [x]**2, and
    holds no basis. Source: Fréchet, M. (1911).

    >>> e = VectorSpace(2).basis()
    >>> f = lambda x: np.prod(e.coordinates(x) ** 2)
    >>> x = e.vector([1.0, 2.0])
    >>> H = second_differential(f, x)
    >>> H(e.vector([1.0, 0.0]), e.vector([0.0, 1.0])).round(12)
    np.float64(8.0)
    >>> e.coordinates(x - H.solve(differential(f, x))).round(12)
    array([0.66666667, 1.33333333])
    """
    along = on_components(f, x)
    H = np.stack([hvp(along, x._components, e) for e in np.eye(x.space.dimension)])
    return BilinearForm(x.space, (H + H.T) / 2)


def basis_matching(g, d):
    """A basis in which the covector g and the vector d have the same coordinates: there is one where g(d) > 0.

    Only there: with equal coordinates c, ``g(d) = c . c > 0``. With u = g / ``|g|``, the columns of
    ``P = (|d| (I - u u^T) + d u^T) / sqrt(g(d))`` are the basis, since both P^T g and P^-1 d are ``sqrt(g(d)) u``.
    So ``M = P P^T`` satisfies M g = d, the secant equation. Of all such bases this one has the smallest condition
    number, ``tan(pi/4 + phi/2)``, with phi the angle of g and d in the basis that nobody sees.

    Parameters
    ----------
    g : Covector
    d : Vector of the space that g is the dual of

    Raises
    ------
    TypeError
        g is no covector, or d no vector, of one space
    ValueError
        g(d) is not positive, or so small that the basis would be too nearly none (see `Basis.change`)

    References
    ----------
    McAllester, D. (2017); Broyden, C. G. (1967), for the secant equation.

    Examples
    --------
    >>> e = VectorSpace(2).basis()
    >>> g, d = e.covector([3.0, 4.0]), e.vector([2.0, 1.0])
    >>> b = basis_matching(g, d)
    >>> b.coordinates(g).round(12), b.coordinates(d).round(12)
    (array([1.8973666 , 2.52982213]), array([1.8973666 , 2.52982213]))
    """
    if not isinstance(g, Covector) or not isinstance(d, Vector):
        raise TypeError(f"a covector and a vector are needed, and {kind(g)} and {kind(d)} came.")
    if not g(d) > 0:
        raise ValueError(
            f"g(d) is {g(d):.6g}: with the same coordinates c in some basis it would be c . c > 0."
            " Instead: a direction along which l grows, as -d if l falls along d."
        )
    u, a = g._components / np.linalg.norm(g._components), d._components
    P = np.linalg.norm(a) * (np.eye(len(a)) - np.outer(u, u)) + np.outer(a, u)
    try:
        return d.space.basis().change(P / np.sqrt(g(d)))
    except ValueError as error:
        raise ValueError(f"g(d) is {g(d):.3g}, and so no basis is found in floating-point numbers: {error}") from None
