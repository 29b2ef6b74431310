"""Drawings: the graph as svg, png, pdf, dot, Mermaid, GraphML, or a tree of text."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrad.core.names import Names, variables
from minigrad.core.node import Node
from minigrad.core.reach import below
from minigrad.drawing.around import near
from minigrad.drawing.dot import digraph
from minigrad.drawing.folding import fold
from minigrad.drawing.labels import Images
from minigrad.drawing.mermaid import mermaid
from minigrad.drawing.network import network
from minigrad.drawing.render import render
from minigrad.drawing.snapshot import Snapshot, snapshot
from minigrad.drawing.themes import Style, style
from minigrad.drawing.tree import tree
from minigrad.elsewhere import OF_PICTURES, explain_absent, present
from minigrad.errors import DrawingError, GraphError

PICTURES = ("svg", "png", "pdf")
TEXTS = ("dot", "mermaid", "graphml", "txt")
LIMIT = 2000  # nodes


class Drawing:
    """A picture of a graph: `.svg`, `.dot`, `.mermaid`, `.graphml` and `.text` are text, and
    `save(path)` writes a file.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        images: bool = False,
        limit: int = LIMIT,
        depth: int | None = None,
        style: Style | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.images = images
        self.limit = limit
        self.depth = depth
        self.style = style or Style()

    def __repr__(self) -> str:
        number, drawn = len(self.snapshot.vertices), len(self.shown.vertices)
        folded = f", folded into {drawn:,}" if drawn != number else ""
        return f"<Drawing of {number:,} node{'' if number == 1 else 's'}{folded}>"

    @cached_property
    def shown(self) -> Snapshot:
        """What is drawn: the graph, folded where that was asked for or is needed."""
        return fold(self.snapshot, self.depth, self.limit)

    @cached_property
    def dot(self) -> str:
        """The Graphviz source, without the images."""
        return digraph(self.shown, style=self.style).source

    @cached_property
    def svg(self) -> str:
        """The picture as one svg, images inside."""
        return self.rendered("svg").decode()

    @cached_property
    def mermaid(self) -> str:
        """The picture as a Mermaid flowchart, which Markdown files show."""
        return mermaid(self.shown, self.style)

    @cached_property
    def graphml(self) -> str:
        """The graph as GraphML: for other programs, and so with nothing folded."""
        import networkx

        return "\n".join(networkx.generate_graphml(network(self.snapshot))) + "\n"

    @cached_property
    def text(self) -> str:
        """The picture as an indented tree for terminals, the result first."""
        return tree(self.shown, self.style)

    def save(self, path: str | Path) -> None:
        """Write the picture; the extension says how.

        .svg, .png and .pdf are pictures; .dot, .mermaid (or .mmd), .graphml and .txt are text.
        Raises `DrawingError` for another extension.
        """
        path = Path(path)
        kind = path.suffix.lower().removeprefix(".").replace("mmd", "mermaid")
        if kind not in (*PICTURES, *TEXTS):
            raise DrawingError(
                f"save: {path.name!r} does not say what to write. End it in .svg, .png, .pdf, "
                f".dot, .mermaid, .graphml or .txt."
            )
        path.write_bytes(self.rendered(kind))

    def rendered(self, kind: str) -> bytes:
        """The content of a file of this kind, such as "svg"."""
        if kind in TEXTS:
            text: str = getattr(self, "text" if kind == "txt" else kind)
            return text.encode()
        images: Images = {}
        source = digraph(self.shown, images if self.images else None, self.style).source
        return render(source, kind, images)

    __dir__ = present

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the svg."""
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


explain_absent(Drawing, OF_PICTURES)


def draw(
    t: Any,
    *,
    names: Names | None = None,
    grad: Any = None,
    images: bool = False,
    limit: int = LIMIT,
    depth: int | None = None,
    around: Any = None,
    radius: int = 2,
    show: str | tuple[str, ...] = ("shape", "value", "grad"),
    theme: str = "light",
    direction: str = "down",
) -> Drawing:
    """The graph that `t` was computed by, as a picture; a notebook shows it by itself.

    Each node has name, op, settings, and what `show` lists of "shape", "value", "grad" and
    "source" (the line of your code, where `minigrad.sources` noted it). Small arrays stand there
    in full, larger ones as their range and mean; with `images` also maps (H, W), (C, H, W) or
    (B, C, H, W) as small images. `theme` is "light" or "dark", `direction` "down", "right", "up"
    or "left".

    Gradients are shown once `backward()` has run: a leaf's is its `.grad`, those inside the graph
    are computed again for the picture, and nothing is written. Where `t` has more than one element
    they need a cotangent, `grad`; given one, all gradients shown are those of it.

    Calls of modules and `with minigrad.scope(name)` blocks are boxes. `depth` says how many levels
    of them to open: 0 draws each as one node, and what comes three times or more in a row as one,
    "x 12". `around`, a tensor, draws only what is at most `radius` edges away from it. A graph of
    more than `limit` nodes, or twice as many edges, is folded to what can be read, and says so.
    What more than 24 nodes use, such as a weight that all steps share, is named beside each use.

    A node's name is the one in `names` (name -> tensor or module), else its path in a module among
    the caller's variables (`net.layers.0.weight`), else the tensor's own `name`, else the caller's
    variable.

    Raises `TypeError` unless `t` is a tensor, `ShapeError` for a `grad` of another shape,
    `GraphError` if `around` is not in the graph, `DrawingError` for words that are not known.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> mg.draw(y)
    <Drawing of 2 nodes>
    >>> mg.draw(y).svg[:5]
    '<?xml'
    >>> print(mg.draw(y).text)
    ● #2 y = multiply  ()  9  no gradient yet
    ╰─■ #1 x           ()  3  no gradient yet
    """
    looks = style(show, theme, direction)
    picture = snapshot(t, names, variables(sys._getframe(1)), grad)
    if around is not None:
        picture = near(picture, place_in(t, around), whole("radius", radius))
    if depth is not None:
        whole("depth", depth)
    return Drawing(picture, images, whole("limit", limit), depth, looks)


def place_in(t: Node, around: Any) -> int:
    """The number that a tensor has in the picture of `t`."""
    if not isinstance(around, Node):
        raise TypeError(f"around= is a tensor of the graph; got a {type(around).__name__}.")
    for number, x in enumerate(below(t), start=1):
        if x is around:
            return number
    raise GraphError(
        f"around: the tensor of shape {around._value.shape} is not in the graph of the one that "
        f"is drawn."
    )


def whole(setting: str, value: Any) -> int:
    """A setting that is a whole number, 0 or more; else a `DrawingError` that says so."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DrawingError(f"{setting}={value!r} must be a whole number, 0 or more.")
    return value
