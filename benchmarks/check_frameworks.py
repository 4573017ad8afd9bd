"""Check what the book says in PyTorch and in JAX: run it, and compare with `mathlib`.

    python benchmarks/check_frameworks.py

Each fence of Python under a heading "... in PyTorch and JAX" is run by itself. It leaves behind a `loss` of plain
arithmetic, which `mathlib` runs too, a `theta` and a `v`, and results, known by the names in `RESULTS`. Prints their
relative errors; fails above 1e-12, and where a fence has no result.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

from mathlib import grad, hvp

ALLOWED = 1e-12
BOOK = Path(__file__).parents[1] / "book"
FENCE_OR_HEADING = re.compile(r"^```python\n(.*?)^```|^(#+) ([^\n]*)$", re.MULTILINE | re.DOTALL)
RESULTS = {
    "g": lambda loss, theta, v: grad(loss)(theta),
    "Hv": hvp,
    "Hv_again": hvp,
}


def fences():
    """Yield the name of a chapter, and a fence of its section."""
    for path in sorted(BOOK.glob("[48]-*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        yield from ((path.stem, fence) for fence in under_the_heading(text))


def under_the_heading(text):
    inside = 0  # the level of the heading, while below it
    for fence, marks, title in FENCE_OR_HEADING.findall(text):
        if fence and inside:
            yield fence
        elif marks and not 0 < inside < len(marks):
            inside = len(marks) if title.lower().endswith("in pytorch and jax") else 0


def errors(fence):
    """The relative error of each result of a fence."""
    names = {}
    exec(fence, names)
    theta, v = np.array(names["theta"].tolist()), np.array(names["v"].tolist())
    for name in RESULTS & names.keys():
        found, exact = np.array(names[name].tolist()), RESULTS[name](names["loss"], theta, v)
        yield name, np.linalg.norm(found - exact) / np.linalg.norm(exact)


def main():
    rows = [(chapter, fence, dict(errors(fence))) for chapter, fence in fences()]
    for chapter, fence, found in rows:
        for name, error in sorted(found.items()):
            print(f"{chapter:30}{'JAX' if 'import jax' in fence else 'PyTorch':10}{name:10}{error:10.1e}")
    if not rows or not all(found and all(e < ALLOWED for e in found.values()) for _, _, found in rows):
        sys.exit(f"error: a fence has no result, or one that differs from mathlib's by {ALLOWED:.0e} or more.")


if __name__ == "__main__":
    main()
