"""Nothing of the lecture is lost: what the slide map names exists."""

import ast
import pydoc
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from slide_map import law, listed  # noqa: E402

ROWS = tomllib.loads((ROOT / "book/slide_map.toml").read_text(encoding="utf8"))["row"]


def test_the_map_has_the_lecture_s_nineteen_points_and_what_is_beyond_them_apart():
    assert sum(not row.get("beyond", False) for row in ROWS) == 19
    assert len({row["point"] for row in ROWS}) == len(ROWS) > 19
    lists = listed(ROWS), listed(ROWS, beyond=True)
    assert [sum(f"**{row['point']}**" in text for text in lists) for row in ROWS] == [1] * len(ROWS)
    assert lists[0].count("    - read: ") == 19
    assert all((row["point"] in lists[1]) == row.get("beyond", False) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["section"])
def test_each_point_has_a_section_a_deck_functions_and_tests(row):
    chapters = [path.read_text(encoding="utf8") for path in sorted((ROOT / "book").glob("*.ipynb"))]
    assert any(f"({row['section']})=" in chapter for chapter in chapters)
    assert (ROOT / "lectures" / f"{row['deck']}.md").exists()
    assert row["functions"]
    assert row["tests"]
    for name in row["functions"]:
        assert pydoc.locate(name) is not None, name
    for test in row["tests"]:
        file, name = test.split("::")
        functions = [
            n.name for n in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf8"))) if hasattr(n, "name")
        ]
        assert name in functions, test


def test_every_chapter_is_on_the_map():
    sections = {row["section"] for row in ROWS}
    for path in (ROOT / "book").glob("[0-9]-*.ipynb"):
        labels = set(re.findall(r"\((sec-[\w-]+)\)=", path.read_text(encoding="utf8")))
        assert labels & sections, path.name


def test_the_name_of_a_test_is_read_with_its_apostrophe():
    assert law("tests/test_nn.py::test_convolution_is_the_slide_s_sum").startswith("[convolution is the slide’s sum](")
