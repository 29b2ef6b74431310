"""Norms of vectors and matrices, and the condition number.

At 0 every norm has a kink; its derivative there is taken as 0.
"""

from __future__ import annotations

import numpy as np

from minigrad.core.op import general, implements
from minigrad.core.reals import real
from minigrad.core.samples import case
from minigrad.ops.decompositions import svdvals
from minigrad.ops.linalg import inv
from minigrad.ops.operands import operand, plain
from minigrad.ops.reductions import with_axes
from minigrad.ops.shaping import expand_dims, moveaxis

# --- vectors --------------------------------------------------------------------------------


def length_value(x, *, axis=None, keepdims=False):
    """The square root of the sum of squares."""
    return np.sqrt(np.add.reduce(x * x, axis, keepdims=keepdims))


length = general(  # a primitive for its derivative at 0
    length_value,
    name="norm",
    samples=[case((3,)), case((2, 3), axis=-1), case((2, 3, 2), axis=(0, 2), keepdims=True)],
)


@length.vjp
def _(g, z, x, *, axis, keepdims):
    if not in_range(z, 2):
        x = in_units(x, axis)
        z = length(x, axis=axis, keepdims=keepdims)
    zero = z == 0
    slope = np.where(zero, 0, g / np.where(zero, 1, z))
    return with_axes(slope, x, axis, keepdims) * x


def in_range(z, order):
    """Whether powers of that order of norms `z`, and of what they are of, are normal numbers."""
    z, limits = plain(z), np.finfo(z.dtype)
    edge = float(limits.max) ** (0.4 / np.maximum(abs(order), 1))
    return bool(np.all((z > 1 / edge) & (z < edge)))


def in_units(x, axis):
    """x over the largest of its values along `axis`: the slope of a norm is the same there.

    Infinite values are 1, and what is finite beside them 0. Where all are 0 they stay 0.
    """
    values = np.abs(plain(x))
    top = np.max(values, axis=axis, keepdims=True, initial=0)
    top = np.where(top == 0, 1, top).astype(values.dtype)
    if not np.isinf(top).any():
        return x / top
    return np.where(np.isinf(values), np.sign(x), x / top)


def power_norm_value(x, *, order, axis=None, keepdims=False):
    """The sum of |x|^order, to the power 1 / order."""
    total = np.add.reduce(np.abs(x) ** order, axis, keepdims=keepdims)
    return total ** (1 / order)


power_norm = general(  # a primitive for its derivative at 0
    power_norm_value,
    name="norm",
    samples=[case((3,), order=3), case((2, 3), order=1.5, axis=0, keepdims=True)],
)


@power_norm.vjp
def _(g, z, x, *, order, axis, keepdims):
    if not in_range(z, order):
        x = in_units(x, axis)
        z = power_norm(x, order=order, axis=axis, keepdims=keepdims)
    z = np.where(z == 0, 1, z)  # where all x are 0, and the sign makes the result 0
    share = np.abs(np.where(x == 0, 1, x)) / with_axes(z, x, axis, keepdims)
    return with_axes(g, x, axis, keepdims) * (np.sign(x) * share ** (order - 1))


@implements(np.linalg.vector_norm)
@real("x")
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of all values along `axis` (None: all; or several) as one vector.

    `ord` is a number, inf or -inf; 0 counts the values that are not 0. As
    `numpy.linalg.vector_norm`. Raises `ValueError` for another `ord`.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.vector_norm(mg.Tensor([[1.0, -2.0], [2.0, 4.0]]))
    Tensor(5.)
    """
    x = operand(x)
    if ord is None or ord == 2:
        return length(x, axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: order {ord!r} is of matrices; vectors have numbers, inf or -inf.")
    if ord == 0:
        return np.sum(np.abs(np.sign(x)), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if abs(ord) == np.inf:
        if ord < 0:
            return np.min(np.abs(x), axis=axis, keepdims=keepdims)
        return np.max(np.abs(x), axis=axis, keepdims=keepdims, initial=0)
    return power_norm(x, order=ord, axis=axis, keepdims=keepdims)


# --- matrices -------------------------------------------------------------------------------

MATRIX_NORMS = {
    "fro": lambda x: length(x, axis=(-2, -1)),
    "nuc": lambda x: np.sum(svdvals(x), axis=-1),
    2: lambda x: np.max(svdvals(x), axis=-1, initial=0),
    -2: lambda x: np.min(svdvals(x), axis=-1),
    1: lambda x: np.max(np.sum(np.abs(x), axis=-2), axis=-1, initial=0),  # the largest column
    -1: lambda x: np.min(np.sum(np.abs(x), axis=-2), axis=-1),
    np.inf: lambda x: np.max(np.sum(np.abs(x), axis=-1), axis=-1, initial=0),  # the largest row
    -np.inf: lambda x: np.min(np.sum(np.abs(x), axis=-1), axis=-1),
}
MATRIX_NORMS[None] = MATRIX_NORMS["f"] = MATRIX_NORMS["fro"]


@implements(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norms of the matrices in the last two axes. As `numpy.linalg.matrix_norm`.

    `ord` is "fro" (the square root of the sum of squares), "nuc" (the sum of the singular
    values), 2 or -2 (the largest, the smallest), 1 or -1 (of the columns' sums of sizes), inf or
    -inf (of the rows'). Raises `ValueError` for another.
    """
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.norm)
@real("x")
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors, along one axis, or of matrices, in two. As `numpy.linalg.norm`.

    Without `axis` and `ord` it is that of all values as one vector. For the orders see
    `vector_norm` and `matrix_norm`.

    >>> import numpy as np, minigrad as mg
    >>> mg.grad(np.linalg.norm)(mg.Tensor([3.0, 4.0])), mg.grad(np.linalg.norm)(mg.Tensor([0.0]))
    (Tensor([0.6, 0.8]), Tensor([0.]))
    """
    x = operand(x)
    if axis is None and ord is None:
        return length(x, axis=None, keepdims=keepdims)
    axes = np.lib.array_utils.normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=ord)
    if len(axes) != 2 or ord not in MATRIX_NORMS:
        raise ValueError(
            f"norm: order {ord!r} along {len(axes)} axes is not defined; vectors lie along one, "
            f"matrices in two and have the orders 'fro', 'nuc', 1, 2, inf, -1, -2, -inf."
        )
    z = MATRIX_NORMS[ord](moveaxis(x, axes, (-2, -1)))
    return expand_dims(z, axes) if keepdims else z


@implements(np.linalg.cond)
@real("x")
def cond(x, p=None):
    """How much solving equations magnifies errors: |x| * |inv(x)|, in the norm `p`.

    The default, 2, is the largest singular value over the smallest. As `numpy.linalg.cond`: a
    singular matrix gives inf; in another norm than 2 or -2 it raises `LinAlgError` here.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.cond(mg.Tensor([[4.0, 0.0], [0.0, 2.0]]))
    Tensor(2.)
    """
    x = operand(x)
    if p not in (None, 2, -2):
        return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))
    if 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError(f"cond: not defined for empty matrices; got shape {x.shape}.")
    s = svdvals(x)
    upper, lower = (-1, 0) if p == -2 else (0, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = s[..., upper] / s[..., lower]
    zeros = np.isnan(z) & ~np.isnan(x).any(axis=(-2, -1))
    return np.where(zeros, np.inf, z) if zeros.any() else z
