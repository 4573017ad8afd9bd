"""Programs and derivatives of the rows of `mathlib.primitives.special`: see `programs.py`."""

ORACLE, LINEAR, SMOOTH = {}, {}, {}
