"""Check `mathlib.stochastic.muon` against pytorch_optimizer's Muon and Optax's, ten steps from the same start.

    python benchmarks/check_muon.py

It needs JAX, Optax, PyTorch and pytorch_optimizer. A network of two layers with biases, in double precision: PyTorch's
own half precision for the Newton-Schulz iteration is switched off. Prints the largest differences of parameters; fails
above 1e-12. With Nesterov's momentum Optax divides both of its terms by corrections of their own, so that it takes
another path: its difference is printed, and not judged.
"""

import sys
from functools import partial
from itertools import islice, repeat

import jax
import numpy as np
import optax
import torch
from pytorch_optimizer import Muon
from pytorch_optimizer.optimizer.muon import base

from mathlib.nn import ravel
from mathlib.stochastic import muon

ALLOWED = 1e-12
STEPS, ETA, ETA_VECTORS = 10, 0.02, 3e-3
SHAPES = [(6, 8), (8,), (8, 4), (4,)]
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((20, 6)), rng.standard_normal((20, 4))
START, UNRAVEL = ravel([rng.standard_normal(shape) for shape in SHAPES])


def ours(**options):
    def loss(theta):
        W, b, V, c = UNRAVEL(theta)
        return np.mean((np.tanh(X @ W + b) @ V + c - Y) ** 2)

    eta = ravel([np.full(shape, ETA if len(shape) > 1 else ETA_VECTORS) for shape in SHAPES])[0]
    return next(islice(muon(repeat(loss), START, eta, blocks=UNRAVEL, **options), STEPS, None)).theta


def pytorchs(nesterov):
    """Its matrices are (outputs, inputs)."""
    base.zero_power_via_newton_schulz_5 = partial(base.zero_power_via_newton_schulz_5, dtype=torch.float64)
    parameters = [torch.tensor(part.T.copy(), requires_grad=True) for part in UNRAVEL(START)]
    optimizer = Muon(
        [
            {"params": parameters[::2], "lr": ETA, "use_muon": True, "nesterov": nesterov},
            {"params": parameters[1::2], "lr": ETA_VECTORS, "use_muon": False},
        ],
        foreach=False,
    )
    W, b, V, c = parameters
    for _ in range(STEPS):
        optimizer.zero_grad()
        hidden = torch.tanh(torch.tensor(X) @ W.T + b)
        torch.mean((hidden @ V.T + c - torch.tensor(Y)) ** 2).backward()
        optimizer.step()
    return ravel([parameter.detach().numpy().T for parameter in parameters])[0]


def optaxs(nesterov):
    def loss(parts):
        W, b, V, c = parts
        return jax.numpy.mean((jax.numpy.tanh(X @ W + b) @ V + c - Y) ** 2)

    method = optax.contrib.muon(ETA, nesterov=nesterov, adam_b2=0.95, adam_learning_rate=ETA_VECTORS, eps=0.0)
    parts = [jax.numpy.array(part) for part in UNRAVEL(START)]
    state = method.init(parts)
    for _ in range(STEPS):
        updates, state = method.update(jax.grad(loss)(parts), state, parts)
        parts = optax.apply_updates(parts, updates)
    return ravel([np.array(part) for part in parts])[0]


def main():
    jax.config.update("jax_enable_x64", True)
    worst = 0.0
    for name, theirs, nesterov, eps, judged in (
        ("pytorch_optimizer, Nesterov", pytorchs, True, 1e-10, True),
        ("pytorch_optimizer, plain", pytorchs, False, 1e-10, True),
        ("optax, plain", optaxs, False, 0.0, True),
        ("optax, Nesterov", optaxs, True, 0.0, False),
    ):
        gap = np.max(abs(theirs(nesterov) - ours(nesterov=nesterov, eps=eps)))
        worst = max(worst, gap) if judged else worst
        print(f"{name:28} {gap:.1e}{'' if judged else ', not judged'}")
    sys.exit(int(worst > ALLOWED))


if __name__ == "__main__":
    main()
