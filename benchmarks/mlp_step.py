"""One training step of a classifier: 784-128-10, relu, batch 64, float32, cross-entropy, Adam."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

import minigrad as mg
from benchmarks.measure import Row, interleaved, rows
from benchmarks.table import show

RNG = np.random.default_rng(0)
IMAGES = RNG.random((64, 784), dtype=np.float32)
LABELS = RNG.integers(0, 10, 64)
SHAPES = (784, 128), (128,), (128, 10), (10,)
WEIGHTS = [(RNG.normal(size=shape) * 0.05).astype(np.float32) for shape in SHAPES]
Step = Callable[[], float]


def with_minigrad() -> Step:
    """The step as a user of minigrad writes it."""
    w1, b1, w2, b2 = (mg.Tensor(w, requires_grad=True) for w in WEIGHTS)
    x = mg.Tensor(IMAGES)
    optimiser = mg.optim.Adam([w1, b1, w2, b2], lr=1e-3)

    def step() -> float:
        loss = mg.cross_entropy(mg.relu(x @ w1 + b1) @ w2 + b2, LABELS)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_torch() -> Step:
    """The step in eager PyTorch, on one thread."""
    import torch

    torch.set_num_threads(1)
    functional = torch.nn.functional
    w1, b1, w2, b2 = (torch.tensor(w, requires_grad=True) for w in WEIGHTS)
    x, labels = torch.tensor(IMAGES), torch.tensor(LABELS)
    optimiser = torch.optim.Adam([w1, b1, w2, b2], lr=1e-3)

    def step() -> float:
        loss = functional.cross_entropy(functional.relu(x @ w1 + b1) @ w2 + b2, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to PyTorch's."""
    if not find_spec("torch"):
        return []
    ours, theirs = ([step() for _ in range(3)] for step in (with_minigrad(), with_torch()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    times = interleaved(
        {"minigrad": with_minigrad(), "PyTorch eager": with_torch()}, rounds=10 if quick else 40
    )
    return rows("MLP step, 784-128-10, batch 64, float32, Adam", times, {"PyTorch eager": 0.7})


if __name__ == "__main__":
    show(run())
