"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Array, Optimizer, Rate
from minigrad.optim.parameters import check_numbers
from minigrad.tensor import Tensor


class Adam(Optimizer):
    """w -= lr * m / (sqrt(v) + eps), m and v the bias-corrected running means of grad, grad^2.

    Weight decay is added to the gradient. Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; as
    `torch.optim.Adam`.

    >>> import minigrad as mg
    >>> w = mg.Tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.Adam([w], lr=0.1)
    >>> mg.sum(w * w).backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.9], requires_grad=True)
    """

    decoupled = False  # weight decay acts on the weights themselves
    keeps = (*Optimizer.keeps, "betas", "eps", "weight_decay", "totals", "squares", "counts")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        super().__init__(parameters, lr, check_finite=check_finite)
        self.betas = pair(betas)
        self.eps = eps
        self.weight_decay = weight_decay
        self.counts = [0] * len(self.parameters)  # updates of each parameter so far
        self.check()
        # the running means are kept as plain sums, which spares a step 3 of its 13 passes
        self.totals = self.buffers()
        self.squares = self.buffers()
        self.scratch = self.buffers()
        self.decayed = self.buffers() if weight_decay and not self.decoupled else None

    def check(self) -> None:
        """Raise `ValueError` for settings that make no sense."""
        super().check()
        beta1, beta2 = pair(self.betas)
        check_numbers(eps=self.eps, weight_decay=self.weight_decay)
        if not (0 <= beta1 < 1 and 0 <= beta2 < 1 and self.eps > 0 and self.weight_decay >= 0):
            raise ValueError(
                f"betas are in [0, 1), eps is positive, weight_decay at least 0; got "
                f"betas={self.betas}, eps={self.eps}, weight_decay={self.weight_decay}."
            )
        if not all(type(count) is int and count >= 0 for count in self.counts):
            raise ValueError(f"counts are whole numbers, at least 0; got {self.counts}.")

    def update(self, i: int, value: Array, grad: Array) -> None:
        """One step of the algorithm."""
        total, squares, scratch = self.totals[i], self.squares[i], self.scratch[i]
        beta1, beta2 = self.betas
        self.counts[i] += 1
        if self.weight_decay and self.decoupled:
            value *= 1 - self.lr * self.weight_decay
        elif self.weight_decay:
            if self.decayed is None:  # it was switched on later
                self.decayed = self.buffers()
            decayed = self.decayed[i]
            np.multiply(value, self.weight_decay, out=decayed)
            grad = np.add(decayed, grad, out=decayed)
        total *= beta1
        total += grad
        squares *= beta2
        np.multiply(grad, grad, out=scratch)
        squares += scratch
        # m = a * total and v = b^2 * squares, so m / (sqrt(v) + eps) = a/b * total / (... + eps/b)
        a = (1 - beta1) / (1 - beta1 ** self.counts[i])
        b = math.sqrt((1 - beta2) / (1 - beta2 ** self.counts[i]))
        np.sqrt(squares, out=scratch)
        scratch += self.eps / b
        np.divide(total, scratch, out=scratch)
        scratch *= self.lr * a / b
        np.subtract(value, scratch, out=value)


def pair(betas: Any) -> tuple[float, float]:
    """Two numbers as a tuple, as they are; `TypeError` for anything else."""
    try:
        first, second = betas
        check_numbers(first=first, second=second)
    except (TypeError, ValueError):
        raise TypeError(f"betas are two numbers, (0.9, 0.999); got {betas!r}.") from None
    return first, second


class AdamW(Adam):
    """Adam with decoupled weight decay: w shrinks by lr * weight_decay at each step.

    Loshchilov and Hutter 2019, arXiv:1711.05101; as `torch.optim.AdamW`.

    >>> import minigrad as mg
    >>> w = mg.Tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> mg.sum(w * w).backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.85], requires_grad=True)
    """

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        check_finite: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            check_finite=check_finite,
        )
