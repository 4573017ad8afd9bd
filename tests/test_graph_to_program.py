"""From graph to program, as the chapter tells it: passes keep bits, text runs alone, guards hold, places are shared."""

import numpy as np
import pytest

from mathlib import compiled, grad, hvp, source
from mathlib.show.drawings.programs import bare, lifetimes, stages, unmatched

rng = np.random.default_rng(0)
X, targets = rng.standard_normal((20, 3)), rng.standard_normal(20)
slope = 1.0


def rough(w):
    z = X @ w
    p = np.exp(z) - np.exp(-slope * z)
    q = np.exp(z) + np.exp(-z)
    return np.sum((targets - p / q) ** 2)


def network(W):
    A = np.tanh(X @ W)
    return np.mean((A @ W.T - X) ** 2)


def fence(x):
    r = x - 1
    if r > 1:
        return r**2 - r + 0.5
    if r < -1:
        return r**2 + r + 0.5
    return r**2 / 2


def run(text, given):
    """The printed program on what it takes from outside; what has no name there is an array of ones."""
    place = {}
    exec(text, place)
    program = [f for f in place.values() if getattr(f, "__code__", None)][-1]
    names = program.__code__.co_varnames[: program.__code__.co_argcount]
    return program(*(given.get(name, np.ones(20)) for name in names))


def test_the_passes_keep_the_bits():
    w = rng.standard_normal(3)
    text = source(grad(rough), w, passes=True)
    counts = [count for _, count, _ in stages(text)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0]
    answers = [run(step.partition("\n")[2], {"w": w, "X": X, "targets": targets}) for step in text.split("\n\n\n# ")]
    assert len(answers) == len(counts)
    for answer in answers:
        assert np.array_equal(answer, answers[0])
    assert np.allclose(answers[0], grad(rough)(w), rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_a_printed_program_runs_without_the_package(order):
    W, V = rng.standard_normal((2, 3, 2))
    if order == 1:
        text, right = source(grad(network), W), grad(network)(W)
    else:
        text, right = source(lambda W, V: hvp(network, W, V), W, V), hvp(network, W, V)
    assert "mathlib" not in text
    assert np.allclose(run(text, {"W": W, "V": V, "X": X}), right, rtol=1e-11, atol=1e-13)


def test_each_way_has_its_program_and_none_is_used_on_another():
    fast = compiled(fence)
    for x in np.linspace(-3, 5, 41):
        assert np.isclose(grad(fast)(x), grad(fence)(x), rtol=1e-13, atol=1e-15)
    [ways] = fast.plans.values()
    assert len(ways) == 3
    text = source(grad(fence), -2.0)
    assert run(text, {"x": -2.5}) == grad(fence)(-2.5)
    with pytest.raises(AssertionError):
        run(text, {"x": 3.0})


def test_an_arena_is_smaller_than_its_arrays_and_no_two_of_them_meet():
    fast = compiled(network)
    grad(fast)(rng.standard_normal((3, 2)))
    [[plan]] = fast.plans.values()
    arrays = lifetimes(plan.writer)
    assert sum(n for _, n, *_ in arrays) > plan.writer.size
    for i, (start, n, first, last) in enumerate(arrays):
        assert start + n <= plan.writer.size
        for begin, m, born, gone in arrays[:i]:
            if start < begin + m and begin < start + n:  # one may be written over the other in its last step
                assert last <= born or gone <= first


def test_lines_are_compared_without_the_numbers_of_nameless_results():
    assert bare("t12 = c1 * t3 + tan1") == "t = c * t + tan1"
    assert unmatched(["a = x", "t2 = -a"], ["a = x", "b = 1", "t1 = -a"]) == set()
    assert unmatched(["a = x", "b = 1"], ["a = x"]) == {1}
