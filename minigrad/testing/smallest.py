"""The smallest input that still shows what is wrong: shorter axes, then simpler numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.core.node import Array

ATTEMPTS = 200

Arrays = tuple[Array, ...]


def smallest(
    finding: Any, point: Any, check: Callable[[Any], Any], kind: type[Exception]
) -> tuple[Any, Any]:
    """Shrink the arrays of a point as long as `check` still raises a finding like this one."""
    left = ATTEMPTS
    shrunk = True
    while shrunk and left > 0:
        shrunk = False
        for arrays in simpler(point.arrays):
            left -= 1
            found = outcome(point.at(arrays), check, kind)
            if found is not None and found.problem == finding.problem:
                finding, point, shrunk = found, point.at(arrays), True
                break
            if left <= 0:
                break
    return finding, point


def outcome(point: Any, check: Callable[[Any], Any], kind: type[Exception]) -> Any:
    """What `check` finds at a point, or None; arrays that the function refuses show nothing."""
    try:
        check(point)
    except kind as finding:
        return finding
    except Exception:  # the function is the user's: it may refuse other shapes in any way
        return None
    return None


def simpler(arrays: Arrays) -> Iterator[Arrays]:
    """Simpler arrays to try: axes of one length cut together, each alone, then rounding."""
    lengths = sorted({n for x in arrays for n in x.shape if n > 1}, reverse=True)
    for n in lengths:
        for shorter in sorted({1, n // 2, n - 1}):
            yield tuple(x[tuple(slice(shorter if m == n else m) for m in x.shape)] for x in arrays)
    for i, x in enumerate(arrays):
        for axis, n in enumerate(x.shape):
            if n > 1:
                yield replaced(arrays, i, np.take(x, range(n - 1), axis))
    if any(x.shape for x in arrays) and all(x.size == 1 for x in arrays):
        yield tuple(x.reshape(()) for x in arrays)
    for i, x in enumerate(arrays):
        for rounded in (np.ones_like(x), np.round(x), np.round(x, 1)):
            if simplicity(rounded) < simplicity(x):
                yield replaced(arrays, i, rounded)


def replaced(arrays: Arrays, place: int, new: Array) -> Arrays:
    """The arrays with another one at a place."""
    return (*arrays[:place], new, *arrays[place + 1 :])


def simplicity(x: Array) -> tuple[float, ...]:
    """What makes an array simple: few decimals, few different numbers, many ones."""
    decimals = [np.sum(np.round(x, digits) != x) for digits in (0, 1)]
    return (*decimals, len(np.unique(x)), np.sum(x != 1))
