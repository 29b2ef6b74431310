"""How a cotangent is pulled back through one node: the rules are asked, their answers delivered.

`pulled` is the general way, with every choice the sweep has. An ordinary sweep takes `op.pull`,
the same for plain arrays, which is shorter for ops of one and of two arrays without settings.
`tests/test_trace.py` holds them together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.broadcasting import sum_to
from minigrad.core.dealing import deal
from minigrad.core.layout import laid_out_as
from minigrad.core.node import Node, constant, is_recording
from minigrad.errors import RuleError

if TYPE_CHECKING:
    from minigrad.core.op import Op

Deliver = Callable[[Node, Any, "Op"], Any]  # adds a contribution to the sum at a node
Pull = Callable[["Op", Any, Node, Deliver], Any]

LOST = (
    "takes its cotangent out of the graph (numpy(), item(), np.asarray): what is right in reverse "
    "mode would be 0 in forward mode and for higher derivatives"
)


def pulled(
    op: Op,
    g: Any,
    node: Node,
    deliver: Deliver,
    live: Container[int] | None = None,
    record: bool = False,
) -> list[Any]:
    """Ask the rule of every input that requires a gradient, and lies in `live` if that is given.

    With `record` the rules are given tensors, and so record what they do. Returns what each input
    was given, None where nobody asked.
    """
    inputs, settings = node.inputs, node.settings
    values = (node, *inputs) if record else (node._value, *[x._value for x in inputs])
    if op.aligned and not record:
        g = laid_out_as(node._value, g)
    rules: Sequence[Any] = op.pullbacks_of(node)
    if op.worth is not None and not record:
        rules = asked_at_once(rules, op.worth, g, node, live)
    given: list[Any] = []
    for x, p in zip(inputs, rules, strict=True):
        c = None
        if p is not None and x._tracked and (live is None or x.number in live):
            c = p(g, *values, **settings)
            if record:
                if is_recording() and loses_cotangent(c, g):
                    raise RuleError(f"the rule {LOST}.")
                if not isinstance(c, Node):
                    c = constant(fitted(c, x, op, node), x)
            c = deliver(x, c, op)
        given.append(c)
    return given


def loses_cotangent(c: Any, g: Any) -> bool:
    """Whether what a rule recorded does not come from its cotangent, though that is tracked.

    A rule is linear in its cotangent: what depends on none can only be 0.
    """
    if not g._tracked or comes_from(g, c):
        return False
    return bool(np.any(c._value if isinstance(c, Node) else c))


def comes_from(past: Node, x: Any) -> bool:
    """Whether `x` was computed from `past`, by what was recorded since."""
    if x is past or not isinstance(x, Node):
        return x is past
    stack, seen = [x], {x.number}
    while stack:
        for y in stack.pop().inputs:
            if y is past:
                return True
            if y.number > past.number and y.number not in seen:
                seen.add(y.number)
                stack.append(y)
    return False


def asked_at_once(
    rules: Sequence[Any], worth: Callable[..., int], g: Any, node: Node, live: Container[int] | None
) -> list[Any]:
    """Rules that are done: those that are wanted were asked, in as many threads as it is worth."""
    values = node._value, *[x._value for x in node.inputs]
    wanted = [
        i
        for i, (x, p) in enumerate(zip(node.inputs, rules, strict=True))
        if p is not None and x._tracked and (live is None or x.number in live)
    ]
    made: dict[int, Any] = {}

    def ask(some: Iterable[int]) -> None:
        for i in some:
            made[i] = rules[i](g, *values, **node.settings)

    deal(wanted, ask, worth(*values))
    return [(lambda *_, i=i, **__: made[i]) if i in made else None for i in range(len(rules))]


def pulled_to_one(op: Op, g: Any, node: Node, deliver: Deliver) -> None:
    """`pulled` for one array without settings."""
    (x,) = node.inputs
    (p,) = op.pullbacks
    deliver(x, p(g, node._value, x._value), op)  # type: ignore[misc]  # has a rule: see below


def pulled_by_partial(op: Op, g: Any, node: Node, deliver: Deliver) -> None:
    """`pulled` for an elementwise op of one array without settings."""
    (x,) = node.inputs
    (p,) = op.calls
    deliver(x, g * p(node._value, x._value), op)


def pulled_to_two(op: Op, g: Any, node: Node, deliver: Deliver) -> None:
    """`pulled` for two arrays without settings."""
    x, y = node.inputs
    p, q = op.pullbacks
    z, a, b = node._value, x._value, y._value
    if x._tracked:
        deliver(x, p(g, z, a, b), op)  # type: ignore[misc]
    if y._tracked:
        deliver(y, q(g, z, a, b), op)  # type: ignore[misc]


def pulled_unchanged(op: Op, g: Any, node: Node, deliver: Deliver) -> None:
    """`pulled` for the sum of two arrays: both are given the cotangent itself."""
    x, y = node.inputs
    if x._tracked:
        deliver(x, g, op)
    if y._tracked:
        deliver(y, g, op)


def shortest(op: Op) -> Pull:
    """The shortest way for an op, by what is stated of it so far."""
    rules = op.rules
    if op.has_settings or op.variadic or len(op.parameters) > len(rules) or None in rules:
        return pulled
    if op.kind == "elementwise" and rules == [1, 1]:
        return pulled_unchanged
    if op.kind == "elementwise" and len(rules) == 1 and callable(rules[0]):
        return pulled_by_partial
    return {1: pulled_to_one, 2: pulled_to_two}.get(len(rules), pulled)


def fitted(c: Any, x: Node, op: Op, node: Node) -> Any:
    """A contribution in the shape and the dtype of the input; `RuleError` if it cannot be one."""
    v = x._value
    if c.shape != v.shape:
        c = in_shape(c, v.shape, op, node)
    return in_dtype(c, v.dtype)


def in_shape(c: Any, shape: tuple[int, ...], op: Op | None, node: Node) -> Any:
    """A contribution of another shape, summed back to that of the input if it was broadcast."""
    if op is not None and op.kind == "elementwise" and c.shape != node._value.shape:
        raise RuleError(
            f"a partial made of a cotangent of shape {node._value.shape} one of shape {c.shape}. "
            f"It must have the shape of the result, or one that broadcasts to it."
        )
    if op is None or not op.broadcasts:
        raise RuleError(
            f"the rule returned a gradient of shape {c.shape} for an input of shape {shape}. "
            f"They must be equal."
        )
    return sum_to(c, shape)


def in_dtype(c: Any, dtype: np.dtype[Any]) -> Any:
    """A contribution in the dtype of the input."""
    if c.dtype == dtype:
        return c
    if c.dtype.kind not in "fiub":
        raise RuleError(f"the rule returned a gradient of dtype {c.dtype} for one of {dtype}.")
    return c.astype(dtype)
