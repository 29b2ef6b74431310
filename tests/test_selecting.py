"""Indexing, selecting, sorting, interpolating, convolving: as NumPy, and ties shared equally."""

import numpy as np
import pytest
from agreement import assert_as_numpy
from differences import assert_derivatives
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

RNG = np.random.default_rng(13)
START = RNG.bit_generator.state
GENERATORS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before():
    RNG.bit_generator.state = START


def normal(*shape):
    return RNG.normal(size=shape)


def apart(*shape):
    """Values a tenth apart or more, so that no difference step makes two of them meet."""
    size = int(np.prod(shape))
    return RNG.permutation(np.arange(size) / 10 - 0.52).reshape(shape)


def check(f, *arrays):
    assert_as_numpy(f, *arrays)
    assert_derivatives(f, *arrays)


# --- indexing -------------------------------------------------------------------------------


@given(SHAPES, GENERATORS, st.data())
def test_basic_indices(shape, rng, data):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    check(lambda x: x[index], rng.normal(size=shape))


@given(SHAPES, GENERATORS, st.data())
def test_index_arrays(shape, rng, data):
    index = data.draw(hnp.integer_array_indices(shape))
    check(lambda x: x[index], rng.normal(size=shape))


@given(SHAPES, GENERATORS)
def test_masks(shape, rng):
    x = rng.normal(size=shape)
    mask = rng.random(shape) < 0.5
    check(lambda x: x[mask], x)
    check(lambda x: x[mask[..., 0]], x)


@given(GENERATORS, st.permutations(["array", "list", "slice", "int", "mask", "newaxis"]))
def test_mixed_indices(rng, kinds):
    makers = {
        "array": lambda n: rng.integers(-n, n, (2, 1)),
        "list": lambda n: rng.integers(-n, n, 3).tolist(),
        "slice": lambda n: slice(None, None, -1),
        "int": lambda n: int(rng.integers(-n, n)),
        "mask": lambda n: np.arange(n) < 3,
        "newaxis": lambda n: None,
    }
    kinds = kinds[:4]
    shape = [4] * sum(kind != "newaxis" for kind in kinds)
    index = tuple(makers[kind](4) for kind in kinds)
    check(lambda x: x[index], rng.normal(size=[*shape, 2]))


@pytest.mark.parametrize(
    "index",
    [[], [[0, 0], [1, 0]], ([0, 0], [1, 1]), ((0, 0, 1),), range(2), True, (..., np.array(1)), ()],
    ids=repr,
)
def test_indices_that_are_no_arrays(index):
    check(lambda x: x[index], normal(2, 3))


def test_tensors_as_indices():
    x = normal(3, 2)
    numbers, mask = mg.Tensor([2, 0, 2]), mg.Tensor([True, False, True])
    assert_derivatives(lambda x: x[numbers] @ x[mask].T, x)
    with pytest.raises(IndexError):
        mg.Tensor(x)[mg.Tensor([1.0])]
    with pytest.raises(TypeError, match="requires a gradient"):
        mg.Tensor(x)[mg.Tensor([1.0], requires_grad=True)]


# --- selecting ------------------------------------------------------------------------------

CALLS = {
    "take": (lambda x: np.take(x, [3, 0, 3]), normal(2, 3)),
    "take one": (lambda x: np.take(x, 3), normal(2, 3)),
    "take axis": (lambda x: np.take(x, [[1, -1], [0, 1]], axis=1), normal(2, 3)),
    "take wrap": (lambda x: np.take(x, [7, -8], mode="wrap"), normal(2, 3)),
    "take clip": (lambda x: np.take(x, [7, -8], 0, None, "clip"), normal(2, 3)),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.array([[1], [0]]), 1), normal(2, 3)),
    "take_along_axis broadcast": (
        lambda x: np.take_along_axis(x, np.array([[1, 1, 0]]), axis=1),
        normal(2, 3),
    ),
    "take_along_axis flat": (
        lambda x: np.take_along_axis(x, np.array([5, 0]), axis=None),
        normal(2, 3),
    ),
    "compress": (lambda x: np.compress([0, 1], x), normal(2, 3)),
    "compress axis": (lambda x: np.compress([True, False, True], x, axis=1), normal(2, 3)),
    "extract": (lambda x: np.extract([[1, 0, 1], [0, 1, 0]], x), normal(2, 3)),
    "delete": (lambda x: np.delete(x, [0, -1, 0]), normal(2, 3)),
    "delete axis": (lambda x: np.delete(x, slice(1, 2), axis=1), normal(2, 3)),
    "delete mask": (lambda x: np.delete(x, [True, False], axis=0), normal(2, 3)),
    "resize": (lambda x: np.resize(x, (3, 3)), normal(2, 2)),
    "choose": (lambda *xs: np.choose([[0, 1, 2]], xs), normal(2, 3), normal(3), normal(2, 1)),
    "choose wrap": (lambda *xs: np.choose([-1, 3], xs, mode="wrap"), normal(2), normal(2)),
    "choose clip": (lambda *xs: np.choose([-1, 3], xs, mode="clip"), normal(2), normal(2)),
    "choose from an array": (lambda x: np.choose([1, 0], x), normal(2, 2)),
    "select": (
        lambda x, y: np.select([x > 0.5, y > 0], [x * y, y**2], x),
        normal(3, 4),
        np.abs(normal(4)),
    ),
    "where": (lambda x, y: np.where([[True], [False]], x, y), normal(3), normal(2, 1)),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), apart(3, 4)),
    "clip below": (lambda x: np.clip(x, 0.01, None), apart(3, 4)),
    "clip above, by keyword": (lambda x: np.clip(x, max=0.01), apart(3, 4)),
    "clip by arrays": (np.clip, apart(3, 4), normal(4) - 2, normal(3, 1) + 2),
    "clip, bounds crossed": (lambda x: np.clip(x, 0.5, -0.5) + x, apart(3, 4)),
    "nan_to_num": (np.nan_to_num, normal(3)),
    "sort": (np.sort, apart(3, 4)),
    "sort axis": (lambda x: np.sort(x, axis=0, kind="stable"), apart(3, 4)),
    "sort flat": (lambda x: np.sort(x, axis=None), apart(3, 4)),
    "partition": (lambda x: np.partition(x, 30), apart(2, 60)),
    "partition at two": (lambda x: np.partition(x, (9, -9), axis=0), apart(60, 2)),
    "partition flat": (lambda x: np.partition(x, 3, axis=None), apart(30, 2)),
    "convolve": (np.convolve, normal(4), normal(3)),
    "convolve by a number": (np.convolve, normal(4), normal()),
    "correlate": (np.correlate, normal(4), normal(2)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    f, *arrays = CALLS[name]
    check(f, *arrays)


@given(SHAPES, GENERATORS, st.data())
def test_what_argsort_gives_can_be_applied(shape, rng, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = mg.Tensor(rng.normal(size=shape), requires_grad=True)
    order = np.argsort(x, axis)
    assert type(order) is np.ndarray
    z = np.take_along_axis(x, order, axis)
    np.testing.assert_array_equal(z.numpy(), np.sort(x.numpy(), axis))
    assert type(np.argpartition(x, 0, axis)) is np.ndarray
    assert not isinstance(np.argmax(x, axis), mg.Tensor)


def test_where_with_a_condition_alone_gives_places():
    x = mg.Tensor([0.0, 2.0, 3.0], requires_grad=True)
    (places,) = np.where(x)
    np.testing.assert_array_equal(places, [1, 2])


def test_nan_to_num_cuts_off_what_it_replaces():
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    assert_as_numpy(np.nan_to_num, x)
    assert_as_numpy(lambda x: np.nan_to_num(x, nan=5.0, posinf=6.0, neginf=-6.0), x)
    (found,) = mg.vjp(np.nan_to_num, x)[1](np.array([3.0, 4.0, 5.0, 6.0]))
    np.testing.assert_array_equal(found, [3, 0, 0, 0])
    np.testing.assert_array_equal(np.nan_to_num(mg.Tensor([1, 2])).numpy(), [1, 2])


# --- ties -----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), GENERATORS, st.data())
def test_ties_share_equally_in_sort_and_partition(values, rng, data):
    x = np.array(values, float)
    g = rng.normal(size=len(x))
    kth = data.draw(st.integers(0, len(x) - 1))
    for f in (np.sort, lambda x: np.sort(x, kind="stable"), lambda x: np.partition(x, kth)):
        z, pullback = mg.vjp(f, x)
        expected = [np.mean([a for a, w in zip(g, z, strict=True) if w == v]) for v in x]
        np.testing.assert_allclose(pullback(g)[0], expected, atol=1e-12)


def test_ties_are_shared_in_each_line_alone():
    x = np.array([[1.0, 1.0, 2.0], [1.0, 3.0, 3.0]])
    g = np.array([[1.0, 3.0, 5.0], [7.0, 2.0, 4.0]])
    (found,) = mg.vjp(np.sort, x)[1](g)
    np.testing.assert_array_equal(found, [[2, 2, 5], [7, 3, 3]])
    (found,) = mg.vjp(lambda x: np.sort(x, axis=None), x)[1](g.ravel())
    ones, threes = (1 + 3 + 5) / 3, (2 + 4) / 2  # sorted: 1 1 1 2 3 3
    np.testing.assert_array_equal(found, [[ones, ones, 7], [ones, threes, threes]])


def test_a_value_at_a_bound_of_clip_shares_with_it():
    x, low = np.array([-2.0, -1.0, 0.0, 1.0]), np.array(-1.0)
    found = mg.grad(lambda x, low: np.sum(np.clip(x, low, 1.0)), (0, 1))(x, low)
    np.testing.assert_array_equal(found[0], [0, 0.5, 1, 0.5])
    np.testing.assert_array_equal(found[1], 1.5)


# --- sequences ------------------------------------------------------------------------------


@given(GENERATORS, st.integers(1, 6), st.integers(1, 6), st.sampled_from(["full", "same", "valid"]))
def test_convolutions_of_any_lengths_and_modes(rng, n, m, mode):
    x, y = rng.normal(size=n), rng.normal(size=m)
    check(lambda x, y: np.convolve(x, y, mode), x, y)
    check(lambda x, y: np.correlate(x, y, mode), x, y)


POINTS = np.array([-1.0, 0.0, 0.5, 2.0])
BETWEEN = np.array([[-3.0, -0.7, 0.1], [0.45, 1.3, 5.0]])


@pytest.mark.parametrize(
    "options",
    [{}, {"left": -9.0}, {"right": 9.0}, {"period": 2.6}, {"period": -1.7}],
    ids=str,
)
def test_interp_in_x_in_the_points_and_in_the_heights(options):
    check(lambda x, xp, fp: np.interp(x, xp, fp, **options), BETWEEN, POINTS, normal(4))
    check(lambda fp: np.interp(BETWEEN, POINTS, fp, **options), normal(4))


@given(GENERATORS, st.integers(1, 5))
def test_interp_at_the_points_and_beyond(rng, n):
    xp, fp = np.cumsum(rng.uniform(0.1, 1, n)), rng.normal(size=n)
    x = np.concatenate([xp, xp[:1] - 1, xp[-1:] + 1, [np.inf, -np.inf], rng.uniform(-1, 5, 4)])
    assert_as_numpy(lambda fp: np.interp(x, xp, fp), fp)
    assert_derivatives(lambda fp: np.interp(x, xp, fp), fp)
    tensor = mg.Tensor(fp, requires_grad=True)
    assert np.interp(0.3, xp, tensor).shape == ()


def test_the_slope_of_interp_at_a_point_is_that_to_its_right():
    fp = np.array([0.0, 2.0, 3.0, 9.0])
    slopes = mg.grad(lambda x: np.sum(np.interp(x, POINTS, fp)))(POINTS)
    np.testing.assert_allclose(slopes, [2, 2, 4, 4])


# --- methods --------------------------------------------------------------------------------

METHODS = {
    "swapaxes": (lambda x: x.swapaxes(0, 1), normal(2, 3)),
    "ravel": (lambda x: x.ravel(), normal(2, 3)),
    "ravel F": (lambda x: x.ravel("F"), normal(2, 3)),
    "flatten": (lambda x: x.flatten(order="F"), normal(2, 3)),
    "reshape": (lambda x: x.reshape(3, 2, order="F"), normal(2, 3)),
    "squeeze": (lambda x: x.squeeze(axis=0), normal(1, 3)),
    "transpose": (lambda x: x.transpose(1, 0), normal(2, 3)),
    "take": (lambda x: x.take([0, 2], axis=1), normal(2, 3)),
    "clip": (lambda x: x.clip(-0.31, 0.27), apart(2, 3)),
    "clip keyword": (lambda x: x.clip(max=0.27), apart(2, 3)),
    "repeat": (lambda x: x.repeat(2, axis=0), normal(2, 3)),
    "diagonal": (lambda x: x.diagonal(1), normal(3, 3)),
    "trace": (lambda x: x.trace(), normal(3, 3)),
    "compress": (lambda x: x.compress([True, False], axis=0), normal(2, 3)),
    "dot": (lambda x: x.dot(x.T), normal(2, 3)),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    f, *arrays = METHODS[name]
    check(f, *arrays)


def test_methods_that_name_places_give_arrays():
    x = mg.Tensor([[3.0, 0.0], [1.0, 2.0]], requires_grad=True)
    np.testing.assert_array_equal(x.argsort(), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(x.argsort(axis=0, kind="stable"), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(x.argpartition(0), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(x.nonzero(), [[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(x.argmax(axis=1), [0, 1])
    np.testing.assert_array_equal(mg.Tensor([1.0, 3.0]).searchsorted(2.0), 1)
    np.testing.assert_array_equal(mg.Tensor([0, 1]).choose([x[0], x[1]]).numpy(), [3, 2])


@pytest.mark.parametrize("method", ["sort", "partition", "fill", "put", "resize"])
def test_methods_that_write_into_an_array_are_refused_with_advice(method):
    x = mg.Tensor([2.0, 1.0])
    with pytest.raises(TypeError, match="in place"):
        getattr(x, method)(0)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "shape", "kind", "message"),
    [
        (lambda x: np.take(x, [5]), (3,), IndexError, "out of bounds"),
        (lambda x: np.take(x, [0], mode="no"), (3,), ValueError, "'no'"),
        (lambda x: np.take(x, [0], 0, np.empty(1)), (3,), TypeError, "out="),
        (lambda x: np.take_along_axis(x, np.array([0]), 0), (2, 2), ValueError, "as many axes"),
        (lambda x: np.choose([2], [x, x]), (1,), ValueError, "2 choices"),
        (lambda x: np.choose([-1], [x, x]), (1,), ValueError, "numbered from 0"),
        (lambda x: np.compress([[True]], x), (1,), ValueError, "one axis"),
        (lambda x: np.select([x > 0], [x, x]), (1,), ValueError, "1 conditions and 2 choices"),
        (lambda x: np.select([1], [x]), (1,), TypeError, "int64"),
        (lambda x: np.clip(x, 0, 1, min=0), (1,), ValueError, "a_min and min"),
        (lambda x: np.clip(x, 0, 1, out=np.empty(1)), (1,), TypeError, "out="),
        (lambda x: np.nan_to_num(x, copy=False), (1,), TypeError, "copy"),
        (lambda x: np.sort(x, order="name"), (2,), ValueError, "order"),
        (lambda x: np.partition(x, 5), (2,), ValueError, "kth"),
        (lambda x: np.convolve(x, np.ones((2, 2))), (2,), ValueError, r"\(2, 2\)"),
        (lambda x: np.correlate(x, []), (2,), ValueError, "not empty"),
        (lambda x: np.convolve(x, [1.0], "no"), (2,), ValueError, "'no'"),
        (lambda x: np.interp(1.0, [0.0, 1.0], x), (3,), ValueError, r"\(2,\) and \(3,\)"),
        (lambda x: np.interp(1.0, [0.0, 1.0], x, period=0), (2,), ValueError, "must not be 0"),
        (lambda x: x[5], (2,), IndexError, "5"),
    ],
)
def test_what_does_not_fit_is_refused(f, shape, kind, message):
    with pytest.raises(kind, match=message):
        f(mg.Tensor(np.ones(shape), requires_grad=True))
