"""SciPy's error functions and its normal distribution, with what their rules are made of."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import scipy.special as sp

from minigrad.core.op import elementwise
from minigrad.core.samples import Domain, case, reals, unit
from minigrad.ops.error_function import exponential_of_square, gaussian, normal_density

probability = Domain(0.05, 0.95)
negative = Domain(-4.0, -0.2)

erf = elementwise(sp.erf, lambda z, x: 2 / sqrt(pi) * gaussian(x), samples=reals)
erfc = elementwise(sp.erfc, lambda z, x: -2 / sqrt(pi) * gaussian(x), samples=reals)
erfi = elementwise(sp.erfi, lambda z, x: 2 / sqrt(pi) * exp_square(x), samples=unit)
erfcx = elementwise(sp.erfcx, lambda z, x: -tail_integral(x, order=1), samples=reals)
dawsn = elementwise(sp.dawsn, lambda z, x: dawson_derivative(x, order=1), samples=reals)
erfinv = elementwise(
    sp.erfinv, lambda z, x: sqrt(pi) / 2 * inverse_gaussian(z, 1 - np.abs(x)), samples=unit
)
erfcinv = elementwise(
    sp.erfcinv,
    lambda z, x: -sqrt(pi) / 2 * inverse_gaussian(z, np.where(x > 1, 2 - x, x)),
    samples=probability,
)

ndtr = elementwise(sp.ndtr, lambda z, x: normal_density(x), samples=reals)
ndtri = elementwise(
    sp.ndtri,
    lambda z, x: sqrt(2 * pi) * inverse_gaussian(z / sqrt(2), 2 * np.where(x > 0.5, 1 - x, x)),
    samples=probability,
)
log_ndtr = elementwise(sp.log_ndtr, lambda z, x: inverse_mills(x), samples=reals)
ndtri_exp = elementwise(
    sp.ndtri_exp,
    lambda z, x: np.where(
        z > 0,
        sqrt(2 * pi)
        * np.exp(x)
        * inverse_gaussian(np.where(z > 0, z, 0) / sqrt(2), -2 * np.expm1(x)),
        sqrt(pi / 2) * erfcx(np.where(z > 0, 0, -z) / sqrt(2)),
    ),
    samples=negative,
)


@elementwise
def exp_square(x):
    """exp(x^2), as exactly as exp itself."""
    return exponential_of_square(x, 1.0)


exp_square.partial(lambda z, x: 2 * x * z)
exp_square.op.samples = unit


@elementwise
def inverse_gaussian(z, tail):
    """exp(z^2), where tail = erfc(|z|) is known to more digits than z says.

    It is a function of z alone, which has the whole derivative.
    """
    scaled = sp.erfcx(np.minimum(np.abs(z), 40.0)) / np.where(tail == 0, 1, tail)
    return np.where((tail > 0) & (tail < 0.5), scaled, exponential_of_square(z, 1.0)).astype(
        z.dtype
    )


inverse_gaussian.partial(lambda z, x, y: 2 * x * z)
inverse_gaussian.partial(0)
inverse_gaussian.op.samples = [case((2, 3), np.array(0.8), domain=unit)]


def hermite(order, u):
    """The Hermite polynomial of that order."""
    before, here = 0.0, 1.0
    for n in range(order):
        before, here = here, 2 * u * here - 2 * n * before
    return here


@elementwise
def dawson_derivative(x, *, order):
    """The derivative of that order of Dawson's integral.

    The integral is that of exp(-u^2) / (x - u) / (2 sqrt(pi)), here by trapezoids at odd multiples
    of h, which is exact to exp(-(pi / 2h)^2) (G. B. Rybicki, Computers in Physics 3, 1989). As the
    Hermite function H(u) exp(-u^2) is orthogonal to all lower powers of u, u^order / x^order may
    stand before it: nothing cancels then. Near 0 by the recurrence in the order.
    """
    wide = np.asarray(x, np.float64)
    far = np.maximum(np.abs(wide), 1.5)
    h = 0.2
    first = np.where(far < 7, np.remainder(far - h, 2 * h), 0)  # from far to the next odd multiple
    total = np.zeros_like(wide)
    for j in range(-17, 18):
        u = first + 2 * h * j
        total += hermite(order, u) * (u / far) ** order * np.exp(-u * u) / (far - u)
    far_value = h / sqrt(pi) * total * np.where(wide < 0, -1.0, 1.0) ** (order + 1) * (-1) ** order
    low = np.clip(wide, -1.5, 1.5)
    before, here = 0.0, sp.dawsn(low)
    for n in range(order):
        before, here = here, (n == 0) - 2 * low * here - 2 * n * before
    return np.where(np.abs(wide) > 1.5, far_value, here).astype(x.dtype)


dawson_derivative.partial(lambda z, x, *, order: dawson_derivative(x, order=order + 1))
dawson_derivative.op.samples = [case((2, 3), order=1), case((3,), order=2)]


def tail_ratios(x, number):
    """Half the ratios of the first neighbors among the tail integrals, from x = 1."""
    ratio, ratios = np.zeros_like(x), []
    for n in range(200, 0, -1):
        ratio = 0.5 / (x + (n + 1) * ratio)
        if n <= number:
            ratios.append(ratio)
    return ratios[::-1]


@elementwise
def tail_integral(x, *, order):
    """2^n exp(x^2) times the n-th repeated integral of erfc, n = order: erfcx where it is 0.

    Up to x = 1 by the recurrence in n, which gains there; beyond it loses all, and the continued
    fraction of the ratio of two neighbours has positive terms only (Abramowitz and Stegun 7.2.5).
    """
    wide = np.asarray(x, np.float64)
    far = np.maximum(wide, 1.0)
    z = sp.erfcx(far)
    for ratio in tail_ratios(far, order):
        z = 2 * ratio * z
    low = np.minimum(wide, 1.0)
    before, here = 1 / sqrt(pi), sp.erfcx(low)
    for n in range(order):
        before, here = here, 2 * (before - low * here) / (n + 1)
    return np.where(wide > 1, z, here).astype(x.dtype)


tail_integral.partial(lambda z, x, *, order: -(order + 1) * tail_integral(x, order=order + 1))
tail_integral.op.samples = [case((2, 3), order=1), case((3,), order=2)]


@elementwise
def inverse_mills(x):
    """The density of the normal distribution over its distribution function."""
    tail = sqrt(2 / pi) / sp.erfcx(-np.minimum(x, 0) / sqrt(2))
    return np.where(x > 0, normal_density(x) / sp.ndtr(np.maximum(x, 0)), tail).astype(x.dtype)


inverse_mills.partial(lambda z, x: -z * excess(np.minimum(x, 100.0)))


@elementwise
def excess(x):
    """x + inverse_mills(x), which falls to 0 as -1 / x; to the last digits."""
    wide = np.asarray(x, np.float64)
    (half,) = tail_ratios(np.maximum(-wide / sqrt(2), 1.0), 1)
    near_value = np.maximum(wide, -2) + inverse_mills.op.value(np.maximum(wide, -2))
    return np.where(wide < -sqrt(2), sqrt(2) * half, near_value).astype(x.dtype)


excess.partial(lambda z, x: 1 - inverse_mills(x) * z)
inverse_mills.op.samples = excess.op.samples = reals
