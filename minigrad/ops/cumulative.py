"""Running sums, products and extremes along one axis.

The derivative of a running product needs no division, so zeros do no harm to it: both it and that
of a running extreme are one linear recurrence, `carry`, which is its own kind of adjoint.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.core.op import general, implements, linear
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import as_type
from minigrad.ops.indexing import along
from minigrad.ops.operands import operand, refuse_out


def piece(x, axis, *bounds):
    """A slice of `x` along one axis, with the bounds of `slice`."""
    return x[along(normalize_axis_index(axis, x.ndim), slice(*bounds))]


def backwards(x, axis):
    """The values in the opposite order."""
    return piece(x, axis, None, None, -1)


def delayed(x, axis, first):
    """The values one place later, the last one dropped, behind the constant `first`."""
    ahead = np.full_like(piece(x, axis, 1), first)
    return np.concatenate([ahead, piece(x, axis, -1)], axis)


def flat_unless(axis, a):
    """The array and the axis to run along: all values as one axis if none is given."""
    a = operand(a)
    return (np.reshape(a, -1), 0) if axis is None or a.ndim == 0 else (a, axis)


# --- the recurrence -------------------------------------------------------------------------


def carry_value(a, b, *, axis, back):
    """One pass along the axis; all other axes at once. Nothing times infinity is nothing."""
    z = np.array(b, np.result_type(a, b))
    rates, sums = np.moveaxis(a, axis, 0), np.moveaxis(z, axis, 0)  # views
    finite = np.isfinite(rates).all()
    for i in range(1, len(sums)):
        place, before, rate = (-i - 1, -i, -i) if back else (i, i - 1, i)
        term = rates[rate] * sums[before]
        sums[place] += term if finite else np.where(sums[before] == 0, 0, term)
    return z


# z[i] = b[i] + a[i] z[i - 1], or from the end: z[i] = b[i] + a[i + 1] z[i + 1]; a[0] is not used.
# Each direction is the adjoint of the other, so the pair is closed under derivatives.
carry: Function = general(
    carry_value,
    name="carry",
    samples=[case((2, 4), (2, 4), axis=1, back=False), case((3, 2), (3, 2), axis=0, back=True)],
)


@carry.vjp
def _(g, z, a, b, *, axis, back):
    arrived = carry(a, g, axis=axis, back=not back)
    return z * delayed(arrived, axis, 0) if back else arrived * delayed(z, axis, 0)


@carry.vjp
def _(g, z, a, b, *, axis, back):
    return carry(a, g, axis=axis, back=not back)


# --- sums and products ----------------------------------------------------------------------

running_sum = linear(
    lambda x, *, axis: np.cumsum(x, axis),
    lambda g, z, x, *, axis: backwards(np.cumsum(backwards(g, axis), axis), axis),
    name="cumsum",
    samples=[case((2, 3), axis=1), case((2, 3, 2), axis=-2)],
)


@implements(np.cumsum, np.add.accumulate)
def cumsum(a, axis=None, dtype=None, out=None):
    """The running sum along `axis`, or of all values in order; as `numpy.cumsum`.

    >>> import numpy as np, minigrad as mg
    >>> np.cumsum(mg.Tensor([1.0, 2.0, 3.0]))
    Tensor([1., 3., 6.])
    """
    refuse_out("cumsum", out)
    a, axis = flat_unless(axis, as_type(a, dtype))
    return running_sum(a, axis=axis)


running_product = general(
    lambda x, *, axis: np.cumprod(x, axis),
    name="cumprod",
    samples=[case((2, 3), axis=1), case(np.array([[2.0, 0.0], [0.0, 3.0], [0.5, 0.0]]), axis=0)],
)


@running_product.vjp
def _(g, z, x, *, axis):  # x[i] is multiplied by all before it, then by each further one
    return delayed(z, axis, 1) * carry(x, g, axis=axis, back=True)


@implements(np.cumprod, np.multiply.accumulate)
def cumprod(a, axis=None, dtype=None, out=None):
    """The running product along `axis`, or of all values in order; as `numpy.cumprod`.

    Derivatives of every order are right where values are zero. Their cost is one pass in Python
    along the axis.

    >>> import numpy as np, minigrad as mg
    >>> np.cumprod(mg.Tensor([2.0, 3.0, 4.0]))
    Tensor([ 2.,  6., 24.])
    """
    refuse_out("cumprod", out)
    a, axis = flat_unless(axis, as_type(a, dtype))
    return running_product(a, axis=axis)


# --- the array API's names, which NumPy has since 2.1 -----------------------------------------


def cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """`cumsum` along an axis, which only an array of one axis may leave out; as
    `numpy.cumulative_sum`. With `include_initial`, the 0 that the sums start from comes first.

    >>> import numpy as np, minigrad as mg
    >>> np.cumulative_sum(mg.Tensor([1.0, 2.0]), include_initial=True)
    Tensor([0., 1., 3.])
    """
    axis = only_axis(x, axis)
    return with_initial(cumsum(x, axis, dtype, out), axis, 0, include_initial)


def cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """`cumprod` along an axis, which only an array of one axis may leave out; as
    `numpy.cumulative_prod`. With `include_initial`, the 1 that the products start from comes first.

    >>> import numpy as np, minigrad as mg
    >>> np.cumulative_prod(mg.Tensor([2.0, 3.0]), include_initial=True)
    Tensor([1., 2., 6.])
    """
    axis = only_axis(x, axis)
    return with_initial(cumprod(x, axis, dtype, out), axis, 1, include_initial)


if hasattr(np, "cumulative_sum"):
    implements(np.cumulative_sum)(cumulative_sum)
    implements(np.cumulative_prod)(cumulative_prod)


def only_axis(x, axis):
    """The axis to run along, if there is no choice."""
    if axis is None and x.ndim != 1:
        raise ShapeError(f"axis must be given for an array of {x.ndim} axes, shape {x.shape}.")
    return 0 if axis is None else axis


def with_initial(z, axis, initial, included):
    """The running results behind the value that they start from, if that is wanted."""
    return np.concatenate([np.full_like(piece(z, axis, 1), initial), z], axis) if included else z


# --- extremes -------------------------------------------------------------------------------


def to_running_extreme(g, z, x, *, axis):
    """The vjp of the running extremes: each result's cotangent goes to the values equal to it, in
    equal shares.
    """
    before = delayed(z, axis, 0)
    dtype = np.result_type(z.dtype, np.float32)  # of counts
    same = ((z == before) | ((z != z) & (before != before))).astype(dtype)  # no new extreme
    piece(same, axis, 1)[...] = 0
    tied = ((x == z) | (x != x)).astype(dtype)  # a nan is the extreme of all that follows
    number = carry(same, tied, axis=axis, back=False)
    return tied * carry(same, g / number, axis=axis, back=True)


running_max = general(
    lambda x, *, axis: np.maximum.accumulate(x, axis),
    to_running_extreme,
    name="maximum.accumulate",
    samples=[case((2, 4), axis=1), case((5, 2), axis=0)],
)
running_min = general(
    lambda x, *, axis: np.minimum.accumulate(x, axis),
    to_running_extreme,
    name="minimum.accumulate",
    samples=[case((2, 4), axis=1), case((5, 2), axis=0)],
)


@implements(np.maximum.accumulate)
def cummax(a, axis=0, dtype=None, out=None):
    """The running maximum along `axis`; values that tie share equally. `numpy.maximum.accumulate`.

    >>> import numpy as np, minigrad as mg
    >>> np.maximum.accumulate(mg.Tensor([1.0, 3.0, 2.0]))
    Tensor([1., 3., 3.])
    """
    refuse_out("maximum.accumulate", out)
    return running_max(as_type(a, dtype), axis=axis)


@implements(np.minimum.accumulate)
def cummin(a, axis=0, dtype=None, out=None):
    """The running minimum along `axis`; values that tie share equally. `numpy.minimum.accumulate`.

    >>> import numpy as np, minigrad as mg
    >>> np.minimum.accumulate(mg.Tensor([3.0, 1.0, 2.0]))
    Tensor([3., 1., 1.])
    """
    refuse_out("minimum.accumulate", out)
    return running_min(as_type(a, dtype), axis=axis)
