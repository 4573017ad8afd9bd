"""The built book in a real browser: every page, light and dark, at a desk and on a phone."""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

import pytest
import yaml
from browser import HTML
from bs4 import BeautifulSoup
from pages import CHAPTERS, DESK, PAGES, PHONE, ROOT, off_host, violations, visits

pytestmark = pytest.mark.site

EXTRAS = ["search.html"]
DECKS = [f"slides/{deck.stem}.html" for deck in sorted((ROOT / "lectures").glob("*.md"))]

NOT_FOUND = "404.html"
MOVED = {"book/index.html": "index.html"}  # links that once worked

# What `make printed` makes and tests, beside the pages.
PRINTED = {"second-order.pdf", "second-order.epub"}

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
BASE, THEME = CONFIG["html_baseurl"], CONFIG["html_theme_options"]
REPOSITORY, BRANCH = urlsplit(THEME["repository_url"]).path, THEME["repository_branch"]

MAX_FRAMES_BYTES = 250_000
TOUCH_TARGET = 44  # pixels, the least that a finger hits
LEAST_TARGET = 24  # pixels, the least that WCAG allows

on_every_page = pytest.mark.parametrize("page", PAGES)
on_every_chapter = pytest.mark.parametrize("page", CHAPTERS)


@pytest.fixture
def visit(browser):
    with visits(browser) as open_page:
        yield open_page


@cache
def soup(path):
    return BeautifulSoup((HTML / path).read_text(encoding="utf-8"), "html.parser")


@cache
def ids(path):
    return {element["id"] for element in soup(path).find_all(id=True)}


def report(faults):
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def read_through(page):
    """Scroll to the end, so that everything lazy loads, with every fold open and nothing cut off out of sight."""
    page.add_style_tag(content="* { content-visibility: visible !important }")
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    page.evaluate(
        """async () => {
            for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
                scrollTo({top: y, behavior: 'instant'});
                await new Promise(requestAnimationFrame);
            }
            scrollTo({top: 0, behavior: 'instant'});  // or the bar on top would cover some link
        }"""
    )
    page.wait_for_load_state("networkidle")


# ── every page ──


def test_the_build_has_the_pages_of_the_table_of_contents():
    built = {str(path.relative_to(HTML)) for path in HTML.rglob("*.html") if "_static" not in path.parts}
    slides = {path for path in built if path.startswith("slides/")}
    assert slides >= set(DECKS)
    assert built - slides == {*MOVED, NOT_FOUND, *PAGES, *EXTRAS}, (
        "a page that is not in the table of contents is old: `make clean`"
    )


# One load serves all views. What axe-core finds depends on the theme (colours) or on the size (all else), and the
# article's colours on the theme alone; to compare colours takes it longer than all else together.
COLOURS_AROUND = {"context": {"exclude": [["article"]]}, "runOnly": ["color-contrast", "link-in-text-block"]}
VIEWS = [("light", DESK, {}), ("light", PHONE, COLOURS_AROUND), ("dark", PHONE, {}), ("dark", DESK, COLOURS_AROUND)]


@pytest.mark.parametrize("page", PAGES + EXTRAS)
def test_page(visit, site, page):
    view = visit(f"{site}/{page}")
    faults = []
    for size in (PHONE, DESK):
        view.set_viewport_size(size)
        read_through(view)
        width = view.evaluate("document.documentElement.scrollWidth")
        if width > size["width"]:
            faults.append(f"the page is {width} px wide, the window {size['width']}: {widest(view)}")
    for theme, size, what in VIEWS:
        view.emulate_media(color_scheme=theme)
        view.set_viewport_size(size)
        view.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        view.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        faults += [f"{theme}, {size['width']} px: {fault}" for fault in violations(view, **what)]
    faults += [f"less than {LEAST_TARGET} px high: {fold}" for fold in view.evaluate(LOW_FOLDS, LEAST_TARGET)]
    faults += [f"a cookie: {cookie['name']}" for cookie in view.context.cookies()]
    report(faults + view.complaints + [f"off-host request: {url}" for url in off_host(view)])


# axe-core lets a lower one pass if it has room around it, which hangs on what is laid out just then.
LOW_FOLDS = """(least) => [...document.querySelectorAll('summary')]
    .filter((fold) => fold.checkVisibility() && fold.getBoundingClientRect().height < least)
    .map((fold) => fold.outerHTML.slice(0, 120))"""


def widest(view):
    """Name the elements that stick out to the right."""
    return view.evaluate(
        """[...document.querySelectorAll('body *')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
            .slice(0, 3).map(e => e.outerHTML.slice(0, 120))"""
    )


@on_every_page
def test_source(page):
    html = soup(page)
    faults = list(broken_links(page, html)) + list(undescribed_pictures(html)) + list(raw_formulas(html))
    headings = [int(h.name[1]) for h in html.article.find_all(re.compile("^h[1-6]$"))]
    if headings[:1] != [1] or headings.count(1) != 1:
        faults.append(f"one h1 should open the page: {headings}")
    if any(after > before + 1 for before, after in pairwise(headings)):
        faults.append(f"a level of heading is skipped: {headings}")
    if not html.title.get_text(strip=True):
        faults.append("no title")
    description = html.find("meta", attrs={"name": "description"})
    if not (description and 25 <= len(description["content"]) <= 320):
        faults.append(f"the meta description should have 25 to 320 characters: {description}")
    if html.html.get("lang") != "en":
        faults.append('no lang="en"')
    report(faults)


# ── found and shared ──


def meta(html, name):
    return html.find("meta", attrs={"property": name})["content"]


@on_every_page
def test_a_page_says_where_it_is_and_what_a_link_to_it_shows(page):
    html = soup(page)
    assert html.find("link", rel="canonical")["href"] == meta(html, "og:url") == urljoin(BASE, page)
    assert meta(html, "og:title")
    assert meta(html, "og:description") == html.find("meta", attrs={"name": "description"})["content"]
    picture = meta(html, "og:image")
    assert picture.startswith(BASE)
    assert (HTML / picture.removeprefix(BASE)).is_file()
    assert meta(html, "og:image:alt")


def test_the_map_of_the_site_lists_every_page_and_deck():
    addresses = re.findall("<loc>(.*?)</loc>", (HTML / "sitemap.xml").read_text(encoding="utf-8"))
    assert sorted(addresses) == sorted(urljoin(BASE, page) for page in [*PAGES, *DECKS])


def test_the_first_page_tells_search_engines_of_the_course():
    data = json.loads(soup("index.html").find("script", type="application/ld+json").string)
    assert data["@type"] == "Course"
    assert [part["url"] for part in data["hasPart"]] == [urljoin(BASE, page) for page in CHAPTERS]


@pytest.mark.parametrize("old", MOVED)
def test_an_address_that_once_worked_leads_on(old):
    html = soup(old)
    target = html.find("meta", attrs={"http-equiv": "refresh"})["content"].partition("url=")[2]
    assert target == html.a["href"]
    assert (HTML / old).parent.joinpath(target).resolve() == (HTML / MOVED[old]).resolve()


def test_a_missing_page_finds_its_way_from_any_depth(visit, site):
    """As a host shows it: at the address that was asked for, in the folder that the book is published in."""
    folder = urlsplit(BASE).path

    def answer(route):
        path = HTML / unquote(urlsplit(route.request.url).path).removeprefix(folder)
        route.fulfill(path=path if path.is_file() else HTML / NOT_FOUND)

    view = visit(f"{site}{folder}a/b/c.html", prepare=lambda context: context.route("**", answer))
    assert view.get_by_role("heading", level=1).inner_text() == "This page is not here"
    faults = violations(view) + view.complaints + [f"off-host: {url}" for url in off_host(view)]
    view.get_by_role("article").get_by_role("link", name="first page").click()
    view.wait_for_url(f"{site}{folder}index.html")
    assert view.locator(".doors a").count() >= 3
    report(faults + view.complaints)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_first_screen_has_three_doors(visit, site, size):
    view = visit(f"{site}/index.html", size=size)
    doors = view.locator(".doors strong a")
    assert doors.all_inner_texts() == ["Read", "Do", "Teach"]
    for door in doors.all():
        box = door.bounding_box()
        assert box["y"] + box["height"] < size["height"]
    assert view.locator(".facts").is_visible()
    for number in range(2):  # to something that moves
        view.goto(f"{site}/index.html")
        view.locator(".doors strong a").nth(number).click()
        view.wait_for_url("**/book/*#fig-*")
        check_moves(view.locator(f"#{urlsplit(view.url).fragment}"))


@on_every_chapter
def test_the_links_to_other_places_are_of_this_page(page):
    links = [urlsplit(link["href"]) for link in soup(page).select(".launch a")]
    colab, binder, own = (f"{link.netloc}{unquote(link.path)}" for link in links)
    path = Path(page).with_suffix(".ipynb")
    assert (ROOT / path).exists()
    assert colab == f"colab.research.google.com/github{REPOSITORY}/blob/{BRANCH}/{path}"
    assert binder == f"mybinder.org/v2/gh{REPOSITORY}/{BRANCH}"
    assert parse_qs(links[1].query) == {"urlpath": [f"lab/tree/work/{path.name}"]}
    assert own == f"localhost:8888/lab/tree/{path.name}"


def broken_links(page, html):
    """Name the references to files or fragments that are not there."""
    for element in html.find_all(True):
        for target in (element.get("href"), element.get("src")):
            if not target or target.startswith(("data:", "mailto:")):
                continue
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if element.name != "a" and element.get("rel") != ["canonical"]:
                    yield f"<{element.name}> loads from another host: {target}"
                continue
            path = (HTML / page).parent / unquote(parts.path) if parts.path else HTML / page
            if path.is_dir():
                path /= "index.html"
            fragment = unquote(parts.fragment)
            if path.name in PRINTED:
                continue
            if not path.is_file():
                yield f"broken: {target}"
            elif fragment and path.suffix == ".html" and fragment not in ids(str(path.resolve().relative_to(HTML))):
                yield f"broken fragment: {target}"


def undescribed_pictures(html):
    """Name the pictures that say nothing to those who cannot see them."""
    for image in html.find_all("img"):
        if not image.get("alt", "").strip():
            yield f"no alt text: {str(image)[:160]}"
    for picture in html.find_all(attrs={"role": "img"}):
        if not picture.get("aria-label", "").strip():
            yield f"no label: {str(picture)[:160]}"
    for drawing in html.find_all("svg"):
        hidden = drawing.get("aria-hidden") == "true" or drawing.find_parent(attrs={"aria-hidden": "true"})
        labelled = drawing.find_parent(attrs={"role": ["img", "group"], "aria-label": True})
        if not hidden and not labelled:
            yield f"a drawing without a role: {str(drawing)[:160]}"


def raw_formulas(html):
    """Name formulas that reached the page as source, or that could not be typeset."""
    for error in html.select(".katex-error"):
        yield f"KaTeX: {error.get('title')}"
    for text in html.article.find_all(string=re.compile(r"\$[^$]+\$|\\\(|\\\[|\\begin\{")):
        if not text.find_parent(["pre", "code", "script", "annotation"]):
            yield f"raw formula: {text.strip()[:120]}"


SCROLLING = """[...document.querySelectorAll('.bd-article pre')].filter(pre => pre.scrollWidth > pre.clientWidth)
    .map(pre => pre.textContent.split('\\n').sort((a, b) => b.length - a.length)[0])"""


@on_every_chapter
def test_no_line_of_code_and_none_that_it_prints_scrolls_at_a_desk(visit, site, page):
    view = visit(f"{site}/{page}")
    read_through(view)
    assert view.evaluate(SCROLLING) == []


# ── terms ──

TERM = "a:has(> .std-term)"


@on_every_chapter
def test_each_term_is_linked_and_has_a_definition(page):
    links = soup(page).article.select(TERM)
    assert len({link["href"] for link in links}) > 8
    definitions = (HTML / "_static" / "definitions.js").read_text(encoding="utf8")
    assert [link["href"] for link in links if f'"{link["href"].partition("#")[2]}": "' not in definitions] == []


def test_a_term_shows_what_it_means_to_keyboard_pointer_and_finger(visit, site):
    for theme, size, touch in [("light", DESK, False), ("dark", PHONE, True)]:
        view = visit(f"{site}/{CHAPTERS[3]}", theme=theme, size=size, has_touch=touch)
        term, definition = view.locator(TERM).nth(7), view.locator("#meaning")
        if touch:
            term.tap()
        else:
            view.evaluate("scrollTo(0, 0)")
            view.keyboard.press("Tab")
            term.focus()
            view.wait_for_function("scrollY > 0")
        definition.wait_for()
        assert term.get_attribute("aria-describedby") == "meaning"
        box, at = definition.bounding_box(), term.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        assert 0 <= box["y"] - at["y"] - at["height"] < 40 or 0 <= at["y"] - box["y"] - box["height"] < 40
        assert not violations(view, {"include": [["#meaning"]]})
        view.keyboard.press("Escape")
        definition.wait_for(state="hidden")
        assert urlsplit(view.url).path.endswith(CHAPTERS[3]), "it shows, and leads nowhere yet"
        assert not view.complaints
        assert not off_host(view)
    view = visit(f"{site}/{CHAPTERS[3]}")
    view.locator(TERM).nth(1).hover()
    view.locator("#meaning").hover()
    view.locator("#meaning > a").click()
    view.wait_for_url("**/glossary.html#term-*")


# ── further sections ──


def unfold(view):
    """Open the further sections, as one does who reads all."""
    view.evaluate("document.querySelectorAll('details.further').forEach(fold => { fold.open = true })")


def further_pages():
    pages = [page for page in CHAPTERS if soup(page).select("details.further")]
    assert pages, "no chapter has a further section"
    return pages


@on_every_chapter
def test_a_further_section_is_folded_under_its_heading_and_in_the_list_of_contents(page):
    html = soup(page)
    folds = html.select("section > details.further")
    headings = [h for h in html.article.find_all(re.compile("^h[2-6]$")) if h.get_text().startswith("Further: ")]
    assert [fold.summary.find(re.compile("^h[2-6]$")) for fold in folds] == headings
    listed = {link["href"] for link in html.select(".page-toc a")}
    for fold in folds:
        assert not fold.has_attr("open")
        assert f"#{fold.parent['id']}" in listed
        if not fold.find_parent("details"):
            assert re.fullmatch(r"\d+ min", fold.summary.select_one(".minutes").get_text())


IN_VIEW = "name => document.getElementById(name).getBoundingClientRect().top < innerHeight"
ADD_LINK = """name => document.querySelector('.bd-article').prepend(
    Object.assign(document.createElement('a'), { href: '#' + name, textContent: 'there', id: 'there' }))"""


def test_a_link_opens_the_further_section_that_it_leads_to_or_into(visit, site):
    page = further_pages()[0]
    fold = soup(page).select_one("details.further")
    inside = fold.select_one("figure[id], div[id]")
    for name in (fold.parent["id"], inside["id"]):
        view = visit(f"{site}/{page}#{name}")
        view.wait_for_function(IN_VIEW, arg=name)
        fold = view.locator("details.further").first
        assert fold.get_attribute("open") is not None
        fold.evaluate("fold => { fold.open = false }")
        view.evaluate(ADD_LINK, name)
        view.locator("#there").click()  # the address has it already
        assert fold.get_attribute("open") is not None


def test_a_figure_in_a_further_section_moves_once_it_is_opened(visit, site):
    page = next(page for page in further_pages() if soup(page).select("details.further figure:has(.controls)"))
    view = visit(f"{site}/{page}")
    figure = view.locator("details.further figure:has(.controls)").first
    view.evaluate("scrollTo(0, document.body.scrollHeight)")
    fold = figure.locator("xpath=ancestor::details").first
    fold.scroll_into_view_if_needed()
    view.wait_for_load_state("networkidle")
    name = figure.get_attribute("id")
    assert not [url for url in view.requested if f"/{name}.js" in url], "frames came for a closed section"
    fold.locator("summary").first.press("Enter")
    check_moves(figure)


def test_further_sections_can_be_read_without_javascript_and_in_print(visit, site):
    page = further_pages()[0]
    view = visit(f"{site}/{page}", java_script_enabled=False)
    text = view.locator("details.further > p").first
    assert not text.is_visible()
    view.emulate_media(media="print")
    assert text.is_visible()
    view.emulate_media(media="screen")
    view.locator("details.further > summary").first.click()
    assert text.is_visible()


# ── numbers ──

KINDS = "Figure|Algorithm|Definition|Proposition|Theorem|Lemma|Corollary|Example|Exercise"
REFERENCE = re.compile(rf"(?:{KINDS}) (?P<number>[\d.]+)|\((?P<equation>[\d.]+)\)")
NUMBER = re.compile(r"\d+(\.\d+)*")


@cache
def number_of(path, name):
    """The number that a figure, a formula, a theorem or an exercise has on its page."""
    place = soup(path).find(id=name)
    label = place and place.select_one(".caption-number, .eqno")
    return label and NUMBER.search(label.get_text())[0]


@on_every_page
def test_references_have_the_number_of_what_they_lead_to(page):
    faults = []
    for link in soup(page).article.select("a.reference.internal[href*='#']"):
        if match := REFERENCE.fullmatch(link.get_text()):
            path, _, name = link["href"].partition("#")
            there = number_of(str(Path(page).parent / path) if path else page, name)
            if there != (match["number"] or match["equation"]):
                faults.append(f"{link.get_text()} leads to {there}: {link['href']}")
    report(faults)


@on_every_chapter
def test_what_is_numbered_has_the_number_of_its_chapter(page):
    chapter = ".".join(Path(page).name.split("-")[:2])
    html = soup(page)
    for title in (html.article.h1, html.title, html.select_one(".bd-links a.current")):
        assert title.get_text().startswith(f"{chapter} ")
    labels = [label.get_text() for label in html.select(".caption-number, .eqno")]
    numbers = [NUMBER.search(label)[0] for label in labels if NUMBER.search(label)]
    assert len(numbers) > 3
    assert {number.rpartition(".")[0] for number in numbers} == {chapter}


# ── the moving figures ──


def figures(view):
    return view.locator("figure.explorable:has(input[type=range])").all()


def check_moves(figure):
    """Move each slider of a figure by keyboard: the picture, the read-out and the announced value follow."""
    name = figure.get_attribute("id")
    figure.scroll_into_view_if_needed()
    picture = figure.locator("[role=img]")
    for label in figure.locator("label:has(input[type=range])").all():
        slider, readout = label.locator("input"), label.locator("output")
        before = picture.inner_html(), readout.text_content()
        assert slider.get_attribute("aria-valuetext") == before[1], f"{name}: announced is not what is shown"
        slider.press("ArrowLeft" if slider.evaluate("s => s.value === s.max") else "ArrowRight")
        figure.page.wait_for_function(
            "([picture, before]) => picture.innerHTML !== before", arg=[picture.element_handle(), before[0]]
        )
        assert readout.text_content() != before[1], f"{name}: the read-out stays at {before[1]!r}"
        assert slider.get_attribute("aria-valuetext") == readout.text_content(), f"{name}: announced is not shown"


@on_every_chapter
def test_every_slider_moves_its_picture(visit, site, page):
    view = visit(f"{site}/{page}")
    unfold(view)
    assert len(figures(view)) >= 3, "a chapter has at least three moving figures"
    for figure in figures(view):
        check_moves(figure)
    assert not view.complaints


def test_sliders_move_without_a_server(visit):
    view = visit((HTML / CHAPTERS[0]).as_uri())
    check_moves(figures(view)[0])
    assert not view.complaints


@on_every_chapter
def test_play_and_pause(visit, site, page):
    view = visit(f"{site}/{page}")
    unfold(view)
    for figure in figures(view):
        figure.scroll_into_view_if_needed()
    sliders = [figure.locator("input[type=range]").first for figure in figures(view)]
    buttons = [figure.get_by_role("button") for figure in figures(view)]
    start = positions(sliders)
    view.wait_for_timeout(300)
    assert positions(sliders) == start, "a figure started by itself"
    for button in buttons:
        button.click()
    for slider, at in zip(sliders, start.values(), strict=True):
        view.wait_for_function("([s, v]) => s.value !== v", arg=[slider.element_handle(), at])
    for button in buttons:
        button.click()
    paused = positions(sliders)
    view.wait_for_timeout(500)
    assert positions(sliders) == paused, "a paused figure went on"


def positions(sliders):
    return {slider.locator("xpath=ancestor::figure").get_attribute("id"): slider.input_value() for slider in sliders}


@on_every_chapter
def test_frames_come_when_they_are_near(visit, site, page):
    view = visit(f"{site}/{page}")
    view.wait_for_load_state("networkidle")
    unfold(view)
    last = figures(view)[-1]
    name = last.get_attribute("id")
    assert last.bounding_box()["y"] > 3 * DESK["height"], "the last figure should be far down the page"
    assert not [url for url in view.requested if name in url], f"{name} was fetched before it was near"
    with view.expect_request(re.compile(name)):
        last.scroll_into_view_if_needed()


def test_frames_are_light():
    sizes = {path.name: path.stat().st_size for path in HTML.glob("_frames/**/*.js")}
    assert sizes
    assert {name for name, size in sizes.items() if size > MAX_FRAMES_BYTES} == set()


@on_every_chapter
def test_controls_are_large_enough_for_a_finger(visit, site, page):
    view = visit(f"{site}/{page}", size=PHONE, has_touch=True)
    unfold(view)
    for figure in figures(view):
        figure.scroll_into_view_if_needed()
        for control in figure.locator("input[type=range], button").all():
            assert control.bounding_box()["height"] >= TOUCH_TARGET, figure.get_attribute("id")


@on_every_chapter
def test_without_javascript_the_stills_stand(visit, site, page):
    view = visit(f"{site}/{page}", java_script_enabled=False)
    assert view.locator("figure.explorable [role=img] svg").count() >= 3
    unfold(view)
    check_still(view)


@on_every_chapter
def test_print_has_stills_and_captions(visit, site, page):
    view = visit(f"{site}/{page}", theme="dark")
    view.emulate_media(media="print")
    check_still(view)


def test_paper_is_light_and_has_no_controls_and_no_solutions(visit, site):
    view = visit(f"{site}/{CHAPTERS[-1]}", theme="dark")
    view.evaluate("dispatchEvent(new Event('beforeprint'))")
    view.emulate_media(media="print")
    assert colours(view)[0] == "light"
    gone = (
        "nav.bd-links, .bd-header, .prev-next-area, .live-page, button, details.solution > :not(summary), details.hide"
    )
    assert not [part.evaluate("part => part.outerHTML") for part in view.locator(gone).all() if part.is_visible()]
    titles = [title.inner_text() for title in view.locator("h1").all() if title.is_visible()]
    assert len(titles) == 1
    assert titles[0].startswith("8.6 ")
    view.evaluate("dispatchEvent(new Event('afterprint'))")
    assert colours(view)[0] == "dark"


def check_still(view):
    for figure in view.locator("figure.explorable").all():
        picture = figure.locator("[role=img]").bounding_box()
        assert picture["width"] > 200
        assert picture["height"] > 100
        assert figure.locator("figcaption").is_visible()
        assert not any(control.is_visible() for control in figure.locator("input, button, output").all())


def test_the_list_of_moving_figures_has_them_all_and_leads_to_each():
    listed = [link["href"] for link in soup("book/figures.html").article.select("li a.reference")]
    moving = [(page, figure["id"]) for page in CHAPTERS for figure in soup(page).select("figure:has(.controls)")]
    assert listed == [f"{Path(page).name}#{name}" for page, name in moving]


# ── the page around them ──


def test_the_way_to_another_part_names_it():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))["parts"]
    for part, after in pairwise(parts):
        last, first = part["chapters"][-1]["file"], after["chapters"][0]["file"]
        assert soup(f"{last}.html").select_one(".right-next .part").get_text() == f"{after['caption']}:"
        assert soup(f"{first}.html").select_one(".left-prev .part").get_text() == f"{part['caption']}:"
    assert not soup(CHAPTERS[0]).select(".right-next .part")


def colours(view):
    return view.evaluate(
        """() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor,
                  getComputedStyle(document.querySelector('main')).color]"""
    )


def test_the_theme_follows_the_system_and_the_reader(visit, site):
    url = f"{site}/{CHAPTERS[0]}"
    light, dark = (visit(url, theme) for theme in ("light", "dark"))
    assert colours(light)[0] == "light"
    assert colours(dark)[0] == "dark"
    assert colours(light)[1:] != colours(dark)[1:]
    by_day = colours(light)
    for _ in range(3):  # auto, light, dark: wherever the round starts, it passes the dark theme
        light.locator(".theme-switch-button").first.click()
        if colours(light) != by_day:
            break
    assert colours(light) == colours(dark)


def counts(page):
    return [int(n) for n in re.findall(r"\d+", page.locator("p.done-count").text_content())]


def wait_for_counts(page, wanted):
    """Wait until a chapter counts so many answers: the browser tells of an opened one a moment later."""
    page.wait_for_function(
        "wanted => document.querySelector('p.done-count').textContent.match(/\\d+/g).slice(2).join() === wanted",
        arg=",".join(map(str, wanted)),
    )


def test_a_quiz_tells_right_from_wrong_and_counts(visit, site):
    page = visit(f"{site}/book/7-1-analytic-functions.html")
    first = page.locator("details.quiz-right").nth(0)
    wrong = page.locator("details.quiz-wrong").first
    total = page.locator("details.quiz-right").count()
    assert counts(page)[2:] == [0, total, 0]
    page.locator("details.quiz-right").nth(1).locator("summary").click()
    wait_for_counts(page, [1, total, 1])  # one answered, at the first try
    wrong.locator("summary").click()
    assert counts(page)[2:] == [1, total, 1], "a wrong answer is none"
    first.locator("summary").click()
    wait_for_counts(page, [2, total, 1])
    signs = {d: d.locator(".quiz-sign") for d in (first, wrong)}
    assert [sign.inner_text() for sign in signs.values()] == ["✓", "✗"]
    colours = {sign.evaluate("sign => getComputedStyle(sign).color") for sign in signs.values()}
    borders = {answer.evaluate("d => getComputedStyle(d).borderLeftColor") for answer in signs}
    assert len(colours) == len(borders) == 2
    page.reload()
    assert counts(page)[2:] == [2, total, 1], "it is kept"


def test_what_is_done_shows_on_the_chapter_and_on_the_index(visit, site):
    page = visit(f"{site}/book/7-1-analytic-functions.html")
    of = counts(page)[1]
    assert of == page.locator("div.exercise").count()
    page.get_by_label("I have done this one").first.check()
    assert counts(page)[:2] == [1, of]
    page.goto(f"{site}/index.html")
    done, exercises, answered, questions = counts(page)
    assert (done, answered) == (1, 0)
    assert exercises > 80
    assert questions > 80
    assert f"(1 of {of} done)" in page.locator("li", has_text="analytic functions").last.text_content()
    page.get_by_role("button", name="Forget it").click()
    assert page.locator(".done-count").count() == 0
    page.goto(f"{site}/book/7-1-analytic-functions.html")
    assert counts(page)[:2] == [0, of]
    assert not page.get_by_label("I have done this one").first.is_checked()


def test_without_javascript_exercises_can_be_read(visit, site):
    page = visit(f"{site}/book/7-1-analytic-functions.html", java_script_enabled=False)
    solution = page.locator("details.solution").first
    assert not solution.locator(".cell").first.is_visible()
    solution.locator("summary").first.click()
    assert solution.locator(".cell").first.is_visible()
    assert not page.get_by_role("button", name="Check").count()


def found(view, site, query):
    """The addresses that a search finds, best first."""
    view.goto(f"{site}/search.html?q={quote(query)}")
    view.locator(".search-summary", has_text="finished").wait_for()
    assert not view.complaints
    return view.locator("#search-results li > a").evaluate_all("links => links.map(link => link.getAttribute('href'))")


def test_search_finds_a_chapter(visit, site):
    links = found(visit(f"{site}/search.html"), site, soup(CHAPTERS[0]).article.h1.find(string=True, recursive=False))
    assert any(CHAPTERS[0].split("/")[-1] in link for link in links), links


def test_search_finds_symbols_and_names_of_functions(visit, site):
    view = visit(f"{site}/search.html")
    for symbol in ("η", "ε", "H v", "Hv", "s^T y", "ĝ", "θ"):
        links = found(view, site, symbol)
        assert "notation.html#symbol-" in links[0], f"{symbol}: {links[:3]}"
        if symbol != "s^T y":  # which chapters write s · y
            assert any(Path(chapter).name in link for chapter in CHAPTERS for link in links), f"{symbol}: no chapter"
    for name in ("hvp", "grad_and_hvp", "basis_matching"):
        links = found(view, site, name)
        assert any(link.endswith(f".{name}") for link in links[:2]), f"{name}: {links[:3]}"


# ── the decks ──

# A deck is a stage, not a document. reveal.js scales one slide to the window, for which it takes over zooming, and
# makes the stage a landmark of its own; the rules about these, and about one outline of the whole, do not apply.
NOT_FOR_DECKS = ["landmark-main-is-top-level", "landmark-one-main", "meta-viewport", "page-has-heading-one", "region"]
# (preload: axe-core would look for the fonts of reveal.js's theme in the wrong folder.)
FOR_DECKS = {"preload": False, "rules": {rule: {"enabled": False} for rule in NOT_FOR_DECKS}}


@pytest.mark.parametrize("deck", DECKS)
def test_deck(visit, site, deck):
    view = visit(f"{site}/{deck}")
    view.wait_for_function("() => window.Reveal && Reveal.isReady()")
    faults = []
    for slide in each_slide(view):
        overflow = view.evaluate("Reveal.getCurrentSlide().scrollHeight - Reveal.getConfig().height")
        if overflow > 0:
            faults.append(f"{slide}: {overflow} px too high for the stage")
    for _ in each_slide(view):
        faults += violations(view, **FOR_DECKS)
    faults += view.complaints + [f"off-host request: {url}" for url in off_host(view)]
    html = soup(deck)
    faults += [*broken_links(deck, html), *undescribed_pictures(html)]
    report(dict.fromkeys(faults))


def test_the_speaker_sees_the_next_slide(visit, site):
    view = visit(f"{site}/{DECKS[0]}")
    view.wait_for_function("() => window.Reveal && Reveal.isReady()")
    with view.expect_popup() as opened:
        view.keyboard.press("s")
    opened.value.frame_locator("#upcoming-slide iframe").locator("section.present h2").wait_for()
    assert not view.complaints


def each_slide(view):
    view.evaluate("Reveal.slide(0, 0)")
    for _ in range(view.evaluate("Reveal.getTotalSlides()")):
        yield view.evaluate("Reveal.getCurrentSlide().querySelector('h1, h2, h3').innerText")
        view.evaluate("Reveal.next()")
