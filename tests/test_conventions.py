"""Every line of the table of kinks and ties in docs/conventions.md."""

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

PAGE = Path(__file__).parents[1] / "docs" / "conventions.md"
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \| `(.+)` \|$", PAGE.read_text(), re.MULTILINE)


def test_the_table_is_read_whole():
    assert len(ROWS) >= 20


@pytest.mark.parametrize(("expression", "at", "gradient"), ROWS, ids=[row[0] for row in ROWS])
def test_kink(expression, at, gradient):
    names = {"np": np, "mg": mg}

    def f(x):
        return np.sum(eval(expression, names | {"x": x}))

    with np.errstate(divide="ignore"):
        found = mg.grad(f)(np.array(eval(at, names)))
    np.testing.assert_allclose(found, eval(gradient, names), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(("expression", "at", "gradient"), ROWS, ids=[row[0] for row in ROWS])
def test_kink_in_forward_mode(expression, at, gradient):
    names = {"np": np, "mg": mg}
    x = np.array(eval(at, names))
    direction = np.random.default_rng(0).normal(size=x.shape)
    with np.errstate(divide="ignore"):
        found = mg.jvp(lambda x: np.sum(eval(expression, names | {"x": x})), (x,), (direction,))[1]
    wanted = np.sum(np.array(eval(gradient, names)) * direction)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-15)
