"""What to write in place of the functions of SciPy that make plain arrays of their arguments.

They take no Number: there is no protocol by which they would ask us. `refuse_scipy` says which one did, and what has
a derivative in its place.
"""

import importlib
import importlib.util
import sys

from mathlib.arithmetic import unsupported

HERE = "mathlib.primitives.special"
PROGRAMS = {"": ("logsumexp", "softmax", "log_softmax", "polygamma", "multigammaln")}
PROGRAMS |= {"norm": ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf")}
PROGRAMS |= dict.fromkeys(("poisson", "binom", "bernoulli"), ("logpmf",))
PROGRAMS |= dict.fromkeys(("t", "cauchy", "logistic", "laplace", "expon", "uniform", "gamma", "chi2"), ("logpdf",))
PROGRAMS |= dict.fromkeys(("lognorm", "beta", "dirichlet", "multivariate_normal"), ("logpdf",))
SCIPY = {}
for law, names in PROGRAMS.items():
    for name in names:
        SCIPY[f"scipy.stats.{law}.{name}" if law else f"scipy.special.{name}"] = f"{HERE}.{law}{law and '_'}{name}"
        if name.startswith("logp"):
            SCIPY.setdefault(f"scipy.stats.{law}.{name[3:]}", f"np.exp of {HERE}.{law}_{name}")
SCIPY["scipy.stats.norm.pdf"] = f"{HERE}.norm_pdf"
SCIPY |= {
    "scipy.special.factorial": "scipy.special.gamma(n + 1)",
    "scipy.special.comb": "scipy.special.binom(n, k)",
    "scipy.special.perm": "scipy.special.poch(n - k + 1, k)",
    "scipy.special.spherical_jn": "np.sqrt(np.pi / (2 * x)) * scipy.special.jv(n + 0.5, x)",
    "scipy.special.diric": "np.sin(n * x / 2) / (n * np.sin(x / 2))",
    "scipy.stats.zscore": "(x - np.mean(x)) / np.std(x)",
    "scipy.stats.gmean": "np.exp(np.mean(np.log(x)))",
    "scipy.stats.hmean": "1 / np.mean(1 / x)",
    "scipy.stats.entropy": "np.sum(scipy.special.entr(p / np.sum(p)))",
    "scipy.stats.skew": "np.mean(z**3) of z = (x - np.mean(x)) / np.std(x)",
    "scipy.stats.kurtosis": "np.mean(z**4) - 3 of z = (x - np.mean(x)) / np.std(x)",
    "scipy.integrate.trapezoid": "np.trapezoid",
    "scipy.signal.convolve": "np.convolve",
    "scipy.signal.fftconvolve": "np.convolve",
    "scipy.signal.correlate": "np.correlate",
    "scipy.spatial.distance.euclidean": "np.linalg.norm(x - y)",
    "scipy.spatial.distance.cdist": "np.linalg.norm(X[:, None] - Y, axis=-1)",
    "scipy.spatial.distance.sqeuclidean": "np.sum((x - y) ** 2)",
    "scipy.sparse.linalg.spsolve": "np.linalg.solve(A.toarray(), b)",
}
GENERAL = "its formula in functions of NumPy and ufuncs of scipy.special: those have rules"


def replacement(name):
    """What to write in place of a function of SciPy's."""
    if name.startswith("scipy.linalg.") and importlib.util.find_spec("mathlib.primitives.decompositions"):
        return importlib.import_module("mathlib.primitives.decompositions").SCIPY_LINALG.get(name, GENERAL)
    return SCIPY.get(name, GENERAL)


def public_name(frame):
    """The name that a reader writes for the function of SciPy's that runs in this frame: "scipy.stats.norm.logpdf"."""
    module, name = home_of(frame.f_globals["__name__"]), frame.f_code.co_name
    owner = frame.f_locals.get("self")
    if owner is not None and type(owner).__module__.startswith("scipy."):
        module = home_of(type(owner).__module__)
        law = getattr(getattr(owner, "dist", owner), "name", None)  # a frozen one has the law itself
        kind = law if isinstance(law, str) else getattr(owner, "__name__", type(owner).__name__.removesuffix("_gen"))
        return f"{module}.{kind}" + ("" if name.startswith("__") else f".{name}")
    for function in (None, *frame.f_locals.values()):  # a decorator holds the function that it wraps
        if function is not None:
            module, name = home_of(getattr(function, "__module__", None) or ""), getattr(function, "__name__", None)
        if module.startswith("scipy.") and isinstance(name, str) and hasattr(sys.modules.get(module), name):
            return f"{module}.{name}"
    return "scipy"


def home_of(module):
    """The public module of which this is a part: scipy.special of scipy.special._logsumexp."""
    return module.partition("._")[0]


def refuse_scipy(x, frame):
    """Refuse a Number to a function of SciPy's, which would make a plain array of it."""
    name = public_name(frame)
    reason = "it makes a plain array of its argument, which would lose the derivative"
    raise unsupported(name, [x], reason, replacement(name))
