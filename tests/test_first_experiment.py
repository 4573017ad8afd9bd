"""The table of the verdict's first experiment, which is kept as history."""

import numpy as np
import pytest

from mathlib.measured import table
from mathlib.show.drawings.verdict import first_experiment


def test_it_is_read_by_what_its_rows_say():
    rows = table("step_sizes")
    mixed = [rows[k] for k in np.random.default_rng(0).permutation(len(rows))]
    problems, etas, logs = first_experiment(mixed)
    seeds = list(dict.fromkeys(row["seed"] for row in mixed))
    assert logs["Adam"].shape == (len(problems), len(etas), len(seeds)) == (12, 13, 5)
    for row in rows[::97]:
        place = problems.index(row["problem"]), list(etas).index(float(row["eta"])), seeds.index(row["seed"])
        assert logs[row["method"]][place] == np.log(float(row["loss"]))
    with pytest.raises(ValueError, match="lacks 1 runs"):
        first_experiment(rows[1:])
