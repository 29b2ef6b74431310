"""Adding to the `grad` of leaves that several threads may share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import RLock
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.core.node import Node
from minigrad.errors import ShapeError

writing = RLock()  # one that a signal's handler may take again
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=writing._at_fork_reinit)  # type: ignore[attr-defined]


def accumulate(gradients: Mapping[Node, Any]) -> None:
    """Add to the `grad` of each leaf, and lose nothing that somebody else adds meanwhile: another
    thread, or a rule that calls `backward`.

    All sums are computed before the first is written: if one cannot be, nothing has changed. Under
    the lock there is nothing that could wait for another.
    """
    with writing:
        for x, g in gradients.items():
            if x.grad is not None or g.__class__ is not ndarray or not x._tracked:
                break
        else:  # there is nothing to add to, as after `zero_grad`
            for x, g in gradients.items():
                x.grad = g
            return
    sums = [(x, x.grad, summed(x, x.grad, g)) for x, g in gradients.items()]
    late = {}
    with writing:
        for x, seen, total in sums:
            if x.grad is not seen:
                late[x] = gradients[x]
            elif x._tracked:  # not frozen since
                x.grad = total
    if late:
        accumulate(late)


def summed(x: Node, seen: Any, g: Any) -> Any:
    """What is there and what is new; as an array, where NumPy makes scalars of 0-d arrays.

    Raises `ShapeError` where what is there has not the shape of the leaf; a number may be.
    """
    shape = seen._value.shape if isinstance(seen, Node) else np.shape(seen)
    if shape not in ((), x._value.shape):
        raise ShapeError(
            f"the grad of a tensor of shape {x._value.shape} was set to one of shape {shape}: "
            f"nothing can be added to it. Set t.grad = None, or an array of the tensor's shape."
        )
    total = g if seen is None else seen + g
    return np.asarray(total) if isinstance(total, np.generic) else total
