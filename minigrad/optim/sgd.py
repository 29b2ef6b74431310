"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import multiply, subtract

from minigrad.core.node import begin_write
from minigrad.optim.optimizer import Array, Optimizer, Rate
from minigrad.optim.parameters import check_numbers
from minigrad.tensor import Tensor


class SGD(Optimizer):
    """w -= lr * v with v = momentum * v + (grad + weight_decay * w); as `torch.optim.SGD`.

    >>> import minigrad as mg
    >>> w = mg.Tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.1)
    >>> mg.sum(w * w).backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.8], requires_grad=True)
    """

    keeps = (*Optimizer.keeps, "momentum", "weight_decay", "velocity")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        super().__init__(parameters, lr, check_finite=check_finite)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.check()
        self.scratch = self.buffers()
        self.velocity = self.buffers() if momentum else None
        sizes = [p.size for p in self.parameters]
        self.each = list(zip(self.parameters, self.rates, self.scratch, sizes, strict=True))

    def check(self) -> None:
        """Raise `ValueError` for settings that make no sense."""
        super().check()
        check_numbers(momentum=self.momentum, weight_decay=self.weight_decay)
        if not 0 <= self.momentum < 1 or not self.weight_decay >= 0:
            raise ValueError(
                f"momentum is in [0, 1) and weight_decay at least 0; got "
                f"momentum={self.momentum}, weight_decay={self.weight_decay}."
            )

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        plain = self.velocity is None and self.schedule is None
        if not plain or self.weight_decay or self.check_finite:
            super().step()
            return
        # plain descent in two loops: the first changes no parameter, should something be wrong
        try:
            for p, rate, scratch, size in self.each:
                grad: Any = p.grad
                if grad.size != size:  # of one size, they fit or do not broadcast
                    raise TypeError
                multiply(grad, rate, scratch)
        except (
            TypeError,
            ValueError,
            AttributeError,
        ):  # missing, a tensor, wrong
            super().step()  # looks closer
            return
        self.steps += 1
        write = begin_write()
        for p, _, scratch, _ in self.each:
            p._written = write
            value = p._value
            subtract(value, scratch, value)

    def update(self, i: int, value: Array, grad: Array) -> None:
        """Go down the slope."""
        scratch = self.scratch[i]
        if self.weight_decay:
            np.multiply(value, self.weight_decay, out=scratch)
            grad = np.add(scratch, grad, out=scratch)
        if self.velocity is not None:
            velocity = self.velocity[i]
            velocity *= self.momentum
            velocity += grad
            grad = velocity
        multiply(grad, self.rates[i], scratch)
        subtract(value, scratch, value)
