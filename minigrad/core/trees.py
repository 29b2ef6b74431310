"""Nested lists, tuples and dicts of arrays, seen as a flat list of leaves and back."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

Rebuild = Callable[[list[Any]], Any]
APART = frozenset("%./\\[")  # characters that mean something in a dotted name, or in a path
RESERVED = "__metadata__"  # no tensor can have this name in a file of the format safetensors


def flatten(tree: Any) -> tuple[list[Any], Rebuild]:
    """The leaves in order, and the function that builds the same structure from new leaves.

    >>> leaves, rebuild = flatten({"w": [1.0, 2.0], "b": (3.0,)})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> rebuild(["x", "y", "z"])
    {'w': ['x', 'y'], 'b': ('z',)}
    """
    if not isinstance(tree, list | tuple | dict):
        return [tree], lambda leaves: leaves[0]
    children = list(tree.values()) if isinstance(tree, dict) else list(tree)
    parts = [flatten(child) for child in children]
    counts = [len(leaves) for leaves, _ in parts]

    def rebuild(leaves: list[Any]) -> Any:
        built, start = [], 0
        for (_, rebuild_part), count in zip(parts, counts, strict=True):
            built.append(rebuild_part(leaves[start : start + count]))
            start += count
        if isinstance(tree, dict):
            other = copy(tree)  # of a Counter or a defaultdict too
            for key, part in zip(tree, built, strict=True):
                other[key] = part
            return other
        return type(tree)(*built) if hasattr(tree, "_fields") else type(tree)(built)

    return [leaf for leaves, _ in parts for leaf in leaves], rebuild


def label(key: object) -> str:
    """A key of a dict, or an index, as one part of a dotted name: never that of another key.

    Text stands as it is, but for a dot, a slash and what cannot be printed, written as in URLs;
    other keys of dicts stand in brackets.

    >>> label("weight"), label("conv2.1"), label(""), label(0), label((0, "a"))
    ('weight', 'conv2%2E1', '%', '[0]', "[(0, 'a')]")
    """
    text = key if isinstance(key, str) else repr(key)
    safe = "".join(c if c.isprintable() and c not in APART else quoted(c) for c in text) or "%"
    if not isinstance(key, str):
        return f"[{safe}]"
    return safe if safe != RESERVED else quoted(safe[0]) + safe[1:]


def quoted(character: str) -> str:
    """A character as in a URL: the bytes of its UTF-8, each as % and two digits."""
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def within(name: str, part: str) -> str:
    """The dotted name of a part of what is called `name`."""
    return f"{name}.{part}" if name else part
