"""`backward` by several threads, and inside itself: no update of a shared leaf is lost."""

import os
import sys
import threading

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture(autouse=True)
def _threads_take_turns_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work, number=8):
    met = threading.Barrier(number, timeout=30)
    errors = []

    def run():
        met.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not errors


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_every_threads_gradients_arrive(shape, create_graph):
    w, v = (mg.Tensor(np.ones(shape), requires_grad=True) for _ in range(2))

    def work():
        for _ in range(100):
            np.sum(2.0 * w + 3.0 * v).backward(create_graph=create_graph)

    in_threads(work)
    grads = [g.numpy() if create_graph else g for g in (w.grad, v.grad)]
    np.testing.assert_array_equal(grads[0], np.full(shape, 1600.0))
    np.testing.assert_array_equal(grads[1], np.full(shape, 2400.0))


def test_gradients_that_are_taken_away_meanwhile_are_counted_once():
    """Whoever reads and forgets, in one step, and whoever adds: nothing is there twice."""
    w = mg.Tensor(0.0, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=1.0)
    done = threading.Event()
    seen = []

    def forget():
        while not done.is_set():
            optimizer.zero_grad()
            if w.grad is not None:
                seen.append(float(w.grad))

    def add():
        for _ in range(200):
            (w * 1.0).backward()

    forgetting = threading.Thread(target=forget)
    forgetting.start()
    in_threads(add, number=4)
    done.set()
    forgetting.join(30)
    assert all(grad == int(grad) and 0 < grad <= 800 for grad in seen)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_may_call_backward_on_the_same_leaf(create_graph):
    w = mg.Tensor(2.0, requires_grad=True)

    def vjp(g, z, x):
        (w * 10.0).backward()
        return g

    op = mg.general(lambda x: x + 0.0, vjp, name="op")
    op(w).backward(create_graph=create_graph)
    assert float(w.grad if not create_graph else w.grad.item()) == 11.0


class Meddling(np.ndarray):
    """An array whose sum with another lets `backward` of something else come between."""

    def __add__(self, other):
        loss.pop().backward() if loss else None
        return np.asarray(self) + np.asarray(other)


loss = []


def test_what_is_added_while_the_sum_is_computed_is_not_lost():
    w = mg.Tensor(2.0, requires_grad=True)
    w.grad = np.array(1.0).view(Meddling)
    loss.append(w * 100.0)
    (w * 10.0).backward()
    assert w.grad == 111.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_that_was_forked_meanwhile_can_add_too():
    w = mg.Tensor(0.0, requires_grad=True)
    from minigrad.core.accumulating import writing

    held, leave = threading.Event(), threading.Event()

    def hold():
        with writing:
            held.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    child = os.fork()
    if child == 0:
        (w * 3.0).backward()
        os._exit(int(w.grad != 3.0))
    leave.set()
    thread.join(30)
    assert os.waitpid(child, 0)[1] == 0
