"""Every derivative against an independent one."""

import numpy as np

from mathlib.backprop import grad
from mathlib.differences import central_difference, jvp
from mathlib.door import finite, floats, program, real_run
from mathlib.hessian import hvp


def check_grad(loss, theta, order=1, directions=3, seed=0):
    """Check a loss's gradient (order 2: Hessian-vector product) against an independent route, along random directions.

    Along each direction v, ``grad(theta) . v`` by backpropagation is compared with dl(theta)[v] by dual numbers and
    by central differences; for order 2, ``u . H v`` with nested dual numbers, and with differences of the first ones.

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
        another order, or a loss that is not a scalar

    Examples
    --------
    >>> check_grad(lambda x: np.sum(np.sin(x) ** 2), np.array([0.3, 1.0, -2.0]), order=2)
    """
    if order not in (1, 2):
        raise ValueError(f"order is {order}: 1 (the gradient) or 2 (the Hessian-vector product) is needed.")
    program(loss)
    theta = np.array(floats(theta, "theta"))[()]
    finite(theta=theta)
    if np.shape(value := real_run(loss, theta)) != ():
        raise ValueError(f"the loss has shape {np.shape(value)}: a scalar is needed. Instead: np.sum or np.mean of it.")
    rng = np.random.default_rng(seed)
    for _ in range(directions):
        u, v = rng.standard_normal((2, *theta.shape)).astype(theta.dtype)
        if order == 1:
            f, covector, what = loss, grad(loss)(theta), "the gradient"
        else:
            f, covector, what = (lambda x, u=u: jvp(loss, x, u)[1]), hvp(loss, theta, u), "the Hessian-vector product"

        def routes(v, f=f, covector=covector):
            return np.vdot(covector, v), jvp(f, theta, v)[1], central_difference(f, theta, v)

        if worst(*routes(v), value) > 1:
            i = worst_coordinate(lambda v: worst(*routes(v), value), theta)
            back, dual, difference = routes(unit(theta, i))
            raise AssertionError(
                f"{what} along theta{list(i) if i else ''} is {back} by backpropagation, {dual} by dual numbers and"
                f" {difference} by central differences: a rule is wrong, or the loss has a kink there."
            )


def worst(back, dual, difference, value):
    """The disagreement of the three routes, in units of what their own errors allow."""
    eps = np.finfo(np.asarray(dual).dtype).eps
    scale = max(abs(back), abs(dual), abs(difference), abs(value), np.finfo(float).tiny)
    return max(abs(back - dual) / (eps**0.75 * scale), abs(dual - difference) / (eps**0.375 * scale))


def unit(x, i):
    """The unit vector along coordinate i, of x's shape."""
    e = np.zeros_like(x)
    e[i] = 1
    return e[()]


def worst_coordinate(error, x):
    """The coordinate along which `error(v)` is large, by halving the coordinates that v has."""
    places = np.arange(np.size(x))
    while len(places) > 1:
        halves = np.array_split(places, 2)
        along = [np.isin(np.arange(np.size(x)), half).reshape(np.shape(x)).astype(x.dtype) for half in halves]
        places = halves[int(error(along[1]) > error(along[0]))]
    return tuple(int(i) for i in np.unravel_index(places[0], np.shape(x)))
