"""`threads`: how many threads convolution and pooling are split over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

from threadpoolctl import threadpool_limits

from minigrad.core import dealing


@contextmanager
def threads(number: int | None = None) -> Iterator[None]:
    """Split convolution and pooling over threads: a `with` block, or a decorator.

    `number` is how many, by default one for each processor that this process may use. Inside, each
    works at its own part, and NumPy's BLAS keeps to one thread, in the whole process: two pools of
    threads that wait for each other stall. The results are the same to the last bit, whatever the
    number. Outside, minigrad does what NumPy does. Threads of your own enter blocks of their own.

    Raises `ValueError` unless `number` is a whole number of 1 or more.

    >>> import numpy as np, minigrad as mg
    >>> images, filters = np.ones((64, 3, 32, 32)), np.ones((8, 3, 5, 5))
    >>> with mg.threads(2):
    ...     maps = mg.conv2d(images, filters)
    >>> np.array_equal(maps, mg.conv2d(images, filters))
    True
    """
    if number is None:
        number = processors()
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"threads: takes a whole number of 1 or more; got {number!r}.")
    token = dealing.threads.set(number)
    BLAS.hold()
    try:
        yield
    finally:
        BLAS.release()
        dealing.threads.reset(token)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BLAS:
    """NumPy's BLAS, held to one thread for as long as some block needs it.

    Blocks of several threads end in any order, and threadpoolctl takes orders from one thread
    only: so the first block and the last give theirs to the same keeper.
    """

    lock = Lock()
    keeper = ThreadPoolExecutor(1, thread_name_prefix="minigrad-blas")  # starts when it is needed
    blocks = 0
    limits: Any = None

    @classmethod
    def hold(cls) -> None:
        """One block more needs it."""
        with cls.lock:
            if not cls.blocks:
                cls.limits = cls.keeper.submit(held).result()
            cls.blocks += 1

    @classmethod
    def release(cls) -> None:
        """One block less; after the last it has as many threads as before."""
        with cls.lock:
            cls.blocks -= 1
            if not cls.blocks:
                try:
                    released = cls.keeper.submit(cls.limits.__exit__, None, None, None)
                except RuntimeError:  # the process ends inside the block: no threads any more
                    return
                released.result()


def held() -> Any:
    """The limit of one thread, in force."""
    limits = threadpool_limits(limits=1, user_api="blas")
    limits.__enter__()
    return limits


def keeper_of_a_child() -> None:
    """Threads do not live on in a forked process, nor do locks that another thread holds."""
    BLAS.lock = Lock()
    BLAS.keeper = ThreadPoolExecutor(1, thread_name_prefix="minigrad-blas")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=keeper_of_a_child)
