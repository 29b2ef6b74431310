"""Work in parts, dealt out among as many threads as `minigrad.threads` asks for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from functools import lru_cache
from typing import Any, TypeVar

from minigrad.core.blocks import Block, Setting

Item = TypeVar("Item")

threads = Setting("threads", 1)


def deal(items: Sequence[Item], work: Callable[[Iterable[Item]], None], worth: int) -> None:
    """Have all items worked at: `work` is given some, and goes through them.

    Among several threads each takes the next item that is left. What items write must not overlap;
    then it makes no difference, to the last bit, who does which. A thread that waits sleeps, and
    helpers that are still busy elsewhere are not waited for.

    `worth` is how many threads it is worth: to wake one takes a tenth of a millisecond, and two
    that come back from NumPy at once wait for each other, half as long. Those that are left over
    are shared by what is dealt out inside.
    """
    number = min(threads.get(), len(items), worth)
    if number < 2:
        work(items)
        return
    left = deque(items)

    def share() -> None:
        with Block(threads, lambda outside: outside // number):
            work(taken(left))

    helpers = [  # each in a copy of this context: `np.errstate` is part of it
        pool().submit(copy_context().run, share) for _ in range(number - 1)
    ]
    try:
        share()
    finally:
        left.clear()  # if one fails, the others need not go on
        for helper in helpers:
            if not helper.cancel():
                helper.result()


def taken(left: deque[Item]) -> Iterator[Item]:
    """The items that are left, one at a time."""
    while left:
        try:
            item = left.popleft()
        except IndexError:  # another thread was faster
            return
        yield item


@lru_cache(maxsize=1)
def pool() -> Any:
    """The helpers, who are started when they are first needed and sleep until they are again."""
    from concurrent.futures import ThreadPoolExecutor  # a hundredth of NumPy's own import

    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="minigrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # threads do not live on in a child
