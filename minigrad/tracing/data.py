"""A trace as JSON: `readable` for people and programs, `as_data` for the page."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np

from minigrad.core.node import Array, Node
from minigrad.drawing.text import settings_of
from minigrad.errors import DrawingError
from minigrad.tracing.containers import Container, containers_of, unfolded_at_first
from minigrad.tracing.dependence import Pattern, pattern_of
from minigrad.tracing.layout import layouts
from minigrad.tracing.panels import TITLE, look_of, shortened
from minigrad.tracing.steps import Part, Recorded, Step, Value
from minigrad.tracing.words import written

BUDGET = 3_600_000  # bytes of arrays as text, of the page's 5 MB
SEEN_AT_FIRST = 16  # nodes and boxes
MOST_VALUES = 5_000  # nodes of a page
MOST_EDGES = 10_000
BOTH_WAYS = 1_000  # nodes, or pairs of edges, that can also be laid out from left to right
SMALL = 16  # elements of an array whose statistics the page works out


# --- for people and programs


def readable(recorded: Recorded) -> dict[str, Any]:
    """Values, steps and boxes with all their numbers; what is no number is its name as text."""
    return {
        "values": [
            plain(asdict(v) | {"settings": settings_of(v.settings)}) for v in recorded.values
        ],
        "steps": [plain(asdict(step)) for step in recorded.steps],
        "boxes": [asdict(box) for box in recorded.boxes],
    }


def plain(thing: Any) -> Any:
    """Nested data with arrays as lists."""
    if isinstance(thing, dict):
        return {key: plain(part) for key, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(part) for part in thing]
    if isinstance(thing, np.ndarray):
        return plain(thing.tolist())
    if isinstance(thing, float) and not np.isfinite(thing):
        return str(thing)
    return thing


# --- for the page


class Arrays:
    """Every array once, as base64 of its numbers; the largest ones go if there is no room."""

    def __init__(self) -> None:
        self.list: list[Array] = []
        self.known: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def __call__(self, array: Array | None) -> int | None:
        """The number of an array."""
        if array is None:
            return None
        key = (str(array.dtype), array.shape, sha256(array.tobytes()).digest())
        if key not in self.known:
            self.known[key] = len(self.list)
            self.list.append(array)
        return self.known[key]

    def data(self) -> list[dict[str, Any]]:
        """All of them: shape, dtype, statistics, and the numbers as long as there is room."""
        packed = [bytes_of(array) for array in self.list]
        room = BUDGET * 3 // 4  # base64 makes four bytes of three
        for i in sorted(range(len(packed)), key=lambda i: -len(packed[i][1])):
            if sum(len(content) for _, content in packed) <= room:
                break
            if packed[i][0] == "f8":
                packed[i] = bytes_of(self.list[i].astype(np.float32))
        for i in sorted(range(len(packed)), key=lambda i: -len(packed[i][1])):
            if sum(len(content) for _, content in packed) <= room:
                break
            packed[i] = ("", b"")
        return [
            {
                "shape": list(array.shape),
                "dtype": str(array.dtype),
                "as": kind,
                "data": b64encode(content).decode(),
                "stats": None if kind and array.size <= SMALL else statistics(array),
            }
            for array, (kind, content) in zip(self.list, packed, strict=True)
        ]


def bytes_of(array: Array) -> tuple[str, bytes]:
    """How the numbers are written, and they themselves: little-endian, row by row."""
    if array.dtype == bool:
        return "u1", array.astype("u1").tobytes()
    kind = "f4" if array.dtype in (np.float32, np.float16) else "f8"
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 4:
        kind = "i4" if array.dtype.kind == "i" else "u4"
    return kind, array.astype(f"<{kind}").tobytes()


def statistics(array: Array) -> list[float | None]:
    """Minimum, maximum, mean and Euclidean norm of the finite elements, and how many are not."""
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return [None, None, None, None, int(values.size)]
    with np.errstate(over="ignore"):
        found = (finite.min(), finite.max(), finite.mean(), np.sqrt(np.sum(finite * finite)))
    return [*(finite_or_none(x) for x in found), int(values.size - finite.size)]


def finite_or_none(x: Any) -> float | None:
    """A number that JSON has."""
    return float(x) if np.isfinite(x) else None


def as_data(recorded: Recorded, nodes: tuple[Node, ...]) -> dict[str, Any]:
    """Everything that the page shows."""
    if len(recorded.values) > MOST_VALUES:
        raise DrawingError(
            f"the graph has {len(recorded.values):,} nodes, and a page of more than "
            f"{MOST_VALUES:,} would be too large. Trace a tensor nearer to the inputs, or save "
            f".json, which has no limit."
        )
    edges = sum(len(v.inputs) for v in recorded.values)
    if edges > MOST_EDGES:
        raise DrawingError(
            f"the graph has {edges:,} edges, and a page of more than {MOST_EDGES:,} would be too "
            f"large. Trace a tensor nearer to the inputs, or save .json, which has no limit."
        )
    arrays = Arrays()
    found = containers_of(recorded)
    turns = ("TB", "LR") if max(len(recorded.values), edges // 2) <= BOTH_WAYS else ("TB",)
    rules = Rules()
    values = [value_data(v, arrays) for v in recorded.values]
    sizes = {f"n{v['id']}": (v["w"], v["h"]) for v in values}
    boxes = {str(i): box_data(c, recorded.values) for i, c in sorted(found.items()) if i}
    sizes |= {f"b{number}": (box["w"], box["h"]) for number, box in boxes.items()}
    return {
        "format": 1,
        "title": f"backprop from {recorded.values[-1].label}",
        "arrays": [],  # filled in below, once all are known
        "values": values,
        "steps": [step_data(step, arrays, rules) for step in recorded.steps],
        "rules": rules.list,
        "boxes": boxes,
        "open": unfolded_at_first(found, SEEN_AT_FIRST),
        "layouts": {turn: layouts(found, recorded.values, sizes, turn) for turn in turns},
        **patterns(recorded, nodes, arrays),
    } | {"arrays": arrays.data()}


def title_of(v: Value) -> str:
    """What is written over a node."""
    if not v.op:
        short = v.name.rpartition(".")[2] if v.box else v.name  # the box says the rest
        return shortened(short) or v.kind
    return f"{shortened(v.name)} = {v.op}" if v.name else v.op


def value_data(v: Value, arrays: Arrays) -> dict[str, Any]:
    """One node."""
    shape = str(v.value.shape).replace(" ", "")
    title = title_of(v)
    look = look_of(v, f"{title} {v.label if v.op and not v.name else ''} {shape}")
    panel = look.panel
    return {
        "id": v.number,
        "kind": v.kind,
        "op": v.op,
        "name": v.name,
        "title": title,
        "label": v.label,
        "settings": settings_of(v.settings),
        "template": written(v.op, [f"{{{i}}}" for i in range(len(v.inputs))], v.settings),
        "inputs": list(v.inputs),
        "arguments": list(v.arguments),
        "broadcast": [None if to is None else list(to) for to in v.broadcast],
        "anomaly": v.anomaly,
        "source": asdict(v.source) if v.source else None,
        "value": arrays(v.value),
        "gradient": arrays(v.gradient),
        "w": look.width,
        "h": look.height,
        "stacked": look.stacked,
        "panel": {
            "kind": panel.kind,
            "rows": panel.rows,
            "columns": panel.columns,
            "cw": panel.width,
            "ch": panel.height,
            "maps": panel.maps,
            "across": panel.in_a_row,
            "size": list(panel.size),
        },
    }


def box_data(container: Container, values: tuple[Value, ...]) -> dict[str, Any]:
    """One box: folded, it is as large as the node that it shows, and a title more."""
    v = values[container.output - 1]
    look = look_of(v, container.title + "    ")
    count = len(container.nodes) + len(container.inner)
    return {
        "title": container.title,
        "outer": container.outer,
        "output": container.output,
        "nodes": container.nodes,
        "inner": container.inner,
        "count": count,
        "w": look.width + 8,
        "h": look.height + TITLE - 4,
    }


class Rules:
    """What a rule is, once for all steps that use it."""

    def __init__(self) -> None:
        self.list: list[dict[str, Any]] = []
        self.known: dict[tuple[Any, ...], int] = {}

    def __call__(self, part: Part) -> int:
        """The number of a part's rule."""
        key = (part.formula, part.letters, part.words)
        if key not in self.known:
            self.known[key] = len(self.list)
            names = ("formula", "letters", "words")
            self.list.append(dict(zip(names, key, strict=True)))
        return self.known[key]


def step_data(step: Step, arrays: Arrays, rules: Rules) -> dict[str, Any]:
    """One step."""
    return {
        "phase": step.phase,
        "node": step.node,
        "formula": step.formula,
        "cotangent": arrays(step.cotangent),
        "parts": [
            {
                "input": part.input,
                "rule": rules(part),
                "contribution": arrays(part.contribution),
                "sum": arrays(part.sum),
            }
            for part in step.parts
        ],
    }


def patterns(recorded: Recorded, nodes: tuple[Node, ...], arrays: Arrays) -> dict[str, Any]:
    """Which elements depend on which: one pattern for each input of each node, equal ones once."""
    listed: list[dict[str, Any]] = []
    known: dict[str, int] = {}
    slots: dict[str, list[int]] = {}
    for v, node in zip(recorded.values, nodes, strict=True):
        slots[str(v.number)] = []
        inputs = [recorded.values[i - 1].value for i in v.inputs]
        for slot in range(len(inputs)):
            made = pattern_data(pattern_of(node, slot, inputs, v.value), arrays)
            key = repr(made)
            if key not in known:
                known[key] = len(listed)
                listed.append(made)
            slots[str(v.number)].append(known[key])
    return {"patterns": listed, "slots": slots}


def pattern_data(p: Pattern, arrays: Arrays) -> dict[str, Any]:
    """One pattern; whole numbers as base64 too."""
    made: dict[str, Any] = {"kind": p.kind}
    if p.note:
        made["note"] = p.note
    if p.constant is not None:
        made["constant"] = p.constant
    if p.factors is not None:
        made["factors"] = arrays(np.ascontiguousarray(p.factors))
    if p.which is not None and p.first is not None:
        made |= {
            "templates": [runs(t) for t in p.templates],
            "which": whole(p.which),
            "first": whole(p.first),
        }
    if p.other is not None and p.other_first is not None:
        made |= {
            "other": p.other,
            "otherTemplates": [runs(t) for t in p.other_templates],
            "otherFirst": whole(p.other_first),
        }
    return made


def runs(steps: tuple[int, ...]) -> list[int]:
    """Whole numbers as runs: where each begins, its step, and how many there are."""
    numbers = np.array(steps, np.int64)
    made: list[int] = []
    if not len(numbers):
        return made
    gaps = np.diff(numbers)
    breaks = np.flatnonzero(np.diff(gaps) != 0) + 2 if len(gaps) > 1 else np.empty(0, int)
    begin = 0
    for end in [*breaks.tolist(), len(numbers)]:
        if end <= begin:
            continue
        step = int(gaps[begin]) if end - begin > 1 else 0
        made += [int(numbers[begin]), step, end - begin]
        begin = end
    return made


def whole(numbers: Array) -> str:
    """Whole numbers as base64 of 32 bits each."""
    return b64encode(numbers.astype("<i4").tobytes()).decode()
