"""Sections that a reader may skip: one whose heading begins with "Further: " is folded, and says how long it takes.

The heading is the summary of a ``<details>``, and stays a heading. Labels and ids stay where they are, at the section;
``explorable.js`` opens the fold that a link leads to or into, and print shows it open.
"""

import sys
from pathlib import Path

import nbformat
from docutils import nodes

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import minutes


def is_further(node):
    return isinstance(node, nodes.section) and node[0].astext().startswith(minutes.FURTHER)


def mark(app, doctree):
    """Mark the further sections; those that are in no other get their minutes."""
    found = list(doctree.findall(is_further))
    for section in found:
        section["further"] = ""
    path = Path(app.env.doc2path(app.env.docname))
    if found and path.suffix == ".ipynb":
        amounts = minutes.further_sections(nbformat.read(path, as_version=4))
        for section, amount in zip(filter(is_outermost, found), amounts, strict=False):
            section["further"] = f"{max(1, round(amount.minutes))} min"


def is_outermost(section):
    parent = section.parent
    while parent and "further" not in parent:
        parent = parent.parent
    return not parent


# ── how it is written ──


def visit_section(self, node):
    type(self).visit_section(self, node)
    if "further" in node:
        self.body.append('<details class="further"><summary>\n')


def depart_section(self, node):
    if "further" in node:
        self.body.append("</details>\n")
    type(self).depart_section(self, node)


def visit_title(self, node):
    type(self).visit_title(self, node)


def depart_title(self, node):
    type(self).depart_title(self, node)
    if "further" in node.parent:
        minutes = node.parent["further"]
        self.body.append(f'<span class="minutes">{minutes}</span>' if minutes else "")
        self.body.append("</summary>\n")


def setup(app):
    app.connect("doctree-read", mark)
    app.add_node(nodes.section, override=True, html=(visit_section, depart_section))
    app.add_node(nodes.title, override=True, html=(visit_title, depart_title))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
