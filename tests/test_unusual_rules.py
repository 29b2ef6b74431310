"""Rules of every form that Python has: what they are given, and what they may do with it."""

from contextlib import suppress
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.broadcasting import one, ones, zeros
from minigrad.errors import RuleError
from minigrad.testing import case, check_op, reals

# --- many arrays, none, settings ----------------------------------------------------------------


def total(*arrays, weight=1.0):
    return weight * sum(arrays[1:], arrays[0])


def several_lines(g, z, x, y):
    """The vjp in steps."""
    scaled = g * y
    for _ in range(2):
        scaled = scaled * 2
    if x.ndim > 5:
        return 0 * scaled
    return scaled


class Steep:
    """A rule that is an object."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, g, z, x):
        return self.factor * g

    def rule(self, g, z, x):
        return self.factor * g


def nested(g, z, x):
    def inner():
        return 2 * x * g

    return inner()


def by_default(g, z, x, factor=3.0):
    return factor * g


SQUARE = [case((2, 3))]
TWO = [case((3,), (3,))]
FORMS = {
    "many arrays, told apart": mg.general(
        lambda *arrays: arrays[0] * arrays[1] * arrays[-1],
        lambda g, z, *arrays, argument: np.prod(
            mg.stack([g, *[x for i, x in enumerate(arrays) if i != argument]]), axis=0
        ),
        name="op",
        samples=[case((3,), (3,), (3,)), case((2,), (2,), (2,))],
    ),
    "many arrays, all alike": mg.linear(
        total,
        lambda g, z, *arrays, argument, weight: weight * g,
        name="op",
        samples=[case((3,)), case((3,), (3,)), case((2,), (2,), (2,), (2,), weight=-3.0)],
        jointly=True,
    ),
    "three arrays": mg.general(
        lambda x, y, w: x * y * w,
        lambda g, z, x, y, w: g * y * w,
        lambda g, z, x, y, w: g * x * w,
        lambda g, z, x, y, w: g * x * y,
        name="op",
        samples=[case((3,), (3,), (3,))],
    ),
    "three arrays, elementwise": mg.elementwise(
        lambda x, y, w: x * y + w,
        lambda z, x, y, w: y,
        lambda z, x, y, w: x,
        1,
        name="op",
        samples=reals,
    ),
    "no gradient for the first": mg.general(
        lambda mask, x: np.where(mask, x * x, x),
        None,
        lambda g, z, mask, x: np.where(mask, 2 * x * g, g),
        name="op",
        samples=[case(np.array([True, False, True]), (3,))],
    ),
    "no gradient for the last": mg.elementwise(
        lambda x, k: x**k, lambda z, x, k: k * x ** (k - 1), None, name="op",
        samples=[case((3,), np.array([1, 2, 3], "i1"))],
    ),
    "none, and a setting by name": mg.elementwise(
        lambda x, k, *, plus: x * k + plus, lambda z, x, k, *, plus: k, None, name="op",
        samples=[case((3,), np.array([1, 2, 3], "i1"), plus=4.0)],
    ),
    "a setting by name only": mg.elementwise(
        lambda x, *, power=2: x**power, lambda z, x, *, power: power * x ** (power - 1), name="op",
        samples=[case((3,)), case((3,), power=3)],
    ),
    "any settings": mg.elementwise(
        lambda x, **how: x * how.get("factor", 1.0),
        lambda z, x, **how: how.get("factor", 1.0) + 0 * x,
        name="op", samples=[case((3,)), case((3,), factor=5.0)],
    ),
    "a constant with a setting": mg.elementwise(
        lambda x, *, plus=0.0: plus - x, -1, name="op", samples=[case((3,), plus=2.0)]
    ),
    "any values": mg.elementwise(
        lambda x, y: x * y, lambda *values: values[2], lambda z, *values: values[0], name="op",
        samples=reals,
    ),
    "several lines": mg.general(
        lambda x, y: 4 * x * y, several_lines, lambda g, z, x, y: 4 * g * x, name="op", samples=TWO
    ),
    "an inner function": mg.general(lambda x: x * x, nested, name="op", samples=SQUARE),
    "a default of its own": mg.linear(lambda x: 3.0 * x, by_default, name="op", samples=SQUARE),
    "an object": mg.linear(lambda x: 3.0 * x, Steep(3.0), name="op", samples=SQUARE),
    "a method": mg.linear(lambda x: 3.0 * x, Steep(3.0).rule, name="op", samples=SQUARE),
    "a partial": mg.linear(
        lambda x: 5.0 * x, partial(by_default, factor=5.0), name="op", samples=SQUARE
    ),
    "its input, given back": mg.linear(lambda x: x, lambda g, z, x: g, name="op", samples=SQUARE),
    "a view of its cotangent": mg.linear(
        lambda x: x.T, lambda g, z, x: g.T, name="op", samples=SQUARE
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_rule_of_any_form_is_right_in_every_mode_and_order(name):
    assert check_op(FORMS[name])


def test_added_by_decorator_a_rule_is_the_next_arrays():
    @mg.general
    def product(x, y, *, factor=1.0):
        return factor * x * y

    @product.vjp
    def _(g, z, x, y, *, factor):
        return g * y * factor

    @product.vjp
    def _(g, z, x, y, *, factor):
        return g * x * factor

    assert check_op(product, [case((3,), (3,)), case((3,), (3,), factor=2.0)])
    assert mg.grad(product, (0, 1))(2.0, 3.0) == (3.0, 2.0)


# --- rules that write into what they are given --------------------------------------------------


def written(g, z, x):
    g *= 2
    return g


def out_of_place(g, z, x):
    return np.multiply(g, 2, out=g)


WRITING = {"in place": written, "out=": out_of_place}
ROOTS = {
    "of one number": lambda op, x: op(x),
    "of a vector of one": lambda op, x: op(mg.reshape(x, (1,))),
    "behind a sum": lambda op, x: mg.sum(op(x)),
    "behind a mean": lambda op, x: mg.mean(op(x)),
    "behind a sum of two": lambda op, x: mg.sum(op(x) + op(x)),
}


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("root", ROOTS)
def test_a_rule_that_writes_into_its_cotangent_spoils_no_later_gradient(name, root):
    op = mg.linear(lambda x: 2 * x, WRITING[name], name="op")
    x = mg.Tensor(3.0, requires_grad=True)
    with suppress(ValueError, TypeError):  # as what it was given is read-only
        ROOTS[root](op, x).backward()
        assert x.grad in (2.0, 4.0)  # unless it had the memory for itself
    for dtype in (np.float32, np.float64):
        for shape in ((), (1,), (1, 1), (3,), (3, 4)):
            t = mg.Tensor(np.full(shape, 3.0), requires_grad=True, dtype=dtype)
            mg.sum(t * 2).backward()
            np.testing.assert_array_equal(t.grad, np.full(shape, 2.0, dtype))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_arrays_that_are_kept_are_read_only(dtype):
    dtype = np.dtype(dtype)
    kept = [ones(4, dtype), one((), dtype), one((1, 1), dtype), zeros((2, 3), (24, 8), dtype)]
    assert [a.tolist() for a in kept] == [[1.0] * 4, 1.0, [[1.0]], [[0.0] * 3] * 2]
    for a in kept:
        assert a.dtype == dtype
        with pytest.raises(ValueError, match="read-only"):
            a[...] = 7
    assert one((), dtype) == 1
    assert not zeros((2, 3), (24, 8), dtype).any()


# --- rules that are stated wrongly --------------------------------------------------------------


@pytest.mark.parametrize("constant", [2, 0.5, "1", [1]])
def test_a_constant_partial_is_1_0_or_minus_1(constant):
    with pytest.raises(ValueError, match="a constant partial is 1, -1 or 0"):
        mg.elementwise(lambda x: x, constant)


@pytest.mark.parametrize("returned", [None, 3, (1.0,), "g"])
def test_what_is_no_array_is_an_error_that_names_the_rule(returned):
    op = mg.general(lambda x: 2 * x, lambda g, z, x: returned, name="op")
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuleError) as raised:
        mg.sum(op(x)).backward()
    assert raised.value.__notes__[0].startswith("in the rule of op((2,)) -> (2,)")
    assert x.grad is None
