"""A chain of 1,000,000 additions: recording, backward, freeing, and the memory that it keeps.

Each candidate runs in a process of its own, since memory is measured from outside; they alternate.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from importlib.util import find_spec

from benchmarks.measure import Row, ratios
from benchmarks.table import show

LENGTH = 1_000_000
PROGRAM = """
import json, sys, time
import numpy as np
length = int(sys.argv[2])
if sys.argv[1] == "minigrad":
    import minigrad as mg
    x, c = mg.Tensor(np.ones(4), requires_grad=True), mg.Tensor(np.ones(4))
    cotangent = np.ones(4)
else:
    import torch
    torch.set_num_threads(1)
    x = torch.ones(4, dtype=torch.float64, requires_grad=True)
    c = cotangent = torch.ones(4, dtype=torch.float64)
(x + c).backward(cotangent)
x.grad = None
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
before, start = resident(), time.perf_counter()
y = x
for _ in range(length):
    y = y + c
recorded, kept = time.perf_counter(), resident() - before
y.backward(cotangent)
swept = time.perf_counter()
del y
freed = time.perf_counter()
assert float(x.grad[0]) == 1.0
print(json.dumps({"seconds": freed - start, "bytes": kept / length}))
"""


def measured(candidate: str, length: int) -> dict[str, float]:
    """The seconds and the bytes per op of one run in a new process."""
    command = [sys.executable, "-c", PROGRAM, candidate, str(length)]
    figures: dict[str, float] = json.loads(subprocess.check_output(command, text=True))
    return figures


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to PyTorch's, and the bytes an op keeps."""
    length = LENGTH // 10 if quick else LENGTH
    rounds = 3 if quick else 7
    ours = [measured("minigrad", length) for _ in range(1 if find_spec("torch") else rounds)]
    theirs: list[dict[str, float]] = []
    while find_spec("torch") and len(theirs) < rounds:
        theirs.append(measured("PyTorch eager", length))
        ours.append(measured("minigrad", length))
    kept = statistics.median(figures["bytes"] for figures in ours)
    what = f"chain of {length:,} additions: record, backward, free"
    size = Row(what + " (bytes an op)", "-", f"{kept:.0f} B", None)
    if not theirs:
        return [size]
    times, rivals = ([figures["seconds"] for figures in found] for found in (ours[1:], theirs))
    seconds = f"{statistics.median(times):.2f} s"
    return [Row(what, "PyTorch eager", seconds, *ratios(times, rivals), 0.8), size]


if __name__ == "__main__":
    show(run())
