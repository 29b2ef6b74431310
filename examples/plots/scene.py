"""A small colour image to convolve: sun, sky, a house, grass."""

from __future__ import annotations

from typing import Any

import numpy as np


def scene() -> Any:
    """The image (3, 32, 32), colours in [0, 1]."""
    row, column = np.mgrid[:32, :32]
    image = np.stack([0.55 + 0.01 * row, 0.75 + 0.005 * row, np.full((32, 32), 0.95)])
    for where, colour in (
        ((row - 7) ** 2 + (column - 24) ** 2 < 20, (1.0, 0.85, 0.2)),
        (row >= 25, (0.2, 0.55, 0.25)),
        ((row >= 15) & (row < 27) & (abs(column - 10) <= 6), (0.9, 0.9, 0.85)),
        ((row >= 8) & (row < 15) & (abs(column - 10) <= row - 7), (0.75, 0.2, 0.15)),
        ((row >= 19) & (row < 27) & (abs(column - 12) <= 1), (0.35, 0.2, 0.1)),
    ):
        image[:, where] = np.array(colour)[:, None]
    return image
