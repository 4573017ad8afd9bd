"""Find the step size that works best for networks of 16 to 512 units a layer, under each norm.

    python benchmarks/widths.py

What a run is, `mathlib.measured.widths` says. All step sizes run from six seeds; the best one of each width, by the
loss of training, and the one that was best for 32 units, run from six other seeds, which judge them.

`mathlib/measured/widths.csv` has a row for each run, written when it ends; an interrupted sweep goes on where it was.
So a change of a method needs its rows deleted. What was seen when: the step sizes to be tried were chosen on seed 100;
the method with a start of its own was added when the results of the others were known.
"""

import csv
import datetime
import itertools
import json
import platform

import numpy as np
from tqdm import tqdm

from mathlib.measured import FOLDER
from mathlib.measured import widths as experiment

TABLE, FACTS = FOLDER / "widths.csv", FOLDER / "widths.json"
COLUMNS = ["method", "width", "eta", "seed", "train", "test"]


def rows():
    """What the table holds."""
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n")
    with TABLE.open(newline="") as file:
        return [[m, int(n), float(eta), int(seed), *ends] for m, n, eta, seed, *ends in list(csv.reader(file))[1:]]


def keys_to_choose():
    """All methods, widths, step sizes and seeds to choose by; small networks first."""
    pairs = itertools.product(experiment.WIDTHS, experiment.METHODS)
    return [(m, n, eta, seed) for n, m in pairs for eta in experiment.ETAS[m] for seed in experiment.SEEDS]


def keys_to_judge(chosen):
    """The step sizes that were best at the same width, and at 32 units."""
    return [
        (m, n, eta, seed)
        for (m, n), own in chosen.items()
        for eta in sorted({own, chosen[m, 32]})
        for seed in experiment.JUDGES
    ]


def make(keys):
    """Run what the table has not, and write it there."""
    done = {tuple(row[:4]) for row in rows()}
    for key in tqdm([key for key in keys if key not in done], unit="run"):
        with TABLE.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(experiment.run(key))


def main():
    make(keys_to_choose())
    make(keys_to_judge(experiment.best(rows())))
    order = {key: place for place, key in enumerate([*keys_to_choose(), *keys_to_judge(experiment.best(rows()))])}
    table = sorted(rows(), key=lambda row: order[tuple(row[:4])])
    with TABLE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *table])
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    FACTS.write_text(json.dumps({"machine": machine, "date": datetime.date.today().isoformat()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
