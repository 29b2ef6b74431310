"""A data set in pieces: batches to train on, and a part held out to test on."""

from collections.abc import Iterator
from typing import Generic, TypeVar, cast, overload

import numpy as np
from numpy.typing import ArrayLike

from minigrad.core.node import Node
from minigrad.core.plain import is_number
from minigrad.core.seeds import generator
from minigrad.errors import DataError, LeavesGraphError, ShapeError

Batch = TypeVar("Batch", covariant=True)  # an array, or a tuple of arrays


class Batches(Generic[Batch]):
    """Arrays in batches of rows: iterable again and again; `len()` counts the batches.

    Made by `batches`, which says what it yields.
    """

    def __init__(
        self,
        arrays: tuple[np.ndarray, ...],
        size: int,
        generator: np.random.Generator | None,
        drop_last: bool,
    ) -> None:
        """Keep the arrays (not copies of them) and how to go through them."""
        self._arrays = arrays
        self._size = size
        self._generator = generator
        self._drop_last = drop_last

    def __len__(self) -> int:
        """Return the number of batches in one pass."""
        full, rest = divmod(len(self._arrays[0]), self._size)
        return full if self._drop_last or rest == 0 else full + 1

    def __iter__(self) -> Iterator[Batch]:
        """Start a pass; the shuffling is drawn now, not at the first batch."""
        count = len(self._arrays[0])
        order = np.arange(count) if self._generator is None else self._generator.permutation(count)
        starts = range(0, len(self) * self._size, self._size)
        return (self._take(order[start : start + self._size]) for start in starts)

    def _take(self, rows: np.ndarray) -> Batch:
        taken = tuple(array[rows] for array in self._arrays)
        return cast(Batch, taken if len(taken) > 1 else taken[0])


@overload
def batches(
    array: ArrayLike,
    /,
    *,
    size: int = 32,
    shuffle: int | np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches[np.ndarray]: ...
@overload
def batches(
    first: ArrayLike,
    second: ArrayLike,
    /,
    *others: ArrayLike,
    size: int = 32,
    shuffle: int | np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches[tuple[np.ndarray, ...]]: ...
def batches(
    *arrays: ArrayLike,
    size: int = 32,
    shuffle: int | np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches[np.ndarray] | Batches[tuple[np.ndarray, ...]]:
    """Cut arrays of equal length N into batches of `size` rows, the last one perhaps shorter.

    Yields tuples with one array of shape (size, ...) for each given, or the bare array where one
    alone is given; they are copies, so that writing into a batch leaves the data alone.
    `drop_last=True` leaves out a last batch of fewer rows.

    `shuffle=None` keeps the order. With a seed, every pass has a new order, and another
    `batches(...)` with that seed has the same orders again; a generator is drawn from as it is.

    Raises ShapeError if the lengths differ, if there is no row, if `size` is not positive, or if
    dropping the last batch leaves none; DataError if `shuffle` is True or False.

    >>> import numpy as np
    >>> from minigrad.data import batches
    >>> for x, y in batches(np.arange(3), np.array([0, 10, 20]), size=2):
    ...     print(x, y)
    [0 1] [ 0 10]
    [2] [20]
    """
    checked = _equally_long(arrays)
    count = len(checked[0])
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise TypeError(f"size={size!r} rows in a batch: pass a whole number, such as 32.")
    if size < 1:
        raise ShapeError(f"size={size} rows in a batch: pass 1 or more.")
    if drop_last and count < size:
        raise ShapeError(
            f"drop_last=True leaves no batch of {size} rows from {count}: "
            f"pass size={count} or less, or drop_last=False."
        )
    return Batches(checked, size, None if shuffle is None else generator(shuffle), drop_last)


def split(
    *arrays: ArrayLike, held_out: float = 0.2, seed: int | np.random.Generator = 0
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Shuffle arrays of equal length N together and cut them in two: `(train, held_out)`.

    Each half is a tuple with one array for each given, of N - H and H rows, where H is N times
    `held_out` (a fraction between 0 and 1), rounded. Every row is in one half, and only one.

    Raises ShapeError if the lengths differ, or if a half would have no row; DataError if
    `held_out` is not between 0 and 1, or `seed` is True or False.

    >>> import numpy as np
    >>> from minigrad.data import split
    >>> (train,), (test,) = split(np.arange(10), held_out=0.3)
    >>> len(train), len(test)
    (7, 3)
    """
    checked = _equally_long(arrays)
    if not (is_number(held_out) and 0 < held_out < 1):
        raise DataError(f"held_out={held_out!r}: pass a fraction between 0 and 1, such as 0.2.")
    count = len(checked[0])
    kept = count - round(count * held_out)
    if kept in (0, count):
        raise ShapeError(
            f"held_out={held_out} cuts {count} rows into {kept} and {count - kept}: "
            "each half needs a row. Pass more rows or another fraction."
        )
    order = generator(seed).permutation(count)
    train = tuple(array[order[:kept]] for array in checked)
    return train, tuple(array[order[kept:]] for array in checked)


def _equally_long(arrays: tuple[ArrayLike, ...]) -> tuple[np.ndarray, ...]:
    """Return NumPy arrays with one first length, which is not 0."""
    if any(isinstance(array, Node) and array._tracked for array in arrays):
        raise LeavesGraphError(
            "Batches are of data, and one of these requires a gradient, which would be lost: pass "
            "t.numpy(), and look rows of a parameter up with t[rows]."
        )
    if not arrays:
        raise ShapeError("0 arrays to cut: pass one or more, such as batches(x, y).")
    converted = tuple(np.asarray(array) for array in arrays)
    shapes = ", ".join(str(array.shape) for array in converted)
    if any(array.ndim == 0 for array in converted):
        raise ShapeError(
            f"Arrays of shapes {shapes}: each needs a first axis to cut along. "
            "Settings are given by name, such as size=32 or held_out=0.2."
        )
    lengths = [len(array) for array in converted]
    if len(set(lengths)) > 1:
        raise ShapeError(f"Arrays of unequal lengths {lengths} (shapes {shapes}): pass equal ones.")
    if sum(lengths) == 0:
        raise ShapeError(f"No rows to cut ({len(arrays)} arrays, shapes {shapes}): pass some.")
    return converted
