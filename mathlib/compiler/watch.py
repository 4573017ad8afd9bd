"""What a program reads from outside of its arguments, and whether that is still what it was.

A trace keeps what it read: the arrays and numbers in the closure of a function, in the globals that it names, in its
defaults and in the objects that it belongs to, and those of the functions that it calls. Each call compares them with
what they were; where one differs, the program is traced anew. What a program must not do is change them itself, draw
random numbers or print: it is run once, and then only its arithmetic is.
"""

import argparse
import array
import builtins
import collections
import contextlib
import datetime
import dis
import functools
import io
import math
import os
import random
import sys
import time
import types

import numpy as np

from mathlib.arithmetic import INSIDE, LIBRARIES, Number, UnsupportedError, plain_form, type_of
from mathlib.backprop import frozen

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype, np.ufunc)
RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
SEQUENCES = list, tuple, collections.deque
UNORDERED = {set: frozenset, bytearray: bytes, array.array: bytes}
NAMESPACES = types.SimpleNamespace, argparse.Namespace
GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"}
CLOCKS = "time", "monotonic", "perf", "process", "thread", "localtime", "gmtime", "ctime"
MISSING = object()
LARGE = 2**16  # bytes: to compare more is quicker without a copy

# What a program may do beside its arithmetic, by the function that does it.
DOING = {builtins.print: "prints", builtins.input: "asks for input", builtins.open: "opens a file"}
DOING |= {f: "asks for the time" for name, f in vars(time).items() if name.partition("_")[0] in CLOCKS}


class Effects:
    """While it is open, the first thing is `found` that the program does beside its arithmetic."""

    found = None

    def __enter__(self):
        self.before = sys.getprofile()
        sys.setprofile(self.event)
        return self

    def __exit__(self, *error):
        sys.setprofile(self.before)

    def event(self, frame, event, function):
        """What a function in C does that is called."""
        if event == "c_call" and not self.found:
            self.found = effect(function, library(frame.f_code.co_filename))


def effect(function, inside):
    """What a function in C does, called by the program itself or `inside` of a library."""
    of, name = function.__self__, function.__name__
    if of is random.random.__self__:  # the one generator that all programs share
        return "draws random numbers"
    if isinstance(of, types.ModuleType):
        return "draws random numbers" if function is os.urandom else None if inside else DOING.get(function)
    if isinstance(of, type) and issubclass(of, datetime.date) and name in ("now", "today", "utcnow"):
        return "asks for the time"
    return "writes" if isinstance(of, io.IOBase) and name.startswith("write") else None


class Watch:
    """What a function reads from outside: where it stands, by which name, and what was there."""

    def __init__(self, f):
        self.seen, self.kept, self.names = set(), [], set()
        self.cells, self.named, self.slots, self.arrays, self.states = [], [], [], [], []
        self.function(f)

    def new(self, thing):
        """Whether a thing has not been seen yet; it is kept, so that no other one takes its place in memory."""
        if id(thing) in self.seen:
            return False
        self.seen.add(id(thing))
        self.kept.append(thing)
        return True

    def function(self, f):
        """Watch what a function reads."""
        if not self.new(f):
            return
        if isinstance(f, types.MethodType):
            self.value(f.__self__, f"{f.__name__}'s object")
            self.function(f.__func__)
        elif isinstance(f, functools.partial):
            self.value((f.func, f.args, f.keywords), "an argument of a partial function")
        elif isinstance(f, types.FunctionType):
            self.program(f)
        elif hasattr(f, "__wrapped__"):
            self.function(f.__wrapped__)
        else:
            self.inside(f, f"the {type(f).__name__}")

    def program(self, f):
        """Watch the variables of a function in Python."""
        code = f.__code__
        if library(code.co_filename):  # its variables are its own; what the user gave it stands in them
            for cell in f.__closure__ or ():
                with contextlib.suppress(ValueError):
                    self.elements(cell.cell_contents, f.__name__)
            return
        for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
            self.cell(cell, name)
        self.value((f.__defaults__, f.__kwdefaults__), f"a default of {f.__name__}")
        self.attributes(f, f.__name__)
        for inner in codes(code):
            self.names.update(inner.co_names)
            for step in dis.get_instructions(inner):
                name = step.argval
                if step.opname in GLOBAL and (name in f.__globals__ or not hasattr(builtins, name)):
                    self.slot(f.__globals__, name, name)
                elif step.opname == "IMPORT_NAME" and name in sys.modules:
                    self.value(sys.modules[name], name)

    def cell(self, cell, name):
        """Watch a variable of a closure."""
        try:
            value = cell.cell_contents
        except ValueError:  # not yet defined
            value = MISSING
        self.cells.append((cell, name, value))
        self.value(value, name)

    def slot(self, place, key, name):
        """Watch the value at a place of a list or a dictionary."""
        value = at(place, key)
        (self.named if type(place) is dict else self.slots).append((place, key, name, value))
        self.value(value, name)

    def elements(self, value, name):
        """Watch what can change within the elements of something that does not change itself."""
        if isinstance(value, (list, tuple, dict)):
            for a in value.values() if isinstance(value, dict) else value:
                self.elements(a, name)
        else:
            self.value(value, name)

    def state(self, read, thing, name):
        """Watch what a function reads off a thing."""
        self.states.append((read, thing, name, read(thing)))

    def value(self, value, name):
        """Watch what can change within a value."""
        if isinstance(value, types.ModuleType):
            return self.module(value, name)
        if isinstance(value, (*PLAIN, Number)) or value is MISSING:
            return None
        if callable(value) and not isinstance(value, type):
            return self.function(value)
        if not self.new(value):
            return None
        if type(value) in (np.ndarray, np.memmap):
            if not frozen(value):
                self.arrays.append((value, name, contents(value)))
        elif type(value) is tuple:
            for i, a in enumerate(value):
                self.value(a, f"{name}[{i}]")
        elif isinstance(value, RANDOM):
            self.state(generator_state, value, name)
        elif isinstance(value, (*SEQUENCES, dict)):
            self.state(len, value, name)
            for key in list(value) if isinstance(value, dict) else range(len(value)):
                self.slot(value, key, f"{name}[{key!r}]")
        elif type(value) in UNORDERED:
            self.state(UNORDERED[type(value)], value, name)
        elif hasattr(value, "tocsr"):
            self.attributes(value, name)
        elif is_array(value):
            raise UnsupportedError(
                f"the program reads {name} from outside, a {type_of(value)}, in which no change would be seen."
                f" Instead: {plain_form(value, name)}."
            )
        elif hasattr(type(value), "__next__"):
            raise UnsupportedError(
                f"the program reads {name} from outside, a {type_of(value)}, which gives something else each time."
                " Instead: a list, or what it gives as an argument."
            )
        else:
            self.inside(value, name)
        return None

    def inside(self, thing, name):
        """Watch the attributes of an object or a class of the user's."""
        kind = thing if isinstance(thing, type) else type(thing)
        if isinstance(thing, NAMESPACES):
            self.attributes(thing, name)
        elif not foreign(sys.modules.get(kind.__module__)):
            if thing is not kind:
                self.attributes(thing, name)
            for base in kind.__mro__:
                if not foreign(sys.modules.get(base.__module__)) and (base is thing or self.new(base)):
                    self.members(base, name if base is thing else base.__name__)
            for key in getattr(kind, "__slots__", ()) if thing is not kind else ():
                self.slot(Attributes(thing), key, f"{name}.{key}")

    def attributes(self, thing, name):
        """Watch what an object holds."""
        held = getattr(thing, "__dict__", {})
        self.state(len, held, name)
        for key in list(held):
            self.slot(held, key, f"{name}.{key}")

    def members(self, kind, name):
        """Watch what a class holds: numbers, arrays, and what its methods read."""
        for key, value in list(vars(kind).items()):
            method = next((m for m in (getattr(value, k, None) for k in ("__func__", "fget", "func")) if m), value)
            if isinstance(method, types.FunctionType):
                self.function(method)
            elif not key.startswith("__"):
                self.slot(vars(kind), key, f"{name}.{key}")

    def module(self, module, name):
        """Watch what the program names of a module of the user's."""
        if not foreign(module):
            for key in self.names & vars(module).keys():
                if (id(module), key) not in self.seen:
                    self.seen.add((id(module), key))
                    self.slot(vars(module), key, f"{name}.{key}")

    def change(self):
        """The name of the first thing that is no longer what it was; None, if there is none."""
        for cell, name, value in self.cells:
            try:
                now = cell.cell_contents
            except ValueError:
                now = MISSING
            if now is not value and not same(now, value):
                return name
        for place, key, name, value in self.named:
            if (now := place.get(key, MISSING)) is not value and not same(now, value):
                return name
        for place, key, name, value in self.slots:
            if (now := at(place, key)) is not value and not same(now, value):
                return name
        for a, name, before in self.arrays:
            if contents(a, before) != before:
                return name
        for read, thing, name, before in self.states:
            if read(thing) != before:
                return name
        return None


def at(place, key):
    """What stands at a place."""
    try:
        return place[key]
    except (LookupError, AttributeError):
        return MISSING


class Attributes:
    """The attributes of an object, as a dictionary has them."""

    def __init__(self, thing):
        self.thing = thing

    def __getitem__(self, key):
        return getattr(self.thing, key)


def same(now, value):
    """Whether two objects are the same number, word or the like."""
    if type(now) is not type(value) or not isinstance(value, PLAIN):
        return False
    return repr(now) == repr(value) if isinstance(value, (float, complex, np.inexact)) else bool(now == value)


def contents(a, before=None):
    """An array's bytes, with its shape and precision; of a large one that is `before` still, that."""
    if a.nbytes <= LARGE or a.dtype.hasobject:
        return a.shape, a.dtype, a.tobytes()
    if before is None:
        return a.shape, a.dtype, words(a).copy()
    unchanged = a.shape == before[0] and a.dtype == before[1] and np.array_equal(words(a), before[2])
    return before if unchanged else None


def words(a):
    """A large array as integers, so that NaN equals itself, and 0.0 is not -0.0."""
    a = a if a.flags.forc else np.ascontiguousarray(a)
    return a.reshape(-1, order="A").view(f"u{math.gcd(a.itemsize, 8)}")


def is_array(a):
    """Whether an object has an arithmetic of arrays of its own."""
    kind = type(a)
    arrays = isinstance(a, np.ndarray) or any(hasattr(kind, n) for n in ("__array_ufunc__", "__array_function__"))
    return arrays and foreign(sys.modules.get(kind.__module__))


def generator_state(generator):
    """The state of a generator of random numbers, as text."""
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return repr(generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate())


def codes(code):
    """The code of a function, and of those within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def library(file):
    """Whether a file is of Python, NumPy, this package or another installed one."""
    return str(file).startswith((*INSIDE, *LIBRARIES))


def foreign(module):
    """Whether a module is of Python, NumPy, this package or another installed one."""
    if module is None:
        return False
    name = getattr(module, "__name__", "").partition(".")[0]
    return name in sys.stdlib_module_names or library(getattr(module, "__file__", ""))
