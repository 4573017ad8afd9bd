"""The digest of the code that a run executes: a stored result is that of the present code, if its digest is.

What counts is the syntax, without comments and docstrings, of

- the outermost function or class that holds a function which was called,
- assignments, imports and classes at the level of a module whose name is mentioned in what counts: in the same module,
  or elsewhere as an attribute or by an import,
- other statements (calls, loops, conditions, entries of tables) of which a name is mentioned so, and all of them in the
  modules of the functions which were called,
- functions that are called when a module is imported: those named in a call, in a decorator or in the head of a class
  there, and what these call in turn,

and the bytes of the data files that were opened, those of the package and those of installed ones. A run is observed
once. As long as nothing changes of what counted then, the same run calls the same functions; so their list gives its
digest from the files alone.

Names are compared as words, so more may count than is executed. What is not seen:

- programs without a file (`exec`), data that are read when a module is imported, files of code or docstrings as data,
- a name that is put together (`getattr`, `globals`), or that no statement which counts mentions: a module that is
  imported only for what it does, or is reached as an attribute where another one imports it,
- what is called at import by the body of a lambda, by a property, or by a function of the package that is given it,
- a branch that the observed run did not take.

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
import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FUNCTION = ast.FunctionDef, ast.AsyncFunctionDef
DEFINITION = *FUNCTION, ast.ClassDef
IMPORT = ast.Import, ast.ImportFrom
ASSIGNMENT = ast.Assign, ast.AnnAssign, ast.AugAssign

INSTALLED = "site-packages", "dist-packages"  # folders of packages
CALLS_NOTHING = "partial", "dir", "len", "isinstance", "issubclass", "hasattr", "getattr", "setattr"
CODE = ".py", ".pyc", ".pyi", ".so", ".pyd", ".typed"


@functools.cache
def root(package):
    """The folder of a package."""
    return Path(importlib.import_module(package).__file__).resolve().parent


# ------------------------------------------------------------------------------------- what is executed


class Observed:
    """What a run executes, as its trace function sees it: code with the names of its modules, and files."""

    def __init__(self):
        self.codes, self.files = set(), set()

    def __call__(self, frame, event, argument):
        self.codes.add((frame.f_globals.get("__name__", ""), frame.f_code))


one_at_a_time = threading.RLock()
observed = None  # the run that is being observed


def note(event, arguments):
    """The audit hook: files that are opened by the threads of the run."""
    if event == "open" and observed is not None and sys.gettrace() is observed and not isinstance(arguments[0], int):
        observed.files.add(os.fsdecode(arguments[0]))


@functools.cache
def listen():
    """A hook of this kind cannot be removed: there is one."""
    sys.addaudithook(note)


def executed(package, f, *args):
    """``f(*args)``, and what it executes of a package: sorted names, "module function", "file path" or "data path".

    A file has its path within the package, data that within the folder where packages are installed. What the package
    has cached is forgotten first, or the second run would execute less than the first.
    """
    global observed
    with one_at_a_time:
        caches = [kept for kept in gc.get_objects() if isinstance(kept, functools._lru_cache_wrapper)]
        for kept in caches:
            if kept.__module__.partition(".")[0] == package and kept.__module__ != __name__:
                kept.cache_clear()
        gc.collect()  # a generator that an earlier run left is resumed when it is collected
        listen()
        # Not a profile: the compiler sets its own.
        before, seen = (observed, sys.gettrace(), threading.gettrace()), Observed()
        observed = seen
        threading.settrace(seen)
        sys.settrace(seen)
        try:
            answer = f(*args)
        finally:
            observed, trace, of_threads = before
            sys.settrace(trace)
            threading.settrace(of_threads)
    names = {
        f"{module} {code.co_qualname.partition('.')[0]}"
        for module, code in seen.codes.copy()
        if module.partition(".")[0] == package and Path(code.co_filename).is_absolute()
    }
    return answer, sorted(names | {name for file in seen.files.copy() if (name := file_name(package, Path(file)))})


def file_name(package, path):
    """How a file is called in the list; None, if it is neither the package's nor an installed one's data."""
    path = path.resolve()
    if path.suffix in CODE:
        return None
    if path.is_relative_to(root(package)):
        return f"file {path.relative_to(root(package)).as_posix()}"
    folder = next((a for a in path.parents if a.name in INSTALLED), None)
    inside = folder and path.relative_to(folder)
    # A folder of metadata is called "name-1.0.dist-info".
    return f"data {inside.as_posix()}" if inside and len(inside.parts) > 1 and inside.parts[0].isidentifier() else None


def located(package, kind, path):
    """Where a file of the list is; None, if its package is not installed."""
    if kind == "file":
        return root(package) / path
    top, _, path = path.partition("/")
    spec = find_spec(top)
    return Path(spec.submodule_search_locations[0]) / path if spec and spec.submodule_search_locations else None


# ------------------------------------------------------------------------------------- what it looks like


def is_idle(node):
    """Whether a node is a statement that does nothing: a docstring, of an attribute too, or an ellipsis."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def fields(node, others):
    """The parts of a node by name, and the words whose entries do not count in them.

    Of a dictionary within another, in a function or in a class all entries count.
    """
    parts = {name: getattr(node, name, None) for name in node._fields if name not in ("ctx", "kind", "type_comment")}
    if isinstance(node, ast.JoinedStr):  # Python 3.12.1 ends a nested format with an empty text
        parts["values"] = [a for a in node.values if not (isinstance(a, ast.Constant) and a.value == "")]
    if isinstance(node, ast.Dict) and others:
        pairs = zip(node.keys, node.values, strict=True)
        kept = [(k, v) for k, v in pairs if not (isinstance(k, ast.Constant) and k.value in others)]
        parts["keys"], parts["values"] = [k for k, _ in kept], [v for _, v in kept]
    return parts, frozenset() if isinstance(node, (*DEFINITION, ast.Lambda, ast.Dict)) else others


def canonical(node, others=frozenset()):
    """The syntax as text, the same on every Python: no places, no docstrings, no entries that `others` name."""
    if isinstance(node, list):
        return "[" + ",".join(canonical(a, others) for a in node if not is_idle(a)) + "]"
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} {node.value!r}"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts, others = fields(node, others)
    text = ",".join(f"{name}={canonical(a, others)}" for name, a in parts.items() if a not in (None, []))
    return f"{type(node).__name__}({text})"


def walk(node, others=frozenset(), bodies=True):
    """All nodes but those in entries of others and, without `bodies`, those in bodies of functions."""
    yield node
    parts, others = fields(node, others)
    if isinstance(node, (*FUNCTION, ast.Lambda)) and not bodies:
        del parts["body"]
    for part in parts.values():
        for a in part if isinstance(part, list) else [part]:
            if isinstance(a, ast.AST):
                yield from walk(a, others, bodies)


def mentioned(nodes):
    """The names that stand in nodes, and those of other places: of attributes, and of what is imported."""
    names, elsewhere = set(), set()
    for a in nodes:
        if isinstance(a, ast.Name):
            names.add(a.id)
        elif isinstance(a, ast.Attribute):
            elsewhere.add(a.attr)
        elif isinstance(a, ast.ImportFrom):
            elsewhere |= {alias.name for alias in a.names}
    return names, elsewhere


def called(nodes, own, modules):
    """What nodes name in what they call, or may call: words as those of `mentioned`, each followed by "()".

    A function that is not the package's `own`, of which the text is not known, may call what it is given. What is
    called as an attribute is a method, ".f()", and if it is that of one of the `modules`, a function.
    """
    names, elsewhere = set(), set()
    for a in nodes:
        parts = [*getattr(a, "decorator_list", []), *getattr(a, "keywords", [])]
        if isinstance(a, ast.Call):
            roots = [b.id for b in ast.walk(a.func) if isinstance(b, ast.Name)]
            is_own = not roots or roots[0] in own or roots[0] in CALLS_NOTHING
            parts = [a.func] if is_own else [a]
        for b in (b for part in parts for b in walk(part, bodies=False)):
            if isinstance(b, ast.Name):
                names.add(f"{b.id}()")
            elif isinstance(b, ast.Attribute):
                is_of_module = any(isinstance(c, ast.Name) and c.id in modules for c in ast.walk(b.value))
                elsewhere |= {f".{b.attr}()", f"{b.attr}()"} if is_of_module else {f".{b.attr}()"}
    return names, elsewhere


def bound(nodes):
    """The names that nodes bind, or of which they bind a part; not those within a comprehension."""
    names, nodes = set(), list(nodes)
    within = {b for a in nodes if isinstance(a, ast.comprehension) for b in ast.walk(a.target)}
    for a in nodes:
        if isinstance(a, IMPORT):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in a.names}
        elif isinstance(getattr(a, "ctx", None), ast.Store) and a not in within:
            names |= set().union(*mentioned(ast.walk(a)))
        elif not isinstance(a, ast.alias):  # definitions, handlers of exceptions, patterns
            names |= {name for name in (getattr(a, "name", None), getattr(a, "rest", None)) if isinstance(name, str)}
    return names


def sources(node):
    """The modules that an import may read; of another node, none."""
    if not isinstance(node, IMPORT):
        return set()
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}


def is_plain(node):
    """Whether a statement does nothing but bind names: an import, a class, an assignment to no part of a thing."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", node)]
    parts = (ast.Attribute, ast.Subscript)
    plain = isinstance(node, ASSIGNMENT) and not any(isinstance(a, parts) for t in targets for a in ast.walk(t))
    return plain or isinstance(node, (*IMPORT, ast.ClassDef))


def calls(names):
    """The words that say of names that they may be called at import."""
    return {f"{name}()" for name in names}


@dataclass(eq=False)
class Part:
    """A part of a statement: for which words it asks, and which it says to its own module, and to all others."""

    asks: tuple
    own: set
    elsewhere: set
    sources: set


class Statement:
    """A statement at the level of a module, or one name of an import: its text, and what it has to do with others.

    Its parts say more, each if one was said of each of the sets of words for which it asks: a name if it is mentioned,
    "f()" if f may be called at import, and ".f()" if a method may. If the first part does, the statement counts.
    """

    def __init__(self, node, others, own, modules):
        self.text, nodes = canonical(node, others), list(walk(node, others))
        at_import = list(walk(node, others, bodies=False))
        is_function = isinstance(node, FUNCTION)
        self.is_other = not is_function and not is_plain(node)
        self.binds = {node.name} if isinstance(node, DEFINITION) else bound(at_import)
        self.defines = self.binds & {a.name for a in at_import if isinstance(a, DEFINITION)}
        self.moves = is_function and not any(mentioned(at_import))
        asks = self.binds | mentioned(at_import)[0] if self.is_other else self.binds
        words, if_called = mentioned(nodes), calls(self.binds)
        run = called(at_import, own, modules)
        asks = if_called if is_function else asks
        self.parts = [Part((asks,), words[0] | run[0], words[1] | run[1], set().union(*map(sources, nodes)))]
        if not isinstance(node, DEFINITION):
            self.parts.append(Part((if_called,), calls(words[0]), calls(words[1]), set()))
        methods = {f for a in nodes if isinstance(a, ast.ClassDef) for f in a.body}
        for a in nodes:
            if isinstance(a, FUNCTION):
                body = called([b for statement in a.body for b in walk(statement, bodies=False)], own, modules)
                self.parts.append(Part(needs(a, a in methods, node, if_called), *body, set()))


def needs(function, is_method, statement, if_called):
    """The words of which a function within a statement needs some to be called at import.

    The special methods of a class may be called if the class is.
    """
    if function is statement or (is_method and function.name.startswith("__")):
        return ({statement.name},) if function.name == "__init_subclass__" else (if_called,)
    return if_called, {f".{function.name}()" if is_method else f"{function.name}()"}


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
    body, whole = [], ast.parse(snapshot(package)[module])
    for node in ast.walk(whole):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{module}, line {node.lineno}: a relative import. Instead: the module's whole name.")
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            raise ValueError(f"{module}, line {node.lineno}: an import of all names. Instead: those that are needed.")
    for node in whole.body:
        if isinstance(node, ast.ImportFrom):
            body += [ast.ImportFrom(node.module, [alias], 0) for alias in node.names]
        elif isinstance(node, ast.Import):
            body += [ast.Import([alias]) for alias in node.names]
        elif not is_idle(node):
            body.append(node)
    return body


@functools.cache
def words(package, module):
    """For each statement of a module, the keys of its dictionaries."""
    displays = ([a for a in ast.walk(node) if isinstance(a, ast.Dict)] for node in parsed(package, module))
    return [{k.value for a in inner for k in a.keys if isinstance(k, ast.Constant)} for inner in displays]


@functools.cache
def imported(package, module):
    """The names that are bound to something of the package by an import, anywhere in a module."""
    nodes = [a for node in parsed(package, module) for a in ast.walk(node) if isinstance(a, IMPORT)]
    return bound(a for a in nodes if any(source.partition(".")[0] == package for source in sources(a)))


@functools.cache
def owned(package, module):
    """The names that a module binds, but for imports from elsewhere."""
    body = [node for node in parsed(package, module) if not isinstance(node, IMPORT)]
    return imported(package, module) | bound(a for node in body for a in walk(node, bodies=False))


@functools.cache
def all_words(package, module):
    """The keys of the dictionaries of a module."""
    return frozenset().union(*words(package, module))


@functools.cache
def statement(package, module, place, others):
    """A statement of a module, but for the entries of others."""
    node = parsed(package, module)[place]
    return Statement(node, others, owned(package, module), imported(package, module))


@functools.cache
def statements(package, module, others):
    """The statements of a module, but for the entries of others; and, by words, the parts that ask for them."""
    found = [statement(package, module, place, others & keys) for place, keys in enumerate(words(package, module))]
    asking = {}
    for s in found:
        for part in s.parts:
            for word in set().union(*part.asks):
                asking.setdefault(word, []).append(part)
    return found, asking


def texts(statements):
    """The texts of statements in their order; where a function stands is all the same if its head names nothing."""
    bindings = Counter(name for s in statements for name in s.binds)
    moving = {s for s in statements if s.moves and all(bindings[name] == 1 for name in s.binds)}
    return [s.text for s in statements if s not in moving] + sorted(s.text for s in moving)


def digest(package, names, others=frozenset()):
    """The digest of what `executed` lists, 16 hexadecimal digits; None, where some of it is no more.

    `others` are words: an entry of a dictionary at the level of a module does not count if one of them is its key.
    """
    pairs = [name.split(" ", 1) for name in names]
    files = [located(package, kind, path) for kind, path in pairs if kind in ("file", "data")]
    pairs = [(module, f) for module, f in pairs if module not in ("file", "data")]
    homes, functions = {module for module, _ in pairs}, {(m, f) for m, f in pairs if not f.startswith("<")}
    if not all(path and path.exists() for path in files) or any(parsed(package, module) is None for module in homes):
        return None

    @functools.cache
    def of(module):
        return statements(package, module, others & all_words(package, module))

    defined = [(module, f, s) for module in homes for s in of(module)[0] for f in s.defines if (module, f) in functions]
    if functions != {(module, f) for module, f, _ in defined}:
        return None
    said, elsewhere = {module: set() for module in homes}, set()  # words, by modules that are reached
    new = {s.parts[0]: module for module, _, s in defined}
    new |= {s.parts[0]: module for module in homes for s in of(module)[0] if s.is_other}
    taken = set()
    while new:
        taken |= new.keys()
        for part, module in new.items():
            said[module] |= part.own
            elsewhere |= part.elsewhere
            said |= {source: set() for source in part.sources if source not in said and parsed(package, source)}
        new = {}
        for module, own in said.items():
            asking = of(module)[1]
            words = own.intersection(asking) | elsewhere.intersection(asking)
            parts = {part for word in words for part in asking[word]} - taken
            new |= {part: module for part in parts if not any(words.isdisjoint(asks) for asks in part.asks)}
    text = []
    for module in sorted(said):
        text += [f"{module} {a}" for a in texts([s for s in of(module)[0] if s.parts[0] in taken])]
    return short(text + [f"{path.name} {short(path.read_bytes())}" for path in files])
