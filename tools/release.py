"""Build wheel and sdist, and run the laws of `mathlib` on what each of them installs.

    python tools/release.py                              both, into _build/dist, on this Python
    python tools/release.py --pythons 3.11 3.12 3.13     the same on others (PATH's, or pyenv's)
    python tools/release.py --is v1.0.0                  whether a tag is the version's, and no more

The laws are those tests that need nothing but the package, with the package's own doctests: copied into an empty
folder, and run in an empty environment that has the wheel, or the sdist, and what runs tests.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from portable import CURRENT, NotTriedError, install

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "_build" / "dist"
SOURCES = ["pyproject.toml", "README.md", "LICENSE"]
RUNNERS = ["pytest", "pytest-timeout", "pytest-xdist", "hypothesis"]
# Tests that look at more than the package: at the book, the tools, the files of this tree.
BEYOND = re.compile(r"\bROOT\b|_ext\b|book/|^(?:from|import) (?:browser|course|lab|minutes|notebooks|pages)\b", re.M)


def version():
    return re.search(r'^__version__ = "(.+)"$', (ROOT / "mathlib" / "__init__.py").read_text(encoding="utf-8"), re.M)[1]


def build(folder):
    """Build from a copy, as setuptools leaves one of its own beside the sources and packs what was deleted since."""
    source = folder / "source"
    shutil.copytree(ROOT / "mathlib", source / "mathlib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    builder = install(CURRENT, folder / "builder", ["build"])
    shutil.rmtree(DIST, ignore_errors=True)
    subprocess.run([builder, "-m", "build", "--outdir", DIST, source], check=True, stdout=subprocess.DEVNULL)
    return sorted(DIST.iterdir())


def laws():
    """The tests that need nothing but the package."""
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        if not BEYOND.search(path.read_text(encoding="utf-8")):
            yield path


def check(python, archive, folder):
    place = folder / f"{python}-{archive.suffix[1:]}"
    program = install(python, place / "venv", ["-c", ROOT / "requirements.txt", f"{archive}[show]", *RUNNERS])
    tests = place / "tests"
    tests.mkdir()
    for path in (*laws(), *(ROOT / "tests").glob("programs*.py")):
        shutil.copy(path, tests)
    shutil.copy(ROOT / "tests" / "laws.py", tests / "conftest.py")
    shutil.copy(ROOT / "pyproject.toml", place)
    run = [program, "-E", "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--override-ini", "pythonpath="]
    return subprocess.run([*run, "--pyargs", "mathlib", tests], cwd=place).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pythons", nargs="+", default=[CURRENT], metavar="3.x")
    parser.add_argument("--is", dest="tag", metavar="TAG", help="fail if this is not the version's tag")
    arguments = parser.parse_args()
    if arguments.tag:
        if arguments.tag != f"v{version()}":
            sys.exit(f"error: the tag is {arguments.tag}, and the version {version()}: make them one.")
        return
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        archives = build(Path(folder))
        print(*(f"{path}: {path.stat().st_size // 1000} kB" for path in archives), sep="\n")
        for python in arguments.pythons:
            for archive in archives:
                print(f"\nPython {python}, {archive.name}", flush=True)
                try:
                    right = check(python, archive, Path(folder))
                except NotTriedError as error:
                    right = print(f"not tried: {error}")
                failed += [] if right else [f"Python {python}, {archive.name}"]
    if failed:
        sys.exit(f"error: not passed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
