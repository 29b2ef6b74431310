"""`check_grads`: whether the derivatives of a function are right, in both modes, to any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.node import Array
from minigrad.errors import DerivativeError
from minigrad.testing.comparison import Comparison, joined
from minigrad.testing.differences import Differences, Direction, differences
from minigrad.testing.findings import Finding, Report, explained
from minigrad.testing.manners import called, check_rules, frozen
from minigrad.testing.point import Point, point_of
from minigrad.testing.point import called as function_name
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

    Nothing compared is no proof, and no report calls it right. An error says why where `f` returns
    nothing that has a derivative, where nothing leads to it in the graph, and where it has no
    derivative at all. A report of arrays without elements, or of numbers that differences are too
    coarse for, says "not a proof" and is false, so that `assert check_grads(...)` fails. It also
    names the arrays that change no result.

    The error names the worst element with both numbers, the smallest input found that shows
    it, and the rule that is wrong, with its source.

    >>> import numpy as np, minigrad as mg
    >>> print(mg.testing.check_grads(np.tanh, np.array([0.5, -1.0])))
    right: forward and reverse, to order 2, 38 numbers compared
    """
    check_request("check_grads", order, modes)
    point = point_of(f, args)
    if not point.arrays:
        raise ValueError("check_grads: none of the arguments is a floating-point array.")
    name = function_name(f)
    report = check_point(point, order, tuple(modes), name, seed)
    if report.undefined and not report:
        raise DerivativeError(
            f"{name}: nothing could be compared: none of its {report.undefined} numbers has a "
            f"derivative here (nan, infinity, a jump, the end of the domain). Give other arguments."
        )
    return report


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


def check_request(name: str, order: int, modes: Sequence[str]) -> None:
    """Raise `ValueError` where nothing, or nothing that is known, is asked for."""
    if not isinstance(order, int) or order < 1 or not modes or {*modes} - {*MODES}:
        raise ValueError(
            f"{name}: order is a whole number of at least 1 and modes are from "
            f'"forward", "reverse"; got order={order}, modes={modes!r}.'
        )


def check_orders(
    point: Point, order: int, modes: tuple[str, ...], rng: np.random.Generator, level: int = 1
) -> Report:
    """Check the first derivative of the function, then, as functions, its derivatives."""
    try:
        report = check_numbers(point, modes, rng, level)
    except Finding as finding:
        finding.order = level
        raise
    if level < order and report:
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
    if level == 1 and not any(x.number in recorded.reach.live for x in recorded.outputs):
        raise Finding(
            "nothing leads from its arguments to its results in the graph, so that every "
            "derivative is 0. Is it constant, or does something leave the graph (numpy(), item(), "
            "stop_gradient)?"
        )
    if len(modes) == 2:
        check_identity(recorded, comparison.directions[-1], rng, point.rounding())
    nowhere, faint = oracle.undefined, comparison.faint(found, oracle)
    left = ~nowhere & ~faint
    compared, kinks, undefined, coarse = (
        int(a.sum()) for a in (left, oracle.kinks & left, nowhere, faint)
    )
    moves = comparison.moves(recorded) if level == 1 else {}
    return Report(level, modes, compared, kinks, undefined, coarse, moves)


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
