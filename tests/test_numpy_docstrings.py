"""NumPy's own values: the calls in the examples of its docstrings, rerun with tensors.

For every function that has a rule, or that is known to have no gradient, the value, the dtype and
the shape are those that NumPy gives, or the call is refused for a reason that is documented. Then
the same calls with the arrays in other dtypes. A new function of the registry is here by itself.
"""

import re
import warnings
from functools import cache

import numpy as np
import pytest
from docstrings import calls_in, documented

import minigrad as mg
from minigrad.core.registry import complete_registry
from minigrad.dispatch import PREDICATES

KNOWN = complete_registry().keys() | PREDICATES
REFUSALS = [  # what a tensor does not do, by the message that says so
    r"takes no out=",
    r"output array is read-only",  # the same, of a function without a gradient
    r"computes with real numbers",  # complex numbers and objects
    r"computes with plain arrays",  # masked ones
    r"a tensor that requires a gradient stays floating-point",
    r"is something else in NumPy|pad: mode .* has no derivative",
    r"order is \"C\" \(rows first\) or \"F\"",  # a tensor has no memory layout of its own
    r"cross: takes vectors of 3 components",  # those of 2 are deprecated
    r"inv: Singular matrix",  # of cond in other norms than 2: see its docstring
]
NOT_COMPARED = {  # functions of memory, which a tensor has its own of, and of uninitialised memory
    np.shares_memory, np.may_share_memory, np.empty_like,
}  # fmt: skip
SLOW = {np.einsum, np.linalg.multi_dot}  # their examples measure time
DIFFERENT = {  # (function, dtype): why it is not NumPy's value
    ("var", "float16"): "NumPy's sum of a million of values overflows float16",
    ("std", "float16"): "NumPy's sum of a million of values overflows float16",
    ("gradient", "uint8"): "coordinates that became equal: nan there, inf here",
    ("gradient", "int8"): "coordinates that became equal: nan there, inf here",
    ("gradient", "bool"): "coordinates that became equal: nan there, inf here",
}
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-12}
DTYPES = ["as given", "float32", "float16", "uint8", "int8", "bool"]


@cache
def all_calls(*, slow=True):
    """Every call that is comparable, each once; without `slow` those of seconds are left out."""
    wanted = KNOWN - NOT_COMPARED - (set() if slow else SLOW)
    with np.errstate(all="ignore"):
        examples = [calls_in(f.__doc__) for f in documented() if f in wanted]
    calls = [call for some in examples for call in some]
    known = [c for c in calls if getattr(c.function, "__hash__", None) and c.function in KNOWN]
    return list({repr(c): c for c in known if c.function not in NOT_COMPARED}.values())


@cache
def sample():
    """At most four calls of each function."""
    chosen = {}
    for call in all_calls(slow=False):
        chosen.setdefault(call.name, []).append(call)
    return [call for calls in chosen.values() for call in calls[:4]]


def mapped(x, change):
    """The same nested lists and tuples with `change` made to the arrays in them."""
    if type(x) in (list, tuple):
        return type(x)(mapped(part, change) for part in x)
    return change(x) if type(x) is np.ndarray else x


def in_dtype(dtype):
    """A change of numbers: whole ones stay whole beside a floating dtype."""

    def change(x):
        kinds = "f" if np.dtype(dtype).kind == "f" else "fi"
        return x.astype(dtype) if x.dtype.kind in kinds else x

    return change


def as_tensor(x):
    """A tensor, which requires a gradient if it can."""
    return mg.Tensor(x, requires_grad=x.dtype.kind == "f") if x.dtype.kind in "fbiu" else x


def arrays_of(result):
    """The arrays of a result, however nested."""
    if isinstance(result, tuple | list):
        return [a for part in result for a in arrays_of(part)]
    return [np.asarray(result.data if isinstance(result, mg.Tensor) else result)]


def difference(ours, numpys, near):
    """In what a result is not NumPy's, or None; `near` is how far it may be for its inputs."""
    if len(ours) != len(numpys):
        return f"{len(ours)} results for {len(numpys)}"
    for x, y in zip(ours, numpys, strict=True):
        if (x.dtype, x.shape) != (y.dtype, y.shape):
            return f"{x.dtype} {x.shape} for {y.dtype} {y.shape}"
        if y.dtype.kind not in "fc":
            same = np.array_equal(x, y)
        else:
            finite = np.abs(y[np.isfinite(y)]).astype(float)
            near = max(near, TOLERANCE.get(y.dtype.name, 1e-12))
            wide = [a.astype(float) if a.dtype.kind == "f" else a for a in (x, y)]
            same = np.allclose(*wide, rtol=near, atol=near * finite.max(initial=0), equal_nan=True)
        if not same:
            return f"{x} for {y}"
    return None


def findings(calls, dtype):
    """What differs from NumPy, and is not refused on purpose; and how many calls were compared."""
    found, number = [], 0
    near = TOLERANCE.get(dtype, 0.0)
    change = (lambda x: x) if dtype == "as given" else in_dtype(dtype)
    for call in calls:
        with np.errstate(all="ignore"):
            args = mapped(call.args, change)
            kwargs = {key: mapped(x, change) for key, x in call.kwargs.items()}
        given = mapped(args, as_tensor), {k: mapped(x, as_tensor) for k, x in kwargs.items()}
        if repr(given) == repr((args, kwargs)) or (call.name, dtype) in DIFFERENT:
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                wanted = arrays_of(call.function(*args, **kwargs))
            except Exception:  # NumPy does not do it in this dtype
                continue
            number += 1
            try:
                what = difference(arrays_of(call.function(*given[0], **given[1])), wanted, near)
            except Exception as error:
                refused = any(re.search(reason, str(error)) for reason in REFUSALS)
                what = None if refused else f"{type(error).__name__}: {error}"
        if what:
            found.append(f"{call!r}: {what}"[:400])
    return found, number


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_give_numpys_values(dtype):
    found, number = findings(sample(), dtype)
    assert not found, "\n".join(found)
    assert number > 300


@pytest.mark.long
@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_give_numpys_values_in_all_examples(dtype):
    found, number = findings(all_calls(), dtype)
    assert not found, "\n".join(found)
    assert number > 500


def test_the_examples_are_found():
    functions = {call.function for call in all_calls(slow=False)}
    assert len(functions & complete_registry().keys()) > 150


# --- what no example shows ------------------------------------------------------------------


@pytest.mark.parametrize("triangle", ["L", "U", "l", "u"])
def test_eigenvectors_have_numpys_signs(triangle):
    rng = np.random.default_rng(0)
    for size in (2, 3, 5):
        a = rng.normal(size=(20, size, size))
        ours, numpys = (np.linalg.eigh(x, triangle) for x in (mg.Tensor(a), a))
        np.testing.assert_array_equal(ours.eigenvectors.data, numpys.eigenvectors)
        np.testing.assert_array_equal(ours.eigenvalues.data, numpys.eigenvalues)


def test_interp_is_float64_and_the_rank_is_lapacks_integer():
    f = np.ones(3, np.float32)
    assert np.interp(f, mg.Tensor(np.arange(3.0, dtype=np.float32)), f).dtype == np.float64
    a = np.eye(3)[:, :2]
    ours, numpys = (np.linalg.lstsq(x, np.ones(3), rcond=None)[2] for x in (mg.Tensor(a), a))
    assert type(ours) is type(numpys)
    assert ours == numpys


def test_sums_over_nothing():
    empty = mg.Tensor(np.ones((2, 0)), requires_grad=True)
    for z in (np.logaddexp.reduce(empty, axis=1), mg.logsumexp(empty, axis=1)):
        np.testing.assert_array_equal(z.data, [-np.inf, -np.inf])
        z.backward(np.ones(2))
    assert mg.softmax(empty).shape == mg.log_softmax(empty).shape == (2, 0)
    np.testing.assert_array_equal(mg.logsumexp(empty, axis=0).data, np.zeros(0))
    assert empty.grad.shape == (2, 0)
