"""Pooling: every activation map on its own becomes smaller. No padding, no parameters."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from minigrad.core.dealing import threads
from minigrad.core.layout import laid_out_as
from minigrad.core.op import general, linear
from minigrad.core.reals import real
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.geometry import Pair, Remainder, check_tiling, per_axis, positions, taps
from minigrad.ops.loops import blocks, deal_unbuffered, unbuffered
from minigrad.ops.operands import operand, plain


def resolve(op, x, size, stride, remainder):
    """Size and stride as pairs, after the checks; the stride defaults to the size."""
    given = [tuple(v) if isinstance(v, list) else v for v in (size, stride)]
    return resolve_shape(op, operand(x).shape, *given, remainder)


@lru_cache(maxsize=256)
def resolve_shape(op, shape, size, stride, remainder):
    """The same for the shape of x, once."""
    if len(shape) < 2:
        raise ShapeError(f"{op}: takes maps (..., H, W); got shape {shape}.")
    size = per_axis(op, "size", size)
    stride = size if stride is None else per_axis(op, "stride", stride)
    check_tiling(op, shape[-2:], size, stride, ((0, 0), (0, 0)), remainder)
    return {"size": size, "stride": stride}


def maxpool(
    x, size: int | Pair = 2, *, stride: int | Pair | None = None, remainder: Remainder = "error"
):
    """The largest value of every window: (..., H, W) -> (..., Ho, Wo).

    Ho = (H - size) / stride + 1, which must be a whole number unless `remainder="drop"`.
    The stride defaults to the size. Of values that tie in a window the first gets the whole
    gradient; a nan is the largest. Raises `ShapeError` where the window does not tile its input.
    As `torch.nn.functional.max_pool2d`.

    >>> import minigrad as mg
    >>> mg.maxpool(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[4.]])
    """
    x = operand(x)
    return maxpool_(x, **resolve("maxpool", x, size, stride, remainder))


@real("x")
def avgpool(
    x, size: int | Pair = 2, *, stride: int | Pair | None = None, remainder: Remainder = "error"
):
    """The mean of every window: (..., H, W) -> (..., Ho, Wo). Otherwise as `maxpool`.

    >>> import minigrad as mg
    >>> mg.avgpool(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[2.5]])
    """
    return avgpool_(x, **resolve("avgpool", x, size, stride, remainder))


def global_maxpool(x, *, keepdims=False):
    """The largest value of every map: (..., H, W) -> (...), or (..., 1, 1) with `keepdims`.

    Of values that tie the first gets the whole gradient, as in `maxpool`. Raises `ShapeError`
    for maps without a value. As `torch.nn.functional.adaptive_max_pool2d` to size 1.

    >>> import minigrad as mg
    >>> mg.global_maxpool(mg.Tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    Tensor([4.])
    """
    x = whole_maps("global_maxpool", x)
    *lead, height, width = x.shape
    maps = np.reshape(x, (prod(lead), height * width))
    z = maps[np.arange(len(maps)), np.argmax(plain(maps), axis=1)]
    return np.reshape(z, (*lead, 1, 1) if keepdims else lead)


def global_avgpool(x, *, keepdims=False):
    """The mean of every map: (..., H, W) -> (...). Otherwise as `global_maxpool`.

    Lin et al. 2014, "Network In Network", in place of the last fully connected layers.

    >>> import minigrad as mg
    >>> mg.global_avgpool(mg.Tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    Tensor([2.5])
    """
    return np.mean(whole_maps("global_avgpool", x), axis=(-2, -1), keepdims=keepdims)


def whole_maps(op, x):
    """x with its last two axes known to be maps of at least one value."""
    x = operand(x)
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise ShapeError(f"{op}: takes maps (..., H, W) of a value or more; got shape {x.shape}.")
    return x


# --- the largest of each window -------------------------------------------------------------


def largest(x, *, size, stride):
    """The largest value of each window."""
    return over_windows(np.maximum, x, size, stride)


def over_windows(ufunc, x, size, stride):
    """A ufunc over the rows of every window, then over its columns: 2 F steps, not F * F."""
    places = positions(x.shape[-2:], size, stride, ((0, 0), (0, 0)), (1, 1))
    rows = [met for _, met in taps(size[:1], stride[:1], (1,), places[:1])]
    columns = [met for _, met in taps(size[1:], stride[1:], (1,), places[1:])]
    z = np.empty_like(x, shape=(*x.shape[:-2], *places))

    def work(parts):
        for part in parts:
            met = combined(ufunc, [x[part][(..., *met, slice(None))] for met in rows])
            combined(ufunc, [met[(..., *places)] for places in columns], z[part])

    deal_blocks(z, APART, work)
    return z


def deal_blocks(maps, values, work):
    """Have maps worked at in blocks of so many values or fewer, as many for every thread."""
    shares = max(1, min(threads.get(), maps.size // WORTH))
    number = -(-maps.size // (values * shares)) * shares
    deal_unbuffered(blocks(maps, number), work, shares)


def combined(ufunc, parts, z=None):
    """A ufunc over arrays of one shape, into `z` if it is given; else it has their layout."""
    if not parts[1:]:
        return parts[0] if z is None else np.copyto(z, parts[0])
    z = ufunc(*parts[:2], out=z)
    for part in parts[2:]:
        ufunc(z, part, out=z)
    return z


def firsts(x, z, size, stride):
    """Where in x each place of the window lies, and in which windows it is the first largest."""
    *others, last = [met for _, met in taps(size, stride, (1, 1), z.shape[-2:])]
    free = np.ones_like(z, dtype=bool)  # windows without a place so far
    same = sameness(z)
    for met in others:
        found = same(x[(..., *met)], z) & free
        free ^= found
        yield met, found
    yield last, free


def sameness(z):
    """How to ask whether a value is the largest: one that is nan is, where the largest is nan."""
    if np.isnan(z).any():
        return lambda x, z: (x == z) | (x != x)
    return np.equal


def bits(x):
    """The same memory as integers: times 0 or 1 they select, and inf and nan leave no trace."""
    return x.view(f"i{x.itemsize}") if x.itemsize <= 8 else x  # there are none of 16 bytes


maxpool_ = general(
    largest,
    lambda g, z, x, size, stride: place(g, maps=plain(x), peaks=plain(z), size=size, stride=stride),
    name="maxpool",
    samples=[
        case((2, 4, 6), size=(2, 2), stride=(2, 2)),
        case((1, 1, 5, 5), size=(3, 3), stride=(2, 2)),
    ],
)


def place_value(g, *, maps, peaks, size, stride):
    """Each window's value put back where the map has its largest; windows that overlap add up."""
    if stride[0] < size[0] or stride[1] < size[1]:
        return place_overlapping(g, maps, peaks, size, stride)
    g = laid_out_as(peaks, g)
    tiled = stride == size and all(n % f == 0 for n, f in zip(maps.shape[-2:], size, strict=True))
    total = np.empty_like(maps, g.dtype) if tiled else np.zeros_like(maps, g.dtype)

    def work(parts):
        for part in parts:
            for met, found in firsts(maps[part], peaks[part], size, stride):
                np.multiply(bits(g[part]), found, out=bits(total[part])[(..., *met)])

    deal_blocks(peaks, APART, work)
    return total


WORTH = 100_000  # windows that are worth a thread
WINDOWS = 50_000  # to work at together: what belongs to them stays in the second cache
APART = (
    130_000  # the same where windows do not overlap: smaller parts cost more calls than they save
)


def place_overlapping(g, maps, peaks, size, stride):
    """`place_value` where windows overlap, so that a place of the map is written to several times.

    The pixels a stride apart make a grid, like the windows, S * S grids in all. What a place of the
    windows meets lies in one of them, shifted by the same distance for all windows: every step runs
    over flat memory. For 3x3 windows, stride 2, in (32, 16, 31, 31) it takes 1.8 ms where strided
    steps take 2.6, with the batch last 1.5 for 1.7; in (8, 64, 27, 27) 1.75 for 2.4, 1.6 for 2.5.
    """
    total = np.empty_like(maps, g.dtype)

    def work(parts):
        for part in parts:
            place_on_grids(g[part], maps[part], peaks[part], size, stride, total[part])

    deal_blocks(peaks, WINDOWS, work)
    return total


def place_on_grids(g, maps, peaks, size, stride, total):
    """`place_overlapping` for a block; the result is written to `total`."""
    shape = (*maps.shape[:-2], *[-(-n // s) for n, s in zip(maps.shape[-2:], stride, strict=True)])
    phases = {
        (p, q): (..., slice(p, None, stride[0]), slice(q, None, stride[1]))
        for p, q in np.ndindex(stride)
    }

    def grid(x):  # with zeros behind it where it is smaller
        padded = np.zeros_like(peaks, x.dtype, shape=shape)
        padded[..., : x.shape[-2], : x.shape[-1]] = x
        return padded

    pixels = {phase: flat(grid(maps[met])) for phase, met in phases.items()}
    sums = {phase: np.zeros_like(peaks, g.dtype, shape=shape) for phase in phases}
    free = grid(np.ones_like(peaks, bool))  # windows without a place so far
    row, column = free.strides[-2:]
    g, z, free = bits(flat(grid(g))), flat(grid(peaks)), flat(free)
    same = sameness(peaks)
    for i, j in np.ndindex(size):
        phase = i % stride[0], j % stride[1]
        shift = i // stride[0] * row + j // stride[1] * column
        windows = slice(len(z) - shift)
        found = free[windows].copy()
        if (i + 1, j + 1) != size:
            found &= same(pixels[phase][shift:], z[windows])
            free[windows] ^= found
        flat(sums[phase])[shift:] += (g[windows] * found).view(total.dtype)
    for phase, met in phases.items():
        met = total[met]
        met[...] = sums[phase][..., : met.shape[-2], : met.shape[-1]]


def flat(x):
    """Dense memory as one axis, in place."""
    return x.ravel("K")


def take_value(y, *, maps, peaks, size, stride):
    """The values of y where the map has the largest of each window."""
    total = np.zeros_like(peaks, y.dtype)
    for met, found in firsts(maps, peaks, size, stride):
        total += (bits(y)[(..., *met)] * found).view(y.dtype)
    return total


hills = np.array([[[3.0, 1.0, 1.0, 0.0], [0.0, 2.0, 1.0, 0.0], [3.0, 2.0, 2.0, 5.0]]])
largest_of: dict[str, Any] = {
    "maps": hills,
    "peaks": np.array([[[3.0, 2.0, 1.0], [3.0, 2.0, 5.0]]]),
}
place: Function = linear(
    place_value,
    lambda g, x, z, **where: take(g, **where),
    name="maxpool_place",
    samples=[case((1, 2, 3), size=(2, 2), stride=(1, 1), **largest_of)],
)
take: Function = linear(
    take_value,
    lambda g, z, x, **where: place(g, **where),
    name="maxpool_take",
    samples=[case((1, 3, 4), size=(2, 2), stride=(1, 1), **largest_of)],
)


# --- the mean of each window ----------------------------------------------------------------


def mean_of_windows(x, *, size, stride):
    """The mean over the places of the window."""
    return over_windows(np.add, x, size, stride) / prod(size)


def share_value(z, *, shape, size, stride):
    """Each window's value, shared equally among its places; windows that overlap add up."""
    x = z / prod(size)
    with unbuffered():
        for axis in (-1, -2):  # the rows, whose runs of memory are long, when there is most to do
            x = put_along(x, axis, shape[axis], size[axis], stride[axis])
    return x


def put_along(z, axis, length, size, stride):
    """Along one axis, each value at every place of its window; windows that overlap add up.

    An axis at a time it takes 2 F steps, not F * F, and adds only where windows overlap: values of
    2x2 windows fill (32, 32, 30, 30) in 0.53 ms for 0.80 with the batch last, else 0.67 for 1.26.
    """
    shape, places = list(z.shape), z.shape[axis]
    shape[axis] = length
    new = np.empty_like if stride == size and size * places == length else np.zeros_like
    x = new(z, shape=shape)
    along, values = x.swapaxes(axis, -1), z.swapaxes(axis, -1)
    for _, met in taps((size,), (stride,), (1,), (places,)):
        if stride >= size:
            along[(..., *met)] = values
        else:
            along[(..., *met)] += values
    return x


avgpool_ = linear(
    mean_of_windows,
    lambda g, z, x, **window: share(g, shape=x.shape, **window),
    name="avgpool",
    samples=[case((2, 4, 6), size=(2, 2), stride=(2, 2)), case((5, 5), size=(3, 3), stride=(2, 2))],
)
share: Function = linear(
    share_value,
    lambda g, x, z, *, shape, **window: avgpool_(g, **window),
    name="avgpool_share",
    samples=[case((2, 2, 3), shape=(2, 4, 6), size=(2, 2), stride=(2, 2))],
)
