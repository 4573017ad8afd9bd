"""The laws of the optimizers: what each promises on quadratics, under a change of basis, at the edges, and in SciPy."""

import itertools
import math
import pickle
import sys
from functools import partial

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from mathlib.backprop import value_and_grad
from mathlib.hessian import hvp
from mathlib.optimize import (
    Objective,
    Step,
    armijo,
    bfgs,
    conjugate_gradient,
    damped_newton,
    exact,
    gradient_descent,
    lbfgs,
    minimize,
    modified_newton,
    newton,
    newton_cg,
    strong_wolfe,
)
from mathlib.optimize.line_search import TRIALS
from mathlib.optimize.quasi_newton import BETAS, update
from mathlib.optimize.scipy_protocol import for_scipy
from mathlib.problems import quadratic, rosenbrock

SEARCHING = [gradient_descent, conjugate_gradient, bfgs, lbfgs, newton_cg, modified_newton, damped_newton]
METHODS = [newton, *SEARCHING]
seeds = st.integers(0, 10_000)


def random_quadratic(seed, n, condition=100.0):
    loss, H, solution = quadratic(np.geomspace(1, condition, n), seed)
    return loss, H, solution, np.random.default_rng(seed + 1).standard_normal(n)


def at(steps, k):
    return next(itertools.islice(steps, k, None))


def smooth(x):
    """Convex, not quadratic, with its minimum inside."""
    return np.sum(np.cosh(x - np.arange(np.size(x)).reshape(np.shape(x)) / 4)) + np.sum(x) ** 2 / 10


# ------------------------------------------------------------------------------------------- on quadratics


@given(seeds, st.integers(1, 12))
def test_newton_solves_a_quadratic_in_one_step(seed, n):
    loss, _, solution, x0 = random_quadratic(seed, n)
    np.testing.assert_allclose(at(newton(loss, x0), 1).theta, solution, rtol=1e-10, atol=1e-10)


@given(seeds, st.integers(1, 12), st.floats(0.05, 1.0))
def test_damped_newton_steps_go_a_fraction_of_the_way(seed, n, eta):
    loss, _, solution, x0 = random_quadratic(seed, n)
    expected = x0 + eta * (solution - x0)
    np.testing.assert_allclose(at(newton(loss, x0, eta), 1).theta, expected, rtol=1e-10, atol=1e-10)


@given(seeds, st.integers(2, 10), st.sampled_from(sorted(BETAS)))
def test_linear_conjugate_gradients_need_n_steps_and_are_conjugate(seed, n, beta):
    loss, H, solution, x0 = random_quadratic(seed, n, 30.0)
    steps = list(itertools.islice(conjugate_gradient(loss, x0, beta=beta, line_search=exact), n + 1))
    np.testing.assert_allclose(steps[-1].theta, solution, atol=1e-6)
    moves = np.diff([step.theta for step in steps], axis=0)[:4]
    products = moves @ H @ moves.T
    size = np.sqrt(np.outer(np.diag(products), np.diag(products)))
    np.testing.assert_allclose(products / size, np.eye(len(moves)), atol=1e-6)


@given(seeds, st.integers(2, 10))
def test_bfgs_with_exact_steps_ends_after_n_and_knows_the_inverse(seed, n):
    loss, H, solution, x0 = random_quadratic(seed, n, 30.0)
    last = at(bfgs(loss, x0, line_search=exact), n)
    np.testing.assert_allclose(last.theta, solution, atol=1e-6)
    np.testing.assert_allclose(last.M @ H, np.eye(n), atol=1e-4)


@given(seeds, st.integers(1, 8))
def test_the_update_fulfils_the_secant_equation_and_stays_positive(seed, n):
    rng = np.random.default_rng(seed)
    A, s, y = rng.standard_normal((n, n)), rng.standard_normal(n), rng.standard_normal(n)
    y = y if s @ y > 0 else -y
    M = update(A @ A.T + 0.1 * np.eye(n), s, y)
    size = 1 + (np.linalg.norm(s) * np.linalg.norm(y) / (s @ y)) ** 2
    np.testing.assert_allclose(M @ y, s, atol=1e-11 * size * np.linalg.norm(M))
    assert np.array_equal(M, M.T)
    assert np.linalg.eigvalsh(M)[0] > -1e-13 * np.linalg.norm(M)


@given(seeds, st.integers(1, 8))
def test_damping_keeps_the_update_positive_where_the_curvature_is_not(seed, n):
    rng = np.random.default_rng(seed)
    A, s, y = rng.standard_normal((n, n)), rng.standard_normal(n), rng.standard_normal(n)
    y = -y if s @ y > 0 else y
    M = update(A @ A.T + np.eye(n), s, y)
    assert np.array_equal(M, M.T)
    assert np.linalg.eigvalsh(M)[0] > 0


@given(seeds, st.integers(2, 6))
def test_m_is_positive_definite_and_secant_all_along_a_path(seed, n):
    x0 = np.random.default_rng(seed).standard_normal(n)
    for search in (strong_wolfe, armijo):
        before = None
        for step in itertools.islice(bfgs(rosenbrock, x0, line_search=search), 40):
            if step.M is not None:
                assert np.array_equal(step.M, step.M.T)
                assert np.linalg.eigvalsh(step.M)[0] > 0
                s, y = step.theta - before.theta, step.gradient - before.gradient
                if s @ y > 1e-3 * np.linalg.norm(s) * np.linalg.norm(y):
                    np.testing.assert_allclose(step.M @ y, s, atol=1e-8 * np.linalg.norm(s))
            before = step


@given(seeds, st.integers(2, 8))
def test_lbfgs_that_remembers_all_is_bfgs(seed, n):
    x0, M0 = np.random.default_rng(seed).standard_normal(n), np.eye(n) / 50
    full, limited = bfgs(smooth, x0, M0=M0), lbfgs(smooth, x0, m=n, M0=M0)
    for a, b in itertools.islice(zip(full, limited, strict=False), n):
        np.testing.assert_allclose(a.theta, b.theta, rtol=1e-7, atol=1e-9)


@given(seeds, st.integers(2, 8))
def test_lbfgs_is_bfgs_on_quadratics_whatever_the_first_scale(seed, n):
    loss, _, _, x0 = random_quadratic(seed, n, 10.0)
    full, limited = (at(m(loss, x0, line_search=exact), n - 1).theta for m in (bfgs, partial(lbfgs, m=n)))
    np.testing.assert_allclose(full, limited, atol=1e-6)


# ------------------------------------------------------------------------------------------------- order


def orders(method, x0, loss=smooth):
    """The exponents p of ``|g'| ~ |g|**p``, from the last gradients above rounding."""
    sizes = [np.linalg.norm(s.gradient) for s in itertools.islice(method(loss, x0), 60)]
    logs = -np.log([size for size in sizes if 1e-13 < size < 0.5])
    return logs[1:] / logs[:-1], sizes


def test_newton_s_order_is_two_and_damped_newton_s_one():
    x0 = np.array([0.3, -0.2, 1.0])
    assert orders(newton, x0)[0][-1] > 1.8
    _, sizes = orders(partial(newton, eta=0.5), x0)
    ratios = np.divide(sizes[1:30], sizes[:29])
    assert np.all(abs(ratios[10:] - 0.5) < 0.01)


def test_quasi_newton_is_superlinear_and_gradient_descent_is_not():
    x0 = np.array([1.0, -1.0, 2.0])
    _, sizes = orders(bfgs, x0)
    ratios = np.divide(sizes[1:], sizes[:-1])[np.array(sizes[1:]) > 1e-11]
    assert ratios[-1] < 0.1
    assert ratios[-1] < np.median(ratios) / 2
    _, sizes = orders(partial(gradient_descent, eta=0.3), x0)
    ratios = np.divide(sizes[20:40], sizes[19:39])
    assert np.ptp(ratios) < 0.02  # linear: one ratio


# --------------------------------------------------------------------------------------------- invariance


@given(seeds)
def test_newton_and_bfgs_do_not_see_the_basis_but_gradient_descent_does(seed):
    rng = np.random.default_rng(seed)
    n = 3
    P = np.linalg.qr(rng.standard_normal((n, n)))[0] * np.array([1.0, 3.0, 10.0])
    x0 = rng.standard_normal(n)

    def changed(u):
        return smooth(P @ u)

    inverse = np.linalg.inv(P)
    M0 = np.eye(n) / 4
    u0, N0 = inverse @ x0, inverse @ M0 @ inverse.T
    for method, options, transformed in (
        (newton, {}, {}),
        (bfgs, {"M0": M0}, {"M0": N0}),
        (lbfgs, {"M0": M0}, {"M0": N0}),
        (conjugate_gradient, {"M0": M0}, {"M0": N0}),
        (partial(gradient_descent, eta=0.1), {"M0": M0}, {"M0": N0}),
    ):
        for a, b in itertools.islice(
            zip(method(smooth, x0, **options), method(changed, u0, **transformed), strict=False), 5
        ):
            np.testing.assert_allclose(P @ b.theta, a.theta, rtol=1e-6, atol=1e-7)
    a, b = (at(gradient_descent(f, x, eta=0.1), 1).theta for f, x in ((smooth, x0), (changed, u0)))
    assert np.linalg.norm(P @ b - a) > 1e-3 * np.linalg.norm(a - x0)


@pytest.mark.parametrize("scale", [2.0**-30, 2.0**30])
def test_a_change_of_the_loss_s_unit_changes_nothing(scale):
    x0 = np.array([0.5, -1.0, 2.0])
    for method in (newton, bfgs, lbfgs, conjugate_gradient, newton_cg, modified_newton, damped_newton):
        for a, b in itertools.islice(zip(method(smooth, x0), method(lambda x: scale * smooth(x), x0), strict=False), 5):
            np.testing.assert_allclose(b.theta, a.theta, rtol=1e-9, err_msg=method.__name__)


# --------------------------------------------------------------------------------------------- line search


def bumpy(x):
    return np.sum(x**2) + np.sum(np.sin(9 * x))


@given(seeds, st.sampled_from([armijo, strong_wolfe, exact]), st.floats(-4, 4))
def test_a_line_search_never_gives_a_worse_point(seed, search, power):
    rng = np.random.default_rng(seed)
    f = Objective(bumpy)
    step = f.at(rng.standard_normal(3))
    d = rng.standard_normal(3)
    d *= -np.sign(d @ step.gradient)
    new = search(f, step, d, eta=10**power)
    assert new is step or new.loss < step.loss


@given(seeds, st.floats(-3, 3), st.sampled_from([0.1, 0.5, 0.9]))
def test_the_strong_wolfe_conditions_hold(seed, power, c2):
    f = Objective(bumpy)
    step = f.at(np.random.default_rng(seed).standard_normal(3))
    d = -step.gradient
    new = strong_wolfe(f, step, d, eta=10**power, c2=c2)
    eta = np.linalg.norm(new.theta - step.theta) / np.linalg.norm(d)
    slope = step.gradient @ d
    assert new.loss <= step.loss + 1e-4 * eta * slope * (1 - 1e-9)
    assert abs(new.gradient @ d) <= -c2 * slope * (1 + 1e-12)


@pytest.mark.parametrize("search", [armijo, strong_wolfe])
def test_a_search_survives_nan_infinity_and_flat_regions(search):
    for loss, x0 in (
        (lambda x: np.log(x) ** 2 + x, 5.0),  # NaN beyond zero
        (lambda x: np.exp(x) - x, -3.0),  # infinite far to the right
        (lambda x: np.sqrt(x), 1.0),  # no gradient at zero
    ):
        f = Objective(loss)
        step = f.at(x0)
        new = search(f, step, -step.gradient, eta=1e5)
        assert np.isfinite(new.loss)
        assert new.loss < step.loss
    flat = Objective(lambda x: 0 * x + 1.0)
    step = flat.at(1.0)
    assert search(flat, step, -1.0) is step


@pytest.mark.parametrize("search", [armijo, strong_wolfe, exact])
def test_a_direction_of_ascent_is_refused(search):
    f = Objective(smooth)
    step = f.at(np.ones(2))
    with pytest.raises(ValueError, match="a direction of descent is needed"):
        search(f, step, step.gradient)


# ------------------------------------------------------------------------------------------------ minimize


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)])
def test_every_method_minimizes_a_theta_of_any_shape_and_does_not_change_it(method, shape):
    theta0 = np.full(shape, 0.7)[()]
    kept = np.array(theta0)
    result = minimize(method, smooth, theta0, max_steps=2000)
    assert result.converged, result.message
    assert np.shape(result.theta) == np.shape(result.gradient) == shape
    assert np.max(np.abs(result.gradient)) <= 1e-8
    assert np.array_equal(theta0, kept)
    assert np.array_equal(result.history[0].theta, kept)
    assert result.n_steps == len(result.history) - 1
    losses = [step.loss for step in result.history]
    assert np.all(np.diff(losses) <= 1e-14 * np.abs(losses[1:])) or method is newton


@pytest.mark.parametrize("method", [*SEARCHING[1:], newton])
def test_rosenbrock_is_solved_and_every_run_of_the_loss_is_counted(method):
    calls = itertools.count()

    def loss(x):
        next(calls)
        return rosenbrock(x)

    result = minimize(method, loss, np.array([-1.2, 1.0]))
    assert result.converged
    np.testing.assert_allclose(result.theta, 1.0, atol=1e-6)
    assert next(calls) == result.n_loss >= result.n_grad > result.n_steps
    assert (result.n_hvp > 0) == (method in (newton, newton_cg, modified_newton, damped_newton))


def test_a_user_s_own_generator_is_driven_and_counted():
    def heavy_ball(loss, theta, eta=0.1, momentum=0.5):
        velocity = np.zeros_like(theta)
        for _ in range(100):
            value, gradient = value_and_grad(loss)(theta)
            yield Step(theta, value, gradient)
            velocity = momentum * velocity - eta * gradient
            hvp(loss, theta, velocity)
            theta = theta + velocity
        return "a hundred steps are enough for me"

    result = minimize(heavy_ball, smooth, np.ones(3))
    assert result.converged
    assert result.n_loss == result.n_grad == result.n_steps + 1 == result.n_hvp + 1
    result = minimize(heavy_ball, smooth, np.ones(3), eta=1e-6)
    assert not result.converged
    assert "a hundred steps are enough for me" in result.message


def test_limits_callback_and_interrupt_end_a_run_with_its_best_point():
    result = minimize(bfgs, rosenbrock, np.array([-1.2, 1.0]), max_steps=3)
    assert (result.converged, result.n_steps) == (False, 3)
    assert "3 steps" in result.message
    assert "max_steps" in result.message
    seen = []
    result = minimize(
        bfgs, rosenbrock, np.array([-1.2, 1.0]), callback=lambda step: seen.append(step) or len(seen) == 5
    )
    assert (result.n_steps, len(seen)) == (4, 5)
    assert "callback" in result.message

    def impatient(step):
        if len(seen) == 8:
            raise KeyboardInterrupt
        seen.append(step)

    result = minimize(bfgs, rosenbrock, np.array([-1.2, 1.0]), callback=impatient)
    assert "interrupted" in result.message
    assert result.loss == min(step.loss for step in result.history)


def test_progress_without_tqdm_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        minimize(bfgs, smooth, np.ones(2), progress=True)


def test_progress_shows_a_bar(capsys):
    pytest.importorskip("tqdm")
    assert minimize(bfgs, smooth, np.ones(2), progress=True).converged
    assert "step" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ the door


@pytest.mark.parametrize("eta", [-1.0, 0.0, math.nan, math.inf])
@pytest.mark.parametrize("method", [newton, gradient_descent])
def test_an_eta_that_is_no_step_size_is_refused(method, eta):
    with pytest.raises(ValueError, match="eta is"):
        next(method(smooth, np.ones(2), eta=eta))


def test_newton_s_eta_is_a_fraction():
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        next(newton(smooth, np.ones(2), eta=1.5))


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_start_is_refused(method):
    for theta0, error, says in (
        (np.arange(3), TypeError, r"theta\w*\.astype\(float\)"),
        (1, TypeError, "float"),
        (np.array([1.0, np.nan]), ValueError, "NaN"),
    ):
        with pytest.raises(error, match=says):
            next(method(smooth, theta0))
    for loss in (lambda x: np.sum(np.log(x)), lambda x: np.sum(x) / 0.0 + np.inf):
        with pytest.raises(FloatingPointError, match="NaN or infinite"):
            minimize(method, loss, np.array([-1.0, 1.0]))


def test_a_metric_that_is_none_is_refused():
    for M0, says in (
        (np.eye(3), "shape"),
        (np.diag([1.0, -1.0]), "positive definite"),
        (np.triu(np.ones((2, 2))), "symm"),
    ):
        with pytest.raises(ValueError, match=says):
            next(bfgs(smooth, np.ones(2), M0=M0))
    with pytest.raises(ValueError, match="m is 0"):
        next(lbfgs(smooth, np.ones(2), m=0))
    with pytest.raises(ValueError, match="beta is"):
        next(conjugate_gradient(smooth, np.ones(2), beta="none"))


@pytest.mark.parametrize("loss", [lambda x: (x[0] + x[1]) ** 2, lambda x: (0.1 * x[0] + 0.3 * x[1]) ** 2, np.sum])
def test_a_singular_hessian_is_an_error_that_says_what_to_do(loss):
    with pytest.raises(np.linalg.LinAlgError, match=r"singular.*Instead.*newton_cg"):
        minimize(newton, loss, np.ones(2))


# ------------------------------------------------------------------------------------------------ the edges


def test_a_hessian_that_becomes_singular_on_the_way_ends_the_run_with_its_best_point():
    """From a parabola Newton's method steps onto a straight line."""
    result = minimize(newton, lambda x: np.sum(np.where(x > 0.5, x**2, x - 1)), np.array([1.0]))
    assert not result.converged
    assert "after 1 steps" in result.message
    assert "Instead" in result.message
    assert abs(result.theta) < 1e-15  # 1 - H^-1 g, where the solver may round


@pytest.mark.parametrize("method", SEARCHING)
def test_a_saddle_is_left(method):
    def saddle(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    result = minimize(method, saddle, np.array([1.0, 1e-3]), max_steps=1000)
    assert result.converged
    assert result.loss == pytest.approx(-0.25, abs=1e-9)


@pytest.mark.parametrize("method", [gradient_descent, conjugate_gradient, lbfgs, newton_cg])
def test_ten_thousand_parameters_are_few(method):
    weights = np.linspace(1, 10, 10_000)
    result = minimize(method, lambda x: np.sum(weights * np.cosh(x)), np.ones(10_000), tol=1e-6)
    assert result.converged, result.message
    np.testing.assert_allclose(result.theta, 0, atol=1e-5)


@pytest.mark.parametrize("method", SEARCHING)
@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e100, 1e150])
def test_losses_and_parameters_of_any_size_end_truly(method, scale):
    result = minimize(method, lambda x: scale * smooth(x), np.ones(3), tol=1e-6 * scale, max_steps=1000)
    assert result.converged, result.message
    result = minimize(method, lambda x: smooth(x / scale), scale * np.ones(3), tol=1e-6 / scale, max_steps=1000)
    assert result.converged, result.message


@pytest.mark.parametrize("method", SEARCHING)
def test_what_has_no_smooth_minimum_ends_with_a_true_message(method):
    result = minimize(method, lambda x: np.sum(np.abs(x)), np.array([1.0, 2.5]), max_steps=300)
    assert result.loss < 3.5
    assert result.converged == (np.max(np.abs(result.gradient)) <= 1e-8)
    result = minimize(method, np.sum, np.ones(2), max_steps=300)
    assert not result.converged
    if method not in (damped_newton, modified_newton):  # H is zero, and has no scale for their steps
        assert "no minimum" in result.message
    result = minimize(method, lambda x: -np.sum(x**2), np.ones(2), max_steps=300)
    assert not result.converged
    assert "no minimum" in result.message or "overflow" in result.message


@pytest.mark.parametrize("method", SEARCHING)
def test_a_wall_of_nan_is_not_crossed(method):
    result = minimize(method, lambda x: np.sum(x - np.log(x)), np.array([5.0, 0.01]), max_steps=2000)
    assert result.converged, result.message
    np.testing.assert_allclose(result.theta, 1.0, atol=1e-6)


def test_a_fixed_step_that_is_too_long_is_reported():
    result = minimize(gradient_descent, lambda x: np.sum(x**4), np.ones(2), eta=10.0)
    assert not result.converged
    assert "Instead: a smaller eta" in result.message


@pytest.mark.parametrize("method", SEARCHING)
def test_float32_stays_float32(method):
    result = minimize(method, lambda x: np.sum(np.cosh(x)), np.ones(3, np.float32), tol=1e-3)
    assert result.converged
    assert result.theta.dtype == result.gradient.dtype == np.float32


# --------------------------------------------------------------------------------------------------- SciPy


@pytest.mark.parametrize("method", METHODS[2:])
def test_scipy_takes_a_method_as_it_is(method):
    seen = []
    result = scipy.optimize.minimize(
        rosenbrock, [-1.2, 1.0], method=method, tol=1e-9, callback=seen.append, options={"maxiter": 900}
    )
    assert result.success
    np.testing.assert_allclose(result.x, 1, atol=1e-7)
    assert result.fun == pytest.approx(0, abs=1e-12)
    assert np.max(np.abs(result.jac)) <= 1e-9
    assert len(seen) == result.nit  # as SciPy does: not at the start
    assert result.nfev >= result.njev > 0


def test_scipy_s_own_gradient_and_arguments_are_used():
    def fun(x, a):
        return float((x[0] - a) ** 2 + x[1] ** 2)  # it cannot be differentiated by running it

    def jac(x, a):
        return np.array([2 * (x[0] - a), 2 * x[1]])

    result = scipy.optimize.minimize(fun, [0, 0], args=(3.0,), jac=jac, method=bfgs)
    assert result.success
    np.testing.assert_allclose(result.x, [3, 0], atol=1e-8)
    with pytest.raises(ValueError, match="bounds"):
        scipy.optimize.minimize(rosenbrock, [0.0, 0.0], method=bfgs, bounds=[(0, 1), (0, 1)])


def raised(rng, n, condition, lowest):
    """A quadratic loss with this condition number and this value at the minimum."""
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = Q * np.geomspace(1.0, condition, n) @ Q.T
    b = rng.standard_normal(n)
    rest = lowest + b @ np.linalg.solve(A, b) / 2
    return lambda x: x @ (A @ x) / 2 - b @ x + rest


@pytest.mark.parametrize("lowest", [0.0, -4.0, 1e3])
def test_conjugate_gradients_need_hardly_more_than_n_steps(lowest):
    rng = np.random.default_rng(int(abs(lowest)))
    for _ in range(12):
        n, far = int(rng.integers(2, 21)), 10 ** rng.uniform(-2, 2)
        result = minimize(conjugate_gradient, raised(rng, n, rng.uniform(1, 10), lowest), far * rng.standard_normal(n))
        assert result.converged
        assert result.n_steps <= n + 2


# At 1e3 the worst of 25 random cases takes 1.17 times the steps; at 1e5 one in a hundred takes twice as many.
@pytest.mark.parametrize("lowest", [0.0, -4.0, 1e3])
def test_conjugate_gradients_need_hardly_more_steps_than_with_the_exact_search(lowest):
    rng = np.random.default_rng(int(abs(lowest)))
    for _ in range(4):
        n = int(rng.integers(10, 80))
        loss, x0 = raised(rng, n, 100.0, lowest), rng.standard_normal(n)
        ours, exactly = (minimize(conjugate_gradient, loss, x0, **search) for search in ({}, {"line_search": exact}))
        assert ours.converged
        assert ours.n_steps <= 1.5 * exactly.n_steps


@pytest.mark.parametrize("method", SEARCHING[1:])
@pytest.mark.parametrize("lowest", [0.0, -4.0, 1e4])  # 0: left over of terms that are larger
def test_the_default_tolerance_is_reached_whatever_the_loss_is_at_the_minimum(method, lowest):
    rng = np.random.default_rng(3)
    assert minimize(method, raised(rng, 30, 1e3, lowest), rng.standard_normal(30)).converged


@pytest.mark.parametrize("method", SEARCHING[1:])
@pytest.mark.parametrize(
    ("unit", "theta_unit"), [(1e-150, 1.0), (1.0, 1e140), (1e100, 1e-50), (1e-100, 1e-100), (1e-100, 1e100)]
)
def test_units_at_the_ends_of_the_range_change_nothing(method, unit, theta_unit):
    result = minimize(
        method,
        lambda x: unit * np.sum(np.cosh(x / theta_unit - 0.5) + 0.1 * x / theta_unit),
        np.full(4, 2.0 * theta_unit),
        tol=1e-8 * unit / theta_unit,
    )
    assert result.converged


@pytest.mark.parametrize("method", SEARCHING)
@pytest.mark.parametrize(
    "loss",
    [
        lambda x: np.sum(np.abs(x)),
        lambda x: np.sum(np.sqrt(np.abs(x))),
        lambda x: np.max(np.abs(x)),
        lambda x: np.floor(x[0]) + 1e-3 * np.sum(x),
        lambda x: np.where(x[0] > 0.5, 5.0, 0.0) + np.sum((x - 1) ** 2),
    ],
)
def test_no_step_takes_more_than_two_searches(method, loss):
    result = minimize(method, loss, np.array([1.3, -0.7]), max_steps=60)
    assert result.n_loss <= 1 + 2 * TRIALS * (result.n_steps + 1)
    pickle.dumps(result)


def test_a_product_of_scipy_s_that_is_none_is_refused():
    with pytest.raises(ValueError, match="hessp returned an array of shape"):
        for_scipy(newton_cg, rosenbrock, np.zeros(3), jac=lambda x: 2 * x - 1, hessp=lambda x, v: v[:2])
