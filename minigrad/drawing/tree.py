"""A snapshot as an indented tree for terminals: the result first, its inputs below it.

The main line of the graph runs straight down; what joins it from the side is indented, so that
a long chain stays in one column. What is used more than once is told again by its number only.
"""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.core.printable import printable
from minigrad.drawing.snapshot import Snapshot, Vertex
from minigrad.drawing.text import brief, inside, settings_of
from minigrad.drawing.themes import Style

WIDEST = 60  # of a column that the next one is aligned to
MARKS = {"data": "□", "parameter": "■", "folded": "▣"} | {
    "added": "+",
    "removed": "-",
    "changed": "~",
    "same": "=",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A node that is still to be told: what stands left of it and of what comes below it."""

    left: str
    below: str
    number: int
    again: bool = False  # it is told of elsewhere


def tree(picture: Snapshot, style: Style) -> str:
    """The lines of the tree; nothing but printable text, whatever things are called."""
    by_number = {vertex.number: vertex for vertex in picture.vertices}
    mains = main_inputs(picture)
    owner = owners(picture, mains)
    rows: list[tuple[str, ...]] = []
    stack = [Line("", "", v.number) for v in picture.vertices if v.number not in owner]
    while stack:
        line = stack.pop()
        vertex = by_number.get(line.number)
        if vertex is None:
            rows.append((f"{line.left}…",))
            continue
        if line.again:
            name = printable(vertex.name or vertex.op or vertex.noun)
            rows.append((f"{line.left}→ #{line.number} {name}",))
            continue
        head = f"{line.left}{MARKS.get(vertex.kind, '●')} #{line.number} {called(vertex)}"
        rows.append((head, *said(vertex, style)))
        stack.extend(reversed(inputs_below(line, vertex, mains, owner)))
    if picture.note:
        rows.append((picture.note,))
    return aligned(rows)


def inputs_below(
    line: Line, vertex: Vertex, mains: dict[int, int], owner: dict[int, int]
) -> list[Line]:
    """The lines of a node's inputs: those from the side, then the main one in the same column."""
    main = mains.get(line.number)
    on = main is not None and owner[main] == line.number
    sides = [n for n in dict.fromkeys(vertex.inputs) if not (on and n == main)]
    lines = []
    for i, number in enumerate(sides):
        last = not on and i == len(sides) - 1
        left = line.below + ("╰─" if last else "├─")
        again = owner.get(number) != line.number
        lines.append(Line(left, line.below + ("  " if last else "│ "), number, again))
    return [*lines, Line(line.below, line.below, main)] if on and main is not None else lines


def main_inputs(picture: Snapshot) -> dict[int, int]:
    """The computed input that the longest path comes through, of each node that has one."""
    level: dict[int, int] = {}
    mains = {}
    for vertex in picture.vertices:
        ways = [(level.get(n, 0), -slot, n) for slot, n in enumerate(vertex.inputs) if n in level]
        longest, _, main = max(ways, default=(0, 0, 0))
        if longest > 0:
            mains[vertex.number] = main
        level[vertex.number] = longest + 1 if vertex.inputs else 0
    return mains


def owners(picture: Snapshot, mains: dict[int, int]) -> dict[int, int]:
    """The user below which each node is told: on the main line, else as a main input, else last."""
    used = {n for vertex in picture.vertices for n in vertex.inputs}
    trunk = set()
    for vertex in reversed(picture.vertices):
        if vertex.number not in used or vertex.number in trunk:
            trunk |= {vertex.number, mains.get(vertex.number, vertex.number)}

    def rank(user: int, number: int) -> int:
        return (mains.get(user) == number) * (1 + (user in trunk))

    found: dict[int, int] = {}
    for vertex in picture.vertices:
        for number in vertex.inputs:
            if number not in found or rank(vertex.number, number) >= rank(found[number], number):
                found[number] = vertex.number
    return found


def called(vertex: Vertex) -> str:
    """What a node is: its name, its op, its settings."""
    what = " = ".join(part for part in (vertex.name, vertex.op) if part) or vertex.noun
    more = inside(vertex.ops) if vertex.ops else settings_of(vertex.settings)
    return printable(f"{what} ({more})" if more else what)


def said(vertex: Vertex, style: Style) -> list[str]:
    """The columns after what it is."""
    cells = []
    if "shape" in style.show:
        dtype = "" if vertex.dtype == float else f" {vertex.dtype}"
        cells.append(f"{vertex.shape}{dtype}")
    if "value" in style.show:
        cells.append(vertex.value_text + change(vertex, "value"))
    if "grad" in style.show:
        gradient = vertex.gradient
        told = f"gradient {brief(gradient)}" if gradient is not None else vertex.remark
        cells.append(told + change(vertex, "gradient"))
    cells += [printable(vertex.was)] if vertex.was else []
    cells += [vertex.anomaly] if vertex.anomaly else []
    if "source" in style.show:
        cells.append(printable(vertex.source))
    return cells


def change(vertex: Vertex, what: str) -> str:
    """How far the value or the gradient has moved, where two graphs are compared."""
    return f"  change {brief(vertex.changes[what])}" if what in vertex.changes else ""


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows as lines, their columns one below the other."""
    wide = max(map(len, rows), default=0)
    cells = [[row[i] for row in rows if len(row) > i + 1] for i in range(wide)]
    widths = [max((len(c) for c in column if len(c) <= WIDEST), default=0) for column in cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    )
