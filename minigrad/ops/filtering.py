"""Sequences: discrete convolution, correlation, and interpolation between points."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements, linear
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import as_type, where
from minigrad.ops.indexing import getitem
from minigrad.ops.joining import concatenate
from minigrad.ops.operands import operand, plain
from minigrad.ops.shaping import atleast_1d, broadcast_to

# --- convolution ----------------------------------------------------------------------------


def part_of_full(g, y, size):
    """The adjoint of the full convolution with `y`: that with `y` reversed, without its ends."""
    return full_convolution(g, y[::-1])[len(y) - 1 :][:size]


full_convolution: Function = linear(
    lambda x, y: np.convolve(x, y),
    lambda g, z, x, y: part_of_full(g, y, len(x)),
    lambda g, z, x, y: part_of_full(g, x, len(y)),
    name="convolve",
    samples=[case((4,), (3,)), case((2,), (5,))],
)


@implements(np.convolve)
def convolve(a, v, mode="full"):
    """The sums of a[i] * v[k - i]: each value of `v` shifts and scales `a`. As `numpy.convolve`.

    With n and m values, mode "full" gives all n + m - 1, "same" the middle max(n, m), and "valid"
    those where both overlap wholly. Raises `ShapeError` unless both have one axis.

    >>> import numpy as np, minigrad as mg
    >>> np.convolve(mg.Tensor([1.0, 2.0, 3.0]), [1.0, -1.0])
    Tensor([ 1.,  1.,  1., -3.])
    """
    a, v = sequences("convolve", a, v)
    z = full_convolution(a, v)
    short, long = sorted((len(a), len(v)))
    if mode == "full":
        return z
    if mode == "same":
        return z[(short - 1) // 2 :][:long]
    if mode == "valid":
        return z[short - 1 : long]
    raise ValueError(f'the mode is "full", "same" or "valid"; got {mode!r}.')


@implements(np.correlate)
def correlate(a, v, mode="valid"):
    """The sums of a[i + k] * v[i]: how alike they are at each shift. As `numpy.correlate`.

    The modes are those of `convolve`, of which it is one with `v` reversed.
    """
    a, v = sequences("correlate", a, v)
    if len(v) > len(a):
        return correlate(v, a, mode)[::-1]
    return convolve(a, v[::-1], mode)


def sequences(name, *arrays):
    """The arrays, a number as one of length 1, after the checks."""
    arrays = [atleast_1d(a) for a in arrays]
    if any(a.ndim != 1 or not a.size for a in arrays):
        shapes = " and ".join(str(a.shape) for a in arrays)
        raise ShapeError(f"{name}: takes two sequences, (n,) and (m,), not empty; got {shapes}.")
    return arrays


# --- interpolation --------------------------------------------------------------------------


@implements(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    """The height at `x` of the straight lines through the points (xp, fp). As `numpy.interp`.

    Left and right of the points it is `left` and `right`, by default the height of the first and
    of the last. It has derivatives in the heights, in `x` and in `xp`; at a point that in `x` is
    the slope to its right, at the last one to its left. Raises `ShapeError` unless xp and fp have
    one axis, equally long. The result is float64, whatever is given.

    >>> import numpy as np, minigrad as mg
    >>> np.interp([0.5, 9.0], [0.0, 1.0, 2.0], mg.Tensor([0.0, 10.0, 40.0]))
    Tensor([ 5., 40.])
    """
    x, xp, fp = (as_type(operand(a), np.float64) for a in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(
            f"interp: takes points (n,) and heights (n,), one or more; got shapes {xp.shape} and "
            f"{fp.shape}."
        )
    if period is not None:
        x, xp, fp = one_period(x, xp, fp, period)
        left = right = None
    first, last = plain(xp)[0], plain(xp)[-1]
    low, high = plain(x) < first, plain(x) > last
    if len(xp) == 1:
        inside = broadcast_to(fp[0], x.shape)
    else:
        x = where(low | high, first, x)  # harmless: what is outside is not used
        i = np.clip(np.searchsorted(plain(xp), plain(x), side="right") - 1, 0, len(xp) - 2)
        start = getitem(xp, i)
        slope = (getitem(fp, i + 1) - getitem(fp, i)) / (getitem(xp, i + 1) - start)
        inside = slope * (x - start) + getitem(fp, i)
    below = fp[0] if left is None else left
    above = fp[-1] if right is None else right
    return where(low, below, where(high, above, inside))


def one_period(x, xp, fp, period):
    """Everything within one period, the points in order and closed at both ends."""
    if period == 0:
        raise ValueError("interp: the period must not be 0.")
    period = abs(period)
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = np.argsort(plain(xp))
    xp, fp = getitem(xp, order), getitem(fp, order)
    xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, concatenate([fp[-1:], fp, fp[:1]])
