"""Tune K-FAC, Shampoo and their baselines alike, and judge them on other seeds: the experiment of chapter 8-3.

    python benchmarks/kronecker.py

What a run is, and the protocol, `mathlib.measured.kronecker` says. `mathlib/measured/kronecker.csv` has a row for each
run, those of tuning first; `kronecker.json` beside it has what a step of each method costs here, in steps of SGD:
medians of processor time.
"""

import csv
import datetime
import json
import platform
import time
from statistics import mean, median

import numpy as np
from tqdm import tqdm

from mathlib.measured import FOLDER
from mathlib.measured import kronecker as experiment

COLUMNS = ["problem", "method", "eta", "other", "seed", "train", "test"]


def milliseconds(name, method, steps=150):
    """The median time of a step."""
    iterator, times = experiment.steps_of((name, method, *experiment.settings(method)[0], 0)), []
    for _ in range(steps):
        start = time.process_time()
        next(iterator)
        times.append(1000 * (time.process_time() - start))
    return median(times)


def main():
    rows = []
    problems, methods = experiment.SIZES, experiment.METHODS
    for name, method in tqdm([(name, method) for name in problems for method in methods]):
        tuned = [
            experiment.run((name, method, *setting, seed))
            for setting in experiment.settings(method)
            for seed in experiment.TUNING
        ]
        best = min(
            experiment.settings(method),
            key=lambda setting, tuned=tuned: mean(float(row[5]) for row in tuned if tuple(row[2:4]) == setting),
        )
        rows += tuned + [experiment.run((name, method, *best, seed)) for seed in experiment.JUDGING]
    with (FOLDER / "kronecker.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    costs = {name: {method: milliseconds(name, method) for method in methods} for name in problems}
    facts = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}",
        "costs": {name: {m: round(c / costs[name]["SGD"], 1) for m, c in costs[name].items()} for name in problems},
        "date": datetime.date.today().isoformat(),
    }
    (FOLDER / "kronecker.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
