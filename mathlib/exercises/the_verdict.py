"""Checks of chapter 6-3, on the verdict."""

from itertools import islice

import numpy as np

from mathlib.exercises import Exercises, compare, require
from mathlib.measured.step_sizes import run, steps_within
from mathlib.problems import NOISY
from mathlib.stochastic import carried_drift, linear_decay

check = Exercises()


@check.code("ex-verdict-units")
def verdict_units(w, D, c, eta):
    per_p = "w is the derivative of theta by ln p, and a logarithm has no unit"
    compare(w, (1, 0), [((0, 0), per_p), ((-1, 0), per_p)], what="the unit of w")
    mistakes = [
        ((-2, 2), "this is the unit of D squared: there is a root in it"),
        ((1, 0), "D is the root of squared gradients: it has the unit of a gradient, not of theta"),
        ((-2, 1), "this is the unit of H: D is as large as a gradient"),
    ]
    compare(D, (-1, 1), mistakes, what="the unit of D")
    mistakes = [
        ((-2, 1), "this is the unit of H: c is measured in units of D"),
        ((0, 0), "c alone has a unit: it is p eta c that has none"),
        ((1, 0), "this is the unit of 1/c: w . D w stands below"),
    ]
    compare(c, (-1, 0), mistakes, what="the unit of c")
    mistakes = [
        ((2, -1), "this is the unit of the step size of gradient descent: Adam divides by D"),
        ((0, 0), "Adam's eta has a unit: a step is eta times a pure number"),
    ]
    compare(eta, (1, 0), mistakes, what="the unit of eta")


check.formula(
    "ex-carried-exact",
    "-t*a*(1 - a)**(t - 1)*theta0",
    {
        "-t*(1 - a)**(t - 1)*theta0": "this is the derivative by a: by ln p it has one factor more",
        "t*a*(1 - a)**(t - 1)*theta0": "the sign is wrong: 1 - a falls as p grows",
        "-t*a*(1 - a)**t*theta0": "the derivative of a power has an exponent that is one less",
        "-a*(1 - a)**(t - 1)*theta0": "this is the last step alone: each of the t steps was longer",
        "(1 - a)**t*theta0": "this is theta_t itself, not its derivative",
    },
    t=range(1, 9),
)


@check.code("ex-dear-products")
def dear_products(steps_left, loss_at_cost):
    places = [(500, 20, 10.0), (500, 20, 2.0), (100, 7, 4.5), (60, 5, 1.0)]

    def steps(work):
        return [max(n for n in range(b + 1) if work(n, every, cost) <= b) for b, every, cost in places]

    whole = lambda n, every: -(-n // every)  # noqa: E731
    right = steps(lambda n, every, cost: n + (cost - 1) * whole(n, every) + 1)
    mistakes = [
        (
            steps(lambda n, every, cost: n + (cost - 1) * whole(n, every)),
            "`steps_left` forgets the one gradient for the first direction",
        ),
        (
            steps(lambda n, every, cost: n + cost * whole(n, every) + 1),
            "`steps_left` charges a step with a product for its gradient too: it costs `cost` in all",
        ),
        (
            steps(lambda n, every, cost: n + (cost - 1) * (n // every) + 1),
            "`steps_left` rounds the number of products down: the first step has one already",
        ),
        (
            [(b - 1) / (1 + (cost - 1) / every) for b, every, cost in places],
            "`steps_left` charges an average step: it has to be a whole number, of steps and of products",
        ),
        ([b // cost for b, _, cost in places], "`steps_left` charges for a product in each step"),
    ]
    compare([steps_left(*place) for place in places], right, mistakes, what=f"`steps_left` of {places}")

    key = ("logistic", "carried drift, decay", 1e-3, 0)
    loss = lambda cost: float(run(key, {"logistic": {"dual": cost}})[-1])  # noqa: E731
    costs = 150.0, 300.0
    given = [loss_at_cost(cost) for cost in costs]
    require(given[0] is not None, "`loss_at_cost` is None: is a `return` missing?")
    given = np.array(given, float)  # `run` has texts
    problem = NOISY["logistic"](seed=0)
    path = list(islice(carried_drift(problem.losses(), problem.theta0, linear_decay(1e-3, 500)), 61))
    mistakes = [
        ([problem.loss(problem.theta0)] * 2, "`loss_at_cost` is the loss at the start"),
        (given[[0, 0]], "`loss_at_cost` is the same for a cost of 150 and of 300"),
        (
            [problem.loss(path[steps_within(500, 20, cost)].theta) for cost in costs],
            "`loss_at_cost` stops a run of 500 steps: the decay has to reach 0 with the last step that is paid for",
        ),
    ]
    compare(given, [loss(cost) for cost in costs], mistakes, rtol=2e-3, what="`loss_at_cost` of 150 and 300")


@check.code("ex-room-for-error")
def room_for_error(room):
    rng = np.random.default_rng(1)
    tables = [rng.normal(0, 1.5, (3, 14, 4)) + rng.uniform(-3, 3, (14, 1)) for _ in range(6)]
    count = lambda room: [np.sum(room(gaps)) for gaps in tables]  # noqa: E731
    mean = lambda gaps: gaps.mean(axis=(0, 2))  # noqa: E731
    right = count(lambda gaps: mean(gaps) < np.log(2))
    mistakes = [
        (count(lambda gaps: mean(gaps) < 2), "the gaps are logarithms: compare them with that of 2"),
        (count(lambda gaps: mean(gaps) < np.log10(2)), "the gaps are natural logarithms"),
        (count(lambda gaps: mean(np.exp(gaps)) < 2), "this is an arithmetic mean: take the mean of the logarithms"),
        (count(lambda gaps: gaps < np.log(2)), "these are single runs: take the mean over problems and seeds first"),
        (
            count(lambda gaps: np.all(gaps.mean(axis=2) < np.log(2), axis=0)),
            "this asks every problem to be below 2: take the mean over the problems",
        ),
        (count(lambda gaps: gaps.mean(axis=(0, 1)) < np.log(2)), "these are seeds: count step sizes, the middle axis"),
        (
            count(lambda gaps: gaps.mean(axis=(1, 2)) < np.log(2)),
            "these are problems: count step sizes, the middle axis",
        ),
        (
            count(lambda gaps: abs(mean(gaps)) < np.log(2)),
            "less than half the yardstick is below twice the yardstick, too",
        ),
        (np.divide(right, 14), "this is the share of the step sizes: count them"),
        ([mean(gaps) < np.log(2) for gaps in tables], "these are the step sizes themselves: count them"),
    ]
    compare([room(gaps.copy()) for gaps in tables], right, mistakes, what="the count for six tables")
