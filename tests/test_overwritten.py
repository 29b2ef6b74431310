"""Overwritten values: an error where a rule needs the value of before, and only there."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OverwrittenError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


second = mg.general(lambda x, y: y, None, lambda g, z, x, y: g, name="second")
NEEDS_ITS_INPUT = {
    "multiply": lambda w: w * w,
    "multiply by a view": lambda w: w.reshape(2, 1) * mg.Tensor([[3.0], [4.0]], requires_grad=True),
    "by a slice": lambda w: w[:1] * w[1:],
    "by a view of a view": lambda w: np.expand_dims(w, 0).T * parameter(5.0),
    "by the second input of an op": lambda w: second(np.ones(2), w) * parameter(5.0),
    "by a detached": lambda w: w.detach() * parameter(5.0),
    "divide": lambda w: 1.0 / w,
    "power": lambda w: w**3,
    "square": lambda w: w**2,
    "log": np.log,
    "absolute": abs,
    "max": lambda w: w.max(),
    "matmul": lambda w: w @ w,
    "mse": lambda w: mg.mse(w, np.zeros(2)),
    "maxpool": lambda w: mg.maxpool(w.reshape(1, 2), (1, 2)),
    "logsumexp": mg.logsumexp,
}
NEEDS_NO_VALUE = {
    "add": lambda w: w + 1.0,
    "subtract": lambda w: 1.0 - w,
    "scale": lambda w: w * 2.0,
    "divide by a number": lambda w: w / 2.0,
    "sum": lambda w: w.sum(),
    "mean": lambda w: w.mean(axis=0),
    "reshape": lambda w: w.reshape(2, 1),
    "transpose": lambda w: np.transpose(w.reshape(2, 1), (1, 0)),
    "getitem": lambda w: w[[0, 0, 1]],
    "pad": lambda w: np.pad(w, 1),
    "concatenate": lambda w: np.concatenate([w, w]),
    "stack": lambda w: np.stack([w, w]),
    "where": lambda w: np.where([True, False], w, 0.0),
    "broadcast_to": lambda w: np.broadcast_to(w, (3, 2)),
    "matmul": lambda w: w @ np.ones((2, 3)),
    "avgpool": lambda w: mg.avgpool(w.reshape(1, 2), (1, 2)),
    "conv2d": lambda w: mg.conv2d(np.ones((1, 1, 3, 3)), w.reshape(1, 1, 2, 1)),
    "astype": lambda w: w.astype(np.float32),
}
NEEDS_ITS_RESULT = {  # which is memory of its own
    "exp": np.exp,
    "relu": mg.relu,
    "tanh": np.tanh,
    "sigmoid": mg.sigmoid,
    "sqrt": lambda w: w**0.5,
    "softmax": mg.softmax,
}


def write(w, values, how):
    if how == "assign":
        w.assign(values)
    else:
        w.grad = w.data - values
        mg.optim.SGD([w], lr=1.0).step()


@pytest.mark.parametrize("how", ["assign", "optimiser"])
@pytest.mark.parametrize("name", NEEDS_ITS_INPUT)
def test_a_value_that_a_rule_needs_must_not_be_overwritten(name, how):
    w = parameter([1.0, 2.0], name="weight")
    y = NEEDS_ITS_INPUT[name](w)
    z = mg.Tensor(np.ones(y.shape)) * y
    write(w, [5.0, 6.0], how)
    grad = w.grad
    with pytest.raises(OverwrittenError, match=r"'weight'.*shape \(2,\)"):
        z.backward(np.ones(z.shape))
    assert w.grad is grad
    NEEDS_ITS_INPUT[name](w).sum().backward()  # recorded anew, all is well


@pytest.mark.parametrize("how", ["assign", "optimiser"])
@pytest.mark.parametrize("name", NEEDS_NO_VALUE | NEEDS_ITS_RESULT)
def test_a_value_that_no_rule_needs_may_be_overwritten(name, how):
    f = (NEEDS_NO_VALUE | NEEDS_ITS_RESULT)[name]
    w, twin = parameter([1.0, 2.0]), parameter([1.0, 2.0])
    y = f(w)
    cotangent = np.random.default_rng(0).normal(size=y.shape)
    write(w, [5.0, 6.0], how)
    w.grad = None
    y.backward(cotangent)
    f(twin).backward(cotangent)
    np.testing.assert_array_equal(w.grad, twin.grad)


def test_what_is_not_on_the_way_may_be_overwritten():
    w, x = parameter(2.0), mg.Tensor(3.0)
    unused = w * w
    y = w * x
    w.assign(5.0)
    y.backward()  # d(wx)/dw = x, which is as it was
    assert w.grad == 3.0
    with pytest.raises(OverwrittenError):
        unused.backward()


def test_constants_are_followed_too():
    w, x = parameter(2.0), mg.Tensor(3.0, name="data")
    y = w * x
    x.assign(4.0)
    with pytest.raises(OverwrittenError, match="'data'"):
        y.backward()


def test_arrays_that_took_part_are_copied():
    w, x = parameter([2.0, 2.0]), np.array([3.0, 4.0])
    y = x * w
    x[:] = 0
    y.backward([1.0, 1.0])
    np.testing.assert_array_equal(w.grad, [3.0, 4.0])


def test_training_steps_never_raise():
    w = parameter([1.0, 2.0])
    optimiser = mg.optim.SGD([w], lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        optimiser.step()
    np.testing.assert_allclose(w.data, np.array([1.0, 2.0]) * 0.8**3)


def test_an_old_graph_is_caught_after_a_step():
    w = parameter([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    mg.optim.SGD([w], lr=0.1).step()
    with pytest.raises(OverwrittenError):
        loss.backward()


def test_a_rule_that_cannot_be_read_is_taken_to_need_everything():
    class Twice:
        def __call__(self, g, z, x):
            return g + g

    double = mg.general(lambda x: x + x, Twice(), name="double")
    w = parameter([1.0, 2.0])
    y = double(w)
    w.assign([3.0, 4.0])
    with pytest.raises(OverwrittenError, match="double"):
        y.backward([1.0, 1.0])
