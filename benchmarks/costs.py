"""Measure what a product and a step with matrix work cost on each problem of the verdict, in a quiet moment.

    python benchmarks/costs.py

`mathlib/measured/verdict_costs.json` gets, by problem, "product" and "hessian", a gradient that comes with a product
over a gradient, and for methods that are charged by their step, that over a step of Adam: medians of processor time,
of which one of each is taken in turn.
"""

import datetime
import itertools
import json
import platform
import time
from statistics import median

import numpy as np
from tqdm import tqdm

from mathlib import grad_and_hvp, hessian, value_and_grad
from mathlib.measured import FOLDER
from mathlib.measured import verdict as experiment
from mathlib.problems import NOISY

FILE = FOLDER / "verdict_costs.json"


def seconds(f, block=1):
    """The processor time of some calls."""
    start = time.process_time()
    for _ in range(block):
        f()
    return (time.process_time() - start) / block


def in_turn(routes, repeats=40, block=20):
    """The median time of each of some functions; those of blocks, because `every`-th steps differ."""
    for f in routes.values():
        seconds(f, block)
    times = {name: [] for name in routes}
    for _, (name, f) in itertools.product(range(repeats), routes.items()):
        times[name].append(seconds(f, block))
    return {name: median(all_) for name, all_ in times.items()}


def costs(problem):
    """The costs on one problem, by name."""
    data = NOISY[problem](0)
    theta, losses = data.theta0 + 0.01, data.losses()
    repeats = 40 if data.theta0.size < 10_000 else 8
    times = in_turn(
        {
            "gradient": lambda: value_and_grad(next(losses))(theta),
            "product": lambda: grad_and_hvp(next(losses), theta, theta),
            "hessian": lambda: hessian(next(losses), theta) @ theta,
        },
        repeats,
    )
    found = {name: round(times[name] / times["gradient"], 2) for name in ("product", "hessian")}
    names = [name for name, method in experiment.METHODS.items() if method.measured == "step"]
    names = [name for name in names if experiment.can_run(name, problem)]
    paths = {name: experiment.METHODS[name].steps(data, 1e-3) for name in ("Adam", *names)}
    times = in_turn({name: lambda steps=steps: next(steps) for name, steps in paths.items()}, repeats)
    return found | {name: round(max(1.0, times[name] / times["Adam"]), 2) for name in names}


def main():
    found = {name: costs(name) for name in tqdm(experiment.PROBLEMS, unit="problem")}
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    facts = {"machine": machine, "date": datetime.date.today().isoformat(), "costs": found}
    FILE.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
