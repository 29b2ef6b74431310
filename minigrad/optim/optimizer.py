"""What all optimizers share: the parameters, and how a step is taken."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from numpy import ndarray

from minigrad.core.fitting import fit
from minigrad.core.node import Node, begin_write
from minigrad.core.trees import flatten
from minigrad.elsewhere import OF_OPTIMIZERS, explain_absent, present
from minigrad.errors import GradientTypeError, ShapeError
from minigrad.optim.parameters import called, number, parameters_of
from minigrad.optim.schedules import Schedule
from minigrad.tensor import Tensor

Array = npt.NDArray[Any]
Rate = float | Schedule  # what `lr=` takes


class Optimizer:
    """The parameters to update, and the learning rate `lr`, which can be set at any time.

    `lr` is a number, or a function from the number of steps taken so far to one, such as
    `mg.optim.CosineAnnealingLR(0.1, 1000)`. Reading it gives the rate of the latest step.

    A subclass makes the memory that it keeps per parameter in `__init__`, so that a step allocates
    nothing, says how `update` uses it, and lists in `keeps` the attributes that a file of the
    training holds. Parameters without a gradient are left alone.

    It can be copied and pickled at any time; copy it in one structure with its module, such as
    `copy.deepcopy((module, optimizer))`, so that the copies belong together.

    A step looks at all gradients before it changes anything: `ShapeError` or `GradientTypeError`
    for one that does not fit its parameter, and with `check_finite` `FloatingPointError` for one
    with nan or infinity. Then neither a parameter nor the optimizer has changed.
    """

    keeps: ClassVar[tuple[str, ...]] = ("steps", "lr")  # numbers, and arrays in lists

    def __init__(
        self, parameters: Iterable[Tensor], lr: Rate, *, check_finite: bool = False
    ) -> None:
        self.parameters = parameters_of(parameters, type(self).__name__)
        if not callable(lr) and not number(lr, "the learning rate") > 0:
            raise ValueError(f"the learning rate must be positive; got lr={lr}.")
        of_dtype = {p.dtype: np.zeros((), p.dtype) for p in self.parameters}
        self.rates = [of_dtype[p.dtype] for p in self.parameters]  # faster than a number
        self.steps = 0
        self.lr = lr
        self.check_finite = check_finite

    def __copy__(self) -> Self:
        """An optimizer of the same parameters, with memory of its own."""
        return copy.deepcopy(self, {id(p): p for p in self.parameters})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled, in new arrays: those that are loaded may be read-only."""
        parts, rebuild = flatten(state)
        own = {id(x): x.copy() for x in parts if isinstance(x, np.ndarray)}  # shared ones stay so
        vars(self).update(rebuild([own.get(id(x), x) for x in parts]))

    @property
    def lr(self) -> float:
        """The learning rate of the latest step; set it to a number or to a schedule."""
        return self._lr

    @lr.setter
    def lr(self, lr: Rate) -> None:
        if isinstance(lr, type):
            raise TypeError(f"lr is the class {lr.__name__}: make a schedule of it by a call.")
        schedule = lr if callable(lr) else None
        self.set_rate(schedule(self.steps) if schedule else lr)
        self.schedule = schedule

    def set_rate(self, lr: Any) -> None:
        """Go on with this learning rate; `ValueError`, and no change, if it can be none."""
        rate = number(lr, "the learning rate")
        if not (rate >= 0 and math.isfinite(rate)):
            raise ValueError(
                f"a learning rate is a finite number, at least 0; got lr={lr} for step "
                f"{self.steps}."
            )
        each = {id(kept): kept for kept in self.rates}.values()
        fitted = [fit(np.asarray(rate), kept.dtype, "the learning rate") for kept in each]
        for kept, value in zip(each, fitted, strict=True):
            kept[...] = value
        self._lr = rate

    def check(self) -> None:
        """Raise `ValueError` for settings that make no sense."""
        if type(self.steps) is not int or self.steps < 0:
            raise ValueError(f"steps is a whole number, at least 0; got {self.steps!r}.")

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over numbers of `keeps` from a file; a schedule stays, with its place in it."""
        schedule = self.schedule
        for name, value in kept.items():
            setattr(self, name, value)
        self.schedule = schedule
        self.check()

    __dir__ = present

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward()` starts afresh."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        grads = self.gradients()
        if self.schedule is not None:
            self.set_rate(self.schedule(self.steps))
        self.steps += 1
        write = begin_write()
        for i, (p, grad) in enumerate(zip(self.parameters, grads, strict=True)):
            if grad is not None:
                p._written = write
                self.update(i, p._value, grad)

    def gradients(self) -> list[Any]:
        """The gradient of each parameter as an array that fits it, or None."""
        grads = []
        for p in self.parameters:
            grad, value = p.grad, p._value
            if grad is not None and (
                grad.__class__ is not ndarray
                or grad.dtype is not value.dtype
                or grad.shape != value.shape
            ):
                grad = fitting(grad, p)
            grads.append(grad)
        if self.check_finite:
            for p, grad in zip(self.parameters, grads, strict=True):
                if grad is not None and not np.isfinite(grad).all():
                    raise FloatingPointError(
                        f"step: the gradient of {called(p)} has nan or infinity in it. Nothing was "
                        f"changed: zero_grad() forgets it."
                    )
        return grads

    def update(self, i: int, value: Array, grad: Array) -> None:
        """Change the value of parameter number `i` in place."""
        raise TypeError(f"{type(self).__name__} does not say how to update.")

    def buffers(self) -> list[Array]:
        """One array of zeros per parameter, of its shape and dtype."""
        return [np.zeros_like(p._value) for p in self.parameters]


explain_absent(Optimizer, OF_OPTIMIZERS)


def fitting(grad: Any, p: Tensor) -> Array:
    """A gradient as an array of the parameter's shape, of numbers that can be added to it."""
    array = grad._value if isinstance(grad, Node) else grad
    if array.__class__ is not ndarray and not isinstance(array, np.generic):
        raise GradientTypeError(
            f"step: the gradient of {called(p)} is no array, but {type(grad).__name__}. Set .grad "
            f"to a NumPy array of shape {p.shape}, or to None."
        )
    if array.shape != p.shape:
        raise ShapeError(
            f"step: the gradient of {called(p)} has shape {array.shape}, but the parameter has "
            f"{p.shape}. They must be equal."
        )
    if not np.can_cast(array.dtype, p.dtype, "same_kind"):
        raise GradientTypeError(
            f"step: the gradient of {called(p)} is {array.dtype}, but the parameter {p.dtype}. "
            f"Give it real numbers."
        )
    return np.asarray(array)
