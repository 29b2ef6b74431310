"""Joining and splitting: several arrays to one, and one to several.

Two ops join, along an axis or a new one; everything else is written with them, with indexing and
with broadcasting.
"""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements, linear
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.indexing import along, getitem
from minigrad.ops.operands import operand, plain, refuse_out
from minigrad.ops.shaping import atleast_1d, atleast_2d, atleast_3d, broadcast_to, ravel, reshape

# --- joining --------------------------------------------------------------------------------


@implements(np.concatenate)
def concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Arrays joined along an axis they have, or all their values if it is None.

    As `numpy.concatenate`.

    >>> import minigrad as mg
    >>> mg.concatenate([mg.Tensor([1.0]), [2.0, 3.0]])
    Tensor([1., 2., 3.])
    """
    refuse_out("concatenate", out)
    if axis is None:
        arrays, axis = [np.reshape(a, -1) for a in arrays], 0
    return cast_to(join(*arrays, axis=axis), dtype, casting)


@implements(np.stack)
def stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Arrays of one shape joined along a new axis. As `numpy.stack`.

    >>> import minigrad as mg
    >>> mg.stack([mg.Tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[1., 2.],
            [3., 4.]])
    """
    refuse_out("stack", out)
    return cast_to(pile(*arrays, axis=axis), dtype, casting)


def cast_to(z, dtype, casting):
    """The result in the dtype that was asked for, if NumPy's casting rule allows it."""
    if dtype is None:
        return z
    if not np.can_cast(z.dtype, dtype, casting):
        raise TypeError(f"casting={casting!r} allows no cast from {z.dtype} to {np.dtype(dtype)}.")
    return z.astype(dtype)


def slice_of_join(g, z, *arrays, argument, axis):
    """The part of the cotangent that belongs to the array number `argument`."""
    start = sum(a.shape[axis] for a in arrays[:argument])
    return g[along(axis % g.ndim, slice(start, start + arrays[argument].shape[axis]))]


def without_axes(*shapes, axis):
    """What to say of numbers that are to be joined."""
    if () in shapes:
        return "a tensor of shape () has no axis to be joined along: use np.stack([s, t])."
    return ""


join = linear(
    lambda *arrays, axis: np.concatenate(arrays, axis),
    slice_of_join,
    name="concatenate",
    samples=[case((2, 3), (1, 3), axis=0), case((2, 1), (2, 2), (2, 1), axis=-1)],
    explain=without_axes,
    jointly=True,
)
pile = linear(
    lambda *arrays, axis: np.stack(arrays, axis),
    lambda g, z, *arrays, argument, axis: g[along(axis % g.ndim, argument)],
    name="stack",
    samples=[case((2, 3), (2, 3), axis=0), case((2,), (2,), (2,), axis=-1)],
    jointly=True,
)


@implements(np.vstack)
def vstack(tup, *, dtype=None, casting="same_kind"):
    """Arrays on top of each other: joined along the first axis, a vector as a row.

    As `numpy.vstack`.
    """
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup, *, dtype=None, casting="same_kind"):
    """Arrays beside each other: joined along the second axis, vectors along their only one.

    As `numpy.hstack`.
    """
    arrays = [atleast_1d(a) for a in tup]
    axis = 0 if arrays and arrays[0].ndim == 1 else 1
    return concatenate(arrays, axis, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup):
    """Arrays behind each other: joined along the third axis. As `numpy.dstack`."""
    return concatenate([atleast_3d(a) for a in tup], 2)


@implements(np.column_stack)
def column_stack(tup):
    """Vectors as columns, matrices as they are, beside each other. As `numpy.column_stack`."""
    arrays = [operand(a) for a in tup]
    return concatenate([a if a.ndim >= 2 else reshape(a, (-1, 1)) for a in arrays], 1)


@implements(np.block)
def block(arrays):
    """Nested lists of blocks joined: the innermost along the last axis, and so on outwards.

    As `numpy.block`. Raises `ShapeError` unless the lists are nested to one depth everywhere.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([[1.0]])
    >>> np.block([[x, 2 * x], [3 * x, 4 * x]])
    Tensor([[1., 2.],
            [3., 4.]])
    """
    levels = set(depths(arrays))
    if len(levels) != 1:
        raise ShapeError(
            f"block: lists must be nested to one depth, with an array in each; these end at "
            f"depths {sorted(levels)}. Put [] around the blocks that stand too high."
        )
    depth = levels.pop()
    ndim = max(depth, *[operand(a).ndim for a in blocks_in(arrays)])

    def joined(part, level):
        if isinstance(part, list):
            return concatenate([joined(p, level + 1) for p in part], axis=level - depth)
        part = operand(part)
        return reshape(part, (1,) * (ndim - part.ndim) + part.shape)

    return joined(arrays, 0)


def depths(part, level=0):
    """How deep in the lists each block stands, or an empty list in the place of one."""
    if not isinstance(part, list) or not part:
        return [level]
    return [deep for p in part for deep in depths(p, level + 1)]


def blocks_in(part):
    """All blocks of nested lists."""
    return [b for p in part for b in blocks_in(p)] if isinstance(part, list) else [part]


@implements(np.append)
def append(arr, values, axis=None):
    """`values` joined to the end of `arr`; both flat if the axis is None. As `numpy.append`."""
    return concatenate((arr, values), axis)


# --- splitting ------------------------------------------------------------------------------


@implements(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    """A list of parts, as equal as they can be, or cut at the given places.

    As `numpy.array_split`.
    """
    return parts(np.array_split, ary, indices_or_sections, axis)


@implements(np.split)
def split(ary, indices_or_sections, axis=0):
    """A list of equal parts, or of those cut at the given places. As `numpy.split`.

    Raises `ValueError` where there is no equal division.

    >>> import numpy as np, minigrad as mg
    >>> np.split(mg.Tensor([1.0, 2.0, 3.0]), [1])
    [Tensor([1.]), Tensor([2., 3.])]
    """
    return parts(np.split, ary, indices_or_sections, axis)


def parts(numpy_split, ary, indices_or_sections, axis):
    """What `numpy_split` makes of the positions along the axis, taken from the array."""
    ary = operand(ary)
    axis = np.lib.array_utils.normalize_axis_index(axis, ary.ndim)
    positions = numpy_split(np.arange(ary.shape[axis]), plain(indices_or_sections))
    slices = [slice(p[0], p[-1] + 1) if len(p) else slice(0, 0) for p in positions]
    return [getitem(ary, along(axis, part)) for part in slices]


@implements(np.hsplit)
def hsplit(ary, indices_or_sections):
    """`split` along the second axis; a vector along its only one. As `numpy.hsplit`."""
    need_axes("hsplit", ary, 1)
    return split(ary, indices_or_sections, 0 if operand(ary).ndim == 1 else 1)


@implements(np.vsplit)
def vsplit(ary, indices_or_sections):
    """`split` along the first axis, of two or more. As `numpy.vsplit`."""
    need_axes("vsplit", ary, 2)
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary, indices_or_sections):
    """`split` along the third axis. As `numpy.dsplit`."""
    need_axes("dsplit", ary, 3)
    return split(ary, indices_or_sections, 2)


def need_axes(name, ary, number):
    """Raise `ShapeError` for an array of fewer axes."""
    shape = operand(ary).shape
    if len(shape) < number:
        raise ShapeError(f"{name}: takes arrays of {number} axes or more; got shape {shape}.")


def unstack(x, /, *, axis=0):
    """A tuple of the parts along an axis, without it: the reverse of `stack`.

    As `numpy.unstack`.
    """
    x = operand(x)
    axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
    return tuple(getitem(x, along(axis, i)) for i in range(x.shape[axis]))


if hasattr(np, "unstack"):  # since NumPy 2.1
    implements(np.unstack)(unstack)


# --- repeating ------------------------------------------------------------------------------


@implements(np.tile)
def tile(A, reps):  # noqa: N803  (NumPy's name)
    """The whole array repeated `reps` times along each axis. As `numpy.tile`.

    >>> import numpy as np, minigrad as mg
    >>> np.tile(mg.Tensor([1.0, 2.0]), 2)
    Tensor([1., 2., 1., 2.])
    """
    reps = tuple(np.atleast_1d(reps).tolist())
    a = operand(A)
    ndim = max(a.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - a.ndim) + a.shape
    apart = tuple(n for size in shape for n in (1, size))  # (M, N) -> (1, M, 1, N)
    repeated = tuple(n for pair in zip(reps, shape, strict=True) for n in pair)
    whole = broadcast_to(reshape(a, apart), repeated)
    return reshape(whole, tuple(r * n for r, n in zip(reps, shape, strict=True)))


@implements(np.repeat)
def repeat(a, repeats, axis=None):
    """Each value repeated, after itself; `repeats` is one number or one a value.

    As `numpy.repeat`.

    >>> import numpy as np, minigrad as mg
    >>> np.repeat(mg.Tensor([1.0, 2.0]), 2)
    Tensor([1., 1., 2., 2.])
    """
    a = operand(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    return getitem(a, along(axis, np.repeat(np.arange(a.shape[axis]), repeats)))
