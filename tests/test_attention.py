"""Scaled dot-product attention, one query at a time with Python's own numbers."""

import math

import numpy as np
import pytest
from differences import assert_derivatives

import minigrad as mg
from minigrad.errors import ShapeError


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def attended(query, key, value, may_look, bonus=None, scale=None):
    """(L, E), (S, E), (S, V) -> (L, V); `may_look(i, j)` says whether query i sees key j."""
    z = np.zeros((len(query), value.shape[1]))
    scale = 1 / math.sqrt(query.shape[1]) if scale is None else scale
    for i, q in enumerate(query):
        seen = [j for j in range(len(key)) if may_look(i, j)]
        scores = [
            scale * math.fsum(a * b for a, b in zip(q, key[j], strict=True))
            + (0 if bonus is None else bonus[i, j])
            for j in seen
        ]
        weights = [math.exp(s) for s in scores]
        for j, weight in zip(seen, weights, strict=True):
            z[i] += value[j] * (weight / math.fsum(weights))
    return z


QUERY, KEY, VALUE = draw((4, 3), (5, 3), (5, 2))


def test_attention_by_its_definition():
    found = mg.scaled_dot_product_attention(QUERY, KEY, VALUE)
    np.testing.assert_allclose(found, attended(QUERY, KEY, VALUE, lambda i, j: True), rtol=1e-12)
    found = mg.scaled_dot_product_attention(QUERY, KEY, VALUE, scale=2.0)
    expected = attended(QUERY, KEY, VALUE, lambda i, j: True, scale=2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert_derivatives(mg.scaled_dot_product_attention, QUERY, KEY, VALUE)


def test_causal_attention_sees_nothing_later():
    def causal(*arrays):
        return mg.scaled_dot_product_attention(*arrays, causal=True)

    expected = attended(QUERY, KEY, VALUE, lambda i, j: j <= i)
    np.testing.assert_allclose(causal(QUERY, KEY, VALUE), expected, rtol=1e-12)
    assert_derivatives(causal, QUERY, KEY, VALUE)
    gradient = mg.grad(lambda value: np.sum(causal(QUERY, KEY, value)[1]))(VALUE)
    assert gradient[:2].all()
    assert not gradient[2:].any()


@pytest.mark.parametrize("causal", [False, True])
def test_boolean_mask_and_a_query_that_may_look_nowhere(causal):
    mask = np.random.default_rng(1).random((4, 5)) > 0.4
    mask[1] = False
    mask[0] = [False, True, True, True, True]  # with `causal` it sees nothing either

    def masked(*arrays):
        return mg.scaled_dot_product_attention(*arrays, mask=mask, causal=causal)

    expected = attended(QUERY, KEY, VALUE, lambda i, j: mask[i, j] and (j <= i or not causal))
    found = masked(QUERY, KEY, VALUE)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert not found[1].any()
    assert_derivatives(masked, QUERY, KEY, VALUE)
    gradients = mg.grad(lambda *a: np.sum(masked(*a) ** 2), (0, 1, 2))(QUERY, KEY, VALUE)
    assert all(np.all(np.isfinite(g)) for g in gradients)
    assert not gradients[0][1].any()


def test_mask_that_is_added_is_differentiable():
    (bonus,) = draw((4, 5), seed=2)

    def biased(query, key, value, bonus):
        return mg.scaled_dot_product_attention(query, key, value, mask=bonus)

    expected = attended(QUERY, KEY, VALUE, lambda i, j: True, bonus)
    np.testing.assert_allclose(biased(QUERY, KEY, VALUE, bonus), expected, rtol=1e-12)
    assert_derivatives(biased, QUERY, KEY, VALUE, bonus)
    closed = np.where(bonus > 0, 0.0, -np.inf)
    np.testing.assert_allclose(
        biased(QUERY, KEY, VALUE, closed),
        mg.scaled_dot_product_attention(QUERY, KEY, VALUE, mask=bonus > 0),
        rtol=1e-14,
    )


def test_heads_and_batches_are_independent():
    query, key, value = draw((2, 3, 4, 5), (2, 1, 6, 5), (2, 3, 6, 2), seed=3)
    mask = np.random.default_rng(4).random((2, 1, 4, 6)) > 0.3
    z = mg.scaled_dot_product_attention(query, key, value, mask=mask)
    assert z.shape == (2, 3, 4, 2)
    for b, h in np.ndindex(2, 3):
        one = attended(query[b, h], key[b, 0], value[b, h], lambda i, j, b=b: mask[b, 0, i, j])
        np.testing.assert_allclose(z[b, h], one, rtol=1e-12, atol=1e-15)
    assert_derivatives(mg.scaled_dot_product_attention, query, key, value)


def test_single_precision_stays():
    arrays = [mg.Tensor(a, dtype=np.float32, requires_grad=True) for a in (QUERY, KEY, VALUE)]
    mask = np.ones((4, 5), dtype=bool)
    z = mg.scaled_dot_product_attention(*arrays, mask=mask, causal=True)
    assert z.dtype == np.float32
    z.backward(np.ones(z.shape))
    assert all(t.grad.dtype == np.float32 for t in arrays)


@pytest.mark.parametrize(
    ("shapes", "mask"),
    [
        (((4, 3), (5, 2), (5, 2)), None),
        (((4, 3), (5, 3), (4, 2)), None),
        (((3,), (5, 3), (5, 2)), None),
        (((4, 3), (5, 3), (5, 2)), (4, 4)),
        (((4, 3), (5, 3), (5, 2)), (2, 4, 5)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes, mask):
    arrays = draw(*shapes)
    with pytest.raises(ShapeError, match=r"\(\.\.\., L, E\)|mask of shape"):
        mg.scaled_dot_product_attention(*arrays, mask=None if mask is None else np.ones(mask))


@pytest.mark.parametrize("causal", [False, True])
def test_same_as_pytorch(causal):
    torch = pytest.importorskip("torch")
    arrays = draw((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 2), seed=5)
    (g,) = draw((2, 3, 4, 2), seed=6)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    value = torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=causal)
    z, pullback = mg.vjp(lambda *a: mg.scaled_dot_product_attention(*a, causal=causal), *arrays)
    np.testing.assert_allclose(z, value.detach().numpy(), rtol=1e-11)
    expected = torch.autograd.grad(value, tensors, torch.tensor(g))
    for ours, theirs in zip(pullback(g), expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10, atol=1e-13)
