"""`source`: a traced program as text that a person can read, and that runs without this package."""

import ast
import functools
import inspect
import math
import operator
import re
import sys
import textwrap

import numpy as np

from mathlib import nn
from mathlib.arithmetic import INSIDE, LIBRARIES, Number, name_of, unsupported
from mathlib.backprop import Node, walk_back
from mathlib.compiler import passes as all_passes
from mathlib.compiler.graph import Op, leaves
from mathlib.compiler.tracing import Traced, as_type, traced
from mathlib.compiler.watch import Watch, codes
from mathlib.door import floats, program
from mathlib.primitives import assemble, is_basic, part

NN = nn.__file__
LITERAL = 16  # numbers: larger arrays are arguments
WIDE = 72  # characters: what would be longer gets a line, and a name, of its own

OPERATORS = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.square: "{}**2",
    operator.pow: "{}**{}",
    np.power: "{}**{}",
    np.matmul: "{} @ {}",
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.equal: "{} == {}",
    np.not_equal: "{} != {}",
    np.bitwise_and: "{} & {}",
    np.bitwise_or: "{} | {}",
}
SUMS = {np.add.reduce: "np.sum", np.maximum.reduce: "np.max", np.minimum.reduce: "np.min"}
SUMS |= {np.sum: "np.sum", np.max: "np.max", np.min: "np.min"}


def source(f, *arguments, passes=None):
    """The text of a program: straight-line NumPy that does what f does, derivatives included.

    Parameters
    ----------
    f : a function of arrays, such as ``grad(loss)``
    arguments : theta, and what else f takes
        The text is for arrays of these shapes; they stand in its comments.
    passes : None, or True
        True: the program after each pass, one after the other.

    Returns
    -------
    str
        A function of the arguments, and of the arrays that f reads from outside; small ones are written out. Names are
        the user's where there are some: ``d_z`` is the derivative of the loss by z, ``z_dot`` the tangent of z. A
        branch that depends on an argument is an assertion that it goes the same way.

    Raises
    ------
    UnsupportedError, TypeError, ValueError, FloatingPointError
        As f raises them

    References
    ----------
    van Merriënboer, B., Moldovan, D. and Wiltschko, A. B. (2018), whose derivatives were Python that can be read.

    Examples
    --------
    >>> from mathlib import grad
    >>> def loss(x):
    ...     y = np.sin(x)
    ...     return np.sum(y * x)
    >>> print(source(grad(loss), np.ones(3)))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def gradient(x):
        y = np.sin(x)  # (3,)
        return y + x * np.cos(x)
    """
    program(f)
    floats(arguments[0] if arguments else 0, "theta")
    arguments = [np.array(a)[()] if isinstance(a, (np.ndarray, np.generic, float)) else a for a in arguments]
    f = getattr(f, "f", f)
    names, places = parameters(f, len(arguments)), outside(f)
    graph = with_names(f, arguments, names, places)
    captured = [(name, a) for _, _, name, a in places]
    name_parts(graph)
    steps = [("traced", graph)]
    for p in all_passes.ALL:
        steps.append((p.__name__, p(steps[-1][1])))
    title = getattr(f, "__name__", "program")
    title = title if title.isidentifier() else "program"
    if not passes:
        return str(Text(steps[-1][1], title, captured))
    parts = [f"# {name}: {len(graph.ops)} operations\n{Text(graph, title, captured)}" for name, graph in steps]
    return "\n\n\n".join(parts)


def parameters(f, n):
    """The names of the first n parameters of a function."""
    try:
        found = [
            p.name
            for p in inspect.signature(f).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        found = []
    return [*found[:n], *("theta" if i == 0 and not found else f"x{i}" for i in range(len(found), n))]


def outside(f):
    """The arrays that a function reads from outside: where they stand, and their names."""
    watch = Watch(f)
    places = [(Contents(cell), None, name, value) for cell, name, value in watch.cells]
    return [p for p in places + watch.named + watch.slots if isinstance(p[3], np.ndarray) and p[2].isidentifier()]


class Contents:
    """A variable of a closure as a place with a key."""

    def __init__(self, cell):
        self.cell = cell

    def __setitem__(self, key, value):
        self.cell.cell_contents = value


def with_names(f, arguments, names, places):
    """The graph of f with the names of its variables; what it reads from outside is an input like its arguments.

    For as long as it runs, numbers that are traced stand in the places of those arrays; where the program cannot go on
    with them, they are constants.
    """

    def on_all(*numbers):
        numbers = list(numbers)
        for place, key, name, _ in places:
            place[key] = numbers[len(arguments) + known.index(name)]
        try:
            return f(*numbers[: len(arguments)])
        finally:
            for place, key, _, value in places:
                place[key] = value

    unique = {name: value for _, _, name, value in places}
    known = list(unique)
    try:
        with Namer():
            graph, _ = traced(on_all, [*arguments, *unique.values()], [*names, *known])
        if not any(isinstance(guard.outcome, (np.ndarray, list)) for guard in graph.guards):
            used = {p for op in graph.ops for p in op.parents} | set(graph.ends)
            graph.inputs = [op for i, op in enumerate(graph.inputs) if i < len(arguments) or op in used]
            return graph
    except (TypeError, ValueError, IndexError):
        pass
    with Namer():
        return traced(f, arguments, names)[0]


# ------------------------------------------------------------------------------------------- names


class Namer:
    """While it is open, operations get the names of the variables that hold their results in the user's program."""

    def __init__(self):
        self.lines = {}

    def __enter__(self):
        self.before = sys.getprofile()
        sys.setprofile(self.event)
        return self

    def __exit__(self, *error):
        sys.setprofile(self.before)

    def event(self, frame, event, argument):
        """What a function that returns has named."""
        if event == "return":
            code = frame.f_code
            if code is Node.apply.__code__:
                node = frame.f_locals.get("node")
                if node is not None and node.run.tape is not None:
                    self.lines[id(node.run.tape), node.line] = node
            elif code.co_name == "pull" and code.co_filename.endswith("arithmetic.py"):
                self.adjoint(frame.f_back)
            elif code.co_name.startswith("<") and code.co_name != "<lambda>":
                return
            elif code.co_filename == NN or not code.co_filename.startswith((*INSIDE, *LIBRARIES)):
                for name, value in list(frame.f_locals.items()):
                    give(value, name)

    def adjoint(self, frame):
        """In the walk back: the gradient of a line has the name of the line."""
        if frame and frame.f_code is walk_back.__code__:
            tape, g = frame.f_locals["tape"], frame.f_locals.get("g")
            node = self.lines.get((id(tape), len(tape)))
            op = innermost(node)
            if op is not None and op.name:
                give(g, f"d_{op.name}")


def innermost(x):
    """The Op of a number's value, at any depth."""
    while isinstance(x, Number) and type(x) is not Traced:
        x = x.primal
    return x.op if type(x) is Traced else None


def give(x, name):
    """Give a number's value a name, and its tangent that of a tangent."""
    while isinstance(x, Node):
        x = x.value
    if type(x) is Traced:
        x.op.name = x.op.name or name
    elif hasattr(x, "parts") and isinstance(x, Number):
        give(x.parts[0], name)
        give(x.parts[1], f"{name}_dot")


def name_parts(graph):
    """Name the parts of a gradient after the parts of theta."""
    parts = {op.args[1]: op for op in graph.ops if op.function is part}
    for op in graph.ops:
        if op.function is assemble:
            for p, key in zip(op.args[0], op.args[1], strict=True):
                of = parts.get(key.start) if isinstance(key, slice) else None
                if of is not None and of.name and type(p) is Op:
                    while p.function in all_passes.RESHAPES and not p.name and type(p.args[0]) is Op:
                        p = p.args[0]
                    p.name = p.name or f"d_{of.name}"


# --------------------------------------------------------------------------------------------- text


def side_by_side(keys, shape):
    """The order in which slices follow each other from one end of a vector to the other; nothing, if they do not."""
    if len(shape) != 1 or any(leaves(keys)) or not all(type(k) is slice and k.step in (None, 1) for k in keys):
        return []
    cuts = [k.indices(shape[0])[:2] for k in keys]
    in_turn = sorted(range(len(keys)), key=cuts.__getitem__)
    ends = [0, *(cuts[i][1] for i in in_turn)]
    touching = all(cuts[i][0] == end for i, end in zip(in_turn, ends[:-1], strict=True))
    return in_turn if touching and ends[-1] == shape[0] else []


def tidy(text):
    """An expression without parentheses that change nothing."""
    return ast.unparse(ast.parse(text, mode="eval"))


# What the package's own error says, without the line in the user's program.
REFUSAL = """def unsupported(function, numbers, reason, instead):
    return TypeError(f"{function}: {reason}. Instead: {instead}.")"""


class Text:
    """A graph as text."""

    def __init__(self, graph, title, captured):
        self.graph, self.captured = graph, captured
        self.taken, self.arguments, self.helpers, self.lines = set(), [], {}, []
        self.names, self.inline = {}, {}
        for op in graph.inputs:
            self.names[op] = self.free(op.name)
        self.uses = {}
        for op in graph.ops:
            for p in op.parents:
                self.uses[p] = self.uses.get(p, 0) + 1
        for op in graph.ends:
            self.uses[op] = self.uses.get(op, 0) + 1
        asked = {}
        for guard in graph.guards:
            asked.setdefault(guard.op, []).append(guard)
        for op in (*graph.inputs, *graph.ops):
            if op.function:
                self.write(op)
            for guard in asked.get(op, ()):
                self.lines.append(f"assert {tidy(self.claim(guard))}  # {guard.place.partition(':')[0]}")
        outputs = graph.outputs if isinstance(graph.outputs, (tuple, list)) else [graph.outputs]
        self.lines.append("return " + ", ".join(tidy(self.plain(a)) for a in outputs))
        names = [*(self.names[op] for op in graph.inputs), *(name for name, _ in self.arguments)]
        body = textwrap.indent("\n".join(self.lines), "    ")
        head = "".join(f"{text}\n\n\n" for text in self.helpers.values())
        modules = "math", "operator", "scipy.linalg", "scipy.sparse", "scipy.special"
        used = [m for m in modules if re.search(rf"\b{m}\.", head + body)]
        own, others = ("".join(f"import {m}\n" for m in used if ("." in m) is foreign) for foreign in (False, True))
        self.text = f"{own}import numpy as np\n{others}\n\n{head}def {title}({', '.join(names)}):\n{body}"

    def __str__(self):
        return self.text

    def free(self, name):
        """A name that nothing else has."""
        name, k = name or "t1", 2
        stem = name.rstrip("0123456789") if name == "t1" else f"{name}_"
        while name in self.taken:
            name, k = f"{stem}{k}", k + 1
        self.taken.add(name)
        return name

    def write(self, op):
        """A line for an operation, or a part of the line that uses it."""
        if op.function is assemble:
            return self.write_assembled(op)
        text = tidy(self.expression(op))
        short = len(text) <= WIDE
        transposed = op.function in all_passes.TRANSPOSES and len(text) < 12
        if (self.uses.get(op) == 1 and not op.name and short) or transposed:
            self.inline[op] = text
            return None
        self.names[op] = self.free(op.name)
        comment = f"  # {op.shape}" if op.shape else ""
        self.lines.append(f"{self.names[op]} = {text}{comment}")
        return None

    def write_assembled(self, op):
        """An array that is put together from parts."""
        parts, keys, shape = op.args
        if in_turn := side_by_side(keys, shape):
            flat = [self.raveled(parts[i]) for i in in_turn]
            text = f"np.concatenate([{', '.join(flat)}])" if len(flat) > 1 else flat[0]
            if self.uses.get(op) == 1 and not op.name:
                self.inline[op] = text
            else:
                self.names[op] = self.free(op.name or "g")
                self.lines.append(f"{self.names[op]} = {text}  # {op.shape}")
            return
        self.names[op] = name = self.free(op.name or "g")
        precision = "" if op.dtype == float else f", np.{op.dtype}"
        self.lines.append(f"{name} = np.zeros({op.shape}{precision})")
        for key, p in zip(keys, parts, strict=True):
            if is_basic(key):
                self.lines.append(f"{name}[{self.key(key)}] += {self.plain(p)}")
            else:
                self.lines.append(f"np.add.at({name}, {self.plain(key)}, {self.plain(p)})")

    def raveled(self, p):
        """A part as a vector."""
        if type(p) is Op and p in self.inline and p.function is np.reshape and len(p.shape) == 1:
            return f"{self.atom(p.args[0])}.ravel()"
        return self.plain(p)

    def claim(self, guard):
        """What a guard takes for granted."""
        value = self.plain(guard.op)
        if guard.convert is bool:
            return value if guard.outcome else f"not {self.atom(guard.op)}"
        if guard.convert is np.shape:
            return f"{self.atom(guard.op)}.shape == {guard.outcome}"
        if isinstance(guard.outcome, np.ndarray):
            return f"np.array_equal({value}, {self.plain(guard.outcome)})"
        if guard.convert in (int, float):
            return f"{guard.convert.__name__}({value}) == {guard.outcome!r}"
        if isinstance(guard.convert, functools.partial):  # written into a text
            return f"format({value}, {guard.convert.args[0]!r}) == {guard.outcome!r}"
        return f"np.array_equal({value}, {self.plain(guard.outcome)})"

    def expression(self, op):
        """An operation in NumPy's words."""
        f, args, kwargs = op.function, op.args, op.kwargs
        if f in OPERATORS and not kwargs:
            return OPERATORS[f].format(*map(self.atom, args))
        if f in all_passes.TRANSPOSES:
            return f"{self.atom(args[0])}.{'T' if len(op.shape) == 2 else 'mT'}"
        if f is part:
            start, shape = args[1:]
            cut = f"{self.atom(args[0])}[{start}:{start + math.prod(shape)}]"
            return cut if len(shape) == 1 else f"{cut}.reshape{shape}"
        if f is operator.getitem:
            return f"{self.atom(args[0])}[{self.key(args[1])}]"
        if f in (np.reshape, np.ravel):
            shape = ", ".join(map(str, op.shape)) or "()"
            return (
                f"{self.atom(args[0])}.reshape({shape})"
                if type(args[0]) is Op
                else self.call("np.reshape", (args[0], op.shape), {})
            )
        if f is as_type:
            return f"{self.atom(args[0])}.astype(np.{args[1].name})"
        if f is nn.pad:
            p = args[1]
            return f"np.pad({self.plain(args[0])}, ((0, 0), ({p}, {p}), ({p}, {p}), (0, 0)))"
        if f in SUMS and set(kwargs) <= {"axis", "keepdims"}:
            axis = args[1] if len(args) > 1 else kwargs.get("axis", None if f in (np.sum, np.max, np.min) else 0)
            axis = axis[0] if type(axis) is tuple and len(axis) == 1 else axis
            along = {} if axis is None else {"axis": axis}
            return self.call(SUMS[f], args[:1], along | ({"keepdims": True} if kwargs.get("keepdims") else {}))
        return self.call(self.function(f), args, kwargs)

    def function(self, f):
        """A function by its name."""
        if isinstance(getattr(f, "__self__", None), np.ufunc):
            return f"np.{f.__self__.__name__}.{f.__name__}"
        name = name_of(f)
        return name if name.startswith(("np.", "scipy.special.")) else self.helper(f)

    def call(self, name, args, kwargs):
        """A call."""
        given = [self.plain(a) for a in args] + [f"{k}={self.plain(a)}" for k, a in kwargs.items()]
        return f"{name}({', '.join(given)})"

    def plain(self, a):
        """An argument."""
        if type(a) is Op:
            return self.names.get(a) or self.inline[a]
        if isinstance(a, np.ndarray):
            return self.array(a) if a.ndim or a.dtype != float else repr(a.item())
        if type(a) in (tuple, list):
            inside = ", ".join(map(self.plain, a))
            return f"[{inside}]" if type(a) is list else f"({inside},)" if len(a) == 1 else f"({inside})"
        if type(a) is slice:
            return f"slice({self.plain(a.start)}, {self.plain(a.stop)}, {self.plain(a.step)})"
        if isinstance(a, np.float64):
            a = float(a)
        if isinstance(a, float) and not math.isfinite(a):
            return f"np.{'nan' if a != a else 'inf'}" if a != -math.inf else "-np.inf"
        if isinstance(a, np.generic):
            return f"np.{a.dtype.name}({a.item()!r})"
        if callable(a) and not isinstance(a, type):
            return self.function(a)
        if isinstance(a, type):
            module = re.sub(r"\._.*", "", a.__module__)
            return a.__name__ if module == "builtins" else f"{module.replace('numpy', 'np')}.{a.__name__}"
        return f"np.{a.name}" if isinstance(a, np.dtype) else repr(a)

    def atom(self, a):
        """An argument beside an operator."""
        text = self.plain(a)
        return text if re.fullmatch(r"[\w.]+(\[[^\[\]]*\])?|[\w.]+\([^()]*\)", text) else f"({text})"

    def key(self, key):
        """An index."""
        if type(key) is tuple:
            return ", ".join(map(self.key, key)) or "()"
        if type(key) is slice:
            parts = ["" if k is None else self.plain(k) for k in (key.start, key.stop, key.step)]
            return ":".join(parts if parts[2] else parts[:2])
        return "..." if key is ... else self.plain(key)

    def array(self, a):
        """An array that the program reads from outside: an argument or, if it is small, a literal."""
        for name, known in self.arguments:
            if known is a or (known.shape == a.shape and known.dtype == a.dtype and np.array_equal(known, a)):
                return name
        outside = next(
            (n for n, b in self.captured if b.shape == a.shape and b.dtype == a.dtype and np.array_equal(a, b)), None
        )
        if outside is None and (text := self.literal(a)):
            return text
        name = self.free(outside or "c1" if outside else self.numbered())
        self.arguments.append((name, a))
        return name

    def literal(self, a):
        """An array written out, if it is short to write."""
        precision = "" if a.dtype in (float, int, bool) else f", np.{a.dtype}"
        if a.size == 0:
            return f"np.zeros({a.shape}, np.{a.dtype})" if precision or a.dtype != float else f"np.zeros({a.shape})"
        if a.size > 1 and all_passes.uniform(a):
            return f"np.full({a.shape}, {self.plain(a.flat[0].item())}{precision})"
        if a.size <= LITERAL or (a.size <= 4 * LITERAL and a.dtype.kind in "biu"):
            return f"np.array({self.plain(a.tolist())}{precision})"
        known = {"np.arange": a.shape[:1], "np.eye": a.shape[:1]} if a.dtype in (int, float) else {}
        for make, (n,) in known.items():
            b = (np.arange if make == "np.arange" else np.eye)(n)
            if b.shape == a.shape and np.array_equal(a, b) and b.dtype == a.dtype:
                return f"{make}({n})"
        return None

    def numbered(self):
        """A name for an array that has none."""
        return f"c{1 + sum(name[0] == 'c' and name[1:].isdigit() for name, _ in self.arguments)}"

    def helper(self, f):
        """A function that is no single call of NumPy's: its own text is part of the program."""
        f = getattr(f, "__wrapped__", f)
        if f is unsupported:
            self.helpers[f.__name__] = REFUSAL
        if f.__name__ not in self.helpers:
            self.helpers[f.__name__] = ""  # its place, should it call itself
            for name in (name for code in codes(f.__code__) for name in code.co_names):
                other = f.__globals__.get(name)
                other = getattr(other, "__wrapped__", other)
                if inspect.isfunction(other) and not (other.__module__ or "").startswith("numpy"):
                    self.helper(other)
                elif inspect.isfunction(other):
                    self.helpers[name] = f"{name} = {name_of(other)}"
                elif isinstance(other, (int, float, tuple, list)):
                    self.helpers[name] = f"{name} = {self.plain(other)}"
                elif inspect.ismodule(other) and other.__name__ not in (name, "numpy"):
                    package, _, module = other.__name__.rpartition(".")
                    self.helpers[name] = f"from {package} import {module} as {name}"
            text = self.helpers.pop(f.__name__)
            lines = textwrap.dedent(inspect.getsource(f)).splitlines()
            first = next(i for i, line in enumerate(lines) if line.startswith("def "))
            self.helpers[f.__name__] = text + "\n".join(lines[first:])
            self.taken.add(f.__name__)
        return f.__name__
