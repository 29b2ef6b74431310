"""Angles and their functions, elementwise: trigonometric, hyperbolic, inverse."""

from __future__ import annotations

from math import pi

import numpy as np

from minigrad.core.op import elementwise, implements
from minigrad.core.samples import Domain, above_one, case, nonzero, reals, unit
from minigrad.ops.arithmetic import divisor

sin = elementwise(np.sin, lambda z, x: np.cos(x), samples=reals)
cos = elementwise(np.cos, lambda z, x: -np.sin(x), samples=reals)
tan = elementwise(np.tan, lambda z, x: 1 + z * z, samples=Domain(-1.3, 1.3))
arcsin = elementwise(np.arcsin, lambda z, x: 1 / np.sqrt(one_minus_square(x)), samples=unit)
arccos = elementwise(np.arccos, lambda z, x: -1 / np.sqrt(one_minus_square(x)), samples=unit)
arctan = elementwise(np.arctan, lambda z, x: np.square(1 / np.hypot(1, x)), samples=reals)

sinh = elementwise(np.sinh, lambda z, x: np.cosh(x), samples=reals)
cosh = elementwise(np.cosh, lambda z, x: np.sinh(x), samples=reals)
tanh = elementwise(np.tanh, lambda z, x: sech2(x), samples=reals)
arcsinh = elementwise(np.arcsinh, lambda z, x: 1 / np.hypot(1, x), samples=reals)
arccosh = elementwise(
    np.arccosh,
    lambda z, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    samples=above_one,
)
arctanh = elementwise(np.arctanh, lambda z, x: 1 / one_minus_square(x), samples=unit)

deg2rad = elementwise(np.deg2rad, lambda z, x: pi / 180, samples=reals)
radians = elementwise(np.radians, lambda z, x: pi / 180, samples=reals)
rad2deg = elementwise(np.rad2deg, lambda z, x: 180 / pi, samples=reals)
degrees = elementwise(np.degrees, lambda z, x: 180 / pi, samples=reals)


@elementwise
def one_minus_square(x):
    """1 - x^2, elementwise, exact to the last digits where x is near 1 or -1."""
    return (1 - x) * (1 + x)


one_minus_square.partial(lambda z, x: -2 * x)


@elementwise
def sech2(x):
    """1 / cosh(x)^2, elementwise, to the last digits: the derivative of tanh.

    Not 1 - tanh(x)^2, of which nothing is left where tanh(x) is rounded to 1.
    """
    e = np.asarray(np.abs(x))
    np.exp(np.negative(e, out=e), out=e)
    np.square(e, out=e)  # in (0, 1]; exp of twice x could overflow
    s = 1 + e
    e *= 4
    return e / np.square(s, out=s if s.ndim else None)


sech2.partial(lambda z, x: -2 * z * tanh(x))

one_minus_square.op.samples = sech2.op.samples = reals

# --- the right-angled triangle: at the origin the derivatives are taken as 0 ------------------


hypot = elementwise(
    np.hypot,
    lambda z, x, y: cosine(x, y),
    lambda z, x, y: cosine(y, x),
    samples=nonzero,
)


arctan2 = elementwise(  # y first: the angle of the point (x, y)
    np.arctan2,
    lambda z, y, x: inversion(x, y),
    lambda z, y, x: -inversion(y, x),
    samples=nonzero,
)


def scaled(x, y):
    """x and y over the larger of |x| and |y|, and that number: inf at the origin.

    Where it is inf, what is infinite becomes 1 or -1 and the other 0.
    """
    dtype = np.result_type(x, y, np.float16)
    x, y = np.asarray(x, dtype), np.asarray(y, dtype)
    m = np.maximum(np.abs(x), np.abs(y))
    largest = np.finfo(dtype).max
    m = divisor(m)
    x, y = (np.where(np.isinf(v), np.sign(v), np.clip(v, -largest, largest) / m) for v in (x, y))
    return x, y, m


@elementwise
def cosine(x, y):
    """x / hypot(x, y), elementwise, where nothing overflows; 0 at the origin."""
    x, y, _ = scaled(x, y)
    return x / divisor(np.sqrt(x * x + y * y))


cosine.partial(lambda z, x, y: cosine(y, x) * inversion(y, x))
cosine.partial(lambda z, x, y: -z * inversion(y, x))


@elementwise
def inversion(x, y):
    """x / (x^2 + y^2), elementwise, where nothing overflows; 0 at the origin."""
    x, y, m = scaled(x, y)
    return x / divisor(x * x + y * y) / m


inversion.partial(lambda z, x, y: (inversion(y, x) - z) * (inversion(y, x) + z))
inversion.partial(lambda z, x, y: -2 * z * inversion(y, x))

cosine.op.samples = inversion.op.samples = nonzero

# --- sin(pi x) / (pi x) -----------------------------------------------------------------------

LARGEST = np.finfo(np.float64).max


@elementwise
def sinc(x):
    """sin(pi x) / (pi x), which is 1 at 0; as `numpy.sinc`.

    >>> import numpy as np, minigrad as mg
    >>> np.sinc(mg.Tensor([0.0, 0.5]))
    Tensor([1.        , 0.63661977])
    """
    return np.sinc(x)


sinc.partial(lambda z, x: sinc_derivative(x, order=1))
sinc.op.samples = reals
implements(np.sinc)(sinc)


@elementwise
def sinc_derivative(x, *, order):
    """The derivative of that order of sin(pi x) / (pi x), which is taken as 0 at infinity.

    A primitive, as the formula is 0 / 0 at 0 and cancels near it: the power series serves there,
    beyond |pi x| = 1 the recurrence u f(n) = sin(u + n pi / 2) - n f(n - 1) with u = pi x.
    """
    x = np.asarray(x)
    wide = np.clip(x.astype(np.float64), -LARGEST, LARGEST)
    near = np.abs(wide) < 1 / pi
    far = np.where(near, 1, wide)
    sine, cosine = of_half_turns(far)
    z = sine / pi / far
    for n in range(1, order + 1):
        sine, cosine = cosine, -sine  # sin(u + n pi / 2)
        z = (sine - n * z) / pi / far
    z = np.where(near, sinc_series(pi * np.where(near, wide, 0), order), z)
    return (pi**order * z).astype(x.dtype)


sinc_derivative.partial(lambda z, x, *, order: sinc_derivative(x, order=order + 1))
sinc_derivative.op.samples = [
    case((2, 3), order=1),
    case((2, 3), order=2, domain=Domain(-0.3, 0.3)),
]


def of_half_turns(x):
    """sin(pi x) and cos(pi x): no digit is lost to pi, as whole turns are taken off before."""
    whole = np.rint(x)
    rest = x - whole  # at most 1/2
    odd = 1 - 2 * np.remainder(whole, 2)
    return odd * np.sin(pi * rest), odd * np.sin(pi * (0.5 - np.abs(rest)))


def sinc_series(u, order):
    """The sum of (-1)^k u^(2k) / (2k + 1)!, differentiated `order` times term by term."""
    sums = np.zeros_like(u)
    coefficient = 1.0  # of u^power
    for power in range(0, order + 20, 2):
        if power >= order:
            falling = np.prod(np.arange(power, power - order, -1, dtype=float))
            sums = sums + coefficient * falling * u ** (power - order)
        coefficient /= -(power + 2) * (power + 3)
    return sums
