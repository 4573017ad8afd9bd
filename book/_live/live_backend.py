"""matplotlib's backend in a page: pyplot's figures appear under the cell that drew them."""

import live
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

__all__ = ["FigureCanvas", "show"]


def show(*args, **kwargs):
    live.show_open_figures()
