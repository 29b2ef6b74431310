"""Reductions: many values to one, along any axes.

`axis` is None (all), an int or a tuple, negative ones from the end. `dtype`, `keepdims`, `initial`
(one more value that takes part) and `where` (a mask of the values that do) are NumPy's.
"""

from __future__ import annotations

from math import prod as product_of

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.core.op import general, implements, linear
from minigrad.core.reals import real
from minigrad.core.samples import case
from minigrad.ops.arithmetic import as_type, same
from minigrad.ops.cumulative import backwards, delayed
from minigrad.ops.operands import refuse_out, values
from minigrad.ops.softmax import log_total, softmax

cases = [
    case((2, 3)),
    case((2, 3), axis=0),
    case((2, 3, 2), axis=(0, -1), keepdims=True),
    case((), axis=None),
]


# --- axes: out of the way and back ----------------------------------------------------------


def axes_of(axis, ndim):
    """The reduced axes as a tuple of numbers from 0; `AxisError` for one that is not there."""
    if axis is None:
        return tuple(range(ndim))
    return normalize_axis_tuple(axis, ndim) if ndim else ()


def with_axes(g, x, axis, keepdims):
    """A reduction's result (or its cotangent) with the reduced axes back, of length 1."""
    if keepdims or x.ndim == 0:
        return g
    if axis is None:
        return g.reshape((1,) * x.ndim)
    return np.expand_dims(g, axes_of(axis, x.ndim))


def spread(g, x, axis, keepdims):
    """A reduction's cotangent, the same for every value that went into it."""
    return np.broadcast_to(with_axes(g, x, axis, keepdims), x.shape)


def number_reduced(x, axis):
    """How many values of `x` go into one of the result."""
    return product_of(x.shape[a] for a in axes_of(axis, x.ndim))


def axes_last(x, axis):
    """The reduced axes as one, the last. (..., n)"""
    axes = axes_of(axis, x.ndim)
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = (*[x.shape[a] for a in kept], number_reduced(x, axis))
    return np.transpose(x, (*kept, *axes)).reshape(shape)


def axes_restored(y, x, axis):
    """The inverse of `axes_last`, for what has one value for each of `x`. (..., n) -> x.shape"""
    axes = axes_of(axis, x.ndim)
    order = (*[a for a in range(x.ndim) if a not in axes], *axes)
    inverse = tuple(order.index(a) for a in range(x.ndim))
    return np.transpose(y.reshape(tuple(x.shape[a] for a in order)), inverse)


def taking_part(a, where, neutral):
    """The array with a neutral value where the mask `where` leaves one out."""
    return a if where is True else np.where(np.broadcast_to(values(where), np.shape(a)), a, neutral)


# --- sum and mean ---------------------------------------------------------------------------

total = linear(
    lambda x, *, axis=None, keepdims=False: np.add.reduce(x, axis, keepdims=keepdims),
    lambda g, z, x, *, axis, keepdims: spread(g, x, axis, keepdims),
    name="sum",
    samples=cases,
)
average_of_all = linear(
    lambda x, *, axis=None, keepdims=False: np.mean(x, axis, keepdims=keepdims),
    lambda g, z, x, *, axis, keepdims: spread(
        g / as_count(number_reduced(x, axis), g.dtype), x, axis, keepdims
    ),
    name="mean",
    samples=cases,
)
average_of_some = linear(
    lambda x, *, where, axis=None, keepdims=False: np.mean(x, axis, keepdims=keepdims, where=where),
    name="mean",
    samples=[
        case((2, 3), axis=1, where=np.array([[True], [True]])),
        case((2, 3), where=np.array([True, False, True])),
    ],
)


@average_of_some.adjoint
def _(g, z, x, *, where, axis, keepdims):
    share = g / number_taking_part(x, axis, keepdims, where)
    return np.where(np.broadcast_to(where, x.shape), spread(share, x, axis, keepdims), 0)


def as_count(number, dtype):
    """A count to divide by: in float32 beside float16, which ends at 65,504."""
    return np.float32(number) if dtype == np.float16 else number


@implements(np.sum, np.add.reduce)
def sum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The sum along `axis`; as `numpy.sum`.

    >>> import minigrad as mg
    >>> mg.sum(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.])
    """
    refuse_out("sum", out)
    a = taking_part(as_type(a, dtype), where, 0)
    z = total(a, axis=axis, keepdims=keepdims)
    return z if initial is None else z + initial


@implements(np.mean)
def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The arithmetic mean along `axis`; as `numpy.mean`.

    >>> import minigrad as mg
    >>> mg.mean(mg.Tensor([1.0, 3.0]))
    Tensor(2.)
    """
    refuse_out("mean", out)
    a = as_type(a, dtype)
    if where is True:
        return average_of_all(a, axis=axis, keepdims=keepdims)
    return average_of_some(a, axis=axis, keepdims=keepdims, where=own_mask(where))


def number_taking_part(a, axis, keepdims, where):
    """How many values go into each result: a number, or an array where there is a mask.

    It has the dtype of `a`, which it so keeps, unless that cannot hold it.
    """
    if where is True:
        return as_count(number_reduced(a, axis), a.dtype)
    mask = np.broadcast_to(values(where), np.shape(a))
    dtype = a.dtype if a.dtype.kind == "f" and a.dtype != np.float16 else np.float64
    return np.sum(mask, axis, keepdims=keepdims, dtype=np.int64).astype(dtype)


# --- extremes -------------------------------------------------------------------------------


def extreme(reduce):
    """The value of max or min, by the `reduce` of a ufunc."""

    def value(x, *, axis=None, keepdims=False, initial=None, where=True):
        also = {} if initial is None else {"initial": initial}
        return reduce(x, axis, keepdims=keepdims, where=where, **also)

    return value


def to_the_extreme(g, z, x, *, axis, keepdims, initial, where):
    """The vjp of max and min: the values equal to the result share its cotangent equally."""
    g, z = (with_axes(u, x, axis, keepdims) for u in (g, z))
    tied = same(x, z) & where  # one nan makes the result of max nan
    number = np.sum(tied, axis=axis, keepdims=True)
    if initial is not None:
        number = number + (z == initial)
    return g * (tied / np.maximum(number, 1))


cases_with_initial = [*cases, case((2, 3), axis=1, initial=0.1, where=np.array([[True], [False]]))]
largest = general(
    extreme(np.maximum.reduce), to_the_extreme, name="max", samples=cases_with_initial
)
smallest = general(
    extreme(np.minimum.reduce), to_the_extreme, name="min", samples=cases_with_initial
)

largest_present = general(
    extreme(np.fmax.reduce), to_the_extreme, name="nanmax", samples=cases_with_initial
)
smallest_present = general(
    extreme(np.fmin.reduce), to_the_extreme, name="nanmin", samples=cases_with_initial
)


@implements(np.max, np.amax, np.maximum.reduce)
def max(a, axis=None, out=None, keepdims=False, initial=None, where=True, *, dtype=None):
    """The largest value along `axis`; values that tie share its gradient equally. `numpy.max`.

    >>> import minigrad as mg
    >>> mg.grad(mg.max)(mg.Tensor([1.0, 3.0, 3.0]))
    Tensor([0. , 0.5, 0.5])
    """
    refuse_out("max", out)
    a = as_type(a, dtype)
    return largest(a, axis=axis, keepdims=keepdims, initial=initial, where=own_mask(where))


@implements(np.min, np.amin, np.minimum.reduce)
def min(a, axis=None, out=None, keepdims=False, initial=None, where=True, *, dtype=None):
    """The smallest value along `axis`; values that tie share its gradient equally. `numpy.min`.

    >>> import minigrad as mg
    >>> mg.min(mg.Tensor([[1.0, 3.0], [0.0, 5.0]]), axis=1)
    Tensor([1., 0.])
    """
    refuse_out("min", out)
    a = as_type(a, dtype)
    return smallest(a, axis=axis, keepdims=keepdims, initial=initial, where=own_mask(where))


def own_mask(where):
    """The mask as an array that nobody else writes to."""
    return where if where is True else values(where).copy()


@implements(np.ptp)
def ptp(a, axis=None, out=None, keepdims=False):
    """The distance from the smallest value to the largest along `axis`; as `numpy.ptp`.

    >>> import numpy as np, minigrad as mg
    >>> np.ptp(mg.Tensor([1.0, 5.0, 3.0]))
    Tensor(4.)
    """
    refuse_out("ptp", out)
    low = min(a, axis, keepdims=keepdims)
    missing = np.isnan(low)  # and so is the largest, which alone gets the gradient: 1 - 1 is 0
    return max(a, axis, keepdims=keepdims) - (np.where(missing, 0, low) if missing.any() else low)


# --- products -------------------------------------------------------------------------------


product = general(
    lambda x, *, axis=None, keepdims=False: np.multiply.reduce(x, axis, keepdims=keepdims),
    name="prod",
    samples=[*cases, case(np.array([[0.0, 2.0, 3.0], [0.0, -1.5, 0.0]]), axis=1)],
)


@product.vjp
def _(g, z, x, *, axis, keepdims):  # two running products, one from each end: no division by x
    y = axes_last(x, axis)  # (..., n)
    before = delayed(np.cumprod(y, -1), -1, 1)
    after = backwards(delayed(np.cumprod(backwards(y, -1), -1), -1, 1), -1)
    return with_axes(g, x, axis, keepdims) * axes_restored(before * after, x, axis)


@implements(np.prod, np.multiply.reduce)
def prod(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The product along `axis`, with the right derivatives where values are zero. `numpy.prod`.

    >>> import numpy as np, minigrad as mg
    >>> mg.grad(np.prod)(np.array([0.0, 2.0, 3.0]))
    array([6., 0., 0.])
    """
    refuse_out("prod", out)
    z = product(taking_part(as_type(a, dtype), where, 1), axis=axis, keepdims=keepdims)
    return z if initial is None else z * initial


# --- log-sum-exp ----------------------------------------------------------------------------


@implements(np.logaddexp.reduce)
@real("x")
@general
def logsumexp(x, axis=None, *, keepdims=False):
    """log(sum(exp(x))) along `axis`, without overflow; as `scipy.special.logsumexp`.

    A primitive for its stability: its derivative is the softmax, which exp(x - z) is not once
    log(n) is lost beside a large z. Where all values are -inf the result is -inf and the
    gradient 0.

    >>> import minigrad as mg
    >>> mg.logsumexp(mg.Tensor([1000.0, 1000.0]))
    Tensor(1000.69314718)
    """
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(over="ignore"):  # -1e308 - 1e308 is -inf: exp gives 0
        below = x - np.where(np.isfinite(top), top, 0)
        z = log_total(below, axis) + np.where(top == np.inf, 0, top)
    return z if keepdims else np.squeeze(z, axis)


@logsumexp.vjp
def _(g, z, x, *, axis, keepdims):
    return with_axes(g, x, axis, keepdims) * softmax(x, axis=axis)


logsumexp.op.samples = cases[:3]
