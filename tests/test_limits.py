"""Derivatives where numbers end: tails, infinities, the largest and the smallest numbers."""

import warnings

import numpy as np
import pytest
import scipy.special as sp

import minigrad as mg

inf = np.inf


def derivative(f, x):
    with np.errstate(over="ignore"):  # of values: no rule says a word, see test_certificate.py
        return float(mg.grad(f)(x))


def second(f, x):
    return float(mg.grad(mg.grad(f))(x))


TAILS = [  # a function, where, and its derivative there to 15 digits
    (mg.elu, -40.0, 4.248354255291589e-18),
    (mg.elu, -30.0, 9.357622968840175e-14),
    (np.tanh, 20.0, 1.6993417021166355e-17),
    (np.tanh, -350.0, 4.0 * np.exp(-700.0)),
    (mg.sigmoid, 40.0, 4.248354255291589e-18),
    (mg.sigmoid, -40.0, 4.248354255291589e-18),
    (np.expm1, -40.0, 4.248354255291589e-18),
    (mg.selu, -40.0, 1.0507009873554805 * 1.6732632423543772 * 4.248354255291589e-18),
    (mg.celu, -40.0, 4.248354255291589e-18),
    (mg.softsign, 1e150, 1e-300),
    (np.arctan, 1e150, 1e-300),
    (np.exp2, 1024.0, 2 * np.log(2) * 2.0**1023),
    (lambda x: np.logaddexp(x, 1e16), 1e16, 0.5),
    (lambda y: np.logaddexp(1e16, y), 1e16, 0.5),
    (lambda y: np.logaddexp(1e15, y), 1e15, 0.5),
    (lambda y: np.logaddexp2(2.0**60, y), 2.0**60, 0.5),
    (lambda x: np.hypot(x, 1.5e308), 1.5e308, 0.7071067811865475),
    (lambda x: np.hypot(x, 3e-320), 4e-320, 0.8),
    (lambda y: np.arctan2(y, 1e-30), 1.0, 1e-30),
    (lambda y: np.arctan2(y, 1e200), 1e-200, 1e-200),
    (lambda x: np.sinc(x), 2.0**60, 2.0**-60),
    (sp.erf, 25.0, 2 / np.sqrt(np.pi) * np.exp(-625.0)),
    (sp.expit, 40.0, 4.248354255291589e-18),
    (sp.log_ndtr, -1e8, 1e8),
    (sp.erfcx, 1e8, -1e-16 / np.sqrt(np.pi)),
    (sp.i1e, 4e20, -0.5 / np.sqrt(2 * np.pi) * 4e20**-1.5),
    (sp.i0e, 1e100, -0.5 / np.sqrt(2 * np.pi) * 1e-150),
    (sp.k1e, 4e20, -0.5 * np.sqrt(np.pi / 2) * 4e20**-1.5),
    (lambda x: sp.rel_entr(x, 1e-200), 1e200, 400 * np.log(10) + 1),
    (lambda x: sp.kl_div(x, 1.0), 1 + 2**-40, 2**-40 - 2**-81),
    (lambda x: sp.pseudo_huber(x, 1e-10), 1.0, 2.5e-41),
]
TAILS_OF_SECOND = [
    (sp.log_ndtr, -1e7, -1.0),
    (sp.log_ndtr, 39.0, 0.0),
    (sp.expit, 40.0, -4.248354255291589e-18),
    (sp.erfcx, 1e8, 2e-24 / np.sqrt(np.pi)),
    (mg.softplus, 40.0, 4.248354255291589e-18),
    (mg.log_sigmoid, -40.0, -4.248354255291589e-18),
    (mg.silu, 40.0, -38 * 4.248354255291589e-18),
    (mg.silu, -40.0, -38 * 4.248354255291589e-18),
    (mg.sigmoid, 1e-20, -1.25e-21),
    (np.arcsin, 1e-20, 1e-20),
    (lambda x: np.hypot(x, 1e-10), 1.0, 1e-20),
    (mg.softsign, 1e100, -2e-300),
]
LIMITS = [  # a function, where, its limit there
    (lambda y: np.logaddexp(inf, y), 5.0, 0.0),
    (lambda y: np.logaddexp(-inf, y), 5.0, 1.0),
    (lambda y: np.logaddexp(5.0, y), inf, 1.0),
    (lambda y: np.logaddexp(5.0, y), -inf, 0.0),
    (mg.hard_swish, inf, 1.0),
    (mg.hard_swish, -inf, 0.0),
    (lambda x: mg.huber(x, np.float64(0.0)), inf, 1.0),
    (lambda x: mg.huber(x, np.float64(0.0)), -inf, -1.0),
    (lambda x: x**0.0, inf, 0.0),
    (lambda x: x**-1.5, inf, 0.0),
    (lambda y: np.power(inf, y), -2.0, 0.0),
    (lambda y: np.power(0.0, y), 2.0, 0.0),
    *[(f, inf, 1.0) for f in (mg.silu, mg.gelu, mg.mish, mg.softplus, mg.relu, mg.elu)],
    *[(f, -inf, 0.0) for f in (mg.silu, mg.gelu, mg.mish, mg.softplus, mg.relu, mg.elu)],
    (lambda x: mg.gelu(x, approximate="tanh"), inf, 1.0),
    (lambda x: mg.gelu(x, approximate="tanh"), -inf, 0.0),
    (mg.log_sigmoid, -inf, 1.0),
    *[(f, s * inf, 0.0) for f in (mg.sigmoid, np.tanh, mg.erf, mg.softsign) for s in (1, -1)],
    *[(f, s * inf, 0.0) for f in (np.arctan, np.arcsinh) for s in (1, -1)],
    (lambda x: np.hypot(x, 3.0), inf, 1.0),
    (lambda x: np.hypot(x, 3.0), -inf, -1.0),
    (lambda x: np.hypot(x, inf), 3.0, 0.0),
    (lambda y: np.arctan2(y, 3.0), inf, 0.0),
    (lambda y: np.arctan2(y, inf), 3.0, 0.0),
]


@pytest.mark.parametrize(("f", "x", "expected"), TAILS)
def test_the_tail_of_a_derivative(f, x, expected):
    assert derivative(f, x) == pytest.approx(expected, rel=3e-15, abs=0)


@pytest.mark.parametrize(("f", "x", "expected"), TAILS_OF_SECOND)
def test_the_tail_of_a_second_derivative(f, x, expected):
    assert second(f, x) == pytest.approx(expected, rel=3e-14, abs=5e-324)


@pytest.mark.parametrize(("f", "x", "expected"), LIMITS)
def test_a_derivative_at_infinity_is_its_limit(f, x, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what NumPy says of the value
        assert derivative(f, x) == expected


@pytest.mark.parametrize("f", [mg.silu, mg.gelu, mg.mish, mg.sigmoid, mg.softplus, np.tanh])
def test_second_derivatives_at_infinity_are_zero(f):
    assert second(f, inf) == second(f, -inf) == 0
    assert np.isnan(second(f, np.nan))


@pytest.mark.parametrize("f", [mg.silu, mg.gelu, mg.mish, mg.hard_swish])
def test_gated_values_have_their_limits(f):
    np.testing.assert_array_equal(f(np.array([-inf, inf, np.nan])), [0, inf, np.nan])


def test_softsign_has_its_limits():
    np.testing.assert_array_equal(mg.softsign(np.array([-inf, inf, np.nan])), [-1, 1, np.nan])
