"""Initial weights, drawn from an explicit NumPy `Generator`.

Fan-in is how many inputs one output sums over. Shapes: (inputs, outputs) for a matrix,
(filters, channels, rows, columns, ...) for filters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Initialiser = Callable[[tuple[int, ...], np.random.Generator], Array]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan-in, fan-out) of a weight of this shape.

    >>> fans((3072, 10)), fans((6, 3, 5, 5))
    ((3072, 10), (75, 150))
    """
    if len(shape) < 2:
        return shape[0], shape[0]
    if len(shape) == 2:
        return shape[0], shape[1]
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] * positions


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Normal of variance 2 / fan-in, for relu. He et al. 2015, arXiv:1502.01852, eq. 10."""
    return rng.normal(0, math.sqrt(2 / fans(shape)[0]), shape)


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Uniform of variance 2 / fan-in, for relu. He et al. 2015, arXiv:1502.01852."""
    return uniform(math.sqrt(6 / fans(shape)[0]))(shape, rng)


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Normal of variance 2 / (fan-in + fan-out). Glorot and Bengio 2010, eq. 12."""
    return rng.normal(0, math.sqrt(2 / sum(fans(shape))), shape)


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Uniform of variance 2 / (fan-in + fan-out). Glorot and Bengio 2010, eq. 16."""
    return uniform(math.sqrt(6 / sum(fans(shape))))(shape, rng)


def uniform(limit: float) -> Initialiser:
    """The initialiser that draws uniformly from [-limit, limit)."""
    return lambda shape, rng: rng.uniform(-limit, limit, shape)


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """All zeros, for a bias; nothing is drawn."""
    return np.zeros(shape)
