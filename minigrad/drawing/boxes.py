"""Which module's call, and which `scope`, every node was made in: boxes that nest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minigrad.core.names import Names
from minigrad.core.node import Node
from minigrad.core.notes import Call, Scope, calls_of, scope_of
from minigrad.core.printable import printable
from minigrad.nn.module import Module, parts


@dataclass(frozen=True, slots=True)
class Box:
    """One call of a module, or one `with scope(name)` block."""

    number: int  # 1, 2, ... in the order in which they began
    name: str  # the module's path in the box around it, or among the variables
    kind: str  # the module's class; "" for a scope
    outer: int  # the number of the box around it; 0 for none


@dataclass(frozen=True, slots=True)
class Boxes:
    """All boxes of a graph, and the innermost box of each node: 0 for none."""

    boxes: tuple[Box, ...]
    of: dict[int, int]  # by the node's own creation number


Began = dict[int, Call | Scope]  # by the number at which it began


def boxes_of(nodes: list[Node], scopes: tuple[Names, ...] = ()) -> Boxes:
    """The boxes that `nodes`, in creation order, were made in."""
    began: Began = {}
    paths: dict[int, set[int]] = {x.number: set() for x in nodes if x.op is not None}
    for x in nodes:
        outer = scope_of(x)
        while outer is not None:
            began[outer.number] = outer
            paths[x.number].add(outer.number)
            outer = outer.outer
        for call in calls_of(x):
            began[call.number] = call
            for number in made_inside(x, call.number, paths):
                paths[number].add(call.number)
    ordered = {number: sorted(path) for number, path in paths.items()}
    ordered |= paths_of_leaves(nodes, ordered, began)
    numbers = {start: i for i, start in enumerate(sorted(began), start=1)}
    around = dict.fromkeys(began, 0)
    for path in ordered.values():
        around |= {start: outer for outer, start in zip([0, *path], path, strict=False)}
    numbers[0] = 0
    boxes = tuple(
        Box(
            numbers[start],
            printable(name_of(thing, began.get(around[start]), scopes)),
            printable(thing.kind.__name__) if isinstance(thing, Call) else "",
            numbers[around[start]],
        )
        for start, thing in sorted(began.items())
    )
    return Boxes(boxes, {x: numbers[path[-1] if path else 0] for x, path in ordered.items()})


def made_inside(result: Node, start: int, known: dict[int, set[int]]) -> set[int]:
    """The numbers of the nodes below `result` that were made since `start`, and its own."""
    found = {result.number}
    stack = [result]
    while stack:
        for x in stack.pop().inputs:
            if x.number > start and x.number in known and x.number not in found:
                found.add(x.number)
                stack.append(x)
    return found


def paths_of_leaves(
    nodes: list[Node], paths: dict[int, list[int]], began: Began
) -> dict[int, list[int]]:
    """A leaf is in a box if all that use it are, and it was made there or is the module's own."""
    common: dict[int, list[int]] = {}
    for user in nodes:
        for x in user.inputs:
            if x.op is None:
                path = paths[user.number]
                met = common.get(x.number, path)
                common[x.number] = [a for a, b in zip(met, path, strict=False) if a == b]
    owned = {start: holder(thing) for start, thing in began.items()}
    found = {}
    for x in nodes:
        if x.op is None:
            path = common.get(x.number, [])
            inside = [i for i, start in enumerate(path) if x.number > start or owned[start](x)]
            found[x.number] = path[: inside[-1] + 1] if inside else []
    return found


def holder(thing: Call | Scope) -> Callable[[Node], bool]:
    """Tells whether a tensor is a module's own: all parameters are, once the module is gone."""
    if isinstance(thing, Scope):
        return lambda x: False
    module = thing.module()
    if module is None:
        return lambda x: x._tracked
    return {t for _, t in module.named_tensors()}.__contains__


def name_of(thing: Call | Scope, outer: Call | Scope | None, scopes: tuple[Names, ...]) -> str:
    """What a box is called: a scope by its name, a module by where it is found."""
    if isinstance(thing, Scope):
        return thing.name
    module = thing.module()
    holder = outer.module() if isinstance(outer, Call) else None
    if holder is not None and module is not None:
        for path, part in parts(holder):
            if part is module and path:
                return path
    for scope in scopes:
        for name, value in scope.items():
            if value is module and isinstance(value, Module) and not name.startswith("_"):
                return name
    return ""
