"""What the figures of *First-order polynomial arithmetic* are drawn with."""

from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np

from mathlib import Dual
from mathlib.show.style import BLUE, GRID, INK, MUTED, ORANGE, PURPLE

LAST = 52  # the place of the last bit of a float in [1, 2)
BEYOND = 11  # places shown after it


def places(x, last):
    """The binary digits of x, 0 <= x < 2, from the place 2**0 to 2**-last; exact.

    >>> places(1.25, 4)
    '10100'
    """
    return format(int(Fraction(x) * 2**last), f"0{last + 1}b")


def product_in_bits(a, b, c, d, eps):
    """Draw, bit by bit, the real part a c - b d eps**2 of a product of complex numbers, as a machine forms it."""
    z = complex(a, b * eps) * complex(c, d * eps)
    exact, small, rounded = places(a * c, LAST), places(b * d * eps**2, LAST + BEYOND), places(z.real, LAST)
    changed = [p != q for p, q in zip(exact, rounded, strict=True)]
    fig, ax = plt.subplots()
    strip(ax, 2, exact, BLUE, "$a\\,a'$")
    strip(ax, 1, small, PURPLE, "$b\\,b'\\varepsilon^2$, to be subtracted")
    strip(ax, 0, rounded, BLUE, "the real part of the product", changed)
    ax.plot([LAST + 0.9] * 2, [-0.15, 2.95], color=INK, linestyle="--", linewidth=1.2)
    ax.text(LAST + 0.4, 2.66, "last bit", ha="right", color=INK)
    ax.text(LAST + 1.6, 2.66, "lost", color=MUTED)
    ax.set(xlim=(-0.5, LAST + BEYOND + 1.5), ylim=(-0.5, 3))
    ax.set_title({0: "no bit differs", 1: "1 bit differs"}.get(sum(changed), f"{sum(changed)} bits differ"))
    ax.axis("off")
    return fig


def strip(ax, y, digits, colour, label, changed=()):
    """A row of bits: tall and coloured for 1, low and pale for 0, orange and framed where `changed`."""
    for i, digit in enumerate(digits):
        wrong = i < len(changed) and changed[i]
        face = (ORANGE if wrong else colour) if digit == "1" else GRID
        height = 0.42 if digit == "1" else 0.16
        ax.bar(i, height, 0.72, y, align="edge", color=face, edgecolor=ORANGE if wrong else face, linewidth=1)
    for i in np.flatnonzero(changed):
        ax.plot(i + 0.36, y - 0.18, "^", color=ORANGE, markersize=5)
    ax.text(0, y + 0.52, label, color=INK, fontsize=13)


def carried_arrow(f, a, b, low, high):
    """Draw f, the arrow b at a on the axis of x, and the arrow that f makes of it on the axis of y."""
    x = np.linspace(low, high, 90)
    y = f(Dual(a, b))
    floor, wall = -1.5, low - 0.5
    fig, ax = plt.subplots()
    ax.plot(x, f(x), color=MUTED)
    ax.plot([a, a, wall], [floor, y.value, y.value], color=MUTED, linestyle=":", linewidth=1.2)
    ax.plot([a, a + b], [y.value, y.value + y.tangent], color=INK, linestyle="-", linewidth=1.5)
    ax.plot(a, y.value, "o", color=INK)
    arrow(ax, (a, floor), (b, 0), BLUE)
    arrow(ax, (wall, y.value), (0, y.tangent), ORANGE)
    ax.set(xlim=(wall - 0.35, high + 0.6), ylim=(floor - 0.2, 1.5), xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_title(f"({a:g}, {b:g})  →  ({y.value:.2f}, {y.tangent:.2f})".replace("-", "\N{MINUS SIGN}"))
    return fig


def arrow(ax, start, vector, colour):
    """An arrow that begins in a ring; a vector too short for its head is the ring alone."""
    ax.plot(*start, "o", color=colour, markerfacecolor="none", markersize=8)
    if np.hypot(*vector) > 0.08:
        style = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.5, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", np.add(start, vector), start, arrowprops=style)


def agreement(passes, slopes, reference, small):
    """Draw the bits in which slopes and reference agree, and a line after the first passes, `small` in number."""
    fig, ax = plt.subplots()
    if small < len(passes):
        ax.axvline(passes[small], color=ORANGE, linestyle=":")
    ax.plot(passes, leading_bits((slopes - reference) / reference), color=BLUE, linestyle="-")
    ax.set(xlim=(0, passes[-1]), ylim=(-2, 58), yticks=[0, 10, 20, 30, 40, 53])
    ax.set(xlabel="passes of the logistic map", ylabel="bits that agree")
    return fig


def leading_bits(relative):
    """How many leading bits a relative error leaves right, 0 to 53."""
    with np.errstate(all="ignore"):
        bits = -np.log2(np.abs(relative))
    return np.clip(np.nan_to_num(bits, nan=0, posinf=53), 0, 53)


def parabola(f, x, slope, curvature):
    """Draw f and the parabola with its value, slope and curvature at x."""
    t = np.linspace(-2.4, 2.4, 120)
    touching = f(x) + slope * (t - x) + curvature / 2 * (t - x) ** 2
    fig, ax = plt.subplots()
    ax.plot(t, f(t), color=MUTED, linestyle="-")
    ax.plot(t, np.where(np.abs(touching) < 4, touching, np.nan), color=BLUE, linestyle="--")
    ax.plot(x, f(x), "o", color=INK)
    ax.set(xlim=(-2.4, 2.4), ylim=(-2.2, 1.8), xlabel="$x$")
    ax.set_title(f"curvature {curvature:.2f}".replace("-", "\N{MINUS SIGN}"))
    return fig
