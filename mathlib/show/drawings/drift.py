"""Drawings for the chapter on Adam and the drift: changes foretold and measured, and curves of errors."""

import matplotlib.pyplot as plt

from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE

# One look a curve: colour, dash, marker.
LOOKS = (
    (BLUE, "-", "o"),
    (ORANGE, (0, (5, 1.5)), "s"),
    (GREEN, (0, (1, 1.2)), "^"),
    (PURPLE, (0, (6, 1.5, 1, 1.5)), "D"),
)


def heading(ax, names):
    """The names of the curves above the axes, each at its place, in its colour and with its marker."""
    marks = {"o": "●", "s": "■", "^": "▲", "D": "◆"}
    for (name, x), (colour, _, marker) in zip(names.items(), LOOKS, strict=False):
        ax.text(x, 1.04, f"{marks[marker]} {name}", color=colour, transform=ax.transAxes)


def draw_foretold(foretold, measured, limit, title):
    """Measured against foretold changes, by name of a group of parameters; on the diagonal they are equal."""
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    ax.plot([-limit, limit], [-limit, limit], color=INK, linestyle="-", linewidth=1)
    for name, (colour, _, marker) in zip(foretold, LOOKS, strict=False):
        style = {"color": colour, "linestyle": "", "markersize": 5, "markeredgecolor": PAPER, "mew": 0.5}
        ax.plot(foretold[name], measured[name], marker, clip_on=True, **style)
    heading(ax, dict(zip(foretold, (0, 0.34), strict=True)))
    ax.text(0.97, 0.05, title, ha="right", transform=ax.transAxes)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[-limit, 0, limit])
    ax.set(yticks=[-limit, 0, limit], xlabel="foretold by a product", ylabel="measured after the step")
    return fig


def draw_curves(names, x, markers, lines, xlabel, ylabel, ylim, base=2, level=None, log=True):
    """What is measured (markers) and calculated (lines, or None); `names` maps the curves to places above the axes."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    for found, law, (colour, dash, marker) in zip(markers, lines, LOOKS, strict=False):
        if law is not None:
            ax.plot(x, law, color=colour, linestyle=dash)
        ax.plot(x, found, marker, color=colour, linestyle="" if law is not None else dash, zorder=3)
    heading(ax, names)
    if level is not None:
        ax.axhline(level, color=MUTED, linestyle="-", linewidth=1)
    ax.set_xscale("log", base=base)
    if log:
        ax.set_yscale("log")
    ax.set(ylim=ylim, xlabel=xlabel, ylabel=ylabel)
    if x[0] >= 1:
        ax.set_xticks(x, [str(number) for number in x])
    ax.minorticks_off()
    return fig
