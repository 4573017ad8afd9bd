"""Make all runs of the experiment of the verdict, on this machine or on a cluster; `make experiment` calls it.

    python benchmarks/experiment.py [--dry] [--minutes 60] [--workers 2] [--scheduler tcp://host:8786]

What a run is, and which come next, `mathlib.measured.verdict` says. Each is appended, when it ends, to a log in
`benchmarks/runs/`, with its curve; `mathlib/measured/verdict.csv.gz` is the table that is made from it every five
minutes and at the end, `verdict.json` beside it has costs, machine, date and hours of processor time. However it ends
(an interruption, a worker or a scheduler that is lost, a full disk), the same command goes on where it was, and makes
the runs again whose code has changed.
"""

import argparse
import contextlib
import importlib
import os
import sys
import time
from collections import Counter
from pathlib import Path

# NumPy reads these when it is imported.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

if __name__ == "__main__":
    # Not in the workers of this machine, which read this file too: they look at the package before they import it.
    from sweep import driver, store

RUNS = Path(__file__).parent / "runs"


def preview(known, workers):
    """Say what comes next."""
    todo = known.tasks()
    keys = [key for kind, key in todo if kind == "perform"]
    observed, phases = len(todo) - len(keys), Counter(map(known.experiment.phase, keys))
    for phase, n in ([("code", observed)] if observed else []) + list(phases.items()):
        print(f"{phase}: {n}")
    hours = known.estimate(keys, workers)
    time_left = "" if hours is None else f", about {hours:.2f} hours; later phases come after"
    print(f"{len(todo)} tasks next{time_left}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="say what comes next, and how long that takes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--workers", type=int, default=2, help="processes, if there is no scheduler")
    parser.add_argument("--scheduler", default=os.environ.get("SCHEDULER"), help="of a cluster that is there already")
    parser.add_argument("--experiment", default="mathlib.measured.verdict", help="the module that defines it")
    parser.add_argument("--runs", type=Path, default=RUNS, help="the folder of the log")
    args = parser.parse_args()
    end = time.monotonic() + 60 * args.minutes
    try:
        known = store.Store(importlib.import_module(args.experiment), args.runs, read_only=args.dry)
        if args.dry:
            return preview(known, args.workers)
        return run(known, args, end)
    except store.StoreError as error:
        return str(error)


def run(known, args, end):
    """Make the runs; returns what went wrong."""
    with driver.signals() as interrupted, contextlib.closing(known):

        def stopped():
            return "interrupted" if interrupted else "the minutes are over" if time.monotonic() > end else None

        try:
            driver.measure(known, stopped)
            with driver.connected(args.scheduler, args.workers) as client:
                failed = driver.sweep(known, client, stopped)
        except driver.StopError as stop:
            known.export()
            print(f"{stopped() or stop}: the same command goes on after the {len(known.rows)} runs that are stored.")
            return stopped() is None
        known.export(complete=not failed)
        print(f"{known.table} has {len(known.rows)} runs.")
        for (kind, key), error in failed.items():
            print(f"{kind} {key}: {type(error).__name__}: {error}", file=sys.stderr)
        return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
