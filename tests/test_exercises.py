"""The exercises: their form, and that a check passes the solution, and neither the starter nor a wrong answer."""

import os
import re
import sys
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import nbformat
import numpy as np
import pytest

from mathlib.exercises import Exercises, compare, require

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_live"))
from runner import Names, execute, needed  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
CALL = re.compile(r'check\("(ex-[a-z0-9-]+)"')
EXERCISE = re.compile(r":::+\{exercise\} ((?:[✍⌨] )+)(★+) (.+)\n:label: (ex-[a-z0-9-]+)\n")
FOLDED = re.compile(r"<details><summary>(Hint|Solution)</summary>\n\n(.+?)\n\n</details>", re.DOTALL)


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def role(cell):
    return next((t.removeprefix("exercise-") for t in cell.metadata.get("tags", []) if "exercise-" in t), None)


class Exercise:
    """An exercise as a chapter has it: its cells by role, and where they stand among the cells of code."""

    def __init__(self, chapter, label, sign):
        self.chapter, self.label, self.sign = chapter, label, sign
        self.answer = self.check = None
        self.solution = []
        self.order = []
        self.verdict = None  # the cell of the solution that is checked

    def __repr__(self):
        return f"{self.chapter.stem}/{self.label}"


def exercises_of(path):
    """The exercises of a chapter, and its cells of code."""
    found, codes = [], []
    for cell in cells_of(path):
        if cell.cell_type == "markdown":
            for sign, _, _, label in EXERCISE.findall(cell.source):
                found.append(Exercise(path, label, sign.strip()))
            if found:
                found[-1].order += [kind for kind, _ in FOLDED.findall(cell.source)]
            continue
        kind = role(cell)
        if kind:
            exercise = found[-1]
            if kind != "solution" or exercise.order[-1:] != ["solution"]:
                exercise.order.append(kind)
            exercise.solution += [len(codes)] if kind == "solution" else []
            exercise.answer = cell.source if kind == "answer" else exercise.answer
            exercise.check = len(codes) if kind == "check" else exercise.check
            exercise.verdict = len(codes) if kind == "solution" and "check(" in cell.source else exercise.verdict
        codes.append((kind, cell.source))
    return found, codes


BOOK = {path: exercises_of(path) for path in CHAPTERS}
ALL = [exercise for found, _ in BOOK.values() for exercise in found]
CHECKED = [exercise for exercise in ALL if exercise.check is not None]


def wrong_answers(path):
    """The wrong answers kept for a chapter: (label, what the verdict has to say, code)."""
    file = ROOT / "tests" / "wrong_answers" / f"{path.stem}.py"
    text = file.read_text(encoding="utf8") if file.exists() else ""
    parts = re.split(r"^# %% (ex-[a-z0-9-]+): (.+)\n", text, flags=re.MULTILINE)
    return list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))


WRONG = {path: wrong_answers(path) for path in CHAPTERS}


# ── the form ──


@pytest.mark.parametrize("exercise", ALL, ids=repr)
def test_an_exercise_has_a_place_for_the_answer_a_check_a_hint_and_a_solution(exercise):
    order = [part for part in exercise.order if part not in ("solution",)]
    if exercise.sign == "✍":
        assert order in (["Hint", "Solution"], ["answer", "check", "Hint", "Solution"])
    else:
        assert order == ["answer", "check", "Hint", "Solution"]
        assert exercise.solution, "a solution in code"


@pytest.mark.parametrize("exercise", CHECKED, ids=repr)
def test_an_exercise_and_its_check_have_one_label(exercise):
    codes = [source for _, source in BOOK[exercise.chapter][1]]
    assert set(CALL.findall(codes[exercise.check])) == {exercise.label}
    assert set(CALL.findall("\n".join(codes[i] for i in exercise.solution))) == {exercise.label}


@pytest.mark.parametrize("exercise", CHECKED, ids=repr)
def test_a_solution_does_not_take_the_answers_names(exercise):
    codes = [source for _, source in BOOK[exercise.chapter][1]]
    taken = set().union(*(Names(codes[i]).bound for i in exercise.solution)) & Names(exercise.answer).bound
    assert not taken, "after “Run all” the check would judge the solution"


@pytest.mark.parametrize("exercise", [e for e in CHECKED if "⌨" in e.sign], ids=repr)
def test_three_wrong_answers_are_kept(exercise):
    assert sum(label == exercise.label for label, *_ in WRONG[exercise.chapter]) >= 3


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_wrong_answer_belongs_to_an_exercise(path):
    assert {label for label, *_ in WRONG[path]} <= {exercise.label for exercise in BOOK[path][0]}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_question_of_a_quiz_has_one_right_answer_and_reasons(path):
    text = "\n".join(cell.source for cell in cells_of(path) if cell.cell_type == "markdown")
    quiz = text.partition("## Check yourself")[2].partition("## Exercises")[0]
    questions = re.split(r"^\*\*\d", quiz, flags=re.MULTILINE)[1:]
    assert len(questions) >= 4
    for question in questions:
        reasons = re.findall(r"^:::\{dropdown\} .+\n(.*)", question, re.MULTILINE)
        assert sorted(reason[:2] for reason in reasons) == ["✓ "] + ["✗ "] * (len(reasons) - 1), question


def test_the_readme_counts_them():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf8").split())
    assert f"Of the {len(ALL)} exercises {len(CHECKED)} take an answer" in readme


# ── the checks ──


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_checks_accept_the_solution_and_refuse_the_starter_and_wrong_answers(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    monkeypatch.setitem(os.environ, "MATHLIB_SHOW", "still")
    found, codes = BOOK[path]
    checked = [exercise for exercise in found if exercise.check is not None]
    above = [code if kind is None else "" for kind, code in codes]
    solutions = [code if kind in (None, "solution") else "" for kind, code in codes]
    run = set().union(*(needed([*solutions[: e.verdict], solutions[e.verdict]]) for e in checked))
    run |= set(needed([*above, "\n".join(code for _, _, code in WRONG[path])]))
    namespace = {"display": lambda *_: None}
    for i in sorted(run):
        execute("<cell above>", above[i], namespace)
    solved = dict(namespace)
    for exercise in checked:
        for i in exercise.solution:
            if i in run:
                execute("<cell above>", solutions[i], solved)
        check = codes[exercise.check][1]
        assert verdict(exercise.answer, check, namespace).state == "open", exercise
        said = judged(solutions[exercise.verdict], solved)
        assert said.state == "right", f"{exercise}: {said}"
        for label, why, code in WRONG[path]:
            if label == exercise.label:
                said = verdict(code, check, namespace)
                assert said.state == "wrong", f"{exercise}: {code}"
                assert why in said.text, f"{exercise}: {said} should say “{why}”"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_formulas_tell_the_kept_mistakes_apart(path):
    check = checks_of(path)
    for label, mistakes in check.mistakes.items():
        for formula, why in mistakes.items():
            said = check(label, formula)
            assert (said.state, said.text.rstrip(".")) == ("wrong", why.rstrip(".")), f"{label}: {formula}: {said}"


def checks_of(path):
    """The checks of a chapter, as its notebook imports them."""
    text = "\n".join(source for _, source in BOOK[path][1])
    [module] = set(re.findall(r"from (mathlib\.exercises\.\w+) import check", text))
    return import_module(module).check


def verdict(answer, check, namespace):
    """What the check says of an answer, in a copy of the chapter's variables."""
    namespace = dict(namespace)
    execute("<cell answer>", answer, namespace)
    return judged(check, namespace)


def judged(code, namespace):
    """The value that a cell shows last."""
    shown = []
    execute("<cell check>", code, namespace, shown.append)
    return shown[-1] if shown else None


# ── what they are made of ──


@pytest.mark.parametrize(
    ("codes", "indices"),
    [
        (["import numpy as np", "a = 1", "np.ones(a)"], [0, 1]),
        (["a = 1", "a = 2", "b = 3", "a"], [1]),
        (["a = 1", "b = a", "a = 2", "b"], [0, 1]),
        (["def f(x): return x + c", "c = 1", "c = 2", "f(1)"], [0, 2]),
        (["x = [0]", "x[0] = 1", "print(x)"], [0, 1]),
        (["class C: pass", "c = C()", "c.a = 1", "def g(): return c", "g()"], [0, 1, 2, 3]),
        (["n = 3", "[i * n for i in range(2)]"], [0]),
        (["i = 3", "[i for i in range(2)]"], []),
        (["a = (", "a = 1", "a"], [1]),
        (["a = 1", "def f(): return a", "def g(a): return a", "g(f)"], [0, 1, 2]),
        (["c = 1", "a, f = 2, 3\ndef unused(): return c", "a"], [1]),
        (["c = 1", "c = 2\nd = c", "d"], [1]),
        (["n = 1", "n += 1", "n"], [0, 1]),
        (["n = 1", "def f(x, k=n): return x", "f(1)"], [0, 1]),
        (["c = 1", "f = lambda x: x + c", "c = 2", "f(1)"], [0, 1, 2]),
        (["c = 1", "@figure\ndef f(): return c", "c = 2", "f"], [0, 1, 2]),
        (["import a.b as c, d.e", "c, d"], [0]),
        (["b, c = 1, 2", "for b in range(3):\n    def f(k=b): return c\n    f()"], [0]),
        (["b = 1", "for b in range(3):\n    if b:\n        c = b\n        print(c)"], []),
        (["b = [1]", "for b in b: pass"], [0]),
        (["try:\n    a = 1\nexcept E: a = 2", "a"], [0]),
        (["with open('x') as f: pass", "for i, (j, *k) in []: pass", "f, j, k"], [0, 1]),
        (["a = 1", "b"], []),
    ],
)
def test_needed_follows_names_to_the_cells_that_bind_them(codes, indices):
    assert needed(codes) == indices


@pytest.fixture
def check():
    check = Exercises()
    check.formula("ex-slope", "3*x^2 + n", {"3*x + n": "it is x squared"}, n=range(1, 9))
    check.formula("ex-half", "1/2", {"1/4": "half of it"})
    check.code("ex-pair")(lambda pair: compare(pair(2.0), [2.0, 4.0], [([4.0, 2.0], "they are the wrong way round")]))
    check.code("ex-true")(lambda value: require(value is True, "it is not true"))
    return check


@pytest.mark.parametrize(
    "answer", ["3*x**2 + n", "n + 3 * x^2", "x*(3*x) + n", "n - 3*x*(-x) + 0.0", "sqrt(9*x**4) + n"]
)
def test_any_form_of_a_formula_is_right(check, answer):
    assert check("ex-slope", answer).state == "right"


@pytest.mark.parametrize("answer", ["1/2", 0.5, "0.5", "sqrt(1/4)", np.float64(0.5), Fraction(1, 2), 1 / 2 + 0j])
def test_any_kind_of_a_number_is_right(check, answer):
    assert check("ex-half", answer).state == "right"


@pytest.mark.parametrize(
    ("label", "answer", "why"),
    [
        ("ex-slope", "3*x + n", "it is x squared."),
        ("ex-slope", "3*x**2", "that is not right."),
        ("ex-slope", "3*y**2 + n", "`y` does not occur in it: the answer is in `n`, `x`."),
        ("ex-slope", "3x + n", "not a formula that Python can read"),
        ("ex-slope", "1/(x - x)", "ZeroDivisionError"),
        ("ex-slope", "x.__class__", "`x.__class__` is not a formula"),
        ("ex-slope", "3*x(x) + n", "is a `*` or a bracket missing?"),
        ("ex-half", None, "it is None"),
        ("ex-half", [0.5, 0.5], "not a formula"),
        ("ex-half", "x", "the answer is a number"),
        ("ex-pair", lambda x: print(end=""), "is a `return` missing?"),
        ("ex-pair", lambda x: [x**2, x], "they are the wrong way round."),
        ("ex-pair", lambda x: x, "has the shape (), and (2,) is needed."),
        ("ex-pair", lambda x: [x, np.nan], "infinite or not a number."),
        ("ex-pair", lambda x: [x, 5.0], "your result at (1,) is 5, where 4 is right."),
        ("ex-pair", lambda x: "ab", "it is of the type str."),
        ("ex-pair", lambda x: undefined, "NameError"),  # noqa: F821
        ("ex-pair", lambda: 1, "TypeError"),
        ("ex-true", False, "it is not true."),
    ],
)
def test_a_wrong_answer_is_told_why(check, label, answer, why):
    said = check(label, answer)
    assert (said.state, said.label) == ("wrong", label)
    assert why in said.text


def test_an_error_names_the_line_of_the_answer(check):
    cell = {}
    execute("<cell 7>", "def pair(x):\n    y = x\n    return y.missing", cell)
    assert ", in line 3 of your cell" in check("ex-pair", cell["pair"]).text


@pytest.mark.parametrize("body", ["...", "'Of x.'\n    ...", "'Of x.'", "pass", "return"])
def test_a_starter_is_not_judged(check, body):
    cell = {}
    execute("<cell 7>", f"def pair(x):\n    {body}", cell)
    assert check("ex-pair", cell["pair"]).state == "open"


def test_a_label_that_has_no_check_is_an_error(check):
    with pytest.raises(KeyError, match=r"ex-none.*ex-slope"):
        check("ex-none", 1)
