"""What a teacher needs to know of the chapters: from `book/course.toml`, and from the chapters themselves."""

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import minutes
import nbformat

BOOK = Path(__file__).resolve().parents[1] / "book"
SOURCE = BOOK / "course.toml"

BOX = re.compile(r":::\{admonition\}.*?(?=^:::$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((\d-\d-[\w-]+)\.ipynb\)")
TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`")
EXERCISE = re.compile(r"\{exercise\} ([✍⌨ ]+) (★+) (.+)\n:label: (ex-[a-z0-9-]+)")


@dataclass(frozen=True)
class Exercise:
    chapter: str
    label: str
    sign: str
    stars: str
    title: str


class Chapter:
    """A chapter, read from its notebook."""

    def __init__(self, path):
        self.name = path.stem
        self.notebook = nbformat.read(path, as_version=4)
        texts = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        self.code = [cell.source for cell in self.notebook.cells if cell.cell_type == "code"]
        self.number = self.name[:3].replace("-", ".")
        self.title = next(re.findall(r"^# (.+)$", text, re.MULTILINE)[0] for text in texts if "# " in text)
        self.box = next(BOX.search(text)[0] for text in texts if "You need" in text)
        self.objectives = re.findall(r"^- (.+)$", self.box, re.MULTILINE)
        self.core, self.further = minutes.amounts(self.notebook)
        self.exercises = [
            Exercise(self.name, label, sign.replace(" ", ""), stars, title)
            for text in texts
            for sign, stars, title, label in EXERCISE.findall(text)
        ]

    @property
    def linked(self):
        """The chapters that its box links to after "You need", before it comes to its slides."""
        needed = re.split(r"You need:?\*+|To teach it|\*\*Slides", self.box)[1]
        return LINK.findall(needed)

    @property
    def terms(self):
        """The terms of the glossary that it uses before its quiz, in small letters, and as it writes them."""
        texts = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        found = TERM.findall("\n".join(texts).partition("## Check yourself")[0])
        written = [" ".join(term.split()) for term in found]
        return {term.lower(): term for term in reversed(written)}

    @property
    def figures(self):
        """The names of its moving figures."""
        return [
            node.name.replace("_", "-")
            for node in walk(self.code)
            if isinstance(node, ast.FunctionDef) and any("explorable" in ast.dump(d) for d in node.decorator_list)
        ]

    @property
    def imported(self):
        """What it imports from mathlib, without that package's name."""
        for node in walk(self.code):
            if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "mathlib":
                room = node.module.removeprefix("mathlib").removeprefix(".")
                yield from (f"{room}.{alias.name}".removeprefix(".") for alias in node.names)


def walk(codes):
    for code in codes:
        yield from ast.walk(ast.parse(code))


@cache
def chapters():
    """The chapters by their names, in the order of the book."""
    return {path.stem: Chapter(path) for path in sorted(BOOK.glob("[0-9]*.ipynb"))}


@cache
def course():
    return tomllib.loads(SOURCE.read_text(encoding="utf8"))


@cache
def place_of():
    """In which chapter each figure is."""
    return {figure: name for name, chapter in chapters().items() for figure in chapter.figures}


@cache
def exercises():
    return {exercise.label: exercise for chapter in chapters().values() for exercise in chapter.exercises}


def before(name, needs):
    """All chapters that come before one, however indirectly."""
    found = set()
    todo = list(needs[name])
    while todo:
        earlier = todo.pop()
        if earlier not in found:
            found.add(earlier)
            todo += needs[earlier]
    return found


def terms_from_elsewhere(name):
    """The terms that a chapter takes from earlier ones that it does not need: the glossary has to explain them."""
    needs = {name: row["needs"] for name, row in course()["chapter"].items()}
    first = {}
    for earlier, chapter in chapters().items():
        for term in chapter.terms:
            first.setdefault(term, earlier)
    known = {name, *before(name, needs)}
    return sorted((said for term, said in chapters()[name].terms.items() if first[term] not in known), key=str.lower)
