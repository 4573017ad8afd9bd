"""How the book's figures look: one matplotlib style, one palette.

The colours are those of the light page. A figure that goes onto a page has each of them replaced by the
variable of the same name (``var(--fig-blue)``), so that it follows the page from light to dark; see
`mathlib.show.svg`. They were chosen for readers who see colours differently, and so that each has a contrast
of at least 3 against the paper. In greyscale they come close to each other: the style's line cycle therefore
changes the dash with the colour.
"""

import matplotlib as mpl
from cycler import cycler

COLOURS = {
    "ink": "#1c2430",  # text, axes
    "muted": "#5d6878",  # what should stand back
    "grid": "#dde2e9",
    "paper": "#ffffff",
    "blue": "#0064a6",
    "orange": "#c65102",
    "green": "#00805a",
    "purple": "#a3437f",
    "gold": "#a57400",
}
INK, MUTED, GRID, PAPER, BLUE, ORANGE, GREEN, PURPLE, GOLD = COLOURS.values()
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, GOLD]
DASHES = ["-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (9, 2))]

STYLE = {
    # Small and dense enough that 12 point text is still 10 pixels high on a phone.
    "figure.figsize": (5.6, 3.5),
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "legend.fontsize": 11,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "mathtext.fontset": "cm",
    "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=DASHES),
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "patch.edgecolor": INK,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "legend.frameon": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "image.cmap": "viridis",
    "image.interpolation": "none",
    "svg.fonttype": "path",
    "svg.hashsalt": "mathlib",
}


def use_style():
    """Make the book's style matplotlib's default. Importing `mathlib.show` does it."""
    mpl.rcParams.update(STYLE)
