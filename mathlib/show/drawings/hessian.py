"""Drawings for the chapter on Hessian-vector products: gradients that move, errors, and spectra."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PURPLE


def draw_secant(loss, grad, Hv, theta, v, t, limits):
    """The parameters theta + t v on the level lines of a loss, and the path of the gradient, its chord and tangent.

    `limits` holds (xlim, ylim) of the plane of parameters, then of the plane of gradients.
    """
    fig, (plane, gradients) = plt.subplots(1, 2, figsize=(5.6, 3.3))
    (xlim, ylim), (glim, hlim) = limits
    x, y = np.meshgrid(np.linspace(*xlim, 40), np.linspace(*ylim, 40))
    levels = loss(np.array([x, y]))
    plane.contour(x, y, levels, levels=np.quantile(levels, np.linspace(0.04, 0.9, 8)), colors=GRID, linestyles="-")
    there = theta + t * v
    plane.plot(*np.array([theta, theta + v]).T, color=MUTED, linestyle=":")
    plane.plot(*theta, "o", color=INK)
    plane.plot(*there, "s", color=ORANGE)
    plane.annotate(r"$\theta$", theta, (-14, 4), textcoords="offset points")
    plane.set_title(r"parameters $\theta + t v$")
    plane.set(xlim=xlim, ylim=ylim)

    path = np.array([grad(theta + s * v) for s in np.linspace(0, 1, 60)])
    g, change = grad(theta), grad(there) - grad(theta)
    gradients.plot(*path.T, color=MUTED, linestyle=":")
    for tip, colour, dash, width in ((Hv, BLUE, "-", 4), (change / t, ORANGE, "--", 2)):
        shape = {"arrowstyle": "-|>", "mutation_scale": 18, "shrinkA": 0, "shrinkB": 0}
        gradients.annotate("", g + tip, g, arrowprops=shape | {"color": colour, "linestyle": dash, "linewidth": width})
    gradients.plot(*g, "o", color=INK)
    gradients.plot(*(g + change), "s", color=ORANGE)
    gradients.annotate(r"$\nabla\ell(\theta)$", g, (0, 9), textcoords="offset points", ha="center")
    gradients.text(0.04, 0.13, "$Hv$ (solid)", color=BLUE, transform=gradients.transAxes)
    gradients.text(0.04, 0.03, "change$/t$ (dashed)", color=ORANGE, transform=gradients.transAxes)
    gradients.set_title("gradients there")
    gradients.set(xlim=glim, ylim=hlim)
    for ax in (plane, gradients):
        ax.set(xticks=[], yticks=[])
    return fig


def draw_errors(steps, errors, exact, h):
    """Relative error of differences against their step, and the level of the exact routes."""
    styles = {"forward": (ORANGE, (0, (5, 1.5)), "s"), "central": (PURPLE, (0, (6, 1.5, 1, 1.5)), "^")}
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axhspan(1e-18, 2.0**-53, color=GRID)
    ax.axvline(h, color=MUTED, linewidth=1)
    for x, (name, (colour, dash, marker)) in zip((0.17, 0.5), styles.items(), strict=True):
        here = errors[name][steps == h].item()
        digits = max(0, int(-np.log10(here)))
        ax.plot(steps, errors[name], color=colour, linestyle=dash)
        ax.plot(h, here, marker, color=colour)
        ax.text(x, 1.05, f"{'■▲'[marker == '^']} {name}: {digits}", color=colour, ha="center", transform=ax.transAxes)
    ax.axhline(exact, color=BLUE, linestyle="-")
    ax.text(0.83, 1.05, f"exact: {int(-np.log10(exact))}", color=BLUE, ha="center", transform=ax.transAxes)
    ax.text(2.0**-21, 1.2e-15, "dual, complex step, double backprop", color=BLUE, ha="center", va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=10)
    ax.set(xlim=(2, 2.0**-43), ylim=(1e-18, 20), xlabel="step h (smaller to the right)", ylabel="relative error of Hv")
    ax.set(xticks=[2.0**-k for k in (0, 10, 20, 30, 40)], yticks=[1, 1e-4, 1e-8, 1e-12, 1e-16])
    ax.minorticks_off()
    return fig


def draw_costs(costs, run, far):
    """The time of each route over that of a gradient, by candidate, and as a bar what its matrix products predict.

    A candidate that makes fewer products on a route than others do has a line of its own there, inside the bar.
    `costs` holds (ratio, predicted ratio) by (candidate, route), `run` says where and when that was measured, and `far`
    is the right end of the axis.
    """
    routes = ["gradient", "next", "dual", "double backprop", "complex step", "differences"]
    names = ["gradient", "further $Hv$", "dual", "double\nbackprop", "complex\nstep", "differences"]
    styles = {"hand-written": (INK, "D"), "mathlib": (BLUE, "o"), "JAX": (GREEN, "^"), "PyTorch": (ORANGE, "s")}
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    for y, route in enumerate(routes):
        here = {candidate: costs[candidate, route] for candidate in styles if (candidate, route) in costs}
        most = max(predicted for _, predicted in here.values())
        ax.barh(y, most, height=0.62, color=GRID)
        for candidate, (ratio, predicted) in here.items():
            colour, marker = styles[candidate]
            if predicted < most:
                ax.vlines(predicted, y - 0.31, y + 0.31, color=colour)
            ax.plot(ratio, y, marker, color=colour)
    for x, (candidate, (colour, marker)) in zip((0.0, 0.33, 0.6, 0.78), styles.items(), strict=True):
        ax.plot(x, 1.07, marker, color=colour, transform=ax.transAxes, clip_on=False)
        ax.text(x + 0.03, 1.07, candidate, color=colour, va="center", transform=ax.transAxes)
    ax.text(1, 0.02, f"{run['cpu']}\n{run['date']}", color=MUTED, ha="right", va="bottom", transform=ax.transAxes)
    ax.set(xlim=(0, far), ylim=(len(routes) - 0.5, -0.5), xlabel="time over that of the hand-written gradient")
    ax.set_yticks(range(len(routes)), names)
    ax.grid(axis="y", visible=False)
    return fig


def draw_ritz(ritz, eigenvalues, k):
    """The Ritz values of 1 to k steps, one column a step, beside the eigenvalues."""
    fig, ax = plt.subplots(figsize=(5.6, 3.9))
    last, low, high = len(ritz), eigenvalues[0], eigenvalues[-1]
    for value in (*eigenvalues[:4], *eigenvalues[-9:]):
        ax.axhline(value, color=GRID, linewidth=1)
    ticks = np.unique(eigenvalues.round(2))  # closer than a line is thick
    ends = np.tile([last + 1, last + 2, np.nan], len(ticks))
    ax.plot(ends, np.repeat(ticks, 3), color=MUTED, linestyle="-", linewidth=1)
    for step in range(1, k + 1):
        new = step == k
        ax.plot(
            np.full(step, step),
            ritz[step - 1],
            "o" if new else ".",
            color=BLUE if new else MUTED,
            markersize=5 if new else 3,
        )
    found = sum(np.min(abs(ritz[k - 1] - value)) < 1e-3 * (high - low) for value in eigenvalues[-9:])
    ax.set_title(f"{k} products: {found} of the 9 largest found")
    pad = 0.05 * (high - low)
    ax.set(xlim=(0, last + 2.5), ylim=(low - pad, high + pad), xlabel="steps of Lanczos", ylabel="Ritz values")
    ax.grid(False)
    return fig


def draw_spectrum(x, density, start, width, title):
    """A spectral density on a logarithmic scale, over the one at the start; negative eigenvalues in another colour."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    floor = 1e-3
    start, density = (np.where(d < floor, np.nan, d) for d in (start, density))
    ax.semilogy(x, start, color=MUTED, linestyle=":", linewidth=1.5)
    for part, colour, dash in ((x <= 0, ORANGE, (0, (3, 1))), (x >= 0, BLUE, "-")):
        ax.semilogy(x[part], density[part], color=colour, linestyle=dash)
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.set(xlim=(x[0], x[-1]), ylim=(floor, 30), xlabel="eigenvalue", ylabel="density")
    ax.set_yticks([1e-3, 1e-2, 1e-1, 1, 10])
    ax.minorticks_off()
    ax.set_title(title.replace("-", "−"))
    ax.text(0.98, 0.9, "dotted: before training", color=MUTED, ha="right", transform=ax.transAxes)
    ax.text(0.98, 0.8, f"each peak {width:g} wide", color=MUTED, ha="right", transform=ax.transAxes)
    return fig


def draw_kinks(s, curves):
    """How a slope changes within a step h, over h: by name, the values at the positions s, and the tangent's slope."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    styles = {"tanh": (GREEN, (0, (6, 1.5)), "dashed", 0.25), "relu": (ORANGE, "-", "solid", 0.75)}
    for name, (values, slope) in curves.items():
        colour, dash, word, at = styles[name]
        ax.plot(s, slope * s, color=colour, linestyle=(0, (1, 1.2)), linewidth=1.3)
        ax.plot(s, values, color=colour, linestyle=dash)
        ax.text(at, 1.04, f"{name} ({word})", color=colour, ha="center", transform=ax.transAxes)
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.set(xlim=(-1, 1), ylim=(-2.5, 2.5), xlabel="$t/h$", ylabel=r"change of $v \cdot \nabla\ell$, over $h$")
    ax.set(xticks=[-1, -0.5, 0, 0.5, 1], yticks=range(-2, 3))
    return fig
