"""Printing what was measured: a table, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row

PEERS = ("torch", "jax", "autograd", "mygrad", "micrograd")


def show(rows: Iterable[Row]) -> None:
    """Print the rows, and below them what they were measured with."""
    table = Table("what", "ours", "peer", "ratio", "middle half", "goal")
    above = ""
    for row in rows:
        what = "" if row.what == above else row.what  # said once, in the first of its rows
        table.add_row(what, row.ours, row.peer, *figures(row))
        above = row.what
    console = Console()
    if not console.is_terminal:  # a file is as wide as it needs to be
        console.width = 140
    console.print(table)
    console.print(machine(), style="dim", highlight=False)


def figures(row: Row) -> tuple[str, str, str]:
    """The ratio, its spread and the goal, as text; green where the goal is reached."""
    spread = "" if row.low is None else f"{row.low:.2f} to {row.high:.2f}"
    if row.ratio is None:
        return "", spread, ""
    goal = "" if row.goal is None else f"<= {row.goal:g}"
    reached = row.goal is None or row.ratio <= row.goal
    return f"[{'green' if reached else 'red'}]{row.ratio:.2f}x[/]", spread, goal


def machine() -> str:
    """The processor; Python, NumPy and its BLAS; the peers' versions, and which are missing."""
    found = {name: installed(name) for name in PEERS}
    peers = ", ".join(f"{name} {number}" for name, number in found.items() if number)
    missing = ", ".join(name for name, number in found.items() if not number)
    return (
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"NumPy {np.__version__}, {blas()}; {peers or 'no peers'}"
        + (f"; not installed: {missing}" if missing else "")
    )


def processor() -> str:
    """The model's name as Linux knows it; elsewhere what Python makes of it."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def blas() -> str:
    """NumPy's BLAS: which, the kernels it chose on this processor, its threads."""
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = f"{built['name']} {built['version']}"
    if find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info

        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        pools.sort(key=lambda pool: "numpy" not in pool["filepath"])  # peers may bring their own
        if pools:
            kernels = pools[0].get("architecture", "unknown")
            return f"{name} (kernels {kernels}, threads {pools[0]['num_threads']})"
    # without threadpoolctl nobody tells what was chosen, only what was asked for
    kernels = os.environ.get("OPENBLAS_CORETYPE", "chosen by the library")
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "chosen by the library")
    return f"{name} (kernels {kernels}, threads {threads})"


def installed(name: str) -> str:
    """The version of a package; empty if it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
