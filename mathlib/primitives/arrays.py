"""Rows of the table: what creates, joins, cuts and moves, as programs of other rows; and arrays of objects."""

import numpy as np

from mathlib.arithmetic import TABLE, Number, Order, as_method
from mathlib.primitives import constants, elementary  # noqa: F401, they fill the table

# On an array of objects, as np.array([x[0], x[1]]) is, NumPy's functions call methods of the elements.
for function in TABLE:
    by_method = isinstance(function, np.ufunc) and (function.nin == 1 or function in (np.arctan2, np.hypot, np.fmod))
    if by_method and not hasattr(Number, function.__name__):
        setattr(Number, function.__name__, as_method(function))

TABLE.update({function: Order(function) for function in (np.less, np.less_equal, np.greater, np.greater_equal)})
