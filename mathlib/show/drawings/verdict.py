"""Drawings for the chapter on the verdict, and the table of runs that they show."""

import matplotlib.pyplot as plt
import numpy as np

from mathlib.show.style import BLUE, GOLD, INK, MUTED, ORANGE, PAPER, PURPLE

# One look a rule: colour, dash, marker.
LOOKS = {
    "Adam": (ORANGE, (0, (5, 1.5)), "s"),
    "Adam, decay": (GOLD, (0, (9, 2)), "D"),
    "hypergradient, decay": (PURPLE, (0, (6, 1.5, 1, 1.5)), "v"),
    "carried drift, decay": (BLUE, "-", "o"),
}


def runs_by_rule(rows):
    """The runs of a table: the problems, the starting step sizes, and by rule ln of the loss (problem, eta, seed).

    A ValueError says that a run is missing.
    """
    axes = {name: list(dict.fromkeys(row[name] for row in rows)) for name in ("method", "problem", "eta", "seed")}
    logs = np.full([len(axis) for axis in axes.values()], np.nan)
    for row in rows:
        logs[tuple(axis.index(row[name]) for name, axis in axes.items())] = np.log(float(row["loss"]))
    if np.any(np.isnan(logs)):
        raise ValueError(f"The table lacks {np.sum(np.isnan(logs))} runs. Instead: make experiment, which adds them.")
    return axes["problem"], np.array(axes["eta"], float), dict(zip(axes["method"], logs, strict=True))


def keys_above(ax, names):
    """The names of some rules with their markers, two in a line above the axes."""
    marks = {"o": "●", "s": "■", "D": "◆", "v": "▼"}
    lines = -(-len(names) // 2)
    for k, name in enumerate(names):
        colour, _, marker = LOOKS[name]
        place = {"xy": (0.5 * (k % 2), 1), "xycoords": "axes fraction"}
        above = {"xytext": (0, 7 + 18 * (lines - 1 - k // 2)), "textcoords": "offset points"}
        ax.annotate(f"{marks[marker]} {name}", **place, **above, color=colour)


def draw_bet(ratios, problems, xlim):
    """One row a problem: a marker for each rule, at its loss over that of tuned constant Adam; by rule, (problems,)."""
    fig, ax = plt.subplots(figsize=(5.6, 4.8))
    ax.axvline(1, color=INK, linewidth=1.5)
    for k, (name, values) in enumerate(ratios.items()):
        colour, _, marker = LOOKS[name]
        at = np.arange(len(problems)) + 0.15 * (k - (len(ratios) - 1) / 2)
        ax.plot(np.clip(values, *xlim), at, marker, color=colour, markersize=8, markeredgecolor=PAPER, clip_on=False)
    ax.axhline(len(problems) - 2.5, color=MUTED, linewidth=1)
    ax.set_xscale("log")
    ax.set(xlim=xlim, ylim=(len(problems) - 0.5, -0.5), xlabel="loss over that of Adam, tuned to the problem")
    ax.set_yticks(range(len(problems)), problems)
    ax.grid(False, axis="y")
    ax.minorticks_off()
    keys_above(ax, ratios)
    return fig


def draw_curves(etas, curves, title, ylim):
    """Ratios over the starting step size: by rule, the middle and both ends of an interval, (etas,) each."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    ax.axhline(1, color=INK, linewidth=1.5)
    for name, (middle, low, high) in curves.items():
        colour, dash, marker = LOOKS[name]
        ax.fill_between(etas, low, high, color=colour, alpha=0.25, linewidth=0)
        ax.plot(etas, middle, color=colour, linestyle=dash, marker=marker, markersize=4)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set(xlim=(etas[0], etas[-1]), ylim=ylim, xlabel="starting step size η", ylabel="over tuned Adam")
    ax.minorticks_off()
    ax.text(0.5, 0.95, title, ha="center", va="top", transform=ax.transAxes)
    keys_above(ax, curves)
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
    keys_above(axes[0], traces)
    return fig
