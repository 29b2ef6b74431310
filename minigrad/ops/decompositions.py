"""Matrix decompositions, of stacks of matrices as well.

A decomposition has several results but is computed once: its op returns them as the rows of one
array, and each is a slice of that. So one rule sees all results and all cotangents, and being
written in recorded functions it can be differentiated again.

`cholesky` and `eigh` read one triangle of the matrix, and so does their derivative: the gradient
is 0 in the other one. Of a function of `(a + a.mT) / 2` it is symmetric.

Where eigenvalues or singular values are equal their vectors are not determined, and have no
derivative: the backward pass raises `LinAlgError` if it needs one, and forward mode gives nan. The
values alone have one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.core.op import general, implements, linear
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.ops.diagonals import tril
from minigrad.ops.joining import concatenate
from minigrad.ops.operands import operand
from minigrad.ops.shaping import matrix_transpose


@lru_cache
def result_of(decomposition: Any) -> Any:
    """The class of NumPy's own results: pairs and triples with names."""
    return type(decomposition(np.eye(1)))


MATRIX = np.array([[2.0, -1.0, 0.5], [0.3, 1.5, 1.0], [-0.7, 0.4, 3.0]])
STACK = np.stack([MATRIX, MATRIX.T + 1.0])  # of invertible matrices
DEFINITE = STACK.mT @ STACK  # of symmetric positive definite ones


def lower_symmetric(a):
    """The symmetric matrix whose lower triangle is that of `a`."""
    a = operand(a)
    return tril(a) + matrix_transpose(tril(a, -1))


def onto_lower(g):
    """The cotangent of a symmetric matrix that was made from its lower triangle."""
    return np.tril(g) + np.triu(g, 1).mT


def precision(s, size):
    """How much values may differ and still be equal, as far as rounding can tell."""
    largest = np.max(np.abs(s), axis=-1, keepdims=True) if s.shape[-1] else s
    return np.finfo(s.dtype).eps * size * largest


def refuse(name, which):
    """Raise `LinAlgError` if the derivative needs vectors that are not determined."""
    if which.any():
        raise np.linalg.LinAlgError(
            f"{name}: values {sorted({int(i) for i in np.argwhere(which)[:, -1]})} are equal to "
            f"others or 0, so their vectors are not determined and have no derivative. Use the "
            f"values alone, or the vectors of other values."
        )


times: Function = (
    linear(  # a primitive because 0 times nan is nan in NumPy: where there is none, none is lost
        lambda x, y: np.where(x == 0, 0, x * y),
        lambda g, z, x, y: times(g, y),
        lambda g, z, x, y: times(x, g),
        name="times",
        samples=[case((2, 3), (2, 3)), case((2, 3), (3,))],
        broadcasts=True,
    )
)


# --- Cholesky -------------------------------------------------------------------------------

lower_factor = general(
    lambda x: np.linalg.cholesky(x),
    name="cholesky",
    samples=[case(DEFINITE[0]), case(DEFINITE)],
)


@lower_factor.vjp
def _(g, z, x):  # Murray 2016, arXiv:1602.07527, equation 9
    n = x.shape[-1]
    halved = z.mT @ g * (np.tri(n) - 0.5 * np.eye(n))
    s = np.linalg.solve(z.mT, np.linalg.solve(z.mT, halved.mT).mT)
    return onto_lower(s)


@implements(np.linalg.cholesky)
def cholesky(a, /, *, upper=False):
    """The triangular L with `L @ L.mT = a`, or the upper one, `U.mT @ U = a`.

    As `numpy.linalg.cholesky`: only that triangle of `a` is read. Raises `LinAlgError` unless
    the matrix is positive definite.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.cholesky(mg.Tensor([[4.0, 2.0], [2.0, 2.0]]))
    Tensor([[2., 0.],
            [1., 1.]])
    """
    if upper:
        return matrix_transpose(lower_factor(matrix_transpose(operand(a))))
    return lower_factor(operand(a))


# --- QR -------------------------------------------------------------------------------------


def qr_rows(x):
    """Q above the transpose of R: (..., m, n) -> (..., m + n, n) for m >= n."""
    q, r = np.linalg.qr(x)
    return np.concatenate([q, r.mT], axis=-2)


qr_packed = general(qr_rows, name="qr", samples=[case(MATRIX), case(STACK[..., :2])])


@qr_packed.vjp
def _(g, z, x):  # Walter and Lehmann 2018, arXiv:1001.1654
    m = x.shape[-2]
    q, r = z[..., :m, :], z[..., m:, :].mT
    gq, gr = g[..., :m, :], g[..., m:, :].mT
    c = r @ gr.mT - gq.mT @ q
    return np.linalg.solve(r, (gq + q @ (np.tril(c) + np.tril(c, -1).mT)).mT).mT


@implements(np.linalg.qr)
def qr(a, mode="reduced"):
    """The orthonormal Q and the upper triangular R with `Q @ R = a`. As `numpy.linalg.qr`.

    For m rows, n columns and k = min(m, n): mode "reduced" gives (m, k) and (k, n), "complete"
    (m, m) and (m, n), "r" R alone. The columns that "complete" adds are any basis of what is
    left; the derivative is right for what does not depend on which. Raises `ValueError` for
    another mode; the backward pass raises `LinAlgError` unless the first k columns are
    independent.

    >>> import numpy as np, minigrad as mg
    >>> q, r = np.linalg.qr(mg.Tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> np.abs(r)
    Tensor([[5. , 2.2],
            [0. , 0.4]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(
            f'qr: mode is "reduced", "complete" or "r"; {mode!r} has no derivative here.'
        )
    a = operand(a)
    m, n = a.shape[-2:]
    square = a[..., :m]  # a matrix wider than high: the rest is in the span of these columns
    z = qr_packed(square)
    q, r = z[..., :m, :], matrix_transpose(z[..., m:, :])
    if n > m:
        r = concatenate([r, matrix_transpose(q) @ a[..., m:]], axis=-1)
    if mode == "r":
        return r
    if mode == "complete" and m > n:
        q = concatenate([q, complement(a, by="qr")], axis=-1)
        r = concatenate([r, np.zeros((*r.shape[:-2], m - n, n), r.dtype)], axis=-2)
    return result_of(np.linalg.qr)(q, r)


# --- eigenvalues of symmetric matrices ------------------------------------------------------


def eigh_rows(x, *, triangle="L"):
    """The eigenvalues above the eigenvectors: (..., n, n) -> (..., 1 + n, n)."""
    w, v = np.linalg.eigh(x, triangle)
    return np.concatenate([w[..., None, :], v], axis=-2)


eigh_packed = general(
    eigh_rows,
    name="eigh",
    samples=[case(DEFINITE[0]), case(DEFINITE), case(DEFINITE[0], triangle="U")],
)


@eigh_packed.vjp
def _(g, z, x, *, triangle):  # Giles 2008, section 3.1
    w, v = z[..., 0, :], z[..., 1:, :]
    gw, gv = g[..., 0, :], g[..., 1:, :]
    turn = times(v.mT @ gv, one_over_gaps("eigh", w, w.shape[-1], gv))
    s = (v * gw[..., None, :] + v @ turn) @ v.mT
    return onto_lower(s) if triangle == "L" else onto_lower(s.mT).mT


def one_over_gaps(name, w, size, *cotangents):
    """1 / (w[j] - w[i]), and nan where they are equal, after the check that nothing needs it."""
    gaps = w[..., None, :] - w[..., :, None]
    equal = np.abs(gaps) <= precision(w, size)[..., None]
    n = w.shape[-1]
    repeated = np.any(equal & ~np.eye(n, dtype=bool), axis=-1)
    for g in cotangents:
        refuse(name, repeated & np.any(g != 0, axis=-2))
    return np.where(np.eye(n), 0, np.where(equal, np.nan, 1 / np.where(equal, 1, gaps)))


@implements(np.linalg.eigh)
def eigh(a, UPLO="L"):  # noqa: N803  (NumPy's name)
    """The eigenvalues, ascending, and the eigenvectors, as columns, of a symmetric matrix.

    As `numpy.linalg.eigh`: only the triangle UPLO, "L" or "U", of `a` is read. The sign of each
    eigenvector is LAPACK's choice; its derivative is that at this choice.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.eigh(mg.Tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Tensor([1., 2.])
    """
    if UPLO not in ("L", "U", "l", "u"):
        raise ValueError(f'eigh: UPLO is "L" (lower triangle) or "U" (upper); got {UPLO!r}.')
    z = eigh_packed(operand(a), triangle=UPLO.upper())
    return result_of(np.linalg.eigh)(z[..., 0, :], z[..., 1:, :])


@implements(np.linalg.eigvalsh)
def eigvalsh(a, UPLO="L"):  # noqa: N803  (NumPy's name)
    """The eigenvalues of a symmetric matrix, ascending. As `numpy.linalg.eigvalsh`.

    The derivative needs the eigenvectors, so they are computed at once: `eigh`.
    """
    return eigh(a, UPLO).eigenvalues


# --- singular values ------------------------------------------------------------------------


def svd_rows(x):
    """U above s above V: (..., m, n) -> (..., m + 1 + n, k), k = min(m, n)."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], vh.mT], axis=-2)


svd_packed = general(
    svd_rows,
    name="svd",
    samples=[case(MATRIX), case(STACK[..., :2]), case(STACK[..., :2, :])],
)


@svd_packed.vjp
def _(g, z, x):  # Townsend 2016, "Differentiating the singular value decomposition"
    (m, n), k = x.shape[-2:], z.shape[-1]
    u, s, v = z[..., :m, :], z[..., m, :], z[..., m + 1 :, :]
    gu, gs, gv = g[..., :m, :], g[..., m, :], g[..., m + 1 :, :]
    gaps = one_over_gaps("svd", s, max(m, n), gu, gv)
    row, column = s[..., None, :], s[..., :, None]
    sums = np.where(row + column == 0, 1, row + column)
    a, b = u.mT @ gu, v.mT @ gv
    inner = times((a - a.mT) / sums, gaps) * row + column * times((b - b.mT) / sums, gaps)
    inner = inner + np.eye(k) * (gs * np.sign(s))[..., None, :]
    result = u @ inner @ v.mT
    if m > k:
        result = result + divided(gu - u @ a, gu, s, max(m, n)) @ v.mT
    if n > k:
        result = result + u @ divided(gv - v @ b, gv, s, max(m, n)).mT
    return result


def divided(columns, g, s, size):
    """Columns divided by their singular values, after the check that none needed is 0."""
    zero = s <= precision(s, size)
    refuse("svd", zero & np.any(g != 0, axis=-2))
    return times(columns, np.where(zero, np.nan, 1 / np.where(zero, 1, s))[..., None, :])


@implements(np.linalg.svd)
def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """U, the singular values, descending, and Vh, with `a = (U * S) @ Vh`.

    As `numpy.linalg.svd`. The vectors that `full_matrices` adds to a matrix that is not square
    are any basis of what is left, from a second decomposition; the derivative is right for what
    does not depend on which. At a singular value of 0 its derivative is taken as 0. With
    `hermitian` only the lower triangle is read, as in NumPy.

    >>> import numpy as np, minigrad as mg
    >>> np.linalg.svd(mg.Tensor([[0.0, 2.0], [1.0, 0.0]])).S
    Tensor([2., 1.])
    """
    a = lower_symmetric(a) if hermitian else operand(a)
    m, n = a.shape[-2:]
    z = svd_packed(a)
    u, s, v = z[..., :m, :], z[..., m, :], z[..., m + 1 :, :]
    if not compute_uv:
        return s
    if full_matrices and m > n:
        u = concatenate([u, complement(a, by="svd")], axis=-1)
    if full_matrices and n > m:
        v = concatenate([v, complement(matrix_transpose(a), by="svd")], axis=-1)
    return result_of(np.linalg.svd)(u, s, matrix_transpose(v))


@implements(np.linalg.svdvals)
def svdvals(x, /):
    """The singular values, descending. As `numpy.linalg.svdvals`.

    The derivative needs the vectors, so they are computed at once: `svd`.
    """
    return svd(x, compute_uv=False)


def basis_of_the_rest(x, *, by):
    """Orthonormal columns that are orthogonal to those of x: (..., m, n) -> (..., m, m - n)."""
    if by == "qr":
        return np.linalg.qr(x, mode="complete")[0][..., x.shape[-1] :]
    return np.linalg.svd(x)[0][..., x.shape[-1] :]


complement = general(  # from z.mT @ x = 0
    basis_of_the_rest,
    lambda g, z, x, by: -(z @ g.mT @ np.linalg.pinv(x).mT),
    samples=[case(MATRIX[:, :2], by="qr"), case(STACK[..., :2], by="svd")],
)
