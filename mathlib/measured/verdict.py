"""The experiment of the verdict: its problems, its rules, what a run is, and which runs come next.

A run is a rule on a problem of `mathlib.problems.NOISY`, with a setting and a seed for everything that is random: the
split of the data, labels drawn anew, the start, the batches. A rule is a method with a schedule. Its setting is a
whole number k, for a step size of ``10**(k / 4)``, or "" for a rule that has none to choose. What a run may cost is
said in steps of Adam: under the account "time" a step of a method with products or matrix work is charged what was
measured, under "products" a product that comes with its gradient counts 3 gradients and matrix work nothing. A run of
the account "short" is the first tenth of the run, to see whether it diverges.

What is run, in which order, and what follows from it, is written in ``benchmarks/protocol.md``; here it is code.
"""

import dataclasses
from collections import namedtuple
from contextlib import suppress
from functools import cache
from itertools import islice, product

import numpy as np

from mathlib import grad_and_hvp, hessian, value_and_grad
from mathlib import stochastic as s
from mathlib.measured import ranking
from mathlib.measured.costs import ratio
from mathlib.problems import NOISY

COLUMNS = ["problem", "rule", "quarter", "account", "seed", "digest", "engine", "steps", "train", "test", "errors"]
COLUMNS += ["reached"]

TUNING, EVALUATION, SHORT = range(3), range(100, 110), range(200, 300)
TRIALS = 9  # step sizes of each rule, before the grid is extended
FAR = 12  # quarter decades by which a grid may be extended at each end
CHECKPOINTS = 10
LOST = 4  # times the loss at the start: at a checkpoint above it a run is given up

# Part in the experiment, budget, the test loss to be reached, about that of a model that knows nothing, and weight.
Problem = namedtuple("Problem", "role steps target start weight", defaults=[1.0])
PROBLEMS = {
    "quadratic 1e2 0": Problem("tuning", 500, 1.0, 25.0, 1 / 6),
    "quadratic 1e2 0.1": Problem("tuning", 500, 1.0, 25.0, 1 / 6),
    "quadratic 1e2 1": Problem("tuning", 500, 2.5, 25.0, 1 / 6),
    "quadratic 1e4 0": Problem("tuning", 500, 5.0, 25.0, 1 / 6),
    "quadratic 1e4 0.1": Problem("tuning", 500, 5.0, 25.0, 1 / 6),
    "quadratic 1e4 1": Problem("tuning", 500, 6.0, 25.0, 1 / 6),
    "logistic": Problem("tuning", 500, 0.2, 2.3),
    "network noisy": Problem("tuning", 1000, 0.2, 2.3),
    "cnn": Problem("tuning", 1000, 0.12, 2.3),
    "autoencoder": Problem("tuning", 1000, 0.4, 9.3),
    "mnist 32x1": Problem("tuning", 1000, 0.3, 2.3),
    "mnist 128x3 noisy": Problem("tuning", 300, 0.5, 2.3),
    "signals": Problem("tuning", 1000, 1.2, 2.3),
    "network clean": Problem("evaluation", 1000, 0.05, 2.3),
    "tumours": Problem("evaluation", 200, 0.12, 0.7),
    "mnist 512x1": Problem("evaluation", 500, 0.4, 2.3),
    "mnist 256x3 noisy": Problem("evaluation", 120, 0.55, 2.3),
    "mnist 32x3 noisy": Problem("evaluation", 1000, 0.35, 2.3),
    "mnist cnn": Problem("evaluation", 500, 0.25, 2.3),
    "signals wide noisy": Problem("evaluation", 150, 1.55, 2.3),
    "characters": Problem("evaluation", 200, 2.35, 4.0),
}


def averaged_adam(*args, **options):
    """The method, whose path is called z beside its average x, as that of `schedule_free` is: see `reached_by`."""
    for step in s.averaged_adam(*args, **options):
        yield dataclasses.replace(step, carried=step.carried | {"z": step.theta})


# A method; how many gradients' worth of work a step has beside its own, when a product counts 2 more and matrix work
# nothing (None: it has neither); how that is measured: by a "product" of dual numbers, by one of a recorded "hessian",
# or by its "step"; and what it needs of a problem, layers or classes, or takes if there are any.
Method = namedtuple("Method", "steps options extra measured needs", defaults=[None, None, None])
METHODS = {
    "SGD": Method(s.sgd, {}),
    "momentum": Method(s.momentum, {}),
    "Adam": Method(s.adam, {"published": True}),
    "Adam .99": Method(s.adam, {"published": True, "beta2": 0.99}),
    "AdamW": Method(s.adamw, {"decay": 0.1}),
    "AdamW .99": Method(s.adamw, {"decay": 0.1, "beta2": 0.99}),
    "schedule-free": Method(s.schedule_free, {}),
    "Prodigy": Method(s.prodigy, {}),
    "hypergradient": Method(s.hypergradient, {}),
    "CDAT 1": Method(s.cdat, {"sigma": 1.0, "beta3": 0.9}, 2.0, "hessian"),
    "CDAT 2": Method(s.cdat, {"sigma": 2.0, "beta3": 0.9}, 2.0, "hessian"),
    "CDAT-Adam 1": Method(s.cdat, {"sigma": 1.0, "beta1": 0.9, "beta3": 0.9, "adam": True}, 2.0, "hessian"),
    "CDAT-Adam 2": Method(s.cdat, {"sigma": 2.0, "beta1": 0.9, "beta3": 0.9, "adam": True}, 2.0, "hessian"),
    "Muon": Method(s.muon, {}, 0.0, "step", "layers"),
    "SOAP": Method(s.soap, {}, 0.0, "step", "layers"),
    "K-FAC": Method(s.kfac, {"beta1": 0.9, "every": 10, "others": "gradient"}, 0.1, "step", "classes"),
    "Sophia": Method(s.sophia, {}, 0.2, "product"),
    "AdaHessian": Method(s.adahessian, {}, 2.0, "product"),
    "second-order Adam": Method(s.second_order_adam, {}, 2.0, "hessian"),
    "corrected momentum": Method(s.hessian_corrected_momentum, {}, 2.0, "product"),
    "carried drift": Method(s.carried_drift, {}, 0.1, "product"),
    "no slope": Method(s.carried_drift, {"gamma": 0.0}, 0.1, "product"),
    "one product": Method(s.carried_drift, {"gamma": 0.0, "every": 10**9}),
    "averaged Adam": Method(averaged_adam, {}, needs="layers if any"),
    "its path": Method(s.averaged_adam, {}, needs="layers if any"),
}

SCHEDULES = {"": lambda eta, n: eta, "linear": s.linear_decay, "cosine": s.cosine}

# A method, its schedule, and the first k of its grid; or, where nothing is chosen, its one step size.
Rule = namedtuple("Rule", "method schedule first eta", defaults=[None, None])


def named(method, schedule):
    return f"{method}, {schedule}" if schedule else method


GRIDS = {  # the methods with a step size to choose, where their grid starts, and their schedules
    "SGD": (-4, ("", "linear", "cosine")),
    "momentum": (-3, ("", "linear", "cosine")),
    "Adam": (-10, ("", "linear", "cosine")),
    "Adam .99": (-10, ("", "linear", "cosine")),
    "AdamW": (-10, ("", "linear", "cosine")),
    "AdamW .99": (-10, ("", "linear", "cosine")),
    "schedule-free": (-9, ("",)),
    "hypergradient": (-13, ("", "linear")),
    "Muon": (-8, ("", "linear")),
    "SOAP": (-10, ("linear",)),
    "K-FAC": (-7, ("linear",)),
    "Sophia": (-12, ("linear",)),
    "AdaHessian": (-6, ("linear",)),
    "second-order Adam": (-3, ("", "linear")),
    "corrected momentum": (-5, ("", "linear")),
    "averaged Adam": (-6, ("",)),
}
RULES = {
    named(method, schedule): Rule(method, schedule, first=first)
    for method, (first, schedules) in GRIDS.items()
    for schedule in schedules
}
RULES |= {  # nothing to choose: a step size for each, once and for all
    "fixed default": Rule("Adam .99", "linear", eta=10**-1.5),
    "library's default": Rule("Adam", "", eta=1e-3),
    "Prodigy": Rule("Prodigy", "", eta=1.0),
    "Prodigy, cosine": Rule("Prodigy", "cosine", eta=1.0),
    "CDAT 1": Rule("CDAT 1", "", eta=1.0),
    "CDAT 2": Rule("CDAT 2", "", eta=1.0),
    "CDAT-Adam 1": Rule("CDAT-Adam 1", "", eta=1.0),
    "CDAT-Adam 2": Rule("CDAT-Adam 2", "", eta=1.0),
    "carried drift": Rule("carried drift", "", eta=1e-3),
    "carried drift, linear": Rule("carried drift", "linear", eta=1e-3),
    "no slope, linear": Rule("no slope", "linear", eta=1e-3),
    "one product, linear": Rule("one product", "linear", eta=1e-3),
    "averaged Adam, 0.3": Rule("averaged Adam", "", eta=0.3),
    "its path, linear": Rule("its path", "linear", eta=0.3),
}


@cache
def can_run(method, problem):
    """Whether a method has what it needs on a problem: the layers of a network, or classes."""
    data = NOISY[problem](0)
    lacks = {"layers": data.unravel is None, "classes": data.unravel is None or data.errors is None}
    return not lacks.get(METHODS[method].needs)


def applies(rule, problem):
    """Whether a rule can be run on a problem."""
    return can_run(RULES[rule].method, problem)


def steps_paid(problem, method, account, costs):
    """How many steps a budget pays for: at most as many as Adam would make.

    `costs` has by problem the cost of "product" and "hessian", a gradient with its product in gradients, and of some
    methods, a step in steps of Adam.
    """
    _, _, extra, measured, _ = METHODS[method]
    if extra is None:
        cost = 1
    elif account == "products":
        cost = 1 + extra
    elif measured == "step":
        cost = costs[problem][method]
    else:
        cost = 1 + extra / 2 * (costs[problem][measured] - 1)
    return int(PROBLEMS[problem].steps / max(1, cost))


def path(key, costs, engine="compiled"):
    """The problem of a run, its number of steps, and the steps."""
    problem, rule, quarter, account, seed = key
    method, schedule, first, eta = RULES[rule]
    data, n = NOISY[problem](seed, engine), steps_paid(problem, method, account, costs)
    eta = SCHEDULES[schedule](eta if first is None else 10 ** (quarter / 4), n)
    n = {"short": max(1, n // 10), "brief": min(25, n)}.get(account, n)
    return data, n, started(METHODS[method], data, eta)


def started(method, data, eta):
    """The steps of a method on a problem."""
    layers = {"blocks": data.unravel} if method.needs else {}
    return method.steps(data.losses(), data.theta0, eta, **method.options, **layers)


def reached_by(step):
    """Where a step ends; of an average of iterates, the average."""
    return step.carried["x"] if "z" in step.carried else step.state["theta"]


def rehearse(key, costs):
    """Execute what some runs execute, and a brief one need not: the recorded losses, all measures, and starts far out.

    Where a value leaves the range in which a compiled loss is sure, the loss itself answers.
    """
    method, (data, n, steps) = METHODS[RULES[key[1]].method], path(key, costs, "recorded")
    parts = [islice(steps, n)]
    for engine, far in product(("recorded", "compiled"), (1e10, 1e200)):
        start = NOISY[key[0]](key[4], engine)
        parts.append(islice(started(method, start._replace(theta0=start.theta0 + far), 1e-3), 2))
    with np.errstate(all="ignore"):
        for part in parts:
            with suppress(FloatingPointError):
                list(part)
        for measure in (data.test, data.loss, data.errors):
            if measure is not None:
                measure(data.theta0)


def run(key, costs, engine="compiled"):
    """A run: its outcome by column, and the test losses at the checkpoints.

    `key` is (problem, rule, quarter, account, seed); `costs` has, by problem and method, the cost of a step in steps of
    Adam. Where the run diverges, all is inf: where a number is not finite, the test loss is `LOST` times that of the
    start, or the loss ends above it.
    """
    if key[3] == "brief":
        rehearse(key, costs)
    data, n, steps = path(key, costs, engine)
    short, target = key[3] == "short", PROBLEMS[key[0]].target
    at = {-(-n * j // CHECKPOINTS): j / CHECKPOINTS for j in range(CHECKPOINTS if short else 1, CHECKPOINTS + 1)}
    curve, train = [], np.inf
    with np.errstate(all="ignore"):
        start = data.test(data.theta0)
        try:
            for t, step in enumerate(islice(steps, n), 1):
                if t in at:
                    theta = reached_by(step)
                    curve.append(float(data.test(theta)))
                    if not curve[-1] <= LOST * start:
                        break
            train = curve[-1] if short else float(data.loss(theta))
        except FloatingPointError:
            pass
        if not (len(curve) == len(at) and np.all(np.isfinite(curve)) and train <= start):
            return {"engine": engine, "steps": n, "train": "inf", "test": "inf", "errors": "", "reached": ""}, curve
    return {
        "engine": engine,
        "steps": n,
        "train": f"{train:.4g}",
        "test": f"{curve[-1]:.4g}",
        "errors": "" if short or data.errors is None else f"{data.errors(theta):.4f}",
        "reached": next((part for part, loss in zip(at.values(), curve, strict=True) if loss <= target), ""),
    }, [float(f"{loss:.4g}") for loss in curve]


# ── which runs come next ──


def runs_of(rows):
    """The runs of a table, its rows as dictionaries of texts, to be ranked."""
    alike = [rule for rule in RULES if accounts(rule) == ("time",)]
    return ranking.Runs(rows, PROBLEMS, TUNING, EVALUATION, SHORT, alike)


def todo(outcomes):
    """The keys of the runs that come next, after those whose outcomes are known (by key); none when all is done."""
    whole = {
        key: row
        for key, row in outcomes.items()
        if key[4] not in TUNING or all((*key[:4], seed) in outcomes for seed in TUNING)
    }
    runs = runs_of([dict(zip(COLUMNS, map(str, key), strict=False)) | row for key, row in whole.items()])
    names = {role: [name for name, p in PROBLEMS.items() if p.role == role] for role in ("tuning", "evaluation")}
    pairs = {role: [(name, rule) for rule in RULES for name in names[role] if applies(rule, name)] for role in names}

    def left(keys):
        return [key for key in keys if key not in outcomes]

    for role, of_role in pairs.items():
        trials = [(*pair, k, "time", seed) for pair in of_role for k in grid(*pair, runs) for seed in TUNING]
        if left(trials):
            return left(trials)
        # The frozen setting, and its neighbours on tuning problems, so that it stands inside of what all of them tried.
        around = {rule: runs.frozen(rule) for rule in RULES}
        around = {rule: [k] if k == "" or role == "evaluation" else [k - 1, k, k + 1] for rule, k in around.items()}
        trials = [(*pair, k, "time", seed) for pair in of_role for k in around[pair[1]] for seed in TUNING]
        if left(trials):
            return left(trials)
    judged = [
        (name, rule, k, account, seed)
        for seed in EVALUATION
        for name, rule in pairs["evaluation"]
        for k in runs.contenders(name, rule)
        for account in accounts(rule)
    ]
    short = [(*pair, runs.frozen(pair[1]), "short", seed) for seed in SHORT for pair in pairs["evaluation"]]
    return left(judged) or left(short)


def grid(problem, rule, runs):
    """The settings of a rule that are tried on a problem, with those by which the grid grows."""
    first = RULES[rule].first
    if first is None:
        return [""]
    last = first + TRIALS - 1
    means = runs.means.get((problem, rule), {}) if rule in runs.rules else {}
    grows = set(range(first, last + 1)) <= set(means)
    ends = {-1: min(means) - 1, 1: max(means) + 1, 0: first}[ranking.end(means)] if grows else first
    return sorted({*range(first, last + 1), min(max(ends, first - FAR), last + FAR)})


def accounts(rule):
    """The accounts under which the runs of a rule differ."""
    return ("time",) if METHODS[RULES[rule].method].extra is None else ("time", "products")


def order(key):
    """Where a run stands in the table."""
    problem, rule, quarter, account, seed = key
    problems, rules = list(PROBLEMS), list(RULES)
    return problems.index(problem), rules.index(rule), account, -(10**6) if quarter == "" else quarter, seed


# ── what a sweep asks ──


def phase(key):
    """A word for the phase of a run."""
    problem, _, _, account, seed = key
    if account == "short":
        return "divergence"
    return "evaluation" if seed in EVALUATION else f"tuning, {PROBLEMS[problem].role} problems"


def brief(key):
    """A short run that executes the same code, and more: see `rehearse`."""
    problem, rule, quarter, _, _ = key
    return problem, rule, "" if quarter == "" else RULES[rule].first + TRIALS // 2, "brief", TUNING[0]


def others(key):
    """The names of the problems, methods and rules that a run has nothing to do with."""
    problem, rule, _, _, _ = key
    return {*PROBLEMS, *METHODS, *RULES, *SCHEDULES} - {problem, rule, *RULES[rule][:2]}


def unmeasured(costs):
    """The costs that `costs` lacks: pairs of a problem and what is to be measured there."""
    by_step = [name for name, method in METHODS.items() if method.measured == "step"]
    return [
        (problem, what)
        for problem in PROBLEMS
        for what in ("product", "hessian", *(name for name in by_step if can_run(name, problem)))
        if what not in costs.get(problem, {})
    ]


def cost(problem, what):
    """A gradient with its "product", or one by a recorded "hessian", in gradients; or a method's step, in Adam's."""
    data = NOISY[problem](0)
    theta, losses = data.theta0 + 0.01, data.losses()
    if what in METHODS:
        paths = [started(METHODS[name], data, 1e-3) for name in (what, "Adam")]
        return max(1.0, ratio(*(lambda steps=steps: next(steps) for steps in paths)))
    products = {
        "product": lambda: grad_and_hvp(next(losses), theta, theta),
        "hessian": lambda: hessian(next(losses), theta) @ theta,
    }
    return ratio(products[what], lambda: value_and_grad(next(losses))(theta))
