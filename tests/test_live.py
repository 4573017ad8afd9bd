"""Live pages: Python in a real browser, from the addresses that a reader's browser asks, routed to files here.

`tools/pyodide.py collect` brings the files. Where its compiled packages are not to be had (see there), the tests that
need NumPy are skipped by name, and the others run with the core of Python alone.
"""

import base64
import hashlib
import json
import os
import re
import sys
import tomllib
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pyodide
import pytest
from browser import HTML
from pages import CHAPTERS, DESK, PHONE, ROOT, violations, visits

sys.path.append(str(ROOT / "book" / "_ext"))
import live as extension

pytestmark = pytest.mark.site

NAMES = [Path(page).stem for page in CHAPTERS]
CHAPTER = "5-1-complex-step"  # where no whole chapter is meant
PATIENCE = 180_000  # milliseconds for Python to start on a busy machine
MAX_SECONDS = 120  # for a chapter

# Whole chapters: all with LIVE=all, otherwise every third, from one that a commit's hash or another number chooses.
LIVE = os.environ.get("LIVE", "0")
CHOSEN = NAMES if LIVE == "all" else NAMES[int(LIVE, 16) % 3 :: 3]


@pytest.fixture(scope="session")
def missing():
    """The names of the files that were not to be had; the others lie in `pyodide.STORE`."""
    names = [name for name in pyodide.files() if not (pyodide.STORE / name).exists()]
    if core := [name for name in names if name in pyodide.CORE]:
        pytest.fail(f"not in {pyodide.STORE}: {', '.join(core)}. Run `.venv/bin/python tools/pyodide.py collect`.")
    return names


@pytest.fixture
def numpy(request, missing):
    """For tests that need the compiled packages."""
    leave_out(request.node.name, missing)


def leave_out(what, missing):
    if missing:
        packages = [pyodide.files()[name]["package"] for name in missing]
        pytest.skip(f"left out: {what}, for want of {', '.join(packages)}; name their folder in PYODIDE_DIST")


@pytest.fixture(scope="module")
def opened(browser, missing):
    """Open pages whose requests to the pinned host are answered from the folder of files."""
    with visits(browser, PATIENCE) as visit:

        def open_page(url, lost=None, prepare=lambda context: None, **options):
            def prepare_all(context):
                for base in pyodide.listed()["bases"].values():
                    context.route(f"{base}**", lambda route: answer(route, lost))
                if missing:
                    context.route(re.compile(r"/_live/live\.js"), without_numpy)
                prepare(context)

            return visit(url, prepare=prepare_all, **options)

        yield open_page


def answer(route, lost):
    name = route.request.url.rpartition("/")[2]
    if lost and lost in name:
        return route.abort()
    kind = "application/wasm" if name.endswith(".wasm") else "application/octet-stream"
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": kind}
    if not (pyodide.STORE / name).exists():
        return route.fulfill(status=404, headers=headers)
    return route.fulfill(body=(pyodide.STORE / name).read_bytes(), headers=headers)


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
        self.box.evaluate("box => { for (let at = box; at; at = at.parentElement) at.open = true }")
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


@pytest.mark.parametrize("chapter", NAMES)
def test_nothing_is_loaded_before_the_click(opened, site, chapter):
    page = opened(f"{site}/book/{chapter}.html")
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("button", name="Run this page").is_visible()
    assert re.search(r"\d+ MB at the first time", page.locator(".live-page p").inner_text())
    assert [url for url in page.requested if "_live/" in url or not url.startswith(site)] == []


def test_after_the_click_only_pinned_files_are_loaded(live, site):
    assert any(url.startswith(pyodide.listed()["bases"]["core"]) for url in live.requested)
    assert unpinned(live, site) == []
    assert live.context.cookies() == []


def unpinned(page, site):
    """Name the requests that left the site for anything but the pinned files."""
    bases, core = pyodide.listed()["bases"], pyodide.listed()["core"]
    pinned = {bases["core" if name in core else "packages"] + name for name in pyodide.files()}
    return [url for url in page.requested if not url.startswith((site, "blob:", "data:")) and url not in pinned]


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
    page = opened(
        f"{site}/book/{CHAPTER}.html", prepare=lambda context: context.add_init_script("delete window.WebAssembly")
    )
    page.get_by_role("button", name="Run this page").click()
    page.get_by_text("This browser cannot run Python").wait_for()
    page.locator("button.check").first.click()
    page.locator(".check-note").get_by_text("This browser cannot run Python").wait_for()
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


# Each tries to change the title of the page and to reach another host.
ACT = "document.title='hacked'; fetch('https://example.org/hacked')"
HOSTILE = (
    f'<img src="https://example.org/hacked" onerror="{ACT}"><script>{ACT}</script><svg onload="{ACT}"></svg>'
    f'<a href="javascript:{ACT}">a</a><iframe srcdoc="<script>parent.{ACT}</script>"></iframe>'
)
AS = "class Shown:\n    def {method}(self):\n        return {text!r}\nShown()"
ACTING = "script, iframe, svg[onload], [onerror], a[href^=javascript], img[src^=http]"


def stays_harmless(page, cell, allowed="nothing"):
    """Whether what a cell shows has done nothing, and holds nothing that could, but for what is allowed."""
    page.wait_for_timeout(300)
    reached = [url for url in page.requested if "hacked" in url]
    return (
        page.title() != "hacked" and not reached and cell.output.locator(f":is({ACTING}):not({allowed})").count() == 0
    )


@pytest.mark.parametrize(
    "code",
    [
        f"print({HOSTILE!r})",
        f"import sys\nprint({HOSTILE!r}, file=sys.stderr)",
        AS.format(method="__repr__", text=HOSTILE),
        f"raise ValueError({HOSTILE!r})",
    ],
    ids=["printed", "warned", "repr", "error"],
)
def test_text_is_shown_as_text(live, code):
    cell = Cell(live, 3)
    assert HOSTILE in cell.run(code)
    assert stays_harmless(live, cell)


def test_html_is_shown_in_a_frame_without_scripts(live):
    cell = Cell(live, 3)
    cell.run(AS.format(method="_repr_html_", text=HOSTILE + "<table><td>7</table>"))
    frame = cell.output.locator("iframe")
    assert frame.get_attribute("sandbox") == ""
    assert not re.search("script|onerror|example.org|iframe|javascript", frame.get_attribute("srcdoc"))
    assert cell.output.frame_locator("iframe").locator("td").inner_text() == "7"
    assert stays_harmless(live, cell, "iframe")


def test_a_table_keeps_its_style_and_its_own_pictures(live):
    cell = Cell(live, 3)
    picture = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    styles = "<style>td { color: red }</style><style>@import 'https://example.org/hacked'; b { color: red }</style>"
    table = f'{styles}<table class="t"><td colspan="2">7</td><td><img alt="nine" src="{picture}"></td></table>'
    cell.run(AS.format(method="_repr_html_", text=table))
    shown = cell.output.frame_locator("iframe")
    assert shown.locator("td").first.evaluate("td => getComputedStyle(td).color") == "rgb(255, 0, 0)"
    assert shown.locator("td").first.get_attribute("colspan") == "2"
    assert shown.locator("img").get_attribute("src") == picture
    assert stays_harmless(live, cell, "iframe")


def test_an_svg_is_shown_as_a_picture(live):
    cell = Cell(live, 3)
    svg = f"<svg xmlns='http://www.w3.org/2000/svg'><script>{ACT}</script>{HOSTILE}</svg>"
    cell.run(AS.format(method="_repr_svg_", text=svg))
    assert cell.output.locator("img").count() == 1
    assert stays_harmless(live, cell)


@pytest.mark.parametrize(
    "latex",
    [rf"$\href{{javascript:{ACT}}}{{x}}$", r"$\includegraphics{https://example.org/hacked}$", f"${HOSTILE}$"],
    ids=["link", "picture", "html"],
)
def test_latex_cannot_act(live, latex):
    cell = Cell(live, 3)
    cell.run(AS.format(method="_repr_latex_", text=latex))
    cell.output.locator(".math").wait_for()
    assert stays_harmless(live, cell)


def test_a_figure_cannot_act(live, numpy):
    cell = Cell(live, 3)
    figure = (
        LINE.replace('"height"', repr(HOSTILE)).replace("A line. It", HOSTILE + " It").replace("It is flat.", HOSTILE)
    )
    figure = figure.replace("ax.plot", f"ax.set_title({HOSTILE!r})\n    ax.plot")
    cell.run("from mathlib.show import explorable, slider\n" + figure)
    assert HOSTILE in cell.output.locator("figcaption").inner_text()
    assert stays_harmless(live, cell)


def test_a_page_runs_nothing_that_its_address_says(opened, site):
    code = "print('hacked')"
    address = f"{site}/book/{CHAPTER}.html?code={code}&run=1&cell=3&live=1#{HOSTILE}"
    page = opened(address)
    page.wait_for_load_state("networkidle")
    assert not [url for url in page.requested if "_live/" in url], "it went live by itself"
    press(page)
    assert page.evaluate("livePage.cells.every((cell) => cell.state === 'new' && !cell.edited)")
    assert page.title() != "hacked"
    # Nor has what makes a page live any way to read the address, or to hear what another window says.
    for name in ("page.js", "worker.js"):
        source = (ROOT / "book" / "_live" / name).read_text(encoding="utf8")
        assert not re.search(r"\blocation\b|URLSearchParams|\.hash\b|document\.(URL|referrer)|window\.name", source)


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
    assert count.text_content().startswith("Done: 0 of 6 exercises")

    check.get_by_role("button").click()  # it makes the page live
    check.get_by_text("Nothing to check yet").wait_for()
    answer.locator(".cm-content").fill(
        "def jacobian(f, x):\n    return np.stack([complex_step(f, x, e) for e in np.eye(len(x))])"
    )
    check.get_by_role("button").click()
    check.get_by_text("it is transposed").wait_for()
    assert count.text_content().startswith("Done: 0 of 6 exercises")

    answer.locator(".cm-content").press("Control+End")
    page.keyboard.type(".T")
    check.get_by_role("button").click()
    check.get_by_text("✓ Right.").wait_for()
    assert count.text_content().startswith("Done: 1 of 6 exercises")
    assert "done" in exercise.get_attribute("class")
    assert page.locator("#ex-jacobian ~ details.solution").first.get_attribute("open") is None
    page.reload()
    assert count.text_content().startswith("Done: 1 of 6 exercises")
    page.goto(f"{site}/index.html")
    assert "You have done 1 of " in page.locator("p.done-count").text_content()


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
    page.get_by_role("button", name="Run this page").click()
    page.locator(".live-progress").wait_for()
    assert Cell(page, 3).text == book


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
    page.wait_for_function("() => !livePage.running")
    assert cell.text == "if 1:\n    print(2)"
    assert cell.output.inner_text().strip() == "2"
    page.keyboard.press("Control+z")
    assert cell.text != "if 1:\n    print(2)"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Run"
    assert not page.complaints


# ── moving figures ──


LINE = '''

import matplotlib.pyplot as plt

@explorable(a=slider(0.0, 1.0, step=0.5, label="height"))
def line(a):
    """A line. It is $2a$ high, by `plot`.

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
    assert made.locator("figcaption code").inner_text() == "plot"
    assert made.locator("figcaption .katex-html").inner_text() == "2a"
    cell.box.get_by_role("button", name="Reset").click()
    assert figure.locator(".live-controls").count() == 0
    assert figure.locator(".controls input").count() >= 1


def test_a_cell_of_a_further_section_runs_closed_and_opens_it_at_an_error(opened, site):
    page = press(opened(f"{site}/book/{CHAPTER}.html"))
    page.evaluate(IN_FURTHER + ".editor.text = 'print(6 * 7)'")
    page.evaluate(f"livePage.run([{IN_FURTHER}])")
    page.wait_for_function(IN_FURTHER + ".state === 'done'")
    is_open = IN_FURTHER + ".box.closest('details.further').open"
    assert not page.evaluate(is_open)
    page.evaluate(IN_FURTHER + ".editor.text = '1 / 0'")
    page.evaluate(f"livePage.run([{IN_FURTHER}])")
    page.wait_for_function(IN_FURTHER + ".state === 'failed'")
    assert page.evaluate(is_open)
    number = page.evaluate(NUMBER_IN_FURTHER)
    assert Cell(page, number).run("print(6 * 8)") == "48", "an editor that was made in a closed section"


IN_FURTHER = "livePage.cells.find(({ box }) => box.closest('details.further'))"
NUMBER_IN_FURTHER = """[...document.querySelectorAll('.bd-article .cell:has(.live-editor)')]
    .findIndex((box) => box.closest('details.further')) + 1"""


# ── the page as a whole ──


def test_a_live_page_is_accessible_and_fits(opened, site):
    page = press(opened(f"{site}/book/{CHAPTER}.html"))
    Cell(page, 3).run("print('some text ' * 40)\n1 / 0")
    page.add_style_tag(content="* { content-visibility: visible !important }")
    faults = []
    for theme, size in product(("light", "dark"), (DESK, PHONE)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size(size)
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        faults += [f"{theme}, {size['width']} px: {fault}" for fault in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            faults.append(f"the page is wider than {size['width']} px")
    assert not faults


def test_a_page_on_a_disk_runs(opened):
    page = press(opened((HTML / "book" / f"{CHAPTER}.html").as_uri()))
    assert Cell(page, 3).run("print(6 * 7)") == "42"


REFUSED = """(attempt) => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
    setTimeout(() => resolve("nothing"), 2000);
    const make = (tag, properties) => document.body.append(Object.assign(document.createElement(tag), properties));
    ({
        script: () => make("script", { textContent: "document.title = 'hacked'" }),
        picture: () => make("img", { src: "https://example.org/a.png" }),
        frame: () => make("iframe", { src: "https://example.org/" }),
        request: () => fetch("https://example.org/").catch(() => {}),
    })[attempt]();
})"""


@pytest.mark.parametrize(
    ("attempt", "directive"),
    [
        ("script", "script-src-elem"),
        ("picture", "img-src"),
        ("frame", "frame-src"),
        ("request", "connect-src"),
    ],
)
def test_the_policy_that_hosts_send_refuses(opened, site, attempt, directive):
    page = opened(f"{site}/book/{CHAPTER}.html")
    assert page.evaluate(REFUSED, attempt) == directive
    assert page.title() != "hacked"


@pytest.fixture(scope="module")
def carrying(missing, tmp_path_factory):
    """The folder of a book that was built with LIVE_PYTHON=book."""
    leave_out("a book that carries Python", missing)
    folder = tmp_path_factory.mktemp("carrying")
    for part in ("book", "_static", "_frames"):
        (folder / part).symlink_to(HTML / part)
    extension.write_assets(extension.make(True, pyodide.STORE)[2], folder / "_live")
    return folder


def test_a_book_that_carries_python_needs_no_network(browser, carrying):
    with visits(browser, PATIENCE) as visit:
        page = press(visit(f"{carrying.as_uri()}/book/{CHAPTER}.html"))
        cell = Cell(page, 3)
        assert cell.run("import numpy as np\nprint(np.arange(3) @ np.arange(3))") == "5"
        assert cell.run("import mathlib\nprint(mathlib.complex_step(lambda x: x**3, 2.0))") == "12.0"
        assert cell.run("from scipy.linalg import det\nimport sympy, sklearn, pint\nprint(sympy.pi)") == "pi"
        assert {url for url in page.requested if not url.startswith((carrying.as_uri(), "blob:", "data:"))} == set()
        assert not page.complaints


def test_a_book_that_carries_python_has_every_file_with_its_sum(carrying):
    for name, file in pyodide.files().items():
        script = (carrying / "_live" / "files" / f"{name}.js").read_text()
        data = base64.b64decode(script.removeprefix(f'live.files["{name}"]="').removesuffix('";\n'))
        assert pyodide.is_right(data, file), name


# ── whole chapters ──


@pytest.mark.parametrize("chapter", CHOSEN)
def test_a_chapter_runs_whole_and_prints_what_the_book_prints(opened, site, numpy, chapter):
    page = opened(f"{site}/book/{chapter}.html")
    stored = page.evaluate(PRINTED.replace("CELLS", "[...document.querySelectorAll('.bd-article .cell')]"))
    press(page)
    page.get_by_role("button", name="Run all", exact=True).click()
    page.wait_for_function("() => !livePage.running", timeout=600_000)
    printed = page.evaluate(PRINTED.replace("CELLS", "livePage.cells.map((cell) => cell.box)"))
    states = page.evaluate("livePage.cells.map((cell) => cell.state)")
    free = page.evaluate("livePage.cells.map((cell) => cell.box.matches('.tag_nbval-ignore-output'))")
    cells = enumerate(zip(stored, printed, states, free, strict=True), 1)
    wrong = []
    for n, (book, here, state, may_differ) in cells:
        if state != "done":
            wrong.append(f"cell {n} did not run to its end: {here}")
        elif here != book and not may_differ:
            wrong.append(f"cell {n}: {here!r} is not {book!r}")
    wrong += [f"not of the list of files: {url}" for url in unpinned(page, site)]
    assert not wrong, "\n".join(wrong)
    if "LIVE_TIMES" in os.environ:
        said = page.evaluate("livePage.cells.map((cell) => cell.status.textContent)")
        note_seconds(chapter, [float(re.search(r"Ran in ([\d.]+) s", text)[1]) for text in said])


# How long a chapter takes is measured by `make seconds`, alone on a machine. Here, where the machine may be slow and
# other tests run beside, nothing is timed: what was measured must be within bounds, and known of every chapter. (The
# sum leaves out cells of less than half a second.)
SECONDS = ROOT / "book" / "_live" / "seconds.toml"


def measured_seconds():
    return tomllib.loads(SECONDS.read_text(encoding="utf8"))


def note_seconds(chapter, times):
    """Write down how long cells take, to the second, for the page to say so."""
    comment = SECONDS.read_text(encoding="utf8").splitlines()[0]
    table = measured_seconds() | {chapter: {str(n): round(t) for n, t in enumerate(times, 1) if round(t)}}
    rows = (f"[{name}]\n" + "".join(f"{n} = {t}\n" for n, t in cells.items()) for name, cells in sorted(table.items()))
    SECONDS.write_text("\n".join([comment + "\n", *rows]), encoding="utf8")


def test_every_chapter_was_measured_in_a_browser_and_is_short():
    totals = {chapter: sum(cells.values()) for chapter, cells in measured_seconds().items()}
    assert sorted(totals) == sorted(NAMES)
    assert {chapter: total for chapter, total in totals.items() if total > MAX_SECONDS} == {}


# But for empty lines: what is printed and what is shown are parts of their own in the book.
PRINTED = """CELLS.map((cell) => [...cell.querySelectorAll(':scope > .cell_output pre')]
    .map((pre) => pre.textContent).join("\\n").trim().replace(/\\n+/g, "\\n"))"""
