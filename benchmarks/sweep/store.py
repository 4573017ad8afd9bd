"""What a sweep knows, and its one writer: a log of JSON lines, and the table that is made from it."""

import contextlib
import csv
import datetime
import fcntl
import gzip
import io
import json
import os
import platform
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

import numpy as np

from mathlib.measured.digest import digest


class LockedError(RuntimeError):
    """The log of another sweep that is running."""


class WriteError(RuntimeError):
    """What could not be written."""


@contextlib.contextmanager
def writing(path):
    """Say what to do where a disk is full."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}. Instead: make room for it.") from error


class Log:
    """A file of JSON, a record a line. A last line that was cut off is dropped; there is one writer at a time.

    What `append` was given is in the file when it returns, and on the disk a second later.
    """

    def __init__(self, path, read_only=False):
        self.path, self.synced = path, 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = None if read_only else path.open("ab", buffering=0)
        if self.file:
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(f"another sweep writes {path}. Instead: wait for it, or interrupt it.") from None
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            cut = lines.pop()
            if self.file:
                self.file.truncate(path.stat().st_size - len(cut))
        self.records = []
        for place, line in enumerate(lines, 1):
            try:
                self.records.append(json.loads(line))
            except ValueError:
                raise ValueError(f"{path}, line {place}, is no JSON. Instead: delete that line.") from None

    def append(self, **record):
        """Write a record."""
        line, written = json.dumps(record, separators=(",", ":")).encode() + b"\n", 0
        with writing(self.path):
            while written < len(line):
                written += self.file.write(line[written:])
            if time.monotonic() - self.synced > 1:
                os.fsync(self.file.fileno())
                self.synced = time.monotonic()

    def close(self):
        """Let the disk have all of it, and another sweep write."""
        os.fsync(self.file.fileno())
        self.file.close()


def replace(path, content):
    """Write a file, all of it or nothing."""
    beside = path.with_name(f"{path.name}.new")
    try:
        with writing(path):
            beside.write_bytes(content)
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def whole_or_word(text):
    """A field of a key."""
    return int(text) if re.fullmatch(r"-?\d+", text) else text


class Store:
    """What is known of an experiment: costs, the code of runs, rows.

    `code` has, by brief key, what a run executes and the digest of that; `rows`, by key, a digest and an outcome. A
    row holds if its digest is that of the present code.
    """

    def __init__(self, experiment, runs, read_only=False):
        self.experiment, self.package = experiment, experiment.__name__.partition(".")[0]
        name = experiment.__name__.rpartition(".")[2]
        self.table, self.facts = (Path(experiment.__file__).with_name(f"{name}.{end}") for end in ("csv.gz", "json"))
        self.keys = experiment.COLUMNS[: experiment.COLUMNS.index("digest")]
        self.outcomes = experiment.COLUMNS[len(self.keys) + 1 :]
        self.costs, self.code, self.rows, self.places = defaultdict(dict), {}, {}, {}
        self.seconds, self.hours = defaultdict(list), 0.0
        self.log = Log(Path(runs) / f"{name}.jsonl", read_only)
        self.read_table()
        if not self.log.records and self.hours and not read_only:
            self.log.append(hours=self.hours)
        self.hours = 0.0 if self.log.records else self.hours
        for record in self.log.records:
            self.read(record)

    def read_table(self):
        """Take the rows of the table, and the costs of its facts."""
        if self.table.exists():
            with gzip.open(self.table, "rt", encoding="utf-8", newline="") as file:
                columns, *rows = csv.reader(file)
            if columns != self.experiment.COLUMNS:
                raise ValueError(f"{self.table} has columns {columns}. Instead: delete it, or make the columns again.")
            for row in rows:
                key = tuple(map(whole_or_word, row[: len(self.keys)]))
                self.add(key, row[len(self.keys)], dict(zip(self.outcomes, row[len(self.keys) + 1 :], strict=True)))
        if self.facts.exists():
            facts = json.loads(self.facts.read_text())
            self.hours = facts["hours"]
            for problem, costs in facts["costs"].items():
                self.costs[problem] |= costs

    def read(self, record):
        """Take a record of the log."""
        if "hours" in record:
            self.hours += record["hours"]
        elif "cost" in record:
            problem, what, cost = record["cost"]
            self.costs[problem][what] = cost
        elif "executes" in record:
            key, names = tuple(record["code"]), record["executes"]
            if self.is_part(key) and self.digest(key, names) == record["digest"]:
                self.code[key] = names, record["digest"]
        else:
            key = tuple(record["key"])
            self.add(key, record["digest"], record["outcome"])
            self.seconds[key[0]].append(record["seconds"])
            self.hours += record["seconds"] / 3600

    # ── what is known ──

    def digest(self, key, names):
        """The digest of what a brief run executes, in the present code."""
        return digest(self.package, names, frozenset(self.experiment.others(key)))

    def is_part(self, key):
        """Whether the experiment has such a run; its place in the table is kept."""
        if key not in self.places:
            try:
                self.places[key] = self.experiment.order(key)
            except (ValueError, KeyError):
                self.places[key] = None
        return self.places[key] is not None

    def add(self, key, digest, outcome):
        """Take a row, if the experiment has such a run."""
        if self.is_part(key):
            self.rows[key] = digest, outcome

    def holds(self, key):
        """Whether there is a row of a run, of the present code."""
        code = self.code.get(self.experiment.brief(key))
        return key in self.rows and code is not None and self.rows[key][0] == code[1]

    def present(self):
        """The outcomes that hold, by key, in the table's order."""
        return {key: self.rows[key][1] for key in sorted(self.rows, key=self.places.get) if self.holds(key)}

    def tasks(self, failed=()):
        """What comes next: runs to observe, of which the code is not known, or else runs to make."""
        todo = self.experiment.todo(self.present())
        briefs = dict.fromkeys(map(self.experiment.brief, [*self.rows, *todo]))
        unknown = [("observe", key) for key in briefs if key not in self.code and ("observe", key) not in failed]
        return unknown or [("perform", key) for key in todo if self.experiment.brief(key) in self.code]

    def estimate(self, keys, workers):
        """The hours that runs take, by the mean of those on the same problem; None, where none was made yet."""
        known = {problem: mean(seconds) for problem, seconds in self.seconds.items()}
        if not known:
            return None
        return sum(known.get(key[0], mean(known.values())) for key in keys) / 3600 / workers

    # ── what is written ──

    def measured(self, problem, what, cost):
        """Keep a cost."""
        self.log.append(cost=[problem, what, cost])
        self.costs[problem][what] = cost

    def observed(self, key, names):
        """Keep what a brief run executes."""
        code = names, self.digest(key, names)
        self.log.append(code=key, digest=code[1], executes=names)
        self.code[key] = code

    def performed(self, key, outcome, curve, seconds):
        """Keep a run."""
        if set(outcome) != set(self.outcomes):
            raise ValueError(f"the run {key} gave {sorted(outcome)}: the columns {self.outcomes} are needed.")
        code = self.code[self.experiment.brief(key)][1]
        record = {"key": key, "digest": code, "outcome": outcome, "curve": curve, "seconds": round(seconds, 4)}
        self.log.append(**record)
        self.read(record)

    def export(self, complete=False):
        """Write the table, and the facts; when all is done, without the rows of former code."""
        rows = {key: row for key, row in self.rows.items() if not complete or self.holds(key)}
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.experiment.COLUMNS)
        for key in sorted(rows, key=self.places.get):
            code, outcome = rows[key]
            writer.writerow([*key, code, *(outcome[column] for column in self.outcomes)])
        packed = io.BytesIO()
        with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as file:
            file.write(text.getvalue().encode())
        replace(self.table, packed.getvalue())
        facts = {
            "machine": f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}",
            "date": datetime.date.today().isoformat(),
            "hours": round(self.hours, 4),
            "counts": dict(sorted(Counter(map(self.experiment.phase, rows)).items())),
            "costs": self.costs,
        }
        replace(self.facts, json.dumps(facts, indent=1).encode() + b"\n")
