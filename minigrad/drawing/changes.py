"""Two graphs as one drawing: what was added, removed and changed between them.

Nodes are matched in creation order, as lines of text are by a diff. One that is in both graphs is
drawn once, as it is in the second, with the change of its value and gradient.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from minigrad.core.names import Names, variables
from minigrad.core.node import Array
from minigrad.drawing.picture import LIMIT, Drawing
from minigrad.drawing.snapshot import Snapshot, Vertex, frozen, snapshot
from minigrad.drawing.text import settings_of
from minigrad.drawing.themes import style

PAIRS = 10_000_000  # of nodes, beyond which the parts that differ are not matched inside

Pair = tuple[Vertex | None, Vertex | None]


def diff(
    a: Any,
    b: Any,
    *,
    names: Names | None = None,
    images: bool = False,
    limit: int = LIMIT,
    show: str | tuple[str, ...] = ("shape", "value", "grad"),
    theme: str = "light",
    direction: str = "down",
) -> Drawing:
    """Two graphs, before and after a change, as one drawing: added, removed, changed, the same.

    Each of `a` and `b` is a tensor, or a `Drawing`, which stays as it was when it was made: of a
    training step, keep `before = mg.draw(loss)`, take the step, compute the loss again, and draw
    `mg.diff(before, loss)`. A node of both graphs shows its value and gradient in `b`, and how
    far they have changed from `a`. Other settings as in `mg.draw`.

    Raises `TypeError` unless both are tensors or drawings.

    >>> import minigrad as mg
    >>> w = mg.Tensor(3.0, requires_grad=True)
    >>> one, other = w * 2.0, mg.relu(w) * 2.5
    >>> print(mg.diff(one, other, show="value").text)
    ~ #4 other = multiply  7.5  change 1.5  had other inputs
    ├─~ #3 leaf            2.5  change 0.5
    ├─= #1 w               3
    + #2 relu              3
    ╰─→ #1 w
    1 added, 2 changed, 1 the same.
    """
    looks = style(show, theme, direction)
    scopes = variables(sys._getframe(1))
    before, after = (
        t.snapshot if isinstance(t, Drawing) else snapshot(t, names, scopes) for t in (a, b)
    )
    return Drawing(united(before, after), images, limit, None, looks)


def united(before: Snapshot, after: Snapshot) -> Snapshot:
    """Both graphs as one, its nodes in an order that suits either."""
    pairs = list(matched(before.vertices, after.vertices))
    old = {a.number: i for i, (a, _) in enumerate(pairs, start=1) if a is not None}
    new = {b.number: i for i, (_, b) in enumerate(pairs, start=1) if b is not None}
    vertices = []
    for i, (a, b) in enumerate(pairs, start=1):
        if a is not None and b is not None:
            vertices.append(compared(a, b, i, old, new))
        elif b is not None:
            vertices.append(alone(b, i, "added", new))
        elif a is not None:
            vertices.append(replace(alone(a, i, "removed", old), box=0))
    counts = Counter(vertex.kind for vertex in vertices)
    words = {"added": "added", "removed": "removed", "changed": "changed", "same": "the same"}
    told = [f"{counts[kind]:,} {word}" for kind, word in words.items() if counts[kind]]
    return Snapshot(tuple(vertices), after.boxes, f"{', '.join(told)}.")


def alone(vertex: Vertex, number: int, kind: str, numbers: dict[int, int]) -> Vertex:
    """A node of one graph only."""
    inputs = tuple(numbers[n] for n in vertex.inputs)
    return replace(vertex, number=number, kind=kind, inputs=inputs)


def compared(a: Vertex, b: Vertex, number: int, old: dict[int, int], new: dict[int, int]) -> Vertex:
    """A node of both graphs: as it is in the second, with what has changed."""
    changes = {}
    for title, x, y in (("value", a.value, b.value), ("gradient", a.gradient, b.gradient)):
        if x is not None and y is not None and not alike(x, y):
            changes[title] = frozen(difference(x, y)) if x.shape == y.shape else None
    inputs = tuple(new[n] for n in b.inputs)
    gone = tuple(dict.fromkeys(old[n] for n in a.inputs if old[n] not in inputs))
    was = list(differences_in_words(a, b))
    if tuple(old[n] for n in a.inputs) != inputs:
        was.append("had other inputs")
    shown = {title: change for title, change in changes.items() if change is not None}
    return replace(
        b,
        number=number,
        kind="changed" if changes or was else "same",
        inputs=inputs + gone,
        changes=shown,
        was=", ".join(was),
    )


def differences_in_words(a: Vertex, b: Vertex) -> Iterator[str]:
    """What else than numbers was different in the first graph."""
    if a.shape != b.shape:
        yield f"was of shape {a.shape}"
    if a.dtype != b.dtype:
        yield f"was {a.dtype}"
    if settings_of(a.settings) != settings_of(b.settings):
        yield f"was with {settings_of(a.settings) or 'no settings'}"
    for vertex, when in ((a, "before"), (b, "after")):
        if vertex.value is None:
            yield f"its value {when} is not known, {vertex.value_text}"
    if (a.gradient is None) != (b.gradient is None):
        yield "had no gradient" if a.gradient is None else "had a gradient"


def alike(x: Array, y: Array) -> bool:
    """Whether two arrays are the same, nan and all."""
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=True)


def difference(x: Array, y: Array) -> Array:
    """How far each element has moved, in floats."""
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is nan, and is shown as that
        return np.asarray(y.astype(np.float64) - x.astype(np.float64))


def matched(a: tuple[Vertex, ...], b: tuple[Vertex, ...]) -> Iterator[Pair]:
    """The nodes of both graphs in pairs, or alone, each graph's in its own order."""
    keys = [[key(vertex) for vertex in vertices] for vertices in (a, b)]
    first = agreement(*keys)
    last = agreement(keys[0][first:][::-1], keys[1][first:][::-1])
    yield from zip(a[:first], b[:first], strict=True)
    middles = a[first : len(a) - last], b[first : len(b) - last]
    yield from aligned(*middles)
    yield from zip(a[len(a) - last :], b[len(b) - last :], strict=True)


def aligned(a: tuple[Vertex, ...], b: tuple[Vertex, ...]) -> Iterator[Pair]:
    """The same for parts that begin and end differently."""
    codes: list[tuple[str, int, int, int, int]] = [("replace", 0, len(a), 0, len(b))]
    if len(a) * len(b) <= PAIRS:
        keys = [key(vertex) for vertex in a], [key(vertex) for vertex in b]
        codes = list(SequenceMatcher(None, *keys, autojunk=False).get_opcodes())
    for code, start, end, other_start, other_end in codes:
        if code == "equal":
            yield from zip(a[start:end], b[other_start:other_end], strict=True)
        else:
            yield from ((vertex, None) for vertex in a[start:end])
            yield from ((None, vertex) for vertex in b[other_start:other_end])


def agreement(a: list[Any], b: list[Any]) -> int:
    """How many elements two lists have in common at their beginnings."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def key(vertex: Vertex) -> tuple[Any, ...]:
    """What makes two nodes one and the same step of a program, whatever numbers it computes."""
    if vertex.op:
        return vertex.op, len(vertex.inputs)
    return (vertex.kind, vertex.name) if vertex.name else (vertex.kind, vertex.shape)
