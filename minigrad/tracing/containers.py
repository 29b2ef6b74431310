"""The graph as boxes in boxes: what a page folds and unfolds.

A container is the whole graph (0), a module's call or a scope, or a row of equal ones ("x 12").
One that would hold a single node is left out: folding it would hide nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from minigrad.drawing.boxes import Box
from minigrad.tracing.steps import Recorded, Value

REPEATS = 3  # so many equal boxes, one feeding the next, become a row
CROWD = 120  # so many nodes in one box are parted into runs


@dataclass
class Container:
    """A box, and what stands in it: nodes and boxes, in creation order."""

    number: int
    title: str
    outer: int
    nodes: list[int] = field(default_factory=list)
    inner: list[int] = field(default_factory=list)
    output: int = 0  # the last node inside, which a folded box shows
    kind: str = ""  # the module's class, or the scope's name without its number
    row: bool = False  # equal boxes, told once


def containers_of(recorded: Recorded) -> dict[int, Container]:
    """All containers, by number; the whole graph is number 0."""
    found = {0: Container(0, "", 0)}
    kept = worth_a_box(recorded)
    for box in recorded.boxes:
        if box.number in kept:
            outer = kept_outer(box, recorded, kept)
            kind = box.kind or box.name.rstrip("0123456789 .:_-#")
            found[box.number] = Container(box.number, title_of(box), outer, kind=kind)
    for v in recorded.values:
        home = v.box
        while home and home not in kept:
            home = recorded.boxes[home - 1].outer
        found[home].nodes.append(v.number)
    for container in list(found.values())[1:]:
        found[container.outer].inner.append(container.number)
    part_crowds(found, recorded.values)
    fold_repeats(found, recorded.values)
    for number in sorted(found, reverse=True):
        finish(found, found[number], recorded.values)
    return found


def title_of(box: Box) -> str:
    """What is written on a box."""
    return " ".join(part for part in (box.name, box.kind) if part)


def worth_a_box(recorded: Recorded) -> set[int]:
    """The boxes that hold more than one node, themselves or inside."""
    count = Counter(v.box for v in recorded.values)
    total: Counter[int] = Counter(count)
    for box in reversed(recorded.boxes):  # inner boxes begin later
        total[box.outer] += total[box.number]
    held = {box.number for box in recorded.boxes if total[box.number] > 1}
    return {  # nor one that holds nothing but another box
        n
        for n in held
        if count[n] or sum(b.outer == n and total[b.number] > 0 for b in recorded.boxes) > 1
    }


def kept_outer(box: Box, recorded: Recorded, kept: set[int]) -> int:
    """The nearest box around one that was kept."""
    outer = box.outer
    while outer and outer not in kept:
        outer = recorded.boxes[outer - 1].outer
    return outer


def part_crowds(found: dict[int, Container], values: tuple[Value, ...]) -> None:
    """Part a container of very many nodes into runs of a hundred."""
    for container in list(found.values()):
        while len(container.nodes) > CROWD:
            size = max(CROWD - 20, -(-len(container.nodes) // CROWD))
            everything, container.nodes = container.nodes, []
            for i in range(0, len(everything), size):
                run = everything[i : i + size]
                number = max(found) + 1
                title = f"#{run[0]} to #{run[-1]}"
                found[number] = Container(number, title, container.number, run)
                container.inner.append(number)
                if size > CROWD:
                    part_crowds(
                        {
                            number: found[number],
                        },
                        values,
                    )


def fold_repeats(found: dict[int, Container], values: tuple[Value, ...]) -> None:
    """Put rows of equal boxes into a box of their own."""
    for container in list(found.values()):
        rows: list[list[int]] = []
        for number in container.inner:
            before = rows[-1][-1] if rows else 0
            if before and follows(found, before, number, values):
                rows[-1].append(number)
            else:
                rows.append([number])
        for row in rows:
            if len(row) < REPEATS:
                continue
            number = max(found) + 1
            what = found[row[0]].kind or "part"
            found[number] = Container(
                number, f"{what} x {len(row)}", container.number, inner=row, row=True
            )
            for one in row:
                found[one].outer = number
            at = container.inner.index(row[0])
            container.inner[at : at + len(row)] = [number]


def follows(
    found: dict[int, Container], first: int, second: int, values: tuple[Value, ...]
) -> bool:
    """Whether two boxes are equal and nothing was computed between them."""
    if signature(found, first, values) != signature(found, second, values):
        return False
    ends = [
        [n for n in everything_in(found, found[number]) if values[n - 1].op]
        for number in (first, second)
    ]
    if not all(ends):
        return False
    return not any(values[n - 1].op for n in range(max(ends[0]) + 1, min(ends[1])))


def signature(found: dict[int, Container], number: int, values: tuple[Value, ...]) -> object:
    """What makes two boxes equal: the kind, and the ops and shapes inside."""
    container = found[number]
    nodes = tuple((values[n - 1].op, values[n - 1].value.shape) for n in container.nodes)
    return container.kind, nodes, tuple(signature(found, i, values) for i in container.inner)


def finish(found: dict[int, Container], container: Container, values: tuple[Value, ...]) -> None:
    """Find the node that a folded box shows: the last result inside."""
    inside = [n for n in everything_in(found, container) if values[n - 1].op]
    container.output = max(inside, default=0) or max(everything_in(found, container))


def everything_in(found: dict[int, Container], container: Container) -> list[int]:
    """The nodes inside, at any depth."""
    nodes, stack = list(container.nodes), list(container.inner)
    while stack:
        inner = found[stack.pop()]
        nodes += inner.nodes
        stack += inner.inner
    return nodes


def unfolded_at_first(found: dict[int, Container], most: int) -> list[int]:
    """The boxes to open so that about `most` nodes and boxes are seen, outer ones first."""
    opened, level = [0], [0]
    seen = len(found[0].nodes) + len(found[0].inner)
    while level:
        inner = [i for number in level for i in found[number].inner if not found[i].row]
        more = sum(len(found[i].nodes) + len(found[i].inner) - 1 for i in inner)
        if not inner or seen + more > most:
            break
        opened += inner
        seen += more
        level = inner
    return opened
