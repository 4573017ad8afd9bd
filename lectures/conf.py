"""The slide decks: MyST sources, rendered to reveal.js, with the book's figures, mathematics and bibliography.

Build the book first, then ``sphinx-build -b revealjs -d _build/.doctrees-slides lectures _build/html/slides``.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

project = html_title = "Second-Order"
author = "The Second-Order authors"
language = "en"
extensions = ["myst_parser", "sphinx_revealjs", "sphinxcontrib.bibtex", "built_math", "figures", "decks"]
myst_enable_extensions = [
    "amsmath",
    "attrs_block",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
    "smartquotes",
]
bibtex_bibfiles = [str(ROOT / "book" / "references.bib")]
bibtex_reference_style = "author_year"

html_favicon = str(ROOT / "book" / "_static" / "favicon.svg")
templates_path = ["_templates"]
pygments_style = "a11y-high-contrast-light"

revealjs_style_theme = "white"
revealjs_static_path = ["_static", str(ROOT / "book" / "_static")]
revealjs_css_files = ["pygments.css", "katex.css", "figures.css", "slides.css"]
revealjs_script_files = []  # the page loads reveal.js without being told
