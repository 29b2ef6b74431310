"""Formulas from text: what they compute, what they refuse, and where errors point."""

import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import FormulaError, GradientTypeError, MinigradError, ShapeError
from minigrad.formulas.reading import ATTRIBUTES
from minigrad.formulas.words import METHODS, words


def tensors(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [mg.Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]


def marked(text, error):
    """The part of the text that a message marks."""
    lines = str(error).split("\n")
    at = next(i for i, line in enumerate(lines) if line.strip() and not line.strip(" ^"))
    assert lines[at - 1].strip() in text
    return "".join(
        letter
        for letter, mark in zip(lines[at - 1], lines[at].ljust(len(lines[at - 1])), strict=True)
        if mark == "^"
    )


def test_a_formula_is_the_function_it_reads_as():
    f = mg.formula("relu(x @ w1 + b) @ w2")
    assert f.names == ("x", "w1", "b", "w2")
    x, w1, b, w2 = given_ = tensors((4, 2), (2, 3), (3,), (3, 1))
    expected = np.maximum(x.data @ w1.data + b.data, 0) @ w2.data
    np.testing.assert_array_equal(f(*given_).data, expected)
    np.testing.assert_array_equal(f(x, w1, w2=w2, b=b).data, expected)
    f(*given_).sum().backward()
    hidden = (x.data @ w1.data + b.data > 0).astype(float)
    np.testing.assert_allclose(b.grad, (hidden * w2.data[:, 0]).sum(axis=0))


def test_it_records_the_same_graph_as_the_code():
    x, w = tensors((4, 2), (2, 3))
    one, other = mg.formula("tanh(x @ w).sum(axis=0) / 2.0")(x, w), np.tanh(x @ w).sum(axis=0) / 2.0

    def steps(t):
        return [(a["op"], a["settings"], a["shape"]) for _, a in mg.graph(t).nodes(data=True)]

    assert steps(one) == steps(other)


def test_arrays_in_arrays_out_and_transforms_take_it():
    f = mg.formula("sum(x ** 2 * 3)")
    assert not isinstance(f(np.ones(2)), mg.Tensor)
    assert f([1, 2]) == 15
    np.testing.assert_array_equal(mg.grad(f)(np.array([1.0, 2.0])), [6.0, 12.0])


PROGRAMS = {
    "-x + 2 * x - x / 3 + x // 2 % 2": lambda x: -x + 2 * x - x / 3 + x // 2 % 2,
    "2 ** x + x ** 2 - 3 ** 2": lambda x: 2**x + x**2 - 9.0,
    "x[0, ::2, None, ...]": lambda x: x[0, ::2, None, ...],
    "x[..., -1]": lambda x: x[..., -1],
    "x.T @ x": lambda x: x.T @ x,
    "where(x > 0, x, 0.1 * x)": lambda x: np.where(x > 0, x, 0.1 * x),
    "concatenate([x, x], axis=-1)": lambda x: np.concatenate([x, x], axis=-1),
    "reshape(x, (3, 2))": lambda x: np.reshape(x, (3, 2)),
    "x.reshape(-1).sum(keepdims=True)": lambda x: x.reshape(-1).sum(keepdims=True),
    "einsum('ij->ji', x)": lambda x: np.einsum("ij->ji", x),
    "linalg_free = abs(x)\n\nlinalg_free * 2": lambda x: np.abs(x) * 2,
    "  h = exp(x)\n  h = h + h\n  y = h * x": lambda x: 2 * np.exp(x) * x,
    "norm(x, axis=1)": lambda x: np.linalg.norm(x, axis=1),
    "inv(x @ x.T)": lambda x: np.linalg.inv(x @ x.T),
}


@pytest.mark.parametrize("text", PROGRAMS)
def test_everything_that_may_stand_in_one(text):
    x = np.random.default_rng(1).normal(size=(2, 3)) + 0.1
    f = mg.formula(text)
    assert f.names == ("x",)
    np.testing.assert_allclose(f(x), PROGRAMS[text](x))
    np.testing.assert_allclose(f(mg.Tensor(x, requires_grad=True)).data, PROGRAMS[text](x))


METHODS_OF_A_MATRIX = {  # each method as it may be written, and what it computes
    "sum(axis=0)": lambda x: np.sum(x, axis=0),
    "mean(1)": lambda x: np.mean(x, 1),
    "max(axis=-1)": lambda x: np.max(x, axis=-1),
    "min()": lambda x: np.min(x),
    "prod(0)": lambda x: np.prod(x, 0),
    "var(axis=1)": lambda x: np.var(x, axis=1),
    "std(axis=0, keepdims=True)": lambda x: np.std(x, axis=0, keepdims=True),
    "cumsum(1)": lambda x: np.cumsum(x, 1),
    "cumprod(axis=0)": lambda x: np.cumprod(x, axis=0),
    "round()": lambda x: np.round(x),
    "clip(-0.5, 0.7)": lambda x: np.clip(x, -0.5, 0.7),
    "reshape(2, 2, 3)": lambda x: np.reshape(x, (2, 2, 3)),
    "transpose(1, 0)": lambda x: np.transpose(x, (1, 0)),
    "squeeze()": lambda x: np.squeeze(x),
    "ravel()": lambda x: np.ravel(x),
    "repeat(2, axis=1)": lambda x: np.repeat(x, 2, axis=1),
    "swapaxes(0, 1)": lambda x: np.swapaxes(x, 0, 1),
    "diagonal()": lambda x: np.diagonal(x),
    "trace()": lambda x: np.trace(x),
    "take([0, 2], axis=1)": lambda x: np.take(x, [0, 2], axis=1),
    "dot(x.T)": lambda x: np.dot(x, x.T),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
}


@pytest.mark.parametrize("call", METHODS_OF_A_MATRIX)
def test_each_method_is_that_of_numpy_and_has_a_gradient(call):
    x = np.random.default_rng(2).normal(size=(3, 4))
    f, of_numpy = mg.formula(f"x.{call}"), METHODS_OF_A_MATRIX[call]
    expected = of_numpy(x)
    np.testing.assert_allclose(f(x), expected, rtol=1e-14)
    assert type(f(x)) is type(expected)
    t = mg.Tensor(x, requires_grad=True)
    z = f(t)
    np.testing.assert_allclose(z.data, expected, rtol=1e-14)
    g = np.random.default_rng(3).normal(size=np.shape(expected))
    z.backward(g)
    steps = 1e-6 * np.eye(x.size).reshape(-1, *x.shape)
    slopes = [np.sum(g * (of_numpy(x + h) - of_numpy(x - h))) / 2e-6 for h in steps]
    np.testing.assert_allclose(t.grad, np.reshape(slopes, x.shape), rtol=1e-5, atol=1e-7)


def test_no_method_is_left_out_of_the_table():
    assert {call.partition("(")[0] for call in METHODS_OF_A_MATRIX} == {*METHODS, *ATTRIBUTES}


def test_lines_give_names_that_the_diagram_shows():
    x, w = tensors((2, 3), (3, 1))
    before = x * 1.0
    y = mg.formula("same = x\nhidden = relu(same @ w)\nhidden * 2.0")(before, w)
    assert "hidden" in {name for _, name in mg.graph(y).nodes(data="name")}
    assert before.name is None  # an input keeps its own name


def test_python_numbers_leave_float32_alone():
    x = mg.Tensor([1.0], dtype=np.float32)
    assert mg.formula("2 * x + 0.5")(x).dtype == np.float32
    assert mg.formula("x * c")(x, 2.0).dtype == np.float32


REFUSED = {  # text: what is marked
    "__import__('os').system('true')": "__import__('os').system",
    "x.__class__": "x.__class__",
    "x.grad": "x.grad",
    "x.tofile('a')": "x.tofile",
    "x.assign(0)": "x.assign",
    "open('a')": "open",
    "print(x)": "print",
    "eval('x')": "eval",
    "mg.save(x)": "mg.save",
    "save('a', x)": "save",
    "(lambda: x)()": "lambda: x",
    "x() + 1": "x",
    "relu(x)(x)": "relu(x)",
    "[y for y in x]": "[y for y in x]",
    "x if x else x": "x if x else x",
    "f'{x}'": "f'{x}'",
    "{x: x}": "{x: x}",
    "(y := x)": "y := x",
    "x and x": "x and x",
    "0 < x < 1": "0 < x < 1",
    "x | x": "x | x",
    "~x": "~x",
    "relu(*x)": "*x",
    "relu(**x)": "**x",
    "1j * x": "1j",
    "b'a'": "b'a'",
    "import os": "import os",
    "del x": "del x",
    "x.y = x": "x.y",
    "x += 1": "x += 1",
    "x\nx": "x",
    "yield x": "yield x",
    "await x": "await x",
}


@pytest.mark.parametrize("text", REFUSED)
def test_nothing_else_is_read(text):
    with pytest.raises(FormulaError) as raised:
        mg.formula(text)
    assert marked(text, raised.value) == REFUSED[text]


@pytest.mark.parametrize(
    "text", ["", "  \n", "relu(x", "x +", "x\0", "\ud800", "x = ", "0x", "1__0"]
)
def test_what_python_cannot_read_is_one_clear_error(text):
    with pytest.raises(FormulaError, match=r"^formula: "):
        mg.formula(text)


@pytest.mark.parametrize(
    "text", ["x" + " + x" * 100_000, "(" * 5000 + "x" + ")" * 5000, "-" * 50_000 + "x"]
)
def test_what_is_nested_too_deeply_is_one_too(text):
    with pytest.raises(FormulaError):
        mg.formula(text)


def test_a_deep_formula_needs_no_deep_stack():
    f = mg.formula("x" + " + x" * 500)
    (x,) = tensors((2,))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    try:
        y = f(x)
    finally:
        sys.setrecursionlimit(limit)
    np.testing.assert_allclose(y.data, 501 * x.data)


def test_words_are_suggested():
    with pytest.raises(FormulaError, match="no function 'rellu'; did you mean relu"):
        mg.formula("rellu(x)")
    with pytest.raises(FormulaError, match=r"no method \.summ here; did you mean sum"):
        mg.formula("x.summ()")


def test_no_word_reaches_files_or_code():
    assert not {"save", "load", "fromfile", "open", "eval", "exec", "testing", "formula"} & {
        *words()
    }
    assert {"relu", "conv2d", "tanh", "sum", "matmul", "svd", "abs", "mse"} <= {*words()}


POINTING = [  # text, shapes, the error, what is marked, what is said of the parts
    ("relu(x @ w + b)", [(4, 2), (3, 2), (2,)], ShapeError, "x @ w", "x is (4, 2), w is (3, 2)"),
    ("relu(x @ w + b)", [(4, 2), (2, 2), (3,)], ShapeError, "x @ w + b",
     "x @ w is (4, 2), b is (3,)"),
    ("h = x * 2\nconv2d(h, w)", [(1, 1, 3, 3), (1, 2, 2, 2)], ShapeError, "conv2d(h, w)",
     "h is (1, 1, 3, 3), w is (1, 2, 2, 2)"),
    ("é + sum(x, axis=5)", [(2,), (2,)], FormulaError, "sum(x, axis=5)", "x is (2,)"),
    ("sum(x, axxis=5)", [(2,)], FormulaError, "sum(x, axxis=5)", "x is (2,)"),
    ("reshape(x, (2, 2))", [(3,)], ShapeError, "reshape(x, (2, 2))", "x is (3,)"),
    ("x * 9 ** 9 ** 9", [()], FormulaError, "9 ** 9 ** 9", ""),
    ("x * (1 / 0)", [()], FormulaError, "1 / 0", ""),
    ("x * (2).sum()", [()], FormulaError, "(2).sum()", ""),
    ("x.astype", [()], FormulaError, "x.astype", ""),
]  # fmt: skip


@pytest.mark.parametrize("kind", [mg.Tensor, np.asarray])
@pytest.mark.parametrize(("text", "shapes", "error", "part", "said"), POINTING)
def test_errors_point_into_the_text(text, shapes, error, part, said, kind):
    with pytest.raises(error) as raised:
        mg.formula(text)(*[kind(t.data) for t in tensors(*shapes)])
    assert marked(text, raised.value) == part
    assert str(raised.value).endswith(said)


def test_the_class_of_an_error_stays():
    for special in (np.array(1j), np.ma.masked_array([1.0], [True])):
        with pytest.raises(GradientTypeError):
            mg.formula("x + c")(*tensors(()), special)


def test_inputs_that_do_not_match_are_named():
    f = mg.formula("x @ w")
    with pytest.raises(TypeError, match=r"missing a required argument: 'w'.* takes x, w"):
        f(1.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'v'"):
        f(1.0, 2.0, v=3.0)
    with pytest.raises(TypeError, match="a formula is text"):
        mg.formula(3)
    assert mg.formula("1 + 2")() == 3


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    with suppress(FormulaError):
        assert mg.formula(text).text


@given(st.text(alphabet="xw12.+-*/@()[],:= \nrelusm'", max_size=25))
def test_any_formula_computes_or_raises_its_own_errors(text):
    with suppress(MinigradError):
        f = mg.formula(text)
        f(*tensors(*[(2, 2)] * len(f.names)))
