"""Train a network of the digits by Adam, SOAP, Sophia and AdaHessian at equal work: the table of a chapter.

    python benchmarks/bases.py

What a run is, `mathlib.measured.bases` says. `mathlib/measured/bases.csv` gets a row for each run, those of the tuning
seeds first. It takes some five minutes on one core. Grids were laid out after a look at two of the tuning seeds;
AdaHessian's got a larger step size when its best had been the largest.
"""

import csv
import itertools

import numpy as np
from tqdm import tqdm

from mathlib.measured import FOLDER
from mathlib.measured import bases as experiment

COLUMNS = ["problem", "rule", "options", "eta", "seed", "train", "test"]


def row(name, rule, options, eta, seed):
    train, test = experiment.run(name, rule, options, eta, seed)
    words = " ".join(f"{key}={value}" for key, value in options.items())
    return [name, rule, words, eta, seed, f"{train:.4g}", f"{test:.4g}"]


def main():
    rows = [COLUMNS]
    for name, rule in tqdm(list(itertools.product(experiment.PROBLEMS, experiment.RULES)), unit="rule"):
        tried = experiment.settings(rule)
        tuned = [[row(name, rule, *setting, seed) for seed in experiment.TUNING] for setting in tried]
        best = tried[np.argmin([np.mean([float(run[-1]) for run in runs]) for runs in tuned])]
        rows += itertools.chain(*tuned)
        rows += [row(name, rule, *best, seed) for seed in experiment.JUDGING]
    with (FOLDER / "bases.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
