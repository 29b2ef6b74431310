"""Overwritten values: an error where a rule needs the value of before, and only there."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OverwrittenError, RuleError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


second = mg.general(lambda x, y: y, None, lambda g, z, x, y: g, name="second")
NEEDS_ITS_INPUT = {
    "multiply": lambda w: w * w,
    "multiply by a view": lambda w: w.reshape(2, 1) * mg.Tensor([[3.0], [4.0]], requires_grad=True),
    "by a slice": lambda w: w[:1] * w[1:],
    "by a view of a view": lambda w: np.expand_dims(w, 0).T * parameter(5.0),
    "by a detached": lambda w: w.detach() * parameter(5.0),
    "divide": lambda w: 1.0 / w,
    "power": lambda w: w**3,
    "square": lambda w: w**2,
    "log": np.log,
    "absolute": abs,
    "tanh": np.tanh,  # 1 - z**2 would do, but loses digits where z is close to 1
    "sigmoid": mg.sigmoid,
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
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "power of a half": lambda w: w**0.5,
    "softmax": mg.softmax,
    "what a user's op passes on": lambda w: second(np.ones(2), w) * parameter(5.0),
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


# --- forward mode


def overwriting(f, **values):
    """A function of x that overwrites w after it computed f(x, w)."""

    def of_x(x):
        w = mg.Tensor(2.0, name="w")
        y = f(x, w)
        w.assign(5.0)
        return y

    return of_x


FORWARD = {
    "elementwise": lambda x, w: x * w,
    "by a partial": lambda x, w: x / w,
    "linear in each": lambda x, w: np.outer(x, np.reshape(w, (1,)))[:, 0],
    "a view of it": lambda x, w: x * np.reshape(w, (1,)),
    "general": mg.general(
        lambda x, w: x * w, lambda g, z, x, w: g * w, lambda g, z, x, w: np.sum(g * x), name="times"
    ),
    "checkpoint": lambda x, w: mg.checkpoint(lambda x: x * w)(x),
    "checkpoint at 0": lambda x, w: mg.checkpoint(lambda x: (x - x) * w)(x),
}
DERIVATIVES = {
    "jvp": lambda f: mg.jvp(f, (np.ones(2),), (np.ones(2),)),
    "jacobian by columns": lambda f: mg.jacobian(f)(np.ones(2)),
    "jacobian by rows": lambda f: mg.jacobian(lambda x: mg.sum(f(x)))(np.ones(2)),
    "vjp": lambda f: mg.vjp(f, np.ones(2))[1](np.ones(2)),
    "grad": lambda f: mg.grad(lambda x: mg.sum(f(x)))(np.ones(2)),
    "hvp": lambda f: mg.hvp(lambda x: mg.sum(f(x) ** 2), (np.ones(2),), (np.ones(2),)),
    "hessian": lambda f: mg.hessian(lambda x: mg.sum(f(x) ** 2))(np.ones(2)),
    "jvp of a gradient": lambda f: mg.jvp(
        lambda x: mg.grad(lambda x: mg.sum(np.sin(x) * f(x)))(x), (np.ones(2),), (np.ones(2),)
    ),
    "jvp of a jvp": lambda f: mg.jvp(
        lambda x: mg.jvp(f, (x,), (x,))[1], (np.ones(2),), (np.ones(2),)
    ),
}


@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("name", FORWARD)
def test_every_transform_notices_what_was_overwritten(name, derivative):
    with pytest.raises(OverwrittenError):
        DERIVATIVES[derivative](overwriting(FORWARD[name]))


def test_forward_mode_asks_only_for_what_it_reads():
    np.testing.assert_array_equal(
        mg.jvp(overwriting(lambda x, w: x + w), (np.ones(2),), (np.ones(2),))[1], [1.0, 1.0]
    )

    def product(x):  # the tangent of w is x's: w is not read, x is
        y = np.outer(np.array([1.0, 2.0]), x)
        x.assign([7.0, 7.0])
        return y

    np.testing.assert_array_equal(
        mg.jvp(product, (np.ones(2),), (np.array([1.0, 3.0]),))[1], [[1.0, 3.0], [2.0, 6.0]]
    )


def test_a_sweep_that_is_limited_asks_only_for_what_it_follows():
    w = parameter(2.0)

    def f(x):
        y = x * w
        x.assign(7.0)  # only the gradient of w would need it
        return y

    assert mg.grad(f)(3.0).item() == 2.0


# --- checkpoint: at x = 0 the value does not tell what has changed


def changed(tensor):
    tensor.assign(tensor.data + 1.0)


def checkpointed_closures():
    tracked, constant = parameter(3.0), mg.Tensor(3.0)
    array, numbers, slopes = np.array(3.0), [3.0], np.array(0.1)
    inner = mg.checkpoint(lambda x: x * array)
    return {
        "a leaf": (lambda x: x * tracked, lambda: changed(tracked), OverwrittenError),
        "a constant": (lambda x: x * constant, lambda: changed(constant), OverwrittenError),
        "a view": (lambda x: x * constant[None][0], lambda: changed(constant), OverwrittenError),
        "a sum": (lambda x: x * (constant + 1), lambda: changed(constant), OverwrittenError),
        "its data": (lambda x: x * constant.data, lambda: changed(constant), OverwrittenError),
        "an array": (lambda x: x * array, lambda: array.__iadd__(1), RuleError),
        "a list": (lambda x: x * numbers[0], lambda: numbers.__setitem__(0, 4.0), RuleError),
        "a setting": (lambda x: mg.leaky_relu(x, slopes), lambda: slopes.__iadd__(1), RuleError),
        "an array in one inside": (lambda x: inner(x) * 1.0, lambda: array.__iadd__(1), RuleError),
        "another op": (
            lambda x: np.sin(x) if numbers[0] == 3.0 else x * x,
            lambda: numbers.__setitem__(0, 4.0),
            RuleError,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["reverse", "create_graph", "twice"])
@pytest.mark.parametrize("name", checkpointed_closures())
def test_a_checkpoint_notices_what_its_function_reads(name, mode):
    f, change, error = checkpointed_closures()[name]
    x = parameter(0.0)
    y = mg.checkpoint(f)(x) * 1.0
    if mode == "twice":
        y.backward()
        assert x.grad is not None
    change()
    with pytest.raises(error, match="again" if error is RuleError else None):
        y.backward(create_graph=mode == "create_graph")


def test_a_checkpoint_whose_labels_are_overwritten_says_so():
    x, labels = parameter(np.zeros((2, 3))), mg.Tensor([0, 1])
    y = mg.checkpoint(lambda x: mg.cross_entropy(x, labels))(x)
    labels.assign([2, 7])
    with pytest.raises(OverwrittenError):
        y.backward()


def test_a_checkpoint_that_draws_is_refused_where_the_value_does_not_tell():
    rng = np.random.default_rng(0)
    y = mg.checkpoint(lambda x: mg.dropout(x, 0.5, rng=rng))(parameter(np.zeros(20)))
    with pytest.raises(RuleError, match="deterministic"):
        y.backward(np.ones(20))
