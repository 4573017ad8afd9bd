"""Programs and derivatives of the rows of `mathlib.primitives.special` and `sparse`: see `programs.py`."""

import mpmath as mp
import numpy as np
import scipy.sparse
from scipy import special

from mathlib.primitives.sparse import sparse_product
from mathlib.primitives.special import erfc_integral, zeta

BOTH, POSITIVE, UNIT, TAILS = (-3.0, 3.0), (0.05, 5.0), (0.02, 0.98), (-30.0, 30.0)


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def inverse(f, low, high, above=False):
    """The inverse, by its last argument, of a function of mpmath's; or of 1 - f, what is above."""

    def solved(*orders_and_p):
        *orders, p = orders_and_p
        p = 1 - p if above else p
        start = [bound * (orders[0] if len(orders) == 1 else 1) for bound in (low, high)]
        return mp.findroot(lambda x: f(*orders, x) - p, start, solver="anderson", tol=1e-70)

    return solved


def ndtri(p):
    return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def beta(a, b):
    return mp.gamma(a) * mp.gamma(b) / mp.gamma(a + b)


def owens_t(h, a):
    return mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi)


def boxcox(x, p):
    return (x**p - 1) / p


def pseudo_huber(d, r):
    return d * d * (mp.sqrt(1 + (r / d) ** 2) - 1)


def chebyu(n, x):
    return mp.sin((n + 1) * mp.acos(x)) / mp.sin(mp.acos(x))


def huber(d, r):
    return r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2)


ORACLE = {
    special.gammaln: (mp.loggamma, POSITIVE),
    special.loggamma: (mp.loggamma, POSITIVE),
    special.gamma: (mp.gamma, POSITIVE),
    special.rgamma: (mp.rgamma, POSITIVE),
    special.psi: (mp.digamma, POSITIVE),
    special.beta: (beta, POSITIVE),
    special.betaln: (lambda a, b: mp.log(beta(a, b)), POSITIVE),
    special.binom: (lambda n, k: 1 / ((n + 1) * beta(n - k + 1, k + 1)), UNIT),
    special.poch: (lambda z, m: mp.gamma(z + m) / mp.gamma(z), (0.05, 2.0)),
    special.erf: (mp.erf, BOTH),
    special.erfc: (mp.erfc, BOTH),
    special.erfi: (mp.erfi, (-1.5, 1.5)),
    special.erfcx: (lambda x: mp.exp(x * x) * mp.erfc(x), (-3.0, 30.0)),
    special.erfinv: (mp.erfinv, (-0.98, 0.98)),
    special.erfcinv: (lambda x: mp.erfinv(1 - x), (0.02, 1.98)),
    special.ndtr: (ndtr, BOTH),
    special.log_ndtr: (lambda x: mp.log(ndtr(x)), (-30.0, 5.0)),
    special.ndtri: (ndtri, UNIT),
    special.ndtri_exp: (lambda x: ndtri(mp.exp(x)), (-20.0, -0.05)),
    special.owens_t: (owens_t, BOTH),
    special.expit: (lambda x: 1 / (1 + mp.exp(-x)), TAILS),
    special.log_expit: (lambda x: -mp.log(1 + mp.exp(-x)), TAILS),
    special.logit: (lambda p: mp.log(p / (1 - p)), UNIT),
    special.xlogy: (lambda a, b: a * mp.log(b), POSITIVE),
    special.xlog1py: (lambda a, b: a * mp.log(1 + b), POSITIVE),
    special.entr: (lambda x: -x * mp.log(x), POSITIVE),
    special.rel_entr: (lambda a, b: a * mp.log(a / b), POSITIVE),
    special.kl_div: (lambda a, b: a * mp.log(a / b) - a + b, POSITIVE),
    special.exprel: (lambda x: mp.expm1(x) / x, (-30.0, 3.0)),
    special.wrightomega: (lambda x: mp.lambertw(mp.exp(x)).real, TAILS),
    special.boxcox: (boxcox, POSITIVE),
    special.boxcox1p: (lambda x, p: boxcox(1 + x, p), POSITIVE),
    special.pseudo_huber: (pseudo_huber, POSITIVE),
    special.huber: (huber, POSITIVE),
    special.exp2: (lambda x: mp.power(2, x), BOTH),
    special.exp10: (lambda x: mp.power(10, x), (-2.0, 0.5)),
    special.expm1: (mp.expm1, BOTH),
    special.log1p: (mp.log1p, POSITIVE),
    special.cbrt: (mp.cbrt, POSITIVE),
    special.cosm1: (lambda x: mp.cos(x) - 1, BOTH),
    special.sindg: (lambda x: mp.sin(mp.radians(x)), (-80.0, 80.0)),
    special.cosdg: (lambda x: mp.cos(mp.radians(x)), (1.0, 170.0)),
    special.tandg: (lambda x: mp.tan(mp.radians(x)), (-80.0, 80.0)),
    special.cotdg: (lambda x: mp.cot(mp.radians(x)), (10.0, 170.0)),
    special.j0: (lambda x: mp.besselj(0, x), BOTH),
    special.j1: (lambda x: mp.besselj(1, x), (-1.5, 1.5)),  # its slope has a zero at 1.84
    special.y0: (lambda x: mp.bessely(0, x), (0.05, 2.0)),
    special.y1: (lambda x: mp.bessely(1, x), (0.05, 3.0)),
    special.i0: (lambda x: mp.besseli(0, x), BOTH),
    special.i1: (lambda x: mp.besseli(1, x), BOTH),
    special.k0: (lambda x: mp.besselk(0, x), POSITIVE),
    special.k1: (lambda x: mp.besselk(1, x), POSITIVE),
    special.i0e: (lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), BOTH),
    special.i1e: (lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), (-1.2, 1.2)),
    special.k0e: (lambda x: mp.exp(x) * mp.besselk(0, x), POSITIVE),
    special.k1e: (lambda x: mp.exp(x) * mp.besselk(1, x), POSITIVE),
    special.exp1: (mp.e1, POSITIVE),
    special.expi: (mp.ei, POSITIVE),
    special.spence: (lambda x: mp.polylog(2, 1 - x).real, POSITIVE),
    special.ellipk: (mp.ellipk, (-30.0, 0.98)),
    special.ellipe: (mp.ellipe, (-30.0, 0.98)),
}
# What SciPy's functions lose of their last bits, beside the 8 units that are allowed to all rows: most where a slope is
# a difference of two of them, and where it vanishes inside of the interval (of entr, kl_div, rel_entr, gamma).
ULPS = {
    **dict.fromkeys((special.psi, special.gammaln, special.loggamma, special.exprel, special.wrightomega), 32),
    **dict.fromkeys((special.j0, special.j1, special.y0, special.y1, special.poch), 32),
    **dict.fromkeys((special.gamma, special.rgamma, special.i0e, special.i1e, special.k0e, special.k1e), 128),
    **dict.fromkeys((special.owens_t, special.ellipk, special.ellipe, special.boxcox, special.boxcox1p), 128),
    **dict.fromkeys((special.beta, special.betaln, special.binom, special.erfcx), 512),
    **dict.fromkeys((special.kl_div, special.rel_entr, special.entr), 4096),
}
GAMMA, BETA = [(0.7,), (2.5,), (12.0,)], [(0.7, 2.5), (3.0, 1.0), (6.0, 4.5)]
ORDERS, DEGREES = [(0,), (1,), (2.5,), (-0.3,)], [(0,), (1,), (2,), (4,)]


def gammainc(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def betainc(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


# Rows whose first arguments are constants: mpmath's function of all of them, some orders, an interval of the last.
ORDERED = {
    zeta: (mp.zeta, [(2,), (3.5,)], POSITIVE),
    special.gammainc: (gammainc, GAMMA, POSITIVE),
    special.gammaincc: (lambda a, x: 1 - gammainc(a, x), GAMMA, POSITIVE),
    special.gammaincinv: (inverse(gammainc, 0.5, 1.5), [(2.5,), (12.0,)], (0.1, 0.9)),
    special.gammainccinv: (inverse(gammainc, 0.5, 1.5, above=True), [(2.5,), (12.0,)], (0.1, 0.9)),
    special.betainc: (betainc, BETA, UNIT),
    special.betaincc: (lambda a, b, x: 1 - betainc(a, b, x), BETA, UNIT),
    special.betaincinv: (inverse(betainc, 0.4, 0.6), [(6.0, 4.5)], (0.2, 0.8)),
    special.betainccinv: (inverse(betainc, 0.4, 0.6, above=True), [(6.0, 4.5)], (0.2, 0.8)),
    special.jv: (mp.besselj, ORDERS, POSITIVE),
    special.yv: (mp.bessely, ORDERS, POSITIVE),
    special.yn: (mp.bessely, [(0,), (1,), (3,)], POSITIVE),
    special.iv: (mp.besseli, ORDERS, POSITIVE),
    special.kv: (mp.besselk, ORDERS, POSITIVE),
    special.kn: (mp.besselk, [(0,), (1,), (3,)], POSITIVE),
    special.ive: (lambda v, x: mp.exp(-abs(x)) * mp.besseli(v, x), ORDERS, POSITIVE),
    special.kve: (lambda v, x: mp.exp(x) * mp.besselk(v, x), ORDERS, POSITIVE),
    special.hyp0f1: (mp.hyp0f1, [(0.7,), (2.0,)], BOTH),
    special.hyp1f1: (mp.hyp1f1, [(0.7, 2.0), (2.0, 3.0)], BOTH),
    special.hyp2f1: (mp.hyp2f1, [(0.5, 1.5, 2.0), (0.7, 1.2, 2.6)], (-3.0, 0.9)),
    special.eval_legendre: (mp.legendre, DEGREES, (-0.98, 0.98)),
    special.eval_chebyt: (mp.chebyt, DEGREES, (-0.98, 0.98)),
    special.eval_chebyu: (chebyu, DEGREES, (-0.98, 0.98)),
    special.eval_hermite: (mp.hermite, DEGREES, (-1.0, 1.0)),
    special.eval_hermitenorm: (lambda n, x: 2 ** (-n / 2) * mp.hermite(n, x / mp.sqrt(2)), DEGREES, BOTH),
    special.eval_laguerre: (lambda n, x: mp.laguerre(n, 0, x), DEGREES, BOTH),
    special.eval_genlaguerre: (mp.laguerre, [(0, 0.5), (1, 0.5), (4, 1.5)], BOTH),
    special.eval_gegenbauer: (mp.gegenbauer, [(0, 0.7), (1, 0.7), (4, 1.5)], (-0.98, 0.98)),
    special.eval_jacobi: (mp.jacobi, [(0, 0.5, 1.5), (1, 0.5, 1.5), (4, 0.5, 1.5)], (-0.98, 0.98)),
}  # fmt: skip

S = scipy.sparse.csr_array(np.array([[1.0, 0.0, 2.0], [0.0, -3.0, 0.0], [0.5, 0.0, 0.0], [0.0, 1.5, 4.0]]))
FORMATS = [S.asformat(name) for name in ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")]
LINEAR = {
    sparse_product: [
        (lambda x: S @ x, (3,)),
        (lambda x: S @ x, (3, 2)),
        (lambda x: x @ S, (4,)),
        (lambda x: x @ S, (2, 4)),
        (lambda x: S.T @ x, (4,)),
        (lambda x: S.dot(x), (3,)),
        *((lambda x, T=T: T @ x, (3,)) for T in FORMATS),
        *((lambda x, T=T: x @ T, (2, 4)) for T in FORMATS),
        (lambda x: scipy.sparse.csr_matrix(S) @ x, (3, 1)),
        (lambda x: scipy.sparse.coo_matrix(S) @ x, (3, 2)),
    ]
}
SMOOTH = {
    erfc_integral: [(lambda x: erfc_integral(x, 2), (4,)), (lambda x: erfc_integral(x + 8, 1), (4,))],
}
