"""Integers and booleans: real results are computed in float64, and nothing wraps around.

Every public word is called with small whole numbers of every integer dtype, as arrays, as tensors
and as lists, and compared with the same in float64. What NumPy's own functions make of integers is
compared with NumPy in test_numpy_docstrings.py.
"""

import numpy as np
import pytest
from calls import WORDS, calls_of

import minigrad as mg
from minigrad.core.op import Op
from minigrad.errors import DataError
from minigrad.testing.inputs import cases_of, draw, is_shape
from minigrad.testing.library import library_ops

DTYPES = [np.uint8, np.int8, np.uint16, np.int64, np.uint64, np.bool_]


def public_ops():
    """The words that are ops of the library, under their public names."""
    ops = {op for some in library_ops().values() for op in some}
    for name in dir(mg):
        op = None if hasattr(np, name) else getattr(getattr(mg, name), "op", None)
        if isinstance(op, Op) and op in ops:
            for case in cases_of(op)[:2]:
                yield name, getattr(mg, name), case


def words():
    """Each public word of arrays with the cases it can be called with."""
    for function, f, case in calls_of(WORDS):
        if function.__name__ != "checkpoint":
            yield function.__name__, f, case
    for name, function, case in public_ops():
        settings = case.settings
        yield name, lambda *arrays, f=function, s=settings: f(*arrays, **s), case


CALLED = list(words())


def whole_arrays(case, dtype):
    """The arrays of a case as whole numbers that the dtype holds, far enough for it to overflow."""
    rng = np.random.default_rng(0)
    top = 1 if dtype == np.bool_ else min(np.iinfo(dtype).max, 255)
    given = []
    for x, drawn in zip(case.inputs, draw(case, rng), strict=True):
        if is_shape(x):
            unit = getattr(case.domain, "high", 2) <= 1 or isinstance(case.domain, tuple)
            drawn = rng.integers(0, 1 if unit else top, np.shape(drawn), endpoint=True)
            drawn = drawn.astype(dtype)
        given.append(drawn)
    return given


def plain(result):
    """The arrays of a result."""
    return np.asarray(result.data if isinstance(result, mg.Tensor) else result)


def in_float64(x):
    return x.astype(np.float64) if x.dtype.kind in "biu" and x.ndim else x


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)
@pytest.mark.parametrize(("name", "f", "case"), CALLED, ids=[c[0] for c in CALLED])
def test_every_word_gives_for_integers_what_it_gives_for_floats(name, f, case, dtype):
    given = whole_arrays(case, dtype)
    drawn = [is_shape(x) for x in case.inputs]
    wanted = plain(f(*[x.astype(float) if d else x for x, d in zip(given, drawn, strict=True)]))
    forms = {
        "arrays": given,
        "tensors": [mg.Tensor(x) if d else x for x, d in zip(given, drawn, strict=True)],
        "lists": [x.tolist() if d and x.ndim else x for x, d in zip(given, drawn, strict=True)],
    }
    for form, arrays in forms.items():
        z = plain(f(*arrays))
        assert z.dtype.kind != "f" or z.dtype == np.float64, (form, z.dtype)
        np.testing.assert_allclose(z, wanted, rtol=1e-13, atol=1e-13, err_msg=form)


@pytest.mark.parametrize(("name", "f", "case"), CALLED, ids=[c[0] for c in CALLED])
def test_integers_beside_floats_count_as_floats(name, f, case):
    given = whole_arrays(case, np.uint8)
    places = [i for i, x in enumerate(case.inputs) if is_shape(x)]
    for place in places if len(places) > 1 else ():  # the only one that is tracked
        found = {}
        for dtype in (np.uint8, np.float64):
            arrays = [x.astype(dtype) if i in places else x for i, x in enumerate(given)]
            x = mg.Tensor(given[place].astype(float), requires_grad=True)
            arrays[place] = x
            z = f(*arrays)
            z = z if isinstance(z, mg.Tensor) else z[0]
            z.backward(np.random.default_rng(1).normal(size=z.shape))
            found[dtype] = z.data, x.grad
        for ours, wanted in zip(found[np.uint8], found[np.float64], strict=True):
            np.testing.assert_allclose(ours, wanted, rtol=1e-13, atol=1e-13)


BESIDE_A_NUMBER = [
    np.true_divide, np.arctan2, np.hypot, np.logaddexp, np.copysign, np.heaviside,
    np.float_power, np.add, np.multiply, np.maximum, np.remainder,
]  # fmt: skip


@pytest.mark.parametrize("number", [256, -1, 1000, -(2**40), 2**64, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint64])
@pytest.mark.parametrize("ufunc", BESIDE_A_NUMBER, ids=lambda ufunc: ufunc.__name__)
def test_beside_a_python_number_the_result_or_the_error_is_numpys(ufunc, dtype, number):
    x = np.array([10, 100], dtype)
    for swapped in (False, True):
        pair = [(number, a) if swapped else (a, number) for a in (x, mg.Tensor(x))]
        with np.errstate(all="ignore"):
            try:
                wanted = ufunc(*pair[0])
            except (OverflowError, TypeError) as error:
                with pytest.raises(type(error)):
                    ufunc(*pair[1])
                continue
            found = plain(ufunc(*pair[1]))
        assert type(found) is np.ndarray
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


U8 = np.uint8


@pytest.mark.parametrize("as_given", [np.asarray, mg.Tensor])
@pytest.mark.parametrize(
    ("f", "array", "wanted"),
    [
        (mg.avgpool, np.full((2, 2), 255, U8), [[255.0]]),
        (mg.softmax, np.array([0, 255], U8), [1 / (1 + np.exp(255.0)), 1.0]),
        (mg.sigmoid, np.array([2], U8), [1 / (1 + np.exp(-2.0))]),
        (lambda x: mg.cross_entropy(x, [1]), np.array([[0, 5]], U8), 0.006715348489118068),
        (np.linalg.norm, np.array([200, 200], U8), np.sqrt(80000.0)),
        (lambda x: mg.mse(x, np.array([255], U8)), np.array([0], U8), 255.0**2),
        (mg.log_sigmoid, np.array([3], U8), [-np.log1p(np.exp(-3.0))]),
        (mg.hard_swish, np.array([255], U8), [255.0]),
        (mg.softsign, np.array([255, 1], U8), [255 / 256, 0.5]),
        (mg.relu, np.array([-3, 3], np.int8), [0, 3]),
        (lambda x: mg.leaky_relu(x, 2), np.array([-100, 3], np.int8), [-200, 3]),
        (lambda x: mg.conv2d(x, x), np.full((1, 1, 2, 2), 255, U8), [[[[4 * 255.0**2]]]]),
        (mg.logsumexp, np.array([200, 200], U8), 200 + np.log(2.0)),
        (np.gradient, np.array([3, 1, 0], U8), [-2.0, -1.5, -1.0]),
        (np.mean, np.array([255, 255], U8), 255.0),
    ],
)
def test_the_right_value(f, array, wanted, as_given):
    np.testing.assert_allclose(plain(f(as_given(array))), wanted, rtol=1e-13)


def test_promotion_beside_floats_is_numpys():
    x = np.ones((2, 2))
    for dtype in (np.float16, np.float32, np.float64):
        for whole in (np.bool_, np.uint8, np.int16, np.int64):
            wanted = np.result_type(dtype, whole)
            got = mg.mse(mg.Tensor(x, dtype=dtype), mg.Tensor(x.astype(whole)))
            assert got.dtype == wanted
            assert mg.huber(x.astype(dtype), x.astype(whole)).dtype == wanted


def test_python_numbers_and_numpy_scalars():
    for number in (3, True, np.uint8(3), np.int64(3), 3.0, np.float32(3)):
        assert mg.sigmoid(number) == pytest.approx(1 / (1 + np.exp(-float(number))), rel=1e-6)


# --- what a dtype cannot hold is refused ----------------------------------------------------

MISFITS = [
    (300.7, np.uint8), (-1, np.uint8), (256, np.uint8), (1.5, np.int64), (np.nan, np.int32),
    (np.inf, np.int32), (2.0**63, np.int64), (2**64 - 1, np.int64), (-1, np.uint64),
    (2.0**64, np.uint64), (1e300, np.float32), (70000, np.float16), (2, np.bool_), (0.5, np.bool_),
]  # fmt: skip
FITS = [
    (3.0, np.uint8), (255, np.uint8), (-(2.0**63), np.int64), (np.nan, np.float32), (True, np.int8),
    (-np.inf, np.float16), (1e-300, np.float32), (65504, np.float16), (1.0, np.bool_),
    (2**64 - 1, np.uint64), (0.1, np.float32),
]  # fmt: skip


def in_array(value):
    return np.array([value, 0], np.uint64 if isinstance(value, int) and value >= 2**63 else None)


@pytest.mark.parametrize(("value", "dtype"), MISFITS)
def test_values_that_do_not_fit_are_refused(value, dtype):
    t = mg.Tensor(np.ones(2, dtype))
    with pytest.raises(DataError, match=f"at position 0 does not fit into {np.dtype(dtype)}"):
        t.assign(in_array(value))
    assert (t.data == 1).all()
    with pytest.raises(DataError, match="does not fit"):
        mg.Tensor(in_array(value), dtype=dtype)


@pytest.mark.parametrize(("value", "dtype"), FITS)
def test_values_that_fit_are_written(value, dtype):
    wanted = in_array(value).astype(dtype)
    t = mg.Tensor(np.zeros(2, dtype))
    t.assign(in_array(value))
    np.testing.assert_array_equal(t.data, wanted)
    np.testing.assert_array_equal(mg.Tensor(in_array(value), dtype=dtype).data, wanted)


def test_a_file_or_an_optimizer_cannot_overflow_a_parameter(tmp_path):
    class One(mg.nn.Module):
        def __init__(self, value, dtype):
            self.first = mg.Tensor([1.0], requires_grad=True, dtype=dtype)
            self.second = mg.Tensor([value], requires_grad=True, dtype=dtype)

    mg.save(tmp_path / "large.npz", One(1e300, np.float64))
    small = One(2.0, np.float32)
    small.first.assign([5.0])
    with pytest.raises(DataError, match=r"second.*1e\+300"):
        mg.load(tmp_path / "large.npz", small)
    assert small.first.data == 5
    with pytest.raises(DataError, match="learning rate"):
        mg.optim.SGD([small.first], lr=1e39)
    with pytest.raises(DataError, match="does not fit"):
        (small.first * 1).backward(np.array([1e300]))


VIEWS = {
    "reshape": lambda t: np.reshape(t, (3, 2)),
    "transpose": lambda t: np.transpose(t),
    "squeeze": lambda t: np.squeeze(t),
    "ravel": lambda t: np.ravel(t),
    "diagonal": lambda t: np.diagonal(t),
    "parts": lambda t: np.split(t, 2)[1],
    "swapaxes": lambda t: np.swapaxes(t, 0, 1),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_made_of_integers_does_not_follow_a_later_assign(name):
    t = mg.Tensor(np.arange(6).reshape(2, 3))
    made, weight = VIEWS[name](t), mg.Tensor(2.0, requires_grad=True)
    before = made.data.copy()
    loss = np.sum(made * weight)
    t.assign(t.data * 10)
    np.testing.assert_array_equal(made.data, before)
    loss.backward()
    assert weight.grad == before.sum()


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u1", "u2", "u4"])
def test_the_lowest_and_the_largest_number_fit_and_the_next_do_not(dtype):
    limits = np.iinfo(dtype)
    t = mg.Tensor(np.zeros(2, dtype))
    t.assign(np.array([limits.min, limits.max], float))
    assert t.data.tolist() == [limits.min, limits.max]
    for beyond in (limits.min - 1.0, limits.max + 1.0):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            t.assign(np.array([0.0, beyond]))
    assert t.data.tolist() == [limits.min, limits.max]
