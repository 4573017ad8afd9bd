"""Check the layers of `mathlib.nn`, their gradients and Hessian-vector products against PyTorch's.

    python benchmarks/check_nn.py

Each function is checked at random inputs and shapes, in the loss `u . f(x)**2` with random weights u: its second
derivative does not vanish. Prints the largest relative errors; fails above 1e-12.
"""

import sys
from itertools import product

import numpy as np
import torch
from torch.nn import functional

from mathlib import hvp, nn, value_and_grad

ALLOWED = 1e-12


def as_images(L):
    """(N, H, W, C) as PyTorch has it: (N, C, H, W)."""
    return L.permute(0, 3, 1, 2)


def as_ours(L):
    return L.permute(0, 2, 3, 1)


def convolutions(rng):
    """Both programs and their input, for many windows, paddings and strides; filters and images are one vector."""
    for F, p, s, C in product((1, 2, 3, 5), (0, 1, 2), (1, 2, 3), (1, 3)):
        L, f = (3, 7, 6, C), (F, F, C, 4)

        def parts(x, L=L, f=f):
            return x[: np.prod(L)].reshape(L), x[np.prod(L) :].reshape(f)

        def theirs(x, parts=parts, p=p, s=s):
            L, f = parts(x)
            return as_ours(functional.conv2d(as_images(L), f.permute(3, 2, 0, 1), padding=p, stride=s))

        def ours(x, parts=parts, p=p, s=s):
            return nn.conv2d(*parts(x), padding=p, stride=s)

        yield ours, theirs, rng.normal(size=np.prod(L) + np.prod(f))


def pools(rng):
    for F, s in product((1, 2, 3), (1, 2, 3)):
        yield (
            lambda x, F=F, s=s: nn.max_pool(x, F, s),
            lambda x, F=F, s=s: as_ours(functional.max_pool2d(as_images(x), F, s)),
            rng.normal(size=(3, 7, 6, 2)),
        )


def cross_entropies(rng):
    """With integer labels, then with probabilities; logits of size 1 to 300."""
    for N, K, size in product((8, 32), (2, 10), (1, 30, 300)):
        for y in rng.integers(K, size=N), rng.dirichlet(np.ones(K), size=N):
            yield (
                lambda x, y=y: nn.softmax_cross_entropy(x, y),
                lambda x, y=y: functional.cross_entropy(x, torch.from_numpy(y)),
                size * rng.normal(size=(N, K)),
            )


def errors(ours, theirs, x, rng):
    """The relative errors of the values, the gradient and H v."""
    x_torch, v = torch.from_numpy(x), rng.normal(size=x.shape)
    y = theirs(x_torch).numpy()
    u = rng.normal(size=y.shape)

    def loss_torch(x):
        return (torch.from_numpy(u) * theirs(x) ** 2).sum()

    def loss(x):
        return np.sum(u * ours(x) ** 2)

    _, g = torch.autograd.functional.vjp(loss_torch, x_torch)
    _, h = torch.autograd.functional.vhp(loss_torch, x_torch, torch.from_numpy(v))
    pairs = (ours(x), y), (value_and_grad(loss)(x)[1], g.numpy()), (hvp(loss, x, v), h.numpy())
    return [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs]


def main():
    rng = np.random.default_rng(0)
    print(f"{'':24}{'cases':>8}{'value':>10}{'gradient':>10}{'H v':>10}")
    worst = 0
    for name, cases in ("conv2d", convolutions), ("max_pool", pools), ("softmax_cross_entropy", cross_entropies):
        found = np.array([errors(*case, rng) for case in cases(rng)])
        print(f"{name:24}{len(found):8}" + "".join(f"{e:10.1e}" for e in found.max(0)))
        worst = max(worst, found.max())
    if not worst < ALLOWED:
        sys.exit(f"error: mathlib.nn and PyTorch differ by {worst:.1e}, which is more than {ALLOWED:.0e}.")


if __name__ == "__main__":
    main()
