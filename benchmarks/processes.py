"""Candidates in processes of their own: thread pools and allocators of libraries interfere."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_new_process(function: Callable[P, T], *arguments: P.args, **settings: P.kwargs) -> T:
    """What the function returns when a new process calls it, as fresh as one from the shell.

    It inherits the environment, and with it the one thread that `benchmarks` asks of the BLAS.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(function, *arguments, **settings).result()
