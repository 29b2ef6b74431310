"""Where nan and infinity come from: the first op that makes them, and what it was given.

An op *makes* nan where it is given none, and infinity where all that it is given is finite. Of an
op that works element by element each element is asked of its own, so that an infinity which is
meant (a mask of -inf) hides nothing beside it; of a reduction each result is asked of what it was
reduced from; of any other op, and of the rules of reductions, the whole arrays are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.broadcasting import broadcasts_to
from minigrad.core.node import Array, Node
from minigrad.core.overwritten import value_used


class Anomaly(NamedTuple):
    """An op that made nan or infinity, and where."""

    phase: str  # "forward"; "backward", to the input in `slot`; "sum", at it; "tangent"
    node: Node  # the result of the op
    op: Any
    inputs: tuple[Node, ...]
    settings: Mapping[str, Any]
    made: Array  # the value, the contribution, the sum or the tangent
    where: Array  # which elements of it
    arrived: tuple[Any, ...] = ()  # the cotangent, or the tangent of each input
    slot: int = 0

    @property
    def first(self) -> tuple[int, ...]:
        """The first of the elements."""
        return tuple(np.argwhere(self.where)[0].tolist())


def made_by(op: Any, inputs: tuple[Node, ...], settings: Mapping[str, Any], node: Node) -> Any:
    """What an op with this result made of its inputs: an `Anomaly`, or None."""
    given = [*values_used(node, inputs), *numbers_in(settings)]
    where = made_of(node._value, given, pointwise(op), settings.get("axis"))
    if where is None:
        return None
    return Anomaly("forward", node, op, inputs, settings, node._value, where)


def first_recorded(nodes: Iterable[Node]) -> Any:
    """The first of some nodes, in their order, whose op made nan or infinity; None if none did.

    One whose inputs were overwritten since has nothing to tell.
    """
    for x in nodes:
        if x.op is None or not_finite(x._value) is None:
            continue
        found = made_by(x.op, x.inputs, x.settings, x)
        if found is not None:
            return found
    return None


class Backward:
    """Looks for anomalies in the steps of one sweep."""

    def __init__(self) -> None:
        self.sums: dict[int, Any] = {}  # at each input, so far

    def at(self, step: Any) -> list[Anomaly]:
        """What a rule made for each input, then the sums of what has arrived there.

        What the op itself computed counts as made here: the rule has it of the same inputs.
        """
        node, g = step.node, plain(step.cotangent)
        given = [g, *values_used(node, node.inputs), *numbers_in(node.settings)]
        parts: dict[int, list[Any]] = {}
        found = []
        for slot, (x, c) in enumerate(zip(node.inputs, step.contributions, strict=True)):
            if c is None:
                continue
            before = [self.sums[x.number]] if x.number in self.sums else []
            parts.setdefault(x.number, before).append(plain(c))
            where = made_of(plain(c), given, pointwise(node.op))
            if where is not None:
                found.append(at_step("backward", node, plain(c), where, g, slot))
        for slot, (x, total) in enumerate(zip(node.inputs, step.sums, strict=True)):
            if x.number not in parts:
                continue
            self.sums[x.number] = plain(total)
            where = made_of(plain(total), parts[x.number], True)
            if where is not None:
                found.append(at_step("sum", node, plain(total), where, g, slot))
        return found


def at_step(phase: str, node: Node, made: Array, where: Array, g: Any, slot: int) -> Anomaly:
    """The anomaly of a step of the sweep."""
    return Anomaly(phase, node, node.op, node.inputs, node.settings, made, where, (g,), slot)


def tangent_at(node: Node, tangents: Sequence[Any], t: Any) -> Any:
    """What forward mode made at a node of the tangents of its inputs; None if nothing."""
    arrived = [plain(x) for x in tangents if x is not None]
    given = [*arrived, *values_used(node, node.inputs), *numbers_in(node.settings)]
    where = made_of(plain(t), given, pointwise(node.op))
    if where is None:
        return None
    case = node, node.op, node.inputs, node.settings
    return Anomaly("tangent", *case, plain(t), where, tuple(plain(x) for x in tangents))


def values_used(node: Node, inputs: Sequence[Node]) -> list[Array]:
    """What an op was given. For an input that was overwritten since stands the op's own result:
    where that is finite, so was the input, as far as anybody can tell.
    """
    used = [value_used(x, node) for x in inputs]
    return [node._value if value is None else value for value in used]


# --- the question itself


def made_of(made: Any, given: Sequence[Any], each: bool, axis: Any = None) -> Any:
    """Where `made` is nan and nothing given is, or infinite and all given is finite; else None.

    With `each`, element by element, however they were broadcast or summed back; of a reduction
    along an `axis`, each result is asked of what it was reduced from.

    >>> made_of(np.array([np.nan, np.inf]), [np.array([-np.inf, 0.0])], each=True)
    array([ True,  True])
    >>> made_of(np.array([-np.inf, 1.0]), [np.array([-np.inf, 0.0])], each=True)
    """
    bad = not_finite(made)
    if bad is None:
        return None
    nan = np.isnan(made)
    for x in given:
        odd = not_finite(x)
        if odd is None:
            continue
        bad &= ~np.where(
            nan, spread(np.isnan(x), bad.shape, each, axis), spread(odd, bad.shape, each, axis)
        )
        if not bad.any():
            return None
    return bad


def not_finite(x: Any) -> Any:
    """Which elements are nan or infinite; None if none is."""
    if x.dtype.kind != "f":
        return None
    odd = ~np.isfinite(x)
    return odd if odd.any() else None


def spread(odd: Array, shape: tuple[int, ...], each: bool, axis: Any = None) -> Any:
    """Elements marked in an operand, marked in what was made of it; with `each` where they went."""
    if each and broadcasts_to(odd.shape, shape):
        return np.broadcast_to(odd, shape)
    if each and broadcasts_to(shape, odd.shape):
        added = odd.ndim - len(shape)
        axes = [i for i, n in enumerate(odd.shape) if i < added or shape[i - added] != n]
        return odd.any(axis=tuple(axes)).reshape(shape)
    axes = [i for i in (axis if isinstance(axis, tuple) else (axis,)) if isinstance(i, int)]
    if axes and all(-odd.ndim <= i < odd.ndim for i in axes):
        kept = odd.any(axis=tuple(axes), keepdims=True)
        reduced = odd.any(axis=tuple(axes))
        if shape in (kept.shape, reduced.shape) and shape != odd.shape:
            return reduced.reshape(shape)
    return odd.any()


def pointwise(op: Any) -> bool:
    """Whether each element of an op's result comes of one element of each input."""
    return bool(op.broadcasts and not op.matrices)


def numbers_in(settings: Any) -> Iterator[Any]:
    """The arrays and numbers among settings: a padding of -inf is meant."""
    if isinstance(settings, Mapping):
        settings = tuple(settings.values())
    if isinstance(settings, tuple | list):
        for part in settings:
            yield from numbers_in(part)
    elif isinstance(settings, float | np.floating | np.ndarray):
        yield np.asarray(settings)


def plain(x: Any) -> Any:
    """The array of a node; anything else as it is."""
    return x._value if isinstance(x, Node) else x
