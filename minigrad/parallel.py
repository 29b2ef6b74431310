"""`threads`: how many threads convolution and pooling are split over."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from operator import index
from queue import SimpleQueue
from typing import Any, ClassVar, SupportsIndex

from threadpoolctl import threadpool_limits

from minigrad.core import dealing
from minigrad.core.blocks import Block, Entry


def threads(number: SupportsIndex | None = None) -> Block:
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
    try:
        whole = index(number)
    except TypeError:
        whole = 0
    if whole < 1:
        raise ValueError(f"threads: takes a whole number of 1 or more; got {number!r}.")
    return ThreadsBlock(whole)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BLAS:
    """NumPy's BLAS, held to one thread for as long as some block needs it.

    Blocks of several threads end in any order, and threadpoolctl takes orders from one thread
    only: the keeper. It is asked for no change, but to see what is needed now: so it may be asked
    twice, or by whoever comes next, where Ctrl-C came between. Ctrl-C never stops the keeper, for
    Python raises it in the main thread; and whoever waits for it waits in C, where `threading` and
    `concurrent.futures` would have to leave their locks in order.
    """

    needed: ClassVar[dict[Entry, int]] = {}  # by which blocks, each entered in which thread
    limits: Any = None  # in force
    requests: SimpleQueue[Any] = SimpleQueue()  # a lock each, to be released when it is seen to
    keeping = allocate_lock()  # held by the keeper, for as long as it lives

    @classmethod
    def settle(cls) -> None:
        """Return when it has as many threads as it should."""
        if sys.is_finalizing():  # no threads any more
            return
        done = allocate_lock()
        done.acquire()
        cls.requests.put(done)
        if not cls.keeping.locked():
            start_new_thread(cls.serve, ())
        done.acquire()

    @classmethod
    def serve(cls) -> None:
        """What the keeper does."""
        keeping = cls.keeping
        if not keeping.acquire(blocking=False):
            return
        try:
            while True:
                done = cls.requests.get()
                try:
                    cls.keep()
                finally:
                    done.release()
        finally:
            keeping.release()

    @classmethod
    def keep(cls) -> None:
        """One thread where that is needed, else as many as before."""
        if cls.needed and cls.limits is None:
            cls.limits = threadpool_limits(limits=1, user_api="blas")
        elif not cls.needed and cls.limits is not None:
            cls.limits.restore_original_limits()
            cls.limits = None

    @classmethod
    def begin_in_child(cls) -> None:
        """In a forked process neither the keeper lives on nor the other threads, with theirs."""
        cls.requests = SimpleQueue()
        cls.keeping = allocate_lock()
        here = get_ident()
        cls.needed = {entry: thread for entry, thread in cls.needed.items() if thread == here}
        cls.keep()


class ThreadsBlock(Block):
    """The block of `threads`."""

    def __init__(self, number: int) -> None:
        super().__init__(dealing.threads, lambda outside: number)

    def enter(self, entry: Entry) -> None:
        """Have the threads, and hold the BLAS."""
        super().enter(entry)
        BLAS.needed[entry] = get_ident()
        BLAS.settle()

    @staticmethod
    def ended(entry: Entry) -> None:
        """Let go of the BLAS."""
        BLAS.needed.pop(entry, None)
        BLAS.settle()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=BLAS.begin_in_child)
