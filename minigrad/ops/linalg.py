"""Linear algebra: products of matrices."""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements, linear
from minigrad.core.samples import case


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
implements(np.matmul)(matmul)


@implements(np.dot)
def dot(x, y):
    """`numpy.dot`: as matmul up to two axes; a sum over the last of `x` and the second-to-last
    of `y` beyond.

    >>> import minigrad as mg
    >>> mg.dot(mg.Tensor([1.0, 2.0]), [3.0, 4.0])
    Tensor(11.)
    """
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return x * y
    if np.ndim(x) <= 2 and np.ndim(y) <= 2:
        return matmul(x, y)
    rows = np.moveaxis(y, -2, 0) if np.ndim(y) > 1 else y
    flat = matmul(np.reshape(x, (-1, x.shape[-1])), np.reshape(rows, (len(rows), -1)))
    return np.reshape(flat, (*x.shape[:-1], *rows.shape[1:]))
