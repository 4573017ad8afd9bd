"""Graphs of programs as pictures, for the chapter on backpropagation: operations in layers, arguments above results.

`draw` takes what `mathlib.backprop.Graph` lists; `trace` keeps what backpropagation sends from operation to operation.
"""

import collections
import itertools

import matplotlib.pyplot as plt
import numpy as np

from mathlib.backprop import Graph, record
from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE

SYMBOLS = {"multiply": "×", "add": "+", "subtract": "−", "negative": "−", "divide": "/", "pow": "^", "matmul": "@"}
SYMBOLS |= {"sech2": "1 / cosh² □"}
KINDS = {"×": (BLUE, "o"), "+": (ORANGE, "s"), "−": (ORANGE, "s")}
MINUS = "\N{MINUS SIGN}"


def number(x):
    """Two decimals, with a minus sign that can be seen."""
    return f"{x:.2f}".replace("-", MINUS)


def label(text):
    """What a reader would write for an operation of a `Graph`.

    >>> [label(t) for t in ("theta", "np.multiply(%0, %3)", "np.subtract(1, %2)", "np.tanh(%1)")]
    ['θ', '×', '1 −', 'tanh']
    """
    name, _, inside = text.replace("theta", "θ").partition("(")
    name = SYMBOLS.get(name.split(".")[-1], name.split(".")[-1])
    if name not in SYMBOLS.values():
        return name
    return " ".join(name if i else a for a, i in operands(inside, name)).replace("-", MINUS).replace("+ −", "− ")


def operands(inside, name):
    """The constants among two operands and the operation between them: pairs (text, whether it is the operation)."""
    first, _, second = inside.rstrip(")").partition(", ")
    if not first.startswith("%"):
        yield first, False
    yield name, True
    if second and not second.startswith("%"):
        yield second, False


def depths(operations):
    """The layer of each operation: one below its lowest argument; a leaf stands right above its first use."""
    depth = []
    for _, parents, _ in operations:
        depth.append(1 + max((depth[p] for p in parents), default=-1))
    for i, (_, parents, _) in enumerate(operations):
        uses = [depth[j] for j, (_, others, _) in enumerate(operations) if i in others]
        if not parents and uses:
            depth[i] = min(uses) - 1
    return depth


def layout(operations, sweeps=30):
    """Places for the operations of a small graph, (n, 2), and its edges: ((parent, child), places on its path).

    An edge that crosses a layer has a place in it, which all edges from the same parent share; every place is drawn to
    the mean of its neighbours, and keeps a distance of one from the others in its layer.
    """
    depth = depths(operations)
    edges = [(p, i) for i, (_, parents, _) in enumerate(operations) for p in parents]
    paths = [[p, *((p, d) for d in range(depth[p] + 1, depth[i])), i] for p, i in edges]
    layers, neighbours = {}, {}
    for node in dict.fromkeys([*range(len(operations)), *itertools.chain(*paths)]):
        layers.setdefault(node[1] if isinstance(node, tuple) else depth[node], []).append(node)
        neighbours[node] = set()
    for path in paths:
        for a, b in itertools.pairwise(path):
            neighbours[a].add(b)
            neighbours[b].add(a)
    x = {node: float(i) for layer in layers.values() for i, node in enumerate(layer)}
    for sweep in range(sweeps):
        for d in sorted(layers, reverse=sweep % 2 == 1):
            wish = {n: np.mean([x[m] for m in neighbours[n]]) if neighbours[n] else 0.0 for n in layers[d]}
            layer = sorted(layers[d], key=wish.get)
            apart = np.array([wish[n] for n in layer])
            for i in range(1, len(layer)):
                apart[i] = max(apart[i], apart[i - 1] + 1)
            apart += np.mean([wish[n] for n in layer]) - apart.mean()
            x.update(zip(layer, apart.tolist(), strict=True))
    place = {node: (x[node], -(node[1] if isinstance(node, tuple) else depth[node])) for node in x}
    places = np.array([place[i] for i in range(len(operations))])
    return places, [((path[0], path[-1]), np.array([place[node] for node in path])) for path in paths]


def draw(graph, ax, notes=(), highlight=None, colour=BLUE):
    """Draw a `Graph`, or a list of its operations, on the axes: arguments above results; a large one without names.

    `notes` are lists of (text, colour), one an operation, written beside it. The operation number `highlight` and the
    edges that lead to it get the colour.
    """
    operations = getattr(graph, "operations", graph)
    places, edges = layout(operations)
    large = len(operations) > 20
    drawn = collections.Counter()
    for (parent, child), path in edges:
        here = child == highlight
        style = {"color": colour if here else MUTED, "linewidth": 2.8 if here else 0.7 if large else 1.2}
        draw_edge(ax, path, style, bend=0.3 * drawn[parent, child], head=not large)
        drawn[parent, child] += 1
    for i, ((text, _, _), place) in enumerate(zip(operations, places, strict=True)):
        if large:
            ink, marker = next((KINDS[s] for s in KINDS if s in label(text)), (GREEN, "^"))
            ax.plot(*place, marker, color=ink, markersize=4.5)
            continue
        rim = {"edgecolor": colour, "linewidth": 3} if i == highlight else {"edgecolor": INK, "linewidth": 1.2}
        box = {"boxstyle": "round,pad=0.32", "facecolor": PAPER} | rim
        ax.text(*place, label(text), ha="center", va="center", bbox=box)
        for k, (note, ink) in enumerate(notes[i] if notes else ()):
            ax.annotate(note, place, (24, 8 - 16 * k), textcoords="offset points", color=ink, va="center")
    (left, bottom), (right, top) = (
        bound(np.vstack([places, *(p for _, p in edges)]), axis=0) for bound in (np.min, np.max)
    )
    ax.set(xlim=(left - 0.7, right + 0.7), ylim=(bottom - 0.5, top + 0.5))
    ax.axis("off")


def draw_edge(ax, path, style, bend, head):
    """A line through the places of a path, with an arrow's head at its end."""
    if head:
        shape = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "shrinkA": 0, "shrinkB": 12}
        ax.annotate("", path[-1], path[-2], arrowprops=shape | style | {"mutation_scale": 14})
        path = path[:-1]
    if len(path) > 1:
        ax.plot(*path.T, "-", **style)


def trace(loss, **arguments):
    """Run backpropagation on a loss of named numbers: (operations, values, contributions).

    The contributions are (operation, parent, number), in the order in which they are sent back; the sum of what a
    parent receives is its adjoint.

    >>> trace(lambda w, b: w * b, w=2.0, b=3.0)[2]
    [(2, 0, 3.0), (2, 1, 2.0)]
    """
    theta, n = np.array(list(arguments.values())), len(arguments)
    _, tape, _ = record(lambda theta: loss(*theta), theta, trace=True)
    program = Graph(lambda theta: loss(*theta), theta).operations[n + 1 :]
    operations = [(name, [], ()) for name in arguments]
    operations += [(text, [p - 1 for p in parents], shape) for text, parents, shape in program]
    adjoints, contributions = [*np.zeros(len(tape) - 1), np.float64(1.0)], []
    for line in range(len(tape) - 1, n, -1):
        rule, rest, kwargs, values, parents, y = tape[line]
        for parent, c in rule.pull(adjoints[line], parents, values, y, rest, kwargs):
            adjoints[parent] += c
            contributions.append((line - 1, parent - 1, float(c)))
    return operations, [float(line[-1]) for line in tape[1:]], contributions


def draw_walk(loss, step, **arguments):
    """The graph of a loss of named numbers after so many steps: forward through its operations, then back."""
    operations, values, contributions = trace(loss, **arguments)
    n = len(operations)
    backwards = step > n
    order = [i for i in range(n - 1, -1, -1) if operations[i][1]]
    passed = order[: max(step - n - 1, 0)]
    adjoints = {n - 1: 1.0} if backwards else {}
    for i, parent, c in contributions:
        if i in passed:
            adjoints[parent] = adjoints.get(parent, 0.0) + c
    notes = [[(number(values[k]), BLUE)] if k < step else [] for k in range(n)]
    for k, adjoint in adjoints.items():
        notes[k].append((number(adjoint), ORANGE))
    colour = ORANGE if backwards else BLUE
    fig, ax = plt.subplots(figsize=(5.6, 5.6))
    draw(operations, ax, notes, passed[-1] if passed else min(step, n) - 1, colour)
    ax.set_title("back: adjoints" if backwards else "forward: values", color=colour, fontsize=14)
    return fig


def draw_cuts(tangents, adjoints, pairings):
    """Sizes of tangents and adjoints, and their pairing, at every cut of a chain of layers."""
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    cuts = np.arange(len(pairings))
    ax.semilogy(cuts, tangents, "o-", color=BLUE, label="tangent →")
    ax.semilogy(cuts, adjoints, "s--", color=ORANGE, label="← adjoint")
    ax.semilogy(cuts, np.abs(pairings), color=GREEN, linestyle=":", linewidth=3, label="pairing")
    ax.legend(loc="upper left", ncols=3, labelcolor="linecolor", fontsize=12, columnspacing=1.5)
    ax.set(xlim=(-0.3, cuts[-1] + 0.3), ylim=(1e-5, 1e6), xlabel="layer after which we cut", ylabel="size")
    return fig


COSTS = {  # colour and dash
    "all of H": (PURPLE, (0, (6, 1.5, 1, 1.5))),
    "differences": (ORANGE, (0, (5, 1.5))),
    "H v": (GREEN, (0, (1, 1.2))),
    "gradient": (BLUE, "-"),
    "loss": (MUTED, "-"),
}


def draw_costs(sizes, costs, n):
    """Counted operations against the number of parameters, with the multiples of the loss's own at n."""
    fig, ax = plt.subplots(figsize=(5.6, 4.4))
    at = sizes.index(n)
    ax.axvline(n, color=MUTED, linewidth=1)
    for name, (ink, dash) in COSTS.items():
        ax.loglog(sizes, costs[name], color=ink, linestyle=dash)
        ax.plot(n, costs[name][at], "o", color=ink)
        times = "" if name == "loss" else f": × {costs[name][at] / costs['loss'][at]:.1f}"
        ax.text(sizes[-1] * 1.12, costs[name][-1], f"{name}{times}", color=ink, va="center")
    ax.set(xlim=(3.5, 1400), ylim=(5, 1e6), xlabel="parameters n", ylabel="operations")
    ax.set_xticks([4, 16, 64], ["4", "16", "64"])
    ax.minorticks_off()
    return fig
