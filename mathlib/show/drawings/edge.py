"""Drawings for the chapter on the edge of stability: sharpness, losses, and a walk in a valley."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE

# One look a curve: colour, dash.
LOOKS = ((BLUE, "-"), (ORANGE, (0, (5, 1.5))), (GREEN, (0, (1, 1.2))), (PURPLE, (0, (6, 1.5, 1, 1.5))))


def heading(ax, names):
    """The names of the curves above the axes, in their colours and with their dashes, one place a curve."""
    for name, x, (colour, dash) in zip(names, np.linspace(0, 1, len(names), endpoint=False), LOOKS, strict=False):
        ax.plot([x, x + 0.07], [1.08, 1.08], color=colour, linestyle=dash, transform=ax.transAxes, clip_on=False)
        ax.text(x + 0.09, 1.08, name, color=colour, va="center", transform=ax.transAxes)


def draw_climb(t, sharpness, losses, eta, ylim, loss_lim):
    """Sharpness at the steps t, and the loss at all steps, with the line 2 / eta."""
    fig, (above, below) = plt.subplots(2, 1, figsize=(5.6, 4.6), sharex=True, height_ratios=(3, 2))
    above.axhline(2 / eta, color=INK, linewidth=1.2, linestyle=(0, (5, 2)))
    above.set_title(f"2/η = {2 / eta:.3g}", loc="left")
    above.plot(t, sharpness, color=BLUE)
    above.set_yscale("log")
    above.set_yticks([2, 5, 10, 20], ["2", "5", "10", "20"])
    above.set(ylim=ylim, ylabel="sharpness")
    below.plot(np.arange(0, len(losses), 4), losses[::4], color=ORANGE, linewidth=1.2)
    below.set_yscale("log")
    below.set_yticks([0.01, 0.1], ["0.01", "0.1"])
    below.set(ylim=loss_lim, xlim=(0, t[-1]), xlabel="step t", ylabel="loss")
    for ax in (above, below):
        ax.minorticks_off()
    return fig


def draw_rules(t, rules, chosen, ylim):
    """Sharpness in the units of the step: by name a rule's edge and its curve; the chosen one with its edge."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    for k, (name, (edge, ratios)) in enumerate(rules.items()):
        ax.plot(t, ratios, color=MUTED, linestyle="-", linewidth=0.8)
        if k == chosen:
            ax.axhline(edge, color=INK, linewidth=1.2, linestyle=(0, (5, 2)))
            ax.plot(t, ratios, color=BLUE, linestyle="-", linewidth=2.6)
            ax.set_title(f"{name}: the edge is {edge}", loc="left", color=BLUE)
    ax.set_yscale("log")
    ax.set_yticks([1, 2, 6, 18, 38], ["1", "2", "6", "18", "38"])
    ax.set(xlim=(0, t[-1]), ylim=ylim, xlabel="step t", ylabel="sharpness in steps")
    ax.minorticks_off()
    return fig


def draw_cycle(t, x2, found, foretold):
    """The square of the oscillation, and below it the sharpness in units of 1 / eta, measured and foretold."""
    fig, (above, below) = plt.subplots(2, 1, figsize=(5.6, 4.6), sharex=True, height_ratios=(2, 3))
    above.plot(t, x2, color=BLUE, linestyle="-")
    above.set(ylim=(0, None), ylabel="$x^2$")
    below.axhline(2, color=INK, linewidth=1.2, linestyle=(0, (5, 2)))
    below.plot(t, found, color=BLUE, linestyle="-", linewidth=3.5, alpha=0.45)
    below.plot(t, foretold, color=ORANGE, linestyle=(0, (5, 1.5)))
    heading(below, ["measured", "foretold"])
    below.set(xlabel="step t", ylabel="η × sharpness", xlim=(t[0], t[-1]))
    return fig


def draw_valley(loss, path, flows, eta, minimum, n=60):
    """A walk among the level lines of a valley, with the line 2 / eta, and y of the steps and of two flows."""
    fig, (plane, along) = plt.subplots(1, 2, figsize=(5.6, 3.9), sharey=True, width_ratios=(3, 4))
    xs, ys = np.meshgrid(np.linspace(-0.9, 0.9, 61), np.linspace(1.2, 2.4, 49))
    plane.contour(xs, ys, loss(np.stack([xs, ys])), np.geomspace(0.01, 1, 8), colors=MUTED, linewidths=0.6)
    plane.plot(*path[:n].T, color=BLUE, linewidth=0.8, linestyle="-", marker="o", markersize=3)
    plane.plot(*minimum, "x", color=INK, markersize=9, markeredgewidth=2)
    plane.set(xlim=(-0.9, 0.9), ylim=(1.2, 2.4), xlabel="$x$", ylabel="$y$, the sharpness at $x = 0$")
    plane.grid(False)
    along.plot(path[:n, 1], color=BLUE, linestyle="-", linewidth=1)
    for flow, (colour, dash) in zip(flows.values(), LOOKS[1:], strict=False):
        along.plot(flow[:n], color=colour, linestyle=dash)
    along.set(xlim=(0, n), xlabel="step t")
    for k, (name, (colour, dash)) in enumerate(zip(["steps", *flows], LOOKS, strict=False)):
        y = 0.21 - 0.08 * k
        along.plot([0.3, 0.42], [y, y], color=colour, linestyle=dash, transform=along.transAxes)
        along.text(0.46, y, name, color=colour, va="center", transform=along.transAxes)
    for ax in (plane, along):
        ax.axhline(2 / eta, color=INK, linewidth=1.2, linestyle=(0, (5, 2)))
    plane.set_title(f"2/η = {2 / eta:.2f}", loc="left")
    return fig


def draw_distances(t, curves):
    """Distances over the steps: by name the middle of all seeds, and their lowest and highest."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    for (low, middle, high), (colour, dash) in zip(curves.values(), LOOKS, strict=False):
        ax.fill_between(t, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(t, middle, color=colour, linestyle=dash)
    heading(ax, list(curves))
    ax.set(xlim=(0, t[-1]), ylim=(0, None), xlabel="steps after reaching the edge", ylabel="distance from the steps")
    return fig
