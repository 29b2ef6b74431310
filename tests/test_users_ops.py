"""Ops of users' functions: what their values may be, their partials, and how they are written."""

import functools
import operator
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientTypeError, RuleError, ShapeError

# --- values


def parameter(values):
    return mg.Tensor(values, requires_grad=True)


NOT_FLOATS = {
    "int8": lambda x: np.round(x * 4).astype(np.int8),
    "int64": lambda x: np.round(x).astype(int),
    "uint8": lambda x: (x > 0).astype(np.uint8),
    "bool": lambda x: x > 0,
    "an integer": lambda x: 3,
    "numbers in a list": lambda x: [1, 2],
}
NO_REAL_ARRAY = {
    "complex": lambda x: x * 1j,
    "a complex number": lambda x: 1j,
    "None": lambda x: None,
    "text": lambda x: "a",
    "objects": lambda x: x.astype(object),
    "masked": lambda x: np.ma.masked_array(x, x > 1),
    "of a class of its own": lambda x: x.view(np.recarray),
    "a date": lambda x: np.datetime64("2020-01-01"),
}
STATED = {
    "elementwise": lambda value: mg.elementwise(
        value, lambda z, x: np.full_like(x, 4.0), name="quantized"
    ),
    "linear": lambda value: mg.linear(value, lambda g, z, x: 4.0 * g, name="quantized"),
    "with a setting": lambda value: mg.general(
        lambda x, *, n=1: value(x), lambda g, z, x, *, n: 4.0 * g, name="quantized"
    ),
    "two arrays": lambda value: reached_with_two(
        mg.general(lambda x, y: value(x), lambda g, z, x, y: g, None, name="quantized")
    ),
}


def reached_with_two(op):
    return lambda x: op(x, 1.0)


@pytest.mark.parametrize("stated", STATED)
@pytest.mark.parametrize("name", NOT_FLOATS | NO_REAL_ARRAY)
def test_what_is_recorded_is_floating(name, stated):
    op = STATED[stated]((NOT_FLOATS | NO_REAL_ARRAY)[name])
    with pytest.raises(GradientTypeError, match="the value function of quantized returned"):
        op(parameter([1.0, 2.0]))


@pytest.mark.parametrize("name", NOT_FLOATS)
def test_where_nothing_is_recorded_integers_are_well(name):
    op = STATED["linear"](NOT_FLOATS[name])
    assert op(mg.Tensor([1.0, 2.0])).dtype.kind in "biu"
    with mg.no_grad():
        assert op(parameter([1.0, 2.0])).dtype.kind in "biu"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_every_size_are_well(dtype):
    x = parameter([1.0, 2.0])
    op = mg.elementwise(lambda x: np.round(x).astype(dtype), lambda z, x: 1.5 * np.ones_like(x))
    op(x).backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [1.5, 1.5])


# --- partials


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (3, 1), (3, 3)])
@pytest.mark.parametrize("arrays", [1, 2])
def test_a_partial_of_another_shape_is_refused(arrays, shape, create_graph):
    rules = [lambda z, *x: np.ones(shape)] * arrays
    one, two = (lambda x: x * 1.0), (lambda x, y: x * 1.0 + y)
    op = mg.elementwise(two if arrays == 2 else one, *rules, name="op")
    x = parameter(np.ones(3))
    with pytest.raises(RuleError, match="must have the shape of the result"):
        op(*[x] * arrays).backward(np.ones(3), create_graph=create_graph)
    assert x.grad is None


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1)])
def test_a_partial_that_broadcasts_to_the_result_is_well(shape):
    op = mg.elementwise(
        lambda x, y: x + y, lambda z, x, y: np.full(shape, 2.0), lambda z, x, y: 3.0, name="op"
    )
    x, y = parameter(np.ones(3)), parameter(np.ones((2, 1)))
    op(x, y).backward(np.ones((2, 3)))
    np.testing.assert_array_equal(x.grad, [4.0, 4.0, 4.0])
    np.testing.assert_array_equal(y.grad, [[9.0], [9.0]])


# --- functions that are written in other ways


def passed_on(f):
    """A decorator that hides the names of the arguments."""

    def call(*args, **kwargs):
        return f(*args, **kwargs)

    return call


def passed_on_by_name(f):
    return functools.wraps(f)(passed_on(f))


class Cube:
    """A value function that is an object."""

    def __call__(self, x):
        return x**3


class Cubes(Cube):
    """Seen as a function of any number of arrays."""

    def __call__(self, *arrays):
        return arrays[0] ** 3


def cube(x):
    return x**3


def cube_by_setting(x, n=3):
    return x**n


WRITTEN = {
    "vectorize": np.vectorize(cube),
    "decorated": passed_on(cube),
    "decorated, with its name": passed_on_by_name(cube),
    "decorated twice": passed_on(passed_on_by_name(cube)),
    "with a setting, decorated": passed_on_by_name(cube_by_setting),
    "partial": functools.partial(cube_by_setting, n=3),
    "an object": Cube(),
    "an object of many": Cubes(),
    "a method": Cube().__call__,
    "composed": lambda *arrays: functools.reduce(operator.mul, arrays * 3),
}


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("how", WRITTEN)
def test_a_value_function_of_every_form_has_its_rule(how, named):
    settings = {"name": "cube"} if named else {}
    op = mg.elementwise(WRITTEN[how], lambda z, x, **n: 3 * x**2, **settings)
    assert not named or op.op.name == "cube"
    assert op.op.name
    x = parameter([1.0, 2.0])
    op(x).backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [3.0, 12.0])
    np.testing.assert_array_equal(mg.jvp(op, (x.data,), (np.ones(2),))[1], [3.0, 12.0])


def test_a_decorated_function_takes_its_settings():
    op = mg.general(
        passed_on_by_name(cube_by_setting), lambda g, z, x, n: g * n * x ** (n - 1), name="power"
    )
    for call in (lambda x: op(x, 2), lambda x: op(x, n=2)):
        assert mg.grad(call)(3.0) == 6.0
    assert mg.grad(op)(3.0) == 27.0


def test_a_function_of_many_has_as_many_arrays_as_rules():
    op = mg.general(
        passed_on(lambda x, y: x * y), lambda g, z, x, y: g * y, lambda g, z, x, y: g * x, name="op"
    )
    assert mg.grad(op, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        op(parameter(1.0), 2.0, 3.0)


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, z, *x, argument: g * np.prod([y for i, y in enumerate(x) if i != argument]),
        lambda g, z, *x, **told: g * np.prod([y for i, y in enumerate(x) if i != told["argument"]]),
    ],
)
def test_a_rule_that_is_told_the_argument_is_for_any_number(rule):
    op = mg.general(lambda *x: np.prod(x), rule, name="op")
    assert mg.grad(op, (0, 1, 2))(2.0, 3.0, 5.0) == (15.0, 10.0, 6.0)


# --- what backward adds to, and records


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("shape", [(3, 2), (1,), (2, 1), (1, 2), (3,)])
@pytest.mark.parametrize("kind", [np.ones, lambda shape: mg.Tensor(np.ones(shape))])
def test_a_grad_of_another_shape_is_not_added_to(kind, shape, create_graph):
    w, v = parameter([1.0, 2.0]), parameter([1.0, 2.0])
    w.grad = given = kind(shape)
    with pytest.raises(ShapeError, match="nothing can be added to it"):
        (v * w).backward(np.ones(2), create_graph=create_graph)
    assert w.grad is given
    assert v.grad is None


@pytest.mark.parametrize("given", [0.0, np.zeros(2), mg.Tensor([0.0, 0.0])])
def test_a_grad_that_fits_is_added_to(given):
    w = parameter([1.0, 2.0])
    w.grad = given
    (w * w).backward(np.ones(2))
    np.testing.assert_array_equal(getattr(w.grad, "data", w.grad), [2.0, 4.0])


def test_create_graph_records_under_no_grad():
    x, w = parameter(3.0), parameter(2.0)
    y = x**3 * w
    with mg.no_grad():
        y.backward(create_graph=True)
        assert not (x * x).requires_grad
    first = x.grad
    x.grad = w.grad = None
    first.backward()
    assert x.grad == 36.0
    assert w.grad == 27.0


# --- nested data


@pytest.mark.parametrize(
    "tree",
    [
        Counter(a=2.0, b=3.0),
        defaultdict(float, a=2.0, b=3.0),
        OrderedDict(b=3.0, a=2.0),
        {"a": 2.0, "b": 3.0},
    ],
    ids=lambda tree: type(tree).__name__,
)
def test_dicts_of_every_kind_come_back_as_they_are(tree):
    found = mg.grad(lambda t: t["a"] ** 2 * t["b"])(tree)
    assert type(found) is type(tree)
    assert list(found) == list(tree)
    assert dict(found) == {"a": 12.0, "b": 4.0}
    assert tree == type(tree)(tree) if not isinstance(tree, defaultdict) else tree["none"] == 0.0
    if isinstance(tree, defaultdict):
        assert found["none"] == 0.0


@pytest.mark.parametrize("size", [2, 2_000])
@pytest.mark.parametrize("place", range(3))
def test_a_rule_that_writes_past_the_flag_writes_to_a_copy(place, size):
    """`np.add.at` does not ask whether an array may be written."""

    def rule(*given):
        np.add.at(given[place], 0, 100.0)
        return 2.0 * np.ones(size)

    op = mg.general(lambda x: 2 * x, rule, name="op")
    x, g = parameter(np.ones(size)), np.full(size, 3.0)
    y = op(x)
    y.backward(g)
    np.testing.assert_array_equal(x.data, 1.0)
    np.testing.assert_array_equal(y.data, 2.0)
    np.testing.assert_array_equal(g, 3.0)
