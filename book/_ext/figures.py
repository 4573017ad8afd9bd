"""Figures made by `mathlib.show.explorable`, on pages and on slides.

While the book is built a kernel hands a figure over as JSON. Here it becomes a numbered figure with the still
as inline SVG and, if it moves, one native range input per slider. All frames go into one script,
``_frames/<page>/<id>.js``, which ``explorable.js`` loads when the reader comes near: a script and not a fetch,
because a book opened from the disk may not fetch.

The stills are kept beside the built book, in ``_build/stills``, for the slides, which move by the same frames; see
``decks.py``.
"""

import html
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

MAX_BYTES = 250_000
FROM_KERNEL = re.compile(r'\s*<script type="application/json" class="explorable">(.*)</script>\s*', re.DOTALL)
INLINE = re.compile(r"\$(?P<math>[^$]+)\$|`(?P<literal>[^`]+)`|\*(?P<emphasis>[^*]+)\*")


class Picture(nodes.Element):
    """The still, and the controls that move it."""


class FiguresFromKernel(SphinxTransform):
    default_priority = 400

    def apply(self, **kwargs):
        for raw in list(self.document.findall(nodes.raw)):
            handed_over = FROM_KERNEL.fullmatch(raw.astext())
            if handed_over:
                data = json.loads(handed_over[1])
                figure = figure_node(data, docname=self.env.docname)
                figure["names"] = [data["id"]]
                raw.replace_self(figure)
                self.document.note_explicit_target(figure, figure)


def figure_node(data, docname=None):
    figure = nodes.figure("", classes=["explorable"])
    figure += Picture("", data=data, docname=docname)
    figure += nodes.caption(data["caption"], "", *inline(data["caption"]))
    return figure


def inline(text):
    """Nodes for a caption, in which ``$x$``, ```f``` and ``*h*`` mean what they do in Markdown."""
    at = 0
    for match in INLINE.finditer(text):
        yield nodes.Text(text[at : match.start()])
        yield getattr(nodes, match.lastgroup)(match[0], match[match.lastgroup])
        at = match.end()
    yield nodes.Text(text[at:])


def visit_picture(self, node):
    data = node["data"]
    alt = html.escape(data["alt"])
    self.body.append(f'<div class="picture" role="img" aria-label="{alt}">{data["still"]}</div>\n')
    target = f"_frames/{node['docname']}/{data['id']}.js"
    if self.builder.name == "html":
        keep_still(Path(self.builder.outdir).parent, node["docname"], data)
        if "frames" in data:
            write_frames(Path(self.builder.outdir), target, data)
    if data["sliders"]:
        folder = "slides/" if self.builder.name == "revealjs" else ""  # the decks are built into a folder of the book
        here = folder + self.builder.get_target_uri(self.builder.current_docname)
        self.body.append(controls(data, relative_uri(here, target)))
    raise nodes.SkipNode


def keep_still(build, docname, data):
    kept = {key: data[key] for key in ("id", "caption", "alt", "still", "sliders")}
    write(build / "stills" / docname / f"{data['id']}.json", json.dumps(kept))


def controls(data, source):
    rows = "".join(
        f"<label><span>{html.escape(s['label'])}</span>"
        f'<input type="range" min="0" max="{len(s["readouts"]) - 1}" value="{s["default"]}" autocomplete="off" '
        f'aria-valuetext="{html.escape(s["readouts"][s["default"]])}" '
        f'data-readouts="{html.escape(json.dumps(s["readouts"], ensure_ascii=False))}">'
        f"<output>{html.escape(s['readouts'][s['default']])}</output></label>"
        for s in data["sliders"]
    )
    play = f'<button type="button" aria-label="Play: {html.escape(data["sliders"][0]["label"])}"></button>'
    return f'<div class="controls" data-frames="{source}">{play}{rows}</div>\n'


def write_frames(outdir, target, data):
    frames = json.dumps(data["frames"], separators=(",", ":"), ensure_ascii=False)
    script = f'(window.explorables??={{}})["{data["id"]}"]={frames};\n'
    if len(script.encode()) > MAX_BYTES:
        logger.warning(
            "%s: the frames of %s take %d kB, more than %d: draw fewer points or positions",
            Path(target).parent,
            data["id"],
            len(script.encode()) // 1000,
            MAX_BYTES // 1000,
        )
    write(outdir / target, script)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf8")


def skip(self, node):
    raise nodes.SkipNode


def setup(app):
    app.add_node(Picture, html=(visit_picture, None), latex=(skip, None), text=(skip, None), man=(skip, None))
    app.add_transform(FiguresFromKernel)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
