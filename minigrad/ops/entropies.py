"""Losses of probabilities: how surprising what came true was to the prediction, in nats.

Every loss is a mean over the rows; `reduction="sum"` gives their sum, "none" that of each.
"""

from __future__ import annotations

import numpy as np

from minigrad.core.node import Node
from minigrad.core.op import general
from minigrad.core.reals import real
from minigrad.core.samples import Domain, case
from minigrad.errors import DataError, ShapeError
from minigrad.ops.activations import sigmoid
from minigrad.ops.embedding import class_numbers, one_hot
from minigrad.ops.losses import Reduction, reduced, same_shape, shape_of
from minigrad.ops.operands import operand, plain, values
from minigrad.ops.softmax import below_largest, log_softmax, softmax


@real("logits")
def cross_entropy(
    logits,
    labels,
    *,
    class_weights=None,
    ignored_label=None,
    label_smoothing=0.0,
    reduction: Reduction = "mean",
):
    """The mean of -log softmax(logits)[label]: logits (N, C), labels (N,) integers in 0..C-1.

    `labels` may also be probabilities (N, C); then a row costs -sum(target * log softmax). With
    `label_smoothing` s the target is (1 - s) * target + s / C. `class_weights` (C,) multiply the
    terms of their class, and the mean over labels divides by the sum of the labels' weights.
    Rows with the `ignored_label` neither cost nor count; with none left the mean is 0.

    Raises `ShapeError` where the shapes do not fit, `DataError` for labels that are not whole
    numbers in range, or negative probabilities. As `torch.nn.functional.cross_entropy`.

    >>> import minigrad as mg
    >>> mg.cross_entropy(mg.Tensor([[0.0, 0.0]]), [1])
    Tensor(0.69314718)
    >>> mg.cross_entropy(mg.Tensor([[0.0, 0.0]]), [[0.5, 0.5]])
    Tensor(0.69314718)
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is a part of 1; got {label_smoothing}.")
    kept = None
    if shape_of(labels) == shape_of(logits):
        targets, labels = checked_rows(logits, labels, ignored_label), None
    else:
        labels, kept = checked_labels("cross_entropy", logits, labels, ignored_label)
        if not label_smoothing and kept is None and class_weights is None and reduction == "mean":
            return mean_surprise(operand(logits), labels)
        if not label_smoothing:
            return of_labels(log_softmax(logits), labels, kept, class_weights, reduction)
        targets = one_hot(labels, shape_of(logits)[1], operand(logits).dtype)
    log_probability = log_softmax(logits)
    if label_smoothing:
        targets = targets * (1 - label_smoothing) + label_smoothing / log_probability.shape[1]
    weights = each_weight(class_weights, log_probability)
    if weights is not None:
        targets = targets * weights
    losses = -np.sum(product(targets, log_probability), axis=-1)
    return finished(losses, labels, kept, weights, reduction)


def mean_surprise_value(x, labels):
    """The loss of plain labels as one op: 64 rows of 10 take a quarter of the time of four ops.

    It works on a copy with the classes along the first axis: NumPy's reductions over short rows
    take 50 ns a row.
    """
    x = below_largest(x.T.copy(), 0)  # (C, N)
    at = labels * len(labels) + np.arange(len(labels))
    missed = x.reshape(-1)[at]
    own, rest = split(x, at)
    return np.add.reduce(np.log1p(rest + (own - 1)) - missed) / len(labels)


def split(x, at):
    """The exponentials, written over x (C, N): those at the labels, taken out, and the others' sum.

    Together they are 1 or more: 1 is from the largest, and given to the others where all are -inf.
    """
    e = np.exp(x, out=x)
    own = e.reshape(-1)[at]
    e.reshape(-1)[at] = 0
    return own, np.maximum(np.add.reduce(e), 1 - own)


def surprise_into_logits(g, z, x, labels):
    """The probabilities, less 1 at the label, times g / N.

    That is minus the sum of the others, of which p - 1 would lose the digits; for the same
    reason the recorded form takes off what the sum of all, which is 0, has come to.
    """
    if isinstance(x, Node):
        p = softmax(x)
        excess = p - one_hot(plain(labels), x.shape[1], x.dtype)
        excess = excess - p * np.sum(excess, axis=1, keepdims=True)
        return excess * (g * (1 / len(x)))
    n = len(labels)
    p = below_largest(x.T.copy(), axis=0)  # (C, N), and now all in place
    at = labels * n + np.arange(n)
    own, rest = split(p, at)
    p.reshape(-1)[at] = -rest
    p *= g * (1 / n) / (own + rest)
    return p.T


mean_surprise = general(
    mean_surprise_value,
    surprise_into_logits,
    None,
    name="cross_entropy",
    samples=[case((4, 3), np.array([0, 2, 1, 1])), case((2, 5), np.array([4, 0]))],
)


@real("log_probabilities")
def nll(
    log_probabilities,
    labels,
    *,
    class_weights=None,
    ignored_label=None,
    reduction: Reduction = "mean",
):
    """The mean of -log_probabilities[label]: (N, C) and labels (N,) integers in 0..C-1.

    What `cross_entropy` is after its log_softmax; the rest as there. As
    `torch.nn.functional.nll_loss`.

    >>> import numpy as np, minigrad as mg
    >>> mg.nll(np.log(mg.Tensor([[0.5, 0.5], [0.125, 0.875]])), [0, 0]) / np.log(2)
    Tensor(2.)
    """
    labels, kept = checked_labels("nll", log_probabilities, labels, ignored_label)
    return of_labels(operand(log_probabilities), labels, kept, class_weights, reduction)


@real("log_prediction", "target")
def kl_div(log_prediction, target, *, reduction: Reduction = "mean"):
    """The Kullback-Leibler divergence of each row, sum(target * (log target - log_prediction)).

    The last axis holds the classes: log-probabilities and probabilities of one shape (..., C)
    give losses (...), of which the mean is taken (in `torch.nn.functional.kl_div` that is
    "batchmean"). Where a target is 0 the term is 0, and log target has the gradient 0.

    Raises `ShapeError` unless the two have one shape, `DataError` for negative targets.
    Kullback and Leibler 1951.

    >>> import numpy as np, minigrad as mg
    >>> mg.kl_div(np.log(mg.Tensor([[0.5, 0.5]])), [[1.0, 0.0]])
    Tensor(0.69314718)
    """
    same_shape("kl_div", log_prediction, target)
    log_prediction, target = operand(log_prediction), not_negative("kl_div", target)
    log_target = np.log(np.where(target > 0, target, 1))
    terms = target * log_target - product(target, log_prediction)
    return reduced(np.sum(terms, axis=-1), reduction)


@real("logits", "targets")
def binary_cross_entropy(
    logits, targets, *, from_logits: bool = True, reduction: Reduction = "mean"
):
    """The mean of -t log s - (1 - t) log(1 - s) with s = sigmoid(logits), without overflow.

    With `from_logits=False` the first argument holds the probabilities s themselves: give
    logits where you can, as a probability that is rounded to 0 or 1 costs infinitely much if it is
    wrong. Both have one shape; targets are in [0, 1].

    Raises `ShapeError`, or `DataError` for targets or probabilities outside [0, 1]. As
    `torch.nn.functional.binary_cross_entropy_with_logits`, and `binary_cross_entropy`.

    >>> import minigrad as mg
    >>> mg.binary_cross_entropy(mg.Tensor([0.0]), [1.0])
    Tensor(0.69314718)
    >>> mg.binary_cross_entropy(mg.Tensor([0.5]), [1.0], from_logits=False)
    Tensor(0.69314718)
    """
    same_shape("binary_cross_entropy", logits, targets)
    s, t = operand(logits), operand(targets)
    check_probabilities("targets", t)
    if from_logits:
        return reduced(surprise_of_two(s, t), reduction)
    check_probabilities("with from_logits=False predictions", s)
    log_on = np.log(np.where((t == 0) & (s == 0), 1, s))
    log_off = np.log1p(-np.where((t == 1) & (s == 1), 0, s))
    return reduced(-t * log_on - (1 - t) * log_off, reduction)


def surprise_of_two_value(s, t):
    """softplus(s) - s * t as a sum of two terms that are never negative: no digits are lost.

    They are the way from the likelier of the two answers to the target, which is s times it, and
    the loss of that answer.
    """
    way = np.asarray(s > 0, s.dtype) - t
    way *= np.where(way == 0, 0, s)  # at infinity, too
    loss = np.asarray(np.abs(s))
    np.exp(np.negative(loss, out=loss), out=loss)
    return way + np.log1p(loss, out=loss)


def surprise_of_two_into_logits(g, z, s, t):
    """sigmoid(s) - t in the same two parts."""
    likelier = np.asarray(plain(s) > 0, s.dtype)
    sign = 1 - 2 * likelier
    return g * ((likelier - t) + sign * sigmoid(sign * s))


surprise_of_two = general(
    surprise_of_two_value,
    surprise_of_two_into_logits,
    lambda g, z, s, t: -g * s,
    name="binary_cross_entropy",
    samples=[case((2, 3), (2, 3), domain=(Domain(-3.0, 3.0), Domain(0.0, 1.0)))],
)


# --- from rows to one number ----------------------------------------------------------------


def of_labels(log_probability, labels, kept, class_weights, reduction):
    """What each row gave its label, negative, weighted and reduced."""
    losses = -log_probability[np.arange(len(labels)), labels]
    if kept is None and class_weights is None:
        return reduced(losses, reduction)
    weights = each_weight(class_weights, log_probability)
    if weights is not None:
        losses = losses * weights[labels]
    return finished(losses, labels, kept, weights, reduction)


def finished(losses, labels, kept, weights, reduction):
    """The losses reduced: ignored rows are 0, and a mean over labels is a weighted one."""
    if kept is not None:
        losses = np.where(kept, losses, 0)
    if reduction != "mean" or labels is None or (kept is None and weights is None):
        return reduced(losses, reduction)
    counts = np.ones(len(labels)) if weights is None else weights[labels]
    total = float(np.sum(counts if kept is None else counts[kept]))
    return np.sum(losses) / (total or 1.0)


def product(weight, log_probability):
    """weight * log_probability, where 0 * -inf is 0."""
    impossible = (weight == 0) & (log_probability == -np.inf)
    return weight * np.where(impossible, 0, log_probability)


# --- checks ---------------------------------------------------------------------------------


def checked_rows(logits, targets, ignored_label):
    """The targets of `cross_entropy` as they are, if they are rows of probabilities."""
    shape = shape_of(logits)
    if len(shape) != 2 or shape[1] == 1:
        raise ShapeError(
            f"cross_entropy: takes logits (N, C) of two classes or more, and labels (N,) or "
            f"probabilities (N, C); got {shape} and {shape_of(targets)}. For one logit a row use "
            f"binary_cross_entropy."
        )
    if ignored_label is not None:
        raise TypeError("cross_entropy: ignored_label= is for labels; these are probabilities.")
    return not_negative("cross_entropy", targets)


def checked_labels(name, scores, labels, ignored_label):
    """The labels as a new integer array, and which rows are kept (None for all)."""
    shape = shape_of(scores)
    labels = values(labels)
    if len(shape) != 2 or labels.shape != shape[:1]:
        column = labels.shape == (*shape[:1], 1)
        raise ShapeError(
            f"{name}: takes logits (N, C) and labels (N,), one class number per row; got shapes "
            f"{shape} and {labels.shape}.{' Give labels.ravel().' if column else ''}"
        )
    if ignored_label is None:
        return class_numbers(name, labels, shape[1]), None
    kept = labels != ignored_label
    return class_numbers(name, np.where(kept, labels, 0), shape[1]), kept


def each_weight(class_weights, log_probability):
    """The class weights as an array of the prediction's dtype, or None."""
    if class_weights is None:
        return None
    weights = values(class_weights, log_probability.dtype)
    if weights.shape != log_probability.shape[1:]:
        raise ShapeError(
            f"class_weights: one for each of {log_probability.shape[1]} classes; got shape "
            f"{weights.shape}."
        )
    return weights


def not_negative(name, target):
    """The target as it is, if it can hold probabilities."""
    target = operand(target)
    if np.any(target < 0):
        raise DataError(
            f"{name}: targets are probabilities, 0 or more; the smallest is {plain(target).min()}."
        )
    return target


def check_probabilities(what, given):
    """Raise `DataError` unless all are in [0, 1]."""
    values = plain(given)
    if not np.all((values >= 0) & (values <= 1)):
        raise DataError(
            f"binary_cross_entropy: {what} are probabilities from 0 to 1; these reach from "
            f"{values.min()} to {values.max()}."
        )
