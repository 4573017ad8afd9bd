"""The table of target ratios: each run once, its rows made again, and what a run is."""

import numpy as np
import pytest

from mathlib.measured import table, target_ratio
from mathlib.show.drawings.tuners import runs

ROWS = table("target_ratio")
KEYS = [(r["objective"], int(r["batch"]), r["method"], int(r["steps"]), int(r["seed"])) for r in ROWS]


def test_every_run_is_in_the_table_once():
    assert list(target_ratio.keys()) == KEYS


@pytest.mark.parametrize(
    "key",
    [
        ("squared error", 32, "CDAT 0.25", 300, 0),
        ("squared error", 32, "SGD 0.03", 300, 3),
        ("squared error", 32, "Adam, decay", 300, 1),
        ("cross-entropy", 32, "schedule-free", 300, 2),
        ("squared error", 32, "Prodigy, decay", 300, 1),
        ("squared error", 128, "CDAT Adam 0.25", 300, 0),
    ],
    ids=str,
)
def test_rows_of_the_table_come_out_again(key):
    """Of calm runs: a run on edge passes on rounding errors until they show."""
    row, again = ROWS[KEYS.index(key)], target_ratio.run(key)
    assert tuple(again[:5]) == key
    found, stored = np.array(again[5:], float), np.array([row["loss"], row["test"]], float)
    np.testing.assert_allclose(found, stored, rtol=0.02)  # of sums in another order, and 4 digits


def test_a_run_that_diverges_counts_as_the_start():
    key = ("squared error", 32, "SGD 3.0", 300, 0)
    f, train, test, theta0 = target_ratio.problem(key[0], key[4])
    *_, loss, of_test = target_ratio.run(key)
    assert (float(loss), float(of_test)) == (float(f"{f(theta0, *train):.4g}"), float(f"{f(theta0, *test):.4g}"))


def test_the_result_of_a_method_that_averages_is_its_average():
    key = ("squared error", 32, "schedule-free", 300, 0)
    f, train, _, theta0 = target_ratio.problem(key[0], key[4])
    steps = target_ratio.rules(32)["schedule-free"](iter([lambda theta: f(theta, *train)]), theta0, 300)
    step = next(steps)
    assert target_ratio.result(step) is step.carried["x"]


def test_runs_are_read_by_what_their_rows_say():
    mixed = [ROWS[k] for k in np.random.default_rng(0).permutation(len(ROWS))]
    found = runs(mixed)
    for row, (objective, size, method, steps, seed) in list(zip(ROWS, KEYS, strict=True))[::97]:
        assert found[objective, size, method, steps][0][seed] == float(row["loss"])
        assert found[objective, size, method, steps][1][seed] == float(row["test"])
