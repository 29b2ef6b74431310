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
arcsin = elementwise(np.arcsin, lambda z, x: 1 / np.sqrt((1 - x) * (1 + x)), samples=unit)
arccos = elementwise(np.arccos, lambda z, x: -1 / np.sqrt((1 - x) * (1 + x)), samples=unit)
arctan = elementwise(np.arctan, lambda z, x: 1 / (1 + x * x), samples=reals)

sinh = elementwise(np.sinh, lambda z, x: np.cosh(x), samples=reals)
cosh = elementwise(np.cosh, lambda z, x: np.sinh(x), samples=reals)
tanh = elementwise(np.tanh, lambda z, x: 1 - z * z, samples=reals)
arcsinh = elementwise(np.arcsinh, lambda z, x: 1 / np.hypot(1, x), samples=reals)
arccosh = elementwise(
    np.arccosh,
    lambda z, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    samples=above_one,
)
arctanh = elementwise(np.arctanh, lambda z, x: 1 / ((1 - x) * (1 + x)), samples=unit)

deg2rad = elementwise(np.deg2rad, lambda z, x: pi / 180, samples=reals)
radians = elementwise(np.radians, lambda z, x: pi / 180, samples=reals)
rad2deg = elementwise(np.rad2deg, lambda z, x: 180 / pi, samples=reals)
degrees = elementwise(np.degrees, lambda z, x: 180 / pi, samples=reals)

# --- the right-angled triangle: at the origin the derivatives are taken as 0 ------------------


hypot = elementwise(
    np.hypot,
    lambda z, x, y: x / divisor(z),
    lambda z, x, y: y / divisor(z),
    samples=nonzero,
)


arctan2 = elementwise(  # y first: the angle of the point (x, y)
    np.arctan2,
    lambda z, y, x: np.cos(z) / divisor(np.hypot(x, y)),
    lambda z, y, x: -np.sin(z) / divisor(np.hypot(x, y)),
    samples=nonzero,
)

# --- sin(pi x) / (pi x) -----------------------------------------------------------------------


@elementwise
def sinc(x):
    """sin(pi x) / (pi x), which is 1 at 0; as `numpy.sinc`.

    >>> import numpy as np, minigrad as mg
    >>> np.sinc(mg.Tensor([0.0, 0.5]))
    Tensor([1.        , 0.63661977])
    """
    return np.sinc(x)


sinc.partial(lambda z, x: pi * sinc_derivative(pi * x, order=1))
sinc.op.samples = reals
implements(np.sinc)(sinc)


@elementwise
def sinc_derivative(u, *, order):
    """The derivative of that order of sin(u) / u.

    A primitive, as the formula is 0 / 0 at 0 and cancels near it: the power series serves there,
    beyond |u| = 1 the recurrence u f(n) = sin(u + n pi / 2) - n f(n - 1).
    """
    u = np.asarray(u)
    near = np.abs(u) < 1
    far = np.where(near, 1, u)
    z = np.sin(far) / far
    for n in range(1, order + 1):
        z = (np.sin(far + n * pi / 2) - n * z) / far
    return np.where(near, sinc_series(np.where(near, u, 0), order), z).astype(u.dtype)


sinc_derivative.partial(lambda z, u, *, order: sinc_derivative(u, order=order + 1))
sinc_derivative.op.samples = [
    case((2, 3), order=1),
    case((2, 3), order=2, domain=Domain(-0.9, 0.9)),
]


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
