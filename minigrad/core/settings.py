"""What an op was told beside its arrays, as values of that moment.

Whatever can change later (arrays, lists, tensors, what holds them, objects of other kinds) is
copied, once, when the op is applied. What cannot, which is nearly all, costs a look at its class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy, deepcopy
from functools import partial
from types import EllipsisType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.node import Node
from minigrad.errors import LeavesGraphError, MinigradError

if TYPE_CHECKING:
    from minigrad.core.op import Op

Settings = Mapping[str, Any]
PLAIN = frozenset({NoneType, bool, int, float, str, type, EllipsisType})  # they never change


def kept(op: Op, settings: Settings) -> tuple[Settings, Settings]:
    """The settings to compute with, and to record: tensors as arrays, and all as copies.

    They differ only in objects that are no data, such as a random generator: the op is given the
    very object, and what is recorded is how it was before. Raises `LeavesGraphError` for a tensor
    that requires a gradient.
    """
    objects: list[Any] = []

    def found(thing: Any) -> Any:
        objects.append(thing)
        return thing

    given = {key: as_data(s, refusing(op, key), found) for key, s in settings.items()}
    if not objects:
        return given, given
    recorded = {
        key: as_data(s, refusing(op, key), partial(copied, what=f"{op.name}: {key}="))
        for key, s in given.items()
    }
    return given, recorded


def fresh(settings: Settings, objects: bool = True) -> Settings:
    """Copies of recorded settings, for a function that may use them up or write to them; or of
    the data in them alone, without the `objects`.
    """
    if PLAIN.issuperset(map(type, settings.values())):
        return settings
    of_object = copied if objects else same
    return {key: as_data(s, as_array, of_object) for key, s in settings.items()}


def same(thing: Any) -> Any:
    """The object itself."""
    return thing


def without_tensors(op: Op, settings: Settings) -> Settings:
    """The settings with arrays for tensors, not copied: for a value that is not recorded."""
    return {
        key: unwrapped(s, refusing(op, key)) if holds_tensor(s) else s
        for key, s in settings.items()
    }


def as_data(thing: Any, array_of: Callable[[Node], Any], of_object: Callable[[Any], Any]) -> Any:
    """A copy of nested data; `of_object` says what becomes of other objects in it."""
    if isinstance(thing, Node):
        thing = array_of(thing)
    if isinstance(thing, np.ndarray) and not thing.ndim and not thing.dtype.hasobject:
        thing = thing[()]  # NumPy's functions may write to one, as `np.rot90` does
    if thing.__class__ in PLAIN or isinstance(thing, NEVER_CHANGE):
        return thing
    if isinstance(thing, np.ndarray):
        own = deepcopy(thing) if thing.dtype.hasobject else thing.copy("K")
        own.flags.writeable = False
        return own
    if isinstance(thing, slice | tuple | list | dict):
        return rebuilt(thing, lambda part: as_data(part, array_of, of_object))
    return of_object(thing)


NEVER_CHANGE = (np.generic, np.dtype, np.ufunc, complex, bytes, range)


def unwrapped(thing: Any, array_of: Callable[[Node], Any]) -> Any:
    """Nested data with arrays for tensors."""
    if isinstance(thing, Node):
        return array_of(thing)
    if isinstance(thing, slice | tuple | list | dict):
        return rebuilt(thing, lambda part: unwrapped(part, array_of))
    return thing


def rebuilt(thing: Any, of_part: Callable[[Any], Any]) -> Any:
    """A container of the same kind with something else for each of its parts."""
    if isinstance(thing, slice):
        return slice(of_part(thing.start), of_part(thing.stop), of_part(thing.step))
    if isinstance(thing, tuple):
        parts = [of_part(part) for part in thing]
        return thing._make(parts) if hasattr(thing, "_make") else tuple(parts)
    other = copy(thing)
    if isinstance(thing, list):
        other[:] = [of_part(part) for part in thing]
    else:
        for key, part in thing.items():  # a Counter's `update` adds
            other[key] = of_part(part)
    return other


def holds_tensor(thing: Any) -> bool:
    """Whether a setting is a tensor, or a container with one in it."""
    if thing.__class__ in PLAIN:
        return False
    if isinstance(thing, tuple | list):
        return any(map(holds_tensor, thing))
    if isinstance(thing, dict):
        return any(map(holds_tensor, thing.values()))
    if isinstance(thing, slice):
        return any(map(holds_tensor, (thing.start, thing.stop, thing.step)))
    return isinstance(thing, Node)


def copied(thing: Any, what: str = "an op") -> Any:
    """A copy of an object of whatever kind; a `TypeError` for what is there only once, such as an
    iterator or an open file. Functions, classes and modules are themselves.
    """
    if isinstance(thing, ModuleType):
        return thing
    try:
        if isinstance(thing, Iterator):
            raise TypeError("an iterator is used up when it is read")
        return deepcopy(thing)
    except MinigradError:
        raise
    except Exception as error:
        raise TypeError(
            f"{what} got a {type(thing).__name__}, which cannot be copied: when the derivative is "
            f"computed it may be another. Give its values as a tuple, a list or an array."
        ) from error


def refusing(op: Op, key: str) -> Callable[[Node], Any]:
    """The array of a tensor given as a setting; an error if it needs a gradient."""

    def array_of(setting: Node) -> Any:
        if setting._tracked:
            raise LeavesGraphError(
                f"{op.name}: {key}= takes plain data, but got a tensor that requires a gradient, "
                f"which would be lost here. Pass t.detach() or t.numpy() if that is what you want."
            )
        return as_array(setting)

    return array_of


def as_array(setting: Node) -> Any:
    """The values of a tensor, to read only."""
    values = setting._value.view()
    values.flags.writeable = False
    return values if values.ndim else values[()]
