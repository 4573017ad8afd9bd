"""`explorable`: a function that draws a figure becomes a figure that the reader can move."""

import base64
import builtins
import functools
import html
import inspect
import io
import itertools
import json
import math
import os
import re
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
from PIL import Image

from mathlib.show.slider import Slider
from mathlib.show.style import PAPER, STYLE
from mathlib.show.svg import elements, pack

MAX_FRAMES = 200
VIEW = "application/vnd.jupyter.widget-view+json"

# In a notebook that is opened again JupyterLab shows an error for the widgets of a kernel that is gone, though their
# output has a picture too. This output without content, just before, shows the picture instead; other programs
# show nothing for it.
STILL = """<style class="{id}">
.jp-OutputArea-child:has(style.{id}) + .jp-OutputArea-child > .jp-OutputArea-output.jupyter-widgets {{
  font-size: 0;
  &::before {{ content: url("data:image/png;base64,{png}") / {alt}; }}
  &::after {{ content: "Run this cell to move the figure."; display: block; font-size: var(--jp-ui-font-size1); }}
}}
</style>"""


def explorable(**sliders):
    """Turn a function that returns a matplotlib figure into a figure with one or two sliders, or none.

    The first paragraph of the function's docstring is the caption, the rest describes the picture to those
    who cannot see it. In a running kernel the figure is shown where it is defined, with a slider that redraws
    it; on a page of the book it has a slider over frames drawn beforehand. Calling the result with one
    argument per slider returns the plain matplotlib figure.

    >>> from mathlib.show import explorable, slider
    >>> @explorable(n=slider(1, 5, label="degree"))
    ... def powers(n):
    ...     '''The power function.
    ...
    ...     A curve through (0, 0) and (1, 1), flatter near 0 as the degree grows.
    ...     '''
    ...     fig, ax = plt.subplots()
    ...     ax.plot([0, 0.25, 0.5, 0.75, 1], [(i / 4) ** n for i in range(5)])
    ...     return fig
    >>> powers
    Moving figure fig-powers, 5 frames
      degree: 1 to 5, 5 positions, starts at 3
      It moves in a notebook, not here. As it starts: powers.still().savefig("powers.png")
    >>> powers(2)
    <Figure size 560x350 with 1 Axes>
    """

    def decorate(draw):
        figure = Explorable(draw, sliders)
        if display := _display():
            display(figure)
        return figure

    return decorate


class Explorable:
    """A figure with sliders. Made by `explorable`."""

    def __init__(self, draw, sliders):
        functools.update_wrapper(self, draw)
        self._draw = draw
        self.sliders = _check_sliders(draw, sliders)
        self.id = "fig-" + draw.__name__.replace("_", "-")
        self.caption, self.alt = _check_docstring(draw)

    def __call__(self, *args, **kwargs):
        """Draw the figure at the given values."""
        with mpl.rc_context(STYLE):
            figure = self._draw(*args, **kwargs)
            if not isinstance(figure, mpl.figure.Figure):
                kind = type(figure).__name__
                raise TypeError(f"{self.__name__} returned {kind}, not a matplotlib figure: end it with `return fig`")
        plt.close(figure)  # or the notebook would show it a second time
        return figure

    def __repr__(self):
        kind = f"Moving figure {self.id}, {self.n_frames} frames" if self.sliders else f"Figure {self.id}"
        name = self.__name__
        shown = _display()
        hint = f'It moves in a notebook, not here. As it starts: {name}.still().savefig("{name}.png")'
        return "\n  ".join([kind, *map(repr, self.sliders.values()), *([] if shown or not self.sliders else [hint])])

    @property
    def n_frames(self):
        """The number of positions of all sliders together."""
        return math.prod(len(s.values) for s in self.sliders.values())

    def still(self):
        """Draw the figure at its starting values."""
        return self(**{name: s.value for name, s in self.sliders.items()})

    def frames(self):
        """Draw every figure, in the order of the sliders' positions; the last slider moves fastest."""
        for values in itertools.product(*(s.values for s in self.sliders.values())):
            yield self(**dict(zip(self.sliders, values, strict=True)))

    def _ipython_display_(self):
        if not _is_live():
            raise NotImplementedError  # IPython then asks for the bundle alone
        from IPython.display import display

        bundle, metadata = self._repr_mimebundle_()
        style = STILL.format(id=self.id, png=bundle["image/png"], alt=json.dumps(self.alt, ensure_ascii=False))
        display({"text/html": style}, raw=True)
        display(bundle, metadata=metadata, raw=True)

    def _repr_mimebundle_(self, include=None, exclude=None):
        # MATHLIB_SHOW=page: the book is being built. MATHLIB_SHOW=still: a notebook is being stored.
        bundle = {"text/plain": repr(self), "image/png": _png(self.still(), dpi=100)}
        if os.environ.get("MATHLIB_SHOW") == "page":
            bundle["text/html"] = _page(self)
        elif _is_live():  # written out, as ipywidgets 7 has no bundle for a box
            bundle[VIEW] = {"version_major": 2, "version_minor": 0, "model_id": _widget_box(self).model_id}
        return bundle, {"image/png": {"alt": self.alt}}


def _check_sliders(draw, sliders):
    name = draw.__name__
    parameters = list(inspect.signature(draw).parameters)
    if len(sliders) > 2:
        raise ValueError(f"{name} has {len(sliders)} sliders; a figure takes two at most: make two figures of it")
    for argument, value in sliders.items():
        if not isinstance(value, Slider):
            raise ValueError(f"{name}: {argument}={value!r} is not a slider; write {argument}=slider(start, stop, ...)")
    if set(sliders) != set(parameters):
        raise ValueError(f"{name} takes {parameters or 'no arguments'}, but the sliders are for {list(sliders)}")
    positions = math.prod(len(s.values) for s in sliders.values())
    if positions > MAX_FRAMES:
        raise ValueError(f"{name} has {positions} positions; {MAX_FRAMES} at most: take a larger step")
    return sliders


def _check_docstring(draw):
    caption, _, alt = inspect.cleandoc(draw.__doc__ or "").partition("\n\n")
    if not (caption and alt.strip()):
        raise ValueError(
            f"{draw.__name__} needs a docstring of two paragraphs: first the caption that stands below the "
            "figure, then what the picture shows, for those who cannot see it"
        )
    return tuple(" ".join(part.split()) for part in (caption, alt))


def _in_kernel():
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


def _is_live():
    """Whether the reader moves the figure, by widgets of a running kernel."""
    return "MATHLIB_SHOW" not in os.environ and _in_kernel()


def _display():
    """What shows a figure where it is defined: IPython in a running kernel, the page in a reader's browser."""
    if _in_kernel():
        from IPython.display import display

        return display
    return getattr(builtins, "display", None) if sys.platform == "emscripten" else None


def _png(figure, dpi):
    """Draw on white paper; 256 colours keep it small."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor=PAPER)
    small = io.BytesIO()
    Image.open(buffer).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def _page(explorable):
    """Hand the whole figure over to the book's Sphinx extension: JSON in a script element."""
    data = {
        "id": explorable.id,
        "caption": explorable.caption,
        "alt": explorable.alt,
        "still": "".join(elements(explorable.still(), explorable.id)),
        "sliders": [
            {"label": s.label, "default": s.default, "readouts": s.readouts} for s in explorable.sliders.values()
        ],
    }
    if explorable.sliders:
        data["frames"] = pack(elements(figure, explorable.id) for figure in explorable.frames())
    text = json.dumps(data, separators=(",", ":")).replace("</", r"<\/")
    return f'<script type="application/json" class="explorable">{text}</script>'


def _widget_box(explorable):
    """Return the same for a running kernel: ipywidgets that redraw the figure at every position."""
    import ipywidgets as widgets

    picture = widgets.HTML()
    caption = widgets.HTMLMath(f"<p style='max-width: 40em; line-height: 1.4'>{_to_html(explorable.caption)}</p>")
    controls = [
        widgets.SelectionSlider(
            description=s.label,
            options=list(zip(s.readouts, s.values, strict=True)),
            value=s.value,
            style={"description_width": "initial"},
            layout={"width": "min(36em, 100%)"},
        )
        for s in explorable.sliders.values()
    ]

    def redraw(_=None):
        png = _png(explorable(*(control.value for control in controls)), dpi=200)
        alt = html.escape(explorable.alt)
        picture.value = f'<img alt="{alt}" src="data:image/png;base64,{png}" style="width: min(36em, 100%)">'

    for control in controls:
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([picture, *controls, caption])


def _to_html(caption):
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(caption))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
