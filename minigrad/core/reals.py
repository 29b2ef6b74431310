"""Which numbers a result is computed in.

Whatever gives real values computes integers and booleans in float64, as `np.mean` does, and
float16 in float32, rounded once at the end: a sum of many terms, a count, a square would not fit
into it. `real` says so of an op or of any other function of arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.core.node import PYTHON_NUMBERS, Node, leaf
from minigrad.core.plain import check_numbers, check_plain

HALF, DOUBLE = np.dtype(np.float16), np.dtype(np.float64)


def real(*names: str) -> Callable[[Callable[..., Any]], Any]:
    """Say that a function of arrays has a real result: those of the given names become floats.

    Integers and booleans alone become float64; beside floats they become what NumPy promotes
    both to. Where that is float16, the function is given float32, and its result is float16.
    Numbers, nested lists and tensors are converted alike. What is float32 or float64 already is
    handed on, and a `dtype=` that is asked for is what the result has.

    >>> import numpy as np
    >>> from minigrad.core.reals import real
    >>> @real("x")
    ... def double(x):
    ...     return x + x
    >>> double(np.array([200], np.uint8))
    array([400.])
    """

    number = len(names)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        stated = function.op.value if hasattr(function, "op") else function
        known = stated.__code__.co_varnames
        place = known.index("dtype") if "dtype" in known else 0  # of a `dtype=` that is asked for

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not kwargs and len(args) == number <= 2:  # the usual call: a tenth of what follows
                first, last = args[0], args[-1]
                try:
                    if first._value.dtype is DOUBLE and last._value.dtype is DOUBLE:
                        return function(*args)
                except AttributeError:
                    pass
            if (not kwargs or len(args) >= number) and all(map(is_usual, args[:number])):
                return function(*args, **kwargs)
            asked = kwargs.get("dtype", args[place] if 0 < place < len(args) else None)
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            chosen = [name for name in names if given.get(name) is not None]
            if not chosen:  # nothing was given: the function says so
                return function(*args, **kwargs)
            arrays, half = as_floats([given[name] for name in chosen])
            given.update(zip(chosen, arrays, strict=True))
            leading = [given.pop(name) for name in names[: len(args)]]
            result = function(*leading, *args[number:], **given)
            return rounded(result) if half and asked is None else result

        if hasattr(function, "op"):
            function.op.function = call
        return call

    return decorate


def is_usual(x: Any) -> bool:
    """Whether an argument is an array or a tensor in float32 or float64."""
    a = x._value if isinstance(x, Node) else x
    return a.__class__ is ndarray and a.dtype.char in "df"


def as_floats(arrays: list[Any]) -> tuple[list[Any], bool]:
    """The arrays as `real` converts them, and whether the result is to be float16."""
    plain = [x._value if isinstance(x, Node) else x for x in arrays]
    for a in plain:
        check_plain(a)
    plain = [a if a.__class__ in PYTHON_NUMBERS else np.asarray(a) for a in plain]
    for a in plain:
        if a.__class__ not in PYTHON_NUMBERS:
            check_numbers(a)
    dtype = np.result_type(*plain)
    if dtype.kind in "biu":
        dtype = np.dtype(np.float64)
    half = dtype == HALF
    target = np.dtype(np.float32) if half else dtype
    wanting = "biuf" if half else "biu"
    found = []
    for x, a in zip(arrays, plain, strict=True):
        if a.__class__ in PYTHON_NUMBERS:
            found.append(target.type(a))
        elif a.dtype.kind not in wanting:
            found.append(x if isinstance(x, Node) else a)
        elif not isinstance(x, Node):
            found.append(a.astype(target))
        elif x._tracked:
            found.append(x.astype(target))  # type: ignore[attr-defined]  # a tensor's, recorded
        else:
            found.append(leaf(x, a.astype(target), name=x.name))
    return found, half


def rounded(result: Any) -> Any:
    """A result in float32, or each of several, as float16."""
    if isinstance(result, tuple):
        return tuple(rounded(part) for part in result)
    if getattr(result, "dtype", None) != np.float32:
        return result
    with np.errstate(over="ignore", under="ignore"):
        return result.astype(HALF)
