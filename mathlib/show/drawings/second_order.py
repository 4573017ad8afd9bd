"""Drawings for the chapter on second-order Adam: staleness, stability, noise, slopes, horizons and coordinates."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PAPER

# One look a method or a source of slopes: colour, dash, marker.
LOOKS = {
    "momentum": (ORANGE, (0, (5, 1.5)), "s"),
    "corrected": (BLUE, "-", "o"),
    "nesterov": (GREEN, (0, (1, 1.2)), "^"),
    "reference": (INK, (0, (6, 1.5, 1, 1.5)), "D"),
}


def label(ax, x, name, text):
    """Name a line above the axes, in its colour."""
    ax.text(x, 1.04, text, color=LOOKS[name][0], transform=ax.transAxes)


def powers_of_ten(axis, low, high, step=1):
    axis.set_major_locator(plt.FixedLocator(10.0 ** np.arange(low, high + 1, step)))
    axis.set_minor_locator(plt.NullLocator())


def draw_lag(loss, path, t, correction, limits):
    """The path of theta over level lines, and in the plane of gradients the gradient, its estimate and an arrow."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.4))
    x, y = (np.linspace(-limit, limit, 41) for limit in limits[0])
    values = np.array([[loss(np.array([a, b])) for a in x] for b in y])
    left.contour(x, y, values, levels=np.max(values) * np.linspace(0.1, 0.9, 5) ** 2, colors=[MUTED], linewidths=0.8)
    theta, g = (np.array([getattr(step, name) for step in path[: t + 1]]) for name in ("theta", "gradient"))
    left.plot(*theta.T, color=INK, linewidth=1.2, linestyle="-")
    left.plot(*theta[-1], "o", color=INK)
    right.plot(*g.T, color=BLUE, linewidth=1.2, linestyle="-")
    right.plot(*g[-1], "o", color=BLUE, markersize=8)
    start = path[t].gradient_estimate
    right.plot(*start, "s", color=ORANGE, markersize=8)
    if np.linalg.norm(correction) > 0.03 * limits[1][0]:
        arrow = {"arrowstyle": "-|>", "mutation_scale": 14, "shrinkA": 4, "shrinkB": 0, "color": INK, "linewidth": 1.6}
        right.annotate("", start + correction, start, arrowprops={**arrow, "linestyle": (0, (4, 2))})
    right.text(0, 1.04, r"● $\nabla\ell(\theta_t)$", color=BLUE, transform=right.transAxes)
    right.text(0.62, 1.04, r"■ $\hat g_t$", color=ORANGE, transform=right.transAxes)
    left.set_title("parameters")
    for ax, (a, b), xlabel, ylabel in (
        (left, limits[0], r"$\theta_1$", r"$\theta_2$"),
        (right, limits[1], r"$\partial_1\ell$", r"$\partial_2\ell$"),
    ):
        ax.set(xlim=(-a, a), ylim=(-b, b), xlabel=xlabel)
        ax.set_ylabel(ylabel, labelpad=0)
    return fig


def draw_radii(x, radii, edges):
    """The spectral radius of each method over eta lambda, and where it crosses 1."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhspan(1, 1.6, color=GRID, alpha=0.6, linewidth=0)
    words = {"momentum": "■ momentum", "nesterov": "▲ Nesterov", "corrected": "● corrected"}
    for place, (name, text) in zip((0.0, 0.37, 0.72), words.items(), strict=True):
        colour, dash, marker = LOOKS[name]
        ax.plot(x, radii[name], color=colour, linestyle=dash)
        ax.plot(edges[name], 1, marker, color=colour, markersize=8, markeredgecolor=PAPER)
        label(ax, place, name, text)
    ax.text(0.012, 1.13, "unstable", color=INK)
    ax.set_xscale("log")
    ax.set(xlim=(x[0], x[-1]), ylim=(0, 1.25), xlabel=r"$\eta\lambda$", ylabel="factor per step")
    powers_of_ten(ax.xaxis, -2, 2)
    return fig


def draw_noise(x, error, variance, x_measured, measured):
    """Theory (lines) and runs (markers) over eta lambda: the estimate's error, and the loss in the long run."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.6), sharey=True)
    for ax, law, runs, title in zip(
        axes, (error, variance), measured, ("error of the estimate", "loss in the long run"), strict=True
    ):
        ax.axhline(1, color=INK, linewidth=1.2, linestyle=LOOKS["reference"][1])
        for name in ("momentum", "corrected"):
            colour, dash, marker = LOOKS[name]
            ax.plot(x, law[name], color=colour, linestyle=dash)
            ax.plot(x_measured, runs[name], marker, color=colour)
        ax.set_xscale("log")
        ax.set(xlim=(0.01, 2), ylim=(0, 1.08), xlabel=r"$\eta\lambda$", title=title)
        ax.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        ax.minorticks_off()
    axes[0].set_ylabel("part of SGD's")
    axes[0].text(0.012, 0.9, "SGD", color=INK)
    return fig


def draw_slopes(ratio, same, fresh, measured, floor):
    """The slope along g_hat over the signal-to-noise ratio: law (lines) and averages (markers), by source."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    if floor > 0:
        ax.axhline(floor, color=MUTED, linewidth=1)
    for place, (name, law, text) in zip(
        (0.0, 0.6),
        (("momentum", same, "■ its own batches"), ("corrected", fresh, "● a fresh batch")),
        strict=True,
    ):
        colour, dash, marker = LOOKS[name]
        ax.plot(ratio, law, color=colour, linestyle=dash)
        ax.plot(ratio, measured[name], marker, color=colour, zorder=3)
        label(ax, place, name, text)
    ax.set(xscale="log", yscale="log", xlim=(1e-2, 4), ylim=(5e-3, 5))
    ax.set_xlabel(r"signal over noise of one batch")
    ax.set_ylabel(r"slope over noise")
    powers_of_ten(ax.xaxis, -2, 0)
    powers_of_ten(ax.yaxis, -2, 0)
    return fig


def draw_horizon(T, etas, losses):
    """Schedules for T steps and the expected losses along them, over the part of the steps that is over."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.6))
    for name, marker_end in (("momentum", "s"), ("corrected", "o")):
        colour, dash, _ = LOOKS[name]
        n = len(etas[name])
        pick = np.unique(np.linspace(0, n - 1, min(n, 60)).astype(int))
        axes[0].plot(pick / T, etas[name][pick], color=colour, linestyle=dash, marker=marker_end if n < 12 else None)
        pick = np.append(pick, n)
        axes[1].plot(pick / T, losses[name][pick], color=colour, linestyle=dash)
        axes[1].plot(1, losses[name][-1], marker_end, color=colour, clip_on=False, zorder=3)
    axes[0].text(0.02, 0.91, "■ greedy", color=ORANGE, transform=axes[0].transAxes)
    axes[0].text(0.48, 0.91, "● best for T", color=BLUE, transform=axes[0].transAxes)
    for ax, ylim, title in zip(axes, ((0.01, 10), (1e-3, 10)), (r"$\eta_t$", "expected loss"), strict=True):
        ax.set_yscale("log")
        ax.set(xlim=(0, 1), ylim=ylim, xlabel=r"$t/T$", title=title)
        ax.set_xticks([0, 0.5, 1], ["0", "½", "1"])
    powers_of_ten(axes[0].yaxis, -2, 1)
    powers_of_ten(axes[1].yaxis, -3, 1)
    return fig


def draw_coordinates(steps, curves, ylim):
    """The loss above its minimum, in the eigenvectors' coordinates and in rotated ones, and a tuned reference."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    words = {"corrected": "● eigenvectors", "momentum": "■ rotated", "reference": "◆ tuned momentum"}
    for place, (name, text) in zip((0.0, 0.34, 0.6), words.items(), strict=True):
        colour, dash, marker = LOOKS[name]
        shown = np.clip(curves[name], ylim[0] / 10, ylim[1] * 10)
        ax.plot(steps, shown, color=colour, linestyle=dash, linewidth=1.6)
        ax.plot(steps[::8], shown[::8], marker, color=colour, markersize=5)
        label(ax, place, name, text)
    ax.set_yscale("log")
    ax.set(xlim=(0, steps[-1]), ylim=ylim, xlabel="step t", ylabel="loss above the minimum")
    powers_of_ten(ax.yaxis, -12, 6, 3)
    return fig
