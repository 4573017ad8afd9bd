"""``{moving-figures}`` lists the figures of all chapters that move, each with its number, its caption and a link."""

import json

from docutils import nodes
from figures import Picture, inline
from numbering import chapter
from sphinx.util.docutils import SphinxDirective

PAGE = "book/figures"


class FigureList(nodes.General, nodes.Element):
    """Where the list goes, when all pages are read."""


class MovingFigures(SphinxDirective):
    def run(self):
        return [FigureList()]


def note_figures(app, doctree):
    moving = [node["data"] for node in doctree.findall(Picture) if node["data"]["sliders"]]
    found = [[data["id"], data["caption"]] for data in moving]
    app.env.metadata[app.env.docname]["moving"] = json.dumps(found)


def write_list(app, doctree, docname):
    for place in list(doctree.findall(FigureList)):
        place.replace_self([node for name in sorted(filter(chapter, app.env.metadata)) for node in of(app, name)])


def of(app, name):
    """The list of one chapter, under its title."""
    uri = app.builder.get_relative_uri(PAGE, name)
    title = f"{'.'.join(map(str, chapter(name)))} {app.env.titles[name].astext()}"
    yield nodes.paragraph("", "", nodes.strong("", "", nodes.reference("", title, internal=True, refuri=uri)))
    numbers = app.env.toc_fignumbers[name]["figure"]
    items = nodes.bullet_list()
    for figure, caption in json.loads(app.env.metadata[name]["moving"]):
        number = f"Figure {'.'.join(map(str, numbers[figure]))}"
        link = nodes.reference("", number, internal=True, refuri=f"{uri}#{figure}")
        items += nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(". "), *inline(caption)))
    yield items


def setup(app):
    app.add_node(FigureList)
    app.add_directive("moving-figures", MovingFigures)
    app.connect("doctree-read", note_figures)
    app.connect("env-updated", lambda app, env: [PAGE])
    app.connect("doctree-resolved", write_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
