"""Check the stochastic methods of `mathlib` against independent ones: optax's and pytorch_optimizer's.

    python benchmarks/check_stochastic.py

Each pair makes ten steps from one theta on the same ten minibatches of a small network, in float64. Both take their
gradients from `mathlib`, each at its own theta. Prints the largest distance between the two paths, over the length of
ours; fails above 1e-6. Where a peer has another convention, an option is set, and a comment says so.
"""

import itertools
import sys
from functools import partial

import jax
import numpy as np
import optax
import pytorch_optimizer
import torch
from optax import contrib
from pytorch_optimizer.optimizer.muon import base as torch_muon

from mathlib import grad, stochastic
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.stochastic import cosine, linear_decay, minibatches
from mathlib.stochastic.diagonal import hutchinson

ALLOWED = 1e-6
STEPS = 10
jax.config.update("jax_enable_x64", True)

THETA0, model = mlp([4, 5, 4])
SHAPES = model.unravel.shapes
rng = np.random.default_rng(0)
X, y = rng.standard_normal((64, 4)), rng.integers(4, size=64)


def loss(theta, X, y):
    """With a ridge: without it one number added to all logits has no gradient but rounding, of which SOAP makes steps.

    Nor has any matrix more than one direction without a gradient at first: their basis would be anybody's choice.
    """
    return softmax_cross_entropy(model(theta, X), y) + 0.1 * np.vdot(theta, theta)


LOSSES = list(itertools.islice(minibatches(loss, (X, y), batch_size=16), STEPS))


def flat(layers):
    return np.concatenate([np.ravel(layer) for layer in layers])


def of_mathlib(method, result="theta", **options):
    """The path theta_1, ..., theta_T of one of mathlib's methods, or that of another result in its state."""
    steps = getattr(stochastic, method)(iter(LOSSES), THETA0, **options)
    return [step.state[result] for step in itertools.islice(steps, STEPS)]


def of_optax(transform, seen=lambda state, layers: layers):
    """The path of one of optax's, or of what is `seen` of its state and layers."""
    layers, path = model.unravel(THETA0), []
    state = transform.init(layers)
    for l_t in LOSSES:
        g = model.unravel(grad(l_t)(flat(layers)))
        updates, state = transform.update(g, state, layers)
        layers = optax.apply_updates(layers, updates)
        path.append(flat(seen(state, layers)))
    return path


def of_torch(make, every=None):
    """The path of one of PyTorch's or pytorch_optimizer's; each matrix is stored as they have it, outputs first.

    In each step that `every` divides, it is given mathlib's sample of the Hessian's diagonal, at its own theta.
    """

    def as_theirs(theta):
        return [torch.tensor(W.T) for W in model.unravel(theta)]

    layers = [layer.requires_grad_() for layer in as_theirs(THETA0)]
    optimizer, path = make(layers), []
    theta = THETA0
    for t, l_t in enumerate(LOSSES):
        for layer, g in zip(layers, as_theirs(grad(l_t)(theta)), strict=True):
            layer.grad = g
        if every and t % every == 0:
            optimizer.step(hessian=as_theirs(hutchinson(l_t, theta, seed=0, t=t)[2]))
        else:
            optimizer.step()
        theta = flat([layer.detach().numpy().T for layer in layers])
        path.append(theta)
    return path


def sophia_of_optax():
    """Corrected for its start is m here, and divided by the h of the step before.

    So it begins late, where the correction is 1, and gets each sample a step early: that of mathlib's path.
    """
    path = [THETA0, *of_mathlib("sophia", eta=0.02, gamma=2.0, every=3)]
    samples = [hutchinson(l_t, path[t], seed=0, t=t)[2] for t, l_t in enumerate(LOSSES)]
    given = optax.GradientTransformationExtraArgs(lambda _: (), lambda g, state, params, sample: (sample, state))
    sophia = contrib.sophia(
        0.02, 0.96, 0.99, 1e-12, weight_decay=0, gamma=2.0, update_interval=3, hessian_diagonal_fn=given
    )
    theta, (state, *rest), path = THETA0, sophia.init(THETA0), []
    state = state._replace(count=jax.numpy.array(3 * 10**6 + 1), nu=(1 - 0.99) * samples[0])
    state = state, *rest
    for l_t, sample in zip(LOSSES, [*samples[1:], samples[0]], strict=True):  # the last one is not used any more
        updates, state = sophia.update(grad(l_t)(theta), state, theta, sample=sample)
        theta = optax.apply_updates(theta, updates)
        path.append(theta)
    return path


def ema(beta, debias, eta):
    return optax.chain(optax.ema(beta, debias=debias), optax.scale_by_learning_rate(eta))


def schedule_free(base):
    return contrib.schedule_free(base, 0.05, b1=0.9)


def muon_of_torch(layers):
    """With the iteration in float64: the package has it in bfloat16."""
    torch_muon.zero_power_via_newton_schulz_5 = partial(torch_muon.zero_power_via_newton_schulz_5, dtype=torch.float64)
    groups = [
        {"params": [W for W in layers if W.ndim == 2], "use_muon": True},
        {"params": [b for b in layers if b.ndim == 1], "use_muon": False, "lr": 0.003},
    ]
    return pytorch_optimizer.Muon(groups, lr=0.02)


# Each row: a method of mathlib, its options, a peer's name, and the peer's path.
PAIRS = [
    ("sgd", {"eta": 0.1}, "optax.sgd", lambda: of_optax(optax.sgd(0.1))),
    (
        "sgd",
        {"eta": cosine(0.1, 8)},
        "optax.cosine_decay_schedule",
        lambda: of_optax(optax.sgd(optax.cosine_decay_schedule(0.1, 8))),
    ),
    # optax counts the steps of this schedule in float32.
    (
        "sgd",
        {"eta": linear_decay(0.1, 8)},
        "optax.linear_schedule",
        lambda: of_optax(optax.sgd(optax.linear_schedule(0.1, 0, 8))),
    ),
    ("momentum", {"eta": 0.1}, "optax.ema", lambda: of_optax(ema(0.9, False, 0.1))),
    ("momentum", {"eta": 0.1, "bias_correction": True}, "optax.ema", lambda: of_optax(ema(0.9, True, 0.1))),
    # optax's momentum is Polyak's, without the factor 1 - beta1.
    ("momentum", {"eta": 0.1}, "optax.sgd", lambda: of_optax(optax.sgd(0.1 * (1 - 0.9), momentum=0.9))),
    ("adam", {"eta": 0.01, "published": True}, "optax.adam", lambda: of_optax(optax.adam(0.01))),
    ("sign_descent", {"eta": 0.01}, "optax.sign_sgd", lambda: of_optax(optax.sign_sgd(0.01))),
    ("sign_descent", {"eta": 0.01, "beta1": 0.9}, "optax.signum", lambda: of_optax(optax.signum(0.01))),
    # optax's Nesterov divides out the start of the average, which Jordan's does not; eps is in Newton-Schulz, too.
    (
        "muon",
        {"eta": 0.02, "nesterov": False, "blocks": SHAPES},
        "optax.contrib.muon",
        lambda: of_optax(contrib.muon(0.02, nesterov=False, adam_b2=0.95, eps=1e-10)),
    ),
    (
        "muon",
        {"eta": flat([np.full(shape, 0.02 if len(shape) > 1 else 0.003) for shape in SHAPES]), "blocks": SHAPES},
        "pytorch_optimizer.Muon",
        lambda: of_torch(muon_of_torch),
    ),
    ("adamw", {"eta": 0.01, "decay": 0.1}, "optax.adamw", lambda: of_optax(optax.adamw(0.01, weight_decay=0.1))),
    (
        "adamw",
        {"eta": 0.01, "decay": 0.1},
        "torch.optim.AdamW",
        lambda: of_torch(partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1)),
    ),
    (
        "schedule_free",
        {"eta": 0.05, "adam": False},
        "optax.contrib.schedule_free",
        lambda: of_optax(schedule_free(optax.sgd(0.05))),
    ),
    (
        "schedule_free",
        {"eta": 0.05},
        "optax.contrib.schedule_free",
        lambda: of_optax(schedule_free(optax.adam(0.05, b1=0.0))),
    ),
    (
        "schedule_free",
        {"eta": 0.05, "result": "x"},
        "optax.contrib.schedule_free",
        lambda: of_optax(schedule_free(optax.adam(0.05, b1=0.0)), contrib.schedule_free_eval_params),
    ),
    (
        "schedule_free",
        {"eta": 0.05},
        "pytorch_optimizer.ScheduleFreeAdamW",
        lambda: of_torch(partial(pytorch_optimizer.ScheduleFreeAdamW, lr=0.05)),
    ),
    # Both peers add the next d times eps where the paper has this d: where d leaps, a difference.
    (
        "prodigy",
        {"d0": 1e-2, "eps": 0.0, "bias_correction": True},
        "optax.contrib.prodigy",
        lambda: of_optax(contrib.prodigy(estim_lr0=1e-2, eps=0.0)),
    ),
    (
        "prodigy",
        {"d0": 1e-2, "eps": 0.0},
        "pytorch_optimizer.Prodigy",
        lambda: of_torch(partial(pytorch_optimizer.Prodigy, lr=1.0, d0=1e-2, eps=0.0)),
    ),
    (
        "shampoo",
        {"eta": 0.02, "eps": 1e-4, "blocks": SHAPES},
        "pytorch_optimizer.Shampoo",
        lambda: of_torch(partial(pytorch_optimizer.Shampoo, lr=0.02, matrix_eps=1e-4)),
    ),
    # The peer divides out the start of Adam's averages after eps is added, and has its QR factors in float32.
    (
        "soap",
        {"eta": 0.02, "eps": 1e-12, "every": 3, "blocks": SHAPES},
        "pytorch_optimizer.SOAP",
        lambda: of_torch(partial(pytorch_optimizer.SOAP, lr=0.02, eps=1e-12, weight_decay=0, precondition_frequency=3)),
    ),
    # The peer's gamma is its bound p: it clips m / h, not m / (gamma h), and its step is gamma times longer.
    (
        "sophia",
        {"eta": 0.02, "gamma": 2.0, "every": 3},
        "pytorch_optimizer.SophiaH",
        lambda: of_torch(partial(pytorch_optimizer.SophiaH, lr=0.02 / 2, p=2.0, update_period=3), every=3),
    ),
    ("sophia", {"eta": 0.02, "gamma": 2.0, "every": 3}, "optax.contrib.sophia", sophia_of_optax),
    (
        "adahessian",
        {"eta": 0.02, "eps": 1e-4},
        "pytorch_optimizer.AdaHessian",
        lambda: of_torch(partial(pytorch_optimizer.AdaHessian, lr=0.02, eps=1e-4), every=1),
    ),
    (
        "adahessian",
        {"eta": 0.02, "eps": 1e-4, "hessian_power": 0.5},
        "pytorch_optimizer.AdaHessian",
        lambda: of_torch(partial(pytorch_optimizer.AdaHessian, lr=0.02, eps=1e-4, hessian_power=0.5), every=1),
    ),
]


def main():
    print(f"{'method':16}{'peer':38}{'apart':>9}")
    far = []
    for method, options, name, peer in PAIRS:
        ours, theirs = of_mathlib(method, **options), peer()
        apart = max(np.linalg.norm(a - b) for a, b in zip(ours, theirs, strict=True))
        apart /= np.linalg.norm(ours[-1] - THETA0)
        close = apart <= ALLOWED
        print(f"{method:16}{name:38}{apart:9.1e}  {'yes' if close else 'NO'}")
        if not close:
            far.append(f"{method} from {name}")
    methods = {name for name in stochastic.__all__ if hasattr(getattr(stochastic, name), "__wrapped__")}
    print(f"without a peer: {', '.join(sorted(methods - {method for method, *_ in PAIRS}))}")
    if far:
        sys.exit(f"error: more than {ALLOWED:.0e} apart: {', '.join(far)}.")


if __name__ == "__main__":
    main()
