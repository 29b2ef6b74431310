"""Learning rates that change with the steps: functions from how many were taken to the rate.

Each is a function of one whole number, is shown and compared by its settings, and can be drawn:
`[schedule(step) for step in range(100)]`. Any function of yours does as well. The names and the
settings are those of `torch.optim.lr_scheduler`; there a scheduler changes the optimizer that it
is given, here the optimizer asks its schedule: `SGD(parameters, lr=StepLR(0.1, 30))`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from minigrad.optim.parameters import number

Schedule = Callable[[int], float]


def need(holds: bool, wanted: str, schedule: object) -> None:
    """Raise `ValueError` for settings of a schedule that make no sense."""
    if not holds:
        raise ValueError(f"{schedule!r}: {wanted}.")


def check_kinds(schedule: Any) -> None:
    """Raise `TypeError` for settings of a schedule that are no numbers where they ought to be."""
    for setting in fields(schedule):
        value = getattr(schedule, setting.name)
        if hasattr(value, "zero_grad"):
            kind = type(schedule).__name__
            raise TypeError(
                f"{kind} takes the learning rate, not the optimizer, which is given the schedule: "
                f"SGD(parameters, lr={kind}(0.1, ...))."
            )
        if setting.type in ("float", "int"):
            number(value, f"{setting.name} of {type(schedule).__name__}")


@dataclass(frozen=True)
class ConstantLR:
    """lr * factor for the first `total_iters` steps, then lr.

    For a rate that never changes, pass the number to the optimizer. As PyTorch's `ConstantLR`.

    >>> import minigrad as mg
    >>> schedule = mg.optim.ConstantLR(0.4, factor=0.5, total_iters=2)
    >>> [schedule(step) for step in range(4)]
    [0.2, 0.2, 0.4, 0.4]
    """

    lr: float
    factor: float = 1 / 3
    total_iters: int = 5

    def __post_init__(self) -> None:
        check_kinds(self)
        need(self.lr > 0 and self.factor > 0, "the rate and the factor are positive", self)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        return self.lr * self.factor if step < self.total_iters else self.lr


@dataclass(frozen=True)
class StepLR:
    """lr * gamma ** (step // step_size): a factor `gamma` lower every `step_size` steps.

    As PyTorch's `StepLR`.

    >>> import minigrad as mg
    >>> schedule = mg.optim.StepLR(1.0, step_size=2, gamma=0.5)
    >>> [schedule(step) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    lr: float
    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check_kinds(self)
        need(self.lr > 0 and self.gamma > 0, "the rate and gamma are positive", self)
        need(self.step_size >= 1, "step_size is at least 1", self)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        return float(self.lr * self.gamma ** (step // self.step_size))


@dataclass(frozen=True)
class LinearLR:
    """Warm-up: from lr * start_factor at step 0 evenly to lr * end_factor at `total_iters`.

    lr * (start_factor + (end_factor - start_factor) * min(step, total_iters) / total_iters), as
    PyTorch's `LinearLR`. Goyal et al. 2017, arXiv:1706.02677, section 2.2.

    >>> import minigrad as mg
    >>> schedule = mg.optim.LinearLR(1.0, start_factor=0.25, total_iters=3)
    >>> [schedule(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    lr: float
    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_iters: int = 5

    def __post_init__(self) -> None:
        check_kinds(self)
        need(self.lr > 0, "the rate is positive", self)
        need(0 < self.start_factor <= 1, "start_factor is above 0 and at most 1", self)
        need(0 <= self.end_factor <= 1, "end_factor is between 0 and 1", self)
        need(self.total_iters >= 1, "total_iters is at least 1", self)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        passed = min(step, self.total_iters) / self.total_iters
        return self.lr * (self.start_factor + (self.end_factor - self.start_factor) * passed)


@dataclass(frozen=True)
class CosineAnnealingLR:
    """eta_min + (lr - eta_min) * (1 + cos(pi * step / T_max)) / 2: half a wave down to `eta_min`.

    After `T_max` steps it goes up again, as PyTorch's `CosineAnnealingLR` does. Loshchilov and
    Hutter 2017, arXiv:1608.03983, eq. 5.

    >>> import minigrad as mg
    >>> schedule = mg.optim.CosineAnnealingLR(1.0, T_max=4)
    >>> [round(schedule(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.146]
    """

    lr: float
    T_max: int
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        check_kinds(self)
        need(self.lr > 0 and self.eta_min >= 0, "lr is positive, eta_min at least 0", self)
        need(self.T_max >= 1, "T_max is at least 1", self)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        share = (1 + math.cos(math.pi * step / self.T_max)) / 2
        return self.eta_min + (self.lr - self.eta_min) * share


@dataclass(frozen=True)
class OneCycleLR:
    """Up from max_lr / div_factor to `max_lr`, then far down, in `total_steps` steps.

    The first `pct_start` of the steps go up, the others down to `final_div_factor` times less
    than the beginning; both along half a cosine, or straight with `anneal_strategy="linear"`.
    Raises `ValueError` for a step past the end. Smith and Topin 2019, arXiv:1708.07120; as
    PyTorch's `OneCycleLR` with two phases. That one moves the momentum as well, this one does not
    (PyTorch's `cycle_momentum=False`).

    >>> import minigrad as mg
    >>> schedule = mg.optim.OneCycleLR(1.0, total_steps=6, pct_start=0.5, div_factor=10)
    >>> [round(schedule(step), 3) for step in range(6)]
    [0.1, 0.55, 1.0, 0.75, 0.25, 0.0]
    """

    max_lr: float
    total_steps: int
    pct_start: float = field(default=0.3, kw_only=True)
    anneal_strategy: str = field(default="cos", kw_only=True)
    div_factor: float = field(default=25.0, kw_only=True)
    final_div_factor: float = field(default=1e4, kw_only=True)

    def __post_init__(self) -> None:
        check_kinds(self)
        need(self.max_lr > 0, "max_lr is positive", self)
        need(self.total_steps >= 2, "total_steps is at least 2", self)
        need(0 < self.pct_start < 1, "pct_start is between 0 and 1", self)
        need(self.div_factor > 0 and self.final_div_factor > 0, "factors are positive", self)
        need(self.anneal_strategy in ("cos", "linear"), '"cos" or "linear"', self)
        need(self.pct_start * self.total_steps > 1, "too few steps for a way up", self)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        if not 0 <= step < self.total_steps:
            raise ValueError(
                f"{self!r} has no step {step}: it ends after {self.total_steps} steps."
            )
        first = self.max_lr / self.div_factor
        top = self.pct_start * self.total_steps - 1  # the step of max_lr, perhaps not whole
        if step <= top:
            return self.between(first, self.max_lr, step / top)
        passed = (step - top) / (self.total_steps - 1 - top)
        return self.between(self.max_lr, first / self.final_div_factor, passed)

    def between(self, start: float, end: float, passed: float) -> float:
        """The rate after a share `passed` of the way from `start` to `end`."""
        if self.anneal_strategy == "linear":
            return start + (end - start) * passed
        return end + (start - end) * (1 + math.cos(math.pi * passed)) / 2


@dataclass(frozen=True)
class SequentialLR:
    """One schedule after another: the next begins, at its step 0, at each of the milestones.

    Warm-up followed by a cosine, for example. As PyTorch's `SequentialLR`.

    >>> import minigrad as mg
    >>> warm_up = mg.optim.LinearLR(1.0, start_factor=0.5, total_iters=2)
    >>> schedule = mg.optim.SequentialLR([warm_up, mg.optim.StepLR(1.0, 1, 0.5)], milestones=[2])
    >>> [schedule(step) for step in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    schedules: Sequence[Schedule]
    milestones: Sequence[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", tuple(self.schedules))
        object.__setattr__(self, "milestones", tuple(self.milestones))
        need(len(self.schedules) == len(self.milestones) + 1, "one milestone between two", self)
        need(list(self.milestones) == sorted(self.milestones), "milestones grow", self)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        which = bisect_right(self.milestones, step)
        began = self.milestones[which - 1] if which else 0
        return self.schedules[which](step - began)
