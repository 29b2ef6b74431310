"""`import minigrad` against `import numpy` alone, each in new processes, in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from benchmarks.measure import Row, ratios
from benchmarks.table import show

PROGRAM = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


def seconds_to_import(module: str) -> float:
    """How long a new process takes to import a module, the compiled files being there."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    return float(subprocess.check_output(command, env=environment, text=True))


def run(quick: bool = False) -> list[Row]:
    """Our import as a ratio to NumPy's."""
    rounds = 9 if quick else 161  # single imports differ by a third
    seconds_to_import("minigrad")
    pairs = [(seconds_to_import("minigrad"), seconds_to_import("numpy")) for _ in range(rounds)]
    ours, theirs = zip(*pairs, strict=True)
    figure = f"{statistics.median(ours) * 1e3:.0f} ms"
    return [Row("import", "NumPy alone", figure, *ratios(ours, theirs), 1.15)]


if __name__ == "__main__":
    show(run())
