"""Settings that all tests share, and a browser for those of the built book."""

import pytest
from browser import FLAGS, HTML, find_chromium, serve
from hypothesis import settings

from mathlib.primitives import TABLE

# The same examples in every run: a failure in one place is a failure in all. `pytest
# --hypothesis-profile=search` looks for new ones.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("gate")

collect_ignore_glob = ["wrong_answers/*", "typed.py"]  # what test_exercises and mypy read


@pytest.fixture
def table():
    """The table, to be changed: it is put back afterwards."""
    saved = dict(TABLE)
    yield TABLE
    TABLE.clear()
    TABLE.update(saved)


@pytest.fixture(scope="session")
def site():
    """The address of the built book."""
    if not (HTML / "index.html").exists():
        pytest.fail("there is no built book in _build/html: run `make book` first")
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright  # here, because the laws need no browser

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        chromium.close()
