"""A tensor as an array: construction, attributes, operators, methods, writing."""

import operator
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import GENERATORS, SHAPES, positive

import minigrad as mg
from minigrad.errors import GraphError, MinigradError, ShapeError


def test_it_copies_the_data_it_is_given():
    data = np.array([1.0, 2.0])
    t = mg.Tensor(data)
    data[0] = 5.0
    np.testing.assert_array_equal(t.data, [1.0, 2.0])
    twin = mg.Tensor(t)
    assert not np.shares_memory(twin.data, t.data)


@pytest.mark.parametrize("read", [lambda t: t.data, lambda t: t.numpy()])
def test_its_values_are_read_only_views(read):
    t = mg.Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        read(t)[0] = 5.0
    t.assign([3.0, 4.0])
    np.testing.assert_array_equal(read(t), [3.0, 4.0])


@given(shape=SHAPES, rng=GENERATORS, dtype=st.sampled_from([np.float32, np.float64, int, bool]))
def test_attributes_are_those_of_the_array(shape, rng, dtype):
    array = rng.normal(size=shape).astype(dtype)
    t = mg.Tensor(array, name="t")
    assert (t.shape, t.ndim, t.size, t.dtype) == (array.shape, array.ndim, array.size, array.dtype)
    assert (t.name, t.grad, t.requires_grad) == ("t", None, False)
    np.testing.assert_array_equal(t.T.numpy(), array.T)
    if array.ndim > 1:
        np.testing.assert_array_equal(t.mT.numpy(), array.mT)
    if array.ndim:
        assert len(t) == len(array)
    np.testing.assert_array_equal(np.array(t), array)


@pytest.mark.parametrize(
    ("data", "dtype", "result"),
    [
        (1, None, np.int64),
        (1.5, None, np.float64),
        ([True, False], None, np.bool_),
        ([1, 2], np.float32, np.float32),
        (np.ones(2, np.float32), None, np.float32),
        (np.ones(2, np.float32), float, np.float64),
        (np.ones(2, np.float16), None, np.float16),
    ],
)
def test_dtype(data, dtype, result):
    assert mg.Tensor(data, dtype=dtype).dtype == result


def test_mt_needs_a_matrix():
    with pytest.raises(ShapeError, match=r"two axes or more; got shape \(3,\)"):
        _ = mg.Tensor(np.ones(3)).mT


BINARY = ["add", "sub", "mul", "truediv", "pow", "matmul"]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operators_are_those_of_numpy_from_either_side(name, dtype):
    apply = getattr(operator, name)
    rng = np.random.default_rng(0)
    x, y = (positive(rng, (2, 2)).astype(dtype) for _ in range(2))
    others = [y] if name == "matmul" else [y, y[0], 2, 0.5, 1.5, 3, True]
    for other in others:
        for left, right in [(x, other), (other, x)]:
            expected = apply(left, right)
            tensors = [mg.Tensor(a) if a is x else a for a in (left, right)]
            both = [mg.Tensor(a) if isinstance(a, np.ndarray) else a for a in (left, right)]
            for found in (apply(*tensors), apply(*both)):
                assert isinstance(found, mg.Tensor)
                assert found.dtype == expected.dtype
                np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "number", [2, 2.0, True, np.float64(2), np.float32(2), np.int8(2), np.array(2.0)]
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64"])
@pytest.mark.parametrize("f", [np.add, np.multiply, np.maximum, np.subtract])
def test_the_dtype_of_a_result_is_numpys(f, dtype, number):
    array = np.ones(2, dtype)
    assert f(mg.Tensor(array), number).dtype == f(array, number).dtype
    assert f(number, mg.Tensor(array)).dtype == f(number, array).dtype


def test_unary_operators():
    t = mg.Tensor([-1.5, 2.0])
    np.testing.assert_array_equal((-t).numpy(), [1.5, -2.0])
    np.testing.assert_array_equal((+t).numpy(), [-1.5, 2.0])
    np.testing.assert_array_equal(abs(t).numpy(), [1.5, 2.0])


def test_an_integer_to_a_negative_power_is_refused_as_in_numpy():
    with pytest.raises(ValueError, match="negative integer powers"):
        mg.Tensor([2]) ** -1


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
@pytest.mark.parametrize("tracked", [False, True])
def test_comparisons_give_plain_boolean_arrays(name, tracked):
    compare = getattr(operator, name)
    x, y = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
    t = mg.Tensor(x, requires_grad=tracked)
    for other in (y, mg.Tensor(y), 2, 2.0, np.float64(2), [3.0, 2.0, 1.0]):
        plain = other.numpy() if isinstance(other, mg.Tensor) else other
        for found, expected in [
            (compare(t, other), compare(x, plain)),
            (compare(other, t), compare(plain, x)),
        ]:
            assert type(found) is np.ndarray
            assert found.dtype == np.bool_
            np.testing.assert_array_equal(found, expected)


def test_tensors_can_be_keys_by_identity():
    x, y = mg.Tensor(1.0), mg.Tensor(1.0)
    assert {x: "x", y: "y"}[x] == "x"


METHODS = {
    "sum": lambda t: t.sum(axis=0),
    "mean": lambda t: t.mean(1, keepdims=True),
    "max": lambda t: t.max(),
    "min": lambda t: t.min(axis=-1),
    "reshape": lambda t: t.reshape(3, -1),
    "reshape of a tuple": lambda t: t.reshape((3, 2), order="F"),
    "transpose": lambda t: t.transpose(1, 0),
    "transpose of a tuple": lambda t: t.transpose((1, 0)),
    "transpose reversed": lambda t: t.transpose(),
    "ravel": lambda t: t.ravel(),
    "flatten": lambda t: t.flatten(),
    "squeeze": lambda t: t.reshape(2, 1, 3).squeeze(1),
    "dot": lambda t: t.dot(t.T),
    "astype": lambda t: t.astype(np.float32),
    "copy": lambda t: t.copy(),
    "argmax": lambda t: t.argmax(axis=1),
    "argmin": lambda t: t.argmin(),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_the_array(name):
    method = METHODS[name]
    array = np.random.default_rng(0).normal(size=(2, 3))
    found, expected = method(mg.Tensor(array, requires_grad=True)), method(array)
    if name.startswith("arg"):
        assert not isinstance(found, mg.Tensor)
    else:
        assert isinstance(found, mg.Tensor)
        assert found.requires_grad
        assert found.dtype == expected.dtype
        found = found.numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_astype_gives_the_gradient_back_in_the_type_of_the_input():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
    x.astype(np.float64).sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_python_sees_numbers_and_sequences():
    t = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert [row.numpy().tolist() for row in t] == [[1.0, 2.0], [3.0, 4.0]]
    assert (float(t[0, 1]), int(t[1, 0]), t[1, 1].item()) == (2.0, 3, 4.0)
    assert bool(mg.Tensor(1.0))
    assert not mg.Tensor(0.0)
    assert f"{t[0, 1]:.3f}" == "2.000"
    assert [10, 20, 30][mg.Tensor(1)] == 20
    with pytest.raises(ValueError, match=r"size 1|one element|scalar"):
        t.item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(t)


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (mg.Tensor(1.0), "Tensor(1.)"),
        (mg.Tensor([1, 2]), "Tensor([1, 2])"),
        (mg.Tensor([1.0], name="w"), "Tensor([1.], name='w')"),
        (mg.Tensor([1.0], requires_grad=True), "Tensor([1.], requires_grad=True)"),
        (mg.Tensor([1.0], dtype=np.float32), "Tensor([1.], dtype=float32)"),
        (mg.Tensor([[1.0], [2.0]]), "Tensor([[1.],\n        [2.]])"),
    ],
)
def test_repr(t, text):
    assert repr(t) == text


# --- detach and assign ----------------------------------------------------------------------


def test_detach_shares_the_values_and_forgets_the_past():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    d = x.detach()
    assert not d.requires_grad
    assert np.shares_memory(d.data, x.data)
    (x * d).sum().backward()
    np.testing.assert_array_equal(x.grad, [1.0, 2.0])


def test_assign_writes_in_place_and_keeps_dtype():
    w = mg.Tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
    view = w.data
    w.assign(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(view, [3.0, 4.0])
    assert w.dtype == np.float32
    w.assign(mg.Tensor([5.0, 6.0]))
    np.testing.assert_array_equal(view, [5.0, 6.0])


@pytest.mark.parametrize("value", [1.0, [1.0], [[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_assign_wants_the_same_shape(value):
    w = mg.Tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"has shape \(2,\)") as raised:
        w.assign(value)
    assert str(np.shape(value)) in str(raised.value)
    np.testing.assert_array_equal(w.data, [1.0, 2.0])


VIEWS = {
    "detach": lambda x: x.detach(),
    "reshape": lambda x: x.reshape(2, 1),
    "slice": lambda x: x[:1],
    "view of a view": lambda x: x.reshape(2, 1)[0],
    "detached view": lambda x: x[1:].detach(),
}
PASSING_ON = {
    "its input": mg.general(lambda x: x, lambda g, z, x: g, name="same"),
    "its second input": partial(
        mg.general(lambda x, y: y, None, lambda g, z, x, y: g, name="second"), 1.0
    ),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("recorded", [True, False])
def test_assign_refuses_views_of_leaves_and_results(name, recorded):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = np.exp(x)
    with nullcontext() if recorded else mg.no_grad():
        views = [VIEWS[name](x), VIEWS[name](y)]
    for view in views:
        with pytest.raises(GraphError, match="only a leaf"):
            view.assign(np.zeros(view.shape))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.exp([1.0, 2.0]))


@pytest.mark.parametrize("name", PASSING_ON)
def test_what_an_op_of_ones_own_passes_on_is_memory_of_its_own(name):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = np.exp(x)
    with pytest.raises(GraphError, match="only a leaf"):
        PASSING_ON[name](y).assign([0.0, 0.0])
    with mg.no_grad():
        for free in (PASSING_ON[name](x), PASSING_ON[name](y)):
            free.assign([0.0, 0.0])
    y.sum().backward()
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    np.testing.assert_array_equal(x.grad, np.exp([1.0, 2.0]))


def test_assign_refuses_results():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GraphError, match="only a leaf"):
        (x * 2).assign([0.0, 0.0])
    with mg.no_grad():
        free = x * 2
    free.assign([0.0, 0.0])  # nothing depends on it
    np.testing.assert_array_equal(x.data, [1.0, 2.0])


def test_elements_cannot_be_set():
    t = mg.Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"np\.where.*assign"):
        t[0] = 5.0


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ipow", "imatmul"])
def test_in_place_operators_refuse_a_parameter(name):
    w = mg.Tensor(np.eye(2), requires_grad=True)
    with pytest.raises(TypeError, match=r"w\.assign"):
        getattr(operator, name)(w, np.eye(2))
    np.testing.assert_array_equal(w.data, np.eye(2))


def test_in_place_operators_make_a_new_tensor_of_a_result():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    total = w * 1.0
    before = total
    total += w
    assert total is not before
    np.testing.assert_array_equal(before.numpy(), [1.0, 2.0])
    total.sum().backward()
    np.testing.assert_array_equal(w.grad, [2.0, 2.0])


class Marked(mg.Tensor):
    """A tensor of a class of its own."""


@pytest.mark.parametrize(("one", "other"), [(mg.Tensor, Marked), (Marked, mg.Tensor)])
@pytest.mark.parametrize("f", [np.multiply, np.matmul, lambda x, y: np.sum(np.stack([x * y, y]))])
def test_tensors_of_two_classes_have_their_gradients(one, other, f):
    x, y = one([2.0, 3.0], requires_grad=True), other([5.0, 7.0], requires_grad=True)
    z = np.sum(f(x, y))
    z.backward()
    assert f(x, y).__class__ is one
    np.testing.assert_array_equal(x.grad, [5.0, 7.0])
    both = [1.0, 1.0] if z.item() == 31.0 + 12.0 else [0.0, 0.0]
    np.testing.assert_array_equal(y.grad, np.add([2.0, 3.0], both))


def test_every_error_of_ours_is_of_one_family():
    with pytest.raises(MinigradError):
        mg.Tensor([1.0, 2.0]).assign(1.0)


def test_a_tensor_of_a_tensor_that_requires_a_gradient_is_refused():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    for t in (w, w * 2):
        with pytest.raises(TypeError, match="in silence"):
            mg.Tensor(t)
    np.testing.assert_array_equal(mg.Tensor((w * 2).detach()).data, [2.0, 4.0])


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("values", [2.35, [1.25, -2.0], [[1.5], [2.5]], np.ones((0, 3))])
def test_values_as_python_numbers_and_in_bytes(values, tracked):
    t = mg.Tensor(values, requires_grad=tracked, dtype=np.float32)
    array = np.array(values, np.float32)
    assert t.tolist() == array.tolist()
    assert (t.itemsize, t.nbytes) == (4, array.nbytes)
    for there, here in ((round(t), np.round(array)), (round(t, 1), np.round(array, 1))):
        assert type(there) is mg.Tensor
        assert there.dtype == np.float32
        np.testing.assert_array_equal(there.data, here)
