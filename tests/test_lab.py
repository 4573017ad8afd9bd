"""The reader's copies of the chapters: what JupyterLab does not know is text there; what the reader writes stays."""

import re

import lab
import nbformat
import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin


@pytest.fixture(scope="module")
def copies():
    return dict(lab.copies())


def test_a_copy_refers_only_to_what_it_has_itself_and_to_other_copies(copies):
    assert list(copies) == sorted(path.name for path in lab.BOOK.glob("*.ipynb"))
    place = lab.labels(lab.chapters())
    for name, notebook in copies.items():
        text = lab.markdown(notebook)
        for role, target in re.findall(r"\{([\w:]+)\}`(?:[^`<]* <)?([^`>]+)>?`", text):
            assert role in ("eq", "prf:ref"), (name, role)
            assert place[target][0] == name, (name, target)
        assert "<details" not in text, name
        assert "{include}" not in text, name
        local = [address for address in re.findall(r"\]\(([^<)]+)\)", text) if ":" not in address]
        assert set(local) <= set(copies), name
        code = [
            [cell.source for cell in cells if cell.cell_type == "code"]
            for cells in (notebook.cells, lab.chapters()[name].cells)
        ]
        assert code[0] == code[1]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("{term}`dual number`, {term}`Bases <basis>`", "dual number, Bases"),
        ("{deck}`the\nslides <5-complex-step>`", "the slides"),
        ("{cite:t}`a,b`", "[A (1901)](<https://doi.org/10.1/(1)>), B et al. (1902)"),
        ("{cite:p}`a,b`", "([A 1901](<https://doi.org/10.1/(1)>); B et al. 1902)"),
        ("{eq}`eq-mine`, {ref}`here <sec-mine>`, {ref}`sec-mine`", "{eq}`eq-mine`, here, A title"),
        ("{ref}`there <sec-theirs>`", "[there](2-1-b.ipynb)"),
        ("{eq}`eq-theirs`", "[an equation of 2-1](2-1-b.ipynb)"),
        ("<details><summary>Hint</summary>\n\n$x$\n\n</details>", ":::::{dropdown} Hint\n\n$x$\n\n:::::"),
        ("{numref}`fig-two-curves`", "the figure `two_curves`"),
    ],
)
def test_a_role_becomes_text_or_a_link(text, plain):
    cited = {"a": ("A", "1901", "https://doi.org/10.1/(1)"), "b": ("B et al.", "1902", None)}
    place = {"eq-mine": ("1-1-a.ipynb", ""), "sec-mine": ("1-1-a.ipynb", "A title")}
    place |= {"eq-theirs": ("2-1-b.ipynb", "an equation of 2-1"), "sec-theirs": ("2-1-b.ipynb", "")}
    assert lab.plain(text, "1-1-a.ipynb", cited, place) == plain


def test_a_part_of_a_file_is_text_in_the_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "BOOK", tmp_path / "book")
    (tmp_path / "rules.md").write_text("# Rules\n\n## One\n\nTry first.\n\n## Two\n\nTry again.\n")
    (tmp_path / "book").mkdir()
    one, two = (
        f'```{{include}} ../rules.md\n:start-after: "## {name}"\n{end}```'
        for name, end in (("One", ':end-before: "## Two"\n'), ("Two", ""))
    )
    text = lab.plain(f"Before.\n\n{one}\n\n{two}", "1-1-a.ipynb", {}, {})
    assert text == "Before.\n\nTry first.\n\nTry again."


def headings_in_directives(text):
    blocks = MarkdownIt().use(colon_fence_plugin).parse(text)
    inside = "\n".join(block.content for block in blocks if block.type == "colon_fence")
    return re.findall("^#+ .*", inside, re.MULTILINE)


def test_no_directive_holds_a_heading_of_its_own_or_of_what_it_includes(copies):
    # The outline of the PDF would list it, and the contents of the page would not.
    for name, notebook in copies.items():
        assert not headings_in_directives(lab.markdown(notebook)), name
    assert headings_in_directives("## A\n\n::::{dropdown} B\n\n:::{note}\n## C\n:::\n::::\n\n## D") == ["## C"]


def test_a_label_is_called_by_what_it_is_of():
    text = """
(sec-one)=
## One

$$
x
$$ (eq-x)

:::{prf:theorem} X
:label: thm-x
:::

:::{exercise} A
:label: ex-a
:::

:::{exercise} B
:label: ex-b
:::
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    assert lab.labels({"1-1-a.ipynb": notebook}) == {
        "sec-one": ("1-1-a.ipynb", "One"),
        "eq-x": ("1-1-a.ipynb", "an equation of 1-1"),
        "thm-x": ("1-1-a.ipynb", "a statement of 1-1"),
        "ex-a": ("1-1-a.ipynb", "Exercise 1"),
        "ex-b": ("1-1-a.ipynb", "Exercise 2"),
    }


def copy(source, chapter):
    """A copy as `copies` makes it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="one")])
    notebook.metadata[lab.KEY] = {"text": lab.written(notebook), "chapter": chapter}
    return notebook


def test_what_the_reader_writes_stays_and_what_the_book_changes_arrives(tmp_path):
    path = tmp_path / "a.ipynb"
    assert not lab.update(path, copy("old", "1"))

    mine = nbformat.read(path, as_version=4)
    mine.cells[0].outputs = [nbformat.v4.new_output("stream", text="ran\n")]
    nbformat.write(mine, path)
    assert not lab.update(path, copy("old", "1"))  # has only been run, and the book is as it was
    assert nbformat.read(path, as_version=4) == mine
    assert not lab.update(path, copy("new", "2"))
    assert nbformat.read(path, as_version=4).cells[0].source == "new"

    mine = nbformat.read(path, as_version=4)
    mine.cells[0].source = "my answer"
    nbformat.write(mine, path)
    assert not lab.update(path, copy("new", "2"))  # nothing to say
    assert lab.update(path, copy("newer", "3"))
    assert nbformat.read(path, as_version=4) == mine


@pytest.mark.parametrize("content", ["", "{}", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'])
def test_a_file_that_is_no_copy_is_left_alone(tmp_path, content):
    path = tmp_path / "a.ipynb"
    path.write_text(content, encoding="utf-8")
    assert lab.update(path, copy("new", "2"))
    assert path.read_text(encoding="utf-8") == content
