"""How a convolution becomes matrix products: the layout of memory, and patches as columns.

Images are laid out with the batch last, (C, *N, B): a shift by a pixel is then a shift of whole
runs of memory, which NumPy copies and adds at full speed, and one row of pixels of all images
makes the columns of one matrix. Results keep that layout, under the usual axes (B, C, *N): strides
are free, ufuncs keep them, and the next convolution finds its input laid out as it likes it.

B images, C channels, O filters, G groups; N the spatial shape of the input, F that of the filter,
P that of the positions. "Rows" are along the first spatial axis, "the rest" are the other axes. A
row of positions makes n = prod(P[1:]) * B columns. A filter meets R = prod(F[1:]) * C/G values in
a row of its input, K = F[0] * R in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.ops.geometry import Padding, Sizes, taps

BAND = 2**18  # values to unfold at a time: 1 MB of float32 stays in the second cache
SHORT = 128  # a row of fewer columns is too short for a matrix product of its own


@dataclass(frozen=True)
class Sliding:
    """A filter of a certain size, slid over images of a certain size, row by row."""

    groups: int
    channels: int  # C / G
    batch: int
    size: Sizes  # F
    places: Sizes  # P
    stride: Sizes
    dilation: Sizes

    @cached_property
    def n(self) -> int:
        """Columns in a row of positions."""
        return prod(self.places[1:]) * self.batch

    @cached_property
    def width(self) -> int:
        """R: values that a filter meets in a row of its input."""
        return prod(self.size[1:]) * self.channels

    @cached_property
    def rest(self) -> list[tuple[Any, ...]]:
        """For each place in a row of the filter, the index of what it meets: (..., *N[1:], B)."""
        met = taps(self.size[1:], self.stride[1:], self.dilation[1:], self.places[1:])
        return [(..., *slices, slice(None)) for _, slices in met]

    @cached_property
    def bands(self) -> list[slice]:
        """Rows of positions to be worked at together, so that about `BAND` values unfold."""
        rows = self.places[0]
        unfolded = rows * self.stride[0] * self.groups * self.width * self.n
        number = min(-(-unfolded // BAND) or 1, rows)
        return [slice(rows * i // number, rows * (i + 1) // number) for i in range(number)]

    def met(self, rows: slice, step: int = 1) -> slice:
        """The rows of the input that rows of positions meet; a single one with step D."""
        s, d = self.stride[0], self.dilation[0]
        return slice(rows.start * s, (rows.stop - 1) * s + (self.size[0] - 1) * d + 1, step)

    def columns(self, x: Any, band: slice) -> Any:
        """im2col of a band: (G, C/G, *N, B) -> (G, rows, K, n), or (G, 1, K, rows * n) if short.

        Only the rest of the axes is unfolded, F[1:] copies instead of F: the patches of rows that
        are neighbours overlap in memory as they do in the image.
        """
        u = self.unfold(x[:, :, self.met(band)].swapaxes(1, 2))  # (G, rows met, R, n)
        group, row, *within = u.strides
        rows, k = band.stop - band.start, self.size[0] * self.width
        patches = as_strided(
            u,
            (self.groups, rows, self.size[0], self.width, self.n),
            (group, self.stride[0] * row, self.dilation[0] * row, *within),
        )
        if self.n < SHORT:
            return patches.transpose(0, 2, 3, 1, 4).reshape(self.groups, 1, k, rows * self.n)
        return patches.reshape(self.groups, rows, k, self.n)  # no copy, but for a dilation

    def unfold(self, x: Any) -> Any:
        """The rest of the axes unfolded: (G, rows, C/G, *N[1:], B) -> (G, rows, R, n)."""
        groups, rows, channels, *lengths, batch = x.shape
        if len(self.rest) == 1 and (*lengths,) == self.places[1:]:
            return x.reshape(groups, rows, channels, self.n)
        u = np.empty((groups, rows, len(self.rest), channels, *self.places[1:], batch), x.dtype)
        for j, met in enumerate(self.rest):
            u[:, :, j] = x[met]
        return u.reshape(groups, rows, self.width, self.n)

    def fold(self, x: Any, u: Any) -> None:
        """The adjoint of `unfold`: add u to x where it came from."""
        groups, rows, channels, *_, batch = x.shape
        u = u.reshape(groups, rows, len(self.rest), channels, *self.places[1:], batch)
        for j, met in enumerate(self.rest):
            x[met] += u[:, :, j]

    def add_columns(self, x: Any, w: Any, z: Any, band: slice) -> None:
        """col2im, the adjoint: add the columns w @ z of a band to x, (G, C/G, *N, B).

        Here w is (G, 1, K, O/G) and z (G, O/G, P[0], n). A row of columns is added as soon as it
        is made, while it is in the cache.
        """
        x = x[:, :, self.met(band)].swapaxes(1, 2)  # (G, rows met, C/G, *N[1:], B)
        u = np.zeros((self.groups, x.shape[1], self.width, self.n), x.dtype)
        for step in [band] if self.n < SHORT else rows_of(band):
            rows = rows_of(step, band.start)
            cols = w @ self.by_row(z, step)
            cols = cols.reshape(self.groups, self.size[0], self.width, len(rows), self.n)
            for i, row in enumerate(rows):
                u[:, self.met(row, self.dilation[0])] += cols[:, :, :, i]
        self.fold(x, u)

    def by_row(self, z: Any, band: slice) -> Any:
        """Outputs as `columns` has them: (G, O/G, P[0], n) -> (G, rows, O/G, n), in place."""
        z = z[:, :, band]
        if self.n < SHORT:
            return z.reshape(self.groups, 1, z.shape[1], z.shape[2] * self.n)
        return z.swapaxes(1, 2)


def rows_of(band: slice, start: int = 0) -> list[slice]:
    """The rows of a band one by one, counted from `start`."""
    return [slice(row, row + 1) for row in range(band.start - start, band.stop - start)]


sliding = lru_cache(maxsize=256)(Sliding)  # a network slides the same few filters again and again


def batch_last(x: Any, groups: int, padding: Padding) -> Any:
    """(B, C, *N) -> (G, C/G, *N with its padding, B); a copy only where memory is not so."""
    x = x.transpose(*range(1, x.ndim), 0)
    if any(map(any, padding)):
        widths = [n + sum(border) for n, border in zip(x.shape[1:-1], padding, strict=True)]
        padded = np.zeros((len(x), *widths, x.shape[-1]), x.dtype)
        padded[inside(x.shape[1:-1], padding)] = x
        x = padded
    elif x.strides[-1] != x.itemsize and x.shape[-1] > 1:
        x = np.ascontiguousarray(x)
    return x.reshape(groups, len(x) // groups, *x.shape[1:])


def inside(sizes: Sizes, padding: Padding) -> tuple[Any, ...]:
    """The index of what is not padding: (..., *N with its padding, B) -> (..., *N, B)."""
    return (..., *[slice(p, p + n) for n, (p, _) in zip(sizes, padding, strict=True)], slice(None))


def batch_first(x: Any) -> Any:
    """(G, C/G, *N, B) -> (B, C, *N), in the same memory."""
    x = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    return x.transpose(x.ndim - 1, *range(x.ndim - 1))
