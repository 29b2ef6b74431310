"""The geometry of sliding a window: sizes, strides, padding, and the lecture's rule for tiling.

A window of size F, stepped by S over an input of size N with padding P, has (N + 2P - F) / S + 1
positions. Where that is no whole number, `remainder="error"` refuses and `"drop"` leaves out the
border that is not reached.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from minigrad.errors import ShapeError

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
Remainder = Literal["error", "drop"]


def pair(op: str, name: str, given: Any, least: int = 1) -> Pair:
    """One int for both axes, or one for each (rows, columns)."""
    both = (given, given) if np.ndim(given) == 0 else tuple(given)
    if len(both) != 2 or any(int(n) != n or n < least for n in both):
        raise ShapeError(
            f"{op}: {name} is a whole number of at least {least}, or a pair (rows, columns) of "
            f"them; got {given!r}."
        )
    return int(both[0]), int(both[1])


def resolve_padding(
    op: str, given: int | Pair | str, sizes: Pair, reach: Pair, stride: Pair
) -> Padding:
    """Padding as ((top, bottom), (left, right)), from an int, a pair, "same" or "valid".

    "same" gives ceil(N / S) positions; an odd amount has its extra row or column at the end.
    """
    if given == "valid":
        return (0, 0), (0, 0)
    if given == "same":
        total = [
            max((-(-n // s) - 1) * s + f - n, 0)
            for n, f, s in zip(sizes, reach, stride, strict=True)
        ]
        return (total[0] // 2, -(-total[0] // 2)), (total[1] // 2, -(-total[1] // 2))
    if isinstance(given, str):
        raise ShapeError(
            f'{op}: padding is an int, a pair (rows, columns), "same" or "valid"; got {given!r}.'
        )
    rows, columns = pair(op, "padding", given, least=0)
    return (rows, rows), (columns, columns)


def check_tiling(
    op: str, sizes: Pair, reach: Pair, stride: Pair, padding: Padding, remainder: str
) -> None:
    """Raise `ShapeError` unless the window fits into the input and, if asked, tiles it."""
    if remainder not in ("error", "drop"):
        raise ShapeError(f'{op}: remainder is "error" or "drop"; got {remainder!r}.')
    for axis, n, f, s, (before, after) in zip(
        ("rows", "columns"), sizes, reach, stride, padding, strict=True
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


def windows(x: np.ndarray, size: Pair, stride: Pair, dilation: Pair = (1, 1)) -> np.ndarray:
    """A read-only view of every window: (..., H, W) -> (..., Ho, Wo, Fh, Fw)."""
    reach = tuple((f - 1) * d + 1 for f, d in zip(size, dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(-2, -1))
    return view[..., :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def taps(size: Pair, stride: Pair, dilation: Pair, positions: Pair):
    """For each place (i, j) in the window: the slices of the input that it meets, in order."""
    for i in range(size[0]):
        for j in range(size[1]):
            top, left = i * dilation[0], j * dilation[1]
            rows = slice(top, top + stride[0] * (positions[0] - 1) + 1, stride[0])
            columns = slice(left, left + stride[1] * (positions[1] - 1) + 1, stride[1])
            yield i, j, rows, columns
