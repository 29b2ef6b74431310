"""All ops of the library, found by looking through its modules: none can be left out of a list."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

import minigrad.ops
from minigrad.core.op import Op

NEEDS = dict.fromkeys(("special", "special_bessel", "special_normal"), "scipy")
# families that exist only where another package does


def library_ops() -> dict[str, list[Op]]:
    """The ops of each family (a module of `minigrad.ops`), in the order of their statement.

    >>> from minigrad.testing import library_ops
    >>> [op.name for op in library_ops()["exponential"]][:2]
    ['exp', 'exp2']
    """
    families = {}
    for name in sorted(module.name for module in iter_modules(minigrad.ops.__path__)):
        if name in NEEDS and find_spec(NEEDS[name]) is None:
            continue
        stated = ops_of(import_module(f"minigrad.ops.{name}"))
        if stated:
            families[name] = stated
    return families


def ops_of(module: ModuleType) -> list[Op]:
    """The ops that a module states itself, each once."""
    elsewhere = imported_names(module)
    ops = [
        getattr(thing, "op", None) for name, thing in vars(module).items() if name not in elsewhere
    ]
    return list(dict.fromkeys(op for op in ops if isinstance(op, Op)))


def imported_names(module: ModuleType) -> set[str]:
    """The names that a module has from other modules."""
    tree = ast.parse(inspect.getsource(module))
    imports = [x for x in ast.walk(tree) if isinstance(x, ast.ImportFrom)]
    return {alias.asname or alias.name for x in imports for alias in x.names}
