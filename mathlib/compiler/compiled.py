"""`compiled`: a loss that is traced once, and then run as a plan; also its gradient and its Hessian-vector products."""

import contextlib
import functools

import numpy as np

from mathlib import nn
from mathlib.arithmetic import (
    General,
    Number,
    Run,
    UnsupportedError,
    has_rules,
    plain_form,
    real_value,
    type_of,
)
from mathlib.backprop import backward, gradient
from mathlib.compiler import passes
from mathlib.compiler.graph import Op
from mathlib.compiler.plan import ChangedError, Plan, ProductPlan, Writer
from mathlib.compiler.tracing import expanded, traced
from mathlib.compiler.watch import Effects, Watch
from mathlib.door import floats, is_finite, program, with_data
from mathlib.dual import Dual
from mathlib.hessian import grad_and_hvp, hvp
from mathlib.primitives import gap, one_minus_square, sech2, sigmoid

expanded(gap, one_minus_square, sech2, sigmoid, nn.relu, nn.cross_entropy)

# Python's numbers do not tell when digits are lost to underflow. A walk back that starts from here, and not from 1, is
# exactly as many times larger; it loses digits only below 2**-1500, and what is too large for it shows as an infinity.
FAR = 2.0**500
LIMIT = 16  # plans for the same shapes: beyond, the program is another one at each call


def optimized(graph):
    """The graph after all passes."""
    return after(passes.ALL, graph)


def after(steps, graph):
    """The graph after some passes."""
    return functools.reduce(lambda graph, f: f(graph), steps, graph)


def value(f, theta, *data):
    """A program's value."""
    return (f(theta, *data),)


def value_and_gradient(f, theta, *data, start=1):
    """The loss and its gradient, by the table's rules."""
    y, (g,), _ = backward(with_data(f, data, {}), theta, None, start)
    return y, g.astype(theta.dtype)


def value_gradient_and_product(f, theta, v, *data, start=1):
    """The loss, its gradient and the product of its Hessian with v, by the table's rules on dual numbers."""
    dual = Dual._of(theta, v, Run(block=np.ndim(v) > np.ndim(theta)))
    try:
        y, (g, Hv), _ = backward(with_data(f, data, {}), dual, (0, 1), start)
    finally:
        dual.run.alive = False
    return getattr(y, "value", y), g.astype(theta.dtype), Hv.astype(theta.dtype)


def value_and_product(f, theta, v, *data, start=1):
    """The loss, and the product of its Hessian with v."""
    return value_gradient_and_product(f, theta, v, *data, start=start)[::2]


# ------------------------------------------------------------------------------- arguments as arrays


def flat(tree, arrays):
    """What tells two calls apart, with the arrays and the floats in the arguments collected in order."""
    kind = type(tree)
    if kind is np.ndarray or isinstance(tree, (float, np.number, np.bool)):
        if kind is not float and tree.dtype.kind not in "fiub":
            raise TypeError(f"a compiled program takes arrays of real numbers, and one of {tree.dtype} came.")
        arrays.append(tree)
        return Slot, np.shape(tree), getattr(tree, "dtype", float)
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return kind, *(flat(a, arrays) for a in tree)
    if kind is dict:
        return dict, *((k, flat(a, arrays)) for k, a in tree.items())
    if kind is slice:
        return slice, tree.start, tree.stop, tree.step
    if has_rules(tree) or kind.__hash__ is None:
        instead = plain_form(tree, "a") if has_rules(tree) else "an array, a number, a word, or a list of them"
        raise TypeError(f"a compiled program takes arrays and numbers, and a {type_of(tree)} came. Instead: {instead}.")
    return kind, tree


def objects(form):
    """What stands among the arguments as it is, neither an array nor a list of such."""
    kind, *rest = form
    if kind is dict:
        rest = [a for _, a in rest]
    elif kind in (Slot, slice):
        return []
    elif kind not in (tuple, list) and not hasattr(kind, "_fields"):
        return rest
    return [a for inner in rest for a in objects(inner)]


class Slot:
    """The place of an array among the arguments."""


def unflat(form, arrays):
    """The arguments again, with these arrays."""
    kind, *rest = form
    if kind is Slot:
        return next(arrays)
    if kind in (tuple, list):
        return kind([unflat(a, arrays) for a in rest])
    if hasattr(kind, "_fields"):
        return kind(*[unflat(a, arrays) for a in rest])
    if kind is dict:
        return {k: unflat(a, arrays) for k, a in rest}
    return slice(*rest) if kind is slice else rest[0]


def fit(shape, precision, *direction):
    """Whether theta is of floats, and a direction has its shape, or is a block of such, and its precision."""
    if precision.kind != "f":
        return False
    return not direction or ((direction[0] == shape or direction[0][:-1] == shape) and direction[1] == precision)


# ---------------------------------------------------------------------------------------- compiled


def compiled(loss):
    """The same loss, traced once for each shape of its arguments, and from then on run as a program of plain NumPy.

    It is called, differentiated and minimized like the loss: ``value_and_grad``, ``hvp``, ``hessian``, the methods of
    `mathlib.optimize` and `mathlib.stochastic` run its programs. What it costs is a trace: some milliseconds, which
    a few dozen gradients of a small network pay back. (`make derivatives` measures both.)

    Parameters
    ----------
    loss : a program of NumPy functions, ``loss(theta, *data)``
        Arrays and floats among its arguments may change from call to call; a whole number, a word, a shape traces it
        anew. A branch, a loop count or a `float` that depends on an array is recorded with its outcome, and checked at
        every call; so is what the loss reads from outside of its arguments. A read-only array, if what it is a view of
        is read-only too, is not compared: ``X.flags.writeable = False`` saves the time.

    Returns
    -------
    Compiled
        Its values are those of the loss, but for the last bits. Where a number leaves the range, or loses digits to
        underflow, the loss itself answers.

    Raises
    ------
    UnsupportedError
        the loss prints, draws random numbers or changes what it reads: compiled, it would do so once; or a recorded
        outcome is another one at (almost) every call: the message names the line
    TypeError, ValueError, FloatingPointError
        As the loss and its derivatives raise them

    References
    ----------
    Griewank, A. and Walther, A. (2008), chapter 6; Frostig, R., Johnson, M. J. and Leary, C. (2018).

    Examples
    --------
    >>> from mathlib import grad, hvp
    >>> fast = compiled(lambda theta: np.sum(theta**3))
    >>> theta = np.array([1.0, 2.0])
    >>> fast(theta), grad(fast)(theta), hvp(fast, theta, np.array([1.0, 0.0]))
    (np.float64(9.0), array([ 3., 12.]), array([6., 0.]))
    """
    program(loss)
    return loss if isinstance(loss, Compiled) else Compiled(loss)


class Compiled:
    """A loss, and the plans that it has been traced into; see `compiled`.

    >>> compiled(lambda theta: theta**2)
    <a compiled program of <lambda>: no plans yet>
    """

    def __init__(self, f):
        self.f, self.plans, self.watch, self.changes = f, {}, None, 0
        self.constant = False  # whether the last program traced never met theta
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        self.__doc__, self.__wrapped__ = f.__doc__, f

    def __repr__(self):
        n = sum(map(len, self.plans.values()))
        plans = {0: "no plans yet", 1: "1 plan"}.get(n, f"{n} plans")
        return f"<a compiled program of {self.__name__}: {plans}>"

    def __reduce__(self):
        return compiled, (self.f,)

    def bind(self, data, options):
        """The loss of theta alone, on these data."""
        return Bound(self, data, options)

    def __call__(self, theta, *data, **options):
        given = (theta, *data, *options.values())
        if any(isinstance(a, Number) for a in given):
            if not isinstance(theta, Number) or theta.is_real or any(isinstance(a, Number) for a in given[1:]):
                return self.f(theta, *data, **options)
            return self.in_another_arithmetic(theta, data, options)
        answers = self.answers(value, (theta,), data, options)
        return self.f(theta, *data, **options) if answers is None else answers[0]

    def value_and_grad(self, theta, *data, **options):
        """The loss and its gradient; see `mathlib.value_and_grad`."""
        answers = self.answers(value_and_gradient, (theta,), data, options)
        return gradient(with_data(self.f, data, options), floats(theta, "theta"))[:2] if answers is None else answers

    def grad_and_hvp(self, theta, v, *data, **options):
        """The gradient and the Hessian-vector product; see `mathlib.grad_and_hvp`."""
        answers = self.answers(value_gradient_and_product, (theta, v), data, options)
        return grad_and_hvp(with_data(self.f, data, options), theta, v) if answers is None else answers[1:]

    def hvp(self, theta, v, *data, **options):
        """The Hessian-vector product; see `mathlib.hvp`."""
        answers = self.answers(value_and_product, (theta, v), data, options)
        return hvp(with_data(self.f, data, options), theta, v) if answers is None else answers[1]

    def linearized(self, theta, k=()):
        """The loss, its gradient, and the function ``v -> H v`` with all that does not depend on v calculated already.

        v has theta's shape, and one axis of length k more. None, where the loss itself must be asked.
        """
        return self.answers((value_gradient_and_product, k), (theta,), (), {})

    def reading(self):
        """What stands for what the program reads from outside: the same object, as long as that has not changed."""
        return None if self.watch is None or self.watch.change() else self.watch

    def in_another_arithmetic(self, theta, data, options):
        """The row of the table that this program is: its tangent and its transpose are programs of its own."""
        loss = with_data(self.f, data, options)
        y = self(real_value(theta), *data, **options)
        if np.shape(y) != () or not is_finite(y):
            return loss(theta)  # it says where

        def slope(theta):
            plain = not isinstance(theta, Number)
            return self.value_and_grad(theta, *data, **options)[1] if plain else slope_row.run((theta,), (), {})

        def product(theta, v):
            plain = not isinstance(theta, Number) and not isinstance(v, Number)
            return self.hvp(theta, v, *data, **options) if plain else hvp(loss, theta, v)

        def plain_value(theta):
            return self(theta, *data, **options)

        def tangent(y, t, dt):
            return np.sum(slope(t) * dt) * np.ones((), y.dtype)[()]  # in the precision of y

        slope_row = General(slope, lambda y, t, dt: product(t, dt), transposes=(lambda g, y, t: product(t, g),))
        row = General(plain_value, tangent, transposes=(lambda g, y, t: g * slope(t),))
        return row.run((theta,), (), {})

    # ------------------------------------------------------------------------------------- plans

    def answers(self, kind, thetas, data, options):
        """What a plan answers; None, where the loss itself must: for other numbers, and out of their range."""
        arrays, form, key = thetas, (), [kind]
        for t in thetas:
            if type(t) is np.ndarray:
                key += t.shape, t.dtype
            elif isinstance(t, (float, np.floating)):
                key += (), np.result_type(t)
            else:
                return None
        if data or options:
            arrays = list(thetas)
            form = tuple([flat(a, arrays) for a in (*data, options)])
            key.append(form)
        key = tuple(key)
        plans = self.plans.get(key)
        if plans is None and not fit(*key[1 : 1 + 2 * len(thetas)]):
            return None
        if self.watch is None or self.watch.change():
            self.look()
            plans = None
        if plans is None:
            plans = self.plans[key] = []
        for plan in plans:
            try:
                answers = plan(*arrays)
            except ChangedError:
                continue
            self.changes = 0
            return answers
        return self.traced(kind, plans, arrays, len(thetas), form)

    def look(self):
        """Look at what the program reads from outside; it is not what it was, so forget the plans."""
        if self.watch:
            self.changes += 1
            if self.changes > LIMIT:
                name = self.watch.change()
                raise UnsupportedError(
                    f"{name}, which the program {self.__name__} reads from outside, is another one at each call."
                    f" Instead: make it an argument, {self.__name__}(theta, {name.partition('[')[0]})."
                )
        self.plans, self.watch = {}, Watch(self.f)

    def traced(self, kind, plans, arrays, n, form):
        """Trace the program, and keep its plan."""
        if len(plans) >= LIMIT:
            self.refuse_guards(plans)
        if not all(map(is_finite, arrays[:n])):
            return None

        def f(*numbers, **start):
            given = iter(numbers[n:])
            *data, options = [unflat(a, given) for a in form] or [{}]
            return kind(with_options(self.f, options), *numbers[:n], *data, **start)

        kind, linear = (kind[0], kind[1]) if type(kind) is tuple else (kind, None)
        self.refuse_effects(arrays, n, form)
        given = [np.array(a)[()] if i < n or isinstance(a, np.ndarray) else a for i, a in enumerate(arrays)]
        if linear is not None:
            given.insert(1, np.ones((*np.shape(arrays[0]), *linear), arrays[0].dtype)[()])
            n = 2
        names = [None] * len(given)
        try:
            graph, answers = traced(f, given, names)
        except FloatingPointError:  # the loss itself tells of it
            return None
        self.constant = not isinstance(graph.outputs[-1], Op)
        if self.constant and not graph.guards:
            plans.append(no_plan)
        if self.constant or not all(map(is_finite, answers)):
            return None
        if linear is not None:
            plan = LinearPlan(after(passes.SIMPLER, graph))
        else:
            plan = Plan(Writer(optimized(graph), n))
            if plan.writer.pure and kind is not value:
                plan = Plan(Writer(optimized(traced(functools.partial(f, start=FAR), given, names)[0]), n))
        plans.insert(0, plan)
        try:
            return plan(*arrays)
        except ChangedError:
            self.refuse_guards([plan])

    def refuse_effects(self, arrays, n, form):
        """Run the program once as it is, and refuse one that does more than to calculate."""
        for a in (a for argument in form for a in objects(argument)):
            self.watch.value(a, f"a {type_of(a)} among the arguments")
        copies = iter([np.array(a) if isinstance(a, np.ndarray) else a for a in arrays])
        thetas = [next(copies) for _ in range(n)]
        *data, options = [unflat(a, copies) for a in form] or [{}]
        state = shared_state()
        with contextlib.suppress(Exception), np.errstate(all="ignore"), Effects() as effects:
            self.f(thetas[0], *data, **options)
        does = effects.found or ("draws random numbers" if state != shared_state() else None)
        if not does and (name := self.watch.change()):
            does = f"changes {name}, which stands outside of it"
        if not does and tuple([flat(a, []) for a in (*data, options)]) != (form or (flat({}, []),)):
            does = "changes its arguments"
        if does:
            instead = "Instead: do that outside, and pass what it needs as arguments."
            raise UnsupportedError(f"the program {self.__name__} {does}. {instead}")

    def refuse_guards(self, plans):
        """Refuse a program whose recorded outcomes are others at each call; name the line."""
        places = [guard.place for plan in plans if plan is not no_plan for guard in plan.writer.graph.guards]
        place = max(set(places), key=places.count) if places else "an index"
        raise UnsupportedError(
            f"the program {self.__name__} goes another way at each call ({place}): a trace does not hold for the next."
            " Instead: np.where in the place of a branch, or the loss itself, not compiled."
        )


def shared_state():
    """The state of NumPy's generator that all programs share, whose calls `Effects` does not see."""
    return repr(np.random.get_state())  # noqa: NPY002, the old one is what is watched


def with_options(f, options):
    """The program with its options."""
    return functools.partial(f, **options) if options else f


def no_plan(*arrays):
    """The loss itself answers: its derivative is constant."""
    return


class LinearPlan:
    """A plan in two: what depends on theta, once, gives the plan of what depends on v."""

    def __init__(self, graph):
        parts = passes.split(graph, graph.inputs[1])
        first, second = (after(passes.TOGETHER, part) for part in parts)
        self.first, self.second = Plan(Writer(first, 1)), Writer(second, 1, second.inputs[1:])
        self.writer = self.first.writer

    def __call__(self, *arrays):
        answers = self.first(*arrays)
        return answers and (*answers[:2], ProductPlan(self.second, answers[2:]))


class Bound(Compiled):
    """A compiled loss on given data: a function of theta alone, with the plans of the loss."""

    def __init__(self, loss, data, options):
        self.loss, self.data, self.options = loss, data, options
        self.f, self.__name__ = with_data(loss.f, data, options), loss.__name__

    constant = property(lambda self: self.loss.constant)

    def __reduce__(self):
        return Bound, (self.loss, self.data, self.options)

    def answers(self, kind, thetas, data, options):
        return self.loss.answers(kind, thetas, self.data, self.options)

    def reading(self):
        return self.loss.reading()
