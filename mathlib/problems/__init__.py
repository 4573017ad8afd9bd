"""Problems to learn from, and to test a method on: data, losses of any size, and a standard set of hard ones."""

from mathlib.problems.data import digits, mnist
from mathlib.problems.learning import NoisyProblem
from mathlib.problems.losses import digits_network, logistic_regression, quadratic, rosenbrock
from mathlib.problems.more_garbow_hillstrom import PROBLEMS, Problem
from mathlib.problems.noisy import NOISY
from mathlib.problems.signals import mnist_1d

__all__ = [
    "NOISY",
    "PROBLEMS",
    "NoisyProblem",
    "Problem",
    "digits",
    "digits_network",
    "logistic_regression",
    "mnist",
    "mnist_1d",
    "quadratic",
    "rosenbrock",
]
