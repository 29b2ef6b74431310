"""No digits are lost where one value has nearly everything: values and derivatives of both orders.

Softmax and its kin near certainty, against 50 digits: 1 - 1e-20 is 1, but its distance to 1, which
is what a derivative is made of, is a normal number.
"""

import numpy as np
import pytest

import minigrad as mg

mpmath = pytest.importorskip("mpmath")
exp, log = mpmath.exp, mpmath.log

ROWS = {
    "even": [0.3, -0.2, 0.5],
    "sure": [40.0, 0.0, -1.0],
    "surer": [100.0, 0.0, 10.0],
    "two sure": [50.0, 49.0, 0.0],
    "wrong": [0.0, 45.0, 1.0],
    "far from 0": [1e4 + 40.0, 1e4, 1e4 - 3.0],
}
SHARES = np.array([0.5, -2.0, 1.25])
SMOOTH = np.array([0.9, 0.05, 0.05])


def shares(x):
    whole = sum(exp(v) for v in x)
    return [exp(v) / whole for v in x]


def surprise(x, target):
    """-sum(t log p), with log(p) of a p near 1 from what it lacks."""
    p = shares(x)
    return -sum(t * log(q) for t, q in zip(map(mpmath.mpf, target), p, strict=True))


def softplus(v):
    return mpmath.log1p(exp(v))


def keys(x):
    """Attention of one query to the keys x, with values of one column."""
    return mg.scaled_dot_product_attention(
        np.ones((1, 1)), np.reshape(x, (3, 1)), SHARES[:, None], scale=1.0
    ).sum()


def weighted(x):
    return mg.cross_entropy(x[None], [0], class_weights=np.ones(3))


FUNCTIONS = {  # name: (ours, the same in mpmath)
    "softmax": (lambda x: mg.softmax(x)[0], lambda x: shares(x)[0]),
    "softmax, another": (lambda x: mg.softmax(x)[1], lambda x: shares(x)[1]),
    "softmax, axes": (
        lambda x: mg.softmax(x.reshape(1, 3, 1), axis=(0, 1))[0, 0, 0], lambda x: shares(x)[0],
    ),
    "log_softmax": (lambda x: mg.log_softmax(x)[0], lambda x: log(shares(x)[0])),
    "log_softmax, another": (lambda x: mg.log_softmax(x)[2], lambda x: log(shares(x)[2])),
    "logsumexp": (
        lambda x: mg.logsumexp(x), lambda x: log(sum(exp(v) for v in x)),
    ),
    "cross_entropy": (lambda x: mg.cross_entropy(x[None], [0]), lambda x: surprise(x, [1, 0, 0])),
    "cross_entropy, weighted": (weighted, lambda x: surprise(x, [1, 0, 0])),
    "cross_entropy of rows": (
        lambda x: mg.cross_entropy(x[None], SMOOTH[None]), lambda x: surprise(x, SMOOTH),
    ),
    "label smoothing": (
        lambda x: mg.cross_entropy(x[None], [0], label_smoothing=0.25),
        lambda x: surprise(x, [mpmath.mpf(5) / 6, mpmath.mpf(1) / 12, mpmath.mpf(1) / 12]),
    ),
    "nll": (lambda x: mg.nll(mg.log_softmax(x[None]), [0]), lambda x: surprise(x, [1, 0, 0])),
    "kl_div": (
        lambda x: mg.kl_div(mg.log_softmax(x[None]), [[1.0, 0.0, 0.0]]),
        lambda x: surprise(x, [1, 0, 0]),
    ),
    "attention": (
        keys, lambda x: sum(mpmath.mpf(s) * p for s, p in zip(SHARES, shares(x), strict=True)),
    ),
    "binary_cross_entropy": (
        lambda x: mg.binary_cross_entropy(x, np.array([1.0, 0.0, 0.0]), reduction="sum"),
        lambda x: softplus(-x[0]) + softplus(x[1]) + softplus(x[2]),
    ),
    "binary_cross_entropy, soft": (
        lambda x: mg.binary_cross_entropy(x, SMOOTH, reduction="sum"),
        lambda x: sum(
            t * softplus(-v) + (1 - t) * softplus(v)
            for v, t in zip(x, map(mpmath.mpf, SMOOTH), strict=True)
        ),
    ),
}  # fmt: skip


def differences(f, x):
    """The gradient and the Hessian of a function of mpmath's numbers, by steps of 1e-50."""
    h, n = mpmath.mpf(10) ** -50, len(x)

    def at(*moves):
        return f([v + sum(h * s for i, s in moves if i == k) for k, v in enumerate(x)])

    gradient = [(at((i, 1)) - at((i, -1))) / (2 * h) for i in range(n)]
    hessian = [
        [
            sum(a * b * at((i, a), (j, b)) for a in (1, -1) for b in (1, -1)) / (4 * h * h)
            for j in range(n)
        ]
        for i in range(n)
    ]
    return gradient, hessian


def close(found, wanted, rtol):
    """Each number to its own size, and nothing 0 that is not."""
    wanted = np.array(wanted, float)
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-100)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_fifty_digits(name, row):
    ours, truth = FUNCTIONS[name]
    x = np.array(ROWS[row])
    with mpmath.workdps(230):
        given = [mpmath.mpf(float(v)) for v in x]
        value, (gradient, hessian) = truth(given), differences(truth, given)
        scale = 1e-11 if row == "far from 0" else 4e-13
        close(ours(mg.Tensor(x)).data, value, scale)
        close(mg.grad(ours)(x), gradient, scale)
        forward = [mg.jvp(ours, (x,), (e,))[1] for e in np.eye(3)]
        close(forward, gradient, scale)
        close(mg.hessian(ours)(x), hessian, scale)


@pytest.mark.parametrize(("dtype", "sure"), [(np.float32, 20.0), (np.float16, 9.0)])
def test_in_every_dtype(dtype, sure):
    x = np.array([[sure, 0.0]], dtype)
    rest = float(np.exp(-sure) / (1 + np.exp(-sure)))
    wanted = np.array([[-rest, rest]])
    rtol = 8 * float(np.finfo(dtype).eps)
    for f in (
        lambda x: mg.cross_entropy(x, [0]),
        lambda x: mg.cross_entropy(x, [0], class_weights=np.ones(2, dtype)),
        lambda x: -mg.log_softmax(x)[0, 0],
        lambda x: -mg.softmax(x)[0, 0] * dtype(1 / (1 - rest)),
    ):
        np.testing.assert_allclose(mg.grad(f)(x), wanted, rtol=rtol)


@pytest.mark.parametrize("labels", [[0, 1], [1, 1]])
def test_the_loss_of_labels_is_the_composed_one_where_classes_are_masked(labels):
    x = np.array([[-np.inf, 0.0, 1.0], [2.0, 2.0, -np.inf]])
    with np.errstate(invalid="ignore"):
        at_once = mg.value_and_grad(lambda x: mg.cross_entropy(x, labels))(x)
        composed = mg.value_and_grad(
            lambda x: mg.cross_entropy(x, labels, class_weights=np.ones(3))
        )(x)
    for a, b in zip(at_once, composed, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)
