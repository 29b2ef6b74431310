"""Derivatives by differences: an oracle that shares nothing with the engine but the function.

Along a direction, central differences at two step sizes h and h/2 are combined (Richardson), which
leaves an error of order h^4: about ten right digits in float64. How far the two differ says how
good that is; where the function turns within the step, smaller steps are tried, and where
none is small enough, the difference is added to the tolerance. The same values tell whether the
function is smooth there: if the slopes to the left and to the right do not come together as the
step shrinks, or the two central differences disagree, there is a kink. Then there is not one
derivative but a set of them (Clarke's: what the derivatives nearby come close to, and all between
these), and a rule may choose any. Nothing else is loosened: what is smooth stays exact.

Where a function takes complex arrays and is analytic, f(x + ih) has the derivative in its imaginary
part, without any subtraction: as exact as f itself (Squire and Trapp, SIAM Review 40, 1998). That
it is analytic is told from the differences, which must agree with it to their last digits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minigrad.core.node import Array

STEP = 1e-3
FINER = (1e-1, 1e-2, 1e-3)  # times the step, where the function turns within it
TURNING = 5e-4  # how far the differences of two steps are apart, in parts, where it does
RELATIVE = 1e-6  # what differences are held to, and
ABSOLUTE = 1e-9  # in units of the largest value
TELLING = 0.01  # the tolerance is at most this part of a result's largest slope, to tell anything
ANALYTIC = 0.02  # of that: where a complex step agrees as closely, the function is analytic
EPSILON = float(np.finfo(np.float64).eps)
NEAR, NEIGHBOURS = 1e-4, 32  # around a kink: how far off its neighbours are, and how many

Flat = Callable[[Sequence[Array]], Array]  # arrays -> all results as one vector
Direction = list[Array]  # one array for each argument


@dataclass(frozen=True)
class Differences:
    """Directional derivatives of n results along k directions, as intervals: arrays (n, k)."""

    low: Array
    high: Array  # equal to `low` where the function is smooth
    tolerance: Array
    kinks: Array
    undefined: Array  # there is no derivative: a jump, an infinite slope, the end of the domain

    def faint(self, found: Array) -> Array:
        """Where the tolerance swallows the numbers whole, those found included: a result changes
        too little beside its value to tell. One that does not change at all is none of these.
        """
        sizes = np.max(np.abs([self.low, self.high, found]), axis=0) * ~self.undefined
        largest_of_result = np.max(sizes, axis=1, keepdims=True, initial=0.0)
        swallowed = self.tolerance > TELLING * largest_of_result
        return swallowed & (largest_of_result > 0) & ~self.undefined

    def excess(self, found: Array) -> Array:
        """How far each number lies outside what is right, in units of the tolerance."""
        outside = np.maximum(np.maximum(self.low - found, found - self.high), 0)
        outside = np.where(np.isfinite(found), outside, np.inf)
        return np.where(self.undefined, 0, outside / self.tolerance)

    def combined(self, weights: Array) -> Differences:
        """The same for weighted sums of the results: weights (m, n), m sums."""
        plus, minus = np.maximum(weights, 0), np.minimum(weights, 0)
        some = np.abs(weights) > 0
        return Differences(
            plus @ self.low + minus @ self.high,
            plus @ self.high + minus @ self.low,
            np.abs(weights) @ self.tolerance,
            some @ self.kinks,
            some @ self.undefined,
        )


def differences(
    f: Flat,
    arrays: Sequence[Array],
    directions: Sequence[Direction],
    epsilon: float = EPSILON,
    analytic: bool = True,
    step: float = STEP,
) -> Differences:
    """The derivatives of `f` at `arrays` along each direction, with a complex step if it can.

    `epsilon` is the relative rounding error of the results, which may be of less than float64.
    """
    step *= (epsilon / EPSILON) ** 0.2  # where rounding is coarser, a larger one
    value = f(arrays)
    columns = [along(f, arrays, value, t, epsilon, step) for t in directions]
    parts = [np.stack(part, axis=1) for part in zip(*columns, strict=True)]
    low, high, tolerance, kinks, undefined = parts
    if kinks.any():
        least, most = nearby(f, arrays, directions)
        wide = most - least > 1e-3 * np.maximum(np.abs(most), np.abs(least)) + tolerance
        low = np.where(wide, np.fmin(low, least), low)
        high = np.where(wide, np.fmax(high, most), high)
        kinks |= wide
    exact = complex_step(f, arrays, directions) if analytic and not kinks.any() else None
    if exact is not None and (np.abs(exact - low) <= ANALYTIC * tolerance).all():
        low = high = exact
        tolerance = 2.5 * ANALYTIC * tolerance  # what is not analytic is within the first 1.0
    return Differences(low, high, tolerance, kinks & ~undefined, undefined)


def along(
    f: Flat,
    arrays: Sequence[Array],
    value: Array,
    direction: Direction,
    epsilon: float,
    step: float,
) -> list[Array]:
    """Low, high, tolerance, kink and undefined, of each result along one direction: for each by
    the first step within which the function hardly turns, or by the one within which it does least.
    """
    *parts, turning = with_step(f, arrays, value, direction, epsilon, step)
    for times in FINER:
        if not (turning > 1).any():
            break
        *finer, less = with_step(f, arrays, value, direction, epsilon, step * times, finer=True)
        better = (less < turning) & (turning > 1)
        parts = [np.where(better, new, old) for new, old in zip(finer, parts, strict=True)]
        turning = np.where(better, less, turning)
    return parts


def with_step(
    f: Flat,
    arrays: Sequence[Array],
    value: Array,
    direction: Direction,
    epsilon: float,
    step: float,
    finer: bool = False,
) -> list[Array]:
    """The same by one step, and how much the function turns within it, more than 1 if too much.

    Of a finer step all that two differences are apart counts as tolerance: there they are noisy.
    """

    def slopes(h: float) -> Array:
        right = (moved(f, arrays, direction, h) - value) / h
        return np.stack([right, (value - moved(f, arrays, direction, -h)) / h])

    with np.errstate(all="ignore"):  # of infinities
        whole, half = slopes(step), slopes(step / 2)
        smooth = (4 * half.mean(axis=0) - whole.mean(axis=0)) / 3
        noise = ABSOLUTE * largest(value) + 16 * epsilon / step * np.abs(value)
        tolerance = RELATIVE * np.abs(smooth) + noise
        apart = np.abs(whole.mean(axis=0) - half.mean(axis=0))
        turning = apart / (TURNING * np.abs(smooth) + noise)
        tolerance = tolerance + np.where((turning > 1) | finer, apart, 0.0)
        undefined = ~np.isfinite(whole + half).all(axis=0)
        bend = bending(whole, half)
        kinks = bend > RELATIVE * np.max(np.abs([*whole, *half]), axis=0) + noise
        low = high = smooth
        if kinks.any():  # or only curved: then half the step bends a quarter to an eighth as much
            quarter = slopes(step / 4)
            less = bending(half, quarter)
            kinks &= (less > 0.35 * bend) | (less < 0.08 * bend)
            if (kinks & steeper(whole, half, quarter)).any():
                undefined |= kinks & unbounded(whole, half, quarter, slopes(step / 2**10))
            sides = one_sided(whole, half, quarter)
            low, high = (np.where(kinks, end, smooth) for end in (sides.min(0), sides.max(0)))
    low, high, tolerance = (np.where(undefined, 1.0, part) for part in (low, high, tolerance))
    turning = np.where(undefined | np.isnan(turning), np.inf, turning)
    return [low, high, tolerance, kinks, undefined, turning]


def bending(whole: Array, half: Array) -> Array:
    """How far the slopes to the right and to the left are from those of a parabola.

    At a kink this stays as it is when the step is halved, is halved itself where only the second
    derivative jumps, and vanishes where the kink was within the larger step only.
    """
    gap = np.abs(whole[0] - whole[1] - 2 * (half[0] - half[1]))
    return gap + np.abs(whole.mean(axis=0) - half.mean(axis=0))


def one_sided(whole: Array, half: Array, quarter: Array) -> Array:
    """The slopes to the right and to the left in the limit; all of a side with a kink in it."""
    limit = (8 * quarter - 6 * half + whole) / 3
    steps = np.stack([whole, half, quarter])
    bent = np.abs(whole - 3 * half + 2 * quarter) > 1e-4 * np.max(np.abs(steps), axis=(0, 1))
    return np.concatenate([np.where(bent, slopes, limit) for slopes in steps])


def steeper(whole: Array, half: Array, quarter: Array) -> Array:
    """On each side, whether the slope grows by the same factor when the step is halved twice."""
    first, second = np.abs(half / whole), np.abs(quarter / half)
    return (first > 1.2) & (np.abs(second - first) < 0.05 * first)


def unbounded(whole: Array, half: Array, quarter: Array, last: Array) -> Array:
    """Whether a slope grows without end, when the step is halved again and again: by 2 at a jump,
    by the root of 2 for a square root. `last` are the slopes after ten times.
    """
    goes_on = np.abs(last / whole) > 0.5 * np.abs(half / whole) ** 10
    without_end: Array = steeper(whole, half, quarter) & goes_on
    return np.asarray(without_end.any(axis=0))


def nearby(
    f: Flat, arrays: Sequence[Array], directions: Sequence[Direction]
) -> tuple[Array, Array]:
    """The least and the largest derivative at points nearby, where ties are none."""
    rng = np.random.default_rng(0)
    h = 1e-3 * NEAR
    found = []
    for _ in range(NEIGHBOURS):
        off = [NEAR * np.maximum(np.abs(x), 0.1) * rng.normal(size=x.shape) for x in arrays]
        there = [x + d for x, d in zip(arrays, off, strict=True)]
        columns = [moved(f, there, t, h) - moved(f, there, t, -h) for t in directions]
        found.append(np.stack(np.broadcast_arrays(*columns), axis=1) / (2 * h))
    return np.fmin.reduce(found), np.fmax.reduce(found)


def largest(value: Array) -> float:
    """The scale of the results, at least 1: what rounding errors are measured by."""
    return float(np.max(np.abs(value), initial=1.0, where=np.isfinite(value)))


def moved(f: Flat, arrays: Sequence[Array], direction: Direction, h: float) -> Array:
    """The results a step along the direction; NaN where there are none."""
    try:
        with np.errstate(all="ignore"):
            return f([x + h * t for x, t in zip(arrays, direction, strict=True)])
    except np.linalg.LinAlgError:  # left the domain of a decomposition
        return np.array(np.nan)


def complex_step(f: Flat, arrays: Sequence[Array], directions: Sequence[Direction]) -> Array | None:
    """The derivatives by a step along the imaginary axis, or None if `f` takes no complex arrays.

    Whether `f` is analytic is for the caller to judge: only if all agrees with the differences.
    """
    h = 1e-40
    columns = []
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            for direction in directions:
                steps = zip(arrays, direction, strict=True)
                columns.append(f([x + 1j * h * t for x, t in steps]).imag / h)
    except Exception:  # whatever an unsuspecting function makes of complex numbers
        return None
    return np.stack(columns, axis=1)
