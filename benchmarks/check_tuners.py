"""Hold four methods against their published implementations: ten steps of each, in double precision.

    python benchmarks/check_tuners.py

It needs jax, optax, torch and pytorch_optimizer beside mathlib, and fails where a path differs by more than 1e-6 of
its length. CDAT has no implementation there. Prodigy is compared at eps = 0: the paper adds d_k eps to the square
root, the two implementations d_{k+1} eps, which shows where d leaps.
"""

from itertools import islice, repeat

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from pytorch_optimizer import Prodigy, ScheduleFreeAdamW

from mathlib import stochastic as s

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)
A, B = np.random.default_rng(0).standard_normal((2, 5, 4))
START, STEPS = np.random.default_rng(1).standard_normal((5, 4)), 10


def loss(theta, cosh=np.cosh, total=np.sum):
    return total(cosh(A * theta - B))


def ours(method):
    return [step.theta for step in islice(method(repeat(loss), START), STEPS + 1)]


def of_optax(optimizer):
    theta, path = jnp.array(START), [START]
    state = optimizer.init(theta)
    for _ in range(STEPS):
        g = jax.grad(lambda theta: loss(theta, jnp.cosh, jnp.sum))(theta)
        updates, state = optimizer.update(g, state, theta)
        theta = optax.apply_updates(theta, updates)
        path.append(np.array(theta))
    return path


def of_torch(make):
    theta = torch.nn.Parameter(torch.tensor(START))
    optimizer, path = make([theta]), [START]
    if hasattr(optimizer, "train"):
        optimizer.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        A_, B_ = torch.tensor(A), torch.tensor(B)
        torch.sum(torch.cosh(A_ * theta - B_)).backward()
        optimizer.step()
        path.append(theta.detach().numpy().copy())
    return path


def free(base, eta):
    return optax.contrib.schedule_free(base, learning_rate=eta, b1=0.9)


PAIRS = {
    "adamw, optax": (
        ours(lambda ls, x: s.adamw(ls, x, 0.05, decay=0.1)),
        of_optax(optax.adamw(0.05, weight_decay=0.1)),
    ),
    "adamw, torch": (
        ours(lambda ls, x: s.adamw(ls, x, 0.05, decay=0.1)),
        of_torch(lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1)),
    ),
    "schedule-free SGD, optax": (
        ours(lambda ls, x: s.schedule_free(ls, x, 0.05, adam=False)),
        of_optax(free(optax.sgd(0.05), 0.05)),
    ),
    "schedule-free Adam, optax": (
        ours(lambda ls, x: s.schedule_free(ls, x, 0.05)),
        of_optax(free(optax.adam(0.05, b1=0.0), 0.05)),
    ),
    "schedule-free Adam, pytorch_optimizer": (
        ours(lambda ls, x: s.schedule_free(ls, x, 0.05)),
        of_torch(lambda p: ScheduleFreeAdamW(p, lr=0.05)),
    ),
    "prodigy, optax (corrected)": (
        ours(lambda ls, x: s.prodigy(ls, x, d0=1e-2, eps=0.0, bias_correction=True)),
        of_optax(optax.contrib.prodigy(estim_lr0=1e-2, eps=0.0)),
    ),
    "prodigy, pytorch_optimizer": (
        ours(lambda ls, x: s.prodigy(ls, x, d0=1e-2, eps=0.0)),
        of_torch(lambda p: Prodigy(p, lr=1.0, d0=1e-2, eps=0.0)),
    ),
}


def main():
    for name, (a, b) in PAIRS.items():
        gap = np.max(np.abs(np.array(a) - np.array(b))) / np.max(np.abs(a[-1] - a[0]))
        print(f"{name:40} {gap:.1e}")
        assert gap < 1e-6, name


if __name__ == "__main__":
    main()
