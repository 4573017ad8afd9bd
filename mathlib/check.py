"""Every derivative against an independent one."""

import numpy as np

from mathlib.backprop import grad
from mathlib.differences import jvp
from mathlib.door import entropy, finite, floats, one_of, program, real_run, whole
from mathlib.hessian import hvp


def check_grad(loss, theta, order=1, directions=3, seed=0):
    """Check a loss's gradient (order 2: Hessian-vector product) against an independent route, along random directions.

    Along a direction v, ``grad(theta) . v`` by backpropagation is compared with dl(theta)[v] by dual numbers and by
    central differences; for order 2, ``u . H v`` with nested dual numbers, and with differences of the first ones.
    v moves each component in proportion to its own size, and only such components at once as change the loss alike,
    so that small ones are not hidden by large ones. The differences estimate their own error, and judge by it: what
    changes the loss by little more than its rounding, they do not see.

    Parameters
    ----------
    loss : a program of NumPy functions with a scalar value
    theta : float or array of floats
    order : 1 or 2
    directions, seed : int
        How many random directions, and from which seed.

    Raises
    ------
    AssertionError
        they differ by more than the routes' own errors; the message names the worst coordinate
    ValueError
        another order, fewer than one direction, or a loss that is not a scalar

    References
    ----------
    Richardson, L. F. (1911), on what two steps tell of the error.

    Examples
    --------
    >>> check_grad(lambda x: np.sum(np.sin(x) ** 2), np.array([0.3, 1.0, -2.0]), order=2)
    >>> check_grad(lambda x: (x[0] / 1e6 - 2) ** 2 + np.exp(x[1]), np.array([1e6, 0.5]))
    """
    program(loss)
    one_of((1, 2), order=order)
    whole(1, directions=directions)
    theta = np.array(floats(theta, "theta"))[()]
    finite(theta=theta)
    if np.shape(value := real_run(loss, theta)) != ():
        raise ValueError(f"the loss has shape {np.shape(value)}: a scalar is needed. Instead: np.sum or np.mean of it.")
    rng = np.random.default_rng(entropy(seed))
    sizes, told = np.abs(theta), np.zeros(theta.shape, bool)
    for size in (np.where(sizes > 0, sizes, 1), np.maximum(sizes, 1)):
        left = ~told  # where steps of theta's own size told nothing
        for _ in range(directions):
            u, v = rng.standard_normal((2, *theta.shape)).astype(theta.dtype) * size
            if order == 1:
                f, backward, what = loss, grad, "the gradient"
            else:
                f, backward, what = (
                    (lambda x, u=u: jvp(loss, x, u)[1]),
                    (lambda loss, u=u: lambda x: hvp(loss, x, u)),
                    "the Hessian-vector product",
                )
            covector = backward(loss)(theta)

            def covectors(x, s, backward=backward):
                return backward(lambda x: s * loss(x))(x) / s

            for part in alike(covector * size):
                if np.any(part & left) and compare(f, theta, covector, v * (part & left), what, covectors):
                    told = told | part


def alike(terms):
    """Masks of the terms that are of one size, within a factor of 1000 or so; one of those that are zero."""
    decades = np.where(terms == 0, np.iinfo(np.int32).min, np.frexp(terms)[1] // 10)
    return [decades == d for d in np.unique(decades)]


def compare(f, theta, covector, v, what, covectors):
    """Raise the AssertionError, with the worst coordinate, if the routes differ along v; say whether they tell."""

    def error(v):
        return disagreement(f, theta, covector, v, covectors)[0]

    wrong, sharp, *_ = disagreement(f, theta, covector, v, covectors)
    if wrong <= 1:
        return sharp
    i = worst_coordinate(error, v)
    alone, _, *slopes = disagreement(f, theta, covector, only(v, i), covectors)
    if alone <= 1:  # the coordinates differ in how short their steps must be, and no one of them is wrong
        return False
    back, dual, difference = (s / (v[i] if i else v) for s in slopes)
    raise AssertionError(
        f"{what} along theta{list(i) if i else ''} is {back} by backpropagation, {dual} by dual numbers and"
        f" {difference} by central differences: a rule is wrong, or the loss has a kink there."
    )


def disagreement(f, theta, covector, v, covectors):
    """How far three routes to the derivative along v differ, in units of what their own errors allow.

    Also whether the differences are sharp enough to tell, and the three derivatives. `covectors(x, s)` is the covector
    at x, by way of s times the loss.
    """
    back, size, dual = np.vdot(covector, v), np.vdot(np.abs(covector), np.abs(v)), jvp(f, theta, v)[1]
    share = np.finfo(theta.dtype).eps ** 0.375
    rounding = np.finfo(theta.dtype).eps * np.vdot(np.abs(covector), np.abs(theta) * (v != 0))
    slope, error = difference(f, theta, v, dual, share, rounding)
    exact, approximate = share * max(abs(back), abs(dual), size) + TINY, share * max(abs(dual), abs(slope)) + TINY
    if abs(back - dual) > exact or abs(dual - slope) > approximate + 4 * error:
        # A sum of terms that cancel has the roundings of the terms, each route its own. Neighbours of theta tell them,
        # and multiples of v and of the loss: a derivative is linear in both, and what is not is rounding.
        near = [(theta * (1 + k * np.finfo(theta.dtype).eps), 1 + abs(k) / 10) for k in (-3, -2, -1, 1, 2, 3)]
        forward = [abs(jvp(f, x, s * v)[1] / s - dual) for x, s in near]
        rounding = 16 * max(*forward, *(abs(np.vdot(covectors(x, s), v) - back) for x, s in near))
        exact, error = exact + rounding, error + rounding / 4
    wrong = max(abs(back - dual) / exact, abs(dual - slope) / (approximate + 4 * error))
    return wrong, error < 0.001 * abs(slope), back, dual, slope


TINY = np.finfo(float).tiny


def difference(f, theta, v, expected, share, rounding):
    """The central difference of f along v, and its error: by a step where it is as expected, else where it is steady.

    `rounding` is what f changes by the roundings of theta. Of a step that is too long, or too short, the neighbours
    say something else; and all shorter steps together, as far as rounding lets them.
    """
    eps = np.finfo(theta.dtype).eps
    third = round(-np.log2(eps) / 3)
    slopes, errors = [], []
    for k in (third, *range(2, 3 * third, 4)):
        h = 2.0**-k
        after, before = real_value(f, theta + h * v), real_value(f, theta - h * v)
        if after is None or before is None or not max(abs(after), abs(before)) < h * np.finfo(theta.dtype).max:
            continue
        slopes.append((after - before) / (2 * h))
        errors.append((eps * max(abs(after), abs(before)) + rounding) / h)
        told = errors[-1] <= share * abs(expected)
        if told and abs(slopes[-1] - expected) <= share * abs(expected) + 4 * errors[-1]:
            return slopes[-1], errors[-1]
    slopes, errors = np.array(slopes), np.array(errors)
    steady = []
    for k in range(1, len(slopes) - 2):
        spread, rounding = np.ptp(slopes[k : k + 3]), np.max(errors[k : k + 3])
        contradiction = np.max(np.abs(slopes[k + 1 :] - slopes[k + 1]) - 64 * errors[k + 1 :], initial=0.0)
        steady.append((spread + rounding + contradiction, slopes[k + 1]))
    error, slope = min(steady, default=(np.inf, 0.0))
    return slope, error


def real_value(f, x):
    """f(x) on plain floats, or None where it is not finite."""
    try:
        with np.errstate(all="ignore"):
            return real_run(f, x)
    except FloatingPointError:
        return None


def only(v, i):
    """The direction v in its component i alone."""
    e = np.zeros_like(v)
    e[i] = v[i]
    return e[()]


def worst_coordinate(error, v):
    """The coordinate along which `error` is large, by halving the coordinates that v has."""
    places = np.flatnonzero(v)
    while len(places) > 1:
        halves = np.array_split(places, 2)
        along = [v * np.isin(np.arange(np.size(v)), half).reshape(np.shape(v)) for half in halves]
        places = halves[int(error(along[1]) > error(along[0]))]
    return tuple(int(i) for i in np.unravel_index(places[0], np.shape(v)))
