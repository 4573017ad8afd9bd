"""What every arithmetic shares: the kinds of derivative rule, the dispatch, and what a `Number` is.

A loss is a plain NumPy program. Run on a `Number` (a dual number, a guarded complex number, a node of a graph)
instead of a `float64` array, each NumPy call in it arrives here, through NumPy's own protocols (`__array_ufunc__`,
`__array_function__`), and is looked up in ``TABLE``. A row of the table is of one of five kinds:

elementwise
    partial derivatives, one an argument: functions of the result y and the arguments, or plain numbers
multilinear
    its transposes, for the reverse mode; its tangent is the function itself, one argument at a time
general
    a rule for its tangent, and its transposes
composite
    no rule: a program of the other rows
discrete
    no derivative: comparisons, `argmax`, `sign`, shapes; it sees real values and returns plain arrays

The rules are written in NumPy calls, so they run on Numbers again: that is what nesting is.
Products are bilinear: no rule has a conjugate in it.

What meets a Number is a constant: a real number (of Python, NumPy, `fractions`), a plain array of them, or what NumPy
makes a plain array of without loss (a list, a range, a memoryview, an array of Fractions). Lists may hold Numbers.
What has rules of its own (a pandas Series aligns its index, a pint Quantity has a unit, a masked array, a Decimal) is
refused with its type and what to write: its own rules would see no derivative, and ours not its rules. A sparse matrix
of SciPy's is a constant in S @ x and x @ S alone.
A call's arguments are NumPy's: an array may be given by its name, an option that says what holds anyway is left out,
and one that a row does not know is refused by its name.
"""

import contextlib
import dis
import functools
import importlib
import inspect
import itertools
import linecache
import numbers
import operator
import sys
import sysconfig
from pathlib import Path

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

# glibc gives large blocks back to the system, to take them again page by page, up to a size that it learns from the
# largest block freed. A tape's arrays are made and freed in every step: let them stay.
np.empty(2**25 - 2**14, np.uint8)

HERE = str(Path(__file__).parent)
INSIDE = (HERE, str(Path(np.__file__).parent))
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


class UnsupportedError(TypeError):
    """An operation with no derivative rule, or one that would lose the derivative in silence."""


class NonAnalyticError(UnsupportedError):
    """An operation that has no meaning on the complex numbers that stand for reals."""


class MissingError(UnsupportedError, AttributeError):
    """An attribute of arrays that a number in another arithmetic has not."""


class EscapedError(RuntimeError):
    """A Number used after the differentiation that made it had ended."""


def places():
    """The frame of the user's program, and that of the function that it called, of ours, NumPy or another library."""
    called = frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(INSIDE):
        called, frame = frame, frame.f_back
    first = called, frame
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARIES):
        called, frame = frame, frame.f_back
        if frame.f_code.co_filename.startswith(HERE):  # the program itself stands in a library
            return first
    return called, frame


def outside():
    """The frame of the user's program, and its number from the one that asks, which is 1."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_code.co_filename.startswith(INSIDE):
        frame, level = frame.f_back, level + 1
    return frame, level


def caller():
    """Say where in the user's program the current operation stands: "in f, line 3: `return np.abs(z)`"."""
    frame = places()[1]
    return place(frame, frame.f_lineno)


def place(frame, line):
    """Say which line of a program a frame stands in."""
    code = linecache.getline(frame.f_code.co_filename, line).strip()
    return f"in {frame.f_code.co_name}, line {line}" + (f": `{code}`" if code else "")


def name_of(function):
    """The name a reader would write: "np.linalg.solve"."""
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        return f"{name_of(ufunc)}.{function.__name__}"
    module = getattr(function, "__module__", None) or "numpy"
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", repr(function))
    if is_special(function):
        module, name = "scipy.special", name.removeprefix("_riemann").removeprefix("_")
    return name if module in ("_operator", "builtins") else f"{module.replace('numpy', 'np', 1)}.{name}"


def is_special(function):
    """Whether this is a ufunc of SciPy's."""
    return getattr(sys.modules.get("scipy.special._ufuncs"), getattr(function, "__name__", ""), None) is function


@contextlib.contextmanager
def underflows():
    """Say nothing of special values, and list where a number became too small to keep its digits."""
    seen = []
    with np.errstate(all="ignore", under="call", call=lambda *_: seen.append(True)):
        yield seen


# -------------------------------------------------------------------------------------- operands


def operand(function, a, arrays):
    """What a stands for beside a Number: the Number itself, a real number or a plain array (see the module).

    UnsupportedError of `function` where a is not real, or has rules of its own.
    """
    if isinstance(a, Number) or (type(a) in REAL and not is_huge(a)):
        return a
    if isinstance(a, numbers.Real) and not isinstance(a, np.generic):
        return float(a)
    if type(a) in (list, tuple):
        elements = [operand(function, e, arrays) for e in a]
        return np.stack(elements) if any(isinstance(e, Number) for e in elements) else np.asarray(elements)
    if has_rules(a):
        refuse_rules(function, arrays, a)
    # An array of a subclass comes here only if it has no rules of its own, or leaves Numbers to us.
    yielding = isinstance(a, np.ndarray) and type(a).__array_ufunc__ is not np.ndarray.__array_ufunc__
    constant = a if type(a) is np.ndarray or yielding else np.asarray(a)
    if constant.dtype.kind == "O" and (constant.ndim or isinstance(a, np.ndarray)):
        return np.reshape(operand(function, constant.ravel().tolist(), arrays), constant.shape)
    if constant.dtype.kind == "c":
        reason = "a complex number meets one that stands for a real"
        instead = "calculate with the real and the imaginary part, as two real arrays"
        raise unsupported(function, arrays, reason, instead)
    if constant.dtype.kind not in "fiub":
        what = f"an array of {constant.dtype}" if isinstance(a, np.ndarray) else f"a {type_of(a)}"
        raise unsupported(function, arrays, f"{what} is no array of real numbers", "an array of floats")
    return constant


REAL = {float, int, bool, *(np.dtype(code).type for code in "?bhilqBHILQefdg")}
PLAIN_FORMS = {
    "toarray": "{}.toarray()",
    "to_numpy": "{}.to_numpy()",
    "magnitude": "{}.magnitude",
    "filled": "np.asarray({}), and np.where for the mask",
}


def traced_among(tree):
    """A number among arguments that stands for a plain array; None, if there is none."""
    if isinstance(tree, Number):
        return tree if tree.is_real else None
    if type(tree) is slice:
        tree = tree.start, tree.stop, tree.step
    inside = tree.values() if type(tree) is dict else tree if type(tree) in (list, tuple) else ()
    return next((found for a in inside if (found := traced_among(a)) is not None), None)


def is_huge(a):
    """Whether a is an integer that no array of integers holds."""
    return type(a) is int and not -(2**63) <= a < 2**64


def has_rules(a):
    """Whether a has an arithmetic of its own, that NumPy would ask."""
    kind = type(a)
    if isinstance(a, np.ndarray):
        own = {name for name in OWN if getattr(kind, name) is not getattr(np.ndarray, name)}
        return bool(own) and not (own == {"__array_ufunc__"} and yields(a))
    if isinstance(a, (np.generic, numbers.Complex)):
        return False
    return any(hasattr(kind, name) for name in ("__array_ufunc__", "__array_function__", "__radd__"))


OWN = "__array_ufunc__", "__array_function__", "__mul__"


def yields(a):
    """Whether an array that follows NumPy's functions leaves them to us where they meet a Number."""
    try:
        return a.__array_ufunc__(np.multiply, "__call__", Number.__new__(Number), a) is NotImplemented
    except Exception:  # it tried to calculate
        return False


def refuse_rules(function, arrays, a):
    """Refuse an operand that has rules of its own, and say how it becomes a plain one."""
    product = ", or a @ x for the product of matrices" if hasattr(a, "tocsr") else ""
    raise unsupported(function, arrays, f"a {type_of(a)} has rules of its own", plain_form(a, "a") + product)


class Several:
    """What stands for several real arrays, as two do for a complex one: its own operations take a Number in."""

    __slots__ = ()


def plain_form(a, name):
    """What to write for the plain numbers of something that has rules of its own."""
    if isinstance(a, Several):
        return f"np.stack([{name}.real, {name}.imag])"
    for attribute, form in PLAIN_FORMS.items():
        if hasattr(a, attribute):
            return form.format(name)
    return f"float({name})" if hasattr(a, "__float__") and not hasattr(a, "shape") else f"np.asarray({name})"


def type_of(a):
    """The name of a's type, with that of its library: "scipy.csr_array"."""
    library = type(a).__module__.partition(".")[0]
    return type(a).__name__ if library in ("builtins", "numpy") else f"{library}.{type(a).__name__}"


# ---------------------------------------------------------------------------------------------- rows


def plus(a, b, fresh):
    """A + b, in the memory of a where a is `fresh`: an array that nobody else holds."""
    if fresh and type(a) is type(b) is np.ndarray and a.shape == b.shape and a.dtype == b.dtype:
        return np.add(a, b, out=a)
    return a + b


def unbroadcast(g, shape):
    """The transpose of broadcasting from `shape`: sum over the axes along which it repeats."""
    if g.shape == shape:
        return g
    new = g.ndim - len(shape)
    if g.size > 4096 and len(shape) == 1 and g.shape[-1:] == shape:
        # By a product: NumPy's sum is slow over short rows.
        rows = g if g.ndim == 2 else np.reshape(g, (-1, *shape))
        return np.ones(len(rows), g.dtype) @ rows
    g = np.add.reduce(g, (*range(new), *(i + new for i, n in enumerate(shape) if n == 1)), keepdims=not new)
    return g if g.shape == shape else np.reshape(g, shape)


STANDARD = {"out": None, "dtype": None, "where": True, "casting": "same_kind", "order": "K", "subok": True}


class Row:
    """A function of the table, and how NumPy calls it."""

    count = 1  # how many arrays may be given by name

    def __init__(self, function):
        self.function = function

    @functools.cached_property
    def signature(self):
        """The names of a NumPy function's positional parameters, in order, and the defaults of all that have one."""
        if not (getattr(self.function, "__module__", None) or "numpy").startswith("numpy"):
            return (), {}
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except ValueError:  # a function in C, before NumPy 2.4
            return (), STANDARD
        named = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
        names = tuple(p.name for p in parameters if p.kind in named)
        return names, STANDARD | {p.name: p.default for p in parameters if p.default is not p.empty}

    def is_default(self, name, value):
        """Whether an option says what holds anyway."""
        defaults = self.signature[1]
        if name not in defaults or type(value) not in PLAIN_OPTIONS:
            return False
        return value is defaults[name] or (type(value) is type(defaults[name]) and value == defaults[name])

    def canonical(self, args, kwargs):
        """The call with its arrays by position, and without the options that say what holds anyway."""
        names, args, kwargs = self.signature[0], list(args), dict(kwargs)
        while len(args) < min(self.count, len(names)) and names[len(args)] in kwargs:
            args.append(kwargs.pop(names[len(args)]))
        options = list(zip(names[self.count :], args[self.count :], strict=False)) if self.count else []
        if any(self.is_default(k, v) for k, v in options):  # then the others by name, too
            args, kwargs = args[: self.count] + args[self.count + len(options) :], kwargs | dict(options)
        return tuple(args), {k: v for k, v in kwargs.items() if not self.is_default(k, v)}


PLAIN_OPTIONS = {type(None), bool, int, float, str, tuple, type(np._NoValue)}


class Rule(Row):
    """One row of the table: a function, and which of its positional arguments are arrays.

    `slots` is the slice of positional arguments that are differentiated; with `listed`, they come as one
    list in the first argument, as `np.concatenate` takes them. What the rules do not read (`reads_values`,
    `reads_result`) need not be kept.
    """

    reads_values = reads_result = True
    block = None
    sparse = None  # the program for a sparse constant among the arrays
    refused = frozenset({"out", "dtype", "casting", "initial", "order", "subok"})

    def __init__(self, function, slots=slice(0, 1), listed=False):
        super().__init__(function)
        self.slots, self.listed, self.start = slots, listed, slots.start or 0
        self.count = 0 if self.start or function is operator.getitem else slots.stop or 0
        self.plain = getattr(function, "__wrapped__", function)  # on plain arrays: past NumPy's look-up, and ours

    def split(self, args):
        """The differentiated arrays among the positional arguments, in order, and the others."""
        if self.listed:
            return tuple(args[0]), args[1:]
        arrays, start = args[self.slots], self.start
        after = args[start + len(arrays) :]
        return arrays, args[:start] + after if start else after

    def __call__(self, args, kwargs):
        """Run the row on what a program gave to the function."""
        if kwargs or (self.count and len(args) > self.count):
            args, kwargs = self.canonical(args, kwargs)
        arrays, rest = self.split(args)
        if kwargs or rest:
            kwargs = self.check(arrays, rest, kwargs)
        y = self.run(arrays, rest, kwargs)
        if y is NotImplemented and not any(isinstance(a, Several) for a in arrays):
            refuse_rules(self.function, arrays, next(a for a in arrays if getattr(a, "__array_ufunc__", self) is None))
        return y

    def evaluate(self, arrays, rest, kwargs):
        """The function's value, in whatever arithmetic the arrays are."""
        for a in arrays:
            if isinstance(a, Number):
                return self.run(arrays, rest, kwargs)  # spares NumPy's detour
        if self.listed:
            return self.plain(list(arrays), *rest, **kwargs)
        if start := self.start:
            return self.plain(*rest[:start], *arrays, *rest[start:], **kwargs)
        return self.plain(*arrays, *rest, **kwargs)

    def run(self, arrays, rest, kwargs):
        """Run the row on the highest arithmetic among the arrays: the innermost differentiation."""
        top, level = None, -1
        for a in arrays:
            if isinstance(a, Number):
                run = a.run
                if not run.alive:
                    run.check()
                if run.level > level:
                    top, level = a, run.level
            elif type(a) not in REAL and (type(a) is not np.ndarray or a.dtype.kind not in "fiub"):
                if getattr(a, "__array_ufunc__", self) is None or isinstance(a, Several):
                    return NotImplemented  # Python then asks a for its own operation
                if self.sparse and hasattr(a, "tocsr"):
                    return self.sparse(*arrays)
                plain = [operand(self.function, b, arrays) for b in arrays]
                if any(b is not c for b, c in zip(arrays, plain, strict=True)):
                    return self.run(plain, rest, kwargs)
        if top is None:
            top = traced_among((rest, kwargs))
        if top is None:
            self.refuse_place(arrays)
        return top.apply(self, arrays, rest, kwargs)

    def tangents(self, y, values, tangents, rest, kwargs):
        """The block of k tangents of y, in a last axis more, from such blocks: by the row's rule, or one by one."""
        k = width(tangents)
        if not k:
            return np.zeros((*y.shape, 0), y.dtype)
        if self.block is not None:
            return self.block(y, values, tangents, *rest, **kwargs)
        columns = [[t if t is None else t[..., j] for t in tangents] for j in range(k)]
        return np.stack([self.tangent(y, values, column, rest, kwargs) for column in columns], -1)

    def linearize(self, y, values, parents, rest, kwargs):
        """The map from tangents, or blocks of them, to y's, for repeated use; a tangent is None where the parent is."""

        def push(tangents, block=False):
            return (self.tangents if block else self.tangent)(y, values, tangents, rest, kwargs)

        return push

    def pull(self, g, parents, values, y, rest, kwargs):
        """Yield (parent, g . dy/da) for each array a that has a parent: its number, and a gradient of a's shape."""
        if not self.transposes:
            reason, instead = "it has no rule for the reverse mode", "add its row with transposes=(...)"
            raise unsupported(self.function, values, reason, instead)
        if self.listed:
            pulled = self.transposes[0](g, values, *rest, **kwargs)
            yield from ((p, pulled[i]) for i, p in enumerate(parents) if p is not None)
            return
        known = (y, *values) if isinstance(self, General) else values
        for i, p in enumerate(parents):
            if p is not None:
                yield p, self.transposes[i](g, *known, *rest, **kwargs)

    def refuse_place(self, numbers):
        reason = "a differentiated number stands where the rule takes a constant"
        raise unsupported(self.function, numbers, reason, "pass arrays by position, constants as plain arrays")

    def check(self, arrays, rest, kwargs):
        """Refuse Numbers in the places of constants, and options that are not differentiated; give the others."""
        for a in rest:
            if isinstance(a, Number) and not a.is_real:
                self.refuse_place([a])
            if type(a) is str and a in {"A", "F", "K"}:
                reason = "only order C is differentiated"
                raise unsupported(self.function, arrays, reason, "transpose first: np.ravel(x.T)")
        if not (kwargs or self.count):
            return kwargs
        options = zip(self.signature[0][self.count :], rest, strict=False) if self.count else ()
        for k, v in itertools.chain(options, kwargs.items()):
            if isinstance(v, Number) and not v.is_real:
                self.refuse_place([v])
            if k in self.refused and not self.is_default(k, v) and not own_dtype(k, v, arrays):
                raise unsupported(self.function, arrays, f"the argument {k}= is not differentiated", INSTEAD_OF[k])
        return {k: v for k, v in kwargs.items() if not own_dtype(k, v, arrays)}


INSTEAD_OF = dict.fromkeys(("out", "dtype", "casting", "order", "subok", "where"), "leave it out")
INSTEAD_OF["initial"] = "leave it out, and combine it with the result"


def own_dtype(name, value, arrays):
    """Whether an option asks for the type that the result has anyway."""
    return name == "dtype" and np.dtype(value) == np.result_type(*(getattr(a, "dtype", a) for a in arrays))


def ignore_values(p):
    """A partial derivative that reads the result alone, as a function of the result and the arguments."""
    return lambda y, *values: p(y)


class Elementwise(Rule):
    """A ufunc with a partial derivative for each argument; it serves forward and reverse.

    Where a partial derivative can over- or underflow though its product with a tangent does not, it is given by its
    factors: a tuple of numbers and of `Over`.

    `radius` serves complex step: within 2**-27 of it, an imaginary part's square is below the last bit of the
    real part, and the function's own complex version is used; beyond (at a singularity, or for None, where that
    version is missing, inaccurate or slow) the real function and the partials are.
    """

    refused = Rule.refused | {"where"}

    def __init__(self, function, *partials, radius=None):
        super().__init__(function, slice(None))
        of_result = [getattr(getattr(p, "__code__", None), "co_argcount", 0) == 1 for p in partials]
        named = [p.__code__.co_varnames[0] for p, of_y in zip(partials, of_result, strict=True) if of_y]
        if set(named) - {"y"} or any(isinstance(p, np.ufunc) for p in partials):
            raise TypeError("a partial of one argument is of the result, y. Instead: lambda y, x: ... of y and x.")
        self.partials = [ignore_values(p) if of_y else p for p, of_y in zip(partials, of_result, strict=True)]
        names = [getattr(getattr(p, "__code__", None), "co_varnames", ("y",))[0] for p in partials if callable(p)]
        self.reads_result = any(name != "_" for name in names)
        self.reads_values = any(callable(p) and not of_y for p, of_y in zip(partials, of_result, strict=True))
        self.radius = radius if isinstance(radius, tuple) else (radius,) * len(partials)

    def split(self, args):
        return args, ()

    def evaluate(self, arrays, rest, kwargs):
        for a in arrays:
            if isinstance(a, Number):
                return self.run(arrays, rest, kwargs)
        return self.function(*arrays)

    def tangent(self, y, values, tangents, rest, kwargs, block=False):
        if len(self.partials) != len(tangents):
            raise TypeError(f"{name_of(self.function)} takes {len(self.partials)} arrays, and got {len(tangents)}.")
        return combine(self.partials, y, values, tangents, block)

    def tangents(self, y, values, tangents, rest, kwargs):
        return self.tangent(y, values, tangents, rest, kwargs, block=True)

    def linearize(self, y, values, parents, rest, kwargs):
        known = zip(self.partials, parents, strict=True)
        at = [p(y, *values) if callable(p) and parent is not None else p for p, parent in known]

        def push(tangents, block=False):
            return combine(at, y, (), tangents, block)  # the values may go

        return push

    def pull(self, g, parents, values, y, rest, kwargs):
        for parent, p, a in zip(parents, self.partials, values, strict=True):
            if parent is not None:
                term = g if p is ONE else times(g, p(y, *values) if callable(p) else p)
                yield parent, term if term.shape == a.shape else unbroadcast(term, a.shape)


def combine(partials, y, values, tangents, block=False):
    """The sum of partials times tangents, of y's shape and precision; of blocks, with their axis."""
    dy, fresh = None, False
    for p, t in zip(partials, tangents, strict=True):
        if t is not None:
            slope = p(y, *values) if callable(p) else p
            term = t if p is ONE else times(t, beside(slope) if block else slope)
            dy, fresh = (term, p is not ONE) if dy is None else (plus(dy, term, fresh), True)
    shape = (*y.shape, dy.shape[-1]) if block else y.shape
    if dy.shape != shape:
        dy = np.broadcast_to(dy, shape)
    return dy if dy.dtype == y.dtype else dy.astype(y.dtype)


def beside(p):
    """A partial derivative with one axis more, the last, in which it is the same for each tangent of a block."""
    if type(p) is tuple:
        return tuple(map(beside, p))
    if type(p) is Over:
        return Over(beside(p.b))
    return p[..., None] if getattr(p, "ndim", 0) else p


def width(tangents):
    """How many tangents the blocks hold."""
    return next(t.shape[-1] for t in tangents if t is not None)


ONE = 1


class Over:
    """A factor of a partial derivative that divides: ``t / b`` is an ordinary number where ``1 / b`` may not be one."""

    __slots__ = ("b",)

    def __init__(self, b):
        self.b = b


def times(t, p):
    """A tangent or a gradient times a partial derivative: a number, an `Over`, or a tuple of them, one by one."""
    if type(p) is tuple:
        return functools.reduce(times, p, t)
    return t / p.b if type(p) is Over else t * p


class Multilinear(Rule):
    """A function that is linear in each of its arrays; `joint`: in all of them together."""

    def __init__(self, function, slots=slice(0, 1), listed=False, joint=False, transposes=()):
        super().__init__(function, slots, listed)
        self.joint, self.transposes = joint or listed, transposes
        self.reads_values = not self.joint and slots != slice(0, 1)

    reads_result = False

    def split(self, args):
        arrays, rest = super().split(args)
        if self.joint:
            arrays = tuple([float(a) if is_huge(a) else a for a in arrays])
        return arrays, rest

    def tangent(self, y, values, tangents, rest, kwargs):
        if self.joint:
            known = zip(values, tangents, strict=True)
            return self.evaluate([np.zeros(np.shape(v), y.dtype) if t is None else t for v, t in known], rest, kwargs)
        if len(tangents) == 1:
            return self.evaluate(tangents, rest, kwargs)
        dy = None
        for i, t in enumerate(tangents):
            if t is not None:
                term = self.evaluate([*values[:i], t, *values[i + 1 :]], rest, kwargs)
                # A function of two arrays gives a new one; of one, perhaps a view.
                dy = term if dy is None else plus(dy, term, fresh=True)
        return dy


class Product(Multilinear):
    """The matrix product: a sum of two of them takes one pass where the result is the large array."""

    def tangent(self, y, values, tangents, rest, kwargs):
        return product_tangent(*values, *tangents)

    def tangents(self, y, values, tangents, rest, kwargs):
        return product_tangents(*values, *tangents)


def product_tangent(a, b, da, db, out=None):
    """The tangent dA B + A dB of a product; None stands for no tangent."""
    if da is None:
        return np.matmul(a, db, out=out)
    if db is None:
        return np.matmul(da, b, out=out)
    traced = any(isinstance(x, Number) and x.is_real for x in (a, b, da, db))  # a program would rather have both apart
    if not traced and a.ndim == b.ndim == 2 and a.shape[1] * (a.shape[0] + b.shape[1]) < a.shape[0] * b.shape[1]:
        return np.matmul(np.concatenate([da, a], 1), np.concatenate([b, db]), out=out)
    return plus(np.matmul(da, b, out=out), np.matmul(a, db), fresh=True)


def product_tangents(a, b, da, db):
    """The block of tangents dA B + A dB of a product; None stands for no tangents.

    Each term is a product of larger matrices: A times the columns of all tangents, B^T times each row of them.
    """
    if da is None:
        return times_block(a, db, np.ndim(b))
    if db is None:
        return block_times(da, b, np.ndim(a))
    return plus(times_block(a, db, np.ndim(b)), block_times(da, b, np.ndim(a)), fresh=True)


def times_block(a, db, ndim):
    """The block of products A dB, for B of so many axes."""
    if ndim == 1:
        return np.matmul(a, db)
    *_, p, k = db.shape
    y = np.matmul(a, np.reshape(db, (*db.shape[:-2], p * k)))
    return np.reshape(y, (*y.shape[:-1], p, k))


def block_times(da, b, ndim):
    """The block of products dA B, for A of so many axes."""
    if np.ndim(b) == 1:
        return np.matmul(b, da)
    b = b.mT
    return np.matmul(b if ndim == 1 or b.ndim == 2 else b[..., None, :, :], da)


class General(Rule):
    """A function with rules of its own.

    ``rule(y, *values, *tangents, *other arguments)`` is the tangent of y, and the i-th of `transposes`,
    ``t(g, y, *values, *other arguments)``, is g times the derivative by the i-th array.
    """

    refused = Rule.refused | {"where"}

    def __init__(self, function, rule, slots=slice(0, 1), transposes=()):
        super().__init__(function, slots)
        self.rule, self.transposes = rule, transposes

    def tangent(self, y, values, tangents, rest, kwargs):
        return self.rule(y, *values, *tangents, *rest, **kwargs)


class Composite(Row):
    """A function written as a program of other rows.

    The program's positional-only parameters are the arrays; one called `arrays` is a list of them. Its other
    parameters have NumPy's names and defaults. A program without such parameters gets what came.
    """

    def __init__(self, function, program):
        super().__init__(function)
        self.program = program
        parameters = inspect.signature(program).parameters.values()
        self.names = [p.name for p in parameters]
        self.open = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.listed = self.names[0] == "arrays" and not self.open
        self.count = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)

    def __call__(self, args, kwargs):
        args, kwargs = self.canonical(args, kwargs)
        if not (self.count or self.open):
            return self.program(*args, **kwargs)
        count = len(args) if self.open else self.count
        arrays, rest = args[:count], args[count:]
        names = self.signature[0][count:] or self.names[count:]
        if len(rest) > len(names):
            raise unsupported(
                self.function, arrays, f"it has a rule for {count + len(names)} arguments", "fewer of them"
            )
        kwargs |= zip(names, rest, strict=False)
        operands = arrays[0] if self.listed else arrays
        given = [*operands, *kwargs.values()]
        operands = [operand(self.function, a, given) for a in operands]
        options = {}
        for name, value in kwargs.items():
            if name in self.names:
                value = bool(value) if type(value) is np.bool_ else value
                options[name] = operand(self.function, value, given) if has_rules(value) else value
            elif not self.is_default(name, value) and not own_dtype(name, value, operands):
                instead = INSTEAD_OF.get(name, "leave it out")
                raise unsupported(self.function, given, f"the argument {name}= is not differentiated", instead)
        return self.program(*((operands, *arrays[1:]) if self.listed else operands), **options)


class Discrete(Row):
    """A function whose result carries no derivative: it sees the real values."""

    def __call__(self, args, kwargs):
        return self.function(*map(real_value, args), **{k: real_value(v) for k, v in kwargs.items()})


def real_value(x):
    """The plain real array that x stands for, at any depth of nesting; also inside lists, tuples, arrays of objects.

    A traced array is one.
    """
    while isinstance(x, Number) and not x.is_real:
        x.run.check()
        x = x.primal
    if holds_numbers(x):
        return np.reshape(np.array(real_value(x.ravel().tolist())), x.shape)
    return type(x)(map(real_value, x)) if type(x) in (list, tuple) else x


def holds_numbers(a):
    """Whether a is an array of objects some of which are Numbers, as `np.array([x[0], x[1]])` is."""
    return type(a) is np.ndarray and a.dtype.kind == "O" and any(isinstance(e, Number) for e in a.flat)


def is_differentiated(a):
    """Whether an argument carries a derivative: a Number that does not stand for a plain array."""
    return isinstance(a, Number) and not a.is_real


TABLE = {}


def elementwise(function, *partials, radius=None):
    """Add a ufunc to the table, with one partial derivative an argument.

    Each partial is a function of the result y and the arguments, or of y alone, or a plain number; where y is not
    read, it is named _. What no partial reads, a tape need not keep. Complex step uses the partials too, or with a
    ``radius`` the function's own complex version (see `Elementwise`).

    >>> from mathlib import grad, jvp
    >>> elementwise(np.spacing, 0.0)
    >>> jvp(lambda x: x + np.spacing(x), 1.0, 1.0)[1], grad(lambda x: x + np.spacing(x))(1.0)
    (np.float64(1.0), np.float64(1.0))
    >>> del TABLE[np.spacing]
    """
    TABLE[function] = Elementwise(function, *partials, radius=radius)


def multilinear(*functions, slots=slice(0, 1), listed=False, joint=False, transposes=()):
    """Add functions that are linear in each array argument.

    They need no rule for their tangents. The i-th of `transposes`, ``t(g, *arrays, *other arguments)``, serves the
    reverse mode: g times the derivative by the i-th array, of its shape. Of a `listed` function there is one,
    ``t(g, arrays, *other arguments)``, which gives a list.
    """
    for function in functions:
        TABLE[function] = Multilinear(function, slots, listed, joint, transposes)


def general(function, rule, slots=slice(0, 1), transposes=()):
    """Add a function with rules of its own, for its tangent and the reverse mode (see `General`)."""
    TABLE[function] = General(function, rule, slots, transposes)


def composite(*functions):
    """Decorate the program, of other rows, that stands for `functions` (see `Composite`)."""

    def add(program):
        TABLE.update({function: Composite(function, program) for function in functions})
        return program

    return add


def discrete(*functions):
    """Add functions without a derivative: they see real values and return plain arrays."""
    for function in functions:
        TABLE[function] = Discrete(function)


def primitive(function):
    """Decorate a function of one's own, so that it is looked up in the table when it meets a Number.

    >>> @primitive
    ... def cube(x):
    ...     return x * x * x
    >>> general(cube, lambda y, x, dx: 3 * x * x * dx, transposes=(lambda g, y, x: g * 3 * x * x,))
    >>> from mathlib import grad
    >>> grad(cube)(2.0)
    np.float64(12.0)
    >>> del TABLE[cube]
    """

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for a in args:
            if isinstance(a, Number) or (type(a) is list and any(isinstance(b, Number) for b in a)):
                return row_of(wrapper, args)(args, kwargs)
        return function(*args, **kwargs)

    return wrapper


# ------------------------------------------------------------------------------------------ dispatch

# What a real program that asks for these wants is not settled by its real meaning.
NONANALYTIC = {
    np.imag: (
        "the imaginary part carries the derivative",
        "a real program has no imaginary part: leave it out",
    ),
    np.angle: ("the angle of a complex number has no complex derivative", "np.arctan2(y, x), or np.sign(x)"),
}
SPECIAL = "mathlib.primitives.special"  # the rows of SciPy's functions, which most programs do without
REPLACEMENT = {
    np.sort_complex: "np.sort(x)",
    np.histogram2d: "np.bincount of constant places, with weights=",
    np.histogramdd: "np.bincount of constant places, with weights=",
}


def unsupported(function, numbers, reason, instead):
    """The error for a function that cannot be differentiated: its name, the reason, where, what to write."""
    kind = next((type(a).error for a in numbers if isinstance(a, Number)), UnsupportedError)
    if function in NONANALYTIC:
        kind = NonAnalyticError
    name = function if isinstance(function, str) else name_of(function)
    return kind(f"{name}: {reason} ({caller()}). Instead: {instead}.")


def row_of(function, args):
    """The row of a function in the table."""
    if (row := TABLE.get(function)) is not None:
        return row
    if is_special(function) and SPECIAL not in sys.modules:
        importlib.import_module(SPECIAL)
        return row_of(function, args)
    listed = [a for group in args if isinstance(group, (list, tuple)) for a in group]
    instead = "write it in NumPy functions that have one, or add a rule:"
    instead += " mathlib.primitives.elementwise(function, lambda y, x: dy/dx)"
    missing = "there is no derivative rule for it", REPLACEMENT.get(function, instead)
    raise unsupported(function, [*args, *listed], *NONANALYTIC.get(function, missing))


class Run:
    """One differentiation: its level (a later run is an inner one) and whether it still runs.

    With `trace`, its Numbers remember where they first ceased to be finite. With `block`, each carries a block of
    tangents, whose number is one axis more, the last.
    """

    levels = itertools.count(1)

    def __init__(self, trace=False, block=False):
        self.level, self.trace, self.block, self.alive = next(self.levels), trace, block, True

    def check(self):
        """Refuse a Number whose differentiation has ended."""
        if not self.alive:
            raise EscapedError(
                f"a number escaped from the differentiation that made it ({caller()})."
                " Instead: return what you need from the function that you differentiate."
            )


REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
REDUCTIONS |= {np.logical_and: np.all, np.logical_or: np.any}
REDUCTIONS |= {np.fmax: np.nanmax, np.fmin: np.nanmin, np.hypot: np.linalg.vector_norm}


def refuse(name, reason, instead):
    """A method that raises: it would lose the derivative."""

    def method(self, *args, **kwargs):
        called, _ = places()
        first = (*called.f_code.co_varnames, None)[0]
        asking, scipy = called.f_locals.get(first), called.f_globals["__name__"].startswith("scipy.")
        ruled = not isinstance(asking, Number) and has_rules(asking) and not (scipy and first != "self")
        if scipy and not ruled:
            importlib.import_module("mathlib.primitives.replacements").refuse_scipy(self, called)
        foreign = type(asking) not in REAL and not isinstance(asking, Number)
        if foreign and (ruled or isinstance(asking, numbers.Real)):
            refuse_rules(name, [self], asking)  # it took this number for one of its own kind
        if type(asking) in (list, tuple):
            module = np.linalg if "linalg" in called.f_globals["__name__"] else np
            function = getattr(module, called.f_code.co_name, name)
            raise unsupported(function, [self], "a list of differentiated numbers is no array", "np.stack([...])")
        if holds_numbers(asking):
            function = f"np.{called.f_code.co_name.lstrip('_')}"
            raise unsupported(function, [self], "an array of objects is no array of numbers to it", IN_ONE_ARRAY)
        raise unsupported(name, [self], reason, instead)

    return method


def missing(name):
    """A property that raises: an attribute of the memory of an array."""

    def attribute(self):
        raise MissingError(f"x.{name}: a number in another arithmetic has none ({caller()}). Instead: {KEEP}.")

    return property(attribute)


def as_method(function):
    """A method that calls the NumPy function of the same name."""

    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.__doc__ = f"See `{name_of(function)}`."
    return method


def as_comparison(compare):
    """The comparison of real values, as the operand's type has it."""
    return lambda a, b: compare(real_value(a), real_value(b))


def in_order(compare, a, b, depth):
    """The comparison of real values by an order, for a program that stands so many frames above.

    The extrema of an array of objects ask it, too. Of equal numbers they have to share the derivative, of a NaN to
    make another NaN, and no truth value tells them so: then they are refused, and only a comparison by an operator
    is answered.
    """
    x, y = real_value(a), real_value(b)
    told = compare(x, y)
    if type(told) is np.bool and (x == y if told else x != x or y != y):
        asking = sys._getframe(depth)
        if asking.f_code.co_code[asking.f_lasti] != COMPARE_OP:
            reason = "equal numbers, and NaN, are not compared within an array of objects"
            raise unsupported("np.maximum or the like", [a, b], reason, IN_ONE_ARRAY)
    return told


class Order(Discrete):
    """A comparison by an order; it is asked of a NumPy scalar too, as an array, whoever compares that."""

    def __call__(self, args, kwargs):
        if isinstance(args[0], np.ndarray) and len(args) == 2 and not kwargs:
            return in_order(self.function, *args, 3)
        return super().__call__(args, kwargs)


def as_order(compare):
    """The operator of a comparison by an order."""
    return lambda a, b: in_order(compare, a, b, 2)


COMPARE_OP = dis.opmap["COMPARE_OP"]
IN_ONE_ARRAY = "np.stack([...]) where np.array([...]) or np.r_[...] joins differentiated numbers"


def as_operator(function):
    """The operator of two arguments, and its reflection."""
    return (lambda a, b: TABLE[function].run((a, b), (), {}), lambda a, b: TABLE[function].run((b, a), (), {}))


LOSES = "a plain number would lose the derivative"
KEEP = "stay in NumPy functions: np.stack([...]) joins numbers into an array, np.dot(A, x) is A.dot(x)"
STORE = "an array is not changed in place while it is differentiated"
INDEX_TRICK = type(np.r_).__base__
REBUILD = "build a new array: y = x + dx, np.where, np.concatenate, np.stack"


no_array = refuse("np.asarray", LOSES, KEEP)


def boxed(elements, shape):
    """An array of objects."""
    a = np.empty(len(elements), object)
    for i, element in enumerate(elements):
        a[i] = element
    return a.reshape(shape)


class Number(NDArrayOperatorsMixin):
    """An array in another arithmetic. It behaves as the real array that it stands for, or refuses.

    It is not an ndarray, so that nothing can convert it in silence: `float(x)`, `np.asarray(x)` of an array,
    `x.item()`, a store into a float array and every function outside of the table raise, and say what to write
    instead. `np.array` of single ones gives an array of objects, which NumPy's functions calculate with one by one,
    by operators and by methods named as the functions; where it meets a Number, or is returned, it becomes one.

    A subclass has `primal` (the value, in the next arithmetic below), `parts` (value and tangent), `run`, `error`
    (what it raises where it refuses) and `apply(rule, arrays, rest, kwargs)`.
    """

    __slots__ = ("origin", "run")
    error = UnsupportedError
    is_real = False  # whether it stands for a plain array, without a derivative

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if (out := kwargs.pop("out", None)) is not None and not (out[0] is self and self.ndim == 0):
            raise unsupported(ufunc, [self], STORE, REBUILD)
        if method == "__call__":
            return row_of(ufunc, args)(args, kwargs)
        if method == "reduce" and ufunc in REDUCTIONS:
            return TABLE[REDUCTIONS[ufunc]](args, {"axis": 0} | kwargs)
        if method == "accumulate" and ufunc is np.add:
            return np.cumsum(*args, **{"axis": 0} | kwargs)
        if method == "outer":
            a, b = args
            return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
        if (row := TABLE.get(getattr(ufunc, method))) is not None:
            return row(args, kwargs)
        raise unsupported(f"{name_of(ufunc)}.{method}", [self], "there is no derivative rule for it", KEEP)

    def __array_function__(self, function, types, args, kwargs):
        return row_of(function, args)(args, kwargs)

    def follow(self, result, rule, arrays):
        """In a tracing run, let `result` remember where it first ceased to be finite."""
        if not result.finite():
            earlier = (a.origin for a in arrays if getattr(a, "origin", None))
            result.origin = next(earlier, f"{name_of(rule.function)} {caller()}")

    shape = property(operator.attrgetter("primal.shape"))
    ndim = property(operator.attrgetter("primal.ndim"))
    size = property(operator.attrgetter("primal.size"))
    dtype = property(operator.attrgetter("primal.dtype"))
    T = property(np.transpose)
    mT = property(lambda self: TABLE[np.matrix_transpose].run((self,), (), {}))  # noqa: N815, NumPy's name
    real = property(lambda self: self)
    imag = property(lambda self: np.imag(self))

    def __len__(self):
        return len(self.primal)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(real_value(self))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self  # it is never changed, and a copy of its run would be another run

    def __format__(self, spec):
        return format(real_value(self), spec)

    def __getitem__(self, key):
        return TABLE[operator.getitem]((self, key), {})

    # Straight to the table: NumPy's detour by __array_ufunc__ costs as much as a small operation itself.
    __eq__, __ne__ = map(as_comparison, (operator.eq, operator.ne))
    __lt__, __le__, __gt__, __ge__ = map(as_order, (operator.lt, operator.le, operator.gt, operator.ge))
    __hash__ = None
    __add__, __radd__ = as_operator(np.add)
    __sub__, __rsub__ = as_operator(np.subtract)
    __mul__, __rmul__ = as_operator(np.multiply)
    __truediv__, __rtruediv__ = as_operator(np.divide)
    __pow__, __rpow__ = as_operator(operator.pow)
    __matmul__, __rmatmul__ = as_operator(np.matmul)

    def __round__(self, digits=0):
        return np.round(self, digits)

    def reshape(self, *shape, **options):
        """See `np.reshape`."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes):
        """See `np.transpose`."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def clip(self, min=None, max=None, out=None, **options):
        """See `np.clip`; this one has taken one bound alone since before NumPy 2.1."""
        return np.clip(self, min, max, out=out, **options)

    def astype(self, dtype, **options):
        """The number itself, if `dtype` is its own: another precision would be another derivative."""
        if np.dtype(dtype) == self.dtype:
            return self
        raise unsupported("astype", [self], f"from {self.dtype} to {np.dtype(dtype)} it has no rule", "cast theta")

    sum, mean, var, std, prod = map(as_method, (np.sum, np.mean, np.var, np.std, np.prod))
    max, min, ptp, round = map(as_method, (np.max, np.min, np.ptp, np.round))
    dot, trace, diagonal, cumsum, take = map(as_method, (np.dot, np.trace, np.diagonal, np.cumsum, np.take))
    ravel, squeeze, swapaxes, repeat = map(as_method, (np.ravel, np.squeeze, np.swapaxes, np.repeat))
    flatten, copy, conj, conjugate = map(as_method, (np.ravel, np.copy, np.conj, np.conjugate))
    argmax, argmin, argsort, nonzero = map(as_method, (np.argmax, np.argmin, np.argsort, np.nonzero))
    any, all, cumprod, searchsorted = map(as_method, (np.any, np.all, np.cumprod, np.searchsorted))

    def __array__(self, dtype=None, copy=None):
        """The number as an array of objects, so that `np.array([x[0], x[1]])` holds it; an array of numbers refuses.

        Only `np.r_` and `np.c_` get the numbers of an array, as they ask for nothing else; and a sparse matrix gets an
        array as one object: what is no array to it, it leaves to our `__rmatmul__`.
        """
        frame, (called, _) = sys._getframe(1), places()
        if frame.f_code.co_name == "_matmul_dispatch" and frame.f_locals.get("other") is self:
            return boxed([self], ())
        scalar = self.ndim == 0 and not called.f_globals["__name__"].startswith("scipy.")
        if dtype in (None, object) and (scalar or isinstance(called.f_locals.get("self"), INDEX_TRICK)):
            return boxed(np.ravel(self) if self.ndim else [self], self.shape)
        return self.plain_array(dtype)

    def plain_array(self, dtype):
        """A plain array of the numbers: refused, but where they are plain ones."""
        return no_array(self)

    __float__ = refuse("float", LOSES, KEEP)
    __int__ = refuse("int", LOSES, "np.trunc(x)")
    __hash__ = refuse("hash", LOSES, "a key that does not come from theta")
    __index__ = refuse("index", LOSES, "index with an integer that does not come from theta")
    __complex__ = refuse("complex", LOSES, KEEP)
    item = refuse("item", LOSES, "x[i, j], which keeps it")
    tolist = refuse("tolist", LOSES, KEEP)
    view = refuse("view", "the bytes of a number in another arithmetic mean something else", KEEP)
    sort = partition = refuse("sort", STORE, "np.sort(x)")
    __reduce__ = refuse("pickle", "a number has a meaning only within its differentiation", "store plain arrays")
    __setitem__ = refuse("x[i] = ...", STORE, REBUILD)
    fill = put = resize = refuse("in-place change", STORE, REBUILD)


for attribute in sorted(set(dir(np.ndarray)) - set(dir(Number))):
    if not attribute.startswith("_"):
        setattr(Number, attribute, missing(attribute))
