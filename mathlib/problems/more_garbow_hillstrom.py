"""The 35 test problems of Moré, Garbow and Hillstrom (1981): sums of squares, each hard for a reason of its own.

`PROBLEMS` maps a name to a `Problem`, in the order of the paper, which gives the residuals, the standard start and the
minima. Where n is free it is about 10, or that of a printed minimum; Watson's and Chebyshev's problems are several.

>>> problem = PROBLEMS["Rosenbrock"]
>>> float(problem.loss(problem.start).round(12)), problem.minima
(24.2, (0.0,))
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A sum of squared residuals, its standard start, and its known minima (to the digits that were printed)."""

    name: str
    residuals: object
    start: np.ndarray
    minima: tuple

    def loss(self, theta):
        """``r . r``."""
        r = self.residuals(theta)
        return np.vdot(r, r)


PROBLEMS = {}


def problem(name, start, *minima):
    """Write a function of residuals into the table."""

    def add(residuals):
        PROBLEMS[name] = Problem(name, residuals, np.array(start, float), minima)
        return residuals

    return add


@problem("Rosenbrock", [-1.2, 1], 0.0)
def rosenbrock(x):
    return np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


@problem("Freudenstein and Roth", [0.5, -2], 0.0, 48.9842)
def freudenstein_roth(x):
    a, b = x[0], x[1]
    return np.stack([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


@problem("Powell badly scaled", [0, 1], 0.0)
def powell_badly_scaled(x):
    return np.stack([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


@problem("Brown badly scaled", [1, 1], 0.0)
def brown_badly_scaled(x):
    return np.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


@problem("Beale", [1, 1], 0.0)
def beale(x):
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))


@problem("Jennrich and Sampson", [0.3, 0.4], 124.362)
def jennrich_sampson(x):
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


@problem("helical valley", [-1, 0, 0], 0.0)
def helical_valley(x):
    turn = np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(x[0] < 0, 0.5, 0.0)
    return np.stack([10 * (x[2] - 10 * turn), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]


@problem("Bard", [1, 1, 1], 8.21487e-3, 17.4286)
def bard(x):
    u = np.arange(1, 16)
    v, w = 16 - u, np.minimum(u, 16 - u)
    return BARD - (x[0] + u / (v * x[1] + w * x[2]))


GAUSSIAN = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989]


@problem("Gaussian", [0.4, 1, 0], 1.12793e-8)
def gaussian(x):
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - np.array(GAUSSIAN + GAUSSIAN[-2::-1])


MEYER = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]


@problem("Meyer", [0.02, 4000, 250], 87.9458)
def meyer(x):
    return x[0] * np.exp(x[1] / (45 + 5 * np.arange(1, 17) + x[2])) - np.array(MEYER, float)


@problem("Gulf research", [5, 2.5, 0.15], 0.0)
def gulf(x):
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-(np.abs(y - x[1]) ** x[2]) / x[0]) - t


@problem("box three-dimensional", [0, 10, 20], 0.0)
def box(x):
    t = np.arange(1, 11) / 10
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


@problem("Powell singular", [3, -1, 0, 1], 0.0)
def powell_singular(x):
    first = [x[0] + 10 * x[1], np.sqrt(5) * (x[2] - x[3])]
    return np.stack([*first, (x[1] - 2 * x[2]) ** 2, np.sqrt(10) * (x[0] - x[3]) ** 2])


@problem("Wood", [-3, -1, -3, -1], 0.0)
def wood(x):
    valleys = [10 * (x[1] - x[0] ** 2), 1 - x[0], np.sqrt(90) * (x[3] - x[2] ** 2), 1 - x[2]]
    return np.stack([*valleys, np.sqrt(10) * (x[1] + x[3] - 2), (x[1] - x[3]) / np.sqrt(10)])


KOWALIK = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
OSBORNE = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


@problem("Kowalik and Osborne", [0.25, 0.39, 0.415, 0.39], 3.07505e-4, 1.02734e-3)
def kowalik_osborne(x):
    u = OSBORNE
    return KOWALIK - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


@problem("Brown and Dennis", [25, 5, -5, -1], 85822.2)
def brown_dennis(x):
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


OSBORNE_1 = """
844 908 932 936 925 908 881 850 818 784 751 718 685 658 628 603 580 558 538 522 506 490 478 467 457 448 438
431 424 420 414 411 406
"""


@problem("Osborne 1", [0.5, 1.5, -1, 0.01, 0.02], 5.46489e-5)
def osborne_1(x):
    t, y = 10.0 * np.arange(33), np.array(OSBORNE_1.split(), float) / 1000
    return y - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


@problem("Biggs EXP6", [1, 2, 1, 1, 1, 1], 0.0, 5.65565e-3, 0.306366)
def biggs(x):
    t = np.arange(1, 14) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


OSBORNE_2 = """
1366 1191 1112 1013 991 885 831 847 786 725 746 679 608 655 616 606 602 626 651 724 649 649 694 644 624 661
612 558 533 495 500 423 395 375 372 391 396 405 428 429 523 562 607 653 672 708 633 668 645 632 591 559 597
625 739 710 729 720 636 581 428 292 162 98 54
"""


@problem("Osborne 2", [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], 4.01377e-2)
def osborne_2(x):
    t, y = np.arange(65) / 10, np.array(OSBORNE_2.split(), float) / 1000
    bumps = x[1:4, None] * np.exp(-((t - x[8:, None]) ** 2) * x[5:8, None])
    return y - x[0] * np.exp(-t * x[4]) - np.sum(bumps, 0)


def watson(x):
    n, t = len(x), np.arange(1, 30)[:, None] / 29
    j = np.arange(n)
    slope = t ** np.maximum(j - 1, 0) * j
    return np.concatenate([slope @ x - (t**j @ x) ** 2 - 1, np.stack([x[0], x[1] - x[0] ** 2 - 1])])


problem("Watson 6", np.zeros(6), 2.28767e-3)(watson)
problem("Watson 9", np.zeros(9), 1.39976e-6)(watson)


@problem("extended Rosenbrock", np.tile([-1.2, 1], 5), 0.0)
def extended_rosenbrock(x):
    return np.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


@problem("extended Powell singular", np.tile([3, -1, 0, 1], 3), 0.0)
def extended_powell(x):
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    return np.concatenate([a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2])


@problem("penalty I", np.arange(1, 11), 7.08765e-5)
def penalty_1(x):
    return np.append(np.sqrt(1e-5) * (x - 1), np.sum(x**2) - 0.25)


@problem("penalty II", np.full(4, 0.5), 9.37629e-6)
def penalty_2(x):
    n = len(x)
    i, e = np.arange(2, n + 1), np.exp(x / 10)
    chain = e[1:] + e[:-1] - (np.exp(i / 10) + np.exp((i - 1) / 10))
    rest = [x[:1] - 0.2, np.sqrt(1e-5) * chain, np.sqrt(1e-5) * (e[1:] - np.exp(-0.1))]
    return np.append(np.concatenate(rest), np.sum(np.arange(n, 0, -1) * x**2) - 1)


@problem("variably dimensioned", 1 - np.arange(1, 11) / 10, 0.0)
def variably_dimensioned(x):
    total = np.sum(np.arange(1, len(x) + 1) * (x - 1))
    return np.append(x - 1, np.stack([total, total**2]))


@problem("trigonometric", np.full(10, 0.1), 0.0, 2.79506e-5)
def trigonometric(x):
    n = len(x)
    return n - np.sum(np.cos(x)) + np.arange(1, n + 1) * (1 - np.cos(x)) - np.sin(x)


@problem("Brown almost linear", np.full(10, 0.5), 0.0, 1.0)
def brown_almost_linear(x):
    return np.append(x[:-1] + np.sum(x) - (len(x) + 1), np.prod(x) - 1)


def around(x):
    """The neighbours of each component, zero beyond the ends: those before, those after."""
    return np.append(0.0, x[:-1]), np.append(x[1:], 0.0)


GRID = np.arange(1, 11) / 11


@problem("discrete boundary value", GRID * (GRID - 1), 0.0)
def discrete_boundary_value(x):
    h = 1 / (len(x) + 1)
    t, (before, after) = h * np.arange(1, len(x) + 1), around(x)
    return 2 * x - before - after + h**2 * (x + t + 1) ** 3 / 2


@problem("discrete integral equation", GRID * (GRID - 1), 0.0)
def discrete_integral_equation(x):
    h = 1 / (len(x) + 1)
    t = h * np.arange(1, len(x) + 1)
    kernel = np.minimum((1 - t[:, None]) * t, t[:, None] * (1 - t))
    return x + h / 2 * (kernel @ (x + t + 1) ** 3)


@problem("Broyden tridiagonal", -np.ones(10), 0.0)
def broyden_tridiagonal(x):
    before, after = around(x)
    return (3 - 2 * x) * x - before - 2 * after + 1


@problem("Broyden banded", -np.ones(10), 0.0)
def broyden_banded(x):
    i = np.arange(len(x))
    band = (i[:, None] - i <= 5) & (i - i[:, None] <= 1) & (i != i[:, None])
    return x * (2 + 5 * x**2) + 1 - band.astype(float) @ (x * (1 + x))


@problem("linear, full rank", np.ones(10), 10.0)
def linear_full_rank(x):
    mean = np.sum(x) / 10  # times 2, over m = 20
    return np.append(x - mean - 1, -(mean + 1) * np.ones(10))


@problem("linear, rank one", np.ones(10), 20 * 19 / (2 * 41))
def linear_rank_one(x):
    return np.arange(1, 21) * np.sum(np.arange(1, 11) * x) - 1


@problem("linear, rank one, with zeros", np.ones(10), (20**2 + 3 * 20 - 6) / (2 * 37))
def linear_rank_one_with_zeros(x):
    weights = np.append(np.arange(19), 0)
    return weights * np.sum(np.arange(2, 10) * x[1:-1]) - 1


def chebyquad(x):
    n, y = len(x), 2 * x - 1
    before, t, means = np.ones(n), y, []
    for i in range(1, n + 1):
        means.append(np.sum(t) / n + (1 / (i**2 - 1) if i % 2 == 0 else 0))
        before, t = t, 2 * y * t - before
    return np.stack(means)


problem("Chebyquad 8", np.arange(1, 9) / 9, 3.51687e-3)(chebyquad)
problem("Chebyquad 9", np.arange(1, 10) / 10, 0.0)(chebyquad)
problem("Chebyquad 10", np.arange(1, 11) / 11, 6.50395e-3, 4.772714e-3)(chebyquad)
