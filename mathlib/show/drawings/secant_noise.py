"""Drawings for the chapter on quasi-Newton methods in SGD: what noise makes of a difference of two gradients."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PAPER, PURPLE

# One look a source of pairs: colour, dash, marker.
LOOKS = {
    "two": (ORANGE, (0, (5, 1.5)), "s"),
    "one": (BLUE, "-", "o"),
    "product": (GREEN, (0, (1, 1.2)), "^"),
    "SGD": (PURPLE, (0, (6, 1.5, 1, 1.5)), "D"),
}


def draw_clouds(clouds, limits):
    """Two clouds of secants in a plane in which the true one is the arrow to (1, 0); by name, an array (k, 2) each."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.4), sharey=True)
    titles = {"two": "two batches", "one": "one batch, twice"}
    for ax, (name, cloud) in zip(axes, clouds.items(), strict=True):
        colour, _, marker = LOOKS[name]
        outside = np.any(abs(cloud) > limits, axis=1)
        ax.axhline(0, color=GRID, linewidth=1)
        ax.axvspan(-limits[0], 0, color=GRID, alpha=0.6, linewidth=0)
        arrow = {"arrowstyle": "-|>", "mutation_scale": 15, "shrinkA": 0, "shrinkB": 0, "color": INK, "linewidth": 2}
        ax.annotate("", (1, 0), (0, 0), arrowprops=arrow)
        ax.plot(*cloud[~outside].T, marker, color=colour, linestyle="", markersize=4, markeredgecolor=PAPER, mew=0.5)
        ax.set_title(titles[name] + (f" ({np.sum(outside)} outside)" if np.any(outside) else ""), color=colour)
        ax.set(xlim=(-limits[0], limits[0]), ylim=(-limits[1], limits[1]), xlabel=r"$s \cdot y\ /\ s \cdot Hs$")
        ax.set(xticks=range(-4, 5, 2), yticks=range(-2, 3))
        ax.grid(False)
    axes[0].set_ylabel(r"$w \cdot y\ /\ s \cdot Hs$")
    return fig


def draw_law(sizes, measured, law, ylabel, ylim, labels, log=True):
    """Something measured (markers) and predicted (lines) over the batch size; `labels` holds (x, y, text) by name."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    for name, (colour, dash, marker) in LOOKS.items():
        if name not in measured:
            continue
        ax.plot(sizes, law[name], color=colour, linestyle=dash)
        ax.plot(sizes, measured[name], marker, color=colour, clip_on=False, zorder=3)
        ax.text(*labels[name], color=colour, transform=ax.transAxes)
    if log:
        ax.axhline(1, color=MUTED, linewidth=1)
        ax.set_yscale("log")
    ax.set_xscale("log", base=2)
    ax.set(ylim=ylim, xlabel="batch size B", ylabel=ylabel)
    ax.set_xticks(sizes, [str(b) for b in sizes])
    ax.minorticks_off()
    return fig


def draw_range(ranges, ylim):
    """The upper quartile and the largest eigenvalue of H M over the number of pairs; by name, an array (k, 2) each."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhline(1, color=INK, linewidth=1)
    for x, (name, values) in zip((0.0, 0.6), ranges.items(), strict=True):
        colour, dash, marker = LOOKS[name]
        k = np.arange(len(values))
        ax.plot(k, values[:, 1], color=colour, linestyle=dash)
        ax.plot(k[::4], values[::4, 0], marker, color=colour, markersize=5)
        words = {"two": "■ two batches", "one": "● one batch"}[name]
        ax.text(x, 1.04, words, color=colour, transform=ax.transAxes)
    ax.set_yscale("log")
    ax.set(xlim=(0, len(k) - 1), ylim=ylim, xlabel="pairs learned", ylabel="eigenvalues of HM")
    ax.set_yticks(10.0 ** np.arange(-3, 13, 3))
    ax.minorticks_off()
    return fig


def draw_echo(curvatures, eta, ylim):
    """The curvature that each step of SGD reports, by name, and the level 1/eta."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhline(1 / eta, color=INK, linewidth=1.5, linestyle=(0, (9, 2)))
    for name, values in curvatures.items():
        colour, _, marker = LOOKS[name]
        shown = np.where(values > 0, values, np.nan)
        ax.plot(shown, marker, color=colour, linestyle="", markersize=4)
    ax.text(0, 1.04, f"■ two batches: {np.sum(curvatures['two'] <= 0)} negative", color=ORANGE, transform=ax.transAxes)
    ax.text(0.66, 1.04, "● one batch", color=BLUE, transform=ax.transAxes)
    ax.set_yscale("log")
    ax.set(xlim=(-1, len(values)), ylim=ylim, xlabel="steps of SGD", ylabel="reported curvature")
    ax.minorticks_off()
    return fig


def draw_runs(epochs, runs, ylim):
    """The loss above its minimum over the gradients spent; by name, the epochs (k,) and the losses (k, runs)."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    words = {"SGD": "◆ SGD at its best", "two": "■ two batches", "one": "● one batch"}
    for x, (name, (at, losses)) in zip((0.0, 0.41, 0.74), runs.items(), strict=True):
        colour, dash, marker = LOOKS[name]
        ax.plot(at, losses, color=colour, linestyle=dash, linewidth=1.4)
        ax.plot(at[-1:], losses[-1:], marker, color=colour, markersize=5, clip_on=True)
        ax.text(x, 1.04, words[name], color=colour, transform=ax.transAxes)
    ax.set_yscale("log")
    ax.set(xlim=(0, epochs * 1.03), ylim=ylim, xlabel="gradients spent, in epochs", ylabel=r"loss above the minimum")
    ax.minorticks_off()
    return fig
