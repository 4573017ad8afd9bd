"""Drawings for the chapter on vector spaces and coordinates: one arrow, and the bases that give it numbers.

A basis of the plane is a matrix P: its columns are b1, orange, and b2, green, as they lie on the page.
"""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.drawings.cnn import MINUS, show_picture
from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PURPLE

STYLES = ((ORANGE, (0, (5, 1.5))), (GREEN, (0, (1, 1.2))))


def number(value):
    """A coordinate as text, with a proper minus."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)  # + 0.0: zero has no sign


def arrow(ax, tip, name, color, width=3, aside=0):
    """Draw an arrow from the origin, and its name beyond the tip, or as many points to the left of it."""
    style = {"arrowstyle": "-|>,head_width=0.3,head_length=0.6", "color": color, "lw": width}
    ax.annotate("", tip, (0, 0), arrowprops=style | {"shrinkA": 0, "shrinkB": 0})
    along = tip / np.linalg.norm(tip)
    offset = aside * np.array([-along[1], along[0]]) - 5 * along if aside else 14 * along
    look = {"color": color, "ha": "center", "va": "center", "fontsize": 13}
    ax.annotate(name, tip, offset, textcoords="offset points", **look)


def draw_basis(ax, P):
    """Draw b1 and b2, their names on the outside of the angle between them."""
    for name, b, (colour, _), aside in zip(("$b_1$", "$b_2$"), P.T, STYLES, (-14, 14), strict=True):
        arrow(ax, b, name, colour, aside=aside)


def empty(ax, xlim, ylim):
    """Make the axes a blank page."""
    ax.set(xlim=xlim, ylim=ylim, aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.grid(False)


def draw_plane(ax, P, x, xlim, ylim):
    """Draw the lattice of a basis, its arrows, the arrow x, and the way to its tip along b1 and then along b2."""
    corners = np.linalg.solve(P, [np.repeat(xlim, 2), np.tile(ylim, 2)])
    low, high = np.floor(corners.min(axis=1)), np.ceil(corners.max(axis=1))
    for i, j in ((0, 1), (1, 0)):
        k = np.arange(low[j], high[j] + 1)
        ends = [np.outer(P[:, i], [end] * len(k)) + np.outer(P[:, j], k) for end in (low[i], high[i])]
        lines = np.stack([*ends, np.full_like(ends[0], np.nan)], axis=2).reshape(2, -1)
        ax.plot(*lines, color=GRID, linestyle="-", linewidth=1, zorder=1)
    turn = np.linalg.solve(P, x)[0] * P[:, 0]
    for (start, end), (colour, dash) in zip((((0, 0), turn), (turn, x)), STYLES, strict=True):
        ax.plot(*np.transpose([start, end]), color=colour, linestyle=dash, linewidth=2.5)
    draw_basis(ax, P)
    arrow(ax, x, "$x$", INK)
    empty(ax, xlim, ylim)


def draw_coordinates(P, x):
    """The arrow x in the lattice of a basis, and its coordinates above."""
    fig, ax = plt.subplots(figsize=(5.6, 4.5))
    draw_plane(ax, P, x, (-2.75, 2.75), (-1.7, 2.3))
    for i, (alpha, (colour, _)) in enumerate(zip(np.linalg.solve(P, x), STYLES, strict=True)):
        text = rf"$\alpha_{i + 1}$ = {number(alpha)}"
        ax.text((0.25, 0.75)[i], 1.03, text, color=colour, ha="center", fontsize=14, transform=ax.transAxes)
    return fig


def draw_equations(P, x, limits):
    """A basis that may be none, left; right, the two equations of P alpha = x as lines that meet in the coordinates."""
    fig, (page, numbers) = plt.subplots(1, 2, figsize=(5.6, 3.2))
    draw_basis(page, P)
    arrow(page, x, "$x$", INK)
    empty(page, (-0.8, 1.9), (-0.4, 2.1))
    for row, value, (colour, dash) in zip(P, x, ((BLUE, "-"), (PURPLE, (0, (6, 1.5, 1, 1.5)))), strict=True):
        foot, along = value * row / (row @ row), np.array([-row[1], row[0]]) / np.linalg.norm(row)
        numbers.plot(*(foot[:, None] + np.outer(along, [-30, 30])), color=colour, linestyle=dash)
    title = "they never meet"
    if np.linalg.matrix_rank(P) == 2:
        alpha = np.linalg.solve(P, x)
        numbers.plot(*alpha, "o", color=INK, ms=9)
        title = rf"$\alpha$ = ({number(alpha[0])}, {number(alpha[1])})"
    (left, right), (bottom, top) = limits
    numbers.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", title=title)
    numbers.set(xlabel=r"$\alpha_1$", xticks=range(left, right + 1, 2), yticks=range(bottom, top + 1, 2))
    numbers.set_ylabel(r"$\alpha_2$", rotation=0, labelpad=10)
    return fig


def draw_stretch(P, x, s, stretches):
    """The basis with b1 made s times as long, left; right, the two coordinates of x against s."""
    fig, (page, numbers) = plt.subplots(1, 2, figsize=(5.6, 3.2))
    there = np.array([np.linalg.solve(P * [t, 1], x) for t in stretches])
    draw_plane(page, P * [s, 1], x, (-0.5, 3.1), (-0.9, 2.6))
    for i, (colour, dash) in enumerate(STYLES):
        numbers.plot(stretches, there[:, i], color=colour, linestyle=dash)
        numbers.plot(s, np.linalg.solve(P * [s, 1], x)[i], "os"[i], color=colour, ms=9)
        numbers.text(stretches[-1], there[-1, i] + 0.15, rf"$\alpha_{i + 1}$", color=colour, ha="right", fontsize=13)
    numbers.set(xlim=(0, stretches[-1] + 0.1), ylim=(0, 1.1 * there.max()), xlabel="length of $b_1$, in old $b_1$")
    return fig


def draw_sum(x, pictures, alpha, k):
    """The sum of the first k terms alpha_i b_i of a picture, the coordinates used, and the k-th basis picture."""
    so_far = np.where(np.arange(64) < k, alpha, 0)
    partial = np.tensordot(so_far, pictures, 1)
    fig, axes = plt.subplots(1, 3, figsize=(5.6, 2.5))
    show_picture(axes[0], partial, 1)
    axes[0].set_title("sum" if k < 64 else "sum $= x$")
    axes[0].set_xlabel(f"largest error: {number(np.max(np.abs(partial - x)))}")
    ends = np.arange(1, 65)
    used = ends <= k
    for mask, colour, width in ((used, BLUE, 2), (~used, GRID, 2)):
        axes[1].vlines(ends[mask], 0, alpha[mask], color=colour, linewidth=width)
    axes[1].axhline(0, color=MUTED, linewidth=0.8)
    axes[1].set(xlim=(0, 65), xticks=[1, 32, 64], title=r"coordinates $\alpha_i$", xlabel="$i$")
    axes[1].set_box_aspect(1)
    show_picture(axes[2], pictures[k - 1], np.max(np.abs(pictures[k - 1])), signed=True)
    axes[2].set(title=f"$b_{{{k}}}$", xlabel=rf"$\alpha_{{{k}}}$ = {number(alpha[k - 1])}")
    return fig


def draw_lost_digits(angles, errors, bounds, angle, refused):
    """The relative error of coordinates against the angle between the basis vectors, and the digits left at one."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axvspan(refused, 2.0**-46, color=GRID)
    ax.text(2.0**-45.6, 1e-9, "refused", color=MUTED, rotation=90, va="center", ha="right")
    ax.plot(angles, bounds, color=ORANGE, linestyle="--")
    ax.plot(angles, errors, color=BLUE, linestyle="-")
    here = errors[angles == angle].item()
    ax.plot(angle, here, "o", color=BLUE, ms=9)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set(xlim=(2.0, 2.0**-46), ylim=(1e-17, 1e-2), xlabel="angle between $b_1$ and $b_2$ (radians)")
    ax.set(ylabel="relative error of coordinates", xticks=[2.0**-k for k in range(0, 41, 10)])
    ax.set_yticks([1e-16, 1e-12, 1e-8, 1e-4])
    ax.minorticks_off()
    ax.text(2.0**-15, 3e-9, "condition number\n× roundoff", color=ORANGE, ha="right", va="bottom")
    ax.text(2.0**-22, 1e-12, "measured", color=BLUE, va="top")
    digits = int(-np.log10(here))
    k = round(-np.log2(angle))
    ax.set_title(f"angle $2^{{-{k}}}$: {digits} of 16 digits left" if k else f"angle 1: {digits} of 16 digits left")
    return fig


def draw_longer(P, u, v):
    """Two arrows, a basis, and the curve of all arrows whose coordinates are as long as those of u."""
    long = [np.linalg.norm(np.linalg.solve(P, a)) for a in (u, v)]
    turn = np.linspace(0, 2 * np.pi, 73)
    curve = long[0] * P @ [np.cos(turn), np.sin(turn)]
    fig, ax = plt.subplots(figsize=(5.6, 4.3))
    ax.plot(*curve, color=MUTED, linestyle="-", linewidth=1.5)
    draw_basis(ax, P)
    for name, a, colour in (("$u$", u, BLUE), ("$v$", v, PURPLE)):
        arrow(ax, a, name, colour, 4)
    empty(ax, (-3.3, 3.3), (-2.5, 2.5))
    longer = "u" if long[0] > long[1] else "v"
    ax.set_title(rf"length of coordinates: $u$ {long[0]:.2f}, $v$ {long[1]:.2f}: ${longer}$ is longer")
    return fig
