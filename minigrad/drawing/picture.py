"""Drawings: the graph as svg, png, pdf or dot."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrad.drawing.dot import digraph
from minigrad.drawing.labels import Images
from minigrad.drawing.names import Names, variables
from minigrad.drawing.render import render
from minigrad.drawing.snapshot import Snapshot, snapshot
from minigrad.errors import DrawingError

KINDS = ("svg", "png", "pdf", "dot")


class Drawing:
    """A picture of a graph: `.dot` and `.svg` are text, `save(path)` writes a file."""

    def __init__(self, snapshot: Snapshot, images: bool = False, limit: int = 1000) -> None:
        self.snapshot = snapshot
        self.images = images
        self.limit = limit

    def __repr__(self) -> str:
        number = len(self.snapshot.vertices)
        return f"<Drawing of {number:,} node{'' if number == 1 else 's'}>"

    @cached_property
    def dot(self) -> str:
        """The Graphviz source, without the images."""
        return digraph(self.snapshot).source

    @cached_property
    def svg(self) -> str:
        """The picture as one svg, images inside. Raises `DrawingError` past the limit."""
        return self.rendered("svg").decode()

    def save(self, path: str | Path) -> None:
        """Write the picture; the extension says how: .svg, .png, .pdf or .dot.

        Raises `DrawingError` for another extension, or for more nodes than the limit.
        """
        path = Path(path)
        kind = path.suffix.lower().removeprefix(".")
        if kind not in KINDS:
            raise DrawingError(
                f"save: {path.name!r} does not say what to write. End it in .svg, .png, .pdf or "
                f".dot."
            )
        path.write_bytes(self.rendered(kind))

    def rendered(self, kind: str) -> bytes:
        """The content of a file of this kind: "svg", "png", "pdf" or "dot"."""
        if kind == "dot":
            return self.dot.encode()
        number = len(self.snapshot.vertices)
        if number > self.limit:
            raise DrawingError(
                f"the graph has {number:,} nodes, and a picture of more than {self.limit:,} cannot "
                f"be read. Draw a tensor nearer to the inputs, search the graph with mg.graph(t), "
                f"use .dot, or insist with draw(t, limit={number})."
            )
        images: Images = {}
        source = digraph(self.snapshot, images if self.images else None).source
        return render(source, kind, images)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the svg, or why there is none."""
        try:
            return {"image/svg+xml": self.svg, "text/plain": repr(self)}
        except DrawingError as error:
            return {"text/plain": f"{self!r}: {error}"}


def draw(
    t: Any, *, names: Names | None = None, grad: Any = None, images: bool = False, limit: int = 1000
) -> Drawing:
    """The graph that `t` was computed by, as a picture; a notebook shows it by itself.

    Each node has name, op, shape, settings and value: small arrays in full, larger ones as their
    range and mean; with `images` also maps (H, W), (C, H, W) or (B, C, H, W) as small images.
    Gradients are shown once `backward()` has run: a leaf's is its `.grad`, those inside the graph
    are computed again for the picture, and nothing is written. Where `t` has more than one element
    they need a cotangent, `grad`; given one, all gradients shown are those of it.

    A node's name is the one in `names` (name -> tensor or module), else its path in a module among
    the caller's variables (`net.layers.0.weight`), else the tensor's own `name`, else the caller's
    variable. A graph of more than `limit` nodes is not laid out, but has its `.dot`.

    Raises `TypeError` unless `t` is a tensor, `ShapeError` for a `grad` of another shape.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> mg.draw(y)
    <Drawing of 2 nodes>
    >>> mg.draw(y).svg[:5]
    '<?xml'
    """
    return Drawing(snapshot(t, names, variables(sys._getframe(1)), grad), images, limit)
