"""One run of the experiment with curvatures: a network of 1,210 parameters on digits, all training images at once.

`RULES` gives each rule a function of its one option, ``rule(option)(loss, theta0)``, which yields steps, the grid that
the option is tuned on, and the numbers of steps after which a run is looked at. A rule with one value has no choice.
Tuned is for the training loss after the last step, on `TUNING` alone; judged is on `JUDGING`.

>>> RULES["gradient descent"].grid
(0.03, 0.1, 0.3, 1.0, 3.0)
>>> sorted(set(TUNING) & set(JUDGING))
[]
"""

import itertools
from collections import namedtuple
from functools import partial

import numpy as np

from mathlib import compiled
from mathlib.curvature import Composed, empirical_fisher
from mathlib.nn import mlp, softmax_cross_entropy
from mathlib.optimize import Objective, gauss_newton, newton_cg
from mathlib.optimize.gauss_newton import descend
from mathlib.problems import digits
from mathlib.stochastic import adam, sgd

Rule = namedtuple("Rule", "method grid looks")
TUNING, JUDGING = (100, 101, 102), tuple(range(10))
COLUMNS = ["rule", "option", "seed", "steps", "products", "train", "test", "errors"]


def first_order(method, eta):
    """Steps of a stochastic method on the one loss, which makes no products."""
    return lambda loss, theta: method(itertools.repeat(compiled(loss.loss)), theta, eta)


def empirical(damping):
    """Steps like those of Gauss-Newton, by the empirical Fisher form."""
    return lambda loss, theta: descend(loss, theta, empirical_fisher, 1.0, damping, False)


TEN, FEW, MANY = (0, 1, 3, 10), (0, 1, 3, 10, 30), (0, 1, 3, 10, 30, 100, 300, 1000)
ETAS, ADAM_ETAS, DAMPINGS = (0.03, 0.1, 0.3, 1.0, 3.0), (3e-3, 1e-2, 3e-2, 0.1, 0.3), (1e-3, 1e-2, 1e-1, 1.0)
ADAM = partial(first_order, partial(adam, published=True))
RULES = {
    "descent, for ten": Rule(partial(first_order, sgd), ETAS, TEN),
    "Adam, for ten": Rule(ADAM, ADAM_ETAS, TEN),
    "gradient descent": Rule(partial(first_order, sgd), ETAS, MANY),
    "Adam, default": Rule(ADAM, (1e-3,), MANY),
    "Adam": Rule(ADAM, ADAM_ETAS, MANY),
    "Newton-CG": Rule(lambda forcing: partial(newton_cg, forcing=forcing), (0.5,), FEW),
    "empirical Fisher": Rule(empirical, DAMPINGS, FEW),
    "Gauss-Newton": Rule(lambda damping: partial(gauss_newton, damping=damping), DAMPINGS, FEW),
    "Gauss-Newton, adapted": Rule(lambda d: partial(gauss_newton, damping=d, adapt=True), (1.0,), FEW),
}


def run(rule, option, seed, looks=None):
    """The rows of a run, each a list of `COLUMNS`; where it has ended or failed, no more."""
    X, y, X_test, y_test = digits(seed)
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    theta0, model = mlp([64, 16, 10], seed=seed)
    loss = Objective(Composed(lambda theta: model(theta, X), lambda z: softmax_cross_entropy(z, y)))
    looks, rows = looks or RULES[rule].looks, []
    try:
        for k, step in enumerate(itertools.islice(RULES[rule].method(option)(loss, theta0), max(looks) + 1)):
            if k in looks:
                z = model(step.theta, X_test)
                test, errors = softmax_cross_entropy(z, y_test), np.mean(z.argmax(axis=1) != y_test)
                train = float(loss.loss(step.theta))
                found = [f"{train:.4g}", f"{test:.4g}", f"{errors:.4f}"]
                rows.append([rule, f"{option:g}", seed, k, loss.n_hvp, *found])
    except (FloatingPointError, np.linalg.LinAlgError):
        pass
    return rows
