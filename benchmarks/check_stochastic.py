"""Check the stochastic methods of `mathlib` against independent implementations: those of optax and pytorch_optimizer.

    python benchmarks/check_stochastic.py

Each pair makes ten steps from one theta on the same ten minibatches of a small network, in float64. Both take their
gradients from `mathlib`, but each at its own theta. Prints the largest distance between the two paths, over the length
of ours; fails above 1e-6. Options are set, and said, where a peer has another convention.
"""

import itertools
import sys

import jax
import numpy as np
import optax

from mathlib import grad, stochastic
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.stochastic import minibatches

ALLOWED = 1e-6
STEPS = 10
jax.config.update("jax_enable_x64", True)

rng = np.random.default_rng(0)
X, y = rng.standard_normal((64, 6)), rng.integers(4, size=64)
THETA0, model = mlp([6, 5, 4])
LOSSES = list(
    itertools.islice(
        minibatches(lambda theta, X, y: softmax_cross_entropy(model(theta, X), y), (X, y), batch_size=16), STEPS
    )
)


def ours(method, **options):
    """The path theta_1, ..., theta_T of one of mathlib's methods."""
    steps = getattr(stochastic, method)(iter(LOSSES), THETA0, **options)
    return [step.state["theta"] for step in itertools.islice(steps, STEPS)]


def by_optax(transform):
    """The same of a method of optax, for the layers as arrays of their own."""
    layers = model.unravel(THETA0)
    state, path = transform.init(layers), []
    for l_t in LOSSES:
        g = model.unravel(grad(l_t)(flat(layers)))
        updates, state = transform.update(g, state, layers)
        layers = optax.apply_updates(layers, updates)
        path.append(flat(layers))
    return path


def flat(layers):
    return np.concatenate([np.ravel(layer) for layer in layers])


def descent(estimate, eta):
    return optax.chain(estimate, optax.scale_by_learning_rate(eta))


PAIRS = [
    ("sgd", {"eta": 0.1}, "optax.sgd", lambda: by_optax(optax.sgd(0.1))),
    (
        "sgd",
        {"eta": stochastic.cosine(0.1, 8)},
        "optax.cosine_decay_schedule",
        lambda: by_optax(optax.sgd(optax.cosine_decay_schedule(0.1, 8))),
    ),
    (
        "sgd",
        {"eta": stochastic.linear_decay(0.1, 8)},
        "optax.linear_schedule",
        lambda: by_optax(optax.sgd(optax.linear_schedule(0.1, 0.0, 8))),
    ),
    # optax.sgd's momentum is Polyak's, without the factor 1 - beta1; its average is `ema`.
    ("momentum", {"eta": 0.1}, "optax.ema", lambda: by_optax(descent(optax.ema(0.9, debias=False), 0.1))),
    ("momentum", {"eta": 0.01 / (1 - 0.9)}, "optax.sgd", lambda: by_optax(optax.sgd(0.01, momentum=0.9))),
    (
        "momentum",
        {"eta": 0.1, "bias_correction": True},
        "optax.ema",
        lambda: by_optax(descent(optax.ema(0.9, debias=True), 0.1)),
    ),
    ("adam", {"eta": 0.01, "published": True}, "optax.adam", lambda: by_optax(optax.adam(0.01))),
]


def main():
    failed = []
    for method, options, name, peer in PAIRS:
        path, other = ours(method, **options), peer()
        apart = max(np.linalg.norm(a - b) for a, b in zip(path, other, strict=True))
        apart /= np.linalg.norm(path[-1] - THETA0)
        print(f"{method:20}{name:32}{apart:10.1e}")
        if not apart <= ALLOWED:
            failed.append(method)
    if failed:
        sys.exit(f"error: {', '.join(failed)}: more than {ALLOWED:.0e} from a peer.")


if __name__ == "__main__":
    main()
