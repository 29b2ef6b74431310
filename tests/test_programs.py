"""Random programs and geometries: all ways to differentiate agree, and agree with PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import case, check_grads, check_op, strategies
from minigrad.testing.inputs import spaced
from minigrad.testing.programs import WORDS, write

MANY = 8 * settings.default.max_examples
TORCH = {
    "tanh": "torch.tanh({0})",
    "sine": "torch.sin({0})",
    "exponential": "torch.exp(-{0} * {0})",
    "arctan": "torch.atan({0})",
    "logarithm": "torch.log1p({0} ** 2)",
    "root": "torch.sqrt(1 + {0} ** 2)",
    "cube": "{0} ** 3 / 9",
    "reciprocal": "1 / (2 + torch.cos({0}))",
    "absolute": "torch.abs({0})",
    "relu": "torch.relu({0})",
    "sigmoid": "torch.sigmoid({0})",
    "softplus": "F.softplus({0}, threshold=1e9)",
    "gelu": "F.gelu({0})",
    "clip": "torch.clamp({0}, -0.7, 0.9)",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / (1 + {1} ** 2)",
    "power": "torch.pow(1.5 + torch.sin({0}), {1})",
    "maximum": "torch.maximum({0}, {1})",
    "minimum": "torch.minimum({0}, {1})",
    "hypot": "torch.hypot(1 + {0} ** 2, {1})",
    "arctan2": "torch.atan2({0}, 2 + torch.cos({1}))",
    "logaddexp": "torch.logaddexp({0}, {1})",
    "where": "torch.where({0} > 0, {0} * {1}, 0.0)",
    "matmul": "{0} @ {1}",
    "einsum": "torch.einsum('...i,...i->...', {0}, {1})",
    "outer": "torch.outer(torch.ravel({0}), torch.ravel({1}))",
    "sum": "torch.sum({0}, dim={axis}, keepdim={keepdims})",
    "mean": "torch.mean({0}, dim={axis}, keepdim={keepdims})",
    "max": "torch.amax({0}, dim={axis})",
    "min": "torch.amin({0}, dim={axis})",
    "prod": "torch.prod({0}, dim={axis})",
    "variance": "torch.var({0}, dim={axis}, correction=0)",
    "logsumexp": "torch.logsumexp({0}, dim={axis})",
    "softmax": "torch.softmax({0}, dim={axis})",
    "log_softmax": "torch.log_softmax({0}, dim={axis})",
    "cumsum": "torch.cumsum({0}, dim={axis})",
    "sort": "torch.sort({0}, dim={axis}).values",
    "transpose": "torch.permute({0}, {axes})",
    "ravel": "torch.reshape({0}, (-1,))",
    "column": "torch.reshape({0}, (-1, 1))",
    "flip": "torch.flip({0}, dims=[{axis}])",
    "roll": "torch.roll({0}, 1, dims={axis})",
    "take": "{0}[{index}]",
    "last": "{0}[..., -1:]",
    "backwards": "torch.flip({0}, dims=[-1])",
    "stack": "torch.stack([{0}, {1}], dim={axis})",
    "concatenate": "torch.cat([{0}, {1}], dim={axis})",
    "pad": "F.pad({0}, [1, 1] * {0}.ndim)",
}

# --- programs ---------------------------------------------------------------------------------


@settings(max_examples=MANY)
@given(strategies.programs())
def test_reverse_forward_and_differences_agree(program):
    f, arrays = program
    report = check_grads(f, *arrays)
    assert report.order == (2 if report else 1)  # a random program may have a flat end


@pytest.mark.long
@given(strategies.programs(max_steps=12))
def test_longer_programs_to_third_order(program):
    f, arrays = program
    check_grads(f, *arrays, order=3)


def test_every_word_is_used_and_a_program_is_its_source():
    rng = np.random.default_rng(0)

    def choose(options):
        return options[int(rng.integers(len(options)))]

    used = set()
    for _ in range(200):
        x = rng.normal(size=(2, 3))
        program = write(choose, [x, rng.normal(size=3)], 5)
        used |= {step.word for step in program.steps}
        assert repr(program).startswith("def program(x0, x1):\n    v0 = ")
    assert used == set(WORDS) == set(TORCH)


# --- PyTorch ----------------------------------------------------------------------------------


def by_minigrad(program, arrays, cotangents, tangents):
    """Value, gradient and second gradient, each as a list of arrays."""

    def total(*xs):
        return sum(np.sum(g * z) for g, z in zip(cotangents, results(program(*xs)), strict=True))

    every = tuple(range(len(arrays)))
    value = results(program(*arrays))
    return value, mg.grad(total, every)(*arrays), mg.hvp(total, tuple(arrays), tuple(tangents))


def by_torch(torch, program, arrays, cotangents, tangents):
    """The same by PyTorch."""
    f = program.compiled(TORCH, torch=torch, F=torch.nn.functional)
    xs = [torch.tensor(x, requires_grad=True) for x in arrays]
    value = results(f(*xs))
    total = sum((torch.tensor(g) * z).sum() for g, z in zip(cotangents, value, strict=True))
    gradient = derivative(torch, total, xs, create_graph=True)
    change = sum((torch.tensor(t) * g).sum() for t, g in zip(tangents, gradient, strict=True))
    second = derivative(torch, change, xs)
    return [[x.numpy(force=True) for x in found] for found in (value, gradient, second)]


def derivative(torch, total, xs, **more):
    """The gradient, zeros where there is none."""
    if not total.requires_grad:
        return [torch.zeros_like(x) for x in xs]
    found = torch.autograd.grad(total, xs, allow_unused=True, **more)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)]


def results(z):
    return list(z) if isinstance(z, tuple) else [z]


@settings(max_examples=MANY)
@given(strategies.programs(max_steps=8), strategies.generators)
def test_values_gradients_and_second_gradients_are_those_of_pytorch(program, rng):
    torch = pytest.importorskip("torch")
    f, arrays = program
    cotangents = [np.asarray(rng.normal(size=np.shape(z))) for z in results(f(*arrays))]
    tangents = [np.asarray(rng.normal(size=x.shape)) for x in arrays]
    ours = by_minigrad(f, arrays, cotangents, tangents)
    theirs = by_torch(torch, f, arrays, cotangents, tangents)
    for found, expected in zip(ours, theirs, strict=True):
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-10)


# --- shapes, layouts, geometries --------------------------------------------------------------


@given(strategies.arrays())
def test_arrays_of_any_layout(x):
    before = x.copy()
    check_grads(lambda x: np.tanh(x) * x.T.sum(), x, order=1)
    np.testing.assert_array_equal(x, before)


@given(st.data())
def test_cotangents_of_any_layout(data):
    x = data.draw(strategies.arrays())
    g = data.draw(strategies.cotangents(x))
    (found,) = mg.vjp(lambda x: np.sin(x) * x, x)[1](g)
    np.testing.assert_allclose(found, g * (np.cos(x) * x + np.sin(x)), rtol=1e-12, atol=1e-14)


@given(st.data())
def test_shapes_that_broadcast(data):
    shapes = data.draw(strategies.broadcastable(3))
    x, y, w = (data.draw(strategies.arrays(shape)) for shape in shapes)
    check_grads(lambda x, y, w: x * y - w * y, x, y, w, order=1)


@given(st.data())
def test_any_axes(data):
    x = data.draw(strategies.arrays(strategies.shapes(least=1)))
    axis = data.draw(strategies.axes(x.ndim))
    for reduce in (np.sum, np.mean, np.max, np.prod, mg.logsumexp):
        check_grads(lambda x, reduce=reduce: reduce(x, axis=axis, keepdims=True) * x, x, order=1)


@given(st.data())
def test_any_index(data):
    shape = data.draw(strategies.shapes())
    index = data.draw(strategies.indices(shape))
    x = spaced(case(shape).domain, int(np.prod(shape)), data.draw(strategies.generators))
    x = x.reshape(shape)
    check_grads(lambda x: x[index] * 2, x, order=1)
    np.testing.assert_array_equal(mg.Tensor(x)[index].numpy(), x[index])


@given(strategies.convolutions(), strategies.generators)
def test_convolutions_of_any_geometry(geometry, rng):
    images, filters, settings = geometry
    x, w, b = (rng.normal(size=shape) for shape in (images, filters, filters[:1]))
    check_grads(lambda x, w, b: mg.conv2d(x, w, b, **settings), x, w, b, order=1)


@given(strategies.pools(), strategies.generators)
def test_pools_of_any_geometry(geometry, rng):
    shape, settings = geometry
    x = spaced(case(shape).domain, int(np.prod(shape)), rng).reshape(shape)
    for pool in (mg.maxpool, mg.avgpool):
        check_grads(lambda x, pool=pool: pool(x, **settings), x, order=1)


@given(strategies.broadcastable(2))
def test_an_op_at_shapes_of_ones_choice(shapes):
    blend = mg.elementwise(
        lambda x, y: x * np.tanh(y), lambda z, x, y: np.tanh(y), lambda z, x, y: x - z * np.tanh(y)
    )
    assert check_op(blend, [case(*shapes), case((2,), (2,))])
