"""The graph and the reverse sweep: order, accumulation, size, memory, failures."""

import gc
import sys
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DerivativeError, GraphError, RuleError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


def counting_identity():
    """An op that does nothing, and the list of cotangents its rule was given."""
    seen = []

    def rule(g, z, x):
        seen.append(g)
        return g

    return mg.linear(lambda x: x.copy(), rule, name="counted"), seen


# --- repeats, order, accumulation -----------------------------------------------------------


def test_the_same_tensor_twice_is_two_edges():
    x = parameter([1.5, -2.0])
    (x * x).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [3.0, -40.0])
    x = parameter([1.5, -2.0])
    (x * x * x - x).sum().backward()
    np.testing.assert_allclose(x.grad, 3 * x.data**2 - 1)


def test_a_node_waits_for_all_its_users_whatever_the_order_of_calls():
    counted, seen = counting_identity()
    x = parameter(2.0)
    y = counted(x)
    early, late = y * 3.0, y * 5.0
    late = late * y
    (early * late).backward()
    assert len(seen) == 1  # one visit, with the sum of four contributions
    np.testing.assert_allclose(x.grad, 3 * 15 * x.data**2)


def test_every_way_through_a_diamond_counts():
    x, w = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    a = x * w
    b, c = np.exp(-a), a + x
    (b * c * a).backward([0.3, -0.7])

    def f(x, w):
        return np.sum([0.3, -0.7] * np.exp(-x * w) * (x * w + x) * (x * w))

    h = 1e-6
    for i in range(2):
        e = np.eye(2)[i] * h
        along_x = (f(x.data + e, w.data) - f(x.data - e, w.data)) / (2 * h)
        along_w = (f(x.data, w.data + e) - f(x.data, w.data - e)) / (2 * h)
        np.testing.assert_allclose([x.grad[i], w.grad[i]], [along_x, along_w], rtol=1e-7)


def test_backward_twice_accumulates():
    x = parameter([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    first = x.grad
    y.backward()
    np.testing.assert_array_equal(x.grad, [4.0, 8.0])
    (3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [7.0, 11.0])
    np.testing.assert_array_equal(first, [2.0, 4.0])  # what was handed out is left alone


def test_the_gradient_of_a_number_is_an_array_however_often_it_is_added_to():
    x = parameter(3.0, dtype=np.float32)
    for times in (1, 2, 3):
        (x * x).backward()
        assert type(x.grad) is np.ndarray
        assert (x.grad.shape, x.grad.dtype, x.grad) == ((), np.float32, 6.0 * times)


def test_only_leaves_are_given_a_gradient():
    x, constant = parameter(2.0), mg.Tensor(3.0)
    y = x * constant
    (y * y).backward()
    assert y.grad is None
    assert constant.grad is None
    np.testing.assert_array_equal(x.grad, 36.0)


def test_a_leaf_is_its_own_gradient():
    x = parameter(2.0)
    x.backward()
    np.testing.assert_array_equal(x.grad, 1.0)


def test_the_cotangent_is_copied():
    x, g = parameter([1.0, 2.0]), np.array([1.0, 10.0])
    x.backward(g)
    g[:] = 0
    np.testing.assert_array_equal(x.grad, [1.0, 10.0])


def test_a_rule_cannot_write_into_the_cotangent_that_a_user_gave():
    def rule(g, z, x):
        g *= 2
        return g

    x, g = parameter([1.0, 2.0]), np.array([1.0, 10.0])
    doubled = mg.linear(lambda x: 2 * x, rule, name="doubled")(x)
    with pytest.raises(ValueError, match="read-only"):
        doubled.backward(g)
    np.testing.assert_array_equal(g, [1.0, 10.0])
    assert x.grad is None
    assert g.flags.writeable


def test_gradients_share_no_memory():
    x, y, g = parameter([1.0, 2.0]), parameter([3.0, 4.0]), np.array([1.0, 10.0])
    z = x + y
    z.backward(g)
    arrays = [x.grad, y.grad, g, x.data, y.data, z.data]
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[i + 1 :])
    x.grad[:] = 0
    np.testing.assert_array_equal(y.grad, g)


def test_gradients_that_are_tensors_share_no_memory():
    x, y = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    g = mg.Tensor([1.0, 10.0])
    (x + y).backward(g, create_graph=True)
    assert not np.shares_memory(x.grad.data, y.grad.data)
    assert not np.shares_memory(x.grad.data, g.data)


def test_create_graph_gives_gradients_that_can_be_differentiated():
    x = parameter(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    np.testing.assert_allclose(first.numpy(), 12.0)
    x.grad = None
    first.backward(create_graph=True)
    second = x.grad
    x.grad = None
    second.backward()
    np.testing.assert_allclose([second.item(), x.grad], [12.0, 6.0])


def test_create_graph_follows_a_cotangent_that_is_a_tensor():
    x, g = parameter([1.0, 2.0]), parameter([3.0, 5.0])
    (x**3).backward(g, create_graph=True)
    x.grad.sum().backward()
    np.testing.assert_allclose(g.grad, 3 * x.data**2)


def test_nothing_that_requires_a_gradient_is_an_error():
    with pytest.raises(GraphError, match="requires_grad=True"):
        (mg.Tensor(1.0) * 2).backward()


FLAT = np.arange(6.0)
RETURNS = {  # what a rule may return for a leaf: (function of the leaf, the leaf's values)
    "the cotangent": (lambda x: x + np.ones(6), FLAT),
    "the cotangent, given to both": (lambda x: x + x, FLAT),
    "a view of it": (lambda x: x.reshape(2, 3), FLAT),
    "a view of it, turned": (lambda x: x.T, FLAT.reshape(2, 3)),
    "a part of it": (lambda x: np.concatenate([x, x * 2.0]), FLAT),
    "memory of its own": (lambda x: x * np.ones(6), FLAT),
    "a view of memory of its own": (
        mg.linear(lambda x: x.reshape(2, 3), lambda g, z, x: (g + 0.0).reshape(6)),
        FLAT,
    ),
    "a part of memory of its own": (
        mg.linear(lambda x: x.copy(), lambda g, z, x: np.concatenate([g, g])[:6]),
        FLAT,
    ),
    "a view of the value": (
        mg.general(lambda x: x * x / 2, lambda g, z, x: x[:] if np.all(g == 1) else g * x),
        FLAT,
    ),
    "the cotangent, repeated without a copy": (lambda x: x.sum(), FLAT),
}


@pytest.mark.parametrize("name", RETURNS)
def test_a_gradient_is_memory_that_nothing_else_shows(name):
    f, values = RETURNS[name]
    x = parameter(values)
    y = f(x)
    g = np.ones(y.shape)
    y.backward(g)
    first, expected = x.grad, x.grad.copy()
    assert first.flags.writeable
    first[...] = 7.0  # whoever has a gradient may do with it what they like
    np.testing.assert_array_equal(g, 1.0)
    np.testing.assert_array_equal(x.data, values)
    np.testing.assert_array_equal(y.data, f(mg.Tensor(values)).data)
    x.grad = None
    y.backward(g)
    np.testing.assert_array_equal(x.grad, expected)
    assert not any(np.shares_memory(x.grad, other) for other in (first, g, x.data, y.data))


def test_leaves_that_are_given_the_same_have_gradients_of_their_own():
    x, y, b = parameter(FLAT), parameter(FLAT), parameter([1.0])
    (x + y + b).backward(np.ones(6))
    x.grad[...] = 7.0
    np.testing.assert_array_equal(y.grad, 1.0)
    np.testing.assert_array_equal(b.grad, 6.0)


def test_a_rule_that_hands_out_the_same_memory_again_is_found():
    kept = np.empty(6)
    lazy = mg.linear(
        lambda x: x.copy(),
        lambda g, z, x: np.multiply(g, 1.0, out=kept),
        samples=[mg.testing.case((6,))],
        name="lazy",
    )
    with pytest.raises(DerivativeError, match="same memory at every call"):
        mg.testing.check_op(lazy)


# --- size -----------------------------------------------------------------------------------


def chain(x, length):
    y = x
    for _ in range(length):
        y = y + x
    return y


def fastest(f, *args, tries=3):
    """The processor time of a call, with the garbage collector out of the way."""
    times = []
    for _ in range(tries):
        gc.collect()
        gc.disable()
        start = time.process_time()
        f(*args)
        times.append(time.process_time() - start)
        gc.enable()
    return min(times)


def test_a_chain_of_100_000_ops_needs_no_recursion():
    x = parameter(1.0)
    assert sys.getrecursionlimit() < 100_000
    y = chain(x, 100_000)
    y.backward()
    assert y.item() == x.grad == 100_001
    del y


def test_the_time_of_a_chain_is_linear_in_its_length():
    x = parameter(1.0)

    def record_and_sweep(length):
        chain(x, length).backward()

    short, long = fastest(record_and_sweep, 5_000), fastest(record_and_sweep, 40_000)
    assert long < 8 * short * 2.5  # quadratic would be 64 times


@pytest.mark.long
def test_a_chain_of_a_million_ops():
    x = parameter(1.0)
    y = chain(x, 1_000_000)
    y.backward()
    assert y.item() == x.grad == 1_000_001


def test_doubling_sixty_times_visits_each_node_once():
    counted, seen = counting_identity()
    x = parameter(1.0)
    y = x
    for _ in range(60):
        y = counted(y + y)
    y.backward()
    assert x.grad == 2.0**60
    assert len(seen) == 60


def test_nested_derivatives_of_a_doubling_visit_each_node_once():
    counted, seen = counting_identity()

    def f(x):
        for _ in range(60):
            x = counted(x + x)
        return x * x

    assert mg.grad(mg.grad(f))(1.0) == 2.0**121
    assert len(seen) < 60 * 8


# --- memory ---------------------------------------------------------------------------------


@pytest.fixture
def _no_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def graph_of_every_kind():
    x, w = parameter(np.ones((1, 1, 4, 4))), parameter(np.ones((2, 1, 3, 3)))
    z = mg.maxpool(mg.relu(mg.conv2d(x, w, np.zeros(2))))
    y = np.concatenate([z.reshape(-1), mg.softmax(z[0, :, 0, 0])])
    return (x, w), z, y.max() + mg.cross_entropy(y.reshape(2, 2), [0, 1])


@pytest.mark.usefixtures("_no_garbage_collector")
@pytest.mark.parametrize("swept", ["not", "backward", "create_graph"])
def test_a_graph_is_freed_without_the_garbage_collector(swept):
    leaves, z, y = graph_of_every_kind()
    if swept != "not":
        y.backward(create_graph=swept == "create_graph")
    for leaf in leaves:
        leaf.grad = None  # a gradient that is a tensor has its leaf in its past
    alive = [weakref.ref(node) for node in (*leaves, z, y)]
    del leaves, leaf, z, y
    assert all(ref() is None for ref in alive)


@pytest.mark.usefixtures("_no_garbage_collector")
def test_transforms_leave_nothing_behind():
    x = np.linspace(-1, 1, 5)

    def work():
        mg.grad(lambda x: mg.grad(lambda y: np.sum(np.tanh(y) ** 2))(x).sum())(x)
        _, pullback = mg.vjp(np.exp, x)
        pullback(x)

    work()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(50):
        work()
    assert gc.collect() == 0  # no cycles; and Python's own free lists are emptied
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2_000


@pytest.mark.usefixtures("_no_garbage_collector")
def test_a_long_chain_is_freed_at_once():
    x = parameter(1.0)
    y = chain(x, 100_000)
    oldest = weakref.ref(y.inputs[0])
    del y
    assert oldest() is None


# --- if anything raises ---------------------------------------------------------------------


def broken(rule):
    return mg.general(lambda x: x + 0.0, rule, name="broken")


def refuse(g, z, x):
    raise ZeroDivisionError("no derivative here")


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (refuse, ZeroDivisionError, "no derivative here"),
        (lambda g, z, x: None, RuleError, "must return an array"),
        (lambda g, z, x: g[:1], RuleError, r"shape \(1,\) for an input of shape \(2,\)"),
        (lambda g, z, x: np.array([1j, 1j]), (RuleError, TypeError), "complex"),
        (lambda g, z: g, TypeError, "positional"),
    ],
)
def test_no_gradient_changes_if_a_rule_fails(rule, error, message, create_graph):
    x, w = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    w.grad = np.array([7.0, 7.0])
    z = w * 2 + broken(rule)(x * 1.0)
    with pytest.raises(error, match=message) as raised:
        z.backward([1.0, 1.0], create_graph=create_graph)
    assert any("broken((2,)) -> (2,)" in note for note in raised.value.__notes__)
    assert x.grad is None
    np.testing.assert_array_equal(w.grad, [7.0, 7.0])


def test_no_gradient_changes_if_one_cannot_be_added():
    x, w = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    x.grad = np.zeros(3)  # somebody wrote nonsense
    with pytest.raises(ValueError, match="shape"):
        (x * w).backward([1.0, 1.0])
    assert w.grad is None
