"""What a recorded value is.

A `Node` holds one NumPy array and how it came about: the op, the inputs **in order and with
repeats**, the settings, and a creation number. Numbers only grow, so sorting by number is a
topological order and no walk ever needs recursion. Nodes point at their inputs only: a graph has
no reference cycle and is freed the moment its last tensor goes.

Writes are numbered by the same clock. A value recorded as number n whose input was written to at
a number above n has been overwritten since; the sweep needs no other bookkeeping to know it.
"""

from __future__ import annotations

import copy
from bisect import bisect
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.blocks import Block, Setting
from minigrad.core.copies import laid, own_array
from minigrad.core.cuts import Cut
from minigrad.core.fitting import fit
from minigrad.core.places import Place, here
from minigrad.core.plain import REAL, array_of, check_plain, not_real
from minigrad.core.state import told
from minigrad.errors import GradientTypeError, GraphError, LeavesGraphError

if TYPE_CHECKING:
    import numpy.typing as npt

    from minigrad.core.op import Op

    Array = npt.NDArray[Any]
else:
    Array = np.ndarray  # `numpy.typing` takes a thirtieth of NumPy's own import


tick = count(1).__next__
recording = Setting("recording", True)  # or `Notes`, or `Cut`
NO_SETTINGS: Mapping[str, Any] = {}
SWITCHES = 100  # of a leaf, from frozen to not and back, that are remembered
PYTHON_NUMBERS = (float, int, bool)  # but not np.float64, which is a float to isinstance


class Clock:
    """The number of the latest write to any leaf: the sweep looks closer only after one."""

    __slots__ = ("last_write",)

    def __init__(self) -> None:
        self.last_write = 0


clock = Clock()


Write = tuple[int, Place | None]  # one overwriting of leaves: its number, and where
NEVER: Write = (0, None)


def begin_write() -> Write:
    """Begin a write, in a method that a user calls; give it to each leaf it changes."""
    clock.last_write = number = tick()
    return number, here(3)


class Node:
    """One value of the graph: a leaf (data, parameter, constant) or the result of an op."""

    __slots__ = (
        "__weakref__",
        "_call",
        "_cut",
        "_note",
        "_origin",
        "_switched",
        "_tracked",
        "_value",
        "_written",
        "grad",
        "inputs",
        "name",
        "number",
        "op",
        "settings",
    )

    _value: Array
    _tracked: bool  # a gradient may be needed here
    _switched: list[int]  # when that of a leaf was changed; not set unless it ever was
    _written: Write  # the latest write to a leaf
    _origin: Node | None  # the leaf whose memory this value is a view of
    _note: Any  # see notes.py; not set unless something was noted
    _call: Any
    _cut: tuple[Any, ...] | None  # of a leaf: None if it is data that somebody made; else the
    # `Cut` that its past was lost at, and what by; () if nothing was lost
    op: Op | None  # None for a leaf
    inputs: tuple[Node, ...]
    settings: Mapping[str, Any]
    number: int
    name: str | None
    grad: Any

    def _become_leaf(self, value: Array, tracked: bool = False, name: str | None = None) -> None:
        if tracked:
            need_floats(value.dtype)
        self._value = value
        self._tracked = tracked
        self._written = NEVER
        self._origin = None
        self.op = None
        self.inputs = ()
        self.settings = NO_SETTINGS
        self.number = tick()
        self.name = name
        self.grad = None
        self._cut = None

    def __reduce__(self) -> tuple[Any, ...]:
        """How a leaf is copied and pickled: as a new leaf, with memory and a number of its own.

        A gradient that was recorded is copied as an array. Raises `LeavesGraphError` for the result
        of an op: its graph would be cut in silence.
        """
        if has_past(self):
            was = f"the result of {self.op.name}" if self.op else "the argument of a transform"
            raise LeavesGraphError(
                f"copy, deepcopy and pickle would take a tensor of shape {self._value.shape} out "
                f"of its graph in silence: it is {was}. Copy t.detach(), which has its values "
                f"alone; t.copy() stays in the graph."
            )
        made, grad = self._cut is None, self.grad
        if isinstance(grad, Node) and has_past(grad):
            grad = grad._value
        given = self.__class__, laid(self._value), self._tracked, self.name, made
        kept = laid(grad) if isinstance(grad, np.ndarray) else grad
        state = object.__getstate__(self)  # of a subclass, which may have attributes of its own
        own, slots = state if isinstance(state, tuple) else (state, {})
        slots = {name: value for name, value in slots.items() if name not in Node.__slots__}
        return new_leaf, (*given, kept), (own, slots) if own or slots else None


def need_floats(dtype: np.dtype[Any]) -> None:
    """Raise `GradientTypeError` for the dtype of a tensor that cannot require a gradient."""
    if dtype.kind != "f":
        raise GradientTypeError(
            f"only floating-point tensors can require a gradient; this one is {dtype}. "
            f"Give floats (1.0 instead of 1) or dtype=float."
        )


def new_leaf(
    kind: type[Node], value: Any, tracked: bool, name: str | None, made: bool, grad: Any
) -> Node:
    """The leaf that a copied or unpickled one becomes: never written, its memory its own."""
    node = object.__new__(kind)
    node._become_leaf(own_array(*value), tracked, name)
    node._cut = None if made else ()
    node.grad = own_array(*grad) if isinstance(grad, tuple) else copy.copy(grad)
    return node


def leaf(
    like: Node, value: Array, tracked: bool = False, name: str | None = None, view: bool = False
) -> Any:
    """A new leaf of the class of `like` around `value`, which is not copied: no data of a user's.

    `view` says that the value is that of `like`: the leaf shows it and cannot be written.
    """
    node: Node = object.__new__(like.__class__)
    node._become_leaf(value.view() if view else value, tracked, name)
    node._cut = ()
    if view:
        node._origin = origin(like)
    return node


def follow(node: Node, on: bool) -> None:
    """Have a leaf require a gradient, or freeze it."""
    if not isinstance(on, bool | np.bool_):
        raise TypeError(f"requires_grad is True or False; got {on!r}.")
    if on == node._tracked:
        return
    if has_past(node):
        raise GraphError(
            "requires_grad can be set of leaves only: this tensor was computed from others, or "
            "stands for an argument of a transform. Use t.detach() or mg.stop_gradient(t)."
        )
    if not on:
        switch(node, False)
        node.grad = None
        return
    need_floats(node._value.dtype)
    if node._origin is not None:
        node._written = node._origin._written
    if node._origin is not None or node._value.base is not None:
        node._value = node._value.copy()
    node._origin = node._cut = None
    switch(node, True)
    clock.last_write = node._switched[-1]  # the sweep looks closer at what was recorded before


def switch(node: Node, on: bool) -> None:
    """Have a leaf be tracked or not from now on, and remember how it was until now."""
    switched = getattr(node, "_switched", [])
    node._switched = [*switched[-SWITCHES:], tick()]
    node._tracked = on


def needed(x: Node, node: Node) -> bool:
    """Whether a gradient is needed at an input of a node, and was when the node was recorded.

    What an op recorded does not change when a leaf is frozen or unfrozen later. Raises
    `GraphError` where that was so long ago that it is not known any more.
    """
    if not x._tracked:
        return False
    switched = getattr(x, "_switched", ())
    since = len(switched) - bisect(switched, node.number)
    if since > SWITCHES:
        raise GraphError(
            f"requires_grad of a tensor of shape {x._value.shape} was changed more than "
            f"{SWITCHES} times since it was used. Compute the result again."
        )
    return since % 2 == 0


def has_past(node: Node) -> bool:
    """Whether a node is the recorded result of an op, or stands for an argument of a transform."""
    return node.op is not None or (node._tracked and node._cut is not None)


def is_made(node: Node) -> bool:
    """Whether a node is data that somebody made: a parameter, a constant of the user's.

    Results are not, recorded or not; nor are views of others, and what stands for the argument of
    a function that is being differentiated.
    """
    return node.op is None and node._cut is None


class BeyondRange(Array):
    """A Python number that the integers beside it cannot hold: NumPy's ufuncs are given itself.

    So a quotient or a hypotenuse is NumPy's, and what stays whole is refused with NumPy's error.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **keywords: Any) -> Any:
        numbers = [x.item() if isinstance(x, BeyondRange) else x for x in args]
        return getattr(ufunc, method)(*numbers, **keywords)


def constant(value: Any, like: Node) -> Any:
    """The leaf that stands for an array or a number taking part in an op beside `like`.

    Arrays are copied, so that writing to them later cannot falsify the gradient. A Python number
    adapts to the dtype of `like`, as in NumPy (NEP 50): float32 stays float32.
    """
    if value.__class__ not in PYTHON_NUMBERS:
        return leaf(like, as_real_array(value))
    dtype = like._value.dtype
    if dtype.kind != "f":
        dtype = np.result_type(dtype, value)
        if value.__class__ is int and not np.can_cast(np.min_scalar_type(value), dtype):
            return leaf(like, np.array(value).view(BeyondRange))
    return leaf(like, np.array(value, dtype))


def as_real_array(data: Any, dtype: npt.DTypeLike | None = None) -> Array:
    """A copy of `data` as a boolean, integer or floating array; a `TypeError` for other kinds.

    Raises `DataError` for values that the `dtype` cannot hold.
    """
    if isinstance(data, Node):
        data = data._value
    else:
        check_plain(data)
    array: Array = array_of(data)
    if dtype is not None and array.dtype.kind in REAL:
        real = np.dtype(dtype).kind in REAL
        array = fit(array, dtype) if real else array.astype(dtype)
    if array.dtype.kind not in REAL:
        raise not_real(array)
    return array


def origin(node: Node) -> Node | None:
    """The leaf whose memory `node` shows: itself, the leaf it is a view of, or None."""
    return node if node.op is None and node._origin is None else node._origin


def is_recording() -> bool:
    """Whether ops on tensors that require a gradient are recorded here and now."""
    return bool(recording.get())


def record_state(on: bool) -> Block | nullcontext[None]:
    """Switch recording on or off for a `with` statement of this thread or task."""
    if on and recording.state.get() is True:
        return nullcontext()
    if on:
        return Block(recording, lambda state: state or told(state)._replace(on=True))
    return Block(recording, lambda state: told(state)._replace(on=False, cut=None))


def resting(asleep: bool = False) -> Block:
    """While a derivative is computed, whoever watches ops does not see those of the rules; those
    `asleep` are not woken inside either.
    """
    return Block(recording, lambda state: told(state).rest(asleep))


def awake() -> Block:
    """Inside a rule that runs a user's function again: its ops are watched as others are."""
    return Block(recording, lambda state: told(state).wake())


def freely() -> Block | nullcontext[None]:
    """Where operands of an op are to be stretched to a shape that none of them has."""
    if recording.state.get() is True:
        return nullcontext()
    return Block(recording, lambda state: told(state).freely())


def meet(name: str, operands: Iterable[Any]) -> None:
    """Show operands to whoever watches shapes, where no op is applied: of a comparison, a choice.
    They are arrays, or what NumPy takes for one.
    """
    if recording.state.get() is not True:
        for watch in told(recording.get()).watches:
            if watch.of_shapes:
                watch.met(name, [np.shape(x) for x in operands])


def no_grad() -> Block:
    """Compute without recording: a `with` block, or a decorator of a function.

    Results require no gradient and keep no graph. Each thread and task has its own state, and
    it is as before however the block ends. A decorated generator or async function does not
    record while it runs; its caller does meanwhile. As `torch.no_grad`.

    >>> import minigrad as mg
    >>> x = mg.Tensor(2.0, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    cut = Cut("no_grad", here(2))
    return Block(recording, lambda state: told(state)._replace(on=False, cut=cut))
