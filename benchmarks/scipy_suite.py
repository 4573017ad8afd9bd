"""Run SciPy's own tests of its optimizers on ours: `scipy.optimize.minimize` with our methods in place of its names.

    python benchmarks/scipy_suite.py

Prints how many pass, and the names of those that do not. They are about what ours do not promise: the iterates and the
counts of SciPy's algorithms, their stopping rules (xtol, xrtol, ftol, maxls, a negative maxiter), their classes of
warnings, and losses that are no plain NumPy programs (np.asarray in them) without a jac.
"""

import sys
from collections import Counter
from pathlib import Path

import pytest
import scipy.optimize
from scipy.optimize.tests import test_optimize

from mathlib.optimize import bfgs, conjugate_gradient, lbfgs, newton_cg

OURS = {"bfgs": bfgs, "cg": conjugate_gradient, "l-bfgs-b": lbfgs}
OURS |= dict.fromkeys(("newton-cg", "trust-ncg", "trust-krylov", "trust-exact", "dogleg"), newton_cg)
CHOSEN = (
    "(bfgs or cg or ncg or krylov or minimize or optimize or dogleg or scalar or shape) and not workers and not global"
)

minimize = scipy.optimize.minimize


def ours(fun, x0, args=(), method=None, **options):
    """SciPy's minimize, with our method of that name where there is one."""
    if isinstance(method, str) and options.get("bounds") is None and not options.get("constraints"):
        method = OURS.get(method.lower(), method)
    return minimize(fun, x0, args, method, **options)


class Count:
    """What pytest reports, for the tests that met one of ours."""

    def __init__(self):
        self.outcomes, self.failed = Counter(), []

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.outcomes[report.outcome] += 1
            self.failed += [report.nodeid.split("::", 1)[1]] * report.failed


if __name__ == "__main__":
    scipy.optimize.minimize = ours
    count, path = Count(), str(Path(test_optimize.__file__))
    options = [
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(Path(path).parent),
        "-W",
        "ignore",
    ]
    pytest.main([path, "-k", CHOSEN, "-c", "/dev/null", *options], plugins=[count])
    print("\n".join(count.failed), dict(count.outcomes), sep="\n", file=sys.stderr)
