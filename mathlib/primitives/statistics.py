"""Rows of the table: statistics of samples, the calculus of tables of numbers, polynomials by their coefficients."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from mathlib.arithmetic import Number, composite, discrete, is_differentiated, operand, real_value, unsupported
from mathlib.primitives.reductions import kept, reduced_first
from mathlib.primitives.shapes import assemble

discrete(np.nanargmax, np.nanargmin)


def constant(a, x):
    """A plain array in the precision of x."""
    return a if isinstance(a, Number) else np.asarray(a, np.result_type(x.dtype, np.float16))


# ------------------------------------------------------------------- what passes over a NaN


def filled(x, number):
    """The array with a number in the place of each NaN."""
    return np.where(np.isnan(x), number, x)


def present(x, where):
    """Where x is not NaN, of `where`."""
    hidden = np.isnan(x)
    return where & ~hidden if np.any(hidden) else where


@composite(np.nansum)
def nansum(x, /, axis=None, keepdims=False, initial=np._NoValue, where=True):
    return np.sum(filled(x, 0), axis, keepdims=keepdims, initial=initial, where=where)


@composite(np.nanprod)
def nanprod(x, /, axis=None, keepdims=False, initial=np._NoValue, where=True):
    return np.prod(filled(x, 1), axis, keepdims=keepdims, initial=initial, where=where)


@composite(np.nancumsum)
def nancumsum(x, /, axis=None):
    return np.cumsum(filled(x, 0), axis)


@composite(np.nancumprod)
def nancumprod(x, /, axis=None):
    return np.cumprod(filled(x, 1), axis)


def nan_extremum(function, last):
    """The program of an extremum; of nothing but NaN it is NaN."""

    def extremum(x, /, axis=None, keepdims=False, initial=np._NoValue, where=np._NoValue):
        hidden = np.isnan(x) & ~np.all(np.isnan(x), axis, keepdims=True)
        return function(np.where(hidden, last, x), axis, keepdims=keepdims, initial=initial, where=where)

    return extremum


composite(np.nanmax)(nan_extremum(np.max, -np.inf))
composite(np.nanmin)(nan_extremum(np.min, np.inf))


@composite(np.nanmean)
def nanmean(x, /, axis=None, keepdims=False, where=True):
    return np.mean(filled(x, 0), axis, keepdims=keepdims, where=present(x, where))


@composite(np.nanvar)
def nanvar(x, /, axis=None, *, ddof=0, correction=None, keepdims=False, where=True, mean=None):
    ddof, where = ddof if correction is None else correction, present(x, where)
    return np.var(filled(x, 0), axis, ddof=ddof, keepdims=keepdims, where=where, mean=mean)


@composite(np.nanstd)
def nanstd(x, /, axis=None, *, ddof=0, correction=None, keepdims=False, where=True, mean=None):
    ddof = ddof if correction is None else correction
    return np.sqrt(nanvar(x, axis, ddof=ddof, keepdims=keepdims, where=where, mean=mean))


@composite(np.nanmedian)
def nanmedian(x, /, axis=None, overwrite_input=False, keepdims=False):
    return np.nanquantile(x, 0.5, axis, keepdims=keepdims)


# -------------------------------------------------------------------------------- quantiles


def places(function, q, count, last, method):
    """Where the quantiles stand among so many sorted numbers.

    Every method goes from one of them to the next in proportion, so that its quantile of 0, 1, 2, ... is the place.
    The NaNs come last, and a count of 0 asks for them.
    """
    if np.any((real_value(q) < 0) | (real_value(q) > 1)):
        raise ValueError("a quantile is outside of [0, 1] (of a percentile: [0, 100]).")
    shape = np.shape(q) + count.shape
    if method == "linear":
        q = np.reshape(q, np.shape(q) + (1,) * count.ndim)
        return np.broadcast_to(np.where(count > 0, q * (count - 1), last), shape)
    if is_differentiated(q):
        raise unsupported(function, [q], f"the quantiles of method={method!r} jump", "method='linear'")
    y, count = np.full(shape, last, float), np.array(real_value(count).tolist())
    for n in np.unique(count[count > 0]):
        y[..., count == n] = np.quantile(np.arange(n), q, method=method)[..., None]
    return y


def quantiles(function, x, q, axis, method, keepdims, skips):
    """The quantiles of x along some axes, these first; `skips`: those of the numbers that are not NaN."""
    y = np.sort(reduced_first(x, axis), axis=0)
    known, last = np.sum(~np.isnan(y), 0), len(y) - 1
    count = known if skips else np.where(known == len(y), known, 0)
    place = places(function, q, count, last, method)
    top = np.where(count > 0, count - 1, last)
    below = np.clip(np.floor(real_value(place)).astype(int), 0, np.maximum(top - 1, 0))
    t = place - below
    t = t if isinstance(t, Number) else t.astype(y.dtype)
    a, b = (
        np.reshape(np.take_along_axis(y, np.reshape(i, (-1, *y.shape[1:])), 0), below.shape)
        for i in (below, np.minimum(below + 1, top))
    )
    y = a + (b - a) * t
    return np.reshape(y, np.shape(q) + np.shape(kept(count, x, axis))) if keepdims else y


@composite(np.quantile)
def quantile(x, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False):
    return quantiles(np.quantile, x, q, axis, method, keepdims, skips=False)


@composite(np.percentile)
def percentile(x, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False):
    return quantiles(np.percentile, x, np.divide(q, 100), axis, method, keepdims, skips=False)


@composite(np.nanquantile)
def nanquantile(x, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False):
    return quantiles(np.nanquantile, x, q, axis, method, keepdims, skips=True)


@composite(np.nanpercentile)
def nanpercentile(x, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False):
    return quantiles(np.nanpercentile, x, np.divide(q, 100), axis, method, keepdims, skips=True)


@composite(np.partition)
def partition(x, /, kth, axis=-1, kind="introselect"):
    if axis is None:
        x, axis = np.ravel(x), -1
    plain = real_value(x)
    order, places = (np.argsort(y, axis, "stable") for y in (plain, np.partition(plain, kth, axis, kind)))
    return np.take_along_axis(x, np.take_along_axis(order, np.argsort(places, axis), axis), axis)


# ------------------------------------------------------------------- covariances and counts


@composite(np.cov)
def cov(m, /, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    m = variables(m, rowvar)
    if y is not None:
        m = np.concatenate([m, variables(operand(np.cov, y, [m, y]), rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    frequency, weight = (constant(1 if w is None else operand(np.cov, w, [m, w]), m) for w in (fweights, aweights))
    w = np.broadcast_to(frequency * weight, m.shape[1:])
    total = np.sum(w)
    d = m - (m @ w / total)[:, None]
    return np.squeeze((d * w) @ d.T / np.maximum(total - ddof * np.sum(w * weight) / total, 0))


def variables(x, rowvar):
    """The samples as a matrix, each variable a row."""
    if np.ndim(x) > 2:
        raise ValueError(f"the samples have {np.ndim(x)} dimensions: at most two are needed.")
    return x[None, :] if np.ndim(x) == 1 else np.reshape(x, (1, 1)) if np.ndim(x) == 0 else x if rowvar else x.T


@composite(np.corrcoef)
def corrcoef(x, /, y=None, rowvar=True):
    c = np.cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    # NumPy cuts what rounding leaves beyond 1: at the cut, a second derivative would be lost.
    return c / deviation[:, None] / deviation


@composite(np.bincount)
def bincount(x, /, weights=None, minlength=0):
    if is_differentiated(x):
        raise unsupported(np.bincount, [x], "the places have no derivative", "constant integers, with weights=")
    weights = np.reshape(operand(np.bincount, weights, [weights]), np.shape(x))
    return assemble([weights], [x], (len(np.bincount(x, minlength=minlength)),))


@composite(np.histogram)
def histogram(a, bins=10, range=None, density=None, weights=None):
    a = operand(np.histogram, a, [a, weights])
    given = [a, bins, weights]
    if is_differentiated(bins) or (is_differentiated(a) and np.ndim(bins) == 0 and range is None):
        raise unsupported(np.histogram, given, "the edges of the bins would follow the numbers", "constant bins=[...]")
    plain = np.histogram(real_value(a), bins, range, density, real_value(weights))
    if not isinstance(operand(np.histogram, 0 if weights is None else weights, given), Number):
        return plain
    edges = plain[1]
    place = np.where(a == edges[-1], len(edges) - 2, np.searchsorted(edges, a, "right") - 1)
    inside = (place >= 0) & (place < len(edges) - 1)
    y = np.bincount(place[inside], np.reshape(weights, np.shape(a))[inside], len(edges) - 1)
    return (y / np.sum(y) / constant(np.diff(edges), y) if density else y), edges


# ---------------------------------------------------------------------------------- calculus


@composite(np.interp)
def interp(x, xp, fp, /, left=None, right=None, period=None):
    """Linear interpolation; the slope at a knot is that to its right."""
    if period is not None:
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    i = np.clip(np.searchsorted(real_value(xp), real_value(x), "right") - 1, 0, max(len(xp) - 2, 0))
    j = np.minimum(i + 1, len(xp) - 1)
    step = xp[j] - xp[i]
    y = fp[i] + (fp[j] - fp[i]) / np.where(step == 0, 1, step) * (x - xp[i])
    y = np.where(x >= xp[-1], fp[-1], y)
    y = y if right is None or period is not None else np.where(x > xp[-1], right, y)
    return np.where(x < xp[0], fp[0] if left is None or period is not None else left, y)


@composite(np.gradient)
def gradient(f, /, *spacing, axis=None, edge_order=1):
    axes = normalize_axis_tuple(range(np.ndim(f)) if axis is None else axis, np.ndim(f))
    spacing = spacing or (1.0,)
    spacing = spacing * len(axes) if len(spacing) == 1 and np.ndim(spacing[0]) == 0 else spacing
    if len(spacing) != len(axes):
        raise TypeError(f"{len(spacing)} spacings came for {len(axes)} axes.")
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order is {edge_order}: 1 or 2 is needed.")
    y = tuple(
        np.moveaxis(slopes(np.moveaxis(f, i, 0), h, edge_order), 0, i) for i, h in zip(axes, spacing, strict=True)
    )
    return y[0] if len(y) == 1 else y


def slopes(f, h, edge_order):
    """The derivative along the first axis, of second order inside: of the parabola through three neighbours."""
    n = len(f)
    if n < edge_order + 1:
        raise ValueError(f"of {n} numbers there is no difference of order {edge_order}.")
    if np.ndim(h) and np.shape(h) != (n,):
        raise ValueError(f"the coordinates have shape {np.shape(h)}: ({n},) is needed.")
    h = constant(np.diff(h) if np.ndim(h) else h, f)
    h = np.reshape(np.broadcast_to(h, n - 1), (n - 1,) + (1,) * (f.ndim - 1))
    d = np.diff(f, axis=0) / h
    if n == 2:
        return np.concatenate([d, d])
    bend = (d[1:] - d[:-1]) / (h[1:] + h[:-1])
    first, last = d[:1], d[-1:]
    if edge_order == 2:
        first, last = first - bend[:1] * h[:1], last + bend[-1:] * h[-1:]
    return np.concatenate([first, d[:-1] + bend * h[:-1], last])


@composite(np.unwrap)
def unwrap(p, /, discont=None, axis=-1, *, period=2 * np.pi):
    plain = real_value(p)
    return p + (np.unwrap(plain, discont, axis, period=period) - plain)


# ------------------------------------------------------------------------------- polynomials


@composite(np.polyadd)
def polyadd(a, b, /):
    a, b = (np.atleast_1d(p) for p in (a, b))
    n = max(len(a), len(b))
    a, b = (np.concatenate([np.zeros(n - len(p), p.dtype), p]) for p in (a, b))
    return a + b


@composite(np.polysub)
def polysub(a, b, /):
    return np.polyadd(a, -b)


@composite(np.polymul)
def polymul(a, b, /):
    return np.convolve(*(leading(p) for p in (a, b)))


def leading(p):
    """The coefficients from the leading one on, as NumPy takes them."""
    p = np.atleast_1d(p)
    if isinstance(p, Number) and real_value(p)[0] == 0:
        reason, instead = "NumPy cuts a leading coefficient off where it is 0", "np.convolve(a, b)"
        raise unsupported(np.polymul, [p], reason, instead)
    return p[np.argmax(p != 0) :] if np.any(p != 0) else p[-1:]


@composite(np.polyder)
def polyder(p, /, m=1):
    if m < 0:
        raise ValueError(f"m is {m}: an order of 0 or more is needed.")
    for _ in range(int(m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1).astype(p.dtype)
    return p


@composite(np.polyint)
def polyint(p, /, m=1, k=None):
    if m < 0:
        raise ValueError(f"m is {m}: an order of 0 or more is needed.")
    m = int(m)
    k = np.zeros(m, p.dtype) if k is None else np.reshape(operand(np.polyint, k, [p, k]), -1)
    for constant in np.broadcast_to(k, m) if len(k) == 1 else k[:m]:
        p = np.concatenate([p / np.arange(len(p), 0, -1).astype(p.dtype), constant[None]])
    return p


@composite(np.poly)
def poly(zeros, /):
    if np.ndim(zeros) > 1:
        reason, instead = "of a matrix it has no rule", "np.linalg.det(x * np.eye(n) - A) at the points x of interest"
        raise unsupported(np.poly, [zeros], reason, instead)
    y, zero = np.ones(1, zeros.dtype), np.zeros(1, zeros.dtype)
    for root in np.atleast_1d(zeros):
        y = np.concatenate([y, zero]) - root * np.concatenate([zero, y])
    return y


@composite(np.polyfit)
def polyfit(x, y, /, deg, rcond=None, w=None):
    weights = constant(1 if w is None else operand(np.polyfit, w, [x, y, w]), x)
    rank = np.polyfit(real_value(x), real_value(y), deg, rcond, full=True, w=real_value(w))[2]
    if rank <= deg:
        reason, instead = f"{rank} numbers are known of {deg + 1} coefficients", "a lower degree"
        raise unsupported(np.polyfit, [x, y, w], reason, instead)
    a = (constant(np.vander(x, deg + 1), x).T * weights).T
    # In a basis of polynomials that are orthonormal on these points, normal equations lose no digits.
    r = np.linalg.qr(real_value(a), "r")
    a = np.linalg.solve(r.T, a.T)
    return np.linalg.solve(r, np.linalg.solve(a @ a.T, a @ (y.T * weights).T))
