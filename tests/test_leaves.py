"""Leaves: which tensors a module is made of, freezing them, and what may be written to them."""

import numpy as np
import pytest
from copies import DEEP

import minigrad as mg
from minigrad.errors import GradientTypeError, GraphError, OverwrittenError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


class Keeping(mg.nn.Module):
    """A module that keeps whatever it computes."""

    def __init__(self):
        self.layer = mg.nn.Linear(2, 3, rng=0)
        self.mean = mg.Tensor(np.zeros(3))
        self.kept = {}

    def forward(self, x):
        h = self.layer(x)
        self.mean.assign(0.9 * self.mean.data + 0.1 * np.mean(h.data, 0))
        with mg.no_grad():
            unrecorded = h * 2
        self.out = h
        self.kept = {
            "parts": [h[0], h.T, np.sum(h), unrecorded, unrecorded[0]],
            "held": (h.detach(), mg.stop_gradient(h), h.detach() * 2, self.layer.weight.detach()),
            "constants": [self.mean * 2, np.exp(self.mean), self.mean.detach(), self.mean[1:]],
            "cast": self.mean.astype(np.float32),
        }
        return mg.relu(h)


NAMES = ["layer.weight", "layer.bias", "mean"]
X = np.array([[0.5, -1.5], [1.0, 2.0]])
CALLS = {
    "recorded": lambda m: m(mg.Tensor(X)),
    "of arrays": lambda m: m(X),
    "evaluated": lambda m: mg.no_grad()(m)(X),
    "differentiated": lambda m: mg.grad(lambda x: np.sum(m(x)))(X),
    "differentiated twice": lambda m: mg.hessian(lambda x: np.sum(m(x) ** 2))(X),
    "of a tensor": lambda m: mg.grad(lambda x: np.sum(m(x)))(mg.Tensor(X)),
    "pushed forward": lambda m: mg.jvp(m, (X,), (X,)),
    "checkpointed": lambda m: mg.checkpoint(m)(parameter(X)),
    "trained": lambda m: np.sum(m(X)).backward(),
    "trained, with a graph": lambda m: np.sum(m(X)).backward(create_graph=True),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_module_gains_nothing_from_what_it_keeps(call, tmp_path):
    module = Keeping()
    CALLS[call](module)
    assert [name for name, _ in module.named_tensors()] == NAMES
    assert [name for name, _ in module.named_parameters()] == NAMES[:2]
    assert module.parameters() == [module.layer.weight, module.layer.bias]
    assert repr(module) == repr(Keeping())
    mg.optim.SGD(module.parameters(), 0.1)
    mg.save(tmp_path / "kept.npz", module)
    fresh = Keeping()
    mg.load(tmp_path / "kept.npz", fresh)
    np.testing.assert_array_equal(fresh.mean.data, module.mean.data)
    mg.load(tmp_path / "kept.npz", module)


class Inputs(mg.nn.Module):
    """Keeps what it is given, under names that it had before and others."""

    def __init__(self):
        self.weight = parameter([1.0, 2.0])
        self.before = None
        self.table = mg.Tensor([3.0, 4.0])

    def forward(self, x):
        self.x = self.before = x
        self.several = {"a": [x, (x, x * self.weight)]}
        self.remember(x)
        return x * self.weight + self.table

    def remember(self, x):
        self.later = x


class State(mg.nn.Module):
    """Has a hidden state, alone and in a pair."""

    def __init__(self):
        self.weight = parameter(np.eye(2))
        self.state = mg.Tensor(np.zeros(2))
        self.pair = (mg.Tensor(np.zeros(2)), [mg.Tensor(np.zeros(2))])

    def forward(self, x):
        h = np.tanh(x[0] @ self.weight + self.state + self.pair[1][0])
        self.state = h.detach()
        self.pair = (h.detach(), [mg.stop_gradient(h)])
        return h


class Running(mg.nn.Module):
    """Has a running mean, which it replaces."""

    def __init__(self):
        self.weight = parameter([1.0, 2.0])
        self.mean = mg.Tensor(np.zeros(2))

    def forward(self, x):
        with mg.no_grad():
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=0)
        return (x - self.mean) * self.weight


class Lazy(mg.nn.Module):
    """Makes its parts when it is first called."""

    def __init__(self):
        self.layer = None

    def forward(self, x):
        if self.layer is None:
            self.layer, self.bias, self.both = Inputs(), parameter([0.0, 0.0]), [Running()]
        return self.both[0](self.layer(x)) + self.bias


BUFFERS = {
    Inputs: ["weight", "table"],
    State: ["weight", "state", "pair.0", "pair.1.0"],
    Running: ["weight", "mean"],
    Lazy: ["layer.weight", "layer.table", "bias", "both.0.weight", "both.0.mean"],
}


@pytest.mark.parametrize("way", ["itself", "deepcopy", "protocol 5"])
@pytest.mark.parametrize("call", [call for call in CALLS if call != "pushed forward"])
@pytest.mark.parametrize("kind", BUFFERS)
def test_what_a_module_was_built_with_stays_and_what_a_call_keeps_is_left_out(
    kind, call, way, tmp_path
):
    module = kind()
    if kind is Lazy:
        module(mg.Tensor(X))
    for _ in range(2):
        CALLS[call](module)
    module = DEEP.get(way, lambda m: m)(module)
    CALLS[call](module)
    assert [name for name, _ in module.named_tensors()] == BUFFERS[kind]
    mg.save(tmp_path / "kept.npz", module)
    fresh = kind()
    if kind is Lazy:
        fresh(mg.Tensor(X))
    for other in (fresh, module):
        mg.load(tmp_path / "kept.npz", other)
        for (_, a), (_, b) in zip(other.named_tensors(), module.named_tensors(), strict=True):
            np.testing.assert_array_equal(a.data, b.data)
    if kind in (State, Running):
        changed = dict(module.named_tensors())[BUFFERS[kind][1]]
        assert np.all(changed.data != 0) or call == "differentiated"


def test_what_is_set_from_outside_counts_whenever_that_is():
    module = Inputs()
    module(mg.Tensor(X))
    assert module.x is module.before is module.several["a"][0]
    module.more, module.x = mg.Tensor([5.0]), mg.Tensor([6.0])
    names = [name for name, _ in module.named_tensors()]
    assert names == ["weight", "table", "x", "more"]
    module(mg.Tensor(X))
    assert "before" not in [name for name, _ in module.named_tensors()]


def test_a_module_gains_nothing_from_an_argument_of_a_transform():
    module = Keeping()
    for call in (lambda f: mg.grad(f)(X), lambda f: mg.jvp(f, (X,), (X,)), lambda f: mg.vjp(f, X)):
        call(lambda x: np.sum(module(x)) * np.sum(vars(module).setdefault("input", x)))
        assert [name for name, _ in module.named_tensors()] == NAMES
        del module.input


def test_gradients_that_are_handed_out_belong_to_no_module():
    module = Keeping()
    module.slope = mg.grad(np.tanh)(mg.Tensor(0.5))
    module.value, _ = mg.vjp(np.tanh, mg.Tensor(0.5))
    assert [name for name, _ in module.named_tensors()] == NAMES


def test_a_module_with_a_result_is_trained_and_evaluated_as_before():
    module = Keeping()
    module(X)
    assert module.eval().train() is module
    module.zero_grad()
    mg.draw(module(X))
    assert mg.trace(np.sum(module(X))).boxes[0].name


def test_an_optimizer_takes_leaves_only():
    w = parameter([1.0])
    for computed in (w * 1, w.detach(), w[:], mg.Tensor([1.0])):
        with pytest.raises(TypeError, match="requires_grad=True"):
            mg.optim.SGD([computed], 0.1)


# --- freezing ---------------------------------------------------------------------------------


def test_a_frozen_layer_stays_as_it_is_and_the_others_learn():
    network = mg.nn.Sequential(mg.nn.Linear(2, 3, rng=0), np.tanh, mg.nn.Linear(3, 1, rng=1))
    optimizers = [
        mg.optim.SGD(network.parameters(), 0.1, momentum=0.9),
        mg.optim.AdamW(network.parameters(), 0.1),
    ]
    everything = list(network.named_tensors())

    def loss():
        return np.sum(network(X) ** 2)

    loss().backward()
    old = loss()
    for p in network[0].parameters():
        p.requires_grad = False
    assert [name for name, _ in network.named_parameters()] == ["layers.2.weight", "layers.2.bias"]
    assert [name for name, _ in network.named_tensors()] == [name for name, _ in everything]
    assert mg.nn.Sequential(network[0]).parameters() == []
    before = {name: t.data.copy() for name, t in everything}
    old.backward()  # recorded when all were to be trained
    for optimizer in optimizers:
        loss().backward()
        optimizer.step()
    moved = [name for name, t in everything if not np.array_equal(t.data, before[name])]
    assert moved == ["layers.2.weight", "layers.2.bias"]
    assert [t.grad is None for _, t in everything] == [True, True, False, False]
    for _, p in everything:
        p.requires_grad = True
    assert len(network.parameters()) == 4
    before = network[0].weight.data.copy()
    loss().backward()
    optimizers[0].step()
    assert not np.array_equal(network[0].weight.data, before)


@pytest.mark.parametrize("first", [True, False])
def test_freezing_changes_no_other_gradient(first):
    def gradients(frozen):
        w, v = parameter([2.0, 3.0]), parameter([5.0, 7.0])
        y = np.sum(w * v * w) if first else None
        w.requires_grad = not frozen
        (np.sum(w * v * w) if y is None else y).backward()
        return w.grad, v.grad

    np.testing.assert_array_equal(gradients(True)[1], gradients(False)[1])
    assert gradients(True)[0] is None


def test_what_cannot_require_a_gradient_says_so():
    x = parameter([1.0, 2.0])
    for results in (x * 2, x[0], np.exp(x), x.copy(), mg.checkpoint(np.exp)(x)):
        results.requires_grad = True  # as it is
        with pytest.raises(GraphError, match="detach"):
            results.requires_grad = False
    with pytest.raises(GradientTypeError, match="int64"):
        mg.Tensor([1, 2]).requires_grad = True

    def held(x):
        x.requires_grad = False
        return x * x

    for transform in (lambda: mg.grad(held)(2.0), lambda: mg.grad(mg.grad(held))(2.0)):
        with pytest.raises(GraphError, match="stop_gradient"):
            transform()


VIEWS = {
    "detached": lambda w: w.detach(),
    "held constant": mg.stop_gradient,
    "a detached view": lambda w: w[::-1].detach(),
    "not recorded": lambda w: mg.no_grad()(lambda: w[1:])(),
    "computed": lambda w: w.detach() * 2,
}


@pytest.mark.parametrize("kind", VIEWS)
def test_a_view_that_is_to_be_trained_has_memory_of_its_own(kind):
    w, x = parameter([1.0, 2.0, 3.0]), parameter(2.0)
    view = VIEWS[kind](w)
    old = np.sum(view * x)
    values = view.data.copy()
    view.requires_grad = True
    assert not np.shares_memory(view.data, w.data)
    optimizer = mg.optim.SGD([view], 0.5)
    np.sum(view * view).backward()
    np.testing.assert_array_equal(view.grad, 2 * values)
    optimizer.step()
    np.testing.assert_array_equal(view.data, values - values)
    np.testing.assert_array_equal(w.data, [1.0, 2.0, 3.0])
    with pytest.raises(OverwrittenError):
        old.backward()


def test_what_was_overwritten_before_a_view_is_trained_stays_overwritten():
    w, x = parameter([1.0, 2.0]), parameter(2.0)
    view = w.detach()
    y = np.sum(view * x)
    w.assign([5.0, 6.0])
    view.requires_grad = True
    with pytest.raises(OverwrittenError):
        y.backward()


# --- messages ---------------------------------------------------------------------------------


def test_data_is_read_and_assign_writes():
    w = parameter([1.0, 2.0])
    with pytest.raises(AttributeError, match=r"t\.assign"):
        w.data = np.zeros(2)
    with pytest.raises(ValueError, match="read-only"):
        w.data += 1.0
    np.testing.assert_array_equal(w.data, [1.0, 2.0])


@pytest.mark.parametrize("values", [2.5, [1.0, 2.0], [[1, 2]], True])
def test_a_tensor_in_a_text_is_what_str_shows(values):
    t = mg.Tensor(values)
    assert f"{t}" == str(t) == format(t) == f"{t:}"


def test_the_only_element_takes_a_format():
    assert f"{mg.Tensor([[2.5]]):.3f}" == "2.500"
    with pytest.raises(ValueError, match="one element"):
        f"{mg.Tensor([1.0, 2.0]):.3f}"


@pytest.mark.parametrize("on", ["no", "False", None, 0, 1.0])
def test_a_leaf_is_frozen_by_true_or_false(on):
    w = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="True or False"):
        w.requires_grad = on
    assert w.requires_grad
    w.requires_grad = np.bool_(False)
    assert not w.requires_grad
