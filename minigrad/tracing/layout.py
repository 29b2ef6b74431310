"""Where everything stands: Graphviz lays out every container on its own, folded boxes inside.

The page moves things apart where a box unfolds, so that any choice of folds can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minigrad.drawing.render import render
from minigrad.tracing.containers import Container
from minigrad.tracing.steps import Value

LONG = 200  # edges of a container, from which on Graphviz is to hurry
HURRY = "nslimit=0.02; nslimit1=0.02; mclimit=0.02;"
MOST_ROWS = 1000  # that the edges of a container cross
POINTS = 72  # an inch, in which Graphviz counts


@dataclass
class Edge:
    """A line inside one container; it carries a value to one or more nodes."""

    start: str
    end: str
    source: int
    targets: list[int] = field(default_factory=list)
    points: list[float] = field(default_factory=list)


Sizes = dict[str, tuple[float, float]]
Places = dict[str, tuple[float, float]]
Splines = dict[tuple[str, str], list[list[float]]]


def layouts(
    found: dict[int, Container], values: tuple[Value, ...], sizes: Sizes, turn: str
) -> dict[str, Any]:
    """The layout of every container, by number, as plain data; `turn` is "TB" or "LR"."""
    lines = edges_of(found, values)
    return {
        str(number): laid_out(container, lines[number], sizes, turn)
        for number, container in found.items()
    }


def edges_of(found: dict[int, Container], values: tuple[Value, ...]) -> dict[int, list[Edge]]:
    """The edges of each container.

    `n7` is a node, `b2` a box, `i7` and `o7` where the value of node 7 comes in and goes out.
    """
    home = {n: c.number for c in found.values() for n in c.nodes}
    known: dict[tuple[Any, ...], Edge] = {}
    lines: dict[int, list[Edge]] = {number: [] for number in found}

    def line(where: int, start: str, end: str, source: int, target: int, slot: int) -> None:
        key = (where, start, end, source, slot if end[0] == "n" else -1)
        if key not in known:
            known[key] = Edge(start, end, source)
            lines[where].append(known[key])
        known[key].targets.append(target)

    def path(n: int) -> list[int]:
        way = [home[n]]
        while way[-1]:
            way.append(found[way[-1]].outer)
        return way[::-1]  # from the whole graph inwards

    ways = {v.number: path(v.number) for v in values}
    for v in values:
        for slot, s in enumerate(v.inputs):
            out, into = ways[s], ways[v.number]
            depth = 0
            while depth + 1 < min(len(out), len(into)) and out[depth + 1] == into[depth + 1]:
                depth += 1
            start = f"b{out[depth + 1]}" if depth + 1 < len(out) else f"n{s}"
            end = f"b{into[depth + 1]}" if depth + 1 < len(into) else f"n{v.number}"
            line(out[depth], start, end, s, v.number, slot)
            for i in range(depth + 1, len(out)):
                start = f"b{out[i + 1]}" if i + 1 < len(out) else f"n{s}"
                line(out[i], start, f"o{s}", s, v.number, slot)
            for i in range(depth + 1, len(into)):
                end = f"b{into[i + 1]}" if i + 1 < len(into) else f"n{v.number}"
                line(into[i], f"i{s}", end, s, v.number, slot)
    return lines


def laid_out(container: Container, lines: list[Edge], sizes: Sizes, turn: str) -> dict[str, Any]:
    """One container, by Graphviz."""
    items = [f"n{n}" for n in container.nodes] + [f"b{b}" for b in container.inner]
    ends = {e.start for e in lines} | {e.end for e in lines}
    gates = {kind: sorted(x for x in ends if x[0] == kind) for kind in "io"}
    routed, straight = parted(lines, items)
    source = dot(items, gates, routed, sizes, turn)
    height, places, splines = parsed(render(source, "plain", {}).decode())
    for edge in routed:  # of parallel edges, one is as good as the other
        points = splines[edge.start, edge.end].pop(0)
        edge.points = [round(height - p, 1) if i % 2 else p for i, p in enumerate(points)]
    for edge in straight:
        start = at_port(edge.start, places, height, sizes, turn, 1)
        end = at_port(edge.end, places, height, sizes, turn, -1)
        ways = [start[i] + (end[i] - start[i]) * k / 3 for k in range(4) for i in range(2)]
        edge.points = [round(p, 1) for p in ways]
    return {
        "items": [[name, round(x, 1), round(height - y, 1)] for name, (x, y) in places.items()],
        "edges": [[e.start, e.end, e.source, e.targets, e.points] for e in lines],
    }


def parted(lines: list[Edge], items: list[str]) -> tuple[list[Edge], list[Edge]]:
    """The edges that Graphviz is to lead around the nodes, and those that are drawn straight.

    Its time grows with the rows that edges cross. The shortest are led around, as many as there is
    time for, and of every node one that comes in and one that goes out.
    """
    place = {name: i for i, name in enumerate(items)}
    routed, straight, rows = [], [], 0
    met: set[tuple[str, str]] = set()
    spans = [abs(place.get(e.end, len(items)) - place.get(e.start, -1)) for e in lines]
    for i in sorted(range(len(lines)), key=spans.__getitem__):
        ends = {("from", lines[i].start), ("to", lines[i].end)}
        if rows + spans[i] > MOST_ROWS and ends <= met:
            straight.append(lines[i])
            continue
        met |= ends
        rows += spans[i]
        routed.append(lines[i])
    return routed, straight


def at_port(
    name: str, places: Places, height: float, sizes: Sizes, turn: str, side: int
) -> tuple[float, float]:
    """Where an edge leaves (side 1) or arrives (side -1) at a node, in the page's directions."""
    x, y = places[name][0], height - places[name][1]
    if name[0] not in "nb":
        return x, y
    width, high = sizes[name]
    return (x, y + side * high / 2) if turn == "TB" else (x + side * width / 2, y)


def dot(
    items: list[str], gates: dict[str, list[str]], lines: list[Edge], sizes: Sizes, turn: str
) -> str:
    """The source; names are ours (n7, b2), so there is nothing to quote."""
    text = [
        f"digraph g {{ rankdir={turn}; nodesep=0.3; ranksep=0.42;",
        'node [shape=box fixedsize=true label=""]',
        *([HURRY] if len(lines) > LONG else []),
    ]
    leave, arrive = ("s", "n") if turn == "TB" else ("e", "w")
    for name in items:
        width, height = (side / POINTS for side in sizes[name])
        text.append(f'{name} [width="{width:.4f}" height="{height:.4f}"]')
    for kind, rank in (("i", "source"), ("o", "sink")):
        if gates[kind]:
            text.append(f"{{ rank={rank}; " + "; ".join(gates[kind]) + " }")
            text += [f'{name} [shape=point width="0.01" height="0.01"]' for name in gates[kind]]
    for edge in lines:
        ends = f"{port(edge.start, leave)} -> {port(edge.end, arrive)}"
        text.append(f'{ends} [comment="{edge.source}"]')
    return "\n".join([*text, "}"])


def port(name: str, side: str) -> str:
    """Edges leave nodes at one side and arrive at the other; at gates there are no sides."""
    return f"{name}:{side}" if name[0] in "nb" else name


def parsed(plain: str) -> tuple[float, Places, Splines]:
    """Height, places and lines out of Graphviz's format "plain", in px."""
    height = 0.0
    places: Places = {}
    splines: Splines = {}
    for row in plain.replace("\\\n", "").splitlines():
        word, *rest = row.split()
        if word == "graph":
            height = float(rest[2]) * POINTS
        elif word == "node":
            places[rest[0]] = (float(rest[1]) * POINTS, float(rest[2]) * POINTS)
        elif word == "edge":
            count = int(rest[2])
            numbers = [round(float(x) * POINTS, 1) for x in rest[3 : 3 + 2 * count]]
            splines.setdefault((rest[0], rest[1]), []).append(numbers)
    return height, places, splines
