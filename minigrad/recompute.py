"""`checkpoint`: keep less for the backward pass, and compute it again there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from minigrad.core.apply import record, with_origin
from minigrad.core.node import NO_SETTINGS, Node, is_recording, leaf, record_state
from minigrad.core.op import Op
from minigrad.core.reach import dependents
from minigrad.core.sweep import sweep
from minigrad.core.trees import flatten
from minigrad.errors import RuleError
from minigrad.ops.arithmetic import positive_ as alias

Function = Callable[..., Any]


def checkpoint(f: Function) -> Function:
    """The same function, as one node of the graph: what it computes inside is not kept.

    The backward pass calls `f` once more, so it costs a second forward pass and saves the memory
    of every intermediate value. Tensors that `f` closes over get their gradients too. `f` returns
    one tensor and must be deterministic: if the second call gives other values (dropout), the
    backward pass raises `RuleError`. Chen et al. 2016, arXiv:1604.06174; as
    `torch.utils.checkpoint`.

    >>> import numpy as np, minigrad as mg
    >>> block = mg.checkpoint(lambda x: np.tanh(np.tanh(x)))
    >>> mg.grad(block)(0.5)
    np.float64(0.6398...)
    """

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
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
        out = of_tracked(variables)
        if not isinstance(out, Node):
            if not tracked:  # arrays in, arrays out
                return out
            raise TypeError(f"checkpoint: {f!r} must return one tensor; got {type(out).__name__}.")
        captured = dependents([out], variables).outside
        inputs = (*tracked, *captured)
        if not out._tracked or not inputs:
            return out
        op = replayed(of_tracked, captured, inputs[0], getattr(f, "__name__", "checkpoint"))
        return with_origin(record(op, inputs, NO_SETTINGS, out._value, True), inputs)

    return call


def replayed(of_tracked: Function, captured: list[Node], like: Node, name: str) -> Op:
    """The op of one call: its vjp calls the function again, recording, and sweeps through that.

    One replay serves all inputs: the sweep asks for them in order, with the same cotangent.
    """
    latest: list[Any] = []  # the cotangent of the latest replay, and its gradients

    def pullback(g: Any, z: Any, *inputs: Any, argument: int) -> Any:
        if not latest or latest[0] is not g:
            direct = inputs[: len(inputs) - len(captured)]
            with record_state(True):
                variables = [variable(x, like) for x in direct]
            latest[:] = [g, replay(of_tracked, variables, captured, g, z)]
        found = latest[1][argument]
        if argument == len(inputs) - 1:
            latest.clear()
        return found

    def value(*arrays: Any) -> Any:
        return of_tracked(arrays[: len(arrays) - len(captured)])

    op = Op("general", value, name)
    op.add_rule(pullback)
    return op


def variable(x: Any, like: Node) -> Node:
    """What the second call is given for an input: it continues a graph, or is a leaf."""
    if isinstance(x, Node) and x._tracked:
        continued: Node = alias(x)
        return continued
    values = x._value if isinstance(x, Node) else x
    fresh: Node = leaf(like, values.view(), tracked=True)  # a view, which `f` cannot write to
    return fresh


def replay(
    of_tracked: Function, variables: list[Node], captured: list[Node], g: Any, z: Any
) -> list[Any]:
    """The gradient of each variable and captured tensor, from a second call of the function."""
    again = isinstance(g, Node)  # a derivative of the derivative is wanted: record
    out = of_tracked(variables)
    if not np.array_equal(out._value, z._value if isinstance(z, Node) else z, equal_nan=True):
        raise RuleError(
            "checkpoint: the function gave other values when it was called again for the backward "
            "pass. It must be deterministic: draw random numbers outside it, and change nothing "
            "that it reads."
        )
    ends = [*variables, *captured]
    with record_state(again):
        reached = sweep([(out, g)], within=dependents([out], ends), record=again)
    found = {x.number: c for x, c in reached.items()}
    return [found.get(x.number, np.zeros(x._value.shape, x._value.dtype)) for x in ends]
