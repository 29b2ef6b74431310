"""The geometry of sliding a window: sizes, strides, padding, and the lecture's rule for tiling.

A window of size F, stepped by S over an input of size N with padding P, has (N + 2P - F) / S + 1
positions. Where that is no whole number, `remainder="error"` refuses and `"drop"` leaves out the
border that is not reached. With dilation D a window of F places reaches over (F - 1) * D + 1.

Everything holds for any number of spatial axes: a size, a stride, ... has one entry for each.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from numbers import Real
from typing import Any, Literal

import numpy as np

from minigrad.errors import ShapeError

Pair = tuple[int, int]
Triple = tuple[int, int, int]
Sizes = tuple[int, ...]
Padding = tuple[Pair, ...]
Remainder = Literal["error", "drop"]

AXES = {1: ("steps",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}


def per_axis(op: str, name: str, given: Any, axes: int = 2, least: int = 1) -> Sizes:
    """One int for all spatial axes, or one for each."""
    each = (given,) * axes if np.ndim(given) == 0 else tuple(given)
    if len(each) != axes or any(not isinstance(n, Real) or n % 1 or n < least for n in each):
        raise ShapeError(
            f"{op}: {name} is a whole number of at least {least}, or one for each of "
            f"({', '.join(AXES[axes])}); got {given!r}."
        )
    return tuple(int(n) for n in each)


def resolve_padding(
    op: str, given: int | Sizes | str, sizes: Sizes, reach: Sizes, stride: Sizes
) -> Padding:
    """Padding as (before, after) for each axis, from an int, one for each, "same" or "valid".

    "same" gives ceil(N / S) positions; an odd amount has its extra row or column at the end.
    """
    if given == "valid":
        return ((0, 0),) * len(sizes)
    if given == "same":
        totals = [
            max((-(-n // s) - 1) * s + f - n, 0)
            for n, f, s in zip(sizes, reach, stride, strict=True)
        ]
        return tuple((total // 2, -(-total // 2)) for total in totals)
    if isinstance(given, str):
        raise ShapeError(
            f"{op}: padding is an int, one for each of ({', '.join(AXES[len(sizes)])}), "
            f'"same" or "valid"; got {given!r}.'
        )
    return tuple((n, n) for n in per_axis(op, "padding", given, len(sizes), least=0))


def check_tiling(
    op: str, sizes: Sizes, reach: Sizes, stride: Sizes, padding: Padding, remainder: str
) -> None:
    """Raise `ShapeError` unless the window fits into the input and, if asked, tiles it."""
    if remainder not in ("error", "drop"):
        raise ShapeError(f'{op}: remainder is "error" or "drop"; got {remainder!r}.')
    for axis, n, f, s, (before, after) in zip(
        AXES[len(sizes)], sizes, reach, stride, padding, strict=True
    ):
        border = f" + {before} + {after} of padding" if before + after else ""
        free = n + before + after - f
        if free < 0:
            raise ShapeError(
                f"{op}: a window of {f} {axis} is larger than its input of {n}{border}. Use a "
                f"smaller window or more padding."
            )
        if free % s and remainder == "error":
            fits = [k for k in range(1, free + 1) if free % k == 0]
            raise ShapeError(
                f"{op}: a window of {f} {axis} with stride {s} does not tile an input of "
                f"{n}{border}: ({n + before + after} - {f}) / {s} + 1 = {free / s + 1:.4g} is no "
                f"whole number. Strides that fit: {fits}; or change the padding, or pass "
                f'remainder="drop" to leave out the last {free % s}.'
            )


def reaches(size: Sizes, dilation: Sizes) -> Sizes:
    """How far a dilated window reaches along each axis."""
    return tuple((f - 1) * d + 1 for f, d in zip(size, dilation, strict=True))


def positions(sizes: Sizes, size: Sizes, stride: Sizes, padding: Padding, dilation: Sizes) -> Sizes:
    """How many positions the window has along each axis."""
    return tuple(
        (n + before + after - f) // s + 1
        for n, f, s, (before, after) in zip(
            sizes, reaches(size, dilation), stride, padding, strict=True
        )
    )


@lru_cache(maxsize=256)
def taps(
    size: Sizes, stride: Sizes, dilation: Sizes, places: Sizes
) -> tuple[tuple[Sizes, tuple[slice, ...]], ...]:
    """For each place in the window: its index, and the slices of the input that it meets."""
    slices = [
        [slice(i * d, i * d + s * (n - 1) + 1, s) for i in range(f)]
        for f, s, d, n in zip(size, stride, dilation, places, strict=True)
    ]
    return tuple(zip(np.ndindex(size), product(*slices), strict=True))
