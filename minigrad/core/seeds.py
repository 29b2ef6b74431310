"""Random generators from what users give for one: a seed, a NumPy `Generator`, or nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import DataError


def generator(given: Any) -> np.random.Generator:
    """The generator given, or a new one from a seed; from None one that nobody can repeat.

    Raises `DataError` for what is neither.
    """
    if not isinstance(given, bool):
        try:
            return np.random.default_rng(given)
        except (TypeError, ValueError):
            pass
    raise DataError(
        f"{given!r} is not a seed: pass a whole number of at least 0, such as 0, or a Generator, "
        f"np.random.default_rng(0)."
    ) from None
