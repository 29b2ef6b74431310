"""How the text of a formula is read: a list of steps for a stack.

No recursion, and every step knows which part of the text it is, so that errors point there.
Reading takes time in proportion to the text.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from operator import attrgetter
from typing import Any

from minigrad.errors import FormulaError
from minigrad.formulas import values
from minigrad.formulas.words import METHODS, NOT_SETTINGS, method, words

Does = Callable[..., Any]
Parts = list[ast.AST]

BINARY: dict[type[ast.AST], tuple[str, Does]] = {
    ast.Add: ("add", values.add),
    ast.Sub: ("subtract", values.subtract),
    ast.Mult: ("multiply", values.multiply),
    ast.Div: ("divide", values.divide),
    ast.FloorDiv: ("floor_divide", values.floor_divide),
    ast.Mod: ("remainder", values.remainder),
    ast.Pow: ("power", values.power),
    ast.MatMult: ("matmul", values.matmul),
    ast.Lt: ("less", values.less),
    ast.LtE: ("less_equal", values.less_equal),
    ast.Gt: ("greater", values.greater),
    ast.GtE: ("greater_equal", values.greater_equal),
    ast.Eq: ("equal", values.equal),
    ast.NotEq: ("not_equal", values.not_equal),
}
UNARY: dict[type[ast.AST], Does] = {ast.USub: values.negative, ast.UAdd: values.positive}
ATTRIBUTES = ("T", "mT")
MOST_CHARACTERS = 100_000
MOST_STEPS = 20_000
NOT_A_PART = (
    "this is no part of a formula ({}), which is made of names, numbers, arithmetic, indices and "
    "calls of words"
)
NO_VALUE = "this is no number and no tensor; only those can be given a name"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a formula: what it does with the last values of the stack."""

    name: str  # of the word or the operator
    does: Does
    parts: tuple[ast.AST, ...]  # where those values come from
    where: ast.AST
    keywords: tuple[str, ...] = ()  # the names by which the last of them are given
    reads: str = ""  # instead: the name whose value it puts on the stack
    keeps: str = ""  # instead: the name that the value on the stack is given


def steps_of(text: str) -> Iterator[Step]:
    """The steps that a text stands for: some lines `name = ...`, and the last one the result."""
    lines = parsed(text).body
    if not lines:
        raise FormulaError("formula: the text is empty; write something like 'relu(x @ w)'.")
    number_of_steps = 0
    for number, line in enumerate(lines, start=1):
        for step in steps_of_line(text, line, last=number == len(lines)):
            number_of_steps += 1
            if number_of_steps > MOST_STEPS:
                raise refused(text, step.where, f"a formula has at most {MOST_STEPS:,} steps")
            yield step


def steps_of_line(text: str, line: ast.stmt, last: bool) -> Iterator[Step]:
    """The steps of one line: `name = ...`, or the result."""
    if isinstance(line, ast.Assign) and len(line.targets) == 1:
        (target,) = line.targets
        if not isinstance(target, ast.Name):
            raise refused(text, target, "only a plain name can be given to a value")
        if isinstance(line.value, ast.Tuple | ast.List) or is_setting(line.value):
            raise refused(text, line.value, NO_VALUE)
        yield from steps_of_expression(text, line.value)
        yield Step("", values.positive, (), line, keeps=target.id)
    elif isinstance(line, ast.Expr):
        if not last:
            raise refused(
                text, line, "only the last line is a result; begin the others with a name ="
            )
        yield from steps_of_expression(text, line.value)
    else:
        raise refused(text, line, NOT_A_PART.format(type(line).__name__))


def is_setting(node: ast.AST) -> bool:
    """Whether a part is a constant that is no number."""
    return isinstance(node, ast.Constant) and not isinstance(node.value, int | float)


def parsed(text: str) -> ast.Module:
    """The syntax tree of a text, or a `FormulaError` that points at what is wrong in it."""
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(
            f"formula: a text has at most {MOST_CHARACTERS:,} characters; this one has "
            f"{len(text):,}."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape in a text is no one's business
            return ast.parse(text, "<formula>")
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
            yield Step("", values.positive, (), found, reads=found.id)
        else:
            step = meaning(text, found)
            stack.append(step)
            stack.extend(reversed(step.parts))


def meaning(text: str, node: ast.AST) -> Step:
    """What a part of the text does, and the parts whose values it does it with."""
    match node:
        case ast.Constant(value=value):
            return Step("", constant(text, node, value), (), node)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            name, does = BINARY[type(op)]
            return Step(name, does, (left, right), node)
        case ast.BinOp(op=ast.BitXor()):
            raise refused(text, node, "^ is no operator here; a power is written with **")
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            return Step("negative", UNARY[type(op)], (operand,), node)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in BINARY:
            name, does = BINARY[type(op)]
            return Step(name, does, (left, right), node)
        case ast.Call():
            return call(text, node)
        case ast.Attribute(value=value, attr=name) if name in ATTRIBUTES:
            return Step("transpose", attrgetter(name), (value,), node)
        case ast.Attribute(attr=name):
            raise refused(text, node, f"there is no attribute .{name} here{like(name, ATTRIBUTES)}")
        case ast.Subscript(value=value, slice=index):
            return Step("getitem", values.item, (value, index), node)
        case ast.Slice(lower=lower, upper=upper, step=step):
            bounds = [part or ast.Constant(None) for part in (lower, upper, step)]
            return Step("", slice, tuple(bounds), node)
        case ast.Tuple(elts=parts):
            return Step("", display(tuple, parts), tuple(parts), node)
        case ast.List(elts=parts):
            return Step("", display(list, parts), tuple(parts), node)
    raise refused(text, node, NOT_A_PART.format(type(node).__name__))


def constant(text: str, node: ast.AST, value: Any) -> Does:
    """What puts a constant of the text on the stack."""
    if isinstance(value, complex | bytes):
        raise refused(text, node, f"{value!r} is not a real number")
    try:
        values.of_machine_size(value)
    except FormulaError as error:
        raise FormulaError(f"{error}\n{pointed(text, node)}") from None
    return lambda: value


def display(kind: type, parts: list[ast.expr]) -> Does:
    """A tuple or a list of values: as deeply nested as it is written, and no deeper."""
    written = [isinstance(part, ast.Tuple | ast.List) for part in parts]

    def built(*found: Any) -> Any:
        for value, as_it_stands in zip(found, written, strict=True):
            if isinstance(value, tuple | list) and not as_it_stands:
                raise FormulaError("formula: choose one of these results, such as svd(x)[0].")
        return kind(found)

    return built


def call(text: str, node: ast.Call) -> Step:
    """A call of a word, or of a method of a value."""
    names: list[str] = []
    for part in (*node.args, *node.keywords):
        if isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None):
            raise refused(text, part, "arguments are given one by one, without a star")
        if isinstance(part, ast.keyword):
            name = str(part.arg)
            if name in names:
                raise refused(text, part, f"{name}= is given twice")
            if name in NOT_SETTINGS:
                raise refused(text, part, f"{name}= is no setting here: {NOT_SETTINGS[name]}")
            names.append(name)
    parts: Parts = [*node.args, *[keyword.value for keyword in node.keywords]]
    match node.func:
        case ast.Name(id=name):
            if name not in words():
                raise refused(
                    text, node.func, f"there is no function {name!r}{like(name, words())}"
                )
            does = words()[name]
        case ast.Attribute(value=value, attr=name) if name in METHODS:
            does = method(name)
            parts = [value, *parts]
        case ast.Attribute(attr=name):
            raise refused(text, node.func, f"there is no method .{name} here{like(name, METHODS)}")
        case _:
            raise refused(text, node.func, "only a word of the library can be called")
    return Step(name, with_names(does, names), tuple(parts), node, tuple(names))


def with_names(function: Does, names: list[str]) -> Does:
    """The function as one of positional values, the last of which go by the names in the call."""

    def called_with(*found: Any) -> Any:
        first = len(found) - len(names)
        return function(*found[:first], **dict(zip(names, found[first:], strict=True)))

    return called_with if names else function


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
