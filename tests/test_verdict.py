"""The experiment of the verdict: what a run is, what it may cost, and in which order runs come."""

import itertools
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathlib.measured import verdict
from mathlib.problems import NOISY
from mathlib.stochastic import adam, averaged_adam, linear_decay

COSTS = {
    problem: {"product": 2.0, "hessian": 2.5, "Muon": 3.0, "SOAP": 4.0, "K-FAC": 2.5} for problem in verdict.PROBLEMS
}
RULES = st.sampled_from(list(verdict.RULES))


def middle(rule):
    first = verdict.RULES[rule].first
    return "" if first is None else first + verdict.TRIALS // 2


# ── a run ──


@pytest.mark.parametrize("rule", verdict.RULES)
def test_every_rule_runs_and_a_run_is_the_same_twice(rule):
    problem = "logistic" if verdict.applies(rule, "logistic") else "quadratic 1e2 1"
    key = problem, rule, middle(rule), "brief", 1000
    outcome, curve = verdict.run(key, COSTS)
    assert verdict.run(key, COSTS) == (outcome, curve)
    assert [*verdict.COLUMNS[:5], "digest", *outcome] == verdict.COLUMNS
    if outcome["test"] != "inf":
        assert len(curve) == verdict.CHECKPOINTS
        assert float(outcome["test"]) == curve[-1] > 0


def test_a_run_is_the_method_with_its_schedule():
    data, n = NOISY["logistic"](3), verdict.PROBLEMS["logistic"].steps
    eta = linear_decay(10 ** (-6 / 4), n)
    theta = next(islice(adam(data.losses(), data.theta0, eta, published=True, beta2=0.99), n, None)).theta
    outcome, _ = verdict.run(("logistic", "Adam .99, linear", -6, "time", 3), COSTS)
    # Four digits are kept, of which a last bit may change one.
    for name, end in (("train", data.loss(theta)), ("test", data.test(theta)), ("errors", data.errors(theta))):
        np.testing.assert_allclose(float(outcome[name]), end, rtol=2e-3)


def test_averaged_adam_is_judged_by_its_average():
    data, n = NOISY["logistic"](3), verdict.PROBLEMS["logistic"].steps
    *_, step = islice(averaged_adam(data.losses(), data.theta0, 0.3, blocks=data.unravel), n)
    outcome, _ = verdict.run(("logistic", "averaged Adam, 0.3", "", "time", 3), COSTS)
    np.testing.assert_allclose(float(outcome["test"]), data.test(step.carried["x"]), rtol=2e-3)
    outcome, _ = verdict.run(("logistic", "its path, linear", "", "time", 3), COSTS)
    steps = averaged_adam(data.losses(), data.theta0, linear_decay(0.3, n), blocks=data.unravel)
    np.testing.assert_allclose(float(outcome["test"]), data.test(next(islice(steps, n, None)).theta), rtol=2e-3)


def test_a_short_run_is_the_beginning_of_a_run():
    whole = verdict.path(("logistic", "SGD, linear", 0, "time", 200), COSTS)
    short = verdict.path(("logistic", "SGD, linear", 0, "short", 200), COSTS)
    assert short[1] == whole[1] // 10
    for a, b in zip(islice(short[2], short[1]), whole[2], strict=False):
        assert np.array_equal(a.theta, b.theta)
        assert a.eta == b.eta


@pytest.mark.parametrize("k", [20, 60])  # too long, and far beyond what floats hold
def test_a_run_that_diverges_ends_at_infinity(k):
    outcome, curve = verdict.run(("quadratic 1e2 1", "SGD", k, "time", 0), COSTS)
    assert (outcome["train"], outcome["test"], outcome["reached"]) == ("inf", "inf", "")
    assert len(curve) < verdict.CHECKPOINTS  # it was given up


def test_the_target_is_reached_where_the_curve_says_so():
    key = "logistic", "Adam .99, linear", -4, "time", 0
    outcome, curve = verdict.run(key, COSTS)
    first = next(j for j, loss in enumerate(curve, 1) if loss <= verdict.PROBLEMS["logistic"].target)
    assert outcome["reached"] == first / verdict.CHECKPOINTS
    slow, curve = verdict.run(("logistic", "Adam .99, linear", -16, "time", 0), COSTS)
    assert slow["reached"] == ""
    assert min(curve) > verdict.PROBLEMS["logistic"].target


# ── what it may cost ──


@given(st.sampled_from(list(verdict.PROBLEMS)), st.sampled_from(list(verdict.METHODS)), st.floats(1, 20))
def test_a_budget_pays_for_as_many_steps_as_adams_at_most(problem, method, cost):
    budget, extra = verdict.PROBLEMS[problem].steps, verdict.METHODS[method].extra
    costs = {problem: dict.fromkeys(("product", "hessian", "Muon", "SOAP", "K-FAC"), cost)}
    for account in ("time", "products"):
        n = verdict.steps_paid(problem, method, account, costs)
        step = 1.0 if extra is None else 1 + extra
        if account == "time" and extra is not None:
            step = cost if verdict.METHODS[method].measured == "step" else 1 + extra / 2 * (cost - 1)
        assert n * step <= budget + 1e-6 < (n + 1) * step + 1e-6
    if extra is None:
        assert n == budget


def test_a_cost_is_a_ratio_of_times():
    assert verdict.cost("logistic", "product") > 0
    assert verdict.cost("logistic", "Muon") >= 1
    assert verdict.unmeasured({})[:2] == [("quadratic 1e2 0", "product"), ("quadratic 1e2 0", "hessian")]
    assert verdict.unmeasured(COSTS) == []


def test_what_a_rule_needs_is_there_where_it_applies():
    assert verdict.applies("K-FAC, linear", "cnn")
    assert not verdict.applies("K-FAC, linear", "autoencoder")
    assert verdict.applies("Muon", "autoencoder")
    for rule in ("Muon", "SOAP, linear", "K-FAC, linear"):
        assert not verdict.applies(rule, "quadratic 1e2 0")
    assert all(
        verdict.applies(rule, name) for rule in verdict.RULES for name in verdict.PROBLEMS if name[0] != "q"
    ) or (verdict.applies("averaged Adam, 0.3", "quadratic 1e2 0"))


# ── the order of runs ──


def invented(key):
    """An outcome in which each rule has a best setting of its own, on each problem."""
    problem, rule, k, _, seed = key
    best = middle(rule)
    off = 0 if k == "" else k - best - len(problem) % 7 + 3
    loss = 0.1 * np.exp(0.1 * abs(off) ** 1.5 + 0.01 * np.sin(seed))
    texts = {"engine": "compiled", "steps": "1", "errors": "", "reached": "0.5", "digest": ""}
    return texts | {"train": f"{loss:.4g}", "test": f"{loss:.4g}"}


@settings(max_examples=3, deadline=None)
@given(st.randoms(use_true_random=False))
def test_an_interrupted_sweep_asks_for_the_same_runs(random):
    """Whatever part of the runs that come next was made before one asks again."""
    few = {
        "PROBLEMS": {name: verdict.PROBLEMS[name] for name in ("quadratic 1e2 1", "logistic", "tumours")},
        "RULES": {name: verdict.RULES[name] for name in ("SGD", "Adam, linear", "K-FAC, linear", "CDAT 2")},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in few.items():
            patch.setattr(verdict, name, value)
        straight, broken = {}, {}
        while keys := verdict.todo(straight):
            straight |= {key: invented(key) for key in keys}
        phases = []
        while keys := verdict.todo(broken):
            made = random.sample(keys, random.randint(1, len(keys)))
            phases += map(verdict.phase, made)
            broken |= {key: invented(key) for key in made}
    assert broken.keys() == straight.keys()
    order = ["tuning, tuning problems", "tuning, evaluation problems", "evaluation", "divergence"]
    assert [phase for phase, _ in itertools.groupby(phases)] == order
    counts = Counter((problem, rule, account) for problem, rule, _, account, _ in straight)
    assert counts["tumours", "CDAT 2", "short"] == len(verdict.SHORT)
    assert counts["tumours", "CDAT 2", "products"] == len(verdict.EVALUATION)
    assert counts["tumours", "SGD", "products"] == counts["quadratic 1e2 1", "K-FAC, linear", "time"] == 0


def test_a_grid_grows_where_the_best_is_at_its_end():
    rule, first = "SGD", verdict.RULES["SGD"].first
    rows = []
    for k, seed in itertools.product(range(first, first + verdict.TRIALS), verdict.TUNING):
        row = dict(zip(verdict.COLUMNS, map(str, ("logistic", rule, k, "time", seed)), strict=False))
        rows.append(row | invented(("logistic", rule, k, "time", seed)) | {"test": str(1 + 0.01 * k)})
    assert verdict.grid("logistic", rule, verdict.runs_of(rows)) == list(range(first - 1, first + verdict.TRIALS))
    assert verdict.grid("cnn", rule, verdict.runs_of(rows)) == list(range(first, first + verdict.TRIALS))
    assert verdict.grid("cnn", "CDAT 1", verdict.runs_of(rows)) == [""]


@given(RULES)
def test_a_brief_run_and_the_others_belong_to_the_rule(rule):
    key = "logistic", rule, middle(rule), "time", 0
    assert verdict.brief(key)[:2] == key[:2]
    assert verdict.order(verdict.brief(key))[:2] == verdict.order(key)[:2]
    assert not {"logistic", rule, verdict.RULES[rule].method} & verdict.others(key)
    assert "cnn" in verdict.others(key)
