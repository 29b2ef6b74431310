"""Formulas as text: "relu(x @ w1 + b) @ w2" as a function that records.

The text is parsed by `ast` and read against a list of what may stand in it: names, numbers,
arithmetic, indices, and the words of the library (`reading`, `words`). Nothing is ever evaluated
by Python, so a text from anywhere can name no function but those; it can write into no array, and
what it takes of memory and time is bounded before it is taken (`bounds`).
"""

from __future__ import annotations

import ast
import inspect
from textwrap import dedent
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.core.plain import check_plain
from minigrad.errors import FormulaError, MinigradError, ShapeError
from minigrad.formulas.bounds import Purse
from minigrad.formulas.reading import Step, pointed, steps_of
from minigrad.formulas.values import is_value, only_numbers
from minigrad.tensor import Tensor


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

    def __call__(self, /, *inputs: Any, **named: Any) -> Any:
        """Compute it: tensors give a recorded tensor, arrays give an array."""
        try:
            bound = self.__signature__.bind(*inputs, **named).arguments
        except TypeError as error:
            names = ", ".join(self.names) or "no inputs"
            raise TypeError(f"{error}. The formula {self.text!r} takes {names}.") from None
        values = {name: to_read_only(value) for name, value in bound.items()}
        given = {id(value) for value in values.values()}  # they keep the names that they have
        purse = Purse(values.values())
        stack: list[Any] = []
        for step in self._steps:
            if step.reads:
                stack.append(values[step.reads])
            elif step.keeps:
                value = stack.pop()
                if id(value) not in given:
                    give_name(value, step.keeps)
                values[step.keeps] = value
            else:
                start = len(stack) - len(step.parts)
                parts = stack[start:]
                del stack[start:]
                stack.append(self._done(step, parts, purse))
        result = stack.pop() if stack else values[self._steps[-1].keeps]
        if not is_value(result) and not isinstance(result, tuple | list):
            raise FormulaError(
                f"formula: {self.text!r} gives a {type(result).__name__}, not a number or a tensor."
            )
        return result

    def _done(self, step: Step, parts: list[Any], purse: Purse) -> Any:
        try:
            if step.name:
                purse.pay(step.name, parts, step.keywords)
            result = step.does(*parts)
            return only_numbers(result) if step.name else result
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
    before: `h = relu(x @ w)`. It is parsed, never evaluated: nothing else can be called, no
    array is written into, and a text that asks for far more than its inputs hold is refused.

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


def to_read_only(value: Any) -> Any:
    """An input as it takes part: arrays as views that nothing can be written into."""
    if is_value(value) and not isinstance(value, np.ndarray):
        return value
    check_plain(value)
    view = np.asarray(value).view()
    if not is_value(view):
        raise FormulaError(f"formula: an input is {view.dtype}; a formula takes real numbers.")
    view.flags.writeable = False
    return view


def give_name(value: Any, name: str) -> None:
    """Let a recorded result be called so in diagrams."""
    if isinstance(value, Node) and value.op is not None and value.name is None:
        value.name = name
