"""Losses: how far a prediction is from what was wanted, as one number (a mean over all)."""

from __future__ import annotations

import numpy as np

from minigrad.core.node import Node
from minigrad.core.op import general
from minigrad.core.samples import case
from minigrad.errors import DataError, ShapeError
from minigrad.ops.activations import log_softmax


def same_shape(name, x, y):
    """Raise unless the two have one shape: broadcasting inside a loss is always a mistake."""
    if shape_of(x) != shape_of(y):
        raise ShapeError(
            f"{name}: the prediction has shape {np.shape(x)} and the target {np.shape(y)}. They "
            f"must be equal (they would broadcast to a mean over the wrong pairs): reshape one."
        )


def shape_of(x):
    """The shape of an array, a tensor or nested lists."""
    return x.shape if hasattr(x, "shape") else np.shape(x)


def mse(prediction, target):
    """The mean squared error, 1/n * sum (prediction - target)^2, over all elements.

    Raises `ShapeError` unless the two have one shape.

    >>> import minigrad as mg
    >>> mg.mse(mg.Tensor([1.0, 2.0]), [1.0, 4.0])
    Tensor(2.)
    """
    same_shape("mse", prediction, target)
    return mean_square(prediction, target)


def mean_squared_difference(x, y):
    """The value of `mse`: one op instead of three, which halves its cost on small arrays."""
    d = np.subtract(x, y).reshape(-1)
    return d.dot(d) / d.size


mean_square = general(
    mean_squared_difference,
    lambda g, z, x, y: (x - y) * (g * (2 / x.size)),
    lambda g, z, x, y: (y - x) * (g * (2 / x.size)),
    name="mse",
    samples=[case((4, 1), (4, 1)), case((3,), (3,))],
)


def cross_entropy(logits, labels):
    """The mean of -log softmax(logits)[label]: logits (N, C), labels (N,) integers in 0..C-1.

    Raises `ShapeError` where the shapes do not fit, `DataError` for labels that are not whole
    numbers in range. As `torch.nn.functional.cross_entropy`.

    >>> import minigrad as mg
    >>> mg.cross_entropy(mg.Tensor([[0.0, 0.0]]), [1])
    Tensor(0.69314718)
    """
    labels = checked_labels(logits, labels)
    log_probability = log_softmax(logits, axis=-1)
    return -np.mean(log_probability[np.arange(len(labels)), labels])


def checked_labels(logits, labels):
    """The labels as a new integer array, after every check that `cross_entropy` promises."""
    labels = np.array(labels.numpy() if isinstance(labels, Node) else labels)
    shape = np.shape(logits)
    if len(shape) != 2 or labels.shape != shape[:1]:
        raise ShapeError(
            f"cross_entropy: takes logits (N, C) and labels (N,), one class number per row; "
            f"got shapes {shape} and {labels.shape}."
        )
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        where = np.flatnonzero(np.isnan(labels))
        raise DataError(
            f"cross_entropy: {where.size} of {labels.size} labels are NaN, the first at position "
            f"{where[0]}. Drop those rows, or find out where the labels come from."
        )
    wrong = (labels < 0) | (labels >= shape[1]) | (labels != np.floor(labels))
    if wrong.any():
        first = np.flatnonzero(wrong)[0]
        raise DataError(
            f"cross_entropy: label {labels[first]} at position {first} is not a class number; "
            f"with {shape[1]} logits a row, labels are whole numbers from 0 to {shape[1] - 1}."
        )
    return labels.astype(np.intp)


def binary_cross_entropy(logits, targets):
    """The mean of -t log s - (1 - t) log(1 - s) with s = sigmoid(logits), without overflow.

    Logits and targets have one shape; targets are in [0, 1]. Raises `ShapeError` or `DataError`.
    As `torch.nn.functional.binary_cross_entropy_with_logits`.

    >>> import minigrad as mg
    >>> mg.binary_cross_entropy(mg.Tensor([0.0]), [1.0])
    Tensor(0.69314718)
    """
    same_shape("binary_cross_entropy", logits, targets)
    plain = np.asarray(targets.numpy() if isinstance(targets, Node) else targets)
    if not np.all((plain >= 0) & (plain <= 1)):
        raise DataError(
            f"binary_cross_entropy: targets are probabilities from 0 to 1; these reach from "
            f"{plain.min()} to {plain.max()}."
        )
    return np.mean(np.logaddexp(0, logits) - logits * targets)
