"""What a release says of itself: one version, links that work on PyPI, workflows that ask for little."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import release
import yaml

import mathlib

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_there_is_one_version():
    assert release.version() == mathlib.__version__ == yaml.safe_load(read("CITATION.cff"))["version"]


@pytest.mark.parametrize(("tag", "code"), [(f"v{mathlib.__version__}", 0), (mathlib.__version__, 1), ("v0.0.0", 1)])
def test_a_tag_that_is_not_the_version_is_refused(tag, code):
    answer = subprocess.run([sys.executable, ROOT / "tools" / "release.py", "--is", tag], capture_output=True)
    assert answer.returncode == code


def test_the_laws_are_found_and_need_nothing_else():
    names = {path.name for path in release.laws()}
    assert {"test_hessian.py", "test_spaces.py", "test_optimize.py", "test_stochastic.py"} <= names
    assert not names & {"test_site.py", "test_release.py", "test_show.py", "test_exercises.py"}


def test_links_of_the_readme_work_on_pypi_too():
    targets = re.findall(r"\]\(([^)\s]+)", read("README.md"))
    assert targets
    headings = {re.sub(r"\W+", "-", title.lower()) for title in re.findall(r"^## (.+)$", read("README.md"), re.M)}
    for target in targets:
        assert target.startswith("https://") or target.removeprefix("#") in headings, target
    repository = (
        r"https://(?:github\.com|raw\.githubusercontent\.com)/second-order/second-order/(?:blob/)?main/([^)#]+)"
    )
    for path in re.findall(repository, read("README.md")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_no_more_unless_a_job_says_so(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert {"runs-on", "steps"} <= set(job), name
        assert set(job.get("needs", "").split()) <= set(workflow["jobs"]), name
        for step in job["steps"]:
            assert len({"uses", "run"} & set(step)) == 1, step
        for target in re.findall(r"\bmake ([a-z ]+)", " ".join(step.get("run", "") for step in job["steps"])):
            for each in target.split():
                assert re.search(rf"^{each}:", read("Makefile"), re.M), each
    assert "secrets." not in path.read_text(encoding="utf-8")
