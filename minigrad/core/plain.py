"""What counts as plain numbers: arrays that are more than that would lose it, and are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.errors import GradientTypeError, ShapeError

ARRAYS = (ndarray, np.generic)
REAL = "biuf"  # the kinds of dtype that minigrad computes with
NUMBERS = "biufc"
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
    elif isinstance(data, dict):
        for part in data.values():
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


def is_number(given: Any) -> bool:
    """Whether something is one real number, of Python's or NumPy's."""
    return isinstance(given, int | float | np.integer | np.floating)


def check_numbers(array: Any) -> None:
    """Raise `GradientTypeError` for an array of text, dates or objects."""
    if array.dtype.kind not in NUMBERS:
        raise not_real(array)


def not_real(array: Any) -> GradientTypeError:
    """The error for numbers that are not real, or no numbers."""
    kind = array.dtype.kind
    got, advice = f"{array.dtype}", "give numbers"
    if kind == "c":
        advice = "take .real and .imag apart"
    elif kind in "US":
        got = "text"
        advice = (
            "give numbers; np.unique(names, return_inverse=True)[1] numbers the names of classes"
        )
    elif kind == "O":
        first = array.flat[0] if array.size else None
        one = "None" if first is None else f"a {type(first).__name__}"
        got = one if array.ndim == 0 else f"objects, the first of which is {one},"
        if callable(getattr(type(first), "named_parameters", None)):
            advice = "call the module, and give its result"
        elif callable(first):
            advice = "call the function, and give its result"
    return GradientTypeError(
        f"minigrad computes with real numbers (float, int, bool); "
        f"got {got} of shape {array.shape}: {advice}."
    )


def array_of(data: Any) -> Any:
    """Nested lists of numbers as a new array; `ShapeError` where their lengths differ."""
    try:
        return np.array(data)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ShapeError(
            "nested lists make an array only if those at one depth have one length; these differ. "
            "Pad the short ones, or make a tensor of each row."
        ) from None
