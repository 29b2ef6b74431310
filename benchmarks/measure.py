"""Timing candidates fairly: interleaved round-robin in one process, medians of many rounds.

All candidates of one benchmark take turns, so that a machine whose speed drifts slows them alike.
The garbage collector stays on, as users have it, and is run before each round.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Timing:
    """Seconds per call of one candidate, one figure a round."""

    rounds: list[float]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.rounds)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, and our time (or size) as a ratio to a peer's."""

    what: str
    peer: str
    ours: str  # our figure, with its unit
    ratio: float | None  # ours over the peer's, the median; None for a figure without a peer
    low: float | None = None  # the middle half of the rounds
    high: float | None = None
    goal: float | None = None  # the ratio to reach


def rows(
    what: str,
    times: Mapping[str, Timing],
    goals: Mapping[str, float],
    *,
    ours: str = "minigrad",
) -> list[Row]:
    """One row for each peer in `times`; our figure alone where none is installed."""
    figure = readable(times[ours].median)
    found = [Row(what, "-", figure, None)] if set(times) == {ours} else []
    for peer, timing in times.items():
        if peer != ours:
            spread = ratios(times[ours].rounds, timing.rounds)
            found.append(Row(what, peer, figure, *spread, goals.get(peer)))
    return found


def readable(seconds: float) -> str:
    """A time in ms or us."""
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"


def interleaved(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int = 40, seconds: float = 0.01
) -> dict[str, Timing]:
    """Time every candidate for about `seconds` in each of `rounds` rounds, in turn."""
    calls = {name: calls_in(step, seconds) for name, step in candidates.items()}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        gc.collect()
        for name, step in candidates.items():
            start = perf_counter()
            for _ in range(calls[name]):
                step()
            times[name].append((perf_counter() - start) / calls[name])
    return {name: Timing(found) for name, found in times.items()}


def calls_in(step: Callable[[], object], seconds: float) -> int:
    """How many calls take about `seconds`, found after a warm-up."""
    step()
    start, calls = perf_counter(), 0
    while perf_counter() - start < seconds:
        step()
        calls += 1
    return max(calls, 1)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Our figures over the peer's, round by round: the median, and the middle half of them."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, theirs, strict=True)])
    return middle, low, high
