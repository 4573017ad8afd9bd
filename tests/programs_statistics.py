"""Programs and derivatives of the rows of `mathlib.primitives.statistics`: see `programs.py`."""

import mpmath as mp
import numpy as np

from mathlib.primitives.elementary import bessel_slope, sinc_slope
from mathlib.primitives.fourier import fft_parts, irfft_parts, rfft_parts

A = np.random.default_rng(6).standard_normal((3, 5))
H = np.array([1.0, 2.0 - 1.0j, 0.5j, -1.0])
NAN = np.where(A > 0.8, np.nan, A)
KNOTS = np.array([-1.2, -0.3, 0.4, 1.7])

ORACLE = {
    np.sinc: (mp.sincpi, (0.05, 1.0)),
    np.i0: (lambda x: mp.besseli(0, x), (0.05, 5.0)),
    np.nextafter: (lambda a, b: a, (0.05, 5.0)),
}


def parts(z):
    """The real and the imaginary part of a complex array, as one array."""
    return np.stack([z.real, z.imag])


LINEAR = {
    np.ldexp: [(lambda x: np.ldexp(x, 3), (2, 3)), (lambda x: np.ldexp(x, [[1], [-2]]), (3,))],
    np.frexp: [(lambda x: np.frexp(np.full(3, 5.0) + 0.1 * x)[0], (3,))],
    np.modf: [(lambda x: np.modf(7.5 + 0.01 * x)[0], (3,))],
    np.divmod: [(lambda x: divmod(7.5 + 0.01 * x, 2.0)[1], (3,))],
    np.real_if_close: [(np.real_if_close, (3,))],
    np.nansum: [(lambda x: np.nansum(x + NAN, axis=1), (5,)), (lambda x: np.fmax.reduce(x), (1,))],
    np.nancumsum: [(lambda x: np.nancumsum(x + NAN, axis=1), (3, 5))],
    np.nanmean: [(lambda x: np.nanmean(x + NAN, axis=0), (3, 5))],
    np.add.reduceat: [(lambda x: np.add.reduceat(x, [0, 2, 1, 3], axis=1), (2, 5))],
    np.bincount: [(lambda x: np.bincount([0, 2, 2, 1], x, 5), (4,))],
    np.histogram: [(lambda x: np.histogram(A[0], [-1.0, 0.0, 0.5, 2.0], weights=x)[0], (5,)),
                   (lambda x: np.histogram(A, 4, weights=x)[0], (3, 5))],
    np.gradient: [(np.gradient, (5,)), (lambda x: np.gradient(x, A[0].cumsum(), axis=1, edge_order=2), (2, 5))],
    np.ediff1d: [(np.ediff1d, (2, 3))],
    np.unwrap: [(lambda x: np.unwrap(0.01 * x + np.array([0.0, 4.0, -3.0])), (3,))],
    np.polyadd: [(lambda x: np.polyadd(x, A[0]), (3,))],
    np.polysub: [(lambda x: np.polysub(A[0], x), (3,))],
    np.polymul: [(lambda x: np.polymul([0.0, 2.0, 1.0], x), (3,))],
    np.polyder: [(lambda x: np.polyder(x, 2), (5,))],
    np.polyint: [(lambda x: np.polyint(x, 2, k=[1.0, -1.0]), (3,))],
    rfft_parts: [(lambda x: rfft_parts(x, 5, -2, None), (4, 3))],
    irfft_parts: [(lambda x: irfft_parts(x, 5, -1, "ortho"), (2, 4)), (lambda x: irfft_parts(x, 8, -2, None), (2, 3, 2))],
    fft_parts: [(lambda x: fft_parts(x, 3, -1, "forward", False), (2, 4)), (lambda x: fft_parts(x, 5, -1, None, True), (2, 4))],
    np.fft.rfft: [(lambda x: parts(np.fft.rfft(x)), (6,)), (lambda x: parts(np.fft.rfft(x, 5, 0, "ortho")), (6, 2))],
    np.fft.irfft: [(lambda x: np.fft.irfft(H * np.fft.rfft(x)), (6,)), (lambda x: np.fft.irfft(np.fft.rfft(x) / H, 7), (6,))],
    np.fft.fft: [(lambda x: parts(np.fft.fft(x, axis=0)), (4, 2))],
    np.fft.ifft: [(lambda x: np.fft.ifft(np.conj(np.fft.fft(x))).real, (5,))],
    np.fft.hfft: [(lambda x: np.fft.hfft(x), (4,))],
    np.fft.ihfft: [(lambda x: np.fft.hfft(H * np.fft.ihfft(x, norm="forward"), 6, norm="ortho"), (6,))],
    np.fft.rfft2: [(lambda x: parts(np.fft.rfft2(x)), (3, 4))],
    np.fft.irfft2: [(lambda x: np.fft.irfft2(np.fft.rfft2(x) * 1j, (3, 4)), (3, 4))],
    np.fft.fft2: [(lambda x: np.fft.fft2(x).imag, (2, 3, 2))],
    np.fft.ifft2: [(lambda x: np.fft.ifft2(x, s=(2, 4)).imag, (3, 3))],
    np.fft.rfftn: [(lambda x: parts(np.fft.rfftn(x, axes=(2, 0))), (2, 3, 4))],
    np.fft.irfftn: [(lambda x: np.fft.irfftn(x, s=(2, -1, 4), axes=(0, 1, 2)), (2, 3, 3))],
    np.fft.fftn: [(lambda x: parts(np.fft.fftn(x)), (2, 3, 2))],
    np.fft.ifftn: [(lambda x: parts(np.fft.ifftn(x, norm="ortho")), (2, 3))],
    np.fft.fftshift: [(np.fft.fftshift, (2, 3)), (lambda x: np.fft.fftshift(np.fft.fft(x)).imag, (4,))],
    np.fft.ifftshift: [(lambda x: np.fft.ifftshift(x, axes=1), (2, 3))],
}  # fmt: skip
if hasattr(np, "cumulative_sum"):
    LINEAR[np.cumulative_sum] = [(lambda x: np.cumulative_sum(x, include_initial=True), (4,))]


def accumulate(function):
    return [(lambda x: function.accumulate(x), (7,)), (lambda x: function.accumulate(x, 1), (2, 4))]


def reduceat(function):
    return [(lambda x: function.reduceat(x, [0, 2, 1, 3]), (5,))]


SMOOTH = {
    sinc_slope: [],  # the derivatives of np.sinc and np.i0, and tested as such
    bessel_slope: [],
    np.nanprod: [(lambda x: np.nanprod(x + NAN), (5,))],
    np.nancumprod: [(lambda x: np.nancumprod(x + NAN), (5,))],
    np.nanmax: [(lambda x: np.nanmax(x + NAN, axis=0), (3, 5)), (lambda x: np.fmax.reduce(x, axis=1), (2, 3))],
    np.nanmin: [(lambda x: np.nanmin(x + NAN, axis=1, keepdims=True), (3, 5)), (lambda x: np.fmin.reduce(x), (3,))],
    np.nanvar: [(lambda x: np.nanvar(x + NAN, axis=1, ddof=1), (3, 5))],
    np.nanstd: [(lambda x: np.nanstd(x + NAN), (3, 5))],
    np.nanmedian: [(lambda x: np.nanmedian(x + NAN, axis=1), (3, 5)), (np.nanmedian, (4,))],
    np.quantile: [(lambda x: np.quantile(x, [0.2, 0.7], axis=1), (3, 5)), (lambda x: np.quantile(A, 1 / (1 + x * x)), (3,)),
                  (lambda x: np.quantile(x, 0.4, method="hazen"), (6,))],
    np.percentile: [(lambda x: np.percentile(x, 30), (3, 2)), (lambda x: np.percentile(x[1:], 50 + 9 * x[0]), (5,))],
    np.nanquantile: [(lambda x: np.nanquantile(x + NAN, [0.2, 0.7], axis=1), (3, 5)),
                     (lambda x: np.nanquantile(x + NAN, 0.4, axis=0, method="weibull"), (3, 5))],
    np.nanpercentile: [(lambda x: np.nanpercentile(x + NAN, 60, axis=(0, 1), keepdims=True), (3, 5))],
    np.partition: [(lambda x: np.partition(x, 2) ** 2, (7,))],
    np.cov: [(lambda x: np.cov(x), (3, 5)), (lambda x: np.cov(x, x[:1] ** 2, rowvar=True, ddof=0), (2, 4)),
             (lambda x: np.cov(A, aweights=x * x), (5,))],
    np.corrcoef: [(np.corrcoef, (3, 4)), (lambda x: np.corrcoef(A, x), (5,))],
    np.interp: [(lambda x: np.interp(x, KNOTS, KNOTS**2), (6,)), (lambda x: np.interp(A, np.cumsum(x * x + 0.1) - 2, x), (4,)),
                (lambda x: np.interp(x[:2], KNOTS, x[2:], period=3.0), (6,)), (lambda x: np.interp(A, KNOTS, x), (4,))],
    np.piecewise: [(lambda x: np.piecewise(x, [x < -0.3, x > 0.5], [np.sin, 2.0, lambda x: x**2]), (3, 4)),
                   (lambda x: np.piecewise(x, x > 0, [np.exp, np.cos]), (6,))],
    np.poly: [(np.poly, (4,))],
    np.vander: [(np.vander, (3,)), (lambda x: np.vander(x, 5, True), (3,))],
    np.polyfit: [(lambda x: np.polyfit(A[0], x, 2) ** 2, (5,)), (lambda x: np.polyfit(x, A.T, 1), (5,)),
                 (lambda x: np.polyfit(np.arange(5.0), A[0], 2, w=x**2), (5,))],
    np.cumprod: [(lambda x: np.cumprod(x), (2, 4)), (lambda x: x.cumprod(axis=1), (2, 7)),
                 (lambda x: np.cumprod(x * np.array([1.0, 0.0, 2.0, 0.0, 1.0])), (5,))],
    np.multiply.accumulate: accumulate(np.multiply),
    **{f.accumulate: accumulate(f) for f in (np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2)},
    np.hypot.accumulate: [*accumulate(np.hypot), (lambda x: np.hypot.reduce(x), (3, 2))],
    **{f.reduceat: reduceat(f) for f in (np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2)},
    np.logaddexp.reduce: [(lambda x: np.logaddexp.reduce(x), (4,)), (lambda x: np.logaddexp.reduce(x, (0, 1), keepdims=True), (3, 2))],
    np.logaddexp2.reduce: [(lambda x: np.logaddexp2.reduce(x, 1), (3, 2))],
}  # fmt: skip
if hasattr(np, "cumulative_prod"):
    SMOOTH[np.cumulative_prod] = [(lambda x: np.cumulative_prod(x, axis=1, include_initial=True), (2, 3))]
