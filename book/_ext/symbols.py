"""The search finds symbols: those of the page of notation, and the letters of all formulas.

A reader types ``η``, ``H v`` or ``s^T y``. Each row of the notation's table is indexed under the ways to type its
symbols and under its names in code; of formulas elsewhere the letters are words.
"""

import re
import unicodedata
from itertools import chain

from docutils import nodes
from sphinx import addnodes

NOTATION = "book/notation"

# Commands that are not the names of Greek letters in Unicode.
UNLIKE = {"eps": "ε", "varepsilon": "ε", "varphi": "φ", "lambda": "λ", "Lambda": "Λ", "ell": "ℓ", "cdot": "·"}
UNLIKE |= {"odot": "⊙", "sharp": "♯", "top": "⊤", "nabla": "∇", "partial": "∂"}
UNLIKE |= {name: name for name in ("d", "i", "e", "Re", "Im")}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "dot": "\u0307", "tilde": "\u0303"}
COMMAND = re.compile(r"\\([A-Za-z]+)\s*|\\.")
ACCENTED = re.compile(r"\\(hat|bar|dot|tilde)\s*\{?(\\?\w+)\}?")


def letter(command):
    """The character that a command of LaTeX stands for, or nothing."""
    if command in UNLIKE:
        return UNLIKE[command]
    size = "CAPITAL" if command[:1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {command}")
    except KeyError:
        return ""


def plain(latex):
    """A formula as it would be typed, on one line."""
    latex = ACCENTED.sub(lambda m: unicodedata.normalize("NFC", f"{plain(m[2])}{ACCENTS[m[1]]}"), latex)
    typed = COMMAND.sub(lambda m: letter(m[1] or ""), latex)
    return " ".join(re.sub(r"[{}$&~]", "", typed).split())


def ways(latex):
    """The ways to type a symbol."""
    typed = plain(latex)
    yield typed
    yield typed.replace(" ", "")
    yield re.sub(r"[\^_]", "", typed)
    if re.fullmatch(r"\w \w|\w\w", typed):
        yield f"{typed[0]} {typed[-1]}"
    if product := re.fullmatch(r"(\w) ?· ?(\w)", typed):
        yield from (f"{product[1]}{between}{product[2]}" for between in ("^T ", "^T", "ᵀ", "⊤", " "))
    for accent, mark in ACCENTS.items():
        if mark in unicodedata.normalize("NFD", typed):
            yield f"{unicodedata.normalize('NFD', typed).replace(mark, '')} {accent}"


def index_rows(app, doctree):
    """Index each row of the table of notation under its symbols and its names in code."""
    if app.env.docname == NOTATION:
        for number, row in enumerate(chain.from_iterable(body.children for body in doctree.findall(nodes.tbody)), 1):
            row["ids"].append(f"symbol-{number}")
            names = {way for formula in row[0].findall(nodes.math) for way in ways(formula.astext())}
            names |= {code.astext() for code in row[1].findall(nodes.literal)}
            entries = [("single", name, row["ids"][-1], "main", None) for name in sorted(names)]
            row[0].insert(0, addnodes.index(entries=entries))


def read_anew(app, env, added, changed, removed):
    """Read the notation whenever a page is read: Sphinx's search forgets the entries of pages that it keeps."""
    return [NOTATION] if added or changed or removed else []


def setup(app):
    app.connect("doctree-read", index_rows)
    app.connect("env-get-outdated", read_anew)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
