"""`trace`: what backprop does, step by step."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from minigrad.core.names import Names, variables
from minigrad.core.node import Node
from minigrad.core.reach import below
from minigrad.drawing.boxes import Box
from minigrad.drawing.snapshot import not_a_tensor
from minigrad.errors import DrawingError, GraphError
from minigrad.tracing.data import as_data, readable
from minigrad.tracing.frames import frame, gif
from minigrad.tracing.page import page
from minigrad.tracing.steps import Recorded, Step, Value, record
from minigrad.tracing.table import table

KINDS = ".html, .json, .svg or .gif"


class Trace:
    """The steps of one forward and one backward pass, as plain frozen data.

    Iterating gives the steps; printing shows them as a table; `save` writes a page that plays
    them, or pictures; a notebook shows the page itself.
    """

    def __init__(self, recorded: Recorded, nodes: tuple[Node, ...]) -> None:
        self.recorded = recorded
        self.nodes = nodes  # asked how their elements depend on each other, for the page

    @property
    def steps(self) -> tuple[Step, ...]:
        """Forward steps in the order in which they ran, then the backward ones."""
        return self.recorded.steps

    @property
    def values(self) -> tuple[Value, ...]:
        """The nodes of the graph, in creation order."""
        return self.recorded.values

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The calls of modules and the scopes that the nodes were made in."""
        return self.recorded.boxes

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return f"<Trace of {len(self):,} steps>"

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=120, color_system=None)
        console.print(table(self.recorded))
        text: str = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
        return text

    def __rich__(self) -> Table:
        return table(self.recorded)

    @cached_property
    def html(self) -> str:
        """The page: one file with everything in it, which plays the steps."""
        return page(as_data(self.recorded, self.nodes))

    def frame(self, number: int) -> str:
        """The picture after so many steps, as svg; 0 is before the first."""
        if not 0 <= number <= len(self):
            raise IndexError(f"frame: there are frames 0 to {len(self)}; got {number}.")
        return frame(self.recorded, number, "svg").decode()

    def save(self, path: str | Path) -> None:
        """Write it; the extension says how.

        .html is the page; .json the steps as data; .gif plays the picture; .svg writes one
        picture a step, `name-000.svg` onwards. Raises `DrawingError` for any other.
        """
        path = Path(path)
        kind = path.suffix.lower()
        if kind == ".html":
            path.write_text(self.html, encoding="utf-8")
        elif kind == ".json":
            path.write_text(json.dumps(readable(self.recorded), indent=1), encoding="utf-8")
        elif kind == ".gif":
            path.write_bytes(gif(self.recorded))
        elif kind == ".svg":
            for i in range(len(self) + 1):
                numbered = path.with_name(f"{path.stem}-{i:03}.svg")
                numbered.write_bytes(frame(self.recorded, i, "svg"))
        else:
            raise DrawingError(
                f"save: {path.name!r} does not say what to write. End it in {KINDS}."
            )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the page, in a frame of its own."""
        from html import escape

        inside = escape(self.html, quote=True)
        style = "width: 100%; height: 720px; border: 1px solid #8888; border-radius: 6px"
        shown = f'<iframe srcdoc="{inside}" style="{style}"></iframe>'
        return {"text/html": shown, "text/plain": repr(self)}


def trace(t: Any, *, names: Names | None = None, grad: Any = None) -> Trace:
    """What backprop from `t` does, step by step: the values forward, then the gradients back.

    The engine's own sweep runs once, and what it does is written down; no `.grad` changes. Where
    `t` has more than one element it needs a cotangent, `grad`. Nodes are named as in `mg.draw`;
    the lines of your code are there for what was computed inside `with mg.sources():`.

    Raises `TypeError` unless `t` is a tensor, `GraphError` where nothing requires a gradient,
    `ShapeError` for a missing `grad` or one of another shape, `OverwrittenError` where a value was
    overwritten since it was used.

    >>> import minigrad as mg
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> y = x * x + x
    >>> for step in mg.trace(y):
    ...     print(step.number, step.phase, step.op, [p.formula for p in step.parts])
    1 forward multiply []
    2 forward add []
    3 backward add ['g', 'g']
    4 backward multiply ['g * y', 'g * x']
    """
    if not isinstance(t, Node):
        raise TypeError(not_a_tensor(t, "only a tensor has a past to trace"))
    if not t._tracked:
        raise GraphError(
            "trace: this tensor was not computed from any tensor that requires a gradient (or "
            "under no_grad). Make the parameters with requires_grad=True."
        )
    recorded = record(t, names, variables(sys._getframe(1)), grad)
    return Trace(recorded, tuple(below(t)))
