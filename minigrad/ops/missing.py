"""Reductions that leave out nan, as values that are missing: they have no gradient."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements
from minigrad.core.reals import real
from minigrad.ops.arithmetic import as_type
from minigrad.ops.cumulative import cumprod, cumsum
from minigrad.ops.operands import operand, refuse_out, values
from minigrad.ops.reductions import (
    axes_last,
    largest_present,
    mean,
    own_mask,
    prod,
    smallest_present,
    sum,
)
from minigrad.ops.shaping import reshape
from minigrad.ops.statistics import as_floats, between, quantiles_first, refuse_weights, std, var


def present(a, where=True):
    """The mask of the values that are there and take part."""
    return ~np.isnan(a) & values(where)


@implements(np.nansum)
def nansum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The sum of the values that are not nan; as `numpy.nansum`.

    >>> import numpy as np, minigrad as mg
    >>> mg.grad(np.nansum)(np.array([1.0, np.nan]))
    array([1., 0.])
    """
    return sum(a, axis, dtype, out, keepdims, initial, where=present(a, where))


@implements(np.nanprod)
def nanprod(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The product of the values that are not nan; as `numpy.nanprod`.

    >>> import numpy as np, minigrad as mg
    >>> mg.grad(np.nanprod)(np.array([2.0, np.nan, 3.0]))
    array([3., 0., 2.])
    """
    return prod(a, axis, dtype, out, keepdims, initial, where=present(a, where))


@implements(np.nanmean)
def nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The mean of the values that are not nan; nan if there are none. As `numpy.nanmean`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanmean(mg.Tensor([1.0, np.nan, 2.0]))
    Tensor(1.5)
    """
    return mean(a, axis, dtype, out, keepdims, where=present(a, where))


@implements(np.nanvar)
@real("a")
def nanvar(
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
    """The variance of the values that are not nan; as `numpy.nanvar`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanvar(mg.Tensor([1.0, np.nan, 3.0]))
    Tensor(1.)
    """
    also = {"mean": mean, "correction": correction, "where": present(a, where)}
    return var(a, axis, dtype, out, ddof, keepdims, **also)


@implements(np.nanstd)
@real("a")
def nanstd(
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
    """The standard deviation of the values that are not nan; as `numpy.nanstd`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanstd(mg.Tensor([1.0, np.nan, 5.0]))
    Tensor(2.)
    """
    also = {"mean": mean, "correction": correction, "where": present(a, where)}
    return std(a, axis, dtype, out, ddof, keepdims, **also)


@implements(np.nanmax)
def nanmax(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    """The largest of the values that are not nan; nan if there are none. As `numpy.nanmax`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanmax(mg.Tensor([[1.0, np.nan], [np.nan, np.nan]]), axis=1)
    Tensor([ 1., nan])
    """
    return extreme_present(largest_present, a, axis, out, keepdims, initial, where)


@implements(np.nanmin)
def nanmin(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    """The smallest of the values that are not nan; nan if there are none. As `numpy.nanmin`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanmin(mg.Tensor([2.0, np.nan, 1.0]))
    Tensor(1.)
    """
    return extreme_present(smallest_present, a, axis, out, keepdims, initial, where)


def extreme_present(extreme, a, axis, out, keepdims, initial, where):
    """The extreme of what is there, nan and no gradient where that is nothing."""
    refuse_out("nanmax", out)
    also = {"axis": axis, "keepdims": keepdims, "initial": initial, "where": own_mask(where)}
    return extreme(operand(a), **also)


@implements(np.nancumsum)
def nancumsum(a, axis=None, dtype=None, out=None):
    """The running sum with 0 in place of nan; as `numpy.nancumsum`.

    >>> import numpy as np, minigrad as mg
    >>> np.nancumsum(mg.Tensor([1.0, np.nan, 2.0]))
    Tensor([1., 1., 3.])
    """
    return cumsum(np.where(np.isnan(a), 0, as_type(a, dtype)), axis, None, out)


@implements(np.nancumprod)
def nancumprod(a, axis=None, dtype=None, out=None):
    """The running product with 1 in place of nan; as `numpy.nancumprod`.

    >>> import numpy as np, minigrad as mg
    >>> np.nancumprod(mg.Tensor([3.0, np.nan, 2.0]))
    Tensor([3., 3., 6.])
    """
    return cumprod(np.where(np.isnan(a), 1, as_type(a, dtype)), axis, None, out)


# --- order statistics -----------------------------------------------------------------------


@implements(np.nanmedian)
def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The median of the values that are not nan; as `numpy.nanmedian`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanmedian(mg.Tensor([[1.0, 9.0, 2.0], [np.nan, 9.0, 2.0]]), axis=1)
    Tensor([2. , 5.5])
    """
    return nanquantile(a, 0.5, axis, out, keepdims=keepdims)


@implements(np.nanquantile)
def nanquantile(
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
    """The quantiles of the values that are not nan, nan if there are none. `numpy.nanquantile`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanquantile(mg.Tensor([1.0, np.nan, 2.0]), [0.5, 1.0])
    Tensor([1.5, 2. ])
    """
    refuse_out("nanquantile", out)
    refuse_weights(weights)
    a, q = as_floats(a), values(q) if not isinstance(q, int | float) else q
    s = np.sort(axes_last(a, axis), axis=-1)  # (..., n), nan last
    ranks = np.where(np.isnan(s), np.nan, np.arange(s.shape[-1]))
    places = np.nanquantile(ranks, q, axis=-1, method=method)  # (*q.shape, ...)
    number = np.ndim(q)
    shape = (*places.shape[number:], *places.shape[:number])
    places = np.moveaxis(places.reshape(-1, *shape[: s.ndim - 1]), 0, -1)  # (..., q.size)
    none = np.isnan(places)
    places = np.where(none, 0, places)
    low, high = np.floor(places).astype(int), np.ceil(places).astype(int)
    below, above = (np.take_along_axis(s, i, -1) for i in (low, high))
    z = np.where(none, np.nan, between(below, above, places - low, q))
    return quantiles_first(reshape(z, shape), number, a, axis, keepdims)


@implements(np.nanpercentile)
def nanpercentile(
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
    """`nanquantile` with `q` in percent, 0 to 100; as `numpy.nanpercentile`.

    >>> import numpy as np, minigrad as mg
    >>> np.nanpercentile(mg.Tensor([1.0, np.nan, 2.0]), 50)
    Tensor(1.5)
    """
    q = q / 100 if isinstance(q, int | float) else values(q) / 100
    return nanquantile(a, q, axis, out, overwrite_input, method, keepdims, weights=weights)
