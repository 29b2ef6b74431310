"""The same values under the same axes, in another order of memory."""

import numpy as np
import pytest

from minigrad.core.layout import FEW, laid_out, laid_out_as

SHAPES = [(3,), (2, 3), (4, 5, 6), (2, 3, 4, 5), (70, 33, 65), (70, 3, 40, 41), (1, 300, 300)]
ORDERS = ["C", "F", "first and last axis exchanged", "channels last"]


def in_order(shape, order, dtype=np.float64):
    """An empty array whose axes lie in memory in that order."""
    if order in ("C", "F"):
        return np.empty(shape, dtype, order=order)
    if order == "channels last":
        made = np.empty((shape[0], *shape[2:], *shape[1:2]), dtype)
        return np.moveaxis(made, -1, min(1, len(shape) - 1))
    return np.empty((*shape[-1:], *shape[1:-1], *shape[:1])[: len(shape)], dtype).swapaxes(0, -1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("to", ORDERS)
@pytest.mark.parametrize("since", ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_stay_under_their_axes(shape, since, to, dtype):
    numbers = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x, like = (in_order(shape, order, dtype) for order in (since, to))
    x[...] = numbers
    found = laid_out_as(like, x)
    np.testing.assert_array_equal(found, numbers)
    assert found.dtype == dtype
    long = [axis for axis, n in enumerate(shape) if n > 1]
    assert sorted(long, key=lambda i: found.strides[i]) == sorted(
        long, key=lambda i: like.strides[i]
    )
    room = np.full_like(like, np.nan, dtype)
    assert laid_out(room, x) is room
    np.testing.assert_array_equal(room, numbers)


def test_some_of_them_are_large():
    assert sum(np.prod(shape) > FEW for shape in SHAPES) >= 3
