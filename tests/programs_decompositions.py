"""Programs and derivatives of the rows of `mathlib.primitives.decompositions`: see `programs.py`."""

ORACLE, LINEAR, SMOOTH = {}, {}, {}
