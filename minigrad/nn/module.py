"""`Module`: a plain class whose parameters are found by walking its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from minigrad.core.node import is_made, tick
from minigrad.core.notes import leave
from minigrad.core.trees import label, within
from minigrad.core.wrapping import unwrapped
from minigrad.elsewhere import OF_NETWORKS, explain_absent, present
from minigrad.tensor import Tensor


class Module:
    """A function with parameters: subclass it, keep tensors and modules as attributes.

    `forward` computes; calling the module calls it. Its tensors are found in the attributes, in
    order, through modules, lists, tuples and dicts: those that were made with `Tensor(...)`. What
    was computed is never among them, so a module may keep its activations. Parameters are those
    that require a gradient.

    It can be copied and pickled at any time; pass a module and its optimizer in one structure, such
    as a tuple, so that the copies belong together.

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


def parts(root: Any) -> Iterator[tuple[str, Any]]:
    """`root` and all tensors, generators and modules inside, depth first, with dotted names.

    What is there twice comes twice, under both names; what is inside it, once. A module that is
    wrapped, as by `checkpoint`, stands where its wrapper does.
    """
    stack: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while stack:
        name, part = stack.pop()
        part = unwrapped(part)
        if isinstance(part, Tensor | Module | np.random.Generator):
            yield name, part
        if id(part) in seen:
            continue
        if isinstance(part, Module):
            inside = [(label(key), item) for key, item in vars(part).items()]
        elif isinstance(part, dict):
            inside = [(label(key), item) for key, item in part.items()]
        elif isinstance(part, list | tuple):
            inside = [(str(i), item) for i, item in enumerate(part)]
        else:
            continue
        seen.add(id(part))
        stack.extend((within(name, key), item) for key, item in inside[::-1])
