"""Drawings for the chapter on Newton's method: quadratic models, errors, basins, damped steps, and a race."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.drawings.cnn import MINUS
from mathlib.show.style import BLUE, COLOURS, GREEN, GRID, INK, MUTED, ORANGE, PURPLE

# A picture does not follow the page's theme: its tones differ from light to dark, in greyscale too.
TONES = {"minimum": "#f3e3a6", "saddle": "#d9824a", "maximum": "#3d4a8a", "nowhere": "#111111"}


def plain(number, digits=2):
    """A number as text, with a proper minus."""
    return f"{round(number, digits) + 0.0:.{digits}f}".replace("-", MINUS)  # + 0.0: zero has no sign


def mesh(xlim, ylim, points):
    """The points of a grid, (2, points, points)."""
    return np.array(np.meshgrid(np.linspace(*xlim, points), np.linspace(*ylim, points)))


def plane(ax, loss, xlim, ylim, quantiles):
    """The level lines of a loss of two coordinates, which takes a grid of them at once; their levels."""
    grid = mesh(xlim, ylim, 90)
    values = loss(grid)
    levels = np.quantile(values, quantiles)
    ax.contour(*grid, values, levels=levels, colors=MUTED, linestyles="-", linewidths=0.7)
    ax.set(xlim=xlim, ylim=ylim, xticks=[], yticks=[])
    ax.grid(False)
    return levels


def arrow(ax, start, tip, colour):
    """An arrow, cut off at the frame."""
    style = {"arrowstyle": "-|>,head_width=0.3,head_length=0.6", "color": colour, "lw": 2.5, "shrinkA": 0, "shrinkB": 5}
    ax.annotate("", tip, start, arrowprops=style, annotation_clip=False).arrow_patch.set_clip_box(ax.bbox)


def draw_model(loss, path, step, H, xlim, ylim):
    """The quadratic model at a step by its level lines, and the jump to its stationary point; the loss below it."""
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    levels = plane(ax, loss, xlim, ylim, np.linspace(0.04, 0.9, 8))
    grid = mesh(xlim, ylim, 45)
    u = grid - step.theta[:, None, None]
    model = step.loss + np.tensordot(step.gradient, u, 1) + np.einsum("iab,ij,jab->ab", u, H, u) / 2
    ax.contour(*grid, model, levels=levels, colors=ORANGE, linestyles="--", linewidths=1.4)
    ax.plot(*np.transpose(path), color=MUTED, linestyle=":")
    tip = step.theta - np.linalg.solve(H, step.gradient)
    arrow(ax, step.theta, tip, BLUE)
    kind = "saddle" if np.linalg.det(H) < 0 else "minimum"
    ax.plot(*step.theta, "o", color=INK, ms=8)
    ax.plot(*tip, "X" if kind == "saddle" else "D", color=BLUE, ms=10)
    ax.set_title(f"jump to the model's {kind}; loss {plain(step.loss)} → {plain(loss(tip))}")
    return fig


def draw_orders(runs, eta):
    """The errors of damped Newton at a regular and a singular minimum, for every eta, with one drawn out.

    `runs` holds, by eta, the two lists of errors and the two rates.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    for errors, _ in runs.values():
        for e in errors:
            ax.semilogy(e, color=GRID, linestyle="-", linewidth=1)
    errors, rates = runs[eta]
    looks = ((BLUE, "-", "o", 0.27, "$x - \\ln x$"), (ORANGE, (0, (5, 1.5)), "s", 0.76, "$x^4$"))
    for e, rate, (colour, dash, marker, x, name) in zip(errors, rates, looks, strict=True):
        if rate:
            t = np.arange(len(e))
            ax.semilogy(t, e[-1] * rate ** (t - len(e) + 1.0), color=INK, linestyle=":", linewidth=1.6, zorder=3)
        ax.semilogy(e, marker=marker, ms=4, color=colour, linestyle=dash)
        shrinks = f"last ratio {e[-1] / e[-2]:.2f}" if e[-1] else "down to the last bit"
        ax.text(x, 1.05, f"{name}: {shrinks}", color=colour, ha="center", transform=ax.transAxes)
    ax.set(xlim=(0, 20), ylim=(1e-16, 3), xlabel="step $t$", ylabel="error $e_t$", xticks=range(0, 21, 5))
    ax.set_yticks([1, 1e-5, 1e-10, 1e-15])
    ax.minorticks_off()
    return fig


def draw_basins(kinds, stationary, limit, eta):
    """Where Newton's method goes from each point of a square: to a minimum, a saddle, a maximum, or nowhere in time.

    `kinds` holds a name of `TONES` for each pixel, `stationary` those of the stationary points.
    """
    names = list(TONES)
    colours = np.array([[int(TONES[name][i : i + 2], 16) for i in (1, 3, 5)] for name in names], np.uint8)
    picture = colours[np.vectorize(names.index)(kinds)]
    fig, ax = plt.subplots(figsize=(5.6, 5.0))
    ax.imshow(picture, extent=(-limit, limit, -limit, limit), origin="lower")
    for point, kind in stationary:
        marker = {"minimum": "o", "saddle": "X", "maximum": "s"}[kind]
        ax.plot(*point, marker, ms=10, color="#010101", markeredgecolor="#fefefe", markeredgewidth=1.2)
    shares = {name: np.mean(kinds == name) for name in names[:3]}
    for (name, share), marker, x in zip(shares.items(), "oXs", (0.0, 0.36, 0.68), strict=True):
        ax.plot(x + 0.02, 1.04, marker, ms=9, color=COLOURS["ink"], transform=ax.transAxes, clip_on=False)
        ax.text(x + 0.055, 1.04, f"{name} {share:.0%}", va="center", transform=ax.transAxes)
    ax.set(xlabel=rf"$\eta$ = {eta:g}", xticks=[], yticks=[])
    ax.grid(False)
    return fig


def draw_damping(loss, theta, steps, damped, saddle, xlim, ylim):
    """The curve of damped steps, in its two branches, and one of them; `damped` is (lambda, step, slope)."""
    lam, d, slope = damped
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    plane(ax, loss, xlim, ylim, np.linspace(0.02, 0.9, 12))
    for branch, colour, dash in zip(steps, (ORANGE, GREEN), (":", (0, (6, 1.5, 1, 1.5))), strict=True):
        ax.plot(*(theta[:, None] + np.transpose(branch)), color=colour, linestyle=dash)
    arrow(ax, theta, theta + d, BLUE)
    ax.plot(*theta, "o", color=INK, ms=8)
    ax.plot(*saddle, "X", color=PURPLE, ms=11)
    ax.annotate("saddle", saddle, (8, -14), textcoords="offset points", color=PURPLE)
    way = "down" if slope < 0 else "up"
    ax.set_title(
        rf"$\lambda$ = {lam:.2f}: the step starts {way}hill; loss {plain(loss(theta))} → {plain(loss(theta + d))}"
    )
    return fig


def draw_race(logs, price, xlim, ylim):
    """The loss against the work of several methods: a gradient counts 1, a Hessian-vector product `price`."""
    looks = (
        (ORANGE, (0, (5, 1.5)), "s", (0, 14), "center"),
        (BLUE, "-", "o", (0, -18), "center"),
        (PURPLE, (0, (6, 1.5, 1, 1.5)), "D", (6, -19), "right"),
    )
    fig, ax = plt.subplots(figsize=(5.6, 3.9))
    for (name, log), (colour, dash, marker, offset, align) in zip(logs.items(), looks, strict=True):
        gradients, products, losses = np.transpose(log)
        work = gradients + price * products
        ax.loglog(work, losses, color=colour, linestyle=dash)
        seen = np.flatnonzero(work <= xlim[1])[-1]
        ax.plot(work[seen], losses[seen], marker, color=colour)
        ax.annotate(name, (work[seen], losses[seen]), offset, textcoords="offset points", color=colour, ha=align)
    ax.set(xlim=xlim, ylim=ylim, xlabel="work, in gradients", ylabel="loss (nats)")
    ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
    ax.set_xticks([1, 10, 100, 1000, 10000], ["1", "10", "100", "1000", "10 000"])
    ax.minorticks_off()
    return fig


def draw_far(loss, start, points, model):
    """A loss of one coordinate, the parabola at the start with its vertex, and the next points of Newton's method."""
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    x = np.linspace(-3.4, 3.4, 120)
    ax.plot(x, loss(x), color=INK, linestyle="-")
    ax.plot(x, model(x), color=ORANGE, linestyle="--", linewidth=1.5)
    ax.plot(points[1], model(points[1]), "D", color=ORANGE, ms=7)
    for t, point in enumerate(points):
        ax.plot(point, loss(point), "o", color=BLUE, ms=8)
        if np.all(np.abs(point - points[:t]) > 0.3):
            ax.annotate(f"{t}", (point, loss(point)), (0, 9), textcoords="offset points", color=BLUE, ha="center")
    ax.set(xlim=(-3.4, 3.4), ylim=(0, 4), xlabel="$x$", xticks=range(-3, 4))
    ax.set_title(", ".join(f"$x_{t}$ = {plain(point)}" for t, point in enumerate(points[:4])))
    return fig
