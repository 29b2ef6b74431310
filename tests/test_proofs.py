"""A check that proves nothing says so: mistakes of those who state ops and those who check them."""

import numpy as np
import pytest
from wrong_rules import general, linear, plain, unary

import minigrad as mg
from minigrad.errors import DerivativeError, LeavesGraphError, RuleError
from minigrad.testing import Domain, case, check_grads, check_op, reals

X = np.array([0.5, -1.0, 2.0])
EMPTY = np.zeros((0, 3))

# --- functions of which nothing can be compared -----------------------------------------------

NOTHING_RETURNED = {
    "None": (lambda x: None, "None"),
    "an empty tuple": (lambda x: (), "nothing"),
    "a dict of nothing": (lambda x: {"loss": []}, "nothing"),
    "text": (lambda x: f"{np.sum(x)}", "str"),
    "a place": (lambda x: np.argmax(x), r"int64 of shape \(\)"),
    "a Python integer": (lambda x: 3, "int"),
    "a mask": (lambda x: x > 0, r"bool of shape \(3,\)"),
    "a generator": (lambda x: (part for part in x), "generator"),
    "a set": (lambda x: {2.0}, "set"),
    "an object beside a loss": (lambda x: (np.sum(x), object()), "object"),
    "a method not called": (lambda x: x.sum, "builtin_function_or_method"),
}


@pytest.mark.parametrize("name", NOTHING_RETURNED)
def test_what_has_no_derivative_is_named(name):
    f, returned = NOTHING_RETURNED[name]
    with pytest.raises(DerivativeError, match=f"no derivative to check of what .*: {returned}"):
        check_grads(f, X)


def test_labels_and_none_may_stand_beside_a_loss():
    report = check_grads(lambda x: {"loss": np.sum(x**2), "best": x.argmax(), "more": None}, X)
    assert report.compared == check_grads(lambda x: np.sum(x**2), X).compared > 0


UNCONNECTED = {
    "a constant": lambda x: 3.0,
    "a tensor of its own": lambda x: mg.Tensor([1.0, 2.0]),
    "zeros": lambda x: np.zeros_like(x),
    "a path cut at a stationary point": lambda x: mg.stop_gradient(x - x.mean()).sum() ** 2 * 0,
    "under no_grad": mg.no_grad()(lambda x: 0 * x),
}


@pytest.mark.parametrize("name", UNCONNECTED)
@pytest.mark.parametrize("modes", [("forward",), ("reverse",), ("forward", "reverse")])
def test_a_derivative_of_0_because_nothing_leads_there_is_a_finding(name, modes):
    with pytest.raises(DerivativeError, match="nothing leads from its arguments"):
        check_grads(UNCONNECTED[name], X, modes=modes)


DETACHED = {
    "all of it": lambda x: mg.stop_gradient(x) * 2,
    "a part": lambda x: x + mg.stop_gradient(x),
    "through numbers": lambda x: np.sum(plain(x) ** 2),
    "one element": lambda x: x * plain(x)[0],
    "one result of two": lambda x: (x * 2, mg.stop_gradient(x) ** 2),
}


@pytest.mark.parametrize("name", DETACHED)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_path_that_is_cut_is_a_finding(name, mode):
    with pytest.raises(DerivativeError, match="the derivative is wrong"):
        check_grads(DETACHED[name], X, modes=(mode,), order=1)


NOWHERE = {
    "nan": (lambda x: x * np.nan, X),
    "infinity": (lambda x: x * np.inf, X),
    "outside of the domain": (np.log, -np.abs(X)),
    "arguments that are nan": (np.sin, np.full(3, np.nan)),
    "arguments that are infinite": (np.sqrt, np.full(3, np.inf)),
    "jumps everywhere": (np.floor, np.array([1.0])),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_where_nothing_has_a_derivative_nothing_is_right(name):
    f, x = NOWHERE[name]
    with np.errstate(all="ignore"), pytest.raises(DerivativeError, match="nothing could be comp"):
        check_grads(f, x)


@pytest.mark.parametrize(
    ("f", "x"),
    [(lambda x: x * 2, EMPTY), (lambda x: x[:0], X), (lambda x: x[x > 9], X)],
    ids=["arrays without elements", "results without elements", "nothing chosen"],
)
def test_without_elements_a_report_proves_nothing_and_is_false(f, x):
    report = check_grads(f, x)
    assert not report
    assert str(report).startswith("not a proof: forward and reverse, to order 1, 0 numbers")


def twice_as_steep(value):
    """An op with a rule that is wrong by a factor of two."""
    return mg.elementwise(value, lambda z, x: 2 * np.sign(x) * value(1.0), name="steep")


SWALLOWED = {
    "tiny results": lambda x: twice_as_steep(lambda x: 1e-12 * np.abs(x))(x),
    "tiny arguments": lambda x: twice_as_steep(np.abs)(x * 1e-12),
    "a large constant added": lambda x: unary(lambda x: abs(x) + 1e12, lambda z, x: 7 + 0 * x)(x),
    "an analytic one": lambda x: unary(lambda x: np.sin(x) + 1e12, lambda z, x: 0 * x + 7)(x),
}


@pytest.mark.parametrize("name", SWALLOWED)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_what_the_tolerance_swallows_was_not_compared(name, mode):
    report = check_grads(SWALLOWED[name], X, modes=(mode,))
    assert not report
    assert report.faint > 0
    assert "too small beside the results" in str(report)


def test_a_tiny_result_beside_a_large_one_is_left_out_and_counted():
    def f(x):
        return 1e8 * x, twice_as_steep(lambda x: 1e-3 * np.abs(x))(x)

    report = check_grads(f, X, order=1)
    assert report.compared == report.faint == 18  # 3 results along 6 directions of either


# --- arrays that do nothing -------------------------------------------------------------------

STILL = {
    "an argument that is ignored": (lambda x, y: 2 * x, "y"),
    "an argument times 0": (lambda x, y: x + 0 * y, "y"),
    "a result that depends on none": (lambda x, y: (x * y, np.ones_like(x)), "result 1"),
    "a kink on which all sit": (lambda x, y: x + mg.relu(-np.abs(y) - 1), "y"),
}


@pytest.mark.parametrize("name", STILL)
def test_what_does_nothing_is_named(name):
    f, still = STILL[name]
    report = check_grads(f, X, X[::-1].copy())
    assert report
    assert str(report).endswith(f"all that belong to {still} are 0")
    assert "all that belong" not in str(check_grads(lambda x, y: x * y, X, X))


def test_of_an_op_all_its_samples_count():
    flat = mg.elementwise(np.floor, 0, name="floor", samples=Domain(0, 3, (0, 1, 2, 3)))
    assert str(check_op(flat)).endswith("all that belong to array 0, result are 0")
    steep = unary(lambda x: x * x, lambda z, x: 2 * x)  # 0 at 0, which is a sample
    assert "all that belong" not in str(check_op(steep))


# --- ops that are stated so that nothing can be compared --------------------------------------

IDLE_OPS = {
    "no rule": (lambda: mg.linear(lambda x: 2 * x, name="op"), [case((3,))], "0 rules"),
    "fewer rules than arrays": (
        lambda: mg.linear(lambda x, y: x + y, lambda g, z, x, y: g, name="op"),
        [case((3,), (3,))],
        "gives 2 arrays, but 1 rules",
    ),
    "a sample without arrays": (lambda: linear(lambda x: x, lambda g, z, x: g), [case()], "0 arr"),
    "integers for samples": (
        lambda: linear(lambda x: 2 * x, lambda g, z, x: 7 * g),
        [case(np.arange(3))],
        "nothing could be compared",
    ),
    "no elements": (
        lambda: linear(lambda x: 2 * x, lambda g, z, x: 7 * g),
        [case((0, 3))],
        "nothing could be compared",
    ),
    "outside of its domain": (
        lambda: unary(np.log, lambda z, x: 7 * x),
        Domain(-3.0, -1.0),
        "nothing could be compared",
    ),
    "a value of None": (lambda: general(lambda x: None, lambda g, z, x: g), None, "is NoneType"),
    "two values": (lambda: general(lambda x: (x, x), lambda g, z, x: g), None, "value is tuple"),
    "a list": (lambda: general(lambda x: [1.0], lambda g, z, x: g), None, "value is list"),
    "whole numbers": (
        lambda: general(lambda x: x.astype(int), lambda g, z, x: g),
        None,
        "value is int64, which has no derivative",
    ),
    "a mask": (lambda: unary(lambda x: x > 0, lambda z, x: 0 * x), None, "value is bool"),
}


@pytest.mark.parametrize("name", IDLE_OPS)
def test_an_op_of_which_nothing_can_be_compared_is_a_finding(name):
    make, samples, problem = IDLE_OPS[name]
    with np.errstate(all="ignore"), pytest.raises(DerivativeError, match=problem):
        check_op(make(), samples)


@pytest.mark.parametrize(
    ("low", "high"), [(3.0, 1.0), (1.0, 1.0), (np.nan, 1.0), (0.0, np.nan), (0.0, np.inf)]
)
def test_a_domain_has_points(low, high):
    with pytest.raises(ValueError, match="from a lower to a higher number"):
        Domain(low, high)


@pytest.mark.parametrize("avoid", [(0.0,), (-0.05, 0.05), (-0.1, 0.1)])
def test_a_domain_that_avoids_all_its_points_is_refused(avoid):
    with pytest.raises(ValueError, match=r"has no point that keeps 0\.1 away from"):
        check_op(unary(lambda x: x, 1), Domain(-0.04, 0.04, avoid))


@pytest.mark.parametrize(
    ("samples", "problem"), [((), "states no samples"), ((reals, reals, reals), "3 domains")]
)
def test_a_domain_for_each_array(samples, problem):
    op = mg.elementwise(np.multiply, lambda z, x, y: y, lambda z, x, y: x, name="op")
    with pytest.raises(ValueError, match=problem):
        check_op(op, samples)


# --- a rule that takes its cotangent out of the graph -----------------------------------------

LOSING = {
    "general, numpy()": general(lambda x: 2 * x, lambda g, z, x: 2 * plain(g)),
    "general, an array": general(lambda x: 2 * x, lambda g, z, x: np.array(plain(g)) * 2),
    "general, item()": general(lambda x: np.sum(x), lambda g, z, x: np.full(x.shape, g.item())),
    "general, times an input": general(lambda x: x * x, lambda g, z, x: 2 * plain(g) * x),
}


@pytest.mark.parametrize("name", LOSING)
def test_the_engine_refuses_it_in_forward_mode(name):
    with pytest.raises(RuleError, match=r"takes its cotangent out of the graph(.|\n)*in the rule"):
        mg.jvp(LOSING[name], (X,), (X,))


@pytest.mark.parametrize("name", LOSING)
def test_the_engine_refuses_it_for_higher_derivatives(name):
    def f(x):
        return np.sum(np.sin(LOSING[name](x)))

    assert np.isfinite(mg.grad(f)(X)).all()  # the first is right
    with pytest.raises(RuleError, match=r"takes its cotangent out of the graph(.|\n)*in the rule"):
        mg.hvp(f, (X,), (X,))
    x = mg.Tensor(X, requires_grad=True)
    with pytest.raises(RuleError, match="takes its cotangent out of the graph"):
        f(x).backward(create_graph=True)
    assert x.grad is None


def test_a_rule_that_gives_0_whatever_the_cotangent_loses_nothing():
    flat = general(lambda x: np.round(x), lambda g, z, x: np.zeros(x.shape))
    assert mg.jvp(lambda x: np.sum(flat(x)), (X,), (X,))[1] == 0
    np.testing.assert_array_equal(mg.hvp(lambda x: np.sum(flat(x) * x), (X,), (X,))[0], 0)


def test_what_takes_a_tensor_out_by_force_still_raises():
    with pytest.raises(LeavesGraphError, match=r"float\(t\)"):
        check_grads(lambda x: float(x) * 2, np.array(2.0))
