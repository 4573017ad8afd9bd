"""Runs the cells of a page in the reader's browser: inside Pyodide, in a worker.

`run` and `draw` are called by worker.js. What a cell prints and shows goes to `post`, one JSON object each, while it
runs. Nothing here is part of `mathlib`.
"""

import ast
import base64
import builtins
import io
import json
import linecache
import os
import shutil
import sys
import time
import traceback
import types
from importlib.util import find_spec
from pathlib import Path

HOME = "/home/pyodide"
MAX_TEXT = 200_000  # characters that a cell may print
EVERY = 0.05  # seconds between two messages of printed text

post = print  # worker.js sets it
figures = {}  # the moving figures by their ids, as last defined
frames = set()  # the ids of those that may keep the frames that were drawn with the book
main = types.ModuleType("__main__")
latest = None  # the stream that was written to last


def start(to_page):
    """Get ready: the book's folder is the working directory, as in a checkout."""
    global post
    post = to_page
    Path(HOME, "book").mkdir()
    os.chdir(f"{HOME}/book")
    sys.path[:0] = [HOME]
    sys.modules["__main__"] = main
    sys.modules["live"] = sys.modules[__name__]
    os.environ["MPLBACKEND"] = "module://live_backend"
    builtins.display = display
    # Or matplotlib would look through all fonts at its first import, for three seconds.
    if matplotlib := find_spec("matplotlib"):
        shutil.copy(f"{HOME}/fontlist.json", Path(matplotlib.origin).parent)


class Printed(io.TextIOBase):
    """Standard output or standard error: hands on what is written, not too often and not without end."""

    def __init__(self, kind):
        self.kind, self.waiting, self.length, self.sent = kind, [], 0, 0.0

    def write(self, text):
        global latest
        if latest is not self and latest:
            latest.flush()
        latest = self
        self.waiting.append(text[: max(0, MAX_TEXT - self.length)])
        self.length += len(text)
        if self.length - len(text) < MAX_TEXT <= self.length:
            self.waiting.append("\n… The rest is not shown: a cell may print 200 000 characters.\n")
        if time.monotonic() - self.sent > EVERY:
            self.flush()
        return len(text)

    def flush(self):
        text = "".join(self.waiting)
        self.waiting, self.sent = [], time.monotonic()
        if text:
            send(self.kind, text=text)


def send(kind, **content):
    post(json.dumps({"kind": kind, **content}))


def show(kind, **content):
    """Send what is not printed, after what was."""
    sys.stdout.flush()
    sys.stderr.flush()
    send(kind, **content)


def run(name, code, kept_frames=()):
    """Run a cell; return whether it ran to its end.

    `kept_frames` are the ids of figures that may move by the book's frames: no code has been edited so far.
    """
    frames.clear()
    frames.update(kept_frames)
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Printed("text"), Printed("warning")
    try:
        execute(name, code, main.__dict__)
        show_open_figures()
    except BaseException as error:
        report(error, name)
        return False
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
    return True


def execute(name, code, namespace, show=None):
    """Run the statements; show the value of a last expression that has no semicolon after it."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if last:
        value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
        if value is not None and not code.rstrip().endswith(";"):
            (show or display)(value)


def report(error, name):
    """Show an error from the reader's own lines on, without those of this file, and say which line it was."""
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_code.co_filename.startswith("<cell"):
        trace = trace.tb_next
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == name]
    if isinstance(error, SyntaxError) and error.filename == name:
        lines = [error.lineno]
    text = "".join(traceback.format_exception(type(error), error, trace))
    show("error", text=text, name=type(error).__name__, line=lines[-1] if lines else None)


# ── what a cell needs ──


def needed(codes):
    """The indices of the cells that the last one needs, in their order: those that bind the names it uses, and theirs.

    Of several cells that bind a name the last one above counts. The names in a function's body are looked up from
    where it is called. A cell that stores into an object binds the object's name.
    """
    cells, last = [Names(code) for code in codes], len(codes) - 1
    found, seen = set(), set()
    todo = [(name, last) for name in cells[last].used]
    while todo:
        name, place = demand = todo.pop()
        binder = next((i for i in reversed(range(place)) if name in cells[i].bound), None)
        if demand in seen or binder is None:
            continue
        seen.add(demand)
        found.add(binder)
        todo += [(used, binder) for used in cells[binder].used]
        todo += [(later, place) for later in cells[binder].later.get(name, ())]
    return sorted(found)


FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
BLOCKS = ast.For, ast.While, ast.If, ast.With, ast.Try, ast.ExceptHandler
SCOPES = (*FUNCTIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Names:
    """The names that a cell binds, those it uses as it runs, and those that are used when a name of its is called."""

    def __init__(self, code):
        self.bound, self.used, self.later = set(), set(), {}
        try:
            statements = ast.parse(code).body
        except SyntaxError:  # it is for the cell to report
            statements = []
        for statement in statements:
            self.add(statement)

    def add(self, statement):
        if isinstance(statement, BLOCKS):
            first = [statement.iter] if isinstance(statement, ast.For) else []  # it is looked up before the target
            for part in [*first, *ast.iter_child_nodes(statement)]:
                self.add(part)
            return
        if isinstance(statement, FUNCTIONS):
            bound, inner = {statement.name}, free(statement)
            outer = [*statement.decorator_list, *getattr(statement, "bases", []), *defaults(statement)]
            now = inner if statement.decorator_list else set().union(*map(free, outer))  # a decorator may call it
        else:
            bound, now = stored(statement), free(statement)
            inner = set().union(*(free(node) for node in ast.walk(statement) if isinstance(node, ast.Lambda)))
        self.use(now)
        self.bound |= bound
        self.later |= dict.fromkeys(bound, inner)

    def use(self, names):
        """Note the names that come from above, also of the cell's own functions that are called."""
        todo, seen = list(names), set()
        while todo:
            name = todo.pop()
            if name not in seen and name in self.bound:
                todo += self.later.get(name, ())
            elif name not in seen:
                self.used.add(name)
            seen.add(name)


def defaults(function):
    arguments = getattr(function, "args", None)
    return [d for d in [*arguments.defaults, *arguments.kw_defaults] if d] if arguments else []


def free(node):
    """The names that some code looks up outside of itself."""
    found = set().union(*map(free, ast.iter_child_nodes(node)))
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        found.add(node.id)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        found.add(node.target.id)
    if isinstance(node, SCOPES):
        inside = list(ast.walk(node))
        found -= {n.arg for n in inside if isinstance(n, ast.arg)} | {
            n.name for n in inside if isinstance(n, FUNCTIONS)
        }
        found -= {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


def stored(node):
    """The names that a statement binds, or whose objects it stores into."""
    if isinstance(node, ast.alias):
        return {node.asname or node.name.partition(".")[0]}
    if isinstance(node, SCOPES):
        return {node.name} if isinstance(node, FUNCTIONS) else set()
    if isinstance(getattr(node, "ctx", None), ast.Store):
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        if isinstance(node, ast.Name):
            return {node.id}
    return set().union(*map(stored, ast.iter_child_nodes(node)))


# ── what a value looks like ──


def display(*values):
    """Show values as a notebook does: figures, LaTeX, tables, and otherwise their text."""
    for value in values:
        kind, content = picture(value)
        show(kind, **content)


def picture(value):
    if is_a(value, "matplotlib.figure", "Figure"):
        return "png", png(value)
    if is_a(value, "mathlib.show.explorable", "Explorable"):
        return "figure", figure(value)
    if is_a(value, "mathlib.exercises", "Verdict"):
        return "verdict", {"text": repr(value), "state": value.state}
    for kind, method in (("latex", "_repr_latex_"), ("html", "_repr_html_"), ("svg", "_repr_svg_")):
        if not isinstance(value, type) and (text := getattr(value, method, lambda: None)()):
            return kind, {"text": text}
    return "text", {"text": repr(value) + "\n"}


def is_a(value, module, name):
    """Whether it is an instance of a class whose module need not have been imported."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name))


def png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight", facecolor="white")
    titles = "; ".join(filter(None, (ax.get_title() for ax in figure.axes)))
    alt = f"A figure: {titles}" if titles else "A figure, drawn by the cell above"
    return {"data": base64.b64encode(buffer.getvalue()).decode(), "alt": alt}


def show_open_figures():
    """Show and close the figures that matplotlib holds open."""
    if plt := sys.modules.get("matplotlib.pyplot"):
        for number in plt.get_fignums():
            display(plt.figure(number))
            plt.close(number)


# ── moving figures ──


def figure(explorable):
    figures[explorable.id] = explorable
    if explorable.id in frames:
        return {"id": explorable.id}
    sliders = [control(s) for s in explorable.sliders.values()]
    start = [s.value for s in explorable.sliders.values()]
    return {
        "id": explorable.id,
        "caption": explorable.caption,
        "alt": explorable.alt,
        "sliders": sliders,
        **drawing(explorable, start),
    }


def control(slider):
    """A slider for any value between the ends, if its values are not whole numbers."""
    first, last = slider.values[0], slider.values[-1]
    step = (last - first) / (len(slider.values) - 1)
    if any(isinstance(value, float) for value in slider.values):
        step /= 10
    return {"label": slider.label, "min": first, "max": last, "step": step, "value": slider.value}


def draw(name, values):
    """Draw a figure at any values; where it has none, at its nearest positions."""
    explorable = figures[name]
    sliders = list(explorable.sliders.values())
    values = [nearest(s, v) if near(s, v) else v for s, v in zip(sliders, values, strict=True)]
    try:
        return json.dumps(drawing(explorable, values))
    except Exception:
        values = [nearest(s, v) for s, v in zip(sliders, values, strict=True)]
        return json.dumps(drawing(explorable, values))


def nearest(slider, value):
    return min(slider.values, key=lambda position: abs(position - value))


def near(slider, value):
    """Whether a value is a position but for rounding, or must be one."""
    position = nearest(slider, value)
    whole = all(isinstance(v, int) for v in slider.values)
    return whole or abs(position - value) < 1e-6 * (slider.values[-1] - slider.values[0])


def drawing(explorable, values):
    from mathlib.show.svg import elements

    picture = explorable(**dict(zip(explorable.sliders, values, strict=True)))
    readouts = [s.read(v) for s, v in zip(explorable.sliders.values(), values, strict=True)]
    return {"svg": "".join(elements(picture, explorable.id)), "values": values, "readouts": readouts}
