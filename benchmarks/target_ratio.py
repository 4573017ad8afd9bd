"""Run CDAT with every target ratio and batch size, and fixed rules beside it: the table of the chapter on it.

    python benchmarks/target_ratio.py

What a run is, `mathlib.measured.target_ratio` says. `mathlib/measured/target_ratio.csv` has a row for each, written
when it ends, so that an interrupted run of this script goes on where it was: about ten minutes of one processor in
all. After a change of a method its rows have to be deleted first.

The losses, the network, the batch sizes, the ratios, the number of steps and the seeds were set before the first run of
this table, after a look at other networks, of up to three layers, on all data with two seeds. While it was made, other
methods than CDAT and the tuning seeds were confined to batches of 32, for want of time, and the rows with averages on
all data were added, when those without had been seen.
"""

import csv
import datetime
import json
import platform

import numpy as np
from tqdm import tqdm

from mathlib.measured import FOLDER, target_ratio

TABLE, FACTS = FOLDER / "target_ratio.csv", FOLDER / "target_ratio.json"
COLUMNS = ["objective", "batch", "method", "steps", "seed", "loss", "test"]


def main():
    rows = list(csv.reader(TABLE.open(newline=""))) if TABLE.exists() else [COLUMNS]
    done = {tuple(row[:5]) for row in rows}
    keys = list(target_ratio.keys())
    with TABLE.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows(rows)
        for key in tqdm([key for key in keys if tuple(map(str, key)) not in done], unit="run"):
            table.writerow(target_ratio.run(key))
            file.flush()
    order = {tuple(map(str, key)): place for place, key in enumerate(keys)}
    rows = sorted(csv.reader(TABLE.open(newline="")), key=lambda row: order.get(tuple(row[:5]), -1))
    with TABLE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    facts = {"machine": machine, "runs": len(keys), "date": datetime.date.today().isoformat()}
    FACTS.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
