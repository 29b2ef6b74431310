"""Recording on and off: blocks, exceptions, threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg


def parameter(values):
    return mg.Tensor(values, requires_grad=True)


def test_no_grad_keeps_no_graph():
    x = parameter(2.0)
    with mg.no_grad():
        y = x * x
        assert not (y + x).requires_grad
    assert not y.requires_grad
    assert y.inputs == ()
    assert (x * x).requires_grad


def test_no_grad_is_a_decorator_and_nests():
    x = parameter(2.0)

    @mg.no_grad()
    def square(x):
        with mg.no_grad():
            pass
        return x * x

    assert not square(x).requires_grad
    assert not square(x).requires_grad
    assert (x * x).requires_grad


def test_no_grad_is_restored_after_an_exception():
    x = parameter(2.0)
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert (x * x).requires_grad

    def fails(x):
        raise ZeroDivisionError

    with mg.no_grad():
        with pytest.raises(ZeroDivisionError):
            mg.grad(fails)(2.0)
        assert not (x * x).requires_grad


def test_derivatives_are_taken_under_no_grad_but_not_recorded():
    x = parameter(2.0)
    with mg.no_grad():
        assert mg.grad(lambda x: x**3)(2.0) == 12.0
        assert not mg.grad(lambda x: x**3)(x).requires_grad
        assert mg.grad(mg.grad(lambda x: x**3))(2.0) == 12.0
        (y := parameter(3.0)).backward()
    assert y.grad == 1.0


def test_threads_do_not_see_each_others_no_grad():
    x = parameter(2.0)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with mg.no_grad():
            inside.set()
            assert leave.wait(10)
            return (x * x).requires_grad

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        assert inside.wait(10)
        assert (x * x).requires_grad
        leave.set()
        assert held.result(10) is False


def test_threads_record_and_sweep_at_once():
    def work(seed):
        values = np.random.default_rng(seed).normal(size=3)
        x = parameter(values)
        for _ in range(50):
            x.grad = None
            y = x
            for _ in range(20):
                y = np.tanh(y) * x
            y.sum().backward()
        return x.grad

    alone = [work(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, range(4)))
    np.testing.assert_array_equal(together, alone)
