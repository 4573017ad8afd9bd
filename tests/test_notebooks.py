"""The notebooks as they are stored; that they still print what they say is nbval's to check."""

import ast
import builtins
import importlib.util
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
from notebooks import FOLDED, VIEW, faults, install_cell, normalise, to_text

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = [path for path in sorted(BOOK.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_in_normal_form(path):
    assert not list(faults(path)), "`make notebooks` executes and stores it again"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_holds_one_idea(path):
    cells = nbformat.read(path, as_version=4).cells
    shown = [c.source for c in cells if c.cell_type == "code" and not HIDDEN & set(c.metadata.get("tags", []))]
    long = [source for source in shown if len([line for line in source.splitlines() if line.strip()]) > 15]
    assert not long, "more than 15 lines:\n\n" + "\n\n".join(long)


# ── cells whose digits differ between machines ──


def unasserted(source):
    """Name what a cell shows and none of its assertions reads."""
    tree = ast.parse(source)
    asserted = set().union(*(names(node) for node in ast.walk(tree) if isinstance(node, ast.Assert)))
    return [ast.unparse(node) for node in shown(tree) if names(node) and not names(node) & asserted]


def shown(tree):
    """What a cell prints, and the value that it ends in."""
    prints = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"]
    yield from prints
    if tree.body and isinstance(tree.body[-1], ast.Expr) and tree.body[-1].value not in prints:
        yield tree.body[-1]


def names(tree):
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found - {"np", *dir(builtins)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_whose_text_is_not_compared_asserts_what_it_shows(path):
    cells = nbformat.read(path, as_version=4).cells
    free = [cell.source for cell in cells if "nbval-ignore-output" in cell.metadata.get("tags", [])]
    bare = [line for source in free for line in unasserted(source)]
    assert not bare, "shown, but neither compared nor asserted:\n\n" + "\n\n".join(bare)


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ("print(slope)\nassert slope > 1", []),
        ("for k in range(3):\n    print(k, f(k))\nassert f(2) < f(1)", []),
        ("print(slope, np.round(gap, 3))\nassert abs(gap) < 1", []),
        ("print('the slopes')\nprint(slope)\nassert slope", []),
        ("print(slope)", ["print(slope)"]),
        ("print(slope)\nassert np.round(gap) < 1\ngap", ["print(slope)"]),
        ("assert gap\nslope", ["slope"]),
    ],
)
def test_what_a_cell_shows_is_told_from_what_it_asserts(source, bare):
    assert unasserted(source) == bare


def test_jupyterlab_folds_what_the_page_folds():
    """And what an editor or a run leaves in the metadata does not stay."""
    cells = [nbformat.v4.new_code_cell("1", id=f"cell-{k}", metadata={"tags": [tag]}) for k, tag in enumerate(FOLDED)]
    plain = {"tags": ["raises-exception"], "jupyter": {"source_hidden": True}, "execution": {}, "editable": False}
    cells.append(nbformat.v4.new_code_cell("1", id="plain", metadata=plain))
    stored = normalise(nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}, "toc": 1})).cells[1:]
    assert [cell.metadata.get("jupyter", {}) for cell in stored] == [
        {"source_hidden": True},
        {"outputs_hidden": True},
        {"source_hidden": True, "outputs_hidden": True},
        {"source_hidden": True},
        {"source_hidden": True, "outputs_hidden": True},
        {"source_hidden": True, "outputs_hidden": True},
        {},
    ]
    assert stored[-1].metadata == {"tags": ["raises-exception"]}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_that_is_folded_on_the_page_is_folded_in_jupyterlab(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    folded = [cell for cell in notebook.cells if "hide-input" in cell.metadata.get("tags", [])]
    assert folded
    assert all(cell.metadata.jupyter.source_hidden for cell in folded)
    folded[0].metadata.pop("jupyter")
    open_one = tmp_path / "open.ipynb"
    open_one.write_text(to_text(notebook), encoding="utf-8")
    assert list(faults(open_one)) == ["is not in normal form: its first cell, its minutes or its metadata"]


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (nbformat.v4.new_output("display_data", {VIEW: {"model_id": "1"}}), "has widgets among its outputs"),
        (nbformat.v4.new_output("error"), "has an error among its outputs"),
    ],
)
def test_what_a_kernel_leaves_is_a_fault(tmp_path, output, fault):
    cell = nbformat.v4.new_code_cell("1", id="one", outputs=[output])
    path = tmp_path / "run.ipynb"
    path.write_text(to_text(normalise(nbformat.v4.new_notebook(cells=[cell]))), encoding="utf-8")
    assert list(faults(path)) == [fault]


# ── the cell that installs ──


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_code_cell_installs_what_is_missing_and_no_page_shows_it(path):
    first = next(cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    assert (first.id, first.source, first.metadata.tags) == ("install", install_cell().source, ["remove-cell"])


def test_it_installs_from_the_repository_and_only_where_mathlib_is_missing(monkeypatch):
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    source = install_cell().source
    exec(source, {})
    assert not commands
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(source, {})
    [(*_, wanted)] = commands
    project = tomllib.loads((BOOK.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert wanted == f"{project['name']}[show] @ git+{project['urls']['Repository']}"
