"""Curvature of a composed loss: Gauss-Newton, Fisher and empirical Fisher, as operators that are recorded once.

A loss of a model is a composition, ``theta -> z -> l``: the model's output z(theta), and a loss of z. With J for the
derivative of z by theta, each of the three is a form ``J^T B J`` on the space of theta, where B, a form on the space
of outputs, is made example by example. J^T B J follows a change of basis as a form does, and is never negative where B
is not: B is convex for every loss that is convex in z. The Hessian has a term more, from the curvature of z itself.

=====================  ===================================================================================
`gauss_newton`         B is the Hessian of the loss by z, of unit [l] / [z]**2
`fisher`               B is the Fisher information of the model's own distribution p(y | z), of unit 1 / [z]**2
`empirical_fisher`     B has the products of the loss's own gradients by z, of unit [l]**2 / [z]**2
=====================  ===================================================================================
"""

import numpy as np

from mathlib.arithmetic import TABLE
from mathlib.backprop import record, value_and_grad, walk_back
from mathlib.differences import jvp
from mathlib.door import columns_of, finite, in_range, is_block, is_finite, program, reals
from mathlib.hessian import Hessian, Symmetric, Tangent, columns_at_once, joined
from mathlib.nn import cross_entropy

FAMILIES = ("categorical", "normal")
CROSS_ENTROPY = TABLE[cross_entropy]


def gauss_newton(output, loss, theta):
    """The Gauss-Newton form ``G = J^T H_l J`` at theta, as an operator: the Hessian of the loss of a linearized model.

    It is the Hessian's first term; the second, which is missing, is the loss's gradient by z times the curvature of
    the output. So the two are equal where the output is linear in theta, or the loss's gradient by z is zero.

    Parameters
    ----------
    output : a program of NumPy functions, from theta to z
    loss : a program of NumPy functions, from z to a scalar
    theta : float or array of floats

    Returns
    -------
    Curvature
        Of unit [l] / [theta]**2. It is positive semidefinite, if the loss is convex in z.

    Raises
    ------
    TypeError, ValueError, UnsupportedError, FloatingPointError
        As for `jvp` and `hessian`; ValueError also for an output that does not depend on theta

    References
    ----------
    Schraudolph, N. N. (2002); Martens, J. (2020).

    Examples
    --------
    >>> inputs, targets = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 5.0])
    >>> output = lambda theta: np.exp(theta[0] * inputs) + theta[1]
    >>> G = gauss_newton(output, lambda z: np.mean((z - targets) ** 2) / 2, np.zeros(2))
    >>> G
    <a Gauss-Newton form, 2 x 2, at a theta of shape (2,): G @ v multiplies, G.dense() is its matrix>
    >>> G.dense().round(6)
    array([[1.666667, 1.      ],
           [1.      , 1.      ]])
    >>> G @ np.array([1.0, 0.0]), G.gradient
    (array([1.66666667, 1.        ]), array([-3.        , -1.66666667]))
    """
    program(loss)
    G = Curvature("Gauss-Newton form", "G", output, theta)
    H = Hessian(loss, G.z)
    G.value, G.gradient, G.middle = H.value, G.transposed(H.gradient), H.__matmul__
    return G


def fisher(output, loss, theta):
    """The Fisher information ``F = J^T F_p J`` of the model at theta, as an operator, averaged over examples.

    ``F_p = E[s s^T]`` with ``s = d/dz log p(y | z)``, and y drawn from the model's own p(y | z): the labels do not
    enter. Nor does the loss's unit: F is of unit 1 / [theta]**2, and is `gauss_newton` of the loss in nats.

    Parameters
    ----------
    output : a program of NumPy functions, from theta to z, whose first axis is that of the examples
    loss : the loss, a program from z to a scalar, or the name of the family of p(y | z)
        In a loss the one `softmax_cross_entropy` of `mathlib.nn` is found, and p is the softmax of its logits.
        "categorical": p is the softmax of z, (N, K); "normal": each component of z is a mean, the variance is one.
    theta : float or array of floats

    Returns
    -------
    Curvature
        Positive semidefinite. Its `value` and `gradient` are the loss's, and None for a family.

    Raises
    ------
    ValueError
        the loss is no softmax cross-entropy, and has no name; or z has no axis of examples
    TypeError, ValueError, UnsupportedError, FloatingPointError
        As for `gauss_newton`

    References
    ----------
    Fisher, R. A. (1922); Amari, S. (1998); Martens, J. (2020).

    Examples
    --------
    >>> from mathlib.nn import softmax_cross_entropy
    >>> X, y = np.array([[1.0], [2.0]]), np.array([0, 1])
    >>> output = lambda theta: X * theta
    >>> F = fisher(output, lambda z: softmax_cross_entropy(z, y, unit="bits"), np.zeros(2))
    >>> F.dense()
    array([[ 0.625, -0.625],
           [-0.625,  0.625]])
    >>> fisher(output, "normal", np.zeros(2)).dense()
    array([[2.5, 0. ],
           [0. , 2.5]])
    """
    if isinstance(loss, str):
        if loss not in FAMILIES:
            raise ValueError(f"the family is {loss!r}: 'categorical' or 'normal' is needed, or the loss itself.")
        F = Curvature("Fisher form", "F", output, theta)
        F.middle = categorical(F.z) if loss == "categorical" else normal(F.z)
        return F
    program(loss)
    loss = plain(loss)
    composition = Composed(output, loss)
    F = Curvature("Fisher form", "F", composition, theta, up_to=logits)
    F.middle = categorical(F.z)
    F.value, F.gradient = value_and_grad(composition)(F.theta)
    return F


def empirical_fisher(output, loss, theta):
    """The empirical Fisher form ``E = 1/N sum over examples of g_i g_i^T`` at theta, as an operator.

    g_i is the gradient by theta of the loss of example i. It is ``J^T B J``, where B has the block
    ``r_i r_i^T / N`` for each example, and ``r_i = N dl/dz_i``: no gradient of a single example is made.

    Parameters
    ----------
    output : a program of NumPy functions, from theta to z, whose first axis is that of the N examples
        What it gives for one example must not depend on the others.
    loss : a program of NumPy functions, from z to a scalar: the mean of a loss of each example
    theta : float or array of floats

    Returns
    -------
    Curvature
        Of unit [l]**2 / [theta]**2, positive semidefinite, of rank N at most. In nats, at a model that is the
        distribution of the labels, it is `fisher` on average over labels; elsewhere it is no curvature of the loss.

    Raises
    ------
    TypeError, ValueError, UnsupportedError, FloatingPointError
        As for `gauss_newton`; ValueError also for an output without an axis of examples

    References
    ----------
    Kunstner, F., Balles, L. and Hennig, P. (2019).

    Examples
    --------
    >>> X, y = np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]])
    >>> empirical_fisher(lambda w: X @ w, lambda z: np.mean((z - y) ** 2) / 2, np.zeros((1, 1))).dense()
    array([[18.5]])
    """
    program(loss)
    E = Curvature("empirical Fisher form", "E", output, theta)
    E.value, slope = value_and_grad(loss)(E.z)
    E.gradient, N = E.transposed(slope), examples(E.z)
    r, axes = N * slope, tuple(range(1, E.z.ndim))

    def middle(dz):
        at = r[..., None] if dz.ndim > r.ndim else r
        return at * np.sum(at * dz, axis=axes, keepdims=True) / N

    E.middle = middle
    return E


class Composed:
    """The loss of a model: ``theta -> loss(output(theta))``, a function of theta that still knows its two parts.

    `output` is a program from theta to z, `loss` one from z to a scalar. What is no function is a TypeError.

    >>> l = Composed(lambda theta: 2 * theta, lambda z: np.sum(z**2))
    >>> l(np.ones(3)), gauss_newton(l.output, l.loss, np.ones(3)) @ np.ones(3)
    (np.float64(12.0), array([8., 8., 8.]))
    """

    def __init__(self, output, loss):
        program(output)
        program(loss)
        self.output, self.loss = output, loss

    def __call__(self, theta):
        return self.loss(self.output(theta))


class Curvature(Symmetric):
    """A form ``J^T B J`` at one point, symmetric, as an operator; see `gauss_newton`. Threads can share it.

    ``G @ v`` is the tangent J v of the recorded output, then B, then the recorded way back J^T. v has theta's shape; a
    block of k vectors has one more axis, the last. `shape`, `dtype` and `matvec` are what `scipy.sparse.linalg` needs.
    `value` and `gradient` are the loss's, and z the output.

    >>> G = gauss_newton(lambda x: x**2, lambda z: np.sum(z**2), np.array([1.0, 2.0]))
    >>> G @ np.eye(2), G.quadratic(np.ones(2), np.ones(2)), G.gradient
    (array([[ 8.,  0.],
           [ 0., 32.]]), np.float64(40.0), array([ 4., 32.]))
    """

    value = gradient = None

    def __init__(self, name, letter, output, theta, up_to=None):
        program(output)
        self.name, self.letter = name, letter
        theta = self.stands_at(theta)
        z, tape, _ = record(output, theta)
        if not is_finite(z):
            jvp(output, theta, np.zeros_like(theta))  # it says where
        if tape is None:
            raise ValueError("the output does not depend on theta: it has no curvature by theta.")
        if up_to:
            z, tape = up_to(tape)
        self.z = np.array(z)[()]
        self.pushed = Linear(tape, theta, self.z)
        way = record(lambda w: transposed(tape, w, theta), np.zeros_like(self.z))[1]
        self.transposed = Linear(way, self.z, theta)
        self.together = columns_at_once(max(self.pushed.largest, self.transposed.largest))

    def alone(self, v):
        """The product with one vector."""
        return self.transposed(self.middle(self.pushed(v)))

    def at_once(self, v):
        """The products with a block of vectors."""
        return self.transposed(self.middle(self.pushed(v)))

    def solve(self, g, damping=0.0):
        """The vector d with ``(G + damping I) d = g``, by conjugate gradients.

        The residual is at most eps**(2/3) of g, which is 4e-11 in float64. Of many such vectors, where G is singular,
        it is the shortest, which depends on the basis; to first order they all change the output alike. `damping` is
        of G's unit and depends on the basis, too.

        Raises LinAlgError where there is no such vector, or rounding hides it; and where the form is negative.
        Source: Hestenes, M. R. and Stiefel, E. (1952).

        >>> loss, theta = lambda z: np.sum(z**2), np.array([1.0, 2.0])
        >>> G, g = gauss_newton(lambda x: x**2, loss, theta), np.array([8.0, 32.0])
        >>> G.solve(g), G.solve(g, damping=8.0)
        (array([1., 1.]), array([0.5, 0.8]))
        """
        g, damping = reals(g, "g"), reals(damping, "damping")
        finite(g=g, damping=damping)
        if np.shape(g) != self.theta_shape:
            raise ValueError(f"g has shape {np.shape(g)} and theta {self.theta_shape}: they must be equal.")
        if np.shape(damping) or damping < 0:
            raise ValueError(f"damping is {damping}: a number of at least 0 is needed, of the unit of {self.letter}.")
        d, g = np.zeros(self.theta_shape), np.asarray(g, float)
        size = np.max(np.abs(g), initial=0.0) or 1.0
        r = p = g / size
        rr = start = np.vdot(r, r)
        stop = float(np.finfo(self.dtype).eps) ** (4 / 3) * start
        for _ in range(20 * self.shape[0]):
            if rr <= stop:  # so says the recursion: is it true?
                r = p = g / size - (self @ d + damping * d)
                if (rr := np.vdot(r, r)) <= stop:
                    break
            Gp = self @ p + damping * p
            curvature = np.vdot(p, Gp)
            if not curvature > 0:
                if curvature < -1e-6 * np.linalg.norm(p) * np.linalg.norm(Gp):
                    raise np.linalg.LinAlgError(
                        f"{self.letter} is negative along a vector: the loss is not convex in z. Instead: a larger"
                        " damping, or a convex loss."
                    )
                break
            d, r = d + rr / curvature * p, r - rr / curvature * Gp
            rr, old = np.vdot(r, r), rr
            p = r + rr / old * p
        if not rr <= stop:
            raise np.linalg.LinAlgError(
                f"conjugate gradients leave {np.sqrt(rr / start):.1g} of g: {self.letter} + damping I is singular, or"
                " nearly so, for this g. Instead: a larger damping."
            )
        return (size * d).astype(self.dtype)[()]


class Linear:
    """The tangent of a tape as a map from x's space to y's, of vectors and of blocks; of no tape it is zero."""

    def __init__(self, tape, x, y):
        self.tangent = Tangent(tape, len(tape) - 1) if tape else None
        self.largest = self.tangent.largest if tape else 1
        self.x, self.y = x, y

    def __call__(self, v):
        block = is_block(self.x, v)
        if self.tangent is None:
            return np.zeros((*self.y.shape, *v.shape[v.ndim - block :]), self.y.dtype)[()]

        def derive(size):
            with np.errstate(all="ignore"):
                y, lost = self.tangent(v if size == 1 else v * size, block)
                return [y if size == 1 else y / size], lost

        if block:
            [y], lost = derive(1)
            y = joined([self(column) for column in columns_of(v)], self.y) if lost or not is_finite(y) else y
        elif (found := in_range(derive, self.y.dtype)) is None:
            raise FloatingPointError("a product overflows. Instead: a shorter v; the product is linear in it.")
        else:
            [y] = found
        return y.astype(self.y.dtype, copy=False)


def transposed(tape, w, theta):
    """The transpose of a tape's tangent, on w."""
    g = walk_back(list(tape), w)
    return np.zeros_like(theta) if g is None else g


# ----------------------------------------------------------------------------------- forms of outputs


def examples(z):
    """The number of examples in z, which are along its first axis."""
    if not np.ndim(z) or not len(z):
        raise ValueError(f"the output has shape {np.shape(z)}: a first axis of examples is needed, to average over.")
    return len(z)


def normal(z):
    """The form of a normal distribution around z, of variance one."""
    N = examples(z)
    return lambda dz: dz / N


def categorical(z):
    """The form ``(diag p - p p^T) / N`` of the softmax of z, (N, K), row by row."""
    N = examples(z)
    if z.ndim != 2:
        raise ValueError(f"the output has shape {z.shape}: logits (N, K) are needed, of N examples and K classes.")
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p, most = e / e.sum(axis=1, keepdims=True), z.argmax(axis=1)

    def form(dz):
        weights = p[..., None] if dz.ndim > 2 else p
        u = dz - dz[np.arange(N), most][:, None]  # the same for all classes changes nothing: 1 - p would cancel
        return weights * (u - np.sum(weights * u, axis=1, keepdims=True)) / N

    return form


def plain(f):
    """The program itself, where it is compiled: what it is made of is asked."""
    return f.f if hasattr(f, "linearized") and hasattr(f, "f") else f


def logits(tape):
    """The logits of the one softmax cross-entropy that a loss is made of, and the tape that ends with them."""
    rows = [line for line, (rule, *_) in enumerate(tape) if rule is CROSS_ENTROPY]
    others = {0} if rows else set()  # lines that theta reaches on another way
    for line, (_, _, _, _, parents, _) in enumerate(tape):
        if rows and line > 0 and line != rows[0] and others.intersection(parents):
            others.add(line)
    if len(rows) != 1 or len(tape) - 1 in others:
        raise ValueError(
            "the loss is not a softmax cross-entropy alone, so it does not say which distribution the model is."
            " Instead: the name of its family, fisher(output, 'categorical', theta) or fisher(output, 'normal', theta)."
        )
    _, _, _, values, parents, _ = tape[rows[0]]
    return values[0], tape[: parents[0] + 1]
