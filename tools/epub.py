"""Make an EPUB of the built book, _build/html/second-order.epub: formulas in MathML, figures as stills."""

import hashlib
import re
import zipfile
from html import escape
from pathlib import Path

from printed import HTML, ROOT, about, open_book, parts

TARGET = HTML / "second-order.epub"
SCRIPT, STYLE = Path(__file__).with_suffix(".js"), Path(__file__).with_suffix(".css")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same file for the same book

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>{title}</title><link rel="stylesheet" href="style.css"/></head>
<body>{body}</body>
</html>
"""
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{identifier}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:language>en</dc:language>
<dc:creator>{author}</dc:creator>
<dc:rights>CC BY 4.0; code: MIT</dc:rights>
<meta property="dcterms:modified">{modified}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Every figure has a description, every formula is MathML.</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="style" href="style.css" media-type="text/css"/>
{manifest}
</manifest>
<spine>
{spine}
</spine>
</package>
"""


def light():
    """The colours of the figures on light paper, by their names."""
    css = (ROOT / "book" / "_static" / "figures.css").read_text(encoding="utf8")
    return dict(re.findall(r"(--fig-\w+): (#\w+);", css[: css.index("}")]))


def coloured(svg):
    """An SVG on its own has no page to take its colours from."""
    colours = light()
    return re.sub(r"var\((--fig-\w+)\)", lambda match: colours[match[1]], svg)


def item(name, contents):
    kind = {".svg": "image/svg+xml", ".xhtml": "application/xhtml+xml"}[Path(name).suffix]
    properties = ' properties="mathml"' if "<math" in contents else ""
    return f'<item id="x-{name.replace("/", "-")}" href="{name}" media-type="{kind}"{properties}/>'


def navigation(described, parts, contents):
    def chapter(name):
        inner = "".join(
            f'<li><a href="{name}.xhtml#{anchor}">{escape(title)}</a></li>'
            for anchor, title in contents[name]["sections"]
        )
        below = f"<ol>{inner}</ol>" if inner else ""
        return f'<li><a href="{name}.xhtml">{escape(contents[name]["title"])}</a>{below}</li>'

    rows = "".join(
        f"<li><span>{escape(part.title)}</span><ol>{''.join(map(chapter, part.pages))}</ol></li>" for part in parts
    )
    last = '<li><a href="solutions.xhtml">Hints, solutions, reasons</a></li>'
    body = f'<nav epub:type="toc"><h1>Contents</h1><ol>{rows}{last}</ol></nav>'
    return PAGE.format(title=escape(described["title"]), body=body)


def files(described, parts, made):
    """The book's files, by their names."""
    cover = f"<h1>{escape(described['title'])}</h1>" + "".join(f"<p>{escape(line)}</p>" for line in described["lines"])
    titles = {name: page["title"] for name, page in made["contents"].items()} | {
        "solutions": "Hints, solutions, reasons"
    }
    pages = {"cover.xhtml": PAGE.format(title=escape(described["title"]), body=cover)}
    pages |= {
        f"{name}.xhtml": PAGE.format(title=escape(titles[name]), body=text) for name, text in made["texts"].items()
    }
    pictures = {f"pictures/{name}": coloured(svg) for name, svg in made["stills"].items()}
    nav = navigation(described, parts, made["contents"])
    digest = hashlib.sha256("".join([nav, *pages.values(), *pictures.values()]).encode()).hexdigest()
    package = PACKAGE.format(
        identifier=f"urn:uuid:{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}",
        title=escape(described["title"]),
        author=escape(described["author"]),
        modified=f"{described['lines'][2][-4:]}-01-01T00:00:00Z",
        manifest="\n".join(item(name, text) for name, text in {**pages, **pictures}.items()),
        spine="\n".join(f'<itemref idref="x-{name}"/>' for name in pages),
    )
    style = STYLE.read_text(encoding="utf8")
    book = {"package.opf": package, "nav.xhtml": nav, "style.css": style, **pages, **pictures}
    return {"META-INF/container.xml": CONTAINER} | {f"book/{name}": text for name, text in book.items()}


def write(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", EPOCH), "application/epub+zip")
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), text, zipfile.ZIP_DEFLATED)


def main():
    described, contents = about(), parts()
    with open_book(SCRIPT) as page:
        made = page.evaluate("(given) => compose(given)", {"parts": [vars(part) for part in contents]})
    write(TARGET, files(described, contents, made))
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
