"""What counts as plain numbers: arrays that are more than that would lose it, and are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.errors import GradientTypeError

ARRAYS = (ndarray, np.generic)
REAL = "biuf"  # the kinds of dtype that minigrad computes with
PLAIN = {float, int, bool, complex, np.float64, type(None), str, slice, type(...)}


def check_plain(data: Any) -> None:
    """Raise `GradientTypeError` for arrays that are more than real numbers, also in lists.

    Complex numbers would lose a part here, dates their unit, and an array of a class of its own
    (masked, `np.matrix`) its mask or its meaning.
    """
    kind = data.__class__
    if kind is complex:
        raise not_real(np.asarray(data))
    if kind in PLAIN or (kind is ndarray and data.dtype.kind in REAL):
        return
    if isinstance(data, list | tuple):
        if not PLAIN.issuperset(map(type, data)):
            for part in data:
                check_plain(part)
    elif isinstance(data, ARRAYS) and data.dtype.kind not in REAL:
        raise not_real(np.asarray(data))
    elif isinstance(data, ndarray) and kind is not ndarray and not isinstance(data, np.memmap):
        masked = hasattr(data, "mask") and hasattr(data, "filled")
        advice = (
            "Fill it, a.filled(0), or choose by its mask, np.where(a.mask, 0, a.data)"
            if masked
            else "Give np.asarray(a) if its numbers are all that is meant"
        )
        raise GradientTypeError(
            f"minigrad computes with plain arrays: a {kind.__name__} of shape {data.shape} would "
            f"lose its {'mask' if masked else 'meaning'}. {advice}."
        )


def not_real(array: Any) -> GradientTypeError:
    """The error for numbers that are not real, or no numbers."""
    advice = "take .real and .imag apart" if array.dtype.kind == "c" else "give numbers"
    return GradientTypeError(
        f"minigrad computes with real numbers (float, int, bool); "
        f"got {array.dtype} of shape {array.shape}: {advice}."
    )
