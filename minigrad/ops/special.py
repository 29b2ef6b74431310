"""SciPy's special functions: its ufuncs of real numbers that have a simple derivative.

SciPy is no dependency. This file is loaded when a ufunc that has no rule yet meets a tensor and
`scipy.special` is already there; so `scipy.special.gammaln(t)` works with no further import.

Orders and shape parameters whose derivative is not simple are settings: a tensor that requires a
gradient is refused there.
"""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np
import scipy.special as sp

from minigrad.core.op import elementwise, implements
from minigrad.core.registry import Function
from minigrad.core.samples import Domain, case, nonzero, positive, reals, unit
from minigrad.ops import exponential
from minigrad.ops.activations import logistic
from minigrad.ops.arithmetic import base, cbrt
from minigrad.ops.error_function import gaussian, normal_density
from minigrad.ops.trigonometry import cosine

probability = Domain(0.05, 0.95)
negative = Domain(-4.0, -0.2)

implements(sp.exp2)(exponential.exp2)  # SciPy has ufuncs of its own for these
implements(sp.expm1)(exponential.expm1)
implements(sp.log1p)(exponential.log1p)
implements(sp.cbrt)(cbrt)

# --- the error function and the normal distribution -----------------------------------------

erf = elementwise(sp.erf, lambda z, x: 2 / sqrt(pi) * gaussian(x), samples=reals)
erfc = elementwise(sp.erfc, lambda z, x: -2 / sqrt(pi) * gaussian(x), samples=reals)
erfi = elementwise(sp.erfi, lambda z, x: 2 / sqrt(pi) * np.exp(x * x), samples=unit)
erfcx = elementwise(sp.erfcx, lambda z, x: -tail_integral(x, order=1), samples=reals)
dawsn = elementwise(sp.dawsn, lambda z, x: 1 - 2 * x * z, samples=reals)
erfinv = elementwise(sp.erfinv, lambda z, x: sqrt(pi) / 2 * np.exp(z * z), samples=unit)
erfcinv = elementwise(sp.erfcinv, lambda z, x: -sqrt(pi) / 2 * np.exp(z * z), samples=probability)

ndtr = elementwise(sp.ndtr, lambda z, x: normal_density(x), samples=reals)
ndtri = elementwise(sp.ndtri, lambda z, x: sqrt(2 * pi) * np.exp(z * z / 2), samples=probability)
log_ndtr = elementwise(sp.log_ndtr, lambda z, x: inverse_mills(x), samples=reals)
ndtri_exp = elementwise(
    sp.ndtri_exp, lambda z, x: sqrt(pi / 2) * erfcx(-z / sqrt(2)), samples=negative
)


@elementwise
def tail_integral(x, *, order):
    """2^n exp(x^2) times the n-th repeated integral of erfc, n = order: erfcx where it is 0.

    Up to x = 1 by the recurrence in n, which gains there; beyond it loses all, and the continued
    fraction of the ratio of two neighbours has positive terms only (Abramowitz and Stegun 7.2.5).
    """
    wide = np.asarray(x, np.float64)
    ratio = np.zeros_like(wide)
    far = np.maximum(wide, 1.0)
    z = sp.erfcx(far)
    ratios = []
    for n in range(200, 0, -1):
        ratio = 1 / (2 * far + 2 * (n + 1) * ratio)
        if n <= order:
            ratios.append(ratio)
    for ratio in reversed(ratios):
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
    u = -np.minimum(x, 0) / sqrt(2)
    tail = sqrt(0.5) * tail_integral(u, order=1) / sp.erfcx(u)
    return np.where(x > -1, np.maximum(x, -1) + inverse_mills(x), tail).astype(x.dtype)


excess.partial(lambda z, x: 1 - inverse_mills(x) * z)
inverse_mills.op.samples = excess.op.samples = reals

# --- logistic -------------------------------------------------------------------------------

expit: Function = elementwise(sp.expit, lambda z, x: logistic(x), samples=reals)
logit = elementwise(sp.logit, lambda z, x: 1 / (x * (1 - x)), samples=probability)
log_expit = elementwise(sp.log_expit, lambda z, x: expit(-x), samples=reals)

# --- entropies: where x is 0 and the logarithm does not exist, derivatives are taken as 0 -----


def off(x, y):
    """Where `x * log(y)` is 0 although there is no logarithm."""
    return (x == 0) & (y <= 0)


xlogy = elementwise(
    sp.xlogy,
    lambda z, x, y: np.log(np.where(off(x, y), 1, y)),
    lambda z, x, y: x / np.where(off(x, y), 1, y),
    samples=(reals, positive),
)
xlog1py = elementwise(
    sp.xlog1py,
    lambda z, x, y: np.log1p(np.where(off(x, 1 + y), 0, y)),
    lambda z, x, y: x / np.where(off(x, 1 + y), 1, 1 + y),
    samples=(reals, positive),
)
entr = elementwise(sp.entr, lambda z, x: -np.log(x) - 1, samples=positive)
rel_entr = elementwise(
    sp.rel_entr, lambda z, x, y: log_ratio(x, y) + 1, lambda z, x, y: -x / y, samples=positive
)
kl_div = elementwise(
    sp.kl_div, lambda z, x, y: log_ratio(x, y), lambda z, x, y: (y - x) / y, samples=positive
)


@elementwise
def log_ratio(x, y):
    """log(x / y), where x / y may be too large or too small, and to the last digits near 1."""
    with np.errstate(all="ignore"):
        r = np.divide(x, y)
        z = np.where((r > 0.5) & (r < 2), np.log1p(np.subtract(x, y) / y), np.log(r))
        fits = (r > np.finfo(r.dtype).tiny) & (r < np.inf)
        return np.where(fits, z, np.log(x) - np.log(y))


log_ratio.partial(lambda z, x, y: 1 / x)
log_ratio.partial(lambda z, x, y: -1 / y)
log_ratio.op.samples = positive

# --- gamma and its kin ----------------------------------------------------------------------

gamma = elementwise(sp.gamma, lambda z, x: z * digamma(x), samples=positive)
gammaln = elementwise(sp.gammaln, lambda z, x: digamma(x), samples=positive)
loggamma = elementwise(sp.loggamma, lambda z, x: digamma(x), samples=positive)
gammasgn = elementwise(sp.gammasgn, 0, samples=positive)
digamma: Function = elementwise(sp.digamma, lambda z, x: polygamma(x, order=1), samples=positive)
polygamma: Function = elementwise(
    lambda x, *, order: sp.polygamma(order, x).astype(x.dtype),  # it gives float64 always
    lambda z, x, *, order: polygamma(x, order=order + 1),
    name="polygamma",
    samples=[case((2, 3), order=1, domain=positive), case((3,), order=2, domain=positive)],
)
beta = elementwise(
    sp.beta,
    lambda z, x, y: z * (digamma(x) - digamma(x + y)),
    lambda z, x, y: z * (digamma(y) - digamma(x + y)),
    samples=positive,
)
betaln = elementwise(
    sp.betaln,
    lambda z, x, y: digamma(x) - digamma(x + y),
    lambda z, x, y: digamma(y) - digamma(x + y),
    samples=positive,
)
binom = elementwise(
    sp.binom,
    lambda z, x, y: z * (digamma(x + 1) - digamma(x - y + 1)),
    lambda z, x, y: z * (digamma(x - y + 1) - digamma(y + 1)),
    samples=(Domain(4.2, 6.0), positive),
)
poch = elementwise(
    sp.poch,
    lambda z, x, y: z * (digamma(x + y) - digamma(x)),
    lambda z, x, y: z * digamma(x + y),
    samples=positive,
)

# --- powers, angles in degrees, losses ------------------------------------------------------

exp10 = elementwise(sp.exp10, lambda z, x: log(10) * z, samples=reals)
powm1 = elementwise(
    sp.powm1,
    lambda z, x, y: y * base(x, y) ** (y - 1),
    lambda z, x, y: x**y * np.log(x),
    samples=(positive, reals),
)
wrightomega = elementwise(sp.wrightomega, lambda z, x: z / (1 + z), samples=reals)

cosm1 = elementwise(sp.cosm1, lambda z, x: -np.sin(x), samples=reals)
sindg = elementwise(sp.sindg, lambda z, x: pi / 180 * cosdg(x), samples=reals)
cosdg: Function = elementwise(sp.cosdg, lambda z, x: -pi / 180 * sindg(x), samples=reals)
tandg = elementwise(sp.tandg, lambda z, x: pi / 180 * (1 + z * z), samples=reals)
cotdg = elementwise(sp.cotdg, lambda z, x: -pi / 180 * (1 + z * z), samples=Domain(40.0, 50.0))

huber = elementwise(  # x is delta
    sp.huber,
    lambda z, x, y: np.where(np.abs(y) > x, np.abs(y) - x, 0),
    lambda z, x, y: np.minimum(np.maximum(y, -x), x),
    samples=(positive, reals),
)
pseudo_huber = elementwise(  # x is delta
    sp.pseudo_huber,
    lambda z, x, y: y * np.square(y / (np.hypot(x, y) + x)) * cosine(y, x),
    lambda z, x, y: x * cosine(y, x),
    samples=(positive, reals),
)

# --- integrals ------------------------------------------------------------------------------

exp1 = elementwise(sp.exp1, lambda z, x: -np.exp(-x) / x, samples=positive)
expi = elementwise(sp.expi, lambda z, x: np.exp(x) / x, samples=positive)

sine_integral = elementwise(
    lambda x: sp.sici(x)[0], lambda z, x: np.sinc(x / pi), name="Si", samples=positive
)
cosine_integral = elementwise(
    lambda x: sp.sici(x)[1], lambda z, x: np.cos(x) / x, name="Ci", samples=positive
)
fresnel_sine = elementwise(
    lambda x: sp.fresnel(x)[0], lambda z, x: np.sin(pi / 2 * x * x), name="S", samples=reals
)
fresnel_cosine = elementwise(
    lambda x: sp.fresnel(x)[1], lambda z, x: np.cos(pi / 2 * x * x), name="C", samples=reals
)


@implements(sp.sici)
def sici(x):
    """The sine and the cosine integral; as `scipy.special.sici`.

    >>> import scipy.special, minigrad as mg
    >>> sine, cosine = scipy.special.sici(mg.Tensor(1.0))
    >>> sine
    Tensor(0.94608307)
    """
    return sine_integral(x), cosine_integral(x)


@implements(sp.fresnel)
def fresnel(x):
    """The Fresnel integrals S and C; as `scipy.special.fresnel`.

    >>> import scipy.special, minigrad as mg
    >>> sine, cosine = scipy.special.fresnel(mg.Tensor(1.0))
    >>> cosine
    Tensor(0.7798934)
    """
    return fresnel_sine(x), fresnel_cosine(x)


# --- functions of an order, which is a setting, and a number ------------------------------------


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


jv: Function = of_order(sp.jv, lambda z, x, *, v: (jv(v - 1, x) - jv(v + 1, x)) / 2)
yv: Function = of_order(sp.yv, lambda z, x, *, v: (yv(v - 1, x) - yv(v + 1, x)) / 2)
iv: Function = of_order(sp.iv, lambda z, x, *, v: (iv(v - 1, x) + iv(v + 1, x)) / 2)
kv: Function = of_order(sp.kv, lambda z, x, *, v: -(kv(v - 1, x) + kv(v + 1, x)) / 2)
ive: Function = of_order(sp.ive, lambda z, x, *, v: scaled_i(x, v=v, order=1))
kve: Function = of_order(sp.kve, lambda z, x, *, v: scaled_k(x, v=v, order=1))

j0 = elementwise(sp.j0, lambda z, x: -j1(x), samples=reals)
j1: Function = elementwise(sp.j1, lambda z, x: (j0(x) - jv(2, x)) / 2, samples=reals)
y0 = elementwise(sp.y0, lambda z, x: -y1(x), samples=positive)
y1: Function = elementwise(sp.y1, lambda z, x: (y0(x) - yv(2, x)) / 2, samples=positive)
i0 = elementwise(sp.i0, lambda z, x: i1(x), samples=reals)
i1: Function = elementwise(sp.i1, lambda z, x: (i0(x) + iv(2, x)) / 2, samples=reals)
k0 = elementwise(sp.k0, lambda z, x: -k1(x), samples=positive)
k1: Function = elementwise(sp.k1, lambda z, x: -(k0(x) + kv(2, x)) / 2, samples=positive)
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


@elementwise
def scaled_i(x, *, v, order):
    """The derivative of that order of ive(v, x); from |x| = 25 + v^2 by its asymptotic series."""
    wide = np.asarray(x, np.float64)
    far = np.abs(wide) > 25 + np.square(v)
    mirrored = np.where(wide < 0, np.cos(pi * (np.asarray(v) + order)), 1)
    large = asymptotic(np.where(far, np.abs(wide), 25.0), v, order, -1) / sqrt(2 * pi) * mirrored
    x_near = np.where(far, 1, wide)
    z = by_recurrence(x_near, v, order, sp.ive, 1, -np.sign(x_near))
    return np.where(far, large, z).astype(x.dtype)


@elementwise
def scaled_k(x, *, v, order):
    """The derivative of that order of kve(v, x); from x = 25 + v^2 by its asymptotic series."""
    wide = np.asarray(x, np.float64)
    far = wide > 25 + np.square(v)
    large = asymptotic(np.where(far, wide, 25.0), v, order, 1) * sqrt(pi / 2)
    z = by_recurrence(np.where(far, 1, wide), v, order, sp.kve, -1, 1)
    return np.where(far, large, z).astype(x.dtype)


scaled_i.partial(lambda z, x, *, v, order: scaled_i(x, v=v, order=order + 1))
scaled_k.partial(lambda z, x, *, v, order: scaled_k(x, v=v, order=order + 1))
scaled_i.op.samples = [case((2, 3), v=1, order=1, domain=positive)]
scaled_k.op.samples = [case((2, 3), v=1, order=1, domain=positive)]


def incomplete_gamma(sign):
    """The partial derivative in x of the incomplete gamma function and of its complement."""

    def partial(z, x, *, v):
        return sign * np.exp(sp.xlogy(v - 1, x) - x - sp.gammaln(v))

    return partial


gammainc = of_order(sp.gammainc, incomplete_gamma(1))
gammaincc = of_order(sp.gammaincc, incomplete_gamma(-1))
