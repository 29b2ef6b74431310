"""Copies of arrays that are the same to the last bit in all that is computed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Laid = tuple[Array, tuple[int, ...], str]


def laid(array: Array) -> Laid:
    """An array with its axes as they lie in memory, the order that leads back, and its dtype.

    Pickling keeps the values so; then all that is computed of them is the same to the last bit.
    """
    axes = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    back = tuple(axes.index(axis) for axis in range(array.ndim))
    return array.transpose(axes), back, array.dtype.str


def own_array(array: Array, axes: tuple[int, ...], dtype: str) -> Array:
    """The array that `laid` took apart, in memory of its own and with NumPy's own dtype."""
    given = array.transpose(axes)
    own = np.empty_like(given, np.dtype(dtype), subok=False)
    own[...] = given
    return own
