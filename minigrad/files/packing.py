"""A structure taken apart into arrays, each with a name, and a tree of all the rest in JSON.

In the tree a number, a text, None and a list stand as they are; `{"array": name}` is an array,
`{"tuple": [...]}` and `{"dict": [[key, value], ...]}` what they say, `{"float": "inf"}` a float
that JSON does not have. A module, an optimizer, a generator and batches are a dict of what they
keep.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.node import Node, is_made
from minigrad.core.plain import REAL
from minigrad.core.trees import label, within
from minigrad.data.batches import Batches
from minigrad.nn.module import Module, parts
from minigrad.optim.optimizer import Optimizer

Array = npt.NDArray[Any]
DEEPEST = 100  # levels of lists in lists
NOT_FINITE = ("nan", "inf", "-inf")


def contents(thing: Any) -> dict[str, Any] | None:
    """What a thing with a state keeps, by dotted name; None for any other thing."""
    if isinstance(thing, Module):
        return {
            name: part
            for name, part in parts(thing)
            if isinstance(part, np.random.Generator) or (isinstance(part, Node) and is_made(part))
        }
    if isinstance(thing, Optimizer):
        return {name: getattr(thing, name) for name in thing.keeps}
    if isinstance(thing, Batches):
        return {} if thing._generator is None else {"shuffle": thing._generator}
    if isinstance(thing, np.random.Generator):
        state: dict[str, Any] = in_lists(thing.bit_generator.state)
        return state
    return None


def in_lists(state: Any) -> Any:
    """The state of a generator with lists for arrays."""
    if isinstance(state, Mapping):
        return {key: in_lists(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state


class Packing:
    """A structure on its way into a file: the arrays so far, and where each was first met."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.first_names: dict[int, str] = {}

    def pack(self, thing: Any, name: str = "", depth: int = 0) -> Any:
        """The tree of a thing that is called `name`."""
        if depth > DEEPEST:
            raise ValueError(f"save: {name[:60]}... is nested deeper than {DEEPEST} levels.")
        if isinstance(thing, np.generic):
            thing = thing.item()
        if isinstance(thing, Node | np.ndarray):
            return {"array": self.keep(thing, name or "tensor")}
        if isinstance(thing, float) and not math.isfinite(thing):
            return {"float": repr(float(thing))}
        if thing is None or isinstance(thing, bool | int | float | str):
            return thing
        if isinstance(thing, list | tuple):
            each = [self.pack(x, within(name, str(i)), depth + 1) for i, x in enumerate(thing)]
            return each if isinstance(thing, list) else {"tuple": each}
        kept = contents(thing)
        if kept is not None:
            named = [(key, key, value) for key, value in kept.items()]
        elif isinstance(thing, dict):
            named = [(self.key(key, name), label(key), value) for key, value in thing.items()]
        else:
            raise TypeError(
                f"save: {name or 'this'} is of type {type(thing).__name__}, which a file cannot "
                f"hold. It holds modules, optimizers, generators, batches, tensors, arrays, "
                f"numbers, texts and None, in dicts, lists and tuples."
            )
        return {"dict": [[k, self.pack(x, within(name, n), depth + 1)] for k, n, x in named]}

    def keep(self, thing: Any, name: str) -> str:
        """Put an array among the others, once; returns the name by which it is there."""
        if id(thing) in self.first_names:
            return self.first_names[id(thing)]
        values = thing._value if isinstance(thing, Node) else thing
        if values.dtype.kind not in REAL or type(values) is not np.ndarray:
            kind = f"{type(values).__name__} of {values.dtype}"
            raise TypeError(f"save: {name} is an {kind}; a file holds arrays of real numbers.")
        if name in self.arrays:
            raise ValueError(f"save: two arrays would have the name {name}.")
        self.arrays[name] = np.array(values, values.dtype.newbyteorder("="), order="C")
        self.first_names[id(thing)] = name
        return name

    def key(self, key: Any, name: str) -> Any:
        """The tree of a key of a dict."""
        if isinstance(key, str | int | float | None):
            return self.pack(key)
        if isinstance(key, tuple):
            return {"tuple": [self.key(part, name) for part in key]}
        raise TypeError(
            f"save: {name or 'a dict'} has a key of type {type(key).__name__}; in a file keys are "
            f"texts and numbers."
        )


def unpacked(tree: Any, arrays: Mapping[str, Array], used: set[str]) -> Any:
    """The structure that was packed, things with a state as dicts; notes which arrays it used.

    Raises `ValueError` for a tree that nothing was packed into.
    """
    if isinstance(tree, list):
        return [unpacked(part, arrays, used) for part in tree]
    match tree:
        case {"array": str(name), **rest} if name in arrays and not rest:
            used.add(name)
            return arrays[name]
        case {"float": str(text), **rest} if text in NOT_FINITE and not rest:
            return float(text)
        case {"tuple": list(items), **rest} if not rest:
            return tuple(unpacked(items, arrays, used))
        case {"dict": list(pairs), **rest} if not rest and all(pair_like(p) for p in pairs):
            found = {hashable(unpacked(k, {}, set())): unpacked(v, arrays, used) for k, v in pairs}
            if len(found) == len(pairs):
                return found
        case None | bool() | int() | float() | str():
            return tree
    raise ValueError("its table of contents makes no sense")


def pair_like(pair: Any) -> bool:
    """Whether this can be a key and a value."""
    return isinstance(pair, list) and len(pair) == 2


def hashable(key: Any) -> Any:
    """The key, if it can be one."""
    hash(key)
    return key


def text_of(tree: Any, arrays: Mapping[str, Array]) -> str:
    """The tree as text, after a checksum of it and of all arrays."""
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False)
    return f"{checksum(text, arrays):08x} {text}"


def tree_of(text: str, arrays: Mapping[str, Array]) -> Any:
    """The tree in a text; `ValueError` if a bit of it, or of an array, is not what it was."""
    if not isinstance(text, str) or text[:9] != f"{checksum(text[9:], arrays):08x} ":
        raise ValueError("its content is not what was saved: the checksum differs")
    return json.loads(text[9:])


def checksum(text: str, arrays: Mapping[str, Array]) -> int:
    """The CRC-32 of a text and of arrays with their names, dtypes and shapes."""
    found = zlib.crc32(text.encode())
    for name, array in sorted(arrays.items()):
        found = zlib.crc32(repr((name, array.dtype.str, array.shape)).encode(), found)
        found = zlib.crc32(array.tobytes(), found)
    return found
