"""How the public names are typed, as mypy reads it: `make types`."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from mathlib import (
    Dual,
    check_grad,
    compiled,
    complex_step,
    grad,
    grad_and_hvp,
    hessian,
    hvp,
    jvp,
    source,
    value_and_grad,
    vjp,
)
from mathlib.hessian import Hessian

Array = NDArray[np.floating[Any]] | np.floating[Any]


def loss(theta: Any) -> Any:
    return np.sum(theta**3)


theta = np.array([1.0, 2.0])
assert_type(grad(loss)(theta), Array)
assert_type(value_and_grad(loss)(theta)[1], Array)
assert_type(hvp(loss, theta, theta, method="complex_step"), Array)
assert_type(grad_and_hvp(loss, theta, [1, 0]), tuple[Array, Array])
assert_type(jvp(np.sin, 0.5, 1.0), tuple[Array, Array])
assert_type(vjp(np.sin, theta)[1](theta), Array)
assert_type(complex_step(np.exp, 1.5), Array)
assert_type(hessian(loss, theta), Hessian)
assert_type(Dual(3.0, 1.0), Dual)
assert_type(source(grad(loss), theta), str)
assert_type(grad(compiled(loss))(theta), Array)
check_grad(loss, theta, order=2)
step: Callable[[Any], Array] = grad(loss)

# What is wrong, mypy must find: it complains of an ignore that it does not need.
hvp(loss, theta, theta, method="magic")  # type: ignore[arg-type]
check_grad(loss, theta, order=3)  # type: ignore[arg-type]
grad(3)  # type: ignore[arg-type]
hessian(loss)  # type: ignore[call-arg]
