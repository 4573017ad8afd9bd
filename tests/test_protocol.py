"""The protocol of the experiment, read as a text: against the definitions that run, and against the table of runs.

`benchmarks/protocol.md` has one table under each of the headings Problems, Methods, Rules, Seeds and Numbers. Where a
table differs from the definitions, the failure shows the rows that they would make.
"""

import inspect
import itertools
import re
from collections import Counter, namedtuple
from fractions import Fraction
from pathlib import Path

import pytest

from mathlib.measured import ranking, table, verdict
from mathlib.measured.ranking import ACCOUNTS, Runs, end
from mathlib.problems import NOISY

TEXT = (Path(__file__).parents[1] / "benchmarks/protocol.md").read_text(encoding="utf-8")
SECTIONS = ["Question", "Problems", "Methods", "Rules", "Grids", "Seeds", "Budget and costs", "Outcome", "Phases"]
SECTIONS += ["Yardstick", "Statistics", "What counts as a win", "What was seen before", "Numbers", "Amendments"]


# ── Markdown ──


def sections(text):
    """The text under each heading of the second level."""
    _, *parts = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)
    return dict(zip(map(str.strip, parts[::2]), parts[1::2], strict=True))


def rows_of(text):
    """The rows of the one table in a text, each a dictionary by column."""
    blocks = [list(lines) for is_row, lines in itertools.groupby(text.splitlines(), lambda s: s[:1] == "|") if is_row]
    if len(blocks) != 1:
        raise ValueError(f"there are {len(blocks)} tables: one is needed.")
    columns, rule, *rows = ([cell.strip() for cell in line.strip().strip("|").split("|")] for line in blocks[0])
    if not all(re.fullmatch(":?-+:?", cell) for cell in rule):
        raise ValueError("there is no line of dashes under the columns' names: one is needed.")
    if any(len(row) != len(columns) for row in (rule, *rows)):
        raise ValueError(f"a row has more or fewer cells than there are columns, {len(columns)}.")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def markdown(rows):
    """The inverse of `rows_of`."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# ── what the definitions say ──


def problem_row(name, problem):
    data, inside = NOISY[name](0), inspect.getclosurevars(inspect.unwrap(getattr(NOISY[name], "func", NOISY[name])))
    return {
        "problem": name,
        "role": problem.role,
        "weight": str(Fraction(problem.weight).limit_denominator(100)),
        "parameters": str(data.theta0.size),
        "batch": str(data.losses.args[2]) if hasattr(data.losses, "args") else "",
        "label noise": f"{inside.nonlocals.get('resampled') or 0:g}",
        "steps": str(problem.steps),
        "target": f"{problem.target:g}",
        "start": f"{problem.start:.3g}",
    }


def method_row(name, method):
    options = {
        option: str(value) if isinstance(value, (bool, str)) else f"{value:g}"
        for option, value in method.options.items()
    }
    return {
        "method": name,
        "function": method.steps.__name__,
        "options": ", ".join(f"{option} = {value}" for option, value in options.items()),
        "extra": "" if method.extra is None else f"{method.extra:g}",
        "measured": method.measured or "",
        "needs": method.needs or "",
    }


def rule_row(name, rule, trials):
    chosen = rule.first is not None
    return {
        "rule": name,
        "method": rule.method,
        "schedule": rule.schedule,
        "first": str(rule.first) if chosen else "",
        "last": str(rule.first + trials - 1) if chosen else "",
        "eta": "" if chosen else f"{rule.eta:.3g}",
    }


def definitions(experiment):
    """The tables of the protocol, as the definitions would write them."""
    seeds = {"tuning": experiment.TUNING, "evaluation": experiment.EVALUATION, "divergence": experiment.SHORT}
    numbers = {
        "step sizes in a grid": experiment.TRIALS,
        "quarter decades by which a grid may grow at an end": experiment.FAR,
        "checkpoints": experiment.CHECKPOINTS,
        "starting losses at which a run is given up": experiment.LOST,
        "largest ratio of a rule that wins": ranking.WIN["ratio"],
        "largest ratio of one of its seeds": ranking.WIN["worst"],
        "divergences of one of its problems": ranking.WIN["diverged"],
        "part of the start at which a loss counts as solved": ranking.SOLVED,
        "budgets that a target costs which is never met": ranking.NEVER,
        "draws of the bootstrap": inspect.signature(ranking.bootstrap).parameters["draws"].default,
    }
    return {
        "Problems": [problem_row(*item) for item in experiment.PROBLEMS.items()],
        "Methods": [method_row(*item) for item in experiment.METHODS.items()],
        "Rules": [rule_row(*item, experiment.TRIALS) for item in experiment.RULES.items()],
        "Seeds": [
            {"phase": phase, "first": str(of[0]), "last": str(of[-1]), "number": str(len(of))}
            for phase, of in seeds.items()
        ],
        "Numbers": [{"number": name, "value": f"{value:g}"} for name, value in numbers.items()],
    }


# ── what the protocol demands of a table ──

Protocol = namedtuple("Protocol", "problems rules tuning evaluation short far")


def protocol_of(text):
    """What the tables of the text say of the runs: roles by problem, grids by rule, seeds by phase, and how far."""
    parts = {name: rows_of(sections(text)[name]) for name in ("Problems", "Rules", "Seeds", "Numbers")}
    seeds = {row["phase"]: range(int(row["first"]), int(row["last"]) + 1) for row in parts["Seeds"]}
    grids = {
        row["rule"]: list(range(int(row["first"]), int(row["last"]) + 1)) if row["first"] else [""]
        for row in parts["Rules"]
    }
    numbers = {row["number"]: float(row["value"]) for row in parts["Numbers"]}
    far = int(numbers["quarter decades by which a grid may grow at an end"])
    roles = {row["problem"]: row["role"] for row in parts["Problems"]}
    return Protocol(roles, grids, seeds["tuning"], seeds["evaluation"], seeds["divergence"], far)


def key_of(row):
    quarter = int(row["quarter"]) if row["quarter"] else ""
    return row["problem"], row["rule"], quarter, row["account"], int(row["seed"])


def demanded(protocol, runs, applies):
    """The keys of the runs that a complete table has, and those that it may have beside them."""
    must, may = set(), set()
    for (problem, role), (rule, grid) in itertools.product(protocol.problems.items(), protocol.rules.items()):
        if not applies(rule, problem):
            continue

        def keys(settings, account, seeds, problem=problem, rule=rule):
            return {(problem, rule, k, account, seed) for k in settings for seed in seeds}

        means, frozen, fixed = runs.tried(problem, rule), runs.frozen(rule), grid == [""]
        around = {frozen} if fixed else {frozen - 1, frozen, frozen + 1}
        longest = [""] if fixed else range(grid[0] - protocol.far, grid[-1] + protocol.far + 1)
        beyond = {k + end(means) for k in (min(means), max(means))} if end(means) else set()
        must |= keys({*grid, frozen} | (around if role == "tuning" else set()), "time", protocol.tuning)
        must |= keys((beyond & set(longest)) - set(means), "time", protocol.tuning)
        may |= keys({*longest, *around}, "time", protocol.tuning)
        if role == "evaluation":
            contenders = [frozen, *(k for k in means if means[k] < means[frozen])]
            for account in ACCOUNTS[: 1 if rule in runs.alike else 2]:
                must |= keys(contenders, account, protocol.evaluation)
            must |= keys([frozen], "short", protocol.short)
    return must, must | may


# ── the tests ──


@pytest.fixture(scope="module")
def rows():
    return table("verdict")


@pytest.fixture(scope="module")
def runs(rows):
    return verdict.runs_of(rows)


def test_the_protocol_has_its_sections():
    assert list(sections(TEXT)) == SECTIONS


@pytest.mark.parametrize("name", ["Problems", "Methods", "Rules", "Seeds", "Numbers"])
def test_the_protocol_says_what_the_definitions_say(name):
    stated, defined = rows_of(sections(TEXT)[name]), definitions(verdict)[name]
    assert stated == defined, f"by the definitions, the table under {name} is\n{markdown(defined)}"


def test_nothing_is_left_open_once_there_is_a_table(rows):
    assert "«" not in TEXT


def test_every_run_belongs_to_the_protocol(rows):
    """To a problem, a rule that applies, a setting within reach, an account of the rule and a seed of a phase."""
    protocol, reach = protocol_of(TEXT), {}
    for rule, grid in protocol.rules.items():
        reach[rule] = set(grid if grid == [""] else range(grid[0] - protocol.far - 1, grid[-1] + protocol.far + 2))
    seeds = {"time": {*protocol.tuning, *protocol.evaluation}, "products": {*protocol.evaluation}}
    seeds["short"] = {*protocol.short}
    for problem, rule, k, account, seed in map(key_of, rows):
        assert k in reach[rule], (problem, rule, k)
        assert verdict.applies(rule, problem), (problem, rule)
        assert seed in seeds[account], (problem, rule, account, seed)
        assert account in ("short", *verdict.accounts(rule)), (rule, account)
        assert seed in protocol.tuning or protocol.problems[problem] == "evaluation", (problem, seed)


def test_every_run_is_demanded_and_none_lacks(rows, runs):
    keys = set(map(key_of, rows))
    assert not verdict.todo({key_of(row): row for row in rows})
    must, may = demanded(protocol_of(TEXT), runs, verdict.applies)
    assert not must - keys, f"{len(must - keys)} runs lack, as {min(must - keys, key=str)}"
    assert not keys - may, f"{len(keys - may)} runs do not belong, as {min(keys - may, key=str)}"


def test_frozen_settings_were_chosen_without_what_judges_them(rows, runs):
    """Neither an evaluation problem nor an evaluation seed; and those that were judged are the ones so chosen."""
    roles = {name: problem.role for name, problem in verdict.PROBLEMS.items()}
    seen = [row for row in rows if roles[row["problem"]] == "tuning" and int(row["seed"]) in verdict.TUNING]
    alone = verdict.runs_of(seen)
    assert {rule: alone.frozen(rule) for rule in runs.rules} == {rule: runs.frozen(rule) for rule in runs.rules}
    for problem, rule, k, account, _ in map(key_of, rows):
        assert account != "short" or k == alone.frozen(rule), (problem, rule)


def test_the_best_settings_are_inside_their_grids(runs):
    """Or as far out as a grid may grow."""
    protocol = protocol_of(TEXT)
    for rule, grid in protocol.rules.items():
        for means in (runs.common(rule), *(runs.tried(name, rule) for name in verdict.PROBLEMS)):
            if means and end(means):
                out = {-1: grid[0] - min(means), 1: max(means) - grid[-1]}[end(means)]
                assert out >= protocol.far, (rule, end(means))


# ── the reader itself, on a protocol of two problems ──

TOY = """
# A protocol

## Problems

| problem | role |
|---------|:----:|
| old | tuning |
| new | evaluation |

## Rules

| rule | first | last |
|--|--|--|
| Adam | -2 | 0 |
| default | | |

## Seeds

| phase | first | last |
|--|--|--|
| tuning | 0 | 1 |
| evaluation | 100 | 101 |
| divergence | 200 | 200 |

## Numbers

| number | value |
|--|--|
| quarter decades by which a grid may grow at an end | 1 |
"""
LOSSES = {("old", -2): 0.3, ("old", -1): 0.2, ("old", 0): 0.4, ("new", -2): 0.3, ("new", -1): 0.2, ("new", 0): 0.1}
LOSSES |= {("new", 1): 0.4, ("old", ""): 0.2, ("new", ""): 0.2}
Problem = namedtuple("Problem", "role weight start")


def toy_table():
    """Adam is best at -1 on the old problem, and on the new one at 0, so that its grid grew to 1."""
    keys = [(problem, k, "time", seed) for problem, k in LOSSES for seed in (0, 1)]
    judged = itertools.product((-1, 0, ""), ACCOUNTS, (100, 101))
    keys += [("new", *key) for key in judged if key[0] != "" or key[1] == "time"]
    keys += [("new", k, "short", 200) for k in (-1, "")]
    rest = {"train": "1", "errors": "", "reached": "1"}
    return [
        {"problem": problem, "rule": "Adam" if k != "" else "default", "quarter": str(k), "account": account}
        | {"seed": str(seed), "test": str(LOSSES[problem, k]), **rest}
        for problem, k, account, seed in keys
    ]


def toy_runs(rows):
    problems = {"old": Problem("tuning", 1, 2.0), "new": Problem("evaluation", 1, 2.0)}
    return Runs(rows, problems, range(2), range(100, 102), range(200, 201), alike=["default"])


def test_the_reader_reads_tables():
    assert list(sections(TOY)) == ["Problems", "Rules", "Seeds", "Numbers"]
    assert rows_of(sections(TOY)["Problems"])[1] == {"problem": "new", "role": "evaluation"}
    protocol = protocol_of(TOY)
    assert protocol.rules == {"Adam": [-2, -1, 0], "default": [""]}
    assert protocol[2:] == (range(2), range(100, 102), range(200, 201), 1)
    for rows in map(rows_of, sections(TOY).values()):
        assert rows_of(f"Before.\n\n{markdown(rows)}\n\nAfter.") == rows
    for wrong, message in (
        ("nothing", "0 tables"),
        ("| a |\n|--|\n\n| b |\n|--|", "2 tables"),
        ("| a |\n| 1 |", "no line of dashes"),
        ("| a |\n|--|\n| 1 | 2 |", "more or fewer cells"),
    ):
        with pytest.raises(ValueError, match=message):
            rows_of(wrong)


def test_a_complete_table_has_what_the_protocol_demands_and_no_more():
    rows = toy_table()
    keys = list(map(key_of, rows))
    must, may = demanded(protocol_of(TOY), toy_runs(rows), lambda rule, problem: True)
    assert max(Counter(keys).values()) == 1
    assert must <= set(keys) <= may
    assert set(keys) - must == {("new", "Adam", 1, "time", seed) for seed in (0, 1)}  # for which the extension asked


def test_what_lacks_is_demanded_and_what_does_not_belong_is_not():
    rows = toy_table()
    for place, row in enumerate(rows):
        key = key_of(row)
        if key[3] != "time" or key[4] >= 100:  # without a tuning run, nothing can be chosen
            must, _ = demanded(protocol_of(TOY), toy_runs(rows[:place] + rows[place + 1 :]), lambda *_: True)
            assert key in must
    _, may = demanded(protocol_of(TOY), toy_runs(rows), lambda *_: True)
    for stray in (
        ("new", "Adam", -2, "time", 100),  # worse than the frozen setting at tuning
        ("new", "Adam", 0, "short", 200),
        ("old", "Adam", -1, "time", 100),
        ("new", "default", "", "products", 100),
        ("new", "Adam", 2, "time", 0),  # too far
    ):
        assert stray not in may
    shorter = [row for row in rows if row["quarter"] != "1"]
    must, _ = demanded(protocol_of(TOY), toy_runs(shorter), lambda *_: True)
    assert ("new", "Adam", 1, "time", 0) in must
    assert not any(
        key[:2] == ("old", "Adam")
        for key in demanded(protocol_of(TOY), toy_runs(rows), lambda rule, problem: (rule, problem) != ("Adam", "old"))[
            0
        ]
    )
