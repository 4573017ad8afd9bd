"""The laws of a sweep: whatever happens to it, the table is the same, and nothing that is stored is made again."""

import ast
import contextlib
import errno
import gzip
import importlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent import futures
from pathlib import Path

import cloudpickle
import dask
import pytest
from distributed.utils import json_load_robust
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib.measured import digest as code
from mathlib.measured import tasks
from mathlib.measured.digest import digest, executed

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))
from sweep import driver, store  # noqa: E402

PATIENCE = 300  # seconds after which something hangs, on a slow machine too

METHODS = '''
"""Methods."""
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toy.numbers import SHIFT, doubled

SCALE = 2.0
UNUSED = 5.0
WEIGHTS = {"square": 2.0, "cube": 3.0}


def method(f):
    def checked(x):
        return f(x) + SCALE

    return checked


@method
def square(x):
    """A square."""
    return WEIGHTS["square"] * x * x + SHIFT


@method
def cube(x):
    return WEIGHTS["cube"] * doubled(x) ** 3


class Start:
    def value(self):
        return offset()


class Later(Start):
    """A start."""


@cache
def offset():
    return float((Path(__file__).parent / "offset.txt").read_text())


def unused(x):
    return x
'''

NUMBERS = '''
"""Numbers."""
SHIFT = 1.0 - 1.0
TWO = 2.0


def twice(f):
    return lambda x: f(x)


@twice
def doubled(x):
    return x * TWO
'''

EXPERIMENT = '''
"""Two phases: each k of each rule on each problem; then the best k with other seeds."""
import os
import time

from toy.methods import Later, cube, square

COLUMNS = ["problem", "rule", "k", "seed", "digest", "loss", "steps"]
RULES = {"square": square, "cube": cube}
PROBLEMS = ("a", "b")
TUNING, EVALUATION = range(3), range(100, 105)


def run(key, costs):
    problem, rule, k, seed = key
    note(key)
    loss = RULES[rule](k - 2) ** 2 + (seed * (k + 1)) % 5 + Later().value()
    return {"loss": f"{loss:.4g}", "steps": costs[problem]["product"]}, [loss, seed]


def note(key):
    with open(os.environ["TOY_NOTES"], "a") as file:
        file.write(f"{os.getpid()} {key}\\n")
    time.sleep(float(os.environ["TOY_SECONDS"]))
    if os.environ.get("TOY_DEADLY") == repr(key):
        os.kill(os.getpid(), 9)
    if repr(key) in os.environ.get("TOY_WRONG", ""):
        raise ValueError("no")


def todo(outcomes):
    pairs = [(problem, rule) for problem in PROBLEMS for rule in RULES]
    keys = [(*pair, k, seed) for pair in pairs for k in range(5) for seed in TUNING]
    if set(keys) <= set(outcomes):
        keys = [(*pair, best(pair, outcomes), seed) for pair in pairs for seed in EVALUATION]
    return [key for key in keys if key not in outcomes]


def best(pair, outcomes):
    return min(range(5), key=lambda k: sum(float(outcomes[*pair, k, seed]["loss"]) for seed in TUNING))


def order(key):
    return PROBLEMS.index(key[0]), list(RULES).index(key[1]), *key[2:]


def phase(key):
    return "tuning" if key[3] in TUNING else "evaluation"


def brief(key):
    return (*key[:2], 0, 0)


def others(key):
    return set(RULES) - {key[1]}


def unmeasured(costs):
    return [(problem, "product") for problem in PROBLEMS if problem not in costs]


def cost(problem, what):
    return 2.5
'''
RUNS = 2 * 2 * 5 * 3 + 2 * 2 * 5


def make_package(folder, name="toy"):
    """A package with an experiment."""
    package = folder / name
    package.mkdir(parents=True)
    for module, text in {"__init__": "", "methods": METHODS, "numbers": NUMBERS, "experiment": EXPERIMENT}.items():
        (package / f"{module}.py").write_text(text.replace("toy.", f"{name}."))
    (package / "offset.txt").write_text("7")
    return package


# ------------------------------------------------------------------------------------------- the digest


def forget():
    for f in vars(code).values():
        if hasattr(f, "cache_clear") and f is not code.listen:
            f.cache_clear()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The name of a package, its folder, and what "square" executes in it."""
    folder, patch = make_package(tmp_path_factory.mktemp("digest"), "digested"), pytest.MonkeyPatch()
    with patch.context() as patch:
        patch.syspath_prepend(folder.parent)
        patch.setenv("TOY_NOTES", str(folder.parent / "notes"))
        patch.setenv("TOY_SECONDS", "0")
        experiment = importlib.import_module("digested.experiment")
        key, costs = ("a", "square", 0, 0), {"a": {"product": 1}}
        names = executed("digested", experiment.run, key, costs)[1]
        assert names == executed("digested", experiment.run, key, costs)[1]  # the second time, it is in a cache
        yield folder, names
    forget()


def test_what_is_executed_is_listed(package):
    assert package[1] == [
        "digested.experiment note",
        "digested.experiment run",
        "digested.methods Start",
        "digested.methods method",
        "digested.methods offset",
        "digested.methods square",
        "file offset.txt",
    ]


@pytest.mark.parametrize(("file", "old", "new", "changes"), [
    ("methods", "* x * x + SHIFT", "* x * x - SHIFT", True),  # a function that is called
    ("methods", "f(x) + SCALE", "f(x) - SCALE", True),  # one within another
    ("methods", "SCALE = 2.0", "SCALE = 3.0", True),  # a constant
    ("numbers", "SHIFT = 1.0 - 1.0", "SHIFT = 2.0 - 2.0", True),  # that of another module
    ("methods", '{"square": 2.0', '{"square": 2.5', True),  # an entry
    ("methods", "import SHIFT, doubled", "import TWO as SHIFT, doubled", True),
    ("methods", "@method\ndef square", "@cache\n@method\ndef square", True),
    ("methods", "def unused", "def square(x):\n    return x\n\n\ndef unused", True),  # it takes the place of the first
    ("methods", "class Start:\n    def value", "class Start:\n    size = 3\n\n    def value", True),
    ("methods", '    """A start."""', "    def value(self):\n        return 0", True),  # in a class with no call so far
    ("methods", "class Later(Start)", "class Later(Start, Generic)", True),
    ("experiment", '"square": square', '"square": cube', True),
    ("methods", "def unused", "print(3)\n\n\ndef unused", True),  # who knows what it does
    ("offset.txt", "7", "8", True),
    ("methods", '"""A square."""', '"""Another docstring."""', False),
    ("methods", "SCALE = 2.0", "SCALE  =  2.0  # a comment", False),
    ("methods", "UNUSED = 5.0", "UNUSED = 6.0", False),
    ("methods", "UNUSED = 5.0\n", "", False),
    ("methods", "def unused(x):\n    return x", "def unused(x):\n    return -x", False),
    ("methods", "def unused(x):\n    return x", "", False),
    ("methods", "doubled(x) ** 3", "doubled(x) ** 2", False),  # another function
    ("methods", '"cube": 3.0', '"cube": 4.0', False),  # the entry of another run
    ("methods", '"cube": 3.0', '"cube": 3.0, "root": 4.0', False),
    ("experiment", '"cube": cube}', '"cube": square}', False),
    ("experiment", "range(100, 105)", "range(100, 110)", False),
    ("numbers", "x * TWO", "x + x", False),  # a function that only others use
    ("numbers", "TWO = 2.0", "TWO = 3.0", False),
    ("methods", "from functools import cache", "from functools import cache, partial", False),
    ("methods", "import Path\n", "import Path\n\nimport os\n", False),
])  # fmt: skip
def test_the_digest_changes_with_what_is_executed(package, file, old, new, changes):
    (folder, names), others = package, frozenset({"cube", "root"})
    path = folder / (file if "." in file else f"{file}.py")
    text, (old, new) = path.read_text(), (a.replace("toy.", "digested.") for a in (old, new))
    assert old in text
    forget()
    before, whole = digest("digested", names, others), code.tree("digested")
    try:
        path.write_text(text.replace(old, new))
        forget()
        assert (digest("digested", names, others) != before) is changes
        assert (code.tree("digested") != whole) is (path.suffix == ".py")
    finally:
        path.write_text(text)
    forget()
    assert digest("digested", names, others) == before


@pytest.mark.parametrize("gone", ["digested.methods none", "digested.none square", "file none.txt"])
def test_what_is_no_more_has_no_digest(package, gone):
    assert digest("digested", [*package[1], gone]) is None


SYNTAX = '''
def f(x: int = 3, *args, y=None, **rest) -> "float":
    """Doc."""
    if (n := len(args)) > 2 and not rest:
        return f"{x!r:>{n}} and {y:.3f}", b"bytes", -1.5e-7, 1j, ...
    match args:
        case [1, *others] | {"a": others}:
            return [a for a in others] if False else lambda: {**rest, "k": {*args}}
    with open(x) as a, a: pass
    try: return x[1:2, ::3, ...]
    except* (ValueError, KeyError): raise TypeError from None
    finally: global g; g = []
'''


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_syntax_is_the_same_text_on_every_python(python):
    program = shutil.which(f"python{python}")
    if not program or subprocess.run([program, "-c", ""], check=False).returncode:
        pytest.skip(f"there is no Python {python}")
    text = f"""
import ast, importlib.util, pathlib
spec = importlib.util.spec_from_file_location("digest", {str(code.__file__)!r})
digest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(digest)
paths = sorted(pathlib.Path({str(ROOT / "mathlib")!r}).rglob("*.py"))
for texts in ([{SYNTAX!r}], [path.read_bytes() for path in paths]):
    print(digest.short([digest.canonical(a) for text in texts for a in ast.parse(text).body]))
"""
    answer = subprocess.run([program, "-c", text], capture_output=True, text=True, check=True).stdout
    texts = [path.read_bytes() for path in sorted((ROOT / "mathlib").rglob("*.py"))]
    here = code.short([code.canonical(a) for text in texts for a in ast.parse(text).body])
    assert answer == f"a7f589df63ebf2d9\n{here}\n"


def test_what_a_run_executes_does_not_hang_on_the_runs_before():
    text = """
import sys
from itertools import islice
from mathlib import stochastic
from mathlib.measured.digest import digest, executed
from mathlib.problems import NOISY
def run(problem, method):
    data = NOISY[problem](0)
    return data.loss(next(islice(method(data.losses(), data.theta0, 1e-3), 21, None)).theta)
pairs = [("network noisy", stochastic.carried_drift), ("tumours", stochastic.sgd), ("cnn", stochastic.sgd)]
for pair in pairs[:: int(sys.argv[1])]:
    names = executed("mathlib", run, *pair)[1]
    print(pair[0], digest("mathlib", names), names)
"""
    forth, back = (
        subprocess.run([sys.executable, "-c", text, step], capture_output=True, text=True, check=True).stdout
        for step in ("1", "-1")
    )
    assert forth.splitlines() == back.splitlines()[::-1]
    assert "mathlib.problems.data digits" in forth


# ------------------------------------------------------------------------------------------- the store


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.text(max_size=3), st.floats() | st.text()), min_size=1), st.data())
def test_a_log_that_is_cut_anywhere_keeps_its_whole_lines(tmp_path_factory, records, data):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    log = store.Log(path)
    for record in records:
        log.append(record=record)
    log.close()
    content = path.read_bytes()
    assert repr([r["record"] for r in log.records()]) == repr(records)
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content) - 1))
    path.write_bytes(content[:cut])
    kept = records[: content[: cut + 1].count(b"\n")]  # a line is whole without its newline
    assert repr([r["record"] for r in store.Log(path, read_only=True).records()]) == repr(kept)
    assert path.read_bytes() == content[:cut]
    log = store.Log(path)
    log.append(record="new")
    log.close()
    assert repr([r["record"] for r in log.records()]) == repr([*kept, "new"])


def test_a_line_that_is_no_json_is_named(tmp_path):
    (tmp_path / "log").write_text('{"a": 1}\nnonsense\n{"b": 2}\n')
    with pytest.raises(store.StoreError, match="line 2, cannot be read"):
        list(store.Log(tmp_path / "log", read_only=True).records())


def test_a_log_has_one_writer(tmp_path):
    log = store.Log(tmp_path / "log")
    with pytest.raises(store.StoreError, match="another sweep writes"):
        store.Log(tmp_path / "log")
    log.close()
    store.Log(tmp_path / "log").close()


@pytest.fixture
def experiment(package):
    """The experiment of a package, and afterwards nothing that a sweep wrote beside it."""
    yield importlib.import_module("digested.experiment")
    for end in ("csv.gz", "json", "lock"):
        (package[0] / f"experiment.{end}").unlink(missing_ok=True)


KEY = ["a", "square", 0, 0]
ROW = {"key": KEY, "digest": "0" * 16, "outcome": {"loss": "1", "steps": "2"}, "curve": [], "seconds": 1.0}


def written(folder, *lines):
    """A folder of runs whose log has these lines."""
    folder.mkdir(exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "experiment.jsonl").write_text("".join(f"{text}\n" for text in texts))
    return folder


def test_a_table_has_one_writer(experiment, tmp_path):
    with contextlib.closing(store.Store(experiment, tmp_path / "runs")):
        with pytest.raises(store.StoreError, match=r"another sweep writes .*experiment.csv.gz"):
            store.Store(experiment, tmp_path / "others")
        store.Store(experiment, tmp_path / "others", read_only=True)
    store.Store(experiment, tmp_path / "others").close()


def test_what_the_digest_cannot_see_is_no_code(experiment, package, tmp_path):
    names = [*package[1], "digested.methods hidden"]
    runs = written(tmp_path, {"code": KEY, "digest": None, "executes": names}, ROW | {"digest": None})
    with contextlib.closing(store.Store(experiment, runs)) as known:
        assert known.code == known.present() == {}
        with pytest.raises(store.StoreError, match=r"executes digested.methods hidden, which .* cannot see"):
            known.observed(tuple(KEY), names)
        known.observed(tuple(KEY), package[1])


def test_rows_with_other_outcomes_than_the_experiment_has_are_none(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "COLUMNS", [*experiment.COLUMNS, "extra"])
    with contextlib.closing(store.Store(experiment, written(tmp_path, ROW))) as known:
        known.export()
        assert known.rows == {}


def test_blank_lines_are_no_records(experiment, tmp_path):
    with contextlib.closing(store.Store(experiment, written(tmp_path, "", ROW, " ", ROW, ""))) as known:
        assert list(known.rows) == [tuple(KEY)]


@pytest.mark.parametrize(
    "line", ["{}", "3", "[]", "null", '{"key": 3}', '{"cost": [1]}', '{"hours": "many"}', "\0" * 9]
)
def test_a_line_that_is_no_record_is_named(experiment, tmp_path, line):
    with pytest.raises(
        store.StoreError, match=r"experiment.jsonl, line 2, cannot be read: .* Instead: delete that line"
    ):
        store.Store(experiment, written(tmp_path, ROW, line, ROW), read_only=True)


@pytest.mark.parametrize(("end", "content"), [
    ("csv.gz", b""),
    ("csv.gz", b"no gzip"),
    ("csv.gz", gzip.compress(b"problem,rule" * 50, mtime=0)[:30]),
    ("csv.gz", gzip.compress(b"", mtime=0)),
    ("csv.gz", gzip.compress(b"problem,rule,k,seed,digest,loss,steps\na,square\n", mtime=0)),
    ("json", b""),
    ("json", b'{"hours": 1, "co'),
    ("json", b"{}"),
    ("json", b"[]"),
    ("json", b'{"hours": 1, "costs": {"a": 3}}'),
])  # fmt: skip
def test_a_table_or_facts_that_are_damaged_are_named(experiment, package, tmp_path, end, content):
    path = package[0] / f"experiment.{end}"
    path.write_bytes(content)
    with pytest.raises(store.StoreError, match=f"{path.name} cannot be read: .* Instead: restore it"):
        store.Store(experiment, tmp_path, read_only=True)
    assert path.read_bytes() == content


def test_what_cannot_be_written_is_said_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "runs/experiment.jsonl").mkdir(parents=True)
    for runs in ("file", "file/runs", "runs"):
        with pytest.raises(store.StoreError, match=r"cannot be written: .* Instead: move away what has its place"):
            store.Log(tmp_path / runs / "experiment.jsonl")
    for number, remedy in ((errno.ENOSPC, "make room for it"), (errno.EROFS, "make it writable")):
        with pytest.raises(store.StoreError, match=remedy), store.writing(tmp_path):
            raise OSError(number, os.strerror(number))


# ------------------------------------------------------------------------------------------- the tasks


def in_a_worker(package, before="", digests=None):
    """What a process says that gets a task, after some other program."""
    modules, costs = code.tree("digested"), {"a": {"product": 1}}
    digests = tasks.data("digested", package[1]) if digests is None else digests
    calls = [("observe", "digested.experiment", modules, KEY, costs)]
    calls += [("perform", "digested.experiment", modules, digests, KEY, costs)] * 2
    text = f"""
import pickle, sys
{before}
task = pickle.loads({cloudpickle.dumps(tasks.portable())!r})
assert "mathlib" not in sys.modules
for call in {calls!r}:
    print(task(*call))
"""
    path = os.pathsep.join(map(str, (package[0].parent, ROOT)))
    environment = os.environ | {"PYTHONPATH": path, "TOY_NOTES": os.devnull, "TOY_SECONDS": "0"}
    child = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=environment, check=False)
    return child.stdout + child.stderr


def test_a_worker_does_what_the_sweep_would(package):
    said = in_a_worker(package)
    assert said.startswith(str((package[1], tasks.data("digested", package[1]))))
    assert said.count("{'loss': '107', 'steps': '1'}") == 2


def test_a_worker_that_had_the_package_in_its_memory_refuses(package):
    said = in_a_worker(package, before="import digested.numbers")
    assert "OtherCodeError: a worker imported digested before the sweep began. Instead: start it anew." in said
    assert "loss" not in said


def test_a_worker_of_this_machine_does_not_import_the_package_before_a_task(package):
    path = ROOT / "benchmarks/experiment.py"  # which such a worker reads, as it is the main program
    before = (
        f"sys.path.insert(0, {str(path.parent)!r})\nimport runpy\nrunpy.run_path({str(path)!r}, {{}}, '__mp_main__')"
    )
    assert "loss" in in_a_worker(package, before)


def test_a_worker_with_another_data_file_refuses(package):
    said = in_a_worker(package, digests={"file offset.txt": "other"})
    assert "OtherCodeError: a worker has another file offset.txt of digested than the sweep" in said
    assert "loss" not in said


def test_a_data_file_that_changes_under_a_worker_is_refused(package, monkeypatch):
    monkeypatch.setattr(tasks, "found", {})
    digests, path = tasks.data("digested", package[1]), package[0] / "offset.txt"
    assert list(digests) == ["file offset.txt"]
    text = path.read_text()
    try:
        path.write_text("8")
        with pytest.raises(tasks.OtherCodeError, match=r"offset.txt of digested changed"):
            tasks.data("digested", package[1])
    finally:
        path.write_text(text)
    tasks.compare("digested", digests)


def test_a_worker_does_one_task_at_a_time():
    with tasks.alone(), pytest.raises(tasks.OtherCodeError, match="more than one thread"), tasks.alone():
        pass
    with tasks.alone():
        pass


# ------------------------------------------------------------------------------------------- the driver


class Future:
    """What a task gives, at once, unless its worker dies after it."""

    def __init__(self, f, args, lost):
        self.f, self.args, self.status = f, args, "lost" if lost else "finished"

    def add_done_callback(self, call):
        call(self)

    def result(self, timeout):
        return self.f(*self.args)


class Client:
    """A cluster of one worker, which loses every third answer."""

    status, n, workers = "running", 0, {"worker": 1}

    def submit(self, f, *args, pure):
        self.n += 1
        return Future(f, args, self.n % 3 == 0)


def threads(client):
    """What the scheduler says, at once."""
    answer = futures.Future()
    answer.set_result(client.workers)
    return answer


@pytest.fixture
def known(experiment, tmp_path, monkeypatch):
    """A store whose tasks this process does."""
    monkeypatch.setattr(driver, "threads", threads)
    monkeypatch.setitem(tasks.found, "digested", code.tree("digested"))
    with contextlib.closing(store.Store(experiment, tmp_path)) as known:
        driver.measure(known, lambda: None)
        yield known


def test_an_answer_that_is_lost_with_its_worker_is_asked_for_again(known):
    client = Client()
    assert driver.sweep(known, client, lambda: None) == {}
    keys = [record["key"] for record in known.log.records() if "key" in record]
    assert len(keys) == len(set(map(tuple, keys))) == RUNS
    assert RUNS + 4 < client.n < 2 * RUNS


def test_a_worker_that_observed_another_data_file_stops_the_sweep(known, package, monkeypatch):
    monkeypatch.setattr(tasks, "observe", lambda *_: (package[1], {"file offset.txt": "other"}))
    with pytest.raises(driver.StopError, match=r"a worker has another file offset.txt of digested"):
        driver.sweep(known, Client(), lambda: None)
    assert known.code == {}


def test_workers_with_more_than_one_thread_stop_the_sweep(known):
    client = Client()
    client.workers = {"one": 1, "other": 4}
    with pytest.raises(driver.StopError, match=r"the worker other has 4 threads. Instead: .*--nthreads 1"):
        driver.sweep(known, client, lambda: None)
    assert client.n == 0


def test_workers_that_join_later_are_looked_at(monkeypatch):
    monkeypatch.setattr(driver, "threads", threads)
    client, end = Client(), time.monotonic() + PATIENCE
    workers = driver.Workers(client)
    workers.look()
    assert workers.n == 1
    client.workers = {"worker": 1, "later": 2}

    def look():
        while time.monotonic() < end:
            workers.look()
            time.sleep(0.01)

    with pytest.raises(driver.StopError, match="the worker later has 2 threads"):
        look()


def test_it_is_said_once_that_there_are_no_workers(monkeypatch, capsys):
    monkeypatch.setattr(driver, "threads", threads)
    workers = driver.Workers(Client())
    for _ in range(3):
        workers.take({})
    assert capsys.readouterr().out.count("has no workers") == 1


def test_a_sweep_that_is_stopped_before_hands_out_nothing(known):
    client = Client()
    with pytest.raises(driver.StopError, match="interrupted"):
        driver.sweep(known, client, lambda: "interrupted")
    assert client.n == 0


def test_a_scheduler_that_does_not_answer_is_lost_or_left(known, monkeypatch):
    monkeypatch.setattr(driver, "threads", lambda client: futures.Future())
    reasons = iter([None, None, "interrupted"])
    with pytest.raises(driver.StopError, match="interrupted"):
        driver.sweep(known, Client(), lambda: next(reasons))
    monkeypatch.setattr(driver, "PATIENCE", 0)
    with pytest.raises(driver.StopError, match="the scheduler is lost"):
        driver.sweep(known, Client(), lambda: None)


def test_an_answer_that_does_not_come_is_not_waited_for(known, monkeypatch):
    def never(self, timeout):
        raise TimeoutError

    monkeypatch.setattr(Future, "result", never)
    reasons = iter([None, "interrupted"])
    with pytest.raises(driver.StopError, match="interrupted"):
        driver.sweep(known, Client(), lambda: next(reasons))
    monkeypatch.setattr(driver, "PATIENCE", 0)
    with pytest.raises(driver.StopError, match="the scheduler is lost"):
        driver.sweep(known, Client(), lambda: None)


class Cluster(contextlib.nullcontext):
    """A cluster whose start is interrupted."""

    def __init__(self, **options):
        super().__init__()
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interruption_while_the_workers_start_is_not_lost(monkeypatch):
    monkeypatch.setattr(driver, "LocalCluster", Cluster)
    monkeypatch.setattr(driver, "Client", contextlib.nullcontext)
    with driver.signals() as seen, driver.connected(None, 1):
        assert seen == [signal.SIGINT]


def test_workers_that_do_not_start_are_said(monkeypatch):
    def fail(**options):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(driver, "LocalCluster", fail)
    with pytest.raises(driver.StopError, match=r"the workers do not start \(Nanny failed"), driver.connected(None, 1):
        pass
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("speech", [b"", b"HTTP/1.0 400 Bad request\r\n" * 9, b"\1" + bytes(15), None])
def test_something_else_at_an_address_is_no_scheduler(speech):
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:

        def answer():
            heard = stack.enter_context(server.accept()[0])
            if speech is None:
                heard.close()
            else:
                heard.sendall(speech)

        threading.Thread(target=answer, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        stack.enter_context(dask.config.set({"distributed.comm.timeouts.connect": "1s"}))
        with pytest.raises(driver.StopError, match=f"there is no scheduler at {address}"):
            stack.enter_context(driver.connected(address, 1))


@pytest.mark.parametrize("address", ["tls://127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "here", " "])
def test_an_address_that_is_none_has_no_scheduler(address):
    with pytest.raises(driver.StopError, match=f"there is no scheduler at {address}"), driver.connected(address, 1):
        pass


# ------------------------------------------------------------------------------------------- the sweep


class Sweep:
    """A folder with an experiment, and the command that makes its runs."""

    def __init__(self, folder, seconds=0.02):
        self.folder, self.package, self.notes = folder, make_package(folder), folder / "notes"
        self.table, self.log = self.package / "experiment.csv.gz", folder / "runs/experiment.jsonl"
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT))),
            "PYTHONDONTWRITEBYTECODE": "1",  # a change within a second would not be seen
            "TOY_NOTES": str(self.notes),
            "TOY_SECONDS": str(seconds),
        }
        self.children = []

    def start(self, *options, **more):
        """Start the command."""
        options = ["--experiment", "toy.experiment", "--runs", str(self.log.parent), *map(str, options)]
        return self.spawn([sys.executable, str(ROOT / "benchmarks/experiment.py"), *options], **more)

    def spawn(self, command, environment=None, **more):
        """Start a process that ends with the test."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        child = subprocess.Popen(command, env=self.environment | (environment or {}), cwd=self.folder, **pipes, **more)
        self.children.append(child)
        return child

    def finish(self, child):
        """What a command says, and its code."""
        out, err = child.communicate(timeout=PATIENCE)
        return out + err, child.returncode

    def make(self, *options, **more):
        """Let the command end."""
        said, returned = self.finish(self.start(*options, **more))
        assert returned == 0, said
        return said

    def made(self):
        """The keys that were run so far, and the processes."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line.split(" ", 1)[1] for line in lines], [int(line.split(" ", 1)[0]) for line in lines]

    def stored(self):
        """The keys of the log."""
        lines = self.log.read_bytes().split(b"\n")[:-1]  # the last may be cut off
        records = map(json.loads, lines)
        return [repr(tuple(record["key"])) for record in records if "key" in record]

    def until(self, n, child):
        """Wait until so many runs were made."""
        end = time.monotonic() + PATIENCE
        while len(self.made()[0]) < n:
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)

    def rows(self):
        return gzip.decompress(self.table.read_bytes()).decode().splitlines()[1:]


@pytest.fixture
def sweep(tmp_path):
    sweep = Sweep(tmp_path)
    yield sweep
    for child in sweep.children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The sweep that nothing happened to."""
    sweep = Sweep(tmp_path_factory.mktemp("undisturbed"), seconds=0)
    sweep.said = sweep.make()
    return sweep


def test_an_undisturbed_sweep_makes_every_run_once(undisturbed):
    made, _ = undisturbed.made()
    assert len(undisturbed.rows()) == RUNS
    assert len(made) == RUNS + 4  # each pair is observed once
    assert sorted(undisturbed.stored()) == sorted(set(made))
    assert f"has {RUNS} runs" in undisturbed.said
    facts = json.loads(undisturbed.table.with_name("experiment.json").read_text())
    assert facts["counts"] == {"tuning": 60, "evaluation": 20}
    assert facts["costs"] == {"a": {"product": 2.5}, "b": {"product": 2.5}}


def test_the_second_phase_comes_after_the_first(undisturbed):
    seeds = [int(key.rstrip(")").split(", ")[-1]) for key in undisturbed.stored()]
    assert all(seed < 100 for seed in seeds[:60])
    assert all(seed >= 100 for seed in seeds[60:])
    best = {tuple(row.split(",")[:3]) for row in undisturbed.rows() if int(row.split(",")[3]) >= 100}
    assert len(best) == 4


def test_a_finished_sweep_makes_nothing(undisturbed):
    kept, made = undisturbed.table.read_bytes(), undisturbed.made()
    undisturbed.make()
    assert undisturbed.table.read_bytes() == kept
    assert undisturbed.made() == made


@pytest.mark.parametrize("number", [1, 2])
def test_killed_workers_change_nothing(sweep, undisturbed, number):
    child = sweep.start()
    sweep.until(20, child)
    killed = set(sorted(set(sweep.made()[1]))[:number])
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    said, returned = sweep.finish(child)
    assert returned == 0, said
    assert sweep.table.read_bytes() == undisturbed.table.read_bytes()
    assert sorted(sweep.stored()) == sorted(undisturbed.stored())
    assert sweep.made()[1][-1] not in killed


def interrupted(sweep):
    """As a terminal does, which tells all processes."""
    child = sweep.start()
    sweep.until(12, child)
    os.killpg(child.pid, signal.SIGINT)
    return child, 0, "interrupted"


def terminated(sweep):
    child = sweep.start()
    sweep.until(12, child)
    child.terminate()
    return child, 0, "interrupted"


def with_a_scheduler(sweep):
    """A sweep on two workers of a scheduler; the process of that, and of the sweep."""
    place = sweep.folder / "scheduler.json"
    options = ["--no-dashboard", "--scheduler-file", str(place)]
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    scheduler, worker = sweep.spawn([*dask, *options]), [sys.executable, "-m", "distributed.cli.dask_worker"]
    for k in range(2):
        sweep.spawn([*worker, "--nthreads", "1", "--no-nanny", "--local-directory", f"worker {k}", *options])
    child = sweep.start(environment={"SCHEDULER": json_load_robust(place, timeout=PATIENCE)["address"]})
    sweep.until(12, child)
    return scheduler, child


def without_a_scheduler(sweep):
    scheduler, child = with_a_scheduler(sweep)
    scheduler.kill()
    return child, 1, "the scheduler is lost"


def on_a_full_disk(sweep):
    size = sweep.log.stat().st_size + 1500
    child = sweep.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    return child, 1, "cannot be written: File too large. Instead: make room for it."


def test_whatever_happens_a_sweep_goes_on_where_it_was(sweep, undisturbed):
    stored = []
    for misfortune in (interrupted, terminated, without_a_scheduler, on_a_full_disk):
        child, code, message = misfortune(sweep)
        said, returned = sweep.finish(child)
        assert returned == code, said
        assert message in said
        assert not set(stored) & set(sweep.made()[0])
        before, stored = stored, sweep.stored()
        assert len(before) + 3 <= len(stored) < RUNS
        if misfortune is not on_a_full_disk:
            assert f"{message}: the same command goes on after the {len(stored)} runs that are stored" in said
            assert len(sweep.rows()) == len(stored)
        sweep.notes.unlink()
    sweep.make()
    assert not set(stored) & set(sweep.made()[0])
    assert sorted(sweep.stored()) == sorted(undisturbed.stored())
    assert sweep.table.read_bytes() == undisturbed.table.read_bytes()


def test_a_sweep_is_interrupted_while_its_scheduler_does_not_answer(sweep):
    sweep.environment["TOY_SECONDS"] = "0.2"
    scheduler, child = with_a_scheduler(sweep)
    scheduler.send_signal(signal.SIGSTOP)
    time.sleep(3)  # it passes without it, too, but would find less
    child.send_signal(signal.SIGINT)
    said, returned = sweep.finish(child)
    assert returned == 0, said
    assert f"interrupted: the same command goes on after the {len(sweep.stored())} runs" in said


def test_two_sweeps_do_not_write_one_log(sweep):
    first = sweep.start(environment={"TOY_SECONDS": "1"})
    sweep.until(1, first)
    said, returned = sweep.finish(sweep.start())
    assert returned == 1
    assert "another sweep writes" in said
    assert first.poll() is None
    assert "tasks next" in sweep.make("--dry")  # it only reads


def test_runs_of_code_that_changed_are_made_again(undisturbed, tmp_path):
    sweep = copied(undisturbed, tmp_path)
    path = sweep.package / "methods.py"
    path.write_text(path.read_text().replace("doubled(x) ** 3", "doubled(x) ** 3 + 1"))
    said = sweep.make("--dry")
    assert "code: 2\n2 tasks next" in said
    sweep.make()
    made, _ = sweep.made()
    assert all("'cube'" in key for key in made)
    assert len(set(made)) == RUNS // 2
    before, after = undisturbed.rows(), sweep.rows()
    assert [row for row in before if ",square," in row] == [row for row in after if ",square," in row]
    assert not set(before) & {row for row in after if ",cube," in row}
    assert len(after) == RUNS


def remade(sweep):
    """What a sweep makes, but for one run of each pair, which is observed."""
    sweep.notes.unlink(missing_ok=True)
    sweep.make()
    return [key for key in sweep.made()[0] if not key.endswith(" 0, 0)")]


@pytest.mark.parametrize("logged", [True, False])
def test_nothing_is_made_again_by_code_that_made_it_before(undisturbed, tmp_path, logged):
    sweep = copied(undisturbed, tmp_path)
    former, path = sweep.log.read_bytes(), sweep.package / "methods.py"
    if not logged:  # as in a new clone
        sweep.log.unlink()
    text = path.read_text()
    path.write_text(text.replace("doubled(x) ** 3", "doubled(x) ** 3 + 1"))
    assert remade(sweep)
    newer = sweep.table.read_bytes()
    assert newer != undisturbed.table.read_bytes()
    log = sweep.log.read_bytes()
    sweep.log.write_bytes(former)  # the newer table came from elsewhere
    assert remade(sweep) == []
    assert sweep.table.read_bytes() == newer
    sweep.log.write_bytes(log)
    path.write_text(text)
    assert remade(sweep) == []
    assert sweep.table.read_bytes() == undisturbed.table.read_bytes()


def test_a_table_alone_is_enough_to_resume(undisturbed, tmp_path):
    sweep = copied(undisturbed, tmp_path)
    shutil.rmtree(sweep.log.parent)
    sweep.make()
    assert len(sweep.made()[0]) == 4  # observed, to see that the digests are those of the table
    assert sweep.table.read_bytes() == undisturbed.table.read_bytes()


def copied(sweep, folder):
    """The same sweep in another folder."""
    other = Sweep(folder, seconds=0)
    shutil.copytree(sweep.log.parent, other.log.parent)
    for end in ("csv.gz", "json"):
        shutil.copy(sweep.package / f"experiment.{end}", other.package)
    return other


def test_a_run_that_fails_or_kills_its_workers_is_named(sweep, undisturbed):
    deadly, wrong, unobserved = ("a", "square", 2, 1), ("b", "square", 3, 0), ("b", "cube", 0, 0)
    faults = {"TOY_DEADLY": repr(deadly), "TOY_WRONG": repr([wrong, unobserved])}
    faults["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "1"
    said, returned = sweep.finish(sweep.start(environment=faults))
    assert returned == 1
    assert f"perform {wrong}: ValueError: no" in said
    assert f"observe {unobserved}: ValueError: no" in said
    assert f"perform {deadly}: KilledWorker" in said
    assert len(sweep.stored()) == 60 - 2 - 15  # the second phase waits for them
    sweep.make()
    assert sweep.table.read_bytes() == undisturbed.table.read_bytes()


def test_a_worker_with_other_code_stops_the_sweep(sweep):
    child = sweep.start(environment={"TOY_SECONDS": "0.1"})
    sweep.until(6, child)
    path = sweep.package / "numbers.py"
    path.write_text(path.read_text() + "# changed\n")
    os.kill(sweep.made()[1][-1], signal.SIGKILL)  # the one that follows reads the change
    said, returned = sweep.finish(child)
    assert returned == 1
    assert "a worker has other modules of toy than the sweep" in said


def test_minutes_end_a_sweep(sweep):
    assert "the minutes are over: the same command goes on after the 0 runs" in sweep.make("--minutes", 0)


def test_a_dry_run_says_how_long_it_takes(undisturbed, tmp_path):
    sweep = copied(undisturbed, tmp_path)
    for path in (sweep.table, sweep.table.with_name("experiment.json")):
        path.unlink()
    lines = [json.loads(line) for line in sweep.log.read_text().splitlines()]
    runs = [line | {"seconds": 120.0} for line in lines if "key" in line]
    sweep.log.write_text("".join(json.dumps(line) + "\n" for line in [a for a in lines if "key" not in a] + runs[:50]))
    assert sweep.make("--dry") == "tuning: 10\n10 tasks next, about 0.17 hours; later phases come after.\n"


def test_without_a_scheduler_at_an_address_it_says_so(undisturbed, tmp_path):
    sweep, soon = copied(undisturbed, tmp_path), {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    with contextlib.closing(socket.socket()) as taken:  # but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        said, returned = sweep.finish(sweep.start("--scheduler", address, environment=soon))
    assert returned == 1
    assert "there is no scheduler at tcp://127.0.0.1" in said
