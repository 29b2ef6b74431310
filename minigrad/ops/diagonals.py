"""Diagonals and triangles of matrices."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements, linear
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.indexing import getitem, put
from minigrad.ops.operands import operand, refuse_out
from minigrad.ops.shaping import moveaxis, ravel

tril = linear(
    np.tril,
    lambda g, z, x, k: np.tril(g, k),
    samples=[case((3, 4)), case((2, 3, 3), k=-1), case((3,))],
    broadcasts=True,  # one row becomes a square
)
triu = linear(
    np.triu,
    lambda g, z, x, k: np.triu(g, k),
    samples=[case((3, 4)), case((2, 3, 3), k=1), case((3,))],
    broadcasts=True,
)


@implements(np.diagonal)
def diagonal(a, offset=0, axis1=0, axis2=1):
    """The diagonals of the matrices in two axes, along a new last axis. As `numpy.diagonal`.

    >>> import numpy as np, minigrad as mg
    >>> np.diagonal(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    Tensor([2.])
    """
    if a.ndim < 2:
        raise ShapeError(f"diagonal: a matrix has two axes or more; got shape {a.shape}.")
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = places(*a.shape[-2:], offset)
    return getitem(a, (..., rows, columns))


def places(height, width, offset):
    """The row numbers and the column numbers of a diagonal."""
    rows = np.arange(max(-offset, 0), max(min(height, width - offset), 0))
    return rows, rows + offset


@implements(np.linalg.diagonal)
def matrix_diagonal(x, /, *, offset=0):
    """The diagonals of the matrices in the last two axes. As `numpy.linalg.diagonal`."""
    return diagonal(x, offset, -2, -1)


@implements(np.trace)
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """The sum of each diagonal. As `numpy.trace`.

    >>> import numpy as np, minigrad as mg
    >>> np.trace(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5.)
    """
    refuse_out("trace", out)
    z = np.sum(diagonal(a, offset, axis1, axis2), axis=-1)
    return z if dtype is None else z.astype(dtype)


@implements(np.linalg.trace)
def matrix_trace(x, /, *, offset=0, dtype=None):
    """The sum of each diagonal of the matrices in the last two axes. As `numpy.linalg.trace`."""
    return trace(x, offset, -2, -1, dtype)


@implements(np.diag)
def diag(v, k=0):
    """A vector as the diagonal of a matrix of zeros, or the diagonal of a matrix.

    As `numpy.diag`. Raises `ShapeError` for other numbers of axes.

    >>> import numpy as np, minigrad as mg
    >>> np.diag(mg.Tensor([1.0, 2.0]))
    Tensor([[1., 0.],
            [0., 2.]])
    """
    v = operand(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"diag: takes a vector or a matrix; got shape {v.shape}.")
    size = len(v) + abs(k)
    return put(v, index=places(size, size, k), shape=(size, size))


@implements(np.diagflat)
def diagflat(v, k=0):
    """All values as the diagonal of a matrix of zeros. As `numpy.diagflat`."""
    return diag(ravel(operand(v)), k)
