"""What a check found: the report of what is right, and the error that shows what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.core.op import Op
from minigrad.core.source import source_of
from minigrad.errors import DerivativeError
from minigrad.testing.point import Point
from minigrad.testing.smallest import outcome, smallest
from minigrad.transforms import record

LONGEST_GRAPH = 200  # steps that are checked one by one to find the wrong rule


@dataclass(frozen=True)
class Report:
    """What was compared, and found right. It is true if any number was: `assert check_grads(...)`.

    A number that the tolerance of differences would swallow whole was not compared.
    """

    order: int
    modes: tuple[str, ...]
    compared: int = 0  # numbers, in each mode
    kinks: int = 0  # of them at a kink: held between the slopes around it
    undefined: int = 0  # left out, as there is no derivative: a jump, the end of the domain
    faint: int = 0  # left out, as they are too small beside the results to tell
    moves: dict[str, bool] = field(default_factory=dict)  # of each array and each result

    def __add__(self, other: Report) -> Report:
        return Report(
            max(self.order, other.order),
            tuple(m for m in ("forward", "reverse") if m in self.modes + other.modes),
            self.compared + other.compared,
            self.kinks + other.kinks,
            self.undefined + other.undefined,
            self.faint + other.faint,
            {k: self.moves.get(k, False) or v for k, v in (self.moves | other.moves).items()},
        )

    def __bool__(self) -> bool:
        return self.compared > 0

    def __str__(self) -> str:
        verdict = "right" if self else "not a proof"
        modes = " and ".join(self.modes)
        text = f"{verdict}: {modes}, to order {self.order}, {self.compared} numbers compared"
        if not self.compared + self.undefined + self.faint:
            text += ", as its arrays have no elements"
        if self.kinks:
            text += f", {self.kinks} of them at kinks (between the slopes around)"
        if self.undefined:
            text += f", {self.undefined} left out where there is no derivative (a jump, an edge)"
        if self.faint:
            text += f", {self.faint} left out that are too small beside the results to tell"
        still = [name for name, moves in self.moves.items() if not moves]
        if still:
            text += f"; all that belong to {', '.join(still)} are 0"
        return text


class Finding(Exception):  # noqa: N818  (`explained` makes the error of it)
    """Something wrong, at first without its context."""

    def __init__(
        self,
        problem: str,
        *,
        mode: str | None = None,
        argument: int | None = None,
        op: Op | None = None,
        details: list[str] | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.mode = mode
        self.order: int | None = None
        self.argument = argument  # which array it is about
        self.op = op  # whose rule it is, if that is known
        self.details = details or []

    def headline(self, name: str) -> str:
        """What is wrong, in one sentence."""
        where = [
            f"order {self.order}" if self.order else "",
            f"{self.mode} mode" if self.mode else "",
        ]
        inside = ", ".join(part for part in where if part)
        called = self.op.name if self.op else name
        return f"{called}: {self.problem}{f' ({inside})' if inside else ''}."


Check = Callable[[Point], Any]  # raises a Finding


def explained(finding: Finding, point: Point, check: Check, name: str) -> DerivativeError:
    """The error to raise for a finding: with the smallest input that shows it and the rule."""
    if finding.details:  # it is about numbers
        finding, point = smallest(finding, point, check, Finding)
    lines = [finding.headline(name), *[f"  {line}" for line in finding.details]]
    if finding.details:
        given = [f"{n} = {shown(x)}" for n, x in zip(point.names, point.arrays, strict=True)]
        lines += ["  smallest input found that shows it:", *[f"    {line}" for line in given]]
        finding = blamed(finding, point, check)
        if finding.op is None:
            lines.append("  Each op alone is right here: look at how the function combines them.")
    if finding.op is not None:
        lines += rules_of(finding.op, finding.argument)
        if finding.op.kind == "linear" and finding.mode == "forward":
            lines.append("  Forward mode of it is the op itself: is it linear, `jointly` right?")
    return DerivativeError("\n".join(lines))


def shown(x: Any) -> str:
    """An array as it is written."""
    return " ".join(np.array_repr(x).split())


def rules_of(op: Op, argument: int | None) -> list[str]:
    """The source of the rule in question, or of all rules of an op."""
    chosen = range(len(op.rules)) if argument is None or op.variadic else [argument]
    lines = []
    for i in chosen:
        rule = op.rules[i] if i < len(op.rules) else op.rules[-1]
        code = getattr(rule, "__code__", None)
        place = f"  ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
        lines.append(f"  the rule of {op.name} for array {i}:{place}")
        lines += [f"    {line}" for line in source_of(rule).splitlines()]
    return lines


def blamed(finding: Finding, point: Point, check: Check) -> Finding:
    """Find the op whose own derivative is wrong, by checking each step of the graph alone."""
    reach = record(point.function, point.arrays).reach
    steps = [node for _, node in sorted(reach.live.items()) if node.op is not None]
    for node in steps[:LONGEST_GRAPH]:
        places = [i for i, x in enumerate(node.inputs) if x._tracked]
        found = outcome(alone(node, places), check, Finding)
        if found is not None:
            finding.op = node.op
            if found.argument is not None:
                finding.argument = places[found.argument % len(places)]
            return finding
    return finding


def alone(node: Node, places: list[int]) -> Point:
    """One step of a graph as a function of the inputs at `places`, where it was taken."""
    inputs = [x._value for x in node.inputs]

    def step(*arrays: Any) -> tuple[Any, ...]:
        filled = dict(zip(places, arrays, strict=True))
        given = [filled.get(i, x) for i, x in enumerate(inputs)]
        return (node.op.function(*given, **node.settings),) if node.op else ()

    return Point(step, tuple(inputs[i].copy() for i in places), tuple(map(str, places)))
