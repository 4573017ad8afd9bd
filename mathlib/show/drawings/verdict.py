"""Drawings for the chapter on the verdict, and the table of the first experiment."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.measured.verdict import METHODS, RULES
from mathlib.show.style import BLUE, DASHES, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE

# One look a rule: colour, dash, marker.
LOOKS = {
    "Adam": (ORANGE, (0, (5, 1.5)), "s"),
    "hypergradient": (PURPLE, (0, (6, 1.5, 1, 1.5)), "v"),
    "carried drift": (BLUE, "-", "o"),
}
# One look a kind of rules: colour, marker.
KINDS = {"nothing to tune": (BLUE, "o"), "gradients": (ORANGE, "s"), "products, matrices": (GREEN, "D")}
MARKS = {"o": "●", "s": "■", "D": "◆", "v": "▼"}


def first_experiment(rows):
    """The runs of the first table: the problems, the starting step sizes, and by rule ln of the loss.

    Each (problem, eta, seed). A ValueError says that a run is missing.
    """
    axes = {name: list(dict.fromkeys(row[name] for row in rows)) for name in ("method", "problem", "eta", "seed")}
    logs = np.full([len(axis) for axis in axes.values()], np.nan)
    for row in rows:
        logs[tuple(axis.index(row[name]) for name, axis in axes.items())] = np.log(float(row["loss"]))
    if np.any(np.isnan(logs)):
        raise ValueError(f"the table lacks {np.sum(np.isnan(logs))} runs, and cannot be made again: all are needed.")
    return axes["problem"], np.array(axes["eta"], float), dict(zip(axes["method"], logs, strict=True))


def above(ax, names, colours, marks):
    """The names of some curves with their markers, side by side above the axes."""
    for x, name, colour, mark in zip(np.linspace(0, 1, len(names), endpoint=False), names, colours, marks, strict=True):
        place = {"xy": (x, 1), "xycoords": "axes fraction", "xytext": (0, 7), "textcoords": "offset points"}
        ax.annotate(f"{mark} {name}", **place, color=colour)


def kind(rule):
    """Which of `KINDS` a rule is."""
    method, _, first, _ = RULES[rule]
    if first is None:
        return "nothing to tune"
    return "gradients" if METHODS[method].extra is None else "products, matrices"


def draw_ranking(rows, name, lowest, highest):
    """Some rules from the top, each with its place among all, middle, low and high, by a measure of this name.

    Ratios on a logarithmic axis with the yardstick at 1, errors on another with the yardstick at 0; `lowest` and
    `highest` are the ends of what may come. Intervals that are longer end in an arrow.
    """
    fig, ax = plt.subplots(figsize=(5.6, 4.8))
    ratios = name != "errors"
    xlim = (0.85 * min(lowest, 1), 1.3 * highest) if ratios else (min(lowest, 0) - 0.05 * highest, 1.2 * highest)
    ax.axvline(1 if ratios else 0, color=INK, linewidth=1.5)
    for y, (rule, place, *interval) in enumerate(rows):
        colour, marker = KINDS[kind(rule)]
        middle, low, high = interval
        ax.plot(np.clip([low, high], *xlim), [y, y], "-", color=colour)
        ax.plot(middle, y, marker, color=colour, markersize=8, markeredgecolor=PAPER)
        for end, arrow, goes_on in zip(xlim, "<>", (low < xlim[0], high > xlim[1]), strict=True):
            if goes_on:
                ax.plot(end, y, arrow, color=colour, markersize=6, clip_on=False)
        ax.text(1.02, y, place, va="center", color=MUTED, fontsize=11, transform=ax.get_yaxis_transform())
    if ratios:
        ax.set_xscale("log")
        ticks = [tick for tick in (0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100) if xlim[0] < tick < xlim[1]]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
    label = f"{name}, over the yardstick" if ratios else "errors, per cent above the yardstick"
    ax.set(xlim=xlim, ylim=(len(rows) - 0.5, -0.5), xlabel=label)
    ax.set_yticks(range(len(rows)), [row[0] for row in rows])
    ax.grid(False, axis="y")
    looks = [{"color": c, "marker": m, "linestyle": "-", "label": words} for words, (c, m) in KINDS.items()]
    handles = [plt.Line2D([], [], **look) for look in looks]
    fig.legend(handles=handles, loc="outside upper right", ncols=3, handlelength=1, columnspacing=0.8)
    return fig


def draw_prices(trials, curves, title, highest):
    """What is reached after so many trials, over the yardstick: by rule, (trials,); level where nothing is chosen."""
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    ylim = 0.9, 1.1 * highest
    ax.axhline(1, color=INK, linewidth=1.5)
    for words, (colour, _) in KINDS.items():
        alike = [rule for rule in curves if kind(rule) == words]
        for rule, dash in zip(alike, DASHES, strict=False):
            ax.plot(trials, curves[rule], color=colour, linestyle=dash, label=rule)
    ax.set_yscale("log")
    ticks = [tick for tick in (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50) if tick < ylim[1]]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlim=(trials[0], trials[-1]), ylim=ylim, xlabel="trials k", ylabel="test loss over the yardstick")
    ax.set_xticks(trials)
    ax.set_title(title, loc="left")
    fig.legend(loc="outside lower center", ncols=2, handlelength=3)
    return fig


def draw_traces(traces, eta, etas, ylims):
    """Step sizes, and the losses that they led to, over the steps; by rule, both for each starting step size."""
    fig, axes = plt.subplots(2, 1, figsize=(5.6, 4.8), sharex=True)
    for name, starts in traces.items():
        colour, dash, marker = LOOKS[name]
        for start, lines in starts.items():
            here = start == etas[eta]
            look = {"color": colour, "linestyle": dash, "alpha": 1 if here else 0.25, "linewidth": 2.4 if here else 1}
            for ax, line in zip(axes, lines, strict=True):
                ax.plot(*line, **look)
                if here:
                    ax.plot(*(values[-1:] for values in line), marker, color=colour, clip_on=False)
    for ax, ylim, label in zip(axes, ylims, ("step size $p\\eta$", "loss"), strict=True):
        ax.set_yscale("log")
        ax.set(ylim=ylim, ylabel=label)
        ax.minorticks_off()
    axes[1].set(xlabel="step t", xlim=(0, None))
    axes[1].set_yticks([0.3, 1, 3], ["0.3", "1", "3"])
    looks = [LOOKS[name] for name in traces]
    above(axes[0], traces, [look[0] for look in looks], [MARKS[look[2]] for look in looks])
    return fig
