"""`checkpoint`: keep less for the backward pass, and compute it again there."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from minigrad.core.apply import record, with_origin
from minigrad.core.node import (
    NO_SETTINGS,
    Node,
    awake,
    clock,
    is_recording,
    leaf,
    record_state,
    tick,
)
from minigrad.core.op import Op
from minigrad.core.reach import dependents
from minigrad.core.sweep import sweep
from minigrad.core.trees import flatten
from minigrad.core.wrapping import Wrapped
from minigrad.errors import GraphError, OverwrittenError, RuleError
from minigrad.ops.arithmetic import positive_ as alias

Function = Callable[..., Any]


def checkpoint(f: Any) -> Any:
    """The same function, as one node of the graph: what it computes inside is not kept.

    The backward pass calls `f` once more, so it costs a second forward pass and saves the memory
    of every intermediate value. Tensors that `f` closes over get their gradients too. `f` returns
    one tensor and must be deterministic: if the second call computes anything else, or with other
    values (dropout, an array that was changed since), the backward pass raises `RuleError`;
    `OverwrittenError` if a tensor was written to since. `f` may be a module: its parameters are
    found where it stands, and a copy has a module of its own. Chen et al. 2016, arXiv:1604.06174;
    as `torch.utils.checkpoint`.

    >>> import numpy as np, minigrad as mg
    >>> block = mg.checkpoint(lambda x: np.tanh(np.tanh(x)))
    >>> mg.grad(block)(0.5)
    np.float64(0.6398...)
    """

    if isinstance(f, staticmethod | classmethod):
        return f.__class__(checkpoint(f.__func__))
    return Checkpoint(f)


class Checkpoint(Wrapped):
    """What `checkpoint` returns."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value, recorded as one node."""
        f = self.__wrapped__
        given, rebuild = flatten(args)
        places = [i for i, x in enumerate(given) if isinstance(x, Node) and x._tracked]

        def of_tracked(variables: Sequence[Any]) -> Any:
            filled = list(given)
            for i, x in zip(places, variables, strict=True):
                filled[i] = x
            with record_state(True):
                return f(*rebuild(filled), **kwargs)

        if not is_recording():
            return f(*args, **kwargs)
        tracked = [given[i] for i in places]
        variables = [leaf(x, x._value, tracked=True, view=True) for x in tracked]
        start = tick()
        out = of_tracked(variables)
        if not isinstance(out, Node):
            if not tracked:  # arrays in, arrays out
                return out
            raise TypeError(f"checkpoint: {f!r} must return one tensor; got {type(out).__name__}.")
        captured = dependents([out], variables).outside
        inputs = (*tracked, *captured)
        if not out._tracked or not inputs:
            return out
        first = Call(of_tracked, captured, start, fingerprint(out, start))
        op = replayed(first, inputs[0], getattr(f, "__name__", "checkpoint"))
        return with_origin(record(op, inputs, NO_SETTINGS, out._value, True), inputs)


class Call(NamedTuple):
    """What is kept of the first call, to make it again and to see whether it is the same."""

    of_tracked: Function
    captured: list[Node]  # tensors that the function closes over
    number: int  # when it began
    fingerprint: int  # of what it computed, and of the constants it used


class Replayed(Op):
    """The op of one call."""

    fingerprint: int  # what was computed inside


def replayed(first: Call, like: Node, name: str) -> Op:
    """The op of one call: its vjp calls the function again, recording, and sweeps through that.

    One replay serves all inputs: the sweep asks for them in order, with the same cotangent.
    """
    latest: list[Any] = []  # the cotangent of the latest replay, and its gradients
    of_tracked, captured = first.of_tracked, first.captured

    def pullback(g: Any, z: Any, *inputs: Any, argument: int) -> Any:
        if not latest or latest[0] is not g:
            direct = inputs[: len(inputs) - len(captured)]
            with record_state(True):
                variables = [variable(x, like) for x in direct]
            latest[:] = [g, replay(first, variables, g, z)]
        found = latest[1][argument]
        if argument == len(inputs) - 1:
            latest.clear()
        return found

    def value(*arrays: Any) -> Any:
        return of_tracked(arrays[: len(arrays) - len(captured)])

    op = Replayed("general", value, name)
    op.fingerprint = first.fingerprint
    op.add_rule(pullback)
    op.composed = True
    return op


def variable(x: Any, like: Node) -> Node:
    """What the second call is given for an input: it continues a graph, or is a leaf."""
    if isinstance(x, Node) and x._tracked:
        continued: Node = alias(x)
        return continued
    values = x._value if isinstance(x, Node) else x
    fresh: Node = leaf(like, values.view(), tracked=True)  # a view, which `f` cannot write to
    return fresh


def replay(first: Call, variables: list[Node], g: Any, z: Any) -> list[Any]:
    """The gradient of each variable and captured tensor, from a second call of the function."""
    with awake():  # its ops are watched as those of the first call were
        return gradients_of(first, variables, g, z)


def gradients_of(first: Call, variables: list[Node], g: Any, z: Any) -> list[Any]:
    """The same."""
    again = isinstance(g, Node)  # a derivative of the derivative is wanted: record
    start = tick()
    try:
        out = first.of_tracked(variables)
    except Exception as error:
        if clock.last_write > first.number:
            raise not_the_same(first) from error
        raise
    ends = [*variables, *first.captured]
    reach = dependents([out], ends)
    check_same(first, out, z._value if isinstance(z, Node) else z, start, reach.live)
    with record_state(again):
        reached = sweep([(out, g)], within=reach, record=again)
    found = {x.number: c for x, c in reached.items()}
    return [found.get(x.number, np.zeros(x._value.shape, x._value.dtype)) for x in ends]


def check_same(first: Call, out: Node, value: Any, start: int, live: Container[int]) -> None:
    """Raise if the second call, which began at `start`, was not like the first one.

    The result alone does not tell: where it is 0, a factor of it may be another one.
    """
    same = np.array_equal(out._value, value, equal_nan=True)
    if not same or fingerprint(out, start, live) != first.fingerprint:
        raise not_the_same(first)


def not_the_same(first: Call) -> Exception:
    """The error to raise where the second call was another one."""
    if not all(x._tracked for x in first.captured):
        return GraphError(
            "checkpoint: a tensor that the function reads was frozen since the first call. Call "
            "backward() before requires_grad is set False, or compute the result again."
        )
    if clock.last_write > first.number:
        return OverwrittenError(
            "checkpoint: the function gave other values when it was called again for the backward "
            "pass, and tensors were overwritten since the first call. Call backward() before "
            "assign() or optimiser.step(), or compute the result again."
        )
    return RuleError(
        "checkpoint: the function gave other values when it was called again for the backward "
        "pass. It must be deterministic: draw random numbers outside it, and change nothing "
        "that it reads."
    )


def fingerprint(out: Node, start: int, live: Container[int] | None = None) -> int:
    """A number that tells one call of a function from another: its ops, settings and constants.

    All that was made after `start` on the way from its inputs to the result counts, and the values
    of what else is used there; not the inputs, which are tensors that require a gradient. `live` is
    what depends on them, where other tensors may require one by now.
    """

    def depends(x: Node) -> bool:
        return x._tracked if live is None else x.number in live

    found, stack = {out.number: out}, [out]
    while stack:
        for x in stack.pop().inputs:
            if x.number not in found and (x.number > start or not depends(x)):
                found[x.number] = x
                if depends(x):
                    stack.append(x)
    total = 0
    for number in sorted(found):
        x = found[number]
        inside = x.op.fingerprint if isinstance(x.op, Replayed) else 0
        parts = (x.op.name, x.settings, inside) if x.op and depends(x) else x._value
        for part in in_bytes(parts):
            total = crc32(part, total)
    return total


def in_bytes(thing: Any, around: tuple[Any, ...] = ()) -> Iterator[bytes]:
    """Anything, piece by piece: an object as what pickle would keep of it, if pickle can, else as
    its class. `around` is what it stands in, for that may be itself.
    """
    if isinstance(thing, Node):
        thing = thing._value
    if isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
        yield f"{thing.dtype}{thing.shape}".encode()
        yield thing.tobytes()
    elif isinstance(thing, NUMBERS):
        yield f"{type(thing)}{thing!r}".encode()
    elif any(thing is other for other in around):
        yield b"again"
    elif isinstance(thing, set | frozenset):
        yield f"{type(thing)}{len(thing)}".encode()
        yield from sorted(b"".join(in_bytes(part, (*around, thing))) for part in thing)
    else:
        yield f"{type(thing)}{getattr(thing, '__qualname__', '')}".encode()
        for part in inside(thing):
            yield from in_bytes(part, (*around, thing))


def inside(thing: Any) -> Iterable[Any]:
    """What an object is made of, as far as it can be told."""
    if isinstance(thing, tuple | list):
        return thing
    if isinstance(thing, Mapping):
        return (*thing.items(), *getattr(thing, "__dict__", {}).items())
    if isinstance(thing, type | FunctionType | np.ufunc):
        return ()
    try:
        made_by = thing.__reduce_ex__(4)
    except Exception:  # no copy of it can be made: a file, a lock
        return ()
    if isinstance(made_by, str):
        return (made_by,)
    return [list(part) if isinstance(part, Iterator) else part for part in made_by]


NUMBERS = (str, bytes, bool, int, float, complex, np.generic, np.dtype)
