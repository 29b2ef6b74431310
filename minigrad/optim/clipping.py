"""Gradients that are not longer than wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.optim.parameters import described, in_a_list, number
from minigrad.tensor import Tensor


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    *,
    error_if_nonfinite: bool = True,
) -> float:
    """Scale the gradients together so that their norm is at most `max_norm`; return what it was.

    The norm is that of all gradients in one long vector; of order `norm_type`, which may be
    `math.inf` for the largest magnitude. They are multiplied by max_norm / (norm + 1e-6) if that
    is below 1; a `grad` is replaced, never written into. Parameters without one are left out.

    Raises `FloatingPointError`, and changes nothing, where the norm is nan or infinite; with
    `error_if_nonfinite=False` the gradients are scaled all the same, and are of no use then.
    `ValueError` for a `max_norm` below 0 or a `norm_type` that is not positive. As
    `torch.nn.utils.clip_grad_norm_`, which raises on request only. Pascanu et al. 2013,
    arXiv:1211.5063, algorithm 1.

    >>> import minigrad as mg
    >>> w = mg.Tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.clip_grad_norm([w], max_norm=1.0), w.grad.round(3)
    (10.0, array([0.6, 0.8]))
    """
    max_norm, norm_type = number(max_norm, "max_norm"), number(norm_type, "norm_type")
    if not (max_norm >= 0 and norm_type > 0):
        raise ValueError(
            f"clip_grad_norm: max_norm is at least 0 and norm_type positive; got "
            f"max_norm={max_norm}, norm_type={norm_type}."
        )
    one = isinstance(parameters, Tensor)
    given: list[Any] = [parameters] if one else in_a_list(parameters, "clip_grad_norm")
    for i, p in enumerate(given):
        if not isinstance(p, Tensor):
            raise TypeError(f"clip_grad_norm: number {i} of the list is {described(p)}.")
    with_grad = [p for p in {id(p): p for p in given}.values() if p.grad is not None]
    norm = length([length_of(p.grad, norm_type) for p in with_grad], norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        raise FloatingPointError(
            f"clip_grad_norm: the norm of the gradients is {norm}, so no scale makes them fit. "
            f"Nothing was changed: zero_grad() forgets them."
        )
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1:
        for p in with_grad:
            p.grad = p.grad * scale
    return norm


def length_of(grad: Any, order: float) -> float:
    """The norm of one gradient."""
    return length(grad._value if isinstance(grad, Node) else grad, order)


def length(numbers: Any, order: float) -> float:
    """The norm of all numbers, in float64, which neither overflows nor underflows on the way."""
    sizes = np.abs(np.asarray(numbers, np.float64)).ravel()
    largest = float(sizes.max(initial=0.0))
    if largest == 0 or not math.isfinite(largest) or order == math.inf:
        return largest
    return float(largest * ((sizes / largest) ** order).sum() ** (1 / order))
