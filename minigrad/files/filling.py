"""What a file holds, put into tensors, modules, optimizers and generators: all of it, or nothing.

`Filling` goes through the thing and what was stored side by side. It notes what does not fit, and
what would be written where; only when all of it fits is anything written.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.fitting import fit
from minigrad.core.node import Node, Write
from minigrad.core.trees import label, quoted, within
from minigrad.data.batches import Batches
from minigrad.errors import DataError, GraphError
from minigrad.files.packing import contents, in_lists
from minigrad.nn.module import Module, parts
from minigrad.optim.optimizer import Optimizer

Array = npt.NDArray[Any]
Generator = np.random.Generator
MOST_ROWS = 20
ABSENT = object()  # stands for what the file does not hold
LONGEST = 200  # characters of a name or a value in a message


class Filling:
    """What does not fit, and what is to be written once everything does."""

    def __init__(self, foreign: bool) -> None:
        self.foreign = foreign  # of another program: it holds tensors by name, and nothing else
        self.rows: list[tuple[str, str, str]] = []  # name, in the file, here
        self.arrays: list[tuple[Any, Array, Array]] = []  # tensor or array, its memory, new values
        self.others: list[Callable[[], None]] = []
        self.first: dict[int, tuple[str, Any]] = {}  # what a thing gets, and from which name
        self.absent: list[tuple[int, str, str]] = []

    def fill(self, thing: Any, stored: Any, name: str = "") -> Any:
        """Note how `thing` would get what is stored; returns the thing, or a new plain value."""
        if isinstance(thing, Node | np.ndarray):
            self.array(thing, stored, name or "tensor")
        elif isinstance(thing, Generator):
            self.generator(thing, stored, name)
        elif isinstance(thing, Module | Batches):
            self.state(thing, stored, name)
        elif isinstance(thing, Optimizer):
            self.optimizer(thing, stored, name)
        elif holds(thing):
            return self.inside(thing, stored, name)
        elif stored is ABSENT:
            self.rows.append((name, shown(stored), shown(thing)))
        else:
            return stored
        return thing

    def array(self, thing: Any, stored: Any, name: str) -> None:
        """A tensor or an array, which is written in place."""
        own = memory_of(thing, name)
        if not own.flags.writeable:
            self.rows.append((name, shown(stored), f"{shown(own)}, read-only"))
        elif stored is ABSENT:
            self.absent.append((id(thing), name, shown(own)))
        elif not takes(own, stored):
            self.rows.append((name, shown(stored), shown(own)))
        elif self.once(thing, stored, name, lambda x, y: np.array_equal(x, y, equal_nan=True)):
            try:
                self.arrays.append((thing, own, fit(stored, own.dtype)))
            except DataError as error:
                self.rows.append((name, f"{stored.dtype}: {error}", shown(own)))

    def generator(self, thing: Generator, stored: Any, name: str) -> None:
        """A random generator, which goes on from the state that was stored."""
        source = thing.bit_generator
        kind = type(source).__name__
        if stored is ABSENT and not self.foreign:
            self.absent.append((id(thing), name, f"a generator {kind}"))
        elif stored is not ABSENT and self.once(thing, stored, name, lambda x, y: bool(x == y)):
            state = as_arrays(stored, source.state)
            trial = copy.deepcopy(source)
            try:
                trial.state = state
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                self.rows.append((name, f"{shown(stored)}: {error}", f"a generator {kind}"))
                return
            if in_lists(trial.state) != stored or not within_bounds(stored):
                self.rows.append((name, shown(stored), f"a generator {kind}"))
            self.others.append(lambda: setattr(source, "state", state))

    def state(self, thing: Module | Batches[Any], stored: Any, name: str) -> None:
        """A module or batches: each of what it keeps, by name."""
        kept = contents(thing) or {}
        if not isinstance(stored, Mapping):
            self.rows.append((name, shown(stored), shown(thing)))
            return
        found = by_known_names(thing, kept, stored) if isinstance(thing, Module) else dict(stored)
        for key, part in kept.items():
            self.fill(part, found.pop(key, ABSENT), within(name, key))
        self.extra(found, name)

    def optimizer(self, thing: Optimizer, stored: Any, name: str) -> None:
        """An optimizer: arrays are written in place, numbers are tried on a copy first."""
        if not isinstance(stored, Mapping):
            self.rows.append((name, shown(stored), shown(thing)))
            return
        rows, numbers, found = len(self.rows), {}, dict(stored)
        for key, own in (contents(thing) or {}).items():
            new = found.pop(key, ABSENT)
            if holds(own):
                self.fill(own, new, within(name, key))
            elif same_form(own, new):
                numbers[key] = new
            else:
                self.rows.append((within(name, key), shown(new), shown(own)))
        self.extra(found, name)
        if len(self.rows) == rows:
            try:
                copy.copy(thing).restore(numbers)
            except (ValueError, TypeError, OverflowError) as error:
                self.rows.append((name, str(error), shown(thing)))
            self.others.append(lambda: thing.restore(numbers))

    def inside(self, thing: Any, stored: Any, name: str) -> Any:
        """A dict, list or tuple that holds what is filled: a new one, of the same things."""
        if isinstance(thing, dict):
            if not isinstance(stored, Mapping):
                self.rows.append((name, shown(stored), shown(thing)))
                return thing
            found = dict(stored)
            built = {
                key: self.fill(part, found.pop(key, ABSENT), within(name, label(key)))
                for key, part in thing.items()
            }
            self.extra({label(key): value for key, value in found.items()}, name)
            return built
        if not isinstance(stored, list | tuple) or len(stored) != len(thing):
            self.rows.append((name, shown(stored), shown(thing)))
            return thing
        pairs = enumerate(zip(thing, stored, strict=True))
        parts = [self.fill(part, new, within(name, str(i))) for i, (part, new) in pairs]
        if isinstance(thing, tuple):
            return type(thing)(*parts) if hasattr(thing, "_fields") else tuple(parts)
        return parts

    def extra(self, found: Mapping[str, Any], name: str) -> None:
        """What the file holds and the thing does not."""
        self.rows += [(within(name, key), shown(value), "missing") for key, value in found.items()]

    def once(self, thing: Any, stored: Any, name: str, same: Callable[[Any, Any], bool]) -> bool:
        """Whether a thing is met first; under its other names the file must hold the same."""
        if id(thing) not in self.first:
            self.first[id(thing)] = name, stored
            return True
        first, before = self.first[id(thing)]
        if type(before) is not type(stored) or not same(before, stored):
            self.rows.append((name, f"other values than {first}", "the same tensor or generator"))
        return False

    def check(self, path: Path) -> None:
        """Raise `DataError`, with a table, unless everything fits."""
        absent = [(name, "missing", own) for key, name, own in self.absent if key not in self.first]
        rows = [*self.rows, *absent]
        if rows:
            table = [("name", "in the file", "here"), *(tuple(map(clear, row)) for row in rows)]
            wide = [max(len(row[i]) for row in table[: MOST_ROWS + 1]) for i in (0, 1)]
            lines = [f"  {a:<{wide[0]}}  {b:<{wide[1]}}  {c}" for a, b, c in table[: MOST_ROWS + 1]]
            if len(rows) > MOST_ROWS:
                lines.append(f"  ... and {len(rows) - MOST_ROWS} more")
            raise DataError(
                f"{path} does not fit what it is loaded into; nothing was changed:\n"
                + "\n".join(lines)
            )

    def write(self, write: Write) -> None:
        """Write everything. Nothing here can fail."""
        for thing, memory, values in self.arrays:
            if isinstance(thing, Node):
                thing._written = write
            memory[...] = values
        for restore in self.others:
            restore()


def memory_of(thing: Any, name: str) -> Array:
    """The array that a leaf or an array keeps its values in; `GraphError` for what is computed."""
    if isinstance(thing, np.ndarray):
        return thing
    if thing.op is not None or thing._value.base is not None:
        raise GraphError(
            f"load: only a leaf can be filled, and {name} is a result, or shows the memory of "
            f"another tensor. Nothing was changed. Load into mg.Tensor(t.data), for example."
        )
    memory: Array = thing._value
    return memory


def takes(own: Array, stored: Any) -> bool:
    """Whether an array has the shape and the kind of numbers that another can be filled with."""
    return (
        isinstance(stored, np.ndarray)
        and stored.shape == own.shape
        and np.can_cast(stored.dtype, own.dtype, "same_kind")
    )


def holds(thing: Any) -> bool:
    """Whether this is, or has inside, something that is filled in place."""
    if isinstance(thing, list | tuple | dict):
        return any(map(holds, thing.values() if isinstance(thing, dict) else thing))
    return isinstance(thing, Node | np.ndarray | Generator | Module | Batches | Optimizer)


def same_form(own: Any, new: Any) -> bool:
    """Whether a plain value can take the place of another: usual numbers for numbers, as many."""
    if isinstance(own, list | tuple):
        return type(own) is type(new) and len(own) == len(new) and all(map(same_form, own, new))
    if isinstance(own, bool | str | None):
        return type(own) is type(new)
    return isinstance(new, int | float) and not isinstance(new, bool) and abs(new) < 2.0**63


def as_arrays(stored: Any, like: Any) -> Any:
    """A stored state of a generator, with arrays where the generator itself has them."""
    if isinstance(stored, Mapping) and isinstance(like, Mapping):
        return {key: as_arrays(value, like.get(key)) for key, value in stored.items()}
    if isinstance(stored, list) and isinstance(like, np.ndarray):
        try:
            return np.array(stored, like.dtype)
        except (ValueError, TypeError, OverflowError):
            return None  # which no generator takes
    return stored


def within_bounds(state: Mapping[str, Any]) -> bool:
    """Whether a generator's place in its numbers is one of them: NumPy reads there unchecked."""
    inner = state["state"]
    places = [(inner.get("pos", 0), inner.get("key", ()))]  # of MT19937
    places.append((state.get("buffer_pos", 0), state.get("buffer", ())))  # of Philox
    return all(0 <= place <= len(numbers) for place, numbers in places)


def by_known_names(
    module: Module, kept: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """What is stored, by the names of this module: a part that it has twice has two names."""
    first: dict[int, str] = {}
    others = {
        name: first[id(part)]
        for name, part in parts(module)
        if isinstance(part, Module) and first.setdefault(id(part), name) != name
    }
    found: dict[str, Any] = {}
    for name, value in stored.items():
        alike = (o for o in others if name not in kept and name.startswith(f"{o}."))
        known = next((others[o] + name[len(o) :] for o in alike), name).lstrip(".")
        if known == name or known not in stored:
            found[known] = value
        elif not np.array_equal(value, stored[known]):
            found[name] = value  # which is one too many
    return found


def nested(thing: Any, flat: Mapping[str, Any]) -> Any:
    """Tensors by dotted name in the form of the dicts and lists that they are for."""
    if not isinstance(thing, list | tuple | dict):
        alone = isinstance(thing, Node | np.ndarray) and flat.keys() == {"tensor"}
        return flat["tensor"] if alone else flat
    items = list(thing.items()) if isinstance(thing, dict) else list(enumerate(thing))
    rest, found = dict(flat), {}
    for key, part in items:
        name = label(key) if isinstance(thing, dict) else str(key)
        if name in rest:
            found[key] = rest.pop(name)
            continue
        inner = {x[len(name) + 1 :]: rest.pop(x) for x in list(rest) if x.startswith(f"{name}.")}
        if inner:
            found[key] = nested(part, inner)
    if isinstance(thing, dict):
        return {**found, **rest}
    return [found.get(key, ABSENT) for key, _ in items] if not rest else {**found, **rest}


def shown(thing: Any) -> str:
    """A stored value, or what it is to fill, in a few words."""
    if thing is ABSENT:
        return "missing"
    if isinstance(thing, np.ndarray):
        return f"{thing.shape} {thing.dtype}"
    if isinstance(thing, Mapping):
        return f"{thing['bit_generator']}" if "bit_generator" in thing else f"{len(thing)} names"
    if isinstance(thing, list | tuple):
        return f"a {type(thing).__name__} of {len(thing)}"
    if isinstance(thing, str | int | float | None):
        return repr(thing)
    return f"a {type(thing).__name__}"


def clear(text: str) -> str:
    """A text from a file, fit to be shown: on one line, not long, and printable."""
    return "".join(c if c.isprintable() else quoted(c) for c in text[:LONGEST])
