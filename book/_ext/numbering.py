"""Chapters have numbers, and what they count is numbered by chapter: Figure 6.3.2 is the second one of chapter 6.3.

The number of a chapter is in its file's name: ``6-3-the-verdict``. Sphinx would count the chapters through, or anew in
each part.
"""

import re

from sphinx_external_toc.collectors import TocTreeCollectorWithStyles

NAME = re.compile(r"(?:.*/)?(\d+)-(\d+)-[^/]*")


def chapter(docname):
    """The number of a chapter, as a pair; of another page, nothing."""
    match = NAME.fullmatch(docname)
    return tuple(map(int, match.groups())) if match else ()


def assign_section_numbers(self, env):
    """Number the titles of chapters, and no heading below them."""
    before, env.toc_secnumbers = env.toc_secnumbers, {}
    for docname, toc in env.tocs.items():
        if number := chapter(docname):
            title, *sections = list(toc.findall(lambda node: "anchorname" in getattr(node, "attributes", {})))
            env.toc_secnumbers[docname] = {"": number, **{section["anchorname"]: () for section in sections}}
            title["secnumber"] = env.titles[docname]["secnumber"] = number
    return [name for name, numbers in env.toc_secnumbers.items() if numbers != before.get(name)]


def title_on_paper(app, pagename, templatename, context, doctree):
    """Number the title that the theme prints above the contents."""
    if number := chapter(pagename):
        context["pagetitle"] = f"{'.'.join(map(str, number))} {context['pagetitle']}"


def setup(app):
    TocTreeCollectorWithStyles.assign_section_numbers = assign_section_numbers
    app.connect("html-page-context", title_on_paper, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
