"""Programs and derivatives of the rows of `mathlib.primitives.statistics`: see `programs.py`."""

ORACLE, LINEAR, SMOOTH = {}, {}, {}
