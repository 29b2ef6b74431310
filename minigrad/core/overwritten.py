"""Values that were overwritten after they were used: whoever reads recorded values asks here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from minigrad.core.node import Array, Node, clock
from minigrad.core.places import place_of, where
from minigrad.core.reach import number_in
from minigrad.core.reads import closed_over, reads, reads_forward
from minigrad.errors import OverwrittenError

if TYPE_CHECKING:
    from minigrad.core.op import Op


def home(x: Node) -> Node:
    """The node whose memory `x` shows: the one that was written to, if any was."""
    return x if x._origin is None else x._origin


def overwritten_since(x: Node, number: int) -> bool:
    """Whether the memory of `x` was written to after something that has this number."""
    return home(x)._written[0] > number


def value_used(x: Node, user: Node) -> Array | None:
    """The value of `x` that `user` was computed from; None if it was overwritten since."""
    return None if overwritten_since(x, user.number) else x._value


def gone(x: Node) -> str:
    """What is said instead of a value that is not there any more."""
    return f"was overwritten since at {where(home(x)._written[1])} (ask before the step)"


def check_not_overwritten(
    node: Node, op: Op, arrays: Sequence[int], roots: Iterable[Node], *, forward: bool = False
) -> None:
    """Raise if the derivative in any of some arrays reads a value overwritten since it was used.

    `forward` says that tangents are pushed forward; else cotangents are pulled back. Nodes that are
    older than the latest write are asked about, no others. The error has the numbers that they have
    in the picture of `roots`.
    """
    read = reads_forward if forward else reads
    for position, x in enumerate((node, *node.inputs)):
        if overwritten_since(x, node.number) and any(read(op, i, position) for i in arrays):
            raise lost(x, node, op, forward, roots)
    for i in arrays:
        for held in closed_over(op, i, forward):
            if isinstance(held, Node) and overwritten_since(held, node.number):
                raise lost(held, node, op, forward, roots)


def lost(x: Node, node: Node, op: Op, forward: bool, roots: Iterable[Node]) -> OverwrittenError:
    """The error to raise where the value that a derivative reads is not there any more."""
    what = "tangent" if forward else "gradient"
    return OverwrittenError(
        f"{told(x, node, roots)} The {what} of {op.name} needs the value it had: compute it before "
        f"assign() or optimiser.step(), or compute the result again."
    )


def changed_values(nodes: Iterable[Node]) -> dict[int, Node]:
    """Of the nodes of a graph, oldest first, those whose value is no longer the one that was used,
    by number, each with the op that used it first; a result that shows the memory, with itself.
    """
    nodes = list(nodes)
    if nodes and clock.last_write < nodes[0].number:
        return {}
    first_use: dict[int, Node] = {}
    for user in nodes:
        for x in user.inputs:
            first_use.setdefault(x.number, user)
    found = {}
    for x in nodes:
        used_by = x if x.op is not None else first_use.get(x.number)
        if used_by is not None and overwritten_since(x, used_by.number):
            found[x.number] = used_by
    return found


def told(x: Node, user: Node, roots: Iterable[Node]) -> str:
    """Which tensor was overwritten, after what had used it, and where: a sentence. Its numbers are
    those in the picture of `roots`.
    """
    written = home(x)
    roots = list(roots)
    name = f" {written.name!r}" if written.name else ""
    by = f"{user.op.name if user.op else 'an op'}{number_in(user, roots)}{made_at(user)}"
    return (
        f"the tensor{name}{number_in(written, roots)} of shape {written._value.shape} was used by "
        f"{by}, and overwritten since at "
        f"{where(written._written[1])}."
    )


def made_at(node: Node) -> str:
    """Where in the user's code a node was made, if that was noted (`minigrad.sources`)."""
    place = place_of(node)
    return f" at {where(place)}" if place else ""
