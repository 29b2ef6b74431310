"""Convolution, as networks use the word: a cross-correlation, the filter is not flipped.

B images, C channels, O filters; one length, H x W pixels, or D x H x W voxels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from minigrad.core.reals import real
from minigrad.errors import ShapeError
from minigrad.ops.correlation import (
    correlate1,
    correlate2,
    correlate3,
    correlate_biased1,
    correlate_biased2,
    correlate_biased3,
    spread2,
)
from minigrad.ops.geometry import (
    AXES,
    Pair,
    Remainder,
    Triple,
    check_tiling,
    per_axis,
    reaches,
    resolve_padding,
)
from minigrad.ops.operands import operand


@real("x", "w", "b")
def conv1d(
    x,
    w,
    b=None,
    *,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
    remainder: Remainder = "error",
):
    """Slide O filters over B sequences: x (B, C, N), w (O, C/groups, F), b (O,) or None.

    Returns (B, O, P) with P = (N + 2 * padding - F) / stride + 1. Otherwise as `conv2d`; as
    `torch.nn.functional.conv1d`.

    >>> import numpy as np, minigrad as mg
    >>> sequence = mg.Tensor([[[1.0, 2.0, 4.0, 8.0]]])
    >>> mg.conv1d(sequence, np.array([[[-1.0, 1.0]]]))
    Tensor([[[1., 2., 4.]]])
    """
    return convolve(1, x, w, b, stride, padding, dilation, groups, remainder)


@real("x", "w", "b")
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
    return convolve(2, x, w, b, stride, padding, dilation, groups, remainder)


@real("x", "w", "b")
def conv3d(
    x,
    w,
    b=None,
    *,
    stride: int | Triple = 1,
    padding: int | Triple | str = 0,
    dilation: int | Triple = 1,
    groups: int = 1,
    remainder: Remainder = "error",
):
    """Slide O filters over B volumes: x (B, C, D, H, W), w (O, C/groups, Fd, Fh, Fw), b (O,).

    Returns (B, O, Do, Ho, Wo). Otherwise as `conv2d`; as `torch.nn.functional.conv3d`.

    >>> import numpy as np, minigrad as mg
    >>> scan = mg.Tensor(np.ones((1, 1, 8, 16, 16)))
    >>> mg.conv3d(scan, np.ones((2, 1, 3, 3, 3)), padding=(0, 1, 1)).shape
    (1, 2, 6, 16, 16)
    """
    return convolve(3, x, w, b, stride, padding, dilation, groups, remainder)


CORRELATE = {
    1: (correlate1, correlate_biased1),
    2: (correlate2, correlate_biased2),
    3: (correlate3, correlate_biased3),
}


def convolve(axes, x, w, b, stride, padding, dilation, groups, remainder):
    """Check and resolve what the user gave, then correlate."""
    x, w, b = operand(x), operand(w), b if b is None else operand(b)
    shapes = x.shape, w.shape, None if b is None else b.shape
    given = [tuple(v) if isinstance(v, list) else v for v in (stride, padding, dilation)]
    geometry = resolve(axes, *shapes, *given, groups, remainder)
    correlate, correlate_biased = CORRELATE[axes]
    return correlate(x, w, **geometry) if b is None else correlate_biased(x, w, b, **geometry)


@lru_cache(maxsize=256)  # checking costs as much as convolving a few small images
def resolve(axes, x, w, b, stride, padding, dilation, groups, remainder):
    """The settings as one entry for each spatial axis; `ShapeError` where they do not fit."""
    name = f"conv{axes}d"
    check_shapes(name, axes, x, w, b, groups)
    sizes, size = x[2:], w[2:]
    step = per_axis(name, "stride", stride, axes)
    spacing = per_axis(name, "dilation", dilation, axes)
    reach = reaches(size, spacing)
    border = resolve_padding(name, padding, sizes, reach, step)
    check_tiling(name, sizes, reach, step, border, remainder)
    return {"stride": step, "padding": border, "dilation": spacing, "groups": groups}


def check_shapes(name, axes, x, w, b, groups):
    """Raise `ShapeError` unless images, filters and bias belong together."""
    check_axes(name, axes, x, w, f"(O, C, {spatial(axes, 'F')})")
    if groups < 1 or w[0] % groups or x[1] != w[1] * groups:
        inside = f" in each of {groups} groups" if groups != 1 else ""
        raise ShapeError(
            f"{name}: a filter must be as deep as its input: images {x} have {x[1]} channels, "
            f"filters {w} take {w[1]}{inside}, and {w[0]} filters must split evenly into groups."
        )
    if b is not None and b != w[:1]:
        raise ShapeError(f"{name}: one bias a filter: {w[0]} filters, bias of shape {b}.")


def check_axes(name, axes, x, w, filters):
    """Raise `ShapeError` unless images and filters have as many axes as the word says."""
    if len(x) != axes + 2 or len(w) != axes + 2:
        raise ShapeError(
            f"{name}: takes images (B, C, {spatial(axes)}) and filters {filters}; got {x} and "
            f"{w}. One image alone is x[None]."
        )


def spatial(axes, letter=""):
    """The spatial axes as messages name them: "H, W" or "Fh, Fw"."""
    letters = {1: "N", 2: "HW", 3: "DHW"}[axes]
    return ", ".join(letter + (n.lower() if letter else n) for n in letters)


@real("x", "w", "b")
def conv_transpose2d(
    x,
    w,
    b=None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
):
    """The adjoint of `conv2d` as a layer: each pixel spreads a filter, and overlaps add up.

    x (B, C, H, W), w (C, O/groups, Fh, Fw), b (O,) or None; returns (B, O, Ho, Wo) with Ho =
    (H - 1) * stride - 2 * padding + (Fh - 1) * dilation + 1 + output_padding. `padding` is what
    the convolution had, and is cut off here; `output_padding` adds rows that its stride left
    out, so it must be less than the stride. As `torch.nn.functional.conv_transpose2d`.

    Raises `ShapeError` where shapes do not fit or nothing would be left.

    >>> import numpy as np, minigrad as mg
    >>> mg.conv_transpose2d(mg.Tensor([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 2)), stride=2)
    Tensor([[[[1., 1., 2., 2.]]]])
    """
    name = "conv_transpose2d"
    x, w, b = operand(x), operand(w), b if b is None else operand(b)
    check_transposed(name, x.shape, w.shape, None if b is None else b.shape, groups)
    step, spacing = per_axis(name, "stride", stride), per_axis(name, "dilation", dilation)
    cut = per_axis(name, "padding", padding, least=0)
    extra = per_axis(name, "output_padding", output_padding, least=0)
    reach = reaches(w.shape[2:], spacing)
    shape = tuple(
        (n - 1) * s - 2 * p + f + e
        for n, s, p, f, e in zip(x.shape[2:], step, cut, reach, extra, strict=True)
    )
    for axis, n, s, e in zip(AXES[2], shape, step, extra, strict=True):
        if e >= s:
            raise ShapeError(
                f"{name}: output_padding adds the {axis} that a stride of {s} leaves out, so it "
                f"is less than the stride; got {e}."
            )
        if n < 1:
            raise ShapeError(
                f"{name}: a padding of {padding} cuts off everything: {n} {axis} would be left."
            )
    border = tuple((p, p) for p in cut)
    z = spread2(x, w, shape=shape, stride=step, padding=border, dilation=spacing, groups=groups)
    return z if b is None else z + np.reshape(b, (-1, 1, 1))


def check_transposed(name, x, w, b, groups):
    """Raise `ShapeError` unless images, filters and bias belong together."""
    check_axes(name, 2, x, w, "(C, O, Fh, Fw)")
    if groups < 1 or x[1] % groups or x[1] != w[0]:
        raise ShapeError(
            f"{name}: one filter a channel of the input: images {x} have {x[1]} channels, there "
            f"are {w[0]} filters {w}, and they must split evenly into {groups} groups."
        )
    if b is not None and b != (w[1] * groups,):
        raise ShapeError(
            f"{name}: one bias a channel of the result: {w[1] * groups} channels, bias of shape "
            f"{b}."
        )
