"""Products, equations, decompositions and norms: NumPy for values, differences for derivatives."""

from itertools import pairwise

import numpy as np
import pytest
from agreement import assert_as_numpy
from differences import assert_derivatives
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

RNG = np.random.default_rng(7)
START = RNG.bit_generator.state
GENERATORS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before():
    RNG.bit_generator.state = START


def normal(*shape):
    return RNG.normal(size=shape)


def invertible(*shape):
    """Square matrices far from singular, with singular values far from each other."""
    u, _, v = np.linalg.svd(normal(*shape))
    return (u * np.linspace(1.0, 3.0, shape[-1])) @ v


def definite(*shape):
    """Symmetric matrices with the eigenvalues 1..3, evenly apart."""
    u, _, _ = np.linalg.svd(normal(*shape))
    return (u * np.linspace(1.0, 3.0, shape[-1])) @ u.mT


def well_apart(m, n, *batch):
    """Matrices of full rank with singular values 1..3, evenly apart."""
    u, _, v = np.linalg.svd(normal(*batch, m, n), full_matrices=False)
    return (u * np.linspace(1.0, 3.0, min(m, n))) @ v


# --- products -------------------------------------------------------------------------------

PRODUCTS = {
    "dot": (np.dot, normal(2, 3), normal(3, 4)),
    "dot of vectors": (np.dot, normal(3), normal(3)),
    "dot by a number": (np.dot, normal(), normal(2, 3)),
    "dot of tensors": (np.dot, normal(2, 3, 4), normal(5, 4, 2)),
    "dot of a tensor and a vector": (np.dot, normal(2, 3, 4), normal(4)),
    "dot of a vector and a tensor": (np.dot, normal(4), normal(5, 4, 2)),
    "vdot": (np.vdot, normal(2, 3), normal(3, 2)),
    "vecdot": (np.vecdot, normal(2, 3), normal(4, 1, 3)),
    "vecdot axis": (lambda x, y: np.vecdot(x, y, axis=0), normal(3, 2), normal(3, 2)),
    "linalg.vecdot": (lambda x, y: np.linalg.vecdot(x, y, axis=1), normal(2, 3), normal(2, 3)),
    "matvec": (lambda x, y: np.matvec(x, y), normal(5, 2, 3), normal(3)),
    "vecmat": (lambda x, y: np.vecmat(x, y), normal(3), normal(5, 3, 2)),
    "inner": (np.inner, normal(2, 3), normal(4, 5, 3)),
    "inner by a number": (np.inner, normal(), normal(2, 3)),
    "outer": (np.outer, normal(2, 2), normal(3)),
    "linalg.outer": (np.linalg.outer, normal(2), normal(3)),
    "matmul": (np.matmul, normal(2, 1, 3, 4), normal(5, 4, 2)),
    "linalg.matmul": (np.linalg.matmul, normal(3, 4), normal(5, 4, 2)),
    "tensordot": (np.tensordot, normal(2, 3, 4), normal(3, 4, 2)),
    "tensordot 0": (lambda x, y: np.tensordot(x, y, 0), normal(2, 3), normal(2)),
    "tensordot axes": (
        lambda x, y: np.tensordot(x, y, ([0, -1], [2, 0])),
        normal(2, 3, 4),
        normal(4, 5, 2),
    ),
    "linalg.tensordot": (lambda x, y: np.linalg.tensordot(x, y, axes=1), normal(2, 3), normal(3)),
    "kron": (np.kron, normal(2, 3), normal(3, 2)),
    "kron of two ranks": (np.kron, normal(2), normal(2, 1, 3)),
    "kron of two ranks, larger first": (np.kron, normal(2, 2, 2), normal(3)),
    "cross": (np.cross, normal(2, 3), normal(4, 1, 3)),
    "cross axes": (
        lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0),
        normal(3, 2),
        normal(2, 3),
    ),
    "linalg.cross": (lambda x, y: np.linalg.cross(x, y, axis=0), normal(3, 2), normal(3, 2)),
    "multi_dot": (
        lambda *xs: np.linalg.multi_dot(xs),
        normal(2, 5),
        normal(5, 1),
        normal(1, 4),
        normal(4, 3),
    ),
    "multi_dot of vectors": (
        lambda *xs: np.linalg.multi_dot(xs),
        normal(3),
        normal(3, 3),
        normal(3),
    ),
    "multi_dot to a vector": (lambda *xs: np.linalg.multi_dot(xs), normal(4, 3), normal(3)),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 5), invertible(2, 3, 3)),
    "matrix_power -3": (lambda x: np.linalg.matrix_power(x, -3), invertible(3, 3)),
    "matrix_power 1": (lambda x: np.linalg.matrix_power(x, 1) * 2, invertible(3, 3)),
    "matrix_power 0": (lambda x: np.linalg.matrix_power(x, 0), invertible(2, 2, 2)),
    "trace": (np.trace, normal(3, 4)),
    "trace of a stack": (lambda x: np.trace(x, 1, 2, 0), normal(3, 2, 4)),
    "linalg.trace": (lambda x: np.linalg.trace(x, offset=-1), normal(2, 3, 4)),
    "linalg.diagonal": (lambda x: np.linalg.diagonal(x, offset=1), normal(2, 3, 4)),
    "matrix_transpose": (np.matrix_transpose, normal(2, 3, 4)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    if name in ("matvec", "vecmat") and not hasattr(np, name):
        pytest.skip("since NumPy 2.2")
    f, *arrays = PRODUCTS[name]
    assert_as_numpy(f, *arrays)
    assert_derivatives(f, *arrays)


@given(GENERATORS, st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.data())
def test_tensordot_over_any_axes(rng, number, left, right, data):
    lengths = rng.integers(0, 4, number)
    a_axes = data.draw(st.permutations(range(number + left)))[:number]
    b_axes = data.draw(st.permutations(range(number + right)))[:number]
    shapes = [rng.integers(1, 4, number + left), rng.integers(1, 4, number + right)]
    shapes[0][a_axes], shapes[1][b_axes] = lengths, lengths
    x, y = (rng.normal(size=shape) for shape in shapes)
    axes = (list(a_axes), [i - (number + right) for i in b_axes])
    assert_as_numpy(lambda x, y: np.tensordot(x, y, axes), x, y)
    assert_derivatives(lambda x, y: np.tensordot(x, y, axes), x, y)


@pytest.mark.parametrize("sizes", [(10, 100, 5, 50), (3, 1, 4, 1, 5, 9), (2, 9, 2, 9, 2)])
def test_multi_dot_takes_the_fewest_multiplications(sizes):
    def cost(order_of):  # of every way to put the brackets
        def chain(i, j):
            if i == j:
                yield 0
            for k in range(i, j):
                for left in chain(i, k):
                    for right in chain(k + 1, j):
                        yield left + right + sizes[i] * sizes[k + 1] * sizes[j + 1]

        return min(chain(0, order_of - 1))

    z = np.linalg.multi_dot([mg.Tensor(np.ones(s), requires_grad=True) for s in pairwise(sizes)])
    assert multiplications(z) == cost(len(sizes) - 1)


def multiplications(z):
    """How many numbers are multiplied by the matrix products in the graph of z."""
    if z.op is None:
        return 0
    x, y = z.inputs
    return x.shape[0] * x.shape[1] * y.shape[1] + multiplications(x) + multiplications(y)


# --- einsum ---------------------------------------------------------------------------------

EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ba,ca": [(2, 3), (4, 3)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "iij->j": [(3, 3, 2)],
    "iii->i": [(3, 3, 3)],
    "iji->j": [(3, 2, 3)],
    "ij->": [(2, 3)],
    "ij->ji": [(2, 3)],
    "i,j->ij": [(2,), (3,)],
    "i,i,i->i": [(3,), (3,), (3,)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)],
    "ij,kl->i": [(2, 3), (4, 2)],
    "...ij,...jk->...ik": [(5, 2, 3), (3, 4)],
    "i...,...i": [(3, 2), (4, 1, 3)],
    "...": [(2, 3)],
    "...i->...": [(2, 3)],
    "i...->...": [(2, 3)],
    "...ii->...i": [(2, 3, 3)],
    " a b , b -> a ": [(2, 3), (3,)],
    "ij,ij->ij": [(1, 3), (2, 3)],
    "ij,jk->ki": [(2, 1), (3, 4)],
    "...,...": [(2, 1), (3,)],
    ",ij->ji": [(), (2, 3)],
    "Ba,aB->aB": [(2, 3), (3, 2)],
}


@pytest.mark.parametrize("optimize", [False, True, "greedy"])
@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum(subscripts, optimize):
    def f(*arrays):
        return np.einsum(subscripts, *arrays, optimize=optimize)

    arrays = [normal(*shape) for shape in EINSUMS[subscripts]]
    assert_as_numpy(f, *arrays)
    assert_derivatives(f, *arrays)


@given(GENERATORS, st.data())
def test_random_einsums(rng, data):
    letters = "abcd"
    terms = data.draw(st.lists(st.text(letters, max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    arrow = data.draw(st.booleans())
    result = "->" + "".join(data.draw(st.permutations(used)))[: data.draw(st.integers(0, 3))]
    subscripts = ",".join(terms) + (result if arrow else "")
    sizes = dict(zip(letters, rng.integers(1, 4, len(letters)), strict=True))
    arrays = [rng.normal(size=[sizes[a] for a in term]) for term in terms]
    assert_as_numpy(lambda *xs: np.einsum(subscripts, *xs), *arrays)
    assert_derivatives(lambda *xs: np.einsum(subscripts, *xs), *arrays)


def test_einsum_with_lists_for_letters():
    x, y = normal(2, 3), normal(3, 4)
    for f in (
        lambda x, y: np.einsum(x, [0, 1], y, [1, 2]),
        lambda x, y: np.einsum(x, [0, 30], y, [30, 2], [2, 0]),
        lambda x, y: np.einsum(x, [..., 5], y, [5, 2], [..., 2]),
    ):
        assert_as_numpy(f, x, y)
        assert_derivatives(f, x, y)


def test_einsum_with_a_given_path():
    arrays = [normal(2, 3), normal(3, 4), normal(4, 2)]
    path = np.einsum_path("ij,jk,kl->il", *arrays)[0]
    assert_derivatives(lambda *xs: np.einsum("ij,jk,kl->il", *xs, optimize=path), *arrays)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3)], "2 terms, but 1 arrays"),
        ("ij->i", [(2, 3, 4)], "names 2 axes"),
        ("ij,jk", [(2, 3), (4, 5)], "'j' stands for axes of length 3 and 4"),
        ("ii", [(2, 3)], "diagonal"),
        ("ij->ik", [(2, 3)], "each from a term"),
        ("ij->ii", [(2, 3)], "must be different"),
        ("...i->i", [(2, 3)], "needs '...'"),
        ("i*->i", [(2, 3)], "no letters"),
    ],
)
def test_einsum_says_what_does_not_fit(subscripts, shapes, message):
    arrays = [np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        np.einsum(subscripts, *[mg.Tensor(a) for a in arrays])
    with pytest.raises(ValueError, match=r"ein|operand|dimension"):  # NumPy refuses it as well
        np.einsum(subscripts, *arrays)


# --- equations and determinants -------------------------------------------------------------

EQUATIONS = {
    "inv": (np.linalg.inv, invertible(2, 3, 3)),
    "pinv, tall": (np.linalg.pinv, well_apart(4, 2, 3)),
    "pinv, wide": (np.linalg.pinv, well_apart(2, 4)),
    "pinv, square": (lambda x: np.linalg.pinv(x, rcond=1e-9), well_apart(3, 3)),
    "pinv, rtol": (lambda x: np.linalg.pinv(x, rtol=1e-9), well_apart(3, 2)),
    "pinv, hermitian": (lambda x: np.linalg.pinv(x, hermitian=True), definite(3, 3)),
    "det": (np.linalg.det, invertible(2, 3, 3)),
    "det of 1 x 1": (np.linalg.det, normal(1, 1)),
    "det of 0 x 0": (np.linalg.det, normal(2, 0, 0)),
    "det of larger matrices": (np.linalg.det, invertible(2, 6, 6)),
    "solve": (np.linalg.solve, invertible(3, 3), normal(3, 2)),
    "solve for a vector": (np.linalg.solve, invertible(3, 3), normal(3)),
    "solve a stack for a vector": (np.linalg.solve, invertible(2, 3, 3), normal(3)),
    "solve a stack": (np.linalg.solve, invertible(2, 1, 3, 3), normal(4, 3, 2)),
    "tensorinv": (np.linalg.tensorinv, invertible(6, 6).reshape(2, 3, 6)),
    "tensorinv 1": (lambda x: np.linalg.tensorinv(x, 1), invertible(6, 6).reshape(6, 3, 2)),
    "tensorsolve": (np.linalg.tensorsolve, invertible(6, 6).reshape(2, 3, 6), normal(2, 3)),
    "tensorsolve axes": (
        lambda x, y: np.linalg.tensorsolve(x, y, axes=(0, 2)),
        invertible(6, 6).reshape(2, 3, 2, 3).transpose(2, 0, 3, 1),
        normal(2, 3),
    ),
    "lstsq, tall": (lambda x, y: np.linalg.lstsq(x, y)[0], well_apart(4, 2), normal(4, 3)),
    "lstsq, residuals": (lambda x, y: np.linalg.lstsq(x, y)[1], well_apart(4, 2), normal(4)),
    "lstsq, wide": (lambda x, y: np.linalg.lstsq(x, y)[0], well_apart(2, 4), normal(2)),
    "lstsq, singular values": (lambda x: np.linalg.lstsq(x, np.ones(2))[3], well_apart(2, 4)),
    "slogdet": (lambda x: np.linalg.slogdet(x).logabsdet, invertible(2, 3, 3)),
    "cond": (np.linalg.cond, well_apart(4, 2, 2)),
    "cond -2": (lambda x: np.linalg.cond(x, -2), well_apart(2, 3)),
    "cond fro": (lambda x: np.linalg.cond(x, "fro"), invertible(2, 3, 3)),
    "cond 1": (lambda x: np.linalg.cond(x, 1), invertible(3, 3)),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_equations(name):
    f, *arrays = EQUATIONS[name]
    assert_as_numpy(f, *arrays, rtol=1e-10)
    assert_derivatives(f, *arrays)


def test_results_of_several_parts_are_as_numpys():
    x = definite(2, 3, 3)
    for f in (np.linalg.slogdet, np.linalg.eigh, np.linalg.svd, np.linalg.qr):
        assert_as_numpy(f, x, rtol=1e-10)
    assert_as_numpy(np.linalg.lstsq, normal(4, 2), normal(4, 3), rtol=1e-10)
    assert_as_numpy(np.linalg.lstsq, normal(2, 4), normal(2), rtol=1e-10)
    assert_as_numpy(np.linalg.lstsq, np.ones((4, 2)), normal(4), rtol=1e-10)


@given(GENERATORS, st.integers(0, 4), st.integers(0, 2))
def test_the_determinants_derivatives_are_right_at_any_rank(rng, n, rank):
    x = rng.normal(size=(n, min(n, rank))) @ rng.normal(size=(min(n, rank), n))
    assert_derivatives(np.linalg.det, x)
    assert_derivatives(mg.grad(np.linalg.det), x)  # the third as well


def test_the_determinant_of_some_singular_matrices_in_a_stack():
    for n in (3, 6):
        x = np.stack([np.ones((n, n)), invertible(n, n)])
        x[0, 2:] += normal(n - 2, n)  # of rank n - 1
        assert_derivatives(np.linalg.det, x)


SINGULAR = np.outer([1.0, 2.0], [2.0, 4.0])


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        lambda x: np.linalg.solve(x, np.ones(2)),
        lambda x: np.linalg.solve(x, np.ones((2, 2))),
        lambda x: np.linalg.matrix_power(x, -1),
        lambda x: np.linalg.tensorinv(x, 1),
        lambda x: np.linalg.cond(x, 1),
        mg.grad(lambda x: np.linalg.slogdet(x).logabsdet),
        mg.grad(lambda x: np.linalg.qr(x[:, :1] * [1.0, 0.0]).R.sum()),
    ],
)
def test_a_singular_matrix_raises_numpys_error(f):
    with pytest.raises(np.linalg.LinAlgError):
        f(mg.Tensor(SINGULAR, requires_grad=True))


@pytest.mark.parametrize(
    ("f", "shapes", "kind", "message"),
    [
        (np.linalg.inv, [(2, 3)], np.linalg.LinAlgError, "square"),
        (np.linalg.det, [(2, 3)], np.linalg.LinAlgError, "square"),
        (np.linalg.solve, [(2, 3), (2,)], np.linalg.LinAlgError, "square"),
        (np.linalg.solve, [(2, 2), (3,)], mg.errors.ShapeError, "2 unknowns need 2 rows"),
        (np.linalg.solve, [(5, 2, 2), (4, 2, 1)], mg.errors.ShapeError, "do not broadcast"),
        (lambda x: np.linalg.matrix_power(x, 2), [(2, 3)], np.linalg.LinAlgError, "square"),
        (lambda x: np.linalg.matrix_power(x, 0.5), [(2, 2)], TypeError, "float"),
        (np.linalg.cholesky, [(2, 2)], np.linalg.LinAlgError, "positive definite"),
        (lambda *xs: np.linalg.multi_dot(xs), [(2, 2)], ValueError, "two arrays"),
        (
            lambda *x: np.linalg.multi_dot(x),
            [(2, 2), (2,), (2, 2)],
            np.linalg.LinAlgError,
            "vector",
        ),
        (np.linalg.lstsq, [(3, 2), (2,)], np.linalg.LinAlgError, "one matrix"),
        (np.linalg.tensorsolve, [(2, 3), (2,)], np.linalg.LinAlgError, "2 equations for 3"),
        (np.linalg.cond, [(0, 2)], np.linalg.LinAlgError, "empty"),
        (lambda x: np.linalg.norm(x, 3), [(2, 2)], ValueError, "order 3"),
        (lambda x: np.linalg.norm(x, "fro"), [(2,)], ValueError, "'fro'"),
        (lambda x: np.linalg.norm(x, 2), [(2, 2, 2)], ValueError, "3 axes"),
        (lambda x: np.linalg.qr(x, "raw"), [(2, 2)], ValueError, "raw"),
        (lambda x: np.linalg.eigh(x, "X"), [(2, 2)], ValueError, "UPLO"),
        (np.cross, [(2,), (2,)], mg.errors.ShapeError, "3 components"),
        (np.tensordot, [(2, 3), (3, 2)], mg.errors.ShapeError, "must match"),
        (np.vecdot, [(2,), (3,)], mg.errors.ShapeError, "one length"),
        (np.linalg.outer, [(2, 2), (3,)], mg.errors.ShapeError, "two vectors"),
        (np.diagonal, [(2,)], mg.errors.ShapeError, "two axes"),
        (np.linalg.eig, [(2, 2)], mg.errors.LeavesGraphError, "eig"),
    ],
)
def test_what_does_not_fit_is_refused(f, shapes, kind, message):
    with pytest.raises(kind, match=message):
        f(*[mg.Tensor(np.ones(shape), requires_grad=True) for shape in shapes])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, out: np.dot(x, x, out),
        lambda x, out: np.dot(x, x, out=out),
        lambda x, out: np.outer(x, x, out=out),
        lambda x, out: np.trace(x, out=out),
        lambda x, out: np.einsum("ij->ji", x, out=out),
        lambda x, out: np.linalg.multi_dot([x, x], out=out),
        lambda x, out: np.matmul(x, x, out=out),
    ],
)
def test_out_is_refused(f):
    with pytest.raises(TypeError, match="out="):
        f(mg.Tensor(np.ones((2, 2)), requires_grad=True), np.empty((2, 2)))


# --- decompositions -------------------------------------------------------------------------


DECOMPOSITIONS = {
    "cholesky": (np.linalg.cholesky, definite(2, 3, 3)),
    "cholesky, upper": (lambda x: np.linalg.cholesky(x, upper=True), definite(3, 3)),
    "eigvalsh": (np.linalg.eigvalsh, definite(2, 3, 3)),
    "eigvalsh, upper": (lambda x: np.linalg.eigvalsh(x, "U"), definite(3, 3)),
    "eigh, values": (lambda x: np.linalg.eigh(x)[0], definite(3, 3)),
    "eigh, squared vectors": (lambda x: np.linalg.eigh(x)[1] ** 2, definite(2, 3, 3)),
    "eigh, squared vectors, upper": (lambda x: np.linalg.eigh(x, "U")[1] ** 2, definite(3, 3)),
    "eigh, vectors": (lambda x: np.linalg.eigh(x)[1], definite(4, 4)),
    "svdvals": (np.linalg.svdvals, well_apart(3, 2, 2)),
    "svd, values": (lambda x: np.linalg.svd(x, compute_uv=False), well_apart(2, 3)),
    "svd, U, tall": (lambda x: np.linalg.svd(x, False)[0], well_apart(4, 2)),
    "svd, Vh, tall": (lambda x: np.linalg.svd(x, False)[2], well_apart(4, 2)),
    "svd, U, wide": (lambda x: np.linalg.svd(x, False)[0], well_apart(2, 4, 2)),
    "svd, Vh, wide": (lambda x: np.linalg.svd(x, False)[2], well_apart(2, 4)),
    "svd, U, square": (lambda x: np.linalg.svd(x)[0], well_apart(3, 3)),
    "svd, Vh, square": (lambda x: np.linalg.svd(x)[2], well_apart(3, 3, 2)),
    "svd, hermitian": (lambda x: np.linalg.svd(x, hermitian=True)[0] ** 2, definite(3, 3)),
    "qr, Q, square": (lambda x: np.linalg.qr(x)[0], well_apart(3, 3, 2)),
    "qr, Q, tall": (lambda x: np.linalg.qr(x)[0], well_apart(4, 2, 2)),
    "qr, Q, wide": (lambda x: np.linalg.qr(x)[0], well_apart(2, 4)),
    "qr, R, tall": (lambda x: np.linalg.qr(x)[1], well_apart(4, 2)),
    "qr, R, wide": (lambda x: np.linalg.qr(x)[1], well_apart(2, 4, 2)),
    "qr, R alone": (lambda x: np.linalg.qr(x, mode="r"), well_apart(4, 2)),
    "qr, R, complete": (lambda x: np.linalg.qr(x, mode="complete")[1], well_apart(4, 2)),
    "qr, Q, complete": (lambda x: np.linalg.qr(x, mode="complete")[0], well_apart(3, 2)),
}


@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_decompositions(name):
    f, x = DECOMPOSITIONS[name]
    assert_as_numpy(f, x, rtol=1e-10, atol=1e-11)
    assert_derivatives(f, x)


def projection(vectors):
    return vectors @ vectors.mT


@pytest.mark.parametrize(
    "f",
    [
        lambda x: projection(np.linalg.svd(x)[0][:, 2:]),
        lambda x: projection(np.linalg.qr(x, mode="complete")[0][:, 2:]),
        lambda x: projection(np.linalg.svd(x.T)[2][2:].T),
    ],
)
def test_the_added_columns_span_what_is_left_whatever_basis_they_are(f):
    x = well_apart(5, 2)
    assert_as_numpy(f, x)
    assert_derivatives(f, x)


@given(GENERATORS, st.integers(1, 4), st.integers(1, 4))
def test_decompositions_multiply_to_what_they_are_of(rng, m, n):
    x = mg.Tensor(rng.normal(size=(2, m, n)))
    q, r = np.linalg.qr(x)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    for product in (q @ r, (u * s[:, None, :]) @ vh):
        np.testing.assert_allclose(product.numpy(), x.numpy(), atol=1e-12)
    assert np.linalg.svd(x).U.shape == (2, m, m)
    assert np.linalg.svd(x).Vh.shape == (2, n, n)


def test_the_gradient_of_a_symmetric_function_is_in_the_triangle_that_is_read():
    x = definite(3, 3)
    lower = mg.grad(lambda x: np.log(np.linalg.eigvalsh(x)).sum())(x)
    upper = mg.grad(lambda x: np.log(np.linalg.eigvalsh(x, "U")).sum())(x)
    symmetric = mg.grad(lambda x: np.log(np.linalg.eigvalsh((x + x.T) / 2)).sum())(x)
    inverse = np.linalg.inv(x)
    np.testing.assert_allclose(lower, np.tril(inverse) + np.tril(inverse, -1), atol=1e-12)
    np.testing.assert_allclose(upper, lower.T, atol=1e-12)
    np.testing.assert_allclose(symmetric, inverse, atol=1e-12)


def test_values_that_repeat_have_derivatives_and_their_vectors_have_none():
    x = np.diag([1.0, 2.0, 2.0])
    np.testing.assert_allclose(mg.grad(lambda x: np.linalg.eigvalsh(x).sum())(x), np.eye(3))
    np.testing.assert_allclose(mg.grad(lambda x: np.linalg.svdvals(x).sum())(x), np.eye(3))
    single = mg.grad(lambda x: np.linalg.eigh(x)[1][1, 0])(x)  # of the value that does not repeat
    np.testing.assert_allclose(single, [[0, 0, 0], [-1, 0, 0], [0, 0, 0]], atol=1e-12)
    for f in (np.linalg.eigh, np.linalg.svd):
        with pytest.raises(np.linalg.LinAlgError, match=r"values \[[01], [12]\] are equal"):
            mg.grad(lambda x, f=f: f(x)[-1 if f is np.linalg.eigh else 0].sum())(x)


def test_values_that_repeat_up_to_rounding_count_as_equal():
    turn = np.linalg.qr(normal(9, 3, 3)).Q
    stack = turn * [1.0, 2.0, 2.0] @ turn.mT
    assert np.ptp(np.linalg.eigvalsh(stack)[:, 1:], axis=1).any()
    for x in stack:
        with pytest.raises(np.linalg.LinAlgError, match="not determined"):
            mg.grad(lambda x: np.linalg.eigh(x)[1].sum())(x)


def test_vectors_of_a_singular_value_of_0_have_no_derivative():
    x = np.outer([1.0, 2.0, 2.0], [1.0, 1.0])
    assert np.isfinite(mg.grad(lambda x: np.linalg.svdvals(x).sum())(x)).all()
    with pytest.raises(np.linalg.LinAlgError, match=r"values \[1\] are equal to others or 0"):
        mg.grad(lambda x: np.linalg.svd(x, full_matrices=False).U.sum())(x)


def test_forward_mode_gives_nan_for_vectors_that_are_not_determined_and_only_there():
    x, change = np.diag([1.0, 2.0, 2.0]), normal(3, 3)
    w, v = mg.jvp(np.linalg.eigh, (x,), (change,))[1]
    np.testing.assert_allclose(w, np.diag(change), atol=1e-12)
    assert np.isnan(v[:, 1:]).any()
    assert np.isfinite(v[:, 0]).all()
    u, s, _ = mg.jvp(np.linalg.svd, (x,), (change,))[1]
    np.testing.assert_allclose(s, np.diag(change)[[1, 2, 0]], atol=1e-12)
    assert np.isnan(u[:, :2]).any()
    assert np.isfinite(u[:, 2]).all()


@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_third_derivatives_of_decompositions(name):
    f, x = DECOMPOSITIONS[name]
    weights = normal(*f(x).shape)
    assert_derivatives(mg.grad(lambda x: np.sum(weights * f(x))), x)


# --- norms ----------------------------------------------------------------------------------

VECTOR_ORDERS = [None, 1, 2, 3, 1.5, 0.5, -1, -2, 0, np.inf, -np.inf]
MATRIX_ORDERS = [None, "fro", "f", "nuc", 1, 2, -1, -2, np.inf, -np.inf]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("order", VECTOR_ORDERS)
def test_norms_of_vectors(order, keepdims):
    def f(x):
        return np.linalg.norm(x, order, 1, keepdims)

    x = normal(2, 3, 2)
    x = x + np.sign(x)  # away from the kink
    assert_as_numpy(f, x)
    assert_derivatives(f, x)
    assert_as_numpy(lambda x: np.linalg.norm(x, order), normal(4))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("order", MATRIX_ORDERS)
def test_norms_of_matrices(order, keepdims):
    def f(x):
        return np.linalg.norm(x, order, (2, 0), keepdims)

    x = np.moveaxis(well_apart(2, 3, 2), 0, 1)
    assert_as_numpy(f, x)
    assert_derivatives(f, x)
    assert_as_numpy(lambda x: np.linalg.norm(x, order), well_apart(3, 2))


def test_norms_of_the_array_api():
    x = normal(2, 3, 4)
    for f in (
        np.linalg.norm,
        lambda x: np.linalg.norm(x, keepdims=True),
        np.linalg.vector_norm,
        lambda x: np.linalg.vector_norm(x, axis=(0, 2), keepdims=True, ord=3),
        lambda x: np.linalg.vector_norm(x, axis=-1, ord=1),
        np.linalg.matrix_norm,
        lambda x: np.linalg.matrix_norm(x, ord="nuc", keepdims=True),
    ):
        assert_as_numpy(f, x)
        assert_derivatives(f, x)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, 0.5, 0, np.inf, -np.inf])
def test_the_gradient_of_a_norm_at_zero_is_zero(order):
    x = np.zeros((2, 3))
    f = lambda x: np.linalg.norm(x, order, axis=1).sum()  # noqa: E731
    np.testing.assert_array_equal(mg.grad(f)(x), x)
    np.testing.assert_array_equal(mg.hessian(f)(x), np.zeros((2, 3, 2, 3)))


@pytest.mark.parametrize("order", ["fro", "nuc", 1, 2, -2, np.inf])
def test_the_gradient_of_a_matrix_norm_at_zero_is_zero(order):
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(mg.grad(lambda x: np.linalg.norm(x, order))(x), x)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, 2, np.inf])
def test_norms_of_empty_matrices(order):
    for shape in ((0, 2), (2, 0), (0, 0)):
        assert_as_numpy(lambda x: np.linalg.norm(x, order), np.zeros(shape))
    if not isinstance(order, str):
        assert_as_numpy(lambda x: np.linalg.norm(x, order, axis=0), np.zeros((0, 2)))


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.det, np.linalg.svdvals, np.linalg.eigvalsh])
def test_empty_stacks_of_matrices(f):
    assert_as_numpy(f, np.zeros((0, 3, 3)))
    assert mg.vjp(f, np.zeros((0, 3, 3)))[1](f(np.zeros((0, 3, 3))))[0].shape == (0, 3, 3)


def test_some_vectors_of_zeros_among_others():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = mg.grad(lambda x: np.linalg.norm(x, axis=-1).sum())(x)
    np.testing.assert_allclose(found, [[0, 0], [0.6, 0.8]])
    found = mg.grad(lambda x: np.linalg.norm(x, 3, axis=-1).sum())(np.array([[0.0, 2.0]]))
    np.testing.assert_allclose(found, [[0, 1]])


# --- all of them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        np.linalg.det,
        np.linalg.pinv,
        lambda x: np.linalg.solve(x, x[0]),
        lambda x: np.linalg.slogdet(x).logabsdet,
        np.linalg.cholesky,
        lambda x: np.linalg.qr(x).Q,
        lambda x: np.linalg.eigh(x)[1],
        np.linalg.svdvals,
        lambda x: np.linalg.norm(x, "nuc"),
        lambda x: np.linalg.norm(x, 3, axis=0),
        lambda x: np.einsum("ij,jk->", x, x),
        lambda x: np.kron(x, x),
    ],
)
def test_float32_stays_float32(f):
    x = mg.Tensor(definite(3, 3), dtype=np.float32, requires_grad=True)
    z = f(x)
    z.backward(np.ones(z.shape))
    assert z.dtype == x.grad.dtype == np.float32
    expected = mg.grad(lambda x: f(x).sum())(x.numpy().astype(float))
    np.testing.assert_allclose(x.grad, expected, rtol=2e-3, atol=2e-3)


@given(GENERATORS, hnp.array_shapes(min_dims=1, max_dims=2, max_side=3), st.booleans())
def test_layouts_of_the_input_do_not_matter(rng, batch, fortran):
    x = definite(*batch, 3, 3)
    odd = np.asfortranarray(x) if fortran else np.repeat(x[..., ::-1, ::-1], 2, axis=-1)[..., ::2]
    odd.flags.writeable = False
    straight = np.ascontiguousarray(odd)
    for f in (np.linalg.inv, np.linalg.det, np.linalg.eigvalsh):
        _, pullback = mg.vjp(f, odd)
        _, same_pullback = mg.vjp(f, straight)
        g = rng.normal(size=np.shape(f(straight)))
        np.testing.assert_allclose(pullback(g)[0], same_pullback(g)[0], atol=1e-12)


# --- PyTorch as a second opinion --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "torch_name"),
    [
        ("inv", "inv"),
        ("det", "det"),
        ("pinv", "pinv"),
        ("svdvals", "svdvals"),
        ("matrix_norm", "matrix_norm"),
        ("vector_norm", "vector_norm"),
    ],
)
def test_as_pytorch(name, torch_name):
    torch = pytest.importorskip("torch")
    x = invertible(2, 3, 3)
    z, pullback = mg.vjp(getattr(np.linalg, name), x)
    g = normal(*np.shape(z))
    theirs = torch.tensor(x, requires_grad=True)
    out = getattr(torch.linalg, torch_name)(theirs)
    out.backward(torch.tensor(g))
    np.testing.assert_allclose(z, out.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(pullback(g)[0], theirs.grad.numpy(), rtol=1e-9, atol=1e-11)
