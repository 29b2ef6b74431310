"""How a cotangent is pulled back through one node: what each of its inputs is given.

`pulled` is the general way, with every choice the sweep has. An ordinary sweep takes `op.pull`,
the same for plain arrays, which is shorter for ops of one and of two arrays without settings.
`tests/test_trace.py` holds them together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any

from minigrad.core.broadcasting import sum_to
from minigrad.core.node import Node, constant
from minigrad.errors import RuleError

if TYPE_CHECKING:
    from minigrad.core.op import Op

UNASKED: Any = object()  # in place of a contribution that nobody needs

Pairs = Sequence[tuple[Node, Any]]  # each input, and what it is given
Pull = Callable[["Op", Any, Node], Pairs]


def pulled(
    op: Op, g: Any, node: Node, live: Container[int] | None = None, record: bool = False
) -> Pairs:
    """Ask the rule of every input that requires a gradient, and lies in `live` if that is given.

    With `record` the rules are given tensors, and so record what they do.
    """
    inputs, settings = node.inputs, node.settings
    values = (node, *inputs) if record else (node._value, *[x._value for x in inputs])
    pairs = []
    for x, p in zip(inputs, op.pullbacks_of(node), strict=True):
        c = UNASKED
        if p is not None and x._tracked and (live is None or x.number in live):
            c = p(g, *values, **settings)
            c = fitted(c, x, op)
            if record and not isinstance(c, Node):
                c = constant(c, x)
        pairs.append((x, c))
    return pairs


def pulled_to_one(op: Op, g: Any, node: Node) -> Pairs:
    """`pulled` for one array without settings."""
    (x,) = node.inputs
    (p,) = op.pullbacks
    return ((x, UNASKED if p is None else p(g, node._value, x._value)),)


def pulled_to_two(op: Op, g: Any, node: Node) -> Pairs:
    """`pulled` for two arrays without settings."""
    x, y = node.inputs
    p, q = op.pullbacks
    z, a, b = node._value, x._value, y._value
    return (
        (x, p(g, z, a, b) if x._tracked and p is not None else UNASKED),
        (y, q(g, z, a, b) if y._tracked and q is not None else UNASKED),
    )


def shortest(op: Op) -> Pull:
    """The shortest way for an op, by what is stated of it so far."""
    stated = len(op.pullbacks)
    if op.has_settings or op.variadic or len(op.parameters) > stated:
        return pulled
    return {1: pulled_to_one, 2: pulled_to_two}.get(stated, pulled)


def fitted(c: Any, x: Node, op: Op | None) -> Any:
    """A contribution in the shape and the dtype of the input; `RuleError` if it cannot be one."""
    shape, dtype = x._value.shape, x._value.dtype
    if c.shape != shape:
        if op is None or not op.broadcasts:
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
