"""Settings that all tests share."""

from hypothesis import settings

# The same examples in every run: a failure in one place is a failure in all. `pytest
# --hypothesis-profile=search` looks for new ones.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("gate")

collect_ignore_glob = ["wrong_answers/*"]  # answers that test_exercises runs
