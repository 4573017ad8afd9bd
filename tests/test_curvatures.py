"""The experiment with curvatures: its table is what its runs give, and tuning and judging are apart."""

import numpy as np
import pytest

from mathlib.measured import curvatures as experiment
from mathlib.measured import facts, table

ROWS = table("curvatures")


def test_the_table_has_every_run_and_each_option_is_one_of_its_grid():
    options = facts("curvatures")["options"]
    for rule, (_, grid, looks) in experiment.RULES.items():
        assert options[rule] in grid
        for seed in experiment.JUDGING:
            own = [row for row in ROWS if row["rule"] == rule and row["seed"] == str(seed)]
            assert [int(row["steps"]) for row in own] == list(looks)
            assert {float(row["option"]) for row in own} == {options[rule]}
    assert not set(experiment.TUNING) & set(experiment.JUDGING)


@pytest.mark.parametrize("rule", experiment.RULES)
@pytest.mark.parametrize("seed", [0, 7])
def test_a_few_rows_come_again(rule, seed):
    looks = (0, 1, 3)  # later, what the last bits do has grown
    again = experiment.run(rule, facts("curvatures")["options"][rule], seed, looks)
    stored = [r for r in ROWS if r["rule"] == rule and r["seed"] == str(seed) and int(r["steps"]) in looks]
    assert len(again) == len(stored) == 3
    for new, old in zip(again, stored, strict=True):
        numbers = [float(old[c]) for c in ("train", "test")]
        np.testing.assert_allclose([float(a) for a in new[5:7]], numbers, rtol=2e-3)  # four digits are stored
