"""Broadcasting, and its adjoint: summing back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad.errors import ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt

    from minigrad.core.op import Op

Shape = tuple[int, ...]


HALF = np.dtype(np.float16)


def broadcasts_to(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of shape `small` broadcasts to `large`."""
    tail = large[len(large) - len(small) :]
    return len(small) <= len(large) and all(a in (1, b) for a, b in zip(small, tail, strict=True))


def broadcast_together(shapes: Sequence[Shape]) -> bool:
    """Whether shapes fit each other."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def broadcast_inputs(op: Op, shapes: Sequence[Shape], result: Shape) -> tuple[Shape | None, ...]:
    """The shape that each input of an op was broadcast to; None for one that was not.

    >>> from minigrad.ops.arithmetic import add
    >>> broadcast_inputs(add.op, [(4, 3), (3,)], (4, 3))
    (None, (4, 3))
    """
    if not op.broadcasts or len(shapes) < 2:
        return (None,) * len(shapes)
    if not op.matrices:
        return tuple(None if shape == result else result for shape in shapes)
    batch = np.broadcast_shapes(*[shape[:-2] for shape in shapes])
    return tuple(None if shape[:-2] == batch else (*batch, *shape[-2:]) for shape in shapes)


def sum_to(c: Any, shape: tuple[int, ...]) -> Any:
    """Undo a broadcast: sum over the axes that were added or stretched. (B, C, 4) -> (C, 1).

    Raises `ShapeError` where `shape` does not broadcast to the shape of `c`.
    """
    plain = c.__class__ is ndarray
    if plain and c.ndim == 2 and shape == c.shape[1:] and c.size < 10_000:
        return ones(len(c), c.dtype).dot(c)  # a small bias: half the time of add.reduce
    if not broadcasts_to(shape, c.shape):
        raise ShapeError(f"an array of shape {shape} does not broadcast to {c.shape}")
    added = c.ndim - len(shape)
    stretched = [added + i for i, n in enumerate(shape) if n == 1 and c.shape[added + i] != 1]
    axes = (*range(added), *stretched)
    if c.dtype == HALF:  # along rows NumPy adds in float16, where 2048 + 1 is 2048
        return np.sum(c, axis=axes, dtype=np.float32).reshape(shape)
    if plain:  # np.sum's wrapper costs more than the sum of a small array
        return np.add.reduce(c, axes).reshape(shape)
    return np.sum(c, axis=axes).reshape(shape)


@lru_cache(maxsize=64)
def ones(number: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A kept vector of ones; it is read-only."""
    kept = np.ones(number, dtype)
    kept.flags.writeable = False
    return kept


@lru_cache(maxsize=64)
def one(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A kept 1 in a shape of one element; it is read-only."""
    return ones(1, dtype).reshape(shape)


@lru_cache(maxsize=256)
def number(value: float, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A kept 0-d array of a number; it is read-only.

    NumPy multiplies a small array by it in two thirds of the time it takes for a Python number.
    """
    kept = np.array(value, dtype)
    kept.flags.writeable = False
    return kept


@lru_cache(maxsize=64)
def zeros(
    shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """A kept array of zeros, with its axes in memory as `strides` has them; it is read-only, and
    the system backs it by one page of zeros.

    NumPy's loops for two arrays of one shape are up to 4 times as fast as those for an array
    and a number.
    """
    order = sorted(range(len(shape)), key=lambda axis: -abs(strides[axis]))
    kept = np.zeros([shape[axis] for axis in order], dtype).transpose(np.argsort(order))
    kept.flags.writeable = False
    return kept
