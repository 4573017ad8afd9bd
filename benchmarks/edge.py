"""Train small networks at the edge of stability: the tables of the chapter, a few minutes on one core.

    python benchmarks/edge.py [--seeds 10]

What a run is, `mathlib.measured.edge` says. `mathlib/measured/edge.csv` has a row for each run, `edge_flows.csv` the
distances from gradient descent to the central flow and to the gradient flow; `edge.json` has machine, date and minutes.
"""

import argparse
import csv
import datetime
import json
import platform
import time

import numpy as np
from tqdm import tqdm

from mathlib.measured import FOLDER
from mathlib.measured import edge as experiment


def write(name, columns, rows):
    with (FOLDER / f"{name}.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    seeds, start = range(parser.parse_args().seeds), time.process_time()
    keys = [(*key, seed) for key in experiment.RUNS for seed in seeds]
    write("edge", experiment.COLUMNS, [experiment.run(key) for key in tqdm(keys, unit="run")])
    of_seeds = [experiment.flows(seed) for seed in tqdm(seeds, unit="flow")]
    write("edge_flows", experiment.FLOW_COLUMNS, [row for rows in of_seeds for row in rows])
    facts = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}",
        "minutes": round((time.process_time() - start) / 60, 1),
        "date": datetime.date.today().isoformat(),
    }
    (FOLDER / "edge.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
