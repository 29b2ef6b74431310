"""Running sums, products and extremes along one axis.

The derivative of a running product needs no division, so zeros do no harm to it: both it and that
of a running extreme are one linear recurrence, `carry`, which is its own kind of adjoint.
"""

from __future__ import annotations

import numpy as np

from minigrad.core.op import Function, general, implements, linear
from minigrad.core.samples import case
from minigrad.ops.arithmetic import as_type
from minigrad.ops.operands import operand, refuse_out


def along(axis, part, x):
    """The index of a part of `x` along one axis."""
    return (slice(None),) * (axis % x.ndim) + (part,)


def backwards(x, axis):
    """The values in the opposite order."""
    return x[along(axis, slice(None, None, -1), x)]


def delayed(x, axis, first):
    """The values one place later, the last one dropped, behind the constant `first`."""
    ahead = np.full_like(x[along(axis, slice(1), x)], first)
    return np.concatenate([ahead, x[along(axis, slice(-1), x)]], axis)


def flat_unless(axis, a):
    """The array and the axis to run along: all values as one axis if none is given."""
    a = operand(a)
    return (np.reshape(a, -1), 0) if axis is None or a.ndim == 0 else (a, axis)


# --- the recurrence -------------------------------------------------------------------------


def carry_value(a, b, *, axis, back):
    """One pass along the axis; all other axes at once."""
    z = np.array(b, np.result_type(a, b))
    rates, sums = np.moveaxis(a, axis, 0), np.moveaxis(z, axis, 0)  # views
    for i in range(1, len(sums)):
        if back:
            sums[-i - 1] += rates[-i] * sums[-i]
        else:
            sums[i] += rates[i] * sums[i - 1]
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


# --- extremes -------------------------------------------------------------------------------


def to_running_extreme(g, z, x, *, axis):
    """The vjp of the running extremes: each result's cotangent goes to the values equal to it, in
    equal shares.
    """
    before = delayed(z, axis, 0)
    same = ((z == before) | ((z != z) & (before != before))).astype(z.dtype)  # no new extreme
    same[along(axis, slice(1), z)] = 0
    tied = ((x == z) | (x != x)).astype(z.dtype)  # a nan is the extreme of all that follows
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
