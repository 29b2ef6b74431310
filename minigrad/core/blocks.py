"""Settings that hold for a block: recording off, notes taken, threads used.

A `Setting` is a value for each thread and task. A `Block` changes it: in a `with` statement, or
as a decorator. There is one mechanism for all of them, and it keeps no "value from before" to be
put back, for blocks may end in any order (those of two generators that are advanced in turn) and
anywhere (a generator may be closed by another thread). A context holds the blocks that are open in
it, and its value is what these make of the default; a block that ends is taken out, wherever it
stands among them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from contextvars import ContextVar
from functools import partial, wraps
from inspect import (
    CO_ITERABLE_COROUTINE,
    isasyncgenfunction,
    iscoroutinefunction,
    isgeneratorfunction,
)
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodType,
    coroutine,
)
from typing import Any, NamedTuple
from weakref import ref

from minigrad.core.wrapping import Wrapped

Change = Callable[[Any], Any]  # the value inside a block, given the one around it

home: ContextVar[None] = ContextVar("home")  # its tokens tell contexts apart: each resets its own


class Entry:
    """One time that a block was entered."""

    __slots__ = ("change", "over", "token", "watch")

    def __init__(self, block: Block) -> None:
        self.change = block.begin()
        self.token = home.set(None)
        self.over = False  # ended out of sight of the context that it was entered in
        ended = block.ended

        def abandoned(block: Any) -> None:  # Ctrl-C came first of all in `__exit__`
            self.over = True
            ended(self)

        self.watch: Any = ref(block, abandoned)  # until it is left

    def began_here(self) -> bool:
        """Whether this is the context that it was entered in."""
        try:
            home.reset(self.token)
        except ValueError:
            return False
        except RuntimeError:  # it was asked there before, by an `__exit__` that was interrupted
            return True
        return True


class Inside(NamedTuple):
    """The state of a context in which blocks are open."""

    entries: tuple[Entry, ...]  # the outermost first
    value: Any


class Setting:
    """A value that blocks change; each thread and task has its own.

    `state` is for hot paths: it holds the default itself wherever no block is open.
    """

    def __init__(self, name: str, default: Any) -> None:
        self.default = default
        self.state: ContextVar[Any] = ContextVar(name, default=default)

    def get(self) -> Any:
        """The value here and now."""
        state = self.state.get()
        if state.__class__ is not Inside:
            return state
        for entry in state.entries:
            if entry.over:
                self.open(tuple(other for other in state.entries if not other.over))
                return self.get()
        return state.value

    def entries(self) -> tuple[Entry, ...]:
        """The blocks that are open here."""
        self.get()
        state = self.state.get()
        return state.entries if state.__class__ is Inside else ()

    def open(self, entries: tuple[Entry, ...]) -> None:
        """Have these blocks open and no others: one write, so that nothing can come between."""
        value = self.default
        for entry in entries:
            value = entry.change(value)
        self.state.set(Inside(entries, value) if entries else self.default)


class Exit:
    """`__exit__` of a `Block`, as its `with` statement holds it.

    Ctrl-C may come as the first thing in `__exit__`. So its frame, which the traceback keeps, does
    not hold the block: this goes with the statement, the block with it, and so ends.
    """

    def __get__(self, block: Any, cls: Any) -> Callable[..., None]:
        if block is None:  # `contextlib.ExitStack` asks the class
            return lambda block, *error: end(ref(block))
        method = partial(end, ref(block))
        method.block = block  # type: ignore[attr-defined]
        return method


def end(block: Callable[[], Any], *error: object) -> None:
    """End a block, the latest time that it was entered."""
    entry = None
    try:
        entry = block().latest()
        block().leave(entry)
    except BaseException:  # Ctrl-C, on the way
        block().leave(entry or block().latest())
        raise


class Block:
    """A `with` block inside which a setting has another value; also a decorator.

    It can be used again, inside itself, and in several threads at once. It ends however it is
    left. In a generator it holds until the generator goes on and leaves it, for its caller too, as
    Python's context variables do; decorated, a generator or an async function has the value while
    it runs, and its caller never has.
    """

    def __init__(self, setting: Setting, change: Change | None = None) -> None:
        self.setting = setting
        self.change = change
        self.entered: list[Entry] = []  # and not yet left

    def begin(self) -> Change:
        """The change, for one time that the block is entered."""
        assert self.change is not None
        return self.change

    def __enter__(self) -> None:
        entry = Entry(self)
        try:
            self.enter(entry)
        except BaseException:
            self.leave(entry)
            raise

    __exit__ = Exit()

    def latest(self) -> Entry:
        """Which of the times that it was entered ends now: the latest in this context."""
        for entry in reversed(self.setting.entries()):
            if entry in self.entered and entry.began_here():
                return entry
        if not self.entered:
            raise RuntimeError("a block was left that was not entered.")
        entry = self.entered[-1]  # by a generator that began in another context
        entry.over = True
        return entry

    def enter(self, entry: Entry) -> None:
        """Open it here, innermost."""
        self.entered.append(entry)
        self.setting.open((*self.setting.entries(), entry))

    def leave(self, entry: Entry) -> None:
        """End it here, wherever it stands; a task that was started inside keeps it."""
        entries = self.setting.entries()
        self.setting.open(tuple(other for other in entries if other is not entry))
        if entry in self.entered:
            self.entered.remove(entry)
        self.ended(entry)
        entry.watch = None

    @staticmethod
    def ended(entry: Entry) -> None:
        """What else is to be done, in whatever way it ended. It may be told twice."""

    def again(self) -> Block:
        """A block of its own that does the same."""
        fresh = object.__new__(self.__class__)
        fresh.__dict__.update(self.__dict__, entered=[])
        return fresh

    def __copy__(self) -> Block:
        return self.again()

    def __deepcopy__(self, memo: Any) -> Block:
        return self.again()

    def __call__(self, f: Any) -> Any:
        """The function `f`, with the block around each call, or each step of a generator."""
        if isinstance(f, type):
            raise TypeError(f"a block decorates functions; decorate the methods of {f.__name__}.")
        if isinstance(f, staticmethod | classmethod):
            return f.__class__(self(f.__func__))
        if not isinstance(f, FunctionType | MethodType | partial | BuiltinFunctionType):
            return Around(self, f)

        @wraps(f)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.again():
                result = f(*args, **kwargs)
            return in_steps(self, result)

        return same_kind(f, call)


class Around(Wrapped):
    """An object that can be called, such as a module, with a block around each call."""

    def __init__(self, block: Block, f: Any) -> None:
        super().__init__(f)
        self.block = block

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The same inside the block."""
        with self.block.again():
            result = self.__wrapped__(*args, **kwargs)
        return in_steps(self.block, result)


def same_kind(f: Any, call: Any) -> Any:
    """`call` as a function of the kind of `f`: frameworks ask whether one is async."""
    if iscoroutinefunction(f):

        @wraps(f)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            return await call(*args, **kwargs)

        return waiting
    if isgeneratorfunction(f):

        @wraps(f)
        def generating(*args: Any, **kwargs: Any) -> Any:
            return (yield from call(*args, **kwargs))

        return coroutine(generating) if can_be_awaited(f) else generating
    if isasyncgenfunction(f):
        return wraps(f)(lambda *args, **kwargs: call(*args, **kwargs))
    return call


def can_be_awaited(thing: Any) -> bool:
    """Whether a generator, or a function that makes some, is a coroutine of `types.coroutine`."""
    code = getattr(thing, "gi_code", None) or getattr(thing, "__code__", None)
    return bool(code and code.co_flags & CO_ITERABLE_COROUTINE)


def in_steps(block: Block, result: Any) -> Any:
    """What a function returned; if it has yet to run, then each of its steps inside the block."""
    if result.__class__ is GeneratorType:
        return (awaitable if can_be_awaited(result) else each_step)(block, result)
    if result.__class__ is CoroutineType:
        return awaited(block, result)
    if result.__class__ is AsyncGeneratorType:
        return each_item(block, result)
    return result


def each_step(block: Block, steps: Any) -> Generator[Any, Any, Any]:
    """Run a generator or a coroutine inside the block, and wait for the next step outside it."""
    resume, given = steps.send, None
    while True:
        with block.again():
            try:
                item = resume(given)
            except StopIteration as end:
                return end.value
            finally:
                given = None  # an exception would hold this frame, and the frame it
        try:
            given = yield item
            resume = steps.send
        except BaseException as error:
            resume, given = steps.throw, error


@coroutine
def awaitable(block: Block, steps: Any) -> Generator[Any, Any, Any]:
    """The same, of a generator that can be awaited."""
    return (yield from each_step(block, steps))


class Steps:
    """What `await` runs step by step inside a block."""

    def __init__(self, block: Block, steps: Any) -> None:
        self.block = block
        self.steps = steps

    def __await__(self) -> Generator[Any, Any, Any]:
        return each_step(self.block, self.steps)


async def awaited(block: Block, coroutine: Any) -> Any:
    """The result of a coroutine that runs inside the block."""
    return await Steps(block, coroutine)


async def each_item(block: Block, items: Any) -> AsyncIterator[Any]:
    """Run an asynchronous generator inside the block."""
    step = items.asend(None)
    while True:
        try:
            item = await Steps(block, step)
        except StopAsyncIteration:
            return
        try:
            step = items.asend((yield item))
        except BaseException as error:
            step = items.athrow(error)
