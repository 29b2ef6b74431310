"""What the certificate holds rules against belongs together, says mpmath's own differentiation."""

import mpmath as mp
import numpy as np
import pytest
from truths import UNARY, WORDS
from truths_of_special import SPECIAL_UNARY
from truths_of_two import BINARY, SPECIAL_BINARY

PLACES = (0.37, 0.81, -0.62, -2.3, 1.73, 6.1)
PAIRS = ((0.37, 0.81), (2.3, 1.7), (-1.2, 3.4), (5.6, -2.9), (6.1, 0.52))
OF_ONE, OF_TWO = UNARY | WORDS | SPECIAL_UNARY, BINARY | SPECIAL_BINARY


def slope(f, x, order):
    """By differences of two numbers that are so near that 20 digits are right."""
    return mp.diff(f, x, order, h=mp.mpf(10) ** -12, direction=0)


def close(a, b):
    return abs(a - b) <= mp.mpf(10) ** -18 * max(1, abs(b))


def inside(truth, places, number):
    """The first of the places that lie in the domain."""
    return [p for p in places if np.all(truth.domain(*np.array(p, ndmin=1).T))][:number]


@pytest.mark.parametrize("name", OF_ONE)
def test_the_derivatives_of_a_function_of_one_number(name):
    truth = OF_ONE[name]
    places = inside(truth, PLACES, 2)
    assert places
    for x in map(mp.mpf, places):
        if truth.value is not None:
            assert close(slope(truth.value, x, 1), truth.first[0](x))
        assert close(slope(truth.first[0], x, 1), truth.second[0](x))


@pytest.mark.parametrize("name", OF_TWO)
def test_the_derivatives_of_a_function_of_two_numbers(name):
    truth = OF_TWO[name]
    places = inside(truth, PAIRS, 2)
    assert places
    for x in (tuple(map(mp.mpf, pair)) for pair in places):
        if truth.value is not None:
            for partial, order in zip(truth.first, ((1, 0), (0, 1)), strict=True):
                assert close(slope(truth.value, x, order), partial(*x))
        in_x, in_y = truth.first
        for f, order, second in (
            (in_x, (1, 0), truth.second[0]),
            (in_x, (0, 1), truth.second[1]),
            (in_y, (1, 0), truth.second[1]),
            (in_y, (0, 1), truth.second[2]),
        ):
            assert close(slope(f, x, order), second(*x)), (x, order)
