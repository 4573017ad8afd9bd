"""Drawings for the chapter on complex-step differentiation: errors, bits, and steps off the real line."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PURPLE

METHODS = {  # colour, dash, marker, and where the name stands: (log2 of the step, error)
    "forward": (ORANGE, (0, (5, 1.5)), "s", (-11, 2e-1)),
    "central": (PURPLE, (0, (6, 1.5, 1, 1.5)), "^", (-33, 2e-11)),
    "complex step": (BLUE, "-", "o", (-9, 2e-12)),
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
        ax.text(
            (0.09, 0.34, 0.65, 0.93)[place],
            1.05,
            f"{name}: {digits}",
            color=colour,
            ha="center",
            transform=ax.transAxes,
        )
    ax.set_yscale("log", base=10)
    ax.set(xlim=(2.0**-1, 2.0**-61), ylim=(1e-18, 20), xlabel="step (smaller to the right)", ylabel="relative error")
    ax.set_xticks([2.0**-k for k in (10, 20, 30, 40, 50, 60)])
    ax.set_yticks([1, 1e-4, 1e-8, 1e-12, 1e-16])
    ax.minorticks_off()
    ax.text(2.0**-60, 2.5e-18, "below the last bit", color=MUTED, ha="right", va="bottom")
    return fig


def draw_bits(ax, x, y, bits, colour):
    """Draw a string of bits from (x, y) to the right: a tall bar for a 1, a short one for a 0, a gap for a space."""
    for bit, height in (("1", 0.62), ("0", 0.14)):
        at = x + np.array([i for i, b in enumerate(bits) if b == bit], dtype=float)
        bars = np.stack([at, at, np.full_like(at, np.nan)], axis=1).ravel()
        tops = np.tile([y, y + height, np.nan], len(at))
        ax.plot(bars, tops, color=colour, linestyle="-", linewidth=4.2, solid_capstyle="butt")


def strip_of_bits(rows, width, title, below=0.9):
    """An empty figure for `rows` rows of `width` bits."""
    fig, ax = plt.subplots(figsize=(5.6, 0.6 + 0.9 * rows))
    ax.set(xlim=(-1, width), ylim=(-rows + below, 1.1))
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
        ax.text(-0.5, -row + 0.71, name, color=INK)
        draw_bits(ax, 0, -row, bits[:n], MUTED)
        draw_bits(ax, n, -row, bits[n:], ORANGE)
    return fig


def draw_off_the_line(f, x, eps, reach):
    """The path f(x + i t) in the complex plane, t from 0 to `reach`, and the point of t = eps."""
    t = np.linspace(0, reach, 60)
    path, z, foot = f(x + 1j * t), f(x + 1j * eps), f(x)
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.axvline(foot, color=MUTED, linewidth=1)
    ax.plot(path.real, path.imag, color=BLUE, linestyle="-")
    ax.plot([foot, z.real], [z.imag, z.imag], color=ORANGE, linestyle="--")
    ax.plot([z.real, z.real], [0, z.imag], color=GREEN, linestyle=":")
    ax.plot(z.real, z.imag, "o", color=BLUE)
    ax.plot(foot, 0, "o", color=INK, clip_on=False)
    ax.annotate("$f(x)$", (foot, 0), (6, 7), textcoords="offset points")
    ax.set(xlim=(foot - 1.5, foot + 0.5), ylim=(0, 1.65), xlabel="real part", ylabel="imaginary part")
    ax.set(xticks=np.arange(3, 5.1, 0.5), yticks=np.arange(0, 1.6, 0.5))
    ax.text(0.02, 1.06, f"height / ε = {z.imag / eps:.4f}", color=GREEN, transform=ax.transAxes)
    ax.text(0.98, 1.06, f"shift / ε = {(foot - z.real) / eps:.4f}", color=ORANGE, ha="right", transform=ax.transAxes)
    return fig


def draw_fields(rows, reference, k):
    """Float64 numbers as sign, exponent and mantissa; the last one's mantissa is compared with the reference's.

    rows: [(name, bits, value as text)]; bits and `reference` are strings with a space after each field.
    """
    last, true = (bits.split()[2] for bits in (rows[-1][1], reference))
    right = next((i for i, (a, b) in enumerate(zip(last, true, strict=True)) if a != b), 52)
    fig, ax = strip_of_bits(3, 67, f"$\\varepsilon = 2^{{-{k}}}$: {right} of 52 bits are right", below=0.55)
    for row, (name, bits, value) in enumerate(rows):
        sign, exponent, mantissa = bits.split()
        right_here = right if row == len(rows) - 1 else 52
        ax.text(-0.5, -row + 0.71, name)
        ax.text(66, -row + 0.71, value, ha="right", color=MUTED)
        draw_bits(ax, 0, -row, sign, MUTED)
        draw_bits(ax, 2, -row, exponent, GREEN)
        draw_bits(ax, 14, -row, mantissa[:right_here], BLUE)
        draw_bits(ax, 14 + right_here, -row, mantissa[right_here:], ORANGE)
    ax.text(1.6, -2.1, "exponent", color=GREEN, va="top")
    ax.text(40, -2.1, "mantissa", color=BLUE, va="top", ha="center")
    return fig


def draw_tangents(x, slopes):
    """|x| and, through its point at x, a line for each slope of `slopes`."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    t = np.array([-2.2, 0, 2.2])
    ax.plot(t, abs(t), color=GRID, linestyle="-", linewidth=7)
    dx = np.array([-0.9, 0.9])
    styles = zip((ORANGE, PURPLE, BLUE), ("--", "-.", "-"), strict=True)
    for (name, slope), (colour, dash) in zip(slopes.items(), styles, strict=True):
        ax.plot(x + dx, abs(x) + slope * dx, color=colour, linestyle=dash, label=f"{name}: {slope:.0f}")
    ax.plot(x, abs(x), "o", color=INK)
    ax.set(xlim=(-2.4, 2.4), ylim=(-3, 4), xlabel="$x$", xticks=range(-2, 3), yticks=range(5))
    ax.legend(loc="lower center", title="slope by a bare complex step")
    return fig
