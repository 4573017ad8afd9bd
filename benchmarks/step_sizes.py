"""Run every stochastic method from every starting step size, at equal work: the experiment of the last chapter.

    python benchmarks/step_sizes.py [--processes 2] [--seeds 5]

What a run is, `mathlib.measured.step_sizes` says. A Hessian-vector product that comes with its gradient costs what it
costs here, `grad_and_hvp` in units of `value_and_grad`, on the same problem.

`mathlib/measured/step_sizes.csv` has a row for each run, written when it ends; an interrupted sweep goes on where it
was. So a change of a method needs its rows deleted. `step_sizes.json` beside it has the measured costs, the budgets,
machine, date and the hours of processor time.

What was seen when: the constants of `hypergradient` were chosen on the quadratics and the logistic regression. So were
those of a first `carried_drift`, which then failed on the noisy network. Those of a second were chosen on these and
that network; it did well on the others in the mean, and blew up in some runs on the clean one. The third, which is
here, was made while looking at all problems but the last two. The autoencoder and the tumours met it for the first
time in this sweep.
"""

import argparse
import csv
import datetime
import itertools
import json
import multiprocessing
import platform
import signal
import time
from functools import partial
from statistics import median

import numpy as np
from tqdm import tqdm

from mathlib import grad_and_hvp, hessian, value_and_grad
from mathlib.measured import FOLDER
from mathlib.measured import step_sizes as experiment
from mathlib.problems import NOISY

TABLE, FACTS = FOLDER / "step_sizes.csv", FOLDER / "step_sizes.json"
COLUMNS = ["problem", "method", "eta", "seed", "loss"]


def measured_costs(names, repeats=300):
    """The time of a gradient with its product, over that of a gradient, on some problems: medians of processor time."""
    costs = {}
    for name in tqdm(names, unit="problem", desc="costs", disable=not names):
        theta, l_t = NOISY[name](0).theta0 + 0.01, next(NOISY[name](0).losses())
        routes = {
            "gradient": lambda l_t=l_t, theta=theta: value_and_grad(l_t)(theta),
            "dual": lambda l_t=l_t, theta=theta: grad_and_hvp(l_t, theta, theta),
            "second-order Adam": lambda l_t=l_t, theta=theta: hessian(l_t, theta) @ theta,
        }
        times = {route: median(seconds(f) for _ in range(repeats)) for route, f in routes.items()}
        costs[name] = {route: round(times[route] / times["gradient"], 2) for route in list(routes)[1:]}
    return costs


def seconds(f):
    start = time.process_time()
    f()
    return time.process_time() - start


def rows():
    """What the table holds; a line that was cut off by an interruption is dropped."""
    lines = TABLE.read_text().splitlines(keepends=True) if TABLE.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        TABLE.write_text("".join(whole))
    return [[p, r, float(eta), int(seed), loss] for p, r, eta, seed, loss in csv.reader(whole[1:])]


def write(rows, mode):
    with TABLE.open(mode, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    facts = json.loads(FACTS.read_text()) if FACTS.exists() else {"budgets": {}, "costs": {}, "hours": 0.0}
    if {name: experiment.BUDGETS.get(name) for name in facts["budgets"]} != facts["budgets"]:
        parser.error(f"{FACTS} is of a sweep with other budgets. Instead: delete it, and {TABLE.name}.")
    keys = list(itertools.product(experiment.BUDGETS, experiment.RULES, experiment.ETAS, range(args.seeds)))
    done = {tuple(row[:4]) for row in rows()}
    todo = [key for key in keys if key not in done]
    if not todo:
        print(f"{TABLE} has all {len(keys)} runs. To make some again, delete their rows.")
        return
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    facts |= {"machine": machine, "budgets": experiment.BUDGETS}
    facts["costs"] |= measured_costs([name for name in experiment.BUDGETS if name not in facts["costs"]])
    FACTS.write_text(json.dumps(facts, indent=1) + "\n")
    if not done:
        write([COLUMNS], "w")
    try:
        with (
            multiprocessing.Pool(args.processes, deaf) as pool,
            tqdm(total=len(keys), initial=len(done), unit="run") as bar,
        ):
            for row, spent in pool.imap_unordered(partial(timed, costs=facts["costs"]), todo, chunksize=4):
                write([row], "a")
                facts["hours"] += spent / 3600
                bar.update()
        order = {key: place for place, key in enumerate(keys)}
        write([COLUMNS, *sorted(rows(), key=lambda row: order.get(tuple(row[:4]), len(keys)))], "w")
    except KeyboardInterrupt:
        print(f"interrupted: the same command goes on after the {len(rows())} runs that are stored.")
    finally:
        facts |= {"hours": round(facts["hours"], 4), "date": datetime.date.today().isoformat()}
        FACTS.write_text(json.dumps(facts, indent=1) + "\n")


def deaf():
    """A process that leaves an interruption to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def timed(key, costs):
    start = time.process_time()
    return experiment.run(key, costs), time.process_time() - start


if __name__ == "__main__":
    main()
