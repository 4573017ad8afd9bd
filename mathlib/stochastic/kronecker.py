"""Kronecker factors: a curvature that fits in memory. K-FAC and Shampoo."""

from collections import namedtuple
from itertools import chain

import numpy as np

from mathlib.arithmetic import TABLE
from mathlib.backprop import MATMUL, RESHAPE, VIEWS, record, value_and_grad, walk_back
from mathlib.compiler.compiled import Compiled
from mathlib.door import entropy, floats, is_finite, one_of, refuse_type
from mathlib.nn import cross_entropy
from mathlib.stochastic.blocks import Blocks, as_matrix, refuse_asymmetric
from mathlib.stochastic.steps import Step, begin, corrected, method

ADD, CROSS_ENTROPY = TABLE[np.add], TABLE[cross_entropy]
MOVES = VIEWS | {TABLE[np.transpose], TABLE[np.matrix_transpose]}
TARGETS = ("sampled", "exact", "empirical")

Factors = namedtuple("Factors", "A G entries")
Factors.__doc__ = (
    "What `factors` finds of one layer: A of its inputs, G of its output gradients, and its entries in theta."
)
Layer = namedtuple("Layer", "entries line inputs turned")


def squares(sizes, dtype):
    """Square matrices of these sizes in one vector: their `Blocks`, and zeros to start from."""
    zeros = np.zeros(sum(n * n for n in sizes), dtype)
    return Blocks([(n, n) for n in sizes], zeros), zeros


def spectrum(S):
    """Eigenvalues and eigenvectors of a sum of squares: what is negative is rounding."""
    refuse_type(S, "theta0")
    if not is_finite(S):
        raise FloatingPointError("a factor overflows: it is made of squares of gradients.")
    values, Q = np.linalg.eigh(S)
    return np.maximum(values, 0), Q


def divided(D, a, s, divisors, name, instead):
    """D, divided by `divisors` in the bases of the spectra a and s; refused, if that would be of rounding alone."""
    if D.size and not np.min(divisors) > np.finfo(D.dtype).eps * np.max(divisors):
        raise FloatingPointError(f"{name} is singular to rounding: no step can be made of it. Instead: {instead}.")
    P, Q = a[1], s[1]
    return P @ (P.T @ D @ Q / divisors.astype(D.dtype)) @ Q.T


# ------------------------------------------------------------------------------------------- Shampoo


@method
def shampoo(losses, theta0, eta=1e-2, blocks=None, beta1=0.0, beta2=0.99, averaged=False, exponent=0.25, eps=1e-12):
    """Shampoo: ``L += G G^T``, ``R += G^T G``, ``W -= eta ⊙ L^-1/4 G R^-1/4``; the rest is as for `sgd`.

    G is the gradient of a block W (m, n) of `blocks`, which is as for `muon`; in the step it is an average of memory
    `beta1`, corrected for its start. L (m, m) and R (n, n), of unit ([l] / [theta])**2, start at ``eps I``. A filter is
    a matrix of F F C rows; a vector or a number has L alone, ``L^-1/2 g``, which is AdaGrad's full matrix. With
    `averaged`, L and R are averages of memory `beta2`, corrected, to which eps I is added. `exponent` is the power of
    both; at 1/4 the loss's unit cancels, and eta has theta's. ``carried`` holds L and R, those of all blocks in one
    vector.

    ValueError: blocks does not fit theta. FloatingPointError: a factor is singular to rounding.
    Sources: Gupta, V., Koren, T. and Singer, Y. (2018), arXiv 1802.09568; on averages and the exponent 1/2, Morwani, D.
    et al. (2024), arXiv 2406.17748.

    >>> import itertools
    >>> path = shampoo(itertools.repeat(lambda W: np.vdot(W, [[3.0, 0.0], [0.0, -100.0]])), np.zeros((2, 2)), eta=0.5)
    >>> [step.move.round(6) + 0.0 for step in itertools.islice(path, 1)]  # -eta U V^T, of G = U S V^T
    [array([[-0.5,  0. ],
           [ 0. ,  0.5]])]
    """
    blocks = Blocks(blocks, theta0["theta"])
    shapes = [matrix(W).shape for W in blocks(theta0["theta"])]
    powers = [(exponent, exponent) if len(shape) > 1 else (0.5, 0.0) for shape in blocks.shapes]
    left, L0 = squares([m for m, _ in shapes], blocks.dtype)
    right, R0 = squares([n for _, n in shapes], blocks.dtype)
    theta, g_hat, L, R = begin(theta0, "g_hat", L=L0, R=R0)
    refuse_asymmetric(left, L=L)
    refuse_asymmetric(right, R=R)
    for t, l_t, eta in losses:
        b1, b2 = corrected(beta1, t), corrected(beta2, t)
        old, new = (b2, 1 - b2) if averaged else (1, 1)
        loss, g = value_and_grad(l_t)(theta)
        Gs = [matrix(G) for G in blocks(g)]
        L = old * L + new * left.joined([G @ G.T for G in Gs])
        R = old * R + new * right.joined([G.T @ G for G in Gs])
        g_hat = b1 * g_hat + (1 - b1) * g
        parts = [
            rooted(matrix(D), *of_block, eps)
            for D, *of_block in zip(blocks(g_hat), left(L), right(R), powers, strict=True)
        ]
        move = -eta * blocks.joined(parts)[()]
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat, "L": L, "R": R}, move=move)
        theta = theta + move


def matrix(W):
    """A block as a matrix, a vector as a column."""
    return as_matrix(W) if np.ndim(W) > 1 else np.reshape(W, (-1, 1))


def rooted(D, L, R, powers, eps):
    """``(L + eps I)^-p D (R + eps I)^-q``."""
    spectra = spectrum(L), spectrum(R)
    divisors = np.outer(*[(values + eps) ** p for (values, _), p in zip(spectra, powers, strict=True)])
    return divided(D, *spectra, divisors, "a factor", f"eps above {eps:g}")


# --------------------------------------------------------------------------------------------- K-FAC


@method
def kfac(
    losses,
    theta0,
    eta=0.1,
    blocks=None,
    targets="sampled",
    beta1=0.0,
    beta2=0.95,
    damping=1e-3,
    factored=True,
    every=1,
    others="refused",
    seed=0,
):
    """K-FAC, a natural gradient layer by layer: ``W -= eta ⊙ A^-1 D G^-1``; the rest is as for `sgd`.

    D is the gradient of a layer, its bias below its matrix, or its average of memory `beta1`, corrected for its start.
    A and G are the layer's `factors`, averages of memory `beta2`, corrected, which every `every`th step renews; the
    loss must be a mean over examples. `damping`, of the unit of F, is added as Martens and Grosse do, as
    ``A + pi sqrt(damping) I`` and ``G + sqrt(damping) / pi I``, where pi**2 is A's mean eigenvalue over G's; or, with
    ``factored=False``, to the product, ``(A kron G + damping I)^-1``. ``carried`` holds A and G, those of all layers in
    one vector each. What theta does in the loss besides its layers is in the gradient alone: with a ridge
    ``c |theta|**2``, a damping below c makes steps that are too long.

    `targets` says at which targets the gradients in G are taken: "sampled" draws them from the model, by seed and t;
    "exact" is the mean over such draws; "empirical" takes those in the loss, and so does not approximate the Fisher
    information. For the first two F has the unit 1 / [theta]**2, and eta 1 / [l]; for the third ([l] / [theta])**2 and
    [l]. A parameter that is in no layer is refused; with ``others="gradient"`` it moves by ``-eta g``.

    TypeError, ValueError: as for `factors`. FloatingPointError: A kron G is singular to rounding.
    Source: Martens, J. and Grosse, R. (2015), arXiv 1503.05671, sections 3, 5 and 6.3.

    >>> import itertools
    >>> from mathlib.nn import softmax_cross_entropy
    >>> X, y = np.eye(2), np.array([0, 1])
    >>> loss = lambda W: softmax_cross_entropy(X @ W, y)
    >>> path = kfac(itertools.repeat(loss), np.zeros((2, 2)), eta=0.5, targets="exact", factored=False, damping=1e-9)
    >>> [round(float(step.loss), 3) for step in itertools.islice(path, 3)]
    [0.693, 0.313, 0.183]
    """
    one_of(("refused", "gradient"), others=others)
    one_of(TARGETS, targets=targets)
    theta, first = theta0["theta"], next(losses)
    layers = read(first[1], theta, blocks, others)[0]
    inputs, A0 = squares([layer.entries.shape[0] for layer in layers], theta.dtype)
    outputs, G0 = squares([layer.entries.shape[1] for layer in layers], theta.dtype)
    theta, g_hat, A, G = begin(theta0, "g_hat", A=A0, G=G0)
    refuse_asymmetric(inputs, A=A)
    refuse_asymmetric(outputs, G=G)
    solves = None
    for t, l_t, eta in chain([first], losses):
        loss, g = value_and_grad(l_t)(theta)
        if t % every == 0:
            b2 = corrected(beta2, t // every)
            found = measured(*read(l_t, theta, blocks, others), targets, [seed, t])
            if not same(layers, found):
                raise ValueError(f"step {t}: the loss has other layers than the first: the same program is needed.")
            A = b2 * A + (1 - b2) * inputs.joined([f.A for f in found])
            G = b2 * G + (1 - b2) * outputs.joined([f.G for f in found])
        if t % every == 0 or solves is None:
            solves = [damped(*pair, damping, factored) for pair in zip(inputs(A), outputs(G), strict=True)]
        b1 = corrected(beta1, t)
        g_hat = b1 * g_hat + (1 - b1) * g
        step = np.ravel(g_hat).copy()
        for layer, solve in zip(layers, solves, strict=True):
            step[layer.entries] = solve(step[layer.entries])
        move = -eta * np.reshape(step, theta.shape)[()]
        yield Step(t, theta, loss, g, eta, g_hat, carried={"g_hat": g_hat, "A": A, "G": G}, move=move)
        theta = theta + move


def same(layers, others):
    """Whether both are of the same entries of theta."""
    pairs = zip(layers, others, strict=False)
    return len(layers) == len(others) and all(np.array_equal(a.entries, b.entries) for a, b in pairs)


def damped(A, G, damping, factored):
    """The function ``D -> A^-1 D G^-1``, damped; see `kfac`."""
    (a, _), (s, _) = spectra = spectrum(A), spectrum(G)
    if factored:
        pi = np.sqrt(np.mean(a) / np.mean(s)) if np.any(a) and np.any(s) else 1
        divisors = np.outer(a + pi * np.sqrt(damping), s + np.sqrt(damping) / pi)
    else:
        divisors = np.outer(a, s) + damping
    return lambda D: divided(D, *spectra, divisors, f"A kron G of a layer {D.shape}", f"damping above {damping:g}")


def factors(loss, theta, blocks=None, targets="exact", seed=0):
    """The Kronecker factors of a network's curvature at theta: (A, G, entries) for each layer in the loss.

    A layer is a matrix product in the program of the loss, of inputs a (N, m) and weights that are parameters, with the
    bias that is added to it, if one is: then a one is appended to a. ``A kron G`` approximates the block
    ``F[entries.ravel()][:, entries.ravel()]`` of the Fisher information, the mean of ``g g^T`` over examples and
    targets, where g is the gradient of one example's surprise. ``A = E a a^T`` (m, m) has the unit [a]**2, and
    ``G = E g g^T`` (n, n), of the gradients g at the layer's outputs, 1 / [a W]**2; `entries` (m, n) says where in
    theta, counted flat, each weight stands, the bias last.

    The loss is a mean over N examples, the rows of its logits, or else of the product that has fewest. Where another
    has T N rows, as a convolution has with T windows, A is a sum over windows and G a mean (Grosse, R. and Martens, J.
    2016). Examples that another product sums over are a ValueError.
    For `targets` and their units see `kfac`; with "empirical", g is a gradient of the loss itself.

    TypeError, ValueError: blocks does not fit theta; a block is in no such product, or in several; the loss has no
    cross entropy of `mathlib.nn` from which targets could be drawn; and as for `value_and_grad`.
    FloatingPointError: the loss, its gradient or a factor is NaN or infinite.
    Source: Martens, J. and Grosse, R. (2015), arXiv 1503.05671, section 3.

    >>> from mathlib.nn import softmax_cross_entropy
    >>> X, y = np.array([[1.0, 2.0]]), np.array([0])
    >>> [layer] = factors(lambda W: softmax_cross_entropy(X @ W, y), np.zeros((2, 2)))
    >>> layer.A.tolist(), layer.G.round(12).tolist(), layer.entries.tolist()
    ([[1.0, 2.0], [2.0, 4.0]], [[0.25, -0.25], [-0.25, 0.25]], [[0, 1], [2, 3]])
    """
    one_of(TARGETS, targets=targets)
    value_and_grad(loss)(theta)  # what it refuses is refused
    return measured(*read(loss, floats(theta, "theta"), blocks), targets, entropy(seed))


# ------------------------------------------------------------------------- reading a loss's program


def read(loss, theta, blocks, others="refused"):
    """The layers in the program of a loss, and its tape."""
    blocks = Blocks(blocks, theta)
    loss = loss.f if isinstance(loss, Compiled) else loss
    tape = record(loss, theta)[1] or []
    layers, found = layers_of(tape, theta), np.zeros(theta.size, bool)
    for layer in layers:
        found[layer.entries] = True
    if others == "refused" and not np.all(found):
        k = [bool(np.all(part)) for part in blocks(found)].index(False)
        raise ValueError(
            f"block {k} of theta, of shape {blocks.shapes[k]}, is not all in a layer: K-FAC needs each parameter in one"
            ' product of the loss, as W or b in x @ W + b. Instead: others="gradient" in kfac, or shampoo.'
        )
    return layers, tape


def layers_of(tape, theta):
    """The layers on a tape: products with weights that are entries of theta and in no other product."""
    index = {0: np.arange(theta.size).reshape(theta.shape)}  # the entries of theta that a line holds
    for line, (rule, rest, kwargs, _, parents, _) in enumerate(tape):
        if rule in MOVES and parents[0] in index:
            index[line] = rule.evaluate([index[parents[0]]], rest, kwargs)
    products = [(line, row[4], row[3]) for line, row in enumerate(tape) if row[0] is MATMUL]
    uses = np.zeros(theta.size, int)
    for _, parents, _ in products:
        for p in (p for p in parents if p in index):
            np.add.at(uses, index[p], 1)
    layers = []
    for line, (left, right), (a, b) in products:
        if right in index and index[right].ndim <= 2:  # a @ W
            W, inputs, turned = matrix(index[right]), as_matrix(a), False
        elif left in index and index[left].ndim == 2 and np.ndim(b) <= 2:  # W @ a, whose transpose is a.T @ W.T
            W, inputs, turned = index[left].T, as_matrix(b.T), np.ndim(b) == 2
        else:
            continue
        if np.all(uses[W] == 1):
            layers.append(Layer(W, line, inputs, turned))
    biases = [bias_of(tape, index, layer) for layer in layers]
    for bias in biases:
        uses[bias] += 1
    return [
        with_bias(layer, bias) if len(bias) and np.all(uses[bias] == 1) else layer
        for layer, bias in zip(layers, biases, strict=True)
    ]


def with_bias(layer, bias):
    """A layer with a bias as the weights of one more input, which is 1."""
    inputs = np.hstack([layer.inputs, np.ones_like(layer.inputs[:, :1])])
    return layer._replace(entries=np.vstack([layer.entries, bias]), inputs=inputs)


def bias_of(tape, index, layer, line=None):
    """The entries of theta that are added to each row of a layer's product, if nothing else is done to it; or []."""
    line, n = line or layer.line, layer.entries.shape[1]
    readers = [i for i, row in enumerate(tape) if line in row[4]]
    if len(readers) != 1:
        return np.zeros(0, int)
    rule, _, _, _, parents, y = tape[readers[0]]
    if rule is RESHAPE and not layer.turned and y.shape[-1:] == (n,):
        return bias_of(tape, index, layer, readers[0])
    [added, *_] = [index[p] for p in parents if p in index] or [np.zeros((0, 0), int)]
    fits = added.shape == (n, 1) if layer.turned else added.size == n and added.shape in ((), (n,), (1, n))
    return np.ravel(added) if rule is ADD and fits else np.zeros(0, int)


def summed_over(tape, layer, N):
    """Whether another product sums over the examples that stand in the rows of a layer's product."""
    rows, y = len(layer.inputs), tape[layer.line][5]
    example = np.tile if layer.turned else np.repeat  # along the last axis, or not
    examples = {layer.line: np.reshape(example(np.arange(rows) // (rows // N), y.size // rows), np.shape(y))}
    for line, (rule, rest, kwargs, _, parents, y) in enumerate(tape):
        for left, p in zip((True, False), parents, strict=False):
            if p not in examples:
                continue
            if rule is MATMUL:
                a = examples[p]
                if np.size(y) > 1 and np.any(np.ptp(a, axis=-1 if left or a.ndim == 1 else -2)):
                    return True
            elif rule in MOVES:
                examples[line] = rule.evaluate([examples[p]], rest, kwargs)
            elif np.shape(y) == examples[p].shape:
                examples[line] = examples[p]
    return False


def measured(layers, tape, targets, seed):
    """The factors of each layer."""
    if not layers:
        return []
    logits = [row[3][0] for row in tape if row[0] is CROSS_ENTROPY]
    N = len(logits[0]) if len(logits) == 1 else min(len(layer.inputs) for layer in layers)
    if wrong := [len(layer.inputs) for layer in layers if len(layer.inputs) % N]:
        raise ValueError(f"a product has {wrong[0]} rows for {N} examples: as many for each are needed.")
    if wrong := [layer.entries.shape for layer in layers if summed_over(tape, layer, N)]:
        raise ValueError(
            f"the examples of a layer of shape {wrong[0]} are summed over in another product: its rows are no examples."
            " Instead: (X @ D) @ W for X @ (D @ W)."
        )
    A = [layer.inputs.T @ layer.inputs / N for layer in layers]
    G = [0] * len(layers)
    for start, w in starts(tape, targets, N, seed):
        seen = dict.fromkeys(layer.line for layer in layers)
        walk_back(tape[: start + 1], w, seen=seen)
        for k, layer in enumerate(layers):
            g = seen[layer.line]
            if g is None:
                raise ValueError(f"the model's output does not depend on a layer of shape {layer.entries.shape}.")
            g = np.reshape(g.T if layer.turned else g, (len(layer.inputs), -1))
            G[k] = G[k] + g.T @ g / len(g)
    if not all(map(is_finite, A + G)):
        raise FloatingPointError("a Kronecker factor is NaN or infinite.")
    return [Factors(*three) for three in zip(A, G, [layer.entries for layer in layers], strict=True)]


def starts(tape, targets, N, seed):
    """Where the way back starts, and with what: a gradient for each example, or several whose squares add up."""
    if targets == "empirical":
        yield len(tape) - 1, np.full((), N, tape[-1][5].dtype)[()]
        return
    entropies = [(line, row) for line, row in enumerate(tape) if row[0] is CROSS_ENTROPY]
    if len(entropies) != 1 or entropies[0][1][4][0] is None:
        raise ValueError(
            f"targets is {targets!r}: the loss needs one softmax_cross_entropy of mathlib.nn, and has {len(entropies)}."
            ' Instead: targets="empirical".'
        )
    [(_, (_, _, _, [z], [start], _))] = entropies
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    labels = np.eye(p.shape[1], dtype=p.dtype)
    if targets == "exact":
        for k, label in enumerate(labels):
            yield start, np.sqrt(p[:, k : k + 1]) * (p - label)
    else:
        u = np.random.default_rng(seed).random((len(p), 1))
        below = np.sum(np.cumsum(p, axis=1) < u, axis=1)
        yield start, p - labels[np.minimum(below, p.shape[1] - 1)]
