"""What is read from a table of runs: laws on tables that were made up, against plain counting."""

import gzip
import itertools
import math
from collections import namedtuple
from statistics import geometric_mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib import measured
from mathlib.measured.ranking import ACCOUNTS, MEASURES, WIN, Runs, bootstrap, end

Problem = namedtuple("Problem", "role weight start")
PROBLEMS = {
    "quadratic": Problem("tuning", 0.5, 20.0),
    "other quadratic": Problem("tuning", 0.5, 20.0),
    "logistic": Problem("tuning", 1.0, 2.3),
    "network": Problem("evaluation", 1.0, 2.3),
    "autoencoder": Problem("evaluation", 1.0, 8.0),
    "tumours": Problem("evaluation", 2.0, 0.7),
}
TUNING, EVALUATION, SHORT = range(2), range(100, 104), range(200, 203)
JUDGED = [name for name, problem in PROBLEMS.items() if problem.role == "evaluation"]
RULES = {"Adam": range(-4, 0), "Muon": range(-2, 3), "default": [""]}
# The differences of two ways to take the same mean of logarithms, which are below 20: some of their last digits.
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def keys(rules=RULES, problems=PROBLEMS):
    """Every setting on every seed, under both accounts: more than the sweep makes."""
    for problem, (rule, grid) in itertools.product(problems, rules.items()):
        for k in grid:
            yield from ((problem, rule, k, "time", seed) for seed in TUNING)
            if PROBLEMS[problem].role == "evaluation":
                yield from ((problem, rule, k, account, seed) for account in ACCOUNTS for seed in EVALUATION)
                yield from ((problem, rule, k, "short", seed) for seed in SHORT)


def row(key, test, train=1.0, errors=0.1, reached=0.5):
    names = "problem", "rule", "quarter", "account", "seed", "test", "train", "errors", "reached"
    errors = "" if key[0] == "autoencoder" else errors
    return dict(zip(names, map(str, (*key, test, train, errors, reached)), strict=True))


def random_table(seed, rules=RULES, problems=PROBLEMS):
    """Losses over three powers of ten; some runs are solved, some diverge, some never meet the target."""
    rng, rows = np.random.default_rng(seed), []
    for key in keys(rules, problems):
        test, train = (x * PROBLEMS[key[0]].start * 10 ** rng.uniform(-3, 0) for x in rng.choice([1e-9, 1, 1, 1, 9], 2))
        test = math.inf if rng.random() < 0.1 else test
        rows.append(row(key, test, train, rng.random(), rng.choice([0.05, 0.3, 1.0, math.inf])))
    return rows


def changed(rows, new, **where):
    """The rows, of which those where so and so have new values; one at least."""
    hit = [all(row[name] == str(value) for name, value in where.items()) for row in rows]
    assert any(hit)
    return [
        row | {name: str(value) for name, value in new.items()} if h else row for row, h in zip(rows, hit, strict=True)
    ]


EQUAL = [row(key, 0.25) for key in keys()]
# The best setting of both rules is inside, on one tuning problem alone.
TIED = changed(EQUAL, {"test": 0.1}, problem="logistic", quarter=-1)


def runs_of(rows, **options):
    return Runs(rows, options.pop("problems", PROBLEMS), TUNING, EVALUATION, SHORT, **options)


def choices(runs):
    """All that tuning decides."""
    tuned = {(name, rule): runs.tuned(name, rule) for name in runs.problems for rule in runs.rules}
    chances = {pair: runs.chances(*pair, 3) for pair in itertools.product(JUDGED, runs.rules)}
    return tuned, {rule: (runs.frozen(rule), runs.left_out(rule)) for rule in runs.rules}, chances


tables = st.integers(0, 10**6).map(random_table)


# ── the same by plain counting ──


def mean_loss(rows, problem, rule, k, seeds, account="time", measure="test"):
    """The geometric mean over seeds, each run between a millionth of the start and the start."""
    start, key = PROBLEMS[problem].start, (problem, rule, str(k), account)
    ends = [
        float(row[measure])
        for row in rows
        if (row["problem"], row["rule"], row["quarter"], row["account"]) == key and int(row["seed"]) in seeds
    ]
    assert len(ends) == len(seeds)
    return geometric_mean([min(max(loss, 1e-6 * start), start) for loss in ends])


def grid_of(rows, problem, rule):
    return sorted({int(row["quarter"]) for row in rows if (row["problem"], row["rule"]) == (problem, rule)})


@settings(max_examples=30)
@given(tables)
def test_the_frozen_setting_is_best_relative_to_each_problems_best_of_all_rules(rows):
    losses = {
        (name, rule, k): mean_loss(rows, name, rule, k, TUNING)
        for name in PROBLEMS
        for rule, grid in RULES.items()
        for k in grid
    }
    best = {name: min(loss for key, loss in losses.items() if key[0] == name) for name in PROBLEMS}

    def far(rule, k):
        tuning = {name: problem.weight for name, problem in PROBLEMS.items() if problem.role == "tuning"}
        return math.prod((losses[name, rule, k] / best[name]) ** weight for name, weight in tuning.items())

    runs = runs_of(rows)
    for rule, grid in RULES.items():
        np.testing.assert_allclose(far(rule, runs.frozen(rule)), min(far(rule, k) for k in grid), **CLOSE)
        for name in PROBLEMS:
            tuned = losses[name, rule, runs.tuned(name, rule)]
            np.testing.assert_allclose(tuned, min(losses[name, rule, k] for k in grid), **CLOSE)


@settings(max_examples=30)
@given(tables, st.integers(1, 8), st.sampled_from(JUDGED), st.sampled_from(ACCOUNTS))
def test_the_expected_best_is_the_mean_over_all_subsets(rows, k, problem, account):
    runs, at = runs_of(rows), JUDGED.index(problem)
    for rule in ("Adam", "Muon"):
        first, grid = runs.frozen(rule), list(RULES[rule])
        tuning = {setting: mean_loss(rows, problem, rule, setting, TUNING) for setting in grid}
        ends = {setting: mean_loss(rows, problem, rule, setting, EVALUATION, account) for setting in grid}
        others = [setting for setting in grid if setting != first]
        drawn = itertools.combinations(others, min(k, len(grid)) - 1)
        # The frozen setting comes first, so of equals it is the one.
        best = [np.log(ends[min([first, *subset], key=tuning.get)]) for subset in drawn]
        found = runs.best_of(k, account=account)[runs.rules.index(rule), at].mean()
        np.testing.assert_allclose(found, np.mean(best), **CLOSE)
    default = runs.rules.index("default")
    assert np.array_equal(runs.best_of(k)[default], runs.best_of(1)[default])


@settings(max_examples=30)
@given(tables, st.sampled_from(JUDGED), st.sampled_from(["Adam", "Muon", "default"]))
def test_more_trials_are_no_worse_at_the_measure_of_tuning(rows, problem, rule):
    runs = runs_of(rows)
    means = runs.tried(problem, rule)
    expected = []
    for k in range(1, 9):
        chances = runs.chances(problem, rule, k)
        assert min(chances.values()) >= 0
        np.testing.assert_allclose(sum(chances.values()), 1, **CLOSE)
        expected.append(sum(chance * means[setting] for setting, chance in chances.items()))
    assert np.all(np.diff(expected) <= 1e-9)
    np.testing.assert_allclose(expected[0], means[runs.frozen(rule)], **CLOSE)
    np.testing.assert_allclose(expected[-1], min(means.values()), **CLOSE)


@settings(max_examples=30)
@given(tables, st.sampled_from(ACCOUNTS), st.sampled_from(["test", "train"]))
def test_a_ratio_is_the_frozen_settings_loss_over_the_yardsticks(rows, account, measure):
    runs = runs_of(rows)
    for rule, ratios in runs.ratios(measure=measure, account=account).items():
        best, _ = runs.yardsticks(measure, account)
        for problem, chosen, ratio in zip(JUDGED, best, ratios, strict=True):
            of = mean_loss(rows, problem, rule, runs.frozen(rule), EVALUATION, account, measure)
            ends = {
                (other, k): mean_loss(rows, problem, other, k, EVALUATION, account, measure)
                for other in runs.rules
                for k in [runs.tuned(problem, other)]
            }
            by = min(ends.values())
            np.testing.assert_allclose(ends[chosen], by, **CLOSE)
            np.testing.assert_allclose(ratio, of / by, **CLOSE)
    [row] = [row for row in runs.ranking(measure=measure, account=account) if row.rule == rule]
    middle = math.prod(ratios ** [0.25, 0.25, 0.5])  # by the problems' weights
    np.testing.assert_allclose([row.middle, row.largest], [middle, max(ratios)], **CLOSE)


# ── what changes nothing ──


@settings(max_examples=30)
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, random):
    runs, mixed = runs_of(rows), runs_of(random.sample(rows, len(rows)))
    assert choices(mixed) == choices(runs)
    assert all(mixed.ranking(2, measure) == runs.ranking(2, measure) for measure in MEASURES)


@settings(max_examples=30)
@given(tables, st.sampled_from(list(PROBLEMS)), st.sampled_from([2.0**-9, 2.0**20]))
def test_the_unit_of_a_problems_loss_changes_nothing(rows, name, unit):
    problems = PROBLEMS | {name: PROBLEMS[name]._replace(start=PROBLEMS[name].start * unit)}
    scaled = [
        row | {loss: str(unit * float(row[loss])) for loss in ("test", "train")} if row["problem"] == name else row
        for row in rows
    ]
    one, other = runs_of(rows), runs_of(scaled, problems=problems)
    assert choices(other)[:3] == choices(one)[:3]
    for rule, ratios in one.ratios(3).items():
        np.testing.assert_allclose(other.ratios(3)[rule], ratios, **CLOSE)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_choice_has_seen_an_evaluation(seed, other):
    """Not even its problems, for a frozen setting."""
    rows, changed = random_table(seed), random_table(other)

    def mixed(unseen):
        return [b if unseen(b) else a for a, b in zip(rows, changed, strict=True)]

    runs = runs_of(rows)
    by_seed = runs_of(mixed(lambda row: int(row["seed"]) not in TUNING))
    assert choices(by_seed) == choices(runs)
    by_problem = runs_of(mixed(lambda row: row["problem"] in JUDGED))
    assert choices(by_problem)[1] == choices(runs)[1]


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(["Adam", "Muon"]))
def test_a_problem_left_out_is_as_if_it_were_not_there(seed, rule):
    runs = runs_of(random_table(seed))
    for name, setting in runs.left_out(rule).items():
        problems = {other: problem for other, problem in PROBLEMS.items() if other != name}
        rows = [row for row in random_table(seed) if row["problem"] != name]
        assert setting == runs_of(rows, problems=problems).frozen(rule)


@settings(max_examples=30)
@given(tables)
def test_a_rule_with_the_runs_of_another_ties(rows):
    twin = [row | {"rule": "twin"} for row in rows if row["rule"] == "Adam"]
    runs = runs_of(rows + twin)
    for measure, account in itertools.product(MEASURES, ACCOUNTS):
        by_rule = {row.rule: row[1:] for row in runs.ranking(2, measure, account)}
        # One product of matrices makes all rows, whose sums may go in another order.
        np.testing.assert_allclose(by_rule["twin"], by_rule["Adam"], **CLOSE)
    assert runs.divergences("twin") == runs.divergences("Adam")
    np.testing.assert_allclose(runs.yardsticks()[1], runs_of(rows).yardsticks()[1], **CLOSE)


def test_equal_runs_give_1_and_all_rules_win():
    runs = runs_of([row(key, 0.25) for key in keys()])
    for k, account in itertools.product((1, 2, 9), ACCOUNTS):
        for measure in ("test", "train", "reached"):
            np.testing.assert_allclose([row[1:] for row in runs.ranking(k, measure, account)], 1, **CLOSE)
        np.testing.assert_allclose([row[1:] for row in runs.ranking(k, "errors", account)], 0, **CLOSE)
    for rule in RULES:
        assert runs.verdict(rule).wins
        assert runs.verdict(rule).diverged == 0


@settings(max_examples=30)
@given(st.one_of(tables, st.just(TIED)))
def test_no_setting_is_judged_that_is_not_better_at_tuning_than_the_frozen_one(rows):
    """So a sweep need not run it. Where all are equal at tuning, the frozen setting is taken."""
    runs = runs_of(rows)

    def needed(row):
        problem, rule, k = row["problem"], row["rule"], int(row["quarter"]) if row["quarter"] else ""
        return int(row["seed"]) in TUNING or k in runs.contenders(problem, rule)

    fewer = runs_of([row for row in rows if needed(row)])
    for measure, account, k in itertools.product(MEASURES, ACCOUNTS, (1, 3, 9)):
        assert fewer.ranking(k, measure, account) == runs.ranking(k, measure, account)


# ── single runs ──


JUDGES = {"rule": "default", "account": "time"}


@pytest.mark.parametrize("diverged", ["inf", "nan", "1e300"])
def test_a_run_that_diverged_counts_as_the_start_and_a_solved_one_as_a_millionth(diverged):
    rows = changed(EQUAL, {"test": diverged}, problem="network", seed=100, **JUDGES)
    ratios = runs_of(rows).ratios()
    np.testing.assert_allclose(ratios["default"], [(2.3 / 0.25) ** 0.25, 1, 1], **CLOSE)
    [row] = [row for row in runs_of(rows).ranking() if row.rule == "default"]
    np.testing.assert_allclose(row.worst, 2.3 / 0.25, **CLOSE)
    hard = changed(EQUAL, {"test": 0.5}, problem="network", seed=100)  # for the yardstick too, whose mean is compared
    [row] = [row for row in runs_of(hard).ranking() if row.rule == "default"]
    np.testing.assert_allclose(row.worst, 2**0.75, **CLOSE)
    if diverged != "1e300":
        for problem, ratios in (("network", [22.5, 0]), ("autoencoder", [0, 0])):
            rows = changed(EQUAL, {"test": diverged, "errors": ""}, problem=problem, seed=100, **JUDGES)
            np.testing.assert_allclose(runs_of(rows).ratios(measure="errors")["default"], ratios, **CLOSE)
    rows = changed(EQUAL, {"test": 0.0}, problem="network", **JUDGES, seed=103)
    np.testing.assert_allclose(runs_of(rows).ratios()["Adam"][0], (0.25 / 2.3e-6) ** 0.25, **CLOSE)


def test_errors_differ_by_per_cent_and_a_target_that_is_never_met_costs_two_budgets():
    rows = changed(EQUAL, {"errors": 0.0, "reached": "inf"}, problem="tumours", **JUDGES, seed=101)
    runs = runs_of(rows)
    assert runs.judged_by("errors") == ["network", "tumours"]
    np.testing.assert_allclose(runs.ratios(measure="errors")["Adam"], [0, 2.5], **CLOSE)
    np.testing.assert_allclose(runs.ratios(measure="reached")["default"], [1, 1, (2 / 0.5) ** 0.25], **CLOSE)
    never = changed(rows, {"reached": ""}, reached="inf")
    assert runs_of(never).ranking(measure="reached") == runs.ranking(measure="reached")


@pytest.mark.parametrize(
    ("broken", "new", "where"),
    [
        ("ratio", {"test": 0.25 * 1.3}, {"account": "time"}),
        ("worst", {"test": 0.25 * 2.05}, {"account": "time", "seed": 102}),
        ("diverged", {"test": "inf"}, {"account": "short", "seed": 202}),
    ],
)
def test_each_condition_of_a_win_can_fail_alone(broken, new, where):
    """A single seed at 2.05 makes the mean 2.05**(1/4), which is below 1.2."""
    rows = changed(EQUAL, new, problem="tumours", rule="default", **where)
    runs = runs_of(rows)
    verdict = runs.verdict("default")
    above = {name for name, most in WIN.items() if getattr(verdict, name) > most}
    assert above == {broken}
    assert not verdict.wins
    assert runs.verdict("Adam").wins
    assert runs.divergences("default")["tumours"] == (broken == "diverged")


def test_a_rule_need_not_apply_to_all_problems():
    rows = [row for row in EQUAL if (row["problem"], row["rule"]) not in {("quadratic", "Muon"), ("tumours", "Muon")}]
    runs = runs_of(rows)
    assert runs.frozen("Muon") == -2
    assert runs.chances("tumours", "Muon", 3) == {}
    np.testing.assert_allclose(runs.ratios()["Muon"], [1, 1, np.nan], **CLOSE)
    assert runs.ranking()[-1].rule == "Muon"
    assert not runs.verdict("Muon").wins
    assert list(runs.divergences("Muon")) == ["network", "autoencoder"]


def test_a_rule_whose_accounts_are_alike_has_rows_of_the_first():
    rows = [row for row in EQUAL if (row["rule"], row["account"]) != ("Adam", "products")]
    with pytest.raises(ValueError, match="first 'Adam' on 'network' with setting -4 and seed 100, under 'products'"):
        runs_of(rows).ranking(account="products")
    assert runs_of(rows, alike=["Adam"]).ranking(account="products") == runs_of(EQUAL).ranking(account="products")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(-9, 9))
def test_the_best_is_inside_a_grid_unless_an_end_is_better_than_all_inside(means, first):
    grid = dict(enumerate(map(float, means), first))
    assert bool(end(grid)) == all(min(means) < mean for mean in means[1:-1])
    assert {-1: means[0], 0: min(means), 1: means[-1]}[end(grid)] == min(means)
    assert end({"": 1.0}) == 0


# ── the door ──


def test_a_table_that_still_grows_says_what_it_lacks_when_that_is_asked_for():
    def but(**where):
        hit = {name: str(value) for name, value in where.items()}
        kept = [row for row in EQUAL if any(row[name] != value for name, value in hit.items())]
        assert len(kept) < len(EQUAL)
        return runs_of(kept)

    runs = but(problem="logistic", rule="Adam", quarter=-3, seed=1)
    assert runs.frozen("Muon") == -2
    with pytest.raises(ValueError, match="lacks a tuning run of 'Adam' on 'logistic' with setting -3"):
        runs.frozen("Adam")
    runs = but(problem="network", rule="Adam", quarter=-4, account="time", seed=102)
    assert runs.frozen("Adam") == -4
    with pytest.raises(ValueError, match=r"lacks 1 runs .* 'Adam' on 'network' with setting -4 and seed 102"):
        runs.ratios()
    runs = but(problem="network", rule="Adam", quarter=-4)
    with pytest.raises(ValueError, match="lacks the frozen setting -4 of 'Adam' on 'network'"):
        runs.ratios()
    runs = but(problem="network", rule="default", account="short", seed=200)
    with pytest.raises(ValueError, match="lacks 1 of the 3 short runs of 'default' on 'network'"):
        runs.verdict("default")
    runs = but(problem="network", account="time")
    with pytest.raises(ValueError, match="has no runs of 'Adam' on 'network'"):
        runs.tuned("network", "Adam")
    with pytest.raises(ValueError, match="no setting of 'Adam' was tried on all"):
        runs_of([row for row in EQUAL if row["problem"] in JUDGED]).frozen("Adam")


@pytest.mark.parametrize(
    ("column", "value"), [("problem", "rosenbrock"), ("account", "hours"), ("seed", "7"), ("seed", "x")]
)
def test_a_row_that_does_not_belong_is_refused(column, value):
    for account in ("time", "short"):
        stray = row(("network", "Adam", -4, account, 100), 0.25) | {column: value}
        with pytest.raises(ValueError, match=f"the table has a {column} '{value}', which is none of"):
            runs_of([stray])


@pytest.mark.parametrize("account", ["time", "short"])
def test_a_run_that_is_there_twice_is_refused(account):
    seed = {"time": 100, "short": 200}[account]
    with pytest.raises(ValueError, match="1 runs more than once"):
        runs_of([*EQUAL, row(("network", "Adam", -4, account, seed), 0.5)])


def test_other_wrong_arguments_are_refused():
    runs = runs_of(EQUAL)
    with pytest.raises(ValueError, match="a seed is in two phases"):
        Runs(EQUAL, PROBLEMS, range(3), range(2, 5))
    with pytest.raises(ValueError, match="'tuning' or 'evaluation' is needed"):
        runs_of(EQUAL, problems=PROBLEMS | {"network": Problem("test", 1, 2.3)})
    with pytest.raises(ValueError, match="no negative number has a logarithm"):
        runs_of(changed(EQUAL, {"train": -1.0}, seed=100))
    for wrong in ({"measure": "loss"}, {"account": "short"}, {"k": 0}):
        with pytest.raises(ValueError, match="is needed"):
            runs.ranking(**wrong)
    for call in (
        lambda: runs.tuned("network", "adam"),
        lambda: runs.verdict("adam"),
        lambda: runs.tuned("cnn", "Adam"),
    ):
        with pytest.raises(ValueError, match="is needed"):
            call()
    with pytest.raises(ValueError, match="'test' or 'train' is needed"):
        runs_of(EQUAL, by="errors")


# ── intervals ──


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    """Percentiles of few problems are a little short, and nested draws count the seeds' scatter twice: a little long.

    Of 1000 tables 2.5 % of error is three standard deviations and more; the rest of the tolerance is for these two.
    """
    rng = np.random.default_rng(0)
    for between, within, least, most in ((0.3, 0.3, 0.90, 0.97), (0.3, 0.03, 0.88, 0.97), (0.0, 0.3, 0.95, 1.0)):
        scores = rng.normal(0.1, between, (1000, 8, 1)) + rng.normal(0, within, (1000, 8, 10))
        low, high = bootstrap(scores, np.ones(8), draws=1000)
        assert least < np.mean((low <= 0.1) & (high >= 0.1)) < most


@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.1, 10))
def test_an_interval_shifts_and_scales_with_its_scores(seed, shift, scale):
    """The draws ask neither the scores nor the unit of the weights."""
    rng = np.random.default_rng(seed)
    scores, weights = rng.normal(size=(2, 3, 4)), rng.uniform(0.5, 2, 3)
    interval = np.array(bootstrap(scores, weights, draws=100, seed=seed))
    other = bootstrap(scale * scores + shift, scale * weights, draws=100, seed=seed)
    np.testing.assert_allclose(other, scale * interval + shift, **CLOSE)
    low, high = scores.min(axis=(1, 2)), scores.max(axis=(1, 2))
    assert np.all(np.diff([low, *interval, high], axis=0) >= -1e-12)  # a mean of equals may be off in the last digit


def test_a_problem_that_weighs_more_counts_more():
    scores = np.repeat([[0.0], [1.0], [1.0]], 4, axis=1)
    equal = np.mean([bootstrap(scores, np.ones(3), draws=20, seed=seed) for seed in range(9)])
    heavy = np.mean([bootstrap(scores, [9.0, 1.0, 1.0], draws=20, seed=seed) for seed in range(9)])
    assert heavy < equal
    for wrong in ([1.0, 0.0, 1.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match="one positive weight for each of 3 problems is needed"):
            bootstrap(scores, wrong)


def test_a_long_table_is_compressed(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "FOLDER", tmp_path)
    content = 'a,b\n1,"x, y"\n2,η\n'.encode()
    (tmp_path / "long.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "short.csv").write_bytes(content)
    assert measured.table("long") == measured.table("short") == [{"a": "1", "b": "x, y"}, {"a": "2", "b": "η"}]
    with pytest.raises(FileNotFoundError, match=r"neither\.csv\.gz"):
        measured.table("neither")
