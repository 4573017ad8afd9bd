"""Drawings for the chapter on steps that read the curvature, and the table of runs that they show."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, DASHES, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE

SOLID, DASHED, DOTTED, DASHDOT, _ = DASHES
# One look a batch size, from small to large: colour, dash, marker.
LOOKS = ((ORANGE, DASHED, "s"), (PURPLE, DASHDOT, "D"), (GREEN, DOTTED, "^"), (BLUE, SOLID, "o"))


def runs(rows):
    """The losses of a table's runs, by (objective, batch size, method, steps): on the examples and on the test set.

    Each an array by seed, (seeds,).
    """
    found = {}
    for row in rows:
        key = row["objective"], int(row["batch"]), row["method"], int(row["steps"])
        found.setdefault(key, []).append((int(row["seed"]), float(row["loss"]), float(row["test"])))
    return {key: np.array(sorted(seeds)).T[1:] for key, seeds in found.items()}


def draw_targets(losses, chosen, title, ylim, ticks):
    """Losses over the target ratio: by batch size the targets, the middle and both ends over seeds; one drawn out."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    for at, word in ((1, "greedy"), (2, "edge")):
        ax.axvline(at, color=INK, linewidth=1.2)
        ax.text(at, 1.01, word, ha="center", va="bottom", transform=ax.get_xaxis_transform())
    marks = {"s": "■", "D": "◆", "^": "▲", "o": "●"}
    for k, (size, (sigmas, middle, low, high)) in enumerate(losses.items()):
        colour, dash, marker = LOOKS[k]
        here = size == chosen
        ax.plot(sigmas, middle, color=colour, linestyle=dash, linewidth=2.4 if here else 1, alpha=1 if here else 0.5)
        ax.text(0.02, 0.3 - 0.08 * k, f"{marks[marker]} {size}", color=colour, transform=ax.transAxes)
        if here:
            ax.fill_between(sigmas, low, high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(sigmas, middle, marker, color=colour, markersize=5)
            best = np.argmin(middle)
            ax.plot(sigmas[best], middle[best], marker, color=PAPER, markeredgecolor=colour, markersize=11, mew=2)
    ax.set_yscale("log")
    ax.set(xlim=(0.2, 2.55), ylim=ylim, xlabel="target ratio σ", ylabel="loss reached")
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.text(0.02, 0.96, title, va="top", transform=ax.transAxes)
    return fig


def draw_zigzag(loss, path, sigma, curves, ylim):
    """A path (k, 2) over the level lines of a bowl, and losses over steps, by sigma, one of them drawn out."""
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 5.0), height_ratios=(1, 1.2))
    x, y = np.meshgrid(np.linspace(-1.3, 1.3, 61), np.linspace(-0.55, 0.55, 61))
    heights = np.array([[loss(np.array(p)) for p in zip(*row, strict=True)] for row in zip(x, y, strict=True)])
    top.contour(x, y, heights, levels=np.max(heights) * np.linspace(0.08, 0.9, 6) ** 2, colors=MUTED, linewidths=0.7)
    top.plot(*path.T, color=BLUE, linewidth=1.2, marker="o", markersize=3.5, linestyle=SOLID)
    top.plot(*path[0], "s", color=INK)
    top.set(xlim=(-1.3, 1.3), ylim=(-0.55, 0.55), xticks=(-1, 0, 1), yticks=(-0.5, 0, 0.5), title=f"σ = {sigma:g}")
    top.set_aspect("equal")
    top.grid(False)
    for other, losses in curves.items():
        here = other == sigma
        look = {"color": BLUE if here else MUTED, "linewidth": 2.4 if here else 0.8, "zorder": 3 if here else 2}
        bottom.plot(np.clip(losses, ylim[0] / 10, ylim[1] * 10), linestyle=SOLID, **look)
    bottom.set_yscale("log")
    bottom.set(xlim=(0, len(losses) - 1), ylim=ylim, xlabel="step", ylabel="loss over minimum")
    bottom.minorticks_off()
    return fig


def draw_warm_up(runs, chosen, xlim, ylims):
    """Losses, and sharpness with what a step tolerates, 2 / eta, of one of several runs; the others faintly.

    `runs` gives each name the steps at which it was looked at, losses, sharpness and eta.
    """
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 4.8), sharex=True)
    for name, (at, losses, sharp, eta) in runs.items():
        here = name == chosen
        look = {"alpha": 1 if here else 0.3, "linewidth": 2.2 if here else 1}
        top.plot(at, losses, color=BLUE, linestyle=SOLID, **look)
        if here:
            bottom.plot(at, sharp, color=BLUE, linestyle=SOLID, marker="o", markersize=4)
            bottom.plot(at, 2 / eta, color=ORANGE, linestyle=DASHED)
    for ax, ylim in zip((top, bottom), ylims, strict=True):
        ax.set_yscale("log")
        ax.set(ylim=ylim, xlim=xlim)
        ax.minorticks_off()
    top.set(ylabel="loss", title=chosen)
    bottom.set(xlabel="step", ylabel="curvature")
    bottom.text(0.02, 0.05, "● sharpness", color=BLUE, transform=bottom.transAxes)
    bottom.text(0.35, 0.05, "- - 2/η", color=ORANGE, transform=bottom.transAxes)
    return fig
