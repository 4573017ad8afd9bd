"""How long a chapter takes to read, by one formula.

    python tools/minutes.py book/*.ipynb    words, formulas, cells, figures and minutes, of the core path and of all

What counts is what is in view before "Check yourself": the core path is without the sections headed "Further: …".
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

WORDS_A_MINUTE = 150  # of prose to think over; what needs no thought is read at 240 (Brysbaert, 2019)
MINUTES = {"formulas": 0.3, "cells": 0.6, "figures": 1.0}  # each; a formula is one that stands on a line of its own

FURTHER = "Further: "
ENDS = {"Check yourself", "Exercises", "Further reading"}
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
DISPLAYED = re.compile(r"^\$\$$.*?^\$\$.*?$", re.MULTILINE | re.DOTALL)
# In the box of objectives; tools/notebooks.py writes it, and it does not count, or it would change what it says.
TIME = re.compile(r"^\*+Time:\*+.*?\.(?= |$)", re.MULTILINE)
# Directives, options, labels and the addresses of links are not read.
MARKUP = re.compile(r"^(:::|```).*$|^:\w+:.*$|^\(\S+\)=$|\]\([^)]*\)|\{[\w:]+\}", re.MULTILINE)
# A formula within a line is read as a word.
INLINE = re.compile(r"\$[^$]+\$")
WORD = re.compile(r"\w[\w'’-]*")


@dataclass
class Amount:
    """What there is to read."""

    words: int = 0
    formulas: int = 0
    cells: int = 0
    figures: int = 0

    @property
    def minutes(self):
        return self.words / WORDS_A_MINUTE + sum(each * getattr(self, kind) for kind, each in MINUTES.items())

    def __add__(self, other):
        return Amount(*(getattr(self, name) + getattr(other, name) for name in vars(self)))


def text(markdown):
    formulas = len(DISPLAYED.findall(markdown))
    plain = INLINE.sub("x", MARKUP.sub(" ", TIME.sub(" ", DISPLAYED.sub(" ", markdown))))
    return Amount(words=len(WORD.findall(plain)), formulas=formulas)


def code(cell):
    figures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
    in_view = not FOLDED & set(cell.metadata.get("tags", []))
    return Amount(cells=int(in_view and not figures), figures=figures)


def pieces(cells):
    """Yield each piece of a cell between headings, with its heading: (level, title) or None, and an amount."""
    for cell in cells:
        if cell.cell_type == "code":
            yield None, code(cell)
        elif cell.cell_type == "markdown":
            before, *rest = HEADING.split(cell.source)
            yield None, text(before)
            for level, title, body in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
                yield (len(level), title), text(f"{title}\n{body}")


def sections(notebook):
    """Yield what there is to read before "Check yourself", each piece with the number of its further section, or 0."""
    number = count = level_of_further = 0
    for heading, amount in pieces(notebook.cells):
        if heading:
            level, title = heading
            if title in ENDS:
                break
            if not number or level <= level_of_further:
                count += title.startswith(FURTHER)
                number, level_of_further = (count, level) if title.startswith(FURTHER) else (0, 0)
        yield number, amount


def amounts(notebook):
    """Return what the core path holds, and what the sections do that are headed "Further: …"."""
    core, further = Amount(), Amount()
    for number, amount in sections(notebook):
        if number:
            further += amount
        else:
            core += amount
    return core, further


def further_sections(notebook):
    """Return what each section holds that is headed "Further: …" and stands in no other."""
    found = {}
    for number, amount in sections(notebook):
        found[number] = found.get(number, Amount()) + amount
    found.pop(0, None)
    return list(found.values())


def rounded(minutes):
    return max(5, 5 * round(minutes / 5))


def sentence(notebook):
    """Say how long the notebook takes, as its box of objectives does."""
    core, further = amounts(notebook)
    short, whole = rounded(core.minutes), rounded((core + further).minutes)
    more = f", {whole} with what is further" if whole > short else ""
    return f"*Time:* {short} minutes{more}; exercises apart."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    print(f"{'':32} {'words':>13} {'formulas':>9} {'cells':>7} {'figures':>7} {'minutes':>9}   core/all")
    for path in parser.parse_args().notebooks:
        core, further = amounts(nbformat.read(path, as_version=4))
        whole = core + further
        pairs = [(getattr(core, name), getattr(whole, name)) for name in ("words", "formulas", "cells", "figures")]
        columns = [f"{a}/{b}" for a, b in [*pairs, (round(core.minutes), round(whole.minutes))]]
        print(f"{path.stem:32} {columns[0]:>13} {columns[1]:>9} {columns[2]:>7} {columns[3]:>7} {columns[4]:>9}")


if __name__ == "__main__":
    main()
