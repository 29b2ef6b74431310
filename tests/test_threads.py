"""`minigrad.threads`: the same bytes whatever the number, and everything as before afterwards."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import minigrad as mg
from minigrad.core import dealing
from minigrad.ops import columns, pooling

GEOMETRIES = {
    "plain": ((8, 3, 12, 12), (6, 3, 5, 5), {}),
    "stride and padding": ((8, 4, 13, 13), (6, 4, 3, 3), {"stride": 2, "padding": 1}),
    "dilation": ((8, 4, 12, 12), (5, 4, 3, 3), {"dilation": 2}),
    "groups": ((8, 6, 10, 10), (6, 2, 3, 3), {"groups": 3}),
    "every channel alone": ((8, 6, 10, 10), (6, 1, 3, 3), {"groups": 6, "padding": 1}),
}


@pytest.fixture(autouse=True)
def _many_bands(monkeypatch):
    """Small arrays are split as large ones are."""
    monkeypatch.setattr(columns, "BAND", 200)
    monkeypatch.setattr(columns, "EACH", 1)
    monkeypatch.setattr(pooling, "WORTH", 1)
    monkeypatch.setattr(pooling, "WINDOWS", 20)
    monkeypatch.setattr(pooling, "APART", 20)
    columns.sliding.cache_clear()
    yield
    columns.sliding.cache_clear()


def value_and_gradients(rng, images, filters, settings):
    """Of a small network: convolution, relu, pooling."""
    x, w, b = (
        mg.Tensor(rng.normal(size=shape), requires_grad=True)
        for shape in (images, filters, filters[:1])
    )
    y = mg.maxpool(mg.relu(mg.conv2d(x, w, b, **settings)), 2, stride=1)
    y = mg.avgpool(mg.maxpool(y, 2, remainder="drop"), 2, stride=1)
    y.backward(rng.normal(size=y.shape))
    return [y.numpy(), x.grad, w.grad, b.grad]


@pytest.mark.parametrize("images", [2, 64])
@pytest.mark.parametrize("number", [2, 3, 7])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_bytes_are_those_of_one_thread(name, number, images, monkeypatch):
    monkeypatch.setattr(columns, "IMAGES", images)
    alone = value_and_gradients(np.random.default_rng(0), *GEOMETRIES[name])
    for _ in range(5):  # whoever is faster
        with mg.threads(number):
            found = value_and_gradients(np.random.default_rng(0), *GEOMETRIES[name])
        for a, b in zip(alone, found, strict=True):
            assert a.tobytes() == b.tobytes()


def test_several_threads_take_part():
    met = threading.Barrier(2, timeout=10)  # passed only if two wait at once
    names = set()

    def work(items):
        for _ in items:
            met.wait()
            names.add(threading.current_thread().name)

    with mg.threads(2):
        dealing.deal(range(8), work, worth=8)
    assert len(names) == 2


def test_every_item_is_worked_at_once():
    done = []

    def work(items):
        done.extend(items)

    for number in (1, 2, 5):
        done.clear()
        with mg.threads(number):
            dealing.deal(range(100), work, worth=8)
        assert sorted(done) == list(range(100))


@pytest.mark.parametrize("number", [1, 2, 4])
def test_an_error_in_a_part_is_raised_and_leaves_nothing_behind(number):
    def work(items):
        for item in items:
            if item == 3:
                raise ZeroDivisionError("in part 3")

    with mg.threads(number), pytest.raises(ZeroDivisionError, match="in part 3"):
        dealing.deal(range(20), work, worth=8)
    assert dealing.threads.get() == 1
    with mg.threads(number):
        value_and_gradients(np.random.default_rng(0), *GEOMETRIES["plain"])


def test_what_floating_point_errors_do_is_the_users_choice_in_every_thread():
    met = threading.Barrier(2, timeout=10)

    def work(items):
        for _ in items:
            met.wait()
            assert np.geterr()["divide"] == "raise"

    with mg.threads(2), np.errstate(divide="raise"):
        dealing.deal(range(8), work, worth=8)


@pytest.mark.parametrize(("worth", "expected"), [(0, 1), (1, 1), (2, 2), (9, 4)])
def test_no_more_threads_take_part_than_it_is_worth(worth, expected, monkeypatch):
    asked = []
    pool = dealing.pool()
    monkeypatch.setattr(dealing, "pool", lambda: asked.append(1) or pool)
    done = []
    with mg.threads(4):
        dealing.deal(range(20), done.extend, worth)
    assert len(asked) == expected - 1
    assert sorted(done) == list(range(20))


def test_what_is_dealt_out_inside_shares_the_threads_that_are_left():
    found = []

    def work(items):
        for _ in items:
            found.append(dealing.threads.get())

    with mg.threads(5):
        dealing.deal(range(2), work, worth=2)
        assert dealing.threads.get() == 5
    assert found == [2, 2]


def two_rules(first, second, worth=2):
    """The gradients of an op of two arrays whose rules may be asked at once."""
    op = mg.linear(lambda x, y, *, power=1: x + y, first, second, name="two_rules")
    op.op.worth = lambda z, x, y: worth
    x, y = (mg.Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    op(x, y).backward(np.arange(3.0))
    return x.grad, y.grad


def test_the_rules_of_an_op_are_asked_at_once():
    met = threading.Barrier(2, timeout=10)

    def rule(g, z, x, y, power):
        met.wait()
        return g * threading.get_ident()

    with mg.threads(2):
        found = two_rules(rule, rule)
    idents = [gradient[1] for gradient in found]
    assert idents[0] != idents[1]
    np.testing.assert_array_equal(found[0] / idents[0], np.arange(3.0))


def test_rules_are_asked_only_where_a_gradient_is_wanted():
    asked = []

    def rule(g, z, x, y, power):
        asked.append(threading.get_ident())
        return g

    op = mg.linear(lambda x, y, *, power=1: x + y, rule, rule, name="op")
    op.op.worth = lambda z, x, y: 2
    weight = mg.Tensor(np.ones(3), requires_grad=True)
    with mg.threads(2):
        with mg.no_grad():  # where nobody follows the weight
            mg.grad(lambda x: np.sum(op(x, weight)))(np.ones(3))
        op(weight, np.ones(3)).backward(np.ones(3))
    assert len(asked) == 2


def test_a_rule_that_raises_in_any_thread_is_named():
    met = threading.Barrier(2, timeout=10)

    def fine(g, z, x, y, power):
        met.wait()
        return g

    def wrong(g, z, x, y, power):
        met.wait()
        raise ZeroDivisionError

    for rules in ((fine, wrong), (wrong, fine)):
        with mg.threads(2), pytest.raises(ZeroDivisionError) as raised:
            two_rules(*rules)
        assert "in the rule of two_rules" in raised.value.__notes__[0]


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_blas_keeps_to_one_thread_inside_and_has_what_it_had_afterwards():
    before = blas_threads()
    with mg.threads(2):
        assert set(blas_threads()) == {1}
        with mg.threads(3):
            assert set(blas_threads()) == {1}
            assert dealing.threads.get() == 3
        assert set(blas_threads()) == {1}
        assert dealing.threads.get() == 2
    assert blas_threads() == before
    with pytest.raises(KeyError), mg.threads(2):
        raise KeyError
    assert blas_threads() == before
    assert dealing.threads.get() == 1


def test_blocks_of_different_threads_may_end_in_any_order():
    before = blas_threads()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with mg.threads(2):
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with mg.threads(2):
        thread.start()
        assert entered.wait(10)
    leave.set()
    thread.join()
    assert blas_threads() == before


def test_threads_that_use_it_at_once_do_not_wait_for_each_other_for_ever():
    expected = value_and_gradients(np.random.default_rng(0), *GEOMETRIES["plain"])
    found = {}

    def run(i):
        with mg.threads(4):
            for _ in range(10):
                found[i] = value_and_gradients(np.random.default_rng(0), *GEOMETRIES["plain"])

    users = [threading.Thread(target=run, args=(i,)) for i in range(6)]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
        assert not user.is_alive()
    for i in range(6):
        assert [a.tobytes() for a in found[i]] == [a.tobytes() for a in expected]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_has_helpers_of_its_own():
    program = """
import os, warnings
import numpy as np, minigrad as mg
from minigrad.ops import columns
warnings.simplefilter("ignore")  # that forking beside threads may deadlock: here they sleep
columns.BAND = 100
x, w = np.ones((4, 2, 9, 9)), np.ones((3, 2, 3, 3))
with mg.threads(2):
    mg.conv2d(x, w)
    child = os.fork()
    ok = (mg.conv2d(x, w) == 18).all()
    if not child:
        os._exit(0 if ok else 1)
    assert ok and os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_a_number_of_threads_is_a_whole_number(number):
    with pytest.raises(ValueError, match=r"whole number of 1 or more; got"), mg.threads(number):
        raise AssertionError("entered")


def test_without_a_number_there_is_one_for_each_processor_of_this_process(monkeypatch):
    with mg.threads():
        assert dealing.threads.get() == len(os.sched_getaffinity(0))
    assert dealing.threads.get() == 1
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    for count, expected in ((5, 5), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        with mg.threads():
            assert dealing.threads.get() == expected


def test_it_is_a_decorator_too():
    @mg.threads(2)
    def inside():
        return dealing.threads.get()

    assert inside() == inside() == 2
    assert dealing.threads.get() == 1
