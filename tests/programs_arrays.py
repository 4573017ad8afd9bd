"""Programs and derivatives of the rows of `mathlib.primitives.arrays`: see `programs.py`."""

ORACLE, LINEAR, SMOOTH = {}, {}, {}
