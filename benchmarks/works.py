"""The works that `derivatives.py` times, each as a plain program and as an expert would write it by hand in NumPy.

A  an MLP 784-256-256-10 with tanh, batch 128
B  a CNN: 28x28x1, two 5x5 convolutions of 8 and 16 channels with stride 2, relu, a dense layer of 10, batch 64
C  about a hundred operations on scalars: nothing but overhead
D  MLPs of three layers, batch 32: 120 parameters ("small"), and h by h weights, 3 h (h + 1) parameters
121, 1701  regressions by MLPs 10-10-1 and 20-20-20-20-20-1 with tanh, batch 32, named by their parameters

All weights travel in one vector theta; A, B and D end in the mean softmax cross-entropy, the regressions in half the
mean square of the errors.
"""

import cmath
import math
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Dense:
    """A layer whose input is a matrix already: nothing to copy, nothing to add up."""

    def __init__(self, n_in, n_out):
        self.shape, self.positions = (n_in, n_out), 1

    def lift(self, a, out):
        return a.reshape(-1, self.shape[0])

    lower = lift


class Conv:
    """A convolution as a product: `lift` copies the windows into rows, `lower` adds rows of windows up."""

    def __init__(self, side, c_in, c_out, window=5, stride=2):
        self.window, self.stride, self.side, self.c_in = window, stride, side, c_in
        self.out = (side - window) // stride + 1
        self.shape, self.positions = (window * window * c_in, c_out), self.out**2
        self.filter = (window, window, c_in, c_out)
        pixels = sliding_window_view(np.arange(side * side).reshape(side, side), (window, window))
        self.pixels = pixels[::stride, ::stride].ravel()

    def lift(self, a, out):
        a = a.reshape(-1, self.side**2, self.c_in)
        np.take(a, self.pixels, axis=1, out=out.reshape(len(a), -1, self.c_in), mode="clip")
        return out

    def lower(self, rows, out):
        out, n, run = out.reshape(-1, self.side, self.side * self.c_in), self.out, self.window * self.c_in
        rows = rows.reshape(-1, n, n, self.window, run)
        out.fill(0)
        for i in range(self.window):
            for j in range(n):  # whole runs of window * c_in numbers
                start = j * self.stride * self.c_in
                out[:, i : i + self.stride * n : self.stride, start : start + run] += rows[:, :, j, i]
        return out


class Network:
    """A network's derivatives by hand: `gradient`, `at(theta)` then `product(v)` (the dual route), complex step.

    Every buffer is made once. An answer stays valid until the next call.
    """

    def __init__(self, layers, activation, X, y, dtype=float):
        self.layers, self.tanh, self.dtype, self.n = layers, activation == "tanh", np.dtype(dtype), len(X)
        self.X = X.astype(np.longdouble) if dtype == np.longdouble else X
        self.regression = y.dtype.kind == "f"
        targets = y[:, None] if self.regression else np.eye(layers[-1].shape[1])[y]
        self.Y = targets.astype(self.X.dtype) / len(X)
        self.size = sum(math.prod(L.shape) + L.shape[1] for L in layers)
        self.answer = np.empty(self.size, dtype)
        self.grads = self.split(self.answer)
        self.rows = [self.n * L.positions for L in layers]
        self.ones = [np.ones(r, self.X.dtype) for r in self.rows]
        self.z = [self.buffer(r, L.shape[1]) for r, L in zip(self.rows, layers, strict=True)]
        self.lowered = [np.empty_like(z) for z in self.z]
        self.back = [self.buffer(r, L.shape[0]) for r, L in zip(self.rows, layers, strict=True)]
        self.lifted = [np.empty_like(b, X.dtype if k == 0 else dtype) for k, b in enumerate(self.back)]

    def buffer(self, *shape):
        return np.empty(shape, self.dtype)

    def split(self, theta):
        """The weights and biases, as views; of a block (size, k), each with k as its last axis."""
        parts, start = [], 0
        for layer in self.layers:
            middle = start + math.prod(layer.shape)
            stop = middle + layer.shape[1]
            parts.append((theta[start:middle].reshape(*layer.shape, *theta.shape[1:]), theta[middle:stop]))
            start = stop
        return parts

    def lower(self, k, rows):
        """Layer k's rows become the shape of the activations below it."""
        return self.layers[k].lower(rows, self.lowered[k - 1]).reshape(self.z[k - 1].shape)

    def add_bias(self, z, b, layer):
        z = z.reshape(self.n, -1)
        z += np.tile(b, layer.positions)  # one long row an example: NumPy's inner loop is over it

    # ---------------------------------------------------------------- the gradient, real or complex

    def activate(self, z):
        """The activation in place."""
        if self.tanh:
            np.tanh(z, out=z)
        elif self.dtype.kind == "c":
            z *= z.real > 0
        else:
            np.maximum(z, 0, out=z)

    def slope(self, a):
        """The activation's derivative, from its value."""
        if self.tanh:
            s = a * a
            return np.subtract(1, s, out=s)
        return a.real > 0

    def compare(self, z):
        """The outputs become the gradient with respect to them, in place."""
        if self.regression:
            z /= self.n
        else:
            z -= z.real.max(1, keepdims=True)
            np.exp(z, out=z)
            z /= z.sum(1, keepdims=True) * self.n
        z -= self.Y

    forward = staticmethod(np.matmul)

    @staticmethod
    def leaf(A, delta, out):
        """The gradient of a weight."""
        np.matmul(A.T, delta, out=out)

    def gradient(self, theta):
        inputs, a = [], self.X
        weights = self.split(theta)
        for k, (layer, (W, b)) in enumerate(zip(self.layers, weights, strict=True)):
            inputs.append(layer.lift(a, self.lifted[k]))
            a = self.forward(inputs[k], W, out=self.z[k])
            self.add_bias(a, b, layer)
            if k < len(self.layers) - 1:
                self.activate(a)
        self.compare(a)
        delta = a
        for k in reversed(range(len(self.layers))):
            W_grad, b_grad = self.grads[k]
            self.leaf(inputs[k], delta, out=W_grad)
            self.leaf(self.ones[k], delta, out=b_grad)
            if k:
                below = np.matmul(delta, weights[k][0].T, out=self.back[k])
                delta = self.lower(k, below)
                delta *= self.slope(self.z[k - 1])
        return self.answer


class Dual(Network):
    """H v by dual numbers: `at(theta)` is what does not depend on v, `product(v)` the rest; `hvp` is both."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # A'dR + dA'R is one product if A stands above dA and dR above R
        self.left = [self.buffer(2 * r, L.shape[0]) for r, L in zip(self.rows, self.layers, strict=True)]
        self.right = [self.buffer(2 * r, L.shape[1]) for r, L in zip(self.rows, self.layers, strict=True)]
        self.da, self.dz = [np.empty_like(z) for z in self.z], [np.empty_like(z) for z in self.z]
        self.more_back = [np.empty_like(b) for b in self.back]
        for k, layer in enumerate(self.layers[1:], 1):
            if layer.positions == 1:  # a dense layer reads them as they are
                self.z[k - 1], self.da[k - 1] = self.left[k].reshape(2, *self.z[k - 1].shape)

    def at(self, theta):
        self.weights, self.inputs = self.split(theta), []
        a, last = self.X, len(self.layers) - 1
        for k, (layer, (W, b)) in enumerate(zip(self.layers, self.weights, strict=True)):
            self.inputs.append(layer.lift(a, self.left[k][: self.rows[k]]))
            a = np.matmul(self.inputs[k], W, out=self.z[k])
            self.add_bias(a, b, layer)
            if k < last:
                self.activate(a)
            else:
                self.compare(a)
        delta = self.right[last][self.rows[last] :]
        delta[:] = a
        self.P = a + self.Y
        self.slopes, self.bends = [None] * last, [None] * last
        for k in range(last, 0, -1):
            below = np.matmul(delta, self.weights[k][0].T, out=self.back[k])
            below, a = self.lower(k, below), self.z[k - 1]
            self.slopes[k - 1] = self.slope(a)
            delta = np.multiply(below, self.slopes[k - 1], out=self.right[k - 1][self.rows[k - 1] :])
            if self.tanh:
                self.bends[k - 1] = -2 * a * delta  # the slope's slope times the gradient above it
        return self

    def product(self, v):
        directions, last = self.split(v), len(self.layers) - 1
        for k, (layer, (V, c)) in enumerate(zip(self.layers, directions, strict=True)):
            r = self.rows[k]
            dz = np.matmul(self.inputs[k], V, out=self.dz[k])
            if k:
                dz += np.matmul(layer.lift(self.da[k - 1], self.left[k][r:]), self.weights[k][0], out=self.da[k])
            self.add_bias(dz, c, layer)
            if k < last:
                np.multiply(dz, self.slopes[k], out=self.da[k])
        dr = self.right[last][: self.rows[last]]
        if self.regression:
            np.divide(dz, self.n, out=dr)
        else:
            np.multiply(self.P, dz, out=dr)
            dr -= self.P * (dr.sum(1, keepdims=True) * self.n)
        for k in range(last, 0, -1):
            r, layer = self.rows[k], self.layers[k]
            np.matmul(self.left[k].T, self.right[k], out=self.grads[k][0])
            dr, R, W, V = self.right[k][:r], self.right[k][r:], self.weights[k][0], directions[k][0]
            np.matmul(self.ones[k], dr, out=self.grads[k][1])
            if layer.positions > 1:  # one product where the sum of two would be the larger array
                below = np.matmul(np.hstack([dr, R]), np.hstack([W, V]).T, out=self.back[k])
            else:
                below = np.matmul(dr, W.T, out=self.back[k])
                below += np.matmul(R, V.T, out=self.more_back[k])
            below = self.lower(k, below)
            dr = np.multiply(below, self.slopes[k - 1], out=self.right[k - 1][: self.rows[k - 1]])
            if self.tanh:
                dr += np.multiply(self.dz[k - 1], self.bends[k - 1], out=self.dz[k - 1])
        np.matmul(self.inputs[0].T, dr, out=self.grads[0][0])
        np.matmul(self.ones[0], dr, out=self.grads[0][1])
        return self.answer

    def hvp(self, theta, v):
        return self.at(theta).product(v)

    def block(self, V):
        """H V for a block V (size, k), of a regression: the k tangents travel together, as the last axis."""
        answer, directions, tangents = np.empty_like(V), self.split(V), []
        layers = list(zip(self.inputs, self.weights, directions, self.split(answer), strict=True))
        for k, (A, (W, _), (dW, db), _) in enumerate(layers):
            dz = (A @ dW.reshape(len(dW), -1)).reshape(self.n, *db.shape) + db
            if k:
                dz += W.T @ tangents[k - 1][1]
            if k < len(layers) - 1:
                tangents.append((dz, dz * self.slopes[k][..., None]))
        dr = dz / self.n
        for k, (A, (W, _), (dW, _), (W_out, b_out)) in reversed(list(enumerate(layers))):
            R = self.right[k][self.rows[k] :]
            W_out[:] = (A.T @ dr.reshape(self.n, -1)).reshape(W_out.shape)
            dr.sum(0, out=b_out)
            if k:
                dz, da = tangents[k - 1]
                W_out += (R.T @ da.reshape(self.n, -1)).reshape(-1, *da.shape[1:]).swapaxes(0, 1)
                below = W @ dr
                below += (R @ dW.swapaxes(0, 1).reshape(R.shape[1], -1)).reshape(below.shape)
                dr = below * self.slopes[k - 1][..., None] + dz * self.bends[k - 1][..., None]
        return answer

    def dense(self, theta, columns=128):
        """The matrix H, some columns at a time, so that their tangents stay in the cache."""
        self.at(theta)
        E = np.eye(self.size)
        return np.hstack([self.block(E[:, k : k + columns]) for k in range(0, self.size, columns)])


class ComplexStep(Network):
    """H v by complex step: the very same gradient, on complex numbers."""

    eps = 2.0**-50

    def __init__(self, *args):
        super().__init__(*args, dtype=complex)

    def hvp(self, theta, v):
        return self.gradient(theta + 1j * self.eps * v).imag / self.eps


class TunedComplexStep(ComplexStep):
    """The same, with real inputs left real, tanh from the real one, and only the imaginary part of the answer."""

    def __init__(self, *args):
        super().__init__(*args)
        self.answer = np.empty(self.size)
        self.grads = self.split(self.answer)

    def hvp(self, theta, v):
        return self.gradient(theta + 1j * self.eps * v) / self.eps

    @staticmethod
    def forward(A, W, out):
        if A.dtype == complex:
            return np.matmul(A, W, out=out)
        out.real = A @ W.real.copy()
        out.imag = A @ W.imag.copy()
        return out

    @staticmethod
    def leaf(A, delta, out):
        if A.dtype == complex:
            A, delta = np.concatenate([A.real, A.imag]), np.concatenate([delta.imag, delta.real])
        else:
            delta = delta.imag.copy()
        np.matmul(A.T, delta, out=out)

    def activate(self, z):
        if self.tanh:
            t = np.tanh(z.real)
            z.imag *= 1 - t * t  # y is so small that its square is below the last bit
            z.real = t
        else:
            np.putmask(z, z.real <= 0, 0)


class Scalars:
    """Work C by hand, on Python's own floats; on its complex numbers, by complex step, H v.

    With `functions` = np it takes NumPy's long doubles too.
    """

    def __init__(self, functions=None):
        self.functions = functions

    def gradient(self, theta):
        a, b, c, d = theta.tolist()
        functions, tape = self.functions or (cmath if theta.dtype == complex else math), []
        for _ in range(16):
            t, s = functions.tanh(a * b + c), functions.sin(b)
            tape.append((a, b, t, s))
            a, b = t, s * d - a
        a_grad, b_grad, c_grad, d_grad = b, a, 0.0, 0.0
        for a, b, t, s in reversed(tape):
            inner = a_grad * (1 - t * t)
            c_grad += inner
            d_grad += b_grad * s
            a_grad, b_grad = inner * b - b_grad, inner * a + b_grad * d * functions.cos(b)
        return np.array([a_grad, b_grad, c_grad, d_grad])

    def hvp(self, theta, v, eps=2.0**-50):
        return self.gradient(theta + 1j * eps * v).imag / eps


# ---------------------------------------------------------------- the same as plain programs


def scalar_program(xp):
    """Work C: sixteen times six operations."""

    def loss(theta):
        a, b, c, d = theta[0], theta[1], theta[2], theta[3]
        for _ in range(16):
            a, b = xp.tanh(a * b + c), xp.sin(b) * d - a
        return a * b

    return loss


def network_program(layers, xp, unravel, conv2d, relu, softmax_cross_entropy):
    """The other works, for any library that has these functions."""
    if isinstance(layers[0], Dense):

        def logits(theta, a):
            weights = unravel(theta)
            for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                a = xp.tanh(a @ W + b)
            return a @ weights[-2] + weights[-1]

    else:

        def logits(theta, L):
            f1, b1, f2, b2, W, b = unravel(theta)
            L = relu(conv2d(relu(conv2d(L, f1) + b1), f2) + b2)
            return L.reshape((len(L), -1)) @ W + b

    if layers[-1].shape[1] == 1:
        return lambda theta, X, y: xp.mean((logits(theta, X)[:, 0] - y) ** 2) / 2
    return lambda theta, X, y: softmax_cross_entropy(logits(theta, X), y)


def shapes(layers):
    """The shape of each weight and bias."""
    return [shape for L in layers for shape in (getattr(L, "filter", L.shape), L.shape[-1:])]


def slices(layers):
    """The function that cuts theta into the weights and biases."""
    ends = np.cumsum([0] + [math.prod(s) for s in shapes(layers)]).tolist()
    cuts = list(zip(pairwise(ends), shapes(layers), strict=True))
    return lambda theta: [theta[a:b].reshape(shape) for (a, b), shape in cuts]


def weights(layers, rng):
    """Random weights, about as a trained network has them; biases too."""
    parts = [(rng.normal(size=L.shape) / math.sqrt(L.shape[0]), 0.1 * rng.normal(size=L.shape[1])) for L in layers]
    return np.concatenate([p.ravel() for pair in parts for p in pair])


def data(batch, shape, classes, rng):
    """Inputs, and classes or, of a single output, real targets."""
    y = rng.integers(classes, size=batch) if classes > 1 else rng.normal(size=batch)
    return rng.uniform(size=(batch, *shape)), y


def mlp_layers(*widths):
    return [Dense(a, b) for a, b in pairwise(widths)]


def network(work, rng, width=None):
    """The layers, activation, X and y of work "A", "B", "121", "1701", "small", or "D" of a width."""
    if work == "B":
        layers = [Conv(28, 1, 8), Conv(12, 8, 16), Dense(4 * 4 * 16, 10)]
        return layers, "relu", *data(64, (28, 28, 1), 10, rng)
    widths, batch = {
        "A": ((784, 256, 256, 10), 128),
        "121": ((10, 10, 1), 32),
        "1701": ((*[20] * 5, 1), 32),
        "small": ((5, 6, 6, 6), 32),
        "D": ((width,) * 4, 32),
    }[work]
    return mlp_layers(*widths), "tanh", *data(batch, widths[:1], widths[-1], rng)
