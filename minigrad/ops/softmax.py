"""The exponentials of values beside each other: softmax, and its logarithm."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import general
from minigrad.core.reals import real
from minigrad.core.samples import case


@real("x")
@general
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along `axis`: positive, summing to 1. As `scipy.special.softmax`.

    Where all are -inf (everything is masked) the result is 0, and so is the gradient. Values of
    inf take everything, in equal shares. Of no values there is no result.

    >>> import minigrad as mg
    >>> mg.softmax(mg.Tensor([[0.0, 0.0], [1000.0, 0.0]]))
    Tensor([[0.5, 0.5],
            [1. , 0. ]])
    """
    e = np.exp(below_largest(x, axis))
    return e / at_least_one(np.add.reduce(e, axis, keepdims=True))


@softmax.vjp
def _(g, z, x, *, axis):  # the second mean is 0, but for what rounding lost beside a z near 1
    g = g - np.sum(g * z, axis=axis, keepdims=True)
    return z * (g - np.sum(g * z, axis=axis, keepdims=True))


@real("x")
@general
def log_softmax(x, axis=-1):
    """log(softmax(x)) along `axis`, without underflow. As `scipy.special.log_softmax`.

    Where all are -inf the result is -inf. Values of inf are as in `softmax`.

    >>> import minigrad as mg
    >>> mg.log_softmax(mg.Tensor([1000.0, 0.0]))
    Tensor([    0., -1000.])
    """
    x = below_largest(x, axis)
    return x - log_total(x, axis)


@log_softmax.vjp
def _(g, z, x, *, axis):  # the second sum is 0, but for what rounding lost beside a p near 1
    p = np.exp(z)
    share = p * np.sum(g, axis=axis, keepdims=True)
    if share.__class__ is not np.ndarray:
        g = g - share
        return g - p * np.sum(g, axis=axis, keepdims=True)
    g = np.subtract(g, share, out=share)  # in place, as fresh memory costs as much
    p *= np.sum(g, axis=axis, keepdims=True)
    g -= p
    return g


def below_largest(x, axis):
    """x minus the largest along `axis`, so that no exponential overflows.

    -inf stays -inf, also where there is nothing else: -inf - -inf would be nan.
    """
    top = np.maximum.reduce(x, axis, keepdims=True, initial=np.finfo(x.dtype).min)
    with np.errstate(over="ignore", invalid="ignore"):  # -1e308 - 1e308 is -inf: exp gives 0
        below = x - top
    return np.where(x == np.inf, 0, below) if (top == np.inf).any() else below


def log_total(below, axis):
    """log(sum(exp(below))), for numbers of which the largest is 0 (or all are -inf: then 0).

    Where the largest has nearly all of the sum, the rest is summed on its own: 1 + 1e-20 is 1.
    """
    e = np.asarray(np.exp(below))
    total = at_least_one(np.add.reduce(e, axis, keepdims=True))
    if not (total < 1.5).any():
        return np.log(total)
    largest = below == 0
    np.copyto(e, 0, where=largest)
    rest = np.add.reduce(e, axis, keepdims=True)
    ties = np.count_nonzero(largest, axis, keepdims=True)
    return np.log1p(np.maximum(rest + (ties - 1).astype(e.dtype), 0))


def at_least_one(total):
    """The sum of the exponentials of what `below_largest` gives, or 1 where all are 0.

    The largest adds exp(0) = 1, so any other sum is 1 at least.
    """
    return np.maximum(total, 1)


softmax.op.samples = log_softmax.op.samples = [case((3, 4)), case((2, 3, 2), axis=(0, 2))]
