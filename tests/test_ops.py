"""What holds for every op: its value, and its gradient whatever arrays it is given.

Random calls of each op (strategies.py) are compared with plain NumPy and central differences.
"""

import numpy as np
import oracles
import pytest
import sliding
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

CALLS = {**strategies.CALLS, **sliding.CALLS}
fewer = settings(max_examples=settings().max_examples * 2 // 5)  # of the profile's
fewest = settings(max_examples=settings().max_examples // 5)
every_op = pytest.mark.parametrize("name", CALLS)


def gradients(f, arrays, cotangent, followed=None):
    """The value of `f` on tensors, and the gradients that `backward` leaves."""
    wanted = [True] * len(arrays) if followed is None else followed
    tensors = [mg.Tensor(a, requires_grad=w) for a, w in zip(arrays, wanted, strict=True)]
    z = f(*tensors)
    before = z.numpy().copy()
    z.backward(cotangent)
    for unchanged, array in ((z, before), *zip(tensors, arrays, strict=True)):
        np.testing.assert_array_equal(unchanged.numpy(), array)
    return z, [t.grad for t in tensors]


def cotangent_of(z, rng):
    return np.asarray(rng.normal(size=np.shape(z)), dtype=z.dtype)


def assert_close(found, expected, tolerance=1e-7):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@every_op
@given(data=st.data(), rng=strategies.GENERATORS)
def test_value_and_gradient(name, data, rng):
    call = data.draw(CALLS[name])
    expected = np.asarray(call.reference(*call.arrays))
    cotangent = cotangent_of(expected, rng)
    kept = cotangent.copy()
    z, found = gradients(call.f, call.arrays, cotangent)
    assert isinstance(z, mg.Tensor)
    assert (z.shape, z.dtype) == (expected.shape, np.float64)
    assert_close(z.numpy(), expected, 1e-12)
    differences = oracles.central_differences(call.reference, call.arrays, cotangent)
    for gradient, difference in zip(found, differences, strict=True):
        assert isinstance(gradient, np.ndarray)
        assert (gradient.shape, gradient.dtype) == (difference.shape, np.float64)
        assert_close(gradient, difference)
    np.testing.assert_array_equal(cotangent, kept)


@every_op
@fewer
@given(data=st.data(), rng=strategies.GENERATORS)
def test_second_derivatives(name, data, rng):
    call = data.draw(CALLS[name])
    cotangent = cotangent_of(np.asarray(call.reference(*call.arrays)), rng)
    variables = (cotangent, *call.arrays)
    along, across = ([rng.normal(size=a.shape) for a in variables] for _ in range(2))

    def slope(cotangent, *xs):
        """The gradient along a direction: linear in the cotangent, and that is tested too."""
        _, pullback = mg.vjp(call.f, *xs)
        return sum(np.sum(g * d) for g, d in zip(pullback(cotangent), across[1:], strict=True))

    curvature = mg.grad(slope, tuple(range(len(along))))(*variables)
    assert [g.shape for g in curvature] == [a.shape for a in variables]
    found = sum(np.sum(g * d) for g, d in zip(curvature, along, strict=True))
    assert_close(found, oracles.difference_along(slope, variables, along), 1e-6)


@every_op
@fewer
@given(data=st.data(), rng=strategies.GENERATORS)
def test_every_subset_of_the_inputs(name, data, rng):
    call = data.draw(CALLS[name])
    cotangent = cotangent_of(np.asarray(call.reference(*call.arrays)), rng)
    _, expected = gradients(call.f, call.arrays, cotangent)
    for chosen in range(1, 2 ** len(expected) - 1):
        followed = [bool(chosen >> i & 1) for i in range(len(expected))]
        _, found = gradients(call.f, call.arrays, cotangent, followed)
        for gradient, wanted, whole in zip(found, followed, expected, strict=True):
            if wanted:
                np.testing.assert_array_equal(gradient, whole)
            else:
                assert gradient is None


@every_op
@fewer
@given(data=st.data(), rng=strategies.GENERATORS)
def test_arrays_in_arrays_out(name, data, rng):
    call = data.draw(CALLS[name])
    for array in call.arrays:
        array.flags.writeable = False
    z = call.f(*call.arrays)
    assert not isinstance(z, mg.Tensor)
    assert_close(z, call.reference(*call.arrays), 1e-12)
    cotangent = cotangent_of(np.asarray(z), rng)
    value, pullback = mg.vjp(call.f, *call.arrays)
    _, expected = gradients(call.f, call.arrays, cotangent)
    assert not isinstance(value, mg.Tensor)
    assert_close(value, z, 1e-13)
    for found, wanted in zip(pullback(cotangent), expected, strict=True):
        assert not isinstance(found, mg.Tensor)
        np.testing.assert_array_equal(found, wanted)


@every_op
@fewer
@given(data=st.data(), rng=strategies.GENERATORS)
def test_float32_stays_float32(name, data, rng):
    call = data.draw(CALLS[name])
    arrays = [a.astype(np.float32) for a in call.arrays]
    z = call.f(*[mg.Tensor(a) for a in arrays])
    assert z.dtype == np.float32
    assert call.f(*arrays).dtype == np.float32
    cotangent = cotangent_of(z, rng)
    z, found = gradients(call.f, arrays, cotangent)
    assert z.dtype == np.float32
    wide, expected = gradients(call.f, [a.astype(float) for a in arrays], cotangent.astype(float))
    assert_close(z.numpy(), wide.numpy(), 1e-4)
    for gradient, wanted in zip(found, expected, strict=True):
        assert (gradient.shape, gradient.dtype) == (wanted.shape, np.float32)
        assert_close(gradient, wanted, 1e-3)


@every_op
@fewer
@given(data=st.data(), rng=strategies.GENERATORS)
def test_each_gradient_has_the_dtype_of_its_input(name, data, rng):
    call = data.draw(CALLS[name])
    dtypes = [rng.choice([np.float32, np.float64]) for _ in call.arrays]
    arrays = [a.astype(dtype) for a, dtype in zip(call.arrays, dtypes, strict=True)]
    z = call.f(*[mg.Tensor(a) for a in arrays])
    assert z.dtype == np.result_type(*arrays)
    _, found = gradients(call.f, arrays, cotangent_of(z, rng))
    assert [gradient.dtype for gradient in found] == dtypes


# --- memory layouts -------------------------------------------------------------------------


def reversed_axes(a):
    """Negative strides: the same values, stored backwards."""
    backwards = (slice(None, None, -1),) * a.ndim
    return a[backwards].copy(order="C")[backwards]


def spread_out(a):
    """Every second element of a larger array."""
    return np.repeat(a, 2).reshape(*a.shape, 2)[..., 0]


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def zero_stride(a):
    """Its first row for all the rows, without a copy: zero stride, read-only."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim and len(a) else read_only(a)


LAYOUTS = {
    "fortran": lambda a: a.copy(order="F"),
    "negative strides": reversed_axes,
    "spread out": spread_out,
    "read-only": read_only,
    "zero stride": zero_stride,
}


def given_as(layout):
    """An op that gives its input on in another layout; and one that does so with its cotangent."""
    view = LAYOUTS[layout]
    forwards = mg.general(lambda x: view(x), lambda g, z, x: g, name="forwards")
    backwards = mg.general(lambda x: x.copy(), lambda g, z, x: view(g), name="backwards")
    return forwards, backwards


@pytest.mark.parametrize("layout", LAYOUTS)
@every_op
@fewest
@given(data=st.data(), rng=strategies.GENERATORS)
def test_memory_layout_makes_no_difference(name, layout, data, rng):
    call = data.draw(CALLS[name])
    arrays = [np.array(LAYOUTS[layout](a), order="C") for a in call.arrays]
    cotangent = cotangent_of(np.asarray(call.f(*arrays)), rng)
    cotangent = np.array(LAYOUTS[layout](cotangent), order="C")
    forwards, backwards = given_as(layout)

    def through_views(*tensors):
        return backwards(call.f(*[forwards(t) for t in tensors]))

    expected_value, expected = gradients(call.f, arrays, cotangent)
    value, found = gradients(through_views, arrays, cotangent)
    assert_close(value.numpy(), expected_value.numpy(), 1e-13)
    for gradient, wanted in zip(found, expected, strict=True):
        assert gradient.shape == wanted.shape
        assert_close(gradient, wanted, 1e-13)
