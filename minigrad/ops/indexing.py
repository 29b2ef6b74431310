"""Indexing: all of ndarray's (basic, newaxis, ellipsis, integer arrays, masks, mixed)."""

from __future__ import annotations

import numpy as np

from minigrad.core.node import Node
from minigrad.core.op import linear
from minigrad.core.plain import check_plain
from minigrad.core.registry import Function
from minigrad.core.samples import case


def getitem(x, index):
    """`x[index]`, any index that NumPy knows.

    >>> import minigrad as mg
    >>> mg.grad(lambda x: mg.sum(x[[0, 0, 2]]))(mg.Tensor([1.0, 2.0, 3.0]))
    Tensor([2., 0., 1.])
    """
    return pick(x, index=with_arrays(index))


def with_arrays(index):
    """The index with an array for everything that NumPy reads as an index array."""
    parts = index if isinstance(index, tuple) else (index,)
    read = tuple(part if isinstance(part, SIMPLE) else index_array(part) for part in parts)
    return read if isinstance(index, tuple) else read[0]


SIMPLE = (slice, int, np.integer, type(None), type(...))


def index_array(part):
    """An array, tensor or sequence in an index; integers, as in NumPy, if it is empty."""
    if isinstance(part, Node):
        return part  # its values are taken where the op is applied
    empty = isinstance(part, list | tuple | range) and np.size(part) == 0
    check_plain(part)
    return np.asarray(part, np.intp if empty else None)


def along(axis, index):
    """The index that applies `index` to one axis and leaves those before and after it."""
    return (slice(None),) * axis + (index,)


def repeats(index):
    """Whether an index may name the same element twice: only integer arrays can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, np.ndarray) and p.dtype.kind in "iu" for p in parts)


pick = linear(
    lambda x, *, index: x[index],
    lambda g, z, x, *, index: put(g, index=index, shape=x.shape),
    name="getitem",
    samples=[
        case((3, 4), index=(slice(None, None, -1), slice(1, 3))),
        case((3, 4), index=(..., None, 2)),
        case((3, 4), index=np.array([2, 0, 2])),
        case((3, 4), index=(np.array([0, 2, 0]), np.array([1, 1, 1]))),
        case((2, 2), index=np.array([[True, False], [True, True]])),
        case((3, 4, 2), index=(np.array([0, 2]), slice(None), np.array([0, 0]))),
    ],
)


def add_into_zeros(x, *, index, shape):
    """Zeros of `shape` with `x` added at `index`: what was picked goes back to its place."""
    wide = x.dtype == np.float16 and repeats(index)  # 2048 + 1 is 2048 in float16
    z = np.zeros(shape, np.float32 if wide else x.dtype)
    if repeats(index):
        np.add.at(z, index, x)
    else:
        z[index] = x
    return z.astype(x.dtype) if wide else z


put: Function = linear(
    add_into_zeros,
    lambda g, z, x, *, index, shape: g[index],
    name="put",
    samples=[
        case((2, 4), index=np.array([2, 0]), shape=(3, 4)),
        case((3,), index=(slice(None), 1), shape=(3, 4)),
    ],
)
