"""Convolution and maxpool alone, with gradients, in 12 geometries, batch 32, float32.

Beside PyTorch on one thread, NCHW: images, filters and cotangents come contiguous to both, so that
laying them out with the batch last, as minigrad does, is part of what is measured (in a network
only the first layer pays for it). A call computes the value and the gradients of images and
filters. They agree with PyTorch's to a hundred-thousandth of the largest, else nothing is timed.
Filters of 3x3 and 7x7 pad their images, so that maps keep their size, or half of it. Both libraries
take turns in one process, a new one, where nothing else has started threads, and whose allocator
keeps what is freed: else fetching pages is up to half of the time, of the one library or the other
as the sizes fall out, and depends on which geometries went before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod, sqrt
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks.measure import Row, interleaved, rows
from benchmarks.processes import in_new_process
from benchmarks.table import show

Call = Callable[[], list[Any]]
PEER = "PyTorch NCHW, 1 thread"


@dataclass(frozen=True)
class Convolution:
    """Square filters over square images."""

    channels: int
    filters: int
    side: int
    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of images and filters."""
        images = (32, self.channels, self.side, self.side)
        return [images, (self.filters, self.channels // self.groups, self.size, self.size)]

    def settings(self) -> dict[str, Any]:
        """The keywords, the same for both libraries."""
        names = "stride", "padding", "dilation", "groups"
        return {name: getattr(self, name) for name in names}

    def minigrad(self, x: Any, w: Any) -> Any:
        """As a user of minigrad writes it."""
        return mg.conv2d(x, w, **self.settings(), remainder="drop")

    def torch(self, x: Any, w: Any) -> Any:
        """The same in PyTorch."""
        import torch

        return torch.nn.functional.conv2d(x, w, **self.settings())


@dataclass(frozen=True)
class Pooling:
    """Square windows over the maps of 16 channels."""

    side: int
    size: int
    stride: int

    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of the maps."""
        return [(32, 16, self.side, self.side)]

    def minigrad(self, x: Any) -> Any:
        """As a user of minigrad writes it."""
        return mg.maxpool(x, self.size, stride=self.stride)

    def torch(self, x: Any) -> Any:
        """The same in PyTorch."""
        import torch

        return torch.nn.functional.max_pool2d(x, self.size, self.stride)


Geometry = Convolution | Pooling
GEOMETRIES: dict[str, Geometry] = {
    "conv 5x5, 3 to 6 channels, 32x32": Convolution(3, 6, 32, 5),
    "conv 5x5, 6 to 10, 14x14": Convolution(6, 10, 14, 5),
    "conv 3x3, 3 to 32, 32x32": Convolution(3, 32, 32, 3, padding=1),
    "conv 3x3, 32 to 64, 16x16": Convolution(32, 64, 16, 3, padding=1),
    "conv 3x3, 32 to 64, 16x16, stride 2": Convolution(32, 64, 16, 3, padding=1, stride=2),
    "conv 1x1, 64 to 64, 16x16": Convolution(64, 64, 16, 1),
    "conv 7x7, 3 to 32, 64x64, stride 2": Convolution(3, 32, 64, 7, padding=3, stride=2),
    "conv 3x3, 64 to 64 in 4 groups, 16x16": Convolution(64, 64, 16, 3, padding=1, groups=4),
    "conv 3x3, 32 channels each alone, 32x32": Convolution(32, 32, 32, 3, padding=1, groups=32),
    "conv 3x3, 16 to 16, 32x32, dilation 2": Convolution(16, 16, 32, 3, padding=2, dilation=2),
    "maxpool 2x2, 16 channels, 32x32": Pooling(32, 2, 2),
    "maxpool 3x3, 16 channels, 31x31, stride 2": Pooling(31, 3, 2),
}


def arrays(geometry: Geometry) -> list[Any]:
    """Random inputs of the geometry, of a size that keeps values near 1."""
    rng = np.random.default_rng(0)
    images, *filters = geometry.shapes()
    found = [rng.normal(size=images)]
    found += [rng.normal(size=shape) / sqrt(prod(shape[1:])) for shape in filters]
    return [array.astype(np.float32) for array in found]


def calls(geometry: Geometry) -> dict[str, Call]:
    """For each library a call that gives the value and the gradients."""
    import torch

    torch.set_num_threads(1)
    inputs = arrays(geometry)
    tensors = [mg.Tensor(array, requires_grad=True) for array in inputs]
    rivals = [torch.tensor(array, requires_grad=True) for array in inputs]
    shape = tuple(geometry.torch(*rivals).shape)
    cotangent = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    return {
        "minigrad": call(geometry.minigrad, tensors, cotangent),
        PEER: call(geometry.torch, rivals, torch.tensor(cotangent)),
    }


def call(op: Callable[..., Any], inputs: list[Any], cotangent: Any) -> Call:
    """Apply the op, pull the cotangent back, and give the value and the gradients."""

    def compute() -> list[Any]:
        for x in inputs:
            x.grad = None
        value = op(*inputs)
        value.backward(cotangent)
        return [value.detach(), *(x.grad for x in inputs)]

    return compute


def check(name: str, candidates: dict[str, Call]) -> None:
    """Raise unless both come to the same value and gradients."""
    ours, theirs = (map(np.asarray, compute()) for compute in candidates.values())
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * abs(b).max(), err_msg=name)


def measure_here(quick: bool) -> list[Row]:
    """One row a geometry, measured in this process."""
    np.ones(2**25 - 2**20, np.uint8)  # freed at once: after it glibc keeps up to 62 MB at hand
    found = []
    for name, geometry in GEOMETRIES.items():
        candidates = calls(geometry)
        check(name, candidates)
        times = interleaved(candidates, rounds=10 if quick else 40)
        found += rows(name, times, {PEER: 2.5})
    return found


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to PyTorch's, and in how many geometries it is longer."""
    if not find_spec("torch"):
        return []
    found = in_new_process(measure_here, quick)
    slower = sum(row.ratio is not None and row.ratio > 1 for row in found)
    what = "geometries in which ours takes longer, and their share"
    count = f"{slower} of {len(found)}"
    return [*found, Row(what, PEER, count, slower / len(found), goal=0.5)]


if __name__ == "__main__":
    show(run())
