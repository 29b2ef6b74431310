"""Single ops on a 4x8 array, forward and backward: what recording and sweeping cost."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks.measure import Row, interleaved, rows
from benchmarks.table import show

RNG = np.random.default_rng(0)
X, Y, COTANGENT = (RNG.normal(size=(4, 8)) for _ in range(3))
SQUARE = RNG.normal(size=(8, 8))
OPS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "add": (lambda x, y: x + y, (X, Y)),
    "relu": (lambda x: x.relu() if hasattr(x, "relu") else mg.relu(x), (X,)),
    "matmul": (lambda x, y: x @ y, (X, SQUARE)),
}


def with_minigrad(op: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> Callable[[], Any]:
    """Apply the op and pull a cotangent back."""
    inputs = [mg.Tensor(a, requires_grad=True) for a in arrays]

    def step() -> Any:
        for x in inputs:
            x.grad = None
        op(*inputs).backward(COTANGENT)
        return inputs[0].grad

    return step


def with_torch(op: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> Callable[[], Any]:
    """The same in eager PyTorch, on one thread."""
    import torch

    torch.set_num_threads(1)
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    cotangent = torch.tensor(COTANGENT)

    def step() -> Any:
        for x in inputs:
            x.grad = None
        op(*inputs).backward(cotangent)
        return inputs[0].grad

    return step


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to PyTorch's, for each op."""
    found = []
    for name, (op, arrays) in OPS.items():
        candidates = {"minigrad": with_minigrad(op, arrays)}
        if find_spec("torch"):
            candidates["PyTorch eager"] = with_torch(op, arrays)
        ours, *theirs = (np.asarray(step()) for step in candidates.values())
        for gradient in theirs:
            np.testing.assert_allclose(ours, gradient, rtol=1e-12)
        times = interleaved(candidates, rounds=10 if quick else 40)
        found += rows(f"{name} of 4x8, float64", times, {"PyTorch eager": 0.6})
    return found


if __name__ == "__main__":
    show(run())
