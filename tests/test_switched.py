"""Leaves frozen and unfrozen between recording and backward: what was recorded stays as it was."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.node import SWITCHES
from minigrad.errors import GraphError


def parameter(values):
    return mg.Tensor(values, requires_grad=True)


def scaled(x, c):
    """A rule of the general way: it has settings."""
    return np.sum(mg.stack([x * c]), axis=0)


USES = {  # scalar functions of x and c, each of derivative c in x, and 5 x in c or a part of it
    "a product": lambda x, c: x * c,
    "a product from the right": lambda x, c: c * x,
    "a sum of both": lambda x, c: x * c + c,
    "a function of one": lambda x, c: x * np.exp(np.log(c)),
    "twice the same": lambda x, c: x * c * c / 2,
    "a view of it": lambda x, c: x * c.reshape(1)[0],
    "an op with settings": scaled,
    "many arrays": lambda x, c: np.sum(mg.stack([x * 2, c]) * mg.stack([c / 2, x * 0])),
    "a matrix product": lambda x, c: (x.reshape(1, 1) @ c.reshape(1, 1)).sum(),
    "inside checkpoint": lambda x, c: mg.checkpoint(lambda v: v * c)(x),
    "computed inside checkpoint": lambda x, c: mg.checkpoint(lambda v: v * (c * 2) / 2)(x),
    "beside checkpoint": lambda x, c: mg.checkpoint(lambda v, k: v * k)(x, c),
    "a maximum": lambda x, c: np.maximum(x * c, -c),
}
KINDS = {
    "a constant": lambda: mg.Tensor(2.0),
    "a frozen leaf": lambda: frozen(parameter(2.0)),
    "a detached view": lambda: parameter(2.0).detach(),
    "what stop_gradient gives": lambda: mg.stop_gradient(parameter(2.0)),
}


def frozen(x):
    x.requires_grad = False
    return x


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", USES)
def test_a_leaf_unfrozen_since_has_no_gradient(use, kind, create_graph):
    x, c = parameter(3.0), KINDS[kind]()
    y = USES[use](x, c)
    wanted = parameter(3.0)
    USES[use](wanted, mg.Tensor(2.0)).backward()
    c.requires_grad = True
    y.backward(create_graph=create_graph)
    assert c.grad is None
    np.testing.assert_allclose(x.grad if not create_graph else x.grad.data, wanted.grad)
    USES[use](x, c).backward()
    assert c.grad is not None  # what is recorded from now on


@pytest.mark.parametrize("use", USES)
def test_a_leaf_frozen_and_unfrozen_since_has_its_gradient(use):
    x, c = parameter(3.0), parameter(2.0)
    USES[use](x, c).backward()
    wanted = [x.grad, c.grad]
    x.grad = c.grad = None
    y = USES[use](x, c)
    for _ in range(3):
        c.requires_grad = False
        c.requires_grad = True
    y.backward()
    np.testing.assert_array_equal([x.grad, c.grad], wanted)


@pytest.mark.parametrize("use", [use for use in USES if use != "computed inside checkpoint"])
def test_a_leaf_frozen_since_has_no_gradient(use):
    x, c = parameter(3.0), parameter(2.0)
    y = USES[use](x, c)
    c.requires_grad = False
    y.backward()
    assert c.grad is None
    assert x.grad is not None


def test_a_tensor_frozen_since_that_a_checkpointed_function_computes_with_is_told():
    x, c = parameter(3.0), parameter(2.0)
    y = USES["computed inside checkpoint"](x, c)
    c.requires_grad = False
    with pytest.raises(GraphError, match="frozen since"):
        y.backward()


@pytest.mark.parametrize("use", USES)
def test_transforms_do_not_follow_what_was_unfrozen_since(use):
    c = mg.Tensor(2.0)
    _, pullback = mg.vjp(lambda x: USES[use](x, c), 3.0)
    (before,) = pullback()
    c.requires_grad = True
    (after,) = pullback()
    assert type(after) is type(before)
    assert after == before


def test_two_networks_trained_in_turn():
    """As a generator and a discriminator are: the one is frozen while the other's loss is made."""
    rng = np.random.default_rng(0)
    first, second = mg.nn.Linear(3, 3, rng=rng), mg.nn.Linear(3, 1, rng=rng)
    x = rng.normal(size=(4, 3))
    for one, other in [(first, second), (second, first)] * 2:
        for p in other.parameters():
            p.requires_grad = False
        loss = np.mean(np.tanh(second(np.tanh(first(x)))))
        for p in [second.weight, second.bias, first.weight, first.bias]:
            p.requires_grad = True
        loss.backward()
        assert all(p.grad is None for p in other.parameters())
        assert all(p.grad is not None for p in one.parameters())
        for p in one.parameters():
            p.grad = None


def test_what_was_switched_more_often_than_is_remembered_is_told():
    x, c = parameter(3.0), parameter(2.0)
    y = x * c
    for i in range(SWITCHES):
        c.requires_grad = i % 2 == 1
    y.backward()
    assert c.grad == 3.0
    for i in range(SWITCHES):
        c.requires_grad = i % 2 == 1
    with pytest.raises(GraphError, match="Compute the result again"):
        y.backward()
    assert x.grad == 2.0
