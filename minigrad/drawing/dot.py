"""A snapshot as Graphviz source: one table for each node, an edge for each argument, a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.drawing.labels import LOOKS, QUIET, Images, cell, label, row, styled, table
from minigrad.drawing.snapshot import Snapshot, Vertex

if TYPE_CHECKING:
    import graphviz

FONT = "DejaVu Sans Mono,Menlo,Consolas,monospace"  # all as wide: text fits whichever is there


def digraph(picture: Snapshot, images: Images | None = None) -> graphviz.Digraph:
    """The source. With `images`, nodes show maps, and their PNG files are added to it by name."""
    import graphviz

    made = graphviz.Digraph("minigrad")
    made.attr("graph", label=legend(picture, images is not None), labelloc="b", labeljust="l")
    made.attr("graph", fontname=FONT, bgcolor="white", nodesep="0.3", ranksep="0.35", pad="0.15")
    made.attr("node", shape="plain", fontname=FONT, fontsize="11")
    made.attr("edge", color=QUIET, arrowsize="0.7")
    mains = [main_slot(vertex, picture) for vertex in picture.vertices]
    for vertex, main in zip(picture.vertices, mains, strict=True):
        made.node(str(vertex.number), f"<{label(vertex, main, images)}>")
    for vertex, main in zip(picture.vertices, mains, strict=True):
        for slot, number in enumerate(vertex.inputs):
            port = f":{slot}:n" if len(vertex.inputs) > 1 else ":n"
            weight = "10" if slot == main else "1"
            made.edge(str(number), f"{vertex.number}{port}", weight=weight)
    return made


def main_slot(vertex: Vertex, picture: Snapshot) -> int:
    """The input that the main line of the graph comes through: a result, else data, else any."""
    kinds = [picture.vertices[number - 1].kind for number in vertex.inputs]
    return min(range(len(kinds)), key=lambda slot: MAIN.index(kinds[slot]), default=0)


MAIN = ("op", "data", "parameter")


def legend(picture: Snapshot, images: bool) -> str:
    """What the colours of the kinds that are there mean."""
    there = {vertex.kind for vertex in picture.vertices}
    cells = []
    for kind, look in LOOKS.items():
        if kind in there:
            swatch = f'BGCOLOR="{look.fill}" COLOR="{look.line}" BORDER="2" WIDTH="20"'
            cells += [cell("", swatch), cell(styled(kind, QUIET, 10), ""), cell("", "")]
    if images:
        maps = "maps: values from black (min) to white (max), gradients blue < 0 < red"
        cells.append(cell(styled(maps, QUIET, 10), ""))
    space = row(cell("", f'COLSPAN="{len(cells)}"'))
    colours = table([space, row(*cells)], 'CELLPADDING="3"')
    return f"<{colours}>"
