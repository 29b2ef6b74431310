"""The same numbers in other memory: NumPy's views come in all these forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.node import Array

Layout = Callable[[Array], Array]


def fortran(x: Array) -> Array:
    """Columns first."""
    return np.array(x, order="F")


def backwards(x: Array) -> Array:
    """Every axis with a negative stride."""
    turned: Any = (..., *(slice(None, None, -1),) * x.ndim)
    return x[turned].copy()[turned]


def spread_out(x: Array) -> Array:
    """Every second element of a larger array."""
    larger = np.zeros([2 * n for n in x.shape], x.dtype)
    every_second: Any = (..., *(slice(None, None, 2),) * x.ndim)
    view: Array = larger[every_second]
    view[...] = x
    return view


def read_only(x: Array) -> Array:
    """A copy that cannot be written to."""
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def repeated(x: Array) -> Array:
    """Stride 0 along the first axis: other numbers, its first row again and again."""
    return np.broadcast_to(x[:1], x.shape) if x.ndim else np.broadcast_to(x, ())


LAYOUTS: dict[str, Layout] = {
    "Fortran": fortran,
    "negative strides": backwards,
    "gaps": spread_out,
    "read-only": read_only,
}  # the numbers stay the same
