"""From graph to program: a loss, its gradient and its Hessian-vector product as straight-line NumPy.

`compiled` runs a loss once on numbers that stand for arrays, writes down what it does (`tracing`), simplifies that
(`passes`), and lays it out as a program on buffers that are made once (`plan`); `source` prints it for the reader
(`text`). What a program reads from outside is compared at each call (`watch`).
"""

from mathlib.compiler.compiled import Compiled, compiled
from mathlib.compiler.text import source

__all__ = ["Compiled", "compiled", "source"]
