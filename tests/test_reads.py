"""Which values a rule reads: told for a rule of any form; in doubt it reads everything."""

import builtins
import functools
import inspect
import sys
import types

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OverwrittenError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


class Rules:
    """A rule in every form that can be called; each reads x, its third argument."""

    scale = 1.0

    def method(self, g, z, x):
        return g * x * self.scale

    @classmethod
    def of_the_class(cls, g, z, x):
        return g * x * cls.scale

    @staticmethod
    def static(g, z, x):
        return g * x

    def __call__(self, g, z, x):
        return g * x


class Unhashable(Rules):
    __hash__ = None


def reading(g, z, x):
    return g * x


def forwarding(rule):
    @functools.wraps(rule)
    def wrapper(*args, **settings):
        return rule(*args, **settings)

    return wrapper


def forwarding_by_name(rule):
    @functools.wraps(rule)
    def wrapper(g, z, x):
        return rule(g, z, x)

    return wrapper


see_all, calculate = locals, eval


def by_closure(seer):
    return lambda g, z, x: g * seer()["x"]


def in_a_generator(g, z, x):
    return sum(g * part for part in (x,))


def in_an_inner_function(g, z, x):
    def inner():
        return g * x

    return inner()


def in_a_class(g, z, x):
    class Kept:
        value = x

    return g * Kept.value


def through_another_name(g, z, x):
    y = z if x is None else x
    return g * y


def swapped(g, z, x):
    z, x = x, z
    return g * z


def whatever(g, *values):
    return g * values[1]


def by_default(g, z, x, n=1, *, m=1):
    return g * (n * m * x)


READING = {
    "a function": reading,
    "a bound method": Rules().method,
    "a class method": Rules.of_the_class,
    "a class method of an object": Rules().of_the_class,
    "a static method": Rules.static,
    "an object that can be called": Rules(),
    "one that has no hash": Unhashable(),
    "a method of one": Unhashable().method,
    "partial": functools.partial(reading),
    "partial of a method": functools.partial(Rules().method),
    "partial with a first argument": functools.partial(lambda n, g, z, x: g * x * n, 1.0),
    "wrapped": forwarding(reading),
    "wrapped twice": forwarding(forwarding(reading)),
    "wrapped by name": forwarding_by_name(reading),
    "a cached one": functools.partial(functools.cache(lambda: reading)()),
    "locals": lambda g, z, x: g * locals()["x"],
    "vars": lambda g, z, x: g * vars()["x"],
    "eval": lambda g, z, x: g * eval("x"),
    "locals by another name": lambda g, z, x: g * see_all()["x"],
    "eval by another name": lambda g, z, x: g * calculate("x", None, see_all()),
    "locals of a module": lambda g, z, x: g * builtins.locals()["x"],
    "locals in a closure": by_closure(locals),
    "its frame": lambda g, z, x: g * sys._getframe().f_locals["x"],
    "its frame, inspected": lambda g, z, x: g * inspect.currentframe().f_locals["x"],
    "*values": whatever,
    "everything by position": lambda *values: values[0] * values[2],
    "defaults": by_default,
    "a generator": in_a_generator,
    "a comprehension": lambda g, z, x: sum(g * y for y in [x]),
    "an inner function": in_an_inner_function,
    "an inner lambda": lambda g, z, x: (lambda: g * x)(),
    "a class": in_a_class,
    "another name": through_another_name,
    "names exchanged": swapped,
    "a walrus": lambda g, z, x: g * (y := x) + 0 * y,
    "an f-string": lambda g, z, x: g * np.array([float(v) for v in f"{x[0]} {x[1]}".split()]),
    "an attribute that is no measure": lambda g, z, x: g * x.T,
    "a shape and a value": lambda g, z, x: g * x if x.shape else g,
    "keywords": lambda g, z, x, **settings: g * x,
}


@pytest.mark.parametrize("state", [mg.general, mg.linear])
@pytest.mark.parametrize("name", READING)
def test_a_rule_of_any_form_that_reads_its_input_is_seen_to(name, state):
    op = state(lambda x: x * x / 2, READING[name], name="half of the square")
    w = parameter([1.0, 2.0])
    op(w).backward([1.0, 1.0])
    np.testing.assert_array_equal(w.grad, [1.0, 2.0])
    y = op(w)
    w.assign([3.0, 4.0])
    with pytest.raises(OverwrittenError, match="half of the square"):
        y.backward([1.0, 1.0])


PARTIALS = {
    "a function": lambda z, x: 1.0 * x,
    "a bound method": types.MethodType(reading, 1.0),
    "partial": functools.partial(reading, 1.0),
    "locals": lambda z, x: 1.0 * locals()["x"],
    "wrapped": forwarding(lambda z, x: 1.0 * x),
    "an object that can be called": functools.partial(Unhashable(), 1.0),
}


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_derivative_of_any_form_is_seen_to_read(name):
    op = mg.elementwise(lambda x: x * x / 2, PARTIALS[name], name="half of the square")
    w = parameter([1.0, 2.0])
    y = op(w)
    w.assign([3.0, 4.0])
    with pytest.raises(OverwrittenError):
        y.backward([1.0, 1.0])
    with pytest.raises(OverwrittenError):
        mg.jvp(written_after(op), (np.ones(2),), (np.ones(2),))


def written_after(op):
    def f(x):
        y = op(x)
        x.assign([3.0, 4.0])
        return y

    return f


MEASURED = {
    "shape": lambda g, z, x: np.broadcast_to(g, x.shape),
    "size": lambda g, z, x: g * (1.0 if x.size else 0.0),
    "ndim and dtype": lambda g, z, x: g.astype(x.dtype) if x.ndim else g,
}


@pytest.mark.parametrize("name", MEASURED)
def test_shapes_and_dtypes_are_no_values(name):
    op = mg.general(lambda x: 1.0 * x, MEASURED[name], name="op")
    w = parameter([1.0, 2.0])
    y = op(w)
    w.assign([3.0, 4.0])
    y.backward([1.0, 1.0])
    np.testing.assert_array_equal(w.grad, [1.0, 1.0])


# --- what a rule names beside its arguments

around = mg.Tensor([3.0, 4.0], name="around")


def closing_over(t):
    return lambda g, z, x: g * t.data


def by_its_default(t):
    return lambda g, z, x, t=t: g * t.data


NAMING = {
    "a variable around it": closing_over,
    "its module": lambda t: lambda g, z, x: g * around.data,
    "its default": by_its_default,
}


@pytest.mark.parametrize("name", NAMING)
def test_a_rule_that_names_a_tensor_reads_it(name):
    around.assign([3.0, 4.0])
    op = mg.general(lambda x: x * around.data, NAMING[name](around), name="scaled")
    x = parameter([1.0, 1.0])
    y = op(x)
    y.backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])
    around.assign([5.0, 6.0])
    with pytest.raises(OverwrittenError, match="'around'"):
        y.backward([1.0, 1.0])


def test_a_linear_function_that_names_a_tensor_reads_it_in_forward_mode():
    w = mg.Tensor([3.0, 4.0], name="w")
    op = mg.linear(lambda x: x * w.data, lambda g, z, x: g * w.data, name="scaled")

    def f(x):
        y = op(x)
        w.assign([5.0, 6.0])
        return y

    with pytest.raises(OverwrittenError, match="'w'"):
        mg.jvp(f, (np.ones(2),), (np.ones(2),))
