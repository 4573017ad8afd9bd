"""How the book is found and shared: addresses, a map of the site, link previews, data for search engines, a page 404.

All of it follows from one setting, ``html_baseurl`` in ``_config.yml``: the address that the book is published at. With
an empty one the book claims no address, and the page 404 takes the book for the whole host.
"""

import html
import json
import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import lean_pages
import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxRole
from sphinx.util.osutil import relative_uri

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))
from course import chapters, exercises  # noqa: E402

# Pages that have another address since, so that a link that once worked still does.
MOVED = {"book/index.html": "index.html"}

REDIRECT = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{unlisted}<meta name="description" content="{title}: the way to a page that has moved.">
<meta http-equiv="refresh" content="0; url={target}">
<main><h1><a href="{target}">{title}</a></h1></main>
</html>
"""

NOT_FOUND = """<section>
<h1>This page is not here</h1>
<p>The address has an error, or the page was never part of this book. The <a href="{first}">first page</a> lists every
chapter, the <a href="{search}">search</a> finds words, symbols and functions, and what the book contains stands beside
this text, or behind the button at the top.</p>
</section>
"""

UNLISTED = '<meta name="robots" content="noindex">\n'
LINK = re.compile(r'\b(href|src|action|data-content_root)="(?![a-z]+:|/|#)([^"]*)"')


# ── what the first page counts ──


def minutes(further=False):
    return sum((c.core + c.further if further else c.core).minutes for c in chapters().values())


COUNTED = {
    "version": lambda: citation()["version"],
    "chapters": lambda: len(chapters()),
    "exercises": lambda: len(exercises()),
    "minutes a chapter": lambda: 5 * round(minutes() / len(chapters()) / 5),
    "hours": lambda: round(minutes() / 60),
    "hours with all": lambda: round(minutes(further=True) / 60),
}


@cache
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))


class Counted(SphinxRole):
    """``{counted}`chapters```: a number that the chapters give while the book is built."""

    def run(self):
        for path in (ROOT / "CITATION.cff", *(ROOT / "book" / f"{name}.ipynb" for name in chapters())):
            self.env.note_dependency(str(path))
        return [nodes.Text(str(COUNTED[self.text]()))], []


# ── each page ──


def take_address(app, config):
    config.ogp_site_url = config.html_baseurl
    config.ogp_site_name = config.html_title


def describe(app, pagename, templatename, context, doctree):
    """Tell those who show a link the sentence that search engines show."""
    if doctree:
        given = re.search(r'name="description"[^>]*content="([^"]*)"', context["metatags"])
        given = given or re.search(r'content="([^"]*)"[^>]*name="description"', context["metatags"])
        sentence = html.unescape(given[1]) if given else lean_pages.first_paragraph(doctree)
        context["meta"] = {**(context["meta"] or {}), "og:description": sentence or context["title"]}


def add_course(app, pagename, templatename, context, doctree):
    if pagename == app.config.root_doc and app.builder.name == "html":
        data = json.dumps(course(app.config), ensure_ascii=False).replace("</", r"<\/")
        context["metatags"] += f'<script type="application/ld+json">{data}</script>\n'


def course(config):
    """The course, as schema.org describes one."""
    cited, base = citation(), config.html_baseurl
    people = {"@type": "Organization", "name": config.author, "url": cited["repository-code"]}
    free = {"inLanguage": config.language, "isAccessibleForFree": True}
    data = {
        "@context": "https://schema.org",
        "@type": "Course",
        "name": config.html_title,
        "description": " ".join(cited["abstract"].split()),
        "version": cited["version"],
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "author": people,
        "provider": people,
        "about": cited["keywords"],
        "educationalLevel": "Advanced",
        "coursePrerequisites": "Calculus, matrices, Python and NumPy",
        "offers": {"@type": "Offer", "category": "Free", "price": 0, "priceCurrency": "EUR"},
        "hasCourseInstance": {
            "@type": "CourseInstance",
            "courseMode": "Online",
            "courseWorkload": f"PT{COUNTED['hours']()}H",
        },
        "hasPart": [
            {
                "@type": "LearningResource",
                "name": chapter.title,
                "position": position,
                "timeRequired": f"PT{round(chapter.core.minutes)}M",
                **({"url": urljoin(base, f"book/{name}.html")} if base else {}),
            }
            for position, (name, chapter) in enumerate(chapters().items(), 1)
        ],
        **free,
    }
    return data | ({"url": urljoin(base, "index.html"), "image": urljoin(base, config.ogp_image)} if base else {})


# ── the site ──


def add_not_found(app):
    if app.builder.name == "html":
        body = NOT_FOUND.format(first=app.builder.get_target_uri(app.config.root_doc), search="search.html")
        yield "404", {"title": "Not found", "body": body, "metatags": UNLISTED, "pageurl": None}, "page.html"


def absolute(page, base):
    """Let the links of a page lead where they do from any depth: the host shows it at addresses that don't exist."""
    folder = urlsplit(base).path or "/"
    return LINK.sub(lambda link: f'{link[1]}="{urljoin(folder, link[2]) if link[2] else ""}"', page)


def sitemap(addresses):
    rows = "".join(f"<url><loc>{html.escape(address)}</loc></url>\n" for address in addresses)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'
    )


def write(app, exception):
    if exception or app.builder.name != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl
    not_found = out / "404.html"
    not_found.write_text(absolute(not_found.read_text(encoding="utf8"), base), encoding="utf8")
    for old, new in MOVED.items():
        page = REDIRECT.format(title=app.config.html_title, target=relative_uri(old, new), unlisted=UNLISTED)
        (out / old).write_text(page, encoding="utf8")
    if base:
        pages = [app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
        decks = [f"slides/{path.stem}.html" for path in sorted((ROOT / "lectures").glob("*.md"))]
        (out / "sitemap.xml").write_text(sitemap(urljoin(base, page) for page in pages + decks), encoding="utf8")


def setup(app):
    app.setup_extension("sphinxext.opengraph")
    app.add_role("counted", Counted())
    app.connect("config-inited", take_address)
    app.connect("html-page-context", describe, priority=400)
    app.connect("html-page-context", add_course)
    app.connect("html-collect-pages", add_not_found)
    app.connect("build-finished", write, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
