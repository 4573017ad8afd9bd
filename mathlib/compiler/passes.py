"""Passes: from graph to graph, each a few lines. No sum is reordered: the answers keep their bits.

``dead``        leave out what nothing asks for
``common``      calculate once what stands there twice
``simplified``  drop what changes nothing: factors of 1, shapes that are there already, broadcasts that NumPy does
"""

import collections
import math
import operator

import numpy as np

from mathlib.compiler.graph import Graph, Guard, Op, replaced
from mathlib.primitives import part


def rebuilt(graph, rule):
    """The graph with each operation replaced by rule(op, old, new), which may be an earlier one, a new one, an array.

    `op` is the operation with the new arguments, `old` the one of the graph; `new` says what became of those before.
    """
    new = {op: op for op in graph.inputs}
    ops, known = [], set(graph.inputs)

    def current(a):
        return new[a] if type(a) is Op else a

    for op in graph.ops:
        args, kwargs = replaced(op.args, current), replaced(op.kwargs, current)
        copy = Op(op.function, args, kwargs, op.shape, op.dtype, op.name, op.place)
        new[op] = result = rule(copy, op, new)
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
    return rebuilt(graph, lambda op, old, new: seen.setdefault((op.function, key(op.args), key(op.kwargs)), op))


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
    return rebuilt(graph, lambda op, old, new: simpler(op))


def simpler(op):
    """A shorter way to the same numbers."""
    f = op.function
    if op.kwargs:
        op.kwargs = {k: a for k, a in op.kwargs.items() if k not in DEFAULTS or a is not DEFAULTS[k]}
    if ((isinstance(f, np.ufunc) and f.signature is None) or f in ELEMENTWISE) and not op.kwargs:
        op = without_broadcasts(op)
    if f is np.transpose and op.ndim == 2 and not op.kwargs and all(a is None for a in op.args[1:]):
        op = changed(op, np.matrix_transpose, op.args[:1])
    f, args = op.function, op.args
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
        elif isinstance(a, np.ndarray) and a.size > 1 and a.dtype == op.dtype and uniform(a):
            before = a.flat[0]
        if before is not a and np.broadcast_shapes(*map(shape_of, [*args[:i], before, *args[i + 1 :]])) == op.shape:
            args[i] = before
    return op if all(a is b for a, b in zip(args, op.args, strict=True)) else changed(op, op.function, tuple(args))


def uniform(a):
    """Whether an array is one number, repeated: 0.0 is not -0.0."""
    return bool(np.all(a == a.flat[0])) and len(set(np.signbit(a).flat if a.dtype.kind == "f" else ())) < 2


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


def beside(graph):
    """Make one product of two with the same thin left factor, ``A B, A C`` of ``A [B C]``: A is read once."""
    following = collections.defaultdict(list)
    for op in graph.ops:
        if is_product(op):
            following[key(op.args[0])].append(op)
    done = {}

    def rule(op, old, new):
        if old in done:
            return done[old]
        if not is_product(op):
            return op
        a, b = op.args
        rows, columns = op.shape
        for other in following[key(old.args[0])]:
            c = other.args[1]
            ready = type(c) is not Op or (c in new and type(new[c]) is Op)
            width = columns + other.shape[1]
            thin = rows >= 16 * columns and width <= 64 and other.dtype == op.dtype
            if other is not old and other not in new and ready and thin:
                wide = Op(
                    np.concatenate,
                    ([b, new[c] if type(c) is Op else c],),
                    {"axis": 1},
                    (shape_of(b)[0], width),
                    op.dtype,
                )
                both = Op(np.matmul, (a, wide), {}, (rows, width), op.dtype)
                done[other] = columns_of(both, slice(columns, width), other)
                return columns_of(both, slice(0, columns), op)
        return op

    return rebuilt(graph, rule)


def columns_of(both, columns, op):
    """The columns of a product that were an operation of their own."""
    return Op(operator.getitem, (both, (slice(None), columns)), {}, op.shape, op.dtype, op.name, op.place)


def is_product(op):
    """Whether an operation is the product of two matrices."""
    return op.function is np.matmul and all(len(shape_of(a)) == 2 for a in op.args)


def joined(graph):
    """Make one product of two that are added, ``A B + C D = [A C] [B; D]``, where that saves more than it copies.

    This adds up in another order.
    """

    def rule(op, old, new):
        if op.function is np.add and op.ndim == 2 and all(type(a) is Op and is_product(a) for a in op.args):
            (a, b), (c, d) = (p.args for p in op.args)
            if all(type(x) is Op and x.dtype == op.dtype for x in (a, b, c, d)) and len({a, b, c, d}) == 4:
                if all(x.function in TRANSPOSES and type(x.args[0]) is Op for x in (a, c)) and is_made(
                    a.args[0], c.args[0], b, d
                ):
                    above = stacked((a.args[0], c.args[0]), 0)
                    turned = Op(np.matrix_transpose, (above,), {}, above.shape[::-1], op.dtype)
                    return changed(op, np.matmul, (turned, stacked((b, d), 0)))
                if a.shape == c.shape and a.shape[1] * sum(op.shape) < op.size and is_made(a, c):
                    return changed(op, np.matmul, (stacked((a, c), 1), stacked((b, d), 0)))
        return op

    return rebuilt(graph, rule)


def is_made(*ops):
    """Whether these are calculated into buffers of their own, so that they can be calculated side by side."""
    return all(type(op) is Op and op.function is not None and op.function not in VIEWS for op in ops)


def stacked(arrays, axis):
    """Arrays one below the other, or side by side."""
    shape = list(arrays[0].shape)
    shape[axis] = sum(a.shape[axis] for a in arrays)
    return Op(np.concatenate, (list(arrays),), {"axis": axis}, tuple(shape), arrays[0].dtype)


def split(graph, v):
    """The graph in two: what does not depend on the input v, and then the rest, which takes that as its inputs.

    Views of the first part's arrays are made in the second.
    """
    depends = {v}
    for op in graph.ops:
        if depends.intersection(op.parents):
            depends.add(op)
    views = {op for op in graph.ops if op not in depends and is_view(op)}
    guards = [[g for g in graph.guards if (g.op in depends) is second] for second in (False, True)]
    second = [op for op in graph.ops if op in depends or op in views]
    second = dead(Graph([], second, graph.outputs[-1:], guards[1]))
    inside = {*second.ops, v}
    between = list(dict.fromkeys(p for op in second.ops for p in op.parents if p not in inside))
    first_inputs = [op for op in graph.inputs if op is not v]
    first = Graph(
        first_inputs, [op for op in graph.ops if op not in depends], [*graph.outputs[:-1], *between], guards[0]
    )
    given = {op: Op(None, (), {}, op.shape, op.dtype, op.name) for op in between}
    ops = [Op(op.function, op.args, op.kwargs, op.shape, op.dtype, op.name) for op in second.ops]
    given |= dict(zip(second.ops, ops, strict=True)) | {v: v}

    def new(a):
        return given[a] if type(a) is Op else a

    for op in ops:
        op.args, op.kwargs = replaced(op.args, new), replaced(op.kwargs, new)
    inputs = [v, *(given[op] for op in between)]
    guards = [Guard(given[g.op], g.convert, g.outcome, g.place) for g in second.guards]
    return dead(first), Graph(inputs, ops, replaced(second.outputs, new), guards)


def is_view(op):
    """Whether a view of one array is made, and no element of a tuple taken."""
    return op.function in VIEWS and [p.shape is None for p in op.parents] == [False]


SIMPLER = dead, common, simplified, common, dead
TOGETHER = joined, beside, dead
ALL = SIMPLER + TOGETHER
