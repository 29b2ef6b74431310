"""The kit that checks derivatives, checked itself: every wrong rule is caught, no right one is."""

import subprocess
import sys

import numpy as np
import pytest
from right_rules import RIGHT
from wrong_rules import WRONG

import minigrad as mg
from minigrad.core.source import formula_of, source_of
from minigrad.errors import DerivativeError, MinigradError, RuleError
from minigrad.testing import case, check_grads, check_op, nonzero, reals
from minigrad.testing.differences import differences

RNG = np.random.default_rng(0)


thrice = mg.elementwise(lambda x: x**3, lambda z, x: 3.003 * x**2, name="thrice")


# --- every wrong rule is caught ---------------------------------------------------------------


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_caught_and_named(name):
    op, part = WRONG[name]
    with np.errstate(all="ignore"), pytest.raises(DerivativeError) as caught:
        check_op(op)
    assert part in str(caught.value)


def test_there_are_many_wrong_rules():
    assert len(WRONG) >= 30


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_is_not(name):
    assert check_op(RIGHT[name]).compared > 0


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("seed", range(5))
def test_one_mode_and_any_seed_are_enough_for_a_wrong_number(mode, seed):
    with pytest.raises(DerivativeError, match=f"order 1, {mode} mode"):
        check_op(thrice, reals, modes=(mode,), seed=seed)


def test_third_order_only_where_it_is_asked_for():
    def second_only(x):
        return 6 * plain_inside(x)

    plain_inside = mg.elementwise(
        lambda x: x + 0.0, lambda z, x: np.ones_like(x), name="inside", samples=reals
    )
    wrong = mg.elementwise(lambda x: x + 0.0, lambda z, x: np.zeros_like(x), name="wrong")
    quartic = mg.elementwise(
        lambda x: x**4 / 24, lambda z, x: wrong_third(x), name="quartic", samples=reals
    )
    wrong_third = mg.elementwise(lambda x: x**3 / 6, lambda z, x: wrong(x) * x / 2, name="third")
    assert check_op(quartic).order == 2
    with pytest.raises(DerivativeError, match="order 3"):
        check_op(quartic, order=3)


# --- what an error says -----------------------------------------------------------------------


def test_an_error_shows_the_element_both_numbers_the_smallest_input_and_the_source():
    with pytest.raises(DerivativeError) as caught:
        check_grads(thrice, np.array([[0.3, 1.7], [2.2, -0.4]]))
    lines = str(caught.value).splitlines()
    assert lines[0] == "thrice: the derivative is wrong (order 1, forward mode)."
    assert lines[1].strip() == "d result / d x"
    assert [line.split()[:2] for line in lines[2:4]] == [["by", "the"], ["by", "differences"]]
    assert [float(line.split()[-1]) for line in lines[2:4]] == pytest.approx([3.003, 3.0])
    assert lines[5].strip() == "x = array(1.)"
    assert lines[-1].strip() == "lambda z, x: 3.003 * x**2"
    assert f"{__file__}:" in lines[-2]


PLACES = {  # wrong at one place of one array: which element of which result, in reverse mode alone
    "an element of a matrix": (
        lambda x: np.stack([x[0, 1] * 2, wrong(x[1, 2])]), [(2, 3)], r"result\[1\] / d x\[1, 2\]"
    ),
    "a number": (lambda x: wrong(x), [()], "result / d x"),
    "an element of the second array": (
        lambda x, y: np.sum(x) + wrong(y[2]), [(2,), (3,)], r"result / d y\[2\]"
    ),
    "of the second result": (
        lambda x: (x * 2, x * 3, {"last": wrong(x)[None]}), [(2,)], r"result 2\[0, \d\] / d x\[\d\]"
    ),
    "of an array in a list": (
        lambda parts: parts[0] * wrong(parts[1]), [[(), ()]], r"result / d parts\[1\]"
    ),
    "in many results": (
        lambda x: np.stack([x[1]] * 40 + [wrong(x[0])]), [(2,)],
        r"\(a random sum of the results\) / d x\[0\]",
    ),
    "in a large array": (
        lambda x: wrong(np.sum(x)), [(5, 9)], r"result / d \(a random direction(, keeping ties)?\)"
    ),
}  # fmt: skip
wrong = mg.elementwise(lambda x: x + x, lambda z, x: 3 + 0 * x, name="wrong")


@pytest.mark.parametrize("name", PLACES)
def test_in_reverse_mode_alone_the_element_is_named(name, monkeypatch):
    monkeypatch.setattr("minigrad.testing.smallest.ATTEMPTS", 0)  # as it was first found
    f, shapes, place = PLACES[name]
    rng = np.random.default_rng(1)
    args = [[rng.normal(size=s) for s in x] if isinstance(x, list) else rng.normal(size=x)
            for x in shapes]  # fmt: skip
    with pytest.raises(DerivativeError, match=rf"reverse mode\).\n +d {place}\n") as caught:
        check_grads(f, *args, modes=("reverse",), order=1)
    assert "the rule of wrong for array 0" in str(caught.value)


def test_the_error_is_one_of_the_family_and_fails_a_test():
    assert issubclass(DerivativeError, MinigradError)
    assert issubclass(DerivativeError, AssertionError)


def test_the_wrong_op_among_many_is_blamed():
    def network(x, w):
        return np.sum(np.tanh(thrice(np.sin(x) @ w)) ** 2)

    with pytest.raises(DerivativeError, match="the rule of thrice for array 0") as caught:
        check_grads(network, RNG.normal(size=(2, 3)), RNG.normal(size=(3, 2)))
    assert "tanh for" not in str(caught.value)


def test_the_array_whose_rule_is_wrong_is_blamed():
    op = mg.general(
        lambda x, y: x * y, lambda g, z, x, y: g * y, lambda g, z, x, y: 2 * g * x, name="op"
    )
    with pytest.raises(DerivativeError, match="for array 1") as caught:
        check_grads(op, RNG.normal(size=3), RNG.normal(size=3))
    assert "for array 0" not in str(caught.value)


def test_a_wrong_combination_of_right_ops_is_not_blamed_on_one():
    def detached(x):
        return np.sin(x) * mg.stop_gradient(x)

    with pytest.raises(DerivativeError, match="Each op alone is right"):
        check_grads(detached, RNG.normal(size=3))


def test_the_smallest_input_is_small():
    wrong_at_threes = mg.elementwise(
        lambda x: 2 * x, lambda z, x: 2 + 0 * x + (x.shape[-1:] == (3,)), name="op"
    )
    with pytest.raises(DerivativeError) as caught:
        check_grads(wrong_at_threes, RNG.normal(size=(4, 3, 3)))
    assert "array([[[1., 1., 1.]]])" in str(caught.value)


def test_settings_are_shown():
    op = mg.linear(
        lambda x, axis: np.flip(x, axis),
        lambda g, z, x, axis: g,
        name="turn",
        samples=[case((2, 3), axis=1)],
    )
    with pytest.raises(DerivativeError, match=r"turn\(\(2, 3\), axis=1\): the derivative"):
        check_op(op)


# --- what it accepts --------------------------------------------------------------------------


def test_nested_arguments_and_results():
    def layer(parameters, x, times):
        h = np.tanh(x @ parameters["w"] + parameters["b"][0])
        return {"h": h, "total": [h.sum() * times, 3]}

    parameters = {"w": RNG.normal(size=(3, 2)), "b": [RNG.normal(size=2)]}
    report = check_grads(layer, parameters, RNG.normal(size=(2, 3)), 2)
    assert (report.order, report.modes, report.kinks) == (2, ("forward", "reverse"), 0)


def test_large_arrays_are_projected():
    report = check_grads(lambda x, w: np.tanh(x @ w), *RNG.normal(size=(2, 30, 30)), order=1)
    assert report.compared + report.faint == 3 * 900  # 3 directions, each of 900 results
    assert report.compared > 2500  # but for those where tanh is flat


def test_float32_arrays_and_tensors_are_checked_in_float64():
    x = RNG.normal(size=3).astype(np.float32)
    assert check_grads(np.sin, x) == check_grads(np.sin, mg.Tensor(x))


def test_empty_arrays_have_nothing_to_compare():
    assert check_grads(lambda x: x * 2, np.zeros((0, 3))).compared == 0


def test_kinks_are_counted_and_held_between_the_slopes():
    report = check_grads(mg.relu, np.array([-1.0, 0.0, 2.0]), order=1)
    assert report.kinks > 0
    assert "at kinks" in str(report)
    outside = mg.elementwise(np.abs, lambda z, x: np.where(x == 0, 1.5, np.sign(x)))
    with pytest.raises(DerivativeError, match="between -1 and 1, a kink"):
        check_grads(outside, np.array([-1.0, 0.0, 2.0]), order=1)


def test_places_without_a_derivative_are_counted():
    report = check_grads(np.floor, np.array([0.5, 1.0]), order=1)
    assert report.undefined > 0
    assert "no derivative" in str(report)


def test_an_argument_that_is_written_to_is_found_and_left_alone():
    def careless(x):
        x *= 2
        return x

    x = np.ones(3)
    with pytest.raises(DerivativeError, match="writes into an array"):
        check_grads(careless, x)
    np.testing.assert_array_equal(x, 1)


def test_a_value_that_differs_for_tensors_is_found():
    def two_faced(x):
        return np.sin(x) if isinstance(x, np.ndarray) else np.cos(x)

    with pytest.raises(DerivativeError, match="another than for arrays"):
        check_grads(two_faced, RNG.normal(size=3))


@pytest.mark.parametrize(
    "more",
    [{"order": 0}, {"order": 1.5}, {"modes": ()}, {"modes": ("backward",)}, {"modes": "reverse"}],
)
def test_bad_requests_are_refused(more):
    with pytest.raises(ValueError, match="order is a whole number of at least 1"):
        check_grads(np.sin, np.ones(2), **more)
    with pytest.raises(ValueError, match="order is a whole number of at least 1"):
        check_op(thrice, reals, **more)


def test_there_must_be_something_to_differentiate():
    with pytest.raises(ValueError, match="floating-point"):
        check_grads(np.sum, np.arange(3))


def test_a_function_that_is_no_op_is_refused():
    with pytest.raises(TypeError, match="Use check_grads"):
        check_op(np.sin)


def test_an_op_without_samples_is_refused_and_told_how():
    op = mg.elementwise(lambda x: x, 1, name="op")
    with pytest.raises(ValueError, match="states no samples"):
        check_op(op)
    assert check_op(op, nonzero).compared > 0


def test_an_op_of_ones_own_leaves_numpys_function_alone():
    mg.elementwise(np.sinh, lambda z, x: -np.cosh(x), name="bad")
    assert check_grads(np.sinh, RNG.normal(size=3)).compared > 0


def test_too_few_and_too_many_rules_are_named():
    one = mg.general(lambda x: 2 * x, lambda g, z, x: 2 * g, lambda g, z, x: g, name="one")
    none = mg.elementwise(lambda x: 2 * x, name="none")
    for op, number in ((one, 2), (none, 0)):
        with pytest.raises(RuleError, match=f"given 1 arrays, but {number} rules"):
            mg.vjp(op, np.ones(2))[1](np.ones(2))
        with pytest.raises(DerivativeError, match=f"{number} rules are stated for its 1 arrays"):
            check_grads(op, np.ones(2))


# --- its own oracle ---------------------------------------------------------------------------


def at(f, x):
    """The differences of a function of one number."""
    return differences(lambda arrays: np.ravel(f(arrays[0])), [np.array(x)], [[np.array(1.0)]])


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda x: x**5, lambda x: 5 * x**4),
        (lambda x: np.abs(x) ** 3, lambda x: 3 * x * np.abs(x)),
    ],
)
def test_differences_come_close(f, slope):
    for x in (-2.0, -0.3, 0.4, 1.7):
        found = at(f, x)
        assert found.low == found.high == pytest.approx(slope(x), rel=1e-9)
        assert not found.kinks.any()
        assert not found.undefined.any()


def test_a_complex_step_is_exact_where_the_function_is_analytic():
    for x in (-2.0, 0.3):
        assert at(np.sin, x).low == pytest.approx(np.cos(x), rel=1e-15)
    assert at(lambda x: np.abs(x) ** 3, 1.0).low == pytest.approx(3.0, rel=1e-9)  # it is not


@pytest.mark.parametrize(
    "distance", [0.0, 1e-9, 1e-7, 1e-5, 1e-4, 3e-4, 6e-4, 9e-4, -1e-9, -1e-5, -6e-4]
)
def test_a_kink_is_seen_and_one_beside_the_point_leaves_the_slope_that_is_right(distance):
    found = at(lambda x: np.maximum(x, 0) + np.sin(x), distance)
    assert found.kinks.all() == (abs(distance) < 1e-6)
    there = (distance > 0) + np.cos(distance)
    assert found.low - 1e-6 <= there <= found.high + 1e-6
    assert np.cos(distance) - 1e-6 <= found.low
    assert found.high <= 1 + np.cos(distance) + 1e-6


def verdict(f, x):
    """What the checker says of a function, whichever way it says it."""
    try:
        with np.errstate(over="ignore"):
            return str(check_grads(f, x))
    except DerivativeError as error:
        return str(error)


ANYWHERE = [np.exp, np.log, np.sqrt, np.tanh, np.sin, np.square, np.cbrt, np.linalg.norm, np.std,
            np.reciprocal, mg.sigmoid, mg.gelu, mg.softplus, mg.logsumexp, mg.softmax]  # fmt: skip


@pytest.mark.parametrize("f", ANYWHERE, ids=lambda f: f.__name__)
def test_what_is_right_is_not_called_wrong_at_any_scale(f):
    """Where differences can tell nothing, that is said; a right rule is never accused."""
    rng = np.random.default_rng(0)
    for scale in 10.0 ** np.arange(-4, 3):
        x = scale * (np.abs(rng.normal(size=3)) + 0.1)
        message = verdict(f, x)
        told = ("right", "not a proof", "nothing could be compared")
        assert any(word in message for word in told), f"at {x}: {message}"


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.std, [100, 100.1, 100.25]),
        (np.std, [1, 1.001, 1.0025]),
        (mg.layer_norm, [1, 1.001, 1.0025]),
        (np.log, [1.25e-4]),
        (np.linalg.norm, [1e-4, 1e-4]),
        (np.sqrt, [1e-3, 1e-4]),
        (lambda x: x**-3.0, [1e-3]),
        (lambda x: np.sin(1000 * x), [0.5, -1.2, 2.0]),
    ],
)
def test_what_turns_within_a_step_is_not_called_wrong(f, x):
    check_grads(f, np.array(x, float))


@pytest.mark.parametrize("x", [[0.5, -1.2, 2.0], [0.05, 0.1], [300.0, -20.0]])
def test_a_small_error_is_still_found_at_any_scale(x):
    wrong = mg.elementwise(lambda x: x**3, lambda z, x: 3 * x**2 * (1 + 1e-5), name="wrong")
    with pytest.raises(DerivativeError, match="the derivative is wrong"):
        check_grads(wrong, np.array(x))


def test_a_jump_of_the_second_derivative_alone_is_a_kink_with_one_slope():
    found = at(lambda x: np.where(x > 0, x * x, 0) + x, 0.0)
    assert found.low == pytest.approx(1, abs=1e-6)
    assert found.high == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("f", [np.floor, np.cbrt, lambda x: np.sqrt(np.maximum(x, 0)), np.arccosh])
def test_where_there_is_no_derivative_nothing_is_asked(f):
    assert at(f, 1.0 if f is np.arccosh else 0.0).undefined.all()


# --- the source of rules ----------------------------------------------------------------------

one, two = (lambda x: x + 1), (lambda x: x + 1) if RNG is None else (lambda x: x * 2)


def with_docstring(g, z, x):
    """Left out."""
    # Kept.
    return (
        g * x  # of several lines
    )


def test_the_source_is_cut_out_exactly():
    assert [source_of(f) for f in (one, two)] == ["lambda x: x + 1", "lambda x: x * 2"]
    assert [formula_of(f) for f in (one, two)] == ["x + 1", "x * 2"]
    assert source_of(with_docstring).splitlines()[:2] == [
        "def with_docstring(g, z, x):",
        "    # Kept.",
    ]
    assert formula_of(with_docstring) == "g * x"


def test_what_has_no_source_is_still_named():
    assert [source_of(x) for x in (-1, None, np.exp)] == ["-1", "no gradient", "exp"]
    made = eval("lambda x: x")
    assert source_of(made) == "<lambda>"


# --- what it loads ----------------------------------------------------------------------------


def test_hypothesis_is_loaded_with_the_strategies_and_not_before():
    program = (
        "import sys, minigrad as mg; mg.testing.check_op; assert 'hypothesis' not in sys.modules;"
        "mg.testing.strategies; assert 'hypothesis' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
