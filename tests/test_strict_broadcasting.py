"""`strict_broadcasting`: where shapes meet, the result has the shape of one of the operands."""

import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ShapeError

ALLOWED = [
    [(4, 3), (4, 3)],
    [(4, 3), (3,)],  # a bias, or the statistics of each column
    [(4, 3), (1, 3)],  # kept with keepdims
    [(4, 3), (4, 1)],
    [(4, 3), ()],  # a number
    [(4, 3), (1,)],
    [(4, 3), (1, 1)],
    [(3,), (4, 3)],  # whichever comes first
    [(4, 1), (1,)],
    [(1,), ()],
    [(2, 5, 4, 3), (4, 3)],
    [(2, 5, 4, 3), (5, 1, 1)],  # of each channel
    [(0, 3), (3,)],
]
REFUSED = [
    [(4, 1), (4,)],  # a column of targets, and a row
    [(4,), (4, 1)],
    [(4, 1), (1, 4)],
    [(4, 1), (3,)],
    [(1, 1), (3,)],
    [(2, 1, 3), (4, 1)],
    [(0, 1), (3,)],
    [(1, 4), (4, 1)],
]
UFUNCS = [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.power, np.arctan2]
PRODUCTS = {  # of matrices: the axes before the last two
    ((5, 4, 3), (3, 2)): True,
    ((4, 3), (5, 3, 2)): True,
    ((5, 4, 3), (1, 3, 2)): True,
    ((3, 1), (1, 3)): True,  # a column and a row are a matrix product
    ((5, 4, 3), (3,)): True,
    ((5, 1, 4, 3), (2, 3, 2)): False,
    ((5, 1, 4, 3), (1, 2, 3, 2)): False,
}


def tensors(*shapes, tracked=True):
    return [mg.Tensor(np.ones(shape), requires_grad=tracked) for shape in shapes]


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("ufunc", UFUNCS)
def test_what_is_allowed_and_what_is_not(ufunc, tracked):
    for shapes in ALLOWED:
        x, y = tensors(*shapes, tracked=tracked)
        with mg.strict_broadcasting():
            assert ufunc(x, y).shape == np.broadcast_shapes(*shapes)
            ufunc(x, y.data), ufunc(x.data, y)
    for shapes in REFUSED:
        x, y = tensors(*shapes, tracked=tracked)
        together = np.broadcast_shapes(*shapes)
        assert ufunc(x, y).shape == together  # without the block
        for a, b in ((x, y), (x, y.data), (x.data, y)):
            with pytest.raises(ShapeError) as caught, mg.strict_broadcasting():
                ufunc(a, b)
            for told in (*shapes, together, ufunc.__name__, "neither"):
                assert str(told) in str(caught.value)


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
def test_stacks_of_matrices(shapes):
    x, y = tensors(*shapes)
    with mg.strict_broadcasting():
        if PRODUCTS[shapes]:
            assert (x @ y).shape == np.matmul(x.data, y.data).shape
        else:
            with pytest.raises(ShapeError, match="the shape of neither"):
                x @ y


COMPARED = [np.equal, np.not_equal, np.less, np.greater_equal, np.logical_and, np.logical_xor]
COMPARED += [np.isclose, np.allclose, np.array_equiv, operator.eq, operator.ne, operator.lt]
COMPARED += [operator.le, operator.gt, operator.ge]
CONDITIONS = {  # in which a tensor takes part and none has the shape of the result
    "where, of a tensor": lambda x, y: np.where(x > 0, y, 0.0),
    "where, by a tensor": lambda x, y: np.where(x.detach(), plain(y), 0.0),
    "where, of integers": lambda x, y: np.where(plain(x) > 0, mg.Tensor([1] * 4), 0),
    "choose": lambda x, y: np.choose(plain(x).astype(int), [plain(y), y]),
    "choose, by a tensor": lambda x, y: np.choose(mg.Tensor([[0]] * 4), [np.ones(4), np.ones(4)]),
    "select, by integers": lambda x, y: np.select([mg.Tensor([[1]] * 4) > 0], [mg.Tensor([1] * 4)]),
    "select": lambda x, y: np.select([x > 0], [y], 0.0),
    "clip": lambda x, y: np.clip(x, plain(y), None),
    "leaky_relu": lambda x, y: mg.leaky_relu(x, plain(y)),
    "elu": lambda x, y: mg.elu(x, plain(y)),
    "a list": lambda x, y: mg.leaky_relu(x, [0.1] * 4),
}


def plain(x):
    return x.numpy() if isinstance(x, mg.Tensor) else x


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("compared", COMPARED)
def test_comparisons_are_asked_too(compared, tracked):
    for shapes in ALLOWED + REFUSED:
        x, y = tensors(*shapes, tracked=tracked)
        for a, b in ((x, y), (x, y.numpy()), (x.numpy(), y)):
            expected = compared(x.numpy(), y.numpy())
            if shapes in ALLOWED:
                with mg.strict_broadcasting():
                    np.testing.assert_array_equal(compared(a, b), expected)
            else:
                with pytest.raises(ShapeError, match=r"neither|none"), mg.strict_broadcasting():
                    compared(a, b)
            np.testing.assert_array_equal(compared(a, b), expected)


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_and_settings_are_asked_too(case, tracked):
    f = CONDITIONS[case]
    x, y = tensors((4, 1), (4,), tracked=tracked)
    with np.errstate(all="ignore"):
        assert np.shape(f(x, y)) == (4, 4)
        with pytest.raises(ShapeError, match=r"neither|none"), mg.strict_broadcasting():
            f(x, y)


def test_what_cannot_be_compared_is_left_to_numpy():
    x = mg.Tensor(np.ones((4, 1)))
    with mg.strict_broadcasting():
        assert not np.array_equal(x, np.ones(4))  # which never broadcasts
        assert not np.array_equiv(x, np.ones((3, 2)))
        assert (x != None).all()  # noqa: E711
        assert (x == 1.0).all()
        assert mg.leaky_relu(x, np.full(1, 0.1)).shape == (4, 1)


def test_three_operands():
    chosen, x, y = np.ones((4, 1), bool), *tensors((4, 3), ())
    with mg.strict_broadcasting():
        assert np.where(chosen, x, y).shape == (4, 3)
        with pytest.raises(ShapeError, match="the shape of none"):
            np.where(chosen, *tensors((3,), ()))


def test_the_operators_are_asked_as_the_functions_are():
    x, y = tensors((4, 1), (4,))
    ways = [lambda: x - y, lambda: x * y.data, lambda: x.data + y, lambda: np.ones((4, 1)) ** y]
    for way in ways:
        with pytest.raises(ShapeError, match="neither"):
            mg.strict_broadcasting()(way)()


def test_in_every_state_of_recording():
    x, y = tensors((4, 1), (4,))
    total = mg.checkpoint(lambda x: np.sum(x - y))
    ways = {
        "no_grad": lambda: mg.no_grad()(lambda: x - y)(),
        "grad": lambda: mg.grad(lambda x: np.sum(x - y.data))(x.data),
        "jvp": lambda: mg.jvp(lambda x: x - y, (x.data,), (x.data,)),
        "checkpoint": lambda: total(x),
        "inside other blocks": lambda: mg.scope("s")(mg.detect_anomaly()(lambda: x - y))(),
    }
    for way in ways.values():
        way()
        with pytest.raises(ShapeError, match="neither"):
            mg.strict_broadcasting()(way)()


def test_what_says_so_is_free_to():
    x, y = tensors((4, 1), (3,))
    with mg.strict_broadcasting():
        assert np.subtract.outer(y, y).shape == (3, 3)
        assert np.outer(x, y).shape == (4, 3)
        assert np.kron(x, y).shape == (4, 3)
        assert np.pad(x, ((0, 0), (0, 2)), "linear_ramp").shape == (4, 3)
        wide = np.broadcast_to(x, (4, 3)) - y
        assert wide.shape == (4, 3)
        wide.sum().backward()  # and the rules broadcast as they need
    assert x.grad.tolist() == [[3.0]] * 4


def test_a_training_step_goes_through():
    rng = np.random.default_rng(0)
    net = mg.nn.Sequential(mg.nn.Linear(4, 8), mg.nn.ReLU(), mg.nn.Linear(8, 1))
    x, target = rng.normal(size=(16, 4)), rng.normal(size=(16, 1))
    optimizer = mg.optim.Adam(net.parameters())
    with mg.strict_broadcasting(), mg.detect_anomaly():
        loss = mg.mse(net(x), target)
        loss.backward()
        optimizer.step()
        with pytest.raises(ShapeError, match=r"would broadcast to \(16, 16\)"):
            mg.mse(net(x), target.ravel())
        with pytest.raises(ShapeError, match=r"would broadcast to \(16, 16\)"):
            np.mean((net(x) - target.ravel()) ** 2)


@pytest.mark.parametrize("outer", [np.outer, np.kron, np.multiply.outer, np.add.outer])
def test_what_stretches_on_purpose_keeps_to_every_other_block(outer):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with mg.no_grad():
        assert not outer(x, x).requires_grad
    with mg.sources():
        note = outer(x, x)._note
    assert note[0][0].co_filename == __file__
    with mg.scope("part"):
        boxes = mg.trace(np.sum(outer(x, x))).boxes
    assert [box.name for box in boxes] == ["part"]
    with np.errstate(over="ignore"), mg.detect_anomaly(), pytest.raises(mg.errors.AnomalyError):
        outer(x * 1e200, x * 1e200) * 1e200
    with mg.strict_broadcasting():
        assert outer(x, x).requires_grad
        with pytest.raises(ShapeError):
            outer(x, x) + np.ones((2, 2, 1))
