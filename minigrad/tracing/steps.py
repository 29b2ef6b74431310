"""The steps of a trace as plain frozen data, written down while the engine's own sweep runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minigrad.core.anomaly import Anomaly, Backward, first_recorded
from minigrad.core.broadcasting import Shape
from minigrad.core.names import Names, name_of_each
from minigrad.core.node import Array, Node
from minigrad.core.overwritten import changed_values
from minigrad.core.overwritten import told as told_overwritten
from minigrad.core.places import Place, line_of, place_of, text_of
from minigrad.core.printable import printable
from minigrad.core.reach import below
from minigrad.core.source import formula_of
from minigrad.core.sweep import Step as Swept
from minigrad.core.sweep import seed, sweep
from minigrad.core.traps import told
from minigrad.drawing.boxes import Box, boxes_of
from minigrad.drawing.snapshot import (
    argument_names,
    broadcasts,
    chosen_settings,
    frozen,
    kind_of,
)
from minigrad.errors import OverwrittenError
from minigrad.tracing.words import said, written


@dataclass(frozen=True, slots=True)
class Source:
    """A line of the user's program."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """One node of the graph: what it is, and what it comes to."""

    number: int  # 1, 2, ... in creation order
    kind: str  # "data" and "parameter" are leaves; "op" is a result, "result" the one traced
    op: str  # "" for a leaf
    name: str  # "" if it has none
    settings: Mapping[str, Any]  # of the op, without those left at their defaults
    inputs: tuple[int, ...]  # in order and with repeats
    arguments: tuple[str, ...]  # what the op calls each input
    source: Source | None
    box: int  # the innermost module's call or scope it was made in; 0 for none
    value: Array
    gradient: Array | None  # the whole sum; None where no gradient arrives
    broadcast: tuple[Shape | None, ...]  # of each input, the shape it was broadcast to
    anomaly: str  # of the first node that makes nan or infinity of numbers: how, and what to do

    @property
    def label(self) -> str:
        """Its name, else its number: "w1", "#7"."""
        return self.name or f"#{self.number}"


@dataclass(frozen=True, slots=True)
class Part:
    """What a backward step did for one input."""

    input: int  # the node's number
    formula: str  # from the rule's own source
    letters: tuple[str, ...]  # what the rule calls the cotangent, the result and the inputs
    words: str
    contribution: Array | None  # None where no gradient is needed
    sum: Array | None  # at this input so far


@dataclass(frozen=True, slots=True)
class Step:
    """One step, forward or backward, at one node."""

    number: int  # 1, 2, ...
    phase: str  # "forward" or "backward"
    node: int
    op: str
    name: str
    source: Source | None
    inputs: tuple[int, ...]
    input_names: tuple[str, ...]
    formula: str  # forward: what is computed
    output: Array
    cotangent: Array | None  # backward: what arrived at the output
    parts: tuple[Part, ...]  # backward: one for each input


@dataclass(frozen=True, slots=True)
class Recorded:
    """The values of a graph, the steps through it, and the boxes that it is made of."""

    values: tuple[Value, ...]
    steps: tuple[Step, ...]
    boxes: tuple[Box, ...]


def record(root: Node, names: Names | None, scopes: tuple[Names, ...], grad: Any) -> Recorded:
    """Run the sweep from `root` once and write down what it does; no `.grad` changes.

    Raises `OverwrittenError` where the values that the steps have to show are not there any more.
    """
    nodes = below(root)
    for number, user in changed_values(nodes).items():
        x = next(x for x in nodes if x.number == number)
        raise OverwrittenError(
            f"{told_overwritten(x, user, (root,))} The steps of a trace show the values they had: "
            f"trace before assign() or optimiser.step(), or compute the result again."
        )
    numbers = {x.number: i for i, x in enumerate(nodes, start=1)}
    called = name_of_each(nodes, names, scopes)
    inside = boxes_of(nodes, ({**(names or {})}, *scopes))
    swept: list[Swept] = []
    cotangent = seed(root, grad)
    leaves = sweep([(root, cotangent)], on_step=swept.append)
    anomaly = first_anomaly(nodes, swept)
    keep = Copies()
    gradients = {s.node.number: s.cotangent for s in swept}
    gradients |= {x.number: g for x, g in leaves.items()}
    values = tuple(
        Value(
            number=numbers[x.number],
            kind=kind_of(x, root),
            op=x.op.name if x.op else "",
            name=name,
            settings=chosen_settings(x.op, x.settings) if x.op else {},
            inputs=tuple(numbers[y.number] for y in x.inputs),
            arguments=argument_names(x.op, len(x.inputs)) if x.op else (),
            source=source_of(place_of(x)),
            box=inside.of[x.number],
            value=keep(x._value),
            gradient=keep(gradients.get(x.number)),
            broadcast=broadcasts(x),
            anomaly=of_names(anomaly, nodes, called) if anomaly and anomaly.node is x else "",
        )
        for x, name in zip(nodes, called, strict=True)
    )
    steps = [forward(i, v, values, x) for i, (v, x) in enumerate(results(values, nodes), start=1)]
    for s in swept:
        steps.append(backward(len(steps) + 1, s, values, numbers, keep))
    return Recorded(values, tuple(steps), inside.boxes)


def first_anomaly(nodes: list[Node], swept: list[Swept]) -> Anomaly | None:
    """The first op that makes nan or infinity of numbers, forward or else backward."""
    backward = Backward()
    return first_recorded(nodes) or next((a for step in swept for a in backward.at(step)), None)


def of_names(anomaly: Anomaly, nodes: list[Node], called: list[str]) -> str:
    """An anomaly in words, with the names that the page uses."""
    labels = {
        x.number: name or f"#{i}"
        for i, (x, name) in enumerate(zip(nodes, called, strict=True), start=1)
    }
    at = f"{anomaly.op.name} at {labels[anomaly.node.number]}"
    return told(anomaly, lambda x: labels[x.number], at)


class Copies:
    """Read-only copies of arrays, one of each: a sum of one term is that term."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[Any, Array]] = {}

    def __call__(self, array: Any) -> Any:
        """The copy of an array; None stays None."""
        if array is None:
            return None
        met = self.made.get(id(array))
        if met is None:  # the original is kept as well, so that its id stays its own
            met = self.made[id(array)] = (array, frozen(array))
        return met[1]


def results(values: tuple[Value, ...], nodes: list[Node]) -> list[tuple[Value, Node]]:
    """The values that an op computed."""
    return [(v, x) for v, x in zip(values, nodes, strict=True) if x.op is not None]


def forward(number: int, v: Value, values: tuple[Value, ...], node: Node) -> Step:
    """The step that computed a value."""
    labels = tuple(values[i - 1].label for i in v.inputs)
    return Step(
        number=number,
        phase="forward",
        node=v.number,
        op=v.op,
        name=v.name,
        source=v.source,
        inputs=v.inputs,
        input_names=labels,
        formula=written(v.op, labels, v.settings),
        output=v.value,
        cotangent=None,
        parts=(),
    )


def backward(
    number: int, s: Swept, values: tuple[Value, ...], numbers: dict[int, int], keep: Copies
) -> Step:
    """A step of the sweep: what arrived, and what each input was given."""
    v, op = values[numbers[s.node.number] - 1], s.node.op
    rules = op.rules_of(s.node) if op else []
    parts = []
    for slot, (i, rule, c, total) in enumerate(
        zip(v.inputs, rules, s.contributions, s.sums, strict=True)
    ):
        if c is None:
            parts.append(Part(i, "", (), "needs no gradient", None, None))
            continue
        formula = times_cotangent(rule) if op and op.kind == "elementwise" else formula_of(rule)
        shapes = (values[i - 1].value.shape, v.value.shape)
        words = said(op, slot, shapes)
        parts.append(Part(i, formula, letters_of(rule), words, keep(c), keep(total)))
    return Step(
        number=number,
        phase="backward",
        node=v.number,
        op=v.op,
        name=v.name,
        source=v.source,
        inputs=v.inputs,
        input_names=tuple(values[i - 1].label for i in v.inputs),
        formula=", ".join(p.formula for p in parts if p.formula and "\n" not in p.formula),
        output=v.value,
        cotangent=keep(s.cotangent),
        parts=tuple(parts),
    )


def times_cotangent(rule: Any) -> str:
    """The rule of an elementwise op as it acts: the cotangent g times the partial derivative."""
    if not callable(rule):
        return {1: "g", -1: "-g"}.get(rule, f"{rule} * g")
    text = formula_of(rule)
    plain = text.replace(".", "").replace("_", "").isalnum()
    return f"g * {text}" if plain or is_product(text) else f"g * ({text})"


def letters_of(rule: Any) -> tuple[str, ...]:
    """The names of a rule's parameters, in order."""
    code = getattr(rule, "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount]


def is_product(text: str) -> bool:
    """Whether an expression is a call or a product of names, which needs no brackets."""
    import ast

    try:
        expression = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    multiplied = isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mult)
    return multiplied or isinstance(expression, ast.Call)


def source_of(place: Place | None) -> Source | None:
    """A place in the user's code, with the text of its line."""
    if place is None:
        return None
    file, line = place[0].co_filename, line_of(place)
    return Source(printable(file), line, text_of(place))
