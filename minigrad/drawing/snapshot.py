"""A snapshot of the graph below a tensor, as frozen plain data: what everything else draws.

It holds copies, so it stays as it is whatever is written afterwards. What was written to before,
after an op had used it, has no value in it. Nodes are numbered 1, 2, ...
in the order in which they were made: the same program gives the same snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.anomaly import Anomaly, Backward, first_recorded
from minigrad.core.broadcasting import Shape, broadcast_inputs
from minigrad.core.names import Names, checked, name_of_each
from minigrad.core.node import Array, Node
from minigrad.core.op import Op
from minigrad.core.overwritten import changed_values
from minigrad.core.places import line_of, place_of, text_of
from minigrad.core.printable import printable
from minigrad.core.reach import below
from minigrad.core.sweep import Step, seed, sweep
from minigrad.core.traps import brief as anomaly_in_brief
from minigrad.drawing.boxes import Box, boxes_of
from minigrad.drawing.text import brief
from minigrad.errors import GraphError, OverwrittenError

NOT_YET = "no gradient yet"
UNREACHED = "no gradient reaches it"
UNSEEDED = "no gradient: give draw(t, grad=...)"
LOST = "no gradient: inputs overwritten"
OVERWRITTEN = "overwritten since it was used"


@dataclass(frozen=True, slots=True)
class Vertex:
    """One recorded value."""

    number: int  # 1, 2, ... in creation order
    kind: str  # "data" and "parameter" are leaves; "op" is a result, "result" the one drawn
    op: str  # "" for a leaf
    name: str  # "" if it has none
    settings: Mapping[str, Any]  # of the op, without those left at their defaults
    inputs: tuple[int, ...]  # in order and with repeats
    arguments: tuple[str, ...]  # what the op calls each input
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    value: Array | None  # None where it was overwritten since an op here used it: it is not known
    gradient: Array | None
    remark: str  # why there is no gradient although one may be needed, or ""
    stored: bool  # the gradient is the leaf's `.grad`, and not what this graph alone gives
    box: int = 0  # the innermost module's call or scope it was made in; 0 for none
    source: str = ""  # the user's line, if `minigrad.sources` noted it
    ops: tuple[str, ...] = ()  # of a folded node: all that are in it
    changes: Mapping[str, Array] = field(default_factory=dict)  # of "value" and "gradient"
    was: str = ""  # what else was different before
    beyond: int = 0  # how many that use it lie outside the part drawn
    broadcast: tuple[Shape | None, ...] = ()  # of each input, the shape it was broadcast to
    anomaly: str = ""  # of the first node that makes nan or infinity of numbers: how

    @property
    def noun(self) -> str:
        """What it is called that has neither name nor op."""
        return "leaf" if self.kind in ("added", "removed", "changed", "same") else self.kind

    @property
    def value_text(self) -> str:
        """The value on one line, or that it is not known."""
        return OVERWRITTEN if self.value is None else brief(self.value)

    def broadcast_to(self, slot: int) -> Shape | None:
        """The shape that an input was broadcast to, if it was."""
        return self.broadcast[slot] if slot < len(self.broadcast) else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The graph below a tensor: its nodes in creation order, the tensor itself last."""

    vertices: tuple[Vertex, ...]
    boxes: tuple[Box, ...] = ()  # box number i is at i - 1
    note: str = ""  # what the picture says of itself, such as what was left out

    def paths(self) -> dict[int, tuple[int, ...]]:
        """The boxes around each box and itself, from the outermost in, by its number; 0 is none."""
        found: dict[int, tuple[int, ...]] = {0: ()}
        for box in self.boxes:  # a box is numbered after the one around it
            found[box.number] = (*found[box.outer], box.number)
        return found


def snapshot(
    root: Any, names: Names | None = None, scopes: tuple[Names, ...] = (), grad: Any = None
) -> Snapshot:
    """Walk the graph below `root` and copy what is there.

    Gradients are there once `backward` has run (a parameter has a `.grad`) or where the cotangent
    `grad` is given. A leaf shows its `.grad`, other nodes what the sweep, run again, brings them.
    Raises `TypeError` unless `root` is a tensor, `ShapeError` for a `grad` of another shape.
    """
    if not isinstance(root, Node):
        raise TypeError(not_a_tensor(root, "only a tensor has a graph"))
    nodes = below(root)
    numbers = {x.number: i for i, x in enumerate(nodes, start=1)}
    changed = changed_values(nodes)
    found, remark, anomaly = gradients(root, nodes, grad)
    anomaly = first_recorded(nodes) or anomaly
    inside = boxes_of(nodes, (checked(names), *scopes))
    vertices = []
    for x, name in zip(nodes, name_of_each(nodes, names, scopes), strict=True):
        gradient, stored = shown_gradient(x, found.get(x.number), given=grad is not None)
        vertices.append(
            Vertex(
                number=numbers[x.number],
                kind=kind_of(x, root),
                op=x.op.name if x.op else "",
                name=name,
                settings=chosen_settings(x.op, x.settings) if x.op else {},
                inputs=tuple(numbers[y.number] for y in x.inputs),
                arguments=argument_names(x.op, len(x.inputs)) if x.op else (),
                shape=x._value.shape,
                dtype=x._value.dtype,
                value=None if x.number in changed else frozen(x._value),
                gradient=None if gradient is None else frozen(gradient),
                remark=remark_on(x, remark) if x._tracked and gradient is None else "",
                stored=stored,
                box=inside.of[x.number],
                source=line(x),
                broadcast=broadcasts(x),
                anomaly=anomaly_in_brief(anomaly) if anomaly and anomaly.node is x else "",
            )
        )
    return Snapshot(tuple(vertices), inside.boxes)


def not_a_tensor(thing: Any, rule: str) -> str:
    """What to say of a thing that is no tensor: to try a module's or a function's result."""
    kind = type(thing).__name__
    if callable(thing):
        called = getattr(thing, "__name__", kind[:1].lower() + kind[1:])
        return f"{rule}; this is a {kind}: try its result, {called}(x)."
    return f"{rule}; this is a {kind}."


def broadcast_label(vertex: Vertex, slot: int, source: Vertex | None) -> str:
    """What an edge says of broadcasting: "→ (32, 10)"; that a number was repeated is no news."""
    to = vertex.broadcast_to(slot)
    number = source is not None and source.kind == "data" and not source.shape
    return "" if to is None or number else f"→ {to}"


def gradients(root: Node, nodes: list[Node], grad: Any) -> tuple[dict[int, Array], str, Any]:
    """The cotangent that arrives at each node, by number, a remark for those without one, and the
    first rule that makes nan or infinity, if one does.
    """
    if grad is not None and not root._tracked:
        raise GraphError("grad= was given, but nothing in this graph requires a gradient.")
    if grad is None and not any(x.op is None and x.grad is not None for x in nodes):
        return {}, NOT_YET, None
    if grad is None and root._value.size != 1:
        return {}, UNSEEDED, None
    found: dict[int, Array] = {}
    backward = Backward()
    anomalies: list[Anomaly] = []

    def keep(step: Step) -> None:
        found[step.node.number] = step.cotangent
        anomalies.extend(backward.at(step))

    try:
        leaves = sweep([(root, seed(root, grad))], on_step=keep)
    except OverwrittenError:
        return {}, LOST, None
    first = anomalies[0] if anomalies else None
    return found | {x.number: g for x, g in leaves.items()}, UNREACHED, first


def shown_gradient(x: Node, arrived: Array | None, given: bool) -> tuple[Array | None, bool]:
    """The gradient to show at a node, and whether it is a `.grad` that differs from this graph's.

    With a cotangent `given` for the drawing, it is this graph's; else a leaf shows its `.grad`.
    """
    if given or x.op is not None:
        return arrived, False
    if x.grad is None:
        return None, False
    stored = x.grad._value if isinstance(x.grad, Node) else x.grad
    same = arrived is not None and np.allclose(stored, arrived, rtol=1e-5, atol=0, equal_nan=True)
    return stored, not same


def remark_on(x: Node, remark: str) -> str:
    """Why a node that may need a gradient shows none."""
    return NOT_YET if x.op is None and remark in (UNSEEDED, LOST) else remark


def line(x: Node) -> str:
    """The user's line that made a node, with the name of its file: "xor.py:12 h = x @ w"."""
    place = place_of(x)
    if place is None:
        return ""
    file = printable(Path(place[0].co_filename).name)
    return f"{file}:{line_of(place)} {text_of(place)}".rstrip()


def kind_of(x: Node, root: Node) -> str:
    """The kind of a node in the graph of `root`."""
    if x.op is not None:
        return "result" if x is root else "op"
    return "parameter" if x._tracked else "data"


def broadcasts(x: Node) -> tuple[Shape | None, ...]:
    """The shape that each input of a node was broadcast to; None for one that was not."""
    if x.op is None:
        return ()
    return broadcast_inputs(x.op, [y._value.shape for y in x.inputs], x._value.shape)


def frozen(array: Any) -> Array:
    """A read-only copy."""
    copy: Array = np.array(array)
    copy.flags.writeable = False
    return copy


def chosen_settings(op: Op, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were not left at the op's defaults."""
    return {
        key: setting
        for key, setting in settings.items()
        if key not in op.defaults or not same(setting, op.defaults[key])
    }


def same(setting: Any, default: Any) -> bool:
    """Whether a setting is the default; arrays and what holds them never are."""
    return type(setting) is type(default) and repr(setting) == repr(default)


def argument_names(op: Op, number: int) -> tuple[str, ...]:
    """What an op calls its arrays: its own parameters, else letters; positions if many."""
    if op.variadic:
        return tuple(str(i) for i in range(number))
    return tuple(op.parameters[:number]) or ("x", "y", "w")[:number]
