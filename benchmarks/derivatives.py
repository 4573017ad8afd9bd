"""Time gradients and Hessian-vector products: by hand in NumPy, by `mathlib`, also compiled, and by its peers.

    python benchmarks/derivatives.py [--works A,B,C,121,1701,D] [--processes 5] [--rounds 30] [--quick]

Each work (see `works.py`) runs in several fresh processes. In each, every round draws new weights theta and a new
direction v, and times all candidates on them, in random order; a short work is called several times in a row, with new
ones each time, as in a loop. What counts is the processor time, of a single thread: other work on the machine counts
less. The table `mathlib/measured/derivatives.csv` has a row for each work, size, candidate and route, and
`derivatives.svg` shows it:

size       parameters
ms         milliseconds: the median over the rounds, then over the processes
ratio      the same over the hand-written gradient of the same process; low, high: the quartiles over the processes
products   the floor: the products of matrices that the route needs in a layer within a deep network
error      the relative error, in the 2-norm, against the hand-written derivative in long double; the largest one
compile    what a first call costs more than a second one, in milliseconds, where each route compiles its own; median
pays       after how many calls that is saved, against `mathlib` without its compiler; "never" if a call is no faster

The route "next" is a further H v at a theta where one was taken, "block" the same for 32 vectors at once, "dense" all
of H at a new theta, and "gradient of data" that of a loss which gets its data as arguments. "differences" is not exact:
its error is a finding, for all others more than 1e-12 stops the run. In C, JAX has only two routes: of the others XLA
repeats so much work that they take minutes to compile, or many milliseconds a call. At the sizes of D each candidate
takes H v by one route. `derivatives.json` beside the table says where and when this was measured. With --works or
--quick, nothing is written.
"""

import argparse
import csv
import datetime
import importlib.metadata
import json
import math
import multiprocessing
import os
import platform
import time
from collections import defaultdict
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

import matplotlib.pyplot as plt
import numpy as np
import peers
import works
from matplotlib.ticker import LogLocator, NullLocator
from tqdm import tqdm

from mathlib.measured import FOLDER

HERE = Path(__file__).parent
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
XLA = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
CASES = {  # of each size: the part of the rounds that is run, and how many calls in a row
    "A": {"A": (1, 1)},
    "B": {"B": (1, 1)},
    "C": {"C": (1 / 6, 20)},
    "121": {"121": (1 / 4, 20)},
    "1701": {"1701": (1 / 10, 15)},
    "D": {"small": (1 / 4, 20), 18: (1 / 4, 20), 57: (1 / 4, 20), 182: (1 / 2, 4), 577: (1 / 3, 1), 1825: (1 / 15, 1)},
}
PEERS = {
    "mathlib": peers.mathlib,
    "compiled": peers.compiled,
    "JAX": peers.jax,
    "PyTorch": peers.torch,
    "autograd": peers.autograd,
}
COMPILERS = "compiled", "JAX"
COMPILED = "gradient", "gradient of data", "dual", "next", "block", "dense"
BLOCK = 32  # vectors
WORKS = list(CASES)
MARKERS = {"hand-written": "o", "mathlib": "s", "compiled": "*", "JAX": "D", "PyTorch": "^", "autograd": "v"}
PRODUCTS = {
    "gradient": 3,
    "gradient of data": 3,
    "dual": 8,
    "gradient and dual": 9,
    "next": 6,
    "double backprop": 9,
    "complex step": 12,
    "complex step, tuned": 10,
    "differences": 6,
    ("mathlib", "complex step"): 8,  # it leaves out the product of two imaginary parts, which is below the last bit
}
COLUMNS = ["work", "size", "candidate", "route", "ms", "ratio", "low", "high", "products", "error", "compile", "pays"]


def included(case, name, route):
    """Whether a work has this route."""
    if case in CASES["D"]:
        return route in ("gradient", "dual", "next") or (name, route) == ("autograd", "double backprop")
    if case == "C" and name == "JAX":
        return route in ("gradient", "dual")
    if case == "C" and route == "gradient of data":
        return False
    return case in ("121", "1701") or route not in ("block", "dense")


def prepare(case, rng):
    """The routes {(candidate, route): function}, what draws theta, and the reference (gradient, H v, H V or None)."""
    if case == "C":
        hand, network = works.Scalars(), ()
        routes = {"gradient": hand.gradient, "complex step": hand.hvp}
        given, draw = (None, None, None), lambda: rng.uniform(size=4)
        exact = exact_dual = works.Scalars(np)
    else:
        layers, *_ = network = works.network(*(("D", rng, case) if isinstance(case, int) else (case, rng)))
        dual = works.Dual(*network)
        routes = {
            "gradient": works.Network(*network).gradient,
            "dual": dual.hvp,
            "next": lambda theta: dual.at(theta).product,
            "block": lambda theta: dual.at(theta).block,
            "dense": dual.dense,
            "complex step": works.ComplexStep(*network).hvp,
            "complex step, tuned": works.TunedComplexStep(*network).hvp,
        }
        given, draw = (layers, *network[2:]), lambda: works.weights(layers, rng)
        exact, exact_dual = (kind(*network, dtype=np.longdouble) for kind in (works.Network, works.Dual))
    libraries = {"hand-written": routes} | {name: library(*given) for name, library in PEERS.items()}
    routes = {(name, route): f for name, of_name in libraries.items() for route, f in of_name.items()}
    routes = {key: f for key, f in routes.items() if included(case, *key)}

    def reference(theta, v, V):
        theta, v = theta.astype(np.longdouble), v.astype(np.longdouble)
        product = exact_dual.hvp(theta, v).copy()
        block = exact_dual.block(V.astype(np.longdouble)) if ("hand-written", "block") in routes else None
        return exact.gradient(theta).copy(), product, block

    return routes, draw, reference


def call(route, f, theta, v, V):
    """The function without arguments that is timed."""
    if route in ("next", "block"):
        product, factor = f(theta), V if route == "block" else v
        return lambda: product(factor)
    return (lambda: f(theta)) if route in ("gradient", "gradient of data", "dense") else (lambda: f(theta, v))


def relative_error(route, answer, V, gradient, product, block):
    """The distance from the reference, over its length."""
    if route == "dense":
        route, answer = "block", answer @ V
    of_theta = {"gradient": [gradient], "gradient of data": [gradient], "gradient and dual": [gradient, product]}
    wanted = (of_theta | {"block": [block]}).get(route, [product])
    answers = answer if route == "gradient and dual" else [answer]
    return max(float(np.linalg.norm(a - w) / np.linalg.norm(w)) for a, w in zip(answers, wanted, strict=True))


def timed(f):
    """The processor time of one call, and its answer."""
    start = time.process_time()
    answer = f()
    return time.process_time() - start, answer


def measure(case, rounds, calls, seed):
    """In a process of its own: the size, and {(candidate, route): (median seconds, error, seconds to compile)}."""
    rng = np.random.default_rng(seed)
    routes, draw, reference = prepare(case, rng)

    def at():
        theta = draw()
        V = rng.normal(size=(theta.size, BLOCK)) if ("hand-written", "block") in routes else None
        return theta, rng.normal(size=theta.size), V

    theta, v, V = at()
    errors, times, to_compile = {}, {key: [] for key in routes}, {}
    wanted = reference(theta, v, V)
    for (name, route), f in routes.items():
        first, answer = timed(lambda: call(route, f, theta, v, V)())  # noqa: B023, called at once
        errors[name, route] = error = relative_error(route, answer, V, *wanted)
        if not error < 1e-12 and route != "differences":
            raise ArithmeticError(f"{name}, {route}, of work {case} is wrong: its relative error is {error:.1e}.")
        if name in COMPILERS and route in COMPILED:
            point = at()
            to_compile[name, route] = first - timed(lambda: call(route, f, *point)())[0]  # noqa: B023
    for _ in range(rounds + 1):  # the first one warms up
        points = [at() for _ in range(calls)]
        for i in rng.permutation(len(routes)):
            key = list(routes)[i]
            repeated = points[:1] if key[1] in ("block", "dense") else points
            times[key].append([timed(call(key[1], routes[key], *point))[0] for point in repeated])
    medians = {key: median(chain.from_iterable(t[1:])) for key, t in times.items()}
    return theta.size, {key: (medians[key], errors[key], to_compile.get(key)) for key in routes}


def task(arguments):
    """All sizes of a work."""
    work, rounds, seed = arguments
    plan = CASES[work].items()
    return [(work, *measure(case, math.ceil(part * rounds), calls, seed)) for case, (part, calls) in plan]


def tidy(results):
    """The rows of the table, from the results of all processes."""
    found = defaultdict(list)
    for work, size, of_routes in results:
        base = of_routes["hand-written", "gradient"][0]
        for key, (took, error, to_compile) in of_routes.items():
            found[work, size, *key].append((1e3 * took, took / base, error, to_compile))
    for (work, size, candidate, route), values in sorted(found.items(), key=lambda item: WORKS.index(item[0][0])):
        ms, ratios, errors, to_compile = zip(*values, strict=True)
        low, middle, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        products = "" if work == "C" else PRODUCTS.get((candidate, route), PRODUCTS.get(route, ""))
        numbers = f"{median(ms):.4g}", f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}", products, f"{max(errors):.1e}"
        cost, pays = "", ""
        if to_compile[0] is not None:
            cost = 1e3 * median(to_compile)
            plain = found[work, size, "mathlib", "gradient" if route == "gradient of data" else route]
            saved = median(value[0] for value in plain) - median(ms)
            cost, pays = f"{cost:.4g}", max(0, math.ceil(cost / saved)) if saved > 0 else "never"
        yield dict(zip(COLUMNS, (work, size, candidate, route, *numbers, cost, pays), strict=True))


def machine():
    """What the numbers depend on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        cpu = next((line.split(": ")[1] for line in info.read_text().splitlines() if "model name" in line), cpu)
    blas = np.show_config("dicts")["Build Dependencies"]["blas"]
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "jax", "torch", "autograd")}
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": cpu,
        "system": platform.system(),
        "python": platform.python_version(),
        "blas": f"{blas['name']} {blas['version']}",
        **versions,
    }


def markdown(rows):
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|--:|---|---|" + "--:|" * 8]
    return "\n".join(lines + ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows])


def ticked(axis):
    """Ticks of a short logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def draw(rows, path):
    """The picture of the table: a panel a work, and over the size of D the gradient, H v, and what compiling costs.

    H v is the best exact route's; a block counts a vector of it, and the matrix H a column.
    """
    found, compiling = {}, {}
    for row in rows:
        size, name, route = int(row["size"]), row["candidate"], row["route"]
        kind = {"next": "next H v", "block": "H V / k", "dense": "H / n"}.get(
            route, "gradient" if "gradient" in route else "H v"
        )
        ratio = float(row["ratio"]) / {"block": BLOCK, "dense": size}.get(route, 1)
        if route not in ("gradient and dual", "gradient of data", "differences"):
            key = row["work"], size, name, kind
            found[key] = min(ratio, found.get(key, ratio))
        if row["work"] == "D" and row["compile"] and route == "gradient":
            compiling.setdefault(name, {})[size] = float(row["compile"])
    figure, axes = plt.subplots(2, 4, figsize=(13, 6.2), layout="constrained")
    panels = dict(zip(["A", "B", "C", "121", "1701", "gradient", "H v", "compile"], axes.flat, strict=True))
    for (name, marker), colour in zip(MARKERS.items(), plt.rcParams["axes.prop_cycle"].by_key()["color"], strict=False):
        style = {"marker": marker, "color": colour, "alpha": 0.8}
        for work in WORKS[:-1]:
            points = {kind: r for (w, _, c, kind), r in found.items() if (w, c) == (work, name)}
            panels[work].plot(points.values(), points.keys(), linestyle="none", label=name, **style)
        for kind in ("gradient", "H v"):
            points = {size: r for (w, size, c, k), r in found.items() if (w, c, k) == ("D", name, kind)}
            panels[kind].plot(points.keys(), points.values(), **style)
        if name in compiling:
            panels["compile"].plot(compiling[name].keys(), compiling[name].values(), **style)
    for work in WORKS[:-1]:
        panels[work].set(title=f"work {work}", xlabel="time / hand-written gradient", xscale="log")
        panels[work].margins(y=0.2)
        panels[work].invert_yaxis()
    for kind in ("gradient", "H v"):
        panels[kind].set(title=f"work D: {kind}", ylabel="time / hand-written gradient", yscale="log")
    panels["compile"].set(title="work D: compile time", ylabel="ms", yscale="log")
    for kind in ("gradient", "H v", "compile"):
        panels[kind].set(xlabel="parameters", xscale="log")
    for work in ("A", "B", "121", "1701"):
        ticked(panels[work].xaxis)
    for kind in ("gradient", "H v"):
        ticked(panels[kind].yaxis)
    figure.legend(*panels["A"].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--works", default=",".join(WORKS), help=f"some of {','.join(WORKS)}")
    parser.add_argument("--processes", type=int, default=5, help="how many for each work")
    parser.add_argument("--rounds", type=int, default=30, help="of works A and B; of others fewer")
    parser.add_argument("--quick", action="store_true", help="two processes, five rounds")
    options = parser.parse_args()
    if unknown := set(options.works.split(",")) - set(CASES):
        parser.error(f"--works: {', '.join(sorted(unknown))} is not one of {','.join(WORKS)}.")
    if options.quick:
        options.processes, options.rounds = 2, 5

    os.environ.update(THREADS | XLA)  # the processes below inherit it, before they import anything
    tasks = [(work, options.rounds, seed) for seed in range(options.processes) for work in options.works.split(",")]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        results = list(tqdm(pool.imap(task, tasks), total=len(tasks), unit="process"))
    rows = list(tidy(chain.from_iterable(results)))
    print(markdown(rows))
    if not options.quick and len(tasks) == options.processes * len(CASES):
        with (FOLDER / "derivatives.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        about = machine() | {"processes": options.processes, "rounds": options.rounds}
        (FOLDER / "derivatives.json").write_text(json.dumps(about, indent=2) + "\n")
        draw(rows, HERE / "derivatives.svg")


if __name__ == "__main__":
    main()
