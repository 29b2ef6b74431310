"""Printing what was measured: a table, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row

PEERS = ("torch", "jax", "autograd", "mygrad", "micrograd")


def show(rows: Iterable[Row]) -> None:
    """Print the rows, and below them what they were measured with."""
    table = Table("what", "ours", "peer", "ratio", "middle half", "goal")
    for row in rows:
        table.add_row(row.what, row.ours, row.peer, *figures(row))
    console = Console()
    console.print(table)
    console.print(machine(), style="dim")


def figures(row: Row) -> tuple[str, str, str]:
    """The ratio, its spread and the goal, as text; green where the goal is reached."""
    spread = "" if row.low is None else f"{row.low:.2f} to {row.high:.2f}"
    if row.ratio is None:
        return "", spread, ""
    goal = "" if row.goal is None else f"<= {row.goal:g}"
    reached = row.goal is None or row.ratio <= row.goal
    return f"[{'green' if reached else 'red'}]{row.ratio:.2f}x[/]", spread, goal


def machine() -> str:
    """Python, NumPy and its BLAS, the peers' versions, the processor's cores."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    kernel = os.environ.get("OPENBLAS_CORETYPE", "chosen by the library")
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "chosen by the library")
    peers = ", ".join(f"{name} {installed(name)}" for name in PEERS)
    return (
        f"Python {platform.python_version()}, NumPy {np.__version__}, {blas['name']} "
        f"{blas['version']} (kernels {kernel}, threads {threads}), {os.cpu_count()} cores; {peers}"
    )


def installed(name: str) -> str:
    """The version of a package, or that it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
