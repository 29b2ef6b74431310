"""Differences and integrals of sampled functions. All are compositions."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements
from minigrad.core.reals import real
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import as_type
from minigrad.ops.cumulative import piece
from minigrad.ops.operands import operand
from minigrad.ops.reductions import axes_of, sum


@implements(np.diff)
def diff(a, n=1, axis=-1, prepend=None, append=None):
    """The differences of neighbours along `axis`, taken `n` times; as `numpy.diff`.

    `prepend` and `append` are values put at the ends first, one or as many as there are.

    >>> import numpy as np, minigrad as mg
    >>> np.diff(mg.Tensor([1.0, 4.0, 9.0]))
    Tensor([3., 5.])
    """
    if n < 0:
        raise ValueError(f"diff: the order n is 0 or more; got {n}.")
    a = operand(a)
    if a.ndim == 0:
        raise ShapeError("diff: one number has no neighbours; the array needs an axis.")
    ends = [e if e is None or np.ndim(e) else one_at(a, axis, e) for e in (prepend, append)]
    parts = [part for part in (ends[0], a, ends[1]) if part is not None]
    if n > 0 and len(parts) > 1:
        a = np.concatenate(parts, axis)
    for _ in range(n):
        later, sooner = piece(a, axis, 1, None), piece(a, axis, -1)
        a = later != sooner if a.dtype == bool else later - sooner
    return a


def one_at(a, axis, number):
    """A number as an array of length 1 along the axis, to be joined to `a`."""
    shape = list(a.shape)
    shape[axis] = 1
    return np.broadcast_to(number, tuple(shape))


@implements(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along `axis` by the trapezoid rule, `x` or steps `dx` apart. `numpy.trapezoid`.

    >>> import numpy as np, minigrad as mg
    >>> np.trapezoid(mg.Tensor([0.0, 1.0, 4.0]), dx=0.5)
    Tensor(1.5)
    """
    y = operand(y)
    steps = dx if x is None else diff(x, axis=axis if np.ndim(x) > 1 else -1)
    if np.ndim(x) == 1:
        steps = np.reshape(steps, (-1,) + (1,) * (y.ndim - 1 - axis % y.ndim))
    return sum(steps * (piece(y, axis, 1, None) + piece(y, axis, -1)) / 2, axis)


@implements(np.gradient)
@real("f")
def gradient(f, *varargs, axis=None, edge_order=1):
    """The slope of a sampled function: central differences inside, one-sided ones at the ends.

    `varargs` is nothing (distance 1), one distance for all axes, or for each axis a distance or
    its coordinates. Returns one array, or a tuple of one for each axis. As `numpy.gradient`.

    >>> import numpy as np, minigrad as mg
    >>> np.gradient(mg.Tensor([1.0, 2.0, 4.0, 7.0]))
    Tensor([1. , 1.5, 2.5, 3. ])
    """
    f = operand(f)
    axes = axes_of(axis, f.ndim)
    distances = varargs or (1.0,)
    if len(distances) == 1:
        distances = distances * len(axes)
    if len(distances) != len(axes):
        raise TypeError(
            f"gradient: {len(varargs)} distances were given for {len(axes)} axes; give none, one "
            f"for all, or one for each."
        )
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2; got {edge_order}.")
    found = tuple(slope(f, a, h, edge_order) for a, h in zip(axes, distances, strict=True))
    return found[0] if len(found) == 1 else found


def slope(f, axis, distance, edge_order):
    """The gradient along one axis."""
    length = f.shape[axis]
    if length < edge_order + 1:
        raise ShapeError(
            f"gradient: axis {axis} has {length} values; edge_order={edge_order} needs "
            f"{edge_order + 1}."
        )
    dtype = f.dtype if f.dtype.kind == "f" else float
    steps = diff(distance) if np.ndim(distance) else np.full(length - 1, 1.0, dtype) * distance
    if len(steps) != length - 1:
        raise ShapeError(f"gradient: {len(steps) + 1} coordinates for {length} values.")
    h = np.reshape(steps, tuple(-1 if i == axis else 1 for i in range(f.ndim)))
    rise = diff(f, axis=axis) / h  # the slope between neighbours
    before, after = piece(h, axis, -1), piece(h, axis, 1, None)
    both = before + after
    inside = (piece(rise, axis, -1) * after + piece(rise, axis, 1, None) * before) / both
    first, last = piece(rise, axis, 1), piece(rise, axis, -1, None)
    if edge_order == 2:  # the slope's own change goes on to the edge
        bend = diff(rise, axis=axis) / both
        first = first - piece(bend, axis, 1) * piece(h, axis, 1)
        last = last + piece(bend, axis, -1, None) * piece(h, axis, -1, None)
    z = np.concatenate([first, inside, last], axis)
    return z if f.dtype.kind != "f" or z.dtype == f.dtype else as_type(z, f.dtype)
