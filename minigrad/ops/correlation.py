"""The three bilinear ops behind every convolution, each other's adjoints, and so closed under
derivatives of any order:

- `correlate(x, w) -> z`: the output at each position is the dot product of filter and patch;
- `spread(z, w) -> x`: each output value spreads back over its patch (col2im);
- `gather(x, z) -> w`: each filter weight gathers over all positions (tied weights).

B images, C channels, O filters, G groups; N, F and P are the spatial shapes of the input, the
filter and the positions, of any number of axes; K = C/G * prod(F).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from minigrad.core.apply import Function
from minigrad.core.op import general, linear
from minigrad.core.samples import case
from minigrad.ops.geometry import positions, taps, windows


def columns(x, size, stride, padding, dilation, groups):
    """im2col: every patch as a column. (B, C, *N) -> (G, K, B * prod(P))"""
    x = np.pad(x, ((0, 0), (0, 0), *padding)) if any(map(any, padding)) else x
    patches = windows(x, size, stride, dilation)  # (B, C, *P, *F)
    last = patches.ndim - len(size)
    order = (1, *range(last, patches.ndim), 0, *range(2, last))
    patches = patches.transpose(order)  # (C, *F, B, *P)
    weights = x.shape[1] // groups * prod(size)
    return patches.reshape(groups, weights, prod(patches.shape[1 + len(size) :]))


def by_filter(z, groups):
    """Outputs with filters first, one row each. (B, O, *P) -> (G, O/G, B * prod(P))"""
    rows = z.swapaxes(0, 1)
    return rows.reshape(groups, z.shape[1] // groups, len(z) * prod(z.shape[2:]))


def correlate_value(x, w, *, stride, padding, dilation, groups):
    """One matrix product: the filters as rows times the patches as columns."""
    size = w.shape[2:]
    cols = columns(x, size, stride, padding, dilation, groups)  # (G, K, B * prod(P))
    z = w.reshape(groups, w.shape[0] // groups, -1) @ cols  # (G, O/G, B * prod(P))
    places = positions(x.shape[2:], size, stride, padding, dilation)
    z = z.reshape(w.shape[0], x.shape[0], *places)  # (O, B, *P)
    return np.ascontiguousarray(z.swapaxes(0, 1))


def spread_value(z, w, *, shape, stride, padding, dilation, groups):
    """col2im: the adjoint of reading patches is adding them back where they were read."""
    size, places = w.shape[2:], z.shape[2:]
    rows = w.reshape(groups, w.shape[0] // groups, -1)  # (G, O/G, K)
    cols = rows.transpose(0, 2, 1) @ by_filter(z, groups)  # (G, K, B * prod(P))
    cols = cols.reshape(groups * w.shape[1], *size, len(z), *places)  # (C, *F, B, *P)
    padded = (n + sum(border) for n, border in zip(shape, padding, strict=True))
    x = np.zeros((len(cols), len(z), *padded), cols.dtype)
    for place, met in taps(size, stride, dilation, places):
        x[(..., *met)] += cols[(slice(None), *place)]
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(shape, padding, strict=True))
    return np.ascontiguousarray(x[(..., *inner)].swapaxes(0, 1))  # (B, C, *N)


def gather_value(x, z, *, size, stride, padding, dilation, groups):
    """The sum over all positions of output times patch: one matrix product."""
    cols = columns(x, size, stride, padding, dilation, groups)  # (G, K, B * prod(P))
    w = cols @ by_filter(z, groups).transpose(0, 2, 1)  # (G, K, O/G)
    shape = (z.shape[1], x.shape[1] // groups, *size)
    return np.ascontiguousarray(w.transpose(0, 2, 1)).reshape(shape)


def correlate_biased_value(x, w, b, **geometry):
    """`correlate` plus one number a filter: a primitive so that a layer is one node."""
    z = correlate_value(x, w, **geometry)
    b = b.reshape(-1, *(1,) * (z.ndim - 2))
    return z + b if b.dtype != z.dtype else np.add(z, b, out=z)


def sample_calls(axes: int) -> Iterator[tuple[Any, Any, Any, dict[str, Any]]]:
    """The shapes of x, w and z, and a geometry: a plain one, and one with everything at once."""
    size = (3, 2, 2)[:axes]
    for sizes, stride, padding, dilation, groups in (
        ((5, 4, 3), (1, 1, 1), ((0, 0),) * 3, (1, 1, 1), 1),
        ((4, 4, 4), (2, 1, 2), ((1, 0), (0, 2), (0, 0)), (1, 2, 1), 2),
    ):
        geometry: dict[str, Any] = {
            "stride": stride[:axes],
            "padding": padding[:axes],
            "dilation": dilation[:axes],
        }
        places = positions(sizes[:axes], size, **geometry)
        x = (2, 2 * groups, *sizes[:axes])
        yield x, (2, 2, *size), (2, 2, *places), {**geometry, "groups": groups}


def operations(axes: int) -> tuple[Function, Function, Function, Function]:
    """correlate, the same with a bias, spread and gather for a number of spatial axes.

    The ops of each number have names of their own, so that a diagram shows what was called.
    """
    calls = list(sample_calls(axes))
    correlate = linear(
        correlate_value,
        name=f"conv{axes}d",
        samples=[case(x, w, **geometry) for x, w, z, geometry in calls],
    )
    spread = linear(
        spread_value,
        name=f"conv_transpose{axes}d",
        samples=[case(z, w, shape=x[2:], **geometry) for x, w, z, geometry in calls],
    )
    gather = linear(
        gather_value,
        name=f"conv{axes}d_gather",
        samples=[case(x, z, size=w[2:], **geometry) for x, w, z, geometry in calls],
    )
    correlate.adjoint(lambda g, z, x, w, **geometry: spread(g, w, shape=x.shape[2:], **geometry))
    correlate.adjoint(lambda g, z, x, w, **geometry: gather(x, g, size=w.shape[2:], **geometry))
    spread.adjoint(lambda g, x, z, w, shape, **geometry: correlate(g, w, **geometry))
    spread.adjoint(lambda g, x, z, w, shape, **geometry: gather(g, z, size=w.shape[2:], **geometry))
    gather.adjoint(lambda g, w, x, z, size, **geometry: spread(z, g, shape=x.shape[2:], **geometry))
    gather.adjoint(lambda g, w, x, z, size, **geometry: correlate(x, g, **geometry))
    correlate_biased = general(
        correlate_biased_value,
        lambda g, z, x, w, b, **geometry: spread(g, w, shape=x.shape[2:], **geometry),
        lambda g, z, x, w, b, **geometry: gather(x, g, size=w.shape[2:], **geometry),
        lambda g, z, x, w, b, **geometry: np.sum(g, axis=(0, *range(2, g.ndim))),
        name=f"conv{axes}d",
        samples=[case(x, w, w[:1], **geometry) for x, w, z, geometry in calls],
    )
    return correlate, correlate_biased, spread, gather


correlate1, correlate_biased1, spread1, gather1 = operations(1)
correlate2, correlate_biased2, spread2, gather2 = operations(2)
correlate3, correlate_biased3, spread3, gather3 = operations(3)
