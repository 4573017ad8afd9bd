"""Execute notebooks and store them in their one normal form.

    python tools/notebooks.py book/*.ipynb            execute, then write what changed
    python tools/notebooks.py --format book/*.ipynb   write the normal form of what is stored, and execute nothing
    python tools/notebooks.py --check book/*.ipynb    say which are not in normal form

The normal form holds what a reader sees and nothing of the machine that ran it, so that executing an
unchanged notebook leaves the file as it was, byte for byte. What the book's page folds, JupyterLab folds too.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "mystnb"}
# What JupyterLab folds, by the tags that fold it on the page.
FOLDED = {
    "hide-input": ["source_hidden"],
    "hide-output": ["outputs_hidden"],
    "hide-cell": ["source_hidden", "outputs_hidden"],
    "remove-input": ["source_hidden"],
    "remove-cell": ["source_hidden", "outputs_hidden"],
    "exercise-solution": ["source_hidden", "outputs_hidden"],
}


def normalise(notebook):
    """Return a copy of the notebook without the traces of its execution or of the editor."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
        if flags := {flag: True for tag in cell.metadata.get("tags", []) for flag in FOLDED.get(tag, [])}:
            cell.metadata["jupyter"] = flags
    for count, cell in enumerate(code_cells, start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook


def execute(path):
    """Run the notebook at `path` as the book's pages are run, in its own directory."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    return notebook


def to_text(notebook):
    """Serialise in the form that Jupyter itself writes."""
    return nbformat.writes(notebook) + "\n"


def faults(path):
    """Name what keeps the stored notebook at `path` from being in normal form."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(cell.execution_count is None for cell in code_cells):
        yield "has cells that were never run"
    if any(output.output_type == "error" for cell in code_cells for output in cell.outputs):
        yield "has an error among its outputs"
    if text != to_text(normalise(notebook)):
        yield "has other metadata than its normal form"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--format", action="store_true", help="execute nothing")
    parser.add_argument("--check", action="store_true", help="execute and write nothing")
    parser.add_argument("notebooks", nargs="+", type=Path)
    arguments = parser.parse_args()

    if arguments.check:
        found = [f"{path}: {fault}" for path in arguments.notebooks for fault in faults(path)]
        if found:
            sys.exit("\n".join([*found, "`make notebooks` executes and stores them again."]))
        return

    os.environ["MATHLIB_SHOW"] = "still"
    for path in arguments.notebooks:
        notebook = nbformat.read(path, as_version=4) if arguments.format else execute(path)
        text = to_text(normalise(notebook))
        changed = text != path.read_text(encoding="utf-8")
        if changed:
            path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path}: {'stored' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
