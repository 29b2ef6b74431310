"""What every elementwise function and its derivatives are, stated in mpmath, for the certificate.

Nothing here is shared with the engine: each function is written once more, with its first and its
second derivative as a calculus book has them, in forms that lose nothing at 50 digits. That they
belong together is tested against mpmath's own numerical differentiation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np

mp.mp.dps = 50
Number = Callable[..., Any]
ZERO = mp.mpf(0)
TENTH = mp.mpf(0.1)  # settings are the float64 numbers that the engine is given, not decimals
ALPHA, SCALE = mp.mpf(1.6732632423543772848), mp.mpf(1.0507009873554804934)


@dataclass(frozen=True)
class Truth:
    """A function with its derivatives: one and one, or two and three (xx, xy, yy)."""

    value: Number
    first: tuple[Number, ...]
    second: tuple[Number, ...]
    domain: Callable[..., Any] = lambda *x: np.ones(np.broadcast_shapes(*map(np.shape, x)), bool)
    special: tuple[float, ...] = ()  # kinks, poles and zeros, beside which points are taken
    kinks: tuple[float, ...] = ()  # where there is no single derivative: a matter of convention
    factors: tuple[Number, ...] = ()  # NumPy functions: where one is no normal number, no claim


def of_one(value, first, second, domain=None, **given):
    """The truth about a function of one number."""
    if domain is not None:
        given["domain"] = domain
    return Truth(value, (first,), (second,), **given)


def constant(c):
    return lambda *x: mp.mpf(c)


def sign(x):
    return mp.mpf(int(x > 0) - int(x < 0))


def tail(x):
    """exp(-|x|)"""
    return mp.exp(-abs(x))


def sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x >= 0 else mp.exp(x) / (1 + mp.exp(x))


def logistic(x):
    """The derivative of the sigmoid."""
    return tail(x) / (1 + tail(x)) ** 2


def logistic_slope(x):
    return -logistic(x) * mp.tanh(x / 2)


def softplus(x):
    return max(x, ZERO) + mp.log1p(tail(x))


def sech2(x):
    e = mp.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def tanh(x):
    return sign(x) * -mp.expm1(-2 * abs(x)) / (1 + mp.exp(-2 * abs(x)))


def bell(x):
    """The density of the normal distribution."""
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def cumulative(x):
    if abs(x) > 1e4:  # too long for mpmath
        return mp.mpf(int(x > 0))
    return mp.erfc(-x / mp.sqrt(2)) / 2


# --- tanh(softplus), the gate of mish -----------------------------------------------------------


def gate(x):
    return tanh(softplus(x))


def gate1(x):
    return sech2(softplus(x)) * sigmoid(x)


def gate2(x):
    p = softplus(x)
    return sech2(p) * (logistic(x) - 2 * tanh(p) * sigmoid(x) ** 2)


# --- the formula inside gelu with approximate="tanh" ----------------------------------------------

CUBIC = mp.mpf(0.044715)
ROOT = 2 * mp.sqrt(2 / mp.pi)


def u0(x):
    return ROOT * x * (1 + CUBIC * x * x)


def u1(x):
    return ROOT * (1 + 3 * CUBIC * x * x)


def u2(x):
    return ROOT * 6 * CUBIC * x


# --- sinc, by its power series near 0 ----------------------------------------------------------


def sinc(x):
    return mp.sincpi(x)


def sinc1(x):
    if x == 0:
        return ZERO
    if abs(x) < 0.01:
        u = mp.pi * x
        return mp.pi * u * sum((-1) ** k * 2 * k * u ** (2 * k - 2) / mp.factorial(2 * k + 1)
                               for k in range(1, 14))  # fmt: skip
    return mp.cospi(x) / x - mp.sinpi(x) / (mp.pi * x * x)


def sinc2(x):
    if abs(x) < 0.01:
        u = mp.pi * x
        return mp.pi**2 * sum(
            (-1) ** k * 2 * k * (2 * k - 1) * u ** (2 * k - 2) / mp.factorial(2 * k + 1)
            for k in range(1, 14)
        )
    return -mp.pi * mp.sinpi(x) / x - 2 * sinc1(x) / x


LN2, LN10 = mp.log(2), mp.log(10)
DEGREE = mp.pi / 180


def above(low):
    return lambda x: x > low


def inside(low, high):
    return lambda x: (x > low) & (x < high)


def flat(value, **given):
    """A function with derivative 0."""
    return of_one(value, constant(0), constant(0), **given)


def line(c):
    return of_one(lambda x: c * x, constant(c), constant(0))


def kinked(left, right, at=0.0, value=None):
    """Two slopes that meet."""
    return of_one(
        value, lambda x: mp.mpf(right if x > at else left), constant(0), special=(at,), kinks=(at,)
    )


def kelvin(x):
    return mp.exp(x) if x < 0 else mp.mpf(1)


halves = tuple(k / 2 for k in range(-7, 8))
INVERSE = of_one(lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: x != 0)
SINE = of_one(mp.sin, mp.cos, lambda x: -mp.sin(x), special=tuple(np.pi / 2 * np.arange(-8, 9)))
ABSOLUTE = kinked(-1, 1, value=abs)
RADIANS, DEGREES = line(DEGREE), line(1 / DEGREE)
SIGMOID = of_one(sigmoid, logistic, logistic_slope)
SOFTPLUS = of_one(softplus, sigmoid, logistic)
SQRT = of_one(
    mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), lambda x: -1 / (4 * x * mp.sqrt(x)), above(0)
)

UNARY: dict[str, Truth] = {
    # arithmetic
    "arithmetic.negative": line(-1),
    "arithmetic.positive": line(1),
    "arithmetic.conjugate": line(1),
    "arithmetic.reciprocal": INVERSE,
    "arithmetic.square": of_one(lambda x: x * x, lambda x: 2 * x, constant(2)),
    "arithmetic.sqrt": SQRT,
    "statistics.sqrt": SQRT,
    "arithmetic.cbrt": of_one(
        lambda x: sign(x) * mp.cbrt(abs(x)),
        lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2),
        lambda x: -2 * sign(x) / (9 * mp.cbrt(abs(x)) ** 5),
        lambda x: x != 0,
    ),
    "arithmetic.absolute": ABSOLUTE,
    "arithmetic.fabs": ABSOLUTE,
    "arithmetic.near": line(1),
    # exponentials and logarithms
    "exponential.exp": of_one(mp.exp, mp.exp, mp.exp),
    "exponential.exp2": of_one(
        lambda x: mp.mpf(2) ** x,
        lambda x: LN2 * mp.mpf(2) ** x,
        lambda x: LN2**2 * mp.mpf(2) ** x,
        factors=(np.exp2,),  # the second derivative is infinite where the value is so already
    ),
    "exponential.expm1": of_one(mp.expm1, mp.exp, mp.exp),
    "exponential.log": of_one(mp.log, lambda x: 1 / x, lambda x: -1 / x**2, above(0)),
    "exponential.log2": of_one(
        lambda x: mp.log(x) / LN2, lambda x: 1 / (LN2 * x), lambda x: -1 / (LN2 * x**2), above(0)
    ),
    "exponential.log10": of_one(
        mp.log10, lambda x: 1 / (LN10 * x), lambda x: -1 / (LN10 * x**2), above(0)
    ),
    "exponential.log1p": of_one(
        mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2, above(-1), special=(-1.0,)
    ),
    # angles
    "trigonometry.sin": SINE,
    "trigonometry.cos": of_one(
        mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x), special=SINE.special
    ),
    "trigonometry.tan": of_one(
        mp.tan,
        lambda x: 1 / mp.cos(x) ** 2,
        lambda x: 2 * mp.tan(x) / mp.cos(x) ** 2,
        special=SINE.special,
    ),
    "trigonometry.arcsin": of_one(
        mp.asin,
        lambda x: 1 / mp.sqrt((1 - x) * (1 + x)),
        lambda x: x / mp.sqrt((1 - x) * (1 + x)) ** 3,
        inside(-1, 1),
    ),
    "trigonometry.arccos": of_one(
        mp.acos,
        lambda x: -1 / mp.sqrt((1 - x) * (1 + x)),
        lambda x: -x / mp.sqrt((1 - x) * (1 + x)) ** 3,
        inside(-1, 1),
    ),
    "trigonometry.arctan": of_one(
        mp.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2
    ),
    "trigonometry.sinh": of_one(mp.sinh, mp.cosh, mp.sinh),
    "trigonometry.cosh": of_one(mp.cosh, mp.sinh, mp.cosh),
    "trigonometry.tanh": of_one(tanh, sech2, lambda x: -2 * tanh(x) * sech2(x)),
    "trigonometry.arcsinh": of_one(
        mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x), lambda x: -x / mp.sqrt(1 + x * x) ** 3
    ),
    "trigonometry.arccosh": of_one(
        mp.acosh,
        lambda x: 1 / mp.sqrt((x - 1) * (x + 1)),
        lambda x: -x / mp.sqrt((x - 1) * (x + 1)) ** 3,
        above(1),
    ),
    "trigonometry.arctanh": of_one(
        mp.atanh,
        lambda x: 1 / ((1 - x) * (1 + x)),
        lambda x: 2 * x / ((1 - x) * (1 + x)) ** 2,
        inside(-1, 1),
    ),
    "trigonometry.deg2rad": RADIANS,
    "trigonometry.radians": RADIANS,
    "trigonometry.rad2deg": DEGREES,
    "trigonometry.degrees": DEGREES,
    "trigonometry.one_minus_square": of_one(lambda x: 1 - x * x, lambda x: -2 * x, constant(-2)),
    "trigonometry.sech2": of_one(
        sech2,
        lambda x: -2 * tanh(x) * sech2(x),
        lambda x: 2 * sech2(x) * (2 * tanh(x) ** 2 - sech2(x)),
    ),
    "trigonometry.sinc": of_one(sinc, sinc1, sinc2, special=halves),
    # rounding: flat between the jumps
    **{
        f"rounding.{name}": flat(None)
        for name in ("floor", "ceil", "trunc", "rint", "sign", "spacing", "round")
    },
    "rounding.fraction": of_one(None, constant(1), constant(0)),
    # the error function
    "error_function.gaussian": of_one(
        lambda x: mp.exp(-x * x),
        lambda x: -2 * x * mp.exp(-x * x),
        lambda x: (4 * x * x - 2) * mp.exp(-x * x),
    ),
    "error_function.erf": of_one(
        mp.erf,
        lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
        lambda x: -4 * x / mp.sqrt(mp.pi) * mp.exp(-x * x),
    ),
    "error_function.erfc": of_one(
        mp.erfc,
        lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
        lambda x: 4 * x / mp.sqrt(mp.pi) * mp.exp(-x * x),
    ),
    "error_function.normal_cdf": of_one(cumulative, bell, lambda x: -x * bell(x)),
    "error_function.normal_density": of_one(
        bell, lambda x: -x * bell(x), lambda x: (x - 1) * (x + 1) * bell(x)
    ),
    # activations
    "activations.relu": kinked(0, 1, value=lambda x: max(x, ZERO)),
    "activations.leaky_relu": kinked(mp.mpf(0.01), 1),
    "activations.elu": of_one(
        lambda x: x if x > 0 else mp.expm1(x),
        kelvin,
        lambda x: ZERO if x > 0 else mp.exp(x),
        kinks=(0.0,),
    ),
    "activations.sigmoid": SIGMOID,
    "activations.logistic": of_one(
        logistic,
        logistic_slope,
        lambda x: logistic(x) * (mp.tanh(x / 2) ** 2 - sech2(x / 2) / 2),
    ),
    "activations.softplus": SOFTPLUS,
    "activations.softsign": of_one(
        lambda x: x / (1 + abs(x)),
        lambda x: 1 / (1 + abs(x)) ** 2,
        lambda x: -2 * sign(x) / (1 + abs(x)) ** 3,
        kinks=(0.0,),
    ),
    "activations.hardtanh": of_one(
        lambda x: min(max(x, mp.mpf(-1)), mp.mpf(1)),
        lambda x: mp.mpf(int(abs(x) < 1)),
        constant(0),
        kinks=(-1.0, 1.0),
    ),
}

WORDS: dict[str, Truth] = {  # functions that are made of ops
    "log_sigmoid": of_one(lambda x: -softplus(-x), lambda x: sigmoid(-x), lambda x: -logistic(x)),
    "silu": of_one(
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) + x * logistic(x),
        lambda x: 2 * logistic(x) + x * logistic_slope(x),
    ),
    "mish": of_one(
        lambda x: x * gate(x),
        lambda x: gate(x) + x * gate1(x),
        lambda x: 2 * gate1(x) + x * gate2(x),
    ),
    "gelu": of_one(
        lambda x: x * cumulative(x),
        lambda x: cumulative(x) + x * bell(x),
        lambda x: (2 - x * x) * bell(x),
    ),
    "gelu_tanh": of_one(
        lambda x: x * sigmoid(u0(x)),
        lambda x: sigmoid(u0(x)) + x * logistic(u0(x)) * u1(x),
        lambda x: (
            2 * logistic(u0(x)) * u1(x)
            + x * (logistic_slope(u0(x)) * u1(x) ** 2 + logistic(u0(x)) * u2(x))
        ),
    ),
    "selu": of_one(
        lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)),
        lambda x: SCALE if x > 0 else SCALE * ALPHA * mp.exp(x),
        lambda x: ZERO if x > 0 else SCALE * ALPHA * mp.exp(x),
        kinks=(0.0,),
    ),
    "celu": of_one(
        lambda x: x if x > 0 else mp.expm1(x),
        kelvin,
        lambda x: ZERO if x > 0 else mp.exp(x),
        kinks=(0.0,),
    ),
    "hard_swish": of_one(
        lambda x: x * min(max(x + 3, ZERO), mp.mpf(6)) / 6,
        lambda x: ZERO if x < -3 else mp.mpf(1) if x > 3 else (2 * x + 3) / 6,
        lambda x: mp.mpf(int(abs(x) < 3)) / 3,
        special=(-1.5,),
        kinks=(-3.0, 3.0),
    ),
    "huber": of_one(
        lambda x: x * x / 2 if abs(x) <= 1 else abs(x) - mp.mpf(1) / 2,
        lambda x: min(max(x, mp.mpf(-1)), mp.mpf(1)),
        lambda x: mp.mpf(int(abs(x) < 1)),
        kinks=(-1.0, 1.0),
    ),
}
