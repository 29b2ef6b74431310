"""`checkpoint`: one node, the gradients of everything that the function touches, worked by hand."""

import collections
import inspect
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from copies import DEEP, WAYS

import minigrad as mg
from minigrad.errors import OverwrittenError, RuleError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


# --- what is closed over: each makes (y, {leaf: its gradient by hand}) at x = 2, w = 3 ----------


def a_leaf(x, w):
    return mg.checkpoint(lambda x: x * w * w)(x), (9.0, 12.0)  # x w^2


def a_result(x, w):
    h = w * w
    return mg.checkpoint(lambda x: x * h)(x), (9.0, 12.0)  # x w^2


def a_leaf_and_what_was_computed_from_it(x, w):
    h = w * w
    return mg.checkpoint(lambda x: x * w * h)(x), (27.0, 54.0)  # x w^3


def two_results_one_from_the_other(x, w):
    h = w * w
    k = h * w
    return mg.checkpoint(lambda x: k * x * h)(x), (243.0, 810.0)  # x w^5


def a_result_of_the_argument(x, w):
    h = x * w
    return mg.checkpoint(lambda x: x * h)(x), (12.0, 4.0)  # x^2 w


def what_is_used_inside_and_outside(x, w):
    h = w * w
    return mg.checkpoint(lambda x: x * h)(x) * h, (81.0, 216.0)  # x w^4


def only_what_is_closed_over(x, w):
    return mg.checkpoint(lambda v: v * w * w)(np.array(2.0)) + 0 * x, (0.0, 12.0)  # 2 w^2


def nothing_but_what_is_closed_over(x, w):
    return mg.checkpoint(lambda: x * w * w)(), (9.0, 12.0)


def one_inside_another(x, w):
    inner = mg.checkpoint(lambda x: x * w)
    return mg.checkpoint(lambda x: inner(x) * w)(x), (9.0, 12.0)


def the_same_tensor_twice(x, w):
    return mg.checkpoint(lambda a, b: a * b * w)(x, x), (12.0, 4.0)  # x^2 w


CLOSED = [
    a_leaf, a_result, a_leaf_and_what_was_computed_from_it, two_results_one_from_the_other,
    a_result_of_the_argument, what_is_used_inside_and_outside, only_what_is_closed_over,
    nothing_but_what_is_closed_over, one_inside_another, the_same_tensor_twice,
]  # fmt: skip


@pytest.mark.parametrize("make", CLOSED)
def test_what_is_closed_over_has_its_gradient(make):
    x, w = parameter(2.0), parameter(3.0)
    y, wanted = make(x, w)
    y.backward()
    assert (x.grad, w.grad) == wanted
    y.backward()  # again: it accumulates
    assert (x.grad, w.grad) == tuple(2 * g for g in wanted)


@pytest.mark.parametrize("make", CLOSED)
def test_the_transforms_agree(make):
    def f(x, w):
        return make(x, w)[0]

    wanted = make(parameter(2.0), parameter(3.0))[1]
    assert mg.grad(f, (0, 1))(2.0, 3.0) == wanted
    assert mg.jvp(f, (2.0, 3.0), (1.0, 10.0))[1] == wanted[0] + 10 * wanted[1]
    np.testing.assert_array_equal(mg.jacobian(f, (0, 1))(2.0, 3.0), wanted)


SECOND = {  # by hand: of x, of x and w, of w, at x = 2, w = 3
    a_leaf: (0, 6, 4),
    a_result: (0, 6, 4),
    a_leaf_and_what_was_computed_from_it: (0, 27, 36),
    two_results_one_from_the_other: (0, 405, 1080),
    a_result_of_the_argument: (6, 4, 0),
    one_inside_another: (0, 6, 4),
}


@pytest.mark.parametrize("make", SECOND)
def test_second_derivatives(make):
    xx, xw, ww = SECOND[make]
    found = mg.hessian(lambda x, w: make(x, w)[0], (0, 1))(2.0, 3.0)
    np.testing.assert_allclose(found, [[xx, xw], [xw, ww]], rtol=1e-14)
    x, w = parameter(2.0), parameter(3.0)
    make(x, w)[0].backward(create_graph=True)
    first, x.grad, w.grad = x.grad, None, None
    first.backward()
    np.testing.assert_allclose([0 if x.grad is None else x.grad, w.grad], [xx, xw], rtol=1e-14)


# --- what is kept -------------------------------------------------------------------------------


def test_it_is_one_node_and_what_is_inside_is_not_kept():
    calls = []

    def block(x):
        calls.append(x)
        return np.tanh(np.tanh(np.tanh(x)))

    x = parameter([0.5, 1.0])
    y = mg.checkpoint(block)(x)
    assert [t is x for t in y.inputs] == [True]
    assert y.op.name == "block"
    assert len(calls) == 1
    y.backward(np.ones(2))
    assert len(calls) == 2
    z = np.tanh(np.tanh(np.tanh(0.5)))
    slope = (1 - z**2) * (1 - np.tanh(np.tanh(0.5)) ** 2) * (1 - np.tanh(0.5) ** 2)
    assert x.grad[0] == pytest.approx(slope, rel=1e-14)


def test_all_inputs_share_one_replay_and_each_sweep_has_its_own():
    calls = []
    w = parameter(5.0)

    def block(x, y):
        calls.append(1)
        return x * y * w

    x, y = parameter(2.0), parameter(3.0)
    z = mg.checkpoint(block)(x, y)
    for sweeps in (1, 2, 3):
        z.backward(np.array(float(sweeps)))
        assert len(calls) == 1 + sweeps
    assert (x.grad, y.grad, w.grad) == (6 * 15.0, 6 * 10.0, 6 * 6.0)


def test_structures_keywords_and_other_arguments_are_passed_on():
    def block(parts, x, power, *, factor):
        return parts["w"] * x[0] ** power * factor + x[1]

    w, x = parameter(3.0), parameter(2.0)
    y = mg.checkpoint(block)({"w": w}, [x, np.array(7.0)], 3, factor=10)
    assert y.item() == 3 * 8 * 10 + 7
    y.backward()
    assert (w.grad, x.grad) == (80.0, 360.0)


# --- arrays, constants, no gradient -------------------------------------------------------------


def test_arrays_in_arrays_out():
    x = np.array([0.5, -1.0])
    found = mg.checkpoint(np.tanh)(x)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, np.tanh(x))
    assert mg.checkpoint(lambda x: x * 2)(1.5) == 3.0


def test_what_requires_no_gradient_is_not_recorded():
    y = mg.checkpoint(lambda x: x * x)(mg.Tensor(3.0))
    assert (y.item(), y.requires_grad, y.op) == (9.0, False, None)
    with mg.no_grad():
        y = mg.checkpoint(lambda x: x * x)(parameter(3.0))
    assert (y.item(), y.requires_grad, y.op) == (9.0, False, None)


@pytest.mark.parametrize(
    "f", [lambda x: mg.stop_gradient(x), lambda x: mg.Tensor(2.0), mg.no_grad()(lambda x: x * x)]
)
def test_a_result_without_gradient_has_none(f):
    x = parameter(3.0)
    y = mg.checkpoint(f)(x)
    assert not y.requires_grad
    (y * x).backward()
    assert x.grad == y.item()


def test_nan_values_are_the_same_when_they_come_again():
    x = parameter([-1.0, 4.0])
    with np.errstate(invalid="ignore"):
        y = mg.checkpoint(np.sqrt)(x)
        y.backward(np.ones(2))
    assert np.isnan(y.data[0])
    np.testing.assert_array_equal(x.grad, [np.nan, 0.25])


# --- what is refused ----------------------------------------------------------------------------


def test_a_function_that_gives_other_values_again_is_found_out():
    values = iter([1.0, 1.0 + 1e-15, 1.0])
    x = parameter(3.0)
    y = mg.checkpoint(lambda x: x * next(values))(x)
    with pytest.raises(RuleError, match="other values when it was called again"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("returned", [None, 3.0, (1.0, 2.0)])
def test_it_returns_one_tensor(returned):
    with pytest.raises(TypeError, match="must return one tensor; got"):
        mg.checkpoint(lambda x: returned)(parameter(1.0))


OVERWRITTEN = {
    "its argument": lambda x, w, view: x.assign(9.0),
    "a leaf that it closes over": lambda x, w, view: w.assign(9.0),
    "a leaf that it returns a view of": lambda x, w, view: view.assign(9.0),
}


@pytest.mark.parametrize("name", OVERWRITTEN)
def test_what_was_overwritten_before_the_second_call_is_told(name):
    x, w, view = parameter(2.0), parameter(3.0), parameter(4.0)
    y = mg.checkpoint(lambda x: x * w)(x)
    shown = mg.checkpoint(lambda v: np.reshape(v, (1,)))(view)
    loss = np.sum(y * shown * shown)
    OVERWRITTEN[name](x, w, view)
    with pytest.raises((OverwrittenError, RuleError)):
        loss.backward()
    assert [t.grad for t in (x, w, view)] == [None] * 3


def test_a_view_that_it_returns_knows_whose_memory_it_is():
    view = parameter([4.0, 5.0])
    shown = mg.checkpoint(lambda v: v[1:])(view)
    loss = np.sum(shown**2)
    loss.backward()
    np.testing.assert_array_equal(view.grad, [0.0, 10.0])
    view.assign([1.0, 2.0])
    with pytest.raises(OverwrittenError):
        loss.backward()


# --- it is as good as what it is made of --------------------------------------------------------


@mg.checkpoint
def square_plus_one(x):
    """x squared, and 1."""
    return x * x + 1


class Recomputed(mg.nn.Module):
    """A module that keeps a checkpoint of a part of it."""

    def __init__(self, wrap=mg.checkpoint):
        self.block = mg.nn.Linear(2, 2, rng=0)
        self.again = wrap(self.block)

    def forward(self, x):
        return self.again(x)


class WithMethods(mg.nn.Module):
    def __init__(self):
        self.weight = parameter([2.0, 3.0])

    @mg.checkpoint
    def forward(self, x):
        """x by weight."""
        return self.weight * x

    @mg.checkpoint
    @staticmethod
    def of_nobody(x):
        return x * 2

    @mg.checkpoint
    @classmethod
    def of_class(cls, x):
        return x * len(cls.__name__)


WRAPPERS = {
    "checkpoint": mg.checkpoint,
    "twice": lambda m: mg.checkpoint(mg.checkpoint(m)),
    "of its method": lambda m: mg.checkpoint(m.forward),
    "scope": mg.scope("part"),
    "threads": mg.threads(2),
    "both": lambda m: mg.checkpoint(mg.sources()(m)),
}


@pytest.mark.parametrize("kind", WRAPPERS)
@pytest.mark.parametrize("way", DEEP)
def test_a_copy_of_a_module_with_a_wrapped_part_trains_itself(kind, way):
    if kind in ("scope", "threads", "both") and way != "deepcopy":
        pytest.skip("the block of a decorator is not pickled")
    old = Recomputed(WRAPPERS[kind])
    new = DEEP[way](old)
    np.sum(new(np.ones((1, 2)))).backward()
    assert [p.grad is None for p in old.parameters()] == [True, True]
    assert [p.grad is None for p in new.parameters()] == [False, False]


@pytest.mark.parametrize("kind", [kind for kind in WRAPPERS if kind != "of its method"])
def test_the_parameters_of_a_wrapped_module_are_found_by_the_names_it_would_have(kind, tmp_path):
    def network(wrap):
        return mg.nn.Sequential(mg.nn.Linear(2, 2, rng=0), wrap(mg.nn.Linear(2, 2, rng=1)))

    plain, wrapped = network(lambda m: m), network(WRAPPERS[kind])
    names = [name for name, _ in plain.named_parameters()]
    assert [name for name, _ in wrapped.named_parameters()] == names
    plain.parameters()[2].assign(np.ones((2, 2)))
    mg.save(tmp_path / "plain.npz", plain)
    mg.load(tmp_path / "plain.npz", wrapped)
    np.testing.assert_array_equal(wrapped.parameters()[2].data, 1.0)
    assert not wrapped.eval().parameters()[2].grad
    assert wrapped[1].__wrapped__ is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "f", [mg.relu, np.tanh, square_plus_one, mg.checkpoint(square_plus_one)], ids=str
)
def test_it_is_copied_as_its_function_is(f, way):
    network = mg.nn.Sequential(mg.checkpoint(f), f)
    x, y = parameter([0.5, -2.0]), parameter([0.5, -2.0])
    np.sum(WAYS[way](network)(x)).backward()
    np.sum(network(y)).backward()
    np.testing.assert_array_equal(x.grad, y.grad)


def test_a_decorated_function_is_copied_by_its_name():
    for way in WAYS.values():
        assert way(square_plus_one) is square_plus_one
    assert (square_plus_one.__name__, square_plus_one.__doc__) == (
        "square_plus_one",
        "x squared, and 1.",
    )
    assert list(inspect.signature(square_plus_one).parameters) == ["x"]


@pytest.mark.parametrize("way", WAYS)
def test_it_decorates_methods_of_every_kind(way):
    module = WAYS[way](WithMethods())
    x = parameter([5.0, 7.0])
    y = module(x)
    assert y.op.name == "forward"
    np.sum(y + module.of_nobody(x) + WithMethods.of_nobody(x) + module.of_class(x)).backward()
    np.testing.assert_array_equal(x.grad, [2.0 + 4 + 11, 3.0 + 4 + 11])
    np.testing.assert_array_equal(module.weight.grad, [5.0, 7.0])
    bound = pickle.loads(pickle.dumps(module.forward))
    np.testing.assert_array_equal(bound(x).data, y.data)
    assert module.forward.__doc__ == "x by weight."


# --- settings that are objects ------------------------------------------------------------------


class Slotted:
    __slots__ = ("k",)


def slotted(k):
    thing = Slotted()
    thing.k = k
    return thing


def looped(k):
    thing = SimpleNamespace(k=k)
    thing.thing = [thing]
    return thing


OBJECTS = {  # what makes one, and how to change it
    "an attribute": (lambda: SimpleNamespace(k=2.0), lambda c: setattr(c, "k", 10.0)),
    "an array inside": (lambda: SimpleNamespace(k=np.ones(2)), lambda c: c.k.__iadd__(1)),
    "a tensor inside": (lambda: SimpleNamespace(k=mg.Tensor(2.0)), lambda c: c.k.assign(10.0)),
    "a set": (lambda: {2.0, "a", (1, 2)}, lambda c: c.add(10.0)),
    "a set of texts": (lambda: set("abcdefg"), lambda c: c.remove("c")),
    "a slot": (lambda: slotted(2.0), lambda c: setattr(c, "k", 10.0)),
    "a queue": (lambda: collections.deque([2.0]), lambda c: c.append(10.0)),
    "a generator": (lambda: np.random.default_rng(0), lambda c: c.random()),
    "itself inside": (lambda: looped(2.0), lambda c: setattr(c, "k", 10.0)),
    "bytes": (lambda: bytearray(b"a"), lambda c: c.append(1)),
}
SCALED = mg.linear(lambda x, *, c: x * 2, lambda g, z, x, *, c: g * 2, name="scaled")


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_among_the_settings_that_has_changed_is_noticed(name):
    make, change = OBJECTS[name]
    c, w = make(), parameter(0.0)
    block = mg.checkpoint(lambda x: SCALED(x, c=c) * w)
    y = block(parameter(3.0))
    y.backward()
    assert w.grad == 6.0
    change(c)
    with pytest.raises((RuleError, OverwrittenError)):
        y.backward()


@pytest.mark.parametrize("name", [*OBJECTS, "a function"])
def test_an_object_that_is_made_anew_alike_is_the_same(name):
    make = OBJECTS[name][0] if name in OBJECTS else lambda: lambda: 3
    w = parameter(0.0)
    y = mg.checkpoint(lambda x: SCALED(x, c=make()) * w)(parameter(3.0))
    y.backward()
    assert w.grad == 6.0


def test_a_set_that_was_filled_in_another_order_is_the_same():
    orders = iter([[0, 8], [8, 0]])
    assert [list(set(order)) for order in ([0, 8], [8, 0])] == [[0, 8], [8, 0]]
    w = parameter(0.0)
    y = mg.checkpoint(lambda x: SCALED(x, c=set(next(orders))) * w)(parameter(3.0))
    y.backward()
    assert w.grad == 6.0
