"""The experiment with Kronecker factors: its protocol, and some of its rows made again."""

import numpy as np
import pytest

from mathlib.measured import facts, table
from mathlib.measured import kronecker as experiment

ROWS = table("kronecker")


def of(problem, method, seeds):
    return [row for row in ROWS if (row["problem"], row["method"]) == (problem, method) and int(row["seed"]) in seeds]


@pytest.mark.parametrize("problem", experiment.SIZES)
@pytest.mark.parametrize("method", experiment.METHODS)
def test_the_setting_is_the_one_that_the_tuning_seeds_choose(problem, method):
    tuned, judged = (of(problem, method, seeds) for seeds in (experiment.TUNING, experiment.JUDGING))
    settings = experiment.settings(method)
    assert len(settings) in (12, 1)
    assert len(tuned) == len(settings) * len(experiment.TUNING)
    assert sorted(int(row["seed"]) for row in judged) == list(experiment.JUDGING)

    def mean(setting):
        runs = [float(row["train"]) for row in tuned if (float(row["eta"]), float(row["other"])) == setting]
        assert len(runs) == len(experiment.TUNING)
        return np.mean(runs)

    [chosen] = {(float(row["eta"]), float(row["other"])) for row in judged}
    assert mean(chosen) == min(map(mean, settings))
    assert facts("kronecker")["costs"][problem][method] >= 1 or method in ("SGD", "momentum", "Adam, default")


@pytest.mark.parametrize("method", ["momentum", "Adam", "Shampoo", "K-FAC, every 20th"])
def test_a_row_can_be_made_again(method):
    """To a twentieth: 200 steps make the last digits of another machine larger."""
    row = of("deep", method, experiment.JUDGING)[0]
    key = "deep", method, float(row["eta"]), float(row["other"]), int(row["seed"])
    *_, train, test = experiment.run(key)
    np.testing.assert_allclose([float(train), float(test)], [float(row["train"]), float(row["test"])], rtol=0.05)
