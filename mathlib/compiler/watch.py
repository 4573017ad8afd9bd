"""What a program reads from outside of its arguments, and whether that is still what it was.

A trace keeps what it read: the arrays and numbers in the closure of a function, in the globals that it names, in its
defaults and in the objects that it belongs to, and those of the functions that it calls. Each call compares them with
what they were; where one differs, the program is traced anew. What a program must not do is change them itself, draw
random numbers or print: it is run once, and then only its arithmetic is.
"""

import builtins
import random
import sys
import types

import numpy as np

from mathlib.arithmetic import INSIDE, LIBRARIES, UnsupportedError
from mathlib.backprop import frozen

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype, type, types.ModuleType)
RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
DOING = {builtins.print: "prints", builtins.input: "asks for input", builtins.open: "opens a file"}
MISSING = object()


class Watch:
    """What a function reads from outside: where it stands, by which name, and what was there."""

    def __init__(self, f):
        self.seen, self.cells, self.checks, self.kept = set(), [], [], []
        self.function(f)

    def function(self, f):
        """Watch what a function reads."""
        if id(f) in self.seen:
            return
        self.seen.add(id(f))
        self.kept.append(f)
        if isinstance(f, types.MethodType):
            self.inside(f.__self__, f"{f.__name__}'s object")
            return self.function(f.__func__)
        if hasattr(f, "func") and hasattr(f, "keywords"):  # functools.partial
            self.value(f.args, "an argument of a partial function")
            self.value(f.keywords, "an argument of a partial function")
            return self.function(f.func)
        if hasattr(f, "__wrapped__") and not isinstance(f, types.FunctionType):
            return self.function(f.__wrapped__)
        if not isinstance(f, types.FunctionType):
            if not isinstance(f, (types.BuiltinFunctionType, np.ufunc, type)) and hasattr(f, "__dict__"):
                self.inside(f, f"the {type(f).__name__}")
                self.function(type(f).__call__)
            return None
        code = f.__code__
        for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
            self.cell(cell, name)
        if library(code.co_filename):
            return None
        for a in (f.__defaults__ or (), f.__kwdefaults__ or {}):
            self.value(a, f"a default of {f.__name__}")
        for name in global_names(code):
            if name in f.__globals__:
                self.slot(f.__globals__, name, name)
            elif DOING.get(getattr(builtins, name, None)):
                raise UnsupportedError(
                    f"the program {DOING[getattr(builtins, name)]} (by {name}, in {f.__name__}): compiled, it would do"
                    " so once. Instead: do it outside, with what the program returns."
                )
        return None

    def cell(self, cell, name):
        """Watch a variable of a closure."""
        try:
            value = cell.cell_contents
        except ValueError:  # not yet defined
            return
        self.cells.append((cell, name, value))
        self.value(value, name)

    def slot(self, place, key, name):
        """Watch the value at a place of a list or a dictionary."""
        self.checks.append((place, key, name, place[key]))
        self.value(place[key], name)

    def value(self, value, name):
        """Watch what can change within a value."""
        if isinstance(value, PLAIN) or id(value) in self.seen:
            if isinstance(value, types.ModuleType):
                self.module(value, name)
            return
        if callable(value):
            return self.function(value)
        self.seen.add(id(value))
        self.kept.append(value)
        if isinstance(value, np.ndarray):
            if not frozen(value):
                self.checks.append((Array(value), None, name, value.copy()))
        elif isinstance(value, RANDOM):
            self.checks.append((State(value), None, name, state(value)))
        elif isinstance(value, (list, tuple)):
            self.checks.append((Length(value), None, name, len(value)))
            for i in range(len(value)):
                self.slot(value, i, f"{name}[{i}]")
        elif isinstance(value, dict):
            self.checks.append((Length(value), None, name, len(value)))
            for key in list(value):
                self.slot(value, key, f"{name}[{key!r}]")
        else:
            self.inside(value, name)
        return None

    def inside(self, thing, name):
        """Watch the attributes of an object."""
        if id(thing) not in self.seen and not library(
            getattr(sys.modules.get(type(thing).__module__), "__file__", None)
        ):
            self.seen.add(id(thing))
            self.kept.append(thing)
            for key in list(getattr(thing, "__dict__", ())):
                self.slot(thing.__dict__, key, f"{name}.{key}")

    def module(self, module, name):
        """Watch the numbers and arrays in a module of the user's."""
        if id(module) not in self.seen and not library(getattr(module, "__file__", None)):
            self.seen.add(id(module))
            for key, value in list(vars(module).items()):
                if not key.startswith("__") and isinstance(value, (*PLAIN, np.ndarray)):
                    self.slot(vars(module), key, f"{name}.{key}")

    def change(self):
        """The name of the first thing that is no longer what it was; None, if there is none."""
        for cell, name, value in self.cells:
            if (now := cell.cell_contents) is not value and not same(now, value):
                return name
        for place, key, name, value in self.checks:
            if (key is None and place.differs(value)) or (key is not None and differs(place, key, value)):
                return name
        return None


def differs(place, key, value):
    """Whether something else stands at a place."""
    try:
        now = place[key]
    except (KeyError, IndexError):
        return True
    return now is not value and not same(now, value)


def same(now, value):
    """Whether two objects are the same number, word or the like."""
    return type(now) is type(value) and isinstance(value, PLAIN) and now == value


class Array:
    """The numbers in an array."""

    def __init__(self, array):
        self.array = array

    def differs(self, before):
        a = self.array
        return a.shape != before.shape or a.dtype != before.dtype or not np.array_equal(bits(a), bits(before))


def bits(a):
    """An array's numbers as integers, so that NaN equals itself."""
    return a.view(f"u{a.itemsize}") if a.dtype.kind == "f" and a.itemsize in (2, 4, 8) else a


class State:
    """The state of a generator of random numbers."""

    def __init__(self, generator):
        self.generator = generator

    def differs(self, before):
        return state(self.generator) != before


def state(generator):
    """The state of a generator of random numbers, as text."""
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return repr(generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate())


class Length:
    """The length of a list or a dictionary."""

    def __init__(self, thing):
        self.thing = thing

    def differs(self, before):
        return len(self.thing) != before


def global_names(code):
    """The names that a function, and those within it, may look up outside."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.update(global_names(constant))
    return sorted(names)


def library(file):
    """Whether a file is of Python, NumPy, this package or another installed one."""
    return file is None or str(file).startswith((*INSIDE, *LIBRARIES))
