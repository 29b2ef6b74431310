"""What the values in a formula can be, and the arithmetic between them.

A value is a tensor, an array or a number; a word such as `svd` gives several of them. Texts, lists
and tuples stand only among the arguments of words: they cannot be named, added or multiplied, so
nothing in the language grows but arrays, and those are counted (see `bounds`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import FormulaError
from minigrad.tensor import Tensor

LARGEST_INTEGER = 2**63 - 1


def is_value(value: Any) -> bool:
    """Whether a value can take part as it is: Python's numbers adapt to the dtype beside them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biuf"  # objects could be integers without end, texts grow
    return isinstance(value, Tensor | float | int)


def only_numbers(value: Any) -> Any:
    """What a word gave, if it is made of numbers: `FormulaError` for arrays of anything else."""
    for part in value if isinstance(value, tuple | list) else (value,):
        if isinstance(part, np.ndarray | np.generic) and not is_value(part):
            raise FormulaError(
                f"formula: this gives {part.dtype}; a formula computes with real numbers."
            )
    return value


def of_machine_size(value: Any) -> Any:
    """A value, if it is no integer beyond a machine's."""
    if type(value) is int and abs(value) > LARGEST_INTEGER:
        raise FormulaError(
            "formula: an integer is at most 2**63 - 1; write it as a float, such as 1e30."
        )
    return value


def of_values(does: Callable[..., Any]) -> Callable[..., Any]:
    """An operator between values alone: a text times 3 is refused, not repeated."""

    def checked(*operands: Any) -> Any:
        for operand in operands:
            if not is_value(operand):
                kind = getattr(operand, "dtype", type(operand).__name__)
                raise FormulaError(
                    f"formula: arithmetic is of real numbers and tensors; this is {kind}."
                )
        return of_machine_size(does(*operands))

    return checked


@of_values
def power(x: Any, y: Any) -> Any:
    """`x ** y`; of two plain integers in floats, as 9**9**9 in integers would never end."""
    result = float(x) ** y if isinstance(x, int) and isinstance(y, int) else x**y
    if isinstance(result, complex):
        raise FormulaError("formula: a negative number has no real power that is a fraction.")
    return result


def item(value: Any, index: Any) -> Any:
    """`value[index]`, of an array, or of the results of a word that gives several."""
    if not isinstance(value, Tensor | np.ndarray | tuple | list):
        raise FormulaError(f"formula: a {type(value).__name__} has no items.")
    return value[index]


add = of_values(operator.add)
subtract = of_values(operator.sub)
multiply = of_values(operator.mul)
divide = of_values(operator.truediv)
floor_divide = of_values(operator.floordiv)
remainder = of_values(operator.mod)
matmul = of_values(operator.matmul)
negative = of_values(operator.neg)
positive = of_values(operator.pos)
less = of_values(operator.lt)
less_equal = of_values(operator.le)
greater = of_values(operator.gt)
greater_equal = of_values(operator.ge)
equal = of_values(operator.eq)
not_equal = of_values(operator.ne)
