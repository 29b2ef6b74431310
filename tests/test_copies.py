"""Copied and pickled: a leaf is a new leaf, a result refuses, training goes on to the last bit."""

import copy
import functools
import itertools
import pickle

import numpy as np
import pytest
from copies import DEEP, WAYS, elsewhere

import minigrad as mg
from minigrad.errors import LeavesGraphError

ROOM = np.arange(24.0).reshape(2, 3, 4)


class Named(mg.Tensor):
    """A tensor with attributes, as a user may write it."""


class Slotted(mg.Tensor):
    __slots__ = ("unit",)


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


def with_grad():
    w = parameter(ROOM, name="w")
    np.sum(w * w).backward()
    return w


def with_tensor_grad():
    w = parameter([1.0, 2.0])
    w.grad = mg.Tensor([3.0, 4.0])
    return w


def with_recorded_grad():
    w = parameter(2.0)
    (w**3).backward(create_graph=True)
    return w


def written():
    w = parameter(ROOM)
    w.assign(w.data + 1)
    return w


def stepped():
    w = with_grad()
    mg.optim.SGD([w], 0.1).step()
    return w


def described():
    t = Named(ROOM, requires_grad=True)
    t.unit = ["metres"]
    return t


def slotted():
    t = Slotted(ROOM)
    t.unit = ["metres"]
    return t


def unrecorded():
    with mg.no_grad():
        return parameter(ROOM) * 2


LEAVES = {
    "a number": lambda: parameter(3.0),
    "named": lambda: parameter(ROOM, name="w"),
    "a constant": lambda: mg.Tensor(ROOM),
    "empty": lambda: parameter(np.ones((0, 3))),
    "columns": lambda: parameter(np.asfortranarray(ROOM)),
    "axes in another order": lambda: parameter(ROOM.transpose(1, 2, 0)),
    "float16": lambda: parameter(ROOM, dtype=np.float16),
    "float32": lambda: parameter(ROOM, dtype=np.float32),
    "longdouble": lambda: parameter(ROOM, dtype=np.longdouble),
    "integers": lambda: mg.Tensor(np.arange(6, dtype=np.int8)),
    "booleans": lambda: mg.Tensor([True, False]),
    "of other byte order": lambda: parameter(ROOM.astype(">f4")),
    "with a gradient": with_grad,
    "with a tensor as gradient": with_tensor_grad,
    "with a gradient that was recorded": with_recorded_grad,
    "written": written,
    "stepped": stepped,
    "detached": lambda: parameter(ROOM).detach(),
    "detached result": lambda: (parameter(ROOM) * 2)[:, ::-1].detach(),
    "a view of a constant": lambda: mg.Tensor(ROOM)[:, ::-2].T,
    "stretched": lambda: np.broadcast_to(mg.Tensor([1.0, 2.0]), (3, 2)),
    "held constant": lambda: mg.stop_gradient(parameter(ROOM)),
    "not recorded": unrecorded,
    "of a class of its own": described,
    "of a class with slots": slotted,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", LEAVES)
def test_a_copied_leaf_is_a_new_leaf(kind, way):
    old = LEAVES[kind]()
    values, before = old.data.copy(), old.number
    new = WAYS[way](old)
    assert type(new) is type(old)
    assert new.number > before
    assert new.op is None
    assert (new.name, new.requires_grad) == (old.name, old.requires_grad)
    assert new.dtype == old.dtype
    assert not old.dtype.isnative or new.dtype is old.dtype
    np.testing.assert_array_equal(new.data, old.data)
    assert not np.shares_memory(new.data, old.data)
    new.assign(np.zeros(new.shape, new.dtype))
    np.testing.assert_array_equal(old.data, values)
    if old.requires_grad:
        np.sum(old * 2).backward()  # nothing that the old one is used for has been overwritten
    if isinstance(old, Named | Slotted):
        assert new.unit == ["metres"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["with a gradient", "with a tensor as gradient", "stepped"])
def test_the_gradient_is_copied(kind, way):
    old = LEAVES[kind]()
    kept = np.array(old.grad)
    new = WAYS[way](old)
    assert type(new.grad) is type(old.grad)
    assert not np.shares_memory(np.asarray(new.grad), np.asarray(old.grad))
    np.sum(new).backward()
    np.testing.assert_array_equal(np.asarray(new.grad), kept + 1)
    np.testing.assert_array_equal(np.asarray(old.grad), kept)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_a_copy_lies_in_memory_as_the_leaf_does(way, axes):
    old = parameter(ROOM.transpose(axes))
    assert WAYS[way](old).data.strides == old.data.strides


@pytest.mark.parametrize("way", WAYS)
def test_what_was_recorded_before_a_copy_still_tells_what_was_overwritten(way):
    w, x = parameter(3.0), parameter(2.0)
    y = w * x
    twin = WAYS[way](w)
    twin.assign(9.0)
    y.backward()
    assert (x.grad, twin.grad) == (3.0, None)
    w.assign(5.0)
    with pytest.raises(mg.errors.OverwrittenError):
        y.backward()


# --- a result is no leaf ----------------------------------------------------------------------


def long_chain():
    y = parameter(1.0)
    for _ in range(3000):
        y = y * 1.0
    return y


RESULTS = {
    "a product": lambda: parameter(2.0) * 3.0,
    "a view": lambda: parameter(ROOM)[0],
    "a copy in the graph": lambda: parameter(ROOM).copy(),
    "3,000 ops": long_chain,
    "a checkpoint": lambda: mg.checkpoint(np.tanh)(parameter(1.0)),
    "a user's op": lambda: mg.linear(lambda x: x + x, lambda g, z, x: g + g)(parameter(1.0)),
}


class Holder:
    def __init__(self, held):
        self.held = held


class Keeping(mg.nn.Module):
    """A module that keeps what it computed last."""

    def __init__(self):
        self.layer = mg.nn.Linear(2, 2, rng=0)
        self.outputs = {}

    def forward(self, x):
        self.out = self.layer(x)
        self.outputs["all"] = [self.out, self.out.detach(), self.out.data]
        self.input = x
        return self.out


NESTED = {
    "alone": lambda y: y,
    "in a list": lambda y: [1, y],
    "in a dict": lambda y: {"a": {"b": (y, 2)}},
    "in an object": Holder,
    "in a function's arguments": lambda y: functools.partial(np.add, y),
    "beside leaves": lambda y: [parameter(1.0), y, parameter(2.0)],
}


@pytest.mark.parametrize("way", DEEP)
@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_refuses_to_be_copied(kind, nested, way):
    thing = NESTED[nested](RESULTS[kind]())
    with pytest.raises(LeavesGraphError, match=r"t\.detach\(\)"):
        DEEP[way](thing)


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_refuses_a_shallow_copy(kind):
    with pytest.raises(LeavesGraphError, match=r"t\.detach\(\)"):
        copy.copy(RESULTS[kind]())


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: mg.grad(f)(2.0),
        lambda f: mg.grad(mg.grad(f))(2.0),
        lambda f: mg.jvp(f, (2.0,), (1.0,)),
        lambda f: mg.hessian(f)(2.0),
        lambda f: mg.checkpoint(f)(parameter(2.0)),
        lambda f: mg.checkpoint(f)(parameter(2.0) * 1.0),
        lambda f: mg.vjp(f, mg.Tensor(2.0)),
        lambda f: mg.vjp(f, parameter(2.0)),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_an_argument_of_a_transform_refuses_to_be_copied(transform, way):
    with pytest.raises(LeavesGraphError, match=r"argument of a transform|result of"):
        transform(lambda x: x * WAYS[way](x))


def untouched(module):
    module(mg.Tensor([1.0, 2.0]))


def differentiated(module):
    mg.grad(lambda x: np.sum(module(x)))(np.ones(2))


def recorded(module):
    np.sum(module(mg.Tensor([1.0, 2.0])) ** 2).backward(create_graph=True)


@pytest.mark.parametrize("way", DEEP)
@pytest.mark.parametrize("call", [untouched, differentiated, recorded])
def test_a_module_that_keeps_results_is_copied_and_they_become_plain_data(call, way):
    module = Keeping()
    call(module)
    before = vars(module).copy()
    optimizer = mg.optim.SGD(module.parameters(), 0.1)
    twin, again = DEEP[way]((module, optimizer))
    assert vars(module) == before  # as it was, to the same objects
    assert module.outputs["all"][0] is module.out
    for new, old in ((twin.out, module.out), (twin.outputs["all"][0], module.out)):
        np.testing.assert_array_equal(new.data, old.data)
        assert not new.requires_grad
        assert not np.shares_memory(new.data, old.data)
    assert twin.outputs["all"][0] is twin.out
    assert [name for name, _ in twin.named_tensors()] == ["layer.weight", "layer.bias"]
    for p, q in zip(module.parameters(), twin.parameters(), strict=True):
        assert type(q.grad) is (np.ndarray if call is recorded else type(None))
        np.testing.assert_array_equal(q.data, p.data)
        if call is recorded:
            assert p.grad.requires_grad
            np.testing.assert_array_equal(q.grad, p.grad.data)
    assert again.parameters == twin.parameters()
    again.step()
    DEEP[way](twin)


def test_a_shallow_copy_of_a_module_keeps_the_very_results():
    module = Keeping()
    module(mg.Tensor([1.0, 2.0]))
    twin = copy.copy(module)
    assert type(twin) is Keeping
    assert vars(twin) == vars(module)
    twin.out = None
    assert module.out is not None


@pytest.mark.parametrize("way", DEEP)
def test_a_module_in_a_structure_that_holds_itself_is_copied(way):
    module = Keeping()
    module.loop = [module]
    module.loop.append(module.loop)
    module(mg.Tensor([1.0, 2.0]))
    twin = DEEP[way](module)
    assert twin.loop[0] is twin
    assert twin.loop[1] is twin.loop


# --- structures -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", DEEP)
def test_one_tensor_in_two_places_stays_one(way):
    w = parameter([1.0, 2.0])
    one, (other, third) = DEEP[way]([w, (w, w.detach())])
    assert one is other
    assert third is not one
    tied = mg.nn.Sequential(mg.nn.Linear(2, 2, rng=0), mg.nn.Linear(2, 2, rng=1))
    tied[1].weight = tied[0].weight
    again = DEEP[way](tied)
    assert again[1].weight is again[0].weight
    assert len(again.parameters()) == 3


@pytest.mark.parametrize("way", WAYS)
def test_numbers_never_collide(way):
    tensors = [parameter(float(i)) for i in range(5)]
    tensors += [WAYS[way](t) for t in tensors for _ in range(3)]
    tensors += [parameter(0.0)]
    assert len({t.number for t in tensors}) == len(tensors)


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_finds_a_parameter_and_its_copy(way):
    w = parameter(3.0)
    v = WAYS[way](w)
    x = parameter(2.0)
    mg.checkpoint(lambda x: x * w * v)(x).backward()
    assert (w.grad, v.grad, x.grad) == (6.0, 6.0, 9.0)


def test_a_fresh_process_takes_the_derivatives_of_what_it_loads():
    network = mg.nn.Sequential(mg.nn.Linear(2, 3, rng=0), np.tanh, mg.nn.Linear(3, 1, rng=1))
    code = """
import minigrad as mg, numpy as np
w, network = thing
f = lambda x: np.sum(network(x) ** 2)
x = np.array([0.3, -0.7])
checkpointed = mg.checkpoint(f)(mg.Tensor(x, requires_grad=True))
checkpointed.backward()
result = [
    mg.grad(lambda x: x * w)(3.0).data, mg.hessian(f)(x).data, mg.grad(f)(x).data,
    mg.jvp(f, (x,), (np.ones(2),))[1].data, *[p.grad for p in network.parameters()],
]
"""
    namespace = {"thing": (parameter(2.0), network)}
    found = elsewhere(code, namespace["thing"])
    exec(code, namespace)
    assert found[0] == 2.0
    assert np.count_nonzero(found[1]) == 4
    for here, there in zip(namespace["result"], found, strict=True):
        for one, other in zip(np.atleast_1d(here), np.atleast_1d(there), strict=True):
            np.testing.assert_array_equal(one, other)


# --- training ---------------------------------------------------------------------------------

OPTIMISERS = {
    "sgd": lambda p: mg.optim.SGD(p, 0.1),
    "decay": lambda p: mg.optim.SGD(p, 0.1, weight_decay=0.01),
    "momentum": lambda p: mg.optim.SGD(p, 0.05, momentum=0.9),
    "adam": lambda p: mg.optim.Adam(p, 0.01, weight_decay=0.01),
    "adamw": lambda p: mg.optim.AdamW(p, 0.01),
}


class Small(mg.nn.Module):
    """A network with a bit of everything that a network holds."""

    def __init__(self):
        dtype = np.float32
        self.layers = mg.nn.Sequential(
            mg.nn.Conv2d(1, 2, 3, rng=0, dtype=dtype),
            mg.relu,
            mg.nn.MaxPool(2),
            mg.nn.Flatten(),
            mg.nn.Dropout(0.25, rng=2),
            mg.nn.Linear(18, 3, rng=1, dtype=dtype),
        )
        self.scale = mg.Tensor(np.float32(0.5))

    def forward(self, x):
        return self.layers(x) * self.scale


def steps(network, optimiser, batches, number):
    """So many passes over the data; returns the bytes of everything that is trained."""
    for _ in range(number):
        for x, y in batches:
            optimiser.zero_grad()
            mg.cross_entropy(network(x), y).backward()
            optimiser.step()
    return [t.data.tobytes() for _, t in network.named_tensors()]


def training(optimiser):
    """A network, its optimiser and its batches, after a few steps."""
    rng = np.random.default_rng(3)
    images = rng.normal(size=(20, 1, 8, 8)).astype(np.float32)
    batches = mg.data.batches(images, rng.integers(0, 3, 20), size=8, shuffle=4)
    network = Small()
    trained = network, OPTIMISERS[optimiser](network.parameters()), batches
    steps(*trained, 2)
    return trained


@pytest.mark.parametrize("way", DEEP)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_copy_of_a_training_goes_on_to_the_last_bit(optimiser, way):
    trained = training(optimiser)
    before = [t.data.tobytes() for _, t in trained[0].named_tensors()]
    twin = DEEP[way](trained)
    wanted = steps(*trained, 2)
    assert [t.data.tobytes() for _, t in twin[0].named_tensors()] == before != wanted
    assert steps(*twin, 2) == wanted
    third = DEEP[way](DEEP[way](twin))
    assert steps(*third, 1) == steps(*twin, 1) == steps(*trained, 1)


def test_a_training_goes_on_in_another_process_to_the_last_bit():
    trained = {name: training(name) for name in OPTIMISERS}
    code = f"sys.path.insert(0, {__file__.rpartition('/')[0]!r})\nimport pickle, sys, test_copies\n"
    code += "result = {name: test_copies.steps(*t, 2) for name, t in pickle.loads(thing).items()}"
    found = elsewhere(code, pickle.dumps(trained))
    assert found == {name: steps(*t, 2) for name, t in trained.items()}


def test_a_learning_rate_set_on_a_copy_acts_there_and_nowhere_else():
    for make in OPTIMISERS.values():
        for way in WAYS.values():
            w = parameter([1.0, 2.0])
            optimiser = make([w])
            twin = way(optimiser)
            rate, twin.lr = optimiser.lr, 0.0001
            assert optimiser.lr == rate
            moved = []
            for one in (optimiser, twin):
                start = one.parameters[0].data.copy()
                one.parameters[0].grad = np.ones(2)
                one.step()
                moved.append(np.abs(one.parameters[0].data - start).max())
            assert moved[1] < moved[0] / 10


def test_a_shallow_copy_of_an_optimiser_has_the_same_parameters_and_memory_of_its_own():
    w = parameter([1.0])
    optimiser = mg.optim.SGD([w], 0.1, momentum=0.9)
    w.grad = np.ones(1)
    optimiser.step()
    twin = copy.copy(optimiser)
    assert twin.parameters[0] is w
    twin.step()
    np.testing.assert_array_equal(optimiser.velocity[0], [1.0])
    np.testing.assert_array_equal(twin.velocity[0], [1.9])


def test_every_public_function_can_be_a_layer_of_a_pickled_network():
    for name in {x for x in vars(mg) if not x.startswith("_")} | mg.PART_OF.keys():
        word = getattr(mg, name)
        if callable(word):
            assert pickle.loads(pickle.dumps(word)) is word
