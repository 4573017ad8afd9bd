"""Problem sets: no solution in them, and they run from top to bottom; so do their keys, and say that all is right."""

import os
import re

import assignments
import nbformat
import pytest
from course import BOOK, course
from nbclient import NotebookClient

SETS = course()["set"]
on_every_set = pytest.mark.parametrize("number", SETS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    target = tmp_path_factory.mktemp("assignments")
    assignments.write(target)
    return target


def read(path):
    return nbformat.read(path, as_version=4)


def lines(source):
    """What would give a solution away: its lines, but for short ones."""
    return {line.strip() for line in source.splitlines() if len(line.strip()) > 12}


@on_every_set
def test_no_hint_and_no_solution_leaks(written, number):
    whole = "\n".join(cell.source for cell in read(written / f"set-{number}.ipynb").cells)
    assert "<details>" not in whole
    for label in SETS[number]["exercises"]:
        task = assignments.Task(label)
        given = set().union(*map(lines, [*task.ground, *task.code["answer"], *task.code["check"], task.question]))
        folded = [content for _, content in task.folded]
        assert [kind for kind, _ in task.folded] == ["Hint", "Solution"]
        secret = set().union(*map(lines, [*folded, *task.code["solution"]])) - given - {f'"{label}",'}
        assert secret
        leaked = [line for line in secret if line in whole]
        assert not leaked, f"{label}: {leaked}"


@on_every_set
def test_every_question_is_there_once_in_set_and_key(written, number):
    for folder in (written, written / "keys"):
        cells = read(folder / f"set-{number}.ipynb").cells
        assert [cell.id for cell in cells if cell.source.startswith("## ")] == SETS[number]["exercises"]
        markdown = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert not re.search(r"\{(cite|term|ref|eq|numref|deck)[:}]", markdown)


def verdicts(path):
    """What the checks of a notebook say when it runs from top to bottom."""
    client = NotebookClient(read(path), timeout=300, resources={"metadata": {"path": str(BOOK)}})
    outputs = [output for cell in client.execute().cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [output.data["text/plain"] for output in outputs if output.output_type == "execute_result"]
    return [text for text in texts if text[:1] in "✓✗…"]


@on_every_set
def test_it_runs_with_starters_and_with_keys(written, number, monkeypatch):
    monkeypatch.setitem(os.environ, "MATHLIB_SHOW", "still")
    tasks = [assignments.Task(label) for label in SETS[number]["exercises"]]
    said = verdicts(written / f"set-{number}.ipynb")
    assert said == ["… Nothing to check yet: put your answer in the place of the dots above."] * len(said)
    assert len(said) == sum(bool(task.code["check"]) for task in tasks)
    said = verdicts(written / "keys" / f"set-{number}.ipynb")
    assert said == ["✓ Right."] * len(said)
    assert len(said) == sum("check(" in source for task in tasks for source in task.code["solution"])
