"""Drawings for the chapter on norms: a ball that a level line touches, singular values, and losses by step size."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.drawings.directions import arrow
from mathlib.show.style import BLUE, DASHES, GRID, INK, MUTED, ORANGE, PALETTE

REACH = 1.75


def draw_touch(g, ball, d, notes):
    """The half-plane where g > 0, a unit ball as columns of points, and the step d where a level line touches it.

    `notes` are pairs of a text and a colour.
    """
    fig, (plane, side) = plt.subplots(1, 2, figsize=(5.6, 3.6), width_ratios=[3.55, 2])
    u = g / np.linalg.norm(g)
    level = np.array([-u[1], u[0]])
    corners = 4 * REACH * np.array([level, level + u, u - level, -level])
    plane.fill(*corners.T, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    plane.text(*(0.72 * REACH * np.array([1.0, -1.0])), "$g(x) > 0$", color=MUTED, ha="center")
    plane.plot(*ball, color=BLUE, linestyle="-")
    plane.plot(*np.stack([d - 4 * REACH * level, d + 4 * REACH * level], axis=1), color=BLUE, linestyle=":")
    arrow(plane, np.zeros(2), d, "$d$", ORANGE, width=3)
    plane.plot(0, 0, "o", color=INK)
    plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[-1, 0, 1], yticks=[-1, 0, 1], aspect="equal")
    side.set_axis_off()
    for k, (text, colour) in enumerate(notes):
        side.text(0, 0.95 - 0.11 * k, text, color=colour, transform=side.transAxes, va="top")
    return fig


def draw_singular_values(x, curve, before, after):
    """What an iteration makes of singular values: a curve, and those of a matrix before and after as dots on it."""
    fig, ax = plt.subplots(figsize=(5.6, 3.4))
    ax.axhspan(0.67, 1.21, color=GRID, zorder=0)
    ax.axhline(1, color=INK, linewidth=1, linestyle=DASHES[1])
    ax.semilogx(x, curve, color=BLUE)
    ax.plot(before, after, "o", color=ORANGE, linestyle="none")
    ax.set(xlim=(x[0], 1), ylim=(0, 1.3), xlabel="singular value over the length of $G$", ylabel="becomes")
    ax.set(xticks=[1e-4, 1e-3, 1e-2, 1e-1, 1], yticks=[0, 0.5, 0.7, 1, 1.2])
    ax.minorticks_off()
    return fig


def draw_widths(curves, worst, title):
    """The loss against the step size, a line for each width with its least value marked: {width: {eta: loss}}."""
    fig, ax = plt.subplots(figsize=(5.6, 3.9))
    styles = zip([*PALETTE, INK], [*DASHES, "-"], "osD^v*", strict=True)
    for (width, curve), (colour, dash, marker) in zip(curves.items(), styles, strict=False):
        etas, losses = zip(*sorted(curve.items()), strict=True)
        k = int(np.argmin(losses))
        ax.loglog(etas, losses, color=colour, linestyle=dash, linewidth=1.5)
        ax.loglog(etas[k], losses[k], marker, color=colour, markersize=10, label=f"{width}")
    ax.set(ylim=(0.09, worst), xlabel=r"step size $\eta$", ylabel="training loss")
    ax.set_xticks(
        [etas[k] for k in range(0, len(etas), 3)], [f"$2^{{{np.log2(etas[k]):.0f}}}$" for k in range(0, len(etas), 3)]
    )
    ax.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    ax.minorticks_off()
    ax.set_title(title)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=6, handlelength=1, columnspacing=1)
    return fig
