"""Checks of chapter 6-3, on the verdict."""

from itertools import combinations

import numpy as np

from mathlib.exercises import Exercises, compare

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


@check.code("ex-best-of-k")
def best_of_k(expected_best):
    rng = np.random.default_rng(0)
    tables = [(*rng.normal(0, 1, (2, n)), k) for n, k in ((6, 3), (5, 2), (7, 1), (4, 4), (8, 5))]

    def mean_of(subsets, chosen=lambda tuning, judged, of: judged[min(of, key=tuning.__getitem__)]):
        """For each table the mean of what is chosen, over subsets of its settings."""
        return [np.mean([chosen(tuning, judged, of) for of in subsets(len(tuning), k)]) for tuning, judged, k in tables]

    def ours(n, k):
        return [(0, *others) for others in combinations(range(1, n), k - 1)]

    right = mean_of(ours)
    mistakes = [
        (
            mean_of(lambda n, k: combinations(range(n), k)),
            "the first trial is the frozen setting: draw only the other k - 1",
        ),
        (
            mean_of(lambda n, k: [(0, *others) for others in combinations(range(1, n), min(k, n - 1))]),
            "the frozen setting is one of the k trials: k - 1 others are drawn",
        ),
        (
            mean_of(lambda n, k: [(0, *others) for others in np.ndindex(*[n] * (k - 1))]),
            "the others are drawn from the rest, without replacement: no setting is tried twice",
        ),
        (
            mean_of(ours, lambda tuning, judged, of: min(judged[j] for j in of)),
            "the best of the k is chosen by its tuning score: who looks at `judged` to choose has judged by what chose",
        ),
        (
            mean_of(ours, lambda tuning, judged, of: min(tuning[j] for j in of)),
            "this is the tuning score of the best: it is judged by `judged`",
        ),
        (
            mean_of(ours, lambda tuning, judged, of: np.mean([judged[j] for j in of])),
            "this is the mean of all k: of the k one is taken, with the least tuning score",
        ),
    ]
    given = [expected_best(tuning.copy(), judged.copy(), k) for tuning, judged, k in tables]
    compare(given, right, mistakes, what="the expectation for five tables")


@check.code("ex-winners-curse")
def winners_curse(yardsticks):
    rng = np.random.default_rng(1)
    tables = [rng.normal(0, 1, (9, 1)) / 2 + rng.normal(0, 1, (2, 9, 4)) for _ in range(5)]

    def both(harsh, mild):
        return np.array([(harsh(*table), mild(*table)) for table in tables])

    def by_judging(choosing, judging):
        return np.exp(judging.mean(axis=1).min())

    def by_choosing(choosing, judging):
        return np.exp(judging[choosing.mean(axis=1).argmin()].mean())

    right = both(by_judging, by_choosing)
    mistakes = [
        (right[:, ::-1], "the two have changed places: the harsh one is never the larger"),
        (
            both(lambda choosing, judging: np.exp(judging.min(axis=0).mean()), by_choosing),
            "the harsh one takes one rule for all seeds: here each seed has a best of its own",
        ),
        (
            both(by_judging, lambda choosing, judging: np.exp(choosing.mean(axis=1).min())),
            "the mild rule is judged on the seeds that chose it: take its scores in `judging`",
        ),
        (
            both(
                lambda choosing, judging: np.exp(judging).mean(axis=1).min(),
                lambda choosing, judging: np.exp(judging[np.exp(choosing).mean(axis=1).argmin()]).mean(),
            ),
            "these are arithmetic means of losses: take the mean of the logarithms",
        ),
        (np.log(right), "these are logarithms: give losses"),
        (
            both(lambda choosing, judging: np.exp(judging.min()), by_choosing),
            "this is the best single run: the mean over the seeds comes first",
        ),
    ]
    given = [yardsticks(choosing.copy(), judging.copy()) for choosing, judging in tables]
    compare(given, right, mistakes, what="harsh and mild, for five tables")
