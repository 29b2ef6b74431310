"""NumPy's functions and operators on tensors, and nothing that leaves the graph in silence."""

import math
import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import LeavesGraphError, MinigradError

X = np.array([[0.5, 1.5, 2.5], [1.0, 2.0, 3.0]])
Y = np.array([1.25, 0.75, 2.0])


def parameter(values=X):
    return mg.Tensor(values, requires_grad=True)


UNARY = [
    np.negative,
    np.positive,
    np.absolute,
    np.square,
    np.sqrt,
    np.reciprocal,
    np.exp,
    np.expm1,
    np.log,
    np.log1p,
    np.tanh,
    np.sign,
]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.true_divide,
    np.power,
    np.maximum,
    np.minimum,
    np.logaddexp,
]


@pytest.mark.parametrize("f", UNARY)
def test_ufuncs_of_a_tensor_are_tensors(f):
    z = f(parameter())
    assert isinstance(z, mg.Tensor)
    assert z.requires_grad
    np.testing.assert_allclose(z.numpy(), f(X), rtol=1e-15)
    assert not f(mg.Tensor(X)).requires_grad


@pytest.mark.parametrize("f", BINARY)
def test_ufuncs_of_mixed_arguments_are_tensors(f):
    for x, y in [
        (parameter(), Y),
        (X, parameter(Y)),
        (parameter(), parameter(Y)),
        (parameter(), 2.5),
    ]:
        plain = [a.numpy() if isinstance(a, mg.Tensor) else a for a in (x, y)]
        z = f(x, y)
        assert isinstance(z, mg.Tensor)
        assert z.requires_grad
        np.testing.assert_allclose(z.numpy(), f(*plain), rtol=1e-15)
        cotangent = np.random.default_rng(0).normal(size=z.shape)
        z.backward(cotangent)
        _, pullback = mg.vjp(f, *map(np.array, plain))
        for a, expected in zip((x, y), pullback(cotangent), strict=True):
            if isinstance(a, mg.Tensor):
                np.testing.assert_allclose(a.grad, expected, rtol=1e-14)


FUNCTIONS = {
    "sum": lambda x, y: np.sum(x, axis=1),
    "sum by position": lambda x, y: np.sum(x, 1),
    "mean": lambda x, y: np.mean(x, axis=0, keepdims=True),
    "max": lambda x, y: np.max(x, axis=1),
    "amax": lambda x, y: np.amax(x),
    "min": lambda x, y: np.min(x, 0),
    "amin": lambda x, y: np.amin(x),
    "matmul": lambda x, y: np.matmul(x, y),
    "dot": lambda x, y: np.dot(x, y),
    "where": lambda x, y: np.where(X > 1, x, y),
    "reshape": lambda x, y: np.reshape(x, (3, 2)),
    "transpose": lambda x, y: np.transpose(x),
    "broadcast_to": lambda x, y: np.broadcast_to(y, (2, 3)),
    "expand_dims": lambda x, y: np.expand_dims(y, 0),
    "squeeze": lambda x, y: np.squeeze(np.expand_dims(x, 1)),
    "concatenate": lambda x, y: np.concatenate([x, y[None]]),
    "concatenate of a tuple": lambda x, y: np.concatenate((x, x), axis=1),
    "stack": lambda x, y: np.stack([y, y], axis=-1),
    "pad": lambda x, y: np.pad(x, ((1, 0), (0, 2))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_tensors_and_mixed_arrays_are_tensors(name):
    f = FUNCTIONS[name]
    expected = f(X, Y)
    for x, y in [(parameter(), parameter(Y)), (parameter(), Y), (X, parameter(Y))]:
        z = f(x, y)
        used = isinstance(z, mg.Tensor)
        assert used or not isinstance(expected, mg.Tensor)
        np.testing.assert_allclose(z.numpy() if used else z, expected, rtol=1e-14)
    z = f(parameter(), parameter(Y))
    assert isinstance(z, mg.Tensor)
    assert z.requires_grad


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow"])
@pytest.mark.parametrize("left", [X, Y, np.float64(1.5), np.float32(1.5), np.array(1.5)])
def test_an_array_before_a_tensor_gives_a_tensor(name, left):
    apply = getattr(operator, name)
    z = apply(left, parameter())
    assert type(z) is mg.Tensor
    assert z.requires_grad
    np.testing.assert_allclose(z.numpy(), apply(left, X), rtol=1e-15)


def test_an_array_times_a_tensor_of_matrices():
    z = X.T @ parameter()
    assert type(z) is mg.Tensor
    np.testing.assert_allclose(z.numpy(), X.T @ X)


def test_functions_of_arrays_alone_are_numpys_own():
    for value in (
        mg.sum(X),
        mg.relu(X),
        mg.matmul(X, Y),
        mg.concatenate([X, X]),
        mg.conv2d(X[None, None], np.ones((1, 1, 2, 2))),
    ):
        assert not isinstance(value, mg.Tensor)


PREDICATES = {
    "greater": lambda t: np.greater(t, 1.5),
    "equal": lambda t: np.equal(t, t),
    "array on the left": lambda t: np.less_equal(X, t),
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_and": lambda t: np.logical_and(t > 1, t),
    "all": lambda t: np.all(t > 0),
    "any": np.any,
    "argmax": np.argmax,
    "argsort": np.argsort,
    "count_nonzero": np.count_nonzero,
    "allclose": lambda t: np.allclose(t, X),
    "array_equal": lambda t: np.array_equal(t, X),
    "shape": np.shape,
    "ndim": np.ndim,
    "size": np.size,
    "zeros_like": np.zeros_like,
    "ones_like": np.ones_like,
}


@pytest.mark.parametrize("name", PREDICATES)
@pytest.mark.parametrize("tracked", [False, True])
def test_what_has_no_gradient_is_given_as_plain_arrays(name, tracked):
    f = PREDICATES[name]
    found = f(mg.Tensor(X, requires_grad=tracked))
    assert not isinstance(found, mg.Tensor)
    np.testing.assert_array_equal(found, f(X))


# --- nothing leaves the graph in silence ----------------------------------------------------

UNKNOWN = np.frompyfunc(math.floor, 1, 1)  # a ufunc that has no rule
LEAVING = {
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.array of a list": lambda t: np.array([t, t]),
    "np.array with a dtype": lambda t: np.array(t, dtype=np.float32),
    "np.asarray without a copy": lambda t: np.asarray(t, copy=False),
    "np.float64": np.float64,
    "float": float,
    "int": int,
    "complex": complex,
    "math.sin": math.sin,
    "math.sqrt": math.sqrt,
    "an element of an array": lambda t: np.zeros(3).__setitem__(0, t),
    "a slice of an array": lambda t: np.zeros(3).__setitem__(slice(None), t),
    "a random generator": lambda t: np.random.default_rng(0).normal(t),
    "an array built from it": lambda t: np.full(3, t),
    "a ufunc": UNKNOWN,
    "a ufunc beside an array": lambda t: np.frompyfunc(math.fmod, 2, 1)(np.ones(3), t),
    "np.histogram": np.histogram,
    "np.unique": np.unique,
    "np.polyfit": lambda t: np.polyfit(np.arange(3.0), t, 1),
    "np.fft": np.fft.fft,
    "np.add.reduceat": lambda t: np.add.reduceat(t, [0]),
    "ufunc.at": lambda t: np.add.at(np.zeros(3), [0], t),
    "in place on an array": lambda t: operator.iadd(np.zeros(3), t),
    "out=": lambda t: np.exp(t, out=np.zeros(3)),
    "copyto": lambda t: np.copyto(np.zeros(3), t),
    "a Tensor in a list": lambda t: mg.Tensor([t, t]),
}
ONE_NUMBER = {
    "np.float64",
    "float",
    "int",
    "complex",
    "math.sin",
    "math.sqrt",
    "an element of an array",
}


@pytest.mark.parametrize("name", LEAVING)
def test_nothing_leaves_the_graph_in_silence(name):
    t = parameter(1.5 if name in ONE_NUMBER else [0.5, 1.5, 2.5])
    with pytest.raises((TypeError, ValueError)):
        LEAVING[name](t)
    for untracked in (t.numpy(), t.detach().numpy()):
        assert isinstance(untracked, np.ndarray)


@pytest.mark.parametrize(
    ("leave", "named"),
    [
        (np.asarray, r"np\.asarray"),
        (lambda t: float(t.sum()), r"float\(t\)"),
        (lambda t: math.sin(t[0]), r"float\(t\)"),
        (UNKNOWN, r"^floor \(vectorized\)"),
        (np.unique, r"np\.unique"),
        (lambda t: np.add.reduceat(t, [0]), r"np\.add\.reduceat"),
    ],
)
def test_the_message_says_what_was_called_and_what_to_do(leave, named):
    with pytest.raises(LeavesGraphError, match=named) as raised:
        leave(parameter([0.5, 1.5]))
    assert isinstance(raised.value, TypeError)
    assert isinstance(raised.value, MinigradError)
    assert "t.numpy()" in str(raised.value)


@pytest.mark.parametrize("name", ["np.asarray", "np.array", "a ufunc", "np.unique", "np.histogram"])
def test_a_tensor_without_gradient_is_as_good_as_its_array(name):
    values = np.array([0.5, 1.5])
    found, expected = LEAVING[name](mg.Tensor(values)), LEAVING[name](values)
    for one, other in zip(found, expected, strict=True):
        assert not isinstance(one, mg.Tensor)
        np.testing.assert_array_equal(one, other)


WRITING = {
    "out=": lambda t: np.floor(np.full(2, 7.5), out=t),
    "in place": lambda t: np.add(np.ones(2), 1.0, out=(t,)),
    "add.at": lambda t: np.add.at(t, [0], 5.0),
    "copyto": lambda t: np.copyto(t, np.ones(2)),
    "put": lambda t: np.put(t, [0], [5.0]),
    "putmask": lambda t: np.putmask(t, [True, False], [5.0]),
    "place": lambda t: np.place(t, [True, False], [5.0]),
    "fill_diagonal": lambda t: np.fill_diagonal(t.reshape(1, 2), 5.0),
    "a view": lambda t: np.asarray(t, copy=False).fill(5.0),
    "its data": lambda t: t.data.fill(5.0),
    "numpy()": lambda t: t.numpy().fill(5.0),
    "an item": lambda t: operator.setitem(t, 0, 5.0),
    "put_along_axis": lambda t: np.put_along_axis(t, np.array([0]), 5.0, 0),
}


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("tracked", [False, True])
def test_numpy_reads_tensors_and_never_writes_them(name, tracked):
    t, w = mg.Tensor([1.0, 2.0], requires_grad=tracked), parameter([3.0, 4.0])
    y = (t * w).sum()
    with pytest.raises((TypeError, ValueError)):
        WRITING[name](t)
    np.testing.assert_array_equal(t.numpy(), [1.0, 2.0])
    y.backward()
    np.testing.assert_array_equal(w.grad, [1.0, 2.0])


def test_a_copy_of_an_untracked_tensor_is_the_callers_own():
    t = mg.Tensor([1.0, 2.0])
    copied = np.asarray(t)
    copied[0] = 9.0
    np.testing.assert_array_equal(t.numpy(), [1.0, 2.0])


def test_keywords_are_taken_or_refused_never_swallowed():
    t = parameter()
    with pytest.raises(TypeError, match="out"):
        np.sum(t, axis=0, out=np.zeros(3))
    with pytest.raises(TypeError, match=r"nonsense|unexpected"):
        mg.sum(t, nonsense=1)
    with pytest.raises(TypeError, match=r"where|casting|subok|dtype"):
        np.exp(t, where=X > 1)
