"""The digest of the code that a run executes: a stored result is that of the present code, if its digest is.

What counts is the syntax, without comments and docstrings, of

- the outermost function or class that holds a function which was called,
- statements of modules that are no definitions: an assignment or an import if it binds a name that its module, or an
  import or an attribute elsewhere, mentions in what counts; others (calls, loops) in the modules of those functions,
- what these statements, decorators and bases call when they are imported, one call deep, and classes that are called,

and the bytes of the package's data files that were opened. A run is observed once. As long as nothing changes of what
counted then, the same run calls the same functions; so their list gives its digest from the files alone.

Names are compared as words, so more may count than is executed. What is not seen: programs without a file (`exec`),
code that runs at import more than one call deep or under another name, and a branch that the observed run did not take.

>>> from mathlib.problems import digits
>>> _, names = executed("mathlib", digits)
>>> names[:2]
['file problems/digits.csv.gz', 'mathlib.problems.data digits']
>>> len(digest("mathlib", names))
16
"""

import ast
import functools
import gc
import hashlib
import importlib
import sys
from pathlib import Path

DEFINITION = ast.FunctionDef, ast.ClassDef
IMPORT = ast.Import, ast.ImportFrom
ASSIGNMENT = ast.Assign, ast.AnnAssign, ast.AugAssign


@functools.cache
def root(package):
    """The folder of a package."""
    return Path(importlib.import_module(package).__file__).resolve().parent


# ------------------------------------------------------------------------------------- what is executed

opened = None  # the files that are opened while a run is observed


def note(event, arguments):
    """The audit hook."""
    if opened is not None and event == "open" and isinstance(arguments[0], str):
        opened.add(arguments[0])


@functools.cache
def listen():
    """A hook of this kind cannot be removed: there is one."""
    sys.addaudithook(note)


def executed(package, f, *args):
    """``f(*args)``, and what it executes of a package: sorted names, "module function" or "file path".

    What the package has cached is forgotten first, or the second run would execute less than the first.
    """
    global opened
    folder, codes = root(package), set()
    caches = [kept for kept in gc.get_objects() if isinstance(kept, functools._lru_cache_wrapper)]
    for kept in caches:
        if kept.__module__.partition(".")[0] == package and kept.__module__ != __name__:
            kept.cache_clear()
    listen()

    def call(frame, event, argument):
        codes.add((frame.f_globals.get("__name__", ""), frame.f_code))

    # Not a profile: the compiler sets its own.
    before, opened = sys.gettrace(), set()
    sys.settrace(call)
    try:
        answer = f(*args)
    finally:
        sys.settrace(before)
        files, opened = opened, None
    names = {
        f"{module} {code.co_qualname.partition('.')[0]}"
        for module, code in codes
        if module.partition(".")[0] == package and Path(code.co_filename).is_absolute()
    }
    for file in files:
        path = Path(file).resolve()
        if path.is_relative_to(folder) and path.suffix not in (".py", ".pyc"):
            names.add(f"file {path.relative_to(folder).as_posix()}")
    return answer, sorted(names)


# ------------------------------------------------------------------------------------- what it looks like


def canonical(node, others=frozenset()):
    """The syntax as text, the same on every Python: no places, no docstrings, no entries that `others` name."""
    if isinstance(node, list):
        return "[" + ",".join(canonical(a, others) for a in node) + "]"
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} {node.value!r}"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = {name: getattr(node, name, None) for name in node._fields if name not in ("ctx", "kind", "type_comment")}
    if isinstance(node, DEFINITION) and ast.get_docstring(node, clean=False) is not None:
        parts["body"] = node.body[1:]
    if isinstance(node, ast.JoinedStr):  # Python 3.12.1 ends a nested format with an empty text
        parts["values"] = [a for a in node.values if not (isinstance(a, ast.Constant) and a.value == "")]
    if isinstance(node, ast.Dict):
        parts["keys"], parts["values"] = entries(node, others)
    fields = ",".join(f"{name}={canonical(a, others)}" for name, a in parts.items() if a not in (None, []))
    return f"{type(node).__name__}({fields})"


def entries(node, others):
    """The keys and the values of a dictionary, but for the entries of others."""
    pairs = zip(node.keys, node.values, strict=True)
    kept = [(k, v) for k, v in pairs if not (isinstance(k, ast.Constant) and k.value in others)]
    return [k for k, _ in kept], [v for _, v in kept]


def walk(node, others=frozenset(), bodies=True):
    """All nodes but those in entries of others and, without `bodies`, those in lambdas."""
    yield node
    inner = ast.iter_child_nodes(node)
    if isinstance(node, ast.Dict):
        inner = [a for part in entries(node, others) for a in part if a]
    elif isinstance(node, ast.Lambda) and not bodies:
        inner = []
    for a in inner:
        yield from walk(a, others, bodies)


def called(nodes):
    """The names of what is called."""
    functions = [a.func for a in nodes if isinstance(a, ast.Call)]
    return {f.id if isinstance(f, ast.Name) else f.attr for f in functions if isinstance(f, (ast.Name, ast.Attribute))}


def sources(node):
    """The modules that an import may read."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}


class Statement:
    """A statement at the level of a module, or one name of an import: its text, what it binds, mentions and calls."""

    def __init__(self, node, others):
        self.defines = {ast.FunctionDef: "def", ast.ClassDef: "class"}.get(type(node))
        others = frozenset() if self.defines else others
        self.text, nodes = canonical(node, others), list(walk(node, others))
        self.names = {a.id for a in nodes if isinstance(a, ast.Name)}
        self.elsewhere = {a.attr for a in nodes if isinstance(a, ast.Attribute)}
        self.elsewhere |= {alias.name for a in nodes if isinstance(a, ast.ImportFrom) for alias in a.names}
        self.sources = set().union(*(sources(a) for a in nodes if isinstance(a, IMPORT)))
        self.binds, at_import = set(), [node]
        if self.defines:
            self.binds, at_import = {node.name}, [*node.decorator_list, *getattr(node, "bases", [])]
        elif isinstance(node, IMPORT):
            self.binds = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ASSIGNMENT):
            targets = [a for t in getattr(node, "targets", None) or [node.target] for a in ast.walk(t)]
            if not any(isinstance(a, (ast.Attribute, ast.Subscript)) for a in targets):
                self.binds = {a.id for a in targets if isinstance(a, ast.Name)}
        self.calls = called(nodes)
        self.calls_at_import = called(a for part in at_import for a in walk(part, others, bodies=False))
        if self.defines:
            self.calls_at_import |= {a.id for a in at_import if isinstance(a, ast.Name)}


@functools.cache
def snapshot(package):
    """The modules of a package as this process found them: bytes by name."""
    folder, modules = root(package), {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        modules[".".join((package, *parts)).removesuffix(".__init__")] = path.read_bytes()
    return modules


@functools.cache
def tree(package):
    """The digest of all modules of a package, comments and all."""
    return short(f"{name} {short(text)}" for name, text in snapshot(package).items())


def short(content):
    """The digest of bytes, or of lines of text: 16 hexadecimal digits."""
    content = content if isinstance(content, bytes) else "\n".join(content).encode()
    return hashlib.sha256(content).hexdigest()[:16]


@functools.cache
def parsed(package, module):
    """The statements of a module, each name of an import as one; None, if there is no such module."""
    if module not in snapshot(package):
        return None
    body = []
    for node in ast.parse(snapshot(package)[module]).body:
        if isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module}, line {node.lineno}: a relative import. Instead: the module's whole name.")
            body += [ast.ImportFrom(node.module, [alias], 0) for alias in node.names]
        elif isinstance(node, ast.Import):
            body += [ast.Import([alias]) for alias in node.names]
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            body.append(node)
    return body


@functools.cache
def words(package, module):
    """For each statement of a module, the keys of its dictionaries."""
    displays = ([a for a in ast.walk(node) if isinstance(a, ast.Dict)] for node in parsed(package, module))
    return [{k.value for a in inner for k in a.keys if isinstance(k, ast.Constant)} for inner in displays]


@functools.cache
def statement(package, module, place, others):
    """A statement of a module, but for the entries of others."""
    return Statement(parsed(package, module)[place], others)


def statements(package, module, others):
    """The statements of a module, but for the entries of others; none, if there is no such module."""
    if parsed(package, module) is None:
        return []
    return [statement(package, module, place, others & keys) for place, keys in enumerate(words(package, module))]


def digest(package, names, others=frozenset()):
    """The digest of what `executed` lists, 16 hexadecimal digits; None, where some of it is no more.

    `others` are words: an entry of a dictionary at the level of a module does not count if one of them is its key.
    """

    @functools.cache
    def of(module):
        return statements(package, module, others)

    pairs = [name.split(" ", 1) for name in names]
    files = [root(package) / path for kind, path in pairs if kind == "file"]
    homes = {module for module, _ in pairs if module != "file"}
    functions = {(module, f) for module, f in pairs if module != "file" and not f.startswith("<")}
    if not all(path.exists() for path in files) or not all(map(of, homes)):
        return None
    defined = {(module, name): s for module in homes for s in of(module) if s.defines for name in s.binds}
    if not functions <= defined.keys():
        return None
    counted, new = set(), {defined[f]: f[0] for f in functions}
    mentions = {module: set() for module in homes}  # by modules that are reached
    elsewhere, calls, calls_at_import = set(), set(), set()
    while new:
        counted |= new.keys()
        for s, module in new.items():
            mentions[module] |= s.names
            elsewhere |= s.elsewhere
            calls |= s.calls
            calls_at_import |= s.calls_at_import
            mentions |= {source: set() for source in s.sources if source not in mentions and of(source)}
        new = {}
        for module, names in mentions.items():
            named = {None: names | elsewhere, "def": calls_at_import, "class": calls | calls_at_import}
            for s in of(module):
                counts = not s.binds.isdisjoint(named[s.defines]) if s.binds else module in homes
                if counts and s not in counted:
                    new[s] = module
    text = [f"{module} {s.text}" for module in sorted(mentions) for s in of(module) if s in counted]
    return short(text + [f"{path.name} {short(path.read_bytes())}" for path in files])
