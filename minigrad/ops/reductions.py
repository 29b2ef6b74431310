"""Reductions: many values to one, along any axes.

`axis` is None (all), an int or a tuple, negative ones from the end, as in NumPy.
"""

from __future__ import annotations

import numpy as np

from minigrad.core.op import general, implements, linear
from minigrad.core.samples import case

cases = [
    case((2, 3)),
    case((2, 3), axis=0),
    case((2, 3, 2), axis=(0, -1), keepdims=True),
    case((), axis=None),
]


def with_axes(g, x, axis, keepdims):
    """A reduction's result (or its cotangent) with the reduced axes back, of length 1."""
    if keepdims or x.ndim == 0:
        return g
    if axis is None:
        return g.reshape((1,) * x.ndim)
    return np.expand_dims(g, tuple(a % x.ndim for a in np.atleast_1d(axis)))


def spread(g, x, axis, keepdims):
    """A reduction's cotangent, the same for every value that went into it."""
    return np.broadcast_to(with_axes(g, x, axis, keepdims), x.shape)


def number_reduced(x, axis):
    """How many values of `x` go into one of the result."""
    if axis is None:
        return x.size
    return int(np.prod([x.shape[a] for a in np.atleast_1d(axis)], dtype=int))


@implements(np.sum)
@linear
def sum(x, axis=None, *, keepdims=False):
    """The sum along `axis`; as `numpy.sum`.

    >>> import minigrad as mg
    >>> mg.sum(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.])
    """
    return np.add.reduce(x, axis, keepdims=keepdims)


@sum.adjoint
def _(g, z, x, *, axis, keepdims):
    return spread(g, x, axis, keepdims)


@implements(np.mean)
@linear
def mean(x, axis=None, *, keepdims=False):
    """The arithmetic mean along `axis`; as `numpy.mean`.

    >>> import minigrad as mg
    >>> mg.mean(mg.Tensor([1.0, 3.0]))
    Tensor(2.)
    """
    return np.mean(x, axis, keepdims=keepdims)


@mean.adjoint
def _(g, z, x, *, axis, keepdims):
    return spread(g / number_reduced(x, axis), x, axis, keepdims)


@implements(np.max, np.amax)
@general
def max(x, axis=None, *, keepdims=False):
    """The largest value along `axis`; values that tie share its gradient equally. `numpy.max`.

    >>> import minigrad as mg
    >>> mg.grad(mg.max)(mg.Tensor([1.0, 3.0, 3.0]))
    Tensor([0. , 0.5, 0.5])
    """
    return np.maximum.reduce(x, axis, keepdims=keepdims)


@implements(np.min, np.amin)
@general
def min(x, axis=None, *, keepdims=False):
    """The smallest value along `axis`; values that tie share its gradient equally. `numpy.min`.

    >>> import minigrad as mg
    >>> mg.min(mg.Tensor([[1.0, 3.0], [0.0, 5.0]]), axis=1)
    Tensor([1., 0.])
    """
    return np.minimum.reduce(x, axis, keepdims=keepdims)


def to_the_extreme(g, z, x, *, axis, keepdims):
    """The vjp of max and min: the cotangent goes to the values equal to the result."""
    tied = x == with_axes(z, x, axis, keepdims)
    share = tied / np.sum(tied, axis=axis, keepdims=True)
    return with_axes(g, x, axis, keepdims) * share


max.vjp(to_the_extreme)
min.vjp(to_the_extreme)

sum.op.samples = mean.op.samples = max.op.samples = min.op.samples = cases


@general
def logsumexp(x, axis=None, *, keepdims=False):
    """log(sum(exp(x))) along `axis`, without overflow; as `scipy.special.logsumexp`.

    A primitive for its stability: its derivative is the softmax, exp(x - z). Where all values
    are -inf the result is -inf and the gradient 0.

    >>> import minigrad as mg
    >>> mg.logsumexp(mg.Tensor([1000.0, 1000.0]))
    Tensor(1000.69314718)
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where all are -inf
        z = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return z if keepdims else np.squeeze(z, axis)


@logsumexp.vjp
def _(g, z, x, *, axis, keepdims):
    z = with_axes(z, x, axis, keepdims)
    return with_axes(g, x, axis, keepdims) * np.exp(x - np.where(np.isfinite(z), z, 0))


logsumexp.op.samples = cases[:3]
