"""How an op is applied: bind the arguments, compute, record where a gradient may be needed.

There is one general path, `apply`, and a short one each for one and two arrays without settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import CO_VARKEYWORDS
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.broadcasting import broadcast_together
from minigrad.core.memory import owner
from minigrad.core.node import (
    NEVER,
    NO_SETTINGS,
    Array,
    Node,
    constant,
    origin,
    recording,
    tick,
)
from minigrad.core.plain import array_of, check_numbers, check_plain
from minigrad.core.registry import Function
from minigrad.core.settings import PLAIN, kept, without_tensors
from minigrad.core.state import told
from minigrad.errors import GradientTypeError, MinigradError, ShapeError

if TYPE_CHECKING:
    from minigrad.core.op import Op

ndarray = np.ndarray
new = object.__new__
now = recording.state.get  # which is True, the default, wherever no block is open


def recorder(op: Op, rules: int) -> Function:
    """The function that applies `op`. That of a user's value function sees to it that what is
    recorded are floats: a derivative in another dtype would be cut to whole numbers.
    """
    call = short(op, rules)
    if op.compute is op.value:
        return call

    def to_floats(*args: Any, **kwargs: Any) -> Any:
        made = call(*args, **kwargs)
        if isinstance(made, Node) and made._tracked and made._value.dtype.kind != "f":
            raise GradientTypeError(
                f"the value function of {op.name} returned {made._value.dtype} for an input that "
                f"requires a gradient. Return floats: z.astype(x.dtype)."
            )
        return made

    return to_floats


def short(op: Op, rules: int) -> Function:
    """The function that applies `op`: a short path for one or two arrays without settings."""
    arrays = op.value.nin if isinstance(op.value, np.ufunc) else len(op.parameters)
    if arrays == max(rules, 1) and not op.has_settings and not op.variadic:
        if arrays == 1:
            return unary(op)
        if arrays == 2:
            return binary(op)

    def call(*args: Any, **kwargs: Any) -> Any:
        return apply(op, args, kwargs)

    return call


def unary(op: Op) -> Function:
    """`apply` for one array and no settings: the same in a third of the time."""
    value = op.compute
    fresh = isinstance(value, np.ufunc)  # never returns an input, or a view of one

    def call(x: Any, /) -> Any:
        if not isinstance(x, Node):
            return of_plain(op, (x,), NO_SETTINGS)
        a = x._value
        try:
            z = value(a)
        except Exception as error:
            raise explained(op, (x,), NO_SETTINGS, error) from error
        node = record(op, (x,), NO_SETTINGS, z, x._tracked)
        own = fresh or (node._value.base is None and z is not a)
        return node if own else with_origin(node, (x,))

    return call


def binary(op: Op) -> Function:
    """`apply` for two arrays and no settings: the same in a third of the time.

    What `record` does of a tracked result is written out: a training step of a small network, a
    dozen calls of NumPy, takes 0.98 of the time.
    """
    value = op.compute
    fresh = isinstance(value, np.ufunc)  # never returns an input, or a view of one

    def call(x: Any, y: Any, /) -> Any:
        if isinstance(x, Node):
            if y.__class__ is not x.__class__ and not isinstance(y, Node):
                y = constant(y, x)
        elif isinstance(y, Node):
            x = constant(x, y)
        else:
            return of_plain(op, (x, y), NO_SETTINGS)
        a, b = x._value, y._value
        try:
            z = value(a, b)
        except Exception as error:
            raise explained(op, (x, y), NO_SETTINGS, error) from error
        if now() is True and (x._tracked or y._tracked):
            node: Node = new(x.__class__)
            node._value = z if z.__class__ is ndarray else np.asarray(z)
            node._written = NEVER
            node._origin = None
            node._tracked = True
            node.op = op
            node.inputs = x, y
            node.settings = NO_SETTINGS
            node.number = tick()
            node.name = None
            node.grad = None
        else:
            node = record(op, (x, y), NO_SETTINGS, z, x._tracked or y._tracked)
        own = fresh or (node._value.base is None and z is not a and z is not b)
        return node if own else with_origin(node, (x, y))

    return call


def apply(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply any op: bind the arguments, compute, and record where a gradient may be needed."""
    inputs, settings = op.bind(args, kwargs)
    like = None
    tracked = mixed = False
    for x in inputs:
        if not isinstance(x, Node):
            mixed = True
        else:
            like = x
            tracked = tracked or x._tracked
    recorded = settings
    if not PLAIN.issuperset(map(type, settings.values())):
        if like is not None:
            for setting in settings.values():
                check_plain(setting)
        if tracked and recording.get():
            settings, recorded = kept(op, settings)
        else:
            settings = without_tensors(op, settings)
    if like is None:
        return of_plain(op, inputs, settings)
    if mixed:
        inputs = tuple([x if isinstance(x, Node) else constant(x, like) for x in inputs])
    try:
        value = op.compute(*[x._value for x in inputs], **settings)
    except Exception as error:
        raise explained(op, inputs, settings, error) from error
    return with_origin(record(op, inputs, recorded, value, tracked), inputs)


def of_plain(op: Op, inputs: tuple[Any, ...], settings: Mapping[str, Any]) -> Any:
    """The value of plain arrays and numbers; of anything else, an error that says so."""
    try:
        return op.value(*inputs, **settings)
    except (TypeError, ValueError) as error:
        refuse_unknown(op, settings, error)
        for x in inputs:
            check_numbers(array_of(x))
        raise


def record(
    op: Op, inputs: tuple[Node, ...], settings: Mapping[str, Any], value: Array, tracked: bool
) -> Any:
    """The result of an op, of the class of its first input; with its past if it is tracked."""
    if value.__class__ is not ndarray:
        value = np.asarray(value)  # NumPy's scalars
    node: Node = new(inputs[0].__class__)
    node._value = value
    node._written = NEVER
    node._origin = None
    node.number = tick()
    node.name = None
    node.grad = None
    if now() is not True:
        return record_in_block(node, op, inputs, settings, tracked)
    if tracked:
        node._tracked = True
        node.op = op
        node.inputs = inputs
        node.settings = settings
    else:
        node._tracked = False
        node.op = None
        node.inputs = ()
        node.settings = NO_SETTINGS
        node._cut = inputs[0]._cut or inputs[-1]._cut or ()
    return node


def record_in_block(
    node: Node, op: Op, inputs: tuple[Node, ...], settings: Mapping[str, Any], tracked: bool
) -> Node:
    """The rest of `record` where a block says what is to be done with ops."""
    state = told(recording.get())
    node._tracked = tracked and state.on
    node.op = None
    node.inputs = ()
    node.settings = NO_SETTINGS
    if node._tracked:
        node.op = op
        node.inputs = inputs
        node.settings = settings
        state.take(node)
    elif tracked:  # not recorded: what came first, in the middle and last is told apart later
        first, last = inputs[0].number, inputs[-1].number
        node._cut = (state.cut, first, last, inputs[len(inputs) // 2].number)
    else:
        node._cut = inputs[0]._cut or inputs[-1]._cut or ()
    for watch in state.watches:
        watch.applied(op, inputs, settings, node)
    return node


def with_origin(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The node, knowing whose memory it shows if its op returned an input or a view of one.

    NumPy's ufuncs never do, so they need not ask.
    """
    value = node._value
    for x in inputs:
        if x._value is value:
            node._value = value = value.view()  # whoever shows an input's memory is told by `.base`
            break
    if value.base is not None:
        home = owner(value)
        node._origin = next((origin(x) for x in inputs if owner(x._value) is home), None)
    return node


def explained(
    op: Op, inputs: tuple[Node, ...], settings: Mapping[str, Any], error: Exception
) -> Exception:
    """The error to raise when the value function refused its inputs: what, shapes, advice."""
    refuse_unknown(op, settings, error)
    shapes = " and ".join(str(x._value.shape) for x in inputs)
    refused = isinstance(error, ValueError) and not isinstance(error, np.linalg.LinAlgError)
    if op.explain is not None and refused:
        advice = op.explain(*[x._value.shape for x in inputs], **settings)
        if advice:
            return ShapeError(f"{op.name}: {advice}")
    if op.broadcasts and refused and not broadcast_together([x._value.shape for x in inputs]):
        return ShapeError(
            f"{op.name}: shapes {shapes} do not broadcast together. Aligned at the right, axes "
            f"must be equal or 1; check which one is meant, then reshape or transpose."
        )
    if isinstance(error, MinigradError):
        return error
    given = "".join(f", {key}={setting!r}" for key, setting in settings.items())
    named = ShapeError if type(error) is ValueError else type(error)
    try:
        return named(f"{op.name}: {error} (inputs of shape {shapes}{given})")
    except Exception:  # an exception class that wants more than a message keeps its own
        return error


def refuse_unknown(op: Op, settings: Mapping[str, Any], error: Exception) -> None:
    """Raise `TypeError` for a setting that the op has not: it names those that it has."""
    if not isinstance(error, TypeError) or not isinstance(op.value, FunctionType):
        return
    code = op.value.__code__
    if code.co_flags & CO_VARKEYWORDS:
        return
    arrays = 0 if op.variadic else len(op.rules)
    known = code.co_varnames[arrays : code.co_argcount + code.co_kwonlyargcount]
    unknown = settings.keys() - known
    if unknown:
        has = f"it has {', '.join(f'{name}=' for name in known)}" if known else "it has none"
        raise TypeError(
            f"{op.name} got an unexpected keyword argument {min(unknown)!r}: of settings {has}."
        ) from None
