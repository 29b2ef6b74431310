"""The most memory that training steps of the LeNet-like network need beyond what was there before.

Counted is resident memory, as Linux counts it: the high-water mark during three steps, less what
was resident before the first of them: the libraries, warmed up by a step of batch 1, and the
images, labels and weights. It is activations, columns, gradients, what a library keeps from step
to step, and what its allocator holds although it is free: all that the machine must have. What the
warm-up left free in the allocator is given back first, else the steps would use it uncounted; and
code of the libraries that is first used, and so read from their files, during the steps is no
memory of the steps (PyTorch reads 5 MB). Each figure is of a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import statistics
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.convnet import LENET
from benchmarks.convolutional import CANDIDATES
from benchmarks.measure import Row, ratios
from benchmarks.processes import in_new_process
from benchmarks.table import show

OURS, PEER = "minigrad, 1 thread", "PyTorch NCHW, 1 thread"


def memory_of_steps(name: str, batch: int) -> tuple[list[float], int]:
    """The losses of three steps, and the bytes that they needed at most, in this process."""
    candidate = CANDIDATES[name]
    with candidate.within():
        candidate.make(replace(LENET, batch=1))()
        step = candidate.make(replace(LENET, batch=batch))
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        before, files = status("VmRSS"), status("RssFile")
        Path("/proc/self/clear_refs").write_text("5")  # 5: forget the high-water mark
        losses = [step() for _ in range(3)]
        return losses, status("VmHWM") - before - (status("RssFile") - files)


def status(entry: str) -> int:
    """An entry of what Linux tells about this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{entry}:"))
    return int(line.split()[1]) * 1024  # the file is in kB, by which it means KiB


def run(quick: bool = False) -> list[Row]:
    """Our bytes as a ratio to PyTorch's, for a small batch and for one where noise counts less."""
    if sys.platform != "linux":
        return []
    return [row_of_batch(batch, 3 if quick else 9) for batch in (32, 256)]


def row_of_batch(batch: int, rounds: int) -> Row:
    """The same for one size of batch."""
    names = [name for name in (OURS, PEER) if find_spec(CANDIDATES[name].module)]
    found: dict[str, list[int]] = {name: [] for name in names}
    expected: list[float] = []
    for _ in range(rounds):
        for name in names:
            losses, needed = in_new_process(memory_of_steps, name, batch)
            expected = expected or losses
            np.testing.assert_allclose(losses, expected, rtol=2e-5, err_msg=name)
            found[name].append(needed)
    what = f"memory of a LeNet-like step, batch {batch}, float32"
    figure = f"{statistics.median(found[OURS]) / 1e6:.1f} MB"
    if PEER not in found:
        return Row(what, "-", figure, None)
    return Row(what, PEER, figure, *ratios(found[OURS], found[PEER]), 1.2)


if __name__ == "__main__":
    show(run())
