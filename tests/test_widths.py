"""The table of step sizes by width: that its rows can be made again, and that it is whole."""

import itertools
from collections import Counter

import numpy as np
import pytest

from mathlib.measured import table
from mathlib.measured import widths as experiment

ROWS = [
    (row["method"], int(row["width"]), float(row["eta"]), int(row["seed"]), row["train"], row["test"])
    for row in table("widths")
]


@pytest.mark.parametrize("method", experiment.METHODS)
def test_rows_of_the_table_can_be_made_again(method):
    """At small step sizes: there twenty steps in single precision keep three digits on any machine."""
    eta = experiment.ETAS[method][2]
    for width, seed in ((16, 0), (32, 3)):
        [[*_, train, test]] = [row for row in ROWS if row[:4] == (method, width, eta, seed)]
        *_, again, again_test = experiment.run((method, width, eta, seed))
        np.testing.assert_allclose([float(again), float(again_test)], [float(train), float(test)], rtol=2e-3)


def test_every_step_size_has_its_six_seeds_and_every_choice_its_judges():
    counts = Counter(row[:3] for row in ROWS if row[3] in experiment.SEEDS)
    pairs = itertools.product(experiment.METHODS, experiment.WIDTHS)
    assert counts == {(m, n, eta): 6 for m, n in pairs for eta in experiment.ETAS[m]}
    best = experiment.best(ROWS)
    judged = Counter(row[:3] for row in ROWS if row[3] in experiment.JUDGES)
    assert judged == {(m, n, eta): 6 for m, n in best for eta in (best[m, n], best[m, 32])}
    assert len(ROWS) == len({row[:4] for row in ROWS})


def test_the_best_step_size_is_inside_of_what_was_tried():
    for (method, _), eta in experiment.best(ROWS).items():
        assert experiment.ETAS[method][0] < eta < experiment.ETAS[method][-1]


def test_a_run_that_diverges_counts_as_the_worst():
    assert experiment.run(("SGD", 16, 1e6, 0))[4:] == [f"{experiment.WORST:.4g}"] * 2
