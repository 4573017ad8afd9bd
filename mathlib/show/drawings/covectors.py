"""Drawings for the chapter on the dual vector: covectors as stacks of level lines, vectors as arrows through them.

Points, vectors (2,) and covectors (2,) come as coordinates in the basis of the paper.
"""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.drawings.cnn import MINUS, show_picture
from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE


def plane(ax, half, tall=None):
    """An empty piece of the plane about the origin, its scales equal."""
    ax.set(xlim=(-half, half), ylim=(-(tall or half), tall or half), aspect="equal", xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def arrow(ax, tip, color, dash="-", width=2.5):
    """A vector, drawn from the origin."""
    tip = np.asarray(tip)
    neck = tip * max(0, 1 - 0.1 * ax.get_xlim()[1] / np.hypot(*tip))  # under the head, which is never dashed
    ax.plot(*np.stack([0 * tip, neck]).T, color=color, lw=width, linestyle=dash, solid_capstyle="butt")
    style = {"arrowstyle": "-|>,head_width=0.4,head_length=0.8", "color": color, "lw": width, "shrinkA": 0}
    ax.annotate("", tip, neck, arrowprops=style | {"shrinkB": 0})


def stack(ax, g, counts, labels=True, **style):
    """The lines on which the covector g has these values, which stand at their lower or upper ends; g[0] is not 0."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for k in counts:
        ends = np.array([low, high])
        for end, side in enumerate(("bottom", "top")):
            x = (k - g[1] * 0.95 * ends[end]) / g[0]
            if labels and 0.96 * left < x < 0.96 * right:
                ax.text(x, ends[end], f"{k}".replace("-", MINUS), color=BLUE, ha="center", va=side)
                ends[end] *= 0.85
                break
        x = (k - g[1] * ends) / g[0]
        ax.plot(x, ends, **{"color": BLUE, "linestyle": "-", "lw": 2.4 if k == 0 else 1.3} | style)


def number(value, digits=2):
    """A number with a proper minus sign, and zero without one."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def draw_stack(g, x):
    """The stack of a covector g, a vector x from its line 0, and a dot on every line that it meets."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    plane(ax, 2.8, 1.9)
    stack(ax, g, range(-4, 5))
    arrow(ax, x, ORANGE, width=3)
    value = g @ x
    for k in range(1, int(abs(value) + 1e-9) + 1):
        ax.plot(*(x * k / abs(value)), "o", color=INK, ms=8)
    ax.set_title(f"$g(x) = {number(value)}$".replace(MINUS, "-"), fontsize=15)
    return fig


def draw_zoom(quotient, g, title):
    """Level lines of a function of steps v, over those of the covector g that are to be its limit."""
    fig, ax = plt.subplots(figsize=(5.6, 4.4))
    plane(ax, 1)
    grid = np.linspace(-1, 1, 41)
    values = np.array([[quotient(np.array([x, y])) for x in grid] for y in grid])
    levels = np.arange(-12, 13) / 2
    for k in levels[abs(levels) <= np.sum(abs(g))]:
        stack(ax, g, [k], labels=False, color=ORANGE, linestyle=(0, (4, 2)), lw=1.6)
    ax.contour(grid, grid, values, levels=levels, colors=BLUE, linestyles="-", linewidths=1.6)
    ax.plot(0, 0, "o", color=INK, ms=8)
    ax.annotate(r"$\theta$", (0, 0), (8, 6), textcoords="offset points", fontsize=14)
    ax.set_title(title)
    return fig


def draw_change(frame, g, x, in_basis):
    """The stack of g with the vector x and two basis vectors (the columns of frame); beside them their coordinates.

    in_basis: the coordinates of x and of g in that basis, (2,) each.
    """
    fig, (ax, bars) = plt.subplots(1, 2, figsize=(5.6, 3.4), width_ratios=[1, 1.05])
    plane(ax, 2.3, 2.7)
    stack(ax, g, range(-4, 5))
    for name, b, offset in zip(("$b_1$", "$b_2$"), frame.T, ((-10, -16), (-17, -4)), strict=True):
        arrow(ax, b, GREEN, width=2)
        ax.annotate(name, b, offset, textcoords="offset points", color=GREEN)
    arrow(ax, x, ORANGE, width=3)
    ax.annotate("$x$", x, (5, -3), textcoords="offset points", color=ORANGE, fontsize=14)
    alpha, gamma = in_basis
    rows = [(r"$x$: 1st", alpha[0]), (r"$x$: 2nd", alpha[1]), (r"$g$: 1st", gamma[0]), (r"$g$: 2nd", gamma[1])]
    colours = [ORANGE, ORANGE, BLUE, BLUE, INK]
    hatches = ["", "", "//", "//", ""]
    for y, ((_, value), colour, hatch) in enumerate(zip([*rows, ("", gamma @ alpha)], colours, hatches, strict=True)):
        bars.barh(y, value, height=0.6, facecolor="none" if hatch else colour, edgecolor=colour, hatch=hatch)
        bars.text(value + 0.08, y, number(value), va="center", color=colour)
    bars.set_yticks(range(5), [*(name for name, _ in rows), "$g(x)$"])
    bars.set(xlim=(0, 3.8), ylim=(4.6, -0.6), xticks=range(4))
    bars.grid(axis="y", visible=False)
    bars.set_title("coordinates in $b$")
    return fig


def draw_two_arrows(g, s):
    """The stack of g in two units of the first coordinate, left and right, and each unit's arrow for g in both.

    Each arrow has the coordinates of g in its basis, and is scaled to end on the line 1.
    """
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.5))
    P = np.diag([s, 1.0])
    old, new = g, P @ P.T @ g
    old, new = old / (g @ old), new / (g @ new)
    for ax, title, change in ((axes[0], "old unit", np.eye(2)), (axes[1], "new unit", P)):
        plane(ax, 2, 2)
        ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title)
        ax.grid(True)
        stack(ax, change.T @ g, range(-3, 4))
        arrow(ax, np.linalg.solve(change, old), PURPLE, width=3)
        arrow(ax, np.linalg.solve(change, new), ORANGE, dash=(0, (4, 1.5)), width=2.5)
        ax.spines[:].set(visible=True, color=MUTED)
    fig.supxlabel("solid: the old unit's arrow, dashed: the new unit's", fontsize=12)
    return fig


def draw_template(picture, template, top, title):
    """A template (8, 8), a picture (8, 8), and their product, pixel by pixel, whose sum is the score."""
    fig, axes = plt.subplots(1, 3, figsize=(5.6, 2.6))
    show_picture(axes[0], template, top, signed=True)
    show_picture(axes[1], picture, 1)
    show_picture(axes[2], template * picture, top, signed=True)
    for ax, name in zip(axes, ("weights $g$", "picture $x$", "their product"), strict=True):
        ax.set_title(name)
    fig.suptitle(title, fontsize=12)
    return fig


def draw_bent(f, angle):
    """Level lines of f(x, y), homogeneous and 0 on the axes, a step at an angle (degrees), and the slopes along all."""
    fig, (ax, rates) = plt.subplots(1, 2, figsize=(5.6, 3.3))
    plane(ax, 1.3, 1.5)
    turn, here = np.radians(np.arange(0, 361, 5)), np.radians(angle)
    round_once = np.radians(np.arange(0.75, 360, 1.5))
    around = np.stack([np.cos(round_once), np.sin(round_once)])
    for level in np.arange(-6, 7) / 8:
        if level == 0:
            ax.axhline(0, color=BLUE, linestyle="-", lw=1.3)
            ax.axvline(0, color=BLUE, linestyle="-", lw=1.3)
            continue
        radius = level / f(*around)  # f grows with the radius
        ax.plot(*np.where((radius > 0) & (radius < 4), radius * around, np.nan), color=BLUE, linestyle="-", lw=1.3)
    arrow(ax, (np.cos(here), np.sin(here)), ORANGE, width=3)
    ax.set_title("level lines of $f$")
    rates.plot(np.degrees(turn), f(np.cos(turn), np.sin(turn)), color=BLUE)
    rates.axhline(0, color=PURPLE, linestyle=(0, (4, 2)))
    rates.plot(angle, f(np.cos(here), np.sin(here)), "o", color=ORANGE, ms=9)
    rates.plot([0, 90], [0, 0], "s", color=PURPLE, ms=7)
    rates.set(xlim=(-12, 372), ylim=(-0.6, 0.6), xticks=[0, 90, 180, 270, 360], yticks=[-0.4, 0, 0.4])
    rates.set(xlabel="angle of $v$ (degrees)", title="derivative along $v$")
    return fig
