"""Attention: every query takes a weighted mean of the values, weighted by how well keys match."""

from __future__ import annotations

from math import sqrt

import numpy as np

from minigrad.core.broadcasting import broadcasts_to
from minigrad.core.reals import real
from minigrad.errors import ShapeError
from minigrad.ops.operands import operand
from minigrad.ops.softmax import softmax


@real("query", "key", "value")
def scaled_dot_product_attention(query, key, value, *, mask=None, causal=False, scale=None):
    """softmax(scale * query @ key.mT + mask) @ value: (..., L, E), (..., S, E), (..., S, V).

    Returns (..., L, V). A boolean `mask` is True where a query may look, any other is added to
    the scores; it broadcasts to (..., L, S). With `causal`, query i sees the keys up to i only.
    `scale` is 1 / sqrt(E) if not given. A query that may look nowhere gets 0, and so do the
    gradients. Raises `ShapeError` where shapes do not fit.

    As `torch.nn.functional.scaled_dot_product_attention`; Vaswani et al. 2017.

    >>> import numpy as np, minigrad as mg
    >>> value = mg.Tensor([[1.0], [3.0]])
    >>> mg.scaled_dot_product_attention(np.zeros((2, 4)), np.zeros((2, 4)), value, causal=True)
    Tensor([[1.],
            [2.]])
    """
    query, key, value = operand(query), operand(key), operand(value)
    check_shapes(query.shape, key.shape, value.shape)
    if scale is None:
        scale = 1 / sqrt(query.shape[-1])
    scores = (query * scale) @ key.mT  # (..., L, S)
    if mask is not None:
        mask = operand(mask)
        check_mask(mask.shape, scores.shape)
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if causal:
        earlier = np.tri(*scores.shape[-2:], dtype=bool)
        scores = np.where(earlier, scores, -np.inf)
    return softmax(scores) @ value


def check_shapes(query, key, value):
    """Raise `ShapeError` unless each query can be compared with each key, which has a value."""
    if min(len(query), len(key), len(value)) < 2 or query[-1] != key[-1] or key[-2] != value[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: takes query (..., L, E), key (..., S, E) and value "
            f"(..., S, V); got {query}, {key} and {value}."
        )


def check_mask(mask, scores):
    """Raise `ShapeError` unless the mask broadcasts to the scores."""
    if not broadcasts_to(mask, scores):
        raise ShapeError(
            f"scaled_dot_product_attention: a mask of shape {mask} does not broadcast to the "
            f"scores {scores}, one for each query and key."
        )
