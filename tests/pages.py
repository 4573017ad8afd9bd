"""What the tests of the built book share: its pages, the windows they are seen in, and what axe-core finds in them."""

from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parents[1]
PAGES = [f"{name}.html" for name in parse_toc_yaml(ROOT / "_toc.yml")]
CHAPTERS = [page for page in PAGES if (ROOT / page).with_suffix(".ipynb").exists()]

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@contextmanager
def visits(browser, patience=40_000):
    """Yield a function that opens a page, which notes what it requests and what goes wrong in it.

    Its `prepare` gets the browser's context before the page is opened; `patience` is in milliseconds.
    """
    contexts = []

    def visit(url, theme="light", size=DESK, prepare=lambda context: None, **options):
        context = browser.new_context(color_scheme=theme, viewport=size, reduced_motion="reduce", **options)
        contexts.append(context)
        context.set_default_timeout(patience)
        prepare(context)
        page = context.new_page()
        page.complaints, page.requested = [], []
        page.on("console", lambda message: note(page, message))
        page.on("pageerror", lambda error: page.complaints.append(f"page error: {error}"))
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("response", lambda r: r.status >= 400 and page.complaints.append(f"{r.status}: {r.url}"))
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()


def note(page, message):
    if message.type in ("error", "warning") and "Failed to load resource" not in message.text:  # that is a response
        page.complaints.append(f"console: {message.text}")


def off_host(page):
    """Name the requests that left the host of the page."""
    own = urlsplit(page.url).netloc
    return [url for url in page.requested if urlsplit(url).scheme.startswith("http") and urlsplit(url).netloc != own]


# What axe-core would look at thousands of times without finding anything new: the insides of pictures, formulas
# (read from their MathML), and in a piece of code, or a signature, all but the first word of each kind and a bit of
# what is between.
PRUNE = """() => {
    document.querySelectorAll('.katex-html, [role=img] svg > *').forEach(element => element.remove());
    document.querySelectorAll('dt.sig .pre').forEach(word => word.replaceWith(word.textContent));
    for (const code of document.querySelectorAll('.highlight pre, dt.sig')) {
        const seen = new Set();
        for (const word of code.querySelectorAll('span[class]')) {
            if (seen.has(word.className)) word.remove();
            seen.add(word.className);
        }
        code.normalize();
        const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.trim().slice(0, 40);
    }
}"""


# Rules that axe-core doesn't apply unasked.
MORE_RULES = {name: {"enabled": True} for name in ("target-size", "label-content-name-mismatch")}


def violations(page, context=None, rules=None, **options):
    """Name what axe-core finds wrong, with the first elements concerned."""
    page.evaluate(PRUNE)
    options = {"resultTypes": ["violations"], "rules": {**MORE_RULES, **(rules or {})}, **options}
    found = Axe().run(page, context, options).response["violations"]
    return [f"axe {v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]
