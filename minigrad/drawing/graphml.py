"""A snapshot as GraphML, which yEd, Gephi and others open: http://graphml.graphdrawing.org."""

from __future__ import annotations

import json

from minigrad.core.printable import printable
from minigrad.drawing.snapshot import Snapshot, Vertex
from minigrad.drawing.text import brief, settings_of


def graphml(picture: Snapshot) -> str:
    """The graph as XML: kind, op, name, shape, ..., of every node, and of every edge."""
    import networkx

    made: networkx.MultiDiGraph[int] = networkx.MultiDiGraph()
    paths = picture.paths()
    there = {vertex.number for vertex in picture.vertices}
    for vertex in picture.vertices:
        titles = [picture.boxes[number - 1] for number in paths[vertex.box]]
        scope = "/".join(box.name or box.kind for box in titles)
        made.add_node(vertex.number, **{k: printable(v) for k, v in told(vertex, scope).items()})
    for vertex in picture.vertices:
        for slot, number in enumerate(vertex.inputs):
            if number in there:
                to = vertex.broadcast_to(slot)
                told_of = "" if to is None else json.dumps(to)
                made.add_edge(number, vertex.number, slot=slot, broadcast=told_of)
    return "\n".join(networkx.generate_graphml(made)) + "\n"


def told(vertex: Vertex, scope: str) -> dict[str, str]:
    """What is said of a node, all of it text."""
    return {
        "kind": vertex.kind,
        "op": vertex.op,
        "name": vertex.name,
        "label": vertex.name or vertex.op or vertex.kind,
        "settings": settings_of(vertex.settings),
        "shape": json.dumps(vertex.shape),
        "dtype": str(vertex.dtype),
        "value": vertex.value_text,
        "gradient": "" if vertex.gradient is None else brief(vertex.gradient),
        "scope": scope,
        "source": vertex.source,
        "anomaly": vertex.anomaly,
    }
