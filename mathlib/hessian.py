"""Hessian-vector products: by every route, and as an operator that is recorded once.

The Hessian H of a loss is a bilinear form on the space of theta, of unit [l] / [theta]**2. H v is the derivative of
the gradient along v, a covector. It costs a few gradients, where all of H costs as many as theta has components.
"""

import collections
import contextlib
import functools
import math

import numpy as np

from mathlib.arithmetic import TABLE, Number, Run, UnsupportedError, product_tangent, product_tangents, underflows
from mathlib.backprop import MATMUL, RESHAPE, Node, grad, gradient, record, vjp
from mathlib.differences import central_difference, complex_step_along
from mathlib.door import (
    columns_of,
    direction,
    entropy,
    finite,
    floats,
    in_range,
    is_block,
    is_finite,
    one_of,
    point_and_direction,
    program,
    real,
    reals,
    whole,
)
from mathlib.dual import Complex, Dual
from mathlib.primitives import assemble, deposit
from mathlib.primitives.blocks import before_last

EPS, ASSEMBLE, WIDEST = 2.0**-50, TABLE[assemble], 32


INSIDE = "an operator records plain numbers, and stands inside of another differentiation. Instead: hvp, jvp, vjp."


def hvp(loss, theta, v, method="dual"):
    """The Hessian-vector product ``H v = d/dt grad(theta + t v)`` at t = 0.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
    theta : float or array of floats
    v : the same, of theta's shape
        With one axis more, the last, it is a block of vectors, and so is the result: one pass of larger matrix products
        for them all where `method` is "dual", one pass a vector elsewhere.
    method : str
        "dual": backpropagation run on dual numbers theta + v eps; exact, and the fastest.
        "complex_step": backpropagation run on theta + i 2**-50 v; ``H v = Im grad(theta + i eps v) / eps``.
        "double_backprop": the gradient of ``grad(theta) . v``, by backpropagation through backpropagation.
        "finite_difference": the central difference of two gradients; about five digits are lost.

    Returns
    -------
    the components of the covector H v, in theta's shape, of unit [l] [v] / [theta]**2

    Raises
    ------
    TypeError, ValueError, UnsupportedError, FloatingPointError
        As for `value_and_grad`; ValueError also for a v of another shape, or a method that does not exist

    References
    ----------
    Pearlmutter, B. A. (1994); Lyness, J. N. and Moler, C. B. (1967).

    Examples
    --------
    >>> loss = lambda x: x[0] ** 2 * x[1]
    >>> hvp(loss, np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    >>> hvp(loss, np.array([1.0, 2.0]), np.eye(2))  # a block of two vectors: the matrix
    array([[4., 2.],
           [2., 0.]])
    """
    program(loss)
    one_of(("dual", "complex_step", "double_backprop", "finite_difference"), method=method)
    if method == "dual" and (planned := getattr(loss, "hvp", None)):
        return planned(theta, v)
    theta, v = point_and_direction(theta, v, "theta", block=True)
    if method == "dual":
        return dual_parts(loss, theta, v, (1,))[0]
    if is_block(theta, v):
        return joined([hvp(loss, theta, column, method) for column in columns_of(v)], theta)
    if method == "complex_step":
        lost, step = [], complex_step_along(v, EPS)
        with contextlib.suppress(FloatingPointError):
            Hv = first_order(loss, Complex._of(theta, v * step, Run()), (1,), lost)[0] / step
            if not lost and is_finite(Hv):
                return Hv
        # So short a step has left the range of the numbers: they follow a long one to first order.
        return first_order(loss, Complex._of(theta, v, Run()), (1,))[0]
    if method == "double_backprop":
        return vjp(grad(loss), theta)[1](v)  # H is symmetric: v . H
    return central_difference(grad(loss), theta, v)


def grad_and_hvp(loss, theta, v):
    """The gradient and the Hessian-vector product, ``(grad, H v)``, in one pass of dual numbers.

    Shapes, units and errors are those of `grad` and `hvp`; v may be a block, too. Source: Pearlmutter, B. A. (1994).

    >>> grad_and_hvp(lambda x: x**3, 2.0, 1.0)
    (np.float64(12.0), np.float64(12.0))
    """
    program(loss)
    if planned := getattr(loss, "grad_and_hvp", None):
        return tuple(planned(theta, v))
    theta, v = point_and_direction(theta, v, "theta", block=True)
    return tuple(dual_parts(loss, theta, v, (0, 1)))


def dual_parts(loss, theta, v, wanted):
    """The wanted parts of the gradient on theta + v eps; of a block, of each vector alone where it leaves the range."""
    block = is_block(theta, v)
    try:
        return first_order(loss, Dual._of(theta, v, Run(block=block)), wanted)
    except FloatingPointError:
        if not block or not v.shape[-1]:
            raise
    alone = [first_order(loss, Dual._of(theta, column, Run()), wanted) for column in columns_of(v)]
    return [*alone[0][:-1], joined([parts[-1] for parts in alone], theta)]


def joined(columns, theta):
    """The block of these vectors, of theta's shape."""
    return np.stack(columns, -1) if columns else np.zeros((*np.shape(theta), 0), theta.dtype)


def first_order(loss, theta, wanted, lost=None):
    """Backpropagation run on a first-order number: the wanted parts of the gradient."""
    try:
        return gradient(loss, theta, wanted, lost)[1]
    finally:
        theta.run.alive = False


def hessian(loss, theta):
    """The Hessian of a loss at theta, as an operator: the gradient's graph is recorded once, then ``H @ v`` is cheap.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
    theta : float or array of floats

    Returns
    -------
    Hessian

    Raises
    ------
    TypeError, ValueError, UnsupportedError, FloatingPointError
        As for `value_and_grad`

    Examples
    --------
    >>> H = hessian(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]))
    >>> H @ np.array([1.0, 0.0])
    array([4., 2.])
    >>> H.dense()
    array([[4., 2.],
           [2., 0.]])
    """
    return Hessian(loss, theta)


class Symmetric:
    """A symmetric operator at a theta, of which a subclass says ``alone(v)`` and ``at_once(block)``.

    It also has a `name`, a `letter`, a `theta`, and `together`: how many columns `at_once` takes.
    """

    def stands_at(self, theta):
        """Check theta and keep it."""
        if isinstance(theta, Number):
            raise UnsupportedError(INSIDE)
        theta = np.array(floats(theta, "theta"))[()]  # later changes of it must not show
        finite(theta=theta)
        self.theta, self.theta_shape, self.dtype, self.shape = theta, theta.shape, theta.dtype, (theta.size, theta.size)
        return theta

    def __repr__(self):
        n, at, use = self.shape[0], self.theta_shape, "H @ v multiplies, H.dense() is its matrix"
        return f"<a {self.name}, {n} x {n}, at a theta of shape {at}: {use.replace('H', self.letter)}>"

    def __matmul__(self, v):
        if isinstance(v, Number):
            raise UnsupportedError(INSIDE)
        v = np.asarray(reals(v, "v"))
        v = direction(self.theta, v, "theta", block=True)[1]
        if not is_block(self.theta, v):
            return self.alone(v)
        starts = range(0, v.shape[-1], self.together)
        products = [self.at_once(np.ascontiguousarray(v[..., j : j + self.together])) for j in starts]
        return np.concatenate(products, -1) if products else joined([], self.theta)

    def __rmatmul__(self, v):
        return self @ v  # it is symmetric

    def __array__(self, dtype=None, copy=None):
        return self.dense().astype(dtype or self.dtype)

    __array_ufunc__ = None  # so that v @ H comes here

    def matvec(self, x):
        """The product with a vector of theta's components, whatever theta's shape is."""
        x = np.asarray(reals(x, "x"))
        if x.size != self.shape[0]:
            raise ValueError(f"x has shape {x.shape}: ({self.shape[0]},) is needed, theta's components.")
        return np.ravel(self @ np.reshape(x, self.theta_shape))

    rmatvec = matvec

    def quadratic(self, u, v):
        """The number ``u . H v``, of unit [H] [u] [v]."""
        u, v = (direction(self.theta, a, "theta")[1] for a in (u, v))
        return np.vdot(u, self @ v)

    def dense(self):
        """The matrix in theta's coordinates, a block of columns a pass, for a few thousand components."""
        n = self.shape[0]
        if n > 20_000:
            raise ValueError(
                f"the matrix would have {n} x {n} components. Instead: H @ v, and methods that use only it."
            )
        M = np.empty((n, n), self.dtype)
        for j in range(0, n, self.together):
            unit = np.eye(n, min(self.together, n - j), -j, self.dtype)
            columns = self @ np.reshape(unit, (*self.theta_shape, unit.shape[1]))
            M[:, j : j + self.together] = np.reshape(columns, unit.shape)
        return M


class Hessian(Symmetric):
    """The Hessian at one point, symmetric, as an operator; see `hessian`. Threads can share it.

    ``H @ v`` is the tangent of the recorded gradient: one pass along its graph, with the partial derivatives known.
    v has theta's shape; a block of k vectors has one more axis, the last. `shape`, `dtype` and `matvec` are what
    `scipy.sparse.linalg` needs. `value` and `gradient` are the loss's.

    >>> H = hessian(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    >>> H
    <a Hessian, 2 x 2, at a theta of shape (2,): H @ v multiplies, H.dense() is its matrix>
    >>> H @ np.eye(2), H.quadratic(np.ones(2), np.ones(2)), H.gradient
    (array([[ 6.,  0.],
           [ 0., 12.]]), np.float64(18.0), array([ 3., 12.]))
    """

    name, letter = "Hessian", "H"

    def __init__(self, loss, theta):
        program(loss)
        self.loss = loss
        theta = self.stands_at(theta)
        # Of a compiled loss, the products' programs, by the columns of a block.
        linearized = getattr(loss, "linearized", None)
        self.plans = {(): linear} if linearized and (linear := linearized(theta)) else {}
        if self.plans:
            self.value, self.gradient, self.plans[()] = self.plans[()]
            self.reading, self.together = loss.reading(), WIDEST
        else:
            self.record(loss)

    def record(self, loss):
        """Record the graph of the gradient."""
        theta = self.theta

        def both(node):
            self.value, self.gradient = gradient(loss, node)
            return self.gradient

        _, tape, g = record(both, theta)
        self.value, self.gradient = (a.value if isinstance(a, Node) else a for a in (self.value, self.gradient))
        if isinstance(self.gradient, Number):
            raise UnsupportedError(INSIDE)
        self.gradient = self.gradient.astype(theta.dtype, copy=False)
        self.tangent = Tangent(tape, g.line) if tape else constant_tangent
        self.together = columns_at_once(self.tangent.largest) if tape else WIDEST

    def planned(self, v):
        """The product by a program of the compiled loss; None, if it has none for this v."""
        k = v.shape[len(self.theta_shape) :]
        if k not in self.plans and 0 not in k and self.loss.reading() is self.reading:
            self.plans[k] = linear[2] if (linear := self.loss.linearized(self.theta, k)) else None
        answer = self.plans[k](v) if self.plans.get(k) else None
        return None if answer is None else answer[0]

    def alone(self, v):
        """The product with one vector, scaled where a number on the way leaves the range."""
        if self.plans:
            return hvp(self.loss, self.theta, v) if (Hv := self.planned(v)) is None else Hv

        def derive(size):
            with np.errstate(all="ignore"):
                Hv, lost = self.tangent(v if size == 1 else v * size)
                return [Hv if size == 1 else Hv / size], lost

        if (Hv := in_range(derive, self.dtype)) is None:
            hvp(self.loss, self.theta, v)  # it says where
            raise FloatingPointError("H v overflows. Instead: a shorter v; the product is linear in it.")
        return Hv[0].astype(self.dtype, copy=False)

    def at_once(self, v):
        """The product with a block of vectors in one pass, or with each alone where a number leaves the range."""
        if self.plans:
            Hv = self.planned(v)
        else:
            with np.errstate(all="ignore"):
                Hv, lost = self.tangent(v, block=True)
            Hv = None if lost or not is_finite(Hv) else Hv
        if Hv is None:
            return joined([self.alone(column) for column in columns_of(v)], self.theta)
        return Hv.astype(self.dtype, copy=False)


class Tangent:
    """A recorded program as a linear map: from a tangent of its first line to the tangent of its last one.

    Lines that the result does not need are left out, and partial derivatives are calculated once. Where the last line
    assembles a vector, a matrix product that alone makes a slice of it is written straight into it.
    """

    def __init__(self, tape, end):
        rule, rest, _, _, parents, y = tape[end]
        self.like = y
        self.end = end
        self.pieces = None
        if rule is ASSEMBLE:
            self.pieces = [(p, key) for p, key in zip(parents, rest[0], strict=True) if p is not None]
        needed = {end}
        for line in range(end, 0, -1):
            if line in needed:
                needed.update(p for p in tape[line][4] if p is not None)
        if self.pieces is not None:
            needed.remove(end)
        self.covered = False
        self.products = self.straight(tape, needed) if self.pieces and y.ndim == 1 else {}
        kept = {end, *(line for line, _ in self.pieces or ())}
        last = {p: line for line in sorted(needed) for p in tape[line][4]}
        self.steps = []
        self.largest = max(1, *(math.prod(np.shape(tape[line][-1])) for line in needed))
        for line in sorted(needed - {0}):
            rule, rest, kwargs, values, parents, y = tape[line]
            with np.errstate(all="ignore"):
                push = rule.linearize(y, values, parents, rest, kwargs)
            if line in self.products:
                push = functools.partial(write_product, *values)
            finished = [p for p in set(parents) - kept if p is not None and last[p] == line]
            self.steps.append((line, push, parents, finished))

    def straight(self, tape, needed):
        """The products that alone make a slice of the result: their lines, slices and shapes."""
        filled = np.zeros(self.like.shape, np.intp)
        for _, key in self.pieces:
            deposit(filled, key, 1)
        if np.any(filled > 1):
            return {}
        self.covered = bool(filled.all())
        uses = collections.Counter(p for line in needed for p in tape[line][4])
        uses.update(line for line, _ in self.pieces)
        products = {}
        for line, key in list(self.pieces):
            if not isinstance(key, slice) or key.step not in (None, 1) or uses[line] > 1:
                continue
            product = tape[line][4][0] if tape[line][0] is RESHAPE and uses[tape[line][4][0]] == 1 else line
            rule, _, _, values, _, y = tape[product]
            if rule is MATMUL and all(np.ndim(a) == 2 for a in values):
                products[product] = key, y.shape
                self.pieces.remove((line, key))
                needed -= {line} - {product}
        return products

    def __call__(self, v, block=False):
        tangents, k = {None: None, 0: v}, v.shape[v.ndim - block :]
        out = None if self.pieces is None else np.empty((*self.like.shape, *k), self.like.dtype)
        if out is not None and not self.covered:
            out.fill(0)
        with underflows() as lost:
            for line, push, parents, finished in self.steps:
                given = [tangents[p] for p in parents]
                if line in self.products:
                    key, shape = self.products[line]
                    push(*given, out=out[key].reshape((*shape, *k)), block=block)
                else:
                    tangents[line] = push(given, block)
                for p in finished:
                    del tangents[p]
        if out is None:
            out = np.array(tangents[self.end], self.like.dtype)[()]
        for line, key in self.pieces or ():
            key = before_last(key) if block else key
            if self.covered:
                out[key] = tangents[line]
            else:
                deposit(out, key, tangents[line])
        return out, lost


def columns_at_once(largest):
    """So many columns that no array of tangents, the largest of this size, needs more than 16 MB of float64."""
    return min(WIDEST, max(1, 2**21 // largest))


def write_product(a, b, da, db, out, block):
    """Write the tangent of a product, or the block of them, into an array."""
    if block:
        out[...] = product_tangents(a, b, da, db)
    else:
        product_tangent(a, b, da, db, out=out)


def constant_tangent(v, block=False):
    """The tangent of a gradient that does not depend on theta."""
    return np.zeros_like(v), False


# ------------------------------------------------------------------- what products alone can tell


def square(H):
    """Refuse what is no square operator."""
    shape = getattr(H, "shape", ())
    if not callable(getattr(H, "matvec", None)) or len(shape) != 2 or shape[0] != shape[1]:
        raise TypeError(
            f"H is a {type(H).__name__} of shape {shape}: a square operator with `matvec` is needed. Instead:"
            " hessian(loss, theta), or scipy.sparse.linalg.aslinearoperator(matrix)."
        )


def lanczos(H, steps, seed=0):
    """The spectrum of a symmetric operator as its products show it: Ritz values, and the weight of each.

    ``sum(weights * f(values))`` is the Gauss quadrature of ``q . f(H) q`` for a random unit vector q: exact for
    polynomials f of degree below 2 `steps`. The extreme values converge first to the extreme eigenvalues.

    Parameters
    ----------
    H : an operator with `shape` and `matvec`
    steps, seed : int

    References
    ----------
    Lanczos, C. (1950); Golub, G. H. and Welsch, J. H. (1969).

    Examples
    --------
    >>> H = hessian(lambda x: x[0] ** 2 + 2 * x[1] ** 2, np.zeros(2))
    >>> lanczos(H, 2)[0].round(12)
    array([2., 4.])
    """
    square(H)
    whole(1, steps=steps)
    q = np.random.default_rng(entropy(seed)).standard_normal(H.shape[0])
    Q, alpha, beta = [q / np.linalg.norm(q)], [], []
    for _ in range(steps):
        r = H.matvec(Q[-1])
        scale = np.linalg.norm(r)
        alpha.append(Q[-1] @ r)
        basis = np.array(Q)
        for _ in range(2):  # again: one pass leaves rounding errors, which grow
            r = r - basis.T @ (basis @ r)
        beta.append(np.linalg.norm(r))
        if beta[-1] <= 1e-12 * scale:
            break  # an invariant subspace: the Ritz values are eigenvalues
        Q.append(r / beta[-1])
    n = len(alpha)
    values, vectors = np.linalg.eigh(np.diag(alpha) + np.diag(beta[: n - 1], 1) + np.diag(beta[: n - 1], -1))
    return values, vectors[0] ** 2


def spectral_density(H, x, width, steps=50, samples=4, seed=0):
    """The density of H's eigenvalues at the points x, each as a Gaussian of this width, by `lanczos`.

    It averages over `samples` random starts. Its unit is 1 / [H], its integral 1.
    Source: Lin, L., Saad, Y. and Yang, C. (2016).

    >>> H = hessian(lambda x: x[0] ** 2 + 2 * x[1] ** 2, np.zeros(2))
    >>> x = np.linspace(0, 6, 601)
    >>> np.sum(spectral_density(H, x, 0.1)).round(6) * 0.01
    np.float64(1.0)
    """
    whole(1, samples=samples)
    x, width, seed = reals(x, "x"), real(width, "width"), entropy(seed)
    if not 0 < width < math.inf:
        raise ValueError(f"width is {width}: a positive number is needed.")
    density = np.zeros(np.shape(x))
    for k in range(samples):
        values, weights = lanczos(H, steps, seed + k)
        peaks = np.exp(-0.5 * ((np.asarray(x)[..., None] - values) / width) ** 2)
        density += peaks @ weights / (samples * width * math.sqrt(2 * math.pi))
    return density


def hutchinson_trace(H, samples=100, seed=0):
    """The trace of H, ``E[z . H z]`` over random signs z, and the standard error of the estimate.

    Its unit is [H]. Source: Hutchinson, M. F. (1989).

    >>> H = hessian(lambda x: np.sum(x**4), np.array([1.0, 2.0]))
    >>> hutchinson_trace(H, 10)  # of a diagonal Hessian, without an error
    (np.float64(60.0), np.float64(0.0))
    """
    whole(2, samples=samples)
    quadratics = [z @ H.matvec(z) for z in signs(H, samples, seed)]
    return np.mean(quadratics), np.std(quadratics, ddof=1) / math.sqrt(samples)


def hutchinson_diagonal(H, samples=100, seed=0):
    """The diagonal of H, ``E[z * H z]`` over random signs z, a vector.

    Its unit is [H]. Source: Bekas, C., Kokiopoulou, E. and Saad, Y. (2007).

    >>> H = hessian(lambda x: np.sum(x**4), np.array([1.0, 2.0]))
    >>> hutchinson_diagonal(H, 10)
    array([12., 48.])
    """
    return np.mean([z * H.matvec(z) for z in signs(H, samples, seed)], axis=0)


def signs(H, samples, seed):
    """Random vectors of signs."""
    square(H)
    whole(1, samples=samples)
    return np.random.default_rng(entropy(seed)).choice([-1.0, 1.0], (samples, H.shape[0]))
