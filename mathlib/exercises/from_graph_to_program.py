"""Checks of chapter 4-3, from graph to program."""

import numpy as np

from mathlib import compiled, grad
from mathlib.exercises import Exercises, compare, require

check = Exercises()

check.formula(
    "ex-dotted-line",
    "cos(x**2) - 2*x**2*sin(x**2)",
    {
        "x*cos(x**2)": "this is d_z itself; the dot asks for its derivative along v",
        "cos(x**2)": "z changes along v, too: cos z has a tangent",
        "-2*x**2*sin(x**2)": "x itself is a factor of d_z, and its tangent is 1",
        "cos(x**2) - x*sin(x**2)": "the tangent of z is 2x, and the chain rule multiplies by it",
        "cos(x**2) + 2*x**2*sin(x**2)": "the derivative of cos is minus sin",
    },
)


@check.code("ex-passes-on-paper")
def passes_on_paper(operations_left):
    compare(
        operations_left,
        4,
        [
            (8, "nothing has been left out; who reads f?"),
            (7, "f is left out, and with it nobody reads c"),
            (6, "`dead` has been made; are a and b not the same?"),
            (5, "the factor 1 is still there, or a twin of a"),
            (3, "e * e and the sum are two operations"),
        ],
        otherwise="begin at the end, and keep what is read",
    )


@check.code("ex-common")
def common(common):
    lines = [
        ("a", "multiply", ("x", "y")),
        ("b", "multiply", ("x", "y")),
        ("c", "sin", ("a",)),
        ("d", "sin", ("b",)),
        ("e", "subtract", ("c", "d")),
    ]
    before = list(lines)
    found = [(name, function, tuple(arguments)) for name, function, arguments in common(list(lines))]
    require(lines == before, "it changes the list that it is given")
    first, third, fifth = lines[0], lines[2], ("e", "subtract", ("c", "c"))
    require(found != lines, "it leaves nothing out: a and b are the same")
    require(
        ("e", "subtract", ("c", "d")) not in found or any(line[0] == "d" for line in found),
        "d is left out, and e still reads it: later lines must read the name that is kept",
    )
    require(
        not any("b" in arguments for *_, arguments in found),
        "b is left out, and d still reads it: later lines must read the name that is kept",
    )
    require(len(found) == 3, "c and d are the same once b is read as a: rename before you look a line up")
    require(found == [first, third, fifth], f"for a sine taken twice it gives {found}")
    ordered = [("p", "subtract", ("x", "y")), ("q", "subtract", ("y", "x")), ("r", "add", ("x", "y"))]
    require(list(common(ordered)) == ordered, "x - y, y - x and x + y are three things: function and order count")


@check.code("ex-one-program")
def one_program(hinge):
    x = np.array([-1.5, -0.3, 0.2, 0.7, 1.4, 3.0])
    values = np.where(x <= 0, 0.5 - x, np.where(x < 1, (1 - x) ** 2 / 2, 0.0))
    slopes = np.where(x <= 0, -1.0, np.where(x < 1, x - 1, 0.0))
    compare(
        [hinge(number) for number in x.tolist()],
        values,
        [
            (np.where(x <= 0, -x, values), "for x <= 0 it is 1/2 - x: the pieces must meet at 0"),
            (np.where(x <= 0, (1 - x) ** 2 / 2, values), "for x <= 0 it is straight, 1/2 - x"),
            (np.where(x >= 1, (1 - x) ** 2 / 2, values), "for x >= 1 it is 0"),
        ],
        what="the hinge at six numbers",
    )
    fast = compiled(hinge)
    compare([grad(fast)(number) for number in x], slopes, what="its slope at six numbers")
    fast = compiled(hinge)
    for number in x.tolist():
        fast(number)
    programs = sum(map(len, fast.plans.values()))
    require(programs == 1, f"{programs} programs were traced: a branch has one for each way, np.where one for all")
    compare(hinge(x), values, what="the hinge of an array")


@check.code("ex-peak")
def peak(peak):
    sizes, last = [8, 16, 4, 32, 2], [4, 2, 3, 3, 4]
    compare(
        peak(sizes, last),
        44,
        [
            (62, "this is the sum of all sizes: a place is free after its last reader"),
            (32, "this is the largest array, and others are there with it"),
            (42, "this is what step 3 needs without the array that it makes or reads last"),
            (40, "an array must still be there in the step that reads it last"),
        ],
        what="the peak",
    )
    compare(peak([1, 1, 1], [1, 2, 2]), 2, what="the peak of a chain of three")
    compare(peak([5], [0]), 5, what="the peak of a single step")
