"""The graph as a networkx graph, to search and measure with its algorithms."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from minigrad.core.names import Names, variables
from minigrad.drawing.snapshot import Snapshot, snapshot

if TYPE_CHECKING:
    import networkx


def graph(t: Any, *, names: Names | None = None, grad: Any = None) -> networkx.MultiDiGraph[int]:
    """The graph that `t` was computed by: one node for each value, edges from input to result.

    Nodes are numbered 1, 2, ... in creation order. Their attributes: `kind` ("data" or
    "parameter" for a leaf, "op", and "result" for `t` itself), `op`, `name`, `settings`, `shape`,
    `dtype`, `value`, `overwritten` (since it was used: then the value is None, as it is not known),
    `gradient`, `bytes` (of the value), `scope` (the modules and scopes around it), `source` (your
    line, where `minigrad.sources` noted it) and `anomaly` (of the first node that makes nan or
    infinity of numbers: how). Edges carry the argument's `slot`, so `x * x` has two, and
    `broadcast`, the shape that the argument was broadcast to, or None. Gradients are None before
    `backward()`; `names` and `grad` as in `mg.draw`.

    Raises `TypeError` unless `t` is a tensor.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> g = mg.graph(x * x)
    >>> g.nodes[1]["name"], g.nodes[2]["op"]
    ('x', 'multiply')
    >>> list(g.edges(data="slot"))
    [(1, 2, 0), (1, 2, 1)]
    """
    return network(snapshot(t, names, variables(sys._getframe(1)), grad))


def network(picture: Snapshot) -> networkx.MultiDiGraph[int]:
    """A snapshot as a networkx graph."""
    import networkx

    made: networkx.MultiDiGraph[int] = networkx.MultiDiGraph()
    paths = picture.paths()
    titles = {box.number: box.name or box.kind for box in picture.boxes}
    for vertex in picture.vertices:
        made.add_node(
            vertex.number,
            kind=vertex.kind,
            op=vertex.op or None,
            name=vertex.name or None,
            settings=dict(vertex.settings),
            shape=vertex.shape,
            dtype=vertex.dtype,
            value=vertex.value,
            overwritten=vertex.value is None,
            gradient=vertex.gradient,
            bytes=math.prod(vertex.shape) * vertex.dtype.itemsize,
            scope=tuple(titles[number] for number in paths[vertex.box]),
            source=vertex.source or None,
            anomaly=vertex.anomaly or None,
        )
    for vertex in picture.vertices:
        for slot, number in enumerate(vertex.inputs):
            made.add_edge(number, vertex.number, slot=slot, broadcast=vertex.broadcast_to(slot))
    return made
