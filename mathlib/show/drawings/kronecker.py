"""Pictures for the chapter on Kronecker factors: two heat maps, errors along a training, what was measured."""

from itertools import islice, repeat

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator

from mathlib.measured.kronecker import JUDGING
from mathlib.nn import softmax_cross_entropy
from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE


def draw_heat_maps(exact, product, error, least):
    """The sizes of the entries of a block and of a Kronecker product, in 24 colours: more would take more bytes."""
    fig, axes = plt.subplots(1, 2, figsize=(5.6, 3.4))
    top = np.sqrt(np.max(np.abs(exact)))
    for ax, matrix, title in zip(axes, (exact, product), ("exact block", "$A \\otimes G$"), strict=True):
        ax.imshow(np.round(24 * np.sqrt(np.abs(matrix)) / top), vmin=0, vmax=24)
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(visible=False)
    axes[0].set_xlabel(f"{len(exact)} × {len(exact)}")
    axes[1].set_xlabel(f"off by {error:.0%} (at least {least:.0%})")
    return fig


def draw_errors(steps, errors, layer):
    """The relative errors of approximations of one layer's block, against the steps of a training."""
    fig, ax = plt.subplots(figsize=(5.6, 3.3))
    looks = {
        "diagonal": (MUTED, ":", "s"),
        "K-FAC": (BLUE, "-", "o"),
        "from L and R": (ORANGE, "--", "^"),
        "best": (INK, "-.", ""),
    }
    for name, values in errors.items():
        colour, dash, mark = looks[name]
        ax.plot(steps, values, color=colour, ls=dash, marker=mark, label=name)
    ax.set(xlabel="steps of training", ylabel="relative error", ylim=(0, 1), title=layer)
    ax.legend(loc="lower right", ncols=2)
    return fig


def draw_judgement(rows, kind):
    """Each method's losses on the judging seeds: all of them, and the median as a line."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    names = list(rows)
    for k, name in enumerate(names):
        values = np.array(rows[name])
        colour = (
            BLUE
            if name.startswith("K-FAC")
            else ORANGE
            if name.startswith("Sh")
            else GREEN
            if "long" in name
            else PURPLE
        )
        ax.plot(values, np.full(len(values), k), "o", color=colour, ms=5, mfc="none")
        ax.plot([np.median(values)] * 2, [k - 0.3, k + 0.3], color=INK, ls="-")
    ax.set(yticks=range(len(names)), yticklabels=names, xscale="log", xlabel=f"{kind} loss at the end", xlim=(1e-5, 2))
    ax.invert_yaxis()
    ax.xaxis.set_minor_locator(NullLocator())
    return fig


def judged(rows, problem):
    """The losses on the judging seeds of `mathlib.measured.kronecker`, by method: (seeds, 2), training and test."""
    found = {}
    for row in rows:
        if row["problem"] == problem and int(row["seed"]) in JUDGING:
            found.setdefault(row["method"], []).append([float(row["train"]), float(row["test"])])
    return {method: np.array(losses) for method, losses in found.items()}


def at_an_end(rows, problem):
    """The methods whose chosen step size, or other option, is the least or the largest of several that were tried."""
    found = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if (row["problem"], row["method"]) == (problem, method)]
        chosen = next(row for row in mine if int(row["seed"]) in JUDGING)
        for option in ("eta", "other"):
            tried = sorted({float(row[option]) for row in mine})
            if len(tried) > 1 and float(chosen[option]) in (tried[0], tried[-1]):
                found.append(f"{method} ({'step size' if option == 'eta' else 'option'})")
    return found


def gap(method, P, Q, unit=1.0, steps=5, **options):
    """How far a path is from the one that is taken in other coordinates, W = P W' Q, relative to its length.

    The program says ``(X @ P) @ W'``: of ``X @ (P @ W')`` K-FAC would read a layer of inputs P.
    """
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, len(P))), rng.integers(0, len(Q) + 1, 12)
    V = 0.7 * rng.standard_normal((len(Q), len(Q) + 1))  # one class more than outputs, or G would be singular
    W0 = rng.standard_normal((len(P), len(Q)))

    def path(X, Q, W0, unit):
        def loss(W):
            return unit * softmax_cross_entropy(np.tanh(X @ W @ Q) @ V, y)

        return np.array([step.theta for step in islice(method(repeat(loss), W0, **options), steps + 1)])

    here = path(X, np.eye(len(Q)), W0, 1.0)
    there = P @ path(X @ P, Q, np.linalg.solve(P, W0) @ np.linalg.inv(Q), unit) @ Q
    return np.max(abs(here - there)) / np.sum(np.linalg.norm(np.diff(here, axis=0), axis=(1, 2)))
