"""Forward mode: tangents pushed through the recorded graph, from the oldest node to the newest.

No op states a forward rule. Each kind has one from what it does state:

- elementwise: the sum of partial times tangent;
- linear: the op itself, of the tangents;
- general: its vjp is linear in the cotangent, and the transpose of that map is the answer. The
  reverse sweep finds it: record `g -> vjp(g)`, then pull the tangent back to `g`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.node import Node, clock, constant, leaf, record_state, recording, resting
from minigrad.core.op import Op
from minigrad.core.overwritten import check_not_overwritten
from minigrad.core.pull import LOST, comes_from, fitted, loses_cotangent
from minigrad.core.reach import Reach, dependents
from minigrad.core.settings import fresh
from minigrad.core.state import told
from minigrad.core.sweep import blamed, sweep
from minigrad.errors import RuleError


def push(reach: Reach, tangents: dict[int, Any], *, record: bool = False) -> dict[int, Any]:
    """The tangent of every node that depends on the ends, by node number.

    `tangents` gives those of the ends. With `record`, what is computed is recorded in turn.
    Raises `OverwrittenError` where a value that is read was overwritten.
    """
    if recording.state.get() is not True and (watches := told(recording.get()).watches):
        with resting(asleep=True):
            return push_on(reach, tangents, record, watches)
    return push_on(reach, tangents, record)


def push_on(
    reach: Reach, tangents: dict[int, Any], record: bool, watches: tuple[Any, ...] = ()
) -> dict[int, Any]:
    """The same, each step shown to `watches`."""
    last_write = clock.last_write
    found = dict(tangents)
    for number in sorted(reach.live):
        node = reach.live[number]
        if node.op is None or number in reach.ends:
            continue
        incoming = [found.get(x.number) for x in node.inputs]
        if number < last_write:
            moved = [i for i, t in enumerate(incoming) if t is not None]
            check_not_overwritten(node, node.op, moved, reach.live.values(), forward=True)
        try:
            t = pushforwards[node.op.kind](node, node.op, incoming, record)
        except Exception as error:
            raise blamed(error, node, node.op, reach.live.values()) from None
        if t is not None:
            found[number] = full(t, node, record)
            for watch in watches:
                watch.pushed(node, incoming, found[number])
    return found


def full(t: Any, node: Node, record: bool) -> Any:
    """A tangent in the shape and dtype of its node: a sum of terms may still want broadcasting."""
    shape, dtype = node._value.shape, node._value.dtype
    if t.shape != shape:
        t = np.broadcast_to(t, shape)
    if t.dtype != dtype:
        t = t.astype(dtype)
    return constant(t, node) if record and not isinstance(t, Node) else t


def through_elementwise(node: Node, op: Op, tangents: list[Any], record: bool) -> Any:
    """The sum over the inputs of partial times tangent."""
    values = (node, *node.inputs) if record else (node._value, *[x._value for x in node.inputs])
    total = None
    for rule, t in zip(op.calls, tangents, strict=True):
        if t is None or rule is None:
            continue
        term = t * (rule(*values, **node.settings) if callable(rule) else rule)
        total = term if total is None else total + term
    return total


def through_linear(node: Node, op: Op, tangents: list[Any], record: bool) -> Any:
    """The op itself: of the tangents at once, or of one at a time beside the other inputs."""
    inputs: list[Any] = [x if record else x._value for x in node.inputs]
    active = [
        i
        for i, (rule, t) in enumerate(zip(op.rules_of(node), tangents, strict=True))
        if t is not None and rule is not None
    ]
    if op.jointly:
        if not active:
            return None
        filled = [
            x if rule is None else np.zeros(x.shape, x.dtype) if t is None else t
            for x, rule, t in zip(inputs, op.rules_of(node), tangents, strict=True)
        ]
        return op.function(*filled, **fresh(node.settings))
    terms = [
        op.function(*inputs[:i], tangents[i], *inputs[i + 1 :], **fresh(node.settings))
        for i in active
    ]
    return sum(terms[1:], terms[0]) if terms else None


def through_general(node: Node, op: Op, tangents: list[Any], record: bool) -> Any:
    """The transpose of the vjp, by one more reverse sweep for each input."""
    values = (node, *node.inputs) if record else tuple(detached(x) for x in (node, *node.inputs))

    def vjp_of(cotangent: Any, pullback: Any, x: Node) -> tuple[Node, Any]:
        with record_state(True):
            g = leaf(node, cotangent, tracked=True)
            return g, fitted(pullback(g, *values, **node.settings), x, op, node)

    total = None
    for x, pullback, t in zip(node.inputs, op.pullbacks_of(node), tangents, strict=True):
        if t is None or pullback is None:
            continue
        g, c = vjp_of(np.zeros(node._value.shape, node._value.dtype), pullback, x)
        if not comes_from(g, c):  # the derivative is zero, whatever the cotangent
            some, not_zero = vjp_of(np.ones_like(g._value), pullback, x)
            if loses_cotangent(not_zero, some):
                raise RuleError(f"the rule {LOST}.")
            continue
        reach = dependents([c], [g])
        with record_state(record):
            for term in sweep([(c, t)], within=reach, record=record).values():
                total = term if total is None else total + term
    return total


def detached(x: Node) -> Any:
    """A constant of the same value."""
    return leaf(x, x._value, view=True)


pushforwards = {
    "elementwise": through_elementwise,
    "linear": through_linear,
    "general": through_general,
}
