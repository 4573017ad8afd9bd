"""What a program reads from outside of its arguments, and whether that is still what it was.

A trace keeps what it read: the arrays and numbers in the closure of a function, in the globals that it names, in its
defaults and in the objects that it belongs to, and those of the functions that it calls. Each call compares them with
what they were; where one differs, the program is traced anew. What a program must not do is change them itself, draw
random numbers or print: it is run once, and then only its arithmetic is.
"""

import builtins
import contextlib
import functools
import math
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
LARGE = 2**16  # bytes: to compare more is quicker without a copy


class Watch:
    """What a function reads from outside: where it stands, by which name, and what was there."""

    def __init__(self, f):
        self.seen, self.kept = set(), []
        self.cells, self.names, self.lists, self.arrays, self.states = [], [], [], [], []
        self.function(f)

    def function(self, f):
        """Watch what a function reads."""
        if id(f) in self.seen:
            return
        self.remember(f)
        if isinstance(f, types.MethodType):
            self.attributes(f.__self__, f"{f.__name__}'s object")
            self.function(f.__func__)
        elif isinstance(f, functools.partial):
            self.value(f.args, "an argument of a partial function")
            self.value(f.keywords, "an argument of a partial function")
            self.function(f.func)
        elif isinstance(f, types.FunctionType):
            self.variables(f)
        elif hasattr(f, "__wrapped__"):
            self.function(f.__wrapped__)
        elif hasattr(f, "__dict__") and not isinstance(f, type):
            self.attributes(f, f"the {type(f).__name__}")
            self.function(type(f).__call__)

    def variables(self, f):
        """Watch the variables that a function takes from its closure, its defaults and its module."""
        code = f.__code__
        ours = is_library(code.co_filename)
        for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # it has no value yet
                value = cell.cell_contents
                if not ours or callable(value) or isinstance(value, np.ndarray):
                    self.cells.append((cell, name, value))
                    self.value(value, name)
        if ours:
            return
        for a in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
            self.value(a, f"a default of {f.__name__}")
        for name in global_names(code):
            if name in f.__globals__:
                self.name(f.__globals__, name, name)
            elif verb := DOING.get(getattr(builtins, name, None)):
                raise UnsupportedError(
                    f"the program {verb} (by {name}, in {f.__name__}): compiled, it would do so once."
                    " Instead: do it outside, with what the program returns."
                )

    def name(self, place, key, name):
        """Watch the value of a name."""
        self.names.append((place, key, name, place[key]))
        self.value(place[key], name)

    def value(self, value, name):
        """Watch what can change within a value."""
        if id(value) in self.seen:
            return
        if isinstance(value, types.ModuleType):
            self.module(value, name)
        elif isinstance(value, PLAIN):
            pass
        elif isinstance(value, RANDOM):
            self.remember(value)
            self.states.append((value, state(value), name))
        elif callable(value):
            self.function(value)
        elif isinstance(value, np.ndarray):
            self.remember(value)
            if not frozen(value):
                self.arrays.append((value, contents(value), name))
        elif isinstance(value, (list, tuple)):
            self.remember(value)
            if isinstance(value, list):
                self.lists.append((value, tuple(value), name))
            for i, a in enumerate(value):
                self.value(a, f"{name}[{i}]")
        elif isinstance(value, dict):
            self.remember(value)
            self.lists.append((value, (*value, *value.values()), name))
            for key, a in value.items():
                self.value(a, f"{name}[{key!r}]")
        else:
            self.attributes(value, name)

    def remember(self, thing):
        """Look at a thing once, and keep it: another one at its place in memory would be taken for it."""
        self.seen.add(id(thing))
        self.kept.append(thing)

    def attributes(self, thing, name):
        """Watch the attributes of an object of the user's."""
        module = sys.modules.get(type(thing).__module__)
        if id(thing) not in self.seen and not is_library(getattr(module, "__file__", "")):
            self.remember(thing)
            for key in list(getattr(thing, "__dict__", ())):
                self.name(thing.__dict__, key, f"{name}.{key}")

    def module(self, module, name):
        """Watch the numbers and arrays in a module of the user's."""
        if not is_library(getattr(module, "__file__", None)):
            self.remember(module)
            for key, value in list(vars(module).items()):
                if not key.startswith("__") and isinstance(value, (*PLAIN, np.ndarray)):
                    self.name(vars(module), key, f"{name}.{key}")

    def change(self):
        """The name of the first thing that is no longer what it was; None, if there is none."""
        for cell, name, value in self.cells:
            if (now := cell.cell_contents) is not value and not same(now, value):
                return name
        for place, key, name, value in self.names:
            if (now := place.get(key, MISSING)) is not value and not same(now, value):
                return name
        for array, before, name in self.arrays:
            if contents(array, before) != before:
                return name
        for thing, before, name in self.lists:
            now = tuple(thing) if type(thing) is not dict else (*thing, *thing.values())
            if len(now) != len(before) or not all(map(same_or_is, now, before)):
                return name
        for generator, before, name in self.states:
            if state(generator) != before:
                return name
        return None


def same_or_is(now, value):
    """Whether two objects are one, or the same number."""
    return now is value or same(now, value)


def same(now, value):
    """Whether two objects are the same number, word or the like."""
    return type(now) is type(value) and isinstance(value, PLAIN) and now == value


def contents(a, before=None):
    """An array's bytes, with its shape and precision; of a large one that is `before` still, that."""
    if a.nbytes <= LARGE or a.dtype.hasobject:
        return a.shape, a.dtype, a.tobytes()
    if before is None:
        return a.shape, a.dtype, words(a).copy()
    unchanged = a.shape == before[0] and a.dtype == before[1] and np.array_equal(words(a), before[2])
    return before if unchanged else None


def words(a):
    """A large array as integers, so that NaN equals itself."""
    a = a if a.flags.forc else np.ascontiguousarray(a)
    return a.reshape(-1, order="A").view(f"u{math.gcd(a.itemsize, 8)}")


def state(generator):
    """The state of a generator of random numbers, as text."""
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return repr(generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate())


def global_names(code):
    """The names that a function, and those within it, may look up outside."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= global_names(constant)
    return sorted(names)


def is_library(file):
    """Whether a file is of Python, NumPy, this package or another installed one."""
    return file is None or str(file).startswith((*INSIDE, *LIBRARIES))
