"""Formulas as text: "relu(x @ w1 + b) @ w2" as a function that records.

The text is parsed by `ast` and read against a list of what may stand in it: names, numbers,
arithmetic, indices, and the words of the library. Nothing is ever evaluated by Python, so a text
from anywhere can name no function but those. What is read becomes a list of steps for a stack:
no recursion, and every step knows which part of the text it is, so that errors point there.
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from textwrap import dedent
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.core.registry import complete_registry
from minigrad.errors import FormulaError, MinigradError, ShapeError
from minigrad.tensor import Tensor

Does = Callable[..., Any]
Parts = list[ast.AST]

BINARY: dict[type[ast.AST], Does] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.MatMult: operator.matmul,
}
UNARY: dict[type[ast.AST], Does] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
COMPARISONS: dict[type[ast.AST], Does] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ATTRIBUTES = ("T", "mT")
METHODS = {
    *("sum", "mean", "max", "min", "prod", "var", "std", "cumsum", "cumprod", "round", "clip"),
    *("reshape", "transpose", "squeeze", "ravel", "repeat", "swapaxes", "diagonal", "trace"),
    *("take", "dot"),
}
NOT_A_PART = (
    "this is no part of a formula ({}), which is made of names, numbers, arithmetic, indices and "
    "calls of words"
)
WORD_FILES = "minigrad.ops."  # what the library itself states may be called by its name


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a formula: what it does with the last values of the stack."""

    does: Does
    parts: tuple[ast.AST, ...]  # where those values come from
    where: ast.AST
    reads: str = ""  # instead: the name whose value it puts on the stack
    keeps: str = ""  # instead: the name that the value on the stack is given


class Formula:
    """A formula that was read from text: call it with its inputs, by position or by name."""

    def __init__(self, text: str) -> None:
        self.text = dedent(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
        self._steps = tuple(steps_of(self.text))
        kept: set[str] = set()
        names: dict[str, None] = {}
        for step in self._steps:
            if step.reads and step.reads not in kept:
                names[step.reads] = None
            kept |= {step.keeps} - {""}
        self.names = tuple(names)
        positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(name, positional) for name in names]
        )

    def __repr__(self) -> str:
        return f"formula({self.text!r})"

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Compute it: tensors give a recorded tensor, arrays give an array."""
        try:
            bound = self.__signature__.bind(*inputs, **named).arguments
        except TypeError as error:
            names = ", ".join(self.names) or "no inputs"
            raise TypeError(f"{error}. The formula {self.text!r} takes {names}.") from None
        values = {name: value if is_value(value) else np.asarray(value) for name, value in
                  bound.items()}  # fmt: skip
        stack: list[Any] = []
        for step in self._steps:
            if step.reads:
                stack.append(values[step.reads])
            elif step.keeps:
                value = stack.pop()
                if all(value is not other for other in values.values()):
                    give_name(value, step.keeps)
                values[step.keeps] = value
            else:
                start = len(stack) - len(step.parts)
                parts = stack[start:]
                del stack[start:]
                stack.append(self._done(step, parts))
        return stack.pop() if stack else values[self._steps[-1].keeps]

    def _done(self, step: Step, parts: list[Any]) -> Any:
        try:
            return step.does(*parts)
        except MinigradError as error:
            kind, what = type(error), str(error)
            reason: Exception = error
        except Exception as error:  # NumPy's own refusals, of plain arrays and of settings
            kind = ShapeError if type(error) is ValueError else FormulaError
            of_numbers = isinstance(error, ArithmeticError)
            what = f"{type(error).__name__}: {error}" if of_numbers else str(error)
            reason = error
        shapes = ", ".join(
            f"{ast.get_source_segment(self.text, part)} is {value.shape}"
            for part, value in zip(step.parts, parts, strict=True)
            if isinstance(value, Tensor | np.ndarray)
        )
        raise kind(f"{what}\n{pointed(self.text, step.where)}\n    {shapes}".rstrip()) from reason


def formula(text: str) -> Formula:
    """A function from its text: `relu(x @ w1 + b) @ w2` in, a function of x, w1, b, w2 out.

    The inputs are the names that the text reads, in the order in which they come up. It may hold
    numbers, `+ - * / // % ** @`, comparisons, indices, `.T`, NumPy's functions that have a rule
    (`tanh`, `sum(x, axis=0)`), minigrad's own (`relu`, `conv2d`), and lines that name what comes
    before: `h = relu(x @ w)`. It is parsed, never evaluated: nothing else can be called.

    Raises `FormulaError` (a `ValueError`) for a text that cannot be read. What goes wrong in a
    call, such as a `ShapeError`, points at the place in the text.

    >>> import minigrad as mg
    >>> f = mg.formula("relu(x @ w + b)")
    >>> f
    formula('relu(x @ w + b)')
    >>> f.names
    ('x', 'w', 'b')
    >>> w = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    >>> f([[1.0, 1.0]], w, b=0.5)
    Tensor([[3.5]], requires_grad=True)
    """
    if not isinstance(text, str):
        raise TypeError(f"a formula is text, such as 'relu(x @ w)'; got a {type(text).__name__}.")
    return Formula(text)


def is_value(value: Any) -> bool:
    """Whether a value can take part as it is: Python's numbers adapt to the dtype beside them."""
    return isinstance(value, Node | np.ndarray | np.generic | float | int)


def give_name(value: Any, name: str) -> None:
    """Let a recorded result be called so in diagrams."""
    if isinstance(value, Node) and value.op is not None and value.name is None:
        value.name = name


# --- reading


def steps_of(text: str) -> Iterator[Step]:
    """The steps that a text stands for: some lines `name = ...`, and the last one the result."""
    lines = parsed(text).body
    if not lines:
        raise FormulaError("formula: the text is empty; write something like 'relu(x @ w)'.")
    for number, line in enumerate(lines, start=1):
        if isinstance(line, ast.Assign) and len(line.targets) == 1:
            (target,) = line.targets
            if not isinstance(target, ast.Name):
                raise refused(text, target, "only a plain name can be given to a value")
            yield from steps_of_expression(text, line.value)
            yield Step(operator.pos, (), line, keeps=target.id)
        elif isinstance(line, ast.Expr):
            if number < len(lines):
                raise refused(
                    text, line, "only the last line is a result; begin the others with a name ="
                )
            yield from steps_of_expression(text, line.value)
        else:
            raise refused(text, line, NOT_A_PART.format(type(line).__name__))


def parsed(text: str) -> ast.Module:
    """The syntax tree of a text, or a `FormulaError` that points at what is wrong in it."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        lines = text.split("\n")
        row, column = error.lineno or 1, max(error.offset or 1, 1) - 1
        line = lines[row - 1] if row <= len(lines) else ""
        raise FormulaError(
            f"formula: {error.msg}\n    {line}\n    {' ' * min(column, len(line))}^"
        ) from None
    except (RecursionError, MemoryError):
        raise FormulaError(
            "formula: the text is nested too deeply to be read. Name parts of it on lines of their "
            "own: h = relu(x @ w)."
        ) from None
    except ValueError as error:  # a null byte, half of a surrogate pair, a number of 5000 digits
        raise FormulaError(f"formula: {error}") from None


def steps_of_expression(text: str, root: ast.AST) -> Iterator[Step]:
    """The steps of an expression, the parts of each before it."""
    stack: list[ast.AST | Step] = [root]
    while stack:
        found = stack.pop()
        if isinstance(found, Step):
            yield found
        elif isinstance(found, ast.Name):
            yield Step(operator.pos, (), found, reads=found.id)
        else:
            does, parts = meaning(text, found)
            stack.append(Step(does, tuple(parts), found))
            stack.extend(reversed(parts))


def meaning(text: str, node: ast.AST) -> tuple[Does, Parts]:
    """What a part of the text does, and the parts whose values it does it with."""
    match node:
        case ast.Constant(value=value):
            if isinstance(value, complex | bytes):
                raise refused(text, node, f"{value!r} is not a real number")
            return (lambda: value), []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return BINARY[type(op)], [left, right]
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return power, [left, right]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            return UNARY[type(op)], [operand]
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            return COMPARISONS[type(op)], [left, right]
        case ast.Call():
            return call(text, node)
        case ast.Attribute(value=value, attr=name) if name in ATTRIBUTES:
            return operator.attrgetter(name), [value]
        case ast.Attribute(attr=name):
            raise refused(text, node, f"there is no attribute .{name} here{like(name, ATTRIBUTES)}")
        case ast.Subscript(value=value, slice=index):
            return operator.getitem, [value, index]
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice, [part or ast.Constant(None) for part in (lower, upper, step)]
        case ast.Tuple(elts=parts):
            return (lambda *values: values), list(parts)
        case ast.List(elts=parts):
            return (lambda *values: list(values)), list(parts)
    raise refused(text, node, NOT_A_PART.format(type(node).__name__))


def call(text: str, node: ast.Call) -> tuple[Does, Parts]:
    """A call of a word, or of a method of a value."""
    for part in (*node.args, *node.keywords):
        if isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None):
            raise refused(text, part, "arguments are given one by one, without a star")
    parts: Parts = [*node.args, *[keyword.value for keyword in node.keywords]]
    match node.func:
        case ast.Name(id=name):
            if name not in words():
                raise refused(
                    text, node.func, f"there is no function {name!r}{like(name, words())}"
                )
            return with_names(words()[name], node), parts
        case ast.Attribute(value=value, attr=name) if name in METHODS:
            return with_names(method(name), node), [value, *parts]
        case ast.Attribute(attr=name):
            raise refused(text, node.func, f"there is no method .{name} here{like(name, METHODS)}")
    raise refused(text, node.func, "only a word of the library can be called")


def with_names(function: Does, node: ast.Call) -> Does:
    """The function as one of positional values, the last of which go by the names in the call."""
    names = [keyword.arg for keyword in node.keywords if keyword.arg is not None]

    def called_with(*values: Any) -> Any:
        first = len(values) - len(names)
        return function(*values[:first], **dict(zip(names, values[first:], strict=True)))

    return called_with if names else function


def method(name: str) -> Does:
    """The method of that name, of a tensor or an array."""

    def called_on(value: Any, *rest: Any, **settings: Any) -> Any:
        if not isinstance(value, Tensor | np.ndarray | np.generic):
            raise TypeError(f".{name} is a method of a tensor, not of a {type(value).__name__}")
        return getattr(value, name)(*rest, **settings)

    return called_on


def power(x: Any, y: Any) -> Any:
    """`x ** y`; of two plain numbers in floats, as 9**9**9 in integers would never end."""
    return float(x) ** y if isinstance(x, int) and isinstance(y, int) else x**y


@cache
def words() -> dict[str, Does]:
    """What can be called: NumPy's functions that have a rule, and the library's own."""
    import minigrad

    registry = complete_registry()
    found = {
        name: registry[thing]
        for module in (np.linalg, np)  # np.trace before np.linalg.trace
        for name, thing in vars(module).items()
        if callable(thing) and thing in registry
    }
    late = {word for word, part in minigrad.PART_OF.items() if part.startswith("ops.")}
    own = {name: getattr(minigrad, name) for name in sorted({*vars(minigrad), *late})}
    return found | {
        name: thing
        for name, thing in own.items()
        if getattr(thing, "__module__", "").startswith(WORD_FILES)
    }


# --- pointing at the text


def refused(text: str, where: ast.AST, what: str) -> FormulaError:
    """The error that says what is wrong and shows the place."""
    stop = "" if what.endswith("?") else "."
    return FormulaError(f"formula: {what}{stop}\n{pointed(text, where)}")


def pointed(text: str, where: Any) -> str:
    """The line of the text in which a part of it begins, and marks below the part."""
    line = text.split("\n")[where.lineno - 1]
    end = where.end_col_offset if where.end_lineno == where.lineno else len(line.encode())
    before, marked = (
        line.encode()[a:b].decode() for a, b in ((0, where.col_offset), (where.col_offset, end))
    )
    return f"    {line}\n    {' ' * len(before)}{'^' * max(len(marked), 1)}"


def like(name: str, known: Any) -> str:
    """A word about what may have been meant."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
