"""Copy the chapters to `work/`, where the reader may write in them, and say what happened.

JupyterLab renders MyST Markdown by its extension, which knows those cells of a notebook that have been in view: not the
bibliography, the glossary, the slides, other chapters and files, nor a section further below. The copy has text, or a
link to another notebook, in their place. And in HTML it renders no formula: what is folded becomes a directive.

A copy that the reader has changed is never written again. Each holds two digests: of its own text, to see whether it
has been changed, and of the chapter that it was made from, to see whether that has.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import nbformat
from pybtex.database import parse_file
from pybtex.richtext import Text

ROOT = Path(__file__).resolve().parents[1]
BOOK, WORK = ROOT / "book", ROOT / "work"
KEY = "second-order"

ROLE = re.compile(r"\{(cite:t|cite:p|term|deck|ref|eq|prf:ref|numref)\}`([^`]+)`")
EQUATION = re.compile(r"^\$\$ \(([\w-]+)\)", re.MULTILINE)
PLACE = re.compile(r"^\(([\w-]+)\)=(?:\n+#+ (.+))?", re.MULTILINE)
EXERCISE = re.compile(r"\{exercise\}.*\n:label: ([\w-]+)")
PROOF = re.compile(r"\{prf:\w+\}.*\n:label: ([\w-]+)")
INCLUDED = re.compile(r'^```\{include\} (\S+)\n:start-after: "(.+)"\n(?::end-before: "(.+)"\n)?```$', re.MULTILINE)
FOLD = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)


def chapters():
    return {path.name: nbformat.read(path, as_version=4) for path in sorted(BOOK.glob("*.ipynb"))}


def markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def labels(notebooks):
    """Where each label is: the notebook, and what to call it."""
    place = {}
    for name, notebook in notebooks.items():
        text = markdown(notebook)
        place |= dict.fromkeys(EQUATION.findall(text), (name, f"an equation of {name[:3]}"))
        place |= dict.fromkeys(PROOF.findall(text), (name, f"a statement of {name[:3]}"))
        place |= {label: (name, title) for label, title in PLACE.findall(text)}
        place |= {label: (name, f"Exercise {n}") for n, label in enumerate(EXERCISE.findall(text), start=1)}
    return place


def citations(bibliography):
    """The authors of each entry, its year, and its address or None."""
    for key, entry in bibliography.entries.items():
        doi = entry.fields.get("doi")
        address = f"https://doi.org/{doi}" if doi else entry.fields.get("url")
        yield key, (authors(entry.persons["author"]), entry.fields["year"], address)


def authors(persons):
    names = [str(Text.from_latex(" ".join(person.prelast_names + person.last_names))) for person in persons]
    if len(names) > 2 or names[-1] == "others":
        return f"{names[0]} et al."
    return " and ".join(names)


def plain(text, here, cited, place):
    """Markdown without what JupyterLab does not know, for the notebook `here`."""

    def say(match):
        role, content = match[1], " ".join(match[2].split())
        title, target = re.fullmatch(r"(?:(.*?) <)?(.*?)>?", content).groups()
        if role.startswith("cite"):
            form = "{} ({})" if role == "cite:t" else "{} {}"
            sources = [(form.format(names, year), url) for names, year, url in map(cited.get, target.split(","))]
            links = [f"[{text}](<{url}>)" if url else text for text, url in sources]
            return ", ".join(links) if role == "cite:t" else f"({'; '.join(links)})"
        if role in ("term", "deck"):
            return title or target
        if role == "numref":
            return f"the figure `{target.removeprefix('fig-').replace('-', '_')}`"
        there, name = place[target]
        if there != here:
            return f"[{title or name}]({there})"
        return title or name if role == "ref" else match[0]

    return ROLE.sub(say, FOLD.sub(r":::::{dropdown} \1\2:::::", INCLUDED.sub(quoted, text)))


def quoted(match):
    """The part of a file that a chapter includes, from its folder."""
    _, _, after = (BOOK / match[1]).read_text(encoding="utf-8").partition(match[2])
    return (after.partition(match[3])[0] if match[3] else after).strip()


def digest(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def written(notebook):
    """What the reader may change: the cells, without what running them leaves."""
    return digest([(cell.cell_type, cell.source) for cell in notebook.cells])


def copies():
    """Each chapter as it is to be copied."""
    notebooks = chapters()
    cited, place = dict(citations(parse_file(BOOK / "references.bib"))), labels(notebooks)
    for name, notebook in notebooks.items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = plain(cell.source, name, cited, place)
        notebook.metadata[KEY] = {"text": written(notebook), "chapter": digest(notebook)}
        yield name, notebook


def update(path, notebook):
    """Write a copy, unless the reader's is as new or has been changed; return whether a changed one is now old."""
    if path.exists():
        try:
            mine = nbformat.read(path, as_version=4)
            made = mine.metadata[KEY]
            changed = written(mine) != made["text"]
        except (KeyError, ValueError, nbformat.ValidationError):  # no copy of ours, or no notebook
            changed, made = True, {"chapter": None}
        if changed or made["chapter"] == notebook.metadata[KEY]["chapter"]:
            return changed and made["chapter"] != notebook.metadata[KEY]["chapter"]
    nbformat.write(notebook, path)
    return False


def main():
    WORK.mkdir(exist_ok=True)
    kept = [name for name, notebook in copies() if update(WORK / name, notebook)]
    print(f"Your copies of the chapters are in {WORK}: what you write there stays, also when the book changes.")
    for name in kept:
        print(f"  {name} has your changes, and the book's has new ones. To see those, rename yours and say this again.")
    # JupyterLab would ask the reader whether it may fetch news from its makers.
    settings = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
