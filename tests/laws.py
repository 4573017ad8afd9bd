"""What the laws of `mathlib` share: settings, and the table to be changed. A release has it for its conftest.py."""

import pytest
from hypothesis import settings

from mathlib.primitives import TABLE

# The same examples in every run: a failure in one place is a failure in all. `pytest
# --hypothesis-profile=search` looks for new ones.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("gate")


@pytest.fixture
def table():
    """The table, to be changed: it is put back afterwards."""
    saved = dict(TABLE)
    yield TABLE
    TABLE.clear()
    TABLE.update(saved)
