"""The certificate of the elementwise rules: each held against 50 digits, over its whole domain.

`points` and `grid` give the numbers, `exactly` what mpmath says there, `measured` what minigrad
says and how far that is away, in units of the last place. `write_certificate.py` writes the worst
of each op down, beside what other engines say, for `docs/ops.md`.
"""

import warnings
from dataclasses import dataclass

import mpmath as mp
import numpy as np

import minigrad as mg

DTYPES = (np.float16, np.float32, np.float64)
SPECIAL = (0.0, 0.5, 1.0, 2.0, 3.0, np.pi, 10.0, 100.0)
HALF = np.arange(2**16, dtype=np.uint16).view(np.float16)
HALF = HALF[np.isfinite(HALF)]


@np.errstate(all="ignore")
def points(dtype, number, truth, seed=0):
    """At least `number` finite numbers of a dtype: every exponent, tails, neighbours; or all."""
    if dtype is np.float16 and number >= len(HALF):
        return HALF
    rng = np.random.default_rng(seed)
    bits = {np.float16: np.uint16, np.float32: np.uint32, np.float64: np.uint64}[dtype]
    info = np.finfo(dtype)
    third = number // 3
    everywhere = rng.integers(0, np.iinfo(bits).max, third, bits, endpoint=True).view(dtype)
    usual = rng.choice([-1, 1], third) * 10 ** rng.uniform(-6, 3, third)
    nearest = rng.normal(size=third) * 3
    around = np.array([*SPECIAL, *truth.special, *truth.kinks], dtype)
    neighbours = [around, -around]
    for k in range(1, 9):
        step = dtype(2.0 ** (-k * info.nmant / 9))  # from half of the digits to the last
        neighbours += [sign * around * (1 + s * step) for sign in (-1, 1) for s in (-1, 1)]
    up, down = (np.nextafter(around, dtype(s * np.inf)) for s in (1, -1))
    extremes = np.array([info.max, info.tiny, info.smallest_subnormal, info.eps], dtype)
    extremes = np.concatenate([s * e for s in (-1, 1) for e in (extremes, extremes / 2)])
    some = [everywhere, usual, nearest, *neighbours, up, down, -up, -down, extremes]
    x = np.concatenate([part.astype(dtype) for part in some])
    return x[np.isfinite(x)]


@dataclass(frozen=True)
class Exact:
    """Numbers with twice the digits of float64: the nearest one, and what is left."""

    high: np.ndarray
    low: np.ndarray

    @property
    def size(self):
        return np.abs(self.high)

    def __getitem__(self, i):
        return Exact(self.high[i], self.low[i])


def exactly(f, *arrays):
    """An mpmath function at each element of arrays."""
    pairs = [parts(f(*map(mp.mpf, x))) for x in zip(*[a.tolist() for a in arrays], strict=True)]
    high, low = np.array(pairs, float).reshape(-1, 2).T
    return Exact(high, low)


def parts(t):
    """A number in two floats."""
    high = float(t)
    return high, float(t - high) if abs(high) < np.inf else 0.0


def distance(found, truth, dtype):
    """How far each number found is from the truth, in units of the truth's last place.

    inf for a nan, and for a zero or an infinity where the truth is a normal number. Where the truth
    is beyond the largest number, infinity is right; below the smallest normal one the unit is the
    smallest subnormal.
    """
    info = np.finfo(dtype)
    found = found.astype(dtype).astype(np.float64)
    largest, tiny = float(info.max), float(info.tiny)
    with np.errstate(all="ignore"):
        unit = np.spacing(np.clip(truth.size, tiny, largest).astype(dtype)).astype(float)
        away = np.abs((found - truth.high) / unit - truth.low / unit)
        beyond = truth.size > largest * (1 - 16 * float(info.eps))
        same_sign = np.sign(found) == np.sign(truth.high)
        right = beyond & same_sign & (np.abs(found) >= largest * (1 - 32 * float(info.eps)))
        normal = (truth.size >= tiny) & ~beyond
        senseless = np.isnan(found) | (normal & ((found == 0) | np.isinf(found)))
    return np.where(right, 0, np.where(senseless | np.isnan(away), np.inf, away))


# --- what engines say ---------------------------------------------------------------------------


def ones(z):
    return np.ones(np.shape(z), z.dtype)


def reverse(f):
    """The derivative of an elementwise function of one array, in reverse mode."""

    def derivative(x):
        z, pullback = mg.vjp(f, x)
        return pullback(ones(z))[0]

    return derivative


def forward(f):
    """The same in forward mode."""
    return lambda x: mg.jvp(f, (x,), (ones(x),))[1]


MODES = {"reverse": reverse, "forward": forward}


def quietly(f, *arrays):
    """What a function gives, with no word about overflows and the like."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(f(*arrays))


def partial(f, i, mode):
    """The derivative of an elementwise function of two arrays in one of them."""

    def derivative(x, y):
        def of_one(v):
            return f(v, y) if i == 0 else f(x, v)

        return MODES[mode](of_one)((x, y)[i])

    return derivative


# --- the worst of it ------------------------------------------------------------------------------


@dataclass
class Worst:
    """The largest distance that was found, and where."""

    ulp: float
    at: tuple[float, ...]
    found: float
    truth: float

    def __str__(self):
        return f"{self.ulp:.3g} ulp at {self.at}: {self.found!r}, right is {self.truth!r}"


@np.errstate(all="ignore")
def worst(found, truth, xs, dtype, f=None, order=1):
    """The worst of what was found.

    Below the smallest normal number, where factors have lost digits, an |x| between 1 and 1000
    multiplies the unit (in second derivatives its square). With the mpmath function `f` itself
    given, the unit is at least what the last place of an argument makes of the truth, which is its
    condition.
    """
    away = distance(found, truth, dtype)
    largest = np.max(np.abs(np.array(xs, float)), axis=0)
    below = truth.size < float(np.finfo(dtype).tiny)
    away = np.where(below & (largest > 1) & (largest < 1000), away / largest**order, away)
    if f is not None:
        (large,) = np.nonzero((away > 8) & ~below)
        for i in large:
            away[i] = conditioned(float(found[i]), truth[i], [x[i] for x in xs], dtype, f)
    i = int(np.argmax(away))
    return Worst(float(away[i]), tuple(float(x[i]) for x in xs), float(found[i]), truth.high[i])


def conditioned(found, truth, xs, dtype, f):
    """The distance in units of what the last place of an argument makes of the truth."""
    info = np.finfo(dtype)
    normal = float(info.tiny) <= truth.size <= float(info.max)
    if not np.isfinite([found, truth.high]).all() or (found == 0 and normal):
        return np.inf
    exact = mp.mpf(float(truth.high)) + mp.mpf(float(truth.low))
    unit = mp.mpf(float(np.spacing(dtype(np.clip(truth.size, float(info.tiny), float(info.max))))))
    arguments = [mp.mpf(float(x)) for x in xs]
    for k, x in enumerate(xs):
        last = mp.mpf(float(np.spacing(np.minimum(np.abs(x), info.max / dtype(2)))))
        for step in (last, -last):
            moved = [a + step * (i == k) for i, a in enumerate(arguments)]
            try:
                unit = max(unit, abs(f(*moved) - exact))
            except (ValueError, ZeroDivisionError, TypeError):
                continue  # out of the domain
    return float(abs(mp.mpf(found) - exact) / unit)


def is_normal(x, dtype):
    """Whether numbers are normal ones of a dtype."""
    info = np.finfo(dtype)
    return (np.abs(x) >= float(info.tiny)) & (np.abs(x) <= float(info.max))


def within(truth, *xs):
    """Those points that lie in the domain and at no kink."""
    with np.errstate(all="ignore"):
        inside = np.broadcast_to(truth.domain(*[x.astype(float) for x in xs]), xs[0].shape)
        for factor in truth.factors:
            inside = inside & is_normal(factor(*[x.astype(float) for x in xs]), xs[0].dtype)
    for kink in truth.kinks:
        inside = inside & (xs[0] != xs[0].dtype.type(kink))
    return [x[inside] for x in xs]


def some(arrays, at_most, seed=1):
    """At most so many of the points, at random."""
    if at_most is None or at_most >= len(arrays[0]):
        return arrays
    chosen = np.random.default_rng(seed).choice(len(arrays[0]), at_most, replace=False)
    return [a[chosen] for a in arrays]


def measured(f, truth, dtype, number, condition, modes=MODES, orders=(1, 2), at_most=None):
    """The worst of each order and mode, of a function of one array."""
    (x,) = some(within(truth, points(dtype, number, truth)), at_most)
    for order in orders:
        exact = (truth.first if order == 1 else truth.second)[0]
        known = exactly(exact, x)
        for mode in modes:
            derive = MODES[mode]
            derivative = derive(f) if order == 1 else derive(derive(f))
            found = quietly(derivative, x)
            by_condition = exact if condition or order == 2 else None
            yield order, mode, worst(found, known, [x], dtype, by_condition, order)


@np.errstate(all="ignore")
def grid(dtype, order, number):
    """Pairs of numbers over the whole range; for second derivatives their fourth powers fit."""
    info = np.finfo(dtype)
    room = 1 if order == 1 else 0.2
    low, high = (room * float(np.log10(float(end))) for end in (info.tiny, info.max))
    spread = 10.0 ** np.linspace(low, high * 0.999, number)
    usual = [1.0, 1 + 2.0 ** (1 - info.nmant), 0.5, 0.3, 3.0, 10.0, *[info.max] * (order == 1)]
    v = np.array([*usual, *spread]).astype(dtype)
    v = np.concatenate([[dtype(0)], v, -v])
    return [a.ravel() for a in np.meshgrid(v, v)]


def measured_of_two(f, truth, dtype, number, condition, modes=MODES, at_most=None):
    """The worst of each partial derivative and mode, of a function of two arrays."""
    for order in (1, 2):
        x, y = some(within(truth, *grid(dtype, order, number)), at_most)
        wanted = truth.first if order == 1 else truth.second
        for i, exact in enumerate(wanted):
            known = exactly(exact, x, y)
            if truth.factors:
                kept = is_normal(known.high, dtype)
                x, y, known = x[kept], y[kept], known[kept]
            path = [(0,), (1,)][i] if order == 1 else [(0, 0), (0, 1), (1, 1)][i]
            for mode in modes:
                derivative = f
                for place in path:
                    derivative = partial(derivative, place, mode)
                found = quietly(derivative, x, y)
                name = "".join("xy"[place] for place in path)
                by_condition = exact if condition or order == 2 else None
                yield name, mode, worst(found, known, [x, y], dtype, by_condition, order)
