"""`detect_anomaly` stops at the first op that makes nan or infinity; `why` and pictures know it."""

import inspect
import re
import threading
from contextlib import ExitStack

import numpy as np
import pytest
from calls import CALLS

import minigrad as mg
from minigrad.core.anomaly import made_of
from minigrad.errors import AnomalyError, MinigradError
from minigrad.testing import Case
from minigrad.testing.inputs import cases_of, draw
from minigrad.testing.library import library_ops

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAN, INF = np.nan, np.inf
HUGE = np.finfo(float).max


def parameter(values, name=None):
    return mg.Tensor(np.asarray(values, float), requires_grad=True, name=name)


def line(offset=0):
    """This file and the line of the caller, as messages give them."""
    return f"test_anomaly.py:{inspect.currentframe().f_back.f_lineno + offset}"


def stopped(f, *values):
    """What is said where `f` of parameters, or its backward pass, is stopped."""
    inputs = [parameter(v, name=name) for v, name in zip(values, "abc", strict=False)]
    with pytest.raises(AnomalyError) as caught, mg.detect_anomaly():
        np.sum(f(*inputs)).backward()
    assert all(x.grad is None for x in inputs)
    return str(caught.value)


def twice(x):
    return x + x


FORWARD = {  # what makes it, of what, and what the message has to say
    "log of 0": (np.log, [[1.0, 0.0]], ["log makes -inf", "at [1]", "a = 0", "np.log(x + 1e-12)"]),
    "log of less": (np.log, [[-1.0]], ["log makes nan", "a = -1", "not defined"]),
    "log1p": (np.log1p, [[-1.0]], ["log1p makes -inf", "infinite there"]),
    "0 / 0": (
        lambda a: a / np.linalg.norm(a),
        [[0.0, 0.0]],
        ["divide makes nan", "a = 0, y = 0", "np.where(y == 0, 1, y)"],
    ),
    "x / 0": (lambda a, b: a / b, [[[1.0, 2.0], [3.0, 4.0]], [[1.0], [0.0]]], [
        "divide makes inf", "at [1, 0]", "and at 1 more of its 4 elements", "a = 3, b = 0",
    ]),
    "1 / x": (lambda a: 1 / a, [[2.0, 0.0]], ["makes inf", "at [1]", "1e-12"]),
    "root of less": (np.sqrt, [[-4.0]], ["sqrt makes nan", "a = -4", "x + 1e-12"]),
    "softmax by hand": (
        lambda a: np.exp(a) / np.sum(np.exp(a)),
        [[1000.0, 0.0]],
        ["exp makes inf", "a = 1000", "1.798e+308", "mg.softmax"],
    ),
    "power": (lambda a, b: a**b, [[-8.0], [1 / 3]], ["power makes nan", "a = -8, b = 0.3333"]),
    "a negative power": (lambda a, b: a**b, [[0.0], [-2.0]], ["power makes inf", "a = 0, b = -2"]),
    "a product": (lambda a, b: a * b, [[1e200], [1e200]], ["multiply makes inf", "wider dtype"]),
    "matmul": (lambda a, b: a @ b, [[[1e200, 2.0]], [[1e200], [1.0]]], [
        "matmul makes inf", "a of shape (1, 2) is 2 to 1e+200", "b of shape (2, 1) is 1 to 1e+200",
    ]),
    "a sum": (np.sum, [[HUGE, HUGE]], ["sum makes inf", "1.798e+308"]),
    "an empty mean": (lambda a: np.mean(a[a > 5.0]), [[1.0]], ["mean makes nan", "empty"]),
    "inf - inf": (lambda a, b: a - b, [[1.0, INF], [2.0, INF]], [
        "subtract makes nan out of infinite numbers at [1]", "overflowed before",
    ]),
    "a user's op": (
        mg.elementwise(lambda x: np.log(x - 1), lambda z, x: 1 / (x - 1), name="mine"),
        [[2.0, 1.0]],
        ["mine makes -inf", "at [1]", "infinite there"],
    ),
}  # fmt: skip

BACKWARD = {
    "where around a bad branch": (
        lambda a: np.where(a > 0, np.sqrt(a), 0.0),
        [[4.0, 0.0]],
        ["sqrt makes nan in the backward pass", "at [1]", "cotangent = 0", "np.where(ok, x, 1)"],
    ),
    "root of 0": (np.sqrt, [[0.0]], ["sqrt makes inf", "of a at [0]", "0.5 / z, is inf there"]),
    "norm by hand": (
        lambda a: np.sqrt(np.sum(a * a)),
        [[0.0, 0.0]],
        ["sqrt makes inf in the backward pass", "np.linalg.norm"],
    ),
    "power": (lambda a, b: a**b, [[0.0, 1.0], [0.25, 2.0]], [
        "power makes inf in the backward pass", "of a at [0]", "a = 0, b = 0.25",
    ]),
    "summed back over a batch": (
        lambda a, b: np.sqrt(a + b),
        [[[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]], [0.0, 0.0]],
        ["sqrt makes inf", "at [1, 0]", "x = 0"],
    ),
    "of a smaller operand": (
        lambda a, b: a**b,
        [[[0.0, 1.0]], [[1.0], [0.5]]],
        ["power makes inf", "of a at [0, 0]", "a = 0, b = 0.5"],
    ),
    "a rule of one's own": (
        mg.general(lambda x: x.copy(), lambda g, z, x: g / (x - 1), name="mine"),
        [[2.0, 1.0]],
        ["mine makes inf in the backward pass", "at [1]", "g / (x - 1)"],
    ),
    "uses that add up": (
        lambda a: a * 1e308 + a * 1e308,
        [[0.0]],
        ["uses of a", "add up to inf", "wider dtype"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_it_stops_forward(name):
    f, values, words = FORWARD[name]
    text = stopped(f, *values)
    assert [word for word in words if word not in text] == []
    assert "test_anomaly.py" in text


@pytest.mark.parametrize("name", FORWARD)
def test_it_stops_where_nothing_is_recorded(name):
    f, values, words = FORWARD[name]
    for make in (parameter, mg.Tensor):
        inputs = [make(np.asarray(v)) for v in values]
        stop = pytest.raises(AnomalyError, match=words[0].split()[0])
        with stop, mg.detect_anomaly(), mg.no_grad():
            f(*inputs)


@pytest.mark.parametrize("name", BACKWARD)
def test_it_stops_backward(name):
    f, values, words = BACKWARD[name]
    text = stopped(f, *values)
    assert [word for word in words if word not in text] == []
    assert "test_anomaly.py" in text


@pytest.mark.parametrize("name", [n for n in BACKWARD if n != "uses that add up"])
def test_it_stops_in_every_way_to_a_derivative(name):
    f, values, _ = BACKWARD[name]
    values = [np.asarray(v, float) for v in values]
    everything = tuple(range(len(values)))

    def total(*inputs):
        return np.sum(f(*inputs))

    def create_graph():
        inputs = [parameter(v) for v in values]
        total(*inputs).backward(create_graph=True)

    ones = tuple(np.ones_like(v) for v in values)
    ways = {
        "create_graph": create_graph,
        "grad": lambda: mg.grad(total, everything)(*values),
        "second order": lambda: mg.grad(lambda *v: np.sum(mg.grad(total)(*v)))(*values),
        "vjp": lambda: mg.vjp(total, *values)[1](),
        "jacobian": lambda: mg.jacobian(f, everything)(*values),
        "jvp": lambda: mg.jvp(f, tuple(values), ones),
        "hvp": lambda: mg.hvp(total, tuple(values), ones),
        "checkpoint": lambda: mg.grad(mg.checkpoint(total), everything)(*values),
        "forward mode of a checkpoint": lambda: mg.jvp(mg.checkpoint(f), tuple(values), ones),
    }
    passed = []
    for way, run in ways.items():
        alone = run()  # nobody looks
        if alone is not None and all(np.isfinite(x).all() for x in flat(alone)):
            assert name == "where around a bad branch"  # forward mode drops it, and stops or not
            assert way in ("jacobian", "jvp", "forward mode of a checkpoint")
            continue
        try:
            mg.detect_anomaly()(run)()
        except AnomalyError:
            continue
        passed.append(way)
    assert passed == []


def test_a_checkpoint_names_what_is_inside():
    block = mg.checkpoint(lambda x: np.sum(np.sqrt(x * 1.0)))
    place = line(-1)
    x = parameter([0.0])
    loss = block(x) * 2.0
    stop = pytest.raises(AnomalyError, match="sqrt makes inf in the backward pass")
    with stop as caught, mg.detect_anomaly():
        loss.backward()
    assert place in str(caught.value)
    with pytest.raises(AnomalyError, match="log makes -inf"), mg.detect_anomaly():
        mg.checkpoint(lambda x: np.log(x * 1.0))(x)


def test_what_is_infinite_on_purpose_inside_a_checkpoint_is_none():
    x = parameter([1.0, 2.0])
    masked = mg.checkpoint(lambda x: np.where(np.array([True, False]), x, -INF))
    steep = mg.checkpoint(lambda x: x * np.array([1.0, INF]))
    with mg.detect_anomaly():
        assert masked(x).data.tolist() == [1.0, -INF]
        np.sum(steep(x)).backward()
    assert x.grad.tolist() == [1.0, INF]


def test_forward_mode_tells_of_a_checkpoint_as_a_whole():
    def block(x):
        return np.sqrt(x * 1.0)

    point = (np.array([0.0]),)
    with pytest.raises(AnomalyError, match=r"block makes .* in forward mode"), mg.detect_anomaly():
        mg.jvp(mg.checkpoint(block), point, point)


def test_the_line_and_the_names_are_the_users():
    weights = parameter([0.0, 1.0])
    with mg.detect_anomaly():
        h = np.sqrt(weights)
        place = line(-1)
        with pytest.raises(AnomalyError) as caught:
            h.sum().backward()
    assert "in the gradient of weights at [0]: weights = 0" in str(caught.value)
    assert place in str(caught.value)
    assert "h = np.sqrt(weights)" in str(caught.value)


def test_what_a_write_has_spoilt_is_told_with_its_place():
    w, x = parameter([1.0, 1.0]), parameter([1.0, 1.0])
    optimiser = mg.optim.SGD([w], lr=1e200)
    np.sum(w * [1.0, 1e200]).backward()
    optimiser.step()
    place = line(-1)
    with mg.detect_anomaly():
        x * 2.0
        with pytest.raises(AnomalyError, match=r"the parameter w holds -inf at \[1\]") as caught:
            w * 2.0
    assert place in str(caught.value)


def test_infinity_that_is_meant_is_none():
    q = parameter(np.random.default_rng(0).normal(size=(2, 3, 4)))
    mask = np.tri(3, dtype=bool)
    with mg.detect_anomaly():
        mg.scaled_dot_product_attention(q, q, q, causal=True).sum().backward()
        scores = np.where(mask, q @ q.mT, -INF)
        np.sum(mg.softmax(scores) @ q).backward()
        np.exp(parameter([-INF, INF])), parameter([NAN]) * 2.0
        np.pad(q, 1, constant_values=-INF)
        assert np.isfinite(q.grad).all()
        with pytest.raises(AnomalyError, match=r"log makes -inf out of finite numbers at \[1\]"):
            np.log(parameter([INF, 0.0, -INF]))  # an infinity beside it hides nothing


def test_it_is_a_block_a_decorator_and_one_error_of_the_family():
    x = parameter([0.0])

    @mg.detect_anomaly()
    def f(x):
        return np.log(x)

    @mg.detect_anomaly()
    def values():
        yield 1.0
        yield np.log(x)

    for caught in (AnomalyError, MinigradError, ArithmeticError, FloatingPointError):
        with pytest.raises(caught):
            f(x)
    steps = values()
    assert next(steps) == 1.0
    np.log(x)  # not in the generator's block
    with pytest.raises(AnomalyError):
        next(steps)
    stop = pytest.raises(AnomalyError)
    with stop, mg.detect_anomaly(), mg.scope("inside"), mg.no_grad(), mg.sources():
        np.log(x)
    assert np.isneginf(np.log(x).data)
    free = threading.Thread(target=lambda: np.log(parameter([0.0])))
    with mg.detect_anomaly():
        free.start()  # another thread has a state of its own
        free.join()


def test_a_grad_is_as_before_where_it_stops():
    a, b = parameter([4.0, 1.0]), parameter([0.0, 1.0])
    a.grad = np.array([7.0, 7.0])
    loss = np.sum(a * np.sqrt(b))
    with pytest.raises(AnomalyError), mg.detect_anomaly():
        loss.backward()
    assert a.grad.tolist() == [7.0, 7.0]
    assert b.grad is None


@pytest.mark.parametrize("op", [op for ops in library_ops().values() for op in ops], ids=str)
def test_no_op_is_stopped_at_its_samples(op):
    """Values and derivatives that are finite raise nothing, in either mode."""
    for case in cases_of(op):
        arrays = draw(case, np.random.default_rng(0))
        check_quiet(lambda *v, case=case: op.function(*v, **case.settings), arrays, [])


@pytest.mark.parametrize("function", CALLS, ids=lambda f: getattr(f, "__name__", str(f)))
def test_no_function_is_stopped_at_its_samples(function):
    for call in CALLS[function]:
        f, case = (function, call) if isinstance(call, Case) else call
        arrays = draw(case, np.random.default_rng(0))
        strict = mg.strict_broadcasting()  # what it means to broadcast is not asked of the library
        check_quiet(lambda *v, f=f, case=case: f(*v, **case.settings), arrays, [strict])


def check_quiet(f, arrays, blocks):
    """Nothing is stopped where all is finite without looking."""
    floats = [i for i, a in enumerate(arrays) if np.asarray(a).dtype.kind == "f"]

    def of_floats(*values):
        filled = list(arrays)
        for i, value in zip(floats, values, strict=True):
            filled[i] = value
        return f(*filled)

    values = tuple(arrays[i] for i in floats)
    if not all(np.isfinite(v).all() for v in values):
        return
    ones = tuple(np.ones_like(v) for v in values)

    def everything():
        found = [np.asarray(x) for x in flat(mg.jvp(of_floats, values, ones))]
        out, pullback = mg.vjp(of_floats, *values)
        parts = flat(out)
        found += flat(pullback([np.ones_like(x) for x in parts] if len(parts) > 1 else
                      np.ones_like(parts[0])))  # fmt: skip
        return all(np.isfinite(x).all() for x in found)

    try:
        finite = everything()
    except (TypeError, np.linalg.LinAlgError, MinigradError):
        return  # no derivative to look at
    if finite:
        with ExitStack() as stack:
            for block in (mg.detect_anomaly(), *blocks):
                stack.enter_context(block)
            assert everything()


def flat(tree):
    if isinstance(tree, tuple | list):
        return [x for part in tree for x in flat(part)]
    return [tree]


# --- why, pictures, the page


@pytest.mark.parametrize("name", BACKWARD)
def test_why_tells_the_same(name):
    f, values, words = BACKWARD[name]
    a, *others = [parameter(v, name=n) for v, n in zip(values, "abc", strict=False)]
    loss = np.sum(f(a, *others))
    found = mg.why(a, loss)
    assert found.reason in ("nan", "infinite")
    text = re.sub(r" \(#\d+\)", "", found.text)  # the number that the op has in the drawing
    assert [word for word in words if word not in text] == []


def test_why_tells_what_is_dropped_from_what_spoils_the_result():
    a = parameter([1.0, 0.0], "a")
    dropped = np.sum(np.where(a > 0, np.log(a), 0.0))
    assert "log (#2) makes nan in the backward pass" in mg.why(a, dropped).text
    kept = np.sum(np.log(a) * 0.0)
    assert "log (#2) makes -inf out of finite numbers" in mg.why(a, kept).text


def test_why_goes_back_to_the_value_that_spoilt_the_result():
    a = parameter([1000.0, 0.0], "a")
    loss = np.sum(np.exp(a) / np.sum(np.exp(a)) * a)
    assert "exp (#2) makes inf out of finite numbers at [0]: a = 1000" in mg.why(a, loss).text
    b, c = parameter([1.0], "b"), mg.Tensor([NAN], name="c")
    assert "c (#2) holds nan or infinity itself" in mg.why(b, np.sum(b * c)).text
    assert mg.why(b, np.sum(b * 2.0)).reason == "no backward"


def test_pictures_and_the_page_mark_the_first_such_node():
    x = parameter([1.0, 0.0], "x")
    p = np.log(x) * 2.0
    loss = np.sum(p + np.log(x))
    words = "makes -inf out of finite numbers at [1]"
    g = mg.graph(loss)
    marked = {n: told for n, told in g.nodes(data="anomaly") if told}
    assert marked == {2: words}
    picture = mg.draw(loss)
    for text in (picture.text, picture.dot.replace("&#160;", " "), picture.mermaid):
        plain = text.replace("#45;", "-").replace("#91;", "[").replace("#93;", "]")
        assert plain.count(words) == 1
    assert "first nan or infinity" in picture.dot.replace("&#160;", " ")
    assert picture.graphml.count(words) == 1
    values = mg.trace(loss).values
    (told,) = [v.anomaly for v in values if v.anomaly]
    assert values[1].anomaly == told
    assert "log at #2 makes -inf" in told
    assert "x = 0" in told
    assert "log at #2 makes -inf" in mg.trace(loss).html
    assert "makes -inf" in str(mg.trace(loss)).replace("\n", " ")


def test_pictures_mark_the_rule_that_makes_the_first_where_the_values_are_finite():
    x = parameter([4.0, 0.0], "x")
    loss = np.sum(np.sqrt(x))
    with np.errstate(all="ignore"):
        loss.backward()
    marked = {n: told for n, told in mg.graph(loss).nodes(data="anomaly") if told}
    assert marked == {2: "makes inf in the gradient of x at [1]"}
    fine = np.sum(np.sqrt(parameter([4.0])))
    fine.backward()
    assert not any(told for _, told in mg.graph(fine).nodes(data="anomaly"))


def test_a_value_that_was_overwritten_is_not_blamed():
    x = parameter([0.0], "x")
    loss = np.sum(np.log(x))
    x.assign([1.0])
    assert not any(told for _, told in mg.graph(loss).nodes(data="anomaly"))


# --- the question itself


@pytest.mark.parametrize("seed", range(20))
def test_element_by_element_it_is_what_a_loop_says(seed):
    rng = np.random.default_rng(seed)
    kinds = np.array([1.0, 2.0, NAN, INF, -INF])
    x, y = rng.choice(kinds, (3, 4)), rng.choice(kinds, (3, 1))
    z = rng.choice(kinds, (3, 4))
    expected = np.zeros((3, 4), bool)
    for i, j in np.ndindex(3, 4):
        given = [x[i, j], y[i, 0]]
        nan, finite = any(np.isnan(given)), all(np.isfinite(given))
        expected[i, j] = (np.isnan(z[i, j]) and not nan) or (np.isinf(z[i, j]) and finite)
    found = made_of(z, [x, y], each=True)
    assert (found is None) == (not expected.any())
    assert found is None or (found == expected).all()
    whole = made_of(z, [x, y], each=False)
    nan, finite = np.isnan([*x.flat, *y.flat]).any(), np.isfinite([*x.flat, *y.flat]).all()
    all_at_once = (np.isnan(z) & ~nan) | (np.isinf(z) & finite)
    assert (whole is None) == (not all_at_once.any())


def test_a_rule_is_quoted_if_it_is_short_and_on_one_line():
    short = mg.elementwise(np.sqrt, lambda z, x: 0.5 / z, name="short")
    long = mg.elementwise(
        np.sqrt,
        lambda z, x: (
            0.5 / z + 0 * x + 0 * x + 0 * x + 0 * x + 0 * x + 0 * x
            + 0 * x + 0 * x + 0 * x + 0 * x + 0 * x + 0 * x + 0 * x
        ),
        name="long",
    )  # fmt: skip
    for op, quoted in ((short, True), (long, False)):
        x = mg.Tensor([0.0, 1.0], requires_grad=True)
        with np.errstate(all="ignore"), mg.detect_anomaly():
            y = np.sum(op(x))
            with pytest.raises(mg.errors.AnomalyError) as raised:
                y.backward()
        assert ("0.5 / z" in str(raised.value)) == quoted


POLES = {  # and what overflows, which scaling down does help
    "slogdet": (lambda x: np.linalg.slogdet(x), [[1.0, 2.0], [2.0, 4.0]], True),
    "slogdet of thirds": (lambda x: np.linalg.slogdet(x / 3), [[1.0, 2.0], [2.0, 4.0]], True),
    "slogdet of zeros": (lambda x: np.linalg.slogdet(x), [[0.0, 0.0], [0.0, 0.0]], True),
    "log": (np.log, [0.0, 1.0], True),
    "log1p": (np.log1p, [-1.0, 1.0], True),
    "arctanh": (np.arctanh, [1.0, 0.0], True),
    "reciprocal": (np.reciprocal, [0.0, 1.0], True),
    "det": (np.linalg.det, [[1e200, 0.0], [0.0, 1e200]], False),
    "square": (np.square, [1e200, 1.0], False),
    "exp": (np.exp, [1e4, 1.0], False),
    "norm": (np.linalg.norm, [1e308, 1e308], False),
    "sum": (np.sum, [1e308, 1e308], False),
}


@pytest.mark.parametrize("name", POLES)
def test_a_pole_is_no_overflow(name):
    f, values, pole = POLES[name]
    with np.errstate(all="ignore"), mg.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        f(mg.Tensor(values, requires_grad=True))
    assert ("is infinite there" in str(caught.value)) is pole
    assert ("The largest float64" in str(caught.value)) is not pole


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("reduction", [np.sum, np.mean, np.prod])
def test_an_infinity_that_is_meant_hides_no_other_row(reduction, keepdims):
    rows = np.array([[-np.inf, 1.0], [1e308, 1e308]])
    for x, axis in ((rows, 1), (rows.T, 0), (rows, -1), (rows[:, None], (1, 2))):
        overflow = pytest.raises(AnomalyError, match=r"at \[[0, ]*1.*The largest float64")
        with np.errstate(all="ignore"), mg.detect_anomaly(), overflow:
            reduction(mg.Tensor(x), axis=axis, keepdims=keepdims)
        with mg.detect_anomaly():
            meant = mg.Tensor(np.where(np.isinf(x), x, 1.0))
            assert np.isneginf(reduction(meant, axis=axis, keepdims=keepdims)).any()
