"""Padding: a border around an array, in every mode of `numpy.pad` that has a derivative."""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.core.op import general, implements
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.indexing import along, getitem
from minigrad.ops.joining import concatenate
from minigrad.ops.operands import of_all_pairs, operand, values
from minigrad.ops.products import tensordot
from minigrad.ops.shaping import broadcast_to, moveaxis

OPTIONS = {  # of each mode, with NumPy's defaults
    "constant": {"constant_values": 0},
    "edge": {},
    "wrap": {},
    "reflect": {"reflect_type": "even"},
    "symmetric": {"reflect_type": "even"},
    "linear_ramp": {"end_values": 0},
    "maximum": {"stat_length": None},
    "minimum": {"stat_length": None},
    "mean": {"stat_length": None},
    "median": {"stat_length": None},
}


@implements(np.pad)
def pad(array, pad_width, mode="constant", **options):
    """A border around `array`, `pad_width` wide, made of what `mode` says. As `numpy.pad`.

    All modes but "empty", whose border is not determined, and functions. Raises `ValueError` for
    another mode, `TypeError` for an option that the mode does not have.

    >>> import minigrad as mg
    >>> mg.pad(mg.Tensor([1.0, 2.0]), 1)
    Tensor([0., 1., 2., 0.])
    >>> mg.pad(mg.Tensor([1.0, 2.0]), 1, mode="edge")
    Tensor([1., 1., 2., 2.])
    """
    array = operand(array)
    if not isinstance(mode, str) or mode not in OPTIONS:
        raise ValueError(
            f"pad: mode {mode!r} has no derivative; modes that have are {', '.join(OPTIONS)}."
        )
    unknown = options.keys() - OPTIONS[mode]
    if unknown:
        raise TypeError(f"pad: mode {mode!r} takes no {', '.join(sorted(unknown))}=.")
    width = in_pairs("pad_width", pad_width, array.ndim)
    options = OPTIONS[mode] | options
    if mode == "constant":
        return pad_constant(array, pad_width=width, **options)
    for axis, (before, after) in enumerate(width):
        if before or after:
            if not array.shape[axis]:
                raise ShapeError(f"pad: axis {axis} is empty, so mode {mode!r} has nothing to say.")
            array = pad_axis(array, axis, before, after, mode, options)
    return array


def in_pairs(name, given, ndim):
    """One number, one pair or one a axis, as NumPy reads them: a tuple of (before, after)."""
    if isinstance(given, dict):  # axis -> number or pair
        pairs = {normalize_axis_index(axis, ndim): pair for axis, pair in given.items()}
        given = [np.broadcast_to(pairs.get(axis, 0), 2) for axis in range(ndim)]
    try:
        pairs = np.broadcast_to(values(given), (ndim, 2))
    except ValueError:
        raise ShapeError(
            f"pad: {name} is one number, a pair (before, after), or such a pair for each of the "
            f"{ndim} axes; got {given!r}."
        ) from None
    return tuple((before, after) for before, after in pairs.tolist())


def pad_axis(x, axis, before, after, mode, options):
    """The border at both ends of one axis."""
    if mode in ("reflect", "symmetric") and options["reflect_type"] == "odd":
        return pad_by_matrix(x, axis, before, after, mode, options)
    if mode in ("edge", "wrap", "reflect", "symmetric"):
        positions = np.pad(np.arange(x.shape[axis]), (before, after), mode, **options)
        return getitem(x, along(axis, positions))
    border = ramp if mode == "linear_ramp" else constant_statistic
    (option,) = options.values()
    first, last = (None, None) if option is None else in_pairs(mode, option, x.ndim)[axis]
    backwards = along(axis, slice(None, None, -1))
    left = border(x, axis, before, mode, first)
    right = border(x[backwards], axis, after, mode, last)[backwards]
    return concatenate([left, x, right], axis)


def pad_by_matrix(x, axis, before, after, mode, options):
    """Any linear padding: what NumPy makes of the unit vectors are the columns of its matrix."""
    matrix = np.pad(
        np.eye(x.shape[axis], dtype=x.dtype), ((before, after), (0, 0)), mode, **options
    )
    return moveaxis(tensordot(matrix, x, (1, axis)), 0, axis)


STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def constant_statistic(x, axis, width, mode, length):
    """A border at the start of the axis: a statistic of the first `length` values."""
    value = STATISTICS[mode](x[along(axis, slice(length))], axis=axis, keepdims=True)
    return broadcast_to(value, (*x.shape[:axis], width, *x.shape[axis + 1 :]))


def ramp(x, axis, width, mode, end):
    """A border at the start of the axis: a straight line from `end` to the first value."""
    steps = (np.arange(width, dtype=x.dtype) / max(width, 1)).reshape(
        (-1,) + (1,) * (x.ndim - axis - 1)
    )
    return of_all_pairs(np.multiply, x[along(axis, slice(1))], steps) + end * (1 - steps)


pad_constant = general(  # a primitive because it is used most
    lambda x, *, pad_width, constant_values=0: np.pad(
        x, pad_width, constant_values=constant_values
    ),
    lambda g, z, x, *, pad_width, constant_values: g[
        tuple(slice(b, b + n) for (b, _), n in zip(pad_width, x.shape, strict=True))
    ],
    name="pad",
    samples=[
        case((2, 3), pad_width=((1, 0), (0, 2))),
        case((2,), pad_width=((1, 1),), constant_values=3.0),
    ],
)
