"""Checks of chapter 2-1, on the units of the gradient."""

from itertools import islice

import numpy as np

from mathlib import grad
from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-seven-units")
def seven_units(powers):
    names = ["lambda", "the decoupled decay", "the threshold", "the radius", "L", "mu", "T"]
    right = np.array([(1, -2), (0, 0), (1, -1), (0, 1), (1, -2), (1, -2), (1, 0)])
    require(np.shape(powers) == (7, 2), f"seven pairs are needed, and the shape {np.shape(powers)} came")
    for name, pair, (loss, theta) in zip(names, np.asarray(powers, float), right, strict=True):
        mistakes = [
            ((theta, loss), f"the unit of {name} is the wrong way round: the power of [l] comes first"),
            ((-loss, -theta), f"the unit of {name} is upside down"),
            ((1, -1), f"{name} is not measured like a gradient: what is it multiplied with or added to?"),
            ((0, 1), f"{name} is not measured like a parameter: what is it multiplied with or added to?"),
        ]
        compare(pair, (loss, theta), mistakes, otherwise=f"this is not the unit of {name}: what is it added to?")


@check.code("ex-pure-eta")
def pure_eta(pure):
    chosen = set("".join(pure).lower()) - set(" ,()")
    require("a" not in chosen, "(a) g/|g| is a pure number, so eta has to be a length in parameter space")
    require("c" not in chosen, "(c) |g| g has the unit of a squared gradient; eta must make a parameter of it")
    require("b" in chosen, "look at (b) again: the loss over the gradient has the unit of a parameter")
    require("d" in chosen, "look at (d) again: s over y has the unit of a parameter over a gradient")
    require(chosen == {"b", "d"}, "the letters are a, b, c and d")


@check.code("ex-epsilon-unit")
def epsilon_unit(eps_in_bits, eta_in_mm, eps_in_mm):
    eps = 0.1 / np.log(2)
    mistakes = [
        (0.1 * np.log(2), "it is the other way: a gradient is a larger number in bits than in nats, and so is epsilon"),
        (0.1, "the gradient's number changes, so epsilon's has to"),
        (0.1 / np.log(2) ** 2, "epsilon is compared with the gradient, not with its square"),
    ]
    compare(eps_in_bits, eps, mistakes, rtol=1e-3, otherwise="how many bits are 0.1 nats?")
    mistakes = [
        ([0.3, 0.3], "a step of w in new units is a tenth of the number, and eta gives the step's size"),
        ([3.0, 0.3], "eta is the wrong way round: w in new units is a smaller number"),
        ([0.003, 0.3], "Adam's eta has the unit of the parameter, not its square"),
        ([0.03, 0.03], "b has not changed its unit"),
    ]
    compare(eta_in_mm, [0.03, 0.3], mistakes, rtol=1e-3, what="eta")
    mistakes = [
        ([0.1, 0.1], "the gradient along w has another number, so epsilon for w has"),
        ([0.01, 0.1], "epsilon is the wrong way round: the gradient along w is a larger number"),
        ([1.0, 1.0], "b has not changed its unit"),
    ]
    compare(eps_in_mm, [1.0, 0.1], mistakes, rtol=1e-3, what="epsilon")


@check.code("ex-find-the-mistake")
def find_the_mistake(fits):
    rules = {
        "η g/(√v + ε)": (lambda theta, g, v, eta, eps: theta - eta * g / (np.sqrt(v) + eps), True),
        "η g/√(v + ε)": (lambda theta, g, v, eta, eps: theta - eta * g / np.sqrt(v + eps), False),
        "η g/√(v + ε²)": (lambda theta, g, v, eta, eps: theta - eta * g / np.sqrt(v + eps**2), True),
        "η g/(v + ε²)": (lambda theta, g, v, eta, eps: theta - eta * g / (v + eps**2), False),
        "η v/(g + ε)": (lambda theta, g, v, eta, eps: theta - eta * v / (g + eps), False),
    }
    for name, (rule, right) in rules.items():
        said = fits(rule)
        require(said is not None, "it returns None: is a `return` missing?")
        if right:
            require(said, f"`fits` refuses {name}, which is right: give every quantity its unit, [v] = [g]²")
        else:
            require(
                not said, f"`fits` accepts {name}, whose step has not the unit of theta, or which adds unlike things"
            )


@check.code("ex-pizza")
def pizza(x_and_y):
    compare(
        x_and_y,
        [1, 2],
        [
            ([2, 1], "x and y are the wrong way round"),
            ([1, 1], "x is right; put it into the condition for y again"),
            ([30, 18], "these are the diameter and the price; x and y are pure numbers"),
        ],
        rtol=1e-4,
        otherwise="the derivatives of (y - x²) exp(-y/x) do not vanish there",
    )


@check.code("ex-adadelta")
def adadelta(adadelta):
    loss, start = (lambda theta: theta[0] ** 2 + 3 * theta[1] ** 4), np.array([1.0, -2.0])
    right = reference(loss, start)
    steps = list(islice(adadelta(loss, start.copy()), 4))
    require(len(steps) == 4, f"it ended after {len(steps)} steps: a generator of steps goes on without end")
    path = np.array([step.theta for step in steps])
    compare(
        path,
        right,
        [
            (reference(loss, start, sign=1.0), "it goes uphill: the step has a minus"),
            (reference(loss, start, early=True), "U has to take the step in after it was used, from zero"),
            (reference(loss, start, root=False), "the roots are missing"),
            (reference(loss, start, squared=False), "V is a mean of squared gradients"),
            (right[[1, 2, 3]].repeat([2, 1, 1], axis=0), "the start is yielded first"),
        ],
        rtol=1e-7,
        what="the path",
    )
    with_other = np.array([step.theta for step in islice(adadelta(loss, start.copy(), eps_step=1e-4), 4)])
    compare(
        with_other,
        reference(loss, start, eps_step=1e-4),
        [(right, "`eps_step` is not used: it is the one in the numerator")],
        rtol=1e-7,
        what="the path with eps_step = 1e-4",
    )


def reference(loss, theta, sign=-1.0, early=False, root=True, squared=True, eps_step=1e-6, eps_g=1e-6):
    """The first four points, by the algorithm or with a mistake in it."""
    power = 0.5 if root else 1.0
    U, V, path = 0.0, 0.0, [theta]
    for _ in range(3):
        g = grad(loss)(theta)
        V = 0.95 * V + 0.05 * (g**2 if squared else abs(g))
        if early:
            U = 0.95 * U + 0.05 * ((U + eps_step) / (V + eps_g)) * g**2
        step = sign * ((U + eps_step) / (V + eps_g)) ** power * g
        U = U if early else 0.95 * U + 0.05 * step**2
        theta = theta + step
        path.append(theta)
    return np.array(path)
