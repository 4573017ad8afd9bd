"""The reference of `mathlib`: formulas typeset, each function with the section that explains it and its source.

Which formula is typeset how, and what is explained where, says ``book/api.toml``; in docstrings formulas stay plain,
for those who read them in a terminal. Sources are links to the repository.
"""

import importlib
import importlib.util
import inspect
import re
import tomllib
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "book" / "api.toml"
LITERAL = re.compile(r"``([^`]+)``")
PAGES = sorted((ROOT / "book").glob("api-*.md"))


@cache
def data():
    return tomllib.loads(SOURCE.read_text(encoding="utf8"))


def typeset(text):
    """A docstring with the formulas of the table as mathematics."""

    def formula(literal):
        latex = data()["formulas"].get(" ".join(literal[1].split()))
        return f":math:`{latex}`" if latex else literal[0]

    return LITERAL.sub(formula, text)


def edit(app, what, name, obj, options, lines):
    lines[:] = typeset("\n".join(lines)).split("\n")
    if section := data()["explained"].get(name):
        lines += ["", f"Explained in :ref:`{section}`.", ""]


# ── sources ──


def found(module, name):
    """What a name of a module means, without what decorators put around it."""
    thing = importlib.import_module(module)
    for part in name.split("."):
        thing = getattr(thing, part)
    return inspect.unwrap(thing.fget if isinstance(thing, property) else thing)


def address(repository, branch):
    def resolve(domain, info):
        thing = found(info["module"], info["fullname"])
        if not (inspect.isclass(thing) or inspect.isroutine(thing)):
            return None
        path = Path(inspect.getsourcefile(thing)).relative_to(ROOT)
        lines, first = inspect.getsourcelines(thing)
        return f"{repository}/blob/{branch}/{path}#L{first}-L{first + len(lines) - 1}"

    return resolve


def link_sources(app, config):
    options = config.html_theme_options
    config.linkcode_resolve = address(options["repository_url"], options["repository_branch"])


# ── the list ──

MEMBERS = re.compile(r"^\.\. autoclass:: (?:\S+\.)?(\w+)\n +:members: (.+)$", re.M)
ENTRY = re.compile(r"^\.\. (?:currentmodule:: (?P<module>\S+)|auto(?:function|class|exception):: (?P<name>\S+))$", re.M)


def documented(page):
    """The full names of what a page of the reference documents."""
    module = "mathlib"
    for entry in ENTRY.finditer(page.read_text(encoding="utf8")):
        if entry["module"]:
            module = entry["module"]
        else:
            yield entry["name"] if entry["name"].startswith("mathlib.") else f"{module}.{entry['name']}"


def members(page):
    """The members of the classes that a page documents, by the name of the class."""
    found = MEMBERS.findall(page.read_text(encoding="utf8"))
    return {name: listed.split(", ") for name, listed in found}


def summary(name):
    """The first sentence of a docstring."""
    module = next(m for m in parents(name) if importlib.util.find_spec(m))
    text = inspect.getdoc(found(module, name.removeprefix(f"{module}."))) or ""
    return re.split(r"(?<=\.)\s", " ".join(text.split("\n\n")[0].split()))[0]


def parents(name):
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


class List(SphinxDirective):
    """``{api-list} api-nn``: what pages of the reference document, in a line each, at which old links arrive."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        names, lines = [], []
        for page in (ROOT / "book" / f"{stem}.md" for stem in self.arguments[0].split()):
            self.env.note_dependency(str(page))
            of = members(page)
            names += [[name, *(f"{name}.{m}" for m in of.get(name.split(".")[-1], []))] for name in documented(page)]
            title = re.search(r"^# (.+)$", page.read_text(encoding="utf8"), re.M)[1]
            lines += [f"[{title}]({page.name}):", ""]
            lines += [f"- {{py:obj}}`{name}`: {typeset_markdown(summary(name))}" for name in documented(page)] + [""]
        parsed = self.parse_text_to_nodes("\n".join(lines))
        items = [item for node in parsed for item in node.findall(nodes.list_item)]
        for item, ids in zip(items, names, strict=True):
            item["ids"] += ids
        return parsed


def typeset_markdown(text):
    return re.sub(r":math:`([^`]+)`", r"$\1$", typeset(text))


def setup(app):
    app.connect("config-inited", link_sources)
    app.setup_extension("sphinx.ext.linkcode")
    app.connect("autodoc-process-docstring", edit, priority=400)
    app.add_directive("api-list", List)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
