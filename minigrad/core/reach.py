"""What lies between the results and the variables of a function: where a derivative can flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from minigrad.core.node import Node, needed


def below(*roots: Node) -> list[Node]:
    """Every node that `roots` were computed from, and they themselves, in creation order."""
    found = {root.number: root for root in roots}
    stack = [*roots]
    while stack:
        for x in stack.pop().inputs:
            if x.number not in found:
                found[x.number] = x
                stack.append(x)
    return [found[number] for number in sorted(found)]


def number_in(x: Node, roots: Iterable[Node]) -> str:
    """The number of a node in the picture of a graph: " #9"; nothing for one that is not in it."""
    numbers = [node.number for node in below(*roots)]
    return f" #{numbers.index(x.number) + 1}" if x.number in numbers else ""


class Reach(NamedTuple):
    """What lies between roots and chosen ends (variables), by node number."""

    live: dict[int, Node]  # every node that depends on an end, and the ends
    ends: set[int]
    outside: list[Node]  # what else requires a gradient and leads into it, or into the ends


def dependents(roots: Sequence[Node], ends: Sequence[Node]) -> Reach:
    """The nodes between `roots` and `ends`.

    Nothing older than the ends can depend on them, so the walk stops there: what was recorded
    before (an outer derivative's graph) is not visited, only noticed.
    """
    live = {x.number: x for x in ends}
    numbers = set(live)
    oldest = min(numbers, default=0)
    found = dict(live)
    outside = [x for x in ends if x.op is not None]
    stack: list[Node] = []
    for x in roots:
        reached(x, oldest, found, stack, outside)
    while stack:
        node = stack.pop()
        for x in node.inputs:
            if needed(x, node):
                reached(x, oldest, found, stack, outside)
    for number in sorted(found):
        node = found[number]
        if number not in live and any(x.number in live for x in node.inputs):
            live[number] = node
    return Reach(live, numbers, outside)


def reached(
    x: Node, oldest: int, found: dict[int, Node], stack: list[Node], outside: list[Node]
) -> None:
    """Note a node met for the first time: one to walk on from, or one from outside.

    A leaf made since is neither: it is the variable of a derivative that was taken inside.
    """
    if not x._tracked or x.number in found:
        return
    found[x.number] = x
    if x.number < oldest or (x.op is None and not oldest):
        outside.append(x)
    elif x.op is not None:
        stack.append(x)
