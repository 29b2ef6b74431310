"""What NumPy's functions do when they meet a tensor: for each the recording function in its place.

Families of ops that many programs never use are only announced when minigrad is imported, and
loaded when one of their functions first meets a tensor. Several threads may come at once: so what
a module states is used only when the module is complete, since its functions read names that are
defined after them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

NumpyFunction = Callable[..., Any]
Function = Any  # a recording function; it carries its `Op` as `.op`

registry: dict[NumpyFunction, Function] = {}  # of modules that are complete
stated: dict[NumpyFunction, tuple[Function, str]] = {}  # of any: what, and by which module
announced: dict[NumpyFunction, str] = {}  # the modules that state the others


def announce(module: str, functions: Iterable[NumpyFunction]) -> None:
    """Say which functions of NumPy a module states rules for, instead of importing it."""
    announced.update(dict.fromkeys(functions, module))


def register(function: NumpyFunction, ours: Function) -> None:
    """Say what stands for a function of NumPy: for `elementwise` and the like, of core."""
    frame: Any = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("minigrad.core."):
        frame = frame.f_back
    registry.pop(function, None)
    stated[function] = ours, frame.f_globals.get("__name__", "")


def rule_for(function: NumpyFunction) -> Function | None:
    """What stands for a function of NumPy, or None; loads the module that states it.

    Where another thread is loading the module, this waits for it.
    """
    if function in registry:
        return registry[function]
    if function not in stated and function not in announced:
        return None
    module = stated[function][1] if function in stated else announced[function]
    if module in sys.modules or function not in stated:
        import_module(module)
    if function not in stated:
        return None
    ours: Function = stated[function][0]
    if not is_loading(module):  # by this thread, as `import_module` has waited for others
        registry[function] = ours
    return ours


def is_loading(module: str) -> bool:
    """Whether a module is not complete yet."""
    return bool(getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False))


def publish() -> dict[NumpyFunction, Function]:
    """The registry, with all that complete modules have stated."""
    for function in list(stated):
        rule_for(function)
    return registry


def complete_registry() -> dict[NumpyFunction, Function]:
    """The registry with all that was announced."""
    for module in dict.fromkeys(announced.values()):
        import_module(module)
    return publish()
