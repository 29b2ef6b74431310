"""Losses of numbers: how far a prediction is from what was wanted.

Every loss is a mean over all its terms; `reduction="sum"` gives their sum, "none" each of them.
"""

from __future__ import annotations

from math import prod
from typing import Literal

import numpy as np

from minigrad.core.broadcasting import number
from minigrad.core.op import elementwise, general
from minigrad.core.reals import DOUBLE, real
from minigrad.core.samples import Domain, case
from minigrad.errors import DataError, ShapeError
from minigrad.ops.activations import hardtanh, relu
from minigrad.ops.operands import operand, plain

Reduction = Literal["mean", "sum", "none"]


def reduced(losses, reduction):
    """The mean or the sum of the losses, or the losses; `ValueError` for another word."""
    if reduction == "mean":
        return np.mean(losses)
    if reduction == "sum":
        return np.sum(losses)
    if reduction == "none":
        return losses
    raise ValueError(f'a reduction is "mean", "sum" or "none"; got {reduction!r}.')


def same_shape(name, x, y):
    """Raise unless the two have one shape: broadcasting inside a loss is always a mistake.

    Also of a single number against many: it may be a mean that was taken too early.
    """
    prediction, target = shape_of(x), shape_of(y)
    if prediction != target:
        raise ShapeError(
            f"{name}: the prediction has shape {prediction} and the target {target}; together they "
            f"{as_broadcast(prediction, target)}. They must be equal: {mended(prediction, target)}."
        )


def as_broadcast(x, y):
    """What NumPy would make of two shapes."""
    try:
        together = np.broadcast_shapes(x, y)
    except ValueError:
        return "do not even broadcast"
    number = prod(together)
    return f"would broadcast to {together}, a loss of {number:,} pair{'s' * (number != 1)}"


def mended(x, y):
    """What to do about a prediction and a target of different shapes."""
    if prod(x) == prod(y):
        return f"give target.reshape{x}"
    if not y:
        return f"for one target everywhere give np.full({x}, target)"
    if not x:
        return "leave out the mean or sum that the prediction went through"
    return "give one target for each element of the prediction"


def shape_of(x):
    """The shape of an array, a tensor or nested lists."""
    return x.shape if hasattr(x, "shape") else np.shape(x)


def mse(prediction, target, *, reduction: Reduction = "mean"):
    """The mean squared error, 1/n * sum (prediction - target)^2, over all elements.

    Raises `ShapeError` unless the two have one shape. As `torch.nn.functional.mse_loss`.

    >>> import minigrad as mg
    >>> mg.mse(mg.Tensor([1.0, 2.0]), [1.0, 4.0])
    Tensor(2.)
    """
    try:  # the usual call needs no conversion: a step of a small network in 0.98 of the time
        if reduction == "mean" and prediction._value.dtype is DOUBLE is target._value.dtype:
            return mean_square(prediction, target)
    except AttributeError:
        pass
    return square_error(prediction, target, reduction=reduction)


@real("prediction", "target")
def square_error(prediction, target, *, reduction):
    """`mse` of what is to be converted, or is not averaged."""
    if reduction == "mean":
        return mean_square(prediction, target)
    same_shape("mse", prediction, target)
    return reduced(np.square(operand(prediction) - target), reduction)


def mean_squared_difference(x, y):
    """The value of `mse`: one op instead of three, which halves its cost on small arrays."""
    if x.shape != y.shape:
        same_shape("mse", x, y)
    d = (x - y).ravel()
    return d.dot(d) / d.size


mean_square = general(
    mean_squared_difference,
    lambda g, z, x, y: (x - y) * number(2 / x.size, g.dtype) * g,
    lambda g, z, x, y: (y - x) * number(2 / x.size, g.dtype) * g,
    name="mse",
    samples=[case((4, 1), (4, 1)), case((3,), (3,))],
)


@real("prediction", "target")
def l1(prediction, target, *, reduction: Reduction = "mean"):
    """The mean absolute error, 1/n * sum |prediction - target|. Where they are equal, slope 0.

    Raises `ShapeError` unless the two have one shape. As `torch.nn.functional.l1_loss`.

    >>> import minigrad as mg
    >>> mg.l1(mg.Tensor([1.0, 2.0]), [1.0, 4.0])
    Tensor(1.)
    """
    same_shape("l1", prediction, target)
    return reduced(np.abs(operand(prediction) - target), reduction)


@real("prediction", "target")
def huber(prediction, target, *, delta=1.0, reduction: Reduction = "mean"):
    """d^2 / 2 for a difference d up to delta, beyond it the tangent, delta * (|d| - delta / 2).

    Outliers pull with a force of delta at most. Raises `ShapeError` unless the two have one
    shape, `ValueError` for a delta that is not positive. As `torch.nn.functional.huber_loss`;
    Huber 1964.

    >>> import minigrad as mg
    >>> mg.huber(mg.Tensor([0.5, 3.0]), [0.0, 0.0], reduction="none")
    Tensor([0.125, 2.5  ])
    """
    same_shape("huber", prediction, target)
    if not delta > 0:
        raise ValueError(f"huber: delta is where the parabola ends, more than 0; got {delta}.")
    d = operand(prediction) - target
    return reduced(huber_of(d, delta=delta), reduction)


@elementwise
def huber_of(x, *, delta):
    """x^2 / 2 up to |x| = delta, beyond it the tangent."""
    cut = np.clip(x, -delta, delta)
    return cut * (x - cut * 0.5)


huber_of.partial(lambda z, x, *, delta: hardtanh(x, -delta, delta))
huber_of.op.samples = [case((2, 3), delta=1.0, domain=Domain(-3.0, 3.0, avoid=(-1.0, 1.0)))]


@real("prediction", "target")
def hinge(prediction, target, *, margin=1.0, reduction: Reduction = "mean"):
    """The mean of max(0, margin - target * prediction), for targets of -1 and 1.

    Scores on the right side and further out than the margin cost nothing. Raises `ShapeError`
    unless the two have one shape, `DataError` for other targets. The loss of support vector
    machines, Cortes and Vapnik 1995.

    >>> import minigrad as mg
    >>> mg.hinge(mg.Tensor([0.5, 2.0, 0.5]), [1.0, 1.0, -1.0], reduction="none")
    Tensor([0.5, 0. , 1.5])
    """
    same_shape("hinge", prediction, target)
    prediction, target = operand(prediction), operand(target)
    signs = plain(target)
    if not np.all(np.abs(signs) == 1):
        raise DataError(
            f"hinge: targets are -1 or 1; these hold {np.unique(signs)[:5]}. For labels of 0 and "
            f"1 give 2 * labels - 1."
        )
    return reduced(relu(margin - prediction * target), reduction)
