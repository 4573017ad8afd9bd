"""Checks of chapter 3-1, on Newton's method."""

import itertools

import numpy as np

from mathlib.exercises import Exercises, compare, require
from mathlib.optimize import newton

check = Exercises()

check.formula(
    "ex-newton-reciprocal",
    "x*(2 - a*x)",
    {
        "a*x**2": "the step is minus the slope over the curvature, and this is plus",
        "x - a*x**2": "this is the step; the next point is x plus it",
        "x*(a*x - 2)": "this is minus the next point",
        "x - (a - 1/x)": "this is gradient descent; the slope still has to be divided by the curvature, 1/x**2",
        "x - (a*x - log(x))/(a - 1/x)": "this looks for a zero of the loss; its slope is to become zero",
        "1/a": "this is where the method arrives in the end; one step from x is asked",
    },
)

check.formula(
    "ex-multiplicity",
    "1 - eta/(p - 1)",
    {
        "eta/(p - 1)": "this is the share of the error that a step takes away; asked is what it leaves",
        "1 - eta/p": "this is for the equation x**p = 0; the method divides the slope by the curvature",
        "1 - eta*(p - 1)": "the slope over the curvature is x/(p - 1), which becomes smaller as p grows",
        "1 - 1/(p - 1)": "this is for eta = 1",
        "1 - eta": "this is for p = 2, where the quadratic model is the loss",
    },
    p=range(4, 12, 2),
)


def thetas(path, n):
    """The points of the first n steps of a path, or of fewer."""
    require(np.iterable(path), "`braked` returns no steps one after another: it needs a `yield`")
    points = []
    for step in itertools.islice(path, n):
        kind = type(step).__name__
        require(
            hasattr(step, "theta"), f"`braked` has to yield steps, such as `Objective(loss).at` makes, not a {kind}"
        )
        points.append(step.theta)
    return points


def bowl(theta):
    return 2 * (theta[0] - 1) ** 2 + theta[0] * theta[1] + theta[1] ** 2


def root(x):
    return np.sqrt(1 + x**2)


@check.code("ex-brake")
def brake(braked, last_order):
    start, minimum = np.array([3.0, -5.0]), np.array([8.0, -4.0]) / 7
    path = thetas(braked(bowl, start), 2)
    require(len(path) == 2, "`braked` ends after its first step: it should go on")
    first, second = path
    compare(
        first,
        start,
        [(minimum, "the first step that `braked` yields is the one at theta0")],
        what="the theta of the first step",
    )
    compare(
        second,
        minimum,
        [(start, "`braked` stays where it is: the next step has to be made from the last one")],
        rtol=1e-6,
        what="theta after one step on a quadratic",
        otherwise="on a quadratic loss one step does not arrive at the minimum: is the direction Newton's,"
        " and is eta = 1 tried first?",
    )
    far = thetas(braked(root, 100.0), 2)[-1]
    require(abs(far) < 100, "on sqrt(1 + x²), the first step from 100 leads higher up: nothing has shortened eta")
    end = thetas(braked(root, 100.0), 100)[-1]
    compare(end, 0.0, atol=1e-6, what="on sqrt(1 + x²), from 100, the last of a hundred steps")
    compare(
        last_order,
        3,
        [
            (2, "2 is the order where the third derivative is not zero; here it is, by symmetry"),
            (1, "the steps at the end are not damped: eta = 1 is tried first"),
        ],
        rtol=0.1,
        what="the order",
    )


@check.code("ex-three-saddles")
def three_saddles(real_part, kind):
    starts = np.array([0.8 + 0.9j, -1 + 0.4j, -0.3 - 1.2j])
    points = np.stack([starts.real, starts.imag], axis=1)
    z = starts
    w = z**4 / 4 - z
    compare(
        [real_part(point) for point in points],
        w.real,
        [
            (w.imag, "`real_part` is the imaginary part"),
            (z.real**4 - z.real, "`real_part` is a quarter of z**4, minus z"),
            ((z**4 - z).real, "in `real_part`, z**4 is divided by 4"),
            ((z**4 / 4 + z).real, "in `real_part`, z is subtracted"),
            ((z**4).real / 4, "`real_part` forgets the z that is subtracted"),
            (z.real**4 / 4 - z.real, "`real_part` forgets y: the fourth power of x + iy has y in its real part too"),
            ((z.real**4 + z.imag**4) / 4 - z.real, "`real_part` forgets the mixed terms of the fourth power"),
            (
                (z.real**4 + 6 * z.real**2 * z.imag**2 + z.imag**4) / 4 - z.real,
                "in `real_part`, the term with x² y² has the wrong sign: i squared is -1",
            ),
        ],
        what="`real_part` at three points",
    )
    for z, point in zip(starts, points, strict=True):
        for step in itertools.islice(newton(real_part, point), 12):
            compare(step.theta, [z.real, z.imag], rtol=1e-6, what="a point of Newton's method on `real_part`")
            z = z - (z**3 - 1) / (3 * z**2)
    said = str(kind).strip().lower()
    require(
        said.startswith(("saddle", "minim", "maxim")), 'the kind has to be one of "minimum", "saddle" and "maximum"'
    )
    require(
        said.startswith("saddle"),
        f"a {said} has eigenvalues of one sign, and the trace of this Hessian is zero",
    )


@check.code("ex-trust")
def trust(trust_step):
    saddle = np.array([[2.0, 0.5, 0.0], [0.5, -1.0, 0.3], [0.0, 0.3, 0.5]])
    for H, g, radius in (
        (np.diag([-1.0, 2.0]), np.array([0.3, 0.8]), 0.6),
        (saddle, np.array([0.4, -0.2, 1.0]), 0.3),
        (saddle, np.array([0.4, -0.2, 1.0]), 4.0),
    ):
        found = trust_step(g.copy(), H.copy(), radius)
        pair = isinstance(found, (tuple, list)) and len(found) == 2
        require(
            pair and np.ndim(found[0]) == 0, "`trust_step` has to return two things: the number lambda and the step"
        )
        lam, d = found
        edge, length = -np.linalg.eigvalsh(H)[0], np.linalg.norm(d)
        right = -np.linalg.solve(H + lam * np.eye(len(g)), g)
        newtons = -np.linalg.solve(H, g)
        compare(
            d,
            right,
            [
                (-right, "the step d has the wrong sign: it goes uphill"),
                (newtons, "the step d is Newton's, without lambda"),
                (newtons * radius / np.linalg.norm(newtons), "the step d is Newton's, cut to the length of the radius"),
                (-g * radius / np.linalg.norm(g), "the step d is along the gradient: it has to be solved for"),
            ],
            rtol=1e-6,
            what="the step d",
            otherwise="the step d is not -(H + lambda I)^-1 g for the lambda that you return",
        )
        why = "it is to be as long as the radius"
        if np.isclose(length**2, radius):
            why = "its length is to be the radius, and not its square"
        require(abs(length / radius - 1) < 1e-5, f"the step is {length:.3g} long for a radius of {radius}: {why}")
        require(
            lam > edge,
            "the step is as long as the radius, but H + lambda I is not positive definite: look for lambda above"
            " the size of the most negative eigenvalue",
        )


@check.code("ex-edge")
def edge(edge_step):
    for d, p, radius in (
        (np.array([0.3, -0.4]), np.array([1.0, 2.0]), 2.0),
        (np.array([0.0, 0.0]), np.array([0.0, -0.5]), 1.5),
        (np.array([0.6, 0.2]), np.array([-1.0, -3.0]), 1.0),
    ):
        tau = edge_step(d.copy(), p.copy(), radius)
        a, b, c = p @ p, d @ p, d @ d - radius**2
        root = np.sqrt(b * b - a * c)
        right = (root - b) / a
        mistakes = [
            (-(b + root) / a, "this is the negative root: it leads back to the edge behind d"),
            (radius / np.sqrt(a), "this is the way from the centre: d is not there"),
            ((radius - np.sqrt(d @ d)) / np.sqrt(a), "the lengths of d and tau p add up only if they are parallel"),
            ((np.sqrt(b * b - a * (c + radius**2 - radius)) - b) / a, "the radius has to be squared"),
        ]
        compare(tau, right, mistakes, what="tau")
