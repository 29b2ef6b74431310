"""Names for tensors: what the caller calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from minigrad.core.node import Node
from minigrad.core.printable import printable

Names = Mapping[str, Any]


def variables(frame: FrameType) -> tuple[Names, Names]:
    """The variables that a frame sees: its own first, then those of its module."""
    return frame.f_locals, frame.f_globals


def name_of_each(nodes: list[Node], names: Names | None, scopes: tuple[Names, ...]) -> list[str]:
    """A name for each node, or "".

    The first of these counts: `names`; the path to a module's parameter; the tensor's own name;
    a variable. Of several variables it is the first that was made. It is printable.
    """
    given = dict(reversed(list(named(checked(names)))))
    found = [pair for scope in scopes for pair in named(scope)]
    paths = {x: name for x, name in reversed(found) if "." in name}
    plain = dict(reversed(found))
    return [
        printable(given.get(n) or paths.get(n) or x.name or plain.get(n) or "")
        for n, x in ((x.number, x) for x in nodes)
    ]


def named(scope: Names) -> Iterator[tuple[int, str]]:
    """The number and name of each tensor in a scope, also of the parameters of its modules."""
    for name, thing in list(scope.items()):
        if name.startswith("_"):  # a notebook's _, __ and _3; private names
            continue
        if isinstance(thing, Node):
            yield thing.number, name
        elif callable(getattr(type(thing), "named_parameters", None)):
            for path, parameter in thing.named_parameters():
                if isinstance(parameter, Node):
                    yield parameter.number, f"{name}.{path}"


def checked(names: Names | None) -> Names:
    """`names` if it maps names to things, else a `TypeError` that shows how."""
    if names is None:
        return {}
    if isinstance(names, Mapping) and all(isinstance(name, str) for name in names):
        return names
    raise TypeError(
        'names= is a dictionary from names to tensors or modules, such as {"W1": w, "net": net}.'
    )
