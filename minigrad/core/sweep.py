"""The reverse sweep: the one place where cotangents flow back through a graph.

It visits the recorded nodes from the newest to the oldest, hands each its summed cotangent, and
asks the op's rule for the contribution to every input that needs one. Broadcasting, dtypes and
the checks of what a rule returns are here, so that no rule mentions them.

The same loop serves everyone. Backprop runs it on arrays; higher derivatives run it on tensors,
so that the rules record themselves; a trace listens through `on_step`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad.core.broadcasting import one
from minigrad.core.memory import owner
from minigrad.core.node import Node, as_real_array, clock, constant, needed, recording, resting
from minigrad.core.op import Op
from minigrad.core.overwritten import check_not_overwritten
from minigrad.core.plain import check_plain
from minigrad.core.pull import in_dtype, in_shape, pulled
from minigrad.core.reach import number_in
from minigrad.core.state import told
from minigrad.errors import RuleError, ShapeError

if TYPE_CHECKING:
    from minigrad.core.reach import Reach


class Step:
    """What the sweep did at one node: the cotangent that arrived, what each input was given,
    and each input's running sum after it (None where no gradient was needed).
    """

    __slots__ = ("contributions", "cotangent", "node", "sums")

    def __init__(self, node: Node, cotangent: Any, contributions: list[Any], sums: list[Any]):
        self.node = node
        self.cotangent = cotangent
        self.contributions = contributions
        self.sums = sums


def sweep(
    roots: Sequence[tuple[Node, Any]],
    *,
    within: Reach | None = None,
    record: bool = False,
    on_step: Callable[[Step], None] | None = None,
) -> dict[Node, Any]:
    """Pull the roots' cotangents back to the leaves; returns the cotangent of each leaf.

    Time and memory are linear in the number of nodes visited, without recursion. `within` limits
    the visit to the nodes between the roots and chosen ends, whose cotangents are returned. With
    `record`, rules are given tensors and so record what they do. `on_step` is told every step
    taken. Raises `RuleError` where a rule returns no gradient, `OverwrittenError` where a value
    that a rule reads was overwritten.
    """
    if recording.state.get() is not True and (watches := told(recording.get()).watches):
        steps = looked_at([watch.swept() for watch in watches], on_step)
        with resting():  # what a rule computes on its way is its own affair
            return sweep(roots, within=within, record=record, on_step=steps)
    live, ends = (within.live, within.ends) if within else (None, None)
    plain = within is None and not record and on_step is None
    last_write = clock.last_write
    sums: dict[Node, Any] = {}  # the cotangents so far of nodes met and not yet visited
    waiting: dict[int, Node] = {}  # the results among them by number, and
    heap: list[int] = []  # the numbers negated, so that the newest comes first
    top: Any = None  # where only one result waits, as in a chain, it needs no place in them,
    total: Any = None  # and this is its sum
    node: Node
    g: Any
    starts = roots  # kept for errors

    def deliver(x: Node, c: Any, op: Op | None) -> Any:
        """Add a contribution to the sum at `x`, in its shape and dtype; returns it."""
        nonlocal top, total
        v = x._value
        shape = v.shape
        if c.shape != shape:
            c = in_shape(c, shape, op, node)
        if c.dtype is not v.dtype:
            c = in_dtype(c, v.dtype)
        if x is top:
            total = total + c
        elif top is None and x.op is not None and not heap:
            top, total = x, c
        elif x in sums:
            sums[x] = sums[x] + c
        elif x.op is None:
            made = c.__class__ is ndarray and c is not g  # by the rule, for this leaf to keep
            own = made and (c.base is None or is_own_view(c, g, node))
            sums[x] = c if own or record else np.array(c)
        else:
            sums[x] = c
            waiting[x.number] = x
            heappush(heap, -x.number)
        return c

    if plain and len(roots) == 1 and roots[0][0].op is not None:  # it fits, see `seed`
        top, total = roots[0]
        roots = ()
    for node, cotangent in roots:
        g = as_tensor(cotangent, node) if record else cotangent
        deliver(node, g, node.op)
    while top is not None or heap:
        if not heap:
            node, g = top, total
        else:
            if top is not None:
                sums[top] = total
                waiting[top.number] = top
                heappush(heap, -top.number)
            node = waiting.pop(-heappop(heap))
            g = sums.pop(node)
        top = total = None
        if ends and node.number in ends:
            sums[node] = g
            continue
        op: Any = node.op
        try:
            if node.number < last_write:
                inputs = node.inputs
                asked = [i for i, x in enumerate(inputs) if needed(x, node) and in_reach(x, live)]
                check_not_overwritten(node, op, asked, [x for x, _ in starts])
                wanted = {inputs[i].number for i in asked}
                given = pulled(op, g, node, deliver, wanted, record)
            elif plain:
                op.pull(op, g, node, deliver)
                continue
            else:
                given = pulled(op, g, node, deliver, live, record)
        except Exception as error:
            raise blamed(error, node, op, [x for x, _ in starts]) from None
        if on_step is not None:
            so_far = [total if x is top else sums.get(x) for x in node.inputs]
            on_step(Step(node, g, given, so_far))
    return sums


def looked_at(looks: Sequence[Any], on_step: Any) -> Callable[[Step], None]:
    """What is told every step: those who look at it, then `on_step`."""

    def told_step(step: Step) -> None:
        for look in looks:
            if look is not None:
                look(step)
        if on_step is not None:
            on_step(step)

    return told_step


def in_reach(x: Node, live: Container[int] | None) -> bool:
    """Whether a sweep that is limited to some nodes, if it is, visits this one."""
    return live is None or x.number in live


def is_own_view(c: Any, g: Any, node: Node) -> bool:
    """Whether a view shows memory that a rule made, not that of the cotangent or of a value.

    The rule keeps none of it: `minigrad.testing` finds those that do.
    """
    home = c.base
    if home.__class__ is not ndarray or home.size != c.size or not c.flags.writeable:
        return False
    return home is not owner(g) and all(home is not owner(x._value) for x in (node, *node.inputs))


def as_tensor(c: Any, x: Node) -> Node:
    """A cotangent of `x` as a node, so that what is computed with it can be recorded."""
    return c if isinstance(c, Node) else constant(c, x)


def blamed(error: Exception, node: Node, op: Op, roots: Iterable[Node]) -> Exception:
    """The error of a rule, with the op, the shapes and the number in the picture of `roots`."""
    if isinstance(error, AttributeError) and "'shape'" in str(error):
        error = RuleError("the rule must return an array, one gradient for its input.")
    if not op.variadic and len(op.rules) != len(node.inputs):
        error = RuleError(
            f"{op.name} was given {len(node.inputs)} arrays, but {len(op.rules)} rules are stated "
            f"for it. State one for each array, None for an array that has no gradient."
        )
    shapes = ", ".join(str(x._value.shape) for x in node.inputs)
    error.add_note(
        f"in the rule of {op.name}({shapes}) -> {node._value.shape},{number_in(node, roots)}"
    )
    return error


def seed(root: Node, cotangent: Any, *, record: bool = False) -> Any:
    """The cotangent to start from: 1 for a scalar, else the given one, checked, to read only.

    It is not copied: no leaf keeps memory that its rule has not made. One that is a tensor stays
    one, with its past, where the sweep is to be recorded.
    """
    shape, dtype = root._value.shape, root._value.dtype
    if cotangent is None:
        if root._value.size != 1:
            raise ShapeError(
                f"the gradient of a tensor of shape {shape} needs a cotangent of that shape: "
                f"backward(grad), or make it a scalar first, for example with .sum()."
            )
        return one(shape, dtype)
    given = cotangent._value.shape if isinstance(cotangent, Node) else np.shape(cotangent)
    if given != shape:
        raise ShapeError(
            f"the cotangent has shape {given}, but the tensor it belongs to has {shape}. "
            f"They must be equal."
        )
    if record and isinstance(cotangent, Node):
        return cotangent
    check_plain(cotangent)
    array = np.asarray(cotangent)
    array = array.view() if array.dtype == dtype else as_real_array(array, dtype)
    array.flags.writeable = False
    return array
