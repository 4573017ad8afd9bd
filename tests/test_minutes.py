"""A chapter says how long it takes to read, and its core path is short."""

import nbformat
import pytest
from minutes import MINUTES, TIME, WORDS_A_MINUTE, Amount, amounts, further_sections, rounded, sentence
from notebooks import normalise
from pages import ROOT

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_core_path_is_read_in_25_minutes_and_the_box_says_so(path):
    notebook = nbformat.read(path, as_version=4)
    core, _ = amounts(notebook)
    said = [line for cell in notebook.cells if cell.cell_type == "markdown" for line in TIME.findall(cell.source)]
    assert said == [sentence(notebook)]
    assert rounded(core.minutes) <= 25, core


@pytest.fixture
def chapter():
    code, prose = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    picture = nbformat.v4.new_output("display_data", data={"image/png": "", "text/plain": ""})
    return nbformat.v4.new_notebook(
        cells=[
            prose("(sec-a)=\n# A title\n\nFour words of prose, $a + b$.\n\n$$\nx = 1\n$$ (eq-x)"),
            code("1"),
            code("2", metadata={"tags": ["hide-input"]}, outputs=[picture]),
            prose(":::{admonition} What\n:class: note\n*Time:* 7 minutes. *You need:* [it](x.ipynb).\n:::"),
            prose("## A section\n\n### Further: a part\n\nOne two three."),
            code("3"),
            prose("#### Deeper\n\n### Back\n\nYes.\n\n## Further: more\n\nWord."),
            prose("## Summary\n\nWord."),
            prose("## Check yourself\n\nNothing of this counts."),
            code("4"),
        ]
    )


def test_words_formulas_cells_and_figures_are_counted_to_where_the_exercises_begin(chapter):
    core, further = amounts(chapter)
    # "A title", five words, "You need: it.", "A section", "Back", "Yes", "Summary", "Word"
    assert core == Amount(words=2 + 5 + 3 + 2 + 1 + 1 + 1 + 1, formulas=1, cells=1, figures=1)
    assert further == Amount(words=3 + 3 + 1 + 2 + 1, formulas=0, cells=1, figures=0)


def test_each_further_section_is_counted(chapter):
    parts = further_sections(chapter)
    assert [part.words for part in parts] == [3 + 3 + 1, 2 + 1]
    assert sum(parts, Amount()) == amounts(chapter)[1]


def test_minutes_are_a_sum():
    amount = Amount(words=2 * WORDS_A_MINUTE, formulas=3, cells=4, figures=5)
    assert amount.minutes == pytest.approx(2 + 3 * MINUTES["formulas"] + 4 * MINUTES["cells"] + 5 * MINUTES["figures"])
    assert (amount + amount).minutes == pytest.approx(2 * amount.minutes)


def test_the_normal_form_says_the_minutes_of_the_core_and_of_all(chapter):
    chapter.cells[0].source += "\n\n" + WORDS_A_MINUTE * "word " * 9
    assert "*Time:* 10 minutes; exercises apart. *You need:*" in normalise(chapter).cells[4].source
    chapter.cells[6].source += "\n\n## Further: long\n\n" + WORDS_A_MINUTE * "word " * 10
    assert (
        "*Time:* 10 minutes, 20 with what is further; exercises apart. *You need:*"
        in normalise(chapter).cells[4].source
    )
