"""A chapter links each term of the glossary where it first uses it, and shows there what the term means.

Where the author has linked a term with ``{term}``, that is the link; otherwise its first plain use becomes one. The
definitions are taken from the built glossary and put into ``_static/definitions.js``, which ``terms.js`` loads when a
reader first asks for one.
"""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx import addnodes

GLOSSARY = "book/glossary"
ENTRY = re.compile(r"^(\S.*)\n  \S", re.MULTILINE)

# What does not end in an s where it is more than one.
PLURALS = {"basis": "bases", "dual basis": "dual bases"}
# Words that also mean something else: before such words they are not the term.
NOT_BEFORE = {
    "unit": "circle|vector|sphere|disc|ball|square|step|cost|matrix|length|norm|variance|roundoff|in the last",
    "basis": "of this|of that",
    "tape": "measure",
}
# In these chapters a unit is one of a layer, or a force of one.
NOT_IN_CHAPTERS = {"unit": ("1-1", "1-2", "3-2", "4-1")}
# Linked by their author alone, as everyday words.
BY_HAND = {"sharp", "pairing", "channel", "temperature", "tangent", "trace", "guard", "pass"}

# Where no term is linked.
NOT_IN = (
    nodes.title,
    nodes.rubric,
    nodes.caption,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    addnodes.pending_xref,
    nodes.thead,
)


def terms(app):
    """The terms, each with what finds it."""
    source = Path(app.env.doc2path(GLOSSARY)).read_text(encoding="utf8")
    found = ENTRY.findall(source.partition("{glossary}")[2])
    return {term: pattern(term) for term in found if term not in BY_HAND}


def pattern(term):
    words = f"{re.escape(term)}s?|{PLURALS.get(term, term)}"
    other = rf"(?! (?:{NOT_BEFORE[term]}))" if term in NOT_BEFORE else ""
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-]){other}", re.IGNORECASE)


def link_terms(app, doctree):
    if Path(app.env.doc2path(app.env.docname)).suffix != ".ipynb":
        return
    app.env.note_dependency(app.env.doc2path(GLOSSARY))
    linked = {xref["reftarget"].lower() for xref in doctree.findall(addnodes.pending_xref) if xref["reftype"] == "term"}
    here = Path(app.env.docname).name
    missing = {
        term: found
        for term, found in terms(app).items()
        if term.lower() not in linked and not here.startswith(NOT_IN_CHAPTERS.get(term, ()))
    }
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, nodes.TextElement) and not is_in(text, NOT_IN) and not is_cell(text):
            text.parent.replace(text, list(linked_text(text.astext(), missing, app.env.docname)))


def is_in(node, kinds):
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def is_cell(node):
    while node := node.parent:
        if "cell" in node.get("classes", []):
            return True
    return False


def linked_text(text, missing, docname):
    """Yield the nodes for a text. The first use of each missing term is a link; what is linked is missing no more."""
    found = [(match.start(), -match.end(), term) for term, p in missing.items() for match in [p.search(text)] if match]
    at = 0
    for start, end, term in sorted(found):
        if start >= at:
            yield nodes.Text(text[at:start])
            at = -end
            del missing[term]
            word = text[start:at]
            link = {"refdomain": "std", "reftype": "term", "reftarget": term, "refexplicit": True, "refdoc": docname}
            shown = nodes.inline(word, word, classes=["xref", "std", "std-term"])
            yield addnodes.pending_xref(word, shown, refwarn=True, **link)
    yield nodes.Text(text[at:])


# ── what they mean ──


def definitions(page):
    """The definition of each term by the id of its place in the glossary, as HTML for a page beside it."""
    for term in BeautifulSoup(page, "html.parser").select("dl.glossary > dt[id]"):
        meaning = term.find_next_sibling("dd")
        for link in meaning.select('a[href^="#"]'):
            link["href"] = f"glossary.html{link['href']}"
        yield term["id"], "".join(paragraph.decode_contents() for paragraph in meaning.find_all("p"))


def write_definitions(app, exception):
    if not exception and app.builder.name == "html":
        out = Path(app.outdir)
        found = dict(definitions((out / f"{GLOSSARY}.html").read_text(encoding="utf8")))
        text = json.dumps(found, ensure_ascii=False)
        (out / "_static" / "definitions.js").write_text(f"window.definitions = {text};\n", encoding="utf8")


def setup(app):
    app.connect("doctree-read", link_terms)
    app.connect("build-finished", write_definitions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
