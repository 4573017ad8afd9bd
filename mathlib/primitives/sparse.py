"""Rows of the table: products with a sparse matrix of SciPy's, a constant."""

import numpy as np

from mathlib.arithmetic import TABLE, multilinear, operand, primitive, unsupported


@primitive
def sparse_product(x, kind, parts, shape, turned):
    """The product ``S @ x``, or S^T @ x if `turned`: S is of this kind and shape, and made of these parts.

    They are plain arrays, so that a tape keeps them as it keeps all constants.
    """
    S = kind(parts, shape=shape)
    return (S.T if turned else S) @ x


multilinear(
    sparse_product,
    transposes=(lambda g, x, kind, parts, shape, turned: sparse_product(g, kind, parts, shape, not turned),),
)


def product(a, b):
    """The product a @ b, of which one is a sparse constant."""
    turned = hasattr(b, "tocsr")
    S, x = (b, a) if turned else (a, b)
    if S.ndim != 2:
        raise unsupported(np.matmul, [x], f"a sparse array of {S.ndim} axes has no rule", "a.toarray()")
    S = S if S.format in ("csr", "csc") else S.tocsr()
    parts = operand(np.matmul, S.data, [x]), S.indices, S.indptr
    y = sparse_product(np.transpose(x) if turned else x, type(S), parts, S.shape, turned)
    return np.transpose(y) if turned else y


TABLE[np.matmul].sparse = product
