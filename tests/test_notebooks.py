"""The notebooks as they are stored; that they still print what they say is nbval's to check."""

from pathlib import Path

import nbformat
import pytest
from notebooks import FOLDED, faults, normalise, to_text

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


def test_jupyterlab_folds_what_the_page_folds():
    """And what an editor or a run leaves in the metadata does not stay."""
    cells = [nbformat.v4.new_code_cell("1", id=f"cell-{k}", metadata={"tags": [tag]}) for k, tag in enumerate(FOLDED)]
    plain = {"tags": ["raises-exception"], "jupyter": {"source_hidden": True}, "execution": {}, "editable": False}
    cells.append(nbformat.v4.new_code_cell("1", id="plain", metadata=plain))
    stored = normalise(nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}, "toc": 1})).cells
    assert [cell.metadata.get("jupyter", {}) for cell in stored] == [
        {"source_hidden": True},
        {"outputs_hidden": True},
        {"source_hidden": True, "outputs_hidden": True},
        {"source_hidden": True},
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
    assert list(faults(open_one)) == ["has other metadata than its normal form"]
