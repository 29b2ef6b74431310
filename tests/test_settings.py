"""Settings are values of the moment of the call: copied in one place, whatever they hold."""

import random
from collections import Counter, OrderedDict, defaultdict, namedtuple
from io import StringIO
from threading import Lock
from types import MappingProxyType

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientTypeError, LeavesGraphError, ReadOnlyError

Pair = namedtuple("Pair", "first second")


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


class Kept:
    """An object with a state, as a user may give one to an op of theirs."""

    def __init__(self, array):
        self.array = array


def factor(path):
    """An op that multiplies by what `path` finds in its setting; the rule reads it again."""
    return mg.general(
        lambda x, *, held: x * path(held),
        lambda g, z, x, *, held: g * path(held),
        name="scaled",
    )


A = np.array([2.0, 3.0])
HOLDERS = {  # what is given, how the factor is found in it, and how it is changed
    "an array": (lambda: A.copy(), lambda h: h, lambda h: h.fill(9)),
    "an array of rank 0": (lambda: np.array(2.0), lambda h: h, lambda h: h.fill(9)),
    "a view of one": (lambda: np.stack([A, A]), lambda h: h[0], lambda h: h[:1].fill(9)),
    "a tensor": (lambda: mg.Tensor(A), lambda h: h, lambda h: h.assign(A + 7)),
    "a list": (lambda: [2.0, 3.0], np.asarray, lambda h: h.__setitem__(0, 9.0)),
    "a list that grows": (lambda: [2.0], lambda h: sum(h), lambda h: h.append(9.0)),
    "a list in a tuple": (lambda: ([2.0],), lambda h: h[0][0], lambda h: h[0].clear()),
    "an array in a list": (lambda: [A.copy()], lambda h: h[0], lambda h: h[0].fill(9)),
    "a tensor in a list": (lambda: [mg.Tensor(A)], lambda h: h[0], lambda h: h[0].assign(A + 7)),
    "a dict": (lambda: {"a": A.copy()}, lambda h: h["a"], lambda h: h.clear()),
    "a dict of lists": (lambda: {"a": [2.0]}, lambda h: h["a"][0], lambda h: h["a"].clear()),
    "an ordered dict": (lambda: OrderedDict(a=A.copy()), lambda h: h["a"], lambda h: h.clear()),
    "a default dict": (
        lambda: defaultdict(float, a=2.0),
        lambda h: h["a"] + h["none"],
        lambda h: h.update(a=9.0, none=1.0),
    ),
    "a named tuple": (
        lambda: Pair(A.copy(), 1.0),
        lambda h: h.first * h.second,
        lambda h: h.first.fill(9),
    ),
    "a slice of arrays": (
        lambda: slice(np.array(0), np.array(2)),
        lambda h: np.arange(1.0, 9.0)[h],
        lambda h: h.start.fill(3),
    ),
    "a counter": (lambda: Counter(a=2), lambda h: h["a"], lambda h: h.clear()),
    "a set": (lambda: {2.0}, lambda h: sum(h), lambda h: h.add(9.0)),
    "a byte array": (lambda: bytearray(b"ab"), lambda h: h[0], lambda h: h.clear()),
    "an object": (lambda: Kept(A.copy()), lambda h: h.array, lambda h: h.array.fill(9)),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_a_setting_of_any_kind_is_that_of_the_call(name):
    make, path, change = HOLDERS[name]
    op = factor(path)

    def derivatives(changing):
        held, x = make(), parameter([1.0, 1.0])
        y = op(x, held=held)
        changing(held)
        y.backward([1.0, 10.0], create_graph=True)
        first = x.grad.data
        text = mg.draw(y, show=("value",)).text

        def f(x):
            z = op(x * x, held=held)
            changing(held)
            return z

        held = make()
        pushed = mg.jvp(f, (np.array([2.0, 3.0]),), (np.array([1.0, 2.0]),))[1]
        held = make()
        second = mg.hvp(lambda x: mg.sum(f(x)), (np.ones(2),), (np.array([1.0, 2.0]),))[0]
        return first, pushed, second, text

    untouched, changed = derivatives(lambda held: None), derivatives(change)
    for one, other in zip(untouched, changed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_random_generator_goes_on_and_the_rule_draws_what_the_value_drew():
    noise = mg.general(
        lambda x, *, rng: x * rng.random(x.shape),
        lambda g, z, x, *, rng: g * rng.random(x.shape),
        name="noise",
    )
    rng, twin = np.random.default_rng(0), np.random.default_rng(0)
    x = parameter([1.0, 1.0])
    y, z = noise(x, rng=rng), noise(x, rng=rng)
    np.testing.assert_array_equal([y.data, z.data], twin.random((2, 2)))
    y.backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad, y.data)


ONLY_ONCE = {
    "a generator": lambda: (i for i in (0, 1)),
    "an iterator": lambda: iter([0, 1]),
    "a map": lambda: map(int, "01"),
    "views of a dict": lambda: {0: 1}.values(),
    "keys of a dict": lambda: {0: 1, 1: 2}.keys(),
    "a view of bytes": lambda: memoryview(b"ab"),
    "a view of a dict": lambda: MappingProxyType({0: 1}),
    "a file": lambda: StringIO("0"),
    "a lock": Lock,
}
HIDDEN = [lambda s: s, lambda s: [s], lambda s: {"a": (s,)}]


@pytest.mark.parametrize("hide", HIDDEN, ids=["itself", "in a list", "nested"])
@pytest.mark.parametrize("name", ONLY_ONCE)
def test_what_cannot_be_copied_is_refused(name, hide):
    op = mg.general(lambda x, *, a: x * 1.0, lambda g, z, x, *, a: g, name="op")
    with pytest.raises(TypeError, match=r"^op: .*a tuple, a list or an array"):
        op(parameter(1.0), a=hide(ONLY_ONCE[name]()))
    op(mg.Tensor(1.0), a=hide(ONLY_ONCE[name]()))  # nothing is recorded


def test_axes_given_by_an_iterator_are_refused():
    with pytest.raises(TypeError, match="a tuple, a list or an array"):
        np.flip(parameter(np.ones((2, 2))), (i for i in (0, 1)))


@pytest.mark.parametrize("thing", [np.sin, len, lambda: 0, Kept, np.random, np.add, str.upper])
def test_functions_classes_and_modules_are_settings(thing):
    op = mg.general(
        lambda x, *, a: x * (a is thing), lambda g, z, x, *, a: g * (a is thing), name="op"
    )
    x = parameter(1.0)
    op(x, a=thing).backward()
    assert x.grad == 1.0


class Counts:
    """An object that is another one each time it is asked."""

    def __init__(self):
        self.number = 1.0

    def __call__(self):
        self.number += 1
        return self.number


USED_UP = {  # settings with a state, and how a rule draws a number from them
    "a generator": (lambda: np.random.default_rng(0), lambda a: a.random()),
    "an old generator": (lambda: np.random.RandomState(0), lambda a: a.random_sample()),
    "Python's generator": (lambda: random.Random(0), lambda a: a.random()),
    "a list": (lambda: [2.0, 3.0, 4.0], lambda a: a.pop()),
    "a list in a tuple": (lambda: ([2.0, 3.0, 4.0],), lambda a: a[0].pop()),
    "a dict": (lambda: {"a": 2.0, "b": 3.0}, lambda a: a.popitem()[1]),
    "a counter": (Counts, lambda a: a()),
    "an array in an object": (lambda: Kept(A.copy()), lambda a: a.array.cumsum(out=a.array)[1]),
}


@pytest.mark.parametrize("kind", [mg.linear, mg.general])
@pytest.mark.parametrize("name", USED_UP)
def test_a_rule_uses_up_a_copy_of_its_own(name, kind):
    make, draw = USED_UP[name]
    factor = draw(make())
    op = kind(
        lambda x, y, *, a: x * y * draw(a),
        lambda g, z, x, y, *, a: g * y * draw(a),
        lambda g, z, x, y, *, a: g * x * draw(a),
        name="op",
    )
    x, y = parameter(1.0), parameter(1.0)
    z = op(x, y, a=make())
    for times in (1, 2):
        z.backward()
        np.testing.assert_array_equal([x.grad, y.grad], times * factor)

    _, pullback = mg.vjp(lambda x, y: op(x, y, a=make()), 1.0, 1.0)
    for _ in range(2):
        np.testing.assert_array_equal(pullback(), [factor, factor])
    pushed = mg.jvp(lambda x, y: op(x, y, a=make()), (1.0, 1.0), (1.0, 1.0))[1]
    assert pushed == 2 * factor
    np.testing.assert_array_equal(
        mg.jacobian(lambda x: op(x, np.ones(2), a=make()))(np.ones(2)), factor * np.eye(2)
    )


@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("wrap", [np.array, mg.Tensor])
def test_numpy_may_write_to_a_setting_that_is_a_number(wrap, tracked):
    times = wrap(5)
    t = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=tracked)
    np.testing.assert_array_equal(np.rot90(t, times).data, np.rot90(t.data, 5))
    if tracked or wrap is mg.Tensor:
        assert int(times) == 5


@pytest.mark.parametrize(
    "hide", [lambda s: s, lambda s: [s], lambda s: {"a": s}, lambda s: [{1: s}]]
)
@pytest.mark.parametrize("array", [np.ma.masked_array([1.0], [True]), np.array([1j])])
def test_an_array_that_is_more_than_numbers_is_no_setting(array, hide):
    op = mg.general(lambda x, *, a: x * 1.0, lambda g, z, x, *, a: g, name="op")
    with pytest.raises(GradientTypeError):
        op(parameter(1.0), a=hide(array))


def test_an_op_cannot_write_into_its_settings():
    op = mg.general(lambda x, *, a: x * a.__iadd__(1), None, name="op")
    with pytest.raises(ReadOnlyError):
        op(parameter(1.0), a=np.array([2.0]))


@pytest.mark.parametrize(
    "hide",
    [lambda t: t, lambda t: [t], lambda t: (1, [t]), lambda t: {"a": (t,)}, lambda t: slice(t)],
    ids=["itself", "in a list", "nested", "in a dict", "in a slice"],
)
@pytest.mark.parametrize("x", [np.ones(2), mg.Tensor(np.ones(2)), parameter([1.0, 1.0])])
def test_a_tensor_that_requires_a_gradient_is_no_setting(hide, x):
    op = mg.general(lambda x, *, a: x, lambda g, z, x, *, a: g, name="op")
    with pytest.raises(LeavesGraphError, match="a= takes plain data"):
        op(x, a=hide(parameter(1.0)))


def test_defaults_are_copied_too():
    scale = np.array(2.0)

    def scaled(x, *, by=scale):
        return x * by

    op = mg.general(scaled, lambda g, z, x, *, by: g * by, name="scaled")
    x = parameter(1.0)
    y = op(x)
    scale.fill(9.0)
    y.backward()
    assert x.grad == 2.0


@pytest.mark.parametrize("by_name", [False, True])
def test_settings_by_position_and_by_name_are_the_same(by_name):
    def scaled(x, a, b):
        return x * a * b

    op = mg.general(scaled, lambda g, z, x, *, a, b: g * a * b, name="scaled")
    a, b, x = np.array(2.0), np.array(3.0), parameter(1.0)
    y = op(x, b=b, a=a) if by_name else op(x, a, b)
    a.fill(9.0)
    b.fill(9.0)
    y.backward()
    assert x.grad == 6.0


CONSTANTS = {  # arrays that take part without a gradient are copied as well
    "labels": lambda x, a: mg.cross_entropy(x, a.astype(int)),
    "the very labels": lambda x, a: mg.cross_entropy(x, a),
    "targets": mg.mse,
    "a mask": lambda x, a: np.where(a, x, x * x),
    "embedding": lambda x, a: mg.embedding(a, x),
    "a factor": lambda x, a: x * a,
    "an index": lambda x, a: x[a],
    "an index among others": lambda x, a: x[..., None, a],
    "einsum": lambda x, a: np.einsum("ij,jk->ik", x, a),
    "einsum with axes": lambda x, a: np.einsum(x, [0, 1], a, [1, 2]),
    "interp": lambda x, a: np.interp(x, a, [0.0, 1.0, 4.0]),
    "pad": lambda x, a: np.pad(x, a),
    "pad with numbers": lambda x, a: np.pad(x, 1, constant_values=a),
    "pad with ramps": lambda x, a: np.pad(x, 1, mode="linear_ramp", end_values=a),
    "tile": lambda x, a: np.tile(x, a),
    "repeat": lambda x, a: np.repeat(x, a, axis=1),
    "roll": lambda x, a: np.roll(x, a, axis=(0, 1)),
    "quantile": lambda x, a: np.quantile(x, a, axis=1),
    "average": lambda x, a: np.average(x, axis=1, weights=a),
    "select": lambda x, a: np.select([a, ~a], [x, x * x]),
    "take_along_axis": lambda x, a: np.take_along_axis(x, a, 1),
    "gradient": lambda x, a: np.gradient(x, a, axis=1),
    "clip": lambda x, a: np.clip(x, a, 5.0),
}
GIVEN = {
    "labels": [0.0, 2.0], "the very labels": [0, 2], "embedding": [0, 1, 0], "an index": [1, 0, 1],
    "targets": np.eye(2, 3), "a mask": np.eye(2, 3) > 0, "a factor": np.eye(2, 3),
    "an index among others": [2, 0], "einsum": np.eye(3), "einsum with axes": np.eye(3),
    "interp": [0.0, 3.0, 9.0], "pad": [[1, 0], [0, 2]], "pad with numbers": 3.0,
    "pad with ramps": 3.0, "tile": [2, 2], "repeat": [1, 2, 2], "roll": [1, 2],
    "quantile": [0.3, 0.6], "average": [1.0, 2.0, 3.0], "select": np.eye(2, 3) > 0,
    "take_along_axis": [[0], [2]], "gradient": [0.0, 1.0, 3.0], "clip": 2.5,
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANTS)
def test_arrays_that_steer_a_function_are_those_of_the_call(name):
    f, values = CONSTANTS[name], np.arange(1.0, 7.0).reshape(2, 3)

    def gradient(changing):
        x, a = parameter(values), np.array(GIVEN[name])
        y = f(x, a)
        if changing:
            a[...] = ~a if a.dtype == bool else 1
        mg.sum(y * y).backward()
        return x.grad

    np.testing.assert_array_equal(gradient(False), gradient(True))
