"""Selecting: values by position, by condition or by bounds.

All of it is indexing, `where`, `maximum` and `minimum`; positions and conditions are plain data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.node import meet
from minigrad.core.op import implements
from minigrad.errors import ShapeError
from minigrad.ops.arithmetic import as_type, maximum, minimum, where
from minigrad.ops.indexing import along, getitem
from minigrad.ops.joining import stack
from minigrad.ops.operands import operand, plain, refuse_out, values
from minigrad.ops.shaping import broadcast_to, ravel

# --- by position ----------------------------------------------------------------------------


def in_range(indices, size, mode):
    """The indices as `mode` wants those beyond the end: "raise" (later), "wrap" or "clip"."""
    indices = values(plain(indices))
    if indices.dtype == bool:
        indices = indices.astype(np.intp)  # as an index it would be a mask
    if mode == "wrap":
        return indices % size
    if mode == "clip":
        return np.clip(indices, 0, size - 1)
    if mode != "raise":
        raise ValueError(f'mode is "raise", "wrap" or "clip"; got {mode!r}.')
    return indices


@implements(np.take)
def take(a, indices, axis=None, out=None, mode="raise"):
    """The values at `indices` along an axis, or of all values if it is None. As `numpy.take`.

    Raises `IndexError` for an index beyond the end, unless `mode` is "wrap" or "clip".

    >>> import numpy as np, minigrad as mg
    >>> np.take(mg.Tensor([1.0, 2.0, 3.0]), [2, 0, 2])
    Tensor([3., 1., 3.])
    """
    refuse_out("take", out)
    a = operand(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    return getitem(a, along(axis, in_range(indices, a.shape[axis], mode)))


@implements(np.take_along_axis)
def take_along_axis(arr, indices, axis=-1):
    """The values at `indices`, which has an index for each place of the result along `axis`.

    As `numpy.take_along_axis`, and so what `argsort` and its kin return can be applied. Raises
    `ShapeError` unless the two have the same number of axes.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([[3.0, 1.0, 2.0]])
    >>> np.take_along_axis(x, np.argsort(x), axis=-1)
    Tensor([[1., 2., 3.]])
    """
    arr, indices = operand(arr), values(plain(indices))
    if axis is None:
        arr, axis = ravel(arr), 0
    if arr.ndim != indices.ndim:
        raise ShapeError(
            f"take_along_axis: indices must have as many axes as the array; got shapes "
            f"{indices.shape} and {arr.shape}."
        )
    axis = np.lib.array_utils.normalize_axis_index(axis, arr.ndim)
    index = [
        np.arange(n).reshape((-1,) + (1,) * (arr.ndim - 1 - i)) for i, n in enumerate(arr.shape)
    ]
    index[axis] = indices
    return getitem(arr, tuple(index))


@implements(np.delete)
def delete(arr, obj, axis=None):
    """The array without the places `obj` along an axis, or of all values. As `numpy.delete`.

    >>> import numpy as np, minigrad as mg
    >>> np.delete(mg.Tensor([1.0, 2.0, 3.0]), 1)
    Tensor([1., 3.])
    """
    arr = operand(arr)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, arr.ndim)
    return getitem(arr, along(axis, np.delete(np.arange(arr.shape[axis]), plain(obj))))


@implements(np.resize)
def resize(a, new_shape):
    """All values, in order and from the start again, until `new_shape` is full.

    As `numpy.resize`. Raises `ShapeError` where there is no value to fill it with.
    """
    a = ravel(operand(a))
    if not a.size:
        raise ShapeError(f"resize: there is no value to fill the shape {new_shape} with.")
    return getitem(a, np.resize(np.arange(a.size), new_shape))


@implements(np.choose)
def choose(a, choices, out=None, mode="raise"):
    """At each place the value of the choice that `a` names there, all broadcast together.

    As `numpy.choose`. Raises `ValueError` for a number without a choice, unless `mode` is "wrap"
    or "clip".

    >>> import numpy as np, minigrad as mg
    >>> np.choose([0, 1], [mg.Tensor([1.0, 2.0]), mg.Tensor([10.0, 20.0])])
    Tensor([ 1., 20.])
    """
    refuse_out("choose", out)
    choices = [operand(choice) for choice in choices]
    number = in_range(a, len(choices), mode)
    if np.any((number < 0) | (number >= len(choices))):
        raise ValueError(
            f"choose: there are {len(choices)} choices, numbered from 0; the numbers given reach "
            f"from {number.min()} to {number.max()}."
        )
    meet("choose", [number, *map(plain, choices)])
    shape = np.broadcast_shapes(number.shape, *[choice.shape for choice in choices])
    number = np.broadcast_to(number, shape)
    together = stack([broadcast_to(choice, shape) for choice in choices])
    return take_along_axis(together, number[None], 0)[0]


# --- by condition ---------------------------------------------------------------------------


@implements(np.compress)
def compress(condition, a, axis=None, out=None):
    """The values, or the slices along an axis, where the condition holds. As `numpy.compress`."""
    refuse_out("compress", out)
    condition = values(plain(condition))
    if condition.ndim != 1:
        raise ShapeError(f"compress: the condition has one axis; got shape {condition.shape}.")
    return take(a, np.flatnonzero(condition), axis)


@implements(np.extract)
def extract(condition, arr):
    """The values where the condition holds, along one axis. As `numpy.extract`."""
    return take(arr, np.flatnonzero(values(plain(condition))))


@implements(np.select)
def select(condlist, choicelist, default=0):
    """At each place the choice of the first condition that holds there, else the default.

    As `numpy.select`. Raises `ValueError` unless there is a choice for each condition.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([-2.0, 0.5, 3.0])
    >>> np.select([x < 0, x < 1], [-x, x**2], 1.0)
    Tensor([2.  , 0.25, 1.  ])
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"select: takes one choice for each condition, and one or more; got "
            f"{len(condlist)} conditions and {len(choicelist)} choices."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        condition = operand(condition)
        if condition.dtype != bool:
            raise TypeError(f"select: conditions are booleans; got {condition.dtype}.")
        result = where(condition, choice, result)
    return result


# --- by bounds ------------------------------------------------------------------------------

UNSAID: Any = object()


@implements(np.clip)
def clip(a, a_min=UNSAID, a_max=UNSAID, out=None, *, min=UNSAID, max=UNSAID):
    """The values cut off below `a_min` and above `a_max`; None, or nothing, is no bound.

    As `numpy.clip`: minimum(maximum(a, a_min), a_max). So a value that is equal to a bound
    shares its gradient with it, half and half.

    >>> import numpy as np, minigrad as mg
    >>> np.clip(mg.Tensor([-2.0, 0.5, 3.0]), -1, 1)
    Tensor([-1. ,  0.5,  1. ])
    """
    refuse_out("clip", out)
    low, high = only_one("min", a_min, min), only_one("max", a_max, max)
    a = operand(a)
    if low is not None:
        a = maximum(a, low)
    return a if high is None else minimum(a, high)


def only_one(name, old, new):
    """A bound under its two names, of which one may be used; None if neither is."""
    if old is not UNSAID and new is not UNSAID:
        raise ValueError(f"clip: a_{name} and {name} are the same bound; give one of them.")
    return next((bound for bound in (old, new) if bound is not UNSAID), None)


@implements(np.nan_to_num)
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """The values with nan, inf and -inf replaced; those places have the gradient 0.

    The defaults are 0, and the largest and smallest finite number. As `numpy.nan_to_num`, but
    always a copy.

    >>> import numpy as np, minigrad as mg
    >>> np.nan_to_num(mg.Tensor([1.0, np.nan, -np.inf]), neginf=-9.0)
    Tensor([ 1.,  0., -9.])
    """
    if not copy:
        raise TypeError("np.nan_to_num of tensors takes no copy=False: it would write over them.")
    x = operand(x)
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    z = where(np.isnan(x), nan, x)
    z = where(np.isposinf(x), limits.max if posinf is None else posinf, z)
    z = where(np.isneginf(x), limits.min if neginf is None else neginf, z)
    return z if z.dtype == x.dtype else as_type(z, x.dtype)
