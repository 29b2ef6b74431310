"""What is noted of a node beside the engine's own needs: where in the user's code it was made, and
inside which scopes and modules.

Sources and scopes cost nothing until they are asked for: `sources()` and `scope(name)` are part of
the state that recording is in, so that applying an op has no further question to ask. A module
marks what it returns and nothing else: the number it began at tells which of the nodes
below were made inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import ref

from minigrad.core.blocks import Block, Change
from minigrad.core.node import Node, recording, tick
from minigrad.core.state import told


class Scope(NamedTuple):
    """One `with scope(name)` block, and the one around it."""

    number: int  # when it began
    name: str
    outer: Scope | None


class Call(NamedTuple):
    """One call of a module, kept by the node that it returned."""

    number: int  # when it began
    module: ref[Any]
    kind: type  # the module's class
    inner: tuple[Any, ...] | None  # a call that returned the same node before, as kept


def scope_of(node: Node) -> Scope | None:
    """The innermost `scope` that a node was made in, if any."""
    note = getattr(node, "_note", None)
    return note[1] if note else None


def calls_of(node: Node) -> Iterator[Call]:
    """The calls of modules that returned a node, the outermost first."""
    kept = getattr(node, "_call", None)
    while kept is not None:
        call = Call(*kept)
        yield call
        kept = call.inner


def leave(module: Any, number: int, result: Any) -> None:
    """Mark what a module returned, having begun at `number`."""
    if isinstance(result, Node):
        if result.number > number and result.op is not None:
            before = getattr(result, "_call", None)
            result._call = (number, ref(module), module.__class__, before)  # the fields of a `Call`
    elif isinstance(result, tuple | list):
        for part in result:
            leave(module, number, part)


def sources() -> Block:
    """Note the line of your code that each node is made at: a `with` block, or a decorator.

    A trace, a picture and `OverwrittenError` then name the line. It costs 6 to 8 % of a small
    training step, so it is off by default.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> with mg.sources():
    ...     y = x * x
    >>> mg.trace(y).steps[0].source.line
    2
    """
    return Block(recording, lambda state: told(state)._replace(sources=True))


class ScopeBlock(Block):
    """The block of a `scope`: where nothing is recorded, nothing is noted."""

    def __init__(self, name: str) -> None:
        super().__init__(recording)
        self.name = name

    def begin(self) -> Change:
        """A scope of its own for each time that the block is entered."""
        number, name = tick(), self.name

        def change(state: Any) -> Any:
            full = told(state)
            return full._replace(scope=Scope(number, name, full.scope))

        return change


def scope(name: str) -> Block:
    """Name a part of a program: what is computed in the block is one box in a trace's picture.

    Blocks nest. Modules are boxes of their own and need none.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> with mg.scope("square"):
    ...     y = x * x
    >>> [box.name for box in mg.trace(y).boxes]
    ['square']
    """
    return ScopeBlock(str(name))
