"""Drawings for the chapter on Adam and the drift of the gradient: changes foretold and measured, and their ratios."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PAPER, PURPLE

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


def draw_ratios(edges, shares, top):
    """Shares of drift ratios between the edges, and beyond them; by name, those of all examples and of one batch."""
    fig, axes = plt.subplots(len(shares), 1, figsize=(5.6, 4.4), sharex=True)
    middles = np.arange(len(edges) + 1) - 0.5
    lower = np.array([-np.inf, *edges])
    colours = np.where(lower >= 2, ORANGE, np.where(lower >= 0, BLUE, PURPLE))
    for ax, (name, (all_examples, batch)) in zip(axes, shares.items(), strict=True):
        ax.bar(middles, all_examples, width=0.9, color=colours, edgecolor=PAPER, linewidth=0)
        ax.step([-1, *(middles + 0.5)], [batch[0], *batch], where="pre", color=INK, linestyle="-", linewidth=1.5)
        ax.text(0, 1.03, name, transform=ax.transAxes)
        ax.set(ylim=(0, top), ylabel="share")
        ax.grid(axis="x", visible=False)
        ax.axvline(np.searchsorted(edges, 1.0), color=GRID, linestyle="--", linewidth=1.2, zorder=0)
    axes[0].text(1, 1.03, "line: one batch of 64", ha="right", transform=axes[0].transAxes)
    axes[-1].set_xticks(range(len(edges)), [f"{edge:g}" for edge in edges])
    axes[-1].set(xlim=(-1.05, len(edges) + 0.05), xlabel=r"drift ratio $r_i$")
    return fig
