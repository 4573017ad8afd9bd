"""Tracing: a program is run once on numbers that stand for plain arrays, and each NumPy call is written down.

It is the lowest of the arithmetics: `grad` and `hvp` run on it unchanged, so that the table's own rules write the
program of a derivative. What leaves the trace (an `if`, a loop count, `float`, `np.asarray`) becomes a guard: it is
recorded with its outcome, and checked whenever the program runs.
"""

import functools
import operator
import types

import numpy as np

from mathlib.arithmetic import TABLE, Composite, Number, Run, UnsupportedError, caller, name_of, unsupported
from mathlib.compiler.graph import Graph, Guard, Op, leaves
from mathlib.door import is_finite
from mathlib.primitives import sech2

STORE = "an array is not changed in place while it is traced"
REBUILD = "build a new array: y = x + dx, np.where, np.concatenate, np.stack"
# What depends on the shape alone is a constant.
OF_SHAPE = {np.zeros_like, np.ones_like, np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj}
OF_SHAPE |= {np.isrealobj}
# What is there only as often as the numbers say.
OF_VALUES = {np.nonzero, np.flatnonzero, np.argwhere, np.extract, np.compress, np.trim_zeros, np.bincount, np.histogram}
OF_VALUES |= {np.unique, np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all, np.union1d}
OF_VALUES |= {np.intersect1d, np.setdiff1d, np.setxor1d, np.delete, np.histogram_bin_edges}
EXPANDED = set()  # primitives of this package that are programs of NumPy calls: they are traced through


def expanded(*functions):
    """Let a trace see what these primitives are made of."""
    EXPANDED.update(functions)


class Tracing(Run):
    """A run that writes down operations and guards."""

    def __init__(self):
        super().__init__()
        self.ops, self.guards, self.constants = [], [], {}
        self.outside = caller()
        self.failed = None  # the call that raised an error; if the program goes on, the trace does not show when

    def place(self):
        """The line of the program that is running."""
        place = caller()
        return "in its derivative" if place == self.outside else place

    def input(self, value, name):
        """A number that stands for an argument of the program."""
        op = Op(None, (), {}, np.shape(value), np.asarray(value).dtype, name)
        return Traced(value, op, self)

    def call(self, function, args, kwargs, compute=None):
        """Call the function on the arrays, and write it down."""
        self.check()
        if function is np.mean and set(kwargs) <= {"axis", "keepdims"} and args[0].dtype != np.float16:
            total = self.call(np.sum, args, kwargs)
            return total / (args[0].size / max(np.size(total), 1))
        try:
            y = (compute or function)(*values_of(args), **values_of(kwargs))
        except Exception:
            self.failed = f"{name_of(function)} ({caller()})"
            raise
        if y is None or any(y is a for a in (*args, *kwargs.values())):
            raise unsupported(function, args, STORE, REBUILD)
        if function in OF_SHAPE:
            return y
        complex_ = isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind == "c"
        if complex_ and isinstance(TABLE.get(function), Composite):
            return TABLE[function](args, kwargs)  # a pair of real arrays
        return self.result(y, function, self.ops_of(args), self.ops_of(kwargs))

    def result(self, y, function, args, kwargs):
        """The number for what came out; of a tuple, one for each element."""
        if isinstance(y, (tuple, list)):
            op = Op(function, args, kwargs, None, None)
            self.ops.append(op)
            elements = [self.result(a, operator.getitem, (op, i), {}) for i, a in enumerate(y)]
            return type(y)(*elements) if hasattr(y, "_fields") else type(y)(elements)
        if not isinstance(y, (np.ndarray, np.generic, bool, int, float)):
            return y
        a = np.asarray(y)
        if a.dtype.kind not in "fiub":
            raise UnsupportedError(
                f"a compiled program met an array of {a.dtype} ({caller()}): real numbers are needed."
            )
        op = Op(function, args, kwargs, a.shape, a.dtype)
        self.ops.append(op)
        if shape_depends(function, args, kwargs):
            self.guards.append(Guard(op, np.shape, a.shape, self.place()))
        return Traced(y, op, self)

    def ops_of(self, tree):
        """The arguments with Ops in the place of numbers, and with copies of the arrays, which may change later."""
        if isinstance(tree, Traced):
            return tree.op
        return self.constant(tree) if isinstance(tree, np.ndarray) else mapped(tree, self.ops_of)

    def constant(self, a):
        """A copy of an array: one for all that are equal."""
        alike = self.constants.setdefault((a.shape, a.dtype, a.strides, str(a.flat[:1]), str(a.flat[-1:])), [])
        for b in alike:
            if a.tobytes() == b.tobytes():  # 0.0 is not -0.0
                return b
        alike.append(a.copy("K"))
        return alike[-1]

    def guard(self, number, convert):
        """Take for granted what a number gives outside of the trace."""
        self.check()
        try:
            outcome = convert(number.value)
        except ValueError:  # of a TypeError, the shape tells
            self.failed = f"{name_of(convert)} ({caller()})"
            raise
        self.guards.append(Guard(number.op, convert, outcome, self.place()))
        return outcome


def shape_depends(function, args, kwargs):
    """Whether the shape of a result may depend on the numbers in the arguments."""
    if function is operator.getitem:
        if type(args[0]) is Op and args[0].shape is None:
            return shape_depends(args[0].function, args[0].args, args[0].kwargs)
        keys = args[1] if type(args[1]) is tuple else (args[1],)
        return any(type(k) is slice or op.dtype == bool for k in keys for op in leaves(k))
    if isinstance(getattr(function, "__self__", function), np.ufunc):
        return False
    chosen = function in OF_VALUES or (function is np.where and len(args) == 1)
    return chosen or any(op.dtype is not None and op.dtype.kind in "iub" for op in leaves((args[1:], kwargs)))


def values_of(tree):
    """The arguments with the arrays in the place of the numbers that stand for them."""
    if isinstance(tree, Number):
        if type(tree) is not Traced:
            raise UnsupportedError(
                f"a compiled program met a number of another differentiation ({caller()}). Instead: pass it as an"
                " argument, compiled(loss)(theta, a), and differentiate that."
            )
        return tree.value
    return mapped(tree, values_of)


def mapped(tree, f):
    """The function of each element of lists, tuples, dicts and slices; all else as it is."""
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*map(f, tree))
    if type(tree) in (tuple, list):
        return type(tree)(map(f, tree))
    if type(tree) is dict:
        return {k: f(a) for k, a in tree.items()}
    return slice(f(tree.start), f(tree.stop), f(tree.step)) if type(tree) is slice else tree


def as_type(x, dtype):
    """The array in another precision."""
    return np.asarray(x).astype(dtype)


def as_number(x):
    """The array's one number."""
    return np.asarray(x).item()


def as_list(x):
    """The array as a list."""
    return np.asarray(x).tolist()


def as_text(spec, x):
    """The array as text."""
    return format(np.asarray(x)[()], spec)


def calls(a):
    """Whether an argument is a function of the program's, or a list of such."""
    return any(map(calls, a)) if type(a) in (list, tuple) else isinstance(a, types.FunctionType)


def leaving(convert):
    """A method by which a value leaves the trace: what it gives becomes a guard."""
    return lambda self: self.run.guard(self, convert)


class Traced(Number):
    """A plain real array whose operations are written down."""

    __slots__ = ("op", "value")
    is_real = True

    def __init__(self, value, op, run):
        self.value, self.op, self.run = value, op, run

    def __repr__(self):
        return f"Traced({self.value!r})"

    shape = property(lambda self: self.op.shape)  # the value may be a float of Python's
    ndim = property(lambda self: self.op.ndim)
    size = property(lambda self: self.op.size)
    dtype = property(lambda self: self.op.dtype)

    def finite(self):
        """Whether the array is finite: a question of the package, which asks it of each answer again."""
        return is_finite(self.value)

    def apply(self, rule, arrays, rest, kwargs):
        """Write down the call of one row of the table."""
        start = rule.start
        args = (list(arrays), *rest) if rule.listed else (*rest[:start], *arrays, *rest[start:])
        if rule.function in EXPANDED and not (rule.function is sech2 and self.shape == ()):
            return rule.plain(*args, **kwargs)
        return self.run.call(rule.function, args, kwargs, rule.plain)

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if any(isinstance(a, Number) and not a.is_real for a in args):
            return NotImplemented
        if kwargs.pop("out", None) is not None:
            raise unsupported(ufunc, [self], STORE, REBUILD)
        return self.run.call(ufunc if method == "__call__" else getattr(ufunc, method), args, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        if not all(issubclass(t, Traced) or not issubclass(t, Number) for t in types):
            return NotImplemented
        if function in EXPANDED:
            return function.__wrapped__(*args, **kwargs)
        if any(map(calls, (*args, *kwargs.values()))):
            if function in TABLE:
                return TABLE[function](args, kwargs)
            reason = "a program is traced in NumPy calls, and this one calls a function of its own"
            raise unsupported(function, [self], reason, "call the function, and np.where for its cases")
        return self.run.call(function, args, kwargs, getattr(function, "__wrapped__", None))

    def __format__(self, spec):
        return self.run.guard(self, functools.partial(as_text, spec))

    def astype(self, dtype, **options):
        """See `np.ndarray.astype`."""
        return self if np.dtype(dtype) == self.dtype else self.run.call(as_type, (self, np.dtype(dtype)), {})

    def plain_array(self, dtype):
        """The numbers as they are now."""
        return np.array(self.run.guard(self, np.array), dtype)

    def item(self, *place):
        """See `np.ndarray.item`."""
        return self.run.guard(self[np.unravel_index(*place, self.shape)] if place else self, as_number)

    __bool__, __float__, __int__, __index__ = map(leaving, (bool, float, int, operator.index))
    tolist = leaving(as_list)
    __lt__, __le__ = lambda a, b: np.less(a, b), lambda a, b: np.less_equal(a, b)
    __gt__, __ge__ = lambda a, b: np.greater(a, b), lambda a, b: np.greater_equal(a, b)
    __eq__, __ne__ = lambda a, b: np.equal(a, b), lambda a, b: np.not_equal(a, b)
    __hash__ = Number.__hash__


Traced.primal = Traced.value


def traced(f, arguments, names):
    """Run f on numbers that stand for the arguments: the graph, and what f gave, on plain arrays."""
    run = Tracing()
    inputs = [run.input(a, name) for a, name in zip(arguments, names, strict=True)]
    try:
        with np.errstate(all="ignore"):
            y = f(*inputs)
    finally:
        run.alive = False
    if run.failed:
        raise UnsupportedError(
            f"a compiled program goes on after an error of {run.failed}. Instead: a condition that tells it before, or"
            " the loss itself, not compiled."
        )
    return Graph([a.op for a in inputs], run.ops, run.ops_of(y), run.guards), values_of(y)
