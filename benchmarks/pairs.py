"""A small training step beside each peer, the two of them alone in a process.

What a library leaves behind when it is imported (its thread pools, its garbage collector's
callbacks, a larger heap) slows the others by a few hundredths: so one peer a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.measure import Row, Timing, interleaved, rows
from benchmarks.processes import in_new_process

Step = Callable[[], float]
OURS = "minigrad"


def beside_each(
    what: str,
    ours: Callable[[], Step],
    peers: Mapping[str, Callable[[], Step]],
    goals: Mapping[str, float],
    *,
    tolerance: float,
    quick: bool,
) -> list[Row]:
    """One row for each peer, whose losses must be ours; our figure alone where there is none."""
    rounds = 10 if quick else 40
    found = []
    for peer, make in peers.items():
        times = in_new_process(timed, {OURS: ours, peer: make}, tolerance, rounds)
        found += rows(what, times, goals)
    return found or rows(what, in_new_process(timed, {OURS: ours}, tolerance, rounds), goals)


def timed(
    makers: Mapping[str, Callable[[], Step]], tolerance: float, rounds: int
) -> dict[str, Timing]:
    """The times of steps that come to the same losses, in turn, in this process."""
    losses = {name: losses_of(make()) for name, make in makers.items()}
    for name, found in losses.items():
        np.testing.assert_allclose(found, losses[OURS], rtol=tolerance, err_msg=name)
    return interleaved({name: make() for name, make in makers.items()}, rounds=rounds)


def losses_of(step: Step) -> list[float]:
    """The losses of the first three steps."""
    return [float(step()) for _ in range(3)]
