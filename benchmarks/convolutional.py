"""One training step of a small convolutional network, batch 32, 32x32x3 images, float32, SGD.

Thread pools of different libraries disturb each other, so every candidate runs in processes of its
own, which take turns; PyTorch on one and on two threads, in both memory layouts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter

import numpy as np

import minigrad as mg
from benchmarks.measure import Row, readable

Shapes = list[tuple[int, ...]]
Step = Callable[[], float]
NETWORKS: dict[str, Shapes] = {
    "lenet": [(6, 3, 5, 5), (6,), (10, 6, 5, 5), (10,), (250, 10), (10,)],
    "wide": [(32, 3, 3, 3), (32,), (64, 32, 3, 3), (64,), (64 * 36, 10), (10,)],
}
CANDIDATES = {  # name -> threads
    "minigrad": 1,
    "PyTorch NCHW, 1 thread": 1,
    "PyTorch NCHW, 2 threads": 2,
    "PyTorch channels last, 1 thread": 1,
    "PyTorch channels last, 2 threads": 2,
}


def data(network: str) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The same images, labels and weights for every candidate."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(32, 3, 32, 32)).astype(np.float32)
    labels = rng.integers(0, 10, 32)
    return (
        images,
        labels,
        [(rng.normal(size=s) * 0.1).astype(np.float32) for s in NETWORKS[network]],
    )


def with_minigrad(network: str) -> Step:
    """The step as a user of minigrad writes it."""
    images, labels, weights = data(network)
    parameters = [mg.Tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2, w3, b3 = parameters
    x = mg.Tensor(images)
    optimiser = mg.optim.SGD(parameters, lr=0.01)

    def step() -> float:
        h = mg.maxpool(mg.relu(mg.conv2d(x, w1, b1)))
        h = mg.maxpool(mg.relu(mg.conv2d(h, w2, b2)), remainder="drop")
        loss = mg.cross_entropy(h.reshape(32, -1) @ w3 + b3, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def with_torch(network: str, threads: int, channels_last: bool) -> Step:
    """The same step in eager PyTorch."""
    import torch

    torch.set_num_threads(threads)
    functional = torch.nn.functional
    images, labels, weights = data(network)
    parameters = [torch.tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2, w3, b3 = parameters
    x, target = torch.tensor(images), torch.tensor(labels)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(parameters, lr=0.01)

    def step() -> float:
        h = functional.max_pool2d(functional.relu(functional.conv2d(x, w1, b1)), 2)
        h = functional.max_pool2d(functional.relu(functional.conv2d(h, w2, b2)), 2)
        loss = functional.cross_entropy(h.reshape(32, -1) @ w3 + b3, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def measure_here(candidate: str, network: str, seconds: float) -> dict[str, object]:
    """The first three losses, and the median seconds of a step, in this process."""
    if candidate == "minigrad":
        step = with_minigrad(network)
    else:
        step = with_torch(network, CANDIDATES[candidate], "last" in candidate)
    losses = [step() for _ in range(3)]
    times = []
    end = perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        step()
        times.append(perf_counter() - start)
    return {"losses": losses, "seconds": statistics.median(times)}


def measured(candidate: str, network: str, seconds: float) -> dict[str, object]:
    """`measure_here` in a new process, the BLAS on one thread."""
    command = [sys.executable, "-m", "benchmarks.convolutional", candidate, network, str(seconds)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    found: dict[str, object] = json.loads(subprocess.check_output(command, env=environment))
    return found


def run_network(network: str, what: str, goal: float, quick: bool) -> list[Row]:
    """Our time as a ratio to each form of PyTorch, and to the best of them."""
    if not find_spec("torch"):
        return []
    rounds: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for _ in range(3 if quick else 7):
        for name in CANDIDATES:
            found = measured(name, network, 0.5 if quick else 1.5)
            rounds[name].append(found["seconds"])
            losses = with_minigrad(network)
            np.testing.assert_allclose(found["losses"], [losses() for _ in range(3)], rtol=2e-4)
    ours = readable(statistics.median(rounds["minigrad"]))
    best = min(list(CANDIDATES)[1:], key=lambda name: statistics.median(rounds[name]))
    rows = []
    for name in list(CANDIDATES)[1:]:
        pairs = zip(rounds["minigrad"], rounds[name], strict=True)
        low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
        rows.append(Row(what, name, ours, middle, low, high, goal if name == best else None))
    return rows


if __name__ == "__main__":
    print(json.dumps(measure_here(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
