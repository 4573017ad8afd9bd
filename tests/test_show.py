"""The moving figures: what an author is told, what a page gets, and that it comes out the same every time."""

import base64
import functools
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ipywidgets import Widget
from matplotlib.textpath import TextToPath
from nbclient import NotebookClient

from mathlib import grad
from mathlib.backprop import Graph
from mathlib.show import explorable, slider, svg
from mathlib.show.drawings import cnn, graph, hessian
from mathlib.show.style import BLUE, COLOURS, ORANGE, PAPER
from mathlib.show.svg import elements, pack

mpl.use("agg")
ROOT = Path(__file__).resolve().parents[1]
MODULE = sys.modules[explorable.__module__]
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


@explorable(a=slider(-1, 1, step=0.5, label="shift"), n=slider(1, 3, label="degree", unit="°"))
def two_curves(a, n):
    """Two curves, of which `one` moves by $a$.

    A straight line and a power function that
    moves to the right.
    """
    fig, ax = plt.subplots()
    x = np.linspace(-1, 1, 50)
    ax.plot(x, x)
    ax.plot(x, (x - a) ** n, "o-", color="black", markersize=3)
    ax.set(xlim=(-1, 1), ylim=(-2, 2), xlabel=r"$x^2 / \varepsilon$")
    return fig


def page(figure):
    """What the book receives of a figure."""
    html = bundle(figure, "page")["text/html"]
    return json.loads(re.fullmatch(r"<script[^>]*>(.*)</script>", html)[1])


@pytest.fixture
def in_kernel(monkeypatch):
    monkeypatch.setattr(MODULE, "_in_kernel", lambda: True)
    monkeypatch.delenv("MATHLIB_SHOW", raising=False)


@pytest.fixture(scope="module")
def data():
    return page(two_curves)


def bundle(figure, mode):
    """What a figure sends where the book is built, where a notebook is stored, or (None) elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        if mode:
            patch.setenv("MATHLIB_SHOW", mode)
        return figure._repr_mimebundle_()[0]


def unpack(packed, at):
    runs = packed["frames"][at]
    return "".join("".join(packed["parts"][i : i + n]) for i, n in zip(runs[::2], runs[1::2], strict=True))


# ── sliders ──


def test_slider_takes_both_ends_and_starts_in_the_middle():
    s = slider(-60, 0, step=3, label="k", format="2^{}")
    assert s.values == tuple(range(-60, 1, 3))
    assert s.value == -30
    assert s.readouts[0] == "2⁻⁶⁰"


def test_slider_values_are_the_decimals_one_writes():
    assert slider(0, 1, step=0.1, label="t").values == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def test_slider_readouts_may_be_names():
    assert slider(0, 1, label="f", format=["x²", "|x|²"].__getitem__).readouts == ("x²", "|x|²")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 1), {}, "needs a label"),
        ((1, 0), {"label": "t"}, "start < stop"),
        ((0, 1), {"label": "t", "step": 0}, "step > 0"),
        ((0, 1), {"label": "t", "step": 0.3}, "use stop=0.9"),
        ((-60, 0), {"label": "k", "step": 3, "value": -26}, "nearest is -27"),
    ],
)
def test_slider_says_what_to_write_instead(arguments, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        slider(*arguments, **options)


# ── authors ──


def draw(**sliders):
    @explorable(**sliders)
    def figure(a):
        """Caption.

        Alt text.
        """
        return plt.figure()

    return figure


@pytest.mark.parametrize(
    ("sliders", "message"),
    [
        ({"b": slider(0, 1, label="b")}, "takes ['a'], but the sliders are for ['b']"),
        ({"a": (0, 1)}, "a=slider(start, stop, ...)"),
        ({"a": slider(0, 500, label="a")}, "take a larger step"),
        ({name: slider(0, 1, label=name) for name in "abc"}, "two at most"),
    ],
)
def test_explorable_refuses_sliders_that_do_not_fit(sliders, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        draw(**sliders)


@pytest.mark.parametrize("docstring", [None, "A caption alone."])
def test_explorable_asks_for_caption_and_alt_text(docstring):
    def figure():
        return plt.figure()

    figure.__doc__ = docstring
    with pytest.raises(ValueError, match="docstring of two paragraphs"):
        explorable()(figure)


def test_a_figure_that_is_not_returned_is_an_error():
    @explorable()
    def nothing():
        """Caption.

        Alt text.
        """

    with pytest.raises(TypeError, match="return fig"):
        nothing()


def test_calling_it_draws_the_plain_figure_and_leaves_none_open():
    before = plt.get_fignums()  # other tests may leave some
    figure = two_curves(0.5, 2)
    assert isinstance(figure, mpl.figure.Figure)
    assert figure.axes[0].lines[1].get_ydata()[-1] == 0.25
    assert plt.get_fignums() == before


# ── the bundle ──


def test_caption_alt_and_id_come_from_the_function():
    assert two_curves.id == "fig-two-curves"
    assert two_curves.caption == "Two curves, of which `one` moves by $a$."
    assert two_curves.alt == "A straight line and a power function that moves to the right."


def test_text_is_the_same_in_every_mode(in_kernel, monkeypatch):
    monkeypatch.delattr(Widget, "_repr_mimebundle_")  # ipywidgets 7, which Colab has, does without
    bundles = [bundle(two_curves, mode) for mode in ("page", "still", None)]
    assert MODULE.VIEW in bundles[-1]
    assert {b["text/plain"] for b in bundles} == {
        "Moving figure fig-two-curves, 15 frames\n"
        "  shift: −1 to 1, 5 positions, starts at 0\n"
        "  degree: 1° to 3°, 3 positions, starts at 2°"
    }


def test_the_widgets_redraw_at_every_position(in_kernel):
    box = MODULE._widget_box(two_curves)
    picture, shift, degree, caption = box.children
    assert "of which <code>one</code> moves by $a$" in caption.value
    before = picture.value
    assert (shift.description, shift.value, degree.value) == ("shift", 0, 2)
    shift.index += 1
    assert picture.value != before
    assert f'alt="{two_curves.alt}"' in picture.value
    shift.index -= 1
    assert picture.value == before


def run_in_kernel(code):
    """The outputs of a cell and the models of its widgets, from a real kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=300).execute()
    return notebook.cells[0].outputs, notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


FIGURE = """
import matplotlib.pyplot as plt
from mathlib.show import explorable, slider

@explorable(n=slider(1, 3, label="degree"))
def powers(n):
    '''A "power" of `n`.

    A "curve".
    '''
    return plt.figure()
"""


def test_a_kernel_shows_widgets_and_leaves_a_picture_for_the_time_when_it_is_gone(monkeypatch):
    monkeypatch.delenv("MATHLIB_SHOW", raising=False)
    (style, shown), models = run_in_kernel(FIGURE)
    assert models[shown.data[MODULE.VIEW]["model_id"]]["model_name"] == "VBoxModel"
    assert set(shown.data) == {MODULE.VIEW, "image/png", "text/plain"}
    assert set(style.data) == {"text/html"}
    assert shown.data["image/png"].strip() in style.data["text/html"]
    assert r'/ "A \"curve\"."' in style.data["text/html"]
    assert style.data["text/html"].count("fig-powers") == 2


def test_a_kernel_that_stores_a_notebook_shows_the_picture_alone(monkeypatch):
    monkeypatch.setenv("MATHLIB_SHOW", "still")
    (shown,), models = run_in_kernel(FIGURE)
    assert set(shown.data) == {"image/png", "text/plain"}
    assert not models


def test_a_stored_notebook_gets_text_and_one_small_picture():
    stored = bundle(two_curves, "still")
    assert set(stored) == {"text/plain", "image/png"}
    assert len(base64.b64decode(stored["image/png"])) < 40_000
    assert stored == bundle(two_curves, "still")


def test_a_page_gets_every_frame_and_the_default_one_as_the_still(data):
    assert len(data["frames"]["frames"]) == 15
    assert [s["default"] for s in data["sliders"]] == [2, 1]
    assert unpack(data["frames"], 2 * 3 + 1) == data["still"]
    assert data == page(two_curves)


def test_the_last_slider_moves_fastest(data):
    assert unpack(data["frames"], 3) == "".join(elements(two_curves(-0.5, 1), two_curves.id))


def test_a_still_figure_has_no_frames():
    @explorable()
    def dot():
        """A dot.

        One dot.
        """
        fig, ax = plt.subplots()
        ax.plot([0], [0], "o")
        return fig

    assert "frames" not in page(dot)
    assert repr(dot) == "Figure fig-dot"


# ── SVG ──


def test_svg_takes_its_colours_from_the_page(data):
    svg = data["still"]
    assert "var(--fig-blue)" in svg
    assert "var(--fig-ink)" in svg
    assert not re.search("#[0-9a-f]{6}|black|white", svg)


def test_svg_has_no_style_element_that_would_leak_into_the_page(data):
    assert not re.search("<style|<metadata|<!--|<title", data["still"])


def test_svg_ids_carry_the_figures_name_and_all_references_resolve(data):
    svg = data["still"]
    ids = re.findall(r' id="([^"]*)"', svg)
    references = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    assert references
    assert references == set(ids)
    assert all(name.startswith("fig-two-curves-") for name in ids)


def test_svg_lines_stay_within_a_tenth_of_a_point():
    """The steps are differences of rounded points: their errors do not add up."""
    fig, ax = plt.subplots(layout=None)
    ax.set_position((0, 0, 1, 1))
    ax.axis("off")
    x = np.linspace(0, 1, 500)
    with mpl.rc_context({"path.simplify": False}):
        ax.plot(x, np.sin(40 * x), color=BLUE)
    ax.set(xlim=(0, 1), ylim=(-1, 1))
    plt.close(fig)
    svg = "".join(elements(fig, "f"))
    path = max(re.findall(r' d="(M[^"]*)"', svg), key=len)
    points = np.array(re.findall(r"-?\d*\.?\d+", path), float).reshape(-1, 2).cumsum(axis=0)
    width, height = 72 * fig.get_size_inches()
    expected = np.stack([width * x, height * (1 - np.sin(40 * x)) / 2], axis=1)
    assert points.shape == expected.shape
    assert np.abs(points - expected).max() < 0.051


def test_the_frames_formulas_are_parsed_once_and_come_out_as_if_parsed_each_time(monkeypatch):
    @explorable(n=slider(1, 5, label="exponent"))
    def powers(n):
        """Powers.

        A title and a tick that change, in three sizes.
        """
        fig, ax = plt.subplots()
        ax.set_title(rf"$\frac{{1}}{{x^{{{n}}}}}$", fontsize=8 + n % 3)
        ax.set_xticks([n], labels=[rf"$2^{{-{n}}}$"])
        return fig

    svg.RememberingParser._parse_once.cache_clear()
    parsed = svg.RememberingParser._parse_once.cache_info
    frames = [elements(figure, "f") for figure in powers.frames()]
    misses = parsed().misses
    assert misses >= 10, "five titles and five ticks"
    assert [elements(figure, "f") for figure in powers.frames()] == frames
    assert parsed().misses == misses
    monkeypatch.setattr(svg, "text_to_path", TextToPath)
    assert [elements(figure, "f") for figure in powers.frames()] == frames


def test_packing_is_without_loss_and_shares_what_frames_have_in_common():
    frames = [["<a>", '<path d="M0 0" style="x"/>', "</a>"], ["<a>", '<path d="M1 1" style="x"/>', "</a>"]]
    packed = pack(frames)
    assert [unpack(packed, at) for at in range(2)] == ["".join(frame) for frame in frames]
    assert packed["parts"] == ["<a>", '<path d="M0 0', '" style="x"/>', "</a>", '<path d="M1 1']


# ── colours ──


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", sorted(set(COLOURS) - {"grid", "paper"}))
def test_colours_stand_out_from_the_paper(name):
    assert contrast(COLOURS[name], PAPER) >= (4.5 if name in ("ink", "muted") else 3)


def test_pages_know_every_colour_in_both_themes(pytestconfig):
    css = (pytestconfig.rootpath / "book/_static/figures.css").read_text()
    light, dark = (
        dict(re.findall(r"--fig-(\w+): (#\w+)", block)) for block in re.findall(r"\{[^}]*--fig[^}]*\}", css)[:2]
    )
    assert light == COLOURS
    assert dark.keys() == COLOURS.keys()
    for name in COLOURS.keys() - {"grid", "paper"}:
        assert contrast(dark[name], dark["paper"]) >= 4.5


# ── graphs ──


def tangled(w, b):
    y = np.tanh(w * b + 0.5) * w - b
    return y * y + w


def test_a_walk_through_a_graph_ends_with_the_gradient():
    operations, values, contributions = graph.trace(tangled, w=1.5, b=-0.25)
    assert [text for text, _, _ in operations[:2]] == ["w", "b"]
    assert values[-1] == tangled(1.5, -0.25)
    arrived = [sum(c for _, parent, c in contributions if parent == i) for i in range(2)]
    np.testing.assert_allclose(arrived, grad(lambda theta: tangled(*theta))(np.array([1.5, -0.25])), rtol=1e-14)


def test_a_walk_has_a_step_for_each_operation_and_each_way():
    def notes(step, ink):
        texts = graph.draw_walk(tangled, step, w=1.5, b=-0.25).axes[0].texts
        return [t.get_text() for t in texts if t.get_color() == ink]

    n = len(graph.trace(tangled, w=1.5, b=-0.25)[0])
    assert [len(notes(step, BLUE)) for step in range(n + 1)] == list(range(n + 1))
    assert notes(n, ORANGE) == []
    assert notes(n + 1, ORANGE) == ["1.00"]
    assert len(notes(2 * n, ORANGE)) == n


@pytest.mark.parametrize("order", [0, 1, 2])
def test_arguments_stand_above_results_and_nothing_on_top_of_another(order):
    f = functools.reduce(lambda f, _: grad(f), range(order), lambda w: tangled(w, 0.5))
    operations = Graph(f, 1.5).operations
    places, edges = graph.layout(operations)
    assert {edge for edge, _ in edges} == {(p, i) for i, (_, parents, _) in enumerate(operations) for p in parents}
    assert all((np.diff(path[:, 1]) == -1).all() for _, path in edges)
    for height in set(places[:, 1]):
        assert (np.diff(np.sort(places[places[:, 1] == height, 0])) > 0.999).all()


def test_a_small_graph_is_drawn_with_names_and_a_large_one_without():
    for f, named in [(lambda w: tangled(w, 0.5), True), (grad(grad(lambda w: tangled(w, 0.5))), False)]:
        fig, ax = plt.subplots()
        plt.close(fig)
        program = Graph(f, 1.5)
        graph.draw(program, ax)
        names = [t.get_text() for t in ax.texts if t.get_text()]
        assert names == [graph.label(text) for text, _, _ in program.operations] * named


def test_a_negative_constant_is_subtracted():
    assert graph.label("np.add(%1, -0.3)") == graph.label("np.subtract(%1, 0.3)") == "− 0.3"


# ── windows ──


@given(H=st.integers(1, 9), F=st.integers(1, 5), p=st.integers(0, 2), s=st.integers(1, 4))
def test_the_windows_drawn_are_those_that_fit_and_the_rest_is_hatched(H, F, p, s):
    assume(H + 2 * p >= F)
    fig = cnn.draw_fit(H, F, p, s, room=(9, 2, 13))
    plt.close(fig)
    starts = [x for x in range(-p, H + p, s) if x + F <= H + p]
    bars = np.array([line.get_xdata() for line in fig.axes[0].lines])
    np.testing.assert_allclose(bars, [[x + 0.1, x + F - 0.1] for x in starts])
    hatched = [patch.get_x() for patch in fig.axes[0].patches if patch.get_hatch()]
    np.testing.assert_allclose(hatched, np.arange(starts[-1] + F, H + p) + 0.08)


# ── costs ──


def test_a_route_has_one_bar_and_a_line_for_whom_it_takes_fewer_products():
    costs = {("hand-written", route): (1.5, 2.0) for route in ("gradient", "next", "dual", "differences")}
    costs |= {("JAX", "double backprop"): (2.5, 3.0), ("autograd", "next"): (9.0, 2.0)}
    costs |= {("hand-written", "complex step"): (3.5, 4.0), ("mathlib", "complex step"): (2.5, 1.75)}
    fig = hessian.draw_costs(costs, {"cpu": "a processor", "date": "a day"}, far=5)
    plt.close(fig)
    ax = fig.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [2, 2, 2, 3, 4, 2]
    (line,) = ax.collections
    assert line.get_segments()[0][:, 0].tolist() == [1.75, 1.75]
    markers = [line.get_xdata()[0] for line in ax.lines if line.get_transform() == ax.transData]
    assert markers == [1.5, 1.5, 1.5, 2.5, 3.5, 2.5, 1.5]


# ── outside of notebooks ──


def test_a_terminal_is_told_how_to_see_a_figure(monkeypatch, in_kernel):
    hint = 'It moves in a notebook, not here. As it starts: two_curves.still().savefig("two_curves.png")'
    assert hint not in repr(two_curves), "a notebook shows it"
    monkeypatch.setattr(MODULE, "_in_kernel", lambda: False)
    assert repr(two_curves).endswith(hint)


@pytest.mark.parametrize("name", ["matplotlib", "PIL"])
def test_without_what_it_draws_with_the_package_says_what_to_install(name):
    program = f"import sys; sys.modules[{name!r}] = None; import mathlib; import mathlib.show"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = f"pip install '{project['name']}[show] @ git+{project['urls']['Repository']}'"
    last = answer.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: mathlib.show draws with matplotlib and pillow; {name} is missing.")
    assert source in last


def test_no_message_advises_another_distribution():
    """PyPI's `mathlib` is another package, and ours is not there."""
    for path in (ROOT / "mathlib").rglob("*.py"):
        for advised in re.findall(r"pip install '?(?!\.)([\w-]+)", path.read_text(encoding="utf-8")):
            assert advised in {"tqdm", "mlxtend", "mathlib-second-order"}, path
            assert advised != "mathlib-second-order" or " @ git+" in path.read_text(encoding="utf-8")
