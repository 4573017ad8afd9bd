"""Drawings for the review of convolutional networks: windows on a picture, filters, and what they learn.

Pictures and feature maps are blue: the darker, the larger, and white is zero. Filters and sums, which have a sign, are
grey: white is positive, black is negative.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from mathlib.nn import conv2d, conv2d_shape, pad
from mathlib.show.style import BLUE, GRID, INK, MUTED, ORANGE, PURPLE

MINUS = "\N{MINUS SIGN}"


def show_picture(ax, a, top, signed=False):
    """Draw a matrix from zero, or from -top, to top."""
    ax.imshow(a, cmap="gray" if signed else "Blues", vmin=-top if signed else 0, vmax=top)
    ax.grid(False)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=MUTED)


def write_numbers(ax, a, top, size):
    """Write a small matrix's entries on its grey picture."""
    for (x, y), value in np.ndenumerate(a):
        text = f"{value:.2g}".replace("-", MINUS)
        # Not the palette's black and white, which would follow the page's theme: the picture does not.
        ax.text(y, x, text, ha="center", va="center", color="#010101" if value > -top / 4 else "#fefefe", fontsize=size)


def frame(ax, x, y, rows, columns, **style):
    """Draw a frame round the cells from row x and column y on."""
    ax.add_patch(Rectangle((y - 0.5, x - 0.5), columns, rows, fill=False, clip_on=False, **style))


def draw_window(L, f, p, s, t):
    """The window number t on the padded picture L (H, W), the filter, and the result up to there."""
    padded, F = pad(L[None, :, :, None], p)[0, :, :, 0], len(f)
    result = conv2d(L[None, :, :, None], f[:, :, None, None], p, s)[0, :, :, 0]
    x, y = np.unravel_index(t, result.shape)
    seen = np.where(np.arange(result.size) <= t, result.ravel(), np.nan).reshape(result.shape)
    fig = plt.figure(figsize=(5.6, 3.9))
    axes = fig.subplot_mosaic("LLf;LLR", width_ratios=[1, 1, 1.05])
    show_picture(axes["L"], padded, 1)
    frame(axes["L"], p, p, *L.shape, color=MUTED, linestyle=":", linewidth=1.5)
    frame(axes["L"], s * x, s * y, F, F, color=ORANGE, linewidth=3.5)
    axes["L"].set_title("padded picture")
    show_picture(axes["f"], f, abs(f).max(), signed=True)
    write_numbers(axes["f"], f, abs(f).max(), 11.5)
    axes["f"].set_title("filter")
    show_picture(axes["R"], seen, abs(result).max(), signed=True)
    for row, column in np.argwhere(np.isnan(seen)):  # not yet seen: neither white, which is positive, nor black
        axes["R"].add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=GRID, hatch="///"))
    frame(axes["R"], x, y, 1, 1, color=ORANGE, linewidth=3.5)
    axes["R"].set_title(f"sum[{x}, {y}] = {result[x, y]:.2f}".replace("-", MINUS))
    return fig


def draw_fit(H, F, p, s, room):
    """One side of H pixels with p zeros at each end, the windows of F pixels that fit, s apart, and what is left.

    `room` holds the largest H, the largest p and the largest number of windows that there will be.
    """
    total, n = H + 2 * p, conv2d_shape(H, H, F, p, s)[0]
    left = total - (s * (n - 1) + F)
    seen = {s * x + u for x in range(n) for u in range(F)}
    fig, ax = plt.subplots(figsize=(5.6, 3.2))
    for cell in range(total):
        style = {"facecolor": BLUE if p <= cell < p + H else "none", "edgecolor": BLUE}
        if cell >= total - left:
            style = {"facecolor": "none", "edgecolor": ORANGE, "hatch": "////"}
        elif cell not in seen:
            style = {"facecolor": GRID, "edgecolor": GRID}
        ax.add_patch(Rectangle((cell - p + 0.08, 0), 0.84, 0.9, linewidth=1.8, **style))
    for x in range(n):
        start = s * x - p
        ax.plot([start + 0.1, start + F - 0.1], [-0.5 - 0.7 * x] * 2, color=INK, linestyle="-", linewidth=6)
    most, zeros, windows = room
    ax.text(-zeros, 1.2, f"windows: {n}")
    ax.text(most + zeros, 1.2, f"left over: {left}", color=ORANGE, ha="right")
    ax.set(xlim=(-zeros - 0.1, most + zeros + 0.1), ylim=(-0.7 * windows, 2))
    ax.set_title(rf"$\lfloor ({H} + 2\cdot{p} - {F}) / {s} \rfloor + 1 = {n}$", fontsize=14)
    ax.axis("off")
    return fig


def draw_edges(L, f, angle):
    """The picture L (H, W) with a direction, the filter f, their convolution with padding, and its relu."""
    result = conv2d(L[None, :, :, None], f[:, :, None, None], padding=1)[0, :, :, 0]
    fig, axes = plt.subplots(2, 2, figsize=(5.6, 5.2))
    panels = {"picture": L, "filter": f, "Conv": result, "Relu(Conv)": np.maximum(result, 0)}
    for ax, (name, a) in zip(axes.flat, panels.items(), strict=True):
        show_picture(ax, a, 1, signed=name in ("filter", "Conv"))
        ax.set_title(name)
    write_numbers(axes[0, 1], np.round(f, 2) + 0.0, 1, 16)
    half = 3 * np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
    style = {"arrowstyle": "-|>", "color": ORANGE, "linewidth": 3, "mutation_scale": 18}
    axes[0, 0].annotate("", 3.5 + half, 3.5 - half, arrowprops=style)
    return fig


def draw_shift(L, f, d):
    """The picture L (H, W) moved d columns to the right, and its feature maps with stride 1 and with stride 2.

    Frames mark the entries that are not those of the resting picture's map, moved by d / stride columns.
    """
    fig, axes = plt.subplots(3, 1, figsize=(5.6, 5.8))
    moved = np.roll(L, d, axis=1)
    show_picture(axes[0], moved, 1)
    axes[0].set_title(f"picture, moved by {d}")
    for ax, s in zip(axes[1:], (1, 2), strict=True):
        both = np.stack([moved, L])[..., None]
        here, rest = np.maximum(conv2d(both, f[:, :, None, None], padding=1, stride=s), 0)[..., 0]
        new = np.argwhere(abs(here - np.roll(rest, d // s, axis=1)) > 1e-9)
        show_picture(ax, here, 1)
        for x, y in new:
            frame(ax, x, y, 1, 1, color=ORANGE, linewidth=2)
        ax.set_title(f"stride {s}: {len(new)} new values" if len(new) else f"stride {s}: the map moved by {d // s}")
    return fig


def draw_training(values, epoch, epochs, right, filters, maps, tops):
    """The losses of all updates, marked at an epoch, and the first layer's filters and feature maps at that time.

    right: the fraction of the test digits that are read; filters (F, F, n); maps (H, W, n); tops: the two scales.
    """
    n = filters.shape[-1]
    upper, lower = plt.figure(figsize=(5.6, 4.9)).subfigures(2, 1, height_ratios=[1.35, 1])
    ax = upper.subplots()
    ax.semilogy(np.arange(len(values)) * epochs / len(values), values, color=GRID, linestyle="-", linewidth=1.2)
    means = np.reshape(values, (epochs, -1)).mean(axis=1)
    ax.semilogy(np.arange(epochs) + 0.5, means, color=BLUE, linestyle="-")
    ax.axvline(epoch, color=ORANGE, linestyle="--")
    ax.set(xlim=(0, epochs), ylim=(1e-2, 4), xlabel="epoch", ylabel="loss (nats)")
    ax.set_title(f"unseen digits that are read: {right:.0%}")
    panels = lower.subplots(2, n)
    for k in range(n):
        show_picture(panels[0, k], filters[:, :, k], tops[0], signed=True)
        show_picture(panels[1, k], maps[:, :, k], tops[1])
    panels[0, 0].set_ylabel("filters")
    panels[1, 0].set_ylabel("maps")
    return upper.figure


def draw_rates(exponents, runs, k):
    """The mean losses of the epochs for the learning rates 2**exponents, with those of 2**k drawn out."""
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    epochs = np.arange(1, len(runs[0]) + 1)
    for values in runs:
        ax.semilogy(epochs, values, color=MUTED, linestyle="-", linewidth=0.8)
    here = runs[exponents.index(k)]
    ax.semilogy(epochs, here, "o-", color=BLUE, linewidth=3)
    ax.axhline(np.log(10), color=PURPLE, linestyle=":")
    ax.text(1, np.log(10) * 1.15, "guessing", color=PURPLE)
    ax.set(xlim=(0.9, epochs[-1] + 0.1), ylim=(0.1, 4), xlabel="epoch", ylabel="loss (nats)")
    ax.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    ax.minorticks_off()
    ax.set_title(f"$\\eta = 2^{{{k}}}$: {here[-1]:.2f} nats after {epochs[-1]} epochs")
    return fig
