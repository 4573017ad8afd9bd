"""Laws of gradients and Hessian-vector products on random programs, of random shapes, layouts and precisions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mathlib import grad, grad_and_hvp, hessian, hvp, jvp, vjp

# Smooth, and bounded where the argument is: a program of a dozen of them stays well conditioned.
UNARY = [np.sin, np.cos, np.tanh, np.arctan, np.negative, np.square, np.abs, np.arcsinh]
UNARY += [
    lambda x: np.sqrt(1 + x * x),
    lambda x: np.log1p(x**2),
    lambda x: np.exp(np.tanh(x)),
    lambda x: 1 / (2 + np.sin(x)),
]
UNARY += [
    lambda x: np.ravel(x),
    lambda x: x.T,
    lambda x: x[None],
    np.flip,
    lambda x: np.concatenate([np.ravel(x), np.ravel(2 * x)]),
]
UNARY += [lambda x: np.where(np.sin(7 * x) > 0, x, 0.5), lambda x: np.clip(x, -0.6, 0.6), lambda x: np.roll(x, 1)]
UNARY += [
    lambda x: np.sort(x, axis=None),
    lambda x: np.diff(np.ravel(x)),
    lambda x: np.pad(x, 1),
    lambda x: np.outer(x, x),
]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.logaddexp]
BINARY += [
    lambda a, b: a / (2 + np.cos(b)),
    lambda a, b: np.arctan2(a, 2 + b * b),
    lambda a, b: (1 + a * a) ** np.tanh(b),
]
BINARY += [lambda a, b: np.hypot(1 + a * a, b), lambda a, b: np.where(np.sin(5 * b) > 0, a, b)]
REDUCTIONS = [np.sum, np.mean, lambda x, **o: np.var(x, **o), lambda x, **o: np.sum(x * np.tanh(x), **o)]
OF_SOME = [np.max, np.min, lambda x, **o: np.linalg.norm(x + 0.1, **o), lambda x, **o: np.prod(np.tanh(x), **o)]


@st.composite
def programs(draw, shape, size):
    """A random loss of an array of this shape: each step takes earlier results; the last adds all that were made."""
    pool, steps = [np.zeros(shape)[()]], []

    def note(operation, *places):
        with np.errstate(all="ignore"):
            y = operation(*(pool[i] for i in places))
        if np.size(y) <= 200:
            pool.append(y)
            steps.append((operation, places))

    for _ in range(draw(st.integers(1, size))):
        i = draw(st.integers(0, len(pool) - 1))
        x = pool[i]
        kinds = ["unary", "binary"] + ["reduce", "index", "gather", "matmul"] * (x.ndim > 0)
        match draw(st.sampled_from(kinds)):
            case "unary":
                note(draw(st.sampled_from(UNARY)), i)
            case "binary":
                partners = [j for j, y in enumerate(pool) if broadcastable(x.shape, y.shape)]
                note(draw(st.sampled_from(BINARY)), i, draw(st.sampled_from(partners)))
            case "reduce":
                axis = draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
                options = {"axis": axis, "keepdims": draw(st.booleans())}
                known = REDUCTIONS + OF_SOME * bool(x.size)
                reduce = draw(st.sampled_from(known if x.size else [np.sum]))
                note(lambda x, reduce=reduce, options=options: reduce(x, **options), i)
            case "index":
                key = draw(hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True))
                note(lambda x, key=key: x[key], i)
            case "gather" if len(x):
                key = np.array(draw(st.lists(st.integers(-len(x), len(x) - 1), max_size=4)), int)
                key = draw(st.sampled_from([key, key % 2 == 0])) if len(key) == len(x) else key
                note(lambda x, key=key: x[key], i)
            case "matmul":
                partners = [j for j, y in enumerate(pool) if y.ndim and multipliable(x, y)]
                if partners:
                    note(np.matmul, i, draw(st.sampled_from(partners)))
                elif x.ndim > 1:
                    note(lambda a, b: a @ b.mT, i, i)

    def loss(theta):
        values = [theta]
        for operation, places in steps:
            values.append(operation(*(values[i] for i in places)))
        return sum(np.sum(np.sin(y + 0.3)) for y in values)

    return loss


def broadcastable(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b), strict=False))


def multipliable(a, b):
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    return a.shape[-1] == inner and (min(a.ndim, b.ndim) < 2 or broadcastable(a.shape[:-2], b.shape[:-2]))


LAYOUTS = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "reversed": lambda x: x[::-1].copy()[::-1] if x.ndim else x,
}
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@st.composite
def cases(draw, size=8):
    """A loss, and theta, u and v, read-only, in some layout."""
    shape = draw(shapes)
    loss, layout = draw(programs(shape, size)), LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = [layout(rng.uniform(-1, 1, shape)) for _ in range(3)]
    for a in arrays:
        a.flags.writeable = False
    return loss, *arrays


def near(a, b, scale=0.0, tolerance=1e-11):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * (1 + scale))


@given(cases())
def test_the_gradient_pairs_with_every_direction_as_the_tangent_does(case):
    loss, theta, _, v = case
    kept = theta.tobytes(), v.tobytes()
    g, (value, tangent) = grad(loss)(theta), jvp(loss, theta, v)
    assert g.shape == theta.shape
    near(value, loss(theta))
    near(np.sum(g * v), tangent, np.sum(np.abs(g * v)))
    near(vjp(loss, theta)[1](1.0), g)
    assert (theta.tobytes(), v.tobytes()) == kept


@given(cases())
def test_the_routes_to_a_hessian_vector_product_agree(case):
    loss, theta, u, v = case
    kept = theta.tobytes(), v.tobytes()
    (g, Hv), H = grad_and_hvp(loss, theta, v), hessian(loss, theta)
    size = np.max(np.abs(Hv), initial=0.0)
    assert Hv.shape == theta.shape
    for method in ("dual", "complex_step", "double_backprop"):
        near(hvp(loss, theta, v, method), Hv, size)
    near(H @ v, Hv, size)
    near(g, grad(loss)(theta))
    near(H.gradient, g)
    near(H.value, loss(theta))
    nested = jvp(lambda x: jvp(loss, x, v)[1], theta, u)[1]
    near(np.sum(u * Hv), nested, np.sum(np.abs(u * Hv)), 1e-10)
    assert (theta.tobytes(), v.tobytes()) == kept


@given(cases(), st.floats(-3, 3), st.floats(-3, 3))
def test_the_hessian_is_symmetric_and_linear(case, a, b):
    loss, theta, u, v = case
    H = hessian(loss, theta)
    Hu, Hv = H @ u, H @ v
    size = np.max(np.abs(Hu), initial=0.0) + np.max(np.abs(Hv), initial=0.0)
    near(np.sum(u * Hv), np.sum(v * Hu), size)
    near(H.quadratic(u, v), np.sum(u * Hv), size)
    near(H @ (a * u + b * v), a * Hu + b * Hv, 10 * size)
    near(hvp(loss, theta, a * u + b * v), a * Hu + b * Hv, 10 * size)
    near(H @ np.stack([u, v], -1), np.stack([Hu, Hv], -1), size)


@given(cases())
def test_float32_stays_float32(case):
    loss, theta, u, v = (np.float32(a) if isinstance(a, np.ndarray) else a for a in case)
    g, Hv = grad_and_hvp(loss, theta, v)
    H = hessian(loss, theta)
    answers = [g, Hv, grad(loss)(theta), H @ v, *(hvp(loss, theta, v, m) for m in ("complex_step", "double_backprop"))]
    assert all(a.dtype == np.float32 and a.shape == theta.shape for a in answers)
    assert jvp(loss, theta, u)[1].dtype == np.float32
