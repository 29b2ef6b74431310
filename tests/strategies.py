"""Random calls of every op: the function, what it should return, and arrays to call it with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

GENERATORS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
TELLING = [(), (3,), (2, 3), (3, 1), (1, 3), (2, 3, 2), (1, 2, 1), (3, 1, 2), (1,)]
FILLED = st.sampled_from(TELLING) | hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)
EMPTY = st.sampled_from([(0,), (2, 0), (0, 3), (2, 0, 1)])
SHAPES = FILLED | FILLED | EMPTY
WITH_AXES = SHAPES.filter(len)


@dataclass(frozen=True)
class Call:
    """One call: `reference` is plain NumPy, and `f` should do the same on tensors."""

    f: Callable[..., Any]
    reference: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]


def between(low, high):
    """Values from an interval."""
    return lambda rng, shape: np.asarray(rng.uniform(low, high, shape))


def spaced(rng, shape, shift=0.0):
    """Values a tenth apart, none of them 0 if shifted by half of that: away from kinks and ties."""
    size = int(np.prod(shape))
    return np.asarray((rng.permutation(size).reshape(shape) - size // 2) / 10 + shift)


reals, positive = between(-3, 3), between(0.2, 4)
off_zero = partial(spaced, shift=0.05)


# --- elementwise ----------------------------------------------------------------------------


@st.composite
def elementwise(draw, f, reference, *values):
    """A call with shapes that broadcast together; `values` make the array of each argument."""
    shapes = hnp.mutually_broadcastable_shapes(
        num_shapes=len(values), min_side=0, max_side=3, max_dims=3
    )
    drawn = draw(shapes).input_shapes
    rng = draw(GENERATORS)
    return Call(f, reference, tuple(make(rng, s) for make, s in zip(values, drawn, strict=True)))


@st.composite
def choices(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3))
    rng = draw(GENERATORS)
    mask, x, y = (rng.normal(size=shape) for shape in shapes.input_shapes)
    return Call(partial(mg.where, mask > 0), partial(np.where, mask > 0), (x, y))


def ufunc(f, *values):
    return elementwise(f, f, *values)


def relu(x):
    return np.where(x > 0, x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ELEMENTWISE = {
    "add": ufunc(np.add, reals, reals),
    "subtract": ufunc(np.subtract, reals, reals),
    "multiply": ufunc(np.multiply, reals, reals),
    "divide": ufunc(np.divide, reals, positive),
    "divide by negative": ufunc(np.divide, reals, between(-4, -0.5)),
    "power": ufunc(np.power, positive, reals),
    "x**2": elementwise(lambda x: x**2, np.square, reals),
    "x**3": elementwise(lambda x: x**3, lambda x: x * x * x, reals),
    "x**0.5": elementwise(lambda x: x**0.5, np.sqrt, positive),
    "x**-1": elementwise(lambda x: x**-1, np.reciprocal, positive),
    "2**x": elementwise(lambda x: 2**x, np.exp2, reals),
    "negative": ufunc(np.negative, reals),
    "positive": ufunc(np.positive, reals),
    "absolute": ufunc(np.absolute, off_zero),
    "square": ufunc(np.square, reals),
    "sqrt": ufunc(np.sqrt, positive),
    "reciprocal": ufunc(np.reciprocal, between(-4, -0.5)),
    "exp": ufunc(np.exp, reals),
    "expm1": ufunc(np.expm1, reals),
    "log": ufunc(np.log, positive),
    "log1p": ufunc(np.log1p, positive),
    "tanh": ufunc(np.tanh, reals),
    "logaddexp": ufunc(np.logaddexp, reals, reals),
    "maximum": ufunc(np.maximum, spaced, off_zero),
    "minimum": ufunc(np.minimum, spaced, off_zero),
    "where": choices(),
    "relu": elementwise(mg.relu, relu, off_zero),
    "sigmoid": elementwise(mg.sigmoid, sigmoid, reals),
}


# --- reductions -----------------------------------------------------------------------------


@st.composite
def axes_of(draw, ndim):
    """None, one axis or several, some of them counted from the end."""
    if ndim == 0:
        return None
    several = draw(st.lists(st.integers(0, ndim - 1), min_size=1, unique=True))
    signed = tuple(a - ndim if draw(st.booleans()) else a for a in several)
    return draw(st.sampled_from([None, signed[0], signed]))


@st.composite
def reductions(draw, f, reference, values=reals, shapes=FILLED):
    shape = draw(shapes)
    settings = {"axis": draw(axes_of(len(shape))), "keepdims": draw(st.booleans())}
    x = values(draw(GENERATORS), shape)
    return Call(partial(f, **settings), partial(reference, **settings), (x,))


def logsumexp(x, axis, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def softmax(x, axis):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


@st.composite
def softmaxes(draw, f, reference):
    shape = draw(FILLED)
    axis = draw(axes_of(len(shape)))
    x = reals(draw(GENERATORS), shape)
    return Call(partial(f, axis=axis), partial(reference, axis=axis), (x,))


REDUCTIONS = {
    "sum": reductions(np.sum, np.sum, shapes=SHAPES),
    "mean": reductions(np.mean, np.mean),
    "max": reductions(np.max, np.max, values=spaced),
    "min": reductions(np.min, np.min, values=spaced),
    "logsumexp": reductions(mg.logsumexp, logsumexp),
    "softmax": softmaxes(mg.softmax, softmax),
    "log_softmax": softmaxes(mg.log_softmax, lambda x, axis: np.log(softmax(x, axis))),
}


# --- shapes ---------------------------------------------------------------------------------


@st.composite
def rearrangements(draw, settings, f, shapes=SHAPES):
    """A call `f(x, **settings)`, settings drawn for the shape of x."""
    shape = draw(shapes)
    chosen = partial(f, **draw(settings(shape)))
    return Call(chosen, chosen, (reals(draw(GENERATORS), shape),))


def reshapes(shape):
    size = int(np.prod(shape))
    targets = [shape[::-1], (1, *shape), (size,)] + ([-1, (-1, 1)] if size else [])
    return st.fixed_dictionaries(
        {"shape": st.sampled_from(targets), "order": st.sampled_from("CF")}
    )


def permutations(shape):
    ndim = len(shape)
    orders = st.permutations(range(ndim)).map(
        lambda order: tuple(a - ndim * (a % 2) for a in order)
    )
    return st.fixed_dictionaries({"axes": st.none() | orders})


def broadcasts(shape):
    wider = tuple(4 if n == 1 else n for n in shape)
    return st.sampled_from([shape, wider, (2, *wider), (0, *shape)]).map(lambda s: {"shape": s})


def expansions(shape):
    return st.sampled_from([0, -1, (0, -1)]).map(lambda axis: {"axis": axis})


def squeezes(shape):
    ones = tuple(a for a, n in enumerate(shape) if n == 1)
    return st.sampled_from([None, ones, tuple(a - len(shape) for a in ones)]).map(
        lambda axis: {"axis": axis}
    )


def borders(shape):
    each = st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2)) for _ in shape])
    width = st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2)) | each
    return st.fixed_dictionaries({"pad_width": width, "constant_values": st.sampled_from([0, 7])})


@st.composite
def joins(draw, join, stacked):
    """`concatenate` of arrays that differ along the axis, or `stack` of arrays of one shape."""
    shape = draw(SHAPES if stacked else WITH_AXES)
    axis = draw(st.integers(-len(shape) - stacked, len(shape) - 1 + stacked))
    rng = draw(GENERATORS)
    arrays = []
    for _ in range(draw(st.integers(1, 3))):
        lengths = list(shape)
        if not stacked:
            lengths[axis] = draw(st.integers(0, 3))
        arrays.append(reals(rng, lengths))
    if not stacked and draw(st.booleans()):
        axis = None

    def f(*parts):
        return join(parts, axis=axis)

    return Call(f, f, tuple(arrays))


SHAPING = {
    "reshape": rearrangements(reshapes, np.reshape),
    "transpose": rearrangements(permutations, np.transpose),
    "T": elementwise(lambda x: x.T, np.transpose, reals),
    "broadcast_to": rearrangements(broadcasts, np.broadcast_to),
    "expand_dims": rearrangements(expansions, np.expand_dims),
    "squeeze": rearrangements(squeezes, np.squeeze),
    "pad": rearrangements(borders, np.pad, WITH_AXES),
    "concatenate": joins(np.concatenate, stacked=False),
    "stack": joins(np.stack, stacked=True),
}


# --- products, indices ----------------------------------------------------------------------


FACTORS = [
    ((4, 3), (3, 2)),
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((3,), (2, 3, 4)),
    ((2, 4, 3), (3,)),
    ((3,), (1, 3, 1)),
    ((2, 3), (4, 3, 2)),
    ((2, 1, 4, 3), (5, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (3,)),
]


@st.composite
def matrix_products(draw):
    general = hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, min_side=0, max_side=3, max_dims=2
    )
    shapes = draw(st.sampled_from(FACTORS) | general.map(lambda found: found.input_shapes))
    rng = draw(GENERATORS)
    return Call(np.matmul, np.matmul, tuple(reals(rng, shape) for shape in shapes))


@st.composite
def dots(draw):
    first, second = draw(st.tuples(FILLED, FILLED))
    if first and second:
        second = (*second[:-2], first[-1], *second[-1:]) if len(second) > 1 else first[-1:]
    rng = draw(GENERATORS)
    return Call(np.dot, np.dot, (reals(rng, first), reals(rng, second)))


@st.composite
def indexings(draw):
    """Basic indices, index arrays with repeats, masks, and the mixtures of them."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    rng = draw(GENERATORS)
    basic = hnp.basic_indices(shape, allow_newaxis=True)
    arrays = hnp.integer_array_indices(shape, result_shape=FILLED)
    mask = st.just(rng.random(shape) < 0.5)
    rows = st.just(rng.random(shape[0]) < 0.5)
    listed = st.lists(st.integers(-shape[0], shape[0] - 1), max_size=4)
    mixed = listed.map(lambda some: (some, ..., slice(None, None, -1)) if len(shape) > 1 else some)
    index = draw(basic | arrays | mask | rows | mixed)

    def f(x):
        return x[index]

    return Call(f, f, (reals(rng, shape),))


PRODUCTS = {"matmul": matrix_products(), "dot": dots(), "getitem": indexings()}


# --- losses ---------------------------------------------------------------------------------


@st.composite
def squared_errors(draw):
    shape, rng = draw(FILLED), draw(GENERATORS)
    arrays = (reals(rng, shape), reals(rng, shape))
    return Call(mg.mse, lambda x, y: np.sum((x - y) ** 2) / x.size, arrays)


@st.composite
def cross_entropies(draw):
    rows, classes = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    rng = draw(GENERATORS)
    labels = rng.integers(classes, size=rows)

    def reference(logits):
        chances = softmax(logits, axis=1)
        return -sum(np.log(chances[i, labels[i]]) for i in range(rows)) / rows

    def f(logits):
        return mg.cross_entropy(logits, labels)

    return Call(f, reference, (reals(rng, (rows, classes)),))


@st.composite
def binary_cross_entropies(draw):
    shape, rng = draw(FILLED), draw(GENERATORS)
    targets = rng.random(shape)

    def reference(logits):
        s = sigmoid(logits)
        return -np.sum(targets * np.log(s) + (1 - targets) * np.log(1 - s)) / s.size

    def f(logits):
        return mg.binary_cross_entropy(logits, np.asarray(targets, logits.dtype))

    return Call(f, reference, (reals(rng, shape),))


LOSSES = {
    "mse": squared_errors(),
    "cross_entropy": cross_entropies(),
    "binary_cross_entropy": binary_cross_entropies(),
}

CALLS = {**ELEMENTWISE, **REDUCTIONS, **SHAPING, **PRODUCTS, **LOSSES}
