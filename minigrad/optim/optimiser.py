"""What all optimisers share: the parameters, and how a step is taken."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from minigrad.core.fitting import fit
from minigrad.core.node import Node, begin_write, is_made
from minigrad.core.trees import flatten
from minigrad.tensor import Tensor

Array = npt.NDArray[Any]


class Optimiser:
    """The parameters to update, and the learning rate `lr`, which can be set at any time.

    A subclass says what memory it keeps per parameter, all of it made here, so that a step
    allocates nothing, and how `update` uses it. Parameters without a gradient are left alone.

    It can be copied and pickled at any time; copy it in one structure with its module, such as
    `copy.deepcopy((module, optimizer))`, so that the copies belong together.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("there is nothing to optimise: the list of parameters is empty.")
        for p in self.parameters:
            if not isinstance(p, Tensor) or not is_made(p) or not p.requires_grad:
                raise TypeError(
                    f"parameters are tensors made with requires_grad=True, not computed ones; "
                    f"got {p!r}."
                )
        if len({id(p) for p in self.parameters}) < len(self.parameters):
            raise ValueError("a parameter is in the list more than once.")
        if not lr > 0:
            raise ValueError(f"the learning rate must be positive; got lr={lr}.")
        self.rates = [np.zeros((), p.dtype) for p in self.parameters]  # faster than a number
        self.lr = lr
        self.steps = 0

    def __copy__(self) -> Self:
        """An optimizer of the same parameters, with memory of its own."""
        return copy.deepcopy(self, {id(p): p for p in self.parameters})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled, in new arrays: those that are loaded may be read-only."""
        parts, rebuild = flatten(state)
        own = {id(x): x.copy() for x in parts if isinstance(x, np.ndarray)}  # shared ones stay so
        vars(self).update(rebuild([own.get(id(x), x) for x in parts]))

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        for rate in self.rates:
            rate[...] = fit(np.asarray(lr), rate.dtype, "the learning rate")
        self._lr = lr

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward()` starts afresh."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        self.steps += 1
        write = begin_write()
        for i, p in enumerate(self.parameters):
            if p.grad is not None:
                p._written = write
                self.update(i, p._value, p.grad._value if isinstance(p.grad, Node) else p.grad)

    def update(self, i: int, value: Array, grad: Array) -> None:
        """Change the value of parameter number `i` in place."""
        raise TypeError(f"{type(self).__name__} does not say how to update.")

    def buffers(self) -> list[Array]:
        """One array of zeros per parameter, of its shape and dtype."""
        return [np.zeros_like(p._value) for p in self.parameters]
