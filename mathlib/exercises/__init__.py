"""Checks of the book's exercises: they accept any right answer, and name what is wrong with a wrong one.

`Exercises`
    the checks of a chapter; each module of this package makes one, named ``check``
`require`, `compare`
    what a check is written with

>>> check = Exercises()
>>> check.formula("ex-square", "9 + 6*eps", {"9 + 6*eps + eps**2": "eps**2 is zero"})
>>> @check.code("ex-double")
... def double(double):
...     compare(double(3.0), 6.0, [(9.0, "`double` squares its argument")])
>>> check("ex-square", "(3 + 2*eps)*3")
✓ Right.
>>> check("ex-double", lambda x: x**2)
✗ Not yet: `double` squares its argument.
>>> check("ex-double", ...)
… Nothing to check yet: put your answer in the place of the dots above.
"""

import ast
import traceback
from dataclasses import dataclass

import numpy as np

__all__ = ["Exercises", "Verdict", "compare", "require"]

RIGHT, WRONG, OPEN = "right", "wrong", "open"
NOTHING_YET = "Nothing to check yet: put your answer in the place of the dots above."


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check says: its exercise, ``"right"``, ``"wrong"`` or ``"open"``, and a sentence."""

    label: str
    state: str
    text: str

    def __repr__(self):
        return {RIGHT: "✓ ", WRONG: "✗ Not yet: ", OPEN: "… "}[self.state] + self.text


class Wrong(Exception):  # noqa: N818, it is not an error of the program
    """An answer is wrong, and this is why."""


class Exercises:
    """The checks of a chapter by their exercises' labels: ``check(label, *answers)`` is a `Verdict`.

    An answer that is ``...``, or a function that still is its starter, is not judged. What an answer raises is a
    verdict too, with the line of the answer where it happened.
    """

    def __init__(self):
        self.checks = {}
        self.mistakes = {}  # of the formulas: {label: {wrong formula: why}}

    def __call__(self, label, *answers):
        if label not in self.checks:
            raise KeyError(f"no check of an exercise {label!r} in this chapter: it has {', '.join(self.checks)}")
        if any(is_open(answer) for answer in answers):
            return Verdict(label, OPEN, NOTHING_YET)
        try:
            self.checks[label](*answers)
        except Wrong as why:
            return Verdict(label, WRONG, str(why))
        except Exception as error:
            return Verdict(label, WRONG, describe(error))
        return Verdict(label, RIGHT, "Right.")

    def code(self, label):
        """Decorate a function that takes the answers, and raises by `require` or `compare` if they are wrong."""

        def add(function):
            self.checks[label] = function
            return function

        return add

    def formula(self, label, right, mistakes, rtol=1e-6, **points):
        """Add an exercise whose answer is a formula or a number, written as text or given as a number.

        It is right if it has the value of `right`, within `rtol`, at eight random points: every letter is between 0.3
        and 1.7, or one of ``points[letter]``. Python's notation, `^` for a power, and NumPy's functions by their bare
        names (``sqrt``, ``exp``, ``pi``) are understood. `mistakes` are typical wrong formulas, and why each is wrong.
        """
        letters = sorted(letters_of(right))
        rng = np.random.default_rng(1)
        draw = lambda letter: rng.choice(points[letter]) if letter in points else rng.uniform(0.3, 1.7)  # noqa: E731
        places = [{letter: draw(letter) for letter in letters} for _ in range(8)]
        values = lambda formula: np.array([evaluate(formula, place) for place in places])  # noqa: E731

        def judge(answer):
            require(answer is not None, "it is None: a formula, in quotes, or a number is needed")
            answer = str(answer)  # a number, a formula of sympy's
            unknown = sorted(letters_of(answer) - set(letters))
            known = f"in {', '.join(f'`{letter}`' for letter in letters)}" if letters else "a number"
            require(not unknown, f"`{unknown and unknown[0]}` does not occur in it: the answer is {known}")
            value = values(answer)
            require(value.shape == (8,), "one formula or one number is needed")
            where = f"at {', '.join(f'{k} = {v:.3g}' for k, v in places[0].items())} it" if letters else "your answer"
            known = [(values(wrong), why) for wrong, why in mistakes.items()]
            compare(value, values(right), known, rtol, otherwise=f"{where} is {value[0]:.6g}, and that is not right")

        self.checks[label] = judge
        self.mistakes[label] = mistakes


# ── what a check is written with ──


def require(condition, why):
    """Judge an answer wrong, because of `why`, unless the condition holds."""
    if not condition:
        raise Wrong(why if why.endswith((".", "?", "!")) else f"{why}.")


def compare(value, right, mistakes=(), rtol=1e-9, atol=1e-12, what="your result", otherwise=None):
    """Judge an answer's value: right within tolerances, or wrong by the mistake whose value it has.

    `mistakes` are pairs of a value and why it is wrong; `what` names the value in the messages on its kind, shape and
    size; `otherwise` is what to say where no mistake fits.
    """
    require(value is not None, f"{what} is None: is a `return` missing?")
    right, kind = np.asarray(right), type(value).__name__
    try:
        value = np.asarray(value)
        value = value if np.iscomplexobj(value) else value.astype(float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} has to be numbers, and it is of the type {kind}.") from None

    def same(other):
        return value.shape == np.shape(other) and np.allclose(value, other, rtol=rtol, atol=atol)

    if same(right):
        return
    for wrong, why in mistakes:
        require(not same(wrong), why)
    require(value.shape == right.shape, f"{what} has the shape {value.shape}, and {right.shape} is needed")
    require(np.all(np.isfinite(value)), f"{what} has values that are infinite or not a number")
    require(otherwise is None, otherwise)
    worst = np.unravel_index(np.argmax(abs(value - right)), right.shape)
    place = f" at {tuple(map(int, worst))}" if right.ndim else ""
    raise Wrong(f"{what}{place} is {value[worst]:.6g}, where {right[worst]:.6g} is right.")


# ── answers ──


def starter(): ...


def starter_with_docstring():
    """Do nothing, as a starter does."""


def is_open(answer):
    """Whether an answer is still what the page gave."""
    if answer is ... or (isinstance(answer, str) and answer.strip() in ("", "...")):
        return True
    code = getattr(answer, "__code__", None)
    bare = code and code.co_code in (starter.__code__.co_code, starter_with_docstring.__code__.co_code)
    return bool(bare) and set(code.co_consts) <= {None, answer.__doc__}


FUNCTIONS = ["sqrt", "cbrt", "exp", "log", "log2", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "abs"]
NAMES = {name: getattr(np, name) for name in [*FUNCTIONS, "pi", "e"]}


ARITHMETIC = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
)


def parsed(formula):
    """The tree of a formula, which has nothing but arithmetic in it."""
    try:
        tree = ast.parse(formula.replace("^", "**").strip(), mode="eval")
        called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        known = all(isinstance(function, ast.Name) and function.id in FUNCTIONS for function in called)
        if known and all(isinstance(node, ARITHMETIC) for node in ast.walk(tree)):
            return tree
        raise SyntaxError
    except SyntaxError:
        raise Wrong(f"`{formula}` is not a formula that Python can read: is a `*` or a bracket missing?") from None


def letters_of(formula):
    """The names in a formula that are not functions or numbers of their own."""
    return {node.id for node in ast.walk(parsed(formula)) if isinstance(node, ast.Name)} - set(NAMES)


def evaluate(formula, place):
    """The value of a formula in letters that have these values."""
    with np.errstate(all="ignore"):
        return eval(compile(parsed(formula), "<formula>", "eval"), {"__builtins__": {}}, NAMES | place)


def describe(error):
    """An answer's error, and the line of the answer that raised it: it is the last one that is not a library's."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if is_a_cell(frame.filename)]
    place = f", in line {lines[-1].lineno} of your cell" if lines else ""
    text = f": `{lines[-1].line}`" if lines and lines[-1].line else ""
    return f"it raised {type(error).__name__}: {str(error).rstrip('.')}{place}{text}"


def is_a_cell(filename):
    """Whether code comes from a cell of a notebook, or of a page."""
    return filename.startswith("<") or "ipykernel_" in filename
