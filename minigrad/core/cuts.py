"""Where gradients end, and what is remembered of it: `why` tells it to whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.core.places import Place, here

if TYPE_CHECKING:
    from minigrad.core.node import Node


class Cut:
    """Where gradients end: a `no_grad` block, a call of `detach`."""

    __slots__ = ("how", "place")

    def __init__(self, how: str, place: Place | None) -> None:
        self.how = how
        self.place = place


def cut_of(node: Node) -> tuple[Cut, tuple[int, ...]] | None:
    """Where a leaf, or what it was computed from, lost its past, if it had one: the place, and
    the numbers of the tensors that nothing flows back to.
    """
    cut = getattr(node, "_cut", None)
    return (cut[0], cut[1:]) if cut and cut[0] is not None else None


def cut_off(leaf: Node, how: str, past: Node) -> None:
    """Note that `leaf` has the values of `past` and not its graph: in a function users call."""
    leaf._cut = (Cut(how, here(3)), past.number) if past._tracked else past._cut or ()
