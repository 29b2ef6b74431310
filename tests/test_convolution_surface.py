"""Convolution in one to three dimensions, its transpose, and global pooling, by nested loops."""

from itertools import product

import numpy as np
import pytest
import scipy.signal
from differences import assert_derivatives

import minigrad as mg
from minigrad.errors import ShapeError

WORDS = {1: mg.conv1d, 2: mg.conv2d, 3: mg.conv3d}


def every(array):
    return product(*map(range, array))


def taps(z, x, w, stride, padding, dilation, groups):
    """Every product of a convolution as indices into z, x and w; outside x left out.

    Shapes are (B, O, *P), (B, C, *N) and (O, C/groups, *F).
    """
    for image, filter_ in every((z[0], w[0])):
        first = filter_ // (w[0] // groups) * w[1]
        for p, channel, f in product(every(z[2:]), range(w[1]), every(w[2:])):
            n = tuple(
                i * s - b + j * d
                for i, j, s, b, d in zip(p, f, stride, padding, dilation, strict=True)
            )
            if all(0 <= i < size for i, size in zip(n, x[2:], strict=True)):
                yield (image, filter_, *p), (image, first + channel, *n), (filter_, channel, *f)


def correlated(x, w, shape, **geometry):
    """The convolution of x, an array of the given shape, by nested loops."""
    z = np.zeros(shape)
    for at_z, at_x, at_w in taps(shape, x.shape, w.shape, **geometry):
        z[at_z] += x[at_x] * w[at_w]
    return z


def spread(z, w, shape, **geometry):
    """Its adjoint in x, an array of the given shape, by nested loops."""
    x = np.zeros(shape)
    for at_z, at_x, at_w in taps(z.shape, shape, w.shape, **geometry):
        x[at_x] += z[at_z] * w[at_w]
    return x


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


CALLS = [  # sizes, filter, stride, padding, dilation, groups, positions
    ((7,), (3,), (2,), (1,), (1,), 1, (4,)),
    ((9,), (2,), (1,), (0,), (3,), 2, (6,)),
    ((5,), (1,), (1,), (0,), (1,), 1, (5,)),
    ((6, 5), (2, 3), (2, 1), (1, 0), (1, 2), 2, (4, 1)),
    ((4, 4), (4, 1), (1, 3), (0, 0), (1, 1), 1, (1, 2)),
    ((4, 3, 5), (2, 1, 2), (2, 1, 1), (0, 1, 0), (1, 1, 2), 1, (2, 5, 3)),
    ((3, 3, 3), (3, 2, 1), (1, 1, 2), (1, 0, 0), (1, 2, 1), 2, (3, 1, 2)),
]


@pytest.mark.parametrize(
    ("sizes", "size", "stride", "padding", "dilation", "groups", "positions"), CALLS
)
@pytest.mark.parametrize("biased", [False, True])
def test_convolution_by_nested_loops(
    sizes, size, stride, padding, dilation, groups, positions, biased
):
    word = WORDS[len(sizes)]
    x, w, b = draw((2, 2 * groups, *sizes), (2 * groups, 2, *size), (2 * groups,))
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    arrays = (x, w, b) if biased else (x, w)
    expected = correlated(x, w, (2, 2 * groups, *positions), **geometry)
    if biased:
        expected += b.reshape(-1, *[1] * len(sizes))
    np.testing.assert_allclose(word(*arrays, **geometry), expected, rtol=1e-12, atol=1e-12)
    assert_derivatives(lambda *a: word(*a, **geometry), *arrays)


@pytest.mark.parametrize(
    ("sizes", "size", "stride", "padding", "dilation", "groups", "positions"),
    [call for call in CALLS if len(call[0]) == 2],
)
@pytest.mark.parametrize("biased", [False, True])
def test_transposed_convolution_by_nested_loops(
    sizes, size, stride, padding, dilation, groups, positions, biased
):
    """Its result is as large as what the convolution of that geometry takes, border included."""
    z, w, b = draw((2, 2 * groups, *positions), (2 * groups, 2, *size), (2 * groups,), seed=1)
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    arrays = (z, w, b) if biased else (z, w)
    expected = spread(z, w, (2, 2 * groups, *sizes), **geometry)
    if biased:
        expected += b[:, None, None]

    def transposed(*arrays):
        return mg.conv_transpose2d(*arrays, **geometry)

    np.testing.assert_allclose(transposed(*arrays), expected, rtol=1e-12, atol=1e-12)
    assert_derivatives(transposed, *arrays)


def test_output_padding_adds_what_the_stride_left_out():
    """Sizes 5 and 6 both give 3 positions with stride 2; the transpose can return to either."""
    (x, w) = draw((1, 2, 3, 3), (2, 1, 1, 1), seed=2)
    small = mg.conv_transpose2d(x, w, stride=2)
    large = mg.conv_transpose2d(x, w, stride=2, output_padding=(1, 0))
    assert small.shape == (1, 1, 5, 5)
    assert large.shape == (1, 1, 6, 5)
    np.testing.assert_array_equal(large[:, :, :5], small)
    assert not large[:, :, 5].any()
    assert_derivatives(
        lambda x, w: mg.conv_transpose2d(x, w, stride=2, output_padding=(1, 0)), x, w
    )


def test_transposed_convolution_is_the_adjoint():
    """<z, conv(x)> = <conv_transpose(z), x>, the identity that defines it."""
    x, w, z = draw((2, 3, 6, 7), (4, 3, 3, 2), (2, 4, 4, 8), seed=3)
    geometry = {"padding": (0, 1), "stride": 1}
    one = np.sum(z * mg.conv2d(x, w, **geometry))
    other = np.sum(mg.conv_transpose2d(z, w, **geometry) * x)
    np.testing.assert_allclose(one, other, rtol=1e-13)


def test_convolution_is_scipys_correlation():
    signal, kernel = draw((12,), (4,), seed=4)
    np.testing.assert_allclose(
        mg.conv1d(signal[None, None], kernel[None, None])[0, 0],
        scipy.signal.correlate(signal, kernel, mode="valid"),
    )
    volume, kernel = draw((5, 6, 4), (2, 3, 2), seed=4)
    np.testing.assert_allclose(
        mg.conv3d(volume[None, None], kernel[None, None])[0, 0],
        scipy.signal.correlate(volume, kernel, mode="valid"),
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_gives_a_position_for_every_stride(stride):
    x, w = draw((1, 1, 7), (1, 1, 4), seed=5)
    z = mg.conv1d(x, w, padding="same", stride=stride)
    assert z.shape == (1, 1, -(-7 // stride))
    total = max((z.shape[2] - 1) * stride + 4 - 7, 0)
    bordered = np.pad(x, ((0, 0), (0, 0), (total // 2, total - total // 2)))  # the odd one last
    np.testing.assert_array_equal(z, mg.conv1d(bordered, w, stride=stride, remainder="drop"))
    assert mg.conv1d(x, w, padding="valid").shape == (1, 1, 4)


def test_volume_of_one_plane_is_an_image():
    x, w, b = draw((2, 3, 5, 6), (4, 3, 2, 3), (4,), seed=6)
    flat = mg.conv2d(x, w, b, padding=1)
    deep = mg.conv3d(x[:, :, None], w[:, :, None], b, padding=(0, 1, 1))
    np.testing.assert_allclose(deep[:, :, 0], flat, rtol=1e-13)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_single_precision_and_empty_batches(axes):
    word, size = WORDS[axes], (4,) * axes
    x = mg.Tensor(np.ones((0, 2, *size)), dtype=np.float32, requires_grad=True)
    w = mg.Tensor(np.ones((3, 2, *size)), dtype=np.float32, requires_grad=True)
    z = word(x, w)
    assert (z.shape, z.dtype) == ((0, 3, *(1,) * axes), np.float32)
    z.backward(np.ones(z.shape))
    assert w.grad.dtype == np.float32
    assert not w.grad.any()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_diagram_shows_the_word(axes):
    x = mg.Tensor(np.ones((1, 1, *(4,) * axes)), requires_grad=True)
    assert WORDS[axes](x, np.ones((1, 1, *(2,) * axes))).op.name == f"conv{axes}d"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.conv1d(np.ones((1, 1, 7)), np.ones((1, 1, 3)), stride=3), r"\(7 - 3\) / 3"),
        (lambda: mg.conv1d(np.ones((1, 7)), np.ones((1, 1, 3))), r"images \(B, C, N\)"),
        (lambda: mg.conv1d(np.ones((1, 2, 7)), np.ones((1, 1, 3))), "as deep as its input"),
        (lambda: mg.conv1d(np.ones((1, 1, 2)), np.ones((1, 1, 3))), "3 steps is larger"),
        (lambda: mg.conv3d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1))), r"Fd, Fh, Fw"),
        (
            lambda: mg.conv3d(np.ones((1, 1, 4, 4, 4)), np.ones((1, 1, 1, 1, 1)), stride=(1, 2)),
            r"\(planes, rows, columns\)",
        ),
        (
            lambda: mg.conv3d(np.ones((1, 1, 3, 4, 4)), np.ones((1, 1, 2, 2, 2)), stride=2),
            "2 planes with stride 2",
        ),
        (lambda: mg.conv1d(np.ones((1, 1, 7)), np.ones((1, 1, 3)), padding="full"), '"same"'),
        (lambda: mg.conv1d(np.ones((1, 1, 7)), np.ones((1, 1, 3)), stride="2"), "whole number"),
        (lambda: mg.conv1d(np.ones((1, 1, 7)), np.ones((1, 1, 3)), stride=0), "at least 1"),
        (lambda: mg.conv_transpose2d(np.ones((1, 2, 3, 3)), np.ones((1, 1, 2, 2))), "2 channels"),
        (
            lambda: mg.conv_transpose2d(np.ones((1, 1, 3, 3)), np.ones((1, 2, 2, 2)), np.ones(1)),
            "2 channels, bias",
        ),
        (
            lambda: mg.conv_transpose2d(
                np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), stride=2, output_padding=2
            ),
            "less than the stride",
        ),
        (
            lambda: mg.conv_transpose2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), padding=1),
            "cuts off everything",
        ),
        (
            lambda: mg.conv_transpose2d(np.ones((1, 1, 2, 2)), np.ones((1, 1)), padding=1),
            r"filters \(C, O, Fh, Fw\)",
        ),
        (lambda: mg.global_maxpool(np.ones(3)), "maps"),
        (lambda: mg.global_avgpool(np.ones((2, 0, 3))), "a value or more"),
    ],
)
def test_refusals_say_what_is_wrong(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


# --- global pooling --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 3), (2, 1, 1)])
def test_global_pooling_by_nested_loops(shape):
    (x,) = draw(shape, seed=7)
    largest, mean = np.zeros(shape[:-2]), np.zeros(shape[:-2])
    for place in every(shape[:-2]):
        values = [float(v) for row in x[place] for v in row]
        largest[place] = max(values)
        mean[place] = sum(values) / len(values)
    np.testing.assert_allclose(mg.global_maxpool(x), largest)
    np.testing.assert_allclose(mg.global_avgpool(x), mean, rtol=1e-13)
    assert mg.global_maxpool(x, keepdims=True).shape == (*shape[:-2], 1, 1)
    np.testing.assert_allclose(mg.global_avgpool(x, keepdims=True)[..., 0, 0], mean, rtol=1e-13)
    for keepdims in (False, True):
        assert_derivatives(lambda x, k=keepdims: mg.global_maxpool(x, keepdims=k), x)
        assert_derivatives(lambda x, k=keepdims: mg.global_avgpool(x, keepdims=k), x)


def test_global_maxpool_gives_the_first_of_a_tie_everything():
    x = np.array([[1.0, 3.0], [3.0, 2.0]])
    np.testing.assert_array_equal(mg.grad(mg.global_maxpool)(x), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(mg.grad(lambda x: mg.sum(mg.maxpool(x)))(x), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(mg.global_maxpool(np.zeros((0, 2, 3, 3))), np.zeros((0, 2)))


# --- PyTorch, where it is installed ----------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "size", "stride", "padding", "dilation", "groups", "positions"), CALLS
)
def test_same_as_pytorch(sizes, size, stride, padding, dilation, groups, positions):
    torch = pytest.importorskip("torch")
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x, w, b = draw((2, 2 * groups, *sizes), (2 * groups, 2, *size), (2 * groups,), seed=8)
    words = [(WORDS[len(sizes)], f"conv{len(sizes)}d", (x, w, b))]
    if len(sizes) == 2:
        (z,) = draw((2, 2 * groups, *positions), seed=9)
        words.append((mg.conv_transpose2d, "conv_transpose2d", (z, w, b)))
    for word, peer, arrays in words:
        tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
        value = getattr(torch.nn.functional, peer)(*tensors, **geometry)
        found, pullback = mg.vjp(lambda *a, word=word: word(*a, **geometry), *arrays)
        (cotangent,) = draw(found.shape, seed=10)
        np.testing.assert_allclose(found, value.detach().numpy(), rtol=1e-11, atol=1e-12)
        expected = torch.autograd.grad(value, tensors, torch.tensor(cotangent))
        for ours, theirs in zip(pullback(cotangent), expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-11, atol=1e-12)
