"""No value of a tensor reaches a result past the graph: every argument of every function is tried.

Each argument that holds numbers, and each that may (fill values, initial values, weights, bounds,
tolerances, `where`, `out`), is varied: a result that follows smoothly needs a recorded gradient,
the right one, else the call must refuse a tensor there. Arguments that nothing gives are tried as
well, by the function's signature.
"""

import inspect
import operator
import warnings
from contextlib import suppress
from copy import deepcopy

import numpy as np
import pytest
from calls import CALLS
from test_registry import called

import minigrad as mg
from minigrad.core.registry import complete_registry
from minigrad.dispatch import PREDICATES
from minigrad.testing import Case, library_ops
from minigrad.testing.inputs import cases_of, draw

RNG = np.random.default_rng(11)
STEP = 1e-5
X, Y = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))
for fixed in (X, Y):
    fixed.flags.writeable = False
TRIED = (0.5, np.array([0.4, 0.3, 0.6]), np.array([0.1, 0.45]), X)


def plain(thing):
    """Nested results with arrays for tensors."""
    if isinstance(thing, tuple | list):
        return [plain(part) for part in thing]
    return thing.numpy() if isinstance(thing, mg.Tensor) else thing


def numbers(thing):
    """The floating-point numbers of a result, along one axis."""
    if isinstance(thing, tuple | list):
        return np.concatenate([numbers(part) for part in thing] or [np.zeros(0)])
    if isinstance(thing, np.ndarray) and thing.dtype.kind == "O":
        return numbers(thing.tolist())
    if isinstance(thing, float | np.ndarray | np.floating):
        array = np.asarray(thing)
        return array.astype(float).ravel() if array.dtype.kind == "f" else np.zeros(0)
    return np.zeros(0)


def slope(f, value, direction):
    """The change of the numbers of `f` along a direction; None where it is not smooth."""
    with suppress(Exception):
        ends = [numbers(f(value + k * STEP * direction)) for k in (-2, -1, 0, 1, 2)]
        if len({end.shape for end in ends}) > 1 or not np.isfinite(ends).all():
            return None
        near, far = ends[3] - ends[1], (ends[4] - ends[0]) / 2
        if np.allclose(near, far, rtol=1e-3, atol=1e-9) and np.abs(near).max(initial=0) > 1e-8:
            return near / (2 * STEP)
    return None


def places(args, kwargs):
    """Every place of a call where there are floating-point numbers: how to reach it, and they."""
    for i, x in enumerate(args):
        if is_real(x):
            yield i, x
        elif isinstance(x, tuple | list):
            yield from (((i, j), part) for j, part in enumerate(x) if is_real(part))
    yield from ((key, x) for key, x in kwargs.items() if is_real(x))


def is_real(x):
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype == float and x.size > 0)


def replaced(args, kwargs, place, value):
    """The arguments of a call with another value at a place."""
    args, kwargs = list(args), dict(kwargs)
    if isinstance(place, tuple):
        i, j = place
        args[i] = type(args[i])([value if k == j else x for k, x in enumerate(args[i])])
    elif isinstance(place, int):
        args[place] = value
    else:
        kwargs[place] = value
    return args, kwargs


def tensors(args, kwargs, tracked):
    """The arguments with tensors for arrays."""

    def tensor(x):
        if isinstance(x, list | tuple) and x and all(map(is_real, x)):
            return type(x)(map(tensor, x))
        real = isinstance(x, np.ndarray) and x.dtype == float
        return mg.Tensor(x, requires_grad=tracked) if real else x

    return [tensor(x) for x in args], {key: tensor(x) for key, x in kwargs.items()}


def leaves(f, args, kwargs):
    """The places of a call whose numbers reach the result past the graph, and how."""
    found, rng = [], np.random.default_rng(7)
    for place, value in places(args, kwargs):

        def of(v, place=place):
            given, named = replaced(args, kwargs, place, v)
            return f(*given, **named)

        direction = rng.normal(size=np.shape(value))
        wanted = slope(of, value, direction)
        if wanted is None:
            continue
        for tracked in (None, False, True):  # the others: arrays, constants, parameters
            others = (args, kwargs) if tracked is None else tensors(args, kwargs, tracked)
            t = mg.Tensor(value, requires_grad=True)
            given, named = replaced(*others, place, t)
            try:
                change = along(f(*given, **named), t, direction)
            except Exception:  # it refuses
                continue
            if change is None or not np.allclose(change, wanted, rtol=1e-3, atol=1e-4):
                found.append((place, tracked, wanted[:3], change))
    return found


def along(result, t, direction):
    """The change of the numbers of a result along a direction, from their gradients in `t`."""
    parts = result if isinstance(result, tuple | list) else [result]
    found = []
    for part in parts:
        if isinstance(part, tuple | list):
            found.append(along(part, t, direction))
        elif isinstance(part, mg.Tensor) and part.dtype == float:
            column = np.zeros(part.size)
            for i in range(part.size if part.requires_grad else 0):
                t.grad = None
                part.backward(np.eye(part.size)[i].reshape(part.shape))
                column[i] = 0 if t.grad is None else np.sum(t.grad * direction)
            found.append(column)
        else:
            found.append(np.zeros(len(numbers(part))))
    return np.concatenate(found or [np.zeros(0)])


def with_more(f, args, kwargs):
    """A call, and the same with each further argument that its function can take."""
    yield args, kwargs
    with suppress(ValueError, TypeError):
        parameters = list(inspect.signature(f).parameters.values())[len(args) :]
        for p in parameters:
            if p.name in kwargs or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                continue
            for tried in TRIED:
                with suppress(Exception):  # copies, as it may be an array to write into
                    f(*deepcopy(args), **kwargs, **{p.name: deepcopy(tried)})
                    yield deepcopy(args), {**kwargs, p.name: deepcopy(tried)}


def calls_of(function):
    """The sample calls of a function: itself or a lambda, the arrays, the settings."""
    if function in CALLS:
        for call in CALLS[function]:
            f, case = (function, call) if isinstance(call, Case) else call
            yield f, draw(case, np.random.default_rng(5)), case.settings
    elif hasattr(registry.get(function, function), "op"):
        for case in cases_of(registry.get(function, function).op)[:2]:
            yield function, draw(case, np.random.default_rng(5)), case.settings


registry = complete_registry()
FUNCTIONS = {called(f): f for f in [*CALLS, *registry]}
FUNCTIONS |= {
    f"{family}.{op.name}": op.function
    for family, ops in library_ops().items()
    for op in ops
    if op.function not in registry.values()
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_argument_reaches_a_result_past_the_graph(name):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for f, args, kwargs in calls_of(FUNCTIONS[name]):
            for call in with_more(f, args, kwargs):
                assert leaves(f, *call) == []


# --- functions without a derivative -----------------------------------------------------------

BEYOND = {  # what they are called with, if not with as many arrays as they take
    np.lexsort: [((X[0], Y[0]),)],
    np.argpartition: [(X, 1)],
    np.searchsorted: [(np.sort(X[0]), Y[0])],
    np.digitize: [(X, np.sort(Y[0]))],
    np.can_cast: [],
    np.isneginf: [(X,), (X, np.zeros((3, 3)))],
    np.isposinf: [(X,), (X, np.zeros((3, 3)))],
}
BINARY = {
    np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isin,
    np.shares_memory, np.may_share_memory,
}  # fmt: skip
UFUNCS = [f for f in PREDICATES if isinstance(f, np.ufunc)]
KEYWORDS = [  # of ufuncs and their methods, which have no signature to be read
    {},
    {"where": X > 0},
    {"out": np.zeros((3, 3))},
    {"dtype": object},
    {"dtype": object, "where": X > 0},
    {"out": np.zeros((3, 3)), "where": X > 0},
]


def called_with(f):
    """The positional arguments to try a function with."""
    if isinstance(f, np.ufunc):
        return [(X, Y)[: f.nin]]
    return BEYOND.get(f, [(X, Y) if f in BINARY else (X,)])


@pytest.mark.parametrize("f", PREDICATES - {np.empty_like}, ids=called)  # that has no values
def test_a_function_without_a_derivative_lets_no_number_through(f):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for args in called_with(f):
            for kwargs in KEYWORDS if isinstance(f, np.ufunc) else [{}]:
                for call in with_more(f, args, kwargs):
                    assert leaves(f, *call) == []


def methods():
    """The methods of every ufunc that tensors know, with and without further arguments."""
    for f in [*UFUNCS, *(f for f in registry if isinstance(f, np.ufunc))]:
        if f.nin != 2 or f.nout != 1 or getattr(np, f.__name__, None) is not f:
            continue
        for name in ("reduce", "accumulate", "outer", "reduceat"):
            yield f, name


@pytest.mark.parametrize(("f", "name"), list(methods()), ids=lambda x: getattr(x, "__name__", x))
def test_a_method_of_a_ufunc_lets_no_number_through(f, name):
    method = getattr(f, name)
    args = {"outer": (abs(X[0]), abs(Y[0])), "reduceat": (abs(X), [0, 2])}.get(name, (abs(X),))
    more = [{"initial": 0.5}, {"initial": 0.5, "where": X > 0}, {"axis": 1, "out": np.zeros(3)}]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for kwargs in [*KEYWORDS, *more]:
            with suppress(Exception):
                method(*args, **kwargs)
                assert leaves(method, args, kwargs) == []


def test_the_search_finds_what_leaves():
    def leaking(x, weights=None):
        return x * (1.0 if weights is None else np.sum(plain(weights)))

    calls = list(with_more(leaking, (X,), {}))
    assert [leaves(leaking, *call) == [] for call in calls] == [True] + [False] * len(TRIED)
    wrong = mg.general(lambda x: x * x, lambda g, z, x: g * x)
    assert len(leaves(wrong, (X,), {})) == 3  # beside arrays, constants and parameters


# --- the ways round ---------------------------------------------------------------------------

T = [1.0, 2.0]
WAYS_ROUND = {
    "full_like of a list": lambda t: np.full_like(t, [t[0], t[1]]),
    "full_like of integers": lambda t: np.full_like(np.array([1, 2]), t),
    "full": lambda t: np.full(2, t),
    "an or of objects": lambda t: np.logical_or(t, t, dtype=object),
    "an and of objects": lambda t: np.logical_and.reduce(t, dtype=object),
    "a tolerance": lambda t: np.full(2, np.isclose(T, T, rtol=t[0])) * t.item(),
    "an initial value": lambda t: np.sum(np.ones(2), initial=t[0]),
    "a default": lambda t: np.select([np.array([True, False])], [np.ones(2)], t[0]),
    "a default beside": lambda t: np.select([np.array([True, False])], [mg.Tensor(T)], t[0]),
    "a part of a list": lambda t: mg.Tensor([t[0], 1.0]),
    "an array of objects": lambda t: np.array([t[0], None], dtype=object) * mg.Tensor(T),
    "a cotangent": lambda t: (mg.Tensor(T, requires_grad=True) * 1).backward(t),
    "assign": lambda t: mg.Tensor(T).assign([t[0], t[1]]),
}
RECORDED = {"a default beside"}


@pytest.mark.parametrize("way", WAYS_ROUND)
def test_there_is_no_way_round_the_graph(way):
    t = mg.Tensor(T, requires_grad=True)
    if way in RECORDED:
        assert WAYS_ROUND[way](t).requires_grad
        return
    with pytest.raises((TypeError, ValueError)):
        WAYS_ROUND[way](t)


def test_full_like_keeps_the_gradient_of_what_it_fills_with():
    s = mg.Tensor(3.0, requires_grad=True)
    z = np.full_like(mg.Tensor(np.ones((2, 3), np.float32)), s)
    assert (z.dtype, z.shape) == (np.float32, (2, 3))
    np.sum(z * z).backward()
    assert s.grad == 36.0
    assert type(np.full_like(s, 2.0)) is np.ndarray
    with pytest.raises(TypeError):
        np.full_like(mg.Tensor([1, 2]), s)


def test_a_pseudo_inverse_that_leaves_something_out_has_no_derivative():
    a = mg.Tensor(np.diag([3.0, 2.0, 0.5]), requires_grad=True)
    assert np.linalg.pinv(a, rcond=0.1).requires_grad
    for f in (lambda: np.linalg.pinv(a, rcond=0.5), lambda: np.linalg.lstsq(a, np.ones(3), 0.5)):
        with pytest.raises(mg.errors.RuleError, match=r"tolerance 0\.5"):
            f()
    np.testing.assert_allclose(np.linalg.pinv(a.detach(), rcond=0.5).data[2], 0)


# --- arrays that are more than numbers --------------------------------------------------------


def objects(*parts):
    array = np.empty(len(parts), object)
    array[:] = parts
    return array


class Metres(np.ndarray):
    """An array that knows its unit, as there are many."""


KINDS = {
    "masked": np.ma.array([0.5, 1.0], mask=[False, True]),
    "masked, nothing hidden": np.ma.array([0.5, 1.0]),
    "masked integers": np.ma.array([0, 1], mask=[False, True]),
    "masked booleans": np.ma.array([True, False], mask=[False, True]),
    "a hidden number": np.ma.masked,
    "a matrix": np.ones((2, 2)).view(np.matrix),
    "of a class of its own": np.array([0.5, 1.0]).view(Metres),
    "complex": np.array([1.0, 2.0j]),
    "a complex number": 2.0j,
    "one of NumPy's complex numbers": np.complex64(1),
    "dates": np.array(["2020", "2021"], "M8[Y]"),
    "durations": np.array([1, 2], "m8[s]"),
    "objects": objects(1.0, 2.0),
    "tensors": objects(mg.Tensor(1.0), mg.Tensor(2.0)),
    "texts": np.array(["1", "2"]),
    "records": np.array([(1.0, 2)], [("a", float), ("b", int)]),
}
ENTRIES = {
    "right": lambda t, m: t * m,
    "left, by a function": lambda t, m: np.multiply(m, t),
    "a power": lambda t, m: t**m,
    "matmul": lambda t, m: np.matmul(m, t),
    "a new tensor": lambda t, m: mg.Tensor(m),
    "a list of them": lambda t, m: mg.Tensor([m, m]),
    "assign": lambda t, m: t.assign(m),
    "a cotangent": lambda t, m: (t * 1).backward(m),
    "a cotangent of a pullback": lambda t, m: mg.vjp(np.exp, np.ones(2))[1](m),
    "a cotangent in forward": lambda t, m: mg.vjp(np.exp, t)[1](m),
    "a tangent": lambda t, m: mg.jvp(np.exp, (np.ones(2),), (m,)),
    "a primal": lambda t, m: mg.grad(np.sum)(m),
    "joined": lambda t, m: np.concatenate([t, m]),
    "a condition": lambda t, m: np.where(m, t, 0.0),
    "a branch": lambda t, m: mg.where(True, t, m),
    "an index": lambda t, m: t[m],
    "indices": lambda t, m: np.take(t, m),
    "a mask": lambda t, m: np.sum(t, where=m),
    "a mask by our own name": lambda t, m: mg.sum(t, where=m),
    "a mean's mask": lambda t, m: mg.mean(t, where=m),
    "a maximum's mask": lambda t, m: mg.max(t, where=m, initial=0.0),
    "a slope": lambda t, m: mg.leaky_relu(t, m),
    "a bound": lambda t, m: np.clip(t, m, 3.0),
    "labels": lambda t, m: mg.cross_entropy(np.outer(t, T), m),
    "class weights": lambda t, m: mg.cross_entropy(np.outer(t, T), [0, 1], class_weights=m),
    "targets": lambda t, m: mg.mse(t, m),
    "weights": lambda t, m: np.average(t, weights=m),
    "a quantile": lambda t, m: np.quantile(t, m),
    "a filling": lambda t, m: np.full_like(t, m),
    "a border": lambda t, m: np.pad(t, 1, constant_values=m),
    "in a comparison": lambda t, m: np.isclose(t, m),
    "points": lambda t, m: np.interp(m, t, t),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_more_than_numbers_is_refused_wherever_it_enters(kind, entry):
    t = mg.Tensor(T, requires_grad=True)
    with pytest.raises((TypeError, ValueError, IndexError)) as raised:
        ENTRIES[entry](t, KINDS[kind])
    if kind.startswith("masked"):
        assert "mask" in str(raised.value)
    np.testing.assert_array_equal(t.data, T)
    assert t.grad is None


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "matmul", "iadd", "isub"])
@pytest.mark.parametrize("kind", ["masked", "complex", "objects", "tensors"])
@pytest.mark.filterwarnings("ignore")
def test_no_operator_takes_it_on_the_left(name, kind):
    with pytest.raises((TypeError, ValueError)):
        getattr(operator, name)(KINDS[kind].copy(), mg.Tensor(T, requires_grad=True))


def test_arrays_that_are_only_kept_elsewhere_are_plain(tmp_path):
    mapped = np.memmap(tmp_path / "numbers", float, "w+", shape=2)
    mapped[:] = T
    t = mg.Tensor(mapped, requires_grad=True)
    np.sum(t * mapped).backward()
    np.testing.assert_array_equal(t.grad, T)


@pytest.mark.parametrize("ufunc", [np.add, np.greater, np.equal, np.floor_divide, np.logical_and])
@pytest.mark.parametrize("method", ["__call__", "outer"])
def test_ufuncs_refuse_what_is_more_than_numbers_wherever_it_stands(ufunc, method):
    t = mg.Tensor([1.0, 2.0])
    call = ufunc if method == "__call__" else getattr(ufunc, method)
    for other in (np.array([1j, 2.0]), np.array([1, 2], "M8[D]")):
        for args in ((t, other), (other, t)):
            with pytest.raises(TypeError, match="real numbers"):
                call(*args)
