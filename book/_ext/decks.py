"""The slides take figures from the book, and the book links to its slides.

A deck shows a chapter's figure as a still, with its caption or another::

    ```{figure-of} book/complex-step#error-against-step
    :caption: What to say instead.
    ```

The stills lie in ``_build/stills``: build the book first. A chapter links to a deck of ``lectures/``::

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
        figure = figure_node(json.loads(path.read_text(encoding="utf8")) | self.options)
        self.set_source_info(figure)
        return [figure]


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
    app.add_role("deck", Deck())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
