"""The words that a formula may call: NumPy's functions that have a rule, and the library's own.

No word writes: an argument that names an array to write into is refused, by name (`NOT_SETTINGS`)
and by position (`guarded`). The arrays that a formula is given are read-only as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.core.registry import complete_registry
from minigrad.errors import FormulaError

METHODS = {
    *("sum", "mean", "max", "min", "prod", "var", "std", "cumsum", "cumprod", "round", "clip"),
    *("reshape", "transpose", "squeeze", "ravel", "repeat", "swapaxes", "diagonal", "trace"),
    *("take", "dot"),
}
OF_ITS_OWN = {"reshape", "transpose"}  # as methods they take lengths and axes one by one
NOT_SETTINGS = {  # keywords that are not part of the language, with the reason
    "out": "a formula writes into no array",
    "overwrite_input": "a formula writes into no array",
    "copy": "a formula writes into no array",
    "optimize": "a product of more than two arrays is written as several",
    "casting": "a formula chooses no casting",
    "order": "a formula chooses no order in memory",
    "kind": "a formula chooses no algorithm",
}
DTYPES = {
    *("float16", "float32", "float64", "int8", "int16", "int32", "int64", "bool"),
    *("uint8", "uint16", "uint32", "uint64", "float", "int"),
}
WORD_FILES = "minigrad.ops."  # what the library itself states may be called by its name


@cache
def words() -> dict[str, Callable[..., Any]]:
    """What can be called, by name."""
    import minigrad

    registry = complete_registry()
    found = {
        name: registry[thing]
        for module in (np.linalg, np)  # np.trace before np.linalg.trace
        for name, thing in vars(module).items()
        if callable(thing) and thing in registry
    }
    late = {word for word, part in minigrad.PART_OF.items() if part.startswith("ops.")}
    own = {name: getattr(minigrad, name) for name in sorted({*vars(minigrad), *late})}
    found |= {
        name: thing
        for name, thing in own.items()
        if getattr(thing, "__module__", "").startswith(WORD_FILES)
    }
    return {name: guarded(function) for name, function in found.items()}


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, without the arguments that are no settings and with plain dtypes alone."""
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        p.name for p in inspect.signature(function).parameters.values() if p.kind == named
    ]
    forbidden = [i for i, name in enumerate(parameters) if name in NOT_SETTINGS]
    last = forbidden[0] if forbidden else None
    place_of_dtype = parameters.index("dtype") if "dtype" in parameters else None

    @wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        if last is not None and len(args) > last:
            raise FormulaError(
                f"formula: at most {last} arguments go by position here; give the settings after "
                f"them by name."
            )
        given = settings.get("dtype")
        if place_of_dtype is not None and len(args) > place_of_dtype:
            given = args[place_of_dtype]
        if given is not None and given not in DTYPES:
            raise FormulaError(
                f"formula: dtype is one of {', '.join(sorted(DTYPES))}; got {given!r}."
            )
        return function(*args, **settings)

    return call


def method(name: str) -> Callable[..., Any]:
    """The method of that name, of a tensor or an array: the word of that name, of the value."""

    def called_on(value: Any, *rest: Any, **settings: Any) -> Any:
        if not isinstance(value, Node | np.ndarray | np.generic):
            raise TypeError(f".{name} is a method of a tensor, not of a {type(value).__name__}")
        if name in OF_ITS_OWN:
            return getattr(value, name)(*rest, **settings)
        return words()[name](value, *rest, **settings)

    return called_on
