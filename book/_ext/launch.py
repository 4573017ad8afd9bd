"""Where else a chapter runs: links to Colab, Binder and the reader's own JupyterLab, below the title."""

import html
from pathlib import Path
from urllib.parse import quote, urlsplit

LAB = "http://localhost:8888"  # where `make lab` opens it


def links(options, pagename):
    """The address of a chapter at each of these places; Binder's and the reader's are copies that tools/lab.py made."""
    repository, branch = urlsplit(options["repository_url"]).path, options["repository_branch"]
    notebook = f"{pagename}.ipynb"
    copy = Path(notebook).name
    return {
        "Colab": f"https://colab.research.google.com/github{repository}/blob/{branch}/{notebook}",
        "Binder": f"https://mybinder.org/v2/gh{repository}/{branch}?urlpath={quote(f'lab/tree/work/{copy}', safe='')}",
        "your JupyterLab": f"{LAB}/lab/tree/{copy}",
    }


def add_links(app, pagename, templatename, context, doctree):
    if app.builder.name != "html" or Path(app.env.doc2path(pagename)).suffix != ".ipynb" or not doctree:
        return
    places = links(app.config.html_theme_options, pagename)
    colab, binder, lab = (f'<a href="{html.escape(url)}">{name}</a>' for name, url in places.items())
    line = (
        f'<p class="launch">Or run it on {colab}, on {binder}, or in {lab}, once <code>make lab</code> has begun.</p>\n'
    )
    before, heading, after = context["body"].partition("</h1>")
    context["body"] = before + heading + "\n" + line + after


def setup(app):
    app.connect("html-page-context", add_links, priority=400)  # so that the button of live.py comes before them
    return {"parallel_read_safe": True, "parallel_write_safe": True}
