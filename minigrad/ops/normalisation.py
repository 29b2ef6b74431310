"""Normalisation: values brought to mean 0 and mean square 1, over the axes that each word names.

All but `rms_norm` are the same two steps: subtract the mean, divide by the root mean square.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.core.broadcasting import broadcasts_to
from minigrad.core.op import general, linear
from minigrad.core.reals import real
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.operands import operand, plain


@real("x", "scale", "shift")
def batch_norm(x, scale=None, shift=None, *, mean=None, variance=None, epsilon=1e-5):
    """Each channel of x (B, C, ...) normalised over the batch and all positions.

    (x - mean) / sqrt(variance + epsilon) * scale + shift, where the mean and the variance are
    those of the batch. Where both are given (kept while training, to predict with) they are
    taken instead. All of them have shape (C,). A constant channel becomes the shift.

    Raises `ShapeError` for other shapes, `TypeError` if only one of mean and variance is given.
    As `torch.nn.functional.batch_norm`; Ioffe and Szegedy 2015.

    >>> import minigrad as mg
    >>> mg.batch_norm(mg.Tensor([[1.0, 5.0], [3.0, 5.0]]), epsilon=0.0)
    Tensor([[-1.,  0.],
            [ 1.,  0.]])
    """
    x = operand(x)
    per_channel = channels("batch_norm", x, scale, shift, mean, variance)
    scale, shift, mean, variance = per_channel
    if (mean is None) != (variance is None):
        raise TypeError("batch_norm: give both mean= and variance=, or neither.")
    if mean is None:
        over = (0, *range(2, x.ndim))
        return rescaled(standardised(x, over, epsilon), scale, shift)
    return rescaled((x - mean) / np.sqrt(variance + epsilon), scale, shift)


@real("x", "scale", "shift")
def layer_norm(x, scale=None, shift=None, *, axis=-1, epsilon=1e-5):
    """Each sample normalised on its own over `axis`, an int or several: z * scale + shift.

    z = (x - mean) / sqrt(variance + epsilon). scale and shift broadcast against x; for the last
    axis, or the last few, they have its length. Raises `ShapeError` where they do not.
    As `torch.nn.functional.layer_norm`; Ba et al. 2016.

    >>> import minigrad as mg
    >>> mg.layer_norm(mg.Tensor([[1.0, 3.0], [10.0, 50.0]]), epsilon=0.0)
    Tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    x = operand(x)
    check_broadcast("layer_norm", x, scale, shift)
    return rescaled(standardised(x, axis, epsilon), scale, shift)


@real("x")
def group_norm(x, groups, scale=None, shift=None, *, epsilon=1e-5):
    """The channels of x (B, C, ...) in `groups` of C / groups, each normalised in each sample.

    scale and shift have shape (C,). With as many groups as channels this is instance
    normalisation. Raises `ShapeError` where the channels do not split evenly.
    As `torch.nn.functional.group_norm`; Wu and He 2018.

    >>> import minigrad as mg
    >>> mg.group_norm(mg.Tensor([[1.0, 3.0, 10.0, 50.0]]), 2, epsilon=0.0)
    Tensor([[-1.,  1., -1.,  1.]])
    """
    x = operand(x)
    scale, shift = channels("group_norm", x, scale, shift)
    if groups < 1 or x.shape[1] % groups:
        raise ShapeError(
            f"group_norm: {x.shape[1]} channels (shape {x.shape}) do not split evenly into "
            f"{groups} groups."
        )
    grouped = np.reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    z = standardised(grouped, tuple(range(2, grouped.ndim)), epsilon)
    return rescaled(np.reshape(z, x.shape), scale, shift)


@real("x", "scale")
def rms_norm(x, scale=None, *, axis=-1, epsilon=1e-5):
    """x / sqrt(mean(x^2) + epsilon) * scale, over `axis`: layer_norm without the centring.

    scale broadcasts against x, else `ShapeError`. As `torch.nn.functional.rms_norm`, whose
    epsilon is smaller; Zhang and Sennrich 2019.

    >>> import minigrad as mg
    >>> mg.rms_norm(mg.Tensor([1.0, 7.0]), epsilon=0.0)
    Tensor([0.2, 1.4])
    """
    x = operand(x)
    check_broadcast("rms_norm", x, scale)
    return rescaled(normalise(*within_range(x, axis, epsilon), axis=axis), scale, None)


# --- the two steps --------------------------------------------------------------------------


def standardised(x, axis, epsilon):
    """(x - mean) / sqrt(variance + epsilon) over `axis`."""
    x, epsilon = within_range(x, axis, epsilon)
    return normalise(centre(x, axis=axis), epsilon, axis=axis)


def within_range(x, axis, epsilon):
    """x and epsilon, both scaled down where a sum of squares would overflow.

    The normalised values are the same.
    """
    values = plain(x)
    limit = np.sqrt(np.finfo(values.dtype).max / max(values.size, 1))
    if not max(values.max(initial=0), -values.min(initial=0)) > limit:
        return x, epsilon
    largest = np.abs(values).max(axis, keepdims=True)
    largest = np.where(largest > limit, largest, 1)
    return x / largest, epsilon / largest / largest


@linear
def centre(x, *, axis):
    """x minus its mean over `axis`.

    A primitive for its exactness: one of the values is subtracted first, so that a constant
    leaves exactly 0, not the rounding of a mean, which normalisation would blow up. The map is
    its own adjoint.
    """
    over = normalize_axis_tuple(axis, x.ndim)
    first = x[tuple(slice(1) if a in over else slice(None) for a in range(x.ndim))]
    z = x - first
    z -= np.mean(z, axis=axis, keepdims=True)
    return z


centre.adjoint(lambda g, z, x, *, axis: centre(g, axis=axis))


@general
def normalise(x, epsilon, *, axis):
    """x / sqrt(mean(x^2) + epsilon) over `axis`; 0 where that is 0 / 0.

    A primitive for speed (1.3 to 1.5 times that of the composition, forward and backward) and
    memory: the square is not kept.
    """
    return x / root_mean_square(x, epsilon, axis)


@normalise.vjp
def _(g, z, x, *, epsilon, axis):
    along = np.mean(g * z, axis=axis, keepdims=True)
    return (g - z * along) / root_mean_square(x, epsilon, axis)


def root_mean_square(x, epsilon, axis):
    """sqrt(mean(x^2) + epsilon), recorded where x is; 1 where that is 0."""
    square = np.mean(x * x, axis=axis, keepdims=True) + epsilon
    return np.sqrt(np.where(square == 0, 1, square))


centre.op.samples = [case((3, 4), axis=-1), case((2, 3, 2), axis=(0, 2))]
normalise.op.samples = [
    case((3, 4), epsilon=1e-3, axis=-1),
    case((2, 3, 2), epsilon=0.1, axis=(0, 2)),
]


# --- scale and shift ------------------------------------------------------------------------


def rescaled(z, scale, shift):
    """z * scale + shift, each of which may be absent."""
    z = z if scale is None else z * scale
    return z if shift is None else z + shift


def channels(name, x, *given):
    """What was given for each channel of x, shaped to broadcast: (C,) -> (C, 1, ...)."""
    if x.ndim < 2:
        raise ShapeError(f"{name}: takes x of shape (B, C, ...); got {x.shape}.")
    found = [part if part is None else operand(part) for part in given]
    for part in found:
        if part is not None and part.shape != x.shape[1:2]:
            raise ShapeError(
                f"{name}: one value a channel: x {x.shape} has {x.shape[1]} channels; got shape "
                f"{part.shape}."
            )
    shape = (-1, *(1,) * (x.ndim - 2))
    return [part if part is None else np.reshape(part, shape) for part in found]


def check_broadcast(name, x, *given):
    """Raise `ShapeError` for a scale or a shift that would make the result larger than x."""
    for part in given:
        if part is not None and not broadcasts_to(operand(part).shape, x.shape):
            raise ShapeError(
                f"{name}: a scale or shift of shape {operand(part).shape} does not broadcast "
                f"to x {x.shape}."
            )
