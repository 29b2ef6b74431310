"""Methods made from ops, and what ndarray has and tensors have not: methods that write, setters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.core.node import Node, meet
from minigrad.errors import LeavesGraphError, ShapeError


def reflected(op: Callable[..., Any]) -> Callable[..., Any]:
    """The operator for a tensor on the right: `2 - t`."""

    def method(self: Node, other: Any) -> Any:
        return op(other, self)

    return method


def compared(operator: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A comparison of the values: a plain boolean array."""

    def method(self: Node, other: Any) -> Any:
        arrays = self._value, other._value if isinstance(other, Node) else other
        meet(operator.__name__, arrays)
        return operator(*arrays)

    return method


def of_values(name: str) -> Callable[..., Any]:
    """The method of ndarray, applied to the values: a plain array, as it has no gradient."""

    def method(self: Node, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._value, name)(*args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As `numpy.ndarray.{name}`: plain values, as there is no gradient of it."
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


def of_bits(symbol: str, instead: str) -> Callable[..., Any]:
    """An operator of Python's that works on bits: a `TypeError` that says what to write instead."""

    def method(self: Node, other: Any) -> Any:
        if self._value.dtype.kind != "f":
            return NotImplemented  # an array beside it computes it
        raise TypeError(f"{symbol} works on bits, not on floating-point numbers: {instead}.")

    return method


def unsettable(name: str, instead: str) -> AttributeError:
    """The error for setting what a tensor has and keeps: it says what to write."""
    return AttributeError(f"a tensor's {name} cannot be set: write {instead}.", name=name)


def only_element(self: Node) -> float:
    """The only element as a Python number; `ShapeError` if there are more, or none."""
    if self._value.size != 1:
        raise ShapeError(
            f"item: only a tensor of one element is a number; this has shape {self._value.shape}. "
            f"t.mean() makes one number of them, t[0] chooses, t.numpy() gives all."
        )
    return self._value.item()


def length(self: Node) -> int:
    """The number of rows; `TypeError` for a tensor of shape ()."""
    if not self._value.ndim:
        raise TypeError(
            "a tensor of shape () is one number: it has no length, and nothing to go through. "
            "t.item() gives the number, t.reshape(1) a tensor of one element."
        )
    return len(self._value)


def truth(self: Node) -> bool:
    """Whether the only element is not 0; `ValueError` if there are more, or none."""
    if self._value.size != 1:
        raise ValueError(
            f"the truth of a tensor of shape {self._value.shape} is ambiguous (in `if`, `and`, "
            f"`in`): ask t.all(), t.any() or t.size; np.where chooses one by one."
        )
    return bool(self._value)


def leaving(self: Node, how: str, inside: str) -> Any:
    """The values, to be taken out of the graph; `LeavesGraphError` where a gradient were lost."""
    if self._tracked:
        raise LeavesGraphError(
            f"{how} would take a tensor that requires a gradient out of the graph in silence. "
            f"Use t.numpy() or t.item() if that is meant; {inside} stays in the graph."
        )
    return self._value


def changed(self: Node, other: Any) -> Any:
    """`w += other`: a new tensor, which is refused where w is a parameter."""
    if self._tracked and self.op is None:
        raise TypeError(
            "`w += ...` would make w a new tensor and leave the parameter as it was. Write "
            "w.assign(w.data + ...) to update it, or w = w + ... for a new tensor."
        )
    return NotImplemented  # Python goes on with `t = t + other`
