"""Programs as pictures, for the chapter that turns graphs into programs: their lines, their memory, their ways."""

import difflib
import re
import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from mathlib.show.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE

MONO = {"family": "DejaVu Sans Mono", "fontsize": 11, "va": "top"}
WIDTH = 54  # characters in a figure
ROW = 0.21  # inches


def stages(text):
    r"""What `source` writes with ``passes=True``, cut at the passes: (name, operations, lines).

    >>> stages("# dead: 3 operations\nimport numpy as np\n\n\ndef f(x):\n    y = x + 1  # (3,)\n    return y")
    [('dead', 3, ['y = x + 1', 'return y'])]
    """
    found = re.findall(r"^# (\w+): (\d+) operations\n(.*?)(?=^# |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return [(name, int(count), body(program)) for name, count, program in found]


def body(program):
    r"""The lines of a program's last function, without the shapes.

    >>> body("def f(x):\n    y = x + 1  # (3,)\n    return y")
    ['y = x + 1', 'return y']
    """
    lines = program.rpartition("def ")[2].strip().splitlines()[1:]
    return [re.sub(r"  # \(.*$", "", line.strip()) for line in lines]


def bare(line):
    """A line without the numbers of names that have none of their own, which change from pass to pass."""
    return re.sub(r"\b([tc])\d+\b", r"\1", line)


def unmatched(lines, others):
    """Which of the lines are not among the others, in order."""
    matcher = difflib.SequenceMatcher(None, list(map(bare, lines)), list(map(bare, others)), autojunk=False)
    same = {i + k for i, _, n in matcher.get_matching_blocks() for k in range(n)}
    return {i for i in range(len(lines)) if i not in same}


def draw_passes(found, k):
    """The program after pass number k: blue what this pass wrote, orange what the next one will change or drop."""
    name, count, lines = found[k]
    new = unmatched(lines, found[k - 1][2]) if k else set()
    leaving = unmatched(lines, found[k + 1][2]) if k + 1 < len(found) else set()
    rows = max(sum(len(wrapped(line)) for line in program) for *_, program in found)
    fig, ax = page(rows + 2)
    ax.set_title(f"{name}: {count} operations", fontsize=14)
    row = 0
    for i, line in enumerate(lines):
        ink = ORANGE if i in leaving else BLUE if i in new else INK
        mark = ("−" if i in leaving else " ") + ("+" if i in new else " ")
        for n, part in enumerate(wrapped(line)):
            ax.text(0, -row, f"{mark if n == 0 else '  '} {part}", color=ink, **MONO)
            row += 1
    return fig


def wrapped(line):
    """A line in parts that fit into a figure."""
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False)


def page(rows, width=WIDTH + 3):
    """Axes with room for so many rows of text."""
    fig, ax = plt.subplots(figsize=(5.6, ROW * rows + 0.5))
    ax.set(xlim=(0, width), ylim=(-rows, 0.3))
    ax.axis("off")
    return fig, ax


# ------------------------------------------------------------------------------------ memory


def lifetimes(writer):
    """The arrays of a plan that live in its arena: (offset, bytes, first step, last step)."""
    graph, end = writer.graph, len(writer.graph.ops)
    span = {}
    for i, op in enumerate(graph.ops):
        for a in (op, *op.parents):
            if a in writer.sample:
                root = writer.root(a)
                span.setdefault(root, [i, i])[1] = i
    for op in graph.ends:
        if op in writer.sample:
            span[writer.root(op)][1] = end
    return [(writer.offset[a], a.nbytes, *span[a]) for a in span if a in writer.offset]


def draw_memory(arrays, size, step):
    """The arena of a plan: time to the right, addresses upwards; each array is a box as long as it is needed."""
    fig, ax = plt.subplots(figsize=(5.6, 4.2))
    alive = {}
    for offset, n, first, last in arrays:
        if first > step:
            continue
        here = last >= step
        ink, hatch = (ORANGE, "//") if first == step else (BLUE, None) if here else (MUTED, None)
        if here:
            alive[offset] = max(n, alive.get(offset, 0))  # what is written in place has one place
        box = {"facecolor": ink, "alpha": 0.75 if here else 0.18, "hatch": hatch, "linewidth": 1.0, "edgecolor": INK}
        ax.add_patch(Rectangle((first, offset / 1000), min(last, step) - first + 1, n / 1000, **box))
    ax.axvline(step + 0.5, color=INK, linewidth=1)
    end = 1 + max(last for *_, last in arrays)
    ax.set(xlim=(0, end), ylim=(0, size / 1000), xlabel="operation", ylabel="address, kB")
    ax.set_title(f"in use: {sum(alive.values()) / 1000:.0f} kB of {size / 1000:.0f} kB", fontsize=14)
    return fig


# -------------------------------------------------------------------------------------- ways


def draw_ways(loss, ways, x, program):
    """A loss whose program goes one of several ways: a colour a way, and below it the program of the way of x.

    `ways` are (first, last) of each way, in order along the axis.
    """
    styles = [(BLUE, "-"), (GREEN, "--"), (PURPLE, "-.")]
    lines = [part for line in program for part in wrapped(line)]
    fig, (ax, below) = plt.subplots(2, figsize=(5.6, 5.4), height_ratios=(3.2, 2.4))
    for (first, last), (ink, dash) in zip(ways, styles, strict=False):
        grid = np.linspace(first, last, 60)
        ax.plot(grid, [loss(z) for z in grid], color=ink, linestyle=dash, linewidth=3)
        if first <= x <= last:
            ax.plot(x, loss(x), "o", color=ink, markersize=11)
            below.set_title(f"the gradient's program at x = {x:.1f}".replace("-", "−"), color=ink, fontsize=13)
    ax.set(xlabel="x", ylabel="loss")
    below.set(xlim=(0, WIDTH + 3), ylim=(-6, 0.3))
    below.axis("off")
    for row, line in enumerate(lines):
        below.text(0, -row, line, color=ORANGE if line.startswith("assert") else INK, **MONO)
    return fig
