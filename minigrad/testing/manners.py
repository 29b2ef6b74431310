"""How a rule must behave beside being right: shapes, dtypes, and what memory it may touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.core.broadcasting import broadcasts_to
from minigrad.core.node import Array, Node, leaf, record_state
from minigrad.core.op import Op
from minigrad.core.pull import LOST, loses_cotangent
from minigrad.testing.findings import Finding
from minigrad.transforms import Recorded

Call = Callable[[], Any]


def check_rules(recorded: Recorded, rng: np.random.Generator) -> None:
    """Call each rule that a graph uses by itself, on read-only arrays, and look at what it does."""
    for node in steps(recorded):
        op = node.op
        assert op is not None
        if not op.variadic and len(op.rules) != len(node.inputs):
            number = f"{len(op.rules)} rules are stated for its {len(node.inputs)} arrays"
            raise Finding(number, op=op)
        values = tuple(frozen(x._value) for x in (node, *node.inputs))
        check_calls(op, None, [value_call(op, node, values)] * 2, values)
        for i, (pullback, x) in enumerate(
            zip(op.stated_pullbacks_of(node), node.inputs, strict=True)
        ):
            if pullback is None or not x._tracked:
                continue
            gs = [
                frozen(rng.normal(size=node._value.shape).astype(node._value.dtype))
                for _ in range(2)
            ]
            calls = [rule_call(pullback, g, values, node) for g in gs]
            for c in check_calls(op, i, calls, (*values, *gs)):
                check_result(op, i, c, x._value, gs[0])
            check_recorded(op, i, pullback, gs[0], node)


def steps(recorded: Recorded) -> Iterator[Node]:
    """The recorded results of ops, oldest first; of equal steps only the first."""
    seen = set()
    for number in sorted(recorded.reach.live):
        node = recorded.reach.live[number]
        if node.op is None:
            continue
        kind = (id(node.op), repr(node.settings), tuple(x._value.shape for x in node.inputs))
        if kind not in seen:
            seen.add(kind)
            yield node


def frozen(x: Array) -> Array:
    """A read-only copy in the same memory layout."""
    copy = x.copy(order="K")
    copy.flags.writeable = False
    return copy


def value_call(op: Op, node: Node, values: tuple[Array, ...]) -> Call:
    """A call of the value function."""
    return lambda: op.value(*values[1:], **node.settings)


def rule_call(pullback: Any, g: Array, values: tuple[Array, ...], node: Node) -> Call:
    """A call of a rule."""
    return lambda: pullback(g, *values, **node.settings)


def called(
    calls: list[Call], what: str, op: Op | None = None, argument: int | None = None
) -> list[Any]:
    """The results of calls that were given read-only arrays; a finding where one writes to them."""
    try:
        return [call() for call in calls]
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        problem = f"{what} writes into an array that it was given"
        raise Finding(problem, op=op, argument=argument) from None


def check_calls(
    op: Op, argument: int | None, calls: list[Call], given: tuple[Array, ...]
) -> list[Any]:
    """Call twice: nothing given may be written to, and the results may share no memory."""
    what = "its value" if argument is None else "its rule"
    results = called(calls, what, op, argument)
    first, second = (r if isinstance(r, np.ndarray) else np.zeros(0) for r in results)
    if np.may_share_memory(first, second) and first.flags.writeable:
        shown = any(np.may_share_memory(first, x) for x in given)
        if not shown:
            raise Finding(
                f"{what} returns the same memory at every call, so that a later one overwrites "
                f"an earlier result",
                op=op,
                argument=argument,
            )
    return results


def check_recorded(op: Op, argument: int, pullback: Any, g: Array, node: Node) -> None:
    """Check that a rule of a tensor is a tensor: forward mode and higher orders are made of it.

    A rule is linear in its cotangent, so one that depends on none in the graph has to be 0.
    """
    with record_state(True):
        cotangent = leaf(node, g, tracked=True)
        values = [leaf(x, x._value) for x in (node, *node.inputs)]
        try:
            c = pullback(cotangent, *values, **node.settings)
        except Exception as error:
            raise Finding(
                f"its rule fails where it is recorded, as in forward mode and for higher "
                f"derivatives ({type(error).__name__}: {error})",
                op=op,
                argument=argument,
            ) from None
    if loses_cotangent(c, cotangent):
        raise Finding(f"its rule {LOST}", op=op, argument=argument)


def check_result(op: Op, argument: int, c: Any, x: Array, g: Array) -> None:
    """Check the shape and the dtype of what a rule returned for the array `x` and cotangent `g`."""
    if not isinstance(c, np.ndarray | np.generic):
        raise Finding(
            f"its rule returns {type(c).__name__}; it must return an array",
            op=op,
            argument=argument,
        )
    fits = c.shape == x.shape or (op.broadcasts and broadcasts_to(x.shape, c.shape))
    if not fits:
        raise Finding(
            f"its rule returns shape {c.shape} for an array of shape {x.shape}",
            op=op,
            argument=argument,
        )
    least = min(x.dtype, g.dtype, key=lambda dtype: dtype.itemsize)
    if c.dtype.kind != "f" or c.dtype.itemsize < least.itemsize:
        raise Finding(
            f"its rule returns {c.dtype} for an array of {x.dtype}", op=op, argument=argument
        )
