"""Blocks in which every op is looked at: for nan and infinity, for shapes that grow in silence.

A watch is shown the op, its inputs and its result (`applied`), and may look at each step of a
reverse sweep (`swept` returns what does) and of a forward one (`pushed`). Where no block is open
nobody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core import anomaly, traps
from minigrad.core.anomaly import Anomaly, Backward
from minigrad.core.blocks import Block
from minigrad.core.broadcasting import broadcast_inputs, broadcast_together
from minigrad.core.names import name_of_each, variables
from minigrad.core.node import NEVER, Node, recording
from minigrad.core.places import place_of, text_of, user_frame, where
from minigrad.core.state import told
from minigrad.errors import AnomalyError, ShapeError


def detect_anomaly() -> Block:
    """Stop at the first op that makes nan or infinity: a `with` block, or a decorator.

    In the block an op that makes nan out of inputs that are not nan, or infinity out of finite
    ones, raises `AnomalyError`: forward, recorded or not, in the backward pass (of higher
    derivatives too), in forward mode, and inside `checkpoint`. So does a parameter that an
    optimizer or `assign` has made nan or infinite, when it is next used. The message says which op
    and which line of yours, at which index, of which inputs, and what to do about it.

    Elements that are infinite on purpose (a mask of -inf) are no anomaly where they are given, only
    where an op makes nan of them; but in an op that mixes elements (a matrix product, the backward
    pass of a reduction) one such hides what else it makes. Whatever is made is told, also what
    `np.where` would drop. It looks at every value, so a step takes a few times as long; outside the
    block it costs nothing. As `torch.autograd.detect_anomaly`, which looks at the backward pass
    alone, `jax_debug_nans`.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([0.0, 4.0], requires_grad=True)
    >>> with np.errstate(all="ignore"), mg.detect_anomaly():  # and NumPy has nothing to warn of
    ...     np.sqrt(x).sum().backward()
    Traceback (most recent call last):
      ...
    minigrad.errors.AnomalyError: sqrt makes inf in the backward pass, in the gradient of x at [0]:
    x = 0, the cotangent = 1. Its derivative, 0.5 / z, is inf there. Add a small number under the
    root, as in np.sqrt(x + 1e-12); np.linalg.norm needs none, its gradient at 0 is 0.
    ...
    """
    return Block(recording, lambda state: watched(told(state)._replace(sources=True), ANOMALIES))


def strict_broadcasting() -> Block:
    """Refuse broadcasting to a shape that no operand has: a `with` block, or a decorator.

    Where operands of different shapes meet, the result must have the shape of one of them. So a
    bias (n,) or a number may be repeated for each row of a batch (b, n), and statistics (b, 1) or
    (1, n), kept with `keepdims=True`, along the axis they were taken over; but (n, 1) and (n,) do
    not grow into (n, n), which is how a column of targets silently becomes a table. The same holds
    for the axes of matrix products before the last two. In the block such an op raises `ShapeError`
    with all shapes; to have it, say so with `np.broadcast_to` or `np.subtract.outer`. Comparisons,
    conditions and arrays given as settings are asked too, wherever a tensor takes part; among plain
    arrays alone (`t.numpy() == target`, `mask & (target > 0)`) NumPy does as it does. Losses refuse
    a prediction and a target of different shapes always.

    >>> import numpy as np, minigrad as mg
    >>> prediction, target = mg.Tensor(np.ones((3, 1))), np.ones(3)
    >>> with mg.strict_broadcasting():
    ...     prediction - target
    Traceback (most recent call last):
      ...
    minigrad.errors.ShapeError: subtract: shapes (3, 1) and (3,) would broadcast to (3, 3), the
    shape of neither. ...
    """
    return Block(recording, lambda state: watched(told(state), BROADCASTING))


def watched(state: Any, watch: Any) -> Any:
    """A state in which one more looks on."""
    return state._replace(watches=tuple(dict.fromkeys((*state.watches, watch))))


class Anomalies:
    """Raises `AnomalyError` at the first op that makes nan or infinity."""

    of_shapes = False

    def applied(self, op: Any, inputs: tuple[Node, ...], settings: Any, node: Node) -> None:
        """Look at a result, and at the parameters it was computed from."""
        if op.composed:  # what it is composed of was looked at
            return
        for x in inputs:
            if x._tracked and x._written is not NEVER and x.op is None:
                check_written(x)
        found = anomaly.made_by(op, inputs, settings, node)
        if found is not None:
            raise error_of(found)

    def swept(self) -> Callable[[Any], None]:
        """What looks at the steps of one sweep."""
        backward = Backward()

        def look(step: Any) -> None:
            found = backward.at(step)
            if found and not step.node.op.composed:
                raise error_of(found[0])

        return look

    def pushed(self, node: Node, tangents: list[Any], t: Any) -> None:
        """Look at a tangent."""
        found = anomaly.tangent_at(node, tangents, t)
        if found is not None:
            raise error_of(found)


class Broadcasting:
    """Raises `ShapeError` where two operands are both stretched."""

    of_shapes = True

    def applied(self, op: Any, inputs: tuple[Node, ...], settings: Any, node: Node) -> None:
        """Look at the shapes."""
        shapes = [x._value.shape for x in inputs]
        if op.kind == "elementwise":
            arrays = [s for s in settings.values() if isinstance(s, np.ndarray | list)]
            shapes += map(np.shape, arrays)
            if node._value.shape not in shapes:
                raise of_neither(op.name, shapes, node._value.shape)
        elif len(set(shapes)) > 1 and all(broadcast_inputs(op, shapes, node._value.shape)):
            raise of_neither(op.name, shapes, node._value.shape)

    def met(self, name: str, shapes: list[tuple[int, ...]]) -> None:
        """Look at shapes that are broadcast together, if they can be."""
        if len(set(shapes)) > 1 and broadcast_together(shapes):
            together = np.broadcast_shapes(*shapes)
            if together not in shapes:
                raise of_neither(name, shapes, together)

    def swept(self) -> None:
        """Rules broadcast as they need."""

    def pushed(self, node: Node, tangents: list[Any], t: Any) -> None:
        """They do in forward mode too."""


ANOMALIES, BROADCASTING = Anomalies(), Broadcasting()


def of_neither(name: str, shapes: list[tuple[int, ...]], together: tuple[int, ...]) -> ShapeError:
    """The error that refuses to stretch all operands."""
    both = "neither" if len(shapes) == 2 else "none"
    return ShapeError(
        f"{name}: shapes {' and '.join(map(str, shapes))} would broadcast to {together}, the "
        f"shape of {both}. Give operands the same axes, with reshape or keepdims=True; to have it "
        f"so, np.broadcast_to one of them first."
    )


def check_written(x: Node) -> None:
    """Raise if a parameter holds what is not finite since it was written to."""
    odd = anomaly.not_finite(x._value)
    if odd is None:
        return
    index = np.argwhere(odd)[0].tolist()
    at = f" at {index}" if index else ""
    name = name_of_each([x], None, variables(user_frame(3)))[0]
    raise AnomalyError(
        f"the parameter {name or f'of shape {x._value.shape}'} holds {x._value[tuple(index)]:.4g}"
        f"{at} since it was written to at {where(x._written[1])}. Was the step too large, or the "
        f"gradient not finite?"
    )


def error_of(found: Anomaly) -> AnomalyError:
    """The error that stops there: what happened, then the line of the op."""
    frame = user_frame(3)
    called = name_of_each(list(found.inputs), None, variables(frame))
    names = {x.number: name for x, name in zip(found.inputs, called, strict=True)}
    text = traps.told(found, lambda x: names[x.number], found.op.name)
    place = (frame.f_code, frame.f_lasti) if found.phase == "forward" else place_of(found.node)
    return AnomalyError(text + (f"\n  {where(place)}  {text_of(place)}".rstrip() if place else ""))
