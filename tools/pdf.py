"""Print the built book into one PDF, _build/html/second-order.pdf, by the Chromium that the tests use.

It has an outline (parts, chapters, sections), page numbers, tags for screen readers, and links that work inside it.
Figures stand still; hints, solutions and the reasons of the quizzes are at the end.
"""

import time
from pathlib import Path

import pikepdf
from printed import HTML, about, open_book, parts

TARGET = HTML / "second-order.pdf"
STYLE, SCRIPT = Path(__file__).with_suffix(".css"), Path(__file__).with_suffix(".js")


def pages_in(path):
    """On which page each place is that a link leads to."""
    with pikepdf.open(path) as pdf:
        numbers = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}
        return {name[1:]: numbers[place[0].objgen] for name, place in pdf.Root.Dests.items()}


def headings_of(items):
    for item in items:
        yield item
        yield from headings_of(item.children)


def figures_of(element):
    """Yield the figures below an element of the tree of tags, in their order."""
    todo = [element]
    while todo:
        element = todo.pop()
        if isinstance(element, pikepdf.Dictionary):
            if element.get("/S") == "/Figure":
                yield element
            else:
                todo.append(element.get("/K"))
        elif isinstance(element, pikepdf.Array):
            todo.extend(reversed(list(element)))


def mend(path, headings, pictures, described):
    """Write the file again, its objects packed to a third, with what Chromium leaves out or doubles.

    A figure gets its description for those who cannot see it. A heading at the top of a page is in the outline twice
    over: it was laid out twice.
    """
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for figure, description in zip(figures_of(pdf.Root.StructTreeRoot), pictures, strict=True):
            figure.Alt = description
        with pdf.open_outline() as outline:
            for item, heading in zip(headings_of(outline.root), headings, strict=True):
                item.title = heading
        with pdf.open_metadata() as metadata:
            metadata["dc:title"] = described["title"]
            metadata["dc:creator"] = [described["author"]]
            metadata["dc:language"] = ["en"]
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def main():
    begun = time.perf_counter()
    with open_book(SCRIPT) as page:
        described = about()
        given = {
            "parts": [vars(part) for part in parts()],
            "about": described,
            "style": STYLE.read_text(encoding="utf8"),
        }
        page.set_default_timeout(600_000)  # a printer is slow
        headings, pictures = page.evaluate("(given) => compose(given)", given)
        options = {"prefer_css_page_size": True, "print_background": True, "tagged": True, "outline": True}
        page.pdf(path=TARGET, **options)
        page.evaluate("(pages) => number(pages)", pages_in(TARGET))
        page.pdf(path=TARGET, **options)
    mend(TARGET, headings, pictures, described)
    seconds = time.perf_counter() - begun
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB in {seconds:.0f} s")


if __name__ == "__main__":
    main()
