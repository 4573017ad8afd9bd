"""The slides take figures from the book, and the book links to its slides.

A deck shows a chapter's figure, which moves as it does there, with its caption or another and a link to its place::

    ```{figure-of} book/complex-step#error-against-step
    :caption: What to say instead.
    ```

The stills lie in ``_build/stills``: build the book first. Each slide ends in what its speaker needs, after the minutes
that it takes in a lecture of fifty minutes and in one of twenty-five, where 0 leaves it out::

    ```{notes} 3 2
    Ask first: ...
    ```

What comes step by step is made of fragments::

    ```{fragment}
    $$
    x = 1
    $$
    ```

A chapter links to a deck of ``lectures/``::

    {deck}`the slides <complex-step>`
"""

import json
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from figures import figure_node
from sphinx.util.docutils import ReferenceRole, SphinxDirective
from sphinx.util.osutil import relative_uri
from sphinx.writers.html5 import HTML5Translator

ROOT = Path(__file__).resolve().parents[2]


class FigureOf(SphinxDirective):
    required_arguments = 1
    option_spec = {"caption": directives.unchanged}  # noqa: RUF012, docutils' form

    def run(self):
        docname, _, name = self.arguments[0].partition("#")
        path = ROOT / "_build" / "stills" / docname / f"fig-{name}.json"
        self.env.note_dependency(str(path))
        if not path.exists():
            raise self.error(
                f"{docname} has no figure {name!r}, or the book isn't built: {path.relative_to(ROOT)} is missing"
            )
        data = json.loads(path.read_text(encoding="utf8")) | self.options
        if data["id"] in self.env.temp_data.setdefault("figures", set()):
            raise self.error(f"this deck has two figures {name!r}: their frames have one name")
        self.env.temp_data["figures"].add(data["id"])
        figure = figure_node(data, docname)
        figure["ids"] = [data["id"]]  # explorable.js finds its frames by it
        place = f"../{docname}.html#{data['id']}"
        figure[-1] += [nodes.Text(" "), nodes.reference("", "In the chapter", refuri=place, classes=["place"])]
        self.set_source_info(figure)
        return [figure]


class Notes(SphinxDirective):
    """What the speaker sees, with the minutes of the slide on both paths; start.js reads them."""

    required_arguments = 2
    has_content = True

    def run(self):
        long, short = (directives.nonnegative_int(minutes) for minutes in self.arguments)
        if long < max(1, short):
            raise self.error(f"{long} minutes, {short} on the short path: a slide takes one at least, and fewer there")
        notes = nodes.container(classes=["notes"])
        way = f"{short} on the short path" if short else "not on the short path"
        notes += nodes.paragraph("", "", nodes.strong("", f"{long} min; {way}."))
        self.state.nested_parse(self.content, self.content_offset, notes)
        opening = f'<aside class="notes" data-minutes="{long}" data-short="{short}">'
        return [nodes.raw("", opening, format="html"), *notes.children, nodes.raw("", "</aside>", format="html")]


class Fragment(SphinxDirective):
    has_content = True

    def run(self):
        box = nodes.container(classes=["fragment"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class Deck(ReferenceRole):
    def run(self):
        source = ROOT / "lectures" / f"{self.target}.md"
        if not source.exists():
            message = self.inliner.reporter.error(f"there is no deck {source.relative_to(ROOT)}", line=self.lineno)
            return [], [message]
        here = self.env.app.builder.get_target_uri(self.env.docname)
        return [nodes.reference("", self.title, refuri=relative_uri(here, f"slides/{self.target}.html"))], []


def visit_code(self, node):
    HTML5Translator.visit_literal_block(self, node)


def setup(app):
    app.setup_extension("figures")
    # Coloured while building: the slides need no highlighter of their own.
    app.add_node(nodes.literal_block, override=True, revealjs=(visit_code, None))
    app.add_directive("figure-of", FigureOf)
    app.add_directive("notes", Notes)
    app.add_directive("fragment", Fragment)
    app.add_role("deck", Deck())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
