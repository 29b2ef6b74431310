"""`why`: each way in which a gradient is lost has its reason, and says where."""

import inspect
import re

import numpy as np
import pytest

import minigrad as mg


def parameter(values, name=None):
    return mg.Tensor(np.asarray(values, float), requires_grad=True, name=name)


def line(offset=0):
    """This file and the line of the caller, as messages give them."""
    return f"test_why.py:{inspect.currentframe().f_back.f_lineno + offset}"


def test_a_gradient_that_is_there():
    w = parameter([3.0, 4.0])
    loss = np.sum(w * w)
    assert mg.why(w).reason == "no backward"
    loss.backward()
    found = mg.why(w)
    assert found.reason == "not zero"
    assert str(found) == "w gets a gradient from loss (its norm is 10)."
    assert repr(found) == found.text


def test_results_of_ops_keep_no_grad():
    w = parameter([3.0])
    h = w * 2.0
    loss = np.sum(h)
    loss.backward()
    assert h.grad is None
    assert "backward() writes only into leaves" in mg.why(h).text


def test_what_the_result_does_not_use_is_not_reached():
    w, v = parameter([1.0]), parameter([2.0])
    used_elsewhere = w * 3.0
    loss = np.sum(v * v)
    assert used_elsewhere.op is not None
    found = mg.why(w)
    assert found.reason == "not reached"
    assert "it was not computed from w" in found.text
    assert mg.why(w, used_elsewhere).reason == "no backward"
    assert loss.item() == 4.0


def test_no_result_in_sight():
    found = mg.why(parameter([1.0], "w"))
    assert found.reason == "not reached"
    assert "why(t, loss)" in found.text


def test_a_tensor_made_anew_is_suspected():
    w = parameter([1.0], "w")
    loss = np.sum(w * w)
    w = parameter([0.5], "w")
    assert "Another tensor called 'w' is in its graph" in mg.why(w, loss).text


def test_detached_and_where():
    w, v = parameter([1.0, 2.0]), parameter([2.0, 1.0])
    h = np.tanh(w)
    held = h.detach()
    place = line(-1)
    loss = np.sum(held * v)
    found = mg.why(w)
    assert found.reason == "detached"
    assert place in found.text
    assert "held" in found.text
    assert mg.why(held).reason == "detached"
    assert place in mg.why(held).text
    assert loss.op is not None


def test_detached_somewhere_on_the_way():
    w, v = parameter([1.0, 2.0]), parameter([2.0, 1.0])
    loss = np.sum(np.exp(mg.stop_gradient(w) * 2.0) * v)
    place = line(-1)
    found = mg.why(w, loss)
    assert found.reason == "detached"
    assert f"{place} took it out" in found.text
    assert "stop_gradient" in found.text


def test_a_cut_whose_past_is_not_in_sight_is_told_of():
    def cut(w):
        return np.tanh(w).detach()

    w, v = parameter([1.0]), parameter([2.0])
    loss = np.sum(cut(w) * v)
    found = mg.why(w, loss)
    assert found.reason == "not reached"
    assert "is not known: detach() at" in found.text


def test_no_grad_and_where():
    w, v = parameter([1.0, 2.0]), parameter([2.0, 1.0])
    with mg.no_grad():
        place = line(-1)
        z = w * 3.0
        h = mg.relu(z)
    loss = np.sum(h * v)
    found = mg.why(w, loss)
    assert found.reason == "no_grad"
    assert place in found.text
    assert mg.why(h).reason == "no_grad"
    assert place in mg.why(h).text
    assert mg.why(v, loss).reason == "no backward"


def test_integers_and_constants():
    table, ids, x = parameter(np.ones((3, 2))), mg.Tensor([0, 2]), mg.Tensor([1.0])
    loss = np.sum(table[ids])
    assert mg.why(ids).reason == "integer"
    assert "ids has no gradient: it is int64" in mg.why(ids).text
    assert mg.why(x).reason == "constant"
    assert mg.why(table).reason == "no backward"
    assert "2 of its 6 elements are zero" in mg.why(table, loss).text


def test_a_rule_that_is_none():
    ignoring = mg.general(lambda x, y: x + 0 * y, lambda g, z, x, y: g, None, name="ignoring")
    x, unused = parameter([1.0]), parameter([2.0])
    loss = np.sum(ignoring(x, np.exp(unused)))
    found = mg.why(unused, loss)
    assert found.reason == "no rule"
    assert "ignoring (#4) has no derivative in its input 'y'" in found.text


def test_a_dead_relu():
    x, w = mg.Tensor(np.ones((3, 2))), parameter(-np.ones((2, 4)))
    loss = np.sum(mg.relu(x @ w) * 2.0)
    loss.backward()
    found = mg.why(w)
    assert found.reason == "dead relu"
    assert "relu (#4) stops it: all 12 elements of x are <= 0 (the largest is -2)" in found.text


def test_units_that_are_dead():
    x, w = mg.Tensor(np.ones((3, 2))), parameter([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0]])
    loss = np.sum(mg.relu(x @ w))
    loss.backward()
    found = mg.why(w)
    assert found.reason == "partly zero"
    assert "2 of its 6 elements are zero" in found.text
    assert "relu (#4) has 1 of 3 units dead, <= 0 in every row (1)" in found.text


@pytest.mark.parametrize(
    "f",
    [
        lambda w: w * mg.Tensor(np.zeros(2), name="mask"),
        lambda w: mg.Tensor(np.zeros((1, 2)), name="mask") @ w,
        lambda w: np.exp(w) * mg.Tensor(np.zeros(2), name="mask") + 3.0,
        lambda w: np.einsum("i,i->i", w, mg.Tensor(np.zeros(2), name="mask")),
    ],
)
def test_a_factor_of_zero(f):
    w = parameter([1.0, 2.0])
    loss = np.sum(f(w))
    found = mg.why(w, loss)
    assert found.reason == "zero factor"
    assert "mask, is 0" in found.text


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (np.sign, "its derivative is 0 everywhere"),
        (np.floor, "its derivative is 0 everywhere"),
        (lambda w: np.tanh(w * 1e6), "tanh (#4) stops it: its derivative"),
        (lambda w: mg.sigmoid(w * 1e6), "sigmoid"),
    ],
)
def test_functions_that_are_flat(f, said):
    w = parameter([1.0, 2.0])
    loss = np.sum(f(w))
    found = mg.why(w, loss)
    assert found.reason == "flat"
    assert said in found.text


@pytest.mark.parametrize(
    "f",
    [
        lambda w: np.where(np.zeros(2, bool), w, 1.0),
        lambda w: np.maximum(w, 10.0),
        lambda w: np.clip(w, 5.0, 6.0),
    ],
)
def test_choices_that_fell_elsewhere(f):
    w = parameter([1.0, 2.0])
    found = mg.why(w, np.sum(f(w)))
    assert found.reason == "not chosen"


def test_what_cancels():
    w = parameter([1.0, 2.0])
    found = mg.why(w, np.sum(w * 3.0 - w * 3.0))
    assert found.reason == "cancels"


def test_a_loss_at_its_minimum():
    w = parameter([1.0, 2.0])
    found = mg.why(w, mg.mse(w, mg.Tensor([1.0, 2.0])))
    assert "mse" in found.text
    assert found.reason == "flat"


def test_an_overwritten_value():
    w = parameter([1.0, 2.0])
    loss = np.sum(w * w)
    w.assign([0.0, 0.0])
    found = mg.why(w, loss)
    assert found.reason == "overwritten"


OVERWRITTEN = {  # what is told after the step: the reason, and words of it; "" where w is gone
    "sqrt at 0": ([0.0, 4.0], lambda w: np.sqrt(w), "infinite", "sqrt (#2) makes inf"),
    "cbrt at 0": ([0.0, 4.0], lambda w: np.cbrt(w), "infinite", "cbrt (#2) makes inf"),
    "dropped": ([0.0, 4.0], lambda w: np.where([0, 1], np.sqrt(w), 0.0), "nan", "cotangent = 0"),
    "exp overflows": ([1e4, 1.0], lambda w: np.exp(w), "infinite", "comes through exp (#2)"),
    "it was nan": ([np.nan, 1.0], lambda w: np.exp(w), "nan", "comes through exp (#2)"),
    "a copy overflows": ([1e4, 1.0], lambda w: np.exp(w + 0.0), "infinite", "x = 1e+04"),
    "uses overflow": ([1.0, 2.0], lambda w: w * 1e308 + w * 1e308, "infinite", "each is finite"),
    "dead relu": ([-1.0, -2.0], lambda w: mg.relu(w), "dead relu", "all 2 elements of x were"),
    "a dead unit": ([[-1.0, 2.0]], lambda w: mg.relu(w), "partly zero", "1 of 2 units dead"),
    "zero factor": ([1.0, 2.0], lambda w: w * 0.0, "zero factor", "multiplies x by is 0"),
    "flat": ([1.0, 2.0], lambda w: np.floor(w), "flat", "is 0 everywhere"),
    "not chosen": ([1.0, 2.0], lambda w: np.where([0, 0], w, 1.0), "not chosen", "from elsewhere"),
    "cancels": ([1.0, 2.0], lambda w: w - w, "cancels", "adds up to 0"),
    "there": ([1.0, 2.0], lambda w: w + 1.0, "not zero", "its norm is 1.41"),
    "read": ([1.0, 2.0], lambda w: w * w, "overwritten", "needs the value it had"),
}
KNOWN_OF_W = {"a copy overflows", "uses overflow", "a dead unit", "zero factor", "flat"}
KNOWN_OF_W |= {"not chosen", "cancels", "there"}


@pytest.mark.parametrize("how", ["assign", "assign nan", "step"])
@pytest.mark.parametrize("kind", OVERWRITTEN)
def test_what_is_told_after_a_step_was_so_before(kind, how):
    values, f, reason, words = OVERWRITTEN[kind]
    w = mg.Tensor(np.array(values), requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.sum(f(w))
        loss.backward()
        if how == "step":
            mg.optim.SGD([w], lr=0.1).step()
        else:
            w.assign(np.full(w.shape, 777.0 if how == "assign" else np.nan))
        found = mg.why(w, loss)
    assert found.reason == reason
    assert words in found.text
    assert "777" not in found.text
    assert "itself" not in found.text  # that w holds nan now is no reason
    assert (kind in KNOWN_OF_W) or re.search(r"overwritten since at \S*test_why.py:\d+", found.text)


def test_what_was_used_after_the_step_is_told():
    w = parameter([5.0, 5.0])
    np.sum(np.sqrt(w)).backward()
    w.assign([0.0, 5.0])
    with np.errstate(all="ignore"):
        loss = np.sum(np.sqrt(w))
        assert "w = 0, the cotangent = 1" in mg.why(w, loss).text


def test_nothing_is_written():
    w = parameter([-1.0])
    loss = np.sum(mg.relu(w))
    mg.why(w, loss)
    assert w.grad is None


def test_lines_are_told_where_they_were_noted():
    w = parameter([-1.0])
    with mg.sources():
        loss = np.sum(mg.relu(w))
    assert line(-1) in mg.why(w, loss).text


def test_a_long_chain_needs_no_deep_stack():
    w = parameter([-1.0])
    z = mg.relu(w)
    for _ in range(5000):
        z = z + 1.0
    assert mg.why(w, z).reason == "dead relu"


def test_only_tensors():
    with pytest.raises(TypeError, match="this is a ndarray"):
        mg.why(np.ones(2))
    with pytest.raises(TypeError, match="this is a float"):
        mg.why(mg.Tensor(1.0), 3.0)
