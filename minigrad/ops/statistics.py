"""Statistics along any axes: variance and standard deviation, averages, order statistics."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import elementwise, implements, linear
from minigrad.core.reals import real
from minigrad.core.samples import case, positive
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import as_type, divisor, square
from minigrad.ops.operands import operand, refuse_out, values
from minigrad.ops.reductions import (
    axes_last,
    axes_of,
    mean,
    number_reduced,
    number_taking_part,
    own_mask,
    sum,
)

mean_of = mean  # where a parameter is called mean


def as_floats(a, dtype=None):
    """The array in the type asked for, or as it is if that is floating-point, else in float64."""
    a = operand(a)
    return as_type(a, np.float64 if dtype is None and a.dtype.kind != "f" else dtype)


# --- variance -------------------------------------------------------------------------------


@linear
def centred(x, *, axis=None, where=True):
    """The values less their mean along `axis`; 0 where the mask leaves one out.

    A primitive for its exactness: one of the values is taken off before the mean is, so that
    equal values give exactly 0. The map is a projection, and so is its own adjoint.
    """
    with np.errstate(invalid="ignore"):  # inf - inf is nan
        shift = np.maximum.reduce(x, axis, keepdims=True, initial=-np.inf, where=where)
        x = x - np.where(np.isfinite(shift), shift, 0)
        x = x - np.mean(x, axis, keepdims=True, where=where)
    return x if where is True else np.where(where, x, 0)


centred.adjoint(lambda g, z, x, *, axis, where: centred(g, axis=axis, where=where))
centred.op.samples = [
    case((2, 3)),
    case((2, 3, 2), axis=(0, -1)),
    case((2, 3), axis=1, where=np.array([True, False, True])),
]


@implements(np.var)
@real("a")
def var(
    a,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=False,
    *,
    where=True,
    mean=None,
    correction=None,
):
    """The variance along `axis`: squared distances from the mean, summed, over n - ddof.

    The gradient is exactly 0 where all values are equal. `correction` is another name of `ddof`;
    a `mean` that is known already must have the reduced axes, of length 1. As `numpy.var`.

    >>> import numpy as np, minigrad as mg
    >>> np.var(mg.Tensor([1.0, 2.0, 3.0]), ddof=1)
    Tensor(1.)
    """
    refuse_out("var", out)
    if correction is not None and ddof != 0:
        raise ValueError("var: ddof and correction are the same number; give one of them.")
    a, where = as_floats(a, dtype), own_mask(where)
    if mean is None:
        distances = centred(a, axis=axis, where=where)
    else:
        distances = a - mean if where is True else np.where(where, a - mean, 0)
    number = number_taking_part(a, axis, keepdims, where)
    freedom = number - (ddof if correction is None else correction)
    freedom = max(freedom, 0) if where is True else np.maximum(freedom, 0)
    return sum(square(distances), axis, keepdims=keepdims) / freedom


@implements(np.std)
@real("a")
def std(
    a,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=False,
    *,
    where=True,
    mean=None,
    correction=None,
):
    """The standard deviation along `axis`, the root of `var`; where it is 0, so is the gradient.

    As `numpy.std`.

    >>> import numpy as np, minigrad as mg
    >>> mg.value_and_grad(np.std)(np.array([2.0, 2.0, 2.0]))
    (np.float64(0.0), array([0., 0., 0.]))
    """
    refuse_out("std", out)
    also = {"where": where, "mean": mean, "correction": correction}
    return root(var(a, axis, dtype, None, ddof, keepdims, **also))


root = elementwise(  # its derivative at 0 is taken as 0, unlike that of np.sqrt
    lambda x: np.sqrt(x),
    lambda z, x: 0.5 / divisor(z),
    name="sqrt",
    samples=positive,
)

# --- averages -------------------------------------------------------------------------------


@implements(np.average)
@real("a")
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """The weighted mean along `axis`: sum(a * weights) / sum(weights); as `numpy.average`.

    `weights` has the shape of `a`, or that of the reduced axes. With `returned`, the sum of the
    weights comes as well. Raises `ZeroDivisionError` where the weights sum to 0.

    >>> import numpy as np, minigrad as mg
    >>> np.average(mg.Tensor([1.0, 5.0]), weights=[3.0, 1.0])
    Tensor(2.)
    """
    a = operand(a)
    if weights is None:
        z = mean(a, axis, keepdims=keepdims)
        return (z, np.full(z.shape, number_reduced(a, axis), z.dtype)) if returned else z
    weights = operand(weights)
    if weights.dtype == np.float16:  # their sum, too, takes more than float16
        weights = as_type(weights, np.float32)
    weights = spread_over(a, axis, weights)
    scale = sum(weights, axis, keepdims=keepdims)
    if np.any(scale == 0):
        raise ZeroDivisionError("average: the weights sum to zero, so they cannot be normalised.")
    z = sum(a * weights, axis, keepdims=keepdims) / scale
    return (z, np.broadcast_to(scale, z.shape)) if returned else z


def spread_over(a, axis, weights):
    """Weights that broadcast with `a`, given ones for each value, or for the reduced axes alone."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError(
            f"average: values of shape {a.shape} and weights of shape {weights.shape} differ, so "
            f"axis must say which axes the weights belong to."
        )
    axes = axes_of(axis, a.ndim)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ShapeError(
            f"average: weights of shape {weights.shape} fit neither the values, {a.shape}, nor "
            f"their axes {axes}."
        )
    weights = np.transpose(weights, tuple(int(i) for i in np.argsort(axes)))
    return np.reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))


# --- order statistics -----------------------------------------------------------------------


@implements(np.median)
def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle value along `axis`, or the mean of the two; ties share equally. `numpy.median`.

    >>> import numpy as np, minigrad as mg
    >>> mg.grad(np.median)(np.array([5.0, 1.0, 3.0, 2.0]))
    array([0. , 0. , 0.5, 0.5])
    """
    refuse_out("median", out)
    return quantile(a, 0.5, axis, keepdims=keepdims)


@implements(np.quantile)
def quantile(
    a,
    q,
    axis=None,
    out=None,
    overwrite_input=False,  # leave to do so, which a tensor never makes use of
    method="linear",
    keepdims=False,
    *,
    weights=None,
):
    """The value below which the fraction `q` of the values lies; as `numpy.quantile`.

    All of NumPy's methods: each mixes two neighbours in sorted order, and values that tie share
    their gradient equally. `q` has none. With an array of them, its axes come first.

    Raises `TypeError` for `weights`, which have no rule.

    >>> import numpy as np, minigrad as mg
    >>> np.quantile(mg.Tensor([1.0, 2.0, 3.0, 5.0]), [0.5, 1.0])
    Tensor([2.5, 5. ])
    """
    refuse_out("quantile", out)
    refuse_weights(weights)
    a, q = as_floats(a), values(q) if not isinstance(q, int | float) else q
    number = number_reduced(a, axis)
    places = np.quantile(np.arange(number, dtype=float), q, method=method)
    s = np.sort(axes_last(a, axis), axis=-1)  # (..., n)
    low = np.floor(places).astype(int)
    below, above = s[..., low], s[..., np.ceil(places).astype(int)]  # (..., *q.shape)
    z = between(below, above, places - low, q)
    missing = np.isnan(s[..., -1])  # sorted last
    if missing.any():
        z = np.where(expanded(missing, low), expanded(s[..., -1], low), z)
    return quantiles_first(z, low.ndim, a, axis, keepdims)


def expanded(x, places):
    """x with an axis of length 1 behind for each one of `places`."""
    return np.reshape(x, x.shape + (1,) * places.ndim)


def between(below, above, rest, q):
    """The point a fraction `rest` of the way; a number `q` keeps the dtype, as in NumPy."""
    dtype = below.dtype if isinstance(q, int | float) else np.result_type(below.dtype, q)
    return below + (above - below) * rest.astype(dtype) if rest.any() else below


def quantiles_first(z, number, a, axis, keepdims):
    """The last `number` axes of `z` first, and the reduced ones back if they are to be kept."""
    kept = z.ndim - number
    z = np.transpose(z, (*range(kept, z.ndim), *range(kept)))
    if not keepdims:
        return z
    axes = axes_of(axis, a.ndim)
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    return np.reshape(z, z.shape[:number] + shape)


def refuse_weights(weights):
    """Raise `TypeError` for weighted quantiles."""
    if weights is not None:
        raise TypeError("quantiles of tensors take no weights=: they have no derivative rule.")


@implements(np.percentile)
def percentile(
    a,
    q,
    axis=None,
    out=None,
    overwrite_input=False,
    method="linear",
    keepdims=False,
    *,
    weights=None,
):
    """`quantile` with `q` in percent, 0 to 100; as `numpy.percentile`.

    >>> import numpy as np, minigrad as mg
    >>> np.percentile(mg.Tensor([1.0, 2.0, 3.0]), 25)
    Tensor(1.5)
    """
    q = q / 100 if isinstance(q, int | float) else values(q) / 100
    return quantile(a, q, axis, out, overwrite_input, method, keepdims, weights=weights)
