"""The graph as a networkx graph, to search and measure with its algorithms."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from minigrad.core.names import Names, variables
from minigrad.drawing.snapshot import Snapshot, Vertex, snapshot
from minigrad.drawing.text import brief, settings_of

if TYPE_CHECKING:
    import networkx


def graph(t: Any, *, names: Names | None = None, grad: Any = None) -> networkx.MultiDiGraph[int]:
    """The graph that `t` was computed by: one node for each value, edges from input to result.

    Nodes are numbered 1, 2, ... in creation order. Their attributes are texts and numbers, so that
    all of networkx's writers take them (GraphML, GEXF, GML, JSON, Graphviz): `kind` ("data" or
    "parameter" for a leaf, "op", and "result" for `t` itself), `op`, `name`, `label` (one of them),
    `settings`, `shape`, `dtype`, `value` and `gradient` as a picture shows them, `overwritten`
    (since it was used: then the value is not known), `bytes` (of the value), `scope` (the modules
    and scopes around it: "net/layers.0"), `source` (your line, where `minigrad.sources` noted it)
    and `anomaly` (of the first node that makes nan or infinity of numbers: how); "" for what there
    is none of. Edges carry the argument's `slot`, so `x * x` has two, and `broadcast`, the shape
    that the argument was broadcast to. There are no gradients before `backward()`; `names` and
    `grad` as in `mg.draw`.

    The arrays are beside the graph, read-only and by number: `g.values[n]`, `g.gradients[n]`.

    Raises `TypeError` unless `t` is a tensor.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> g = mg.graph(x * x)
    >>> g.nodes[1]["name"], g.nodes[2]["op"]
    ('x', 'multiply')
    >>> list(g.edges(data="slot"))
    [(1, 2, 0), (1, 2, 1)]
    >>> g.nodes[2]["value"], g.values[2]
    ('9', array(9.))
    """
    return network(snapshot(t, names, variables(sys._getframe(1)), grad))


def network(picture: Snapshot) -> networkx.MultiDiGraph[int]:
    """A snapshot as a networkx graph."""
    import networkx

    made: networkx.MultiDiGraph[int] = networkx.MultiDiGraph()
    paths = picture.paths()
    titles = {box.number: box.name or box.kind for box in picture.boxes}
    there = {vertex.number for vertex in picture.vertices}
    for vertex in picture.vertices:
        scope = "/".join(titles[number] for number in paths[vertex.box])
        made.add_node(vertex.number, **told(vertex, scope))
    for vertex in picture.vertices:
        for slot, number in enumerate(vertex.inputs):
            if number in there:
                to = vertex.broadcast_to(slot)
                broadcast = "" if to is None else str(to)
                made.add_edge(number, vertex.number, slot=slot, broadcast=broadcast)
    made.values = {v.number: v.value for v in picture.vertices if v.value is not None}
    made.gradients = {v.number: v.gradient for v in picture.vertices if v.gradient is not None}
    return made


def told(vertex: Vertex, scope: str) -> dict[str, str | int | bool]:
    """What is said of a node: every format has text, numbers, and yes or no."""
    return {
        "kind": vertex.kind,
        "op": vertex.op,
        "name": vertex.name,
        "label": vertex.name or vertex.op or vertex.noun,
        "settings": settings_of(vertex.settings),
        "shape": str(vertex.shape),
        "dtype": str(vertex.dtype),
        "value": vertex.value_text,
        "overwritten": vertex.value is None,
        "gradient": "" if vertex.gradient is None else brief(vertex.gradient),
        "bytes": math.prod(vertex.shape) * vertex.dtype.itemsize,
        "scope": scope,
        "source": vertex.source,
        "anomaly": vertex.anomaly,
    }
