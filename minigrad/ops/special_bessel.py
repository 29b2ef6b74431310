"""SciPy's functions of an order, which is a setting, and a number: those of Bessel and others."""

from __future__ import annotations

from math import comb, pi, sqrt

import numpy as np
import scipy.special as sp

from minigrad.core.op import elementwise, implements
from minigrad.core.registry import Function
from minigrad.core.samples import case, nonzero, positive, reals


def of_order(ufunc, partial, domain=positive):
    """Register `ufunc(v, x)` with its partial derivative in x alone: `partial(z, x, v=v)`."""
    one, several = np.float32(1.5), np.arange(3, dtype=np.float32)
    op = elementwise(
        lambda x, *, v: ufunc(v, x),
        partial,
        name=ufunc.__name__,
        samples=[case((2, 3), v=one, domain=domain), case((3,), v=several, domain=domain)],
    )

    @implements(ufunc)
    def function(v, x):
        return op(x, v=np.array(v) if isinstance(v, np.ndarray | list) else v)

    function.op = op.op
    return function


def derivative_of(function):
    """The op of a Bessel function's derivative of some order; `function` is SciPy's."""
    op = elementwise(
        lambda x, *, v, order: function(v, np.asarray(x, np.float64), order).astype(x.dtype),
        lambda z, x, *, v, order: op(x, v=v, order=order + 1),
        name=function.__name__,
        samples=[case((2, 3), v=1.5, order=1, domain=positive)],
    )
    return op


jvp, yvp, ivp, kvp = (derivative_of(f) for f in (sp.jvp, sp.yvp, sp.ivp, sp.kvp))

jv: Function = of_order(sp.jv, lambda z, x, *, v: jvp(x, v=v, order=1))
yv: Function = of_order(sp.yv, lambda z, x, *, v: yvp(x, v=v, order=1))
iv: Function = of_order(sp.iv, lambda z, x, *, v: ivp(x, v=v, order=1))
kv: Function = of_order(sp.kv, lambda z, x, *, v: kvp(x, v=v, order=1))
ive: Function = of_order(sp.ive, lambda z, x, *, v: scaled_i(x, v=v, order=1))
kve: Function = of_order(sp.kve, lambda z, x, *, v: scaled_k(x, v=v, order=1))

j0 = elementwise(sp.j0, lambda z, x: -j1(x), samples=reals)
j1: Function = elementwise(sp.j1, lambda z, x: jvp(x, v=1, order=1), samples=reals)
y0 = elementwise(sp.y0, lambda z, x: -y1(x), samples=positive)
y1: Function = elementwise(sp.y1, lambda z, x: yvp(x, v=1, order=1), samples=positive)
i0 = elementwise(sp.i0, lambda z, x: i1(x), samples=reals)
i1: Function = elementwise(sp.i1, lambda z, x: ivp(x, v=1, order=1), samples=reals)
k0 = elementwise(sp.k0, lambda z, x: -k1(x), samples=positive)
k1: Function = elementwise(sp.k1, lambda z, x: kvp(x, v=1, order=1), samples=positive)
i0e = elementwise(sp.i0e, lambda z, x: scaled_i(x, v=0, order=1), samples=nonzero)
i1e = elementwise(sp.i1e, lambda z, x: scaled_i(x, v=1, order=1), samples=nonzero)
k0e = elementwise(sp.k0e, lambda z, x: scaled_k(x, v=0, order=1), samples=positive)
k1e = elementwise(sp.k1e, lambda z, x: scaled_k(x, v=1, order=1), samples=positive)


def asymptotic(x, v, order, sign):
    """A derivative of 1 / sqrt(x) * (1 - (4v^2 - 1) / (8x) + ...), term by term.

    The series of ive and, with another sign, of kve for large x (Abramowitz and Stegun 9.7.1).
    """
    term = 1 / np.sqrt(x) / x**order * (-1) ** order * np.prod(np.arange(order) + 0.5)
    z = term
    for k in range(1, 26):
        term = term * sign * (4 * v * v - (2 * k - 1) ** 2) / (8 * k) / x
        term = term * (k - 0.5 + order) / (k - 0.5)
        z = z + term
    return z


def by_recurrence(x, v, order, f, neighbours, itself):
    """A derivative of exp(-|x|) I or exp(x) K from the functions of neighboring order."""
    if order == 0:
        return f(v, x)
    lower = [by_recurrence(x, w, order - 1, f, neighbours, itself) for w in (v - 1, v, v + 1)]
    return neighbours * (lower[0] + lower[2]) / 2 + itself * lower[1]


def poisson_integral(x, v, order):
    """A derivative of exp(-x) I_v(x), x > 0 and v >= 0, by Poisson's integral (DLMF 10.32.2).

    That is x^v times the integral of exp(-xs) (s (2 - s))^(v - 1/2), s from 0 to 2. Differentiated
    under the integral it loses a factor of 2v + 1 and no power of x. Trapezoids in t, where
    s = 2 / (1 + exp(-pi sinh(t))), are exact to all digits.
    """
    total, step = np.zeros(np.broadcast(x, v).shape), 1 / 16
    for t in np.arange(-64, 65) * step:
        s, rest = 2 / (1 + np.exp([-pi * np.sinh(t), pi * np.sinh(t)]))
        falling = 1.0  # v (v - 1) ... of as many factors as s has not
        polynomial = np.zeros_like(total)
        for k in range(order, -1, -1):
            polynomial = polynomial + comb(order, k) * falling * (-x * s) ** k
            falling = falling * (v - (order - k))
        total += polynomial * np.exp(-x * s) * (s * rest) ** (v + 0.5) * np.cosh(t)
    scale = step * pi / 2 / (sqrt(pi) * sp.gamma(np.add(v, 0.5)) * 2.0 ** np.asarray(v))
    return scale * total * np.power(x, np.subtract(v, order, dtype=np.float64))


def hyperbolic_integral(x, v, order):
    """A derivative of exp(x) K_v(x), x >= 1: that of exp(-x (cosh t - 1)) cosh(vt) by trapezoids.

    DLMF 10.32.9. All terms have one sign.
    """
    total, step = np.zeros(np.broadcast(x, v).shape), 1 / 16
    for i in range(120):
        rise = 2 * np.sinh(i * step / 2) ** 2
        term = (-rise) ** order * np.exp(-x * rise) * np.cosh(np.multiply(v, i * step))
        total += term * (0.5 if i == 0 else 1.0)
    return step * total


@elementwise
def scaled_i(x, *, v, order):
    """The derivative of that order of ive(v, x).

    From |x| = 25 + v^2 by its asymptotic series, down to 1 by an integral, then by recurrence.
    """
    wide = np.asarray(x, np.float64)
    far = np.abs(wide) > 25 + np.square(v)
    mirrored = np.where(wide < 0, np.cos(pi * (np.asarray(v) + order)), 1)
    large = asymptotic(np.where(far, np.abs(wide), 25.0), v, order, -1) / sqrt(2 * pi) * mirrored
    middle = (np.abs(wide) >= 0.5) & (np.asarray(v) >= 0)
    between = poisson_integral(np.where(middle & ~far, np.abs(wide), 1.0), np.abs(v), order)
    x_near = np.where(far | middle, 1, wide)
    near_value = by_recurrence(x_near, v, order, sp.ive, 1, -np.sign(x_near))
    return np.where(far, large, np.where(middle, between * mirrored, near_value)).astype(x.dtype)


@elementwise
def scaled_k(x, *, v, order):
    """The derivative of that order of kve(v, x).

    From x = 25 + v^2 by its asymptotic series, down to 1 by an integral, then by recurrence.
    """
    wide = np.asarray(x, np.float64)
    far = wide > 25 + np.square(v)
    large = asymptotic(np.where(far, wide, 25.0), v, order, 1) * sqrt(pi / 2)
    middle = wide >= 1
    between = hyperbolic_integral(np.where(middle & ~far, wide, 1.0), v, order)
    near_value = by_recurrence(np.where(middle, 1, wide), v, order, sp.kve, -1, 1)
    return np.where(far, large, np.where(middle, between, near_value)).astype(x.dtype)


scaled_i.partial(lambda z, x, *, v, order: scaled_i(x, v=v, order=order + 1))
scaled_k.partial(lambda z, x, *, v, order: scaled_k(x, v=v, order=order + 1))
scaled_i.op.samples = [case((2, 3), v=1, order=1, domain=positive)]
scaled_k.op.samples = [case((2, 3), v=1, order=1, domain=positive)]


@elementwise
def gamma_density(x, *, v):
    """x^(v - 1) exp(-x) / gamma(v), as a square, whose root does not overflow before it.

    From v = 170, where gamma(v) overflows, by logarithms, which lose some digits.
    """
    wide, v = np.asarray(x, np.float64), np.asarray(v, np.float64)
    small = np.minimum(v, 170.0)
    z = np.square(wide ** ((small - 1) / 2) * np.exp(-wide / 2)) / sp.gamma(small)
    by_logarithm = np.exp(sp.xlogy(v - 1, wide) - wide - sp.gammaln(v))
    return np.where(v < 170, z, by_logarithm).astype(x.dtype)


gamma_density.partial(lambda z, x, *, v: z / x * (np.subtract(v, 1) - x))
gamma_density.op.samples = [case((2, 3), v=1.5, domain=positive)]

gammainc = of_order(sp.gammainc, lambda z, x, *, v: gamma_density(x, v=v))
gammaincc = of_order(sp.gammaincc, lambda z, x, *, v: -gamma_density(x, v=v))
