"""Shape, joining, splitting, padding, diagonals: all of it exactly what NumPy does."""

import inspect

import numpy as np
import pytest
from agreement import assert_as_numpy
from differences import assert_derivatives
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.core.registry import publish

RNG = np.random.default_rng(11)
START = RNG.bit_generator.state
GENERATORS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before():
    RNG.bit_generator.state = START


def normal(*shape):
    return RNG.normal(size=shape)


def check(f, *arrays):
    assert_as_numpy(f, *arrays)
    assert_derivatives(lambda *xs: together(f(*xs)), *arrays)


def together(parts):
    """All values of several results as one vector."""
    if not isinstance(parts, list | tuple):
        return parts
    return np.concatenate([np.ravel(part) for part in parts])


CALLS = {
    # shape and axes
    "reshape": (lambda x: np.reshape(x, (3, -1)), normal(2, 6)),
    "reshape F": (lambda x: np.reshape(x, (3, 4), order="F"), normal(2, 6)),
    "ravel": (np.ravel, normal(2, 3)),
    "ravel F": (lambda x: np.ravel(x, "F"), normal(2, 3)),
    "transpose": (np.transpose, normal(2, 3, 4)),
    "transpose axes": (lambda x: np.transpose(x, (1, -1, 0)), normal(2, 3, 4)),
    "permute_dims": (lambda x: np.permute_dims(x, (2, 0, 1)), normal(2, 3, 4)),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), normal(2, 3, 4)),
    "moveaxis": (lambda x: np.moveaxis(x, [0, 1], [-1, 0]), normal(2, 3, 4)),
    "expand_dims": (lambda x: np.expand_dims(x, (0, -1)), normal(2, 3)),
    "squeeze": (np.squeeze, normal(1, 2, 1)),
    "squeeze axis": (lambda x: np.squeeze(x, -1), normal(1, 2, 1)),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 4)), normal(3, 1)),
    "broadcast_arrays": (np.broadcast_arrays, normal(3, 1), normal(2)),
    "meshgrid": (np.meshgrid, normal(2), normal(3)),
    "meshgrid of three": (lambda *xs: np.meshgrid(*xs), normal(2), normal(3), normal(2, 2)),
    "meshgrid ij": (lambda *xs: np.meshgrid(*xs, indexing="ij"), normal(2), normal(3)),
    "meshgrid sparse": (lambda *xs: np.meshgrid(*xs, sparse=True), normal(2), normal(3)),
    "meshgrid of one": (np.meshgrid, normal(2)),
    **{
        f"atleast_{n}d of {ndim}": (f, normal(*(2, 3, 4, 2)[:ndim]))
        for n, f in ((1, np.atleast_1d), (2, np.atleast_2d), (3, np.atleast_3d))
        for ndim in range(5)
    },
    "atleast_2d of two": (np.atleast_2d, normal(), normal(3)),
    # order
    "flip": (np.flip, normal(2, 3)),
    "flip axes": (lambda x: np.flip(x, (0, -1)), normal(2, 3, 2)),
    "flipud": (np.flipud, normal(3)),
    "fliplr": (np.fliplr, normal(2, 3, 2)),
    "roll": (lambda x: np.roll(x, 2), normal(2, 3)),
    "roll axis": (lambda x: np.roll(x, -1, axis=1), normal(2, 3)),
    "roll axes": (lambda x: np.roll(x, (1, 2), axis=(1, 0)), normal(2, 3)),
    "roll twice along an axis": (lambda x: np.roll(x, 1, axis=(0, 0)), normal(3, 2)),
    **{
        f"rot90 {k}": (lambda x, k=k: np.rot90(x, k, (1, 2)), normal(2, 3, 4)) for k in range(-1, 4)
    },
    # joining
    "concatenate": (lambda *xs: np.concatenate(xs), normal(2, 3), normal(1, 3)),
    "concatenate -1": (lambda *xs: np.concatenate(xs, axis=-1), normal(2, 3), normal(2, 0)),
    "concatenate flat": (lambda *xs: np.concatenate(xs, axis=None), normal(2, 3), normal(2)),
    "concatenate float32": (lambda *xs: np.concatenate(xs, dtype=np.float64), normal(2), normal(1)),
    "concat": (lambda *xs: np.concat(xs, 1), normal(2, 1), normal(2, 2)),
    "concatenate one array": (np.concatenate, normal(2, 3, 2)),
    "stack": (lambda *xs: np.stack(xs, axis=-1), normal(2, 3), normal(2, 3)),
    "vstack": (lambda *xs: np.vstack(xs), normal(3), normal(2, 3)),
    "hstack": (lambda *xs: np.hstack(xs), normal(3), normal()),
    "hstack of matrices": (lambda *xs: np.hstack(xs), normal(2, 1), normal(2, 3)),
    "dstack": (lambda *xs: np.dstack(xs), normal(2, 3), normal(2, 3, 2)),
    "column_stack": (lambda *xs: np.column_stack(xs), normal(3), normal(3, 2)),
    "block": (lambda x, y: np.block([[x, y], [y.T, x.T]]), normal(2, 2), normal(2, 2)),
    "block of one depth more": (lambda x, y: np.block([[[x]], [[y]]]), normal(2), normal(2)),
    "block of a row": (lambda x, y: np.block([x, y]), normal(2, 1), normal(2, 3)),
    "block of one": (np.block, normal(3)),
    "append": (np.append, normal(2, 3), normal(2)),
    "append axis": (lambda x, y: np.append(x, y, axis=0), normal(2, 3), normal(1, 3)),
    # splitting
    "split": (lambda x: np.split(x, 2), normal(4, 3)),
    "split at": (lambda x: np.split(x, [1, 1, 5], axis=1), normal(2, 4)),
    "split backwards": (lambda x: np.split(x, [3, 1]), normal(4)),
    "array_split": (lambda x: np.array_split(x, 3, axis=-1), normal(2, 4)),
    "hsplit": (lambda x: np.hsplit(x, 2), normal(2, 4)),
    "hsplit of a vector": (lambda x: np.hsplit(x, [1]), normal(3)),
    "vsplit": (lambda x: np.vsplit(x, 2), normal(4, 2)),
    "dsplit": (lambda x: np.dsplit(x, [1]), normal(2, 1, 3)),
    "unstack": (lambda x: np.unstack(x, axis=1), normal(2, 3)),
    # repeating
    "tile": (lambda x: np.tile(x, (2, 3)), normal(2, 2)),
    "tile more axes": (lambda x: np.tile(x, (2, 1, 2)), normal(3)),
    "tile fewer axes": (lambda x: np.tile(x, 2), normal(2, 3)),
    "tile none": (lambda x: np.tile(x, 0), normal(2)),
    "repeat": (lambda x: np.repeat(x, 2), normal(2, 2)),
    "repeat axis": (lambda x: np.repeat(x, 2, axis=-1), normal(2, 2)),
    "repeat each": (lambda x: np.repeat(x, [2, 0, 1], axis=0), normal(3, 2)),
    # diagonals and triangles
    "diag of a vector": (lambda x: np.diag(x, -1), normal(3)),
    "diag of a matrix": (lambda x: np.diag(x, 1), normal(3, 4)),
    "diagonal": (lambda x: np.diagonal(x, 1, 2, 0), normal(3, 2, 4)),
    "diagonal beyond": (lambda x: np.diagonal(x, -5), normal(3, 3)),
    "diagflat": (lambda x: np.diagflat(x, 1), normal(2, 2)),
    "tril": (np.tril, normal(2, 3, 4)),
    "tril above": (lambda x: np.tril(x, 1), normal(3, 4)),
    "triu": (lambda x: np.triu(x, -1), normal(3, 4)),
    "triu of a vector": (lambda x: np.triu(x, 1), normal(3)),
    "tril of a vector": (np.tril, normal(3)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    if name == "unstack" and not hasattr(np, name):
        pytest.skip("since NumPy 2.1")
    f, *arrays = CALLS[name]
    check(f, *arrays)


@pytest.mark.parametrize("start", range(-2, 4))
@pytest.mark.parametrize("axis", range(-3, 3))
def test_rollaxis(axis, start):
    assert_as_numpy(lambda x: np.rollaxis(x, axis, start), normal(2, 3, 4))


@given(SHAPES, GENERATORS, st.data())
def test_reordering_any_axes(shape, rng, data):
    ndim = len(shape)
    x = rng.normal(size=shape)
    source = data.draw(st.lists(st.integers(0, ndim - 1), unique=True))
    destination = data.draw(st.permutations(range(ndim)))[: len(source)]
    flipped = data.draw(st.none() | st.just(tuple(i - ndim for i in source)))
    shifts = rng.integers(-5, 6, len(source)).tolist()
    check(lambda x: np.moveaxis(x, source, destination), x)
    check(lambda x: np.flip(x, flipped), x)
    check(lambda x: np.roll(x, shifts, source), x)


@given(SHAPES, GENERATORS, st.data())
def test_splitting_joins_to_what_it_was(shape, rng, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    cuts = data.draw(st.integers(1, 5) | st.lists(st.integers(-6, 6)).map(sorted))
    x = rng.normal(size=shape)
    check(lambda x: np.array_split(x, cuts, axis), x)
    if isinstance(cuts, int):
        parts = np.array_split(mg.Tensor(x), cuts, axis)
        np.testing.assert_array_equal(np.concatenate(parts, axis).numpy(), x)


@given(SHAPES, GENERATORS, st.data())
def test_repeating(shape, rng, data):
    x = rng.normal(size=shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    repeats = rng.integers(0, 3, shape[axis]).tolist()
    reps = data.draw(st.lists(st.integers(0, 3), max_size=4))
    check(lambda x: np.repeat(x, repeats, axis), x)
    check(lambda x: np.tile(x, reps), x)


def test_joining_keeps_to_numpys_dtypes():
    x = mg.Tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    assert np.concatenate([x, x]).dtype == np.float32
    assert np.concatenate([x, np.ones(1)]).dtype == np.float64
    z = np.stack([x, x], dtype=np.float64)
    z.backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert (z.dtype, x.grad.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(x.grad, [4, 6])
    with pytest.raises(TypeError, match="'same_kind' allows no cast from float32 to int64"):
        np.vstack([x, x], dtype=np.int64)
    assert np.hstack([x, x], dtype=np.float16, casting="unsafe").dtype == np.float16


def test_arrays_and_lists_beside_tensors():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    z = np.concatenate([[0.5], x, np.ones(1), np.append(x, 3)])
    np.testing.assert_array_equal(z.numpy(), [0.5, 1, 2, 1, 1, 2, 3])
    z.backward(np.arange(7.0))
    np.testing.assert_array_equal(x.grad, [1 + 4, 2 + 5])


# --- padding --------------------------------------------------------------------------------

MODES = {
    "constant": [{}, {"constant_values": 2.5}, {"constant_values": ((1, 2), (3, 4))}],
    "edge": [{}],
    "wrap": [{}],
    "reflect": [{}, {"reflect_type": "odd"}],
    "symmetric": [{}, {"reflect_type": "odd"}],
    "linear_ramp": [{}, {"end_values": ((1.5, -2.0), (0.0, 3.0))}],
    "maximum": [{}, {"stat_length": 2}],
    "minimum": [{}, {"stat_length": ((1, 2), (3, 9))}],
    "mean": [{}, {"stat_length": (1, 2)}],
    "median": [{}, {"stat_length": 2}],
}
WIDTHS = [1, (2, 0), ((1, 2), (0, 3)), ((7, 4), (5, 9))]


@pytest.mark.parametrize("width", WIDTHS, ids=str)
@pytest.mark.parametrize(("mode", "options"), [(m, o) for m in MODES for o in MODES[m]], ids=str)
def test_padding_in_every_mode(mode, options, width):
    check(lambda x: np.pad(x, width, mode, **options), normal(3, 4))


@given(SHAPES, GENERATORS, st.sampled_from(sorted(MODES)), st.data())
def test_padding_by_any_widths(shape, rng, mode, data):
    width = rng.integers(0, 6, (len(shape), 2)).tolist()
    options = data.draw(st.sampled_from(MODES[mode][:1] if len(shape) != 2 else MODES[mode]))
    x = rng.normal(size=shape)
    assert_as_numpy(lambda x: np.pad(x, width, mode, **options), x)
    assert_derivatives(lambda x: np.pad(x, width, mode, **options), x)


def test_padding_of_some_axes_by_number():
    for width in ({0: 1}, {-1: (2, 3)}, {0: (1, 0), 1: 2}):
        padded = np.pad(mg.Tensor(np.ones((2, 2))), width)
        both = [(0, 0), (0, 0)]
        for axis, pair in width.items():
            both[axis] = pair if isinstance(pair, tuple) else (pair, pair)
        np.testing.assert_array_equal(padded.numpy(), np.pad(np.ones((2, 2)), both))


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "shape", "kind", "message"),
    [
        (lambda x: np.pad(x, 1, "empty"), (2,), ValueError, "'empty' has no derivative"),
        (lambda x: np.pad(x, 1, lambda *a: None), (2,), ValueError, "has no derivative"),
        (lambda x: np.pad(x, 1, "edge", stat_length=2), (2,), TypeError, "takes no stat_length="),
        (lambda x: np.pad(x, ((1, 2, 3),)), (2,), mg.errors.ShapeError, "a pair"),
        (lambda x: np.pad(x, 1, "edge"), (0,), mg.errors.ShapeError, "axis 0 is empty"),
        (lambda x: np.pad(x, -1), (2,), ValueError, "negative"),
        (lambda x: np.pad(x, 1.5, "edge"), (2,), TypeError, "integ"),
        (lambda x: np.ravel(x, "K"), (2, 2), ValueError, "order"),
        (lambda x: np.reshape(x, 4, order="A"), (2, 2), ValueError, "order"),
        (lambda x: np.reshape(x, 5), (2, 2), mg.errors.ShapeError, "5"),
        (lambda x: np.split(x, 3), (4,), ValueError, "equal division"),
        (lambda x: np.split(x, 2, axis=1), (4,), ValueError, "out of bounds"),
        (lambda x: np.hsplit(x, 1), (), mg.errors.ShapeError, "1 axes or more"),
        (lambda x: np.vsplit(x, 1), (2,), mg.errors.ShapeError, "2 axes or more"),
        (lambda x: np.dsplit(x, 1), (2, 2), mg.errors.ShapeError, "3 axes or more"),
        (lambda x: np.block([[x], x]), (2,), mg.errors.ShapeError, r"depths \[1, 2\]"),
        (lambda x: np.block([[x], []]), (2,), mg.errors.ShapeError, r"depths \[1, 2\]"),
        (np.diag, (2, 2, 2), mg.errors.ShapeError, "vector or a matrix"),
        (np.matrix_transpose, (2,), mg.errors.ShapeError, "two axes"),
        (lambda x: np.concatenate([x, x], out=np.empty(4)), (2,), TypeError, "out="),
        (lambda x: np.concatenate([x, x], 0, np.empty(4)), (2,), TypeError, "out="),
        (lambda x: np.stack([x, x], 0, np.empty((2, 2))), (2,), TypeError, "out="),
        (lambda x: np.concatenate([x, np.ones((2, 2))]), (2,), mg.errors.ShapeError, "dimension"),
        (
            lambda x: np.concatenate([]) if x is None else np.moveaxis(x, 0, 5),
            (2,),
            ValueError,
            "5",
        ),
    ],
)
def test_what_does_not_fit_is_refused(f, shape, kind, message):
    with pytest.raises(kind, match=message):
        f(mg.Tensor(np.ones(shape), requires_grad=True))


# --- the names of the parameters are NumPy's --------------------------------------------------

FAMILIES = (
    {"shaping", "joining", "padding", "diagonals", "products", "einsum", "linalg"}
    | {"decompositions", "norms", "selecting", "sorting", "filtering"}
)  # fmt: skip
MEANINGLESS = {"subok", "copy", "kwargs"}  # for tensors


def stated(ours):
    """The plain function behind a recording one, which has its signature."""
    return ours.op.value if hasattr(ours, "op") else ours


FUNCTIONS = {
    f.__name__: (f, stated(ours))
    for f, ours in publish().items()
    if not isinstance(f, np.ufunc)
    and stated(ours).__module__.removeprefix("minigrad.ops.") in FAMILIES
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_have_numpys_names_and_order(name):
    numpys, ours = (inspect.signature(f).parameters.values() for f in FUNCTIONS[name])
    named = [p.name for p in numpys if p.kind is not p.POSITIONAL_ONLY]
    wanted = [name for name in named if name not in MEANINGLESS]
    assert [p.name for p in ours if p.name in wanted] == wanted
