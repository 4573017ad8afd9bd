"""The book as one PDF and as an EPUB: `make printed` makes both, and runs this."""

import re

import pikepdf
import pypdfium2
import pytest
from pdf import TARGET as PDF
from pdf import figures_of
from printed import SITE, parts

pytestmark = pytest.mark.printed
PAGES = [name for part in parts() for name in part.pages]
MILLIMETRE = 72 / 25.4
WORD = re.compile(r"\b[a-z]{5,}\b")


def html(name):
    text = (SITE / f"{name}.html").read_text(encoding="utf8")
    return text[text.index('<article class="bd-article">') : text.index("</article>")]


def plain(markup):
    return " ".join(re.sub(r"<[^>]*>", "", markup).replace("&amp;", "&").split())


# ── the PDF ──


@pytest.fixture(scope="module")
def pdf():
    if not PDF.exists():
        pytest.fail("there is no PDF: run `make pdf` first")
    with pikepdf.open(PDF) as opened:
        yield opened


@pytest.fixture(scope="module")
def seen():
    """The PDF as a reader sees it."""
    document = pypdfium2.PdfDocument(PDF)
    yield document
    document.close()


@pytest.fixture(scope="module")
def outline(seen):
    """Level, title and page of each entry of the outline."""
    return [(mark.level, mark.get_title(), mark.get_dest().get_index()) for mark in seen.get_toc()]


def text_of(seen, number):
    return " ".join(seen[number].get_textpage().get_text_range().split())


def test_size_and_tags(pdf):
    assert 1e6 < PDF.stat().st_size < 15e6
    assert pdf.Root.MarkInfo.Marked
    assert pdf.Root.Lang == "en"
    assert pdf.open_metadata()["dc:title"] == "Second-Order"


def test_outline_has_parts_and_chapters_and_sections(outline):
    titles = [part.title for part in parts()]
    assert [title for level, title, _ in outline if level == 0] == ["Contents", *titles, "Hints, solutions, reasons"]
    book = outline[1 : next(k for k, (_, title, _) in enumerate(outline) if title.startswith("Hints"))]
    chapters = [k for k, (level, _, _) in enumerate(book) if level == 1]
    assert len(chapters) == len(PAGES)
    for name, first, last in zip(PAGES, chapters, [*chapters[1:], len(book)], strict=True):
        article = html(name)
        assert book[first][1].endswith(plain(re.search(r"<h1>(.*?)<a ", article, re.DOTALL)[1]))
        sections = [plain(title) for title in re.findall(r"<h2>(.*?)<a ", article, re.DOTALL)]
        assert [title for level, title, _ in book[first:last] if level == 2] == sections


def test_contents_name_the_right_pages(seen, outline):
    listed = []
    for number in range(1, outline[1][2]):
        found = re.findall(r"(\d+)\s*$", seen[number].get_textpage().get_text_range(), re.MULTILINE)
        own = str(number + 1)
        assert own in (found[0], found[-1])
        listed += found[1:] if found[0] == own else found[:-1]
    starts = [page + 1 for level, title, page in outline if level < 2 and title != "Contents"]
    assert listed == [str(page) for page in starts[: len(parts()) + len(PAGES) + 1]]


def test_each_chapter_is_there(seen, outline):
    starts = [page for level, _, page in outline if level == 1]
    text = [set(WORD.findall(page.get_textpage().get_text_range())) for page in seen]
    solutions = set().union(*text[starts[len(PAGES)] :])
    for name, first, last in zip(PAGES, starts, starts[1:], strict=False):
        article = re.sub(r'<div class="live-page.*?</div>', "", html(name), flags=re.DOTALL)
        paragraphs = " ".join(re.findall(r"<p\b[^>]*>([^<]*)", article))
        wanted = set(WORD.findall(paragraphs))
        missing = wanted - solutions.union(*text[first : last + 1])
        assert len(missing) < 0.01 * len(wanted) + 1, f"{name}: {missing}"


def test_links_stay_in_the_book(pdf):
    places = set(pdf.Root.Dests.keys())
    links = [link for page in pdf.pages for link in page.get("/Annots", [])]
    inside = [str(link.Dest) for link in links if "/Dest" in link]
    assert len(inside) > 500
    assert set(inside) <= places
    outside = {str(link.A.URI) for link in links if "/A" in link}
    assert all(re.match(r"https?://", uri) and "127.0.0.1" not in uri for uri in outside)


def test_figures_are_described_and_not_blank(pdf, seen):
    figures = list(figures_of(pdf.Root.StructTreeRoot))
    labels = [label for name in PAGES for label in re.findall(r"<figcaption>.*?(Figure [\d.]+)", html(name), re.DOTALL)]
    assert len(figures) == len(labels) > 80
    assert all(len(str(figure.Alt)) > 20 for figure in figures)
    wanted = iter(labels)
    label = next(wanted)
    for page in seen:
        text = page.get_textpage()
        while label and (found := caption(text, label)) is not None:
            assert ink(page, found) > 0.01, f"{label} is blank"
            label = next(wanted, None)
    assert label is None, f"{label} is missing"


def caption(text, label):
    """The height at which a line begins with the label, or None."""
    everything = text.get_text_range()
    if found := re.search(rf"^{re.escape(label)}\b(?!\.\d)", everything, re.MULTILINE):
        return text.get_charbox(found.start())[3]
    return None


def ink(page, height):
    """The share of what isn't white in the 60 millimetres above a height."""
    picture = page.render(scale=0.5, grayscale=True).to_numpy().squeeze()
    bottom = round((page.get_height() - height) / 2)
    return (picture[max(0, bottom - round(30 * MILLIMETRE)) : bottom - 2] < 240).mean()
