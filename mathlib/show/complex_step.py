"""Drawings for the chapter on complex-step differentiation: errors, bits, and steps off the real line."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GRID, GREEN, INK, MUTED, ORANGE, PURPLE

METHODS = {  # colour, dash, marker, and where the name stands: (log2 of the step, error)
    "forward": (ORANGE, (0, (5, 1.5)), "s", (-11, 2e-1)),
    "central": (PURPLE, (0, (6, 1.5, 1, 1.5)), "^", (-33, 2e-11)),
    "complex step": (BLUE, "-", "o", (-8.5, 2e-9)),
    "dual": (GREEN, (0, (1, 1.2)), "D", (-7, 2e-15)),
}


def draw_errors(steps, errors, h):
    """Relative error against step for each method of `errors`, and its number of correct digits at the step h."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    ax.axhspan(1e-18, 2.0**-53, color=GRID)
    ax.axvline(h, color=MUTED, linewidth=1)
    for place, (name, (colour, dash, marker, at)) in enumerate(METHODS.items()):
        error = errors[name]
        here = error[steps == h].item()
        digits = max(0, min(16, round(-np.log10(here))))
        ax.loglog(steps, error, color=colour, linestyle=dash, base=2)
        ax.plot(h, here, marker, color=colour)
        ax.text(2.0 ** at[0], at[1], name, color=colour, ha="center", va="center")
        ax.text((0.09, 0.34, 0.65, 0.93)[place], 1.05, f"{name}: {digits}", color=colour, ha="center", transform=ax.transAxes)
    ax.set_yscale("log", base=10)
    ax.set(xlim=(2.0**-1, 2.0**-61), ylim=(1e-18, 20), xlabel="step (smaller to the right)", ylabel="relative error")
    ax.set_xticks([2.0**-k for k in (10, 20, 30, 40, 50, 60)])
    ax.set_yticks([1, 1e-4, 1e-8, 1e-12, 1e-16])
    ax.minorticks_off()
    ax.text(2.0**-60, 2.5e-18, "rounding of the result", color=MUTED, ha="right", va="bottom")
    return fig


def draw_bits(ax, x, y, bits, colour):
    """Draw a string of bits from (x, y) to the right: a tall bar for a 1, a short one for a 0, a gap for a space."""
    for bit, height in (("1", 0.62), ("0", 0.14)):
        at = x + np.array([i for i, b in enumerate(bits) if b == bit])
        bars = np.stack([at, at, np.full_like(at, np.nan)], axis=1).ravel()
        tops = np.tile([y, y + height, np.nan], len(at))
        ax.plot(bars, tops, color=colour, linestyle="-", linewidth=4.4, solid_capstyle="butt")


def strip_of_bits(rows, width, title):
    """An empty figure for `rows` rows of `width` bits."""
    fig, ax = plt.subplots(figsize=(5.6, 0.35 + 0.72 * rows))
    ax.set(xlim=(-1, width), ylim=(-rows + 0.95, 1.2))
    ax.axis("off")
    ax.set_title(title)
    return fig, ax


def draw_difference(y1, y0, h):
    """The 53 significant bits of y1 and y0, with a common exponent, and of their difference."""
    m1, m0 = (int(np.ldexp(y, 53 - np.frexp(y0)[1])) for y in (y1, y0))
    rows = [f"{m:053b}" for m in (m1, m0, m1 - m0)]
    same = next((i for i, (a, b) in enumerate(zip(*rows[:2], strict=True)) if a != b), 53)
    zeros = 53 - (m1 - m0).bit_length()
    left = 53 - zeros
    k = round(-np.log2(h))
    fig, ax = strip_of_bits(3, 53, f"$h = 2^{{-{k}}}$: {left} of 53 bits are left")
    for row, (name, bits, n) in enumerate(
        zip(("$f(x + h)$", "$f(x)$", "$f(x + h) - f(x)$"), rows, (same, same, zeros), strict=True)
    ):
        ax.text(-0.5, -row + 0.68, name, color=INK)
        draw_bits(ax, 0, -row, bits[:n], MUTED)
        draw_bits(ax, n, -row, bits[n:], ORANGE)
    return fig
