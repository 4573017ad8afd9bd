"""A plan: a graph as straight-line NumPy on buffers that are made once.

Arrays live in one arena: a buffer is used again as soon as nobody reads it any more, and an elementwise function writes
in place where it may. Reshapes, slices and transposes of them are views, made once. Numbers without axes are Python's
own. What goes into a part of the answer is written there. Results are new arrays.

Each running thread has a workspace of its own: the arena, its views, and the code that knows them.
"""

import collections
import contextlib
import functools
import math
import operator
from itertools import pairwise

import numpy as np

from mathlib.compiler.graph import Op, leaves
from mathlib.compiler.passes import TRANSPOSES, VIEWS
from mathlib.compiler.tracing import as_type
from mathlib.door import is_finite
from mathlib.nn import overlap_add, windows
from mathlib.primitives import assemble, deposit, is_basic, part, sech2

PRODUCTS = {np.matmul, np.linalg.matmul, np.dot}
REDUCTIONS = {np.sum: np.add, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum, np.amin: np.minimum}
REDUCTIONS |= {np.add.reduce: np.add, np.maximum.reduce: np.maximum, np.minimum.reduce: np.minimum}
BY_NAME = {np.maximum, np.minimum, np.fmax, np.fmin}  # their `out` must be named
SMALL = 2**14  # bytes: below, to copy costs less than to make views
ALIGNED = 64
FEW = 64  # numbers: of longer vectors, NumPy takes the sum
LONG_FORMULA = 1000  # characters: a longer one is written in steps, as Python's compiler nests only so deep
CHAINED, PIECE = 2**18, 2**16  # numbers: of so many, elementwise functions are calculated in pieces

# What Python's own numbers can do as NumPy does it; what is out of their range raises, and NumPy is asked.
OF_NUMBERS = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.positive: "+{}",
    np.square: "{0} * {0}",
    np.reciprocal: "1.0 / {}",
    np.absolute: "abs({})",
    np.fabs: "abs({})",
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.equal: "{} == {}",
    np.not_equal: "{} != {}",
    operator.pow: "power({}, {})",
    np.power: "power({}, {})",
    np.arctan: "atan({})",
    np.arcsin: "asin({})",
    np.arccos: "acos({})",
    np.arctan2: "atan2({}, {})",
}
COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
# What can make ordinary numbers too small, and the operands that are not zero if it has.
SHRINKING = {np.multiply: "{0} and {1}", np.divide: "{0}", np.square: "{0}", np.power: "{0}", operator.pow: "{0}"}
SHRINKING |= {np.reciprocal: "True", np.exp: "True"}
TINY = float(np.finfo(float).tiny)
LIKE_NUMPY_S = "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "expm1", "log1p"
OF_NUMBERS |= {getattr(np, name): name + "({})" for name in LIKE_NUMPY_S}
MATH = {name: getattr(math, name) for name in (*LIKE_NUMPY_S, "atan", "asin", "acos")}
MATH |= {"power": math.pow, "atan2": math.atan2}


class ChangedError(Exception):
    """A guard that does not hold: its number."""


class Plan:
    """A graph, to be run again and again: `plan(*inputs)` gives the outputs.

    None, where one of the first n inputs or an output is not finite, or a number on the way has lost digits to
    underflow; a ChangedError, where a guard does not hold.
    """

    def __init__(self, writer):
        self.writer, self.idle = writer, collections.deque()

    def __call__(self, *inputs):
        run = self.workspace()
        try:
            if self.writer.pure:
                return run(*inputs)
            lost = []
            with np.errstate(all="ignore", under="call", call=lambda *_: lost.append(True)):
                answers = run(*inputs)
            return None if lost else answers
        except ChangedError:
            raise
        except Exception:  # the loss itself will say what is wrong, if something is
            return None
        finally:
            self.idle.append(run)

    def workspace(self):
        """A program with buffers that no other thread uses."""
        try:
            return self.idle.pop()
        except IndexError:
            return self.writer.workspace()[0]


class ProductPlan(Plan):
    """A plan of what depends on v, with what does not; None also where an outcome that depends on v is another one.

    Its workspaces are those of an earlier one that is no longer needed, if there is one.
    """

    def __init__(self, writer, fixed):
        super().__init__(writer)
        self.numbers = [a for a, op in zip(fixed, writer.fixed, strict=True) if op.shape == ()]
        self.kept = [a for a, op in zip(fixed, writer.fixed, strict=True) if op.shape != ()]
        self.mine = []
        self.idle.append(self.workspace())

    def __call__(self, v):
        with contextlib.suppress(ChangedError):
            return super().__call__(v, *self.numbers)
        return None

    def workspace(self):
        try:
            return self.idle.pop()
        except IndexError:
            pass
        try:
            run, places = self.writer.pool.pop()
        except IndexError:
            run, places = self.writer.workspace()
        for place, a in zip(places, self.kept, strict=True):
            np.copyto(place, a)
        self.mine.append((run, places))
        return run

    def __del__(self):
        self.writer.pool.extend(self.mine)


class Writer:
    """Writes a graph as code, and makes workspaces for it."""

    def __init__(self, graph, n=0, fixed=()):
        self.graph, self.n, self.fixed, self.pool = graph, n, fixed, collections.deque()
        precisions = {op.dtype for op in (*graph.inputs, *graph.ops) if op.shape is not None and op.dtype.kind == "f"}
        self.double = precisions <= {np.dtype(float)}  # then its numbers are Python's
        self.bound, self.lines, self.arrays = {}, [], {}
        self.lay_out()
        self.share()
        self.write()

    # ------------------------------------------------------------------------------ where arrays live

    def lay_out(self):
        """Find which Ops are views of which others, and which are written into a part of another one."""
        graph = self.graph
        self.when = {op: i for i, op in enumerate(graph.ops)} | dict.fromkeys(graph.inputs, -1)
        self.sample, self.base, self.target = {}, {}, {}
        self.uses = collections.Counter(p for op in graph.ops for p in op.parents)
        self.uses.update(graph.ends)
        self.user = {p: op for op in graph.ops for p in op.parents}
        for op in (*graph.inputs, *graph.ops):
            if op.shape is None or op.shape == ():
                continue
            base = op.args[0] if op.function in VIEWS else None
            if type(base) is Op and base in self.sample and not any(leaves((op.args[1:], op.kwargs))):
                with np.errstate(all="ignore"):
                    view = op.function(self.sample[base], *op.args[1:], **op.kwargs)
                if np.may_share_memory(view, self.sample[base]):
                    self.sample[op], self.base[op] = view, base
                    continue
            self.sample[op] = np.empty(op.shape, op.dtype)
        self.placed = set()  # views of what is in its place already
        for op in graph.ops:
            if op.function is assemble and op in self.sample:
                self.write_parts(op)
            elif op.function is np.concatenate and len(op.args) == 1 and set(op.kwargs) == {"axis"}:
                self.write_beside(op, op.kwargs["axis"])

    def write_parts(self, op):
        """Let what is put together be calculated in its place, where the places do not overlap."""
        parts, keys, _ = op.args
        if not fills(op):  # with gaps, it is filled with zeros first
            return
        for p, k in zip(parts, keys, strict=True):
            if type(p) is not Op or p not in self.sample:
                continue
            q, between = p, []
            while self.uses[q] == 1 and q in self.base and q.function in (np.reshape, np.ravel):
                between.append(q)
                q = self.base[q]
            there = self.sample[op][k]
            own = self.uses[q] == 1 and q not in self.base and q not in self.target
            if own and q.function not in (None, assemble) and there.flags.c_contiguous and q.dtype == op.dtype:
                self.target[q] = op, k
                self.sample[q] = there.reshape(q.shape)
                self.placed.update(between)

    def write_beside(self, op, axis):
        """Let arrays that are joined be calculated in their places."""
        reshaped = {base for view, base in self.base.items() if view.function not in TRANSPOSES}
        for p, key in places_of(op, axis):
            there = self.sample[op][key] if op in self.sample else None
            if self.can_be_placed(p) and p.dtype == op.dtype:
                whole = there.flags.c_contiguous
                if whole or (isinstance(p.function, np.ufunc) and p not in reshaped and not self.masked(p)):
                    self.target[p] = op, key
                    self.sample[p] = there

    def can_be_placed(self, p):
        """Whether an array is calculated into a buffer of its own, which may be a part of another."""
        made = type(p) is Op and p in self.sample and p.function not in (None, assemble, np.concatenate)
        return made and p not in self.base and p not in self.target

    def root(self, op):
        """The Op whose memory this one is in."""
        while op in self.base or op in self.target:
            op = self.base[op] if op in self.base else self.target[op][0]
        return op

    def share(self):
        """Give each buffer a place in the arena, for as long as it is needed."""
        graph, end = self.graph, len(self.graph.ops)
        outputs = list(leaves(graph.outputs))
        self.answers = {op for op in outputs if op in self.sample and op.nbytes > SMALL and self.own(op)}
        self.given = {op for op in graph.inputs if op in self.sample and op.nbytes > SMALL and op not in self.fixed}
        born, last = {}, {}
        for op in self.sample:
            root = self.root(op)
            born[root] = min(born.get(root, end), self.when[op])
        for op in graph.ops:
            several = [
                a for p in op.parents if p.shape is None for a in p.parents
            ]  # what came out may be views of them
            for a in (op, *op.parents, *several):
                if a in self.sample:
                    last[self.root(a)] = self.when[op]
        last.update((self.root(a), end) for a in outputs if a in self.sample)
        self.offset, self.size, free = {}, 0, []
        due = collections.defaultdict(list)
        for root, i in born.items():
            if root not in self.answers and root not in self.given and root not in self.fixed:
                due[i].append(root)
        dying = collections.defaultdict(list)
        for root, i in last.items():
            dying[i].append(root)
        for i in range(-1, end):
            for root in due[i]:
                if (old := self.in_place(root, i, last)) is not None:
                    self.offset[root] = self.offset[old]
                    dying[i].remove(old)
                else:
                    self.offset[root] = self.allocate(free, rounded(root.nbytes))
            for root in dying[i]:
                if root in self.offset:
                    release(free, self.offset[root], rounded(root.nbytes))

    def own(self, op):
        """Whether an output is an array of its own, that can be made anew for each answer."""
        return op not in self.base and op not in self.target and op.function and self.graph.outputs.count(op) == 1

    def in_place(self, op, i, last):
        """A buffer that an elementwise function reads for the last time, and may write on."""
        if op in self.graph.inputs or self.graph.ops[i] is not op:
            return None
        if op.function is np.where:
            candidates = [a for a in op.args[2:3] if type(a) is Op and op.parents.count(a) == 1]
        elif not isinstance(op.function, np.ufunc) or op.function.signature is not None:
            return None
        else:
            candidates = [a for a in op.parents if not (a.dtype != op.dtype or self.masked(op))]
        for a in candidates:
            if a in self.sample:
                root = self.root(a)
                whole = self.sample[a].flags.c_contiguous and a.nbytes == root.nbytes == op.nbytes
                if root in self.offset and last[root] == i and whole and a.dtype == op.dtype:
                    return root
        return None

    def masked(self, op):
        """Whether an operation is a product with a mask: the mask is made numbers first, in the place of the result."""
        masks = [a for a in op.args if isinstance(a, (Op, np.ndarray)) and a.dtype == bool and a.shape == op.shape]
        return op.function is np.multiply and len(masks) == 1 and op.dtype == float and op.size > 64

    def allocate(self, free, n):
        """The smallest free block of n bytes, or a new one at the end."""
        fitting = [block for block in free if block[1] >= n]
        if not fitting:
            self.size += n
            return self.size - n
        start, size = block = min(fitting, key=operator.itemgetter(1))
        free.remove(block)
        if size > n:
            free.append((start + n, size - n))
        return start

    # ------------------------------------------------------------------------------------ the text

    def write(self):
        """Write the program, and compile it."""
        graph = self.graph
        self.name = {op: f"v{i}" for i, op in enumerate((*graph.inputs, *graph.ops))}
        vectors = [op for op in leaves(graph.outputs) if joined(op)]
        vectors += [op.args[0] for op in vectors if op.function is np.divide]
        alone = all(op.shape == () or op in vectors for op in graph.ops) and all(op.size <= FEW for op in graph.inputs)
        self.pure = alone and self.double  # then NumPy has no part in it
        guards = collections.defaultdict(list)
        for i, guard in enumerate(graph.guards):
            guards[guard.op].append((i, guard))
        taken = [op for op in graph.inputs if op not in self.fixed]
        for k, op in enumerate(taken):
            self.accept(op, f"a{k}")
            self.check(guards[op])
        self.demand_finite(graph.inputs[: self.n])
        for op in graph.ops:
            if op in self.answers:
                self.lines.append(f"{self.name[op]} = {self.bind(np.empty)}({op.shape}, {self.bind(op.dtype)})")
        for chain in self.chains(guards):
            if len(chain) > 1:
                self.emit_chain(chain)
                continue
            (op,) = chain
            if op not in self.placed and not (op in self.base and self.static(op)):
                self.emit(op)
            self.check(guards[op])
        self.demand_finite([a for a in graph.outputs if type(a) is Op])
        answers = "".join(f"{self.answer(a)}, " for a in graph.outputs)
        self.lines.append(f"return ({answers})")
        inputs = ", ".join(
            [*(f"a{k}" for k in range(len(taken))), *(self.name[op] for op in self.fixed if not op.shape)]
        )
        body = "".join(f"\n        {line}" for line in self.lines)
        names = ", ".join([*self.bound, *self.arrays])
        self.text = f"def make({names}):\n    def run({inputs}):{body}\n    return run\n"
        place = {}
        exec(compile(self.text, "<a compiled program>", "exec"), place)
        self.make = place["make"]

    def bind(self, thing, name=None):
        """The name by which the code knows an object."""
        name = name or getattr(thing, "__name__", "")
        name = name if name.isidentifier() else f"c{len(self.bound)}"
        while name in self.bound and not (self.bound[name] is thing or (callable(thing) and self.bound[name] == thing)):
            name += "_"
        self.bound[name] = thing
        return name

    def premade(self, op, name=None, of=None):
        """The name of an array in the arena, or of a view `of` it, that is made with the workspace."""
        name = name or f"w{len(self.arrays)}"
        self.arrays[name] = (op, of)
        return name

    def static(self, op):
        """Whether an Op is an array whose memory is in the arena."""
        return op in self.sample and (self.root(op) in self.offset or self.root(op) in self.fixed)

    def whole(self, op):
        """Whether an Op is such an array, its numbers side by side."""
        return type(op) is Op and self.static(op) and self.sample[op].flags.c_contiguous

    def place(self, a):
        """Where in the arena an array is; None of others."""
        return self.offset.get(self.root(a)) if type(a) is Op and a in self.sample else None

    def ref(self, a):
        """How the code writes an argument."""
        if type(a) is Op:
            return self.premade(a, self.name[a]) if self.static(a) else self.name[a]
        if type(a) in (tuple, list):
            inside = ", ".join(map(self.ref, a))
            return f"[{inside}]" if type(a) is list else f"({inside},)" if len(a) == 1 else f"({inside})"
        if type(a) is slice:
            return f"slice({self.ref(a.start)}, {self.ref(a.stop)}, {self.ref(a.step)})"
        if type(a) is np.float64 and self.double:
            a = float(a)
        if a is None or type(a) in (bool, int, str) or (type(a) is float and math.isfinite(a)):
            return f"({a!r})" if type(a) in (int, float) and a < 0 else repr(a)
        return self.bind(a)

    def call(self, op):
        """The call as it stands in the user's program."""
        given = [self.ref(a) for a in op.args] + [f"{k}={self.ref(a)}" for k, a in op.kwargs.items()]
        return f"{self.bind(op.function)}({', '.join(given)})"

    def number(self, op, text):
        """A number without axes, as one of Python's where their precision is the same."""
        if self.python(op):
            return f"{PYTHON_S[op.dtype]}({text})"
        return f"{text}[()]" if op.function in VIEWS else text  # no view of what will be overwritten

    def python(self, op):
        """Whether a number without axes is one of Python's: whole ones keep their type, in which they wrap around."""
        return self.double and op.dtype in PYTHON_S

    def accept(self, op, given):
        """Take an input: a small array is copied, so that the views of it are there already."""
        if op.shape == ():
            self.lines.append(f"{self.name[op]} = {self.number(op, given)}")
        elif op in self.given:
            self.lines.append(f"{self.name[op]} = {self.bind(np.ascontiguousarray)}({given})")
        elif self.uses[op]:
            if all(
                use.function is operator.getitem and use.shape == () and use not in self.sample
                for use in self.graph.ops
                if op in use.parents
            ):
                self.name[op] = given
                del self.offset[op]
            else:
                self.lines.append(f"{self.bind(np.copyto)}({self.ref(op)}, {given})")

    def check(self, guards):
        """Check that what the trace took for granted holds."""
        for i, guard in guards:
            op, value, outcome = guard.op, self.ref(guard.op), guard.outcome
            if guard.convert is np.shape:  # it has been looked at where the array was made
                continue
            if guard.convert is bool:
                value = value if op.shape == () else f"bool({value})"
                test = f"not {value}" if outcome else value
            elif guard.convert in (int, operator.index):
                test = f"{self.bind(guard.convert)}({value}) != {outcome}"
            else:
                found = f"{self.bind(guard.convert)}({value})"
                test = f"not {self.bind(alike)}({found}, {self.bind(outcome, f'outcome{i}')})"
            self.lines.append(f"if {test}: raise {self.bind(ChangedError)}({i})")

    def demand_finite(self, ops):
        """Give up where one is not finite: in one quick sum or product, unless that overflows by itself."""
        finite = self.bind(math.isfinite, "math_isfinite")
        for op in ops:
            if op.shape == ():
                quick, slow = self.ref(op), ""
            elif self.pure and joined(op):
                quick, slow = " + ".join(self.ref(p) for p in joined(op)[0][0]) or "0.0", ""
            elif self.pure and op in self.graph.inputs:
                quick, slow = " + ".join(f"{self.name[op]}.item({i})" for i in range(op.size)) or "0.0", ""
            else:
                name = self.name[op] if op not in self.graph.inputs or not self.static(op) else self.ref(op)
                name = self.ref(op) if self.static(op) else name
                quick, slow = f"{self.bind(np.vdot)}({name}, {name})", f" and not {self.bind(is_finite)}({name})"
            self.lines.append(f"if not {finite}({quick}){slow}: raise {self.bind(ArithmeticError)}")

    def answer(self, a):
        """What is given back: a new array, or a number as NumPy has it."""
        if type(a) is not Op:
            return f"{self.bind(a)}.copy()" if isinstance(a, np.ndarray) else self.ref(a)
        if a in self.answers:
            return self.name[a]
        if a in self.sample:
            if self.pure and a.function:
                return self.name[a]
            return f"{self.bind(np.array)}({self.ref(a)})"
        return f"{self.bind(a.dtype.type)}({self.name[a]})"

    def emit(self, op):
        """Write one operation."""
        if op.shape is None:
            self.lines.append(f"{self.name[op]} = {self.call(op)}")
        elif op.shape == ():
            self.emit_number(op)
        elif op in self.base:
            self.lines.append(f"{self.name[op]} = {self.view(op)}")
        elif self.pure:
            if op in self.graph.outputs:
                self.emit_answer_of_numbers(op)
        else:
            if op in self.target and not self.static(op):
                whole, key = self.target[op]
                self.lines.append(f"{self.name[op]} = {self.name[whole]}[{self.ref(key)}].reshape({op.shape})")
            self.emit_array(op)

    def view(self, op):
        """The code of a view of an array that is new at each call."""
        base, f = self.name[self.base[op]], op.function
        if f is part:
            return f"{base}[{op.args[1]} : {op.args[1] + op.size}].reshape({op.shape})"
        if f in (np.reshape, np.ravel):
            return f"{base}.reshape({op.shape})"
        if f in TRANSPOSES and op.ndim == 2:
            return f"{base}.T"
        function = functools.partial(with_rest, f, op.args[1:], op.kwargs)
        return f"{self.bind(function, f'view_{self.name[op]}')}({base})"

    def emit_number(self, op):
        """Write an operation whose result has no axes."""
        f, name, args = op.function, self.name[op], op.args
        numbers = all(
            not isinstance(a, np.ndarray) and a not in self.sample
            for a in args
            if type(a) is Op or isinstance(a, np.ndarray)
        )
        known = f in OF_NUMBERS and (op.dtype == float or f in COMPARISONS)
        if self.double and numbers and known and not op.kwargs and all(is_number(a) for a in args):
            text = OF_NUMBERS[f].format(*map(self.ref, args))
            checked = not self.pure and f in SHRINKING
            if self.once(op) and "(" not in OF_NUMBERS[f] and len(text) < LONG_FORMULA and not checked:
                self.name[op] = f"({text})"
                return
            if (function := text.partition("(")[0]) in MATH:
                text = self.bind(MATH[function], "math_" + function) + text[len(function) :]
            self.lines.append(f"{name} = {text}")
            if checked:
                self.demand_digits(name, SHRINKING[f].format(*map(self.ref, args)))
        elif numbers and f is sech2:
            self.lines.append(f"{name} = {self.slope_of_tanh(args[0])}")
            if self.double and not self.pure:
                self.demand_digits(name, "True")
        elif f is as_type and self.python(op):
            self.lines.append(f"{name} = {self.number(op, self.ref(args[0]))}")
        elif f is operator.getitem and type(args[0]) is Op and args[0] in self.sample and type(args[1]) is int:
            item = (
                f"{self.ref(args[0])}.item({args[1]})"
                if args[0].ndim == 1 and self.python(op)
                else f"{self.ref(args[0])}[{args[1]}]"
            )
            self.lines.append(f"{name} = {item}")
        elif f in REDUCTIONS and set(op.kwargs) <= {"axis", "keepdims"} and len(args) < 3:
            reduce = self.bind(REDUCTIONS[f].reduce, REDUCTIONS[f].__name__ + "_reduce")
            axis = args[1] if len(args) > 1 else op.kwargs.get("axis", 0 if f in LONG else None)
            self.lines.append(f"{name} = {self.number(op, f'{reduce}({self.ref(args[0])}, {self.ref(axis)})')}")
        else:
            self.lines.append(f"{name} = {self.number(op, self.call(op))}")

    def demand_digits(self, name, given):
        """Give up where a number has lost digits to underflow, though it was given some: Python does not tell."""
        error = self.bind(ArithmeticError)
        self.lines.append(f"if {-TINY!r} < {name} < {TINY!r} and {given}: raise {error}")

    def once(self, op):
        """Whether a number is used once, within a formula of numbers: then it has no name."""
        if self.uses[op] != 1 or op in self.graph.outputs or any(op is g.op for g in self.graph.guards):
            return False
        user = self.user[op]
        formula = OF_NUMBERS.get(user.function, "{0}{0}")
        return (
            user.shape == ()
            and formula.count("{") <= len(user.args)
            and "{0}" not in formula
            and all(map(is_number, user.args))
        )

    def slope_of_tanh(self, x):
        """1 - tanh(x)**2, from the tanh that is there; where that would cancel, from x."""
        slow = f"{self.bind(math.pow, 'math_pow')}({self.bind(math.cosh, 'math_cosh')}({self.ref(x)}), -2.0)"
        t = next((self.name[op] for op in self.graph.ops if op.function is np.tanh and op.args[0] is x), None)
        return f"1.0 - {t} * {t} if -0.9 < {t} < 0.9 else {slow}" if t else slow

    def emit_answer_of_numbers(self, op):
        """Write an array that is made of numbers."""
        (parts, keys, shape), divisor = joined(op)
        places = [[] for _ in range(shape[0])]
        for p, k in zip(parts, keys, strict=True):
            places[k].append(self.ref(p))
        over = "" if divisor == 1 else f" * {1 / divisor!r}"  # a power of two
        inside = ", ".join(f"({' + '.join(p)}){over}" if p else "0.0" for p in places)
        self.lines.append(f"{self.name[op]} = {self.bind(np.array)}([{inside}])")

    def emit_array(self, op):
        """Write an operation whose result goes into a buffer."""
        f, out = op.function, self.ref(op)
        writer = next((w for test, w in WRITERS if test(self, op)), Writer.emit_copy)
        writer(self, op, f, out)

    def emit_ufunc(self, op, f, out):
        """An elementwise function."""
        args = [self.ref(a) for a in op.args]
        if self.masked(op):
            i = next(i for i, a in enumerate(op.args) if isinstance(a, (Op, np.ndarray)) and a.dtype == bool)
            self.lines.append(f"{self.bind(np.copyto)}({out}, {args[i]})")
            args[i] = out
        args = ", ".join(args)
        self.lines.append(f"{self.bind(f)}({args}, {'out=' if f in BY_NAME else ''}{out})")

    def chains(self, guards):
        """The operations in order, with elementwise functions of one large shape that follow each other in one list."""
        chain = []
        for op in self.graph.ops:
            if self.can_be_chained(op) and not guards[op] and (not chain or self.apart(op, chain)):
                chain.append(op)
                continue
            if chain:
                yield chain
            chain = [op] if self.can_be_chained(op) and not guards[op] else []
            if not chain:
                yield [op]
        if chain:
            yield chain

    def can_be_chained(self, op):
        """Whether an elementwise function of large arrays can be calculated piece by piece."""
        if op.shape is None or op.size < CHAINED or op in self.base or not plain_ufunc(self, op) or self.masked(op):
            return False
        arrays = [op, *(a for a in op.args if isinstance(a, (Op, np.ndarray)) and a.shape != ())]
        return all(a.shape == op.shape and a.dtype == float and self.is_row(a) for a in arrays)

    def is_row(self, a):
        """Whether an array lies in memory in one piece, in order."""
        if isinstance(a, np.ndarray):
            return a.flags.c_contiguous
        return a in self.given or a in self.answers or (self.place(a) is not None and self.sample[a].flags.c_contiguous)

    def apart(self, op, chain):
        """Whether the buffers of a chain and of one more operation are the same, or have nothing in common."""
        arrays = {a for o in (op, *chain) for a in (o, *o.args) if type(a) is Op and a in self.sample}
        if any(o.shape != op.shape for o in chain) or any(a in self.target or a in self.base for a in arrays):
            return False
        places = sorted({self.place(a) for a in arrays} - {None})
        return all(b - a >= op.nbytes for a, b in pairwise(places))

    def emit_chain(self, chain):
        """Elementwise functions one after the other on a piece that stays in the cache, then on the next one."""
        inside = {op for op in chain if self.uses[op] == sum(o.parents.count(op) for o in chain)}
        arrays = [a for op in chain for a in (*op.args, op) if type(a) is Op and a in self.sample]
        needed = {self.place(a) for a in arrays if a not in inside}  # before or after the chain
        names, lists = {}, []
        for a in (a for op in chain for a in (*op.args, op)):
            if id(a) not in names and (isinstance(a, np.ndarray) or (type(a) is Op and a in self.sample)):
                names[id(a)] = f"p{len(names)}"
                if type(a) is not Op:
                    lists.append(self.bind(pieces(a)))
                elif self.static(a):
                    lists.append(self.premade(a, of=functools.partial(pieces, alone=self.place(a) not in needed)))
                else:
                    lists.append(f"{self.bind(pieces)}({self.ref(a)})")
        self.lines.append(f"for {', '.join(names.values())}, in {self.bind(zip)}({', '.join(lists)}):")
        for op in chain:
            args = ", ".join(names.get(id(a)) or self.ref(a) for a in op.args)
            out = "out=" if op.function in BY_NAME else ""
            self.lines.append(f"    {self.bind(op.function)}({args}, {out}{names[id(op)]})")

    def emit_power(self, op, f, out):
        """Python's power."""
        self.lines.append(f"{self.bind(np.power)}({self.ref(op.args[0])}, {self.ref(op.args[1])}, {out})")

    def emit_product(self, op, f, out):
        """A matrix product; of two matrices, by the shorter way to the same routine."""
        a, b = op.args
        function = (
            np.dot
            if max(np.ndim(a) if type(a) is not Op else a.ndim, np.ndim(b) if type(b) is not Op else b.ndim) <= 2
            else np.matmul
        )
        self.lines.append(f"{self.bind(function)}({self.ref(a)}, {self.ref(b)}, {out})")

    def emit_reduction(self, op, f, out):
        """A sum, or an extremum, along axes."""
        reduce = self.bind(REDUCTIONS[f].reduce, REDUCTIONS[f].__name__ + "_reduce")
        axis = op.args[1] if len(op.args) > 1 else op.kwargs.get("axis", 0 if f in LONG else None)
        keep = bool(op.kwargs.get("keepdims", False))
        self.lines.append(f"{reduce}({self.ref(op.args[0])}, {self.ref(axis)}, None, {out}, {keep})")

    def emit_where(self, op, f, out):
        """A choice."""
        chosen, a, b = op.args
        copy = self.bind(np.copyto)
        if not (
            type(b) is Op
            and self.static(b)
            and self.static(op)
            and self.offset[self.root(b)] == self.offset[self.root(op)]
        ):
            self.lines.append(f"{copy}({out}, {self.ref(b)})")
        self.lines.append(f"{copy}({out}, {self.ref(a)}, where={self.ref(chosen)})")

    def emit_assemble(self, op, f, out):
        """Parts at their places; those that were calculated there are there already."""
        parts, keys, _ = op.args
        once = fills(op)
        if not once:
            self.lines.append(f"{out}.fill(0)")
        for p, k in zip(parts, keys, strict=True):
            q = p
            while type(q) is Op and q in self.base:
                q = self.base[q]
            if type(q) is Op and self.target.get(q, (None,))[0] is op:
                continue
            if once:
                self.lines.append(f"{out}[{self.ref(k)}] = {self.ref(p)}")
            else:
                self.lines.append(f"{self.bind(deposit)}({out}, {self.ref(k)}, {self.ref(p)})")

    def emit_fill(self, op, f, out):
        """A number, repeated."""
        self.lines.append(f"{out}.fill({self.ref(op.args[0])})")

    def emit_joined(self, op, f, out):
        """Arrays side by side; those that were calculated there are there already."""
        if op in {whole for whole, _ in self.target.values()}:
            for p, key in places_of(op, op.kwargs["axis"]):
                if type(p) is not Op or self.target.get(p, (None,))[0] is not op:
                    self.lines.append(f"{out}[{self.ref(key)}] = {self.ref(p)}")
            return
        axis = op.args[1] if len(op.args) > 1 else op.kwargs.get("axis", 0)
        self.lines.append(f"{self.bind(f)}({self.ref(op.args[0])}, {self.ref(axis)}, {out})")

    def emit_windows(self, op, f, out):
        """The windows of images: runs of pixels, each copied as one item."""
        L, F, stride = op.args
        source = self.premade(L, of=functools.partial(runs, F=F, stride=stride))
        target = self.premade(op, of=items)
        self.lines.append(f"{self.bind(np.copyto)}({target}, {source})")

    def emit_overlap(self, op, f, out):
        """The sum of windows."""
        w, _, stride = op.args
        rows, columns, F = w.shape[1:4]
        self.lines.append(f"{out}.fill(0)")
        for u in range(F):
            for y in range(columns):
                there = self.premade(
                    op,
                    of=operator.itemgetter(
                        (slice(None), slice(u, u + stride * rows, stride), slice(stride * y, stride * y + F))
                    ),
                )
                here = self.premade(w, of=operator.itemgetter((slice(None), slice(None), y, u)))
                self.lines.append(f"{self.bind(np.add)}({there}, {here}, {there})")

    def emit_copy(self, op, f, out):
        """What has no way to write into a buffer: it is called as it is, and its result copied."""
        name = self.name[op] + "_new"
        if f is as_type:
            return self.lines.append(f"{self.bind(np.copyto)}({out}, {self.ref(op.args[0])}, casting='unsafe')")
        if f is operator.getitem and type(op.args[0]) is Op and op.args[0].shape is None:
            self.lines.append(f"{name} = {self.name[op.args[0]]}[{op.args[1]}]")
        else:
            self.lines.append(f"{name} = {self.call(op)}")
        self.lines.append(f"if {name}.shape != {op.shape}: raise {self.bind(ChangedError)}(None)")
        self.lines.append(f"{self.bind(np.copyto)}({out}, {name})")

    # -------------------------------------------------------------------------------- a workspace

    def workspace(self):
        """A program with buffers of its own, and the arrays in it for the inputs that are fixed."""
        memory = np.empty(self.size + ALIGNED, np.uint8)
        start = -memory.ctypes.data % ALIGNED
        arrays = {op: np.empty(op.shape, op.dtype) for op in self.fixed if op.shape != ()}
        places = list(arrays.values())

        def array(op):
            if op not in arrays:
                if op in self.base:
                    arrays[op] = op.function(array(self.base[op]), *op.args[1:], **op.kwargs)
                elif op in self.target:
                    whole, key = self.target[op]
                    arrays[op] = array(whole)[key].reshape(op.shape)
                else:
                    at = start + self.offset[op]
                    arrays[op] = memory[at : at + op.nbytes].view(op.dtype).reshape(op.shape)
            return arrays[op]

        made = [array(op) if of is None else of(array(op)) for op, of in self.arrays.values()]
        return self.make(*self.bound.values(), *made), places


FILLS = {np.broadcast_to, np.reshape, np.expand_dims, np.ravel}  # of a number


def fills(op):
    """Whether what `assemble` puts together fills the whole, each place once, by slices."""
    _, keys, shape = op.args
    if any(leaves(keys)) or not all(map(is_basic, keys)):
        return False
    filled = np.zeros(shape, np.intp)
    for k in keys:
        np.add.at(filled, k, 1)
    return bool(np.all(filled == 1))


def joined(op):
    """The arguments of `assemble` and a divisor, if an Op makes a vector of numbers without axes; else nothing."""
    divisor = 1
    of_array = op.function is np.divide and type(op.args[0]) is Op and isinstance(op.args[1], float)
    if of_array and math.frexp(op.args[1])[0] == 0.5:
        op, divisor = op.args[0], float(op.args[1])
    if op.function is not assemble:
        return ()
    parts, keys, shape = op.args
    vector = len(shape) == 1 and all(type(k) is int for k in keys) and all(type(p) is Op and not p.shape for p in parts)
    return (op.args, divisor) if vector else ()


PYTHON_S = {np.dtype(float): "float", np.dtype(bool): "bool"}
LONG = {np.add.reduce, np.maximum.reduce, np.minimum.reduce}  # their axis is 0 if none is named


def is_number(a):
    """Whether an argument is a number without axes."""
    return a.shape == () if type(a) is Op else isinstance(a, (bool, int, float, np.float64))


def pieces(a, alone=False):
    """An array in pieces; of one that is needed within a piece alone, the first stands for all."""
    cuts = range(0, a.size, PIECE)
    flat = a.reshape(-1)
    return [flat[0 : min(PIECE, a.size - i)] if alone else flat[i : i + PIECE] for i in cuts]


def places_of(op, axis):
    """The arrays that an operation joins, and the keys of their places."""
    stop = 0
    for p in op.args[0]:
        start, stop = stop, stop + np.shape(p)[axis] if type(p) is not Op else stop + p.shape[axis]
        yield p, (slice(None),) * axis + (slice(start, stop),)


def alike(a, b):
    """Whether two outcomes are the same, to the bit."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def with_rest(function, rest, kwargs, a):
    """A view of an array."""
    return function(a, *rest, **kwargs)


def runs(L, F, stride):
    """The windows of images as items of F pixels of a row each: a view."""
    N, H, W, C = L.shape
    n, h, w, _ = L.strides
    shape = N, (H - F) // stride + 1, (W - F) // stride + 1, F
    return np.ndarray(shape, f"V{F * C * L.itemsize}", L, strides=(n, stride * h, stride * w, h))


def items(w):
    """An array of windows, as items of a row of one window each."""
    *shape, F, C = w.shape
    return w.reshape(*shape, F * C).view(f"V{F * C * w.itemsize}")[..., 0]


def rounded(n):
    """The bytes of a buffer, with what keeps the next one aligned; of a large one, in other lines of the cache."""
    return -(-n // ALIGNED) * ALIGNED + (17 * ALIGNED if n >= 2**16 else 0)


def release(free, start, n):
    """Give a block back, joined with its free neighbours."""
    for block in list(free):
        if block[0] + block[1] == start or start + n == block[0]:
            free.remove(block)
            start, n = min(start, block[0]), n + block[1]
    free.append((start, n))


def plain_ufunc(writer, op):
    return (
        isinstance(op.function, np.ufunc) and op.function.nout == 1 and not op.kwargs and op.function.signature is None
    )


def plain_product(writer, op):
    types = {a.dtype for a in op.args if isinstance(a, (Op, np.ndarray))}
    return op.function in PRODUCTS and not op.kwargs and types == {op.dtype} and len(op.args) == 2


def plain_reduction(writer, op):
    known = op.function in REDUCTIONS and set(op.kwargs) <= {"axis", "keepdims"} and len(op.args) < 3
    return known and type(op.args[0]) is Op and op.args[0].dtype == op.dtype


WRITERS = (
    (plain_ufunc, Writer.emit_ufunc),
    (lambda w, op: op.function is operator.pow and op.dtype.kind == "f", Writer.emit_power),
    (plain_product, Writer.emit_product),
    (plain_reduction, Writer.emit_reduction),
    (lambda w, op: op.function is np.where and len(op.args) == 3 and not op.kwargs, Writer.emit_where),
    (lambda w, op: op.function is assemble, Writer.emit_assemble),
    (lambda w, op: op.function in FILLS and type(op.args[0]) is Op and op.args[0].shape == (), Writer.emit_fill),
    (lambda w, op: op.function in (np.concatenate, np.stack), Writer.emit_joined),
    (lambda w, op: op.function is windows and w.whole(op) and w.whole(op.args[0]), Writer.emit_windows),
    (lambda w, op: op.function is overlap_add and w.static(op) and w.static(op.args[0]), Writer.emit_overlap),
)
