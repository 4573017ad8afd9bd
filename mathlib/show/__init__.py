"""Figures that the reader can move: in a running notebook, on a page of the book, and as stills in slides.

`explorable`
    the decorator
`slider`
    the range of one of its arguments
`use_style`
    matplotlib's settings for the book; importing this package applies them
`style`
    the palette: ``INK, MUTED, GRID, PAPER, BLUE, ORANGE, GREEN, PURPLE, GOLD``
`svg`
    figures as SVG that follows the theme of the page
`drawings`
    what the chapters' figures draw, a module a chapter

This is the only part of `mathlib` that needs matplotlib and ipywidgets.
"""

try:
    import matplotlib  # noqa: F401
    import PIL  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"mathlib.show draws with matplotlib and pillow; {error.name} is missing. Instead: "
        "pip install 'mathlib-second-order[show] @ git+https://github.com/second-order/second-order', "
        "which brings all that the book's figures need.",
        name=error.name,
    ) from error

from mathlib.show.explorable import Explorable, explorable
from mathlib.show.slider import slider
from mathlib.show.style import use_style

__all__ = ["Explorable", "explorable", "slider", "use_style"]

use_style()
