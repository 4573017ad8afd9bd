"""Networks as plain NumPy functions: layers, losses and two small builders.

Images are (N, H, W, C): example, row, column, channel. Every function is a program of the table's rows and of five
rows that are added here, so it runs in every arithmetic. Units are those of what comes in, unless said otherwise.
"""

import math
from itertools import accumulate, pairwise

import numpy as np

from mathlib.arithmetic import Number, elementwise, general, multilinear, primitive, real_value
from mathlib.door import array, entropy, one_of, program, reals, shown, whole
from mathlib.primitives import part
from mathlib.primitives.blocks import in_last_axis, of_one, paired

UNITS = {"nats": 1.0, "bits": math.log(2.0)}


def ravel(arrays):
    """All parameters as one vector, and the function that gives them back: ``theta, unravel = ravel([W, b])``.

    `theta` is a copy, of shape (n,). `unravel(theta)` lists slices of it, in the shapes of `arrays`, which
    `unravel.shapes` says; another size is a ValueError, and an array that is not of floats a TypeError.

    >>> theta, unravel = ravel([np.eye(2), np.array([5.0])])
    >>> theta, unravel(2 * theta)[1], unravel.shapes
    (array([1., 0., 0., 1., 5.]), array([10.]), [(2, 2), (1,)])
    """
    if not isinstance(arrays, (list, tuple)) or not arrays:
        raise TypeError(f"arrays is {arrays!r}: a list of arrays is needed. Instead: ravel([array]).")
    arrays = [array(a, "an array of arrays") for a in arrays]
    if wrong := [str(a.dtype) for a in arrays if a.dtype.kind != "f"]:
        raise TypeError(f"arrays holds {', '.join(wrong)}: floats are needed. Instead: its .astype(float).")
    shapes = [a.shape for a in arrays]
    ends = list(accumulate((a.size for a in arrays), initial=0))

    def unravel(theta):
        theta = array(theta, "theta")
        if theta.shape != (ends[-1],):
            raise ValueError(f"theta has shape {theta.shape}: {(ends[-1],)} is needed, for arrays of shapes {shapes}.")
        return [part(theta, start, shape) for start, shape in zip(ends, shapes, strict=False)]

    unravel.shapes = shapes
    return np.concatenate([np.ravel(a) for a in arrays]), unravel


@primitive
def pad(L, p):
    """The images with p rows and columns of zeros around them: (N, H, W, C) becomes (N, H + 2p, W + 2p, C).

    >>> pad(np.ones((1, 1, 1, 1)), 1)[0, :, 1, 0]
    array([0., 1., 0.])
    """
    whole(p=p)
    N, H, W, C = images(L).shape
    padded = np.zeros((N, H + 2 * p, W + 2 * p, C), L.dtype)
    padded[:, p : p + H, p : p + W] = L
    return padded


def images(L):
    """L as an array, if it is of images."""
    L = array(L, "L")
    if L.ndim != 4:
        raise ValueError(f"L has shape {L.shape}: (N, H, W, C) is needed. Instead: L[np.newaxis] for one image.")
    return L


@primitive
def windows(L, F, stride):
    """The F x F windows of the images, ``w[n, x, y, u, v, c] = L[n, s x + u, s y + v, c]``, copied."""
    L = np.ascontiguousarray(L)
    N, H, W, C = L.shape
    n, h, w, _ = L.strides
    shape = (N, (H - F) // stride + 1, (W - F) // stride + 1, F)
    # F pixels of a row lie side by side. One item of so many bytes is copied twice as fast as F C numbers.
    runs = np.ndarray(shape, f"V{F * C * L.itemsize}", L, strides=(n, stride * h, stride * w, h))
    return runs.copy().view(L.dtype).reshape(*shape, F, C)


@primitive
def overlap_add(w, shape, stride):
    """The transpose of `windows`: images of `shape` in which the windows are added up."""
    L = np.zeros(shape, w.dtype)
    rows, columns, F = w.shape[1:4]
    for u in range(F):
        for y in range(columns):
            L[:, u : u + stride * rows : stride, stride * y : stride * y + F] += w[:, :, y, u]
    return L


multilinear(pad, transposes=(lambda g, L, p: g[:, p : p + L.shape[1], p : p + L.shape[2]],))
multilinear(windows, transposes=(lambda g, L, F, stride: overlap_add(g, L.shape, stride),))
multilinear(overlap_add, transposes=(lambda g, w, shape, stride: windows(g, w.shape[3], stride),))
in_last_axis(pad, windows)


@of_one(overlap_add)
def overlap_add_block(y, t, w, shape, stride):
    """All tangents as channels of one image."""
    channels = shape[3] * t.shape[-1]
    images = overlap_add(np.reshape(t, (*t.shape[:5], channels)), (*shape[:3], channels), stride)
    return np.reshape(images, (*shape, t.shape[-1]))


def conv2d_shape(H, W, F, padding=0, stride=1):
    """Rows and columns after a convolution: ``H' = floor((H + 2p - F) / s) + 1``, and W' likewise.

    What is not an integer is a TypeError; what is out of range or leaves no window, a ValueError.

    >>> conv2d_shape(28, 28, F=5, stride=2)
    (12, 12)
    """
    least = {"H": 1, "W": 1, "F": 1, "padding": 0, "stride": 1}
    for (name, low), n in zip(least.items(), (H, W, F, padding, stride), strict=True):
        whole(low, **{name: n})
    if min(H, W) + 2 * padding < F:
        raise ValueError(f"a window of {F} x {F} does not fit into {H} x {W} with padding {padding}: pad more.")
    return (H + 2 * padding - F) // stride + 1, (W + 2 * padding - F) // stride + 1


def conv2d(L, f, padding=0, stride=1):
    """The convolution of images L (N, H, W, C) with filters f (F, F, C, C'), not flipped, as networks take it.

    ``L'[n, x, y, c'] = sum over u, v, c of f[u, v, c, c'] pad(L, p)[n, s x + u, s y + v, c]``, in the unit [L] [f]
    and the shape (N, H', W', C') by `conv2d_shape`, with p for the padding and s for the stride. Shapes that do not
    fit each other are a ValueError. Source: LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998).

    >>> conv2d(np.arange(4.0).reshape(1, 1, 4, 1), np.ones((2, 2, 1, 1)), padding=1, stride=2)[0, :, :, 0]
    array([[0., 3., 3.]])
    """
    L, f = array(L, "L"), array(f, "f")
    if L.ndim != 4 or f.ndim != 4 or f.shape[0] != f.shape[1] or f.shape[2] != L.shape[3]:
        needed = "(N, H, W, C) and (F, F, C, C') are needed"
        instead = "np.moveaxis(L, 1, 3) where channels come first" if L.ndim == 4 else "L[np.newaxis] for one image"
        raise ValueError(f"L has shape {L.shape} and f {f.shape}: {needed}. Instead: {instead}.")
    (N, H, W, C), F = L.shape, f.shape[0]
    shape = (N, *conv2d_shape(H, W, F, padding, stride), f.shape[3])
    seen = windows(pad(L, padding) if padding else L, F, stride)
    y = np.reshape(seen, (math.prod(shape[:3]), F * F * C)) @ np.reshape(f, (F * F * C, shape[3]))
    return np.reshape(y, shape)


def max_pool(L, F, stride=None):
    """The largest value in each F x F window, F or `stride` pixels apart; its derivative is shared where values tie.

    >>> max_pool(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    L, stride = images(L), F if stride is None else stride
    conv2d_shape(*L.shape[1:3], F, stride=stride)
    return np.max(windows(L, F, stride), axis=(3, 4))


@primitive
def relu(x):
    """``max(x, 0)``, with the derivative 0 at the kink.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(reals(x, "x"), 0)


elementwise(relu, lambda y: y > 0, radius=None)


def softplus(x):
    """``log(1 + exp(x))``, a smooth relu, without overflow (Dugas, C. et al. 2001).

    >>> softplus(np.array([0.0, 1e4])) / np.log([2.0, 2.0])
    array([1.00000000e+00, 1.44269504e+04])
    """
    return np.logaddexp(reals(x, "x"), 0)


def dense(x, W, b):
    """``x W + b``: (N, m), (m, n) and (n,) give (N, n), in the unit [x] [W] = [b].

    >>> dense(np.ones((1, 2)), np.eye(2), np.array([0.0, 1.0]))
    array([[1., 2.]])
    """
    x, W, b = (reals(a, name) for a, name in ((x, "x"), (W, "W"), (b, "b")))
    if W.ndim != 2 or not x.ndim or x.shape[-1] != W.shape[0] or b.shape not in ((), W.shape[1:], (1, W.shape[1])):
        raise ValueError(f"x has shape {x.shape}, W {W.shape} and b {b.shape}: (N, m), (m, n) and (n,) are needed.")
    return x @ W + b


def attention(Q, K, V, causal=True):
    """For each query a mean of the values, weighted by how its keys fit: ``softmax(Q K^T / sqrt(d)) V``.

    Queries (..., T, d), keys (..., S, d) and values (..., S, e) give (..., T, e), in the unit of V; [Q] [K] is one. A
    `causal` one has T = S, and at t reads the keys and values up to t alone. A ValueError says what does not fit.
    Source: Vaswani, A. et al. (2017), arXiv 1706.03762.

    >>> attention(np.zeros((3, 2)), np.ones((3, 2)), np.array([[3.0], [1.0], [2.0]]))  # the means so far
    array([[3.],
           [2.],
           [2.]])
    """
    one_of((True, False), causal=causal)
    Q, K, V = (reals(a, name) for a, name in ((Q, "Q"), (K, "K"), (V, "V")))
    if min(Q.ndim, K.ndim, V.ndim) < 2 or Q.shape[-1] != K.shape[-1] or K.shape[-2] != V.shape[-2]:
        needed = "(..., T, d), (..., S, d) and (..., S, e) are needed"
        raise ValueError(f"Q has shape {Q.shape}, K {K.shape}, V {V.shape}: {needed}.")
    (T, d), S = Q.shape[-2:], K.shape[-2]
    if causal and T != S:
        raise ValueError(f"{T} queries and {S} keys: as many are needed. Instead: causal=False.")
    scores = Q @ np.swapaxes(K, -1, -2) / math.sqrt(d)
    if causal:
        scores = np.where(np.tri(T, dtype=bool), scores, -np.inf)
    weights = np.exp(scores - np.max(real_value(scores), axis=-1, keepdims=True))  # the largest is 1
    return weights / np.sum(weights, axis=-1, keepdims=True) @ V


def softmax_cross_entropy(logits, y, unit="nats"):
    """The mean over n of ``-sum over k of y[n, k] log softmax(logits[n])[k]``, in nats or bits (log 2 nats).

    The logits (N, K) may be of any size. y holds constants: integer labels (N,), or probabilities (N, K). A ValueError
    says what does not fit. Sources: Shannon, C. E. (1948); Bridle, J. S. (1990).

    >>> softmax_cross_entropy(np.zeros((3, 4)), np.array([0, 1, 3]), unit="bits").round(12)
    np.float64(2.0)
    """
    one_of(tuple(UNITS), unit=unit)
    logits = array(logits, "logits")
    p = distributions(y, logits)
    return cross_entropy(logits, p) / (len(p) * UNITS[unit])


@primitive
def cross_entropy(z, p):
    """The sum over n and k of ``-p[n, k] log softmax(z[n])[k]``."""
    z = z - z.max(axis=1, keepdims=True)
    surprise = np.log(np.exp(z).sum(axis=1, keepdims=True)) - z
    return np.vdot(p, np.where(p == 0, 0, surprise))  # a logit of -inf is one that cannot be


def surplus(z, p):
    """The derivative of `cross_entropy` by z: what the softmax has more than p.

    Where p is all of its row, as at a label, that is minus what the softmax has elsewhere: 1 - p would cancel.
    """
    e = np.exp(z - real_value(z).max(axis=1, keepdims=True))
    whole = p.sum(axis=1, keepdims=True)
    label = p == whole
    elsewhere = np.where(label, 0, e).sum(axis=1, keepdims=True)
    return np.where(label, -elsewhere, e) / e.sum(axis=1, keepdims=True) * whole - np.where(label, 0, p)


general(
    cross_entropy,
    lambda y, z, dz, p: np.vdot(surplus(z, p), dz),
    transposes=(lambda g, y, z, p: g * surplus(z, p),),
)
of_one(cross_entropy)(lambda y, dz, z, p: paired(surplus(z, p), dz))


def distributions(y, logits):
    """The targets y as a distribution for each row of the logits; a label becomes zeros and a one."""
    y, shape = array(y, "y"), logits.shape
    y = y if isinstance(y, Number) and y.is_real else np.asarray(y)  # constants
    if logits.ndim != 2 or not logits.size:
        raise ValueError(f"logits has shape {shape}: (N, K), with at least one example, is needed.")
    precision = np.result_type(logits.dtype, np.float16)
    if y.shape == shape:
        if not (np.all(y >= 0) and np.all(abs(np.sum(y, axis=1) - 1) < 1e-5)):
            raise ValueError("y has a negative entry or a row that does not sum to 1: probabilities are needed.")
        return y.astype(precision)
    if y.shape != shape[:1] or y.dtype.kind not in "iu":
        needed = f"integer labels {shape[:1]}, or probabilities {shape}, are needed"
        raise ValueError(f"y has shape {y.shape} and type {y.dtype}: {needed}.")
    if y.min() < 0 or y.max() >= shape[1]:
        raise ValueError(f"y goes from {y.min()} to {y.max()}: labels from 0 to {shape[1] - 1} are needed.")
    return (y[:, None] == np.arange(shape[1])).astype(precision)


def accuracy(logits, y):
    """The fraction of examples whose largest logit is their label's; arguments and errors as above.

    >>> accuracy(np.array([[0.0, 1.0], [3.0, 2.0]]), np.array([1, 1]))
    np.float64(0.5)
    """
    logits = real_value(array(logits, "logits"))
    return np.mean(np.argmax(distributions(y, logits), axis=1) == np.argmax(logits, axis=1))


def mlp(sizes, activation=np.tanh, seed=0):
    """A network of dense layers: ``theta0`` and ``model(theta, X)``, from X (N, sizes[0]) to logits (N, sizes[-1]).

    Weights are normal with variance 2 / (inputs + outputs) (Glorot, X. and Bengio, Y. 2010), biases zero;
    `model.unravel` lists them (see `ravel`).

    >>> theta0, model = mlp([4, 3, 2])
    >>> theta0.shape, model(theta0, np.ones((5, 4))).shape
    ((23,), (5, 2))
    """
    program(activation)
    layers("sizes", sizes, 2)
    rng, parts = np.random.default_rng(entropy(seed)), []
    for m, n in pairwise(sizes):
        parts += [rng.normal(0, math.sqrt(2 / (m + n)), (m, n)), np.zeros(n)]
    theta0, unravel = ravel(parts)

    def model(theta, X):
        *hidden, W, b = unravel(theta)
        a = checked(X, sizes[:1])
        for V, c in zip(hidden[::2], hidden[1::2], strict=True):
            a = activation(dense(a, V, c))
        return dense(a, W, b)

    model.unravel = unravel
    return theta0, model


def cnn(input_shape=(28, 28, 1), channels=(8, 16), F=5, stride=2, classes=10, padding=0, seed=0):
    """Convolutions with biases and relu, then a dense layer: ``theta0`` and ``model(theta, X)``.

    X ``(N, *input_shape)``, logits (N, classes); weights normal, variance 2 / inputs (He, K. et al. 2015), biases zero;
    `model.unravel` lists them.

    >>> theta0, model = cnn()
    >>> theta0.shape, model(theta0, np.ones((5, 28, 28, 1))).shape
    ((5994,), (5, 10))
    """
    layers("input_shape", input_shape, 3)
    layers("channels", channels)
    whole(1, F=F, classes=classes)
    rng, parts, (H, W, C) = np.random.default_rng(entropy(seed)), [], input_shape
    for K in channels:
        parts += [rng.normal(0, math.sqrt(2 / (F * F * C)), (F, F, C, K)), np.zeros(K)]
        (H, W), C = conv2d_shape(H, W, F, padding, stride), K
    n = H * W * C
    theta0, unravel = ravel([*parts, rng.normal(0, math.sqrt(2 / n), (n, classes)), np.zeros(classes)])

    def model(theta, X):
        *filters, V, b = unravel(theta)
        L = checked(X, input_shape)
        for f, c in zip(filters[::2], filters[1::2], strict=True):
            L = relu(conv2d(L, f, padding, stride) + c)
        return dense(np.reshape(L, (L.shape[0], n)), V, b)

    model.unravel = unravel
    return theta0, model


def layers(name, numbers, least=0):
    """Refuse what are not at least so many positive integers."""
    if not isinstance(numbers, (list, tuple)) or len(numbers) < least:
        raise TypeError(f"{name} is {shown(numbers)}: a tuple of at least {least} integers is needed.")
    whole(1, **{f"{name}[{i}]": n for i, n in enumerate(numbers)})


def checked(X, shape):
    """X as an array, if it is of examples of this shape."""
    X = array(X, "X")
    if X.shape[1:] != tuple(shape):
        raise ValueError(f"X has shape {X.shape}: (N, {', '.join(map(str, shape))}) is needed.")
    return X
