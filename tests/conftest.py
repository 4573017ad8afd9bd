"""Settings that all tests share, and a browser for those of the built book."""

import pytest
from browser import FLAGS, HTML, find_chromium, serve
from laws import table

__all__ = ["table"]

collect_ignore_glob = ["wrong_answers/*", "typed.py"]  # what test_exercises and mypy read


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
