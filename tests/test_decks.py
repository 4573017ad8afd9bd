"""The decks: their figures move, their minutes add up, and they lead back to the book."""

import re

import pytest
from browser import HTML
from pages import DESK, ROOT, off_host, visits

DECKS = sorted((ROOT / "lectures").glob("[1-9]*.md"))
NAMES = [deck.stem for deck in DECKS]
NOTES = re.compile(r"^```\{notes\} (\d+) (\d+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DECKS, ids=NAMES)
def test_every_slide_says_its_minutes_and_both_paths_fit_their_lecture(path):
    slides = re.split(r"^##? ", path.read_text(encoding="utf8"), flags=re.MULTILINE)[1:]
    notes = [NOTES.findall(slide) for slide in slides]
    assert [len(found) for found in notes] == [1] * len(slides), "a slide has notes, once"
    long, short = (sum(int(found[0][path]) for found in notes) for path in (0, 1))
    assert 45 <= long <= 50
    assert 22 <= short <= 25
    assert all(len(found[0][2].split()) > 5 for found in notes)


@pytest.mark.parametrize("path", DECKS, ids=NAMES)
def test_a_deck_has_an_exercise_for_the_class_and_derives_something_step_by_step(path):
    text = path.read_text(encoding="utf8")
    assert text.count("\n## In class: ") == 1
    slides = [slide for slide in re.split(r"^## ", text, flags=re.MULTILINE) if "{fragment}" in slide]
    assert any(not slide.startswith("In class: ") for slide in slides)


@pytest.fixture(scope="module")
def visit(browser):
    with visits(browser) as visit:
        yield visit


def opened(visit, site, name, query="", **options):
    view = visit(f"{site}/slides/{name}.html{query}", **options)
    view.wait_for_function("() => window.Reveal && Reveal.isReady()")
    return view


def go_to_figure(view):
    """Show the first slide with a figure that moves; return the figure."""
    view.evaluate(
        """() => {
            const slide = document.querySelector(".slides .explorable:has(input)").closest("section");
            const { h, v } = Reveal.getIndices(slide);
            Reveal.slide(h, v);
        }"""
    )
    return view.locator("section.present:not(.stack) figure.explorable")


@pytest.mark.site
@pytest.mark.parametrize("name", NAMES)
def test_figures_move_on_slides_and_lead_to_their_place(visit, site, name):
    view = opened(visit, site, name)
    figure = go_to_figure(view)
    before = figure.locator(".picture").inner_html()
    slider = figure.locator("input").first
    index = view.evaluate("Reveal.getIndices().h")
    slider.focus()
    view.keyboard.press("ArrowRight" if slider.input_value() != slider.get_attribute("max") else "ArrowLeft")
    view.wait_for_function(
        "before => document.querySelector('section.present:not(.stack) .picture').innerHTML !== before", arg=before
    )
    assert view.evaluate("Reveal.getIndices().h") == index  # the key moved the figure, not the slides
    for figure in view.locator(".slides figure.explorable").all():
        place = figure.locator("a.place").get_attribute("href")
        page, anchor = place.removeprefix("../").split("#")
        assert f'id="{anchor}"' in (HTML / page).read_text(encoding="utf8")
    assert not view.complaints
    assert not off_host(view)


@pytest.mark.site
def test_after_a_finger_has_moved_a_figure_the_keys_move_the_slides(visit, site):
    view = opened(visit, site, NAMES[0])
    go_to_figure(view).locator("input").first.click()
    view.wait_for_function("document.activeElement === document.body")
    before = view.evaluate("Reveal.getIndices().h")
    view.keyboard.press("ArrowRight")
    assert view.evaluate("Reveal.getIndices().h") == before + 1


@pytest.mark.site
@pytest.mark.parametrize("path", DECKS, ids=NAMES)
def test_the_short_path_leaves_out_what_its_minutes_say(visit, site, path):
    minutes = [(int(long), int(short)) for long, short, _ in NOTES.findall(path.read_text(encoding="utf8"))]
    for query, chosen in (("", [long for long, _ in minutes]), ("?short", [short for _, short in minutes if short])):
        view = opened(visit, site, path.stem, query)
        timings = view.evaluate("Reveal.getSlides().map((slide) => +slide.dataset.timing)")
        assert timings == [60 * m for m in chosen]
        assert view.locator(".deck-bar [aria-current]").inner_text() == ("25 min" if query else "50 min")
        assert not view.complaints


@pytest.mark.site
def test_a_deck_leads_back_to_the_book(visit, site):
    view = opened(visit, site, NAMES[0])
    view.get_by_role("link", name="The book").click()
    view.wait_for_url("**/index.html")


@pytest.mark.site
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_deck_is_light_or_dark_as_the_reader_likes_and_light_in_print(visit, site, theme):
    view = opened(visit, site, NAMES[0], theme=theme)
    assert view.evaluate("document.documentElement.dataset.theme") == theme
    view.get_by_role("button", name="Light or dark").click()
    assert view.evaluate("document.documentElement.dataset.theme") != theme
    view = opened(visit, site, NAMES[0], "?print-pdf", theme=theme)
    assert view.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.site
@pytest.mark.parametrize("name", NAMES)
def test_nothing_on_a_slide_leaves_the_stage(visit, site, name):
    """Everything revealed, on the screen and on paper: titles, formulas, figures and their sliders."""
    view = opened(visit, site, name, size=DESK)
    outside = view.evaluate(
        """() => Reveal.getSlides().flatMap((slide) => {
            const { h, v } = Reveal.getIndices(slide);
            Reveal.slide(h, v, 99);
            const stage = Reveal.getSlidesElement().getBoundingClientRect();
            const parts = slide.querySelectorAll("h1, h2, p, li, .katex-html, .picture, .controls, figcaption, pre");
            return [...parts].filter((part) => !part.closest("aside")).filter((part) => {
                const box = part.getBoundingClientRect();
                const clipped = part.scrollWidth > part.clientWidth + 1 && part.matches("pre, .equation");
                return box.width && (clipped || box.left < stage.left - 2 || box.right > stage.right + 2
                    || box.top < stage.top - 2 || box.bottom > stage.bottom + 2);
            }).map((part) => `${slide.querySelector("h1, h2").innerText}: ${part.tagName}.${part.className}`);
        })"""
    )
    assert not outside, "\n".join(outside)
