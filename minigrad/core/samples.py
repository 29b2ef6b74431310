"""Sample inputs, stated beside each op, from which its tests are made.

An elementwise op gives a `Domain` for each array (one alone serves for all; None draws booleans,
for a mask that has no gradient); any other op gives a list of `case(...)`: the shape, or the very
array, of each input, then the settings.
"""

from __future__ import annotations

from math import inf
from typing import Any


class Domain:
    """An interval to draw from, and points to keep away from (kinks, poles).

    Raises `ValueError` unless `low` and `high` are finite and `low` is less.
    """

    def __init__(self, low: float, high: float, avoid: tuple[float, ...] = ()) -> None:
        if not -inf < low < high < inf:
            raise ValueError(f"a domain is from a lower to a higher number; got {low} to {high}.")
        self.low = low
        self.high = high
        self.avoid = avoid


reals = Domain(-3.0, 3.0)
positive = Domain(0.2, 4.0)
nonzero = Domain(-3.0, 3.0, avoid=(0.0,))
unit = Domain(-0.9, 0.9)
above_one = Domain(1.1, 4.0)


class Case:
    """One sample call: an array or a shape to draw for each input, and the settings."""

    def __init__(
        self,
        inputs: tuple[Any, ...],
        settings: dict[str, Any] | None = None,
        domain: Domain | tuple[Domain | None, ...] = reals,
    ) -> None:
        self.inputs = inputs
        self.settings = settings or {}
        self.domain = domain  # of all inputs, or of each


def case(*inputs: Any, domain: Domain | tuple[Domain | None, ...] = reals, **settings: Any) -> Case:
    """One sample call of an op; a tuple among `inputs` is a shape to draw from `domain`."""
    return Case(inputs, settings, domain)


Samples = Domain | tuple[Domain | None, ...] | list[Case] | None
