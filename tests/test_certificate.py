"""The certificate: every rule of every elementwise op, against 50 digits, over its whole domain.

No zero, nan or infinity where the truth is a normal number; elsewhere at most 16 units in the last
place, of second derivatives 32. Below, the exceptions with their reasons.
"""

import numpy as np
import pytest
from certificate import DTYPES, measured, measured_of_two, points, quietly, reverse, within
from truths import UNARY, WORDS
from truths_of_two import BINARY

import minigrad as mg
from minigrad.testing import library_ops

FIRST, SECOND = 16, 32
CONDITION = {  # the unit is what the last place of an argument makes of the derivative
    "silu": "the derivative crosses 0 at -1.278",
    "mish": "the derivative crosses 0 at -1.193",
    "gelu": "the derivative crosses 0 at -0.752",
    "gelu_tanh": "the derivative crosses 0 at -0.753, and falls as exp(-0.07 |x|^3)",
    "hard_swish": "the derivative crosses 0 at -1.5",
    "trigonometry.sinc": "the derivative crosses 0 between any two whole numbers",
    "trigonometry.cosine": "falls with x, which is rounded beside y",
    "trigonometry.inversion": "the derivative crosses 0 at |x| = |y|",
    "exponential.logaddexp": "the difference of the arguments is rounded before its exponential",
    "exponential.logaddexp2": "the difference of the arguments is rounded before its exponential",
    "arithmetic.power": "y - 1 is rounded before it is an exponent",
    "arithmetic.float_power": "y - 1 is rounded before it is an exponent",
}
OTHER = {  # not certified to these bounds, and why
    **{
        ("exponential.exp2", name, 2): "infinite where the value 2**x is so already"
        for name in ("float16", "float32", "float64")
    },
    ("arithmetic.power", "float16", 1): "infinite or 0 where x**y or x**(y - 1) is so already",
    ("arithmetic.power", "float32", 1): "infinite or 0 where x**y or x**(y - 1) is so already",
    ("arithmetic.power", "float64", 1): "infinite or 0 where x**y or x**(y - 1) is so already",
    ("arithmetic.float_power", "float64", 1): "infinite where x**(y - 1) is so already",
    **{
        ("trigonometry.inversion", name, 2): "the third derivative of arctan2: two terms cancel"
        for name in ("float16", "float32", "float64")
    },
    ("arithmetic.power", "float16", 2): "as of order 1",
    ("arithmetic.power", "float32", 2): "as of order 1",
    ("arithmetic.power", "float64", 2): "as of order 1",
    ("arithmetic.float_power", "float16", 2): "as of order 1",
    ("arithmetic.float_power", "float32", 2): "as of order 1",
    ("arithmetic.float_power", "float64", 2): "as of order 1",
}
OPS = {
    f"{family}.{op.name}": op
    for family, ops in library_ops().items()
    for op in ops
    if op.kind == "elementwise" and family != "special"
}
OF_SETTINGS = {  # ops that other functions call with settings
    "rounding.round": lambda x: np.round(x, 1),
}
COVERED_BY = {  # ops of settings alone, held to the truth of the word that is made of them
    "losses.huber_of": "huber",
    "trigonometry.sinc_derivative": "trigonometry.sinc",
}
CALLS = {
    "gelu_tanh": lambda x: mg.gelu(x, approximate="tanh"),
    "huber": lambda x: mg.huber(x, np.zeros(x.shape, x.dtype), reduction="none"),
}
SUBJECTS = {
    **{name: (OF_SETTINGS.get(name, OPS[name].function), truth) for name, truth in UNARY.items()},
    **{name: (CALLS.get(name) or getattr(mg, name), truth) for name, truth in WORDS.items()},
}


def bound(name, dtype, order):
    if (name, np.dtype(dtype).name, order) in OTHER:
        return np.inf
    return FIRST if order == 1 else SECOND


def certify(name, number, dtypes=DTYPES, modes=("reverse", "forward")):
    """What is worse than the bounds allow, of a function of one array."""
    f, truth = SUBJECTS[name]
    for dtype in dtypes:
        for order, mode, found in measured(f, truth, dtype, number, name in CONDITION, modes):
            if not found.ulp <= bound(name, dtype, order):
                yield f"{np.dtype(dtype).name}, order {order}, {mode}: {found}"


def certify_of_two(name, number):
    """The same of a function of two arrays."""
    f, truth = OPS[name].function, BINARY[name]
    for dtype in DTYPES:
        for partial, mode, found in measured_of_two(f, truth, dtype, number, name in CONDITION):
            if not found.ulp <= bound(name, dtype, len(partial)):
                yield f"{np.dtype(dtype).name}, in {partial}, {mode}: {found}"


def test_no_elementwise_op_is_left_out():
    known = UNARY.keys() | BINARY.keys() | COVERED_BY.keys()
    assert OPS.keys() - known == set(), "state the truth about it in truths.py"


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_sample_of_points(name):
    assert list(certify(name, 90)) == []


@pytest.mark.parametrize("name", BINARY)
def test_a_sample_of_pairs(name):
    assert list(certify_of_two(name, 1)) == []


@pytest.mark.long
@pytest.mark.parametrize("name", SUBJECTS)
def test_every_float16_and_20_000_points(name):
    assert list(certify(name, 2**16, [np.float16])) == []
    assert list(certify(name, 20_000, [np.float32, np.float64])) == []


@pytest.mark.long
@pytest.mark.parametrize("name", BINARY)
def test_a_grid_of_pairs(name):
    assert list(certify_of_two(name, 12)) == []


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_rule_says_a_word_where_the_value_says_none(name):
    f, truth = SUBJECTS[name]
    for dtype in DTYPES:
        (x,) = within(truth, points(dtype, 300, truth))
        z, slope = quietly(f, x), quietly(reverse(f), x)
        x = x[np.isfinite(z) & np.isfinite(slope)]
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            reverse(f)(x)
