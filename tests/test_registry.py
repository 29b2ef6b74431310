"""Every op of the library, every NumPy function it implements and every public word is checked.

The ops are found by looking, not from a list; for what is made of ops `calls.py` has at least one
call each. Whatever is added without samples or a call fails here.
"""

import gc
from functools import cache
from types import FunctionType

import numpy as np
import pytest
from calls import CALLS, calls_of

import minigrad as mg
from minigrad.core.op import Op
from minigrad.core.registry import complete_registry
from minigrad.testing import check_grads, check_op, library_ops
from minigrad.testing.inputs import cases_of, draw
from minigrad.testing.library import NEEDS
from minigrad.testing.page import PATH, sections

OPS = {
    f"{family}.{op.name}[{i}]": op
    for family, ops in library_ops().items()
    for i, op in enumerate(ops)
}
NO_ARRAYS_OF_NUMBERS = {  # public words that are no functions of arrays, or have no derivative
    "detect_anomaly", "diff", "draw", "elementwise", "formula", "general", "grad", "graph",
    "hessian", "hvp", "jacobian", "jvp", "linear", "load", "no_grad", "one_hot", "save", "scope",
    "sources", "stop_gradient", "strict_broadcasting", "threads", "trace", "value_and_grad", "vjp",
    "why",
}  # fmt: skip


registry = complete_registry()


def called(function):
    """How NumPy's users write it: linalg.norm, add.reduce."""
    owner = getattr(function, "__self__", None)
    if owner is not None:
        return f"{owner.__name__}.{function.__name__}"
    module = (getattr(function, "__module__", None) or "").removeprefix("numpy").strip(".")
    return f"{module}.{function.__name__}".strip(".")


def is_stated_for(function):
    """Whether it is one of NumPy's (SciPy's have tests of their own) and an op by itself."""
    numpys = any(getattr(x, function.__name__, None) is function for x in (np, np.linalg))
    return numpys and hasattr(registry[function], "op") and function not in CALLS


ALL_CALLS = list(calls_of(CALLS))


@cache
def checked(op):
    """The report on an op, which is checked once in these tests."""
    return check_op(op)


@pytest.mark.parametrize("name", OPS)
def test_every_op_is_right(name):
    report = checked(OPS[name])
    assert report.order == 2
    assert report.modes == ("forward", "reverse")


@pytest.mark.parametrize(
    ("f", "case"), [c[1:] for c in ALL_CALLS], ids=[called(c[0]) for c in ALL_CALLS]
)
def test_every_function_made_of_ops_is_right(f, case):
    report = check_grads(f, *draw(case, np.random.default_rng(0)))
    assert report.compared > 0


@pytest.mark.parametrize("function", [f for f in registry if is_stated_for(f)], ids=called)
def test_numpys_own_functions_lead_to_the_ops(function):
    op = registry[function].op
    case = cases_of(op)[0]
    arrays = draw(case, np.random.default_rng(0))
    tensors = [mg.Tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in arrays]
    z = function(*tensors, **case.settings)
    assert isinstance(z, mg.Tensor)
    np.testing.assert_array_equal(z.numpy(), registry[function](*arrays, **case.settings))


@pytest.mark.long
@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_op_is_right_to_third_order(name, seed):
    assert check_op(OPS[name], order=3, seed=seed).order == 3


def test_the_page_of_all_ops_is_up_to_date():
    written = PATH.read_text(encoding="utf-8")
    stale = [family for family, text in sections(checked).items() if text not in written]
    assert stale == [], "run python -m minigrad.testing.page"
    there = {line[3:] for line in written.splitlines() if line.startswith("## ")}
    assert there - set(NEEDS) <= set(library_ops()), "run python -m minigrad.testing.page"


# --- nothing can be left out ------------------------------------------------------------------


def test_no_op_escapes():
    """Every op alive whose rules were written in the library is among those that are checked."""
    known = {id(op) for op in OPS.values()}
    written = "minigrad.ops"
    escaped = [
        op
        for op in gc.get_objects()
        if type(op) is Op and any(home(rule).startswith(written) for rule in op.rules)
        if id(op) not in known
    ]
    assert escaped == []


def home(rule):
    """The module in which a rule was written."""
    return getattr(rule, "__module__", None) or ""


def test_every_op_has_samples():
    assert [name for name, op in OPS.items() if not op.samples] == []


def test_every_function_of_numpy_is_called():
    left_out = [called(f) for f in registry if not hasattr(registry[f], "op") and f not in CALLS]
    assert left_out == [], "add calls to tests/calls.py"


def test_every_public_word_is_called():
    names = {name for name in vars(mg) if not name.startswith("_")} | mg.PART_OF.keys()
    words = {name: getattr(mg, name) for name in names}
    functions = {name for name, word in words.items() if isinstance(word, FunctionType)}
    checked = {id(f) for f in CALLS} | {id(registry[f]) for f in CALLS if f in registry}
    checked |= {id(op.function) for op in OPS.values()}
    left_out = {name for name in functions if id(words[name]) not in checked}
    assert left_out - NO_ARRAYS_OF_NUMBERS == set(), "add calls to calls.py, or name it above"


def test_there_are_enough_to_speak_of():
    assert len(OPS) > 100
    assert len(registry) > 150
