"""Random convolutions and poolings that are possible: settings, shapes, calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import oracles
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strategies import GENERATORS, Call, reals, spaced

import minigrad as mg


@dataclass(frozen=True)
class Sliding:
    """Settings as a caller gives them, and the same resolved: one pair for each axis."""

    given: dict[str, Any]
    resolved: dict[str, Any]


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADDINGS = ("int", "pair", "same", "valid")


@st.composite
def convolutions(draw, paddings=PADDINGS):
    """(settings, shape of x, shape of w) of a convolution that is possible."""
    size, stride, dilation = draw(PAIRS), draw(PAIRS), draw(st.tuples(*[st.integers(1, 2)] * 2))
    kind = draw(st.sampled_from(paddings))
    border = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    border = {"int": border[:1] * 2, "pair": border}.get(kind, (0, 0))
    remainder = "drop" if kind == "same" else draw(st.sampled_from(["error", "drop"]))
    lengths, padding = [], []
    for f, s, d, p in zip(size, stride, dilation, border, strict=True):
        span = (f - 1) * d + 1
        left_over = draw(st.integers(0, s - 1)) if remainder == "drop" else 0
        n = span + s * draw(st.integers(0, 2)) + left_over - 2 * p
        while n < 1:
            n += s
        missing = max((-(-n // s) - 1) * s + span - n, 0) if kind == "same" else 2 * p
        lengths.append(n)
        padding.append((missing // 2, missing - missing // 2))
    groups, depth = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    filters = groups * draw(st.integers(1, 2))
    given = {
        "stride": stride[0] if stride[0] == stride[1] else stride,
        "padding": {"int": border[0], "pair": border}.get(kind, kind),
        "dilation": dilation,
        "groups": groups,
        "remainder": remainder,
    }
    resolved = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    images = (draw(st.integers(0, 2)), groups * depth, *lengths)
    return Sliding(given, resolved), images, (filters, depth, *size)


@st.composite
def convolution_calls(draw):
    sliding, of_x, of_w = draw(convolutions())
    rng = draw(GENERATORS)
    arrays = [reals(rng, of_x), reals(rng, of_w)]
    if draw(st.booleans()):
        arrays.append(reals(rng, of_w[:1]))

    def reference(x, w, b=None):
        return oracles.conv2d(x, w, b, **sliding.resolved)

    return Call(partial(mg.conv2d, **sliding.given), reference, tuple(arrays))


@st.composite
def poolings(draw):
    """(settings, shape of x) of a pooling that is possible."""
    size, stride = draw(PAIRS), draw(PAIRS | st.none())
    steps = stride or size
    remainder = draw(st.sampled_from(["error", "drop"]))
    lengths = []
    for f, s in zip(size, steps, strict=True):
        left_over = draw(st.integers(0, s - 1)) if remainder == "drop" else 0
        lengths.append(f + s * draw(st.integers(0, 2)) + left_over)
    maps = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2))
    given = {
        "size": size[0] if size[0] == size[1] else size,
        "stride": stride,
        "remainder": remainder,
    }
    return Sliding(given, {"size": size, "stride": steps}), (*maps, *lengths)


@st.composite
def pooling_calls(draw, f, reference, values):
    sliding, shape = draw(poolings())
    x = values(draw(GENERATORS), shape)
    return Call(partial(f, **sliding.given), partial(reference, **sliding.resolved), (x,))


CALLS = {
    "conv2d": convolution_calls(),
    "maxpool": pooling_calls(mg.maxpool, oracles.maxpool, spaced),
    "avgpool": pooling_calls(mg.avgpool, oracles.avgpool, reals),
}
