"""Programs and derivatives of the rows of `mathlib.primitives.arrays`: see `programs.py`."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

A = np.random.default_rng(6).standard_normal((3, 4))

ORACLE = {}
LINEAR = {
    np.rollaxis: [(lambda x: np.rollaxis(x, 2), (2, 3, 4)), (lambda x: np.rollaxis(x, 0, 2), (2, 3, 4))],
    np.delete: [(lambda x: np.delete(x, [0, 2], 1), (2, 4)), (lambda x: np.delete(x, slice(0, 3, 2)), (2, 3))],
    np.resize: [(lambda x: np.resize(x, (3, 4)), (5,)), (lambda x: np.resize(x, 2), (2, 3))],
    np.diagflat: [(np.diagflat, (3,)), (lambda x: np.diagflat(x, 1), (2, 2))],
    np.fft.fftshift: [(np.fft.fftshift, (3, 4)), (lambda x: np.fft.fftshift(x, 1), (2, 3))],
    np.fft.ifftshift: [(np.fft.ifftshift, (5,))],
    sliding_window_view: [(lambda x: sliding_window_view(x, 3), (5,)), (lambda x: sliding_window_view(x, 2, 1), (2, 3))],
    np.compress: [(lambda x: np.compress([True, False, True], x, 0), (3, 2)), (lambda x: x.compress([False, True]), (3,)),
                  (lambda x: np.compress([False, True], x, axis=1), (3, 2))],
    np.extract: [(lambda x: np.extract(A > 0, x), (3, 4))],
    np.insert: [(lambda x: np.insert(x, 1, x[0], axis=0), (2, 3)), (lambda x: np.insert(x, [0, 2], [x[0], 5.0]), (3,)),
                (lambda x: np.insert(A, 1, x, axis=1), (3,)), (lambda x: np.insert(x, slice(1, 3), 2.0), (4,))],
    np.block: [(lambda x: np.block([[x, np.eye(2)], [np.zeros((1, 2)), x[:1]]]), (2, 2)), (lambda x: np.block([x[0], x, 1.0]), (3,)),
               (lambda x: np.block(x), (2, 2))],
    np.choose: [(lambda x: np.choose([1, 0, 1], [x, 2 * x]), (3,)), (lambda x: np.choose([[2], [0]], x), (3, 2)),
                (lambda x: np.choose([3, -1], [x, 0.0], mode="wrap"), (2,))],
    np.atleast_3d: [(np.atleast_3d, ()), (np.atleast_3d, (3,)), (np.atleast_3d, (2, 3)), (lambda x: np.atleast_3d(x, x[0])[1], (2, 2, 3))],
    np.hsplit: [(lambda x: np.hsplit(x, 2)[1], (2, 4)), (lambda x: np.hsplit(x, [1])[1], (4,))],
    np.vsplit: [(lambda x: np.vsplit(x, [1, 2])[1], (4, 2))],
    np.dsplit: [(lambda x: np.dsplit(x, 2)[0], (2, 2, 4))],
    **({np.unstack: [(lambda x: np.unstack(x)[1], (3, 2)), (lambda x: np.unstack(x, axis=1)[0], (3, 2))]} if hasattr(np, "unstack") else {}),
    np.linspace: [(lambda x: np.linspace(x[0], x[1], 5), (2,)), (lambda x: np.linspace(x, 1.0, 4, endpoint=False, axis=1), (3,)),
                  (lambda x: np.linspace(0, x, 3, retstep=True)[1], (2,)), (lambda x: np.linspace(x, A, 1), (4,)),
                  (lambda x: np.linspace(x[0], stop=x[1], num=0), (2,))],
    np.meshgrid: [(lambda x: np.stack(np.meshgrid(x, x[:2])), (3,)), (lambda x: np.meshgrid([1.0, 2.0], x, indexing="ij")[1], (3,)),
                  (lambda x: np.meshgrid(x, x, sparse=True)[1], (3,))],
    np.ediff1d: [(np.ediff1d, (2, 3)), (lambda x: np.ediff1d(x, to_begin=x[:2], to_end=[1.0]), (3,))],
    np.astype: [(lambda x: np.astype(x, float), (3,))],
    np.real_if_close: [(np.real_if_close, (3,))],
}  # fmt: skip
SMOOTH = {
    np.logspace: [(lambda x: np.logspace(x[0], x[1], 4), (2,)), (lambda x: np.logspace(x, 1.0, 3, base=2.5, axis=1), (2,)),
                  (lambda x: np.logspace(0.5, x[0], 3, base=x**2 + 1), (2,)), (lambda x: np.logspace(-1, 1, 5, base=x**2 + 1), ())],
    np.geomspace: [(lambda x: np.geomspace(x[0] ** 2 + 1, x[1] ** 2, 4), (2,)), (lambda x: np.geomspace(-np.exp(x), -2.0, 3, axis=-1), (2,)),
                   (lambda x: np.geomspace(np.exp(x), np.exp(2 * x), 3, endpoint=False), ())],
    np.vander: [(np.vander, (3,)), (lambda x: np.vander(x, 4, increasing=True), (2,))],
    np.nan_to_num: [(lambda x: np.nan_to_num(x) ** 2, (3,)),
                    (lambda x: np.nan_to_num(np.stack([np.nan, x[1], x[0]]), nan=2.0) ** 2, (2,))],
    np.unique: [(lambda x: np.unique(x) ** 2, (2, 3)), (lambda x: np.unique(x, True, return_counts=True)[0] ** 2, (4,))],
    np.unique_values: [(lambda x: np.sort(np.unique_values(x)) ** 2, (4,))],
    np.trim_zeros: [(lambda x: np.trim_zeros(np.concatenate([np.zeros(2), x, np.zeros(1)]), "f") ** 2, (3,)),
                    (lambda x: np.trim_zeros(np.concatenate([np.zeros(2), x, np.zeros(1)])) ** 2, (3,))],
}  # fmt: skip
