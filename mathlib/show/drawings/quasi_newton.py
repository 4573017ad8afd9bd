"""Drawings for the chapter on quasi-Newton methods: matrices that learn, lines that are searched, and prices."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, DASHES, GREEN, GRID, INK, MUTED, ORANGE, PURPLE

STYLES = {
    "gradient descent": (ORANGE, DASHES[1], "s"),
    "conjugate gradient": (GREEN, DASHES[2], "^"),
    "BFGS": (BLUE, DASHES[0], "o"),
    "Newton": (PURPLE, DASHES[3], "D"),
}


def draw_matrices(M, inverse, k, learnt):
    """The entries of M after k steps beside those of H^-1, on one scale."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.3))
    top = np.max(inverse)
    for ax, entries, title in zip(axes, (M, inverse), (f"$M$ after step {k}", "$H^{-1}$"), strict=True):
        picture = ax.imshow(entries, vmin=-0.25 * top, vmax=top)
        ax.set_title(title)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    bar = fig.colorbar(picture, ax=axes, shrink=0.75, ticks=range(int(top) + 1))
    bar.outline.set_visible(False)
    axes[0].set_xlabel(f"right along {learnt} of {len(M)}")
    return fig


def draw_search(eta, phi, slope, c1, rows, at):
    """The loss along a direction, its tangent at one eta, and in rows of bars where conditions hold.

    `phi` and `slope` are its values and slopes at the positions eta, `rows` maps names to arrays of truth values.
    """
    fig, (ax, bars) = plt.subplots(2, 1, figsize=(5.6, 4.6), height_ratios=[1.7, 1], sharex=True)
    ax.plot(eta, phi, color=BLUE)
    ax.plot(eta, phi[0] + c1 * slope[0] * eta, color=MUTED, linestyle=":")
    k = np.argmin(abs(eta - at))
    piece = np.array([-0.7, 0.7])
    ax.plot(piece[1:] * [0, 1.4], phi[0] + slope[0] * piece[1:] * [0, 1.4], color=MUTED, linestyle="-")
    ax.plot(at + piece, phi[k] + slope[k] * piece, color=ORANGE, linestyle="--")
    ax.plot(at, phi[k], "o", color=ORANGE)
    ax.set(xlim=(0, eta[-1]), ylim=(-0.4, 3.2), yticks=range(4), ylabel=r"$\ell(\theta + \eta d)$")
    for y, holds in enumerate(rows.values()):
        colour = (GREEN, BLUE, PURPLE, INK)[y]
        bars.fill_between(eta, y - 0.3, y + 0.3, where=holds, color=colour, linewidth=0)
        bars.plot(at, y, "o", color=ORANGE, mfc=ORANGE if holds[k] else "none")
    bars.axvline(at, color=ORANGE, linewidth=1, linestyle="--")
    bars.set_yticks(range(len(rows)), rows)
    bars.set(ylim=(len(rows) - 0.5, -0.5), xlabel=r"$\eta$")
    bars.grid(axis="y", visible=False)
    return fig


def draw_zigzag(H, descent, conjugate, title):
    """Level lines of ``x . H x`` in the plane, with two paths to its minimum at 0."""
    fig, ax = plt.subplots(figsize=(5.6, 3.7))
    angle = np.linspace(0, 2 * np.pi, 120)
    ellipse = np.linalg.inv(np.linalg.cholesky(H)).T @ [np.cos(angle), np.sin(angle)]  # where x . H x = 1
    for size in (0.2, 0.4, 0.6, 0.8, 1.0):
        level = size * np.sqrt(descent[0] @ H @ descent[0])
        ax.plot(*(level * ellipse), color=MUTED, linestyle="-", linewidth=0.6)
    ax.plot(*descent.T, color=ORANGE, linestyle="--", marker="s", markersize=4, linewidth=1.5)
    ax.plot(*conjugate.T, color=BLUE, linestyle="-", marker="o", linewidth=2.5)
    ax.plot(0, 0, "+", color=INK, markersize=12, markeredgewidth=2)
    ax.set(xlim=(-1.72, 1.72), ylim=(-1.14, 1.14), xticks=[], yticks=[], aspect="equal")
    ax.set_title(title)
    return fig


def draw_orders(errors):
    """The error of each method, and the ratio of each error to the one before."""
    fig, (ax, ratio) = plt.subplots(1, 2, figsize=(5.6, 3.6))
    for name, e in errors.items():
        colour, dash, marker = STYLES[name]
        style = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4, "linewidth": 1.5}
        ax.semilogy(e, **style)
        ratio.plot(range(1, len(e)), e[1:] / e[:-1], **style)
    ax.set(xlim=(0, 30), ylim=(1e-13, 10), xlabel="step $k$", yticks=[1, 1e-4, 1e-8, 1e-12])
    ax.minorticks_off()
    ax.set_title(r"error $e_k = |\theta_k - \theta^*|$")
    ratio.set(xlim=(0, 30), ylim=(0, 1.05), xlabel="step $k$", yticks=[0, 0.5, 1])
    ratio.set_title("$e_k / e_{k-1}$")
    fig.legend(
        handles=[
            plt.Line2D([], [], color=c, linestyle=d, marker=m, label=n)
            for n, (c, d, m) in STYLES.items()
            if n in errors
        ],
        loc="outside lower center",
        ncols=3,
        columnspacing=1.2,
        handlelength=2.4,
    )
    return fig


def draw_memory(sizes, m, full, title):
    """The gradient's size against evaluations: L-BFGS with memory m, all others behind it, and BFGS."""
    fig, ax = plt.subplots(figsize=(5.6, 3.7))
    for other, size in sizes.items():
        if other != m:
            ax.semilogy(size, color=GRID, linestyle="-", linewidth=1.5)
    ax.semilogy(full, color=INK, linestyle=":", linewidth=2)
    ax.semilogy(sizes[m], color=BLUE, linestyle="-", linewidth=2.5)
    ax.set(xlim=(0, 260), ylim=(1e-8, 1), xlabel="losses and gradients", ylabel="largest component of gradient")
    ax.set(yticks=[1, 1e-2, 1e-4, 1e-6, 1e-8])
    ax.minorticks_off()
    ax.text(0.02, 0.12, "solid: L-BFGS", color=BLUE, transform=ax.transAxes)
    ax.text(0.02, 0.03, "dotted: BFGS", color=INK, transform=ax.transAxes)
    ax.set_title(title)
    return fig


def draw_work(costs, title):
    """The cost of each method on one loss, ours and SciPy's: `costs` maps a name to a pair, or (ours, None)."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    for y, (ours, theirs) in enumerate(costs.values()):
        ax.plot([1, ours], [y, y], color=BLUE, linestyle="-", linewidth=3)
        ax.plot(ours, y, "o", color=BLUE, markersize=8)
        if theirs:
            ax.plot(theirs, y, "s", color=ORANGE, mfc="none", mew=2, markersize=10)
        edge = max(ours, theirs or 0)
        ax.text(1.22 * edge, y, f"{ours}" + (f" / {theirs}" if theirs else ""), va="center", color=INK)
    ax.set_xscale("log")
    ax.set(xlim=(10, 2e4), ylim=(len(costs) - 0.5, -0.5), xlabel="gradient-equivalents", xticks=[10, 100, 1000, 10000])
    ax.set_yticks(range(len(costs)), costs)
    ax.minorticks_off()
    ax.grid(axis="y", visible=False)
    ax.set_title(title)
    return fig


def draw_polynomial(polynomial, eigenvalues, k):
    """A polynomial with value 1 at 0, and its values at the eigenvalues."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    x = np.linspace(0, 1.08 * np.max(eigenvalues), 300)
    ax.axhline(0, color=MUTED, linewidth=1)
    ax.plot(x, polynomial(x), color=BLUE)
    ax.plot(0, 1, "o", color=INK)
    ax.vlines(eigenvalues, 0, polynomial(eigenvalues), color=ORANGE, linewidth=1)
    ax.plot(eigenvalues, polynomial(eigenvalues), "o", color=ORANGE, markersize=6)
    ax.plot(eigenvalues, np.full(len(eigenvalues), -1.35), "|", color=INK, markersize=12)
    ax.set(xlim=(-0.1, x[-1]), ylim=(-1.5, 1.25), xlabel="eigenvalue of H")
    ax.set_title(f"largest factor left: {np.max(np.abs(polynomial(eigenvalues))):.2g}")
    return fig
