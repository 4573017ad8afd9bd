"""Drawings for the chapter on what makes SGD hard: noise, drift, and where the iterates of SGD spend their time."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, DASHES, GREEN, GRID, INK, MUTED, ORANGE, PAPER, PURPLE

SOLID, DASHED, DOTTED, DASHDOT, _ = DASHES


def draw_valley(loss, path, losses, limits, ylim):
    """A path (k, 2) over the level lines of a loss of two numbers, and its losses (k,) on a logarithmic axis."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.3), width_ratios=(1.35, 1))
    x, y = np.meshgrid(*(np.linspace(-a, a, 60) for a in limits))
    heights = loss(np.stack([x, y], axis=-1))
    left.contour(x, y, heights, levels=0.15 * 3.0 ** np.arange(5), colors=MUTED, linewidths=0.7)
    left.plot(*path.T, color=BLUE, linewidth=1)
    left.plot(*path[0], "s", color=INK)
    left.plot(0, 0, "+", color=ORANGE, markersize=12, markeredgewidth=2.5, zorder=4)
    left.set(xlim=(-limits[0], limits[0]), ylim=(-limits[1], limits[1]), xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    left.grid(False)
    left.set(xticks=range(-6, 7, 3), yticks=range(-3, 4))
    right.semilogy(losses, color=BLUE, linewidth=1)
    right.set(xlim=(0, len(losses) - 1), ylim=ylim, xlabel="step", title="loss")
    right.minorticks_off()
    return fig


def draw_batches(sizes, measured, curve, critical, ylim):
    """The relative error of a minibatch's gradient: measured, by the law, and as if drawn with replacement.

    `curve` holds the batch sizes, the law and the other at them; `critical` is the critical batch size.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhline(1, color=INK, linewidth=1)
    at, law, fresh = curve
    ax.plot(at, fresh, color=MUTED, linestyle=DASHED, linewidth=1.6)
    ax.plot(at, law, color=BLUE, linestyle=SOLID)
    ax.plot(sizes, measured, "o", color=BLUE, zorder=3)
    ax.plot(critical, 1, "D", color=ORANGE, markersize=8, zorder=4)
    ax.set(xscale="log", yscale="log", xlim=(0.8, 4000), ylim=ylim, xlabel="batch size B", ylabel="error / gradient")
    ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    ax.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    ax.minorticks_off()
    ax.text(0.02, 0.06, "● minibatches", color=BLUE, transform=ax.transAxes)
    ax.text(0.42, 0.06, "◆ critical batch size", color=ORANGE, transform=ax.transAxes)
    return fig


def draw_slopes(etas, full, predicted, batch, words):
    """The share of the slope that is left after a step, over eta: two measured curves, and a line for the first."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhline(0, color=INK, linewidth=1)
    ax.plot(etas, predicted, color=MUTED, linestyle=DOTTED)
    ax.plot(etas, full, color=BLUE, linestyle=SOLID)
    ax.plot(etas[::2], full[::2], "o", color=BLUE)
    ax.plot(etas, batch, color=ORANGE, linestyle=DASHED)
    ax.plot(etas[::2], batch[::2], "s", color=ORANGE)
    ax.set(xscale="log", xlim=(etas[0], etas[-1]), ylim=(-1.5, 1.15), xlabel="η", ylabel="slope left", title=words)
    ax.set_xticks([2.0**k for k in (-8, -5, -2, 1)], ["1/256", "1/32", "1/4", "2"])
    ax.minorticks_off()
    ax.text(0.02, 0.14, "● all examples", color=BLUE, transform=ax.transAxes)
    ax.text(0.02, 0.05, "■ a minibatch", color=ORANGE, transform=ax.transAxes)
    return fig


def draw_memory(memories, noise, staleness, total, ylim):
    """The two parts of the squared error of an average, and the whole, over the number of gradients it remembers."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhline(1, color=INK, linewidth=1)
    ax.plot(memories, noise, "s", color=ORANGE, linestyle=DASHED)
    ax.plot(memories[staleness > 0], staleness[staleness > 0], "^", color=PURPLE, linestyle=DASHDOT)
    ax.plot(memories, total, "o", color=BLUE, linestyle=SOLID)
    best = np.argmin(total)
    ax.plot(memories[best], total[best], "o", color=PAPER, markeredgecolor=BLUE, markersize=13, mew=2, zorder=2.1)
    ax.plot(memories[best], total[best], "o", color=BLUE, zorder=3)
    ax.set(xscale="log", yscale="log", ylim=ylim, xlabel=r"gradients remembered, $1/(1 - \beta_1)$")
    ax.set_ylabel("squared error / gradient²")
    ax.set_xticks(memories, [f"{k:.0f}" for k in memories])
    ax.minorticks_off()
    for x, colour, words in ((0, BLUE, "● error"), (0.25, ORANGE, "■ noise"), (0.5, PURPLE, "▲ staleness")):
        ax.text(x, 1.04, words, color=colour, transform=ax.transAxes)
    return fig


def normal(x, variance):
    """The density of the normal distribution with mean 0."""
    return np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def draw_stationary(samples, law, gibbs, limit, ylim):
    """The density of some samples, with the normal densities of two variances, on a logarithmic axis."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    x = np.linspace(-limit, limit, 241)
    counts, edges = np.histogram(samples, np.linspace(-4, 4, 33) * np.sqrt(law))
    middles, density = (edges[1:] + edges[:-1]) / 2, counts / len(samples) / np.diff(edges)
    ax.plot(x, normal(x, gibbs), color=ORANGE, linestyle=DASHED)
    ax.plot(x, normal(x, law), color=BLUE, linestyle=SOLID)
    ax.plot(middles[counts > 4], density[counts > 4], "o", color=BLUE, markersize=5)
    ax.set(yscale="log", xlim=(-limit, limit), ylim=ylim, xlabel=r"$\theta$", ylabel="density")
    ax.minorticks_off()
    ax.text(0, 1.04, "● SGD, and its law", color=BLUE, transform=ax.transAxes)
    ax.text(0.55, 1.04, "- -  Gibbs at T = ησ²/2", color=ORANGE, transform=ax.transAxes)
    return fig


def ellipse(S, scale=2.0):
    """The points at `scale` standard deviations of a covariance matrix, (2, 73)."""
    turn = np.linspace(0, 2 * np.pi, 73)
    return scale * np.linalg.cholesky(S) @ np.stack([np.cos(turn), np.sin(turn)])


def draw_ellipses(S, gibbs, C, cloud, limit):
    """A cloud (k, 2) with its covariance S, that of the Gibbs distribution, and in a corner the noise's C."""
    fig, ax = plt.subplots(figsize=(5.0, 3.9))
    ax.plot(*cloud.T, ".", color=BLUE, markersize=3, alpha=0.5)
    for level in (0.6, 1.2, 1.8):  # the level lines of the loss have the shape of the Gibbs ellipse
        ax.plot(*(level * ellipse(gibbs)), color=GRID, linestyle=SOLID, linewidth=1.2, zorder=0)
    ax.plot(*ellipse(gibbs), color=ORANGE, linestyle=DASHED)
    ax.plot(*ellipse(S), color=BLUE, linestyle=SOLID)
    corner = np.array([[-1.0], [0.78]]) * limit
    ax.plot(*(corner + 0.3 * limit * ellipse(C / np.trace(C), 0.6)), color=GREEN, linestyle=SOLID)
    ax.text(-0.72 * limit, 0.74 * limit, "noise", color=GREEN)
    ax.text(0, 1.03, "● SGD", color=BLUE, transform=ax.transAxes)
    ax.text(0.3, 1.03, "- -  Gibbs", color=ORANGE, transform=ax.transAxes)
    ax.set(xlim=(-1.3 * limit, 1.3 * limit), ylim=(-limit, limit), xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    ax.set_aspect("equal")
    ax.grid(False)
    return fig


def draw_wells(points, times, path, ends, density, limits):
    """A path between two wells; beside it the ends of many paths, and a density (k,) over `limits`, or None.

    `points` are the bottom of one well, the top of the barrier and the bottom of the other.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.6), width_ratios=(2, 1), sharey=True)
    for ax in (left, right):
        for level, dash in zip(points, (DOTTED, SOLID, DOTTED), strict=True):
            ax.axhline(level, color=MUTED, linestyle=dash, linewidth=1.4, zorder=3)
        ax.grid(False)
    left.plot(times, path, color=BLUE, linewidth=0.9)
    left.set(xlim=(0, times[-1]), ylim=limits, xlabel="step", ylabel=r"$\theta$")
    left.text(0, 1.03, "··· wells   — barrier", color=MUTED, transform=left.transAxes)
    bars, edges = np.histogram(ends, np.linspace(*limits, 41), density=True)
    right.stairs(np.minimum(bars, 3), edges, orientation="horizontal", fill=True, color=BLUE, alpha=0.55)
    if density is not None:
        right.plot(density, np.linspace(*limits, len(density)), color=ORANGE, linestyle=DASHED)
        right.text(0.04, 1.03, "- - Gibbs", color=ORANGE, transform=right.transAxes)
    right.set(xlim=(0, 3), xlabel="1000 runs")
    right.set_xticks([])
    return fig


def draw_tails(x, found, gaussian, power, ylim):
    """The share of samples beyond x: of SGD (markers), of a normal law, and, from `power` (a, c) on, a power law."""
    fig, ax = plt.subplots(figsize=(5.6, 3.7))
    ax.plot(x, gaussian, color=MUTED, linestyle=DASHED)
    ax.plot(x[found > 0], found[found > 0], "o", color=BLUE, markersize=5)
    if power is not None:
        alpha, c = power
        ax.plot(x, c * x**-alpha, color=ORANGE, linestyle=DOTTED)
        ax.text(0.62, 1.04, f"··· power {alpha:.1f}", color=ORANGE, transform=ax.transAxes)
    ax.set(xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=ylim)
    ax.set(xlabel=r"$|\theta|$ in units of its median", ylabel="share beyond")
    ax.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    ax.minorticks_off()
    ax.text(0, 1.04, "● SGD", color=BLUE, transform=ax.transAxes)
    ax.text(0.24, 1.04, "- -  normal", color=MUTED, transform=ax.transAxes)
    return fig


def draw_grid(etas, constant, decayed, size, ylim):
    """Final losses over eta, by batch size: pale for every one, drawn out for one `size`."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    for values in constant.values():
        ax.plot(etas, values, color=MUTED, linestyle=SOLID, linewidth=0.8)
    ax.plot(etas, constant[size], "o", color=BLUE, linestyle=SOLID)
    ax.plot(etas, decayed[size], "^", color=GREEN, linestyle=DASHED)
    ax.set(xscale="log", yscale="log", ylim=ylim, xlabel="η", ylabel="loss at the end (nats)")
    ax.set_xticks([2.0**k for k in (-8, -5, -2, 1)], ["1/256", "1/32", "1/4", "2"])
    ax.set_yticks([0.03, 0.1, 0.3, 1, 3], ["0.03", "0.1", "0.3", "1", "3"])
    ax.minorticks_off()
    ax.text(0, 1.04, "● constant η", color=BLUE, transform=ax.transAxes)
    ax.text(0.4, 1.04, "▲ η decaying to 0", color=GREEN, transform=ax.transAxes)
    return fig
