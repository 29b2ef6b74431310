"""A rule's own source text: what is shown as a formula is what runs.

A lambda's code knows the lines and columns it was compiled from, so its text can be cut out of
its file exactly, however many lambdas share a line. Only readers (a diagram, a trace, a report)
ask for it: the engine never does.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache, partial
from textwrap import dedent
from types import CodeType
from typing import Any

Definition = ast.Lambda | ast.FunctionDef


def source_of(rule: Any) -> str:
    """The source of a rule, or of any function: as it stands in its file, without decorators.

    A constant rule is its own source, None is "no gradient", and of what was not written in
    Python only the name is left.

    >>> import minigrad as mg
    >>> double = mg.linear(lambda x: x + x, lambda g, z, x: g + g, name="double")
    >>> source_of(double.op.rules[0])
    'lambda g, z, x: g + g'
    """
    found = definition_of(rule)
    if found is None:
        return without_source(rule)
    definition, lines = found
    return text_of(definition, lines)


def formula_of(rule: Any) -> str:
    """What a rule computes, without its `lambda` or `def`: the expression that it returns.

    On one line; the whole source where there is more to it than one expression.

    >>> import numpy as np
    >>> import minigrad.ops.exponential as ops
    >>> formula_of(ops.log.op.rules[0])
    '1 / x'
    """
    found = definition_of(rule)
    if found is None:
        return without_source(rule)
    definition, lines = found
    result = returned(definition)
    text = text_of(definition if result is None else result, lines)
    return text if result is None or "\n" not in text else ast.unparse(result)


def without_source(rule: Any) -> str:
    """What can be said of a rule that has no text in a file."""
    if rule is None:
        return "no gradient"
    return getattr(rule, "__name__", type(rule).__name__) if callable(rule) else repr(rule)


def definition_of(rule: Any) -> tuple[Definition, list[str]] | None:
    """The syntax tree of a rule and the lines of its file, or None if it has no text."""
    while isinstance(rule, partial):
        rule = rule.func
    code: CodeType | None = getattr(rule, "__code__", None)
    if code is None:
        return None
    lines = linecache.getlines(code.co_filename)
    spans = [where for where in code.co_positions() if None not in where]
    for definition in definitions("".join(lines)):
        if names_of(definition) == arguments_of(code) and encloses(definition, code, spans):
            return definition, lines
    return None


@lru_cache(maxsize=64)
def definitions(text: str) -> tuple[Definition, ...]:
    """Every function in a file's text, the innermost first."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # the file has been changed since it was loaded
        return ()
    found = [x for x in ast.walk(tree) if isinstance(x, ast.Lambda | ast.FunctionDef)]
    return tuple(reversed(found))


def names_of(definition: Definition) -> tuple[str, ...]:
    """The parameters of a function, from its syntax tree."""
    given = definition.args
    plain = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return tuple(x.arg for x in [*plain, given.vararg, given.kwarg] if x is not None)


def arguments_of(code: CodeType) -> tuple[str, ...]:
    """The parameters of a function, from its code, in the same order."""
    starred = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)  # *args, **kwargs
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + starred]


def encloses(definition: Definition, code: CodeType, spans: list[Any]) -> bool:
    """Whether the code was compiled from this definition: it lies in it, and fills its body."""
    if isinstance(definition, ast.FunctionDef):
        first = min([definition.lineno, *[x.lineno for x in definition.decorator_list]])
        return definition.name == code.co_name and first == code.co_firstlineno
    body = definition.body
    inside = [(s, e, a, b) for s, e, a, b in spans if (s, a) >= (body.lineno, body.col_offset)]
    return (
        code.co_name == "<lambda>"
        and definition.lineno == code.co_firstlineno
        and (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in inside
    )


def returned(definition: Definition) -> ast.expr | None:
    """The expression that a function returns, if that is all it does."""
    if isinstance(definition, ast.Lambda):
        return definition.body
    body = [x for x in definition.body if not is_text(x)]
    only = body[0] if len(body) == 1 else None
    return only.value if isinstance(only, ast.Return) else None


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def text_of(part: ast.expr | ast.stmt, lines: list[str]) -> str:
    """The text of a part of a file, moved to the left margin; without a function's docstring."""
    first, last = part.lineno, part.end_lineno or part.lineno
    kept = [line.encode() for line in lines[first - 1 : last]]  # columns are counted in bytes
    indent = len(kept[0]) - len(kept[0].lstrip())
    kept[-1] = kept[-1][: part.end_col_offset]
    kept[0] = b" " * indent + kept[0][part.col_offset :]
    for start, stop in docstrings(part):
        del kept[start - first : stop - first + 1]
    return dedent(b"".join(kept).decode()).rstrip()


def docstrings(part: ast.expr | ast.stmt) -> Iterator[tuple[int, int]]:
    """The first and last line of a function's docstring, if it has one and more."""
    if isinstance(part, ast.FunctionDef) and len(part.body) > 1 and is_text(part.body[0]):
        text = part.body[0]
        yield text.lineno, text.end_lineno or text.lineno
