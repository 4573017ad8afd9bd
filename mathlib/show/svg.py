"""A matplotlib figure as a small, reproducible SVG that takes its colours from the page.

`elements` turns a figure into a list of tags; `pack` stores many such lists that have much in common.
"""

import functools
import io
import itertools
import re
from unittest import mock

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import TextToPath

from mathlib.show.style import COLOURS, STYLE

VARIABLES = {colour: f"var(--fig-{name})" for name, colour in COLOURS.items()}
VARIABLES |= {"#000000": "var(--fig-ink)", "black": "var(--fig-ink)", "white": "var(--fig-paper)"}

NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


class RememberingParser(MathTextParser):
    """Matplotlib's parser of formulas, which parses each once.

    Matplotlib remembers fifty, and for one canvas; a figure's layout and drawing, and each of its frames, have a
    canvas of their own.
    """

    def parse(self, s, dpi=72, prop=None, **options):
        return self._parse_once(s, dpi, prop and prop.copy(), **options)

    _parse_once = functools.cache(MathTextParser.parse)


@functools.cache
def text_to_path():
    """What lays out the text of all figures."""
    shared = TextToPath()
    shared.mathtext_parser = RememberingParser("path")
    return shared


def elements(figure, prefix):
    """List the tags of the figure's SVG. Every id starts with `prefix`: many figures share a page.

    The figure's and the axes' backgrounds are hidden, in the figure itself too.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": STYLE["svg.fonttype"], "svg.hashsalt": STYLE["svg.hashsalt"]}):
        # What figure.savefig(transparent=True) does, without drawing everything twice.
        for patch in (figure.patch, *(ax.patch for ax in figure.axes)):
            patch.set_visible(False)
        with mock.patch("matplotlib.text.TextToPath", text_to_path):
            FigureCanvasSVG(figure).print_svg(buffer, metadata=NO_METADATA)
    text = buffer.getvalue()
    width, height = re.search(r'viewBox="0 0 (\S+) (\S+)"', text).groups()
    body = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)[1]
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'base64,[^"]*', lambda m: re.sub(r"\s", "", m[0]), body)
    targets = set(re.findall(r'(?:href="|url\()#([^")]+)', body))
    head = f'<svg viewBox="0 0 {width} {height}" stroke-linejoin="round" aria-hidden="true" focusable="false">'
    return [head, *(_tidy(tag, targets, prefix) for tag in re.findall(r"<[^>]+>", body)), "</svg>"]


def _tidy(tag, targets, prefix):
    tag = re.sub(r"\s+", " ", tag).replace("xlink:href", "href")
    tag = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in targets else "", tag)
    tag = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", tag)
    tag = re.sub(r'(?<= d=")[^"]*', lambda m: _shorten(m[0]), tag)
    tag = re.sub(r'(?<= style=")[^"]*', lambda m: _theme(m[0]), tag)
    return re.sub(r' (?:x|y|transform)="[^"]*"', lambda m: _round(m[0], 3), tag)


def _round(text, digits):
    return NUMBER.sub(lambda m: f"{float(m[0]):.{digits}f}".rstrip("0").rstrip("."), text)


def _shorten(path):
    """Round to a tenth of a point, which is a fifth of a pixel, and write lines as steps."""
    pieces, last, at = [], "", (0, 0)
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        tenths = [round(10 * float(number)) for number in numbers.split()]
        if command == "L":
            command, tenths, at = "l", [tenths[0] - at[0], tenths[1] - at[1]], tenths
        else:
            at = tenths[-2:] or at
        text = " ".join(f"{tenth / 10:g}" for tenth in tenths)
        pieces.append(f" {text}" if command == last and command in "lQC" else command + text)
        last = command
    return re.sub(r" (?=-)|(?<!\d)0(?=\.)", "", "".join(pieces))


def _theme(style):
    style = re.sub("; *stroke-dashoffset: 0(?=;|$)", "", style).replace("; ", ";").replace(": ", ":")
    return re.sub(r"(?<=:)(?:#[0-9a-f]{6}|black|white)\b", lambda m: VARIABLES.get(m[0], m[0]), style)


def pack(frames):
    """Frames, as ``{"parts": [...], "frames": [[start, count, start, count, ...], ...]}``.

    Each part, a tag or half of one, is stored once, in order of appearance; a frame is a list of runs through
    that store.
    """
    index = {}
    packed = []
    for frame in frames:
        runs = []
        for part in itertools.chain.from_iterable(map(_split, frame)):
            at = index.setdefault(part, len(index))
            if runs and sum(runs[-2:]) == at:
                runs[-1] += 1
            else:
                runs += [at, 1]
        packed.append(runs)
    return {"parts": list(index), "frames": packed}


def _split(tag):
    """Cut a path behind its shape: a thousand moving shapes may have one style."""
    return re.fullmatch(r'(<path d="[^"]*)(.*)', tag).groups() if tag.startswith("<path d=") else [tag]
