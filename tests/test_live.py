"""Live pages: Python in a real browser, from the addresses that a reader's browser asks, routed to files here.

The files are brought by `tools/pyodide.py`. Where its compiled packages are not to be had (see there), the tests that
need NumPy are skipped by name, and the others run with the core of Python alone.
"""

import datetime
import hashlib
import json
import os
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pyodide
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import FLAGS, HTML, find_chromium, serve
from playwright.sync_api import sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

pytestmark = [pytest.mark.site, pytest.mark.live]

ROOT = Path(__file__).parents[1]
CHAPTERS = [
    Path(name).name for name in parse_toc_yaml(ROOT / "_toc.yml") if (ROOT / name).with_suffix(".ipynb").exists()
]
CHAPTER = "5-1-complex-step"  # where no whole chapter is meant
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
PATIENCE = 90_000  # milliseconds for Python to start on a busy machine
MAX_SECONDS = 120  # for a chapter

# All with LIVE=all, otherwise two, others every day.
TODAY = datetime.date.today().toordinal()
CHOSEN = CHAPTERS if os.environ.get("LIVE") == "all" else [CHAPTERS[(2 * TODAY + i) % len(CHAPTERS)] for i in (0, 1)]


@pytest.fixture(scope="session")
def missing():
    """The names of the files that are not to be had; the others lie in `pyodide.STORE`."""
    return pyodide.collect()


@pytest.fixture
def numpy(missing):
    """For tests that need the compiled packages."""
    if missing:
        pytest.skip(f"left out: {', '.join(missing)} not to be had; name their folder in PYODIDE_DIST")


@pytest.fixture(scope="session")
def site():
    if not (HTML / "_live" / "live.js").exists():
        pytest.fail("there is no built book in _build/html: run `make book` first")
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def opened(browser, missing):
    """Open pages whose requests to the pinned host are answered from the folder of files."""
    contexts = []

    def open_page(url, lost=None, theme="light", size=DESK, init=None):
        context = browser.new_context(color_scheme=theme, viewport=size, reduced_motion="reduce")
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))

        def answer(route):
            name = route.request.url.rpartition("/")[2]
            if lost and lost in name:
                return route.abort()
            kind = "application/wasm" if name.endswith(".wasm") else "application/octet-stream"
            headers = {"Access-Control-Allow-Origin": "*", "Content-Type": kind}
            if not (pyodide.STORE / name).exists():
                return route.fulfill(status=404, headers=headers)
            return route.fulfill(body=(pyodide.STORE / name).read_bytes(), headers=headers)

        for base in pyodide.listed()["bases"].values():
            context.route(f"{base}**", answer)
        if missing:  # with the core of Python alone
            context.route(re.compile(r"/_live/live\.js"), without_numpy)
        if init:
            page.add_init_script(init)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


def without_numpy(route):
    script = (HTML / "_live" / "live.js").read_text(encoding="utf8")
    script = script.replace('"first": ["numpy", "matplotlib"]', '"first": []')
    route.fulfill(body=script, content_type="text/javascript")


def press(page):
    """Press the button, and wait until Python is ready or has given up."""
    page.get_by_role("button", name="Run this page").click()
    page.locator(".live-progress").filter(has_text=re.compile("Python is ready|could not")).wait_for()
    return page


@pytest.fixture(scope="module")
def live(opened, site):
    """One live page for the tests of editing and running."""
    return press(opened(f"{site}/book/{CHAPTER}.html"))


class Cell:
    """The nth cell of a live page."""

    def __init__(self, page, number):
        self.page = page
        self.box = page.locator(".bd-article .cell:has(.live-editor)").nth(number - 1)
        self.editor = self.box.locator(".cm-content")
        self.output = self.box.locator(":scope > .cell_output")
        self.box.evaluate("box => box.closest('details')?.setAttribute('open', '')")
        self.box.evaluate("box => box.querySelectorAll('details').forEach(fold => { fold.open = true })")

    def type(self, code):
        """Replace the text of the cell by typing over it."""
        self.editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)

    def run(self, code=None):
        """Type, run, and return the text that appears under the cell."""
        if code is not None:
            self.type(code)
        self.editor.press("Shift+Enter")
        self.box.locator(".live-status").filter(has_text=re.compile("Ran in|Stopped at")).wait_for()
        return self.output.inner_text().rstrip("\n")

    @property
    def text(self):
        return self.page.evaluate("n => livePage.cells[n].editor.text", self.number)

    @property
    def number(self):
        return self.box.evaluate("box => livePage.cells.findIndex((cell) => cell.box === box)")


# ── what is loaded, and from where ──


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nothing_is_loaded_before_the_click(opened, site, chapter):
    page = opened(f"{site}/book/{chapter}.html")
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("button", name="Run this page").is_visible()
    assert re.search(r"\d+ MB at the first time", page.locator(".live-page p").inner_text())
    assert [url for url in page.requested if "_live/" in url or not url.startswith(site)] == []


def test_after_the_click_only_pinned_files_are_loaded(live, site, missing):
    pinned = {pyodide.listed()["bases"][base] + name for name, base in places()}
    foreign = {url for url in live.requested if not url.startswith((site, "blob:", "data:"))}
    assert foreign
    assert foreign <= pinned
    assert live.context.cookies() == []


def places():
    core = pyodide.listed()["core"]
    return [(name, "core" if name in core else "packages") for name in pyodide.files()]


def test_the_files_have_their_sums(missing):
    for name, file in pyodide.files().items():
        if name not in missing:
            digest = hashlib.sha256((pyodide.STORE / name).read_bytes()).hexdigest()
            assert digest in (file["sha256"], file.get("pypi")), name


def test_a_file_with_another_sum_is_refused(opened, site):
    page = opened(f"{site}/book/{CHAPTER}.html")
    page.context.route(
        "**/pyodide.asm.js",
        lambda route: route.fulfill(body="alert(1)", headers={"Access-Control-Allow-Origin": "*"}),
    )
    press(page)
    assert "pyodide.asm.js could not be loaded" in page.locator(".live-progress").inner_text()


def test_the_page_knows_the_list_of_files():
    live = (HTML / "_live" / "live.js").read_text(encoding="utf8").partition(";\n")[0]
    python = json.loads(live.removeprefix("window.live = "))["python"]
    assert python["bases"] == pyodide.listed()["bases"]
    for name, file in pyodide.files().items():
        assert python["files"][name]["integrity"] == pyodide.integrity(file)
    policy = (HTML / "_live" / "content-security-policy.txt").read_text()
    assert all(urlsplit(base).netloc in policy for base in python["bases"].values())


# ── a browser or a network that cannot ──


@pytest.mark.parametrize("lost", ["pyodide.js", "pyodide.asm.wasm", "python_stdlib.zip"])
def test_a_lost_network_is_said_and_the_page_stays(opened, site, lost):
    page = press(opened(f"{site}/book/{CHAPTER}.html", lost=lost))
    said = page.locator(".live-progress").inner_text()
    assert re.search(rf"{re.escape(lost)} could not be loaded from cdn\.jsdelivr\.net .* read on", said), said
    assert page.locator("figure.explorable svg").first.is_visible()
    assert page.locator(".cell_output").first.inner_text()


def test_a_missing_package_is_said_under_its_cell(opened, site, numpy):
    page = press(opened(f"{site}/book/{CHAPTER}.html", lost="sympy"))
    assert "sympy could not be loaded" in Cell(page, 3).run("import sympy")
    assert Cell(page, 3).run("print(6 * 7)") == "42"


def test_a_browser_without_webassembly_is_told_so(opened, site):
    page = opened(f"{site}/book/{CHAPTER}.html", init="delete window.WebAssembly")
    page.get_by_role("button", name="Run this page").click()
    page.get_by_text("This browser cannot run Python").wait_for()
    assert page.locator(".live-editor").count() == 0


# ── edit and run ──


def test_an_edited_cell_runs_and_its_value_is_shown(live):
    cell = Cell(live, 3)
    assert cell.run("x = 6\nprint(x)\nx * 7") == "6\n42"
    assert cell.run("x += 1\nx;") == ""


def test_an_error_names_the_readers_own_line(live):
    cell = Cell(live, 3)
    said = cell.run("y = 1\ndef f():\n    return y / 0\n\nf()")
    assert 'File "<cell 3>", line 5, in <module>' in said
    assert 'File "<cell 3>", line 3, in f' in said
    assert said.endswith("ZeroDivisionError: division by zero")
    assert "runner" not in said
    assert cell.box.locator(".cm-fault").inner_text() == "f()" or "return" in cell.box.locator(".cm-fault").inner_text()
    said = cell.run("y = 1\nif y\n    pass")
    assert "line 2" in said
    assert "SyntaxError" in said
    assert cell.box.locator(".cm-fault").inner_text() == "if y"


def test_what_a_cell_prints_cannot_act(live):
    cell = Cell(live, 3)
    hostile = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    assert cell.run(f"print({hostile!r})") == hostile
    cell.run(f"class T:\n    def _repr_html_(self):\n        return {hostile!r} + '<table><td>7</table>'\nT()")
    assert cell.output.locator("iframe").get_attribute("sandbox") == ""
    assert cell.output.frame_locator("iframe").locator("td").inner_text() == "7"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='hacked'</script>{hostile}</svg>"
    cell.run(f"class S:\n    def _repr_svg_(self):\n        return {svg!r}\nS()")
    assert cell.output.locator("img").count() == 1
    live.wait_for_timeout(300)
    assert live.title() != "hacked"


def test_latex_is_typeset(live):
    cell = Cell(live, 3)
    cell.run(r"class L:" + "\n" + r"    def _repr_latex_(self):" + "\n" + r"        return r'$\frac{1}{2}$'" + "\nL()")
    cell.output.locator(".katex .mfrac").wait_for()


def test_plain_figures_appear(live, numpy):
    cell = Cell(live, 3)
    cell.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('A line')")
    assert cell.output.get_by_role("img", name="A line").evaluate("img => img.naturalWidth") > 100


def test_a_flood_of_text_is_cut(live):
    assert "The rest is not shown" in Cell(live, 3).run("for _ in range(300_000): print(_)")


def test_a_check_names_what_is_wrong_and_counts_what_is_right(opened, site, numpy):
    page = opened(f"{site}/book/{CHAPTER}.html")
    exercise = page.locator("#ex-jacobian")
    answer = page.locator("#ex-jacobian + .cell")
    check = page.locator("#ex-jacobian + .cell + .cell")
    count = page.locator(".done-count")
    assert count.inner_text().startswith("Done: 0 of 6 exercises")

    check.get_by_role("button").click()  # it makes the page live
    check.get_by_text("Nothing to check yet").wait_for()
    answer.locator(".cm-content").fill(
        "def jacobian(f, x):\n    return np.stack([complex_step(f, x, e) for e in np.eye(len(x))])"
    )
    check.get_by_role("button").click()
    check.get_by_text("it is transposed").wait_for()
    assert count.inner_text().startswith("Done: 0 of 6 exercises")

    answer.locator(".cm-content").press("Control+End")
    page.keyboard.type(".T")
    check.get_by_role("button").click()
    check.get_by_text("✓ Right.").wait_for()
    assert count.inner_text().startswith("Done: 1 of 6 exercises")
    assert "done" in exercise.get_attribute("class")
    assert page.locator("#ex-jacobian ~ details.solution").first.get_attribute("open") is None
    page.reload()
    assert count.inner_text().startswith("Done: 1 of 6 exercises")
    page.goto(f"{site}/book/index.html")
    assert "You have done 1 of " in page.locator("p.done-count").inner_text()


def test_stop_ends_an_endless_loop_and_keeps_the_edit(live):
    cell = Cell(live, 3)
    cell.run("before = 1")
    cell.type("while True:\n    pass")
    cell.editor.press("Shift+Enter")
    live.get_by_role("button", name="Stop").click()
    assert "variables are lost" in live.locator(".live-progress").inner_text()
    assert cell.text == "while True:\n    pass"
    said = cell.run("print(before)")
    assert "NameError" in said
    assert cell.output.get_by_role("button", name="Run all above, then this").is_visible()


def test_edits_survive_a_reload_and_reset_brings_the_book_back(opened, site):
    page = press(opened(f"{site}/book/{CHAPTER}.html"))
    cell = Cell(page, 3)
    book, shown = cell.text, cell.output.inner_text()
    assert cell.run("print('mine')") == "mine"
    page.reload()
    cell = Cell(press(page), 3)
    assert cell.text == "print('mine')"
    assert cell.run() == "mine"
    cell.box.get_by_role("button", name="Reset").click()
    assert (cell.text, cell.output.inner_text()) == (book, shown)
    page.reload()
    assert Cell(press(page), 3).text == book


def test_by_keyboard_alone(opened, site):
    page = opened(f"{site}/book/{CHAPTER}.html")
    page.get_by_role("button", name="Run this page").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Python is ready").wait_for()
    cell = Cell(page, 3)
    cell.editor.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("if 1:")
    page.keyboard.press("Enter")
    page.keyboard.type("print(2)")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("!livePage.running")
    assert cell.text == "if 1:\n    print(2)"
    assert cell.output.inner_text().strip() == "2"
    page.keyboard.press("Control+z")
    assert cell.text != "if 1:\n    print(2)"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Run"


# ── moving figures ──


LINE = '''

import matplotlib.pyplot as plt

@explorable(a=slider(0.0, 1.0, step=0.5, label="height"))
def line(a):
    """A line.

    It is flat.
    """
    fig, ax = plt.subplots()
    ax.plot([0, 1], [a, 2 * a])
    return fig
'''


def test_a_figure_of_edited_code_calls_python(opened, site, numpy):
    page = press(opened(f"{site}/book/{CHAPTER}.html"))
    cell = Cell(page, 1)
    source = cell.text
    cell.run()
    figure = page.locator("figure.explorable").first
    assert figure.locator(".live-controls").count() == 0, "unedited, a figure keeps the book's frames"
    cell.run(source + LINE)
    assert figure.locator(".live-controls").count() == 1
    made = page.locator("#fig-line")
    for moved in (figure, made):
        before = moved.locator(".picture").inner_html()
        moved.locator("input").first.press("ArrowRight")
        picture = moved.locator(".picture").element_handle()
        page.wait_for_function("([p, b]) => p.innerHTML !== b", arg=[picture, before])
    assert made.locator("output").inner_text() == "0.55", "any value between the positions"
    cell.box.get_by_role("button", name="Reset").click()
    assert figure.locator(".live-controls").count() == 0
    assert figure.locator(".controls input").count() >= 1


# ── the page as a whole ──


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_live_page_is_accessible_and_fits(opened, site, theme, size):
    page = press(opened(f"{site}/book/{CHAPTER}.html", theme=theme, size=size))
    Cell(page, 3).run("print('some text ' * 40)\n1 / 0")
    page.evaluate("document.querySelectorAll('.katex-html, [role=img] svg > *').forEach(element => element.remove())")
    page.add_style_tag(content="* { content-visibility: visible !important }")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    faults = [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]
    assert not faults


def test_a_page_on_a_disk_runs(opened):
    page = press(opened((HTML / "book" / f"{CHAPTER}.html").as_uri()))
    assert Cell(page, 3).run("print(6 * 7)") == "42"


def test_a_page_runs_under_the_content_security_policy(opened, site, missing):
    policy = (HTML / "_live" / "content-security-policy.txt").read_text().strip()
    page = opened("about:blank")

    def with_header(route):
        response = route.fetch()
        route.fulfill(response=response, headers=response.headers | {"Content-Security-Policy": policy})

    page.context.route(re.compile(r"\.html$"), with_header)
    page.goto(f"{site}/book/{CHAPTER}.html")
    press(page)
    assert Cell(page, 3).run("print(6 * 7)") == "42"
    assert not [text for text in page.complaints if "Content Security Policy" in text]
    assert page.evaluate(REFUSES) == "refused"


REFUSES = """new Promise((resolve) => {
    const picture = new Image();
    picture.onerror = () => resolve("refused");
    picture.onload = () => resolve("loaded");
    picture.src = "https://cdn.jsdelivr.net/x.png";
})"""


# ── whole chapters ──


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chapter", CHOSEN)
def test_a_chapter_runs_whole_and_prints_what_the_book_prints(opened, site, numpy, chapter):
    page = opened(f"{site}/book/{chapter}.html")
    stored = page.evaluate(PRINTED.replace("CELLS", "[...document.querySelectorAll('.bd-article .cell')]"))
    press(page)
    page.get_by_role("button", name="Run all", exact=True).click()
    page.wait_for_function("!livePage.running", timeout=600_000)
    printed = page.evaluate(PRINTED.replace("CELLS", "livePage.cells.map((cell) => cell.box)"))
    wrong = [f"cell {n}: {b!r} is not {a!r}" for n, (a, b) in enumerate(zip(stored, printed, strict=True), 1) if a != b]
    times = page.evaluate("livePage.cells.map((cell) => parseFloat(cell.status.textContent.replace('Ran in ', '')))")
    if "LIVE_TIMES" in os.environ:
        note_seconds(chapter, times)
    said = tomllib.loads(SECONDS.read_text(encoding="utf8")).get(chapter, {})
    wrong += [f"cell {n} took {t} s unannounced" for n, t in enumerate(times, 1) if t > 15 and str(n) not in said]
    if sum(times) > MAX_SECONDS:
        wrong.append(f"the chapter took {sum(times):.0f} s, more than {MAX_SECONDS}")
    assert not wrong, "\n".join(wrong)


SECONDS = ROOT / "book" / "_live" / "seconds.toml"


def note_seconds(chapter, times):
    """Write down which cells take longer than two seconds, for the page to say so."""
    comment = SECONDS.read_text(encoding="utf8").splitlines()[0]
    table = tomllib.loads(SECONDS.read_text(encoding="utf8"))
    table[chapter] = {str(n): round(t) for n, t in enumerate(times, 1) if t >= 2}
    rows = (f"[{name}]\n" + "".join(f"{n} = {t}\n" for n, t in cells.items()) for name, cells in sorted(table.items()))
    SECONDS.write_text("\n".join([comment + "\n", *rows]), encoding="utf8")


PRINTED = """CELLS.map((cell) => [...cell.querySelectorAll(':scope > .cell_output pre')]
    .map((pre) => pre.textContent).join("").trim())"""
