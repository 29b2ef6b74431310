"""The quick ways through convolution, pooling and relu lead where the plain way leads.

The plain way: pad, then add up one product for each place in the filter, in float64.
"""

from contextlib import contextmanager

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sliding import poolings
from strategies import GENERATORS

import minigrad as mg
from minigrad.core import layout
from minigrad.ops import activations, columns, pooling
from minigrad.ops.correlation import (
    correlate1,
    correlate2,
    correlate3,
    gather1,
    gather2,
    gather3,
    spread1,
    spread2,
    spread3,
)
from minigrad.ops.loops import blocks, unbuffered

OPS = {
    1: (correlate1, spread1, gather1),
    2: (correlate2, spread2, gather2),
    3: (correlate3, spread3, gather3),
}
DTYPES = st.sampled_from([np.float32, np.float64])
WAYS = {  # the sizes from which on each way is taken, made so small that small arrays take it
    "as it is": {},
    "row by row": {"SHORT": 1, "BAND": 1},
    "a few rows at a time": {"SHORT": 1, "BAND": 100},
    "short rows together": {"SHORT": 10**6, "BAND": 200},
    "columns in parts": {"SHORT": 1, "QUICK": 1},
    "values of a patch in pieces": {"SMALL": 6},
    "few images at a time": {"IMAGES": 1, "BAND": 10},
}
LAYOUTS = {
    "as usual": np.array,
    "batch last": lambda a: np.moveaxis(np.moveaxis(a, 0, -1).copy("C"), -1, 0),
    "channels last": lambda a: np.moveaxis(np.moveaxis(a, 1, -1).copy("C"), -1, 1),
    "backwards": lambda a: a[::-1, :, ::-1].copy("C")[::-1, :, ::-1],
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "read-only": lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
}
LAID_OUT = st.sampled_from(sorted(LAYOUTS)).map(LAYOUTS.get)


@contextmanager
def taking(way):
    """Each way in turn; what was worked out for another one is forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in WAYS[way].items():
            patch.setattr(columns, name, size)
        columns.sliding.cache_clear()
        yield
    columns.sliding.cache_clear()


def plain(x, w, g, stride, padding, dilation, groups):
    """The convolution, and the gradients of sum(g * convolution) in x and w."""
    padded = np.pad(x.astype(float), [(0, 0), (0, 0), *padding])
    padded = padded.reshape(len(x), groups, w.shape[1], *padded.shape[2:])
    filters = w.astype(float).reshape(groups, -1, *w.shape[1:])
    g = g.astype(float).reshape(len(g), groups, -1, *g.shape[2:])
    z, in_x, in_w = np.zeros(g.shape), np.zeros(padded.shape), np.zeros(filters.shape)
    for place in np.ndindex(w.shape[2:]):
        start = [i * d for i, d in zip(place, dilation, strict=True)]
        met = [
            slice(a, a + s * (n - 1) + 1, s)
            for a, s, n in zip(start, stride, g.shape[3:], strict=True)
        ]
        pixels, here = (..., *met), (..., *place)
        z += np.einsum("goc,bgc...->bgo...", filters[here], padded[pixels])
        in_x[pixels] += np.einsum("goc,bgo...->bgc...", filters[here], g)
        in_w[here] += np.einsum("bgop,bgcp->goc", flat(g), flat(padded[pixels]))
    inside = [slice(b, b + n) for (b, _), n in zip(padding, x.shape[2:], strict=True)]
    in_x = in_x.reshape(*x.shape[:2], *in_x.shape[3:])[(..., *inside)]
    return z.reshape(len(z), -1, *z.shape[3:]), in_x, in_w.reshape(w.shape)


def flat(x):
    """(B, G, C, *P) -> (B, G, C, prod(P))"""
    return x.reshape(*x.shape[:3], -1)


@st.composite
def geometries(draw, axes):
    """(settings, shape of x, of w, of the result) of a convolution, from one pixel on."""
    groups, depth, filters = (draw(st.integers(1, 3)) for _ in range(3))
    sides = []
    for _ in range(axes):
        size, stride, dilation = (draw(st.integers(1, most)) for most in (4, 3, 3))
        border = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
        free = draw(st.integers(0, 5))
        length = max(1, (size - 1) * dilation + 1 - sum(border)) + free
        places = (length + sum(border) - (size - 1) * dilation - 1) // stride + 1
        sides.append((size, stride, border, dilation, length, places))
    size, stride, padding, dilation, lengths, places = zip(*sides, strict=True)
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    images = draw(st.integers(1, 4))
    of_x = images, groups * depth, *lengths
    return geometry, of_x, (groups * filters, depth, *size), (images, groups * filters, *places)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("axes", OPS)
@given(data=st.data(), rng=GENERATORS, dtype=DTYPES)
def test_every_way_gives_the_plain_values_and_gradients(way, axes, data, rng, dtype):
    geometry, *shapes = data.draw(geometries(axes))
    arrays = [data.draw(LAID_OUT)(rng.normal(size=shape).astype(dtype)) for shape in shapes]
    x, w, g = arrays
    with taking(way):
        correlate, spread, gather = OPS[axes]
        found = [
            correlate(x, w, **geometry),
            spread(g, w, shape=x.shape[2:], **geometry),
            gather(x, g, size=w.shape[2:], **geometry),
        ]
    expected = plain(*arrays, **geometry)
    sizes = plain(*[abs(a) for a in arrays], **geometry)  # the sums of the sizes of all terms
    for value, wanted, size in zip(found, expected, sizes, strict=True):
        assert value.dtype == dtype
        assert np.all(abs(value - wanted) <= 8 * np.finfo(dtype).eps * size)


LARGE = {  # (x, w, settings): arrays that take every way without being told to
    "few channels": ((32, 3, 32, 32), (6, 3, 5, 5), {}),
    "large batch": ((256, 3, 12, 12), (4, 3, 5, 5), {}),
    "many channels": ((8, 64, 16, 16), (64, 64, 3, 3), {"padding": 1}),
    "filters of one pixel": ((8, 24, 16, 16), (16, 24, 1, 1), {}),
    "one image": ((1, 16, 40, 40), (8, 16, 3, 3), {}),
    "stride": ((4, 16, 29, 29), (24, 16, 7, 7), {"stride": 2, "padding": 3}),
    "pixel by pixel": ((16, 32, 14, 14), (48, 32, 1, 1), {}),
    "every channel alone": ((16, 32, 14, 14), (32, 1, 3, 3), {"padding": 1, "groups": 32}),
    "dilation": ((8, 16, 28, 28), (16, 16, 3, 3), {"padding": 2, "dilation": 2}),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_arrays_give_the_plain_values_and_gradients(name, dtype):
    of_x, of_w, settings = LARGE[name]
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=shape).astype(dtype) for shape in (of_x, of_w))
    z, pullback = mg.vjp(lambda x, w: mg.conv2d(x, w, **settings, remainder="drop"), x, w)
    g = rng.normal(size=z.shape).astype(dtype)
    pairs = {
        key: (settings.get(key, least),) * 2 for key, least in (("stride", 1), ("dilation", 1))
    }
    border = settings.get("padding", 0)
    geometry = {"padding": ((border, border),) * 2, "groups": settings.get("groups", 1), **pairs}
    sizes = plain(abs(x), abs(w), abs(g), **geometry)
    expected = plain(x, w, g, **geometry)
    for value, wanted, size in zip((z, *pullback(g)), expected, sizes, strict=True):
        assert np.all(abs(value - wanted) <= 8 * np.finfo(dtype).eps * size)
    b = rng.normal(size=of_w[:1]).astype(dtype)
    biased = mg.conv2d(x, w, b, **settings, remainder="drop")
    np.testing.assert_array_equal(biased, z + b.reshape(-1, 1, 1))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_memory_makes_no_difference_to_any_bit(layout):
    rng = np.random.default_rng(0)
    x, w, g = (rng.normal(size=s) for s in ((5, 4, 9, 8), (6, 2, 3, 3), (5, 6, 5, 4)))

    def run(x, w, g):
        settings = {"stride": 2, "padding": 1, "groups": 2, "remainder": "drop"}
        z, pullback = mg.vjp(lambda x, w: mg.conv2d(x, w, **settings), x, w)
        return [z.tobytes(), *[c.tobytes() for c in pullback(g)]]

    assert run(*[LAYOUTS[layout](a) for a in (x, w, g)]) == run(x, w, g)


@pytest.mark.parametrize("number", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", LAYOUTS)
@pytest.mark.parametrize("size", [(2, 3, 4), (3, 30, 30)])
def test_any_number_of_images_is_laid_out(number, source, target, size, monkeypatch):
    monkeypatch.setattr(layout, "FEW", 1000)
    images = np.random.default_rng(0).normal(size=(number, *size))
    x, like = LAYOUTS[source](images), LAYOUTS[target](np.zeros(images.shape))
    room = np.full_like(like, np.nan)
    assert layout.laid_out(room, x) is room
    np.testing.assert_array_equal(room, images)
    found = layout.laid_out_as(like, x)
    assert x.strides == like.strides or found.strides == room.strides
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(columns.batch_last(x, 1)[0], np.moveaxis(images, 0, -1))


def test_layers_hand_on_the_layout_that_they_like():
    """The batch is last in memory from the first convolution to the last, and on the way back."""
    x = mg.Tensor(np.ones((4, 3, 10, 10)), requires_grad=True)
    w = mg.Tensor(np.ones((5, 3, 3, 3)))
    steps = [mg.conv2d(x, w)]
    steps.append(mg.relu(steps[-1]))
    steps.append(mg.maxpool(steps[-1]))
    steps.append(mg.avgpool(steps[-1]))
    steps[-1].backward(np.ones(steps[-1].shape))
    for array in [step.numpy() for step in steps] + [x.grad]:
        assert np.moveaxis(array, 0, -1).flags.c_contiguous


# --- pooling ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
@given(data=st.data(), rng=GENERATORS, dtype=DTYPES)
def test_pooling_of_any_layout_is_that_of_the_loops(ties, data, rng, dtype):
    sliding, shape = data.draw(poolings())
    values = rng.integers(0, 3, size=shape) if ties else rng.normal(size=shape)
    x = values.astype(dtype)
    g = rng.normal(size=oracles.pooled_shape(x, **sliding.resolved)).astype(dtype)
    if x.ndim == 4:
        x, g = data.draw(LAID_OUT)(x), data.draw(LAID_OUT)(g)
    for pool, loops, backwards in (
        (mg.maxpool, oracles.maxpool, oracles.maxpool_gradient),
        (mg.avgpool, oracles.avgpool, oracles.avgpool_gradient),
    ):
        z, pullback = mg.vjp(lambda x, pool=pool: pool(x, **sliding.given), x)
        (in_x,) = pullback(g)
        assert z.dtype == in_x.dtype == dtype
        eps = 16 * np.finfo(dtype).eps
        np.testing.assert_allclose(z, loops(x, **sliding.resolved), rtol=eps, atol=eps)
        wanted = backwards(g.astype(float), x, **sliding.resolved)
        np.testing.assert_allclose(in_x, wanted, rtol=eps, atol=eps)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_only_the_largest_is_given_anything_even_infinity(stride, dtype):
    x = np.array([[1, 2, 0, 1], [0, 3, 1, 1], [1, 0, 2, 5], [3, 3, 0, 0]], dtype)
    z, pullback = mg.vjp(lambda x: mg.maxpool(x, 2, stride=stride, remainder="drop"), x)
    (in_x,) = pullback(np.full(z.shape, np.inf if dtype != np.longdouble else 2, dtype))
    given = {1: [(1, 1), (0, 3), (2, 3), (3, 0), (3, 1)], 2: [(1, 1), (0, 3), (3, 0), (2, 3)]}
    expected = np.zeros(x.shape, bool)
    expected[tuple(zip(*given[stride], strict=True))] = True
    np.testing.assert_array_equal(in_x != 0, expected)
    assert not np.isnan(in_x).any()


@pytest.mark.parametrize("windows", [1, 40, 10**6])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("size", "stride"),
    [((3, 3), (2, 2)), ((2, 3), (1, 1)), ((4, 3), (3, 2)), ((1, 3), (2, 2)), ((3, 2), (1, 4))],
)
def test_windows_that_overlap_are_the_same_on_grids(size, stride, layout, windows, monkeypatch):
    """Block by block, with ties, nan and inf: as one place of the window after the other."""
    monkeypatch.setattr(pooling, "WINDOWS", windows)
    rng = np.random.default_rng(0)
    x = LAYOUTS[layout](rng.choice([0.0, 1.0, 2.0, np.nan, np.inf], (3, 5, 10, 9)))
    z = mg.maxpool(x, size, stride=stride, remainder="drop")
    g = LAYOUTS[layout](rng.choice([1.0, 2.0, 3.0, np.inf], z.shape))
    expected = np.zeros(x.shape)
    for met, found in pooling.firsts(x, z, size, stride):
        expected[(..., *met)] += np.where(found, g, 0)
    in_x = pooling.place_value(g, maps=x, peaks=z, size=size, stride=stride)
    np.testing.assert_array_equal(in_x, expected)
    assert in_x.strides == np.empty_like(x).strides


# --- relu and loops -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [7, activations.FEW, activations.IN_CACHE])
@pytest.mark.parametrize("turned", [False, True])
def test_relu_of_few_and_many_values(size, dtype, turned):
    x = np.random.default_rng(size).normal(size=(2, size)).astype(dtype)
    x[:, ::3] = 0
    x = x.T if turned else x
    z, pullback = mg.vjp(mg.relu, x)
    g = np.random.default_rng(1).normal(size=x.shape).astype(dtype)
    np.testing.assert_array_equal(z, np.where(x > 0, x, 0))
    np.testing.assert_array_equal(pullback(g)[0], np.where(x > 0, g, 0))
    assert z.dtype == pullback(g)[0].dtype == dtype
    assert mg.relu(x).strides == x.strides


def test_the_size_of_numpys_buffer_is_put_back():
    before = np.getbufsize()
    with unbuffered():
        assert np.getbufsize() != before
    with pytest.raises(ZeroDivisionError), unbuffered():
        print(1 / 0)
    assert np.getbufsize() == before
    with np.errstate(divide="raise"), unbuffered(), pytest.raises(FloatingPointError):
        np.ones(3) / np.zeros(3)  # the user's choice holds inside


@pytest.mark.parametrize("shape", [(5, 4), (7, 5, 4), (3, 7, 5, 4), (0, 2, 5, 4), (2, 0, 4)])
@pytest.mark.parametrize("number", [1, 2, 5, 100])
def test_blocks_are_all_of_the_maps_once(shape, number):
    maps = np.zeros(shape, int)
    for part in blocks(maps, number):
        maps[part] += 1
    assert (maps == 1).all()


@pytest.mark.parametrize("layout", ["as usual", "batch last", "channels last"])
def test_every_block_is_one_piece_of_memory(layout):
    maps = LAYOUTS[layout](np.zeros((6, 6, 6, 6)))
    parts = blocks(maps, 3)
    assert len(parts) == 3
    assert all(np.shares_memory(maps[part].ravel("K"), maps) for part in parts)
