"""A traced program as a graph: operations on arrays, in the order in which they ran."""

import numpy as np


class Op:
    """One line of a program: a NumPy function, its arguments (Ops among them), and what came out.

    Without a function it is an input. `shape` is None where a tuple came out. `name` is the user's, if there is one.
    """

    __slots__ = ("args", "dtype", "function", "kwargs", "name", "place", "shape")

    def __init__(self, function, args, kwargs, shape, dtype, name=None, place=None):
        self.function, self.args, self.kwargs = function, args, kwargs
        self.shape, self.dtype, self.name, self.place = shape, dtype, name, place

    @property
    def parents(self):
        """The Ops among the arguments, in order."""
        return list(leaves((self.args, self.kwargs)))

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))
    nbytes = property(lambda self: self.size * self.dtype.itemsize)

    def __repr__(self):
        return f"<{getattr(self.function, '__name__', 'input')} {self.shape}>"


def leaves(tree):
    """The Ops in arguments, at any depth."""
    if type(tree) is Op:
        yield tree
    elif isinstance(tree, (tuple, list)):
        for a in tree:
            yield from leaves(a)
    elif type(tree) is dict:
        yield from leaves(tuple(tree.values()))
    elif type(tree) is slice:
        yield from leaves((tree.start, tree.stop, tree.step))


def replaced(tree, new):
    """The arguments with new(a) for each Op and each array in them."""
    if isinstance(tree, (Op, np.ndarray)):
        return new(tree)
    if type(tree) in (tuple, list):
        return type(tree)([replaced(a, new) for a in tree])
    if type(tree) is dict:
        return {k: replaced(a, new) for k, a in tree.items()}
    if type(tree) is slice:
        return slice(*(replaced(a, new) for a in (tree.start, tree.stop, tree.step)))
    return tree


class Guard:
    """What a trace took for granted: that convert(array) has this outcome; and the user's line that asked."""

    __slots__ = ("convert", "op", "outcome", "place")

    def __init__(self, op, convert, outcome, place):
        self.op, self.convert, self.outcome, self.place = op, convert, outcome, place


class Graph:
    """Inputs, operations in order, outputs (Ops or plain arrays), and the guards."""

    def __init__(self, inputs, ops, outputs, guards):
        self.inputs, self.ops, self.outputs, self.guards = inputs, ops, outputs, guards

    @property
    def ends(self):
        """The Ops that are asked for."""
        return [*leaves(self.outputs), *(g.op for g in self.guards)]
