"""The sweep over step sizes: what a budget pays for, and that an interruption loses and repeats no run."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathlib.measured import step_sizes as experiment
from mathlib.measured import table
from mathlib.show.drawings.verdict import runs_by_rule

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("step_sizes", ROOT / "benchmarks/step_sizes.py")
step_sizes = importlib.util.module_from_spec(spec)
sys.modules["step_sizes"] = step_sizes  # its processes find it there
spec.loader.exec_module(step_sizes)


@given(st.integers(1, 50), st.sampled_from([1, 2, 10, 10**9]), st.floats(1, 4))
def test_a_budget_pays_for_gradients_and_products(budget, every, cost):
    n = experiment.steps_within(budget, every, cost)

    def work(n):
        products = len(range(0, n, every))
        return n - products + cost * products + (every > 1)

    assert n == 0 or work(n) <= budget + 1e-9
    assert budget < work(n + 1) + 1e-9
    assert experiment.steps_within(budget, None, cost) == budget


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A sweep of a dozen runs, in a directory of its own."""
    for module, name, value in (
        (step_sizes, "TABLE", tmp_path / "table.csv"),
        (step_sizes, "FACTS", tmp_path / "facts.json"),
        (experiment, "BUDGETS", {"logistic": 5}),
        (experiment, "RULES", {name: experiment.RULES[name] for name in ("sgd", "carried drift, decay")}),
        (experiment, "ETAS", [1e-3, 1e-1, 1e3]),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr("sys.argv", ["step_sizes", "--processes", "1", "--seeds", "2"])


def test_an_interrupted_sweep_goes_on_where_it_was(small, monkeypatch):
    step_sizes.main()
    whole = step_sizes.TABLE.read_text()
    assert whole.count("\n") == 1 + 2 * 3 * 2
    lines = whole.splitlines(keepends=True)
    step_sizes.TABLE.write_text("".join(lines[:5]) + lines[5][:9])  # cut off in the middle of a row
    runs = []
    monkeypatch.setattr(
        step_sizes, "write", lambda rows, mode, write=step_sizes.write: runs.append(rows) or write(rows, mode)
    )
    step_sizes.main()
    assert step_sizes.TABLE.read_text() == whole
    assert sum(len(rows) == 1 for rows in runs) == 12 - 4
    facts = step_sizes.FACTS.read_text()
    monkeypatch.setattr("sys.argv", ["step_sizes", "--seeds", "1"])
    step_sizes.main()  # nothing to do
    assert step_sizes.TABLE.read_text() == whole
    assert step_sizes.FACTS.read_text() == facts


def test_a_run_that_diverges_counts_as_the_start(small):
    step_sizes.main()
    rows = [row for row in step_sizes.rows() if row[1:3] == ["sgd", 1e3]]
    assert {row[4] for row in rows} == {f"{np.log(10):.4g}"}
    assert json.loads(step_sizes.FACTS.read_text())["costs"]["logistic"]["dual"] > 1


def test_a_sweep_with_other_budgets_is_not_mixed_in(small, monkeypatch, capsys):
    step_sizes.main()
    whole = step_sizes.TABLE.read_text()
    monkeypatch.setattr(experiment, "BUDGETS", {"logistic": 6})
    with pytest.raises(SystemExit):
        step_sizes.main()
    assert "with other budgets. Instead: delete it" in capsys.readouterr().err
    assert step_sizes.TABLE.read_text() == whole


def test_the_table_is_read_by_what_its_rows_say():
    rows = table("step_sizes")
    mixed = [rows[k] for k in np.random.default_rng(0).permutation(len(rows))]
    problems, etas, logs = runs_by_rule(mixed)
    seeds = list(dict.fromkeys(row["seed"] for row in mixed))
    for problem, rule, eta, seed, loss in step_sizes.rows()[::97]:
        place = problems.index(problem), list(etas).index(eta), seeds.index(str(seed))
        assert logs[rule][place] == np.log(float(loss))
    with pytest.raises(ValueError, match="lacks 1 runs"):
        runs_by_rule(rows[1:])


def test_every_row_of_the_table_is_of_a_run_that_the_sweep_makes():
    rows = step_sizes.rows()
    keys = [tuple(row[:4]) for row in rows]
    assert set(keys) == {
        (p, r, e, s) for p in experiment.BUDGETS for r in experiment.RULES for e in experiment.ETAS for s in range(5)
    }
    assert len(keys) == len(set(keys))
