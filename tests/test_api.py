"""The reference of the package: each function once, explained somewhere, its formulas typeset, its source linked."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

import api
import built_math

import mathlib

ROOT = Path(__file__).resolve().parents[1]
NAMES = [name for page in api.PAGES for name in api.documented(page)]


def thing(name):
    module = next(m for m in api.parents(name) if importlib.util.find_spec(m))
    return api.found(module, name.removeprefix(f"{module}."))


def test_each_is_documented_once_and_explained_somewhere():
    assert len(NAMES) == len(set(NAMES)) > 80
    assert set(api.data()["explained"]) == set(NAMES)
    public = {f"mathlib.{name}" for name in mathlib.__all__} - {"mathlib.ConstantLossWarning"}
    assert public <= set(NAMES)


def test_the_sections_that_explain_are_there():
    text = "\n".join(path.read_text(encoding="utf8") for path in (ROOT / "book").glob("[0-9]*.ipynb"))
    labels = set(re.findall(r"\((sec-[\w-]+)\)=", text))
    assert set(api.data()["explained"].values()) <= labels


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_summary_and_a_source(name):
    assert len(api.summary(name)) > 15
    found = thing(name)
    url = api.address("https://x.org", "main")("py", {"module": found.__module__, "fullname": found.__qualname__})
    path, first, last = re.fullmatch(r"https://x.org/blob/main/(mathlib/.+\.py)#L(\d+)-L(\d+)", url).groups()
    lines = (ROOT / path).read_text(encoding="utf8").splitlines()[int(first) - 1 : int(last)]
    assert re.search(rf"^(?:def|class) {found.__name__}\b", "\n".join(lines), re.M)


@pytest.mark.parametrize("formula", api.data()["formulas"])
def test_a_formula_of_the_table_is_in_a_docstring_and_can_be_typeset(formula):
    sources = " ".join(path.read_text(encoding="utf8") for path in (ROOT / "mathlib").rglob("*.py"))
    assert f"``{formula}``" in " ".join(sources.split())
    assert "<math" in built_math.render(api.data()["formulas"][formula], display=False)


def test_formulas_are_typeset_and_code_is_not():
    text = "It is ``df(x)[v] = Im f(x + i eps\nv) / eps``, see ``H @ v``."
    assert api.typeset(text) == r"It is :math:`\d f(x)[v] = \Im f(x + \i\eps v) / \eps`, see ``H @ v``."
    assert inspect.getdoc(mathlib.complex_step)


@pytest.mark.site
def test_links_to_when_all_stood_on_one_page_arrive_at_a_link_to_where_it_stands_now():
    from browser import HTML
    from bs4 import BeautifulSoup

    html = BeautifulSoup((HTML / "book" / "mathlib.html").read_text(encoding="utf8"), "html.parser")
    for name in NAMES:
        page = html.find(id=name).a["href"]
        assert page.endswith(f"#{name}")
        there = BeautifulSoup((HTML / "book" / page.partition("#")[0]).read_text(encoding="utf8"), "html.parser")
        entry = there.find(id=name).parent
        assert "Explained in" in entry.get_text()
        assert entry.find("a", string="[source]")["href"].startswith("https://")
    assert html.find(id="mathlib.hessian.Hessian.dense")
