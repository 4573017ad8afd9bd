"""What the page for teachers rests on: `book/course.toml`, held against what the chapters say, show and import."""

import re
import sys
from pathlib import Path

import pytest
from course import before, chapters, course, exercises, place_of, terms_from_elsewhere

ROOT = Path(__file__).parents[1]
ROWS = course()["chapter"]
NEEDS = {name: row["needs"] for name, row in ROWS.items()}
PLANS = ["two-weeks", "term"]

on_every_chapter = pytest.mark.parametrize("name", ROWS)


def test_every_chapter_has_a_row():
    assert list(ROWS) == list(chapters())


@on_every_chapter
def test_prerequisites_are_those_of_the_box(name):
    assert sorted(chapters()[name].linked) == sorted(NEEDS[name] + ROWS[name].get("helps", []))


@on_every_chapter
def test_no_chapter_comes_before_itself(name):
    assert name not in before(name, NEEDS)


@on_every_chapter
def test_what_is_imported_is_taught_before_or_borrowed(name):
    known = {*course()["given"], *ROWS[name].get("borrows", [])}
    known |= {taught for earlier in (name, *before(name, NEEDS)) for taught in ROWS[earlier]["teaches"]}
    taught = {thing for row in ROWS.values() for thing in row["teaches"]}
    used = {found for found in chapters()[name].imported if covered(found, taught)}
    strange = {found for found in used if not covered(found, known)}
    assert not strange, f"{name} uses {strange}, which are taught elsewhere: a prerequisite, or `borrows`, is missing"


def covered(found, things):
    """A thing may be a room of mathlib, which covers what is in it."""
    return found in things or found.rpartition(".")[0] in things


@on_every_chapter
def test_few_terms_come_from_elsewhere(name):
    assert len(terms_from_elsewhere(name)) <= 8, "a chapter that brings so many should be a prerequisite"


def test_everything_is_taught_once():
    taught = [thing for row in ROWS.values() for thing in row["teaches"]]
    assert len(set(taught)) == len(taught)


@on_every_chapter
def test_figures_are_in_their_chapter(name):
    row = ROWS[name]
    shown = [point[0] for point in row["points"]] + [mistake[1] for mistake in row["mistaken"]]
    assert row["points"]
    assert row["mistaken"]
    assert set(shown) <= set(chapters()[name].figures)


@on_every_chapter
def test_objectives_are_read_from_the_box(name):
    assert len(chapters()[name].objectives) >= 3


def test_figures_have_one_chapter():
    every = [figure for chapter in chapters().values() for figure in chapter.figures]
    assert sorted(place_of()) == sorted(every)


def test_the_lecture_has_fifty_minutes():
    steps = course()["lecture"]["steps"]
    assert sum(minutes for minutes, _, _ in steps) == 50
    assert {figure for _, figure, _ in steps} <= set(place_of())


@pytest.mark.parametrize("key", PLANS)
def test_no_plan_reads_a_chapter_before_what_it_needs(key):
    sessions = course()[key]["sessions"]
    read = [name for session in sessions for name in session["read"]]
    assert len(set(read)) == len(read)
    for n, name in enumerate(read):
        assert not set(NEEDS[name]) & set(read[n:])
    for session in sessions:
        assert "deck" not in session or (ROOT / "lectures" / f"{session['deck']}.md").exists()
        assert set(session.get("exercises", [])) <= set(exercises())


def test_a_term_reads_the_whole_book():
    read = [name for session in course()["term"]["sessions"] for name in session["read"]]
    assert sorted(read) == sorted(ROWS)


def test_a_set_is_due_after_its_chapters():
    due = {}
    read = set()
    for session in course()["term"]["sessions"]:
        read |= set(session["read"])
        if "set" in session:
            due[str(session["set"])] = set(read)
    assert set(due) == set(course()["set"])
    for number, row in course()["set"].items():
        assert {exercises()[label].chapter for label in row["exercises"]} <= due[number]


def test_the_map_draws_every_chapter_and_every_need():
    sys.path.append(str(ROOT / "book" / "_ext"))
    import teaching

    drawing = teaching.draw_map()
    assert re.findall(r'href="([\w-]+)\.html"', drawing) == list(ROWS)
    assert drawing.count("marker-end") == sum(
        len(teaching.direct(name)) + len(row.get("helps", [])) for name, row in ROWS.items()
    )
    for name in ROWS:  # what is not drawn follows from what is
        assert before(name, NEEDS) == before(name, {one: teaching.direct(one) for one in ROWS})
    corners = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', drawing)
    assert len(set(corners)) == len(ROWS)


def test_the_readme_counts_right():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf8").split())
    cells = [cell for chapter in chapters().values() for cell in chapter.notebook.cells]
    checks = "\n".join(cell.source for cell in cells if "exercise-check" in cell.metadata.get("tags", []))
    checked = [label for label in exercises() if f'check("{label}"' in checks]
    assert f"Of the {len(exercises())} exercises {len(checked)} take an answer" in readme
    words = {25: "Twenty-five", 7: "seven"}
    decks = list((ROOT / "lectures").glob("[1-9]*.md"))
    assert f"{words[len(ROWS)]} chapters, {words[len(decks)]} decks." in readme
