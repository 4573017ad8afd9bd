"""Checks of chapter 3-2, on quasi-Newton methods."""

import numpy as np

from mathlib.exercises import Exercises, compare, require
from mathlib.optimize.quasi_newton import update

check = Exercises()

check.formula(
    "ex-one-dimension",
    "b - gb*(b - a)/(gb - ga)",
    {
        "a - gb*(b - a)/(gb - ga)": "the step is made from the newer point, b",
        "b - ga*(b - a)/(gb - ga)": "the step from b takes the slope at b",
        "b + gb*(b - a)/(gb - ga)": "the sign: the step is minus M times the slope",
        "b - gb*(gb - ga)/(b - a)": "this M is y/s, an estimate of the second derivative; its inverse is needed",
        "-gb*(b - a)/(gb - ga)": "this is the step; the next point is b plus it",
        "b - gb": "this is for M = 1; what the pair has taught is missing",
    },
)

check.formula(
    "ex-memoryless",
    "yg/yd",
    {
        "-yg/yd": "the sign: a . g_+ is minus y . g_+ over s . y, and the direction is minus M_+ g_+",
        "yd/yg": "it is upside down: the update divides by s . y, which is eta y . d",
        "2*yg/yd": "of the two terms a s^T + s a^T only one is left, since s . g_+ = 0",
        "yg": "the update divides by s . y, and s = eta d",
    },
)


def pairs_of(n, k):
    """Pairs (s, y) with s . y > 0, of a quadratic loss."""
    rng = np.random.default_rng(2)
    A = rng.standard_normal((n, n))
    return [(s, A @ (A.T @ s) + s) for s in rng.standard_normal((k, n))]


def loops(down, gamma, g, up):
    """The two loops, in these orders, and where the first one ends."""
    alphas = {}
    for s, y in down:
        alphas[id(s)] = s @ g / (s @ y)
        g = g - alphas[id(s)] * y
    r = gamma * g
    for s, y in up:
        r = r + (alphas[id(s)] - y @ r / (s @ y)) * s
    return r, gamma * g


@check.code("ex-two-loops")
def two_loops(two_loops):
    pairs, gamma, g = pairs_of(5, 4), 0.3, np.array([1.0, -2.0, 0.5, 3.0, -1.0])
    back = pairs[::-1]
    M = gamma * np.eye(5)
    for pair in pairs:
        M = update(M, *pair)
    right = M @ g
    mistakes = [
        (-right, "it is -M g, the direction of descent; asked is M g"),
        (loops(pairs, gamma, g, back)[0], "the orders are swapped: the newest pair is the first on the way down"),
        (loops(pairs, gamma, g, pairs)[0], "the oldest pair is first in both loops: down starts with the newest"),
        (loops(back, gamma, g, back)[0], "the newest pair is first in both loops: up starts with the oldest"),
        (loops(back, 1.0, g, pairs)[0], "gamma is missing: between the loops stands M0 g"),
        (loops(back, gamma, g, pairs)[1], "it ends after the way down: the way up is missing"),
    ]
    copies = [(s.copy(), y.copy()) for s, y in pairs]
    compare(two_loops(copies, gamma, g.copy()), right, mistakes, rtol=1e-6, what="M g from four pairs")
    compare(two_loops([], gamma, g.copy()), gamma * g, rtol=1e-6, what="M g without any pair")


@check.code("ex-preconditioned")
def preconditioned(preconditioner):
    A = np.array([[1.0, 0.3, 0.1], [0.3, 2.0, -0.2], [0.1, -0.2, 1.5]])
    D = np.array([50.0, 1000.0, 1.0])
    H = D[:, None] * A * D
    M0 = np.asarray(preconditioner(H.copy()))
    diagonal = np.diag(H)
    require(M0.shape == (3, 3), f"M0 has the shape {M0.shape}; it is needed as an array of H's shape, (3, 3)")
    compare(
        M0, np.diag(np.diag(M0)), [(np.linalg.inv(H), "M0 is all of H^-1")], what="M0", otherwise="M0 is not diagonal"
    )
    entries = np.diag(M0)
    require(np.all(entries > 0), "M0 has to be positive definite: its entries have to be positive")
    for power, why in (
        (0, "M0 is a multiple of the identity, as without a preconditioner"),
        (1, "M0 has the units of H; it stands for H^-1"),
        (-0.5, "M0 has the root of the right unit: 1/D, where 1/D² is needed"),
        (-2, "M0 has the square of the right unit: 1/D⁴, where 1/D² is needed"),
    ):
        multiple = entries / diagonal**power
        require(not np.allclose(multiple, multiple[0]), why)
    values = np.linalg.eigvals(M0 @ H).real
    require(
        max(values) < 100 * min(values),
        "the condition of M0 H is more than 100, where that of A is below 3: the units have not gone",
    )


def dfp(M, s, y):
    My = M @ y
    return M - np.outer(My, My) / (y @ My) + np.outer(s, s) / (s @ y)


@check.code("ex-dual-update")
def dual_update(dfp_update):
    (s, y), (s1, y1) = pairs_of(3, 2)
    M = dfp(np.diag([1.0, 2.0, 0.5]), s1, y1)  # neither diagonal nor the answer's own
    right, inverse = dfp(M, s, y), np.linalg.inv(M)
    compare(
        dfp_update(M.copy(), s.copy(), y.copy()),
        right,
        [
            (update(M, s, y), "this is BFGS itself: s and y are swapped, in an update of M^-1"),
            (update(M, y, s), "with s and y swapped, `update` wants M^-1 and gives the next M^-1"),
            (np.linalg.inv(update(M, y, s)), "`update` with s and y swapped wants M^-1, not M"),
            (update(inverse, y, s), "this is the next M^-1: it still has to be inverted"),
            (np.linalg.inv(update(inverse, s, y)), "s and y have to be swapped: B s = y, where M y = s"),
            (right - np.outer(s, s) / (s @ y), "the term s s^T / s . y is missing"),
            (right + np.outer(M @ y, M @ y) / (y @ M @ y), "what M knew along y has to be taken away"),
        ],
        rtol=1e-6,
        what="M after an update",
    )


def along(scale):
    """A parabola along a line, with its minimum at 1 / scale."""
    return lambda eta: (1 - scale * eta) ** 2, lambda eta: -2 * scale * (1 - scale * eta)


@check.code("ex-line-search")
def line_search(search):
    """Any eta of the two conditions is right; the parabolas need 1, a longer eta, and a much shorter one."""
    ripples = (
        lambda eta: (3 - eta) ** 2 / 20 + 1 - np.cos(3 - eta),
        lambda eta: (eta - 3) / 10 - np.sin(3 - eta),
    )
    for (phi, slope), c1, c2 in (
        (along(1.0), 0.1, 0.9),
        (along(0.01), 0.1, 0.9),
        (along(300.0), 0.1, 0.9),
        (ripples, 0.1, 0.2),
    ):
        eta = search(phi, slope, c1, c2)
        require(eta is not None, "it returns None: is a `return` missing?")
        require(np.ndim(eta) == 0 and np.isreal(eta), "it has to return eta, one number")
        require(eta > 0, f"eta = {eta:g} is no step forwards")
        require(
            phi(eta) <= phi(0.0) + c1 * eta * slope(0.0),
            f"eta = {eta:g} is too long: the loss falls less than Armijo asks",
        )
        require(
            slope(eta) >= c2 * slope(0.0),
            f"eta = {eta:g} is too short: the slope {slope(eta):.3g} is still below c2 times {slope(0.0):.3g}",
        )
