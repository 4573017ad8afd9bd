"""Adam in a basis that belongs to the weights: the eigenbasis of each matrix's two sides."""

import numpy as np

from mathlib.backprop import value_and_grad
from mathlib.door import is_finite, refuse_type
from mathlib.stochastic.blocks import Blocks, as_matrix, refuse_asymmetric
from mathlib.stochastic.steps import Step, begin, corrected, method


@method
def soap(losses, theta0, eta=3e-3, blocks=None, beta1=0.95, beta2=0.95, eps=1e-8, every=10):
    """SOAP: Adam in the eigenbasis of Shampoo's factors, a matrix a block; the rest is as for `adam`.

    For each matrix W with gradient G, the averages ``L = beta2 L + (1 - beta2) G G.T`` and ``R``, of ``G.T G``, have
    orthonormal eigenvectors Q_L and Q_R. Adam is run on ``Q_L.T G Q_R``, and its step turned back: ``W -= eta ⊙
    Q_L (Q_L.T m Q_R / (sqrt(v) + eps)) Q_R.T``, where m averages G and v the squares in the basis, both without their
    start at zero. The basis is the one of the steps before: of the first gradient by `eigh`, which makes no step, and
    after each `every` steps by one step of power iteration, ``Q = qr(L Q)``, with columns in the order of their
    eigenvalues. v stays as it is when the basis turns. Vectors have published Adam, also from the second step on.

    eta is measured in [theta], eps in [l] / [theta]. `blocks` says where the matrices are: None for theta as one, or
    `model.unravel`, or a list of shapes; a filter has its outputs for columns and all else for rows. What is kept for a
    matrix (m, n) beside Adam's two averages are 2 (m**2 + n**2) numbers, in the state as `factors` and `bases`.

    Also raised are a TypeError or a ValueError where `blocks` does not fit theta or theta's type has no eigenvectors in
    NumPy, and a FloatingPointError where the squares of a gradient overflow. Source: Vyas, N. et al. (2024), arXiv
    2409.11321; that the first gradient makes no step, and the order of the columns, are from the authors' code.

    >>> import itertools
    >>> A = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> path = soap(itertools.repeat(lambda W: np.sum((A @ W) ** 2)), np.array([[1.0, 2.0], [0.0, 1.0]]), eta=0.25)
    >>> [round(float(step.loss), 3) for step in itertools.islice(path, 4)]
    [55.0, 55.0, 42.475, 31.933]
    """
    blocks = Blocks(blocks, theta0["theta"])
    refuse_type(theta0["theta"], "theta0")
    shapes = [(n, n) for W in blocks(theta0["theta"]) for n in sides(W).shape]
    nothing = np.zeros(sum(n * n for n, _ in shapes), blocks.dtype)
    squares = Blocks(shapes, nothing)
    theta, m, v, factors, bases = begin(theta0, "m", "v", factors=nothing, bases=nothing)
    refuse_asymmetric(squares, factors=factors)
    if theta0["t"] and not all(np.allclose(Q.T @ Q, np.eye(len(Q)), atol=1e-3) for Q in squares(bases)):
        raise ValueError("theta0's bases are not orthonormal. Instead: the state as the step gave it.")

    def turned(a, Q):
        """The matrices among the blocks of a in their bases; the vectors as they are."""
        pairs = zip(blocks(a), Q[::2], Q[1::2], strict=True)
        return blocks.joined([Q_L.T @ sides(G) @ Q_R if np.ndim(G) > 1 else G for G, Q_L, Q_R in pairs])

    for t, l_t, eta in losses:
        loss, g = value_and_grad(l_t)(theta)
        move = np.zeros_like(theta)[()]
        if t:
            Q = squares(bases)
            b1, b2 = (corrected(b, t - 1) for b in (beta1, beta2))
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * turned(g, Q) ** 2
            move = -eta * turned(turned(m, Q) / (np.sqrt(v) + eps), [Q_side.T for Q_side in Q])
        products = squares.joined([A for G in map(sides, blocks(g)) for A in (G @ G.T, G.T @ G)])
        factors = beta2 * factors + (1 - beta2) * products
        if not (is_finite(factors) and is_finite(v)):
            raise FloatingPointError("the squares of the gradient overflow.")
        if t == 0:
            bases = squares.joined([np.linalg.eigh(A)[1][:, ::-1] for A in squares(factors)])
        elif t % every == 0:
            Q, order = zip(*map(iterated, squares(factors), Q), strict=True)
            bases = squares.joined(Q)
            pairs = zip(blocks(v), order[::2], order[1::2], strict=True)
            v = blocks.joined([sides(V)[rows][:, columns] if np.ndim(V) > 1 else V for V, rows, columns in pairs])
        carried = {"m": m, "v": v, "factors": factors, "bases": bases}
        yield Step(t, theta, loss, g, eta, m, carried=carried, move=move)
        theta = theta + move


def sides(W):
    """A block as a matrix; for a vector, one without sides."""
    return as_matrix(W) if np.ndim(W) > 1 else np.zeros((0, 0), W.dtype)


def iterated(A, Q):
    """One step of power iteration from the basis Q of A, and the order in which it took Q's columns."""
    AQ = A @ Q
    order = np.argsort(-np.sum(Q * AQ, axis=0), kind="stable")
    return np.linalg.qr(AQ[:, order])[0], order
