"""Which variants of processor, Python and NumPy are tried, and which of them a commit chooses."""

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
