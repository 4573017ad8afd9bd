"""What the PDF and the EPUB share: which pages the book has, and a browser that takes from them what paper can show."""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from browser import FLAGS, HTML, find_chromium, serve
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_suffix(".js")
SITE = HTML / "book"


@dataclass
class Part:
    title: str
    pages: list[str]


def pages_of(entries):
    """Yield the names of the pages that entries of the table of contents list, in their order."""
    for entry in entries:
        if "file" in entry:
            yield Path(entry["file"]).name
        yield from pages_of([*entry.get("sections", []), *entry.get("chapters", [])])


def parts(toc=ROOT / "_toc.yml"):
    """The parts of the book, with the names of their pages; without the first page, which is made for the screen."""
    contents = yaml.safe_load(toc.read_text(encoding="utf8"))
    return [Part(part["caption"], list(pages_of(part["chapters"]))) for part in contents["parts"]]


def about():
    """What the title page says."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    version = re.search(r'__version__ = "(.*)"', (ROOT / "mathlib" / "__init__.py").read_text(encoding="utf8"))[1]
    repository = config["sphinx"]["config"]["html_theme_options"]["repository_url"]
    described = {key: config[key] for key in ("title", "author")} | {"version": version, "repository": repository}
    address = config["sphinx"]["config"].get("html_baseurl") or repository
    described["lines"] = [
        "Second-order optimization for deep learning, in notebooks that move",
        config["author"],
        f"Version {version}, {config['copyright']}",
        "On paper the figures stand still, and the code that draws them is left out. To move them, to run the code and "
        f"to have answers checked, open the book in a browser: {address}",
        "Text and figures: CC BY 4.0. Code: MIT.",
    ]
    return described


@contextmanager
def open_book(*scripts):
    """Open the built book in a browser; yield a page of it that knows the functions of printed.js and more scripts."""
    if not (SITE / "index.html").exists():
        raise SystemExit("error: there is no built book in _build/html: run `make book` first")
    with serve() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(color_scheme="light", bypass_csp=True)
        page.route("**/*.js*", lambda route: route.abort())  # the names of its scripts would meet ours
        page.goto(f"{site}/book/notation.html")  # where the names of pages are addresses
        page.evaluate("document.body.replaceChildren()")
        for script in (SCRIPT, *scripts):
            page.add_script_tag(content=script.read_text(encoding="utf8"))
        yield page
        browser.close()
