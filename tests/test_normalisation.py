"""Normalisation, dropout, embedding and one-hot rows, by plain loops over the definition."""

import math
import warnings

import numpy as np
import pytest
from differences import assert_derivatives

import minigrad as mg
from minigrad.errors import DataError, LeavesGraphError, ShapeError


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(loc=0.3, size=shape) for shape in shapes]


def normalised(values, epsilon, centred=True):
    """One group of values, by the definition with Python's numbers."""
    mean = math.fsum(values) / len(values) if centred else 0
    variance = math.fsum((v - mean) ** 2 for v in values) / len(values)
    return [(v - mean) / math.sqrt(variance + epsilon) for v in values]


def by_group(x, group_of, epsilon, centred=True):
    """Every element normalised among those with the same `group_of(index)`."""
    groups = {}
    for index in np.ndindex(x.shape):
        groups.setdefault(group_of(index), []).append(index)
    z = np.zeros(x.shape)
    for members in groups.values():
        for index, v in zip(
            members, normalised([float(x[i]) for i in members], epsilon, centred), strict=True
        ):
            z[index] = v
    return z


# --- batch_norm ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 3), (3, 2, 5), (2, 3, 2, 4), (2, 2, 2, 3, 2)])
@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_batch_norm_by_its_definition(shape, epsilon):
    x, scale, shift = draw(shape, shape[1:2], shape[1:2])
    expected = by_group(x, lambda index: index[1], epsilon)
    np.testing.assert_allclose(mg.batch_norm(x, epsilon=epsilon), expected, rtol=1e-11)
    for index in np.ndindex(shape):
        expected[index] = expected[index] * scale[index[1]] + shift[index[1]]
    found = mg.batch_norm(x, scale, shift, epsilon=epsilon)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert_derivatives(lambda *a: mg.batch_norm(*a, epsilon=epsilon), x, scale, shift)


def test_batch_norm_with_statistics_that_were_kept():
    x, scale, shift, mean = draw((2, 3, 4), (3,), (3,), (3,))
    variance = np.array([0.5, 2.0, 0.1])
    expected = np.zeros(x.shape)
    for i, c, j in np.ndindex(x.shape):
        z = (x[i, c, j] - mean[c]) / math.sqrt(variance[c] + 1e-3)
        expected[i, c, j] = z * scale[c] + shift[c]

    def predict(x, scale, shift, mean, variance):
        return mg.batch_norm(x, scale, shift, mean=mean, variance=variance, epsilon=1e-3)

    np.testing.assert_allclose(predict(x, scale, shift, mean, variance), expected, rtol=1e-12)
    assert_derivatives(predict, x, scale, shift, mean, variance)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.0, 1e30, 1e308])
@pytest.mark.parametrize("epsilon", [1e-5, 0.0])
def test_batch_norm_of_a_constant_is_the_shift(constant, epsilon):
    """Even where a mean is rounded, or epsilon is 0; one sample alone is a constant, too."""
    for shape in ((8, 2), (1, 2)):
        x = np.full(shape, constant)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            z, pullback = mg.vjp(
                lambda x: mg.batch_norm(x, [2.0, 3.0], [5.0, -1.0], epsilon=epsilon), x
            )
            (gradient,) = pullback(draw(shape)[0])
        np.testing.assert_array_equal(z, np.broadcast_to([5.0, -1.0], shape))
        assert np.all(np.isfinite(gradient))


def test_an_offset_does_not_drown_the_differences():
    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(mg.layer_norm(x + 2.0**50), mg.layer_norm(x), rtol=1e-14)


@pytest.mark.parametrize("largest", [1e160, 1e200, 1.7e308])
def test_large_values_are_normalised_like_small_ones(largest):
    """Their squares overflow, and the last one's sum; small groups beside them keep theirs."""
    x = np.array([[largest, -largest, largest], [1.0, 5.0, 2.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = mg.layer_norm(x)
        unit = mg.rms_norm(x)
        gradient = mg.grad(lambda x: np.sum(mg.layer_norm(x) * [1.0, 2.0, 4.0]))(x)
    ones = np.array([1.0, -1.0, 1.0])
    np.testing.assert_allclose(z[0], normalised(ones.tolist(), 0), rtol=1e-12)
    np.testing.assert_allclose(z[1], normalised([1.0, 5.0, 2.0], 1e-5), rtol=1e-12)
    np.testing.assert_allclose(unit[0], ones, rtol=1e-12)
    np.testing.assert_allclose(unit[1], normalised([1.0, 5.0, 2.0], 1e-5, False), rtol=1e-12)
    np.testing.assert_allclose(gradient[0], 0, atol=1e-150)
    expected = mg.grad(lambda x: np.sum(mg.layer_norm(x) * [1.0, 2.0, 4.0]))(x[1])
    np.testing.assert_allclose(gradient[1], expected, rtol=1e-12)


def test_large_single_precision():
    x = np.array([1e30, -1e30, 1e30], dtype=np.float32)
    z = mg.layer_norm(x)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, mg.layer_norm(np.array([1.0, -1.0, 1.0])), rtol=1e-4)


# --- layer_norm, group_norm, rms_norm --------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 0, (1, 2), (-1, 0)])
def test_layer_norm_by_its_definition(axis):
    (x,) = draw((3, 2, 4), seed=1)
    over = {a % 3 for a in np.atleast_1d(axis)}

    def group(index):
        return tuple(i for a, i in enumerate(index) if a not in over)

    expected = by_group(x, group, 1e-5)
    np.testing.assert_allclose(mg.layer_norm(x, axis=axis), expected, rtol=1e-11, atol=1e-13)
    assert_derivatives(lambda x: mg.layer_norm(x, axis=axis), x)
    expected = by_group(x, group, 1e-5, centred=False)
    np.testing.assert_allclose(mg.rms_norm(x, axis=axis), expected, rtol=1e-11)
    assert_derivatives(lambda x: mg.rms_norm(x, axis=axis), x)


def test_layer_norm_scale_and_shift_have_the_shape_of_the_axes():
    x, scale, shift = draw((3, 2, 4), (2, 4), (2, 4), seed=2)
    z = mg.layer_norm(x, axis=(1, 2))
    found = mg.layer_norm(x, scale, shift, axis=(1, 2))
    for index in np.ndindex(x.shape):
        assert found[index] == pytest.approx(z[index] * scale[index[1:]] + shift[index[1:]])
    assert_derivatives(lambda *a: mg.layer_norm(*a, axis=(1, 2)), x, scale, shift)
    assert_derivatives(lambda x, scale: mg.rms_norm(x, scale, axis=(1, 2)), x, scale)
    with pytest.raises(ShapeError, match=r"shape \(3,\) does not broadcast to x \(2, 4\)"):
        mg.layer_norm(x[0], np.ones(3))
    with pytest.raises(ShapeError, match="does not broadcast"):
        mg.rms_norm(x[0], np.ones((5, 2, 4)))


@pytest.mark.parametrize(("groups", "shape"), [(1, (2, 4)), (2, (2, 4, 3)), (4, (3, 4, 2, 2))])
def test_group_norm_by_its_definition(groups, shape):
    x, scale, shift = draw(shape, (4,), (4,), seed=3)
    expected = by_group(x, lambda index: (index[0], index[1] // (4 // groups)), 1e-5)
    np.testing.assert_allclose(mg.group_norm(x, groups), expected, rtol=1e-11, atol=1e-13)
    for index in np.ndindex(shape):
        expected[index] = expected[index] * scale[index[1]] + shift[index[1]]
    found = mg.group_norm(x, groups, scale, shift)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert_derivatives(lambda *a: mg.group_norm(a[0], groups, *a[1:]), x, scale, shift)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.batch_norm(np.ones(3)), ShapeError, r"\(B, C, ...\)"),
        (lambda: mg.batch_norm(np.ones((2, 3)), np.ones(2)), ShapeError, "3 channels"),
        (lambda: mg.batch_norm(np.ones((2, 3)), mean=np.ones(3)), TypeError, "both mean="),
        (lambda: mg.group_norm(np.ones((2, 3)), 2), ShapeError, "3 channels .* 2 groups"),
        (lambda: mg.group_norm(np.ones((2, 3)), 0), ShapeError, "0 groups"),
    ],
)
def test_norms_refuse_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norms_keep_the_dtype_and_give_tensors_for_tensors(dtype):
    x = mg.Tensor(draw((4, 6))[0], dtype=dtype, requires_grad=True)
    ones = np.ones(6, dtype)
    for z in (
        mg.batch_norm(x, ones, ones),
        mg.batch_norm(x, ones, ones, mean=ones, variance=ones),
        mg.layer_norm(x, ones, ones),
        mg.group_norm(x, 3, ones, ones),
        mg.rms_norm(x, ones),
        mg.dropout(x, rng=np.random.default_rng(0)),
    ):
        assert isinstance(z, mg.Tensor)
        assert z.dtype == dtype
        assert z.requires_grad
    assert isinstance(mg.layer_norm(x.numpy()), np.ndarray)


def test_norm_of_integers():
    x = np.array([[2**40, 0, 2**40], [1, 5, 2]])
    np.testing.assert_allclose(mg.rms_norm(x), mg.rms_norm(x.astype(float)), rtol=1e-14)


# --- dropout ---------------------------------------------------------------------------------


def test_dropout_drops_the_rate_and_scales_the_rest():
    x = np.linspace(1, 2, 20_000)
    z = mg.dropout(x, 0.2, rng=np.random.default_rng(0))
    kept = z != 0
    np.testing.assert_allclose(z[kept], x[kept] / 0.8, rtol=1e-15)
    assert abs(kept.mean() - 0.8) < 0.01
    assert abs(z.mean() - x.mean()) < 0.02


def test_dropout_gradient_is_the_mask_of_its_own_call():
    x = np.ones(50)
    rng = np.random.default_rng(1)
    first, pullback = mg.vjp(lambda x: mg.dropout(x, 0.5, rng=rng), x)
    second = mg.dropout(x, 0.5, rng=rng)
    assert np.any(first != second)
    (cotangent,) = draw(x.shape)
    np.testing.assert_array_equal(pullback(cotangent)[0], cotangent * first)
    same = mg.dropout(x, 0.5, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(same, first)


def test_dropout_of_nothing_and_refusals():
    x = np.arange(5.0)
    np.testing.assert_array_equal(mg.dropout(x, 0.0, rng=np.random.default_rng(0)), x)
    with pytest.raises(TypeError, match="Generator"):
        mg.dropout(x, 0.5, rng=0)
    for rate in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="probability"):
            mg.dropout(x, rate, rng=np.random.default_rng(0))


# --- embedding and one_hot -------------------------------------------------------------------


def test_embedding_looks_up_rows():
    (table,) = draw((5, 3))
    labels = np.array([[0, 4, 4], [2, 4, 0]])
    z, pullback = mg.vjp(lambda table: mg.embedding(labels, table), table)
    (cotangent,) = draw(z.shape)
    gradient = np.zeros(table.shape)
    for index in np.ndindex(labels.shape):
        np.testing.assert_array_equal(z[index], table[labels[index]])
        gradient[labels[index]] += cotangent[index]
    np.testing.assert_allclose(pullback(cotangent)[0], gradient, rtol=1e-13)
    assert_derivatives(lambda table: mg.embedding(labels, table) ** 2, table)
    np.testing.assert_array_equal(mg.embedding(mg.Tensor([1, 0]), table), table[[1, 0]])


def test_one_hot_rows():
    rows = mg.one_hot([[0, 2], [1, 1]], 3, dtype=np.float32)
    assert rows.shape == (2, 2, 3)
    assert rows.dtype == np.float32
    assert rows.sum() == 4
    for index in np.ndindex(2, 2):
        assert rows[(*index, [[0, 2], [1, 1]][index[0]][index[1]])] == 1
    np.testing.assert_array_equal(mg.one_hot(1, 2), [0, 1])
    np.testing.assert_array_equal(mg.one_hot(mg.Tensor([1.0]), 2), [[0, 1]])


def test_labels_that_are_no_class_numbers_are_refused():
    table = np.ones((3, 2))
    with pytest.raises(DataError, match=r"label 3 at position \(1, 0\).* 0 to 2"):
        mg.embedding([[0, 1], [3, 2]], table)
    with pytest.raises(DataError, match="label -1 at position 1"):
        mg.one_hot([0, -1], 3)
    with pytest.raises(DataError, match=r"label 0\.5 at position 0"):
        mg.one_hot([0.5], 3)
    with pytest.raises(DataError, match="1 of 2 labels are NaN, the first at position 1"):
        mg.one_hot([0.0, np.nan], 3)
    with pytest.raises(ShapeError, match="table"):
        mg.embedding([0], np.ones(3))
    with pytest.raises(LeavesGraphError):
        mg.one_hot(mg.Tensor([1.0], requires_grad=True), 3)


# --- PyTorch, where it is installed ----------------------------------------------------------


def test_norms_are_pytorchs():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x, scale, shift, g = draw((3, 4, 5), (4,), (4,), (3, 4, 5), seed=4)
    last = draw((5,), (5,), seed=5)
    pairs = [
        (mg.batch_norm, lambda x, w, b: functional.batch_norm(x, None, None, w, b, True), scale),
        (
            lambda x, w, b: mg.group_norm(x, 2, w, b),
            lambda x, w, b: functional.group_norm(x, 2, w, b),
            scale,
        ),
        (mg.layer_norm, lambda x, w, b: functional.layer_norm(x, (5,), w, b), last[0]),
        (
            lambda x, w, b: mg.rms_norm(x, w) + b,
            lambda x, w, b: functional.rms_norm(x, (5,), w, 1e-5) + b,
            last[0],
        ),
    ]
    for ours, theirs, weight in pairs:
        arrays = (x, weight, shift if weight is scale else last[1])
        tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
        value = theirs(*tensors)
        z, pullback = mg.vjp(ours, *arrays)
        np.testing.assert_allclose(z, value.detach().numpy(), rtol=1e-10, atol=1e-12)
        expected = torch.autograd.grad(value, tensors, torch.tensor(g))
        for a, b in zip(pullback(g), expected, strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-9, atol=1e-12)
