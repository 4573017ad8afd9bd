"""Check what the book says in PyTorch and in JAX: run it, and compare with `mathlib`.

    python benchmarks/check_frameworks.py

Each fence of Python under a heading "... in PyTorch and JAX" is run by itself. It leaves behind results, known by the
names in `RESULTS`, beside a `loss` of plain arithmetic, which `mathlib` runs too, a `theta` and a `v`; or functions,
known by the names in `FUNCTIONS`, which are called here. Prints their relative errors; fails above 1e-12, and where a
fence has neither.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

from mathlib import grad, hvp
from mathlib.curvature import gauss_newton

ALLOWED = 1e-12
BOOK = Path(__file__).parents[1] / "book"
FENCE_OR_HEADING = re.compile(r"^```python\n(.*?)^```|^(#+) ([^\n]*)$", re.MULTILINE | re.DOTALL)
RESULTS = {
    "g": lambda loss, theta, v: grad(loss)(theta),
    "Hv": hvp,
    "Hv_again": hvp,
}
FUNCTIONS = {
    "gauss_newton_product": lambda f, loss, theta, v: gauss_newton(f, loss, theta) @ v,
}
THETA, V = np.random.default_rng(0).standard_normal((2, 5))


def output(theta):
    return theta**3 * theta[0]


def loss(z):
    return (z @ z) ** 2


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


def library(fence):
    return "JAX" if "import jax" in fence else "PyTorch"


def as_theirs(a, fence):
    if library(fence) == "PyTorch":
        import torch

        return torch.tensor(a)
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax.numpy.array(a)


def errors(fence):
    """The name, and the relative error, of each result of a fence, and of what each of its functions returns."""
    names = {}
    exec(fence, names)
    pairs = {}
    if results := RESULTS.keys() & names:
        theta, v = np.array(names["theta"].tolist()), np.array(names["v"].tolist())
        pairs |= {name: (names[name], RESULTS[name](names["loss"], theta, v)) for name in results}
    for name in FUNCTIONS.keys() & names:
        found = names[name](output, loss, as_theirs(THETA, fence), as_theirs(V, fence))
        pairs[name] = found, FUNCTIONS[name](output, loss, THETA, V)
    for name, (found, exact) in sorted(pairs.items()):
        yield name, np.linalg.norm(np.array(found.tolist()) - exact) / np.linalg.norm(exact)


def main():
    rows = [(chapter, fence, dict(errors(fence))) for chapter, fence in fences()]
    for chapter, fence, found in rows:
        for name, error in found.items():
            print(f"{chapter:30}{library(fence):10}{name:24}{error:10.1e}")
    if not rows or not all(found and all(e < ALLOWED for e in found.values()) for _, _, found in rows):
        sys.exit(f"error: a fence has no result, or one that differs from mathlib's by {ALLOWED:.0e} or more.")


if __name__ == "__main__":
    main()
