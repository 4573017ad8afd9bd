"""Norms on the weights of a layer: each makes a vector of a covector, the steepest step of length one.

A gradient g is a covector: a number ``g(d) = sum(g * d)`` for every step d. Once a norm says how long a step is, one
step of length 1 gains the most: ``norm.steepest(g)``; what it gains is the size of g, the dual norm. For an inner
product it is the direction of `spaces.InnerProduct.sharp`. Sources: Boyd, S. and Vandenberghe, L. (2004), section 9.4;
Bernstein, J. and Newhouse, L. (2024), arXiv 2409.20325.

Every norm has three methods. Steps, gradients and results are arrays of floats, W of shape (inputs, outputs) as for
``X @ W``, or filters (F, F, C, C') with F F C inputs:

==================  ===================================================================  ======================
``norm(d)``         the length of a step, a number of unit [d]                           a program of NumPy
``norm.dual(g)``    the largest g(d) with norm(d) = 1, a number of unit [g]              a program of NumPy
``norm.steepest``   ``(g)`` gives the d with norm(d) = 1 and g(d) = dual(g), unit [d]    of g's shape
==================  ===================================================================  ======================

Where several d gain as much, `steepest` is the one that moves no more than it must: 0 where g is 0, on the axes or in
the directions where g says nothing. A TypeError or a ValueError says what is of a wrong shape, not of floats, or not
finite.
"""

import math

import numpy as np

from mathlib.arithmetic import Number, real_value
from mathlib.door import finite, floats, real, reals, refuse_type, whole
from mathlib.stochastic.blocks import Blocks, as_matrix, is_shape
from mathlib.stochastic.steepest import newton_schulz, orthogonal

# From here on a metric's solutions have fewer than four digits left of sixteen.
WORST_CONDITION = 1e12


class Norm:
    """What norms share: the checks at the door, and a scale that no square overflows or loses."""

    def __call__(self, d):
        d, size = self._checked(d, "d")
        return size * self._length(d / size)

    def dual(self, g):
        """The largest g(d) of a step of length 1."""
        g, size = self._checked(g, "g")
        return size * self._dual(g / size)

    def steepest(self, g):
        """The step of length 1 with the largest g(d); 0 for g = 0."""
        g, size = self._checked(g, "g")
        if isinstance(g, Number):
            raise TypeError("g is no plain array: steepest is not differentiated. Instead: grad of dual, or of norm.")
        return (self._steepest(g / size) if np.any(g) else 0 * g)[()]

    def _checked(self, a, name):
        """The array and its largest entry, a constant."""
        a = floats(a, name)
        finite(**{name: a})
        if not np.size(a):
            raise ValueError(f"{name} has shape {np.shape(a)}: at least one number is needed.")
        self._fits(a, name)
        return a, np.max(np.abs(real_value(a))) or 1

    def __repr__(self):
        return f"<the norm {type(self).__name__}>"

    def _fits(self, a, name):
        """Refuse a shape that the norm is not for."""


class Euclidean(Norm):
    """The length ``sqrt(sum d**2)`` (of a matrix, Frobenius's); it is its own dual, and ``g / |g|`` is steepest.

    >>> Euclidean()(np.array([3.0, 4.0])), Euclidean().steepest(np.array([3.0, 4.0]))
    (np.float64(5.0), array([0.6, 0.8]))
    """

    def _length(self, d):
        return np.sqrt(np.sum(d**2))

    _dual = _length

    def _steepest(self, g):
        return g / self._length(g)


class Max(Norm):
    """The largest entry, ``max |d|``; its dual is ``sum |g|``, and ``sign(g)`` is steepest (Bernstein et al. 2018).

    >>> g = np.array([3.0, -4.0, 0.0])
    >>> Max()(g), Max().dual(g), Max().steepest(g)
    (np.float64(4.0), np.float64(7.0), array([ 1., -1.,  0.]))
    """

    def _length(self, d):
        return np.max(np.abs(d))

    def _dual(self, g):
        return np.sum(np.abs(g))

    def _steepest(self, g):
        return np.sign(g)


class Weighted(Norm):
    """The length ``sqrt(d . M d)`` of a metric M, symmetric and positive definite, (n, n) for steps of n numbers.

    Its dual is ``sqrt(g . M^-1 g)``, and ``M^-1 g`` over that is steepest: `spaces.InnerProduct.sharp`, of length 1. M
    is of unit [norm]**2 / [d]**2. An M that is not such a metric, or singular to twelve digits, is a ValueError.

    >>> norm = Weighted([[4.0, 0.0], [0.0, 1.0]])
    >>> norm(np.array([1.0, 0.0])), norm.dual(np.array([4.0, 0.0])), norm.steepest(np.array([4.0, 0.0]))
    (np.float64(2.0), np.float64(2.0), array([0.5, 0. ]))
    """

    def __init__(self, M):
        M = np.array(reals(M, "M"), float)
        if M.ndim != 2 or M.shape[0] != M.shape[1] or not M.size:
            raise ValueError(f"M has shape {M.shape}: a square matrix is needed. Instead: np.diag(m) for weights m.")
        finite(M=M)
        if not np.allclose(M, M.T, rtol=1e-8, atol=1e-8 * np.max(abs(M))):
            raise ValueError("M is not symmetric: a metric is needed. Instead: (M + M.T) / 2.")
        M = (M + M.T) / 2
        low, high = np.linalg.eigvalsh(M)[[0, -1]]
        if low <= high / WORST_CONDITION:
            raise ValueError(
                f"M has eigenvalues from {low:.3g} to {high:.3g}: positive ones are needed, the least above"
                f" {1 / WORST_CONDITION:.0e} of the largest. Instead: M + damping * np.eye({len(M)})."
            )
        self.M = M

    def _fits(self, a, name):
        refuse_type(a, name)
        if np.size(a) != len(self.M):
            raise ValueError(f"{name} has shape {np.shape(a)} and M {self.M.shape}: they must fit.")

    def _length(self, d):
        d = np.reshape(d, (-1,))
        return np.sqrt(np.sum(d * (self.M.astype(d.dtype) @ d)))

    def _dual(self, g):
        g = np.reshape(g, (-1,))
        return np.sqrt(np.sum(g * np.linalg.solve(self.M.astype(g.dtype), g)))

    def _steepest(self, g):
        Mg = np.linalg.solve(self.M, np.ravel(g))
        return np.reshape(Mg / np.sqrt(np.sum(np.ravel(g) * Mg)), np.shape(g)).astype(g.dtype)


class Spectral(Norm):
    """The largest singular value: by how much X W is longer than X, at most; ``U V^T`` is steepest for G = U S V^T.

    Its dual is the nuclear norm, the sum of the singular values. A G of rank r gets r singular values of 1, the others
    stay 0. With `iterations`, `steepest` is that of Jordan's Newton-Schulz iteration, and `departure` says how far its
    singular values are from 1; the length and its dual are exact. What is no matrix nor filter is a ValueError.
    Sources: Bernstein, J. and Newhouse, L. (2024); Jordan, K. et al. (2024).

    >>> G = np.array([[0.0, 3.0], [-1.0, 0.0]])
    >>> Spectral()(G), Spectral().dual(G), Spectral().steepest(G) + 0.0
    (np.float64(3.0), np.float64(4.0), array([[ 0.,  1.],
           [-1.,  0.]]))
    >>> 0.1 < Spectral(iterations=5).departure(G) < 0.35
    True
    """

    def __init__(self, iterations=None):
        if iterations is not None:
            whole(1, iterations=iterations)
        self.iterations = iterations

    def _fits(self, a, name):
        refuse_type(a, name)
        if np.ndim(a) not in (2, 4):
            raise ValueError(
                f"{name} has shape {np.shape(a)}: a matrix (inputs, outputs) or a filter (F, F, C, C') is needed."
                " Instead: RMS() or Euclidean() for a vector, a Network of norms for all layers."
            )

    def _length(self, d):
        return np.linalg.norm(as_matrix(d), 2)

    def _dual(self, g):
        return np.linalg.norm(as_matrix(g), "nuc")

    def _steepest(self, g):
        G = as_matrix(g)
        return np.reshape(newton_schulz(G, self.iterations) if self.iterations else orthogonal(G), g.shape)

    def departure(self, g):
        """The largest distance from 1 of the singular values of steepest(g), of those that are not 0 in g."""
        G, rank = as_matrix(self.steepest(g)), np.linalg.matrix_rank(as_matrix(floats(g, "g")))
        return float(np.max(abs(np.linalg.svd(G, compute_uv=False)[:rank] - 1), initial=0))


class RMS(Norm):
    """The norm that the size of a layer does not change: the root mean square of a vector; of a matrix, its gain of it.

    A vector b of n numbers is ``sqrt(sum b**2 / n)`` long, and ``sqrt(n) g / |g|`` is steepest. W is as long as ``X W``
    has a larger root mean square than X, at most: ``sqrt(inputs / outputs)`` times the spectral norm; and
    ``sqrt(outputs / inputs) U V^T`` is steepest. `iterations` and errors are those of `Spectral`. Source: Bernstein, J.
    and Newhouse, L. (2024), arXiv 2410.21265.

    >>> RMS()(np.array([3.0, 3.0, 3.0, 3.0])), RMS()(np.ones((4, 1))), RMS().steepest(np.ones((4, 1))).ravel()
    (np.float64(3.0), np.float64(4.0), array([0.25, 0.25, 0.25, 0.25]))
    """

    def __init__(self, iterations=None):
        self._spectral = Spectral(iterations)

    def _fits(self, a, name):
        if np.ndim(a) > 1:
            self._spectral._fits(a, name)

    def _parts(self, a):
        """The norm without its scale, and the scale."""
        if np.ndim(a) < 2:
            return Euclidean(), np.size(a) ** -0.5
        inputs, outputs = math.prod(a.shape[:-1]), a.shape[-1]
        return self._spectral, (inputs / outputs) ** 0.5

    def _length(self, d):
        norm, scale = self._parts(d)
        return scale * norm._length(d)

    def _dual(self, g):
        norm, scale = self._parts(g)
        return norm._dual(g) / scale

    def _steepest(self, g):
        norm, scale = self._parts(g)
        return norm._steepest(g) / scale


class Network(Norm):
    """The norm of a network: the largest of its layers' norms, each times its scale.

    Its dual is the sum of the layers' duals over their scales; the steepest step takes each layer's steepest step over
    its scale: all layers move, and none waits for another. `blocks` is ``model.unravel``, or another that `Blocks`
    takes, of theta's shapes; `norms` is a norm for all layers or a list with one a layer, `scales` a positive number or
    a list likewise, of unit [norm] / [layer's norm]. What does not fit is a TypeError or a ValueError. Source:
    Bernstein, J. and Newhouse, L. (2024), arXiv 2410.21265.

    >>> norm = Network([(2, 2), (2,)], [Spectral(), Max()], scales=[1.0, 2.0])
    >>> norm(np.array([3.0, 0.0, 0.0, 1.0, 4.0, 0.0])), norm.steepest(np.array([3.0, 0.0, 0.0, 1.0, 4.0, 0.0]))
    (np.float64(8.0), array([1. , 0. , 0. , 1. , 0.5, 0. ]))
    """

    def __init__(self, blocks, norms, scales=1.0):
        shapes = getattr(blocks, "shapes", blocks)
        if not isinstance(shapes, (list, tuple)) or not all(map(is_shape, shapes)) or not shapes:
            raise TypeError(
                f"blocks is a {type(blocks).__name__}: model.unravel, the function beside theta in `theta, unravel ="
                " ravel([W, b])`, or a list of shapes is needed."
            )
        self.shapes = list(shapes)
        self.norms = [norms] * len(shapes) if isinstance(norms, Norm) else norms
        if not isinstance(self.norms, (list, tuple)) or not all(isinstance(norm, Norm) for norm in self.norms):
            raise TypeError(f"norms is a {type(norms).__name__}: a norm, or a list of norms, is needed.")
        several = isinstance(scales, (list, tuple))
        self.scales = [real(c, "a scale") for c in scales] if several else [real(scales, "scales")] * len(shapes)
        if not len(self.norms) == len(self.scales) == len(shapes):
            raise ValueError(
                f"there are {len(self.norms)} norms and {len(self.scales)} scales: {len(shapes)} are needed."
            )
        if not all(0 < c < math.inf for c in self.scales):
            raise ValueError(f"scales holds {min(self.scales)}: positive, finite numbers are needed.")
        for i, (norm, shape) in enumerate(zip(self.norms, self.shapes, strict=True)):
            norm._checked(np.zeros(shape), f"layer {i}")

    def _fits(self, a, name):
        Blocks(self.shapes, a)

    def _layers(self, a):
        return zip(self.norms, Blocks(self.shapes, a)(a), self.scales, strict=True)

    def _length(self, d):
        return np.max(np.stack([c * norm(part) for norm, part, c in self._layers(d)]))

    def _dual(self, g):
        return np.sum(np.stack([norm.dual(part) / c for norm, part, c in self._layers(g)]))

    def _steepest(self, g):
        return Blocks(self.shapes, g).joined([norm.steepest(part) / c for norm, part, c in self._layers(g)])
