"""Drawings for the chapter on update directions: balls of inner products, paths of descent, and bad conditions."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, DASHES, GOLD, GREEN, GRID, INK, MUTED, ORANGE, PURPLE


def level_lines(ax, loss, xlim, ylim, levels=9):
    """Level lines of a loss, thin and grey, at quantiles of its values in the picture."""
    x, y = np.meshgrid(np.linspace(*xlim, 40), np.linspace(*ylim, 40))
    z = np.array([loss(np.array(theta)) for theta in zip(x.flat, y.flat, strict=True)]).reshape(x.shape)
    ax.contour(x, y, z, np.quantile(z, np.linspace(0.03, 0.9, levels)), colors=MUTED, linewidths=0.6, linestyles="-")
    ax.set(xlim=xlim, ylim=ylim)


def arrow(ax, start, step, label, colour, dash="-", width=2.0):
    """An arrow, and its label beyond the tip."""
    tip = start + step
    style = {"arrowstyle": "-|>", "color": colour, "linestyle": dash, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", tip, start, arrowprops=style, annotation_clip=False).arrow_patch.set_clip_box(ax.bbox)
    at = tip + 0.17 * step / np.linalg.norm(step)
    ax.text(*at, label, color=colour, ha="center", va="center", clip_on=True)


def draw_ball(theta, g, d, P=None, notes=(), loss=None, basis=True, reach=1.9):
    """Steps from theta: where g > 0, a direction d, and the unit ball of the basis that the columns of P are.

    The dotted line is the level line of g that touches the ball. `notes` are pairs of a text and a colour.
    """
    fig, (plane, side) = plt.subplots(1, 2, figsize=(5.6, 3.6), width_ratios=[3.55, 2])
    limits = np.stack([theta - reach, theta + reach], axis=1)
    if loss is not None:
        level_lines(plane, loss, *limits)
    u, level = g / np.linalg.norm(g), np.array([-g[1], g[0]]) / np.linalg.norm(g)
    corners = theta + 4 * reach * np.array([level, level + u, u - level, -level])
    plane.fill(*corners.T, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    plane.text(*(theta + reach * np.array([-0.72, -0.93])), "$g(x) > 0$", color=MUTED)
    if P is not None:
        angles = np.linspace(0, 2 * np.pi, 73)
        plane.plot(*(theta[:, None] + P @ [np.cos(angles), np.sin(angles)]), color=BLUE, linestyle="-", linewidth=2)
        top = P @ P.T @ g / np.linalg.norm(P.T @ g)
        ends = theta + top + 4 * reach * np.array([[-1], [1]]) * level
        plane.plot(*ends.T, color=BLUE, linestyle=":", linewidth=1.5)
        plane.plot(*(theta + top), "o", color=BLUE)
        if basis:
            for k, colour, dash in ((0, GREEN, (0, (5, 1.5))), (1, PURPLE, (0, (6, 1.5, 1, 1.5)))):
                arrow(plane, theta, P[:, k], f"$b_{k + 1}$", colour, dash)
    arrow(plane, theta, d, "$d$", ORANGE, width=3)
    plane.plot(*theta, "o", color=INK)
    plane.set(xlim=limits[0], ylim=limits[1], xticks=[], yticks=[], aspect="equal")
    plane.grid(False)
    side.set_axis_off()
    for k, (text, colour) in enumerate(notes):
        side.text(0, 0.95 - 0.11 * k, text, color=colour, transform=side.transAxes, va="top")
    return fig


def draw_paths(loss, paths, k, xlim, ylim, best):
    """The first k steps of several paths over the level lines of a loss, and the loss, less its minimum, along them."""
    fig, (plane, losses) = plt.subplots(1, 2, figsize=(5.6, 4.0), gridspec_kw={"width_ratios": [1, 1]})
    level_lines(plane, loss, xlim, ylim, levels=12)
    styles = zip((ORANGE, GREEN, BLUE, PURPLE, GOLD), DASHES, "osD^v", strict=True)
    for (name, path), (colour, dash, marker) in zip(paths.items(), styles, strict=False):
        gone = path[: k + 1]
        plane.plot(*gone.T, color=colour, linestyle=dash, linewidth=1.6)
        plane.plot(*gone[-1], marker, color=colour)
        values = [loss(theta) - best for theta in gone]
        losses.semilogy(values, color=colour, linestyle=dash, label=name)
        losses.plot(len(gone) - 1, values[-1], marker, color=colour)
    plane.plot(*paths[next(iter(paths))][0], "o", color=INK, markersize=8)
    plane.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    plane.grid(False)
    first = loss(paths[next(iter(paths))][0]) - best
    losses.set(xlim=(-0.6, max(map(len, paths.values())) - 0.4), ylim=(1e-9, 4 * first), xlabel="steps")
    losses.set_title("loss, less its minimum")
    losses.set_yticks([1e-8, 1e-6, 1e-4, 1e-2])
    losses.minorticks_off()
    fig.legend(*losses.get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=2.4)
    return fig


def draw_condition(angles, curves, at, title):
    """Condition numbers of bases against the angle to level, on logarithmic axes, and the angle that was chosen."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axvline(at, color=MUTED, linewidth=1)
    styles = zip((BLUE, ORANGE), DASHES, "os", strict=False)
    for (name, values), (colour, dash, marker) in zip(curves.items(), styles, strict=True):
        ax.loglog(angles, values, color=colour, linestyle=dash, label=name)
        ax.plot(at, np.interp(-np.log(at), -np.log(angles), values, right=np.nan), marker, color=colour)
    ax.axhspan(1e12, 1e30, color=GRID)
    ax.text(3e-9, 1e14, "no basis any more", color=MUTED, va="center")
    ax.set(xlim=(1.2, 1e-14), ylim=(0.5, 1e16), xlabel="angle between d and level (radians)", ylabel="condition number")
    ax.set(xticks=[1, 1e-4, 1e-8, 1e-12], yticks=[1, 1e4, 1e8, 1e12, 1e16])
    ax.minorticks_off()
    ax.set_title(title)
    ax.legend(loc="lower right")
    return fig
