"""The libraries that `derivatives.py` compares, each with the routes that its users would choose.

A library here is a function of a work's layers (None for work C) and data that gives its routes by name: `gradient` of
theta, and ways to H v. NumPy arrays go in and come out. A route that records first is a function of theta that gives a
function of v: only the latter is timed, as "next"; "block" is the same for many vectors, the columns of V. "dense" is a
function of theta, the matrix H. `compiled` is mathlib with its own compiler.
"""

from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from works import network_program, scalar_program, shapes, slices


def numpy_program(layers):
    """The loss as mathlib's user writes it: of theta, and of a network also of its data."""
    from mathlib import nn

    if layers is None:
        return scalar_program(np)
    _, unravel = nn.ravel([np.zeros(s) for s in shapes(layers)])
    return network_program(
        layers, np, unravel, lambda L, f: nn.conv2d(L, f, stride=2), nn.relu, nn.softmax_cross_entropy
    )


def mathlib(layers, X, y):
    import mathlib as ml

    program, data = numpy_program(layers), () if layers is None else (X, y)

    def loss(theta):
        return program(theta, *data)

    def following(theta):
        return ml.hessian(loss, theta).__matmul__

    def hvp(method):
        return lambda theta, v: ml.hvp(loss, theta, v, method=method)

    return {
        "gradient": lambda theta: ml.grad(loss)(theta),
        "dual": hvp("dual"),
        "gradient and dual": lambda theta, v: ml.grad_and_hvp(loss, theta, v),
        "next": following,
        "block": following,
        "dense": lambda theta: ml.hessian(loss, theta).dense(),
        "double backprop": hvp("double_backprop"),
        "complex step": hvp("complex_step"),
        "differences": hvp("finite_difference"),
    }


def compiled(layers, X, y):
    import mathlib as ml
    from mathlib import compiled

    program, data = numpy_program(layers), () if layers is None else (X, y)
    of_data = ml.grad(compiled(program))

    def loss():
        return compiled(lambda theta: program(theta, *data))

    def hessian(use, fast):
        return lambda theta: use(ml.hessian(fast, theta))

    return {
        "gradient": ml.grad(loss()),
        "gradient of data": lambda theta: of_data(theta, *data),
        "dual": partial(ml.hvp, loss()),
        "next": hessian(lambda H: H.__matmul__, loss()),
        "block": hessian(lambda H: H.__matmul__, loss()),
        "dense": hessian(lambda H: H.dense(), loss()),
    }


def jax(layers, X, y):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.block_until_ready(jax.jit(jax.grad(jnp.sum))(jnp.ones(2)))  # its start is not what a loss costs to compile

    def conv2d(L, f):  # on CPU three times faster in float64 than jax.lax.conv_general_dilated
        F, _, C, C_out = f.shape
        side, H = L.shape[1], (L.shape[1] - F) // 2 + 1
        pixels = sliding_window_view(np.arange(side * side).reshape(side, side), (F, F))[::2, ::2].ravel()
        windows = jnp.take(L.reshape((-1, side * side, C)), pixels, axis=1).reshape((-1, F * F * C))
        return (windows @ f.reshape((F * F * C, C_out))).reshape((-1, H, H, C_out))

    def cross_entropy(logits, y):
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1))

    if layers is None:
        loss, data = scalar_program(jnp), ()
    else:
        loss = network_program(layers, jnp, slices(layers), conv2d, jax.nn.relu, cross_entropy)
        data = jnp.asarray(X), jnp.asarray(y)

    def hvp(theta, v, *data):
        return jax.jvp(lambda t: jax.grad(loss)(t, *data), (theta,), (v,))

    gradient = jax.jit(jax.grad(loss))
    both = jax.jit(hvp)
    dual = jax.jit(lambda *args: hvp(*args)[1])
    reverse = jax.jit(lambda t, v, *data: jax.grad(lambda t: jax.grad(loss)(t, *data) @ v)(t))
    apply = jax.jit(lambda linear, v: linear(v))
    apply_block = jax.jit(lambda linear, V: jax.vmap(linear, 1, 1)(V))
    dense = jax.jit(jax.hessian(loss))

    def following(apply):
        linearize = jax.jit(lambda t, *data: jax.linearize(lambda t: jax.grad(loss)(t, *data), t)[1])

        def at(theta):
            linear = jax.block_until_ready(linearize(theta, *data))
            return lambda v: np.asarray(apply(linear, v))

        return at

    return {
        "gradient": lambda theta: np.asarray(gradient(theta, *data)),
        "dual": lambda theta, v: np.asarray(dual(theta, v, *data)),
        "gradient and dual": lambda theta, v: tuple(np.asarray(a) for a in both(theta, v, *data)),
        "next": following(apply),
        "block": following(apply_block),
        "dense": lambda theta: np.asarray(dense(theta, *data)),
        "double backprop": lambda theta, v: np.asarray(reverse(theta, v, *data)),
    }


def torch(layers, X, y):
    import torch
    from torch.nn.functional import conv2d, cross_entropy

    torch.set_num_threads(1)

    def program(theta):
        return scalar_program(torch)(theta)

    if layers is not None:
        if X.ndim == 4:
            X = X.transpose(0, 3, 1, 2).copy()  # its own layout, (N, C, H, W), for the data
        data = torch.from_numpy(X), torch.from_numpy(y)
        unravel = slices(layers)

        def program(theta):
            weights = unravel(theta)
            a = data[0]
            for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                a = torch.relu(conv2d(a, W.permute(3, 2, 0, 1), b, stride=2)) if W.ndim == 4 else torch.tanh(a @ W + b)
            if a.ndim == 4:
                a = a.permute(0, 2, 3, 1).reshape(len(a), -1)
            a = a @ weights[-2] + weights[-1]
            return cross_entropy(a, data[1]) if a.shape[1] > 1 else torch.mean((a[:, 0] - data[1]) ** 2) / 2

    def on(theta):
        return torch.from_numpy(theta).requires_grad_()

    def gradient(theta):
        theta = on(theta)
        return torch.autograd.grad(program(theta), theta)[0].numpy()

    def vhp(theta, v):
        return torch.autograd.functional.vhp(program, torch.from_numpy(theta), torch.from_numpy(v))[1].numpy()

    def jvp(theta, v):
        grad = torch.func.grad(program)
        return torch.func.jvp(grad, (torch.from_numpy(theta),), (torch.from_numpy(v),))[1].numpy()

    def graph(theta):
        theta = on(theta)
        (g,) = torch.autograd.grad(program(theta), theta, create_graph=True)
        return lambda v, **options: torch.autograd.grad(g, theta, v, retain_graph=True, **options)[0]

    def following(theta):
        product = graph(theta)
        return lambda v: product(torch.from_numpy(v)).numpy()

    def block(theta):
        product = graph(theta)
        return lambda V: product(torch.from_numpy(V).T, is_grads_batched=True).T.numpy()

    def dense(theta):
        return torch.func.hessian(program)(torch.from_numpy(theta)).numpy()

    return {
        "gradient": gradient,
        "dual": jvp,
        "next": following,
        "block": block,
        "dense": dense,
        "double backprop": vhp,
    }


def autograd(layers, X, y):
    import autograd
    import autograd.numpy as anp

    def conv2d(L, f):  # windows by rows, then by columns: 2 F slices instead of F F
        F, _, C, C_out = f.shape
        H = (L.shape[1] - F) // 2 + 1
        L = anp.concatenate([L[:, i : i + 2 * H - 1 : 2] for i in range(F)], axis=3)
        L = anp.concatenate([L[:, :, j : j + 2 * H - 1 : 2] for j in range(F)], axis=3)
        f = anp.transpose(f, (1, 0, 2, 3))
        return (L.reshape((-1, F * F * C)) @ f.reshape((F * F * C, C_out))).reshape((len(L), H, H, C_out))

    def cross_entropy(logits, y):
        z = logits - anp.max(logits, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - z[np.arange(len(y)), y])

    if layers is None:
        loss, data = scalar_program(anp), ()
    else:
        loss = network_program(layers, anp, slices(layers), conv2d, lambda z: anp.maximum(z, 0), cross_entropy)
        data = X, y

    gradient = autograd.grad(loss)
    product, hessian = autograd.make_hvp(loss), autograd.hessian(loss)

    def block(theta):
        along = product(theta, *data)[0]
        return lambda V: np.stack([along(v) for v in V.T], 1)

    return {
        "gradient": lambda theta: gradient(theta, *data),
        "next": lambda theta: product(theta, *data)[0],
        "block": block,
        "dense": lambda theta: hessian(theta, *data),
        "double backprop": lambda theta, v: product(theta, *data)[0](v),
    }
