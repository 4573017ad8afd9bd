"""The argument grids that HIPS autograd and JAX try in their published tests, through every mode here.

From autograd come the rows of tests/test_systematic.py, test_numpy.py and test_linalg.py; from JAX those of
tests/lax_numpy_einsum_test.py, lax_numpy_indexing_test.py and lax_numpy_reducers_test.py: which function is called
with which shapes and options. Every case is held to differences of the plain program.
"""

import itertools
import operator
from functools import partial

import numpy as np
import pytest
from programs import extrapolated_difference

from mathlib import UnsupportedError, complex_step, grad, hessian, hvp, jvp, vjp
from mathlib.arithmetic import name_of
from mathlib.nn import ravel

CONSTANT = "ignore::mathlib.ConstantLossWarning"  # of functions like sign

rng = np.random.default_rng(12)


def R(*shape):
    return rng.standard_normal(shape)


def spaced(*shape):
    """Numbers that lie apart, as order statistics need that are held to differences."""
    n = int(np.prod(shape))
    return np.reshape(rng.permutation(n) / n - 0.4, shape)[()]


def between(low, high):
    return lambda *shape: rng.uniform(low, high, shape)


def row(function, *arguments, **options):
    """One row of a grid: a function, the choices of each argument, and the choices of each option."""
    return pytest.param(function, arguments, options, id=name_of(function))


def pairs(function, a, b=None):
    """A row for a ufunc of two arguments, which broadcast: those of a and b are drawn by these."""
    shapes = [(), (4,), (3, 1), (3, 4)]
    return row(function, [a(*s) for s in shapes], [(b or a)(*s) for s in shapes])


def single(function, low=-2.0, high=2.0):
    """A row for a ufunc of one argument."""
    return row(function, [between(low, high)(*s) for s in [(), (1,), (4,), (3, 4), (0, 4), (1, 4)]])


def reducer(function, draw=R, shapes=((), (4,), (3, 4), (3, 1), (1, 4), (2, 1, 4), (2, 3, 4)), **options):
    """A row for a reduction, over every axis."""
    return row(function, [draw(*s) for s in shapes], axis=[None, 0, 1, 2, -1, -2], keepdims=[False, True], **options)


EMPTY = ((0,), (0, 4), (3, 0))
PSD = [a @ a.T + 3 * np.eye(4) for a in (R(4, 4), R(4, 4))]
APART = [R(4, 4) + 5 * np.eye(4), R(2, 4, 4) + 5 * np.eye(4), R(2, 3, 4, 4) + 5 * np.eye(4)]

ELEMENTWISE = [
    *(single(f) for f in (np.sin, np.cos, np.sinh, np.cosh, np.tanh, np.exp, np.exp2, np.expm1, np.arctan, np.square)),
    *(single(f) for f in (np.negative, np.deg2rad, np.rad2deg, np.radians, np.degrees, np.real, np.conj, np.sign)),
    *(single(f, 0.1, 4) for f in (np.abs, np.absolute, np.fabs, np.reciprocal, np.cbrt)),
    *(single(f, 0.2, 2) for f in (np.log, np.log2, np.log10, np.log1p)),
    *(single(f, -0.9, 0.9) for f in (np.arcsin, np.arccos, np.arcsinh, np.arctanh)),
    *(single(f, -1.45, 1.45) for f in (np.ceil, np.floor, np.round)),
    *(single(f) for f in (np.sinc, np.i0)),
    single(np.arccosh, 1.1, 4),
    single(np.tan, -1.1, 1.1),
    single(np.sqrt, 1, 3),
    *(pairs(f, R) for f in (np.add, np.subtract, np.multiply, np.logaddexp, np.logaddexp2, np.maximum, np.minimum)),
    *(pairs(f, R) for f in (np.fmax, np.fmin, operator.mul, operator.add, operator.sub)),
    *(pairs(np.divide, R, between(*b)) for b in ((0.3, 2), (-2, -0.3))),
    *(pairs(f, between(-0.29, 0.29), between(0.3, 0.6)) for f in (np.remainder, np.fmod, operator.mod)),
    pairs(operator.mod, between(0.1, 0.29), between(-2, -0.3)),
    *(pairs(f, between(0.7, 2), R) for f in (np.power, np.float_power, operator.pow)),
    *(pairs(f, between(0.2, 2), between(0.2, 2)) for f in (np.hypot, np.arctan2)),
    row(np.where, [R(4, 5) > 0], [R(4, 5), R(5), R()], [R(4, 5), R(4, 1)]),
    row(np.clip, [R(5, 5)], [0.1], [1.1]),
    row(np.select, [[R(3, 4, 5) > 0, R(3, 4, 5) > 0]], [[R(3, 4, 5), R(3, 4, 5)]], default=[0.0, 1.1]),
]
REDUCED = [
    *(reducer(f) for f in (np.sum, np.mean, np.max, np.min, np.amax, np.amin, np.ptp, np.median)),
    *(reducer(f, shapes=EMPTY) for f in (np.sum, np.prod)),
    reducer(np.prod, between(0.3, 1.5), shapes=((4,), (3, 4), (2, 1, 4), (2, 3, 4))),
    *(reducer(f, ddof=[0, 1, 2]) for f in (np.var, np.std)),
    reducer(np.nansum),
    *(reducer(f, shapes=((4,), (3, 4), (2, 1, 4), (2, 3, 4))) for f in (np.nanmean, np.nanvar)),
    *(reducer(f, spaced) for f in (np.nanmax, np.nanmin, np.nanmedian)),
    *(row(f, [R(4), R(3, 4), R(2, 3, 4)], axis=[None, 0, 1, -1]) for f in (np.cumprod, np.nancumsum, np.nancumprod)),
    *(
        row(f, [R(3, 4)], initial=[0.3, -0.4], where=[True, R(3, 4) > 0], axis=[None, 0])
        for f in (np.sum, np.prod, np.max, np.min)
    ),
    *(
        row(
            np.quantile,
            [spaced(7), spaced(3, 4)],
            [0.3, [0.1, 0.5, 1.0]],
            axis=[None, 0, -1],
            method=[m],
            keepdims=[False, True],
        )
        for m in (
            "linear",
            "lower",
            "higher",
            "midpoint",
            "nearest",
            "inverted_cdf",
            "averaged_inverted_cdf",
            "hazen",
            "weibull",
            "closest_observation",
            "interpolated_inverted_cdf",
            "median_unbiased",
            "normal_unbiased",
        )
    ),
    *(row(f, [spaced(2, 3, 4)], [37.0, [0.0, 21.0]], axis=[(0, 2), 1]) for f in (np.percentile, np.nanpercentile)),
    row(np.partition, [spaced(7), spaced(14)], kth=[0, 3, 6]),
    row(np.partition, [spaced(3, 4)], kth=[1, (0, 2)], axis=[0, -1, None]),
    row(np.cov, [R(5), R(3, 4)], rowvar=[True, False], bias=[False, True], ddof=[None, 0, 1]),
    row(np.cov, [R(3, 4)], [R(4), R(2, 4)]),
    row(
        np.cov,
        [R(3, 4)],
        fweights=[None, np.array([1, 2, 1, 3])],
        aweights=[None, between(0.3, 2)(4)],
        ddof=[None, 0, 2],
    ),
    row(np.corrcoef, [R(3, 4)], [None, R(4)], rowvar=[True]),
    row(np.corrcoef, [R(5, 3)], rowvar=[True, False]),
    row(np.gradient, [R(5), R(4, 3), R(3, 4, 5)], axis=[0, -1], edge_order=[1, 2]),
    row(np.gradient, [R(5), R(2)], edge_order=[1, 2]),
    row(np.gradient, [R(5), R(5, 3)], [0.3, np.array([0.0, 0.2, 0.5, 0.6, 1.0])], axis=[0], edge_order=[1, 2]),
    row(np.trapezoid, [R(5), R(3, 5)], [None, R(5)], dx=[1.0, 0.5]),
    row(
        np.interp,
        [R(6), R(2, 3), R()],
        [np.array([-1.5, -0.4, 0.3, 1.0])],
        [R(4)],
        left=[None, 0.3],
        right=[None, -1.0],
    ),
    row(np.interp, [3 * R(6)], [np.array([0.1, 0.9, 0.4])], [R(3)], period=[1.3]),
    *(row(f, [R(4), R(2), R(1)], [R(3), R(5)]) for f in (np.polyadd, np.polysub, np.polymul)),
    row(np.polyder, [R(5)], [0, 1, 2, 5]),
    row(np.polyint, [R(4)], [0, 1, 2]),
    row(np.polyint, [R(4)], [2], k=[1.5, [0.5, -1.0]]),
    row(np.polyfit, [np.linspace(-1, 1, 6) + 0.1 * R(6)], [R(6), R(6, 2)], [0, 1, 3], w=[None, between(0.5, 2)(6)]),
    row(np.vander, [R(4)], [None, 3], increasing=[False, True]),
    row(np.ediff1d, [R(4), R(2, 3)], to_end=[None, [0.5, 1.0]], to_begin=[None, 2.0]),
    row(np.unwrap, [4 * R(7)], period=[2 * np.pi, 3.0]),
    row(np.unwrap, [4 * R(3, 4)], axis=[0, 1], discont=[None, 4.0]),
    *(reducer(f, shapes=((3, 4),), where=[np.array([True, False, True, True])]) for f in (np.sum, np.mean)),
    row(np.sum, [R(2, 3, 4)], axis=[(1, 2), (0, -1), (0, 1, 2), ()], keepdims=[False, True]),
    row(np.max, [R(2, 3, 4)], axis=[(1, 2), (0, 2)], keepdims=[False, True]),
    *(row(f, [R(3, 3)], [1, 0], [None, float], [None], [False, True]) for f in (np.sum, np.mean)),  # by position
    *(row(f, [R(3, 3)], [1, 0], [None], [False, True]) for f in (np.max, np.min)),
    row(np.cumsum, [R(3, 3)], [1, 0], [None, float]),
    row(np.linalg.matrix_norm, [R(3, 2), R(2, 3, 3)], keepdims=[False, True]),
    row(np.linalg.vector_norm, [R(4), R(3, 3)], keepdims=[False, True]),
    row(np.cumsum, [R(4), R(3, 4), R(2, 3, 4)], axis=[None, 0, 1, -1]),
    row(np.diff, [R(5, 5), R(5, 5, 5)], n=[1, 2], axis=[0, 1]),
    row(np.diff, [R(1), R(1, 1), R(3, 1)], axis=[0, 1]),
    row(np.sort, [R(1), R(7), R(3, 4)], axis=[-1, 0, None]),
    row(np.linalg.norm, [R(6)], [None, 2, 3, 4, 1, np.inf, -np.inf]),
    row(np.linalg.norm, [R(6, 5, 4)], axis=[0, 1, 2, (0, 1), (0, 2)], keepdims=[False, True]),
    row(np.average, [R(3, 4)], axis=[None, 0, 1], weights=[None, between(0.2, 2)(3, 4)]),
    row(
        np.average, [R(3, 4)], axis=[0, 1, -1], weights=[between(0.2, 2)(3), between(0.2, 2)(4)], keepdims=[False, True]
    ),
]
SHAPED = [
    row(np.transpose, [R(2, 3, 4)], axes=[None, *map(list, itertools.permutations(range(3))), (-1, 0, 1)]),
    row(np.reshape, [R(5, 6, 4)], [(20, 6), (-1,), (6, -1, 2)]),
    row(np.ravel, [R(5, 6, 4), R()]),
    row(np.squeeze, [R(5, 1, 4)], axis=[None, 1]),
    row(np.squeeze, [R(1, 2, 1)], axis=[None, 0, 2, (0, 2)]),
    row(np.expand_dims, [R(5, 1, 4)], [0, 1, 2, 3, (0, 2)]),
    row(np.repeat, [R(2, 3, 4), R(3, 1)], repeats=[0, 1, 2], axis=[None, 0, 1]),
    row(np.tile, [R(2, 1, 3, 1)], [(1, 4, 1, 2)]),
    row(np.tile, [R(1, 2)], [(1, 2), (2, 3), (3, 2, 1)]),
    row(np.tile, [R(1)], [(2,), 2]),
    row(np.roll, [R(4, 5)], [2, -1], axis=[None, 0, 1]),
    row(np.roll, [R(4, 5)], [(1, 2)], axis=[(0, 1)]),
    row(np.swapaxes, [R(3, 4, 5)], axis1=[0, 1, 2], axis2=[0, 1, 2]),
    row(np.moveaxis, [R(3, 4, 5)], [0, 1, (0, 1)], [2, -1, (2, 0)]),
    *(row(f, [R(3, 4), R(2, 3, 4)]) for f in (np.flip, np.fliplr, np.flipud, np.rot90, np.matrix_transpose)),
    row(np.flip, [R(2, 3, 4)], axis=[None, 0, 2, (0, 1)]),
    row(np.rot90, [R(3, 4)], [0, 1, 2, -1]),
    row(np.trace, [R(5, 5), R(4, 5), R(5, 4), R(3, 4, 5)], offset=[-1, 0, 1]),
    row(np.trace, [R(5, 6, 4, 3)], offset=[-2, 1], axis1=[3, 0], axis2=[2, 1]),
    row(np.diagonal, [R(4, 4), R(3, 4, 4)], axis1=[-1], axis2=[-2], offset=[0, 1]),
    row(np.diag, [R(5, 5), R(5)], k=[-1, 0, 1]),
    *(row(f, [R(5, 5), R(4, 5), R(5, 5, 4)], k=[-1, 0, 1, 2]) for f in (np.tril, np.triu)),
    row(np.atleast_1d, [R(), R(1), R(7), R(2, 4, 5)]),
    row(np.atleast_2d, [R(), R(1), R(7), R(1, 4), R(2, 4, 5)]),
    row(np.broadcast_to, [R(1), R(4), R(3, 1)], [(3, 4), (2, 3, 4)]),
    row(np.take, [R(4, 5)], [0, [0, 2, 0], [[1, -1], [3, 0]]], axis=[None, 0, 1]),
    row(np.pad, [R(3, 4)], [1, (1, 2), ((1, 2), (0, 3))]),
    row(np.concatenate, [(R(1), R(3)), [R(2, 2), R(2, 2)], (R(2, 2, 2), R(2, 2, 2))], axis=[0, 1, 2, None, -1]),
    row(np.concatenate, [[R(5, 6, 4), R(4, 6, 4)]]),
    row(np.stack, [(R(2),), (R(2), R(2)), [R(), R(), R()], [R(2, 3), R(2, 3)]], axis=[0, 1, -1]),
    *(row(f, [[R(2), R(2)], [R(2, 3), R(2, 3)], [R(2, 3, 4), R(2, 3, 4)]]) for f in (np.vstack, np.hstack, np.dstack)),
    row(np.vstack, [[R(2, 4), R(1, 4)], [R(2, 3, 4), R(5, 3, 4)]]),
    row(np.hstack, [[R(3, 4), R(3, 5)], [R(2, 1, 4), R(2, 5, 4)]]),
    row(np.column_stack, [[R(2), R(2)], [R(2, 2), R(2, 3)], [R(2), R(2, 3)]]),
    row(np.append, [R(3), R(2, 2)], [R(), R(2), R(3, 2)], axis=[None, 0]),
    *(row(f, [R(4, 8)], [4, [1, 2]], axis=[0, 1]) for f in (np.split, np.array_split)),
    row(np.array_split, [R(7), R(7, 7), R(7, 7, 7)], [4, [3, 5]], axis=[0, 1, 2]),
    row(np.split, [R(4, 4, 4)], [2, [1, 2]], axis=[0, 1, 2]),
    row(np.sort, [R(7)]),
    row(np.atleast_3d, [R(), R(1), R(7), R(2, 4), R(2, 4, 5)]),
    row(np.rollaxis, [R(2, 3, 4)], axis=[0, 1, 2], start=[0, 1, 2, 3]),
    row(np.nan_to_num, [R(4), R(2, 3)]),
    row(np.pad, [R(3, 4)], [1, ((1, 2), (0, 3))], mode=["edge", "reflect", "symmetric", "wrap", "linear_ramp"]),
    row(np.pad, [R(2, 3)], [((5, 4), (0, 7))], mode=["edge", "reflect", "symmetric", "wrap"]),
    row(np.pad, [R(4), R(2, 3, 2)], [0, 2], mode=["linear_ramp"], end_values=[0, 1.5]),
    row(
        np.pad,
        [R(4), R(4, 3)],
        [0, 1, (0, 2)],
        mode=["mean", "median", "maximum", "minimum"],
        stat_length=[None, 1, 2, (1, 3)],
    ),
    row(np.delete, [R(3, 4), R(5, 4)], [1, -1, [0, 2], slice(1, None), np.array([1, 1])], axis=[None, 0, 1]),
    row(
        np.insert,
        [R(3, 4)],
        [1, -1, [1], [0, 2], slice(0, 2)],
        [R(), R(1), R(3), R(4), R(2, 4), R(3, 2)],
        axis=[None, 0, 1],
    ),
    row(np.resize, [R(3, 4)], [7, (2, 3), (5, 4), (0,)]),
    row(np.diagflat, [R(3), R(2, 2)], k=[-1, 0, 2]),
    row(np.compress, [np.array([True, False, True])], [R(3, 4), R(5)], axis=[None, 0, 1]),
    row(np.extract, [R(3, 4) > 0], [R(3, 4)]),
    row(np.choose, [np.array([[0, 1, 0], [1, 1, 0]])], [[R(2, 3), R(3)], [R(), R(2, 1)]]),
    *(row(f, [R(4, 4, 8), R(8)], [2, [1, 3]]) for f in (np.hsplit, np.vsplit, np.dsplit)),
    row(np.linspace, [R(), R(3), R(2, 1)], [R(), R(3)], num=[0, 1, 2, 5], endpoint=[True, False], axis=[0, -1]),
    row(np.logspace, [R(), R(3)], [R(), R(3)], num=[1, 4], endpoint=[True, False], base=[10.0, 2], axis=[0, -1]),
    row(
        np.geomspace,
        [between(0.3, 2)(), between(0.3, 2)(3)],
        [between(2, 9)(), between(2, 9)(3)],
        num=[1, 4],
        axis=[0, -1],
    ),
    row(lambda *x, **options: np.stack(np.meshgrid(*x, **options)), [R(3), R()], [R(4), R(1)], indexing=["xy", "ij"]),
    row(lambda *x: np.meshgrid(*x, sparse=True)[1], [R(3), R()], [R(4), R(1)]),
    row(np.vander, [R(4)], [None, 0, 2, 5], increasing=[False, True]),
    row(np.ediff1d, [R(1), R(4), R(2, 3)], to_end=[None, R(2)], to_begin=[None, R(1)]),
    row(np.block, [[R(2), R(3)], [R(2, 2), R(2, 1)], [R(), R(3)]]),
    row(np.unique, [R(4), R(2, 3)]),
    row(partial(np.apply_along_axis, np.cumsum), [0, 1, -1], [R(3, 4), R(2, 3, 4)]),
    row(partial(np.apply_along_axis, lambda t: np.outer(t, t[:2])), [0, 1], [R(3, 4)]),
    row(partial(np.apply_along_axis, np.sum), [0, 1], [R(3, 4), R(2, 3, 4)]),
    row(partial(np.apply_over_axes, np.sum), [R(2, 3, 4)], axes=[0, [0, 2], (1, -1)]),
]
PRODUCTS = [
    row(np.dot, [R(), R(3), R(2, 3), R(2, 2, 3)], [R(), R(3), R(3, 4), R(2, 3, 4)]),
    row(np.inner, [R(), R(3), R(2, 3)], [R(), R(3), R(4, 3)]),
    row(np.matmul, [R(3), R(2, 3), R(2, 2, 3), R(1, 2, 3)], [R(3), R(3, 4), R(2, 3, 4), R(5, 1, 3, 4), R(1, 3, 1)]),
    row(np.outer, [R(5), R(2, 3)], [R(4), R(2, 2)]),
    row(np.kron, [R(5, 5), R(4, 4), R(3)], [R(3, 3), R(2, 2), R(2, 1, 2)]),
    row(np.tensordot, [R(1, 3), R(2, 3, 2)], [R(3), R(3, 1), R(3, 4, 2)], axes=[[(1,), (0,)]]),
    row(np.tensordot, [R(3), R(3, 1), R(3, 4, 2)], [R(1, 3), R(2, 3, 2)], axes=[[(0,), (1,)]]),
    row(np.tensordot, [R(2, 3), R(2, 3, 4)], [R(1, 2, 3), R(2, 2, 3, 4)], axes=[[(0, 1), (1, 2)], [(1, 0), (2, 1)]]),
    row(np.tensordot, [R(2, 2), R(4, 2, 2)], [R(2, 2), R(2, 2, 4)], axes=[1, 2, 0]),
    row(np.tensordot, [R(4)], [R()], axes=[0]),
    row(np.tensordot, [R(2, 6)], [R(6, 3)], axes=[[[-1], [0]]]),
    row(np.vdot, [R(4), R(2, 2)], [R(4), R(2, 2)]),
    row(np.cross, [R(3), R(3, 3)], [R(3, 3)], axis=[-1, 0, 1]),
    row(np.convolve, [R(5), R(2)], [R(3), R(2), R(1), R(6)], mode=["full", "same", "valid"]),
    row(np.correlate, [R(5), R(2)], [R(3), R(2), R(1), R(6)], mode=["full", "same", "valid"]),
    row(np.linalg.inv, APART),
    row(np.linalg.det, APART),
    row(lambda a: np.linalg.slogdet(a)[1], [*APART, -APART[0], *PSD]),
    row(np.linalg.solve, APART[:1], [R(4), R(4, 3), R(2, 4, 3)]),
    row(np.linalg.solve, APART[1:2], [R(2, 4, 1), R(2, 4, 3), R(4, 2), R(1, 4, 2)]),
    row(np.linalg.matrix_power, APART[:2], [0, 1, 3, -1]),
    row(np.linalg.multi_dot, [[R(2, 3), R(3, 4), R(4, 2)]]),
]


def by_axes(*lists):
    """The sum with its axes in lists, one an array, and one of the result."""

    def einsum(*arrays):
        pairs = zip(arrays, lists, strict=False)
        return np.einsum(*itertools.chain(*pairs), *lists[len(arrays) :])

    return einsum


def sums():
    """The equations of einsum, on operands of sizes 2, 3, 4, one a letter."""
    equations = (
        "ij->ji ij,jk->ik ijk,lji->lki ijk,lji,lli->lki i,j,k->ijk ij,j->i ijk,j->i iji,i->j ij,ij-> nij,jk->nik"
    )
    equations += (
        " sa,shb->shab ijk->j ijk->kij ijk->ki ii-> ij-> iii-> ii->i iij->i iii->i iijkk->i iijkk->ik iijkl->il"
    )
    equations += (
        " ij->ij ijj,k->ik ij,ij,jk->ik abc,bad->abcd abcdef,bcdfg->abcdeg ea,fb,abcd,gc,hd->efgh ab,b aa a,a->"
    )
    equations += " a,a->a a,a a,b a,b,c a ba,b ba,b-> defab,fedbc->defac aa->a ab,ab,c->c aab,bc->ac aab,bcc->ac"
    equations += " fdf,cdd,ccd,afe->ae fff,fae,bef,def->abd ij,jkl,klm ntk,kd,dc->nc ijkl,ijml->ijkm ij,jk"
    for equation in equations.split():
        sizes = dict(zip(dict.fromkeys(c for c in equation if c.isalpha()), itertools.cycle([2, 3, 4]), strict=False))
        operands = [R(*(sizes[c] for c in term)) for term in equation.split("->")[0].split(",")]
        yield pytest.param(np.einsum, ([equation], *([a] for a in operands)), {}, id=equation)
    dots = [R(3, 4, 4)], [R(3, 4, 4), R(1, 4, 4), R(4, 4)]
    yield row(
        np.einsum, ["...jk,...lj->...lk", "...,...->...", "...jk,...kl", "i...,...i->...", "...jj,jk->...k"], *dots
    )
    yield row(np.einsum, ["...", "...->...", "...i", "i...", "...ij->...ji"], [R(3, 4, 4), R(2, 3)])
    yield row(by_axes([0, 1], [1, 2], [0, 2]), [R(2, 3)], [R(3, 4)])
    yield row(by_axes([0, 1], [1, 2]), [R(2, 3)], [R(3, 4)])
    yield row(by_axes([..., 0, 1], [..., 1, 2], [..., 2, 0]), [R(5, 2, 3)], [R(3, 4), R(5, 3, 4)])
    yield row(by_axes([0, 0], [0]), [R(3, 3)])
    for shapes in (((3, 4, 5), (3, 1, 6)), ((1, 4, 5), (3, 5, 6)), ((1, 4, 5), (3, 1, 6))):
        yield row(np.einsum, ["cij,cjk->cik"], *([R(*s)] for s in shapes))


K, J = np.array([0, 2]), np.array([-1, 2])
KEYS = {
    (): [None, (None, None), (..., None), ()],
    (3,): [1, -1, slice(None), ..., None, (), np.array([0, 1]), np.array([-2, -1]), np.array([[0, 0]]), np.array([0, 1, 0])],
    (0,): [np.array([], int), slice(None)],
    (10,): [slice(1, 3), slice(1, -1), slice(None, -1), slice(3, 1, -1), slice(1, 8, -1), slice(None, 1, -2),
            slice(None, None, -1), slice(0, 8, 3), slice(1, None, 2)],
    (10, 8): [slice(-3, None), slice(0, 8, -1), (slice(1, 3), slice(0, 2)), (slice(None, None, -1), slice(None, 2)),
              (1, slice(None)), (slice(None, None, -2), slice(None, 1, -2))],
    (3, 3): [(2, 1), np.array([1, 2, 1]), np.array([[1, 2, 1], [0, 1, -1]]), (np.array([0, 1]), np.array([1, 2])),
             (np.array([[0, 1]]), np.array([1, 2])), np.eye(3) > 0, np.array([True, False, True])],
    (3, 2, 3): [(0, slice(None), np.arange(3)), (np.int32(1), slice(None), np.arange(3)), (np.array(2), slice(None), np.arange(3))],
    (3, 4, 5): [2, (1, 2), (-1, 2), (1, 2, 3), (0, ...), (..., 2, 3), (1, None, ...), np.array([0, 2, 0, 1]),
                np.array([[0, 2, 0, 1], [-1, -2, 1, 0]]), (np.array([0, 2, 0, 1]), np.array([-1, 0, -1, 2])),
                (np.array([[0, 2, 0, 1]]), np.array([-1, 0, -1, 2])), ([0, 1],), ([[0], [-1]], [[2, 3, 0, 3]]),
                (0, np.array([0, 1])), (0, 1, np.array([[2, 3, 0, 3]])), ([0, 1], np.array([0])),
                (..., K, slice(None)), (..., np.array([[0, 2], [1, 1]]), slice(None)), (..., K, J), (K, ..., J), (K, J, ...),
                (K, J, slice(1, 3)), (K, slice(1, 3), J), (np.array([0, 2, -2]), slice(None, None, 2), np.array([-1, 2, -1])),
                (K, None, J), (K, None, None, J), (..., K, None, None, J), (..., np.array(1, np.int32)),
                (np.array([[0, 2], [2, 0]]), ..., np.array([[1, 0], [1, 0]])), (np.array([True, False, True]), 2)],
}  # fmt: skip
INDEXED = [pytest.param(operator.getitem, ([R(*shape)], keys), {}, id=f"{shape}") for shape, keys in KEYS.items()]


BILINEAR = {np.dot, np.inner, np.matmul, np.outer, np.kron, np.tensordot, np.vdot, np.cross, np.convolve, np.correlate}
BILINEAR |= {np.linalg.solve}


def cases(function, arguments, options):
    """Every combination that runs on plain arrays: a program of one vector of all numbers, and that vector."""
    for values in itertools.product(*arguments, *options.values()):
        args, kwargs = values[: len(arguments)], dict(zip(options, values[len(arguments) :], strict=True))
        places = [(i, None) for i, a in enumerate(args) if is_array(a)]
        places += [
            (i, j) for i, a in enumerate(args) if type(a) in (list, tuple) for j, b in enumerate(a) if is_array(b)
        ]

        def call(arrays, places=places, args=args, kwargs=kwargs):
            new = [list(a) if type(a) is tuple and len(a) and is_array(a[0]) else a for a in args]
            for (i, j), a in zip(places, arrays, strict=True):
                if j is None:
                    new[i] = a
                else:
                    new[i] = [*new[i][:j], a, *new[i][j + 1 :]]
            y = function(*new, **kwargs)
            return y[-1] if isinstance(y, list) else y  # of a split, the last part

        arrays = [args[i] if j is None else args[i][j] for i, j in places]
        try:
            with np.errstate(all="ignore"):
                y = call(arrays)
        except (ValueError, IndexError, TypeError):  # no such axis, or shapes that do not fit
            continue
        if np.all(np.isfinite(y)):
            yield (values, *together(call, arrays))
            if function in BILINEAR:  # also in one argument, the other a constant
                yield (values, *together(lambda a, call=call, b=arrays[1]: call([*a, b]), arrays[:1]))
                yield (values, *together(lambda b, call=call, a=arrays[0]: call([a, *b]), arrays[1:]))


def is_array(a):
    return isinstance(a, (np.ndarray, np.floating)) and a.dtype.kind == "f"


def together(call, arrays):
    theta, unravel = ravel(arrays)
    return lambda theta: call(unravel(theta)), theta


SECOND_ORDER = [partial(hvp, method=method) for method in ("dual", "complex_step", "double_backprop")]
SECOND_ORDER += [lambda loss, theta, v: hessian(loss, theta) @ v]


def agree(function, arguments, options):
    tried = 0
    with np.errstate(all="ignore"):
        for values, program, theta in cases(function, arguments, options):
            tried += 1
            v, y = np.random.default_rng(tried).standard_normal(theta.shape), program(theta)
            w = np.random.default_rng(-tried % 1000).uniform(0.5, 1.5, np.shape(y))[()]
            exact = extrapolated_difference(program, theta, v, 2.0**-14)
            if not np.all(np.isfinite(exact)) or (function is np.std and not np.all(y)):  # it has a kink at 0
                continue
            where = {"err_msg": str(values)}
            near = {"rtol": 1e-7, "atol": 1e-8, **where}
            value, tangent = jvp(program, theta, v)
            np.testing.assert_allclose(value, y, rtol=1e-13, atol=1e-14, **where)
            np.testing.assert_allclose(tangent, exact, **near)
            np.testing.assert_allclose(complex_step(program, theta, v), exact, **near)
            assert np.shape(tangent) == np.shape(y), values

            def loss(theta, program=program, w=w):
                return np.sum(w * np.sin(program(theta)))

            g = grad(loss)(theta)
            np.testing.assert_allclose(g, vjp(program, theta)[1](w * np.cos(y)), rtol=1e-11, atol=1e-12, **where)
            np.testing.assert_allclose(np.vdot(g, v), np.sum(w * np.cos(y) * exact), **near)
            curvature = jvp(lambda x, loss=loss, v=v: jvp(loss, x, v)[1], theta, v)[1]
            near = {"rtol": 1e-9, "atol": 1e-9, **where}
            product = SECOND_ORDER[tried % len(SECOND_ORDER)](loss, theta, v)  # each route in its turn
            np.testing.assert_allclose(np.vdot(product, v), curvature, **near)
    assert tried


@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:Mean of empty", CONSTANT)
@pytest.mark.parametrize(("function", "arguments", "options"), [*ELEMENTWISE, *REDUCED, *SHAPED])
def test_elementwise_functions_reductions_and_shapes(function, arguments, options):
    agree(function, arguments, options)


@pytest.mark.filterwarnings(CONSTANT)
@pytest.mark.parametrize(("function", "arguments", "options"), [*PRODUCTS, *sums()])
def test_products(function, arguments, options):
    agree(function, arguments, options)


@pytest.mark.parametrize(("function", "arguments", "options"), INDEXED)
def test_indexing(function, arguments, options):
    agree(function, arguments, options)


REFUSED = [
    row(np.linalg.svd, [R(3, 5)]),
]


@pytest.mark.parametrize(("function", "arguments", "options"), REFUSED)
def test_what_those_suites_have_and_this_table_has_not_is_refused(function, arguments, options):
    for values in itertools.product(*arguments, *options.values()):
        args, kwargs = list(values[: len(arguments)]), dict(zip(options, values[len(arguments) :], strict=True))
        place = next(i for i, a in enumerate(args) if not isinstance(a, str))

        def loss(theta, args=args, kwargs=kwargs, place=place):
            x = [theta, theta] if isinstance(args[place], list) else theta
            return np.sum(function(*args[:place], x, *args[place + 1 :], **kwargs))

        theta = args[place][0] if isinstance(args[place], list) else args[place]
        with pytest.raises(UnsupportedError, match="Instead: "):
            grad(loss)(theta)
