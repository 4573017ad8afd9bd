"""Where else a chapter runs: links to Colab, Binder and the reader's own JupyterLab, below the title."""

import html
from pathlib import Path
from urllib.parse import quote, urlsplit

LAB = "http://localhost:8888"  # where `make lab` opens it


def links(options, pagename):
    """The addresses of a chapter on Colab, on Binder and in the reader's JupyterLab. Two have copies (tools/lab.py)."""
    repository, branch = urlsplit(options["repository_url"]).path, options["repository_branch"]
    notebook = f"{pagename}.ipynb"
    copy = Path(notebook).name
    return (
        f"https://colab.research.google.com/github{repository}/blob/{branch}/{notebook}",
        f"https://mybinder.org/v2/gh{repository}/{branch}?urlpath={quote(f'lab/tree/work/{copy}', safe='')}",
        f"{LAB}/lab/tree/{copy}",
    )


def add_links(app, pagename, templatename, context, doctree):
    if app.builder.name != "html" or Path(app.env.doc2path(pagename)).suffix != ".ipynb" or not doctree:
        return
    colab, binder, lab = map(html.escape, links(app.config.html_theme_options, pagename))
    line = (
        f'<p class="launch">Or run it on <a href="{colab}">Colab</a>, on <a href="{binder}">Binder</a>, or in '
        f'<a href="{lab}">your JupyterLab</a>, which <code>make lab</code> opens.</p>\n'
    )
    before, heading, after = context["body"].partition("</h1>")
    context["body"] = before + heading + "\n" + line + after


def setup(app):
    app.connect("html-page-context", add_links, priority=400)  # so that the button of live.py comes before them
    return {"parallel_read_safe": True, "parallel_write_safe": True}
