"""Why one op passes on a gradient of zero: what in its inputs makes its derivative vanish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.node import Array, Node
from minigrad.core.overwritten import gone, value_used
from minigrad.core.printable import printable
from minigrad.core.source import formula_of
from minigrad.drawing.text import number

PRODUCTS = {"multiply", "matmul", "einsum", "dot", "conv1d", "conv2d", "conv3d", "tensordot"}
CHOICES = {"where", "maximum", "minimum", "fmax", "fmin", "clip", "max", "min", "maxpool"}
PICKS = {"getitem", "take", "take_along_axis", "embedding", "compress", "choose", "diagonal"}
MOST = 8  # units that are listed


@dataclass(frozen=True, slots=True)
class Blocker:
    """An op at which a gradient arrives that is not zero, and the input that gets nothing of it."""

    node: Node
    slot: int
    cotangent: Array

    @property
    def name(self) -> str:
        """What the op calls the input."""
        op: Any = self.node.op
        return "xyw"[self.slot] if self.slot < 3 and not op.parameters else self.parameter

    @property
    def parameter(self) -> str:
        """The name of the parameter, or its position."""
        op: Any = self.node.op
        known = () if op.variadic else op.parameters
        return known[self.slot] if self.slot < len(known) else f"input {self.slot + 1}"


def cause(blocker: Blocker) -> tuple[str, str]:
    """The reason in a word or two, and in a sentence."""
    op: Any = blocker.node.op
    others = [x for slot, x in enumerate(blocker.node.inputs) if slot != blocker.slot]
    if op.name == "relu":
        return "dead relu", dead_relu(blocker)
    if op.name in CHOICES:
        return "not chosen", f"it took its result from elsewhere than {blocker.name}"
    if op.name in PRODUCTS or op.kind == "linear":
        zero = [x for x in others if is_zero_where_it_counts(x, blocker)]
        if zero:
            name = printable(zero[0].name or "")
            return "zero factor", f"the factor it multiplies {blocker.name} by" + (
                f", {name}, is 0" if name else " is 0"
            )
    if op.name in PICKS:
        return "not chosen", f"it picks no element of {blocker.name} that the result depends on"
    rule = op.rules_of(blocker.node)[blocker.slot]
    if not callable(rule):
        return "flat", f"its derivative is {rule} everywhere"
    formula = formula_of(rule)
    told = f", {formula}," if "\n" not in formula else ""
    if op.kind == "elementwise":
        return "flat", f"its derivative{told} is 0 at all {blocker.node._value.size:,} elements"
    return "flat", f"its rule{told} gives 0 for these values"


def dead_relu(blocker: Blocker) -> str:
    """The numbers of a relu that lets nothing through."""
    x = blocker.node.inputs[blocker.slot]
    counted = blocker.cotangent != 0
    count = np.count_nonzero(counted)
    where = "" if count == counted.size else " at which a gradient arrives"
    value = value_used(x, blocker.node)
    if value is None:
        return (
            f"all {count:,} elements of {blocker.name}{where} were <= 0; {blocker.name} {gone(x)}"
        )
    largest = number(float(value[counted].max()))
    return f"all {count:,} elements of {blocker.name}{where} are <= 0 (the largest is {largest})"


def is_zero_where_it_counts(x: Node, blocker: Blocker) -> bool:
    """Whether another factor is known to be 0: of an elementwise one, where a gradient arrives."""
    op: Any = blocker.node.op
    value = value_used(x, blocker.node)
    if value is None:
        return False
    if op.kind == "elementwise":
        value = np.broadcast_to(value, blocker.cotangent.shape)[blocker.cotangent != 0]
    return not value.any()


def dead_units(node: Node) -> str:
    """The units of a relu, along the last axis, that let nothing through for any row."""
    if node.op is None or node.op.name != "relu" or node._value.ndim < 2:
        return ""
    z = node._value  # which tells it as the input does, and is never overwritten
    dead = np.flatnonzero((z.reshape(-1, z.shape[-1]) <= 0).all(axis=0))
    if not dead.size:
        return ""
    listed = ", ".join(map(str, dead[:MOST].tolist())) + (", …" if dead.size > MOST else "")
    return f" has {dead.size} of {z.shape[-1]} units dead, <= 0 in every row ({listed})"
