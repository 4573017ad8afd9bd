"""The book as one PDF and as an EPUB: `make printed` makes both, and runs this."""

import re
import zipfile
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pikepdf
import pypdfium2
import pytest
from browser import HTML
from bs4 import BeautifulSoup
from epub import TARGET as EPUB
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
    """The text, with a formula as it is read and not once more as it is seen."""
    soup = BeautifulSoup(markup, "html.parser")
    for seen in soup.select(".katex-html"):
        seen.decompose()
    return " ".join(soup.get_text().split())


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


def test_the_first_page_links_to_both():
    first = (HTML / "index.html").read_text(encoding="utf8")
    for path in (PDF, EPUB):
        assert path.exists()
        assert f'href="{path.name}"' in first


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


# ── the EPUB ──

XHTML, MATHML = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}"
OPF = "{http://www.idpf.org/2007/opf}"


@pytest.fixture(scope="module")
def book():
    """The files of the EPUB's book, by their names; `make epubcheck` looks closer."""
    if not EPUB.exists():
        pytest.fail("there is no EPUB: run `make epub` first")
    with zipfile.ZipFile(EPUB) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"application/epub+zip"
        return {str(PurePosixPath(name).relative_to("book")): archive.read(name) for name in archive.namelist()[2:]}


@pytest.fixture(scope="module")
def trees(book):
    return {name: ElementTree.fromstring(text) for name, text in book.items() if name.endswith((".xhtml", ".svg"))}


def test_the_package_lists_every_file(book):
    package = ElementTree.fromstring(book["package.opf"])
    listed = [item.get("href") for item in package.iter(f"{OPF}item")]
    assert sorted(listed) == sorted(set(book) - {"package.opf"})
    spine = [item.get("idref") for item in package.iter(f"{OPF}itemref")]
    assert spine == [f"x-{name}.xhtml" for name in ["cover", *PAGES, "solutions"]]


def test_its_links_and_ids(trees):
    ids = {name: [e.get("id") for e in tree.iter() if e.get("id")] for name, tree in trees.items()}
    assert all(len(set(names)) == len(names) for names in ids.values())
    links = [(name, a.get("href")) for name, tree in trees.items() for a in tree.iter(f"{XHTML}a") if a.get("href")]
    inside = [(name, href) for name, href in links if not href.startswith("http")]
    assert len(inside) > 1000
    for name, href in inside:
        file, _, fragment = href.partition("#")
        assert not fragment or fragment in ids[file or name], f"{name}: {href}"
        assert (file or name) in trees


def test_its_figures_and_formulas(trees):
    stills = [image for tree in trees.values() for image in tree.iter(f"{XHTML}img")]
    assert len(stills) == sum(html(name).count('class="picture') for name in PAGES)
    assert all(image.get("src") in trees and len(image.get("alt")) > 20 for image in stills)
    assert not [name for name, tree in trees.items() if b"var(--" in ElementTree.tostring(tree)]
    formulas = sum(1 for tree in trees.values() for _ in tree.iter(f"{MATHML}math"))
    # The questions of the quizzes stand once more with the reasons.
    assert formulas >= sum(html(name).count("<math ") for name in PAGES)
