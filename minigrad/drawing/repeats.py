"""Parts of a sequence that come several times in a row: a b c a b c a b c is (a b c) x 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minigrad.core.node import Array

LONGEST = 2000  # steps of a repeated part


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part of `period` steps that begins at `start` and comes `times` times in a row."""

    start: int
    period: int
    times: int


def repeats(steps: Sequence[object], least: int = 2) -> list[Repeat]:
    """Disjoint repeats, in order: those that spare most first, and of equals the shortest period.

    Steps may be any hashable things. Time is the length times the longest period looked at,
    as comparisons of whole arrays.

    >>> repeats("xabababy")
    [Repeat(start=1, period=2, times=3)]
    """
    known: dict[object, int] = {}
    codes = np.array([known.setdefault(step, len(known)) for step in steps], dtype=np.int64)
    found: list[Repeat] = []
    for period in range(1, min(len(codes) // least, LONGEST) + 1):
        for start, length in stretches(codes[period:] == codes[:-period], period * (least - 1)):
            found.append(Repeat(start, period, (length + period) // period))
    found.sort(key=lambda r: (-(r.times - 1) * r.period, r.period, r.start))
    taken = np.zeros(len(codes), dtype=bool)
    chosen = []
    for repeat in found:
        span = slice(repeat.start, repeat.start + repeat.period * repeat.times)
        if not taken[span].any():
            taken[span] = True
            chosen.append(repeat)
    return sorted(chosen, key=lambda r: r.start)


def stretches(on: Array, least: int) -> list[tuple[int, int]]:
    """The start and the length of every stretch of at least so many True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    long = lengths >= least
    return list(zip(starts[long].tolist(), lengths[long].tolist(), strict=True))
