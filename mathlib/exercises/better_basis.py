"""Checks of chapter 8-4, on Adam in a better basis."""

import numpy as np

from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-turned-step")
def turned_step(first, turned):
    root = np.sqrt(2)
    compare(
        first,
        [1, 1],
        [
            ([1, 2], "this is the gradient; Adam's first step has each component divided by its own size"),
            ([-1, -1], "the step is asked without its minus sign"),
            (np.array([1, 1]) / root, "the step has no length of 1: each of its components has"),
        ],
        rtol=1e-4,
        what="the first step",
    )
    compare(
        turned,
        [0, root],
        [
            ([1, 1], "these are the components in the new coordinates, or a step that did not notice the turn"),
            ([root, 0], "the new components are P^T g, and the step is turned back by P, not by its transpose"),
            ([0, 1], "the columns of P have the length 1, and so the arrow is longer"),
            ([1, 2], "this is the gradient, turned and turned back: between the two, Adam takes the signs"),
        ],
        rtol=1e-4,
        atol=1e-6,
        what="the turned step",
    )


check.formula(
    "ex-sample-variance",
    "2*a**2 + b**2 + c**2",
    {
        "b**2 + c**2": "this is right for signs; a normal z_1 has a square that varies, too",
        "a**2 + b**2 + c**2": "the variance of z_1**2 is E[z**4] - 1, and E[z**4] is 3",
        "3*a**2 + b**2 + c**2": "this is the mean square; the square of the mean, a**2, is still in it",
        "2*(b**2 + c**2)": "the factor 2 belongs to the trace, in which each pair comes twice",
        "2*(a**2 + b**2 + c**2)": "this is the first entry's part of the trace's variance: there each pair comes twice",
    },
)


@check.code("ex-into-eigenbasis")
def into_eigenbasis(in_eigenbasis):
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((4, 4)), rng.standard_normal((3, 3))
    gradients = mixing[0] @ rng.standard_normal((50, 4, 3)) @ mixing[1]
    transposed = gradients.swapaxes(1, 2)
    left, right = np.mean(gradients @ transposed, axis=0), np.mean(transposed @ gradients, axis=0)
    Q_L, Q_R = (np.linalg.eigh(factor)[1] for factor in (left, right))
    found = in_eigenbasis(gradients.copy())
    require(np.shape(found) == gradients.shape, f"the result has to have the shape of the gradients, {(50, 4, 3)}")
    found = np.asarray(found, float)
    for wrong, why in (
        (Q_L @ gradients @ Q_R, "the eigenvectors are columns: `Q_L` has to be transposed"),
        (Q_L.T @ gradients, "this turns the left side alone"),
        (gradients @ Q_R, "this turns the right side alone"),
        (Q_L.T @ gradients @ Q_R.T, "only `Q_L` is transposed: `Q_L.T @ G @ Q_R`"),
    ):
        require(not np.allclose(abs(found), abs(wrong)), why)
    lengths = np.linalg.norm(found, axis=(1, 2))
    require(
        np.allclose(lengths, np.linalg.norm(gradients, axis=(1, 2))),
        "the gradients have changed their lengths, which a change between orthonormal bases does not do",
    )
    after = found.swapaxes(1, 2)
    for side, factor, values in (
        ("left", np.mean(found @ after, axis=0), np.linalg.eigvalsh(left)),
        ("right", np.mean(after @ found, axis=0), np.linalg.eigvalsh(right)),
    ):
        rest = factor - np.diag(np.diag(factor))
        require(
            np.max(abs(rest)) < 1e-8 * np.max(values),
            f"the mean of {'GG^T' if side == 'left' else 'G^T G'} is not diagonal afterwards: are they eigenvectors"
            " of the means?",
        )
        require(np.allclose(np.sort(np.diag(factor)), values), f"the {side} side is not that of these gradients")


@check.code("ex-sophia-step")
def sophia_step(step, share):
    m = np.array([0.3, -0.2, 0.01, -0.4, 0.0, 0.05])
    h = np.array([2.0, 1.0, 5.0, -3.0, -1.0, 0.0])
    eta, gamma, eps = 0.1, 0.5, 1e-3
    floor = np.maximum(gamma * h, eps)
    right = -eta * np.clip(m / floor, -1, 1)
    with np.errstate(all="ignore"):
        mistakes = [
            (-right, "the sign: theta moves against m"),
            (-eta * np.clip(m / (gamma * h + eps), -1, 1), "a negative h is divided by: take the maximum with eps"),
            (-eta * np.clip(m / np.maximum(gamma * abs(h), eps), -1, 1), "the size of h is AdaHessian's way"),
            (-eta * np.clip(m / np.maximum(h, eps), -1, 1), "gamma is missing"),
            (-eta * m / floor, "the clip is missing"),
            (-np.clip(eta * m / floor, -1, 1), "the quotient is clipped first, and then multiplied by eta"),
            (-eta * np.minimum(m / floor, 1), "the clip has two sides: a quotient below -1 becomes -1"),
        ]
    compare(step(m.copy(), h.copy(), eta, gamma, eps), right, mistakes, what="the step")
    read = np.mean(abs(m / floor) < 1)
    compare(
        share(m.copy(), h.copy(), gamma, eps),
        read,
        [
            (1 - read, "this is the share that is clipped"),
            (6 * read, "this is their number: divide by that of all"),
            (np.mean(m / floor < 1), "a quotient below -1 is clipped too: take its size"),
        ],
        what="the share",
    )


@check.code("ex-tridiagonal")
def tridiagonal(exact_diagonal):
    rng = np.random.default_rng(0)
    for n in (9, 6):
        beside = rng.standard_normal(n - 1)
        H = np.diag(rng.standard_normal(n)) + np.diag(beside, 1) + np.diag(beside, -1)
        asked = []

        def product(v, H=H, asked=asked):
            asked.append(np.array(v))
            return H @ v

        found = exact_diagonal(product, n)
        even = np.arange(n) % 2 == 0
        compare(
            found,
            np.diag(H),
            [
                (H @ np.ones(n), "with ones everywhere the neighbours come in: leave gaps between the ones"),
                (np.where(even, np.diag(H), 0), "the odd places are still missing"),
                (np.where(even, H @ even, H @ ~even)[::-1], "the order is reversed"),
            ],
            rtol=1e-8,
            what="the diagonal",
            otherwise="this is not the diagonal of H: random signs leave an error, and it has to be exact",
        )
        require(
            len(asked) <= 2,
            f"{len(asked)} products for n = {n}: it is right, and it can be done with fewer, whatever n is",
        )
