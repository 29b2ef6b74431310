"""conv2d against nested loops."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sliding import convolutions
from strategies import GENERATORS

import minigrad as mg

PLAIN = {"stride": (1, 1), "padding": [(0, 0), (0, 0)], "dilation": (1, 1), "groups": 1}


def gradients(f, arrays, cotangent):
    tensors = [mg.Tensor(a, requires_grad=True) for a in arrays]
    z = f(*tensors)
    z.backward(cotangent)
    return z.numpy(), [t.grad for t in tensors]


@pytest.mark.parametrize("padding", ["int", "pair", "same", "valid"])
@pytest.mark.parametrize("bias", [False, True])
@given(data=st.data(), rng=GENERATORS)
def test_values_and_gradients_are_those_of_the_loops(padding, bias, data, rng):
    sliding, of_x, of_w = data.draw(convolutions(paddings=[padding]))
    arrays = [rng.normal(size=shape) for shape in (of_x, of_w, of_w[:1])][: 2 + bias]
    x, w, b = [*arrays, None][:3]
    expected = oracles.conv2d(x, w, b, **sliding.resolved)
    cotangent = rng.normal(size=expected.shape)
    z, found = gradients(lambda *a: mg.conv2d(*a, **sliding.given), arrays, cotangent)
    np.testing.assert_allclose(z, expected, rtol=1e-12, atol=1e-12)
    loops = oracles.conv2d_gradients(cotangent, x, w, **sliding.resolved)
    for gradient, wanted in zip(found, loops, strict=False):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-12, atol=1e-12)


@given(data=st.data(), rng=GENERATORS)
def test_second_derivatives_are_those_of_the_loops(data, rng):
    """The gradient <g, conv(x, w)> is linear in each of g, x, w: so is each of its gradients."""
    sliding, of_x, of_w = data.draw(convolutions())
    x, w, d, e = (rng.normal(size=shape) for shape in (of_x, of_w, of_x, of_w))
    g = rng.normal(size=oracles.conv2d(x, w, None, **sliding.resolved).shape)

    def slope(g, x, w):
        _, pullback = mg.vjp(lambda x, w: mg.conv2d(x, w, **sliding.given), x, w)
        in_x, in_w = pullback(g)
        return np.sum(in_x * d) + np.sum(in_w * e)

    in_g, in_x, in_w = mg.grad(slope, (0, 1, 2))(g, x, w)
    loops = sliding.resolved
    expected = oracles.conv2d(d, w, None, **loops) + oracles.conv2d(x, e, None, **loops)
    np.testing.assert_allclose(in_g, expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        in_x, oracles.conv2d_gradients(g, x, e, **loops)[0], rtol=1e-11, atol=1e-11
    )
    np.testing.assert_allclose(
        in_w, oracles.conv2d_gradients(g, d, w, **loops)[1], rtol=1e-11, atol=1e-11
    )


def test_third_derivatives_of_a_cube():
    rng = np.random.default_rng(0)
    x, w, d = (
        rng.normal(size=(1, 2, 4, 4)),
        rng.normal(size=(2, 2, 3, 3)),
        rng.normal(size=(2, 2, 3, 3)),
    )

    def along(f):
        return lambda w: np.sum(mg.grad(f)(w) * d)

    third = along(along(along(lambda w: np.sum(mg.conv2d(x, w) ** 3))))(w)
    np.testing.assert_allclose(third, 6 * np.sum(oracles.conv2d(x, d, None, **PLAIN) ** 3))


def test_it_is_a_cross_correlation():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    expected = [
        [0 + 10 + 300 + 4000, 1 + 20 + 400 + 5000],
        [3 + 40 + 600 + 7000, 4 + 50 + 700 + 8000],
    ]
    np.testing.assert_array_equal(mg.conv2d(x, w)[0, 0], expected)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "result"),
    [
        (7, 1, "valid", 5),
        (7, 1, "same", 7),
        (7, 2, "same", 4),
        (8, 3, "same", 3),
        (7, 2, "valid", 3),
        (7, 1, 1, 7),
        (7, 1, (0, 1), (5, 7)),
    ],
)
def test_sizes(size, stride, padding, result):
    x, w = np.ones((1, 1, size, size)), np.ones((1, 1, 3, 3))
    expected = result if isinstance(result, tuple) else (result, result)
    assert mg.conv2d(x, w, stride=stride, padding=padding).shape[2:] == expected


def test_dropping_a_remainder_leaves_the_border_without_gradient():
    x = mg.Tensor(np.ones((1, 1, 6, 6)), requires_grad=True)
    z = mg.conv2d(x, np.ones((1, 1, 3, 3)), stride=2, remainder="drop")
    assert z.shape == (1, 1, 2, 2)
    z.sum().backward()
    assert not x.grad[0, 0, 5].any()
    assert not x.grad[0, 0, :, 5].any()
    assert x.grad[0, 0, :5, :5].all()


def test_groups_are_convolutions_of_their_own():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 6, 5, 5)), rng.normal(size=(9, 2, 3, 3)), rng.normal(size=9)
    parts = [
        mg.conv2d(x[:, 2 * i : 2 * i + 2], w[3 * i : 3 * i + 3], b[3 * i : 3 * i + 3])
        for i in range(3)
    ]
    np.testing.assert_allclose(mg.conv2d(x, w, b, groups=3), np.concatenate(parts, 1), rtol=1e-12)


def test_an_image_larger_than_numpy_would_copy_still_agrees():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 3, 32, 32)), rng.normal(size=(4, 3, 5, 5))
    z = mg.conv2d(x, w, padding=2)
    for o, i, j in [(0, 0, 0), (3, 31, 31), (1, 15, 20), (2, 0, 31)]:
        total = 0.0
        for c in range(3):
            for u in range(5):
                for v in range(5):
                    row, column = i + u - 2, j + v - 2
                    if 0 <= row < 32 and 0 <= column < 32:
                        total += x[0, c, row, column] * w[o, c, u, v]
        np.testing.assert_allclose(z[0, o, i, j], total, rtol=1e-12)
