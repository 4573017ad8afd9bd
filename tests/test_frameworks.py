"""What the book says in PyTorch and JAX is there to be run; `make peers` runs it."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("check_frameworks", ROOT / "benchmarks/check_frameworks.py")
check_frameworks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_frameworks)

FENCES = list(check_frameworks.fences())


def test_the_chapter_on_products_has_both():
    text = "\n".join(fence for chapter, fence in FENCES if chapter == "4-2-hessian-vector-products")
    assert {"import jax", "import torch"} <= set(text.splitlines())


@pytest.mark.parametrize(("chapter", "fence"), FENCES)
def test_a_fence_has_what_the_check_needs(chapter, fence):
    exist = {node.name for node in ast.walk(ast.parse(fence)) if isinstance(node, ast.FunctionDef)}
    exist |= {n.id for n in ast.walk(ast.parse(fence)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    results = exist & set(check_frameworks.RESULTS)
    assert results or exist & set(check_frameworks.FUNCTIONS)
    assert not results or {"loss", "theta", "v"} <= exist


ARITHMETIC = """
import numpy as np


def loss(theta):
    return theta[0] ** 2 * theta[1]
theta, v = np.array([2.0, 3.0]), np.array([1.0, 0.0])
g, Hv = np.array([12.0, 4.0]), np.array([6.0, {}])
"""


def test_a_right_result_is_told_from_a_wrong_one():
    assert dict(check_frameworks.errors(ARITHMETIC.format("4.0"))) == {"g": 0, "Hv": 0}
    assert dict(check_frameworks.errors(ARITHMETIC.format("4.001")))["Hv"] > check_frameworks.ALLOWED


TEXT = """
```python
before = 1
```
### Further: in PyTorch and JAX
```python
# a comment
one = 1
```
#### A part of it
```python
two = 2
```
### Another
```python
after = 1
```
"""


def test_fences_are_those_under_the_heading():
    assert list(check_frameworks.under_the_heading(TEXT)) == ["# a comment\none = 1\n", "two = 2\n"]
