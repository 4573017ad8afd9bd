"""Pictures for the chapter on analytic functions: what maps of the plane do to small squares, circles and steps.

A point of the plane is a complex number z, drawn at (z.real, z.imag).
"""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PURPLE

CODE = {"family": "monospace", "fontsize": 12}
TURN = np.exp(2j * np.pi * np.linspace(0, 1, 61))
LETTER_F = np.array([-0.25 - 0.5j, -0.25 + 0.5j, 0.3 + 0.5j, np.nan, -0.25, 0.2])


def planes(xlim, ylim, **kwargs):
    """Two pieces of the complex plane side by side, with equal scales."""
    fig, axes = plt.subplots(1, 2, **kwargs)
    for ax in axes:
        ax.set(xlim=xlim, ylim=ylim, aspect="equal")
    return fig, axes


def plot(ax, z, *args, **kwargs):
    """Draw a line through complex numbers."""
    return ax.plot(np.real(z), np.imag(z), *args, **kwargs)


def arrow(ax, start, end, color):
    """Draw an arrow between two complex numbers."""
    style = {"arrowstyle": "-|>,head_width=0.35,head_length=0.7", "color": color, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end.real, end.imag), (start.real, start.imag), arrowprops=style)


def square(corner, side, points):
    """Walk round a square, with so many steps on each edge."""
    edge = np.arange(points) / points
    return corner + side * np.concatenate([edge, 1 + 1j * edge, 1 + 1j - edge, 1j - 1j * edge])


def draw_small_squares(t, n=6):
    """A board of small squares on its way from z to z * z, left, and to z * abs(z), right."""
    fig, axes = planes((-0.05, 2.45), (-1.6, 1.6), figsize=(5.6, 3.9), sharey=True)
    maps = [("x * x", BLUE, lambda z: z * z), ("x * abs(x)", ORANGE, lambda z: z * np.abs(z))]
    corners = [0.5 - 0.5j + (j + 1j * k) / n for j, k in np.ndindex(n, n) if (j + k) % 2]
    board = square(0.5 - 0.5j, 1, points=12)
    for ax, (name, colour, f) in zip(axes, maps, strict=True):
        for z in [board, *(square(corner, 1 / n, points=2) for corner in corners)]:
            w = (1 - t) * z + t * f(z)
            ax.fill(w.real, w.imag, color=colour, lw=0.8, fill=z is not board)
        ax.set_title(name, **CODE)
        ax.set(xticks=[0, 1, 2], yticks=[-1, 0, 1], xlabel="real part")
    axes[0].set_ylabel("imaginary part")
    return fig


def draw_split(s):
    """A circle and a letter under h -> a h + b conj(h) with |a| = 1 - s and |b| = s."""
    fig = plt.figure(figsize=(5.6, 4.1))
    grid = fig.add_gridspec(2, 2, height_ratios=[4, 1])
    a, b = (1 - s) * np.exp(0.5j), s * np.exp(0.5j)
    mirrored = s > 0.5
    colour = PURPLE if mirrored else BLUE
    for column, title, ink, image in [
        (0, "before", MUTED, lambda h: h),
        (1, "after (mirrored)" if mirrored else "after", colour, lambda h: a * h + b * h.conj()),
    ]:
        ax = fig.add_subplot(grid[0, column])
        ax.set(xlim=(-1.2, 1.2), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[], title=title)
        ax.spines[:].set_visible(False)
        plot(ax, image(TURN), color=ink, ls="--" if column and mirrored else "-")
        plot(ax, image(LETTER_F), color=ink, ls="-", lw=5, solid_joinstyle="round")
    ax = fig.add_subplot(grid[1, :])
    for at, name, where in [
        (0, "x * x", "left"),
        (0.25, "x * abs(x)", "center"),
        (0.5, "abs(x)", "center"),
        (1, "conj(x)", "right"),
    ]:
        ax.plot(at, 0, "o", color=INK, ms=5)
        ax.text(at, -0.5, name, ha=where, va="top", **CODE)
    ax.axhline(0, color=MUTED, lw=1, zorder=0)
    ax.plot(s, 0.45, "v", color=colour, ms=10)
    ax.set(xlim=(-0.03, 1.03), ylim=(-1.8, 1))
    ax.axis("off")
    return fig


def draw_quotients(phi, name, f, z=1 + 0j):
    """A short step from z at the angle phi (degrees), left, and the difference quotient along it, right."""
    fig, (steps, quotients) = planes((-1.4, 1.4), (-1.4, 1.4), figsize=(5.6, 3.5))
    h = 2.0**-20

    def quotient(direction):
        return (f(z + h * direction) - f(z)) / (h * direction)

    direction = np.exp(1j * np.radians(phi))
    plot(steps, TURN, color=GRID, lw=1)
    arrow(steps, 0j, direction, INK)
    steps.set(title="the step $h$", xticks=[], yticks=[])
    steps.spines[:].set_visible(False)
    quotients.axhline(0, color=MUTED, lw=1)
    plot(quotients, quotient(TURN), color=ORANGE, ls="-", lw=1.5)
    plot(quotients, quotient(1), "s", color=GREEN, ms=12, mfc="none", mew=2)
    plot(quotients, quotient(direction), "o", color=ORANGE, ms=8)
    quotients.set(xlim=(-1.2, 2.4), ylim=(-1.8, 1.8), xticks=[-1, 0, 1, 2], yticks=[-1, 0, 1], title="the quotient")
    quotients.text(-1.1, 1.45, name, color=ORANGE, **CODE)
    quotients.text(2.35, -1.7, "□ = $f'(1)$", color=GREEN, ha="right")
    return fig


def draw_square_root(phi):
    """A walk on the unit circle to the angle phi (degrees), left, and the square roots met on the way, right."""
    fig, axes = planes((-1.45, 1.45), (-1.35, 1.35), figsize=(5.6, 3.2), sharey=True)
    angle = np.radians(np.arange(0, phi + 1, 5))
    walk = np.exp(1j * angle)
    roots = np.sqrt(walk)
    roots = np.insert(roots, np.flatnonzero(np.abs(np.diff(roots)) > 1) + 1, np.nan)
    for ax, path, end, title in [(axes[0], walk, walk[-1], "$z$"), (axes[1], roots, np.sqrt(walk[-1]), "sqrt(z)")]:
        plot(ax, path, color=BLUE)
        plot(ax, end, "o", color=BLUE, ms=9)
        ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title)
    axes[0].plot([-1.45, 0], [0, 0], color=ORANGE, lw=4, ls=(0, (2, 1)))
    axes[0].text(-0.1, 0.12, "cut", color=ORANGE, ha="right")
    return fig
