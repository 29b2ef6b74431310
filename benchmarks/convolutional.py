"""One training step of a small convolutional network in every library, form by form.

Thread pools of different libraries disturb each other, so every candidate runs in processes of its
own, which take turns: PyTorch on one and on two threads, in both memory layouts; JAX on all cores.
All of them step for the same time, so that a slow one takes fewer steps.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from time import perf_counter

import numpy as np

import minigrad as mg
from benchmarks.convnet import Network, Step, with_jax, with_minigrad, with_mygrad, with_torch
from benchmarks.measure import Row, ratios, readable
from benchmarks.processes import in_new_process


@dataclass(frozen=True)
class Candidate:
    """One form of a library: how it makes a step, and what is around the steps."""

    module: str
    threads: int
    make: Callable[[Network], Step]
    within: Callable[[], AbstractContextManager[object]] = nullcontext


SINGLE = "minigrad, 1 thread"
CANDIDATES = {
    SINGLE: Candidate("minigrad", 1, with_minigrad),
    "minigrad, 2 threads": Candidate("minigrad", 2, with_minigrad, partial(mg.threads, 2)),
    "PyTorch NCHW, 1 thread": Candidate("torch", 1, with_torch),
    "PyTorch NCHW, 2 threads": Candidate("torch", 2, partial(with_torch, threads=2)),
    "PyTorch channels last, 1 thread": Candidate(
        "torch", 1, partial(with_torch, channels_last=True)
    ),
    "PyTorch channels last, 2 threads": Candidate(
        "torch", 2, partial(with_torch, threads=2, channels_last=True)
    ),
    "JAX jit, 2 threads": Candidate("jax", 2, with_jax),
    "MyGrad, 1 thread": Candidate("mygrad", 1, with_mygrad),
}


def time_step(name: str, network: Network, seconds: float) -> tuple[list[float], float]:
    """The first three losses, and the median seconds of a step, in this process."""
    candidate = CANDIDATES[name]
    with candidate.within():
        step = candidate.make(network)
        losses = [step() for _ in range(3)]
        times = []
        end = perf_counter() + seconds
        while perf_counter() < end:
            start = perf_counter()
            step()
            times.append(perf_counter() - start)
    return losses, statistics.median(times)


def measured(network: Network, quick: bool) -> dict[str, list[float]]:
    """Seconds of a step by each candidate that is installed, one figure a round."""
    rounds: dict[str, list[float]] = {
        name: [] for name, candidate in CANDIDATES.items() if find_spec(candidate.module)
    }
    expected: list[float] = []
    for _ in range(3 if quick else 7):
        for name, found in rounds.items():
            losses, seconds = in_new_process(time_step, name, network, 0.5 if quick else 1.5)
            expected = expected or losses
            np.testing.assert_allclose(losses, expected, rtol=2e-5, err_msg=name)
            found.append(seconds)
    return rounds


def run_network(network: Network, what: str, goal: float, quick: bool) -> list[Row]:
    """Our one thread beside every other; our best beside all, the goal beside PyTorch's best."""
    rounds = measured(network, quick)
    medians = {name: statistics.median(found) for name, found in rounds.items()}
    order = sorted(medians, key=medians.__getitem__)
    best = next(name for name in order if CANDIDATES[name].module == "minigrad")
    rival = next((name for name in order if CANDIDATES[name].module == "torch"), None)
    peers = [name for name in rounds if CANDIDATES[name].module != "minigrad"]
    pairs = [(best, peer) for peer in peers]
    if best != SINGLE:
        pairs = [(SINGLE, peer) for peer in peers if CANDIDATES[peer].threads == 1] + pairs
    rows = []
    for ours, peer in pairs:
        figure = f"{readable(medians[ours])}, {ours.partition(', ')[2]}"
        aim = goal if (ours, peer) == (best, rival) else None
        rows.append(Row(what, peer, figure, *ratios(rounds[ours], rounds[peer]), aim))
    return rows or [Row(what, "-", readable(medians[best]), None)]
