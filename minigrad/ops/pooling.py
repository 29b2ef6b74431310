"""Pooling: every activation map on its own becomes smaller. No padding, no parameters."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.core.apply import Function
from minigrad.core.op import general, linear
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.geometry import Pair, Remainder, check_tiling, per_axis, taps, windows
from minigrad.ops.operands import operand, plain


def resolve(op, x, size, stride, remainder):
    """Size and stride as pairs, after the checks; the stride defaults to the size."""
    shape = operand(x).shape
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
    gradient. Raises `ShapeError` where the window does not tile its input.
    As `torch.nn.functional.max_pool2d`.

    >>> import minigrad as mg
    >>> mg.maxpool(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[4.]])
    """
    return maxpool_(x, **resolve("maxpool", x, size, stride, remainder))


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
    """The elementwise maximum over the places of the window, one strided slice each."""
    positions = windows(x, size, stride).shape[-4:-2]
    z = None
    for _, met in taps(size, stride, (1, 1), positions):
        part = x[(..., *met)]
        z = part.copy() if z is None else np.maximum(z, part, out=z)
    return z


def first_largest(x, size, stride):
    """Which place of its window (counted row by row) holds the first largest value."""
    return np.argmax(flat_windows(x, size, stride), axis=-1)


def flat_windows(x, size, stride):
    """Every window's values along one axis: (..., H, W) -> (..., Ho, Wo, Fh * Fw)."""
    view = windows(x, size, stride)
    return view.reshape(*view.shape[:-2], size[0] * size[1])


maxpool_ = general(
    largest,
    lambda g, z, x, size, stride: place(
        g, choice=first_largest(plain(x), size, stride), shape=x.shape, size=size, stride=stride
    ),
    name="maxpool",
    samples=[
        case((2, 4, 6), size=(2, 2), stride=(2, 2)),
        case((1, 1, 5, 5), size=(3, 3), stride=(2, 2)),
    ],
)


def place_value(z, *, choice, shape, size, stride):
    """Each window's value put back at the chosen place; windows that overlap add up."""
    x = np.zeros(shape, z.dtype)
    for number, (_, met) in enumerate(taps(size, stride, (1, 1), z.shape[-2:])):
        x[(..., *met)] += np.where(choice == number, z, 0)
    return x


def take_value(x, *, choice, shape, size, stride):
    """The value at the chosen place of each window."""
    return np.take_along_axis(flat_windows(x, size, stride), choice[..., None], -1)[..., 0]


choices: dict[str, Any] = {"choice": np.array([[[0, 3, 1], [2, 0, 1]]]), "shape": (1, 3, 4)}
place: Function = linear(
    place_value,
    lambda g, x, z, **where: take(g, **where),
    name="maxpool_place",
    samples=[case((1, 2, 3), size=(2, 2), stride=(1, 1), **choices)],
)
take: Function = linear(
    take_value,
    lambda g, z, x, **where: place(g, **where),
    name="maxpool_take",
    samples=[case((1, 3, 4), size=(2, 2), stride=(1, 1), **choices)],
)


# --- the mean of each window ----------------------------------------------------------------


def mean_of_windows(x, *, size, stride):
    """The mean over the places of the window."""
    return windows(x, size, stride).mean(axis=(-2, -1), dtype=x.dtype)


def share_value(z, *, shape, size, stride):
    """Each window's value, shared equally among its places; windows that overlap add up."""
    x = np.zeros(shape, z.dtype)
    part = z / (size[0] * size[1])
    for _, met in taps(size, stride, (1, 1), z.shape[-2:]):
        x[(..., *met)] += part
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
