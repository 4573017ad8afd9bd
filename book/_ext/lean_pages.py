"""Pages that load fast: one stylesheet, one deferred script, nothing from another host.

The theme and the extensions bring some twenty files, of which a reader needs a tenth. Every page's head is
rewritten as it is rendered; after the build their styles are joined into ``site.css``, without the rules that no
page uses, and their scripts into ``site.js``. The icons are those in ``icons.css``. What is then no longer needed is
removed.
"""

import hashlib
import html
import re
import shutil
from pathlib import Path

import tinycss2
from docutils import nodes
from sphinx.errors import ExtensionError

HERE = Path(__file__).resolve().parent
ASSETS = HERE.parent / "_static"

# In the order of the cascade, and of execution.
STYLES = [
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "copybutton.css",
    "mystnb.*.css",
    "exercise.css",
    "proof.css",
    "sphinx-design.min.css",
    "katex.css",
    "figures.css",
    "icons.css",
    "book.css",
    "front.css",
]
SCRIPTS = [
    "documentation_options.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "scripts/pydata-sphinx-theme.js",
    "explorable.js",
    "live.js",
    "exercises.js",
    "terms.js",
    "print.js",
]
SEARCH_SCRIPTS = [
    "doctools.js",
    "sphinx_highlight.js",
    "searchtools.js",
    "language_data.js",
    "../searchindex.js",
]
SUPERFLUOUS = [
    *["auto-render.min.js", "copybutton_funcs.js", "design-tabs.js", "file.png", "images", "locales", "minus.png"],
    *["play-solid.svg", "plus.png", "sbt-webpack-macros.html", "scripts", "slides.css", "sphinx-thebe.css"],
    *["sphinx-thebe.js", "styles", "togglebutton.css", "togglebutton.js", "vendor", "webpack-macros.html"],
]

# The theme lays out every code block as soon as a page is there, half a second on a phone. explorable.js
# measures each when it comes near the view.
MEASURE_ALL = '"complete"===document.readyState?I():window.addEventListener("load",I)'

# Before the first paint, so that a dark page doesn't flash.
SET_THEME = """<script>{
  const root = document.documentElement.dataset;
  root.mode = localStorage.getItem("mode") || "auto";
  const dark = root.mode === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.mode === "dark";
  root.theme = dark ? "dark" : "light";
}</script>
<noscript><style>.pst-js-only, .controls { display: none !important; }</style></noscript>
"""

# Roles that ARIA doesn't allow where the writers put them, one that it misses, labels that say less than the text they
# replace, and ids that occur once a proof.
MARKUP = [
    ('<div role="list" class="citation-list">', '<div class="citation-list">'),
    (' role="doc-biblioentry"', ""),
    ('<div id="pst-primary-sidebar" ', '<div id="pst-primary-sidebar" role="region" aria-label="Book" '),
    (' aria-label="Toggle hidden content"', ""),
    ('title="Search" aria-label="Search"', 'title="Search"'),
    ('class="proof admonition" id="proof"', 'class="proof admonition unnumbered"'),
    *((f' id="{kind}-content"', "") for kind in ("proof", "exercise")),
]

# Names, punctuation and spaces of code have the colour of the rest, and are a fifth of all elements.
PLAIN = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')

NESTING = ("media", "supports")


def digest_assets(app, config):
    """Rewrite the pages when what they are made with has changed."""
    found = sorted(path for folder in (HERE, ASSETS) for path in folder.rglob("*.*") if path.is_file())
    files = [path for path in found if path.suffix != ".pyc" and ".ruff_cache" not in path.parts]
    config.assets_digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:8]


# ── one page ──


def make_pages_lean(app):
    if app.builder.name == "html":
        render = app.builder.templates.render
        app.builder.templates.render = lambda template, context: lean(render(template, context), context)


def lean(page, context):
    if "</head>" not in page:
        return page
    page = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    page = re.sub(r'<link [^>]*rel="(?:stylesheet|preload)"[^>]*>\s*', "", page)
    page = re.sub(r"<script(?![^>]*application/(?:ld\+)?json)[^>]*>.*?</script>\s*", "", page, flags=re.DOTALL)
    page = re.sub(r"<noscript>.*?</noscript>\s*", "", page, flags=re.DOTALL)
    page = re.sub(r'<meta name="(?:viewport|docsearch)[^>]*>\s*', "", page)
    for wrong, right in MARKUP:
        page = page.replace(wrong, right)
    page = PLAIN.sub(r"\1", page)
    # What may be wider than the page; explorable.js takes it back from what is not.
    page = re.sub(r'<pre(?=[ >])|<div class="(?:equation|pst-scrollable-table-container)"', r'\g<0> tabindex="0"', page)
    static = context["pathto"]("_static/", 1)
    version = context["assets_digest"]
    scripts = [f"site.js?v={version}"] + (SEARCH_SCRIPTS if context["pagename"] == "search" else [])
    head = [
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        SET_THEME.strip(),
        f'<link rel="stylesheet" href="{static}site.css?v={version}">',
        *(f'<script defer src="{static}{script}"></script>' for script in scripts),
    ]
    return page.replace('<meta charset="utf-8" />', "\n".join(['<meta charset="utf-8">', *head]), 1)


def describe(app, pagename, templatename, context, doctree):
    """Give each page the description that search engines show: its first paragraph without formulas."""
    context["assets_digest"] = app.config.assets_digest
    if 'name="description"' not in context.get("metatags", ""):
        text = first_paragraph(doctree) or f"{context.get('title', pagename)}: {app.config.html_title}"
        context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{html.escape(text)}">\n'


def first_paragraph(doctree):
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        if isinstance(paragraph.parent, nodes.section) and not list(paragraph.findall(nodes.math)):
            return shorten(paragraph.astext())
    return ""


def shorten(text, limit=160):
    words = " ".join(text.split())
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"


# ── all pages ──


def join_assets(app, exception):
    out = Path(app.outdir)
    static = out / "_static"
    if exception or app.builder.name != "html" or not (static / "styles").exists():
        return  # Sphinx copies the assets only when it has written a page
    script = ";\n".join(read(static / name) for name in SCRIPTS)
    if script.count(MEASURE_ALL) != 1:
        raise ExtensionError("lean_pages: the theme's script has changed; adapt MEASURE_ALL to it")
    script = re.sub(r"//# sourceMappingURL.*", "", script.replace(MEASURE_ALL, "0"))
    (static / "site.js").write_text(script, encoding="utf8")

    users = [static / "site.js", *out.glob("*.html"), *out.glob("book/**/*.html"), *out.glob("_frames/**/*.js")]
    sheets = [path for pattern in STYLES for path in sorted(static.glob(pattern))]
    css = join_styles(map(read, sheets), " ".join(map(read, users)))
    (static / "site.css").write_text(css, encoding="utf8")

    for name in {*SUPERFLUOUS, *SCRIPTS, *(str(path.relative_to(static)) for path in sheets)}:
        path = static / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def read(path):
    return path.read_text(encoding="utf8")


def join_styles(sheets, users):
    """One stylesheet, without comments and without the rules and variables that `users` have no use for."""
    words = set(re.findall(r"[\w-]+", users))
    rules = [rule for sheet in sheets for rule in parse(sheet) if is_used(rule, words)]
    before = None
    while before != (css := "".join(map(to_text, rules))):
        before = css
        drop_variables(rules, keep=set(re.findall(r"var\(\s*(--[\w-]+)", css + users)))
    return css


def drop_variables(rules, keep):
    for rule in qualified(rules):
        rule.content = [
            d for d in rule.content if d.type != "declaration" or not d.name.startswith("--") or d.name in keep
        ]


def parse(css):
    """The rules of a stylesheet; those inside a media query as the query's content."""
    rules = tinycss2.parse_rule_list(css, skip_comments=True, skip_whitespace=True)
    for rule in rules:
        if rule.type == "qualified-rule":
            rule.content = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTING:
            rule.content = parse(rule.content)
    return rules


def qualified(rules):
    for rule in rules:
        if rule.type == "qualified-rule":
            yield rule
        elif rule.lower_at_keyword in NESTING:
            yield from qualified(rule.content)


def is_used(rule, words):
    if rule.type == "qualified-rule":
        return any(words.issuperset(names(selector)) for selector in selectors(rule.prelude))
    if rule.lower_at_keyword in NESTING:
        rule.content = [inner for inner in rule.content if is_used(inner, words)]
        return bool(rule.content)
    return rule.lower_at_keyword != "import" and "fontawesome" not in tinycss2.serialize(rule.content or [])


def selectors(prelude):
    """Split at the commas. Those inside ``:is(...)`` are not at this level."""
    selector = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def names(selector):
    """The classes and ids that must exist for the selector to match; what ``:not(...)`` and the like hold need not."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" or (token.type == "ident" and before == "."):
            yield token.value


def to_text(rule):
    if rule.type == "qualified-rule":
        body = ";".join(d.serialize().strip() for d in rule.content)
        return f"{tinycss2.serialize(rule.prelude).strip()}{{{body}}}\n" if body else ""
    if rule.lower_at_keyword in NESTING:
        body = "".join(map(to_text, rule.content))
        return f"@{rule.at_keyword} {tinycss2.serialize(rule.prelude).strip()}{{{body}}}\n" if body else ""
    return rule.serialize() + "\n"


def setup(app):
    app.add_config_value("assets_digest", "", "html")
    app.connect("config-inited", digest_assets)
    app.connect("builder-inited", make_pages_lean)
    app.connect("html-page-context", describe, priority=900)
    app.connect("build-finished", join_assets, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
