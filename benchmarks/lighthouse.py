"""Measure the built pages with Lighthouse, as a slow phone would see them.

    python benchmarks/lighthouse.py [page.html ...] [--runs 3]

Prints the median of each score and size; fails below the scores that the book promises.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from browser import FLAGS, HTML, find_chromium, serve

PROMISED = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
TIMES = {"first-contentful-paint": "FCP", "largest-contentful-paint": "LCP", "total-byte-weight": "bytes"}


def audit(url, chromium):
    """Run Lighthouse once; return its scores (0 to 100), times (ms) and transferred bytes."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        flags = " ".join(["--headless=new", *(flag for flag in FLAGS if " " not in flag)])
        command = ["npx", "--yes", "lighthouse@12", url, "--quiet", f"--chrome-flags={flags}"]
        result = subprocess.run(
            [*command, "--output=json", f"--output-path={report}"],
            env=os.environ | {"CHROME_PATH": chromium},
            capture_output=True,
            text=True,
        )
        if result.returncode:
            sys.exit(f"error: lighthouse failed on {url}:\n{result.stderr}")
        found = json.loads(report.read_text())
    scores = {name: 100 * found["categories"][name]["score"] for name in PROMISED}
    return scores | {name: found["audits"][name]["numericValue"] for name in TIMES}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="relative to _build/html; all pages of the book by default")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()

    if not shutil.which("npx"):
        sys.exit("error: npx was not found. Lighthouse needs Node 18 or later and npm (https://nodejs.org).")
    if not (HTML / "index.html").exists():
        sys.exit("error: there is no built book in _build/html. Run `make book` first.")
    chromium = find_chromium()
    pages = arguments.pages or sorted(f"book/{path.name}" for path in (HTML / "book").glob("*.html"))

    short = []
    print(f"{'page':32}" + "".join(f"{name:>16}" for name in [*PROMISED, *TIMES.values()]))
    with serve() as address:
        for page in pages:
            runs = [audit(f"{address}/{page}", chromium) for _ in range(arguments.runs)]
            medians = {name: median(run[name] for run in runs) for name in runs[0]}
            print(f"{page:32}" + "".join(f"{value:16.0f}" for value in medians.values()), flush=True)
            short += [
                f"{page}: {name} {medians[name]:.0f} < {least}"
                for name, least in PROMISED.items()
                if medians[name] < least
            ]
    if short:
        sys.exit("\n".join(["error: below the promised scores", *short]))


if __name__ == "__main__":
    main()
