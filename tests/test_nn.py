"""Modules, layers, initialisers, and keeping their values in files."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DataError, ShapeError
from minigrad.nn import initialise

RNG = np.random.default_rng(7)


class Block(mg.nn.Module):
    def __init__(self):
        self.first = mg.nn.Linear(3, 4, rng=0)
        self.others = [mg.nn.Linear(4, 4, rng=1), {"deep": mg.nn.Linear(4, 2, rng=2)}]
        self.scale = mg.Tensor(2.0, requires_grad=True)
        self.table = mg.Tensor([1.0, 2.0])
        self.again = self.first

    def forward(self, x):
        return self.others[1]["deep"](mg.relu(self.others[0](self.first(x)))) * self.scale


def test_parameters_are_found_by_walking_attributes_once_each_and_in_order():
    names = [name for name, _ in Block().named_parameters()]
    assert names == [
        "first.weight",
        "first.bias",
        "others.0.weight",
        "others.0.bias",
        "others.1.deep.weight",
        "others.1.deep.bias",
        "scale",
    ]
    assert [name for name, _ in Block().named_tensors() if name not in names] == ["table"]


def test_a_module_that_holds_itself_is_walked_once():
    block = Block()
    block.loop = [block]
    assert len(block.parameters()) == 7


def test_every_parameter_of_a_module_gets_a_gradient():
    block = Block()
    mg.sum(block(RNG.normal(size=(5, 3)))).backward()
    assert all(p.grad.shape == p.shape for p in block.parameters())


def test_train_and_eval_reach_every_module():
    network = mg.nn.Sequential(mg.nn.Dropout(0.5, rng=0), mg.nn.Sequential(mg.nn.Dropout(rng=1)))
    x = mg.Tensor(np.ones(1000))
    assert network.eval() is network
    np.testing.assert_array_equal(network(x).data, 1)
    values = network.train()(x).data
    assert set(np.unique(values)) == {0.0, 4.0}
    assert 150 < np.count_nonzero(values) < 350


def test_forward_must_be_written():
    with pytest.raises(TypeError, match="Module has no forward"):
        mg.nn.Module()(1.0)


def test_linear_is_the_lecture_s_row_times_matrix():
    layer = mg.nn.Linear(3, 2, rng=0)
    x = RNG.normal(size=(4, 5, 3))
    wanted = [[row @ layer.weight.data + layer.bias.data for row in block] for block in x]
    np.testing.assert_allclose(layer(mg.Tensor(x)).data, wanted)
    assert [p.name for p in mg.nn.Linear(3, 2, bias=False).parameters()] == ["weight"]


def test_layers_are_the_functions_of_their_names():
    x = RNG.normal(size=(2, 4, 6, 6))
    convolution = mg.nn.Conv2d(4, 6, (3, 2), stride=(1, 2), padding=(1, 0), groups=2, rng=0)
    w, b = convolution.weight.data, convolution.bias.data
    wanted = mg.conv2d(x, w, b, stride=(1, 2), padding=(1, 0), groups=2)
    np.testing.assert_array_equal(convolution(mg.Tensor(x)).data, wanted)
    np.testing.assert_array_equal(mg.nn.MaxPool(3)(x), mg.maxpool(x, 3))
    np.testing.assert_array_equal(mg.nn.AvgPool(2, stride=1)(x), mg.avgpool(x, 2, stride=1))
    np.testing.assert_array_equal(mg.nn.ReLU()(x), np.maximum(x, 0))
    np.testing.assert_allclose(mg.nn.Sigmoid()(x), 1 / (1 + np.exp(-x)))
    np.testing.assert_allclose(mg.nn.Tanh()(x), np.tanh(x))
    np.testing.assert_array_equal(mg.nn.Flatten()(x), x.reshape(2, -1))


def test_a_float32_layer_stays_float32_all_the_way():
    network = mg.nn.Sequential(
        mg.nn.Conv2d(1, 2, 3, rng=0, dtype=np.float32),
        mg.relu,
        mg.nn.Flatten(),
        mg.nn.Linear(8, 1, rng=1, dtype=np.float32),
        mg.nn.Dropout(0.1, rng=2),
    )
    y = network(mg.Tensor(RNG.normal(size=(3, 1, 4, 4)), dtype=np.float32))
    mg.sum(y).backward()
    assert y.dtype == np.float32
    assert {p.grad.dtype for p in network.parameters()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (initialise.he_normal, 2 / 300),
        (initialise.he_uniform, 2 / 300),
        (initialise.glorot_normal, 2 / 500),
        (initialise.glorot_uniform, 2 / 500),
        (initialise.uniform(0.3), 0.3**2 / 3),
    ],
)
def test_initial_weights_have_mean_0_and_the_variance_of_their_paper(draw, variance):
    values = draw((300, 200), np.random.default_rng(0))
    assert values.shape == (300, 200)
    assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)
    np.testing.assert_allclose(values.var(), variance, rtol=0.03)


def test_fans_of_filters_count_every_position():
    assert initialise.fans((6, 3, 5, 5)) == (75, 150)
    assert initialise.fans((7,)) == (7, 7)


def test_the_same_seed_gives_the_same_weights_and_a_generator_goes_on():
    one, two = mg.nn.Linear(3, 2, rng=5), mg.nn.Linear(3, 2, rng=5)
    np.testing.assert_array_equal(one.weight.data, two.weight.data)
    rng = np.random.default_rng(5)
    first, second = mg.nn.Linear(3, 2, rng=rng), mg.nn.Linear(3, 2, rng=rng)
    np.testing.assert_array_equal(first.weight.data, one.weight.data)
    assert not np.array_equal(first.weight.data, second.weight.data)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: mg.nn.Conv2d(3, 4, 3, groups=2), ShapeError, "3 channels and 4 filters"),
        (lambda: mg.nn.Sequential(mg.relu, 3), TypeError, "layers and functions; got 3"),
        (lambda: mg.nn.Dropout(1.0)(np.ones(2)), ValueError, r"\[0, 1\); got 1.0"),
    ],
)
def test_what_cannot_be_a_layer_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_values_come_back_from_a_file(tmp_path):
    block, other = Block(), Block()
    for p in block.parameters():
        p.assign(RNG.normal(size=p.shape))
    mg.save(tmp_path / "block.npz", block)
    mg.load(tmp_path / "block.npz", other)
    for a, b in zip(block.named_tensors(), other.named_tensors(), strict=True):
        assert a[0] == b[0]
        np.testing.assert_array_equal(a[1].data, b[1].data)
    assert mg.load(tmp_path / "block.npz").keys() == dict(block.named_tensors()).keys()


def test_what_load_returns_are_the_values_of_the_file(tmp_path):
    block, other = Block(), Block()
    for p in block.parameters():
        p.assign(RNG.normal(size=p.shape))
    mg.save(tmp_path / "block.npz", block)
    assert mg.load(tmp_path / "block.npz", other) is other
    found = mg.load(tmp_path / "block.npz")
    assert list(found) == [name for name, _ in block.named_tensors()]
    for name, t in block.named_tensors():
        assert type(found[name]) is np.ndarray
        assert (found[name].shape, found[name].dtype) == (t.shape, t.dtype)
        np.testing.assert_array_equal(found[name], t.data)
        found[name][...] = 7  # they are the caller's: no module sees it
    for (_, a), (_, b) in zip(block.named_tensors(), other.named_tensors(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


class Bomb:
    """Unpickling it would be noticed."""

    went_off = False

    def __reduce__(self):
        return setattr, (Bomb, "went_off", True)


def test_a_file_runs_no_code(tmp_path):
    np.savez(tmp_path / "bomb.npz", weight=np.array([Bomb()], object))
    for module in (None, mg.nn.Linear(1, 1, rng=0)):
        with pytest.raises(DataError, match="holds object, not numbers"):
            mg.load(tmp_path / "bomb.npz", module)
    assert not Bomb.went_off


class Tied(mg.nn.Module):
    """One matrix under two names: x E E^T."""

    def __init__(self):
        self.embed = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
        self.head = {"weight": self.embed}

    def forward(self, x):
        return x @ self.embed @ self.head["weight"].T


def test_tied_weights_are_one_parameter_with_the_sum_of_both_gradients(tmp_path):
    tied, x, g = Tied(), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2))
    assert [name for name, _ in tied.named_parameters()] == ["embed"]
    assert len(tied.parameters()) == 1
    e = tied.embed.data.copy()
    tied(x).backward(g)
    np.testing.assert_allclose(tied.embed.grad, x.T @ g @ e + g.T @ x @ e, rtol=1e-13)
    mg.optim.SGD(tied.parameters(), 0.1).step()
    assert tied.head["weight"] is tied.embed
    np.testing.assert_allclose(tied.embed.data, e - 0.1 * tied.embed.grad, rtol=1e-15)
    mg.save(tmp_path / "tied.npz", tied)
    other = Tied()
    assert mg.load(tmp_path / "tied.npz", other) is other
    np.testing.assert_array_equal(other.head["weight"].data, tied.embed.data)
    tied.zero_grad()
    assert tied.head["weight"].grad is None


def test_a_file_of_another_module_changes_nothing(tmp_path):
    mg.save(tmp_path / "a.npz", mg.nn.Linear(2, 3, rng=0))
    narrow, bare = mg.nn.Linear(2, 2, rng=1), mg.nn.Linear(2, 3, rng=1, bias=False)
    before = [t.data.copy() for m in (narrow, bare) for t in m.parameters()]
    with pytest.raises(DataError, match=r"weight  \(2, 3\) float64  \(2, 2\) float64"):
        mg.load(tmp_path / "a.npz", narrow)
    with pytest.raises(DataError, match=r"bias  \(3,\) float64  missing"):
        mg.load(tmp_path / "a.npz", bare)
    after = [t.data for m in (narrow, bare) for t in m.parameters()]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_parameter_may_be_called_file(tmp_path):
    class Odd(mg.nn.Module):
        def __init__(self):
            self.file = mg.Tensor([1.0], requires_grad=True)

    mg.save(tmp_path / "odd.npz", Odd())
    np.testing.assert_array_equal(mg.load(tmp_path / "odd.npz")["file"], [1.0])
