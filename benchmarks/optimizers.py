"""Count what each optimizer evaluates until the gradient is small: `mathlib.optimize` against `scipy.optimize`.

    python benchmarks/optimizers.py [--tol 1e-6] [--budget 20000] [--seconds 20]

Every run starts from the standard point and stops at the first gradient whose largest component is at most tol: a
method's own rules to stop are switched off. The cost is

    losses + gradients + c * Hessian-vector products,

where c is measured on the digits network: twice the time of `H @ v`, with H recorded, over that of a loss with its
gradient. SciPy is given loss, gradient and products by `mathlib`, as separate functions; each call counts once. A run
that needs more than the budget, or than so many seconds of processor time, is unsolved.

`mathlib/measured/optimizers.csv` has a row for each problem and method: the counts and the time. `optimizers.json`
beside it has the medians of the cost over the SciPy counterpart's, the machine and c. `optimizers.svg` is the data
profile (Moré and Wild 2009): the fraction of problems solved within a cost, in units of the cost of n + 1 losses.
"""

import argparse
import csv
import datetime
import json
import platform
import time
import warnings
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
import numpy as np
import scipy
from tqdm import tqdm

import mathlib.optimize
from mathlib import hessian, value_and_grad
from mathlib.measured import FOLDER
from mathlib.optimize import Objective
from mathlib.problems import PROBLEMS, digits_network, logistic_regression, quadratic, rosenbrock

HERE = Path(__file__).parent
COUNTERPARTS = {
    "BFGS": "bfgs",
    "L-BFGS-B": "lbfgs",
    "CG": "conjugate_gradient",
    "Newton-CG": "newton_cg",
    "trust-ncg": "newton_cg",
    "trust-krylov": "newton_cg",
}
NEVER = {name: {"gtol": 0.0, "maxiter": 10**6} for name in COUNTERPARTS}
NEVER["L-BFGS-B"] |= {"ftol": 0.0, "maxfun": 10**7}
NEVER["Newton-CG"] = {"xtol": 0.0, "maxiter": 10**6}
COLUMNS = ["problem", "n", "method", "solved", "losses", "gradients", "products", "seconds"]


class Stop(Exception):  # noqa: N818, it is no error
    """The gradient is small, or the budget used up."""


class Meter:
    """Loss, gradient and products for SciPy, counted, with an end."""

    def __init__(self, loss, tol, budget, seconds, c):
        self.f, self.tol, self.budget, self.seconds, self.c = Objective(loss), tol, budget, seconds, c
        self.start, self.solved, self.H = time.process_time(), False, None
        self.losses = self.gradients = self.products = 0

    def spend(self):
        """Stop where budget or time are used up."""
        self.elapsed = time.process_time() - self.start
        if self.losses + self.gradients + self.c * self.products > self.budget or self.elapsed > self.seconds:
            raise Stop

    def fun(self, x):
        """The loss; infinity where it is not finite."""
        self.losses += 1
        self.spend()
        with np.errstate(all="ignore"):
            value = float(self.f.loss(x))
        return value if np.isfinite(value) else np.inf

    def jac(self, x):
        """The gradient; NaN where it is not finite."""
        self.gradients += 1
        self.spend()
        try:
            g = value_and_grad(self.f.loss)(x)[1]
        except (FloatingPointError, ValueError):
            return np.full_like(x, np.nan)
        if np.max(np.abs(g)) <= self.tol:
            self.solved = True
            raise Stop
        return g

    def hessp(self, x, v):
        """H v, with H recorded once at each x."""
        self.products += 1
        self.spend()
        if self.H is None or not np.array_equal(self.H.theta, x):
            self.H = hessian(self.f.loss, x)
        return self.H @ v


def run_scipy(name, loss, x0, limits):
    """The row of a SciPy method."""
    meter = Meter(loss, *limits)
    products = {"hessp": meter.hessp} if name in ("Newton-CG", "trust-ncg", "trust-krylov") else {}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            scipy.optimize.minimize(meter.fun, x0, jac=meter.jac, method=name, options=NEVER[name], **products)
    except (Stop, ValueError, FloatingPointError):  # the last two: it asked for a product at a NaN
        pass
    return meter.solved, meter.losses, meter.gradients, meter.products, time.process_time() - meter.start


def run_ours(name, loss, x0, limits):
    """The row of one of our methods."""
    tol, budget, seconds, c = limits
    f, start, solved = Objective(loss), time.process_time(), False
    for step in getattr(mathlib.optimize, name)(f, x0):
        solved = bool(np.max(np.abs(step.gradient)) <= tol)
        spent = f.n_loss + f.n_grad + c * f.n_hvp
        if solved or spent > budget or time.process_time() - start > seconds:
            break
    return solved, f.n_loss, f.n_grad, f.n_hvp, time.process_time() - start


def suite():
    """Each problem's name, loss and start."""
    for name, problem in PROBLEMS.items():
        yield name, problem.loss, problem.start
    for n in (10, 100, 1000):
        yield f"Rosenbrock, n = {n}", rosenbrock, np.tile([-1.2, 1.0], n // 2)
    for condition in (1e2, 1e4):
        yield f"quadratic, condition {condition:g}", quadratic(np.geomspace(1, condition, 50))[0], np.zeros(50)
    yield "logistic regression", *logistic_regression()
    yield "logistic regression, ill conditioned", *logistic_regression(condition=100.0)
    yield "digits network", *digits_network(8)


def cost_of_product(rounds=50):
    """What a product H v costs, if a loss and a gradient cost two: the median over the rounds."""
    loss, theta = digits_network(8)
    H, v, f = hessian(loss, theta), np.ones_like(theta), value_and_grad(loss)
    ratios = []
    for _ in range(rounds):
        a = time.process_time()
        H @ v
        b = time.process_time()
        f(theta)
        ratios.append(2 * (b - a) / (time.process_time() - b))
    return round(median(ratios), 1)


def cost(row, c):
    """The cost of a row that is solved, else infinity."""
    return row["losses"] + row["gradients"] + c * row["products"] if row["solved"] else np.inf


def compare(rows, c):
    """For each SciPy method: the median ratio of costs, and what one of the two alone solves."""
    found = {(row["problem"], row["method"]): cost(row, c) for row in rows}
    problems, summary = dict.fromkeys(row["problem"] for row in rows), {}
    for theirs, ours in COUNTERPARTS.items():
        pairs = {p: (found[p, ours], found[p, theirs]) for p in problems}
        ratios = [a / b for a, b in pairs.values() if np.isfinite(a) and np.isfinite(b)]
        summary[theirs] = {
            "ours": ours,
            "median ratio": round(median(ratios), 3),
            "geometric mean": round(float(np.exp(np.mean(np.log(ratios)))), 3),
            "both solve": len(ratios),
            "only SciPy solves": [p for p, (a, b) in pairs.items() if np.isinf(a) and np.isfinite(b)],
            "only mathlib solves": [p for p, (a, b) in pairs.items() if np.isfinite(a) and np.isinf(b)],
        }
    return summary


def draw(rows, c, path):
    """The data profile: Newton's methods apart from those that see gradients alone."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharey=True)
    groups = [["bfgs", "BFGS", "lbfgs", "L-BFGS-B", "conjugate_gradient", "CG"]]
    groups.append(["newton_cg", "Newton-CG", "trust-ncg", "trust-krylov"])
    for axis, names in zip(axes, groups, strict=True):
        for name in names:
            scaled = sorted(cost(row, c) / (row["n"] + 1) for row in rows if row["method"] == name)
            style = "-" if name in COUNTERPARTS.values() else "--"
            label = f"mathlib {name}" if style == "-" else f"SciPy {name}"
            axis.step(scaled, (np.arange(len(scaled)) + 1) / len(scaled), style, where="post", label=label)
        axis.set(xscale="log", xlabel="cost / (n + 1)", ylim=(0, 1.02))
        axis.legend(fontsize=8, frameon=False)
    axes[0].set_ylabel("fraction of the problems solved")
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tol", type=float, default=1e-6)
    parser.add_argument("--budget", type=float, default=20_000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()

    c, rows = cost_of_product(), []
    limits = options.tol, options.budget, options.seconds, c
    for problem, loss, x0 in tqdm(list(suite()), unit="problem"):
        for method in dict.fromkeys([*COUNTERPARTS, *COUNTERPARTS.values()]):
            run = run_scipy if method in COUNTERPARTS else run_ours
            *counts, seconds = run(method, loss, x0, limits)
            rows.append(dict(zip(COLUMNS, (problem, x0.size, method, *counts, f"{seconds:.3g}"), strict=True)))
    summary = compare(rows, c)
    print(json.dumps(summary, indent=2))
    with (FOLDER / "optimizers.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    about = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "cost of a product": c,
    }
    (FOLDER / "optimizers.json").write_text(json.dumps(about | vars(options) | {"methods": summary}, indent=2) + "\n")
    draw(rows, c, HERE / "optimizers.svg")


if __name__ == "__main__":
    main()
