"""Drawings for the chapter on Gauss-Newton: paths in sheared and in curved coordinates, and arrows of two Fishers."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.drawings.directions import level_lines
from mathlib.show.style import BLUE, DASHES, GRID, INK, ORANGE, PURPLE

STYLES = list(zip((ORANGE, PURPLE, BLUE), (DASHES[1], DASHES[3], "-"), ("s", "^", "o"), strict=True))


def draw_sheared(loss, paths, straight, P, xlim, ylim, corner=(1.0, 1.75), size=0.34):
    """Paths of methods that were run in the basis of P's columns, over level lines, and dotted where they go unsheared.

    The square of the basis that the methods calculate in stands in a corner, at this size.
    """
    fig, plane = plt.subplots(figsize=(5.6, 4.2))
    level_lines(plane, loss, xlim, ylim)
    corners = np.array(corner)[:, None] + size * P @ np.array([[0, 1, 1, 0], [0, 0, 1, 1]])
    plane.fill(*corners, color=GRID, linewidth=0, zorder=2)
    for k in range(2):
        tip = corner + size * P[:, k]
        style = {"arrowstyle": "-|>", "color": INK, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        plane.annotate("", tip, corner, arrowprops=style)
        plane.text(*(tip + 0.1 * P[:, k] / np.linalg.norm(P[:, k])), f"$b_{k + 1}$", ha="center", va="center")
    for (name, path), (colour, dash, marker) in zip(paths.items(), STYLES, strict=True):
        plane.plot(*straight[name].T, color=colour, linestyle=":", linewidth=1.2)
        plane.plot(*path.T, color=colour, linestyle=dash, label=name)
        plane.plot(*path[-1], marker, color=colour)
    plane.plot(*next(iter(paths.values()))[0], "o", color=INK, markersize=8)
    plane.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$", aspect="equal")
    plane.grid(False)
    fig.legend(*plane.get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=2.2)
    return fig


def draw_steps(loss, paths, gaps, k, xlim, ylim):
    """The same method in two kinds of coordinates, in k steps, and the gap at the end against the number of steps."""
    fig, (plane, gap) = plt.subplots(1, 2, figsize=(5.6, 3.6), width_ratios=[3, 2])
    level_lines(plane, loss, xlim, ylim)
    for (name, path), (colour, dash, marker) in zip(paths.items(), (STYLES[2], STYLES[0]), strict=True):
        plane.plot(*path.T, color=colour, linestyle=dash, marker=marker, markersize=4, label=name)
    plane.plot(*next(iter(paths.values()))[0], "o", color=INK, markersize=8)
    plane.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    plane.grid(False)
    gap.loglog(list(gaps), list(gaps.values()), color=INK)
    gap.plot(k, gaps[k], "o", color=INK, markersize=8)
    gap.set(xlabel="steps", title="gap at the end", xticks=[1, 10, 100], yticks=[1e-3, 1e-2, 1e-1])
    gap.set(xlim=(2, 160), ylim=(8e-4, 0.12))
    gap.minorticks_off()
    fig.legend(*plane.get_legend_handles_labels(), loc="outside upper center", ncols=2, handlelength=2.2)
    return fig


def draw_arrows(loss, best, starts, steps, curves, at, reach):
    """Steps of two methods from points around the minimum, and how long they are, against the distance from it."""
    fig, (plane, lengths) = plt.subplots(1, 2, figsize=(5.6, 3.8), width_ratios=[1, 1])
    level_lines(plane, loss, *np.stack([best - reach, best + reach], axis=1))
    for (_, moves), (colour, _, _), width in zip(steps.items(), (STYLES[2], STYLES[0]), (1.2, 2.2), strict=True):
        for start, move in zip(starts, moves, strict=True):
            style = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
            arrow = plane.annotate("", start + move, start, arrowprops=style, annotation_clip=False)
            arrow.arrow_patch.set_clip_box(plane.bbox)
    plane.plot(*starts.T, "o", color=INK, markersize=3)
    plane.plot(*best, "x", color=INK)
    plane.set(xticks=[], yticks=[], aspect="equal", title="steps, from a ring")
    plane.grid(False)
    for (name, (x, y)), (colour, dash, marker) in zip(curves.items(), (STYLES[2], STYLES[0]), strict=True):
        lengths.loglog(x, y, color=colour, linestyle=dash, label=name)
        lengths.plot(at, np.interp(np.log(at), np.log(x), y), marker, color=colour)
    lengths.set(xlabel="distance to the minimum", title="step, over that distance")
    lengths.minorticks_off()
    fig.legend(*lengths.get_legend_handles_labels(), loc="outside upper center", ncols=2, handlelength=2.2)
    return fig
