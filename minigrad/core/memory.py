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
SMALL = 1_000  # values that are faster copied than locked


class Lock:
    """The memory of an array by NumPy's array interface, to read only.

    A view can be made writeable if its base is, or is made so: an array may, this may not.
    """

    __slots__ = ("__array_struct__", "_array")

    def __init__(self, array: Array) -> None:
        view = array.view()
        view.setflags(write=False)
        self.__array_struct__ = view.__array_struct__  # in half the time of the other interface
        self._array = array


def locked(array: Array) -> Array:
    """A read-only view that nobody can make writeable, nor its views and bases."""
    return np.asarray(Lock(array))


def shielded(array: Array) -> Array:
    """The same values, to read only: a small array is copied, which takes less time."""
    if array.size > SMALL:
        return locked(array)
    copy = array.copy("K")
    copy.setflags(write=False)
    return copy


def owner(array: Array) -> Any:
    """The object that owns the memory of `array`: the last in its chain of bases."""
    while array.base is not None:
        base: Any = array.base
        if base.__class__ is tuple and base[0].__class__ is Lock:  # as NumPy keeps it
            array = base[0]._array
        elif base.__class__ is ndarray:
            array = base
        else:
            return base
    return array


def is_checked(function: Any) -> bool:
    """Whether a function is NumPy's, or written in this package; told by where it is defined."""
    if isinstance(function, FunctionType):
        module: str = function.__globals__.get("__name__", "")
        return module.partition(".")[0] == PACKAGE
    return isinstance(function, NUMPY_FUNCTIONS)


def guarded(function: Any, what: str, *, views: bool = False) -> Any:
    """A function that can neither write into what it is given nor keep what it returns.

    A checked function, and a constant in a rule's place, is left as it is. Tensors pass through.
    With `views`, a result that shows an array which was given is not copied: its origin is found.
    Calling it raises `ReadOnlyError` where it writes; `what` says there whose function it is.
    """
    if not callable(function) or is_checked(function):
        return function

    shield = locked if views else shielded

    def call(*values: Any, **settings: Any) -> Any:
        given = [shield(x) if x.__class__ is ndarray else x for x in values]
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
        if views and made.base is not None and shows_any(made, given):
            return made
        return made.copy("K")

    return call


def shows_any(made: Array, given: list[Any]) -> bool:
    """Whether a result shows the memory of an array that was given."""
    home = owner(made)
    return any(owner(x) is home for x in given if isinstance(x, ndarray))
