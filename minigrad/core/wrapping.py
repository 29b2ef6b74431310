"""A function around another thing that can be called, and as good as that: in a class it is a
method, it copies and pickles with what is inside, and it has its name and docstring.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from operator import attrgetter
from types import MethodType
from typing import Any


class Wrapped:
    """`f`, called in another way: each kind of it writes a `__call__`, which calls `__wrapped__`.

    A closure would share `f` with its copies: the copy of a module would train the original.
    """

    __wrapped__: Callable[..., Any]

    def __init__(self, f: Callable[..., Any]) -> None:
        update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the call of `f` has become."""
        raise NotImplementedError

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A decorated function is copied and pickled as functions are: by its name."""
        name = getattr(self, "__qualname__", "")
        try:
            here = attrgetter(name)(sys.modules[self.__module__])
        except (AttributeError, KeyError):
            here = None
        return name if here is self else super().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.__wrapped__!r}>"


def unwrapped(thing: Any) -> Any:
    """What is inside, if it is wrapped."""
    while isinstance(thing, Wrapped):
        thing = thing.__wrapped__
    return thing
