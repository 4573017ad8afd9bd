"""Which variants of processor, Python and NumPy are tried, and which of them a commit chooses."""

import contextlib
import sys
import tomllib

import portable
import pytest


def listed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["portable.py", "--list", *arguments])
    portable.main()
    return capsys.readouterr().out.splitlines()


def test_the_matrix_has_both_ends_of_every_choice(monkeypatch, capsys):
    names = listed(monkeypatch, capsys)
    assert len(names) == len(set(names))
    for text in ("3.11, oldest NumPy, wheel alone", "3.13, newest NumPy, wheel alone"):
        assert any(text in name for name in names), text
    for text in ("Python 3.11, oldest NumPy, baseline", "Python 3.13, newest NumPy, all features", *portable.KERNELS):
        assert any(text in name for name in names), text
    for text in ("Python 3.13, oldest NumPy", "Zen"):
        assert listed(monkeypatch, capsys, "--only", text) == [name for name in names if text in name]
    with pytest.raises(SystemExit, match="no variant"):
        listed(monkeypatch, capsys, "--only", "Python 2.7")


@pytest.mark.parametrize("missing", ["", "3.13"])
def test_a_commit_chooses_one_that_can_be_tried_and_leaves_the_kernel_alone(monkeypatch, capsys, missing):
    monkeypatch.setattr(portable, "interpreter", lambda python: None if python == missing else "python")
    chosen = [listed(monkeypatch, capsys, "--one", f"{k:040x}") for k in range(60)]
    assert all(len(names) == 1 and names[0].endswith("kernels as chosen") for names in chosen)
    assert not any("Python 3.13" in name for (name,) in chosen) or not missing
    here = portable.name(portable.CURRENT, "newest", "all features", None)  # what `make test` has just run
    others = {name for name in listed(monkeypatch, capsys) if name.endswith("as chosen") and name != here}
    others = {name for name in others if portable.WHEEL not in name}  # these are chosen by name
    assert {name for (name,) in chosen} == {name for name in others if not missing or missing not in name}


@pytest.mark.parametrize("state", ["passed", "FAILED"])
def test_where_the_chosen_one_cannot_be_tried_the_next_is(monkeypatch, capsys, tmp_path, state):
    tried = []

    def attempt(variant, logs):
        tried.append(portable.name(*variant))
        return "not tried" if "AVX-512" in tried[-1] else state, "why"

    monkeypatch.setattr(portable, "attempt", attempt)
    monkeypatch.setattr(portable, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(portable, "interpreter", lambda python: "python")
    numbers = [f"{k:x}" for k in range(20)]
    firsts = [listed(monkeypatch, capsys, "--one", number)[0] for number in numbers]
    assert any("AVX-512" in first for first in firsts)
    for number, first in zip(numbers, firsts, strict=True):
        tried.clear()
        monkeypatch.setattr(sys, "argv", ["portable.py", "--one", number])
        with contextlib.nullcontext() if state == "passed" else pytest.raises(SystemExit, match="not every"):
            portable.main()
        assert tried[0] == first
        assert [("AVX-512" in name) for name in tried] == [True] * (len(tried) - 1) + [False]


def test_it_fails_where_none_can_be_tried(monkeypatch, tmp_path):
    monkeypatch.setattr(portable, "attempt", lambda variant, logs: ("not tried", "nothing to switch off"))
    monkeypatch.setattr(portable, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(portable, "interpreter", lambda python: "python")
    monkeypatch.setattr(sys, "argv", ["portable.py", "--one", "0"])
    with pytest.raises(SystemExit, match="none could be tried"):
        portable.main()


def test_a_row_says_why_it_was_not_tried(monkeypatch, tmp_path):
    monkeypatch.setattr(portable, "interpreter", lambda python: None)
    state, why = portable.attempt(("3.99", "oldest", "all features", None), tmp_path)
    assert (state, why) == ("not tried", "no Python 3.99 on PATH, nor among pyenv's")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    state, why = portable.attempt((portable.CURRENT, "newest", "all features", "Zen"), tmp_path)
    assert (state, why) == ("not tried", "OPENBLAS_CORETYPE is set to Haswell")


def test_the_package_declares_every_file_of_data_that_it_carries():
    project = tomllib.loads((portable.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["tool"]["setuptools"]["package-data"]
    carried = [path for path in portable.ROOT.glob("mathlib/**/*.*") if path.suffix not in (".py", ".pyc")]
    assert {path.parent.name for path in carried} == {"mathlib", "problems", "measured"}
    assert not [path for path in carried if not any(path.match(pattern) for pattern in declared["*"])]
