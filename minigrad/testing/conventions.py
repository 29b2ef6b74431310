"""What a rule chooses where there is a choice: at kinks, ties and jumps. Measured, not claimed."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import transforms
from minigrad.core.node import Array
from minigrad.core.op import Op
from minigrad.core.samples import Case, Domain
from minigrad.testing.differences import Differences, differences
from minigrad.testing.inputs import cases_of, domains_of, draw, inside, is_shape
from minigrad.testing.point import Point

TIE = 1.0
LARGEST = 12  # elements of an array that is written out


def conventions(op: Op) -> list[str]:
    """What the rules of an op give where it has no single derivative, one line for each place.

    >>> import numpy as np
    >>> from minigrad.ops.arithmetic import absolute, maximum
    >>> conventions(absolute.op)
    ['at x = 0: 0 (a kink, slopes -1 and 1)']
    >>> conventions(maximum.op)
    ['at x = y: 0.5 in x, 0.5 in y (a kink)']
    """
    case = cases_of(op)[0]
    if op.kind == "elementwise":
        return at_points(op, case) + at_ties(op, case)
    if all(is_shape(x) for x in case.inputs):
        return at_equal_elements(op, case)
    return []


def names_of(op: Op) -> tuple[str, ...]:
    """The letters that rules use for the arrays."""
    return tuple(op.parameters) if op.parameters else ("x", "y")


def point_at(op: Op, case: Case, arrays: list[Any]) -> Point:
    """A call of an op as a function of all its arrays."""

    def function(*given: Any) -> tuple[Any, ...]:
        return (op.function(*given, **case.settings),)

    return Point(function, tuple(np.array(x, float) for x in arrays), names_of(op))


def slopes(point: Point, argument: int) -> Differences:
    """The derivatives of all results along a change of one array."""
    direction = [np.zeros(x.shape) for x in point.arrays]
    direction[argument] = np.ones(point.arrays[argument].shape)
    return differences(point.flat, point.arrays, [direction], point.rounding(), analytic=False)


def gradient(point: Point) -> list[Array]:
    """The gradient of the sum of the results, in each array."""
    with np.errstate(all="ignore"):
        z, pullback = transforms.vjp(point.function, *point.arrays)
        return [np.asarray(g) for g in pullback([np.ones(np.shape(x)) for x in z])]


def at_points(op: Op, case: Case) -> list[str]:
    """At the points that the domains avoid, those together that are alike."""
    alike: dict[tuple[str, str], list[str]] = {}
    middle = [0.5 * (d.low + d.high) + 0.1234 if d else 1.0 for d in domains_of(case)]
    for i, domain in enumerate(domains_of(case)):
        for avoided in inside(domain) if domain else ():
            point = point_at(op, case, [avoided if k == i else m for k, m in enumerate(middle)])
            with np.errstate(all="ignore"):
                if not np.isfinite(point.flat(point.arrays)).all():
                    continue
                found = slopes(point, i)
            if found.kinks.any() or found.undefined.any():
                what = f"{shown(gradient(point)[i])} ({nature(point, i, found)})"
                alike.setdefault((names_of(op)[i], what), []).append(f"{avoided:g}")
    return [f"at {name} = {', '.join(at)}: {what}" for (name, what), at in alike.items()]


def nature(point: Point, argument: int, found: Differences) -> str:
    """What kind of place it is."""
    if found.undefined.any():
        after, before = (
            point.flat([x + h * (k == argument) for k, x in enumerate(point.arrays)])
            for h in (1e-12, -1e-12)
        )
        return "a jump" if np.abs(after - before).max() > 1e-3 else "the slope is infinite"
    low, high = float(found.low.min()), float(found.high.max())
    if high - low < 1e-3:
        return "the second derivative jumps"
    return f"a kink, slopes {shown(np.array(low))} and {shown(np.array(high))}"


def at_ties(op: Op, case: Case) -> list[str]:
    """Where two arrays are equal."""
    domains = domains_of(case)
    if len(domains) != 2 or not all(d and d.low <= TIE <= d.high for d in domains):
        return []
    point = point_at(op, case, [TIE, TIE])
    found = [slopes(point, i) for i in (0, 1)]
    if not any(f.kinks.any() for f in found):
        return []
    x, y = names_of(op)[:2]
    left, right = (shown(g) for g in gradient(point))
    return [f"at {x} = {y}: {left} in {x}, {right} in {y} (a kink)"]


def at_equal_elements(op: Op, case: Case) -> list[str]:
    """Where all elements are equal, or else where all are 0."""
    for value, what in ((TIE, "equal"), (0.0, "0")):
        if not all(isinstance(d, Domain) and d.low <= value <= d.high for d in domains_of(case)):
            continue
        arrays = [np.full(np.shape(x), value) for x in draw(case, np.random.default_rng(0))]
        point = point_at(op, case, arrays)
        try:
            kinks = single_elements(point).kinks
        except np.linalg.LinAlgError:
            continue
        if kinks.any():
            shares = " and ".join(written(g) for g in gradient(point))
            return [f"where all are {what}: the sum of the results has the gradient {shares}"]
    return []


def single_elements(point: Point) -> Differences:
    """The derivatives along each single element."""
    directions = []
    for i, x in enumerate(point.arrays):
        for place in np.ndindex(x.shape):
            direction = [np.zeros(y.shape) for y in point.arrays]
            direction[i][place] = 1.0
            directions.append(direction)
    return differences(point.flat, point.arrays, directions, point.rounding(), analytic=False)


def shown(x: Array) -> str:
    """A number in three digits."""
    return f"{float(x) + 0.0:.3g}"


def written(x: Array) -> str:
    """An array of numbers in three digits; of a large one how many there are of each."""
    if x.size <= LARGEST:
        text = np.array2string(x + 0.0, separator=", ", precision=3, floatmode="maxprec")
        return " ".join(text.split())
    numbers, times = np.unique(x + 0.0, return_counts=True)
    return ", ".join(
        f"{shown(n)} at {k} of its places" for n, k in zip(numbers, times, strict=True)
    )
