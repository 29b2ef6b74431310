"""What is not elementwise at infinities, nan and the largest and smallest numbers.

Each line is a call at one point, its value, and its gradient by the limit of mathematics: finite
where the limit is, and never sent to another place by a nan.
"""

import numpy as np
import pytest

import minigrad as mg

INF, NAN, BIG, TINY = np.inf, np.nan, 1e200, 1e-200
HALF, CUBIC = np.sqrt(0.5), 0.25 ** (1 / 3)
POOLED = np.array([[1.0, NAN], [2.0, 3.0]])
OVERLAPPING = np.array([[1.0, 5.0, NAN], [2.0, 3.0, 0.0], [9.0, 0.0, 0.0]])

POINTS = {  # name: (function, point, value or None, gradient of the sum of the values)
    "maxpool": (lambda x: mg.maxpool(x, 2), POOLED, [[NAN]], [[0.0, 1.0], [0.0, 0.0]]),
    "maxpool, two nan": (
        lambda x: mg.maxpool(x, 2), [[1.0, NAN], [NAN, 3.0]], [[NAN]], [[0.0, 1.0], [0.0, 0.0]],
    ),
    "maxpool, overlapping": (
        lambda x: mg.maxpool(x, 2, stride=1), OVERLAPPING, [[5.0, NAN], [9.0, 3.0]],
        [[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
    ),
    "maxpool of -inf": (
        lambda x: mg.maxpool(x, 2), np.full((2, 2), -INF), [[-INF]], [[1.0, 0.0], [0.0, 0.0]],
    ),
    "global_maxpool": (lambda x: mg.global_maxpool(x), POOLED, NAN, [[0.0, 1.0], [0.0, 0.0]]),
    "max": (np.max, [1.0, NAN, 2.0], NAN, [0.0, 1.0, 0.0]),
    "min": (np.min, [1.0, NAN, 2.0], NAN, [0.0, 1.0, 0.0]),
    "max of inf": (np.max, [1.0, INF, -INF], INF, [0.0, 1.0, 0.0]),
    "max, one row of nan": (
        lambda x: np.max(x, axis=1), [[1.0, NAN], [2.0, 3.0]], [NAN, 3.0], [[0.0, 1.0], [0.0, 1.0]],
    ),
    "nanmax": (np.nanmax, [1.0, NAN, 2.0], 2.0, [0.0, 0.0, 1.0]),
    "nanmin": (np.nanmin, [1.0, NAN, -INF], -INF, [0.0, 0.0, 1.0]),
    "nansum": (np.nansum, [1.0, NAN], 1.0, [1.0, 0.0]),
    "nanmean": (np.nanmean, [1.0, NAN, 3.0], 2.0, [0.5, 0.0, 0.5]),
    "cummax": (np.maximum.accumulate, [1.0, NAN, 0.0], [1.0, NAN, NAN], [1.0, 2.0, 0.0]),
    "sort": (lambda x: np.sort(x)[:1], [3.0, NAN, 1.0], [1.0], [0.0, 0.0, 1.0]),
    "sort, nan last": (lambda x: np.sort(x)[2:], [3.0, NAN, 1.0], [NAN], [0.0, 1.0, 0.0]),
    "sort of inf": (np.sort, [INF, -INF, 0.0], [-INF, 0.0, INF], [1.0, 1.0, 1.0]),
    "median of inf": (np.median, [INF, 2.0, -INF], 2.0, [0.0, 1.0, 0.0]),
    "softmax": (lambda x: mg.softmax(x)[0], [INF, 0.0], 1.0, [0.0, 0.0]),
    "softmax of two": (lambda x: mg.softmax(x)[0], [INF, INF, 0.0], 0.5, [0.25, -0.25, 0.0]),
    "softmax, masked": (lambda x: mg.softmax(x)[1], [-INF, 0.0, 0.0], 0.5, [0.0, 0.25, -0.25]),
    "softmax, all masked": (mg.softmax, [-INF, -INF], [0.0, 0.0], [0.0, 0.0]),
    "softmax, largest": (lambda x: mg.softmax(x)[0], [1.7e308, -1.7e308], 1.0, [0.0, 0.0]),
    "log_softmax": (mg.log_softmax, [INF, 0.0], [0.0, -INF], [-1.0, 1.0]),
    "logsumexp": (mg.logsumexp, [INF, 0.0], INF, [1.0, 0.0]),
    "logsumexp of -inf": (mg.logsumexp, [-INF, 0.0], 0.0, [0.0, 1.0]),
    "logsumexp, nothing": (mg.logsumexp, [-INF, -INF], -INF, [0.0, 0.0]),
    "logsumexp, largest": (mg.logsumexp, [1.7e308, 1.7e308], 1.7e308, [0.5, 0.5]),
    "logaddexp.reduce": (np.logaddexp.reduce, [INF, 5.0], INF, [1.0, 0.0]),
    "cross_entropy": (lambda x: mg.cross_entropy(x, [0]), [[INF, 0.0]], 0.0, [[0.0, 0.0]]),
    "cross_entropy, masked": (lambda x: mg.cross_entropy(x, [1]), [[-INF, 0.0]], 0.0, [[0.0, 0.0]]),
    "binary_cross_entropy": (
        lambda x: mg.binary_cross_entropy(x, [1.0, 0.0]), [INF, -INF], 0.0, [0.0, 0.0],
    ),
    "binary_cross_entropy, wrong": (
        lambda x: mg.binary_cross_entropy(x, [0.0, 1.0]), [INF, -INF], INF, [0.5, -0.5],
    ),
    "norm of inf": (np.linalg.norm, [INF, 1.0], INF, [1.0, 0.0]),
    "norm of -inf": (np.linalg.norm, [1.0, -INF], INF, [0.0, -1.0]),
    "norm, large": (np.linalg.norm, [BIG, -BIG], None, [HALF, -HALF]),
    "norm, small": (np.linalg.norm, [TINY, -TINY], None, [HALF, -HALF]),
    "norm, subnormal": (np.linalg.norm, [5e-324, 0.0], None, [1.0, 0.0]),
    "norm of -0": (np.linalg.norm, [-0.0, 0.0], 0.0, [0.0, 0.0]),
    "norm 3, large": (lambda x: np.linalg.norm(x, 3), [BIG, -BIG], None, [CUBIC, -CUBIC]),
    "norm 3, small": (lambda x: np.linalg.norm(x, 3), [TINY, TINY], None, [CUBIC, CUBIC]),
    "norm 3 of inf": (lambda x: np.linalg.norm(x, 3), [INF, 1.0], INF, [1.0, 0.0]),
    "norm 1": (lambda x: np.linalg.norm(x, 1), [INF, -1.0], INF, [1.0, -1.0]),
    "norm inf": (lambda x: np.linalg.norm(x, INF), [1.0, -INF], INF, [0.0, -1.0]),
    "prod": (np.prod, [0.0, 2.0, 3.0], 0.0, [6.0, 0.0, 0.0]),
    "cumprod": (lambda x: np.cumprod(x)[0], [2.0, INF], 2.0, [1.0, 0.0]),
    "cumprod, later": (lambda x: np.cumprod(x)[:2], [2.0, 3.0, INF], [2.0, 6.0], [4.0, 2.0, 0.0]),
    "cumsum": (lambda x: np.cumsum(x)[0], [2.0, INF], 2.0, [1.0, 0.0]),
    "mean": (np.mean, [INF, 1.0], INF, [0.5, 0.5]),
    "avgpool": (lambda x: mg.avgpool(x, (1, 2)), [[INF, 1.0]], [[INF]], [[0.5, 0.5]]),
    "hinge": (lambda x: mg.hinge(x, [1.0]), [INF], 0.0, [0.0]),
    "l1": (lambda x: mg.l1(x, [0.0]), [-INF], INF, [-1.0]),
    "std of equal": (np.std, [BIG, BIG], 0.0, [0.0, 0.0]),
    "layer_norm, large": (lambda x: mg.layer_norm(x)[0], [BIG, BIG], 0.0, None),
    "interp": (lambda x: np.interp(x, [0.0, 1.0], [5.0, 7.0]), [INF, -INF], [7.0, 5.0], [0.0, 0.0]),
    "attention": (
        lambda x: mg.scaled_dot_product_attention(x, np.ones((2, 1)), np.ones((2, 1)), causal=True),
        [[1e300], [1.0]], [[1.0], [1.0]], [[0.0], [0.0]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POINTS)
def test_the_limit(name):
    f, point, value, gradient = POINTS[name]
    x = mg.Tensor(np.array(point), requires_grad=True)
    with np.errstate(all="ignore"):
        z = f(x)
        z.backward(np.ones(z.shape))
    if value is not None:
        np.testing.assert_allclose(z.data, value, rtol=1e-14, atol=1e-300)
    if gradient is not None:
        np.testing.assert_allclose(x.grad, gradient, rtol=1e-14, atol=1e-300)


SIZES = [(2, 2), (2, 1), (3, 3), (3, 2), ((2, 3), (1, 2))]


@pytest.mark.parametrize(("size", "stride"), SIZES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_maxpool_sends_the_gradient_to_the_first_nan(size, stride, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (3, 2, 13, 13)).astype(dtype)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[rng.random(x.shape) < 0.1] = -np.inf
    t = mg.Tensor(x, requires_grad=True)
    z = mg.maxpool(t, size, stride=stride, remainder="drop")
    g = rng.integers(1, 5, z.shape).astype(dtype)
    z.backward(g)
    (high, wide), (down, right) = (np.broadcast_to(v, 2) for v in (size, stride))
    wanted, values = np.zeros(x.shape), np.empty(z.shape)
    for b, c, i, j in np.ndindex(z.shape):
        window = x[b, c, i * down :, j * right :][:high, :wide]
        flat = window.ravel()
        first = np.flatnonzero(np.isnan(flat))[0] if np.isnan(flat).any() else np.argmax(flat)
        values[b, c, i, j] = flat[first]
        wanted[b, c, i * down + first // wide, j * right + first % wide] += g[b, c, i, j]
    np.testing.assert_array_equal(z.data, values)
    np.testing.assert_array_equal(t.grad, wanted)
