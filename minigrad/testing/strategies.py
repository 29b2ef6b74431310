"""Hypothesis strategies: arrays in every memory layout, shapes, axes, indices, whole programs.

Loaded, and Hypothesis with it, only when asked for: `from minigrad.testing import strategies`.

>>> import numpy as np, minigrad as mg
>>> from hypothesis import given
>>> from minigrad.testing import strategies
>>> @given(strategies.arrays())
... def test_any_array(x):
...     mg.testing.check_grads(np.tanh, x)
>>> test_any_array()
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.core.node import Array
from minigrad.core.samples import Domain, reals
from minigrad.testing.inputs import spaced
from minigrad.testing.layouts import LAYOUTS, repeated
from minigrad.testing.programs import Program, write

Shape = tuple[int, ...]

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)  # numbers, to be drawn fast


def shapes(least: int = 0, max_dims: int = 3, max_side: int = 3) -> st.SearchStrategy[Shape]:
    """Shapes: 0-d, with axes of length 1, and of length 0 unless `least` is more."""
    return hnp.array_shapes(min_dims=0, max_dims=max_dims, min_side=least, max_side=max_side)


def broadcastable(number: int, least: int = 0) -> st.SearchStrategy[tuple[Shape, ...]]:
    """So many shapes that broadcast together."""
    together = hnp.mutually_broadcastable_shapes(
        num_shapes=number, min_side=least, max_side=3, max_dims=3
    )
    return together.map(lambda drawn: drawn.input_shapes)


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    domain: Domain = reals,
    dtype: Any = np.float64,
) -> Array:
    """Arrays in any memory: C or Fortran order, negative strides, gaps, stride 0, read-only.

    The numbers are from the domain, no two of them near to each other, except where stride 0
    repeats them.
    """
    given = shapes() if shape is None else shape
    drawn = draw(given) if isinstance(given, st.SearchStrategy) else given
    numbers = spaced(domain, int(np.prod(drawn)), draw(generators)).reshape(drawn).astype(dtype)
    layout = draw(st.sampled_from(["C", *LAYOUTS, "stride 0"]))
    if layout == "stride 0":
        return repeated(numbers)
    return LAYOUTS[layout](numbers) if layout in LAYOUTS else numbers


def cotangents(like: Any) -> st.SearchStrategy[Array]:
    """Random cotangents of an array's shape and dtype, in any memory; never all ones."""
    return arrays(np.shape(like), dtype=np.asarray(like).dtype)


@st.composite
def axes(draw: st.DrawFn, ndim: int, several: bool = True) -> Any:
    """An `axis` argument for so many axes: None, a number, or (if `several`) a tuple of numbers."""
    forms: list[st.SearchStrategy[Any]] = [st.none()]
    if ndim:
        one = st.integers(-ndim, ndim - 1)
        forms.append(one)
        if several:
            forms.append(st.lists(one, unique_by=lambda a: a % ndim, min_size=1).map(tuple))
    return draw(st.one_of(forms))


@st.composite
def indices(draw: st.DrawFn, shape: Shape) -> Any:
    """Anything that `ndarray.__getitem__` takes for an array of this shape.

    Basic indices with newaxis and ellipsis, integer arrays (repeats, negative, broadcast with
    each other), boolean masks, and mixtures of all.
    """
    basic: st.SearchStrategy[Any] = hnp.basic_indices(shape, allow_newaxis=True)
    kinds = [basic, mixed_indices(shape)]
    if shape:
        kinds.append(hnp.arrays(bool, shape))
        if 0 not in shape:
            kinds.append(hnp.integer_array_indices(shape, result_shape=shapes(max_dims=2)))
    return draw(st.one_of(kinds))


@st.composite
def mixed_indices(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """For each axis a slice, a number, an array of numbers or a mask; some axes new, some left."""
    length = draw(st.sampled_from([1, 2]))  # of all index arrays, as they broadcast together
    parts: list[Any] = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        kinds: list[st.SearchStrategy[Any]] = [st.slices(n)]
        if n:
            number = st.integers(-n, n - 1)
            kinds += [number, hnp.arrays(np.intp, length, elements=number)]
        if n >= length:
            mask = np.arange(n) < length
            kinds.append(st.permutations(mask.tolist()).map(np.array))
        if draw(st.integers(0, 4)) == 0:
            parts.append(None)
        parts.append(draw(st.one_of(kinds)))
    return (*parts, ...) if draw(st.booleans()) else tuple(parts)


@st.composite
def convolutions(draw: st.DrawFn, axes: int = 2) -> tuple[Shape, Shape, dict[str, Any]]:
    """Shapes of images and filters, and the settings of a convolution along so many axes.

    Strides below and above the filter's size, dilation, groups, padding as a number or per axis.
    The filter may not tile the image: `remainder` is "drop".
    """

    def per_axis(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    groups = draw(st.integers(1, 2))
    channels, filters = (groups * draw(st.integers(1, 2)) for _ in range(2))
    size, stride, dilation = per_axis(1, 3), per_axis(1, 3), per_axis(1, 2)
    padding = per_axis(0, 2)
    reach = [(f - 1) * d + 1 for f, d in zip(size, dilation, strict=True)]
    least = [max(r - 2 * p, 1) for r, p in zip(reach, padding, strict=True)]
    image = tuple(n + draw(st.integers(0, 3)) for n in least)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (
        (draw(st.integers(1, 2)), channels, *image),
        (filters, channels // groups, *size),
        {**settings, "remainder": "drop"},
    )


@st.composite
def pools(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    """The shape of maps and the settings of a pooling: windows apart, side by side, overlapping."""
    size = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    lead = draw(st.sampled_from([(), (2,), (1, 2)]))
    maps = tuple(n + draw(st.integers(0, 3)) for n in size)
    return (*lead, *maps), {"size": size, "stride": stride, "remainder": "drop"}


@st.composite
def programs(draw: st.DrawFn, max_steps: int = 6) -> tuple[Program, list[Array]]:
    """A random program, and arrays to run it on."""
    chosen: list[Shape] = draw(st.sampled_from(INPUTS))
    inputs = [spaced(reals, int(np.prod(s)), draw(generators)).reshape(s) for s in chosen]

    def choose(options: Sequence[Any]) -> Any:
        return draw(st.sampled_from(options))

    return write(choose, inputs, draw(st.integers(1, max_steps))), inputs


INPUTS: list[list[Shape]] = [
    [(2, 3)],
    [(3,)],
    [()],
    [(2, 3), (3,)],
    [(2, 3), (3, 2)],
    [(3,), ()],
    [(1, 2), (2, 2)],
]
