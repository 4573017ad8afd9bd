"""Hold SOAP, Sophia and AdaHessian against published implementations: the same ten steps, in double precision.

    python benchmarks/check_bases.py

It needs jax, optax, torch and pytorch_optimizer beside mathlib, and fails where a path differs by more than 1e-6 of
its length. All are given the same gradients, and the same samples of the Hessian's diagonal. Where they differ in a
convention, theirs is translated:

- SOAP there adds eps to the root of v before the start at zero is taken out, and rounds its QR factors to float32.
- SophiaH there is of the paper's first version: gamma is in the step size and in the clip.
- optax's sophia corrects m, and divides by the h of the step before: it begins late, where the correction is 1, and
  is given each diagonal one step early.
"""

from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from optax.contrib._sophia import scale_by_sophia
from pytorch_optimizer import SOAP, AdaHessian, SophiaH

from mathlib import grad, hvp
from mathlib.nn import ravel
from mathlib.stochastic import adahessian, soap, sophia

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(0)
A, B = rng.standard_normal((2, 4, 4))
TARGETS, STEPS, SEED = rng.standard_normal((20, 4, 4)), 10, 7
START, unravel = ravel([rng.standard_normal((4, 4)), rng.standard_normal(3)])


def loss(t):
    def l_t(theta):
        W, b = unravel(theta)
        return np.sum(np.cosh(A @ W @ B / 5 - TARGETS[t])) + np.sum(np.cosh(b)) + np.sum(W[0, :3] * b)

    return l_t


def diagonal(theta, t):
    z = np.random.default_rng([SEED, t]).choice([-1.0, 1.0], theta.shape)
    return z * hvp(loss(t), theta, z)


def ours(method, **options):
    steps = method(map(loss, range(STEPS + 1)), START, **options)
    return [step.theta for step in islice(steps, STEPS + 1)]


def of_torch(make, every=None):
    parameters = [torch.nn.Parameter(torch.tensor(a.copy())) for a in unravel(START)]
    optimizer, path = make(parameters), [START]
    for t in range(STEPS):
        theta = path[-1]
        for p, g in zip(parameters, unravel(grad(loss(t))(theta)), strict=True):
            p.grad = torch.tensor(g.copy())
        new = every and t % every == 0
        given = {"hessian": [torch.tensor(d.copy()) for d in unravel(diagonal(theta, t))]} if new else {}
        optimizer.step(**given)
        path.append(np.concatenate([p.detach().numpy().ravel() for p in parameters]))
    return path


def of_optax(path, every, beta2, **options):
    diagonals = [diagonal(theta, t) for t, theta in enumerate(path)]

    def feed(updates, state, params=None, given=None, **_):
        return given, state

    fed = optax.GradientTransformationExtraArgs(lambda params: (), feed)
    rule = scale_by_sophia(b2=beta2, update_interval=every, hessian_diagonal_fn=fed, **options)
    theta, late = START, 10**6 * every + 1
    state = rule.init(jnp.array(theta))
    state = state._replace(count=jnp.array(late, jnp.int32), nu=jnp.array((1 - beta2) * diagonals[0]))
    found = [theta]
    for t in range(STEPS):
        g, given = jnp.array(grad(loss(t))(theta)), jnp.array(diagonals[t + 1])
        updates, state = rule.update(g, state, jnp.array(theta), given=given)
        theta = theta - 0.02 * np.array(updates)
        found.append(theta)
    return found


def pairs():
    for every in (3, 10):
        yield (
            f"soap, every {every}, pytorch_optimizer",
            ours(soap, eta=0.01, blocks=unravel, every=every, eps=1e-12),
            of_torch(lambda p, k=every: SOAP(p, lr=0.01, weight_decay=0.0, precondition_frequency=k, eps=1e-12)),
        )
    for every in (1, 3):
        clipped = {"beta1": 0.9, "beta2": 0.8, "gamma": 2.0, "eps": 1e-3, "every": every, "seed": SEED}
        path = ours(sophia, eta=0.02, **clipped)
        theirs = {"lr": 0.02 / 2.0, "betas": (0.9, 0.8), "p": 2.0, "eps": 1e-3 / 2.0, "weight_decay": 0.0}
        name = f"sophia, every {every}"
        yield (
            f"{name}, pytorch_optimizer",
            path,
            of_torch(lambda p, k=every, o=theirs: SophiaH(p, update_period=k, **o), every),
        )
        yield f"{name}, optax", path, of_optax(path, every, 0.8, b1=0.9, gamma=2.0, eps=1e-3)
    for power in (1.0, 0.5):
        yield (
            f"adahessian, power {power}, pytorch_optimizer",
            ours(adahessian, eta=0.1, hessian_power=power, seed=SEED),
            of_torch(lambda p, k=power: AdaHessian(p, lr=0.1, hessian_power=k, eps=1e-4), 1),
        )


def main():
    for name, a, b in pairs():
        gap = np.max(np.abs(np.array(a) - np.array(b))) / np.max(np.abs(a[-1] - a[0]))
        print(f"{name:45} {gap:.1e}")
        assert gap < 1e-6, name


if __name__ == "__main__":
    main()
