"""Passes: from graph to graph, each a few lines. No sum is reordered: the answers keep their bits.

``dead``        leave out what nothing asks for
``common``      calculate once what stands there twice
``simplified``  drop what changes nothing: factors of 1, shapes that are there already, broadcasts that NumPy does
"""

import math
import operator

import numpy as np

from mathlib.compiler.graph import Graph, Guard, Op, replaced
from mathlib.primitives import part


def rebuilt(graph, rule):
    """The graph with each operation replaced by rule(op), which may be one of the earlier ones or an array."""
    new = {op: op for op in graph.inputs}
    ops, known = [], set(graph.inputs)

    def current(a):
        return new[a] if type(a) is Op else a

    for op in graph.ops:
        args, kwargs = replaced(op.args, current), replaced(op.kwargs, current)
        copy = Op(op.function, args, kwargs, op.shape, op.dtype, op.name, op.place)
        new[op] = result = rule(copy)
        for made in with_new(result, known):
            known.add(made)
            ops.append(made)
    guards = [Guard(current(g.op), g.convert, g.outcome, g.place) for g in graph.guards]
    return Graph(graph.inputs, ops, replaced(graph.outputs, current), [g for g in guards if type(g.op) is Op])


def with_new(op, known):
    """An operation that is not known yet, after those of its arguments that are not."""
    if type(op) is not Op or op in known:
        return []
    before = [made for p in op.parents for made in with_new(p, known)]
    return [*dict.fromkeys(before), op]


def dead(graph):
    """Leave out the operations whose results nothing asks for."""
    needed = set(graph.ends)
    for op in reversed(graph.ops):
        if op in needed:
            needed.update(op.parents)
    return Graph(graph.inputs, [op for op in graph.ops if op in needed], graph.outputs, graph.guards)


def common(graph):
    """Calculate once what stands there twice: the same function of the same arguments."""
    seen = {}
    return rebuilt(graph, lambda op: seen.setdefault((op.function, key(op.args), key(op.kwargs)), op))


def key(a):
    """What tells two arguments apart."""
    if isinstance(a, np.ndarray):
        content = a.tobytes() if a.nbytes < 1024 else id(a)
        return a.shape, a.dtype, content
    if type(a) in (tuple, list):
        return type(a), *map(key, a)
    if type(a) is dict:
        return tuple((k, key(b)) for k, b in sorted(a.items()))
    if type(a) is slice:
        return slice, key(a.start), key(a.stop), key(a.step)
    if isinstance(a, (float, np.floating)):
        return type(a), a.hex() if type(a) is float else a.tobytes()  # 0.0 is not -0.0
    return type(a), a if a.__hash__ else id(a)


VIEWS = {np.reshape, np.ravel, np.expand_dims, np.squeeze, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis}
VIEWS |= {np.linalg.matrix_transpose, np.broadcast_to, np.diagonal, np.linalg.diagonal, np.flip, np.fliplr, np.flipud}
VIEWS |= {part, operator.getitem}
RESHAPES = {np.reshape, np.ravel, np.expand_dims, np.squeeze}
TRANSPOSES = {np.matrix_transpose, np.linalg.matrix_transpose}
DEFAULTS = {"where": True, "keepdims": False, "dtype": None, "out": None}
ELEMENTWISE = {np.where, operator.pow}


def simplified(graph):
    """Drop what changes nothing."""
    return rebuilt(graph, simpler)


def simpler(op):
    """A shorter way to the same numbers."""
    f = op.function
    if op.kwargs:
        op.kwargs = {k: a for k, a in op.kwargs.items() if k not in DEFAULTS or a is not DEFAULTS[k]}
    if ((isinstance(f, np.ufunc) and f.signature is None) or f in ELEMENTWISE) and not op.kwargs:
        op = without_broadcasts(op)
    args = op.args
    if f in (np.multiply, np.divide, np.subtract) and not op.kwargs:
        neutral = 0 if f is np.subtract else 1
        if is_number(args[1], neutral) and same(op, args[0]):
            return args[0]
        if f is np.multiply and is_number(args[0], 1) and same(op, args[1]):
            return args[1]
    if f is np.multiply and op.dtype.kind == "f":
        for minus, x in (args, args[::-1]):
            if is_number(minus, -1) and same(op, x):
                return changed(op, np.negative, (x,))
    if f in (np.add, np.subtract) and negated(args[1]):
        return changed(op, np.subtract if f is np.add else np.add, (args[0], args[1].args[0]))
    if f is np.add and negated(args[0]):
        return changed(op, np.subtract, (args[1], args[0].args[0]))
    if f is np.multiply and (factors := two_factors(args)):
        return changed(op, np.multiply, factors)
    if f in (np.matmul, np.linalg.matmul, np.dot) and is_outer(*args):
        return changed(op, np.multiply, args)
    if f is operator.pow and op.dtype.kind == "f":
        if is_number(args[1], 1) and same(op, args[0]):
            return args[0]
        if is_number(args[1], 2):
            return changed(op, np.square, args[:1])
    if f in RESHAPES and type(args[0]) is Op:
        a = args[0]
        while not same(op, a) and a.function in RESHAPES and type(a.args[0]) is Op:
            a = a.args[0]
        return a if same(op, a) else changed(op, np.reshape, (a, op.shape))
    if f in TRANSPOSES and type(args[0]) is Op and args[0].function in TRANSPOSES:
        return args[0].args[0]
    return op


def without_broadcasts(op):
    """Operands as they were before they were repeated to the shape of the others, as NumPy repeats them itself."""
    args = list(op.args)
    for i, a in enumerate(args):
        before = a
        if type(a) is Op and a.function is np.broadcast_to:
            before = a.args[0]
        elif isinstance(a, np.ndarray) and a.size > 1 and a.dtype == op.dtype and np.all(a == a.flat[0]):
            before = a.flat[0]
        if before is not a and np.broadcast_shapes(*map(shape_of, [*args[:i], before, *args[i + 1 :]])) == op.shape:
            args[i] = before
    return op if all(a is b for a, b in zip(args, op.args, strict=True)) else changed(op, op.function, tuple(args))


def shape_of(a):
    """The shape of an argument."""
    return a.shape if type(a) is Op else np.shape(a)


def changed(op, function, args):
    """The operation in other words."""
    return Op(function, args, {}, op.shape, op.dtype, op.name, op.place)


def two_factors(args):
    """Of a product with two numbers, one of them a power of two, the array and the number: that is exact."""
    for c, x in (args, args[::-1]):
        if is_float(c) and type(x) is Op and x.function is np.multiply and x.dtype == float:
            for d, y in (x.args, x.args[::-1]):
                if is_float(d) and same(x, y) and 0.5 in (abs(math.frexp(c)[0]), abs(math.frexp(d)[0])):
                    return y, float(c) * float(d)
    return None


def is_float(a):
    """Whether an argument is a finite number that is not 0."""
    return isinstance(a, (int, float, np.float64)) and not isinstance(a, bool) and math.isfinite(a) and a != 0


def is_outer(a, b):
    """Whether a matrix product adds up nothing: its columns meet rows of length 1."""
    a, b = shape_of(a), shape_of(b)
    return len(a) > 1 < len(b) and a[-1] == b[-2] == 1


def is_number(a, n):
    """Whether a is the number n."""
    return isinstance(a, (int, float, np.generic)) and not isinstance(a, (bool, np.bool)) and a == n


def negated(a):
    """Whether a is minus something."""
    return type(a) is Op and a.function is np.negative and a.dtype.kind == "f"


def same(op, a):
    """Whether a has the shape and the precision of the result."""
    return type(a) is Op and a.shape == op.shape and a.dtype == op.dtype


def joined(graph):
    """Make one product of two that are added, ``A^T B + C^T D = [A; C]^T [B; D]``, with arrays one below the other.

    This adds up in another order.
    """

    def rule(op):
        if op.function is np.add and all(type(a) is Op and a.function is np.matmul for a in op.args):
            lefts, rights = zip(*(a.args for a in op.args), strict=True)
            columns = [a.args[0] for a in lefts if type(a) is Op and a.function in TRANSPOSES and a.ndim == 2]
            made = [a for a in (*columns, *rights) if type(a) is Op and a.function not in (None, *VIEWS)]
            if len(made) == 4 == len(set(made)) and all(a.dtype == op.dtype for a in made) and op.ndim == 2:
                above, below = (stacked(pair) for pair in (columns, rights))
                turned = Op(np.matrix_transpose, (above,), {}, above.shape[::-1], op.dtype)
                return changed(op, np.matmul, (turned, below))
        return op

    return rebuilt(graph, rule)


def stacked(arrays):
    """Arrays one below the other."""
    shape = sum(a.shape[0] for a in arrays), *arrays[0].shape[1:]
    return Op(np.concatenate, (list(arrays),), {}, shape, arrays[0].dtype)


def split(graph, v):
    """The graph in two: what does not depend on the input v, and then the rest, which takes that as its inputs.

    Views of the first part's arrays are made in the second.
    """
    depends = {v}
    for op in graph.ops:
        if depends.intersection(op.parents):
            depends.add(op)
    views = {op for op in graph.ops if op not in depends and op.function in VIEWS and len(op.parents) == 1}
    second = dead(Graph([], [op for op in graph.ops if op in depends or op in views], graph.outputs[-1:], []))
    inside = {*second.ops, v}
    between = list(dict.fromkeys(p for op in second.ops for p in op.parents if p not in inside))
    first_inputs = [op for op in graph.inputs if op is not v]
    first = Graph(
        first_inputs, [op for op in graph.ops if op not in depends], [*graph.outputs[:-1], *between], graph.guards
    )
    return dead(first), Graph([v, *between], second.ops, second.outputs, [])


ALL = dead, common, simplified, common, joined, dead
