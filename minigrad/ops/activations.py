"""Activation functions, and softmax with its kin."""

from __future__ import annotations

import numpy as np

from minigrad.core.broadcasting import zeros
from minigrad.core.op import elementwise, general
from minigrad.core.samples import case, nonzero, reals
from minigrad.ops.reductions import logsumexp


@elementwise
def relu(x):
    """max(x, 0), elementwise. At 0 the derivative is taken as 0.

    >>> import minigrad as mg
    >>> mg.relu(mg.Tensor([-1.0, 2.0]))
    Tensor([0., 2.])
    """
    x = np.asarray(x)
    return np.maximum(x, zeros(x.shape, x.dtype))


relu.partial(lambda z, x: np.sign(z))
relu.op.samples = nonzero


@elementwise
def sigmoid(x):
    """1 / (1 + exp(-x)), elementwise, without overflow.

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.Tensor([0.0, -1000.0]))
    Tensor([0.5, 0. ])
    """
    e = np.exp(-np.abs(x))  # in (0, 1]
    return np.where(np.asarray(x) >= 0, 1, e) / (1 + e)


sigmoid.partial(lambda z, x: z * (1 - z))
sigmoid.op.samples = reals


@general
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along `axis`: positive, summing to 1. As `scipy.special.softmax`.

    >>> import minigrad as mg
    >>> mg.softmax(mg.Tensor([0.0, 0.0]))
    Tensor([0.5, 0.5])
    """
    return np.exp(x - logsumexp(x, axis=axis, keepdims=True))


@softmax.vjp
def _(g, z, x, *, axis):
    return z * (g - np.sum(g * z, axis=axis, keepdims=True))


@general
def log_softmax(x, axis=-1):
    """log(softmax(x)) along `axis`, without underflow: x - logsumexp(x).

    >>> import minigrad as mg
    >>> mg.log_softmax(mg.Tensor([1000.0, 0.0]))
    Tensor([    0., -1000.])
    """
    return x - logsumexp(x, axis=axis, keepdims=True)


@log_softmax.vjp
def _(g, z, x, *, axis):
    return g - np.exp(z) * np.sum(g, axis=axis, keepdims=True)


softmax.op.samples = log_softmax.op.samples = [case((3, 4)), case((2, 3, 2), axis=(0, 2))]
