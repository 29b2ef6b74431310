"""maxpool and avgpool against nested loops."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sliding import poolings
from strategies import GENERATORS

import minigrad as mg

POOLS = {
    "maxpool": (mg.maxpool, oracles.maxpool, oracles.maxpool_gradient),
    "avgpool": (mg.avgpool, oracles.avgpool, oracles.avgpool_gradient),
}
every_pool = pytest.mark.parametrize("name", POOLS)


@every_pool
@pytest.mark.parametrize("ties", [False, True])
@given(data=st.data(), rng=GENERATORS)
def test_values_and_gradients_are_those_of_the_loops(name, ties, data, rng):
    pool, loops, loops_gradient = POOLS[name]
    sliding, shape = data.draw(poolings())
    values = rng.integers(0, 3, size=shape) if ties else rng.normal(size=shape)
    x = mg.Tensor(values, requires_grad=True, dtype=float)
    z = pool(x, **sliding.given)
    expected = loops(x.data, **sliding.resolved)
    assert z.shape == expected.shape
    np.testing.assert_allclose(z.numpy(), expected, rtol=1e-13, atol=1e-15)
    cotangent = rng.normal(size=expected.shape)
    z.backward(cotangent)
    wanted = loops_gradient(cotangent, x.data, **sliding.resolved)
    np.testing.assert_allclose(x.grad, wanted, rtol=1e-12, atol=1e-13)


@every_pool
@given(data=st.data(), rng=GENERATORS)
def test_second_derivatives_are_those_of_the_loops(name, data, rng):
    """The gradient is linear in its cotangent, whose own gradient is the pool of the direction."""
    pool, _, loops_gradient = POOLS[name]
    sliding, shape = data.draw(poolings())
    x, d = rng.normal(size=shape), rng.normal(size=shape)
    g = rng.normal(size=oracles.pooled_shape(x, **sliding.resolved))

    def slope(g, x):
        _, pullback = mg.vjp(lambda x: pool(x, **sliding.given), x)
        return np.sum(pullback(g)[0] * d)

    in_g, in_x = mg.grad(slope, (0, 1))(g, x)
    expected = [
        np.sum(loops_gradient(unit.reshape(g.shape), x, **sliding.resolved) * d)
        for unit in np.eye(g.size)
    ]
    np.testing.assert_allclose(in_g.ravel(), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(in_x, np.zeros(shape))  # piecewise linear


def test_the_first_maximum_is_given_everything():
    x = mg.Tensor([[5.0, 5.0], [5.0, 5.0]], requires_grad=True)
    mg.maxpool(x).backward([[3.0]])
    np.testing.assert_array_equal(x.grad, [[3.0, 0.0], [0.0, 0.0]])
    y = mg.Tensor([[1.0, 2.0], [2.0, 2.0]], requires_grad=True)
    mg.maxpool(y).backward([[3.0]])
    np.testing.assert_array_equal(y.grad, [[0.0, 3.0], [0.0, 0.0]])


def test_windows_that_overlap_add_up():
    x = mg.Tensor([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]], requires_grad=True)
    z = mg.maxpool(x, 2, stride=1)
    np.testing.assert_array_equal(z.numpy(), [[9.0, 9.0], [9.0, 9.0]])
    z.backward([[1.0, 10.0], [100.0, 1000.0]])
    np.testing.assert_array_equal(x.grad, [[0, 0, 0], [0, 1111, 0], [0, 0, 0]])
    y = mg.Tensor(np.ones((3, 3)), requires_grad=True)
    mg.avgpool(y, 2, stride=1).backward([[4.0, 40.0], [400.0, 4000.0]])
    np.testing.assert_array_equal(y.grad, [[1, 11, 10], [101, 1111, 1010], [100, 1100, 1000]])


@every_pool
def test_the_stride_is_the_size_unless_given(name):
    pool, _, _ = POOLS[name]
    x = np.arange(36.0).reshape(6, 6)
    np.testing.assert_array_equal(pool(x, 3), pool(x, 3, stride=3))
    np.testing.assert_array_equal(pool(x), pool(x, 2, stride=2))
    np.testing.assert_array_equal(pool(x, (2, 3)), pool(x, (2, 3), stride=(2, 3)))


@every_pool
def test_dropping_a_remainder_leaves_the_border_without_gradient(name):
    pool, _, _ = POOLS[name]
    x = mg.Tensor(np.ones((5, 5)), requires_grad=True)
    z = pool(x, 2, remainder="drop")
    assert z.shape == (2, 2)
    z.backward(np.ones((2, 2)))
    assert not x.grad[4].any()
    assert not x.grad[:, 4].any()
    assert x.grad.sum() == 4


def test_negative_maps_are_not_compared_with_zero():
    x = -np.arange(1.0, 17.0).reshape(4, 4)
    np.testing.assert_array_equal(mg.maxpool(x), [[-1.0, -3.0], [-9.0, -11.0]])


def test_minus_infinity_loses():
    x = np.array([[-np.inf, -np.inf], [-np.inf, 2.0]])
    np.testing.assert_array_equal(mg.maxpool(x), [[2.0]])
    np.testing.assert_array_equal(mg.grad(lambda x: mg.maxpool(x).sum())(x), [[0, 0], [0, 1]])
