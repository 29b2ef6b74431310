"""Values in another dtype, where it can hold them: nothing wraps around or overflows in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def fit(values: Array, dtype: npt.DTypeLike, what: str = "") -> Array:
    """The values in another dtype, which rounds them but keeps each a number of its size.

    Raises `DataError`, which begins with `what` it is about, for a number beyond the range of the
    dtype, and for one that is not whole, or no number, where integers are wanted.

    >>> import numpy as np
    >>> from minigrad.core.fitting import fit
    >>> fit(np.array([300.7]), np.uint8)
    Traceback (most recent call last):
    minigrad.errors.DataError: 300.7 at position 0 does not fit into uint8, ...
    """
    dtype = np.dtype(dtype)
    if values.dtype == dtype or np.can_cast(values.dtype, dtype):
        return values.astype(dtype, copy=False)
    with np.errstate(all="ignore"):
        fitted = values.astype(dtype)
        if dtype.kind == "f":
            wrong = np.isfinite(values) & ~np.isfinite(fitted)
        elif values.dtype.kind == "f":
            low, high = (0, 1) if dtype.kind == "b" else limits(dtype)
            wrong = ~((values >= low) & (values < high + 1) & (values == np.floor(values)))
        else:
            wrong = fitted != values  # compared exactly, of whatever dtypes
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = f" at position {', '.join(map(str, first))}" if first else ""
        low, high = (0, 1) if dtype.kind == "b" else limits(dtype)
        kind = "numbers" if dtype.kind == "f" else "whole numbers"
        raise DataError(
            f"{what and what + ': '}{values[first]}{place} does not fit into {dtype}, which holds "
            f"{kind} from {low} to {high}. Round or scale the values first, or use another dtype."
        )
    return fitted


def limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The smallest and the largest number of an integer or floating dtype."""
    if dtype.kind == "f":
        reach = float(np.finfo(dtype).max)
        return -reach, reach
    of = np.iinfo(dtype)
    return int(of.min), int(of.max)
