"""``{slide-map}`` lists the lecture's points and links each to its section, deck, functions and tests.

``{slide-map} beyond`` lists what the course adds to them.
"""

import tomllib
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
TESTS = "https://github.com/second-order/second-order/blob/main/"


class SlideMap(SphinxDirective):
    optional_arguments = 1

    def run(self):
        source = ROOT / "book" / "slide_map.toml"
        self.env.note_dependency(str(source))
        rows = tomllib.loads(source.read_text(encoding="utf8"))["row"]
        return self.parse_text_to_nodes(listed(rows, beyond=self.arguments == ["beyond"]))


def listed(rows, beyond=False):
    """The lecture's points, or what is beyond them, as a list in Markdown."""
    chosen = [row for row in rows if row.get("beyond", False) == beyond]
    return "\n".join(f"{n}. {entry(row)}" for n, row in enumerate(chosen, 1))


def entry(row):
    """One point, in Markdown."""
    links = {
        "read": f"{{ref}}`{row['section']}`",
        "teach": f"{{deck}}`{row['deck']}`",
        "call": ", ".join(f"{{py:obj}}`{name}`" for name in row["functions"]),
        "check": ", ".join(map(law, row["tests"])),
    }
    return f"**{row['point']}**\n" + "\n".join(f"    - {verb}: {link}" for verb, link in links.items() if link) + "\n"


def law(test):
    """A link to a test, by the law that it states."""
    file, name = test.split("::")
    words = name.removeprefix("test_").replace("_s_", "’s ").replace("_", " ")
    return f"[{words}]({TESTS}{file})"


def setup(app):
    app.add_directive("slide-map", SlideMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
