"""Shape and joining: the same values, arranged differently. All are linear."""

from __future__ import annotations

import numpy as np

from minigrad.core.broadcasting import sum_to
from minigrad.core.op import general, implements, linear
from minigrad.core.samples import case


@implements(np.reshape)
@linear
def reshape(x, shape, order="C"):
    """The same values in another shape; one length may be -1. As `numpy.reshape`.

    >>> import minigrad as mg
    >>> mg.reshape(mg.Tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    Tensor([[1., 2.],
            [3., 4.]])
    """
    return np.reshape(x, shape, order=order)


@reshape.adjoint
def _(g, z, x, *, shape, order):
    return np.reshape(g, x.shape, order=order)


@implements(np.transpose)
@linear
def transpose(x, axes=None):
    """The axes in another order, reversed by default. As `numpy.transpose`.

    >>> import minigrad as mg
    >>> mg.transpose(mg.Tensor([[1.0, 2.0]]))
    Tensor([[1.],
            [2.]])
    """
    return np.transpose(x, axes)


@transpose.adjoint
def _(g, z, x, *, axes):
    return np.transpose(g, None if axes is None else np.argsort([a % x.ndim for a in axes]))


@implements(np.broadcast_to)
@linear
def broadcast_to(x, shape):
    """The values repeated to fill `shape`, by NumPy's rules. As `numpy.broadcast_to`.

    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.Tensor([1.0, 2.0]), (2, 2))
    Tensor([[1., 2.],
            [1., 2.]])
    """
    return np.broadcast_to(x, shape)


@broadcast_to.adjoint
def _(g, z, x, *, shape):
    return sum_to(g, x.shape)


@implements(np.expand_dims)
@linear
def expand_dims(x, axis):
    """New axes of length 1 at the positions `axis` of the result. As `numpy.expand_dims`.

    >>> import minigrad as mg
    >>> mg.expand_dims(mg.Tensor([1.0, 2.0]), 0).shape
    (1, 2)
    """
    return np.expand_dims(x, axis)


@expand_dims.adjoint
def _(g, z, x, *, axis):
    return np.reshape(g, x.shape)


@implements(np.squeeze)
@linear
def squeeze(x, axis=None):
    """Without the axes of length 1, all or those named. As `numpy.squeeze`.

    >>> import minigrad as mg
    >>> mg.squeeze(mg.Tensor([[1.0, 2.0]])).shape
    (2,)
    """
    return np.squeeze(x, axis)


@squeeze.adjoint
def _(g, z, x, *, axis):
    return np.reshape(g, x.shape)


@implements(np.concatenate)
def concatenate(arrays, axis=0):
    """Arrays joined along an axis they have. As `numpy.concatenate`.

    >>> import minigrad as mg
    >>> mg.concatenate([mg.Tensor([1.0]), [2.0, 3.0]])
    Tensor([1., 2., 3.])
    """
    if axis is None:
        arrays, axis = [np.reshape(a, -1) for a in arrays], 0
    return join(*arrays, axis=axis)


def slice_of_join(g, z, *arrays, argument, axis):
    """The part of the cotangent that belongs to the array number `argument`."""
    start = builtin_sum(a.shape[axis] for a in arrays[:argument])
    stop = start + arrays[argument].shape[axis]
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, stop),)]


builtin_sum = sum

join = linear(
    lambda *arrays, axis: np.concatenate(arrays, axis),
    slice_of_join,
    name="concatenate",
    samples=[case((2, 3), (1, 3), axis=0), case((2, 1), (2, 2), (2, 1), axis=-1)],
    jointly=True,
)


@implements(np.stack)
def stack(arrays, axis=0):
    """Arrays of one shape joined along a new axis. As `numpy.stack`.

    >>> import minigrad as mg
    >>> mg.stack([mg.Tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[1., 2.],
            [3., 4.]])
    """
    return pile(*arrays, axis=axis)


pile = linear(
    lambda *arrays, axis: np.stack(arrays, axis),
    lambda g, z, *arrays, argument, axis: g[(slice(None),) * (axis % g.ndim) + (argument,)],
    name="stack",
    samples=[case((2, 3), (2, 3), axis=0), case((2,), (2,), (2,), axis=-1)],
    jointly=True,
)


@implements(np.pad)
@general
def pad(x, pad_width, mode="constant", *, constant_values=0):
    """A border of constants around `x`; `pad_width` as in `numpy.pad`.

    Raises `ValueError` for a mode other than "constant".

    >>> import minigrad as mg
    >>> mg.pad(mg.Tensor([1.0, 2.0]), 1)
    Tensor([0., 1., 2., 0.])
    """
    if mode != "constant":
        raise ValueError(f"mode {mode!r} has no derivative rule yet; use mode='constant'")
    return np.pad(x, pad_width, mode, constant_values=constant_values)


@pad.vjp
def _(g, z, x, *, pad_width, mode, constant_values):
    before = np.broadcast_to(pad_width, (x.ndim, 2))[:, 0]
    return g[tuple(slice(b, b + n) for b, n in zip(before, x.shape, strict=True))]


reshape.op.samples = [case((2, 3), shape=(3, 2)), case((2, 3), shape=-1, order="F")]
transpose.op.samples = [case((2, 3, 4)), case((2, 3, 4), axes=(1, -1, 0))]
broadcast_to.op.samples = [case((3, 1), shape=(2, 3, 4)), case((), shape=(2,))]
expand_dims.op.samples = [case((2, 3), axis=1), case((2, 3), axis=(0, -1))]
squeeze.op.samples = [case((2, 1, 3, 1)), case((2, 1, 3, 1), axis=1)]
pad.op.samples = [case((2, 3), pad_width=((1, 0), (0, 2))), case((2,), pad_width=1)]
