"""The reverse sweep: the one place where cotangents flow back through a graph.

It visits the recorded nodes from the newest to the oldest, hands each its summed cotangent, and
asks the op's rule for the contribution to every input that needs one. Broadcasting, dtypes and
the checks of what a rule returns are here, so that no rule mentions them.

The same loop serves everyone. Backprop runs it on arrays; higher derivatives run it on tensors,
so that the rules record themselves; a trace listens through `on_step`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from minigrad.core.broadcasting import ones, sum_to
from minigrad.core.node import Clock, Node, as_real_array, constant
from minigrad.core.op import Op
from minigrad.core.reads import reads
from minigrad.errors import OverwrittenError, RuleError, ShapeError


@dataclass(frozen=True, slots=True)
class Step:
    """What the sweep did at one node: the cotangent that arrived, what each input was given,
    and each input's running sum after it (None where no gradient was needed).
    """

    node: Node
    cotangent: Any
    contributions: tuple[Any, ...]
    sums: tuple[Any, ...]


def sweep(
    roots: Iterable[tuple[Node, Any]],
    *,
    within: Reach | None = None,
    record: bool = False,
    on_step: Callable[[Step], None] | None = None,
) -> list[tuple[Node, Any]]:
    """Pull the roots' cotangents back to the leaves; returns (leaf, its cotangent) pairs.

    Time and memory are linear in the number of nodes visited, without recursion. `within` limits
    the visit to the nodes between the roots and chosen ends, whose cotangents are returned. With
    `record`, rules are given tensors and so record what they do. `on_step` is told every step
    taken. Raises `RuleError` where a rule returns no gradient, `OverwrittenError` where a value
    that a rule reads was overwritten.
    """
    arrived: dict[int, Any] = {}
    waiting: dict[int, Node] = {}
    for root, cotangent in roots:
        g = constant(cotangent, root) if record and not isinstance(cotangent, Node) else cotangent
        number = root.number
        arrived[number] = arrived[number] + g if number in arrived else g
        waiting[number] = root
    heap = [-number for number in waiting]
    heapify(heap)
    live, ends = (within.live, within.ends) if within else (None, ())
    leaves = []
    while heap:
        number = -heappop(heap)
        node = waiting.pop(number)
        g = arrived.pop(number)
        op = node.op
        if op is None or number in ends:
            leaves.append((node, g))
            continue
        if number < Clock.last_write:
            check_not_overwritten(node, op)
        inputs = node.inputs
        values = (node, *inputs) if record else plain_values(node, inputs)
        settings = node.settings
        contributions: list[Any] = []
        for x, pullback in zip(inputs, op.pullbacks_of(node)):  # noqa: B905  (strict costs 60 ns)
            if pullback is None or not x._tracked or (live is not None and x.number not in live):
                contributions.append(None)
                continue
            try:
                c = pullback(g, *values, **settings) if settings else pullback(g, *values)
                if c.shape != x._value.shape or c.dtype is not x._value.dtype:
                    c = fitted(c, x, op)
            except Exception as error:
                raise blamed(error, node, op) from None
            if record and not isinstance(c, Node):
                c = constant(c, x)
            contributions.append(c)
            key = x.number
            if key in arrived:
                arrived[key] = arrived[key] + c
            else:
                arrived[key] = c
                waiting[key] = x
                heappush(heap, -key)
        if on_step is not None:
            sums = tuple(arrived.get(x.number) for x in inputs)
            on_step(Step(node, g, tuple(contributions), sums))
    return leaves


def plain_values(node: Node, inputs: tuple[Node, ...]) -> tuple[Any, ...]:
    """What an ordinary sweep gives to a rule: the arrays of the result and of the inputs."""
    if len(inputs) == 1:
        return node._value, inputs[0]._value
    if len(inputs) == 2:
        return node._value, inputs[0]._value, inputs[1]._value
    return node._value, *[x._value for x in inputs]


def fitted(c: Any, x: Node, op: Op) -> Any:
    """A contribution in the shape and the dtype of the input; `RuleError` if it cannot be one."""
    shape, dtype = x._value.shape, x._value.dtype
    if c.shape != shape:
        if not op.broadcasts:
            raise RuleError(
                f"the rule returned a gradient of shape {c.shape} for an input of shape {shape}. "
                f"They must be equal."
            )
        c = sum_to(c, shape)
    if c.dtype is not dtype and c.dtype != dtype:
        if c.dtype.kind not in "fiub":
            raise RuleError(f"the rule returned a gradient of dtype {c.dtype} for one of {dtype}.")
        c = c.astype(dtype)
    return c


def blamed(error: Exception, node: Node, op: Op) -> Exception:
    """The error of a rule, with the op, the shapes and the node it happened at."""
    if isinstance(error, AttributeError) and "'shape'" in str(error):
        error = RuleError("the rule must return an array, one gradient for its input.")
    shapes = ", ".join(str(x._value.shape) for x in node.inputs)
    error.add_note(f"in the rule of {op.name}({shapes}) -> {node._value.shape}, #{node.number}")
    return error


def check_not_overwritten(node: Node, op: Op) -> None:
    """Raise if a value that some rule of `node` reads was written to after it was recorded."""
    followed = [array for array, x in enumerate(node.inputs) if x._tracked]
    for position, x in enumerate((node, *node.inputs)):
        home = x if x._origin is None else x._origin
        if home._written.number > node.number and any(
            reads(op, array, position) for array in followed
        ):
            called = f"{home.name!r} " if home.name else ""
            raise OverwrittenError(
                f"the tensor {called}#{home.number} of shape {home._value.shape} was used by "
                f"{op.name} (#{node.number}), and overwritten since at {home._written.place}. The "
                f"gradient of {op.name} needs the value it had: call backward() before assign() "
                f"or optimiser.step(), or compute the result again."
            )


@dataclass(frozen=True, slots=True)
class Reach:
    """What lies between roots and chosen ends (variables), by node number."""

    live: dict[int, Node]  # every node that depends on an end, and the ends
    ends: set[int]
    outside: list[Node]  # what else requires a gradient and leads into it, or into the ends


def dependents(roots: Sequence[Node], ends: Sequence[Node]) -> Reach:
    """The nodes between `roots` and `ends`.

    Nothing older than the ends can depend on them, so the walk stops there: what was recorded
    before (an outer derivative's graph) is not visited, only noticed.
    """
    live = {x.number: x for x in ends}
    numbers = set(live)
    oldest = min(numbers, default=0)
    found = dict(live)
    outside = [x for x in ends if x.op is not None]
    stack: list[Node] = []
    for x in roots:
        reached(x, oldest, found, stack, outside)
    while stack:
        for x in stack.pop().inputs:
            reached(x, oldest, found, stack, outside)
    for number in sorted(found):
        node = found[number]
        if number not in live and any(x.number in live for x in node.inputs):
            live[number] = node
    return Reach(live, numbers, outside)


def reached(
    x: Node, oldest: int, found: dict[int, Node], stack: list[Node], outside: list[Node]
) -> None:
    """Note a node met for the first time: one to walk on from, or one from outside."""
    if not x._tracked or x.number in found:
        return
    found[x.number] = x
    if x.op is None or x.number < oldest:
        outside.append(x)
    else:
        stack.append(x)


def seed(root: Node, cotangent: Any, *, record: bool = False) -> Any:
    """The cotangent to start from: 1 for a scalar, else the given one, checked and copied.

    One that is a tensor stays one, with its past, where the sweep is to be recorded.
    """
    shape, dtype = root._value.shape, root._value.dtype
    if cotangent is None:
        if root._value.size != 1:
            raise ShapeError(
                f"the gradient of a tensor of shape {shape} needs a cotangent of that shape: "
                f"backward(grad), or make it a scalar first, for example with .sum()."
            )
        return ones(1, dtype).reshape(shape)
    given = cotangent._value.shape if isinstance(cotangent, Node) else np.shape(cotangent)
    if given != shape:
        raise ShapeError(
            f"the cotangent has shape {given}, but the tensor it belongs to has {shape}. "
            f"They must be equal."
        )
    if record and isinstance(cotangent, Node):
        return cotangent
    return as_real_array(np.asarray(cotangent), dtype)
