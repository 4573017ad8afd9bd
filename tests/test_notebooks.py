"""The notebooks as they are stored; that they still print what they say is nbval's to check."""

from pathlib import Path

import nbformat
import pytest
from notebooks import faults

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
