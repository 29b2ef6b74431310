"""Products of vectors, matrices and tensors. One op, `matmul`, is underneath all of them."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements, linear
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.indexing import getitem
from minigrad.ops.operands import of_all_pairs, operand, refuse_out
from minigrad.ops.shaping import moveaxis, ravel, reshape, transpose

# --- matrices -------------------------------------------------------------------------------


def explain_matmul(x, y):
    """Why these shapes have no matrix product."""
    if not x or not y:
        return f"a scalar (shape ()) has no matrix product, use *; got shapes {x} and {y}."
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        return (
            f"the last axis of the first must equal the second-to-last of the second (its rows), "
            f"but {x[-1]} is not {inner}: shapes {x} and {y}. Check the layer sizes, or transpose."
        )
    return f"the batch axes {x[:-2]} and {y[:-2]} do not broadcast: shapes {x} and {y}."


def product(x, y):
    """`x @ y`; two matrices by `dot`, which costs a third of `np.matmul` when they are small."""
    return x.dot(y) if x.ndim == y.ndim == 2 else np.matmul(x, y)


def into_x(g, z, x, y):
    """The adjoint of the product in its first array."""
    if x.ndim == y.ndim == 2:
        return g.dot(y.T)
    if y.ndim == 1:  # (..., n, k) @ (k,) -> (..., n)
        return g[..., None] * y
    if x.ndim == 1:  # (k,) @ (..., k, m) -> (..., m)
        return np.matmul(y, g[..., None])[..., 0]
    return np.matmul(g, y.mT)


def into_y(g, z, x, y):
    """The adjoint of the product in its second array."""
    if x.ndim == y.ndim == 2:
        return x.T.dot(g)
    if x.ndim == 1:  # (k,) @ (..., k, m) -> (..., m)
        return x[:, None] * g[..., None, :] if y.ndim > 1 else x * g
    if y.ndim == 1:  # (..., n, k) @ (k,) -> (..., n)
        return np.matmul(x.mT, g[..., None])[..., 0]
    return np.matmul(x.mT, g)


matmul = linear(
    product,
    into_x,
    into_y,
    name="matmul",
    samples=[
        case((4, 3), (3, 2)),
        case((3,), (3,)),
        case((3,), (2, 3, 4)),
        case((2, 4, 3), (3,)),
        case((2, 1, 4, 3), (5, 3, 2)),
    ],
    broadcasts=True,
    explain=explain_matmul,
)
matmul.op.matrices = True
implements(np.matmul, np.linalg.matmul)(matmul)


@implements(np.dot)
def dot(a, b, out=None):
    """`numpy.dot`: as matmul up to two axes; a sum over the last of `a` and the second-to-last
    of `b` beyond; a product with a scalar.

    >>> import minigrad as mg
    >>> mg.dot(mg.Tensor([1.0, 2.0]), [3.0, 4.0])
    Tensor(11.)
    """
    refuse_out("dot", out)
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2 if b.ndim > 1 else 0))


# --- stacks of vectors ----------------------------------------------------------------------


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1, x2, /, *, axis=-1, keepdims=False):
    """The dot products of the vectors along `axis`, the other axes broadcast.

    As `numpy.vecdot`. Raises `ShapeError` for vectors of different lengths.

    >>> import numpy as np, minigrad as mg
    >>> np.vecdot(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 1.0])
    Tensor([3., 7.])
    """
    x1, x2 = operand(x1), operand(x2)
    if x1.ndim == 0 or x2.ndim == 0 or x1.shape[axis] != x2.shape[axis]:
        raise ShapeError(
            f"vecdot: the vectors along axis {axis} must have one length; got shapes {x1.shape} "
            f"and {x2.shape}."
        )
    if axis != -1:
        x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    z = x1 * x2
    z = np.sum(z, axis=-1, dtype=z.dtype)
    return np.expand_dims(z, axis) if keepdims else z


def matvec(x1, x2, /):
    """Each matrix times its vector: (..., n, k), (..., k) -> (..., n). As `numpy.matvec`."""
    return getitem(matmul(x1, getitem(operand(x2), (..., None))), (..., 0))


def vecmat(x1, x2, /):
    """Each vector times its matrix: (..., k), (..., k, m) -> (..., m). As `numpy.vecmat`."""
    return getitem(
        matmul(getitem(operand(x1), (..., None, slice(None))), x2), (..., 0, slice(None))
    )


if hasattr(np, "matvec"):  # since NumPy 2.2
    implements(np.matvec)(matvec)
    implements(np.vecmat)(vecmat)


# --- tensors --------------------------------------------------------------------------------


@implements(np.vdot)
def vdot(a, b, /):
    """The dot product of all values of both. As `numpy.vdot`."""
    return matmul(ravel(operand(a)), ravel(operand(b)))


@implements(np.inner)
def inner(a, b, /):
    """Sums over the last axis of both: (..., k), (*rest, k) -> (..., *rest). As `numpy.inner`."""
    a, b = operand(a), operand(b)
    return a * b if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, (-1, -1))


@implements(np.outer)
def outer(a, b, out=None):
    """Every value of one times every value of the other, (n,), (m,) -> (n, m).

    As `numpy.outer`.
    """
    refuse_out("outer", out)
    return of_all_pairs(np.multiply, reshape(operand(a), (-1, 1)), ravel(operand(b)))


@implements(np.linalg.outer)
def outer_of_vectors(x1, x2, /):
    """`outer`, for vectors only: else `ShapeError`. As `numpy.linalg.outer`."""
    shapes = np.shape(x1), np.shape(x2)
    if any(len(shape) != 1 for shape in shapes):
        raise ShapeError(f"linalg.outer: takes two vectors; got shapes {shapes[0]}, {shapes[1]}.")
    return outer(x1, x2)


@implements(np.tensordot)
def tensordot(a, b, axes=2):
    """Sums over some axes of both; what is left of `a`, then of `b`. As `numpy.tensordot`.

    `axes` is a number, of the last axes of `a` and the first of `b`, or a pair: the axes of `a`
    and those of `b`. Raises `ShapeError` unless they match.

    >>> import numpy as np, minigrad as mg
    >>> np.tensordot(mg.Tensor(np.ones((2, 3, 4))), np.ones((4, 3)), ((1, 2), (1, 0)))
    Tensor([12., 12.])
    """
    a, b = operand(a), operand(b)
    if np.ndim(axes) == 0:
        axes = range(-axes, 0), range(axes)
    of_a = np.lib.array_utils.normalize_axis_tuple(axes[0], a.ndim)
    of_b = np.lib.array_utils.normalize_axis_tuple(axes[1], b.ndim)
    summed = [a.shape[i] for i in of_a]
    if summed != [b.shape[i] for i in of_b]:
        raise ShapeError(
            f"tensordot: axes {of_a} of shape {a.shape} must match axes {of_b} of {b.shape}, one "
            f"by one."
        )
    left = [i for i in range(a.ndim) if i not in of_a]
    right = [i for i in range(b.ndim) if i not in of_b]
    number = int(np.prod(summed, dtype=int))
    rows = [a.shape[i] for i in left]
    columns = [b.shape[i] for i in right]
    height, width = int(np.prod(rows, dtype=int)), int(np.prod(columns, dtype=int))
    z = matmul(
        reshape(transpose(a, (*left, *of_a)), (height, number)),
        reshape(transpose(b, (*of_b, *right)), (number, width)),
    )
    return reshape(z, (*rows, *columns))


@implements(np.linalg.tensordot)
def tensordot_of_axes(x1, x2, /, *, axes=2):
    """`tensordot`. As `numpy.linalg.tensordot`."""
    return tensordot(x1, x2, axes)


@implements(np.kron)
def kron(a, b):
    """Every value of `a` times the whole of `b`, side by side. As `numpy.kron`.

    >>> import numpy as np, minigrad as mg
    >>> np.kron(mg.Tensor([1.0, 10.0]), [1.0, 2.0])
    Tensor([ 1.,  2., 10., 20.])
    """
    a, b = operand(a), operand(b)
    ndim = max(a.ndim, b.ndim)
    rows = (1,) * (ndim - a.ndim) + a.shape
    columns = (1,) * (ndim - b.ndim) + b.shape
    blocks = reshape(a, [n for size in rows for n in (size, 1)])  # (M, N) -> (M, 1, N, 1)
    copies = reshape(b, [n for size in columns for n in (1, size)])  # (P, Q) -> (1, P, 1, Q)
    whole = of_all_pairs(np.multiply, blocks, copies)  # (M, P, N, Q)
    return reshape(whole, [m * n for m, n in zip(rows, columns, strict=True)])


@implements(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross products of vectors of three components, the other axes broadcast.

    As `numpy.cross`. Raises `ShapeError` for other vectors: one in the plane has a third
    component, 0.

    >>> import numpy as np, minigrad as mg
    >>> np.cross(mg.Tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    Tensor([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0 or a.shape[axisa] != 3 or b.shape[axisb] != 3:
        raise ShapeError(
            f"cross: takes vectors of 3 components; got shapes {a.shape} along axis {axisa} and "
            f"{b.shape} along axis {axisb}."
        )
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    following, last = [1, 2, 0], [2, 0, 1]
    z = a[..., following] * b[..., last] - a[..., last] * b[..., following]
    return moveaxis(z, -1, axisc)


@implements(np.linalg.cross)
def cross_along(x1, x2, /, *, axis=-1):
    """`cross` with one axis for all. As `numpy.linalg.cross`."""
    return cross(x1, x2, axis=axis)
