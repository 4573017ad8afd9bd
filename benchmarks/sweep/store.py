"""What a sweep knows, and its one writer: a log of JSON lines, and the table that is made from it."""

import contextlib
import csv
import datetime
import errno
import fcntl
import gzip
import io
import json
import os
import platform
import re
import time
import zlib
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

import numpy as np

from mathlib.measured import tasks
from mathlib.measured.digest import digest

REMEDIES = dict.fromkeys((errno.ENOSPC, errno.EFBIG, errno.EDQUOT), "make room for it")
REMEDIES |= dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR), "move away what has its place")


class StoreError(RuntimeError):
    """What cannot be read or written, and what to do."""


@contextlib.contextmanager
def writing(path):
    """Say what to do where a file cannot be written."""
    try:
        yield
    except OSError as error:
        place, remedy = error.filename or path, REMEDIES.get(error.errno, "make it writable")
        raise StoreError(f"{place} cannot be written: {error.strerror}. Instead: {remedy}.") from error


@contextlib.contextmanager
def reading(path, remedy):
    """Say what to do where a file is not what it should be."""
    try:
        yield
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, csv.Error, zlib.error) as error:
        raise StoreError(f"{path} cannot be read: {error!r}. Instead: {remedy}.") from error


def locked(path, what):
    """A file to append to, that no other process has so: the one writer of what it stands for."""
    with writing(path):
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StoreError(f"another sweep writes {what}. Instead: wait for it, or interrupt it.") from None
    return file


def is_record(line):
    """Whether a line is whole: all of an object."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


class Log:
    """A file of JSON, an object a line, with one writer at a time; a last line that was cut off is dropped.

    What `append` was given is in the file when it returns, and on the disk a second later, or when the log is closed.
    """

    def __init__(self, path, read_only=False):
        self.path, self.synced, self.file = path, 0.0, None
        if not read_only:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            self.file = locked(path, path)
            self.mend()

    def mend(self):
        """Let the file end with its last whole line."""
        with writing(self.path):
            content = self.path.read_bytes()
            last = content[content.rfind(b"\n") + 1 :]
            if is_record(last):  # its newline alone was cut off
                self.file.write(b"\n")
            elif last:
                self.file.truncate(len(content) - len(last))

    def records(self, read=lambda record: record):
        """What was appended so far, each as `read` takes it."""
        with reading(self.path, "make it readable"):
            lines = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        if not is_record(lines[-1]):
            lines.pop()
        for place, line in enumerate(lines, 1):
            if line.strip():
                with reading(f"{self.path}, line {place},", "delete that line"):
                    taken = read(dict(json.loads(line)))
                yield taken

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
        with writing(self.path), self.file:
            os.fsync(self.file.fileno())


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

    `code` has, by brief key, what a run executes and the digest of that, in the present code; `rows`, by key, outcomes
    by digest, the last one last. The outcome holds whose digest is that of the present code. `unlogged` has the rows of
    the table that the log has not; `opened`, by brief key, the digests of data files.
    """

    def __init__(self, experiment, runs, read_only=False):
        self.experiment, self.package = experiment, experiment.__name__.partition(".")[0]
        name = experiment.__name__.rpartition(".")[2]
        self.table, self.facts = (Path(experiment.__file__).with_name(f"{name}.{end}") for end in ("csv.gz", "json"))
        self.keys = experiment.COLUMNS[: experiment.COLUMNS.index("digest")]
        self.outcomes = experiment.COLUMNS[len(self.keys) + 1 :]
        self.costs, self.observations, self.rows, self.places = defaultdict(dict), defaultdict(list), {}, {}
        self.seconds, self.unlogged, self.opened = defaultdict(list), {}, {}
        self.lock = None if read_only else locked(self.table.with_name(f"{name}.lock"), self.table)
        self.log = Log(Path(runs) / f"{name}.jsonl", read_only)
        hours, self.hours = self.read_table(), 0.0
        if not list(self.log.records(self.read)):
            self.hours = hours
            if not read_only:
                self.log.append(hours=hours)  # from now on, the log has those of the table
        code = {key: self.of_present(key, known) for key, known in self.observations.items()}
        self.code = {key: known for key, known in code.items() if known}

    def read_table(self):
        """Take the rows of the table, and the costs of its facts; returns the hours."""
        if self.table.exists():
            with reading(self.table, "restore it, or delete it: the rows that the log has are written again"):
                with gzip.open(self.table, "rt", encoding="utf-8", newline="") as file:
                    columns, *rows = csv.reader(file)
                if columns != self.experiment.COLUMNS:
                    raise StoreError(f"{self.table} has columns {columns}, not COLUMNS. Instead: delete it.")
                for row in rows:
                    key, code = tuple(map(whole_or_word, row[: len(self.keys)])), row[len(self.keys)]
                    outcome = dict(zip(self.outcomes, row[len(self.keys) + 1 :], strict=True))
                    self.add(key, code, outcome)
                    self.unlogged[key] = code, outcome
        if not self.facts.exists():
            return 0.0
        with reading(self.facts, "restore it, or delete it: the costs that the log has not are measured again"):
            facts = json.loads(self.facts.read_text())
            for problem, costs in facts["costs"].items():
                self.costs[problem] |= dict(costs)
            return float(facts["hours"])

    def read(self, record):
        """Take a record of the log."""
        if "hours" in record:
            self.hours += record["hours"]
        elif "cost" in record:
            problem, what, cost = record["cost"]
            self.costs[problem][what] = cost
        elif "executes" in record:
            self.observations[tuple(record["code"])].append((record["executes"], record["digest"]))
        else:
            key, code = tuple(record["key"]), record["digest"]
            self.add(key, code, record["outcome"])
            if key in self.unlogged and self.unlogged[key][0] == code:
                del self.unlogged[key]
            if "seconds" in record:
                self.seconds[key[0]].append(record["seconds"])
                self.hours += record["seconds"] / 3600

    # ── what is known ──

    def digest(self, key, names):
        """The digest of what a brief run executes, in the present code."""
        return digest(self.package, names, frozenset(self.experiment.others(key)))

    def of_present(self, key, observations):
        """The last observation of a brief run that is one of the present code; None, if there is no such."""
        if self.is_part(key):
            for names, code in reversed(observations):
                if code is not None and self.digest(key, names) == code:
                    return names, code
        return None

    def is_part(self, key):
        """Whether the experiment has such a run; its place in the table is kept."""
        if key not in self.places:
            try:
                self.places[key] = self.experiment.order(key)
            except (ValueError, KeyError):
                self.places[key] = None
        return self.places[key] is not None

    def add(self, key, digest, outcome):
        """Take a row, if the experiment has such a run and such an outcome."""
        if self.is_part(key) and outcome.keys() == set(self.outcomes):
            outcomes = self.rows.setdefault(key, {})
            outcomes.pop(digest, None)
            outcomes[digest] = outcome

    def held(self, key):
        """The digest of a run in the present code, if there is a row of it, or else None."""
        code = self.code.get(self.experiment.brief(key))
        return code[1] if code and code[1] in self.rows.get(key, ()) else None

    def present(self):
        """The outcomes that hold, by key, in the table's order."""
        codes = {key: self.held(key) for key in sorted(self.rows, key=self.places.get)}
        return {key: self.rows[key][code] for key, code in codes.items() if code}

    def data(self, key):
        """The digests of the data files that a run opens."""
        brief = self.experiment.brief(key)
        if brief not in self.opened:
            self.opened[brief] = tasks.data(self.package, self.code[brief][0])
        return self.opened[brief]

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
        if code[1] is None:
            unseen = ", ".join(name for name in names if self.digest(key, [name]) is None)
            remedy = "define a function by a def or a class at the level of its module, and keep a file"
            raise StoreError(f"the run {key} executes {unseen}, which its digest cannot see. Instead: {remedy}.")
        self.log.append(code=key, digest=code[1], executes=names)
        self.code[key] = code

    def performed(self, key, outcome, curve, seconds):
        """Keep a run, and the row that it replaces in the table."""
        if set(outcome) != set(self.outcomes):
            raise ValueError(f"the run {key} gave {sorted(outcome)}: the columns {self.outcomes} are needed.")
        if key in self.unlogged:
            former, its_outcome = self.unlogged.pop(key)
            self.log.append(key=key, digest=former, outcome=its_outcome)
        code = self.code[self.experiment.brief(key)][1]
        record = {"key": key, "digest": code, "outcome": outcome, "curve": curve, "seconds": round(seconds, 4)}
        self.log.append(**record)
        self.read(record)

    def close(self):
        """Let another sweep write."""
        with self.lock:
            self.log.close()

    def export(self, complete=False):
        """Write the table, and the facts: of each run the row that holds, or else, unless all is done, the last."""
        rows = {key: self.held(key) or (None if complete else next(reversed(self.rows[key]))) for key in self.rows}
        self.rows = {key: self.rows[key] for key, code in rows.items() if code is not None}
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.experiment.COLUMNS)
        for key in sorted(self.rows, key=self.places.get):
            outcome = self.rows[key][rows[key]]
            writer.writerow([*key, rows[key], *(outcome[column] for column in self.outcomes)])
        packed = io.BytesIO()
        with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as file:
            file.write(text.getvalue().encode())
        replace(self.table, packed.getvalue())
        facts = {
            "machine": f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}",
            "date": datetime.date.today().isoformat(),
            "hours": round(self.hours, 4),
            "counts": dict(sorted(Counter(map(self.experiment.phase, self.rows)).items())),
            "costs": self.costs,
        }
        replace(self.facts, json.dumps(facts, indent=1).encode() + b"\n")
