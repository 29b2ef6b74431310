"""Whose memory an array shows, and how arrays are given to those who must not write to them.

The library's own functions are checked: `minigrad.testing` calls each on read-only arrays and looks
at the memory of what it returns. A user's function is not, so it is guarded: it is given read-only
arrays, and what it returns is copied.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad.errors import ReadOnlyError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

NUMPY_FUNCTIONS = (np.ufunc, type(np.sum))  # those that ask their arguments what to do
PACKAGE = __name__.partition(".")[0]


class Lock:
    """Memory as NumPy's array interface shows it, to read only.

    An array may be made writeable if its base is: an array may, this may not.
    """

    __slots__ = ("__array_interface__", "_array")

    def __init__(self, array: Array) -> None:
        interface = array.__array_interface__
        interface["data"] = (interface["data"][0], True)
        self.__array_interface__ = interface
        self._array = array  # keeps the memory alive


def locked(array: Array) -> Array:
    """A read-only view that nobody can make writeable, nor its views and bases."""
    return np.asarray(Lock(array))


def read_only(array: Array) -> Array:
    """A read-only view: the same for a fifth of the time, if nobody means to get around it."""
    view = array.view()
    view.setflags(write=False)
    return view


def owner(array: Array) -> Any:
    """The object that owns the memory of `array`: the last in its chain of bases."""
    while array.base.__class__ is ndarray:
        array = array.base
    return array if array.base is None else array.base


def is_checked(function: Any) -> bool:
    """Whether a function is NumPy's, or written in this package; told by where it is defined."""
    if isinstance(function, FunctionType):
        module: str = function.__globals__.get("__name__", "")
        return module.partition(".")[0] == PACKAGE
    return isinstance(function, NUMPY_FUNCTIONS)


def guarded(function: Any, what: str, *, views: bool = False) -> Any:
    """A function that can neither write into what it is given nor keep what it returns.

    A checked function, and a constant in a rule's place, is left as it is. Tensors pass through.
    With `views`, a result that shows an array which was given is not copied: its origin is known.
    Calling it raises `ReadOnlyError` where it writes; `what` says there whose function it is.
    """
    if not callable(function) or is_checked(function):
        return function

    def call(*values: Any, **settings: Any) -> Any:
        given = [read_only(x) if x.__class__ is ndarray else x for x in values]
        try:
            made = function(*given, **settings)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ReadOnlyError(
                f"{what} writes into an array that it was given, which is read-only. Compute a "
                f"new one: x * 2 instead of x *= 2, or x.copy() first."
            ) from error
        if not isinstance(made, ndarray):
            return made
        shown = views and any(owner(made) is owner(x) for x in given if isinstance(x, ndarray))
        return made if shown else made.copy("K")

    return call
