"""Losses by their formulas, and where logits are far out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import GENERATORS

import minigrad as mg

INF = math.inf


def test_mse_by_hand():
    x, y = (mg.Tensor(v, requires_grad=True) for v in ([[1.0, 2.0]], [[4.0, 0.0]]))
    loss = mg.mse(x, y)
    assert loss.shape == ()
    assert loss.item() == (9 + 4) / 2
    loss.backward()
    np.testing.assert_array_equal(x.grad, [[-3.0, 2.0]])
    np.testing.assert_array_equal(y.grad, [[3.0, -2.0]])


@given(rng=GENERATORS, rows=st.integers(1, 5), classes=st.integers(1, 5))
def test_cross_entropy_and_its_gradient_by_the_formula(rng, rows, classes):
    values, labels = rng.normal(size=(rows, classes)), rng.integers(classes, size=rows)
    logits = mg.Tensor(values, requires_grad=True)
    loss = mg.cross_entropy(logits, labels)
    total, expected = 0.0, np.zeros((rows, classes))
    for i in range(rows):
        weights = [math.exp(v) for v in values[i]]
        total -= math.log(weights[labels[i]] / sum(weights))
        for c in range(classes):
            expected[i, c] = (weights[c] / sum(weights) - (c == labels[i])) / rows
    np.testing.assert_allclose(loss.item(), total / rows, rtol=1e-13)
    loss.backward(2.5)
    np.testing.assert_allclose(logits.grad, 2.5 * expected, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("labels", [[0, 2], (0, 2), np.array([0, 2], np.uint8), mg.Tensor([0, 2])])
def test_labels_are_any_integers(labels):
    logits = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    expected = np.log(np.exp(logits[0]).sum()) - 2.0
    np.testing.assert_allclose(mg.cross_entropy(logits, labels), expected, rtol=1e-14)


def test_whole_numbers_in_float_dtype_are_labels():
    logits = np.array([[1.0, 2.0]])
    assert mg.cross_entropy(logits, [1.0]) == mg.cross_entropy(logits, [1])


def test_writing_to_the_labels_afterwards_changes_nothing():
    labels = np.array([0])
    logits = mg.Tensor([[0.0, 0.0]], requires_grad=True)
    loss = mg.cross_entropy(logits, labels)
    labels[0] = 1
    loss.backward()
    np.testing.assert_allclose(logits.grad, [[-0.5, 0.5]])


@pytest.mark.parametrize(
    ("logits", "label", "loss", "gradient"),
    [
        ([1e308, 0.0], 0, 0.0, [0.0, 0.0]),
        ([1000.0, 0.0], 1, 1000.0, [1.0, -1.0]),
        ([0.0, -INF], 0, 0.0, [0.0, 0.0]),
        ([0.0, -INF], 1, INF, [1.0, -1.0]),
        ([-1e308, -1e308], 0, math.log(2), [-0.5, 0.5]),
    ],
)
def test_cross_entropy_far_out(logits, label, loss, gradient):
    x = mg.Tensor([logits], requires_grad=True)
    found = mg.cross_entropy(x, [label])
    np.testing.assert_allclose(found.item(), loss, rtol=1e-15)
    found.backward()
    np.testing.assert_allclose(x.grad, [gradient], atol=1e-15)


@given(rng=GENERATORS, size=st.integers(1, 6))
def test_binary_cross_entropy_and_its_gradient_by_the_formula(rng, size):
    values, targets = rng.normal(size=size), rng.random(size)
    logits = mg.Tensor(values, requires_grad=True)
    loss = mg.binary_cross_entropy(logits, targets)
    chances = [1 / (1 + math.exp(-v)) for v in values]
    terms = [
        t * math.log(s) + (1 - t) * math.log(1 - s) for s, t in zip(chances, targets, strict=True)
    ]
    np.testing.assert_allclose(loss.item(), -sum(terms) / size, rtol=1e-12)
    loss.backward()
    np.testing.assert_allclose(logits.grad, (chances - targets) / size, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize(
    ("logit", "target", "loss", "gradient"),
    [
        (1000.0, 1.0, 0.0, 0.0),
        (1000.0, 0.0, 1000.0, 1.0),
        (-1000.0, 1.0, 1000.0, -1.0),
        (-1000.0, 0.0, 0.0, 0.0),
        (1e308, 0.0, 1e308, 1.0),
        (0.0, 0.5, math.log(2), 0.0),
        (-40.0, 0.0, 4.248354255291589e-18, 4.248354255291589e-18),
    ],
)
def test_binary_cross_entropy_far_out(logit, target, loss, gradient):
    x = mg.Tensor([logit], requires_grad=True)
    found = mg.binary_cross_entropy(x, [target])
    np.testing.assert_allclose(found.item(), loss, rtol=1e-14)
    found.backward()
    np.testing.assert_allclose(x.grad, [gradient], rtol=1e-14)


@pytest.mark.parametrize("target", [0, 1, True])
def test_targets_are_any_numbers(target):
    expected = math.log(1 + math.exp(-0.5 if target else 0.5))
    np.testing.assert_allclose(mg.binary_cross_entropy(np.array([0.5]), [target]), expected)


def test_second_derivative_of_cross_entropy_is_that_of_logsumexp():
    x = np.array([0.3, -1.2, 0.8])
    s = np.exp(x) / np.exp(x).sum()
    expected = np.diag(s) - np.outer(s, s)
    for row, unit in enumerate(np.eye(3)):

        def slope(x, unit=unit):
            return mg.grad(lambda x: mg.cross_entropy(x[None], [1]))(x) @ unit

        np.testing.assert_allclose(mg.grad(slope)(x), expected[row], rtol=1e-12)


@given(
    rng=GENERATORS,
    rows=st.integers(1, 70),
    classes=st.integers(1, 12),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_the_loss_of_plain_labels_is_the_composed_one(rng, rows, classes, dtype):
    """`cross_entropy` is one op where nothing is weighted or left out."""
    values = (rng.normal(size=(rows, classes)) * 10).astype(dtype)
    values[rng.random(values.shape) < 0.1] = -np.inf
    values[np.arange(rows), rng.integers(0, classes, rows)] = rng.normal()
    labels = rng.integers(0, classes, rows)
    labels = np.where(np.isinf(values[np.arange(rows), labels]), np.argmax(values, 1), labels)
    x, y = (mg.Tensor(values, requires_grad=True) for _ in range(2))
    one, composed = mg.cross_entropy(x, labels), mg.nll(mg.log_softmax(y), labels)
    assert one.dtype == dtype
    eps = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(one.data, composed.data, rtol=eps, atol=eps)
    one.backward()
    composed.backward()
    assert x.grad.dtype == dtype
    np.testing.assert_allclose(x.grad, y.grad, rtol=eps, atol=eps)
