"""A Jacobian as numbers that can be compared: element by element, or projected if it is large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.node import Array
from minigrad.testing.differences import Differences, Direction
from minigrad.testing.findings import Finding
from minigrad.testing.point import Point
from minigrad.transforms import Recorded

PROJECTIONS = 3


class Comparison:
    """What is compared at a point: directions of the inputs, and weights of the results.

    Up to `limit` elements, each is a direction (a weight) by itself; some random ones follow.
    """

    def __init__(self, point: Point, rng: np.random.Generator, limit: int) -> None:
        self.point = point
        self.scale = joined([sizes(x) for x in point.arrays])
        self.directions = unit_directions(point.arrays) if self.scale.size <= limit else []
        self.elements = len(self.directions)
        self.directions += random_directions(point.arrays, rng)
        self.outputs = sum(x.size for x in point.results())
        self.units = self.outputs if self.outputs <= limit else 0
        random = rng.normal(size=(PROJECTIONS, self.outputs))
        self.weights = np.concatenate([np.eye(self.outputs)[: self.units], random])

    def numbers(self, recorded: Recorded, mode: str) -> Array:
        """The derivatives by the engine: of each result, or of each weighted sum of results."""
        if mode == "forward":
            return np.stack([joined(recorded.push(t)) for t in self.directions], axis=1)
        pulled = [recorded.pull(split(w, recorded.outputs)) for w in self.weights]
        rows: Array = np.stack([joined(gradients) for gradients in pulled])
        return rows @ np.stack([joined(t) for t in self.directions], axis=1)

    def faint(self, found: dict[str, Array], oracle: Differences) -> Array:
        """Which numbers the differences are too coarse to tell anything about."""
        sizes = np.zeros(oracle.low.shape)
        for numbers in found.values():
            if len(numbers) >= self.outputs:  # each result for itself comes first
                sizes = np.maximum(sizes, np.abs(numbers[: self.outputs]))
        return oracle.faint(sizes)

    def moves(self, recorded: Recorded) -> dict[str, bool]:
        """By the engine: of each array, whether it changes any result, and of each result, whether
        any array changes it. Where nothing does, all numbers are 0: right, but little proof.
        """
        rng = np.random.default_rng(0)
        gradients = recorded.pull([rng.normal(size=x.shape) for x in recorded.outputs])
        changes = recorded.push([rng.normal(size=x.shape) for x in self.point.arrays])
        results = ["result"] if len(changes) == 1 else [f"result {i}" for i in range(len(changes))]
        named = zip((*self.point.names, *results), (*gradients, *changes), strict=True)
        return {name: bool(np.any(x)) for name, x in named if np.size(x)}

    def hold(self, found: dict[str, Array], oracle: Differences) -> None:
        """Raise the finding of the worst number, if any is wrong, in the modes found."""
        for mode, numbers in found.items():
            if mode == "forward":
                self.hold_mode(mode, numbers, oracle, self.outputs)
            else:
                self.hold_mode(mode, numbers, oracle.combined(self.weights), self.units)

    def hold_mode(self, mode: str, found: Array, oracle: Differences, units: int) -> None:
        """The same for one mode. The first `units` rows are single results, the others sums."""
        excess = oracle.excess(found)
        if not np.max(excess) > 1:
            return
        for single in (excess[:units], excess[:, : self.elements], excess[:units, : self.elements]):
            if np.max(single, initial=0) > 1:  # rather an element than a sum or a direction
                excess = single
        row, column = (int(i) for i in np.unravel_index(np.argmax(excess), excess.shape))
        unit = self.scale[column] if column < self.elements else 1.0
        low, high, number = (a[row, column] / unit for a in (oracle.low, oracle.high, found))
        between = f"between {low:.10g} and {high:.10g}, a kink" if low < high else f"{low:.10g}"
        argument, below = self.below(column)
        raise Finding(
            "the derivative is wrong",
            mode=mode,
            argument=argument,
            details=[
                f"{self.above(row, units)} / {below}",
                f"  by the rule         {number:.10g}",
                f"  by differences      {between}",
            ],
        )

    def above(self, row: int, units: int) -> str:
        """What is differentiated."""
        if row >= units:
            return "d (a random sum of the results)"
        results = self.point.results()
        i, place = place_of(row, results)
        name = "result" if len(results) == 1 else f"result {i}"
        return f"d {element(name, place)}"

    def below(self, column: int) -> tuple[int | None, str]:
        """What it is differentiated by: which array, and its name."""
        if column >= self.elements:
            keeping = ", keeping ties" if column >= len(self.directions) - 2 else ""
            return None, f"d (a random direction{keeping})"
        i, place = place_of(column, self.point.arrays)
        return i, f"d {element(self.point.names[i], place)}"


def place_of(number: int, arrays: Sequence[Array]) -> tuple[int, tuple[int, ...]]:
    """Which array an element is in, and where, by its number in all of them."""
    starts = np.cumsum([0, *[x.size for x in arrays]])
    i = int(np.searchsorted(starts, number, side="right")) - 1
    return i, tuple(int(k) for k in np.unravel_index(number - starts[i], arrays[i].shape))


def element(name: str, place: tuple[int, ...]) -> str:
    """The name of one element: x[0, 2]."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


# --- directions -----------------------------------------------------------------------------


def sizes(x: Array) -> Array:
    """The size of each element, by which it is moved: never too little to make a difference."""
    return np.where(np.isfinite(x), np.maximum(np.abs(x), 0.1), 1.0)


def unit_directions(arrays: Sequence[Array]) -> list[Direction]:
    """One direction for each element: it alone changes, in proportion to its size."""
    found = []
    for i, x in enumerate(arrays):
        for place in np.ndindex(x.shape):
            direction = [np.zeros(y.shape) for y in arrays]
            direction[i][place] = sizes(x[place])
            found.append(direction)
    return found


def random_directions(arrays: Sequence[Array], rng: np.random.Generator) -> list[Direction]:
    """Random directions, of which the last two leave elements equal that are equal.

    Where values tie, a function of their order has kinks in almost all directions, but not in
    these: along them the derivative must be exact.
    """
    if not any(x.size for x in arrays):
        return []
    values, places = np.unique(joined(arrays), return_inverse=True)
    changes = (sizes(values) * rng.normal(size=values.shape) for _ in range(2))
    keeping_ties = [split(change[places], arrays) for change in changes]
    return [[sizes(x) * rng.normal(size=x.shape) for x in arrays], *keeping_ties]


def joined(parts: Sequence[Any]) -> Array:
    """All numbers as one vector."""
    return np.concatenate([np.ravel(x) for x in parts])


def split(vector: Array, like: Sequence[Any]) -> list[Array]:
    """The vector cut into arrays of the shapes of `like`."""
    stops = np.cumsum([x.size for x in like])
    return [
        part.reshape(x.shape) for part, x in zip(np.split(vector, stops[:-1]), like, strict=True)
    ]
