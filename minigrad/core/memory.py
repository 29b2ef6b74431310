"""Whose memory an array shows, and how arrays are given to those who must not write to them.

The library's own functions are checked: `minigrad.testing` calls each on read-only arrays and looks
at the memory of what it returns. A user's function is not, so it is guarded: it is given copies,
to read only, and what it returns is copied.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad.core.plain import REAL, check_plain
from minigrad.core.settings import fresh
from minigrad.errors import GradientTypeError, ReadOnlyError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

NUMPY_FUNCTIONS = (np.ufunc, type(np.sum))  # those that ask their arguments what to do
PACKAGE = __name__.partition(".")[0]


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


def copied_to_read(array: Array) -> Array:
    """The same values in memory of their own, to read only: `np.add.at` would write all the same,
    and a view would change when its leaf is written.
    """
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


def guarded(function: Any, what: str, *, values: bool = False) -> Any:
    """A function that can neither write into what it is given nor keep what it returns.

    A checked function, and a constant in a rule's place, is left as it is. Tensors pass through.
    What a function of `values` is given is a copy, which it may keep, and what it returns must be
    real numbers. Both are given settings of their own at each call, which they may use up; objects
    in them, such as a random generator, are those that a value function was given.
    Calling it raises `ReadOnlyError` where it writes; `what` says there whose function it is.
    """
    if not callable(function) or is_checked(function):
        return function

    def call(*arrays: Any, **settings: Any) -> Any:
        given = [copied_to_read(x) if x.__class__ is ndarray else x for x in arrays]
        try:
            made = function(*given, **fresh(settings, objects=not values))
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ReadOnlyError(
                f"{what} writes into an array that it was given, which is read-only. Compute a "
                f"new one: x * 2 instead of x *= 2, or x.copy() first."
            ) from error
        if values:
            need_real(made, what)
        return made.copy("K") if isinstance(made, ndarray) else made

    return call


def need_real(made: Any, what: str) -> None:
    """Raise `GradientTypeError` for the result of a value function that is no real array."""
    try:
        check_plain(made)
        dtype = np.asarray(made).dtype
    except GradientTypeError as error:
        raise GradientTypeError(f"{what} returned what is no real array: {error}") from None
    if dtype.kind not in REAL:
        raise GradientTypeError(
            f"{what} returned a {type(made).__name__} ({dtype}). It must return an array of real "
            f"numbers, floats where a gradient is wanted: z.astype(x.dtype)."
        )
