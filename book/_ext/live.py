"""Pages that run in the reader's browser: a button below the title, and the files that it loads.

What makes a page live is in ``book/_live``: ``page.js`` (the editors, the outputs), ``worker.js`` and ``runner.py``
(Python, in a worker), ``codemirror.js`` (the editor; see ``editor/``), ``python.toml`` (which Python; see
``tools/pyodide.py``). Built, it is a script and a style in ``_live``, and a script in ``_live/files`` for each file of
the book's own that Python reads: a page opened from a disk may load scripts and nothing else.

With ``LIVE_PYTHON=book`` in the environment every file of ``python.toml`` is such a script, and no other host is
needed.
"""

import ast
import base64
import hashlib
import html
import io
import json
import os
import re
import sys
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

import sphinx_revealjs
import sphinxcontrib.katex
from lean_pages import SET_THEME
from sphinx.errors import ExtensionError
from sphinx.util.osutil import relative_uri

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "book" / "_live"

sys.path.append(str(ROOT / "tools"))
import pyodide  # noqa: E402

# What every chapter imports first, and so what a page loads before it is ready.
FIRST = ["numpy", "matplotlib"]
# Pure packages that Pyodide hasn't got: from the environment of the build.
OURS = ["pint", "flexparser", "flexcache", "platformdirs"]
OURS_NEED = ["typing-extensions"]


# ── the files ──


def archive(files):
    """A zip of ``{name: bytes}``, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zip:
        for name, data in sorted(files.items()):
            zip.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def book_zip():
    """`mathlib`, with the data that it carries."""
    sources = [path for path in (ROOT / "mathlib").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in sources}
    return archive(files | {name: (SOURCES / name).read_bytes() for name in ("live_backend.py", "fontlist.json")})


def pint_zip():
    files = {}
    for name in OURS:
        for path in distribution(name).files:
            if path.parts[0] != ".." and path.suffix != ".pyc" and "testsuite" not in path.parts:
                files[str(path)] = path.locate().read_bytes()
    return archive(files)


def own_files():
    return {"book.zip": book_zip(), "pint.zip": pint_zip()}


def describe_python(own, carried):
    """What the worker needs to know: which files there are, and Pyodide's list of packages, less what we don't use."""
    listed = pyodide.listed()
    files = {
        name: {
            "base": "core" if name in listed["core"] else "packages",
            "integrity": pyodide.integrity(file),
            "bytes": file["bytes"],
            "own": carried,
        }
        for name, file in pyodide.files().items()
    }
    files |= {name: {"bytes": len(data), "own": True} for name, data in own.items()}
    packages = {name: package(name, **row) for name, row in listed["packages"].items()}
    packages["pint"] = package(
        "pint",
        file="pint.zip",
        version=distribution("pint").version,
        depends=OURS_NEED,
        imports=["pint"],
        sha256=hashlib.sha256(own["pint.zip"]).hexdigest(),
    )
    return {
        "bases": listed["bases"],
        "files": files,
        "imports": {module: name for name, row in packages.items() for module in row["imports"]},
        "lock": {"info": listed["info"], "packages": packages},
    }


def package(name, file, version, depends, imports, sha256, package_type="package", install_dir="site", **rest):
    """An entry as Pyodide's own list has it."""
    return {
        "name": name,
        "version": version,
        "file_name": file,
        "install_dir": install_dir,
        "sha256": sha256,
        "package_type": package_type,
        "imports": imports,
        "depends": depends,
        "unvendored_tests": False,
        "shared_library": package_type == "shared_library",
    }


def size(python, packages):
    """How many bytes a page loads that needs these packages."""
    todo, seen = list(packages), set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += python["lock"]["packages"][name]["depends"]
    files = {python["lock"]["packages"][name]["file_name"] for name in seen} | {"book.zip", *pyodide.CORE}
    return sum(python["files"][name]["bytes"] for name in files)


def prepare(app, config):
    carried = os.environ.get("LIVE_PYTHON") == "book"
    # Pages are written again when the version changes, for Sphinx compares it with that of the last build.
    app.live_python, config.live_digest, app.live_assets = make(carried, Path(app.outdir).parent / "pyodide")


def make(carried, store):
    """What there is of Python, the version of all this, and the files of `_live`.

    If Python is `carried`, its files are among them, and are brought to the folder `store` first.
    """
    files = own_files()
    python = describe_python(files, carried)
    if carried:
        if missing := pyodide.collect(store):
            raise ExtensionError(f"LIVE_PYTHON=book: not to be had: {', '.join(missing)}. See tools/pyodide.py.")
        files |= {name: (store / name).read_bytes() for name in pyodide.files()}
    source = {name: (SOURCES / name).read_text(encoding="utf8") for name in ("worker.js", "runner.py", "page.js")}
    live = {
        "python": python,
        "first": FIRST,
        "bytes": size(python, FIRST),
        "worker": source["worker.js"],
        "runner": source["runner.py"],
        "files": {},
    }
    script = (SOURCES / "codemirror.js").read_text(encoding="utf8") + ";\n" + source["page.js"]
    style = (SOURCES / "live.css").read_text(encoding="utf8")
    given = json.dumps(live, sort_keys=True) + script + style
    live["version"] = hashlib.sha256(given.encode()).hexdigest()[:8]
    assets = {
        "live.js": f"window.live = {json.dumps(live)};\n{script}",
        "live.css": style,
        "katex.js": Path(sphinxcontrib.katex.__file__).with_name("katex.min.js").read_text(encoding="utf8"),
        "content-security-policy.txt": policy(python),
        **{f"files/{name}.js": as_script(name, data) for name, data in files.items()},
    }
    return python, live["version"], assets


def as_script(name, data):
    return f'live.files["{name}"]="{base64.b64encode(data).decode()}";\n'


# What a host should send as Content-Security-Policy. Style attributes place formulas and figures.
POLICY = """default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval' {scripts}; worker-src blob:; \
connect-src 'self' {hosts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'
"""
SPEAKER_VIEW = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs" / "plugin" / "notes" / "speaker-view.html"


def policy(python):
    """The policy allows two scripts inside pages by their hashes: the one of the theme, and that of a deck's notes."""
    inside = [SET_THEME, SPEAKER_VIEW.read_text(encoding="utf8")]
    scripts = [text for page in inside for text in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)]
    hosts = {f"{urlsplit(base).scheme}://{urlsplit(base).netloc}" for base in python["bases"].values()}
    return POLICY.format(scripts=" ".join(map(source_hash, scripts)), hosts=" ".join(sorted(hosts)))


def source_hash(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def write(app, exception):
    if not exception and app.builder.name == "html":
        write_assets(app.live_assets, Path(app.outdir) / "_live")


def write_assets(assets, folder):
    for stale in folder.glob("files/*"):
        if f"files/{stale.name}" not in assets:
            stale.unlink()
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for name, text in assets.items():
        (folder / name).write_text(text, encoding="utf8")


# ── the button ──


def cells(doctree):
    """The source of each code cell, in their order."""
    for source in doctree.findall(lambda node: "cell_input" in getattr(node, "get", lambda *_: [])("classes", [])):
        yield source.astext()


def imported(code):
    """The names of the modules that some code imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def add_button(app, pagename, templatename, context, doctree):
    codes = list(cells(doctree)) if doctree and app.builder.name == "html" else []
    if not codes:
        return
    python = app.live_python
    modules = {name for code in codes for name in imported(code)}
    packages = {python["imports"][name] for name in modules if name in python["imports"]}
    times = tomllib.loads((SOURCES / "seconds.toml").read_text(encoding="utf8")).get(pagename.rpartition("/")[2], {})
    here = app.builder.get_target_uri(pagename)
    version = app.config.live_digest
    asset = lambda name: html.escape(f"{relative_uri(here, '_live/' + name)}?v={version}")  # noqa: E731
    all_bytes, total = size(python, {*FIRST, *packages}), sum(times.values())
    bar = (
        f'<div class="live-page pst-js-only" data-page="{pagename}" data-live="{relative_uri(here, "_live/")}" '
        f'data-script="{asset("live.js")}" data-style="{asset("live.css")}" '
        f'data-seconds="{html.escape(json.dumps(times))}">\n'
        '<button type="button">Run this page</button>\n'
        f"<p>Edit the code and run it, in this browser: {all_bytes / 1e6:.0f} MB at the first time, ready in some "
        f"10 seconds, all cells in {say_seconds(total)}. Nothing you type leaves it.</p>\n</div>\n"
    )
    before, heading, after = context["body"].partition("</h1>")
    context["body"] = before + heading + "\n" + bar + after


def say_seconds(count):
    return f"some {max(10, round(count, -1)):.0f} seconds" if count < 100 else f"{round(count / 60)} minutes"


def setup(app):
    app.add_config_value("live_digest", "", "html")
    app.connect("config-inited", prepare)
    app.connect("html-page-context", add_button)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
