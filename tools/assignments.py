"""Write problem sets from the book's own exercises: `_build/assignments/set-1.ipynb` and so on, and the keys apart.

Which exercises a set has says `book/course.toml`. A set has for each what it builds on, the question, a place for the
answer and the check; a key has the question, the hint and the solution, with the check's verdict.
"""

import re
import sys

import nbformat
from course import BOOK, chapters, course, exercises
from lab import citations, labels, parse_file, plain
from notebooks import METADATA, install_cell
from printed import about

ROOT = BOOK.parent
TARGET = ROOT / "_build" / "assignments"
sys.path.append(str(BOOK / "_live"))
from runner import needed  # noqa: E402

QUESTION = r"(:{{3,}})\{{exercise\}} (.+)\n:label: {label}\n\n(.*?)\n\1$"
FOLDED = re.compile(r"<details><summary>(Hint|Solution)</summary>\n\n(.+?)\n\n</details>", re.DOTALL)


class Task:
    """An exercise as its chapter has it: the question, the folded texts, and its cells of code by their roles."""

    def __init__(self, label):
        self.label = label
        self.chapter = chapters()[exercises()[label].chapter]
        cells = self.chapter.notebook.cells
        pattern = re.compile(QUESTION.format(label=label), re.DOTALL | re.MULTILINE)
        first = next(k for k, cell in enumerate(cells) if cell.cell_type == "markdown" and pattern.search(cell.source))
        _, self.title, self.question = pattern.search(cells[first].source).groups()
        self.folded, self.code = [], {"answer": [], "check": [], "solution": []}
        self.above = [cell.source for cell in cells[:first] if cell.cell_type == "code" and not role(cell)]
        text = cells[first].source[pattern.search(cells[first].source).end() :]
        for cell in cells[first + 1 :]:
            self.folded += FOLDED.findall(text.partition("{exercise}")[0])
            if "{exercise}" in text or (cell.cell_type == "markdown" and cell.source.startswith("## ")):
                break
            text = cell.source if cell.cell_type == "markdown" else ""
            if role(cell):
                self.code[role(cell)].append(cell.source)

    @property
    def ground(self):
        """The code of the chapter that the exercise builds on."""
        codes = [*self.code["answer"], *self.code["check"], *self.code["solution"]]
        return [self.above[k] for k in needed([*self.above, "\n".join(codes)])]


def role(cell):
    tags = cell.metadata.get("tags", [])
    return next((tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-")), None)


def code(source, name, folded=False):
    cell = nbformat.v4.new_code_cell(source, id=name)
    if folded:
        cell.metadata["jupyter"] = {"source_hidden": True}
    return cell


def text(source, name):
    return nbformat.v4.new_markdown_cell(source, id=name)


def plainly():
    """A function that puts text or a link in the place of what plain Jupyter does not know."""
    notebooks = {f"{name}.ipynb": chapter.notebook for name, chapter in chapters().items()}
    cited, place = dict(citations(parse_file(BOOK / "references.bib"))), labels(notebooks)
    address = f"{about()['repository']}/blob/main/book"
    return lambda source: re.sub(r"\]\((\d-\d-[\w-]+\.ipynb)\)", rf"]({address}/\1)", plain(source, "", cited, place))


def notebook(cells):
    made = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    nbformat.validate(made)
    return made


def opening(number, row, words):
    return [text(f"# Problem set {number}: {row['title']}\n\n{words}", "title"), install_cell()]


def build_set(number, row, say):
    """A problem set, without hints and solutions."""
    words = (
        "Put your answers in the place of the dots. A check says what is wrong, as often as you ask. ✍ is for paper."
    )
    cells = opening(number, row, words)
    for label in row["exercises"]:
        task = Task(label)
        ground = "\n\n".join([f"# What this exercise builds on, from chapter {task.chapter.number}", *task.ground])
        cells.append(text(f"## {task.title}\n\n{say(task.question)}", label))
        cells.append(code(ground, f"{label}-ground", folded=True))
        cells += [code(source, f"{label}-answer-{k}") for k, source in enumerate(task.code["answer"])]
        cells += [code(source, f"{label}-check-{k}") for k, source in enumerate(task.code["check"])]
        if not task.code["answer"]:
            cells.append(text("*Your answer:*", f"{label}-answer"))
    return notebook(cells)


def build_key(number, row, say):
    """Its key."""
    cells = opening(number, row, "The key.")
    for label in row["exercises"]:
        task = Task(label)
        cells.append(text(f"## {task.title}\n\n{say(task.question)}", label))
        cells += [text(f"**{kind}.** {say(content)}", f"{label}-{kind.lower()}") for kind, content in task.folded]
        if task.code["solution"]:
            cells.append(code("\n\n".join(task.ground), f"{label}-ground", folded=True))
        cells += [code(source, f"{label}-solution-{k}") for k, source in enumerate(task.code["solution"])]
    return notebook(cells)


def write(target=TARGET):
    say = plainly()
    (target / "keys").mkdir(parents=True, exist_ok=True)
    for number, row in course()["set"].items():
        nbformat.write(build_set(number, row, say), target / f"set-{number}.ipynb")
        nbformat.write(build_key(number, row, say), target / "keys" / f"set-{number}.ipynb")


def main():
    write()
    print(f"{len(course()['set'])} problem sets are in {TARGET}, their keys in {TARGET / 'keys'}.")


if __name__ == "__main__":
    main()
