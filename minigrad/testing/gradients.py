"""`check_grads`: whether the derivatives of a function are right, in both modes, to any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.node import Array
from minigrad.testing.comparison import Comparison, joined
from minigrad.testing.differences import Differences, Direction, differences
from minigrad.testing.findings import Finding, Report, explained
from minigrad.testing.manners import called, check_rules, frozen
from minigrad.testing.point import Point, point_of
from minigrad.transforms import Recorded, record

MODES = ("forward", "reverse")
SMALL = {1: 32, 2: 6}  # up to this size, every element for itself; beyond, random projections
STEPS = (1e-3, 1e-4)  # the second only if something seems wrong: a function may be curved
IDENTITY = 1000  # rounding errors that <g, J t> and <J' g, t> may differ by, of all their terms


def check_grads(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    modes: Sequence[str] = MODES,
    seed: int = 0,
) -> Report:
    """Check the derivatives of `f` at `args` up to `order`; raise `DerivativeError` if wrong.

    `args` are arrays, or nested lists, tuples and dicts of arrays; those that are not
    floating-point are held constant. Checked are, with random cotangents and tangents:

    - every element of the Jacobian (of a large one random projections), in each of the modes,
      against central differences at two step sizes, and a complex step where `f` is analytic;
    - the same of the derivatives themselves, for a higher order: reverse over reverse, forward
      over forward, and each over the other;
    - that `<g, J t> = <J' g, t>` nearly to machine precision, for reverse against forward mode;
    - the value, shapes and dtypes, that nothing given was written to, that no two gradients
      share memory; the same of every rule that took part.

    At a kink there is a set of derivatives, the slopes nearby and all between them, and the rule
    must give one of these. The report counts such places. Along directions in which equal
    elements stay equal, where a tie is no kink, the derivative must be exact all the same.

    The error names the worst element with both numbers, the smallest input found that shows
    it, and the rule that is wrong, with its source.

    >>> import numpy as np, minigrad as mg
    >>> print(mg.testing.check_grads(np.tanh, np.array([0.5, -1.0])))
    right: forward and reverse, to order 2, 38 numbers compared
    """
    unknown = set(modes) - set(MODES)
    if order < 1 or not modes or unknown:
        raise ValueError(
            f'check_grads: order is at least 1 and modes are from "forward", "reverse"; '
            f"got order={order}, modes={tuple(modes)}."
        )
    point = point_of(f, args)
    if not point.arrays:
        raise ValueError("check_grads: none of the arguments is a floating-point array.")
    name = getattr(f, "__name__", type(f).__name__)
    return check_point(point, order, tuple(modes), name, seed)


def check_point(point: Point, order: int, modes: tuple[str, ...], name: str, seed: int) -> Report:
    """`check_grads` of a function that is known to take and to return floating-point arrays."""

    def check(at: Point, only_numbers: bool = True) -> Report:
        rng = np.random.default_rng(seed)
        if not only_numbers:
            check_manners(at, rng)
        return check_orders(at, order, modes, rng)

    try:
        return check(point, only_numbers=False)
    except Finding as finding:
        error = explained(finding, point, check, name)
    raise error


def check_orders(
    point: Point, order: int, modes: tuple[str, ...], rng: np.random.Generator, level: int = 1
) -> Report:
    """Check the first derivative of the function, then, as functions, its derivatives."""
    try:
        report = check_numbers(point, modes, rng, level)
    except Finding as finding:
        finding.order = level
        raise
    if level < order:
        for mode in modes:
            of_it = point.derivative(mode, rng)
            report += check_orders(of_it, order, modes, rng, level + 1)
    return report


# --- numbers --------------------------------------------------------------------------------


def check_numbers(
    point: Point, modes: tuple[str, ...], rng: np.random.Generator, level: int
) -> Report:
    """Check the Jacobian of the function at the point, in each mode."""
    comparison = Comparison(point, rng, SMALL.get(level, 0))
    if not comparison.directions or not comparison.outputs:
        return Report(level, modes)
    recorded = record(point.function, point.arrays)
    found = {mode: comparison.numbers(recorded, mode) for mode in modes}
    oracle = held(comparison, found, level == 1, *STEPS)
    if len(modes) == 2:
        check_identity(recorded, comparison.directions[-1], rng, point.rounding())
    nowhere = int(oracle.undefined.sum())
    return Report(level, modes, oracle.low.size - nowhere, int(oracle.kinks.sum()), nowhere)


def held(
    comparison: Comparison, found: dict[str, Array], analytic: bool, step: float, *smaller: float
) -> Differences:
    """The differences that the numbers agree with, by smaller steps if the first are too large."""
    point = comparison.point
    oracle = differences(
        point.flat, point.arrays, comparison.directions, point.rounding(), analytic, step
    )
    try:
        comparison.hold(found, oracle)
    except Finding:
        if not smaller:
            raise
        return held(comparison, found, analytic, *smaller)
    return oracle


def check_identity(
    recorded: Recorded, tangents: Direction, rng: np.random.Generator, precision: float
) -> None:
    """Check that reverse mode is the transpose of forward mode: <g, J t> = <J' g, t>."""
    cotangents = [rng.normal(size=x.shape) for x in recorded.outputs]
    left = joined(cotangents) * joined(recorded.push(tangents))
    right = joined(recorded.pull(cotangents)) * joined(tangents)
    given = np.linalg.norm(joined(cotangents)) * np.linalg.norm(joined(tangents))
    scale = np.sum(np.abs(left)) + np.sum(np.abs(right)) + given
    if abs(np.sum(left) - np.sum(right)) > IDENTITY * precision * scale:
        raise Finding(
            "reverse mode is not the transpose of forward mode",
            details=[
                f"<g, J t> = {np.sum(left):.15g}  by forward mode",
                f"<J' g, t> = {np.sum(right):.15g}  by reverse mode",
            ],
        )


# --- manners --------------------------------------------------------------------------------


def check_manners(point: Point, rng: np.random.Generator) -> None:
    """Check all but the numbers: values, shapes, dtypes, memory, of the whole and of its rules."""
    (plain,) = called([point.at([frozen(x) for x in point.arrays]).results], "the function")
    for x, y in zip(plain, point.results(), strict=True):
        if not np.array_equal(x, y, equal_nan=True):
            raise Finding("the function gives other values when called a second time")
    recorded = record(point.function, point.arrays)
    check_values(plain, [x._value for x in recorded.outputs])
    check_rules(recorded, rng)
    cotangents = [rng.normal(size=x.shape).astype(x.dtype) for x in recorded.outputs]
    kept = [g.copy() for g in cotangents]
    gradients = [np.asarray(g) for g in recorded.pull(cotangents)]
    for i, (g, x) in enumerate(zip(gradients, point.arrays, strict=True)):
        if g.shape != x.shape or g.dtype != x.dtype:
            raise Finding(
                f"the gradient of {point.names[i]} is {g.dtype} of shape {g.shape}, "
                f"but {point.names[i]} is {x.dtype} of shape {x.shape}",
                argument=i,
            )
        others = [*point.arrays, *cotangents, *gradients[:i]]
        if any(np.may_share_memory(g, other) for other in others):
            raise Finding(f"the gradient of {point.names[i]} shares memory", argument=i)
    if not all(np.array_equal(x, y) for x, y in zip(kept, cotangents, strict=True)):
        raise Finding("a cotangent was written to")


def check_values(plain: list[Array], recorded: list[Array]) -> None:
    """Check that a function gives the same for tensors as for plain arrays."""
    for x, y in zip(plain, recorded, strict=True):
        if x.shape != y.shape or x.dtype != y.dtype:
            raise Finding(
                f"the value is {x.dtype} of shape {x.shape} for arrays, but {y.dtype} of shape "
                f"{y.shape} for tensors"
            )
        if not np.allclose(x, y, rtol=1e-12, atol=1e-12, equal_nan=True):
            raise Finding("the value for tensors is another than for arrays")
