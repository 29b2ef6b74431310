"""Methods made from ops, and ndarray's that are none: those that name places or write in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.core.node import Node


def reflected(op: Callable[..., Any]) -> Callable[..., Any]:
    """The operator for a tensor on the right: `2 - t`."""

    def method(self: Node, other: Any) -> Any:
        return op(other, self)

    return method


def compared(operator: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A comparison of the values: a plain boolean array."""

    def method(self: Node, other: Any) -> Any:
        return operator(self._value, other._value if isinstance(other, Node) else other)

    return method


def of_values(name: str) -> Callable[..., Any]:
    """The method of ndarray, applied to the values: a plain array, as it has no gradient."""

    def method(self: Node, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._value, name)(*args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As `numpy.ndarray.{name}`: a plain array, as there is no gradient of it."
    return method


def in_place(name: str, instead: str) -> Callable[..., NoReturn]:
    """A method of ndarray that writes into it: a `TypeError` that says what to write instead."""

    def method(self: Node, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"t.{name}() would write in place, and a tensor's past would be wrong. Use {instead}."
        )

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Refused, as it would write in place: use {instead}."
    return method
