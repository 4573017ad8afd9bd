"""The ways to the previous and the next page name the part that they lead to, where it is another one."""

import html
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def parts():
    """The part that each page is in."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    return {page["file"]: part["caption"] for part in contents["parts"] for page in part["chapters"]}


def name_parts(app, pagename, templatename, context, doctree):
    of = parts()
    for way, there in zip(("prev", "next"), app.builder.relations.get(pagename, [None] * 3)[1:], strict=True):
        if there and of.get(there) != of.get(pagename) and there in of:
            name = html.escape(of[there])
            context[way]["title"] = f'<span class="part">{name}:</span> {context[way]["title"]}'


def setup(app):
    app.connect("html-page-context", name_parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
