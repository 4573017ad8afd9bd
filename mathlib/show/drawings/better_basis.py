"""Drawings for the chapter on Adam in a better basis: turned coordinates, Hessians, samples of a diagonal, a saddle."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE

# One look a method: colour, dash, marker.
LOOKS = {
    "Adam": (ORANGE, (0, (5, 1.5)), "s"),
    "SOAP": (BLUE, "-", "o"),
    "SGD": (GREEN, (0, (1, 1.2)), "^"),
    "Newton": (GREEN, (0, (1, 1.2)), "^"),
    "Sophia": (BLUE, "-", "o"),
    "AdaHessian": (ORANGE, (0, (5, 1.5)), "s"),
}
SIGNS = {"s": "■", "o": "●", "^": "▲"}


def named(ax, names, places):
    """Name the methods above the axes, each in its colour and with its marker."""
    for name, x in zip(names, places, strict=True):
        colour, _, marker = LOOKS[name]
        ax.text(x, 1.05, f"{SIGNS[marker]} {name}", color=colour, transform=ax.transAxes)


def draw_angles(angles, ends, angle):
    """The loss that each method reaches against the angle of the coordinates, up to one angle."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    k = int(np.argmin(abs(np.asarray(angles) - angle)))
    for name, losses in ends.items():
        colour, dash, marker = LOOKS[name]
        ax.semilogy(angles[: k + 1], losses[: k + 1], color=colour, linestyle=dash)
        ax.plot(angles[k], losses[k], marker, color=colour, markersize=10)
    ax.axvline(angles[k], color=MUTED, linewidth=1, linestyle="-")
    ax.set(xlabel="coordinates turned by, degrees", ylabel="loss at the end", xlim=(-3, 93), ylim=(3e-3, 0.1))
    ax.set_xticks([0, 30, 60, 90])
    named(ax, ends, (0.0, 0.36, 0.72))
    return fig


def draw_hessians(pair, masses, step, cells=80):
    """A block of the Hessian in two bases, as darkness on a logarithmic scale; above each, what is off its diagonal."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.2))
    for ax, H, mass, name in zip(axes, pair, masses, ("basis of the weights", "eigenbasis"), strict=True):
        n = len(H) // cells
        largest = abs(H).reshape(cells, n, cells, n).max((1, 3))
        shades = np.round(4 * np.clip(np.log10(largest / np.max(largest)), -3, 0)) / 4
        ax.imshow(shades, cmap="Greys", vmin=-3, vmax=0)
        ax.set_title(name, fontsize=12)
        ax.set_xlabel(f"off the diagonal: {mass:.0%}")
        ax.set(xticks=[], yticks=[])
    return fig


def draw_samples(diagonal, estimate, error, foretold):
    """The estimated entries of a diagonal against the true ones, and the line where they are equal."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    limit = 1.1 * np.max(abs(diagonal))
    ax.plot([-limit, limit], [-limit, limit], color=MUTED, linewidth=1, linestyle="-")
    inside = abs(estimate) <= 2 * limit
    ax.plot(diagonal[inside], estimate[inside], "o", color=BLUE, markersize=4)
    ax.set(xlim=(-0.1 * limit, limit), ylim=(-2 * limit, 2 * limit))
    ax.set(xlabel="entry of the diagonal", ylabel="estimate")
    ax.set_title(f"error {error:.2f}, foretold {foretold:.2f}", fontsize=13)
    return fig


def draw_saddle(loss, paths, t):
    """Paths of three methods over the level lines of a loss with a saddle in the middle, up to step t."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    x, y = np.linspace(-1.6, 1.6, 65), np.linspace(-0.5, 0.5, 41)
    values = np.array([[loss(np.array([a, b])) for a in x] for b in y])
    ax.contour(x, y, values, levels=np.linspace(-0.24, 1.2, 13), colors=[MUTED], linewidths=0.7, linestyles="solid")
    ax.plot(0, 0, "x", color=INK, markersize=9)
    for name, path in paths.items():
        colour, dash, marker = LOOKS[name]
        ax.plot(*np.array(path[: t + 1]).T, color=colour, linestyle=dash)
        ax.plot(*path[t], marker, color=colour, markersize=9)
    ax.set(xlim=(-1.6, 1.6), ylim=(-0.5, 0.5), xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    named(ax, paths, (0.0, 0.33, 0.64))
    return fig
