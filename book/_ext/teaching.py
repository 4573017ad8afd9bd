"""``{course} map`` and the like: what the page for teachers says of the chapters.

It comes from ``book/course.toml``; objectives, exercises and minutes come from the chapters, while the book is built.
"""

import html
import sys
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))
import minutes  # noqa: E402
from course import SOURCE, before, chapters, course, exercises, place_of, terms_from_elsewhere  # noqa: E402

# ── the map ──

WIDTH, HEIGHT, GAP_X, GAP_Y = 118, 46, 14, 34


def needs():
    return {name: row["needs"] for name, row in course()["chapter"].items()}


@cache
def depth(name):
    """How many chapters stand above one: those that it needs, and those that help it from its own column."""
    rows = course()["chapter"]
    helps = [one for one in rows[name].get("helps", []) if rows[one]["column"] == rows[name]["column"]]
    return 1 + max(map(depth, [*rows[name]["needs"], *helps]), default=-1)


def direct(name):
    """What a chapter needs, without what these need themselves."""
    every = needs()
    return [one for one in every[name] if not any(one in before(other, every) for other in every[name])]


def draw_map():
    rows = course()["chapter"]
    corner = {
        name: (row["column"] * (WIDTH + GAP_X) + 1, depth(name) * (HEIGHT + GAP_Y) + 1) for name, row in rows.items()
    }
    lines = [line(corner[one], corner[name]) for name in rows for one in direct(name)]
    lines += [line(corner[one], corner[name], "5 4") for name, row in rows.items() for one in row.get("helps", [])]
    boxes = [box(corner[name], name, row["short"], f"{name}.html") for name, row in rows.items()]
    width = max(x for x, _ in corner.values()) + WIDTH + 1
    height = max(y for _, y in corner.values()) + HEIGHT + 1
    arrow = (
        '<marker id="needed" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" style="fill:var(--fig-muted)"/></marker>'
    )
    return (
        '<div class="picture course-map" role="group" aria-label="The map of prerequisites. Below, each chapter says '
        f'what it needs."><svg viewBox="0 0 {width} {height}"><defs>{arrow}</defs>'
        f'<g aria-hidden="true">{"".join(lines)}</g>{"".join(boxes)}</svg></div>'
    )


def line(start, end, dash=""):
    """From the bottom of one box down and, above the row of the other, across to its top; or from side to side."""
    (x0, y0), (x1, y1) = start, end
    if y0 == y1:
        left = x1 < x0
        path = f"M{x0 if left else x0 + WIDTH} {y0 + HEIGHT / 2}L{x1 + WIDTH if left else x1} {y1 + HEIGHT / 2}"
    else:
        a, b, c, d = x0 + WIDTH / 2, y0 + HEIGHT, x1 + WIDTH / 2, y1
        path = f"M{a} {b}V{d - GAP_Y}C{a} {d - 8} {c} {d - 26} {c} {d}"
    style = f"fill:none;stroke:var(--fig-muted);stroke-width:1.5;stroke-dasharray:{dash or 'none'}"
    return f'<path d="{path}" style="{style}" marker-end="url(#needed)"/>'


def box(corner, name, short, uri):
    x, y = corner
    middle = x + WIDTH / 2
    frame = "fill:var(--fig-paper);stroke:var(--fig-blue);stroke-width:1.2"
    text = "text-anchor:middle;font-size:{}px;fill:var(--fig-{})"
    return (
        f'<a href="{html.escape(uri)}"><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" style="{frame}"/>'
        f'<text x="{middle}" y="{y + 18}" style="{text.format(12, "muted")}">{chapters()[name].number}</text>'
        f'<text x="{middle}" y="{y + 35}" style="{text.format(11, "ink")}">{html.escape(short)}</text></a>'
    )


# ── the lists ──


def link(name, text=None):
    chapter = chapters()[name]
    return f"[{text or f'{chapter.number} {chapter.title}'}]({name}.ipynb)"


def links(names):
    return ", ".join(link(name, chapters()[name].title) for name in names)


def figure(name):
    return f"{{numref}}`fig-{name}`"


def exercise(label):
    return f"{{ref}}`{exercises()[label].title} <{label}>` {exercises()[label].stars}"


def core(name):
    return minutes.rounded(chapters()[name].core.minutes)


def list_chapters():
    for name, row in course()["chapter"].items():
        chapter = chapters()[name]
        whole = minutes.rounded((chapter.core + chapter.further).minutes)
        more = f", {whole} with what is further" if whole > core(name) else ""
        needed = f"Needs {links(row['needs'])}." if row["needs"] else "Needs no other chapter."
        helped = f" {links(row['helps'])} would help." if row.get("helps") else ""
        words = ", ".join(f"{{term}}`{term}`" for term in terms_from_elsewhere(name))
        foreign = f" Terms from elsewhere: {words}." if words else ""
        yield f"**{link(name)}.** {core(name)} minutes{more}; {len(chapter.exercises)} exercises."
        yield f"{needed}{helped}{foreign}\n"
        yield from (f"- {objective}" for objective in chapter.objectives)
        yield "\n"
        yield from (f"- *Show* {figure(name)}: {point}" for name, point in row["points"])
        yield "\n"


def list_mistakes():
    for name, row in course()["chapter"].items():
        for belief, shown, truth in row["mistaken"]:
            yield f"“{belief}”\n: {truth} {figure(shown)}, in {link(name, chapters()[name].number)}.\n"


def list_lecture():
    plan = course()["lecture"]
    yield f"{plan['about']}\n\n| minutes | show | say |\n|--:|---|---|"
    for count, name, text in plan["steps"]:
        place = place_of()[name]
        yield f"| {count} | {figure(name)}, in {link(place, chapters()[place].number)} | {text} |"


def list_sessions(key):
    plan = course()[key]
    yield f"{plan['about']}\n\n| no. | session | read before | minutes | in class |\n|--:|---|---|--:|---|"
    for n, session in enumerate(plan["sessions"], 1):
        read = ", ".join(link(name) for name in session["read"])
        taken = [f"{{deck}}`the deck <{session['deck']}>`"] if "deck" in session else []
        taken += map(exercise, session.get("exercises", []))
        taken += [f"problem set {session['set']} is due"] if "set" in session else []
        total = sum(core(name) for name in session["read"])
        yield f"| {n} | {session['title']} | {read} | {total} | {', '.join(taken) or 'exercises'} |"


def list_sets():
    for number, row in course()["set"].items():
        yield f"{number}. *{row['title']}*: {', '.join(map(exercise, row['exercises']))}"


LISTS = {
    "chapters": list_chapters,
    "mistakes": list_mistakes,
    "lecture": list_lecture,
    "two-weeks": lambda: list_sessions("two-weeks"),
    "term": lambda: list_sessions("term"),
    "sets": list_sets,
}


class Course(SphinxDirective):
    required_arguments = 1

    def run(self):
        for path in (SOURCE, ROOT / "tools" / "minutes.py", *(ROOT / "book").glob("[0-9]*.ipynb")):
            self.env.note_dependency(str(path))
        if self.arguments[0] == "map":
            return [nodes.raw("", draw_map(), format="html")]
        return self.parse_text_to_nodes("\n".join(LISTS[self.arguments[0]]()))


def setup(app):
    app.add_directive("course", Course)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
