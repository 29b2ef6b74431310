"""Memory: who may write it, who shows it, and what is copied."""

import random
from contextlib import suppress

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.memory import is_checked
from minigrad.errors import GraphError, ReadOnlyError
from minigrad.testing import library_ops


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


# --- values can be looked at, not written

SHOWN = {
    "data": lambda t: t.data,
    "numpy": lambda t: t.numpy(),
    "a view of it": lambda t: t.data[...],
    "turned": lambda t: t.data.T,
    "a row": lambda t: next(iter(t.data)),
    "its base": lambda t: t.data[0].base,
    "data of a view": lambda t: t.T.data,
    "data of an element": lambda t: t[0].data,
    "data of a detached": lambda t: t.detach().data,
    "data of a constant": lambda t: mg.stop_gradient(t).data,
    "what a function without a rule is given": lambda t: np.lib.stride_tricks.as_strided(t.data),
    "broadcast": lambda t: np.broadcast_arrays(t.data)[0],
    "a memoryview": lambda t: np.asarray(memoryview(t.data)),
    "asarray of it": lambda t: np.asarray(t.data),
    "asarray of a constant": lambda t: np.asarray(t.detach(), copy=False),
}
WRITES = {
    "set": lambda a: a.__setitem__(..., 9.0),
    "flag": lambda a: setattr(a.flags, "writeable", True),
    "setflags": lambda a: a.setflags(write=True),
    "in place": lambda a: a.__imul__(2),
    "out": lambda a: np.add(a, 1, out=a),
    "at": lambda a: np.add.at(a, 0, 1.0),
    "put": lambda a: np.put(a, 0, 9.0),
    "copyto": lambda a: np.copyto(a, 9.0),
    "putmask": lambda a: np.putmask(a, a > 0, 9.0),
    "sort": lambda a: a[..., ::-1].sort(),
    "fill": lambda a: a.fill(9.0),
    "shuffle": lambda a: np.random.default_rng(0).shuffle(a),
    "shuffle by Python": lambda a: random.Random(0).shuffle(a),
    "memoryview": lambda a: memoryview(a).__setitem__((0,) * a.ndim, 9.0),
    "resize": lambda a: a.resize((1,)),
    "a buffer again": lambda a: np.frombuffer(a).setflags(write=True),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.bool_])
@pytest.mark.parametrize("how", SHOWN)
def test_what_is_shown_cannot_be_made_writeable(how, dtype):
    t = mg.Tensor(np.ones((2, 3)), dtype=dtype)
    shown = SHOWN[how](t)
    assert np.shares_memory(shown, t.data)
    array = shown
    while isinstance(array, np.ndarray):
        with pytest.raises(ValueError, match=r"WRITEABLE|writeable"):
            array.flags.writeable = True
        array = array.base


@pytest.mark.parametrize("write", WRITES)
def test_what_is_shown_cannot_be_written(write):
    t = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises((ValueError, TypeError, BufferError)):
        WRITES[write](t.data)
    np.testing.assert_array_equal(t.data, [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "array",
    [np.array(2.0), np.zeros((0, 3)), np.arange(6.0).reshape(2, 3).T, np.arange(6.0)[::-2]],
    ids=["0-d", "empty", "turned", "backwards"],
)
def test_data_is_the_array(array):
    data = mg.Tensor(array).data
    np.testing.assert_array_equal(data, array)
    assert (data.shape, data.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(mg.Tensor(array)[...].T.data, array.T)


def test_data_outlives_its_tensor():
    data = mg.Tensor(np.arange(1000.0)).data
    np.testing.assert_array_equal(data, np.arange(1000.0))


def test_data_follows_what_is_assigned():
    t = mg.Tensor([1.0, 2.0])
    data = t.data
    t.assign([3.0, 4.0])
    np.testing.assert_array_equal(data, [3.0, 4.0])


# --- what shows a leaf's memory cannot be assigned to

SAME_MEMORY = {
    "detach": lambda w: w.detach(),
    "detach of a view": lambda w: w[:1].detach(),
    "detach twice": lambda w: w.detach().detach(),
    "stop_gradient": mg.stop_gradient,
    "stop_gradient in a list": lambda w: mg.stop_gradient([w, w])[1],
    "of a result": lambda w: mg.stop_gradient(w * 2),
    "detach of a result": lambda w: (w * 2).detach(),
    "an untracked view": lambda w: w.detach().reshape(2, 1),
    "what checkpoint gives": lambda w: given_by_checkpoint(w),
}


def given_by_checkpoint(w):
    seen = []
    mg.checkpoint(lambda x: seen.append(x) or x * x)(w)
    return seen[0]


@pytest.mark.parametrize("name", SAME_MEMORY)
def test_what_shows_the_memory_of_another_cannot_be_assigned_to(name):
    w = parameter([1.0, 2.0])
    shown = SAME_MEMORY[name](w)
    with pytest.raises(GraphError, match=r"mg\.Tensor\(t\.data\)"):
        shown.assign(np.zeros(shown.shape))
    np.testing.assert_array_equal(w.data, [1.0, 2.0])


# --- the functions of an op: a user's are given read-only arrays, and their results are copied


def test_the_librarys_own_functions_are_known_as_such():
    for ops in library_ops().values():
        for op in ops:
            functions = [op.value, *(rule for rule in op.rules if callable(rule))]
            assert all(map(is_checked, functions)), op


def write_into(position):
    def function(*values, **settings):
        values[position].__imul__(2)
        return np.array(values[position])

    return function


def around_the_flag(position):
    def function(*values, **settings):
        array = values[position]
        array.flags.writeable = True
        array *= 2
        return np.array(array)

    return function


def into_the_base(position):
    def function(*values, **settings):
        array = values[position]
        if isinstance(array.base, np.ndarray):
            array.base.__imul__(2)
        return np.array(array)

    return function


@pytest.mark.parametrize("size", [2, 2_000])
@pytest.mark.parametrize("where", range(4))
@pytest.mark.parametrize("how", [around_the_flag, into_the_base])
def test_a_function_that_means_to_write_changes_only_what_is_its_own(how, where, size):
    """Position 0 is the value function's input; then g, z and x of its rule."""
    value = how(0) if where == 0 else lambda x: 2 * x
    rule = how(where - 1) if where else lambda g, z, *x, **settings: g
    op = mg.general(value, rule, name="op")
    x, g = parameter(np.ones(size)), np.full(size, 3.0)
    y = x * 1.0
    with suppress(ValueError):  # cannot set WRITEABLE flag to True of this array
        z = op(y)
        z.backward(g)
        if where:  # else what the function made of a copy of its own
            np.testing.assert_array_equal(z.data, 2.0)
    np.testing.assert_array_equal(x.data, 1.0)
    np.testing.assert_array_equal(y.data, 1.0)
    np.testing.assert_array_equal(g, 3.0)


WRITING = {
    "value, first": lambda: mg.general(write_into(0), None, name="op"),
    "value by out": lambda: mg.elementwise(lambda x: np.exp(x, out=x), 1, name="op"),
    "value with settings": lambda: mg.linear(
        lambda x, *, n=2: x.__imul__(n), lambda g, z, x, *, n: g * n, name="op"
    ),
    "partial into z": lambda: mg.elementwise(np.exp, write_into(0), name="op"),
    "partial into x": lambda: mg.elementwise(np.exp, write_into(1), name="op"),
    "adjoint into g": lambda: mg.linear(lambda x: 2 * x, write_into(0), name="op"),
    "vjp into g": lambda: mg.general(lambda x: 2 * x, write_into(0), name="op"),
    "vjp into z": lambda: mg.general(lambda x: 2 * x, write_into(1), name="op"),
    "vjp into x": lambda: mg.general(lambda x: 2 * x, write_into(2), name="op"),
}


@pytest.mark.parametrize("name", WRITING)
def test_a_function_that_writes_into_what_it_is_given_is_refused(name):
    x, g = parameter([1.0, 2.0]), np.array([3.0, 4.0])
    with pytest.raises(ReadOnlyError, match="writes into an array that it was given"):
        (WRITING[name]()(x * 1.0) * 1.0).backward(g)
    with pytest.raises(ValueError, match="read-only"):
        WRITING[name]()(x).backward(g)
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    np.testing.assert_array_equal(g, [3.0, 4.0])
    assert x.grad is None


def test_a_rule_that_returns_memory_it_keeps_falsifies_nothing():
    kept = np.array([2.0, 2.0])
    cached = mg.general(lambda x: 2 * x, lambda g, z, x: kept, name="cached")
    view = mg.general(lambda x: 2 * x, lambda g, z, x: kept[::-1], name="view")
    for op in (cached, view):
        x, y = parameter([1.0, 1.0]), parameter([1.0, 1.0])
        (op(x) + op(y)).sum().backward()
        x.grad *= 0.1
        np.testing.assert_array_equal(y.grad, [2.0, 2.0])
        np.testing.assert_array_equal(kept, [2.0, 2.0])


def test_a_rule_that_uses_one_buffer_for_all_its_results_falsifies_nothing():
    buffer = np.empty(2)
    op = mg.general(lambda x: 2 * x, lambda g, z, x: np.multiply(g, 2.0, out=buffer), name="op")
    x, y = parameter([1.0, 1.0]), parameter([1.0, 1.0])
    ((op(x * 1.0) * 3.0) + (op(y * 1.0) * 5.0)).sum().backward()
    np.testing.assert_array_equal([x.grad, y.grad], [[6.0, 6.0], [10.0, 10.0]])


@pytest.mark.parametrize("what", ["buffer", "a view of it"])
def test_a_value_in_memory_that_the_function_keeps_is_copied(what):
    buffer = np.empty(2)

    def scaled(x):
        np.multiply(x, 2.0, out=buffer)
        return buffer if what == "buffer" else buffer[::-1]

    op = mg.general(scaled, lambda g, z, x: g * z, name="op")
    x = parameter([1.0, 1.0])
    first, _ = op(x), op(x * 5.0)
    first.backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [2.0, 2.0])


def test_a_value_that_shows_a_closed_over_leaf_is_copied():
    w, x = parameter([3.0, 4.0]), parameter([1.0, 1.0])
    shows = mg.general(lambda x: w.data[...], lambda g, z, x: g * z, name="shows")
    y = shows(x)
    w.assign([9.0, 9.0])
    y.backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])


PASSES_ON = {
    "first": lambda x, y, w: x,
    "middle": lambda x, y, w: y,
    "last": lambda x, y, w: w,
    "a view": lambda x, y, w: y[...],
    "a view of a view": lambda x, y, w: y[None][0].T.T,
}


@pytest.mark.parametrize("settings", [False, True])
@pytest.mark.parametrize("name", PASSES_ON)
def test_a_result_that_shows_an_input_keeps_the_value_it_had(name, settings):
    chosen = PASSES_ON[name]
    if settings:
        op = mg.general(lambda x, y, w, *, n=1: chosen(x, y, w), *[None] * 3, name="op")
    else:
        op = mg.general(chosen, *[None] * 3, name="op")
    w, v = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    place = {"first": 0, "last": 2}.get(name, 1)
    y = op(*[w if i == place else np.ones(2) for i in range(3)]) * v
    w.assign([5.0, 6.0])
    y.backward(np.ones(2))
    np.testing.assert_array_equal(v.grad, [1.0, 2.0])


@pytest.mark.parametrize("size", [2, 2_000])
@pytest.mark.parametrize("arrays", [1, 2, 3])
def test_what_a_value_function_keeps_of_its_inputs_is_not_written_to_later(arrays, size):
    kept = []

    def product(*given):
        kept[:] = given
        return np.prod(np.stack(given), axis=0)

    op = mg.general(
        product,
        *[lambda g, z, *x, i=i: g * np.prod(np.stack(kept[:i] + kept[i + 1 :]), axis=0)
          if arrays > 1 else g for i in range(arrays)],
        name="op",
    )  # fmt: skip
    leaves = [parameter(np.full(size, 2.0 + i)) for i in range(arrays)]
    op(*leaves)
    for x in leaves:
        x.assign(np.zeros(size))
    for i, values in enumerate(kept):
        np.testing.assert_array_equal(values, 2.0 + i)


# --- gradients are memory of their own


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_share_no_memory_with_each_other_or_the_cotangent(create_graph):
    x, y, g = parameter([1.0, 2.0]), parameter([3.0, 4.0]), np.array([1.0, 10.0])
    for make in (lambda: x + y, lambda: x.reshape(2) - y[::-1], lambda: np.stack([x, y])[0] + x):
        x.grad = y.grad = None
        make().backward(g, create_graph=create_graph)
        given = [
            np.asarray(t.grad.data if create_graph else t.grad)
            for t in (x, y)
            if t.grad is not None
        ]
        arrays = [*given, g, x.data, y.data]
        for i, one in enumerate(arrays):
            assert not any(np.shares_memory(one, other) for other in arrays[i + 1 :])


def test_the_gradient_of_a_leaf_in_itself_is_not_the_cotangent():
    x, g = parameter([1.0, 2.0]), np.array([1.0, 10.0])
    x.backward(g)
    g[:] = 0
    np.testing.assert_array_equal(x.grad, [1.0, 10.0])
