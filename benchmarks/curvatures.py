"""Which curvature, on a network: runs of `mathlib.measured.curvatures`, written to `mathlib/measured/curvatures.csv`.

    python benchmarks/curvatures.py

First each rule's option is tuned, on seeds of its own; then each runs on the seeds to be judged. About ten minutes.
"""

import csv
import datetime
import json
import platform
import time

import numpy as np
from tqdm import tqdm

from mathlib.measured import FOLDER
from mathlib.measured import curvatures as experiment


def tuned(rule):
    """The option with the least training loss after the last step, in the mean over the seeds for tuning."""
    _, grid, looks = experiment.RULES[rule]

    def score(option):
        runs = [experiment.run(rule, option, seed, (0, looks[-1])) for seed in experiment.TUNING]
        return np.mean([float(rows[-1][5]) if rows and rows[-1][3] == looks[-1] else np.inf for rows in runs])

    return grid[0] if len(grid) == 1 else min(grid, key=score)


def main():
    start, options, rows = time.process_time(), {}, []
    for rule in tqdm(experiment.RULES, unit="rule"):
        options[rule] = tuned(rule)
        for seed in experiment.JUDGING:
            rows += experiment.run(rule, options[rule], seed)
    with (FOLDER / "curvatures.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([experiment.COLUMNS, *rows])
    facts = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}",
        "options": options,
        "minutes": round((time.process_time() - start) / 60, 1),
        "date": datetime.date.today().isoformat(),
    }
    (FOLDER / "curvatures.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
