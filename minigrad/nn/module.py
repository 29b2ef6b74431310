"""`Module`: a plain class whose parameters are found by walking its attributes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Self

import numpy as np

from minigrad.core.node import has_past, is_made, leaf, tick
from minigrad.core.notes import leave
from minigrad.core.settings import rebuilt
from minigrad.core.trees import label, within
from minigrad.core.wrapping import unwrapped
from minigrad.elsewhere import OF_NETWORKS, explain_absent, present
from minigrad.tensor import Tensor


class Module:
    """A function with parameters: subclass it, keep tensors and modules as attributes.

    `forward` computes; calling the module calls it. Its tensors are found in the attributes, in
    order, through modules, lists, tuples and dicts: its parameters, which require a gradient, and
    its buffers, the other tensors made with `Tensor(...)` that it was built with. An attribute that
    is a buffer stays one: a result without gradient that is assigned to it is copied into a tensor
    of its own. What else was computed is never among them, nor is what an attribute first holds
    while the module is called, so `forward` may keep activations and inputs.

    It can be copied and pickled at any time; the copy of a result that it keeps is plain data,
    without its past. Pass a module and its optimizer in one structure, such as a tuple, so that the
    copies belong together.

    >>> import minigrad as mg
    >>> class Scale(mg.nn.Module):
    ...     def __init__(self):
    ...         self.factor = mg.Tensor(2.0, requires_grad=True)
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale()
    >>> scale(mg.Tensor(3.0))
    Tensor(6., requires_grad=True)
    >>> [name for name, parameter in scale.named_parameters()]
    ['factor']
    """

    training = True
    _kept: frozenset[str] = frozenset()  # attributes that are no buffers: a call put a tensor there

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor | list | tuple | dict):
            if name not in self._kept and any(map(is_made, tensors(vars(self).get(name)))):
                value = mapped(value, as_buffer)
            elif any(is_made(t) and not t.requires_grad for t in tensors(value)):
                kept = self._kept - {name} | ({name} if is_called(self) else set())
                object.__setattr__(self, "_kept", kept)
        object.__setattr__(self, name, value)

    def __getstate__(self) -> Any:
        plain: dict[int, Tensor] = {}  # a result that it keeps twice stays one

        def once(t: Tensor) -> Tensor:
            return plain.setdefault(id(t), without_past(t))

        return mapped(object.__getstate__(self), once)

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def forward(self, *inputs: Any) -> Any:
        """What the module computes; to be written by each kind of module."""
        raise TypeError(f"{type(self).__name__} has no forward(self, x): define what it computes.")

    def __call__(self, *inputs: Any) -> Any:
        """`forward` of the inputs; what it returns remembers that it was this module."""
        number = tick()
        result = self.forward(*inputs)
        leave(self, number, result)
        return result

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor it is made of, with its dotted name; one that is shared comes once.

        No two have the same name: of a dict's keys, a dot is written `%2E`, a number in brackets.
        """
        seen: set[int] = set()
        for name, part in parts(self):
            if isinstance(part, Tensor) and is_made(part) and id(part) not in seen:
                seen.add(id(part))
                yield name, part

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, tensor) of every parameter, such as `layers.0.weight`."""
        return ((name, t) for name, t in self.named_tensors() if t.requires_grad)

    def parameters(self) -> list[Tensor]:
        """Every parameter, in the order of the attributes."""
        return [t for _, t in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward()` starts afresh.

        >>> import minigrad as mg
        >>> layer = mg.nn.Linear(2, 1, rng=0)
        >>> mg.sum(layer(mg.Tensor([1.0, 2.0]))).backward()
        >>> layer.zero_grad()
        >>> layer.weight.grad is None
        True
        """
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, on: bool = True) -> Self:
        """Switch it and its modules to training (dropout drops); returns itself."""
        for _, part in parts(self):
            if isinstance(part, Module):
                part.training = on
        return self

    def eval(self) -> Self:
        """Switch it and its modules to evaluation (dropout lets everything through)."""
        return self.train(False)

    __dir__ = present

    def __repr__(self) -> str:
        count = sum(p.size for p in self.parameters())
        return (
            f"{type(self).__name__}({count:,} parameters)" if count else f"{type(self).__name__}()"
        )


explain_absent(Module, OF_NETWORKS)


def is_called(module: Module) -> bool:
    """Whether a call of the module is under way in this thread."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code is CALL and frame.f_locals["self"] is module:
            return True
        frame = frame.f_back
    return False


CALL = Module.__call__.__code__


def as_buffer(t: Tensor) -> Tensor:
    """A tensor of its own for a result without gradient."""
    return t if t.requires_grad or is_made(t) else Tensor(t, name=t.name)


def without_past(t: Tensor) -> Tensor:
    """Plain data for a result."""
    return leaf(t, t._value, view=True) if has_past(t) else t


def mapped(thing: Any, of_tensor: Callable[[Tensor], Tensor], around: tuple[Any, ...] = ()) -> Any:
    """Nested lists, tuples and dicts with others in place of tensors; itself, if none is another.

    `around` is what it stands in, for that may be itself.
    """
    if isinstance(thing, Tensor):
        return of_tensor(thing)
    if not isinstance(thing, list | tuple | dict) or any(thing is other for other in around):
        return thing
    inside = thing.values() if isinstance(thing, dict) else thing
    found = {id(part): mapped(part, of_tensor, (*around, thing)) for part in inside}
    if all(found[id(part)] is part for part in inside):
        return thing
    return rebuilt(thing, lambda part: found[id(part)])


def tensors(thing: Any) -> Iterator[Tensor]:
    """All tensors inside."""
    return (part for _, part in parts(thing) if isinstance(part, Tensor))


def parts(root: Any) -> Iterator[tuple[str, Any]]:
    """`root` and all its tensors, generators and modules inside, depth first, with dotted names.

    What is there twice comes twice, under both names; what is inside it, once. A module that is
    wrapped, as by `checkpoint`, stands where its wrapper does. Data that a call kept is left out.
    """
    stack: list[tuple[str, Any, bool]] = [("", root, False)]
    seen: set[int] = set()
    while stack:
        name, part, kept = stack.pop()
        part = unwrapped(part)
        if isinstance(part, Tensor) and kept and not part.requires_grad:
            continue
        if isinstance(part, Tensor | Module | np.random.Generator):
            yield name, part
        if id(part) in seen:
            continue
        if isinstance(part, Module):
            items = vars(part).items()
            inside = [(label(key), item, key in part._kept) for key, item in items]
        elif isinstance(part, dict):
            inside = [(label(key), item, kept) for key, item in part.items()]
        elif isinstance(part, list | tuple):
            inside = [(str(i), item, kept) for i, item in enumerate(part)]
        else:
            continue
        seen.add(id(part))
        stack.extend((within(name, key), item, kept) for key, item, kept in inside[::-1])
