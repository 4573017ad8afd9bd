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
import yaml
from minutes import TIME, sentence
from nbclient import NotebookClient

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
VIEW = "application/vnd.jupyter.widget-view+json"
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

# The first code cell of every notebook, which no page shows. (PyPI has another package of this name.)
INSTALL = """# Where mathlib is missing, as on Colab, this installs it.
import subprocess
import sys
from importlib.util import find_spec

if not find_spec("mathlib"):
    source = "mathlib-second-order[show] @ git+{repository}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", source]
    subprocess.run(pip, check=True)"""


def install_cell():
    config = yaml.safe_load((Path(__file__).resolve().parents[1] / "_config.yml").read_text(encoding="utf-8"))
    repository = config["sphinx"]["config"]["html_theme_options"]["repository_url"]
    source = INSTALL.format(repository=repository)
    return nbformat.v4.new_code_cell(source, id="install", metadata={"tags": ["remove-cell"]})


def normalise(notebook):
    """Return a copy of the notebook without the traces of its execution or of the editor.

    It has the install cell, and says how long it takes to read.
    """
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != "install"]
    first = next((k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code"), 0)
    notebook.cells.insert(first, install_cell())
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and TIME.search(cell.source):
            cell.source = TIME.sub(sentence(notebook), cell.source)
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
        if flags := {flag: True for tag in cell.metadata.get("tags", []) for flag in FOLDED.get(tag, [])}:
            cell.metadata["jupyter"] = flags
    for count, cell in enumerate(code_cells):  # the install cell is number 0
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
        timeout=300,
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
    if any(VIEW in output.get("data", {}) for cell in code_cells for output in cell.outputs):
        yield "has widgets among its outputs"
    if text != to_text(normalise(notebook)):
        yield "is not in normal form: its first cell, its minutes or its metadata"


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
