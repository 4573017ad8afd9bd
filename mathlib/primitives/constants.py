"""Rows of the table: functions without a derivative."""

import numpy as np

from mathlib.arithmetic import discrete

discrete(np.equal, np.not_equal)
discrete(np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.isfinite, np.isnan, np.isinf, np.signbit)
discrete(np.sign, np.floor, np.ceil, np.rint, np.trunc, np.fix, np.round, np.around, np.floor_divide)
discrete(np.argmax, np.argmin, np.argsort, np.nonzero, np.count_nonzero, np.flatnonzero, np.searchsorted)
discrete(np.any, np.all, np.allclose, np.isclose, np.array_equal, np.shape, np.ndim, np.size)
discrete(np.zeros_like, np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast)
