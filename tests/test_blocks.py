"""Every block (`no_grad`, `scope`, `sources`, `threads`) ends, in any order and in any way."""

import asyncio
import contextvars
import copy
import gc
import inspect
import sys
import threading
import types
from contextlib import ExitStack
from itertools import count

import numpy as np
import pytest

import minigrad as mg
from minigrad import parallel
from minigrad.core import blocks, dealing
from minigrad.core.node import recording

MAKERS = {
    "no_grad": mg.no_grad,
    "sources": mg.sources,
    "scope": lambda: mg.scope("part"),
    "threads": lambda: mg.threads(3),
}


def state():
    """All that blocks change, here and now."""
    return (recording.get(), dealing.threads.get())


OUTSIDE = (True, 1)


@pytest.fixture(params=MAKERS)
def make(request):
    assert state() == OUTSIDE
    yield MAKERS[request.param]
    assert state() == OUTSIDE


def is_inside():
    return state() != OUTSIDE


# --- decorators


def test_a_decorated_function_of_any_kind_runs_inside_and_its_caller_outside(make):
    block = make()

    class Holder:
        @block
        def method(self, x):
            return is_inside(), x

        @block
        @classmethod
        def of_class(cls, x):
            return is_inside(), x

        @block
        @staticmethod
        def static(x):
            return is_inside(), x

        @classmethod
        @block
        def inner(cls, x):
            return is_inside(), x

    @block
    def generator(x):
        yield is_inside(), x
        got = yield is_inside(), x
        return is_inside(), got

    @block
    async def coroutine(x):
        await asyncio.sleep(0)
        return is_inside(), x

    @block
    async def items(x):
        for _ in range(2):
            await asyncio.sleep(0)
            yield is_inside(), x

    for f in (
        *(Holder().method, Holder.of_class, Holder.static, Holder.inner),
        block(lambda x: (is_inside(), x)),
    ):
        assert f(5) == (True, 5)
        assert not is_inside()

    g = generator(5)
    assert next(g) == (True, 5)
    assert not is_inside()
    assert next(g) == (True, 5)
    with pytest.raises(StopIteration) as stop:
        g.send(7)
    assert stop.value.value == (True, 7)
    assert list(block(lambda: ((is_inside()) for _ in range(3)))()) == [True] * 3

    async def main():
        assert await coroutine(5) == (True, 5)
        assert not is_inside()
        async for item in items(5):
            assert item == (True, 5)
            assert not is_inside()
        return await asyncio.gather(*[coroutine(i) for i in range(3)])

    assert asyncio.run(main()) == [(True, 0), (True, 1), (True, 2)]
    assert asyncio.iscoroutinefunction(coroutine)


def test_what_is_thrown_into_a_decorated_generator_arrives_inside(make):
    seen = []

    @make()
    def steps():
        while True:
            try:
                yield is_inside()
            except KeyError as error:
                seen.append((is_inside(), str(error)))
            except GeneratorExit:
                seen.append((is_inside(), "closed"))
                raise

    g = steps()
    assert next(g)
    assert g.throw(KeyError("a"))
    assert not is_inside()
    g.close()
    assert seen == [(True, "'a'"), (True, "closed")]
    with pytest.raises(StopIteration):
        next(g)


def test_what_is_thrown_into_a_decorated_async_generator_arrives_inside(make):
    seen = []

    @make()
    async def steps():
        try:
            while True:
                try:
                    got = yield is_inside()
                    seen.append(got)
                except KeyError:
                    seen.append("caught")
        finally:
            await asyncio.sleep(0)
            seen.append(is_inside())

    async def main():
        g = steps()
        assert await g.asend(None)
        assert await g.asend(3)
        assert await g.athrow(KeyError("a"))
        assert not is_inside()
        await g.aclose()
        assert not is_inside()

    asyncio.run(main())
    assert seen == [3, "caught", True]


def test_a_cancelled_coroutine_ends_the_block(make):
    seen = []

    @make()
    async def waits():
        try:
            await asyncio.sleep(10)
        finally:
            seen.append(is_inside())

    async def main():
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not is_inside()

    asyncio.run(main())
    assert seen == [True]


@types.coroutine
def turns(x):
    yield
    return is_inside(), x


def given_turns(x):
    return turns(x)


@pytest.mark.parametrize("f", [turns, given_turns])
def test_a_decorated_coroutine_that_is_a_generator_can_be_awaited(make, f):
    decorated = make()(f)

    async def main():
        before = is_inside()
        return before, await decorated(3), is_inside()

    assert asyncio.run(main()) == (False, (True, 3), False)
    assert inspect.isawaitable(decorated(3))
    assert not inspect.isawaitable(make()(lambda: (i for i in range(3)))())


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_block_is_copied(make, way):
    block = make()
    with block:
        twin = way(block)
    assert not is_inside()
    with twin:
        assert is_inside()
        with block:
            pass
        assert is_inside()


def test_an_object_that_can_be_called_runs_inside(make):
    class Layer:
        """Doubles."""

        def __call__(self, x):
            return is_inside(), x

    layer = Layer()
    decorated = make()(layer)
    assert decorated(3) == (True, 3)
    assert decorated.__wrapped__ is layer
    assert decorated.__doc__ == "Doubles."
    assert copy.deepcopy(decorated).__wrapped__ is not layer
    assert copy.deepcopy(decorated)(3) == (True, 3)


def test_threads_takes_a_whole_number_of_any_kind():
    for number in (np.int64(2), np.uint8(2), 2):
        with mg.threads(number):
            assert dealing.threads.get() == 2
    for number in (2.0, np.float64(2), "2", 0, np.int64(-1)):
        with pytest.raises(ValueError, match="whole number"):
            mg.threads(number)


def test_classes_are_refused(make):
    with pytest.raises(TypeError, match="decorate the methods of Network"):
        make()(type("Network", (), {}))


# --- one object, used again


def test_one_object_is_used_twice_and_inside_itself(make):
    block = make()
    for _ in range(2):
        with block:
            with block:
                assert is_inside()
            assert is_inside()
        assert not is_inside()

    @block
    def down(n):
        assert is_inside()
        return down(n - 1) if n else "done"

    assert down(3) == "done"


def test_one_object_is_used_by_several_threads(make):
    block = make()
    met = threading.Barrier(4, timeout=20)
    wrong = []

    def use():
        for _ in range(50):
            met.wait()
            with block:
                if not is_inside():
                    wrong.append("outside")
            if is_inside():
                wrong.append("inside")

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join(30)
    assert not wrong


def test_it_can_be_entered_by_an_exit_stack_and_by_hand(make):
    with ExitStack() as stack:
        stack.enter_context(make())
        assert is_inside()
    assert not is_inside()
    block = make()
    block.__enter__()
    assert is_inside()
    block.__exit__(None, None, None)


def test_a_block_that_was_not_entered_is_not_left():
    with pytest.raises(RuntimeError, match="not entered"):
        mg.no_grad().__exit__(None, None, None)


# --- any order, any place


def holding(make):
    with make():
        yield
    yield


@pytest.mark.parametrize("first", ["no_grad", "sources", "scope", "threads"])
def test_blocks_of_generators_end_in_any_order(make, first):
    """What is left of two interleaved blocks is what the other alone would make."""
    with MAKERS[first]():
        alone = type(recording.get()), dealing.threads.get()
    a, b = holding(make), holding(MAKERS[first])
    next(a)
    next(b)
    next(a)  # ends the outer one first
    assert (type(recording.get()), dealing.threads.get()) == alone
    next(b)
    assert state() == OUTSIDE


@pytest.mark.parametrize("end", ["next", "close", "collect", "throw"])
@pytest.mark.parametrize("elsewhere", ["here", "thread", "context"])
def test_a_generator_may_end_in_any_way_and_any_place(make, end, elsewhere):
    def finish(held):
        generator = held.pop()
        if end == "next":
            next(generator)
        elif end == "close":
            generator.close()
        elif end == "throw":
            with pytest.raises(KeyError):
                generator.throw(KeyError)
        del generator
        gc.collect()

    other = holding(make)
    held = [holding(make)]
    next(held[0])
    next(other)
    if elsewhere == "here":
        finish(held)
    elif elsewhere == "context":
        contextvars.copy_context().run(finish, held)
    else:
        thread = threading.Thread(target=finish, args=(held,))
        thread.start()
        thread.join(20)
    assert is_inside()
    other.close()
    assert not is_inside()


def test_a_block_is_left_as_often_as_it_was_entered(make):
    block = make()
    for times in (1, 2):
        for _ in range(times):
            block.__enter__()
        for _ in range(times):
            assert state() != OUTSIDE
            block.__exit__(None, None, None)
        assert state() == OUTSIDE
        with pytest.raises(RuntimeError, match="a block was left that was not entered"):
            block.__exit__(None, None, None)


def test_a_generator_may_end_in_a_copy_of_the_context_that_it_began_in(make):
    block = make()

    def steps():
        with block:
            yield state()

    running = steps()
    assert next(running) != OUTSIDE
    contextvars.copy_context().run(running.close)  # the block is open there too, but began here
    assert state() == OUTSIDE


def test_a_block_that_cannot_be_entered_leaves_nothing_behind():
    class Late(blocks.Block):
        def enter(self, entry):
            super().enter(entry)
            raise KeyError("after it was opened")

    block = Late(recording, lambda value: False)
    with pytest.raises(KeyError, match="after it was opened"), block:
        raise AssertionError("entered")
    assert state() == OUTSIDE
    assert block.entered == []


def test_a_task_keeps_what_held_where_it_was_started(make):
    async def child():
        return is_inside()

    async def main():
        with make():
            task = asyncio.create_task(child())
        assert not is_inside()
        return await task, await asyncio.create_task(child())

    assert asyncio.run(main()) == (True, False)


def test_interleaved_tasks_do_not_see_each_others_blocks(make):
    async def task(rounds):
        for _ in range(rounds):
            with make():
                await asyncio.sleep(0)
                assert is_inside()
            assert not is_inside()
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*[task(i) for i in range(1, 6)])

    asyncio.run(main())


# --- Ctrl-C at any line


def lines_interrupted(program, files):
    """Run a program once for each line of the files that it executes, with Ctrl-C before it."""
    for number in count(1):
        lines = count(1)

        def trace(frame, event, arg, number=number, lines=lines):
            if frame.f_code.co_filename not in files:
                return None
            if event in ("call", "line") and next(lines) == number:
                sys.settrace(None)
                raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            program()
        except KeyboardInterrupt:
            yield number
        finally:
            sys.settrace(before)
        if next(lines) <= number:
            return


@pytest.mark.parametrize("shape", ["with", "nested", "decorated", "generator"])
def test_ctrl_c_at_any_line_leaves_nothing_behind(make, shape):
    def plainly():
        with make():
            pass

    def nested():
        with mg.no_grad(), make():
            pass

    decorated = make()(lambda: None)
    generator = make()(lambda: (i for i in range(1)))
    program = {
        "with": plainly,
        "nested": nested,
        "decorated": decorated,
        "generator": lambda: list(generator()),
    }[shape]
    interrupted = 0
    for _ in lines_interrupted(program, {blocks.__file__, parallel.__file__}):
        interrupted += 1
        assert state() == OUTSIDE
        assert not parallel.BLAS.needed
        assert parallel.BLAS.limits is None
    assert interrupted > 15


def test_the_state_is_what_ops_see():
    x = mg.Tensor(np.ones(2), requires_grad=True)
    a, b = holding(mg.no_grad), holding(mg.no_grad)
    next(a)
    next(b)
    assert not (x * x).requires_grad
    next(a)
    assert not np.exp(x).requires_grad
    thread = threading.Thread(target=b.close)
    thread.start()
    thread.join(20)
    assert (x * x).requires_grad
    assert recording.state.get() is not True or np.exp(x).requires_grad
