"""Reductions and softmax: ties, the far ends of the numbers, axes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from strategies import GENERATORS, SHAPES

import minigrad as mg

INF = np.inf
TIES = {
    "max": (np.max, mg.max, lambda t, **axis: t.max(**axis)),
    "min": (np.min, mg.min, lambda t, **axis: t.min(**axis)),
}


@pytest.mark.parametrize("name", TIES)
@given(rng=GENERATORS)
def test_values_that_tie_share_equally(name, rng):
    largest = max if name == "max" else min
    x = rng.integers(0, 3, size=(3, 4)).astype(float)
    cotangent = rng.normal(size=4)
    expected = np.zeros(x.shape)
    for column in range(4):
        values = x[:, column].tolist()
        winners = [row for row in range(3) if values[row] == largest(values)]
        for row in winners:
            expected[row, column] = cotangent[column] / len(winners)
    for f in TIES[name]:
        t = mg.Tensor(x, requires_grad=True)
        f(t, axis=0).backward(cotangent)
        np.testing.assert_allclose(t.grad, expected, rtol=1e-15)


@pytest.mark.parametrize("f", [np.maximum, np.minimum])
def test_a_tie_of_two_shares_equally(f):
    x, y = (mg.Tensor([1.0, 2.0, 3.0], requires_grad=True) for _ in range(2))
    f(x, y).backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(x.grad, [0.5, 5.0, 50.0])
    np.testing.assert_array_equal(y.grad, [0.5, 5.0, 50.0])
    same = mg.Tensor([1.0, 2.0], requires_grad=True)
    f(same, same).backward([1.0, 10.0])
    np.testing.assert_array_equal(same.grad, [1.0, 10.0])


@given(shape=SHAPES, rng=GENERATORS)
def test_a_sum_over_nothing_is_zero_and_has_a_gradient(shape, rng):
    x = mg.Tensor(rng.normal(size=shape), requires_grad=True)
    x.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones(shape))
    y = mg.Tensor(np.ones((0, *shape)), requires_grad=True)
    z = y.sum(axis=0)
    np.testing.assert_array_equal(z.numpy(), np.zeros(shape))
    z.backward(np.ones(shape))
    assert y.grad.shape == (0, *shape)


@pytest.mark.parametrize("f", [np.max, np.min])
def test_an_axis_of_length_zero_is_refused_with_the_shape(f):
    with pytest.raises(ValueError, match=r"(max|min).*\(2, 0\)"):
        f(mg.Tensor(np.ones((2, 0)), requires_grad=True))


def test_an_axis_that_is_not_there_is_named():
    with pytest.raises(np.exceptions.AxisError, match=r"sum: axis 2 is out of bounds"):
        mg.Tensor(np.ones((2, 3)), requires_grad=True).sum(axis=2)


@pytest.mark.parametrize("f", [np.sum, np.mean, np.max, np.min])
@pytest.mark.parametrize("axes", [0, 1, -1, (0, 2), (-1, 0), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_value_that_stands_out_has_the_gradient_of_its_own_cell(f, axes, keepdims):
    """Move one value at a time: only the result it went into may change."""
    x = np.random.default_rng(0).permutation(12).reshape(2, 3, 2) / 4
    expected = np.asarray(f(x, axis=axes, keepdims=keepdims))
    t = mg.Tensor(x, requires_grad=True)
    z = f(t, axis=axes, keepdims=keepdims)
    assert z.shape == expected.shape
    for cell in np.ndindex(expected.shape):
        t.grad = None
        cotangent = np.zeros(expected.shape)
        cotangent[cell] = 1.0
        z.backward(cotangent)
        for place in itertools.product(range(2), range(3), range(2)):
            moved = x.copy()
            moved[place] += 0.125
            change = np.asarray(f(moved, axis=axes, keepdims=keepdims))[cell] - expected[cell]
            np.testing.assert_allclose(t.grad[place], change / 0.125, atol=1e-13)


# --- the far ends of the numbers ------------------------------------------------------------

FAR = [
    [0.0, 0.0],
    [1000.0, 999.0],
    [-1000.0, -1001.0],
    [1e308, 0.0],
    [1e308, 1e308],
    [-1e308, -1e308],
    [0.0, -INF],
    [1e308, -INF],
    [-INF, -INF, 3.0],
]


def stable_softmax(x):
    """By hand, with Python's floats: the largest value subtracted from each."""
    weights = [2.718281828459045 ** (v - max(x)) if v > -INF else 0.0 for v in x]
    return np.array(weights) / sum(weights)


@pytest.mark.parametrize("x", FAR)
def test_logsumexp_and_its_gradient_far_out(x):
    t = mg.Tensor(x, requires_grad=True)
    z = mg.logsumexp(t)
    top = max(x)
    expected = top + np.log(sum(np.exp(v - top) for v in x))
    np.testing.assert_allclose(z.item(), expected, rtol=1e-15)
    z.backward()
    np.testing.assert_allclose(t.grad, stable_softmax(x), rtol=1e-12)


@pytest.mark.parametrize("x", FAR)
def test_softmax_and_its_gradient_far_out(x):
    t = mg.Tensor(x, requires_grad=True)
    s = stable_softmax(x)
    z = mg.softmax(t)
    np.testing.assert_allclose(z.numpy(), s, rtol=1e-12)
    g = np.random.default_rng(0).normal(size=len(x))
    z.backward(g)
    np.testing.assert_allclose(t.grad, s * g - s * np.dot(s, g), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("x", FAR)
def test_log_softmax_and_its_gradient_far_out(x):
    t = mg.Tensor(x, requires_grad=True)
    z = mg.log_softmax(t)
    s = stable_softmax(x)
    certain = s > 0.2
    np.testing.assert_allclose(z.numpy()[certain], np.log(s[certain]), atol=1e-12)
    assert (z.numpy()[~certain] <= -700).all()
    g = np.where(certain, 2.5, 0.0)
    z.backward(g)
    np.testing.assert_allclose(t.grad, g - s * g.sum(), rtol=1e-12)


def test_logsumexp_of_nothing_but_minus_infinity():
    t = mg.Tensor([[-INF, -INF], [0.0, 0.0]], requires_grad=True)
    z = mg.logsumexp(t, axis=1)
    np.testing.assert_allclose(z.numpy(), [-INF, np.log(2)])
    z.backward([3.0, 4.0])
    np.testing.assert_array_equal(t.grad, [[0.0, 0.0], [2.0, 2.0]])


def test_logsumexp_with_infinity_is_infinite():
    assert mg.logsumexp(np.array([INF, 1.0])) == INF


def test_numbers_too_far_apart_to_subtract_give_the_limit():
    x = np.array([1e308, -1e308])
    with np.errstate(over="ignore"):  # the difference of the two is infinite
        assert mg.logsumexp(x) == 1e308
        np.testing.assert_array_equal(mg.softmax(x), [1.0, 0.0])
        np.testing.assert_array_equal(mg.grad(mg.logsumexp)(x), [1.0, 0.0])


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [(0.0, 0.5, 0.25), (40.0, 1.0, 0.0), (-800.0, 0.0, 0.0), (1e308, 1.0, 0.0), (-INF, 0.0, 0.0)],
)
def test_sigmoid_far_out(x, value, slope):
    t = mg.Tensor(x, requires_grad=True)
    z = mg.sigmoid(t)
    np.testing.assert_allclose(z.item(), value, atol=1e-17)
    z.backward()
    np.testing.assert_allclose(t.grad, slope, atol=1e-17)


def test_sigmoid_keeps_the_small_end():
    np.testing.assert_allclose(mg.sigmoid(-40.0), 4.248354255291589e-18, rtol=1e-14)
    np.testing.assert_allclose(mg.grad(mg.sigmoid)(-40.0), 4.248354255291589e-18, rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "y", "in_x", "in_y"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 2.5, 0.0, 0.0),
        (3.0, 0.0, 0.0, np.log(3)),
        (2.0, -1.0, -0.25, np.log(2) / 2),
    ],
)
def test_powers_of_zero_and_to_zero(x, y, in_x, in_y):
    found = mg.grad(np.power, (0, 1))(x, y)
    np.testing.assert_allclose(found, [in_x, in_y], rtol=1e-15)
    if x == 0 and y == 2.0:
        assert mg.grad(mg.grad(np.power))(x, y) == 2.0


@pytest.mark.parametrize("exponent", [2, 3, 4])
def test_powers_of_negative_numbers(exponent):
    x = mg.Tensor([-2.0, -0.5], requires_grad=True)
    g = np.array([1.0, 10.0])
    (x**exponent).backward(g)
    np.testing.assert_allclose(x.grad, g * exponent * x.data ** (exponent - 1))


def test_a_slope_that_is_no_real_number_is_not_taken_for_zero():
    with np.errstate(invalid="ignore"):
        assert np.isnan(mg.grad(lambda y: np.power(-2.0, y))(2.0))


def test_logaddexp_of_nothing_but_minus_infinity():
    x, y = (mg.Tensor([-INF, 0.0], requires_grad=True) for _ in range(2))
    np.logaddexp(x, y).backward([3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [0.0, 2.0])


@pytest.mark.parametrize(
    ("f", "slope"),
    [(abs, 0.0), (np.abs, 0.0), (mg.relu, 0.0), (np.sign, 0.0)],
)
def test_slopes_at_zero_by_convention(f, slope):
    assert mg.grad(f)(0.0) == slope
    assert mg.grad(f)(-0.0) == slope


def test_a_branch_not_taken_gives_nothing_and_the_way_out():
    x = mg.Tensor([0.0, 4.0], requires_grad=True)
    np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0).backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad, [0.0, 0.25])
    y = mg.Tensor([1.0, 2.0], requires_grad=True)
    np.where([True, False], y, y * 100).backward([1.0, 10.0])
    np.testing.assert_array_equal(y.grad, [1.0, 1000.0])
