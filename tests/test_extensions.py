"""What the book's Sphinx extensions promise, as far as it shows without building the book."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

import built_math
import figures
import fresh_outputs
import lean_pages


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
