"""The activation functions against their formulas, SciPy, central differences and PyTorch."""

import math
import warnings

import numpy as np
import pytest
import scipy.special
from differences import assert_derivatives

import minigrad as mg
from minigrad.ops.error_function import gaussian, normal_cdf

POINTS = np.array([[-3.7, -2.2, -1.3, -0.6], [0.4, 0.7, 1.8, 3.3]])  # none is a kink


def by_element(formula):
    return lambda x: np.array([formula(float(v)) for v in np.ravel(x)]).reshape(np.shape(x))


SELU = 1.0507009873554804934, 1.6732632423543772848
FORMULAS = {
    "relu": (mg.relu, lambda x: max(x, 0)),
    "leaky_relu": (mg.leaky_relu, lambda x: x if x > 0 else 0.01 * x),
    "leaky_relu(0.3)": (lambda x: mg.leaky_relu(x, 0.3), lambda x: x if x > 0 else 0.3 * x),
    "leaky_relu(2)": (lambda x: mg.leaky_relu(x, 2.0), lambda x: x if x > 0 else 2 * x),
    "elu": (mg.elu, lambda x: x if x > 0 else math.expm1(x)),
    "elu(0.3)": (lambda x: mg.elu(x, 0.3), lambda x: x if x > 0 else 0.3 * math.expm1(x)),
    "selu": (mg.selu, lambda x: SELU[0] * (x if x > 0 else SELU[1] * math.expm1(x))),
    "celu": (mg.celu, lambda x: x if x > 0 else math.expm1(x)),
    "celu(2)": (lambda x: mg.celu(x, 2.0), lambda x: x if x > 0 else 2 * math.expm1(x / 2)),
    "sigmoid": (mg.sigmoid, lambda x: 1 / (1 + math.exp(-x))),
    "log_sigmoid": (mg.log_sigmoid, lambda x: -math.log(1 + math.exp(-x))),
    "softplus": (mg.softplus, lambda x: math.log(1 + math.exp(x))),
    "silu": (mg.silu, lambda x: x / (1 + math.exp(-x))),
    "mish": (mg.mish, lambda x: x * math.tanh(math.log(1 + math.exp(x)))),
    "gelu": (mg.gelu, lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
    "gelu(tanh)": (
        lambda x: mg.gelu(x, approximate="tanh"),
        lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    ),
    "softsign": (mg.softsign, lambda x: x / (1 + abs(x))),
    "hardtanh": (mg.hardtanh, lambda x: min(max(x, -1), 1)),
    "hardtanh(-2, 0.5)": (
        lambda x: mg.hardtanh(x, low=-2.0, high=0.5),
        lambda x: min(max(x, -2), 0.5),
    ),
    "hard_swish": (mg.hard_swish, lambda x: x * min(max(x + 3, 0), 6) / 6),
    "erf": (mg.erf, math.erf),
    "erfc": (mg.erfc, math.erfc),
    "normal_cdf": (normal_cdf, lambda x: (1 + math.erf(x / math.sqrt(2))) / 2),
    "gaussian": (gaussian, lambda x: math.exp(-x * x)),
}
SMOOTH = {name: pair for name, pair in FORMULAS.items() if name != "relu"}


@pytest.mark.parametrize("name", FORMULAS)
def test_value_is_the_formula(name):
    f, formula = FORMULAS[name]
    np.testing.assert_allclose(f(POINTS), by_element(formula)(POINTS), rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(f(mg.Tensor(POINTS)).numpy(), f(POINTS))


@pytest.mark.parametrize("name", FORMULAS)
def test_first_and_second_derivatives(name):
    f, _ = FORMULAS[name]
    assert_derivatives(f, POINTS)
    assert_derivatives(f, np.array(0.37))


@pytest.mark.parametrize("name", FORMULAS)
def test_single_precision_stays(name):
    f, formula = FORMULAS[name]
    x = mg.Tensor(POINTS, dtype=np.float32, requires_grad=True)
    y = f(x)
    assert y.dtype == np.float32
    assert f(x.numpy()).dtype == np.float32
    y.backward(np.ones(x.shape))
    assert x.grad.dtype == np.float32
    np.testing.assert_allclose(y.numpy(), by_element(formula)(POINTS), rtol=2e-5, atol=1e-6)


ENDS = {  # value and derivative far to the left, then far to the right
    "relu": (0, 0, "x", 1),
    "leaky_relu": ("0.01x", 0.01, "x", 1),
    "elu": (-1, 0, "x", 1),
    "elu(0.3)": (-0.3, 0, "x", 1),
    "selu": (-SELU[0] * SELU[1], 0, "1.0507009873554805x", SELU[0]),
    "celu": (-1, 0, "x", 1),
    "sigmoid": (0, 0, 1, 0),
    "log_sigmoid": ("x", 1, 0, 0),
    "softplus": (0, 0, "x", 1),
    "silu": (0, 0, "x", 1),
    "mish": (0, 0, "x", 1),
    "gelu": (0, 0, "x", 1),
    "gelu(tanh)": (0, 0, "x", 1),
    "softsign": (-1, 0, 1, 0),
    "hardtanh": (-1, 0, 1, 0),
    "hard_swish": (0, 0, "x", 1),
    "erf": (-1, 0, 1, 0),
    "erfc": (2, 0, 0, 0),
    "normal_cdf": (0, 0, 1, 0),
    "gaussian": (0, 0, 0, 0),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("far", [800.0, 1e200, 1e308])
def test_far_out_is_the_limit_without_a_warning(name, far):
    """At 800, exp overflows; at 1e200, a square; nothing may be NaN up to 1e308."""
    f, _ = FORMULAS[name]
    left, left_slope, right, right_slope = ENDS[name]
    for x, value, slope in ((-far, left, left_slope), (far, right, right_slope)):
        expected = float(value[:-1] or 1) * x if isinstance(value, str) else value
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            found, derivative = mg.value_and_grad(f)(x)
        slack = 2 / far if name == "softsign" else 0  # the only slow one
        np.testing.assert_allclose(found, expected, rtol=1e-15, atol=slack)
        np.testing.assert_allclose(derivative, slope, rtol=1e-15, atol=slack)
        if far < 1e308:
            assert mg.grad(mg.grad(f))(x) == pytest.approx(0, abs=slack)


def test_derivatives_at_the_kinks():
    """The convention: the derivative of the flat or the lower side."""
    slopes = {
        mg.relu: [(0.0, 0)],
        mg.leaky_relu: [(0.0, 0.01)],
        mg.elu: [(0.0, 1)],
        mg.celu: [(0.0, 1)],
        mg.hardtanh: [(-1.0, 0), (1.0, 0)],
        mg.softsign: [(0.0, 1)],
        mg.hard_swish: [(-3.0, 0), (3.0, 1)],
    }
    for f, pairs in slopes.items():
        for x, slope in pairs:
            assert mg.grad(f)(x) == pytest.approx(slope), (f, x)
    assert mg.grad(mg.elu)(0.0) == 1
    assert mg.grad(lambda x: mg.elu(x, 0.3))(0.0) == pytest.approx(0.3)


def test_tails_keep_their_relative_precision():
    """1 - erf(9) and 1 + tanh(-20) would be 0 or noise; the tail is known to the last digits."""
    x = np.linspace(-8, -5, 7)
    expected = x * scipy.special.ndtr(x)
    np.testing.assert_allclose(mg.gelu(x), expected, rtol=1e-13)
    np.testing.assert_allclose(mg.log_sigmoid(40.0), -math.exp(-40), rtol=1e-14)
    np.testing.assert_allclose(mg.softplus(-40.0), math.exp(-40), rtol=1e-14)


def test_error_function_is_right_to_the_last_digits():
    """The oracle is Python's own `math`, which is right to a unit of the last place."""
    ulp = np.finfo(float).eps
    x = np.concatenate([np.linspace(-6, 26, 3001), [0.5, -0.5, 1e-300, 5e-324, 0.0, 30.0]])
    np.testing.assert_allclose(mg.erf(x), by_element(math.erf)(x), rtol=3 * ulp, atol=0)
    np.testing.assert_allclose(mg.erfc(x), by_element(math.erfc)(x), rtol=5 * ulp, atol=0)
    np.testing.assert_array_equal(mg.erf(np.array([-np.inf, np.inf])), [-1, 1])
    np.testing.assert_array_equal(mg.erfc(np.array([-np.inf, np.inf])), [2, 0])
    assert np.isnan(mg.erf(np.nan))
    assert np.isnan(mg.erfc(np.nan))
    assert math.copysign(1, mg.erf(-0.0)) == -1


def test_error_function_in_single_precision():
    x = np.linspace(-4, 9, 501, dtype=np.float32)
    ulp = np.finfo(np.float32).eps
    np.testing.assert_allclose(mg.erf(x), scipy.special.erf(x), rtol=4 * ulp)
    np.testing.assert_allclose(mg.erfc(x), scipy.special.erfc(x.astype(float)), rtol=6 * ulp)


def test_tanh_gelu_stays_close_to_the_exact_one():
    x = np.linspace(-8, 8, 4001)
    away = np.abs(mg.gelu(x, approximate="tanh") - mg.gelu(x))
    assert 4e-4 < away.max() < 5e-4


def test_unknown_gelu_is_refused():
    with pytest.raises(ValueError, match="approximate is"):
        mg.gelu(1.0, approximate="sigmoid")


# --- softmax ---------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, -1, 2, (0, 2), None])
def test_softmax_is_scipys(axis):
    x = np.random.default_rng(0).normal(size=(3, 4, 2)) * 10
    np.testing.assert_allclose(mg.softmax(x, axis), scipy.special.softmax(x, axis), rtol=1e-13)
    expected = scipy.special.log_softmax(x, axis)  # which loses digits near 0
    np.testing.assert_allclose(mg.log_softmax(x, axis), expected, rtol=1e-13, atol=1e-15)
    assert_derivatives(lambda x: mg.softmax(x, axis), x / 10)
    assert_derivatives(lambda x: mg.log_softmax(x, axis), x / 10)


def test_softmax_with_masked_values():
    """A masked value has probability 0; where everything is masked, all have, and no gradient."""
    inf = np.inf
    x = np.array([[1.0, 2.0, -inf], [-inf, -inf, -inf], [-inf, 5.0, -inf]])
    expected = np.array([[1 / (1 + math.e), math.e / (1 + math.e), 0], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(mg.softmax(x), expected, rtol=1e-15)
    np.testing.assert_array_equal(mg.log_softmax(x)[1], -inf)
    np.testing.assert_allclose(np.exp(mg.log_softmax(x)), expected, rtol=1e-15)
    cotangent = np.random.default_rng(1).normal(size=x.shape)
    gradient = mg.grad(lambda x: np.sum(mg.softmax(x) * cotangent))(x)
    assert np.all(np.isfinite(gradient))
    assert np.all(gradient[expected == 0] == 0)
    second = mg.grad(lambda x: np.sum(mg.grad(lambda x: np.sum(mg.softmax(x) ** 2))(x)))(x)
    assert np.all(np.isfinite(second))


def test_softmax_at_the_edge_of_the_numbers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(mg.softmax(np.array([1e308, -1e308])), [1, 0])
        np.testing.assert_array_equal(mg.softmax(np.array([1e308, 1e308])), [0.5, 0.5])
        np.testing.assert_array_equal(mg.log_softmax(np.array([1e308, -1e308])), [0, -np.inf])
        np.testing.assert_array_equal(
            mg.grad(lambda x: mg.softmax(x)[0])(np.array([1e308, 0.0])), [0, 0]
        )


def test_log_softmax_keeps_small_differences_of_large_logits():
    x = np.array([1e10, 1e10 + 1])
    np.testing.assert_allclose(mg.log_softmax(x), mg.log_softmax(np.array([0.0, 1.0])), rtol=1e-15)


# --- PyTorch, where it is installed ----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("leaky_relu", "leaky_relu"),
        ("elu", "elu"),
        ("selu", "selu"),
        ("celu", "celu"),
        ("log_sigmoid", "logsigmoid"),
        ("softplus", "softplus"),
        ("silu", "silu"),
        ("mish", "mish"),
        ("gelu", "gelu"),
        ("softsign", "softsign"),
        ("hardtanh", "hardtanh"),
        ("hard_swish", "hardswish"),
    ],
)
def test_same_as_pytorch(name, peer):
    torch = pytest.importorskip("torch")
    f, other = getattr(mg, name), getattr(torch.nn.functional, peer)
    t = torch.tensor(POINTS, requires_grad=True)
    cotangent = np.random.default_rng(2).normal(size=POINTS.shape)
    value = other(t)
    (gradient,) = torch.autograd.grad(value, t, torch.tensor(cotangent))
    found, pullback = mg.vjp(f, POINTS)
    np.testing.assert_allclose(found, value.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(pullback(cotangent)[0], gradient.numpy(), rtol=1e-12)
