"""Checks of chapter 3-3, on quasi-Newton methods in SGD."""

import numpy as np

from mathlib import grad, hvp
from mathlib.exercises import Exercises, compare, require

check = Exercises()


@check.code("ex-target-noise")
def target_noise(error_two, error_one):
    compare(
        error_one,
        0,
        [(number, "from one batch, y_i = Hs for every i: c_i has dropped out") for number in (1, 2)],
        what="the error from one batch",
        otherwise="the error from one batch depends on the spread of the y_i: what is y_i?",
    )
    compare(
        error_two,
        2,
        [
            (1, "from two batches, both gradients are noisy: the error is S(g) + S(g')"),
            (0, "from two batches, y = Hs + H(c_i - c_j), and the last term is not zero"),
            (np.sqrt(2), "the error from two batches is asked as a mean square, without the root"),
            (4, "from two batches, the variances add up, and not the differences"),
        ],
        rtol=1e-6,
        what="the error from two batches",
    )


check.formula(
    "ex-echo-scale",
    "eta*gamma/2",
    {
        "eta*gamma": "y . y is 2 g . g, for both gradients count",
        "gamma/2": "s . y holds the step, and so eta",
        "-eta*gamma/2": "the sign: s and y = g' - g both hold minus g",
        "eta/2": "this is the factor; the next gamma is asked",
        "2*eta*gamma": "it is s . y over y . y: the 2 is in the denominator",
        "2/(eta*gamma)": "it is upside down: gamma is an inverse curvature, s . y over y . y",
        "1/(eta*gamma)": "this is s . y over s . s, the curvature that is reported; gamma is s . y over y . y",
    },
)


def bent(k):
    """A loss of three numbers that is neither quadratic nor that of another k."""
    A = np.array([[2.0, 0.3, 0.0], [0.3, 1.0, -0.4], [0.0, -0.4, 3.0]]) + 0.5 * k * np.diag([1.0, -1.0, 2.0])
    return lambda theta: theta @ A @ theta / 2 + k * np.sum(theta**3) / 6 + np.sin(theta[0] * theta[2] + k)


@check.code("ex-telescope")
def telescope(summed, times_smaller):
    losses = [bent(k) for k in (1, 3, 2, 5)]
    thetas = [np.array(p) for p in ([1.0, 0.5, -0.3], [0.8, 0.9, 0.1], [0.2, 1.4, 0.2], [0.1, 1.1, 0.7])]
    found = summed(list(losses), [theta.copy() for theta in thetas])
    require(np.iterable(found) and len(found) == 2, "`summed` has to return two sums, of s and of y")
    s, y = found
    whole = thetas[-1] - thetas[0]
    compare(
        s,
        whole,
        [
            (-whole, "the sum of the s_t has the wrong sign"),
            (whole / 3, "the sum of the s_t is divided by their number"),
            (thetas[-1] - thetas[-2], "this is the last s_t, not the sum"),
            (sum(thetas), "these are the sums of the points; s_t is the difference of two"),
        ],
        what="the sum of the s_t",
    )
    now = [grad(loss)(theta) for loss, theta in zip(losses, thetas, strict=True)]
    own = [grad(loss)(theta) for loss, theta in zip(losses[:-1], thetas[1:], strict=True)]
    following = [grad(loss)(theta) for loss, theta in zip(losses[1:], thetas[:-1], strict=True)]
    whole = now[-1] - now[0]
    one_batch = "each y_t is from one batch; asked are those from two, each loss at its own point"
    compare(
        y,
        whole,
        [
            (-whole, "the sum of the y_t has the wrong sign"),
            (whole / 3, "the sum of the y_t is divided by their number"),
            (now[-1] - now[-2], "this is the last y_t, not the sum"),
            (sum(own) - sum(now[:-1]), one_batch),
            (sum(now[1:]) - sum(following), one_batch),
            (sum(now), "these are the sums of the gradients; y_t is the difference of two"),
        ],
        rtol=1e-7,
        what="the sum of the y_t",
    )
    compare(
        times_smaller,
        8,
        [
            (np.sqrt(8), "root 8 would be right if all noises were independent: which gradients are left in the sum?"),
            (1, "the noise stays as it is, but the sum grows with k, and it is the relative error that counts"),
            (1 / 8, "it is upside down: how many times smaller is the error for k = 8?"),
            (64, "the sum is 8 times as large, and its noise as large as that of one: where is a square from?"),
        ],
        rtol=0.25,
        what="your number",
    )


@check.code("ex-another-batch")
def another_batch(next_product):
    l_t, l_next = bent(1), bent(4)
    theta, s = np.array([0.8, -0.5, 0.3]), np.array([0.2, 0.5, -0.1])
    own = "the Hessian is that of the own batch, `l_t`; that of the next one is asked"
    change = "this is a change of the gradient over s; the exact product with the Hessian is asked"
    compare(
        next_product(l_t, l_next, theta.copy(), s.copy()),
        hvp(l_next, theta, s),
        [
            (hvp(l_t, theta, s), own),
            (hvp(l_t, theta + s, s), own),
            (hvp(l_next, theta + s, s), "the Hessian is taken after the step; at `theta` it is asked"),
            (hvp(l_next, s, theta), "theta and s are swapped: `hvp` takes the point first, and then the direction"),
            (grad(l_next)(theta + s) - grad(l_next)(theta), change),
            (grad(l_next)(theta + s) - grad(l_t)(theta), "this is the pair from two batches, with all of its noise"),
            (
                hvp(l_next, theta, s) - hvp(l_t, theta, s),
                "the own batch's product is subtracted: the next one's is enough",
            ),
        ],
        rtol=1e-5,
        what="the product",
    )


@check.code("ex-sick")
def sick(report, fall_two, fall_one):
    rng = np.random.default_rng(0)
    s, y = rng.standard_normal((2, 15, 4)) * np.geomspace(0.1, 10, 15)[:, None]
    sy, ss, yy = (np.sum(a * b, axis=1) for a, b in ((s, y), (s, s), (y, y)))
    compare(
        report(list(zip(s.copy(), y.copy(), strict=True))),
        np.median(sy / ss),
        [
            (np.mean(sy / ss), "this is the mean; asked is the median, which a few wild pairs do not move"),
            (np.median((sy / ss)[sy > 0]), "the pairs with s . y <= 0 are left out; the log holds all"),
            (np.median(abs(sy / ss)), "the sign of s . y is lost"),
            (np.median(sy / yy), "this is s . y over y . y, an inverse curvature; divide by s . s"),
            (np.median(ss / sy), "it is upside down: s . y over s . s"),
            (np.median(sy), "s . y is not yet divided by s . s"),
            (np.median(sy / np.sqrt(ss)), "divide by s . s, not by the length of s"),
        ],
        what="the report",
    )
    for fall, right, mistakes in (
        (fall_two, 7, [(1, "with two batches the report follows 1/eta")]),
        (
            fall_one,
            1,
            [(8, "with one batch the report knows nothing of eta"), (7, "with one batch it knows nothing of eta")],
        ),
    ):
        upside_down = (1 / 7, "it is upside down: the report at 1/64 over that at 1/8")
        what = f"the fall from {'two batches' if right == 7 else 'one batch'}"
        compare(fall, right, [*mistakes, upside_down], rtol=0.25, what=what)
