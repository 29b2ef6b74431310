"""Convolution, as networks use the word: a cross-correlation, the filter is not flipped.

Three bilinear ops are each other's adjoints, so they are closed under derivatives of any order:

- `correlate(x, w) -> z`: the output at each position is the dot product of filter and patch;
- `spread(z, w) -> x`: each output value spreads back over its patch (col2im);
- `gather(x, z) -> w`: each filter weight gathers over all positions (tied weights).

B images, C channels, O filters, G groups, H x W pixels, P = Ho * Wo positions; K = C/G * Fh * Fw.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.core.op import general, linear
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.geometry import (
    Pair,
    Remainder,
    check_tiling,
    pair,
    resolve_padding,
    taps,
    windows,
)


def conv2d(
    x,
    w,
    b=None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    remainder: Remainder = "error",
):
    """Slide O filters over B images: x (B, C, H, W), w (O, C/groups, Fh, Fw), b (O,) or None.

    Returns (B, O, Ho, Wo) with Ho = (H + 2 * padding - Fh) / stride + 1, which must be a whole
    number unless `remainder="drop"`. `padding` is zeros on each side: an int, a pair (rows,
    columns), "same" or "valid". A cross-correlation, as `torch.nn.functional.conv2d`.

    Raises `ShapeError` where shapes do not fit or the filter does not tile its input.

    >>> import numpy as np, minigrad as mg
    >>> image = mg.Tensor(np.ones((1, 3, 32, 32)))
    >>> mg.conv2d(image, np.ones((6, 3, 5, 5)), np.zeros(6)).shape
    (1, 6, 28, 28)
    """
    check_shapes(np.shape(x), np.shape(w), None if b is None else np.shape(b), groups)
    step, spacing = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    size, sizes = np.shape(w)[2:], np.shape(x)[2:]
    reach = ((size[0] - 1) * spacing[0] + 1, (size[1] - 1) * spacing[1] + 1)
    border = resolve_padding("conv2d", padding, sizes, reach, step)
    check_tiling("conv2d", sizes, reach, step, border, remainder)
    geometry = {"stride": step, "padding": border, "dilation": spacing, "groups": groups}
    return correlate(x, w, **geometry) if b is None else correlate_biased(x, w, b, **geometry)


def check_shapes(x, w, b, groups):
    """Raise `ShapeError` unless images, filters and bias belong together."""
    if len(x) != 4 or len(w) != 4:
        raise ShapeError(
            f"conv2d: takes images (B, C, H, W) and filters (O, C, Fh, Fw); got {x} and {w}. "
            f"One image alone is x[None]."
        )
    if groups < 1 or w[0] % groups or x[1] != w[1] * groups:
        inside = f" in each of {groups} groups" if groups != 1 else ""
        raise ShapeError(
            f"conv2d: a filter must be as deep as its input: images {x} have {x[1]} channels, "
            f"filters {w} take {w[1]}{inside}, and {w[0]} filters must split evenly into groups."
        )
    if b is not None and b != w[:1]:
        raise ShapeError(f"conv2d: one bias a filter: {w[0]} filters, bias of shape {b}.")


def columns(x, size, stride, padding, dilation, groups):
    """im2col: every patch as a column. (B, C, H, W) -> (G, K, B * P)"""
    x = np.pad(x, ((0, 0), (0, 0), *padding)) if padding != ((0, 0), (0, 0)) else x
    patches = windows(x, size, stride, dilation)  # (B, C, Ho, Wo, Fh, Fw)
    patches = patches.transpose(1, 4, 5, 0, 2, 3)  # (C, Fh, Fw, B, Ho, Wo)
    weights, positions = prod(patches.shape[:3]) // groups, prod(patches.shape[3:])
    return patches.reshape(groups, weights, positions)


def by_filter(z, groups):
    """Outputs with filters first, one row each. (B, O, Ho, Wo) -> (G, O/G, B * P)"""
    positions = z.shape[0] * z.shape[2] * z.shape[3]
    return z.transpose(1, 0, 2, 3).reshape(groups, z.shape[1] // groups, positions)


def correlate_value(x, w, *, stride, padding, dilation, groups):
    """One matrix product: the filters as rows times the patches as columns."""
    cols = columns(x, w.shape[2:], stride, padding, dilation, groups)  # (G, K, B * P)
    z = w.reshape(groups, w.shape[0] // groups, -1) @ cols  # (G, O/G, B * P)
    positions = (
        (n + before + after - (f - 1) * d - 1) // s + 1
        for n, (before, after), f, d, s in zip(
            x.shape[2:], padding, w.shape[2:], dilation, stride, strict=True
        )
    )
    z = z.reshape(w.shape[0], x.shape[0], *positions)  # (O, B, Ho, Wo)
    return np.ascontiguousarray(z.transpose(1, 0, 2, 3))


def spread_value(z, w, *, shape, stride, padding, dilation, groups):
    """col2im: the adjoint of reading patches is adding them back where they were read."""
    rows = w.reshape(groups, w.shape[0] // groups, -1)  # (G, O/G, K)
    cols = rows.transpose(0, 2, 1) @ by_filter(z, groups)  # (G, K, B * P)
    channels = groups * w.shape[1]
    cols = cols.reshape(channels, *w.shape[2:], len(z), *z.shape[2:])  # (C, Fh, Fw, B, Ho, Wo)
    (top, bottom), (left, right) = padding
    height, width = shape
    x = np.zeros((len(cols), z.shape[0], height + top + bottom, width + left + right), cols.dtype)
    for i, j, at_rows, at_columns in taps(w.shape[2:], stride, dilation, z.shape[2:]):
        x[:, :, at_rows, at_columns] += cols[:, i, j]
    inner = x[:, :, top : top + height, left : left + width]  # (C, B, H, W)
    return np.ascontiguousarray(inner.transpose(1, 0, 2, 3))


def gather_value(x, z, *, size, stride, padding, dilation, groups):
    """The sum over all positions of output times patch: one matrix product."""
    cols = columns(x, size, stride, padding, dilation, groups)  # (G, K, B * P)
    w = cols @ by_filter(z, groups).transpose(0, 2, 1)  # (G, K, O/G)
    return np.ascontiguousarray(w.transpose(0, 2, 1)).reshape(
        z.shape[1], x.shape[1] // groups, *size
    )


geometries: list[dict[str, Any]] = [
    {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1},
    {"stride": (2, 1), "padding": ((1, 0), (0, 2)), "dilation": (1, 2), "groups": 2},
]

correlate = linear(
    correlate_value,
    name="conv2d",
    samples=[
        case((2, 2, 5, 4), (2, 2, 3, 2), **geometries[0]),
        case((1, 4, 4, 4), (2, 2, 3, 2), **geometries[1]),
    ],
)
spread = linear(
    spread_value,
    name="conv2d_spread",
    samples=[
        case((2, 2, 3, 3), (2, 2, 3, 2), shape=(5, 4), **geometries[0]),
        case((1, 2, 2, 4), (2, 2, 3, 2), shape=(4, 4), **geometries[1]),
    ],
)
gather = linear(
    gather_value,
    name="conv2d_gather",
    samples=[
        case((2, 2, 5, 4), (2, 2, 3, 3), size=(3, 2), **geometries[0]),
        case((1, 4, 4, 4), (1, 2, 2, 4), size=(3, 2), **geometries[1]),
    ],
)

correlate.adjoint(lambda g, z, x, w, **geometry: spread(g, w, shape=x.shape[2:], **geometry))
correlate.adjoint(lambda g, z, x, w, **geometry: gather(x, g, size=w.shape[2:], **geometry))
spread.adjoint(lambda g, x, z, w, shape, **geometry: correlate(g, w, **geometry))
spread.adjoint(lambda g, x, z, w, shape, **geometry: gather(g, z, size=w.shape[2:], **geometry))
gather.adjoint(lambda g, w, x, z, size, **geometry: spread(z, g, shape=x.shape[2:], **geometry))
gather.adjoint(lambda g, w, x, z, size, **geometry: correlate(x, g, **geometry))


def correlate_biased_value(x, w, b, **geometry):
    """`correlate` plus one number a filter: a primitive so that a layer is one node."""
    z = correlate_value(x, w, **geometry)
    return z + b[:, None, None] if b.dtype != z.dtype else np.add(z, b[:, None, None], out=z)


correlate_biased = general(
    correlate_biased_value,
    lambda g, z, x, w, b, **geometry: spread(g, w, shape=x.shape[2:], **geometry),
    lambda g, z, x, w, b, **geometry: gather(x, g, size=w.shape[2:], **geometry),
    lambda g, z, x, w, b, **geometry: np.sum(g, axis=(0, 2, 3)),
    name="conv2d",
    samples=[case((2, 2, 5, 4), (2, 2, 3, 2), (2,), **geometries[0])],
)
