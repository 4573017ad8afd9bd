"""Drawings for the chapter on units: paths on the level lines of a loss, and what they reach."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE


def draw_levels(ax, loss, lowest, xlim, ylim):
    """Level lines of a loss of two parameters, closer together near its lowest value."""
    x, y = np.meshgrid(np.linspace(*xlim, 40), np.linspace(*ylim, 40))
    levels = np.array([[loss(np.array(theta)) for theta in zip(*row, strict=True)] for row in zip(x, y, strict=True)])
    heights = lowest + (np.quantile(levels, 0.8) - lowest) * np.linspace(0.12, 1, 6) ** 2
    ax.contour(x, y, levels, levels=heights, colors=GRID, linestyles="-", linewidths=1.3)
    ax.set(xlim=xlim, ylim=ylim)


def draw_path(ax, path, colour, dash="-", marker="o"):
    """A path, marked at its start and at its end."""
    ax.plot(*path.T, color=colour, linestyle=dash, linewidth=1.6, marker=".", markersize=3)
    ax.plot(*path[0], "o", color=INK)
    ax.plot(*path[-1], marker, color=colour)


def draw_two_methods(loss, lowest, paths, ghosts, limits, names, labels):
    """A path by each of two methods on the same level lines, over a dotted one to compare it with.

    `paths` and `ghosts` hold two paths each, `names` the titles of the panels, `labels` those of the axes.
    """
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.4), sharey=True)
    for ax, path, ghost, name, colour in zip(axes, paths, ghosts, names, (ORANGE, BLUE), strict=True):
        draw_levels(ax, loss, lowest, *limits)
        ax.plot(*ghost.T, color=MUTED, linestyle=":", linewidth=1.6)
        draw_path(ax, path, colour)
        ax.set_title(name)
        ax.set_xlabel(labels[0])
        ax.grid(False)
    axes[0].set_ylabel(labels[1])
    return fig


def draw_sweep(reference, here, newton, size, unit):
    """The loss that gradient descent reaches against its learning rate, in a unit of `size` nats; dotted, in nats.

    `reference` (in nats), `here` (in the unit) and `newton` (for Newton's method) hold learning rates and losses.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.7))
    ax.plot(*newton, color=BLUE, linestyle="-")
    for (etas, losses), colour, dash, marker in ((reference, MUTED, ":", "o"), (here, ORANGE, "--", "s")):
        best = np.argmin(losses)
        ax.plot(etas, losses, color=colour, linestyle=dash)
        ax.plot([etas[best]] * 2, [0.1, losses[best]], color=colour, linewidth=1, linestyle=dash)
        ax.plot(etas[best], losses[best], marker, color=colour)
    ax.text(2.0**2.4, 0.62, "gradient descent", color=ORANGE, ha="center")
    ax.text(2.0**-6.8, 0.12, "Newton", color=BLUE)
    ax.set_title(f"the best η for {unit} is {size:.3g} times that for nats")
    ax.set_xscale("log", base=2)
    ax.set(xlim=(2.0**-7, 2.0**11), ylim=(0.1, 0.72), xlabel="learning rate η, a bare number")
    ax.set(xticks=[2.0**k for k in range(-6, 11, 2)], ylabel="loss reached, in nats")
    ax.minorticks_off()
    return fig


def draw_adam(loss, lowest, paths, gaps, k, limits, labels):
    """Adam's paths for the loss in two units, and how far they part for each of its ε, ten to the power k."""
    fig, (plane, ax) = plt.subplots(1, 2, figsize=(5.6, 3.4))
    draw_levels(plane, loss, lowest, *limits)
    for path, colour, dash, marker, width in zip(paths, (BLUE, ORANGE), ("-", "--"), "os", (4, 1.6), strict=True):
        plane.plot(*path.T, color=colour, linestyle=dash, linewidth=width)
        plane.plot(*path[-1], marker, color=colour)
    plane.plot(*paths[0][0], "o", color=INK)
    plane.set(xlabel=labels[0], ylabel=labels[1])
    plane.grid(False)
    exponents = np.array(list(gaps))
    values = np.array(list(gaps.values()))
    ax.semilogy(10.0**exponents, values, color=GREEN, linestyle="-")
    ax.plot(10.0**k, gaps[k], "D", color=GREEN)
    ax.set_xscale("log")
    ax.set(xlim=(10.0 ** (exponents[0] - 0.5), 10.0 ** (exponents[-1] + 0.5)), ylim=(1e-7, 30), xlabel="Adam's ε")
    ax.set(xticks=[10.0**e for e in (-8, -6, -4, -2, 0)], yticks=[1e-6, 1e-4, 1e-2, 1])
    ax.minorticks_off()
    plane.set_title("bits solid, bytes dashed")
    ax.set_title("distance of the paths")
    return fig
