"""Dropout: noise that keeps neurons from relying on each other."""

from __future__ import annotations

import numpy as np

from minigrad.core.plain import is_number
from minigrad.core.reals import real
from minigrad.ops.operands import operand


@real("x")
def dropout(x, rate=0.5, *, rng):
    """Each value is 0 with probability `rate`, else scaled by 1 / (1 - rate).

    The mean stays what it was. `rng` is a NumPy `Generator`, which draws a new mask at each
    call; the mask is a constant of the graph. Raises `ValueError` for a rate outside [0, 1),
    `TypeError` for another kind of `rng`. As `torch.nn.functional.dropout`; Srivastava et al.
    2014.

    >>> import numpy as np, minigrad as mg
    >>> mg.dropout(mg.Tensor(np.ones(4)), 0.5, rng=np.random.default_rng(0))
    Tensor([2., 0., 0., 0.])
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"dropout: rng is a NumPy Generator, np.random.default_rng(0); got {rng!r}."
        )
    check_rate(rate)
    x = operand(x)
    kept = rng.random(x.shape) >= rate
    return x * (kept / (1 - rate)).astype(x.dtype)


def check_rate(rate):
    """Raise `ValueError` for a rate of dropout that is no probability, or 1."""
    if not (is_number(rate) and 0 <= rate < 1):
        raise ValueError(f"dropout: the rate is a probability in [0, 1); got {rate!r}.")
