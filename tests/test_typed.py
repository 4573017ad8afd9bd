"""The stub of the public names says what the code has. (What mypy makes of it: `make types`.)"""

import ast
import inspect
from pathlib import Path

import mathlib

STUB = ast.parse(Path(mathlib.__file__).with_name("__init__.pyi").read_text(encoding="utf8"))
TYPED = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}


def test_every_public_name_is_typed():
    imported = {alias.name for node in STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(mathlib.__all__) <= TYPED.keys() | imported
    [listed] = [node.value for node in STUB.body if isinstance(node, ast.Assign)]
    assert ast.literal_eval(listed) == mathlib.__all__
    assert Path(mathlib.__file__).with_name("py.typed").exists()


def test_the_stub_has_the_parameters_of_the_code():
    for name, node in TYPED.items():
        parameters = inspect.signature(getattr(mathlib, name)).parameters.values()
        typed = [*node.args.args, *node.args.kwonlyargs]
        assert [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL] == [a.arg for a in typed], name
        given = [p.default for p in parameters if p.default is not p.empty]
        defaults = [*node.args.defaults, *node.args.kw_defaults]
        assert len(given) == len(defaults), name
        for default, typed in zip(given, map(ast.literal_eval, defaults), strict=True):
            assert typed in (default, ...), name
