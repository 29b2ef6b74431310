"""A snapshot as Graphviz source: one table for each node, an edge for each argument, a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.drawing.labels import Images, cell, label, row, styled, table
from minigrad.drawing.snapshot import Snapshot, Vertex, broadcast_label
from minigrad.drawing.text import shortened
from minigrad.drawing.themes import Style

if TYPE_CHECKING:
    import graphviz

FONT = "DejaVu Sans Mono,Menlo,Consolas,monospace"  # all as wide: text fits whichever is there
MOST_USERS = 24  # that edges lead to from one value
MOST_LEVELS = 12  # of boxes in boxes: Graphviz lays them out by recursion
LONG = 1000  # rows that all edges together cross, from which on Graphviz is to hurry
HURRY = {"nslimit": "0.02", "nslimit1": "0.02", "mclimit": "0.02", "splines": "line"}


def digraph(
    picture: Snapshot, images: Images | None = None, style: Style | None = None
) -> graphviz.Digraph:
    """The source. With `images`, nodes show maps, and their PNG files are added to it by name."""
    style = style or Style()
    made = sheet(legend(picture, images is not None, style), style)
    by_number = {vertex.number: vertex for vertex in picture.vertices}
    mains = {vertex.number: main_slot(vertex, by_number) for vertex in picture.vertices}
    apart = drawn_apart(picture)
    if rows_crossed(picture, apart) > LONG:
        made.attr("graph", **HURRY)
    parts = boxes(picture, style)
    for vertex in picture.vertices:
        text = label(vertex, mains[vertex.number], images, style)
        parts.get(vertex.box, made).node(str(vertex.number), f"<{text}>")
    nest(made, parts, picture)
    for vertex in picture.vertices:
        edges(made, vertex, mains[vertex.number], by_number, apart, style)
    return made


def sheet(below: str, style: Style) -> graphviz.Digraph:
    """An empty picture: fonts, colours, distances."""
    import graphviz

    theme = style.theme
    made = graphviz.Digraph("minigrad")
    made.attr("graph", label=below, labelloc="b", labeljust="l", rankdir=style.rankdir)
    made.attr("graph", fontname=FONT, bgcolor=theme.page, nodesep="0.3", ranksep="0.35", pad="0.15")
    made.attr("node", shape="plain", fontname=FONT, fontsize="11")
    made.attr("edge", color=theme.quiet, arrowsize="0.7", fontname=FONT, fontsize="9")
    return made


def drawn_apart(picture: Snapshot) -> set[tuple[int, int]]:
    """The uses, by user and input, at which a value that very many use is named and not led to by
    an edge: all but the first. So a weight that a thousand steps share stands beside each of them.
    """
    users: dict[int, list[int]] = {}
    for vertex in picture.vertices:
        for number in dict.fromkeys(vertex.inputs):
            users.setdefault(number, []).append(vertex.number)
    shared = {number: found for number, found in users.items() if len(found) > MOST_USERS}
    return {(user, number) for number, found in shared.items() for user in found[1:]}


def rows_crossed(picture: Snapshot, apart: set[tuple[int, int]]) -> int:
    """How many rows of the picture all edges together cross: what makes a layout slow."""
    level: dict[int, int] = {}
    crossed = 0
    for vertex in picture.vertices:
        inputs = [number for number in vertex.inputs if (vertex.number, number) not in apart]
        levels = [level[number] for number in inputs if number in level]
        level[vertex.number] = own = 1 + max(levels, default=0)
        crossed += sum(own - other for other in levels)
    return crossed


def edges(
    made: graphviz.Digraph,
    vertex: Vertex,
    main: int,
    there: dict[int, Any],
    apart: set[tuple[int, int]],
    style: Style,
) -> None:
    """The edges into a node; where they come from or lead outside the part drawn, three dots; from
    what is named at each use, its name.
    """
    side = "w" if style.direction == "right" else "e" if style.direction == "left" else "n"
    if style.direction == "up":
        side = "s"
    for slot, number in enumerate(vertex.inputs):
        named = len(vertex.arguments) > 1 and slot < len(vertex.arguments)
        port = f":{slot}:{side}" if named and style.direction != "up" else f":{side}"
        source = str(number)
        if number not in there:
            source = f"{vertex.number}.{slot}"
            made.node(source, f"<{styled('…', style.theme.quiet)}>")
        elif (vertex.number, number) in apart:
            source = f"{vertex.number}.{slot}"
            made.node(source, f"<{mention(there[number], style)}>")
        weight = "10" if slot == main else "1"
        old = vertex.kind == "changed" and slot >= max(len(vertex.arguments), 1)
        gone = old or "removed" in (vertex.kind, there[number].kind if number in there else "")
        look = {"style": "dashed", "color": style.theme.looks["removed"].line} if gone else {}
        if told := broadcast_label(vertex, slot, there.get(number)):
            quiet = style.theme.quiet
            look = {"color": f"{quiet}:invis:{quiet}"} | look
            look["label"] = f"<{styled(f'  {told}', quiet, 9)}>"
        made.edge(source, f"{vertex.number}{port}", weight=weight, **look)
    if vertex.beyond:
        more = f"… {vertex.beyond:,} more" if vertex.beyond > 1 else "…"
        made.node(f"{vertex.number}.out", f"<{styled(more, style.theme.quiet)}>")
        made.edge(str(vertex.number), f"{vertex.number}.out")


def mention(vertex: Vertex, style: Style) -> str:
    """A value that is drawn elsewhere: its name and number, in its colours."""
    look = style.theme.looks[vertex.kind]
    name = shortened(vertex.name or vertex.op or vertex.noun)
    edge = f'BORDER="1" COLOR="{look.line}" BGCOLOR="{look.fill}" CELLPADDING="2"'
    return table([row(cell(styled(f"{name} #{vertex.number}", style.theme.quiet, 9), ""))], edge)


def boxes(picture: Snapshot, style: Style) -> dict[int, graphviz.Digraph]:
    """A cluster for every box that holds something, by its number."""
    import graphviz

    paths = picture.paths()
    used = {number for vertex in picture.vertices for number in paths[vertex.box]}
    made = {}
    for box in picture.boxes:
        if box.number in used and len(paths[box.number]) <= MOST_LEVELS:
            title = " ".join(part for part in (box.name, box.kind) if part)
            look = style.theme.box
            cluster = graphviz.Digraph(f"cluster_{box.number}")
            cluster.attr(
                label=f"<{styled(title, style.theme.quiet, 10)}>" if title else "",
                style="rounded,filled",
                color=look.line,
                fillcolor=look.fill,
                labelloc="t",
                labeljust="l",
                margin="10",
            )
            made[box.number] = cluster
        elif box.number in used:
            made[box.number] = made[paths[box.number][MOST_LEVELS - 1]]
    return made


def nest(whole: graphviz.Digraph, parts: dict[int, graphviz.Digraph], picture: Snapshot) -> None:
    """Put every cluster into the one around it, the inner ones first."""
    for box in reversed(picture.boxes):
        part = parts.get(box.number)
        if part is not None and part is not parts.get(box.outer):
            parts.get(box.outer, whole).subgraph(part)


def main_slot(vertex: Vertex, there: dict[int, Vertex]) -> int:
    """The input that the main line of the graph comes through: a result, else data, else any."""
    kinds = [there[number].kind if number in there else "op" for number in vertex.inputs]
    return min(range(len(kinds)), key=lambda slot: MAIN.get(kinds[slot], 0), default=0)


MAIN = {"data": 1, "parameter": 2}


def legend(picture: Snapshot, images: bool, style: Style) -> str:
    """What the colours of the kinds that are there mean, and what the picture says of itself."""
    quiet = style.theme.quiet
    there = {vertex.kind for vertex in picture.vertices}
    cells = []
    for kind, look in style.theme.looks.items():
        if kind in there:
            swatch = f'BGCOLOR="{look.fill}" COLOR="{look.line}" BORDER="2" WIDTH="20"'
            cells += [cell("", swatch), cell(styled(kind, quiet, 10), ""), cell("", "")]
    cells += signs(picture, style)
    if images:
        maps = "maps: values from black (min) to white (max), gradients blue < 0 < red"
        cells.append(cell(styled(maps, quiet, 10), ""))
    wide = f'COLSPAN="{len(cells)}"'
    rows = [row(cell("", wide)), row(*cells)]
    if picture.note:
        rows.append(row(cell(styled(picture.note, quiet, 10), f'{wide} ALIGN="LEFT"')))
    inner = table(rows, 'CELLPADDING="3"')
    return f"<{inner}>"


def signs(picture: Snapshot, style: Style) -> list[str]:
    """The same for what is marked beside the kinds: broadcasting, the first nan or infinity."""
    theme, cells = style.theme, []
    there = {vertex.number: vertex for vertex in picture.vertices}
    if any(
        broadcast_label(vertex, slot, there.get(number))
        for vertex in picture.vertices
        for slot, number in enumerate(vertex.inputs)
    ):
        told = styled("→ (…) broadcast to this shape", theme.quiet, 10)
        cells += [cell(told, ""), cell("", "")]
    if any(vertex.anomaly for vertex in picture.vertices):
        look = theme.alarm
        swatch = f'BGCOLOR="{look.fill}" COLOR="{look.line}" BORDER="4" WIDTH="20"'
        told = styled("the first nan or infinity", theme.quiet, 10)
        cells += [cell("", swatch), cell(told, ""), cell("", "")]
    return cells
