"""Exercises and quizzes as a reader does them: folded hints and solutions, marked answers, counts.

A chapter writes them as CONTRIBUTING says. Here ``<details>`` becomes a node, into which the cells of a solution go;
the reason that an answer of a quiz opens to is marked right or wrong by its first sign. What is done
``exercises.js`` counts, in the reader's browser; how many there are in all, the index page carries as JSON.
"""

import html
import json
import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node

OPEN = re.compile(r"<details><summary>(Hint|Solution)</summary>\s*")
CLOSE = "</details>"
SIGNS = {"✓": "right", "✗": "wrong"}


class Folded(nodes.General, nodes.Element):
    """A hint or a solution, closed until it is asked for."""


class Fold(SphinxTransform):
    """Make one node of what stands between ``<details>`` and ``</details>``, and of a solution's cells after it."""

    default_priority = 400

    def apply(self, **kwargs):
        for raw in list(self.document.findall(nodes.raw)):
            if opening := OPEN.fullmatch(raw.astext()):
                fold(raw, opening[1])


def fold(raw, title):
    parent = raw.parent
    first = parent.index(raw)
    end = next(i for i in range(first, len(parent)) if parent[i].astext().strip() == CLOSE)
    last = end + 1
    while title == "Solution" and last < len(parent) and has_tag(parent[last], "exercise-solution"):
        last += 1
    content = [*parent[first + 1 : end], *parent[end + 1 : last]]
    parent[first:last] = [Folded("", *content, title=title)]


def has_tag(node, tag):
    return f"tag_{tag}" in getattr(node, "get", lambda *_: [])("classes", [])


class MarkAnswers(SphinxTransform):
    """Mark the answers of a quiz by the sign with which their reasons begin."""

    default_priority = 400

    def apply(self, **kwargs):
        for dropdown in self.document.findall(nodes.container):
            if dropdown.get("design_component") != "dropdown":
                continue
            reason = next(dropdown.findall(nodes.paragraph), None)
            text = reason and next(reason.findall(nodes.Text), None)
            if text and text.astext()[:1] in SIGNS:
                sign, rest = text.astext()[:1], text.astext()[1:]
                text.parent.replace(text, [nodes.inline(sign, sign, classes=["quiz-sign"]), nodes.Text(rest)])
                dropdown["container_classes"] += ["quiz", f"quiz-{SIGNS[sign]}"]


# ── how it is written ──


def visit_html(self, node):
    title = node["title"]
    self.body.append(
        f'<details class="admonition folded {title.lower()}"><summary class="admonition-title">{title}</summary>\n'
    )


def depart_html(self, node):
    self.body.append("</details>\n")


def visit_other(self, node):
    node.insert(0, nodes.paragraph("", "", nodes.strong("", node["title"])))


def depart_other(self, node):
    pass


# ── counts ──


def count(app, doctree):
    """Note how many exercises and questions a page has."""
    exercises = [*doctree.findall(exercise_node), *doctree.findall(exercise_enumerable_node)]
    right = [n for n in doctree.findall(nodes.container) if "quiz-right" in n.get("container_classes", [])]
    if exercises:
        app.env.metadata[app.env.docname]["counts"] = json.dumps([len(exercises), len(right)])


def carry_counts(app, pagename, templatename, context, doctree):
    if app.builder.name == "html" and pagename == app.config.root_doc:
        counts = {name: json.loads(data["counts"]) for name, data in app.env.metadata.items() if "counts" in data}
        text = html.escape(json.dumps(counts), quote=False)
        context["body"] += f'<script type="application/json" class="counts">{text}</script>\n'


def setup(app):
    app.setup_extension("sphinx_exercise")
    other = (visit_other, depart_other)
    app.add_node(Folded, html=(visit_html, depart_html), latex=other, text=other)
    app.add_transform(Fold)
    app.add_transform(MarkAnswers)
    app.connect("doctree-read", count)
    app.connect("html-page-context", carry_counts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
