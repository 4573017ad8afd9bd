"""What the book's Sphinx extensions promise, as far as it shows without building the book."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

import built_math
import executed
import figures
import fresh_outputs
import lean_pages
import numbering
import sharing
import symbols
import terms


def css(sheet, users):
    return lean_pages.join_styles([sheet], users).replace("\n", "")


def test_rules_for_absent_classes_and_ids_are_dropped():
    assert css(".here{a:b}.gone{a:b}#gone{a:b}p{a:b}", "<p class='here'>") == ".here{a:b}p{a:b}"


def test_a_rule_stays_while_one_of_its_selectors_matches():
    assert ".gone,.here" in css(".gone,.here{a:b}", "here")
    assert css(".gone .here{a:b}", "here") == ""


def test_what_stands_in_not_and_is_need_not_exist():
    sheet = ".here:not(.gone){a:b}.here:is(.gone,p){c:d}"
    assert css(sheet, "here") == sheet


def test_media_queries_are_searched_and_empty_ones_dropped():
    assert css("@media print{.here{a:b}.gone{a:b}}@media screen{.gone{a:b}}", "here") == "@media print{.here{a:b}}"


def test_unused_variables_are_dropped_with_those_that_they_alone_used():
    sheet = ":root{--used: 1;--chain: var(--end);--end: 2}p{a: var(--used)}"
    assert css(sheet, "") == ":root{--used: 1}p{a: var(--used)}"
    assert "--end" in css(sheet, "style='b: var(--chain)'")


def test_the_icon_font_is_dropped():
    assert css("@font-face{font-family:X;src:url(../fontawesome/x.woff2)}@font-face{font-family:Y}", "") == (
        "@font-face{font-family:Y}"
    )


def test_long_descriptions_end_at_a_word():
    words = "word " * 100
    text = lean_pages.shorten(words)
    assert len(text) <= 162
    assert text.endswith("word …")
    assert lean_pages.shorten("  a\n b ") == "a b"


def test_formulas_are_typeset_without_their_source():
    html = built_math.render(r"\Im f(x + \i\eps)", display=False)
    assert "<math" in html
    assert "annotation" not in html
    assert "ε" in html


def test_an_unknown_command_is_an_error_that_names_it():
    with pytest.raises(built_math.KaTeXError, match="nosuch"):
        built_math.render(r"\nosuch{x}", display=True)


def test_captions_know_mathematics_code_and_emphasis():
    nodes = list(figures.inline("As $h$ shrinks, `f` *fails*."))
    assert [node.astext() for node in nodes] == ["As ", "h", " shrinks, ", "f", " ", "fails", "."]
    assert [type(node).__name__ for node in nodes[1:6:2]] == ["math", "literal", "emphasis"]


def test_the_digest_follows_the_package_and_its_pins(tmp_path, monkeypatch):
    monkeypatch.setattr(fresh_outputs, "ROOT", tmp_path)
    (tmp_path / "mathlib" / "show").mkdir(parents=True)
    module, pins = tmp_path / "mathlib" / "show" / "a.py", tmp_path / "requirements.txt"
    digests = set()
    for file, text in [(pins, ""), (module, ""), (module, "x = 1"), (pins, "numpy==2")]:
        file.write_text(text)
        if module.exists():
            digests.add(fresh_outputs.digest())
    assert len(digests) == 3


@pytest.fixture
def fill(tmp_path, capsys):
    """Write notebooks of one cell each, and return a function that fills a cache with their outputs."""

    def run(**sources):
        for name, source in sources.items():
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="only")])
            nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        config = SimpleNamespace(nb_execution_cache_path=str(tmp_path / "cache"), nb_execution_timeout=60)
        env = SimpleNamespace(doc2path=lambda name: str(tmp_path / f"{name}.ipynb"))
        capsys.readouterr()
        executed.fill_cache(SimpleNamespace(config=config), env, list(sources))
        return [line for line in capsys.readouterr().err.splitlines() if line.startswith("executed")]

    return run


def test_only_notebooks_without_outputs_in_the_cache_are_executed(fill, tmp_path):
    assert len(fill(one="print(6 * 7)", two="2")) == 2
    cache = executed.get_cache(str(tmp_path / "cache"))
    _, merged = cache.merge_match_into_notebook(nbformat.read(tmp_path / "one.ipynb", 4))
    cache.db.dispose()
    assert merged.cells[0].outputs[0].text == "42\n"
    again = fill(one="print(6 * 7)", two="3")
    assert len(again) == 1
    assert "1 of 1: two.ipynb" in again[0]


def test_what_is_printed_in_pieces_is_stored_as_it_was_written(fill, tmp_path):
    pieces = "import sys\nfor text in ('  4', ' 0.06\\n', ' 16'):\n    sys.stdout.write(text)\n    sys.stdout.flush()"
    fill(one=pieces + "\n    sys.stderr.write('|')\n    sys.stderr.flush()")
    cache = executed.get_cache(str(tmp_path / "cache"))
    _, merged = cache.merge_match_into_notebook(nbformat.read(tmp_path / "one.ipynb", 4))
    cache.db.dispose()
    assert [output.text for output in merged.cells[0].outputs] == ["  4 0.06\n 16", "|||"]


def test_failing_notebooks_are_named_with_cell_and_traceback_after_all_have_run(fill):
    with pytest.raises(ExtensionError) as failure:
        fill(bad="1 // 0", dead="import os; os._exit(1)", good="1")
    for part in ("bad.ipynb", "1 // 0", "ZeroDivisionError", "dead.ipynb: Kernel died"):
        assert part in str(failure.value)
    assert fill(good="1") == []  # is in the cache


def test_a_chapter_has_the_number_in_its_name_and_no_other_page_has_one():
    assert numbering.chapter("book/6-3-the-verdict") == (6, 3)
    assert numbering.chapter("book/glossary") == numbering.chapter("book/slide-map") == ()


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("A basis, and two bases.", ["basis"]),
        ("Hessian-vector products need no Hessian.", ["Hessian-vector products", "Hessian"]),
        ("A unit circle, its unit.", ["unit"]),
        ("Bases of the dual basis", ["Bases", "dual basis"]),
        ("A subbasis is a basis-like thing.", []),
    ],
)
def test_the_first_plain_use_of_a_term_becomes_a_link(text, links):
    missing = {
        term: terms.pattern(term) for term in ("Hessian", "unit", "basis", "Hessian-vector product", "dual basis")
    }
    made = list(terms.linked_text(text, missing, "a-page"))
    assert "".join(node.astext() for node in made) == text
    found = [node for node in made if node.astext() and hasattr(node, "attributes")]
    assert [node.astext() for node in found] == links
    assert not {node["reftarget"] for node in found} & set(missing)


def test_definitions_are_read_from_the_built_glossary():
    page = """<dl class="glossary"><dt id="term-a">a</dt><dd><p>See <a href="#term-b">b</a>.</p></dd>
        <dt id="term-b">b</dt><dd><p>B.</p></dd></dl>"""
    assert dict(terms.definitions(page)) == {"term-a": 'See <a href="glossary.html#term-b">b</a>.', "term-b": "B."}


# ── addresses ──


def test_the_page_404_links_from_the_folder_that_the_book_is_published_in():
    page = '<a href="book/a.html"><a href="#top"><a href="https://x.org/"><img src="./i.png"><i data-content_root="./">'
    assert sharing.absolute(page, "https://a.org/course/") == (
        '<a href="/course/book/a.html"><a href="#top"><a href="https://x.org/"><img src="/course/i.png">'
        '<i data-content_root="/course/">'
    )
    assert 'href="/book/a.html"' in sharing.absolute(page, "")


def test_what_search_engines_are_told_of_the_course_follows_the_base():
    config = SimpleNamespace(author="A", html_title="B", language="en", ogp_image="c.png", html_baseurl="")
    parts = [part["timeRequired"] for part in sharing.course(config)["hasPart"]]
    assert len(parts) == 25
    assert not re.search("html|c.png", json.dumps(sharing.course(config)))
    config.html_baseurl = "https://a.org/course/"
    told = sharing.course(config)
    assert told["url"] == "https://a.org/course/index.html"
    assert told["image"] == "https://a.org/course/c.png"
    assert told["hasPart"][0]["url"] == "https://a.org/course/book/1-1-review-of-cnns.html"


@pytest.mark.parametrize(
    ("latex", "typed"),
    [
        (r"\eta", "η"),
        (r"\hat g", "ĝ"),
        (r"\hat g", "g hat"),
        (r"\Delta", "Δ"),
        ("Hv", "H v"),
        (r"H\,v", "Hv"),
        (r"s \cdot y", "s^T y"),
        (r"s \cdot y", "s·y"),
        (r"\sigma^2", "σ^2"),
        (r"\d^2\ell[u, v]", "d^2ℓ[u,v]"),
        (r"\mathcal{K}_k", "K_k"),
    ],
)
def test_a_symbol_is_found_as_one_types_it(latex, typed):
    assert typed in set(symbols.ways(latex))
