"""Sorting. What ties is one value to the result, so it shares the gradient equally."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import general, implements
from minigrad.core.samples import case
from minigrad.ops.arithmetic import as_type
from minigrad.ops.indexing import getitem, put
from minigrad.ops.operands import plain
from minigrad.ops.selecting import take_along_axis
from minigrad.ops.shaping import moveaxis, reshape


@implements(np.sort)
@general
def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    """The values in ascending order along an axis, or all of them if it is None.

    As `numpy.sort`; values that tie share their gradient equally, whatever the kind of sort.

    >>> import numpy as np, minigrad as mg
    >>> np.sort(mg.Tensor([3.0, 1.0, 2.0]))
    Tensor([1., 2., 3.])
    """
    return np.sort(a, axis, kind, order, stable=stable)


@implements(np.partition)
@general
def partition(a, kth, axis=-1, kind="introselect", order=None):
    """The values with the one that sorting would put at `kth` there, no larger one before it.

    As `numpy.partition`; values that tie share their gradient equally.

    >>> import numpy as np, minigrad as mg
    >>> np.partition(mg.Tensor([3.0, 1.0, 2.0]), 0)[0]
    Tensor(1.)
    """
    return np.partition(a, kth, axis, kind, order)


def to_where_it_came_from(g, z, x, *, axis, **how):
    """The vjp of every op that puts the values along an axis in another order.

    The value that sorting puts at place k of the result is the one it puts there of the input.
    """
    if axis is None:
        return reshape(to_where_it_came_from(g, z, reshape(x, -1), axis=0), x.shape)
    x, z = plain(x), plain(z)
    after, before = np.argsort(z, axis), np.argsort(x, axis)
    if g.dtype == np.float16:  # the shares of many that tie are sums
        g = as_type(g, np.float32)
    g = take_along_axis(g, after, axis)
    g = shared_by_ties(g, np.take_along_axis(z, after, axis), axis)
    return take_along_axis(g, np.argsort(before, axis), axis)


def shared_by_ties(g, ordered, axis):
    """Cotangents of values in order, each replaced by the mean over those that tie with it."""
    ordered = np.moveaxis(ordered, axis, -1)
    first = np.ones(ordered.shape, bool)  # of a run of equal values
    first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    if first.all():
        return g
    run = np.cumsum(first) - 1  # which run each value belongs to
    lengths = np.bincount(run)
    flat = reshape(moveaxis(g, axis, -1), -1)
    means = put(flat, index=run, shape=lengths.shape) / lengths
    return moveaxis(reshape(getitem(means, run), ordered.shape), -1, axis)


sort.vjp(to_where_it_came_from)
partition.vjp(to_where_it_came_from)

sort.op.samples = [case((3, 4)), case((3, 4), axis=0), case((2, 3), axis=None)]
partition.op.samples = [case((2, 5), kth=2), case((4, 2), kth=(0, 2), axis=0)]
