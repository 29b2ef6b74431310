"""RMSprop: steps scaled by a running mean of the gradient's square."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minigrad.optim.optimizer import Array, Optimizer, Rate
from minigrad.optim.parameters import check_numbers
from minigrad.tensor import Tensor


class RMSprop(Optimizer):
    """w -= lr * grad / (sqrt(v) + eps), v = alpha * v + (1 - alpha) * grad^2.

    With `momentum`, b = momentum * b + grad / (sqrt(v) + eps) and w -= lr * b. `centered` takes
    the variance of the gradient, v minus the square of its running mean, for v. Weight decay is
    added to the gradient. Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013,
    arXiv:1308.0850, eq. 38 to 45; as `torch.optim.RMSprop`.

    >>> import minigrad as mg
    >>> w = mg.Tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> mg.sum(w * w).backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.8], requires_grad=True)
    """

    keeps = (
        *Optimizer.keeps,
        *("alpha", "eps", "momentum", "weight_decay", "squares", "means", "velocity"),
    )

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        super().__init__(parameters, lr, check_finite=check_finite)
        self.alpha = alpha
        self.eps = eps
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.check()
        self.squares = self.buffers()
        self.means = self.buffers() if centered else None
        self.velocity = self.buffers() if momentum else None
        self.scratch = self.buffers()
        self.decayed = self.buffers() if weight_decay else None

    def check(self) -> None:
        """Raise `ValueError` for settings that make no sense."""
        super().check()
        check_numbers(alpha=self.alpha, momentum=self.momentum)
        check_numbers(eps=self.eps, weight_decay=self.weight_decay)
        if not (0 <= self.alpha < 1 and 0 <= self.momentum < 1):
            raise ValueError(
                f"alpha and momentum are in [0, 1); got alpha={self.alpha}, "
                f"momentum={self.momentum}."
            )
        if not (self.eps > 0 and self.weight_decay >= 0):
            raise ValueError(
                f"eps is positive and weight_decay at least 0; got eps={self.eps}, "
                f"weight_decay={self.weight_decay}."
            )

    def update(self, i: int, value: Array, grad: Array) -> None:
        """One step of the algorithm."""
        squares, scratch = self.squares[i], self.scratch[i]
        if self.weight_decay:
            if self.decayed is None:  # it was switched on later
                self.decayed = self.buffers()
            decayed = self.decayed[i]
            np.multiply(value, self.weight_decay, out=decayed)
            grad = np.add(decayed, grad, out=decayed)
        squares *= self.alpha
        np.multiply(grad, grad, out=scratch)
        scratch *= 1 - self.alpha
        squares += scratch
        if self.means is None:
            np.sqrt(squares, out=scratch)
        else:
            means = self.means[i]
            means *= self.alpha
            np.multiply(grad, 1 - self.alpha, out=scratch)
            means += scratch
            np.multiply(means, means, out=scratch)
            np.subtract(squares, scratch, out=scratch)
            np.maximum(scratch, 0, out=scratch)  # which rounding may have made negative
            np.sqrt(scratch, out=scratch)
        scratch += self.eps
        np.divide(grad, scratch, out=scratch)
        if self.velocity is not None:
            velocity = self.velocity[i]
            velocity *= self.momentum
            velocity += scratch
            np.multiply(velocity, self.lr, out=scratch)
        else:
            scratch *= self.lr
        np.subtract(value, scratch, out=value)
