"""Linear algebra: inverses, determinants, and what solves equations. Stacks of matrices in all.

A singular matrix raises NumPy's `LinAlgError`: here, or in the backward pass where only the
derivative divides by it.
"""

from __future__ import annotations

from operator import index as whole_number
from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.core.op import general, implements
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.errors import RuleError
from minigrad.ops.decompositions import MATRIX, STACK, lower_symmetric, result_of, svdvals
from minigrad.ops.indexing import getitem, put
from minigrad.ops.operands import operand, plain, refuse_out
from minigrad.ops.products import dot, matmul
from minigrad.ops.shaping import moveaxis, reshape

# --- equations ------------------------------------------------------------------------------

inv = general(
    np.linalg.inv,
    lambda g, z, x: -(z.mT @ g @ z.mT),
    samples=[case(MATRIX), case(STACK)],
)


def explain_solve(a, b):
    """Why these shapes are no equation."""
    if len(a) < 2 or a[-2] != a[-1]:
        return None  # NumPy says it well
    if b[-2] != a[-1]:
        return f"{a[-1]} unknowns need {a[-1]} rows on the right; got shapes {a} and {b}."
    return f"the batch axes {a[:-2]} and {b[:-2]} do not broadcast: shapes {a} and {b}."


solve_columns = general(
    np.linalg.solve,
    lambda g, z, x, b: -(np.linalg.solve(x.mT, g) @ z.mT),
    lambda g, z, x, b: np.linalg.solve(x.mT, g),
    name="solve",
    samples=[case(MATRIX, (3, 2)), case(STACK, (3, 1)), case(MATRIX, (2, 3, 2))],
    broadcasts=True,
    explain=explain_solve,
)
solve_columns.op.matrices = True


@implements(np.linalg.solve)
def solve(a, b):
    """The x with `a @ x = b`: (..., n, n), (..., n, k) -> (..., n, k), or b one vector (n,).

    As `numpy.linalg.solve`. Raises `LinAlgError` for a singular matrix.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.solve(mg.Tensor([[2.0, 0.0], [0.0, 4.0]]), [1.0, 1.0])
    Tensor([0.5 , 0.25])
    """
    a, b = operand(a), operand(b)
    if b.ndim == 1:
        return getitem(solve_columns(a, getitem(b, (slice(None), None))), (..., 0))
    return solve_columns(a, b)


def pinv_vjp(g, z, x, **tolerance):
    """The rule of the pseudo-inverse where the rank is constant: Golub and Pereyra 1973."""
    beyond_columns = np.eye(x.shape[-2]) - x @ z
    beyond_rows = np.eye(x.shape[-1]) - z @ x
    return beyond_columns @ g.mT @ z @ z.mT + z.mT @ z @ g.mT @ beyond_rows - z.mT @ g @ z.mT


pseudo_inverse = general(
    lambda x, **tolerance: np.linalg.pinv(x, **tolerance),
    pinv_vjp,
    name="pinv",
    samples=[case(MATRIX[:2]), case(STACK[..., :2]), case(MATRIX)],
)
UNSAID: Any = object()


@implements(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=UNSAID):
    """The pseudo-inverse of any matrix: (..., m, n) -> (..., n, m). As `numpy.linalg.pinv`.

    Its derivative is that at constant rank: where a change of the matrix raises the rank, the
    pseudo-inverse jumps. With `hermitian` only the lower triangle is read, as in NumPy.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.pinv(mg.Tensor([[2.0, 0.0]]))
    Tensor([[0.5],
            [0. ]])
    """
    tolerance = {"rcond": rcond} if rtol is UNSAID else {"rcond": rcond, "rtol": rtol}
    a = lower_symmetric(a) if hermitian else operand(a)
    check_constant_rank("pinv", a, rcond if rtol is UNSAID else rtol)
    return pseudo_inverse(a, **tolerance)


def check_constant_rank(name, a, tolerance):
    """Raise `RuleError` where a tolerance drops singular values that are not zero.

    The rule holds at constant rank; with another rank than the matrix has it would be wrong.
    """
    if tolerance is None or not isinstance(a, Node) or not a.requires_grad or not a.size:
        return
    s = np.linalg.svdvals(plain(a))  # (..., k), the largest first
    nothing = np.finfo(s.dtype).eps * max(a.shape[-2:]) * s[..., :1]
    if np.any((s > nothing) & (s <= np.expand_dims(tolerance, -1) * s[..., :1])):
        raise RuleError(
            f"{name}: the tolerance {tolerance} leaves out singular values that are not zero (the "
            f"smallest is {s.min():.2g}, the largest {s.max():.2g}), and there is no derivative "
            f"rule for that. Give a smaller one, or compose it of np.linalg.svd."
        )


@implements(np.linalg.lstsq)
def lstsq(a, b, rcond=None):
    """The x with the least |a @ x - b|: (m, n), (m,) or (m, k) -> (n,) or (n, k).

    Returns (x, sums of squared residuals, rank, singular values of a). As `numpy.linalg.lstsq`;
    the residuals are empty unless there are more equations than unknowns and the rank is full.

    >>> import numpy as np, minigrad as mg
    >>> x, residuals, rank, s = np.linalg.lstsq(mg.Tensor([[1.0], [1.0]]), [1.0, 3.0])
    >>> x, residuals
    (Tensor([2.]), Tensor([2.]))
    """
    a, b = operand(a), operand(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or len(a) != len(b):
        raise np.linalg.LinAlgError(
            f"lstsq: takes one matrix (m, n), and (m,) or (m, k); got shapes {a.shape}, {b.shape}."
        )
    precision = np.finfo(np.result_type(a.dtype, b.dtype, np.float32)).eps
    cutoff = {None: precision * max(a.shape), -1: precision}.get(rcond, rcond)
    s = svdvals(a)
    rank = np.int32(np.sum(s > cutoff * s[:1]))  # LAPACK's own integer
    check_constant_rank("lstsq", a, cutoff)
    x = matmul(pseudo_inverse(a, rcond=cutoff), b)
    residuals = np.sum(reshape(b - matmul(a, x), (len(a), -1)) ** 2, axis=0)
    full = rank == a.shape[1] < len(a)
    return x, residuals if full else residuals[:0], rank, s


# --- determinants ---------------------------------------------------------------------------

det = general(
    np.linalg.det,
    lambda g, z, x: g[..., None, None] * cofactors(x),
    samples=[case(MATRIX), case(STACK), case(np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]))],
)


def cofactors_value(x):
    """The derivative of the determinant, right for singular matrices too.

    x = u s v, so cof(x) = det(u) det(v) * u cof(s) v, and cof(s) holds the products of all
    singular values but one.
    """
    u, s, v = np.linalg.svd(x)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :])
    sign = np.linalg.det(u) * np.linalg.det(v)
    return (u * (sign[..., None] * np.prod(others, axis=-1))[..., None, :]) @ v


def cofactors_vjp(g, z, x):
    """The second derivative of the determinant: by all the minors, or by the inverse.

    The minors are right at any rank, but there are n * n of them: where the inverse is accurate
    it is the way for larger matrices.
    """
    n = x.shape[-1]
    if n >= MANY_MINORS and np.all(np.linalg.cond(plain(x)) < WELL_CONDITIONED):
        inverse = np.linalg.inv(x).mT
        return z * np.sum(g * inverse, axis=(-2, -1), keepdims=True) - z @ g.mT @ inverse
    others = np.nonzero(~np.eye(n, dtype=bool))[1].reshape(n, max(n - 1, 0))
    index = (..., others[:, None, :, None], others[None, :, None, :])  # (n, n, n - 1, n - 1)
    sign = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return put((g * sign)[..., None, None] * cofactors(x[index]), index=index, shape=x.shape)


MANY_MINORS, WELL_CONDITIONED = 5, 1e6
cofactors: Function = general(
    cofactors_value,
    cofactors_vjp,
    name="cofactors",
    samples=[
        case(MATRIX),
        case(STACK),
        case(np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0])),
        case(np.eye(5) + np.add.outer(np.arange(5.0), np.arange(5.0) ** 2) / 10),
    ],
)


@implements(np.linalg.slogdet)
def slogdet(a):
    """The sign of the determinant and the logarithm of its size, which overflow less.

    As `numpy.linalg.slogdet`. For a singular matrix they are 0 and -inf, and the derivative
    raises `LinAlgError`.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.slogdet(mg.Tensor([[2.0, 0.0], [0.0, -0.5]]))
    SlogdetResult(sign=Tensor(-1.), logabsdet=Tensor(0.))
    """
    both = sign_and_logarithm(operand(a))
    return result_of(np.linalg.slogdet)(both[0], both[1])


sign_and_logarithm = general(
    lambda x: np.stack(np.linalg.slogdet(x)),  # one decomposition: (2, ...)
    lambda g, z, x: g[1][..., None, None] * np.linalg.inv(x).mT,
    name="slogdet",
    samples=[case(MATRIX), case(STACK)],
)

# --- products of many -----------------------------------------------------------------------


@implements(np.linalg.matrix_power)
def matrix_power(a, n):
    """The matrix times itself `n` times, the inverse for a negative `n`.

    As `numpy.linalg.matrix_power`; squares are reused, so it takes about 2 log2(n) products.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.matrix_power(mg.Tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    Tensor([[1., 5.],
            [0., 1.]])
    """
    a, n = operand(a), whole_number(n)
    if a.ndim < 2 or a.shape[-2] != a.shape[-1]:
        raise np.linalg.LinAlgError(f"matrix_power: takes square matrices; got shape {a.shape}.")
    if n == 0:
        return np.where(True, np.eye(a.shape[-1], dtype=a.dtype), a)
    square, n = (inv(a), -n) if n < 0 else (a, n)
    result = None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else matmul(result, square)
        if n:
            square = matmul(square, square)
    return result


@implements(np.linalg.multi_dot)
def multi_dot(arrays, *, out=None):
    """The product of a chain of matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors. As `numpy.linalg.multi_dot`.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.multi_dot([mg.Tensor([1.0, 2.0]), np.eye(2), [3.0, 4.0]])
    Tensor(11.)
    """
    refuse_out("linalg.multi_dot", out)
    arrays = [operand(a) for a in arrays]
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: takes two arrays or more; got {len(arrays)}.")
    if any(a.ndim != 2 for a in arrays[1:-1]) or any(a.ndim not in (1, 2) for a in arrays):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise np.linalg.LinAlgError(
            f"multi_dot: takes matrices, and vectors at both ends; got shapes {shapes}."
        )
    first = len(arrays[0]) if arrays[0].ndim == 2 else 1
    last = arrays[-1].shape[1] if arrays[-1].ndim == 2 else 1
    cuts = best_cuts([first, *[len(a) for a in arrays[1:]], last])

    def chain(i, j):
        return arrays[i] if i == j else dot(chain(i, cuts[i, j]), chain(cuts[i, j] + 1, j))

    return chain(0, len(arrays) - 1)


def best_cuts(sizes):
    """Where to cut each part i..j of a chain of matrices, number i being sizes[i] x sizes[i+1]."""
    number = len(sizes) - 1
    cost = {(i, i): 0 for i in range(number)}
    cuts = {}
    for length in range(1, number):
        for i in range(number - length):
            j = i + length
            costs = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            }
            cuts[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[cuts[i, j]]
    return cuts


# --- tensors as matrices --------------------------------------------------------------------


@implements(np.linalg.tensorinv)
def tensorinv(a, ind=2):
    """The inverse for `tensordot` over the last axes: the first `ind` axes against the rest.

    As `numpy.linalg.tensorinv`.
    """
    if ind <= 0:
        raise ValueError(f"tensorinv: ind is 1 or more; got {ind}.")
    a = operand(a)
    size = int(np.prod(a.shape[ind:], dtype=int))
    return reshape(inv(reshape(a, (size, -1))), (*a.shape[ind:], *a.shape[:ind]))


@implements(np.linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    """The x with `tensordot(a, x, x.ndim) = b`; `axes` of `a` are moved to its end before.

    As `numpy.linalg.tensorsolve`.
    """
    a, b = operand(a), operand(b)
    if axes is not None:
        a = moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    unknown = a.shape[b.ndim :]
    size = int(np.prod(unknown, dtype=int))
    if size != b.size:
        raise np.linalg.LinAlgError(
            f"tensorsolve: {b.size} equations for {size} unknowns; got shapes {a.shape}, {b.shape}."
        )
    return reshape(solve(reshape(a, (size, size)), reshape(b, -1)), unknown)
