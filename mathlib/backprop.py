"""Backpropagation: gradients of plain NumPy programs, recorded on a tape of nodes.

A `Node` stands for an array; each NumPy call on Nodes is a line on a tape, and the tape is read once from the end
to the start. If the nodes hold plain numbers, the gradient is a number (symbol-to-number). If they hold Nodes of an
outer tape, the reading is recorded too, and the gradient is a graph that can be differentiated again
(symbol-to-symbol); if they hold dual numbers, the reading gives exact Hessian-vector products. The rules are the one
table's in all three cases. Source: S. Linnainmaa (1970); B. Speelpenning (1980).
"""

import math
import operator
import warnings

import numpy as np

from mathlib.arithmetic import (
    TABLE,
    Number,
    Run,
    caller,
    name_of,
    outside,
    plus,
    product_tangent,
    real_value,
    underflows,
)
from mathlib.door import finite, floating, floats, in_range, is_finite, program, run_program, with_data
from mathlib.dual import Complex, Dual
from mathlib.primitives import Piece, assemble, deposit, part

MATMUL, RESHAPE = TABLE[np.matmul], TABLE[np.reshape]
VIEWS = {TABLE[operator.getitem], TABLE[part], RESHAPE}


CONSTANT = "the loss does not depend on theta"


class ConstantLossWarning(UserWarning):
    """A loss that never met theta: its gradient is zero, though no minimum was found."""


class Node(Number):
    """An array with a history: its value, and the line on the tape of its run that made it."""

    __slots__ = ("line", "value")

    def __init__(self, theta, run):
        self.value, self.run, self.line = theta, run, 0
        run.tape.append((None, (), {}, (), (), theta))

    def finite(self):
        """Whether the value is finite."""
        return is_finite(self.value)

    def apply(self, rule, arrays, rest, kwargs):
        """Run one row of the table on the values, and write it on the tape."""
        run = self.run
        values, parents = [], []
        for a in arrays:
            if type(a) is Node and a.run is run:
                values.append(a.value)
                parents.append(a.line)
            else:
                values.append(a)
                parents.append(None)
        y = rule.evaluate(values, rest, kwargs)
        node = Node.__new__(Node)
        node.value, node.run, node.line = y, run, len(run.tape)
        if rest:
            rest = kept(rest, run.copies)
        if kwargs:
            kwargs = {k: kept(a, run.copies) for k, a in kwargs.items()}
        if rule.reads_values and None in parents:
            values = [kept(a, run.copies) if p is None else a for a, p in zip(values, parents, strict=True)]
        if run.trace:
            run.places[node.line] = caller()
            self.follow(node, rule, arrays)
        else:
            if not rule.reads_values:  # what the tape has of them anyway
                values = [a if p is None else run.tape[p][-1] for a, p in zip(values, parents, strict=True)]
            if not rule.reads_result:
                y = Blank(y)
        run.tape.append((rule, rest, kwargs, values, parents, y))
        return node

    def __repr__(self):
        return f"Node({self.value!r})"


Node.primal = Node.value  # the slot itself: a property in Python would be slower


class Blank:
    """What a tape keeps of an array whose numbers no rule reads: shape and type."""

    __slots__ = ("dtype", "shape")

    def __init__(self, a):
        self.shape, self.dtype = a.shape, a.dtype

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))


class Recording(Run):
    """A run that keeps a tape: (rule, rest, kwargs, values, lines of the parents, result), one line an operation.

    With `trace`, it keeps all values, and the places of the operations in the program.
    """

    def __init__(self, trace=False):
        super().__init__(trace)
        self.tape, self.places, self.copies = [], {}, {}


def kept(a, copies):
    """A constant as the way back will read it, whatever the program does with it later.

    A copy costs a matrix-vector product twice as much; a checksum of the array before and after costs the same, and a
    lock does not hold for its other views. Only a read-only array is taken as it is, if what it is a view of is too;
    and of a place in memory that still holds the same bytes, one copy is enough.
    """
    if isinstance(a, np.ndarray):
        if frozen(a):
            return a
        return a.copy() if a.nbytes < 1024 or a.dtype.hasobject else copied_once(a, copies)
    if type(a) in (tuple, list):
        return type(a)(kept(b, copies) for b in a)
    return slice(*(kept(b, copies) for b in (a.start, a.stop, a.step))) if type(a) is slice else a


def copied_once(a, copies):
    """A copy of an array: the earlier one, if the same place still holds the same bytes."""
    place = type(a), a.__array_interface__["data"][0], a.shape, a.strides, a.dtype
    order, word = "F" if a.flags.fnc else "C", f"u{math.gcd(a.itemsize, 8)}"
    if place not in copies or not np.array_equal(*(b.ravel(order).view(word) for b in (a, copies[place]))):
        copies[place] = a.copy("K")
    return copies[place]


def frozen(a):
    """Whether nobody can change an array."""
    while isinstance(a, np.ndarray):
        if a.flags.writeable:
            return False
        a = a.base
    return a is None or type(a) is bytes


def record(f, theta, trace=False, lost=None):
    """Run f on a node: the value, the tape that ends with it (None: it does not depend on theta), and the last node."""
    run = Recording(trace)
    try:
        y = run_program(f, Node(kept(theta, run.copies), run), lost)
    finally:
        # Nodes know their run: a run that knew its nodes would outlive them.
        tape, run.tape, run.copies = run.tape, None, None
    if not (isinstance(y, Node) and y.run is run):
        return y, None, None
    del tape[y.line + 1 :]
    return y.value, tape, y


# ---------------------------------------------------------------------------------- the way back


def total(contributions, x):
    """The sum of what reached x, pieces joined in their places."""
    g, fresh, pieces = None, False, []
    for c in contributions:
        if type(c) is Piece:
            pieces.append(c)
        else:
            g, fresh = (c, False) if g is None else (plus(g, c, fresh), True)
    if pieces:
        whole = assemble([p.g for p in pieces], [p.key for p in pieces], np.shape(x))
        g = whole if g is None else plus(g, whole, fresh)
    return g


def walk_back(tape, w, sink=None, places=None, seen=()):
    """Read the tape from its end, where the gradient is w, to its start; the tape is used up.

    Gives the gradient with respect to the first line's array (None: it never arrived), or fills the sink. `seen`, a
    dict, keeps the gradient with respect to each line that it has as a key.
    """
    arrived = [None] * len(tape)
    arrived[-1] = [w]
    views = sink.views if sink else ()
    while len(tape) > 1:
        rule, rest, kwargs, values, parents, y = tape.pop()
        contributions = arrived.pop()
        if contributions is None:
            continue
        g = contributions[0]
        if len(contributions) > 1 or type(g) is Piece:
            g = total(contributions, y)
        if len(tape) in seen:
            seen[len(tape)] = g
        if views and rule is MATMUL:
            parents = [None if sink.product(p, i, g, values) else p for i, p in enumerate(parents)]
        for parent, c in rule.pull(g, parents, values, y, rest, kwargs):
            if places and not is_finite(getattr(c, "g", c)):
                name = name_of(rule.function)
                hidden = f" Instead, if np.where hides this place: hide it from {name} too, by an inner np.where."
                raise FloatingPointError(
                    f"the gradient is NaN or infinite. It ceased to be finite in the derivative of {name},"
                    f" {places[len(tape)]}.{hidden if np.any(real_value(g) == 0) else ''}"
                )
            if parent in views:
                sink.add(parent, c)
            elif arrived[parent] is None:
                arrived[parent] = [c]
            else:
                arrived[parent].append(c)
    g = total(arrived[0], tape[0][-1]) if arrived[0] else None
    if sink and g is not None:  # the program is theta itself
        sink.add(0, g)
    return g


class Sink:
    """Where the gradient of a plain or first-order number gathers: a buffer for each wanted part of it.

    Slices and reshapes of theta are views of the same buffers, so that no zero-padded gradients are added, and of a
    matrix product only the wanted parts are calculated; one that alone fills its view is written straight into it.
    """

    def __init__(self, theta, tape, wanted):
        self.wanted, used = wanted, set()
        self.buffers = [np.empty(theta.shape, theta.dtype) for _ in wanted]
        self.views = {0: self.buffers}
        for i, (rule, rest, kwargs, _, parents, _) in enumerate(tape):
            if rule in VIEWS and parents[0] in self.views:
                views = [rule.evaluate([b], rest, kwargs) for b in self.views[parents[0]]]
                if np.may_share_memory(views[0], self.buffers[0]):
                    self.views[i] = views
                    continue
            for p in parents:
                if p in self.views:
                    used.add(p)
        self.alone = self.undisturbed(used) if theta.size > 2**14 else set()
        if sum(self.views[i][0].size for i in self.alone) < theta.size:
            for b in self.buffers:
                b.fill(0)

    def undisturbed(self, used):
        """The used views that overlap no other: what arrives there first need not be added."""
        bounds = sorted((*np.lib.array_utils.byte_bounds(self.views[i][0]), i) for i in used)
        end, alone = 0, set()
        for k, (start, stop, i) in enumerate(bounds):
            following = bounds[k + 1][0] if k + 1 < len(bounds) else stop
            if end <= start and stop <= following:
                alone.add(i)
            end = max(end, stop)
        return alone

    @staticmethod
    def parts(c):
        """The value and the tangent (None: none) of a contribution."""
        return c.parts if isinstance(c, Number) else (c, None)

    def add(self, i, c):
        """Add a contribution to the view of line i."""
        piece, first = type(c) is Piece, i in self.alone
        parts = self.parts(c.g if piece else c)
        for view, k in zip(self.views[i], self.wanted, strict=True):
            if first and (piece or parts[k] is None):
                view.fill(0)
            if parts[k] is None:
                continue
            if piece:
                deposit(view, c.key, parts[k])
            elif first:
                view[...] = parts[k]
            else:
                view += parts[k]
        self.alone.discard(i)

    def product(self, i, side, g, values):
        """Add g B^T (side 0) or A^T g (side 1) to the view of line i, if it can be done; say whether."""
        if i not in self.views or values[0].ndim != 2 or values[1].ndim != 2:
            return False
        g, turned = self.parts(g), [a if a is None else a.T for a in self.parts(values[1 - side])]
        (a, da), (b, db) = (turned, g) if side else (g, turned)
        for view, k in zip(self.views[i], self.wanted, strict=True):
            out = view if i in self.alone else None
            if k == 0:
                c = np.matmul(a, b, out=out)
            elif da is None and db is None:
                c = 0.0
            else:
                c = product_tangent(a, b, da, db, out=out)
            if out is None:
                view += c
            elif c is not out:
                out.fill(0)
        self.alone.discard(i)
        return True

    def result(self):
        """The buffers, with zeros where nothing arrived."""
        for i in self.alone:
            for view in self.views[i]:
                view.fill(0)
        return [b[()] for b in self.buffers]


def gradient(loss, theta, wanted=None, lost=None):
    """The value of the loss, and its gradient at theta, of any arithmetic.

    With `wanted`, theta is a first-order number, and the gradient a list: of its value (0), its tangent (1), or both.
    `lost` grows where digits are lost to underflow. A loss without theta in it gets a warning.
    """
    if not isinstance(theta, Node):
        refuse_point(theta)
    y = None

    def derive(size):
        nonlocal y
        y, g, underflow = backward(loss, theta, wanted, size, lost)
        return g, underflow

    if (g := in_range(derive, theta.dtype)) is None:
        blame(loss, theta, np.ones((), y.dtype)[()])
    return y, g if wanted else g[0]


def backward(loss, theta, wanted, size=1, lost=None):
    """The value of the loss, its gradients from a start of this size, and whether they lost digits to underflow."""
    y, tape, _ = record(loss, theta, lost=lost)
    if np.shape(y) != ():
        raise ValueError(
            f"the loss has shape {np.shape(y)}: only a scalar has a gradient. Instead: np.sum or np.mean of it, or vjp."
        )
    if not is_finite(y):
        origin = getattr(record(loss, theta, trace=True)[2], "origin", None) or "a constant"
        raise FloatingPointError(f"the loss is NaN or infinite. It ceased to be finite at {origin}.")
    first_order = isinstance(y, (Dual, Complex)) and not any(isinstance(part, Number) for part in y.parts)
    block = any(a.run.block for a in (y, theta) if isinstance(a, Dual))
    if tape is None and size == 1 and not isinstance(y, Number):
        message = f"{CONSTANT}: its gradient is zero. Instead: calculate it anew in each call."
        warnings.warn(message, ConstantLossWarning, outside()[1])
    start = np.full((), size, y.dtype)[()]
    with underflows() as underflow:
        if block or (tape and isinstance(y, Number) and not first_order):
            g = walk_back(tape, start) if tape else None
            g = np.zeros(theta.shape, theta.dtype)[()] if g is None else g if size == 1 else g / start
            parts = [g]
            if wanted:  # without theta's run in it, the gradient is constant along the direction
                constant = np.zeros(np.shape(theta.parts[1]), theta.dtype)[()]
                parts = g.parts if getattr(g, "run", None) is theta.run else (g, constant)
                parts = [parts[k] for k in wanted]
        else:
            sink = Sink(theta, tape or [], wanted or ((0, 1) if first_order else (0,)))
            if tape:
                walk_back(tape, start, sink)
            parts = sink.result() if size == 1 else [b / start for b in sink.result()]
            parts = [type(y)._of(*parts, y.run)] if first_order and not wanted else parts
    if lost is not None:
        lost += underflow
    return y, parts, underflow


def refuse_point(theta):
    """Refuse a theta, or a direction in it, that is not finite."""
    value, tangent = getattr(theta, "parts", (theta, 0.0))
    finite(theta=value, v=tangent)


def blame(f, x, w):
    """Go back from w again, and say where it ceased to be finite."""
    _, tape, node = record(f, x, trace=True)
    with np.errstate(all="ignore"):
        walk_back(tape, w, places=node.run.places)
    raise FloatingPointError("the gradient overflows where its terms are added.")


def value_and_grad(loss, *wrong):
    """The function ``theta -> (l(theta), dl/dtheta)``: the value of a loss, and its gradient by backpropagation.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
        What it receives behaves as theta, but is no ``np.ndarray``: a branch on ``isinstance`` would go the other way.

    Returns
    -------
    a function of theta, an array of floats of any shape, and of what else the loss takes
        It gives the value and the components of the covector dl, in theta's shape, of unit [l] / [theta]. It can be
        differentiated again, and costs about as much as two more runs of the loss (three matrix products for one).

    Raises
    ------
    TypeError
        theta is not of floats, or the loss is not an array
    ValueError
        theta is not finite, or the loss is not a scalar
    UnsupportedError
        the loss uses a function without a rule, or would lose the derivative
    FloatingPointError
        the loss or its gradient is NaN or infinite; the message says where it arose

    References
    ----------
    Linnainmaa, S. (1970); Rumelhart, D. E., Hinton, G. E. and Williams, R. J. (1986).

    Examples
    --------
    >>> value_and_grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    (np.float64(9.0), array([ 3., 12.]))
    """
    program(loss, *wrong)
    if planned := getattr(loss, "value_and_grad", None):
        return planned

    def value_and_gradient(theta, *data, **options):
        return gradient(with_data(loss, data, options), floats(theta, "theta"))

    value_and_gradient.__wrapped__ = loss  # its arguments are the loss's
    return value_and_gradient


def grad(loss, *wrong):
    """The function ``theta -> dl/dtheta``: the gradient of a loss by backpropagation; see `value_and_grad`.

    >>> f = lambda x: np.sum(np.sin(x))
    >>> grad(f)(np.zeros(2))
    array([1., 1.])
    >>> grad(lambda x: np.vdot(grad(f)(x), x))(np.zeros(2))  # of a gradient: cos x - x sin x
    array([1., 1.])
    """
    of = value_and_grad(loss, *wrong)

    def gradient(theta, *data, **options):
        return of(theta, *data, **options)[1]

    gradient.__wrapped__ = loss
    return gradient


def vjp(f, x):
    """The value of f, and the transpose of its derivative: ``(f(x), w -> w . df(x))``.

    Parameters
    ----------
    f : a program of NumPy functions
        Its value is one array, of any shape.
    x : float or array of floats

    Returns
    -------
    the value, and a function that gives for w, of the value's shape, the components of w . df(x), of x's shape
        Its unit is [w] [f] / [x]. It can be called again; it holds the graph until it is dropped.

    Raises
    ------
    TypeError, ValueError, UnsupportedError
        As for `value_and_grad`; ValueError also for a w of another shape
    FloatingPointError
        w . df(x) is NaN or infinite; the message says where it arose

    References
    ----------
    Griewank, A. and Walther, A. (2008), section 3.2.

    Examples
    --------
    >>> y, pullback = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> y, pullback(np.array([1.0, 10.0]))
    (array([1., 4.]), array([ 2., 40.]))
    """
    program(f)
    x = floats(x, "x")
    finite(x=x)
    x = x if isinstance(x, Number) else np.array(x)[()]
    y, tape, _ = record(f, x)
    y = y if isinstance(y, Number) else np.array(y)[()]

    if not is_finite(y):
        origin = getattr(record(f, x, trace=True)[2], "origin", None) or "a constant"
        raise FloatingPointError(f"f is NaN or infinite. It ceased to be finite at {origin}.")

    def pullback(w):
        w = floating(w, "w")
        finite(w=w)
        if np.shape(w) != np.shape(y):
            raise ValueError(f"w has shape {np.shape(w)} and f(x) {np.shape(y)}: they must be equal.")
        if not tape:
            return np.zeros(x.shape, x.dtype)[()]

        def derive(size):
            with underflows() as lost:
                g = walk_back(list(tape), w if size == 1 else w * size)
                g = np.zeros(x.shape, x.dtype)[()] if g is None else g
                return [g if size == 1 else g / size], lost

        if (g := in_range(derive, x.dtype)) is None:
            blame(f, x, w)
        return g[0] if isinstance(g[0], Number) else np.array(g[0], x.dtype)[()]

    return y, pullback


# --------------------------------------------------------------------------------------- the picture


class Graph:
    """The graph of a program: its operations in order, each with the numbers of the earlier ones that it uses.

    `operations` lists (text, parents, shape); what the result does not need is left out. A NumPy call that is a
    program of others appears as these.

    >>> print(Graph(lambda x: np.sum(x * x), np.ones(3)))
    %0 = theta                (3,)
    %1 = np.multiply(%0, %0)  (3,)
    %2 = np.sum(%1)           ()

    On a gradient it shows symbol-to-symbol differentiation:

    >>> print(Graph(grad(lambda x: x**3), 2.0))
    %0 = theta              ()
    %1 = pow(%0, 2)         ()
    %2 = np.multiply(3, %1) ()
    %3 = np.multiply(1, %2) ()
    """

    def __init__(self, f, theta):
        program(f)
        theta = floats(theta, "theta")
        finite(theta=theta)
        _, tape, _ = record(f, theta)
        if tape is None:
            raise ValueError("the program does not depend on its argument: it has no graph.")
        needed = {0, len(tape) - 1}
        for line in reversed(range(len(tape))):
            if line in needed:
                needed.update(p for p in tape[line][4] if p is not None)
        number = {line: n for n, line in enumerate(sorted(needed))}
        self.operations = []
        for line in number:
            rule, _, _, values, parents, result = tape[line]
            inputs = [constant(a) if p is None else f"%{number[p]}" for a, p in zip(values, parents, strict=True)]
            text = f"{name_of(rule.function)}({', '.join(inputs)})" if rule else "theta"
            self.operations.append((text, [number[p] for p in parents if p is not None], np.shape(result)))

    def __str__(self):
        lines = [f"%{i} = {text}" for i, (text, _, _) in enumerate(self.operations)]
        width = max(map(len, lines))
        return "\n".join(f"{a:{width}} {shape}" for a, (_, _, shape) in zip(lines, self.operations, strict=True))


def constant(a):
    """How a constant is written in a graph: a number as it is, an array by its shape."""
    return f"{real_value(a):.6g}" if np.ndim(a) == 0 else f"array{np.shape(a)}"
