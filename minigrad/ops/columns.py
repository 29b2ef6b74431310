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

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.core.layout import laid_out
from minigrad.ops.geometry import Padding, Sizes, positions
from minigrad.ops.loops import deal_unbuffered, in_parts

BAND = 2**18  # values to work at together: 1 MB of float32 stays in the second cache
IMAGES = 64  # to work at together: fewer are too short runs of memory
SHORT = 128  # a row of fewer columns is too short for a matrix product of its own
EACH = 25 * 10**6  # multiplications that are worth a thread: half a millisecond
TALL = 64  # rows of a matrix from which on a product with it is quick by itself
QUICK = 10**6  # OpenBLAS has quick kernels for matrix products of fewer multiplications,
SMALL = 1200  # which take a transposed matrix where the result has no more values than this
NARROW = 16  # columns of a result up to which they are much quicker than the others

Index = tuple[Any, ...]


class Band(NamedTuple):
    """Some groups, some rows of positions, and the rows that these meet."""

    groups: range
    rows: range
    met: range


class Sliding:
    """Filters of a certain size that slide over images of a certain size, row by row."""

    def __init__(
        self,
        groups: int,
        channels: int,
        batch: int,
        lengths: Sizes,
        size: Sizes,
        stride: Sizes,
        padding: Padding,
        dilation: Sizes,
    ) -> None:
        self.groups = groups
        self.channels = channels  # C / G
        self.batch = batch
        self.lengths = lengths  # N
        self.size = size  # F
        self.stride = stride
        self.padding = padding
        self.dilation = dilation

    @cached_property
    def places(self) -> Sizes:
        """P: how many positions the filter has along each axis."""
        return positions(self.lengths, self.size, self.stride, self.padding, self.dilation)

    @cached_property
    def n(self) -> int:
        """Columns in a row of positions."""
        return prod(self.places[1:]) * self.batch

    @cached_property
    def width(self) -> int:
        """R: values that a filter meets in a row of its input."""
        return prod(self.size[1:]) * self.channels

    @cached_property
    def depth(self) -> int:
        """K: values that a filter meets."""
        return self.size[0] * self.width

    @cached_property
    def batches(self) -> list[slice]:
        """The images in parts, so that a band has several rows: one of a single row would unfold
        every row that its filter meets for that row alone.
        """
        some = max(IMAGES, BAND // 8 // (self.width * prod(self.places[1:]) or 1))
        return [part(numbers) for numbers in in_parts(range(self.batch), round(self.batch / some))]

    @cached_property
    def rest(self) -> list[tuple[Index, Index]]:
        """For each place in a row of the filter: the pixels it meets, and from which positions."""
        axes = range(1, len(self.size))
        each = [[self.meeting(axis, i) for i in range(self.size[axis])] for axis in axes]
        return [
            (
                (..., *[pixels for pixels, _ in met], slice(None)),
                (..., *[places for _, places in met], slice(None)),
            )
            for met in product(*each)
        ]

    def meeting(self, axis: int, i: int) -> tuple[slice, slice]:
        """Along one axis: the pixels that place i of the filter meets, and from which positions.

        Padding is neither stored nor written to: the positions that meet it are left out.
        """
        s = self.stride[axis]
        offset = i * self.dilation[axis] - self.padding[axis][0]
        first = max(0, -(offset // s))
        last = min(self.places[axis], (self.lengths[axis] - 1 - offset) // s + 1)
        if last <= first:
            return slice(0), slice(0)
        return slice(first * s + offset, (last - 1) * s + offset + 1, s), slice(first, last)

    def worth(self, filters: int) -> int:
        """How many threads a product with so many filters a group is worth."""
        return threads_for(filters * self.groups * self.depth * self.places[0] * self.n)

    def tiles(self, rows: range, each: int = 1) -> list[tuple[range, range]]:
        """Groups and rows to be worked at together: what they unfold to stays in the cache.

        A row of a group unfolds to `each` rows of R * n values.
        """
        values = each * self.width * self.n
        return [
            (groups, some)
            for groups in split(range(self.groups), values * len(rows))
            for some in split(rows, values * len(groups))
        ]

    # --- reading: from rows of positions, what they meet --------------------------------------

    @cached_property
    def bands(self) -> list[Band]:
        """All rows of positions, those that are worked at together in one band.

        Rows as far apart as those of a dilated filter go together: what they meet then lies side
        by side, as for any filter.
        """
        s, d, before = self.stride[0], self.dilation[0], self.padding[0][0]
        apart = 1 if self.n < SHORT else d
        found = []
        for start in range(apart):
            for groups, rows in self.tiles(range(start, self.places[0], apart), s):
                first, last = rows[0] * s - before, rows[-1] * s - before + (self.size[0] - 1) * d
                found.append(Band(groups, rows, range(first, last + 1, apart)))
        return found

    def columns(self, x: Any, bands: Iterable[Band], parts: int) -> Iterator[tuple[Band, Any]]:
        """im2col, band by band: (G, C/G, *N, B) -> patches as `windows` has them.

        Only the rest of the axes is unfolded, F[1:] copies instead of F: the patches of rows that
        are neighbours overlap in memory as they do in the image.
        """
        padded = any(map(any, self.padding))
        room = None
        if len(self.rest) > 1 or padded or self.lengths[1:] != self.places[1:]:
            groups = max(len(band.groups) for band in self.bands)
            height = max(len(band.met) for band in self.bands)
            new = np.zeros if padded else np.empty
            room = new((groups, height, self.width, self.n), x.dtype)
        seen: dict[Any, Any] = {}  # windows over the room lie alike in bands of one size
        for band in bands:
            u = self.unfold(x[part(band.groups)], band.met, room)
            alike = u.shape, len(band.rows)
            if alike not in seen or room is None or self.n < SHORT:
                dilation = self.dilation[0] // band.rows.step
                seen[alike] = windows(
                    u, len(band.rows), self.size[0], self.stride[0], dilation, parts
                )
            yield band, seen[alike]

    def unfold(self, x: Any, met: range, room: Any) -> Any:
        """Rows of images with their shifted copies: (G, C/G, *N, B) -> (G, rows, R, n).

        The room for them has zeros where there is padding, which is at the same places in every
        row, and rows of padding only at the ends.
        """
        inside, rows = within(met, self.lengths[0])
        x = x[:, :, rows].swapaxes(1, 2)  # (G, rows, C/G, *N[1:], B)
        if room is None:  # nothing to unfold
            return x.reshape(*x.shape[:3], self.n)
        copies = len(self.rest), self.channels
        u = room[: len(x), : len(met)]
        u[:, : inside.start] = u[:, inside.stop :] = 0
        images = u.reshape(*u.shape[:2], *copies, *self.places[1:], self.batch)[:, inside]
        for j, (pixels, places) in enumerate(self.rest):
            images[:, :, j][places] = x[pixels]
        return u

    # --- writing, the adjoint: to rows of images, what is spread over them ---------------------

    def spread(self, x: Any, w: Any, z: Any) -> None:
        """Add to x (G, C/G, *N, B) what outputs z (G, O/G, P[0], n) spread over their patches.

        Which rows of the filters w (G, O/G, F[0], R) reach a row of x depends on its remainder by
        the stride only.
        """
        s, d, before = self.stride[0], self.dilation[0], self.padding[0][0]
        steps = []
        for remainder in range(s):
            reach = [i for i in range(self.size[0]) if (i * d - remainder) % s == 0][::-1]
            rows = range((remainder - before) % s, self.lengths[0], s)
            if reach and rows:
                first = (rows[0] + before - reach[0] * d) // s
                apart = (reach[0] - reach[1]) * d // s if reach[1:] else 1
                steps.append((rows, reach, first, apart))
        start = min([first for _, _, first, _ in steps], default=0)
        stops = [first + len(rows) + (len(r) - 1) * apart for rows, r, first, apart in steps]
        z = rows_of(z, range(start, max(stops, default=0)))  # once for all remainders
        for rows, reach, first, apart in steps:
            self.spread_rows(x[:, :, part(rows)], w[:, :, reach], z[:, first - start :], apart)

    def spread_rows(self, x: Any, w: Any, z: Any, apart: int) -> None:
        """The same where all rows of w, turned round, reach each row of x.

        They slide over the rows of z (G, rows, O/G, n), the first of which is met by the first row
        of x; rows of w are `apart` rows of z from each other.
        """
        reach = w.shape[2]
        w = w.transpose(0, 3, 2, 1)  # (G, R, reach, O/G)
        w = w.reshape(self.groups, 1, 1, self.width, reach * w.shape[3])
        parts = products(self.width, w.shape[4], self.n)

        def work(tiles: Iterable[tuple[range, range]]) -> None:
            for groups, rows in tiles:
                met = z[part(groups), rows.start : rows.stop + (reach - 1) * apart]
                u = np.empty((len(groups), self.width, len(rows), self.n), x.dtype)
                patches = windows(met, len(rows), reach, 1, apart, parts)
                np.matmul(w[part(groups)], patches, out=by_row(u, parts))
                self.fold(x[part(groups), :, part(rows)], u)

        deal_unbuffered(self.tiles(range(x.shape[2])), work, self.worth(z.shape[2]))

    def fold(self, x: Any, u: Any) -> None:
        """The adjoint of `unfold`: add shifted copies u (G, R, rows, n) to x (G, C/G, *N, B)."""
        copies = len(self.rest), self.channels
        u = u.reshape(len(x), *copies, x.shape[2], *self.places[1:], self.batch)
        for j, (pixels, places) in enumerate(self.rest):
            x[pixels] += u[:, j][places]


def threads_for(multiplications: int) -> int:
    """How many threads so many multiplications are worth."""
    return multiplications // EACH


def split(rows: range, values: int) -> list[range]:
    """Rows of so many values each, in parts of about `BAND` values."""
    return in_parts(rows, -(-len(rows) * values // BAND))


def part(numbers: range) -> slice:
    """The slice of these places."""
    return slice(numbers.start, numbers.stop, numbers.step)


def within(rows: range, length: int) -> tuple[slice, slice]:
    """Those of some rows that exist, among 0 ... length - 1: their places and their numbers."""
    first = max(0, -(rows.start // rows.step))
    last = max(first, min(len(rows), (length - 1 - rows.start) // rows.step + 1))
    return slice(first, last), part(rows[first:last])


def rows_of(z: Any, numbers: range) -> Any:
    """Rows of outputs, zeros where there are none: (G, O/G, P[0], n) -> (G, rows, O/G, n)."""
    inside, rows = within(numbers, z.shape[2])
    padded = np.empty((len(z), len(numbers), z.shape[1], z.shape[3]), z.dtype)
    padded[:, : inside.start] = padded[:, inside.stop :] = 0
    padded[:, inside] = z[:, :, rows].swapaxes(1, 2)
    return padded


# --- matrix products of rows ------------------------------------------------------------------


def products(height: int, depth: int, n: int) -> int:
    """In how many equal parts to multiply a flat (height, depth) by n columns.

    6 x 75 times 896 columns runs at 100 GFLOPS, times 7,168 at 30, in eight parts at 50.
    """
    parts = 1
    while height < TALL and height * depth * n > QUICK * parts and n % (2 * SHORT * parts) == 0:
        parts *= 2
    return parts


def quick_pieces(patches: Any, filters: int) -> Any:
    """Patches (..., K, n) as (..., pieces, K / pieces, n), to be multiplied by n x O outputs.

    As few as are quick: 150 x 1,024 times 1,024 x 10 runs at 36 GFLOPS whole, at 60 in two pieces.
    With more filters it is no slower whole.
    """
    *lead, depth, n = patches.shape
    number = 1
    if 0 < filters <= NARROW:
        rows = min(SMALL // filters, QUICK // (n * filters or 1))
        number = next((d for d in range(1, depth + 1) if depth % d == 0 and depth <= d * rows), 1)
    return patches.reshape(*lead, number, depth // number, n)


def windows(u: Any, rows: int, size: int, stride: int, dilation: int, parts: int) -> Any:
    """A window sliding over rows: (G, N, R, n) -> (G, rows, parts, size * R, n / parts).

    In place, unless it is dilated. Short rows go together: (G, 1, 1, size * R, rows * n), a copy.
    """
    groups, _, width, n = u.shape
    group, row, value, item = u.strides
    strides = group, stride * row, n // parts * item, dilation * row, value, item
    view = as_strided(u, (groups, rows, parts, size, width, n // parts), strides)
    if n < SHORT:
        view = view[:, :, 0].transpose(0, 2, 3, 1, 4)
        return view.reshape(groups, 1, 1, size * width, rows * n)
    return view.reshape(groups, rows, parts, size * width, n // parts)


def by_row(z: Any, parts: int) -> Any:
    """Outputs as `windows` has them, in place: (G, O/G, rows, n) -> (G, rows, parts, O/G, ...)."""
    groups, filters, rows, n = z.shape
    if n < SHORT:
        return z.reshape(groups, 1, 1, filters, rows * n)
    return z.reshape(groups, filters, rows, parts, n // parts).transpose(0, 2, 3, 1, 4)


# --- the layout of memory ---------------------------------------------------------------------


def as_usual(x: Any) -> bool:
    """Whether images lie in memory as (B, C, *N), each large enough for a product of its own."""
    return x.flags.c_contiguous and prod(x.shape[2:]) >= SHORT


def batch_last(x: Any, groups: int) -> Any:
    """(B, C, *N) -> (G, C/G, *N, B); a copy only where memory is not so."""
    last = (*range(1, x.ndim), 0)
    if x.strides[0] != x.itemsize and len(x) > 1:
        x = laid_out(empty_images(x.shape, x.dtype), x)
    x = x.transpose(last)
    return x.reshape(groups, len(x) // groups, *x.shape[1:])


def empty_images(shape: Sizes, dtype: Any) -> Any:
    """An empty array of images (B, C, *N), with the batch last in memory."""
    return batch_first(np.empty((1, *shape[1:], shape[0]), dtype))


def batch_first(x: Any) -> Any:
    """(G, C/G, *N, B) -> (B, C, *N), in the same memory."""
    x = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    return x.transpose(x.ndim - 1, *range(x.ndim - 1))


@lru_cache(maxsize=256)  # a network slides the same few filters again and again
def sliding(*sizes: Any, **geometry: Any) -> Sliding:
    """The `Sliding` of these sizes."""
    keep_memory_at_hand()
    return Sliding(*sizes, **geometry)


def keep_memory_at_hand() -> None:
    """Have glibc's allocator keep up to 62 MB of freed memory in the process, not return it.

    It keeps twice the largest block that it has seen freed, of 32 MB at most, and 31 MB that are
    never touched count as one. The columns and maps of a convolution are then laid out in pages
    that are there already: fetching new ones was a quarter of the LeNet-like step.
    """
    np.empty(31 * 2**20, np.uint8)
