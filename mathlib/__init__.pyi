"""The types of the public names. They stand here, so that the formulas stand alone in the code."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from mathlib.arithmetic import EscapedError, NonAnalyticError, UnsupportedError
from mathlib.backprop import ConstantLossWarning
from mathlib.compiler import Compiled
from mathlib.dual import Dual
from mathlib.hessian import Hessian

__version__: str
__all__ = [
    "ConstantLossWarning",
    "Dual",
    "EscapedError",
    "NonAnalyticError",
    "UnsupportedError",
    "central_difference",
    "check_grad",
    "compiled",
    "complex_step",
    "forward_difference",
    "grad",
    "grad_and_hvp",
    "hessian",
    "hvp",
    "jvp",
    "source",
    "value_and_grad",
    "vjp",
]

# A program is run on other numbers than arrays, too, so its argument is not typed; what it returns has a value.
_Program: TypeAlias = Callable[[Any], Any]
_Array: TypeAlias = NDArray[np.floating[Any]] | np.floating[Any]  # a scalar where theta is one
_Method: TypeAlias = Literal["dual", "complex_step", "double_backprop", "finite_difference"]

def jvp(f: _Program, x: ArrayLike, v: ArrayLike) -> tuple[_Array, _Array]: ...
def vjp(f: _Program, x: ArrayLike) -> tuple[_Array, Callable[[ArrayLike], _Array]]: ...
def grad(loss: _Program, *wrong: object) -> Callable[[ArrayLike], _Array]: ...
def value_and_grad(loss: _Program, *wrong: object) -> Callable[[ArrayLike], tuple[np.floating[Any], _Array]]: ...
def hvp(loss: _Program, theta: ArrayLike, v: ArrayLike, method: _Method = "dual") -> _Array: ...
def grad_and_hvp(loss: _Program, theta: ArrayLike, v: ArrayLike) -> tuple[_Array, _Array]: ...
def hessian(loss: _Program, theta: ArrayLike) -> Hessian: ...
def complex_step(f: _Program, x: ArrayLike, v: ArrayLike | None = None, eps: float = ...) -> _Array: ...
def forward_difference(f: _Program, x: ArrayLike, v: ArrayLike | None = None, h: float | None = None) -> _Array: ...
def central_difference(f: _Program, x: ArrayLike, v: ArrayLike | None = None, h: float | None = None) -> _Array: ...
def check_grad(
    loss: _Program,
    theta: ArrayLike,
    order: Literal[1, 2] = 1,
    directions: int = 3,
    seed: int | Sequence[int] | Generator = 0,
) -> None: ...
def compiled(loss: _Program) -> Compiled: ...
def source(f: _Program, *arguments: object, passes: bool | None = None) -> str: ...
