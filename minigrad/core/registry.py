"""What NumPy's functions do when they meet a tensor: for each the recording function in its place.

Families of ops that many programs never use are only announced when minigrad is imported, and
loaded when one of their functions first meets a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

NumpyFunction = Callable[..., Any]
Function = Any  # a recording function; it carries its `Op` as `.op`

registry: dict[NumpyFunction, Function] = {}
announced: dict[NumpyFunction, str] = {}  # the modules that state the others


def announce(module: str, functions: Iterable[NumpyFunction]) -> None:
    """Say which functions of NumPy a module states rules for, instead of importing it."""
    announced.update(dict.fromkeys(functions, module))


def rule_for(function: NumpyFunction) -> Function | None:
    """What stands for a function of NumPy, or None; loads the module that states it."""
    if function not in registry and function in announced:
        import_module(announced[function])
    return registry.get(function)


def complete_registry() -> dict[NumpyFunction, Function]:
    """The registry with all that was announced."""
    for module in dict.fromkeys(announced.values()):
        import_module(module)
    return registry
