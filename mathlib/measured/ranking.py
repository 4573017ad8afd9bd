"""From the rows of the experiment's table to every number that is said of it.

A run ends at a *score*, of which means and differences are taken: ln of a loss, or of the part of the budget that was
spent until the target; of errors the per cent, as they can be 0. So a mean of scores is a geometric mean of losses, and
a difference is a ratio. A loss above the start's, or of a run that diverged, counts as the start's; one below a
millionth of it as that (solved); a target that was never met as twice the budget; errors of a run that diverged, 100 %.

`Runs`
    the table by problem, rule, setting and seed: what its tuning chooses, and how that ends
`best`, `end`
    the setting with the least mean, and at which end of a grid it stands
`bootstrap`
    95 % intervals of means over problems and seeds
"""

import math
from collections import namedtuple
from functools import cache, cached_property

import numpy as np

from mathlib.door import one_of, whole

ACCOUNTS = ("time", "products")
MEASURES = ("test", "train", "errors", "reached")
SOLVED, NEVER = 1e-6, 2.0
WIN = {"ratio": 1.2, "worst": 2.0, "diverged": 0}  # what a rule that wins stays at or below

Chosen = namedtuple("Chosen", "rule setting")
Ranked = namedtuple("Ranked", "rule middle low high largest worst")
Verdict = namedtuple("Verdict", "ratio worst diverged wins")


class Runs:
    """The runs of a table, by problem, rule, setting and seed.

    `rows` are dictionaries of texts, with the columns problem, rule, quarter, account, seed, train, test, errors and
    reached. A setting is a whole number k, for ``eta = 10**(k/4)``, or "", where a rule has nothing to choose. Each of
    `problems`, by name, has a `role`, "tuning" or "evaluation", a `weight` in all means over problems, and the loss
    `start` that a run begins with. Then follow the seeds of each phase. The rules `alike` have the same runs under both
    accounts, and rows of the first, "time", alone. A rule without rows on a problem does not apply to it.

    Settings are chosen by their mean score in the measure `by`, "test" or "train", over the seeds of `tuning`, under
    the account "time"; of equals, the frozen setting, the smallest step size, the first rule by name. What is chosen is
    judged under both accounts.

    A ValueError says what is wrong in the table; and what is missing, once it is asked for: so the runs that come next
    can be derived from those that are there.

    >>> from collections import namedtuple
    >>> Problem = namedtuple("Problem", "role weight start")
    >>> problems = {"old": Problem("tuning", 1, 2.0), "new": Problem("evaluation", 1, 2.0)}
    >>> ends = {("old", -4): "0.2", ("old", 0): "0.4", ("new", -4): "0.2", ("new", 0): "0.1"}
    >>> rest = {"rule": "Adam", "account": "time", "train": "1", "errors": "", "reached": "1"}
    >>> rows = [
    ...     {"problem": problem, "quarter": str(k), "seed": seed, "test": test, **rest}
    ...     for (problem, k), test in ends.items()
    ...     for seed in "01"
    ... ]
    >>> runs = Runs(rows, problems, tuning=[0], evaluation=[1])
    >>> runs.frozen("Adam"), runs.tuned("new", "Adam"), runs.yardsticks()[0]
    (-4, 0, [Chosen(rule='Adam', setting=0)])
    >>> [np.round(runs.ratios(k=k)["Adam"], 2).tolist() for k in (1, 2)]
    [[2.0], [1.0]]
    """

    def __init__(self, rows, problems, tuning, evaluation, short=(), alike=(), by="test"):
        one_of(("test", "train"), by=by)
        tuning, evaluation, self.short = (list(seeds) for seeds in (tuning, evaluation, short))
        self.seeds, self.n_tuning = tuning + evaluation, len(tuning)
        if len({*self.seeds, *self.short}) < len(self.seeds) + len(self.short):
            raise ValueError(
                "a seed is in two phases, or twice in one: runs that judge a choice must not have made it."
            )
        self.problems, self.alike, self.by = dict(problems), frozenset(alike), by
        for problem in self.problems.values():
            one_of(("tuning", "evaluation"), role=problem.role)
        self.judged = [name for name, problem in self.problems.items() if problem.role == "evaluation"]
        self.rules = sorted({row["rule"] for row in rows})
        self.settings = ["", *sorted({int(row["quarter"]) for row in rows if row["quarter"]})]

        full = [row for row in rows if row["account"] != "short"]
        axes = {
            "account": ACCOUNTS,
            "problem": self.problems,
            "rule": self.rules,
            "quarter": self.settings,
            "seed": self.seeds,
        }
        self._frozen, self._by_k = {}, {}  # what was asked for once
        self.scores, at = {}, places(full, axes)
        start = np.array([self.problems[row["problem"]].start for row in full])
        self.classes = {row["problem"] for row in full if row["errors"]}
        for measure in MEASURES:
            texts = [row[measure] for row in full]
            if measure == "errors":  # a run that diverged has none to count, and got nothing right
                texts = ["1" if diverged(row) and row["problem"] in self.classes else row[measure] for row in full]
            self.scores[measure] = np.full([len(axis) for axis in axes.values()], np.nan)
            self.scores[measure][at] = scores(texts, measure, start)

        brief = [row for row in rows if row["account"] == "short"]
        places(brief, axes | {"account": ["short"], "seed": self.short})
        self.diverged = {}
        for row in brief:
            key = row["problem"], row["rule"], int(row["quarter"]) if row["quarter"] else ""
            self.diverged.setdefault(key, []).append(diverged(row))

    # ── what the tuning seeds choose ──

    @cached_property
    def means(self):
        """By (problem, rule), the mean score over the tuning seeds by setting, the smallest first.

        To twelve places, so that what is equal is so on every machine.
        """
        tuning = self.scores[self.by][0, ..., : self.n_tuning]
        means, there = tuning.mean(axis=-1), ~np.all(np.isnan(tuning), axis=-1)
        return {
            (problem, rule): {self.settings[j]: round(means[p, r, j].item(), 12) for j in np.flatnonzero(there[p, r])}
            for p, problem in enumerate(self.problems)
            for r, rule in enumerate(self.rules)
        }

    def tried(self, problem, rule):
        """The mean score of each setting that was tried, over the tuning seeds; empty where the rule does not apply."""
        one_of(self.problems, problem=problem)
        one_of(self.rules, rule=rule)
        means = self.means[problem, rule]
        for setting, mean in means.items():
            if math.isnan(mean):
                raise ValueError(
                    f"the table lacks a tuning run of {rule!r} on {problem!r} with setting {setting!r}: all of the"
                    f" seeds {self.seeds[: self.n_tuning]} are needed. Instead: make experiment, which adds it."
                )
        return means

    def common(self, rule, without=()):
        """The weighted mean over the tuning problems of the score of each setting that was tried on all of them.

        Its differences are ln of the ratios that are meant: what each problem's best of all rules is, they do not ask.
        """
        names = [name for name in self.problems if name not in self.judged and name not in without]
        means = {name: tried for name in names if (tried := self.tried(name, rule))}
        shared = [k for k in self.settings if means and all(k in tried for tried in means.values())]
        if not shared:
            raise ValueError(f"no setting of {rule!r} was tried on all tuning problems: one at least is needed.")
        total = sum(self.problems[name].weight for name in means)
        return {k: sum(self.problems[name].weight * tried[k] for name, tried in means.items()) / total for k in shared}

    def frozen(self, rule):
        """The one setting of a rule for all problems: the best in the mean over the tuning problems."""
        if rule not in self._frozen:
            self._frozen[rule] = best(self.common(rule))
        return self._frozen[rule]

    def left_out(self, rule):
        """By tuning problem, the setting that were frozen without it."""
        names = [name for name in self.problems if name not in self.judged and self.tried(name, rule)]
        return {name: best(self.common(rule, without=[name])) for name in names}

    def tuned(self, problem, rule):
        """The setting of a rule that is best for this problem."""
        if not (settings := self.contenders(problem, rule)):
            raise ValueError(f"the table has no runs of {rule!r} on {problem!r}: it has no best setting.")
        return settings[0]

    def contenders(self, problem, rule):
        """The settings that are better for this problem than the frozen one, the best first; and last the frozen one.

        Empty where the rule does not apply. No other setting can be the best of some trials.
        """
        means = self.tried(problem, rule)
        if not means:
            return []
        first = self.frozen(rule)
        if first not in means:
            raise ValueError(
                f"the table lacks the frozen setting {first!r} of {rule!r} on {problem!r}: its tuning runs are needed."
                " Instead: make experiment, which adds them."
            )
        return [*sorted((setting for setting in means if means[setting] < means[first]), key=means.get), first]

    def chances(self, problem, rule, k):
        """How likely each setting is to be the best of k trials on this problem, by the tuning seeds.

        The first trial is the frozen setting; the others are drawn from the rest of those that were tried, all of which
        they are in the end. Of n others, of which j are better than some setting, d drawn ones miss the j with
        probability ``C(n - j, d) / C(n, d)``. Empty where the rule does not apply.
        """
        whole(least=1, k=k)
        settings, trials = self.contenders(problem, rule), len(self.tried(problem, rule))
        if not settings:
            return {}
        n, d = trials - 1, min(k, trials) - 1
        miss = [math.comb(n - j, d) / math.comb(n, d) for j in range(len(settings))]
        return dict(zip(settings, [*-np.diff(miss), miss[-1]], strict=True))

    # ── how that ends on the evaluation seeds ──

    def judged_by(self, measure):
        """The evaluation problems that have this measure: there are no errors without classes."""
        one_of(MEASURES, measure=measure)
        return [name for name in self.judged if name in self.classes or measure != "errors"]

    def best_of(self, k, measure="test", account="time"):
        """The expected score of the best of k trials: (rules, problems, seeds), NaN where a rule does not apply.

        The problems are those of `judged_by`, the seeds those of the evaluation.
        """
        whole(least=1, k=k)
        chances = self._chances(k)
        ends = self._expected(chances, measure, account)
        ends[~self._of(measure, chances).any(axis=-1)] = np.nan
        return ends

    def yardsticks(self, measure="test", account="time"):
        """The best of all rules on each problem, tuned to it, and the scores at which it ends: (problems, seeds).

        Tuning chooses the setting of each rule, the evaluation the rule: so nothing in the table is better in the mean.
        """
        ends = self.best_of(len(self.settings), measure, account)
        best = np.nanargmin(ends.mean(axis=-1), axis=0)
        chosen = [
            Chosen(self.rules[r], self.tuned(p, self.rules[r]))
            for r, p in zip(best, self.judged_by(measure), strict=True)
        ]
        return chosen, ends[best, range(len(best))]

    def excess(self, k=1, measure="test", account="time"):
        """`best_of` less `yardsticks`, paired by seed: a split that is hard is hard for both."""
        return self.best_of(k, measure, account) - self.yardsticks(measure, account)[1]

    def ratios(self, k=1, measure="test", account="time"):
        """By rule, for each problem, the mean over that of the yardstick; of errors, how many per cent it is above."""
        means = self.excess(k, measure, account).mean(axis=-1)
        return dict(zip(self.rules, shown(means, measure), strict=True))

    def ranking(self, k=1, measure="test", account="time"):
        """The rules by their mean over the problems: rows of `Ranked`, in the units of `ratios`.

        `middle` is the weighted mean over the problems, `low` and `high` its interval by `bootstrap`, `largest` the
        worst problem's mean, `worst` the worst single seed over the yardstick's mean. NaN, and last, where a rule does
        not apply to all of the problems: its mean would be over others.
        """
        ends, (_, yardsticks) = self.best_of(k, measure, account), self.yardsticks(measure, account)
        excess, weights = ends - yardsticks, self._weights(measure)
        means = excess.mean(axis=-1)
        worst = (ends - yardsticks.mean(axis=-1, keepdims=True)).max(axis=(1, 2))
        columns = [means @ weights / weights.sum(), *bootstrap(excess, weights), means.max(axis=1), worst]
        rows = [Ranked(*row) for row in zip(self.rules, *(shown(c, measure).tolist() for c in columns), strict=True)]
        return sorted(rows, key=lambda row: (math.isnan(row.middle), row.middle))

    def divergences(self, rule):
        """By evaluation problem, how many of the short runs with the frozen setting diverged."""
        one_of(self.rules, rule=rule)
        counts, setting = {}, self.frozen(rule)
        for problem in self.judged:
            if self.tried(problem, rule):
                runs = self.diverged.get((problem, rule, setting), [])
                if lacking := len(self.short) - len(runs):
                    raise ValueError(
                        f"the table lacks {lacking} of the {len(self.short)} short runs of {rule!r} on {problem!r} with"
                        f" setting {setting!r}. Instead: make experiment, which adds them."
                    )
                counts[problem] = sum(runs)
        return counts

    def verdict(self, rule, account="time"):
        """What decides whether a rule, untuned, wins: each number at most that of `WIN`, on every evaluation problem.

        `ratio` is the largest mean test loss over the yardstick, `worst` that of a single seed over the yardstick's
        mean, `diverged` the largest count of `divergences`; NaN, and no win, where the rule does not apply everywhere.
        """
        one_of(self.rules, rule=rule)
        [row] = [row for row in self.ranking(1, "test", account) if row.rule == rule]
        numbers = {"ratio": row.largest, "worst": row.worst, "diverged": max(self.divergences(rule).values())}
        return Verdict(**numbers, wins=all(numbers[name] <= most for name, most in WIN.items()))

    def _weights(self, measure):
        return np.array([self.problems[name].weight for name in self.judged_by(measure)], float)

    def _chances(self, k):
        """`chances` as an array (rules, problems, settings)."""
        if k not in self._by_k:
            table = np.zeros((len(self.rules), len(self.judged), len(self.settings)))
            for r, rule in enumerate(self.rules):
                for p, problem in enumerate(self.judged):
                    for setting, chance in self.chances(problem, rule, k).items():
                        table[r, p, self.settings.index(setting)] = chance
            self._by_k[k] = table
        return self._by_k[k]

    def _of(self, measure, table):
        """The part (rules, problems, settings) of a table that is for the problems with this measure."""
        return table[:, [self.judged.index(name) for name in self.judged_by(measure)]]

    def _expected(self, chances, measure, account):
        """The mean of the scores over the settings with these chances: (rules, problems, seeds)."""
        one_of(ACCOUNTS, account=account)
        chances, names = self._of(measure, chances), self.judged_by(measure)
        accounts = [0 if rule in self.alike else ACCOUNTS.index(account) for rule in self.rules]
        rows, columns = np.ix_(range(len(self.rules)), [list(self.problems).index(name) for name in names])
        ends = self.scores[measure][np.array(accounts)[:, None], columns, rows][..., self.n_tuning :]
        lacking = np.argwhere(np.isnan(ends) & (chances > 0)[..., None])
        if len(lacking):
            r, p, j, s = lacking[0]
            raise ValueError(
                f"the table lacks {len(lacking)} runs that are asked for, first {self.rules[r]!r} on {names[p]!r} with"
                f" setting {self.settings[j]!r} and seed {self.seeds[self.n_tuning + s]}, under {account!r}. Instead:"
                " make experiment, which adds them."
            )
        return np.einsum("rpj,rpjs->rps", chances, np.where(chances[..., None] > 0, ends, 0.0))


def diverged(row):
    return not math.isfinite(float(row["test"]))


def places(rows, axes):
    """Where each row stands on each axis, as an index into an array; each at a place of its own."""
    at = []
    for column, axis in axes.items():
        place = {str(name): k for k, name in enumerate(axis)}
        if unknown := {row[column] for row in rows} - set(place):
            raise ValueError(f"the table has a {column} {min(unknown)!r}, which is none of: {', '.join(place)}.")
        at.append([place[row[column]] for row in rows])
    at = tuple(np.array(indices, int) for indices in at)
    _, counts = np.unique(np.ravel_multi_index(at, [len(axis) for axis in axes.values()]), return_counts=True)
    if twice := np.sum(counts > 1):
        raise ValueError(f"the table has {twice} runs more than once: one row a run is needed.")
    return at


def scores(texts, measure, start):
    """The scores of runs from the texts of a column; NaN where there is nothing to measure."""
    if measure == "errors":
        return 100 * np.array([min(float(text), 1.0) if text else np.nan for text in texts])
    values = np.nan_to_num(np.array([float(text or "inf") for text in texts]), nan=np.inf, posinf=np.inf)
    if np.any(values < 0):
        raise ValueError(f"{measure} is {values.min()} in the table: no negative number has a logarithm.")
    return np.log(np.minimum(values, NEVER) if measure == "reached" else np.clip(values, SOLVED * start, start))


def shown(score, measure):
    """A difference of scores as a reader sees it: a ratio, or per cent of errors."""
    return score if measure == "errors" else np.exp(score)


def best(means):
    """The setting with the least mean; of equals, the first."""
    return min(means, key=means.get)


def end(means):
    """At which end of a grid the best setting stands, -1 or 1; 0 where one inside is as good, or nothing was to choose.

    >>> end({-4: 0.2, -3: 0.1, -2: 0.3}), end({-4: 0.2, -3: 0.1}), end({"": 0.1})
    (0, 1, 0)
    """
    settings, least = sorted(means), min(means.values())
    if "" in means or any(means[k] == least for k in settings[1:-1]):
        return 0
    return -1 if means[settings[0]] == least else 1


def bootstrap(scores, weights, draws=2000, seed=0):
    """A 95 % interval of a mean over problems and seeds: the percentiles of means of what is drawn anew.

    `scores` are (..., problems, seeds), low and high (...). One problem fewer than there are is drawn, with
    replacement, which gives the mean of n problems the variance that it has, ``s**2 / n``; then, in each, as many seeds
    as there are. Of scores that are differences both sides are drawn alike, so what they share cancels. The draws
    are the same for all scores of a shape. What tuning chose is not drawn again: the interval is for the choices made.
    With eight problems it covers the truth in 91 of 100 cases where problems differ far more than seeds, and in over 98
    where seeds differ far more, whose scatter is drawn twice. A ValueError says which weights are needed.
    Sources: Efron, B. (1979); Rao, J. N. K. and Wu, C. F. J. (1988).

    >>> bootstrap(np.full((2, 3, 4), 0.5), np.ones(3))
    (array([0.5, 0.5]), array([0.5, 0.5]))
    """
    *_, n, m = np.shape(scores)
    if len(weights) != n or min(weights) <= 0:
        raise ValueError(f"the weights are {list(weights)}: one positive weight for each of {n} problems is needed.")
    parts = drawn(tuple(weights), m, draws, seed)
    low, high = np.percentile(np.reshape(scores, (*np.shape(scores)[:-2], n * m)) @ parts.T, (2.5, 97.5), axis=-1)
    return low, high


@cache
def drawn(weights, seeds, draws, seed):
    """The weight of each problem and seed in each draw: (draws, problems * seeds), which sum to 1."""
    rng, n, weights = np.random.default_rng(seed), len(weights), np.array(weights, float)
    problem = rng.integers(n, size=(draws, max(n - 1, 1), 1))
    at = np.arange(draws)[:, None, None], problem, rng.integers(seeds, size=(draws, max(n - 1, 1), seeds))
    parts = np.zeros((draws, n, seeds))
    np.add.at(parts, at, weights[problem])
    return parts.reshape(draws, -1) / parts.sum(axis=(1, 2))[:, None]
