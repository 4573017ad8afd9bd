"""One run of the experiment with bases: which rules there are, what a run is, and what its budget pays for.

A network learns the digits on minibatches of 64, by a rule whose step size falls along a cosine, until a budget is used
up. It is counted in gradients on a minibatch: a Hessian-vector product that comes with its gradient costs as many as
was measured for ``step_sizes``. SOAP's own matrix products are counted once as nothing, which they are beside large
batches, and once as what they are here, in multiplications. "digits, turned" is the same problem in other coordinates:
the pixels are turned by a random rotation, and so are the first weights at the start. "SOAP, moved" has SOAP's runs, at
its step size, from starts that are moved by 1e-12, in three ways: its first basis, and so its path, depends on rounding
where a gradient has no full rank, and these rows show how much of SOAP's is chance.

Step sizes and options are chosen by the mean test loss of the seeds `TUNING`, each with its own split of the digits,
and judged by those of the seeds `JUDGING`.
"""

from functools import cache, partial
from itertools import islice

import numpy as np

from mathlib import stochastic as s
from mathlib.compiler import compiled
from mathlib.invariance import changes
from mathlib.measured import facts
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.problems import digits

BUDGET, BATCH, LAYERS = 400, 64, [(64, 32), (32, 10)]
PROBLEMS = ["digits", "digits, turned"]
TUNING, JUDGING = range(100, 103), range(10)
ETAS = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]
MOVED = [f"SOAP, moved ({k})" for k in (1, 2, 3)]
PRODUCT = facts("step_sizes")["costs"]["network clean"]["dual"]


def soap_step(layers, batch, every=10):
    """What a step of SOAP costs in gradients on a minibatch, in multiplications.

    The gradient's are two products of (batch, m, n) for a layer, and a third but for the first, where nobody asks for
    the inputs' derivative. SOAP's are four pairs of products with the sides, and the refresh: L Q, and QR by
    reflections.
    """
    gradient = batch * (3 * sum(m * n for m, n in layers) - layers[0][0] * layers[0][1])
    own = sum(4 * m * n * (m + n) + 7 / 3 * (m**3 + n**3) / every for m, n in layers)
    return 1 + own / gradient


published = partial(s.adam, published=True)
# Each rule: its method, what a step costs in gradients, and the options that are tried.
RULES = {
    "Adam, untuned": (published, 1, [{}]),
    "Adam": (published, 1, [{}]),
    "Adam, SOAP's memories": (partial(published, beta1=0.95, beta2=0.95), 1, [{}]),
    "AdamW": (s.adamw, 1, [{"decay": 0.01}, {"decay": 0.1}]),
    "signs of momentum": (partial(s.sign_descent, beta1=0.96), 1, [{}]),
    "SOAP": (s.soap, 1, [{}]),
    **{rule: (s.soap, 1, [{}]) for rule in MOVED},
    "SOAP, all counted": (s.soap, soap_step(LAYERS, BATCH), [{}]),
    "Sophia": (s.sophia, 1 + (PRODUCT - 1) / 10, [{"gamma": 0.01}, {"gamma": 1.0}, {"gamma": 100.0}]),
    "AdaHessian": (s.adahessian, PRODUCT, [{"eps": 1e-4}, {"eps": 1e-2}]),
}


def settings(rule):
    """What is tried of a rule: pairs of options and a step size."""
    special = {"Adam, untuned": [1e-3], "AdaHessian": [*ETAS, 1.0]} | {rule: [3e-2] for rule in MOVED}
    etas = special.get(rule, ETAS)
    return [(options, eta) for options in RULES[rule][2] for eta in etas]


@cache
def problem(name, seed):
    """Start, network, compiled loss, and the data to learn from and to test with."""
    X, y, X_test, y_test = digits(seed)
    X, X_test = X.reshape(len(X), 64), X_test.reshape(len(X_test), 64)
    theta0, model = mlp([64, 32, 10], seed=seed)
    if name == "digits, turned":
        Q = changes(64, seed)["rotated"]
        W, *others = model.unravel(theta0)
        theta0, X, X_test = np.concatenate([np.ravel(a) for a in (Q.T @ W, *others)]), X @ Q, X_test @ Q
    loss = compiled(lambda theta, X, y: softmax_cross_entropy(model(theta, X), y))
    return theta0, model, loss, (X, y), (X_test, y_test)


def run(name, rule, options, eta, seed):
    """The losses on the data learnt from and on the others at the end of a run; infinite, where it diverged."""
    theta0, model, loss, data, others = problem(name, seed)
    method, cost, _ = RULES[rule]
    if rule in MOVED:
        rng = np.random.default_rng([seed, MOVED.index(rule)])
        theta0 = theta0 + 1e-12 * rng.standard_normal(theta0.shape)
    n = int(BUDGET / cost)
    blocks = {"blocks": model.unravel} if method is s.soap else {}
    steps = method(s.minibatches(loss, data, BATCH, seed), theta0, s.cosine(eta, n), **options, **blocks)
    try:
        theta = next(islice(steps, n, None)).theta
    except FloatingPointError:
        return np.inf, np.inf
    return float(loss(theta, *data)), float(loss(theta, *others))
