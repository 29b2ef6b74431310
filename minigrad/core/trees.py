"""Nested lists, tuples and dicts of arrays, seen as a flat list of leaves and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rebuild = Callable[[list[Any]], Any]


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
            return type(tree)(zip(tree, built, strict=True))
        return type(tree)(*built) if hasattr(tree, "_fields") else type(tree)(built)

    return [leaf for leaves, _ in parts for leaf in leaves], rebuild
