"""What functions of several operands share: lists become arrays, and nothing is written over."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.node import Node, freely
from minigrad.core.plain import check_numbers, check_plain


def operand(x: Any) -> Any:
    """A tensor or an array as it is; anything else (a number, a nested list) as an array."""
    return x if isinstance(x, Node | np.ndarray) else values(x)


def values(x: Any, dtype: Any = None) -> Any:
    """What has no derivative (labels, masks, positions) as an array, perhaps the very one given.

    Raises `GradientTypeError` for masked arrays and their like, `LeavesGraphError` for a tensor
    that requires a gradient.
    """
    check_plain(x)
    array = np.asarray(x, dtype)
    check_numbers(array)
    return array


def of_all_pairs(ufunc: np.ufunc, x: Any, y: Any, **keywords: Any) -> Any:
    """A ufunc of operands that are both to be stretched, which `strict_broadcasting` lets pass."""
    with freely():
        return ufunc(x, y, **keywords)


def refuse_out(name: str, out: Any) -> None:
    """Raise `TypeError` for `out=`: a value of the graph is never written over."""
    if out is not None:
        raise TypeError(
            f"np.{name} of tensors takes no out=: what a graph holds is never written over. Use "
            f"the result, or compute on t.numpy()."
        )


def plain(x: Any) -> Any:
    """The array of a tensor, for what has no derivative; anything else as it is."""
    return x._value if isinstance(x, Node) else x
