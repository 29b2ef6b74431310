"""Shape: the same values with other axes, or in another order. All are linear.

Each is stated under NumPy's own name and with NumPy's own parameters, beside its adjoint: what
the cotangent has to undergo to come back to the shape of the input. What NumPy does in one pass
is one op, for speed and for its name in a diagram; the rest is composed.
"""

from __future__ import annotations

from math import prod
from operator import index

import numpy as np

from minigrad.core.broadcasting import sum_to
from minigrad.core.node import Node
from minigrad.core.op import implements, linear
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import as_type
from minigrad.ops.operands import operand, plain

# --- reshaping ------------------------------------------------------------------------------


@implements(np.reshape)
@linear
def reshape(a, shape, order="C"):
    """The same values in another shape; one length may be -1. As `numpy.reshape`.

    `order` is "C" or "F", else `ValueError`: a tensor has no memory layout of its own to keep.

    >>> import minigrad as mg
    >>> mg.reshape(mg.Tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    Tensor([[1., 2.],
            [3., 4.]])
    """
    if order not in ("C", "F"):
        raise ValueError(f'order is "C" (rows first) or "F" (columns first); got {order!r}.')
    return np.reshape(a, shape, order=order)


def other_size(given, *, shape, order):
    """What to say of a shape that does not hold as many elements as there are."""
    if order not in ("C", "F"):
        return ""
    wanted = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    if wanted.count(-1) > 1:
        return f"only one length can be -1, which is computed from the others; got {wanted}."
    if -1 in wanted:
        rest = -prod(wanted)
        return (
            f"the {prod(given)} elements of shape {given} do not split evenly into {rest}s, as "
            f"{wanted} wants."
        )
    return (
        f"shape {given} has {prod(given)} elements, and {wanted} {prod(wanted)}. They must be "
        f"equal; one length may be -1, which is computed from the others."
    )


reshape.op.explain = other_size


@reshape.adjoint
def _(g, z, x, *, shape, order):
    return np.reshape(g, x.shape, order=order)


@implements(np.ravel)
def ravel(a, order="C"):
    """All values along one axis. As `numpy.ravel`."""
    return reshape(a, -1, order)


@implements(np.expand_dims)
@linear
def expand_dims(a, axis):
    """New axes of length 1 at the positions `axis` of the result. As `numpy.expand_dims`.

    >>> import minigrad as mg
    >>> mg.expand_dims(mg.Tensor([1.0, 2.0]), 0).shape
    (1, 2)
    """
    return np.expand_dims(a, axis)


@expand_dims.adjoint
def _(g, z, x, *, axis):
    return np.reshape(g, x.shape)


@implements(np.squeeze)
@linear
def squeeze(a, axis=None):
    """Without the axes of length 1, all or those named. As `numpy.squeeze`.

    >>> import minigrad as mg
    >>> mg.squeeze(mg.Tensor([[1.0, 2.0]])).shape
    (2,)
    """
    return np.squeeze(a, axis)


@squeeze.adjoint
def _(g, z, x, *, axis):
    return np.reshape(g, x.shape)


NEW_AXES = {  # where they go: by the number of axes wanted, then by the number there are
    1: {0: 0},
    2: {0: (0, 1), 1: 0},
    3: {0: (0, 1, 2), 1: (0, 2), 2: 2},
}


def at_least(number, arrays):
    """Each array with at least `number` axes; a tuple of them if there are several."""
    arrays = [operand(a) for a in arrays]
    places = NEW_AXES[number]
    full = tuple(a if a.ndim >= number else expand_dims(a, places[a.ndim]) for a in arrays)
    return full[0] if len(full) == 1 else full


@implements(np.atleast_1d)
def atleast_1d(*arys):
    """Scalars with an axis. As `numpy.atleast_1d`."""
    return at_least(1, arys)


@implements(np.atleast_2d)
def atleast_2d(*arys):
    """Vectors as rows: (N,) -> (1, N). As `numpy.atleast_2d`."""
    return at_least(2, arys)


@implements(np.atleast_3d)
def atleast_3d(*arys):
    """(N,) -> (1, N, 1) and (M, N) -> (M, N, 1). As `numpy.atleast_3d`."""
    return at_least(3, arys)


# --- broadcasting ---------------------------------------------------------------------------


@implements(np.broadcast_to)
@linear
def broadcast_to(array, shape):
    """The values repeated to fill `shape`, by NumPy's rules. As `numpy.broadcast_to`.

    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.Tensor([1.0, 2.0]), (2, 2))
    Tensor([[1., 2.],
            [1., 2.]])
    """
    return np.broadcast_to(array, shape)


@broadcast_to.adjoint
def _(g, z, x, *, shape):
    return sum_to(g, x.shape)


@implements(np.full_like)
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """`fill_value` in the shape of `a`, or another: a plain array, or a tensor if that is one.

    Its dtype is that of `a` unless another is given. As `numpy.full_like`.

    >>> import numpy as np, minigrad as mg
    >>> np.full_like(mg.Tensor([1.0, 1.0, 1.0]), mg.Tensor(2.0))
    Tensor([2., 2., 2.])
    """
    if not isinstance(fill_value, Node):
        return np.full_like(plain(a), fill_value, dtype, order, subok, shape, device=device)
    like = np.empty_like(plain(a), dtype, order, subok, shape, device=device)
    return broadcast_to(as_type(fill_value, like.dtype), like.shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args):
    """Each array broadcast to the shape that they have together. As `numpy.broadcast_arrays`."""
    arrays = [operand(a) for a in args]
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    return tuple(a if a.shape == shape else broadcast_to(a, shape) for a in arrays)


@implements(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """Coordinates of a grid: each vector along an axis of its own, and broadcast over the others.

    As `numpy.meshgrid`: with indexing "xy" the first vector runs along the second axis, with "ij"
    along the first. Raises `ValueError` for another.

    >>> import numpy as np, minigrad as mg
    >>> x, y = np.meshgrid(mg.Tensor([1.0, 2.0]), [3.0, 4.0])
    >>> x
    Tensor([[1., 2.],
            [1., 2.]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing is "xy" or "ij"; got {indexing!r}.')
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    vectors = [
        reshape(operand(x), [-1 if i == axis else 1 for i in range(len(xi))])
        for axis, x in zip(axes, xi, strict=True)
    ]
    return tuple(vectors) if sparse else broadcast_arrays(*vectors)


# --- the axes in another order --------------------------------------------------------------


@implements(np.transpose)
@linear
def transpose(a, axes=None):
    """The axes in another order, reversed by default. As `numpy.transpose`.

    >>> import minigrad as mg
    >>> mg.transpose(mg.Tensor([[1.0, 2.0]]))
    Tensor([[1.],
            [2.]])
    """
    return np.transpose(a, axes)


@transpose.adjoint
def _(g, z, x, *, axes):
    return np.transpose(g, None if axes is None else np.argsort([a % x.ndim for a in axes]))


swapaxes = linear(
    np.swapaxes,
    lambda g, z, x, axis1, axis2: np.swapaxes(g, axis1, axis2),
    samples=[case((2, 3, 4), axis1=0, axis2=-1)],
)
moveaxis = linear(
    np.moveaxis,
    lambda g, z, x, source, destination: np.moveaxis(g, destination, source),
    samples=[
        case((2, 3, 4), source=0, destination=-1),
        case((2, 3, 4), source=(0, 1), destination=(1, 2)),
    ],
)


@implements(np.rollaxis)
def rollaxis(a, axis, start=0):
    """The axis moved to stand before the one at `start`. As `numpy.rollaxis`."""
    axis %= a.ndim
    start += a.ndim if start < 0 else 0
    return moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x, /):
    """The last two axes exchanged: each matrix transposed. As `numpy.matrix_transpose`.

    Raises `ShapeError` for less than two axes.
    """
    if x.ndim < 2:
        raise ShapeError(f"a matrix has two axes or more; got shape {x.shape}.")
    return swapaxes(x, -1, -2)


# --- the values in another order ------------------------------------------------------------

flip = linear(
    np.flip,
    lambda g, z, x, axis: np.flip(g, axis),
    samples=[case((2, 3)), case((2, 3, 2), axis=(0, -1))],
)
roll = linear(
    np.roll,
    lambda g, z, x, shift, axis: np.roll(g, np.negative(shift), axis),
    samples=[case((2, 3), shift=2), case((3, 4), shift=(1, -2), axis=(0, 1))],
)
rot90 = linear(
    np.rot90,
    lambda g, z, x, k, axes: np.rot90(g, -index(k), axes),  # NumPy takes fractions, as 3
    samples=[case((2, 3)), case((2, 3, 2), k=3, axes=(2, 0))],
)


@implements(np.flipud)
def flipud(m):
    """The rows from the last to the first. As `numpy.flipud`."""
    return flip(m, 0)


@implements(np.fliplr)
def fliplr(m):
    """The columns from the last to the first. As `numpy.fliplr`."""
    return flip(m, 1)


reshape.op.samples = [case((2, 3), shape=(3, 2)), case((2, 3), shape=-1, order="F")]
expand_dims.op.samples = [case((2, 3), axis=1), case((2, 3), axis=(0, -1))]
squeeze.op.samples = [case((2, 1, 3, 1)), case((2, 1, 3, 1), axis=1)]
broadcast_to.op.samples = [case((3, 1), shape=(2, 3, 4)), case((), shape=(2,))]
transpose.op.samples = [case((2, 3, 4)), case((2, 3, 4), axes=(1, -1, 0))]
