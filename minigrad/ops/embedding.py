"""Class numbers as vectors: one-hot rows, and rows of a table that is learned."""

from __future__ import annotations

import numpy as np

from minigrad.errors import DataError, ShapeError
from minigrad.ops.operands import operand, values


def one_hot(labels, classes, dtype=np.float64):
    """Rows of zeros with a 1 at the label: labels (...) in 0..classes-1 -> (..., classes).

    A plain array, as it has no gradient. Raises `DataError` for labels that are not whole
    numbers in range. As `torch.nn.functional.one_hot`, in floating point.

    >>> import minigrad as mg
    >>> mg.one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    labels = class_numbers("one_hot", labels, classes)
    return (labels[..., None] == np.arange(classes)).astype(dtype)


def embedding(labels, table):
    """The rows of a table: labels (...) in 0..N-1, table (N, D) -> (..., D).

    A row that is looked up several times has the sum of its gradients. Raises `DataError` for
    labels that are not whole numbers in range, `ShapeError` for a table that is no matrix.
    As `torch.nn.functional.embedding`.

    >>> import minigrad as mg
    >>> mg.embedding([1, 1, 0], mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3., 4.],
            [3., 4.],
            [1., 2.]])
    """
    table = operand(table)
    if table.ndim != 2:
        raise ShapeError(f"embedding: takes a table (N, D), one row a label; got {table.shape}.")
    return table[class_numbers("embedding", labels, table.shape[0])]


def class_numbers(name, labels, classes):
    """The labels as a new integer array, once they are known to be whole numbers in range."""
    labels = values(labels).copy()
    if not isinstance(classes, int | np.integer):
        raise DataError(f"{name}: the number of classes is a whole number; got {classes!r}.")
    if labels.dtype.kind in "iu" and labels.size and 0 <= labels.min() <= labels.max() < classes:
        return labels.astype(np.intp, copy=False)  # a third of the time of looking for the wrong
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        missing = np.argwhere(np.isnan(labels))
        raise DataError(
            f"{name}: {len(missing)} of {labels.size} labels are NaN, the first at position "
            f"{position(missing[0])}. Drop those rows, or find out where the labels come from."
        )
    wrong = (labels < 0) | (labels >= classes) | (labels != np.floor(labels))
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0])
        raise DataError(
            f"{name}: label {labels[first]} at position {position(first)} is not a class number; "
            f"with {classes} classes, labels are whole numbers from 0 to {classes - 1}."
        )
    return labels.astype(np.intp)


def position(index):
    """An index as messages show it: 3, or (3, 1)."""
    return int(index[0]) if len(index) == 1 else tuple(int(i) for i in index)
