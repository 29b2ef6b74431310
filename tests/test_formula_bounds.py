"""What a formula may not do: write, grow beyond its bounds, take time out of proportion."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import FormulaError, MinigradError
from minigrad.formulas.words import METHODS, NOT_SETTINGS, words

HOSTILE = Path(__file__).parent / "hostile_formulas.py"


def probed(*arguments):
    """What a fresh process, whose memory is bounded, says of hostile calls of words."""
    done = subprocess.run(
        [sys.executable, HOSTILE, *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[0])


def test_no_word_takes_more_memory_or_time_than_it_may():
    """A sample of the calls of every word with huge numbers and arrays that were blown up."""
    assert probed("--sample", 6) > 1000


@pytest.mark.long
def test_no_word_takes_more_in_any_of_the_calls():
    assert probed() > 40_000


def test_random_texts_run_no_code_and_change_no_array():
    assert probed("--fuzz", 2_000) == 2_000


@pytest.mark.long
def test_a_million_random_texts_run_no_code_and_change_no_array():
    assert probed("--fuzz", 1_000_000) == 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "one_hot([0], 300000000)",
        "broadcast_to(x, (30000, 30000)) + 1",
        "repeat(x, 300000000)",
        "outer(tile(x, 100000), tile(x, 100000))",
        "x[tile([0], 300000000)]",
        "x = tile(x, 1000)\nx = tile(x, 1000)\ntile(x, 10)",
        "pad(x, 300000000)",
        "diag(tile(x, 100000))",
        "conv2d(x, x, padding=100000)",
        "einsum('a,b,c,d,e->', " + ", ".join(["tile(x, 1000)"] * 5) + ")",
    ],
)
def test_what_is_too_large_is_refused_before_it_is_made(text):
    f = mg.formula(text)
    x = [np.ones((1, 1, 2, 2)) if "conv" in text else np.ones(2)][: len(f.names)]
    start = time.perf_counter()
    with pytest.raises(FormulaError, match="beyond the size"):
        f(*x)
    assert time.perf_counter() - start < 1


def test_what_the_caller_brings_is_the_callers_own_size():
    big = np.ones((3000, 2000))  # more than the purse
    assert mg.formula("sum(relu(x * 2.0 + x), axis=0)")(big).shape == (2000,)
    assert mg.formula("x.T @ x")(big[:, :300]).shape == (300, 300)
    assert mg.formula("concatenate([x, x])")(big[:1000]).shape == (2000, 2000)


def doubled(first, then, times=28):
    return "\n".join([f"a = {first}", *[f"a = {then}"] * times, "a"])


@pytest.mark.parametrize(
    "text",
    [
        doubled("x", "[a, a]"),
        doubled("(x, x)", "(a, a)"),
        doubled("'ab'", "a + a"),
        doubled("[1]", "a * 1000"),
        doubled("3", "a * a"),
        doubled("split(x, 2)", "(a, a)"),
        "'ab' * 300000000",
        "(1, 2) * 300000000",
        "sum([0] * 300000000)",
        "x * (9 ** 9 ** 9)",
        "x + 99999999999999999999",
        "x.reshape('a' * 3)",
        "9223372036854775807 * 9",
        "(-8) ** 0.5",
        "'a'",
        "None",
        "a = 'a'\na",
    ],
)
def test_nothing_grows_but_arrays(text):
    start = time.perf_counter()
    with pytest.raises(FormulaError) as raised:
        mg.formula(text)(*([np.ones(2)] if "x" in text else []))
    assert "^" in str(raised.value) or "gives a" in str(raised.value)  # it points into the text
    assert time.perf_counter() - start < 1


SQUARED = "\nh = h * h" * 30 + "\nh"


@pytest.mark.parametrize(
    "text",
    [
        "h = where([0], [None], [9223372036854775807])" + SQUARED,
        "h = stack([[9223372036854775807, None]])[0, 0:1]" + SQUARED,
        "where([0], [None], [2]) ** 100000000",
        'h = stack(["ab", "cd"])' + "\nh = h + h" * 30 + "\nh",
        "where([0], [None], [x])[0]",
        'sort(["b", "a"])',
        'where(1, "ab", "cd") * 100000',
    ],
)
def test_arrays_are_of_real_numbers(text):
    start = time.perf_counter()
    with pytest.raises(FormulaError):
        mg.formula(text)(*([np.ones(2)] if "x" in text else []))
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("given", [np.array(["a"]), "abc", 1j, np.array([None])])
def test_inputs_are_real_numbers(given):
    with pytest.raises(MinigradError, match="real numbers"):
        mg.formula("y + y")(given)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("multiply(c, [x])", (40_000,)),
        ("subtract([x], [[[c]]])", (40_000,)),
        ("where([c > 0], [x], 0)", (40_000,)),
        ("select([c > 0], [x])", (40_000,)),
        ("multi_dot([c, reshape(x, (1, -1))])", (40_000,)),
        ("svd(reshape(x, (1, -1)), 'yes')[2]", (60_000,)),
        ("svd(reshape(x, (1, -1)), full_matrices='yes')[2]", (60_000,)),
        ("einsum('i,j->ij', x, x)", (20_000,)),
        ("einsum('ij,jk,kl,lm->im', x, x, x, x)", (50, 50)),
    ],
)
@pytest.mark.parametrize("kind", [np.asarray, mg.Tensor])
def test_what_grows_from_the_callers_own_arrays_is_counted_too(text, shape, kind):
    inputs = {"x": kind(np.ones(shape)), "c": kind(np.ones((*shape, 1)))}
    f = mg.formula(text)
    with pytest.raises(FormulaError, match="far beyond the size"):
        f(**{name: inputs[name] for name in f.names})


def test_results_of_several_are_had_one_by_one():
    x = np.array([[2.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(mg.formula("d = svd(x)\nd[1] * 2.0")(x), [4.0, 2.0])
    np.testing.assert_array_equal(mg.formula("concatenate(split(x, 2), axis=1)")(x), [[2, 0, 0, 1]])
    with pytest.raises(FormulaError, match="choose one of these results"):
        mg.formula("d = svd(x)\nconcatenate([d, d])")(x)


WRITING = ["out", "overwrite_input", "copy"]


@pytest.mark.parametrize("name", sorted(words()))
def test_no_word_writes(name):
    """By name it is refused, by position too; and what a formula is given is read-only."""
    for keyword in WRITING:
        with pytest.raises(FormulaError, match=f"{keyword}= is no setting here"):
            mg.formula(f"{name}(x, {keyword}=y)")
    for arguments in ("x, y", "x, 0, y", "x, None, y", "x, None, None, y", "x, 0, 1, y", "x, x, y"):
        x, y = np.array([3.0, 1.0, 2.0]), np.array([7.0, 8.0, 9.0])
        with suppress(MinigradError, TypeError):
            mg.formula(f"{name}({arguments})")(x, y)
        np.testing.assert_array_equal(x, [3.0, 1.0, 2.0])
        np.testing.assert_array_equal(y, [7.0, 8.0, 9.0])


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_is_the_word_of_that_name(name):
    x = np.random.default_rng(0).normal(size=(2, 3))
    arguments = {
        "clip": "-0.5, 0.5", "reshape": "3, 2", "transpose": "1, 0", "repeat": "2, axis=0",
        "swapaxes": "0, 1", "take": "[0, 2], axis=1", "dot": "x.T", "var": "ddof=1",
        "round": "1", "sum": "axis=1", "squeeze": "",
    }.get(name, "")  # fmt: skip
    expected = eval(f"x.{name}({arguments})", {"x": x})  # our own text
    for value in (x, mg.Tensor(x, requires_grad=True)):
        found = mg.formula(f"x.{name}({arguments})")(value)
        np.testing.assert_allclose(getattr(found, "_value", found), expected)
    with pytest.raises(FormulaError):
        mg.formula(f"x.{name}(out=x)")


@pytest.mark.parametrize("keyword", sorted(NOT_SETTINGS))
def test_what_is_no_setting_says_why(keyword):
    with pytest.raises(FormulaError, match=NOT_SETTINGS[keyword]):
        mg.formula(f"sum(x, {keyword}=x)")


def test_a_keyword_that_is_given_twice_is_refused():
    with pytest.raises(FormulaError, match="axis= is given twice"):
        mg.formula("sum(x, axis=0, axis=1)")


def test_a_power_is_written_with_two_stars():
    with pytest.raises(FormulaError, match=r"a power is written with \*\*"):
        mg.formula("x ^ 2")


def test_dtypes_are_those_of_numbers():
    assert mg.formula("sum(x, dtype='float32')")(np.ones(2)).dtype == np.float32
    for dtype in ("'O'", "'U300000000'", "'c16'", "'V9'"):
        with pytest.raises(FormulaError, match="dtype is one of bool"):
            mg.formula(f"one_hot([0], 2, dtype={dtype})")()
        with pytest.raises(FormulaError, match="dtype is one of bool"):
            mg.formula(f"one_hot([0], 2, {dtype})")()


def test_an_input_may_have_any_name():
    assert mg.formula("self + inputs + named + sum")(self=1, inputs=2, named=3, sum=4) == 10


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x + " * 30_000 + "x", "characters"),
        ("x" + "\nx = x" * 30_000, "characters|steps|only the last line"),
        ("x=1\n" * 12_000 + "x", "steps"),
        ("[" + "0," * 30_000 + "]", "steps"),
    ],
)
def test_a_text_has_a_length(text, reason):
    with pytest.raises(FormulaError, match=reason):
        mg.formula(text)


def test_time_is_linear_in_the_text():
    def took(lines):
        text = "\n".join([f"a{i} = x + {i}.0" for i in range(lines)]) + "\nx"
        start = time.perf_counter()
        mg.formula(text)(np.ones(1))
        return time.perf_counter() - start

    took(10)
    assert min(took(4000) for _ in range(3)) < 16 * min(took(1000) for _ in range(3))
