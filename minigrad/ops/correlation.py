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
from functools import partial
from math import prod
from typing import Any

import numpy as np

from minigrad.core.dealing import deal
from minigrad.core.op import general, linear
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.ops.columns import (
    BAND,
    TALL,
    as_usual,
    batch_first,
    batch_last,
    by_row,
    empty_images,
    part,
    products,
    quick_pieces,
    sliding,
    threads_for,
)
from minigrad.ops.geometry import positions, reaches
from minigrad.ops.loops import deal_unbuffered


def correlate_value(x, w, *, groups, **geometry):
    """One matrix product: the filters as rows times the patches as columns."""
    return correlate_biased_value(x, w, None, groups=groups, **geometry)


def correlate_biased_value(x, w, b, *, groups, **geometry):
    """`correlate` plus one number a filter: a primitive so that a layer is one node."""
    if pointwise(w.shape[2:], groups, **geometry) and as_usual(x):
        z = w.reshape(w.shape[:2]) @ flat(x)
        if b is not None:
            z += b[:, None]
        return z.reshape(len(x), len(w), *x.shape[2:])
    slide = sliding(groups, w.shape[1], len(x), x.shape[2:], w.shape[2:], **geometry)
    filters, dtype = len(w) // groups, np.result_type(*[a for a in (x, w, b) if a is not None])
    if slide.batches[1:]:
        z = empty_images((len(x), len(w), *slide.places), dtype)
        of_some = partial(correlate_biased_value, w=w, b=b, groups=groups, **geometry)
        return filled(z, slide.batches, lambda some: of_some(x[some]), slide.worth(filters))
    z = np.empty((groups, filters, slide.places[0], slide.n), dtype)
    x = batch_last(x, groups)
    w = filter_rows(w, groups).reshape(groups, 1, 1, filters, slide.depth)
    b = None if b is None else b.reshape(groups, filters, 1, 1)
    parts = products(filters, slide.depth, slide.n)

    def work(bands):
        for band, patches in slide.columns(x, bands, parts):
            some = part(band.groups)
            outputs = z[some, :, part(band.rows)]
            np.matmul(w[some], patches, out=by_row(outputs, parts))
            if b is not None:
                outputs += b[some]  # while they are in the cache

    deal_unbuffered(slide.bands, work, slide.worth(filters))
    return batch_first(z.reshape(groups, filters, *slide.places, slide.batch))


def filled(room, numbers, compute, worth):
    """A room, with what is computed in each of its places; returns that."""

    def fill(some):
        for i in some:
            room[i] = compute(i)

    deal(numbers, fill, worth)
    return room


def pointwise(size, groups, stride, padding, dilation):
    """Whether a filter of one pixel meets every pixel: a product of matrices at each image.

    Images that lie in memory as usual are multiplied where they are: laying them out with the
    batch last would take a third of the time.
    """
    return set(size) | set(stride) == {1} and groups == 1 and not any(map(any, padding))


def flat(x):
    """The pixels of an image in a row. (B, C, *N) -> (B, C, prod(N))"""
    return x.reshape(*x.shape[:2], prod(x.shape[2:]))


def filter_rows(w, groups):
    """Every filter as a row, in the order of patches. (O, C/G, *F) -> (G, O/G, F[0], R)"""
    filters, channels, length = w.shape[:3]
    rest = prod(w.shape[3:])
    w = w.reshape(groups, filters // groups, channels, length, rest).transpose(0, 1, 3, 4, 2)
    return w.reshape(groups, filters // groups, length, rest * channels)


def spread_value(z, w, *, shape, groups, **geometry):
    """col2im: the adjoint of reading patches is adding them back where they were read."""
    if pointwise(w.shape[2:], groups, **geometry) and as_usual(z):
        return (w.reshape(w.shape[:2]).T @ flat(z)).reshape(len(z), w.shape[1], *shape)
    turned = turned_round(w.shape[2:], **geometry)
    if turned and len(w) <= groups * w.shape[1]:  # to read few outputs is less than to add to many
        return correlate_value(z, transposed(w, groups), groups=groups, **turned)
    slide = sliding(groups, w.shape[1], len(z), shape, w.shape[2:], **geometry)
    dtype = np.result_type(z, w)
    if slide.batches[1:]:
        x = empty_images((len(z), groups * w.shape[1], *shape), dtype)
        of_some = partial(spread_value, w=w, shape=shape, groups=groups, **geometry)
        worth = slide.worth(len(w) // groups)
        return filled(x, slide.batches, lambda some: of_some(z[some]), worth)
    x = np.zeros((groups, slide.channels, *shape, slide.batch), dtype)
    z = batch_last(z, groups)
    slide.spread(x, filter_rows(w, groups), z.reshape(*z.shape[:3], slide.n))
    return batch_first(x)


def turned_round(size, stride, padding, dilation):
    """The geometry in which the filters turned round spread by reading, if there is one.

    With a stride of 1, unless there is more padding than they reach. Where every channel has a
    filter of its own it takes 1.5 ms for 2.5 of adding.
    """
    reach = reaches(size, dilation)
    border = tuple((f - 1 - p, f - 1 - q) for f, (p, q) in zip(reach, padding, strict=True))
    if set(stride) != {1} or min(map(min, border)) < 0:
        return None
    return {"stride": stride, "padding": border, "dilation": dilation}


def transposed(w, groups):
    """Filters turned round, with inputs for outputs. (O, C/G, *F) -> (C, O/G, *F)"""
    w = np.flip(w, tuple(range(2, w.ndim))).copy()  # BLAS takes no negative strides
    w = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
    return w.reshape(w.shape[0] * w.shape[1], *w.shape[2:])


def gather_value(x, z, *, size, groups, **geometry):
    """The sum over all positions of output times patch: matrix products again."""
    if pointwise(size, groups, **geometry) and as_usual(x) and as_usual(z):
        w = np.add.reduce(flat(z) @ flat(x).mT, 0)
        return w.reshape(*w.shape, *size)
    slide = sliding(groups, x.shape[1] // groups, len(x), x.shape[2:], size, **geometry)
    filters = z.shape[1] // groups
    if slide.batches[1:]:
        batches = slide.batches
        of_some = partial(gather_value, size=size, groups=groups, **geometry)
        sums = filled(
            [0] * len(batches),
            range(len(batches)),
            lambda i: of_some(x[batches[i]], z[batches[i]]),
            slide.worth(filters),
        )
        return sum(sums)  # in one order, whoever finished first
    x, z = batch_last(x, groups), batch_last(z, groups)
    z = z.reshape(*z.shape[:3], slide.n)
    parts = 1 if slide.depth >= TALL else products(filters, slide.depth, slide.n)
    sums = {}

    def work(bands):
        for band, patches in slide.columns(x, bands, parts):
            outputs = by_row(z[part(band.groups), :, part(band.rows)], parts)
            patches, outputs = quick_pieces(patches, filters), outputs.swapaxes(3, 4)[:, :, :, None]
            few = max(1, BAND // (len(outputs) * slide.depth * filters))  # rows at once
            sums[band] = sum(
                np.add.reduce(patches[:, row : row + few] @ outputs[:, row : row + few], (1, 2))
                for row in range(0, patches.shape[1], few)
            )

    deal_unbuffered(slide.bands, work, slide.worth(filters))
    w = np.zeros((groups, slide.depth, filters), np.result_type(x, z))
    for band in slide.bands:  # in one order, whoever finished first
        w[part(band.groups)] += sums[band].reshape(-1, slide.depth, filters)
    w = w.reshape(groups, *size, slide.channels, filters)
    w = w.transpose(0, w.ndim - 1, w.ndim - 2, *range(1, w.ndim - 2))  # (G, O/G, C/G, *F)
    return np.ascontiguousarray(w).reshape(groups * filters, slide.channels, *size)


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
    for function in (correlate, correlate_biased, spread, gather):
        function.op.aligned = True  # once for all rules
    for function in (correlate, correlate_biased):
        function.op.worth = lambda z, x, w, *b: threads_for(z.size * prod(w.shape[1:]))
    return correlate, correlate_biased, spread, gather


correlate1, correlate_biased1, spread1, gather1 = operations(1)
correlate2, correlate_biased2, spread2, gather2 = operations(2)
correlate3, correlate_biased3, spread3, gather3 = operations(3)
